#![no_main]

use bavn_fuzz::{each_line_is_json, protocol, records};
use bavn_wire::fuzzing;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(init: protocol::list_if_asked(&fuzzing::datagram_protocols()), |input: &[u8]| {
    each_line_is_json(&fuzzing::datagrams(input).lines);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let name = data[..size].first_chunk().copied();
    let size = records::mutate(data, size, max_size, seed, &records::STEPS);
    protocol::keep(&mut data[..size], name);
    size
});
