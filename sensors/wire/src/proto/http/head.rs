//! Heads: where one ends, its first line, its headers (RFC 9112 2 to 5).

use super::limits::MAX_HEADERS;

/// Looks for the blank line that ends a head, and goes on where it stopped.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    at: usize,
    /// A header goes on in the next line (RFC 9112 5.2).
    pub(crate) folded: bool,
}

impl Scan {
    /// Length of the head with its blank line, once that is there. Bare line feeds end lines too.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(found) = memchr::memchr(b'\n', bytes.get(self.at..)?) {
            let newline = self.at + found;
            match bytes.get(newline + 1..)? {
                [b'\n', ..] => return Some(newline + 2),
                [b'\r', b'\n', ..] => return Some(newline + 3),
                [] | [b'\r'] => {
                    self.at = newline;
                    return None;
                }
                [next, ..] => self.folded |= matches!(next, b' ' | b'\t'),
            }
            self.at = newline + 1;
        }
        self.at = bytes.len();
        None
    }
}

/// Joins folded header lines by spaces, in place. The first line is never joined.
pub(crate) fn unfold(head: &mut [u8]) {
    let begin = memchr::memchr(b'\n', head).unwrap_or(head.len()) + 1;
    for at in begin..head.len().saturating_sub(1) {
        let Some([before, newline, next]) = head.get_mut(at - 1..at + 2) else { return };
        if *newline == b'\n' && matches!(next, b' ' | b'\t') {
            *newline = b' ';
            if *before == b'\r' {
                *before = b' ';
            }
        }
    }
}

/// One header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) line: &'a [u8],
}

/// A head in parts.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) first: &'a [u8],
    pub(crate) headers: Vec<Header<'a>>,
    /// There were more headers than the limit.
    pub(crate) more: bool,
    /// There was a line without a colon.
    pub(crate) broken: bool,
}

impl<'a> Head<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Self {
        let mut lines = Lines(bytes);
        let first = lines.next().unwrap_or_default();
        let mut head = Self { first, headers: Vec::with_capacity(16), more: false, broken: false };
        for line in lines.take_while(|line| !line.is_empty()) {
            if head.headers.len() == MAX_HEADERS.get() {
                head.more = true;
                break;
            }
            head.push(line);
        }
        head
    }

    fn push(&mut self, line: &'a [u8]) {
        let Some(colon) = memchr::memchr(b':', line) else {
            self.broken = true;
            return;
        };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        self.headers.push(Header { name: name.trim_ascii(), value, line });
    }

    /// Values of all headers of that name, in order.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let wanted = name.as_bytes();
        let named = self.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(wanted));
        named.map(|header| header.value)
    }
}

struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.0).unwrap_or(self.0.len());
        let line = self.0.get(..end)?;
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// The first line of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a [u8],
    /// As on the wire, spaces within it included.
    pub(crate) target: &'a [u8],
    /// `1.1`; `0.9` where the line has none.
    pub(crate) version: &'a [u8],
}

impl<'a> RequestLine<'a> {
    pub(crate) fn parse(line: &'a [u8]) -> Self {
        let space = memchr::memchr(b' ', line).unwrap_or(line.len());
        let (method, rest) = line.split_at(space);
        let rest = rest.get(1..).unwrap_or_default();
        let versioned = memchr::memrchr(b' ', rest).and_then(|at| {
            let version = rest.get(at + 1..)?.strip_prefix(b"HTTP/")?;
            Some((rest.get(..at)?, version))
        });
        let (target, version) = versioned.unwrap_or((rest, b"0.9"));
        Self { method, target, version }
    }
}

/// The first line of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatusLine<'a> {
    pub(crate) version: &'a [u8],
    pub(crate) code: u16,
    pub(crate) reason: &'a [u8],
}

impl<'a> StatusLine<'a> {
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"HTTP/")?;
        let (version, rest) = rest.split_at_checked(memchr::memchr(b' ', rest)?)?;
        let (digits, reason) = rest.get(1..)?.split_at_checked(3)?;
        let code = std::str::from_utf8(digits).ok()?.parse().ok()?;
        Some(Self { version, code, reason: reason.trim_ascii() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_is_found_wherever_it_is_split() {
        for (bytes, end) in
            [(&b"A\r\nB: c\r\n\r\nrest"[..], 11), (b"A\nB: c\n\nrest", 8), (b"A\r\nB: c\n\r\nr", 10)]
        {
            for cut in 0..end {
                let mut scan = Scan::default();
                assert_eq!(scan.find(&bytes[..cut]), None);
                assert_eq!(scan.find(bytes), Some(end), "cut at {cut}");
            }
        }
    }

    #[test]
    fn folded_lines_are_joined() {
        let mut head = b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\td\nE: f\r\n\r\n".to_vec();
        let mut scan = Scan::default();
        assert_eq!(scan.find(&head), Some(head.len()));
        assert!(scan.folded);
        unfold(&mut head);
        let parsed = Head::parse(&head);
        assert_eq!(parsed.headers[0].value, b"b   c  \td");
        assert_eq!(parsed.headers[1].value, b"f");
    }

    #[test]
    fn first_lines_are_taken_apart() {
        let line = RequestLine::parse(b"GET /a b HTTP/1.1");
        assert_eq!(line, RequestLine { method: b"GET", target: b"/a b", version: b"1.1" });
        let line = RequestLine::parse(b"GET /a");
        assert_eq!(line, RequestLine { method: b"GET", target: b"/a", version: b"0.9" });
        let line = StatusLine::parse(b"HTTP/1.1 404 Not Found");
        assert_eq!(line, Some(StatusLine { version: b"1.1", code: 404, reason: b"Not Found" }));
        assert_eq!(StatusLine::parse(b"HTTP/1.0 200").map(|line| line.code), Some(200));
        assert_eq!(StatusLine::parse(b"HTTP/1.0 2"), None);
    }

    #[test]
    fn headers_are_counted_and_limited() {
        let head = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS.get() + 1));
        let parsed = Head::parse(head.as_bytes());
        assert_eq!((parsed.headers.len(), parsed.more), (MAX_HEADERS.get(), true));
        assert!(Head::parse(b"GET / HTTP/1.1\r\nno colon\r\n\r\n").broken);
    }
}
