//! Limits of the RDP parser. Each hit is counted (`parser_limit`) or is a named anomaly.

use crate::limits::limits;

limits! { "rdp":
    /// Longest message that is put together, in bytes: a Connect-Initial has some 500, a Connect-Response with certificates
    /// some thousands.
    MAX_MESSAGE = 16 * 1024, "bytes", drill 64;
    /// Messages of one connection that are looked at.
    MAX_MESSAGES = 256, "messages", drill 1;
    /// Bytes of a cookie, a routing token or a name.
    MAX_TEXT = 256, "bytes", drill 2;
}

/// Nanoseconds of packet time that a beginning may take.
pub const SETUP_WAIT: u64 = 30_000_000_000;
/// Format: Channels of a client that are told; the protocol knows no more than 31 (MS-RDPBCGR 2.2.1.3.4).
pub const MAX_CHANNELS: usize = 31;
