use proptest::prelude::*;

use super::limits::{ANSWER_TIMEOUT, MAX_PENDING};
use super::*;
use crate::proto::testing::{Recorder, Seen};

const MS: u64 = 1_000_000;

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let head = match len {
        0..0x80 => vec![tag, len as u8],
        _ => vec![tag, 0x84, 0, (len >> 16) as u8, (len >> 8) as u8, len as u8],
    };
    [&head, content].concat()
}

fn text(text: &str) -> Vec<u8> {
    der(4, text.as_bytes())
}

fn message(id: u8, tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &[der(2, &[id]), der(tag, &parts.concat())].concat())
}

fn bind(id: u8, name: &str, password: &str) -> Vec<u8> {
    message(id, 0x60, &[der(2, &[3]), text(name), der(0x80, password.as_bytes())])
}

fn sasl_bind(id: u8) -> Vec<u8> {
    message(id, 0x60, &[der(2, &[3]), text(""), der(0xa3, &text("GSS-SPNEGO"))])
}

fn result(id: u8, tag: u8, code: u8) -> Vec<u8> {
    message(id, tag, &[der(10, &[code]), text(""), text(if code == 0 { "" } else { "no" })])
}

fn search(id: u8, base: &str) -> Vec<u8> {
    let filter = der(0xa0, &[der(0x87, b"mail"), der(0xa3, &[text("cn"), text("a*")].concat())].concat());
    let attributes = der(0x30, &[text("cn"), text("memberOf")].concat());
    let numbers = [der(10, &[2]), der(10, &[0]), der(2, &[3, 0xe8]), der(2, &[30]), der(1, &[0])].concat();
    let mut whole = message(id, 0x63, &[text(base), numbers, filter, attributes]);
    // A control: paged results.
    let control = der(0xa0, &der(0x30, &text("1.2.840.113556.1.4.319")));
    whole.extend(&control);
    whole[1] += control.len() as u8;
    whole
}

fn entry(id: u8, value: usize) -> Vec<u8> {
    message(id, 0x64, &[text("cn=x"), der(0x30, &vec![b'v'; value])])
}

fn extended(id: u8, oid: &str) -> Vec<u8> {
    message(id, 0x77, &[der(0x80, oid.as_bytes())])
}

const START_TLS: &str = "1.3.6.1.4.1.1466.20037";

struct Bench {
    stream: LdapStream,
    log: Recorder,
    last: Next,
}

impl Bench {
    fn new() -> Self {
        Self { stream: LdapStream::default(), log: Recorder::new(FIELDS), last: Next::More }
    }

    fn send(&mut self, direction: Direction, data: &[u8]) -> &mut Self {
        let Self { stream, log, .. } = self;
        self.last = log.with(MS, |cx| stream.data(direction, data, cx));
        self
    }

    fn ask(&mut self, data: &[u8]) -> &mut Self {
        self.send(Direction::ToServer, data)
    }

    fn answer(&mut self, data: &[u8]) -> &mut Self {
        self.send(Direction::ToClient, data)
    }

    fn close(&mut self) -> &mut Self {
        let Self { stream, log, .. } = self;
        log.with(0, |cx| stream.close(Close::End, cx));
        self
    }

    fn only(&self) -> &Seen {
        assert_eq!(self.log.seen.len(), 1, "{:?}", self.log.seen);
        &self.log.seen[0]
    }

    fn operations(&self) -> Vec<&str> {
        self.log.events().into_iter().map(|seen| seen.get("bavn.ldap.operation")).collect()
    }
}

fn expect(event: &Seen, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        assert_eq!(event.get(&format!("bavn.ldap.{name}")), *value, "{name}");
    }
}

#[test]
fn a_simple_bind_never_shows_its_password() {
    let mut bench = Bench::new();
    bench.ask(&bind(1, "cn=ann", "Invented-1")).answer(&result(1, 0x61, 49));
    expect(
        bench.only(),
        &[
            ("operation", "bind"),
            ("version", "3"),
            ("mechanism", "simple"),
            ("dn", "cn=ann"),
            ("clear_text_password", "true"),
            ("anonymous", "false"),
            ("result", "invalidCredentials"),
            ("result_code", "49"),
            ("success", "false"),
            ("diagnostic", "no"),
            ("message_id", "1"),
            ("rtt", "1000000"),
        ],
    );
    assert_eq!(bench.only().get("user.name"), "cn=ann");
    assert!(!format!("{:?}", bench.log.seen).contains("Invented"));
}

#[test]
fn an_anonymous_bind_has_neither_name_nor_password() {
    let mut bench = Bench::new();
    bench.ask(&bind(1, "", "")).answer(&result(1, 0x61, 0));
    expect(bench.only(), &[("anonymous", "true"), ("clear_text_password", "false"), ("success", "true")]);
    assert_eq!(bench.only().get("user.name"), "");
}

#[test]
fn a_search_counts_what_it_finds() {
    let mut bench = Bench::new();
    let reference = message(2, 0x73, &[text("ldap://other")]);
    let answers = [entry(2, 10), entry(2, 300), reference, result(2, 0x65, 0)].concat();
    bench.ask(&search(2, "dc=a")).answer(&answers);
    expect(
        bench.only(),
        &[
            ("operation", "search"),
            ("dn", "dc=a"),
            ("scope", "sub"),
            ("aliases", "never"),
            ("filter", "(&(mail=*)(cn=a\\2a))"),
            ("attributes", "cn|memberOf"),
            ("controls", "1.2.840.113556.1.4.319"),
            ("size_limit", "1000"),
            ("time_limit", "30"),
            ("types_only", "false"),
            ("entries", "2"),
            ("references", "1"),
            ("result", "success"),
        ],
    );
}

#[test]
fn an_entry_beyond_the_limit_is_counted() {
    let mut bench = Bench::new();
    let answers = [entry(2, limits::MAX_MESSAGE.get()), entry(2, 1), result(2, 0x65, 0)].concat();
    bench.ask(&search(2, "dc=a"));
    for part in answers.chunks(1400) {
        bench.answer(part);
        assert!(bench.stream.held() < 16 * 1024);
    }
    expect(bench.only(), &[("entries", "2")]);
    assert_eq!(bench.log.counters.parser_limit, 1);
}

#[test]
fn changes_tell_what_they_touch() {
    let change = |kind, name: &str| {
        der(0x30, &[der(10, &[kind]), der(0x30, &[text(name), der(0x31, &text("v"))].concat())].concat())
    };
    let changes = der(0x30, &[change(2, "mail"), change(0, "member")].concat());
    let mut bench = Bench::new();
    bench.ask(&message(1, 0x66, &[text("cn=x"), changes])).answer(&result(1, 0x67, 50));
    let attributes = der(0x30, &der(0x30, &[text("sn"), der(0x31, &text("v"))].concat()));
    bench.ask(&message(2, 0x68, &[text("cn=y"), attributes])).answer(&result(2, 0x69, 0));
    bench.ask(&message(3, 0x4a, &[b"cn=z".to_vec()])).answer(&result(3, 0x6b, 0));
    let rename = [text("cn=y"), text("cn=w"), der(1, &[0xff]), der(0x80, b"ou=o")];
    bench.ask(&message(4, 0x6c, &rename)).answer(&result(4, 0x6d, 0));
    let [modified, added, deleted, renamed] = &bench.log.seen[..] else { panic!("{:?}", bench.log.seen) };
    let result = ("result", "insufficientAccessRights");
    expect(
        modified,
        &[
            ("operation", "modify"),
            ("changes", "replace mail|add member"),
            ("attributes", "mail|member"),
            result,
        ],
    );
    expect(added, &[("operation", "add"), ("dn", "cn=y"), ("attributes", "sn")]);
    expect(deleted, &[("operation", "delete"), ("dn", "cn=z")]);
    expect(
        renamed,
        &[
            ("operation", "modify_dn"),
            ("new_rdn", "cn=w"),
            ("new_superior", "ou=o"),
            ("delete_old_rdn", "true"),
        ],
    );
}

#[test]
fn start_tls_hands_over() {
    let mut bench = Bench::new();
    bench.ask(&extended(1, START_TLS));
    let answer = [result(1, 0x78, 0), vec![0x16, 3, 3, 0, 1]].concat();
    bench.answer(&answer);
    assert_eq!(bench.last, Next::Switch(5));
    expect(bench.only(), &[("operation", "extended"), ("extension", "StartTLS"), ("success", "true")]);
}

#[test]
fn start_tls_that_is_refused_goes_on() {
    let mut bench = Bench::new();
    bench.ask(&extended(1, START_TLS)).answer(&result(1, 0x78, 52));
    assert_eq!(bench.last, Next::More);
}

#[test]
fn unbind_abandon_and_notice_have_no_request_and_answer() {
    let mut bench = Bench::new();
    bench.ask(&search(1, "a")).ask(&message(2, 0x50, &[vec![1]])).ask(&message(3, 0x42, &[]));
    let notice =
        message(0, 0x78, &[der(10, &[52]), text(""), text("bye"), der(0x8a, b"1.3.6.1.4.1.1466.20036")]);
    bench.answer(&notice);
    assert_eq!(bench.operations(), ["abandon", "search", "unbind", "notice"]);
    let last = bench.log.seen[3].clone();
    expect(
        &last,
        &[("extension", "NoticeOfDisconnection"), ("result", "unavailable"), ("diagnostic", "bye")],
    );
    expect(&bench.log.seen[1], &[("result", "?"), ("entries", "?"), ("success", "?"), ("scope", "sub")]);
}

#[test]
fn what_sasl_seals_is_told_once() {
    let mut bench = Bench::new();
    bench.ask(&sasl_bind(1)).answer(&result(1, 0x61, 0));
    bench.ask(&[&[0, 0, 0, 28, 5, 4, 2, 0xff][..], &[0xee; 24]].concat());
    assert_eq!(bench.last, Next::Done);
    assert_eq!(bench.operations(), ["bind", "sasl_wrapped"]);
    expect(&bench.log.seen[1], &[("mechanism", "SASL/GSS-SPNEGO"), ("result", "")]);
    assert!(bench.log.weird().is_empty());
}

#[test]
fn what_sasl_signs_is_read_on() {
    let signed = |text: &[u8]| {
        let token = [&[1, 0, 0, 0][..], &[0xaa; 12], text].concat();
        [&(token.len() as u32).to_be_bytes()[..], &token].concat()
    };
    let asked = signed(&search(2, "dc=a"));
    let answers = [signed(&[entry(2, 5), entry(2, 6)].concat()), signed(&result(2, 0x65, 0))].concat();
    for cut in 0..asked.len() {
        let mut bench = Bench::new();
        bench.ask(&sasl_bind(1)).answer(&result(1, 0x61, 0));
        let other = cut.min(answers.len());
        bench.ask(&asked[..cut]).ask(&asked[cut..]).answer(&answers[..other]).answer(&answers[other..]);
        assert_eq!(bench.operations(), ["bind", "search"], "{cut}");
        expect(&bench.log.seen[1], &[("entries", "2"), ("success", "true"), ("dn", "dc=a")]);
    }
}

#[test]
fn every_split_gives_the_same_events() {
    let asked = [bind(1, "cn=a", "x"), search(2, "dc=a"), message(3, 0x42, &[])].concat();
    let answers = [result(1, 0x61, 0), entry(2, 9), result(2, 0x65, 0)].concat();
    for cut in 0..asked.len() {
        let mut bench = Bench::new();
        let other = cut.min(answers.len());
        bench
            .ask(&asked[..cut])
            .ask(&asked[cut..])
            .answer(&answers[..other])
            .answer(&answers[other..])
            .close();
        let mut all = bench.operations();
        all.sort_unstable();
        assert_eq!(all, ["bind", "search", "unbind"]);
        assert!(bench.log.weird().is_empty());
    }
}

#[test]
fn every_cut_is_quiet_and_unobserved() {
    let asked = search(2, "dc=a");
    for cut in 0..=asked.len() {
        let mut bench = Bench::new();
        bench.ask(&asked[..cut]).close();
        assert_eq!(bench.log.seen.len(), usize::from(cut == asked.len()));
        assert!(bench.log.weird().is_empty());
    }
}

#[test]
fn answers_alone_hide_the_request() {
    let mut bench = Bench::new();
    bench.answer(&[entry(7, 3), result(7, 0x65, 0), result(8, 0x61, 0)].concat());
    let [found, bound] = &bench.log.seen[..] else { panic!("{:?}", bench.log.seen) };
    expect(found, &[("entries", "1"), ("filter", "?"), ("dn", "?"), ("rtt", "?"), ("result", "success")]);
    expect(bound, &[("operation", "bind"), ("mechanism", "?"), ("clear_text_password", "?")]);
    assert_eq!(bound.get("user.name"), "?");
}

#[test]
fn a_gap_costs_one_message() {
    let mut bench = Bench::new();
    let asked = search(2, "dc=a");
    bench.ask(&asked[..20]);
    let Bench { stream, log, .. } = &mut bench;
    log.with(0, |cx| stream.gap(Direction::ToServer, asked.len() as u64 - 20, cx));
    bench.ask(&bind(3, "cn=a", "x")).close();
    expect(bench.only(), &[("operation", "bind"), ("result", "?")]);
}

#[test]
fn open_operations_are_bounded_and_expire() {
    let mut bench = Bench::new();
    for id in 0..=MAX_PENDING.get() as u8 {
        bench.ask(&search(id, "a"));
    }
    assert_eq!((bench.log.seen.len(), bench.log.counters.parser_limit), (1, 1));
    let Bench { stream, log, .. } = &mut bench;
    log.with(ANSWER_TIMEOUT + MAX_PENDING.get() as u64 * MS, |cx| stream.tick(cx));
    assert_eq!((bench.log.seen.len(), bench.log.seen[1].packet), (MAX_PENDING.get() + 1, 2));
}

#[test]
fn faults_are_named() {
    let mut bench = Bench::new();
    bench.ask(&der(0x30, &[der(2, &[1]), vec![0x63, 50, 1]].concat()));
    bench.ask(&message(2, 0x60, &[text("no version")]));
    bench.ask(b"\x30\x84\x00\x02\x00\x00\x02\x01\x05\x63\x84\x00\x01\xff\xf7").ask(&[0; 100]);
    bench.answer(b"HTTP/1.1 400");
    assert_eq!(bench.log.weird(), ["ldap_malformed", "ldap_message_too_long", "ldap_no_message"]);
    assert!(bench.log.events().is_empty());
}

#[test]
fn datagrams_hold_several_messages() {
    let mut log = Recorder::new(FIELDS);
    let mut parser = LdapDatagram::default();
    let asked = search(2, "");
    log.with(0, |cx| parser.datagram(Direction::ToServer, &asked, cx));
    log.with(0, |cx| parser.datagram(Direction::ToServer, &asked, cx));
    let answer = [entry(2, 40), result(2, 0x65, 0)].concat();
    log.with(MS, |cx| parser.datagram(Direction::ToClient, &answer, cx));
    log.with(0, |cx| parser.close(Close::End, cx));
    assert_eq!(log.seen.len(), 1);
    expect(&log.seen[0], &[("entries", "1"), ("success", "true")]);
    assert_eq!(LdapDatagram::probe(&answer, [1, 389]), Probe::Yes);
}

#[test]
fn the_probe_knows_ldap_from_its_relatives() {
    for good in
        [bind(1, "cn=a", "b"), search(9, "a"), result(1, 0x61, 0), entry(1, 200), extended(1, START_TLS)]
    {
        assert_eq!(LdapStream::probe(&good, Direction::ToServer), Probe::Yes, "{good:02x?}");
        for cut in 0..7 {
            assert_ne!(LdapStream::probe(&good[..cut], Direction::ToServer), Probe::No);
        }
    }
    // SNMP version 2 with a community, a certificate, and a bind whose version is no number.
    let snmp = b"\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c";
    let certificate = b"\x30\x82\x03\x05\x30\x82\x01\xed\xa0\x03\x02\x01\x02";
    let strange = b"\x30\x0c\x02\x01\x01\x60\x07\x04\x01\x03\x04\x00\x80\x00";
    for other in [&snmp[..], certificate, strange] {
        assert_eq!(LdapStream::probe(other, Direction::ToServer), Probe::No);
        assert_eq!(LdapDatagram::probe(other, [1, 2]), Probe::No);
    }
}

#[test]
fn nobody_listens() {
    let mut bench = Bench::new();
    bench.log.wanted = &[EventKind::Dns];
    bench.ask(&bind(1, "a", "b")).answer(&result(1, 0x61, 0)).close();
    assert!(bench.log.seen.is_empty());
}

proptest! {
    #[test]
    fn noise_does_no_harm(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut bench = Bench::new();
        bench.ask(&data).answer(&data).close();
        LdapDatagram::probe(&data, [1, 389]);
    }

    #[test]
    fn altered_messages_do_no_harm(place in 0usize..120, byte in any::<u8>(), to in 0usize..4) {
        let mut message = [bind(1, "cn=a", "b"), search(2, "dc=a"), entry(3, 9), result(4, 0x65, 10)][to].clone();
        if let Some(old) = message.get_mut(place) { *old = byte; }
        let mut bench = Bench::new();
        bench.ask(&message).close();
        let mut log = Recorder::new(FIELDS);
        let mut parser = LdapDatagram::default();
        log.with(0, |cx| parser.datagram(Direction::ToServer, &message, cx));
    }
}
