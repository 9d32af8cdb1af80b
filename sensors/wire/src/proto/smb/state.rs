//! What one flow has open: requests without answers, sessions, shares, files. All tables are bounded.

use std::collections::VecDeque;

use super::file::OpenFile;
use super::limits::{ANSWER_TIMEOUT, MAX_FILES, MAX_PENDING, MAX_SESSIONS, MAX_TREES};
use crate::proto::Context;
use crate::proto::ntlm::Exchange;
use crate::proto::ntlm::mechanism::Mechanism;

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Pending {
    /// MessageId of SMB2, PID and MID of SMB1.
    pub(super) id: u64,
    pub(super) session: u64,
    pub(super) tree: u32,
    /// Serial number of the open file that it is about.
    pub(super) file: Option<u32>,
    pub(super) time: u64,
    pub(super) packet: u64,
    pub(super) asked: Asked,
}

/// What was asked.
#[derive(Debug)]
pub(super) enum Asked {
    Negotiate(Box<Offer>),
    Session(Box<LogIn>),
    /// Path of the share.
    Tree(Vec<u8>),
    Create(Box<Create>),
    /// Offset of the first byte.
    Read(u64),
    /// Offset behind the last byte written.
    Write(u64),
    /// The new name; whether a file of that name is replaced is not told.
    Rename(Box<Rename>),
    Delete(Box<Delete>),
    Ioctl(u32),
    /// A pipe is written to and read from in one go.
    Transact,
    /// Another transaction of SMB 1.
    Transaction(Box<Transaction>),
    Close,
    LogOff,
    TreeDisconnect,
}

impl Asked {
    /// Bytes of heap.
    fn held(&self) -> usize {
        match self {
            Self::Negotiate(offer) => size_of::<Offer>() + offer.held(),
            Self::Session(log_in) => log_in.held(),
            Self::Tree(path) => path.capacity(),
            Self::Create(create) => size_of::<Create>() + create.name.capacity(),
            Self::Rename(rename) => {
                size_of::<Rename>() + rename.to.capacity() + rename.from.as_ref().map_or(0, Vec::capacity)
            }
            Self::Delete(delete) => size_of::<Delete>() + delete.name.as_ref().map_or(0, Vec::capacity),
            _ => 0,
        }
    }
}

/// A client's offer.
#[derive(Debug, Default)]
pub(super) struct Offer {
    pub(super) dialects: Vec<Vec<u8>>,
    pub(super) capabilities: u32,
    pub(super) security: u16,
    pub(super) guid: Option<[u8; 16]>,
    /// The server's name as the client knows it.
    pub(super) server: Option<Vec<u8>>,
    pub(super) is_smb1: bool,
}

impl Offer {
    fn held(&self) -> usize {
        let texts = self.dialects.iter().chain(&self.server).map(Vec::capacity).sum::<usize>();
        texts + self.dialects.capacity() * size_of::<Vec<u8>>()
    }
}

/// A session setup.
#[derive(Debug, Default)]
pub(super) struct LogIn {
    pub(super) mechanism: Option<Mechanism>,
    pub(super) ntlm: Exchange,
    /// User and domain in clear, as SMB1 has them.
    pub(super) plain: Option<(Vec<u8>, Vec<u8>)>,
    /// Tokens that went before this one.
    pub(super) rounds: u8,
}

impl LogIn {
    fn held(&self) -> usize {
        let plain = self.plain.as_ref().map_or(0, |(user, domain)| user.capacity() + domain.capacity());
        size_of::<Self>() + self.ntlm.held() + plain
    }
}

/// What is asked of a file that is opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Create {
    pub(super) name: Vec<u8>,
    pub(super) access: u32,
    pub(super) disposition: u32,
    pub(super) options: u32,
}

/// A transaction of SMB 1 that is told by name.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) name: Vec<u8>,
    /// Bytes of data that it announces in all.
    pub(super) data: u32,
}

/// Kinds of further parts of transactions that were told already.
#[derive(Debug, Default)]
pub(super) struct Seconds([bool; 3]);

impl Seconds {
    /// True for the first of a kind.
    pub(super) fn first(&mut self, kind: usize) -> bool {
        self.0.get_mut(kind).is_some_and(|told| !std::mem::replace(told, true))
    }
}

/// A new name.
#[derive(Debug, Default)]
pub(super) struct Rename {
    /// The old one, where the request itself has it (SMB1).
    pub(super) from: Option<Vec<u8>>,
    pub(super) to: Vec<u8>,
    pub(super) is_link: bool,
}

/// A file is to be deleted.
#[derive(Debug, Default)]
pub(super) struct Delete {
    /// Its name, where the request itself has it (SMB1).
    pub(super) name: Option<Vec<u8>>,
}

/// One user's session.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) id: u64,
    pub(super) user: Vec<u8>,
    pub(super) domain: Vec<u8>,
    /// A log-in that needs more rounds.
    pub(super) log_in: Option<Box<LogIn>>,
    /// It was told that this session's messages are encrypted.
    pub(super) encrypted_told: bool,
}

impl Session {
    fn held(&self) -> usize {
        self.user.capacity() + self.domain.capacity() + self.log_in.as_ref().map_or(0, |log_in| log_in.held())
    }
}

/// A connected share.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) id: u32,
    pub(super) session: u64,
    pub(super) path: Option<Vec<u8>>,
    pub(super) kind: Option<ShareType>,
}

/// What a share is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShareType {
    Disk,
    Pipe,
    Print,
}

impl ShareType {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Pipe => "pipe",
            Self::Print => "print",
        }
    }
}

/// All that is open.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) pending: VecDeque<Pending>,
    pub(super) sessions: Vec<Session>,
    pub(super) trees: Vec<Tree>,
    pub(super) files: VecDeque<OpenFile>,
    /// Dialect that was agreed on.
    pub(super) dialect: Option<super::dialect::Dialect>,
    /// Further parts of transactions (SMB1) that were told.
    pub(super) seconds: Seconds,
    serial: u32,
}

impl State {
    /// Keeps a request; gives back the oldest where there are too many.
    pub(super) fn keep(&mut self, pending: Pending, cx: &mut Context<'_>) -> Option<Pending> {
        let oldest = if self.pending.len() >= MAX_PENDING.get() { self.pending.pop_front() } else { None };
        if oldest.is_some() {
            cx.limit(&MAX_PENDING, "smb_limit", b"pending requests");
        }
        self.pending.push_back(pending);
        oldest
    }

    /// The request of that id for which `is` holds.
    pub(super) fn take(&mut self, id: u64, is: impl Fn(&Asked) -> bool) -> Option<Pending> {
        let at = self.pending.iter().position(|pending| pending.id == id && is(&pending.asked))?;
        self.pending.remove(at)
    }

    /// The oldest request for which `is` holds.
    pub(super) fn take_any(&mut self, is: impl Fn(&Asked) -> bool) -> Option<Pending> {
        let at = self.pending.iter().position(|pending| is(&pending.asked))?;
        self.pending.remove(at)
    }

    /// A request that has waited too long.
    pub(super) fn expired(&mut self, now: u64) -> Option<Pending> {
        let oldest = self.pending.front()?;
        if now.saturating_sub(oldest.time) > ANSWER_TIMEOUT { self.pending.pop_front() } else { None }
    }

    pub(super) fn session(&self, id: u64) -> Option<&Session> {
        self.sessions.iter().find(|session| session.id == id)
    }

    /// The session of that id, begun where there is none.
    pub(super) fn session_mut(&mut self, id: u64, cx: &mut Context<'_>) -> &mut Session {
        let at = match self.sessions.iter().position(|session| session.id == id) {
            Some(at) => at,
            None => {
                if self.sessions.len() >= MAX_SESSIONS.get() {
                    cx.limit(&MAX_SESSIONS, "smb_limit", b"sessions");
                    self.sessions.remove(0);
                }
                self.sessions.push(Session { id, ..Session::default() });
                self.sessions.len() - 1
            }
        };
        &mut self.sessions[at]
    }

    pub(super) fn tree(&self, id: u32, session: u64) -> Option<&Tree> {
        let mut of_id = self.trees.iter().filter(|tree| tree.id == id);
        of_id.clone().find(|tree| tree.session == session).or_else(|| of_id.next())
    }

    pub(super) fn add_tree(&mut self, tree: Tree, cx: &mut Context<'_>) {
        self.trees.retain(|old| (old.id, old.session) != (tree.id, tree.session));
        if self.trees.len() >= MAX_TREES.get() {
            cx.limit(&MAX_TREES, "smb_limit", b"shares");
            self.trees.remove(0);
        }
        self.trees.push(tree);
    }

    pub(super) fn file(&self, serial: u32) -> Option<&OpenFile> {
        self.files.iter().find(|file| file.serial == serial)
    }

    pub(super) fn file_mut(&mut self, serial: u32) -> Option<&mut OpenFile> {
        self.files.iter_mut().find(|file| file.serial == serial)
    }

    /// Serial number of the open file with that id on the wire.
    pub(super) fn file_by_id(&self, id: [u8; 16]) -> Option<u32> {
        self.files.iter().rev().find(|file| file.id == Some(id)).map(|file| file.serial)
    }

    /// Takes a file in; gives back its serial number, and the oldest where there are too many.
    pub(super) fn add_file(&mut self, mut file: OpenFile, cx: &mut Context<'_>) -> (u32, Option<OpenFile>) {
        let oldest = if self.files.len() >= MAX_FILES.get() { self.files.pop_front() } else { None };
        if oldest.is_some() {
            cx.limit(&MAX_FILES, "smb_limit", b"open files");
        }
        self.serial = self.serial.wrapping_add(1);
        file.serial = self.serial;
        self.files.push_back(file);
        (self.serial, oldest)
    }

    /// Puts a file back under the number that it had.
    pub(super) fn put_back(&mut self, serial: u32, file: OpenFile) {
        self.files.push_back(OpenFile { serial, ..file });
    }

    pub(super) fn remove_file(&mut self, serial: u32) -> Option<OpenFile> {
        let at = self.files.iter().position(|file| file.serial == serial)?;
        self.files.remove(at)
    }

    /// Bytes of heap that it holds, about.
    pub(super) fn held(&self) -> usize {
        self.pending.capacity() * size_of::<Pending>()
            + self.pending.iter().map(|pending| pending.asked.held()).sum::<usize>()
            + self.sessions.capacity() * size_of::<Session>()
            + self.sessions.iter().map(Session::held).sum::<usize>()
            + self.trees.capacity() * size_of::<Tree>()
            + self.trees.iter().filter_map(|tree| tree.path.as_ref()).map(Vec::capacity).sum::<usize>()
            + self.files.capacity() * size_of::<OpenFile>()
            + self.files.iter().map(OpenFile::held).sum::<usize>()
    }
}
