#![no_main]

use std::sync::LazyLock;

use bavn_engine::{fuzzing, owned::OwnedEvent};
use libfuzzer_sys::fuzz_target;

static EVENTS: LazyLock<Vec<OwnedEvent>> = LazyLock::new(|| {
    let lines = include_str!("../events.jsonl").lines();
    lines.map(|line| OwnedEvent::from_json(line.as_bytes()).expect("the event can be read")).collect()
});

fuzz_target!(|input: &[u8]| {
    fuzzing::plan(input, &EVENTS);
});
