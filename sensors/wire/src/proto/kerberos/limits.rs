//! Limits of the Kerberos parser. Each hit is counted (`parser_limit`) or is a named anomaly.

use crate::limits::limits;

limits! { "kerberos":
    /// Longest message that is put together from a stream, in bytes. Tickets with large authorization data have some 64 KiB.
    MAX_MESSAGE = 128 * 1024, "bytes", drill 64;
    /// Requests of one flow that wait for their answer; the oldest goes out as unobserved.
    MAX_PENDING = 8, "requests", drill 1;
    /// Bytes of a principal's or a realm's text; what is longer is cut.
    MAX_NAME = 512, "bytes", drill 4;
    /// Components of a principal that are read.
    MAX_COMPONENTS = 16, "components", drill 1;
    /// Encryption types, pre-authentication types and addresses of one message that are read.
    MAX_LIST = 64, "entries", drill 1;
    /// Bytes of one address or of an error's text.
    MAX_TEXT = 256, "bytes", drill 4;
}

/// Nanoseconds of packet time that a request waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 10_000_000_000;
