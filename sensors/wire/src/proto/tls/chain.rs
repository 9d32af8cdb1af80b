//! The first certificate of a server's chain, as fields of the `tls` event.

use super::limits::MAX_CHAIN;
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;

use super::cursor::Cursor;
use super::event::{Fields, push_list, push_text, push_unobserved};
use super::fingerprint;
use super::handshake::Handshake;
use super::server::ServerParts;
use crate::fields::Field;
use crate::messages::Value;
use crate::proto::x509::{Certificate, alternative_names, common_name, distinguished_name};

/// Filled from the server's certificates.
pub(super) const CERTIFICATE_FIELDS: [Field; 14] = [
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

/// The certificates of a Certificate message's body (RFC 5246 7.4.2), or the one that stands alone.
pub(super) fn certificates(list: &[u8], is_bare: bool) -> impl Iterator<Item = &[u8]> + Clone {
    let mut rest = Cursor(Cursor(list).vec24().unwrap_or_default());
    let bare = is_bare.then_some(list);
    let listed = std::iter::from_fn(move || if is_bare { None } else { rest.vec24() });
    MAX_CHAIN.take(bare.into_iter().chain(listed))
}

/// What is made from the certificates and borrowed by their fields.
pub(super) struct Chain<'a> {
    length: u64,
    md5: [u8; 32],
    sha1: [u8; 40],
    sha256: [u8; 64],
    pub(super) first: Option<Certificate<'a>>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    issuer_common_name: Option<Vec<u8>>,
    subject_common_name: Option<Vec<u8>>,
    serial: Vec<u8>,
    alternative_names: Vec<Vec<u8>>,
}

impl<'a> Chain<'a> {
    pub(super) fn new(list: &'a [u8], is_bare: bool) -> Self {
        let all = certificates(list, is_bare);
        let (length, bytes) = all.fold((0, None), |(count, first), next| (count + 1, first.or(Some(next))));
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
            serial: read.serial.iter().flat_map(|&byte| fingerprint::upper_hex(byte)).collect(),
            alternative_names: alternative_names(read.extensions.alternative_names),
        }
    }

    pub(super) fn names(&self) -> Vec<Value<'_>> {
        self.alternative_names.iter().map(|name| Value::Text(name)).collect()
    }
}

pub(super) fn push_certificates<'a>(
    fields: &mut Fields<'a>,
    seen: &Handshake,
    server: Option<&ServerParts>,
    chain: Option<(&'a Chain<'a>, &'a [Value<'a>])>,
    now: u64,
) {
    let Some((chain, names)) = chain else {
        let is_resumed = server.is_some_and(|parts| parts.is_resumed == Some(true));
        let is_absent = is_resumed || seen.flight_is_whole || seen.was_refused();
        return if !is_absent {
            push_unobserved(fields, &CERTIFICATE_FIELDS)
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
    push_list(fields, Field::TlsServerAltNames, names);
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
