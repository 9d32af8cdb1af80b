//! QUIC 1 (RFC 9000, 9001), 2 (RFC 9369) and draft 29: one `quic` event per connection.
//!
//! The keys of Initial packets follow from the connection id in the client's first packet, so whoever sees that packet can
//! read both hellos. The rest of the handshake and all data are encrypted with keys that nobody else has: what they say is
//! `Unobserved`. The event goes out when the client goes on to data, at a close in the handshake, or when the flow ends or
//! stands still.

mod connection;
mod crypto_stream;
mod event;
mod frames;
mod keys;
pub mod limits;
mod packet;
mod parameters;
mod probe;
mod version;

#[cfg(test)]
mod tests;

use super::{Close, Context, DatagramParser, FirstBytes, Next, Probe};
use crate::messages::{Direction, EventKind};
use connection::Connection;
pub use event::FIELDS;
use limits::{MAX_COALESCED, MAX_CRYPTO};
pub use version::Version;

/// A handshake that stands still for so long is told as it is (nanoseconds of packet time).
pub const HANDSHAKE_WAIT: u64 = 30_000_000_000;
/// The same where only one direction shows packets.
pub const ONE_WAY_WAIT: u64 = 5_000_000_000;

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("crypto_limit", "Handshake data of more bytes, or in more pieces, than the limit"),
    (
        "extensions_malformed",
        "A client's hello whose extensions do not add up to the length that it announces",
    ),
    (
        "first_datagram_too_small",
        "A client's first packet in a datagram of less than 1200 bytes, which servers drop",
    ),
    ("frame_malformed", "A frame that may not stand in an Initial packet, or that contradicts itself"),
    ("malformed", "A handshake message that contradicts itself; the detail says which"),
    ("retry_forged", "A Retry whose tag does not fit the client's first packet"),
];

/// Reads the handshake of one flow.
#[derive(Debug, Default)]
pub struct Quic {
    connection: Box<Connection>,
    /// Time and packet of the newest datagram.
    newest: (u64, u64),
    is_done: bool,
}

impl DatagramParser for Quic {
    const KINDS: &'static [EventKind] = &[EventKind::Quic];
    // A long header, or a Version Negotiation packet, whose other bits are random.
    const FIRST: FirstBytes = FirstBytes::range(0x80, 0xff);

    fn probe(payload: &[u8], _: [u16; 2]) -> Probe {
        if probe::is_quic(payload) { Probe::Yes } else { Probe::No }
    }

    fn datagram(&mut self, direction: Direction, payload: &[u8], cx: &mut Context<'_>) -> Next {
        if self.is_done || !cx.wants(EventKind::Quic) {
            return Next::Done;
        }
        if self.connection.started == 0 {
            self.connection.started = cx.time.max(1);
        }
        self.newest = (cx.time, cx.packet);
        self.read(direction, payload, cx);
        if self.connection.is_complete(cx.one_way) {
            return self.finish(None, cx);
        }
        Next::More
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        let wait = if cx.one_way { ONE_WAY_WAIT } else { HANDSHAKE_WAIT };
        if !self.is_done && cx.time.saturating_sub(self.connection.started) >= wait {
            cx.at(self.newest, |cx| self.finish(Some(Close::Timeout), cx));
        }
    }

    fn close(&mut self, why: Close, cx: &mut Context<'_>) {
        self.finish(Some(why), cx);
    }

    fn held(&self) -> usize {
        self.connection.held()
    }
}

impl Quic {
    fn read(&mut self, direction: Direction, payload: &[u8], cx: &mut Context<'_>) {
        let mut rest = payload;
        let len = if cx.cut { usize::MAX } else { payload.len() };
        let is_cut = cx.cut;
        let packets = std::iter::from_fn(|| packet::next(&mut rest, is_cut));
        for packet in MAX_COALESCED.take(packets) {
            if let Err((name, detail)) = self.connection.take(direction, packet, len) {
                cx.hit((name == "crypto_limit").then_some(&MAX_CRYPTO));
                cx.weird("quic", name, detail.as_bytes());
            }
        }
    }

    /// Takes frames as they stand in an opened packet of a version 1 connection.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn opened(&mut self, direction: Direction, frames: &[u8], cx: &mut Context<'_>) {
        if let Err((name, detail)) = self.connection.take_opened(direction, frames, cx.cut) {
            cx.weird("quic", name, detail.as_bytes());
        }
    }

    /// Gives out the event, once, and frees all buffers. `why` is `None` where the handshake itself ended it.
    fn finish(&mut self, why: Option<Close>, cx: &mut Context<'_>) -> Next {
        let seen = std::mem::take(&mut *self.connection);
        if !self.is_done && seen.has_begun() && cx.wants(EventKind::Quic) {
            event::emit(&seen, why, cx);
        }
        self.is_done = true;
        Next::Done
    }
}
