//! One worker's path: frame, packet, flow, protocol, event.

use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::counters::Counters;
use crate::decode::sctp_chunks;
use crate::decode::{
    Checksum, Drop, Found, Fragment, Packet, Upper, checksum, decode_into, decode_transport,
};
use crate::dispatch::{Part, Telling};
use crate::flow::evidence::Ring;
use crate::flow::frag::{self, Fragments, Outcome};
use crate::flow::key::KeyHasher;
use crate::flow::table::{Env, FlowTable, Spoke};
use crate::flow::{Evidence, Limits, PinId, Shared, enabled};
use crate::limits::{self, Limit};
use crate::messages::{EventKind, FlowInfo, Frame, Sink, Transport};
use crate::offload::Offload;
use crate::packets;

/// What a worker is told at its start.
#[derive(Clone, Debug)]
pub struct WireConfig {
    /// Limits of flows, streams and fragments.
    pub limits: Limits,
    /// Kinds of events that anybody wants: protocols of other kinds are not looked for.
    pub kinds: Vec<EventKind>,
    /// Flows are looked at for sizes, gaps and entropy ([`crate::flow::features::FEATURES`]).
    pub features: bool,
    /// Every packet is an event ([`crate::packets`]).
    pub packets: bool,
    /// Bytes of the evidence ring; 0 keeps no packets.
    pub evidence_bytes: usize,
    /// A parser fails on every so manieth frame (a drill); 0 is never.
    pub panic_every: u64,
    /// Check the checksums of IP, TCP, UDP and ICMP: wrong ones are counted, nothing is dropped.
    pub checksums: bool,
    /// Others see frames too: what only all frames together show is told by who sees them all.
    pub is_shared: bool,
    /// Limits of the readers that shall bite (a drill).
    pub low: Vec<&'static Limit>,
}

impl Default for WireConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            kinds: EventKind::ALL.to_vec(),
            features: false,
            packets: false,
            evidence_bytes: 0,
            panic_every: 0,
            checksums: false,
            is_shared: false,
            low: Vec::new(),
        }
    }
}

/// Names of the budgets that can be made to bite, and what then happens; each [`Limit`] can too, by its own name.
pub const SIMULATIONS: &[(&str, &str)] = &[
    ("flows", "the flow table holds 16 flows"),
    ("fragments", "one datagram at a time can be put together"),
    ("fragment-bytes", "the fragments of all datagrams together hold 64 bytes"),
    ("segments", "no early TCP segment of a flow is kept"),
    ("segment-bytes", "the early TCP segments of all flows together hold nothing"),
    ("parsers", "the parsers of all flows together hold 8 KiB at most"),
    ("evidence", "the ring of packets holds 256 bytes"),
    ("panic", "every 1000th frame fails in its analysis"),
];

impl WireConfig {
    /// Makes a limit bite; false where there is none of that name.
    pub fn simulate(&mut self, name: &str) -> bool {
        match name {
            "flows" => self.limits.flows = 16,
            "fragments" => self.limits.fragment_datagrams = 1,
            "fragment-bytes" => self.limits.fragment_bytes = 64,
            "segments" => self.limits.stream_bytes_per_flow = 0,
            "segment-bytes" => self.limits.stream_bytes = 0,
            "parsers" => self.limits.parser_bytes = 8 << 10,
            "evidence" => self.evidence_bytes = 256,
            "panic" => self.panic_every = 1000,
            _ => return limits::by_name(name).map(|limit| self.low.push(limit)).is_some(),
        }
        true
    }

    /// One of so many workers' share of it: all together hold what one alone would.
    #[must_use]
    pub fn share(mut self, of: usize) -> Self {
        let of = of.max(1);
        let Limits { flows, stream_bytes, parser_bytes, .. } = self.limits;
        self.limits.flows = flows.div_ceil(of);
        self.limits.stream_bytes = stream_bytes / of;
        self.limits.parser_bytes = parser_bytes / of;
        self.evidence_bytes /= of;
        self.is_shared = of > 1;
        self
    }
}

/// Anomalies of frames that never reached a flow, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    (
        "checksum_offload",
        "Nearly all wrong checksums come from one address: the capture runs on that host, whose network card makes them",
    ),
    ("frame_malformed", "A frame whose headers contradict themselves"),
    ("frame_too_deep", "A frame with more layers than the limit"),
];

/// Weird events a second of packet time that belong to no flow; the rest is only counted.
const LOOSE_WEIRDS: u32 = 10;

/// One worker: give it frames in the order of their capture, it gives events to a sink.
#[derive(Debug)]
pub struct Wire {
    config: WireConfig,
    table: FlowTable,
    fragments: Fragments,
    ring: Ring,
    counters: Counters,
    /// Number of the newest frame in the source.
    number: u64,
    /// The newest packet time.
    now: u64,
    /// The flow of the newest packet.
    current: Option<(u64, u32)>,
    /// The time of the packet or the clock at hand; it may step back.
    time: u64,
    spoke: Vec<Spoke>,
    shared: Shared,
    /// True where `spoke` is in the order of flow numbers.
    is_sorted: bool,
    loose_second: u64,
    loose_weirds: u32,
    offload: Offload,
}

/// Flows that one call of `prepare`, `tick_some` or `finish_some` looks at.
const PORTION: usize = 256;

/// What became of a frame.
enum Fate {
    Analysed,
    FragmentPending,
    Dropped(Drop),
}

impl Wire {
    /// A worker with empty tables. Limits of the readers are the process's: those that its configuration lowers are low
    /// from now on, and no others.
    #[must_use]
    pub fn new(config: WireConfig) -> Self {
        let hasher = KeyHasher::random();
        limits::drill(&config.low);
        let limits =
            frag::Limits { datagrams: config.limits.fragment_datagrams, bytes: config.limits.fragment_bytes };
        let kinds = enabled(|kind| config.kinds.contains(&kind));
        let fragments = Fragments::new(limits, hasher.state());
        let mut table = FlowTable::new(config.limits, kinds, hasher);
        table.features.switch(config.features);
        Self {
            fragments,
            table,
            ring: Ring::new(config.evidence_bytes),
            counters: Counters::default(),
            number: 0,
            now: 0,
            current: None,
            time: 0,
            spoke: Vec::new(),
            shared: Shared::default(),
            is_sorted: false,
            loose_second: 0,
            loose_weirds: 0,
            offload: Offload::default(),
            config,
        }
    }

    /// Takes one frame. Events come out before it returns; after it, [`pin`](Self::pin) can keep their packets.
    pub fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        self.numbered(self.number + 1, frame, Part::Frame, sink);
    }

    /// As [`frame`](Self::frame), of a frame that has that number in the source, from 1; numbers only grow. `part` is
    /// what became of it where fragments are put together elsewhere.
    pub fn numbered(&mut self, number: u64, frame: &Frame<'_>, part: Part<'_>, sink: &mut dyn Sink) {
        self.number = number;
        self.counters.frames += 1;
        self.counters.frame_bytes += u64::from(frame.wire_len);
        self.begin(frame.time);
        let fate = catch_unwind(AssertUnwindSafe(|| self.analyse(frame, part, sink)));
        match fate {
            Ok(Fate::Analysed) => self.counters.analysed += 1,
            Ok(Fate::FragmentPending) => self.counters.drop_fragment_pending += 1,
            Ok(Fate::Dropped(why)) => {
                why.count(&mut self.counters);
                self.guard(|wire| wire.dropped(why, frame, sink));
            }
            Err(_) => {
                self.counters.drop_panic += 1;
                self.failed();
            }
        }
        self.keep_failures();
    }

    /// Ends flows that are due at the time of the next frame, a portion of them; false where some are left, so that
    /// what they say can be handed out before the frame is taken.
    pub fn prepare(&mut self, time: u64, sink: &mut dyn Sink) -> bool {
        !self.table.has_due(time) || self.advance(time, 1, PORTION, sink)
    }

    /// True where a frame of that time makes [`prepare`](Self::prepare) end flows.
    #[inline]
    #[must_use]
    pub fn is_due(&self, time: u64) -> bool {
        self.table.has_due(time)
    }

    /// A frame of that number and time is another worker's: as [`prepare`](Self::prepare), and its time has come here
    /// too.
    pub fn pass(&mut self, number: u64, time: u64, sink: &mut dyn Sink) -> bool {
        self.number = number - 1;
        let is_done = self.prepare(time, sink);
        if is_done {
            self.number = number;
            self.now = self.now.max(time);
        }
        is_done
    }

    /// Tells of a frame that another worker may have.
    pub fn tell(&mut self, number: u64, frame: &Frame<'_>, telling: Telling, sink: &mut dyn Sink) {
        self.number = number;
        self.begin(frame.time);
        self.guard(|wire| {
            let mut packet = Packet::EMPTY;
            let packet = decode_into(&mut packet, frame).is_ok().then_some(&packet);
            if telling.offload {
                wire.loose_weird("frame", "checksum_offload", packet, frame, sink);
            }
            if telling.overlap {
                wire.loose_weird("ip", "fragment_overlap", packet, frame, sink);
            }
        });
    }

    /// Tells the time where no packets come, so that flows end (nanoseconds since the epoch, of the packets' clock).
    pub fn tick(&mut self, now: u64, sink: &mut dyn Sink) {
        self.advance(now, 0, usize::MAX, sink);
    }

    /// As [`tick`](Self::tick), a portion of the flows; false where some are left.
    pub fn tick_some(&mut self, now: u64, sink: &mut dyn Sink) -> bool {
        self.advance(now, 0, PORTION, sink)
    }

    /// The source has ended: every flow is told of and every pin is complete.
    pub fn finish(&mut self, sink: &mut dyn Sink) {
        self.begin(self.now);
        while !self.end_flows(usize::MAX, sink) {}
    }

    /// As [`finish`](Self::finish), a portion of the flows; false where some are left.
    pub fn finish_some(&mut self, sink: &mut dyn Sink) -> bool {
        self.begin(self.now);
        self.end_flows(PORTION, sink)
    }

    fn end_flows(&mut self, most: usize, sink: &mut dyn Sink) -> bool {
        let (mut env, table, fragments) = self.parts(self.now, sink);
        env.counters.fragments_expired += fragments.give_up();
        let done = catch_unwind(AssertUnwindSafe(|| table.finish_some(most, &mut env)));
        let is_done = done.unwrap_or_else(|_| {
            self.failed();
            true
        });
        self.keep_failures();
        self.counters.parser_limit += limits::take_loose();
        if is_done {
            self.ring.finish_all();
            self.shared = Shared::default();
        }
        is_done
    }

    fn advance(&mut self, time: u64, ahead: u64, most: usize, sink: &mut dyn Sink) -> bool {
        self.begin(time);
        let (mut env, table, _) = self.parts(time, sink);
        env.packet += ahead;
        let done = catch_unwind(AssertUnwindSafe(|| table.advance_some(most, &mut env)));
        let is_done = done.unwrap_or_else(|_| {
            self.failed();
            true
        });
        self.now = self.now.max(time);
        self.ring.advance(time);
        self.flows_over();
        self.keep_failures();
        is_done
    }

    fn begin(&mut self, time: u64) {
        self.time = time;
        self.current = None;
        self.spoke.clear();
        self.is_sorted = false;
    }

    /// Looks for protocols of these kinds from the next flow on.
    pub fn set_kinds(&mut self, kinds: Vec<EventKind>) {
        self.table.enabled = enabled(|kind| kinds.contains(&kind));
        self.config.kinds = kinds;
    }

    /// Looks at flows for sizes, gaps and entropy from the next flow on; no more only where the configuration does not
    /// want it.
    pub fn set_features(&mut self, is_on: bool) {
        self.table.features.switch(is_on || self.config.features);
    }

    /// Makes every packet an event from the next one on, or none.
    pub const fn set_packets(&mut self, is_on: bool) {
        self.config.packets = is_on;
    }

    /// Named counters since the start.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Live flows.
    #[must_use]
    pub const fn flows(&self) -> usize {
        self.table.len()
    }

    /// Bytes that the flow table holds, streams and parsers apart.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        self.table.size()
    }

    /// Bytes that the protocol parsers of all flows hold, what they share included.
    #[must_use]
    pub const fn parser_bytes(&self) -> usize {
        self.table.parser_bytes() + self.shared.held()
    }

    /// Keeps the packets of a flow that gave an event since the last call of `frame`, `tick` or `finish` began: its
    /// first 16, up to 16 before now and up to 8 after. `None` where no ring runs or its packets are gone.
    pub fn pin(&mut self, flow: u64) -> Option<PinId> {
        let current = self.current.filter(|(id, _)| *id == flow).map(|(_, slot)| (slot, false));
        let (slot, is_over) = current.or_else(|| self.last_spoke(flow))?;
        let pin = self.ring.pin(slot, flow, self.time, is_over, false);
        self.count_evidence();
        pin
    }

    /// Slot of a flow that spoke, and whether it is over by now.
    fn last_spoke(&mut self, flow: u64) -> Option<(u32, bool)> {
        if !std::mem::replace(&mut self.is_sorted, true) {
            self.spoke.sort_by_key(|spoke| spoke.id);
        }
        let after = self.spoke.partition_point(|spoke| spoke.id <= flow);
        let last = self.spoke.get(after.checked_sub(1)?).filter(|spoke| spoke.id == flow)?;
        Some((last.slot, last.is_over))
    }

    /// True where evidence is complete.
    #[must_use]
    pub fn has_evidence(&self) -> bool {
        self.ring.has_finished()
    }

    /// Completes the evidence that waits for later packets.
    pub fn complete_evidence(&mut self) {
        self.ring.finish_all();
    }

    fn count_evidence(&mut self) {
        let tally = self.ring.tally;
        self.counters.evidence_refused = tally.refused;
        self.counters.evidence_cut = tally.cut;
        self.counters.evidence_gone = tally.gone;
    }

    /// Evidence that is complete, oldest first: 8 later packets came, a second passed, or the flow is over.
    pub fn take_evidence(&mut self) -> Vec<Evidence> {
        self.count_evidence();
        self.ring.take()
    }

    fn analyse(&mut self, frame: &Frame<'_>, part: Part<'_>, sink: &mut dyn Sink) -> Fate {
        let mut packet = Packet::EMPTY;
        let decoded = decode_into(&mut packet, frame);
        self.now = self.now.max(frame.time);
        if self.table.has_due(frame.time) {
            self.end_due(frame.time, sink);
        }
        if self.ring.is_on() {
            self.ring.advance(frame.time);
            self.flows_over();
        }
        if self.config.checksums && matches!(decoded, Ok(Found::Ip)) {
            self.check(&packet, frame, sink);
        }
        match decoded {
            Ok(Found::Ip) => match packet.upper {
                Upper::Fragment(place) => match part {
                    Part::Frame => self.fragment(&packet, place, frame, sink),
                    Part::Pending => Fate::FragmentPending,
                    Part::Whole(transport, payload) => self.whole(&packet, transport, payload, frame, sink),
                },
                Upper::Sctp => {
                    self.count_chunks(&packet);
                    self.packet(&packet, frame, sink)
                }
                _ => self.packet(&packet, frame, sink),
            },
            Ok(Found::Arp(_)) => Fate::Analysed,
            Err(why) => Fate::Dropped(why),
        }
    }

    #[inline(never)]
    fn end_due(&mut self, time: u64, sink: &mut dyn Sink) {
        let (mut env, table, _) = self.parts(time, sink);
        table.advance_some(usize::MAX, &mut env);
    }

    #[cold]
    fn count_chunks(&mut self, packet: &Packet<'_>) {
        let (chunks, whole) = sctp_chunks(packet.payload);
        self.counters.sctp_chunks += chunks;
        self.counters.sctp_malformed += u64::from(!whole && packet.payload_missing == 0);
    }

    /// Counts wrong checksums, and tells once where one sender has nearly all of them.
    #[cold]
    fn check(&mut self, packet: &Packet<'_>, frame: &Frame<'_>, sink: &mut dyn Sink) {
        let found = checksum(frame.data, packet);
        match found {
            Checksum::Wrong => self.counters.checksum_wrong += 1,
            Checksum::Offloaded => self.counters.checksum_offloaded += 1,
            Checksum::Right | Checksum::Untold => return,
        }
        if !self.config.is_shared && self.offload.note(packet.src, found) {
            self.loose_weird("frame", "checksum_offload", Some(packet), frame, sink);
        }
    }

    #[inline]
    fn packet(&mut self, packet: &Packet<'_>, frame: &Frame<'_>, sink: &mut dyn Sink) -> Fate {
        let drill = self.config.panic_every;
        let (mut env, table, _) = self.parts(frame.time, sink);
        let slot = table.packet(packet, &mut env);
        if drill > 0 && env.packet % drill == 0 {
            table.quarantine(slot, &mut env);
        }
        let id = table.id(slot);
        self.current = Some((id, slot));
        if self.ring.is_on() {
            self.ring.record(slot, id, frame);
        }
        if self.config.packets {
            self.tell_packet(packet, slot, frame.time, sink);
        }
        Fate::Analysed
    }

    #[cold]
    fn tell_packet(&mut self, packet: &Packet<'_>, slot: u32, time: u64, sink: &mut dyn Sink) {
        let (mut env, table, _) = self.parts(time, sink);
        packets::tell(packet, &table.info(slot), &mut env);
    }

    fn fragment(
        &mut self,
        packet: &Packet<'_>,
        place: Fragment,
        frame: &Frame<'_>,
        sink: &mut dyn Sink,
    ) -> Fate {
        let (outcome, findings) = self.fragments.take(packet, place, frame.time);
        self.counters.fragments_expired += findings.expired;
        self.counters.fragments_evicted += findings.evicted;
        if findings.conflict {
            self.loose_weird("ip", "fragment_overlap", Some(packet), frame, sink);
        }
        match outcome {
            Outcome::Whole(transport, payload) => self.whole(packet, transport, &payload, frame, sink),
            Outcome::Pending => Fate::FragmentPending,
        }
    }

    /// A datagram that `last` of its fragments has completed.
    fn whole(
        &mut self,
        last: &Packet<'_>,
        transport: Transport,
        payload: &[u8],
        frame: &Frame<'_>,
        sink: &mut dyn Sink,
    ) -> Fate {
        let mut first = *last;
        first.transport = transport;
        match decode_transport(&first, payload) {
            Ok(whole) => self.packet(&whole, frame, sink),
            Err(why) => Fate::Dropped(why),
        }
    }

    /// The parts that the flow table works with.
    fn parts<'a>(
        &'a mut self,
        time: u64,
        sink: &'a mut dyn Sink,
    ) -> (Env<'a>, &'a mut FlowTable, &'a mut Fragments) {
        let packet = self.number;
        let (counters, shared, spoke) = (&mut self.counters, &mut self.shared, &mut self.spoke);
        let env = Env { counters, sink, shared, time, packet, spoke };
        (env, &mut self.table, &mut self.fragments)
    }

    #[cold]
    fn dropped(&mut self, why: Drop, frame: &Frame<'_>, sink: &mut dyn Sink) {
        let name = match why {
            Drop::Malformed => "frame_malformed",
            Drop::Depth => "frame_too_deep",
            Drop::Truncated | Drop::LinkUnknown | Drop::EthertypeUnknown => return,
        };
        self.loose_weird("frame", name, None, frame, sink);
    }

    /// An anomaly that belongs to no flow: counted always, told at most so often.
    fn loose_weird(
        &mut self,
        protocol: &'static str,
        name: &'static str,
        packet: Option<&Packet<'_>>,
        frame: &Frame<'_>,
        sink: &mut dyn Sink,
    ) {
        let second = frame.time / 1_000_000_000;
        if std::mem::replace(&mut self.loose_second, second) != second {
            self.loose_weirds = 0;
        }
        self.loose_weirds = self.loose_weirds.saturating_add(1);
        if self.loose_weirds > LOOSE_WEIRDS {
            self.counters.weird += 1;
            return;
        }
        let info = no_flow(packet, frame);
        let (mut env, _, _) = self.parts(frame.time, sink);
        env.context(&info, true).weird(protocol, name, b"");
    }

    /// Something other than a parser failed: the tables may be half changed, so they begin anew.
    #[cold]
    fn failed(&mut self) {
        self.counters.panics += 1;
        self.counters.flows_evicted += self.table.len() as u64;
        self.counters.fragments_evicted += self.fragments.give_up();
        self.table.reset(KeyHasher::random());
        self.shared = Shared::default();
    }

    /// Runs what touches no table, so that nothing begins anew where it fails.
    #[cold]
    fn guard(&mut self, run: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| run(self))).is_err() {
            self.counters.panics += 1;
        }
    }

    /// The last packets of flows whose parser failed are kept as a case.
    #[inline]
    fn keep_failures(&mut self) {
        if self.table.quarantined.is_empty() {
            return;
        }
        let failed = std::mem::take(&mut self.table.quarantined);
        self.guard(|wire| {
            for (slot, flow) in failed {
                wire.ring.pin(slot, flow, wire.time, true, true);
            }
        });
    }

    fn flows_over(&mut self) {
        for spoke in self.spoke.iter().filter(|spoke| spoke.is_over) {
            self.ring.flow_over(spoke.id);
        }
    }
}

/// Number 0 is no flow; addresses are those of the packet at hand, unspecified where there are none.
fn no_flow(packet: Option<&Packet<'_>>, frame: &Frame<'_>) -> FlowInfo {
    let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    FlowInfo {
        ip: packet.map_or([nowhere; 2], Packet::ips),
        port: [0; 2],
        transport: packet.map_or(Transport(0), |packet| packet.transport),
        vlan: packet.map_or([None; 2], |packet| packet.vlan),
        tunnel: packet.map_or(0, |packet| packet.tunnel),
        start: frame.time,
        last: frame.time,
        packets: [1, 0],
        bytes: [u64::from(frame.wire_len), 0],
        id: 0,
    }
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
