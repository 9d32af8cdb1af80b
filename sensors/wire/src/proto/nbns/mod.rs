//! NetBIOS names over datagrams (RFC 1001, RFC 1002): one event per transaction.

mod event;
pub mod limits;
mod names;
mod parse;
#[cfg(test)]
mod tests;
mod transactions;

pub use event::FIELDS;

use crate::messages::{Direction, EventKind};
use crate::proto::{Close, Context, DatagramParser, FirstBytes, Next, Probe};
use parse::Message;
use transactions::Transactions;

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] =
    &[("nbns_bad_message", "A message that is none of this service's, or ends too early")];

/// Reads one flow.
#[derive(Debug, Default)]
pub struct Nbns {
    open: Transactions,
}

impl DatagramParser for Nbns {
    const KINDS: &'static [EventKind] = &[EventKind::Nbns];
    // A transaction identifier.
    const FIRST: FirstBytes = FirstBytes::ANY;

    fn probe(payload: &[u8], _: [u16; 2]) -> Probe {
        // The first name begins with the length of its 32 letters.
        let is = payload.get(12) == Some(&32) && Message::read(payload).is_some();
        if is { Probe::Yes } else { Probe::No }
    }

    fn datagram(&mut self, _: Direction, payload: &[u8], cx: &mut Context<'_>) -> Next {
        if !cx.wants(EventKind::Nbns) {
            return Next::Done;
        }
        match Message::read(payload) {
            Some(message) => self.open.message(message, cx),
            None if cx.cut => {}
            None => cx.weird("nbns", "nbns_bad_message", b""),
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
