//! Frames of an Initial packet (RFC 9000 19; which ones it may hold: 12.5).

use super::packet::Bytes;

/// What a frame says that an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// Part of the handshake: offset and bytes.
    Crypto(u64, &'a [u8]),
    /// The sender ends the connection: error code and reason phrase.
    Close(u64, &'a [u8]),
    /// Any other that may stand here.
    Other,
}

/// A frame that may not stand in an Initial packet, or that contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Takes the next frame off a packet's payload.
pub(super) fn next<'a>(payload: &mut &'a [u8]) -> Option<Result<Frame<'a>, Malformed>> {
    let padding = payload.iter().take_while(|&&byte| byte == 0).count();
    let mut rest = Bytes(payload.get(padding..)?);
    let kind = rest.varint()?;
    let frame = match kind {
        0x01 => Some(Frame::Other),
        0x02 | 0x03 => acknowledgement(&mut rest, kind == 3),
        0x06 => crypto(&mut rest),
        0x1c => close(&mut rest),
        _ => None,
    };
    *payload = if frame.is_some() { rest.0 } else { &[] };
    Some(frame.ok_or(Malformed))
}

/// RFC 9000 19.3.
fn acknowledgement<'a>(rest: &mut Bytes<'a>, has_ecn: bool) -> Option<Frame<'a>> {
    rest.varint()?;
    rest.varint()?;
    let ranges = rest.varint()?;
    rest.varint()?;
    // Each takes two bytes at least, so that their number is bounded by the packet.
    for _ in 0..ranges {
        rest.varint()?;
        rest.varint()?;
    }
    for _ in 0..if has_ecn { 3 } else { 0 } {
        rest.varint()?;
    }
    Some(Frame::Other)
}

/// RFC 9000 19.6. Of a cut packet, as much as is there.
fn crypto<'a>(rest: &mut Bytes<'a>) -> Option<Frame<'a>> {
    let offset = rest.varint()?;
    Some(Frame::Crypto(offset, rest.vector()?))
}

/// RFC 9000 19.19.
fn close<'a>(rest: &mut Bytes<'a>) -> Option<Frame<'a>> {
    let code = rest.varint()?;
    rest.varint()?;
    Some(Frame::Close(code, rest.vector()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut payload: &[u8]) -> Vec<Result<Frame<'_>, Malformed>> {
        std::iter::from_fn(|| next(&mut payload)).collect()
    }

    #[test]
    fn frames_stand_one_behind_the_other() {
        let payload = [
            0, 0, 1, 2, 5, 0, 1, 0, 3, 1, 3, 5, 0, 0, 0, 1, 2, 3, 0, 6, 0x40, 0x10, 2, b'h', b'i', 0x1c, 10,
            0, 1, b'!',
        ];
        let expected = [
            Ok(Frame::Other),
            Ok(Frame::Other),
            Ok(Frame::Other),
            Ok(Frame::Crypto(16, b"hi")),
            Ok(Frame::Close(10, b"!")),
        ];
        assert_eq!(all(&payload), expected);
    }

    #[test]
    fn a_frame_that_ends_early_or_does_not_belong_ends_the_reading() {
        for payload in
            [&[6, 0, 3, b'h'][..], &[8, 0], &[2, 0, 0, 0x80, 0xff, 0xff, 0xff, 0, 0], &[0x1d, 0, 0]]
        {
            assert_eq!(all(payload), [Err(Malformed)], "{payload:02x?}");
        }
        assert_eq!(all(&[0, 0, 0]), []);
    }
}
