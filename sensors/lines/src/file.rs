//! A file of lines, read through one bounded buffer.

use std::io::{self, Read};

/// Longest line that is read; a longer one is passed over.
pub const MAX_LINE: usize = 1 << 20;
/// Small enough to stay in a core's own cache.
const INITIAL: usize = 256 << 10;

/// What a file's first bytes say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Objects of JSON, a line each.
    Lines,
    /// A list of JSON, which is one long value.
    List,
    /// Zeek's own form, values between tabs.
    Tabs,
    /// More is needed: there are only blanks so far.
    More,
    /// Something else.
    Other,
}

/// Looks at a file's first bytes; blanks and a byte order mark are passed over.
#[must_use]
pub fn look(first: &[u8]) -> Look {
    let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
    match first {
        [b'{', ..] => Look::Lines,
        [b'[', ..] => Look::List,
        [] => Look::More,
        rest if rest.starts_with(b"#separator") => Look::Tabs,
        _ => Look::Other,
    }
}

/// A line, or what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A line without its end; true where the file ends without one.
    Line(&'a [u8], bool),
    /// One that is longer than [`MAX_LINE`].
    TooLong,
}

/// A file of lines.
pub struct Lines {
    source: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Where no line's end lies before.
    looked: usize,
    number: u64,
    taken: u64,
    is_first: bool,
}

impl Lines {
    /// Reads from what gives bytes, which are not packed.
    #[must_use]
    pub fn new(source: Box<dyn Read + Send>) -> Self {
        Self {
            source,
            bytes: vec![0; INITIAL],
            start: 0,
            end: 0,
            looked: 0,
            number: 0,
            taken: 0,
            is_first: true,
        }
    }

    /// Number of the last line given, from 1.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Bytes used up.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// Where the file cannot be read on.
    pub fn next_line(&mut self) -> io::Result<Option<Piece<'_>>> {
        let mut is_too_long = false;
        loop {
            let from = self.looked.max(self.start);
            if let Some(at) = memchr::memchr(b'\n', self.bytes.get(from..self.end).unwrap_or_default()) {
                return Ok(Some(self.give(from + at, 1, is_too_long)));
            }
            self.looked = self.end;
            if self.end - self.start > MAX_LINE {
                is_too_long = true;
                self.taken += (self.end - self.start) as u64;
                self.start = self.end;
            }
            if !self.fill()? {
                if self.start == self.end && !is_too_long {
                    return Ok(None);
                }
                return Ok(Some(self.give(self.end, 0, is_too_long)));
            }
        }
    }

    fn give(&mut self, end: usize, after: usize, is_too_long: bool) -> Piece<'_> {
        let start = self.start;
        self.start = end + after;
        self.looked = self.start;
        self.number += 1;
        self.taken += (self.start - start) as u64;
        let line = self.bytes.get(start..end).unwrap_or_default();
        let is_first = std::mem::take(&mut self.is_first);
        let line = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| is_first).unwrap_or(line);
        if is_too_long || line.len() > MAX_LINE { Piece::TooLong } else { Piece::Line(line, after == 0) }
    }

    /// Reads on; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.looked -= self.start;
        (self.start, self.end) = (0, self.end - self.start);
        if self.end == self.bytes.len() {
            self.bytes.resize(2 * self.bytes.len(), 0);
        }
        loop {
            match self.source.read(self.bytes.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    self.end += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
