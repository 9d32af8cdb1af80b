//! The same conversation cut, doubled, reordered, overlapped, fragmented or wrapped otherwise gives the same events.
//!
//! Over every capture in `pcaps/`. What necessarily differs is left out of the comparison: numbers, sizes and histories
//! of packets, and the tags of the wrapping.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

mod change;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bavn_wire::capture::Capture;
use bavn_wire::json;
use bavn_wire::messages::{Event, EventKind, Frame, Sink};
use bavn_wire::pipeline::{Wire, WireConfig};
use change::{Owned, duplicate, fragment, level, overlap, reorder, same, split, tag, tunnel};
use serde_json::Value;

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
