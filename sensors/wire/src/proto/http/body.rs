//! Bodies: how long one is (RFC 9112 6), and passing over it without keeping it.

use super::head::Head;
use super::limits::{MAX_CHUNK_DIGITS, MAX_LENGTH};
use crate::messages::Value;
use crate::proto::Context;

/// What a direction expects next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// The begin or the rest of a head.
    #[default]
    Head,
    /// So many bytes of a body.
    Body(u64),
    /// A chunk's size: its value and digits so far, and whether what follows the number has begun.
    ChunkSize { value: u64, digits: u8, extension: bool },
    /// So many bytes of a chunk.
    ChunkData(u64),
    /// The line end after a chunk.
    ChunkEnd,
    /// Trailer lines; how many bytes the present one has.
    Trailer(u64),
    /// All that comes.
    UntilClose,
    /// What comes after CONNECT until it is refused.
    Tunnel,
    /// Not known any more: the next segment that begins with a head leads on.
    Lost,
}

impl State {
    pub(super) const CHUNK: Self = Self::ChunkSize { value: 0, digits: 0, extension: false };

    /// Passes over the bytes of a body, at least one. Gives how many, and how many of them were content;
    /// `None` where a chunk is malformed.
    pub(super) fn pass(&mut self, data: &[u8]) -> Option<(usize, u64)> {
        match *self {
            Self::Body(left) | Self::ChunkData(left) => Some(self.content(left, data.len())),
            Self::ChunkSize { .. } => self.chunk_size(data).map(|used| (used, 0)),
            Self::ChunkEnd => self.chunk_end(data).map(|used| (used, 0)),
            Self::Trailer(line) => Some((self.trailer(line, data), 0)),
            Self::Head | Self::UntilClose | Self::Tunnel | Self::Lost => Some((data.len(), 0)),
        }
    }

    /// True where the bytes that are passed over are content.
    pub(super) const fn has_content(self) -> bool {
        matches!(self, Self::Body(_) | Self::ChunkData(_) | Self::UntilClose)
    }

    /// True within a body, its framing included.
    pub(super) const fn is_body(self) -> bool {
        self.has_content() || matches!(self, Self::ChunkSize { .. } | Self::ChunkEnd | Self::Trailer(_))
    }

    fn content(&mut self, left: u64, have: usize) -> (usize, u64) {
        let used = usize::try_from(left).unwrap_or(usize::MAX).min(have);
        let left = left - used as u64;
        *self = match (*self, left) {
            (Self::Body(_), 0) => Self::Head,
            (Self::Body(_), _) => Self::Body(left),
            (_, 0) => Self::ChunkEnd,
            _ => Self::ChunkData(left),
        };
        (used, used as u64)
    }

    fn chunk_size(&mut self, data: &[u8]) -> Option<usize> {
        for (at, &byte) in data.iter().enumerate() {
            let Self::ChunkSize { value, digits, extension } = self else { return Some(at) };
            match (byte as char).to_digit(16) {
                _ if byte == b'\n' => *self = Self::after_size(*value, *digits)?,
                Some(digit) if !*extension => {
                    *value = value.checked_mul(16)? + u64::from(digit);
                    *digits += 1;
                    if *digits > MAX_CHUNK_DIGITS {
                        return None;
                    }
                }
                _ if !*extension && !matches!(byte, b'\r' | b';' | b' ' | b'\t') => return None,
                _ => *extension = true,
            }
        }
        Some(data.len())
    }

    const fn after_size(value: u64, digits: u8) -> Option<Self> {
        match (digits, value) {
            (0, _) => None,
            (_, 0) => Some(Self::Trailer(0)),
            _ => Some(Self::ChunkData(value)),
        }
    }

    fn chunk_end(&mut self, data: &[u8]) -> Option<usize> {
        match data {
            [b'\n', ..] => {
                *self = Self::CHUNK;
                Some(1)
            }
            [b'\r', ..] => Some(1),
            _ => None,
        }
    }

    fn trailer(&mut self, mut line: u64, data: &[u8]) -> usize {
        for (at, &byte) in data.iter().enumerate() {
            match byte {
                b'\n' if line == 0 => {
                    *self = Self::Head;
                    return at + 1;
                }
                b'\n' => line = 0,
                b'\r' => {}
                _ => line += 1,
            }
        }
        *self = Self::Trailer(line);
        data.len()
    }

    /// What is left after so many bytes were lost.
    pub(super) fn after_gap(self, len: u64) -> Self {
        match self {
            Self::Body(left) if len < left => Self::Body(left - len),
            Self::Body(left) if len == left => Self::Head,
            Self::ChunkData(left) if len < left => Self::ChunkData(left - len),
            Self::ChunkData(left) if len == left => Self::ChunkEnd,
            Self::UntilClose | Self::Tunnel => self,
            _ => Self::Lost,
        }
    }
}

fn is_chunked(encoding: &[u8]) -> bool {
    encoding.trim_ascii().eq_ignore_ascii_case(b"chunked")
}

/// What the headers say about a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Framing {
    pub(super) length: Option<u64>,
    pub(super) chunked: bool,
    /// There is a Transfer-Encoding.
    pub(super) encoded: bool,
    /// It names chunked, in whatever place.
    pub(super) names_chunked: bool,
    /// Lengths that are no number, or differ.
    pub(super) bad_length: bool,
}

impl Framing {
    pub(super) fn read(head: &Head<'_>, cx: &mut Context<'_>) -> Self {
        let mut framing = Self::default();
        for value in head.all("content-length").flat_map(|value| value.split(|byte| *byte == b',')) {
            framing.length(value.trim_ascii());
        }
        if let Some(encoding) = head.all("transfer-encoding").last() {
            let last = encoding.rsplit(|byte| *byte == b',').next().unwrap_or_default();
            framing.encoded = true;
            framing.chunked = is_chunked(last);
            let mut all = head.all("transfer-encoding").flat_map(|value| value.split(|byte| *byte == b','));
            framing.names_chunked = all.any(is_chunked);
        }
        framing.warn(cx);
        framing
    }

    fn length(&mut self, value: &[u8]) {
        let digits = value.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        let number = number.filter(|number| digits && *number <= MAX_LENGTH);
        self.bad_length |= number.is_none() || self.length.is_some_and(|length| Some(length) != number);
        self.length = self.length.or(number);
    }

    fn warn(self, cx: &mut Context<'_>) {
        if self.encoded && self.length.is_some() {
            cx.weird("http", "http_smuggling_cl_te", b"");
        }
        if self.bad_length {
            cx.weird("http", "http_bad_content_length", b"");
        }
    }

    /// What follows a request's head. Where the length is bad, servers that do not refuse take what follows for
    /// the next head: so it is looked at as one.
    pub(super) fn request(self) -> State {
        match self {
            // Where chunked is not the last, servers that do not refuse mostly go by it all the same.
            Self { names_chunked: true, .. } => State::CHUNK,
            Self { encoded: true, .. } => State::Lost,
            Self { bad_length: true, .. } => State::Head,
            Self { length: None | Some(0), .. } => State::Head,
            Self { length: Some(length), .. } => State::Body(length),
        }
    }

    /// Bytes of a response's body as the event, which goes out at the head, can tell them.
    pub(super) fn response_bytes(self, bodiless: bool) -> Option<Value<'static>> {
        let told = self.length.map(Value::Number);
        if bodiless {
            return told;
        }
        Some(told.filter(|_| !self.encoded).unwrap_or(Value::Unobserved))
    }

    /// What follows a response's head that may have a body.
    pub(super) fn response(self) -> State {
        match self {
            Self { chunked: true, .. } => State::CHUNK,
            Self { encoded: true, .. } | Self { length: None, .. } => State::UntilClose,
            Self { bad_length: true, .. } => State::Lost,
            Self { length: Some(0), .. } => State::Head,
            Self { length: Some(length), .. } => State::Body(length),
        }
    }
}
