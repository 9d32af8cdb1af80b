//! JA3 and JA3S (github.com/salesforce/ja3) and JA4 (github.com/FoxIO-LLC/ja4, `technical_details/JA4.md`).

use md5::{Digest, Md5};
use sha2::Sha256;

use super::hello::{ClientHello, ExtensionType, ServerHello};
use super::names::{Version, is_grease};

/// What carries the handshake: JA4's first letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carrier {
    /// TLS over TCP: `t`.
    #[default]
    Tcp,
    /// QUIC: `q`.
    Quic,
    /// DTLS: `d`.
    Dtls,
}

/// Length of a JA4 in bytes.
pub const JA4_LEN: usize = 36;

/// JA3 before it is hashed: `version,ciphers,extensions,groups,point formats`, decimal, without GREASE.
#[must_use]
pub fn ja3_text(hello: &ClientHello<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(512);
    push_decimal(&mut text, hello.version.0);
    push_list(&mut text, hello.ciphers.iter());
    push_list(&mut text, hello.extensions.types());
    push_list(&mut text, hello.groups.iter());
    text.push(b',');
    push_joined(&mut text, hello.point_formats.iter().map(|&format| u16::from(format)));
    text
}

/// JA3: MD5 of [`ja3_text`], lower-case hex.
#[must_use]
pub fn ja3(hello: &ClientHello<'_>) -> [u8; 32] {
    md5_hex(&ja3_text(hello))
}

/// JA3S before it is hashed: `version,cipher,extensions`, decimal; the version is the hello's own.
#[must_use]
pub fn ja3s_text(hello: &ServerHello<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(64);
    push_decimal(&mut text, hello.legacy_version.0);
    text.push(b',');
    push_decimal(&mut text, hello.cipher);
    text.push(b',');
    push_joined(&mut text, hello.extensions.iter().map(|(kind, _)| kind.0));
    text
}

/// JA3S: MD5 of [`ja3s_text`], lower-case hex.
#[must_use]
pub fn ja3s(hello: &ServerHello<'_>) -> [u8; 32] {
    md5_hex(&ja3s_text(hello))
}

/// JA4 of a ClientHello.
#[must_use]
pub fn ja4(hello: &ClientHello<'_>, carrier: Carrier) -> [u8; JA4_LEN] {
    let mut text = Vec::with_capacity(1024);
    let ciphers = sorted(hello.ciphers.iter());
    let extensions = sorted(hello.extensions.types());
    let mut out = *b"t00i000000_000000000000_000000000000";
    out[..10].copy_from_slice(&ja4_head(hello, carrier, ciphers.len(), extensions.len()));
    push_hex_list(&mut text, ciphers.iter().copied());
    out[11..23].copy_from_slice(&sha256_12(&text));
    text.clear();
    push_ja4_extensions(&mut text, hello, &extensions);
    out[24..].copy_from_slice(&sha256_12(&text));
    out
}

/// JA4's first part: `t13d1516h2`.
fn ja4_head(hello: &ClientHello<'_>, carrier: Carrier, ciphers: usize, extensions: usize) -> [u8; 10] {
    let letter = match carrier {
        Carrier::Tcp => b't',
        Carrier::Quic => b'q',
        Carrier::Dtls => b'd',
    };
    let [v, w] = ja4_version(hello, carrier);
    let has_name = hello.extensions.iter().any(|(kind, _)| kind == ExtensionType::SERVER_NAME);
    let name = if has_name { b'd' } else { b'i' };
    let ([c, d], [e, f]) = (two_digits(ciphers), two_digits(extensions));
    let [first, last] = ja4_alpn(hello.alpn.iter().next().unwrap_or_default());
    [letter, v, w, name, c, d, e, f, first, last]
}

/// Highest of supported_versions, else the hello's own. DTLS counts downwards.
fn ja4_version(hello: &ClientHello<'_>, carrier: Carrier) -> [u8; 2] {
    let offered = hello.versions.iter().filter(|&number| !is_grease(number));
    let highest = match carrier {
        Carrier::Dtls => offered.min(),
        _ => offered.max(),
    };
    match Version(highest.unwrap_or(hello.version.0)) {
        Version::TLS_1_3 => *b"13",
        Version::TLS_1_2 => *b"12",
        Version::TLS_1_1 => *b"11",
        Version::TLS_1_0 => *b"10",
        Version::SSL_3_0 => *b"s3",
        Version::SSL_2_0 => *b"s2",
        Version::DTLS_1_0 => *b"d1",
        Version::DTLS_1_2 => *b"d2",
        Version::DTLS_1_3 => *b"d3",
        _ => *b"00",
    }
}

/// First and last character of a protocol's name; of its hex form where one of them is not alphanumeric.
fn ja4_alpn(name: &[u8]) -> [u8; 2] {
    let (Some(&first), Some(&last)) = (name.first(), name.last()) else { return *b"00" };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [first, last];
    }
    [hex_digit(first >> 4), hex_digit(last)]
}

fn two_digits(count: usize) -> [u8; 2] {
    let count = u8::try_from(count).unwrap_or(99).min(99);
    [b'0' + count / 10, b'0' + count % 10]
}

/// Sorted extensions without server_name and ALPN, then the signature algorithms as they came.
fn push_ja4_extensions(text: &mut Vec<u8>, hello: &ClientHello<'_>, extensions: &[u16]) {
    let counted = [ExtensionType::SERVER_NAME.0, ExtensionType::ALPN.0];
    push_hex_list(text, extensions.iter().copied().filter(|number| !counted.contains(number)));
    if text.is_empty() {
        return;
    }
    let bare = text.len();
    text.push(b'_');
    push_hex_list(text, hello.signature_algorithms.iter().filter(|&number| !is_grease(number)));
    if text.len() == bare + 1 {
        text.truncate(bare);
    }
}

fn sorted(numbers: impl Iterator<Item = u16>) -> Vec<u16> {
    let mut list: Vec<u16> = numbers.filter(|&number| !is_grease(number)).collect();
    list.sort_unstable();
    list
}

/// A comma, then the numbers without GREASE.
fn push_list(text: &mut Vec<u8>, numbers: impl Iterator<Item = u16>) {
    text.push(b',');
    push_joined(text, numbers.filter(|&number| !is_grease(number)));
}

fn push_joined(text: &mut Vec<u8>, numbers: impl Iterator<Item = u16>) {
    for (place, number) in numbers.enumerate() {
        if place > 0 {
            text.push(b'-');
        }
        push_decimal(text, number);
    }
}

/// `std`'s formatting costs more than the hash here, and so does a copy of unknown length.
fn push_decimal(text: &mut Vec<u8>, number: u16) {
    let digit = |unit: u16| b'0' + (number / unit % 10) as u8;
    let len = text.len();
    let [a, b, c, d, e] = [digit(10_000), digit(1000), digit(100), digit(10), digit(1)];
    let (digits, shown) = match number {
        0..10 => ([e, 0, 0, 0, 0], 1),
        10..100 => ([d, e, 0, 0, 0], 2),
        100..1000 => ([c, d, e, 0, 0], 3),
        1000..10_000 => ([b, c, d, e, 0], 4),
        _ => ([a, b, c, d, e], 5),
    };
    text.extend_from_slice(&digits);
    text.truncate(len + shown);
}

fn push_hex_list(text: &mut Vec<u8>, numbers: impl Iterator<Item = u16>) {
    for (place, number) in numbers.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        let [high, low] = number.to_be_bytes();
        text.extend_from_slice(&[hex_digit(high >> 4), hex_digit(high), hex_digit(low >> 4), hex_digit(low)]);
    }
}

/// Lower-case digit of the low four bits.
const fn hex_digit(nibble: u8) -> u8 {
    let low = nibble & 15;
    if low < 10 { b'0' + low } else { b'a' + low - 10 }
}

/// `N` must be twice the digest's length or less.
pub(crate) fn hex<const N: usize>(digest: &[u8]) -> [u8; N] {
    let mut out = [b'0'; N];
    for (pair, byte) in out.chunks_mut(2).zip(digest) {
        pair.copy_from_slice(&[hex_digit(byte >> 4), hex_digit(*byte)][..pair.len()]);
    }
    out
}

/// Both digits of a byte, upper case.
pub(crate) fn upper_hex(byte: u8) -> [u8; 2] {
    hex::<2>(&[byte]).map(|digit| digit.to_ascii_uppercase())
}

fn md5_hex(text: &[u8]) -> [u8; 32] {
    hex(&Md5::digest(text))
}

/// First 12 digits of SHA-256; zeros for nothing.
fn sha256_12(text: &[u8]) -> [u8; 12] {
    if text.is_empty() { [b'0'; 12] } else { hex(&Sha256::digest(text)) }
}

#[cfg(test)]
mod tests;
