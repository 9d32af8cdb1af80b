use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::proto::testing::{Recorder, Seen};

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const MDNS: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251));
const LLMNR: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 252));

fn header(flags: u16, counts: [u8; 4]) -> Vec<u8> {
    let [q, a, n, d] = counts;
    [&[0, 0][..], &flags.to_be_bytes(), &[0, q, 0, a, 0, n, 0, d]].concat()
}

fn run(ip: [IpAddr; 2], port: [u16; 2], bytes: &[u8]) -> Recorder {
    let mut log = Recorder::new(FIELDS).between(ip, port);
    let mut parser = DnsDatagram::default();
    log.with(1000, |cx| parser.datagram(Direction::ToServer, bytes, cx));
    log
}

fn only(log: &Recorder) -> &Seen {
    let [event] = log.events()[..] else { panic!("{} events", log.events().len()) };
    event
}

#[test]
fn several_questions_to_the_group_go_out_at_once() {
    let body = b"\x03foo\x05local\0\0\xff\x80\x01\x04_ipp\x04_tcp\xc0\x10\0\x0c\0\x01";
    let log = run([HOST, MDNS], [5353, 5353], &[&header(0, [2, 0, 0, 0])[..], body].concat());
    let event = only(&log);
    assert_eq!((event.get("network.protocol"), event.get("dns.question.name")), ("mdns", "foo.local"));
    assert_eq!(event.get("bavn.dns.questions"), "foo.local ANY|_ipp._tcp.local PTR");
    assert_eq!(
        (event.get("bavn.dns.unicast_response"), event.get("bavn.dns.question_class_code")),
        ("true", "1")
    );
    assert_eq!((event.get("dns.question.class"), event.get("dns.answers.data")), ("IN", "?"));
}

#[test]
fn an_announcement_answers_no_question() {
    let record = b"\x03foo\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\xc0\0\x02\x07";
    let shared = b"\xc0\x0c\0\x10\0\x01\0\0\0\x78\0\x02\x01a";
    let log = run([HOST, MDNS], [5353, 5353], &[&header(0x8400, [0, 2, 0, 0])[..], record, shared].concat());
    let event = only(&log);
    assert_eq!((event.get("dns.type"), event.get("bavn.dns.rtt")), ("answer", ""));
    assert_eq!((event.get("dns.question.name"), event.get("bavn.dns.cache_flush")), ("", "true|false"));
    assert_eq!((event.get("dns.resolved_ip"), event.get("dns.answers.class")), ("192.0.2.7", "IN|IN"));
    assert_eq!((event.get("bavn.dns.ra"), event.get("bavn.dns.unicast_response")), ("", ""));
}

#[test]
fn llmnr_has_bits_of_its_own() {
    let body = b"\x04wpad\0\0\x01\0\x01";
    let log = run([HOST, LLMNR], [50_000, 5355], &[&header(0x0400, [1, 0, 0, 0])[..], body].concat());
    let event = only(&log);
    assert_eq!((event.get("network.protocol"), event.get("bavn.dns.conflict")), ("llmnr", "true"));
    assert_eq!((event.get("bavn.dns.tentative"), event.get("dns.header_flags")), ("false", "C"));
    assert_eq!((event.get("bavn.dns.aa"), event.get("bavn.dns.rd")), ("", ""));
}

#[test]
fn what_goes_to_one_host_waits_for_its_answer() {
    let body = b"\x04wpad\0\0\x01\0\x01";
    let log = run([HOST, HOST], [50_000, 5355], &[&header(0, [1, 0, 0, 0])[..], body].concat());
    assert!(log.events().is_empty());
    let log = run([HOST, MDNS], [5353, 53], &[&header(0, [1, 0, 0, 0])[..], body].concat());
    assert_eq!(only(&log).get("network.protocol"), "");
}
