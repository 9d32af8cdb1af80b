//! The index of one kind of event.

use std::collections::HashMap;

use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, EventKind, Value};

use super::field::{FieldBuilder, FieldIndex, Walk};
use super::grams::{Long, User};
use super::table::Hasher;
use super::witness::Costs;
use super::{FIELD_COUNT, row};
use crate::plan::Rule;
use crate::predicate::Predicate;
use crate::view::{FLOW_FIELDS, own_field, with_flow_field};

/// Field without an index.
const NONE: u16 = u16::MAX;
/// The field whose text others are cut out of: it is scanned once for all.
const WHOLE: Field = Field::HttpRaw;

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
    /// Long literals of all fields.
    long: Long,
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
    whole: Whole,
}

/// A text that was scanned for several fields at once.
#[derive(Debug, Default)]
struct Whole {
    /// Folded.
    folded: Vec<u8>,
    /// Where the texts of the indexed fields lie in it, empty for those that do not; none where it was not scanned.
    spans: Vec<(usize, usize)>,
}

impl Whole {
    /// The field's part of it.
    fn part(&self, number: u16) -> Option<&[u8]> {
        let (from, to) = *self.spans.get(usize::from(number))?;
        self.folded.get(from..to).filter(|part| !part.is_empty())
    }
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
        self.scan_whole(event, finds);
        for (field, value) in event.fields {
            let number = self.number(*field);
            match (value, finds.whole.part(number), self.fields.get(usize::from(number))) {
                (Value::Text(text), Some(folded), Some(index)) => {
                    index.scan_rest(text, folded, &mut finds.triggers);
                }
                _ => self.scan(number, value, finds),
            }
        }
        for (field, number) in &self.flow {
            if own_field(event, *field).is_none() {
                with_flow_field(event, *field, |value| {
                    value.into_iter().for_each(|value| self.scan(*number, value, finds));
                });
            }
        }
    }

    /// Scans the text that others are cut out of for the long literals of all of them, where that is less than scanning each.
    fn scan_whole(&self, event: &Event<'_>, finds: &mut Finds) {
        let Whole { folded, spans } = &mut finds.whole;
        spans.clear();
        let Some(Value::Text(whole)) = own_field(event, WHOLE) else { return };
        if self.find_parts(event, whole, spans) < whole.len() || !whole.is_ascii() {
            spans.clear();
            return;
        }
        folded.clear();
        folded.extend_from_slice(whole);
        folded.make_ascii_lowercase();
        self.long.scan(folded, &mut |found| {
            for user in found.users {
                let span = spans.get(usize::from(user.field));
                if span.is_some_and(|(from, to)| *from <= found.from && found.to <= *to) {
                    finds.triggers.push(user.trigger);
                }
            }
        });
    }

    /// Where the fields' texts lie in the whole; gives how many bytes of them would have to be scanned by themselves.
    fn find_parts(&self, event: &Event<'_>, whole: &[u8], spans: &mut Vec<(usize, usize)>) -> usize {
        spans.resize(self.fields.len(), (0, 0));
        let mut bytes = 0;
        for (field, value) in event.fields {
            let number = usize::from(self.number(*field));
            let (Some(index), Value::Text(text)) = (self.fields.get(number), value) else { continue };
            if let (Some(span), Some(from)) = (spans.get_mut(number), offset(whole, text)) {
                *span = (from, from + text.len());
                bytes += if index.has_long { text.len() } else { 0 };
            }
        }
        bytes
    }

    /// Number of a field's index.
    pub(crate) fn number(&self, field: Field) -> u16 {
        self.by_field.get(row(field)).copied().unwrap_or(NONE)
    }

    fn scan(&self, number: u16, value: &Value<'_>, finds: &mut Finds) {
        let Some(index) = self.fields.get(usize::from(number)) else { return };
        let mut walk = Walk { long: &self.long, folded: &mut finds.folded, found: &mut finds.triggers };
        if index.scan(value, &mut walk) {
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

/// Where a part that was cut out of the whole begins in it.
fn offset(whole: &[u8], part: &[u8]) -> Option<usize> {
    let from = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    (from <= whole.len() && part.len() <= whole.len() - from).then_some(from)
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
            long: Long::default(),
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
        let mut long: Vec<(Box<[u8]>, User)> = Vec::new();
        for (number, (field, builder)) in (0_u16..).zip(fields) {
            if let Some(slot) = self.by_field.get_mut(row(field)) {
                *slot = number;
            }
            if FLOW_FIELDS.contains(&field) {
                self.flow.push((field, number));
            }
            self.fields.push(builder.build(field, number, &mut long));
        }
        self.long = Long::new(long.iter().map(|(text, user)| (&**text, *user)).collect());
    }
}
