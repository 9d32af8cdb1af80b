//! Requests.

use super::{Chain, Command, Header, Message, NO_FILE, negotiate, stranger, unanswered};
use crate::proto::Context;
use crate::proto::little::{bytes_at, size, u8_at, u16_at, u32_at, u64_at, utf16_up_to};
use crate::proto::ntlm::mechanism;
use crate::proto::smb::Smb;
use crate::proto::smb::file::OpenFile;
use crate::proto::smb::limits::MAX_NAME;
use crate::proto::smb::names;
use crate::proto::smb::reader::Bulk;
use crate::proto::smb::state::{Asked, Create, Delete, LogIn, Pending, Rename, ShareType};

/// Information of a file ([MS-FSCC] 2.4) that renames, links or deletes it.
const FILE_INFO: u8 = 1;
const RENAME: u8 = 10;
const LINK: u8 = 11;
const DISPOSITION: u8 = 13;
const DISPOSITION_EX: u8 = 64;
const RENAME_EX: u8 = 65;

/// Takes one request. None where it is malformed; else the bulk that follows.
pub(super) fn take(smb: &mut Smb, message: &Message<'_>, cx: &mut Context<'_>) -> Option<Option<Bulk>> {
    let chain = enter(smb, message.header);
    let mut bulk = None;
    let asked = match message.header.command {
        Command::NEGOTIATE => Asked::Negotiate(Box::new(negotiate::request(message)?)),
        Command::SESSION_SETUP => session_setup(smb, message, cx)?,
        Command::LOGOFF => Asked::LogOff,
        Command::TREE_CONNECT => Asked::Tree(tree_path(message)?),
        Command::TREE_DISCONNECT => Asked::TreeDisconnect,
        Command::CREATE => create(smb, message, chain, cx)?,
        Command::CLOSE => about_file(smb, message, 8, Asked::Close, cx)?,
        Command::READ => about_file(smb, message, 16, Asked::Read(u64_at(message.body(), 8)?), cx)?,
        Command::WRITE => write(smb, message, &mut bulk, cx)?,
        Command::IOCTL => ioctl(smb, message, &mut bulk, cx)?,
        Command::SET_INFO => match set_info(smb, message, cx)? {
            Some(asked) => asked,
            None => return Some(None),
        },
        _ => return Some(None),
    };
    keep(smb, message.header, asked, cx);
    Some(bulk)
}

/// Notes what a chain of commands is about, so that related ones inherit it.
fn enter(smb: &mut Smb, header: Header) -> Chain {
    if !header.has(Header::RELATED) {
        smb.chain = Chain { session: header.session, tree: header.tree, file: None };
    }
    smb.chain
}

fn keep(smb: &mut Smb, header: Header, asked: Asked, cx: &mut Context<'_>) {
    let is_of_file = !matches!(asked, Asked::Negotiate(_) | Asked::Session(_) | Asked::Tree(_));
    let pending = Pending {
        id: header.id,
        session: smb.chain.session,
        tree: smb.chain.tree,
        file: smb.chain.file.filter(|_| is_of_file),
        time: cx.time,
        packet: cx.packet,
        asked,
    };
    if let Some(oldest) = smb.state.keep(pending, cx) {
        unanswered(smb, oldest, cx);
    }
}

fn session_setup(smb: &mut Smb, message: &Message<'_>, cx: &mut Context<'_>) -> Option<Asked> {
    let body = message.body();
    let token = message.part(u16_at(body, 12)?.into(), u16_at(body, 14)?.into())?;
    let session = message.header.session;
    let known = smb.state.sessions.iter_mut().find(|known| known.id == session && session != 0);
    let mut log_in = known.and_then(|known| known.log_in.take()).unwrap_or_default();
    fill_log_in(&mut log_in, token, cx);
    Some(Asked::Session(log_in))
}

/// Takes a client's token.
pub(in crate::proto::smb) fn fill_log_in(log_in: &mut LogIn, token: &[u8], cx: &mut Context<'_>) {
    log_in.rounds = log_in.rounds.saturating_add(1);
    log_in.mechanism = mechanism::used(token).or(log_in.mechanism);
    log_in.ntlm.token(token, cx);
}

fn tree_path(message: &Message<'_>) -> Option<Vec<u8>> {
    let body = message.body();
    let path = message.part(u16_at(body, 4)?.into(), u16_at(body, 6)?.into())?;
    Some(name(path))
}

fn name(text: &[u8]) -> Vec<u8> {
    utf16_up_to(text, &MAX_NAME)
}

fn create(smb: &mut Smb, message: &Message<'_>, chain: Chain, cx: &mut Context<'_>) -> Option<Asked> {
    let body = message.body();
    let path = message.part(u16_at(body, 44)?.into(), u16_at(body, 46)?.into())?;
    let create = Create {
        name: name(path),
        access: u32_at(body, 24)?,
        disposition: u32_at(body, 36)?,
        options: u32_at(body, 40)?,
    };
    let file = OpenFile {
        session: chain.session,
        tree: chain.tree,
        is_pipe: is_pipe(smb, chain),
        delete_on_close: create.options & names::DELETE_ON_CLOSE != 0,
        create: Some(Box::new(create.clone())),
        ..OpenFile::default()
    };
    add_file(smb, file, cx);
    Some(Asked::Create(Box::new(create)))
}

fn is_pipe(smb: &Smb, chain: Chain) -> bool {
    let tree = smb.state.tree(chain.tree, chain.session);
    tree.is_some_and(|tree| tree.kind == Some(ShareType::Pipe))
}

fn add_file(smb: &mut Smb, file: OpenFile, cx: &mut Context<'_>) -> u32 {
    let (serial, oldest) = smb.state.add_file(file, cx);
    if let Some(oldest) = oldest {
        smb.finish_file(oldest, cx);
    }
    smb.chain.file = Some(serial);
    serial
}

/// Finds the open file that the request names at `at` in its body, and makes it the chain's.
fn find_file(smb: &mut Smb, message: &Message<'_>, at: usize, cx: &mut Context<'_>) -> Option<Option<u32>> {
    let id = message.file_id(at)?;
    if id == NO_FILE {
        return Some(smb.chain.file);
    }
    let chain = smb.chain;
    let serial = match smb.state.file_by_id(id) {
        Some(serial) => serial,
        None => add_file(smb, stranger(id, chain.session, chain.tree, is_pipe(smb, chain)), cx),
    };
    smb.chain.file = Some(serial);
    Some(Some(serial))
}

fn about_file(
    smb: &mut Smb,
    message: &Message<'_>,
    at: usize,
    asked: Asked,
    cx: &mut Context<'_>,
) -> Option<Asked> {
    find_file(smb, message, at, cx)?;
    Some(asked)
}

fn write(
    smb: &mut Smb,
    message: &Message<'_>,
    bulk: &mut Option<Bulk>,
    cx: &mut Context<'_>,
) -> Option<Asked> {
    let body = message.body();
    let (at, len, offset) = (u16_at(body, 2)?, u32_at(body, 4)?, u64_at(body, 8)?);
    if let Some(file) = find_file(smb, message, 16, cx)? {
        *bulk = message.bulk(at.into(), size(len), file, offset);
    }
    Some(Asked::Write(offset.saturating_add(len.into())))
}

fn ioctl(
    smb: &mut Smb,
    message: &Message<'_>,
    bulk: &mut Option<Bulk>,
    cx: &mut Context<'_>,
) -> Option<Asked> {
    let body = message.body();
    let code = u32_at(body, 4)?;
    let file = find_file(smb, message, 8, cx)?;
    if code != names::PIPE_TRANSCEIVE {
        return Some(Asked::Ioctl(code));
    }
    if let Some(file) = file {
        if let Some(open) = smb.state.file_mut(file) {
            open.is_pipe = true;
        }
        *bulk = message.bulk(size(u32_at(body, 24)?), size(u32_at(body, 28)?), file, 0);
    }
    Some(Asked::Transact)
}

/// The inner None is information that is not followed.
fn set_info(smb: &mut Smb, message: &Message<'_>, cx: &mut Context<'_>) -> Option<Option<Asked>> {
    let body = message.body();
    let (kind, class) = (u8_at(body, 2)?, u8_at(body, 3)?);
    find_file(smb, message, 16, cx)?;
    if kind != FILE_INFO {
        return Some(None);
    }
    let info = message.part(u16_at(body, 8)?.into(), size(u32_at(body, 4)?));
    Some(match class {
        RENAME | RENAME_EX | LINK => Some(Asked::Rename(Box::new(rename(info?, class == LINK)?))),
        DISPOSITION | DISPOSITION_EX if u8_at(info?, 0)? & 1 != 0 => {
            Some(Asked::Delete(Box::<Delete>::default()))
        }
        _ => None,
    })
}

fn rename(info: &[u8], is_link: bool) -> Option<Rename> {
    let to = bytes_at(info, 20, size(u32_at(info, 16)?))?;
    Some(Rename { from: None, to: name(to), is_link })
}
