//! Texts of JSON: what stands for itself, and what escapes mean (RFC 8259 7).

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// A top bit for each byte that ends a run of plain ones, exact for the lowest such byte.
#[inline]
const fn special(word: u64) -> u64 {
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = word ^ (ONES * 0x22);
    let slash = word ^ (ONES * 0x5c);
    (control | (quote.wrapping_sub(ONES) & !quote) | (slash.wrapping_sub(ONES) & !slash)) & TOPS
}

/// True where each of eight bytes stands for itself in a text.
#[inline]
pub(crate) const fn is_plain_word(word: u64) -> bool {
    special(word) == 0
}

/// The bytes of a word, as it lies in memory, before the first that does not stand for itself.
pub(crate) struct Plain {
    pub(crate) bytes: usize,
    pub(crate) has_high: bool,
}

#[inline]
pub(crate) const fn plain_in_word(word: u64) -> Plain {
    let bits = special(word).trailing_zeros() & !7;
    let before = if bits == 0 { 0 } else { word & (u64::MAX >> (64 - bits)) };
    Plain { bytes: bits as usize / 8, has_high: before & TOPS != 0 }
}

/// Length of the escape that the bytes begin with; of two halves of a character outside the first plane both. `None`
/// where it is none: an unknown letter, a half alone.
pub(crate) fn escape_length(rest: &[u8]) -> Option<usize> {
    match rest.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => match unit(rest)? {
            0xdc00..=0xdfff => None,
            0xd800..=0xdbff => {
                let low = unit(rest.get(6..)?)?;
                (rest.get(6) == Some(&b'\\')
                    && rest.get(7) == Some(&b'u')
                    && (0xdc00..=0xdfff).contains(&low))
                .then_some(12)
            }
            _ => Some(6),
        },
        _ => None,
    }
}

/// The four digits after a backslash and a letter.
fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.get(2..6)?;
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
}

/// Appends what a text with escapes means; it was checked when it was scanned.
pub fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        let escape = rest.get(at..).unwrap_or_default();
        let length = escape_length(escape).unwrap_or(escape.len());
        let meant = meant(escape);
        out.extend_from_slice(meant.encode_utf8(&mut [0; 4]).as_bytes());
        rest = escape.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

fn meant(escape: &[u8]) -> char {
    match escape.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => character(escape).unwrap_or(char::REPLACEMENT_CHARACTER),
        Some(other) => char::from(*other),
        None => char::REPLACEMENT_CHARACTER,
    }
}

fn character(escape: &[u8]) -> Option<char> {
    let high = unit(escape)?;
    if !(0xd800..=0xdbff).contains(&high) {
        return char::from_u32(high);
    }
    let low = unit(escape.get(6..)?)?;
    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low.checked_sub(0xdc00)?)
}

/// Turns `\xNN`, as bavn prints bytes that are no UTF-8, into those bytes again, from that place on. A text that has these
/// four characters of itself cannot be told from it; below 80 they always are its own.
pub(crate) fn bytes_again(text: &mut Vec<u8>, from: usize) {
    let (mut read, mut write) = (from, from);
    while read < text.len() {
        let escape =
            text.get(read..read + 4).and_then(|escape| escape.strip_prefix(b"\\x")).and_then(byte_of);
        text[write] = escape.unwrap_or(text[read]);
        read += if escape.is_some() { 4 } else { 1 };
        write += 1;
    }
    text.truncate(write);
}

fn byte_of(digits: &[u8]) -> Option<u8> {
    let is_lower = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (is_lower && byte >= 0x80).then_some(byte)
}
