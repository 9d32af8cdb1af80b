#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use bavn_engine::{Plan, fuzzing};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static JUDGE: RefCell<fuzzing::Judge> = RefCell::new({
        let json = include_bytes!("../plan.json");
        fuzzing::Judge::new(Arc::new(Plan::load(json).expect("the plan can be loaded").0))
    });
}

fuzz_target!(|input: &[u8]| {
    JUDGE.with_borrow_mut(|judge| fuzzing::event(input, judge));
});
