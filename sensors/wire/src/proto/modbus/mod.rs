//! Modbus/TCP (MODBUS Messaging on TCP/IP Implementation Guide V1.0b), over streams and datagrams: one event per
//! transaction.

mod adu;
mod event;
pub mod limits;
mod names;
mod probe;
#[cfg(test)]
mod tests;
mod transactions;

pub use event::FIELDS;

use super::framing::{Framing, Item};
use crate::messages::{Direction, EventKind};
use crate::proto::{Close, Context, DatagramParser, FirstBytes, Next, Probe, StreamParser};
use adu::Messages;
use transactions::Transactions;

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    (
        "modbus_answer_to_other_function",
        "An answer with the identifier of an open request but another function",
    ),
    ("modbus_bad_header", "A header with another protocol identifier than 0 or a length that cannot be"),
    ("modbus_short_message", "A message too short for its function"),
    ("modbus_too_many_requests", "More requests that wait for their answer than are kept"),
];

/// Modbus over a stream.
#[derive(Debug, Default)]
pub struct Modbus {
    open: Transactions,
    halves: [Framing<Messages>; 2],
}

impl StreamParser for Modbus {
    const KINDS: &'static [EventKind] = &[EventKind::Modbus];
    // A transaction identifier.
    const FIRST: FirstBytes = FirstBytes::ANY;

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe::stream(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        if !cx.wants(EventKind::Modbus) {
            return Next::Done;
        }
        let Self { open, halves } = self;
        halves[direction.index()].read(data, |item| {
            match item {
                Item::Message(message) => open.message(direction, message, cx),
                Item::Long(_) | Item::Broken(_) => cx.weird("modbus", "modbus_bad_header", b""),
            }
            true
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
        self.open.flush(cx);
        self.halves = Default::default();
    }

    fn held(&self) -> usize {
        self.open.held() + self.halves.iter().map(Framing::held).sum::<usize>()
    }
}

impl Modbus {
    fn next(&self) -> Next {
        if self.halves.iter().all(Framing::is_dead) { Next::Done } else { Next::More }
    }
}

/// Modbus over datagrams.
#[derive(Debug, Default)]
pub struct ModbusDatagram {
    open: Transactions,
}

impl DatagramParser for ModbusDatagram {
    const KINDS: &'static [EventKind] = &[EventKind::Modbus];
    const FIRST: FirstBytes = FirstBytes::ANY;

    fn probe(payload: &[u8], _: [u16; 2]) -> Probe {
        probe::datagram(payload)
    }

    fn datagram(&mut self, direction: Direction, payload: &[u8], cx: &mut Context<'_>) -> Next {
        if !cx.wants(EventKind::Modbus) {
            return Next::Done;
        }
        if probe::datagram(payload) == Probe::Yes {
            self.open.message(direction, payload, cx);
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
