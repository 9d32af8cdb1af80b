//! Events a second of the engine, on one core, on the HTTP events that the wire makes of a capture: what
//! `bench/engine.py` runs. Its figures are one line of JSON.
//!
//! `events_per_second CAPTURE PLAN [ROUNDS]`: so many rounds over the events, else rounds for some seconds of CPU.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::sync::Arc;

use bavn_engine::{Matcher, Plan};
use bavn_wire::capture::Capture;
use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, EventKind, Sink, Value};
use bavn_wire::pipeline::{Wire, WireConfig};
use serde_json::json;

const SECONDS: f64 = 1.5;
const LOADS: usize = 7;

/// Keeps events for good, as the wire lent them.
#[derive(Default)]
struct Kept(Vec<Event<'static>>);

impl Sink for Kept {
    fn event(&mut self, event: &Event<'_>) {
        if event.kind != EventKind::Http {
            return;
        }
        let whole = event.fields.iter().find(|(field, _)| *field == Field::HttpRaw);
        let whole =
            whole.and_then(|(_, value)| if let Value::Text(text) = value { Some(*text) } else { None });
        let whole =
            Whole { lent: whole.unwrap_or_default(), kept: whole.unwrap_or_default().to_vec().leak() };
        let fields: Vec<_> = event.fields.iter().map(|(field, value)| (*field, whole.keep(value))).collect();
        let flow = Box::leak(Box::new(event.flow.clone()));
        let Event { kind, time, packet, .. } = *event;
        self.0.push(Event { kind, time, packet, flow, fields: fields.leak() });
    }
}

/// The text that others are cut out of: they are cut out of its copy, too.
struct Whole<'a> {
    lent: &'a [u8],
    kept: &'static [u8],
}

impl Whole<'_> {
    fn keep(&self, value: &Value<'_>) -> Value<'static> {
        match *value {
            Value::Unobserved => Value::Unobserved,
            Value::Bool(flag) => Value::Bool(flag),
            Value::Number(number) => Value::Number(number),
            Value::Float(number) => Value::Float(number),
            Value::Time(ns) => Value::Time(ns),
            Value::Ip(ip) => Value::Ip(ip),
            Value::Text(text) => Value::Text(self.cut(text)),
            Value::List(items) => {
                Value::List(items.iter().map(|item| self.keep(item)).collect::<Vec<_>>().leak())
            }
        }
    }

    fn cut(&self, text: &[u8]) -> &'static [u8] {
        let from = text.as_ptr().addr().checked_sub(self.lent.as_ptr().addr());
        let cut = from.and_then(|from| self.kept.get(from..from.checked_add(text.len())?));
        cut.unwrap_or_else(|| text.to_vec().leak())
    }
}

fn events(capture: &Path) -> Vec<Event<'static>> {
    let mut all = Kept::default();
    let mut capture = Capture::open(capture).unwrap();
    let mut wire = Wire::new(WireConfig { kinds: vec![EventKind::Http], ..WireConfig::default() });
    while let Some(frame) = capture.next_frame().unwrap() {
        wire.frame(&frame, &mut all);
    }
    wire.finish(&mut all);
    all.0
}

/// Bytes of an event's texts, without the lists of headers that none of the rules asks for; and those of its raw view among them.
fn sizes(events: &[Event<'_>]) -> (usize, usize) {
    let text = |value: &Value<'_>| if let Value::Text(text) = value { text.len() } else { 0 };
    let of = |event: &Event<'_>, raw: bool| -> usize {
        let all = event.fields.iter().filter(|(field, _)| !raw || *field == Field::HttpRaw);
        all.map(|(_, value)| text(value)).sum()
    };
    let sum = |raw| events.iter().map(|event| of(event, raw)).sum::<usize>() / events.len();
    (sum(false), sum(true))
}

/// KiB of this process that no file stands behind.
fn anonymous() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Seconds of CPU that this thread had: what others do on the machine does not count. Yielding brings the count up to date.
fn cpu_seconds() -> f64 {
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn main() {
    let mut words = std::env::args().skip(1);
    let events = events(Path::new(&words.next().unwrap()));
    let json = std::fs::read(words.next().unwrap()).unwrap();
    let rounds: Option<usize> = words.next().map(|word| word.parse().unwrap());
    let load = || {
        let start = cpu_seconds();
        let (plan, errors) = Plan::load(&json).unwrap();
        assert!(errors.is_empty(), "{errors:?}");
        (cpu_seconds() - start, plan)
    };
    let before = anonymous();
    let (first, plan) = load();
    let loaded = anonymous();
    let rules = plan.rules().len();
    let mut matcher = Matcher::new(Arc::new(plan));
    let mut matching = 0_usize;
    let mut once = || {
        for event in &events {
            matching += usize::from(!matcher.match_event(event).is_empty());
        }
    };
    once();
    let warm = anonymous();
    let (start, mut done) = (cpu_seconds(), 0_usize);
    while rounds.map_or_else(|| cpu_seconds() - start < SECONDS, |rounds| done < rounds) {
        once();
        done += 1;
    }
    let spent = cpu_seconds() - start;
    let total = ((done + 1) * events.len()) as f64;
    let counters = matcher.counters();
    let busiest = counters.iter().enumerate().max_by_key(|(_, rule)| rule.candidates);
    let busiest = busiest.map(|(place, rule)| (place, rule.candidates as f64 / total));
    let candidates: u64 = counters.iter().map(|rule| rule.candidates).sum();
    let loads =
        if rounds.is_none() { (1..LOADS).map(|_| load().0).chain([first]).collect() } else { vec![first] };
    let (bytes, raw) = sizes(&events);
    let line = json!({
        "rules": rules, "events": events.len(), "bytes": bytes, "raw": raw, "plan_bytes": json.len(),
        "load_ms": median(loads) * 1e3, "plan_kib": loaded.saturating_sub(before),
        "warm_kib": warm.saturating_sub(before), "ns": spent / (done * events.len()).max(1) as f64 * 1e9,
        "candidates": candidates as f64 / total, "matching": matching as f64 / total,
        "busiest": busiest,
    });
    println!("{line}");
}
