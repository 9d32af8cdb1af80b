//! S7comm, the protocol of Siemens S7 controllers, over COTP and TPKT (RFC 1006): one event per job and its answer.
//!
//! RDP and MMS use the same transport: it is S7comm only where the first data message begins with its number.

mod event;
pub mod limits;
mod names;
mod pdu;
#[cfg(test)]
mod tests;
mod transactions;

pub use event::FIELDS;

use super::framing::{Cut as _, Extent, Framing, Item};
use super::tpkt::{Cotp, Packets};
use crate::messages::{Direction, EventKind};
use crate::proto::{Close, Context, FirstBytes, Next, Probe, StreamParser};
use limits::MAX_MESSAGE;
use pdu::{S7, S7_PLUS};
use transactions::Transactions;

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("s7_bad_message", "Data that is no S7comm message, or one that is shorter than it says"),
    ("s7_bad_packet", "Something that is no TPKT packet where one must begin"),
    ("s7_message_too_long", "A message in several packets that is longer than the limit"),
    (
        "s7_short_job",
        "A job that ends before what its function needs: its items, block or service are not all told",
    ),
];

/// Reads one flow.
#[derive(Debug, Default)]
pub struct S7comm {
    halves: [Framing<Packets>; 2],
    /// Messages that came in several packets, as far as they have come.
    parts: [Vec<u8>; 2],
    open: Transactions,
}

impl StreamParser for S7comm {
    const KINDS: &'static [EventKind] = &[EventKind::S7];
    const FIRST: FirstBytes = FirstBytes::of(&[3]);

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        if !cx.wants(EventKind::S7) {
            return Next::Done;
        }
        let Self { halves, parts, open } = self;
        let (half, part) = (&mut halves[direction.index()], &mut parts[direction.index()]);
        half.read(data, |item| {
            match item {
                Item::Message(packet) => take(direction, packet, part, open, cx),
                Item::Long(_) | Item::Broken(_) => cx.weird("s7", "s7_bad_packet", b""),
            }
            true
        });
        self.next()
    }

    fn gap(&mut self, direction: Direction, len: u64, _: &mut Context<'_>) -> Next {
        self.parts[direction.index()] = Vec::new();
        self.halves[direction.index()].gap(len);
        self.next()
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.open.expire(cx);
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        self.open.flush(cx);
        (self.halves, self.parts) = Default::default();
    }

    fn held(&self) -> usize {
        let halves: usize = self.halves.iter().map(Framing::held).sum();
        halves + self.open.held() + self.parts.iter().map(Vec::capacity).sum::<usize>()
    }
}

impl S7comm {
    fn next(&self) -> Next {
        if self.open.is_over() || self.halves.iter().all(Framing::is_dead) { Next::Done } else { Next::More }
    }
}

/// One packet of a direction.
fn take(way: Direction, packet: &[u8], part: &mut Vec<u8>, open: &mut Transactions, cx: &mut Context<'_>) {
    match Cotp::read(packet) {
        Some(Cotp::Request(parameters) | Cotp::Confirm(parameters)) => open.connect(parameters),
        Some(Cotp::Data(true, data)) if part.is_empty() => open.message(way, data, cx),
        Some(Cotp::Data(ends, data)) => {
            if part.len() + data.len() > MAX_MESSAGE.get() {
                cx.limit(&MAX_MESSAGE, "s7_message_too_long", b"");
                *part = Vec::new();
                return;
            }
            part.extend_from_slice(data);
            if ends {
                open.message(way, &std::mem::take(part), cx);
            }
        }
        Some(Cotp::Other) => {}
        None => cx.weird("s7", "s7_bad_packet", b""),
    }
}

/// Packets of a connection's making say nothing: the first data must begin with S7comm's number.
fn probe(data: &[u8]) -> Probe {
    let mut rest = data;
    loop {
        let Extent::Message(length) = Packets::extent(rest) else {
            return if Packets::extent(rest) == Extent::More { Probe::More } else { Probe::No };
        };
        match rest {
            [_, _, _, _, 2, 0xf0, _, S7, kind, ..] => return known(matches!(kind, 1..=3 | 7)),
            [_, _, _, _, 2, 0xf0, _, S7_PLUS, kind, ..] => return known(matches!(kind, 1..=3)),
            [_, _, _, _, 2, 0xf0, _, S7 | S7_PLUS]
            | [_, _, _, _]
            | [_, _, _, _, 2]
            | [_, _, _, _, 2, 0xf0] => {
                return Probe::More;
            }
            // A data packet without data, as some controllers send.
            [_, _, _, _, 2, 0xf0, _, ..] if length == 7 => {}
            [_, _, _, _, 2, 0xf0, _] => return Probe::More,
            [_, _, _, _, 6..=255, 0xe0 | 0xd0, ..] | [_, _, _, _, 6..=255] => {}
            _ => return Probe::No,
        }
        match rest.get(length..) {
            Some(after) => rest = after,
            None => return Probe::More,
        }
    }
}

const fn known(is: bool) -> Probe {
    if is { Probe::Yes } else { Probe::No }
}
