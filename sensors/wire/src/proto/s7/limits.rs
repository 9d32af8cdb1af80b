//! Limits of the S7comm parser. Each hit is counted (`parser_limit`) or is a named anomaly.

use crate::limits::limits;

limits! { "s7":
    /// Jobs of one flow that wait for their answer; controllers take a handful at once.
    MAX_PENDING = 32, "jobs", drill 1;
    /// Items (areas that are read or written) in one event.
    MAX_ITEMS = 64, "items", drill 1;
    /// Bytes of a message that comes in several packets; negotiated lengths are mostly 240 to 960.
    MAX_MESSAGE = 16 * 1024, "bytes", drill 64;
    /// Bytes of a service's or a block's name.
    MAX_NAME = 64, "bytes", drill 2;
}

/// Nanoseconds of packet time that a job waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 30_000_000_000;
