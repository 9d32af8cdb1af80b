//! The vectors in `vectors/sigma`, through the tree walk and through the index.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;

use bavn_engine::condition::Outcome;
use bavn_engine::owned::OwnedEvent;
use bavn_engine::{Matcher, Plan, naive};
use common::{plan_bytes, rule};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct File {
    test: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    name: String,
    #[serde(default = "http_kind")]
    kind: String,
    predicate: Option<Value>,
    #[serde(default)]
    predicates: Vec<Value>,
    condition: Option<Value>,
    #[serde(default, rename = "true")]
    yes: Vec<Map<String, Value>>,
    #[serde(default, rename = "false")]
    no: Vec<Map<String, Value>>,
    #[serde(default)]
    unknown: Vec<Map<String, Value>>,
}

fn http_kind() -> String {
    "http".to_owned()
}

fn event(kind: &str, fields: &Map<String, Value>) -> OwnedEvent {
    let mut fields = fields.clone();
    let unobserved = fields.remove("?").unwrap_or_else(|| json!([]));
    let json = json!({"kind": kind, "fields": fields, "unobserved": unobserved});
    OwnedEvent::from_json(json.to_string().as_bytes()).unwrap()
}

fn run(test: &Test) -> usize {
    let predicates: Vec<Value> = test.predicate.iter().chain(&test.predicates).cloned().collect();
    let condition = test.condition.clone().unwrap_or_else(|| json!({"p": 0}));
    let (plan, errors) = Plan::load(&plan_bytes(&predicates, &[rule(0, &test.kind, &condition)])).unwrap();
    assert!(errors.is_empty(), "{}: {errors:?}", test.name);
    let plan = Arc::new(plan);
    let groups = [(Outcome::True, &test.yes), (Outcome::False, &test.no), (Outcome::Unknown, &test.unknown)];
    for (want, events) in groups {
        for fields in events {
            event(&test.kind, fields).with(|event| {
                assert_eq!(naive::outcome(&plan, 0, event), want, "{}: {fields:?}", test.name);
                let mut matcher = Matcher::new(Arc::clone(&plan));
                assert_eq!(
                    !matcher.match_event(event).is_empty(),
                    want == Outcome::True,
                    "{}: {fields:?}",
                    test.name
                );
                let unobserved = u64::from(want == Outcome::Unknown);
                assert_eq!(matcher.counters()[0].unobserved, unobserved, "{}: {fields:?}", test.name);
            });
        }
    }
    groups.iter().map(|(_, events)| events.len()).sum()
}

#[test]
fn all_vectors_hold() {
    let mut count = 0;
    let mut files = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/sigma")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let file: File = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            count += file.test.iter().map(run).sum::<usize>();
            files += 1;
        }
    }
    assert!(files >= 5 && count >= 80, "{files} files, {count} vectors");
}
