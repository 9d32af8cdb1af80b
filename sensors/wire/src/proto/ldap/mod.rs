//! LDAP version 3 (RFC 4511) over streams and its connectionless form (MS-ADTS 6.3.3) over datagrams: one event per
//! operation.
//!
//! Passwords are never kept. After StartTLS the connection is TLS's. Where SASL signs what follows a bind it is read on;
//! where SASL seals it one event says so, and no more is read.

mod event;
mod filter;
pub mod limits;
mod message;
mod operations;
mod probe;
mod registry;
mod sasl;
#[cfg(test)]
mod tests;

pub use event::FIELDS;

use super::framing::{Cut, Extent, Framing, Item};
use super::{Close, Context, DatagramParser, FirstBytes, Next, Probe, StreamParser};
use crate::messages::{Direction, EventKind};
use operations::{Operations, Then};
use sasl::Buffers;

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("ldap_filter_too_long", "A filter that is longer, deeper or has more parts than the limits"),
    ("ldap_malformed", "A message that ends before what it announces, or lacks what it must have"),
    ("ldap_message_too_long", "A message longer than the limit"),
    ("ldap_no_message", "Bytes on a stream that are no message where one must begin"),
];

/// LDAP over datagrams.
#[derive(Debug, Default)]
pub struct LdapDatagram {
    open: Operations,
}

impl DatagramParser for LdapDatagram {
    const KINDS: &'static [EventKind] = &[EventKind::Ldap];
    const FIRST: FirstBytes = FirstBytes::of(&[0x30]);

    fn probe(payload: &[u8], _: [u16; 2]) -> Probe {
        probe::datagram(payload)
    }

    fn datagram(&mut self, _: Direction, mut payload: &[u8], cx: &mut Context<'_>) -> Next {
        while let Extent::Message(len) = probe::extent(payload) {
            let (message, rest) = payload.split_at_checked(len).unwrap_or((payload, &[]));
            self.open.message(message, cx);
            payload = rest;
        }
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
        probe::message(bytes) == Probe::Yes
    }
}

/// One direction of a stream.
#[derive(Debug, Default)]
struct Half {
    plain: Framing<Messages>,
    /// Buffers of SASL, once there are some; then `plain` reads what stands in them.
    buffers: Option<Box<Framing<Buffers>>>,
}

/// LDAP over a stream.
#[derive(Debug, Default)]
pub struct LdapStream {
    open: Operations,
    halves: [Half; 2],
}

impl StreamParser for LdapStream {
    const KINDS: &'static [EventKind] = &[EventKind::Ldap];
    const FIRST: FirstBytes = FirstBytes::of(&[0x30]);

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe::message(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        let Self { open, halves } = self;
        match halves[direction.index()].read(data, open, cx) {
            Next::More if self.halves.iter().all(Half::is_dead) => Next::Done,
            next => next,
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, _: &mut Context<'_>) -> Next {
        self.halves[direction.index()].gap(len);
        if self.halves.iter().all(Half::is_dead) { Next::Done } else { Next::More }
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.open.expire(cx);
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        self.halves = Default::default();
        self.open.flush(cx);
    }

    fn held(&self) -> usize {
        self.open.held() + self.halves.iter().map(Half::held).sum::<usize>()
    }
}

impl Half {
    fn read(&mut self, data: &[u8], open: &mut Operations, cx: &mut Context<'_>) -> Next {
        if let Some(buffers) = &mut self.buffers {
            return protected(&mut self.plain, buffers, data, open, cx);
        }
        let mut next = Next::More;
        let mut is_protected = false;
        let rest = self.plain.read(data, |item| {
            is_protected = open.sasl.is_some() && matches!(item, Item::Broken([0, ..]));
            if !is_protected {
                next = read(open, item, cx);
            }
            next == Next::More && !is_protected
        });
        if is_protected {
            *self = Self { plain: Framing::default(), buffers: Some(Box::default()) };
            return self.read(rest, open, cx);
        }
        if let Next::Switch(_) = next { Next::Switch(rest.len()) } else { next }
    }

    fn gap(&mut self, len: u64) {
        match &mut self.buffers {
            Some(buffers) => {
                buffers.gap(len);
                self.plain.gap(u64::MAX);
            }
            None => self.plain.gap(len),
        }
    }

    fn is_dead(&self) -> bool {
        self.buffers.as_ref().map_or(self.plain.is_dead(), |buffers| buffers.is_dead())
    }

    fn held(&self) -> usize {
        self.plain.held() + self.buffers.as_ref().map_or(0, |buffers| buffers.held())
    }
}

/// Reads what SASL protects: done where it is sealed.
fn protected(
    plain: &mut Framing<Messages>,
    buffers: &mut Framing<Buffers>,
    data: &[u8],
    open: &mut Operations,
    cx: &mut Context<'_>,
) -> Next {
    let mut sealed = false;
    buffers.read(data, |item| {
        match item {
            Item::Message(buffer) => match sasl::clear_text(buffer.get(sasl::PREFIX..).unwrap_or_default()) {
                Some(text) => sealed = !signed(plain, text, open, cx),
                None => sealed = true,
            },
            Item::Long(_) => {
                cx.limit(&limits::MAX_BUFFER, "ldap_message_too_long", b"");
                plain.gap(u64::MAX);
            }
            Item::Broken(_) => cx.weird("ldap", "ldap_no_message", b""),
        }
        !sealed
    });
    if !sealed {
        return Next::More;
    }
    open.wrapped(cx);
    Next::Done
}

/// Reads the text of a buffer that is signed; false where it is none.
fn signed(plain: &mut Framing<Messages>, text: &[u8], open: &mut Operations, cx: &mut Context<'_>) -> bool {
    let mut is_text = true;
    plain.read(text, |item| {
        is_text = !matches!(item, Item::Broken(_));
        is_text && read(open, item, cx) == Next::More
    });
    is_text
}

fn read(open: &mut Operations, item: Item<'_>, cx: &mut Context<'_>) -> Next {
    match item {
        Item::Message(message) => match open.message(message, cx) {
            Then::More => Next::More,
            Then::Tls => Next::Switch(0),
        },
        Item::Long(first) => {
            open.long(first, cx);
            Next::More
        }
        Item::Broken(_) => {
            cx.weird("ldap", "ldap_no_message", b"");
            Next::More
        }
    }
}
