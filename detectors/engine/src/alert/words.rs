//! The parts of an alert that tell of its rule, and its sentences. Sentences hold what the rule says, never what the
//! traffic held: the sharing contract masks fields, not prose.

use bavn_wire::messages::EventKind;
use serde_json::json;

use super::{MAX_MATCHED, bytes};
use crate::explain::Leaf;
use crate::plan::Rule;

/// Leaves that the reason names.
const MAX_REASONS: usize = 3;
/// Characters of a literal in the reason.
const MAX_LITERAL: usize = 60;

/// One plain sentence of what happened.
pub(super) fn message(rule: &Rule, kind: EventKind) -> String {
    let what = kind.phrase();
    format!("{}: {what} matched this rule of level {}.", rule.title, rule.level.name())
}

/// Why the rule matched, in its own terms.
pub(super) fn reason(matched: &[Leaf]) -> String {
    let all: Vec<String> = matched.iter().take(MAX_REASONS).map(phrase).collect();
    match matched.len() {
        0 => "Nothing of what the rule rules out was there.".to_owned(),
        n if n > MAX_REASONS => format!("{}, and {} more.", all.join(", "), n - MAX_REASONS),
        _ => format!("{}.", all.join(" and ")),
    }
}

fn phrase(leaf: &Leaf) -> String {
    let literal: String =
        leaf.literals.first().map(|text| text.chars().take(MAX_LITERAL).collect()).unwrap_or_default();
    let verb = match leaf.op {
        "eq" => "is",
        "contains" => "contains",
        "startswith" => "begins with",
        "endswith" => "ends with",
        "wildcard" => "fits",
        "re" => "matches the expression",
        "cidr" => "lies in",
        "lt" => "is less than",
        "lte" => "is at most",
        "gt" => "is more than",
        "gte" => "is at least",
        "fieldref" => "agrees with",
        "time" => "falls on",
        "group" if leaf.literals.is_empty() => return format!("{} is the same", leaf.field),
        "group" => "came together:",
        _ if literal == "true" => return format!("{} is there", leaf.field),
        _ => return format!("{} is missing", leaf.field),
    };
    format!("{} {verb} {literal:?}", leaf.field)
}

/// `bavn.matched`.
pub(super) fn matched(all: &[Leaf]) -> Vec<u8> {
    let one = |leaf: &Leaf| {
        let value = match leaf.literals.as_slice() {
            [one] => json!(one),
            many => json!(many),
        };
        let mut entry = json!({"field": leaf.field, "op": leaf.op, "value": value});
        if let (Some(observed), Some(map)) = (&leaf.observed, entry.as_object_mut()) {
            map.insert("observed".to_owned(), json!(observed));
        }
        entry
    };
    bytes(&all.iter().take(MAX_MATCHED).map(one).collect())
}

/// `bavn.rule`.
pub(super) fn bavn_rule(rule: &Rule) -> Vec<u8> {
    let Rule { references, tags, falsepositives, source, status, .. } = rule;
    let mut about = json!({"references": references, "tags": tags, "falsepositives": falsepositives});
    add(&mut about, "source", source);
    add(&mut about, "status", status);
    bytes(&about)
}

/// `rule` of ECS.
pub(super) fn ecs_rule(rule: &Rule, kind: EventKind) -> Vec<u8> {
    let ruleset = if rule.ruleset.is_empty() { "bavn" } else { &rule.ruleset };
    let mut about = json!({
        "id": rule.id, "name": rule.title, "version": rule.version, "ruleset": ruleset,
        "author": rule.authors, "category": kind.name(),
    });
    add(&mut about, "license", &rule.license);
    add(&mut about, "description", &rule.description);
    add(&mut about, "reference", rule.references.first().map_or("", String::as_str));
    bytes(&about)
}

fn add(to: &mut serde_json::Value, key: &str, text: &str) {
    if let Some(map) = to.as_object_mut().filter(|_| !text.is_empty()) {
        map.insert(key.to_owned(), json!(text));
    }
}

/// What stands under `threat` of ECS, each as JSON.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Threat {
    pub(super) framework: Option<Vec<u8>>,
    pub(super) tactic: Option<Vec<u8>>,
    pub(super) technique: Option<Vec<u8>>,
}

/// `threat` of ECS, out of the rule's `attack.` tags; nothing where there are none.
pub(super) fn threat(tags: &[String]) -> Threat {
    let (mut techniques, mut subtechniques, mut tactics) = (Vec::new(), Vec::new(), Vec::new());
    for tag in tags.iter().filter_map(|tag| tag.strip_prefix("attack.")) {
        match technique(tag) {
            Some((technique, sub)) => {
                techniques.push(technique);
                subtechniques.extend(sub);
            }
            None if !numbered(tag) => tactics.push(tag.replace('_', "-")),
            None => {}
        }
    }
    techniques.dedup();
    let framework = !techniques.is_empty() || !tactics.is_empty();
    let mut technique = json!({"id": techniques});
    if !subtechniques.is_empty() {
        technique["subtechnique"] = json!({"id": subtechniques});
    }
    Threat {
        framework: framework.then(|| bytes(&json!("MITRE ATT&CK"))),
        tactic: (!tactics.is_empty()).then(|| bytes(&json!({"name": tactics}))),
        technique: (!techniques.is_empty()).then(|| bytes(&technique)),
    }
}

/// `t1071.001` as technique and sub-technique.
fn technique(tag: &str) -> Option<(String, Option<String>)> {
    let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let (main, sub) = tag.split_once('.').map_or((tag, None), |(main, sub)| (main, Some(sub)));
    let main = main.strip_prefix('t').filter(|number| digits(number, 4))?;
    let sub = sub.filter(|sub| digits(sub, 3)).map(|sub| format!("T{main}.{sub}"));
    Some((format!("T{main}"), sub))
}

/// Groups, software and the like: `g0016`, `s0002`, `ta0011`.
fn numbered(tag: &str) -> bool {
    tag.trim_start_matches(|c: char| c.is_ascii_lowercase())
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_threat() {
        let tags =
            ["attack.command-and-control", "attack.t1071.001", "attack.t1071.004", "attack.g0016", "cve.1"];
        let told = threat(&tags.map(str::to_owned));
        let json =
            |part: Option<Vec<u8>>| serde_json::from_slice::<serde_json::Value>(&part.unwrap()).unwrap();
        assert_eq!(json(told.framework), json!("MITRE ATT&CK"));
        assert_eq!(json(told.tactic), json!({"name": ["command-and-control"]}));
        let want = json!({"id": ["T1071"], "subtechnique": {"id": ["T1071.001", "T1071.004"]}});
        assert_eq!(json(told.technique), want);
        assert_eq!(threat(&["cve.2024-1".to_owned()]), Threat::default());
    }
}
