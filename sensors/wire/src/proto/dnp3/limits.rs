//! Limits of the DNP3 parser. Each hit is counted (`parser_limit`) or is a named anomaly.

use crate::limits::limits;

limits! { "dnp3":
    /// Requests of one flow that wait for their answer; the oldest goes out as unobserved.
    MAX_PENDING = 32, "requests", drill 1;
    /// Pairs of link addresses of one direction whose fragments are put together at the same time.
    MAX_PAIRS = 8, "pairs", drill 1;
    /// Bytes of an application fragment; the standard has 2,048.
    MAX_FRAGMENT = 4096, "bytes", drill 16;
    /// Object headers in one event, each way.
    MAX_OBJECTS = 64, "objects", drill 1;
    /// Controls (relay outputs, analog outputs) in one event.
    MAX_CONTROLS = 64, "controls", drill 1;
}

/// Nanoseconds of packet time that a request waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 30_000_000_000;
