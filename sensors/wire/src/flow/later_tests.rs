//! Streams in which the protocol of interest begins later: after STARTTLS and the like, inside proxies.

use super::crafted::{self, ACK, CLIENT, SERVER, SYN};
use crate::counters::Counters;
use crate::fields::Field;
use crate::messages::{Event, EventKind, Sink, Value};
use crate::pipeline::{Wire, WireConfig};

/// Server names, targets and anomalies, as they were told.
#[derive(Default)]
struct Said(Vec<String>);

impl Sink for Said {
    fn event(&mut self, event: &Event<'_>) {
        let of = |wanted| event.fields.iter().find(|(field, _)| *field == wanted).map(|(_, value)| value);
        let told = match event.kind {
            EventKind::Tls => [of(Field::TlsClientServerName), of(Field::TlsVersion)],
            EventKind::Http => [of(Field::UrlOriginal), None],
            EventKind::Weird => [of(Field::WeirdName), None],
            _ => return,
        };
        let text = told.into_iter().flatten().map(|value| match value {
            Value::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => "?".into(),
        });
        self.0.push(text.collect::<Vec<_>>().join(" "));
    }
}

const UP: bool = true;
const DOWN: bool = false;

/// A conversation from its SYN on, one segment a turn; gives what was told.
fn talk(turns: &[(bool, &[u8])]) -> Vec<String> {
    let (said, counters) = run(turns);
    assert_eq!(counters.panics, 0);
    said
}

fn run(turns: &[(bool, &[u8])]) -> (Vec<String>, Counters) {
    let (mut up, mut down) = (100, 500);
    let mut frames = vec![
        crafted::tcp(CLIENT, SERVER, (99, 0), SYN, b""),
        crafted::tcp(SERVER, CLIENT, (499, 100), SYN | ACK, b""),
    ];
    for (is_up, data) in turns {
        if *is_up {
            frames.push(crafted::tcp(CLIENT, SERVER, (up, down), ACK, data));
            up += data.len() as u32;
        } else {
            frames.push(crafted::tcp(SERVER, CLIENT, (down, up), ACK, data));
            down += data.len() as u32;
        }
    }
    let mut wire = Wire::new(WireConfig::default());
    let mut said = Said::default();
    for (n, data) in frames.iter().enumerate() {
        wire.frame(&crafted::frame(n as u64 * 1_000, data), &mut said);
    }
    wire.finish(&mut said);
    (said.0, wire.counters().clone())
}

/// A handshake record around a message (RFC 5246 6.2.1, 7.4).
fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let (message, all) = (body.len() as u16, body.len() as u16 + 4);
    [&[22, 3, 1][..], &all.to_be_bytes(), &[kind, 0], &message.to_be_bytes(), body].concat()
}

fn client_hello(name: &[u8]) -> Vec<u8> {
    let len = name.len() as u16;
    let sizes = [len + 9, 0, len + 5, len + 3].map(u16::to_be_bytes).concat();
    let list = [&sizes[..], &[0], &len.to_be_bytes(), name].concat();
    record(1, &[&[3, 3][..], &[7; 32], &[0, 0, 2, 0, 0x2f, 1, 0], &list].concat())
}

fn server_hello() -> Vec<u8> {
    record(2, &[&[3, 3][..], &[9; 32], &[0, 0, 0x2f, 0]].concat())
}

#[test]
fn tls_after_clear_text_is_found() {
    let (hello, answer) = (client_hello(b"mail.example"), server_hello());
    let tls = [(UP, &hello[..]), (DOWN, &answer[..])];
    let smtp: [(bool, &[u8]); 6] = [
        (DOWN, b"220 mail ESMTP\r\n"),
        (UP, b"EHLO a\r\n"),
        (DOWN, b"250-mail\r\n250 STARTTLS\r\n"),
        (UP, b"STARTTLS\r\n"),
        (DOWN, b"220 2.0.0 go"),
        (DOWN, b" ahead\r\n"),
    ];
    let postgres: [(bool, &[u8]); 2] = [(UP, &[0, 0, 0, 8, 4, 210, 22, 47]), (DOWN, b"S")];
    let mysql: [(bool, &[u8]); 2] =
        [(DOWN, b"J\0\0\0\n8.0\0"), (UP, &[32, 0, 0, 1, 5, 0xae, 0, 0, 0, 0, 0, 1, 33])];
    let desktop: [(bool, &[u8]); 2] =
        [(UP, &[3, 0, 0, 11, 6, 0xe0, 0, 0, 0, 0, 0]), (DOWN, &[3, 0, 0, 11, 6, 0xd0, 0, 0, 0x12, 0x34, 0])];
    for before in [&smtp[..], &postgres, &mysql, &desktop] {
        assert_eq!(talk(&[before, &tls].concat()), ["mail.example 1.2"], "{before:?}");
    }
}

#[test]
fn other_protocols_are_not_sought_in_the_midst_of_clear_text() {
    let carried: [(bool, &[u8]); 3] =
        [(DOWN, b"220 mail\r\n"), (UP, b"DATA\r\n"), (UP, b"GET /quoted HTTP/1.1\r\nHost: x\r\n\r\n")];
    assert!(talk(&carried).is_empty());
}

#[test]
fn the_search_ends() {
    let hello = client_hello(b"late.example");
    let chat = |turns: usize| {
        let lines = std::iter::repeat_n((UP, &b"\x7fline\r\n"[..]), turns);
        talk(&lines.chain([(UP, &hello[..])]).collect::<Vec<_>>())
    };
    assert_eq!(chat(16), ["late.example ?"]);
    assert!(chat(17).is_empty());
}

#[test]
fn any_protocol_may_follow_a_proxy() {
    let (hello, answer) = (client_hello(b"in.example"), server_hello());
    let request = b"GET /inner HTTP/1.1\r\nHost: in.example\r\n\r\n";
    let socks5: [(bool, &[u8]); 4] = [
        (UP, &[5, 1, 0]),
        (DOWN, &[5, 0]),
        (UP, &[5, 1, 0, 1, 192, 0, 2, 1, 0, 80]),
        (DOWN, &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ];
    let socks4: [(bool, &[u8]); 2] =
        [(UP, &[4, 1, 0, 80, 192, 0, 2, 1, b'u', 0]), (DOWN, &[0, 0x5a, 0, 80, 192, 0, 2, 1])];
    for proxy in [&socks5[..], &socks4] {
        assert_eq!(talk(&[proxy, &[(UP, request)]].concat()), ["/inner"], "{proxy:?}");
        let tls = [(UP, &hello[..]), (DOWN, &answer[..])];
        assert_eq!(talk(&[proxy, &tls].concat()), ["in.example 1.2"], "{proxy:?}");
    }
    let connect: [(bool, &[u8]); 2] =
        [(UP, b"CONNECT in.example:443 HTTP/1.1\r\n\r\n"), (DOWN, b"HTTP/1.1 200 OK\r\n\r\n")];
    let tls = [(UP, &hello[..]), (DOWN, &answer[..])];
    assert_eq!(talk(&[&connect[..], &tls].concat()), ["in.example:443", "in.example 1.2"]);
    let twice = [&connect[..], &connect, &[(UP, request)]].concat();
    assert_eq!(talk(&twice), ["in.example:443", "in.example:443", "/inner"]);
}

#[test]
fn after_an_upgrade_nothing_known_is_told_as_nothing() {
    let turns: [(bool, &[u8]); 4] = [
        (UP, b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
        (DOWN, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        (UP, &[0x81, 0x85, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (DOWN, &[0x81, 5, b'h', b'e', b'l', b'l', b'o']),
    ];
    assert_eq!(talk(&turns), ["/ws"]);
}

#[test]
fn what_follows_a_tunnels_head_in_its_segment_is_read() {
    let (hello, answer) = (client_hello(b"in.example"), server_hello());
    let upgrade = [b"HTTP/1.1 101 Switching\r\n\r\n".as_slice(), &answer].concat();
    let turns = [(UP, b"GET /up HTTP/1.1\r\n\r\n".as_slice()), (DOWN, &upgrade), (UP, &hello)];
    assert_eq!(talk(&turns), ["/up", "in.example 1.2"]);
    let many = b"HTTP/1.1 101 x\r\n\r\n".repeat(3000);
    let (_, counters) = run(&[(UP, b"GET /up HTTP/1.1\r\n\r\n"), (DOWN, &many)]);
    assert_eq!(counters.panics, 0);
}
