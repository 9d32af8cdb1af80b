//! TCP: state and sequence numbers of a flow, and its streams on their way to a parser (RFC 9293).

use super::reassembly::{Arrival, Budget, Findings, Half};
use super::record::{Act, Flags, Flow, Stage};
use super::report::{self, FlowWeird};
use super::service::{self, Analysis, App, Feed, Probing, Set, Stream, StreamService};
use super::table::{Env, FlowTable, PARSER_TICK, guarded};
use super::timers::TICK;
use crate::decode::{Packet, Tcp, TcpFlags};
use crate::messages::Direction;
use crate::proto::Close;
use crate::proto::ftp::FtpData;

/// A reset counts when it lies so near to what comes next.
const RESET_WINDOW: u32 = 1 << 20;

impl FlowTable {
    #[inline]
    pub(super) fn tcp(
        &mut self,
        slot: u32,
        direction: Direction,
        tcp: &Tcp,
        packet: &Packet<'_>,
        env: &mut Env<'_>,
    ) {
        let flow = &mut self.flows[slot];
        let payload = packet.payload;
        let seq = flow.track(direction, tcp, !payload.is_empty());
        if payload.is_empty() && packet.payload_missing == 0 {
            if flow.flags.get_dir(Flags::HOLDING_DIR, direction.flip()) {
                self.holes(slot, direction.flip(), env);
            }
        } else {
            flow.history.add(direction, Act::Data);
            self.payload(slot, direction, seq, packet, env);
        }
        if tcp.flags.any(TcpFlags::FIN | TcpFlags::RST) {
            let end = seq.wrapping_add(payload.len() as u32).wrapping_add(packet.payload_missing);
            self.closing(slot, direction, tcp, end, env);
        }
    }

    /// A segment with payload: to the parser, to the probes, or only counted.
    fn payload(&mut self, slot: u32, direction: Direction, seq: u32, packet: &Packet<'_>, env: &mut Env<'_>) {
        let flow = &mut self.flows[slot];
        if flow.stage == Stage::Idle
            || (flow.analysis.is_none() && !self.wants(slot, direction, seq, packet, env))
        {
            let end = seq.wrapping_add(packet.payload.len() as u32).wrapping_add(packet.payload_missing);
            self.flows[slot].count_only(direction, end);
            return;
        }
        let at = Arrival { seq, time: env.time, acked: self.flows[slot].acked_by(direction.flip()) };
        let missing = packet.payload_missing;
        self.stream(slot, direction, env, |half, next, budget, feed| {
            let findings = half.segment(next, at, packet.payload, budget, feed);
            // What the capture cut off is a gap that need not be waited for.
            let seen = at.seq.wrapping_add(packet.payload.len() as u32);
            if missing > 0 && *next == seen {
                half.skip_cut(next, seen.wrapping_add(missing), budget, feed);
            }
            findings
        });
    }

    /// Whether a flow that has no parser yet needs one for this segment; a first segment in order that fits nothing
    /// is dealt with here, without any state.
    fn wants(
        &mut self,
        slot: u32,
        direction: Direction,
        seq: u32,
        packet: &Packet<'_>,
        env: &mut Env<'_>,
    ) -> bool {
        let enabled = self.enabled[0];
        let flow = &mut self.flows[slot];
        if service::is_socks(packet.payload) {
            flow.anything = true;
        }
        if flow.flags.get_dir(Flags::RULED_OUT_DIR, direction) || packet.payload.is_empty() {
            return false;
        }
        if seq == flow.next[direction.index()] {
            let Some((found, left)) =
                guarded(|| service::probe(flow.sought(direction, enabled), packet.payload, direction))
            else {
                self.quarantine(slot, env);
                return false;
            };
            if found.is_none() && left == 0 {
                flow.rule_out(direction);
                return false;
            }
        }
        flow.flags.set(Flags::ASSEMBLED);
        let left = [Direction::ToServer, Direction::ToClient].map(|way| flow.sought(way, enabled));
        let again = enabled & flow.again();
        let app = App::Probing(Probing { left, again, tries: flow.tries, ..Probing::default() });
        flow.analysis = Some(Analysis::Stream(Box::new(Stream::new(app, env.time))));
        true
    }

    /// A connection that another has announced has its parser from the start.
    #[cold]
    pub(super) fn tie(&mut self, slot: u32, env: &mut Env<'_>) {
        let flow = &mut self.flows[slot];
        let info = flow.info();
        let ends = (info.ip, info.port[1]);
        if flow.analysis.is_some() || !env.shared.ftp.claim(&ends, env.time) {
            return;
        }
        let service = StreamService::FtpData(FtpData::new(ends));
        flow.service = Some(service.name());
        flow.flags.set(Flags::ASSEMBLED);
        flow.analysis = Some(Analysis::Stream(Box::new(Stream::new(App::Running(service), env.time))));
    }

    /// An acknowledgement came, or time passed: holes may have to be given up.
    fn holes(&mut self, slot: u32, direction: Direction, env: &mut Env<'_>) {
        let acked = self.flows[slot].acked_by(direction.flip());
        let time = env.time;
        self.stream(slot, direction, env, |half, next, budget, feed| {
            half.acknowledged(next, time, acked, budget, feed);
            Findings::default()
        });
    }

    /// Nothing fills the holes any more: what waits behind them goes out.
    pub(super) fn give_up_holes(&mut self, slot: u32, direction: Direction, env: &mut Env<'_>) {
        self.stream(slot, direction, env, |half, next, budget, feed| {
            half.flush(next, budget, feed);
            Findings::default()
        });
    }

    /// Runs one step of one direction's stream and takes note of what came of it.
    fn stream(
        &mut self,
        slot: u32,
        direction: Direction,
        env: &mut Env<'_>,
        step: impl FnOnce(&mut Half, &mut u32, &mut Budget, &mut Feed<'_>) -> Findings,
    ) {
        let flow = &mut self.flows[slot];
        let (info, one_way, from_start) = (flow.info(), flow.is_one_way(), flow.sees_start());
        let Some(Analysis::Stream(state)) = flow.analysis.as_mut() else {
            return;
        };
        let Stream { halves, app, ticked, told, account } = &mut **state;
        let [to_server, to_client] = halves;
        let half = if direction == Direction::ToServer { to_server } else { to_client };
        let next = &mut flow.next[direction.index()];
        let budget = &mut self.budget;
        let second = env.time / TICK;
        let tick = std::mem::replace(ticked, second) != second;
        let done = guarded(|| {
            let mut feed = Feed::new(app, direction, env.context(&info, one_way));
            (feed.cx.told, feed.cx.from_start) = (Some(&mut *told), from_start);
            if let (true, App::Running(service)) = (tick, &mut *feed.app) {
                service.tick(&mut feed.cx);
            }
            let findings = step(half, next, budget, &mut feed);
            (findings, feed.missed, feed.found)
        });
        let Some((findings, missed, found)) = done else {
            self.quarantine(slot, env);
            return;
        };
        let is_too_much = self.memory.renew(account, Stream::held(app, told.capacity()), env.shared);
        flow.missed += missed;
        if missed > 0 {
            flow.history.add(direction, Act::Gap);
        }
        let holding = half.is_holding();
        let begins = holding && !flow.flags.get_dir(Flags::HOLDING_DIR, direction);
        flow.flags.put_dir(Flags::HOLDING_DIR, direction, holding);
        flow.service = found.or(flow.service);
        if found.is_some() || begins {
            // Its parser must hear of the time, and its holes must age.
            self.wheel.hasten(slot, env.time.saturating_add(PARSER_TICK));
        }
        self.note(slot, direction, findings, env);
        self.rest_if_done(slot);
        if is_too_much {
            self.out_of_memory(slot, env);
        }
    }

    fn note(&mut self, slot: u32, direction: Direction, findings: Findings, env: &mut Env<'_>) {
        if findings == Findings::default() {
            return;
        }
        let flow = &mut self.flows[slot];
        env.counters.stream_evicted += u64::from(findings.evicted);
        if findings.again {
            flow.history.add(direction, Act::Again);
        }
        if findings.conflict {
            env.counters.stream_overlaps += 1;
            report::weird(flow, FlowWeird::StreamOverlap, env);
        }
        if findings.out_of_window {
            report::weird(flow, FlowWeird::OutOfWindow, env);
        }
    }

    fn rest_if_done(&mut self, slot: u32) {
        if matches!(&self.flows[slot].analysis, Some(Analysis::Stream(stream)) if matches!(stream.app, App::Done))
        {
            self.rest(slot);
        }
    }

    /// The parser is done: only counters from now on.
    pub(super) fn rest(&mut self, slot: u32) {
        self.flows[slot].stage = Stage::Idle;
        if let Some(Analysis::Stream(mut stream)) = self.take_analysis(slot) {
            for half in &mut stream.halves {
                half.forget(&mut self.budget);
            }
        }
    }

    /// FIN or RST: when both sides have finished the parser closes, and the flow soon after.
    fn closing(&mut self, slot: u32, direction: Direction, tcp: &Tcp, end: u32, env: &mut Env<'_>) {
        let flow = &mut self.flows[slot];
        let next = flow.next[direction.index()];
        if tcp.flags.any(TcpFlags::RST) && flow.is_reset(direction, tcp) {
            flow.history.add(direction, Act::Reset);
        }
        if tcp.flags.any(TcpFlags::FIN) {
            flow.history.add(direction, Act::Fin);
            if next == end && !flow.flags.get_dir(Flags::HOLDING_DIR, direction) {
                flow.flags.put_dir(Flags::FINISHED_DIR, direction, true);
                flow.next[direction.index()] = end.wrapping_add(1);
            }
        }
        let is_over = flow.flags.get_both(Flags::FINISHED_DIR);
        let wait = flow.timeout(&self.limits.timeouts);
        if is_over && !self.close_analysis(slot, Close::End, env) {
            self.quarantine(slot, env);
        }
        self.wheel.hasten(slot, env.time.saturating_add(wait));
    }

    /// Hands on what is held, and closes the parser; false where it panicked.
    pub(super) fn close_stream(&mut self, slot: u32, stream: Stream, why: Close, env: &mut Env<'_>) -> bool {
        let flow = &mut self.flows[slot];
        let (info, one_way, from_start) = (flow.info(), flow.is_one_way(), flow.sees_start());
        let Stream { mut halves, mut app, mut told, .. } = stream;
        let budget = &mut self.budget;
        let next = &mut flow.next;
        let done = guarded(|| {
            let mut feed = Feed::new(&mut app, Direction::ToServer, env.context(&info, one_way));
            (feed.cx.told, feed.cx.from_start) = (Some(&mut told), from_start);
            for (half, direction) in halves.iter_mut().zip([Direction::ToServer, Direction::ToClient]) {
                feed.direction = direction;
                half.flush(&mut next[direction.index()], budget, &mut feed);
            }
            feed.close(why);
            (feed.missed, feed.found)
        });
        for half in &mut halves {
            half.forget(&mut self.budget);
        }
        let (missed, found) = done.unwrap_or_default();
        flow.missed += missed;
        flow.service = found.or(flow.service);
        done.is_some()
    }
}

impl Flow {
    /// Takes note of flags and numbers; gives the sequence number of the payload's first byte.
    #[inline]
    fn track(&mut self, direction: Direction, tcp: &Tcp, has_payload: bool) -> u32 {
        if tcp.flags.any(TcpFlags::SYN) {
            return self.track_syn(direction, tcp);
        }
        let way = direction.index();
        if !self.flags.get_dir(Flags::SYNCED_DIR, direction) {
            self.flags.put_dir(Flags::SYNCED_DIR, direction, true);
            self.next[way] = tcp.seq;
            self.first_seq[way] = tcp.seq;
        }
        if tcp.flags.any(TcpFlags::ACK) {
            self.track_ack(direction, tcp.ack);
            if !has_payload && !tcp.flags.any(TcpFlags::FIN | TcpFlags::RST) {
                self.history.add(direction, Act::Ack);
            }
        }
        tcp.seq
    }

    #[inline]
    fn track_ack(&mut self, direction: Direction, ack: u32) {
        let way = direction.index();
        let newer = !self.flags.get_dir(Flags::ACKED_DIR, direction) || is_after(ack, self.acked[way]);
        if newer {
            self.flags.put_dir(Flags::ACKED_DIR, direction, true);
            self.acked[way] = ack;
        }
    }

    fn track_syn(&mut self, direction: Direction, tcp: &Tcp) -> u32 {
        let (way, other) = (direction.index(), direction.flip());
        let answers = tcp.flags.any(TcpFlags::ACK);
        self.history.add(direction, if answers { Act::SynAck } else { Act::Syn });
        let first = tcp.seq.wrapping_add(1);
        if !self.history.has(direction, Act::Data) {
            self.flags.put_dir(Flags::SYNCED_DIR, direction, true);
            self.first_seq[way] = tcp.seq;
            self.next[way] = first;
        }
        // The answer tells which of several SYNs was taken.
        if answers && !self.history.has(other, Act::Data) {
            self.track_ack(direction, tcp.ack);
            self.flags.put_dir(Flags::SYNCED_DIR, other, true);
            self.next[other.index()] = tcp.ack;
            self.first_seq[other.index()] = tcp.ack.wrapping_sub(1);
        }
        first
    }

    /// True where a SYN belongs to another conversation than this flow.
    pub(super) fn is_other_conversation(&self, direction: Direction, tcp: &Tcp) -> bool {
        let way = direction.index();
        if self.flags.get_dir(Flags::SYNCED_DIR, direction) && self.first_seq[way] == tcp.seq {
            return false;
        }
        if self.is_closed() {
            return true;
        }
        // An open conversation is not ended by a SYN alone, which anyone can forge: the server must agree, or be out of
        // sight.
        if tcp.flags.any(TcpFlags::ACK) {
            self.history.has_any(Act::Data) && self.flags.get_dir(Flags::SYNCED_DIR, direction)
        } else {
            self.is_one_way() && self.history.has(direction, Act::Data)
        }
    }

    /// Whether each direction's stream was seen from its first byte, as far as SYNs tell.
    pub(super) fn sees_start(&self) -> [bool; 2] {
        [Direction::ToServer, Direction::ToClient].map(|way| {
            let own = self.history.has(way, Act::Syn) || self.history.has(way, Act::SynAck);
            own || self.history.has(way.flip(), Act::SynAck)
        })
    }

    fn acked_by(&self, direction: Direction) -> Option<u32> {
        self.flags.get_dir(Flags::ACKED_DIR, direction).then(|| self.acked[direction.index()])
    }

    fn count_only(&mut self, direction: Direction, end: u32) {
        let next = &mut self.next[direction.index()];
        if is_after(end, *next) {
            *next = end;
        }
    }

    /// The protocols that this side's next segment may begin.
    fn sought(&self, direction: Direction, enabled: Set) -> Set {
        if self.flags.get_dir(Flags::RULED_OUT_DIR, direction) {
            0
        } else if self.flags.get_dir(Flags::TRIED_DIR, direction) {
            enabled & self.again()
        } else {
            enabled
        }
    }

    fn rule_out(&mut self, direction: Direction) {
        self.flags.put_dir(Flags::TRIED_DIR, direction, true);
        if self.tries > 0 {
            self.tries -= 1;
            return;
        }
        self.flags.put_dir(Flags::RULED_OUT_DIR, direction, true);
        if self.flags.get_both(Flags::RULED_OUT_DIR) {
            self.stage = Stage::Idle;
        }
    }

    /// True where a reset is one of this conversation: anyone can send one with a number at random.
    fn is_reset(&self, direction: Direction, tcp: &Tcp) -> bool {
        let synced = self.history.has(direction, Act::Data) || self.history.has(direction, Act::SynAck);
        let away = tcp.seq.wrapping_sub(self.next[direction.index()]);
        !synced || away.min(away.wrapping_neg()) < RESET_WINDOW
    }
}

const fn is_after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).wrapping_sub(1) < 1 << 31
}
