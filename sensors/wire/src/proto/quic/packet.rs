//! Packets of a datagram (RFC 9000 17, RFC 8999), borrowed from it. Nothing is decrypted here.

use super::version::{PacketType, Version};

/// Format: longest connection id of the versions that are read (RFC 9000 17.2).
pub(super) const MAX_ID: usize = 20;

/// What is left of a datagram, a packet or a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*head))
    }

    /// A variable-length integer (RFC 9000 16).
    pub(super) fn varint(&mut self) -> Option<u64> {
        let first = *self.0.first()?;
        let bytes = self.take(1 << (first >> 6))?;
        Some(bytes.iter().skip(1).fold(u64::from(first & 0x3f), |value, &byte| value << 8 | u64::from(byte)))
    }

    /// Bytes behind a variable-length length.
    pub(super) fn vector(&mut self) -> Option<&'a [u8]> {
        let len = self.varint()?;
        self.take(usize::try_from(len).ok()?)
    }

    /// Bytes behind a one-byte length.
    fn short_vector(&mut self, most: usize) -> Option<&'a [u8]> {
        let len = usize::from(self.u8()?);
        if len > most { None } else { self.take(len) }
    }
}

/// A packet that carries the beginning of the handshake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Initial<'a> {
    pub(super) destination: &'a [u8],
    pub(super) source: &'a [u8],
    /// From the first byte to the packet's end, or to where the capture ends.
    pub(super) bytes: &'a [u8],
    /// Where the protected packet number begins.
    pub(super) number_at: usize,
    /// The capture cut its end off.
    pub(super) is_cut: bool,
}

/// A server's wish to see the client's address proven (RFC 9000 17.2.5).
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry<'a> {
    pub(super) source: &'a [u8],
    /// The packet without its integrity tag.
    pub(super) bytes: &'a [u8],
    pub(super) tag: &'a [u8; 16],
}

/// One packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packet<'a> {
    Initial(Version, Initial<'a>),
    Retry(Version, Retry<'a>),
    ZeroRtt,
    /// A handshake packet, and the sender's connection id.
    Handshake(&'a [u8]),
    /// The versions that a server speaks, four bytes each.
    Negotiation(&'a [u8]),
    /// A long header of a version whose packets are not read.
    Foreign(Version),
    /// A packet with a short header.
    OneRtt,
}

/// Takes the next packet off a datagram; `None` at its end and where nothing more can be read. `is_cut`: the capture
/// cut the datagram.
pub(super) fn next<'a>(datagram: &mut &'a [u8], is_cut: bool) -> Option<Packet<'a>> {
    let all = *datagram;
    let mut rest = Bytes(all);
    let first = rest.u8()?;
    *datagram = &[];
    if first & 0x80 == 0 {
        return (first & 0x40 != 0).then_some(Packet::OneRtt);
    }
    let version = Version(rest.u32()?);
    if version == Version::NEGOTIATION {
        return negotiation(rest);
    }
    if !version.is_known() {
        return Some(Packet::Foreign(version));
    }
    let destination = rest.short_vector(MAX_ID)?;
    let source = rest.short_vector(MAX_ID)?;
    let kind = version.packet_type(first);
    if kind == PacketType::Retry {
        return retry(version, source, all);
    }
    if kind == PacketType::Initial {
        // The token.
        rest.vector()?;
    }
    let len = usize::try_from(rest.varint()?).ok()?;
    let number_at = all.len() - rest.0.len();
    let is_short = len > rest.0.len();
    if is_short && !is_cut {
        return None;
    }
    let (bytes, after) = all.split_at_checked(number_at.saturating_add(len)).unwrap_or((all, &[]));
    *datagram = after;
    Some(match kind {
        PacketType::Initial => {
            Packet::Initial(version, Initial { destination, source, bytes, number_at, is_cut: is_short })
        }
        PacketType::ZeroRtt => Packet::ZeroRtt,
        _ => Packet::Handshake(source),
    })
}

/// A Retry takes the rest of its datagram.
fn retry<'a>(version: Version, source: &'a [u8], all: &'a [u8]) -> Option<Packet<'a>> {
    let (bytes, tag) = all.split_last_chunk()?;
    Some(Packet::Retry(version, Retry { source, bytes, tag }))
}

fn negotiation(mut rest: Bytes<'_>) -> Option<Packet<'_>> {
    rest.short_vector(255)?;
    rest.short_vector(255)?;
    Some(Packet::Negotiation(rest.0))
}

/// The numbers of a list of versions (RFC 9000 17.2.1).
pub(super) fn versions(list: &[u8]) -> impl Iterator<Item = Version> {
    let (all, _) = list.as_chunks();
    all.iter().map(|number| Version(u32::from_be_bytes(*number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9000 A.1.
    #[test]
    fn sample_variable_length_integers() {
        let samples: [(&[u8], u64); 5] = [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ];
        for (bytes, value) in samples {
            assert_eq!(Bytes(bytes).varint(), Some(value));
            assert_eq!(Bytes(&bytes[..bytes.len() - 1]).varint(), None);
        }
    }

    #[test]
    fn a_length_beyond_the_datagram_ends_the_reading_unless_it_was_cut() {
        let bytes = [0xc0, 0, 0, 0, 1, 1, 0xaa, 1, 0xbb, 0, 0x40, 0x64, 1, 2, 3];
        assert!(next(&mut &bytes[..], false).is_none());
        let Some(Packet::Initial(version, initial)) = next(&mut &bytes[..], true) else { panic!() };
        assert_eq!((version, initial.destination, initial.source), (Version::V1, &[0xaa][..], &[0xbb][..]));
        assert!(initial.is_cut && initial.number_at == 12);
    }
}
