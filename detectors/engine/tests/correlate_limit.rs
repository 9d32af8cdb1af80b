//! Which groups of correlations go where there are too many, and that their going is counted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;

use bavn_engine::correlate::Correlator;
use bavn_engine::owned::OwnedEvent;
use bavn_engine::{Matcher, Plan};
use common::{plan_bytes, rule};
use serde_json::{Value, json};

const SECOND: u64 = 1_000_000_000;

/// A correlation over rule 0, grouped by the name that was asked for.
fn correlation(number: usize, op: &str, count: i64) -> Value {
    let mut all = rule(number, "dns", &json!(null));
    all.as_object_mut().unwrap().remove("targets");
    all["correlation"] = json!({
        "type": "event_count", "timespan": 100 * SECOND, "op": op, "count": count,
        "inputs": [{"rule": rule(0, "dns", &json!(null))["id"],
                    "views": [{"kind": "dns", "group": [["dns.question.name"]]}]}],
    });
    all
}

struct Bench {
    matcher: Matcher,
    correlator: Correlator,
    now: u64,
}

impl Bench {
    fn new(most: usize, correlations: &[Value]) -> Self {
        let predicate = json!({"field": "dns.question.name", "op": "exists", "value": true});
        let any = rule(0, "dns", &json!({"p": 0}));
        let rules: Vec<Value> = [any].into_iter().chain(correlations.iter().cloned()).collect();
        let (plan, errors) = Plan::load(&plan_bytes(&[predicate], &rules)).unwrap();
        assert!(errors.is_empty(), "{errors:?}");
        let plan = Arc::new(plan);
        Self {
            matcher: Matcher::new(Arc::clone(&plan)),
            correlator: Correlator::with_limit(plan, most),
            now: 1_700_000_000 * SECOND,
        }
    }

    /// A second later each name is asked for, one after the other; gives the groups of what fired.
    fn ask(&mut self, names: &str) -> Vec<String> {
        let mut fired = Vec::new();
        for name in names.chars() {
            self.now += SECOND;
            let json =
                json!({"kind": "dns", "time": self.now, "fields": {"dns.question.name": name.to_string()}});
            OwnedEvent::from_json(json.to_string().as_bytes()).unwrap().with(|event| {
                assert!(self.matcher.match_event(event).contains(&0));
                self.correlator.hit(0, event, &mut fired);
            });
        }
        fired.into_iter().map(|one| one.group[0].1.clone()).collect()
    }

    fn groups_and_evicted(&self) -> (u64, u64) {
        let counts = self.correlator.counts();
        (counts.groups, counts.evicted)
    }
}

#[test]
fn the_group_that_was_quiet_longest_goes() {
    let mut bench = Bench::new(3, &[correlation(1, "gte", 3)]);
    assert_eq!(bench.ask("abcbac"), [""; 0]);
    assert_eq!(bench.groups_and_evicted(), (3, 0));
    // The order of their newest hits is b, a, c.
    assert_eq!(bench.ask("d"), [""; 0]);
    assert_eq!(bench.groups_and_evicted(), (3, 1));
    assert_eq!(bench.ask("a"), ["a"], "kept");
    assert_eq!(bench.ask("b"), [""; 0], "its first two hits are forgotten, and c went for it");
    assert_eq!(bench.ask("dd"), ["d"], "kept");
    assert_eq!(bench.groups_and_evicted(), (3, 2));
}

#[test]
fn the_correlation_with_most_groups_pays() {
    let mut second = correlation(2, "gte", 2);
    second["correlation"]["inputs"][0]["views"][0]["group"] = json!([["dns.question.type"]]);
    let mut bench = Bench::new(4, &[correlation(1, "gte", 2), second]);
    // No event has a type: the second correlation has no groups, and what lacks one is counted.
    bench.ask("abcde");
    assert_eq!(bench.groups_and_evicted(), (4, 1));
    assert_eq!(bench.correlator.counts().without_group, 5);
}

#[test]
fn a_group_that_went_is_not_judged() {
    let mut bench = Bench::new(2, &[correlation(1, "lt", 2)]);
    bench.ask("abc");
    let mut fired = Vec::new();
    bench.correlator.advance(bench.now + 200 * SECOND, 9, &mut fired);
    let told: Vec<&str> = fired.iter().map(|one| one.group[0].1.as_str()).collect();
    assert_eq!(told, ["b", "c"]);
    assert_eq!(bench.groups_and_evicted(), (0, 1));
}

#[test]
fn a_flood_of_groups_stays_within_the_limit() {
    let mut bench = Bench::new(16, &[correlation(1, "gte", 2)]);
    let names: String = ('\u{4e00}'..='\u{9fff}').take(2000).collect();
    assert_eq!(bench.ask(&names), [""; 0]);
    assert_eq!(bench.groups_and_evicted(), (16, 1984));
    let newest = names.chars().next_back().unwrap().to_string();
    assert_eq!(bench.ask(&newest), std::slice::from_ref(&newest));
}
