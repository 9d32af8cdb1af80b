//! Limits of the QUIC reader. Each hit is counted (`parser_limit`).

use crate::limits::limits;

limits! { "quic":
    /// Bytes of one direction's handshake.
    MAX_CRYPTO = 64 * 1024, "bytes", drill 32;
    /// Packets that could not be opened, after which a connection is not looked at any more.
    MAX_FAILURES = 16, "packets", drill 1;
    /// Versions that a server offers.
    MAX_VERSIONS = 64, "versions", drill 1;
    /// Bytes of the reason that a close gives.
    MAX_REASON = 1024, "bytes", drill 2;
    /// Packets of one datagram that are read.
    MAX_COALESCED = 16, "packets", drill 1;
    /// Transport parameters of one hello that are read.
    MAX_PARAMETERS = 128, "parameters", drill 1;
}
