//! JSON Lines of other sensors in, typed events out: Zeek's logs, Suricata's EVE, ECS. Pure, safe, bounded.
//!
//! A line becomes tokens that borrow nothing ([`scan`]), the log that it is of is found by its own words ([`which`]), and the
//! values that a table of that log knows go straight into fields ([`line`]). What a log cannot tell of a field is
//! *unobserved*; docs/lines.md says which that is.
#![forbid(unsafe_code)]

mod convert;
mod derive;
mod file;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod joining;
pub mod ledger;
mod line;
mod reader;
mod rows;
pub mod scan;
mod table;
pub mod text;
mod which;

#[cfg(test)]
mod tests;

pub use file::{Lines, Look, MAX_LINE, Piece, look};
pub use reader::Reader;
pub use table::Source;
