//! Limits of the RDP parser. Each hit is counted (`parser_limit`) or is a named anomaly.

/// Longest message that is put together, in bytes: a Connect-Initial has some 500, a Connect-Response with certificates
/// some thousands.
pub const MAX_MESSAGE: usize = 16 * 1024;
/// Messages of one connection that are looked at.
pub const MAX_MESSAGES: u32 = 256;
/// Nanoseconds of packet time that a beginning may take.
pub const SETUP_WAIT: u64 = 30_000_000_000;
/// Bytes of a cookie, a routing token or a name.
pub const MAX_TEXT: usize = 256;
/// Channels of a client that are told; the protocol knows no more than 31 (MS-RDPBCGR 2.2.1.3.4).
pub const MAX_CHANNELS: usize = 31;
