#![no_main]

use bavn_wire::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let sink = fuzzing::packets_strictly(input);
    for line in sink.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        serde_json::from_slice::<serde_json::Value>(line).expect("an event is JSON");
    }
});
