//! Reading a plan: the whole is refused for its format, version and digest; one rule for its own faults.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};

use serde::Deserialize as _;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::raw::{RawName, RawPlan, RawRule};
use super::{FORMAT, MAX_BYTES, MAX_PREDICATES, MAX_RULES, Plan, Rule, VERSION};
use crate::condition::Condition;
use crate::correlate::RawCorrelation;
use crate::error::{PlanError, RuleError, RuleFault};
use crate::index::Index;
use crate::predicate::Predicate;

impl Plan {
    /// Loads a plan from its JSON; rules that are refused are told beside it, and the others run.
    ///
    /// # Errors
    /// [`PlanError`] where nothing of it can be used.
    pub fn load(json: &[u8]) -> Result<(Self, Vec<RuleError>), PlanError> {
        if json.len() > MAX_BYTES {
            return Err(PlanError::TooBig { found: json.len(), limit: MAX_BYTES });
        }
        let raw = head(json)?;
        limit("predicates", raw.predicates.len(), MAX_PREDICATES)?;
        limit("rules", raw.rules.len(), MAX_RULES)?;
        check_digest(json, &raw.digest)?;
        let regexes = Cell::new(0);
        let parsed: Vec<_> = raw.predicates.iter().map(|raw| Predicate::parse(raw.get(), &regexes)).collect();
        let (rules, errors) = rules(&raw.rules, &parsed);
        let (predicates, rules) = compact(parsed, rules);
        let index = Index::build(&predicates, &rules);
        Ok((Self { digest: raw.digest, predicates, rules, index }, errors))
    }
}

fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), PlanError> {
    if found > limit { Err(PlanError::Limit { what, found, limit }) } else { Ok(()) }
}

fn head(json: &[u8]) -> Result<RawPlan<'_>, PlanError> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let read = RawPlan::deserialize(&mut reader).and_then(|raw| reader.end().map(|()| raw));
    match read {
        Ok(raw) if raw.format != FORMAT => Err(PlanError::Format(raw.format)),
        Ok(raw) if raw.version != VERSION => Err(PlanError::Version(raw.version)),
        Ok(raw) => Ok(raw),
        Err(error) => Err(other_format(json).unwrap_or_else(|| PlanError::Unreadable(error.to_string()))),
    }
}

/// A plan of another version may well have another shape: say so rather than what its shape lacks.
fn other_format(json: &[u8]) -> Option<PlanError> {
    #[derive(serde::Deserialize)]
    struct Head {
        format: String,
        version: u64,
    }
    let head: Head = serde_json::from_slice(json).ok()?;
    if head.format != FORMAT {
        return Some(PlanError::Format(head.format));
    }
    (head.version != VERSION).then_some(PlanError::Version(head.version))
}

fn check_digest(json: &[u8], said: &str) -> Result<(), PlanError> {
    // A plan written canonically begins with its digest: the rest is hashed as it stands.
    let start = format!("{{\"digest\":\"{said}\",");
    let written = json.strip_prefix(start.as_bytes());
    if written.is_some_and(|rest| hex(Sha256::new().chain_update(b"{").chain_update(rest)) == said) {
        return Ok(());
    }
    let found = canonical_digest(json)?;
    if found == said { Ok(()) } else { Err(PlanError::Digest { said: said.to_owned(), found }) }
}

/// Digest over the canonical form: sorted keys, no white space, UTF-8.
fn canonical_digest(json: &[u8]) -> Result<String, PlanError> {
    let unreadable = |e: serde_json::Error| PlanError::Unreadable(e.to_string());
    let mut reader = serde_json::Deserializer::from_slice(json);
    let mut whole = serde_json::Value::deserialize(&mut reader).map_err(unreadable)?;
    if let Some(map) = whole.as_object_mut() {
        map.remove("digest");
    }
    whole.sort_all_objects();
    let text = serde_json::to_vec(&whole).map_err(unreadable)?;
    Ok(hex(Sha256::new().chain_update(text)))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

type Parsed = Result<Predicate, RuleFault>;

/// A correlation that waits for the rules that it names.
struct Waiting {
    number: usize,
    rule: Rule,
    correlation: RawCorrelation,
}

fn rules(raw: &[&RawValue], predicates: &[Parsed]) -> (Vec<Rule>, Vec<RuleError>) {
    let (mut good, mut bad, mut waiting) = (Vec::with_capacity(raw.len()), Vec::new(), Vec::new());
    for (number, raw) in raw.iter().enumerate() {
        match rule(raw.get(), predicates) {
            Ok((rule, None)) => good.push(rule),
            Ok((rule, Some(correlation))) => waiting.push(Waiting { number, rule, correlation }),
            Err(fault) => {
                let name: RawName = serde_json::from_str(raw.get()).unwrap_or_default();
                bad.push(RuleError { number, id: name.id, source: name.source, fault });
            }
        }
    }
    correlations(waiting, &mut good, &mut bad);
    (good, bad)
}

/// Appends correlations as soon as all rules that they name are there: so none can name itself in a circle.
fn correlations(waiting: Vec<Waiting>, good: &mut Vec<Rule>, bad: &mut Vec<RuleError>) {
    let mut places: HashMap<String, u32> = good.iter().map(|rule| rule.id.clone()).zip(0..).collect();
    let mut asleep: HashMap<String, Vec<Waiting>> = HashMap::new();
    let mut awake = VecDeque::from(waiting);
    while let Some(mut one) = awake.pop_front() {
        if let Some(missing) = one.correlation.missing(&places) {
            asleep.entry(missing).or_default().push(one);
            continue;
        }
        match one.correlation.build(&places) {
            Ok(correlation) => {
                one.rule.correlation = Some(correlation);
                places.insert(one.rule.id.clone(), good.len() as u32);
                awake.extend(asleep.remove(&one.rule.id).unwrap_or_default());
                good.push(one.rule);
            }
            Err(fault) => bad.push(error(one.number, one.rule, fault)),
        }
    }
    let fault = || RuleFault::Condition("it names a rule that is not there, or itself in a circle".into());
    bad.extend(asleep.into_values().flatten().map(|one| error(one.number, one.rule, fault())));
    bad.sort_by_key(|error| error.number);
}

fn error(number: usize, rule: Rule, fault: RuleFault) -> RuleError {
    RuleError { number, id: Some(rule.id), source: Some(rule.source), fault }
}

fn rule(json: &str, predicates: &[Parsed]) -> Result<(Rule, Option<RawCorrelation>), RuleFault> {
    let mut raw: RawRule<'_> = serde_json::from_str(json).map_err(|e| RuleFault::Shape(e.to_string()))?;
    let correlation = raw.correlation.take();
    let rule = raw.into_rule(correlation.is_some())?;
    for number in rule.targets.iter().flat_map(|target| target.condition.leaves()) {
        match predicates.get(number as usize) {
            Some(Ok(_)) => {}
            Some(Err(fault)) => return Err(fault.clone()),
            None => return Err(RuleFault::Condition(format!("the plan has no predicate {number}"))),
        }
    }
    Ok((rule, correlation))
}

/// Leaves out predicates that could not be read (no rule that is left uses them) and renumbers.
fn compact(parsed: Vec<Parsed>, mut rules: Vec<Rule>) -> (Vec<Predicate>, Vec<Rule>) {
    if parsed.iter().all(Result::is_ok) {
        return (parsed.into_iter().flatten().collect(), rules);
    }
    let mut next = 0;
    let numbers: Vec<u32> = parsed
        .iter()
        .map(|one| {
            let mine = next;
            next += u32::from(one.is_ok());
            mine
        })
        .collect();
    for target in rules.iter_mut().flat_map(|rule| &mut rule.targets) {
        renumber(&mut target.condition, &numbers);
    }
    (parsed.into_iter().flatten().collect(), rules)
}

fn renumber(condition: &mut Condition, numbers: &[u32]) {
    match condition {
        Condition::Leaf(number) => *number = numbers.get(*number as usize).copied().unwrap_or(*number),
        Condition::Not(inner) => renumber(inner, numbers),
        Condition::And(all) | Condition::Or(all) => all.iter_mut().for_each(|one| renumber(one, numbers)),
    }
}
