//! The `quic` event: what the handshake showed, as fields.

use super::connection::{Connection, Id};
use super::parameters::Parameters;
use super::version::Version;
use crate::fields::Field;
use crate::messages::{Direction, EventKind, Value};
use crate::proto::tls::client::{CLIENT_FIELDS, ClientLists, ClientParts, push_client};
use crate::proto::tls::event::{Fields, push_list, push_text, push_unobserved};
use crate::proto::tls::fingerprint::{Carrier, hex};
use crate::proto::tls::hello::{ClientHello, ExtensionType, ServerHello};
use crate::proto::tls::server::{SERVER_FIELDS, ServerParts, push_server_hello};
use crate::proto::{Close, Context};

/// quic_transport_parameters (RFC 9001 8.2), and its number in the drafts.
const TRANSPORT_PARAMETERS: [ExtensionType; 2] = [ExtensionType(0x39), ExtensionType(0xffa5)];

/// Filled from the client's transport parameters.
const PARAMETER_FIELDS: [Field; 4] =
    [Field::QuicClientIdleTimeout, Field::QuicClientParameters, Field::QuicClientVersions, Field::UserAgent];

const OWN_FIELDS: [Field; 10] = [
    Field::QuicCloseCode,
    Field::QuicCloseReason,
    Field::QuicClientId,
    Field::QuicClientVersion,
    Field::QuicEarlyData,
    Field::QuicOriginalId,
    Field::QuicRetry,
    Field::QuicServerId,
    Field::QuicServerVersions,
    Field::QuicVersion,
];

/// Every field that a `quic` event can carry, beside those of its flow.
pub const FIELDS: &[Field] = &concat();

const ALL: usize = CLIENT_FIELDS.len() + SERVER_FIELDS.len() + PARAMETER_FIELDS.len() + OWN_FIELDS.len() + 1;

const fn concat() -> [Field; ALL] {
    let mut all = [Field::TlsEstablished; ALL];
    let parts: [&[Field]; 4] = [&CLIENT_FIELDS, &SERVER_FIELDS, &PARAMETER_FIELDS, &OWN_FIELDS];
    let (mut at, mut part) = (1, 0);
    while part < parts.len() {
        let mut place = 0;
        while place < parts[part].len() {
            all[at] = parts[part][place];
            at += 1;
            place += 1;
        }
        part += 1;
    }
    all
}

/// Gives out the event. `why` is `None` where the handshake itself came to its end.
pub(super) fn emit(seen: &Connection, why: Option<Close>, cx: &mut Context<'_>) {
    let client = seen.client_hello.as_deref().and_then(ClientHello::parse);
    if client.is_some_and(|hello| !hello.whole) {
        cx.weird("quic", "extensions_malformed", b"");
    }
    if !cx.sink.wants(EventKind::Quic) {
        return;
    }
    let parts = client.as_ref().map(|hello| ClientParts::new(hello, Carrier::Quic, false));
    let client = client.as_ref().zip(parts.as_ref());
    let lists = client.map(|(hello, parts)| ClientLists::new(hello, parts));
    let server = seen.server_hello.as_deref().and_then(ServerHello::parse);
    let server_parts = server.as_ref().map(|hello| ServerParts::new(hello, None, None));
    let parameters = client.map(|(hello, _)| parameters(hello));
    let words = Words::new(seen, parameters);
    let own_lists = words.lists();
    let mut fields = Fields::with_capacity(ALL);
    push_client(&mut fields, client.zip(lists.as_ref()).map(|((hello, parts), lists)| (hello, parts, lists)));
    match server.as_ref().zip(server_parts.as_ref()) {
        Some((hello, parts)) => {
            push_server_hello(&mut fields, client.map(|(hello, _)| hello), hello, parts, false);
        }
        None => push_unobserved(&mut fields, &SERVER_FIELDS),
    }
    push_parameters(&mut fields, parameters, &own_lists);
    push_own(&mut fields, seen, &words, &own_lists);
    fields.push((Field::TlsEstablished, established(seen, why, cx.one_way)));
    fields.sort_unstable_by_key(|field| field.0);
    cx.emit(EventKind::Quic, &fields);
}

fn parameters<'a>(hello: &ClientHello<'a>) -> Parameters<'a> {
    let found = hello.extensions.iter().find(|(kind, _)| TRANSPORT_PARAMETERS.contains(kind));
    found.map_or_else(Parameters::default, |(_, body)| Parameters::parse(body))
}

/// A version's name.
struct Label(Option<&'static str>, [u8; 10]);

impl Label {
    fn new(version: Version) -> Self {
        let [a, b, c, d, e, f, g, h] = hex(&version.0.to_be_bytes());
        Self(version.name(), [b'0', b'x', a, b, c, d, e, f, g, h])
    }

    fn value(&self) -> Value<'_> {
        Value::Text(self.0.map_or(&self.1, str::as_bytes))
    }

    fn all(versions: impl Iterator<Item = Version>) -> Vec<Self> {
        versions.filter(|version| !version.is_reserved()).map(Self::new).collect()
    }
}

/// What is made for the event and borrowed by its fields.
struct Words {
    client_id: Option<Vec<u8>>,
    server_id: Option<Vec<u8>>,
    original_id: Option<Vec<u8>>,
    version: Option<Label>,
    client_version: Option<Label>,
    client_versions: Vec<Label>,
    server_versions: Vec<Label>,
    parameters: Vec<u64>,
}

impl Words {
    fn new(seen: &Connection, parameters: Option<Parameters<'_>>) -> Self {
        let client = seen.client.unwrap_or(Direction::ToServer);
        let text =
            |id: Option<Id>| id.map(|id| id.bytes().iter().flat_map(|byte| hex::<2>(&[*byte])).collect());
        let [first, last] = seen.versions;
        Self {
            client_id: text(seen.source[client.index()]),
            server_id: text(seen.source[client.flip().index()]),
            original_id: text(seen.original),
            version: last.or(first).map(Label::new),
            client_version: first.map(Label::new),
            client_versions: parameters.map(|all| Label::all(all.versions())).unwrap_or_default(),
            server_versions: Label::all(seen.server_versions()),
            parameters: parameters.map(|all| all.numbers().collect()).unwrap_or_default(),
        }
    }

    fn lists(&self) -> [Vec<Value<'_>>; 3] {
        [
            self.client_versions.iter().map(Label::value).collect(),
            self.server_versions.iter().map(Label::value).collect(),
            self.parameters.iter().map(|number| Value::Number(*number)).collect(),
        ]
    }
}

fn push_parameters<'a>(
    fields: &mut Fields<'a>,
    parameters: Option<Parameters<'a>>,
    [versions, _, numbers]: &'a [Vec<Value<'a>>; 3],
) {
    let Some(parameters) = parameters else {
        return push_unobserved(fields, &PARAMETER_FIELDS);
    };
    fields
        .extend(parameters.max_idle_timeout.map(|time| (Field::QuicClientIdleTimeout, Value::Number(time))));
    push_list(fields, Field::QuicClientParameters, numbers);
    push_list(fields, Field::QuicClientVersions, versions);
    push_text(fields, Field::UserAgent, parameters.user_agent);
}

fn push_own<'a>(
    fields: &mut Fields<'a>,
    seen: &'a Connection,
    words: &'a Words,
    [_, server_versions, _]: &'a [Vec<Value<'a>>; 3],
) {
    if let Some((code, reason)) = &seen.close {
        fields.push((Field::QuicCloseCode, Value::Number(*code)));
        push_text(
            fields,
            Field::QuicCloseReason,
            Some(reason).filter(|text| !text.is_empty()).map(Vec::as_slice),
        );
    }
    let ids = [
        (Field::QuicClientId, &words.client_id),
        (Field::QuicServerId, &words.server_id),
        (Field::QuicOriginalId, &words.original_id),
    ];
    for (field, id) in ids {
        fields.push((field, id.as_deref().map_or(Value::Unobserved, Value::Text)));
    }
    for (field, label) in
        [(Field::QuicVersion, &words.version), (Field::QuicClientVersion, &words.client_version)]
    {
        fields.push((field, label.as_ref().map_or(Value::Unobserved, Label::value)));
    }
    fields.push((Field::QuicEarlyData, Value::Bool(seen.has_early_data)));
    fields.push((Field::QuicRetry, Value::Bool(seen.is_retried)));
    push_list(fields, Field::QuicServerVersions, server_versions);
}

/// Whether the handshake succeeded, as far as that shows.
fn established(seen: &Connection, why: Option<Close>, one_way: bool) -> Value<'static> {
    match () {
        () if seen.is_established() => Value::Bool(true),
        () if seen.close.is_some()
            || (why == Some(Close::Timeout) && !one_way && !seen.went_on[0] && !seen.went_on[1]) =>
        {
            Value::Bool(false)
        }
        () => Value::Unobserved,
    }
}
