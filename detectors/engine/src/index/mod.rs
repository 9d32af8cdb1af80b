//! The predicate index: from an event's values straight to the few rules that may match.
//!
//! Each rule waits on a *witness*: predicates of which one must hold for its condition to hold. Only witnesses are
//! indexed. A value is looked up once per field for all rules; what it finds wakes rules, and a woken rule's
//! condition is evaluated. In three values: where every witness is false the condition is false, so a rule is
//! also woken where a witness's field is unobserved, and index and tree walk agree to the letter.

mod background;
mod ends;
mod field;
mod grams;
mod kind;
mod table;
mod witness;

use bavn_wire::fields::{FIELDS, Field};
use bavn_wire::messages::EventKind;

pub(crate) use kind::{Finds, KindIndex};

use crate::plan::Rule;
use crate::predicate::Predicate;

/// How many fields there are.
const FIELD_COUNT: usize = FIELDS.len();

/// One index per kind of event.
#[derive(Debug)]
pub(crate) struct Index {
    kinds: Vec<Option<KindIndex>>,
}

impl Index {
    /// Builds the index of a plan.
    pub(crate) fn build(predicates: &[Predicate], rules: &[Rule]) -> Self {
        let mut costs = witness::Costs::new(predicates);
        let kinds = EventKind::ALL.iter().map(|kind| KindIndex::build(*kind, &mut costs, rules));
        Self { kinds: kinds.collect() }
    }

    /// The index of a kind, `None` where no rule is about it.
    pub(crate) fn kind(&self, kind: EventKind) -> Option<&KindIndex> {
        self.kinds.get(kind as usize)?.as_ref()
    }
}

/// Row of a field in per-field arrays.
const fn row(field: Field) -> usize {
    field as usize
}
