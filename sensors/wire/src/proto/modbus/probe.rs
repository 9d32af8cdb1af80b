//! Is it Modbus/TCP? There is no magic: protocol identifier 0, a length, and a body that fits its function.

use super::adu::{Adu, Messages};
use super::names;
use crate::proto::Probe;
use crate::proto::framing::{Cut as _, Extent};

/// Probe: functions of the specification have lengths that can be checked.
const MAX_STRICT: usize = 260;

/// Looks at the begin of a stream's direction.
pub(super) fn stream(bytes: &[u8]) -> Probe {
    let len = match Messages::extent(bytes) {
        Extent::More => return Probe::More,
        Extent::Message(len) if len <= MAX_STRICT => len,
        _ => return Probe::No,
    };
    match bytes.split_at_checked(len) {
        Some((message, rest)) => judge(fits(message) && Messages::extent(rest) != Extent::Nothing),
        None if bytes.len() < 8 => Probe::More,
        None => part(bytes),
    }
}

/// Looks at one datagram, which is one message.
pub(super) fn datagram(bytes: &[u8]) -> Probe {
    judge(Messages::extent(bytes) == Extent::Message(bytes.len()) && fits(bytes))
}

const fn judge(fits: bool) -> Probe {
    if fits { Probe::Yes } else { Probe::No }
}

/// The first segment ends within a message: only its function can be judged, and that must be one that can be long.
fn part(bytes: &[u8]) -> Probe {
    match bytes.get(7) {
        Some(1..=4 | 12 | 15 | 16 | 17 | 20 | 21 | 23 | 24 | 43 | 90) => Probe::More,
        _ => Probe::No,
    }
}

fn fits(message: &[u8]) -> bool {
    Adu::read(message).is_some_and(|adu| is_known(&adu) && (adu.fits_request() || adu.fits_response()))
}

/// A function or an exception with a name, or data that is more than zeros would be.
fn is_known(adu: &Adu<'_>) -> bool {
    let exception = adu.data.first().is_some_and(|code| names::exception(*code).is_some());
    match adu.function & 0x80 {
        0 => names::function(adu.function).is_some() || adu.data.len() >= 2,
        _ => exception,
    }
}
