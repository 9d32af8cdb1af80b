//! Tag, length, value (X.690), forwards only.

/// A tag's identifier byte; tags above 30 are not used by certificates and end the reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(pub(super) u8);

impl Tag {
    pub(super) const BOOLEAN: Self = Self(0x01);
    pub(super) const INTEGER: Self = Self(0x02);
    pub(super) const OCTET_STRING: Self = Self(0x04);
    pub(super) const OID: Self = Self(0x06);
    pub(super) const UTC_TIME: Self = Self(0x17);
    pub(super) const GENERALIZED_TIME: Self = Self(0x18);
    pub(super) const UNIVERSAL_STRING: Self = Self(0x1c);
    pub(super) const BMP_STRING: Self = Self(0x1e);
    pub(super) const SEQUENCE: Self = Self(0x30);
    pub(super) const SET: Self = Self(0x31);

    /// `[number]`, constructed.
    pub(super) const fn context(number: u8) -> Self {
        Self(0xa0 | number)
    }

    /// `[number]`, primitive.
    pub(super) const fn context_primitive(number: u8) -> Self {
        Self(0x80 | number)
    }
}

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

impl<'a> Der<'a> {
    /// Tag and content of the next element; `None` at the end, or where a length does not fit.
    pub(super) fn any(&mut self) -> Option<(Tag, &'a [u8])> {
        let (&[tag, len], rest) = self.0.split_first_chunk()?;
        let (len, rest) = if len < 0x80 { (usize::from(len), rest) } else { long_length(len, rest)? };
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        (tag & 0x1f != 0x1f).then_some((Tag(tag), content))
    }

    /// Content of the next element if it has that tag.
    pub(super) fn expect(&mut self, tag: Tag) -> Option<&'a [u8]> {
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
    pub(super) fn optional(&mut self, tag: Tag) {
        self.expect(tag);
    }
}

/// Up to four bytes of length; none (indefinite) is not DER.
fn long_length(first: u8, rest: &[u8]) -> Option<(usize, &[u8])> {
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return None;
    }
    let (bytes, rest) = rest.split_at_checked(count)?;
    Some((bytes.iter().fold(0, |len, &byte| len << 8 | usize::from(byte)), rest))
}
