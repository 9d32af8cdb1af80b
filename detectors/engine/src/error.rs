//! Everything that can be wrong with a plan, with its code.

use std::fmt;

/// Why a whole plan was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// The file is longer than the limit.
    TooBig {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not JSON, or not shaped like a plan.
    Unreadable(String),
    /// `format` names something else.
    Format(String),
    /// A version that this engine does not know.
    Version(u64),
    /// The digest is not the content's.
    Digest {
        /// What the plan says.
        said: String,
        /// What its content has.
        found: String,
    },
    /// More of something than is allowed.
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much was found.
        found: usize,
        /// How much is allowed.
        limit: usize,
    },
}

impl PlanError {
    /// Code in the catalogue of errors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooBig { .. } | Self::Unreadable(_) => "BAVN-E040",
            Self::Format(_) | Self::Version(_) => "BAVN-E041",
            Self::Digest { .. } => "BAVN-E042",
            Self::Limit { .. } => "BAVN-E043",
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.code())?;
        match self {
            Self::TooBig { found, limit } => {
                write!(f, "the plan is {found} bytes long, more than the {limit} allowed")
            }
            Self::Unreadable(why) => write!(f, "the plan cannot be read: {why}"),
            Self::Format(found) => write!(f, "not a bavn plan: its format is {found:?}"),
            Self::Version(found) => {
                write!(f, "the plan has version {found}; this engine reads version {}", crate::plan::VERSION)
            }
            Self::Digest { said, found } => {
                write!(f, "the plan was altered: it says digest {said}, its content has {found}")
            }
            Self::Limit { what, found, limit } => {
                write!(f, "the plan has {found} {what}, more than the {limit} allowed")
            }
        }
    }
}

impl std::error::Error for PlanError {}

/// What is wrong with one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleFault {
    /// A key is missing, or a value has the wrong type.
    Shape(String),
    /// More of something than is allowed.
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much was found.
        found: usize,
        /// How much is allowed.
        limit: usize,
    },
    /// No event carries a field of that name.
    UnknownField(String),
    /// An operation that is not known, or a value that does not fit it.
    Value {
        /// The operation.
        op: String,
        /// What does not fit.
        why: String,
    },
    /// A regular expression that does not compile, or grows too large.
    Regex(String),
    /// Not a network in CIDR notation.
    Cidr(String),
    /// A condition that names what is not there, or nests too deep.
    Condition(String),
}

impl RuleFault {
    /// Code in the catalogue of errors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "BAVN-E043",
            Self::Shape(_) => "BAVN-E044",
            Self::UnknownField(_) => "BAVN-E045",
            Self::Value { .. } => "BAVN-E046",
            Self::Regex(_) => "BAVN-E047",
            Self::Cidr(_) => "BAVN-E048",
            Self::Condition(_) => "BAVN-E049",
        }
    }
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(why) => write!(f, "{why}"),
            Self::Limit { what, found, limit } => write!(f, "{found} {what}, more than the {limit} allowed"),
            Self::UnknownField(name) => write!(f, "no event carries a field named {name:?}"),
            Self::Value { op, why } => write!(f, "{op}: {why}"),
            Self::Regex(why) => write!(f, "regular expression: {why}"),
            Self::Cidr(text) => write!(f, "{text:?} is not a network in CIDR notation"),
            Self::Condition(why) => write!(f, "condition: {why}"),
        }
    }
}

/// One rule that was refused; the others of its plan are loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// Number of the rule in the plan, from 0.
    pub number: usize,
    /// Its id, where one could be read.
    pub id: Option<String>,
    /// File it came from, where one could be read.
    pub source: Option<String>,
    /// What is wrong.
    pub fault: RuleFault,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.source.as_deref().or(self.id.as_deref()).unwrap_or("without a name");
        write!(f, "{}: rule {} ({name}): {}", self.fault.code(), self.number, self.fault)
    }
}

impl std::error::Error for RuleError {}
