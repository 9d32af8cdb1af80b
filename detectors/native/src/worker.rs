//! One worker: source, wire, rules, evidence.

use std::sync::Arc;
use std::time::Duration;

use bavn_engine::Plan;
use bavn_wire::messages::{EventKind, Frame, Sink};
use bavn_wire::pipeline::Wire;

use crate::hub::{Finished, Hub};
use crate::kernel::KernelCounts;
use crate::settings::Settings;
use crate::source::{Problem, Source, Turn};

/// What a step gave.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) alerts: Vec<Finished>,
    pub(crate) events: Vec<u8>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) more: bool,
}

/// A worker with its tables.
pub(crate) struct Worker {
    path: Path,
    source: Source,
    kernel: KernelCounts,
}

/// What each frame goes through.
struct Path {
    wire: Wire,
    hub: Hub,
    first_time: u64,
    last_time: u64,
}

impl Path {
    /// Takes one frame; true where enough has been found to hand it out.
    fn take(&mut self, frame: &Frame<'_>) -> bool {
        self.wire.frame(frame, &mut self.hub);
        if self.hub.has_new() {
            self.hub.pin(&mut self.wire);
        }
        if self.first_time == 0 || frame.time < self.first_time {
            self.first_time = frame.time;
        }
        self.last_time = self.last_time.max(frame.time);
        self.hub.is_full()
    }
}

impl Worker {
    /// A worker that judges by a plan, or only prints where there is none.
    pub(crate) fn new(plan: Option<Arc<Plan>>, settings: &Settings) -> Result<Self, String> {
        let hub = Hub::new(plan, settings)?;
        let wanted: Vec<EventKind> = EventKind::ALL.iter().copied().filter(|kind| hub.wants(*kind)).collect();
        let wire = Wire::new(settings.wire(&wanted)?);
        let path = Path { wire, hub, first_time: 0, last_time: 0 };
        Ok(Self { path, source: Source::None, kernel: KernelCounts::default() })
    }

    /// Reads from another source from now on.
    pub(crate) fn attach(&mut self, source: Source) {
        self.read_kernel();
        self.source = source;
    }

    /// Judges by another plan from the next event on.
    pub(crate) fn swap(&mut self, plan: Arc<Plan>) {
        self.path.hub.swap(plan);
    }

    /// Takes one frame.
    pub(crate) fn frame(&mut self, frame: &Frame<'_>) {
        self.path.take(frame);
    }

    /// Reads for about so long; `now` is wall time in nanoseconds since the epoch.
    pub(crate) fn step(&mut self, now: u64, budget: Duration) -> Output {
        self.path.hub.now = now;
        let path = &mut self.path;
        let turn = self.source.turn(budget, &mut |frame| path.take(frame));
        self.after(turn, now)
    }

    fn after(&mut self, turn: Turn, now: u64) -> Output {
        let mut problems = Vec::new();
        let more = match turn {
            Turn::More => true,
            Turn::Idle => {
                // Nothing on the wire: flows and transactions end by the clock, which live frames carry too.
                self.path.wire.tick(now, &mut self.path.hub);
                self.path.hub.pin(&mut self.path.wire);
                true
            }
            Turn::End => false,
            Turn::Broken(problem) => {
                problems.push(problem);
                false
            }
        };
        if !more {
            self.attach(Source::None);
        }
        self.path.hub.collect(&mut self.path.wire);
        self.output(more, problems)
    }

    /// Ends all flows and gives out what is pending.
    pub(crate) fn finish(&mut self, now: u64) -> Output {
        self.path.hub.now = now;
        self.path.wire.finish(&mut self.path.hub);
        self.path.hub.pin(&mut self.path.wire);
        self.path.hub.collect(&mut self.path.wire);
        self.path.hub.release_all();
        self.output(false, Vec::new())
    }

    fn output(&mut self, more: bool, problems: Vec<Problem>) -> Output {
        Output {
            alerts: std::mem::take(&mut self.path.hub.finished),
            events: std::mem::take(&mut self.path.hub.events),
            problems,
            more,
        }
    }

    /// Takes an events' buffer back, so that the next step need not grow one.
    pub(crate) fn recycle(&mut self, mut events: Vec<u8>) {
        events.clear();
        if self.path.hub.events.is_empty() {
            self.path.hub.events = events;
        }
    }

    /// Named counters since the start.
    pub(crate) fn counters(&mut self) -> Vec<(&'static str, u64)> {
        self.read_kernel();
        let mut all = self.path.wire.counters().list();
        all.extend(self.path.hub.counters());
        all.extend([
            ("live_flows", self.path.wire.flows() as u64),
            ("first_time", self.path.first_time),
            ("last_time", self.path.last_time),
            ("kernel_dropped", self.kernel.dropped),
            ("kernel_frozen", self.kernel.frozen),
        ]);
        all
    }

    #[cfg(target_os = "linux")]
    fn read_kernel(&mut self) {
        if let Source::Ring(ring) = &mut self.source {
            self.kernel = ring.statistics().unwrap_or(self.kernel);
        }
    }

    #[cfg(not(target_os = "linux"))]
    const fn read_kernel(&self) {}
}
