//! A message's lines, however its stream is cut, without copying those that come whole.

use std::borrow::Cow;

use super::limits::MAX_BODY_LINE;

/// A line with its end, or a part of one that is longer than the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// It begins a line.
    pub(super) starts: bool,
    /// It ends with a line feed.
    pub(super) ends: bool,
}

impl Piece<'_> {
    /// Its bytes without the line's end, and the end.
    pub(super) fn split(&self) -> (&[u8], &[u8]) {
        let bytes = &self.bytes;
        let end = match bytes.as_ref() {
            [.., b'\r', b'\n'] => bytes.len() - 2,
            [.., b'\n'] => bytes.len() - 1,
            _ => bytes.len(),
        };
        bytes.split_at(end)
    }
}

/// Cuts a message into pieces.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    part: Vec<u8>,
    /// The next piece goes on with a line.
    continues: bool,
}

impl Pieces {
    /// The next piece; `None` when `data` is used up.
    pub(super) fn next<'d>(&mut self, data: &mut &'d [u8]) -> Option<Piece<'d>> {
        if data.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', data).map(|at| at + 1);
        let room = MAX_BODY_LINE.saturating_sub(self.part.len()).max(1);
        let ends = end.is_some_and(|end| end <= room);
        let mut taken = end.unwrap_or(data.len()).min(room);
        if !ends && taken < room {
            self.part.extend_from_slice(data);
            *data = &[];
            return None;
        }
        // A line's end stays in one piece.
        if !ends && taken + self.part.len() > 1 && data.get(taken - 1) == Some(&b'\r') {
            taken -= 1;
        }
        let (bytes, rest) = data.split_at(taken);
        *data = rest;
        Some(self.piece(bytes, ends))
    }

    fn piece<'d>(&mut self, bytes: &'d [u8], ends: bool) -> Piece<'d> {
        let starts = !std::mem::replace(&mut self.continues, !ends);
        if self.part.is_empty() {
            return Piece { bytes: Cow::Borrowed(bytes), starts, ends };
        }
        let mut whole = std::mem::take(&mut self.part);
        whole.extend_from_slice(bytes);
        Piece { bytes: Cow::Owned(whole), starts, ends }
    }

    /// What is left when the message ends in the midst of a line.
    pub(super) fn rest(&mut self) -> Option<Piece<'static>> {
        let starts = !std::mem::take(&mut self.continues);
        let rest = std::mem::take(&mut self.part);
        (!rest.is_empty()).then_some(Piece { bytes: Cow::Owned(rest), starts, ends: false })
    }

    /// Bytes are missing: what follows begins no line.
    pub(super) fn gap(&mut self) {
        *self = Self { part: Vec::new(), continues: true };
    }

    pub(super) fn held(&self) -> usize {
        self.part.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(parts: &[&[u8]]) -> Vec<(Vec<u8>, bool, bool)> {
        let mut pieces = Pieces::default();
        let mut all = Vec::new();
        for part in parts {
            let mut data = *part;
            while let Some(piece) = pieces.next(&mut data) {
                all.push((piece.bytes.to_vec(), piece.starts, piece.ends));
            }
        }
        all.extend(pieces.rest().map(|piece| (piece.bytes.to_vec(), piece.starts, piece.ends)));
        all
    }

    #[test]
    fn pieces_are_the_same_however_they_are_cut() {
        let mut text = b"one\r\n\r\n.\r\n".to_vec();
        text.extend(vec![b'x'; MAX_BODY_LINE - 1]);
        text.extend(b"\r\nlast");
        let whole = joined(&[&text]);
        assert_eq!(whole.len(), 6);
        assert_eq!(whole[4], (b"\r\n".to_vec(), false, true));
        assert_eq!(whole[5], (b"last".to_vec(), true, false));
        for cut in 0..text.len() {
            let (head, tail) = text.split_at(cut);
            assert_eq!(joined(&[head, tail]), whole, "{cut}");
        }
    }
}
