//! Basic credentials (RFC 7617) and tokens of NTLM (RFC 4559).

use super::limits::{MAX_CREDENTIALS, MAX_TOKEN};
use crate::proto::base64;
use crate::proto::ntlm::mechanism;

/// User and password of an Authorization header's value, where it is basic.
pub(super) fn basic(value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, rest) = value.split_at_checked(6)?;
    let token = rest.trim_ascii();
    if !scheme.eq_ignore_ascii_case(b"basic ") || MAX_CREDENTIALS.clip(token).len() < token.len() {
        return None;
    }
    let mut user = base64::decode(token)?;
    let colon = memchr::memchr(b':', &user)?;
    let password = user.split_off(colon + 1);
    user.pop();
    Some((user, password))
}

/// The token of a header that authenticates by NTLM, bare or within Negotiate (RFC 4559 4); none where it holds no NTLM.
pub(super) fn ntlm_token(value: &[u8]) -> Option<Vec<u8>> {
    let space = memchr::memchr(b' ', value)?;
    let (scheme, token) = (value.get(..space)?, value.get(space..)?.trim_ascii());
    let is_known = scheme.eq_ignore_ascii_case(b"ntlm") || scheme.eq_ignore_ascii_case(b"negotiate");
    let token = Some(token)
        .filter(|token| is_known && MAX_TOKEN.clip(token).len() == token.len())
        .and_then(base64::decode)?;
    mechanism::ntlm_message(&token).is_some().then_some(token)
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

    #[test]
    fn only_ntlm_is_a_token() {
        let bare = b"TlRMTVNTUAABAAAA";
        let token = Some(b"NTLMSSP\0\x01\0\0\0".to_vec());
        assert_eq!(ntlm_token(&[b"NTLM ", &bare[..]].concat()), token);
        assert_eq!(ntlm_token(&[b"negotiate  ", &bare[..]].concat()), token);
        for other in [&b"NTLM"[..], b"NTLM !", b"Negotiate YII=", b"Basic TlRMTVNTUAABAAAA", b""] {
            assert_eq!(ntlm_token(other), None);
        }
        let long = [b"NTLM ", &bare[..], &vec![b'A'; MAX_TOKEN.get()]].concat();
        assert_eq!(ntlm_token(&long), None);
    }
}
