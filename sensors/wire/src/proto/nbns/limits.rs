//! Limits of the NetBIOS name parser. Each hit is counted (`parser_limit`) or is a named anomaly.

use crate::limits::limits;

limits! { "nbns":
    /// Requests of one flow that wait for their answer; the oldest goes out as unobserved.
    MAX_PENDING = 32, "requests", drill 1;
    /// Addresses of one name.
    MAX_ADDRESSES = 32, "addresses", drill 0;
    /// Names of one node.
    MAX_NAMES = 64, "names", drill 1;
    /// Bytes of a scope's text.
    MAX_SCOPE = 255, "bytes", drill 1;
}

/// Nanoseconds of packet time that a request waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 10_000_000_000;
