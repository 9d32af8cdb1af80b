//! One form of names, URLs, addresses and digests, for what lists say and for what the wire shows.

use std::net::IpAddr;

use bavn_wire::messages::Value;

/// Longest name (RFC 1035 3.1), as text.
pub const MAX_NAME: usize = 253;
/// Longest URL that is looked up; of longer ones nothing is.
pub const MAX_URL: usize = 8192;

/// A name in lower case without the last dot and without `*.` before it; `None` where it cannot be a name with a dot.
#[inline]
pub fn name<'b>(text: &[u8], room: &'b mut [u8; MAX_NAME]) -> Option<&'b [u8]> {
    let text = text.strip_prefix(b"*.").unwrap_or(text);
    let text = upto_last(text, b'.');
    let name = room.get_mut(..text.len())?;
    let mut has_dot = false;
    for (to, byte) in name.iter_mut().zip(text) {
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
            return None;
        }
        has_dot |= *byte == b'.';
        *to = byte.to_ascii_lowercase();
    }
    has_dot.then_some(name)
}

/// The name itself and each name above it that still has a dot: `a.b.example`, `b.example`.
pub fn and_above(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let below = name.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at + 1);
    let parts = std::iter::once(0).chain(below).map(move |at| name.get(at..).unwrap_or_default());
    parts.take_while(|part| part.contains(&b'.'))
}

/// An address in text form, in brackets or not; v4-mapped ones are IPv4.
#[inline]
#[must_use]
pub fn address(text: &[u8]) -> Option<IpAddr> {
    let text = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")).unwrap_or(text);
    let first = *text.first()?;
    let may_be = text.len() <= 45 && (text.contains(&b':') || first.is_ascii_digit());
    let text = std::str::from_utf8(text).ok().filter(|_| may_be)?;
    text.parse().ok().map(|ip: IpAddr| ip.to_canonical())
}

/// The address of a field's value, which may be text.
#[must_use]
pub fn address_of(value: &Value<'_>) -> Option<IpAddr> {
    match value {
        Value::Ip(ip) => Some(ip.to_canonical()),
        Value::Text(text) => address(text),
        _ => None,
    }
}

/// Bytes of a digest in hexadecimal; `None` where it is no digest of that size.
#[must_use]
pub fn digest(text: &[u8], size: usize) -> Option<([u8; 32], usize)> {
    let mut bytes = [0; 32];
    if text.len() != 2 * size || size > bytes.len() {
        return None;
    }
    for (to, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *to = match pair {
            [high, low] => hex(*high)? << 4 | hex(*low)?,
            _ => return None,
        };
    }
    Some((bytes, size))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

/// A URL as lists are searched for it: host in lower case, port unless it is 80 or 443, path, query. The scheme, user and
/// fragment are left out, escapes that need none are undone (RFC 3986 6.2.2), bytes that need one get one. False where
/// there is no host.
pub fn url(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    if text.len() > MAX_URL {
        return false;
    }
    let rest = without_scheme(upto(text, |byte| byte == b'#'));
    let authority = upto(rest, |byte| matches!(byte, b'/' | b'?'));
    let target = rest.get(authority.len()..).unwrap_or_default();
    if !host(authority, out) {
        return false;
    }
    if !target.starts_with(b"/") {
        out.push(b'/');
    }
    escaped(target.strip_suffix(b"?").unwrap_or(target), out);
    true
}

/// A canonical URL without its query; `None` where it has none.
#[must_use]
pub fn without_query(url: &[u8]) -> Option<&[u8]> {
    let at = memchr::memchr(b'?', url)?;
    url.get(..at)
}

fn upto(text: &[u8], is_end: impl Fn(u8) -> bool) -> &[u8] {
    let end = text.iter().position(|byte| is_end(*byte)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn without_scheme(text: &[u8]) -> &[u8] {
    let head = upto(text, |byte| matches!(byte, b':' | b'/' | b'?'));
    text.get(head.len()..).and_then(|rest| rest.strip_prefix(b"://")).unwrap_or(text)
}

/// Host and port.
fn host(authority: &[u8], out: &mut Vec<u8>) -> bool {
    let at = memchr::memrchr(b'@', authority).map_or(0, |at| at + 1);
    let authority = authority.get(at..).unwrap_or_default();
    let behind = match memchr::memchr(b']', authority) {
        Some(end) => end + 1,
        None => memchr::memchr(b':', authority).unwrap_or(authority.len()),
    };
    let (name, port) = authority.split_at(behind);
    let name = upto_last(name, b'.');
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return false;
    }
    match address(name) {
        Some(IpAddr::V6(ip)) => out.extend_from_slice(format!("[{ip}]").as_bytes()),
        Some(ip) => out.extend_from_slice(ip.to_string().as_bytes()),
        None => out.extend(name.iter().map(u8::to_ascii_lowercase)),
    }
    match port.strip_prefix(b":") {
        None => port.is_empty(),
        Some([]) => true,
        Some(digits) => own_port(digits, out),
    }
}

/// Writes a port that is not what a browser would take; false where it is none.
fn own_port(digits: &[u8], out: &mut Vec<u8>) -> bool {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse::<u16>().ok()) {
        None => false,
        Some(80 | 443) => true,
        Some(number) => {
            out.extend_from_slice(format!(":{number}").as_bytes());
            true
        }
    }
}

/// Without the dots at its end.
fn upto_last(name: &[u8], dot: u8) -> &[u8] {
    let end = name.iter().rposition(|byte| *byte != dot).map_or(0, |last| last + 1);
    name.get(..end).unwrap_or_default()
}

/// Path and query.
fn escaped(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let given = (*byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let given = given.and_then(|pair| Some(hex(pair[0])? << 4 | hex(pair[1])?));
        match given {
            Some(plain) if is_unreserved(plain) => out.push(plain),
            Some(plain) => escape(plain, out),
            None if byte.is_ascii_graphic() && *byte != b'%' => out.push(*byte),
            None => escape(*byte, out),
        }
        at += if given.is_some() { 3 } else { 1 };
    }
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_canonical_url_is_its_own_canonical_form(text in "[ -~\\x80]{0,60}") {
            let (mut once, mut twice) = (Vec::new(), Vec::new());
            if url(text.as_bytes(), &mut once) {
                let is_url = url(&once, &mut twice);
                prop_assert!(is_url);
                prop_assert_eq!(once, twice);
            }
        }

        #[test]
        fn anything_may_come(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut out = Vec::new();
            url(&text, &mut out);
            let mut room = [0; MAX_NAME];
            if let Some(name) = name(&text, &mut room) {
                prop_assert!(and_above(name).count() <= name.len());
            }
            prop_assert!(address(&text).is_none_or(|ip| ip.to_canonical() == ip));
            prop_assert!(digest(&text, text.len() / 2).is_none_or(|(_, size)| 2 * size == text.len()));
        }
    }

    #[test]
    fn names_above_end_before_the_last_label() {
        let above: Vec<&[u8]> = and_above(b"a.b.example").collect();
        assert_eq!(above, [b"a.b.example".as_slice(), b"b.example"]);
    }
}
