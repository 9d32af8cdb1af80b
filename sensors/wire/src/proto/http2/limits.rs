//! Limits of the HTTP/2 parser. Each hit is counted (`parser_limit`) and is a named anomaly.

use crate::limits::limits;

limits! { "http2":
    /// Bytes of a block of headers with its continuations, packed.
    MAX_BLOCK = 65_536, "bytes", drill 16;
    /// Bytes of headers read of one block, unpacked; what comes after is not read.
    MAX_LIST = 65_536, "bytes", drill 64;
    /// Bytes of one direction's table of headers.
    MAX_TABLE = 65_536, "bytes", drill 0;
    /// CONTINUATION frames of one block.
    MAX_CONTINUATIONS = 64, "frames", drill 0;
    /// Streams of one connection that are open; the oldest goes out as unobserved.
    MAX_STREAMS = 256, "streams", drill 1;
    /// Bytes of heads that those streams keep together.
    MAX_HEADS = 262_144, "bytes", drill 64;
    /// Streams that a client may reset before their response, from which on it counts as an attack.
    MAX_RESETS = 100, "resets", drill 0;
    /// Bytes of a SETTINGS frame that are read.
    MAX_SETTINGS = 384, "bytes", drill 6;
}
