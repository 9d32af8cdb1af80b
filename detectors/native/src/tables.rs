//! What the wire can tell, as data for Python: fields, kinds, counters.

use bavn_wire::counters::Counters;
use bavn_wire::fields::{Field, FieldType};
use bavn_wire::messages::EventKind;
use bavn_wire::{flow, pipeline, proto};
use serde_json::{Value, json};

/// Fields that an event of a kind can carry, those of its flow apart.
const fn own_fields(kind: EventKind) -> &'static [Field] {
    match kind {
        EventKind::Flow => flow::FIELDS,
        EventKind::Dns => proto::dns::FIELDS,
        EventKind::Http => proto::http::FIELDS,
        EventKind::Tls => proto::tls::FIELDS,
        EventKind::Weird => flow::WEIRD_FIELDS,
    }
}

/// One row a field: name, type, list, hidden, doc, kinds.
pub(crate) fn fields() -> Value {
    Field::all().iter().map(|field| row(*field)).collect()
}

fn row(field: Field) -> Value {
    let def = field.def();
    let carries =
        |kind: &&EventKind| flow::INFO_FIELDS.contains(&field) || own_fields(**kind).contains(&field);
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
    let parts = [
        ("frame", pipeline::WEIRDS),
        ("flow", flow::WEIRDS),
        ("dns", proto::dns::WEIRDS),
        ("http", proto::http::WEIRDS),
        ("tls", proto::tls::WEIRDS),
    ];
    let rows = |(part, all): (&'static str, &'static [(&'static str, &'static str)])| {
        all.iter().map(move |(name, doc)| json!({ "part": part, "name": name, "doc": doc }))
    };
    parts.into_iter().flat_map(rows).collect()
}

/// Names of the kinds.
pub(crate) fn kinds() -> Vec<&'static str> {
    EventKind::ALL.iter().map(|kind| kind.name()).collect()
}
