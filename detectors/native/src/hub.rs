//! Where a worker's events go: to the rules, to the printer, or to both.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;

use bavn_engine::alert::{AlertDraft, AlertHead, Alerts, EvidenceRef};
use bavn_engine::correlate::{Correlator, Fired};
use bavn_engine::{Matcher, Plan, RuleCounters, owned};
use bavn_wire::fields::Field;
use bavn_wire::flow::{Evidence, PinId};
use bavn_wire::json;
use bavn_wire::messages::{Event, EventKind, Sink};
use bavn_wire::pipeline::Wire;
use sha2::{Digest, Sha256};

use crate::settings::Settings;

/// Alerts of one step; then the loop hands them out before it reads on.
const MAX_ALERTS: usize = 10_000;
/// Bytes of printed events of one step.
const MAX_EVENT_BYTES: usize = 128 << 10;
/// Bytes of the captures of one step, and of those behind an alert that is not complete.
const MAX_CAPTURE_BYTES: usize = 16 << 20;
/// Alerts behind one that is not complete; with more, it gets what packets there are.
const MAX_QUEUED: usize = 4096;

/// A finished alert and the capture of its flow; alerts of one flow and packet share it.
pub(crate) struct Finished {
    pub(crate) alert: Vec<u8>,
    pub(crate) evidence: Option<Arc<Vec<u8>>>,
    pub(crate) head: AlertHead,
}

/// An alert on its way. All leave in the order of their hits.
struct Hit {
    draft: AlertDraft,
    is_complete: bool,
    capture: Option<Arc<Capture>>,
}

struct Capture {
    pcap: Arc<Vec<u8>>,
    reference: EvidenceRef,
}

/// The sink of one worker.
pub(crate) struct Hub {
    /// Wall time of the step, nanoseconds since the epoch.
    pub(crate) now: u64,
    finished: Vec<Finished>,
    pub(crate) events: Vec<u8>,
    /// Events for others to look at, as [`owned::write`] has them.
    seen: Vec<u8>,
    observed: [bool; EventKind::ALL.len()],
    /// Rules are judged by others, who tell of their hits.
    is_outside: bool,
    /// Captures of flows whose parser failed.
    failures: Vec<Vec<u8>>,
    matcher: Option<Matcher>,
    correlator: Option<Correlator>,
    /// What correlations have found at the event at hand.
    fired: Vec<Fired>,
    alerts: Alerts,
    fresh: VecDeque<AlertDraft>,
    queue: VecDeque<Hit>,
    /// Alerts that have left the queue: the number of its first.
    left: u64,
    /// Numbers of the alerts that wait for a pin.
    pins: HashMap<PinId, Vec<u64>>,
    queued_bytes: usize,
    finished_bytes: usize,
    printed: [bool; EventKind::ALL.len()],
    /// A rule or a reader wants the MD5 or SHA-1 of files.
    wants_old_digests: bool,
    /// Printed, or judged by a rule.
    wanted: [bool; EventKind::ALL.len()],
    /// Events that came, by kind.
    came: [u64; EventKind::ALL.len()],
    /// What the rules of plans before this one did.
    retired: RuleCounters,
}

impl Hub {
    /// A hub that judges by a plan, or only prints where there is none.
    pub(crate) fn new(plan: Option<Arc<Plan>>, settings: &Settings) -> Result<Self, String> {
        let mut printed = [false; EventKind::ALL.len()];
        for kind in settings.printed()? {
            printed[kind as usize] = true;
        }
        let mut observed = [false; EventKind::ALL.len()];
        for kind in settings.observed()? {
            observed[kind as usize] = true;
        }
        let mut hub = Self {
            now: 0,
            seen: Vec::new(),
            observed,
            is_outside: settings.outside,
            finished: Vec::new(),
            events: Vec::new(),
            matcher: None,
            correlator: None,
            fired: Vec::new(),
            alerts: Alerts::new(settings.alerts()?),
            failures: Vec::new(),
            fresh: VecDeque::new(),
            queue: VecDeque::new(),
            left: 0,
            pins: HashMap::new(),
            queued_bytes: 0,
            finished_bytes: 0,
            printed,
            wants_old_digests: printed[EventKind::File as usize] || observed[EventKind::File as usize],
            wanted: std::array::from_fn(|kind| printed[kind] || observed[kind]),
            came: [0; EventKind::ALL.len()],
            retired: RuleCounters::default(),
        };
        if let Some(plan) = plan {
            hub.swap(plan);
        }
        Ok(hub)
    }

    /// Judges by another plan from the next event on.
    pub(crate) fn swap(&mut self, plan: Arc<Plan>) {
        for kind in EventKind::ALL {
            self.wanted[*kind as usize] =
                self.is_printed(*kind) || self.is_observed(*kind) || plan.wants(*kind);
        }
        self.wants_old_digests = self.is_printed(EventKind::File)
            || self.is_observed(EventKind::File)
            || plan.uses(&[Field::FileHashMd5, Field::FileHashSha1]);
        let before = self.correlator.take();
        let correlator = Correlator::new(Arc::clone(&plan)).continuing(before);
        self.correlator = Some(correlator).filter(Correlator::is_needed);
        self.retired = self.rules_together();
        self.correlator = self.correlator.take().filter(|_| !self.is_outside);
        self.matcher = Some(Matcher::new(plan));
    }

    /// What each rule of the plan did since the plan runs.
    pub(crate) fn rules(&self) -> Vec<RuleCounters> {
        self.matcher.as_ref().map(Matcher::counters).unwrap_or_default()
    }

    /// Events that came, by kind; kinds that nobody wants are never made.
    pub(crate) fn came(&self) -> impl Iterator<Item = (&'static str, u64)> {
        EventKind::ALL.iter().map(|kind| kind.name()).zip(self.came)
    }

    fn rules_together(&self) -> RuleCounters {
        self.rules().iter().fold(self.retired, |sum, rule| RuleCounters {
            candidates: sum.candidates + rule.candidates,
            matches: sum.matches + rule.matches,
            unobserved: sum.unobserved + rule.unobserved,
        })
    }

    /// Kinds that are printed or judged.
    pub(crate) fn kinds(&self) -> Vec<EventKind> {
        EventKind::ALL.iter().copied().filter(|kind| self.wants(*kind)).collect()
    }

    /// True where rules have matched since the last call of `settle`.
    pub(crate) fn has_new(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// True where enough was found to hand it out.
    pub(crate) const fn is_full(&self) -> bool {
        self.finished.len() >= MAX_ALERTS
            || self.events.len() >= MAX_EVENT_BYTES
            || self.seen.len() >= MAX_EVENT_BYTES
            || self.finished_bytes >= MAX_CAPTURE_BYTES
    }

    /// Asks the wire to keep the packets of fresh hits, and finishes the alerts whose packets are complete.
    pub(crate) fn settle(&mut self, wire: &mut Wire) {
        let mut last = None;
        while let Some(draft) = self.fresh.pop_front() {
            let pin = match last {
                Some((flow, pin)) if flow == draft.flow => pin,
                _ => {
                    self.collect(wire);
                    wire.pin(draft.flow)
                }
            };
            last = Some((draft.flow, pin));
            self.enqueue(draft, pin);
        }
        self.collect(wire);
        if self.queue.len() >= MAX_QUEUED || self.queued_bytes >= MAX_CAPTURE_BYTES {
            wire.complete_evidence();
            self.collect(wire);
        }
    }

    /// Finishes what still waits, without its packets.
    pub(crate) fn release_all(&mut self) {
        self.pins.clear();
        for hit in &mut self.queue {
            hit.is_complete = true;
        }
        self.hand_on();
    }

    /// Finished alerts, printed events, captures of failures, and events for others to look at.
    pub(crate) fn take(&mut self) -> (Vec<Finished>, Vec<u8>, Vec<Vec<u8>>, Vec<u8>) {
        use std::mem::take;
        self.finished_bytes = 0;
        (take(&mut self.finished), take(&mut self.events), take(&mut self.failures), take(&mut self.seen))
    }

    /// Takes the hits of rules on an event that others have judged.
    pub(crate) fn tell(&mut self, rules: &[u32], event: &Event<'_>) {
        let Some(plan) = self.plan() else { return };
        for rule in rules {
            self.fresh.extend(self.alerts.draft(&plan, *rule, event, self.now));
        }
    }

    /// Takes a correlation that others have found to hold; on the event at hand, where there is one.
    pub(crate) fn tell_found(&mut self, fired: &Fired, event: Option<&Event<'_>>) {
        let Some(plan) = self.plan() else { return };
        self.fresh.extend(self.alerts.draft_correlated(&plan, fired, event, self.now));
    }

    /// The plan that rules' numbers are of.
    pub(crate) fn plan(&self) -> Option<Arc<Plan>> {
        self.matcher.as_ref().map(|matcher| Arc::clone(matcher.plan()))
    }

    fn enqueue(&mut self, draft: AlertDraft, pin: Option<PinId>) {
        if let Some(pin) = pin {
            self.pins.entry(pin).or_default().push(self.left + self.queue.len() as u64);
        }
        self.queue.push_back(Hit { draft, is_complete: pin.is_none(), capture: None });
    }

    fn collect(&mut self, wire: &mut Wire) {
        if wire.has_evidence() {
            for evidence in wire.take_evidence() {
                self.complete(evidence);
            }
        }
        self.hand_on();
    }

    fn complete(&mut self, evidence: Evidence) {
        if evidence.is_failure {
            self.failures.push(evidence.pcap);
            return;
        }
        let numbers = self.pins.remove(&evidence.pin).unwrap_or_default();
        let capture = Arc::new(Capture::new(evidence));
        self.queued_bytes += capture.pcap.len() * numbers.len();
        for number in numbers {
            if let Some(hit) = self.queue.get_mut((number - self.left) as usize) {
                hit.is_complete = true;
                hit.capture = Some(Arc::clone(&capture));
            }
        }
    }

    /// Moves what is complete from the front of the queue.
    fn hand_on(&mut self) {
        while self.queue.front().is_some_and(|hit| hit.is_complete) {
            let Some(hit) = self.queue.pop_front() else { break };
            self.left += 1;
            let capture = hit.capture.as_deref();
            let bytes = capture.map_or(0, |capture| capture.pcap.len());
            self.queued_bytes = self.queued_bytes.saturating_sub(bytes);
            self.finished_bytes += bytes;
            self.finished.push(Finished {
                head: hit.draft.head.clone(),
                alert: hit.draft.finish(capture.map(|capture| &capture.reference)),
                evidence: capture.map(|capture| Arc::clone(&capture.pcap)),
            });
        }
    }

    /// Named counters of rules and alerts.
    pub(crate) fn counters(&self) -> [(&'static str, u64); 7] {
        let rules = self.rules_together();
        let correlated = self.correlator.as_ref().map(Correlator::counts).unwrap_or_default();
        [
            ("correlation_groups", correlated.groups),
            ("correlation_evicted", correlated.evicted),
            ("correlation_without_group", correlated.without_group),
            ("correlation_lost", correlated.lost),
            ("rule_candidates", rules.candidates),
            ("rule_matches", rules.matches),
            ("rule_unobserved", rules.unobserved),
        ]
    }

    fn judge(&mut self, event: &Event<'_>) {
        let Some(matcher) = self.matcher.as_mut().filter(|_| !self.is_outside) else { return };
        let rules = matcher.match_event(event);
        if rules.is_empty() {
            return;
        }
        let rules = rules.to_vec();
        let plan = Arc::clone(matcher.plan());
        for rule in rules {
            if let Some(correlator) = &mut self.correlator {
                correlator.hit(rule, event, &mut self.fired);
            }
            if plan.rules().get(rule as usize).is_some_and(|rule| rule.quiet) {
                continue;
            }
            self.fresh.extend(self.alerts.draft(&plan, rule, event, self.now));
        }
        self.tell_correlated(Some(event));
    }

    /// Tells correlations of the time, in which spans end.
    #[inline]
    pub(crate) fn pass_time(&mut self, time: u64, packet: u64) {
        if let Some(correlator) = &mut self.correlator {
            correlator.advance(time, packet, &mut self.fired);
            self.tell_correlated(None);
        }
    }

    fn tell_correlated(&mut self, event: Option<&Event<'_>>) {
        if self.fired.is_empty() {
            return;
        }
        let Some(plan) = self.plan() else { return };
        for fired in self.fired.drain(..) {
            if plan.rules().get(fired.rule as usize).is_some_and(|rule| rule.quiet) {
                continue;
            }
            self.fresh.extend(self.alerts.draft_correlated(&plan, &fired, event, self.now));
        }
    }

    fn is_observed(&self, kind: EventKind) -> bool {
        self.observed.get(kind as usize).copied().unwrap_or(false)
    }

    fn is_printed(&self, kind: EventKind) -> bool {
        self.printed.get(kind as usize).copied().unwrap_or(false)
    }
}

impl Sink for Hub {
    fn event(&mut self, event: &Event<'_>) {
        if let Some(came) = self.came.get_mut(event.kind as usize) {
            *came += 1;
        }
        if self.is_printed(event.kind) {
            json::write_event(&mut self.events, event);
        }
        if self.is_outside || self.is_observed(event.kind) {
            owned::write(&mut self.seen, event);
        }
        self.judge(event);
    }

    fn wants_old_digests(&self) -> bool {
        self.wants_old_digests
    }

    fn wants(&self, kind: EventKind) -> bool {
        self.wanted.get(kind as usize).copied().unwrap_or(false)
    }
}

impl Capture {
    fn new(evidence: Evidence) -> Self {
        let reference = EvidenceRef {
            sha256: hex(&Sha256::digest(&evidence.pcap)),
            packets: evidence.packets.into(),
            bytes: evidence.pcap.len() as u64,
        };
        Self { pcap: Arc::new(evidence.pcap), reference }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
