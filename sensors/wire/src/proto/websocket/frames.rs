//! Frames of one direction (RFC 6455 5.2).

pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
const PONG: u8 = 10;
/// Format: bytes of the longest frame header: two, a length of eight, a mask of four.
const MAX_HEADER: usize = 14;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) opcode: u8,
    pub(super) masked: bool,
    pub(super) len: u64,
    mask: [u8; 4],
}

/// What comes out of a direction's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A frame begins.
    Frame(Frame),
    /// A closing frame, with its code where it has one.
    Close(Option<u16>),
    Bad,
}

/// Where a direction is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// The begin of a header.
    Header([u8; MAX_HEADER], usize),
    /// So many bytes of a payload are left; first bytes of a closing frame's.
    Payload(Frame, u64, [u8; 2]),
    /// A closing frame ends a direction; so does what is no frame.
    Over,
}

impl Default for Place {
    fn default() -> Self {
        Self::Header([0; MAX_HEADER], 0)
    }
}

impl Place {
    /// Takes bytes, at least one. Gives how many, and what came out.
    pub(super) fn take(&mut self, bytes: &[u8]) -> (usize, Option<Told>) {
        match self {
            Self::Header(header, seen) => {
                if let (Some(to), Some(from)) = (header.get_mut(*seen), bytes.first()) {
                    *to = *from;
                    *seen += 1;
                }
                let header = header.get(..*seen).unwrap_or_default();
                let read = read(header);
                (1, self.begin(read))
            }
            Self::Payload(frame, left, first) => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                let at = frame.len - *left;
                for (at, byte) in (at..2).zip(bytes) {
                    let mask = if frame.masked { frame.mask[at as usize & 3] } else { 0 };
                    first[at as usize & 1] = byte ^ mask;
                }
                *left -= used as u64;
                if *left > 0 {
                    return (used, None);
                }
                let code = (frame.len >= 2).then(|| u16::from_be_bytes(*first));
                let close = frame.opcode == CLOSE;
                *self = if close { Self::Over } else { Self::default() };
                (used, close.then_some(Told::Close(code)))
            }
            Self::Over => (bytes.len(), None),
        }
    }

    fn begin(&mut self, read: Read) -> Option<Told> {
        match read {
            Read::More => None,
            Read::Bad => {
                *self = Self::Over;
                Some(Told::Bad)
            }
            Read::Frame(frame) => {
                let empty = frame.len == 0;
                *self = if empty { Self::default() } else { Self::Payload(frame, frame.len, [0; 2]) };
                if frame.opcode == CLOSE && empty {
                    *self = Self::Over;
                    return Some(Told::Close(None));
                }
                Some(Told::Frame(frame))
            }
        }
    }

    /// Passes over lost bytes of a payload. False where they cannot be.
    pub(super) fn gap(&mut self, len: u64) -> bool {
        match self {
            Self::Payload(_, left, _) if len < *left => *left -= len,
            Self::Payload(frame, left, _) if len == *left && frame.opcode != CLOSE => *self = Self::default(),
            Self::Over => {}
            _ => {
                *self = Self::Over;
                return false;
            }
        }
        true
    }
}

enum Read {
    More,
    Bad,
    Frame(Frame),
}

fn read(header: &[u8]) -> Read {
    let [first, second, rest @ ..] = header else { return Read::More };
    let opcode = first & 15;
    let known = opcode <= BINARY || (CLOSE..=PONG).contains(&opcode);
    let control = opcode >= CLOSE;
    // Control frames are short and whole; two of the three reserved bits belong to no extension.
    if !known || first & 0x30 != 0 || control && (second & 127 > 125 || first & 0x80 == 0) {
        return Read::Bad;
    }
    let masked = second & 0x80 != 0;
    let more = match second & 127 {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some((length, rest)) = rest.split_at_checked(more) else { return Read::More };
    let len = match more {
        0 => u64::from(second & 127),
        _ => length.iter().fold(0, |len, byte| len << 8 | u64::from(*byte)),
    };
    match (masked, rest.first_chunk()) {
        _ if len > i64::MAX as u64 => Read::Bad,
        (true, None) => Read::More,
        (true, Some(mask)) => Read::Frame(Frame { opcode, masked, len, mask: *mask }),
        (false, _) => Read::Frame(Frame { opcode, masked, len, mask: [0; 4] }),
    }
}
