//! Where a worker's events go: to the rules, to the printer, or to both.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;

use bavn_engine::alert::{AlertDraft, AlertHead, Alerts, EvidenceRef};
use bavn_engine::correlate::{Correlator, Fired};
use bavn_engine::indicator::{Counts as Looked, Set, Watch};
use bavn_engine::owned::{self, OwnedEvent};
use bavn_engine::{Matcher, Plan, RuleCounters};
use bavn_wire::fields::Field;
use bavn_wire::flow::{Evidence, PinId};
use bavn_wire::json;
use bavn_wire::messages::{Event, EventKind, Sink};
use bavn_wire::pipeline::Wire;
use sha2::{Digest, Sha256};

use crate::judge::Judge;
use crate::settings::Settings;

/// Alerts of one step; then the loop hands them out before it reads on.
pub(crate) const MAX_ALERTS: usize = 10_000;
/// Bytes of printed events of one step.
pub(crate) const MAX_EVENT_BYTES: usize = 128 << 10;
/// Bytes of the captures of one step, and of those behind an alert that is not complete.
pub(crate) const MAX_CAPTURE_BYTES: usize = 16 << 20;
/// Alerts behind one that is not complete; with more, it gets what packets there are.
const MAX_QUEUED: usize = 4096;

/// Named counters of a hub.
pub(crate) const COUNTERS: usize = 10;

/// Where something was found: what every worker finds falls into one order by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The frame at hand, or the time that passed: what the source gave, counted from 1.
    pub(crate) turn: u64,
    pub(crate) phase: Phase,
    /// The flow that was ended or told of the time, by its number; 0 in other phases.
    pub(crate) flow: u64,
}

/// Steps of a turn, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Flows that are due are ended or told of the time, in the order of their numbers.
    #[default]
    Due,
    /// What the frame shows beside what others have shown.
    Telling,
    /// The frame itself.
    Frame,
}

/// Hits that correlations are to look at, at an event.
pub(crate) struct Feed {
    pub(crate) rules: Vec<u32>,
    pub(crate) event: OwnedEvent,
}

/// What leaves a hub in the order of the hits.
pub(crate) enum Item {
    Alert(Finished),
    /// Only from a hub that leaves correlations to another.
    Feed(Feed, Option<Arc<Capture>>),
}

/// What a hub found since the last look.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) items: Vec<(Place, Item)>,
    pub(crate) events: Vec<u8>,
    /// Events for others to look at, as [`owned::write`] has them.
    pub(crate) seen: Vec<u8>,
    /// End of each printed event, where places are kept.
    pub(crate) ends: Vec<(Place, usize)>,
    /// Captures of flows whose parser failed.
    pub(crate) failures: Vec<(Place, Vec<u8>)>,
}

/// A finished alert and the capture of its flow; alerts of one flow and packet share it.
pub(crate) struct Finished {
    pub(crate) alert: Vec<u8>,
    pub(crate) evidence: Option<Arc<Vec<u8>>>,
    pub(crate) head: AlertHead,
}

/// What is on its way. All leave in the order of their hits.
struct Hit {
    place: Place,
    what: Fresh,
    is_complete: bool,
    capture: Option<Arc<Capture>>,
}

enum Fresh {
    Draft(AlertDraft),
    Feed(Feed),
}

impl Fresh {
    const fn flow(&self) -> u64 {
        match self {
            Self::Draft(draft) => draft.flow,
            Self::Feed(feed) => feed.event.flow(),
        }
    }
}

/// A capture that was kept.
pub(crate) struct Capture {
    pcap: Arc<Vec<u8>>,
    reference: EvidenceRef,
}

/// The sink of one worker.
pub(crate) struct Hub {
    /// Wall time of the step, nanoseconds since the epoch.
    pub(crate) now: u64,
    /// Where events of now are found.
    pub(crate) place: Place,
    found: Found,
    observed: [bool; EventKind::ALL.len()],
    /// Who judges in place of matcher and correlator.
    judge: Option<Judge>,
    matcher: Option<Matcher>,
    correlator: Option<Correlator>,
    /// This is one of several workers: places are kept, correlations are left to who sees the hits of all.
    is_member: bool,
    /// What correlations have found at the event at hand.
    fired: Vec<Fired>,
    alerts: Alerts,
    /// What every event is looked through for.
    watch: Option<Watch>,
    /// Somebody wants to know of indicators.
    is_watching: bool,
    fresh: VecDeque<(Place, Fresh)>,
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
        Self::of(plan, settings, false)
    }

    /// The hub of one of several workers.
    pub(crate) fn member(plan: Option<Arc<Plan>>, settings: &Settings) -> Result<Self, String> {
        Self::of(plan, settings, true)
    }

    fn of(plan: Option<Arc<Plan>>, settings: &Settings, is_member: bool) -> Result<Self, String> {
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
            place: Place::default(),
            found: Found::default(),
            observed,
            judge: None,
            matcher: None,
            correlator: None,
            is_member,
            fired: Vec::new(),
            alerts: Alerts::new(settings.alerts()?),
            watch: None,
            is_watching: false,
            fresh: VecDeque::new(),
            queue: VecDeque::new(),
            left: 0,
            pins: HashMap::new(),
            queued_bytes: 0,
            finished_bytes: 0,
            printed,
            wants_old_digests: false,
            wanted: [false; EventKind::ALL.len()],
            came: [0; EventKind::ALL.len()],
            retired: RuleCounters::default(),
        };
        match plan {
            Some(plan) => hub.swap(plan),
            None => hub.work_out_wants(),
        }
        Ok(hub)
    }

    /// Judges by another plan from the next event on.
    pub(crate) fn swap(&mut self, plan: Arc<Plan>) {
        let before = self.correlator.take();
        let correlator = Correlator::new(Arc::clone(&plan)).continuing(before);
        self.correlator = Some(correlator).filter(|one| one.is_needed() && self.judge.is_none());
        self.retired = self.rules_together();
        self.matcher = Some(Matcher::new(plan));
        self.work_out_wants();
    }

    /// Looks for other indicators from the next event on; what was told of in a flow is not told again.
    pub(crate) fn set_indicators(&mut self, set: Option<Arc<Set>>) {
        let before = self.watch.take();
        let set = set.or_else(|| before.is_some().then(Arc::default));
        self.watch = set.map(|set| Watch::new(set, before));
        self.work_out_wants();
    }

    /// What is printed, handed out, judged by a rule, or looked through for indicators that one of these wants.
    fn work_out_wants(&mut self) {
        let plan = self.plan();
        let is_asked = |hub: &Self, kind| {
            hub.is_printed(kind)
                || hub.is_observed(kind)
                || plan.as_ref().is_some_and(|plan| plan.wants(kind))
        };
        let has_any = self.watch.as_ref().is_some_and(|watch| !watch.set().is_empty());
        self.is_watching = has_any && is_asked(self, EventKind::Indicator);
        let watch = self.watch.as_ref().filter(|_| self.is_watching);
        let mut wanted = self.wanted;
        for (kind, wanted) in EventKind::ALL.iter().zip(&mut wanted) {
            *wanted = is_asked(self, *kind) || watch.is_some_and(|watch| watch.wants(*kind));
        }
        self.wants_old_digests = self.is_printed(EventKind::File)
            || self.is_observed(EventKind::File)
            || watch.is_some_and(Watch::wants_old_digests)
            || plan.is_some_and(|plan| plan.uses(&[Field::FileHashMd5, Field::FileHashSha1]));
        self.wanted = wanted;
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
    pub(crate) fn is_full(&self) -> bool {
        self.found.items.len() >= MAX_ALERTS
            || self.found.events.len() >= MAX_EVENT_BYTES
            || self.found.seen.len() >= MAX_EVENT_BYTES
            || self.finished_bytes >= MAX_CAPTURE_BYTES
    }

    /// Asks the wire to keep the packets of fresh hits, and finishes the alerts whose packets are complete.
    pub(crate) fn settle(&mut self, wire: &mut Wire) {
        let mut last = None;
        while let Some((place, what)) = self.fresh.pop_front() {
            let at = what.flow();
            let pin = match last {
                Some((flow, pin)) if flow == at => pin,
                _ => {
                    self.collect(wire);
                    wire.pin(at)
                }
            };
            last = Some((at, pin));
            self.enqueue(place, what, pin);
        }
        self.collect(wire);
        if self.queue.len() >= MAX_QUEUED || self.queued_bytes >= MAX_CAPTURE_BYTES {
            wire.complete_evidence();
            self.collect(wire);
        }
    }

    /// Finishes the alerts of fresh hits on events whose packets others saw.
    pub(crate) fn settle_without_packets(&mut self) {
        while let Some((place, what)) = self.fresh.pop_front() {
            self.enqueue(place, what, None);
        }
        self.hand_on();
    }

    /// Finishes what still waits, without its packets.
    pub(crate) fn release_all(&mut self) {
        self.pins.clear();
        for hit in &mut self.queue {
            hit.is_complete = true;
        }
        self.hand_on();
    }

    /// What was found since the last call.
    pub(crate) fn take(&mut self) -> Found {
        self.finished_bytes = 0;
        std::mem::take(&mut self.found)
    }

    /// Lets another judge from the next event on.
    pub(crate) fn set_judge(&mut self, judge: Judge) {
        self.correlator = None;
        self.judge = Some(judge);
    }

    /// Who judges in place of matcher and correlator.
    pub(crate) fn judge_mut(&mut self) -> Option<&mut Judge> {
        self.judge.as_mut()
    }

    /// The plan that rules' numbers are of.
    fn plan(&self) -> Option<Arc<Plan>> {
        self.matcher.as_ref().map(|matcher| Arc::clone(matcher.plan()))
    }

    /// Takes an events' buffer back, so that the next need not grow.
    pub(crate) fn recycle(&mut self, mut events: Vec<u8>) {
        if self.found.events.is_empty() {
            events.clear();
            self.found.events = events;
        }
    }

    /// The first place of which something is still to leave; none where all has left.
    pub(crate) fn waits_at(&self) -> Option<Place> {
        self.queue.front().map(|hit| hit.place)
    }

    fn enqueue(&mut self, place: Place, what: Fresh, pin: Option<PinId>) {
        if let Some(pin) = pin {
            self.pins.entry(pin).or_default().push(self.left + self.queue.len() as u64);
        }
        self.queue.push_back(Hit { place, what, is_complete: pin.is_none(), capture: None });
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
            self.found.failures.push((self.place, evidence.pcap));
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
            let bytes = hit.capture.as_deref().map_or(0, |capture| capture.pcap.len());
            self.queued_bytes = self.queued_bytes.saturating_sub(bytes);
            self.finished_bytes += bytes;
            let item = match hit.what {
                Fresh::Draft(draft) => Item::Alert(Finished::new(draft, hit.capture.as_deref())),
                Fresh::Feed(feed) => Item::Feed(feed, hit.capture),
            };
            self.found.items.push((hit.place, item));
        }
    }

    /// Named counters of rules, alerts and indicators.
    pub(crate) fn counters(&self) -> [(&'static str, u64); COUNTERS] {
        let rules = self.rules_together();
        let correlated = self.correlator.as_ref().filter(|_| !self.is_member);
        let [groups, evicted, without_group, lost] = correlation_counters(correlated);
        let Looked { looked_up, matches, repeated } =
            self.watch.as_ref().map(Watch::counts).unwrap_or_default();
        [
            groups,
            evicted,
            without_group,
            lost,
            ("rule_candidates", rules.candidates),
            ("rule_matches", rules.matches),
            ("rule_unobserved", rules.unobserved),
            ("indicator_lookups", looked_up),
            ("indicator_matches", matches),
            ("indicator_repeated", repeated),
        ]
    }

    fn judge(&mut self, event: &Event<'_>) {
        if self.judge.is_some() {
            return self.ask_judge(event);
        }
        let Some(matcher) = self.matcher.as_mut() else { return };
        let rules = matcher.match_event(event);
        if rules.is_empty() {
            return;
        }
        let rules = rules.to_vec();
        let plan = Arc::clone(matcher.plan());
        let place = self.place_of(event);
        self.draft(&rules, event, &plan, place);
        self.correlate(rules, event, place);
    }

    #[inline(never)]
    fn ask_judge(&mut self, event: &Event<'_>) {
        let (Some(plan), Some(judge)) = (self.plan(), self.judge.as_mut()) else { return };
        let rules = judge.event(event, &plan, &mut self.fired);
        self.draft(&rules, event, &plan, self.place_of(event));
        self.tell_correlated(Some(event));
    }

    fn draft(&mut self, rules: &[u32], event: &Event<'_>, plan: &Plan, place: Place) {
        for rule in rules {
            if is_quiet(plan, *rule) {
                continue;
            }
            let draft = self.alerts.draft(plan, *rule, event, self.now);
            self.fresh.extend(draft.map(|draft| (place, Fresh::Draft(draft))));
        }
    }

    /// Lets correlations look at the hits of an event, or keeps them for who does.
    fn correlate(&mut self, mut rules: Vec<u32>, event: &Event<'_>, place: Place) {
        let Some(correlator) = &mut self.correlator else { return };
        rules.retain(|rule| correlator.is_fed_by(*rule));
        if rules.is_empty() {
            return;
        }
        if self.is_member {
            let event = OwnedEvent::of(event);
            self.fresh.push_back((place, Fresh::Feed(Feed { rules, event })));
            return;
        }
        for rule in rules {
            correlator.hit(rule, event, &mut self.fired);
        }
        self.tell_correlated(Some(event));
    }

    /// Tells correlations of the time, in which spans end.
    #[inline]
    pub(crate) fn pass_time(&mut self, time: u64, packet: u64) {
        if let Some(correlator) = self.correlator.as_mut().filter(|_| !self.is_member) {
            correlator.advance(time, packet, &mut self.fired);
            self.tell_correlated(None);
        } else if self.judge.is_some() {
            self.pass_time_outside(time, packet);
        }
    }

    #[inline(never)]
    fn pass_time_outside(&mut self, time: u64, packet: u64) {
        let (Some(plan), Some(judge)) = (self.plan(), self.judge.as_mut()) else { return };
        judge.pass_time(time, packet, &plan, &mut self.fired);
        self.tell_correlated(None);
    }

    fn tell_correlated(&mut self, event: Option<&Event<'_>>) {
        if self.fired.is_empty() {
            return;
        }
        let Some(plan) = self.plan() else { return };
        for fired in self.fired.drain(..) {
            if is_quiet(&plan, fired.rule) {
                continue;
            }
            let draft = self.alerts.draft_correlated(&plan, &fired, event, self.now);
            self.fresh.extend(draft.map(|draft| (self.place, Fresh::Draft(draft))));
        }
    }

    fn is_observed(&self, kind: EventKind) -> bool {
        self.observed.get(kind as usize).copied().unwrap_or(false)
    }

    fn place_of(&self, event: &Event<'_>) -> Place {
        let flow = if self.place.phase == Phase::Due { event.flow.id } else { 0 };
        Place { flow, ..self.place }
    }

    fn is_printed(&self, kind: EventKind) -> bool {
        self.printed.get(kind as usize).copied().unwrap_or(false)
    }
}

impl Hub {
    /// Prints, hands out, judges.
    fn pass_on(&mut self, event: &Event<'_>) {
        if let Some(came) = self.came.get_mut(event.kind as usize) {
            *came += 1;
        }
        if self.is_printed(event.kind) {
            json::write_event(&mut self.found.events, event);
            if self.is_member {
                let end = self.found.events.len();
                self.found.ends.push((self.place_of(event), end));
            }
        }
        if self.is_observed(event.kind) {
            owned::write(&mut self.found.seen, event);
        }
        self.judge(event);
    }

    /// Tells of the indicators that an event holds, behind it.
    fn look_through(&mut self, event: &Event<'_>) {
        let mut found = Vec::new();
        if let Some(watch) = &mut self.watch {
            watch.look_through(event, &mut |told| found.push(OwnedEvent::of(told)));
        }
        found.iter().for_each(|told| told.with(|told| self.pass_on(told)));
    }
}

impl Sink for Hub {
    fn event(&mut self, event: &Event<'_>) {
        self.pass_on(event);
        if self.is_watching {
            self.look_through(event);
        }
    }

    fn wants_old_digests(&self) -> bool {
        self.wants_old_digests
    }

    fn wants(&self, kind: EventKind) -> bool {
        self.wanted.get(kind as usize).copied().unwrap_or(false)
    }
}

impl Finished {
    /// A draft with its capture, where some was kept.
    pub(crate) fn new(draft: AlertDraft, capture: Option<&Capture>) -> Self {
        Self {
            head: draft.head.clone(),
            alert: draft.finish(capture.map(|capture| &capture.reference)),
            evidence: capture.map(|capture| Arc::clone(&capture.pcap)),
        }
    }

    /// Bytes it holds.
    pub(crate) fn size(&self) -> usize {
        self.alert.len() + self.evidence.as_ref().map_or(0, |pcap| pcap.len())
    }
}

/// True where a rule's own hits make no alert.
pub(crate) fn is_quiet(plan: &Plan, rule: u32) -> bool {
    plan.rules().get(rule as usize).is_some_and(|rule| rule.quiet)
}

/// Named counters of correlations.
pub(crate) fn correlation_counters(of: Option<&Correlator>) -> [(&'static str, u64); 4] {
    let counts = of.map(Correlator::counts).unwrap_or_default();
    [
        ("correlation_groups", counts.groups),
        ("correlation_evicted", counts.evicted),
        ("correlation_without_group", counts.without_group),
        ("correlation_lost", counts.lost),
    ]
}

impl Capture {
    /// Bytes it holds.
    pub(crate) fn size(&self) -> usize {
        self.pcap.len()
    }

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
