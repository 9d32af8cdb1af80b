#![no_main]

use std::sync::LazyLock;

use bavn_engine::{fuzzing, owned::OwnedEvent};
use bavn_fuzz::json;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

static EVENTS: LazyLock<Vec<OwnedEvent>> = LazyLock::new(|| {
    let lines = include_str!("../events.jsonl").lines();
    lines.map(|line| OwnedEvent::from_json(line.as_bytes()).expect("the event can be read")).collect()
});

fuzz_target!(|input: &[u8]| {
    fuzzing::plan(input, &EVENTS);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed)
});
