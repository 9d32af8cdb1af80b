use proptest::prelude::*;

use super::*;
use crate::proto::testing::{Recorder, Seen};

const UP: Direction = Direction::ToServer;
const DOWN: Direction = Direction::ToClient;

struct Bench {
    parser: WebSocket,
    log: Recorder,
}

impl Bench {
    fn new() -> Self {
        let mut log = Recorder::new(FIELDS);
        let opening = Opening {
            domain: Some(b"a.dk".to_vec()),
            extensions: Some(b"permessage-deflate; x".to_vec()),
            ..Opening::default()
        };
        let parser = log.with(5, |cx| WebSocket::new(opening, UP, cx));
        Self { parser, log }
    }

    fn send(&mut self, direction: Direction, data: &[u8]) -> &mut Self {
        let Self { parser, log } = self;
        assert_eq!(log.with(1, |cx| parser.data(direction, data, cx)), Next::More);
        self
    }

    fn gap(&mut self, direction: Direction, len: u64) -> &mut Self {
        let Self { parser, log } = self;
        log.with(1, |cx| parser.gap(direction, len, cx));
        self
    }

    fn close(&mut self) -> &Seen {
        let Self { parser, log } = self;
        log.with(1, |cx| parser.close(cx));
        log.events()[0]
    }
}

fn frame(opcode: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask = if masked { [0x37, 0xfa, 0x21, 0x3d] } else { [0; 4] };
    let high = u8::from(masked) << 7;
    let len = match payload.len() {
        len @ 0..126 => vec![high | len as u8],
        len @ 126..65536 => [&[high | 126], &(len as u16).to_be_bytes()[..]].concat(),
        len => [&[high | 127], &(len as u64).to_be_bytes()[..]].concat(),
    };
    let content: Vec<u8> = payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at & 3]).collect();
    [&[0x80 | opcode][..], &len, if masked { &mask[..] } else { &[] }, &content].concat()
}

fn conversation() -> [Vec<u8>; 2] {
    // The first and the fragments are RFC 6455 5.7's.
    let up = [
        b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec(),
        frame(BINARY, true, &[7; 300]),
        frame(PING, true, b"hi"),
        frame(CLOSE, true, &[0x0f, 0xa1, b'b', b'y', b'e']),
        b"no frame".to_vec(),
    ];
    let down = [
        b"\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f".to_vec(),
        frame(BINARY, false, &[0; 70_000]),
        frame(CLOSE, false, b""),
    ];
    [up.concat(), down.concat()]
}

fn check(event: &Seen) {
    let get = |name: &str| event.get(&format!("bavn.websocket.{name}")).to_owned();
    assert_eq!(
        [get("client.text_messages"), get("client.binary_messages"), get("client.pings")],
        ["1", "1", "1"]
    );
    assert_eq!([get("client.bytes"), get("client.longest")], ["305", "300"]);
    assert_eq!(
        [get("server.text_messages"), get("server.binary_messages"), get("server.bytes")],
        ["1", "1", "70005"]
    );
    assert_eq!([get("close.code"), get("close.side"), get("compressed")], ["4001", "client", "true"]);
    assert_eq!((event.get("url.domain"), event.get("event.start")), ("a.dk", "5"));
}

#[test]
fn connections_are_counted_however_they_are_split() {
    let [up, down] = conversation();
    for step in [1, 2, 3, 7, 1000, 100_000] {
        let mut bench = Bench::new();
        up.chunks(step).for_each(|piece| _ = bench.send(UP, piece));
        down.chunks(step).for_each(|piece| _ = bench.send(DOWN, piece));
        check(bench.close());
        assert!(bench.log.weird().is_empty());
    }
}

#[test]
fn gaps_within_payloads_cost_nothing() {
    let [up, down] = conversation();
    let mut bench = Bench::new();
    bench.send(UP, &up).send(DOWN, &down[..50]).gap(DOWN, 60_000).send(DOWN, &down[60_050..]);
    check(bench.close());
    let mut bench = Bench::new();
    bench.send(UP, &up).gap(DOWN, 3).send(DOWN, &down);
    let event = bench.close().clone();
    assert_eq!(
        (event.get("bavn.websocket.server.bytes"), event.get("bavn.websocket.client.bytes")),
        ("?", "305")
    );
    assert_eq!(bench.log.weird(), ["websocket_gap"]);
}

#[test]
fn what_there_cannot_be() {
    for (bytes, name) in [
        (&b"\x83\x00"[..], "websocket_bad_frame"),
        (b"\x89\x7e\x00\x80", "websocket_bad_frame"),
        (b"\xb1\x00", "websocket_bad_frame"),
        (b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "websocket_bad_frame"),
        (b"\x81\x00", "websocket_masking"),
    ] {
        let mut bench = Bench::new();
        bench.send(UP, bytes);
        assert_eq!(bench.log.weird(), [name]);
    }
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..60), 0_u64..100), 0..20)) {
        let mut bench = Bench::new();
        for (up, bytes, gap) in pieces {
            let way = if up { UP } else { DOWN };
            bench.send(way, &bytes);
            if gap > 90 {
                bench.gap(way, gap);
            }
        }
        bench.close();
        prop_assert!(bench.log.weird().iter().all(|name| WEIRDS.iter().any(|(known, _)| known == name)));
    }
}
