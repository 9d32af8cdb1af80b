//! What is known of a session and of the mails that it carries.

use std::collections::VecDeque;

use super::limits::{MAX_LISTED, MAX_PATH, MAX_RECIPIENTS};
use super::message::Message;

/// A command that waits for its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Hello,
    Mail,
    Rcpt,
    Data,
    /// A message's end: the dot, or a last chunk.
    End,
    StartTls,
    Auth,
    Other,
}

/// A reply's code and the text of its last line.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) text: Vec<u8>,
}

/// One mail: envelope and message.
#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) from: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) recipients: Vec<Vec<u8>>,
    pub(super) refused: u64,
    pub(super) chunking: bool,
    /// The message, once one was sent.
    pub(super) message: Option<Box<Message>>,
    /// Its end was seen and nothing is missing.
    pub(super) is_complete: bool,
    pub(super) is_lost: bool,
    pub(super) depth: u64,
}

impl Mail {
    pub(super) fn held(&self) -> usize {
        let envelope: usize = self.recipients.iter().map(|one| one.capacity() + 24).sum();
        envelope + self.message.as_ref().map_or(0, |message| message.held())
    }
}

/// What both sides have said so far.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) greeting: Option<Vec<u8>>,
    pub(super) helo: Option<Vec<u8>>,
    pub(super) extensions: Vec<Vec<u8>>,
    pub(super) mechanism: Option<Vec<u8>>,
    pub(super) auth_code: Option<u16>,
    pub(super) commands: Vec<&'static str>,
    pub(super) codes: Vec<u16>,
    pub(super) last_reply: Option<Reply>,
    pub(super) tls: bool,
    pub(super) pipelining: bool,
    /// Mails told.
    pub(super) mails: u64,
    /// Which directions have lost bytes, and which have said anything.
    pub(super) lost: [bool; 2],
    pub(super) spoke: [bool; 2],
    pub(super) mail: Option<Box<Mail>>,
    /// Mails whose message has ended and has no reply yet.
    pub(super) waiting: VecDeque<Box<Mail>>,
    pub(super) outstanding: VecDeque<Command>,
}

impl Session {
    /// True where what a direction has not said may have been said out of sight.
    pub(super) fn is_unseen(&self, way: usize) -> bool {
        self.lost.get(way).copied().unwrap_or(true) || !self.spoke.get(way).copied().unwrap_or(false)
    }

    pub(super) fn held(&self) -> usize {
        let lists: usize = self.extensions.iter().map(|one| one.capacity() + 24).sum();
        let mails: usize = self.waiting.iter().chain(&self.mail).map(|mail| mail.held()).sum();
        lists
            + mails
            + self.commands.capacity() * 16
            + self.codes.capacity() * 2
            + self.outstanding.capacity()
    }

    pub(super) fn recipient(&mut self, path: &[u8]) -> bool {
        let mail = self.mail.get_or_insert_with(Default::default);
        let fits = mail.recipients.len() < MAX_RECIPIENTS.get();
        if fits {
            mail.recipients.push(path.to_vec());
        }
        fits
    }

    pub(super) fn code(&mut self, code: u16) {
        if !MAX_LISTED.is_reached(self.codes.len()) {
            self.codes.push(code);
        }
    }
}

/// Commands that are listed, by their names; anything else a client says is not shown, since it may be a secret.
pub(super) const COMMANDS: [&str; 22] = [
    "EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "AUTH", "STARTTLS",
    "VRFY", "EXPN", "HELP", "ETRN", "TURN", "ATRN", "XCLIENT", "XFORWARD", "SEND", "BURL",
];

/// A path without its brackets, and the parameters behind it: `FROM:<ann@agency.example> SIZE=5`.
pub(super) fn path(text: &[u8]) -> (&[u8], &[u8]) {
    let colon = memchr::memchr(b':', text).map_or(0, |at| at + 1);
    let text = text.get(colon..).unwrap_or_default().trim_ascii();
    let end = match text.first() {
        Some(b'<') => memchr::memchr(b'>', text).map_or(text.len(), |at| at + 1),
        _ => memchr::memchr(b' ', text).unwrap_or(text.len()),
    };
    let (path, parameters) = text.split_at(end);
    let path = super::message::bare(path);
    (MAX_PATH.clip(path), parameters)
}

/// The number of a parameter such as `SIZE=5`.
pub(super) fn size(parameters: &[u8]) -> Option<u64> {
    let word = parameters
        .split(u8::is_ascii_whitespace)
        .find(|word| word.get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"SIZE=")))?;
    number(word.get(5..)?)
}

pub(super) fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

/// Mechanisms that send what opens the account itself.
pub(super) fn is_clear_text(mechanism: &[u8]) -> bool {
    matches!(mechanism, b"PLAIN" | b"LOGIN" | b"XOAUTH2" | b"OAUTHBEARER")
}
