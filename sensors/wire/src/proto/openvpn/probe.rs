//! Is it OpenVPN? A reset begins each connection; its length, zeros and counters tell how the rest is to be read.

use super::packet::{Control, Guard, HEAD, Opcode, first, packet_id, session_id};
use crate::proto::Probe;
use crate::proto::framing::{Cut, Extent};

/// Lengths of the digests that tls-auth can have: MD5 to SHA-512.
const DIGESTS: [usize; 6] = [20, 32, 64, 48, 28, 16];
/// Acknowledgements and the packet's own number in a client's first packet.
const CLIENT_TAIL: usize = 5;
/// The same in a server's, which acknowledges one packet of a session.
const SERVER_TAIL: usize = 17;
/// Packet identifier, time and tag of tls-crypt.
const CRYPT: usize = 4 + 4 + 32;
/// A server of 2.6 says here what it can do early: type, length and flags.
const EARLY: usize = 6;
/// Probe: longest wrapped key of a client (`TLS_CRYPT_V2_MAX_WKC_LEN`).
const MAX_WRAPPED: usize = 1024;

/// How a reset's packet is built, `None` where it is no reset of OpenVPN.
pub(super) fn guard(packet: &[u8]) -> Option<Guard> {
    match first(packet)? {
        (Opcode::CLIENT_RESET, 0) => readable(packet, CLIENT_TAIL).or_else(|| crypt(packet, CLIENT_TAIL)),
        (Opcode::SERVER_RESET, 0) => readable(packet, SERVER_TAIL)
            .or_else(|| crypt(packet, SERVER_TAIL))
            .or_else(|| crypt(packet, SERVER_TAIL + EARLY)),
        (Opcode::CLIENT_RESET_V3, 0) => crypt_v2(packet),
        _ => None,
    }
    .filter(|_| session_id(packet).is_some_and(|id| id != [0; 8]))
}

/// How the packets are built that renew a key. Two peers of 2.6 guard them by tls-crypt, with a key that they agreed upon
/// before, where nothing else does (bit 9 of `IV_PROTO`).
pub(super) fn renewed(packet: &[u8], guard: Guard) -> Guard {
    let fits = |control: Control<'_>| control.number == 0 && control.payload.is_empty();
    match guard {
        Guard::None | Guard::Auth(_) if !Control::read(packet, guard).is_some_and(fits) => Guard::Crypt,
        _ => guard,
    }
}

/// Nothing before the acknowledgements, or a digest, a packet identifier and a time.
fn readable(packet: &[u8], tail: usize) -> Option<Guard> {
    let guard = match packet.len().checked_sub(HEAD + tail)? {
        0 => Guard::None,
        more => Guard::Auth(more.checked_sub(8).filter(|digest| DIGESTS.contains(digest))?),
    };
    let control = Control::read(packet, guard)?;
    let fits = control.number == 0
        && control.payload.is_empty()
        && control.remote.is_some() == (tail == SERVER_TAIL);
    let guarded = match guard {
        Guard::Auth(digest) => is_guarded(packet, guard, HEAD + digest),
        _ => true,
    };
    (fits && guarded).then_some(guard)
}

fn crypt(packet: &[u8], tail: usize) -> Option<Guard> {
    let fits = packet.len() == HEAD + CRYPT + tail && is_guarded(packet, Guard::Crypt, HEAD);
    fits.then_some(Guard::Crypt)
}

/// A wrapped key ends with its length.
fn crypt_v2(packet: &[u8]) -> Option<Guard> {
    let wrapped = packet.len().checked_sub(HEAD + CRYPT + CLIENT_TAIL)?;
    let told = usize::from(u16::from_be_bytes(*packet.last_chunk()?));
    let fits = wrapped <= MAX_WRAPPED && told == wrapped && is_guarded(packet, Guard::CryptV2, HEAD);
    fits.then_some(Guard::CryptV2)
}

/// A small packet identifier, that of 2.6 with its mark, and a time after 2009 behind it.
fn is_guarded(packet: &[u8], guard: Guard, at: usize) -> bool {
    let small = packet_id(packet, guard).is_some_and(|id| (1..=0xff).contains(&(id & !0x0f00_0000)));
    small && matches!(packet.get(at + 4), Some(0x4b..=0xbf))
}

/// Looks at one datagram.
pub(super) fn datagram(packet: &[u8]) -> Probe {
    if guard(packet).is_some() { Probe::Yes } else { Probe::No }
}

/// Looks at the begin of a stream's direction: a length stands before each packet.
pub(super) fn stream(bytes: &[u8]) -> Probe {
    if bytes.get(2).is_some_and(|byte| !is_reset(*byte)) {
        return Probe::No;
    }
    match Packets::extent(bytes) {
        Extent::Message(len) if len <= 2 + HEAD + CRYPT + CLIENT_TAIL + MAX_WRAPPED => {
            bytes.get(2..len).map_or(Probe::More, datagram)
        }
        Extent::More => Probe::More,
        _ => Probe::No,
    }
}

/// First byte of a reset with key 0.
const fn is_reset(byte: u8) -> bool {
    matches!(byte, RESET | SERVER_RESET | RESET_V3)
}

pub(super) const RESET: u8 = Opcode::CLIENT_RESET.0 << 3;
pub(super) const SERVER_RESET: u8 = Opcode::SERVER_RESET.0 << 3;
pub(super) const RESET_V3: u8 = Opcode::CLIENT_RESET_V3.0 << 3;

/// How a stream is cut: two bytes of length before each packet.
#[derive(Debug, Default)]
pub(super) struct Packets;

impl Cut for Packets {
    fn extent(bytes: &[u8]) -> Extent {
        match *bytes {
            [0, 0, ..] => Extent::Nothing,
            [_, _, byte, ..] if !Opcode(byte >> 3).is_known() => Extent::Nothing,
            [high, low, _, ..] => Extent::Message(2 + usize::from(u16::from_be_bytes([high, low]))),
            _ => Extent::More,
        }
    }
}
