//! Control packets (openvpn/openvpn, `src/openvpn/ssl_pkt.h`; draft-openvpn-wire-protocol, "Control channel").

use super::limits::MAX_ACKS;
use crate::proto::tls::cursor::Cursor;

/// What a packet is: the upper five bits of its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opcode(pub(super) u8);

impl Opcode {
    pub(super) const SOFT_RESET: Self = Self(3);
    pub(super) const CONTROL: Self = Self(4);
    pub(super) const DATA_V1: Self = Self(6);
    pub(super) const CLIENT_RESET: Self = Self(7);
    pub(super) const SERVER_RESET: Self = Self(8);
    pub(super) const DATA_V2: Self = Self(9);
    pub(super) const CLIENT_RESET_V3: Self = Self(10);
    pub(super) const CONTROL_WKC: Self = Self(11);

    pub(super) const fn is_known(self) -> bool {
        matches!(self.0, 1..=11)
    }

    pub(super) const fn is_data(self) -> bool {
        matches!(self, Self::DATA_V1 | Self::DATA_V2)
    }

    /// A packet that begins an exchange of keys.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::CLIENT_RESET => "hard_reset_client_v2",
            Self::SERVER_RESET => "hard_reset_server_v2",
            Self::CLIENT_RESET_V3 => "hard_reset_client_v3",
            _ => "soft_reset_v1",
        }
    }
}

/// Opcode and key of a packet.
pub(super) fn first(packet: &[u8]) -> Option<(Opcode, u8)> {
    packet.first().map(|byte| (Opcode(byte >> 3), byte & 7))
}

/// What stands between a packet's session identifier and its acknowledgements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Guard {
    /// Nothing.
    #[default]
    None,
    /// A digest of so many bytes, a packet identifier and a time: `--tls-auth`.
    Auth(usize),
    /// A packet identifier, a time and a tag; what follows is encrypted: `--tls-crypt`.
    Crypt,
    /// The same; the client sends its wrapped key, too: `--tls-crypt-v2`.
    CryptV2,
}

impl Guard {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Auth(_) => "tls-auth",
            Self::Crypt => "tls-crypt",
            Self::CryptV2 => "tls-crypt-v2",
        }
    }

    pub(super) const fn is_readable(self) -> bool {
        matches!(self, Self::None | Self::Auth(_))
    }
}

/// First byte and session identifier.
pub(super) const HEAD: usize = 9;

/// Session identifier of a packet's sender.
pub(super) fn session_id(packet: &[u8]) -> Option<[u8; 8]> {
    packet.get(1..)?.first_chunk().copied()
}

/// The number that guards a packet against replay.
pub(super) fn packet_id(packet: &[u8], guard: Guard) -> Option<u32> {
    let at = match guard {
        Guard::None => return None,
        Guard::Auth(digest) => HEAD + digest,
        Guard::Crypt | Guard::CryptV2 => HEAD,
    };
    packet.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// What a control packet that is not encrypted says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Control<'a> {
    /// Session that is acknowledged, where anything is.
    pub(super) remote: Option<[u8; 8]>,
    /// The packet's place in its direction, from 0.
    pub(super) number: u32,
    /// Bytes of TLS.
    pub(super) payload: &'a [u8],
}

impl<'a> Control<'a> {
    /// Of a packet that is no acknowledgement alone; `None` where it ends too early.
    pub(super) fn read(packet: &'a [u8], guard: Guard) -> Option<Self> {
        let mut rest = Cursor(packet);
        rest.take(HEAD)?;
        if let Guard::Auth(digest) = guard {
            rest.take(digest + 8)?;
        }
        let acks = rest.u8().filter(|acks| *acks <= MAX_ACKS)?;
        rest.take(usize::from(acks) * 4)?;
        let remote = if acks > 0 { rest.take(8)?.first_chunk().copied() } else { None };
        let number = u32::from_be_bytes(*rest.take(4)?.first_chunk()?);
        Some(Self { remote, number, payload: rest.0 })
    }
}
