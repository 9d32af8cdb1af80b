//! Several workers over one source, and one order of what they find.
//!
//! The calling thread reads, chooses the worker of each frame ([`Dispatcher`]) and hands out rounds of parcels; each
//! worker judges its share; the calling thread puts their findings into the order in which one worker would have found
//! them. So alerts and events, their ids and their order do not depend on the number of workers, as long as no limit
//! bites: limits are shared out.

mod correlating;
mod desk;
mod member;
mod merge;
mod parcel;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bavn_engine::alert::Alerts;
use bavn_engine::indicator::Set;
use bavn_engine::{Plan, RuleCounters};
use bavn_wire::counters::Counters;
use bavn_wire::dispatch::{Dispatcher, Telling};
use bavn_wire::messages::Frame;

use crate::hub::{MAX_ALERTS, MAX_CAPTURE_BYTES, MAX_EVENT_BYTES, correlation_counters};
use crate::settings::Settings;
use crate::source::{Origin, Source, Turn};
use crate::worker::Output;
use correlating::Correlating;
use desk::Desk;
use member::Member;
use merge::{Merged, Merger};
use parcel::{Order, Parcel, Task};

/// Frames of a round.
const ROUND_FRAMES: usize = 8192;
/// Bytes of a round's frames: smaller rounds cost more in wake-ups than they save in cache misses.
const ROUND_BYTES: usize = 2 << 20;
/// Rounds that are handed out and not done.
const MAX_ROUNDS: usize = 8;
/// How long the calling thread waits for a worker before it looks again.
const PATIENCE: Duration = Duration::from_millis(100);

/// A team with its source.
pub(crate) struct Team {
    origin: Origin,
    packer: Packer,
    desk: Arc<Desk>,
    /// Those that have not begun: a team that reads nothing has no threads.
    idle: Vec<Member>,
    threads: Vec<JoinHandle<()>>,
    merger: Merger,
    settings: Settings,
    is_finishing: bool,
    is_ended: bool,
}

/// Fills the parcels of a round.
struct Packer {
    dispatcher: Dispatcher,
    parcels: Vec<Parcel>,
    turn: u64,
    number: u64,
    frames: usize,
    bytes: usize,
    /// Wall time of the newest round, nanoseconds since the epoch.
    now: u64,
}

impl Packer {
    /// Takes a frame; true where the round is full.
    #[inline]
    fn add(&mut self, frame: &Frame<'_>, correlating: &mut Option<Correlating>) -> bool {
        let route = self.dispatcher.route(frame);
        let ticks = self.dispatcher.ticks(frame.time);
        self.turn += 1;
        self.number += 1;
        let (turn, number) = (self.turn, self.number);
        if route.telling != Telling::default()
            && let Some(first) = self.parcels.first_mut()
        {
            first.add(turn, number, frame, Task::Tell(route.telling));
        }
        if ticks {
            let others = self.parcels.iter_mut().enumerate().filter(|(worker, _)| *worker != route.worker);
            others.for_each(|(_, parcel)| parcel.add(turn, number, frame, Task::Pass));
        }
        if let Some(parcel) = self.parcels.get_mut(route.worker) {
            parcel.add_own(turn, number, frame, route.part);
        }
        if let Some(correlating) = correlating {
            correlating.beat(turn, number, frame.time);
        }
        self.frames += 1;
        self.bytes += frame.data.len();
        self.frames >= ROUND_FRAMES || self.bytes >= ROUND_BYTES
    }

    /// No frame came until then.
    fn tick(&mut self, now: u64) {
        self.turn += 1;
        let (turn, number) = (self.turn, self.number);
        self.dispatcher.ticks(now);
        self.parcels.iter_mut().for_each(|parcel| parcel.tick(turn, number, now));
        self.frames += 1;
    }
}

impl Team {
    /// So many workers that judge by a plan, or only print where there is none.
    pub(crate) fn new(plan: Option<&Arc<Plan>>, settings: Settings) -> Result<Self, String> {
        let workers = settings.workers;
        let idle: Vec<_> =
            (0..workers).map(|_| Member::new(plan.cloned(), &settings, workers)).collect::<Result<_, _>>()?;
        let correlating = match plan {
            Some(plan) => Correlating::of(plan, Alerts::new(settings.alerts()?), None),
            None => None,
        };
        let dispatcher = Dispatcher::new(workers, &settings.wire(&[])?);
        let parcels = (0..workers).map(|_| Parcel::default()).collect();
        Ok(Self {
            origin: Origin::default(),
            packer: Packer { dispatcher, parcels, turn: 0, number: 0, frames: 0, bytes: 0, now: 0 },
            desk: Arc::new(Desk::new(workers)),
            merger: Merger::new(idle.iter().map(Member::counts).collect(), correlating),
            idle,
            threads: Vec::new(),
            settings,
            is_finishing: false,
            is_ended: true,
        })
    }

    /// Reads from another source from now on.
    pub(crate) fn attach(&mut self, source: Source) {
        self.origin.attach(source);
        self.is_ended = false;
    }

    /// Takes one frame of a live source; `now` is wall time in nanoseconds since the epoch.
    pub(crate) fn frame(&mut self, frame: &Frame<'_>, now: u64) {
        self.origin.is_live = true;
        if self.packer.add(frame, &mut self.merger.correlating) {
            self.send(Order::None, now);
            self.settle(MAX_ROUNDS);
        }
    }

    /// Reads for about so long; `now` is wall time in nanoseconds since the epoch.
    pub(crate) fn step(&mut self, now: u64, budget: Duration) -> Output {
        let start = Instant::now();
        let mut problems = Vec::new();
        self.is_ended &= !self.origin.is_pushed();
        loop {
            self.gather();
            let left = budget.saturating_sub(start.elapsed());
            if is_full(&self.merger.out) {
                break;
            }
            if self.is_ended {
                if self.merger.open() == 0 || left.is_zero() {
                    break;
                }
                self.wait(left.min(PATIENCE), 0);
            } else if self.merger.open() < MAX_ROUNDS {
                problems.extend(self.read(now, left));
            } else {
                self.wait(left.min(PATIENCE), MAX_ROUNDS / 2);
            }
            if left.is_zero() {
                break;
            }
        }
        let is_over = self.is_ended && self.merger.open() == 0 && !is_full(&self.merger.out);
        self.output(!is_over, problems)
    }

    /// Reads one round; gives what was wrong with the source.
    fn read(&mut self, now: u64, left: Duration) -> Option<(String, String)> {
        let (packer, correlating) = (&mut self.packer, &mut self.merger.correlating);
        let turn = self.origin.source.turn(left, &mut |frame| packer.add(frame, correlating));
        let mut problem = None;
        match turn {
            Turn::More => {}
            Turn::Idle => self.packer.tick(now),
            Turn::End => {
                if self.origin.is_live {
                    self.packer.tick(now);
                }
                self.end_source();
            }
            Turn::Broken(why) => {
                problem = Some(why);
                self.end_source();
            }
        }
        self.send(Order::None, now);
        problem
    }

    fn end_source(&mut self) {
        self.is_ended = true;
        self.origin.replace(Source::None);
    }

    /// Ends all flows and gives out what is pending, in portions: until there is no more.
    pub(crate) fn finish(&mut self, now: u64) -> Output {
        if !self.is_finishing {
            self.read_rest(now);
            self.end_source();
            self.packer.dispatcher.finish();
            self.packer.turn += 1;
            self.send(Order::Finish, now);
            self.is_finishing = true;
        }
        self.gather();
        while !is_full(&self.merger.out) && self.merger.open() > 0 {
            self.wait(PATIENCE, 0);
            self.gather();
        }
        let more = is_full(&self.merger.out) || self.merger.open() > 0;
        self.is_finishing = more;
        self.output(more, Vec::new())
    }

    /// Takes what a kernel ring still holds.
    fn read_rest(&mut self, now: u64) {
        loop {
            let (packer, correlating) = (&mut self.packer, &mut self.merger.correlating);
            let more = self.origin.source.rest(&mut |frame| packer.add(frame, correlating));
            self.send(Order::None, now);
            if !more {
                return;
            }
            self.settle(MAX_ROUNDS);
        }
    }

    /// Judges by another plan from the next frame on.
    pub(crate) fn swap(&mut self, plan: &Arc<Plan>) {
        let now = self.packer.now;
        self.send(Order::Complete, now);
        self.settle(1);
        self.send(Order::Swap(Arc::clone(plan)), now);
        self.settle(1);
        let before = self.merger.correlating.take();
        if let Ok(alerts) = self.settings.alerts() {
            self.merger.correlating = Correlating::of(plan, Alerts::new(alerts), before);
        }
    }

    /// Looks for other indicators from the next frame on.
    pub(crate) fn set_indicators(&mut self, set: Option<&Arc<Set>>) {
        self.idle.iter_mut().for_each(|member| member.set_indicators(set.cloned()));
        if !self.threads.is_empty() {
            self.send(Order::Watch(set.cloned()), self.packer.now);
            self.settle(1);
        }
    }

    /// Named counters since the start. Waits for what is under way, so that they add up.
    pub(crate) fn counters(&mut self) -> Vec<(&'static str, u64)> {
        self.send(Order::None, self.packer.now);
        self.settle(1);
        let mut wire = self.packer.dispatcher.counters().clone();
        self.merger.counts().for_each(|counts| wire.add(&counts.wire));
        let mut all = Counters::list(&wire);
        let correlator = self.merger.correlating.as_ref().map(Correlating::correlator);
        all.extend(correlation_counters(correlator));
        let of_rules = self.merger.counts().next().map_or(4..4, |counts| 4..counts.hub.len());
        all.extend(of_rules.filter_map(|at| {
            let mut each = self.merger.counts().filter_map(|counts| counts.hub.get(at));
            let (name, first) = *each.next()?;
            Some((name, first + each.map(|(_, count)| count).sum::<u64>()))
        }));
        let times = || self.merger.counts().map(|counts| counts.first_time).filter(|time| *time > 0);
        all.extend([
            ("live_flows", self.merger.counts().map(|counts| counts.live_flows).sum()),
            ("first_time", times().min().unwrap_or(0)),
            ("last_time", self.merger.counts().map(|counts| counts.last_time).max().unwrap_or(0)),
        ]);
        all.extend(self.origin.kernel());
        all
    }

    /// What each rule of the plan did since the plan runs.
    pub(crate) fn rules(&mut self) -> Vec<RuleCounters> {
        self.send(Order::Rules, self.packer.now);
        self.settle(1);
        let mut together: Vec<RuleCounters> = Vec::new();
        for counts in self.merger.counts() {
            together.resize(together.len().max(counts.rules.len()), RuleCounters::default());
            for (sum, one) in together.iter_mut().zip(&counts.rules) {
                sum.candidates += one.candidates;
                sum.matches += one.matches;
                sum.unobserved += one.unobserved;
            }
        }
        together
    }

    /// Events that came, by kind.
    pub(crate) fn kinds(&mut self) -> Vec<(&'static str, u64)> {
        self.send(Order::None, self.packer.now);
        self.settle(1);
        let mut lanes = self.merger.counts().map(|counts| &counts.kinds);
        let mut together = lanes.next().cloned().unwrap_or_default();
        for kinds in lanes {
            together.iter_mut().zip(kinds).for_each(|((_, sum), (_, count))| *sum += count);
        }
        together
    }

    /// Takes an events' buffer back, so that the next step need not grow one.
    pub(crate) fn recycle(&mut self, mut events: Vec<u8>) {
        if self.merger.out.events.is_empty() {
            events.clear();
            self.merger.out.events = events;
        }
    }

    /// Hands out the round at hand; one of nothing only where an order goes with it.
    fn send(&mut self, order: Order, now: u64) {
        if self.packer.frames == 0 && matches!(order, Order::None) {
            return;
        }
        self.packer.now = now;
        if let Some(correlating) = &mut self.merger.correlating {
            correlating.now = now;
        }
        self.start();
        let last = self.packer.turn;
        let parcels = self.packer.parcels.iter_mut();
        let full: Vec<_> = parcels
            .map(|parcel| std::mem::replace(parcel, self.desk.spare()).sealed(order.clone(), now, last))
            .collect();
        self.desk.send(full);
        self.merger.sent();
        (self.packer.frames, self.packer.bytes) = (0, 0);
    }

    fn start(&mut self) {
        for (worker, member) in self.idle.drain(..).enumerate() {
            self.threads.push(member.start(worker, Arc::clone(&self.desk)));
        }
    }

    /// Waits until fewer rounds than that are under way.
    fn settle(&mut self, rounds: usize) {
        self.gather_all();
        while self.merger.open() >= rounds {
            self.wait(PATIENCE, rounds / 2);
            self.gather_all();
        }
    }

    /// Takes reports and lets out what can go, until hands are full.
    fn gather(&mut self) {
        self.merger.merge(is_full);
        while !is_full(&self.merger.out) && self.collect() {
            self.merger.merge(is_full);
        }
    }

    /// As [`gather`](Self::gather), where the hands take whatever there is.
    fn gather_all(&mut self) {
        self.merger.merge(|_| false);
        while self.collect() {
            self.merger.merge(|_| false);
        }
    }

    /// Takes reports; true where there were any.
    fn collect(&mut self) -> bool {
        let mut is_any = false;
        for worker in 0..self.threads.len() {
            while self.merger.has_room(worker)
                && let Some(report) = self.desk.report(worker)
            {
                self.merger.take(worker, report);
                is_any = true;
            }
        }
        if !is_any && self.merger.is_stuck() {
            self.desk.urge();
        }
        is_any
    }

    /// Waits until workers have but so many rounds before them, or much to tell.
    fn wait(&self, most: Duration, rounds: usize) {
        let merger = &self.merger;
        if !self.desk.wait(most, rounds, &|worker| merger.has_room(worker)) {
            resume_unwind(Box::new("a worker has failed"));
        }
    }

    fn output(&mut self, more: bool, problems: Vec<(String, String)>) -> Output {
        let Merged { alerts, events, failures, .. } = std::mem::take(&mut self.merger.out);
        Output { alerts, events, seen: Vec::new(), failures, problems, more }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.desk.end();
        for thread in self.threads.drain(..) {
            // One that failed has told so already.
            let _ = thread.join();
        }
    }
}

/// True where enough was found to hand it out.
fn is_full(out: &Merged) -> bool {
    out.alerts.len() >= MAX_ALERTS || out.events.len() >= MAX_EVENT_BYTES || out.held >= MAX_CAPTURE_BYTES
}

#[cfg(test)]
mod tests;
