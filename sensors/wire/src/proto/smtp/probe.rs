//! Is it SMTP? FTP greets with 220 too: the first words that only one of them has decide, whichever side says them.

use crate::messages::Direction;
use crate::proto::{PROBE_BYTES, Probe};

pub(super) fn probe(data: &[u8], direction: Direction) -> Probe {
    match direction {
        Direction::ToServer => client(data),
        Direction::ToClient => server(data),
    }
}

/// A client's first line that nothing else begins with.
fn client(data: &[u8]) -> Probe {
    const FIRST: [&[u8]; 5] = [b"EHLO ", b"HELO ", b"LHLO ", b"MAIL FROM:", b"RCPT TO:"];
    begins(data, &FIRST)
}

/// `Yes` where it begins with one of `words` in either case, `More` where it still may.
fn begins(data: &[u8], words: &[&[u8]]) -> Probe {
    let fits = |word: &&&[u8]| {
        let len = word.len().min(data.len());
        data.get(..len).zip(word.get(..len)).is_some_and(|(data, word)| data.eq_ignore_ascii_case(word))
    };
    match words.iter().find(fits) {
        Some(word) if data.len() >= word.len() => Probe::Yes,
        Some(_) => Probe::More,
        None => Probe::No,
    }
}

/// A greeting that names the protocol, or one that is followed by a reply that only SMTP has.
fn server(data: &[u8]) -> Probe {
    if begins(data, &[b"220 ", b"220-", b"554 ", b"421 "]) != Probe::Yes {
        return begins(data, &[b"220 ", b"220-", b"554 ", b"421 "]);
    }
    let mut lines = data.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    for line in &mut lines {
        match (has(line, b"SMTP"), has(line, b"FTP")) {
            (true, false) => return Probe::Yes,
            (false, true) => return Probe::No,
            _ => {}
        }
        match line.get(..4) {
            Some(b"250-" | b"250 ") => return Probe::Yes,
            Some(b"331 " | b"230 " | b"230-" | b"211-" | b"215 " | b"234 ") => return Probe::No,
            _ => {}
        }
    }
    if data.len() < PROBE_BYTES { Probe::More } else { Probe::No }
}

/// True where the word stands in the line, in either case.
fn has(line: &[u8], word: &[u8]) -> bool {
    line.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};

    #[test]
    fn smtp_is_known_from_either_side() {
        for (data, direction) in [
            (&b"EHLO x\r\n"[..], ToServer),
            (b"helo x\r\n", ToServer),
            (b"MAIL FROM:<a@b>\r\n", ToServer),
            (b"220 mx.example ESMTP ready\r\n", ToClient),
            (b"220-mx.example\r\n220 esmtp\r\n", ToClient),
            (b"220 mx.example\r\n250-mx.example\r\n", ToClient),
            (b"554 no SMTP service here\r\n", ToClient),
        ] {
            assert_eq!(probe(data, direction), Probe::Yes, "{}", data.escape_ascii());
            for cut in 0..data.len() {
                assert_ne!(probe(&data[..cut], direction), Probe::No);
            }
        }
    }

    #[test]
    fn others_are_not() {
        for (data, direction) in [
            (&b"USER ann\r\n"[..], ToServer),
            (b"MODE READER\r\n", ToServer),
            (b"GET / HTTP/1.1\r\n", ToServer),
            (b"a1 CAPABILITY\r\n", ToServer),
            (b"220 FTP server ready\r\n", ToClient),
            (b"220 welcome\r\n331 password\r\n", ToClient),
            (b"+OK POP3 ready\r\n", ToClient),
            (b"* OK IMAP4\r\n", ToClient),
            (b"SSH-2.0-x\r\n", ToClient),
        ] {
            assert_eq!(probe(data, direction), Probe::No, "{}", data.escape_ascii());
        }
        assert_eq!(probe(b"220 welcome\r\n", ToClient), Probe::More);
    }
}
