use proptest::prelude::*;

use super::*;
use crate::fields::Field;
use crate::flow::crafted::{self, ACK, CLIENT, FIN, SERVER, SYN};
use crate::messages::{Event, LinkType, Value};

/// Remembers what was said, as text, without numbers that depend on the cut into packets.
#[derive(Default)]
struct Said {
    echo: Vec<String>,
    weirds: Vec<String>,
    http: Vec<String>,
    flows: Vec<u64>,
}

impl Sink for Said {
    fn event(&mut self, event: &Event<'_>) {
        let text = |field| {
            let found = event.fields.iter().find(|(of, _)| *of == field);
            match found.map(|(_, value)| value) {
                Some(Value::Text(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
                _ => String::new(),
            }
        };
        match event.kind {
            EventKind::Weird if text(Field::WeirdProtocol) == "echo" => {
                self.echo.push(text(Field::WeirdDetail))
            }
            EventKind::Weird => self.weirds.push(text(Field::WeirdName)),
            EventKind::Http => self.http.push(text(Field::UrlOriginal)),
            EventKind::Flow => self.flows.push(event.flow.id),
            _ => {}
        }
    }
}

fn run(config: WireConfig, frames: &[Vec<u8>]) -> (Said, Counters) {
    let mut wire = Wire::new(config);
    let mut said = Said::default();
    for (n, data) in frames.iter().enumerate() {
        wire.frame(&crafted::frame(n as u64 * 1_000, data), &mut said);
        assert_balanced(wire.counters());
    }
    wire.finish(&mut said);
    wire.pin(1);
    wire.take_evidence();
    assert_balanced(wire.counters());
    assert_eq!(wire.flows(), 0);
    (said, wire.counters().clone())
}

/// `frames = analysed + the named drops`, exactly.
fn assert_balanced(counters: &Counters) {
    let drops: u64 =
        counters.list().iter().filter(|(name, _)| name.starts_with("drop_")).map(|(_, n)| n).sum();
    assert_eq!(counters.frames, counters.analysed + drops, "{counters:?}");
}

fn conversation(parts: &[(usize, &[u8])]) -> Vec<Vec<u8>> {
    let mut frames = vec![
        crafted::tcp(CLIENT, SERVER, (99, 0), SYN, b""),
        crafted::tcp(SERVER, CLIENT, (499, 100), SYN | ACK, b""),
    ];
    for (at, data) in parts {
        frames.push(crafted::tcp(CLIENT, SERVER, (100 + *at as u32, 500), ACK, data));
    }
    frames
}

const STREAM: &[u8] = b"GET /first?a=1 HTTP/1.1\r\nHost: one.example\r\nCookie: x\r\n\r\n\
    POST /second HTTP/1.1\r\nHost: two.example\r\nContent-Length: 5\r\n\r\nhello\
    GET /third HTTP/1.1\r\nHost: three.example\r\n\r\n";

/// A frame cut into IP fragments of eight bytes' multiples.
fn fragmented(frame: &[u8], id: u16, size: usize) -> Vec<Vec<u8>> {
    let body = &frame[20..];
    let last = body.len().div_ceil(size) - 1;
    let cut = body.chunks(size).enumerate();
    cut.map(|(n, part)| crafted::fragment(CLIENT.0, SERVER.0, 6, (id, (n * size) as u16, n < last), part))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Split, reorder, duplicate, overlap, fragment: the same events.
    #[test]
    fn the_cut_of_a_stream_changes_nothing(
        sizes in prop::collection::vec(3usize..40, 1..12),
        extra in prop::collection::vec((0..STREAM.len(), 2usize..60), 0..8),
        order in any::<u64>(),
        fragment in prop::option::of(1usize..4),
    ) {
        let mut parts = Vec::new();
        let mut at = 0;
        for size in sizes.iter().cycle() {
            let end = (at + size).min(STREAM.len());
            parts.push((at, &STREAM[at..end]));
            at = end;
            if at == STREAM.len() {
                break;
            }
        }
        parts.extend(extra.iter().map(|(from, size)| (*from, &STREAM[*from..(from + size).min(STREAM.len())])));
        let mut state = order | 1;
        for n in (1..parts.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            parts.swap(n, (state >> 33) as usize % (n + 1));
        }
        let mut frames = conversation(&parts);
        if let Some(words) = fragment {
            let cut = frames.drain(2..).enumerate().flat_map(|(n, frame)| fragmented(&frame, n as u16, words * 8));
            let cut: Vec<_> = cut.collect();
            frames.extend(cut);
        }
        let (said, counters) = run(WireConfig::default(), &frames);
        prop_assert_eq!(&said.http, &["/first?a=1", "/second", "/third"]);
        prop_assert_eq!((said.weirds.len(), counters.stream_gaps, counters.flows), (0, 0, 1));
    }

    /// Whatever bytes come, every frame is accounted for and nothing fails.
    #[test]
    fn any_bytes_are_accounted_for(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..40)) {
        let (_, counters) = run(WireConfig::default(), &frames);
        prop_assert_eq!(counters.panics, 0);
    }

    /// Good packets with any byte changed are accounted for and nothing fails.
    #[test]
    fn damaged_packets_are_accounted_for(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..60)) {
        let mut frames = conversation(&[(0, &STREAM[..60]), (60, &STREAM[60..])]);
        frames.extend(fragmented(&frames[3].clone(), 7, 16));
        for (frame, byte, value) in changes {
            let at = frame.index(frames.len());
            let byte = byte.index(frames[at].len());
            frames[at][byte] = value;
        }
        let (_, counters) = run(WireConfig::default(), &frames);
        prop_assert_eq!(counters.panics, 0);
    }
}

#[test]
fn every_simulation_bites_and_is_counted() {
    let mut frames = Vec::new();
    for n in 0..1200u16 {
        frames.push(crafted::udp("10.0.0.1", 1000 + n, "10.0.0.2", 9999, b"x"));
    }
    for id in 0..3 {
        frames.push(crafted::fragment("10.0.0.1", "10.0.0.2", 17, (id, 0, true), b"12345678"));
    }
    frames.extend(conversation(&[(0, b"ECHO"), (9, b"after")]));
    for port in 1..100 {
        frames.push(crafted::tcp(("10.0.0.9", port), SERVER, (1, 1), ACK, b"ECHO and no end"));
    }
    type Count = fn(&Counters) -> u64;
    let counter: &[(&str, Count)] = &[
        ("flows", |counters| counters.flows_evicted),
        ("fragments", |counters| counters.fragments_evicted),
        ("fragment-bytes", |counters| counters.fragments_evicted),
        ("segments", |counters| counters.stream_evicted),
        ("segment-bytes", |counters| counters.stream_evicted),
        ("parsers", |counters| counters.parser_memory),
        ("evidence", |counters| counters.evidence_gone),
        ("panic", |counters| counters.panics),
    ];
    let (_, plain) = run(WireConfig::default(), &frames);
    for (name, count) in counter {
        assert!(SIMULATIONS.iter().any(|(known, _)| known == name));
        assert_eq!(count(&plain), 0, "{name}");
        let mut config = WireConfig::default();
        assert!(config.simulate(name));
        assert!(count(&run(config, &frames).1) > 0, "{name}");
    }
    assert_eq!(SIMULATIONS.len(), counter.len());
    assert!(!WireConfig::default().simulate("nothing"));
}

#[test]
fn fragments_are_pending_until_the_last_and_then_analysed() {
    let body = crafted::udp_body(1000, 2000, b"0123456789abcdef");
    let frames: Vec<_> = [(0, true), (8, true), (16, false)]
        .map(|(at, more)| {
            let end = if more { at + 8 } else { body.len() };
            crafted::fragment("10.0.0.1", "10.0.0.2", 17, (7, at as u16, more), &body[at..end])
        })
        .to_vec();
    let (said, counters) = run(WireConfig::default(), &frames);
    assert_eq!((counters.drop_fragment_pending, counters.analysed, counters.flows), (2, 1, 1));
    assert_eq!(said.flows, [3], "the number of the packet that began it");
    let (_, counters) = run(WireConfig::default(), &frames[..2]);
    assert_eq!((counters.drop_fragment_pending, counters.fragments_expired), (2, 1));
}

#[test]
fn overlapping_fragments_are_told() {
    let piece = |data: &[u8]| crafted::fragment("10.0.0.1", "10.0.0.2", 17, (7, 8, true), data);
    let (said, _) = run(WireConfig::default(), &[piece(b"goodgood"), piece(b"evilevil")]);
    assert_eq!(said.weirds, ["fragment_overlap"]);
}

#[test]
fn malformed_frames_are_told_at_a_bounded_rate() {
    let mut broken = crafted::udp("10.0.0.1", 1, "10.0.0.2", 2, b"x");
    broken[0] = 0x41;
    let (said, counters) = run(WireConfig::default(), &vec![broken; 100]);
    assert_eq!((counters.drop_malformed, counters.weird), (100, 100));
    assert_eq!(said.weirds.len(), LOOSE_WEIRDS as usize);
}

#[test]
fn unwanted_kinds_are_not_looked_for() {
    let config = WireConfig { kinds: vec![EventKind::Flow], ..WireConfig::default() };
    let (said, _) = run(config, &conversation(&[(0, STREAM)]));
    assert!(said.http.is_empty());
    assert_eq!(said.flows, [1]);
}

/// A rule that fails on a flow's record costs that record; one that fails elsewhere costs the frame and the tables.
#[test]
fn a_sink_that_fails_is_counted_and_the_rest_goes_on() {
    struct Fails(EventKind);
    impl Sink for Fails {
        fn event(&mut self, event: &Event<'_>) {
            assert_ne!(event.kind, self.0, "asked to");
        }
    }
    let mut wire = Wire::new(WireConfig::default());
    let frame = crafted::udp("10.0.0.1", 1, "10.0.0.2", 2, b"x");
    for time in [0, 1 << 40] {
        wire.frame(&crafted::frame(time, &frame), &mut Fails(EventKind::Flow));
    }
    let counters = wire.counters();
    assert_eq!((counters.panics, counters.drop_panic, counters.analysed), (1, 0, 2));
    for data in [b"goodgood", b"evilevil"] {
        let piece = crafted::fragment("10.0.0.1", "10.0.0.2", 17, (7, 8, true), data);
        wire.frame(&crafted::frame(1 << 40, &piece), &mut Fails(EventKind::Weird));
    }
    wire.frame(&crafted::frame(1 << 40, &frame), &mut Fails(EventKind::Weird));
    wire.finish(&mut Fails(EventKind::Flow));
    let counters = wire.counters();
    assert_eq!((counters.panics, counters.drop_panic, counters.analysed, wire.flows()), (3, 1, 3, 0));
    assert_balanced(counters);
}

/// The caller pins a flow at a hit, and gets its packets from the first on.
#[test]
fn evidence_is_there_for_hits_during_and_after_a_flow() {
    let mut wire = Wire::new(WireConfig { evidence_bytes: 1 << 20, ..WireConfig::default() });
    let mut said = Said::default();
    let mut frames = conversation(&[(0, b"ECHO hello")]);
    frames.push(crafted::tcp(CLIENT, SERVER, (110, 500), ACK | FIN, b""));
    frames.push(crafted::tcp(SERVER, CLIENT, (500, 111), ACK | FIN, b""));
    for (n, data) in frames.iter().enumerate() {
        wire.frame(&crafted::frame(n as u64, data), &mut said);
    }
    assert_eq!(said.echo, ["ECHO hello"]);
    let during = wire.pin(1).unwrap();
    assert!(wire.take_evidence().is_empty());
    wire.frame(&crafted::frame(10, &crafted::tcp(CLIENT, SERVER, (111, 501), ACK, b"")), &mut said);
    wire.tick(20_000_000_000, &mut said);
    assert_eq!(said.flows, [1]);
    let after = wire.pin(1).unwrap();
    let evidence = wire.take_evidence();
    assert_eq!(
        evidence.iter().map(|e| (e.pin, e.flow, e.packets)).collect::<Vec<_>>(),
        [(during, 1, 6), (after, 1, 6)]
    );
    assert!(evidence.iter().all(|e| !e.is_failure));
    wire.tick(30_000_000_000, &mut said);
    assert_eq!(wire.pin(1), None, "too late");
}

#[test]
fn a_failed_parser_leaves_its_packets() {
    let mut wire = Wire::new(WireConfig { evidence_bytes: 1 << 20, ..WireConfig::default() });
    let mut said = Said::default();
    for (n, data) in conversation(&[(0, b"ECHO PANIC")]).iter().enumerate() {
        wire.frame(&crafted::frame(n as u64, data), &mut said);
    }
    let evidence = wire.take_evidence();
    assert_eq!((evidence.len(), evidence[0].packets, evidence[0].is_failure), (1, 3, true));
    assert_eq!((wire.counters().panics, wire.counters().analysed), (1, 3));
}

#[test]
fn frames_of_unknown_links_are_dropped_by_name() {
    let mut wire = Wire::new(WireConfig::default());
    let frame = Frame { link: LinkType(147), ..crafted::frame(0, b"abc") };
    wire.frame(&frame, &mut Said::default());
    assert_eq!(wire.counters().drop_link_unknown, 1);
    assert_balanced(wire.counters());
}

/// Flows of one packet each, at one time.
fn many_flows(wire: &mut Wire, count: u16, said: &mut dyn Sink) {
    for n in 0..count {
        wire.frame(&crafted::frame(1, &crafted::udp("10.0.0.1", 1000 + n, "10.0.0.2", 9999, b"x")), said);
    }
}

#[test]
fn flows_end_in_portions_and_each_once() {
    let mut wire = Wire::new(WireConfig::default());
    let mut said = Said::default();
    many_flows(&mut wire, 1000, &mut said);
    let late = 200_000_000_000;
    assert!(!wire.prepare(late, &mut said));
    assert_eq!(said.flows.len(), PORTION);
    while !wire.prepare(late, &mut said) {}
    assert_eq!(said.flows, (1..=1000).collect::<Vec<_>>());
    many_flows(&mut wire, 600, &mut said);
    assert!(!wire.finish_some(&mut said));
    // A packet of a flow that is about to end, and one of a new one.
    many_flows(&mut wire, 601, &mut said);
    while !wire.finish_some(&mut said) {}
    wire.finish(&mut said);
    said.flows.sort_unstable();
    said.flows.dedup();
    assert_eq!((said.flows.len() as u64, wire.flows()), (wire.counters().flows, 0));
}

/// A hit looks its flow up; with a walk over all that spoke, this test would take minutes.
#[test]
fn pins_of_many_flows_that_end_at_once_are_quick() {
    let mut wire = Wire::new(WireConfig { evidence_bytes: 1 << 24, ..WireConfig::default() });
    let mut said = Said::default();
    for n in 0..200_000_u32 {
        let from = format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255);
        wire.frame(&crafted::frame(1, &crafted::udp(&from, 1000, "10.0.0.2", 9999, b"x")), &mut said);
    }
    let start = std::time::Instant::now();
    wire.tick(200_000_000_000, &mut said);
    assert_eq!(said.flows.len(), 200_000);
    let mut kept = 0;
    for flow in said.flows {
        kept += usize::from(wire.pin(flow).is_some());
        kept -= wire.take_evidence().len();
    }
    assert_eq!(kept, 0);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn a_clock_that_was_set_back_does_not_hold_pins() {
    let mut wire = Wire::new(WireConfig { evidence_bytes: 1 << 20, ..WireConfig::default() });
    let mut said = Said::default();
    let frame = crafted::udp("10.0.0.1", 1, "10.0.0.2", 2, b"x");
    wire.frame(&crafted::frame(1 << 60, &frame), &mut said);
    wire.frame(&crafted::frame(5_000_000_000, &frame), &mut said);
    wire.pin(wire.counters().flows).unwrap();
    wire.frame(&crafted::frame(6_100_000_000, &crafted::udp("10.0.0.3", 1, "10.0.0.2", 2, b"x")), &mut said);
    assert_eq!(wire.take_evidence().len(), 1);
}

/// A sink that fails at what a dropped frame says costs neither the tables nor a number twice.
#[test]
fn a_failure_on_a_dropped_frame_is_caught_and_numbers_go_on() {
    struct Fails(bool, Vec<u64>);
    impl Sink for Fails {
        fn event(&mut self, event: &Event<'_>) {
            self.1.push(event.flow.id);
            assert!(!self.0, "asked to");
        }
    }
    let mut wire = Wire::new(WireConfig::default());
    let mut sink = Fails(true, Vec::new());
    let mut broken = crafted::udp("10.0.0.1", 1, "10.0.0.2", 2, b"x");
    many_flows(&mut wire, 3, &mut sink);
    broken[0] = 0x41;
    wire.frame(&crafted::frame(1, &broken), &mut sink);
    assert_eq!((wire.counters().panics, wire.counters().drop_malformed, wire.flows()), (1, 1, 3));
    assert_balanced(wire.counters());
    wire.failed();
    sink.0 = false;
    many_flows(&mut wire, 1, &mut sink);
    wire.finish(&mut sink);
    assert_eq!(sink.1.last(), Some(&5), "number 1 was given before");
}

#[test]
fn kinds_that_are_wanted_later_are_looked_for_in_new_flows() {
    let mut wire = Wire::new(WireConfig { kinds: vec![EventKind::Flow], ..WireConfig::default() });
    wire.set_kinds(EventKind::ALL.to_vec());
    let mut said = Said::default();
    for data in conversation(&[(0, STREAM)]) {
        wire.frame(&crafted::frame(1, &data), &mut said);
    }
    wire.finish(&mut said);
    assert_eq!(said.http.len(), 3);
}

/// Keeps the payload sizes of flows' records; `None` where a record has none.
#[derive(Default)]
struct Sizes(Vec<Option<Vec<f64>>>);

impl Sink for Sizes {
    fn event(&mut self, event: &Event<'_>) {
        let number = |value: &Value<'_>| if let Value::Float(number) = value { *number } else { f64::NAN };
        if event.kind == EventKind::Flow {
            let found = event.fields.iter().find(|(field, _)| *field == Field::FlowPayloadSizes);
            self.0.push(found.map(|(_, value)| match value {
                Value::List(list) => list.iter().map(number).collect(),
                other => vec![number(other)],
            }));
        }
    }
}

#[test]
fn features_are_told_only_where_somebody_asks() {
    let mut frames = conversation(&[(0, b"one"), (3, b"three")]);
    frames.push(crafted::tcp(SERVER, CLIENT, (500, 108), ACK, b"answers"));
    for (is_on, expected) in [(true, Some(vec![3.0, 5.0, -7.0])), (false, None)] {
        let mut wire = Wire::new(WireConfig { features: is_on, ..WireConfig::default() });
        let mut sizes = Sizes::default();
        for (n, data) in frames.iter().enumerate() {
            wire.frame(&crafted::frame(n as u64 * 1_000, data), &mut sizes);
        }
        wire.finish(&mut sizes);
        assert_eq!(sizes.0, [expected]);
    }
}

#[test]
fn features_of_a_flow_that_lived_before_they_were_asked_for_are_unobserved() {
    let frames = conversation(&[(0, b"one"), (3, b"three")]);
    let mut wire = Wire::new(WireConfig::default());
    let mut sizes = Sizes::default();
    for (n, data) in frames.iter().enumerate() {
        wire.set_features(n > 2);
        wire.frame(&crafted::frame(n as u64 * 1_000, data), &mut sizes);
    }
    wire.finish(&mut sizes);
    assert!(matches!(&sizes.0[..], [Some(one)] if one.len() == 1 && one[0].is_nan()));
}

#[test]
fn wrong_checksums_are_counted_on_request_and_one_sender_is_told() {
    let frames: Vec<Vec<u8>> = (0..60).map(|n| crafted::udp(CLIENT.0, 1000 + n, SERVER.0, 9, b"x")).collect();
    let (said, counters) = run(WireConfig::default(), &frames);
    assert_eq!((counters.checksum_wrong, said.weirds.len()), (0, 0));
    let (said, counters) = run(WireConfig { checksums: true, ..WireConfig::default() }, &frames);
    assert_eq!((counters.checksum_wrong, counters.analysed), (60, 60));
    assert_eq!(said.weirds, ["checksum_offload"]);
}
