//! Limits of the SMB parser. Each hit is counted (`parser_limit`) and named by a `weird`.

use crate::limits::limits;

limits! { "smb":
    /// Bytes of one message that are kept; what a message carries beyond is passed over or streamed.
    MAX_MESSAGE = 64 * 1024, "bytes", drill 80;
    /// Requests of one flow that wait for their answer; the oldest goes out as unobserved.
    MAX_PENDING = 512, "requests", drill 1;
    /// Open files and pipes of one flow; the oldest is told as if it were closed.
    MAX_FILES = 512, "files", drill 1;
    /// Shares of one flow.
    MAX_TREES = 64, "shares", drill 1;
    /// Sessions of one flow.
    MAX_SESSIONS = 64, "sessions", drill 1;
    /// Bytes of a name, as UTF-8.
    MAX_NAME = 4096, "bytes", drill 4;
    /// Dialects of one offer.
    MAX_DIALECTS = 32, "dialects", drill 1;
    /// Commands chained into one message of SMB1 (`AndX`).
    MAX_CHAIN = 8, "commands", drill 1;
    /// Contexts of one negotiation that are read.
    MAX_CONTEXTS = 16, "contexts", drill 1;
}

/// Nanoseconds of packet time that a request waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 60_000_000_000;
