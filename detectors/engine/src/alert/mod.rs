//! The alert: what a match becomes. Made once, an ECS 8.17 document as JSON bytes; `schema/alert.schema.json` describes it.

mod id;
mod ordinals;
mod texts;
mod words;

use std::net::IpAddr;
use std::sync::Arc;

use bavn_wire::fields::Field;
use bavn_wire::json::{Key, Own, write_document};
use bavn_wire::messages::{Event, EventKind, Value};
use serde_json::{Value as Json, json};

use crate::correlate::Fired;
use crate::explain::{Leaf, explain};
use crate::indicator::{STRICTEST, strictness};
use crate::plan::Plan;
use crate::view::own_field;

pub use id::{Parts, event_id, flow_key};
pub use ordinals::Ordinals;
use texts::{RuleTexts, SensorTexts, Texts, quoted};

/// Leaves that an alert names.
const MAX_MATCHED: usize = 50;

/// What every alert of a sensor says of the sensor.
#[derive(Clone)]
pub struct Settings {
    /// The agency.
    pub agency: String,
    /// The sensor.
    pub sensor: String,
    /// Version of the software.
    pub version: String,
    /// Traffic Light Protocol label.
    pub tlp: String,
    /// Retention class.
    pub retention: String,
    /// The sensor's key, for identifiers.
    pub key: [u8; 32],
}

/// A capture that was kept for an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRef {
    /// SHA-256 of the capture, hex.
    pub sha256: String,
    /// Packets in it.
    pub packets: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Makes alerts of matches, and numbers them within their flow.
pub struct Alerts {
    settings: Settings,
    ordinals: Ordinals,
    texts: Texts,
}

/// What a summary counts an alert by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertHead {
    /// Level of the rule.
    pub level: &'static str,
    /// Title of the rule.
    pub rule: Arc<str>,
    /// Originator of the flow, where there is one.
    pub source: Option<IpAddr>,
}

/// An alert that lacks only its evidence; borrows nothing of the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertDraft {
    /// `event.id`.
    pub id: String,
    /// Place of the rule in the plan.
    pub rule: u32,
    /// Number of the flow, 0 for none.
    pub flow: u64,
    /// Number of the packet.
    pub packet: u64,
    /// Time of the packet, nanoseconds since the epoch.
    pub time: u64,
    /// What it is counted by.
    pub head: AlertHead,
    document: Vec<u8>,
}

impl Alerts {
    /// For that sensor.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { texts: Texts::new(&settings), settings, ordinals: Ordinals::default() }
    }

    /// How many (rule, flow) ordinals were forgotten for want of room.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.ordinals.evicted()
    }

    /// The alert of a match, at the hit, while the event is still there. `created` is the sensor's clock,
    /// nanoseconds since the epoch. `None` where the plan has no such rule.
    pub fn draft(&mut self, plan: &Plan, rule: u32, event: &Event<'_>, created: u64) -> Option<AlertDraft> {
        let matched =
            explain(plan, rule as usize, event).map(|tree| tree.matched().into_iter().cloned().collect());
        let matched: Vec<Leaf> = matched.unwrap_or_default();
        self.draft_of(plan, rule, event, created, &matched)
    }

    /// The alert of a correlation that fired on the event at hand, or, where a span's end brought it, on none: then it
    /// tells of the group alone.
    pub fn draft_correlated(
        &mut self,
        plan: &Plan,
        fired: &Fired,
        event: Option<&Event<'_>>,
        created: u64,
    ) -> Option<AlertDraft> {
        match event.filter(|_| !fired.is_late) {
            Some(event) => self.draft_of(plan, fired.rule, event, created, &fired.leaves),
            None => fired.with_event(|event| self.draft_of(plan, fired.rule, event, created, &fired.leaves)),
        }
    }

    fn draft_of(
        &mut self,
        plan: &Plan,
        rule: u32,
        event: &Event<'_>,
        created: u64,
        matched: &[Leaf],
    ) -> Option<AlertDraft> {
        let known = plan.rules().get(rule as usize)?;
        let ordinal = self.ordinals.next(&known.id, event.flow.id);
        let parts = Parts {
            rule: &known.id,
            version: &known.version,
            flow: &flow_key(event.flow),
            start: event.flow.start,
            time: event.time,
            ordinal,
        };
        let id = event_id(&self.settings.key, &parts);
        let (sensor, texts) = self.texts.of(plan, rule, known, event.kind);
        let facts = Facts { id: &id, ordinal, created, matched, sensor, rule: texts };
        let document = facts.write(event);
        let source = Some(event.flow.ip[0]).filter(|_| event.flow.id != 0);
        let head = AlertHead { level: known.level.name(), rule: Arc::clone(&texts.title), source };
        let (flow, packet, time) = (event.flow.id, event.packet, event.time);
        Some(AlertDraft { id, rule, flow, packet, time, head, document })
    }
}

impl AlertDraft {
    /// The document, with its evidence where some was kept.
    #[must_use]
    pub fn finish(mut self, evidence: Option<&EvidenceRef>) -> Vec<u8> {
        const OPEN: &[u8] = b"\"bavn\":{";
        // The first object after `@timestamp`, whose value has no such text.
        let place = memchr::memmem::find(&self.document, OPEN).map(|at| at + OPEN.len());
        if let (Some(place), Some(evidence)) = (place, evidence) {
            let EvidenceRef { sha256, packets, bytes } = evidence;
            let entry = json!({"sha256": sha256, "packets": packets, "bytes": bytes});
            let text = format!("\"evidence\":{entry},");
            self.document.splice(place..place, text.into_bytes());
        }
        self.document
    }
}

/// All that a document is made of beside the event.
struct Facts<'a> {
    id: &'a str,
    ordinal: u32,
    created: u64,
    matched: &'a [Leaf],
    sensor: &'a SensorTexts,
    rule: &'a RuleTexts,
}

/// The alert's own names, sorted.
static KEYS: [Key; 27] = [
    Key::new("@timestamp"),
    Key::new("bavn.agency"),
    Key::new("bavn.contract.version"),
    Key::new("bavn.event.dataset"),
    Key::new("bavn.flow.id"),
    Key::new("bavn.level"),
    Key::new("bavn.matched"),
    Key::new("bavn.packet"),
    Key::new("bavn.plan"),
    Key::new("bavn.pseudonym.key_version"),
    Key::new("bavn.retention.class"),
    Key::new("bavn.rule"),
    Key::new("bavn.schema"),
    Key::new("bavn.sensor"),
    Key::new("bavn.tlp"),
    Key::new("bavn.unobserved"),
    Key::new("ecs.version"),
    Key::new("event.category"),
    Key::new("event.created"),
    Key::new("event.dataset"),
    Key::new("event.id"),
    Key::new("event.kind"),
    Key::new("event.module"),
    Key::new("event.reason"),
    Key::new("event.sequence"),
    Key::new("event.severity"),
    Key::new("event.type"),
];
/// The names after `event`, sorted.
static MORE: [Key; 7] = [
    Key::new("message"),
    Key::new("observer"),
    Key::new("organization.id"),
    Key::new("rule"),
    Key::new("threat.framework"),
    Key::new("threat.tactic"),
    Key::new("threat.technique"),
];

impl Facts<'_> {
    fn write(&self, event: &Event<'_>) -> Vec<u8> {
        let Self { sensor, rule, .. } = self;
        let flow = if event.flow.id == 0 { Own::Value(Value::Unobserved) } else { number(event.flow.id) };
        let (matched, reason) = (words::matched(self.matched), quoted(&words::reason(self.matched)));
        let (id, tlp) = (quoted(self.id), quoted(tlp_of(event, &sensor.tlp)));
        let values = [
            Own::Value(Value::Time(event.time)),
            Own::Raw(&sensor.agency),
            Own::Raw(br#""default-1""#),
            Own::Raw(&rule.dataset),
            flow,
            Own::Raw(&rule.level),
            Own::Raw(&matched),
            number(event.packet),
            Own::Raw(&rule.plan),
            number(0),
            Own::Raw(&sensor.retention),
            Own::Raw(&rule.about),
            number(1),
            Own::Raw(&sensor.sensor),
            Own::Raw(&tlp),
            Own::Unobserved,
            Own::Raw(br#""8.17.0""#),
            Own::Raw(br#"["intrusion_detection","network"]"#),
            Own::Value(Value::Time(self.created)),
            Own::Raw(br#""bavn.alert""#),
            Own::Raw(&id),
            Own::Raw(br#""alert""#),
            Own::Raw(br#""bavn""#),
            Own::Raw(&reason),
            number(self.ordinal.into()),
            number(rule.severity),
            Own::Raw(br#"["info"]"#),
        ];
        let more = [
            Own::Raw(&rule.message),
            Own::Raw(&sensor.observer),
            Own::Raw(&sensor.agency),
            Own::Raw(&rule.ecs),
            raw_or_none(rule.threat.framework.as_deref()),
            raw_or_none(rule.threat.tactic.as_deref()),
            raw_or_none(rule.threat.technique.as_deref()),
        ];
        let own: Vec<_> = KEYS.iter().zip(values).chain(MORE.iter().zip(more)).collect();
        let mut out = Vec::with_capacity(4096);
        write_document(&mut out, event, &own);
        out
    }
}

/// The sensor's mark, or the indicator's where that is stricter. What tells of indicators without a mark of its own (a
/// correlation over several) is for the eyes of those that it was given to.
fn tlp_of<'a>(event: &Event<'a>, own: &'a str) -> &'a str {
    if event.kind != EventKind::Indicator {
        return own;
    }
    let marked = match own_field(event, Field::ThreatIndicatorMarkingTlp) {
        Some(Value::Text(tlp)) => std::str::from_utf8(tlp).unwrap_or(STRICTEST),
        _ => STRICTEST,
    };
    if strictness(marked) > strictness(own) { marked } else { own }
}

fn raw_or_none(json: Option<&[u8]>) -> Own<'_> {
    json.map_or(Own::Value(Value::Unobserved), Own::Raw)
}

const fn number(number: u64) -> Own<'static> {
    Own::Value(Value::Number(number))
}

fn bytes(json: &Json) -> Vec<u8> {
    json.to_string().into_bytes()
}
