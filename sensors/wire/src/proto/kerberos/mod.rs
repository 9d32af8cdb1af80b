//! Kerberos 5 (RFC 4120) with a KDC, over datagrams and streams: one event per exchange.
//!
//! What is encrypted stays so: the inside of tickets and replies, the authenticator, all that FAST wraps. Tickets that
//! travel within other protocols (SPNEGO in SMB, LDAP, HTTP) are not looked at here.

mod event;
mod exchanges;
pub mod limits;
mod message;
mod probe;
mod registry;
#[cfg(test)]
mod tests;

pub use event::FIELDS;

use super::framing::{Cut, Extent, Framing, Item};
use super::{Close, Context, DatagramParser, FirstBytes, Next, Probe, StreamParser};
use crate::messages::{Direction, EventKind};
use exchanges::Exchanges;

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("kerberos_bad_length_prefix", "Bytes on a stream that are no length with a message behind it"),
    ("kerberos_malformed", "A message that ends before what it announces, or lacks what it must have"),
    ("kerberos_message_too_long", "A message longer than the limit"),
];

/// Kerberos over datagrams.
#[derive(Debug, Default)]
pub struct KerberosDatagram {
    open: Exchanges,
}

impl DatagramParser for KerberosDatagram {
    const KINDS: &'static [EventKind] = &[EventKind::Kerberos];
    const FIRST: FirstBytes = FirstBytes::range(0x6a, 0x6f).or(FirstBytes::of(&[0x7e]));

    fn probe(payload: &[u8], _: [u16; 2]) -> Probe {
        probe::datagram(payload)
    }

    fn datagram(&mut self, _: Direction, payload: &[u8], cx: &mut Context<'_>) -> Next {
        self.open.message(payload, cx);
        Next::More
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.open.expire(cx);
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        self.open.flush(cx);
    }

    fn held(&self) -> usize {
        self.open.held()
    }
}

/// How a stream is cut into messages.
#[derive(Debug, Default)]
struct Messages;

impl Cut for Messages {
    fn most() -> usize {
        limits::MAX_MESSAGE.get()
    }

    fn extent(bytes: &[u8]) -> Extent {
        probe::extent(bytes)
    }

    fn begins(bytes: &[u8]) -> bool {
        probe::stream(bytes) == Probe::Yes
    }
}

/// Kerberos over a stream.
#[derive(Debug, Default)]
pub struct KerberosStream {
    open: Exchanges,
    halves: [Framing<Messages>; 2],
}

impl StreamParser for KerberosStream {
    const KINDS: &'static [EventKind] = &[EventKind::Kerberos];
    const FIRST: FirstBytes = FirstBytes::of(&[0]);

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe::stream(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        let Self { open, halves } = self;
        halves[direction.index()].read(data, |item| match item {
            Item::Message(framed) => {
                open.message(framed.get(probe::PREFIX..).unwrap_or_default(), cx);
                true
            }
            Item::Long(_) => {
                cx.limit(&limits::MAX_MESSAGE, "kerberos_message_too_long", b"");
                true
            }
            Item::Broken(_) => {
                cx.weird("kerberos", "kerberos_bad_length_prefix", b"");
                false
            }
        });
        self.next()
    }

    fn gap(&mut self, direction: Direction, len: u64, _: &mut Context<'_>) -> Next {
        self.halves[direction.index()].gap(len);
        self.next()
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.open.expire(cx);
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        self.halves = Default::default();
        self.open.flush(cx);
    }

    fn held(&self) -> usize {
        self.open.held() + self.halves.iter().map(Framing::held).sum::<usize>()
    }
}

impl KerberosStream {
    fn next(&self) -> Next {
        if self.halves.iter().all(Framing::is_dead) { Next::Done } else { Next::More }
    }
}
