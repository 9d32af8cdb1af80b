//! Checksums, on request (RFC 1071, RFC 793 3.1, RFC 768, RFC 4443 2.3). Nothing is dropped for them: offload leaves many
//! wrong where the capture runs on the sending host.

use super::rest::Rest;
use super::{Address, IpVersion, Packet, Upper, ip6};
use crate::messages::Transport;

/// What a packet's checksums say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// All that there are, are right.
    Right,
    /// One is wrong.
    Wrong,
    /// The transport's holds the pseudo-header's sum alone: the sending host left the rest to its network card.
    Offloaded,
    /// They cannot be told: the packet was cut, is a fragment, or has none.
    Untold,
}

/// Sum of 16-bit words in one's complement.
fn sum(start: u64, bytes: &[u8]) -> u64 {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let last = odd.first().map_or(0, |byte| u64::from(*byte) << 8);
    pairs.iter().fold(start + last, |sum, pair| sum + u64::from(u16::from_be_bytes(*pair)))
}

const fn fold(mut sum: u64) -> u16 {
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// Checks the innermost IP packet of a frame. `data` are the frame's bytes, of which `packet` was decoded.
#[must_use]
pub fn checksum(data: &[u8], packet: &Packet<'_>) -> Checksum {
    datagram(data, packet).and_then(|ip| judge(ip, packet)).unwrap_or(Checksum::Untold)
}

/// The bytes of the IP packet: it ends where its payload ends.
fn datagram<'a>(data: &'a [u8], packet: &Packet<'_>) -> Option<&'a [u8]> {
    if packet.payload_missing > 0 {
        return None;
    }
    let payload = (packet.payload.as_ptr() as usize).checked_sub(data.as_ptr() as usize)?;
    let end = payload.checked_add(packet.payload.len())?;
    data.get(end.checked_sub(packet.ip_len as usize)?..end)
}

fn judge(ip: &[u8], packet: &Packet<'_>) -> Option<Checksum> {
    match packet.version {
        IpVersion::V4 => four(ip, packet),
        IpVersion::V6 => six(ip, packet),
    }
}

fn four(ip: &[u8], packet: &Packet<'_>) -> Option<Checksum> {
    let &[version, _, l0, l1, ..] = ip.first_chunk::<20>()?;
    let source = ip.get(12..16)?.first_chunk::<4>()?;
    let same = Address(u128::from(u32::from_be_bytes(*source))) == packet.src;
    // Where UDP ends before IP does, or offload told no length, the begin was not found.
    if version >> 4 != 4 || !same || u32::from(u16::from_be_bytes([l0, l1])) != packet.ip_len {
        return None;
    }
    let (header, body) = ip.split_at_checked(usize::from(version & 0x0f) * 4)?;
    if fold(sum(0, header)) != 0xffff {
        return Some(Checksum::Wrong);
    }
    let pseudo = sum(u64::from(packet.transport.0) + body.len() as u64, ip.get(12..20)?);
    Some(transport(packet, body, pseudo).unwrap_or(Checksum::Right))
}

fn six(ip: &[u8], packet: &Packet<'_>) -> Option<Checksum> {
    let (header, mut body) = ip.split_first_chunk::<40>()?;
    let source = header.get(8..24)?.first_chunk::<16>()?;
    if header[0] >> 4 != 6 || Address(u128::from_be_bytes(*source)) != packet.src {
        return None;
    }
    let mut next = header[6];
    while ip6::is_extension(IpVersion::V6, next) {
        // A routing header changes the destination that was summed.
        if next == ip6::ROUTING || next == ip6::FRAGMENT {
            return None;
        }
        let rest;
        (next, rest) = ip6::skip(next, Rest::new(body, 0)).ok()?;
        body = rest.data;
    }
    let pseudo = sum(u64::from(next) + body.len() as u64, header.get(8..40)?);
    transport(packet, body, pseudo)
}

/// `None` where the transport has none.
fn transport(packet: &Packet<'_>, body: &[u8], pseudo: u64) -> Option<Checksum> {
    let (at, pseudo) = match (packet.transport, packet.upper) {
        (_, Upper::Fragment(_)) => return None,
        (Transport::TCP, _) => (16, pseudo),
        (Transport::UDP, _) => (6, pseudo),
        (Transport::ICMP6, _) => (2, pseudo),
        (Transport::ICMP, _) => (2, 0),
        _ => return None,
    };
    let stored = u16::from_be_bytes(*body.get(at..)?.first_chunk()?);
    if packet.transport == Transport::UDP && stored == 0 {
        return None;
    }
    Some(match fold(sum(pseudo, body)) {
        0xffff => Checksum::Right,
        _ if pseudo != 0 && stored == fold(pseudo) => Checksum::Offloaded,
        _ => Checksum::Wrong,
    })
}
