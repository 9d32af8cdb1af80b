//! Limits of the NTLM reader. Each hit is counted (`parser_limit`).

use crate::limits::limits;

limits! { "ntlm":
    /// Bytes of one name, as UTF-8.
    MAX_NAME = 1024, "bytes", drill 4;
    /// Pairs of a server's information that are read.
    MAX_PAIRS = 32, "pairs", drill 1;
    /// Bytes of a token in which a message of NTLM is looked for.
    MAX_TOKEN = 64 * 1024, "bytes", drill 16;
}
