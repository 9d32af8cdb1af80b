use std::fmt::Write;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;

const SECOND: u64 = 1_000_000_000;

/// A plan whose every rule matches every event of its kind.
fn plan(kinds: &[&str]) -> Arc<Plan> {
    let rules: Vec<Value> = kinds.iter().enumerate().map(|(number, kind)| rule(number, kind)).collect();
    let predicates = json!([{"field": "source.port", "op": "exists", "value": true}]);
    let rest = json!({"format": "bavn-plan", "version": 1, "predicates": predicates, "rules": rules});
    let text = rest.to_string();
    let digest = Sha256::digest(&text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let sealed = format!("{{\"digest\":\"{digest}\",{}", &text[1..]);
    let (plan, refused) = Plan::load(sealed.as_bytes()).unwrap();
    assert!(refused.is_empty(), "{refused:?}");
    Arc::new(plan)
}

fn rule(number: usize, kind: &str) -> Value {
    json!({
        "id": format!("00000000-0000-4000-8000-{number:012}"), "version": "0123456789abcdef",
        "title": format!("Rule {number}"), "level": "low", "status": "test", "description": "",
        "author": "A", "license": "EUPL-1.2", "references": [], "tags": [], "falsepositives": [],
        "source": format!("test/{number}.yml"), "logsource": {}, "fields": [],
        "targets": [{"kind": kind, "condition": {"p": 0}}],
    })
}

fn worker(plan: Option<Arc<Plan>>, evidence_bytes: usize) -> Worker {
    let settings = json!({
        "agency": "a", "sensor": "s", "key": "00".repeat(32), "tlp": "AMBER", "retention": "other",
        "events": plan.is_none(), "evidence_bytes": evidence_bytes,
    });
    Worker::new(plan, &Settings::read(settings.to_string().as_bytes()).unwrap()).unwrap()
}

/// A datagram of a flow of its own.
fn datagram(n: u32, payload: &[u8]) -> Vec<u8> {
    let len = 28 + payload.len() as u16;
    let mut out = vec![0x45, 0];
    out.extend(len.to_be_bytes());
    out.extend([0, 0, 0, 0, 64, 17, 0, 0, 10]);
    out.extend(&n.to_be_bytes()[1..]);
    out.extend([192, 0, 2, 1]);
    for word in [1000, 9999, len - 20, 0] {
        out.extend(word.to_be_bytes());
    }
    out.extend(payload);
    out
}

fn frame(time: u64, data: &[u8]) -> Frame<'_> {
    Frame { time, link: LinkType::RAW, interface: 0, wire_len: data.len() as u32, vlan_tci: None, data }
}

fn push(worker: &mut Worker, flows: std::ops::Range<u32>, time: u64) {
    for n in flows {
        worker.frame(&frame(time, &datagram(n, b"x")), time);
    }
}

fn documents(output: &Output) -> Vec<Value> {
    output.alerts.iter().map(|one| serde_json::from_slice(&one.alert).unwrap()).collect()
}

fn finish(worker: &mut Worker) -> Vec<Output> {
    let mut all = Vec::new();
    loop {
        all.push(worker.finish(SECOND));
        if !all.last().unwrap().more {
            return all;
        }
    }
}

#[test]
fn no_alert_waits_for_the_end_however_many_flows_end_at_once() {
    let mut worker = worker(Some(plan(&["flow"])), 1 << 20);
    push(&mut worker, 0..5000, SECOND);
    let output = worker.step(200 * SECOND, Duration::ZERO);
    assert_eq!(output.alerts.len(), 5000);
    assert!(output.alerts.iter().all(|one| one.evidence.is_some()));
    assert_eq!(finish(&mut worker).iter().map(|output| output.alerts.len()).sum::<usize>(), 0);
}

#[test]
fn what_a_step_gives_is_bounded_at_the_end_too() {
    let mut worker = worker(None, 0);
    push(&mut worker, 0..20_000, SECOND);
    let outputs = finish(&mut worker);
    assert!(outputs.len() > 4 && outputs.iter().all(|output| output.events.len() < 2 << 20));
    let lines = outputs.iter().flat_map(|output| &output.events).filter(|byte| **byte == b'\n').count();
    assert_eq!(lines, 20_000);
}

#[test]
fn the_clock_ends_flows_of_pushed_frames_and_alerts_bear_the_time_of_the_push() {
    let mut worker = worker(Some(plan(&["flow"])), 0);
    push(&mut worker, 0..1, 1_700_000_000 * SECOND);
    assert!(worker.step(1_700_000_001 * SECOND, Duration::ZERO).alerts.is_empty());
    push(&mut worker, 1..2, 1_700_000_100 * SECOND);
    let output = worker.step(1_700_000_300 * SECOND, Duration::ZERO);
    let documents = documents(&output);
    assert_eq!(documents.len(), 2);
    let created = documents[0]["event"]["created"].as_str().unwrap();
    assert!(created.starts_with("2023-11-14T22:15:00"), "{created}");
    assert_eq!(worker.path.wire.flows(), 0);
}

#[test]
fn no_clock_ends_the_flows_of_a_file() {
    let mut worker = worker(None, 0);
    worker.path.take(&frame(SECOND, &datagram(1, b"x")));
    assert!(!worker.step(1_700_000_000 * SECOND, Duration::ZERO).more);
    assert_eq!(worker.path.wire.flows(), 1);
}

/// A flow that ends gives its alert at once, one that goes on waits for packets: they leave as they came.
#[test]
fn alerts_leave_in_the_order_of_their_hits_in_every_run() {
    let run = |every: usize| {
        let mut worker = worker(Some(plan(&["flow", "weird"])), 1 << 20);
        let mut all = Vec::new();
        for n in 0..400_u32 {
            let mut data = datagram(n % 300, b"x");
            if n % 7 == 0 {
                data[0] = 0x41;
            }
            worker.path.take(&frame(u64::from(n) * SECOND / 2, &data));
            if (n as usize).is_multiple_of(every) {
                all.extend(documents(&worker.step(0, Duration::ZERO)));
            }
        }
        for output in finish(&mut worker) {
            all.extend(documents(&output));
        }
        all.into_iter().map(|document| document["event"]["id"].to_string()).collect::<Vec<_>>()
    };
    let (often, once) = (run(1), run(1000));
    assert!(once.len() > 300, "{}", once.len());
    assert_eq!(often, once);
}

#[test]
fn rules_that_match_one_flow_at_once_share_a_capture() {
    let mut worker = worker(Some(plan(&["flow"; 50])), 1 << 20);
    push(&mut worker, 0..1, SECOND);
    let output = worker.step(200 * SECOND, Duration::ZERO);
    let first = output.alerts[0].evidence.clone().unwrap();
    assert_eq!(output.alerts.len(), 50);
    assert!(output.alerts.iter().all(|one| Arc::ptr_eq(one.evidence.as_ref().unwrap(), &first)));
}

#[test]
fn a_reload_adds_kinds_of_events() {
    let dns = |n| datagram(n, b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04test\x07example\0\0\x01\0\x01");
    let mut worker = worker(Some(plan(&["tls"])), 0);
    let ask = |worker: &mut Worker, n: u32| {
        let mut data = dns(n);
        data[22..24].copy_from_slice(&53_u16.to_be_bytes());
        worker.frame(&frame(SECOND, &data), SECOND);
    };
    ask(&mut worker, 1);
    worker.swap(plan(&["dns"]));
    ask(&mut worker, 2);
    let alerts: usize = finish(&mut worker).iter().map(|output| output.alerts.len()).sum();
    assert_eq!(alerts, 1);
}

#[test]
fn the_packets_of_a_parser_that_failed_are_handed_out() {
    let settings = json!({
        "agency": "a", "sensor": "s", "key": "00".repeat(32), "tlp": "AMBER", "retention": "other",
        "events": true, "evidence_bytes": 1 << 20, "simulate": ["panic"],
    });
    let mut worker = Worker::new(None, &Settings::read(settings.to_string().as_bytes()).unwrap()).unwrap();
    push(&mut worker, 0..1000, SECOND);
    let output = worker.step(SECOND, Duration::ZERO);
    assert_eq!(output.failures.len(), 1);
    assert!(output.failures[0].len() > 24 + 16);
}
