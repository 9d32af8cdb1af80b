//! The protocol that a run of `stream` or `datagram` is held to.

use std::env;
use std::process;
use std::sync::LazyLock;

/// Bytes of an input that name its protocol.
pub const NAME: usize = 8;

/// The name in `BAVN_FUZZ_PROTOCOL`, as an input begins with it.
static CHOSEN: LazyLock<Option<[u8; NAME]>> = LazyLock::new(|| {
    let name = env::var("BAVN_FUZZ_PROTOCOL").ok().filter(|name| !name.is_empty())?;
    Some(padded(&name))
});

/// A name as an input has it.
#[must_use]
pub fn padded(name: &str) -> [u8; NAME] {
    let mut out = [0; NAME];
    out.iter_mut().zip(name.bytes()).for_each(|(place, byte)| *place = byte);
    out
}

/// With `BAVN_FUZZ_LIST` in the environment, prints the names and ends.
pub fn list_if_asked(names: &[&str]) {
    if env::var_os("BAVN_FUZZ_LIST").is_some() {
        println!("{}", names.join("\n"));
        process::exit(0);
    }
}

/// Gives an input the name that it should have: that of the run, else the one that it had before it was mutated.
pub fn keep(input: &mut [u8], before: Option<[u8; NAME]>) {
    if let (Some(name), Some(place)) = (CHOSEN.or(before), input.first_chunk_mut()) {
        *place = name;
    }
}
