//! Lines in, events out, one after another.

use std::sync::LazyLock;

use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, EventKind};

use crate::convert::Slot;
use crate::file::Piece;
use crate::joining::{MAX_WAITING_LINE, Questions, Waiting};
use crate::ledger::{Ledger, Reason};
use crate::line::{Buffers, Row, Wants, reason};
use crate::scan::Tape;
use crate::table::{Source, Table, Tables};
use crate::which::Finder;

/// Made once, when the first line comes.
static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);

/// Reads lines; what it holds is kept for the next.
#[derive(Debug, Default)]
pub struct Reader {
    tape: Tape,
    row: Row,
    buffers: Buffers,
    finder: Finder,
    questions: Questions,
    ledger: Ledger,
}

impl Reader {
    /// What became of the lines.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Begins a file, whose name may tell of lines that say nothing of themselves: `dns` of `dns.log`.
    pub fn begin_file(&mut self, name: &str) {
        let stem = name.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
        self.finder = Finder::default();
        self.finder.file = stem.as_bytes().to_vec();
        self.ledger.begin_file();
    }

    /// Takes a line. `wants` says of a kind whether anybody would look at its events; `then` takes those that come of it.
    pub fn line(
        &mut self,
        piece: Piece<'_>,
        number: u64,
        wants: Wants<'_>,
        then: &mut dyn FnMut(&Event<'_>),
    ) {
        self.ledger.lines += 1;
        self.ledger.here.1 += 1;
        let done = match piece {
            Piece::TooLong => Err(Reason::TooLong),
            Piece::Line(line, is_last) => self.read(line, is_last, number, wants, then),
        };
        if let Err(reason) = done {
            self.ledger.pass(number, reason);
        }
    }

    /// Counts bytes that lines took.
    pub const fn count_bytes(&mut self, bytes: u64) {
        self.ledger.bytes += bytes;
    }

    /// Gives out what still waits for another line.
    pub fn finish(&mut self, wants: Wants<'_>, then: &mut dyn FnMut(&Event<'_>)) {
        while let Some(waiting) = self.questions.pop() {
            self.alone(&waiting, wants, then);
        }
    }

    fn read(
        &mut self,
        line: &[u8],
        is_last: bool,
        number: u64,
        wants: Wants<'_>,
        then: &mut dyn FnMut(&Event<'_>),
    ) -> Result<(), Reason> {
        if let Err(fault) = self.tape.read(line) {
            return Err(match reason(fault) {
                Reason::NotJson if line.trim_ascii().is_empty() => Reason::Blank,
                Reason::NotJson if is_last => Reason::Cut,
                other => other,
            });
        }
        if self.tape.has_high && std::str::from_utf8(line).is_err() {
            self.ledger.not_utf8 += 1;
        }
        let table = self.finder.find(&TABLES, line, &self.tape).map_err(|(reason, name)| {
            if !name.is_empty() {
                self.ledger.others.count(&name);
            }
            reason
        })?;
        if !wants(table.kind) {
            self.ledger.event();
            return Ok(());
        }
        self.row.read(table, line, &self.tape, &mut self.ledger)?;
        if table.source == Source::Suricata && table.kind == EventKind::Dns {
            return self.dns(table, line, number, wants, then);
        }
        self.row.event(table, line, number, &mut self.buffers, then)?;
        self.ledger.event();
        Ok(())
    }

    /// A question waits, an answer takes its question with it.
    fn dns(
        &mut self,
        table: &Table,
        line: &[u8],
        number: u64,
        wants: Wants<'_>,
        then: &mut dyn FnMut(&Event<'_>),
    ) -> Result<(), Reason> {
        let time = self.row.ends.time.ok_or(Reason::NoTime)?;
        let key = (self.row.ends.flow, self.message_id(table, line));
        if !self.is_answered(table) && line.len() <= MAX_WAITING_LINE {
            for waiting in self.questions.wait(key, time, number, line) {
                self.alone(&waiting, wants, then);
            }
            return Ok(());
        }
        if let Some(question) = self.questions.answer(key) {
            self.ledger.pass(question.number, Reason::Joined);
            let rtt = Slot::Number(time.saturating_sub(question.time));
            if let Some(slot) =
                table.column(Field::DnsRtt).and_then(|at| self.row.slots.get_mut(usize::from(at)))
            {
                *slot = rtt;
            }
        }
        self.row.event(table, line, number, &mut self.buffers, then)?;
        self.ledger.event();
        Ok(())
    }

    fn is_answered(&self, table: &Table) -> bool {
        let code = table.column(Field::DnsResponseCode).and_then(|at| self.row.slots.get(usize::from(at)));
        !matches!(code, None | Some(Slot::Absent | Slot::Unobserved))
    }

    fn message_id(&self, table: &Table, line: &[u8]) -> u64 {
        let id = table.column(Field::DnsId).and_then(|at| self.row.slots.get(usize::from(at)));
        let text = match id {
            Some(Slot::Line(span)) => span.of(line),
            Some(Slot::Made(span)) => span.of(&self.row.made),
            _ => &[],
        };
        crate::convert::number(text).unwrap_or(u64::MAX)
    }

    /// Tells of a question that no answer came to.
    fn alone(&mut self, waiting: &Waiting, wants: Wants<'_>, then: &mut dyn FnMut(&Event<'_>)) {
        let told = self.tell(&waiting.line, waiting.number, wants, then);
        match told {
            Ok(()) => self.ledger.event(),
            Err(reason) => self.ledger.pass(waiting.number, reason),
        }
    }

    fn tell(
        &mut self,
        line: &[u8],
        number: u64,
        wants: Wants<'_>,
        then: &mut dyn FnMut(&Event<'_>),
    ) -> Result<(), Reason> {
        // The line at hand stays as it was.
        let (mut tape, mut row) = (Tape::default(), Row::default());
        tape.read(line).map_err(reason)?;
        let table = self.finder.find(&TABLES, line, &tape).map_err(|(reason, _)| reason)?;
        let mut ledger = Ledger::default();
        row.read(table, line, &tape, &mut ledger)?;
        if wants(table.kind) {
            row.event(table, line, number, &mut self.buffers, then)?;
        }
        Ok(())
    }
}
