//! The groups of one correlation.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::BuildHasher as _;

use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, EventKind};
use foldhash::quality::RandomState;

use super::key::{self, Values};
use super::report::{self, Fired};
use super::window::{Item, Sliding, Tumbling};
use super::{Correlation, Counts, Measure, Source};
use crate::plan::Plan;
use crate::predicate::text::fold_into;

/// Groups that end are looked at in portions of so many a hit.
const PORTION: usize = 16;

#[derive(Debug)]
enum Kept {
    Sliding(Sliding),
    Tumbling(Box<Tumbling>),
}

#[derive(Debug)]
struct Group {
    /// Time after which nothing of it counts any more, or its span is judged.
    due: u64,
    /// It has told, and tells no more until then.
    quiet_until: u64,
    kind: EventKind,
    kept: Kept,
}

/// Ends of groups, the earliest first and those of one time as they came: as they were when put here. A group that lives on
/// is put here again.
#[derive(Debug, Default)]
struct Queue {
    ends: BinaryHeap<Reverse<(u64, u64, u64)>>,
    count: u64,
}

impl Queue {
    fn push(&mut self, due: u64, key: u64) {
        self.count += 1;
        self.ends.push(Reverse((due, self.count, key)));
    }

    /// End and group of the first, where that end has come.
    fn pop(&mut self, now: u64) -> Option<(u64, u64)> {
        let Reverse((due, _, key)) = *self.ends.peek().filter(|Reverse((due, ..))| *due <= now)?;
        self.ends.pop();
        Some((due, key))
    }
}

/// The groups of one correlation, and the order in which they end.
#[derive(Debug)]
pub(super) struct Table {
    rule: u32,
    of: Correlation,
    groups: HashMap<u64, Group, RandomState>,
    queue: Queue,
    newest: u64,
    fields: Vec<Option<Field>>,
    values: Values,
    folded: Vec<u8>,
}

/// A hit on its way into its group.
struct Hit {
    input: usize,
    time: u64,
    packet: u64,
    kind: EventKind,
}

impl Table {
    pub(super) fn new(rule: u32, of: Correlation) -> Self {
        let names = match of.inputs.first().map(|input| &input.source) {
            Some(Source::Events(views)) => views.first().map_or(0, |view| view.group.len()),
            Some(Source::Chain(places)) => places.len(),
            None => 0,
        };
        Self {
            rule,
            fields: report::group_fields(&of, names),
            of,
            groups: HashMap::default(),
            queue: Queue::default(),
            newest: 0,
            values: Values::default(),
            folded: Vec::new(),
        }
    }

    /// True where both are the same correlation over the same rules.
    pub(super) fn is_same(&self, plan: &Plan, other: &Self, others: &Plan) -> bool {
        let name = |plan: &Plan, place: u32| {
            plan.rules().get(place as usize).map(|rule| (rule.id.clone(), rule.version.clone()))
        };
        let (mine, yours) = (&self.of.inputs, &other.of.inputs);
        name(plan, self.rule) == name(others, other.rule)
            && mine.len() == yours.len()
            && mine.iter().zip(yours).all(|(a, b)| name(plan, a.rule) == name(others, b.rule))
    }

    /// Takes the groups of another.
    pub(super) fn take_over(&mut self, other: Self) {
        (self.groups, self.queue, self.newest) = (other.groups, other.queue, other.newest);
    }

    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Takes an event that the rule of that input matched.
    pub(super) fn event(
        &mut self,
        input: usize,
        event: &Event<'_>,
        plan: &Plan,
        counts: &mut Counts,
        fired: &mut Vec<Fired>,
    ) {
        let Some(Source::Events(views)) = self.of.inputs.get(input).map(|input| &input.source) else {
            return;
        };
        let Some(view) = views.iter().find(|view| view.kind == event.kind) else { return };
        self.values.clear();
        if !view.group.iter().all(|fields| self.values.push(event, fields)) {
            counts.without_group += 1;
            return;
        }
        let hit = Hit { input, time: event.time, packet: event.packet, kind: event.kind };
        let hasher = self.groups.hasher().clone();
        let mut items = Vec::new();
        let measured = match self.of.measure {
            Measure::EventCount | Measure::Temporal | Measure::Ordered => {
                items.push(Item::Hit);
                true
            }
            Measure::ValueCount => {
                let mut folded = Vec::new();
                key::each_text(event, &view.value, |text| {
                    folded.clear();
                    fold_into(&mut folded, text);
                    items.push(Item::Hash(hasher.hash_one(&folded)));
                })
            }
            Measure::Sum | Measure::Average | Measure::Percentile(_) => {
                key::each_text(event, &view.value, |text| items.extend(number(text).map(Item::Number)))
            }
        };
        if !measured || items.is_empty() {
            counts.without_group += 1;
            return;
        }
        self.take(&hit, &items, plan, counts, fired);
    }

    /// Takes what a correlation that is this one's input has found.
    pub(super) fn chained(
        &mut self,
        input: usize,
        from: &Fired,
        plan: &Plan,
        counts: &mut Counts,
        fired: &mut Vec<Fired>,
    ) {
        let Some(Source::Chain(places)) = self.of.inputs.get(input).map(|input| &input.source) else {
            return;
        };
        self.values.clear();
        for place in places {
            let Some((_, value)) = from.group.get(*place) else {
                counts.without_group += 1;
                return;
            };
            self.values.push_text(value);
        }
        let hit = Hit { input, time: from.time, packet: from.packet, kind: from.kind };
        let from = fired.len();
        self.take(&hit, &[Item::Hit], plan, counts, fired);
        // No event that is at hand belongs to it.
        fired.iter_mut().skip(from).for_each(|one| one.is_late = true);
    }

    fn take(&mut self, hit: &Hit, items: &[Item], plan: &Plan, counts: &mut Counts, fired: &mut Vec<Fired>) {
        self.advance(hit.time, hit.packet, plan, fired);
        if hit.time.saturating_add(self.of.span) <= self.newest {
            counts.lost += 1;
            return;
        }
        self.values.fold(&mut self.folded);
        let key = self.groups.hasher().hash_one(&self.folded);
        let due = hit.time.saturating_add(self.of.span);
        let late = self.of.is_late();
        let (of, values, queue) = (&self.of, &self.values, &mut self.queue);
        let group = self.groups.entry(key).or_insert_with(|| {
            queue.push(due, key);
            let kept = if late {
                Kept::Tumbling(Box::new(Tumbling::new(of, values.texts())))
            } else {
                Kept::Sliding(Sliding::new(of))
            };
            Group { due, quiet_until: 0, kind: hit.kind, kept }
        });
        group.kind = hit.kind;
        let Kept::Sliding(sliding) = &mut group.kept else {
            if let Kept::Tumbling(tumbling) = &mut group.kept {
                let all = items.iter().filter(|item| !tumbling.add(hit.input, **item)).count();
                counts.lost += all as u64;
            }
            return;
        };
        group.due = group.due.max(due);
        for item in items {
            counts.lost += u64::from(!sliding.add(of, hit.input, hit.time, *item));
        }
        if hit.time < group.quiet_until {
            return;
        }
        let measured = sliding.measure(of, hit.time);
        let holds = of.condition.map_or(measured > 0.0, |(op, bound)| op.holds(measured, bound));
        if holds {
            group.quiet_until = due;
            let group = self.fields.iter().copied().zip(values.texts()).collect();
            fired.push(self.fired(group, measured, plan, (hit.time, hit.packet, hit.kind), false));
        }
    }

    /// Takes note of the time that packets have brought.
    pub(super) fn pass_time(&mut self, now: u64) {
        self.newest = self.newest.max(now);
    }

    /// When the first of its groups ends, as far as is known.
    pub(super) fn due(&self) -> u64 {
        self.queue.ends.peek().map_or(u64::MAX, |Reverse((due, ..))| *due)
    }

    /// Ends groups whose time has passed.
    pub(super) fn advance(&mut self, now: u64, packet: u64, plan: &Plan, fired: &mut Vec<Fired>) {
        self.newest = self.newest.max(now);
        let most = if self.of.is_late() { usize::MAX } else { PORTION };
        for _ in 0..most {
            let Some((due, key)) = self.queue.pop(self.newest) else { return };
            let Some(group) = self.groups.get(&key) else { continue };
            if group.due > self.newest {
                self.queue.push(group.due, key);
                continue;
            }
            if let Some(group) = self.groups.remove(&key) {
                fired.extend(self.judge(group, (due, packet), plan));
            }
        }
    }

    fn judge(&self, group: Group, at: (u64, u64), plan: &Plan) -> Option<Fired> {
        let Kept::Tumbling(kept) = group.kept else { return None };
        let measured = kept.measure(&self.of);
        let holds = self.of.condition.map_or(measured > 0.0, |(op, bound)| op.holds(measured, bound));
        let named = self.fields.iter().copied().zip(kept.group).collect();
        holds.then(|| self.fired(named, measured, plan, (at.0, at.1, group.kind), true))
    }

    fn fired(
        &self,
        group: Vec<(Option<Field>, String)>,
        measured: f64,
        plan: &Plan,
        (time, packet, kind): (u64, u64, EventKind),
        is_late: bool,
    ) -> Fired {
        let leaves = report::leaves(&self.of, plan, measured, &group);
        Fired { rule: self.rule, group, leaves, time, packet, kind, is_late }
    }

    /// Lets the group go that would end first; false where there is none.
    pub(super) fn evict(&mut self) -> bool {
        while let Some((due, key)) = self.queue.pop(u64::MAX) {
            match self.groups.get(&key) {
                Some(group) if group.due > due => self.queue.push(group.due, key),
                Some(_) => return self.groups.remove(&key).is_some(),
                None => {}
            }
        }
        false
    }
}

fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok().filter(|number: &f64| number.is_finite())
}
