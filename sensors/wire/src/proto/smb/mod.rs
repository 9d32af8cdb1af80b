//! SMB 1, 2 and 3 over TCP (RFC 1002 framing): one `smb` event per operation of interest.
//!
//! Negotiations, log-ins, shares, opens, renames, deletions and control codes are told when they are answered;
//! reads and writes once a file, when it is closed. Roles follow content, not the flow's direction. What SMB 3
//! encrypts is unobserved, and one event says so.

mod dialect;
mod event;
mod file;
pub mod limits;
mod names;
mod reader;
mod smb1;
mod smb2;
mod state;
mod status;
#[cfg(test)]
mod tests;

pub use event::FIELDS;

use super::{Close, Context, FirstBytes, Next, Probe, StreamParser};
use crate::messages::{Direction, EventKind};
use crate::proto::little::u64_at;
use event::Place;
use file::{OpenFile, READ, WRITTEN};
use reader::{Bulk, COMPRESSED, ENCRYPTED, Item, Reader, SMB1, SMB2};
use state::{Offer, State};

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("smb_limit", "More requests, sessions, shares or files at once than the limit; the detail says which"),
    ("smb_malformed", "A message that contradicts itself; the detail is its command"),
    ("smb_no_message", "Something that is no SMB message where one must begin"),
];

/// Reads one connection.
#[derive(Debug, Default)]
pub struct Smb {
    readers: [Reader; 2],
    /// The way that the sender of a stream's bytes goes, as its messages show it.
    roles: [Option<Direction>; 2],
    state: State,
    chain: smb2::Chain,
    /// Compressed messages were told.
    compressed_told: bool,
}

impl StreamParser for Smb {
    const KINDS: &'static [EventKind] =
        &[EventKind::Smb, EventKind::Ntlm, EventKind::DceRpc, EventKind::File];
    const FIRST: FirstBytes = FirstBytes::of(&[0x00, 0x81, 0x82]);

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        let mut data = data;
        loop {
            let way = direction.index();
            match self.readers[way].next(&mut data) {
                Item::Element(bytes, len) => self.element(way, &bytes, len, cx),
                Item::Bulk(bulk, bytes) => self.bulk(way, bulk, bytes, cx),
                Item::Garbage if cx.from_start[way] => cx.weird("smb", "smb_no_message", b""),
                Item::Garbage => {}
                Item::Nothing => return Next::More,
            }
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, _: &mut Context<'_>) -> Next {
        let way = direction.index();
        let lost = self.readers[way].gap(len);
        let role = self.roles[way].unwrap_or(direction);
        if let Some(file) = lost.and_then(|bulk| self.state.file_mut(bulk.file)) {
            file.gap(role);
        }
        Next::More
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        while let Some(pending) = self.state.expired(cx.time) {
            smb2::unanswered(self, pending, cx);
        }
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        while let Some(pending) = self.state.pending.pop_front() {
            smb2::unanswered(self, pending, cx);
        }
        while let Some(file) = self.state.files.pop_front() {
            self.finish_file(file, cx);
        }
        self.unfinished_log_ins(cx);
    }

    fn held(&self) -> usize {
        self.readers.iter().map(Reader::held).sum::<usize>() + self.state.held()
    }
}

/// A session frame with a message in it, or a request for a session by name (port 139).
fn probe(data: &[u8]) -> Probe {
    match data {
        [0x00, _, _, _, rest @ ..] => match rest.len() {
            0..4 if [SMB1, SMB2, ENCRYPTED, COMPRESSED].iter().any(|magic| magic.starts_with(rest)) => {
                Probe::More
            }
            0..4 => Probe::No,
            _ if reader::is_message(data) => Probe::Yes,
            _ => Probe::No,
        },
        // The called name, 32 letters from A to P (RFC 1001 14.1).
        [0x81, flags, high, _, rest @ ..] => {
            let is_name =
                |(at, byte): (usize, &u8)| if at == 0 { *byte == 32 } else { (b'A'..=b'P').contains(byte) };
            let fits = *flags <= 1 && *high == 0 && rest.iter().take(33).enumerate().all(is_name);
            if !fits {
                Probe::No
            } else if rest.len() >= 33 {
                Probe::Yes
            } else {
                Probe::More
            }
        }
        [0x82, 0, 0, 0, rest @ ..] if rest.is_empty() || rest.first() == Some(&0) => match rest.len() {
            0..8 => Probe::More,
            _ if reader::is_message(rest) => Probe::Yes,
            _ => Probe::No,
        },
        [0x00 | 0x81 | 0x82] | [] | [0x00, ..] | [0x81, ..] if data.len() < 4 => Probe::More,
        [0x82, rest @ ..] if rest.len() < 3 && rest.iter().all(|byte| *byte == 0) => Probe::More,
        _ => Probe::No,
    }
}

impl Smb {
    fn element(&mut self, way: usize, bytes: &[u8], len: usize, cx: &mut Context<'_>) {
        let taken = match bytes.first_chunk() {
            Some(&SMB2) => smb2::element(self, bytes, len, cx),
            Some(&SMB1) => smb1::element(self, bytes, len, cx),
            Some(&ENCRYPTED) => return self.encrypted(bytes, cx),
            _ => return self.compressed(cx),
        };
        let Some((role, bulk)) = taken else {
            let command =
                bytes.get(if bytes.starts_with(&SMB1) { 4 } else { 12 }).copied().unwrap_or_default();
            return cx.weird("smb", "smb_malformed", format!("{command:#04x}").as_bytes());
        };
        self.roles[way] = Some(role);
        if let Some((bulk, early)) = bulk.and_then(|bulk| self.readers[way].expect(bulk, bytes)) {
            self.bulk(way, bulk, early, cx);
        }
    }

    fn bulk(&mut self, way: usize, bulk: Bulk, bytes: &[u8], cx: &mut Context<'_>) {
        let role = self.roles[way].unwrap_or(Direction::ToServer);
        let Some(at) = self.state.files.iter().position(|file| file.serial == bulk.file) else { return };
        let session = self.state.files.get(at).map_or(0, |file| file.session);
        let session = self.state.sessions.iter().find(|known| known.id == session);
        let user = session.map(|session| (&session.user[..], &session.domain[..]));
        if let Some(file) = self.state.files.get_mut(at) {
            file.data(role, bulk.offset, bytes, user, cx);
        }
    }

    /// Tells once a session that its messages cannot be read.
    fn encrypted(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        let id = u64_at(bytes, 44).unwrap_or_default();
        let session = self.state.session_mut(id, cx);
        if !std::mem::replace(&mut session.encrypted_told, true) {
            event::encrypted(&self.state, id, cx);
        }
    }

    fn compressed(&mut self, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.compressed_told, true) {
            event::compressed(&self.state, cx);
        }
    }

    /// A file was closed, or the flow ends: tells what was read, written, deleted.
    fn finish_file(&mut self, mut file: OpenFile, cx: &mut Context<'_>) {
        file.close_rpc(self.user_of(&file), cx);
        file.close_carved(cx);
        let place = Place { session: file.session, tree: file.tree, status: Some(0) };
        if file.bytes[READ] > 0 && !file.is_pipe {
            event::file(&self.state, &place, "file_read", &file, cx);
        }
        if file.bytes[WRITTEN] > 0 && !file.is_pipe {
            event::file(&self.state, &place, "file_write", &file, cx);
        }
        if file.delete_on_close && file.id.is_some() {
            event::file(&self.state, &place, "file_delete", &file, cx);
        }
    }

    fn user_of(&self, file: &OpenFile) -> Option<(&[u8], &[u8])> {
        self.state.session(file.session).map(|session| (&session.user[..], &session.domain[..]))
    }

    /// Log-ins that never came to their end.
    fn unfinished_log_ins(&mut self, cx: &mut Context<'_>) {
        for at in 0..self.state.sessions.len() {
            let Some(session) = self.state.sessions.get_mut(at) else { return };
            let place = Place { session: session.id, ..Place::default() };
            if let Some(log_in) = session.log_in.take() {
                self.logged_in(&place, Some(&log_in), None, cx);
            }
        }
    }

    /// The client's offer that was made in SMB1.
    fn take_offer(&mut self) -> Option<Box<Offer>> {
        let pending = self.state.take_any(|asked| matches!(asked, state::Asked::Negotiate(_)))?;
        match pending.asked {
            state::Asked::Negotiate(offer) => Some(offer),
            _ => None,
        }
    }
}
