//! Is it RDP? A connection request or confirm of X.224 with what only RDP puts into it. Others that speak X.224 (S7comm,
//! MMS) have parameters of other codes there.

use crate::proto::Probe;
use crate::proto::framing::{Cut as _, Extent};
use crate::proto::tpkt::Packets;

/// TPKT's header, X.224's length byte and code.
const PREFIX: usize = 6;

/// Looks at the begin of a stream.
pub(super) fn stream(bytes: &[u8]) -> Probe {
    let len = match Packets::extent(bytes) {
        Extent::More => return Probe::More,
        Extent::Stray(_) | Extent::Nothing => return Probe::No,
        Extent::Message(len) => len,
    };
    let Some((&[_, _, _, _, li, code], rest)) = bytes.split_first_chunk::<PREFIX>() else {
        return if bytes.get(4).is_none_or(|li| *li == 2 || usize::from(*li) + 5 == len) {
            Probe::More
        } else {
            Probe::No
        };
    };
    match code {
        0xe0 | 0xd0 if usize::from(li) + 5 == len => {
            connection(code, rest, usize::from(li).saturating_sub(6))
        }
        0xf0 if li == 2 => follows(rest, &[&[0x80, 0x7f, 0x65], &[0x80, 0x7f, 0x66]]),
        _ => Probe::No,
    }
}

/// References, class 0, then `variable` bytes.
fn connection(code: u8, rest: &[u8], variable: usize) -> Probe {
    let Some((&[a, b, _, _, class], behind)) = rest.split_first_chunk::<5>() else { return Probe::More };
    if class != 0 || (code == 0xe0 && (a, b) != (0, 0)) {
        return Probe::No;
    }
    match (variable, code) {
        (0, _) => Probe::Yes,
        (8.., 0xe0) if behind.first() == Some(&1) => negotiation(behind),
        (_, 0xe0) => follows(behind, &[b"Cookie: msts", b"\r\n"]),
        (1..8, _) => Probe::No,
        _ => negotiation(behind),
    }
}

/// Type, flags, and 8 as length (MS-RDPBCGR 2.2.1.1.1, 2.2.1.2.1, 2.2.1.2.2).
fn negotiation(bytes: &[u8]) -> Probe {
    match bytes {
        [1..=3, _, 8, 0, ..] => Probe::Yes,
        [] | [1..=3] | [1..=3, _] | [1..=3, _, 8] => Probe::More,
        _ => Probe::No,
    }
}

fn follows(bytes: &[u8], wanted: &[&[u8]]) -> Probe {
    let fits = |one: &&&[u8]| bytes.iter().zip(**one).all(|(seen, wanted)| seen == wanted);
    match wanted.iter().find(fits) {
        None => Probe::No,
        Some(one) if bytes.len() < one.len() => Probe::More,
        Some(_) => Probe::Yes,
    }
}
