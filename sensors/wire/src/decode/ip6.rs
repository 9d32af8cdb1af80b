use super::limits::MAX_EXTENSIONS;
use super::rest::Rest;
use super::{Address, Drop, Found, Fragment, IpVersion, Packet, ip4, transport};

const HOP_BY_HOP: u8 = 0;
pub(super) const ROUTING: u8 = 43;
pub(super) const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// IPv6 (RFC 8200).
#[inline]
pub(super) fn ip6<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let (head, body) = rest.chunk::<8>()?;
    let (src, body) = body.chunk::<16>()?;
    let (dst, body) = body.chunk::<16>()?;
    let [version, _, _, _, len0, len1, next, hops] = *head;
    if version >> 4 != 6 {
        return Err(Drop::Malformed);
    }
    let body = payload(body, u16::from_be_bytes([len0, len1]))?;
    packet.version = IpVersion::V6;
    packet.src = Address(u128::from_be_bytes(*src));
    packet.dst = Address(u128::from_be_bytes(*dst));
    packet.ip_len = u32::try_from(body.wire().saturating_add(40)).unwrap_or(u32::MAX);
    packet.ttl = hops;
    transport::upper(packet, next, body)
}

/// A length of 0 is a jumbogram's (RFC 2675) or segmentation offload's: the frame's own counts.
fn payload(body: Rest<'_>, length: u16) -> Result<Rest<'_>, Drop> {
    if length == 0 { Ok(body) } else { body.limit(usize::from(length)) }
}

/// True where `next` is a header of IP itself, before the transport.
pub(super) const fn is_extension(version: IpVersion, next: u8) -> bool {
    match next {
        AUTHENTICATION => true,
        HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION | MOBILITY | HOST_IDENTITY | SHIM6 => {
            matches!(version, IpVersion::V6)
        }
        _ => false,
    }
}

/// Walks the chain of extension headers to the transport or to a fragment.
pub(super) fn extensions<'a>(packet: &mut Packet<'a>, first: u8, rest: Rest<'a>) -> Result<Found, Drop> {
    let (mut next, mut rest) = (first, rest);
    for _ in 0..MAX_EXTENSIONS.get() {
        if !is_extension(packet.version, next) {
            return transport::plain(packet, next, rest);
        }
        if next == FRAGMENT {
            let (after, piece, body) = fragment(rest)?;
            if piece.offset != 0 || piece.more {
                return ip4::fragment(packet, after, piece, body);
            }
            // An atomic fragment (RFC 6946) is a whole packet.
            (next, rest) = (after, body);
            continue;
        }
        (next, rest) = skip(next, rest)?;
    }
    if is_extension(packet.version, next) {
        return Err(super::too_deep(&MAX_EXTENSIONS));
    }
    transport::plain(packet, next, rest)
}

pub(super) fn skip(kind: u8, rest: Rest<'_>) -> Result<(u8, Rest<'_>), Drop> {
    let ([next, length], _) = rest.chunk::<2>()?;
    // The authentication header counts in words of four bytes, less two (RFC 4302 2.2).
    let bytes = match kind {
        AUTHENTICATION => (usize::from(*length) + 2) * 4,
        _ => (usize::from(*length) + 1) * 8,
    };
    Ok((*next, rest.skip(bytes)?))
}

fn fragment(rest: Rest<'_>) -> Result<(u8, Fragment, Rest<'_>), Drop> {
    let ([next, _, place0, place1, id @ ..], body) = rest.chunk::<8>()?;
    let place = u16::from_be_bytes([*place0, *place1]);
    let piece =
        Fragment { id: u32::from_be_bytes(*id), offset: u32::from(place & 0xfff8), more: place & 1 != 0 };
    Ok((*next, piece, body))
}
