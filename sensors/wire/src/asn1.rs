//! ASN.1 in its basic and distinguished encodings (X.690): tag, length, value, forwards only.
//!
//! No recursion, no allocation. Indefinite lengths and tags above 30 are refused: none of the protocols that are
//! read here has them (RFC 4120 5, RFC 4511 5.1, RFC 5280 4.1).

pub(crate) mod time;

/// A tag's identifier byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag(pub(crate) u8);

impl Tag {
    pub(crate) const BOOLEAN: Self = Self(0x01);
    pub(crate) const INTEGER: Self = Self(0x02);
    pub(crate) const BIT_STRING: Self = Self(0x03);
    pub(crate) const OCTET_STRING: Self = Self(0x04);
    pub(crate) const OID: Self = Self(0x06);
    pub(crate) const ENUMERATED: Self = Self(0x0a);
    pub(crate) const UTC_TIME: Self = Self(0x17);
    pub(crate) const GENERALIZED_TIME: Self = Self(0x18);
    pub(crate) const GENERAL_STRING: Self = Self(0x1b);
    pub(crate) const UNIVERSAL_STRING: Self = Self(0x1c);
    pub(crate) const BMP_STRING: Self = Self(0x1e);
    pub(crate) const SEQUENCE: Self = Self(0x30);
    pub(crate) const SET: Self = Self(0x31);

    /// `[APPLICATION number]`, constructed.
    pub(crate) const fn application(number: u8) -> Self {
        Self(0x60 | number)
    }

    /// `[number]`, constructed.
    pub(crate) const fn context(number: u8) -> Self {
        Self(0xa0 | number)
    }

    /// `[number]`, primitive.
    pub(crate) const fn context_primitive(number: u8) -> Self {
        Self(0x80 | number)
    }
}

/// What the first bytes of an element say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Tag and length are not whole yet.
    More,
    /// No element that is read here.
    Bad,
    /// Its tag, the length of tag and length together, the length of its content.
    Element(Tag, usize, usize),
}

/// Reads tag and length.
pub(crate) fn head(bytes: &[u8]) -> Head {
    match *bytes {
        [] => Head::More,
        [tag, ..] if tag & 0x1f == 0x1f => Head::Bad,
        [_] => Head::More,
        [tag, len @ 0..=0x7f, ..] => Head::Element(Tag(tag), 2, usize::from(len)),
        [tag, count @ 0x81..=0x84, ref rest @ ..] => match rest.get(..usize::from(count & 0x7f)) {
            Some(len) => Head::Element(Tag(tag), 2 + len.len(), number(len)),
            None => Head::More,
        },
        _ => Head::Bad,
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte))
}

/// What is left to read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Der<'a>(pub(crate) &'a [u8]);

impl<'a> Der<'a> {
    /// Tag and content of the next element; `None` at the end, or where a length does not fit.
    pub(crate) fn any(&mut self) -> Option<(Tag, &'a [u8])> {
        let Head::Element(tag, head, len) = head(self.0) else { return None };
        let (content, rest) = self.0.get(head..)?.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// Content of the next element if it has that tag.
    pub(crate) fn expect(&mut self, tag: Tag) -> Option<&'a [u8]> {
        let before = *self;
        match self.any() {
            Some((found, content)) if found == tag => Some(content),
            _ => {
                *self = before;
                None
            }
        }
    }

    /// Leaves out the next element if it has that tag.
    pub(crate) fn optional(&mut self, tag: Tag) {
        self.expect(tag);
    }

    /// What stands in `[number]` EXPLICIT; elements `[n]` with lower numbers before it are passed over.
    pub(crate) fn field(&mut self, number: u8) -> Option<Der<'a>> {
        while let Some(&tag) = self.0.first() {
            if !(Tag::context(0).0..Tag::context(number).0).contains(&tag) {
                break;
            }
            self.any()?;
        }
        self.expect(Tag::context(number)).map(Der)
    }

    /// The next element, an INTEGER or ENUMERATED that 64 bits can hold.
    pub(crate) fn integer(&mut self) -> Option<i64> {
        match self.any()? {
            (Tag::INTEGER | Tag::ENUMERATED, content) => integer(content),
            _ => None,
        }
    }
}

/// An INTEGER's content, two's complement.
pub(crate) fn integer(content: &[u8]) -> Option<i64> {
    let negative = content.first()? & 0x80 != 0;
    let start = if negative { -1 } else { 0 };
    (content.len() <= 8).then(|| content.iter().fold(start, |sum, &byte| sum << 8 | i64::from(byte)))
}

/// An OID in dots (X.690 8.19); arcs beyond 64 bits wrap, which only makes the text odd.
pub(crate) fn dotted(oid: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let mut arc = 0u64;
    for byte in oid {
        arc = arc.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        let first = (arc / 40).min(2);
        let _ = match out.is_empty() {
            true => write!(out, "{first}.{}", arc - first * 40),
            false => write!(out, ".{arc}"),
        };
        arc = 0;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_x690_writes_them() {
        assert_eq!(head(&[0x30, 0x7f]), Head::Element(Tag::SEQUENCE, 2, 127));
        assert_eq!(head(&[0x30, 0x82, 1, 2, 9]), Head::Element(Tag::SEQUENCE, 4, 258));
        assert_eq!(head(&[0x04, 0x84, 0, 0, 0, 5]), Head::Element(Tag::OCTET_STRING, 6, 5));
        for part in [&[][..], &[0x30], &[0x30, 0x82], &[0x30, 0x82, 1]] {
            assert_eq!(head(part), Head::More, "{part:02x?}");
        }
    }

    #[test]
    fn what_is_not_der_is_refused() {
        for bad in [&[0x30, 0x80][..], &[0x30, 0x85, 0, 0, 0, 0, 1], &[0x1f, 1], &[0xbf]] {
            assert_eq!(head(bad), Head::Bad, "{bad:02x?}");
        }
        assert_eq!(Der(&[0x04, 3, 1, 2]).any(), None);
        assert_eq!(Der(&[0x04, 0x84, 0xff, 0xff, 0xff, 0xff, 1]).any(), None);
    }

    #[test]
    fn numbers_have_a_sign() {
        for (content, value) in
            [(&[0x17][..], 23), (&[0xff, 0x7b], -133), (&[0, 0xff], 255), (&[0x80, 0, 0, 0], -(1 << 31))]
        {
            assert_eq!(integer(content), Some(value));
        }
        assert_eq!((integer(&[]), integer(&[1; 9])), (None, None));
    }

    #[test]
    fn a_field_is_found_behind_unknown_ones() {
        let mut body = Der(&[0xa0, 3, 2, 1, 5, 0xa1, 1, 0, 0xa3, 3, 2, 1, 7]);
        assert_eq!(body.field(0).and_then(|mut field| field.integer()), Some(5));
        assert!(body.field(2).is_none());
        assert_eq!(body.field(3).and_then(|mut field| field.integer()), Some(7));
        assert!(body.field(4).is_none());
    }

    #[test]
    fn oids_in_dots() {
        assert_eq!(dotted(&[0x55, 0x1d, 0x11]), "2.5.29.17");
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01]), "1.2.840.113549.1.9.1");
    }
}
