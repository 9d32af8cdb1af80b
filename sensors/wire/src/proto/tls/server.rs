//! What a ServerHello says, as fields: the same for TLS, DTLS and QUIC.

use super::event::{Fields, push_text};
use super::fingerprint;
use super::hello::{ClientHello, ServerHello};
use super::names::{CipherSuite, Group, Hex};
use crate::fields::Field;
use crate::messages::Value;

/// Filled from the ServerHello.
pub(crate) const SERVER_FIELDS: [Field; 7] = [
    Field::TlsCipher,
    Field::TlsCurve,
    Field::TlsNextProtocol,
    Field::TlsResumed,
    Field::TlsServerJa3s,
    Field::TlsVersion,
    Field::TlsVersionProtocol,
];

/// What is made from a ServerHello and borrowed by its fields.
pub(crate) struct ServerParts {
    ja3s: [u8; 32],
    cipher: Hex,
    version: Hex,
    group: Option<(Option<&'static str>, Hex)>,
    pub(super) is_resumed: Option<bool>,
}

impl ServerParts {
    /// `group`: of the key exchange before 1.3; `is_resumed`: an earlier session goes on, where that is known.
    pub(crate) fn new(hello: &ServerHello<'_>, group: Option<Group>, is_resumed: Option<bool>) -> Self {
        let group = if hello.version.is_1_3() { hello.group } else { group };
        Self {
            ja3s: fingerprint::ja3s(hello),
            cipher: Hex::new(hello.cipher),
            version: Hex::new(hello.version.0),
            group: group.map(|group| (group.name(), Hex::new(group.0))),
            is_resumed: if hello.version.is_1_3() { Some(hello.accepts_psk) } else { is_resumed },
        }
    }
}

/// `may_have_curve`: the key exchange that would name the curve was missed.
pub(crate) fn push_server_hello<'a>(
    fields: &mut Fields<'a>,
    client: Option<&ClientHello<'a>>,
    hello: &ServerHello<'a>,
    parts: &'a ServerParts,
    may_have_curve: bool,
) {
    let cipher = CipherSuite(hello.cipher);
    let label =
        |name: Option<&'static str>, hex: &'a Hex| Value::Text(name.map_or(hex.bytes(), str::as_bytes));
    fields.push((Field::TlsCipher, label(cipher.name(), &parts.cipher)));
    fields.push((Field::TlsServerJa3s, Value::Text(&parts.ja3s)));
    fields.push((Field::TlsVersion, label(hello.version.name(), &parts.version)));
    fields.push((Field::TlsVersionProtocol, Value::Text(hello.version.protocol().as_bytes())));
    fields.push((Field::TlsResumed, parts.is_resumed.map_or(Value::Unobserved, Value::Bool)));
    match &parts.group {
        Some((name, hex)) => fields.push((Field::TlsCurve, label(*name, hex))),
        None if may_have_curve => fields.push((Field::TlsCurve, Value::Unobserved)),
        None => {}
    }
    // In 1.3 the choice is encrypted, but who offers nothing is given nothing.
    let may_choose =
        hello.version.is_1_3() && client.is_none_or(|client| client.alpn.iter().next().is_some());
    match hello.alpn {
        None if may_choose => fields.push((Field::TlsNextProtocol, Value::Unobserved)),
        name => push_text(fields, Field::TlsNextProtocol, name),
    }
}
