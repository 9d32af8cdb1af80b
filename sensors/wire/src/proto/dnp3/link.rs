//! Frames of the data link layer (IEEE 1815-2012, 9) and transport segments (8).

use super::crc::checked;
use crate::proto::framing::{Cut, Extent};

/// Two bytes that begin a frame.
pub(super) const START: [u8; 2] = [0x05, 0x64];
/// Bytes of a header with its CRC.
pub(super) const HEADER: usize = 10;
/// User data between two CRCs.
const BLOCK: usize = 16;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) control: u8,
    pub(super) destination: u16,
    pub(super) source: u16,
}

impl Frame {
    /// From the master's side (DIR).
    pub(super) const fn is_from_master(self) -> bool {
        self.control & 0x80 != 0
    }

    /// Confirmed or unconfirmed user data, sent by a primary station.
    pub(super) const fn has_user_data(self) -> bool {
        self.control & 0x40 != 0 && matches!(self.control & 0x0f, 3 | 4)
    }
}

/// Bytes of a whole frame whose length byte says `length`.
const fn whole(length: u8) -> usize {
    let data = length as usize - 5;
    HEADER + data + 2 * data.div_ceil(BLOCK)
}

/// How a stream is cut into frames.
#[derive(Debug, Default)]
pub(super) struct Frames;

impl Cut for Frames {
    /// What lies before a header with a right CRC is stray: between frames anything may stand.
    fn extent(bytes: &[u8]) -> Extent {
        match *bytes {
            [a, ..] if a != START[0] => Extent::Stray(memchr::memchr(START[0], bytes).unwrap_or(bytes.len())),
            [_, b, ..] if b != START[1] => Extent::Stray(1),
            [_, _, length, ..] if length < 5 => Extent::Stray(2),
            _ => match bytes.get(..HEADER) {
                None => Extent::More,
                Some(header) if checked(header).is_none() => Extent::Stray(2),
                Some(_) => Extent::Message(bytes.get(2).map_or(HEADER, |length| whole(*length))),
            },
        }
    }
}

/// Header of a whole frame, and its user data without CRCs, added to `data`. `None` where a CRC is wrong.
pub(super) fn read(bytes: &[u8], data: &mut Vec<u8>) -> Option<Frame> {
    let (header, body) = bytes.split_at_checked(HEADER)?;
    let &[_, _, _, control, d0, d1, s0, s1] = checked(header)?.first_chunk()?;
    for block in body.chunks(BLOCK + 2) {
        data.extend_from_slice(checked(block)?);
    }
    Some(Frame { control, destination: u16::from_le_bytes([d0, d1]), source: u16::from_le_bytes([s0, s1]) })
}

/// Header of a transport segment (8.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment(pub(super) u8);

impl Segment {
    pub(super) const fn is_final(self) -> bool {
        self.0 & 0x80 != 0
    }

    pub(super) const fn is_first(self) -> bool {
        self.0 & 0x40 != 0
    }

    pub(super) const fn sequence(self) -> u8 {
        self.0 & 0x3f
    }
}
