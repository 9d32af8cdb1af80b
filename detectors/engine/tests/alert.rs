//! Alerts: identifiers against vectors made elsewhere, documents, evidence.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use bavn_engine::Plan;
use bavn_engine::alert::{Alerts, EvidenceRef, Parts, Settings, event_id, flow_key};
use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, EventKind, FlowInfo, Transport, Value};
use common::{plan_bytes, rule};
use serde::Deserialize;
use serde_json::{Value as Json, json};

#[derive(Deserialize)]
struct Vectors {
    vector: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    key: String,
    rule: String,
    version: String,
    flow: String,
    start: String,
    time: String,
    ordinal: u32,
    id: String,
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn identifiers_agree_with_the_vectors() {
    let text = include_str!("../../../schema/vectors/event-id.toml");
    let vectors: Vectors = toml::from_str(text).unwrap();
    assert!(vectors.vector.len() >= 6);
    for Vector { name, key, rule, version, flow, start, time, ordinal, id } in vectors.vector {
        let (start, time) = (start.parse().unwrap(), time.parse().unwrap());
        let parts = Parts { rule: &rule, version: &version, flow: &flow, start, time, ordinal };
        assert_eq!(event_id(&unhex(&key).try_into().unwrap(), &parts), id, "{name}");
    }
}

fn flow() -> FlowInfo {
    FlowInfo {
        ip: ["10.0.0.5".parse().unwrap(), "192.0.2.1".parse().unwrap()],
        port: [50_000, 80],
        transport: Transport::TCP,
        vlan: [Some(12), None],
        tunnel: 0,
        start: 1_795_338_840_000_000_000,
        last: 1_795_338_841_000_000_000,
        packets: [3, 2],
        bytes: [300, 200],
        id: 7,
    }
}

fn plan() -> Plan {
    let predicates = [
        json!({"field": "url.path", "op": "contains", "value": ["/nothing", "/etc/passwd"]}),
        json!({"field": "http.request.method", "op": "eq", "value": "GET"}),
        json!({"field": "http.response.status_code", "op": "eq", "value": "404"}),
    ];
    let condition = json!({"and": [{"p": 0}, {"or": [{"p": 1}, {"p": 2}]}]});
    let mut rule = rule(0, "http", &condition);
    rule["tags"] = json!(["attack.t1071.001", "attack.initial_access"]);
    rule["references"] = json!(["https://example.com/a"]);
    let (plan, errors) = Plan::load(&plan_bytes(&predicates, &[rule])).unwrap();
    assert!(errors.is_empty());
    plan
}

fn draft(alerts: &mut Alerts, plan: &Plan) -> bavn_engine::alert::AlertDraft {
    let fields = [
        (Field::HttpRaw, Value::Text(b"GET hidden")),
        (Field::HttpRequestMethod, Value::Text(b"GET")),
        (Field::HttpResponseStatusCode, Value::Unobserved),
        (Field::UrlPath, Value::Text(b"/x/etc/passwd\xff\"\"bavn\":{")),
    ];
    let flow = flow();
    let time = 1_795_338_840_123_456_789;
    let event = Event { kind: EventKind::Http, time, packet: 9, flow: &flow, fields: &fields };
    alerts.draft(plan, 0, &event, time + 1).unwrap()
}

fn alerts() -> Alerts {
    let text = str::to_owned;
    Alerts::new(Settings {
        agency: text("agency-1"),
        sensor: text("s-1"),
        version: text("0.1.0"),
        tlp: text("AMBER"),
        retention: text("other"),
        key: [7; 32],
    })
}

#[test]
fn the_document_tells_all() {
    let (plan, mut alerts) = (plan(), alerts());
    let first = draft(&mut alerts, &plan);
    let second = draft(&mut alerts, &plan);
    assert_ne!(first.id, second.id);
    assert_eq!(first.id, draft(&mut self::alerts(), &plan).id, "a replay gives the same");
    let evidence = EvidenceRef { sha256: "ab".repeat(32), packets: 3, bytes: 500 };
    let json: Json = serde_json::from_slice(&first.clone().finish(Some(&evidence))).unwrap();
    assert_eq!(json["@timestamp"], "2026-11-22T09:14:00.123456789Z");
    assert_eq!(json["event"]["id"], first.id);
    assert_eq!(json["event"]["sequence"], 1);
    assert_eq!(json["event"]["severity"], 2);
    assert_eq!(json["event"]["created"], "2026-11-22T09:14:00.123456790Z");
    assert_eq!(json["bavn"]["evidence"], json!({"sha256": "ab".repeat(32), "packets": 3, "bytes": 500}));
    assert_eq!(json["bavn"]["flow"], json!({"id": 7}));
    assert_eq!(json["bavn"]["unobserved"], json!(["http.response.status_code"]));
    assert_eq!(json["source"], json!({"ip": "10.0.0.5", "port": 50_000}));
    assert_eq!(json["network"]["vlan"]["id"], 12);
    assert_eq!(json["rule"]["author"], json!(["A", "B"]));
    assert_eq!(json["threat"]["technique"]["subtechnique"]["id"], json!(["T1071.001"]));
    assert_eq!(json["threat"]["tactic"]["name"], json!(["initial-access"]));
    assert_eq!(json["organization"]["id"], "agency-1");
    assert!(json["bavn"].get("http").is_none(), "hidden fields stay hidden");
    let matched = json["bavn"]["matched"].as_array().unwrap();
    assert_eq!(matched.len(), 2, "what was unknown or unneeded is not named");
    assert_eq!(matched[0]["value"], "/etc/passwd");
    assert_eq!(matched[0]["observed"], "/x/etc/passwd\\xff\"\"bavn\":{");
    assert_eq!(
        json["event"]["reason"],
        "url.path contains \"/etc/passwd\" and http.request.method is \"GET\"."
    );
    let bare: Json = serde_json::from_slice(&second.finish(None)).unwrap();
    assert!(bare["bavn"].get("evidence").is_none());
    assert_eq!(bare["event"]["sequence"], 2);
}

#[test]
fn a_flow_key_names_vlans_and_tunnel() {
    let mut flow = flow();
    flow.tunnel = 0xBEEF;
    assert!(flow_key(&flow).ends_with("=;12.-;beef"));
    flow.id = 0;
    assert!(flow_key(&flow).starts_with("-;"));
}
