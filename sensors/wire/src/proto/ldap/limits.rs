//! Limits of the LDAP parser. Each hit is counted (`parser_limit`) or is a named anomaly.

/// Longest message that is put together from a stream, in bytes; of a longer one only its kind is seen.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// Operations of one flow that wait for their result; the oldest goes out as unobserved.
pub const MAX_PENDING: usize = 32;
/// Nanoseconds of packet time that an operation waits for its next answer.
pub const ANSWER_TIMEOUT: u64 = 60_000_000_000;
/// Bytes of a distinguished name or another text.
pub const MAX_TEXT: usize = 1024;
/// Bytes of a filter's text; what is longer is cut.
pub const MAX_FILTER: usize = 4096;
/// Filters within filters.
pub const MAX_DEPTH: usize = 32;
/// Parts of one filter.
pub const MAX_PARTS: usize = 512;
/// Attributes, changes, controls or referrals of one operation that are read.
pub const MAX_LIST: usize = 128;
