//! The group that a hit belongs to.

use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, Value};

use crate::predicate::text::{fold_into, text_form};
use crate::view;

/// Bytes of a value that tell groups apart.
const MAX_VALUE: usize = 1024;

/// The values that are grouped by, as text one after the other, with case folded as Sigma compares text.
#[derive(Debug, Default)]
pub(super) struct Values {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Values {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds the first value that one of these fields has; false where none has one.
    pub(super) fn push(&mut self, event: &Event<'_>, fields: &[Field]) -> bool {
        let from = self.bytes.len();
        let found = fields.iter().any(|field| text_of(event, *field, &mut self.bytes));
        self.bytes.truncate(from + MAX_VALUE.min(self.bytes.len() - from));
        self.ends.push(self.bytes.len());
        found
    }

    pub(super) fn push_text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(self.bytes.len());
    }

    /// What tells groups apart: lengths and folded text.
    pub(super) fn fold(&mut self, out: &mut Vec<u8>) {
        out.clear();
        for value in self.iter() {
            out.extend_from_slice(&(value.len() as u32).to_le_bytes());
            fold_into(out, value);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }
}

/// Appends the text of a field's value, of a list its first; false where there is none.
pub(super) fn text_of(event: &Event<'_>, field: Field, out: &mut Vec<u8>) -> bool {
    view::with_field(event, field, |value| match value {
        Some(Value::List(all)) => all.first().is_some_and(|first| text_form(first, out)),
        Some(value) => text_form(value, out),
        None => false,
    })
}

/// Calls `take` with the text of each value of the first of these fields that has any; false where none has.
pub(super) fn each_text(event: &Event<'_>, fields: &[Field], mut take: impl FnMut(&[u8])) -> bool {
    let mut text = Vec::new();
    fields.iter().any(|field| {
        view::with_field(event, *field, |value| {
            let all: &[Value<'_>] = match value {
                Some(Value::List(all)) => all,
                Some(one) => std::slice::from_ref(one),
                None => &[],
            };
            let mut found = false;
            for one in all {
                text.clear();
                if text_form(one, &mut text) {
                    found = true;
                    take(&text);
                }
            }
            found
        })
    })
}
