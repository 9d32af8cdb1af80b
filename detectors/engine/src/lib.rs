//! Sigma plans: load, index, match, explain, and the alert that a match becomes.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod alert;
mod blind;
pub mod condition;
pub mod correlate;
pub mod error;
pub mod explain;
pub mod flood;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod index;
pub mod indicator;
pub mod matcher;
pub mod naive;
pub mod owned;
pub mod plan;
pub mod predicate;
pub mod view;

pub use correlate::Correlator;
pub use error::{PlanError, RuleError, RuleFault};
pub use matcher::{Matcher, RuleCounters};
pub use plan::Plan;
