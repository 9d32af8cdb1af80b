//! The shapes of a plan's JSON.

use bavn_wire::messages::EventKind;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Level, MAX_DEPTH, MAX_LEAVES, Rule, Target};
use crate::condition::Condition;
use crate::correlate::RawCorrelation;
use crate::error::RuleFault;

/// The outermost object. Rules and predicates are read one by one, so that one bad rule spoils no other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlan<'a> {
    pub(super) format: String,
    pub(super) version: u64,
    pub(super) digest: String,
    #[serde(borrow)]
    pub(super) predicates: Vec<&'a RawValue>,
    #[serde(borrow)]
    pub(super) rules: Vec<&'a RawValue>,
}

/// What a rule that cannot be read is called by, as far as it can be.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawName {
    pub(super) id: Option<String>,
    pub(super) source: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RawRule<'a> {
    id: String,
    version: String,
    title: String,
    level: Option<String>,
    #[serde(default, deserialize_with = "text")]
    status: String,
    #[serde(default, deserialize_with = "text")]
    description: String,
    #[serde(default, deserialize_with = "names")]
    author: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    license: String,
    #[serde(default, deserialize_with = "texts")]
    references: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    tags: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    falsepositives: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    source: String,
    #[serde(default, deserialize_with = "text")]
    ruleset: String,
    #[serde(borrow, default)]
    targets: Vec<RawTarget<'a>>,
    #[serde(default)]
    pub(super) correlation: Option<RawCorrelation>,
    #[serde(default)]
    quiet: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTarget<'a> {
    kind: String,
    #[serde(borrow)]
    condition: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawCondition {
    And(Vec<RawCondition>),
    Or(Vec<RawCondition>),
    Not(Box<RawCondition>),
    P(u32),
}

/// Null is as good as nothing.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// A list of names, or one text with commas between them as Sigma has it.
fn names<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Option::deserialize(from)? {
        None => Vec::new(),
        Some(Names::List(list)) => list,
        Some(Names::Text(text)) => {
            text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
        }
    })
}

impl RawRule<'_> {
    /// The rule without its correlation, its predicates by the plan's numbers.
    pub(super) fn into_rule(self, is_correlation: bool) -> Result<Rule, RuleFault> {
        let level = self.level.as_deref().unwrap_or("medium");
        let level = Level::by_name(level).ok_or_else(|| RuleFault::Shape(format!("no level {level:?}")))?;
        if self.targets.is_empty() != is_correlation {
            return Err(RuleFault::Shape("a rule has either targets or a correlation".into()));
        }
        Ok(Rule {
            targets: targets(&self.targets)?,
            id: self.id,
            version: self.version,
            title: self.title,
            level,
            status: self.status,
            description: self.description,
            authors: self.author,
            license: self.license,
            references: self.references,
            tags: self.tags,
            falsepositives: self.falsepositives,
            source: self.source,
            ruleset: self.ruleset,
            correlation: None,
            quiet: self.quiet,
        })
    }
}

/// Targets with each kind once: two of a kind are an *or*.
fn targets(raw: &[RawTarget<'_>]) -> Result<Vec<Target>, RuleFault> {
    let mut all: Vec<(EventKind, Vec<Condition>)> = Vec::new();
    let mut leaves = 0;
    for target in raw {
        let kind = EventKind::by_name(&target.kind);
        let kind = kind.ok_or_else(|| RuleFault::Shape(format!("no kind of event {:?}", target.kind)))?;
        let condition = condition(target.condition.get(), &mut leaves)?;
        match all.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, conditions)) => conditions.push(condition),
            None => all.push((kind, vec![condition])),
        }
    }
    Ok(all.into_iter().map(|(kind, all)| Target { kind, condition: any_of(all) }).collect())
}

fn any_of(mut all: Vec<Condition>) -> Condition {
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => only,
        (last, _) => Condition::Or(all.into_iter().chain(last).collect()),
    }
}

/// Reads one condition; `leaves` counts those of the whole rule.
fn condition(json: &str, leaves: &mut usize) -> Result<Condition, RuleFault> {
    // Each level is an object and mostly a list; checked before anything recurses.
    let depth = nesting(json);
    if depth > 2 * MAX_DEPTH {
        return Err(RuleFault::Limit { what: "levels in one condition", found: depth / 2, limit: MAX_DEPTH });
    }
    let mut reader = serde_json::Deserializer::from_str(json);
    reader.disable_recursion_limit();
    let raw = RawCondition::deserialize(&mut reader).map_err(|e| RuleFault::Condition(e.to_string()))?;
    let condition = build(raw, leaves)?;
    if *leaves > MAX_LEAVES {
        return Err(RuleFault::Limit { what: "leaves in one rule", found: *leaves, limit: MAX_LEAVES });
    }
    Ok(condition)
}

/// Deepest nesting of brackets; a condition's JSON has none inside its few strings.
fn nesting(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in json.bytes() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn build(raw: RawCondition, leaves: &mut usize) -> Result<Condition, RuleFault> {
    Ok(match raw {
        RawCondition::P(number) => {
            *leaves += 1;
            Condition::Leaf(number)
        }
        RawCondition::Not(inner) => Condition::Not(Box::new(build(*inner, leaves)?)),
        RawCondition::And(children) => Condition::And(list(children, leaves)?),
        RawCondition::Or(children) => Condition::Or(list(children, leaves)?),
    })
}

fn list(children: Vec<RawCondition>, leaves: &mut usize) -> Result<Box<[Condition]>, RuleFault> {
    if children.is_empty() {
        return Err(RuleFault::Condition("an empty list".into()));
    }
    children.into_iter().map(|child| build(child, leaves)).collect()
}
