//! The `x509` event: one certificate, as fields.

use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;

use super::certificate::Certificate;
use super::key::Name;
use super::limits::{MAX_PURPOSES, MAX_TOLD};
use super::names::{alternative_names, distinguished_name, values};
use crate::asn1::{Der, Tag, dotted};
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;
use crate::proto::tls::event::{Fields, push_list, push_text};
use crate::proto::tls::fingerprint::{hex, upper_hex};

/// Every field that an `x509` event can carry, beside those of its flow.
pub const FIELDS: &[Field] = &[
    Field::X509Ca,
    Field::X509ChainLength,
    Field::X509Expired,
    Field::X509ExtendedKeyUsage,
    Field::X509HashMd5,
    Field::X509HashSha1,
    Field::X509HashSha256,
    Field::X509KeyUsage,
    Field::X509NotYetValid,
    Field::X509PathLength,
    Field::X509Position,
    Field::X509SelfSigned,
    Field::X509SerialForms,
    Field::X509Side,
    Field::X509ValidityDays,
    Field::NetworkProtocol,
    Field::TlsClientServerName,
    Field::X509AltNames,
    Field::X509IssuerCn,
    Field::X509IssuerCountry,
    Field::X509IssuerDn,
    Field::X509IssuerLocality,
    Field::X509IssuerOrganization,
    Field::X509IssuerUnit,
    Field::X509IssuerState,
    Field::X509NotAfter,
    Field::X509NotBefore,
    Field::X509KeyAlgorithm,
    Field::X509KeyCurve,
    Field::X509KeyExponent,
    Field::X509KeySize,
    Field::X509Serial,
    Field::X509SignatureAlgorithm,
    Field::X509SubjectCn,
    Field::X509SubjectCountry,
    Field::X509SubjectDn,
    Field::X509SubjectLocality,
    Field::X509SubjectOrganization,
    Field::X509SubjectUnit,
    Field::X509SubjectState,
    Field::X509Version,
];

/// Who sent a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

/// Gives out an event for each certificate of a chain. `server_name`: what the client asked for; `None` where its
/// hello was not seen, an empty name within where it asked for none.
pub(crate) fn tell<'a>(
    chain: impl Iterator<Item = &'a [u8]> + Clone,
    side: Side,
    server_name: Option<Option<&[u8]>>,
    cx: &mut Context<'_>,
) {
    if !cx.sink.wants(EventKind::X509) {
        return;
    }
    let length = chain.clone().count();
    cx.hit((length > MAX_TOLD.get()).then_some(&MAX_TOLD));
    for (position, bytes) in chain.take(MAX_TOLD.get()).enumerate() {
        if let Some(certificate) = Certificate::parse(bytes) {
            let place = Place { side, position, length, server_name };
            emit(bytes, &certificate, &place, cx);
        }
    }
}

/// Where a certificate stood.
struct Place<'a> {
    side: Side,
    position: usize,
    length: usize,
    server_name: Option<Option<&'a [u8]>>,
}

fn emit(bytes: &[u8], certificate: &Certificate<'_>, place: &Place<'_>, cx: &mut Context<'_>) {
    let words = Words::new(bytes, certificate);
    let lists =
        words.lists.each_ref().map(|list| list.iter().map(|text| Value::Text(text)).collect::<Vec<_>>());
    let mut fields = Fields::with_capacity(FIELDS.len());
    push_place(&mut fields, place);
    push_words(&mut fields, &words);
    push_facts(&mut fields, certificate, cx.time);
    for (field, list) in LISTS.into_iter().zip(&lists) {
        push_list(&mut fields, field, list);
    }
    fields.sort_unstable_by_key(|field| field.0);
    cx.emit(EventKind::X509, &fields);
}

/// Fields that are lists, as [`Words`] has them.
const LISTS: [Field; 16] = [
    Field::X509IssuerCn,
    Field::X509IssuerCountry,
    Field::X509IssuerLocality,
    Field::X509IssuerState,
    Field::X509IssuerOrganization,
    Field::X509IssuerUnit,
    Field::X509SubjectCn,
    Field::X509SubjectCountry,
    Field::X509SubjectLocality,
    Field::X509SubjectState,
    Field::X509SubjectOrganization,
    Field::X509SubjectUnit,
    Field::X509AltNames,
    Field::X509KeyUsage,
    Field::X509ExtendedKeyUsage,
    Field::X509SerialForms,
];

/// Last bytes of the OIDs of a name's parts (X.520, 2.5.4): CN, C, L, ST, O, OU.
const PARTS: [u8; 6] = [3, 6, 7, 8, 10, 11];

/// What is made from a certificate and borrowed by its fields.
struct Words {
    md5: [u8; 32],
    sha1: [u8; 40],
    sha256: [u8; 64],
    issuer: Vec<u8>,
    subject: Vec<u8>,
    serial: Vec<u8>,
    version: [u8; 1],
    key: Option<Name>,
    curve: Option<Name>,
    signature: Option<Name>,
    lists: [Vec<Vec<u8>>; 16],
}

impl Words {
    fn new(bytes: &[u8], certificate: &Certificate<'_>) -> Self {
        let serial: Vec<u8> = certificate.serial.iter().flat_map(|&byte| upper_hex(byte)).collect();
        let extensions = &certificate.extensions;
        let [a, b, c, d, e, f] = PARTS.map(|part| values(certificate.issuer, part));
        let [g, h, i, j, k, l] = PARTS.map(|part| values(certificate.subject, part));
        Self {
            md5: hex(&Md5::digest(bytes)),
            sha1: hex(&Sha1::digest(bytes)),
            sha256: hex(&Sha256::digest(bytes)),
            issuer: distinguished_name(certificate.issuer),
            subject: distinguished_name(certificate.subject),
            version: [b'0' + certificate.version.min(9)],
            key: certificate.key.map(|key| key.name()),
            curve: certificate.key.and_then(|key| key.curve()),
            signature: certificate.signature.map(|algorithm| algorithm.signature()),
            lists: [
                a,
                b,
                c,
                d,
                e,
                f,
                g,
                h,
                i,
                j,
                k,
                l,
                alternative_names(extensions.alternative_names),
                extensions.key_usage.map(key_usage).unwrap_or_default(),
                extended_key_usage(extensions.extended_key_usage),
                serial_forms(&serial),
            ],
            serial,
        }
    }
}

/// As it is, and without leading zeros, which some tools leave out.
fn serial_forms(serial: &[u8]) -> Vec<Vec<u8>> {
    let zeros = serial.iter().take_while(|&&digit| digit == b'0').count();
    let short = serial.get(zeros.min(serial.len().saturating_sub(1))..).unwrap_or_default();
    let mut forms = vec![serial.to_vec()];
    if short.len() < serial.len() {
        forms.push(short.to_vec());
    }
    forms
}

/// RFC 5280 4.2.1.3, the first bit first.
const KEY_USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

fn key_usage(bits: u16) -> Vec<Vec<u8>> {
    let set = KEY_USAGES.iter().enumerate().filter(|(place, _)| bits << place & 0x8000 != 0);
    set.map(|(_, name)| name.as_bytes().to_vec()).collect()
}

fn extended_key_usage(content: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = Der(content);
    let all = MAX_PURPOSES.take(std::iter::from_fn(move || rest.expect(Tag::OID)));
    all.map(|oid| purpose(oid).map_or_else(|| dotted(oid).into_bytes(), |name| name.as_bytes().to_vec()))
        .collect()
}

/// id-kp, 1.3.6.1.5.5.7.3, and any.
fn purpose(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, last] => match last {
            1 => "serverAuth",
            2 => "clientAuth",
            3 => "codeSigning",
            4 => "emailProtection",
            8 => "timeStamping",
            9 => "OCSPSigning",
            _ => return None,
        },
        [0x55, 0x1d, 0x25, 0x00] => "anyExtendedKeyUsage",
        _ => return None,
    })
}

fn push_place<'a>(fields: &mut Fields<'a>, place: &Place<'a>) {
    let side: &[u8] = if place.side == Side::Server { b"server" } else { b"client" };
    fields.extend([
        (Field::NetworkProtocol, Value::Text(b"tls")),
        (Field::X509Side, Value::Text(side)),
        (Field::X509Position, Value::Number(place.position as u64)),
        (Field::X509ChainLength, Value::Number(place.length as u64)),
    ]);
    match place.server_name {
        None => fields.push((Field::TlsClientServerName, Value::Unobserved)),
        Some(name) => push_text(fields, Field::TlsClientServerName, name),
    }
}

fn push_words<'a>(fields: &mut Fields<'a>, words: &'a Words) {
    let texts: [(Field, &[u8]); 7] = [
        (Field::X509HashMd5, &words.md5),
        (Field::X509HashSha1, &words.sha1),
        (Field::X509HashSha256, &words.sha256),
        (Field::X509IssuerDn, &words.issuer),
        (Field::X509SubjectDn, &words.subject),
        (Field::X509Serial, &words.serial),
        (Field::X509Version, &words.version),
    ];
    fields.extend(texts.map(|(field, text)| (field, Value::Text(text))));
    push_text(fields, Field::X509KeyAlgorithm, words.key.as_ref().map(Name::bytes));
    push_text(fields, Field::X509KeyCurve, words.curve.as_ref().map(Name::bytes));
    push_text(fields, Field::X509SignatureAlgorithm, words.signature.as_ref().map(Name::bytes));
}

fn push_facts(fields: &mut Fields<'_>, certificate: &Certificate<'_>, now: u64) {
    let number = |value: Option<u64>| value.map(Value::Number);
    let (ca, path) = certificate.extensions.constraints.unwrap_or_default();
    let facts = [
        (Field::X509SelfSigned, Some(Value::Bool(certificate.is_self_signed()))),
        (Field::X509Ca, Some(Value::Bool(ca))),
        (Field::X509PathLength, number(path)),
        (Field::X509NotBefore, certificate.not_before.map(Value::Time)),
        (Field::X509NotAfter, certificate.not_after.map(Value::Time)),
        (Field::X509Expired, certificate.not_after.map(|end| Value::Bool(now > end))),
        (Field::X509NotYetValid, certificate.not_before.map(|begin| Value::Bool(now < begin))),
        (Field::X509ValidityDays, number(certificate.days())),
        (Field::X509KeySize, number(certificate.key.and_then(|key| key.size()))),
        (Field::X509KeyExponent, number(certificate.key.and_then(|key| key.exponent()))),
    ];
    fields.extend(facts.into_iter().filter_map(|(field, value)| Some((field, value?))));
}
