use proptest::prelude::*;

use super::limits::SETUP_WAIT;
use super::*;
use crate::proto::testing::{Recorder, Seen as Event};

const MS: u64 = 1_000_000;

fn tpkt(body: &[u8]) -> Vec<u8> {
    let len = body.len() + 4;
    [&[3, 0, (len >> 8) as u8, len as u8], body].concat()
}

fn connection(code: u8, variable: &[u8]) -> Vec<u8> {
    tpkt(&[&[6 + variable.len() as u8, code, 0, 0, 0x12, 0x34, 0], variable].concat())
}

fn request(line: &str, protocols: u32) -> Vec<u8> {
    let negotiation = [&[1, 1, 8, 0][..], &protocols.to_le_bytes()].concat();
    connection(0xe0, &[line.as_bytes(), &negotiation].concat())
}

fn confirm(kind: u8, number: u32) -> Vec<u8> {
    connection(0xd0, &[&[kind, 0, 8, 0][..], &number.to_le_bytes()].concat())
}

fn data(mcs: &[u8]) -> Vec<u8> {
    tpkt(&[&[2, 0xf0, 0x80], mcs].concat())
}

fn der(tag: &[u8], content: &[u8]) -> Vec<u8> {
    [tag, &[0x82, (content.len() >> 8) as u8, content.len() as u8], content].concat()
}

fn utf16(text: &str, bytes: usize) -> Vec<u8> {
    let mut all: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    all.resize(bytes, 0);
    all
}

fn block(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), &(content.len() as u16 + 4).to_le_bytes(), content].concat()
}

fn user_data(key: &[u8], blocks: &[Vec<u8>]) -> Vec<u8> {
    let blocks = blocks.concat();
    let len = [0x80 | (blocks.len() >> 8) as u8, blocks.len() as u8];
    der(&[4], &[&[0, 5, 0, 0x14, 0x7c, 0, 1, 0x81, 0], key, &len, &blocks].concat())
}

fn client() -> Vec<u8> {
    let mut core = vec![4, 0, 8, 0, 0x20, 3, 0x58, 2, 1, 0xca, 3, 0xaa, 6, 4, 0, 0];
    core.extend(2600u32.to_le_bytes());
    core.extend(utf16("ANN-PC", 32));
    core.resize(128, 0);
    core.extend([1, 0xca, 1, 0, 0, 0, 0, 0, 24, 0, 7, 0, 1, 0]);
    core.extend(utf16("55274-640-0123", 64));
    let channels = [&2u32.to_le_bytes()[..], b"rdpdr\0\0\0\0\0\0\0", b"cliprdr\0\0\0\0\0"].concat();
    let selectors = [4, 1, 1, 4, 1, 1, 1, 1, 0xff, 0x30, 0, 0x30, 0, 0x30, 0];
    let blocks = [block(0xc001, &core), block(0xc002, &[3, 0, 0, 0, 0, 0, 0, 0]), block(0xc003, &channels)];
    data(&der(&[0x7f, 0x65], &[&selectors[..], &user_data(b"Duca", &blocks)].concat()))
}

fn server(method: u32, level: u32) -> Vec<u8> {
    let mut security = [method.to_le_bytes(), level.to_le_bytes()].concat();
    if method != 0 {
        security.extend([4, 0, 0, 0, 8, 0, 0, 0, 1, 2, 3, 4, 1, 0, 0, 0, 9, 9, 9, 9]);
    }
    let blocks = [block(0x0c01, &[4, 0, 8, 0]), block(0x0c02, &security)];
    data(&der(&[0x7f, 0x66], &[&[10, 1, 0, 2, 1, 0, 0x30, 0][..], &user_data(b"McDn", &blocks)].concat()))
}

fn info(flags: u8) -> Vec<u8> {
    let mut packet = vec![flags, 0, 0, 0, 6, 4, 0, 0, 0x10, 0, 0, 0, 6, 0, 6, 0, 20, 0, 0, 0, 0, 0];
    for text in ["DOM", "ann", "Invented-1"] {
        packet.extend(utf16(text, text.len() * 2 + 2));
    }
    data(&[&[0x64, 0, 6, 3, 0xeb, 0x70, 0x80, packet.len() as u8][..], &packet].concat())
}

struct Bench(Rdp, Recorder, Next);

impl Bench {
    fn new() -> Self {
        Self(Rdp::default(), Recorder::new(FIELDS), Next::More)
    }

    fn send(&mut self, direction: Direction, data: &[u8]) -> &mut Self {
        let Self(parser, log, last) = self;
        if *last == Next::More {
            *last = log.with(MS, |cx| parser.data(direction, data, cx));
        }
        self
    }

    fn ask(&mut self, data: &[u8]) -> &mut Self {
        self.send(Direction::ToServer, data)
    }

    fn answer(&mut self, data: &[u8]) -> &mut Self {
        self.send(Direction::ToClient, data)
    }

    fn close(&mut self) -> &mut Self {
        let Self(parser, log, _) = self;
        log.with(0, |cx| parser.close(Close::End, cx));
        self
    }

    fn only(&self) -> &Event {
        assert_eq!(self.1.seen.len(), 1, "{:?}", self.1.seen);
        &self.1.seen[0]
    }

    fn expect(&self, fields: &[(&str, &str)]) {
        for (name, value) in fields {
            assert_eq!(self.only().get(&format!("bavn.rdp.{name}")), *value, "{name}");
        }
    }
}

#[test]
fn tls_takes_over() {
    let mut bench = Bench::new();
    bench.ask(&request("Cookie: mstshash=ann\r\n", 11)).answer(&[confirm(2, 2), vec![9, 9]].concat());
    assert_eq!(bench.2, Next::Switch(2));
    bench.close();
    bench.expect(&[
        ("cookie", "ann"),
        ("requested_protocols", "SSL|HYBRID|HYBRID_EX"),
        ("restricted_admin", "true"),
        ("security_protocol", "HYBRID"),
        ("result", "encrypted"),
        ("client_name", "?"),
        ("encryption_level", "?"),
        ("failure", ""),
    ]);
}

#[test]
fn a_refusal_has_its_name() {
    let mut bench = Bench::new();
    bench.ask(&request("Cookie: msts=1.2.3\r\n", 0)).answer(&confirm(3, 5));
    assert_eq!(bench.2, Next::Done);
    bench.expect(&[
        ("routing_token", "Cookie: msts=1.2.3"),
        ("requested_protocols", "RDP"),
        ("failure", "HYBRID_REQUIRED_BY_SERVER"),
        ("failure_code", "5"),
        ("result", "HYBRID_REQUIRED_BY_SERVER"),
        ("client_name", ""),
        ("security_protocol", ""),
    ]);
}

const OWN_SECURITY: &[(&str, &str)] = &[
    ("client_name", "ANN-PC"),
    ("client_build", "2600"),
    ("client_release", "RDP 5.1"),
    ("client_product_id", "55274-640-0123"),
    ("keyboard_layout", "Danish"),
    ("keyboard_layout_code", "1030"),
    ("desktop_width", "800"),
    ("desktop_height", "600"),
    ("color_depth", "24"),
    ("channels", "rdpdr|cliprdr"),
    ("encryption_method", "128bit"),
    ("encryption_level", "Client compatible"),
    ("cert_type", "RSA"),
    ("result", "Success"),
    ("security_protocol", "RDP"),
    ("requested_protocols", "RDP"),
    ("restricted_admin", ""),
    ("cookie", ""),
];

#[test]
fn own_security_tells_of_both_sides() {
    let mut bench = Bench::new();
    bench.ask(&connection(0xe0, b"")).answer(&connection(0xd0, b"")).ask(&client()).answer(&server(2, 2));
    assert_eq!(bench.2, Next::Done);
    bench.expect(OWN_SECURITY);
    assert_eq!(bench.only().get("user.name"), "?");
}

#[test]
fn a_log_in_without_encryption() {
    let mut bench = Bench::new();
    bench.ask(&request("", 0)).answer(&confirm(2, 0)).ask(&client()).answer(&server(0, 0));
    assert_eq!(bench.2, Next::More);
    bench.ask(&data(&[4, 1, 0, 1, 0])).ask(&info(0x40));
    assert_eq!(bench.2, Next::Done);
    bench.expect(&[("clear_text_password", "true"), ("encryption_level", "None"), ("cert_type", "")]);
    assert_eq!((bench.only().get("user.name"), bench.only().get("user.domain")), ("ann", "DOM"));
    assert!(!format!("{:?}", bench.1.seen).contains("Invented"));
}

#[test]
fn an_encrypted_log_in_is_not_read() {
    assert_eq!(message::parse(&info(0x48)), Some(Message::Other));
}

#[test]
fn every_split_gives_the_same_event() {
    let asked = [connection(0xe0, b""), client()].concat();
    let answers = [connection(0xd0, b""), server(2, 2)].concat();
    for cut in 0..asked.len() {
        let mut bench = Bench::new();
        let other = cut.min(answers.len());
        bench
            .ask(&asked[..cut])
            .ask(&asked[cut..])
            .answer(&answers[..other])
            .answer(&answers[other..])
            .close();
        bench.expect(OWN_SECURITY);
        assert!(bench.1.weird().is_empty());
    }
}

#[test]
fn every_cut_is_quiet() {
    let asked = [request("Cookie: mstshash=a\r\n", 3), client()].concat();
    let first = request("Cookie: mstshash=a\r\n", 3).len();
    for cut in 0..asked.len() {
        let mut bench = Bench::new();
        bench.ask(&asked[..cut]).close();
        assert_eq!(bench.1.seen.len(), usize::from(cut >= first), "{cut}");
        assert!(bench.1.weird().is_empty());
    }
}

#[test]
fn the_client_alone() {
    let mut bench = Bench::new();
    bench.1.one_way = true;
    bench.ask(&request("Cookie: mstshash=a\r\n", 3)).ask(&[0x16, 3, 1, 0, 5]);
    assert_eq!(bench.2, Next::Switch(5));
    bench.expect(&[("cookie", "a"), ("security_protocol", "?"), ("result", "?"), ("failure", "?")]);
}

#[test]
fn the_server_alone() {
    let mut bench = Bench::new();
    bench.1.one_way = true;
    bench.answer(&confirm(2, 0)).answer(&server(2, 3)).close();
    bench.expect(&[
        ("cookie", "?"),
        ("requested_protocols", "?"),
        ("encryption_level", "High"),
        ("client_name", "?"),
    ]);
}

#[test]
fn a_gap_or_a_wait_ends_it() {
    let mut bench = Bench::new();
    bench.ask(&connection(0xe0, b"\r\n"));
    let Bench(parser, log, _) = &mut bench;
    assert_eq!(log.with(MS, |cx| parser.gap(Direction::ToClient, 9, cx)), Next::Done);
    bench.close().expect(&[("security_protocol", "?"), ("routing_token", "")]);
    let mut bench = Bench::new();
    bench.ask(&request("", 0)).answer(&confirm(2, 0));
    let Bench(parser, log, _) = &mut bench;
    log.with(SETUP_WAIT, |cx| parser.tick(cx));
    bench.close().expect(&[("security_protocol", "RDP"), ("result", "?"), ("client_name", "?")]);
    assert_eq!(bench.only().packet, 2);
}

#[test]
fn limits_and_faults_are_named() {
    let mut bench = Bench::new();
    bench.ask(&connection(0xe0, b"")).ask(&data(&[0x7f, 0x65, 0x82, 1]));
    for _ in 0..MAX_MESSAGES.get() {
        bench.ask(&data(&[4]));
    }
    assert_eq!(bench.1.weird(), ["rdp_malformed", "rdp_too_many_messages"]);
    let mut bench = Bench::new();
    bench.ask(&connection(0xe0, b"")).answer(&[&[3, 0, 0xff, 0xff][..], &[0; 80]].concat()).close();
    assert_eq!((bench.1.weird(), bench.1.counters.parser_limit), (vec!["rdp_message_too_long"], 1));
}

#[test]
fn the_probe_knows_rdp_from_others_on_tpkt() {
    let good = [
        request("Cookie: mstshash=ann\r\n", 3),
        request("", 1),
        connection(0xe0, b""),
        connection(0xe0, b"\r\n"),
        confirm(2, 1),
        confirm(3, 2),
        client(),
        server(2, 2),
    ];
    for bytes in good {
        assert_eq!(Rdp::probe(&bytes, Direction::ToServer), Probe::Yes, "{bytes:02x?}");
        for cut in 0..11.min(bytes.len()) {
            assert_ne!(Rdp::probe(&bytes[..cut], Direction::ToServer), Probe::No, "{cut}");
        }
    }
    // S7comm and MMS name the size of their units there; a call of H.323 has no X.224.
    let s7 = connection(0xe0, &[0xc0, 1, 0x0a, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2]);
    let answer = connection(0xd0, &[0xc0, 1, 0x0a, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2]);
    let h323 = tpkt(&[8, 2, 0, 1, 5, 4, 3, 0x88]);
    for bytes in [s7, answer, h323, b"SSH-2.0-x".to_vec(), vec![3, 1, 0, 9]] {
        assert_eq!(Rdp::probe(&bytes, Direction::ToServer), Probe::No, "{bytes:02x?}");
    }
}

#[test]
fn nobody_listens() {
    let mut bench = Bench::new();
    bench.1.wanted = &[EventKind::Dns];
    bench.ask(&request("", 1)).answer(&confirm(2, 1)).close();
    assert!(bench.1.seen.is_empty());
}

proptest! {
    #[test]
    fn noise_does_no_harm(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut bench = Bench::new();
        bench.ask(&data).answer(&[&[3, 0, 1, 0][..], &data].concat()).close();
    }

    #[test]
    fn altered_messages_do_no_harm(place in 0usize..420, byte in any::<u8>(), to in 0usize..4) {
        let mut message = [client(), server(2, 2), info(0x40), request("Cookie: mstshash=a\r\n", 3)][to].clone();
        if let Some(old) = message.get_mut(place) { *old = byte; }
        let mut bench = Bench::new();
        bench.ask(&message).close();
        prop_assert!(bench.1.events().len() <= 1);
    }
}
