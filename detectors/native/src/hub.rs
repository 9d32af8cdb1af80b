//! Where a worker's events go: to the rules, to the printer, or to both.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;

use bavn_engine::alert::{AlertDraft, AlertHead, Alerts, EvidenceRef};
use bavn_engine::{Matcher, Plan};
use bavn_wire::flow::{Evidence, PinId};
use bavn_wire::json;
use bavn_wire::messages::{Event, EventKind, Sink};
use bavn_wire::pipeline::Wire;
use sha2::{Digest, Sha256};

use crate::settings::Settings;

/// Alerts of one step; then the loop hands them out before it reads on.
const MAX_ALERTS: usize = 10_000;
/// Bytes of printed events of one step.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// A finished alert and the capture of its flow.
pub(crate) struct Finished {
    pub(crate) alert: Vec<u8>,
    pub(crate) evidence: Option<Vec<u8>>,
    pub(crate) head: AlertHead,
}

impl Finished {
    fn new(draft: AlertDraft, reference: Option<&EvidenceRef>, evidence: Option<Vec<u8>>) -> Self {
        let head = draft.head.clone();
        Self { alert: draft.finish(reference), evidence, head }
    }
}

/// An alert on its way: fresh from the rules, or waiting for the packets after its hit.
struct Hit {
    draft: AlertDraft,
    pin: Option<PinId>,
}

/// The sink of one worker.
pub(crate) struct Hub {
    /// Wall time of the step, nanoseconds since the epoch.
    pub(crate) now: u64,
    pub(crate) finished: Vec<Finished>,
    pub(crate) events: Vec<u8>,
    matcher: Option<Matcher>,
    alerts: Alerts,
    fresh: Vec<Hit>,
    waiting: VecDeque<Hit>,
    printed: [bool; EventKind::ALL.len()],
    /// Printed, or judged by a rule.
    wanted: [bool; EventKind::ALL.len()],
}

impl Hub {
    /// A hub that judges by a plan, or only prints where there is none.
    pub(crate) fn new(plan: Option<Arc<Plan>>, settings: &Settings) -> Result<Self, String> {
        let mut printed = [false; EventKind::ALL.len()];
        for kind in settings.printed()? {
            printed[kind as usize] = true;
        }
        let mut hub = Self {
            now: 0,
            finished: Vec::new(),
            events: Vec::new(),
            matcher: None,
            alerts: Alerts::new(settings.alerts()?),
            fresh: Vec::new(),
            waiting: VecDeque::new(),
            printed,
            wanted: printed,
        };
        if let Some(plan) = plan {
            hub.swap(plan);
        }
        Ok(hub)
    }

    /// Judges by another plan from the next event on.
    pub(crate) fn swap(&mut self, plan: Arc<Plan>) {
        for kind in EventKind::ALL {
            self.wanted[*kind as usize] = self.is_printed(*kind) || plan.wants(*kind);
        }
        self.matcher = Some(Matcher::new(plan));
    }

    /// True where rules have matched since the last call of `pin`.
    pub(crate) const fn has_new(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// True where enough was found to hand it out.
    pub(crate) const fn is_full(&self) -> bool {
        self.finished.len() >= MAX_ALERTS || self.events.len() >= MAX_EVENT_BYTES
    }

    /// Asks the wire to keep the packets of fresh hits; where it keeps none the alert is finished.
    pub(crate) fn pin(&mut self, wire: &mut Wire) {
        for mut hit in std::mem::take(&mut self.fresh) {
            hit.pin = wire.pin(hit.draft.flow);
            if hit.pin.is_some() {
                self.waiting.push_back(hit);
            } else {
                self.finished.push(Finished::new(hit.draft, None, None));
            }
        }
    }

    /// Finishes the alerts whose packets are complete, in the order of their hits as far as that is known.
    pub(crate) fn collect(&mut self, wire: &mut Wire) {
        for evidence in wire.take_evidence() {
            self.complete(evidence);
        }
    }

    fn complete(&mut self, evidence: Evidence) {
        let Some(at) = self.waiting.iter().position(|hit| hit.pin == Some(evidence.pin)) else {
            return;
        };
        let Some(hit) = self.waiting.remove(at) else { return };
        let reference = EvidenceRef {
            sha256: hex(&Sha256::digest(&evidence.pcap)),
            packets: evidence.packets.into(),
            bytes: evidence.pcap.len() as u64,
        };
        self.finished.push(Finished::new(hit.draft, Some(&reference), Some(evidence.pcap)));
    }

    /// Finishes what still waits.
    pub(crate) fn release_all(&mut self) {
        for hit in std::mem::take(&mut self.waiting) {
            self.finished.push(Finished::new(hit.draft, None, None));
        }
    }

    /// Named counters of rules and alerts.
    pub(crate) fn counters(&self) -> [(&'static str, u64); 3] {
        let rules = self.matcher.as_ref().map_or(&[][..], Matcher::counters);
        [
            ("rule_candidates", rules.iter().map(|rule| rule.candidates).sum()),
            ("rule_matches", rules.iter().map(|rule| rule.matches).sum()),
            ("rule_unobserved", rules.iter().map(|rule| rule.unobserved).sum()),
        ]
    }

    fn judge(&mut self, event: &Event<'_>) {
        let Some(matcher) = &mut self.matcher else { return };
        let rules = matcher.match_event(event);
        if rules.is_empty() {
            return;
        }
        let rules = rules.to_vec();
        let plan = Arc::clone(matcher.plan());
        for rule in rules {
            if let Some(draft) = self.alerts.draft(&plan, rule, event, self.now) {
                self.fresh.push(Hit { draft, pin: None });
            }
        }
    }

    fn is_printed(&self, kind: EventKind) -> bool {
        self.printed.get(kind as usize).copied().unwrap_or(false)
    }
}

impl Sink for Hub {
    fn event(&mut self, event: &Event<'_>) {
        if self.is_printed(event.kind) {
            json::write_event(&mut self.events, event);
        }
        self.judge(event);
    }

    fn wants(&self, kind: EventKind) -> bool {
        self.wanted.get(kind as usize).copied().unwrap_or(false)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
