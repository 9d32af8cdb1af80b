//! Packets as events, for rules over headers and payload: made only where a rule asks for them.

use crate::decode::{Packet, TcpFlags, Upper};
use crate::fields::Field;
use crate::flow::table::Env;
use crate::messages::{EventKind, FlowInfo, Transport, Value};

/// Fields that a `packet` event can carry beside those of [`crate::flow::INFO_FIELDS`]. Source and destination are the
/// packet's own: its sender and its receiver.
pub const FIELDS: &[Field] = &[
    Field::HeaderLength,
    Field::HeaderSender,
    Field::HeaderTcpAck,
    Field::HeaderTcpBits,
    Field::HeaderTcpFlags,
    Field::HeaderTcpSeq,
    Field::HeaderTcpWindow,
    Field::HeaderTtl,
    Field::PayloadBytes,
    Field::PayloadText,
    Field::DestinationIp,
    Field::DestinationPort,
    Field::IcmpCode,
    Field::IcmpType,
    Field::SourceIp,
    Field::SourcePort,
];

/// Control bits by name, the lowest first.
const FLAGS: [(u8, &[u8]); 8] = [
    (TcpFlags::FIN, b"FIN"),
    (TcpFlags::SYN, b"SYN"),
    (TcpFlags::RST, b"RST"),
    (TcpFlags::PSH, b"PSH"),
    (TcpFlags::ACK, b"ACK"),
    (TcpFlags::URG, b"URG"),
    (TcpFlags::ECE, b"ECE"),
    (TcpFlags::CWR, b"CWR"),
];

/// Gives out one packet of a flow.
pub(crate) fn tell(packet: &Packet<'_>, flow: &FlowInfo, env: &mut Env<'_>) {
    let mut names = [Value::Unobserved; FLAGS.len()];
    let flags = flag_names(packet, &mut names);
    let mut fields = [(Field::HeaderLength, Value::Unobserved); FIELDS.len()];
    let mut len = 0;
    for &field in FIELDS {
        if let Some(value) = value(field, packet, flow, flags) {
            fields[len] = (field, value);
            len += 1;
        }
    }
    env.context(flow, false).emit(EventKind::Packet, &fields[..len]);
}

fn flag_names<'n>(packet: &Packet<'_>, names: &'n mut [Value<'static>; FLAGS.len()]) -> &'n [Value<'static>] {
    let mut len = 0;
    if let Upper::Tcp(tcp) = packet.upper {
        for (_, name) in FLAGS.iter().filter(|(bit, _)| tcp.flags.any(*bit)) {
            names[len] = Value::Text(name);
            len += 1;
        }
    }
    &names[..len]
}

fn value<'a>(
    field: Field,
    packet: &Packet<'a>,
    flow: &FlowInfo,
    flags: &'a [Value<'a>],
) -> Option<Value<'a>> {
    let number = |number: u32| Some(Value::Number(number.into()));
    match (field, packet.upper) {
        (Field::HeaderLength, _) => number(packet.ip_len),
        (Field::HeaderSender, _) => {
            Some(Value::Text(if is_client(packet, flow) { b"client" } else { b"server" }))
        }
        (Field::HeaderTcpAck, Upper::Tcp(tcp)) => number(tcp.ack),
        (Field::HeaderTcpBits, Upper::Tcp(tcp)) => number(tcp.flags.0.into()),
        (Field::HeaderTcpFlags, Upper::Tcp(_)) => Some(Value::List(flags)),
        (Field::HeaderTcpSeq, Upper::Tcp(tcp)) => number(tcp.seq),
        (Field::HeaderTcpWindow, Upper::Tcp(tcp)) => number(tcp.window.into()),
        (Field::HeaderTtl, _) => number(packet.ttl.into()),
        (Field::PayloadBytes, _) => {
            Some(Value::Number(packet.payload.len() as u64 + u64::from(packet.payload_missing)))
        }
        (Field::PayloadText, _) => Some(Value::Text(packet.payload)),
        (Field::DestinationIp, _) => Some(Value::Ip(packet.ips()[1])),
        (Field::DestinationPort, _) if has_ports(packet) => number(packet.ports[1].into()),
        (Field::IcmpCode, Upper::Icmp { code, .. }) => number(code.into()),
        (Field::IcmpType, Upper::Icmp { kind, .. }) => number(kind.into()),
        (Field::SourceIp, _) => Some(Value::Ip(packet.ips()[0])),
        (Field::SourcePort, _) if has_ports(packet) => number(packet.ports[0].into()),
        _ => None,
    }
}

fn is_client(packet: &Packet<'_>, flow: &FlowInfo) -> bool {
    packet.ips()[0] == flow.ip[0] && packet.ports[0] == flow.port[0]
}

const fn has_ports(packet: &Packet<'_>) -> bool {
    matches!(packet.transport, Transport::TCP | Transport::UDP | Transport::SCTP)
}

#[cfg(test)]
#[path = "packets_tests.rs"]
mod tests;
