//! Predicates: one field, one operation, one or more values of which any may hold.

mod expression;
pub mod network;
pub mod number;
mod parse;
mod required;
pub mod text;
pub mod time;
pub mod wildcard;

use std::cmp::Ordering;

use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, Value};

use crate::condition::Outcome;
use crate::view;
pub(crate) use expression::Expression;
use network::{Network, address_of};
use number::Number;
use text::{fold_into, text_form};
use wildcard::Pattern;

/// How two texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The whole of it.
    Equal,
    /// Anywhere.
    Contains,
    /// At the beginning.
    Starts,
    /// At the end.
    Ends,
}

impl How {
    /// True where `value` has `needle` so.
    #[must_use]
    pub fn holds(self, value: &[u8], needle: &[u8]) -> bool {
        match self {
            Self::Equal => value == needle,
            Self::Contains => memchr::memmem::find(value, needle).is_some(),
            Self::Starts => value.starts_with(needle),
            Self::Ends => value.ends_with(needle),
        }
    }
}

impl How {
    /// As [`holds`](Self::holds) of the folded value, which is ASCII; the needle is folded. Not for `Contains`.
    fn holds_folded(self, value: &[u8], needle: &[u8]) -> bool {
        let len = needle.len();
        let part = match self {
            Self::Starts => value.get(..len),
            Self::Ends => value.len().checked_sub(len).and_then(|from| value.get(from..)),
            Self::Equal | Self::Contains => Some(value),
        };
        part.is_some_and(|part| part.eq_ignore_ascii_case(needle))
    }
}

/// A literal as the rule has it, and folded.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    pub(crate) text: Box<str>,
    pub(crate) folded: Box<[u8]>,
    /// The number that is printed so.
    pub(crate) number: Option<u64>,
}

impl Needle {
    pub(crate) fn new(text: &str) -> Self {
        let number = text.parse::<u64>().ok().filter(|number| number.to_string() == text);
        Self { text: text.into(), folded: text::fold(text), number }
    }
}

/// What is asked of the value.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Text(How, Box<[Needle]>),
    /// Patterns (folded unless the predicate is cased) and the text each was read from.
    Wildcard(Box<[(Pattern, Box<str>)]>),
    Regex(Box<[Expression]>),
    Network(Box<[(Network, Box<str>)]>),
    /// The orders that hold.
    Compare(&'static [Ordering], Number),
    Exists(bool),
    Null,
    Other(How, Field),
    Time(time::Part, Box<[u64]>),
}

/// One question to one field.
#[derive(Clone, Debug)]
pub struct Predicate {
    /// The field asked.
    pub field: Field,
    /// True where case counts.
    pub cased: bool,
    /// Name of the operation as the plan has it.
    pub op: &'static str,
    pub(crate) test: Test,
}

/// Buffers that evaluation writes to, kept from event to event.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    form: Vec<u8>,
    folded: Vec<u8>,
}

impl Predicate {
    /// Evaluates on an event.
    pub fn eval(&self, event: &Event<'_>, scratch: &mut Scratch) -> Outcome {
        view::with_field(event, self.field, |value| self.on_value(value, event, scratch))
    }

    /// Evaluates on the field's value; the event serves references to other fields.
    pub(crate) fn on_value(
        &self,
        value: Option<&Value<'_>>,
        event: &Event<'_>,
        scratch: &mut Scratch,
    ) -> Outcome {
        match (&self.test, value) {
            (_, Some(Value::Unobserved)) => Outcome::Unknown,
            (Test::Exists(want), value) => Outcome::from(value.is_some() == *want),
            (Test::Null, value) => value.is_none_or(|v| matches!(v, Value::List([]))).into(),
            (_, None) => Outcome::False,
            (Test::Other(how, other), Some(value)) => self.on_pair(*how, *other, value, event),
            (_, Some(Value::List(items))) => any(items, |item| self.member(item, scratch).is_some()),
            (_, Some(value)) => self.member(value, scratch).is_some().into(),
        }
    }

    /// Number of the first of the predicate's values that a single value fits.
    pub(crate) fn member(&self, value: &Value<'_>, scratch: &mut Scratch) -> Option<usize> {
        match &self.test {
            Test::Text(how, needles) => self.needle(*how, needles, value, scratch),
            Test::Wildcard(patterns) => {
                let text = self.text_of(value, scratch)?;
                patterns.iter().position(|(pattern, _)| pattern.holds(text))
            }
            Test::Regex(all) => {
                let text = raw_text(value, &mut scratch.form)?;
                all.iter().position(|one| one.is_match(text))
            }
            Test::Network(all) => {
                let ip = address(value)?;
                all.iter().position(|(network, _)| network.contains(ip))
            }
            Test::Compare(orders, number) => {
                orders.contains(&Number::of(value)?.compare(*number)).then_some(0)
            }
            Test::Time(part, all) => match value {
                Value::Time(ns) => all.iter().position(|want| *want == part.of(*ns)),
                _ => None,
            },
            Test::Exists(_) | Test::Null | Test::Other(..) => None,
        }
    }

    fn needle(&self, how: How, all: &[Needle], value: &Value<'_>, scratch: &mut Scratch) -> Option<usize> {
        if let (How::Equal, Value::Number(number)) = (how, value) {
            return all.iter().position(|needle| needle.number == Some(*number));
        }
        if let (false, Value::Text(raw)) = (self.cased || how == How::Contains, value)
            && raw.is_ascii()
        {
            return all.iter().position(|needle| how.holds_folded(raw, &needle.folded));
        }
        let text = self.text_of(value, scratch)?;
        if self.cased {
            return all.iter().position(|needle| how.holds(text, needle.text.as_bytes()));
        }
        all.iter().position(|needle| how.holds(text, &needle.folded))
    }

    /// Text of a single value, folded unless case counts.
    fn text_of<'a>(&self, value: &'a Value<'a>, scratch: &'a mut Scratch) -> Option<&'a [u8]> {
        let raw = raw_text(value, &mut scratch.form)?;
        if self.cased {
            return Some(raw);
        }
        scratch.folded.clear();
        fold_into(&mut scratch.folded, raw);
        Some(&scratch.folded)
    }

    fn on_pair(&self, how: How, other: Field, value: &Value<'_>, event: &Event<'_>) -> Outcome {
        view::with_field(event, other, |other| {
            let others = other.map_or(&[][..], members);
            let pairs = members(value).iter().flat_map(|mine| others.iter().map(move |its| (mine, its)));
            pairs.map(|(mine, its)| self.pair(how, mine, its)).max().unwrap_or(Outcome::False)
        })
    }

    fn pair(&self, how: How, mine: &Value<'_>, its: &Value<'_>) -> Outcome {
        if [mine, its].contains(&&Value::Unobserved) {
            return Outcome::Unknown;
        }
        let (mut a, mut b) = (Scratch::default(), Scratch::default());
        let texts = self.text_of(mine, &mut a).zip(self.text_of(its, &mut b));
        texts.is_some_and(|(mine, its)| how.holds(mine, its)).into()
    }

    /// How many values the predicate has.
    #[must_use]
    pub fn values(&self) -> usize {
        match &self.test {
            Test::Text(_, all) => all.len(),
            Test::Wildcard(all) => all.len(),
            Test::Regex(all) => all.len(),
            Test::Network(all) => all.len(),
            Test::Time(_, all) => all.len(),
            _ => 1,
        }
    }

    /// The rule's literal of that number, as people read it.
    #[must_use]
    pub fn literal(&self, number: usize) -> String {
        let text = match &self.test {
            Test::Text(_, all) => all.get(number).map(|needle| needle.text.to_string()),
            Test::Wildcard(all) => all.get(number).map(|(_, text)| text.to_string()),
            Test::Regex(all) => all.get(number).map(|one| one.text.to_string()),
            Test::Network(all) => all.get(number).map(|(_, text)| text.to_string()),
            Test::Time(_, all) => all.get(number).map(u64::to_string),
            Test::Compare(_, Number::Whole(number)) => Some(number.to_string()),
            Test::Compare(_, Number::Fraction(number)) => Some(number.to_string()),
            Test::Exists(want) => Some(want.to_string()),
            Test::Null => Some("null".to_owned()),
            Test::Other(_, field) => Some(field.name().to_owned()),
        };
        text.unwrap_or_default()
    }
}

/// The list's items, or the value alone.
pub(crate) fn members<'a>(value: &'a Value<'a>) -> &'a [Value<'a>] {
    match value {
        Value::List(items) => items,
        single => std::slice::from_ref(single),
    }
}

fn any(items: &[Value<'_>], mut holds: impl FnMut(&Value<'_>) -> bool) -> Outcome {
    let one = |item: &Value<'_>| match item {
        Value::Unobserved => Outcome::Unknown,
        item => holds(item).into(),
    };
    items.iter().map(one).max().unwrap_or(Outcome::False)
}

pub(crate) fn raw_text<'a>(value: &'a Value<'a>, form: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    if let Value::Text(bytes) = value {
        return Some(bytes);
    }
    form.clear();
    text_form(value, form).then_some(&**form)
}

pub(crate) fn address(value: &Value<'_>) -> Option<std::net::IpAddr> {
    match value {
        Value::Ip(ip) => Some(*ip),
        Value::Text(text) => address_of(text),
        _ => None,
    }
}
