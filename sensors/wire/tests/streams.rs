//! What reassembly does with what networks and attackers do to a stream: the stated policy, case by case.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

mod common;

use bavn_wire::messages::EventKind;
use bavn_wire::pipeline::{Wire, WireConfig};
use common::{ACK, Ends, FIN, Lines, RST, SYN, URG, frame, segment};
use serde_json::Value;

const CLIENT: Ends = Ends { source: (0x0a00_0001, 40_000), destination: (0x0a00_0002, 80) };
const REQUEST: &[u8] = b"GET /first HTTP/1.1\r\nHost: a.example\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A conversation written down step by step; one millisecond passes with each packet.
struct Tap {
    wire: Wire,
    lines: Lines,
    time: u64,
}

impl Tap {
    fn new() -> Self {
        let wire = Wire::new(WireConfig { kinds: EventKind::ALL.to_vec(), ..WireConfig::default() });
        Self { wire, lines: Lines::default(), time: 1_700_000_000_000_000_000 }
    }

    fn wait(&mut self, milliseconds: u64) -> &mut Self {
        self.time += milliseconds * 1_000_000;
        self
    }

    fn send(&mut self, ends: Ends, numbers: (u32, u32, u8, u16), payload: &[u8]) -> &mut Self {
        self.wait(1);
        let data = segment(ends, numbers, payload);
        self.wire.frame(&frame(self.time, &data), &mut self.lines);
        self
    }

    fn client(&mut self, seq: u32, ack: u32, payload: &[u8]) -> &mut Self {
        self.send(CLIENT, (seq, ack, ACK, 0), payload)
    }

    fn server(&mut self, seq: u32, ack: u32, payload: &[u8]) -> &mut Self {
        self.send(CLIENT.flip(), (seq, ack, ACK, 0), payload)
    }

    /// SYN, SYN ACK; streams begin after these numbers.
    fn open(&mut self, client: u32, server: u32) -> &mut Self {
        self.send(CLIENT, (client, 0, SYN, 0), b"");
        self.send(CLIENT.flip(), (server, client.wrapping_add(1), SYN | ACK, 0), b"")
    }

    /// The events, and anomalies by name.
    fn end(&mut self) -> (Vec<Value>, Vec<String>) {
        self.wire.finish(&mut self.lines);
        assert_eq!(self.wire.counters().panics, 0);
        let lines = self.lines.0.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let all: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
        let is_weird = |event: &&Value| event["event"]["dataset"] == "bavn.weird";
        let weird =
            all.iter().filter(is_weird).map(|event| event["bavn"]["weird"]["name"].as_str().unwrap().into());
        let http = all.iter().filter(|event| event["event"]["dataset"] == "bavn.http").cloned().collect();
        (http, weird.collect())
    }
}

fn paths(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["url"]["original"].as_str().unwrap_or("?")).collect()
}

fn statuses(events: &[Value]) -> Vec<u64> {
    events.iter().filter_map(|event| event["http"]["response"]["status_code"].as_u64()).collect()
}

#[test]
fn sequence_numbers_wrap_around() {
    for start in [u32::MAX, u32::MAX - 1, u32::MAX - 10, u32::MAX - 39] {
        let first = start.wrapping_add(1);
        let (one, two) = REQUEST.split_at(17);
        let mut tap = Tap::new();
        tap.open(start, start);
        // Out of order over the edge.
        tap.client(first.wrapping_add(17), first, two).client(first, first, one);
        tap.server(first, first.wrapping_add(REQUEST.len() as u32), ANSWER);
        let (events, weird) = tap.end();
        assert_eq!((paths(&events), statuses(&events)), (vec!["/first"], vec![200]), "{start}");
        assert!(weird.is_empty(), "{weird:?}");
    }
}

#[test]
fn a_gap_costs_what_it_covers_and_no_more() {
    let second = b"GET /second HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let mut tap = Tap::new();
    tap.open(99, 199);
    let after = 100 + REQUEST.len() as u32;
    tap.client(100, 200, REQUEST);
    // The first answer's head is lost; the other side acknowledges it, then a new request and answer follow.
    let answered = 200 + ANSWER.len() as u32;
    tap.client(after, answered, second).wait(50);
    tap.server(answered, after + second.len() as u32, ANSWER).wait(50).client(after + 42, answered + 2, b"");
    let (events, _) = tap.end();
    assert_eq!(paths(&events), ["/first", "/second"]);
    assert!(statuses(&events).len() < 2, "an answer that was lost was not seen");
    assert_eq!(tap.wire.counters().stream_gap_bytes, ANSWER.len() as u64);
}

#[test]
fn keep_alive_probes_change_nothing() {
    for probe in [&b""[..], b"G"] {
        let mut tap = Tap::new();
        tap.open(99, 199).client(100, 200, REQUEST);
        let after = 100 + REQUEST.len() as u32;
        for _ in 0..5 {
            // One byte before what comes next, with or without a byte of garbage (RFC 9293 3.8.4).
            tap.wait(1000).client(after - 1, 200, probe).server(200, after, b"");
        }
        tap.server(200, after, ANSWER);
        let (events, weird) = tap.end();
        assert_eq!((paths(&events), statuses(&events)), (vec!["/first"], vec![200]));
        assert!(weird.is_empty(), "{weird:?}");
    }
}

#[test]
fn zero_window_probes_are_taken_once() {
    let mut tap = Tap::new();
    tap.open(99, 199).client(100, 200, &REQUEST[..10]);
    // A probe brings one new byte, again and again, until the window opens (RFC 9293 3.8.6.1).
    for _ in 0..4 {
        tap.wait(500).client(110, 200, &REQUEST[10..11]);
    }
    tap.client(110, 200, &REQUEST[10..]).server(200, 100 + REQUEST.len() as u32, ANSWER);
    let (events, weird) = tap.end();
    assert_eq!((paths(&events), statuses(&events)), (vec!["/first"], vec![200]));
    assert!(weird.is_empty(), "{weird:?}");
}

#[test]
fn data_in_a_syn_is_the_streams_beginning() {
    // TCP Fast Open (RFC 7413): with the first SYN, the rest after the answer.
    let (one, two) = REQUEST.split_at(20);
    let mut tap = Tap::new();
    tap.send(CLIENT, (99, 0, SYN, 0), one);
    tap.send(CLIENT.flip(), (199, 120, SYN | ACK, 0), b"").client(120, 200, two);
    tap.server(200, 100 + REQUEST.len() as u32, ANSWER);
    let (events, _) = tap.end();
    assert_eq!((paths(&events), statuses(&events)), (vec!["/first"], vec![200]));
}

#[test]
fn data_in_a_syn_that_was_not_taken_comes_again() {
    let mut tap = Tap::new();
    tap.send(CLIENT, (99, 0, SYN, 0), REQUEST);
    // The server took the SYN alone.
    tap.send(CLIENT.flip(), (199, 100, SYN | ACK, 0), b"").client(100, 200, REQUEST);
    tap.server(200, 100 + REQUEST.len() as u32, ANSWER);
    let (events, weird) = tap.end();
    assert_eq!((paths(&events), statuses(&events)), (vec!["/first"], vec![200]));
    assert!(!weird.contains(&"stream_overlap".to_owned()), "{weird:?}");
}

#[test]
fn urgent_data_stay_in_the_stream() {
    let (one, two) = REQUEST.split_at(8);
    let mut tap = Tap::new();
    tap.open(99, 199).send(CLIENT, (100, 200, ACK | URG, 3), one);
    tap.client(108, 200, two).server(200, 100 + REQUEST.len() as u32, ANSWER);
    assert_eq!(paths(&tap.end().0), ["/first"]);
}

#[test]
fn a_stream_is_picked_up_in_its_midst() {
    let mut tap = Tap::new();
    // The end of something, then a request that begins with a segment.
    tap.server(5000, 100, b"the end of a body").client(100, 5017, REQUEST);
    tap.server(5017, 100 + REQUEST.len() as u32, ANSWER);
    let (events, _) = tap.end();
    assert_eq!((paths(&events), statuses(&events)), (vec!["/first"], vec![200]));
}

#[test]
fn one_direction_is_told_with_the_other_unobserved() {
    let mut tap = Tap::new();
    tap.send(CLIENT, (99, 0, SYN, 0), b"").client(100, 200, REQUEST);
    tap.send(CLIENT, (100 + REQUEST.len() as u32, 241, ACK | FIN, 0), b"");
    let (events, _) = tap.end();
    assert_eq!(paths(&events), ["/first"]);
    let unobserved = events[0]["bavn"]["unobserved"].as_array().unwrap();
    assert!(unobserved.contains(&Value::from("http.response.status_code")));
    let mut tap = Tap::new();
    tap.server(200, 100 + REQUEST.len() as u32, ANSWER);
    let (events, _) = tap.end();
    assert_eq!(statuses(&events), [200]);
    let unobserved = events[0]["bavn"]["unobserved"].as_array().unwrap();
    assert!(unobserved.contains(&Value::from("url.original")), "{unobserved:?}");
}

#[test]
fn the_first_copy_wins_and_another_is_told() {
    let evil = b"GET /other HTTP/1.1\r\nHost: a.example\r\n\r\n";
    // Passed on already, and kept for later: in both the first copy is what the parser gets.
    let mut tap = Tap::new();
    tap.open(99, 199).client(100, 200, REQUEST).client(100, 200, evil);
    let (events, weird) = tap.end();
    assert_eq!((paths(&events), weird), (vec!["/first"], vec!["stream_overlap".to_owned()]));
    let mut tap = Tap::new();
    tap.open(99, 199).client(104, 200, &REQUEST[4..]).client(104, 200, &evil[4..]).client(
        100,
        200,
        &REQUEST[..4],
    );
    let (events, weird) = tap.end();
    assert_eq!((paths(&events), weird), (vec!["/first"], vec!["stream_overlap".to_owned()]));
}

#[test]
fn a_reset_out_of_the_window_and_a_forged_syn_end_nothing() {
    let (one, two) = REQUEST.split_at(12);
    let mut tap = Tap::new();
    tap.open(99, 199).client(100, 200, one);
    tap.send(CLIENT.flip(), (0x7fff_0000, 0, RST, 0), b"").send(CLIENT, (77_777, 0, SYN, 0), b"");
    tap.client(112, 200, two).server(200, 100 + REQUEST.len() as u32, ANSWER);
    let (events, _) = tap.end();
    assert_eq!((paths(&events), statuses(&events)), (vec!["/first"], vec![200]));
}

#[test]
fn a_segment_far_ahead_is_left_out_and_told() {
    let mut tap = Tap::new();
    tap.open(99, 199).client(100, 200, &REQUEST[..10]);
    tap.client(100_u32.wrapping_add(1 << 31), 200, b"far away").client(110, 200, &REQUEST[10..]);
    let (events, weird) = tap.end();
    assert_eq!((paths(&events), weird), (vec!["/first"], vec!["stream_out_of_window".to_owned()]));
}
