//! Fragments (C706 12.6; [MS-RPCE] 2.2.2).

use super::limits::MAX_BIND;
use crate::proto::Probe;

/// Bytes of the common header.
pub(super) const HEADER: usize = 16;
/// Bytes kept of a call's or an answer's fragment: its header with an object's UUID.
const CALL_HEAD: usize = 40;
/// Bytes of the trailer before the security token (2.2.2.11).
const TRAILER: usize = 8;

/// Type of a fragment (C706 12.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Type(pub(super) u8);

impl Type {
    pub(super) const REQUEST: Self = Self(0);
    pub(super) const RESPONSE: Self = Self(2);
    pub(super) const FAULT: Self = Self(3);
    pub(super) const BIND: Self = Self(11);
    pub(super) const BIND_ACK: Self = Self(12);
    pub(super) const BIND_NAK: Self = Self(13);
    pub(super) const ALTER: Self = Self(14);
    pub(super) const ALTER_ACK: Self = Self(15);
    pub(super) const AUTH3: Self = Self(16);

    const fn is_known(self) -> bool {
        matches!(self.0, 0 | 2 | 3 | 11..=19)
    }
}

/// The common header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) kind: Type,
    pub(super) flags: u8,
    pub(super) is_big_endian: bool,
    /// Bytes of the fragment, header included.
    pub(super) len: usize,
    /// Bytes of the security token at its end.
    pub(super) auth_len: usize,
    pub(super) call: u32,
}

impl Header {
    pub(super) const FIRST: u8 = 0x01;
    pub(super) const LAST: u8 = 0x02;
    pub(super) const MAYBE: u8 = 0x40;
    pub(super) const OBJECT: u8 = 0x80;

    /// Reads the header; none where it cannot be one.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let head: &[u8; HEADER] = bytes.first_chunk()?;
        if !fits(head) {
            return None;
        }
        let is_big_endian = head[4] & 0xf0 == 0;
        let order = Order(is_big_endian);
        let (len, auth_len) = (order.u16(head, 8)?.into(), order.u16(head, 10)?.into());
        let least = HEADER + if auth_len > 0 { TRAILER } else { 0 };
        let call = order.u32(head, 12)?;
        let kind = Type(head[2]);
        (len >= least && auth_len <= len - least).then_some(Self {
            kind,
            flags: head[3],
            is_big_endian,
            len,
            auth_len,
            call,
        })
    }

    pub(super) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) const fn order(&self) -> Order {
        Order(self.is_big_endian)
    }

    /// Bytes that must be there before the fragment can be read.
    pub(super) fn wanted(&self) -> usize {
        match self.kind {
            Type::REQUEST | Type::RESPONSE | Type::FAULT => self.len.min(CALL_HEAD),
            _ => self.len,
        }
    }
}

/// Version, type and data representation, as far as they are there: little- or big-endian integers, ASCII,
/// a known form of floats.
fn fits(head: &[u8]) -> bool {
    let tests: [fn(u8) -> bool; 8] = [
        |version| version == 5,
        |minor| minor <= 1,
        |kind| Type(kind).is_known(),
        |_| true,
        |integers| matches!(integers, 0x00 | 0x10),
        |floats| floats <= 3,
        |zero| zero == 0,
        |zero| zero == 0,
    ];
    head.iter().zip(tests).all(|(byte, test)| test(*byte))
}

/// Is it DCE/RPC?
pub(super) fn probe(data: &[u8]) -> Probe {
    if !fits(data) {
        return Probe::No;
    }
    if data.len() < HEADER {
        return Probe::More;
    }
    if Header::read(data).is_some() { Probe::Yes } else { Probe::No }
}

/// Order of an integer's bytes; true for big-endian.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order(bool);

impl Order {
    pub(super) fn u16(self, data: &[u8], at: usize) -> Option<u16> {
        let bytes = *data.get(at..)?.first_chunk()?;
        Some(if self.0 { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub(super) fn u32(self, data: &[u8], at: usize) -> Option<u32> {
        let bytes = *data.get(at..)?.first_chunk()?;
        Some(if self.0 { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// A UUID as the number that its text form spells.
    pub(super) fn uuid(self, data: &[u8], at: usize) -> Option<u128> {
        let rest: [u8; 8] = *data.get(at.checked_add(8)?..)?.first_chunk()?;
        let (first, second, third) = (self.u32(data, at)?, self.u16(data, at + 4)?, self.u16(data, at + 6)?);
        Some(
            u128::from(first) << 96
                | u128::from(second) << 80
                | u128::from(third) << 64
                | u128::from(u64::from_be_bytes(rest)),
        )
    }
}

/// An interface that a bind offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) context: u16,
    pub(super) interface: u128,
    /// Major and minor version.
    pub(super) version: (u16, u16),
}

/// The interfaces of a bind or of a change of context (C706 12.6.4.3).
pub(super) fn offered(header: &Header, bytes: &[u8]) -> Option<Vec<Offered>> {
    let order = header.order();
    let count = usize::from(*bytes.get(24)?);
    let mut all = Vec::new();
    let mut at = 28;
    for _ in 0..MAX_BIND.at_most(count) {
        let syntaxes = usize::from(*bytes.get(at + 2)?);
        let version = order.u32(bytes, at + 20)?;
        all.push(Offered {
            context: order.u16(bytes, at)?,
            interface: order.uuid(bytes, at + 4)?,
            version: ((version & 0xffff) as u16, (version >> 16) as u16),
        });
        at += 24 + 20 * syntaxes;
    }
    Some(all)
}

/// The server's answers to these with their reasons, in their order (C706 12.6.4.4): 0 is acceptance.
pub(super) fn results(header: &Header, bytes: &[u8]) -> Option<Vec<(u16, u16)>> {
    let order = header.order();
    let address = usize::from(order.u16(bytes, 24)?);
    let at = (26 + address).next_multiple_of(4);
    let count = usize::from(*bytes.get(at)?);
    let result = |at| Some((order.u16(bytes, at)?, order.u16(bytes, at + 2)?));
    (0..MAX_BIND.at_most(count)).map(|row| result(at + 4 + 24 * row)).collect()
}

/// Kind and level of security, and the token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Auth<'a> {
    pub(super) kind: u8,
    pub(super) level: u8,
    pub(super) token: &'a [u8],
}

/// The trailer of a fragment that is there whole.
pub(super) fn auth<'a>(header: &Header, bytes: &'a [u8]) -> Option<Auth<'a>> {
    if header.auth_len == 0 {
        return None;
    }
    let token_at = header.len.checked_sub(header.auth_len)?;
    let trailer: &[u8; TRAILER] = bytes.get(token_at.checked_sub(TRAILER)?..)?.first_chunk()?;
    Some(Auth { kind: trailer[0], level: trailer[1], token: bytes.get(token_at..header.len)? })
}
