use super::*;
use crate::fields::Field;
use crate::flow::Timeouts;
use crate::flow::crafted::{self, ACK, CLIENT, FIN, RST, SERVER, SYN};
use crate::messages::{Event, EventKind, Value};

/// Events as text: `name value` of each field.
#[derive(Default)]
struct Said(Vec<Spoken>);

type Spoken = (EventKind, Vec<(Field, String)>, FlowInfo);

impl Sink for Said {
    fn event(&mut self, event: &Event<'_>) {
        let text = |value: &Value<'_>| match value {
            Value::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Value::Number(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        let fields = event.fields.iter().map(|(field, value)| (*field, text(value))).collect();
        self.0.push((event.kind, fields, event.flow.clone()));
    }
}

impl Said {
    fn flows(&self, field: Field) -> Vec<String> {
        let flows = self.0.iter().filter(|(kind, ..)| *kind == EventKind::Flow);
        flows
            .map(|(_, fields, _)| {
                fields.iter().find(|(f, _)| *f == field).map_or("-".into(), |(_, v)| v.clone())
            })
            .collect()
    }

    fn weirds(&self, name: &str) -> Vec<String> {
        let weirds = self.0.iter().filter(|(kind, fields, _)| {
            *kind == EventKind::Weird && fields.contains(&(Field::WeirdName, name.into()))
        });
        weirds
            .map(|(_, fields, _)| match fields.first() {
                Some((Field::WeirdDetail, detail)) => detail.clone(),
                _ => String::new(),
            })
            .collect()
    }
}

struct Bench {
    table: FlowTable,
    counters: Counters,
    said: Said,
    spoke: Vec<Spoke>,
    shared: Shared,
    time: u64,
    packet: u64,
}

const MS: u64 = 1_000_000;

impl Bench {
    fn new(limits: Limits) -> Self {
        let table = FlowTable::new(limits, super::super::enabled(|_| true), KeyHasher::random());
        Self {
            table,
            counters: Counters::default(),
            said: Said::default(),
            spoke: Vec::new(),
            shared: Shared::default(),
            time: TICK,
            packet: 0,
        }
    }

    fn with(&mut self, run: impl FnOnce(&mut FlowTable, &mut Env<'_>)) {
        let Self { table, counters, said, spoke, shared, time, packet } = self;
        run(table, &mut Env { counters, sink: said, shared, time: *time, packet: *packet, spoke });
    }

    fn give(&mut self, bytes: &[u8]) -> u32 {
        self.time += MS;
        self.packet += 1;
        let packet = crafted::decode_raw(bytes);
        let mut slot = 0;
        self.with(|table, env| {
            table.advance_some(usize::MAX, env);
            slot = table.packet(&packet, env);
        });
        slot
    }

    fn client(&mut self, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> u32 {
        self.give(&crafted::tcp(CLIENT, SERVER, (seq, ack), flags, payload))
    }

    fn server(&mut self, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> u32 {
        self.give(&crafted::tcp(SERVER, CLIENT, (seq, ack), flags, payload))
    }

    fn handshake(&mut self) {
        self.client(99, 0, SYN, b"");
        self.server(499, 100, SYN | ACK, b"");
        self.client(100, 500, ACK, b"");
    }

    fn pass(&mut self, ns: u64) {
        self.time += ns;
        self.with(|table, env| {
            table.advance_some(usize::MAX, env);
        });
    }

    fn end(mut self) -> (Said, Counters) {
        self.with(|table, env| while !table.finish_some(7, env) {});
        assert_eq!((self.table.len(), self.table.budget.used), (0, 0));
        (self.said, self.counters)
    }
}

fn bench() -> Bench {
    Bench::new(Limits::default())
}

#[test]
fn a_whole_conversation_is_told() {
    let mut bench = bench();
    bench.handshake();
    bench.client(100, 500, ACK, b"ECHO hello");
    bench.server(500, 110, ACK, b"ECHO back");
    bench.client(110, 509, ACK | FIN, b"");
    bench.server(509, 111, ACK | FIN, b"");
    bench.client(111, 510, ACK, b"");
    assert_eq!(bench.said.weirds("to_server"), ["ECHO hello"], "told as soon as both sides have finished");
    bench.pass(4 * TICK);
    assert_eq!(bench.table.len(), 1);
    bench.pass(3 * TICK);
    assert_eq!(bench.table.len(), 0, "freed soon after the close");
    let (said, _) = bench.end();
    assert_eq!(said.flows(Field::FlowHistory), ["ShADdFf"]);
    assert_eq!(said.flows(Field::FlowState), ["SF"]);
    assert_eq!(said.flows(Field::FlowReason), ["end"]);
    assert_eq!(said.flows(Field::FlowService), ["echo"]);
    assert_eq!(said.flows(Field::FlowMissedBytes), ["0"]);
    assert_eq!(said.flows(Field::SourcePackets), ["5"]);
    assert_eq!(said.flows(Field::SourceBytes), [(5 * 40 + 10).to_string()]);
    assert_eq!(said.flows(Field::DestinationBytes), [(3 * 40 + 9).to_string()]);
    assert_eq!(said.flows(Field::EventDuration), [(7 * MS).to_string()]);
}

#[test]
fn states_are_zeeks() {
    type Step = (bool, u8);
    let cases: &[(&[Step], &str)] = &[
        (&[(true, SYN)], "S0"),
        (&[(true, SYN), (false, RST | ACK)], "REJ"),
        (&[(true, SYN), (false, SYN | ACK), (true, ACK)], "S1"),
        (&[(true, SYN), (false, SYN | ACK), (true, FIN | ACK)], "S2"),
        (&[(true, SYN), (false, SYN | ACK), (false, FIN | ACK)], "S3"),
        (&[(true, SYN), (false, SYN | ACK), (true, RST)], "RSTO"),
        (&[(true, SYN), (false, SYN | ACK), (false, RST)], "RSTR"),
        (&[(true, SYN), (true, RST)], "RSTOS0"),
        (&[(true, SYN), (true, FIN)], "SH"),
        (&[(false, SYN | ACK), (false, RST)], "RSTRH"),
        (&[(false, SYN | ACK), (false, FIN)], "SHR"),
        (&[(true, ACK)], "OTH"),
    ];
    for (steps, want) in cases {
        let mut bench = bench();
        for (from_client, flags) in *steps {
            let syn = flags & SYN != 0;
            if *from_client {
                bench.client(if syn { 99 } else { 100 }, 500, *flags, b"");
            } else {
                bench.server(if syn { 499 } else { 500 }, 100, *flags, b"");
            }
        }
        let (said, _) = bench.end();
        assert_eq!(said.flows(Field::FlowState), [*want], "{steps:?}");
        assert_eq!(said.0[0].2.port, [CLIENT.1, SERVER.1], "{want}");
    }
}

#[test]
fn an_answer_seen_first_is_turned_round() {
    let mut bench = bench();
    bench.give(&crafted::udp("10.0.0.9", 53, "10.0.0.1", 5000, b"x"));
    bench.give(&crafted::ip("10.0.0.9", "10.0.0.1", 1, &[0, 0, 0, 0, 0, 1, 0, 1]));
    bench.give(&crafted::ip("10.0.0.1", "10.0.0.9", 1, &[8, 0, 0, 0, 0, 1, 0, 1]));
    let (said, counters) = bench.end();
    assert_eq!(counters.flows, 2);
    assert_eq!(said.0[0].2.port, [5000, 53]);
    assert_eq!(said.0[1].2.port, [8, 0]);
    assert_eq!(said.0[1].2.packets, [1, 1]);
    assert_eq!(said.flows(Field::FlowHistory), ["^d", "^"]);
    assert_eq!(said.flows(Field::FlowState), ["SHR", "OTH"]);
}

#[test]
fn one_way_data_is_parsed_without_waiting() {
    let mut bench = bench();
    bench.client(99, 0, SYN, b"");
    bench.client(100, 500, ACK, b"ECHO a");
    bench.client(106, 500, ACK, b"b");
    bench.client(107, 500, ACK, b" DONE");
    assert_eq!(bench.said.weirds("to_server"), ["ECHO ab DONE"]);
    assert_eq!(bench.table.flows[0].stage, Stage::Idle);
    assert!(bench.table.flows[0].analysis.is_none());
}

#[test]
fn a_stream_is_picked_up_in_the_middle() {
    let mut bench = bench();
    bench.client(5000, 1, ACK, b"\x7fail of something");
    bench.server(1, 5017, ACK, b"answer");
    bench.client(5017, 7, ACK, b"ECHO new");
    bench.client(5025, 7, ACK, b" DONE");
    assert_eq!(bench.said.weirds("to_server"), ["ECHO new DONE"]);
}

#[test]
fn probing_waits_for_enough_and_a_stranger_costs_nothing() {
    let mut bench = bench();
    bench.handshake();
    bench.client(100, 500, ACK, b"EC");
    bench.client(102, 500, ACK, b"HO DONE");
    assert_eq!(bench.said.weirds("to_server"), ["ECHO DONE"]);
    let mut bench = self::bench();
    bench.handshake();
    let mut slot = 0;
    for n in 0..9 {
        slot = bench.client(100 + 8 * n, 500 + 9 * n, ACK, b"\x7fstrange");
        bench.server(500 + 9 * n, 108 + 8 * n, ACK, b"\x7fstranger");
        assert!(bench.table.flows[slot].analysis.is_none());
    }
    assert_eq!(bench.table.flows[slot].stage, Stage::Idle);
    assert!(bench.table.flows[slot].analysis.is_none());
}

#[test]
fn data_on_the_syn_counts() {
    let mut bench = bench();
    bench.client(99, 0, SYN, b"ECHO");
    bench.server(499, 104, SYN | ACK, b"");
    bench.client(104, 500, ACK, b" DONE");
    assert_eq!(bench.said.weirds("to_server"), ["ECHO DONE"]);
}

#[test]
fn lost_data_is_a_gap_once_acknowledged() {
    let mut bench = bench();
    bench.handshake();
    bench.client(100, 500, ACK, b"ECHO");
    bench.client(109, 500, ACK, b"after");
    bench.server(500, 114, ACK, b"");
    bench.time += 50 * MS;
    bench.server(500, 114, ACK, b"");
    bench.client(114, 500, ACK, b" DONE");
    assert_eq!(bench.said.weirds("to_server"), ["ECHO<5>after DONE"]);
    let (said, counters) = bench.end();
    assert_eq!((counters.stream_gaps, counters.stream_gap_bytes), (1, 5));
    assert_eq!(said.flows(Field::FlowMissedBytes), ["5"]);
    assert_eq!(said.flows(Field::FlowHistory), ["ShADaG"]);
}

#[test]
fn what_the_capture_cut_is_a_gap_at_once() {
    let mut bench = bench();
    bench.handshake();
    let whole = crafted::tcp(CLIENT, SERVER, (100, 500), ACK, b"ECHO and the rest");
    let mut frame = crafted::frame(0, &whole[..whole.len() - 9]);
    frame.wire_len = whole.len() as u32;
    let Ok(crate::decode::Decoded::Ip(packet)) = crate::decode::decode(&frame) else { panic!() };
    assert_eq!(packet.payload_missing, 9);
    bench.with(|table, env| {
        table.packet(&packet, env);
    });
    bench.client(117, 500, ACK, b"DONE");
    assert_eq!(bench.said.weirds("to_server"), ["ECHO and<9>DONE"]);
}

#[test]
fn early_data_is_handed_on_when_the_flow_ends() {
    let mut bench = bench();
    bench.handshake();
    bench.client(102, 500, ACK, b"HO late");
    bench.client(100, 500, ACK, b"EC");
    bench.client(200, 500, ACK, b"more");
    assert!(bench.table.budget.used > 0);
    let (said, _) = bench.end();
    assert_eq!(said.weirds("to_server"), ["ECHO late<91>more"]);
}

#[test]
fn conflicting_bytes_are_told_once_a_flow() {
    let mut bench = bench();
    bench.handshake();
    bench.client(100, 500, ACK, b"ECHO good");
    bench.client(100, 500, ACK, b"ECHO evil");
    bench.client(100, 500, ACK, b"ECHO mean");
    let (said, counters) = bench.end();
    assert_eq!(said.weirds("stream_overlap").len(), 1);
    assert_eq!(counters.stream_overlaps, 2);
    assert_eq!(said.weirds("to_server"), ["ECHO good"]);
}

#[test]
fn a_forged_reset_or_syn_does_not_end_a_conversation() {
    let mut bench = bench();
    bench.handshake();
    bench.client(100, 500, ACK, b"ECHO");
    bench.client(100 + (1 << 25), 500, RST, b"");
    bench.client(7_000_000, 0, SYN, b"");
    bench.client(104, 500, ACK, b" DONE");
    assert_eq!(bench.said.weirds("to_server"), ["ECHO DONE"]);
    let (said, counters) = bench.end();
    assert_eq!((counters.flows, said.flows(Field::FlowState)), (1, vec!["S1".to_owned()]));
}

#[test]
fn ports_used_again_are_another_flow() {
    let mut bench = bench();
    bench.handshake();
    bench.client(100, 500, FIN | ACK, b"");
    bench.server(500, 101, FIN | ACK, b"");
    bench.client(9_000, 0, SYN, b"");
    assert_eq!(bench.counters.flows, 2);
    // The close was not seen: the server's new number tells.
    bench.server(70_000, 9_001, SYN | ACK, b"");
    bench.client(9_001, 70_001, ACK, b"x");
    bench.client(600_000, 0, SYN, b"");
    assert_eq!(bench.counters.flows, 2);
    bench.server(900_000, 600_001, SYN | ACK, b"");
    assert_eq!(bench.counters.flows, 3);
    bench.client(600_001, 900_001, ACK, b"ECHO DONE");
    let (said, _) = bench.end();
    assert_eq!(said.weirds("to_server"), ["ECHO DONE"]);
    assert!(said.0.iter().all(|(_, _, info)| info.port == [CLIENT.1, SERVER.1]));
}

#[test]
fn a_parser_that_fails_loses_its_flow_only() {
    let mut bench = bench();
    bench.handshake();
    let slot = bench.client(100, 500, ACK, b"ECHO PANIC");
    bench.client(110, 500, ACK, b"more");
    assert_eq!((bench.counters.panics, bench.table.quarantined.as_slice()), (1, &[(slot, 1)][..]));
    let (said, _) = bench.end();
    assert_eq!(said.weirds("parser_panic").len(), 1);
    assert_eq!(said.flows(Field::SourcePackets), ["4"]);
}

#[test]
fn flows_end_by_packet_time_and_activity_keeps_them() {
    let mut bench = bench();
    let timeouts = Timeouts::default();
    bench.give(&crafted::udp("10.0.0.1", 1000, "10.0.0.2", 2000, b"a"));
    bench.pass(timeouts.udp - 2 * TICK);
    bench.give(&crafted::udp("10.0.0.1", 1000, "10.0.0.2", 2000, b"b"));
    bench.pass(timeouts.udp - 2 * TICK);
    assert_eq!(bench.table.len(), 1);
    bench.pass(4 * TICK);
    assert_eq!(bench.table.len(), 0);
    bench.give(&crafted::udp("10.0.0.1", 1000, "10.0.0.2", 2000, b"c"));
    let (said, counters) = bench.end();
    assert_eq!(counters.flows, 2);
    assert_eq!(said.flows(Field::FlowReason), ["timeout", "shutdown"]);
    assert_eq!(said.0[0].2.packets, [2, 0]);
}

#[test]
fn clocks_that_jump_either_way_do_no_harm() {
    let mut bench = bench();
    for time in [1000, 5, 4_000_000_000, 0, 7, 18_000_000_000, 1 << 33, 3] {
        bench.time = time * TICK;
        bench.give(&crafted::udp("10.0.0.1", 1000, "10.0.0.2", 2000, b"a"));
        bench.pass(0);
    }
    bench.time = 100 * TICK;
    for _ in 0..700 {
        bench.pass(TICK);
    }
    assert_eq!(bench.table.len(), 0);
}

#[test]
fn long_flows_are_told_of_again() {
    let mut bench = bench();
    bench.handshake();
    for _ in 0..130 {
        bench.pass(10 * TICK);
        bench.client(100, 500, ACK, b"");
    }
    let (said, _) = bench.end();
    assert_eq!(said.flows(Field::FlowReason), ["update", "update", "shutdown"]);
}

#[test]
fn a_full_table_ends_the_least_recently_seen() {
    let mut bench = Bench::new(Limits { flows: 100, ..Limits::default() });
    bench.give(&crafted::udp("10.9.9.9", 1, "10.0.0.2", 2, b"a"));
    for n in 0..1000u16 {
        bench.time += 20 * MS;
        bench.give(&crafted::udp("10.0.0.1", 1000 + n, "10.0.0.2", 20_000, b"a"));
        assert!(bench.table.len() <= 100);
    }
    let (said, counters) = bench.end();
    assert_eq!((counters.flows, counters.flows_evicted), (1001, 901));
    assert_eq!(said.0[0].2.port, [1, 2], "the oldest went first");
    assert_eq!(said.flows(Field::FlowReason).iter().filter(|reason| *reason == "evicted").count(), 901);
}

#[test]
fn a_live_flow_costs_less_than_300_bytes() {
    let mut bench = bench();
    const FLOWS: usize = 100_000;
    for n in 0..FLOWS {
        let from = format!("10.{}.{}.1", n >> 16, (n >> 8) & 255);
        bench.time -= MS;
        bench.give(&crafted::tcp((&from, 1024 + (n & 255) as u16), SERVER, (1, 0), SYN, b""));
    }
    assert_eq!(bench.table.len(), FLOWS);
    let each = bench.table.size() / FLOWS;
    assert!(each <= 300, "{each} bytes a flow");
}

#[test]
fn a_time_at_the_end_of_the_clock_fails_nothing() {
    let mut bench = bench();
    bench.time = u64::MAX - 10 * MS;
    let query = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
    bench.give(&crafted::udp("10.0.0.1", 4000, "10.0.0.2", 53, query));
    bench.handshake();
    bench.client(100, 500, ACK, b"ECHO");
    bench.client(105, 500, ACK, b"early");
    let (said, counters) = bench.end();
    assert_eq!((counters.panics, counters.flows), (0, 2));
    assert_eq!(said.flows(Field::FlowService), ["dns", "echo"]);
}

#[test]
fn looking_for_a_way_costs_a_datagram_flow_no_try() {
    let query = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
    let mut stun = [b"\0\x01\0\0\x21\x12\xa4\x42".as_slice(), &[7; 12]].concat();
    for service in ["dns", "-"] {
        let mut bench = bench();
        for _ in 0..20 {
            bench.give(&crafted::udp("10.0.0.1", 4000, "10.0.0.2", 4001, &stun));
        }
        bench.give(&crafted::udp("10.0.0.1", 4000, "10.0.0.2", 4001, query));
        assert_eq!(bench.end().0.flows(Field::FlowService), [service]);
        // Without the magic cookie it is unknown, and the flow is left after a few.
        stun[4] = 0;
    }
}

#[test]
fn a_silent_flow_holds_no_budget() {
    let mut bench = bench();
    bench.handshake();
    bench.client(100, 500, ACK, b"ECHO");
    for early in 1..=100 {
        bench.client(100 + 10 * early, 500, ACK, b"early");
    }
    assert!(bench.table.budget.used > 0);
    for _ in 0..11 {
        bench.pass(TICK);
    }
    assert_eq!((bench.table.budget.used, bench.table.len()), (0, 1));
    bench.end();
}

/// A segment of which the capture kept the first bytes alone.
fn cut(bench: &mut Bench, seq: u32, payload: &[u8], kept: usize) {
    let whole = crafted::tcp(CLIENT, SERVER, (seq, 500), ACK, payload);
    let data = &whole[..whole.len() - payload.len() + kept];
    let frame = crate::messages::Frame { wire_len: whole.len() as u32, ..crafted::frame(0, data) };
    let Ok(crate::decode::Decoded::Ip(packet)) = crate::decode::decode(&frame) else { panic!("no packet") };
    bench.time += MS;
    bench.with(|table, env| {
        table.packet(&packet, env);
    });
}

#[test]
fn what_the_capture_cut_off_ends_where_held_bytes_begin() {
    let mut bench = bench();
    bench.handshake();
    bench.client(100, 500, ACK, b"ECHO");
    bench.client(110, 500, ACK, b"held");
    cut(&mut bench, 104, b"abcdefghijklmnop", 2);
    bench.client(120, 500, ACK, b"after");
    let (said, counters) = bench.end();
    assert_eq!(said.weirds("to_server"), ["ECHOab<4>held<6>after"]);
    assert_eq!((counters.panics, counters.stream_gap_bytes), (0, 10));
}

#[test]
fn an_update_bears_the_time_of_the_flows_own_packet() {
    #[derive(Default)]
    struct Times(Vec<(u64, u64)>);
    impl Sink for Times {
        fn event(&mut self, event: &Event<'_>) {
            self.0.push((event.time, event.packet));
        }
    }
    let limits = Limits { update_after: 2, ..Limits::default() };
    let mut bench =
        Bench::new(Limits { timeouts: Timeouts { udp: 3 * TICK, ..Timeouts::default() }, ..limits });
    let udp = crafted::udp("10.0.0.1", 4000, "10.0.0.2", 4001, b"x");
    bench.give(&udp);
    bench.pass(2 * TICK);
    bench.give(&udp);
    let (time, mut times) = (bench.time, Times::default());
    let Bench { table, counters, spoke, shared, .. } = &mut bench;
    let mut env = Env { counters, sink: &mut times, shared, time: time + 2 * TICK, packet: 99, spoke };
    table.advance_some(usize::MAX, &mut env);
    assert_eq!(times.0, [(time, 2)]);
}
