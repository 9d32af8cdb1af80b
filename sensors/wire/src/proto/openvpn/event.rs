//! The `openvpn` event.

use super::packet::{Guard, Opcode};
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;
use crate::proto::row::Row;

/// All fields that an `openvpn` event can carry, in the order of the field table.
pub const FIELDS: &[Field] = &[
    Field::OpenVpnClientSessionId,
    Field::OpenVpnEstablished,
    Field::OpenVpnHmacLength,
    Field::OpenVpnKeyId,
    Field::OpenVpnOpcode,
    Field::OpenVpnPacketId,
    Field::OpenVpnProtection,
    Field::OpenVpnServerSessionId,
];

/// What one exchange of keys showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) opcode: Opcode,
    pub(super) key: u8,
    pub(super) guard: Guard,
    pub(super) packet_id: Option<u32>,
    /// Session identifiers of who began and who answered.
    pub(super) sessions: [Option<[u8; 8]>; 2],
    /// `None` where it cannot be known.
    pub(super) established: Option<bool>,
}

/// Gives out the event.
pub(super) fn emit(seen: &Seen, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::OpenVpn) {
        return;
    }
    let [client, server] = seen.sessions.map(|id| id.map(|id| format!("{:016x}", u64::from_be_bytes(id))));
    let mut row = Row::with_capacity(FIELDS.len());
    row.told(Field::OpenVpnClientSessionId, client.as_ref().map(|id| Some(Value::Text(id.as_bytes()))));
    row.told(Field::OpenVpnEstablished, seen.established.map(|truth| Some(Value::Bool(truth))));
    if let Guard::Auth(digest) = seen.guard {
        row.number(Field::OpenVpnHmacLength, digest as u64);
    }
    row.number(Field::OpenVpnKeyId, seen.key);
    row.text(Field::OpenVpnOpcode, seen.opcode.name().as_bytes());
    row.maybe(Field::OpenVpnPacketId, seen.packet_id.map(|id| Value::Number(id.into())));
    row.text(Field::OpenVpnProtection, seen.guard.name().as_bytes());
    row.told(Field::OpenVpnServerSessionId, server.as_ref().map(|id| Some(Value::Text(id.as_bytes()))));
    cx.emit(EventKind::OpenVpn, row.fields());
}
