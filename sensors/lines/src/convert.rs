//! Values of other sensors as values of ours.

use std::net::{IpAddr, Ipv4Addr};

use bavn_wire::fields::FieldType;
use bavn_wire::messages::Transport;
use bavn_wire::proto::http::{Authority, Target};

use crate::scan::Span;

/// How a value is read, where it is not taken as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// As its field's type says.
    Plain,
    /// Seconds with a fraction, as nanoseconds.
    Seconds,
    /// In lower case.
    Lower,
    /// In upper case.
    Upper,
    /// A request target: whole, its path, its query, its path's extension.
    Target,
    /// `host:port`: both.
    Host,
    /// What stands before the first of that byte; all, where there is none.
    Before(u8),
    /// What stands after it; nothing, where there is none.
    After(u8),
    /// Without angle brackets.
    Bare,
    /// Without colons, in upper case (serial numbers) or lower case (digests).
    Digits { is_upper: bool },
    /// A distinguished name whose parts stand from the outermost, `O=a, CN=b`, as RFC 4514 has it.
    Turned,
    /// A hardware address in the form of ECS.
    Mac,
    /// The last part of a path.
    Base,
    /// Extension of a file's name.
    Extension,
    /// True where a list has that word.
    Has([u8; 2]),
    /// A serial number with and without leading zeros.
    Serials,
    /// True where there is anything.
    Any,
    /// A number in hexadecimal digits.
    Hex,
    /// Only the words that the row lists; others say nothing.
    Words,
    /// The reserved bits of DNS out of the whole flags in hexadecimal.
    Reserved,
}

impl How {
    /// By the name that tables use.
    pub(crate) fn by_name(name: &str) -> Self {
        let first = |rest: &str| rest.as_bytes().first().copied().unwrap_or_default();
        match name.split_once(':') {
            Some(("before", rest)) => Self::Before(first(rest)),
            Some(("after", rest)) => Self::After(first(rest)),
            Some(("has", rest)) => {
                Self::Has([first(rest), rest.as_bytes().get(1).copied().unwrap_or_default()])
            }
            _ => Self::by_word(name).unwrap_or(Self::Plain),
        }
    }

    pub(crate) fn by_word(name: &str) -> Option<Self> {
        Some(match name {
            "" => Self::Plain,
            "seconds" => Self::Seconds,
            "lower" => Self::Lower,
            "upper" => Self::Upper,
            "target" => Self::Target,
            "host" => Self::Host,
            "bare" => Self::Bare,
            "serial" => Self::Digits { is_upper: true },
            "digest" => Self::Digits { is_upper: false },
            "turned" => Self::Turned,
            "mac" => Self::Mac,
            "base" => Self::Base,
            "extension" => Self::Extension,
            "serials" => Self::Serials,
            "any" => Self::Any,
            "hex" => Self::Hex,
            "words" => Self::Words,
            "reserved" => Self::Reserved,
            _ => return None,
        })
    }
}

/// A value on its way: what it borrows is named by its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slot {
    Absent,
    Unobserved,
    Bool(bool),
    Number(u64),
    Float(f64),
    Time(u64),
    Ip(IpAddr),
    /// In the line.
    Line(Span),
    /// Among the texts that were made.
    Made(Span),
    Given(&'static str),
    /// Cells of lists.
    List(Span),
}

/// A text's bytes, and where they stand.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) slot: Slot,
}

/// A value of a field's type out of its text; `None` where it does not fit.
pub(crate) fn typed(ty: FieldType, text: Given<'_>) -> Option<Slot> {
    match ty {
        FieldType::Text => Some(text.slot),
        FieldType::Number => number(text.bytes).map(Slot::Number),
        FieldType::Float => float(text.bytes).map(Slot::Float),
        FieldType::Bool => truth(text.bytes).map(Slot::Bool),
        FieldType::Ip => ip(text.bytes).map(Slot::Ip),
        FieldType::Time => time(text.bytes).map(Slot::Time),
    }
}

/// A whole number; one with a fraction of zeros is whole.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    let whole = match memchr::memchr(b'.', text) {
        Some(dot) if text.get(dot + 1..)?.iter().all(|digit| *digit == b'0') => text.get(..dot)?,
        Some(_) => return None,
        None => text,
    };
    digits(whole)
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    text.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

fn float(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|number: &f64| number.is_finite())
}

fn truth(text: &[u8]) -> Option<bool> {
    match text {
        b"true" | b"T" | b"True" | b"yes" => Some(true),
        b"false" | b"F" | b"False" | b"no" => Some(false),
        _ => None,
    }
}

/// An address.
pub(crate) fn ip(text: &[u8]) -> Option<IpAddr> {
    ip4(text).map(IpAddr::V4).or_else(|| std::str::from_utf8(text).ok()?.parse().ok())
}

/// Four numbers with dots between them, none with a leading zero.
fn ip4(text: &[u8]) -> Option<Ipv4Addr> {
    let (mut octets, mut place, mut number, mut length) = ([0_u8; 4], 0, 0_u16, 0);
    for byte in text {
        match byte {
            b'0'..=b'9' if length < 3 && (length == 0 || number > 0) => {
                number = number * 10 + u16::from(byte - b'0');
                length += 1;
            }
            b'.' if length > 0 && place < 3 => {
                octets[place] = u8::try_from(number).ok()?;
                (place, number, length) = (place + 1, 0, 0);
            }
            _ => return None,
        }
    }
    if place != 3 || length == 0 {
        return None;
    }
    octets[3] = u8::try_from(number).ok()?;
    Some(Ipv4Addr::from(octets))
}

/// A transport by its name or number.
pub(crate) fn transport(text: &[u8]) -> Option<Transport> {
    let mut lower = [0; 16];
    let name = lower.get_mut(..text.len())?;
    name.copy_from_slice(text);
    name.make_ascii_lowercase();
    Some(match &*name {
        b"tcp" => Transport::TCP,
        b"udp" => Transport::UDP,
        b"icmp" => Transport::ICMP,
        b"ipv6-icmp" | b"icmp6" | b"icmpv6" => Transport::ICMP6,
        b"sctp" => Transport::SCTP,
        b"igmp" => Transport(2),
        b"gre" => Transport(47),
        b"esp" => Transport(50),
        b"ah" => Transport(51),
        b"ospf" => Transport(89),
        other => Transport(number(other).and_then(|number| u8::try_from(number).ok())?),
    })
}

const SECOND: u64 = 1_000_000_000;

/// Seconds with a fraction as nanoseconds; digits beyond those are dropped.
pub(crate) fn seconds(text: &[u8]) -> Option<u64> {
    let (whole, fraction) = match memchr::memchr(b'.', text) {
        Some(dot) => (text.get(..dot)?, text.get(dot + 1..)?),
        None => (text, &b""[..]),
    };
    if memchr::memchr2(b'e', b'E', text).is_some() {
        // A tiny duration, as `1e-06`.
        let seconds = float(text).filter(|seconds| (0.0..1e9).contains(seconds))?;
        return Some((seconds * 1e9).round() as u64);
    }
    digits(whole)?.checked_mul(SECOND)?.checked_add(nanos(fraction)?)
}

/// Nanoseconds of the digits after a point.
fn nanos(fraction: &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..9 {
        let digit = fraction
            .get(place)
            .map_or(Some(0), |digit| digit.checked_sub(b'0').filter(|digit| *digit < 10))?;
        number = number * 10 + u64::from(digit);
    }
    fraction.get(9..).unwrap_or_default().iter().all(u8::is_ascii_digit).then_some(number)
}

/// A time as nanoseconds since the epoch: RFC 3339 (the offset also without its colon, or missing for UTC), or seconds.
pub(crate) fn time(text: &[u8]) -> Option<u64> {
    if !matches!(text.get(4), Some(b'-')) {
        return seconds(text);
    }
    let head = text.first_chunk::<19>()?;
    let two = |at: usize| -> Option<u64> { digits(head.get(at..at + 2)?) };
    let year = digits(head.get(..4)?)?;
    let separators = [head[7], head[13], head[16]] == *b"-::" && matches!(head[10], b'T' | b' ' | b't');
    let (month, day, hour, minute, second) = (two(5)?, two(8)?, two(11)?, two(14)?, two(17)?);
    let is_sane =
        (1970..=2500).contains(&year) && (1..=12).contains(&month) && hour < 24 && minute < 60 && second < 61;
    if !separators || !is_sane || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let rest = text.get(19..)?;
    let digits = rest.strip_prefix(b".").map_or(&b""[..], |rest| {
        let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    });
    let zone = rest.get(if rest.starts_with(b".") { digits.len() + 1 } else { 0 }..)?;
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let utc = i64::try_from(seconds).ok()?.checked_sub(offset(zone)?)?;
    u64::try_from(utc).ok()?.checked_mul(SECOND)?.checked_add(nanos(digits)?)
}

/// Seconds that a zone is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, rest) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [a, b, b':', c, d] | [a, b, c, d] => (digits(&[*a, *b])?, digits(&[*c, *d])?),
        _ => return None,
    };
    let seconds = i64::try_from(hours * 3600 + minutes * 60).ok()?;
    (hours < 24 && minutes < 60).then_some(sign * seconds)
}

const fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, counted in years from March (Hinnant, "chrono-compatible low-level date algorithms").
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Parts of a value that gives several fields, in the order of the row's fields.
pub(crate) fn parts<'a>(how: How, text: &'a [u8]) -> [Option<Part<'a>>; 4] {
    match how {
        How::Target => {
            let target = Target::parse(b"", text);
            [Some(text), target.path, target.query, target.extension()].map(|part| part.map(Part::Text))
        }
        How::Host => {
            let Authority { host, port, .. } = Authority::parse(text);
            [Some(Part::Text(host)), port.map(Part::Number), None, None]
        }
        How::Before(byte) => {
            let end = memchr::memchr(byte, text).unwrap_or(text.len());
            one(text.get(..end))
        }
        How::After(byte) => one(memchr::memchr(byte, text).and_then(|at| text.get(at + 1..))),
        How::Bare => {
            one(Some(text.strip_prefix(b"<").and_then(|text| text.strip_suffix(b">")).unwrap_or(text)))
        }
        How::Base => one(text.rsplit(|byte| matches!(byte, b'/' | b'\\')).next()),
        How::Extension => {
            let base = text.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
            one(memchr::memrchr(b'.', base)
                .and_then(|dot| base.get(dot + 1..))
                .filter(|rest| !rest.is_empty()))
        }
        _ => [None; 4],
    }
}

/// One of several values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'a> {
    Text(&'a [u8]),
    Number(u64),
}

const fn one(text: Option<&[u8]>) -> [Option<Part<'_>>; 4] {
    match text {
        Some(text) => [Some(Part::Text(text)), None, None, None],
        None => [None; 4],
    }
}

/// Appends what is made of a text; false where nothing is.
pub(crate) fn make(how: How, text: &[u8], out: &mut Vec<u8>) -> bool {
    match how {
        How::Lower => out.extend(text.iter().map(u8::to_ascii_lowercase)),
        How::Upper => out.extend(text.iter().map(u8::to_ascii_uppercase)),
        How::Digits { is_upper } => {
            let digits = text.iter().filter(|byte| **byte != b':');
            out.extend(
                digits
                    .map(|byte| if is_upper { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() }),
            );
        }
        How::Mac => {
            out.extend(text.iter().map(|byte| if *byte == b':' { b'-' } else { byte.to_ascii_uppercase() }));
        }
        How::Turned => turned(text, out),
        _ => return false,
    }
    true
}

/// `C=DK, O=a, CN=b` as `CN=b,O=a,C=DK`. A comma inside a part is behind a backslash.
fn turned(text: &[u8], out: &mut Vec<u8>) {
    let mut end = text.len();
    let mut is_first = true;
    while let Some(at) = separator(text.get(..end).unwrap_or_default()) {
        part(text.get(at + 2..end).unwrap_or_default(), &mut is_first, out);
        end = at;
    }
    part(text.get(..end).unwrap_or_default(), &mut is_first, out);
}

fn separator(text: &[u8]) -> Option<usize> {
    let at = memchr::memmem::rfind(text, b", ")?;
    if text.get(..at)?.ends_with(b"\\") { separator(text.get(..at)?) } else { Some(at) }
}

fn part(text: &[u8], is_first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::take(is_first) {
        out.push(b',');
    }
    out.extend_from_slice(text);
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
