//! Memory of all parsers together: many flows that each begin something and never end it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

mod common;

use bavn_wire::messages::EventKind;
use bavn_wire::pipeline::{Wire, WireConfig};
use common::{ACK, Ends, Lines, datagram, frame, segment};

const FLOWS: u32 = 200_000;
/// What a flow may cost beside its parser, the table's own growth included.
const BYTES_PER_FLOW: usize = 300;

/// Heads that never end, one a flow.
fn slow_heads(wire: &mut Wire, flows: u32, sink: &mut Lines) {
    let mut head = b"GET / HTTP/1.1\r\nHost: a.example\r\nX-Slow: ".to_vec();
    head.resize(1200, b'a');
    for number in 0..flows {
        let ends = Ends { source: (0x0a00_0000 + number, 40_000), destination: (0x0aff_0001, 80) };
        for (seq, part) in [(1, &head[..]), (1201, &[b'b'; 800])] {
            let data = segment(ends, (seq, 1, ACK, 0), part);
            wire.frame(&frame(1_700_000_000_000_000_000 + u64::from(number) * 1000, &data), sink);
        }
    }
}

fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split(' ').nth(1)?.parse::<usize>().ok().map(|pages| pages * 4096)
}

#[test]
fn slow_heads_on_many_flows_stay_within_the_bound() {
    let config = WireConfig { kinds: vec![EventKind::Http], ..WireConfig::default() };
    let limit = config.limits.parser_bytes;
    let (mut wire, mut sink) = (Wire::new(config), Lines::default());
    let before = resident();
    slow_heads(&mut wire, FLOWS, &mut sink);
    assert_eq!(wire.flows(), FLOWS as usize);
    assert!(wire.counters().parser_memory > u64::from(FLOWS) / 2, "{:?}", wire.counters());
    assert!(wire.parser_bytes() <= limit + (1 << 20), "{}", wire.parser_bytes());
    if let (Some(before), Some(after)) = (before, resident()) {
        let most = limit + limit / 4 + FLOWS as usize * BYTES_PER_FLOW;
        // What was told of the flows that lost their parser is the test's own.
        let grown = after.saturating_sub(before).saturating_sub(sink.0.capacity());
        assert!(grown <= most, "{grown} bytes for {FLOWS} flows, {most} are allowed");
    }
    wire.finish(&mut sink);
    assert_eq!(wire.parser_bytes(), 0);
}

#[test]
fn a_flow_that_loses_its_parser_says_what_it_knew() {
    let mut config = WireConfig::default();
    assert!(config.simulate("parsers"));
    let (mut wire, mut sink) = (Wire::new(config), Lines::default());
    slow_heads(&mut wire, 64, &mut sink);
    wire.finish(&mut sink);
    let lost = wire.counters().parser_memory;
    assert!((32..64).contains(&lost), "{lost}");
    assert_eq!(sink.count("parser_memory_limit") as u64, lost);
    assert_eq!(sink.count("bavn.flow"), 64);
    assert_eq!(wire.parser_bytes(), 0);
}

/// A DHCPDISCOVER (RFC 2131 2) with a host name, a client identifier and a vendor class of 200 bytes each.
fn discover(id: u32) -> Vec<u8> {
    let mut bytes = vec![1, 1, 6, 0];
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.resize(28, 0);
    bytes.extend_from_slice(&[2, 0, 0, 0, 0, 1]);
    bytes.resize(236, 0);
    bytes.extend_from_slice(&[0x63, 0x82, 0x53, 0x63, 53, 1, 1]);
    for option in [12, 61, 60] {
        bytes.extend_from_slice(&[option, 200]);
        bytes.resize(bytes.len() + 200, b'a');
    }
    bytes.push(255);
    bytes
}

#[test]
fn what_parsers_share_counts_too() {
    let mut config = WireConfig { kinds: vec![EventKind::Dhcp, EventKind::Weird], ..WireConfig::default() };
    config.limits.parser_bytes = 24 << 10;
    let (mut wire, mut sink) = (Wire::new(config), Lines::default());
    let ends = Ends { source: (0, 68), destination: (u32::MAX, 67) };
    for id in 0..60 {
        let data = datagram(ends, &discover(id));
        wire.frame(&frame(1_700_000_000_000_000_000 + u64::from(id), &data), &mut sink);
        assert!(wire.parser_bytes() <= 26 << 10, "{}", wire.parser_bytes());
    }
    assert_eq!(wire.counters().parser_memory, 1);
    wire.finish(&mut sink);
    let told = sink.count("bavn.dhcp");
    // Each exchange that was begun is told of; what came after the flow had lost its parser is not read.
    assert!((15..40).contains(&told), "{told}");
    assert_eq!(sink.count("parser_memory_limit"), 1);
    assert_eq!(wire.parser_bytes(), 0);
}
