use crate::fields::Field;
use crate::flow::INFO_FIELDS;
use crate::flow::community_id::{LENGTH, of_flow};
use crate::messages::{Event, EventKind, FlowInfo, Transport, Value};

/// The fields that every event has from its flow.
pub(super) struct Info<'e> {
    kind: EventKind,
    flow: &'e FlowInfo,
    community_id: [u8; LENGTH],
    /// A transport without a name goes by its number.
    number: [u8; 3],
}

impl<'e> Info<'e> {
    pub(super) fn new(event: &Event<'e>) -> Self {
        let Event { kind, flow, .. } = *event;
        let community_id = if flow.id == 0 { [0; LENGTH] } else { of_flow(flow) };
        let Transport(n) = flow.transport;
        Self { kind, flow, community_id, number: [b'0' + n / 100, b'0' + n / 10 % 10, b'0' + n % 10] }
    }

    /// In the order of the field table; unobserved where the flow has none.
    pub(super) fn fields(&self) -> [(Field, Value<'_>); INFO_FIELDS.len()] {
        let [source, destination] = self.flow.ip;
        let [from, to] = self.flow.port;
        let [vlan, inner] = self.flow.vlan;
        let version: &[u8] = if source.is_ipv4() { b"ipv4" } else { b"ipv6" };
        [
            (Field::DestinationIp, self.given(Value::Ip(destination))),
            (Field::DestinationPort, self.port(to)),
            (Field::NetworkCommunityId, self.given(Value::Text(&self.community_id))),
            (Field::NetworkInnerVlanId, number(inner)),
            (Field::NetworkProtocol, self.protocol()),
            (Field::NetworkTransport, self.given(Value::Text(self.transport()))),
            (Field::NetworkType, self.given(Value::Text(version))),
            (Field::NetworkVlanId, number(vlan)),
            (Field::SourceIp, self.given(Value::Ip(source))),
            (Field::SourcePort, self.port(from)),
        ]
    }

    /// An event that was not seen on the wire has no flow.
    fn given<'v>(&self, value: Value<'v>) -> Value<'v> {
        if self.flow.id == 0 { Value::Unobserved } else { value }
    }

    /// What stands for ports in other protocols is none.
    fn port(&self, port: u16) -> Value<'_> {
        match self.flow.transport {
            Transport::TCP | Transport::UDP | Transport::SCTP => self.given(Value::Number(port.into())),
            _ => Value::Unobserved,
        }
    }

    fn protocol(&self) -> Value<'_> {
        self.kind.protocol().map_or(Value::Unobserved, |name| Value::Text(name.as_bytes()))
    }

    fn transport(&self) -> &[u8] {
        let zeros = self.number.iter().take(2).take_while(|digit| **digit == b'0').count();
        match self.flow.transport.name() {
            Some(name) => name.as_bytes(),
            None => self.number.get(zeros..).unwrap_or_default(),
        }
    }
}

fn number(id: Option<u16>) -> Value<'static> {
    id.map_or(Value::Unobserved, |id| Value::Number(id.into()))
}
