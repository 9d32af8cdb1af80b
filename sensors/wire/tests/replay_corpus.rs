//! What fuzzers have found so far, run again: the minimised corpus, and every input that once failed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use bavn_wire::fuzzing::{self, Strict};

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

/// Each of these parsers has inputs, and one at least gives an event that is no anomaly.
fn all_are_reached(target: &str, names: &[&str], run: fn(&[u8]) -> Strict) {
    let inputs = inputs(target);
    for name in names {
        let head = &name.as_bytes()[..name.len().min(8)];
        let padded = |input: &[u8]| input.get(head.len()).is_none_or(|next| head.len() == 8 || *next == 0);
        let mut mine = inputs.iter().filter(|(_, input)| input.starts_with(head) && padded(input));
        let tells = |line: &[u8]| line.len() > 1 && !String::from_utf8_lossy(line).contains("\"bavn.weird\"");
        let reached = mine.any(|(_, input)| run(input).lines.split(|byte| *byte == b'\n').any(tells));
        assert!(reached, "no input of {target} makes {name} tell: see fuzz/README.md for seeds");
    }
}

#[test]
fn every_protocol_is_reached() {
    all_are_reached("stream", &fuzzing::streams(), fuzzing::stream);
    all_are_reached("datagram", &fuzzing::datagram_protocols(), fuzzing::datagrams);
}

#[test]
fn captures() {
    replay("capture", |input| drop(fuzzing::capture(input)));
}

#[test]
fn captures_to_events() {
    replay("scan", |input| {
        let mut sink = Strict::default();
        fuzzing::scan(input, &mut sink);
        each_line_is_json(&sink.lines);
    });
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
