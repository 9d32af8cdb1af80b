//! SSH (RFC 4253): identification, key exchange and host key, as far as they are in clear text: one `ssh` event a
//! connection.
//!
//! The event goes out when the server has shown its host key or both sides go on encrypted, at a disconnect, when the
//! connection ends or stands still. What is said afterwards is encrypted: whether a log-in succeeded is not claimed.

mod event;
mod kexinit;
pub mod limits;
mod reader;
#[cfg(test)]
mod tests;

pub use event::FIELDS;

use super::{Close, Context, FirstBytes, Next, Probe, StreamParser};
use crate::messages::{Direction, EventKind};
use kexinit::{KexInit, is_group_exchange};
use reader::{Fault, Item, Reader};

/// A key exchange that stands still for so long is told as it is (nanoseconds of packet time).
pub const EXCHANGE_WAIT: u64 = 30_000_000_000;

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    (
        "ssh_identification_too_long",
        "An identification line, or what stands before it, longer than the limit",
    ),
    ("ssh_kexinit_malformed", "A KEXINIT message that ends before what it announces"),
    (
        "ssh_packet_malformed",
        "A packet whose length and padding contradict each other before encryption began",
    ),
    ("ssh_packet_too_long", "A packet in clear text longer than the limit"),
];

/// Message numbers (RFC 4250 4.1.2; RFC 4419 5).
const DISCONNECT: u8 = 1;
const KEXINIT: u8 = 20;
const NEWKEYS: u8 = 21;
const KEXDH_INIT: u8 = 30;
const KEXDH_REPLY: u8 = 31;
const KEX_DH_GEX_REQUEST: u8 = 34;
const KEX_DH_GEX_REPLY: u8 = 33;

/// What one side has said.
#[derive(Debug, Default)]
struct Side {
    reader: Reader,
    identification: Option<Vec<u8>>,
    kexinit: Option<KexInit>,
    /// It encrypts, or cannot be read any more.
    is_over: bool,
    /// Bytes of it are missing or unreadable.
    is_lost: bool,
    has_spoken: bool,
}

impl Side {
    fn is_protocol_1(&self) -> bool {
        let line = self.identification.as_deref().unwrap_or_default();
        line.starts_with(b"SSH-1.") && !line.starts_with(b"SSH-1.99-")
    }

    /// True where what it has not said may have been said out of sight.
    fn is_unseen(&self) -> bool {
        self.is_lost || !self.has_spoken
    }
}

/// Reads the beginning of one connection.
#[derive(Debug, Default)]
pub struct Ssh {
    sides: Box<[Side; 2]>,
    /// The server's key as it sent it.
    host_key: Option<Vec<u8>>,
    disconnect: Option<Vec<u8>>,
    /// Who began the key exchange: the SSH client, which need not have opened the connection.
    asker: Option<Direction>,
    started: u64,
    /// Time and packet of the newest bytes.
    newest: (u64, u64),
    is_done: bool,
}

impl StreamParser for Ssh {
    const KINDS: &'static [EventKind] = &[EventKind::Ssh];
    const FIRST: FirstBytes = FirstBytes::of(b"S");

    fn probe(data: &[u8], _: Direction) -> Probe {
        const MAGIC: &[u8] = b"SSH-";
        match data.get(..MAGIC.len()) {
            Some(head) if head == MAGIC => Probe::Yes,
            None if MAGIC.starts_with(data) => Probe::More,
            _ => Probe::No,
        }
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        if self.is_done || !cx.wants(EventKind::Ssh) {
            return Next::Done;
        }
        if self.started == 0 {
            self.started = cx.time.max(1);
        }
        self.newest = (cx.time, cx.packet);
        self.sides[direction.index()].has_spoken = true;
        self.read(direction, data, cx);
        if self.is_complete() { self.finish(cx) } else { Next::More }
    }

    fn gap(&mut self, direction: Direction, _: u64, cx: &mut Context<'_>) -> Next {
        let side = &mut self.sides[direction.index()];
        (side.is_lost, side.is_over) = (true, true);
        if self.is_complete() { self.finish(cx) } else { Next::More }
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        if self.started != 0 && cx.time.saturating_sub(self.started) >= EXCHANGE_WAIT {
            cx.at(self.newest, |cx| self.finish(cx));
        }
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        self.finish(cx);
    }

    fn held(&self) -> usize {
        let of_side = |side: &Side| {
            side.reader.held()
                + side.identification.as_ref().map_or(0, Vec::capacity)
                + side.kexinit.as_ref().map_or(0, KexInit::held)
        };
        let rest = self.host_key.as_ref().map_or(0, Vec::capacity)
            + self.disconnect.as_ref().map_or(0, Vec::capacity);
        self.sides.iter().map(of_side).sum::<usize>() + rest
    }
}

impl Ssh {
    fn read(&mut self, direction: Direction, mut data: &[u8], cx: &mut Context<'_>) {
        let way = direction.index();
        while !self.sides[way].is_over {
            match self.sides[way].reader.next(&mut data) {
                Ok(Some(Item::Identification(line))) => self.identified(way, line),
                Ok(Some(Item::Packet(payload))) => self.packet(direction, &payload, cx),
                Ok(None) => return,
                Err(fault) => self.lose(way, fault, cx),
            }
        }
    }

    fn identified(&mut self, way: usize, line: Vec<u8>) {
        let side = &mut self.sides[way];
        side.identification = Some(line);
        // Version 1 has packets of another form (openssh.com/txt/ssh-rfc-v1.5.txt), which are not read.
        side.is_over = side.is_protocol_1();
    }

    fn lose(&mut self, way: usize, fault: Fault, cx: &mut Context<'_>) {
        let side = &mut self.sides[way];
        (side.is_lost, side.is_over) = (true, true);
        side.reader = Reader::default();
        cx.hit(fault.limit());
        cx.weird("ssh", fault.weird(), b"");
    }

    fn packet(&mut self, direction: Direction, payload: &[u8], cx: &mut Context<'_>) {
        let Some((&number, body)) = payload.split_first() else { return };
        let from_server = self.asker.unwrap_or(Direction::ToServer) != direction;
        match number {
            KEXDH_INIT | KEX_DH_GEX_REQUEST => self.asker = Some(direction),
            KEXINIT => self.kexinit(direction.index(), body, cx),
            NEWKEYS => self.sides[direction.index()].is_over = true,
            DISCONNECT => {
                self.sides[direction.index()].is_over = true;
                self.disconnect = Some(kexinit::string(body.get(4..).unwrap_or_default()).to_vec());
            }
            KEXDH_REPLY if from_server && !self.chose_group_exchange() => self.key(body),
            KEX_DH_GEX_REPLY if from_server && self.chose_group_exchange() => self.key(body),
            _ => {}
        }
    }

    fn kexinit(&mut self, way: usize, body: &[u8], cx: &mut Context<'_>) {
        let Some(kexinit) = KexInit::read(body) else {
            self.sides[way].is_lost = true;
            return cx.weird("ssh", "ssh_kexinit_malformed", b"");
        };
        self.sides[way].kexinit.get_or_insert(kexinit);
    }

    /// The host key is the first string of the server's reply in every method that is in use (RFC 4253 8, 4419 3,
    /// 5656 4); a blob begins with its type.
    fn key(&mut self, body: &[u8]) {
        let key = kexinit::string(body);
        if !kexinit::string(key).is_empty() {
            self.host_key = Some(key.to_vec());
        }
    }

    /// The exchange by negotiated groups numbers its messages otherwise.
    fn chose_group_exchange(&self) -> bool {
        event::chosen(self, |kexinit| kexinit.kex()).is_some_and(is_group_exchange)
    }

    fn is_complete(&self) -> bool {
        let both = self.sides.iter().all(|side| side.kexinit.is_some());
        let is_told = self.sides.iter().all(|side| side.kexinit.is_some() || side.is_over);
        let is_over = self.sides.iter().any(|side| side.is_over);
        (both && self.host_key.is_some()) || self.disconnect.is_some() || (is_told && is_over)
    }

    /// Gives out the event, once, and frees all buffers.
    fn finish(&mut self, cx: &mut Context<'_>) -> Next {
        if !self.is_done
            && self.sides.iter().any(|side| side.identification.is_some())
            && cx.wants(EventKind::Ssh)
        {
            event::emit(self, cx);
        }
        *self = Self { is_done: true, ..Self::default() };
        Next::Done
    }
}
