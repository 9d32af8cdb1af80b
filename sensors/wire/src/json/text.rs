use std::io::Write;
use std::net::{IpAddr, Ipv6Addr};

use crate::messages::Value;

/// Appends a value as JSON.
pub fn write_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Unobserved => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(out, *number),
        Value::Float(number) => write_float(out, *number),
        Value::Time(time) => write_time(out, *time),
        Value::Ip(ip) => write_ip(out, *ip),
        Value::Text(text) => write_text(out, text),
        Value::List(list) => write_list(out, list),
    }
}

fn write_list(out: &mut Vec<u8>, list: &[Value<'_>]) {
    out.push(b'[');
    for (n, value) in list.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write_value(out, value);
    }
    out.push(b']');
}

/// Two digits of each number below 100.
const PAIRS: &[u8; 200] = b"\
    0001020304050607080910111213141516171819\
    2021222324252627282930313233343536373839\
    4041424344454647484950515253545556575859\
    6061626364656667686970717273747576777879\
    8081828384858687888990919293949596979899";

/// The two digits of a number below 100.
#[inline]
fn pair(number: u64) -> [u8; 2] {
    let at = 2 * (number % 100) as usize;
    [PAIRS[at], PAIRS[at + 1]]
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    let (mut digits, mut left, mut at) = ([0; 20], number, 20);
    while left >= 100 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&pair(left));
        left /= 100;
    }
    if left >= 10 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&pair(left));
    } else {
        at -= 1;
        digits[at] = b'0' + left as u8;
    }
    out.extend_from_slice(&digits[at..]);
}

/// JSON knows no infinities.
fn write_float(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        write_display(out, format_args!("{number}"));
    } else {
        out.extend_from_slice(b"null");
    }
}

fn write_ip(out: &mut Vec<u8>, ip: IpAddr) {
    out.push(b'"');
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            write_number(out, a.into());
            for byte in [b, c, d] {
                out.push(b'.');
                write_number(out, byte.into());
            }
        }
        IpAddr::V6(ip) => write_ip6(out, ip),
    }
    out.push(b'"');
}

/// RFC 5952: lower case, the first of the longest runs of zeros shortened.
fn write_ip6(out: &mut Vec<u8>, ip: Ipv6Addr) {
    if ip.to_ipv4_mapped().is_some() {
        return write_display(out, format_args!("{ip}"));
    }
    let groups = ip.segments();
    let (from, to) = longest_zeros(&groups);
    for (at, group) in groups.iter().enumerate() {
        match at {
            _ if at == from => out.extend_from_slice(b"::"),
            _ if (from..to).contains(&at) => {}
            _ => {
                if at > 0 && at != to {
                    out.push(b':');
                }
                write_hex(out, *group);
            }
        }
    }
}

/// The first of the longest runs of two and more zeros; beyond the end where there is none.
fn longest_zeros(groups: &[u16; 8]) -> (usize, usize) {
    let (mut best, mut from) = ((8, 9), 0);
    for (at, group) in groups.iter().enumerate() {
        if *group != 0 {
            from = at + 1;
        } else if at + 1 - from >= 2 && (best.0 == 8 || at + 1 - from > best.1 - best.0) {
            best = (from, at + 1);
        }
    }
    best
}

/// A number in hexadecimal without leading zeros.
fn write_hex(out: &mut Vec<u8>, number: u16) {
    let [high, low] = number.to_be_bytes().map(hex);
    let digits = [high[0], high[1], low[0], low[1]];
    let zeros = digits.iter().take(3).take_while(|digit| **digit == b'0').count();
    out.extend_from_slice(digits.get(zeros..).unwrap_or_default());
}

fn write_display(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = out.write_fmt(text);
}

/// Appends nanoseconds since the Unix epoch as a quoted RFC 3339 time with all nine digits.
pub fn write_time(out: &mut Vec<u8>, time: u64) {
    let (seconds, nanos) = (time / 1_000_000_000, time % 1_000_000_000);
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(day);
    let mut text = *b"\"0000-00-00T00:00:00.000000000Z\"";
    let pairs = [
        (1, year / 100),
        (3, year),
        (6, month),
        (9, day),
        (12, second / 3600),
        (15, second / 60 % 60),
        (18, second % 60),
        (21, nanos / 10_000_000),
        (23, nanos / 100_000),
        (25, nanos / 1000),
        (27, nanos / 10),
    ];
    for (at, number) in pairs {
        text[at..at + 2].copy_from_slice(&pair(number));
    }
    text[29] = b'0' + (nanos % 10) as u8;
    out.extend_from_slice(&text);
}

/// Year, month and day of a day since 1970-01-01 in the Gregorian calendar, counted from March so that the leap day
/// comes last (Hinnant, "chrono-compatible low-level date algorithms").
fn date(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    (year, month, day - (153 * from_march + 2) / 5 + 1)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// True where all eight bytes stand for themselves inside a JSON text. Tests each byte's top bit, and three zero
/// tests (the usual subtraction, which may find too much after a borrow, never too little).
#[inline]
fn plain_word(word: u64) -> bool {
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (word | control | zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5c))) & TOPS == 0
}

/// Length of a beginning of the text in which each byte stands for itself.
#[inline]
fn plain(text: &[u8]) -> usize {
    let word =
        |bytes: &[u8]| bytes.first_chunk::<8>().is_some_and(|word| plain_word(u64::from_le_bytes(*word)));
    let whole = 8 * text.chunks_exact(8).take_while(|bytes| word(bytes)).count();
    let rest = text.get(whole..).unwrap_or_default();
    let is_plain = |byte: &&u8| (0x20..0x80).contains(*byte) && **byte != b'"' && **byte != b'\\';
    whole + rest.iter().take_while(is_plain).count()
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn hex(byte: u8) -> [u8; 2] {
    [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0x0f)]]
}

/// Appends bytes as a quoted text: valid UTF-8 as it is, control bytes as `\u00NN`, bytes that are no UTF-8 as the four
/// characters `\xNN`.
pub fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let (plain, rest) = text.split_at(plain(text));
    out.extend_from_slice(plain);
    if !rest.is_empty() {
        escaped(out, rest);
    }
    out.push(b'"');
}

fn escaped(out: &mut Vec<u8>, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                0..0x20 => {
                    out.extend_from_slice(b"\\u00");
                    out.extend_from_slice(&hex(byte));
                }
                _ => out.push(byte),
            }
        }
        for &byte in chunk.invalid() {
            out.extend_from_slice(b"\\\\x");
            out.extend_from_slice(&hex(byte));
        }
    }
}
