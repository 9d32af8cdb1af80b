//! What became of each line: `lines = events + sum of what was passed over, by reason`.

use std::collections::BTreeMap;

use crate::table::Source;

/// Why a line is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// There is nothing in it.
    Blank,
    /// It tells of something that is no event here: statistics, alerts of others.
    Other,
    /// It was put together with another line of the same transaction.
    Joined,
    /// It is not JSON, or no object.
    NotJson,
    /// The file ends inside it.
    Cut,
    /// Longer than the limit.
    TooLong,
    /// Nested too deeply.
    TooDeep,
    /// Too many values.
    TooMany,
    /// A key that is read stands twice.
    Twice,
    /// It has no time.
    NoTime,
    /// Nothing tells what it is.
    Unknown,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 11] = [
        Self::Blank,
        Self::Other,
        Self::Joined,
        Self::NotJson,
        Self::Cut,
        Self::TooLong,
        Self::TooDeep,
        Self::TooMany,
        Self::Twice,
        Self::NoTime,
        Self::Unknown,
    ];

    /// Its counter.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blank => "line_blank",
            Self::Other => "line_other",
            Self::Joined => "line_joined",
            Self::NotJson => "line_not_json",
            Self::Cut => "line_cut",
            Self::TooLong => "line_too_long",
            Self::TooDeep => "line_too_deep",
            Self::TooMany => "line_too_many_values",
            Self::Twice => "line_key_twice",
            Self::NoTime => "line_no_time",
            Self::Unknown => "line_unknown",
        }
    }

    /// In words.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Other => "no event",
            Self::Joined => "joined with another",
            Self::NotJson => "no JSON object",
            Self::Cut => "cut by the file's end",
            Self::TooLong => "longer than 1 MiB",
            Self::TooDeep => "nested too deeply",
            Self::TooMany => "too many values",
            Self::Twice => "a key twice",
            Self::NoTime => "no time",
            Self::Unknown => "of no log that is known",
        }
    }

    /// True where something is lost with it.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        !matches!(self, Self::Blank | Self::Other | Self::Joined)
    }
}

/// Most names that are counted each by itself; the rest is counted together.
pub const MAX_NAMES: usize = 500;
/// Longest name that is kept.
pub const MAX_NAME: usize = 120;
/// Refused lines of a file that are named.
pub const MAX_FIRST: usize = 5;

/// Counts by name, bounded.
#[derive(Clone, Debug, Default)]
pub struct Names {
    counts: BTreeMap<Box<[u8]>, u64>,
    /// Of names beyond the limit.
    pub more: u64,
}

impl Names {
    pub(crate) fn count(&mut self, name: &[u8]) {
        let name = name.get(..name.len().min(MAX_NAME)).unwrap_or_default();
        if let Some(count) = self.counts.get_mut(name) {
            *count += 1;
        } else if self.counts.len() < MAX_NAMES {
            self.counts.insert(name.into(), 1);
        } else {
            self.more += 1;
        }
    }

    /// Each name with its count.
    pub fn iter(&self) -> impl Iterator<Item = (String, u64)> {
        self.counts.iter().map(|(name, count)| (String::from_utf8_lossy(name).into_owned(), *count))
    }
}

/// What became of the lines so far.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Lines, whatever became of them.
    pub lines: u64,
    /// Their bytes, ends included.
    pub bytes: u64,
    /// Lines that are events.
    pub events: u64,
    /// Lines with bytes that are no UTF-8; they are taken as they are.
    pub not_utf8: u64,
    /// By reason, in the order of [`Reason::ALL`].
    passed: [u64; Reason::ALL.len()],
    /// What is no event, by its name in its source.
    pub others: Names,
    /// Keys that no table knows, behind source and log.
    pub unmapped: Names,
    /// Keys whose value does not fit the field, likewise.
    pub misfits: Names,
    /// The first lines of the file at hand that were lost.
    pub first: Vec<(u64, Reason)>,
    /// Lost lines of the file at hand.
    pub lost_here: u64,
    /// Events of the file at hand, and its lines.
    pub here: (u64, u64),
}

impl Ledger {
    pub(crate) fn pass(&mut self, line: u64, reason: Reason) {
        if let Some(count) = self.passed.get_mut(reason as usize) {
            *count += 1;
        }
        if reason.is_loss() {
            self.lost_here += 1;
            if self.first.len() < MAX_FIRST {
                self.first.push((line, reason));
            }
        }
    }

    pub(crate) fn event(&mut self) {
        self.events += 1;
        self.here.0 += 1;
    }

    pub(crate) fn begin_file(&mut self) {
        self.first.clear();
        self.lost_here = 0;
        self.here = (0, 0);
    }

    /// Lines that were passed over for that reason.
    #[must_use]
    pub fn passed(&self, reason: Reason) -> u64 {
        self.passed.get(reason as usize).copied().unwrap_or_default()
    }

    /// Named counters.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let own = [
            ("lines", self.lines),
            ("line_bytes", self.bytes),
            ("line_events", self.events),
            ("line_not_utf8", self.not_utf8),
        ];
        own.into_iter().chain(Reason::ALL.iter().map(|reason| (reason.name(), self.passed(*reason))))
    }

    /// What is to be said of the file at hand; `None` where nothing of it was lost.
    #[must_use]
    pub fn loss(&self) -> Option<String> {
        if self.lost_here == 0 {
            return None;
        }
        let named = |(line, reason): &(u64, Reason)| format!("line {line}: {}", reason.phrase());
        let first: Vec<String> = self.first.iter().map(named).collect();
        let more = if self.lost_here > self.first.len() as u64 { ", ..." } else { "" };
        let (lost, lines) = (self.lost_here, self.here.1);
        Some(format!("{lost} of {lines} lines cannot be read ({}{more})", first.join(", ")))
    }
}

/// A name behind its source and log.
pub(crate) fn behind(source: Source, log: &str, around: &[u8], key: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for part in [source.name().as_bytes(), b" ", log.as_bytes(), b" ", around] {
        out.extend_from_slice(part);
    }
    if !around.is_empty() {
        out.push(b'.');
    }
    out.extend_from_slice(key);
}
