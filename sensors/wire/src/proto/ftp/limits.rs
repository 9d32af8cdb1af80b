//! Limits of the FTP parser. Each hit is counted (`parser_limit`) and is a named anomaly.

/// Bytes kept of a command or reply line.
pub const MAX_LINE: usize = 2048;
/// Commands that wait for their replies.
pub const MAX_OUTSTANDING: usize = 32;
/// Data connections announced in all flows together and not over yet.
pub const MAX_ANNOUNCED: usize = 1024;
/// Nanoseconds of packet time that an announcement holds.
pub const ANNOUNCEMENT_WAIT: u64 = 120_000_000_000;
/// Data connections on lower ports are no one's to announce: they would hide what runs there.
pub const MIN_DATA_PORT: u16 = 1024;
