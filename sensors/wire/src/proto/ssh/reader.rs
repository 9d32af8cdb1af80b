//! Identification lines (RFC 4253 4.2) and binary packets before encryption (RFC 4253 6), however they are cut.

/// Longest identification line: 255 bytes with CR and LF (RFC 4253 4.2), and what sloppy software adds.
pub const MAX_IDENTIFICATION: usize = 1024;
/// Bytes of other lines that a server may send before its identification.
pub const MAX_PREAMBLE: usize = 8 * 1024;
/// Longest packet that is read in clear text: twice what must be supported (RFC 4253 6.1).
pub const MAX_PACKET: usize = 70_000;

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
    Length,
    Padding,
}

impl Fault {
    pub(super) const fn weird(self) -> &'static str {
        match self {
            Self::Line => "ssh_identification_too_long",
            Self::Length => "ssh_packet_too_long",
            Self::Padding => "ssh_packet_malformed",
        }
    }

    pub(super) const fn is_limit(self) -> bool {
        matches!(self, Self::Line | Self::Length)
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
            if self.part.len() + taken > MAX_IDENTIFICATION {
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
            if self.preamble > MAX_PREAMBLE {
                return Err(Fault::Line);
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
        if length > MAX_PACKET {
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
