//! Frames of one direction (RFC 9113 4): headers gathered, data passed on, the rest passed over.

use super::limits::{MAX_BLOCK, MAX_SETTINGS};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// What a client sends first (RFC 9113 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER: usize = 9;

/// A frame's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) len: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Frame {
    pub(super) fn read(header: &[u8; FRAME_HEADER]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = *header;
        Self {
            len: u32::from_be_bytes([0, a, b, c]),
            kind,
            flags,
            stream: u32::from_be_bytes(stream) & 0x7fff_ffff,
        }
    }

    pub(super) const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The most of a payload that is gathered before it is read; none is passed over.
    const fn is_block(self) -> bool {
        matches!(self.kind, HEADERS | PUSH_PROMISE | CONTINUATION)
    }

    fn most(self) -> usize {
        match self.kind {
            _ if self.is_block() => MAX_BLOCK.get(),
            SETTINGS => MAX_SETTINGS.get(),
            RST_STREAM => 4,
            _ => 0,
        }
    }
}

/// What comes out of a direction's bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// The next bytes of a DATA frame, padding left out, and whether the frame ends with them.
    Data(Frame, &'a [u8], bool),
    /// A frame whose payload was gathered, as far as its kind's limit.
    Whole(Frame, Vec<u8>),
    /// The end of a frame that was not gathered.
    End(Frame),
    /// No frame, or a headers' frame that is too long.
    Bad(&'static str),
}

/// Where a direction is.
#[derive(Debug)]
pub(super) enum Place {
    /// So many bytes of the preface have come.
    Preface(usize),
    /// The begin of a frame's header.
    Header([u8; FRAME_HEADER], usize),
    Payload(Payload),
    /// The way is lost, and with it the table of headers: it cannot be found again.
    Lost,
}

#[derive(Debug)]
pub(super) struct Payload {
    frame: Frame,
    left: u32,
    /// Bytes of padding at the end, known once the first byte is there.
    padding: Option<u32>,
    gathered: Vec<u8>,
}

impl Default for Place {
    fn default() -> Self {
        Self::Header([0; FRAME_HEADER], 0)
    }
}

impl Place {
    pub(super) fn held(&self) -> usize {
        if let Self::Payload(payload) = self { payload.gathered.capacity() } else { 0 }
    }

    /// Takes from the bytes what belongs together, at least one. Gives how many, and what came out.
    pub(super) fn take<'a>(&mut self, bytes: &'a [u8]) -> (usize, Option<Piece<'a>>) {
        match self {
            Self::Preface(seen) => {
                let want = PREFACE.get(*seen..).unwrap_or_default();
                let len = want.len().min(bytes.len());
                if bytes.get(..len) != want.get(..len) {
                    *self = Self::Lost;
                    return (bytes.len(), Some(Piece::Bad("http2_bad_preface")));
                }
                *seen += len;
                if *seen == PREFACE.len() {
                    *self = Self::default();
                }
                (len, None)
            }
            Self::Header(header, seen) => {
                let room = header.get_mut(*seen..).unwrap_or_default();
                let len = room.len().min(bytes.len());
                for (to, from) in room.iter_mut().zip(bytes) {
                    *to = *from;
                }
                *seen += len;
                if *seen < FRAME_HEADER {
                    return (len, None);
                }
                let frame = Frame::read(header);
                (len, self.begin(frame))
            }
            Self::Payload(payload) => {
                let (used, piece) = payload.take(bytes);
                if payload.left > 0 {
                    return (used, piece);
                }
                let end = payload.end();
                *self = Self::default();
                (used, Some(piece.unwrap_or(end)))
            }
            Self::Lost => (bytes.len(), None),
        }
    }

    fn begin(&mut self, frame: Frame) -> Option<Piece<'static>> {
        *self = Self::default();
        if frame.kind == SETTINGS {
            MAX_SETTINGS.at_most(frame.len as usize);
        }
        if frame.is_block() && frame.len as usize > MAX_BLOCK.get() {
            *self = Self::Lost;
            return Some(Piece::Bad("http2_header_block_too_long"));
        }
        if frame.len == 0 {
            return Some(if frame.most() == 0 { Piece::End(frame) } else { Piece::Whole(frame, Vec::new()) });
        }
        let padding = if frame.kind == DATA && frame.has(PADDED) { None } else { Some(0) };
        *self = Self::Payload(Payload { frame, left: frame.len, padding, gathered: Vec::new() });
        None
    }

    /// What is left after so many bytes were lost: a way on within what is not needed to read the rest.
    /// Gives the stream whose data were lost.
    pub(super) fn gap(&mut self, len: u64) -> Option<u32> {
        match self {
            Self::Payload(payload) if payload.can_lose(len) => {
                payload.left -= u32::try_from(len).unwrap_or(payload.left);
                Some(payload.frame.stream)
            }
            _ => {
                *self = Self::Lost;
                None
            }
        }
    }
}

impl Payload {
    fn can_lose(&self, len: u64) -> bool {
        len < self.left as u64 && self.frame.most() == 0 && self.padding.is_some()
    }

    fn take<'a>(&mut self, bytes: &'a [u8]) -> (usize, Option<Piece<'a>>) {
        let used = bytes.len().min(self.left as usize);
        let mine = bytes.get(..used).unwrap_or_default();
        let Some(padding) = self.padding else {
            // The first byte of a padded frame.
            let length = mine.first().copied().map_or(0, u32::from);
            self.left -= 1;
            self.padding = Some(length.min(self.left));
            return (1, None);
        };
        let content = (self.left.saturating_sub(padding) as usize).min(used);
        self.left -= used as u32;
        if self.frame.kind == DATA && content > 0 {
            let content = mine.get(..content).unwrap_or_default();
            return (used, Some(Piece::Data(self.frame, content, self.left == 0)));
        }
        let room = self.frame.most().saturating_sub(self.gathered.len());
        self.gathered.extend_from_slice(mine.get(..room).unwrap_or(mine));
        (used, None)
    }

    fn end(&mut self) -> Piece<'static> {
        let gathered = std::mem::take(&mut self.gathered);
        if self.frame.most() == 0 { Piece::End(self.frame) } else { Piece::Whole(self.frame, gathered) }
    }
}

/// What a block of headers is in a frame's payload: without padding and priority, after so many bytes more.
pub(super) fn fragment(frame: Frame, payload: &[u8], skip: usize) -> Option<&[u8]> {
    let (padding, rest) = match (frame.has(PADDED), payload) {
        (true, [length, rest @ ..]) => (usize::from(*length), rest),
        (true, []) => return None,
        (false, rest) => (0, rest),
    };
    let skip = if frame.kind == HEADERS && frame.has(PRIORITY) { 5 } else { skip };
    rest.get(skip..rest.len().checked_sub(padding)?)
}
