//! What the targets share: mutations that know what an input is made of, the protocol a run is held to, checks.
#![forbid(unsafe_code)]

pub mod chance;
pub mod json;
pub mod protocol;
pub mod records;

/// Every line that was printed must be JSON.
///
/// # Panics
/// Where one is not: the fuzzer has found something.
pub fn each_line_is_json(lines: &[u8]) {
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        serde_json::from_slice::<serde_json::Value>(line).expect("an event is JSON");
    }
}
