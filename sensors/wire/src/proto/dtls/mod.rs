//! DTLS 1.0, 1.2 and the hellos of 1.3 (RFC 4347, 6347, 9147): one `tls` event per handshake, as TLS over TCP gives it.
//!
//! Records and fragments are read here; what the messages say, and the event, are TLS's own (`proto/tls`). The event is
//! told apart by `network.transport`, which is udp, and by `tls.version_protocol`, which is dtls.

pub mod limits;
mod messages;
mod record;

#[cfg(test)]
mod tests;

use super::tls::fingerprint::Carrier;
use super::tls::handshake::Handshake;
use super::tls::record::Item;
use super::tls::{self, HANDSHAKE_WAIT, ONE_WAY_WAIT};
use super::{Close, Context, DatagramParser, FirstBytes, Next, Probe};
use crate::messages::{Direction, EventKind};
use messages::{Fault, Messages};
use record::{Fragment, Record};

/// Reads the handshake of one flow.
#[derive(Debug)]
pub struct Dtls {
    messages: [Messages; 2],
    handshake: Box<Handshake>,
    /// Time and packet of the newest datagram.
    newest: (u64, u64),
    is_done: bool,
}

impl Default for Dtls {
    fn default() -> Self {
        let mut handshake = Box::<Handshake>::default();
        handshake.carrier = Carrier::Dtls;
        Self { messages: Default::default(), handshake, newest: (0, 0), is_done: false }
    }
}

impl DatagramParser for Dtls {
    const KINDS: &'static [EventKind] = &[EventKind::Tls, EventKind::X509];
    // A handshake record.
    const FIRST: FirstBytes = FirstBytes::of(&[22]);

    fn probe(payload: &[u8], _: [u16; 2]) -> Probe {
        if record::begins_handshake(payload) { Probe::Yes } else { Probe::No }
    }

    fn datagram(&mut self, direction: Direction, payload: &[u8], cx: &mut Context<'_>) -> Next {
        if self.is_done || !tls::wants(cx) {
            return Next::Done;
        }
        // Media and their path finding may share the flow (RFC 7983).
        if !payload.first().is_some_and(|&first| record::is_ours(first)) {
            return Next::More;
        }
        if self.handshake.started == 0 {
            self.handshake.started = cx.time.max(1);
        }
        self.newest = (cx.time, cx.packet);
        self.read(direction, payload, cx);
        if self.handshake.is_complete(cx.one_way) {
            return self.finish(None, cx);
        }
        Next::More
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        let wait = if cx.one_way { ONE_WAY_WAIT } else { HANDSHAKE_WAIT };
        if !self.is_done && cx.time.saturating_sub(self.handshake.started) >= wait {
            cx.at(self.newest, |cx| self.finish(Some(Close::Timeout), cx));
        }
    }

    fn close(&mut self, why: Close, cx: &mut Context<'_>) {
        self.finish(Some(why), cx);
    }

    fn held(&self) -> usize {
        self.messages.iter().map(Messages::held).sum::<usize>() + self.handshake.held()
    }
}

impl Dtls {
    fn read(&mut self, direction: Direction, payload: &[u8], cx: &mut Context<'_>) {
        let way = direction.index();
        let mut rest = payload;
        while !rest.is_empty() && !self.handshake.lost[way] && !self.handshake.is_complete(cx.one_way) {
            match record::next(&mut rest) {
                Some(record) => self.record(direction, record, cx),
                None if cx.cut => return,
                None => return cx.weird("tls", "no_record", b""),
            }
        }
    }

    fn record(&mut self, direction: Direction, record: Record<'_>, cx: &mut Context<'_>) {
        let item = match record {
            Record::Handshake(body) => return self.handshake_record(direction, body, cx),
            Record::Alert(level, description) => Item::Alert(level, description),
            Record::ChangeCipherSpec => Item::ChangeCipherSpec,
            Record::Encrypted => Item::Encrypted,
            Record::Other => return,
        };
        // What is whole and waits for something that was lost is told of before the flight ends.
        self.give(direction, true, cx);
        self.understand(direction, item, Vec::new(), cx);
    }

    fn handshake_record(&mut self, direction: Direction, mut body: &[u8], cx: &mut Context<'_>) {
        let way = direction.index();
        while !body.is_empty() && !self.handshake.lost[way] {
            let Some(part) = Fragment::next(&mut body) else {
                return self.lose(way, "malformed", b"fragment", cx);
            };
            match self.messages[way].take(&part) {
                Ok(()) => self.give(direction, false, cx),
                Err(Fault::Kind) => self.lose(way, "unknown_handshake_message", b"", cx),
                Err(Fault::Limit(limit)) => {
                    cx.hit(limit);
                    self.lose(way, "message_too_long", b"", cx);
                }
            }
        }
    }

    fn give(&mut self, direction: Direction, all: bool, cx: &mut Context<'_>) {
        while let Some((kind, body)) = self.messages[direction.index()].next(all) {
            self.understand(direction, Item::Handshake(kind), body, cx);
        }
    }

    fn understand(&mut self, direction: Direction, item: Item, body: Vec<u8>, cx: &mut Context<'_>) {
        if let Err(malformed) = self.handshake.take(direction, item, body, cx.one_way) {
            self.lose(direction.index(), "malformed", malformed.0.as_bytes(), cx);
        }
    }

    fn lose(&mut self, way: usize, name: &'static str, detail: &[u8], cx: &mut Context<'_>) {
        self.handshake.lost[way] = true;
        self.messages[way] = Messages::default();
        cx.weird("tls", name, detail);
    }

    /// Gives out the event, once, and frees all buffers. `why` is `None` where the handshake itself ended it.
    fn finish(&mut self, why: Option<Close>, cx: &mut Context<'_>) -> Next {
        for direction in [Direction::ToServer, Direction::ToClient] {
            self.give(direction, true, cx);
        }
        let seen = std::mem::take(&mut *self.handshake);
        self.messages = Default::default();
        if !self.is_done && seen.has_begun() && tls::wants(cx) {
            tls::event::emit(&seen, why, cx);
        }
        self.is_done = true;
        Next::Done
    }
}
