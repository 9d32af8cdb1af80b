//! Loading plans: what is refused, whole or rule by rule, and why.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use bavn_engine::condition::Condition;
use bavn_engine::{Plan, PlanError};
use common::{plan_bytes, rule, seal};
use serde_json::{Value, json};

fn eq() -> Value {
    json!({"field": "url.path", "op": "eq", "value": "/a"})
}

#[test]
fn a_good_plan_loads_whole() {
    let bytes = plan_bytes(&[eq()], &[rule(0, "http", &json!({"p": 0}))]);
    let (plan, errors) = Plan::load(&bytes).unwrap();
    assert!(errors.is_empty());
    assert_eq!(plan.rules()[0].authors, ["A", "B"]);
    assert_eq!(plan.digest().len(), 64);
}

#[test]
fn the_digest_holds_in_any_spelling() {
    let bytes = plan_bytes(&[eq()], &[rule(0, "http", &json!({"p": 0}))]);
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    let spaced = serde_json::to_vec_pretty(&value).unwrap();
    assert!(Plan::load(&spaced).unwrap().1.is_empty());
    let altered = String::from_utf8(bytes).unwrap().replace("/a", "/b");
    assert!(matches!(Plan::load(altered.as_bytes()), Err(PlanError::Digest { .. })));
}

#[test]
fn the_whole_is_refused_for_its_head() {
    let of = |rest: Value| Plan::load(&seal(&rest)).unwrap_err().to_string();
    let good = json!({"format": "bavn-plan", "version": 1, "predicates": [], "rules": []});
    let with = |key: &str, value: Value| {
        let mut plan = good.clone();
        plan[key] = value;
        of(plan)
    };
    assert!(with("format", json!("other")).starts_with("BAVN-E041"));
    assert!(with("version", json!(2)).starts_with("BAVN-E041"));
    assert!(with("rules", json!({})).starts_with("BAVN-E040"));
    assert!(with("more", json!(1)).starts_with("BAVN-E040"));
    let later = json!({"format": "bavn-plan", "version": 2, "clauses": []});
    assert!(of(later).starts_with("BAVN-E041"));
    for bytes in [&b""[..], b"{", b"[]", b"\xff\xfe", b"{\"format\":1}"] {
        assert!(Plan::load(bytes).unwrap_err().to_string().starts_with("BAVN-E040"));
    }
}

#[test]
fn one_bad_rule_is_refused_and_the_others_run() {
    let deep = (0..80).fold(json!({"p": 0}), |inner, _| json!({"and": [inner]}));
    let bad_predicates = [
        (json!({"field": "no.such", "op": "eq", "value": "x"}), "E045"),
        (json!({"field": "url.path", "op": "like", "value": "x"}), "E046"),
        (json!({"field": "url.path", "op": "eq", "value": 1}), "E046"),
        (json!({"field": "url.path", "op": "eq", "value": []}), "E046"),
        (json!({"field": "url.path", "op": "eq", "value": "x", "extra": 1}), "E044"),
        (json!({"field": "url.path", "op": "re", "value": "("}), "E047"),
        (json!({"field": "url.path", "op": "re", "value": "a", "flags": "x"}), "E047"),
        (json!({"field": "url.path", "op": "re", "value": "(\\w{500}){500}"}), "E047"),
        (json!({"field": "url.path", "op": "re", "value": "(".repeat(100) + &")".repeat(100)}), "E047"),
        (json!({"field": "source.ip", "op": "cidr", "value": "10.0.0.1/8"}), "E048"),
        (json!({"field": "source.ip", "op": "exists", "value": "yes"}), "E046"),
        (json!({"field": "source.ip", "op": "null", "value": false}), "E046"),
        (json!({"field": "url.path", "op": "wildcard", "value": ["a", 3]}), "E046"),
        (json!({"field": "url.path", "op": "fieldref", "value": "no.such"}), "E045"),
        (json!({"field": "event.start", "op": "time", "value": 1, "part": "eon"}), "E046"),
        (json!({"field": "event.start", "op": "gt", "value": "many"}), "E046"),
        (json!({"field": "url.path", "op": "contains", "value": "x".repeat(70_000)}), "E043"),
    ];
    let mut predicates: Vec<Value> = bad_predicates.iter().map(|(predicate, _)| predicate.clone()).collect();
    predicates.push(eq());
    let good = predicates.len() - 1;
    let mut rules: Vec<Value> =
        (0..good).map(|n| rule(n, "http", &json!({"or": [{"p": n}, {"p": good}]}))).collect();
    let mut codes: Vec<&str> = bad_predicates.iter().map(|(_, code)| *code).collect();
    let bad_conditions = [
        (json!({"p": 999}), "E049"),
        (json!({"and": []}), "E049"),
        (json!({"xor": [{"p": good}]}), "E049"),
        (deep, "E043"),
    ];
    for (condition, code) in &bad_conditions {
        rules.push(rule(rules.len(), "http", condition));
        codes.push(code);
    }
    rules.push(rule(rules.len(), "nothing", &json!({"p": good})));
    codes.push("E044");
    rules.push(json!({"id": "x", "source": "a/b.yml"}));
    codes.push("E044");
    rules.push(json!([1]));
    codes.push("E044");
    rules.push(rule(rules.len(), "http", &json!({"p": good})));

    let (plan, errors) = Plan::load(&plan_bytes(&predicates, &rules)).unwrap();
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), codes.len(), "{told:#?}");
    for ((number, code), text) in codes.iter().enumerate().zip(&told) {
        assert!(text.starts_with(&format!("BAVN-{code}: rule {number} ")), "{text}");
    }
    assert_eq!(errors[codes.len() - 2].source.as_deref(), Some("a/b.yml"));
    assert_eq!(plan.rules().len(), 1);
    let event = br#"{"kind":"http","fields":{"url.path":"/A"}}"#;
    let event = bavn_engine::owned::OwnedEvent::from_json(event).unwrap();
    let mut matcher = bavn_engine::Matcher::new(plan.into());
    assert_eq!(event.with(|event| matcher.match_event(event).to_vec()), [0]);
}

#[test]
fn nesting_is_measured_before_anything_recurses() {
    let nested = "{\"not\":".repeat(500_000) + "{\"p\":0}" + &"}".repeat(500_000);
    let rule = rule(0, "http", &json!("CONDITION")).to_string().replace("\"CONDITION\"", &nested);
    let rest = format!("\"format\":\"bavn-plan\",\"predicates\":[],\"rules\":[{rule}],\"version\":1}}");
    let digest: String = {
        use sha2::Digest;
        let hash = sha2::Sha256::digest(format!("{{{rest}"));
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let (plan, errors) = Plan::load(format!("{{\"digest\":\"{digest}\",{rest}").as_bytes()).unwrap();
    assert_eq!((plan.rules().len(), errors.len()), (0, 1));
    assert!(errors[0].to_string().contains("levels in one condition"), "{}", errors[0]);
}

#[test]
fn targets_of_one_kind_are_one_flat_or() {
    let with = |count: usize, condition: &Value| {
        let mut rule = rule(0, "http", &json!({"p": 0}));
        rule["targets"] = vec![json!({"kind": "http", "condition": condition}); count].into();
        Plan::load(&plan_bytes(&[eq()], &[rule])).unwrap()
    };
    let (plan, errors) = with(20_000, &json!({"p": 0}));
    assert!(errors.is_empty());
    assert_eq!(plan.rules()[0].targets.len(), 1);
    assert!(matches!(&plan.rules()[0].targets[0].condition, Condition::Or(all) if all.len() == 20_000));
    let leaves = json!({"or": vec![json!({"p": 0}); 60_000]});
    assert!(with(2, &leaves).1[0].to_string().starts_with("BAVN-E043"), "leaves count over the rule");
}

#[test]
fn regular_expressions_have_a_budget_together() {
    let one = |n: usize| json!({"field": "url.path", "op": "re", "value": format!(r"(\w{{50}}){n}")});
    let predicates: Vec<_> = (0..400).map(one).collect();
    let rules: Vec<_> = (0..400).map(|n| rule(n, "http", &json!({"p": n}))).collect();
    let (plan, errors) = Plan::load(&plan_bytes(&predicates, &rules)).unwrap();
    assert!(!plan.rules().is_empty());
    assert!(errors[0].to_string().contains("bytes of compiled regular expressions"), "{}", errors[0]);
    assert!(errors[0].to_string().starts_with("BAVN-E043"));
}

/// A correlation over the one of the next number.
fn over_the_next(number: usize) -> Value {
    let inputs = json!([{"rule": format!("c{}", number + 1), "chain": []}]);
    json!({
        "id": format!("c{number}"), "version": "1", "title": "chain", "level": "low",
        "correlation": {"type": "temporal", "timespan": 1, "inputs": inputs},
    })
}

#[test]
fn a_long_chain_of_correlations_in_the_wrong_order_loads_at_once() {
    // Asked anew for each of them, 4,000 are eight million questions.
    let last = 4_000;
    let view = json!([{"kind": "http", "group": []}]);
    let inputs = json!([{"rule": "00000000-0000-4000-8000-000000000000", "views": view}]);
    let mut rules: Vec<Value> = (0..last).map(over_the_next).collect();
    rules.push(json!({
        "id": format!("c{last}"), "version": "1", "title": "first", "level": "low",
        "correlation": {"type": "temporal", "timespan": 1, "inputs": inputs},
    }));
    rules.push(rule(0, "http", &json!({"p": 0})));
    let (plan, errors) = Plan::load(&plan_bytes(&[eq()], &rules)).unwrap();
    assert!(errors.is_empty(), "{}", errors[0]);
    assert_eq!(plan.rules().len(), last + 2);
}

#[test]
fn a_circle_of_correlations_is_refused_in_the_order_of_the_rules() {
    let mut rules: Vec<Value> = (0..4).map(over_the_next).collect();
    rules.push(json!({
        "id": "c4", "version": "1", "title": "back", "level": "low",
        "correlation": {"type": "temporal", "timespan": 1, "inputs": [{"rule": "c0", "chain": []}]},
    }));
    let (plan, errors) = Plan::load(&plan_bytes(&[eq()], &rules)).unwrap();
    assert!(plan.rules().is_empty());
    assert_eq!(errors.iter().map(|error| error.number).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert!(errors.iter().all(|error| error.to_string().contains("circle")));
}
