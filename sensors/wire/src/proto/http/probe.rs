//! Is it HTTP/1? Decided by the first line.

use super::limits::MAX_METHOD;
use crate::proto::{PROBE_BYTES, Probe};

const METHODS: &[&[u8]] = &[
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"TRACE",
    b"CONNECT",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
    b"DEBUG",
    b"TRACK",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"NOTIFY",
    b"PURGE",
    b"BITS_POST",
];

/// Looks at the begin of a head, blank lines before it passed over. Answers the same however it is split.
pub(super) fn head(data: &[u8]) -> Probe {
    let data = skip_blank(data);
    let data = data.get(..PROBE_BYTES).unwrap_or(data);
    if data.starts_with(b"HTTP/") || b"HTTP/".starts_with(data) { status(data) } else { request(data) }
}

/// What follows empty lines (RFC 9112 2.2).
pub(super) fn skip_blank(data: &[u8]) -> &[u8] {
    let blank = data.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    data.get(blank..).unwrap_or_default()
}

/// `HTTP/1.d ddd`
fn status(data: &[u8]) -> Probe {
    const FORM: &[u8; 12] = b"HTTP/1.d ddd";
    let fits = data.iter().zip(FORM).all(|(byte, form)| match form {
        b'd' => byte.is_ascii_digit(),
        _ => byte == form,
    });
    match (fits, data.len() < FORM.len()) {
        (false, _) => Probe::No,
        (true, true) => Probe::More,
        (true, false) => Probe::Yes,
    }
}

fn request(data: &[u8]) -> Probe {
    let method_len = data.iter().take(MAX_METHOD + 1).take_while(|byte| is_token(**byte)).count();
    let (method, rest) = data.split_at(method_len);
    match rest.split_first() {
        None if method_len <= MAX_METHOD => Probe::More,
        Some((b' ', rest)) if method_len > 0 => target(method, rest, data.len() == PROBE_BYTES),
        _ => Probe::No,
    }
}

fn target(method: &[u8], rest: &[u8], all: bool) -> Probe {
    if let Some(end) = memchr::memchr(b'\n', rest) {
        let line = rest.get(..end).unwrap_or_default();
        return full_line(method, line.strip_suffix(b"\r").unwrap_or(line));
    }
    if rest.iter().any(|byte| *byte < 0x20 && !matches!(byte, b'\t' | b'\r')) {
        return Probe::No;
    }
    match (all, METHODS.contains(&method) && long_target(rest)) {
        (false, _) => Probe::More,
        (true, true) => Probe::Yes,
        (true, false) => Probe::No,
    }
}

/// A target that is longer than the window can only be a path or an address with a scheme.
fn long_target(rest: &[u8]) -> bool {
    rest.starts_with(b"/") || rest.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"http"))
}

fn full_line(method: &[u8], line: &[u8]) -> Probe {
    let last = memchr::memrchr(b' ', line).and_then(|at| line.get(at + 1..));
    let yes = match last {
        Some(version) => version.starts_with(b"HTTP/1.") || version.starts_with(b"HTTP/0."),
        // HTTP/0.9 has no version; scanners leave out the target.
        None => METHODS.contains(&method) && lone_word(line),
    };
    if yes { Probe::Yes } else { Probe::No }
}

fn lone_word(line: &[u8]) -> bool {
    (line.starts_with(b"/") || line.starts_with(b"HTTP/1.")) && !line.iter().any(u8::is_ascii_control)
}

/// A `tchar` (RFC 9110 5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines() {
        for yes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"\r\nPOST /x HTTP/1.0\n",
            b"GET http://a.dk/ HTTP/1.1\r\n",
            b"CONNECT a.dk:443 HTTP/1.1\r\n",
            b"OPTIONS * HTTP/1.1\r\n",
            b"frob /x HTTP/1.1\r\n",
            b"GET /a b c HTTP/1.1\r\n",
            b"GET /old\r\n",
            b"OPTIONS HTTP/1.1\r\n",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.0 404",
        ] {
            assert_eq!(head(yes), Probe::Yes, "{}", String::from_utf8_lossy(yes));
        }
        for no in [
            &b"\x16\x03\x01\x02\0"[..],
            b"SSH-2.0-x\r\n",
            b"OPTIONS sip:a SIP/2.0\r\n",
            b"OPTIONS rtsp://x RTSP/1.0\r\n",
            b"GET / RTSP/1.0\r\n",
            b"PRI * HTTP/2.0\r\n",
            b"220 mail ESMTP\r\n",
            b"HTTP/2 200\r\n",
            b"HTTP/1.1 2x0 OK",
            b" GET / HTTP/1.1\r\n",
            b"GET \x01\x02",
        ] {
            assert_eq!(head(no), Probe::No, "{}", String::from_utf8_lossy(no));
        }
        let long = [&b"GET /"[..], &[b'a'; 400], b" HTTP/1.1\r\n"].concat();
        assert_eq!(head(&long), Probe::Yes);
        assert_eq!(head(&long[..255]), Probe::More);
        assert_eq!(head(b""), Probe::More);
        assert_eq!(head(b"HTT"), Probe::More);
    }
}
