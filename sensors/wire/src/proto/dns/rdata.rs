//! A record's data as text, as `dig` prints it, names without the last dot.
//!
//! What is not known, or does not fit its type, is printed as RFC 3597 section 5 has it: `\# length hex`.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::limits::MAX_DATA_TEXT;
use super::names;
use super::parse::{Malformed, Record, u8_at, u16_at, u32_at};

/// The address in a record's data, where it is one.
pub(super) fn address(message: &[u8], record: &Record) -> Option<IpAddr> {
    let data = message.get(record.data..record.next)?;
    match record.rtype {
        1 => <[u8; 4]>::try_from(data).ok().map(|octets| IpAddr::V4(Ipv4Addr::from(octets))),
        28 => <[u8; 16]>::try_from(data).ok().map(|octets| IpAddr::V6(Ipv6Addr::from(octets))),
        _ => None,
    }
}

/// Appends the record's data as text, at most [`MAX_DATA_TEXT`] bytes.
pub(super) fn text(message: &[u8], record: &Record, out: &mut Vec<u8>) {
    let begin = out.len();
    let mut reader = Reader { message, at: record.data, end: record.next, out };
    if reader.by_type(record.rtype).is_err() || reader.at != record.next {
        reader.out.truncate(begin);
        reader.at = record.data;
        reader.unknown();
    }
    out.truncate(begin + MAX_DATA_TEXT.at_most(out.len() - begin));
}

/// Appends formatted text; writing to a vector cannot fail.
macro_rules! put {
    ($out:expr, $($format:tt)*) => {
        let _ = write!($out, $($format)*);
    };
}

type Parsed = Result<(), Malformed>;

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
    end: usize,
    out: &'a mut Vec<u8>,
}

impl<'a> Reader<'a> {
    fn by_type(&mut self, rtype: u16) -> Parsed {
        match rtype {
            1 => self.v4(),
            2 | 3 | 4 | 5 | 7 | 8 | 9 | 12 | 39 => self.name(),
            6 => self.soa(),
            13 => self.strings(),
            14 | 17 | 58 => self.names(2),
            15 | 18 | 21 | 36 | 107 => self.number_and_name(),
            16 | 99 | 56 | 258 => self.strings(),
            28 => self.v6(),
            33 => self.srv(),
            35 => self.naptr(),
            43 | 59 => self.digest(&[2, 1, 1]),
            44 => self.digest(&[1, 1]),
            52 | 53 => self.digest(&[1, 1, 1]),
            64 | 65 => self.svcb(),
            256 => self.uri(),
            257 => self.caa(),
            _ => Err(Malformed::Truncated),
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let taken = self.message.get(self.at..self.end).and_then(|rest| rest.get(..len));
        self.at += len;
        taken.ok_or(Malformed::Truncated)
    }

    fn rest(&mut self) -> Result<&'a [u8], Malformed> {
        self.take(self.end.saturating_sub(self.at))
    }

    fn octet(&mut self) -> Result<u8, Malformed> {
        u8_at(self.take(1)?, 0)
    }

    fn word(&mut self) -> Result<u16, Malformed> {
        u16_at(self.take(2)?, 0)
    }

    /// Numbers of two bytes, a space after each.
    fn words(&mut self, count: usize) -> Parsed {
        for _ in 0..count {
            let word = self.word()?;
            put!(self.out, "{word} ");
        }
        Ok(())
    }

    fn v4(&mut self) -> Parsed {
        let octets = *self.take(4)?.first_chunk::<4>().ok_or(Malformed::Truncated)?;
        put!(self.out, "{}", Ipv4Addr::from(octets));
        Ok(())
    }

    fn v6(&mut self) -> Parsed {
        let octets = *self.take(16)?.first_chunk::<16>().ok_or(Malformed::Truncated)?;
        put!(self.out, "{}", Ipv6Addr::from(octets));
        Ok(())
    }

    fn name(&mut self) -> Parsed {
        self.at = names::read(self.message, self.at, self.out)?;
        Ok(())
    }

    fn names(&mut self, count: usize) -> Parsed {
        for number in 0..count {
            self.space(number > 0);
            self.name()?;
        }
        Ok(())
    }

    fn space(&mut self, wanted: bool) {
        if wanted {
            self.out.push(b' ');
        }
    }

    fn number_and_name(&mut self) -> Parsed {
        self.words(1)?;
        self.name()
    }

    fn soa(&mut self) -> Parsed {
        self.names(2)?;
        for _ in 0..5 {
            let number = u32_at(self.take(4)?, 0)?;
            put!(self.out, " {number}");
        }
        Ok(())
    }

    fn srv(&mut self) -> Parsed {
        self.words(3)?;
        self.name()
    }

    fn naptr(&mut self) -> Parsed {
        self.words(2)?;
        for _ in 0..3 {
            self.string()?;
            self.out.push(b' ');
        }
        self.name()
    }

    fn strings(&mut self) -> Parsed {
        let begin = self.at;
        while self.at < self.end {
            self.space(self.at > begin);
            self.string()?;
        }
        Ok(())
    }

    /// A character-string (RFC 1035 3.3) in quotes.
    fn string(&mut self) -> Parsed {
        let len = self.octet()?;
        let bytes = self.take(usize::from(len))?;
        self.quoted(bytes);
        Ok(())
    }

    fn quoted(&mut self, bytes: &[u8]) {
        self.out.push(b'"');
        for &byte in bytes {
            if byte == b'"' || byte == b'\\' {
                self.out.push(b'\\');
            }
            self.out.push(byte);
        }
        self.out.push(b'"');
    }

    /// Numbers of the given sizes in bytes, then hex.
    fn digest(&mut self, sizes: &[usize]) -> Parsed {
        for &size in sizes {
            let number = if size == 2 { self.word()? } else { u16::from(self.octet()?) };
            put!(self.out, "{number} ");
        }
        let digest = self.rest()?;
        self.hex(digest);
        Ok(())
    }

    fn hex(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        for &byte in bytes.iter().take(MAX_DATA_TEXT.get()) {
            self.out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }

    fn uri(&mut self) -> Parsed {
        self.words(2)?;
        let target = self.rest()?;
        self.quoted(target);
        Ok(())
    }

    fn caa(&mut self) -> Parsed {
        let flags = self.octet()?;
        put!(self.out, "{flags} ");
        let len = self.octet()?;
        let tag = self.take(usize::from(len))?;
        self.out.extend_from_slice(tag);
        self.out.push(b' ');
        let value = self.rest()?;
        self.quoted(value);
        Ok(())
    }

    /// SVCB and HTTPS (RFC 9460 2.2).
    fn svcb(&mut self) -> Parsed {
        self.number_and_name()?;
        while self.at < self.end {
            let key = self.word()?;
            let len = self.word()?;
            let value = self.take(usize::from(len))?;
            self.out.push(b' ');
            self.parameter(key, value)?;
        }
        Ok(())
    }

    fn parameter(&mut self, key: u16, value: &[u8]) -> Parsed {
        match key {
            1 => self.alpn(value),
            2 => self.put_all(b"no-default-alpn"),
            3 => {
                put!(self.out, "port={}", u16_at(value, 0)?);
                Ok(())
            }
            4 => self.hints(b"ipv4hint=", value.chunks(4)),
            6 => self.hints(b"ipv6hint=", value.chunks(16)),
            _ => {
                put!(self.out, "key{key}=");
                self.hex(value);
                Ok(())
            }
        }
    }

    fn put_all(&mut self, text: &[u8]) -> Parsed {
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn alpn(&mut self, mut value: &[u8]) -> Parsed {
        self.out.extend_from_slice(b"alpn=\"");
        let mut first = true;
        while let Some((&len, rest)) = value.split_first() {
            let (id, rest) = rest.split_at_checked(usize::from(len)).ok_or(Malformed::Truncated)?;
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            self.out.extend_from_slice(id);
            value = rest;
        }
        self.out.push(b'"');
        Ok(())
    }

    fn hints<'v>(&mut self, key: &[u8], addresses: impl Iterator<Item = &'v [u8]>) -> Parsed {
        self.out.extend_from_slice(key);
        for (number, octets) in addresses.enumerate() {
            if number > 0 {
                self.out.push(b',');
            }
            if let Ok(octets) = <[u8; 4]>::try_from(octets) {
                put!(self.out, "{}", Ipv4Addr::from(octets));
            } else if let Ok(octets) = <[u8; 16]>::try_from(octets) {
                put!(self.out, "{}", Ipv6Addr::from(octets));
            } else {
                return Err(Malformed::Truncated);
            }
        }
        Ok(())
    }

    fn unknown(&mut self) {
        let data = self.rest().unwrap_or_default();
        put!(self.out, "\\# {}", data.len());
        self.space(!data.is_empty());
        self.hex(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rtype: u16, data: &[u8]) -> String {
        let record = Record { name: 0, rtype, class: 1, ttl: 0, data: 0, next: data.len() };
        let mut out = Vec::new();
        text(data, &record, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn data_is_printed_as_dig_does() {
        assert_eq!(shown(1, &[192, 0, 2, 1]), "192.0.2.1");
        assert_eq!(shown(28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), "2001:db8::1");
        assert_eq!(shown(5, b"\x03www\x02dk\0"), "www.dk");
        assert_eq!(shown(15, b"\0\x0a\x04mail\0"), "10 mail");
        assert_eq!(shown(16, b"\x03a\"b\x01c"), "\"a\\\"b\" \"c\"");
        assert_eq!(shown(33, b"\0\x01\0\x02\x01\xbb\x01s\0"), "1 2 443 s");
        let soa = b"\x01m\0\x01r\0\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";
        assert_eq!(shown(6, soa), "m r 1 2 3 4 5");
        assert_eq!(shown(257, b"\0\x05issueca.dk"), "0 issue \"ca.dk\"");
        assert_eq!(shown(43, b"\x01\x02\x08\x02\xab\xcd"), "258 8 2 ABCD");
        assert_eq!(shown(35, b"\0\x01\0\x02\x01s\x00\x01x\0"), "1 2 \"s\" \"\" \"x\" .");
        let https = b"\0\x01\0\0\x01\0\x06\x02h2\x02h3\0\x03\0\x02\x01\xbb\0\x04\0\x04\x01\x02\x03\x04\0\x05\0\x01\xff";
        assert_eq!(shown(65, https), "1 . alpn=\"h2,h3\" port=443 ipv4hint=1.2.3.4 key5=FF");
    }

    #[test]
    fn unknown_and_unfitting_data_is_hex() {
        assert_eq!(shown(62347, &[0xab, 0xcd]), "\\# 2 ABCD");
        assert_eq!(shown(10, &[]), "\\# 0");
        assert_eq!(shown(1, &[1, 2, 3]), "\\# 3 010203");
        assert_eq!(shown(15, b"\0\x0a\x04mail\0x"), "\\# 9 000A046D61696C0078");
    }

    #[test]
    fn text_is_bounded() {
        let data = vec![0; 60_000];
        let record = Record { name: 0, rtype: 10, class: 1, ttl: 0, data: 0, next: data.len() };
        let mut out = b"before".to_vec();
        text(&data, &record, &mut out);
        assert_eq!(out.len(), 6 + MAX_DATA_TEXT.get());
    }
}
