//! Limits of the SSH reader. Each hit is counted (`parser_limit`).

use crate::limits::limits;

limits! { "ssh":
    /// Longest identification line: 255 bytes with CR and LF (RFC 4253 4.2), and what sloppy software adds.
    MAX_IDENTIFICATION = 1024, "bytes", drill 8;
    /// Bytes of other lines that a server may send before its identification.
    MAX_PREAMBLE = 8 * 1024, "bytes", drill 0;
    /// Longest packet that is read in clear text: twice what must be supported (RFC 4253 6.1).
    MAX_PACKET = 70_000, "bytes", drill 64;
    /// Algorithms of host keys that are told.
    MAX_NAMES = 128, "names", drill 1;
}
