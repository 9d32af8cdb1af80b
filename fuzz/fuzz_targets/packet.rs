#![no_main]

use bavn_fuzz::{each_line_is_json, records};
use bavn_wire::fuzzing;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|input: &[u8]| {
    each_line_is_json(&fuzzing::packets_strictly(input).lines);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    records::mutate(data, size, max_size, seed, &records::FRAMES)
});
