//! Little-endian numbers, lengths with offsets and UTF-16 text, as Microsoft's protocols have them.
//! Every read can only run short, never out of bounds.

use crate::limits::Limit;

pub(crate) fn u8_at(data: &[u8], at: usize) -> Option<u8> {
    data.get(at).copied()
}

pub(crate) fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

pub(crate) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

pub(crate) fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    data.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

pub(crate) fn array_at<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk().copied()
}

/// `len` bytes from `at`.
pub(crate) fn bytes_at(data: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    data.get(at..at.checked_add(len)?)
}

/// A length on the wire as a count of bytes in memory.
pub(crate) fn size(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// UTF-16LE as UTF-8. A surrogate that stands alone keeps its three bytes, so that no information is lost;
/// zeros at the end are left out.
pub(crate) fn utf16(text: &[u8]) -> Vec<u8> {
    let units = text.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let mut out = Vec::with_capacity(text.len() / 2);
    for unit in char::decode_utf16(units) {
        match unit {
            Ok(letter) => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(alone) => push_surrogate(&mut out, alone.unpaired_surrogate()),
        }
    }
    trim(&mut out);
    out
}

/// The same, of which at most `most` bytes are made and kept: room for more would be held without being counted.
pub(crate) fn utf16_up_to(text: &[u8], limit: &Limit) -> Vec<u8> {
    let mut out = utf16(text.get(..2 * limit.get() + 2).unwrap_or(text));
    limit.truncate(&mut out);
    out.shrink_to_fit();
    out
}

/// UTF-16LE up to the first zero.
pub(crate) fn utf16_to_zero(text: &[u8]) -> Vec<u8> {
    let end = text.chunks_exact(2).position(|pair| pair == [0, 0]).map_or(text.len(), |at| at * 2);
    utf16(text.get(..end).unwrap_or_default())
}

fn push_surrogate(out: &mut Vec<u8>, unit: u16) {
    let [high, low] = unit.to_be_bytes();
    out.extend_from_slice(&[0xed, 0x80 | (high & 0xf) << 2 | low >> 6, 0x80 | (low & 0x3f)]);
}

fn trim(out: &mut Vec<u8>) {
    while out.last() == Some(&0) {
        out.pop();
    }
}

/// Windows' time (100 ns since 1601) as nanoseconds since the Unix epoch; none where it lies before it or is
/// one of the two values that say "not set".
pub(crate) fn filetime(ticks: u64) -> Option<u64> {
    const TO_1970: u64 = 116_444_736_000_000_000;
    ticks.checked_sub(TO_1970)?.checked_mul(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_run_short_and_never_over() {
        assert_eq!(u16_at(&[1, 2, 3], 1), Some(0x0302));
        assert_eq!(u16_at(&[1, 2, 3], 2), None);
        assert_eq!(u32_at(&[1, 2, 3, 4], 0), Some(0x0403_0201));
        assert_eq!(u64_at(&[1; 8], usize::MAX), None);
        assert_eq!(bytes_at(&[1, 2], 1, usize::MAX), None);
    }

    #[test]
    fn text_keeps_what_is_no_text() {
        assert_eq!(utf16(b"a\0\xe5\0\x3d\xd8\x00\xde\0\0"), "a\u{e5}\u{1f600}".as_bytes());
        assert_eq!(utf16(b"\x00\xd8a\0"), b"\xed\xa0\x80a");
        assert_eq!(utf16(b"a\0b"), b"a");
        assert_eq!(utf16_to_zero(b"a\0\0\0b\0"), b"a");
    }

    #[test]
    fn times_outside_of_what_can_be_told_are_none() {
        assert_eq!(filetime(116_444_736_000_000_001), Some(100));
        assert_eq!(filetime(0), None);
        assert_eq!(filetime(u64::MAX), None);
    }
}
