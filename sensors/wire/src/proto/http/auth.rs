//! Basic credentials (RFC 7617).

use super::limits::MAX_CREDENTIALS;

/// User and password of an Authorization header's value, where it is basic.
pub(super) fn basic(value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, rest) = value.split_at_checked(6)?;
    let token = rest.trim_ascii();
    if !scheme.eq_ignore_ascii_case(b"basic ") || token.len() > MAX_CREDENTIALS {
        return None;
    }
    let mut user = decode(token)?;
    let colon = memchr::memchr(b':', &user)?;
    let password = user.split_off(colon + 1);
    user.pop();
    Some((user, password))
}

/// Base64 (RFC 4648 4), with or without padding.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let text = text.get(..end)?;
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for &byte in text {
        bits = (bits << 6 | u32::from(digit(byte)?)) & 0xff_ffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    Some(out)
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
    fn example_of_rfc_7617() {
        let pair = basic(b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(pair, Some((b"Aladdin".to_vec(), b"open sesame".to_vec())));
        assert_eq!(basic(b"basic dGVzdDoxMjPCow"), Some((b"test".to_vec(), "123\u{a3}".into())));
        assert_eq!(basic(b"Bearer abc"), None);
        assert_eq!(basic(b"Basic !!"), None);
        assert_eq!(basic(b"Basic QWxh"), None, "no colon");
        assert_eq!(basic(b""), None);
    }
}
