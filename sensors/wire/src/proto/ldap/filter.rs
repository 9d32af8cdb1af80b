//! Filters of searches as RFC 4515 writes them.

use super::limits::{MAX_DEPTH, MAX_FILTER, MAX_PARTS};
use crate::asn1::{Der, Tag};
use crate::limits::Limit;

const AND: Tag = Tag::context(0);
const OR: Tag = Tag::context(1);
const NOT: Tag = Tag::context(2);
const EQUALITY: Tag = Tag::context(3);
const SUBSTRINGS: Tag = Tag::context(4);
const GREATER_OR_EQUAL: Tag = Tag::context(5);
const LESS_OR_EQUAL: Tag = Tag::context(6);
const PRESENT: Tag = Tag::context_primitive(7);
const APPROX: Tag = Tag::context(8);
const EXTENSIBLE: Tag = Tag::context(9);

/// Why a filter has no text, or not all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no filter.
    Malformed,
    /// It is longer, deeper or has more parts than the limit.
    Limit(&'static Limit),
}

/// The text of one encoded filter (RFC 4511 4.5.1.7), and what is wrong with it.
pub(super) fn text(element: (Tag, &[u8])) -> (Vec<u8>, Option<Fault>) {
    let mut out = Vec::new();
    let fault = walk(&mut out, element).err();
    out.truncate(MAX_FILTER.get());
    (out, fault)
}

/// Filters within filters are kept on a list, never on the stack of calls.
fn walk(out: &mut Vec<u8>, first: (Tag, &[u8])) -> Result<(), Fault> {
    let mut open: Vec<Der<'_>> = Vec::new();
    let mut next = Some(first);
    for _ in 0..MAX_PARTS.get() {
        match next {
            Some((tag @ (AND | OR | NOT), content)) => {
                if open.len() >= MAX_DEPTH.get() {
                    return Err(Fault::Limit(&MAX_DEPTH));
                }
                out.extend_from_slice(match tag {
                    AND => b"(&",
                    OR => b"(|",
                    _ => b"(!",
                });
                open.push(Der(content));
            }
            Some((tag, content)) => item(out, tag, content).ok_or(Fault::Malformed)?,
            None => {
                if open.pop().is_some_and(|done| !done.0.is_empty()) {
                    return Err(Fault::Malformed);
                }
                out.push(b')');
            }
        }
        match open.last_mut() {
            None => return Ok(()),
            Some(inner) => next = inner.any(),
        }
        if out.len() > MAX_FILTER.get() {
            return Err(Fault::Limit(&MAX_FILTER));
        }
    }
    Err(Fault::Limit(&MAX_PARTS))
}

/// One assertion in its parentheses.
fn item(out: &mut Vec<u8>, tag: Tag, content: &[u8]) -> Option<()> {
    out.push(b'(');
    match tag {
        EQUALITY => assertion(out, content, b"=")?,
        GREATER_OR_EQUAL => assertion(out, content, b">=")?,
        LESS_OR_EQUAL => assertion(out, content, b"<=")?,
        APPROX => assertion(out, content, b"~=")?,
        PRESENT => {
            out.extend_from_slice(content);
            out.extend_from_slice(b"=*");
        }
        SUBSTRINGS => substrings(out, content)?,
        EXTENSIBLE => extensible(out, content)?,
        _ => return None,
    }
    out.push(b')');
    Some(())
}

fn assertion(out: &mut Vec<u8>, content: &[u8], sign: &[u8]) -> Option<()> {
    let mut pair = Der(content);
    out.extend_from_slice(pair.expect(Tag::OCTET_STRING)?);
    out.extend_from_slice(sign);
    value(out, pair.expect(Tag::OCTET_STRING)?);
    Some(())
}

fn substrings(out: &mut Vec<u8>, content: &[u8]) -> Option<()> {
    const INITIAL: Tag = Tag::context_primitive(0);
    const FINAL: Tag = Tag::context_primitive(2);
    let mut body = Der(content);
    out.extend_from_slice(body.expect(Tag::OCTET_STRING)?);
    out.push(b'=');
    let mut parts = Der(body.expect(Tag::SEQUENCE)?);
    let mut last = None;
    while let Some((tag, part)) = parts.any().filter(|_| out.len() <= MAX_FILTER.get()) {
        if tag != INITIAL {
            out.push(b'*');
        }
        value(out, part);
        last = Some(tag);
    }
    if last? != FINAL {
        out.push(b'*');
    }
    Some(())
}

/// `attribute:dn:rule:=value`, each of the first three optional.
fn extensible(out: &mut Vec<u8>, content: &[u8]) -> Option<()> {
    let mut body = Der(content);
    let rule = body.expect(Tag::context_primitive(1));
    out.extend_from_slice(body.expect(Tag::context_primitive(2)).unwrap_or_default());
    let matched = body.expect(Tag::context_primitive(3))?;
    if body.expect(Tag::context_primitive(4)).is_some_and(|dn| dn != [0]) {
        out.extend_from_slice(b":dn");
    }
    if let Some(rule) = rule {
        out.push(b':');
        out.extend_from_slice(rule);
    }
    out.extend_from_slice(b":=");
    value(out, matched);
    Some(())
}

/// RFC 4515 3: what has a meaning is escaped; so is what is no UTF-8, since such values are numbers.
fn value(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let is_text = std::str::from_utf8(bytes).is_ok();
    for &byte in bytes.iter().take(MAX_FILTER.get()) {
        if byte < 0x20 || byte == 0x7f || b"*()\\".contains(&byte) || (byte >= 0x80 && !is_text) {
            let digit = |nibble: u8| HEX.get(usize::from(nibble & 15)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'\\', digit(byte >> 4), digit(byte)]);
        } else {
            out.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, content.len() as u8], content].concat()
    }

    fn pair(tag: u8, left: &str, right: &[u8]) -> Vec<u8> {
        der(tag, &[der(4, left.as_bytes()), der(4, right)].concat())
    }

    fn show(bytes: &[u8]) -> (String, Option<Fault>) {
        let element = Der(bytes).any().unwrap_or((Tag(0), &[]));
        let (text, fault) = text(element);
        (String::from_utf8_lossy(&text).into_owned(), fault)
    }

    // The examples of RFC 4515 4, encoded by hand.
    #[test]
    fn the_examples_of_rfc_4515() {
        let parts = [der(0x80, b"univ"), der(0x81, b"of"), der(0x81, b"mich")].concat();
        let any = der(0xa4, &[der(4, b"o"), der(0x30, &parts)].concat());
        let not = der(0xa2, &pair(0xa3, "cn", b"Tim Howes"));
        let both = [
            pair(0xa3, "objectClass", b"Person"),
            der(0xa1, &[pair(0xa3, "sn", b"Jensen"), any.clone()].concat()),
        ];
        let rule = der(
            0xa9,
            &[der(0x81, b"2.4.6.8.10"), der(0x82, b"o"), der(0x83, b"Ace Industry"), der(0x84, &[0xff])]
                .concat(),
        );
        for (encoded, wanted) in [
            (pair(0xa3, "cn", b"Babs Jensen"), "(cn=Babs Jensen)"),
            (not, "(!(cn=Tim Howes))"),
            (any, "(o=univ*of*mich*)"),
            (der(0xa0, &both.concat()), "(&(objectClass=Person)(|(sn=Jensen)(o=univ*of*mich*)))"),
            (der(0x87, b"seeAlso"), "(seeAlso=*)"),
            (rule, "(o:dn:2.4.6.8.10:=Ace Industry)"),
            (pair(0xa3, "o", b"Parens R Us (for all)"), "(o=Parens R Us \\28for all\\29)"),
            (pair(0xa3, "filename", b"C:\\MyFile"), "(filename=C:\\5cMyFile)"),
            (pair(0xa3, "bin", &[0, 0, 0, 4]), "(bin=\\00\\00\\00\\04)"),
            (pair(0xa3, "sn", "Luči".as_bytes()), "(sn=Luči)"),
            (pair(0xa3, "guid", &[0xff, b'a']), "(guid=\\ffa)"),
            (pair(0xa5, "a", b"1"), "(a>=1)"),
            (pair(0xa6, "a", b"1"), "(a<=1)"),
            (pair(0xa8, "a", b"1"), "(a~=1)"),
            (der(0xa0, &[]), "(&)"),
        ] {
            assert_eq!(show(&encoded), (wanted.to_owned(), None));
        }
    }

    #[test]
    fn limits_hold() {
        let mut deep = der(0x87, b"a");
        for _ in 0..40 {
            deep = der(0xa2, &deep);
        }
        assert_eq!(show(&deep).1, Some(Fault::Limit(&MAX_DEPTH)));
        let wide = [0x87, 1, b'a'].repeat(MAX_PARTS.get() + 1);
        let wide = [&[0xa0, 0x82, (wide.len() >> 8) as u8, wide.len() as u8][..], &wide].concat();
        assert_eq!(show(&wide).1, Some(Fault::Limit(&MAX_PARTS)));
        assert_eq!(show(&der(0xaf, b"x")).1, Some(Fault::Malformed));
        assert_eq!(show(&der(0xa2, &[0x87, 9])).1, Some(Fault::Malformed));
    }
}
