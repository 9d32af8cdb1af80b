//! SMB2 and SMB3 ([MS-SMB2]).

mod answer;
mod negotiate;
mod request;

use super::Smb;
use super::event::Place;
use super::file::OpenFile;
use super::reader::{Bulk, SMB2_HEADER};
use super::state::Pending;
use crate::messages::Direction;
use crate::proto::Context;
use crate::proto::little::{array_at, u16_at, u32_at, u64_at};

/// A command ([MS-SMB2] 2.2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Command(u16);

impl Command {
    const NEGOTIATE: Self = Self(0);
    const SESSION_SETUP: Self = Self(1);
    const LOGOFF: Self = Self(2);
    const TREE_CONNECT: Self = Self(3);
    const TREE_DISCONNECT: Self = Self(4);
    const CREATE: Self = Self(5);
    const CLOSE: Self = Self(6);
    const READ: Self = Self(8);
    const WRITE: Self = Self(9);
    const IOCTL: Self = Self(11);
    const SET_INFO: Self = Self(17);
}

const STATUS_PENDING: u32 = 0x0000_0103;
const MORE_PROCESSING: u32 = 0xc000_0016;
/// More follows in the pipe: the data is good.
const BUFFER_OVERFLOW: u32 = 0x8000_0005;
/// A FileId that stands for the one of the command before, or for none.
const NO_FILE: [u8; 16] = [0xff; 16];

/// The header ([MS-SMB2] 2.2.1).
#[derive(Clone, Copy, Debug)]
struct Header {
    command: Command,
    status: u32,
    flags: u32,
    id: u64,
    tree: u32,
    session: u64,
}

impl Header {
    const ANSWER: u32 = 1;
    const ASYNC: u32 = 2;
    const RELATED: u32 = 4;

    fn read(message: &[u8]) -> Option<Self> {
        if message.len() < SMB2_HEADER || u16_at(message, 4)? != 64 {
            return None;
        }
        let flags = u32_at(message, 16)?;
        Some(Self {
            command: Command(u16_at(message, 12)?),
            status: u32_at(message, 8)?,
            flags,
            id: u64_at(message, 24)?,
            tree: if flags & Self::ASYNC == 0 { u32_at(message, 36)? } else { 0 },
            session: u64_at(message, 40)?,
        })
    }

    const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// One command, with what stands behind its header.
struct Message<'a> {
    header: Header,
    /// Header and body, as far as they were gathered.
    bytes: &'a [u8],
    /// Bytes of the whole command.
    len: usize,
}

impl<'a> Message<'a> {
    fn body(&self) -> &'a [u8] {
        self.bytes.get(SMB2_HEADER..).unwrap_or_default()
    }

    /// Bytes behind an offset from the header's begin and a length.
    fn part(&self, offset: usize, len: usize) -> Option<&'a [u8]> {
        if len == 0 { Some(&[]) } else { crate::proto::little::bytes_at(self.bytes, offset, len) }
    }

    fn file_id(&self, at: usize) -> Option<[u8; 16]> {
        array_at(self.body(), at)
    }

    /// Bulk data behind an offset and a length, if it lies in the command.
    fn bulk(&self, at: usize, len: usize, file: u32, offset: u64) -> Option<Bulk> {
        let fits = at >= SMB2_HEADER && at.checked_add(len).is_some_and(|end| end <= self.len);
        (fits && len > 0).then_some(Bulk { at, len, file, offset })
    }
}

/// What the command before in the same chain was about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chain {
    session: u64,
    tree: u32,
    file: Option<u32>,
}

/// Takes one command; `len` is its whole length. Gives the way that its sender goes, and the bulk that follows.
/// None where it is malformed.
pub(super) fn element(
    smb: &mut Smb,
    bytes: &[u8],
    len: usize,
    cx: &mut Context<'_>,
) -> Option<(Direction, Option<Bulk>)> {
    let header = Header::read(bytes)?;
    let message = Message { header, bytes, len };
    if header.has(Header::ANSWER) {
        Some((Direction::ToClient, answer::take(smb, &message, cx)?))
    } else {
        Some((Direction::ToServer, request::take(smb, &message, cx)?))
    }
}

/// Gives out a request whose answer was not seen.
pub(super) fn unanswered(smb: &mut Smb, pending: Pending, cx: &mut Context<'_>) {
    answer::unanswered(smb, pending, cx);
}

/// A rename or a deletion, by its place.
pub(super) use answer::changed;
pub(super) use request::fill_log_in;

fn place(pending: &Pending, status: Option<u32>) -> Place {
    Place { session: pending.session, tree: pending.tree, status }
}

/// A file that was opened before the capture began.
fn stranger(id: [u8; 16], session: u64, tree: u32, is_pipe: bool) -> OpenFile {
    OpenFile { id: Some(id), session, tree, is_pipe, ..OpenFile::default() }
}
