//! What the fuzzer has found so far, run again.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::fs;
use std::path::Path;

use bavn_lines::fuzzing;

#[test]
fn lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/lines");
    let mut printed = 0;
    let mut inputs = 0;
    for file in fs::read_dir(root).unwrap() {
        let path = file.unwrap().path();
        // The test's output names the input that failed.
        println!("{}", path.display());
        let out = fuzzing::lines(&fs::read(path).unwrap());
        for line in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            serde_json::from_slice::<serde_json::Value>(line).unwrap();
            printed += 1;
        }
        inputs += 1;
    }
    assert!(inputs > 10 && printed > 100, "the corpus is missing: {inputs} inputs, {printed} events");
}
