//! What fuzzers and the replay of their finds call.

use std::io::Cursor;

use bavn_wire::json;

use crate::ledger::Reason;
use crate::{Lines, Reader};

/// Reads a file of lines; what it printed, for whoever wants to look at it.
///
/// # Panics
/// Where the lines are not all accounted for, fields are out of order or an event has no time.
#[allow(clippy::panic, reason = "a fuzzer's finding is a panic")]
#[must_use]
pub fn lines(input: &[u8]) -> Vec<u8> {
    let mut printed = Vec::new();
    let mut told = 0;
    let mut then = |event: &bavn_wire::messages::Event<'_>| {
        told += 1;
        assert!(event.fields.windows(2).all(|pair| pair[0].0 < pair[1].0), "fields out of order");
        json::write_event(&mut printed, event);
    };
    let mut reader = Reader::default();
    reader.begin_file("fuzz.log");
    let mut file = Lines::new(Box::new(Cursor::new(input.to_vec())));
    let mut number = 0;
    while let Ok(Some(piece)) = file.next_line() {
        number += 1;
        reader.line(piece, number, &|_| true, &mut then);
    }
    reader.finish(&|_| true, &mut then);
    let ledger = reader.ledger();
    let passed: u64 = Reason::ALL.iter().map(|reason| ledger.passed(*reason)).sum();
    assert!(ledger.lines == ledger.events + passed, "a line is lost");
    assert!(told == ledger.events && number == ledger.lines, "an event is lost");
    assert!(file.taken() == input.len() as u64, "bytes are lost");
    printed
}
