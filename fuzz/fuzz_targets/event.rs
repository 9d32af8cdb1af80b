#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use bavn_engine::{Plan, fuzzing};
use bavn_fuzz::json;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

thread_local! {
    static JUDGE: RefCell<fuzzing::Judge> = RefCell::new({
        let json = include_bytes!("../plan.json");
        fuzzing::Judge::new(Arc::new(Plan::load(json).expect("the plan can be loaded").0))
    });
}

fuzz_target!(|input: &[u8]| {
    JUDGE.with_borrow_mut(|judge| fuzzing::event(input, judge));
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed)
});
