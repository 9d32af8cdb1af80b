//! The index of one kind of event.

use std::collections::HashMap;

use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, EventKind, Value};

use super::field::{FieldBuilder, FieldIndex};
use super::table::Hasher;
use super::witness::Costs;
use super::{FIELD_COUNT, row};
use crate::plan::Rule;
use crate::predicate::Predicate;
use crate::view::{FLOW_FIELDS, own_field, with_flow_field};

/// Field without an index.
const NONE: u16 = u16::MAX;

/// What a find sets off: it shows a predicate to hold, or to be worth evaluating, and wakes rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trigger {
    pub(crate) predicate: u32,
    pub(crate) verify: bool,
    wakes: (u32, u32),
}

/// Fields, triggers and waiting rules of one kind of event.
#[derive(Debug)]
pub(crate) struct KindIndex {
    fields: Vec<FieldIndex>,
    by_field: Box<[u16]>,
    /// Indexed fields that the flow may give.
    flow: Vec<(Field, u16)>,
    triggers: Vec<Trigger>,
    wakes: Vec<u32>,
    /// Rules that can match without any predicate holding.
    pub(crate) always: Vec<u32>,
    /// Bit per predicate: one that no trigger showed to hold does not hold.
    indexed: Vec<u64>,
}

/// What a walk over an event finds.
#[derive(Debug, Default)]
pub(crate) struct Finds {
    /// Triggers, some perhaps more than once.
    pub(crate) triggers: Vec<u32>,
    /// Numbers of the indexed fields of which something is unobserved.
    pub(crate) unobserved: Vec<u16>,
    folded: Vec<u8>,
}

impl KindIndex {
    /// Builds it; `None` where no rule is about the kind.
    pub(super) fn build(kind: EventKind, costs: &mut Costs<'_>, rules: &[Rule]) -> Option<Self> {
        let mut builder = Builder::default();
        for (number, rule) in (0..).zip(rules) {
            if let Some(condition) = rule.condition(kind) {
                match costs.witness(condition) {
                    None => builder.always.push(number),
                    Some(witness) => builder.wait(number, &witness.predicates),
                }
            }
        }
        (!builder.always.is_empty() || !builder.waits.is_empty()).then(|| builder.build(costs.predicates))
    }

    /// Walks over the event's values.
    pub(crate) fn find(&self, event: &Event<'_>, finds: &mut Finds) {
        finds.triggers.clear();
        finds.unobserved.clear();
        for (field, value) in event.fields {
            self.scan(self.number(*field), value, finds);
        }
        for (field, number) in &self.flow {
            if own_field(event, *field).is_none() {
                with_flow_field(event, *field, |value| {
                    value.into_iter().for_each(|value| self.scan(*number, value, finds));
                });
            }
        }
    }

    /// Number of a field's index.
    pub(crate) fn number(&self, field: Field) -> u16 {
        self.by_field.get(row(field)).copied().unwrap_or(NONE)
    }

    fn scan(&self, number: u16, value: &Value<'_>, finds: &mut Finds) {
        let Some(index) = self.fields.get(usize::from(number)) else { return };
        if index.scan(value, &mut finds.folded, &mut finds.triggers) {
            finds.unobserved.push(number);
        }
    }

    pub(crate) fn trigger(&self, number: u32) -> Option<Trigger> {
        self.triggers.get(number as usize).copied()
    }

    /// Rules that a trigger wakes.
    pub(crate) fn wakes(&self, trigger: &Trigger) -> &[u32] {
        self.wakes.get(trigger.wakes.0 as usize..trigger.wakes.1 as usize).unwrap_or_default()
    }

    /// Rules to wake where an indexed field is unobserved.
    pub(crate) fn waiting(&self, number: u16) -> &[u32] {
        self.fields.get(usize::from(number)).map_or(&[], |index| &index.waiting)
    }

    /// True where the walk settles the predicate.
    pub(crate) fn settles(&self, predicate: u32) -> bool {
        let word = self.indexed.get(predicate as usize >> 6).copied().unwrap_or(0);
        word >> (predicate & 63) & 1 != 0
    }

    /// True where part of that field was unobserved in the walk.
    pub(crate) fn missed(&self, field: Field, finds: &Finds) -> bool {
        !finds.unobserved.is_empty() && finds.unobserved.contains(&self.number(field))
    }
}

#[derive(Default)]
struct Builder {
    always: Vec<u32>,
    /// Predicate and the rule that waits on it.
    waits: Vec<(u32, u32)>,
}

impl Builder {
    fn wait(&mut self, rule: u32, predicates: &[u32]) {
        self.waits.extend(predicates.iter().map(|predicate| (*predicate, rule)));
    }

    fn build(mut self, predicates: &[Predicate]) -> KindIndex {
        self.waits.sort_unstable();
        self.waits.dedup();
        let mut fields: HashMap<Field, FieldBuilder, Hasher> = HashMap::default();
        let mut index = KindIndex {
            fields: Vec::new(),
            by_field: vec![NONE; FIELD_COUNT].into_boxed_slice(),
            flow: Vec::new(),
            triggers: Vec::new(),
            wakes: self.waits.iter().map(|(_, rule)| *rule).collect(),
            always: self.always,
            indexed: vec![0; predicates.len().div_ceil(64)],
        };
        let mut from = 0;
        for waits in self.waits.chunk_by(|a, b| a.0 == b.0) {
            let to = from + waits.len() as u32;
            index.add_trigger(waits, (from, to), predicates, &mut fields);
            from = to;
        }
        index.freeze(fields);
        index
    }
}

impl KindIndex {
    fn add_trigger(
        &mut self,
        waits: &[(u32, u32)],
        wakes: (u32, u32),
        predicates: &[Predicate],
        fields: &mut HashMap<Field, FieldBuilder, Hasher>,
    ) {
        let Some((number, _)) = waits.first() else { return };
        let Some(predicate) = predicates.get(*number as usize) else { return };
        let builder = fields.entry(predicate.field).or_default();
        let verify = builder.add(predicate, self.triggers.len() as u32);
        waits.iter().for_each(|(_, rule)| builder.wait(*rule));
        self.triggers.push(Trigger { predicate: *number, verify, wakes });
        if let Some(word) = self.indexed.get_mut(*number as usize >> 6) {
            *word |= 1 << (number & 63);
        }
    }

    fn freeze(&mut self, fields: HashMap<Field, FieldBuilder, Hasher>) {
        let mut fields: Vec<_> = fields.into_iter().collect();
        fields.sort_by_key(|(field, _)| *field);
        for (number, (field, builder)) in (0_u16..).zip(fields) {
            if let Some(slot) = self.by_field.get_mut(row(field)) {
                *slot = number;
            }
            if FLOW_FIELDS.contains(&field) {
                self.flow.push((field, number));
            }
            self.fields.push(builder.build(field));
        }
    }
}
