//! Is it FTP? SMTP greets with 220 too, POP3 has USER and PASS: the first words that only FTP has decide, whichever side
//! says them.

use crate::messages::Direction;
use crate::proto::{PROBE_BYTES, Probe};

pub(super) fn probe(data: &[u8], direction: Direction) -> Probe {
    let judge = match direction {
        Direction::ToServer => client,
        Direction::ToClient => server,
    };
    let mut has_greeted = false;
    for line in data.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        // Logged in after a greeting: SMTP has no such reply, and NNTP greets otherwise.
        if has_greeted && line.starts_with(b"230") {
            return Probe::Yes;
        }
        match judge(line.trim_ascii()) {
            Probe::More => {}
            known => return known,
        }
        has_greeted |= direction == Direction::ToClient && line.starts_with(b"220");
    }
    let last = data.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    if data.len() >= PROBE_BYTES || !may_become(last, direction) { Probe::No } else { Probe::More }
}

/// A client's line. USER, PASS, QUIT and NOOP are POP3's too, AUTH and RSET SMTP's.
fn client(line: &[u8]) -> Probe {
    const OWN: [&str; 17] = [
        "FEAT",
        "SYST",
        "AUTH TLS",
        "AUTH SSL",
        "PASV",
        "EPSV",
        "EPSV ALL",
        "PWD",
        "XPWD",
        "TYPE I",
        "TYPE A",
        "OPTS UTF8 ON",
        "OPTS UTF-8 ON",
        "PBSZ 0",
        "TYPE L8",
        "USER anonymous",
        "USER ftp",
    ];
    const SHARED: [&str; 6] = ["USER ", "PASS ", "QUIT", "NOOP", "CLNT ", "HOST "];
    let begins =
        |word: &&str| line.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()));
    if OWN.iter().any(|word| line.eq_ignore_ascii_case(word.as_bytes()))
        || begins(&"PORT ")
        || begins(&"EPRT |")
    {
        Probe::Yes
    } else if SHARED.iter().any(begins) {
        Probe::More
    } else {
        Probe::No
    }
}

/// A server's line: a greeting that names the protocol, or a reply that only FTP has.
fn server(line: &[u8]) -> Probe {
    let has = |word: &[u8]| line.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    match line.get(..4) {
        Some(b"220 " | b"220-") => match (has(b"FTP"), has(b"SMTP")) {
            (true, false) => Probe::Yes,
            (false, true) => Probe::No,
            _ => Probe::More,
        },
        Some(b"331 " | b"332 " | b"215 " | b"234 " | b"211-" | b"227 " | b"229 " | b"257 ") => Probe::Yes,
        Some(b"120 " | b"230 " | b"230-" | b"530 " | b"421 " | b"500 " | b"502 ") => Probe::More,
        // Lines within a greeting (RFC 959 4.2).
        Some([b' ', ..]) | None => Probe::More,
        _ => Probe::No,
    }
}

/// Whether what stands there of a line may become one of FTP's.
fn may_become(part: &[u8], direction: Direction) -> bool {
    match direction {
        Direction::ToServer => {
            part.iter().all(|byte| (b' '..0x7f).contains(byte) || *byte == b'\r' || *byte >= 0x80)
        }
        Direction::ToClient => part.iter().take(3).all(|byte| byte.is_ascii_digit() || *byte == b' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};

    #[test]
    fn ftp_is_known_from_either_side() {
        for (data, direction) in [
            (&b"USER ann\r\nPASS x\r\nSYST\r\n"[..], ToServer),
            (b"USER anonymous\r\n", ToServer),
            (b"auth tls\r\n", ToServer),
            (b"PORT 10,0,0,1,4,1\r\n", ToServer),
            (b"220 (vsFTPd 3.0.3)\r\n", ToClient),
            (b"220 welcome\r\n331 password?\r\n", ToClient),
            (b"220-hello\r\n220 there\r\n211-Features\r\n", ToClient),
            (b"220 ready\r\n230 welcome\r\n", ToClient),
        ] {
            assert_eq!(probe(data, direction), Probe::Yes, "{}", data.escape_ascii());
            for cut in 0..data.len() {
                assert_ne!(probe(&data[..cut], direction), Probe::No, "{}", data[..cut].escape_ascii());
            }
        }
    }

    #[test]
    fn others_are_not() {
        for (data, direction) in [
            (&b"USER ann\r\nPASS x\r\nSTAT\r\n"[..], ToServer),
            (b"EHLO x\r\n", ToServer),
            (b"CAPA\r\n", ToServer),
            (b"a1 LOGIN x y\r\n", ToServer),
            (b"GET / HTTP/1.1\r\n", ToServer),
            (b"220 mx ESMTP\r\n", ToClient),
            (b"+OK ready\r\n", ToClient),
            (b"* OK ready\r\n", ToClient),
            (b"200 news\r\n", ToClient),
            (b"SSH-2.0-x\r\n", ToClient),
        ] {
            assert_eq!(probe(data, direction), Probe::No, "{}", data.escape_ascii());
        }
        assert_eq!(probe(b"USER ann\r\nPASS x\r\n", ToServer), Probe::More);
        assert_eq!(probe(b"220 welcome\r\n", ToClient), Probe::More);
        assert_eq!(probe(b"230 article\r\n", ToClient), Probe::More);
    }
}
