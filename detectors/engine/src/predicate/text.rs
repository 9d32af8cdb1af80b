//! Text as rules see it: folded case, and the text form of what is not text.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use bavn_wire::messages::Value;

/// Appends `raw` with case folded: ASCII letters to lower case, and where there is more than ASCII, Unicode's
/// simple folding. Bytes that are not UTF-8 stay as they are.
pub fn fold_into(out: &mut Vec<u8>, raw: &[u8]) {
    if raw.is_ascii() {
        let from = out.len();
        out.extend_from_slice(raw);
        if let Some(new) = out.get_mut(from..) {
            new.make_ascii_lowercase();
        }
        return;
    }
    for chunk in raw.utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut bytes = [0; 4];
            out.extend_from_slice(fold_char(c).encode_utf8(&mut bytes).as_bytes());
        }
        out.extend_from_slice(chunk.invalid());
    }
}

/// The folded form of a literal.
#[must_use]
pub fn fold(text: &str) -> Box<[u8]> {
    let mut out = Vec::with_capacity(text.len());
    fold_into(&mut out, text.as_bytes());
    out.into_boxed_slice()
}

/// Simple folding as upper then lower case, where each is one character. The dotless i is itself.
#[must_use]
pub fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    if c == '\u{131}' {
        return c;
    }
    let upper = single(c.to_uppercase()).unwrap_or(c);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next()?;
    chars.next().is_none().then_some(first)
}

/// Appends the text form of a single value; false for `Unobserved` and lists, which have none.
pub fn text_form(value: &Value<'_>, out: &mut Vec<u8>) -> bool {
    match value {
        Value::Unobserved | Value::List(_) => return false,
        Value::Bool(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Value::Number(number) => push_decimal(*number, out),
        Value::Ip(IpAddr::V4(ip)) => push_ipv4(*ip, out),
        // Writing to a Vec cannot fail.
        Value::Ip(ip) => drop(write!(out, "{ip}")),
        Value::Float(number) => drop(write!(out, "{number}")),
        Value::Time(ns) => super::time::push_rfc3339(*ns, out),
        Value::Text(bytes) => out.extend_from_slice(bytes),
    }
    true
}

fn push_decimal(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        // A remainder of ten fits a byte.
        *slot = b'0' + (number % 10) as u8;
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(20 - used..).unwrap_or_default());
}

fn push_ipv4(ip: Ipv4Addr, out: &mut Vec<u8>) {
    for (place, octet) in ip.octets().into_iter().enumerate() {
        if place > 0 {
            out.push(b'.');
        }
        push_decimal(u64::from(octet), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        fold_into(&mut out, text);
        out
    }

    #[test]
    fn folding_agrees_with_unicode_simple_folding() {
        use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
        for c in ('\u{0}'..='\u{2ffff}').filter(|c| fold_char(*c) != *c) {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
            class.try_case_fold_simple().unwrap();
            // Letters of a Unicode version that this table does not know yet fold to themselves there.
            if class.iter().map(ClassUnicodeRange::len).sum::<usize>() == 1 {
                continue;
            }
            let other = fold_char(c);
            let same = class.iter().any(|range| range.start() <= other && other <= range.end());
            assert!(same, "{c:?} folds to {other:?}");
        }
    }

    #[test]
    fn folding_keeps_broken_bytes() {
        assert_eq!(folded(b"ABC\xff\xc3\x89D"), b"abc\xff\xc3\xa9d");
        assert_eq!(folded("\u{212a}ſςΣ".as_bytes()), "ksσσ".as_bytes());
        assert_eq!(folded("İıß".as_bytes()), "İıß".as_bytes());
    }

    #[test]
    fn text_forms() {
        let form = |value: Value<'_>| {
            let mut out = Vec::new();
            assert!(text_form(&value, &mut out));
            String::from_utf8(out).unwrap()
        };
        assert_eq!(form(Value::Number(0)), "0");
        assert_eq!(form(Value::Number(u64::MAX)), u64::MAX.to_string());
        assert_eq!(form(Value::Ip("10.0.200.3".parse().unwrap())), "10.0.200.3");
        assert_eq!(form(Value::Ip("2001:db8:0::1".parse().unwrap())), "2001:db8::1");
        assert_eq!(form(Value::Float(0.5)), "0.5");
        assert_eq!(form(Value::Time(1_000_000_001)), "1970-01-01T00:00:01.000000001Z");
    }
}
