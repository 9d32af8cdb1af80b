//! Limits on what is made of bodies. Each hit is counted (`parser_limit`) and is a named anomaly.

use crate::limits::limits;

limits! { "http":
    /// Content codings, one within the other, that are undone; more leave the body as it is.
    MAX_LAYERS = 3, "codings", drill 0;
    /// Bytes that one body may unpack to.
    MAX_UNPACKED = 128 << 20, "bytes", drill 64;
    /// Bytes of a form's boundary (RFC 2046 5.1.1 allows 70).
    MAX_BOUNDARY = 200, "bytes", drill 4;
    /// Bytes of the head of a form's part.
    MAX_PART_HEAD = 8192, "bytes", drill 16;
    /// Parts of a form that are looked at.
    MAX_PARTS = 1000, "parts", drill 1;
    /// Names of fields and of files that an event tells.
    MAX_NAMES = 64, "names", drill 1;
    /// Bytes of such a name.
    MAX_NAME = 256, "bytes", drill 2;
}

/// Window: First bytes of a request's body that rules can search, unpacked.
pub const MAX_FIRST: usize = 4096;
/// Bytes that a body may unpack to, however few it came in.
pub const FREE_UNPACKED: u64 = 256 << 10;
/// Shared: Bytes that one byte may unpack to beyond that, on the average of the body.
pub const MAX_RATIO: u64 = 100;
/// Bytes unpacked at a time.
pub const UNPACK_STEP: usize = 8192;
/// Format: Window of zstd as a power of two (RFC 9659: 8 MiB); brotli's own limit is 24.
pub const MAX_WINDOW_LOG: u32 = 23;
