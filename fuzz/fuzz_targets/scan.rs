#![no_main]

use std::sync::{Arc, LazyLock};

use bavn_engine::{Plan, fuzzing};
use libfuzzer_sys::fuzz_target;

static PLAN: LazyLock<Arc<Plan>> = LazyLock::new(|| {
    let json = include_bytes!("../plan.json");
    Arc::new(Plan::load(json).expect("the plan can be loaded").0)
});

fuzz_target!(|input: &[u8]| {
    fuzzing::scan(input, &PLAN);
});
