//! Events a second of the engine on synthetic HTTP events, with 100 to 10,000 synthetic rules in the shapes of the
//! stock ones (44 % contains, 25 % suffix, 26 % exact, 0.3 % regular expressions), on one core.
//!
//! `cargo run --release -p bavn-engine --example events_per_second [rules…]`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::sync::Arc;

use bavn_engine::{Matcher, Plan};
use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, EventKind, FlowInfo, Transport, Value};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

/// Different events; more than caches hold of their texts would measure memory, fewer would measure the branch predictor.
const EVENTS: usize = 4_096;
const SECONDS: f64 = 1.5;

/// A small generator (xorshift64*), so that every run makes the same rules.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// A pronounceable word, so that its grams are those of words.
    fn word(&mut self) -> String {
        let parts = [
            "ad", "min", "con", "fig", "up", "load", "shell", "ex", "ec", "ser", "vice", "re", "port", "da",
            "ta", "user", "in", "dex", "web", "log", "sys", "tem", "net", "ba", "sic", "ma", "nage", "view",
            "er", "tion", "ka", "ro",
        ];
        (0..2 + self.below(3)).map(|_| self.pick(&parts)).collect()
    }
}

/// The rules' literals carry a number, so that few events match.
fn literal(dice: &mut Dice, contains: bool) -> String {
    let word = dice.word();
    match dice.below(6) {
        0 => format!("/{word}/{}.php", dice.word()),
        1 => format!("{word}={}", dice.word()),
        2 => format!("../{word}{}", dice.below(1_000)),
        3 if contains => format!("{word}%20{}", dice.word()),
        4 => format!("/{word}{}/{}.jsp", dice.below(100), dice.word()),
        _ => format!("{word}{}.{}", dice.below(10_000), dice.pick(&["asp", "cgi", "php", "exe", "dll"])),
    }
}

/// One leaf. In a list of alternatives none is common, or the rule would match every other event.
fn predicate(dice: &mut Dice, common: bool) -> Json {
    let text_fields =
        ["url.original", "url.query", "url.path", "user_agent.original", "http.request.referrer"];
    match dice.below(1_000) {
        0..3 => json!({"field": dice.pick(&["url.original", "url.query"]), "op": "re",
            "value": format!("/{}[0-9a-f]{{4,8}}/{}\\.php", dice.word(), dice.word())}),
        3..443 => json!({"field": dice.pick(&text_fields), "op": "contains", "value": literal(dice, true)}),
        443..693 if dice.below(2) == 0 => json!({"field": "url.domain", "op": "endswith",
            "value": format!(".{}{}.{}", dice.word(), dice.below(100), dice.pick(&["com", "net", "top", "xyz"]))}),
        443..693 => {
            json!({"field": dice.pick(&["url.original", "url.path"]), "op": "endswith", "value": literal(dice, false)})
        }
        693..730 => {
            json!({"field": "bavn.http.raw", "op": "contains", "value": format!("{}({}", dice.word(), dice.word())})
        }
        730..860 if common => {
            json!({"field": "http.request.method", "op": "eq", "value": dice.pick(&["GET", "POST", "PUT"])})
        }
        860..910 if common => {
            json!({"field": "http.response.status_code", "op": "eq", "value": dice.pick(&["200", "404", "500"])})
        }
        _ => {
            json!({"field": dice.pick(&["user_agent.original", "url.path", "url.domain"]), "op": "eq", "value": literal(dice, false)})
        }
    }
}

/// Half the rules are a list of literals, the others a list and one or two more conditions, some negated.
fn plan(count: usize, dice: &mut Dice) -> Vec<u8> {
    let (mut predicates, mut rules) = (Vec::new(), Vec::new());
    for number in 0..count {
        let mut add = |dice: &mut Dice, common: bool| {
            predicates.push(predicate(dice, common));
            json!({"p": predicates.len() - 1})
        };
        let selective = |dice: &mut Dice, add: &mut dyn FnMut(&mut Dice, bool) -> Json| {
            let all: Vec<Json> = (0..1 + dice.below(5)).map(|_| add(dice, false)).collect();
            json!({"or": all})
        };
        let list = selective(dice, &mut add);
        let condition = match dice.below(4) {
            0 => json!({"and": [list, add(dice, true)]}),
            1 => json!({"and": [list, {"not": add(dice, true)}]}),
            _ => list,
        };
        rules.push(json!({
            "id": format!("00000000-0000-4000-8000-{number:012}"), "version": "0123456789abcdef", "title": "A rule",
            "description": "What the rule looks for, in a sentence or two as rules have them.",
            "targets": [{"kind": "http", "condition": condition}],
        }));
    }
    let rest =
        json!({"format": "bavn-plan", "version": 1, "predicates": predicates, "rules": rules}).to_string();
    let digest: String = Sha256::digest(&rest).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{{\"digest\":\"{digest}\",{}", &rest[1..]).into_bytes()
}

struct Http {
    method: String,
    status: u64,
    target: String,
    path: usize,
    host: String,
    agent: String,
    referrer: String,
    raw: String,
}

fn http(dice: &mut Dice) -> Http {
    let agents = [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        "curl/8.7.1",
        "python-requests/2.31.0",
    ];
    let path = format!("/{}/{}.{}", dice.word(), dice.word(), dice.pick(&["html", "js", "png", "php"]));
    let odd = if dice.below(100) == 0 { literal(dice, true) } else { String::new() };
    let target = format!("{path}?{}={}{odd}", dice.word(), dice.below(1_000_000));
    let host =
        format!("{}.{}.{}", dice.pick(&["www", "cdn", "api"]), dice.word(), dice.pick(&["com", "net", "dk"]));
    let method = dice.pick(&["GET", "GET", "GET", "POST"]).to_owned();
    let agent = dice.pick(&agents).to_owned();
    let raw = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\n");
    let status = if dice.below(20) == 0 { 404 } else { 200 };
    Http { status, path: path.len(), referrer: format!("http://{host}/"), method, target, host, agent, raw }
}

impl Http {
    fn fields(&self) -> Vec<(Field, Value<'_>)> {
        let text = |text: &'static str| Value::Text(text.as_bytes());
        vec![
            (Field::HttpRaw, Value::Text(self.raw.as_bytes())),
            (Field::HttpRequestMethod, Value::Text(self.method.as_bytes())),
            (Field::HttpRequestReferrer, Value::Text(self.referrer.as_bytes())),
            (Field::HttpResponseStatusCode, Value::Number(self.status)),
            (Field::HttpVersion, text("1.1")),
            (Field::UrlDomain, Value::Text(self.host.as_bytes())),
            (Field::UrlOriginal, Value::Text(self.target.as_bytes())),
            (Field::UrlPath, Value::Text(&self.target.as_bytes()[..self.path])),
            (Field::UrlQuery, Value::Text(&self.target.as_bytes()[self.path + 1..])),
            (Field::UserAgent, Value::Text(self.agent.as_bytes())),
        ]
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Seconds of CPU that this process had: what others do on the machine does not count.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

fn main() {
    let flow = FlowInfo {
        ip: ["10.0.0.5".parse().unwrap(), "192.0.2.1".parse().unwrap()],
        port: [50_000, 80],
        transport: Transport::TCP,
        vlan: [None; 2],
        tunnel: 0,
        start: 0,
        last: 0,
        packets: [1; 2],
        bytes: [1; 2],
        id: 1,
    };
    let mut dice = Dice(0x1234_5678_9abc_def1);
    let events: Vec<Http> = (0..EVENTS).map(|_| http(&mut dice)).collect();
    let fields: Vec<_> = events.iter().map(Http::fields).collect();
    let bytes: usize =
        fields.iter().flatten().map(|(_, v)| if let Value::Text(t) = v { t.len() } else { 8 }).sum();
    println!(
        "{} bytes in fields per event, {} in the raw view",
        bytes / EVENTS,
        events.iter().map(|e| e.raw.len()).sum::<usize>() / EVENTS
    );
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let counts = if asked.is_empty() { vec![100, 1_000, 3_000, 10_000] } else { asked };
    println!(
        "{:>7} {:>9} {:>9} {:>12} {:>8} {:>11} {:>9}",
        "rules", "load ms", "MiB", "events/s", "ns", "candidates", "matches"
    );
    for count in counts {
        let json = plan(count, &mut Dice(0x9e37_79b9_7f4a_7c15));
        let (before, start) = (resident_kib(), cpu_seconds());
        let (plan, errors) = Plan::load(&json).unwrap();
        let load = cpu_seconds() - start;
        assert!(errors.is_empty(), "{errors:?}");
        let mut matcher = Matcher::new(Arc::new(plan));
        let after = resident_kib();
        let (start, mut rounds) = (cpu_seconds(), 0_usize);
        while cpu_seconds() - start < SECONDS {
            for fields in &fields {
                matcher.match_event(&Event {
                    kind: EventKind::Http,
                    time: 0,
                    packet: 1,
                    flow: &flow,
                    fields,
                });
            }
            rounds += 1;
        }
        let total = (rounds * EVENTS) as f64;
        let seconds = cpu_seconds() - start;
        let sum = |of: fn(&bavn_engine::matcher::RuleCounters) -> u64| {
            matcher.counters().iter().map(of).sum::<u64>() as f64 / total
        };
        println!(
            "{count:>7} {:>9.1} {:>9.1} {:>12.0} {:>8.0} {:>11.3} {:>9.3}",
            load * 1e3,
            after.saturating_sub(before) as f64 / 1024.0,
            total / seconds,
            seconds / total * 1e9,
            sum(|c| c.candidates),
            sum(|c| c.matches)
        );
    }
}
