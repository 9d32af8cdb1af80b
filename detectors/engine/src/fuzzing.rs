//! What fuzzers call, and the replay of their corpus in the ordinary tests (feature `fuzzing`).
//!
//! - [`rules`]: frames as `bavn_wire::fuzzing::packets` takes them, judged by a plan.
//! - [`scan`]: a capture file, judged by a plan.
//! - [`plan`]: a plan without its digest, which is added; correlations see the events twice, a minute apart.
//! - [`event`]: an owned event, judged by a plan.

use std::sync::Arc;

use bavn_wire::fuzzing::packets;
use bavn_wire::messages::{Event, EventKind, Sink};
use sha2::{Digest as _, Sha256};

use crate::alert::{AlertDraft, Alerts, EvidenceRef, Settings};
use crate::condition::Outcome;
use crate::correlate::{Correlator, Fired};
use crate::explain::explain;
use crate::flood::Flood;
use crate::owned::OwnedEvent;
use crate::{Matcher, Plan, naive};

/// Judges events in all ways there are, and holds them to each other.
pub struct Judge {
    plan: Arc<Plan>,
    matcher: Matcher,
    alerts: Alerts,
    flood: Flood,
    correlator: Correlator,
    fired: Vec<Fired>,
    /// Alerts that were made.
    pub alerted: usize,
}

/// Groups that correlations may keep: so few that some go.
const MAX_GROUPS: usize = 64;
/// Nanoseconds.
const MINUTE: u64 = 60_000_000_000;

impl Judge {
    /// By that plan.
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        let settings = Settings {
            agency: "agency".into(),
            sensor: "sensor".into(),
            version: "0".into(),
            tlp: "AMBER".into(),
            retention: "other".into(),
            key: [7; 32],
        };
        let (matcher, flood) = (Matcher::new(Arc::clone(&plan)), Flood::new(plan.rules()));
        let correlator = Correlator::with_limit(Arc::clone(&plan), MAX_GROUPS);
        let alerts = Alerts::new(settings);
        Self { plan, matcher, alerts, flood, correlator, fired: Vec::new(), alerted: 0 }
    }

    fn alert(&mut self, rule: u32, event: &Event<'_>) {
        self.flood.decide(rule, event.time);
        let tree = explain(&self.plan, rule as usize, event);
        assert!(
            tree.is_some_and(|tree| tree.outcome() == Outcome::True),
            "the explanation of a hit is no hit"
        );
        let draft = self.alerts.draft(&self.plan, rule, event, event.time);
        self.finish(draft);
    }

    fn finish(&mut self, draft: Option<AlertDraft>) {
        let evidence = EvidenceRef { sha256: "00".repeat(32), packets: 1, bytes: 40 };
        let document = draft.map(|draft| draft.finish(Some(&evidence))).unwrap_or_default();
        let read = serde_json::from_slice::<serde_json::Value>(&document);
        assert!(read.is_ok(), "an alert that is no JSON");
        self.alerted += 1;
    }

    /// Makes the alerts of correlations that hold; `event` is the one at hand.
    fn correlated(&mut self, event: Option<&Event<'_>>) {
        assert!(self.correlator.counts().groups <= MAX_GROUPS as u64, "more groups than the limit");
        for fired in std::mem::take(&mut self.fired) {
            let draft = self.alerts.draft_correlated(&self.plan, &fired, event, fired.time);
            self.finish(draft);
        }
    }

    /// Lets every span end that began before that time.
    fn pass(&mut self, time: u64) {
        self.correlator.advance(time, u64::MAX, &mut self.fired);
        self.correlated(None);
    }
}

impl Sink for Judge {
    fn event(&mut self, event: &Event<'_>) {
        let hits = self.matcher.match_event(event).to_vec();
        let slowly = naive::outcomes(&self.plan, event).into_iter().zip(0..);
        let wanted: Vec<u32> =
            slowly.filter(|(one, _)| *one == Outcome::True).map(|(_, rule)| rule).collect();
        assert_eq!(hits, wanted, "the index and the trees differ");
        self.pass(event.time);
        for rule in hits {
            self.correlator.hit(rule, event, &mut self.fired);
            self.alert(rule, event);
        }
        self.correlated(Some(event));
    }

    fn wants(&self, kind: EventKind) -> bool {
        self.plan.wants(kind)
    }
}

/// Runs frames through a worker and its events through the plan; gives how many alerts came.
pub fn rules(input: &[u8], plan: &Arc<Plan>) -> usize {
    let mut judge = Judge::new(Arc::clone(plan));
    packets(input, &mut judge);
    judge.alerted
}

/// Runs a capture file through a worker and its events through the plan; gives how many alerts came.
pub fn scan(input: &[u8], plan: &Arc<Plan>) -> usize {
    let mut judge = Judge::new(Arc::clone(plan));
    bavn_wire::fuzzing::scan(input, &mut judge);
    judge.alerted
}

/// Loads a plan and asks it about events; true where it was loaded.
pub fn plan(input: &[u8], events: &[OwnedEvent]) -> bool {
    // Without the opening brace, behind which the digest goes.
    let rest = input.strip_prefix(b"{").unwrap_or(input);
    let hash = Sha256::new().chain_update(b"{").chain_update(rest).finalize();
    let digest: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let json = [b"{\"digest\":\"", digest.as_bytes(), b"\",", rest].concat();
    let loaded = match Plan::load(&json) {
        Ok((plan, errors)) => {
            assert!(errors.iter().all(|error| !error.to_string().is_empty()), "an error without a sentence");
            plan
        }
        Err(error) => {
            assert!(!error.to_string().is_empty(), "an error without a sentence");
            return false;
        }
    };
    let mut judge = Judge::new(Arc::new(loaded));
    for event in events {
        event.with(|event| judge.event(event));
    }
    for event in events {
        event.with(|event| judge.event(&Event { time: event.time.saturating_add(MINUTE), ..*event }));
    }
    judge.pass(u64::MAX);
    true
}

/// Reads an owned event and judges it; true where it could be read.
pub fn event(input: &[u8], judge: &mut Judge) -> bool {
    match OwnedEvent::from_json(input) {
        Ok(event) => event.with(|event| judge.event(event)),
        Err(error) => {
            assert!(error.to_string().starts_with("BAVN-E050"), "an error without its code");
            return false;
        }
    }
    true
}
