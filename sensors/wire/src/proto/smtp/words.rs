//! Words of message headers: encoded-words (RFC 2047), parameters (RFC 2045 5.1, RFC 2231), addresses (RFC 5322 3.4)
//! and dates (RFC 5322 3.3).

use super::limits::{MAX_ADDRESSES, MAX_NAME};
use crate::proto::base64;

/// Text with its encoded-words decoded to UTF-8. A word in a charset that is not known stays as it is.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut after_word = false;
    while let Some(at) = memchr::memmem::find(rest, b"=?") {
        let (before, word) = rest.split_at(at);
        let Some((decoded, len)) = encoded_word(word) else {
            out.extend_from_slice(before);
            out.extend_from_slice(b"=?");
            (rest, after_word) = (word.get(2..).unwrap_or_default(), false);
            continue;
        };
        // White space between two encoded-words is not part of the text (RFC 2047 6.2).
        if !(after_word && before.trim_ascii().is_empty()) {
            out.extend_from_slice(before);
        }
        out.extend_from_slice(&decoded);
        (rest, after_word) = (word.get(len..).unwrap_or_default(), true);
    }
    out.extend_from_slice(rest);
    out
}

/// The word at the beginning of `text`, decoded, and its length: `=?charset?encoding?text?=`.
fn encoded_word(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let inner = text.strip_prefix(b"=?")?;
    let charset_end = memchr::memchr(b'?', inner)?;
    let (charset, rest) = (inner.get(..charset_end)?, inner.get(charset_end + 1..)?);
    let (&encoding, rest) = rest.split_first()?;
    let coded = rest.strip_prefix(b"?")?;
    let end = memchr::memmem::find(coded, b"?=")?;
    let coded = coded.get(..end)?;
    let bytes = match encoding {
        b'B' | b'b' => base64::decode(coded)?,
        b'Q' | b'q' => q(coded),
        _ => return None,
    };
    // A language may follow the charset (RFC 2231 5).
    let charset = charset.split(|byte| *byte == b'*').next()?;
    Some((to_utf8(charset, bytes)?, 2 + charset_end + 1 + 2 + end + 2))
}

/// The Q encoding (RFC 2047 4.2).
fn q(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'_' { b' ' } else { *byte }).collect();
    escapes(&spaced, b'=')
}

/// Decodes escapes of a sign and two hex digits.
pub(super) fn escapes(text: &[u8], sign: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match tail.split_first_chunk::<2>().map(|(pair, tail)| (hex_pair(*pair), tail)) {
            Some((Some(value), tail)) if byte == sign => {
                out.push(value);
                rest = tail;
            }
            _ => out.push(byte),
        }
    }
    out
}

pub(super) fn hex_pair([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(high)? << 4 | digit(low)?) as u8)
}

/// Bytes of a charset as UTF-8; `None` where the charset is not known here.
fn to_utf8(charset: &[u8], bytes: Vec<u8>) -> Option<Vec<u8>> {
    const UTF8: [&str; 4] = ["utf-8", "utf8", "us-ascii", "ascii"];
    const LATIN: [&str; 5] = ["iso-8859-1", "iso-8859-15", "latin1", "windows-1252", "cp1252"];
    let named = |names: &[&'static str]| {
        names.iter().copied().find(|name| charset.eq_ignore_ascii_case(name.as_bytes()))
    };
    if named(&UTF8).is_some() {
        return Some(bytes);
    }
    let name = named(&LATIN)?;
    let text: String = bytes.iter().map(|byte| latin(name, *byte)).collect();
    Some(text.into_bytes())
}

/// ISO 8859-1, with what 8859-15 and windows-1252 change of it.
fn latin(charset: &str, byte: u8) -> char {
    /// windows-1252 from 0x80 to 0x9f (the WHATWG Encoding Standard's index).
    const HIGH: &[char; 32] = &[
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match (charset, byte) {
        ("iso-8859-15", 0xa4) => '€',
        ("iso-8859-15", 0xa6) => 'Š',
        ("iso-8859-15", 0xa8) => 'š',
        ("iso-8859-15", 0xb4) => 'Ž',
        ("iso-8859-15", 0xb8) => 'ž',
        ("iso-8859-15", 0xbc) => 'Œ',
        ("iso-8859-15", 0xbd) => 'œ',
        ("iso-8859-15", 0xbe) => 'Ÿ',
        ("windows-1252" | "cp1252", 0x80..=0x9f) => {
            HIGH.get(usize::from(byte - 0x80)).copied().unwrap_or(' ')
        }
        _ => char::from(byte),
    }
}

/// A value before its parameters, without white space around it.
pub(super) fn value(header: &[u8]) -> &[u8] {
    let end = memchr::memchr(b';', header).unwrap_or(header.len());
    header.get(..end).unwrap_or_default().trim_ascii()
}

/// A parameter of a header, with RFC 2231's pieces put together and its charset decoded, else with encoded-words
/// decoded, as common software writes them.
pub(super) fn parameter(header: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let (mut plain, mut pieces, mut is_coded) = (None, Vec::new(), false);
    for (key, text) in parameters(header) {
        let Some(rest) = key.get(name.len()..).filter(|_| key.len() >= name.len()) else { continue };
        if !key.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)) {
            continue;
        }
        match rest {
            b"" => plain = Some(text),
            [b'*', ..] if !MAX_NAME.is_reached(pieces.len()) => {
                let coded = rest.ends_with(b"*");
                is_coded |= coded && matches!(rest, b"*" | b"*0*");
                pieces.extend(if coded { text } else { text.replace_percent() });
            }
            _ => {}
        }
    }
    let mut text = match (pieces.is_empty(), plain) {
        (false, _) => extended(&pieces, is_coded),
        (true, plain) => decode(&plain?),
    };
    MAX_NAME.truncate(&mut text);
    Some(text)
}

trait ReplacePercent {
    fn replace_percent(self) -> Vec<u8>;
}

impl ReplacePercent for Vec<u8> {
    /// In a piece that is not coded, a percent sign stands for itself.
    fn replace_percent(self) -> Vec<u8> {
        self.into_iter().flat_map(|byte| if byte == b'%' { b"%25".to_vec() } else { vec![byte] }).collect()
    }
}

/// `charset'language'text` with percent escapes (RFC 2231 4).
fn extended(text: &[u8], is_coded: bool) -> Vec<u8> {
    let mut parts = text.splitn(3, |byte| *byte == b'\'');
    let whole = (parts.next(), parts.next(), parts.next());
    let (charset, text) = match whole {
        (Some(charset), Some(_), Some(rest)) if is_coded => (charset, rest),
        _ => (&b"utf-8"[..], text),
    };
    let bytes = escapes(text, b'%');
    to_utf8(charset, bytes.clone()).unwrap_or(bytes)
}

/// Parameters of a header in their order, quotes taken off.
fn parameters(header: &[u8]) -> impl Iterator<Item = (&[u8], Vec<u8>)> {
    split_outside_quotes(header, b';').skip(1).filter_map(|part| {
        let equals = memchr::memchr(b'=', part)?;
        Some((part.get(..equals)?.trim_ascii(), unquote(part.get(equals + 1..)?.trim_ascii())))
    })
}

fn unquote(text: &[u8]) -> Vec<u8> {
    let Some(inner) = text.strip_prefix(b"\"") else { return text.to_vec() };
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => out.extend(bytes.next()),
            _ => out.push(*byte),
        }
    }
    out
}

/// Parts of a text between a sign that stands outside of quotes, comments and angle brackets.
fn split_outside_quotes(text: &[u8], sign: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_u32);
    text.split(move |byte| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match byte {
            b'\\' if quoted || depth > 0 => escaped = true,
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            _ => return *byte == sign && !quoted && depth == 0,
        }
        false
    })
}

/// The addresses of a header, without names and comments.
pub(super) fn addresses(header: &[u8]) -> Vec<Vec<u8>> {
    let all = split_outside_quotes(header, b',').filter_map(address);
    MAX_ADDRESSES.take(all).collect()
}

fn address(text: &[u8]) -> Option<Vec<u8>> {
    // The last bracket counts: names may have others, in quotes.
    let inner = memchr::memrchr(b'<', text).and_then(|at| {
        let inner = text.get(at + 1..)?;
        Some(inner.get(..memchr::memchr(b'>', inner).unwrap_or(inner.len())).unwrap_or_default())
    });
    let bare = match inner {
        Some(inner) => inner.trim_ascii().to_vec(),
        None => without_comments(text),
    };
    // A group's name ends in a colon (RFC 5322 3.4); its end is a semicolon.
    let from = memchr::memrchr(b':', &bare).filter(|_| inner.is_none()).map_or(0, |at| at + 1);
    let bare = bare.get(from..).unwrap_or_default().trim_ascii();
    let bare = bare.strip_suffix(b";").unwrap_or(bare).trim_ascii();
    (!bare.is_empty()).then(|| bare.to_vec())
}

fn without_comments(text: &[u8]) -> Vec<u8> {
    let mut depth = 0_u32;
    let kept = text.iter().filter(|byte| {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    });
    let kept: Vec<u8> = kept.copied().collect();
    kept.trim_ascii().to_vec()
}

/// Nanoseconds since the epoch of a date such as `Sun, 22 Nov 2026 17:30:00 +0100`.
pub(super) fn date(text: &[u8]) -> Option<u64> {
    let text = without_comments(text);
    let text = memchr::memchr(b',', &text).and_then(|at| text.get(at + 1..)).unwrap_or(&text);
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let day = number(words.next()?)?;
    let month = month(words.next()?)?;
    let year = match number(words.next()?)? {
        short @ 0..=49 => short + 2000,
        short @ 50..=999 => short + 1900,
        whole => whole,
    };
    let clock = words.next()?;
    let mut clock = clock.split(|byte| *byte == b':');
    let (hour, minute) = (number(clock.next()?)?, number(clock.next()?)?);
    let second = clock.next().map_or(Some(0), number)?;
    if !(1..=31).contains(&day) || hour > 24 || minute > 59 || second > 60 || year > 9999 {
        return None;
    }
    let offset = words.next().map_or(0, zone);
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    u64::try_from(seconds).ok()?.checked_mul(1_000_000_000)
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|number| (0..=9999).contains(number))
}

fn month(text: &[u8]) -> Option<i64> {
    const NAMES: &[u8; 36] = b"janfebmaraprmayjunjulaugsepoctnovdec";
    let name = text.get(..3)?.to_ascii_lowercase();
    let at = NAMES.chunks(3).position(|month| month == name)?;
    i64::try_from(at + 1).ok()
}

/// Offset from UTC in seconds; zones by name that are not known count as UTC (RFC 5322 4.3).
fn zone(text: &[u8]) -> i64 {
    let (sign, digits) = match text {
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        b"EDT" => (-4, &b"0100"[..]),
        b"EST" | b"CDT" => (-5, &b"0100"[..]),
        b"CST" | b"MDT" => (-6, &b"0100"[..]),
        b"MST" | b"PDT" => (-7, &b"0100"[..]),
        b"PST" => (-8, &b"0100"[..]),
        _ => return 0,
    };
    let clock = number(digits).unwrap_or(0);
    sign * (clock / 100 * 3600 + clock % 100 * 60)
}

/// Days from 1970-01-01 in the Gregorian calendar.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let shifted = (month + 9) % 12;
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// The examples of RFC 2047 8, comments apart.
    #[test]
    fn encoded_words_of_rfc_2047() {
        for (coded, plain) in [
            ("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),
            ("=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"),
            ("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=", "If you can read this yo"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?_b?=", "a b"),
            ("=?ISO-8859-1?Q?a?= b", "a b"),
            ("=?utf-8*de?q?=C3=BC?=", "ü"),
            ("=?windows-1252?Q?=80?=", "€"),
            ("=?x-unknown?Q?=80?= =?", "=?x-unknown?Q?=80?= =?"),
            ("=?utf-8?B?!!?=", "=?utf-8?B?!!?="),
            ("plain", "plain"),
        ] {
            assert_eq!(text(&decode(coded.as_bytes())), plain);
        }
    }

    /// The examples of RFC 2231 3 and 4, and what common software writes.
    #[test]
    fn parameters_of_rfc_2231() {
        for (header, name, wanted) in [
            (
                "message/external-body; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub\"",
                "url",
                "ftp://cs.utk.edu/pub",
            ),
            (
                "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
                "title",
                "This is ***fun***",
            ),
            (
                "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
                "title",
                "This is even more ***fun*** isn't it!",
            ),
            ("attachment; filename=\"a;b\\\"c.txt\"; size=1", "filename", "a;b\"c.txt"),
            ("attachment; filename=\"=?utf-8?B?w7wudHh0?=\"", "filename", "ü.txt"),
            ("attachment;filename=bare.txt", "filename", "bare.txt"),
            ("attachment; filename*=iso-8859-1''%A3%20rates", "filename", "£ rates"),
        ] {
            assert_eq!(text(&parameter(header.as_bytes(), name.as_bytes()).unwrap()), wanted);
        }
        assert_eq!(parameter(b"text/plain; charset=x", b"name"), None);
        assert_eq!(value(b" text/plain ; charset=x"), b"text/plain");
    }

    #[test]
    fn addresses_are_found_beside_names() {
        let all =
            addresses(b"\"Doe, J <x>\" <john@a.example>, jane@b.example (Jane, D), list: c@d, e@f;, <>");
        let all: Vec<_> = all.iter().map(|one| text(one)).collect();
        assert_eq!(all, ["john@a.example", "jane@b.example", "c@d", "e@f"]);
    }

    #[test]
    fn dates_are_times() {
        for (date_text, seconds) in [
            ("Fri, 21 Nov 1997 09:55:06 -0600", 880_127_706),
            ("Thu, 1 Jan 1970 00:00:00 +0000", 0),
            ("21 Nov 97 09:55:06 GMT", 880_106_106),
            ("29 Feb 2024 12:00 +0130 (comment)", 1_709_202_600),
        ] {
            assert_eq!(date(date_text.as_bytes()), Some(seconds * 1_000_000_000), "{date_text}");
        }
        for bad in ["", "yesterday", "40 Nov 1997 09:55:06", "1 Foo 1997 09:55:06", "1 Nov 1997"] {
            assert_eq!(date(bad.as_bytes()), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn random_text_never_panics(bytes: Vec<u8>) {
            decode(&bytes);
            addresses(&bytes);
            date(&bytes);
            parameter(&bytes, b"a");
        }
    }
}
