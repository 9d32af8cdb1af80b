//! Limits of the DHCP reader. Each hit is counted (`parser_limit`).

use crate::limits::limits;

limits! { "dhcp":
    /// Exchanges that are open at once in all flows together; beyond it the oldest is told as it is.
    MAX_EXCHANGES = 512, "exchanges", drill 1;
    /// Exchanges that one flow may have open.
    MAX_PER_FLOW = 64, "exchanges", drill 1;
    /// Messages listed of one exchange; of more a repeat of the one before goes first, then the oldest.
    MAX_MESSAGES = 16, "messages", drill 1;
    /// Servers, routers, name servers and routes listed.
    MAX_LISTED = 32, "addresses", drill 1;
    /// Bytes of an option's pieces together (RFC 3396).
    MAX_OPTION = 1024, "bytes", drill 4;
}

/// The same request again within so many nanoseconds is a copy of it.
pub const COPY_WAIT: u64 = 200_000_000;
/// Nanoseconds of packet time that an exchange waits for its next message.
pub const EXCHANGE_WAIT: u64 = 10_000_000_000;
