//! The table of live flows: found by one look-up a packet, ended by packet time, bounded.

use super::limits::MAX_QUARANTINED;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Limits;
use super::features::{Features, Told as Looks};
use super::index::Index;
use super::key::{Key, KeyHasher};
use super::memory::Memory;
use super::reassembly::{Budget, HOLE_PATIENCE};
use super::record::{Act, Flags, Flow, Stage};
use super::report::{self, Reason};
use super::service::{Analysis, DatagramService, Datagrams, Set};
use super::shared::Shared;
use super::slab::Slab;
use super::timers::{TICK, Wheel};
use crate::counters::Counters;
use crate::decode::{Packet, TcpFlags, Upper};
use crate::messages::{Direction, FlowInfo, Sink};
use crate::proto::{Close, Context, Next, Told};

/// What the steps below a packet need beside the flow.
pub(crate) struct Env<'a> {
    pub(crate) counters: &'a mut Counters,
    pub(crate) sink: &'a mut dyn Sink,
    pub(crate) shared: &'a mut Shared,
    /// Time of the packet at hand, and its number from 1.
    pub(crate) time: u64,
    pub(crate) packet: u64,
    /// Flows other than the packet's that gave events: their evidence may be asked for.
    pub(crate) spoke: &'a mut Vec<Spoke>,
}

/// A flow that gave events while it was ended or told of the time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spoke {
    pub(crate) id: u64,
    pub(crate) slot: u32,
    pub(crate) is_over: bool,
}

impl Env<'_> {
    pub(crate) fn context<'b>(&'b mut self, info: &'b FlowInfo, one_way: bool) -> Context<'b> {
        Context {
            time: self.time,
            packet: self.packet,
            flow: info,
            one_way,
            cut: false,
            from_start: [true; 2],
            told: None,
            shared: self.shared,
            counters: self.counters,
            sink: self.sink,
        }
    }
}

/// The table.
#[derive(Debug)]
pub(crate) struct FlowTable {
    pub(super) flows: Slab<Flow>,
    index: Index,
    pub(super) wheel: Wheel,
    hasher: KeyHasher,
    pub(super) limits: Limits,
    pub(super) budget: Budget,
    pub(super) memory: Memory,
    /// What flows look like from outside, where anybody asks.
    pub(crate) features: Features,
    /// Stream and datagram protocols that are looked for.
    pub(crate) enabled: [Set; 2],
    newest_id: u64,
    /// Flows to look at, out of the wheel, those begun first before the others.
    due: VecDeque<u32>,
    /// Flows that the end of the run has yet to end: number and slot.
    ending: VecDeque<(u64, u32)>,
    /// Flows whose parser panicked since the last look: slot and number.
    pub(crate) quarantined: Vec<(u32, u64)>,
}

/// Parsers hear of the time at least so often (nanoseconds of packet time).
pub(super) const PARSER_TICK: u64 = 5 * TICK;
/// A flow last seen so far ahead of the clock was seen under another clock.
const FUTURE: u64 = 600 * TICK;

impl FlowTable {
    pub(crate) fn new(limits: Limits, enabled: [Set; 2], hasher: KeyHasher) -> Self {
        let budget = Budget { total: limits.stream_bytes, per_stream: limits.stream_bytes_per_flow, used: 0 };
        Self {
            flows: Slab::new(),
            index: Index::new(),
            wheel: Wheel::new(),
            hasher,
            limits,
            budget,
            memory: Memory { total: limits.parser_bytes, used: 0, shared: 0 },
            features: Features::default(),
            enabled,
            newest_id: 0,
            due: VecDeque::new(),
            ending: VecDeque::new(),
            quarantined: Vec::new(),
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.index.len()
    }

    /// Bytes the table holds itself, without streams and parsers.
    pub(crate) fn size(&self) -> usize {
        self.flows.size() + self.index.size() + self.wheel.size()
    }

    /// Forgets every flow; numbers go on, so that none is given twice.
    pub(crate) fn reset(&mut self, hasher: KeyHasher) {
        let newest_id = self.newest_id;
        let features = Features::new(self.features.is_on());
        *self = Self { newest_id, features, ..Self::new(self.limits, self.enabled, hasher) };
    }

    pub(crate) fn id(&self, slot: u32) -> u64 {
        self.flows[slot].id
    }

    pub(crate) fn info(&self, slot: u32) -> FlowInfo {
        self.flows[slot].info()
    }

    /// Takes one packet into its flow; gives the flow's slot.
    #[inline]
    pub(crate) fn packet(&mut self, packet: &Packet<'_>, env: &mut Env<'_>) -> u32 {
        let (key, swapped) = Key::new(packet);
        let tag = self.hasher.hash(&key);
        let flows = &self.flows;
        let found = self.index.find(tag, |slot| flows[slot].key == key);
        let slot = match found.filter(|slot| !self.is_reused(*slot, swapped, packet, env)) {
            Some(slot) => slot,
            None => self.begin(key, tag, swapped, packet, env),
        };
        let flow = &mut self.flows[slot];
        let direction = flow.direction(swapped);
        let way = direction.index();
        if flow.packets[way] == 0 {
            flow.see_macs(direction, packet.macs);
        }
        flow.last = flow.last.max(env.time);
        flow.last_packet = env.packet;
        flow.packets[way] += 1;
        flow.bytes[way] += u64::from(packet.ip_len);
        if self.features.is_on() {
            self.features.note(slot, direction, packet.payload, packet.payload_missing, env.time);
        }
        match packet.upper {
            Upper::Tcp(tcp) => self.tcp(slot, direction, &tcp, packet, env),
            Upper::Udp => self.datagram(slot, direction, packet, env),
            _ => {}
        }
        slot
    }

    /// True where a packet begins another conversation between the same endpoints; the old one is ended then.
    fn is_reused(&mut self, slot: u32, swapped: bool, packet: &Packet<'_>, env: &mut Env<'_>) -> bool {
        let Upper::Tcp(tcp) = packet.upper else {
            return false;
        };
        if !tcp.flags.any(TcpFlags::SYN) {
            return false;
        }
        let flow = &self.flows[slot];
        let reused = flow.is_other_conversation(flow.direction(swapped), &tcp);
        if reused {
            self.end(slot, Reason::End, env);
        }
        reused
    }

    fn begin(&mut self, key: Key, tag: u32, swapped: bool, packet: &Packet<'_>, env: &mut Env<'_>) -> u32 {
        while self.len() >= self.limits.flows.max(1) {
            let Some(stalest) = self.wheel.stalest(&self.flows) else {
                break;
            };
            env.counters.flows_evicted += 1;
            self.end(stalest, Reason::Evicted, env);
        }
        // The packet's number: the same however many workers share the packets.
        self.newest_id = env.packet.max(self.newest_id + 1);
        env.counters.flows += 1;
        let flow = Flow::begin(key, tag, swapped, self.newest_id, packet, env.time);
        let wait = flow.timeout(&self.limits.timeouts);
        let slot = self.flows.insert(flow);
        if self.features.is_on() {
            self.features.begin(slot);
        }
        self.index.insert(tag, slot);
        self.wheel.schedule(slot, env.time.saturating_add(wait));
        if !env.shared.ftp.is_empty() && matches!(packet.upper, Upper::Tcp(_)) {
            self.tie(slot, env);
        }
        slot
    }

    fn datagram(&mut self, slot: u32, direction: Direction, packet: &Packet<'_>, env: &mut Env<'_>) {
        if packet.payload.is_empty() {
            return;
        }
        let flow = &mut self.flows[slot];
        flow.history.add(direction, Act::Data);
        if flow.stage == Stage::Idle {
            return;
        }
        if flow.analysis.is_none() && !self.find_datagram_service(slot, packet, env) {
            return;
        }
        let flow = &mut self.flows[slot];
        let (info, one_way) = (flow.info(), flow.is_one_way());
        let Some(Analysis::Datagrams(state)) = flow.analysis.as_mut() else {
            return;
        };
        let second = env.time / TICK;
        let tick = std::mem::replace(&mut state.ticked, second) != second;
        let next = guarded(|| {
            let mut cx = env.context(&info, one_way);
            cx.told = Some(&mut state.told);
            if tick {
                state.parser.tick(&mut cx);
            }
            cx.cut = packet.payload_missing > 0;
            state.parser.datagram(direction, packet.payload, &mut cx)
        });
        let held = state.held();
        let is_too_much = self.memory.renew(&mut state.account, held, env.shared);
        match next {
            Some(Next::More) if is_too_much => self.out_of_memory(slot, env),
            Some(Next::More) => {}
            Some(Next::Done | Next::Switch(_)) => self.rest(slot),
            None => self.quarantine(slot, env),
        }
    }

    fn find_datagram_service(&mut self, slot: u32, packet: &Packet<'_>, env: &mut Env<'_>) -> bool {
        let enabled = self.enabled[1];
        let flow = &mut self.flows[slot];
        let found = guarded(|| DatagramService::find(enabled, packet.payload, packet.ports));
        let Some(Some(parser)) = found else {
            flow.tries = flow.tries.saturating_sub(u8::from(!is_stun(packet.payload)));
            if flow.tries == 0 || enabled == 0 {
                flow.stage = Stage::Idle;
            }
            if found.is_none() {
                self.quarantine(slot, env);
            }
            return false;
        };
        flow.service = Some(parser.name());
        let ticked = env.time / TICK;
        flow.analysis =
            Some(Analysis::Datagrams(Box::new(Datagrams { parser, ticked, told: Told::new(), account: 0 })));
        self.wheel.hasten(slot, env.time.saturating_add(PARSER_TICK));
        true
    }

    /// True where the time brings something to do.
    #[inline]
    pub(crate) fn has_due(&self, time: u64) -> bool {
        self.wheel.is_due(time) || !self.due.is_empty()
    }

    /// Sets the clock; ends flows that are due, tells parsers of the time, writes the records of long flows: so many at
    /// most; true where none is left.
    #[inline(never)]
    pub(crate) fn advance_some(&mut self, most: usize, env: &mut Env<'_>) -> bool {
        if self.wheel.is_due(env.time) {
            self.wheel.advance(env.time, &mut self.due);
            let flows = &self.flows;
            self.due.make_contiguous().sort_by_cached_key(|slot| flows[*slot].id);
        }
        for _ in 0..most {
            let Some(slot) = self.due.pop_front() else {
                self.due.shrink_to(4096);
                return true;
            };
            self.visit(slot, env);
        }
        self.due.is_empty()
    }

    fn visit(&mut self, slot: u32, env: &mut Env<'_>) {
        let flow = &self.flows[slot];
        let deadline = flow.last.saturating_add(flow.timeout(&self.limits.timeouts));
        if deadline <= env.time || flow.last > env.time.saturating_add(FUTURE) {
            let reason = if flow.is_closed() { Reason::End } else { Reason::Timeout };
            self.end(slot, reason, env);
            return;
        }
        let age = (env.time.saturating_sub(flow.start) / TICK).min(u64::from(u32::MAX)) as u32;
        self.age_holes(slot, env);
        self.tick(slot, env);
        self.as_of_last(slot, env, |table, env| table.update(slot, age, env));
        let flow = &self.flows[slot];
        let soon = if flow.analysis.is_some() { env.time.saturating_add(PARSER_TICK) } else { deadline };
        self.wheel.schedule(slot, deadline.min(soon));
    }

    /// Tells the parser of the time.
    fn tick(&mut self, slot: u32, env: &mut Env<'_>) {
        let flow = &mut self.flows[slot];
        if flow.analysis.is_none() {
            return;
        }
        let (info, one_way, from_start) = (flow.info(), flow.is_one_way(), flow.sees_start());
        let Some(analysis) = flow.analysis.as_mut() else {
            return;
        };
        let before = env.counters.events;
        let fine = guarded(|| {
            let mut cx = env.context(&info, one_way);
            cx.from_start = from_start;
            analysis.tick(cx);
        });
        match fine {
            Some(()) => self.renew_memory(slot, env.shared),
            None => self.as_of_last(slot, env, |table, env| table.quarantine(slot, env)),
        }
        if env.counters.events != before {
            env.spoke.push(Spoke { id: info.id, slot, is_over: false });
        }
    }

    /// What a flow says while another's packet is at hand bears the time and number of its own last packet: the same
    /// in every run.
    fn as_of_last<T>(
        &mut self,
        slot: u32,
        env: &mut Env<'_>,
        run: impl FnOnce(&mut Self, &mut Env<'_>) -> T,
    ) -> T {
        let now = (env.time, env.packet);
        let flow = &self.flows[slot];
        (env.time, env.packet) = (flow.last, flow.last_packet);
        let done = run(self, env);
        (env.time, env.packet) = now;
        done
    }

    /// Gives up the holes of a flow that has fallen silent, so that what waits behind them holds no budget.
    fn age_holes(&mut self, slot: u32, env: &mut Env<'_>) {
        let (flags, last) = (self.flows[slot].flags, self.flows[slot].last);
        let silent = env.time.saturating_sub(last) >= HOLE_PATIENCE;
        let (before, id) = (env.counters.events, self.flows[slot].id);
        for direction in [Direction::ToServer, Direction::ToClient] {
            if silent && flags.get_dir(Flags::HOLDING_DIR, direction) {
                self.as_of_last(slot, env, |table, env| table.give_up_holes(slot, direction, env));
            }
        }
        if env.counters.events != before {
            env.spoke.push(Spoke { id, slot, is_over: false });
        }
    }

    /// A record of a flow that lives long, each so often.
    fn update(&mut self, slot: u32, age: u32, env: &mut Env<'_>) {
        let flow = &mut self.flows[slot];
        if age.saturating_sub(flow.reported) < self.limits.update_after {
            return;
        }
        flow.reported = age;
        record(flow, self.features.told(slot, flow.bytes).as_ref(), Reason::Update, env);
        env.spoke.push(Spoke { id: flow.id, slot, is_over: false });
    }

    /// Ends a flow: its parser gives out what is pending, its record is written, its place is free.
    pub(crate) fn end(&mut self, slot: u32, reason: Reason, env: &mut Env<'_>) {
        let flow = &self.flows[slot];
        let (id, tag) = (flow.id, flow.tag);
        let before = env.counters.events;
        self.as_of_last(slot, env, |table, env| {
            if !table.close_analysis(slot, reason.close(), env) {
                table.quarantine(slot, env);
            }
            let flow = &table.flows[slot];
            record(flow, table.features.told(slot, flow.bytes).as_ref(), reason, env);
        });
        if env.counters.events != before {
            env.spoke.push(Spoke { id, slot, is_over: true });
        }
        self.index.remove(tag, slot);
        self.wheel.unlink(slot);
        self.features.end(slot);
        self.flows.free(slot);
    }

    /// Closes a flow's parser; false where it panicked.
    pub(super) fn close_analysis(&mut self, slot: u32, why: Close, env: &mut Env<'_>) -> bool {
        let Some(analysis) = self.take_analysis(slot) else {
            return true;
        };
        self.flows[slot].stage = Stage::Idle;
        match analysis {
            Analysis::Stream(stream) => self.close_stream(slot, *stream, why, env),
            Analysis::Datagrams(mut state) => {
                let (info, one_way) = (self.flows[slot].info(), self.flows[slot].is_one_way());
                guarded(|| {
                    let mut cx = env.context(&info, one_way);
                    cx.told = Some(&mut state.told);
                    state.parser.close(why, &mut cx);
                })
                .is_some()
            }
        }
    }

    /// A parser panicked on this flow: it is not looked into any more.
    pub(crate) fn quarantine(&mut self, slot: u32, env: &mut Env<'_>) {
        env.counters.panics += 1;
        if let Some(Analysis::Stream(stream)) = self.take_analysis(slot) {
            for mut half in stream.halves {
                half.forget(&mut self.budget);
            }
        }
        let flow = &mut self.flows[slot];
        flow.stage = Stage::Idle;
        report::weird(flow, report::FlowWeird::ParserPanic, env);
        if self.quarantined.len() < MAX_QUARANTINED.get() {
            self.quarantined.push((slot, flow.id));
        } else {
            MAX_QUARANTINED.note();
        }
    }

    /// Ends so many flows at most, those begun first before the others; true where none is left.
    pub(crate) fn finish_some(&mut self, most: usize, env: &mut Env<'_>) -> bool {
        if self.ending.is_empty() {
            self.wheel.take_all(&mut self.due);
            let mut all: Vec<_> = self.due.drain(..).map(|slot| (self.flows[slot].id, slot)).collect();
            all.sort_unstable();
            self.ending = all.into();
        }
        for _ in 0..most {
            let Some((id, slot)) = self.ending.pop_front() else { break };
            // A packet that came between two calls may have ended it.
            if self.flows[slot].id == id && self.index.find(self.flows[slot].tag, |at| at == slot).is_some() {
                self.end(slot, Reason::Shutdown, env);
            }
        }
        self.ending.is_empty()
    }
}

/// Writes a flow's record; a rule that fails on it costs nothing else.
fn record(flow: &Flow, looks: Option<&Looks>, reason: Reason, env: &mut Env<'_>) {
    if guarded(|| report::write(flow, looks, reason, env)).is_none() {
        env.counters.panics += 1;
    }
}

/// Runs a parser; `None` where it panicked. What it had borrowed of the flow is dropped by the caller then.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

impl Analysis {
    fn tick<'a>(&'a mut self, mut cx: Context<'a>) {
        let second = cx.time / TICK;
        match self {
            Self::Stream(stream) => {
                stream.ticked = second;
                cx.told = Some(&mut stream.told);
                if let super::service::App::Running(service) = &mut stream.app {
                    service.tick(&mut cx);
                }
            }
            Self::Datagrams(state) => {
                state.ticked = second;
                cx.told = Some(&mut state.told);
                state.parser.tick(&mut cx);
            }
        }
    }
}

/// True for a STUN message (RFC 8489 5). Before DTLS both sides look for a way with any number of them (RFC 7983).
fn is_stun(payload: &[u8]) -> bool {
    matches!(payload, [0..4, _, _, _, 0x21, 0x12, 0xa4, 0x42, ..])
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
