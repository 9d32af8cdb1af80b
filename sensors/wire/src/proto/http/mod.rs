//! HTTP/1 (RFC 9110, 9112): one event per transaction, at the response's head, and one per file that a body is.
//!
//! Only heads are kept; bodies pass through [`content`] where somebody wants to know of them. Roles follow content, not the flow's direction,
//! so that a flow picked up in its middle is read alike.

mod auth;
mod body;
pub mod content;
pub(crate) mod event;
pub(crate) mod head;
pub mod limits;
mod ntlm;
mod probe;
#[cfg(test)]
mod tests;
pub(crate) mod transactions;
mod upgrade;
pub(crate) mod url;
pub use url::{Authority, Target};

pub use event::FIELDS;

use crate::messages::{Direction, EventKind};
use crate::proto::ntlm::Outcome;
use crate::proto::{Close, Context, FirstBytes, Next, PROBE_BYTES, Probe, StreamParser};
use body::{Framing, State};
use content::Content;
use event::Response;
use head::{Head, RequestLine, Scan, StatusLine, unfold};
use limits::MAX_HEAD;
use transactions::{Method, Request, Transactions};
use upgrade::Upgraded;

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("http_bad_content_encoding", "A body that is not packed as its Content-Encoding says"),
    (
        "http_body_unpacks_to_too_much",
        "A body that unpacks to more than 256 KiB and a hundred times its size, or to more than 128 MiB",
    ),
    ("http_form_part_head_too_long", "A form's part with a head of more than 8 KiB"),
    ("http_form_too_many_parts", "A form of more than 1000 parts"),
    ("http_bad_chunk", "A chunk without a size, with too large a one, or without its line end"),
    ("http_bad_content_length", "A Content-Length that is no number, or several that differ"),
    ("http_bad_header", "A header line without a colon"),
    ("http_head_cut", "A head that did not end before the stream did, or before bytes of it were lost"),
    ("http_head_too_long", "A head of more than 64 KiB"),
    (
        "http_no_head",
        "Something that is no head where one must begin; where it is all that a server says, it is looked at anew: another \
         protocol's server may have been asked for HTTP",
    ),
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
    /// A user that NTLM tells of.
    log_in: Option<Box<ntlm::LogIn>>,
    /// What follows is another protocol's.
    switched: bool,
    /// That which follows, where it is read here.
    upgraded: Option<Upgraded>,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    state: State,
    /// A head, or what should have been one, was here.
    has_begun: bool,
    /// The begin of a head that is not whole yet.
    part: Vec<u8>,
    scan: Scan,
    /// The body at hand may not be there at all: it follows a response whose request was not seen (HEAD).
    doubtful: bool,
    /// The body at hand, where somebody wants to know of it.
    content: Option<Box<Content>>,
}

impl Half {
    fn held(&self) -> usize {
        self.part.capacity() + self.content.as_ref().map_or(0, |content| content.held())
    }
}

impl StreamParser for Http {
    const KINDS: &'static [EventKind] =
        &[EventKind::Http, EventKind::File, EventKind::Websocket, EventKind::Ntlm];
    const FIRST: FirstBytes = FirstBytes::GRAPHIC;

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe::head(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        if !Self::KINDS.iter().any(|kind| cx.wants(*kind)) {
            return Next::Done;
        }
        if let Some(next) = &mut self.upgraded {
            return next.data(direction, data, cx);
        }
        let mut rest = data;
        self.find_again(direction, rest, cx);
        while !rest.is_empty() && !self.switched {
            if self.is_foreign_answer(direction, rest) {
                self.lose(direction, "http_no_head", rest, cx);
                return Next::Switch(rest.len());
            }
            let used = match self.half(direction).state {
                State::Head => self.head(direction, rest, cx),
                _ => self.body(direction, rest, cx),
            };
            rest = rest.get(used..).unwrap_or_default();
        }
        match &mut self.upgraded {
            Some(next) => next.data(direction, rest, cx),
            None if self.switched => Next::Switch(rest.len()),
            None => Next::More,
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) -> Next {
        if let Some(next) = &mut self.upgraded {
            return next.gap(direction, len, cx);
        }
        self.cut_head(direction, cx);
        let half = self.half(direction);
        half.state = half.state.after_gap(len);
        if let Some(content) = &mut half.content {
            content.gap(len);
        }
        if !self.half(direction).state.is_body() {
            self.end_content(direction, false, cx);
        }
        Next::More
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        if let Some(next) = &mut self.upgraded {
            next.tick(cx);
        }
        self.open.expire(cx);
    }

    fn close(&mut self, why: Close, cx: &mut Context<'_>) {
        for direction in [Direction::ToServer, Direction::ToClient] {
            let to_the_end = self.half(direction).state == State::UntilClose && why == Close::End;
            self.end_content(direction, to_the_end, cx);
        }
        let first = self.requests.unwrap_or(Direction::ToServer);
        self.cut_head(first, cx);
        self.cut_head(first.flip(), cx);
        self.open.flush(cx);
        if let Some(mut log_in) = self.log_in.take() {
            log_in.end(Outcome::Unobserved, None, cx);
        }
        if let Some(next) = &mut self.upgraded {
            next.close(why, cx);
        }
    }

    fn held(&self) -> usize {
        let upgraded = self.upgraded.as_ref().map_or(0, Upgraded::held);
        let log_in = self.log_in.as_ref().map_or(0, |log_in| log_in.held());
        self.halves.iter().map(Half::held).sum::<usize>() + self.open.held() + upgraded + log_in
    }
}

impl Http {
    fn half(&mut self, direction: Direction) -> &mut Half {
        &mut self.halves[direction.index()]
    }

    /// True where the first that the server says is no HTTP at all.
    fn is_foreign_answer(&self, direction: Direction, data: &[u8]) -> bool {
        let half = &self.halves[direction.index()];
        let is_first = !half.has_begun && half.state == State::Head && half.part.is_empty();
        is_first && self.requests == Some(direction.flip()) && probe::head(data) == Probe::No
    }

    /// Where the way was lost, a segment that begins with a head shows it again.
    fn find_again(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) {
        let half = self.half(direction);
        let doubtful = std::mem::take(&mut half.doubtful) && data.starts_with(b"HTTP/1.");
        let lost = doubtful || half.state == State::Lost;
        if lost && !data.is_empty() && probe::head(data) == Probe::Yes {
            half.state = State::Head;
            self.end_content(direction, false, cx);
        }
    }

    fn body(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> usize {
        let half = self.half(direction);
        half.doubtful = false;
        let before = half.state;
        let Some((used, counted)) = half.state.pass(data) else {
            return self.lose(direction, "http_bad_chunk", data, cx);
        };
        if let Some(content) = half.content.as_mut().filter(|_| before.has_content()) {
            content.data(data.get(..used).unwrap_or_default(), cx);
        }
        if self.requests == Some(direction) {
            self.open.count(counted);
        }
        if self.half(direction).state == State::Head {
            self.end_content(direction, true, cx);
        }
        used
    }

    fn end_content(&mut self, direction: Direction, whole: bool, cx: &mut Context<'_>) {
        if let Some(content) = self.half(direction).content.take() {
            let told = content.end(whole, cx);
            if self.requests == Some(direction) {
                self.open.note_body(told);
            }
        }
    }

    /// Gives up the place in this direction, and the rest of the segment with it.
    fn lose(&mut self, direction: Direction, name: &'static str, data: &[u8], cx: &mut Context<'_>) -> usize {
        self.end_content(direction, false, cx);
        *self.half(direction) = Half { state: State::Lost, has_begun: true, ..Half::default() };
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
        self.half(direction).has_begun = true;
        if probe::head(data) == Probe::No {
            return self.lose(direction, "http_no_head", data, cx);
        }
        let seen = data.get(..MAX_HEAD.get()).unwrap_or(data);
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
        let taken = data.len().min(MAX_HEAD.get() - before);
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
        if self.half(direction).part.len() < MAX_HEAD.get() {
            return data.len();
        }
        cx.hit(&MAX_HEAD);
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
        let line = RequestLine::parse(head.first);
        let method = match line.method {
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
        if self.half(direction).state.is_body() {
            self.half(direction).content = Content::of_request(&head, false, direction, cx);
        }
        // Clients seldom send a request before the last response is there: where responses are lost or
        // not seen at all, what is open will stay so.
        if cx.one_way || self.half(direction.flip()).state == State::Lost {
            self.open.flush(cx);
        }
        self.depth += 1;
        if cx.wants(EventKind::Ntlm) {
            for token in ntlm::of_request(&head) {
                self.log_in.get_or_insert_default().request(&token, self.depth, cx);
            }
        }
        let request = Request {
            time: cx.time,
            packet: cx.packet,
            cut,
            method,
            length: framing.length.filter(|_| !framing.chunked),
            counted: 0,
            depth: self.depth,
            told: false,
            secure: false,
            body: content::Told::default(),
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
        if self.open.is_single()
            && let Some(content) = &mut self.half(direction.flip()).content
        {
            let told = content.take_told();
            self.open.note_body(told);
        }
        let request = self.open.pop();
        let bodiless = is_bodiless(request.as_ref().map(|request| request.method), line.code);
        let body = framing.response_bytes(bodiless);
        let response = Response { line, head: &head, cut, body };
        event::give_out(request.as_ref().filter(|request| !request.told), Some(&response), cx);
        if matches!(line.code, 401 | 407) && cx.wants(EventKind::Ntlm) {
            for token in ntlm::of_response(&head) {
                self.log_in.get_or_insert_default().token(&token, cx);
            }
        }
        if let (Some(log_in), Some(request)) = (&mut self.log_in, &request) {
            log_in.answered(request.depth, line.code, cx);
        }
        if line.code == 101 {
            self.upgraded = Upgraded::new(request.as_ref(), &head, direction.flip(), cx);
        }
        self.after_response(
            direction,
            request.as_ref().map(|request| request.method),
            line.code,
            framing,
            cx,
        );
        if self.half(direction).state.is_body() {
            self.half(direction).content = Content::of_response(&head, request.as_ref(), direction, cx);
        }
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
        cx.limit(&limits::MAX_HEADERS, "http_too_many_headers", b"");
    }
    if head.broken {
        cx.weird("http", "http_bad_header", b"");
    }
}
