//! Where a worker's events go: to the rules, to the printer, or to both.

use std::collections::VecDeque;
use std::sync::Arc;

use bavn_engine::{AlertContext, AlertDraft, Drafter, EvidenceRef, Matcher, Plan};
use bavn_wire::flow::{Evidence, PinId};
use bavn_wire::json;
use bavn_wire::messages::{Event, EventKind, Sink};
use bavn_wire::pipeline::Wire;
use sha2::{Digest, Sha256};

use crate::settings::Settings;

/// Alerts of one step; then the loop hands them out before it reads on.
const MAX_ALERTS: usize = 10_000;
/// Bytes of printed events of one step.
const MAX_EVENT_BYTES: usize = 4 << 20;

/// A finished alert and the capture of its flow.
pub(crate) type Finished = (Vec<u8>, Option<Vec<u8>>);

/// An alert on its way: fresh from the rules, or waiting for the packets after its hit.
struct Hit {
    draft: AlertDraft,
    flow: u64,
    pin: Option<PinId>,
}

/// The sink of one worker.
pub(crate) struct Hub {
    /// Wall time of the step, nanoseconds since the epoch.
    pub(crate) now: u64,
    pub(crate) finished: Vec<Finished>,
    pub(crate) events: Vec<u8>,
    matcher: Option<Matcher>,
    drafter: Drafter,
    fresh: Vec<Hit>,
    waiting: VecDeque<Hit>,
    printed: [bool; EventKind::ALL.len()],
    judged: [bool; EventKind::ALL.len()],
}
