//! Why a rule fired, or did not: the tree with the outcome of each node and what was seen for each leaf.

use bavn_wire::messages::{Event, Value};
use serde_json::{Value as Json, json};

use crate::condition::{Condition, Outcome};
use crate::plan::Plan;
use crate::predicate::{Predicate, Scratch, members, raw_text};
use crate::view;

/// Bytes of an observed value that are shown.
pub const MAX_OBSERVED: usize = 256;
/// Literals of one predicate that are shown where none of them held.
const MAX_LITERALS: usize = 20;

/// Whether the event had the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It had.
    Present,
    /// It had not.
    Absent,
    /// The sensor could not see.
    Unobserved,
}

impl State {
    /// `present`, `absent` or `unobserved`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Unobserved => "unobserved",
        }
    }
}

/// A leaf on an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Name of the field.
    pub field: &'static str,
    /// Operation.
    pub op: &'static str,
    /// The literal that held, or those that did not.
    pub literals: Vec<String>,
    /// What the event had, `None` where nothing was there.
    pub observed: Option<String>,
    /// Whether it was there.
    pub state: State,
}

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// All of them.
    And(Outcome, Vec<Node>),
    /// Any of them.
    Or(Outcome, Vec<Node>),
    /// Not that.
    Not(Outcome, Box<Node>),
    /// A predicate.
    Leaf(Outcome, Leaf),
}

impl Node {
    /// Its outcome.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::And(outcome, _) | Self::Or(outcome, _) | Self::Not(outcome, _) | Self::Leaf(outcome, _) => {
                *outcome
            }
        }
    }

    /// As JSON: `{"op","outcome","children"}`, a leaf as `{"field","op","value","observed","outcome","state"}`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let inner = |op: &str, outcome: Outcome, children: &[Self]| {
            let children: Vec<Json> = children.iter().map(Self::to_json).collect();
            json!({"op": op, "outcome": outcome.name(), "children": children})
        };
        match self {
            Self::And(outcome, children) => inner("and", *outcome, children),
            Self::Or(outcome, children) => inner("or", *outcome, children),
            Self::Not(outcome, child) => inner("not", *outcome, std::slice::from_ref(child)),
            Self::Leaf(outcome, leaf) => json!({
                "field": leaf.field, "op": leaf.op, "outcome": outcome.name(), "state": leaf.state.name(),
                "observed": leaf.observed, "value": match leaf.literals.as_slice() {
                    [one] => json!(one),
                    all => json!(all),
                },
            }),
        }
    }

    /// The leaves that made it true: what the rule saw, not what it ruled out.
    #[must_use]
    pub fn matched(&self) -> Vec<&Leaf> {
        let mut all = Vec::new();
        self.collect(&mut all);
        all
    }

    fn collect<'a>(&'a self, all: &mut Vec<&'a Leaf>) {
        match self {
            node if node.outcome() != Outcome::True => {}
            Self::And(_, children) | Self::Or(_, children) => {
                children.iter().for_each(|child| child.collect(all))
            }
            Self::Leaf(_, leaf) if !all.contains(&leaf) => all.push(leaf),
            Self::Leaf(..) | Self::Not(..) => {}
        }
    }
}

/// The tree of one rule on an event; `None` where the rule is not about such events.
#[must_use]
pub fn explain(plan: &Plan, rule: usize, event: &Event<'_>) -> Option<Node> {
    let condition = plan.rules().get(rule)?.condition(event.kind)?;
    Some(node(plan, condition, event, &mut Scratch::default()))
}

fn node(plan: &Plan, condition: &Condition, event: &Event<'_>, scratch: &mut Scratch) -> Node {
    let mut list =
        |all: &[Condition]| all.iter().map(|one| node(plan, one, event, scratch)).collect::<Vec<_>>();
    match condition {
        Condition::And(all) => {
            let children = list(all);
            Node::And(children.iter().map(Node::outcome).min().unwrap_or(Outcome::True), children)
        }
        Condition::Or(all) => {
            let children = list(all);
            Node::Or(children.iter().map(Node::outcome).max().unwrap_or(Outcome::False), children)
        }
        Condition::Not(inner) => {
            let child = node(plan, inner, event, scratch);
            Node::Not(!child.outcome(), Box::new(child))
        }
        Condition::Leaf(number) => leaf(plan, *number, event, scratch),
    }
}

fn leaf(plan: &Plan, number: u32, event: &Event<'_>, scratch: &mut Scratch) -> Node {
    // The loader refuses rules that name a predicate the plan does not have.
    let Some(predicate) = plan.predicates().get(number as usize) else {
        let nothing = Leaf { field: "", op: "", literals: Vec::new(), observed: None, state: State::Absent };
        return Node::Leaf(Outcome::False, nothing);
    };
    let outcome = predicate.eval(event, scratch);
    view::with_field(event, predicate.field, |value| Node::Leaf(outcome, look(predicate, value, scratch)))
}

fn look(predicate: &Predicate, value: Option<&Value<'_>>, scratch: &mut Scratch) -> Leaf {
    let items = value.map_or(&[][..], members);
    let held = items.iter().find_map(|item| predicate.member(item, scratch).map(|number| (item, number)));
    let literals = match held {
        Some((_, number)) => vec![predicate.literal(number)],
        None => (0..predicate.values().min(MAX_LITERALS)).map(|number| predicate.literal(number)).collect(),
    };
    let shown = held.map_or(items, |(item, _)| std::slice::from_ref(item));
    let texts: Vec<String> = shown.iter().filter_map(show).collect();
    let state = match value {
        None => State::Absent,
        Some(Value::Unobserved) => State::Unobserved,
        Some(_) => State::Present,
    };
    let observed = (state == State::Present).then(|| cut(texts.join(", ")));
    Leaf { field: predicate.field.name(), op: predicate.op, literals, observed, state }
}

fn show(value: &Value<'_>) -> Option<String> {
    let mut form = Vec::new();
    let bytes = raw_text(value, &mut form)?;
    Some(printable(bytes.get(..bytes.len().min(MAX_OBSERVED))?))
}

/// Text with bytes that are not UTF-8 written as `\xNN`.
#[must_use]
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out
}

fn cut(mut text: String) -> String {
    let end = (0..=text.len().min(MAX_OBSERVED)).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text
}
