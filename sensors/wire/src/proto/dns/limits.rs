//! Limits of the DNS parser. Each hit is counted (`parser_limit`) or is a named anomaly.

/// Compression pointers followed in one name; each must point strictly backwards.
pub const MAX_POINTERS: usize = 16;
/// Bytes of a name on the wire, length bytes and root included (RFC 1035 2.3.4).
pub const MAX_NAME: usize = 255;
/// Queries of one flow that wait for their answer; the oldest goes out as unobserved.
pub const MAX_PENDING: usize = 32;
/// Nanoseconds of packet time that a query waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 10_000_000_000;
/// Answer records printed in one event.
pub const MAX_ANSWERS: usize = 128;
/// Bytes of one answer's data as text.
pub const MAX_DATA_TEXT: usize = 4096;
/// Records walked through in one message.
pub const MAX_RECORDS: usize = 4096;
/// Records walked through by the probe.
pub const PROBE_RECORDS: usize = 64;
/// Questions named in one event.
pub const MAX_QUESTIONS: usize = 32;
