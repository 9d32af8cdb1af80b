//! The `tls` event: what a handshake showed, as fields.

use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;

use super::certificate::{Certificate, alternative_names, common_name, distinguished_name};
use super::cursor::Cursor;
use super::fingerprint::{self, Carrier, JA4_LEN};
use super::handshake::Handshake;
use super::hello::{ClientHello, ServerHello};
use super::names::{CipherSuite, Hex, is_grease};
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::{Close, Context};

/// Certificates of one message that are counted.
const MAX_CHAIN: usize = 256;

/// Filled from the ClientHello.
const CLIENT_FIELDS: &[Field] = &[
    Field::TlsClientAlpn,
    Field::TlsClientExtensions,
    Field::TlsClientVersion,
    Field::TlsClientJa3,
    Field::TlsClientJa4,
    Field::TlsClientServerName,
    Field::TlsClientCiphers,
];

/// Filled from the ServerHello.
const SERVER_FIELDS: &[Field] = &[
    Field::TlsCipher,
    Field::TlsCurve,
    Field::TlsNextProtocol,
    Field::TlsResumed,
    Field::TlsServerJa3s,
    Field::TlsVersion,
    Field::TlsVersionProtocol,
];

/// Filled from the server's certificates.
const CERTIFICATE_FIELDS: &[Field] = &[
    Field::TlsServerChainLength,
    Field::TlsServerExpired,
    Field::TlsServerSelfSigned,
    Field::TlsServerHashMd5,
    Field::TlsServerHashSha1,
    Field::TlsServerHashSha256,
    Field::TlsServerIssuer,
    Field::TlsServerNotAfter,
    Field::TlsServerNotBefore,
    Field::TlsServerSubject,
    Field::TlsServerAltNames,
    Field::TlsServerIssuerCn,
    Field::TlsServerSerial,
    Field::TlsServerSubjectCn,
];

/// Every field that a `tls` event can carry, beside those of its flow.
pub const FIELDS: &[Field] = &concat();

const ALL: usize = CLIENT_FIELDS.len() + SERVER_FIELDS.len() + CERTIFICATE_FIELDS.len() + 2;

const fn concat() -> [Field; ALL] {
    let mut all = [Field::TlsAlert; ALL];
    all[1] = Field::TlsEstablished;
    let mut at = 2;
    let parts = [CLIENT_FIELDS, SERVER_FIELDS, CERTIFICATE_FIELDS];
    let mut part = 0;
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

type Fields<'a> = Vec<(Field, Value<'a>)>;

/// Gives out the event. `why` is `None` where the handshake itself came to its end.
pub(super) fn emit(seen: &Handshake, why: Option<Close>, cx: &mut Context<'_>) {
    let mut spare = Vec::new();
    let client = client_hello(seen, &mut spare);
    let server = seen.server_hello.as_deref().and_then(ServerHello::parse);
    let client_parts = client.as_ref().map(|hello| ClientParts::new(hello, seen.client_is_ssl2));
    let server_parts = server.as_ref().map(|hello| ServerParts::new(hello, seen));
    let chain = seen.certificates.as_deref().map(|list| Chain::new(list, seen.certificate_is_bare));
    if client.is_some_and(|hello| !hello.whole && !seen.client_is_ssl2) {
        cx.weird("tls", "extensions_malformed", b"");
    }
    if chain.as_ref().is_some_and(|chain| chain.first.is_none()) {
        cx.weird("tls", "certificate_malformed", b"");
    }
    if !cx.sink.wants(EventKind::Tls) {
        return;
    }
    let mut lists = Lists::default();
    lists.fill(client.as_ref(), client_parts.as_ref(), chain.as_ref());
    let mut fields = Fields::with_capacity(ALL);
    push_client(&mut fields, client.as_ref(), client_parts.as_ref(), &lists);
    push_server(&mut fields, seen, client.as_ref(), server.as_ref(), server_parts.as_ref());
    push_certificates(&mut fields, seen, server_parts.as_ref(), chain.as_ref(), &lists, cx.time);
    push_outcome(&mut fields, seen, why, cx.one_way);
    fields.sort_unstable_by_key(|field| field.0);
    cx.emit(EventKind::Tls, &fields);
}

fn client_hello<'a>(seen: &'a Handshake, spare: &'a mut Vec<u8>) -> Option<ClientHello<'a>> {
    let body = seen.client_hello.as_deref()?;
    if seen.client_is_ssl2 { ClientHello::parse_ssl2(body, spare) } else { ClientHello::parse(body) }
}

/// What is made from a ClientHello and borrowed by its fields.
struct ClientParts {
    /// JA3 and JA4; none for an SSL 2.0 hello, for which they are not defined.
    prints: Option<([u8; 32], [u8; JA4_LEN])>,
    unknown_ciphers: Vec<Hex>,
    version: Hex,
}

impl ClientParts {
    fn new(hello: &ClientHello<'_>, is_ssl2: bool) -> Self {
        let is_sound = hello.whole && !is_ssl2;
        Self {
            prints: is_sound.then(|| (fingerprint::ja3(hello), fingerprint::ja4(hello, Carrier::Tcp))),
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
#[derive(Default)]
struct Lists<'a> {
    alpn: Vec<Value<'a>>,
    extensions: Vec<Value<'a>>,
    ciphers: Vec<Value<'a>>,
    alternative_names: Vec<Value<'a>>,
}

impl<'a> Lists<'a> {
    fn fill(
        &mut self,
        hello: Option<&ClientHello<'a>>,
        parts: Option<&'a ClientParts>,
        chain: Option<&'a Chain<'a>>,
    ) {
        if let (Some(hello), Some(parts)) = (hello, parts) {
            self.alpn = hello.alpn.iter().map(Value::Text).collect();
            self.extensions = hello.extensions.types().map(|kind| Value::Number(u64::from(kind))).collect();
            let mut unknown = parts.unknown_ciphers.iter();
            let name = |suite: CipherSuite| {
                suite.name().map(str::as_bytes).or_else(|| Some(unknown.next()?.bytes()))
            };
            self.ciphers = ciphers(hello).filter_map(name).map(Value::Text).collect();
        }
        if let Some(chain) = chain {
            self.alternative_names = chain.alternative_names.iter().map(|name| Value::Text(name)).collect();
        }
    }
}

fn push_client<'a>(
    fields: &mut Fields<'a>,
    hello: Option<&ClientHello<'a>>,
    parts: Option<&'a ClientParts>,
    lists: &'a Lists<'a>,
) {
    let (Some(hello), Some(parts)) = (hello, parts) else {
        return push_unobserved(fields, CLIENT_FIELDS);
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

/// What is made from a ServerHello and borrowed by its fields.
struct ServerParts {
    ja3s: [u8; 32],
    cipher: Hex,
    version: Hex,
    group: Option<(Option<&'static str>, Hex)>,
    is_resumed: Option<bool>,
}

impl ServerParts {
    fn new(hello: &ServerHello<'_>, seen: &Handshake) -> Self {
        let group = if hello.version.is_1_3() { hello.group } else { seen.group };
        Self {
            ja3s: fingerprint::ja3s(hello),
            cipher: Hex::new(hello.cipher),
            version: Hex::new(hello.version.0),
            group: group.map(|group| (group.name(), Hex::new(group.0))),
            is_resumed: is_resumed(hello, seen),
        }
    }
}

/// By the accepted key in 1.3; before, by the short handshake, or the echoed session where no more was seen.
fn is_resumed(hello: &ServerHello<'_>, seen: &Handshake) -> Option<bool> {
    if hello.version.is_1_3() {
        return Some(hello.accepts_psk);
    }
    if seen.is_full || seen.flight_is_whole {
        return Some(!seen.is_full);
    }
    let client = ClientHello::parse(seen.client_hello.as_deref()?)?;
    (!hello.session_id.is_empty() && hello.session_id == client.session_id).then_some(true)
}

fn push_server<'a>(
    fields: &mut Fields<'a>,
    seen: &Handshake,
    client: Option<&ClientHello<'a>>,
    hello: Option<&ServerHello<'a>>,
    parts: Option<&'a ServerParts>,
) {
    let (Some(hello), Some(parts)) = (hello, parts) else {
        return push_no_server_hello(fields, seen);
    };
    let cipher = CipherSuite(hello.cipher);
    let label =
        |name: Option<&'static str>, hex: &'a Hex| Value::Text(name.map_or(hex.bytes(), str::as_bytes));
    fields.push((Field::TlsCipher, label(cipher.name(), &parts.cipher)));
    fields.push((Field::TlsServerJa3s, Value::Text(&parts.ja3s)));
    fields.push((Field::TlsVersion, label(hello.version.name(), &parts.version)));
    fields.push((Field::TlsVersionProtocol, protocol(hello.version.is_ssl())));
    fields.push((Field::TlsResumed, parts.is_resumed.map_or(Value::Unobserved, Value::Bool)));
    match &parts.group {
        Some((name, hex)) => fields.push((Field::TlsCurve, label(*name, hex))),
        None if curve_was_missed(hello, seen) => fields.push((Field::TlsCurve, Value::Unobserved)),
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

/// The key exchange that would name the curve was not seen, nor the end of the flight that could hold it.
fn curve_was_missed(hello: &ServerHello<'_>, seen: &Handshake) -> bool {
    !hello.version.is_1_3() && CipherSuite(hello.cipher).has_curve() && !seen.flight_is_whole
}

fn push_no_server_hello(fields: &mut Fields<'_>, seen: &Handshake) {
    match seen.version {
        Some(version) => {
            fields.push((Field::TlsVersion, Value::Text(version.name().unwrap_or_default().as_bytes())));
            fields.push((Field::TlsVersionProtocol, protocol(version.is_ssl())));
        }
        None if seen.was_refused() => {}
        None => push_unobserved(fields, SERVER_FIELDS),
    }
}

fn protocol(is_ssl: bool) -> Value<'static> {
    Value::Text(if is_ssl { b"ssl" } else { b"tls" })
}

/// What is made from the certificates and borrowed by their fields.
struct Chain<'a> {
    length: u64,
    md5: [u8; 32],
    sha1: [u8; 40],
    sha256: [u8; 64],
    first: Option<Certificate<'a>>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    issuer_common_name: Option<Vec<u8>>,
    subject_common_name: Option<Vec<u8>>,
    serial: Vec<u8>,
    alternative_names: Vec<Vec<u8>>,
}

impl<'a> Chain<'a> {
    /// `list` is the body of a Certificate message (RFC 5246 7.4.2), or one certificate alone.
    fn new(list: &'a [u8], is_bare: bool) -> Self {
        let mut rest = Cursor(Cursor(list).vec24().unwrap_or_default());
        let all = std::iter::from_fn(|| rest.vec24()).take(MAX_CHAIN);
        let (length, bytes) = match is_bare {
            true => (1, Some(list)),
            false => all.fold((0, None), |(count, first), next| (count + 1, first.or(Some(next)))),
        };
        let bytes = bytes.unwrap_or_default();
        let first = Certificate::parse(bytes);
        let read = first.unwrap_or_default();
        Self {
            length,
            md5: fingerprint::hex(&Md5::digest(bytes)),
            sha1: fingerprint::hex(&Sha1::digest(bytes)),
            sha256: fingerprint::hex(&Sha256::digest(bytes)),
            first,
            issuer: distinguished_name(read.issuer),
            subject: distinguished_name(read.subject),
            issuer_common_name: common_name(read.issuer),
            subject_common_name: common_name(read.subject),
            serial: read.serial.iter().flat_map(|&byte| upper_hex(byte)).collect(),
            alternative_names: alternative_names(read.alternative_names),
        }
    }
}

fn upper_hex(byte: u8) -> [u8; 2] {
    fingerprint::hex::<2>(&[byte]).map(|digit| digit.to_ascii_uppercase())
}

fn push_certificates<'a>(
    fields: &mut Fields<'a>,
    seen: &Handshake,
    server: Option<&ServerParts>,
    chain: Option<&'a Chain<'a>>,
    lists: &'a Lists<'a>,
    now: u64,
) {
    let Some(chain) = chain else {
        let is_resumed = server.is_some_and(|parts| parts.is_resumed == Some(true));
        let is_absent = is_resumed || seen.flight_is_whole || seen.was_refused();
        return if !is_absent {
            push_unobserved(fields, CERTIFICATE_FIELDS)
        };
    };
    fields.push((Field::TlsServerChainLength, Value::Number(chain.length)));
    if chain.length > 0 {
        fields.push((Field::TlsServerHashMd5, Value::Text(&chain.md5)));
        fields.push((Field::TlsServerHashSha1, Value::Text(&chain.sha1)));
        fields.push((Field::TlsServerHashSha256, Value::Text(&chain.sha256)));
    }
    if let Some(first) = &chain.first {
        push_certificate(fields, chain, first, now);
    }
    push_list(fields, Field::TlsServerAltNames, &lists.alternative_names);
}

fn push_certificate<'a>(fields: &mut Fields<'a>, chain: &'a Chain<'a>, first: &Certificate<'_>, now: u64) {
    fields.push((Field::TlsServerSelfSigned, Value::Bool(first.is_self_signed())));
    fields.push((Field::TlsServerIssuer, Value::Text(&chain.issuer)));
    fields.push((Field::TlsServerSubject, Value::Text(&chain.subject)));
    fields.push((Field::TlsServerSerial, Value::Text(&chain.serial)));
    push_text(fields, Field::TlsServerIssuerCn, chain.issuer_common_name.as_deref());
    push_text(fields, Field::TlsServerSubjectCn, chain.subject_common_name.as_deref());
    let times = [
        (Field::TlsServerNotAfter, first.not_after.map(Value::Time)),
        (Field::TlsServerNotBefore, first.not_before.map(Value::Time)),
        (Field::TlsServerExpired, first.is_expired(now).map(Value::Bool)),
    ];
    fields.extend(times.into_iter().filter_map(|(field, value)| Some((field, value?))));
}

/// Whether the handshake succeeded, and the alert.
fn push_outcome<'a>(fields: &mut Fields<'a>, seen: &'a Handshake, why: Option<Close>, one_way: bool) {
    let is_all_seen = why == Some(Close::End) && !one_way && seen.lost == [false; 2];
    let established = match () {
        () if seen.is_established() => Value::Bool(true),
        () if seen.has_failed() || is_all_seen => Value::Bool(false),
        () => Value::Unobserved,
    };
    fields.push((Field::TlsEstablished, established));
    if let Some((_, alert)) = &seen.alert {
        push_text(fields, Field::TlsAlert, Some(alert.label()));
    }
}

fn push_unobserved(fields: &mut Fields<'_>, names: &[Field]) {
    fields.extend(names.iter().map(|&field| (field, Value::Unobserved)));
}

fn push_text<'a>(fields: &mut Fields<'a>, field: Field, text: Option<&'a [u8]>) {
    fields.extend(text.map(|text| (field, Value::Text(text))));
}

fn push_list<'a>(fields: &mut Fields<'a>, field: Field, list: &'a [Value<'a>]) {
    if !list.is_empty() {
        fields.push((field, Value::List(list)));
    }
}
