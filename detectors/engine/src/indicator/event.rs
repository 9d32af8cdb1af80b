//! The event that tells of an indicator in the traffic.

use std::net::IpAddr;

use bavn_wire::fields::Field;
use bavn_wire::flow::INFO_FIELDS;
use bavn_wire::messages::{Event, EventKind, Value};

use super::set::{Found, strictness};
use super::{Meta, Type};

/// Where an indicator was seen: a field of an event, its value, the address that it held if it was one.
pub(super) struct Seen<'e> {
    pub(super) field: Field,
    pub(super) value: &'e Value<'e>,
    pub(super) ip: Option<IpAddr>,
}

/// Calls `then` with the event that tells of an indicator seen in `event`.
pub(super) fn tell(event: &Event<'_>, seen: &Seen<'_>, found: &Found<'_>, then: &mut dyn FnMut(&Event<'_>)) {
    let observed = text_of(seen.value);
    let providers = providers(&found.said);
    let confidence = found.said.iter().filter_map(|meta| meta.confidence).max();
    let text = |text: &str, field| (!text.is_empty()).then_some(field);
    let value = found.value.as_bytes();
    let mut fields: Vec<(Field, Value<'_>)> = vec![
        (Field::IndicatorObserved, Value::Text(&observed)),
        (Field::IndicatorSeenIn, Value::Text(event.kind.name().as_bytes())),
        (Field::IndicatorType, Value::Text(found.ty.name().as_bytes())),
        (Field::ThreatMatchedAtomic, Value::Text(value)),
        (Field::ThreatMatchedField, Value::Text(seen.field.name().as_bytes())),
        (Field::ThreatIndicatorMarkingTlp, Value::Text(tlp(&found.said).as_bytes())),
        (Field::ThreatIndicatorName, Value::Text(value)),
        (Field::ThreatIndicatorProvider, Value::List(&providers)),
        (Field::ThreatIndicatorType, Value::Text(stix(found.ty, seen.ip).as_bytes())),
    ];
    let first =
        |part: fn(&Meta) -> &str| found.said.iter().map(|meta| part(meta)).find(|said| !said.is_empty());
    for (said, field) in [
        (first(|meta| &meta.note), Field::ThreatIndicatorDescription),
        (first(|meta| &meta.reference), Field::ThreatIndicatorReference),
    ] {
        let said = said.unwrap_or_default();
        fields.extend(text(said, field).map(|field| (field, Value::Text(said.as_bytes()))));
    }
    fields.extend(seen.ip.map(|ip| (Field::ThreatIndicatorIp, Value::Ip(ip))));
    fields.extend(event.kind.protocol().map(|name| (Field::NetworkProtocol, Value::Text(name.as_bytes()))));
    if let Some(confidence) = confidence {
        fields.push((Field::IndicatorConfidence, Value::Number(confidence.into())));
        fields.push((Field::ThreatIndicatorConfidence, Value::Text(words(confidence).as_bytes())));
    }
    // An event that belongs to no flow says itself between whom it was.
    let given = event.fields.iter().filter(|(field, _)| INFO_FIELDS.contains(field));
    fields.extend(
        given.filter(|(field, _)| *field != Field::NetworkProtocol || event.kind.protocol().is_none()),
    );
    fields.sort_by_key(|(field, _)| *field);
    then(&Event { kind: EventKind::Indicator, fields: &fields, ..*event });
}

fn text_of(value: &Value<'_>) -> Vec<u8> {
    match value {
        Value::Ip(ip) => ip.to_string().into_bytes(),
        Value::Text(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    }
}

fn providers<'m>(said: &[&'m Meta]) -> Vec<Value<'m>> {
    let mut names: Vec<&str> = said.iter().map(|meta| meta.provider.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| Value::Text(name.as_bytes())).collect()
}

/// The strictest mark of those lists.
fn tlp<'m>(said: &[&'m Meta]) -> &'m str {
    said.iter().map(|meta| meta.tlp.as_str()).max_by_key(|tlp| strictness(tlp)).unwrap_or("RED")
}

fn stix(ty: Type, ip: Option<IpAddr>) -> &'static str {
    match ty {
        Type::Ip | Type::Cidr | Type::Endpoint if ip.is_some_and(|ip| ip.is_ipv6()) => "ipv6-addr",
        _ => ty.stix(),
    }
}

/// STIX 2.1's scale of None, Low, Med, High (appendix A), in the words of ECS.
const fn words(confidence: u8) -> &'static str {
    match confidence {
        0 => "None",
        1..30 => "Low",
        30..70 => "Medium",
        _ => "High",
    }
}
