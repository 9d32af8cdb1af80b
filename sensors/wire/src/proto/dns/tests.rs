use proptest::prelude::*;

use super::limits::{ANSWER_TIMEOUT, MAX_ANSWERS, MAX_PENDING};
use super::*;
use crate::messages::EventKind;
use crate::proto::StreamParser;
use crate::proto::testing::{Recorder, Seen};

const MS: u64 = 1_000_000;

fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|label| !label.is_empty());
    let mut wire: Vec<u8> =
        labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    wire.push(0);
    wire
}

fn message(id: u16, flags: u16, question: Option<(&str, u16)>, answers: &[Vec<u8>]) -> Vec<u8> {
    let counts = [u16::from(question.is_some()), answers.len() as u16, 0, 0];
    let mut wire: Vec<u8> = [id, flags].iter().chain(&counts).flat_map(|word| word.to_be_bytes()).collect();
    if let Some((asked, qtype)) = question {
        wire.extend(name(asked));
        wire.extend(qtype.to_be_bytes());
        wire.extend([0, 1]);
    }
    wire.extend(answers.concat());
    wire
}

/// A record whose name points to the question's.
fn record(rtype: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let mut wire = vec![0xc0, 12];
    wire.extend(rtype.to_be_bytes());
    wire.extend([0, 1]);
    wire.extend(ttl.to_be_bytes());
    wire.extend((data.len() as u16).to_be_bytes());
    wire.extend(data);
    wire
}

fn query(id: u16, asked: &str, qtype: u16) -> Vec<u8> {
    message(id, 0x0100, Some((asked, qtype)), &[])
}

struct Bench {
    parser: DnsDatagram,
    log: Recorder,
}

impl Bench {
    fn new() -> Self {
        Self { parser: DnsDatagram::default(), log: Recorder::new(FIELDS) }
    }

    fn send(&mut self, step: u64, payload: &[u8]) -> &mut Self {
        let Self { parser, log } = self;
        let answer = payload.get(2).is_some_and(|flags| flags & 0x80 != 0);
        let direction = if answer { Direction::ToClient } else { Direction::ToServer };
        log.with(step, |cx| parser.datagram(direction, payload, cx));
        self
    }

    fn close(&mut self) -> &mut Self {
        let Self { parser, log } = self;
        log.with(0, |cx| parser.close(Close::End, cx));
        self
    }

    fn only(&self) -> &Seen {
        assert_eq!(self.log.seen.len(), 1, "{:?}", self.log.seen);
        &self.log.seen[0]
    }
}

#[test]
fn an_answer_completes_its_query() {
    let mut bench = Bench::new();
    let answers = [
        record(5, 60, b"\x04edge\xc0\x10"),
        record(1, 300, &[192, 0, 2, 7]),
        record(1, 300, &[192, 0, 2, 8]),
    ];
    bench.send(0, &query(0x1234, "wWw.example.dk", 1));
    assert!(bench.log.seen.is_empty());
    bench.send(5 * MS, &message(0x1234, 0x8580, Some(("www.example.dk", 1)), &answers)).close();
    let event = bench.only();
    for (field, value) in [
        ("bavn.dns.answer_count", "3"),
        ("bavn.dns.question_type_code", "1"),
        ("bavn.dns.question_length", "14"),
        ("bavn.dns.rejected", "false"),
        ("bavn.dns.response_code_number", "0"),
        ("bavn.dns.rtt", "5000000"),
        ("bavn.dns.z", "0"),
        ("bavn.dns.aa", "true"),
        ("bavn.dns.tc", "false"),
        ("dns.answers.class", "IN|IN|IN"),
        ("dns.answers.data", "edge.example.dk|192.0.2.7|192.0.2.8"),
        ("dns.answers.name", "www.example.dk|www.example.dk|www.example.dk"),
        ("dns.answers.ttl", "60|300|300"),
        ("dns.answers.type", "CNAME|A|A"),
        ("dns.header_flags", "AA|RD|RA"),
        ("dns.id", "4660"),
        ("dns.op_code", "QUERY"),
        ("dns.question.class", "IN"),
        ("dns.question.name", "wWw.example.dk"),
        ("dns.question.type", "A"),
        ("dns.resolved_ip", "192.0.2.7|192.0.2.8"),
        ("dns.response_code", "NOERROR"),
        ("dns.type", "answer"),
    ] {
        assert_eq!(event.get(field), value, "{field}");
    }
    assert_eq!(event.packet, 2);
}

#[test]
fn a_query_without_answer_is_told_with_its_own_time() {
    let mut bench = Bench::new();
    bench.send(7, &query(1, "a.dk", 16)).send(ANSWER_TIMEOUT + 1, &query(2, "b.dk", 65_280)).close();
    let [first, second] = &bench.log.seen[..] else { panic!("{:?}", bench.log.seen) };
    assert_eq!((first.time, first.packet, first.get("dns.question.name")), (7, 1, "a.dk"));
    assert_eq!((second.packet, second.get("dns.question.type")), (2, "TYPE65280"));
    for field in
        ["dns.answers.data", "dns.resolved_ip", "dns.response_code", "bavn.dns.rejected", "bavn.dns.rtt"]
    {
        assert_eq!(first.get(field), "?", "{field}");
    }
    assert_eq!((first.get("dns.type"), first.get("bavn.dns.z")), ("query", "0"));
    assert_eq!(bench.log.counters.weird, 0);
}

#[test]
fn a_tick_ends_the_wait() {
    let mut bench = Bench::new();
    bench.send(0, &query(1, "a.dk", 1));
    let Bench { parser, log } = &mut bench;
    log.with(ANSWER_TIMEOUT, |cx| parser.tick(cx));
    assert!(log.seen.is_empty());
    log.with(1, |cx| parser.tick(cx));
    assert_eq!(bench.only().get("dns.type"), "query");
}

#[test]
fn a_repeated_query_is_one_transaction() {
    let mut bench = Bench::new();
    let again = query(9, "a.dk", 1);
    bench.send(0, &again).send(MS, &again).send(MS, &message(9, 0x8183, Some(("a.dk", 1)), &[])).close();
    let event = bench.only();
    assert_eq!((event.get("dns.response_code"), event.get("bavn.dns.rtt")), ("NXDOMAIN", "2000000"));
    assert_eq!((event.get("dns.answers.data"), event.get("bavn.dns.rejected")), ("", "false"));
}

#[test]
fn an_answer_without_query_is_an_event() {
    let mut bench = Bench::new();
    bench.send(0, &message(9, 0x8185, Some(("a.dk", 1)), &[])).close();
    let event = bench.only();
    assert_eq!((event.get("dns.response_code"), event.get("bavn.dns.rejected")), ("REFUSED", "true"));
    assert_eq!((event.get("dns.question.name"), event.get("bavn.dns.rtt")), ("a.dk", "?"));
}

#[test]
fn an_answer_to_another_question_leaves_the_query_open() {
    let mut bench = Bench::new();
    bench.send(0, &query(9, "bank.dk", 1));
    bench.send(1, &message(9, 0x8180, Some(("evil.dk", 1)), &[record(1, 1, &[1, 1, 1, 1])]));
    bench.send(1, &message(9, 0x8180, Some(("bank.dk", 1)), &[record(1, 1, &[2, 2, 2, 2])]));
    assert_eq!(bench.log.weird(), ["dns_answer_to_other_question"]);
    let events = bench.log.events();
    assert_eq!((events[0].get("dns.question.name"), events[0].get("bavn.dns.rtt")), ("evil.dk", "?"));
    assert_eq!((events[1].get("dns.question.name"), events[1].get("bavn.dns.rtt")), ("bank.dk", "2"));
}

#[test]
fn an_announcement_the_same_way_is_no_answer() {
    let mut bench = Bench::new();
    let Bench { parser, log } = &mut bench;
    for payload in [query(0, "_http._tcp.local", 12), message(0, 0x8400, None, &[])] {
        log.with(1, |cx| parser.datagram(Direction::ToServer, &payload, cx));
    }
    assert_eq!((bench.only().get("dns.type"), bench.only().get("bavn.dns.rtt")), ("answer", "?"));
}

#[test]
fn edns_extends_code_and_flags() {
    // RFC 6891 6.1: root name, type 41, class = size, TTL = extended code, version, DO.
    let opt = |ttl: u32| [&[0, 0, 41, 16, 0][..], &ttl.to_be_bytes(), &[0, 0]].concat();
    let mut asked = query(1, "a.dk", 48);
    asked.extend(opt(0x8000));
    asked[11] = 1;
    asked[3] |= 0x20;
    let mut answer = message(1, 0x8180, Some(("a.dk", 48)), &[]);
    answer.extend(opt(0x0100_8000));
    answer[11] = 1;
    let mut bench = Bench::new();
    bench.send(0, &asked).send(1, &answer);
    let event = bench.only();
    assert_eq!(
        (event.get("dns.response_code"), event.get("bavn.dns.response_code_number")),
        ("BADVERS", "16")
    );
    assert_eq!((event.get("dns.header_flags"), event.get("bavn.dns.z")), ("RD|RA|DO", "2"));
    assert_eq!((event.get("dns.question.type"), event.get("bavn.dns.rejected")), ("DNSKEY", "true"));
}

#[test]
fn z_bits_are_told_of_a_lone_query() {
    let mut bench = Bench::new();
    let mut asked = query(1, "a.dk", 1);
    asked[3] |= 0x40;
    assert_eq!(DnsDatagram::probe(&asked, [1, 2]), Probe::Yes);
    bench.send(0, &asked).close();
    assert_eq!(bench.only().get("bavn.dns.z"), "4");
}

#[test]
fn numbers_without_names_survive() {
    let mut bench = Bench::new();
    let mut answer = message(1, 0x800c | 0x3800, Some(("a.dk", 4000)), &[record(4001, 1, &[0xde, 0xad])]);
    let class = answer.iter().rposition(|byte| *byte == 0xc0).unwrap() - 2;
    answer[class + 1] = 77;
    bench.send(0, &answer);
    let event = bench.only();
    assert_eq!((event.get("dns.op_code"), event.get("dns.response_code")), ("OPCODE7", "RCODE12"));
    assert_eq!((event.get("dns.question.type"), event.get("dns.question.class")), ("TYPE4000", "CLASS77"));
    assert_eq!((event.get("dns.answers.type"), event.get("dns.answers.data")), ("TYPE4001", "\\# 2 DEAD"));
}

#[test]
fn limits_are_counted() {
    let mut bench = Bench::new();
    for id in 0..=MAX_PENDING.get() as u16 {
        bench.send(1, &query(id, "a.dk", 1));
    }
    assert_eq!(bench.only().get("dns.id"), "0");
    assert_eq!(bench.log.counters.parser_limit, 1);
    let mut bench = Bench::new();
    let many = vec![record(1, 1, &[1, 2, 3, 4]); MAX_ANSWERS.get() + 9];
    bench.send(0, &message(1, 0x8180, Some(("a.dk", 1)), &many));
    let ttl = bench.only().get("dns.answers.ttl");
    assert_eq!((ttl.split('|').count(), ttl.ends_with("|?")), (MAX_ANSWERS.get() + 1, true));
    assert_eq!(bench.log.counters.parser_limit, 1);
}

#[test]
fn malformed_messages_are_named() {
    let mut bench = Bench::new();
    bench.send(0, b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01");
    bench.send(0, b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x41a\0\0\x01\0\x01");
    bench.send(0, b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x05ab");
    bench.send(0, b"\0\x01");
    bench.send(0, &message(1, 0x0100, None, &[]));
    let names = ["dns_bad_pointer", "dns_bad_label_type", "dns_truncated_message"];
    assert_eq!(bench.log.weird(), [&names[..], &["dns_query_without_question"]].concat());
    assert!(bench.log.weird().iter().all(|name| WEIRDS.iter().any(|(known, _)| known == name)));
}

#[test]
fn answers_are_told_as_far_as_they_can_be_read() {
    let mut bench = Bench::new();
    let answers = [record(1, 1, &[1, 2, 3, 4]), record(1, 1, &[5, 6, 7, 8])];
    let whole = message(1, 0x8180, Some(("a.dk", 1)), &answers);
    bench.send(0, &whole[..whole.len() - 1]);
    assert_eq!(bench.log.weird(), ["dns_truncated_message"]);
    let event = bench.log.events()[0];
    assert_eq!((event.get("dns.answers.data"), event.get("bavn.dns.answer_count")), ("1.2.3.4|?", "2"));
}

#[test]
fn nothing_is_parsed_where_nobody_wants_it() {
    let mut bench = Bench::new();
    bench.log.wanted = &[EventKind::Flow];
    bench.send(0, &query(1, "a.dk", 1)).send(0, b"\0").close();
    assert!(bench.log.seen.is_empty());
}

#[test]
fn probe_goes_by_content() {
    let yes = |payload: &[u8], ports| DnsDatagram::probe(payload, ports) == Probe::Yes;
    let asked = query(1, "a.dk", 1);
    assert!(yes(&asked, [4000, 5000]) && yes(&asked, [4000, 53]));
    assert!(!yes(&asked[..asked.len() - 1], [4000, 5000]));
    let mut odd_class = asked.clone();
    odd_class[asked.len() - 1] = 9;
    assert!(!yes(&odd_class, [4000, 5000]) && yes(&odd_class, [53, 5000]));
    assert!(!yes(&[0; 64], [4000, 5000]));
    assert!(yes(&message(1, 0x8181, None, &[]), [53, 4000]), "a bare FORMERR");
    let mut netbios = message(1, 0x0110, None, &[]);
    netbios[5] = 1;
    netbios.extend([&b"\x20"[..], &[b'C'; 32], b"\0\0\x20\0\x01"].concat());
    assert!(!yes(&netbios, [137, 137]));
    let mdns = message(
        0,
        0x8400,
        None,
        &[[name("_http._tcp.local"), vec![0, 12, 0x80, 1, 0, 0, 0, 9, 0, 0]].concat()],
    );
    assert!(yes(&mdns, [5353, 5353]));
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

fn stream(parts: &[(Direction, &[u8])]) -> (Recorder, Next) {
    let mut log = Recorder::new(FIELDS);
    let mut parser = DnsStream::default();
    let mut next = Next::More;
    for (direction, data) in parts {
        next = log.with(1, |cx| parser.data(*direction, data, cx));
    }
    log.with(1, |cx| parser.close(Close::End, cx));
    (log, next)
}

fn two_queries() -> (Vec<u8>, Vec<u8>) {
    let asked = [framed(&query(1, "a.dk", 1)), framed(&query(2, "b.dk", 16))].concat();
    let first = message(2, 0x8180, Some(("b.dk", 16)), &[record(16, 1, b"\x02hi")]);
    let second = message(1, 0x8180, Some(("a.dk", 1)), &[record(1, 1, &[1, 2, 3, 4])]);
    (asked, [framed(&first), framed(&second)].concat())
}

#[test]
fn pipelined_streams_split_anywhere() {
    let (asked, told) = two_queries();
    for cut in 0..asked.len() {
        let (a, b) = asked.split_at(cut);
        for back in 0..told.len() {
            let (c, d) = told.split_at(back);
            let parts = [
                (Direction::ToServer, a),
                (Direction::ToServer, b),
                (Direction::ToClient, c),
                (Direction::ToClient, d),
            ];
            let (log, _) = stream(&parts);
            let shown: Vec<_> = log.seen.iter().map(|event| event.get("dns.answers.data")).collect();
            assert_eq!(shown, ["\"hi\"", "1.2.3.4"], "{cut} {back}");
        }
    }
}

#[test]
fn stream_framing_errors_are_named() {
    let (log, next) = stream(&[(Direction::ToServer, b"\0\0\0\x03abc")]);
    assert_eq!(log.weird(), ["dns_bad_length_prefix"]);
    assert_eq!(next, Next::More, "the other direction may go on");
    let (log, _) = stream(&[(Direction::ToServer, b"\xff\xffab")]);
    assert_eq!(log.weird(), ["dns_stream_ends_in_message"]);
}

#[test]
fn a_stream_finds_its_way_after_a_gap() {
    let (asked, _) = two_queries();
    let one = framed(&query(3, "c.dk", 1));
    // Within a message: the rest of it is passed over.
    let mut log = Recorder::new(FIELDS);
    let mut parser = DnsStream::default();
    log.with(1, |cx| parser.data(Direction::ToServer, &one[..5], cx));
    log.with(1, |cx| parser.gap(Direction::ToServer, 3, cx));
    log.with(1, |cx| parser.data(Direction::ToServer, &[&one[8..], &asked[..]].concat(), cx));
    // Past it: the next segment must look like a message.
    log.with(1, |cx| parser.gap(Direction::ToServer, 1000, cx));
    log.with(1, |cx| parser.data(Direction::ToServer, &one, cx));
    log.with(1, |cx| parser.gap(Direction::ToServer, 1000, cx));
    log.with(1, |cx| parser.data(Direction::ToServer, b"rubbish", cx));
    log.with(1, |cx| parser.data(Direction::ToServer, &one, cx));
    log.with(1, |cx| parser.close(Close::End, cx));
    let names: Vec<_> = log.seen.iter().map(|event| event.get("dns.question.name")).collect();
    assert_eq!(names, ["a.dk", "b.dk", "c.dk"]);
}

#[test]
fn a_zone_transfer_is_one_event() {
    let asked = framed(&query(1, "a.dk", 252));
    let part = framed(&message(1, 0x8480, Some(("a.dk", 252)), &[record(1, 1, &[1, 2, 3, 4])]));
    let more = framed(&message(1, 0x8480, None, &[record(1, 1, &[1, 2, 3, 4])]));
    let (log, _) =
        stream(&[(Direction::ToServer, &asked), (Direction::ToClient, &[part, more.clone(), more].concat())]);
    assert_eq!(log.seen.len(), 1);
    assert_eq!(log.seen[0].get("dns.question.type"), "AXFR");
}

#[test]
fn stream_probe_wants_a_message() {
    let one = framed(&query(3, "c.dk", 1));
    assert_eq!(DnsStream::probe(&one, Direction::ToServer), Probe::Yes);
    assert!((0..one.len()).all(|cut| DnsStream::probe(&one[..cut], Direction::ToServer) == Probe::More));
    assert_eq!(DnsStream::probe(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Direction::ToServer), Probe::No);
    assert_eq!(
        DnsStream::probe(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03xxxxxxxxxx", Direction::ToServer),
        Probe::No
    );
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..8)) {
        let mut bench = Bench::new();
        for bytes in &messages {
            bench.send(1, bytes);
        }
        bench.close();
        let parts: Vec<_> = messages.iter().map(|bytes| (Direction::ToServer, bytes.as_slice())).collect();
        stream(&parts);
    }

    #[test]
    fn random_datagrams_are_not_dns(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
        prop_assert_eq!(DnsDatagram::probe(&bytes, [4000, 5000]), Probe::No);
    }

    #[test]
    fn changed_and_cut_answers_do_no_harm(at in 0_usize..90, byte: u8, cut in 0_usize..90) {
        let answers = [record(15, 1, b"\0\x01\x01m\xc0\x0c"), record(16, 1, b"\x01x"), record(65, 1, b"\0\x01\0\0\x01\0\x03\x02h2")];
        let mut wire = message(1, 0x8180, Some(("a.example.dk", 1)), &answers);
        let end = wire.len();
        wire[at % end] = byte;
        wire.truncate(cut.max(1));
        Bench::new().send(0, &wire).close();
    }

    #[test]
    fn names_read_back(labels in proptest::collection::vec("[a-z0-9-]{1,20}", 1..8)) {
        let asked = labels.join(".");
        let mut bench = Bench::new();
        bench.send(0, &query(1, &asked, 1)).close();
        prop_assert_eq!(bench.only().get("dns.question.name"), asked);
    }
}

#[test]
fn empty_messages_on_a_stream_end_it_and_an_anomaly_is_told_once() {
    let (mut parser, mut log) = (DnsStream::default(), Recorder::new(FIELDS));
    log.with(0, |cx| parser.data(Direction::ToServer, &[0; 60_000], cx));
    assert_eq!((log.weird().len(), log.counters.weird), (1, 1));
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.send(1, &message(1, 0x0100, None, &[]));
    }
    assert_eq!(bench.log.weird(), ["dns_query_without_question"]);
    assert_eq!(bench.log.counters.weird, 3);
}

#[test]
fn anomalies_are_found_where_nobody_wants_the_messages() {
    let mut bench = Bench::new();
    bench.log.wanted = &[EventKind::Weird];
    bench.send(0, &query(1, "a.dk", 1)).send(1, &message(1, 0x8180, None, &[vec![0x80]])).close();
    assert_eq!(bench.log.weird(), ["dns_bad_label_type"]);
    assert!(bench.log.events().is_empty());
}

#[test]
fn what_the_capture_cut_off_is_unobserved_and_no_anomaly() {
    let answers = [record(1, 60, &[192, 0, 2, 1]), record(1, 60, &[192, 0, 2, 2])];
    let whole = message(1, 0x8180, Some(("a.dk", 1)), &answers);
    let mut bench = Bench::new();
    bench.log.cut = true;
    bench.send(0, &whole[..whole.len() - 2]).send(1, &whole[..14]).close();
    let event = bench.only();
    assert_eq!((event.get("dns.answers.data"), event.get("dns.resolved_ip")), ("192.0.2.1|?", "192.0.2.1|?"));
    let mut bench = Bench::new();
    bench.send(0, &whole[..whole.len() - 2]).close();
    assert_eq!(bench.log.weird(), ["dns_truncated_message"]);
    assert_eq!(bench.log.events()[0].get("dns.answers.ttl"), "60|?");
}
