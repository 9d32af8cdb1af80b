//! DHCP for IPv4 (RFC 2131) and BOOTP with its cookie: one `dhcp` event an exchange, that is the messages of one client
//! with one transaction identifier, in whichever flows they run.
//!
//! The event goes out with the message that ends the exchange, or when nothing has followed for a while; it belongs to
//! the flow of the last message, else to the one that began it.

mod event;
mod exchange;
pub mod limits;
mod message;
#[cfg(test)]
mod tests;

pub use event::FIELDS;
pub use exchange::Exchanges;

use super::{Close, Context, DatagramParser, FirstBytes, Next, Probe};
use crate::messages::{Direction, EventKind};
use exchange::{Id, Outcome, id_of};
use limits::{MAX_EXCHANGES, MAX_PER_FLOW};
use message::{Message, is_message};

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("dhcp_no_message", "Something that is no DHCP message where one was expected"),
    (
        "dhcp_too_many_exchanges",
        "More open exchanges than the limit, as when addresses are taken until none is left: the oldest is told as it is",
    ),
];

/// Ports of server and client (RFC 2131 4.1).
const PORTS: [u16; 2] = [67, 68];

/// True where one of the ports is DHCP's own.
pub(crate) const fn is_port([source, destination]: [u16; 2]) -> bool {
    let [server, client] = PORTS;
    source == server || source == client || destination == server || destination == client
}

/// Reads one flow's messages; exchanges are shared by all flows.
#[derive(Debug, Default)]
pub struct Dhcp {
    /// Exchanges that this flow began, and time and packet of the message that did.
    begun: Vec<(Id, u64, u64)>,
}

impl DatagramParser for Dhcp {
    const KINDS: &'static [EventKind] = &[EventKind::Dhcp];
    const FIRST: FirstBytes = FirstBytes::of(&[1, 2]);

    fn probe(payload: &[u8], _: [u16; 2]) -> Probe {
        if is_message(payload) { Probe::Yes } else { Probe::No }
    }

    fn datagram(&mut self, direction: Direction, payload: &[u8], cx: &mut Context<'_>) -> Next {
        let Some(message) = Message::read(payload) else {
            if !cx.cut {
                cx.weird("dhcp", "dhcp_no_message", b"");
            }
            return Next::More;
        };
        if let Some(stalest) = cx.shared.dhcp.make_room() {
            cx.limit(&MAX_EXCHANGES, "dhcp_too_many_exchanges", b"");
            event::emit(&stalest, cx);
        }
        let (id, sender) = (id_of(&message, cx.flow), cx.flow.ip[direction.index()]);
        match cx.shared.dhcp.take(id, &message, sender, cx.time) {
            Outcome::Told(exchange) => event::emit(&exchange, cx),
            Outcome::Open(true) => self.begin(id, cx),
            Outcome::Open(false) | Outcome::Copy => {}
        }
        Next::More
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.give_up(false, cx);
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        self.give_up(true, cx);
        self.begun = Vec::new();
    }

    fn held(&self) -> usize {
        self.begun.capacity() * size_of::<(Id, u64, u64)>()
    }
}

impl Dhcp {
    fn begin(&mut self, id: Id, cx: &mut Context<'_>) {
        if self.begun.len() >= MAX_PER_FLOW.get() {
            self.begun.retain(|(id, ..)| cx.shared.dhcp.waits(id));
        }
        if self.begun.len() >= MAX_PER_FLOW.get() {
            cx.limit(&MAX_PER_FLOW, "dhcp_too_many_exchanges", b"");
            let (id, time, packet) = self.begun.remove(0);
            tell_late(&id, (time, packet), true, cx);
        }
        self.begun.push((id, cx.time, cx.packet));
    }

    /// Tells of exchanges that nothing has followed.
    fn give_up(&mut self, all: bool, cx: &mut Context<'_>) {
        for (id, time, packet) in &self.begun {
            tell_late(id, (*time, *packet), all, cx);
        }
        self.begun.retain(|(id, ..)| cx.shared.dhcp.waits(id));
    }
}

/// The first message's own time and packet are the event's: when the wait ended is no fact of the wire.
fn tell_late(id: &Id, (time, packet): (u64, u64), all: bool, cx: &mut Context<'_>) {
    let Some(exchange) = cx.shared.dhcp.give_up(id, cx.time, all) else { return };
    cx.at((time, packet), |cx| event::emit(&exchange, cx));
}
