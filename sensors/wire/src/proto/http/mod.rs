//! HTTP/1 (RFC 9110, 9112): one event per transaction, at the response's head.
//!
//! Only heads are kept; bodies are counted and passed over. Roles follow content, not the flow's direction,
//! so that a flow picked up in its middle is read alike.

mod auth;
mod body;
mod event;
mod head;
pub mod limits;
mod probe;
#[cfg(test)]
mod tests;
mod transactions;
mod url;

pub use event::FIELDS;

use crate::messages::{Direction, EventKind};
use crate::proto::{Close, Context, FirstBytes, Next, PROBE_BYTES, Probe, StreamParser};
use body::{Framing, State};
use event::Response;
use head::{Head, RequestLine, Scan, StatusLine, unfold};
use limits::MAX_HEAD;
use transactions::{Method, Request, Transactions};

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("http_bad_chunk", "A chunk without a size, with too large a one, or without its line end"),
    ("http_bad_content_length", "A Content-Length that is no number, or several that differ"),
    ("http_bad_header", "A header line without a colon"),
    ("http_head_cut", "A head that did not end before the stream did, or before bytes of it were lost"),
    ("http_head_too_long", "A head of more than 64 KiB"),
    ("http_no_head", "Something that is no head where one must begin"),
    (
        "http_smuggling_cl_te",
        "Both Content-Length and Transfer-Encoding: servers may disagree on where a message ends",
    ),
    ("http_too_many_headers", "A head of more than 200 headers"),
    ("http_unknown_encoding", "A request whose last transfer encoding is not chunked: its end is not known"),
    ("http_wrong_direction", "A request from the side that sends responses, or the reverse"),
];

/// HTTP/1 over a stream.
#[derive(Debug, Default)]
pub struct Http {
    halves: [Half; 2],
    open: Transactions,
    /// The direction that requests go, once a head has shown it.
    requests: Option<Direction>,
    depth: u64,
    /// What follows is another protocol's.
    switched: bool,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    state: State,
    /// The begin of a head that is not whole yet.
    part: Vec<u8>,
    scan: Scan,
    /// The body at hand may not be there at all: it follows a response whose request was not seen (HEAD).
    doubtful: bool,
}

impl StreamParser for Http {
    const KINDS: &'static [EventKind] = &[EventKind::Http];
    const FIRST: FirstBytes = FirstBytes::GRAPHIC;

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe::head(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        if !cx.sink.wants(EventKind::Http) && !cx.sink.wants(EventKind::Weird) {
            return Next::Done;
        }
        let mut rest = data;
        self.find_again(direction, rest);
        while !rest.is_empty() && !self.switched {
            let used = match self.half(direction).state {
                State::Head => self.head(direction, rest, cx),
                _ => self.body(direction, rest, cx),
            };
            rest = rest.get(used..).unwrap_or_default();
        }
        if self.switched { Next::Switch(rest.len()) } else { Next::More }
    }

    fn gap(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) -> Next {
        self.cut_head(direction, cx);
        let half = self.half(direction);
        half.state = half.state.after_gap(len);
        Next::More
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.open.expire(cx);
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        let first = self.requests.unwrap_or(Direction::ToServer);
        self.cut_head(first, cx);
        self.cut_head(first.flip(), cx);
        self.open.flush(cx);
    }

    fn held(&self) -> usize {
        self.halves.iter().map(|half| half.part.capacity()).sum::<usize>() + self.open.held()
    }
}

impl Http {
    fn half(&mut self, direction: Direction) -> &mut Half {
        &mut self.halves[direction.index()]
    }

    /// Where the way was lost, a segment that begins with a head shows it again.
    fn find_again(&mut self, direction: Direction, data: &[u8]) {
        let half = self.half(direction);
        let doubtful = std::mem::take(&mut half.doubtful) && data.starts_with(b"HTTP/1.");
        let lost = doubtful || half.state == State::Lost;
        if lost && !data.is_empty() && probe::head(data) == Probe::Yes {
            half.state = State::Head;
        }
    }

    fn body(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> usize {
        let half = self.half(direction);
        half.doubtful = false;
        let Some((used, content)) = half.state.pass(data) else {
            return self.lose(direction, "http_bad_chunk", data, cx);
        };
        if self.requests == Some(direction) {
            self.open.count(content);
        }
        used
    }

    /// Gives up the place in this direction, and the rest of the segment with it.
    fn lose(&mut self, direction: Direction, name: &'static str, data: &[u8], cx: &mut Context<'_>) -> usize {
        *self.half(direction) = Half { state: State::Lost, ..Half::default() };
        cx.weird("http", name, b"");
        data.len()
    }

    fn head(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> usize {
        if self.half(direction).part.is_empty() {
            self.head_begins(direction, data, cx)
        } else {
            self.head_goes_on(direction, data, cx)
        }
    }

    /// A head that begins here; mostly it is whole, and read where it lies.
    fn head_begins(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> usize {
        let blank = data.len() - probe::skip_blank(data).len();
        if blank > 0 {
            return blank;
        }
        if probe::head(data) == Probe::No {
            return self.lose(direction, "http_no_head", data, cx);
        }
        let seen = data.get(..MAX_HEAD).unwrap_or(data);
        let mut scan = Scan::default();
        if let Some((head, _)) = scan.find(seen).and_then(|end| seen.split_at_checked(end)) {
            self.take_head(direction, head, scan.folded, false, cx);
            return head.len();
        }
        let half = self.half(direction);
        half.part = seen.to_vec();
        half.scan = scan;
        self.check_length(direction, data, cx)
    }

    fn head_goes_on(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> usize {
        let half = self.half(direction);
        let before = half.part.len();
        let taken = data.len().min(MAX_HEAD - before);
        half.part.extend_from_slice(data.get(..taken).unwrap_or_default());
        if before < PROBE_BYTES && probe::head(&half.part) == Probe::No {
            return self.lose(direction, "http_no_head", data, cx);
        }
        let Some(end) = half.scan.find(&half.part) else {
            return self.check_length(direction, data, cx);
        };
        let mut head = std::mem::take(&mut half.part);
        head.truncate(end);
        let folded = std::mem::take(&mut half.scan).folded;
        self.take_head(direction, &head, folded, false, cx);
        end.saturating_sub(before)
    }

    /// A head that is too long is taken as far as it was kept.
    fn check_length(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> usize {
        if self.half(direction).part.len() < MAX_HEAD {
            return data.len();
        }
        cx.counters.parser_limit += 1;
        self.take_part(direction, cx);
        self.lose(direction, "http_head_too_long", data, cx)
    }

    /// A head that will never be whole, where its first line is.
    fn cut_head(&mut self, direction: Direction, cx: &mut Context<'_>) {
        let half = self.half(direction);
        if half.state != State::Head || half.part.is_empty() {
            return;
        }
        cx.weird("http", "http_head_cut", b"");
        self.take_part(direction, cx);
    }

    fn take_part(&mut self, direction: Direction, cx: &mut Context<'_>) {
        let half = self.half(direction);
        let mut part = std::mem::take(&mut half.part);
        let folded = std::mem::take(&mut half.scan).folded;
        // The last line may be cut anywhere: only whole lines count.
        part.truncate(memchr::memrchr(b'\n', &part).map_or(0, |at| at + 1));
        if !part.is_empty() && probe::head(&part) == Probe::Yes {
            self.take_head(direction, &part, folded, true, cx);
        }
        self.half(direction).state = State::Lost;
    }

    fn take_head(
        &mut self,
        direction: Direction,
        head: &[u8],
        folded: bool,
        cut: bool,
        cx: &mut Context<'_>,
    ) {
        let response = head.starts_with(b"HTTP/");
        let requests = if response { direction.flip() } else { direction };
        if *self.requests.get_or_insert(requests) != requests {
            self.lose(direction, "http_wrong_direction", head, cx);
        } else if response && folded {
            let mut head = head.to_vec();
            unfold(&mut head);
            self.response(direction, &head, cut, cx);
        } else if response {
            self.response(direction, head, cut, cx);
        } else {
            let mut head = head.to_vec();
            if folded {
                unfold(&mut head);
            }
            self.request(direction, head, cut, cx);
        }
    }

    fn request(&mut self, direction: Direction, bytes: Vec<u8>, cut: bool, cx: &mut Context<'_>) {
        let head = Head::parse(&bytes);
        warn(&head, cx);
        let framing = Framing::read(&head, cx);
        let method = match RequestLine::parse(head.first).method {
            b"HEAD" => Method::Head,
            b"CONNECT" => Method::Connect,
            _ => Method::Other,
        };
        if framing.encoded && !framing.chunked {
            cx.weird("http", "http_unknown_encoding", b"");
        }
        self.half(direction).state = match method {
            Method::Connect => State::Tunnel,
            _ => framing.request(),
        };
        // Clients seldom send a request before the last response is there: where responses are lost or
        // not seen at all, what is open will stay so.
        if cx.one_way || self.half(direction.flip()).state == State::Lost {
            self.open.flush(cx);
        }
        self.depth += 1;
        let request = Request {
            time: cx.time,
            packet: cx.packet,
            cut,
            method,
            length: framing.length.filter(|_| !framing.chunked),
            counted: 0,
            depth: self.depth,
            told: false,
            head: bytes,
        };
        self.open.push(request, cx);
    }

    fn response(&mut self, direction: Direction, bytes: &[u8], cut: bool, cx: &mut Context<'_>) {
        let head = Head::parse(bytes);
        warn(&head, cx);
        let Some(line) = StatusLine::parse(head.first) else {
            self.lose(direction, "http_no_head", bytes, cx);
            return;
        };
        // Interim responses go before the one that counts (RFC 9110 15.2).
        if (100..200).contains(&line.code) && line.code != 101 {
            return;
        }
        let framing = Framing::read(&head, cx);
        // An answer to a request that is not whole: it has no end (HTTP/0.9), or was refused before it.
        if self.open.is_empty() {
            self.cut_head(direction.flip(), cx);
        }
        let request = self.open.pop();
        let bodiless = is_bodiless(request.as_ref().map(|request| request.method), line.code);
        let body = framing.response_bytes(bodiless);
        let response = Response { line, head: &head, cut, body };
        event::give_out(request.as_ref().filter(|request| !request.told), Some(&response), cx);
        self.after_response(direction, request.map(|request| request.method), line.code, framing, cx);
    }

    fn after_response(
        &mut self,
        direction: Direction,
        method: Option<Method>,
        code: u16,
        framing: Framing,
        cx: &mut Context<'_>,
    ) {
        let tunnel = method == Some(Method::Connect);
        if code == 101 || tunnel && (200..300).contains(&code) {
            self.open.flush(cx);
            self.switched = true;
            return;
        }
        if tunnel {
            self.half(direction.flip()).state = State::Head;
        }
        let bodiless = method == Some(Method::Head) || matches!(code, 204 | 304);
        let half = self.half(direction);
        half.state = if bodiless { State::Head } else { framing.response() };
        half.doubtful = method.is_none();
    }
}

/// True where a response has no body, whatever its headers say (RFC 9112 6.3).
fn is_bodiless(method: Option<Method>, code: u16) -> bool {
    let tunnel = method == Some(Method::Connect) && (200..300).contains(&code);
    tunnel || method == Some(Method::Head) || matches!(code, 101 | 204 | 304)
}

fn warn(head: &Head<'_>, cx: &mut Context<'_>) {
    if head.more {
        cx.counters.parser_limit += 1;
        cx.weird("http", "http_too_many_headers", b"");
    }
    if head.broken {
        cx.weird("http", "http_bad_header", b"");
    }
}
