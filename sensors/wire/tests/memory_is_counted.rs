//! What parsers say that they hold is what they take from the heap: the budget over all flows rests on it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::alloc::System;
use std::fs;
use std::path::Path;

use bavn_wire::fuzzing;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn live() -> usize {
    let stats = HEAP.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

// One test alone: others in this process would be measured with it.
#[test]
fn what_parsers_hold_is_what_they_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    for (target, streams) in [("stream", true), ("datagram", false)] {
        for kind in ["corpus", "regressions"] {
            let Ok(folder) = fs::read_dir(root.join(kind).join(target)) else { continue };
            for file in folder {
                let path = file.unwrap().path();
                // The test's output names the input that failed.
                println!("{}", path.display());
                fuzzing::measured(&fs::read(path).unwrap(), streams, &live);
            }
        }
    }
}
