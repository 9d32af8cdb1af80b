//! The Remote Desktop Protocol (MS-RDPBCGR): one `rdp` event per connection, of its beginning.
//!
//! The connection request and its answer stand in clear text. Where they agree on TLS, the rest is TLS's; where they stay
//! with RDP's own security, client and server tell of themselves before they encrypt.

mod event;
pub mod limits;
mod message;
mod probe;
mod registry;
#[cfg(test)]
mod tests;

pub use event::FIELDS;

use super::framing::{Cut, Extent, Framing, Item};
use super::tpkt::Packets;
use super::{Close, Context, FirstBytes, Next, Probe, StreamParser};
use crate::messages::{Direction, EventKind};
use event::Seen;
use limits::{MAX_MESSAGES, SETUP_WAIT};
use message::{Confirm, Message};

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("rdp_malformed", "A message of the connection's beginning that contradicts itself"),
    ("rdp_message_too_long", "A message of the connection's beginning that is longer than the limit"),
    ("rdp_too_many_messages", "A beginning that does not end within the limit"),
];

/// How a connection's beginning is cut into packets, whose longest tells of channels and certificates.
#[derive(Debug, Default)]
struct Beginning;

impl Cut for Beginning {
    fn most() -> usize {
        limits::MAX_MESSAGE.get()
    }

    fn extent(bytes: &[u8]) -> Extent {
        Packets::extent(bytes)
    }
}

/// Reads the beginning of one connection.
#[derive(Debug, Default)]
pub struct Rdp {
    halves: [Framing<Beginning>; 2],
    seen: Box<Seen>,
    messages: u32,
    /// Time and packet of the newest bytes.
    newest: (u64, u64),
    started: Option<u64>,
    is_done: bool,
}

impl StreamParser for Rdp {
    const KINDS: &'static [EventKind] = &[EventKind::Rdp];
    const FIRST: FirstBytes = FirstBytes::of(&[3]);

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe::stream(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        self.newest = (cx.time, cx.packet);
        self.started.get_or_insert(cx.time);
        let mut next = Next::More;
        let mut half = std::mem::take(&mut self.halves[direction.index()]);
        let rest = half.read(data, |item| {
            next = self.item(item, cx);
            next == Next::More
        });
        self.halves[direction.index()] = half;
        match next {
            Next::More => return Next::More,
            Next::Done => self.finish(cx),
            Next::Switch(_) => {
                self.finish(cx);
                return Next::Switch(rest.len());
            }
        }
        Next::Done
    }

    fn gap(&mut self, _: Direction, _: u64, cx: &mut Context<'_>) -> Next {
        self.finish(cx);
        Next::Done
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        if self.started.is_some_and(|started| cx.time.saturating_sub(started) >= SETUP_WAIT) {
            cx.at(self.newest, |cx| self.finish(cx));
        }
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        self.finish(cx);
    }

    fn held(&self) -> usize {
        self.halves.iter().map(Framing::held).sum()
    }
}

impl Rdp {
    fn item(&mut self, item: Item<'_>, cx: &mut Context<'_>) -> Next {
        match item {
            Item::Message(bytes) => self.message(bytes, cx),
            Item::Long(_) => {
                cx.limit(&limits::MAX_MESSAGE, "rdp_message_too_long", b"");
                Next::Done
            }
            // TLS begins, though its choice was not seen; else the other form of messages, of a running session.
            Item::Broken([0x16, ..]) => Next::Switch(0),
            Item::Broken(_) => Next::Done,
        }
    }

    fn message(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> Next {
        self.messages += 1;
        if self.messages as usize > MAX_MESSAGES.get() {
            cx.limit(&MAX_MESSAGES, "rdp_too_many_messages", b"");
            return Next::Done;
        }
        match message::parse(bytes) {
            Some(Message::Request(request)) => self.seen.request = Some(request),
            Some(Message::Confirm(confirm)) => self.seen.confirm = Some(confirm),
            Some(Message::Client(client)) => self.seen.client = Some(client),
            Some(Message::Server(server)) => self.seen.server = Some(server),
            Some(Message::Info(info)) => self.seen.info = Some(info),
            Some(Message::Other) => {}
            None => cx.weird("rdp", "rdp_malformed", b""),
        }
        self.next(cx.one_way)
    }

    /// Whether more can be learnt.
    fn next(&self, one_way: bool) -> Next {
        let seen = &self.seen;
        let is_clear = seen.server.is_some_and(|server| server.encryption == Some((0, 0)));
        let both = seen.client.is_some() || one_way;
        match seen.confirm {
            Some(Confirm::Failure(_)) => Next::Done,
            _ if seen.is_tls() => Next::Switch(0),
            _ if seen.info.is_some() => Next::Done,
            _ if seen.server.is_some() && both && !is_clear => Next::Done,
            _ => Next::More,
        }
    }

    /// Gives out the event, once, and frees all buffers.
    fn finish(&mut self, cx: &mut Context<'_>) {
        let seen = std::mem::take(&mut self.seen);
        self.halves = Default::default();
        if !self.is_done && !seen.is_empty() && cx.sink.wants(EventKind::Rdp) {
            seen.emit(cx);
        }
        self.is_done = true;
    }
}
