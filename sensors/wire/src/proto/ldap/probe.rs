//! Is it LDAP? Decided by content: an envelope, a small identifier, a known operation that begins as it must.

use super::message::{
    ABANDON_REQUEST, BIND_REQUEST, DELETE_REQUEST, EXTENDED_REQUEST, INTERMEDIATE_RESPONSE, SEARCH_REFERENCE,
    SEARCH_REQUEST, UNBIND_REQUEST, is_request, operation,
};
use crate::asn1::{Head, Tag, head};
use crate::proto::Probe;
use crate::proto::framing::Extent;

/// Looks at one datagram.
pub(super) fn datagram(payload: &[u8]) -> Probe {
    match (message(payload), extent(payload)) {
        (Probe::Yes, Extent::Message(len)) if len <= payload.len() => Probe::Yes,
        _ => Probe::No,
    }
}

/// Length of a message with its tag and length.
pub(super) fn extent(bytes: &[u8]) -> Extent {
    match head(bytes) {
        Head::More if matches!(bytes.first(), None | Some(0x30)) => Extent::More,
        Head::Element(Tag::SEQUENCE, outer, content) if content >= 5 => Extent::Message(outer + content),
        _ => Extent::Nothing,
    }
}

/// Looks at the begin of a message that may not be whole yet.
pub(super) fn message(bytes: &[u8]) -> Probe {
    let (outer, content) = match head(bytes) {
        Head::More => {
            return if matches!(bytes.first(), None | Some(0x30)) { Probe::More } else { Probe::No };
        }
        Head::Element(Tag::SEQUENCE, outer, content) => (outer, content),
        _ => return Probe::No,
    };
    let id = bytes.get(outer..).unwrap_or_default();
    let (id_len, identifier) = match head(id) {
        Head::More => return if matches!(id.first(), None | Some(2)) { Probe::More } else { Probe::No },
        Head::Element(Tag::INTEGER, 2, len @ 1..=4) => (2 + len, id.get(2)),
        _ => return Probe::No,
    };
    if identifier.is_some_and(|first| *first >= 0x80) {
        return Probe::No;
    }
    let rest = id.get(id_len..).unwrap_or_default();
    match rest.first() {
        None => Probe::More,
        Some(tag) if operation(Tag(*tag)).is_none() => Probe::No,
        Some(_) => begins(rest, content.saturating_sub(id_len)),
    }
}

/// An operation that has `room` bytes within its envelope.
fn begins(bytes: &[u8], room: usize) -> Probe {
    let (tag, start, content) = match head(bytes) {
        Head::More => return Probe::More,
        Head::Bad => return Probe::No,
        Head::Element(tag, start, content) => (tag, start, content),
    };
    if start + content > room {
        return Probe::No;
    }
    let wanted: &[u8] = match tag {
        UNBIND_REQUEST | ABANDON_REQUEST | DELETE_REQUEST | INTERMEDIATE_RESPONSE | SEARCH_REFERENCE => &[],
        BIND_REQUEST => &[0x02, 1],
        EXTENDED_REQUEST => &[0x80],
        SEARCH_REQUEST => &[0x04],
        tag if is_request(tag) || operation(tag) == Some("search") && tag != super::message::SEARCH_DONE => {
            &[0x04]
        }
        _ => &[0x0a, 1],
    };
    let seen = bytes.get(start..).unwrap_or_default();
    match seen.iter().zip(wanted).all(|(seen, wanted)| seen == wanted) {
        false => Probe::No,
        true if seen.len() < wanted.len().min(content) => Probe::More,
        true if content < wanted.len() => Probe::No,
        true => Probe::Yes,
    }
}
