//! Limits of the HTTP/1 parser. Each hit is counted (`parser_limit`) and mostly is a named anomaly.

/// Bytes of a head (first line and headers). What comes after is not read; missing fields are unobserved.
pub const MAX_HEAD: usize = 65_536;
/// Header lines read of one head.
pub const MAX_HEADERS: usize = 200;
/// Requests of one flow that wait for their response; the oldest goes out as unobserved.
pub const MAX_PENDING: usize = 64;
/// Bytes of heads that those requests keep together.
pub const MAX_PENDING_BYTES: usize = 262_144;
/// Nanoseconds of packet time that a request waits for its response.
pub const RESPONSE_TIMEOUT: u64 = 30_000_000_000;
/// Bytes of a file extension; more is none.
pub const MAX_EXTENSION: usize = 32;
/// Bytes of basic credentials that are decoded.
pub const MAX_CREDENTIALS: usize = 1024;
/// Bytes of a security token in base64 that is decoded; a longer one holds no NTLM.
pub const MAX_TOKEN: usize = 16 * 1024;
/// Digits of a chunk's size, leading zeros included.
pub const MAX_CHUNK_DIGITS: u8 = 16;
/// Bytes of a method.
pub const MAX_METHOD: usize = 32;
/// Bytes that a body may announce; more is no length.
pub const MAX_LENGTH: u64 = i64::MAX as u64;
