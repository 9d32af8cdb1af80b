//! One exchange of keys: from a reset to the first data packets of both sides.

use super::event::{self, Seen};
use super::limits::HANDSHAKE_WAIT;
use super::order::Order;
use super::packet::{Control, Guard, Opcode, first, packet_id, session_id};
use super::probe;
use crate::messages::Direction;
use crate::proto::tls::{self, Tls};
use crate::proto::{Close, Context, Next, StreamParser};

/// What a flow's packets have shown.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Of the connection; a key that is renewed can have another.
    guard: Guard,
    /// Session identifiers, by direction.
    ids: [Option<[u8; 8]>; 2],
    exchange: Option<Box<Exchange>>,
    /// Key of the exchange that ended last.
    done: Option<u8>,
}

/// An exchange that is going on.
#[derive(Debug)]
struct Exchange {
    opcode: Opcode,
    key: u8,
    guard: Guard,
    client: Direction,
    packet_id: Option<u32>,
    /// Which directions went on to data.
    data: [bool; 2],
    orders: [Order; 2],
    tls: Option<Tls>,
    /// Time and packet of the newest control packet.
    newest: (u64, u64),
}

impl Session {
    /// Takes one packet.
    pub(super) fn packet(&mut self, direction: Direction, packet: &[u8], cx: &mut Context<'_>) {
        match first(packet) {
            Some((opcode, key)) if opcode.is_data() => self.data(direction, key, cx),
            Some((opcode, key)) if opcode.is_known() => {
                let Some(id) = session_id(packet) else { return bad(cx) };
                self.begin(direction, (opcode, key, id), packet, cx);
                self.ids[direction.index()] = Some(id);
                self.control(direction, (opcode, key), packet, cx);
            }
            _ => bad(cx),
        }
    }

    /// Data packets end an exchange; all others cost this look.
    fn data(&mut self, direction: Direction, key: u8, cx: &mut Context<'_>) {
        let Some(exchange) = self.exchange.as_mut().filter(|exchange| exchange.key == key) else { return };
        exchange.data[direction.index()] = true;
        if exchange.data == [true; 2] {
            self.finish(None, cx);
        }
    }

    /// A reset of a session that is not known, or of another key, begins an exchange.
    fn begin(
        &mut self,
        direction: Direction,
        (opcode, key, id): (Opcode, u8, [u8; 8]),
        packet: &[u8],
        cx: &mut Context<'_>,
    ) {
        let is_new = match opcode {
            Opcode::CLIENT_RESET | Opcode::CLIENT_RESET_V3 => self.ids[direction.index()] != Some(id),
            Opcode::SERVER_RESET => self.exchange.is_none() && self.ids == [None; 2],
            Opcode::SOFT_RESET => {
                self.done != Some(key) && self.exchange.as_ref().is_none_or(|now| now.key != key)
            }
            _ => false,
        };
        if !is_new {
            return;
        }
        self.finish(Some(Close::End), cx);
        let guard = if opcode == Opcode::SOFT_RESET {
            probe::renewed(packet, self.guard)
        } else {
            let Some(guard) = probe::guard(packet) else { return };
            (self.guard, self.ids, self.done) = (guard, [None; 2], None);
            guard
        };
        let client = if opcode == Opcode::SERVER_RESET { direction.flip() } else { direction };
        self.exchange = Some(Box::new(Exchange {
            opcode,
            key,
            guard,
            client,
            packet_id: packet_id(packet, guard),
            data: [false; 2],
            orders: Default::default(),
            tls: (guard.is_readable() && tls::wants(cx)).then(Tls::default),
            newest: (cx.time, cx.packet),
        }));
    }

    fn control(
        &mut self,
        direction: Direction,
        (opcode, key): (Opcode, u8),
        packet: &[u8],
        cx: &mut Context<'_>,
    ) {
        let Some(exchange) = self.exchange.as_mut().filter(|exchange| exchange.key == key) else { return };
        exchange.newest = (cx.time, cx.packet);
        if !exchange.guard.is_readable() || opcode == ACK {
            return;
        }
        let Some(control) = Control::read(packet, exchange.guard) else { return bad(cx) };
        let other = &mut self.ids[direction.flip().index()];
        *other = other.or(control.remote);
        if matches!(opcode, Opcode::CONTROL | Opcode::CONTROL_WKC) {
            exchange.carry(direction, &control, cx);
        }
    }

    /// Bytes of a direction were lost.
    pub(super) fn gap(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) {
        if let Some(exchange) = self.exchange.as_mut() {
            exchange.lose(direction, len, cx);
        }
    }

    /// Tells of an exchange that stands still.
    pub(super) fn tick(&mut self, cx: &mut Context<'_>) {
        let Some(exchange) = self.exchange.as_mut() else { return };
        if let Some(tls) = exchange.tls.as_mut() {
            tls.tick(cx);
        }
        if cx.time.saturating_sub(exchange.newest.0) >= HANDSHAKE_WAIT {
            self.finish(Some(Close::Timeout), cx);
        }
    }

    /// Gives out the exchange; `why` is `None` where it came to its end.
    pub(super) fn finish(&mut self, why: Option<Close>, cx: &mut Context<'_>) {
        let Some(exchange) = self.exchange.take() else { return };
        self.done = Some(exchange.key);
        match why {
            // When the wait ended is no fact of the wire.
            Some(_) => cx.at(exchange.newest, |cx| self.tell(*exchange, why, cx)),
            None => self.tell(*exchange, why, cx),
        }
    }

    fn tell(&self, mut exchange: Exchange, why: Option<Close>, cx: &mut Context<'_>) {
        if let Some(mut tls) = exchange.tls.take() {
            tls.close(why.unwrap_or(Close::End), cx);
        }
        let [client, server] = [exchange.client, exchange.client.flip()].map(|way| self.ids[way.index()]);
        let both = client.is_some() && server.is_some() && why != Some(Close::Evicted);
        let seen = Seen {
            opcode: exchange.opcode,
            key: exchange.key,
            guard: exchange.guard,
            packet_id: exchange.packet_id,
            sessions: [client, server],
            established: if why.is_none() { Some(true) } else { (both && !cx.one_way).then_some(false) },
        };
        event::emit(&seen, cx);
    }

    pub(super) fn held(&self) -> usize {
        self.exchange.as_ref().map_or(0, |exchange| size_of::<Exchange>() + exchange.held())
    }
}

/// An acknowledgement alone.
const ACK: Opcode = Opcode(5);

impl Exchange {
    /// Gives the bytes of TLS on in their order.
    fn carry(&mut self, direction: Direction, control: &Control<'_>, cx: &mut Context<'_>) {
        let Self { orders, tls, .. } = self;
        if cx.cut {
            return self.lose(direction, 1, cx);
        }
        let Some(reader) = tls.as_mut() else { return };
        let mut next = Next::More;
        let taken = orders[direction.index()].take(control.number, control.payload, |bytes| {
            if next == Next::More {
                next = reader.data(direction, bytes, cx);
            }
        });
        if let Err(limit) = taken {
            cx.limit(limit, "openvpn_too_many_early", b"");
            return self.lose(direction, 1, cx);
        }
        if next != Next::More {
            self.end_tls(cx);
        }
    }

    fn lose(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) {
        if let Some(tls) = self.tls.as_mut()
            && tls.gap(direction, len, cx) != Next::More
        {
            self.end_tls(cx);
        }
    }

    fn end_tls(&mut self, cx: &mut Context<'_>) {
        if let Some(mut tls) = self.tls.take() {
            tls.close(Close::End, cx);
        }
        self.orders = Default::default();
    }

    fn held(&self) -> usize {
        let early: usize = self.orders.iter().map(Order::held).sum();
        early + self.tls.as_ref().map_or(0, StreamParser::held)
    }
}

/// Tells of a packet that is none.
fn bad(cx: &mut Context<'_>) {
    if !cx.cut {
        cx.weird("openvpn", "openvpn_bad_packet", b"");
    }
}
