//! The streams of one connection: each a transaction.

use std::collections::BTreeMap;

use super::head::List;
use super::limits::{MAX_HEADS, MAX_RESETS, MAX_STREAMS};
use crate::messages::{Direction, Value};
use crate::proto::Context;
use crate::proto::http::content::{Content, Told};
use crate::proto::http::event::{self, Response};
use crate::proto::http::head::{Head, RequestLine, StatusLine};
use crate::proto::http::limits::RESPONSE_TIMEOUT;
use crate::proto::http::transactions::{Method, Request, give_out};

/// Sides of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client = 0,
    Server = 1,
}

/// One stream.
#[derive(Debug, Default)]
struct Stream {
    /// Until its response is there.
    request: Option<Request>,
    answered: bool,
    content: [Option<Box<Content>>; 2],
    over: [bool; 2],
}

impl Stream {
    fn held(&self) -> usize {
        self.content.iter().flatten().map(|content| content.held()).sum()
    }

    fn head(&self) -> usize {
        self.request.as_ref().map_or(0, Request::held)
    }
}

/// Streams by their numbers.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: BTreeMap<u32, Stream>,
    /// Bytes of heads held.
    heads: usize,
    depth: u64,
    resets: u64,
    flooded: bool,
}

impl Streams {
    pub(super) fn held(&self) -> usize {
        let contents: usize = self.open.values().map(Stream::held).sum();
        self.open.len() * size_of::<Stream>() + self.heads + contents
    }

    /// A request that came by HTTP/1 and is answered as the first stream (RFC 7540 3.2).
    pub(super) fn upgraded(&mut self, mut request: Request, cx: &mut Context<'_>) {
        self.depth = request.depth;
        request.told = false;
        self.insert(1, Stream { request: Some(request), over: [true, false], ..Stream::default() }, cx);
    }

    /// Headers from the client, or those that a server promises to answer: a request, or trailers.
    pub(super) fn request(
        &mut self,
        id: u32,
        list: &List,
        direction: Direction,
        over: bool,
        cx: &mut Context<'_>,
    ) {
        if self.open.contains_key(&id) {
            if over {
                self.end(id, Side::Client, cx);
            }
            return;
        }
        self.depth += 1;
        let bytes = list.request_head();
        let head = Head::parse(&bytes);
        let line = RequestLine::parse(head.first);
        let mut stream = Stream { over: [over, false], ..Stream::default() };
        if !over {
            stream.content[0] = Content::of_request(&head, list.secure, direction, cx);
        }
        stream.request = Some(Request {
            time: cx.time,
            packet: cx.packet,
            cut: list.cut || head.more,
            method: if line.method == b"HEAD" { Method::Head } else { Method::Other },
            length: length(&head),
            counted: 0,
            depth: self.depth,
            told: false,
            secure: list.secure,
            body: Told::default(),
            head: bytes,
        });
        self.insert(id, stream, cx);
    }

    fn insert(&mut self, id: u32, stream: Stream, cx: &mut Context<'_>) {
        self.heads += stream.head();
        self.open.insert(id, stream);
        if self.open.len() > MAX_STREAMS.get() {
            cx.limit(&MAX_STREAMS, "http2_too_many_streams", b"");
            let oldest = self.open.keys().next().copied();
            oldest.into_iter().for_each(|oldest| self.drop_stream(oldest, cx));
        }
        if self.heads > MAX_HEADS.get() {
            cx.hit(&MAX_HEADS);
            self.tell_until(cx, |heads, _| heads <= MAX_HEADS.get());
        }
    }

    /// Headers from the server: interim ones, the response, or trailers.
    pub(super) fn response(
        &mut self,
        id: u32,
        list: &List,
        direction: Direction,
        over: bool,
        cx: &mut Context<'_>,
    ) {
        let answered = self.open.get(&id).is_some_and(|stream| stream.answered);
        if !answered {
            let bytes = list.response_head();
            let head = Head::parse(&bytes);
            match StatusLine::parse(head.first) {
                Some(line) if (100..200).contains(&line.code) => return,
                Some(line) => self.answer(id, line, &head, (list.cut, over), direction, cx),
                None => cx.weird("http2", "http2_bad_header", b"no status"),
            }
        }
        if over {
            self.end(id, Side::Server, cx);
        }
    }

    fn answer(
        &mut self,
        id: u32,
        line: StatusLine<'_>,
        head: &Head<'_>,
        (cut, over): (bool, bool),
        direction: Direction,
        cx: &mut Context<'_>,
    ) {
        if !self.open.contains_key(&id) {
            self.insert(id, Stream::default(), cx);
        }
        let Some(stream) = self.open.get_mut(&id) else { return };
        self.heads -= stream.head();
        let mut request = stream.request.take();
        if let (Some(request), Some(content)) = (&mut request, &mut stream.content[0]) {
            request.body = content.take_told();
        }
        let bodiless = over || request.as_ref().is_some_and(|request| request.method == Method::Head);
        let told = length(head).map(Value::Number);
        let body = if bodiless { told } else { told.or(Some(Value::Unobserved)) };
        let response = Response { line, head, cut, body };
        event::give_out(request.as_ref().filter(|request| !request.told), Some(&response), cx);
        stream.answered = true;
        if !bodiless {
            stream.content[1] = Content::of_response(head, request.as_ref(), direction, cx);
        }
    }

    pub(super) fn data(&mut self, id: u32, side: Side, bytes: &[u8], cx: &mut Context<'_>) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        if let Some(request) = stream.request.as_mut().filter(|_| side == Side::Client) {
            request.counted += bytes.len() as u64;
        }
        if let Some(content) = &mut stream.content[side as usize] {
            content.data(bytes, cx);
        }
    }

    pub(super) fn gap(&mut self, id: u32, side: Side, len: u64) {
        let content = self.open.get_mut(&id).and_then(|stream| stream.content[side as usize].as_mut());
        content.into_iter().for_each(|content| content.gap(len));
    }

    /// A side has said all.
    pub(super) fn end(&mut self, id: u32, side: Side, cx: &mut Context<'_>) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        stream.over[side as usize] = true;
        if let Some(content) = stream.content[side as usize].take() {
            let told = content.end(true, cx);
            if let Some(request) =
                stream.request.as_mut().filter(|request| side == Side::Client && !request.told)
            {
                self.heads -= request.held();
                request.body = told;
                self.heads += request.held();
            }
        }
        if stream.over == [true; 2] {
            self.drop_stream(id, cx);
        }
    }

    /// A side gives the stream up.
    pub(super) fn reset(&mut self, id: u32, side: Side, cx: &mut Context<'_>) {
        let waits = self.open.get(&id).is_some_and(|stream| !stream.answered);
        self.drop_stream(id, cx);
        self.resets += u64::from(waits && side == Side::Client);
        if self.resets > MAX_RESETS.get() as u64 && !self.flooded {
            self.flooded = true;
            cx.limit(&MAX_RESETS, "http2_rapid_reset", b"");
        }
    }

    fn drop_stream(&mut self, id: u32, cx: &mut Context<'_>) {
        let Some(mut stream) = self.open.remove(&id) else { return };
        self.heads -= stream.head();
        for content in stream.content.iter_mut().filter_map(Option::take) {
            content.end(false, cx);
        }
        if let Some(request) = &stream.request {
            give_out(request, cx);
        }
    }

    /// Gives out what has waited too long.
    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        let now = cx.time;
        self.tell_until(cx, |_, request| now.saturating_sub(request.time) <= RESPONSE_TIMEOUT);
    }

    /// Gives out requests from the oldest on until `enough(bytes of heads, next request)`.
    fn tell_until(&mut self, cx: &mut Context<'_>, enough: impl Fn(usize, &Request) -> bool) {
        let waiting = self.open.values_mut().filter_map(|stream| stream.request.as_mut());
        for request in waiting.filter(|request| !request.told) {
            if enough(self.heads, request) {
                break;
            }
            give_out(request, cx);
            self.heads -= request.held();
            (request.told, request.head, request.body) = (true, Vec::new(), Told::default());
        }
    }

    /// The connection ends, or the way is lost.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        while let Some(id) = self.open.keys().next().copied() {
            self.drop_stream(id, cx);
        }
    }
}

fn length(head: &Head<'_>) -> Option<u64> {
    let value = head.all("content-length").next()?;
    std::str::from_utf8(value).ok()?.parse().ok()
}
