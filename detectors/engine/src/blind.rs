//! What cannot be decided for want of what the sensor did not see.
//!
//! On a one-way tap every rule about the other side's fields is unknown on every event. Which rules those are depends on
//! the fields alone, not on the event, so it is found once for each set of unseen fields; an event then costs one count.

use std::collections::HashMap;

use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, EventKind, Value};

use crate::condition::{Condition, Outcome};
use crate::index::KindIndex;
use crate::matcher::RuleCounters;
use crate::plan::Plan;

/// Sets of unseen fields that are kept; with more, rules are evaluated one by one.
const MAX_SETS: usize = 64;

/// The rules that wait on a set of unseen fields.
#[derive(Debug, Default)]
pub(crate) struct Unseen {
    /// Unknown whatever else the event has.
    unknown: Vec<u32>,
    /// A bit for each rule in it.
    bits: Vec<u64>,
    /// Left to be evaluated.
    pub(crate) open: Vec<u32>,
    events: u64,
}

impl Unseen {
    /// True where the rule is unknown whatever else the event has.
    pub(crate) fn settles(&self, rule: u32) -> bool {
        let word = self.bits.get(rule as usize >> 6).copied().unwrap_or(0);
        word >> (rule & 63) & 1 != 0
    }
}

/// All sets met so far.
#[derive(Debug, Default)]
pub(crate) struct Blind {
    places: HashMap<(EventKind, Vec<Field>), usize>,
    sets: Vec<Unseen>,
    fields: Vec<Field>,
}

impl Blind {
    /// Notes an event of which fields are unobserved: what the rules that wait on them come to. `None` where that must be
    /// asked rule by rule: a list is unobserved in part only, or too many sets were met.
    pub(crate) fn meet(&mut self, plan: &Plan, index: &KindIndex, event: &Event<'_>) -> Option<usize> {
        self.fields.clear();
        for (field, value) in event.fields {
            match value {
                Value::Unobserved => self.fields.push(*field),
                Value::List([.., Value::Unobserved]) => return None,
                _ => {}
            }
        }
        let key = (event.kind, std::mem::take(&mut self.fields));
        let known = self.places.get(&key).copied();
        let place = known.or_else(|| self.add(&key, plan, index));
        if let Some(set) = place.and_then(|place| self.sets.get_mut(place)) {
            set.events += 1;
        }
        self.fields = key.1;
        place
    }

    pub(crate) fn set(&self, place: usize) -> Option<&Unseen> {
        self.sets.get(place)
    }

    /// Adds what was counted by the set to each rule's own counters.
    pub(crate) fn add_to(&self, counters: &mut [RuleCounters]) {
        for set in &self.sets {
            for rule in &set.unknown {
                if let Some(counter) = counters.get_mut(*rule as usize) {
                    counter.unobserved += set.events;
                }
            }
        }
    }

    #[cold]
    fn add(&mut self, key: &(EventKind, Vec<Field>), plan: &Plan, index: &KindIndex) -> Option<usize> {
        if self.sets.len() >= MAX_SETS {
            return None;
        }
        let mut rules: Vec<u32> =
            key.1.iter().flat_map(|field| index.waiting(index.number(*field))).copied().collect();
        rules.sort_unstable();
        rules.dedup();
        let mut set = Unseen { bits: vec![0; plan.rules().len().div_ceil(64)], ..Unseen::default() };
        for rule in rules {
            let Some(condition) = plan.rules().get(rule as usize).and_then(|known| known.condition(key.0))
            else {
                continue;
            };
            match bounds(condition, plan, &key.1) {
                (Outcome::Unknown, Outcome::Unknown) => set.unknown.push(rule),
                (_, Outcome::False) => {}
                _ => set.open.push(rule),
            }
        }
        for rule in &set.unknown {
            if let Some(word) = set.bits.get_mut(*rule as usize >> 6) {
                *word |= 1 << (rule & 63);
            }
        }
        self.sets.push(set);
        self.places.insert(key.clone(), self.sets.len() - 1);
        Some(self.sets.len() - 1)
    }
}

/// Least and greatest outcome of a condition where these fields are unobserved and nothing is known of the others.
fn bounds(condition: &Condition, plan: &Plan, unseen: &[Field]) -> (Outcome, Outcome) {
    use std::cmp::{max, min};
    let of = |child: &Condition| bounds(child, plan, unseen);
    match condition {
        Condition::Leaf(number) => {
            let field = plan.predicates.get(*number as usize).map(|predicate| predicate.field);
            match field.is_some_and(|field| unseen.contains(&field)) {
                true => (Outcome::Unknown, Outcome::Unknown),
                false => (Outcome::False, Outcome::True),
            }
        }
        Condition::Not(inner) => {
            let (least, most) = of(inner);
            (!most, !least)
        }
        Condition::And(children) => children
            .iter()
            .map(of)
            .fold((Outcome::True, Outcome::True), |(a, b), (c, d)| (min(a, c), min(b, d))),
        Condition::Or(children) => children
            .iter()
            .map(of)
            .fold((Outcome::False, Outcome::False), |(a, b), (c, d)| (max(a, c), max(b, d))),
    }
}
