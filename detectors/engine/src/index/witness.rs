//! Which predicates a rule waits on: a set of which one must hold, as rare in traffic as can be had.

use bavn_wire::fields::FieldType;
use bavn_wire::messages::Value;

use super::background;
use crate::condition::Condition;
use crate::predicate::number::Number;
use crate::predicate::{Predicate, Scratch, Test, address};

/// Estimated share of events that a predicate holds on, for each predicate once.
pub(super) struct Costs<'a> {
    pub(super) predicates: &'a [Predicate],
    known: Vec<Option<f32>>,
    scratch: Scratch,
}

/// A set of predicates and the estimated share of events that one of them holds on.
pub(super) struct Witness {
    pub(super) predicates: Vec<u32>,
    share: f32,
}

impl<'a> Costs<'a> {
    pub(super) fn new(predicates: &'a [Predicate]) -> Self {
        Self { predicates, known: vec![None; predicates.len()], scratch: Scratch::default() }
    }

    /// The rarest witness of a condition, `None` where it can hold without any predicate holding.
    pub(super) fn witness(&mut self, condition: &Condition) -> Option<Witness> {
        self.find(condition, false)
    }

    fn find(&mut self, condition: &Condition, negated: bool) -> Option<Witness> {
        match condition {
            Condition::Not(inner) => self.find(inner, !negated),
            Condition::Leaf(_) if negated => None,
            Condition::Leaf(number) => self.leaf(*number),
            Condition::And(children) if !negated => self.best(children, negated),
            Condition::Or(children) if negated => self.best(children, negated),
            Condition::And(children) | Condition::Or(children) => self.union(children, negated),
        }
    }

    fn best(&mut self, children: &[Condition], negated: bool) -> Option<Witness> {
        let all = children.iter().filter_map(|child| self.find(child, negated));
        all.min_by(|a, b| a.share.total_cmp(&b.share))
    }

    fn union(&mut self, children: &[Condition], negated: bool) -> Option<Witness> {
        let mut all = Witness { predicates: Vec::new(), share: 0.0 };
        for child in children {
            let one = self.find(child, negated)?;
            all.predicates.extend(one.predicates);
            all.share += one.share;
        }
        Some(all)
    }

    fn leaf(&mut self, number: u32) -> Option<Witness> {
        let predicate = self.predicates.get(number as usize)?;
        if matches!(predicate.test, Test::Exists(false) | Test::Null) {
            return None;
        }
        let known = self.known.get(number as usize).copied().flatten();
        let share = known.unwrap_or_else(|| share(predicate, &mut self.scratch));
        if let Some(slot) = self.known.get_mut(number as usize) {
            *slot = Some(share);
        }
        Some(Witness { predicates: vec![number], share })
    }
}

fn share(predicate: &Predicate, scratch: &mut Scratch) -> f32 {
    let samples = background::samples(predicate.field);
    let hits = samples.iter().filter(|sample| hit(predicate, sample, scratch)).count();
    match samples.len() {
        0 => guess(&predicate.test, 0.5),
        len => hits as f32 / len as f32 + guess(&predicate.test, 0.02),
    }
}

fn hit(predicate: &Predicate, sample: &str, scratch: &mut Scratch) -> bool {
    let text = Value::Text(sample.as_bytes());
    let typed = match (predicate.field.def().ty, Number::parse(sample.as_bytes())) {
        (FieldType::Number, Some(Number::Whole(number))) => u64::try_from(number).ok().map(Value::Number),
        (FieldType::Ip, _) => address(&text).map(Value::Ip),
        _ => None,
    };
    predicate.member(&typed.unwrap_or(text), scratch).is_some()
}

/// What the test costs and finds by its form alone: each byte of a literal halves the texts that have it, out of the share
/// `of` all. What cannot be looked up is evaluated wherever its field is present.
fn guess(test: &Test, of: f32) -> f32 {
    let by_length = |len: usize| of * 0.5_f32.powi(len.min(64) as i32);
    match test {
        Test::Text(_, all) => all.iter().map(|needle| by_length(needle.folded.len())).sum(),
        Test::Wildcard(all) => {
            let longest = |literals: Vec<&[u8]>| literals.iter().map(|l| l.len()).max().unwrap_or(0);
            all.iter().map(|(pattern, _)| by_length(longest(pattern.literals().collect()))).sum()
        }
        Test::Regex(all) => {
            let of = |literals: &[Box<[u8]>]| literals.iter().map(|l| by_length(l.len())).sum::<f32>();
            all.iter().map(|one| one.required.as_deref().map_or(2.0, of)).sum()
        }
        Test::Network(_) => 0.05,
        Test::Compare(..) | Test::Time(..) => 0.5,
        Test::Other(..) => 1.5,
        Test::Exists(_) | Test::Null => 1.0,
    }
}
