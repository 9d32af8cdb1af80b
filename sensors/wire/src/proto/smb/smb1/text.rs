//! Texts that end with a zero, in UTF-16 (at even offsets of the message) or in the machine's code page.

use crate::proto::little::utf16_to_zero;
use crate::proto::smb::limits::MAX_NAME;

/// Reads one text after another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts<'a> {
    message: &'a [u8],
    at: usize,
    is_unicode: bool,
}

impl<'a> Texts<'a> {
    pub(super) fn new(message: &'a [u8], at: usize, is_unicode: bool) -> Self {
        Self { message, at, is_unicode }
    }

    /// The same in the machine's code page.
    pub(super) fn plain(self) -> Self {
        Self { is_unicode: false, ..self }
    }

    /// The next text; what is cut short is given as far as it goes.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        if self.is_unicode {
            self.at = self.at.next_multiple_of(2);
        }
        let rest = self.message.get(self.at..)?;
        let (mut text, used) = if self.is_unicode { wide(rest) } else { narrow(rest) };
        self.at += used;
        MAX_NAME.truncate(&mut text);
        text.shrink_to_fit();
        Some(text)
    }

    /// Passes over one byte that says what follows (a buffer format).
    pub(super) fn skip_format(&mut self) {
        self.at += 1;
    }

    /// A path, without the backslash before it: as SMB 2 writes it.
    pub(super) fn path(&mut self) -> Option<Vec<u8>> {
        self.next().map(without_backslash)
    }
}

pub(super) fn without_backslash(mut path: Vec<u8>) -> Vec<u8> {
    if path.first() == Some(&b'\\') {
        path.remove(0);
    }
    path
}

fn wide(rest: &[u8]) -> (Vec<u8>, usize) {
    let end = rest.chunks_exact(2).position(|pair| pair == [0, 0]).map_or(rest.len(), |at| at * 2);
    (utf16_to_zero(rest.get(..end).unwrap_or_default()), (end + 2).min(rest.len()))
}

fn narrow(rest: &[u8]) -> (Vec<u8>, usize) {
    let end = memchr::memchr(0, rest).unwrap_or(rest.len());
    (rest.get(..end).unwrap_or_default().to_vec(), (end + 1).min(rest.len()))
}
