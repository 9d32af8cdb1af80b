//! Is it QUIC? Judged by the long header, never by the port.

use super::packet::{self, Packet};
use super::version::Version;

/// A client pads the datagram of its first packet to so many bytes (RFC 9000 14.1).
pub(super) const MIN_FIRST: usize = 1200;

/// Fixed bit and long header (RFC 8999 5.1, RFC 9000 17.2).
const LONG: u8 = 0xc0;

/// An Initial of a known version; a client's that asks for a version of nobody; a server's list of versions.
pub(super) fn is_quic(payload: &[u8]) -> bool {
    let Some((&[first, a, b, c, d], _)) = payload.split_first_chunk() else { return false };
    let version = Version(u32::from_be_bytes([a, b, c, d]));
    let is_long = first & LONG == LONG;
    match version {
        Version::NEGOTIATION => first & 0x80 != 0 && is_negotiation(payload),
        _ if version.is_known() => is_long && is_initial(payload),
        _ => is_long && version.is_reserved() && payload.len() >= MIN_FIRST,
    }
}

/// Of a datagram that the capture cut, the length is not to be held against it.
fn is_initial(mut payload: &[u8]) -> bool {
    let packet = packet::next(&mut payload, true);
    matches!(packet, Some(Packet::Initial(_, initial)) if !initial.destination.is_empty() || !initial.source.is_empty())
}

fn is_negotiation(mut payload: &[u8]) -> bool {
    match packet::next(&mut payload, false) {
        Some(Packet::Negotiation(list)) => {
            list.len() % 4 == 0 && packet::versions(list).any(|version| version.is_known())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_headers_of_known_versions() {
        let mut initial = vec![0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0x9e];
        initial.resize(1200, 0x55);
        assert!(is_quic(&initial));
        initial[4] = 3;
        assert!(!is_quic(&initial));
        initial[1..5].copy_from_slice(&[0x1a, 0x2a, 0x3a, 0x4a]);
        assert!(is_quic(&initial) && !is_quic(&initial[..1199]));
        assert!(is_quic(&[0x80, 0, 0, 0, 0, 0, 1, 7, 0, 0, 0, 1]));
        assert!(!is_quic(&[0x80, 0, 0, 0, 0, 0, 1, 7, 0, 0, 0, 9]));
    }

    #[test]
    fn others_are_not() {
        let others: [&[u8]; 5] = [
            b"",
            &[0x12, 0x34, 1, 0, 0, 1, 0, 0],
            &[0xc0, 0, 0, 0, 1, 30, 1, 2],
            // Handshake, and short headers.
            &[0xe0, 0, 0, 0, 1, 1, 7, 1, 8, 5, 1, 2, 3, 4, 5],
            &[0x40, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 1, 0],
        ];
        for bytes in others {
            assert!(!is_quic(bytes), "{bytes:02x?}");
        }
    }
}
