//! Prints every event of capture files as JSON Lines: `cargo run -p bavn-wire --example events -- [--without KIND]... FILE...`.
//! A kind that is left out is not looked for, which tells what its protocol costs others (`bench/foreign.py`).

#![allow(clippy::print_stderr, reason = "a program for the command line")]

use std::env;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use bavn_wire::capture::Capture;
use bavn_wire::json::write_event;
use bavn_wire::messages::{Event, EventKind, Sink};
use bavn_wire::pipeline::{Wire, WireConfig};

struct Printer<W: Write> {
    out: W,
    line: Vec<u8>,
    result: io::Result<()>,
}

impl<W: Write> Sink for Printer<W> {
    fn event(&mut self, event: &Event<'_>) {
        self.line.clear();
        write_event(&mut self.line, event);
        if self.result.is_ok() {
            self.result = self.out.write_all(&self.line);
        }
    }
}

fn main() -> ExitCode {
    let mut printer = Printer { out: BufWriter::new(io::stdout().lock()), line: Vec::new(), result: Ok(()) };
    let mut failed = false;
    let (mut kinds, mut words) = (EventKind::ALL.to_vec(), env::args().skip(1));
    while let Some(file) = words.next() {
        if file == "--without" {
            let left_out = words.next().and_then(|name| EventKind::by_name(&name));
            kinds.retain(|kind| Some(*kind) != left_out);
            continue;
        }
        if let Err(error) = print(Path::new(&file), &kinds, &mut printer) {
            eprintln!("{file}: {error}");
            failed = true;
        }
    }
    ExitCode::from(u8::from(failed || printer.result.is_err() || printer.out.flush().is_err()))
}

/// Prints the events of one file; those before an error too.
fn print<W: Write>(
    file: &Path,
    kinds: &[EventKind],
    printer: &mut Printer<W>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut capture = Capture::open(file)?;
    let mut wire = Wire::new(WireConfig { features: true, kinds: kinds.to_vec(), ..WireConfig::default() });
    let mut end = Ok(());
    loop {
        match capture.next_frame() {
            Ok(Some(frame)) => wire.frame(&frame, printer),
            Ok(None) => break,
            Err(error) => {
                end = Err(error.into());
                break;
            }
        }
    }
    wire.finish(printer);
    end
}
