//! Request targets (RFC 9112 3.2) and authorities (RFC 3986 3.2), taken apart without decoding.

use super::limits::MAX_EXTENSION;

/// A target in parts; each as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// Host and what stands beside it.
    pub authority: Option<Authority<'a>>,
    /// True where it has a scheme.
    pub absolute: bool,
    /// Path.
    pub path: Option<&'a [u8]>,
    /// Query without its question mark.
    pub query: Option<&'a [u8]>,
}

/// `user@host:port`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Authority<'a> {
    /// What stands before the @.
    pub user: Option<&'a [u8]>,
    /// Name or address, without brackets.
    pub host: &'a [u8],
    /// Port.
    pub port: Option<u64>,
}

impl<'a> Target<'a> {
    /// Takes a target apart, which some methods write otherwise.
    #[must_use]
    pub fn parse(method: &[u8], target: &'a [u8]) -> Self {
        if method == b"CONNECT" && !target.starts_with(b"/") {
            return Self { authority: Some(Authority::parse(target)), ..Self::default() };
        }
        let Some(rest) = after_scheme(target) else { return Self::origin(target) };
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let authority = Some(Authority::parse(authority));
        Self { authority, absolute: true, ..Self::origin(rest) }
    }

    fn origin(target: &'a [u8]) -> Self {
        let (path, query) = match memchr::memchr(b'?', target) {
            Some(at) => (target.get(..at).unwrap_or_default(), target.get(at + 1..)),
            None => (target, None),
        };
        Self { path: (!path.is_empty()).then_some(path), query, ..Self::default() }
    }

    /// Extension of the path's last part.
    #[must_use]
    pub fn extension(&self) -> Option<&'a [u8]> {
        let path = self.path?;
        let last = path.rsplit(|byte| *byte == b'/').next()?;
        let last = last.split(|byte| *byte == b';').next()?;
        let dot = memchr::memrchr(b'.', last)?;
        last.get(dot + 1..).filter(|extension| (1..=MAX_EXTENSION).contains(&extension.len()))
    }
}

/// What follows `scheme://`.
fn after_scheme(target: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', target.get(..16).unwrap_or(target))?;
    let (scheme, rest) = target.split_at_checked(colon)?;
    let named = !scheme.is_empty() && scheme.iter().all(u8::is_ascii_alphanumeric);
    rest.strip_prefix(b"://").filter(|_| named)
}

impl<'a> Authority<'a> {
    /// Takes an authority apart.
    #[must_use]
    pub fn parse(authority: &'a [u8]) -> Self {
        let (user, rest) = match memchr::memrchr(b'@', authority) {
            Some(at) => (authority.get(..at), authority.get(at + 1..).unwrap_or_default()),
            None => (None, authority),
        };
        let bracket = memchr::memchr(b']', rest).filter(|_| rest.starts_with(b"["));
        let from = bracket.unwrap_or(0);
        let colon = memchr::memchr(b':', rest.get(from..).unwrap_or_default()).map(|at| from + at);
        let host = rest.get(..colon.unwrap_or(rest.len())).unwrap_or_default();
        let host = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host);
        Self { user, host, port: colon.and_then(|at| port(rest.get(at + 1..)?)) }
    }
}

fn port(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    text.parse::<u16>().ok().map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_taken_apart() {
        let origin = Target::parse(b"GET", b"/a/b.tar.gz;x=1?q=1?2");
        assert_eq!(origin.path, Some(&b"/a/b.tar.gz;x=1"[..]));
        assert_eq!(origin.query, Some(&b"q=1?2"[..]));
        assert_eq!(origin.extension(), Some(&b"gz"[..]));
        assert_eq!(origin.authority, None);
        let absolute = Target::parse(b"GET", b"http://u:p@[2001:db8::1]:8080/x.php?");
        let authority = Authority { user: Some(b"u:p"), host: b"2001:db8::1", port: Some(8080) };
        assert_eq!(absolute.authority, Some(authority));
        assert_eq!((absolute.path, absolute.query), (Some(&b"/x.php"[..]), Some(&b""[..])));
        let connect = Target::parse(b"CONNECT", b"a.dk:443").authority;
        assert_eq!(connect, Some(Authority { user: None, host: b"a.dk", port: Some(443) }));
        assert_eq!(Target::parse(b"CONNECT", b"/x").path, Some(&b"/x"[..]));
        let bare = Target::parse(b"GET", b"http://a.dk");
        assert_eq!((bare.path, bare.query, bare.extension()), (None, None, None));
        assert_eq!(Target::parse(b"OPTIONS", b"*").path, Some(&b"*"[..]));
        assert_eq!(Target::parse(b"GET", b"/x?u=http://y").authority, None);
        assert_eq!(Target::parse(b"GET", b"/..").extension(), None);
    }
}
