//! Flows: which packets belong together, who began, what was said in what order, and when it is over.
//!
//! The hot part of a flow (`record`) lies in a slab; an index of eight bytes a flow finds it in one cache line. Time is
//! the packets' own. What a protocol needs beyond the counters (`service`, `reassembly`) exists only while a parser
//! wants it.

pub mod community_id;
pub mod evidence;
pub mod features;
pub(crate) mod frag;
mod index;
pub(crate) mod key;
pub mod limits;
mod memory;
mod reassembly;
mod record;
pub(crate) mod report;
mod service;
mod shared;
mod slab;
pub(crate) mod table;
mod tcp;
pub(crate) mod timers;

#[cfg(test)]
pub(crate) mod crafted;
#[cfg(test)]
mod echo;
#[cfg(test)]
mod later_tests;

pub use evidence::{Evidence, PinId};
pub use report::{FIELDS, INDICATOR_FIELDS, SCORE_FIELDS, WEIRD_FIELDS, WEIRDS};
pub(crate) use service::enabled;
#[cfg(feature = "fuzzing")]
pub(crate) use service::fuzzing as driven;
pub use shared::Shared;

use crate::fields::Field;

/// Fields that events of a flow have from it or from their kind, in the order of the table; an event's own value goes
/// first.
pub const INFO_FIELDS: &[Field] = &[
    Field::DestinationIp,
    Field::DestinationPort,
    Field::NetworkCommunityId,
    Field::NetworkInnerVlanId,
    Field::NetworkProtocol,
    Field::NetworkTransport,
    Field::NetworkType,
    Field::NetworkVlanId,
    Field::SourceIp,
    Field::SourcePort,
];

/// Limits of the flow table, streams and fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Live flows; the least recently seen goes when it is full.
    pub flows: usize,
    /// Bytes of early TCP segments that all flows together may hold.
    pub stream_bytes: usize,
    /// Bytes of early segments of one direction of one flow.
    pub stream_bytes_per_flow: usize,
    /// Bytes that the protocol parsers of all flows together may hold.
    pub parser_bytes: usize,
    /// Datagrams whose fragments have not all come.
    pub fragment_datagrams: usize,
    /// Bytes of their fragments.
    pub fragment_bytes: usize,
    /// Seconds after which a flow that goes on is told of again.
    pub update_after: u32,
    /// Time-outs by state.
    pub timeouts: Timeouts,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: 1 << 20,
            stream_bytes: 64 << 20,
            stream_bytes_per_flow: 256 << 10,
            parser_bytes: 64 << 20,
            fragment_datagrams: 4096,
            fragment_bytes: 16 << 20,
            update_after: 600,
            timeouts: Timeouts::default(),
        }
    }
}

/// How long a flow lives after its last packet, in nanoseconds of packet time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP, one side seen and nothing said.
    pub tcp_opening: u64,
    /// TCP, both sides seen, or data.
    pub tcp_established: u64,
    /// TCP, one side has closed.
    pub tcp_closing: u64,
    /// TCP, both sides have closed, or a reset.
    pub tcp_closed: u64,
    /// UDP.
    pub udp: u64,
    /// ICMP and ICMPv6.
    pub icmp: u64,
    /// All other protocols.
    pub other: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        const SECOND: u64 = 1_000_000_000;
        Self {
            tcp_opening: 30 * SECOND,
            tcp_established: 300 * SECOND,
            tcp_closing: 60 * SECOND,
            tcp_closed: 5 * SECOND,
            udp: 60 * SECOND,
            icmp: 30 * SECOND,
            other: 60 * SECOND,
        }
    }
}
