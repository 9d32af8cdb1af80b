//! HTTP/2 in clear text (RFC 9113): by prior knowledge, or by an upgrade from HTTP/1. One `http` event a stream, at the
//! response's head, in the form that HTTP/1 gives, and one per file that a body is.

mod frames;
mod head;
mod hpack;
pub mod limits;
mod streams;
#[cfg(test)]
mod tests;

use crate::messages::{Direction, EventKind};
use crate::proto::http::transactions::Request;
use crate::proto::{Close, Context, FirstBytes, Next, Probe, StreamParser};
use frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, HEADERS, PREFACE, PUSH_PROMISE, Piece, Place,
    RST_STREAM, SETTINGS, fragment,
};
use head::List;
use hpack::{Broken, Decoder};
use limits::{MAX_BLOCK, MAX_CONTINUATIONS, MAX_LIST, MAX_TABLE};
use streams::{Side, Streams};

/// Anomalies that this protocol can name, with their meaning; the kind of its events is `http`.
pub const WEIRDS: &[(&str, &str)] = &[
    ("http2_bad_frame", "A frame where there cannot be one, or too short for what it must hold"),
    ("http2_bad_header", "A name, value or set of headers that no HTTP message can have"),
    (
        "http2_bad_header_block",
        "A block of headers that cannot be read (RFC 7541): the rest of the direction is not read",
    ),
    ("http2_bad_preface", "A client that does not begin as HTTP/2 does"),
    (
        "http2_continuation_flood",
        "A block of headers in more than 64 pieces: the rest of the direction is not read",
    ),
    ("http2_gap", "Bytes were lost that the rest of a direction cannot be read without"),
    (
        "http2_header_block_too_long",
        "A block of headers of more than 64 KiB: the rest of the direction is not read",
    ),
    ("http2_headers_too_long", "Headers of more than 64 KiB when unpacked"),
    ("http2_rapid_reset", "A client that gave up more than 100 requests before their response"),
    (
        "http2_table_too_large",
        "A table of headers of more than 64 KiB: the rest of the direction is not read",
    ),
    ("http2_too_many_streams", "More than 256 streams that are open"),
];

/// HTTP/2 over a stream.
#[derive(Debug, Default)]
pub struct Http2 {
    halves: Box<[Half; 2]>,
    client: Option<Direction>,
    streams: Streams,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    begun: bool,
    place: Place,
    /// A block of headers that is not whole yet.
    block: Option<Block>,
    decoder: Decoder,
}

#[derive(Debug)]
struct Block {
    frame: Frame,
    /// The stream that a server promises to answer as if asked.
    promised: Option<u32>,
    bytes: Vec<u8>,
    pieces: usize,
}

impl StreamParser for Http2 {
    const KINDS: &'static [EventKind] = &[EventKind::Http, EventKind::File];
    const FIRST: FirstBytes = FirstBytes::of(b"P\0");

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        if !cx.wants(EventKind::Http) && !cx.sink.wants(EventKind::File) {
            return Next::Done;
        }
        if !self.begin(direction, data) {
            cx.weird("http2", "http2_bad_preface", b"");
            return Next::Switch(data.len());
        }
        let mut rest = data;
        while !rest.is_empty() {
            let (used, piece) = self.half(direction).place.take(rest);
            if let Some(piece) = piece {
                self.piece(direction, piece, cx);
            }
            rest = rest.get(used..).unwrap_or_default();
        }
        self.next()
    }

    fn gap(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) -> Next {
        match self.half(direction).place.gap(len) {
            Some(stream) => self.streams.gap(stream, self.side(direction), len),
            None => self.lose(direction, "http2_gap", cx),
        }
        self.next()
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.streams.expire(cx);
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        self.streams.flush(cx);
    }

    fn held(&self) -> usize {
        self.halves.iter().map(Half::held).sum::<usize>() + self.streams.held()
    }
}

/// A client's preface, or the settings that a server begins with.
fn probe(data: &[u8]) -> Probe {
    let len = data.len().min(PREFACE.len());
    if data.get(..len) == PREFACE.get(..len) {
        return if len == PREFACE.len() { Probe::Yes } else { Probe::More };
    }
    match data {
        [0, 0, len, 4, 0, 0, 0, 0, 0, ..] if len % 6 == 0 && *len <= 96 => Probe::Yes,
        [0] | [0, 0] => Probe::More,
        [0, 0, _, rest @ ..] if rest.len() < 6 && b"\x04\0\0\0\0\0".starts_with(rest) => Probe::More,
        _ => Probe::No,
    }
}

impl Half {
    fn held(&self) -> usize {
        let block = self.block.as_ref().map_or(0, |block| block.bytes.capacity());
        self.place.held() + block + self.decoder.held()
    }
}

impl Http2 {
    /// What follows an upgrade; the request was HTTP/1's.
    pub(crate) fn upgraded(client: Direction, request: Request, cx: &mut Context<'_>) -> Self {
        let mut this = Self { client: Some(client), ..Self::default() };
        this.streams.upgraded(request, cx);
        this
    }

    fn half(&mut self, direction: Direction) -> &mut Half {
        &mut self.halves[direction.index()]
    }

    fn side(&self, direction: Direction) -> Side {
        if self.client == Some(direction) { Side::Client } else { Side::Server }
    }

    /// Who sends the preface is the client. False where a client begins otherwise: it may speak HTTP/1 to a server that
    /// began with its settings.
    fn begin(&mut self, direction: Direction, data: &[u8]) -> bool {
        if self.half(direction).begun || data.is_empty() {
            return true;
        }
        self.half(direction).begun = true;
        let asks = data.starts_with(b"P");
        let client = *self.client.get_or_insert(if asks { direction } else { direction.flip() });
        if client == direction {
            self.half(direction).place = Place::Preface(0);
        }
        client != direction || asks
    }

    fn next(&self) -> Next {
        let lost = self.halves.iter().all(|half| matches!(half.place, Place::Lost));
        if lost { Next::Done } else { Next::More }
    }

    /// Gives up a direction. What waits for it goes out when it has waited long enough.
    fn lose(&mut self, direction: Direction, name: &'static str, cx: &mut Context<'_>) {
        let half = self.half(direction);
        half.place = Place::Lost;
        half.block = None;
        cx.weird("http2", name, b"");
        if self.side(direction) == Side::Server {
            self.streams.flush(cx);
        }
    }

    fn piece(&mut self, direction: Direction, piece: Piece<'_>, cx: &mut Context<'_>) {
        let side = self.side(direction);
        let within = self.half(direction).block.as_ref().map(|block| block.frame.stream);
        match piece {
            Piece::Bad(name) => {
                cx.hit((name == "http2_header_block_too_long").then_some(&MAX_BLOCK));
                self.lose(direction, name, cx);
            }
            Piece::Whole(frame, payload) if frame.kind == CONTINUATION && within == Some(frame.stream) => {
                self.go_on(direction, frame, &payload, cx);
            }
            Piece::Whole(Frame { kind: CONTINUATION, .. }, _) => self.lose(direction, "http2_bad_frame", cx),
            _ if within.is_some() => self.lose(direction, "http2_bad_frame", cx),
            Piece::Data(frame, bytes, last) => {
                self.streams.data(frame.stream, side, bytes, cx);
                if last && frame.has(END_STREAM) {
                    self.streams.end(frame.stream, side, cx);
                }
            }
            Piece::End(frame) if frame.kind == DATA && frame.has(END_STREAM) => {
                self.streams.end(frame.stream, side, cx);
            }
            Piece::End(_) => {}
            Piece::Whole(frame, payload) => self.whole(direction, frame, &payload, cx),
        }
    }

    fn whole(&mut self, direction: Direction, frame: Frame, payload: &[u8], cx: &mut Context<'_>) {
        match frame.kind {
            HEADERS => self.headers(direction, frame, None, fragment(frame, payload, 0), cx),
            PUSH_PROMISE => {
                let skip = usize::from(frame.has(8));
                let promised = payload.get(skip..).and_then(|rest| rest.first_chunk());
                let promised = promised.map(|id| u32::from_be_bytes(*id) & 0x7fff_ffff);
                self.headers(direction, frame, promised, fragment(frame, payload, 4), cx);
            }
            SETTINGS if !frame.has(ACK) => self.settings(direction, payload),
            RST_STREAM => {
                let side = self.side(direction);
                self.streams.reset(frame.stream, side, cx);
            }
            _ => {}
        }
    }

    fn headers(
        &mut self,
        direction: Direction,
        frame: Frame,
        promised: Option<u32>,
        fragment: Option<&[u8]>,
        cx: &mut Context<'_>,
    ) {
        let Some(fragment) = fragment.filter(|_| frame.stream != 0) else {
            self.lose(direction, "http2_bad_frame", cx);
            return;
        };
        if frame.has(END_HEADERS) {
            self.block(direction, frame, promised, fragment, cx);
        } else {
            let bytes = fragment.to_vec();
            self.half(direction).block = Some(Block { frame, promised, bytes, pieces: 0 });
        }
    }

    fn go_on(&mut self, direction: Direction, frame: Frame, payload: &[u8], cx: &mut Context<'_>) {
        let Some(mut block) = self.half(direction).block.take() else { return };
        block.pieces += 1;
        if block.pieces > MAX_CONTINUATIONS.get() || block.bytes.len() + payload.len() > MAX_BLOCK.get() {
            let flood = block.pieces > MAX_CONTINUATIONS.get();
            cx.hit(if flood { &MAX_CONTINUATIONS } else { &MAX_BLOCK });
            let name = if flood { "http2_continuation_flood" } else { "http2_header_block_too_long" };
            self.lose(direction, name, cx);
            return;
        }
        block.bytes.extend_from_slice(payload);
        if frame.has(END_HEADERS) {
            self.block(direction, block.frame, block.promised, &block.bytes, cx);
        } else {
            self.half(direction).block = Some(block);
        }
    }

    /// A block of headers that is whole.
    fn block(
        &mut self,
        direction: Direction,
        frame: Frame,
        promised: Option<u32>,
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) {
        let mut list = List::default();
        match self.half(direction).decoder.decode(bytes, |name, value| list.add(name, value)) {
            Ok(()) => {}
            Err(Broken::Malformed) => return self.lose(direction, "http2_bad_header_block", cx),
            Err(Broken::TableTooLarge) => {
                cx.hit(&MAX_TABLE);
                return self.lose(direction, "http2_table_too_large", cx);
            }
        }
        if list.cut {
            cx.limit(&MAX_LIST, "http2_headers_too_long", b"");
        }
        if list.bad {
            cx.weird("http2", "http2_bad_header", b"");
        }
        let over = frame.has(END_STREAM);
        match (promised, self.side(direction)) {
            (Some(promised), _) => self.streams.request(promised, &list, direction.flip(), true, cx),
            (None, Side::Client) => self.streams.request(frame.stream, &list, direction, over, cx),
            (None, Side::Server) => self.streams.response(frame.stream, &list, direction, over, cx),
        }
    }

    /// What one side can read of tables binds the other side's blocks (RFC 9113 6.5.2).
    fn settings(&mut self, direction: Direction, payload: &[u8]) {
        for [id_high, id_low, value @ ..] in payload.as_chunks::<6>().0 {
            if [*id_high, *id_low] == [0, 1] {
                let most = usize::try_from(u32::from_be_bytes(*value)).unwrap_or(usize::MAX);
                self.half(direction.flip()).decoder.allow(most);
            }
        }
    }
}
