//! Limits of decoding. A frame beyond one is dropped and counted as `drop_depth`; chunks are `sctp_malformed`.

use crate::limits::limits;

limits! { "decode":
    /// Tags, labels and tunnels together: a frame with more layers before its transport is dropped (`drop_depth`).
    MAX_LAYERS = 16, "layers", drill 0;
    /// Tunnels inside tunnels; a frame with more is dropped (`drop_depth`).
    MAX_TUNNELS = 4, "tunnels", drill 0;
    /// IPv6 extension headers of one packet (RFC 8200 4.1 knows at most seven); a frame with more is dropped
    /// (`drop_depth`).
    MAX_EXTENSIONS = 8, "headers", drill 0;
    /// Chunks that one SCTP packet is looked through for (`sctp_malformed`).
    MAX_CHUNKS = 64, "chunks", drill 0;
}
