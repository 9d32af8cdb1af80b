//! Limits of flows that no configuration changes; each hit has a counter of its own.

use crate::limits::limits;

limits! { "flow":
    /// Pieces of one datagram whose fragments have not all come; it is dropped (`fragments_evicted`).
    MAX_FRAGMENTS = 128, "pieces", drill 1;
    /// Early segments of one direction of one stream; the first hole is given up (`stream_evicted`).
    MAX_SEGMENTS = 256, "segments", drill 1;
    /// Flows whose parsers fail at one frame and whose packets are kept.
    MAX_QUARANTINED = 16, "flows", drill 0;
    /// Senders of wrong checksums that are told apart.
    MAX_SENDERS = 16, "senders", drill 0;
    /// Captures of alerts that wait for later packets; those of more end at once (`evidence_cut`).
    MAX_WAITING = 256, "captures", drill 0;
    /// Captures of alerts that are complete and not fetched; more are not kept (`evidence_refused`).
    MAX_FINISHED = 1024, "captures", drill 0;
    /// Bytes of those captures together (`evidence_refused`, `evidence_cut`).
    MAX_EVIDENCE = 32 << 20, "bytes", drill 64;
}
