//! The shape of a correlation in a plan's JSON.

use std::collections::HashMap;

use bavn_wire::fields::Field;
use bavn_wire::messages::EventKind;
use serde::Deserialize;

use super::{
    Correlation, Expression, Input, MAX_GROUP, MAX_INPUTS, MAX_SPAN, MAX_VALUES, Measure, Op, Source, View,
};
use crate::error::RuleFault;

/// Nesting of an expression.
const MAX_DEPTH: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCorrelation {
    #[serde(rename = "type")]
    measure: String,
    timespan: u64,
    op: Option<String>,
    count: Option<i64>,
    percentile: Option<u8>,
    expression: Option<RawExpression>,
    inputs: Vec<RawInput>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInput {
    rule: String,
    #[serde(default)]
    views: Vec<RawView>,
    #[serde(default)]
    chain: Option<Vec<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawView {
    kind: String,
    group: Vec<Vec<String>>,
    #[serde(default)]
    value: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawExpression {
    And(Vec<RawExpression>),
    Or(Vec<RawExpression>),
    Not(Box<RawExpression>),
    I(usize),
}

impl RawCorrelation {
    /// The first rule that it names and that has no place.
    pub(crate) fn missing(&self, places: &HashMap<String, u32>) -> Option<String> {
        self.inputs.iter().map(|input| &input.rule).find(|rule| !places.contains_key(*rule)).cloned()
    }

    /// The correlation; `places` are those of the plan's rules by id.
    pub(crate) fn build(self, places: &HashMap<String, u32>) -> Result<Correlation, RuleFault> {
        let measure = self.measure()?;
        if self.timespan == 0 || self.timespan > MAX_SPAN {
            return Err(RuleFault::Shape(format!("a timespan of {} ns", self.timespan)));
        }
        limit("rules in one correlation", self.inputs.len(), MAX_INPUTS)?;
        let condition = self.condition(measure)?;
        let count = self.inputs.len();
        let expression = self.expression.map(|raw| expression(raw, count, MAX_DEPTH)).transpose()?;
        let inputs: Vec<Input> =
            self.inputs.into_iter().map(|raw| input(raw, places)).collect::<Result<_, _>>()?;
        let groups = |input: &Input| match &input.source {
            Source::Events(views) => views.iter().map(|view| view.group.len()).collect(),
            Source::Chain(places) => vec![places.len()],
        };
        let mut names = inputs.iter().flat_map(groups);
        let first = names.next().ok_or_else(|| RuleFault::Shape("a correlation over no rules".into()))?;
        limit("fields to group by", first, MAX_GROUP)?;
        if names.any(|other| other != first) {
            return Err(RuleFault::Shape("inputs that group by different numbers of fields".into()));
        }
        Ok(Correlation { measure, span: self.timespan, condition, expression, inputs })
    }

    fn measure(&self) -> Result<Measure, RuleFault> {
        let percentile = || self.percentile.filter(|percent| (1..=100).contains(percent));
        Ok(match self.measure.as_str() {
            "event_count" => Measure::EventCount,
            "value_count" => Measure::ValueCount,
            "value_sum" => Measure::Sum,
            "value_avg" => Measure::Average,
            "value_median" => Measure::Percentile(50),
            "value_percentile" => Measure::Percentile(
                percentile().ok_or_else(|| RuleFault::Shape("no percentile from 1 to 100".into()))?,
            ),
            "temporal" => Measure::Temporal,
            "temporal_ordered" => Measure::Ordered,
            other => return Err(RuleFault::Shape(format!("no correlation of type {other:?}"))),
        })
    }

    fn condition(&self, measure: Measure) -> Result<Option<(Op, f64)>, RuleFault> {
        if matches!(measure, Measure::Temporal | Measure::Ordered) {
            return Ok(None);
        }
        let op = match self.op.as_deref() {
            Some("lt") => Op::Lt,
            Some("lte") => Op::Lte,
            Some("gt") => Op::Gt,
            Some("gte") => Op::Gte,
            Some("eq") => Op::Eq,
            Some("neq") => Op::Neq,
            other => return Err(RuleFault::Shape(format!("no comparison {other:?}"))),
        };
        let count = self.count.ok_or_else(|| RuleFault::Shape("a condition without a number".into()))?;
        let counted = matches!(measure, Measure::EventCount | Measure::ValueCount);
        if counted {
            limit("hits in a condition", usize::try_from(count).unwrap_or(0), MAX_VALUES - 1)?;
        }
        Ok(Some((op, count as f64)))
    }
}

fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), RuleFault> {
    if found > limit { Err(RuleFault::Limit { what, found, limit }) } else { Ok(()) }
}

fn input(raw: RawInput, places: &HashMap<String, u32>) -> Result<Input, RuleFault> {
    let missing = || RuleFault::Condition(format!("the plan has no rule {}", raw.rule));
    let rule = *places.get(raw.rule.as_str()).ok_or_else(missing)?;
    let source = match raw.chain {
        Some(chain) => Source::Chain(chain),
        None => Source::Events(raw.views.into_iter().map(view).collect::<Result<_, _>>()?),
    };
    Ok(Input { rule, source })
}

fn view(raw: RawView) -> Result<View, RuleFault> {
    let kind = EventKind::by_name(&raw.kind)
        .ok_or_else(|| RuleFault::Shape(format!("no kind of event {:?}", raw.kind)))?;
    let group = raw.group.iter().map(|names| fields(names)).collect::<Result<_, _>>()?;
    Ok(View { kind, group, value: fields(&raw.value)? })
}

fn fields(names: &[String]) -> Result<Vec<Field>, RuleFault> {
    let field = |name: &String| Field::by_name(name).ok_or_else(|| RuleFault::UnknownField(name.clone()));
    names.iter().map(field).collect()
}

fn expression(raw: RawExpression, inputs: usize, depth: usize) -> Result<Expression, RuleFault> {
    let deeper = depth.checked_sub(1).ok_or_else(|| RuleFault::Condition("nested too deep".into()))?;
    let list = |all: Vec<RawExpression>| {
        all.into_iter().map(|one| expression(one, inputs, deeper)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match raw {
        RawExpression::I(input) if input < inputs => Expression::Input(input),
        RawExpression::I(input) => return Err(RuleFault::Condition(format!("no input {input}"))),
        RawExpression::Not(inner) => Expression::Not(Box::new(expression(*inner, inputs, deeper)?)),
        RawExpression::And(all) => Expression::And(list(all)?),
        RawExpression::Or(all) => Expression::Or(list(all)?),
    })
}
