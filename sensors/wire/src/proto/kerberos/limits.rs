//! Limits of the Kerberos parser. Each hit is counted (`parser_limit`) or is a named anomaly.

/// Longest message that is put together from a stream, in bytes. Tickets with large authorization data have some 64 KiB.
pub const MAX_MESSAGE: usize = 128 * 1024;
/// Requests of one flow that wait for their answer; the oldest goes out as unobserved.
pub const MAX_PENDING: usize = 8;
/// Nanoseconds of packet time that a request waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 10_000_000_000;
/// Bytes of a principal's or a realm's text; what is longer is cut.
pub const MAX_NAME: usize = 512;
/// Components of a principal that are read.
pub const MAX_COMPONENTS: usize = 16;
/// Encryption types, pre-authentication types and addresses of one message that are read.
pub const MAX_LIST: usize = 64;
/// Bytes of one address or of an error's text.
pub const MAX_TEXT: usize = 256;
