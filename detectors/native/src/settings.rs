//! How a loop runs, as Python says it.

use bavn_engine::alert;
use bavn_wire::messages::EventKind;
use bavn_wire::pipeline::WireConfig;
use serde::Deserialize;

/// Most workers of a loop.
const MAX_WORKERS: usize = 64;
/// Length of the sensor's key in bytes.
pub(crate) const KEY_BYTES: usize = 32;

/// The settings of a loop, from JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The agency's id.
    agency: String,
    /// The sensor's id.
    sensor: String,
    /// Key of the alerts' ids, 64 hex digits.
    key: String,
    /// Traffic Light Protocol mark.
    tlp: String,
    /// Retention class.
    retention: String,
    /// Whether events are printed.
    #[serde(default)]
    pub(crate) events: bool,
    /// Kinds of events that are printed; none is all.
    #[serde(default)]
    kinds: Vec<String>,
    /// Kinds of events that are handed out for others to look at.
    #[serde(default)]
    observe: Vec<String>,
    /// Bytes of the evidence ring.
    #[serde(default)]
    pub(crate) evidence_bytes: usize,
    /// Flows at once; 0 is the default.
    #[serde(default)]
    max_flows: usize,
    /// Whether flows are looked at for sizes, gaps and entropy where no rule asks for it.
    #[serde(default)]
    features: bool,
    /// Whether checksums are checked.
    #[serde(default)]
    checksums: bool,
    /// Limits that shall bite (drills).
    #[serde(default)]
    simulate: Vec<String>,
    /// Threads that share the work.
    #[serde(default = "one")]
    pub(crate) workers: usize,
}

const fn one() -> usize {
    1
}

impl Settings {
    /// Reads and checks them.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub(crate) fn read(json: &[u8]) -> Result<Self, String> {
        let settings: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        settings.key_bytes()?;
        settings.printed()?;
        if !(1..=MAX_WORKERS).contains(&settings.workers) {
            return Err(format!("workers: from 1 to {MAX_WORKERS} are possible"));
        }
        if settings.workers > 1 && !settings.observe.is_empty() {
            return Err("workers: where others look at events there is one".to_owned());
        }
        Ok(settings)
    }

    /// The key.
    ///
    /// # Errors
    /// Where it is not 64 hex digits.
    fn key_bytes(&self) -> Result<[u8; KEY_BYTES], String> {
        let mut key = [0; KEY_BYTES];
        if self.key.len() != 2 * KEY_BYTES || !self.key.is_ascii() {
            return Err(format!("key: {} hex digits are wanted", 2 * KEY_BYTES));
        }
        for (at, byte) in key.iter_mut().enumerate() {
            let two = self.key.get(2 * at..2 * at + 2).unwrap_or_default();
            *byte = u8::from_str_radix(two, 16).map_err(|_| "key: not hex".to_owned())?;
        }
        Ok(key)
    }

    /// What every alert says of this sensor.
    ///
    /// # Errors
    /// Where the key is none.
    pub(crate) fn alerts(&self) -> Result<alert::Settings, String> {
        Ok(alert::Settings {
            agency: self.agency.clone(),
            sensor: self.sensor.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tlp: self.tlp.clone(),
            retention: self.retention.clone(),
            key: self.key_bytes()?,
        })
    }

    /// Kinds that are printed.
    ///
    /// # Errors
    /// Where a name is no kind.
    pub(crate) fn printed(&self) -> Result<Vec<EventKind>, String> {
        if !self.events {
            return Ok(Vec::new());
        }
        if self.kinds.is_empty() {
            // Each packet is printed only where packets are asked for by name.
            return Ok(EventKind::ALL.iter().copied().filter(|kind| *kind != EventKind::Packet).collect());
        }
        named(&self.kinds)
    }

    /// Kinds that are handed out.
    ///
    /// # Errors
    /// Where a name is no kind.
    pub(crate) fn observed(&self) -> Result<Vec<EventKind>, String> {
        named(&self.observe)
    }

    /// The worker's configuration for the kinds that anybody wants.
    ///
    /// # Errors
    /// Where there is no limit of a name in `simulate`.
    pub(crate) fn wire(&self, wanted: &[EventKind]) -> Result<WireConfig, String> {
        let mut config = WireConfig {
            evidence_bytes: self.evidence_bytes,
            checksums: self.checksums,
            ..WireConfig::default()
        };
        config.kinds = looked_for(wanted);
        config.packets = wanted.contains(&EventKind::Packet);
        config.features = self.features;
        if self.max_flows > 0 {
            config.limits.flows = self.max_flows;
        }
        match self.simulate.iter().find(|name| !config.simulate(name)) {
            Some(unknown) => Err(format!("simulate: no {unknown}")),
            None => Ok(config),
        }
    }
}

fn named(names: &[String]) -> Result<Vec<EventKind>, String> {
    names.iter().map(|name| EventKind::by_name(name).ok_or(format!("kinds: no {name}"))).collect()
}

/// Kinds whose protocols are looked for: a flow's record names its protocol, so flows need every protocol.
pub(crate) fn looked_for(wanted: &[EventKind]) -> Vec<EventKind> {
    let needs_all = wanted.iter().any(|kind| matches!(kind, EventKind::Flow | EventKind::Weird));
    if needs_all { EventKind::ALL.to_vec() } else { wanted.to_vec() }
}
