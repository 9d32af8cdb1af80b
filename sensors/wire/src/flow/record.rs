//! One flow's hot part: what every packet of it touches.

use super::Timeouts;
use super::key::{Key, looks_like_answer};
use super::service::{self, Analysis, Set};
use crate::decode::{Packet, TcpFlags, Upper};
use crate::messages::{Direction, FlowInfo, Transport};

/// What a flow did, as a letter of its history; upper case from the originator (Zeek's letters).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Act {
    /// SYN without ACK: S.
    Syn,
    /// SYN with ACK: H.
    SynAck,
    /// ACK without data: A.
    Ack,
    /// Payload: D.
    Data,
    /// FIN: F.
    Fin,
    /// RST: R.
    Reset,
    /// Bytes of the stream were lost: G.
    Gap,
    /// Bytes came again: T.
    Again,
}

const LETTERS: [&[u8; 8]; 2] = [b"SHADFRGT", b"shadfrgt"];

/// Each act counts once a side, in the order of the first time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct History {
    seen: u16,
    len: u8,
    letters: [u8; 17],
}

impl History {
    #[inline]
    pub(crate) fn add(&mut self, direction: Direction, act: Act) {
        let bit = Self::bit(direction, act);
        if self.seen & bit == 0 {
            self.seen |= bit;
            self.push(LETTERS[direction.index()][act as usize]);
        }
    }

    /// The originator was not the first to be seen sending: `^` in front.
    pub(crate) fn add_flip(&mut self) {
        self.push(b'^');
    }

    fn push(&mut self, letter: u8) {
        if let Some(place) = self.letters.get_mut(usize::from(self.len)) {
            *place = letter;
            self.len += 1;
        }
    }

    #[inline]
    pub(crate) const fn has(&self, direction: Direction, act: Act) -> bool {
        self.seen & Self::bit(direction, act) != 0
    }

    pub(crate) const fn has_both(&self, act: Act) -> bool {
        self.has(Direction::ToServer, act) && self.has(Direction::ToClient, act)
    }

    pub(crate) const fn has_any(&self, act: Act) -> bool {
        self.has(Direction::ToServer, act) || self.has(Direction::ToClient, act)
    }

    pub(crate) fn text(&self) -> &[u8] {
        self.letters.get(..usize::from(self.len)).unwrap_or_default()
    }

    const fn bit(direction: Direction, act: Act) -> u16 {
        1 << (act as u16 + 8 * direction.index() as u16)
    }
}

/// How far the search for a flow's protocol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Bytes are looked at, or given to a parser.
    Active,
    /// No parser fits, or the one that did is done: counters only.
    Idle,
}

/// The hot part. Pairs are by [`Direction::index`].
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) key: Key,
    pub(crate) tag: u32,
    pub(crate) last: u64,
    /// Number of the newest packet.
    pub(crate) last_packet: u64,
    pub(crate) packets: [u64; 2],
    pub(crate) bytes: [u64; 2],
    /// Sequence number that comes next, each way; for ICMP the first packet's type and code.
    pub(crate) next: [u32; 2],
    /// Highest acknowledgement sent, each way.
    pub(crate) acked: [u32; 2],
    /// First sequence number, each way.
    pub(crate) first_seq: [u32; 2],
    pub(crate) flags: Flags,
    pub(crate) history: History,
    pub(crate) stage: Stage,
    pub(crate) analysis: Option<Analysis>,
    pub(crate) start: u64,
    pub(crate) id: u64,
    pub(crate) macs: [Option<[u8; 6]>; 2],
    pub(crate) missed: u64,
    /// Seconds after `start` at which the last record was written.
    pub(crate) reported: u32,
    /// Weird events so far.
    pub(crate) weirds: u8,
    /// Fresh starts that a stream may still make in search of its protocol.
    pub(crate) tries: u8,
    /// Those may find any protocol, not only the [later](service::LATER) ones.
    pub(crate) anything: bool,
    pub(crate) service: Option<&'static str>,
}

/// Fresh starts of a stream that is picked up in the middle.
const MIDSTREAM_TRIES: u8 = 8;

/// Fresh starts of a stream that was seen from its beginning: so many segments may come before STARTTLS.
const LATER_TRIES: u8 = 16;

/// Datagrams of a flow that are looked at before it counts as unknown.
const DATAGRAM_TRIES: u8 = 4;

/// One bit each, where `_DIR` bits come in a pair.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags(u16);

impl Flags {
    /// The originator is the key's second endpoint.
    pub(crate) const SWAPPED: u16 = 1;
    /// Streams were put together, so missed bytes are known.
    pub(crate) const ASSEMBLED: u16 = 2;
    /// `next` is valid.
    pub(crate) const SYNCED_DIR: u16 = 4;
    /// `acked` is valid.
    pub(crate) const ACKED_DIR: u16 = 16;
    /// Out-of-order segments are held.
    pub(crate) const HOLDING_DIR: u16 = 64;
    /// No protocol fits what this side sent.
    pub(crate) const RULED_OUT_DIR: u16 = 256;
    /// All before the FIN has come.
    pub(crate) const FINISHED_DIR: u16 = 1024;
    /// No protocol fits the first bytes of this side; a later segment may begin one.
    pub(crate) const TRIED_DIR: u16 = 4096;

    pub(crate) const fn get(self, bit: u16) -> bool {
        self.0 & bit != 0
    }

    pub(crate) const fn get_dir(self, bit: u16, direction: Direction) -> bool {
        self.get(bit << direction.index())
    }

    pub(crate) const fn get_both(self, bit: u16) -> bool {
        self.0 & (bit * 3) == bit * 3
    }

    pub(crate) const fn set(&mut self, bit: u16) {
        self.0 |= bit;
    }

    pub(crate) const fn put_dir(&mut self, bit: u16, direction: Direction, on: bool) {
        let bit = bit << direction.index();
        if on { self.0 |= bit } else { self.0 &= !bit }
    }
}

impl Flow {
    pub(crate) fn transport(&self) -> Transport {
        self.key.transport()
    }

    /// Direction of a packet whose sender is the key's second endpoint where `swapped`.
    #[inline]
    pub(crate) const fn direction(&self, swapped: bool) -> Direction {
        if swapped == self.flags.get(Flags::SWAPPED) { Direction::ToServer } else { Direction::ToClient }
    }

    /// True where one side has shown no packet.
    pub(crate) const fn is_one_way(&self) -> bool {
        self.packets[0] == 0 || self.packets[1] == 0
    }

    pub(crate) fn info(&self) -> FlowInfo {
        let originator = usize::from(self.flags.get(Flags::SWAPPED));
        let ends = [originator, 1 - originator];
        FlowInfo {
            ip: ends.map(|end| self.key.ip(end)),
            port: ends.map(|end| self.key.port(end)),
            transport: self.transport(),
            vlan: self.key.vlan(),
            tunnel: self.key.tunnel(),
            start: self.start,
            last: self.last,
            packets: self.packets,
            bytes: self.bytes,
            id: self.id,
        }
    }
}

impl Flow {
    /// What a fresh start may find.
    pub(super) const fn again(&self) -> Set {
        if self.anything { service::ALL } else { service::LATER }
    }

    pub(super) fn begin(key: Key, tag: u32, swapped: bool, id: u64, packet: &Packet<'_>, time: u64) -> Self {
        let by_ports = looks_like_answer(packet.transport, packet.ports);
        let (answer, tries, anything) = match packet.upper {
            Upper::Tcp(tcp) if tcp.flags.any(TcpFlags::SYN) => {
                (tcp.flags.any(TcpFlags::ACK), LATER_TRIES, false)
            }
            Upper::Tcp(_) => (by_ports, MIDSTREAM_TRIES, true),
            _ => (by_ports, DATAGRAM_TRIES, true),
        };
        let mut flags = Flags::default();
        let mut history = History::default();
        if swapped != answer {
            flags.set(Flags::SWAPPED);
        }
        if answer {
            history.add_flip();
        }
        let next = match packet.upper {
            Upper::Icmp { kind, code } => [u32::from(kind), u32::from(code)],
            _ => [0; 2],
        };
        Self {
            key,
            tag,
            last: time,
            last_packet: 0,
            packets: [0; 2],
            bytes: [0; 2],
            next,
            acked: [0; 2],
            first_seq: [0; 2],
            flags,
            history,
            stage: Stage::Active,
            analysis: None,
            start: time,
            id,
            macs: [None; 2],
            missed: 0,
            reported: 0,
            weirds: 0,
            tries,
            anything,
            service: None,
        }
    }

    pub(super) fn see_macs(&mut self, direction: Direction, macs: [Option<[u8; 6]>; 2]) {
        let way = direction.index();
        self.macs[way] = macs[0].or(self.macs[way]);
        self.macs[1 - way] = self.macs[1 - way].or(macs[1]);
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.history.has_both(Act::Fin) || self.history.has_any(Act::Reset)
    }

    /// How long after its last packet a flow in this state ends.
    pub(super) fn timeout(&self, timeouts: &Timeouts) -> u64 {
        match self.transport() {
            Transport::TCP if self.is_closed() => timeouts.tcp_closed,
            Transport::TCP if self.history.has_any(Act::Fin) => timeouts.tcp_closing,
            Transport::TCP if self.packets[0] > 0 && self.packets[1] > 0 => timeouts.tcp_established,
            Transport::TCP if self.history.has_any(Act::Data) => timeouts.tcp_established,
            Transport::TCP => timeouts.tcp_opening,
            Transport::UDP => timeouts.udp,
            Transport::ICMP | Transport::ICMP6 => timeouts.icmp,
            _ => timeouts.other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_keeps_the_first_of_each() {
        let mut history = History::default();
        for (direction, act) in [
            (Direction::ToServer, Act::Syn),
            (Direction::ToClient, Act::SynAck),
            (Direction::ToServer, Act::Data),
            (Direction::ToServer, Act::Data),
            (Direction::ToClient, Act::Fin),
        ] {
            history.add(direction, act);
        }
        assert_eq!(history.text(), b"ShDf");
        assert!(history.has(Direction::ToClient, Act::Fin) && !history.has_both(Act::Fin));
    }

    #[test]
    fn hot_part_is_small() {
        assert!(size_of::<Flow>() <= 264, "{}", size_of::<Flow>());
    }
}
