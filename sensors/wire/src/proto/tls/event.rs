//! The `tls` event: what a handshake showed, as fields.

use super::chain::{CERTIFICATE_FIELDS, Chain, certificates, push_certificates};
use super::client::{CLIENT_FIELDS, ClientLists, ClientParts, push_client};
use super::handshake::Handshake;
use super::hello::{ClientHello, ServerHello};
use super::names::CipherSuite;
use super::server::{SERVER_FIELDS, ServerParts, push_server_hello};
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::x509::{self, Side};
use crate::proto::{Close, Context};

/// Every field that a `tls` event can carry, beside those of its flow.
pub const FIELDS: &[Field] = &concat();

const ALL: usize = CLIENT_FIELDS.len() + SERVER_FIELDS.len() + CERTIFICATE_FIELDS.len() + 2;

const fn concat() -> [Field; ALL] {
    let mut all = [Field::TlsAlert; ALL];
    all[1] = Field::TlsEstablished;
    let mut at = 2;
    let parts: [&[Field]; 3] = [&CLIENT_FIELDS, &SERVER_FIELDS, &CERTIFICATE_FIELDS];
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

pub(crate) type Fields<'a> = Vec<(Field, Value<'a>)>;

/// Gives out the event, and one for each certificate. `why` is `None` where the handshake itself came to its end.
pub(crate) fn emit(seen: &Handshake, why: Option<Close>, cx: &mut Context<'_>) {
    let mut spare = Vec::new();
    let client = seen.parse_client(&mut spare);
    let chain = seen.certificates.as_deref().map(|list| Chain::new(list, seen.certificate_is_bare));
    if client.is_some_and(|hello| !hello.whole && !seen.client_is_ssl2) {
        cx.weird("tls", "extensions_malformed", b"");
    }
    if chain.as_ref().is_some_and(|chain| chain.first.is_none()) {
        cx.weird("tls", "certificate_malformed", b"");
    }
    if cx.sink.wants(EventKind::Tls) {
        emit_tls(seen, client.as_ref(), chain.as_ref(), why, cx);
    }
    let server_name = client.map(|hello| hello.server_name);
    if let Some(list) = &seen.certificates {
        x509::tell(certificates(list, seen.certificate_is_bare), Side::Server, server_name, cx);
    }
    if let Some(list) = &seen.client_certificates {
        x509::tell(certificates(list, false), Side::Client, server_name, cx);
    }
}

fn emit_tls(
    seen: &Handshake,
    client: Option<&ClientHello<'_>>,
    chain: Option<&Chain<'_>>,
    why: Option<Close>,
    cx: &mut Context<'_>,
) {
    let server = seen.server_hello.as_deref().and_then(ServerHello::parse);
    let server_parts =
        server.as_ref().map(|hello| ServerParts::new(hello, seen.group, is_resumed(hello, client, seen)));
    let client_parts = client.map(|hello| ClientParts::new(hello, seen.carrier, seen.client_is_ssl2));
    let client = client.zip(client_parts.as_ref());
    let lists = client.map(|(hello, parts)| ClientLists::new(hello, parts));
    let names = chain.map(Chain::names);
    let mut fields = Fields::with_capacity(ALL);
    push_client(&mut fields, client.zip(lists.as_ref()).map(|((hello, parts), lists)| (hello, parts, lists)));
    match server.as_ref().zip(server_parts.as_ref()) {
        Some((hello, parts)) => {
            let client = client.map(|(hello, _)| hello);
            push_server_hello(&mut fields, client, hello, parts, curve_was_missed(hello, seen));
        }
        None => push_no_server_hello(&mut fields, seen),
    }
    push_certificates(&mut fields, seen, server_parts.as_ref(), chain.zip(names.as_deref()), cx.time);
    push_outcome(&mut fields, seen, why, cx.one_way);
    fields.sort_unstable_by_key(|field| field.0);
    cx.emit(EventKind::Tls, &fields);
}

/// Before 1.3: by the short handshake, or the echoed session where no more was seen.
fn is_resumed(hello: &ServerHello<'_>, client: Option<&ClientHello<'_>>, seen: &Handshake) -> Option<bool> {
    if seen.is_full || seen.flight_is_whole {
        return Some(!seen.is_full);
    }
    (!hello.session_id.is_empty() && hello.session_id == client?.session_id).then_some(true)
}

/// The key exchange that would name the curve was not seen, nor the end of the flight that could hold it.
fn curve_was_missed(hello: &ServerHello<'_>, seen: &Handshake) -> bool {
    !hello.version.is_1_3() && CipherSuite(hello.cipher).has_curve() && !seen.flight_is_whole
}

fn push_no_server_hello(fields: &mut Fields<'_>, seen: &Handshake) {
    match seen.version {
        Some(version) => {
            fields.push((Field::TlsVersion, Value::Text(version.name().unwrap_or_default().as_bytes())));
            fields.push((Field::TlsVersionProtocol, Value::Text(version.protocol().as_bytes())));
        }
        None if seen.was_refused() => {}
        None => push_unobserved(fields, &SERVER_FIELDS),
    }
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

pub(crate) fn push_unobserved(fields: &mut Fields<'_>, names: &[Field]) {
    fields.extend(names.iter().map(|&field| (field, Value::Unobserved)));
}

pub(crate) fn push_text<'a>(fields: &mut Fields<'a>, field: Field, text: Option<&'a [u8]>) {
    fields.extend(text.map(|text| (field, Value::Text(text))));
}

pub(crate) fn push_list<'a>(fields: &mut Fields<'a>, field: Field, list: &'a [Value<'a>]) {
    if !list.is_empty() {
        fields.push((field, Value::List(list)));
    }
}
