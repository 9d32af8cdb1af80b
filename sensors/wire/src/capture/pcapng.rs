//! The block format (draft-ietf-opsawg-pcapng).

use super::buffer::{Buffer, MAX_BUFFER};
use super::error::CaptureError;
use super::{MAX_FRAME, Record};
use crate::messages::LinkType;

/// First bytes of a section, the same in both byte orders.
pub(super) const SECTION_MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// Error: interfaces of one section; more is taken for damage.
const MAX_INTERFACES: usize = 4096;
/// Window: link types that the facts list.
const MAX_LINKS: usize = 64;
/// Window: options looked at in one block.
const MAX_OPTIONS: usize = 256;

const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const SECTION: u32 = 0x0a0d_0d0a;

#[derive(Default)]
pub(super) struct Pcapng {
    pub(super) links: Vec<LinkType>,
    pub(super) snaplen: u32,
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// Interfaces of the sections before.
    earlier: u32,
    /// Time of the newest frame: a simple packet has none of its own.
    time: u64,
}

struct Interface {
    link: LinkType,
    snaplen: u32,
    clock: Clock,
}

/// How a time stamp's units become nanoseconds since the epoch.
#[derive(Clone, Copy)]
struct Clock {
    resolution: Resolution,
    /// Seconds to add.
    offset: i64,
}

#[derive(Clone, Copy)]
enum Resolution {
    /// Nanoseconds in a unit.
    Multiply(u64),
    /// Units in a nanosecond.
    Divide(u64),
    /// Units in a second, as a power of two.
    Shift(u32),
}

impl Clock {
    const DEFAULT: Self = Self { resolution: Resolution::Multiply(1000), offset: 0 };

    #[inline]
    fn time(self, units: u64) -> u64 {
        let time = match self.resolution {
            Resolution::Multiply(by) => units.saturating_mul(by),
            Resolution::Divide(by) => units / by,
            Resolution::Shift(by) => {
                ((u128::from(units) * 1_000_000_000) >> by).min(u128::from(u64::MAX)) as u64
            }
        };
        time.saturating_add_signed(self.offset.saturating_mul(1_000_000_000))
    }
}

impl Resolution {
    /// if_tsresol: a power of ten, or of two where the top bit is set.
    fn parse(byte: u8) -> Option<Self> {
        match byte {
            0..=9 => Some(Self::Multiply(10_u64.pow(9 - u32::from(byte)))),
            10..=28 => Some(Self::Divide(10_u64.pow(u32::from(byte) - 9))),
            0x80..=0xbf => Some(Self::Shift(u32::from(byte & 0x7f))),
            _ => None,
        }
    }
}

/// A whole block: its body lies in the buffer after the eight bytes of type and length.
struct Block {
    kind: u32,
    len: usize,
    at: u64,
}

impl Pcapng {
    #[inline]
    pub(super) fn next(&mut self, buffer: &mut Buffer) -> Result<Option<Record>, CaptureError> {
        while let Some(block) = self.block(buffer)? {
            if let Some(record) = self.read(&block, buffer)? {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// The next block of a kind that is read, whole in the buffer; others are passed over.
    fn block(&mut self, buffer: &mut Buffer) -> Result<Option<Block>, CaptureError> {
        while let Some(head) = buffer.first::<8>()? {
            let at = buffer.position();
            let kind = match head {
                [0x0a, 0x0d, 0x0d, 0x0a, ..] => self.begin_section(buffer)?,
                [k0, k1, k2, k3, ..] => self.u32([k0, k1, k2, k3]),
            };
            let [.., l0, l1, l2, l3] = head;
            let len = self.u32([l0, l1, l2, l3]);
            if len < 12 || !len.is_multiple_of(4) {
                return Err(CaptureError::Corrupt { at, why: "a block's length is impossible" });
            }
            if !matches!(kind, SECTION | INTERFACE | PACKET | SIMPLE_PACKET | ENHANCED_PACKET) {
                buffer.skip(u64::from(len))?;
                continue;
            }
            let len = len as usize;
            self.check_end(buffer, len, at)?;
            return Ok(Some(Block { kind, len, at }));
        }
        Ok(None)
    }

    /// Takes over the byte order of the section that begins here.
    fn begin_section(&mut self, buffer: &mut Buffer) -> Result<u32, CaptureError> {
        let at = buffer.position();
        let head = buffer.demand(12)?;
        self.big_endian = match head.last_chunk::<4>() {
            Some([0x1a, 0x2b, 0x3c, 0x4d]) => true,
            Some([0x4d, 0x3c, 0x2b, 0x1a]) => false,
            _ => return Err(CaptureError::Corrupt { at, why: "a section's byte order is unknown" }),
        };
        Ok(SECTION)
    }

    /// A block's length stands at both its ends.
    fn check_end(&self, buffer: &mut Buffer, len: usize, at: u64) -> Result<(), CaptureError> {
        if len > MAX_BUFFER {
            return Err(CaptureError::Corrupt { at, why: "a block is longer than 16 MiB" });
        }
        let end = buffer.demand(len)?.last_chunk::<4>().copied().unwrap_or_default();
        if self.u32(end) as usize != len {
            return Err(CaptureError::Corrupt { at, why: "a block's two lengths differ" });
        }
        Ok(())
    }

    fn read(&mut self, block: &Block, buffer: &mut Buffer) -> Result<Option<Record>, CaptureError> {
        let record = match block.kind {
            SECTION => self.section(block, buffer).map(|()| None)?,
            INTERFACE => self.interface(block, buffer).map(|()| None)?,
            ENHANCED_PACKET | PACKET => Some(self.packet(block, buffer)?),
            _ => Some(self.simple(block, buffer)?),
        };
        Ok(match record {
            None => {
                buffer.take(block.len, 0..0);
                None
            }
            Some(record) => {
                self.time = record.time;
                Some(Record { data: buffer.take(block.len, record.data), ..record })
            }
        })
    }

    fn section(&mut self, block: &Block, buffer: &mut Buffer) -> Result<(), CaptureError> {
        let bytes = buffer.demand(block.len)?;
        let Some([.., m0, m1, n0, n1]) = bytes.first_chunk::<16>() else {
            return Err(block.corrupt("a section's header is too short"));
        };
        let (major, minor) = (self.u16([*m0, *m1]), self.u16([*n0, *n1]));
        if major != 1 {
            return Err(CaptureError::Unsupported { why: format!("pcapng version {major}.{minor}") });
        }
        self.earlier = self.earlier.saturating_add(self.interfaces.len() as u32);
        self.interfaces.clear();
        Ok(())
    }

    fn interface(&mut self, block: &Block, buffer: &mut Buffer) -> Result<(), CaptureError> {
        let bytes = buffer.demand(block.len)?;
        let Some(([.., l0, l1, _, _, s0, s1, s2, s3], options)) = bytes.split_first_chunk::<16>() else {
            return Err(block.corrupt("an interface's description is too short"));
        };
        let (link, snaplen) = (LinkType(self.u16([*l0, *l1])), self.u32([*s0, *s1, *s2, *s3]));
        let clock = self
            .clock(options)
            .ok_or_else(|| block.corrupt("an interface's time resolution is impossible"))?;
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(block.corrupt("a section has more than 4096 interfaces"));
        }
        self.interfaces.push(Interface { link, snaplen, clock });
        self.snaplen = self.snaplen.max(snaplen);
        if self.links.len() < MAX_LINKS && !self.links.contains(&link) {
            self.links.push(link);
        }
        Ok(())
    }

    /// Time stamps as the options if_tsresol (9) and if_tsoffset (14) tell; the rest of the options is passed over.
    fn clock(&self, options: &[u8]) -> Option<Clock> {
        let (mut clock, mut rest) = (Clock::DEFAULT, options);
        for _ in 0..MAX_OPTIONS {
            let Some(([c0, c1, l0, l1], after)) = rest.split_first_chunk::<4>() else { break };
            let len = usize::from(self.u16([*l0, *l1]));
            let Some((value, after)) = after.split_at_checked(len.next_multiple_of(4)) else { break };
            match (self.u16([*c0, *c1]), value.get(..len)) {
                (0, _) => break,
                (9, Some([resolution])) => clock.resolution = Resolution::parse(*resolution)?,
                (14, Some(seconds)) => clock.offset = self.u64(seconds.try_into().ok()?) as i64,
                _ => {}
            }
            rest = after;
        }
        Some(clock)
    }

    /// An Enhanced Packet Block, or the Packet Block it replaced, which differs in the interface's width.
    #[inline]
    fn packet(&self, block: &Block, buffer: &mut Buffer) -> Result<Record, CaptureError> {
        let Some(
            [_, _, _, _, _, _, _, _, i @ .., h0, h1, h2, h3, t0, t1, t2, t3, c0, c1, c2, c3, w0, w1, w2, w3],
        ) = buffer.demand(block.len)?.first_chunk::<28>()
        else {
            return Err(block.corrupt("a packet block is too short"));
        };
        let interface = match (block.kind, i) {
            (PACKET, [i0, i1, ..]) => u32::from(self.u16([*i0, *i1])),
            (_, whole) => self.u32(*whole),
        };
        let units =
            u64::from(self.u32([*h0, *h1, *h2, *h3])) << 32 | u64::from(self.u32([*t0, *t1, *t2, *t3]));
        let (captured, wire) = (self.u32([*c0, *c1, *c2, *c3]), self.u32([*w0, *w1, *w2, *w3]));
        let from = self.interfaces.get(interface as usize);
        let from = from.ok_or_else(|| block.corrupt("a packet names an interface that is not described"))?;
        let (link, time) = (from.link, from.clock.time(units));
        let data = block.place(28, captured as usize)?;
        let interface = self.earlier.saturating_add(interface);
        Ok(Record { time, link, interface, wire_len: wire.max(captured), data })
    }

    /// A Simple Packet Block: of the first interface, cut at its snapshot length.
    fn simple(&self, block: &Block, buffer: &mut Buffer) -> Result<Record, CaptureError> {
        let Some([.., w0, w1, w2, w3]) = buffer.demand(block.len)?.first_chunk::<12>() else {
            return Err(block.corrupt("a packet block is too short"));
        };
        let wire_len = self.u32([*w0, *w1, *w2, *w3]);
        let from = self.interfaces.first();
        let from = from.ok_or_else(|| block.corrupt("a packet names an interface that is not described"))?;
        let captured = if from.snaplen == 0 { wire_len } else { wire_len.min(from.snaplen) };
        let room = block.len.saturating_sub(16);
        let data = block.place(12, (captured as usize).min(room))?;
        Ok(Record { time: self.time, link: from.link, interface: self.earlier, wire_len, data })
    }

    #[inline]
    fn u16(&self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    #[inline]
    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn u64(&self, bytes: [u8; 8]) -> u64 {
        if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) }
    }
}

impl Block {
    /// Where `len` bytes of frame lie in the block.
    fn place(&self, from: usize, len: usize) -> Result<std::ops::Range<usize>, CaptureError> {
        if len > MAX_FRAME {
            return Err(self.corrupt("a frame is longer than 256 KiB"));
        }
        // The block's second length follows.
        if from + len + 4 > self.len {
            return Err(self.corrupt("a frame is longer than its block"));
        }
        Ok(from..from + len)
    }

    fn corrupt(&self, why: &'static str) -> CaptureError {
        CaptureError::Corrupt { at: self.at, why }
    }
}
