//! Copies into OUT_DIR, from where the wheel takes them, the rules (their tests stay out) and what sigma-cli finds of us.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fresh_copy(&here.join("../../rules"), &out.join("_rules"))?;
    fresh_copy(&here.join("sigma"), &out.join("sigma"))
}

fn fresh_copy(from: &Path, to: &Path) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", from.display());
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    if from.is_dir() { copy_files(from, to) } else { Ok(()) }
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            fs::create_dir_all(to.join(name))?;
            copy_files(&path, &to.join(name))?;
        } else if is_wanted(&name.to_string_lossy()) {
            println!("cargo:rerun-if-changed={}", path.display());
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

fn is_wanted(name: &str) -> bool {
    name.ends_with(".py") || name.ends_with(".yml") && !name.ends_with(".test.yml")
}
