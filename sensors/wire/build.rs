//! Puts the field lists of the protocols together into one table, sorted by name.
#![allow(clippy::panic, reason = "a build script tells of errors so")]

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let src = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("src");
    println!("cargo::rerun-if-changed={}", src.join("proto").display());
    let mut rows: Vec<String> = lists(&src).iter().flat_map(|list| rows_of(list)).collect();
    rows.sort_by(|a, b| name_of(a).cmp(name_of(b)));
    if let Some(pair) = rows.windows(2).find(|pair| name_of(&pair[0]) == name_of(&pair[1])) {
        panic!("a field is listed twice: {} and {}", pair[0], pair[1]);
    }
    let table = format!("fields! {{\n    {}\n}}\n", rows.join("\n    "));
    let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default()).join("fields.rs");
    fs::write(&out, table).unwrap_or_else(|error| panic!("{}: {error}", out.display()));
}

/// The lists: what is shared, the files', the flow's, one a protocol.
fn lists(src: &Path) -> Vec<PathBuf> {
    let protocols = fs::read_dir(src.join("proto")).unwrap_or_else(|error| panic!("proto: {error}"));
    let own = protocols.flatten().map(|entry| entry.path().join("fields.txt")).filter(|list| list.exists());
    let mut all: Vec<PathBuf> = own.collect();
    all.extend(["fields.txt", "files/fields.txt", "flow/fields.txt"].map(|list| src.join(list)));
    all
}

/// The rows of one list; comments begin with `#`.
fn rows_of(list: &Path) -> Vec<String> {
    println!("cargo::rerun-if-changed={}", list.display());
    let text = fs::read_to_string(list).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
    let rows = text.lines().map(str::trim).filter(|row| !row.is_empty() && !row.starts_with('#'));
    rows.map(|row| {
        assert!(row.ends_with("\";") && row.contains(" = \""), "{}: not a row: {row}", list.display());
        row.to_owned()
    })
    .collect()
}

/// The ECS name of a row.
fn name_of(row: &str) -> &str {
    row.split('"').nth(1).unwrap_or(row)
}
