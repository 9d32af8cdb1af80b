//! Limits of the NetBIOS name parser. Each hit is counted (`parser_limit`) or is a named anomaly.

/// Requests of one flow that wait for their answer; the oldest goes out as unobserved.
pub const MAX_PENDING: usize = 32;
/// Nanoseconds of packet time that a request waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 10_000_000_000;
/// Addresses of one name.
pub const MAX_ADDRESSES: usize = 32;
/// Names of one node.
pub const MAX_NAMES: usize = 64;
/// Bytes of a scope's text.
pub const MAX_SCOPE: usize = 255;
