//! An [`Event`] as one line of nested ECS JSON, written straight to bytes.

mod info;
mod nested;
mod text;

pub use nested::{Name, Nested};
pub use text::{write_text, write_time, write_value};

use crate::fields::{FIELDS, Field};
use crate::messages::{Event, EventKind, Nature, Value};
use info::Info;

/// A dotted name of the writer's own, with its place in the field table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    name: Name,
    /// Fields whose names sort before it.
    before: u16,
}

impl Key {
    /// Of that name. Meant for constants: it walks the field table.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let mut before = 0;
        while before < FIELDS.len() && less(FIELDS[before].name, name) {
            before += 1;
        }
        Self { name: Name::new(name), before: before as u16 }
    }
}

const fn less(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return left[at] < right[at];
        }
        at += 1;
    }
    left.len() < right.len()
}

/// The fields' names, by row.
static NAMES: [Name; FIELDS.len()] = {
    let mut names = [Name::new(""); FIELDS.len()];
    let mut row = 0;
    while row < FIELDS.len() {
        names[row] = Name::new(FIELDS[row].name);
        row += 1;
    }
    names
};

/// What stands under a [`Key`].
#[derive(Clone, Copy, Debug)]
pub enum Own<'a> {
    /// A value; an unobserved one is left out.
    Value(Value<'a>),
    /// JSON, ready made.
    Raw(&'a [u8]),
    /// The names of the event's unobserved fields; left out where there are none.
    Unobserved,
}

static TIMESTAMP: Key = Key::new("@timestamp");
static FLOW_ID: Key = Key::new("bavn.flow.id");
static PACKET: Key = Key::new("bavn.packet");
static UNOBSERVED: Key = Key::new("bavn.unobserved");
static CATEGORY: Key = Key::new("event.category");
static DATASET: Key = Key::new("event.dataset");
static KIND: Key = Key::new("event.kind");
static TYPE: Key = Key::new("event.type");

/// Appends one event and a line feed.
pub fn write_event(out: &mut Vec<u8>, event: &Event<'_>) {
    let id = match event.flow.id {
        0 => Value::Unobserved,
        id => Value::Number(id),
    };
    let own = [
        (&TIMESTAMP, Own::Value(Value::Time(event.time))),
        (&FLOW_ID, Own::Value(id)),
        (&PACKET, Own::Value(Value::Number(event.packet))),
        (&UNOBSERVED, Own::Unobserved),
        (&CATEGORY, Own::Raw(br#"["network"]"#)),
        (&DATASET, Own::Raw(event.kind.dataset())),
        (&KIND, Own::Raw(br#""event""#)),
        (&TYPE, Own::Raw(types(event.kind))),
    ];
    write_document(out, event, &own);
    out.push(b'\n');
}

/// `event.type` of ECS for the category `network`.
const fn types(kind: EventKind) -> &'static [u8] {
    match kind.nature() {
        Nature::Connection => br#"["connection"]"#,
        Nature::Protocol => br#"["connection","protocol"]"#,
        Nature::File | Nature::Info => br#"["info"]"#,
    }
}

/// Appends one object: the event's fields, those of its flow, and `own`, which is sorted by name and wins over a field
/// of the same name. Hidden fields and unobserved values are left out.
pub fn write_document(out: &mut Vec<u8>, event: &Event<'_>, own: &[(&'static Key, Own<'_>)]) {
    debug_assert!(
        own.windows(2).all(|pair| pair[0].0.name.text < pair[1].0.name.text),
        "own names out of order"
    );
    let info = Info::new(event);
    let mut document = Document { nested: Nested::new(out), event, own, answers: false };
    let given = info.fields();
    let (mut flow, mut fields) = (given.iter().peekable(), event.fields.iter().peekable());
    loop {
        // An event's own field wins over its flow's.
        let next = match (flow.peek(), fields.peek()) {
            (Some((given, _)), Some((field, _))) if given == field => {
                flow.next();
                fields.next()
            }
            (Some((given, _)), Some((field, _))) if given < field => flow.next(),
            (Some(_), None) => flow.next(),
            (_, Some(_)) => fields.next(),
            (None, None) => break,
        };
        if let Some((field, value)) = next {
            document.field(*field, value);
        }
    }
    document.own_rest();
    document.nested.finish();
}

struct Document<'o, 'e> {
    nested: Nested<'o>,
    event: &'e Event<'e>,
    /// What is still to come.
    own: &'e [(&'static Key, Own<'e>)],
    answers: bool,
}

impl Document<'_, '_> {
    #[inline]
    fn field(&mut self, field: Field, value: &Value<'_>) {
        let value = &seen(value);
        if self.own_before(field) || *value == Value::Unobserved || field.def().hidden {
            return;
        }
        if is_answer(field) {
            self.answers();
            return;
        }
        if let Some(name) = NAMES.get(field as usize) {
            write_value(self.nested.name(name), value);
        }
    }

    /// Writes the own entries that come before that field or in its place; true where one took its place.
    #[inline]
    fn own_before(&mut self, field: Field) -> bool {
        let mut taken = false;
        while let Some(((key, own), rest)) = self.own.split_first() {
            if key.before > field as u16 {
                break;
            }
            self.own = rest;
            taken = key.before == field as u16 && key.name.text == field.name();
            self.own_entry(&key.name, own);
        }
        taken
    }

    fn own_rest(&mut self) {
        for (key, own) in std::mem::take(&mut self.own) {
            self.own_entry(&key.name, own);
        }
    }

    fn own_entry(&mut self, name: &'static Name, own: &Own<'_>) {
        match own {
            Own::Value(Value::Unobserved) => {}
            Own::Value(value) => write_value(self.nested.name(name), value),
            Own::Raw(json) => self.nested.name(name).extend_from_slice(json),
            Own::Unobserved => self.unobserved(name),
        }
    }

    fn unobserved(&mut self, name: &'static Name) {
        let unobserved = |pair: &&(Field, Value<'_>)| is_unobserved(&pair.1) && !pair.0.def().hidden;
        let mut names = self.event.fields.iter().filter(unobserved).map(|(field, _)| field.name()).peekable();
        if names.peek().is_none() {
            return;
        }
        let out = self.nested.name(name);
        for (n, name) in names.enumerate() {
            out.push(if n == 0 { b'[' } else { b',' });
            write_text(out, name.as_bytes());
        }
        out.push(b']');
    }

    /// The lists of answers side by side become one list of objects.
    fn answers(&mut self) {
        if std::mem::replace(&mut self.answers, true) {
            return;
        }
        let out = self.nested.name(&ANSWERS_NAME);
        let columns = self.event.fields.iter().filter(|(field, _)| is_answer(*field));
        let rows = columns.clone().map(|(_, column)| cells(column).len()).max().unwrap_or_default();
        for row in 0..rows {
            out.extend_from_slice(if row == 0 { b"[" } else { b"," });
            let mut sign = b'{';
            for (field, column) in columns.clone() {
                let Some(cell) = cells(column).get(row) else { continue };
                out.extend_from_slice(&[std::mem::replace(&mut sign, b','), b'"']);
                out.extend_from_slice(field.name().get(ANSWERS.len()..).unwrap_or_default().as_bytes());
                out.extend_from_slice(b"\":");
                write_value(out, cell);
            }
            out.push(b'}');
        }
        out.extend_from_slice(if rows == 0 { b"[]" } else { b"]" });
    }
}

/// True for a value that was not seen, or not wholly: a list ends with what stands for the rest.
const fn is_unobserved(value: &Value<'_>) -> bool {
    matches!(value, Value::Unobserved | Value::List([.., Value::Unobserved]))
}

/// What was seen of a list.
fn seen<'v>(value: &Value<'v>) -> Value<'v> {
    match *value {
        Value::List([]) => Value::List(&[]),
        Value::List([Value::Unobserved]) => Value::Unobserved,
        Value::List([cells @ .., Value::Unobserved]) => Value::List(cells),
        other => other,
    }
}

fn cells<'v>(column: &Value<'v>) -> &'v [Value<'v>] {
    match seen(column) {
        Value::List(cells) => cells,
        _ => &[],
    }
}

const ANSWERS: &str = "dns.answers.";
static ANSWERS_NAME: Name = Name::new("dns.answers");

const fn is_answer(field: Field) -> bool {
    field as u16 >= Field::DnsAnswersClass as u16 && field as u16 <= Field::DnsAnswersType as u16
}

#[cfg(test)]
mod tests;
