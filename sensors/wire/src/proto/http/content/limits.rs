//! Limits on what is made of bodies. Each hit is counted (`parser_limit`) and is a named anomaly.

/// First bytes of a request's body that rules can search, unpacked.
pub const MAX_FIRST: usize = 4096;
/// Content codings, one within the other, that are undone; more leave the body as it is.
pub const MAX_LAYERS: usize = 3;
/// Bytes that one body may unpack to.
pub const MAX_UNPACKED: u64 = 128 << 20;
/// Bytes that a body may unpack to, however few it came in.
pub const FREE_UNPACKED: u64 = 256 << 10;
/// Bytes that one byte may unpack to beyond that, on the average of the body.
pub const MAX_RATIO: u64 = 100;
/// Bytes unpacked at a time.
pub const UNPACK_STEP: usize = 8192;
/// Window of zstd as a power of two (RFC 9659: 8 MiB); brotli's own limit is 24.
pub const MAX_WINDOW_LOG: u32 = 23;
/// Bytes of a form's boundary (RFC 2046 5.1.1 allows 70).
pub const MAX_BOUNDARY: usize = 200;
/// Bytes of the head of a form's part.
pub const MAX_PART_HEAD: usize = 8192;
/// Parts of a form that are looked at.
pub const MAX_PARTS: usize = 1000;
/// Names of fields and of files that an event tells.
pub const MAX_NAMES: usize = 64;
/// Bytes of such a name.
pub const MAX_NAME: usize = 256;
