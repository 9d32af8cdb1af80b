//! Limits of the HTTP/1 parser. Each hit is counted (`parser_limit`) and mostly is a named anomaly.

use crate::limits::limits;

limits! { "http":
    /// Bytes of a head (first line and headers). What comes after is not read; missing fields are unobserved.
    MAX_HEAD = 65_536, "bytes", drill 128;
    /// Header lines read of one head.
    MAX_HEADERS = 200, "lines", drill 2;
    /// Requests of one flow that wait for their response; the oldest goes out as unobserved.
    MAX_PENDING = 64, "requests", drill 1;
    /// Bytes of heads that those requests keep together.
    MAX_PENDING_BYTES = 262_144, "bytes", drill 64;
    /// Bytes of basic credentials that are decoded.
    MAX_CREDENTIALS = 1024, "bytes", drill 4;
    /// Bytes of a security token in base64 that is decoded; a longer one holds no NTLM.
    MAX_TOKEN = 16 * 1024, "bytes", drill 16;
}

/// Nanoseconds of packet time that a request waits for its response.
pub const RESPONSE_TIMEOUT: u64 = 30_000_000_000;
/// Format: Bytes of a file extension; more is none.
pub const MAX_EXTENSION: usize = 32;
/// Format: Digits of a chunk's size, leading zeros included.
pub const MAX_CHUNK_DIGITS: u8 = 16;
/// Probe: Bytes of a method.
pub const MAX_METHOD: usize = 32;
/// Format: Bytes that a body may announce; more is no length.
pub const MAX_LENGTH: u64 = i64::MAX as u64;
