//! Parameters of header values (RFC 9110 5.6.6), also in their extended form (RFC 8187).

use std::borrow::Cow;

/// The value of a parameter; its extended form goes before the plain one, as RFC 6266 4.3 has it.
pub(crate) fn parameter<'a>(value: &'a [u8], name: &[u8]) -> Option<Cow<'a, [u8]>> {
    let mut plain = None;
    for (key, value) in Parameters(value) {
        if plain.is_none() && key.eq_ignore_ascii_case(name) {
            plain = Some(unquoted(value));
        }
        let extended = key.strip_suffix(b"*").is_some_and(|key| key.eq_ignore_ascii_case(name));
        if let Some(value) = Some(value).filter(|_| extended).and_then(extended_value) {
            return Some(Cow::Owned(value));
        }
    }
    plain
}

/// What follows the first semicolon: pairs of name and value, the latter with its quotes.
struct Parameters<'a>(&'a [u8]);

impl<'a> Iterator for Parameters<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (_, rest) = cut(self.0, b';')?;
            self.0 = rest;
            let (this, _) = cut(rest, b';').unwrap_or((rest, b""));
            if let Some((name, value)) = cut(this, b'=') {
                return Some((name.trim_ascii(), value.trim_ascii()));
            }
        }
    }
}

/// Before and after the first such byte that stands outside quotes.
fn cut(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let (mut quoted, mut escaped) = (false, false);
    let found = text.iter().position(|&byte| {
        quoted ^= byte == b'"' && !escaped;
        escaped = quoted && byte == b'\\' && !escaped;
        byte == at && !quoted
    })?;
    Some((text.get(..found)?, text.get(found + 1..)?))
}

/// Without quotes. Only quotes and backslashes are taken as escaped: browsers send paths of Windows as they are.
fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = value.strip_prefix(b"\"") else { return Cow::Borrowed(value) };
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner.iter().peekable();
    while let Some(&byte) = rest.next() {
        match rest.peek() {
            Some(&&next) if byte == b'\\' && matches!(next, b'"' | b'\\') => {
                rest.next();
                out.push(next);
            }
            _ => out.push(byte),
        }
    }
    Cow::Owned(out)
}

/// `UTF-8'en'%e2%82%ac`; Latin-1 becomes UTF-8, other character sets stay as they are.
fn extended_value(value: &[u8]) -> Option<Vec<u8>> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _, text) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = percent_decoded(text);
    if charset.eq_ignore_ascii_case(b"iso-8859-1") {
        return Some(bytes.into_iter().map(char::from).collect::<String>().into_bytes());
    }
    Some(bytes)
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after.first_chunk::<2>().filter(|_| byte == b'%').and_then(hex);
        out.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    out
}

fn hex(digits: &[u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? << 4 | low?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_their_forms() {
        let cases: [(&str, Option<&str>); 11] = [
            ("attachment; filename=\"a b.txt\"", Some("a b.txt")),
            ("attachment; filename=plain.exe; size=3", Some("plain.exe")),
            ("form-data; name=\"filename\"; FileName=\"x;y=\\\"z\\\".doc\"", Some("x;y=\"z\".doc")),
            ("form-data; filename=\"C:\\dir\\a.txt\"", Some("C:\\dir\\a.txt")),
            // Examples of RFC 6266 5 and RFC 8187 3.2.3.
            (
                "attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates",
                Some("\u{20ac} rates"),
            ),
            ("attachment; filename*=iso-8859-1'en'%A3%20rates", Some("\u{a3} rates")),
            ("attachment; filename*=broken; filename=a", Some("a")),
            ("attachment; filename*=utf-8''100%", Some("100%")),
            ("attachment; filename=\"open", Some("open")),
            ("attachment", None),
            ("filename=a", None),
        ];
        for (value, name) in cases {
            let found = parameter(value.as_bytes(), b"filename");
            assert_eq!(found.as_deref(), name.map(str::as_bytes), "{value}");
        }
    }
}
