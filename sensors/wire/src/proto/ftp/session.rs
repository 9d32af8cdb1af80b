//! What is known of a session.

use super::limits::MAX_PATH;
use std::collections::VecDeque;
use std::net::IpAddr;

use super::links::Ends;
use crate::proto::Context;

/// Commands that are known (RFC 959, 2228, 2389, 2428, 3659, 4217, 7151).
const COMMANDS: [&str; 59] = [
    "USER", "PASS", "ACCT", "AUTH", "RETR", "STOR", "STOU", "APPE", "LIST", "NLST", "MLSD", "MLST", "DELE",
    "RNFR", "RNTO", "MKD", "XMKD", "RMD", "XRMD", "CWD", "XCWD", "CDUP", "XCUP", "PWD", "XPWD", "PORT",
    "EPRT", "PASV", "EPSV", "SITE", "TYPE", "SYST", "FEAT", "OPTS", "REIN", "QUIT", "REST", "SIZE", "MDTM",
    "MFMT", "STAT", "NOOP", "PBSZ", "PROT", "CCC", "ADAT", "MIC", "CONF", "ENC", "HOST", "CLNT", "HELP",
    "ABOR", "STRU", "MODE", "ALLO", "SMNT", "LANG", "HASH",
];

/// The command of that name.
pub(super) fn known(word: &[u8]) -> Option<&'static str> {
    COMMANDS.into_iter().find(|name| word.eq_ignore_ascii_case(name.as_bytes()))
}

/// What a command of interest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Login,
    Download,
    Upload,
    List,
    Delete,
    Rename,
    MakeDirectory,
    RemoveDirectory,
    Site,
    Tls,
}

impl Action {
    pub(super) fn of(command: &str) -> Option<Self> {
        Some(match command {
            "USER" | "PASS" => Self::Login,
            "RETR" => Self::Download,
            "STOR" | "STOU" | "APPE" => Self::Upload,
            "LIST" | "NLST" | "MLSD" => Self::List,
            "DELE" => Self::Delete,
            "RNTO" => Self::Rename,
            "MKD" | "XMKD" => Self::MakeDirectory,
            "RMD" | "XRMD" => Self::RemoveDirectory,
            "SITE" => Self::Site,
            "AUTH" => Self::Tls,
            _ => return None,
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Download => "download",
            Self::Upload => "upload",
            Self::List => "list",
            Self::Delete => "delete",
            Self::Rename => "rename",
            Self::MakeDirectory => "make_directory",
            Self::RemoveDirectory => "remove_directory",
            Self::Site => "site",
            Self::Tls => "auth_tls",
        }
    }

    /// True where the argument names a file or directory.
    pub(super) const fn has_path(self) -> bool {
        !matches!(self, Self::Login | Self::List | Self::Site | Self::Tls)
    }
}

/// A command that waits for its reply.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) name: &'static str,
    pub(super) argument: Vec<u8>,
    pub(super) time: u64,
    pub(super) packet: u64,
}

impl Pending {
    pub(super) fn new(name: &'static str, argument: &[u8], cx: &Context<'_>) -> Self {
        Self { name, argument: argument.to_vec(), time: cx.time, packet: cx.packet }
    }
}

/// A reply's code and the text of its last line.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) text: Vec<u8>,
}

/// A data connection as it was announced, and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub(super) mode: &'static str,
    pub(super) ip: Option<IpAddr>,
    pub(super) ends: Ends,
    /// Bytes of it; none where it was not seen.
    pub(super) bytes: Option<u64>,
}

/// A transfer that the server says is over.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) pending: Pending,
    pub(super) reply: Reply,
    pub(super) data: Option<Data>,
    pub(super) time: u64,
    pub(super) packet: u64,
}

/// What both sides have said so far.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) greeting: Option<Vec<u8>>,
    pub(super) user: Option<Vec<u8>>,
    /// A password was sent.
    pub(super) password: bool,
    pub(super) directory: Option<Vec<u8>>,
    pub(super) rename_from: Option<Vec<u8>>,
    pub(super) data: Option<Data>,
    pub(super) ending: Option<Ending>,
    pub(super) tls: bool,
    pub(super) has_replied: bool,
    pub(super) outstanding: VecDeque<Pending>,
    /// Which directions have lost bytes, and which have said anything.
    pub(super) lost: [bool; 2],
    pub(super) spoke: [bool; 2],
    /// Events given.
    pub(super) told: u64,
}

impl Session {
    /// A path of the client's, in its directory where that is known.
    pub(super) fn path(&self, argument: &[u8]) -> Vec<u8> {
        match &self.directory {
            Some(directory)
                if !argument.starts_with(b"/") && !MAX_PATH.is_reached(directory.len() + argument.len()) =>
            {
                let slash: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
                [directory, slash, argument].concat()
            }
            _ => argument.to_vec(),
        }
    }

    pub(super) fn is_unseen(&self, way: usize) -> bool {
        self.lost.get(way).copied().unwrap_or(true) || !self.spoke.get(way).copied().unwrap_or(false)
    }

    pub(super) fn held(&self) -> usize {
        let texts = [&self.greeting, &self.user, &self.directory, &self.rename_from];
        let texts: usize = texts.iter().filter_map(|text| text.as_ref()).map(Vec::capacity).sum();
        let waiting: usize =
            self.outstanding.iter().map(|one| one.argument.capacity() + size_of::<Pending>()).sum();
        let ending =
            self.ending.as_ref().map_or(0, |one| one.pending.argument.capacity() + one.reply.text.capacity());
        size_of::<Self>() + texts + waiting + ending
    }
}

/// The directory in quotes, which are doubled within (RFC 959 appendix II).
pub(super) fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    let from = memchr::memchr(b'"', text)? + 1;
    let end = memchr::memrchr(b'"', text).filter(|end| *end >= from)?;
    let mut inner = text.get(from..end)?.to_vec();
    inner.dedup_by(|next, last| *next == b'"' && *last == b'"');
    Some(inner)
}
