//! What follows a bind by which SASL protects the connection: buffers behind a length in four bytes (RFC 4422 3.7), each
//! with a token of its mechanism. Where the token only signs, the messages behind it are in clear text.

use super::limits::MAX_BUFFER;
use crate::asn1::{Head, Tag, head};
use crate::proto::framing::{Cut, Extent};

/// Length before a buffer.
pub(super) const PREFIX: usize = 4;
/// Format: directory servers send up to some ten megabytes in one.
const MAX_LENGTH: u32 = 1 << 25;

/// How a stream is cut into buffers.
#[derive(Debug, Default)]
pub(super) struct Buffers;

impl Cut for Buffers {
    fn most() -> usize {
        MAX_BUFFER.get()
    }

    fn extent(bytes: &[u8]) -> Extent {
        match bytes.first_chunk::<PREFIX>().map(|len| u32::from_be_bytes(*len)) {
            None => Extent::More,
            Some(len @ 16..MAX_LENGTH) => Extent::Message(len as usize + PREFIX),
            Some(_) => Extent::Nothing,
        }
    }

    fn begins(bytes: &[u8]) -> bool {
        matches!(Self::extent(bytes), Extent::Message(_))
    }
}

/// The clear text in a buffer's content; `None` where it is sealed, or of a mechanism that is not known.
pub(super) fn clear_text(token: &[u8]) -> Option<&[u8]> {
    match token {
        [0x05, 0x04, ..] => kerberos(token),
        [0x60, ..] => old_kerberos(token),
        [0x01, 0, 0, 0, ..] => token.get(16..).filter(|text| text.first() == Some(&0x30)),
        _ => None,
    }
}

/// RFC 4121 4.2.6.2: a header of 16 bytes, then text and checksum, turned to the right by so many bytes.
fn kerberos(token: &[u8]) -> Option<&[u8]> {
    const SEALED: u8 = 2;
    let (&[_, _, flags, _, e, c, r, o], _) = token.split_first_chunk::<8>()?;
    let (extra, turned) = (usize::from(e) << 8 | usize::from(c), usize::from(r) << 8 | usize::from(o));
    let body = token.get(16..)?;
    match turned {
        _ if flags & SEALED != 0 => None,
        0 => body.get(..body.len().checked_sub(extra)?),
        turned if turned == extra => body.get(extra..),
        _ => None,
    }
}

/// RFC 1964 1.2.2 and RFC 4757 7.3: behind the mechanism algorithms, number, checksum and confounder; padding at the end.
fn old_kerberos(token: &[u8]) -> Option<&[u8]> {
    let Head::Element(_, outer, _) = head(token) else { return None };
    let Head::Element(Tag::OID, inner, oid) = head(token.get(outer..)?) else { return None };
    let body = token.get(outer + inner + oid..)?;
    let [0x02, 0x01, _, _, 0xff, 0xff, ..] = body else { return None };
    let padded = body.get(32..)?;
    let padding = padded.last().copied().map(usize::from).filter(|padding| (1..=8).contains(padding))?;
    padded.get(..padded.len().checked_sub(padding)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_tokens_show_their_text() {
        let text = [0x30, 5, 2, 1, 3, 0x42, 0];
        let header = |flags, extra, turned| [5, 4, flags, 0xff, 0, extra, 0, turned, 0, 0, 0, 0, 0, 0, 0, 9];
        let sum = [0xaa; 12];
        let turned = [&header(4, 12, 12)[..], &sum, &text].concat();
        let straight = [&header(0, 12, 0)[..], &text, &sum].concat();
        let ntlm = [&[1, 0, 0, 0][..], &sum, &text].concat();
        let oid = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
        let old = [&[0x60, 0x31][..], &oid, &[2, 1, 0x11, 0, 0xff, 0xff, 0xff, 0xff], &[7; 24], &text, &[1]]
            .concat();
        for token in [turned, straight, ntlm, old] {
            assert_eq!(clear_text(&token), Some(&text[..]), "{token:02x?}");
            for cut in 0..token.len() {
                assert_ne!(clear_text(&token[..cut]), Some(&text[..]));
            }
        }
        assert_eq!(clear_text(&[&header(2, 0, 28)[..], &sum, &sum].concat()), None);
        assert_eq!(clear_text(&[&header(0, 12, 3)[..], &sum, &sum].concat()), None);
        assert_eq!(clear_text(&[&[1, 0, 0, 0][..], &sum, &sum].concat()), None);
    }
}
