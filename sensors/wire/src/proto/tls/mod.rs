//! TLS 1.0 to 1.3 and the hellos of SSL 2.0 and 3.0: one `tls` event per handshake.
//!
//! The event goes out when both sides have gone on to encrypted records, at an alert that ends the handshake, at a
//! gap, or when the flow ends or stands still. What could not be seen is `Unobserved`: in TLS 1.3 the certificates
//! and the chosen protocol, on a one-way tap all that the other side says.

mod chain;
mod ciphers;
pub(crate) mod client;
pub(crate) mod cursor;
pub(crate) mod event;
pub mod fingerprint;
pub(crate) mod handshake;
pub mod hello;
pub mod limits;
pub mod names;
mod probe;
pub(crate) mod record;
pub(crate) mod server;

#[cfg(test)]
mod tests;

use super::{Close, Context, FirstBytes, Next, Probe, StreamParser};
use crate::messages::{Direction, EventKind};
pub use cursor::U16List;
pub use event::FIELDS;
use handshake::Handshake;
use record::{Fault, Item, Reader};

/// A handshake that stands still for so long is told as it is (nanoseconds of packet time).
pub const HANDSHAKE_WAIT: u64 = 30_000_000_000;
/// The same where only one direction shows packets.
pub const ONE_WAY_WAIT: u64 = 5_000_000_000;

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("certificate_malformed", "A server's certificate that is no X.509 certificate in DER"),
    (
        "extensions_malformed",
        "A client's hello whose extensions do not add up to the length that it announces",
    ),
    ("malformed", "A handshake message that contradicts itself; the detail says which"),
    ("message_too_long", "A handshake message longer than the limit"),
    ("no_record", "Something that is no TLS record where one must begin"),
    ("unknown_handshake_message", "A handshake message of a type that is not known"),
];

/// Reads the handshake of one flow.
#[derive(Debug, Default)]
pub struct Tls {
    readers: [Reader; 2],
    handshake: Handshake,
    /// Time and packet of the newest bytes.
    newest: (u64, u64),
    is_done: bool,
}

impl StreamParser for Tls {
    const KINDS: &'static [EventKind] = &[EventKind::Tls, EventKind::X509];
    // A record's type, or the length of a hello of SSL 2.0.
    const FIRST: FirstBytes = FirstBytes::range(0x14, 0x17).or(FirstBytes::range(0x80, 0xff));
    const LATER: bool = true;

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe::probe(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        if self.is_done || !wants(cx) {
            return Next::Done;
        }
        if self.handshake.started == 0 {
            self.handshake.started = cx.time.max(1);
        }
        self.newest = (cx.time, cx.packet);
        self.read(direction, data, cx);
        if self.handshake.is_complete(cx.one_way) {
            return self.finish(None, cx);
        }
        Next::More
    }

    fn gap(&mut self, direction: Direction, _: u64, cx: &mut Context<'_>) -> Next {
        self.handshake.lost[direction.index()] = true;
        self.finish(None, cx)
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        let wait = if cx.one_way { ONE_WAY_WAIT } else { HANDSHAKE_WAIT };
        let has_begun = self.handshake.started > 0;
        if !self.is_done && has_begun && cx.time.saturating_sub(self.handshake.started) >= wait {
            cx.at(self.newest, |cx| self.finish(Some(Close::Timeout), cx));
        }
    }

    fn close(&mut self, why: Close, cx: &mut Context<'_>) {
        self.finish(Some(why), cx);
    }

    fn held(&self) -> usize {
        self.readers.iter().map(Reader::held).sum::<usize>() + self.handshake.held()
    }
}

/// True where anybody listens.
pub(crate) fn wants(cx: &Context<'_>) -> bool {
    cx.wants(EventKind::Tls) || cx.sink.wants(EventKind::X509)
}

impl Tls {
    fn read(&mut self, direction: Direction, mut data: &[u8], cx: &mut Context<'_>) {
        let way = direction.index();
        while !self.handshake.lost[way] && !self.handshake.is_complete(cx.one_way) {
            match self.readers[way].next(&mut data) {
                Ok(Some(item)) => {
                    let body = match item {
                        Item::Handshake(_) | Item::Ssl2(_) => self.readers[way].take_message(),
                        _ => Vec::new(),
                    };
                    let taken = self.handshake.take(direction, item, body, cx.one_way);
                    self.seal();
                    if let Err(malformed) = taken {
                        self.lose(way, "malformed", malformed.0.as_bytes(), cx);
                    }
                }
                Ok(None) => return,
                // Where its beginning was not seen, a direction begins in the midst of a record.
                Err(Fault::Record) if !cx.from_start[way] => self.give_up(way),
                Err(Fault::Record) => self.lose(way, "no_record", b"", cx),
                Err(Fault::Message) => self.lose(way, "unknown_handshake_message", b"", cx),
                Err(Fault::Limit(limit)) => {
                    cx.hit(limit);
                    self.lose(way, "message_too_long", b"", cx);
                }
            }
        }
    }

    /// Tells the readers which directions encrypt.
    fn seal(&mut self) {
        for (reader, sealed) in self.readers.iter_mut().zip(self.handshake.sealed) {
            reader.sealed = sealed;
        }
    }

    fn give_up(&mut self, way: usize) {
        self.handshake.lost[way] = true;
        self.readers[way] = Reader::default();
    }

    fn lose(&mut self, way: usize, name: &'static str, detail: &[u8], cx: &mut Context<'_>) {
        self.give_up(way);
        cx.weird("tls", name, detail);
    }

    /// Gives out the event, once, and frees all buffers. `why` is `None` where the handshake itself ended it.
    fn finish(&mut self, why: Option<Close>, cx: &mut Context<'_>) -> Next {
        let seen = std::mem::take(&mut self.handshake);
        self.readers = [Reader::default(), Reader::default()];
        if !self.is_done && seen.has_begun() && wants(cx) {
            event::emit(&seen, why, cx);
        }
        self.is_done = true;
        Next::Done
    }
}
