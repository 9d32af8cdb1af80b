//! What a network can do to frames without changing what is said: each change by itself, over whole captures.

use std::collections::BTreeMap;

use bavn_wire::messages::LinkType;

/// A frame that is its own.
#[derive(Clone)]
pub(crate) struct Owned {
    pub(crate) time: u64,
    pub(crate) link: LinkType,
    pub(crate) wire_len: u32,
    pub(crate) data: Vec<u8>,
}

/// Where things lie in an Ethernet frame of IPv4 or IPv6 without extension headers.
#[derive(Clone, Copy)]
struct Layout {
    ip: usize,
    upper: usize,
    end: usize,
    protocol: u8,
    is_v6: bool,
}

/// A TCP segment with payload.
struct Segment {
    layout: Layout,
    payload: usize,
    seq: u32,
    flags: u8,
}

const TCP: u8 = 6;
const SYN_FIN_RST_URG: u8 = 0x27;

impl Owned {
    fn word(&self, at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(*self.data.get(at..)?.first_chunk()?))
    }

    /// Begin and end of the IP packet, and whether it is one of IPv6.
    fn network(&self) -> Option<(usize, usize, bool)> {
        if self.link != LinkType::ETHERNET || self.wire_len as usize != self.data.len() {
            return None;
        }
        let mut at = 12;
        while matches!(self.word(at)?, 0x8100 | 0x88a8) {
            at += 4;
        }
        let ip = at + 2;
        let len = |at| self.word(at).map(usize::from);
        let (end, is_v6) = match self.word(at)? {
            0x0800 => (ip + len(ip + 2)?, false),
            0x86dd => (ip + 40 + len(ip + 4)?, true),
            _ => return None,
        };
        (end <= self.data.len()).then_some((ip, end, is_v6))
    }

    fn layout(&self) -> Option<Layout> {
        let (ip, end, is_v6) = self.network()?;
        let (protocol, upper) = if is_v6 {
            (*self.data.get(ip + 6)?, ip + 40)
        } else {
            (*self.data.get(ip + 9)?, ip + usize::from(self.data.get(ip)? & 15) * 4)
        };
        let is_piece = !is_v6 && self.word(ip + 6)? & 0x3fff != 0;
        let is_plain = !is_piece && matches!(protocol, 1 | TCP | 17 | 58) && upper < end;
        is_plain.then_some(Layout { ip, upper, end, protocol, is_v6 })
    }

    fn segment(&self) -> Option<Segment> {
        let layout = self.layout().filter(|layout| layout.protocol == TCP)?;
        let payload = layout.upper + usize::from(self.data.get(layout.upper + 12)? >> 4) * 4;
        let seq = u32::from_be_bytes(*self.data.get(layout.upper + 4..)?.first_chunk()?);
        let flags = *self.data.get(layout.upper + 13)?;
        (payload < layout.end).then_some(Segment { layout, payload, seq, flags })
    }

    /// The same packet with another payload of TCP, at another place in the stream.
    fn with_payload(&self, segment: &Segment, seq: u32, payload: &[u8]) -> Self {
        let Layout { ip, upper, is_v6, .. } = segment.layout;
        let mut data = self.data[..segment.payload].to_vec();
        data.extend_from_slice(payload);
        data[upper + 4..upper + 8].copy_from_slice(&seq.to_be_bytes());
        let (at, base) = if is_v6 { (ip + 4, ip + 40) } else { (ip + 2, ip) };
        let len = (data.len() - base) as u16;
        data[at..at + 2].copy_from_slice(&len.to_be_bytes());
        Self { wire_len: data.len() as u32, data, ..*self }
    }

    fn with_data(&self, data: Vec<u8>) -> Self {
        Self { wire_len: data.len() as u32, data, ..*self }
    }
}

/// Each segment in three: its first byte, some, the rest.
pub(crate) fn split(frames: &[Owned]) -> Vec<Owned> {
    let mut out = Vec::new();
    for frame in frames {
        let Some(segment) = frame.segment().filter(|one| one.flags & SYN_FIN_RST_URG == 0) else {
            out.push(frame.clone());
            continue;
        };
        let payload = &frame.data[segment.payload..segment.layout.end];
        let cuts = [0, 1, payload.len() / 2, payload.len()];
        for pair in cuts.windows(2).filter(|pair| pair[0] < pair[1]) {
            let seq = segment.seq.wrapping_add(pair[0] as u32);
            out.push(frame.with_payload(&segment, seq, &payload[pair[0]..pair[1]]));
        }
    }
    out
}

/// Each packet of TCP twice.
pub(crate) fn duplicate(frames: &[Owned]) -> Vec<Owned> {
    let is_tcp = |frame: &Owned| frame.layout().is_some_and(|layout| layout.protocol == TCP);
    frames.iter().flat_map(|frame| vec![frame.clone(); 1 + usize::from(is_tcp(frame))]).collect()
}

/// Each segment once more with the bytes before it, which are the same as they were.
pub(crate) fn overlap(frames: &[Owned]) -> Vec<Owned> {
    let mut last: BTreeMap<Vec<u8>, (u32, Vec<u8>)> = BTreeMap::new();
    let mut out = Vec::new();
    for frame in frames {
        let Some(segment) = frame.segment().filter(|one| one.flags & SYN_FIN_RST_URG == 0) else {
            out.push(frame.clone());
            continue;
        };
        let payload = &frame.data[segment.payload..segment.layout.end];
        let key = frame.data[segment.layout.ip + 8..segment.layout.upper + 4].to_vec();
        let addresses = if segment.layout.is_v6 { key } else { key[4..].to_vec() };
        let before = last.insert(addresses, (segment.seq, payload.to_vec()));
        match before.filter(|(seq, bytes)| seq.wrapping_add(bytes.len() as u32) == segment.seq) {
            Some((_, bytes)) => {
                let tail = &bytes[bytes.len() - bytes.len().min(7)..];
                let seq = segment.seq.wrapping_sub(tail.len() as u32);
                out.push(frame.with_payload(&segment, seq, &[tail, payload].concat()));
            }
            None => out.push(frame.clone()),
        }
    }
    out
}

/// Segments next to each other that follow each other in one stream, with the time of the second.
fn neighbours(frames: &[Owned]) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for at in 1..frames.len() {
        let (one, two) = (frames[at - 1].segment(), frames[at].segment());
        let (Some(one), Some(two)) = (one, two) else { continue };
        let ends =
            |at: usize, one: &Segment| frames[at].data[one.layout.upper..one.layout.upper + 4].to_vec();
        let is_pair = one.flags & SYN_FIN_RST_URG == 0
            && two.flags & SYN_FIN_RST_URG == 0
            && ends(at - 1, &one) == ends(at, &two)
            && one.seq.wrapping_add((one.layout.end - one.payload) as u32) == two.seq;
        if is_pair && found.last() != Some(&(at - 2)) && at >= 2 {
            found.push(at - 1);
        }
    }
    found
}

pub(crate) fn reorder(frames: &[Owned]) -> Vec<Owned> {
    let mut out = level(frames);
    for at in neighbours(frames) {
        out.swap(at, at + 1);
    }
    out
}

/// The base of [`reorder`]: the same frames, each pair at one time.
pub(crate) fn level(frames: &[Owned]) -> Vec<Owned> {
    let mut out = frames.to_vec();
    for at in neighbours(frames) {
        out[at].time = out[at + 1].time;
    }
    out
}

/// Each packet in fragments.
pub(crate) fn fragment(frames: &[Owned]) -> Vec<Owned> {
    let mut out = Vec::new();
    for (number, frame) in frames.iter().enumerate() {
        match frame.layout().filter(|layout| layout.end - layout.upper > 24) {
            Some(layout) => out.extend(pieces(frame, layout, number as u32 + 1)),
            None => out.push(frame.clone()),
        }
    }
    out
}

fn pieces(frame: &Owned, layout: Layout, id: u32) -> Vec<Owned> {
    let body = &frame.data[layout.upper..layout.end];
    let cut = (body.len() / 2).next_multiple_of(8).min(body.len() - 1) & !7;
    let cuts = [0, 8, cut, body.len()];
    let pairs = cuts.windows(2).filter(|pair| pair[0] < pair[1]);
    let one = |pair: &[usize]| {
        let more = u16::from(pair[1] < body.len());
        let part = &body[pair[0]..pair[1]];
        let mut data = frame.data[..layout.upper].to_vec();
        if layout.is_v6 {
            data[layout.ip + 6] = 44;
            data.extend_from_slice(&[layout.protocol, 0]);
            data.extend_from_slice(&(pair[0] as u16 | more).to_be_bytes());
            data.extend_from_slice(&id.to_be_bytes());
        } else {
            data[layout.ip + 4..layout.ip + 6].copy_from_slice(&(id as u16).to_be_bytes());
            let place = (pair[0] as u16 / 8) | (more << 13);
            data[layout.ip + 6..layout.ip + 8].copy_from_slice(&place.to_be_bytes());
        }
        data.extend_from_slice(part);
        let (at, base) =
            if layout.is_v6 { (layout.ip + 4, layout.ip + 40) } else { (layout.ip + 2, layout.ip) };
        let len = (data.len() - base) as u16;
        data[at..at + 2].copy_from_slice(&len.to_be_bytes());
        frame.with_data(data)
    };
    pairs.map(one).collect()
}

/// Each Ethernet frame behind a VLAN tag more.
pub(crate) fn tag(frames: &[Owned]) -> Vec<Owned> {
    let wrap = |frame: &Owned| match frame.network() {
        Some(_) => frame.with_data([&frame.data[..12], &[0x81, 0, 0, 42], &frame.data[12..]].concat()),
        None => frame.clone(),
    };
    frames.iter().map(wrap).collect()
}

/// Each packet in GRE between two routers (RFC 2784).
pub(crate) fn tunnel(frames: &[Owned]) -> Vec<Owned> {
    let wrap = |frame: &Owned| {
        let Some((ip, end, is_v6)) = frame.network() else { return frame.clone() };
        let inner = &frame.data[ip..end];
        let mut data = [&frame.data[..12], &[8, 0, 0x45, 0]].concat();
        data.extend_from_slice(&(24 + inner.len() as u16).to_be_bytes());
        data.extend_from_slice(&[0, 0, 0x40, 0, 64, 47, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0, 0]);
        data.extend_from_slice(if is_v6 { &[0x86, 0xdd] } else { &[8, 0] });
        data.extend_from_slice(inner);
        frame.with_data(data)
    };
    frames.iter().map(wrap).collect()
}

/// The captures as they are.
pub(crate) fn same(frames: &[Owned]) -> Vec<Owned> {
    frames.to_vec()
}
