//! SMB 1 ([MS-CIFS], [MS-SMB]).

mod answer;
mod request;
mod text;
mod transaction;

use super::Smb;
use super::event::Place;
use super::limits::MAX_CHAIN;
use super::reader::Bulk;
use crate::messages::Direction;
use crate::proto::Context;
use crate::proto::little::{bytes_at, u8_at, u16_at, u32_at};
use text::Texts;

/// Bytes of the header.
const HEADER: usize = 32;
const MORE_PROCESSING: u32 = 0xc000_0016;
const BUFFER_OVERFLOW: u32 = 0x8000_0005;

/// A command ([MS-CIFS] 2.2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Command(u8);

impl Command {
    const CLOSE: Self = Self(0x04);
    const DELETE: Self = Self(0x06);
    const RENAME: Self = Self(0x07);
    const TRANSACTION: Self = Self(0x25);
    const TRANSACTION_SECONDARY: Self = Self(0x26);
    const OPEN_ANDX: Self = Self(0x2d);
    const READ_ANDX: Self = Self(0x2e);
    const WRITE_ANDX: Self = Self(0x2f);
    const TRANSACTION2: Self = Self(0x32);
    const TRANSACTION2_SECONDARY: Self = Self(0x33);
    const TREE_DISCONNECT: Self = Self(0x71);
    const NEGOTIATE: Self = Self(0x72);
    const SESSION_SETUP_ANDX: Self = Self(0x73);
    const LOGOFF_ANDX: Self = Self(0x74);
    const TREE_CONNECT_ANDX: Self = Self(0x75);
    const NT_TRANSACT: Self = Self(0xa0);
    const NT_TRANSACT_SECONDARY: Self = Self(0xa1);
    const NT_CREATE_ANDX: Self = Self(0xa2);
    const NT_RENAME: Self = Self(0xa5);
    /// Ends a chain.
    const NONE: Self = Self(0xff);

    /// True where a next command may be chained to it.
    fn is_andx(self) -> bool {
        matches!(self.0, 0x24 | 0x2d | 0x2e | 0x2f | 0x73 | 0x74 | 0x75 | 0xa2)
    }
}

/// The header ([MS-CIFS] 2.2.3.1).
#[derive(Clone, Copy, Debug)]
struct Header {
    command: Command,
    status: u32,
    is_answer: bool,
    is_unicode: bool,
    /// Process and multiplex identifiers together.
    id: u64,
    tree: u32,
    session: u64,
}

impl Header {
    fn read(message: &[u8]) -> Option<Self> {
        let (flags, flags2) = (u8_at(message, 9)?, u16_at(message, 10)?);
        let status = u32_at(message, 5)?;
        let (pid, mid) = (u16_at(message, 26)?, u16_at(message, 30)?);
        Some(Self {
            command: Command(u8_at(message, 4)?),
            status: if flags2 & 0x4000 == 0 { from_dos(status) } else { status },
            is_answer: flags & 0x80 != 0,
            is_unicode: flags2 & 0x8000 != 0,
            id: u64::from(pid) << 16 | u64::from(mid),
            tree: u16_at(message, 24)?.into(),
            session: u16_at(message, 28)?.into(),
        })
    }
}

/// An error by class and code as the status that means the same ([MS-CIFS] 2.2.2.4).
fn from_dos(error: u32) -> u32 {
    match (error & 0xff, error >> 16) {
        (0, 0) => 0,
        (1, 2) => 0xc000_0034,
        (1, 3) => 0xc000_003a,
        (1, 5) => 0xc000_0022,
        (1, 6) => 0xc000_0008,
        (1, 80) => 0xc000_0035,
        (1, 234) => BUFFER_OVERFLOW,
        (2, 2) => 0xc000_006a,
        (2, 6) => 0xc000_00cc,
        _ => 0xc000_0001,
    }
}

/// One command of a message: its parameters and what stands behind them.
#[derive(Clone, Copy, Debug)]
struct Block<'a> {
    header: Header,
    command: Command,
    words: &'a [u8],
    /// As far as they were gathered.
    bytes: &'a [u8],
    /// Offset of `bytes` in the message.
    bytes_at: usize,
    message: &'a [u8],
    /// Bytes of the whole message.
    len: usize,
}

impl<'a> Block<'a> {
    fn read(header: Header, command: Command, message: &'a [u8], at: usize, len: usize) -> Option<Self> {
        let words_len = usize::from(u8_at(message, at)?) * 2;
        let words = bytes_at(message, at + 1, words_len)?;
        let bytes_at = at + 1 + words_len + 2;
        let count = u16_at(message, bytes_at - 2).map_or(0, usize::from);
        let bytes = message.get(bytes_at..).unwrap_or_default();
        let bytes = bytes.get(..count).unwrap_or(bytes);
        Some(Self { header, command, words, bytes, bytes_at, message, len })
    }

    fn word(&self, at: usize) -> Option<u16> {
        u16_at(self.words, at)
    }

    fn double(&self, at: usize) -> Option<u32> {
        u32_at(self.words, at)
    }

    /// Reads texts from an offset in `bytes`.
    fn texts(&self, at: usize) -> Texts<'a> {
        Texts::new(self.message, self.bytes_at + at, self.header.is_unicode)
    }

    /// Bulk data behind an offset and a length, if it lies in the message.
    fn bulk(&self, at: usize, len: usize, file: u32, offset: u64) -> Option<Bulk> {
        let fits = at >= HEADER && at.checked_add(len).is_some_and(|end| end <= self.len);
        (fits && len > 0).then_some(Bulk { at, len, file, offset })
    }

    fn place(&self) -> Place {
        Place { session: self.header.session, tree: self.header.tree, status: Some(self.header.status) }
    }
}

/// FID as the identifier of an open file.
fn file_id(fid: u16) -> [u8; 16] {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&fid.to_le_bytes());
    id[15] = 1;
    id
}

/// Takes one message with all commands chained in it; `len` is its whole length. Gives the way that its sender
/// goes, and the bulk that follows. None where it is malformed.
pub(super) fn element(
    smb: &mut Smb,
    bytes: &[u8],
    len: usize,
    cx: &mut Context<'_>,
) -> Option<(Direction, Option<Bulk>)> {
    let header = Header::read(bytes)?;
    let way = if header.is_answer { Direction::ToClient } else { Direction::ToServer };
    let (mut command, mut at, mut bulk) = (header.command, HEADER, None);
    let mut chain = request::Chain::default();
    for place in 0.. {
        if MAX_CHAIN.is_reached(place) {
            break;
        }
        let block = Block::read(header, command, bytes, at, len)?;
        let found = if header.is_answer {
            answer::take(smb, &block, cx)?
        } else {
            request::take(smb, &block, &mut chain, cx)?
        };
        bulk = bulk.or(found);
        let next = block.words.first().map_or(Command::NONE, |next| Command(*next));
        let next_at = block.word(2).map_or(0, usize::from);
        if !command.is_andx() || next == Command::NONE || next_at <= at {
            break;
        }
        // Of a message with bulk data only the head was gathered.
        if next_at >= bytes.len() && next_at < len {
            break;
        }
        (command, at) = (next, next_at);
    }
    Some((way, bulk))
}
