//! Values of one event while it is built: what is absent is left out, what could not be seen is said to be so.

use crate::fields::Field;
use crate::messages::Value;

/// Fields of an event in the order of the field table.
pub(crate) struct Row<'a>(Vec<(Field, Value<'a>)>);

impl<'a> Row<'a> {
    pub(crate) fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(fields))
    }

    pub(crate) fn put(&mut self, field: Field, value: Value<'a>) {
        self.0.push((field, value));
    }

    pub(crate) fn text(&mut self, field: Field, text: &'a [u8]) {
        self.put(field, Value::Text(text));
    }

    pub(crate) fn number(&mut self, field: Field, number: impl Into<u64>) {
        self.put(field, Value::Number(number.into()));
    }

    pub(crate) fn truth(&mut self, field: Field, truth: bool) {
        self.put(field, Value::Bool(truth));
    }

    /// `None`: the field is absent.
    pub(crate) fn maybe(&mut self, field: Field, value: Option<Value<'a>>) {
        if let Some(value) = value {
            self.put(field, value);
        }
    }

    /// An empty list is absent.
    pub(crate) fn list(&mut self, field: Field, values: &'a [Value<'a>]) {
        if !values.is_empty() {
            self.put(field, Value::List(values));
        }
    }

    /// What the other side would have told: `None` where it was not seen.
    pub(crate) fn told(&mut self, field: Field, value: Option<Option<Value<'a>>>) {
        self.maybe(field, value.unwrap_or(Some(Value::Unobserved)));
    }

    pub(crate) fn fields(&self) -> &[(Field, Value<'a>)] {
        &self.0
    }
}

/// Numbers as a list's values.
pub(crate) fn numbers<T: Copy + Into<u64>>(numbers: &[T]) -> Vec<Value<'static>> {
    numbers.iter().map(|number| Value::Number((*number).into())).collect()
}

/// The name of a number, or a made one where it has none.
pub(crate) fn named(
    known: Option<&'static str>,
    prefix: &str,
    number: impl Into<u64>,
) -> std::borrow::Cow<'static, [u8]> {
    match known {
        Some(name) => name.as_bytes().into(),
        None => format!("{prefix}_{}", number.into()).into_bytes().into(),
    }
}
