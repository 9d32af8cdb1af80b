//! Turns the tables of logs (`tables/<source>/<log>.toml`) into data for the reader.
#![allow(clippy::panic, reason = "a build script tells of errors so")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use toml::{Table, Value};

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("tables");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut text = "/// Every log that a table tells of.\npub(crate) static LOGS: &[Log] = &[\n".to_owned();
    for source in sorted(&root) {
        for path in sorted(&source).iter().filter(|path| name(path) != "common") {
            println!("cargo::rerun-if-changed={}", path.display());
            log(&mut text, &source, path);
        }
    }
    text.push_str("];\n");
    let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default()).join("logs.rs");
    fs::write(&out, text).unwrap_or_else(|error| panic!("{}: {error}", out.display()));
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

fn read(path: &Path) -> Table {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Keys that a table of a log may have.
const PARTS: [&str; 9] =
    ["kind", "documentation", "signature", "swap", "keys", "ignored", "given", "never", "note"];

fn log(out: &mut String, source: &Path, path: &Path) {
    let table = read(path);
    if let Some(unknown) = table.keys().find(|key| !PARTS.contains(&key.as_str())) {
        panic!("{}: what is {unknown:?}?", path.display());
    }
    assert!(table.contains_key("documentation"), "{}: no documentation is named", path.display());
    let common = read(&source.join("common.toml"));
    let text = |key: &str| table.get(key).and_then(Value::as_str).unwrap_or_default();
    let _ = writeln!(
        out,
        "Log {{ source: {:?}, name: {:?}, kind: {:?}, signature: &{:?}, swap: {}, never: &{:?}, rows: &[",
        name(source),
        name(path),
        text("kind"),
        texts(table.get("signature")),
        swap(&table),
        texts(table.get("never"))
    );
    // A log's own row wins over the one that all logs of the source have.
    let own = pairs(&table, "keys");
    let shared =
        pairs(&common, "keys").into_iter().filter(|(key, _)| !own.iter().any(|(mine, _)| mine == key));
    shared.chain(own.iter().copied()).for_each(|(key, value)| rows(out, path, key, value));
    let _ = write!(out, "], ignored: &[");
    for (key, _) in pairs(&common, "ignored").into_iter().chain(pairs(&table, "ignored")) {
        let _ = write!(out, "{key:?},");
    }
    let _ = write!(out, "], given: &[");
    for (key, value) in pairs(&table, "given") {
        let _ = write!(out, "({key:?}, {:?}),", value.as_str().unwrap_or_default());
    }
    out.push_str("] },\n");
}

/// The key whose value says that the first address is the server's, and those values.
fn swap(table: &Table) -> String {
    let pair = pairs(table, "swap").into_iter().next();
    pair.map_or_else(
        || "None".to_owned(),
        |(key, value)| format!("Some(({key:?}, &{:?}))", texts(Some(value))),
    )
}

fn pairs<'t>(table: &'t Table, part: &str) -> Vec<(&'t str, &'t Value)> {
    let inner = table.get(part).and_then(Value::as_table);
    inner.map(|inner| inner.iter().map(|(key, value)| (key.as_str(), value)).collect()).unwrap_or_default()
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// One row for each thing that a key gives.
fn rows(out: &mut String, path: &Path, key: &str, value: &Value) {
    match value {
        Value::Array(several) if several.iter().any(Value::is_table) => {
            several.iter().for_each(|one| row(out, path, key, one));
        }
        one => row(out, path, key, one),
    }
}

fn row(out: &mut String, path: &Path, key: &str, value: &Value) {
    let none = Table::new();
    let table = value.as_table().unwrap_or(&none);
    if let Some(unknown) =
        table.keys().find(|part| !["to", "as", "with", "words", "note"].contains(&part.as_str()))
    {
        panic!("{}: {key}: what is {unknown:?}?", path.display());
    }
    let to = texts(table.get("to").or(Some(value)));
    assert!(!to.is_empty(), "{}: {key} goes nowhere", path.display());
    let text = |part: &str| table.get(part).and_then(Value::as_str).unwrap_or_default();
    let _ = write!(
        out,
        "Row {{ key: {key:?}, to: &{to:?}, how: {:?}, with: {:?}, words: &[",
        text("as"),
        text("with")
    );
    for (from, word) in pairs(table, "words") {
        let _ = write!(out, "({from:?}, {:?}),", word.as_str().unwrap_or_default());
    }
    out.push_str("] },\n");
}
