//! What a correlation found, as an alert tells it.

use std::net::{IpAddr, Ipv4Addr};

use bavn_wire::fields::{Field, FieldType};
use bavn_wire::messages::{Event, EventKind, FlowInfo, Transport, Value};

use super::{Correlation, Measure, Source};
use crate::explain::{Leaf, State};
use crate::plan::Plan;

/// A correlation that holds for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// Its place in the plan.
    pub rule: u32,
    /// Fields that it is grouped by, where they are of events, with the group's values.
    pub group: Vec<(Option<Field>, String)>,
    /// Why, as an alert says it.
    pub leaves: Vec<Leaf>,
    /// Time, nanoseconds since the epoch.
    pub time: u64,
    /// Number of the packet that brought it.
    pub packet: u64,
    /// Kind of the hit that completed it.
    pub kind: EventKind,
    /// True where a span's end brought it: no event is at hand.
    pub is_late: bool,
}

/// When and by what a correlation came to hold.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Time, nanoseconds since the epoch.
    pub time: u64,
    /// Number of the packet that brought it.
    pub packet: u64,
    /// Kind of the hit that completed it.
    pub kind: EventKind,
}

impl Fired {
    /// What another evaluator has found: a correlation, what was measured, and the texts of the group. `None` where
    /// the rule is no correlation.
    #[must_use]
    pub fn told(plan: &Plan, rule: u32, measured: f64, group: Vec<String>, at: Moment) -> Option<Self> {
        let of = plan.rules().get(rule as usize)?.correlation.as_ref()?;
        let group: Vec<_> = group_fields(of, group.len()).into_iter().zip(group).collect();
        let leaves = leaves(of, plan, measured, &group);
        Some(Self { rule, group, leaves, time: at.time, packet: at.packet, kind: at.kind, is_late: true })
    }

    /// Calls `then` with an event that tells of the group alone and belongs to no flow.
    pub fn with_event<R>(&self, then: impl FnOnce(&Event<'_>) -> R) -> R {
        let mut fields: Vec<(Field, Value<'_>)> = self
            .group
            .iter()
            .filter_map(|(field, text)| Some(((*field)?, value(*field.as_ref()?, text)?)))
            .collect();
        fields.sort_by_key(|(field, _)| *field);
        fields.dedup_by_key(|(field, _)| *field);
        let lists: Vec<[Value<'_>; 1]> = fields.iter().map(|(_, value)| [*value]).collect();
        for ((field, value), list) in fields.iter_mut().zip(&lists) {
            if field.def().list {
                *value = Value::List(list);
            }
        }
        let flow = FlowInfo {
            ip: [IpAddr::V4(Ipv4Addr::UNSPECIFIED); 2],
            port: [0; 2],
            transport: Transport(0),
            vlan: [None; 2],
            tunnel: 0,
            start: 0,
            last: self.time,
            packets: [0; 2],
            bytes: [0; 2],
            id: 0,
        };
        then(&Event { kind: self.kind, time: self.time, packet: self.packet, flow: &flow, fields: &fields })
    }
}

/// A value from its text, as the field's type has it.
fn value(field: Field, text: &str) -> Option<Value<'_>> {
    Some(match field.def().ty {
        FieldType::Text => Value::Text(text.as_bytes()),
        FieldType::Number | FieldType::Time => Value::Number(text.parse().ok()?),
        FieldType::Float => Value::Float(text.parse().ok()?),
        FieldType::Bool => Value::Bool(text.parse().ok()?),
        FieldType::Ip => Value::Ip(text.parse().ok()?),
    })
}

/// The leaves of an alert: what was measured, the rules, and the group.
pub(super) fn leaves(
    of: &Correlation,
    plan: &Plan,
    measured: f64,
    group: &[(Option<Field>, String)],
) -> Vec<Leaf> {
    let name = match of.measure {
        Measure::EventCount => "correlation.event_count",
        Measure::ValueCount => "correlation.value_count",
        Measure::Sum => "correlation.value_sum",
        Measure::Average => "correlation.value_avg",
        Measure::Percentile(_) => "correlation.value_percentile",
        Measure::Temporal | Measure::Ordered => "correlation.rules",
    };
    let titles = of.inputs.iter().filter_map(|input| plan.rules().get(input.rule as usize));
    let first = match of.condition {
        Some((op, bound)) => leaf(name, op.name(), vec![number(bound)], Some(number(measured))),
        None => leaf(name, "group", titles.map(|rule| rule.title.clone()).collect(), None),
    };
    let grouped = group.iter().map(|(field, value)| {
        let name = field.map_or("correlation.group", Field::name);
        leaf(name, "group", Vec::new(), Some(value.clone()))
    });
    std::iter::once(first).chain(grouped).collect()
}

/// The field of each name that is grouped by: the first of the first input that has events.
pub(super) fn group_fields(of: &Correlation, names: usize) -> Vec<Option<Field>> {
    let view = of.inputs.iter().find_map(|input| match &input.source {
        Source::Events(views) => views.first(),
        Source::Chain(_) => None,
    });
    (0..names).map(|at| view.and_then(|view| view.group.get(at)?.first().copied())).collect()
}

fn leaf(field: &'static str, op: &'static str, literals: Vec<String>, observed: Option<String>) -> Leaf {
    Leaf { field, op, literals, observed, state: State::Present }
}

/// A number without a fraction where it has none.
fn number(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 { format!("{number:.0}") } else { format!("{number}") }
}
