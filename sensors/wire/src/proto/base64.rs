//! Base64 (RFC 4648 4): whole values, and streams that come in pieces.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes without padding, as fingerprints of SSH keys are written.
pub(crate) fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word =
            group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        let digits = (0..=group.len()).map(|at| ALPHABET[(word >> (18 - 6 * at) & 63) as usize]);
        out.extend(digits);
    }
    out
}

/// Decodes a whole value, padded or not; `None` where it is no base64.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let text = text.get(..end)?;
    if !text.iter().all(|byte| digit(*byte).is_some()) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    Decoder::default().push(text, &mut out);
    Some(out)
}

/// Decodes a stream; what is no digit is passed over, as RFC 2045 6.8 asks of mail.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decoder {
    bits: u32,
    held: u32,
}

impl Decoder {
    /// Appends the bytes that `text` completes.
    pub(crate) fn push(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for value in text.iter().filter_map(|byte| digit(*byte)) {
            self.bits = (self.bits << 6 | u32::from(value)) & 0xff_ffff;
            self.held += 6;
            if self.held >= 8 {
                self.held -= 8;
                out.push((self.bits >> self.held) as u8);
            }
        }
        // Padding ends a value; another may follow.
        if text.last() == Some(&b'=') {
            *self = Self::default();
        }
    }
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_rfc_4648() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(plain.as_bytes()));
            assert_eq!(encode(plain.as_bytes()), text.trim_end_matches('=').as_bytes());
        }
        assert_eq!(decode(b"Zm9!"), None);
    }

    #[test]
    fn a_stream_may_be_cut_anywhere() {
        let text = b"Zm9v\r\nYmFy\r\nZm9vYg==\r\n";
        for cut in 0..text.len() {
            let (mut decoder, mut out) = (Decoder::default(), Vec::new());
            let (head, tail) = text.split_at(cut);
            decoder.push(head, &mut out);
            decoder.push(tail, &mut out);
            assert_eq!(out, b"foobarfoob", "{cut}");
        }
    }
}
