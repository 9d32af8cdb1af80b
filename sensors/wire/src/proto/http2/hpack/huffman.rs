//! The Huffman code of RFC 7541 appendix B. It is canonical, so that the lengths say it all.

/// Bits of each symbol's code; the last is the end mark, which must not appear.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6,
    6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7,
    8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7,
    15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24,
    23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23,
    23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
    21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
    27, 27, 26, 30,
];
const SHORTEST: usize = 5;
const LONGEST: usize = 30;

/// Per length: the first code, and where its symbols begin in the order of codes.
struct Codes {
    first: [u32; LONGEST + 2],
    begin: [u16; LONGEST + 2],
    symbols: [u16; 257],
}

static CODES: Codes = codes();

const fn codes() -> Codes {
    let mut codes = Codes { first: [0; LONGEST + 2], begin: [0; LONGEST + 2], symbols: [0; 257] };
    let (mut length, mut code, mut at) = (SHORTEST, 0, 0);
    while length <= LONGEST {
        codes.first[length] = code;
        codes.begin[length] = at as u16;
        let mut symbol = 0;
        while symbol < 257 {
            if LENGTHS[symbol] as usize == length {
                codes.symbols[at] = symbol as u16;
                at += 1;
                code += 1;
            }
            symbol += 1;
        }
        code <<= 1;
        length += 1;
    }
    codes.begin[LONGEST + 1] = at as u16;
    codes
}

/// Decodes a string; at most 8/5 times as long. None where it is malformed (RFC 7541 5.2).
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() * 8 / SHORTEST);
    let (mut code, mut length) = (0_u32, 0_usize);
    for bit in bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
        code = code << 1 | u32::from(bit);
        length += 1;
        if let Some(symbol) = symbol(code, length) {
            out.push(u8::try_from(symbol).ok()?);
            (code, length) = (0, 0);
        } else if length > LONGEST {
            return None;
        }
    }
    // What is left must be the begin of the end mark: at most seven ones.
    (length < 8 && code == (1 << length) - 1).then_some(out)
}

/// The symbol with that code of that length.
fn symbol(code: u32, length: usize) -> Option<u16> {
    let (begin, end) = (*CODES.begin.get(length)?, *CODES.begin.get(length + 1)?);
    let offset = code.checked_sub(*CODES.first.get(length)?)?;
    let at = usize::from(begin) + usize::try_from(offset).ok()?;
    (at < usize::from(end)).then(|| CODES.symbols.get(at).copied())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_the_standard() {
        // RFC 7541 C.4.1, C.4.2, C.6.1.
        let cases: [(&[u8], &str); 3] = [
            (b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", "www.example.com"),
            (b"\xa8\xeb\x10\x64\x9c\xbf", "no-cache"),
            (b"\xae\xc3\x77\x1a\x4b", "private"),
        ];
        for (bytes, text) in cases {
            assert_eq!(decode(bytes).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(decode(b""), Some(Vec::new()));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        assert_eq!(decode(b"\xff\xff\xff\xff"), None, "the end mark");
        assert_eq!(decode(b"\xff\xff"), None, "padding of more than seven bits");
        assert_eq!(decode(b"\x00"), None, "padding that is not ones");
    }
}
