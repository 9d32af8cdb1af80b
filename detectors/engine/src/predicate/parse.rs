//! Predicates out of a plan's JSON.

use std::cell::Cell;
use std::cmp::Ordering;

use bavn_wire::fields::{Field, FieldType};
use serde::Deserialize;
use serde_json::Value as Json;

use super::network::Network;
use super::number::Number;
use super::time::Part;
use super::wildcard::{Pattern, Step};
use super::{Expression, How, Needle, Predicate, Test, text};
use crate::error::RuleFault;

/// Bytes of one literal.
const MAX_TEXT: usize = 64 * 1024;
/// Values of one predicate.
const MAX_VALUES: usize = 100_000;
/// Bytes of all compiled regular expressions of a plan.
const MAX_REGEXES: usize = 256 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw<'a> {
    field: String,
    #[serde(borrow)]
    op: std::borrow::Cow<'a, str>,
    value: Json,
    #[serde(default)]
    cased: bool,
    #[serde(default)]
    flags: String,
    mode: Option<String>,
    part: Option<String>,
}

/// A pattern and the text it was read from.
type ShownPattern = (Pattern, Box<str>);

impl Predicate {
    /// Reads one from JSON; `regexes` counts the bytes of all compiled regular expressions of its plan.
    ///
    /// # Errors
    /// The fault that every rule that uses it is refused for.
    pub(crate) fn parse(json: &str, regexes: &Cell<usize>) -> Result<Self, RuleFault> {
        let raw: Raw<'_> =
            serde_json::from_str(json).map_err(|e| RuleFault::Shape(format!("predicate: {e}")))?;
        let field = Field::by_name(&raw.field).ok_or_else(|| RuleFault::UnknownField(raw.field.clone()))?;
        let (op, test) = raw.test(field, regexes)?;
        Ok(Self { field, cased: raw.cased, op, test })
    }
}

impl Raw<'_> {
    fn test(&self, field: Field, regexes: &Cell<usize>) -> Result<(&'static str, Test), RuleFault> {
        Ok(match &*self.op {
            "eq" => ("eq", Test::Text(How::Equal, self.needles(field)?)),
            "contains" => ("contains", Test::Text(How::Contains, self.needles(field)?)),
            "startswith" => ("startswith", Test::Text(How::Starts, self.needles(field)?)),
            "endswith" => ("endswith", Test::Text(How::Ends, self.needles(field)?)),
            "wildcard" => ("wildcard", Test::Wildcard(self.patterns()?)),
            "re" => ("re", Test::Regex(self.each(&|value| self.regex(value, regexes))?)),
            "cidr" => ("cidr", Test::Network(self.each(&|value| self.network(value))?)),
            "lt" => ("lt", Test::Compare(&[Ordering::Less], self.number()?)),
            "lte" => ("lte", Test::Compare(&[Ordering::Less, Ordering::Equal], self.number()?)),
            "gt" => ("gt", Test::Compare(&[Ordering::Greater], self.number()?)),
            "gte" => ("gte", Test::Compare(&[Ordering::Greater, Ordering::Equal], self.number()?)),
            "exists" => {
                ("exists", Test::Exists(self.value.as_bool().ok_or_else(|| self.bad("true or false"))?))
            }
            "null" if self.value == Json::Bool(true) => ("null", Test::Null),
            "null" => return Err(self.bad("true")),
            "fieldref" => ("fieldref", self.reference()?),
            "time" => ("time", self.time()?),
            _ => return Err(RuleFault::Value { op: self.op.to_string(), why: "no such operation".into() }),
        })
    }

    fn bad(&self, wanted: &str) -> RuleFault {
        let found: String = self.value.to_string().chars().take(80).collect();
        RuleFault::Value { op: self.op.to_string(), why: format!("the value must be {wanted}, not {found}") }
    }

    /// Each value of a list, or the one value.
    fn each<T>(&self, read: &dyn Fn(&Json) -> Result<T, RuleFault>) -> Result<Box<[T]>, RuleFault> {
        let all = match &self.value {
            Json::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        if all.is_empty() {
            return Err(self.bad("at least one"));
        }
        limit("values in one predicate", all.len(), MAX_VALUES)?;
        all.iter().map(read).collect()
    }

    fn text<'j>(&self, value: &'j Json) -> Result<&'j str, RuleFault> {
        let text = value.as_str().ok_or_else(|| self.bad("text"))?;
        limit("bytes in one value", text.len(), MAX_TEXT)?;
        Ok(text)
    }

    fn needles(&self, field: Field) -> Result<Box<[Needle]>, RuleFault> {
        // An address may be written in more than one way.
        let address = field.def().ty == FieldType::Ip && self.op == "eq";
        self.each(&|value| {
            let text = self.text(value)?;
            match text.parse::<std::net::IpAddr>() {
                Ok(ip) if address => Ok(Needle::new(&ip.to_string())),
                _ => Ok(Needle::new(text)),
            }
        })
    }

    fn regex(&self, value: &Json, regexes: &Cell<usize>) -> Result<Expression, RuleFault> {
        // Checked before anything more is compiled, so that a spent budget costs no time either.
        limit("bytes of compiled regular expressions", regexes.get(), MAX_REGEXES)?;
        let expression = Expression::new(self.text(value)?, &self.flags)?;
        regexes.set(regexes.get().saturating_add(expression.size()));
        Ok(expression)
    }

    fn network(&self, value: &Json) -> Result<(Network, Box<str>), RuleFault> {
        let text = self.text(value)?;
        let network = Network::parse(text).ok_or_else(|| RuleFault::Cidr(text.to_owned()))?;
        Ok((network, text.into()))
    }

    fn number(&self) -> Result<Number, RuleFault> {
        let whole = self.value.as_i64().map(i128::from).or_else(|| self.value.as_u64().map(i128::from));
        let fraction = || self.value.as_f64().map(Number::Fraction);
        whole.map(Number::Whole).or_else(fraction).ok_or_else(|| self.bad("a number"))
    }

    fn reference(&self) -> Result<Test, RuleFault> {
        let how = match self.mode.as_deref().unwrap_or("eq") {
            "eq" => How::Equal,
            "contains" => How::Contains,
            "startswith" => How::Starts,
            "endswith" => How::Ends,
            other => {
                return Err(RuleFault::Value { op: "fieldref".into(), why: format!("no mode {other:?}") });
            }
        };
        let name = self.text(&self.value)?;
        let other = Field::by_name(name).ok_or_else(|| RuleFault::UnknownField(name.to_owned()))?;
        Ok(Test::Other(how, other))
    }

    fn time(&self) -> Result<Test, RuleFault> {
        let name = self.part.as_deref().unwrap_or_default();
        let part = Part::by_name(name);
        let part =
            part.ok_or_else(|| RuleFault::Value { op: "time".into(), why: format!("no part {name:?}") })?;
        let read = |value: &Json| value.as_u64().ok_or_else(|| self.bad("a whole number"));
        Ok(Test::Time(part, self.each(&read)?))
    }

    fn patterns(&self) -> Result<Box<[ShownPattern]>, RuleFault> {
        let all = self.value.as_array().ok_or_else(|| self.bad("a list of parts"))?;
        if all.first().is_some_and(Json::is_array) {
            return self.each(&|value| self.pattern(value.as_array().map_or(&[], Vec::as_slice)));
        }
        Ok(Box::new([self.pattern(all)?]))
    }

    fn pattern(&self, parts: &[Json]) -> Result<ShownPattern, RuleFault> {
        if parts.is_empty() {
            return Err(self.bad("a pattern with at least one part"));
        }
        limit("parts in one pattern", parts.len(), 1_000)?;
        let mut shown = String::new();
        let mut steps = Vec::with_capacity(parts.len());
        for part in parts {
            steps.push(self.step(part, &mut shown)?);
        }
        Ok((Pattern::new(steps), shown.into()))
    }

    fn step(&self, part: &Json, shown: &mut String) -> Result<Option<Step>, RuleFault> {
        match part.as_u64() {
            Some(1) => shown.push('*'),
            Some(2) => shown.push('?'),
            Some(_) => return Err(self.bad("made of texts, 1 for * and 2 for ?")),
            None => shown
                .push_str(&self.text(part)?.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?")),
        }
        Ok(match part {
            Json::String(text) if self.cased => Some(Step::Literal(text.as_bytes().into())),
            Json::String(text) => Some(Step::Literal(text::fold(text))),
            number => (number.as_u64() == Some(2)).then_some(Step::One),
        })
    }
}

fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), RuleFault> {
    if found > limit { Err(RuleFault::Limit { what, found, limit }) } else { Ok(()) }
}
