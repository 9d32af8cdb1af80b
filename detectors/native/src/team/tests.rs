use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;
use crate::worker::Worker;

const SECOND: u64 = 1_000_000_000;

fn captures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps");
    let folders = std::fs::read_dir(root).unwrap().map(|folder| folder.unwrap().path());
    let files = folders.filter(|path| path.is_dir()).flat_map(|path| std::fs::read_dir(path).unwrap());
    let is_capture = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "pcap" || kind == "pcapng");
    files.map(|file| file.unwrap().path()).filter(is_capture).collect()
}

fn settings(workers: usize, simulate: &[&str]) -> Settings {
    let settings = json!({
        "agency": "a", "sensor": "s", "key": "00".repeat(32), "tlp": "AMBER", "retention": "other",
        "events": true, "evidence_bytes": 4 << 20, "workers": workers, "checksums": true, "simulate": simulate,
    });
    Settings::read(settings.to_string().as_bytes()).unwrap()
}

/// What a run printed, its counters, and its captures of failures.
type Told = (Vec<u8>, Vec<(&'static str, u64)>, Vec<Vec<u8>>);

macro_rules! read {
    ($crew:expr, $path:expr) => {{
        let mut crew = $crew;
        crew.attach(Source::file($path).unwrap());
        let (mut events, mut failures) = (Vec::new(), Vec::new());
        let mut is_over = false;
        while !is_over {
            let mut output = crew.step(SECOND, Duration::from_millis(20));
            if !output.more {
                events.append(&mut output.events);
                failures.append(&mut output.failures);
                output = crew.finish(SECOND);
                is_over = !output.more;
                while output.more {
                    events.append(&mut output.events);
                    failures.append(&mut output.failures);
                    output = crew.finish(SECOND);
                    is_over = !output.more;
                }
            }
            events.append(&mut output.events);
            failures.append(&mut output.failures);
        }
        (events, crew.counters(), failures)
    }};
}

fn alone(path: &Path, simulate: &[&str]) -> Told {
    read!(Worker::new(None, &settings(1, simulate)).unwrap(), path)
}

fn together(path: &Path, workers: usize, simulate: &[&str]) -> Told {
    read!(Team::new(None, settings(workers, simulate)).unwrap(), path)
}

fn assert_balanced(counters: &[(&'static str, u64)]) {
    let sum = |is_it: fn(&str) -> bool| -> u64 {
        counters.iter().filter(|(name, _)| is_it(name)).map(|(_, count)| count).sum()
    };
    assert_eq!(sum(|name| name == "frames"), sum(|name| name == "analysed" || name.starts_with("drop_")));
}

#[test]
fn any_number_of_workers_tells_the_same() {
    let captures = captures();
    assert!(captures.len() > 30);
    for path in captures {
        let (events, counters, _) = alone(&path, &[]);
        for workers in [2, 3] {
            let (same, counted, _) = together(&path, workers, &[]);
            assert!(same == events, "{workers} workers tell of {} in another way", path.display());
            assert_eq!(counted, counters, "{workers} workers, {}", path.display());
        }
        assert_balanced(&counters);
    }
}

#[test]
fn failures_are_set_aside_alike() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps/benign-office/benign-office.pcap");
    let (events, counters, failures) = alone(&path, &["panic"]);
    let told = together(&path, 2, &["panic"]);
    assert!(!failures.is_empty());
    assert_eq!((told.1, told.2), (counters, failures));
    assert!(told.0 == events);
}

#[test]
fn limits_that_bite_cost_no_frame() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps/nmap-scan/nmap-scan.pcap");
    for limit in ["flows", "fragments", "segments", "parsers", "evidence"] {
        let (events, counters, _) = together(&path, 2, &[limit]);
        assert_balanced(&counters);
        assert!(together(&path, 2, &[limit]).0 == events, "{limit}: not the same in each run");
    }
}
