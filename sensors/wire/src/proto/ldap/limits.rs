//! Limits of the LDAP parser. Each hit is counted (`parser_limit`) or is a named anomaly.

use crate::limits::limits;

limits! { "ldap":
    /// Longest message that is put together from a stream, in bytes; of a longer one only its kind is seen.
    MAX_MESSAGE = 64 * 1024, "bytes", drill 64;
    /// Operations of one flow that wait for their result; the oldest goes out as unobserved.
    MAX_PENDING = 32, "operations", drill 1;
    /// Bytes of a distinguished name or another text.
    MAX_TEXT = 1024, "bytes", drill 4;
    /// Bytes of a filter's text; what is longer is cut.
    MAX_FILTER = 4096, "bytes", drill 8;
    /// Filters within filters.
    MAX_DEPTH = 32, "levels", drill 0;
    /// Parts of one filter.
    MAX_PARTS = 512, "parts", drill 1;
    /// Attributes, changes, controls or referrals of one operation that are read.
    MAX_LIST = 128, "entries", drill 1;
    /// Longest buffer of a protected connection that is put together: a directory's schema comes as one entry of some
    /// 300 KiB.
    MAX_BUFFER = 1024 * 1024, "bytes", drill 64;
}

/// Nanoseconds of packet time that an operation waits for its next answer.
pub const ANSWER_TIMEOUT: u64 = 60_000_000_000;
