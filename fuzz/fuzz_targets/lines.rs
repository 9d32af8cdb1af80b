#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    bavn_fuzz::each_line_is_json(&bavn_lines::fuzzing::lines(input));
});
