//! What all alerts of a sensor, or of a rule, have in common, as JSON that is written once.

use std::collections::HashMap;
use std::sync::Arc;

use bavn_wire::messages::EventKind;
use serde_json::json;

use super::{Settings, bytes, words};
use crate::plan::{Plan, Rule};

/// A text as JSON.
pub(super) fn quoted(text: &str) -> Vec<u8> {
    json!(text).to_string().into_bytes()
}

/// What a sensor's alerts have in common.
pub(super) struct SensorTexts {
    pub(super) agency: Vec<u8>,
    pub(super) sensor: Vec<u8>,
    /// Traffic Light Protocol mark.
    pub(super) tlp: String,
    pub(super) retention: Vec<u8>,
    pub(super) observer: Vec<u8>,
}

impl SensorTexts {
    fn new(settings: &Settings) -> Self {
        let Settings { agency, sensor, version, tlp, retention, .. } = settings;
        let observer = json!({"type": "sensor", "vendor": "bavn", "product": "bavn", "version": version, "name": sensor});
        Self {
            agency: quoted(agency),
            sensor: quoted(sensor),
            tlp: tlp.clone(),
            retention: quoted(retention),
            observer: bytes(&observer),
        }
    }
}

/// What the alerts of a rule on events of one kind have in common.
pub(super) struct RuleTexts {
    pub(super) title: Arc<str>,
    pub(super) severity: u64,
    pub(super) level: Vec<u8>,
    pub(super) dataset: Vec<u8>,
    pub(super) plan: Vec<u8>,
    pub(super) message: Vec<u8>,
    /// `bavn.rule`.
    pub(super) about: Vec<u8>,
    /// `rule`.
    pub(super) ecs: Vec<u8>,
    /// `threat`, as far as the rule's tags name one.
    pub(super) threat: words::Threat,
}

impl RuleTexts {
    fn new(plan: &Plan, rule: &Rule, kind: EventKind) -> Self {
        Self {
            title: rule.title.as_str().into(),
            severity: rule.level.severity().into(),
            level: quoted(rule.level.name()),
            dataset: quoted(&format!("bavn.{}", kind.name())),
            plan: quoted(&plan.digest),
            message: quoted(&words::message(rule, kind)),
            about: words::bavn_rule(rule),
            ecs: words::ecs_rule(rule, kind),
            threat: words::threat(&rule.tags),
        }
    }
}

/// The texts of a sensor and of the rules of its newest plan that have matched.
pub(super) struct Texts {
    sensor: SensorTexts,
    digest: String,
    rules: HashMap<(u32, EventKind), RuleTexts>,
}

impl Texts {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { sensor: SensorTexts::new(settings), digest: String::new(), rules: HashMap::new() }
    }

    /// Of the rule with that number in the plan.
    pub(super) fn of(
        &mut self,
        plan: &Plan,
        number: u32,
        rule: &Rule,
        kind: EventKind,
    ) -> (&SensorTexts, &RuleTexts) {
        if self.digest != plan.digest {
            self.rules.clear();
            self.digest.clone_from(&plan.digest);
        }
        let texts = self.rules.entry((number, kind)).or_insert_with(|| RuleTexts::new(plan, rule, kind));
        (&self.sensor, texts)
    }
}
