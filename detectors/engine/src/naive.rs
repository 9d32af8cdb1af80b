//! The slow, obvious way: every rule's tree on every event. Tests hold the index against it.

use bavn_wire::messages::Event;

use crate::condition::Outcome;
use crate::plan::Plan;
use crate::predicate::Scratch;

/// Outcome of one rule on an event; `False` where it is not about such events.
#[must_use]
pub fn outcome(plan: &Plan, rule: usize, event: &Event<'_>) -> Outcome {
    let condition = plan.rules().get(rule).and_then(|rule| rule.condition(event.kind));
    let mut scratch = Scratch::default();
    let mut leaf = |number: u32| {
        let predicate = plan.predicates().get(number as usize);
        predicate.map_or(Outcome::False, |predicate| predicate.eval(event, &mut scratch))
    };
    condition.map_or(Outcome::False, |condition| condition.eval(&mut leaf))
}

/// Outcome of every rule of the plan.
#[must_use]
pub fn outcomes(plan: &Plan, event: &Event<'_>) -> Vec<Outcome> {
    (0..plan.rules().len()).map(|rule| outcome(plan, rule, event)).collect()
}
