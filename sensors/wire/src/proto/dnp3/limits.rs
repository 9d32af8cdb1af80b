//! Limits of the DNP3 parser. Each hit is counted (`parser_limit`) or is a named anomaly.

/// Requests of one flow that wait for their answer; the oldest goes out as unobserved.
pub const MAX_PENDING: usize = 32;
/// Nanoseconds of packet time that a request waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 30_000_000_000;
/// Pairs of link addresses of one direction whose fragments are put together at the same time.
pub const MAX_PAIRS: usize = 8;
/// Bytes of an application fragment; the standard has 2,048.
pub const MAX_FRAGMENT: usize = 4096;
/// Object headers in one event, each way.
pub const MAX_OBJECTS: usize = 64;
/// Controls (relay outputs, analog outputs) in one event.
pub const MAX_CONTROLS: usize = 64;
