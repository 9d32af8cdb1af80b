//! Is it Kerberos? Decided by content: tag, length, protocol version 5 and message type must agree.

use super::message::{AP_REP, AP_REQ, AS_REP, AS_REQ, KRB_ERROR, TGS_REP, TGS_REQ};
use crate::asn1::{Head, Tag, head};
use crate::proto::Probe;
use crate::proto::framing::Extent;

/// Length before a message on a stream (RFC 4120 7.2.2).
pub(super) const PREFIX: usize = 4;
/// Probe: no message needs more.
const MAX_LENGTH: u32 = 1 << 24;

/// Looks at one datagram.
pub(super) fn datagram(payload: &[u8]) -> Probe {
    match message(payload, None) {
        Probe::Yes => Probe::Yes,
        _ => Probe::No,
    }
}

/// Looks at the begin of a stream: length, then a message that may not be whole yet.
pub(super) fn stream(bytes: &[u8]) -> Probe {
    match extent(bytes) {
        Extent::More => Probe::More,
        Extent::Message(len) => message(bytes.get(PREFIX..).unwrap_or_default(), Some(len)),
        Extent::Stray(_) | Extent::Nothing => Probe::No,
    }
}

/// Length of a message on a stream with its prefix; the highest bit is reserved.
pub(super) fn extent(bytes: &[u8]) -> Extent {
    match (bytes, bytes.first_chunk::<PREFIX>()) {
        ([1..=0xff, ..], _) => Extent::Nothing,
        (_, None) => Extent::More,
        (_, Some(length)) => match u32::from_be_bytes(*length) {
            len @ 10..MAX_LENGTH => Extent::Message(len as usize + PREFIX),
            _ => Extent::Nothing,
        },
    }
}

/// `len` is the length of the message with its prefix where that is known.
fn message(bytes: &[u8], len: Option<usize>) -> Probe {
    let (tag, outer, content) = match head(bytes) {
        Head::More => return Probe::More,
        Head::Bad => return Probe::No,
        Head::Element(tag, outer, content) => (tag, outer, content),
    };
    let Some((first_field, number)) = expected(tag) else { return Probe::No };
    if len.is_some_and(|len| outer + content + PREFIX != len) {
        return Probe::No;
    }
    let (inner, length) = match head(bytes.get(outer..).unwrap_or_default()) {
        Head::More => return Probe::More,
        Head::Element(Tag::SEQUENCE, inner, length) => (inner, length),
        _ => return Probe::No,
    };
    if inner + length != content {
        return Probe::No;
    }
    let pvno_and_type = [0xa0 | first_field, 3, 2, 1, 5, 0xa1 + first_field, 3, 2, 1, number];
    let seen = bytes.get(outer + inner..).unwrap_or_default();
    match seen.iter().zip(&pvno_and_type).all(|(seen, wanted)| seen == wanted) {
        false => Probe::No,
        true if seen.len() < pvno_and_type.len() => Probe::More,
        true => Probe::Yes,
    }
}

/// Number of the field `pvno`, and the message type behind it.
fn expected(tag: Tag) -> Option<(u8, u8)> {
    match tag {
        AS_REQ => Some((1, 10)),
        TGS_REQ => Some((1, 12)),
        AS_REP => Some((0, 11)),
        TGS_REP => Some((0, 13)),
        AP_REQ => Some((0, 14)),
        AP_REP => Some((0, 15)),
        KRB_ERROR => Some((0, 30)),
        _ => None,
    }
}
