//! The plan: what the rules became, loaded once, never changed, swapped whole.

mod load;
mod raw;

use bavn_wire::fields::Field;
use bavn_wire::messages::EventKind;

use crate::condition::Condition;
use crate::correlate::Correlation;
use crate::index::Index;
use crate::predicate::Predicate;

/// Name of the format.
pub const FORMAT: &str = "bavn-plan";
/// Version that this engine reads.
pub const VERSION: u64 = 1;
/// Bytes of a plan.
pub const MAX_BYTES: usize = 256 * 1024 * 1024;
/// Rules of a plan.
pub const MAX_RULES: usize = 50_000;
/// Predicates of a plan.
pub const MAX_PREDICATES: usize = 1_000_000;
/// Leaves of one rule's conditions.
pub const MAX_LEAVES: usize = 100_000;
/// Nesting of a condition.
pub const MAX_DEPTH: usize = 64;

/// How grave a match is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For information.
    Informational,
    /// Low.
    Low,
    /// Medium; also where a rule says nothing.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Level {
    const ALL: [Self; 5] = [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Sigma's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// 1 (informational) to 5 (critical).
    #[must_use]
    pub const fn severity(self) -> u8 {
        self as u8 + 1
    }

    /// The level of that word.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// What a rule asks of one kind of event.
#[derive(Clone, Debug)]
pub struct Target {
    /// The kind.
    pub kind: EventKind,
    /// The condition over the plan's predicates.
    pub condition: Condition,
}

/// A rule, with what an alert must tell of it.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// First 16 hex digits of the digest of its content.
    pub version: String,
    /// Title.
    pub title: String,
    /// Level.
    pub level: Level,
    /// Status as Sigma has it.
    pub status: String,
    /// Description.
    pub description: String,
    /// Authors, each by name.
    pub authors: Vec<String>,
    /// Licence.
    pub license: String,
    /// References.
    pub references: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Known false positives.
    pub falsepositives: Vec<String>,
    /// File that it came from.
    pub source: String,
    /// Set of rules it belongs to.
    pub ruleset: String,
    /// One condition for each kind of event it is about; each kind once; none of a correlation.
    pub targets: Vec<Target>,
    /// What it asks of the hits of other rules.
    pub correlation: Option<Correlation>,
    /// Its hits are for correlations alone and make no alerts.
    pub quiet: bool,
}

impl Rule {
    /// Its condition on that kind.
    #[must_use]
    pub fn condition(&self, kind: EventKind) -> Option<&Condition> {
        self.targets.iter().find(|target| target.kind == kind).map(|target| &target.condition)
    }
}

/// Loaded rules, their predicates and the index over them.
#[derive(Debug)]
pub struct Plan {
    pub(crate) digest: String,
    pub(crate) predicates: Vec<Predicate>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) index: Index,
}

impl Plan {
    /// Digest of the plan's content, hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The rules that were loaded; a match names them by their place here.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The predicates that conditions name by number.
    #[must_use]
    pub fn predicates(&self) -> &[Predicate] {
        &self.predicates
    }

    /// True where some predicate asks for one of these fields.
    #[must_use]
    pub fn uses(&self, fields: &[Field]) -> bool {
        self.predicates.iter().any(|predicate| fields.contains(&predicate.field))
    }

    /// True where some rule is about that kind of event.
    #[must_use]
    pub fn wants(&self, kind: EventKind) -> bool {
        self.rules.iter().any(|rule| rule.condition(kind).is_some())
    }
}
