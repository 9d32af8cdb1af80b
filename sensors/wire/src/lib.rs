//! bavn's wire: packets in, typed events out. Pure, safe, bounded.
#![forbid(unsafe_code)]

mod asn1;
pub mod capture;
pub mod counters;
pub mod decode;
pub mod dispatch;
pub mod fields;
pub mod files;
pub mod flow;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod json;
pub mod limits;
pub mod messages;
mod offload;
pub mod packets;
pub mod pipeline;
pub mod proto;
