//! SMTP (RFC 5321) with pipelining, chunking (RFC 3030), authentication (RFC 4954) and STARTTLS (RFC 3207), and the
//! messages that it carries: one `smtp` event a mail, and one for a session that carried none.
//!
//! The event of a mail goes out with the reply to its message, or when the session goes on without it or ends.

mod event;
pub mod limits;
mod message;
mod part;
mod pieces;
mod probe;
mod session;
#[cfg(test)]
mod tests;
mod words;

pub use event::FIELDS;

use super::lines::{Line, Lines, is_tls, reply, verb};
use super::{Close, Context, FirstBytes, Next, Probe, StreamParser};
use crate::messages::{Direction, EventKind};
use limits::{MAX_LINE, MAX_LISTED, MAX_OUTSTANDING, MAX_WAITING};
use message::Message;
use pieces::{Piece, Pieces};
use session::{COMMANDS, Command, Mail, Reply, Session};

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    (
        "smtp_ambiguous_end",
        "A lone dot whose line ends in a bare line feed, or follows one: servers differ on whether the message ends there, \
         and what follows may be smuggled in",
    ),
    ("smtp_not_spoken", "A side that began as SMTP and then says what is none"),
    ("smtp_parts_too_deep", "A message with parts in parts beyond the limit: the inner ones are not read"),
    ("smtp_too_many_attachments", "A message with more attachments than are listed"),
    ("smtp_too_many_outstanding", "More commands without a reply than the limit"),
    ("smtp_too_many_recipients", "A mail with more recipients than are listed"),
];

/// Probe: lines in a row that no SMTP client or server says; then it is something else.
const MAX_STRANGE: u8 = 8;

/// What the client's next bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Command,
    /// A message, if the server agrees or is out of sight.
    DataAsked,
    Data,
    /// A chunk: bytes left, and whether it is the last.
    Chunk(u64, bool),
    /// A line of an authentication, which is not looked at.
    Auth,
}

/// Reads one session.
#[derive(Debug, Default)]
pub struct Smtp {
    commands: Lines,
    replies: Lines,
    mode: Mode,
    /// Lines of the message that is being dictated.
    pieces: Pieces,
    /// The message's last line ended in CR LF.
    after_crlf: bool,
    strange: [u8; 2],
    session: Box<Session>,
    is_done: bool,
}

impl StreamParser for Smtp {
    const KINDS: &'static [EventKind] = &[EventKind::Smtp, EventKind::File];
    const FIRST: FirstBytes = FirstBytes::of(b"EeHhLlMmRr245");

    fn probe(data: &[u8], direction: Direction) -> Probe {
        probe::probe(data, direction)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        if self.is_done {
            return Next::Done;
        }
        if let Some(spoke) = self.session.spoke.get_mut(direction.index()) {
            *spoke = true;
        }
        let next = match direction {
            Direction::ToServer => self.client(data, cx),
            Direction::ToClient => self.server(data, cx),
        };
        if self.strange[direction.index()] < MAX_STRANGE {
            return next;
        }
        cx.weird("smtp", "smtp_not_spoken", b"");
        Next::Done
    }

    fn gap(&mut self, direction: Direction, len: u64, _: &mut Context<'_>) -> Next {
        self.session.lost[direction.index()] = true;
        match direction {
            Direction::ToServer => self.client_gap(len),
            Direction::ToClient => {
                self.replies.gap();
                self.session.outstanding.clear();
            }
        }
        Next::More
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.is_done, true) {
            self.abandon(cx);
            self.tell_waiting(0, None, cx);
            if self.session.mails == 0 && self.session.spoke != [false; 2] {
                event::emit(&self.session, None, None, cx);
            }
        }
        *self = Self { is_done: true, ..Self::default() };
    }

    fn held(&self) -> usize {
        self.commands.held() + self.replies.held() + self.pieces.held() + self.session.held()
    }
}

/// The client.
impl Smtp {
    fn client(&mut self, mut data: &[u8], cx: &mut Context<'_>) -> Next {
        while !data.is_empty() {
            match self.mode {
                Mode::Data => self.dictation(&mut data, cx),
                Mode::Chunk(left, is_last) => self.chunk(left, is_last, &mut data, cx),
                Mode::DataAsked if self.session.outstanding.is_empty() || !self.session.spoke[1] => {
                    self.begin_data()
                }
                Mode::Command | Mode::Auth | Mode::DataAsked => {
                    if !self.commands.is_within() && is_tls(data) {
                        return Next::Switch(data.len());
                    }
                    if self.mode == Mode::DataAsked {
                        // Who dictates before the reply is there is taken at their word.
                        self.begin_data();
                        continue;
                    }
                    if let Some(line) = self.commands.next(&mut data, &MAX_LINE) {
                        self.line(&line, cx);
                    }
                }
            }
        }
        Next::More
    }

    fn begin_data(&mut self) {
        self.mode = Mode::Data;
        self.after_crlf = true;
        self.message();
    }

    /// The message of the mail at hand.
    fn message(&mut self) -> &mut Message {
        let mail = self.session.mail.get_or_insert_with(Default::default);
        mail.message.get_or_insert_with(Default::default)
    }

    fn line(&mut self, line: &Line, cx: &mut Context<'_>) {
        if std::mem::take(&mut self.mode) == Mode::Auth {
            return self.expect(Command::Auth, cx);
        }
        let (word, rest) = verb(&line.bytes);
        let Some(name) = COMMANDS.iter().find(|name| word.eq_ignore_ascii_case(name.as_bytes())) else {
            let is_text = line.bytes.iter().all(|byte| (b' '..=b'~').contains(byte) || *byte >= 0x80);
            self.strange[0] = if is_text { self.strange[0] } else { self.strange[0].saturating_add(1) };
            return self.expect(Command::Other, cx);
        };
        self.strange[0] = 0;
        if !MAX_LISTED.is_reached(self.session.commands.len()) {
            self.session.commands.push(name);
        }
        self.session.pipelining |= !self.session.outstanding.is_empty() && self.session.greeting.is_some();
        self.command(name, rest, cx);
    }

    fn command(&mut self, name: &str, rest: &[u8], cx: &mut Context<'_>) {
        match name {
            "EHLO" | "HELO" | "LHLO" => {
                self.abandon(cx);
                self.session.helo = Some(rest.to_vec());
                self.session.extensions.clear();
                self.expect(Command::Hello, cx);
            }
            "MAIL" => self.mail_from(rest, cx),
            "RCPT" => {
                if !self.session.recipient(session::path(rest).0) {
                    cx.limit(&limits::MAX_RECIPIENTS, "smtp_too_many_recipients", b"");
                }
                self.expect(Command::Rcpt, cx);
            }
            "DATA" => {
                self.expect(Command::Data, cx);
                self.mode = Mode::DataAsked;
            }
            "BDAT" => self.bdat(rest, cx),
            "STARTTLS" => self.expect(Command::StartTls, cx),
            "AUTH" => {
                self.session.mechanism = Some(verb(rest).0.to_ascii_uppercase());
                self.expect(Command::Auth, cx);
            }
            "RSET" | "QUIT" => {
                self.expect(Command::Other, cx);
                // Replies to earlier commands may still be on their way.
                if self.session.outstanding.len() <= 1 {
                    self.abandon(cx);
                }
            }
            _ => self.expect(Command::Other, cx),
        }
    }

    fn mail_from(&mut self, rest: &[u8], cx: &mut Context<'_>) {
        self.abandon(cx);
        let (path, parameters) = session::path(rest);
        let (from, size) = (Some(path.to_vec()), session::size(parameters));
        self.session.mail = Some(Box::new(Mail { from, size, ..Mail::default() }));
        self.expect(Command::Mail, cx);
    }

    /// `BDAT length [LAST]` (RFC 3030 2).
    fn bdat(&mut self, rest: &[u8], cx: &mut Context<'_>) {
        let (length, last) = verb(rest);
        let is_last = last.eq_ignore_ascii_case(b"LAST");
        self.message();
        if let Some(mail) = &mut self.session.mail {
            mail.chunking = true;
        }
        self.expect(if is_last { Command::End } else { Command::Other }, cx);
        self.mode = Mode::Chunk(session::number(length).unwrap_or(0), is_last);
        self.chunk_ends(cx);
    }

    fn chunk(&mut self, left: u64, is_last: bool, data: &mut &[u8], cx: &mut Context<'_>) {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(data.len());
        let (chunk, rest) = data.split_at(taken);
        *data = rest;
        self.message().data(chunk, cx);
        self.mode = Mode::Chunk(left - taken as u64, is_last);
        self.chunk_ends(cx);
    }

    fn chunk_ends(&mut self, cx: &mut Context<'_>) {
        if let Mode::Chunk(0, is_last) = self.mode {
            self.mode = Mode::Command;
            if is_last {
                self.message_ends(true, cx);
            }
        }
    }

    /// Lines up to a lone dot (RFC 5321 4.1.1.4); a dot before a line is not its own (4.5.2).
    fn dictation(&mut self, data: &mut &[u8], cx: &mut Context<'_>) {
        let mut pieces = std::mem::take(&mut self.pieces);
        while let Some(mut piece) = pieces.next(data) {
            if piece.starts && piece.bytes.first() == Some(&b'.') {
                if self.is_end(&piece, cx) {
                    self.expect(Command::End, cx);
                    return self.message_ends(true, cx);
                }
                piece.bytes = piece.bytes.get(1..).unwrap_or_default().to_vec().into();
            }
            if piece.ends {
                self.after_crlf = piece.bytes.ends_with(b"\r\n");
            }
            self.message().piece(&piece, cx);
        }
        self.pieces = pieces;
    }

    fn is_end(&self, piece: &Piece<'_>, cx: &mut Context<'_>) -> bool {
        let is_end = self.after_crlf && piece.bytes.as_ref() == b".\r\n";
        if !is_end && matches!(piece.bytes.as_ref(), b".\n" | b".\r\n") {
            cx.weird("smtp", "smtp_ambiguous_end", b"");
        }
        is_end
    }

    /// The message is over; its event waits for the reply.
    fn message_ends(&mut self, whole: bool, cx: &mut Context<'_>) {
        self.mode = Mode::Command;
        self.pieces = Pieces::default();
        let Some(mut mail) = self.session.mail.take() else { return };
        end_message(&mut mail, whole, cx);
        self.session.waiting.push_back(mail);
        // Where no reply will be seen, none is waited for.
        let keep = if cx.one_way { 0 } else { MAX_WAITING.at_most(self.session.waiting.len()) };
        self.tell_waiting(keep, None, cx);
    }

    /// The mail at hand is not gone on with.
    fn abandon(&mut self, cx: &mut Context<'_>) {
        let Some(mut mail) = self.session.mail.take() else { return };
        end_message(&mut mail, false, cx);
        self.tell_waiting(0, None, cx);
        let reply = self.session.last_reply.clone();
        self.tell(mail, reply.as_ref(), cx);
    }

    /// Tells of mails that wait, but for the newest so many.
    fn tell_waiting(&mut self, keep: usize, reply: Option<&Reply>, cx: &mut Context<'_>) {
        while self.session.waiting.len() > keep {
            if let Some(mail) = self.session.waiting.pop_front() {
                self.tell(mail, reply, cx);
            }
        }
    }

    fn tell(&mut self, mut mail: Box<Mail>, reply: Option<&Reply>, cx: &mut Context<'_>) {
        self.session.mails += 1;
        mail.depth = self.session.mails;
        event::emit(&self.session, Some(&mail), reply, cx);
    }

    fn expect(&mut self, command: Command, cx: &mut Context<'_>) {
        if self.session.outstanding.len() >= MAX_OUTSTANDING.get() {
            if !cx.one_way && self.session.spoke[1] {
                cx.limit(&MAX_OUTSTANDING, "smtp_too_many_outstanding", b"");
            }
            self.session.outstanding.pop_front();
        }
        self.session.outstanding.push_back(command);
    }

    fn client_gap(&mut self, len: u64) {
        let Some(mail) = &mut self.session.mail else { return self.commands.gap() };
        mail.is_lost = true;
        match self.mode {
            Mode::Data | Mode::DataAsked => {
                self.mode = Mode::Data;
                self.pieces.gap();
                self.message().gap(len);
            }
            Mode::Chunk(left, is_last) if len <= left => {
                self.mode = Mode::Chunk(left - len, is_last);
                self.message().gap(len);
            }
            Mode::Chunk(..) | Mode::Command | Mode::Auth => {
                self.mode = Mode::Command;
                self.commands.gap();
            }
        }
    }
}

/// The server.
impl Smtp {
    fn server(&mut self, mut data: &[u8], cx: &mut Context<'_>) -> Next {
        while !data.is_empty() {
            if !self.replies.is_within() && is_tls(data) {
                return Next::Switch(data.len());
            }
            let Some(line) = self.replies.next(&mut data, &MAX_LINE) else { break };
            if self.reply_line(&line.bytes, cx) {
                self.session.tls = true;
                return Next::Switch(data.len());
            }
        }
        Next::More
    }

    /// True where TLS begins behind this line.
    fn reply_line(&mut self, line: &[u8], cx: &mut Context<'_>) -> bool {
        let Some((code, has_more)) = reply(line) else {
            self.strange[1] = self.strange[1].saturating_add(1);
            return false;
        };
        self.strange[1] = 0;
        let text = line.get(4..).unwrap_or_default();
        if self.is_greeting(code) {
            self.session.greeting.get_or_insert_with(|| text.to_vec());
            if !has_more {
                self.session.code(code);
                self.session.last_reply = Some(Reply { code, text: text.to_vec() });
            }
            return false;
        }
        let command = self.session.outstanding.front().copied();
        if command == Some(Command::Hello) && code == 250 {
            self.extension(text);
        }
        if has_more {
            return false;
        }
        self.session.code(code);
        self.session.outstanding.pop_front();
        let reply = Reply { code, text: text.to_vec() };
        self.answered(command, &reply, cx);
        self.session.last_reply = Some(reply);
        command == Some(Command::StartTls) && code == 220
    }

    /// A server greets before it has answered anything; the lines of a greeting have one code.
    fn is_greeting(&self, code: u16) -> bool {
        let asked = self.session.outstanding.front();
        matches!(code, 220 | 421 | 554) && self.session.codes.is_empty() && asked != Some(&Command::StartTls)
    }

    /// The first line of the reply to EHLO is the server's name (RFC 5321 4.1.1.1).
    fn extension(&mut self, text: &[u8]) {
        let listed = &mut self.session.extensions;
        if !MAX_LISTED.is_reached(listed.len().saturating_sub(1)) {
            listed.push(text.to_vec());
        }
    }

    fn answered(&mut self, command: Option<Command>, reply: &Reply, cx: &mut Context<'_>) {
        let code = reply.code;
        match command {
            Some(Command::Rcpt) if code >= 400 => {
                let latest = self.session.mail.as_mut().or_else(|| self.session.waiting.back_mut());
                if let Some(mail) = latest {
                    mail.refused += 1;
                }
            }
            Some(Command::Data) if code == 354 && self.mode == Mode::DataAsked => self.begin_data(),
            Some(Command::Data) if self.mode == Mode::DataAsked => self.mode = Mode::Command,
            Some(Command::End) => {
                if let Some(mail) = self.session.waiting.pop_front() {
                    self.tell(mail, Some(reply), cx);
                }
            }
            Some(Command::Auth) if code == 334 => self.mode = Mode::Auth,
            Some(Command::Auth) => self.session.auth_code = Some(code),
            // The server has seen an end that was not seen here, or that was ambiguous.
            None if self.mode == Mode::Data && code != 354 => {
                self.message_ends(false, cx);
                self.tell_waiting(0, Some(reply), cx);
            }
            _ => {}
        }
    }
}

fn end_message(mail: &mut Mail, whole: bool, cx: &mut Context<'_>) {
    mail.is_complete = whole && !mail.is_lost && mail.message.is_some();
    let Some(message) = &mut mail.message else { return };
    message.end(whole, cx);
    for (limit, name) in std::mem::take(&mut message.limits) {
        cx.limit(limit, name, b"");
    }
}
