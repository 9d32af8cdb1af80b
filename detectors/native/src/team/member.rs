//! One of several workers: flows, protocols and rules over its share of the frames, in a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use bavn_engine::indicator::Set;
use bavn_engine::{Plan, RuleCounters};
use bavn_wire::counters::Counters;
use bavn_wire::flow::features::FEATURES;
use bavn_wire::messages::EventKind;
use bavn_wire::pipeline::Wire;

use super::desk::{Call, Desk};
use super::parcel::{Entry, Order, Parcel, Task};
use crate::hub::{COUNTERS, Found, Hub, Phase, Place};
use crate::settings::{Settings, looked_for};

/// What a worker tells: what it found up to a place.
pub(super) struct Report {
    pub(super) found: Found,
    /// Printed events and failures of earlier places have all been told of.
    pub(super) until: Place,
    /// So have alerts of places before this one.
    pub(super) items_until: Place,
    /// Others wait for it.
    pub(super) is_pressing: bool,
    /// Counters where a parcel is done.
    pub(super) done: Option<Box<Counts>>,
}

/// A worker's counters.
#[derive(Clone)]
pub(super) struct Counts {
    pub(super) wire: Counters,
    pub(super) hub: [(&'static str, u64); COUNTERS],
    pub(super) live_flows: u64,
    pub(super) first_time: u64,
    pub(super) last_time: u64,
    /// Events that came, by kind.
    pub(super) kinds: Vec<(&'static str, u64)>,
    /// What each rule did, where that was asked for.
    pub(super) rules: Vec<RuleCounters>,
}

/// A worker with its tables.
pub(super) struct Member {
    wire: Wire,
    hub: Hub,
    first_time: u64,
    last_time: u64,
    panics: u64,
    /// Behind it nothing comes.
    until: Place,
}

impl Member {
    /// One of so many.
    pub(super) fn new(plan: Option<Arc<Plan>>, settings: &Settings, of: usize) -> Result<Self, String> {
        let looks = plan.as_ref().is_some_and(|plan| plan.uses(FEATURES));
        let hub = Hub::member(plan, settings)?;
        let mut wire = Wire::new(settings.wire(&hub.kinds())?.share(of));
        wire.set_features(looks);
        Ok(Self { wire, hub, first_time: 0, last_time: 0, panics: 0, until: Place::default() })
    }

    /// Works in a thread until all is over.
    pub(super) fn start(mut self, worker: usize, desk: Arc<Desk>) -> JoinHandle<()> {
        thread::spawn(move || {
            let watch = Watch(&desk);
            while let Some(call) = desk.call(worker) {
                let mut tell = |report| desk.hand_in(worker, report);
                match call {
                    Call::Parcel(parcel) => {
                        self.work(&parcel, &mut tell);
                        desk.give_back(*parcel);
                    }
                    Call::Urged => self.complete(&mut tell),
                }
            }
            drop(watch);
        })
    }

    fn work(&mut self, parcel: &Parcel, tell: &mut dyn FnMut(Report)) {
        self.hub.now = parcel.now;
        let mut from = 0;
        for entry in &parcel.entries {
            from = self.entry(parcel, entry, from, tell);
        }
        self.at(parcel.last, Phase::Due);
        match &parcel.order {
            Order::None | Order::Rules => {}
            Order::Complete => self.complete(tell),
            Order::Swap(plan) => self.swap(Arc::clone(plan)),
            Order::Watch(set) => self.set_indicators(set.clone()),
            Order::Finish => {
                self.portions(tell, |wire, hub| wire.finish_some(hub));
                self.hub.release_all();
            }
        }
        self.at(parcel.last + 1, Phase::Due);
        let mut counts = self.counts();
        if matches!(parcel.order, Order::Rules) {
            counts.rules = self.hub.rules();
        }
        self.report(tell, false, Some(Box::new(counts)));
    }

    /// Does what an entry says; gives where the bytes of the next one begin.
    fn entry(&mut self, parcel: &Parcel, entry: &Entry, from: usize, tell: &mut dyn FnMut(Report)) -> usize {
        let Entry { time, task, .. } = *entry;
        let (turn, number) = parcel.place(entry);
        let (frame, next) = parcel.frame(entry, from);
        self.at(turn, Phase::Due);
        match task {
            Task::Tick => self.portions(tell, |wire, hub| wire.tick_some(time, hub)),
            Task::Tell(telling) => {
                self.portions(tell, |wire, hub| wire.pass(number, time, hub));
                self.at(turn, Phase::Telling);
                self.wire.tell(number, &frame, telling, &mut self.hub);
            }
            Task::Pass => self.portions(tell, |wire, hub| wire.pass(number, time, hub)),
            Task::Frame | Task::Pending | Task::Whole(_) => {
                self.portions(tell, |wire, hub| wire.pass(number, time, hub));
                self.at(turn, Phase::Frame);
                self.wire.numbered(number, &frame, parcel.part(task), &mut self.hub);
                self.note_time(time);
            }
        }
        self.settle();
        if self.hub.is_full() {
            self.report(tell, false, None);
        }
        next
    }

    fn at(&mut self, turn: u64, phase: Phase) {
        self.until = Place { turn, phase, flow: 0 };
        self.hub.place = self.until;
    }

    fn note_time(&mut self, time: u64) {
        if self.first_time == 0 || time < self.first_time {
            self.first_time = time;
        }
        self.last_time = self.last_time.max(time);
    }

    /// Does portions until all is done; what is found meanwhile is told whenever hands are full.
    #[inline]
    fn portions(&mut self, tell: &mut dyn FnMut(Report), run: impl Fn(&mut Wire, &mut Hub) -> bool) {
        while !run(&mut self.wire, &mut self.hub) {
            self.settle();
            if self.hub.is_full() {
                self.report(tell, false, None);
            }
        }
        self.settle();
    }

    #[inline]
    fn settle(&mut self) {
        if !self.hub.has_new() && !self.wire.has_evidence() {
            return;
        }
        let (hub, wire) = (&mut self.hub, &mut self.wire);
        if catch_unwind(AssertUnwindSafe(|| hub.settle(wire))).is_err() {
            self.panics += 1;
        }
    }

    /// Captures that wait for later packets are complete as they are.
    fn complete(&mut self, tell: &mut dyn FnMut(Report)) {
        self.wire.complete_evidence();
        self.settle();
        self.report(tell, true, None);
    }

    fn swap(&mut self, plan: Arc<Plan>) {
        self.wire.set_features(plan.uses(FEATURES));
        self.hub.swap(plan);
        self.ask_for_kinds();
    }

    /// Looks for other indicators from the next event on.
    pub(super) fn set_indicators(&mut self, set: Option<Arc<Set>>) {
        self.hub.set_indicators(set);
        self.ask_for_kinds();
    }

    fn ask_for_kinds(&mut self) {
        let kinds = self.hub.kinds();
        self.wire.set_packets(kinds.contains(&EventKind::Packet));
        self.wire.set_kinds(looked_for(&kinds));
    }

    fn report(&mut self, tell: &mut dyn FnMut(Report), is_pressing: bool, done: Option<Box<Counts>>) {
        let found = self.hub.take();
        let items_until = self.hub.waits_at().map_or(self.until, |place| place.min(self.until));
        tell(Report { found, until: self.until, items_until, is_pressing, done });
    }

    /// Its counters now.
    pub(super) fn counts(&self) -> Counts {
        let mut wire = self.wire.counters().clone();
        wire.panics += self.panics;
        Counts {
            wire,
            hub: self.hub.counters(),
            live_flows: self.wire.flows() as u64,
            first_time: self.first_time,
            last_time: self.last_time,
            kinds: self.hub.came().collect(),
            rules: Vec::new(),
        }
    }
}

/// Tells the reading thread where a worker's thread fails.
struct Watch<'a>(&'a Desk);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.is_dead();
        }
    }
}
