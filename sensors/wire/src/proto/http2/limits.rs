//! Limits of the HTTP/2 parser. Each hit is counted (`parser_limit`) and is a named anomaly.

/// Bytes of a block of headers with its continuations, packed.
pub const MAX_BLOCK: usize = 65_536;
/// Bytes of headers read of one block, unpacked; what comes after is not read.
pub const MAX_LIST: usize = 65_536;
/// Bytes of one direction's table of headers.
pub const MAX_TABLE: usize = 65_536;
/// CONTINUATION frames of one block.
pub const MAX_CONTINUATIONS: usize = 64;
/// Streams of one connection that are open; the oldest goes out as unobserved.
pub const MAX_STREAMS: usize = 256;
/// Bytes of heads that those streams keep together.
pub const MAX_HEADS: usize = 262_144;
/// Streams that a client may reset before their response, from which on it counts as an attack.
pub const MAX_RESETS: u64 = 100;
/// Bytes of a SETTINGS frame that are read.
pub const MAX_SETTINGS: usize = 384;
