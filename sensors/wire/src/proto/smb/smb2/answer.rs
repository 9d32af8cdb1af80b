//! Answers, and requests that got none.

use super::{BUFFER_OVERFLOW, Command, MORE_PROCESSING, Message, NO_FILE, STATUS_PENDING, negotiate, place};
use crate::proto::Context;
use crate::proto::little::{size, u8_at, u16_at, u32_at, u64_at};
use crate::proto::ntlm::Outcome;
use crate::proto::smb::Smb;
use crate::proto::smb::dialect::{ANY_SMB2, Dialect};
use crate::proto::smb::event::{self, Opened, Place};
use crate::proto::smb::file::{OpenFile, READ};
use crate::proto::smb::names;
use crate::proto::smb::reader::Bulk;
use crate::proto::smb::state::{Asked, LogIn, Pending, ShareType, Tree};

/// Takes one answer. None where it is malformed; else the bulk that follows.
pub(super) fn take(smb: &mut Smb, message: &Message<'_>, cx: &mut Context<'_>) -> Option<Option<Bulk>> {
    let header = message.header;
    if header.status == STATUS_PENDING {
        return Some(None);
    }
    let pending = smb.state.take(header.id, |asked| fits(header.command, asked));
    match header.command {
        Command::NEGOTIATE => negotiated(smb, message, pending, cx)?,
        Command::SESSION_SETUP => session_setup(smb, message, pending, cx)?,
        Command::LOGOFF => smb.state.sessions.retain(|session| session.id != header.session),
        Command::TREE_CONNECT => tree_connect(smb, message, pending, cx)?,
        Command::TREE_DISCONNECT => disconnect(smb, message),
        Command::CREATE => create(smb, message, pending, cx)?,
        Command::READ => return read(smb, message, pending),
        Command::WRITE => write(smb, message, pending)?,
        Command::IOCTL => return ioctl(smb, message, pending, cx),
        Command::SET_INFO => set_info(smb, message, pending, cx),
        Command::CLOSE => close(smb, message, pending, cx),
        _ => {}
    }
    Some(None)
}

fn fits(command: Command, asked: &Asked) -> bool {
    command
        == match asked {
            Asked::Negotiate(_) => Command::NEGOTIATE,
            Asked::Session(_) => Command::SESSION_SETUP,
            Asked::Tree(_) => Command::TREE_CONNECT,
            Asked::Create(_) => Command::CREATE,
            Asked::Read(_) => Command::READ,
            Asked::Write(_) => Command::WRITE,
            Asked::Rename(_) | Asked::Delete(_) => Command::SET_INFO,
            Asked::Ioctl(_) | Asked::Transact => Command::IOCTL,
            Asked::Transaction(_) => return false,
            Asked::Close => Command::CLOSE,
            Asked::LogOff => Command::LOGOFF,
            Asked::TreeDisconnect => Command::TREE_DISCONNECT,
        }
}

/// Where an answer belongs, by its request where that was seen.
fn place_of(message: &Message<'_>, pending: Option<&Pending>) -> Place {
    let status = Some(message.header.status);
    let own = Place { session: message.header.session, tree: message.header.tree, status };
    pending.map_or(own, |pending| place(pending, status))
}

fn negotiated(
    smb: &mut Smb,
    message: &Message<'_>,
    pending: Option<Pending>,
    cx: &mut Context<'_>,
) -> Option<()> {
    let place = place_of(message, pending.as_ref());
    let offer = match pending.map(|pending| pending.asked) {
        Some(Asked::Negotiate(offer)) => Some(offer),
        // The offer was made in SMB1, and the answer comes in SMB2 ([MS-SMB2] 3.3.5.3.1).
        _ => smb.take_offer(),
    };
    let agreed =
        if names::is_failure(message.header.status) { None } else { Some(negotiate::answer(message)?) };
    if let Some((dialect, _)) = &agreed {
        smb.state.dialect = Some(*dialect).filter(|dialect| *dialect != Dialect::Smb2(ANY_SMB2));
    }
    event::negotiate(&smb.state, &place, offer.as_deref(), agreed.as_ref().map(|agreed| &agreed.1), cx);
    Some(())
}

const GUEST: u16 = 1;
const ANONYMOUS: u16 = 2;

fn session_setup(
    smb: &mut Smb,
    message: &Message<'_>,
    pending: Option<Pending>,
    cx: &mut Context<'_>,
) -> Option<()> {
    let header = message.header;
    let place = Place { session: header.session, ..place_of(message, None) };
    let mut log_in = match pending.map(|pending| pending.asked) {
        Some(Asked::Session(log_in)) => Some(log_in),
        _ => None,
    };
    if header.status == MORE_PROCESSING || !names::is_failure(header.status) {
        let body = message.body();
        let token = message.part(u16_at(body, 4)?.into(), u16_at(body, 6)?.into())?;
        if let Some(log_in) = &mut log_in {
            log_in.ntlm.token(token, cx);
        } else if header.status == MORE_PROCESSING {
            let mut unseen = Box::<LogIn>::default();
            super::request::fill_log_in(&mut unseen, token, cx);
            log_in = Some(unseen);
        }
    }
    if header.status == MORE_PROCESSING {
        smb.state.session_mut(header.session, cx).log_in = log_in;
        return Some(());
    }
    let flags = u16_at(message.body(), 2).filter(|_| !names::is_failure(header.status));
    let guest = flags.map(|flags| flags & (GUEST | ANONYMOUS) != 0);
    smb.logged_in(&place, log_in.as_deref(), guest, cx);
    Some(())
}

impl Smb {
    /// A log-in came to its end.
    pub(in crate::proto::smb) fn logged_in(
        &mut self,
        place: &Place,
        log_in: Option<&LogIn>,
        guest: Option<bool>,
        cx: &mut Context<'_>,
    ) {
        let is_success = place.status.map(|status| !names::is_failure(status));
        if is_success == Some(true) {
            let session = self.state.session_mut(place.session, cx);
            let plain = log_in
                .and_then(|log_in| log_in.plain.as_ref())
                .map(|(user, domain)| (&user[..], &domain[..]));
            if let Some((user, domain)) = log_in.and_then(|log_in| log_in.ntlm.user()).or(plain) {
                (session.user, session.domain) = (user.to_vec(), domain.to_vec());
            }
        }
        event::session(&self.state, place, log_in, guest, cx);
        let outcome = match is_success {
            Some(true) => Outcome::Success,
            Some(false) => Outcome::Failure,
            None => Outcome::Unobserved,
        };
        let status = place.status.map(names::status);
        if let Some(log_in) = log_in {
            log_in.ntlm.finish("smb", outcome, status.as_deref(), cx);
        }
    }
}

fn tree_connect(
    smb: &mut Smb,
    message: &Message<'_>,
    pending: Option<Pending>,
    cx: &mut Context<'_>,
) -> Option<()> {
    let header = message.header;
    let place = Place { tree: header.tree, ..place_of(message, pending.as_ref()) };
    let path = match pending.map(|pending| pending.asked) {
        Some(Asked::Tree(path)) => Some(path),
        _ => None,
    };
    let mut tree = Tree { id: header.tree, session: place.session, path, kind: None };
    if names::is_failure(header.status) {
        event::tree(&smb.state, &place, Some(&tree), cx);
        return Some(());
    }
    tree.kind = match u8_at(message.body(), 2)? {
        1 => Some(ShareType::Disk),
        2 => Some(ShareType::Pipe),
        3 => Some(ShareType::Print),
        _ => None,
    };
    event::tree(&smb.state, &place, Some(&tree), cx);
    smb.state.add_tree(tree, cx);
    Some(())
}

fn disconnect(smb: &mut Smb, message: &Message<'_>) {
    let header = message.header;
    smb.state.trees.retain(|tree| (tree.id, tree.session) != (header.tree, header.session));
}

fn create(
    smb: &mut Smb,
    message: &Message<'_>,
    pending: Option<Pending>,
    cx: &mut Context<'_>,
) -> Option<()> {
    let place = place_of(message, pending.as_ref());
    let serial = pending.as_ref().and_then(|pending| pending.file);
    let asked = match pending.as_ref().map(|pending| &pending.asked) {
        Some(Asked::Create(create)) => Some(&**create),
        _ => None,
    };
    let is_pipe = serial.and_then(|serial| smb.state.file(serial)).is_some_and(|file| file.is_pipe)
        || smb.state.tree(place.tree, place.session).is_some_and(|tree| tree.kind == Some(ShareType::Pipe));
    // Warnings, as of a link that must be followed, open nothing either.
    if message.header.status >> 30 != 0 {
        if let Some(serial) = serial {
            smb.state.remove_file(serial);
        }
        event::open(&smb.state, &place, (asked, is_pipe), None, cx);
        return Some(());
    }
    let opened = opened(message)?;
    event::open(&smb.state, &place, (asked, is_pipe), Some(&opened), cx);
    let id = message.file_id(64)?;
    match serial.and_then(|serial| smb.state.file_mut(serial)) {
        Some(file) => fill(file, id, &opened),
        None => {
            let mut file = super::stranger(id, place.session, place.tree, is_pipe);
            fill(&mut file, id, &opened);
            if let (_, Some(oldest)) = smb.state.add_file(file, cx) {
                smb.finish_file(oldest, cx);
            }
        }
    }
    Some(())
}

fn opened(message: &Message<'_>) -> Option<Opened> {
    let body = message.body();
    let attributes = u32_at(body, 56)?;
    Some(Opened {
        action: u32_at(body, 4)?,
        times: [u64_at(body, 8)?, u64_at(body, 16)?, u64_at(body, 24)?, u64_at(body, 32)?],
        size: u64_at(body, 48)?,
        attributes,
        is_directory: attributes & names::DIRECTORY != 0,
    })
}

fn fill(file: &mut OpenFile, id: [u8; 16], opened: &Opened) {
    file.id = Some(id).filter(|id| *id != NO_FILE);
    file.size = Some(opened.size);
    file.is_directory = opened.is_directory;
}

fn read(smb: &mut Smb, message: &Message<'_>, pending: Option<Pending>) -> Option<Option<Bulk>> {
    let Some(pending) = pending else { return Some(None) };
    let status = message.header.status;
    let Some(serial) = pending.file.filter(|_| status == 0 || status == BUFFER_OVERFLOW) else {
        return Some(None);
    };
    let body = message.body();
    let (at, len) = (u8_at(body, 2)?, size(u32_at(body, 4)?));
    let Asked::Read(offset) = pending.asked else { return Some(None) };
    if let Some(file) = smb.state.file_mut(serial) {
        file.bytes[READ] += len as u64;
    }
    Some(message.bulk(at.into(), len, serial, offset))
}

fn write(smb: &mut Smb, message: &Message<'_>, pending: Option<Pending>) -> Option<()> {
    let Some(pending) = pending.filter(|_| message.header.status == 0) else { return Some(()) };
    let count = u32_at(message.body(), 4)?;
    if let Some(file) = pending.file.and_then(|serial| smb.state.file_mut(serial)) {
        file.written(u64::from(count), &pending.asked);
    }
    Some(())
}

fn ioctl(
    smb: &mut Smb,
    message: &Message<'_>,
    pending: Option<Pending>,
    cx: &mut Context<'_>,
) -> Option<Option<Bulk>> {
    let Some(pending) = pending else { return Some(None) };
    let status = message.header.status;
    if let Asked::Ioctl(code) = pending.asked {
        let name = pending.file.and_then(|serial| smb.state.file(serial)).and_then(OpenFile::name);
        event::ioctl(&smb.state, &place(&pending, Some(status)), code, name, cx);
        return Some(None);
    }
    let Some(serial) = pending.file.filter(|_| status == 0 || status == BUFFER_OVERFLOW) else {
        return Some(None);
    };
    let body = message.body();
    Some(message.bulk(size(u32_at(body, 32)?), size(u32_at(body, 36)?), serial, 0))
}

fn set_info(smb: &mut Smb, message: &Message<'_>, pending: Option<Pending>, cx: &mut Context<'_>) {
    let Some(pending) = pending else { return };
    let place = place(&pending, Some(message.header.status));
    changed(smb, &pending, &place, cx);
}

/// A rename or a deletion, whether it was answered or not.
pub(in crate::proto::smb) fn changed(smb: &mut Smb, pending: &Pending, place: &Place, cx: &mut Context<'_>) {
    let file = pending.file.and_then(|serial| smb.state.file(serial));
    match &pending.asked {
        Asked::Rename(rename) => {
            let from = rename.from.as_deref().or(file.and_then(OpenFile::name));
            event::rename(&smb.state, place, rename, from, cx);
            let file = pending.file.and_then(|serial| smb.state.file_mut(serial));
            let create = file.and_then(|file| file.create.as_mut());
            if let Some(create) = create.filter(|_| place.status == Some(0) && !rename.is_link) {
                create.name.clone_from(&rename.to);
            }
        }
        Asked::Delete(delete) => match file {
            Some(file) => event::file(&smb.state, place, "file_delete", file, cx),
            None => event::delete(&smb.state, place, delete.name.as_deref(), cx),
        },
        _ => {}
    }
}

fn close(smb: &mut Smb, message: &Message<'_>, pending: Option<Pending>, cx: &mut Context<'_>) {
    let serial =
        pending.and_then(|pending| pending.file).filter(|_| !names::is_failure(message.header.status));
    if let Some(mut file) = serial.and_then(|serial| smb.state.remove_file(serial)) {
        file.is_closed = true;
        smb.finish_file(file, cx);
    }
}

/// Gives out a request whose answer was not seen, at its own time.
pub(super) fn unanswered(smb: &mut Smb, pending: Pending, cx: &mut Context<'_>) {
    cx.at((pending.time, pending.packet), |cx| {
        let place = place(&pending, None);
        match &pending.asked {
            Asked::Negotiate(offer) => event::negotiate(&smb.state, &place, Some(offer), None, cx),
            Asked::Session(log_in) => smb.logged_in(&place, Some(log_in), None, cx),
            Asked::Tree(path) => {
                let tree = Tree { path: Some(path.clone()), ..Tree::default() };
                event::tree(&smb.state, &place, Some(&tree), cx);
            }
            Asked::Create(create) => {
                let file = pending.file.and_then(|serial| smb.state.file(serial));
                event::open(
                    &smb.state,
                    &place,
                    (Some(create), file.is_some_and(|file| file.is_pipe)),
                    None,
                    cx,
                );
            }
            Asked::Rename(_) | Asked::Delete(_) => changed(smb, &pending, &place, cx),
            Asked::Ioctl(code) => {
                let name = pending.file.and_then(|serial| smb.state.file(serial)).and_then(OpenFile::name);
                event::ioctl(&smb.state, &place, *code, name, cx);
            }
            Asked::Read(_) | Asked::Write(_) | Asked::Transact => {
                if let Some(file) = pending.file.and_then(|serial| smb.state.file_mut(serial)) {
                    file.in_part = true;
                }
            }
            Asked::Transaction(told) => event::transaction(&smb.state, &place, told, cx),
            Asked::Close | Asked::LogOff | Asked::TreeDisconnect => {}
        }
    });
}
