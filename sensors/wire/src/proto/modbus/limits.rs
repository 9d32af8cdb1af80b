//! Limits of the Modbus parser. Each hit is counted (`parser_limit`) or is a named anomaly.

/// Requests of one flow that wait for their answer; the oldest goes out as unobserved. The specification has servers
/// take 1 to 16 at once.
pub const MAX_PENDING: usize = 32;
/// Nanoseconds of packet time that a request waits for its answer.
pub const ANSWER_TIMEOUT: u64 = 10_000_000_000;
/// Values of coils or registers in one event, each way.
pub const MAX_VALUES: usize = 128;
/// Objects of a device's identification in one event.
pub const MAX_OBJECTS: usize = 16;
/// Largest length in a header that is read; the specification has 254, some vendors go beyond.
pub const MAX_LENGTH: usize = 512;
