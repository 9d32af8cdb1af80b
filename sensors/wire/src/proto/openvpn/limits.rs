//! Limits of the OpenVPN parser. Each hit is counted (`parser_limit`) and is a named anomaly.

use crate::limits::limits;

limits! { "openvpn":
    /// Control packets of one direction that wait for one before them; OpenVPN itself keeps 12.
    MAX_EARLY = 16, "packets", drill 0;
    /// Bytes of those packets.
    MAX_EARLY_BYTES = 32 * 1024, "bytes", drill 16;
}

/// Format: Acknowledgements in one packet (`RELIABLE_ACK_SIZE` of OpenVPN).
pub const MAX_ACKS: u8 = 8;
/// Nanoseconds of packet time after the last control packet, when an exchange that was not finished is told as it is
/// (`--hand-window` of OpenVPN).
pub const HANDSHAKE_WAIT: u64 = 60_000_000_000;
