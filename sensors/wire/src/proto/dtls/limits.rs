//! Limits of the DTLS reader. Each hit is counted (`parser_limit`).

use crate::limits::limits;

limits! { "dtls":
    /// Handshake messages of one direction that are not whole yet or wait for one before them.
    MAX_PENDING = 16, "messages", drill 0;
    /// Bytes of those messages.
    MAX_HELD = super::super::tls::limits::MAX_CERTIFICATES.value + 64 * 1024, "bytes", drill 16;
}
