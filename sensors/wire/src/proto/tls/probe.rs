//! Is it TLS? Judged by the first bytes of a direction, never by the port.

use crate::proto::Probe;

/// A TLS record with a hello in it, an SSL 2.0 hello, or a server's alert.
pub(super) fn probe(data: &[u8]) -> Probe {
    match data.first() {
        None => Probe::More,
        Some(22) => matches_all(data, &[is_any, is_major, is_minor, is_any, is_any, is_hello, is_short]),
        Some(21) => matches_all(data, &[is_any, is_major, is_minor, is_zero, is_two, is_level, is_any]),
        Some(first) if first & 0x80 != 0 => ssl2(data),
        Some(_) => Probe::No,
    }
}

fn matches_all(data: &[u8], tests: &[fn(u8) -> bool]) -> Probe {
    if !data.iter().zip(tests).all(|(&byte, test)| test(byte)) {
        return Probe::No;
    }
    if data.len() < tests.len() { Probe::More } else { Probe::Yes }
}

fn is_any(_: u8) -> bool {
    true
}

fn is_zero(byte: u8) -> bool {
    byte == 0
}

fn is_two(byte: u8) -> bool {
    byte == 2
}

fn is_major(byte: u8) -> bool {
    byte == 3
}

fn is_minor(byte: u8) -> bool {
    byte <= 4
}

/// ClientHello, ServerHello, or HelloRetryRequest of the drafts before 22.
fn is_hello(byte: u8) -> bool {
    matches!(byte, 1 | 2 | 6)
}

/// No hello needs more than 64 KiB.
fn is_short(byte: u8) -> bool {
    byte == 0
}

fn is_level(byte: u8) -> bool {
    matches!(byte, 1 | 2)
}

/// SSL 2.0 has no magic: type, version and lengths must agree (RFC 6101 E.1, E.2).
fn ssl2(data: &[u8]) -> Probe {
    if data.get(2).is_some_and(|kind| !matches!(kind, 1 | 4)) {
        return Probe::No;
    }
    let Some((head, _)) = data.split_first_chunk::<13>() else { return Probe::More };
    let pair = |at: usize| usize::from(head[at]) << 8 | usize::from(head[at + 1]);
    let len = pair(0) & 0x7fff;
    let fits = match head[2] {
        1 => {
            is_ssl2_version(pair(3))
                && len == 9 + pair(5) + pair(7) + pair(9)
                && pair(5) % 3 == 0
                && pair(5) > 0
        }
        _ => head[3] <= 1 && pair(5) == 2 && len == 11 + pair(7) + pair(9) + pair(11),
    };
    if fits { Probe::Yes } else { Probe::No }
}

fn is_ssl2_version(version: usize) -> bool {
    matches!(version, 0x0002 | 0x0300..=0x0304)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_of_both_sides_are_tls() {
        for kind in [1, 2, 6] {
            let bytes = [0x16, 3, 1, 2, 0, kind, 0, 1];
            assert_eq!(probe(&bytes), Probe::Yes);
            for cut in 0..7 {
                assert_eq!(probe(&bytes[..cut]), Probe::More);
            }
        }
        assert_eq!(probe(&[0x15, 3, 3, 0, 2, 2, 40]), Probe::Yes);
    }

    #[test]
    fn others_are_not() {
        let others: [&[u8]; 6] = [
            b"GET / HTTP/1.1",
            b"SSH-2.0-x",
            &[0x16, 3, 9],
            &[0x16, 3, 1, 2, 0, 11],
            &[0x80, 0x2e, 7],
            &[0x80, 0x2e, 1, 3, 1, 0, 0x16, 0, 0, 0, 0x10, 0, 0],
        ];
        for bytes in others {
            assert_eq!(probe(bytes), Probe::No, "{bytes:02x?}");
        }
    }

    #[test]
    fn ssl2_hello_needs_lengths_that_agree() {
        let hello = [0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10, 0, 0];
        assert_eq!(probe(&hello), Probe::Yes);
        assert_eq!(probe(&hello[..12]), Probe::More);
    }
}
