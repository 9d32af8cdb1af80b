//! A field of an event, whether the event carries it or its flow gives it.

use bavn_wire::fields::Field;
pub use bavn_wire::flow::INFO_FIELDS as FLOW_FIELDS;
use bavn_wire::flow::community_id;
use bavn_wire::messages::{Event, FlowInfo, Transport, Value};

/// Calls `then` with the field's value, `None` where it is absent. Computed texts live only for the call.
pub fn with_field<R>(event: &Event<'_>, field: Field, then: impl FnOnce(Option<&Value<'_>>) -> R) -> R {
    match own_field(event, field) {
        Some(value) => then(Some(value)),
        None => with_flow_field(event, field, then),
    }
}

/// The event's own value of a field; its fields stand in the order of the table.
pub(crate) fn own_field<'e>(event: &Event<'e>, field: Field) -> Option<&'e Value<'e>> {
    let place = event.fields.binary_search_by_key(&field, |(own, _)| *own).ok()?;
    event.fields.get(place).map(|(_, value)| value)
}

/// As [`with_field`], of the flow's fields alone.
pub fn with_flow_field<R>(event: &Event<'_>, field: Field, then: impl FnOnce(Option<&Value<'_>>) -> R) -> R {
    let flow = event.flow;
    if flow.id == 0 {
        return then(None);
    }
    let number = |number: u16| Value::Number(u64::from(number));
    let value = match field {
        Field::SourceIp => Some(Value::Ip(flow.ip[0])),
        Field::DestinationIp => Some(Value::Ip(flow.ip[1])),
        Field::SourcePort => Some(number(flow.port[0])).filter(|_| has_ports(flow)),
        Field::DestinationPort => Some(number(flow.port[1])).filter(|_| has_ports(flow)),
        Field::NetworkVlanId => flow.vlan[0].map(number),
        Field::NetworkInnerVlanId => flow.vlan[1].map(number),
        Field::NetworkType => Some(Value::Text(if flow.ip[0].is_ipv4() { b"ipv4" } else { b"ipv6" })),
        Field::NetworkProtocol => event.kind.protocol().map(|name| Value::Text(name.as_bytes())),
        Field::NetworkCommunityId => return then(Some(&Value::Text(&community_id::of_flow(flow)))),
        Field::NetworkTransport => Some(match flow.transport.name() {
            Some(name) => Value::Text(name.as_bytes()),
            None => number(flow.transport.0.into()),
        }),
        _ => None,
    };
    then(value.as_ref())
}

/// What stands for ports in other protocols is none.
const fn has_ports(flow: &FlowInfo) -> bool {
    matches!(flow.transport, Transport::TCP | Transport::UDP | Transport::SCTP)
}
