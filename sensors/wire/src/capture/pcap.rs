//! The classic format (draft-ietf-opsawg-pcap).

use super::buffer::Buffer;
use super::error::CaptureError;
use super::{MAX_FRAME, Record};
use crate::messages::LinkType;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// What the magic number tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    big_endian: bool,
    /// Nanoseconds in a unit of the time's fraction.
    unit: u64,
    /// Bytes that a record's header has beyond the common 16.
    extra: usize,
}

impl Variant {
    pub(super) fn by_magic(magic: [u8; 4]) -> Option<Self> {
        let number = u32::from_be_bytes(magic);
        let variant = |number| match number {
            0xa1b2_c3d4_u32 => Some((1000, 0)),
            0xa1b2_3c4d => Some((1, 0)),
            // A patched libpcap of Linux 2.2 days: interface, protocol and packet type in each record.
            0xa1b2_cd34 => Some((1000, 8)),
            _ => None,
        };
        let big_endian = variant(number).is_some();
        let (unit, extra) = variant(number).or_else(|| variant(number.swap_bytes()))?;
        Some(Self { big_endian, unit, extra })
    }

    #[inline]
    fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

pub(super) struct Pcap {
    pub(super) link: LinkType,
    pub(super) snaplen: u32,
    variant: Variant,
    /// Versions before 2.4 may have the two lengths swapped.
    old: bool,
}

impl Pcap {
    pub(super) fn open(variant: Variant, buffer: &mut Buffer) -> Result<Self, CaptureError> {
        buffer.demand(FILE_HEADER)?;
        let Some([_, _, _, _, v0, v1, v2, v3, _, _, _, _, _, _, _, _, s @ .., l0, l1, l2, l3]) =
            buffer.first::<FILE_HEADER>()?
        else {
            return Err(CaptureError::NotACapture);
        };
        // Major and minor are two halves: swapped together they change places.
        let version = variant.u32([v0, v1, v2, v3]);
        let (major, minor) = match variant.big_endian {
            true => (version >> 16, version & 0xffff),
            false => (version & 0xffff, version >> 16),
        };
        if major != 2 {
            return Err(CaptureError::Unsupported { why: format!("pcap version {major}.{minor}") });
        }
        buffer.take(FILE_HEADER, 0..0);
        // The upper half tells of frame check sequences.
        let link = LinkType((variant.u32([l0, l1, l2, l3]) & 0xffff) as u16);
        Ok(Self { link, snaplen: variant.u32(s), variant, old: minor < 4 })
    }

    #[inline]
    pub(super) fn next(&mut self, buffer: &mut Buffer) -> Result<Option<Record>, CaptureError> {
        match self.at_hand(buffer) {
            Some(record) => Ok(Some(record)),
            None => self.fetch(buffer),
        }
    }

    /// A record that lies in the buffer as a whole, and is as nearly all are.
    #[inline]
    fn at_hand(&self, buffer: &mut Buffer) -> Option<Record> {
        let held = buffer.held();
        let [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3] =
            *held.first_chunk::<RECORD_HEADER>()?;
        let captured = self.variant.u32([c0, c1, c2, c3]);
        let (from, len) = (RECORD_HEADER + self.variant.extra, captured as usize);
        if len > MAX_FRAME || from + len > held.len() || self.old {
            return None;
        }
        let seconds = u64::from(self.variant.u32([s0, s1, s2, s3]));
        let fraction = u64::from(self.variant.u32([f0, f1, f2, f3]));
        Some(Record {
            time: seconds * 1_000_000_000 + fraction * self.variant.unit,
            link: self.link,
            interface: 0,
            wire_len: self.variant.u32([w0, w1, w2, w3]).max(captured),
            data: buffer.take(from + len, from..from + len),
        })
    }

    /// A record that has to be read first, or that something is wrong with.
    #[cold]
    fn fetch(&mut self, buffer: &mut Buffer) -> Result<Option<Record>, CaptureError> {
        let Some(head) = buffer.first::<RECORD_HEADER>()? else {
            return Ok(None);
        };
        let [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3] = head;
        let (mut captured, mut wire) =
            (self.variant.u32([c0, c1, c2, c3]), self.variant.u32([w0, w1, w2, w3]));
        if self.old && captured > wire {
            (captured, wire) = (wire, captured);
        }
        let len = captured as usize;
        if len > MAX_FRAME {
            return Err(CaptureError::Corrupt {
                at: buffer.position(),
                why: "a frame is longer than 256 KiB",
            });
        }
        let (from, to) = (RECORD_HEADER + self.variant.extra, RECORD_HEADER + self.variant.extra + len);
        buffer.demand(to)?;
        let seconds = u64::from(self.variant.u32([s0, s1, s2, s3]));
        let fraction = u64::from(self.variant.u32([f0, f1, f2, f3]));
        Ok(Some(Record {
            time: seconds * 1_000_000_000 + fraction * self.variant.unit,
            link: self.link,
            interface: 0,
            wire_len: wire.max(captured),
            data: buffer.take(to, from..to),
        }))
    }
}
