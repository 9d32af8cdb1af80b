//! OpenVPN's control channel over UDP and TCP: one `openvpn` event per exchange of keys, and one `tls` event for the
//! handshake that it carries, where no key known beforehand hides it (`--tls-crypt`).

mod event;
pub mod limits;
mod order;
mod packet;
mod probe;
mod session;
#[cfg(test)]
mod tests;

pub use event::FIELDS;

use super::framing::{Framing, Item};
use super::tls;
use super::{Close, Context, DatagramParser, FirstBytes, Next, Probe, StreamParser};
use crate::messages::{Direction, EventKind};
use probe::Packets;
use session::Session;

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("openvpn_bad_packet", "A packet that ends too early, or of an opcode that does not exist"),
    ("openvpn_too_many_early", "More control packets that wait for one before them than are kept"),
];

const KINDS: &[EventKind] = &[EventKind::OpenVpn, EventKind::Tls, EventKind::X509];

fn is_wanted(cx: &Context<'_>) -> bool {
    cx.wants(EventKind::OpenVpn) || tls::wants(cx)
}

/// OpenVPN over datagrams.
#[derive(Debug, Default)]
pub struct OpenVpnDatagram {
    session: Session,
}

impl DatagramParser for OpenVpnDatagram {
    const KINDS: &'static [EventKind] = KINDS;
    // A reset with key 0.
    const FIRST: FirstBytes = FirstBytes::of(&[probe::RESET, probe::SERVER_RESET, probe::RESET_V3]);

    fn probe(payload: &[u8], _: [u16; 2]) -> Probe {
        probe::datagram(payload)
    }

    fn datagram(&mut self, direction: Direction, payload: &[u8], cx: &mut Context<'_>) -> Next {
        if !is_wanted(cx) {
            return Next::Done;
        }
        self.session.packet(direction, payload, cx);
        Next::More
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.session.tick(cx);
    }

    fn close(&mut self, why: Close, cx: &mut Context<'_>) {
        self.session.finish(Some(why), cx);
    }

    fn held(&self) -> usize {
        self.session.held()
    }
}

/// OpenVPN over a stream.
#[derive(Debug, Default)]
pub struct OpenVpnStream {
    session: Session,
    halves: [Framing<Packets>; 2],
}

impl StreamParser for OpenVpnStream {
    const KINDS: &'static [EventKind] = KINDS;
    // The upper byte of a reset's length.
    const FIRST: FirstBytes = FirstBytes::range(0, 4);

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe::stream(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        if !is_wanted(cx) {
            return Next::Done;
        }
        let Self { session, halves } = self;
        halves[direction.index()].read(data, |item| {
            match item {
                Item::Message(message) => session.packet(direction, message.get(2..).unwrap_or_default(), cx),
                Item::Long(_) | Item::Broken(_) => cx.weird("openvpn", "openvpn_bad_packet", b""),
            }
            true
        });
        self.next()
    }

    fn gap(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) -> Next {
        self.session.gap(direction, len, cx);
        self.halves[direction.index()].gap(len);
        self.next()
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.session.tick(cx);
    }

    fn close(&mut self, why: Close, cx: &mut Context<'_>) {
        self.session.finish(Some(why), cx);
        self.halves = Default::default();
    }

    fn held(&self) -> usize {
        self.session.held() + self.halves.iter().map(Framing::held).sum::<usize>()
    }
}

impl OpenVpnStream {
    fn next(&self) -> Next {
        if self.halves.iter().all(Framing::is_dead) { Next::Done } else { Next::More }
    }
}
