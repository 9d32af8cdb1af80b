//! QUIC versions as newtypes, and the constants that each of them fixes.

/// A version as on the wire (RFC 9000 15).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version(pub u32);

/// Type of a packet with a long header (RFC 9000 17.2, RFC 9369 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PacketType {
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
}

/// Labels of the keys (RFC 9001 5.1, RFC 9369 3.3.2): key, IV, header protection.
pub(super) type Labels = [&'static [u8]; 3];

const SALT_1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
    0xbb, 0x7f, 0x0a,
];
const SALT_2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9,
    0xbd, 0x2e, 0xd9,
];
const SALT_DRAFT_29: [u8; 20] = [
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43,
    0x90, 0xa8, 0x99,
];

impl Version {
    /// The number of a Version Negotiation packet.
    pub const NEGOTIATION: Self = Self(0);
    /// RFC 9000.
    pub const V1: Self = Self(1);
    /// RFC 9369.
    pub const V2: Self = Self(0x6b33_43cf);
    /// draft-ietf-quic-transport-29, the last draft that was in wide use.
    pub const DRAFT_29: Self = Self(0xff00_001d);

    /// `1`, `2` or `draft-29`.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::V1 => "1",
            Self::V2 => "2",
            Self::DRAFT_29 => "draft-29",
            _ => return None,
        })
    }

    /// True where Initial packets can be read.
    pub(super) const fn is_known(self) -> bool {
        self.name().is_some()
    }

    /// Versions that nobody speaks and that make a server tell its own (RFC 9000 15).
    pub(super) const fn is_reserved(self) -> bool {
        self.0 & 0x0f0f_0f0f == 0x0a0a_0a0a
    }

    /// Salt of the Initial secrets (RFC 9001 5.2, RFC 9369 3.3.1, draft-ietf-quic-tls-29 5.2).
    pub(super) const fn salt(self) -> &'static [u8; 20] {
        match self {
            Self::V2 => &SALT_2,
            Self::DRAFT_29 => &SALT_DRAFT_29,
            _ => &SALT_1,
        }
    }

    pub(super) const fn labels(self) -> Labels {
        match self {
            Self::V2 => [b"quicv2 key", b"quicv2 iv", b"quicv2 hp"],
            _ => [b"quic key", b"quic iv", b"quic hp"],
        }
    }

    /// Key and nonce of a Retry's integrity tag (RFC 9001 5.8, RFC 9369 3.3.3, draft-ietf-quic-tls-29 5.8).
    pub(super) const fn retry_key(self) -> ([u8; 16], [u8; 12]) {
        match self {
            Self::V2 => (
                0x8fb4_b01b_56ac_48e2_60fb_cbce_ad7c_cc92_u128.to_be_bytes(),
                [0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a],
            ),
            Self::DRAFT_29 => (
                0xccce_187e_d09a_09d0_5728_155a_6cb9_6be1_u128.to_be_bytes(),
                [0xe5, 0x49, 0x30, 0xf9, 0x7f, 0x21, 0x36, 0xf0, 0x53, 0x0a, 0x8c, 0x1c],
            ),
            _ => (
                0xbe0c_690b_9f66_575a_1d76_6b54_e368_c84e_u128.to_be_bytes(),
                [0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb],
            ),
        }
    }

    /// The packet type in a first byte.
    pub(super) const fn packet_type(self, first: u8) -> PacketType {
        let bits = first >> 4 & 3;
        let turned = if matches!(self, Self::V2) { bits.wrapping_sub(1) & 3 } else { bits };
        match turned {
            0 => PacketType::Initial,
            1 => PacketType::ZeroRtt,
            2 => PacketType::Handshake,
            _ => PacketType::Retry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_both_versions() {
        let all = [PacketType::Initial, PacketType::ZeroRtt, PacketType::Handshake, PacketType::Retry];
        for (bits, kind) in all.into_iter().enumerate() {
            let bits = u8::try_from(bits).unwrap();
            assert_eq!(Version::V1.packet_type(0xc0 | bits << 4), kind);
            assert_eq!(Version::V2.packet_type(0xc0 | ((bits + 1) & 3) << 4), kind);
        }
    }

    #[test]
    fn reserved_versions_have_the_pattern_of_rfc_9000() {
        assert!(
            Version(0x1a2a_3a4a).is_reserved() && !Version::V1.is_reserved() && !Version::V2.is_reserved()
        );
    }
}
