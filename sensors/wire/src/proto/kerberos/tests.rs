use proptest::prelude::*;

use super::limits::{ANSWER_TIMEOUT, MAX_PENDING};
use super::*;
use crate::proto::testing::{Recorder, Seen};

const MS: u64 = 1_000_000;

/// An element: tag, length, content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let head = match len {
        0..0x80 => vec![tag, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [&head, content].concat()
}

fn integer(number: i32) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let start =
        (0..3).find(|&at| !matches!((bytes[at], bytes[at + 1] & 0x80), (0, 0) | (0xff, 0x80))).unwrap_or(3);
    der(2, &bytes[start..])
}

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    der(0xa0 | number, content)
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

fn text(text: &str) -> Vec<u8> {
    der(0x1b, text.as_bytes())
}

fn principal(name: &str) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = name.split('/').map(text).collect();
    sequence(&[field(0, &integer(1)), field(1, &sequence(&parts))])
}

fn encrypted(etype: i32) -> Vec<u8> {
    sequence(&[field(0, &integer(etype)), field(2, &der(4, &[0xee; 40]))])
}

fn padata(kind: i32, value: &[u8]) -> Vec<u8> {
    sequence(&[field(1, &integer(kind)), field(2, &der(4, value))])
}

fn ticket(service: &str, etype: i32) -> Vec<u8> {
    let parts = [
        field(0, &integer(5)),
        field(1, &text("A.TEST")),
        field(2, &principal(service)),
        field(3, &encrypted(etype)),
    ];
    der(0x61, &sequence(&parts))
}

fn body(nonce: i32, client: Option<&str>, service: &str) -> Vec<u8> {
    let mut parts = vec![field(0, &der(3, &[0, 0x40, 0x80, 0, 0x10]))];
    parts.extend(client.map(|client| field(1, &principal(client))));
    parts.extend([
        field(2, &text("A.TEST")),
        field(3, &principal(service)),
        field(5, &der(0x18, b"20370913024805Z")),
        field(7, &integer(nonce)),
        field(8, &sequence(&[integer(18), integer(23), integer(-133)])),
        field(9, &sequence(&[sequence(&[field(0, &integer(20)), field(1, &der(4, b"PC7             "))])])),
    ]);
    sequence(&parts)
}

fn kdc_request(tag: u8, padata: &[Vec<u8>], body: &[u8]) -> Vec<u8> {
    let kind = integer(i32::from(tag & 0x1f));
    let mut parts = vec![field(1, &integer(5)), field(2, &kind)];
    if !padata.is_empty() {
        parts.push(field(3, &sequence(padata)));
    }
    parts.push(field(4, body));
    der(tag, &sequence(&parts))
}

fn as_request(nonce: i32, padata: &[Vec<u8>]) -> Vec<u8> {
    kdc_request(0x6a, padata, &body(nonce, Some("ann"), "krbtgt/A.TEST"))
}

fn tgs_request(nonce: i32, service: &str) -> Vec<u8> {
    let ap = [
        field(0, &integer(5)),
        field(1, &integer(14)),
        field(2, &der(3, &[0; 5])),
        field(3, &ticket("krbtgt/A.TEST", 18)),
        field(4, &encrypted(18)),
    ];
    kdc_request(0x6c, &[padata(1, &der(0x6e, &sequence(&ap)))], &body(nonce, None, service))
}

fn reply(tag: u8, service: &str, ticket_etype: i32, etype: i32) -> Vec<u8> {
    let parts = [
        field(0, &integer(5)),
        field(1, &integer(i32::from(tag & 0x1f))),
        field(3, &text("A.TEST")),
        field(4, &principal("ann")),
        field(5, &ticket(service, ticket_etype)),
        field(6, &encrypted(etype)),
    ];
    der(tag, &sequence(&parts))
}

fn krb_error(code: i32, service: &str) -> Vec<u8> {
    let info = sequence(&[sequence(&[field(0, &integer(18))]), sequence(&[field(0, &integer(23))])]);
    let parts = [
        field(0, &integer(5)),
        field(1, &integer(30)),
        field(4, &der(0x18, b"20261122120000Z")),
        field(5, &integer(7)),
        field(6, &integer(code)),
        field(9, &text("A.TEST")),
        field(10, &principal(service)),
        field(11, &text("NO")),
        field(12, &der(4, &sequence(&[padata(19, &info)]))),
    ];
    der(0x7e, &sequence(&parts))
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

#[derive(Default)]
struct Parsers {
    datagrams: KerberosDatagram,
    stream: KerberosStream,
}

struct Bench(Parsers, Recorder);

impl Bench {
    fn new() -> Self {
        Self(Parsers::default(), Recorder::new(FIELDS))
    }

    fn send(&mut self, step: u64, payload: &[u8]) -> &mut Self {
        let Self(parsers, log) = self;
        log.with(step, |cx| parsers.datagrams.datagram(Direction::ToServer, payload, cx));
        self
    }

    fn stream(&mut self, direction: Direction, data: &[u8]) -> &mut Self {
        let Self(parsers, log) = self;
        log.with(MS, |cx| parsers.stream.data(direction, data, cx));
        self
    }

    fn close(&mut self) -> &mut Self {
        let Self(parsers, log) = self;
        log.with(0, |cx| {
            parsers.datagrams.close(Close::End, cx);
            parsers.stream.close(Close::End, cx);
        });
        self
    }

    fn only(&self) -> &Seen {
        assert_eq!(self.1.seen.len(), 1, "{:?}", self.1.seen);
        &self.1.seen[0]
    }
}

fn expect(event: &Seen, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        assert_eq!(event.get(name), *value, "{name}");
    }
}

#[test]
fn a_login_without_proof_that_succeeds() {
    let mut bench = Bench::new();
    bench.send(0, &as_request(1, &[padata(128, &[])]));
    assert!(bench.1.seen.is_empty());
    bench.send(3 * MS, &reply(0x6b, "krbtgt/A.TEST", 18, 23)).close();
    expect(
        bench.only(),
        &[
            ("bavn.kerberos.request_type", "AS"),
            ("bavn.kerberos.client", "ann/A.TEST"),
            ("user.name", "ann"),
            ("user.domain", "A.TEST"),
            ("bavn.kerberos.service", "krbtgt/A.TEST"),
            ("bavn.kerberos.service_realm", "A.TEST"),
            ("bavn.kerberos.cipher", "aes256-cts-hmac-sha1-96"),
            ("bavn.kerberos.reply_cipher", "rc4-hmac"),
            ("bavn.kerberos.etypes_offered", "aes256-cts-hmac-sha1-96|rc4-hmac|-133"),
            ("bavn.kerberos.preauth_types", "PA-PAC-REQUEST"),
            ("bavn.kerberos.preauthenticated", "false"),
            ("bavn.kerberos.forwardable", "true"),
            ("bavn.kerberos.renewable", "true"),
            ("bavn.kerberos.options", "forwardable|renewable|renewable-ok"),
            ("bavn.kerberos.addresses", "PC7"),
            // `date -u -d '2037-09-13 02:48:05' +%s`: what Windows asks for when it means for ever.
            ("bavn.kerberos.till", "2136422885000000000"),
            ("bavn.kerberos.from", ""),
            ("bavn.kerberos.success", "true"),
            ("bavn.kerberos.error", ""),
            ("bavn.kerberos.rtt", "3000000"),
        ],
    );
}

#[test]
fn a_proof_shows_its_encryption_type() {
    let mut bench = Bench::new();
    bench.send(0, &as_request(1, &[padata(2, &encrypted(23))])).send(MS, &krb_error(24, "krbtgt/A.TEST"));
    expect(
        bench.only(),
        &[
            ("bavn.kerberos.preauthenticated", "true"),
            ("bavn.kerberos.preauth_etype", "rc4-hmac"),
            ("bavn.kerberos.success", "false"),
            ("bavn.kerberos.error", "KDC_ERR_PREAUTH_FAILED"),
            ("bavn.kerberos.error_code", "24"),
            ("bavn.kerberos.error_text", "NO"),
            ("bavn.kerberos.etypes_accepted", "aes256-cts-hmac-sha1-96|rc4-hmac"),
            ("bavn.kerberos.cipher", ""),
        ],
    );
}

#[test]
fn what_fast_hides_is_unobserved() {
    let mut bench = Bench::new();
    bench.send(0, &as_request(1, &[padata(136, &[0xa0, 0])])).close();
    expect(
        bench.only(),
        &[("bavn.kerberos.preauthenticated", "?"), ("bavn.kerberos.preauth_types", "PA-FX-FAST")],
    );
}

#[test]
fn a_service_ticket_in_rc4() {
    let mut bench = Bench::new();
    bench
        .send(0, &tgs_request(5, "MSSQLSvc/db.a.test:1433"))
        .send(MS, &reply(0x6d, "MSSQLSvc/db.a.test:1433", 23, 18));
    expect(
        bench.only(),
        &[
            ("bavn.kerberos.request_type", "TGS"),
            ("bavn.kerberos.service", "MSSQLSvc/db.a.test:1433"),
            ("bavn.kerberos.cipher", "rc4-hmac"),
            ("bavn.kerberos.tgt_cipher", "aes256-cts-hmac-sha1-96"),
            ("bavn.kerberos.client", "ann/A.TEST"),
            ("bavn.kerberos.preauthenticated", ""),
        ],
    );
}

#[test]
fn a_request_without_answer_goes_out_with_its_own_time() {
    let mut bench = Bench::new();
    bench.send(7, &tgs_request(1, "HTTP/w")).send(ANSWER_TIMEOUT + 1, &as_request(2, &[])).close();
    let [first, second] = &bench.1.seen[..] else { panic!("{:?}", bench.1.seen) };
    assert_eq!((first.time, first.packet), (7, 1));
    let unseen = ["cipher", "success", "error", "error_code", "error_text", "reply_cipher", "rtt", "client"];
    for name in unseen {
        assert_eq!(first.get(&format!("bavn.kerberos.{name}")), "?", "{name}");
    }
    assert_eq!((first.get("user.name"), second.get("user.name")), ("?", "ann"));
}

#[test]
fn an_answer_alone_tells_what_it_can() {
    let mut bench = Bench::new();
    bench.send(0, &reply(0x6b, "krbtgt/A.TEST", 18, 18)).send(0, &krb_error(25, "krbtgt/A.TEST")).close();
    let [granted, refused] = &bench.1.seen[..] else { panic!("{:?}", bench.1.seen) };
    expect(
        granted,
        &[
            ("bavn.kerberos.request_type", "AS"),
            ("bavn.kerberos.service", "krbtgt/A.TEST"),
            ("bavn.kerberos.success", "true"),
            ("bavn.kerberos.preauthenticated", "?"),
            ("bavn.kerberos.etypes_offered", "?"),
            ("bavn.kerberos.rtt", "?"),
            ("user.name", "ann"),
        ],
    );
    expect(
        refused,
        &[("bavn.kerberos.request_type", "?"), ("bavn.kerberos.error", "KDC_ERR_PREAUTH_REQUIRED")],
    );
}

#[test]
fn a_repeated_request_is_one() {
    let mut bench = Bench::new();
    bench
        .send(0, &as_request(9, &[]))
        .send(MS, &as_request(9, &[]))
        .send(MS, &krb_error(6, "krbtgt/A.TEST"))
        .close();
    expect(bench.only(), &[("bavn.kerberos.rtt", "2000000")]);
}

#[test]
fn open_requests_are_bounded() {
    let mut bench = Bench::new();
    for nonce in 0..=MAX_PENDING.get() as i32 {
        bench.send(1, &as_request(nonce, &[]));
    }
    assert_eq!((bench.1.seen.len(), bench.1.counters.parser_limit), (1, 1));
    bench.close();
    assert_eq!(bench.1.seen.len(), MAX_PENDING.get() + 1);
    assert!(bench.1.weird().is_empty());
}

#[test]
fn an_application_request_shows_its_ticket() {
    let ap = [
        field(0, &integer(5)),
        field(1, &integer(14)),
        field(2, &der(3, &[0; 5])),
        field(3, &ticket("host/files.a.test", 17)),
        field(4, &encrypted(17)),
    ];
    let accepted =
        der(0x6f, &sequence(&[field(0, &integer(5)), field(1, &integer(15)), field(2, &encrypted(17))]));
    let mut bench = Bench::new();
    bench.send(0, &der(0x6e, &sequence(&ap))).send(MS, &accepted);
    expect(
        bench.only(),
        &[
            ("bavn.kerberos.request_type", "AP"),
            ("bavn.kerberos.service", "host/files.a.test"),
            ("bavn.kerberos.cipher", "aes128-cts-hmac-sha1-96"),
            ("bavn.kerberos.success", "true"),
        ],
    );
}

#[test]
fn every_split_of_a_stream_gives_the_same_events() {
    let asked = [framed(&as_request(1, &[])), framed(&tgs_request(2, "HTTP/w"))].concat();
    let answer = [framed(&krb_error(25, "krbtgt/A.TEST")), framed(&reply(0x6d, "HTTP/w", 18, 18))].concat();
    for cut in 0..asked.len() {
        let mut bench = Bench::new();
        bench.stream(Direction::ToServer, &asked[..cut]).stream(Direction::ToServer, &asked[cut..]);
        let cut = cut.min(answer.len());
        bench.stream(Direction::ToClient, &answer[..cut]).stream(Direction::ToClient, &answer[cut..]).close();
        let kinds: Vec<&str> =
            bench.1.seen.iter().map(|seen| seen.get("bavn.kerberos.request_type")).collect();
        assert_eq!(kinds, ["AS", "TGS"]);
        let success: Vec<&str> = bench.1.seen.iter().map(|seen| seen.get("bavn.kerberos.success")).collect();
        assert_eq!(success, ["false", "true"]);
    }
}

#[test]
fn every_cut_is_quiet() {
    let asked = framed(&tgs_request(2, "HTTP/w"));
    for cut in 0..asked.len() {
        let mut bench = Bench::new();
        bench.stream(Direction::ToServer, &asked[..cut]).close();
        assert_eq!(bench.1.seen, []);
    }
}

#[test]
fn a_gap_costs_one_message() {
    let mut bench = Bench::new();
    let asked = framed(&as_request(1, &[]));
    bench.stream(Direction::ToServer, &asked[..20]);
    let Bench(parsers, log) = &mut bench;
    let lost = asked.len() as u64 - 20;
    assert_eq!(log.with(0, |cx| parsers.stream.gap(Direction::ToServer, lost, cx)), Next::More);
    bench.stream(Direction::ToServer, &framed(&tgs_request(2, "HTTP/w"))).close();
    expect(bench.only(), &[("bavn.kerberos.request_type", "TGS")]);
}

#[test]
fn limits_and_faults_are_named() {
    let mut bench = Bench::new();
    let huge = [&[0, 3, 0, 0][..], &as_request(1, &[])].concat();
    bench
        .stream(Direction::ToServer, &huge)
        .stream(Direction::ToClient, &framed(&[0x7e, 0x30, 1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(bench.1.weird(), ["kerberos_message_too_long", "kerberos_malformed"]);
    assert_eq!(bench.1.counters.parser_limit, 1);
    bench.stream(Direction::ToClient, b"HTTP/1.1 400");
    assert_eq!(bench.1.weird().last(), Some(&"kerberos_bad_length_prefix"));
}

#[test]
fn the_probe_wants_tags_and_numbers_that_agree() {
    let messages = [as_request(1, &[]), tgs_request(1, "x"), reply(0x6b, "x", 18, 18), krb_error(6, "x")];
    for message in &messages {
        assert_eq!(KerberosDatagram::probe(message, [1, 2]), Probe::Yes);
        assert!(KerberosDatagram::FIRST.has(message[0]));
        let stream = framed(message);
        assert!(KerberosStream::FIRST.has(stream[0]));
        for cut in 0..18 {
            assert_eq!(KerberosStream::probe(&stream[..cut], Direction::ToServer), Probe::More, "{cut}");
        }
        assert_eq!(KerberosStream::probe(&stream[..24], Direction::ToServer), Probe::Yes);
        for place in [4, 6, 10, 12, 14] {
            let mut wrong = stream.clone();
            wrong[place] ^= 0x55;
            assert_eq!(KerberosStream::probe(&wrong, Direction::ToServer), Probe::No, "{place}");
        }
    }
    assert_eq!(KerberosStream::probe(&[0, 0, 0, 47, 2, 0], Direction::ToServer), Probe::No);
}

#[test]
fn nobody_listens() {
    let mut bench = Bench::new();
    bench.1.wanted = &[EventKind::Dns];
    bench.send(0, &as_request(1, &[])).send(0, &krb_error(6, "x")).close();
    assert!(bench.1.seen.is_empty());
}

proptest! {
    #[test]
    fn noise_does_no_harm(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut bench = Bench::new();
        bench.send(0, &data).stream(Direction::ToServer, &data).close();
        KerberosDatagram::probe(&data, [1, 88]);
        KerberosStream::probe(&data, Direction::ToServer);
    }

    #[test]
    fn altered_messages_do_no_harm(place in 0usize..200, byte in any::<u8>(), to in 0usize..4) {
        let mut message = [as_request(1, &[padata(2, &encrypted(23))]), tgs_request(1, "x/y"),
            reply(0x6b, "x", 18, 18), krb_error(25, "x")][to].clone();
        if let Some(old) = message.get_mut(place) { *old = byte; }
        let mut bench = Bench::new();
        bench.send(0, &message).stream(Direction::ToClient, &framed(&message)).close();
        prop_assert!(bench.1.seen.len() <= 4);
    }
}
