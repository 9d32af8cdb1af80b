//! Limits of the DNS parser. Each hit is counted (`parser_limit`) or is a named anomaly.

use crate::limits::limits;

limits! { "dns":
    /// Compression pointers followed in one name; each must point strictly backwards.
    MAX_POINTERS = 16, "pointers", drill 0;
    /// Queries of one flow that wait for their answer; the oldest goes out as unobserved.
    MAX_PENDING = 32, "queries", drill 1;
    /// Answer records printed in one event.
    MAX_ANSWERS = 128, "records", drill 1;
    /// Bytes of one answer's data as text.
    MAX_DATA_TEXT = 4096, "bytes", drill 4;
    /// Records walked through in one message.
    MAX_RECORDS = 4096, "records", drill 1;
    /// Questions named in one event.
    MAX_QUESTIONS = 32, "questions", drill 1;
}

/// Format: Bytes of a name on the wire, length bytes and root included (RFC 1035 2.3.4).
pub const MAX_NAME: usize = 255;
/// Nanoseconds of packet time that a query waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 10_000_000_000;
/// Records walked through by the probe.
pub const PROBE_RECORDS: usize = 64;
