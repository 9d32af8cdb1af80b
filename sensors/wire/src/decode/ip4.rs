use super::rest::Rest;
use super::{Address, Drop, Found, Fragment, IpVersion, Packet, Upper, transport};
use crate::messages::Transport;

const MORE: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;
/// Format: no datagram is longer (RFC 791).
pub(super) const MAX_DATAGRAM: usize = 0xffff;

/// IPv4 (RFC 791).
#[inline]
pub(super) fn ip4<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let (head, _) = rest.chunk::<20>()?;
    let [version, _, len0, len1, id0, id1, frag0, frag1, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
        *head;
    let whole = datagram(rest, u16::from_be_bytes([len0, len1]))?;
    let header = usize::from(version & 0x0f) * 4;
    if version >> 4 != 4 || header < 20 || header > whole.wire() {
        return Err(Drop::Malformed);
    }
    packet.version = IpVersion::V4;
    packet.src = address([s0, s1, s2, s3]);
    packet.dst = address([d0, d1, d2, d3]);
    packet.ip_len = whole.wire() as u32;
    packet.ttl = ttl;
    let body = whole.skip(header)?;
    let place = u16::from_be_bytes([frag0, frag1]);
    if place & (MORE | OFFSET) == 0 {
        return transport::upper(packet, protocol, body);
    }
    let id = u32::from(u16::from_be_bytes([id0, id1]));
    let piece = Fragment { id, offset: u32::from(place & OFFSET) * 8, more: place & MORE != 0 };
    fragment(packet, protocol, piece, body)
}

fn address(bytes: [u8; 4]) -> Address {
    Address(u128::from(u32::from_be_bytes(bytes)))
}

/// The datagram without the frame's padding. A length of 0 is what segmentation offload leaves on big packets.
#[inline]
fn datagram(rest: Rest<'_>, total: u16) -> Result<Rest<'_>, Drop> {
    if total == 0 { Ok(rest) } else { rest.limit(usize::from(total)) }
}

/// One piece of a datagram, its transport unseen.
pub(super) fn fragment<'a>(
    packet: &mut Packet<'a>,
    protocol: u8,
    piece: Fragment,
    body: Rest<'a>,
) -> Result<Found, Drop> {
    if piece.offset as usize + body.wire() > MAX_DATAGRAM {
        return Err(Drop::Malformed);
    }
    packet.transport = Transport(protocol);
    packet.upper = Upper::Fragment(piece);
    packet.ports = [0; 2];
    packet.payload = body.data;
    packet.payload_missing = body.missing;
    Ok(Found::Ip)
}
