//! Lines of text protocols, however their stream is cut.

use crate::limits::Limit;

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) bytes: Vec<u8>,
    /// It was longer than the limit; its beginning is here.
    pub(crate) is_cut: bool,
}

/// Puts lines together.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    part: Vec<u8>,
    is_cut: bool,
    /// Bytes are missing: what comes up to the next line's beginning is of no use.
    is_lost: bool,
}

impl Lines {
    /// The next line, as much of it as the limit lets; `None` when `data` is used up.
    pub(crate) fn next(&mut self, data: &mut &[u8], limit: &Limit) -> Option<Line> {
        loop {
            let end = memchr::memchr(b'\n', data);
            let (piece, rest) = data.split_at(end.map_or(data.len(), |at| at + 1));
            let room = limit.get().saturating_sub(self.part.len());
            if piece.len() > room + 2 && !std::mem::replace(&mut self.is_cut, true) {
                limit.hit();
            }
            self.part.extend_from_slice(piece.get(..room).unwrap_or(piece));
            *data = rest;
            end?;
            let bytes = trim_end(std::mem::take(&mut self.part));
            let line = Line { bytes, is_cut: std::mem::take(&mut self.is_cut) };
            if !std::mem::take(&mut self.is_lost) {
                return Some(line);
            }
        }
    }

    /// Bytes of the stream are missing.
    pub(crate) fn gap(&mut self) {
        *self = Self { is_lost: true, ..Self::default() };
    }

    /// True in the midst of a line.
    pub(crate) fn is_within(&self) -> bool {
        !self.part.is_empty() || self.is_lost
    }

    pub(crate) fn held(&self) -> usize {
        self.part.capacity()
    }
}

fn trim_end(mut line: Vec<u8>) -> Vec<u8> {
    for end in [b'\n', b'\r'] {
        if line.last() == Some(&end) {
            line.pop();
        }
    }
    line
}

/// The first word and what follows it.
pub(crate) fn verb(line: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr2(b' ', b'\t', line).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    (word, rest.trim_ascii())
}

/// Code of a reply line and whether others follow it: three digits, then a space, a hyphen, or nothing
/// (RFC 959 4.2, RFC 5321 4.2).
pub(crate) fn reply(line: &[u8]) -> Option<(u16, bool)> {
    let (code, rest) = line.split_first_chunk::<3>()?;
    if !code.iter().all(u8::is_ascii_digit) || !matches!(rest.first(), None | Some(b' ' | b'-')) {
        return None;
    }
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    (100..600).contains(&code).then_some((code, rest.first() == Some(&b'-')))
}

/// A TLS handshake record where a line should begin: the change to TLS was said out of sight.
pub(super) const fn is_tls(data: &[u8]) -> bool {
    matches!(data, [22, 3, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    static SHORT: Limit = Limit::new(["test", "MAX_SHORT", "", ""], 5, 5);
    static LONG: Limit = Limit::new(["test", "MAX_LONG", "", ""], 20, 20);

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let text = b"one\r\ntwo\n\r\nmuch too long\r\nx";
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            let (mut head, mut tail) = text.split_at(cut);
            let mut all: Vec<Line> = std::iter::from_fn(|| lines.next(&mut head, &SHORT)).collect();
            all.extend(std::iter::from_fn(|| lines.next(&mut tail, &SHORT)));
            let texts: Vec<_> = all.iter().map(|line| line.bytes.as_slice()).collect();
            assert_eq!(texts, [&b"one"[..], b"two", b"", b"much "], "{cut}");
            assert!(all[3].is_cut && !all[0].is_cut && lines.is_within());
        }
    }

    #[test]
    fn a_gap_costs_the_line_it_is_in() {
        let mut lines = Lines::default();
        lines.next(&mut &b"be"[..], &LONG);
        lines.gap();
        assert_eq!(lines.next(&mut &b"gin\r\nnext\r\n"[..], &LONG).unwrap().bytes, b"next");
    }

    #[test]
    fn replies_have_three_digits() {
        assert_eq!(reply(b"220 hello"), Some((220, false)));
        assert_eq!(reply(b"250-SIZE"), Some((250, true)));
        assert_eq!(reply(b"221"), Some((221, false)));
        for line in [&b"22 x"[..], b"2200", b"+OK", b"099 x", b"600 x"] {
            assert_eq!(reply(line), None);
        }
    }
}
