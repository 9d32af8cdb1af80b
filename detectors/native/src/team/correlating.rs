//! Correlations over the hits of all workers, in their order.

use std::collections::VecDeque;
use std::sync::Arc;

use bavn_engine::Plan;
use bavn_engine::alert::{AlertDraft, Alerts};
use bavn_engine::correlate::{Correlator, Fired};
use bavn_wire::messages::Event;

use crate::hub::{Capture, Feed, Finished, is_quiet};

/// A frame's turn, number and time.
type Beat = (u64, u64, u64);

/// The correlations of a plan.
pub(super) struct Correlating {
    plan: Arc<Plan>,
    correlator: Correlator,
    alerts: Alerts,
    /// Frames that hits may still come from, or that come behind such.
    beats: VecDeque<Beat>,
    fired: Vec<Fired>,
    /// Wall time, nanoseconds since the epoch.
    pub(super) now: u64,
}

impl Correlating {
    /// Those of a plan, where it has any; `before` are those of the plan before it.
    pub(super) fn of(plan: &Arc<Plan>, alerts: Alerts, before: Option<Self>) -> Option<Self> {
        let (old, alerts) = match before {
            Some(before) => (Some(before.correlator), before.alerts),
            None => (None, alerts),
        };
        let correlator = Correlator::new(Arc::clone(plan)).continuing(old);
        let plan = Arc::clone(plan);
        let is_needed = correlator.is_needed();
        let (beats, fired) = (VecDeque::new(), Vec::new());
        is_needed.then_some(Self { plan, correlator, alerts, beats, fired, now: 0 })
    }

    pub(super) const fn correlator(&self) -> &Correlator {
        &self.correlator
    }

    /// A frame was read.
    pub(super) fn beat(&mut self, turn: u64, number: u64, time: u64) {
        self.beats.push_back((turn, number, time));
    }

    /// Judges the spans that ended with the frames before that turn.
    pub(super) fn pass_time(&mut self, turn: u64, give: &mut dyn FnMut(Finished)) {
        while let Some((_, number, time)) = self.beats.front().copied().filter(|beat| beat.0 < turn) {
            self.beats.pop_front();
            self.correlator.advance(time, number, &mut self.fired);
            self.tell(None, None, give);
        }
    }

    /// Takes the hits at an event.
    pub(super) fn feed(&mut self, feed: &Feed, capture: Option<&Capture>, give: &mut dyn FnMut(Finished)) {
        feed.event.with(|event| {
            for rule in &feed.rules {
                self.correlator.hit(*rule, event, &mut self.fired);
            }
            self.tell(Some(event), capture, give);
        });
    }

    fn tell(&mut self, event: Option<&Event<'_>>, capture: Option<&Capture>, give: &mut dyn FnMut(Finished)) {
        for fired in self.fired.drain(..) {
            if is_quiet(&self.plan, fired.rule) {
                continue;
            }
            let draft = self.alerts.draft_correlated(&self.plan, &fired, event, self.now);
            let of_flow = |draft: &AlertDraft| capture.filter(|_| draft.flow != 0);
            give_on(draft.map(|draft| Finished::new(draft.clone(), of_flow(&draft))), give);
        }
    }
}

fn give_on(alert: Option<Finished>, give: &mut dyn FnMut(Finished)) {
    if let Some(alert) = alert {
        give(alert);
    }
}
