//! What fuzzers have found so far, run again: the minimised corpus, and every input that once failed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use bavn_wire::fuzzing;

fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let folders = ["corpus", "regressions"].map(|kind| root.join(kind).join(target));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    files.map(|file| file.unwrap().path()).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Runs all inputs of a target; there must be some.
fn replay(target: &str, run: impl Fn(&[u8])) {
    let inputs = inputs(target);
    assert!(inputs.len() > 10, "the corpus of {target} is missing");
    for (path, input) in inputs {
        // The test's output names the input that failed.
        println!("{}", path.display());
        run(&input);
    }
}

fn each_line_is_json(lines: &[u8]) {
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        serde_json::from_slice::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn packets() {
    replay("packet", |input| each_line_is_json(&fuzzing::packets_strictly(input).lines));
}

#[test]
fn streams() {
    replay("stream", |input| each_line_is_json(&fuzzing::stream(input).lines));
}

#[test]
fn datagrams() {
    replay("datagram", |input| each_line_is_json(&fuzzing::datagrams(input).lines));
}

#[test]
fn captures() {
    replay("capture", |input| drop(fuzzing::capture(input)));
}

#[test]
fn every_regression_is_described() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions");
    let described = fs::read_to_string(root.join("regressions.toml")).unwrap();
    for target in fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        for file in fs::read_dir(&target).unwrap() {
            let path = file.unwrap().path();
            let name = format!("\"{}\"", path.strip_prefix(&root).unwrap().display());
            assert!(described.contains(&name), "{name} has no description");
        }
    }
}
