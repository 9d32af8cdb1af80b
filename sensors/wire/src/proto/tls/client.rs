//! What a ClientHello says, as fields: the same for TLS, DTLS and QUIC.

use super::fingerprint::{self, Carrier, JA4_LEN};
use super::hello::ClientHello;
use super::names::{CipherSuite, Hex, is_grease};
use crate::fields::Field;
use crate::messages::Value;
use crate::proto::tls::event::{Fields, push_list, push_text, push_unobserved};

/// Filled from the ClientHello.
pub(crate) const CLIENT_FIELDS: [Field; 7] = [
    Field::TlsClientAlpn,
    Field::TlsClientExtensions,
    Field::TlsClientVersion,
    Field::TlsClientJa3,
    Field::TlsClientJa4,
    Field::TlsClientServerName,
    Field::TlsClientCiphers,
];

/// What is made from a ClientHello and borrowed by its fields.
pub(crate) struct ClientParts {
    /// JA3 and JA4; none for an SSL 2.0 hello, for which they are not defined.
    prints: Option<([u8; 32], [u8; JA4_LEN])>,
    unknown_ciphers: Vec<Hex>,
    version: Hex,
}

impl ClientParts {
    /// `is_ssl2`: the hello has SSL 2.0's form.
    pub(crate) fn new(hello: &ClientHello<'_>, carrier: Carrier, is_ssl2: bool) -> Self {
        let is_sound = hello.whole && !is_ssl2;
        Self {
            prints: is_sound.then(|| (fingerprint::ja3(hello), fingerprint::ja4(hello, carrier))),
            unknown_ciphers: ciphers(hello)
                .filter(|suite| suite.name().is_none())
                .map(|suite| Hex::new(suite.0))
                .collect(),
            version: Hex::new(hello.highest_version().0),
        }
    }
}

fn ciphers(hello: &ClientHello<'_>) -> impl Iterator<Item = CipherSuite> {
    hello.ciphers.iter().filter(|&number| !is_grease(number)).map(CipherSuite)
}

/// Values of the fields that are lists.
pub(crate) struct ClientLists<'a> {
    alpn: Vec<Value<'a>>,
    extensions: Vec<Value<'a>>,
    ciphers: Vec<Value<'a>>,
}

impl<'a> ClientLists<'a> {
    pub(crate) fn new(hello: &ClientHello<'a>, parts: &'a ClientParts) -> Self {
        let mut unknown = parts.unknown_ciphers.iter();
        let name =
            |suite: CipherSuite| suite.name().map(str::as_bytes).or_else(|| Some(unknown.next()?.bytes()));
        Self {
            alpn: hello.alpn.iter().map(Value::Text).collect(),
            extensions: hello.extensions.types().map(|kind| Value::Number(u64::from(kind))).collect(),
            ciphers: ciphers(hello).filter_map(name).map(Value::Text).collect(),
        }
    }
}

/// `None` where no hello was seen.
pub(crate) fn push_client<'a>(
    fields: &mut Fields<'a>,
    seen: Option<(&ClientHello<'a>, &'a ClientParts, &'a ClientLists<'a>)>,
) {
    let Some((hello, parts, lists)) = seen else {
        return push_unobserved(fields, &CLIENT_FIELDS);
    };
    push_list(fields, Field::TlsClientAlpn, &lists.alpn);
    push_list(fields, Field::TlsClientExtensions, &lists.extensions);
    push_list(fields, Field::TlsClientCiphers, &lists.ciphers);
    let version = hello.highest_version().name().map_or(parts.version.bytes(), str::as_bytes);
    fields.push((Field::TlsClientVersion, Value::Text(version)));
    push_text(fields, Field::TlsClientServerName, hello.server_name);
    if let Some((ja3, ja4)) = &parts.prints {
        fields.push((Field::TlsClientJa3, Value::Text(ja3)));
        fields.push((Field::TlsClientJa4, Value::Text(ja4)));
    }
}
