//! Whole handshakes through the parser. The recordings in `tests/data/tls` are our own: OpenSSL's client and server on
//! loopback, `>` what the client sent, `<` what the server sent; beside each what its event must say.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::Tls;
use crate::counters::Counters;
use crate::messages::{Direction, Event, EventKind, FlowInfo, Sink, Transport, Value};
use crate::proto::{Close, Context, Next, Probe, StreamParser, x509};

/// 2026-11-22T14:40:00Z, when the recordings' certificate was valid.
const NOW: u64 = 1_795_358_400_000_000_000;

type Said = BTreeMap<String, String>;

#[derive(Default)]
struct Collector {
    tls: Vec<Said>,
    certificates: Vec<Said>,
    weird: Vec<String>,
    /// Time and packet of the newest event.
    stamp: (u64, u64),
    wants_none: bool,
}

impl Sink for Collector {
    fn event(&mut self, event: &Event<'_>) {
        assert!(event.fields.windows(2).all(|pair| pair[0].0 < pair[1].0));
        self.stamp = (event.time, event.packet);
        let said: Said =
            event.fields.iter().map(|(field, value)| (field.name().to_owned(), show(value))).collect();
        match event.kind {
            EventKind::Tls => {
                assert!(event.fields.iter().all(|(field, _)| super::FIELDS.contains(field)));
                self.tls.push(said);
            }
            EventKind::Weird => {
                let name = said["bavn.weird.name"].clone();
                assert!(super::WEIRDS.iter().any(|(known, _)| *known == name), "{name}");
                self.weird.push(name);
            }
            EventKind::X509 => {
                assert!(event.fields.iter().all(|(field, _)| x509::FIELDS.contains(field)));
                self.certificates.push(said);
            }
            other => panic!("{other:?}"),
        }
    }

    fn wants(&self, _: EventKind) -> bool {
        !self.wants_none
    }
}

fn show(value: &Value<'_>) -> String {
    match value {
        Value::Unobserved => "?".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) | Value::Time(number) => number.to_string(),
        Value::Text(text) => text.escape_ascii().to_string(),
        Value::List(list) => list.iter().map(show).collect::<Vec<_>>().join(" "),
        other => panic!("{other:?}"),
    }
}

fn flow() -> FlowInfo {
    let ip = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    FlowInfo {
        ip: [ip(1), ip(2)],
        port: [40_000, 443],
        transport: Transport::TCP,
        vlan: [None; 2],
        tunnel: 0,
        start: NOW,
        last: NOW,
        packets: [1, 1],
        bytes: [1, 1],
        id: 1,
    }
}

/// A parser with all that it is given.
struct Bench {
    parser: Tls,
    flow: FlowInfo,
    counters: Counters,
    shared: crate::flow::Shared,
    sink: Collector,
    time: u64,
    one_way: bool,
    packet: u64,
    from_start: [bool; 2],
}

impl Bench {
    fn new() -> Self {
        let (sink, counters) = (Collector::default(), Counters::default());
        Self {
            parser: Tls::default(),
            flow: flow(),
            counters,
            shared: crate::flow::Shared::default(),
            sink,
            time: NOW,
            one_way: false,
            packet: 1,
            from_start: [true; 2],
        }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Tls, &mut Context<'_>) -> T) -> T {
        let mut cx = Context {
            time: self.time,
            packet: self.packet,
            flow: &self.flow,
            one_way: self.one_way,
            cut: false,
            from_start: self.from_start,
            told: None,
            shared: &mut self.shared,
            counters: &mut self.counters,
            sink: &mut self.sink,
        };
        act(&mut self.parser, &mut cx)
    }

    fn data(&mut self, direction: Direction, data: &[u8]) -> Next {
        self.with(|parser, cx| parser.data(direction, data, cx))
    }

    fn close(&mut self, why: Close) {
        self.with(|parser, cx| parser.close(why, cx));
    }

    /// The one event.
    fn event(&self) -> &Said {
        assert_eq!(self.sink.tls.len(), 1);
        &self.sink.tls[0]
    }
}

type Conversation = Vec<(Direction, Vec<u8>)>;

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

fn conversation(text: &str) -> Conversation {
    let turn = |line: &str| {
        let direction = if line.starts_with('>') { Direction::ToServer } else { Direction::ToClient };
        (direction, unhex(line[2..].trim()))
    };
    text.lines().map(turn).collect()
}

macro_rules! recordings {
    ($($name:ident)*) => {
        const RECORDINGS: &[(&str, &str, &str)] = &[$((
            stringify!($name),
            include_str!(concat!("../../../tests/data/tls/", stringify!($name), ".hex")),
            include_str!(concat!("../../../tests/data/tls/", stringify!($name), ".event")),
        ),)*];
    };
}

recordings! { tls10 tls11_client_cert tls12 tls12_refused tls12_resumed tls13 tls13_resumed tls13_retry }

fn recording(name: &str) -> Conversation {
    conversation(RECORDINGS.iter().find(|row| row.0 == name).unwrap().1)
}

fn replay(turns: &Conversation) -> Bench {
    let mut bench = Bench::new();
    for (direction, bytes) in turns {
        bench.data(*direction, bytes);
    }
    bench.close(Close::End);
    bench
}

fn write_out(said: &Said) -> String {
    said.iter().map(|(name, value)| format!("{name} = {value}\n")).collect()
}

#[test]
fn recordings_give_their_events() {
    for (name, hex, expected) in RECORDINGS {
        let bench = replay(&conversation(hex));
        assert_eq!(write_out(bench.event()), *expected, "{name}");
        assert!(bench.sink.weird.is_empty(), "{name}: {:?}", bench.sink.weird);
    }
}

#[test]
fn each_certificate_of_either_side_has_its_event() {
    let chains = [("tls10", &["server 0 2", "server 1 2"][..]), ("tls12", &["server 0 1"]), ("tls13", &[])];
    for (name, places) in chains {
        let bench = replay(&recording(name));
        let told: Vec<String> = bench.sink.certificates.iter().map(place).collect();
        assert_eq!(told, places, "{name}");
        for first in bench.sink.certificates.iter().take(1) {
            assert_eq!(first["bavn.x509.hash.sha256"], bench.event()["tls.server.hash.sha256"]);
            assert_eq!(first["x509.subject.distinguished_name"], bench.event()["tls.server.subject"]);
        }
    }
    let bench = replay(&recording("tls11_client_cert"));
    assert_eq!(bench.sink.certificates.last().map(place).as_deref(), Some("client 0 1"));
}

fn place(said: &Said) -> String {
    format!("{} {} {}", said["bavn.x509.side"], said["bavn.x509.position"], said["bavn.x509.chain_length"])
}

#[test]
fn done_before_the_last_turn() {
    let turns = recording("tls13");
    let mut bench = Bench::new();
    assert_eq!(bench.data(turns[0].0, &turns[0].1), Next::More);
    assert_eq!(bench.data(turns[1].0, &turns[1].1), Next::More);
    assert_eq!(bench.data(turns[2].0, &turns[2].1), Next::Done);
    assert_eq!(bench.event()["tls.established"], "true");
}

#[test]
fn probes_know_both_sides() {
    for (name, hex, _) in RECORDINGS {
        for (direction, bytes) in conversation(hex).iter().take(2) {
            assert_eq!(Tls::probe(bytes, *direction), Probe::Yes, "{name}");
        }
    }
}

#[test]
fn nothing_is_done_where_nobody_listens() {
    let mut bench = Bench::new();
    bench.sink.wants_none = true;
    let turns = recording("tls12");
    assert_eq!(bench.data(turns[0].0, &turns[0].1), Next::Done);
    bench.close(Close::End);
    assert!(bench.sink.tls.is_empty());
}

#[test]
fn client_alone_leaves_the_server_unobserved() {
    let turns = recording("tls12");
    let mut bench = Bench::new();
    bench.one_way = true;
    bench.data(turns[0].0, &turns[0].1);
    assert_eq!(bench.data(turns[2].0, &turns[2].1), Next::Done);
    let said = bench.event();
    assert_eq!(said["tls.client.server_name"], "www.example.org");
    for name in ["tls.version", "tls.cipher", "tls.server.ja3s", "tls.server.issuer", "tls.established"] {
        assert_eq!(said[name], "?", "{name}");
    }
}

#[test]
fn server_alone_leaves_the_client_unobserved() {
    let turns = recording("tls12");
    let mut bench = Bench::new();
    bench.one_way = true;
    bench.data(turns[1].0, &turns[1].1);
    assert_eq!(bench.data(turns[3].0, &turns[3].1), Next::Done);
    let said = bench.event();
    assert_eq!(said["tls.server.x509.subject.common_name"], "www.example.org");
    for name in ["tls.client.server_name", "tls.client.ja3", "tls.client.ja4", "tls.established"] {
        assert_eq!(said[name], "?", "{name}");
    }
}

#[test]
fn standing_still_is_told_after_a_while() {
    let turns = recording("tls13");
    let mut bench = Bench::new();
    bench.data(turns[0].0, &turns[0].1);
    bench.time += super::HANDSHAKE_WAIT - 1;
    bench.with(Tls::tick);
    assert!(bench.sink.tls.is_empty());
    bench.time += 1;
    bench.with(Tls::tick);
    assert_eq!(bench.event()["tls.version"], "?");
    assert_eq!(bench.data(turns[1].0, &turns[1].1), Next::Done);
    bench.close(Close::End);
    assert_eq!(bench.sink.tls.len(), 1);
}

#[test]
fn no_answer_before_the_end_is_no_success() {
    let turns = recording("tls13");
    let mut bench = Bench::new();
    bench.data(turns[0].0, &turns[0].1);
    bench.close(Close::End);
    assert_eq!(bench.event()["tls.established"], "false");
    assert_eq!(bench.event()["tls.cipher"], "?");
}

#[test]
fn gap_in_the_certificate_leaves_it_unobserved() {
    let turns = recording("tls12");
    let mut bench = Bench::new();
    bench.data(turns[0].0, &turns[0].1);
    bench.data(turns[1].0, &turns[1].1[..200]);
    assert_eq!(bench.with(|parser, cx| parser.gap(Direction::ToClient, 100, cx)), Next::Done);
    let said = bench.event();
    assert_eq!(said["tls.version"], "1.2");
    for name in ["tls.server.subject", "tls.curve", "tls.resumed", "tls.established"] {
        assert_eq!(said[name], "?", "{name}");
    }
}

#[test]
fn answer_in_another_protocol_is_weird() {
    let turns = recording("tls12");
    let mut bench = Bench::new();
    bench.data(turns[0].0, &turns[0].1);
    bench.data(Direction::ToClient, b"HTTP/1.1 400 Bad Request\r\n\r\n");
    bench.close(Close::End);
    assert_eq!(bench.event()["tls.cipher"], "?");
    assert_eq!(bench.sink.weird, ["no_record"]);
    assert_eq!(bench.counters.weird, 1);
}

#[test]
fn hello_beyond_the_limit_is_counted_and_not_kept() {
    let mut bench = Bench::new();
    bench.data(Direction::ToServer, &[0x16, 3, 1, 0x40, 0, 1, 1, 0, 1]);
    assert_eq!(bench.sink.weird, ["message_too_long"]);
    assert_eq!(bench.counters.parser_limit, 1);
    bench.close(Close::End);
    assert!(bench.sink.tls.is_empty());
}

#[test]
fn ssl2_hello_is_recognised() {
    let mut hello =
        unhex("802e0103010015000000100000040000050000 0a010080020080030080".replace(' ', "").as_str());
    hello.extend_from_slice(&[0x00, 0x00, 0xff]);
    hello.extend_from_slice(&[7; 16]);
    assert_eq!(Tls::probe(&hello, Direction::ToServer), Probe::Yes);
    let mut bench = Bench::new();
    bench.data(Direction::ToServer, &hello);
    bench.data(Direction::ToClient, &recording("tls10")[1].1);
    bench.close(Close::Timeout);
    let said = bench.event();
    assert_eq!(said["bavn.tls.client.version"], "1.0");
    assert_eq!(
        said["tls.client.supported_ciphers"],
        "TLS_RSA_WITH_RC4_128_MD5 TLS_RSA_WITH_RC4_128_SHA TLS_RSA_WITH_3DES_EDE_CBC_SHA \
         TLS_EMPTY_RENEGOTIATION_INFO_SCSV"
    );
    assert_eq!(said["tls.version"], "1.0");
    assert!(!said.contains_key("tls.client.ja3"));
    assert!(bench.sink.weird.is_empty());
}

/// Cuts a conversation's turns at the given places.
fn cut(turns: &Conversation, cuts: &[usize]) -> Conversation {
    let mut out = Conversation::new();
    for (direction, bytes) in turns {
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        out.extend(places.windows(2).map(|pair| (*direction, bytes[pair[0]..pair[1]].to_vec())));
    }
    out
}

#[test]
fn byte_by_byte_gives_the_same() {
    for (name, hex, expected) in RECORDINGS {
        let turns = conversation(hex);
        let all: Vec<usize> = (0..4096).collect();
        assert_eq!(write_out(replay(&cut(&turns, &all)).event()), *expected, "{name}");
    }
}

proptest! {
    #[test]
    fn every_split_gives_the_same(which in 0..RECORDINGS.len(), cuts in prop::collection::vec(0usize..4096, 0..12)) {
        let (_, hex, expected) = RECORDINGS[which];
        prop_assert_eq!(write_out(replay(&cut(&conversation(hex), &cuts)).event()), expected);
    }

    #[test]
    fn a_truncated_conversation_is_not_malformed(which in 0..RECORDINGS.len(), keep in 0usize..4096) {
        let mut left = keep;
        let mut turns = recording(RECORDINGS[which].0);
        for (_, bytes) in &mut turns {
            bytes.truncate(left);
            left -= bytes.len();
        }
        let bench = replay(&turns);
        prop_assert!(bench.sink.tls.len() <= 1);
        prop_assert!(bench.sink.weird.is_empty());
    }

    #[test]
    fn altered_bytes_do_no_harm(
        which in 0..RECORDINGS.len(),
        changes in prop::collection::vec((0usize..5, 0usize..4096, any::<u8>()), 1..20),
    ) {
        let mut turns = recording(RECORDINGS[which].0);
        for (turn, place, byte) in changes {
            let count = turns.len();
            let bytes = &mut turns[turn % count].1;
            let len = bytes.len();
            bytes[place % len] = byte;
        }
        prop_assert!(replay(&turns).sink.tls.len() <= 1);
    }

    #[test]
    fn random_bytes_do_no_harm(turns in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)), 0..8)) {
        let way = |to_server| if to_server { Direction::ToServer } else { Direction::ToClient };
        let turns: Conversation = turns.into_iter().map(|(to_server, bytes)| (way(to_server), bytes)).collect();
        prop_assert!(replay(&turns).sink.tls.len() <= 1);
    }
}

#[test]
fn a_time_out_bears_the_newest_record() {
    let mut bench = Bench::new();
    bench.packet = 7;
    bench.data(Direction::ToServer, &recording("tls12")[0].1);
    (bench.time, bench.packet) = (NOW + super::HANDSHAKE_WAIT, 99);
    bench.with(|parser, cx| parser.tick(cx));
    bench.event();
    assert_eq!(bench.sink.stamp, (NOW, 7));
}

#[test]
fn a_direction_picked_up_in_its_midst_is_no_anomaly() {
    for (from_start, told) in [([true; 2], 1), ([true, false], 0)] {
        let mut bench = Bench::new();
        bench.from_start = from_start;
        bench.data(Direction::ToServer, &recording("tls12")[0].1);
        bench.data(Direction::ToClient, b"the end of something");
        assert_eq!(bench.counters.weird, told);
    }
}
