//! Which of several workers takes a frame.
//!
//! A worker has all packets between two hosts, by their innermost addresses: so it has each flow whole and both ways, an
//! FTP session with its data connections, and what fragments and tunnels carry. DHCP, whose exchanges run between changing
//! addresses, and what reaches no flow are the first worker's. Fragments are put together here, since only the whole
//! shows whose it is. The choice is the same in every run.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::counters::Counters;
use crate::decode::{
    Ends, Found, Fragment, IpVersion, Packet, Upper, checksum, decode_into, decode_transport, ends,
};
use crate::flow::frag::{self, Findings, Fragments, Outcome};
use crate::flow::key::KeyHasher;
use crate::flow::timers::{STEP_BACK, TICK};
use crate::messages::{Frame, Transport};
use crate::offload::Offload;
use crate::pipeline::WireConfig;
use crate::proto::dhcp;

/// What became of a frame on its way to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Nothing: it is as it was captured, and a fragment finds the others at the worker.
    Frame,
    /// A fragment; others are missing.
    Pending,
    /// The last fragment of a datagram: transport of the first, and the payload.
    Whole(Transport, &'a [u8]),
}

/// [`Part`] that owns its datagram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OwnedPart {
    /// As [`Part::Frame`].
    #[default]
    Frame,
    /// As [`Part::Pending`].
    Pending,
    /// As [`Part::Whole`].
    Whole(Transport, Vec<u8>),
}

impl OwnedPart {
    /// As a worker takes it.
    #[must_use]
    pub fn part(&self) -> Part<'_> {
        match self {
            Self::Frame => Part::Frame,
            Self::Pending => Part::Pending,
            Self::Whole(transport, payload) => Part::Whole(*transport, payload),
        }
    }
}

/// Where a frame goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The worker, from 0.
    pub worker: usize,
    /// What it gets beside the frame.
    pub part: OwnedPart,
    /// What the first worker tells of the frame, whoever has it.
    pub telling: Telling,
}

/// What the frames of all workers together show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Telling {
    /// The frame contradicts other fragments.
    pub overlap: bool,
    /// With this frame, nearly all wrong checksums are one sender's.
    pub offload: bool,
}

/// Chooses workers; takes every frame of a source in its order.
#[derive(Debug)]
pub struct Dispatcher {
    workers: u64,
    fragments: Fragments,
    counters: Counters,
    /// Who sends wrong checksums, where they are checked.
    offload: Option<Offload>,
    /// The workers' clock, in ticks.
    now: u64,
}

impl Dispatcher {
    /// For so many workers; the configuration is that of all together.
    #[must_use]
    pub fn new(workers: usize, config: &WireConfig) -> Self {
        let limits = &config.limits;
        let limits = frag::Limits { datagrams: limits.fragment_datagrams, bytes: limits.fragment_bytes };
        Self {
            workers: workers.max(1) as u64,
            fragments: Fragments::new(limits, KeyHasher::random().state()),
            counters: Counters::default(),
            offload: config.checksums.then(Offload::default),
            now: 0,
        }
    }

    /// Counters of fragments.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Chooses the worker of a frame. One that cannot be looked at is left to the first worker, which counts it.
    #[inline]
    pub fn route(&mut self, frame: &Frame<'_>) -> Route {
        catch_unwind(AssertUnwindSafe(|| self.look(frame))).unwrap_or_default()
    }

    /// True where a frame of that time brings the workers' flow tables something to do, whoever takes it.
    #[inline]
    pub fn ticks(&mut self, time: u64) -> bool {
        let tick = time / TICK;
        let is_new = tick > self.now || tick + STEP_BACK < self.now;
        if is_new {
            self.now = tick;
        }
        is_new
    }

    /// The source has ended: datagrams that wait for fragments are given up.
    pub fn finish(&mut self) {
        self.counters.fragments_expired += self.fragments.give_up();
    }

    #[inline]
    fn look(&mut self, frame: &Frame<'_>) -> Route {
        match ends(frame) {
            Some(ends) if self.offload.is_none() => Route { worker: self.worker(&ends), ..Route::default() },
            _ => self.decoded(frame),
        }
    }

    #[inline(never)]
    fn decoded(&mut self, frame: &Frame<'_>) -> Route {
        let mut packet = Packet::EMPTY;
        match decode_into(&mut packet, frame) {
            Ok(Found::Ip) => {
                let mut route = match packet.upper {
                    Upper::Fragment(place) => self.fragment(&packet, place, frame),
                    _ => Route { worker: self.worker(&packet.ends()), ..Route::default() },
                };
                route.telling.offload = self.is_offload(&packet, frame);
                route
            }
            Ok(Found::Arp(_)) | Err(_) => Route::default(),
        }
    }

    #[inline]
    fn is_offload(&mut self, packet: &Packet<'_>, frame: &Frame<'_>) -> bool {
        self.offload.as_mut().is_some_and(|offload| offload.note(packet.src, checksum(frame.data, packet)))
    }

    #[cold]
    fn fragment(&mut self, packet: &Packet<'_>, place: Fragment, frame: &Frame<'_>) -> Route {
        let (outcome, findings) = self.fragments.take(packet, place, frame.time);
        let Findings { expired, evicted, conflict } = findings;
        let telling = Telling { overlap: conflict, ..Telling::default() };
        self.counters.fragments_expired += expired;
        self.counters.fragments_evicted += evicted;
        let Outcome::Whole(transport, payload) = outcome else {
            return Route { part: OwnedPart::Pending, telling, ..Route::default() };
        };
        let mut first = *packet;
        first.transport = transport;
        let whole = decode_transport(&first, &payload);
        let worker = whole.map_or(0, |whole| self.worker(&whole.ends()));
        Route { worker, part: OwnedPart::Whole(transport, payload), telling }
    }

    #[inline]
    fn worker(&self, ends: &Ends) -> usize {
        if ends.transport == Transport::UDP && dhcp::is_port(ends.ports) {
            return 0;
        }
        let (low, high) = (ends.src.min(ends.dst).0, ends.src.max(ends.dst).0);
        let version = u64::from(ends.version == IpVersion::V6);
        let words = [low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64];
        let hash = words
            .into_iter()
            .fold(version, |hash, word| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
        // The upper half as a fraction of the workers: even for any number of them.
        (((hash.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) * self.workers) >> 32) as usize
    }
}

#[cfg(test)]
#[path = "dispatch_tests.rs"]
mod tests;
