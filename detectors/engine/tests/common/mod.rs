//! Plans made in tests.

#![allow(dead_code, unreachable_pub)]

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A plan's bytes, canonical, with its digest.
pub fn plan_bytes(predicates: &[Value], rules: &[Value]) -> Vec<u8> {
    let rest = json!({"format": "bavn-plan", "version": 1, "predicates": predicates, "rules": rules});
    seal(&rest)
}

/// Adds the digest in front.
pub fn seal(rest: &Value) -> Vec<u8> {
    let text = serde_json::to_string(rest).unwrap();
    let digest: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{{\"digest\":\"{digest}\",{}", &text[1..]).into_bytes()
}

/// A rule with one target.
pub fn rule(number: usize, kind: &str, condition: &Value) -> Value {
    json!({
        "id": format!("00000000-0000-4000-8000-{number:012}"), "version": "0123456789abcdef",
        "title": format!("Rule {number}"), "level": "low", "status": "test", "description": "",
        "author": "A, B", "license": "EUPL-1.2", "references": [], "tags": [], "falsepositives": [],
        "source": format!("test/{number}.yml"), "logsource": {}, "fields": [],
        "targets": [{"kind": kind, "condition": condition}],
    })
}
