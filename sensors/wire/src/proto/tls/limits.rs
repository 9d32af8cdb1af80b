//! Limits of the TLS reader. Each hit is counted (`parser_limit`).

use crate::limits::limits;

limits! { "tls":
    /// Largest ClientHello or ServerHello that is kept.
    MAX_HELLO = 64 * 1024, "bytes", drill 32;
    /// Largest Certificate message that is kept.
    MAX_CERTIFICATES = 128 * 1024, "bytes", drill 32;
    /// Certificates of one chain that are looked at.
    MAX_CHAIN = 256, "certificates", drill 0;
}
