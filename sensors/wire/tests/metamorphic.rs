//! The same conversation cut, doubled, reordered, overlapped, fragmented or wrapped otherwise gives the same events.
//!
//! Over every capture in `pcaps/`. What necessarily differs is left out of the comparison: numbers, sizes and histories
//! of packets, and the tags of the wrapping.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bavn_wire::capture::Capture;
use bavn_wire::json;
use bavn_wire::messages::{Event, EventKind, Frame, LinkType, Sink};
use bavn_wire::pipeline::{Wire, WireConfig};
use serde_json::Value;

/// A frame that is its own.
#[derive(Clone)]
struct Owned {
    time: u64,
    link: LinkType,
    wire_len: u32,
    data: Vec<u8>,
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
fn split(frames: &[Owned]) -> Vec<Owned> {
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
fn duplicate(frames: &[Owned]) -> Vec<Owned> {
    let is_tcp = |frame: &Owned| frame.layout().is_some_and(|layout| layout.protocol == TCP);
    frames.iter().flat_map(|frame| vec![frame.clone(); 1 + usize::from(is_tcp(frame))]).collect()
}

/// Each segment once more with the bytes before it, which are the same as they were.
fn overlap(frames: &[Owned]) -> Vec<Owned> {
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

fn reorder(frames: &[Owned]) -> Vec<Owned> {
    let mut out = level(frames);
    for at in neighbours(frames) {
        out.swap(at, at + 1);
    }
    out
}

/// The base of [`reorder`]: the same frames, each pair at one time.
fn level(frames: &[Owned]) -> Vec<Owned> {
    let mut out = frames.to_vec();
    for at in neighbours(frames) {
        out[at].time = out[at + 1].time;
    }
    out
}

/// Each packet in fragments.
fn fragment(frames: &[Owned]) -> Vec<Owned> {
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
fn tag(frames: &[Owned]) -> Vec<Owned> {
    let wrap = |frame: &Owned| match frame.network() {
        Some(_) => frame.with_data([&frame.data[..12], &[0x81, 0, 0, 42], &frame.data[12..]].concat()),
        None => frame.clone(),
    };
    frames.iter().map(wrap).collect()
}

/// Each packet in GRE between two routers (RFC 2784).
fn tunnel(frames: &[Owned]) -> Vec<Owned> {
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

#[derive(Default)]
struct Lines(Vec<u8>);

impl Sink for Lines {
    fn event(&mut self, event: &Event<'_>) {
        json::write_event(&mut self.0, event);
    }

    fn wants(&self, kind: EventKind) -> bool {
        // Anomalies tell of packets as they came.
        kind != EventKind::Weird
    }
}

/// Names whose values hang on packets, not on what was said.
const OF_PACKETS: &[&str] = &["packet", "packets", "bytes", "mac", "history", "vlan", "inner"];
/// The same within `bavn.flow`: its number hangs on the order of flows, features of it on its packets.
const OF_FLOW: &[&str] = &["reason", "state", "service", "missed_bytes"];

fn strip(value: &mut Value, inside: &str) {
    if let Value::Object(map) = value {
        map.retain(|name, _| {
            !OF_PACKETS.contains(&name.as_str()) && (inside != "flow" || OF_FLOW.contains(&name.as_str()))
        });
        // Absent where no stream had to be put together.
        if map.get("missed_bytes") == Some(&Value::from(0)) {
            map.remove("missed_bytes");
        }
        map.iter_mut().for_each(|(name, value)| strip(value, name));
    }
}

/// What a run says, each line with how often it does.
fn said(frames: &[Owned]) -> BTreeMap<String, usize> {
    let (mut wire, mut lines) = (Wire::new(WireConfig::default()), Lines::default());
    for frame in frames {
        let Owned { time, link, wire_len, ref data } = *frame;
        wire.frame(&Frame { time, link, interface: 0, wire_len, vlan_tci: None, data }, &mut lines);
    }
    wire.finish(&mut lines);
    assert_eq!(wire.counters().panics, 0);
    let mut found = BTreeMap::new();
    for line in lines.0.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let mut event: Value = serde_json::from_slice(line).unwrap();
        strip(&mut event, "");
        *found.entry(event.to_string()).or_default() += 1;
    }
    found
}

fn captures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps");
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut found: Vec<_> = folders
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.to_string_lossy().contains(".pcap"))
        .collect();
    found.sort();
    assert!(found.len() > 20, "the captures are missing");
    found
}

fn frames_of(path: &Path) -> Vec<Owned> {
    let mut capture = Capture::open(path).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = capture.next_frame().unwrap() {
        let Frame { time, link, wire_len, data, .. } = frame;
        frames.push(Owned { time, link, wire_len, data: data.to_vec() });
    }
    frames
}

/// Runs every capture as it is and changed; `known` are captures of which a change may say something else.
fn holds(base: fn(&[Owned]) -> Vec<Owned>, change: fn(&[Owned]) -> Vec<Owned>, known: &[&str]) {
    let (mut wrong, mut changed) = (Vec::new(), 0);
    for path in captures() {
        let case = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let frames = frames_of(&path);
        let other = change(&frames);
        changed += other.iter().zip(&frames).filter(|(one, two)| one.data != two.data).count();
        let (plain, other) = (said(&base(&frames)), said(&other));
        let lost = plain.iter().filter(|(line, n)| other.get(*line) != Some(n));
        let new = other.iter().filter(|(line, n)| plain.get(*line) != Some(n));
        let differences: Vec<_> = lost
            .map(|(line, _)| format!("- {line}"))
            .chain(new.map(|(line, _)| format!("+ {line}")))
            .collect();
        if !differences.is_empty() && !known.contains(&case.as_str()) {
            wrong.push(format!("{}: {}", path.display(), differences[..differences.len().min(6)].join("\n")));
        }
    }
    assert!(changed > 1000, "hardly a frame was changed");
    assert!(wrong.is_empty(), "{} captures differ\n{}", wrong.len(), wrong.join("\n"));
}

fn same(frames: &[Owned]) -> Vec<Owned> {
    frames.to_vec()
}

#[test]
fn split_segments_say_the_same() {
    holds(same, split, &[]);
}

#[test]
fn doubled_segments_say_the_same() {
    holds(same, duplicate, &[]);
}

#[test]
fn overlapping_segments_say_the_same() {
    holds(same, overlap, &[]);
}

#[test]
fn reordered_segments_say_the_same() {
    holds(level, reorder, &[]);
}

#[test]
fn fragments_say_the_same() {
    holds(same, fragment, &[]);
}

#[test]
fn a_tag_more_says_the_same() {
    holds(same, tag, &[]);
}

#[test]
fn a_tunnel_says_the_same() {
    holds(same, tunnel, &[]);
}
