//! One worker: source, wire, rules, evidence.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bavn_engine::indicator::Set;
use bavn_engine::{Plan, RuleCounters};
use bavn_lines::ledger::{Ledger, Names};
use bavn_lines::{Piece, Reader};
use bavn_wire::flow::features::FEATURES;
use bavn_wire::messages::{Event, EventKind, Frame, LinkType, Sink};
use bavn_wire::pipeline::Wire;

use crate::hub::{Finished, Found, Hub, Item};
use crate::judge::Judge;
use crate::settings::{Settings, looked_for};
use crate::source::{Origin, Problem, Source, Turn, lines_turn};

/// What a step gave.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) alerts: Vec<Finished>,
    pub(crate) events: Vec<u8>,
    /// Events for others to look at.
    pub(crate) seen: Vec<u8>,
    /// Captures of flows whose parser failed.
    pub(crate) failures: Vec<Vec<u8>>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) more: bool,
}

/// A worker with its tables.
pub(crate) struct Worker {
    path: Path,
    origin: Origin,
    /// What lines of other sensors go through, once some came.
    reader: Option<Box<Reader>>,
}

/// What each frame goes through.
struct Path {
    wire: Wire,
    hub: Hub,
    first_time: u64,
    last_time: u64,
    /// A frame that waits until what ended before it is handed out.
    held: Option<Held>,
    panics: u64,
    /// Kinds that anybody wants, by their number.
    wanted: [bool; EventKind::ALL.len()],
}

/// Where events of lines go.
struct Told<'p> {
    hub: &'p mut Hub,
    first_time: &'p mut u64,
    last_time: &'p mut u64,
}

impl Told<'_> {
    fn tell(&mut self, event: &Event<'_>) {
        self.hub.event(event);
        self.hub.pass_time(event.time, event.packet);
        if *self.first_time == 0 || event.time < *self.first_time {
            *self.first_time = event.time;
        }
        *self.last_time = (*self.last_time).max(event.time);
    }
}

struct Held {
    time: u64,
    link: LinkType,
    interface: u32,
    wire_len: u32,
    vlan_tci: Option<u16>,
    data: Vec<u8>,
}

impl Path {
    /// Takes one frame; true where enough has been found to hand it out.
    #[inline]
    fn take(&mut self, frame: &Frame<'_>) -> bool {
        if self.wire.is_due(frame.time) && !self.is_ready(frame.time) {
            self.held = Some(Held::new(frame));
            return true;
        }
        self.take_now(frame)
    }

    #[inline]
    fn take_now(&mut self, frame: &Frame<'_>) -> bool {
        self.wire.frame(frame, &mut self.hub);
        self.hub.pass_time(frame.time, self.wire.counters().frames);
        self.settle();
        if self.first_time == 0 || frame.time < self.first_time {
            self.first_time = frame.time;
        }
        self.last_time = self.last_time.max(frame.time);
        self.hub.is_full()
    }

    /// Takes the frame that was held back; true where enough has been found to hand it out.
    fn take_held(&mut self) -> bool {
        self.held.take().is_some_and(|held| self.take(&held.frame()))
    }

    /// Takes one line of another sensor; true where enough has been found to hand it out.
    #[inline]
    fn take_line(&mut self, reader: &mut Reader, piece: Piece<'_>, number: u64) -> bool {
        self.lines(|path, wants| reader.line(piece, number, wants, &mut |event| path.tell(event)));
        self.hub.is_full()
    }

    /// Gives out what lines still wait for others.
    fn finish_lines(&mut self, reader: &mut Reader) {
        self.lines(|path, wants| reader.finish(wants, &mut |event| path.tell(event)));
    }

    /// A panic costs the line, not the run.
    fn lines(&mut self, run: impl FnOnce(&mut Told<'_>, &dyn Fn(EventKind) -> bool)) {
        let Self { hub, first_time, last_time, wanted, panics, .. } = self;
        let wants = |kind: EventKind| wanted.get(kind as usize).copied().unwrap_or(true);
        let mut told = Told { hub, first_time, last_time };
        if catch_unwind(AssertUnwindSafe(|| run(&mut told, &wants))).is_err() {
            *panics += 1;
        }
        if self.hub.has_new() {
            self.hub.settle_without_packets();
        }
    }

    /// Keeps which kinds anybody wants.
    fn note_wanted(&mut self) {
        self.wanted = std::array::from_fn(|_| false);
        for kind in self.hub.kinds() {
            self.wanted[kind as usize] = true;
        }
    }

    /// Ends what is due before a frame of that time; false where hands are full before all is.
    fn is_ready(&mut self, time: u64) -> bool {
        self.portions(|wire, hub| wire.prepare(time, hub))
    }

    /// Does portions until all is done (true) or hands are full.
    fn portions(&mut self, run: impl Fn(&mut Wire, &mut Hub) -> bool) -> bool {
        loop {
            let is_done = run(&mut self.wire, &mut self.hub);
            self.settle();
            if is_done || self.hub.is_full() {
                return is_done;
            }
        }
    }

    #[inline]
    fn settle(&mut self) {
        if self.hub.has_new() || self.wire.has_evidence() {
            self.settle_now();
        }
    }

    #[inline(never)]
    fn settle_now(&mut self) {
        let (hub, wire) = (&mut self.hub, &mut self.wire);
        if catch_unwind(AssertUnwindSafe(|| hub.settle(wire))).is_err() {
            self.panics += 1;
        }
    }
}

impl Held {
    fn new(frame: &Frame<'_>) -> Self {
        let Frame { time, link, interface, wire_len, vlan_tci, data } = *frame;
        Self { time, link, interface, wire_len, vlan_tci, data: data.to_vec() }
    }

    fn frame(&self) -> Frame<'_> {
        let Self { time, link, interface, wire_len, vlan_tci, ref data } = *self;
        Frame { time, link, interface, wire_len, vlan_tci, data }
    }
}

impl Worker {
    /// A worker that judges by a plan, or only prints where there is none.
    pub(crate) fn new(plan: Option<Arc<Plan>>, settings: &Settings) -> Result<Self, String> {
        let looks = plan.as_ref().is_some_and(|plan| plan.uses(FEATURES));
        let hub = Hub::new(plan, settings)?;
        let mut wire = Wire::new(settings.wire(&hub.kinds())?);
        wire.set_features(looks);
        let wanted = [false; EventKind::ALL.len()];
        let mut path = Path { wire, hub, first_time: 0, last_time: 0, held: None, panics: 0, wanted };
        path.note_wanted();
        Ok(Self { path, origin: Origin::default(), reader: None })
    }

    /// Reads from another source from now on.
    pub(crate) fn attach(&mut self, source: Source) {
        if let Source::Lines(_, name) = &source {
            self.reader.get_or_insert_default().begin_file(name);
        }
        self.origin.attach(source);
    }

    /// Judges by another plan from the next event on.
    pub(crate) fn swap(&mut self, plan: Arc<Plan>) {
        self.path.wire.set_features(plan.uses(FEATURES));
        self.path.hub.swap(plan);
        self.ask_for_kinds();
    }

    /// Looks for other indicators from the next event on.
    pub(crate) fn set_indicators(&mut self, set: Option<Arc<Set>>) {
        self.path.hub.set_indicators(set);
        self.ask_for_kinds();
    }

    fn ask_for_kinds(&mut self) {
        let kinds = self.path.hub.kinds();
        self.path.wire.set_packets(kinds.contains(&EventKind::Packet));
        self.path.wire.set_kinds(looked_for(&kinds));
        self.path.note_wanted();
    }

    /// Lets another judge in place of the engine.
    pub(crate) fn set_judge(&mut self, judge: Judge) {
        self.path.hub.set_judge(judge);
    }

    /// Who judges in place of the engine.
    pub(crate) fn judge_mut(&mut self) -> Option<&mut Judge> {
        self.path.hub.judge_mut()
    }

    /// Lets others add events to what the wire has said.
    pub(crate) fn add(&mut self, now: u64, add: impl FnOnce(&mut Hub)) {
        self.path.hub.now = now;
        add(&mut self.path.hub);
        self.path.settle();
    }

    /// Takes one frame of a live source; `now` is wall time in nanoseconds since the epoch.
    pub(crate) fn frame(&mut self, frame: &Frame<'_>, now: u64) {
        self.origin.is_live = true;
        self.path.hub.now = now;
        while !self.path.is_ready(frame.time) {}
        self.path.take_now(frame);
    }

    /// Reads for about so long; `now` is wall time in nanoseconds since the epoch.
    pub(crate) fn step(&mut self, now: u64, budget: Duration) -> Output {
        self.path.hub.now = now;
        let path = &mut self.path;
        if path.take_held() {
            return self.output(true, Vec::new());
        }
        if let (Source::Lines(lines, _), Some(reader)) = (&mut self.origin.source, &mut self.reader) {
            let before = lines.taken();
            let turn = lines_turn(lines, budget, &mut |piece, number| path.take_line(reader, piece, number));
            reader.count_bytes(lines.taken() - before);
            return self.after_lines(turn);
        }
        let turn = self.origin.source.turn(budget, &mut |frame| path.take(frame));
        self.after(turn, now)
    }

    fn after_lines(&mut self, turn: Turn) -> Output {
        let mut problems = Vec::new();
        match turn {
            Turn::More | Turn::Idle => return self.output(true, problems),
            Turn::Broken(problem) => problems.push(problem),
            Turn::End => {}
        }
        self.origin.replace(Source::None);
        let loss = self.reader.as_ref().and_then(|reader| reader.ledger().loss());
        problems.extend(loss.map(|sentence| ("BAVN-E408".to_owned(), sentence)));
        self.output(false, problems)
    }

    fn after(&mut self, turn: Turn, now: u64) -> Output {
        let mut problems = Vec::new();
        let more = match turn {
            Turn::More => true,
            Turn::Idle => {
                self.tick(now);
                true
            }
            // Frames are pushed, or the file has ended, whose packets know nothing of our clock.
            Turn::End => self.origin.is_live && !self.tick(now),
            Turn::Broken(problem) => {
                problems.push(problem);
                false
            }
        };
        if !more {
            self.origin.replace(Source::None);
        }
        self.output(more, problems)
    }

    /// Nothing on the wire: flows and transactions end by the clock, which live frames carry too.
    fn tick(&mut self, now: u64) -> bool {
        self.path.portions(|wire, hub| wire.tick_some(now, hub))
    }

    /// Ends all flows and gives out what is pending, in portions: until there is no more.
    pub(crate) fn finish(&mut self, now: u64) -> Output {
        self.path.hub.now = now;
        let path = &mut self.path;
        if let Some(reader) = &mut self.reader {
            path.finish_lines(reader);
        }
        if path.take_held() || self.origin.source.rest(&mut |frame| path.take(frame)) || path.take_held() {
            return self.output(true, Vec::new());
        }
        self.origin.replace(Source::None);
        let is_done = self.path.portions(|wire, hub| wire.finish_some(hub));
        if is_done {
            self.path.hub.release_all();
        }
        self.output(!is_done, Vec::new())
    }

    fn output(&mut self, more: bool, problems: Vec<Problem>) -> Output {
        let Found { items, events, failures, seen, .. } = self.path.hub.take();
        let alert = |(_, item)| match item {
            Item::Alert(alert) => Some(alert),
            Item::Feed(..) => None,
        };
        let alerts = items.into_iter().filter_map(alert).collect();
        let failures = failures.into_iter().map(|(_, pcap)| pcap).collect();
        Output { alerts, events, seen, failures, problems, more }
    }

    /// Takes an events' buffer back, so that the next step need not grow one.
    pub(crate) fn recycle(&mut self, events: Vec<u8>) {
        self.path.hub.recycle(events);
    }

    /// Named counters since the start.
    pub(crate) fn counters(&mut self) -> Vec<(&'static str, u64)> {
        let mut counters = self.path.wire.counters().clone();
        counters.panics += self.path.panics;
        let mut all = counters.list();
        all.extend(self.path.hub.counters());
        all.extend([
            ("live_flows", self.path.wire.flows() as u64),
            ("first_time", self.path.first_time),
            ("last_time", self.path.last_time),
        ]);
        all.extend(self.origin.kernel());
        if let Some(reader) = &self.reader {
            all.extend(reader.ledger().counters());
        }
        all
    }

    /// What became of lines, by name: what is no event, keys that no table knows, values that do not fit.
    pub(crate) fn line_names(&self) -> [(&'static str, Vec<(String, u64)>); 3] {
        let names = |of: fn(&Ledger) -> &Names| {
            let ledger = self.reader.as_ref().map(|reader| of(reader.ledger()));
            let more = ledger.map_or(0, |names| names.more);
            let counted = ledger.into_iter().flat_map(Names::iter);
            counted.chain(Some(("(more names)".to_owned(), more)).filter(|(_, more)| *more > 0)).collect()
        };
        [
            ("other", names(|l| &l.others)),
            ("unmapped", names(|l| &l.unmapped)),
            ("misfit", names(|l| &l.misfits)),
        ]
    }

    /// What each rule of the plan did since the plan runs.
    pub(crate) fn rules(&mut self) -> Vec<RuleCounters> {
        self.path.hub.rules()
    }

    /// Events that came, by kind.
    pub(crate) fn kinds(&mut self) -> Vec<(&'static str, u64)> {
        self.path.hub.came().collect()
    }
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
