use proptest::prelude::*;

use super::limits::{MAX_HEAD, MAX_PENDING, RESPONSE_TIMEOUT};
use super::*;
use crate::fields::Field;
use crate::proto::testing::{Recorder, Seen};

const UP: Direction = Direction::ToServer;
const DOWN: Direction = Direction::ToClient;

struct Bench {
    parser: Http,
    log: Recorder,
    next: Next,
}

impl Bench {
    fn new() -> Self {
        let mut log = Recorder::new(FIELDS);
        log.wanted = &[EventKind::Http, EventKind::Weird];
        Self { parser: Http::default(), log, next: Next::More }
    }

    /// The events of a whole conversation.
    fn of(parts: &[(Direction, &[u8])]) -> Self {
        let mut bench = Self::new();
        for (direction, data) in parts {
            bench.send(*direction, data);
        }
        bench.close();
        bench
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

    fn tick(&mut self, step: u64) -> &mut Self {
        let Self { parser, log, .. } = self;
        log.with(step, |cx| parser.tick(cx));
        self
    }

    fn close(&mut self) -> &mut Self {
        let Self { parser, log, .. } = self;
        log.with(0, |cx| parser.close(Close::End, cx));
        self
    }

    fn only(&self) -> &Seen {
        let events = self.log.events();
        assert_eq!(events.len(), 1, "{:?}", self.log.seen);
        events[0]
    }

    /// Target and status of each event.
    fn pairs(&self) -> Vec<(String, String)> {
        let pair =
            |event: &&Seen| (event.get("url.original").into(), event.get("http.response.status_code").into());
        self.log.events().iter().map(pair).collect()
    }
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(target, status)| ((*target).into(), (*status).into())).collect()
}

const LOGIN: &[u8] = b"POST /cgi/login.php?user=a%20b&x HTTP/1.1\r\nHost: www.example.dk:8080\r\n\
User-Agent: Mozilla/5.0 (test)\r\nReferer: http://example.dk/\r\nCookie: a=1\r\ncookie: b=2\r\n\
Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\nX-Forwarded-For: 192.0.2.9\r\nOrigin: http://o.dk\r\n\
Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello";
const FOUND: &[u8] =
    b"HTTP/1.1 302 Found Here\r\nServer: nginx\r\nLocation: /in\r\nContent-Type: text/html;charset=x\r\n\
Content-Length: 3\r\n\r\nbye";

#[test]
fn a_transaction_tells_everything() {
    let bench = Bench::of(&[(UP, LOGIN), (DOWN, FOUND)]);
    let event = bench.only();
    for (field, value) in [
        ("bavn.http.request.authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("bavn.http.request.cookie", "a=1; b=2"),
        (
            "bavn.http.request.header_names",
            "HOST|USER-AGENT|REFERER|COOKIE|COOKIE|AUTHORIZATION|X-FORWARDED-FOR|ORIGIN|CONTENT-TYPE|CONTENT-LENGTH",
        ),
        ("bavn.http.request.origin", "http://o.dk"),
        ("bavn.http.request.x_forwarded_for", "192.0.2.9"),
        (
            "bavn.http.response.headers",
            "Server: nginx|Location: /in|Content-Type: text/html;charset=x|Content-Length: 3",
        ),
        ("bavn.http.response.location", "/in"),
        ("bavn.http.response.reason", "Found Here"),
        ("bavn.http.response.server", "nginx"),
        ("bavn.http.transaction_depth", "1"),
        ("http.request.body.bytes", "5"),
        ("http.request.method", "POST"),
        ("http.request.mime_type", "text/plain"),
        ("http.request.referrer", "http://example.dk/"),
        ("http.response.body.bytes", "3"),
        ("http.response.mime_type", "text/html"),
        ("http.response.status_code", "302"),
        ("http.version", "1.1"),
        ("url.domain", "www.example.dk"),
        ("url.extension", "php"),
        ("url.full", "http://www.example.dk:8080/cgi/login.php?user=a%20b&x"),
        ("url.original", "/cgi/login.php?user=a%20b&x"),
        ("url.password", "open sesame"),
        ("url.path", "/cgi/login.php"),
        ("url.port", "8080"),
        ("url.query", "user=a%20b&x"),
        ("url.scheme", "http"),
        ("user.name", "Aladdin"),
        ("user_agent.original", "Mozilla/5.0 (test)"),
    ] {
        assert_eq!(event.get(field), value, "{field}");
    }
    assert!(
        event.get("bavn.http.raw").starts_with("POST /cgi/")
            && event.get("bavn.http.raw").ends_with("\r\n\r\n")
    );
    assert_eq!(event.packet, 2);
    assert!(bench.log.weird().is_empty());
}

#[test]
fn absent_is_not_unobserved() {
    let bench = Bench::of(&[(UP, b"GET / HTTP/1.0\r\n\r\n"), (DOWN, b"HTTP/1.0 200 OK\r\n\r\nall of it")]);
    let event = bench.only();
    for field in
        ["user_agent.original", "http.request.referrer", "url.domain", "http.response.mime_type", "url.query"]
    {
        assert_eq!(event.get(field), "", "{field}");
    }
    assert_eq!((event.get("url.full"), event.get("http.version")), ("/", "1.0"));
    assert_eq!(event.get("http.request.body.bytes"), "0");
}

#[test]
fn a_lone_request_has_its_own_time_and_an_unobserved_response() {
    let mut bench = Bench::new();
    bench.send(UP, b"GET /a HTTP/1.1\r\n\r\n").tick(RESPONSE_TIMEOUT);
    assert!(bench.log.seen.is_empty());
    bench.tick(1).close();
    let event = bench.only();
    assert_eq!((event.time, event.packet), (1, 1));
    for field in ["http.response.status_code", "http.response.mime_type", "bavn.http.response.headers"] {
        assert_eq!(event.get(field), "?", "{field}");
    }
    assert_eq!(event.get("user_agent.original"), "");
}

#[test]
fn a_late_response_does_not_take_the_next_request() {
    let mut bench = Bench::new();
    bench.send(UP, b"GET /slow HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n").tick(RESPONSE_TIMEOUT + 1);
    bench.send(UP, b"GET /c HTTP/1.1\r\n\r\n");
    let ok = b"HTTP/1.1 204 x\r\n\r\n";
    bench.send(DOWN, ok).send(DOWN, ok).send(DOWN, b"HTTP/1.1 500 x\r\n\r\n").close();
    let expected = [("/slow", "?"), ("/b", "?"), ("?", "204"), ("?", "204"), ("/c", "500")];
    assert_eq!(bench.pairs(), pairs(&expected));
}

#[test]
fn a_lone_response_has_an_unobserved_request() {
    let bench = Bench::of(&[(DOWN, b"HTTP/1.1 404 Not Found\r\nServer: x\r\nContent-Length: 0\r\n\r\n")]);
    let event = bench.only();
    for field in [
        "http.request.method",
        "url.path",
        "user_agent.original",
        "bavn.http.raw",
        "bavn.http.transaction_depth",
    ] {
        assert_eq!(event.get(field), "?", "{field}");
    }
    assert_eq!((event.get("http.response.status_code"), event.get("http.version")), ("404", "1.1"));
}

#[test]
fn roles_follow_content_where_a_flow_was_picked_up_turned() {
    let bench = Bench::of(&[(DOWN, b"GET /a HTTP/1.1\r\n\r\n"), (UP, b"HTTP/1.1 200 OK\r\n\r\n")]);
    assert_eq!(bench.pairs(), pairs(&[("/a", "200")]));
    let bench = Bench::of(&[(UP, b"GET /a HTTP/1.1\r\n\r\n"), (UP, b"HTTP/1.1 200 OK\r\n\r\n")]);
    assert_eq!(bench.log.weird(), ["http_wrong_direction"]);
}

/// Pipelined requests with and without bodies; responses of every framing.
fn conversation() -> (Vec<u8>, Vec<u8>, Vec<(String, String)>) {
    let requests: &[&[u8]] = &[
        b"GET /1 HTTP/1.1\r\nHost: a.dk\r\n\r\n",
        b"\r\nPOST /2 HTTP/1.1\r\nContent-Length: 22\r\n\r\nGET /no HTTP/1.1\r\n\r\n\r\n",
        b"HEAD /3 HTTP/1.1\r\n\r\n",
        b"PUT /4 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nGET /\r\n1\r\nx\r\n0\r\nT: v\r\nU: w\r\n\r\n",
        b"GET /5 HTTP/1.1\nHost: bare\n\n",
        b"GET http://abs.dk/6 HTTP/1.1\r\nHost: other\r\nA: b\r\n\tc\r\n\r\n",
    ];
    let responses: &[&[u8]] = &[
        b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\nHTTP/1.1 999 no\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        b"HTTP/1.1 201 OK\r\nContent-Length: 400\r\n\r\n",
        b"HTTP/1.1 202 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\nA\r\n0123456789\r\n00\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\nContent-Length: 9\n\n",
        b"HTTP/1.1 203 OK\r\n\r\nuntil\r\n\r\nthe end HTTP/1.1 200 OK\r\n\r\n",
    ];
    let told = [
        ("/1", "200"),
        ("/2", "204"),
        ("/3", "201"),
        ("/4", "202"),
        ("/5", "304"),
        ("http://abs.dk/6", "203"),
    ];
    (requests.concat(), responses.concat(), pairs(&told))
}

#[test]
fn pipelining_and_every_framing() {
    let (requests, responses, told) = conversation();
    let bench = Bench::of(&[(UP, &requests), (DOWN, &responses)]);
    assert_eq!(bench.pairs(), told);
    assert!(bench.log.weird().is_empty(), "{:?}", bench.log.weird());
    let events = bench.log.events();
    assert_eq!(events[3].get("http.request.body.bytes"), "6");
    assert_eq!(events[5].get("bavn.http.request.headers"), "Host: other|A: b  \tc");
    assert_eq!((events[5].get("url.domain"), events[5].get("url.full")), ("abs.dk", "http://abs.dk/6"));
    assert_eq!(events[5].get("bavn.http.transaction_depth"), "6");
}

#[test]
fn splits_anywhere_give_the_same_events() {
    let (requests, responses, _) = conversation();
    let plain = |bench: &Bench| -> Vec<Vec<String>> {
        let row = |event: &&Seen| FIELDS.iter().map(|field| event.get(field.name()).into()).collect();
        bench.log.events().iter().map(row).collect()
    };
    let whole = plain(&Bench::of(&[(UP, &requests), (DOWN, &responses)]));
    for cut in 0..requests.len() {
        let (a, b) = requests.split_at(cut);
        assert_eq!(plain(&Bench::of(&[(UP, a), (UP, b), (DOWN, &responses)])), whole, "requests at {cut}");
    }
    for cut in 0..responses.len() {
        let (a, b) = responses.split_at(cut);
        assert_eq!(plain(&Bench::of(&[(UP, &requests), (DOWN, a), (DOWN, b)])), whole, "responses at {cut}");
    }
    let mut bytes = Bench::new();
    for byte in &requests {
        bytes.send(UP, &[*byte]);
    }
    for byte in &responses {
        bytes.send(DOWN, &[*byte]);
    }
    assert_eq!(plain(bytes.close()), whole);
}

#[test]
fn truncations_never_invent_events() {
    let (requests, responses, told) = conversation();
    for cut in 0..requests.len() {
        let bench = Bench::of(&[(UP, &requests[..cut])]);
        for (pair, (target, _)) in bench.pairs().iter().zip(&told) {
            assert_eq!(pair, &(target.clone(), "?".into()), "{cut}");
        }
    }
    for cut in 0..responses.len() {
        let bench = Bench::of(&[(UP, &requests), (DOWN, &responses[..cut])]);
        let targets: Vec<_> = bench.pairs().into_iter().map(|(target, _)| target).collect();
        assert!(targets.iter().eq(told.iter().map(|(target, _)| target)), "{cut}");
    }
}

#[test]
fn tunnels_end_the_work() {
    let mut bench = Bench::new();
    bench.send(UP, b"CONNECT a.dk:443 HTTP/1.1\r\n\r\n").send(UP, b"\x16\x03\x01");
    bench.send(DOWN, b"HTTP/1.1 200 Connection established\r\n\r\n\x16\x03");
    assert_eq!(bench.next, Next::Switch(2));
    let event = bench.only();
    assert_eq!((event.get("url.domain"), event.get("url.port"), event.get("url.path")), ("a.dk", "443", ""));
    let mut bench = Bench::new();
    bench
        .send(UP, b"CONNECT a.dk:443 HTTP/1.1\r\n\r\n")
        .send(DOWN, b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
    bench
        .send(UP, b"GET /b HTTP/1.1\r\n\r\n")
        .send(DOWN, b"HTTP/1.1 101 Switching\r\nUpgrade: tls/1.2\r\n\r\n\x81");
    assert_eq!(bench.next, Next::Switch(1));
    assert_eq!(bench.pairs(), pairs(&[("a.dk:443", "407"), ("/b", "101")]));
}

#[test]
fn what_follows_an_upgrade_is_read() {
    let mut bench = Bench::new();
    let websocket = crate::proto::websocket::FIELDS;
    bench.log = Recorder::new(websocket);
    bench.log.wanted = &[EventKind::Websocket];
    bench.send(UP, b"GET /chat HTTP/1.1\r\nHost: a.dk:80\r\nUpgrade: websocket\r\nUser-Agent: x\r\n\r\n");
    bench.send(
        DOWN,
        b"HTTP/1.1 101 Yes\r\nUpgrade: WebSocket\r\nSec-WebSocket-Protocol: p\r\n\r\n\x81\x02hi\x88\x00",
    );
    bench.send(UP, b"\x82\x83abcdefg").close();
    let event = bench.only();
    assert_eq!((event.get("url.domain"), event.get("url.original")), ("a.dk", "/chat"));
    assert_eq!((event.get("bavn.websocket.subprotocol"), event.get("user_agent.original")), ("p", "x"));
    assert_eq!(event.get("bavn.websocket.server.bytes"), "2");
    assert_eq!(event.get("bavn.websocket.client.binary_messages"), "1");
    assert_eq!(event.get("bavn.websocket.close.side"), "server");

    let mut bench = Bench::new();
    bench.send(UP, b"GET /a?b HTTP/1.1\r\nHost: a.dk\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n");
    bench.send(DOWN, b"HTTP/1.1 101 Yes\r\nUpgrade: h2c\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    bench.send(UP, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    // The answer to the first request, then another request with its own.
    bench.send(DOWN, b"\0\0\x01\x01\x05\0\0\0\x01\x88").send(UP, b"\0\0\x03\x01\x05\0\0\0\x03\x82\x84\x86");
    bench.send(DOWN, b"\0\0\x01\x01\x05\0\0\0\x03\x8d").close();
    assert_eq!(bench.pairs(), pairs(&[("/a?b", "101"), ("/a?b", "200"), ("/", "404")]));
    assert_eq!(bench.log.events()[2].get("http.version"), "2");
    assert!(bench.log.weird().is_empty());
}

#[test]
fn anomalies_are_named() {
    let of = |request: &[u8]| {
        let bench = Bench::of(&[(UP, request)]);
        let names: Vec<String> = bench.log.weird().into_iter().map(str::to_owned).collect();
        assert!(names.iter().all(|name| WEIRDS.iter().any(|(known, _)| known == name)), "{names:?}");
        names
    };
    let head = |lines: &str| format!("POST / HTTP/1.1\r\n{lines}\r\n\r\n").into_bytes();
    assert_eq!(of(&head("Content-Length: 3\r\nTransfer-Encoding: chunked")), ["http_smuggling_cl_te"]);
    assert_eq!(of(&head("Content-Length: 3\r\nContent-Length: 4")), ["http_bad_content_length"]);
    assert_eq!(of(&head("Content-Length: +3")), ["http_bad_content_length"]);
    assert_eq!(of(&head("Content-Length: 18446744073709551615")), ["http_bad_content_length"]);
    assert!(of(&head("Content-Length: 3, 3")).is_empty());
    assert_eq!(of(&head("no colon")), ["http_bad_header"]);
    assert_eq!(of(&head("Transfer-Encoding: x")), ["http_unknown_encoding"]);
    assert_eq!(of(&head(&"a: b\r\n".repeat(300))), ["http_too_many_headers"]);
    let chunked = |body: &str| [head("Transfer-Encoding: chunked"), body.into()].concat();
    for bad in ["x\r\n", "\r\n", "11111111111111111\r\n", "2\r\nabc\r\n"] {
        assert_eq!(of(&chunked(bad)), ["http_bad_chunk"], "{bad}");
    }
    assert_eq!(of(b"GET / HTTP/1.1\r\n\r\n\x16\x03\x01 rubbish"), ["http_no_head"]);
    assert_eq!(of(b"GET / HTTP/1.1\r\nHost"), ["http_head_cut"]);
}

#[test]
fn a_server_that_speaks_another_protocol_is_left_to_it() {
    let mut bench = Bench::new();
    bench.send(UP, b"GET / HTTP/1.1\r\nHost: a.dk\r\n\r\n").send(DOWN, b"SSH-2.0-OpenSSH_9.6\r\n");
    assert_eq!(bench.next, Next::Switch(21));
    assert_eq!(bench.log.weird(), ["http_no_head"]);
    let mut bench = Bench::new();
    bench.send(UP, b"GET / HTTP/1.1\r\n\r\n").send(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    bench.send(UP, b"GET / HTTP/1.1\r\n\r\n").send(DOWN, b"SSH-2.0-x\r\n");
    assert_eq!(bench.next, Next::More, "it has spoken HTTP before");
}

#[test]
fn what_follows_a_bad_length_is_looked_at_as_a_head() {
    let request = b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n";
    assert_eq!(Bench::of(&[(UP, request)]).pairs(), pairs(&[("/", "?"), ("/smuggled", "?")]));
}

#[test]
fn a_head_that_is_too_long_is_told_as_far_as_it_goes() {
    let mut bench = Bench::new();
    let long = [b"GET /long HTTP/1.1\r\nHost: a.dk\r\nX: ".to_vec(), vec![b'x'; MAX_HEAD.get()]].concat();
    for part in long.chunks(1000) {
        bench.send(UP, part);
    }
    bench.send(UP, b"GET /next HTTP/1.1\r\n\r\n").close();
    assert_eq!(bench.log.weird(), ["http_head_too_long"]);
    let events = bench.log.events();
    assert_eq!((events[0].get("url.path"), events[0].get("url.domain")), ("/long", "a.dk"));
    assert_eq!(events[0].get("user_agent.original"), "?", "it may stand in what was not read");
    assert_eq!(events[1].get("url.path"), "/next");
    assert_eq!(bench.log.counters.parser_limit, 1);
}

#[test]
fn open_requests_are_limited() {
    let mut bench = Bench::new();
    for _ in 0..=MAX_PENDING.get() {
        bench.send(UP, b"GET /a HTTP/1.1\r\n\r\n");
    }
    assert_eq!((bench.log.events().len(), bench.log.counters.parser_limit), (1, 1));
    let mut bench = Bench::new();
    let big = [b"GET /big HTTP/1.1\r\nX: ".to_vec(), vec![b'x'; 60_000], b"\r\n\r\n".to_vec()].concat();
    for _ in 0..6 {
        bench.send(UP, &big);
    }
    assert_eq!((bench.log.events().len(), bench.log.counters.parser_limit), (2, 2));
    bench.close();
    assert_eq!(bench.log.events().len(), 6);
}

#[test]
fn gaps_in_bodies_are_passed_over() {
    let mut bench = Bench::new();
    bench
        .send(UP, b"GET /1 HTTP/1.1\r\n\r\n")
        .send(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    bench.gap(DOWN, 90).send(DOWN, b"1234567");
    bench
        .send(UP, b"GET /2 HTTP/1.1\r\n\r\n")
        .send(DOWN, b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
        .close();
    assert_eq!(bench.pairs(), pairs(&[("/1", "200"), ("/2", "404")]));
}

#[test]
fn the_way_is_found_again_after_a_gap() {
    let mut bench = Bench::new();
    bench
        .send(UP, b"GET /1 HTTP/1.1\r\n\r\n")
        .send(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    // The end of the first body and the whole second response are lost.
    bench.send(UP, b"GET /2 HTTP/1.1\r\n\r\n").gap(DOWN, 500).send(DOWN, b"rest of a body");
    bench.send(UP, b"GET /3 HTTP/1.1\r\n\r\n").send(DOWN, b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    // A request is lost; its response comes.
    bench.gap(UP, 30).send(DOWN, b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    bench.send(UP, b"GET /5 HTTP/1.1\r\n\r\n").send(DOWN, b"HTTP/1.1 204 No\r\n\r\n").close();
    let told = [("/1", "200"), ("/2", "?"), ("/3", "403"), ("?", "500"), ("/5", "204")];
    assert_eq!(bench.pairs(), pairs(&told));
}

#[test]
fn a_head_cut_by_a_gap_is_told_as_far_as_it_goes() {
    let mut bench = Bench::new();
    bench.send(UP, b"GET /1 HTTP/1.1\r\nHost: a.dk\r\nUser-Ag").gap(UP, 100);
    bench.send(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").close();
    let event = bench.only();
    assert_eq!((event.get("url.original"), event.get("url.domain")), ("/1", "a.dk"));
    assert_eq!((event.get("user_agent.original"), event.get("http.response.status_code")), ("?", "200"));
}

#[test]
fn a_response_answers_what_there_is_of_a_request() {
    let bench = Bench::of(&[(UP, b"GET /old\r\n"), (DOWN, b"HTTP/1.0 200 OK\r\n\r\n")]);
    let event = bench.only();
    assert_eq!((event.get("url.path"), event.get("http.version")), ("/old", "0.9"));
    assert_eq!(event.get("http.response.status_code"), "200");
    let slow = b"POST /slow HTTP/1.1\r\nHost: a.dk\r\nX-";
    let bench = Bench::of(&[(UP, slow), (DOWN, b"HTTP/1.1 408 Late\r\n\r\n"), (UP, b"a: b\r\n")]);
    assert_eq!(bench.pairs(), pairs(&[("/slow", "408")]));
}

#[test]
fn one_way_captures() {
    let mut bench = Bench::new();
    bench.log.one_way = true;
    bench.send(UP, b"GET /1 HTTP/1.1\r\n\r\n").send(UP, b"GET /2 HTTP/1.1\r\n\r\n");
    assert_eq!(bench.pairs(), pairs(&[("/1", "?")]), "the next request shows that no response will come");
    bench.close();
    assert_eq!(bench.pairs(), pairs(&[("/1", "?"), ("/2", "?")]));
    // Responses alone: the answer to a HEAD has a length and no body.
    let mut bench = Bench::new();
    bench
        .send(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n")
        .send(DOWN, b"HTTP/1.1 206 OK\r\n\r\n");
    assert_eq!(bench.pairs(), pairs(&[("?", "200"), ("?", "206")]));
}

#[test]
fn chunked_counts_wherever_it_is_named() {
    for encoding in ["chunked, identity", "CHUNKED ,x", "chunked\r\nTransfer-Encoding: identity"] {
        let mut bench = Bench::new();
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {encoding}\r\n\r\n");
        bench.send(UP, head.as_bytes()).send(UP, b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        bench.close();
        assert_eq!(bench.pairs(), pairs(&[("/", "?"), ("/smuggled", "?")]), "{encoding}");
        assert_eq!(bench.log.weird(), ["http_unknown_encoding"]);
    }
}

#[test]
fn nobody_wants_it() {
    let mut bench = Bench::new();
    bench.log.wanted = &[];
    bench.send(UP, LOGIN);
    assert_eq!(bench.next, Next::Done);
}

fn pieces() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
    let text = prop_oneof![
        Just(b"GET / HTTP/1.1\r\n".to_vec()),
        Just(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Just(b"CONNECT a:1 HTTP/1.1\r\n".to_vec()),
        Just(b"Content-Length: 7\r\n".to_vec()),
        Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b" fold\n".to_vec()),
        Just(b"5\r\nabcde\r\n0\r\n\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
    ];
    proptest::collection::vec((any::<bool>(), text), 1..40)
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(pieces in pieces(), gaps in proptest::collection::vec(0_u64..50, 40)) {
        let mut bench = Bench::new();
        for ((up, data), gap) in pieces.iter().zip(gaps) {
            let direction = if *up { UP } else { DOWN };
            bench.send(direction, data);
            if gap > 40 {
                bench.gap(direction, gap);
            }
        }
        bench.tick(RESPONSE_TIMEOUT * 2).close();
        let known = |name: &&str| WEIRDS.iter().any(|(known, _)| known == name);
        prop_assert!(bench.log.weird().iter().all(known));
    }

    #[test]
    fn valid_streams_split_in_many_places(cuts in proptest::collection::vec(0_usize..600, 0..12), turn: bool) {
        let (requests, responses, told) = conversation();
        let mut bench = Bench::new();
        for (direction, bytes) in [(UP, requests), (DOWN, responses)] {
            let direction = if turn { direction.flip() } else { direction };
            let mut ends: Vec<_> = cuts.iter().map(|cut| cut % bytes.len()).chain([bytes.len()]).collect();
            ends.sort_unstable();
            let mut from = 0;
            for end in ends {
                bench.send(direction, &bytes[from..end]);
                from = end;
            }
        }
        bench.close();
        prop_assert_eq!(bench.pairs(), told);
    }
}

#[test]
fn a_body_whose_length_only_its_end_tells_is_unobserved() {
    let cases = [
        ("GET", "200 OK", "Content-Length: 5", "5"),
        ("GET", "200 OK", "Transfer-Encoding: chunked", "?"),
        ("GET", "200 OK", "Server: x", "?"),
        ("HEAD", "200 OK", "Server: x", ""),
        ("GET", "304 Not Modified", "Server: x", ""),
    ];
    for (method, status, header, told) in cases {
        let mut bench = Bench::new();
        bench.send(UP, format!("{method} / HTTP/1.1\r\n\r\n").as_bytes());
        bench.send(DOWN, format!("HTTP/1.1 {status}\r\n{header}\r\n\r\n").as_bytes());
        assert_eq!(bench.only().get("http.response.body.bytes"), told, "{method} {status} {header}");
    }
}

const UPLOAD: &[u8] = b"POST /up HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 96\r\n\r\n\
--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.sh\"\r\n\r\n#!/bin/sh\necho hello\n\r\n--b--\r\n";

/// Events of kind `file` beside those of kind `http`.
fn carved(parts: &[(Direction, &[u8])]) -> Bench {
    let mut bench = Bench::new();
    bench.log = Recorder::new(WITH_FILES);
    for (direction, data) in parts {
        bench.send(*direction, data);
    }
    bench.close();
    bench
}

const WITH_FILES: &[Field] = &{
    let mut all = [Field::HttpRaw; FIELDS.len() + crate::files::FIELDS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < FIELDS.len() { FIELDS[at] } else { crate::files::FIELDS[at - FIELDS.len()] };
        at += 1;
    }
    all
};

fn files(bench: &Bench) -> Vec<(String, String, String)> {
    let events = bench.log.seen.iter().filter(|event| event.kind == EventKind::File);
    let told = |event: &Seen| {
        (event.get("file.name").into(), event.get("file.size").into(), event.get("bavn.file.whole").into())
    };
    events.map(told).collect()
}

fn told(name: &str, size: &str, whole: &str) -> (String, String, String) {
    (name.into(), size.into(), whole.into())
}

#[test]
fn forms_and_their_files() {
    assert_eq!(UPLOAD.len(), memchr::memmem::find(UPLOAD, b"\r\n\r\n").unwrap() + 4 + 96);
    let bench = carved(&[(UP, UPLOAD), (DOWN, b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")]);
    assert_eq!(files(&bench), [told("a.sh", "21", "true"), told("up", "2", "true")]);
    let http = bench.log.seen.iter().find(|event| event.kind == EventKind::Http).unwrap();
    assert_eq!(http.get("bavn.http.request.form_fields"), "f");
    assert_eq!(http.get("bavn.http.request.file_names"), "a.sh");
    assert!(http.get("http.request.body.content").contains("echo hello"));
    assert_eq!(bench.log.seen[0].get("bavn.file.direction"), "to_server");
}

#[test]
fn bodies_in_chunks_and_to_the_end() {
    let chunked =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x\r\ndefg\r\n0\r\nT: x\r\n\r\n";
    let open = b"HTTP/1.0 200 OK\r\n\r\nto the end";
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\n\r\n").into_bytes();
    let bench = carved(&[(UP, &get("/a/b.c?d")), (DOWN, chunked), (UP, &get("/e")), (DOWN, open)]);
    assert_eq!(files(&bench), [told("b.c", "7", "true"), told("e", "10", "true")]);
    let bench = carved(&[(UP, &get("/x")), (DOWN, &chunked[..62])]);
    assert_eq!(files(&bench), [told("x", "5", "false")]);
    let bench =
        carved(&[(UP, b"HEAD /x HTTP/1.1\r\n\r\n"), (DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")]);
    assert!(files(&bench).is_empty());
    let bench = carved(&[(UP, b"PUT /d/new.txt HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")]);
    assert_eq!(files(&bench), [told("new.txt", "3", "true")]);
}

#[test]
fn files_with_gaps_are_told_as_such() {
    let mut bench = carved(&[]);
    bench
        .send(UP, b"GET /f HTTP/1.1\r\n\r\n")
        .send(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nabc");
    bench.gap(DOWN, 10).send(DOWN, b"1234567").send(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    bench.gap(DOWN, 500).close();
    assert_eq!(files(&bench), [told("f", "10", "false"), told("", "2", "true")]);
    let mut bench = carved(&[]);
    bench
        .send(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nabc")
        .gap(DOWN, 17)
        .send(DOWN, b"HTTP/1.1 404");
    bench.close();
    assert_eq!(files(&bench), [told("", "3", "false")]);
}

#[test]
fn a_response_before_the_body_is_over() {
    let head = b"POST /x HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345";
    let bench =
        carved(&[(UP, head), (DOWN, b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"), (UP, b"67890")]);
    let http = bench.log.seen.iter().find(|event| event.kind == EventKind::Http).unwrap();
    assert_eq!(http.get("http.request.body.content"), "12345");
    assert_eq!(files(&bench), [told("", "10", "true")]);
}

#[test]
fn files_alone_are_told_where_they_alone_are_wanted() {
    let mut bench = carved(&[]);
    bench.log.wanted = &[EventKind::File];
    bench.send(UP, UPLOAD).send(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!((files(&bench).len(), bench.log.seen.len()), (2, 2));
}

mod log_ins {
    use super::*;
    use crate::proto::base64::encode;
    use crate::proto::ntlm;
    use crate::proto::ntlm::tests::{authenticate, challenge, response2};

    const NEGOTIATE: &[u8] = b"NTLMSSP\0\x01\0\0\0\x01\x02\x08\0";

    fn request(scheme: &str, token: &[u8]) -> Vec<u8> {
        let token = String::from_utf8(encode(token)).unwrap();
        format!("GET / HTTP/1.1\r\n{scheme} {token}\r\n\r\n").into_bytes()
    }

    fn response(code: u16, header: &str, token: &[u8]) -> Vec<u8> {
        let token = String::from_utf8(encode(token)).unwrap();
        format!("HTTP/1.1 {code} X\r\n{header} {token}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    }

    fn run(parts: &[(Direction, Vec<u8>)]) -> Vec<[String; 4]> {
        let mut log = Recorder::new(ntlm::FIELDS);
        log.wanted = &[EventKind::Ntlm];
        let mut bench = Bench { parser: Http::default(), log, next: Next::More };
        for (direction, data) in parts {
            bench.send(*direction, data);
        }
        bench.close();
        let names = ["user.name", "bavn.ntlm.server.target", "bavn.ntlm.success", "bavn.ntlm.status"];
        let told = bench.log.seen.iter().filter(|seen| seen.kind == EventKind::Ntlm);
        told.inspect(|seen| assert_eq!(seen.get("bavn.ntlm.carrier"), "http"))
            .map(|seen| names.map(|name| seen.get(name).to_owned()))
            .collect()
    }

    fn log_in(to: &str, from: &str, ask: u16, end: u16) -> Vec<(Direction, Vec<u8>)> {
        vec![
            (UP, request(to, NEGOTIATE)),
            (DOWN, response(ask, from, &challenge())),
            (UP, request(to, &authenticate("ann", &response2()))),
            (DOWN, response(end, "Server:", b"")),
        ]
    }

    const TO_SERVER: (&str, &str) = ("Authorization: NTLM", "WWW-Authenticate: NTLM");

    #[test]
    fn servers_and_proxies_let_in_or_not() {
        let (to, from) = TO_SERVER;
        assert_eq!(run(&log_in(to, from, 401, 200)), [["ann", "EXAMPLE", "true", "200"]]);
        assert_eq!(run(&log_in(to, from, 401, 401)), [["ann", "EXAMPLE", "false", "401"]]);
        let (to, from) = ("Proxy-Authorization: Negotiate", "Proxy-Authenticate: Negotiate");
        assert_eq!(run(&log_in(to, from, 407, 503)), [["ann", "EXAMPLE", "true", "503"]]);
        assert_eq!(run(&log_in(to, from, 407, 407)), [["ann", "EXAMPLE", "false", "407"]]);
    }

    #[test]
    fn each_of_several_on_a_connection_is_told() {
        let (to, from) = TO_SERVER;
        let both = [log_in(to, from, 401, 401), log_in(to, from, 401, 200)].concat();
        let told = [["ann", "EXAMPLE", "false", "401"], ["ann", "EXAMPLE", "true", "200"]];
        assert_eq!(run(&both), told);
    }

    #[test]
    fn what_is_not_seen_is_unobserved() {
        let (to, from) = TO_SERVER;
        let parts = log_in(to, from, 401, 200);
        // A scanner asks for the server's names only, twice.
        let scan = [&parts[..2], &parts[..2]].concat();
        assert_eq!(run(&scan), [["?", "EXAMPLE", "?", "?"], ["?", "EXAMPLE", "?", "?"]]);
        assert_eq!(run(&parts[..3]), [["ann", "EXAMPLE", "?", "?"]]);
        assert_eq!(run(&parts[1..2]), [["?", "EXAMPLE", "?", "?"]]);
        assert_eq!(run(&[parts[2].clone(), parts[3].clone()]), [["ann", "?", "true", "200"]]);
        assert!(run(&[(UP, request("Authorization: Negotiate", b"\x60\x03\x06\x01\x2a"))]).is_empty());
    }

    #[test]
    fn an_answer_to_an_earlier_request_decides_nothing() {
        let (to, from) = TO_SERVER;
        let mut parts = log_in(to, from, 401, 200);
        parts.insert(2, (UP, b"GET /a HTTP/1.1\r\n\r\n".to_vec()));
        parts.insert(4, (DOWN, response(401, "Server:", b"")));
        assert_eq!(run(&parts), [["ann", "EXAMPLE", "true", "200"]]);
    }

    #[test]
    fn a_malformed_message_is_named() {
        let bench = Bench::of(&[(UP, &request("Authorization: NTLM", b"NTLMSSP\0\x03\0\0\0"))]);
        assert_eq!(bench.log.weird(), ["ntlm_malformed"]);
    }
}
