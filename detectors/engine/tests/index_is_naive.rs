//! The index finds what the tree walk finds: random plans on random events.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;

use bavn_engine::condition::Outcome;
use bavn_engine::owned::OwnedEvent;
use bavn_engine::{Matcher, Plan, naive};
use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, Value as Told};
use common::{plan_bytes, rule};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// Few letters and short texts, so that random rules meet random events.
fn text() -> impl Strategy<Value = String> {
    let odd = select(vec!["", "K", "\u{212a}", "é", "É", "10.0.0.1", "::1", "42", "ſ", "\n"]);
    prop_oneof![4 => "[abA.]{0,6}", 1 => "[ab]{8,12}", 2 => odd.prop_map(str::to_owned)]
}

const TEXTS: &[&str] =
    &["bavn.http.raw", "url.path", "url.query", "bavn.http.request.header_names", "user_agent.original"];

fn texts() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(|one| json!(one)),
        prop::collection::vec(text(), 1..4).prop_map(|many| json!(many))
    ]
}

fn pattern() -> impl Strategy<Value = Value> {
    let part = prop_oneof![text().prop_map(|t| json!(t)), Just(json!(1)), Just(json!(2))];
    prop::collection::vec(part, 1..5).prop_map(|parts| json!(parts))
}

fn predicate() -> impl Strategy<Value = Value> {
    let any_field = prop_oneof![
        4 => select(TEXTS), 1 => Just("source.ip"), 1 => Just("http.response.status_code"), 1 => Just("event.start")
    ];
    let op = select(vec!["eq", "contains", "startswith", "endswith"]);
    let plain = (any_field, op, texts(), any::<bool>()).prop_map(
        |(field, op, value, cased)| json!({"field": field, "op": op, "value": value, "cased": cased}),
    );
    let wild = (select(TEXTS), pattern(), any::<bool>()).prop_map(
        |(field, value, cased)| json!({"field": field, "op": "wildcard", "value": value, "cased": cased}),
    );
    let regexes = select(vec!["a+b", "^a.b$", "(ab|ba)b", "\\bk", "b{3}", "x?", "(?i)A.{2}", "[^a]b.a"]);
    let regex = (select(TEXTS), regexes, select(vec!["", "i", "ims"])).prop_map(
        |(field, value, flags)| json!({"field": field, "op": "re", "value": value, "flags": flags}),
    );
    let networks =
        select(vec!["10.0.0.0/8", "::/0", "0.0.0.0/0", "10.0.0.1", "::ffff:10.0.0.0/104", "::1/128"]);
    let cidr = (select(vec!["source.ip", "url.path"]), networks)
        .prop_map(|(field, value)| json!({"field": field, "op": "cidr", "value": value}));
    let order = (select(vec!["lt", "lte", "gt", "gte"]), select(vec![0, 41, 42, 43, 200]))
        .prop_map(|(op, value)| json!({"field": "http.response.status_code", "op": op, "value": value}));
    let exists = (select(TEXTS), any::<bool>())
        .prop_map(|(field, value)| json!({"field": field, "op": "exists", "value": value}));
    let null = select(TEXTS).prop_map(|field| json!({"field": field, "op": "null", "value": true}));
    let other = (select(TEXTS), select(TEXTS), select(vec!["eq", "contains", "startswith", "endswith"]))
        .prop_map(|(a, b, mode)| json!({"field": a, "op": "fieldref", "value": b, "mode": mode}));
    let time = (select(vec!["hour", "week", "year"]), 0_u64..24).prop_map(
        |(part, value)| json!({"field": "event.start", "op": "time", "part": part, "value": value}),
    );
    prop_oneof![8 => plain, 2 => wild, 2 => regex, 1 => cidr, 1 => order, 1 => exists, 1 => null, 1 => other, 1 => time]
}

fn condition(predicates: usize) -> impl Strategy<Value = Value> {
    let leaf = (0..predicates).prop_map(|number| json!({"p": number}));
    leaf.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|all| json!({"and": all})),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|all| json!({"or": all})),
            inner.prop_map(|one| json!({"not": one})),
        ]
    })
}

fn plan() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(predicate(), 1..12).prop_flat_map(|predicates| {
        let count = predicates.len();
        prop::collection::vec(condition(count), 1..12).prop_map(move |conditions| {
            let rules: Vec<Value> = conditions.iter().enumerate().map(|(n, c)| rule(n, "http", c)).collect();
            plan_bytes(&predicates, &rules)
        })
    })
}

fn event() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![6 => texts(), 1 => Just(json!([])), 2 => Just(json!({"unobserved": true}))];
    let fields = prop::collection::vec(prop::option::of(value), TEXTS.len());
    let ip = prop::option::of(select(vec!["10.0.0.1", "::ffff:10.0.0.1", "::1", "192.0.2.1"]));
    let status = prop::option::of(select(vec![0, 42, 200]));
    let start = prop::option::of(0_u64..4_000_000_000_000_000_000);
    (fields, ip, status, start).prop_map(|(texts, ip, status, start)| {
        let (mut fields, mut unobserved) = (serde_json::Map::new(), Vec::new());
        for (name, value) in TEXTS.iter().zip(texts) {
            match value {
                None => {}
                Some(Value::Object(_)) => unobserved.push(*name),
                Some(value) => drop(fields.insert((*name).to_owned(), value)),
            }
        }
        fields.extend(ip.map(|ip| ("source.ip".to_owned(), json!(ip))));
        fields.extend(status.map(|status| ("http.response.status_code".to_owned(), json!(status))));
        fields.extend(start.map(|start| ("event.start".to_owned(), json!(start))));
        json!({"kind": "http", "fields": fields, "unobserved": unobserved}).to_string().into_bytes()
    })
}

/// Calls with the event, and with one whose single texts are cut out of its raw view, as the wire has it.
fn with_both(
    event: &OwnedEvent,
    mut then: impl FnMut(&Event<'_>) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    event.with(|event| {
        then(event)?;
        let single = |value: &Told<'_>| if let Told::Text(text) = value { text.to_vec() } else { Vec::new() };
        let texts: Vec<Vec<u8>> = event.fields.iter().map(|(_, value)| single(value)).collect();
        let (whole, mut at) = (texts.concat(), 0);
        let mut fields: Vec<(Field, Told<'_>)> = Vec::new();
        for ((field, value), text) in event.fields.iter().zip(&texts) {
            let cut = Told::Text(&whole[at..at + text.len()]);
            fields.push((*field, if matches!(value, Told::Text(_)) { cut } else { *value }));
            at += text.len();
        }
        fields.retain(|(field, _)| *field != Field::HttpRaw);
        fields.push((Field::HttpRaw, Told::Text(&whole)));
        fields.sort_by_key(|(field, _)| *field);
        then(&Event { fields: &fields, ..*event })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn index_is_naive(plan in plan(), events in prop::collection::vec(event(), 1..12)) {
        let (plan, errors) = Plan::load(&plan).unwrap();
        prop_assert!(errors.is_empty(), "{errors:?}");
        let plan = Arc::new(plan);
        let mut matcher = Matcher::new(Arc::clone(&plan));
        let mut unknown = vec![0; plan.rules().len()];
        for json in &events {
            with_both(&OwnedEvent::from_json(json).unwrap(), |event| {
                let naive = naive::outcomes(&plan, event);
                let want: Vec<u32> = (0..).zip(&naive).filter(|(_, o)| **o == Outcome::True).map(|(n, _)| n).collect();
                for (count, outcome) in unknown.iter_mut().zip(&naive) {
                    *count += u64::from(*outcome == Outcome::Unknown);
                }
                prop_assert_eq!(matcher.match_event(event), want, "{}", String::from_utf8_lossy(json));
                Ok(())
            })?;
        }
        let counted: Vec<u64> = matcher.counters().iter().map(|rule| rule.unobserved).collect();
        prop_assert_eq!(counted, unknown);
    }
}
