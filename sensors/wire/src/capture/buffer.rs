use std::io::Read;
use std::ops::Range;

use super::error::CaptureError;

/// Small enough to stay in a core's own cache between the kernel's copy and the look at it.
const INITIAL: usize = 256 << 10;
/// Error: a record that needs more is corrupt.
pub(super) const MAX_BUFFER: usize = 16 << 20;

/// A window on the source. It grows only as bytes really come.
pub(super) struct Buffer {
    source: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Position of `bytes[0]` in the source.
    base: u64,
}

impl Buffer {
    pub(super) fn new(source: Box<dyn Read + Send>) -> Self {
        Self { source, bytes: vec![0; INITIAL], start: 0, end: 0, base: 0 }
    }

    /// How much of the source is used up.
    pub(super) fn position(&self) -> u64 {
        self.base + self.start as u64
    }

    /// What was read and is not used up.
    #[inline]
    pub(super) fn held(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// The next `len` bytes, not used up; `None` at the end of the source.
    #[inline]
    pub(super) fn peek(&mut self, len: usize) -> Result<Option<&[u8]>, CaptureError> {
        if self.end - self.start < len && !self.fill(len)? {
            return Ok(None);
        }
        Ok(self.bytes.get(self.start..self.start + len))
    }

    /// As [`Buffer::peek`], where the source must not end here.
    #[inline]
    pub(super) fn demand(&mut self, len: usize) -> Result<&[u8], CaptureError> {
        let at = self.position();
        self.peek(len)?.ok_or(CaptureError::Truncated { at })
    }

    /// The next `N` bytes, not used up; `None` at the end of the source.
    #[inline]
    pub(super) fn first<const N: usize>(&mut self) -> Result<Option<[u8; N]>, CaptureError> {
        Ok(self.peek(N)?.and_then(|bytes| bytes.first_chunk::<N>()).copied())
    }

    /// Uses up `len` bytes that were peeked at; gives the place of the part of them that `get` is to find.
    #[inline]
    pub(super) fn take(&mut self, len: usize, part: Range<usize>) -> Range<usize> {
        let from = self.start;
        self.start = (from + len).min(self.end);
        from + part.start..from + part.end
    }

    /// The bytes of that place; valid until the next read.
    #[inline]
    pub(super) fn get(&self, place: Range<usize>) -> &[u8] {
        self.bytes.get(place).unwrap_or_default()
    }

    /// Uses up `len` bytes unseen, however many.
    pub(super) fn skip(&mut self, len: u64) -> Result<(), CaptureError> {
        let mut left = len;
        while left > 0 {
            if self.start == self.end && !self.fill(1)? {
                return Err(CaptureError::Truncated { at: self.position() });
            }
            let step = left.min((self.end - self.start) as u64);
            self.start += step as usize;
            left -= step;
        }
        Ok(())
    }

    /// Reads until `len` bytes are there. False where the source ends before the first of them.
    #[cold]
    fn fill(&mut self, len: usize) -> Result<bool, CaptureError> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < len {
            if self.end == self.bytes.len() {
                self.grow()?;
            }
            let room = self.bytes.get_mut(self.end..).unwrap_or_default();
            match self.source.read(room) {
                Ok(0) if self.end == 0 => return Ok(false),
                Ok(0) => return Err(CaptureError::Truncated { at: self.base + self.end as u64 }),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(CaptureError::from_io(&error, self.base + self.end as u64)),
            }
        }
        Ok(true)
    }

    fn grow(&mut self) -> Result<(), CaptureError> {
        if self.bytes.len() >= MAX_BUFFER {
            return Err(CaptureError::Corrupt { at: self.base, why: "a record is longer than 16 MiB" });
        }
        self.bytes.resize(self.bytes.len() * 2, 0);
        Ok(())
    }
}
