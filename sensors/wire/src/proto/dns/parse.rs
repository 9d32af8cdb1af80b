//! Header, questions and records of a message (RFC 1035 4.1).

use super::names;

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// It ends before what it announces.
    Truncated,
    /// A compression pointer leads forwards, in a circle, or too often.
    Pointer,
    /// A name of more than 255 bytes.
    NameTooLong,
    /// A label of a type that was never assigned (RFC 6891 5).
    LabelType,
}

impl Malformed {
    /// Name of the anomaly.
    pub(super) const fn weird(self) -> &'static str {
        match self {
            Self::Truncated => "dns_truncated_message",
            Self::Pointer => "dns_bad_pointer",
            Self::NameTooLong => "dns_name_too_long",
            Self::LabelType => "dns_bad_label_type",
        }
    }
}

pub(super) fn u8_at(bytes: &[u8], at: usize) -> Result<u8, Malformed> {
    bytes.get(at).copied().ok_or(Malformed::Truncated)
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Malformed> {
    let rest = bytes.get(at..).and_then(<[u8]>::first_chunk);
    rest.map(|chunk| u16::from_be_bytes(*chunk)).ok_or(Malformed::Truncated)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Malformed> {
    let rest = bytes.get(at..).and_then(<[u8]>::first_chunk);
    rest.map(|chunk| u32::from_be_bytes(*chunk)).ok_or(Malformed::Truncated)
}

/// The flag word of a header (RFC 1035 4.1.1, RFC 4035 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags(pub(super) u16);

impl Flags {
    pub(super) const AA: u16 = 0x0400;
    pub(super) const TC: u16 = 0x0200;
    pub(super) const RD: u16 = 0x0100;
    pub(super) const RA: u16 = 0x0080;
    pub(super) const AD: u16 = 0x0020;
    pub(super) const CD: u16 = 0x0010;

    pub(super) const fn is_response(self) -> bool {
        self.0 & 0x8000 != 0
    }

    pub(super) const fn opcode(self) -> u8 {
        (self.0 >> 11) as u8 & 0x0f
    }

    /// The three bits after RA: Z, AD, CD.
    pub(super) const fn z(self) -> u8 {
        (self.0 >> 4) as u8 & 7
    }

    pub(super) const fn rcode(self) -> u16 {
        self.0 & 0x0f
    }

    pub(super) const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }
}

/// A message's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) id: u16,
    pub(super) flags: Flags,
    /// Questions, answers, authority, additional.
    pub(super) counts: [u16; 4],
}

impl Header {
    /// Bytes of a header.
    pub(super) const LEN: usize = 12;

    pub(super) fn read(message: &[u8]) -> Result<Self, Malformed> {
        let word = |number: usize| u16_at(message, number * 2);
        Ok(Self { id: word(0)?, flags: Flags(word(1)?), counts: [word(2)?, word(3)?, word(4)?, word(5)?] })
    }

    /// Records after the questions.
    pub(super) fn records(&self) -> usize {
        self.counts.iter().skip(1).map(|&count| usize::from(count)).sum()
    }
}

/// One question; the name begins at `name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) qtype: u16,
    pub(super) qclass: u16,
    pub(super) next: usize,
}

impl Question {
    /// What follows a question's name that ended at `at`.
    pub(super) fn tail(message: &[u8], at: usize) -> Result<Self, Malformed> {
        Ok(Self { qtype: u16_at(message, at)?, qclass: u16_at(message, at + 2)?, next: at + 4 })
    }

    pub(super) fn skip(message: &[u8], at: usize) -> Result<Self, Malformed> {
        Self::tail(message, names::skip(message, at)?)
    }
}

/// One resource record; names and data by their offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) name: usize,
    pub(super) rtype: u16,
    pub(super) class: u16,
    pub(super) ttl: u32,
    /// Begin of the data.
    pub(super) data: usize,
    /// End of the data and begin of what follows.
    pub(super) next: usize,
}

impl Record {
    pub(super) fn read(message: &[u8], at: usize) -> Result<Self, Malformed> {
        let fixed = names::skip(message, at)?;
        let data = fixed + 10;
        let next = data + usize::from(u16_at(message, fixed + 8)?);
        if next > message.len() {
            return Err(Malformed::Truncated);
        }
        Ok(Self {
            name: at,
            rtype: u16_at(message, fixed)?,
            class: u16_at(message, fixed + 2)?,
            ttl: u32_at(message, fixed + 4)?,
            data,
            next,
        })
    }
}
