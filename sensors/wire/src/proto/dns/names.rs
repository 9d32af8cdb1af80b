//! Domain names: labels and compression (RFC 1035 4.1.4), text form (RFC 4343 2.1).

use super::limits::{MAX_NAME, MAX_POINTERS};
use super::parse::{Malformed, u8_at, u16_at};

enum Label<'a> {
    Root,
    Text(&'a [u8]),
    Pointer(usize),
}

fn label(message: &[u8], at: usize) -> Result<Label<'_>, Malformed> {
    let first = u8_at(message, at)?;
    match first >> 6 {
        0 if first == 0 => Ok(Label::Root),
        0 => {
            let from = message.get(at + 1..).ok_or(Malformed::Truncated)?;
            from.get(..usize::from(first)).map(Label::Text).ok_or(Malformed::Truncated)
        }
        3 => Ok(Label::Pointer(usize::from(u16_at(message, at)? & 0x3fff))),
        _ => Err(Malformed::LabelType),
    }
}

/// Offset of what follows the name at `at`, without following pointers.
pub(super) fn skip(message: &[u8], mut at: usize) -> Result<usize, Malformed> {
    let begin = at;
    loop {
        match label(message, at)? {
            Label::Root => return Ok(at + 1),
            Label::Pointer(_) => return Ok(at + 2),
            Label::Text(text) => at += 1 + text.len(),
        }
        if at - begin >= MAX_NAME {
            return Err(Malformed::NameTooLong);
        }
    }
}

/// Appends the text of the name at `at` to `out`: labels joined by dots without a last one, `.` for the root;
/// dots and backslashes inside a label are escaped, all other bytes stay as they are. Gives the offset of
/// what follows the name; on an error `out` holds what was read.
pub(super) fn read(message: &[u8], at: usize, out: &mut Vec<u8>) -> Result<usize, Malformed> {
    let begin = out.len();
    let mut walk = Walk { at, floor: at, jumps: 0, wire: 1, end: None };
    while let Some(text) = walk.next(message)? {
        if out.len() > begin {
            out.push(b'.');
        }
        escape(text, out);
    }
    if out.len() == begin {
        out.push(b'.');
    }
    Ok(walk.end.unwrap_or(walk.at + 1))
}

struct Walk {
    at: usize,
    /// Begin of the piece being read: a pointer out of it must lead before this.
    floor: usize,
    jumps: usize,
    wire: usize,
    end: Option<usize>,
}

impl Walk {
    fn next<'a>(&mut self, message: &'a [u8]) -> Result<Option<&'a [u8]>, Malformed> {
        loop {
            match label(message, self.at)? {
                Label::Root => return Ok(None),
                Label::Pointer(target) => self.jump(target)?,
                Label::Text(text) => {
                    self.at += 1 + text.len();
                    self.wire += 1 + text.len();
                    return if self.wire > MAX_NAME { Err(Malformed::NameTooLong) } else { Ok(Some(text)) };
                }
            }
        }
    }

    fn jump(&mut self, target: usize) -> Result<(), Malformed> {
        self.jumps += 1;
        if target >= self.floor || self.jumps > MAX_POINTERS.at_most(self.jumps) {
            return Err(Malformed::Pointer);
        }
        self.end.get_or_insert(self.at + 2);
        self.at = target;
        self.floor = target;
        Ok(())
    }
}

fn escape(label: &[u8], out: &mut Vec<u8>) {
    for &byte in label {
        if byte == b'.' || byte == b'\\' {
            out.push(b'\\');
        }
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &[u8], at: usize) -> Result<(String, usize), Malformed> {
        let mut out = Vec::new();
        let end = read(message, at, &mut out)?;
        Ok((String::from_utf8_lossy(&out).into_owned(), end))
    }

    #[test]
    fn example_of_rfc_1035_4_1_4() {
        // F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, root at 92.
        let mut message = vec![0; 93];
        message[20..32].copy_from_slice(b"\x01F\x03ISI\x04ARPA\0");
        message[40..46].copy_from_slice(b"\x03FOO\xc0\x14");
        message[64..66].copy_from_slice(b"\xc0\x1a");
        assert_eq!(text(&message, 20), Ok(("F.ISI.ARPA".into(), 32)));
        assert_eq!(text(&message, 40), Ok(("FOO.F.ISI.ARPA".into(), 46)));
        assert_eq!(text(&message, 64), Ok(("ARPA".into(), 66)));
        assert_eq!(text(&message, 92), Ok((".".into(), 93)));
        assert_eq!(skip(&message, 40), Ok(46));
    }

    #[test]
    fn pointers_lead_strictly_backwards_and_are_limited() {
        assert_eq!(text(b"\xc0\x00", 0), Err(Malformed::Pointer));
        assert_eq!(text(b"\x01a\xc0\x00", 0), Err(Malformed::Pointer));
        assert_eq!(text(b"\xc0\x02\0", 0), Err(Malformed::Pointer));
        let mut chain = vec![0];
        let mut previous = 0_u8;
        for _ in 0..17 {
            let at = chain.len() as u8;
            chain.extend([0xc0, previous]);
            previous = at;
        }
        assert_eq!(text(&chain, 31), Ok((".".into(), 33)), "16 jumps");
        assert_eq!(text(&chain, 33), Err(Malformed::Pointer), "17 jumps");
    }

    #[test]
    fn dots_in_labels_are_escaped_and_bytes_kept() {
        assert_eq!(text(b"\x03a.b\x02c\\\0", 0), Ok(("a\\.b.c\\\\".into(), 8)));
        let mut out = Vec::new();
        assert_eq!(read(b"\x02\xff\x00\0", 0, &mut out), Ok(4));
        assert_eq!(out, b"\xff\0");
    }

    #[test]
    fn length_is_limited_to_255() {
        let mut name = Vec::new();
        for size in [63_u8, 63, 63, 61] {
            name.push(size);
            name.extend(std::iter::repeat_n(b'x', usize::from(size)));
        }
        name.push(0);
        assert_eq!(name.len(), 255);
        assert_eq!(text(&name, 0).map(|(_, end)| end), Ok(255));
        name[192] = 62;
        name.push(0);
        assert_eq!(text(&name, 0), Err(Malformed::NameTooLong));
        assert_eq!(text(b"\x41a\0", 0), Err(Malformed::LabelType));
        assert_eq!(text(b"\x05abc", 0), Err(Malformed::Truncated));
    }
}
