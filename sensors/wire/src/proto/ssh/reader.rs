//! Identification lines (RFC 4253 4.2) and binary packets before encryption (RFC 4253 6), however they are cut.

use super::limits::{MAX_IDENTIFICATION, MAX_PACKET, MAX_PREAMBLE};
use crate::limits::Limit;

/// What a side said next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Its identification, without the line's end.
    Identification(Vec<u8>),
    /// A packet's payload.
    Packet(Vec<u8>),
}

/// Why a side cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Line,
    Lines,
    Length,
    Padding,
}

impl Fault {
    pub(super) const fn weird(self) -> &'static str {
        match self {
            Self::Line | Self::Lines => "ssh_identification_too_long",
            Self::Length => "ssh_packet_too_long",
            Self::Padding => "ssh_packet_malformed",
        }
    }

    pub(super) const fn limit(self) -> Option<&'static Limit> {
        match self {
            Self::Line => Some(&MAX_IDENTIFICATION),
            Self::Lines => Some(&MAX_PREAMBLE),
            Self::Length => Some(&MAX_PACKET),
            Self::Padding => None,
        }
    }
}

/// Reads one side.
#[derive(Debug, Default)]
pub(super) struct Reader {
    part: Vec<u8>,
    preamble: usize,
    is_identified: bool,
}

impl Reader {
    pub(super) fn held(&self) -> usize {
        self.part.capacity()
    }

    /// Reads on in `data` up to the next item; `None` when all is used up.
    pub(super) fn next(&mut self, data: &mut &[u8]) -> Result<Option<Item>, Fault> {
        if self.is_identified { self.packet(data) } else { self.line(data) }
    }

    /// Lines that do not begin with `SSH-` may come first, from a server.
    fn line(&mut self, data: &mut &[u8]) -> Result<Option<Item>, Fault> {
        while !data.is_empty() {
            let end = memchr::memchr(b'\n', data);
            let taken = end.map_or(data.len(), |at| at + 1);
            if self.part.len() + taken > MAX_IDENTIFICATION.get() {
                return Err(Fault::Line);
            }
            let (line, rest) = data.split_at(taken);
            self.part.extend_from_slice(line);
            *data = rest;
            if end.is_none() {
                return Ok(None);
            }
            let line = std::mem::take(&mut self.part);
            if line.starts_with(b"SSH-") {
                self.is_identified = true;
                let text = line.strip_suffix(b"\n").unwrap_or(&line);
                return Ok(Some(Item::Identification(text.strip_suffix(b"\r").unwrap_or(text).to_vec())));
            }
            self.preamble += line.len();
            if self.preamble > MAX_PREAMBLE.get() {
                return Err(Fault::Lines);
            }
        }
        Ok(None)
    }

    fn packet(&mut self, data: &mut &[u8]) -> Result<Option<Item>, Fault> {
        self.fill(4, data);
        let Some(length) = self.part.first_chunk().map(|length| u32::from_be_bytes(*length)) else {
            return Ok(None);
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_PACKET.get() {
            return Err(Fault::Length);
        }
        if length < 2 {
            return Err(Fault::Padding);
        }
        self.fill(4 + length, data);
        if self.part.len() < 4 + length {
            return Ok(None);
        }
        let packet = std::mem::take(&mut self.part);
        let padding = usize::from(packet.get(4).copied().unwrap_or(u8::MAX));
        let end = packet.len().checked_sub(padding).ok_or(Fault::Padding)?;
        let payload = packet.get(5..end).ok_or(Fault::Padding)?;
        Ok(Some(Item::Packet(payload.to_vec())))
    }

    fn fill(&mut self, len: usize, data: &mut &[u8]) {
        let wanted = len.saturating_sub(self.part.len()).min(data.len());
        let (taken, rest) = data.split_at(wanted);
        self.part.extend_from_slice(taken);
        *data = rest;
    }
}
