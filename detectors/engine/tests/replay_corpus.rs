//! What fuzzers have found so far, run again: rules over packets, plans, and events.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bavn_engine::owned::OwnedEvent;
use bavn_engine::{Plan, fuzzing};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn plan() -> Arc<Plan> {
    let (plan, errors) = Plan::load(&fs::read(root().join("plan.json")).unwrap()).unwrap();
    assert!(errors.is_empty() && plan.rules().len() > 20, "{errors:?}");
    Arc::new(plan)
}

/// Runs all inputs of a target; gives of how many `run` was true.
fn replay(target: &str, mut run: impl FnMut(&[u8]) -> bool) -> usize {
    let folders = ["corpus", "regressions"].map(|kind| root().join(kind).join(target));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let mut inputs = 0;
    let mut good = 0;
    for path in files.map(|file| file.unwrap().path()) {
        // The test's output names the input that failed.
        println!("{}", path.display());
        good += usize::from(run(&fs::read(path).unwrap()));
        inputs += 1;
    }
    assert!(inputs > 10, "the corpus of {target} is missing");
    good
}

#[test]
fn rules() {
    let plan = plan();
    assert!(replay("rules", |input| fuzzing::rules(input, &plan) > 0) > 0, "no rule was hit");
}

#[test]
fn captures() {
    let plan = plan();
    assert!(replay("scan", |input| fuzzing::scan(input, &plan) > 0) > 0, "no rule was hit");
}

#[test]
fn plans() {
    let lines = fs::read_to_string(root().join("events.jsonl")).unwrap();
    let events: Vec<_> = lines.lines().map(|line| OwnedEvent::from_json(line.as_bytes()).unwrap()).collect();
    assert!(replay("plan", |input| fuzzing::plan(input, &events)) > 0, "no plan could be loaded");
}

#[test]
fn events() {
    let mut judge = fuzzing::Judge::new(plan());
    assert!(replay("event", |input| fuzzing::event(input, &mut judge)) > 0, "no event could be read");
}
