//! Limits of the S7comm parser. Each hit is counted (`parser_limit`) or is a named anomaly.

/// Jobs of one flow that wait for their answer; controllers take a handful at once.
pub const MAX_PENDING: usize = 32;
/// Nanoseconds of packet time that a job waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 30_000_000_000;
/// Items (areas that are read or written) in one event.
pub const MAX_ITEMS: usize = 64;
/// Bytes of a message that comes in several packets; negotiated lengths are mostly 240 to 960.
pub const MAX_MESSAGE: usize = 16 * 1024;
/// Bytes of a service's or a block's name.
pub const MAX_NAME: usize = 64;
