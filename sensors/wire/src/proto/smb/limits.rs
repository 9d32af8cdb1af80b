//! Limits of the SMB parser. Each hit is counted (`parser_limit`) and named by a `weird`.

/// Bytes of one message that are kept; what a message carries beyond is passed over or streamed.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// Requests of one flow that wait for their answer; the oldest goes out as unobserved.
pub const MAX_PENDING: usize = 512;
/// Open files and pipes of one flow; the oldest is told as if it were closed.
pub const MAX_FILES: usize = 512;
/// Shares of one flow.
pub const MAX_TREES: usize = 64;
/// Sessions of one flow.
pub const MAX_SESSIONS: usize = 64;
/// Bytes of a name, as UTF-8.
pub const MAX_NAME: usize = 4096;
/// Dialects of one offer.
pub const MAX_DIALECTS: usize = 32;
/// Commands chained into one message of SMB1 (`AndX`).
pub const MAX_CHAIN: usize = 8;
/// Nanoseconds of packet time that a request waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 60_000_000_000;
