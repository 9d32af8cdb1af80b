//! What the parsers of different flows tell each other.

use crate::proto::dhcp::Exchanges;
use crate::proto::ftp::Links;

/// Shared by all flows of a worker; each part bounds itself.
#[derive(Debug, Default)]
pub struct Shared {
    /// DHCP's exchanges, whose messages run in several flows.
    pub dhcp: Exchanges,
    /// Data connections that FTP's control connections have announced.
    pub ftp: Links,
}
