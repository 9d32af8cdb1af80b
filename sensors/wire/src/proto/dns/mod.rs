//! DNS (RFC 1034, 1035) with EDNS (RFC 6891), over datagrams and streams: one event per transaction.
//!
//! Multicast DNS (RFC 6762) and LLMNR (RFC 4795) have the same form and are read alike; NetBIOS names are not DNS.

mod event;
mod flavour;
#[cfg(test)]
mod lan_tests;
pub mod limits;
mod names;
mod parse;
mod probe;
mod rdata;
mod registry;
mod stream;
#[cfg(test)]
mod tests;
mod transactions;

pub use event::FIELDS;
pub use stream::DnsStream;

use crate::messages::{Direction, EventKind};
use crate::proto::{Close, Context, DatagramParser, FirstBytes, Next, Probe};
use transactions::Transactions;

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    (
        "dns_answer_to_other_question",
        "An answer with the identifier of an open query but another question: a try to spoof, or a broken server",
    ),
    ("dns_bad_label_type", "A label of a type that was never assigned"),
    ("dns_bad_length_prefix", "A length before a message on a stream that is too small for a header"),
    ("dns_bad_pointer", "A compression pointer that leads forwards, in a circle, or through too many others"),
    ("dns_name_too_long", "A name of more than 255 bytes"),
    ("dns_query_without_question", "A query that asks nothing"),
    ("dns_stream_ends_in_message", "A stream that ended in the middle of a message"),
    ("dns_truncated_message", "A message that ends before what it announces"),
];

/// DNS over datagrams. The direction of a message is what its QR bit says.
#[derive(Debug, Default)]
pub struct DnsDatagram {
    open: Transactions,
}

impl DatagramParser for DnsDatagram {
    const KINDS: &'static [EventKind] = &[EventKind::Dns];
    // An identifier.
    const FIRST: FirstBytes = FirstBytes::ANY;

    fn probe(payload: &[u8], ports: [u16; 2]) -> Probe {
        probe::message(payload, ports.contains(&53))
    }

    fn datagram(&mut self, direction: Direction, payload: &[u8], cx: &mut Context<'_>) -> Next {
        self.open.message(direction, payload, cx);
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
