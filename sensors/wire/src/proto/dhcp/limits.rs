//! Limits of the DHCP reader. Each hit is counted (`parser_limit`).

/// Exchanges that are open at once in all flows together; beyond it the oldest is told as it is.
pub const MAX_EXCHANGES: usize = 512;
/// Exchanges that one flow may have open.
pub const MAX_PER_FLOW: usize = 64;
/// Messages listed of one exchange; of more a repeat of the one before goes first, then the oldest.
pub const MAX_MESSAGES: usize = 16;
/// Servers, routers, name servers and routes listed.
pub const MAX_LISTED: usize = 32;
/// Bytes of an option's pieces together (RFC 3396).
pub const MAX_OPTION: usize = 1024;
/// The same request again within so many nanoseconds is a copy of it.
pub const COPY_WAIT: u64 = 200_000_000;
/// Nanoseconds of packet time that an exchange waits for its next message.
pub const EXCHANGE_WAIT: u64 = 10_000_000_000;
