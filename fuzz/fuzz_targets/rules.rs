#![no_main]

use std::sync::{Arc, LazyLock};

use bavn_engine::{Plan, fuzzing};
use bavn_fuzz::records;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

static PLAN: LazyLock<Arc<Plan>> = LazyLock::new(|| {
    let json = include_bytes!("../plan.json");
    Arc::new(Plan::load(json).expect("the plan can be loaded").0)
});

fuzz_target!(|input: &[u8]| {
    fuzzing::rules(input, &PLAN);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    records::mutate(data, size, max_size, seed, &records::FRAMES)
});
