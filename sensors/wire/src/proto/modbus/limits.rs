//! Limits of the Modbus parser. Each hit is counted (`parser_limit`) or is a named anomaly.

use crate::limits::limits;

limits! { "modbus":
    /// Requests of one flow that wait for their answer; the oldest goes out as unobserved. The specification has servers
    /// take 1 to 16 at once.
    MAX_PENDING = 32, "requests", drill 1;
    /// Values of coils or registers in one event, each way.
    MAX_VALUES = 128, "values", drill 1;
    /// Objects of a device's identification in one event.
    MAX_OBJECTS = 16, "objects", drill 1;
}

/// Nanoseconds of packet time that a request waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 10_000_000_000;
/// Format: Largest length in a header that is read; the specification has 254, some vendors go beyond.
pub const MAX_LENGTH: usize = 512;
