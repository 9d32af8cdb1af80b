//! What the wire can tell, as data for Python: fields, kinds, counters.

use bavn_wire::counters::Counters;
use bavn_wire::fields::{Field, FieldType};
use bavn_wire::messages::EventKind;
use bavn_wire::pipeline::SIMULATIONS;
use bavn_wire::{flow, limits, proto};
use serde_json::{Value, json};

/// One row a field: name, type, list, hidden, doc, kinds.
pub(crate) fn fields() -> Value {
    Field::all().iter().map(|field| row(*field)).collect()
}

fn row(field: Field) -> Value {
    let def = field.def();
    let carries =
        |kind: &&EventKind| flow::INFO_FIELDS.contains(&field) || proto::fields(**kind).contains(&field);
    let kinds: Vec<&str> = EventKind::ALL.iter().filter(carries).map(|kind| kind.name()).collect();
    let ty = match def.ty {
        FieldType::Text => "text",
        FieldType::Number => "number",
        FieldType::Float => "float",
        FieldType::Bool => "bool",
        FieldType::Ip => "ip",
        FieldType::Time => "time",
    };
    json!({ "name": def.name, "type": ty, "list": def.list, "hidden": def.hidden, "doc": def.doc, "kinds": kinds })
}

/// Names and meanings of the counters.
pub(crate) fn counters() -> Value {
    Counters::NAMES.iter().map(|(name, doc)| json!({ "name": name, "doc": doc })).collect()
}

/// Names and meanings of the anomalies, by the part that tells them.
pub(crate) fn weirds() -> Value {
    let rows = |(part, all): &(&'static str, proto::Weirds)| {
        let part = *part;
        all.iter().map(move |(name, doc)| json!({ "part": part, "name": name, "doc": doc }))
    };
    proto::WEIRDS.iter().flat_map(rows).collect()
}

/// Names of the kinds.
pub(crate) fn kinds() -> Vec<&'static str> {
    EventKind::ALL.iter().map(|kind| kind.name()).collect()
}

/// What a drill can make bite, with what then happens.
pub(crate) fn simulations() -> Vec<(String, String)> {
    let budgets = SIMULATIONS.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned()));
    let lowered = limits::all().map(|it| (it.name(), format!("at most {} {}", it.low(), it.unit)));
    budgets.chain(lowered).collect()
}
