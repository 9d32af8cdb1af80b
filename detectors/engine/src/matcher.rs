//! Matching events against a plan, with the index.

use std::sync::Arc;

use bavn_wire::messages::Event;

use crate::blind::Blind;
use crate::condition::Outcome;
use crate::index::{Finds, KindIndex};
use crate::plan::Plan;
use crate::predicate::Scratch;

/// What one rule did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounters {
    /// Events on which its condition was evaluated.
    pub candidates: u64,
    /// Events that it matched.
    pub matches: u64,
    /// Events on which its outcome was unknown, because of what the sensor could not see.
    pub unobserved: u64,
}

/// Matches events against a plan. One for each worker; allocates nothing once warm.
#[derive(Debug)]
pub struct Matcher {
    plan: Arc<Plan>,
    counters: Vec<RuleCounters>,
    finds: Finds,
    memo: Memo,
    scratch: Scratch,
    candidates: Vec<u32>,
    hits: Vec<u32>,
    blind: Blind,
}

impl Matcher {
    /// A matcher of that plan.
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            counters: vec![RuleCounters::default(); plan.rules.len()],
            memo: Memo::new(plan.predicates.len(), plan.rules.len()),
            finds: Finds::default(),
            scratch: Scratch::default(),
            candidates: Vec::new(),
            hits: Vec::new(),
            blind: Blind::default(),
            plan,
        }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Counters, one for each rule of the plan.
    #[must_use]
    pub fn counters(&self) -> Vec<RuleCounters> {
        let mut all = self.counters.clone();
        self.blind.add_to(&mut all);
        all
    }

    /// Places in the plan of the rules that match, in ascending order.
    pub fn match_event(&mut self, event: &Event<'_>) -> &[u32] {
        self.hits.clear();
        // Shares the plan for the call so that the rest can be borrowed mutably.
        let plan = Arc::clone(&self.plan);
        if let Some(index) = plan.index.kind(event.kind) {
            self.memo.next_event();
            self.candidates.clear();
            index.find(event, &mut self.finds);
            self.wake(&plan, index, event);
            self.judge(&plan, index, event);
        }
        &self.hits
    }

    fn wake(&mut self, plan: &Plan, index: &KindIndex, event: &Event<'_>) {
        for number in &self.finds.triggers {
            let Some(trigger) = index.trigger(*number) else { continue };
            if self.memo.get(trigger.predicate).is_some() {
                continue;
            }
            let predicate = plan.predicates.get(trigger.predicate as usize).filter(|_| trigger.verify);
            let outcome = predicate.map_or(Outcome::True, |p| p.eval(event, &mut self.scratch));
            self.memo.set(trigger.predicate, outcome);
            if outcome != Outcome::False {
                self.memo.woken(index.wakes(&trigger), &mut self.candidates);
            }
        }
        if !self.finds.unobserved.is_empty() {
            self.wake_blind(plan, index, event);
        }
        self.memo.woken(&index.always, &mut self.candidates);
    }

    /// Wakes the rules that wait on what is unobserved, but for those that it leaves unknown in any case.
    fn wake_blind(&mut self, plan: &Plan, index: &KindIndex, event: &Event<'_>) {
        let place = self.blind.meet(plan, index, event);
        match place.and_then(|place| self.blind.set(place)) {
            Some(set) => {
                self.memo.woken(&set.open, &mut self.candidates);
                self.candidates.retain(|rule| !set.settles(*rule));
            }
            None => {
                for field in &self.finds.unobserved {
                    self.memo.woken(index.waiting(*field), &mut self.candidates);
                }
            }
        }
    }

    fn judge(&mut self, plan: &Plan, index: &KindIndex, event: &Event<'_>) {
        self.candidates.sort_unstable();
        let (finds, memo, scratch) = (&self.finds, &mut self.memo, &mut self.scratch);
        let mut leaf = |number: u32| {
            memo.get(number).unwrap_or_else(|| {
                let outcome = settle(plan, index, event, finds, number, scratch);
                memo.set(number, outcome);
                outcome
            })
        };
        for number in &self.candidates {
            let condition = plan.rules.get(*number as usize).and_then(|rule| rule.condition(event.kind));
            let Some(counters) = self.counters.get_mut(*number as usize) else { continue };
            counters.candidates += 1;
            match condition.map_or(Outcome::False, |condition| condition.eval(&mut leaf)) {
                Outcome::False => {}
                Outcome::Unknown => counters.unobserved += 1,
                Outcome::True => {
                    counters.matches += 1;
                    self.hits.push(*number);
                }
            }
        }
    }
}

/// Outcome of a predicate that no trigger set.
fn settle(
    plan: &Plan,
    index: &KindIndex,
    event: &Event<'_>,
    finds: &Finds,
    number: u32,
    scratch: &mut Scratch,
) -> Outcome {
    let Some(predicate) = plan.predicates.get(number as usize) else { return Outcome::False };
    if !index.settles(number) {
        return predicate.eval(event, scratch);
    }
    if index.missed(predicate.field, finds) { Outcome::Unknown } else { Outcome::False }
}

/// Outcomes and woken rules of one event. A stamp with the event's number makes all older ones void, so that
/// nothing is cleared between events.
#[derive(Debug)]
struct Memo {
    stamp: u32,
    outcomes: Vec<u32>,
    rules: Vec<u32>,
}

/// Low bits of an entry: the outcome.
const OUTCOME_BITS: u32 = 2;

impl Memo {
    fn new(predicates: usize, rules: usize) -> Self {
        Self { stamp: 0, outcomes: vec![0; predicates], rules: vec![0; rules] }
    }

    fn next_event(&mut self) {
        self.stamp += 1;
        if self.stamp >> (32 - OUTCOME_BITS) != 0 {
            *self = Self::new(self.outcomes.len(), self.rules.len());
            self.stamp = 1;
        }
    }

    fn get(&self, predicate: u32) -> Option<Outcome> {
        let entry = *self.outcomes.get(predicate as usize)?;
        (entry >> OUTCOME_BITS == self.stamp).then_some(match entry & 3 {
            0 => Outcome::False,
            1 => Outcome::Unknown,
            _ => Outcome::True,
        })
    }

    fn set(&mut self, predicate: u32, outcome: Outcome) {
        if let Some(entry) = self.outcomes.get_mut(predicate as usize) {
            *entry = self.stamp << OUTCOME_BITS | outcome as u32;
        }
    }

    /// Adds the rules that were not woken before in this event.
    fn woken(&mut self, rules: &[u32], candidates: &mut Vec<u32>) {
        for rule in rules {
            if let Some(entry) = self.rules.get_mut(*rule as usize).filter(|entry| **entry != self.stamp) {
                *entry = self.stamp;
                candidates.push(*rule);
            }
        }
    }
}
