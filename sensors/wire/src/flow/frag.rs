//! IP fragments put together (RFC 791 3.2, RFC 8200 4.5).
//!
//! Policy: **the first copy of a byte wins**, as for TCP; other bytes at the same place are a `fragment_overlap`.
//! Everything is bounded: datagrams, bytes, pieces of one datagram, and packet time.

use super::limits::MAX_FRAGMENTS;
use std::collections::{HashMap, VecDeque};

use crate::decode::{Address, Fragment, IpVersion, Packet};
use crate::messages::Transport;

/// A datagram whose fragments have not all come is dropped after so long (RFC 8200 says 60 s; hosts use 30).
const TIMEOUT: u64 = 30_000_000_000;

/// Limits of the fragment table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) datagrams: usize,
    pub(crate) bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    ends: [Address; 2],
    id: u32,
    version: IpVersion,
    /// Part of the identity in IPv4 only.
    transport: u8,
    vlan: [Option<u16>; 2],
    tunnel: u64,
}

#[derive(Debug)]
struct Piece {
    from: u32,
    data: Box<[u8]>,
}

impl Piece {
    fn end(&self) -> u32 {
        self.from + self.data.len() as u32
    }
}

#[derive(Debug)]
struct Datagram {
    serial: u64,
    pieces: Vec<Piece>,
    size: usize,
    /// Length of the whole, known when the last fragment has come.
    length: Option<u32>,
    transport: Option<Transport>,
}

/// What became of a fragment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Held until the others come.
    Pending,
    /// Its datagram is whole: the transport of its first fragment and the payload.
    Whole(Transport, Vec<u8>),
}

/// Counts of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) expired: u64,
    pub(crate) evicted: u64,
    /// Other bytes at a place that was already filled, or another length.
    pub(crate) conflict: bool,
}

/// Datagrams whose fragments have not all come.
#[derive(Debug)]
pub(crate) struct Fragments {
    table: HashMap<Key, Datagram, ahash::RandomState>,
    /// In the order of their first fragments; entries of finished datagrams stay until they reach the front.
    order: VecDeque<(u64, Key, u64)>,
    limits: Limits,
    used: usize,
    serial: u64,
}

/// Cost of a piece beside its bytes.
const PIECE_OVERHEAD: usize = 48;

impl Fragments {
    pub(crate) fn new(limits: Limits, hasher: ahash::RandomState) -> Self {
        Self { table: HashMap::with_hasher(hasher), order: VecDeque::new(), limits, used: 0, serial: 0 }
    }

    #[cfg(test)]
    pub(crate) fn pending(&self) -> usize {
        self.table.len()
    }

    /// Takes a fragment with its place.
    pub(crate) fn take(&mut self, packet: &Packet<'_>, place: Fragment, time: u64) -> (Outcome, Findings) {
        let mut findings = Findings { expired: self.expire(time), ..Findings::default() };
        if packet.payload_missing > 0 {
            return (Outcome::Pending, findings);
        }
        let key = key(packet, place.id);
        self.make_room(&key, packet.payload.len() + PIECE_OVERHEAD, &mut findings);
        self.open(&key, time);
        let Some(datagram) = self.table.get_mut(&key) else {
            return (Outcome::Pending, findings);
        };
        let before = datagram.size;
        datagram.add(packet, place, &mut findings);
        self.used += datagram.size - before;
        let (full, whole) = (datagram.pieces.len() > MAX_FRAGMENTS.get(), datagram.is_whole());
        if full {
            MAX_FRAGMENTS.note();
            findings.evicted += 1;
            self.drop(&key);
        }
        (if whole && !full { self.finish(&key) } else { Outcome::Pending }, findings)
    }

    /// Every datagram that is still waiting is given up; their number.
    pub(crate) fn give_up(&mut self) -> u64 {
        let pending = self.table.len() as u64;
        self.table.clear();
        self.order.clear();
        self.used = 0;
        pending
    }

    fn expire(&mut self, time: u64) -> u64 {
        let mut expired = 0;
        while let Some((begun, key, serial)) = self.order.front().copied() {
            let is_live = self.is_live(&key, serial);
            // Both ways: a clock that was set back must not keep them for ever.
            if is_live && time.abs_diff(begun) < TIMEOUT {
                break;
            }
            self.order.pop_front();
            if is_live {
                self.drop(&key);
                expired += 1;
            }
        }
        expired
    }

    fn make_room(&mut self, key: &Key, cost: usize, findings: &mut Findings) {
        let new = usize::from(!self.table.contains_key(key));
        while self.table.len() + new > self.limits.datagrams || self.used + cost > self.limits.bytes {
            let Some((_, oldest, serial)) = self.order.pop_front() else {
                return;
            };
            if self.is_live(&oldest, serial) {
                self.drop(&oldest);
                findings.evicted += 1;
            }
        }
    }

    fn open(&mut self, key: &Key, time: u64) {
        if self.table.contains_key(key) || self.limits.datagrams == 0 || self.used >= self.limits.bytes {
            return;
        }
        self.serial += 1;
        let serial = self.serial;
        let new = Datagram { serial, pieces: Vec::new(), size: 0, length: None, transport: None };
        self.table.insert(*key, new);
        if self.order.len() > 2 * self.limits.datagrams {
            let table = &self.table;
            self.order.retain(|(_, key, serial)| table.get(key).is_some_and(|d| d.serial == *serial));
        }
        self.order.push_back((time, *key, serial));
    }

    fn is_live(&self, key: &Key, serial: u64) -> bool {
        self.table.get(key).is_some_and(|datagram| datagram.serial == serial)
    }

    fn drop(&mut self, key: &Key) -> Option<Datagram> {
        let datagram = self.table.remove(key)?;
        self.used -= datagram.size;
        Some(datagram)
    }

    fn finish(&mut self, key: &Key) -> Outcome {
        let Some(datagram) = self.drop(key) else {
            return Outcome::Pending;
        };
        let transport = datagram.transport.unwrap_or(Transport(key.transport));
        let mut payload = Vec::with_capacity(datagram.size);
        for piece in &datagram.pieces {
            payload.extend_from_slice(&piece.data);
        }
        Outcome::Whole(transport, payload)
    }
}

fn key(packet: &Packet<'_>, id: u32) -> Key {
    let transport = match packet.version {
        IpVersion::V4 => packet.transport.0,
        IpVersion::V6 => 0,
    };
    let ends = [packet.src, packet.dst];
    Key { ends, id, version: packet.version, transport, vlan: packet.vlan, tunnel: packet.tunnel }
}

impl Datagram {
    fn add(&mut self, packet: &Packet<'_>, place: Fragment, findings: &mut Findings) {
        let end = place.offset + packet.payload.len() as u32;
        if place.offset == 0 && self.transport.is_none() {
            self.transport = Some(packet.transport);
        }
        if !place.more {
            findings.conflict |= self.length.is_some_and(|length| length != end);
            self.length.get_or_insert(end);
        }
        self.fill(place.offset, packet.payload, findings);
        // Bytes beyond the end that the last fragment told contradict it.
        let past = |piece: &Piece| self.length.is_some_and(|length| piece.end() > length);
        findings.conflict |= self.pieces.last().is_some_and(past);
    }

    /// Fills holes; what lies over bytes already there is compared with them.
    fn fill(&mut self, offset: u32, payload: &[u8], findings: &mut Findings) {
        let (mut at, mut data) = (offset, payload);
        let mut i = self.pieces.partition_point(|piece| piece.end() <= at);
        while !data.is_empty() {
            let end = at + data.len() as u32;
            let (from, to) = self.pieces.get(i).map_or((end, end), |piece| (piece.from, piece.end()));
            let n = if from > at { from.min(end) - at } else { to.min(end) - at } as usize;
            let (part, rest) = data.split_at(n.min(data.len()));
            if from > at {
                self.size += part.len() + PIECE_OVERHEAD;
                self.pieces.insert(i, Piece { from: at, data: part.into() });
            } else {
                let kept = self.pieces.get(i).and_then(|piece| piece.data.get((at - from) as usize..));
                findings.conflict |= kept.is_some_and(|kept| !kept.starts_with(part));
            }
            at += n as u32;
            data = rest;
            i += 1;
        }
    }

    fn is_whole(&self) -> bool {
        let Some(length) = self.length else {
            return false;
        };
        let mut at = 0;
        self.pieces.iter().all(|piece| std::mem::replace(&mut at, piece.end()) == piece.from) && at >= length
    }
}

#[cfg(test)]
#[path = "frag_tests.rs"]
mod tests;
