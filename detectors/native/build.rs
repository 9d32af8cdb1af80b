//! Copies the rules into OUT_DIR/_rules, from where the wheel takes them; rule tests stay out.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let rules = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../rules");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("_rules");
    println!("cargo:rerun-if-changed={}", rules.display());
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    if rules.is_dir() { copy_rules(&rules, &out) } else { Ok(()) }
}

fn copy_rules(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        let text = name.to_string_lossy();
        if path.is_dir() {
            fs::create_dir_all(to.join(name))?;
            copy_rules(&path, &to.join(name))?;
        } else if text.ends_with(".yml") && !text.ends_with(".test.yml") {
            println!("cargo:rerun-if-changed={}", path.display());
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}
