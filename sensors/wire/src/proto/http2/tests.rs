use proptest::prelude::*;

use super::limits::{MAX_RESETS, MAX_STREAMS};
use super::*;
use crate::fields::Field;
use crate::proto::testing::{Recorder, Seen};
use crate::{files, proto::http};

const UP: Direction = Direction::ToServer;
const DOWN: Direction = Direction::ToClient;
const ALLOWED: &[Field] = &{
    let mut all = [Field::HttpRaw; http::FIELDS.len() + files::FIELDS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] =
            if at < http::FIELDS.len() { http::FIELDS[at] } else { files::FIELDS[at - http::FIELDS.len()] };
        at += 1;
    }
    all
};

struct Bench {
    parser: Http2,
    log: Recorder,
    next: Next,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self::bare();
        bench.send(UP, PREFACE).send(UP, &frame(SETTINGS, 0, 0, &[])).send(DOWN, &frame(SETTINGS, 0, 0, &[]));
        bench
    }

    fn bare() -> Self {
        Self { parser: Http2::default(), log: Recorder::new(ALLOWED), next: Next::More }
    }

    fn send(&mut self, direction: Direction, data: &[u8]) -> &mut Self {
        let Self { parser, log, next } = self;
        *next = log.with(1, |cx| parser.data(direction, data, cx));
        self
    }

    fn gap(&mut self, direction: Direction, len: u64) -> &mut Self {
        let Self { parser, log, next } = self;
        *next = log.with(1, |cx| parser.gap(direction, len, cx));
        self
    }

    fn close(&mut self) -> &mut Self {
        let Self { parser, log, .. } = self;
        log.with(0, |cx| parser.close(Close::End, cx));
        self
    }

    fn of(&self, kind: EventKind) -> Vec<&Seen> {
        self.log.seen.iter().filter(|event| event.kind == kind).collect()
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        self.of(EventKind::Http)
            .into_iter()
            .map(|event| (event.get("url.original"), event.get("http.response.status_code")))
            .collect()
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Literals without indexing, short ones.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

fn get(stream: u32, path: &str) -> Vec<u8> {
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "a.dk"),
        ("user-agent", "t/1"),
    ];
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&fields))
}

fn answer(stream: u32, status: &str, flags: u8) -> Vec<u8> {
    let fields = [(":status", status), ("content-type", "text/plain"), ("server", "s")];
    frame(HEADERS, END_HEADERS | flags, stream, &block(&fields))
}

fn conversation() -> [Vec<u8>; 2] {
    let post = [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", "/up?x"),
        (":authority", "b.dk:81"),
        ("cookie", "a=1"),
        ("cookie", "b=2"),
    ];
    let post = block(&post);
    let up = [
        PREFACE.to_vec(),
        frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]),
        frame(8, 0, 0, &[0, 0, 1, 0]),
        get(1, "/a/b.txt"),
        // Padding and priority, then the rest in a continuation.
        frame(HEADERS, 8 | 0x20, 3, &[&[3][..], &[0; 5], &post[..10], &[0; 3]].concat()),
        frame(CONTINUATION, END_HEADERS, 3, &post[10..]),
        frame(DATA, 8, 3, b"\x02hel\0\0"),
        frame(DATA, END_STREAM, 3, b"lo"),
    ];
    let down = [
        frame(SETTINGS, 0, 0, &[]),
        frame(SETTINGS, ACK, 0, &[]),
        answer(3, "201", END_STREAM),
        frame(6, 0, 0, &[0; 8]),
        answer(1, "103", 0),
        answer(1, "200", 0),
        frame(DATA, 0, 1, b"some "),
        frame(DATA, 8, 1, b"\x04text\0\0\0\0"),
        frame(DATA, END_STREAM, 1, b""),
    ];
    [up.concat(), down.concat()]
}

fn check(bench: &Bench) {
    assert_eq!(bench.pairs(), [("/up?x", "201"), ("/a/b.txt", "200")]);
    assert!(bench.log.weird().is_empty(), "{:?}", bench.log.weird());
    let http = bench.of(EventKind::Http);
    let first = http[0];
    assert_eq!((first.get("http.request.method"), first.get("http.version")), ("POST", "2"));
    assert_eq!((first.get("url.full"), first.get("url.scheme")), ("https://b.dk:81/up?x", "https"));
    assert_eq!((first.get("url.domain"), first.get("url.port")), ("b.dk", "81"));
    assert_eq!(
        (first.get("bavn.http.request.cookie"), first.get("http.request.body.bytes")),
        ("a=1; b=2", "5")
    );
    assert_eq!(first.get("http.request.body.content"), "hello");
    let second = http[1];
    assert_eq!((second.get("user_agent.original"), second.get("bavn.http.response.server")), ("t/1", "s"));
    assert_eq!(
        (second.get("bavn.http.response.reason"), second.get("bavn.http.transaction_depth")),
        ("", "1")
    );
    assert_eq!(second.get("http.response.body.bytes"), "?");
    let files = bench.of(EventKind::File);
    let told = |at: usize| {
        (files[at].get("file.name"), files[at].get("file.size"), files[at].get("bavn.file.whole"))
    };
    assert_eq!((told(0), told(1), files.len()), (("", "5", "true"), ("b.txt", "9", "true"), 2));
}

#[test]
fn streams_are_transactions_however_they_are_split() {
    let [up, down] = conversation();
    for step in [1, 2, 3, 5, 8, 13, 21, 1000] {
        let mut bench = Bench::bare();
        up.chunks(step).for_each(|piece| _ = bench.send(UP, piece));
        down.chunks(step).for_each(|piece| _ = bench.send(DOWN, piece));
        assert_eq!(bench.next, Next::More);
        check(bench.close());
    }
    let mut bench = Bench::bare();
    bench.send(DOWN.flip(), &up).send(DOWN, &down).close();
    check(&bench);
}

#[test]
fn what_is_cut_is_unobserved() {
    let [up, down] = conversation();
    for cut in 0..down.len() {
        let mut bench = Bench::bare();
        bench.send(UP, &up).send(DOWN, &down[..cut]).close();
        assert_eq!(bench.of(EventKind::Http).len(), 2, "{cut}");
        assert!(bench.log.weird().is_empty());
    }
    for cut in 0..up.len() {
        let mut bench = Bench::bare();
        bench.send(UP, &up[..cut]).send(DOWN, &down).close();
        assert_eq!(bench.of(EventKind::Http).len(), 2, "{cut}");
    }
}

#[test]
fn it_is_known_by_its_first_bytes() {
    let [up, down] = conversation();
    for (bytes, from) in [(&up, PREFACE.len()), (&down, 9)] {
        for len in 1..bytes.len() {
            let want = if len < from { Probe::More } else { Probe::Yes };
            assert_eq!(probe(&bytes[..len]), want, "{len}");
        }
    }
    for other in
        [&b"POST / HTTP/1.1"[..], b"\0\x1d\x12\x34\x01\0", b"\0\0\0\x85\xffSMB", b"\0\0\x07\x04\0\0\0\0\0"]
    {
        assert_eq!(probe(other), Probe::No);
    }
}

#[test]
fn gaps() {
    let mut bench = Bench::new();
    bench.send(UP, &get(1, "/f")).send(DOWN, &answer(1, "200", 0));
    let data = frame(DATA, END_STREAM, 1, &[b'x'; 100]);
    bench.send(DOWN, &data[..20]).gap(DOWN, 50).send(DOWN, &data[70..]);
    bench
        .send(UP, &get(3, "/g"))
        .send(DOWN, &answer(3, "404", END_STREAM))
        .send(UP, &get(5, "/h"))
        .gap(DOWN, 30);
    assert_eq!((bench.next, bench.log.weird()), (Next::More, vec!["http2_gap"]));
    bench.send(DOWN, &answer(5, "200", 0));
    assert_eq!(bench.pairs(), [("/f", "200"), ("/g", "404"), ("/h", "?")]);
    let file = bench.of(EventKind::File)[0];
    assert_eq!((file.get("file.size"), file.get("bavn.file.whole")), ("50", "false"));
    bench.gap(UP, 1);
    assert_eq!(bench.next, Next::Done);
}

#[test]
fn resets_and_trailers() {
    let mut bench = Bench::new();
    bench.send(UP, &get(1, "/gone")).send(UP, &frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]));
    assert_eq!(bench.pairs(), [("/gone", "?")]);
    bench.send(UP, &get(3, "/rpc")).send(DOWN, &answer(3, "200", 0)).send(DOWN, &frame(DATA, 0, 3, b"abc"));
    bench.send(DOWN, &frame(HEADERS, END_HEADERS | END_STREAM, 3, &block(&[("grpc-status", "0")])));
    assert_eq!(bench.of(EventKind::File)[0].get("bavn.file.whole"), "true");
    assert_eq!((bench.pairs().len(), bench.log.weird().len()), (2, 0));
    for stream in 0..=MAX_RESETS.get() as u32 {
        let id = 5 + stream * 2;
        bench.send(UP, &get(id, "/")).send(UP, &frame(RST_STREAM, 0, id, &[0, 0, 0, 8]));
    }
    assert_eq!(bench.log.weird(), ["http2_rapid_reset"]);
}

#[test]
fn promises_are_answered() {
    let mut bench = Bench::new();
    let promise =
        [&4_u32.to_be_bytes()[..], &block(&[(":method", "GET"), (":path", "/pushed"), (":authority", "a")])]
            .concat();
    bench.send(UP, &get(1, "/")).send(DOWN, &frame(PUSH_PROMISE, END_HEADERS, 1, &promise));
    bench.send(DOWN, &answer(4, "200", END_STREAM)).send(DOWN, &answer(1, "200", END_STREAM)).close();
    assert_eq!(bench.pairs(), [("/pushed", "200"), ("/", "200")]);
}

#[test]
fn limits_hold() {
    let mut bench = Bench::new();
    bench.send(UP, &frame(HEADERS, 0, 1, &block(&[(":method", "GET")])));
    for _ in 0..100 {
        bench.send(UP, &frame(CONTINUATION, 0, 1, &[]));
    }
    assert_eq!((bench.log.weird(), bench.log.counters.parser_limit), (vec!["http2_continuation_flood"], 1));
    let mut bench = Bench::new();
    bench.send(UP, &frame(HEADERS, 0, 1, &[0; 40]));
    (0..5).for_each(|_| _ = bench.send(UP, &frame(CONTINUATION, 0, 1, &[0; 16_000])));
    assert_eq!(bench.log.weird(), ["http2_header_block_too_long"]);
    let mut bench = Bench::new();
    (0..MAX_STREAMS.get() as u32 + 5).for_each(|stream| _ = bench.send(UP, &get(stream * 2 + 1, "/")));
    assert_eq!((bench.pairs().len(), bench.log.weird()), (5, vec!["http2_too_many_streams"]));
    assert!(bench.parser.held() < 600_000, "{}", bench.parser.held());
    // One entry of the table, given again and again.
    let mut bench = Bench::new();
    let entry = [&[0x40, 1, b'x', 0x7f, 0xe1, 0x1d][..], &[b'y'; 3936], &vec![0xbe; 9000]].concat();
    bench.send(UP, &frame(HEADERS, END_HEADERS | END_STREAM, 1, &entry));
    assert_eq!(bench.log.weird(), ["http2_headers_too_long"]);
    assert!(bench.parser.held() < 200_000);
}

#[test]
fn what_there_cannot_be() {
    let cases = [
        (frame(CONTINUATION, END_HEADERS, 1, &[0x82]), "http2_bad_frame"),
        (frame(HEADERS, END_HEADERS, 0, &[0x82]), "http2_bad_frame"),
        (frame(HEADERS, END_HEADERS | 8, 1, &[9, 0x82]), "http2_bad_frame"),
        ([frame(HEADERS, 0, 1, &[0x82]), frame(DATA, 0, 1, b"x")].concat(), "http2_bad_frame"),
        (frame(HEADERS, END_HEADERS, 1, &[0xff, 0xff]), "http2_bad_header_block"),
        (frame(HEADERS, END_HEADERS, 1, &block(&[("a:b", "c")])), "http2_bad_header"),
    ];
    for (bytes, name) in cases {
        let mut bench = Bench::new();
        bench.send(UP, &bytes);
        assert_eq!(bench.log.weird(), [name]);
    }
    let mut bench = Bench::bare();
    bench.send(UP, b"PRI * HTTP/2.0\r\n\r\nXX");
    assert_eq!(bench.log.weird(), ["http2_bad_preface"]);
    let mut bench = Bench::bare();
    bench.send(DOWN, &frame(SETTINGS, 0, 0, &[])).send(UP, b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!((bench.next, bench.log.weird()), (Next::Switch(18), vec!["http2_bad_preface"]));
    // A line end within a value makes no header of its own.
    let mut bench = Bench::new();
    let smuggled = block(&[(":method", "GET"), (":path", "/"), ("a", "b\r\nhost: evil")]);
    bench.send(UP, &frame(HEADERS, END_HEADERS | END_STREAM, 1, &smuggled)).close();
    assert_eq!(bench.of(EventKind::Http)[0].get("bavn.http.request.header_names"), "A");
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(pieces in proptest::collection::vec((any::<bool>(), 0_u8..12, any::<u8>(), 0_u32..4,
        proptest::collection::vec(any::<u8>(), 0..60), 0_u64..100), 1..40)) {
        let mut bench = Bench::new();
        for (up, kind, flags, stream, payload, gap) in pieces {
            let direction = if up { UP } else { DOWN };
            let bytes = if kind > 10 { payload } else { frame(kind, flags, stream, &payload) };
            bench.send(direction, &bytes);
            if gap > 95 {
                bench.gap(direction, gap);
            }
        }
        bench.close();
        let known = |name: &&str| WEIRDS.iter().chain(http::WEIRDS).any(|(known, _)| known == name);
        prop_assert!(bench.log.weird().iter().all(known));
    }
}
