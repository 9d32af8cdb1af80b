//! Limits of the DCE/RPC parser. Each hit is counted (`parser_limit`) and named by a `weird`.

use crate::limits::limits;

limits! { "dce_rpc":
    /// Calls of one conversation that wait for their answer; the oldest goes out as unobserved.
    MAX_CALLS = 128, "calls", drill 1;
    /// Presentation contexts of one conversation.
    MAX_CONTEXTS = 128, "contexts", drill 1;
    /// Contexts of one bind that are read.
    MAX_BIND = 64, "contexts", drill 1;
}

/// Nanoseconds of packet time that a call waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 60_000_000_000;
