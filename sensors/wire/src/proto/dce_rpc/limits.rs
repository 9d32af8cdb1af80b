//! Limits of the DCE/RPC parser. Each hit is counted (`parser_limit`) and named by a `weird`.

/// Calls of one conversation that wait for their answer; the oldest goes out as unobserved.
pub const MAX_CALLS: usize = 128;
/// Presentation contexts of one conversation.
pub const MAX_CONTEXTS: usize = 128;
/// Contexts of one bind that are read.
pub const MAX_BIND: usize = 64;
/// Nanoseconds of packet time that a call waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 60_000_000_000;
