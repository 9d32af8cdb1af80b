//! Limits of the FTP parser. Each hit is counted (`parser_limit`) and is a named anomaly.

use crate::limits::limits;

limits! { "ftp":
    /// Bytes kept of a command or reply line.
    MAX_LINE = 2048, "bytes", drill 8;
    /// Commands that wait for their replies.
    MAX_OUTSTANDING = 32, "commands", drill 1;
    /// Data connections announced in all flows together and not over yet.
    MAX_ANNOUNCED = 1024, "connections", drill 1;
    /// Bytes of a directory and a name together.
    MAX_PATH = 4096, "bytes", drill 2;
}

/// Nanoseconds of packet time that an announcement holds.
pub const ANNOUNCEMENT_WAIT: u64 = 120_000_000_000;
/// Data connections on lower ports are no one's to announce: they would hide what runs there.
pub const MIN_DATA_PORT: u16 = 1024;
