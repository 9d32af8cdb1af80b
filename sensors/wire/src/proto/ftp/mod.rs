//! FTP (RFC 959, RFC 2428, RFC 3659): the control connection, the data connections that it announces, and the files
//! that they carry. One `ftp` event a command of interest: log-in, transfer, listing, deletion, renaming, directories.
//!
//! An announcement ties the data connection to its control by both addresses and the port; what the text of an
//! announcement says of another host is told, not followed.

mod announce;
pub mod data;
mod event;
pub mod limits;
pub(crate) mod links;
mod probe;
mod session;
#[cfg(test)]
mod tests;

pub use data::FtpData;
pub use event::FIELDS;
pub use links::Links;

use super::lines::{Line, Lines, is_tls, reply, verb};
use super::{Close, Context, FirstBytes, Next, Probe, StreamParser};
use crate::messages::{Direction, EventKind};
use limits::{MAX_LINE, MAX_OUTSTANDING, MIN_DATA_PORT};
use session::{Action, Data, Ending, Pending, Reply, Session, known};
use std::net::IpAddr;

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    (
        "ftp_foreign_address",
        "A data connection announced for another host than the two that speak: a bounce attack, a transfer between servers, \
         or a server behind address translation",
    ),
    ("ftp_low_port", "A data connection announced on a port below 1024: it is not followed"),
    ("ftp_not_spoken", "A side that began as FTP and then says what is none"),
    ("ftp_too_many_announcements", "More data connections announced than the limit: the oldest is forgotten"),
    ("ftp_too_many_outstanding", "More commands without a reply than the limit"),
];

/// Probe: lines in a row that no FTP client or server says; then it is something else.
const MAX_STRANGE: u8 = 8;
/// How long the end of a data connection is waited for after the reply that tells of it.
const DATA_WAIT: u64 = 5_000_000_000;

/// Reads one control connection.
#[derive(Debug, Default)]
pub struct Ftp {
    commands: Lines,
    replies: Lines,
    /// Code of the reply whose lines are being read.
    within: Option<u16>,
    strange: [u8; 2],
    session: Box<Session>,
    is_done: bool,
}

impl StreamParser for Ftp {
    const KINDS: &'static [EventKind] = &[EventKind::Ftp, EventKind::File];
    const FIRST: FirstBytes = FirstBytes::of(b"12345UuPpQqNnCcHhFfSsAaEeXxTtOo");

    fn probe(data: &[u8], direction: Direction) -> Probe {
        probe::probe(data, direction)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        if self.is_done {
            return Next::Done;
        }
        self.session.spoke[direction.index()] = true;
        self.end_transfer(false, cx);
        let next = match direction {
            Direction::ToServer => self.client(data, cx),
            Direction::ToClient => self.server(data, cx),
        };
        if self.strange[direction.index()] < MAX_STRANGE {
            return next;
        }
        cx.weird("ftp", "ftp_not_spoken", b"");
        Next::Done
    }

    fn gap(&mut self, direction: Direction, _: u64, cx: &mut Context<'_>) -> Next {
        self.session.lost[direction.index()] = true;
        match direction {
            Direction::ToServer => self.commands.gap(),
            Direction::ToClient => {
                self.replies.gap();
                self.within = None;
                self.forget_outstanding(cx);
            }
        }
        Next::More
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.end_transfer(false, cx);
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.is_done, true) {
            self.end_transfer(true, cx);
            self.forget_outstanding(cx);
            if self.session.told == 0 && self.session.spoke != [false; 2] {
                event::session(&self.session, cx);
            }
            self.drop_link(cx);
        }
        *self = Self { is_done: true, ..Self::default() };
    }

    fn held(&self) -> usize {
        self.commands.held() + self.replies.held() + self.session.held()
    }
}

/// The client.
impl Ftp {
    fn client(&mut self, mut data: &[u8], cx: &mut Context<'_>) -> Next {
        while !data.is_empty() {
            if !self.commands.is_within() && is_tls(data) {
                return Next::Switch(data.len());
            }
            if let Some(line) = self.commands.next(&mut data, &MAX_LINE) {
                self.line(&line, cx);
            }
        }
        Next::More
    }

    fn line(&mut self, line: &Line, cx: &mut Context<'_>) {
        // An interrupt and a data mark of telnet may stand before ABOR (RFC 959 4.1.3).
        let text = line.bytes.trim_ascii_start();
        let text =
            text.get(text.iter().position(|byte| *byte < 0x80).unwrap_or(text.len())..).unwrap_or_default();
        let (word, argument) = verb(text);
        let Some(name) = known(word) else {
            let is_word = (3..=4).contains(&word.len()) && word.iter().all(u8::is_ascii_alphabetic);
            self.strange[0] = if is_word { 0 } else { self.strange[0].saturating_add(1) };
            return self.expect(Pending::new("", b"", cx), cx);
        };
        self.strange[0] = 0;
        self.command(name, argument, cx);
    }

    fn command(&mut self, name: &'static str, argument: &[u8], cx: &mut Context<'_>) {
        let argument = match name {
            // A secret is not kept.
            "PASS" | "ACCT" => {
                self.session.password |= !argument.is_empty();
                b""
            }
            "SITE" if argument.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"PSWD")) => {
                &b"PSWD"[..]
            }
            _ => argument,
        };
        match name {
            "USER" => (self.session.user, self.session.password) = (Some(argument.to_vec()), false),
            "PORT" => self.announce("active", announce::six(argument), cx),
            "EPRT" => self.announce("active", announce::barred(argument), cx),
            "RNFR" => self.session.rename_from = Some(argument.to_vec()),
            _ => {}
        }
        if matches!(Action::of(name), Some(Action::Download | Action::Upload)) {
            self.name_link(argument, cx);
        }
        self.expect(Pending::new(name, argument, cx), cx);
    }

    fn expect(&mut self, pending: Pending, cx: &mut Context<'_>) {
        if self.session.outstanding.len() >= MAX_OUTSTANDING.get() {
            if self.session.spoke[1] {
                cx.limit(&MAX_OUTSTANDING, "ftp_too_many_outstanding", b"");
            }
            if let Some(oldest) = self.session.outstanding.pop_front() {
                self.unanswered(&oldest, cx);
            }
        }
        self.session.outstanding.push_back(pending);
    }

    /// Nobody will be seen to answer what waits.
    fn forget_outstanding(&mut self, cx: &mut Context<'_>) {
        while let Some(pending) = self.session.outstanding.pop_front() {
            self.unanswered(&pending, cx);
        }
    }

    fn unanswered(&mut self, pending: &Pending, cx: &mut Context<'_>) {
        if Action::of(pending.name).is_some() {
            cx.at((pending.time, pending.packet), |cx| {
                let data = self.session.data.clone().filter(|_| is_transfer(pending.name));
                event::emit(&self.session, pending, None, data.as_ref(), cx);
            });
            self.session.told += 1;
        }
    }
}

/// Data connections.
impl Ftp {
    /// The two that speak are the two that transfer; the text may say otherwise where addresses are translated.
    fn announce(&mut self, mode: &'static str, told: Option<(Option<IpAddr>, u16)>, cx: &mut Context<'_>) {
        let Some((ip, port)) = told else { return };
        self.drop_link(cx);
        let [client, server] = cx.flow.ip;
        let (from, to) = if mode == "active" { (server, client) } else { (client, server) };
        if let Some(foreign) = ip.filter(|ip| *ip != to) {
            cx.weird("ftp", "ftp_foreign_address", foreign.to_string().as_bytes());
        }
        let ends = ([from, to], port);
        if port < MIN_DATA_PORT {
            cx.weird("ftp", "ftp_low_port", port.to_string().as_bytes());
        } else if !cx.shared.ftp.expect(ends, cx.time) {
            cx.limit(&limits::MAX_ANNOUNCED, "ftp_too_many_announcements", b"");
        }
        self.session.data = Some(Data { mode, ip, ends, bytes: None });
    }

    /// A transfer is asked for: its file has a name.
    fn name_link(&mut self, argument: &[u8], cx: &mut Context<'_>) {
        let path = self.session.path(argument);
        if let Some(data) = &self.session.data {
            cx.shared.ftp.name(&data.ends, path);
        }
    }

    fn drop_link(&mut self, cx: &mut Context<'_>) {
        if let Some(data) = self.session.data.take() {
            cx.shared.ftp.remove(&data.ends);
        }
    }

    /// A transfer was told to be over: its event goes out when its data connection is.
    fn end_transfer(&mut self, is_last: bool, cx: &mut Context<'_>) {
        let Some(ending) = &self.session.ending else { return };
        let link = ending.data.as_ref().and_then(|data| cx.shared.ftp.get(&data.ends));
        let waits = link.is_some_and(|link| link.is_open && !link.is_over);
        let is_due = is_last || cx.time.saturating_sub(ending.time) > DATA_WAIT;
        if waits && !is_due {
            return;
        }
        let Some(mut ending) = self.session.ending.take() else { return };
        if let Some(data) = &mut ending.data {
            let link = cx.shared.ftp.remove(&data.ends).filter(|link| link.is_open);
            data.bytes = link.map(|link| link.bytes);
        }
        cx.at((ending.time, ending.packet), |cx| {
            event::emit(&self.session, &ending.pending, Some(&ending.reply), ending.data.as_ref(), cx)
        });
        self.session.told += 1;
    }
}

/// The server.
impl Ftp {
    fn server(&mut self, mut data: &[u8], cx: &mut Context<'_>) -> Next {
        while !data.is_empty() {
            if !self.replies.is_within() && is_tls(data) {
                return Next::Switch(data.len());
            }
            let Some(line) = self.replies.next(&mut data, &MAX_LINE) else { break };
            if self.reply_line(&line.bytes, cx) {
                return Next::Switch(data.len());
            }
        }
        Next::More
    }

    /// True where TLS begins behind this line.
    fn reply_line(&mut self, line: &[u8], cx: &mut Context<'_>) -> bool {
        let told = reply(line);
        if let Some(code) = self.within {
            // The lines between may begin with anything.
            if told != Some((code, false)) {
                return false;
            }
        }
        let Some((code, has_more)) = told else {
            self.strange[1] = self.strange[1].saturating_add(1);
            return false;
        };
        self.strange[1] = 0;
        let text = line.get(4..).unwrap_or_default();
        self.greeting(code, text);
        self.within = has_more.then_some(code);
        !has_more && self.replied(Reply { code, text: text.to_vec() }, cx)
    }

    fn greeting(&mut self, code: u16, text: &[u8]) {
        if matches!(code, 120 | 220 | 421) && !self.session.has_replied && self.session.greeting.is_none() {
            self.session.greeting = Some(text.to_vec());
        }
    }

    fn replied(&mut self, reply: Reply, cx: &mut Context<'_>) -> bool {
        let greets =
            matches!(reply.code, 120 | 220) && !std::mem::replace(&mut self.session.has_replied, true);
        if greets || reply.code < 200 {
            return false;
        }
        let Some(pending) = self.session.outstanding.pop_front() else { return false };
        let begins_tls = pending.name == "AUTH" && reply.code == 234;
        self.answered(pending, reply, cx);
        begins_tls
    }

    fn answered(&mut self, pending: Pending, reply: Reply, cx: &mut Context<'_>) {
        match (pending.name, reply.code) {
            ("PASV", 227) => self.announce("passive", announce::six(&reply.text), cx),
            ("EPSV", 229) => self.announce("passive", announce::barred(&reply.text), cx),
            ("PWD" | "XPWD", 257) => self.session.directory = session::quoted(&reply.text),
            ("CWD" | "XCWD", 200..=299) => {
                self.session.directory = Some(self.session.path(&pending.argument))
            }
            ("CDUP" | "XCUP", 200..=299) => self.session.directory = None,
            ("USER", 300..=399) => return,
            _ => {}
        }
        if Action::of(pending.name).is_none() {
            return;
        }
        self.session.tls |= pending.name == "AUTH" && reply.code == 234;
        if is_transfer(pending.name) {
            self.end_transfer(true, cx);
            let data = self.session.data.take();
            self.session.ending = Some(Ending { pending, reply, data, time: cx.time, packet: cx.packet });
            return self.end_transfer(false, cx);
        }
        event::emit(&self.session, &pending, Some(&reply), None, cx);
        self.session.told += 1;
    }
}

fn is_transfer(name: &str) -> bool {
    matches!(Action::of(name), Some(Action::Download | Action::Upload | Action::List))
}
