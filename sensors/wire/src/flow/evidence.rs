//! The evidence ring: the newest frames of all flows in one fixed buffer, chained by flow, so that a hit can show its
//! flow's first packets and those around it.

use super::limits::{MAX_EVIDENCE, MAX_FINISHED, MAX_WAITING};
use crate::limits::Limit;
use std::collections::VecDeque;

use crate::messages::{Frame, LinkType};

/// First packets of a flow that a pin takes.
pub const FIRST: usize = 16;
/// Packets before the hit, with the hit's own.
pub const BEFORE: usize = 16;
/// Packets after the hit.
pub const AFTER: u8 = 8;
/// A pin is complete after so much packet time (nanoseconds).
pub const PATIENCE: u64 = 1_000_000_000;
/// A step back of more than this is another clock.
const STEP_BACK: u64 = 2 * PATIENCE;
/// Format: longer frames are cut.
const MAX_FRAME: usize = 1 << 18;

/// Number of a pin, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PinId(pub u64);

/// The packets of one pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its pin.
    pub pin: PinId,
    /// Number of the flow.
    pub flow: u64,
    /// True where it was kept because a parser failed, not because somebody asked.
    pub is_failure: bool,
    /// A capture file with nanosecond times (libpcap's format).
    pub pcap: Vec<u8>,
    /// Packets in it.
    pub packets: u32,
}

/// A flow's places in the ring. Offsets count all bytes ever written; 0 is none.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    flow: u64,
    /// The newest of the first packets.
    first: u64,
    newest: u64,
    count: u32,
    is_pinned: bool,
}

#[derive(Debug)]
struct Pin {
    id: PinId,
    flow: u64,
    link: LinkType,
    deadline: u64,
    after: u8,
    is_failure: bool,
    pcap: Vec<u8>,
    packets: u32,
}

/// The ring.
#[derive(Debug)]
pub(crate) struct Ring {
    buffer: Vec<u8>,
    /// Offset of the next record, from 1 round of the buffer on, so that 0 stays free.
    head: u64,
    chains: Vec<Chain>,
    /// The chain that the newest flow's took the place of: that flow may have been ended by this very packet.
    replaced: Chain,
    waiting: Vec<Pin>,
    finished: VecDeque<Evidence>,
    next_pin: u64,
    /// Bytes of `waiting` and `finished`.
    held: usize,
    pub(crate) tally: Tally,
}

/// What had to be given up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Pins that were not begun.
    pub(crate) refused: u64,
    /// Pins that ended early.
    pub(crate) cut: u64,
    /// Flows whose packets had left the ring.
    pub(crate) gone: u64,
}

/// Record header: previous record of the flow, time, wire length, captured length, VLAN tag (bit 16: there is one), link.
const HEADER: usize = 8 + 8 + 4 + 4 + 4 + 4;

struct Record<'a> {
    previous: u64,
    time: u64,
    wire_len: u32,
    vlan: Option<u16>,
    link: LinkType,
    data: &'a [u8],
}

impl Ring {
    /// A ring of so many bytes; 0 keeps nothing.
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            buffer: vec![0; bytes],
            head: bytes as u64,
            chains: Vec::new(),
            replaced: Chain::default(),
            waiting: Vec::new(),
            finished: VecDeque::new(),
            next_pin: 0,
            held: 0,
            tally: Tally::default(),
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Copies a frame of the flow in that slot.
    pub(crate) fn record(&mut self, slot: u32, flow: u64, frame: &Frame<'_>) {
        let slot = slot as usize;
        if slot >= self.chains.len() {
            self.chains.resize(slot + 1, Chain::default());
        }
        if self.chains[slot].flow != flow {
            self.replaced = std::mem::replace(&mut self.chains[slot], Chain { flow, ..Chain::default() });
        }
        let chain = self.chains[slot];
        let data = frame.data.get(..MAX_FRAME).unwrap_or(frame.data);
        let place = self.write(chain.newest, frame, data);
        let chain = &mut self.chains[slot];
        chain.newest = place;
        chain.count = chain.count.saturating_add(1);
        if chain.count as usize <= FIRST {
            chain.first = place;
        }
        if chain.is_pinned {
            self.add_to_pins(slot, flow, frame);
        }
    }

    /// Writes a record and gives its offset; 0 where the ring is too small for it.
    fn write(&mut self, previous: u64, frame: &Frame<'_>, data: &[u8]) -> u64 {
        let size = (HEADER + data.len()).next_multiple_of(8);
        let capacity = self.buffer.len();
        if size > capacity {
            return 0;
        }
        let mut at = (self.head % capacity as u64) as usize;
        if at + size > capacity {
            self.head += (capacity - at) as u64;
            at = 0;
        }
        let vlan = frame.vlan_tci.map_or(0, |tci| 1 << 16 | u32::from(tci));
        let record = &mut self.buffer[at..at + HEADER + data.len()];
        record[0..8].copy_from_slice(&previous.to_le_bytes());
        record[8..16].copy_from_slice(&frame.time.to_le_bytes());
        record[16..20].copy_from_slice(&frame.wire_len.to_le_bytes());
        record[20..24].copy_from_slice(&(data.len() as u32).to_le_bytes());
        record[24..28].copy_from_slice(&vlan.to_le_bytes());
        record[28..32].copy_from_slice(&u32::from(frame.link.0).to_le_bytes());
        record[HEADER..].copy_from_slice(data);
        let place = self.head;
        self.head += size as u64;
        place
    }

    /// The record at an offset, if it has not been written over.
    fn read(&self, place: u64) -> Option<Record<'_>> {
        let capacity = self.buffer.len() as u64;
        if place == 0 || place >= self.head || self.head - place > capacity {
            return None;
        }
        let (header, rest) = self.buffer.get((place % capacity) as usize..)?.split_first_chunk::<HEADER>()?;
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|n| header[at + n]));
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|n| header[at + n]));
        Some(Record {
            previous: long(0),
            time: long(8),
            wire_len: word(16),
            vlan: (word(24) >> 16 != 0).then_some(word(24) as u16),
            link: LinkType(word(28) as u16),
            data: rest.get(..word(20) as usize)?,
        })
    }

    /// Keeps a flow's first packets and those before now, and waits for those to come; `is_over` where none will.
    pub(crate) fn pin(
        &mut self,
        slot: u32,
        flow: u64,
        now: u64,
        is_over: bool,
        is_failure: bool,
    ) -> Option<PinId> {
        let current = self.chains.get(slot as usize).copied().unwrap_or_default();
        let chain = [current, self.replaced].into_iter().find(|chain| chain.flow == flow);
        let places = chain.map_or(Vec::new(), |chain| self.places(&chain));
        let Some(first) = places.first().and_then(|place| self.read(*place)) else {
            self.tally.gone += u64::from(self.is_on());
            return None;
        };
        let link = first.link;
        if let Some(limit) = self.full() {
            limit.note();
            self.tally.refused += 1;
            return None;
        }
        self.next_pin += 1;
        let id = PinId(self.next_pin);
        let mut pin = Pin {
            id,
            flow,
            link,
            deadline: now.saturating_add(PATIENCE),
            after: AFTER,
            is_failure,
            pcap: file_header(link),
            packets: 0,
        };
        for place in places {
            let Some(record) = self.read(place) else { continue };
            if self.held + pin.pcap.len() + record.size() > MAX_EVIDENCE.get() {
                MAX_EVIDENCE.note();
                self.tally.cut += 1;
                break;
            }
            pin.add(&record);
        }
        self.held += pin.pcap.len();
        let is_last = is_over || current.flow != flow;
        if is_last || self.waiting.len() >= MAX_WAITING.get() {
            if !is_last {
                MAX_WAITING.note();
                self.tally.cut += 1;
            }
            self.finish(pin);
        } else {
            self.chains[slot as usize].is_pinned = true;
            self.waiting.push(pin);
        }
        Some(id)
    }

    /// The limit that keeps a further capture out.
    fn full(&self) -> Option<&'static Limit> {
        if self.finished.len() >= MAX_FINISHED.get() {
            return Some(&MAX_FINISHED);
        }
        (self.held >= MAX_EVIDENCE.get()).then_some(&MAX_EVIDENCE)
    }

    /// Offsets of the packets to take, oldest first, each once.
    fn places(&self, chain: &Chain) -> Vec<u64> {
        let mut places = self.walk(chain.newest, BEFORE);
        places.extend(self.walk(chain.first, FIRST));
        places.sort_unstable();
        places.dedup();
        places
    }

    fn walk(&self, from: u64, count: usize) -> Vec<u64> {
        let mut place = from;
        let mut places = Vec::with_capacity(count);
        while places.len() < count {
            let Some(record) = self.read(place) else { break };
            places.push(place);
            place = record.previous;
        }
        places
    }

    fn add_to_pins(&mut self, slot: usize, flow: u64, frame: &Frame<'_>) {
        let record = Record {
            previous: 0,
            time: frame.time,
            wire_len: frame.wire_len,
            vlan: frame.vlan_tci,
            link: frame.link,
            data: frame.data.get(..MAX_FRAME).unwrap_or(frame.data),
        };
        for pin in self.waiting.iter_mut().filter(|pin| pin.flow == flow) {
            if self.held + record.size() > MAX_EVIDENCE.get() {
                MAX_EVIDENCE.note();
                self.tally.cut += 1;
                pin.after = 0;
                continue;
            }
            let before = pin.pcap.len();
            pin.add(&record);
            self.held += pin.pcap.len() - before;
            pin.after = pin.after.saturating_sub(1);
        }
        self.finish_where(|pin| pin.after == 0);
        self.chains[slot].is_pinned = self.waiting.iter().any(|pin| pin.flow == flow);
    }

    /// Pins whose time is over are complete.
    pub(crate) fn advance(&mut self, now: u64) {
        if !self.waiting.is_empty() {
            self.finish_where(|pin| pin.deadline <= now || pin.deadline > now.saturating_add(STEP_BACK));
        }
    }

    /// Pins of an ended flow are complete.
    pub(crate) fn flow_over(&mut self, flow: u64) {
        if !self.waiting.is_empty() {
            self.finish_where(|pin| pin.flow == flow);
        }
    }

    /// All pins are complete.
    pub(crate) fn finish_all(&mut self) {
        self.finish_where(|_| true);
    }

    /// The complete ones, oldest first.
    pub(crate) fn take(&mut self) -> Vec<Evidence> {
        let taken: Vec<_> = self.finished.drain(..).collect();
        self.held -= taken.iter().map(|evidence| evidence.pcap.len()).sum::<usize>();
        taken
    }

    /// True where a pin is complete.
    pub(crate) fn has_finished(&self) -> bool {
        !self.finished.is_empty()
    }

    fn finish_where(&mut self, is_done: impl Fn(&Pin) -> bool) {
        while let Some(at) = self.waiting.iter().position(&is_done) {
            let pin = self.waiting.remove(at);
            self.finish(pin);
        }
    }

    fn finish(&mut self, pin: Pin) {
        let Pin { id, flow, is_failure, pcap, packets, .. } = pin;
        self.finished.push_back(Evidence { pin: id, flow, is_failure, pcap, packets });
    }
}

impl Record<'_> {
    /// Bytes it takes in a capture file at most.
    const fn size(&self) -> usize {
        16 + 4 + self.data.len()
    }
}

impl Pin {
    /// Adds a packet; one of another link type cannot stand in the same file.
    fn add(&mut self, record: &Record<'_>) {
        if record.link != self.link {
            return;
        }
        let (head, tag, tail) = with_tag(record);
        let extra = tag.map_or(0, |tag| tag.len()) as u32;
        let captured = record.data.len() as u32 + extra;
        for word in [
            (record.time / 1_000_000_000) as u32,
            (record.time % 1_000_000_000) as u32,
            captured,
            record.wire_len.saturating_add(extra).max(captured),
        ] {
            self.pcap.extend_from_slice(&word.to_le_bytes());
        }
        self.pcap.extend_from_slice(head);
        self.pcap.extend_from_slice(tag.as_ref().map_or(&[], |tag| &tag[..]));
        self.pcap.extend_from_slice(tail);
        self.packets += 1;
    }
}

/// A tag that the kernel took off goes back behind the addresses (IEEE 802.1Q).
fn with_tag<'a>(record: &Record<'a>) -> (&'a [u8], Option<[u8; 4]>, &'a [u8]) {
    match (record.vlan, record.data.split_at_checked(12)) {
        (Some(tci), Some((head, tail))) if record.link == LinkType::ETHERNET => {
            let [high, low] = tci.to_be_bytes();
            (head, Some([0x81, 0x00, high, low]), tail)
        }
        _ => (record.data, None, &[]),
    }
}

/// Header of a libpcap file, nanoseconds, little-endian.
fn file_header(link: LinkType) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    out.extend_from_slice(&0xa1b2_3c4d_u32.to_le_bytes());
    out.extend_from_slice(&2u16.to_le_bytes());
    out.extend_from_slice(&4u16.to_le_bytes());
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&(MAX_FRAME as u32).to_le_bytes());
    out.extend_from_slice(&u32::from(link.0).to_le_bytes());
    out
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
