//! What the parsers of different flows tell each other. It counts as held by them all ([`super::memory`]).

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

impl Shared {
    /// Bytes of heap that its entries hold.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.dhcp.held() + self.ftp.held()
    }

    /// Gives up what is kept for comfort alone.
    pub(crate) fn relieve(&mut self, now: u64) {
        self.dhcp.forget_told();
        self.ftp.forget_old(now);
    }
}
