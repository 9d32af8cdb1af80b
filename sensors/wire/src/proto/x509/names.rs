//! Distinguished names as text (RFC 4514) and alternative names (RFC 5280 4.2.1.6).

use super::limits::{MAX_ALTERNATIVE_NAMES, MAX_ATTRIBUTES};
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::asn1::{Der, Tag, dotted};

/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// One attribute: its OID, its value's string type and bytes, and whether it begins an RDN.
type Attribute<'a> = (&'a [u8], Tag, &'a [u8], bool);

/// Attributes in the order of the encoding.
fn attributes(name: &[u8]) -> impl Iterator<Item = Attribute<'_>> {
    let mut sequence = Der(name);
    let mut set = Der(&[]);
    let next = move || {
        let begins = set.0.is_empty();
        if begins {
            set = Der(sequence.expect(Tag::SET)?);
        }
        let mut pair = Der(set.expect(Tag::SEQUENCE)?);
        let oid = pair.expect(Tag::OID)?;
        let (tag, value) = pair.any()?;
        Some((oid, tag, value, begins))
    };
    MAX_ATTRIBUTES.take(std::iter::from_fn(next))
}

/// The name as RFC 4514 writes it: last RDN first, `CN=example.org,O=Example`.
pub(crate) fn distinguished_name(name: &[u8]) -> Vec<u8> {
    let all: Vec<Attribute<'_>> = attributes(name).collect();
    let mut out = Vec::with_capacity(name.len());
    let mut end = all.len();
    while end > 0 {
        let start = all.iter().take(end).rposition(|attribute| attribute.3).unwrap_or(0);
        for (place, attribute) in all.get(start..end).unwrap_or_default().iter().enumerate() {
            match place {
                0 if out.is_empty() => {}
                0 => out.push(b','),
                _ => out.push(b'+'),
            }
            push_attribute(&mut out, attribute);
        }
        end = start;
    }
    out
}

/// The last common name: the most specific one.
pub(crate) fn common_name(name: &[u8]) -> Option<Vec<u8>> {
    let (_, tag, value, _) = attributes(name).filter(|attribute| attribute.0 == COMMON_NAME).last()?;
    Some(text(tag, value))
}

/// Values of one of a name's parts by the last byte of its OID in X.520, in their order.
pub(super) fn values(name: &[u8], part: u8) -> Vec<Vec<u8>> {
    let wanted = attributes(name).filter(|attribute| attribute.0 == [0x55, 0x04, part]);
    wanted.map(|(_, tag, value, _)| text(tag, value)).collect()
}

fn push_attribute(out: &mut Vec<u8>, &(oid, tag, value, _): &Attribute<'_>) {
    match short_name(oid) {
        Some(known) => out.extend_from_slice(known.as_bytes()),
        None => out.extend_from_slice(dotted(oid).as_bytes()),
    }
    out.push(b'=');
    push_escaped(out, &text(tag, value));
}

/// RFC 4514 3 and the usual names of RFC 4519 beyond it.
fn short_name(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        [0x55, 0x04, last] => match last {
            0x03 => "CN",
            0x04 => "SN",
            0x05 => "serialNumber",
            0x06 => "C",
            0x07 => "L",
            0x08 => "ST",
            0x09 => "STREET",
            0x0a => "O",
            0x0b => "OU",
            0x0c => "title",
            0x0f => "businessCategory",
            0x11 => "postalCode",
            0x2a => "GN",
            0x2e => "dnQualifier",
            0x61 => "organizationIdentifier",
            _ => return None,
        },
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01] => "emailAddress",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01] => "UID",
        _ => return None,
    })
}

/// The value in UTF-8 where its string type says how; else its bytes as they are.
fn text(tag: Tag, value: &[u8]) -> Vec<u8> {
    let wide = |units: &mut dyn Iterator<Item = u32>| {
        let chars = units.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        chars.collect::<String>().into_bytes()
    };
    match tag {
        Tag::BMP_STRING => {
            wide(&mut value.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))))
        }
        Tag::UNIVERSAL_STRING => wide(
            &mut value.chunks_exact(4).map(|unit| u32::from_be_bytes([unit[0], unit[1], unit[2], unit[3]])),
        ),
        _ => value.to_vec(),
    }
}

/// RFC 4514 2.4.
fn push_escaped(out: &mut Vec<u8>, value: &[u8]) {
    for (place, &byte) in value.iter().enumerate() {
        let at_edge = place == 0 || place + 1 == value.len();
        match byte {
            0 => out.extend_from_slice(b"\\00"),
            b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b' ' if at_edge => out.extend_from_slice(b"\\ "),
            b'#' if place == 0 => out.extend_from_slice(b"\\#"),
            _ => out.push(byte),
        }
    }
}

/// dNSName, rfc822Name, URI as they are; iPAddress as text. Other kinds are left out.
pub(crate) fn alternative_names(names: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = Der(names);
    let all = MAX_ALTERNATIVE_NAMES.take(std::iter::from_fn(move || rest.any()));
    all.filter_map(|(tag, value)| alternative_name(tag, value)).collect()
}

fn alternative_name(tag: Tag, value: &[u8]) -> Option<Vec<u8>> {
    const RFC822_NAME: Tag = Tag::context_primitive(1);
    const DNS_NAME: Tag = Tag::context_primitive(2);
    const URI: Tag = Tag::context_primitive(6);
    const IP_ADDRESS: Tag = Tag::context_primitive(7);
    match tag {
        RFC822_NAME | DNS_NAME | URI => Some(value.to_vec()),
        IP_ADDRESS => address(value).map(String::into_bytes),
        _ => None,
    }
}

fn address(value: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(value) {
        return Some(Ipv4Addr::from(four).to_string());
    }
    let sixteen = <[u8; 16]>::try_from(value).ok()?;
    Some(Ipv6Addr::from(sixteen).to_string())
}
