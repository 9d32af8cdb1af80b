//! Requests.

use super::text::without_backslash;
use super::{Block, Command, file_id, transaction};
use crate::proto::Context;
use crate::proto::little::{bytes_at, size, u8_at, u16_at, u32_at, utf16_up_to};
use crate::proto::smb::Smb;
use crate::proto::smb::event::{self, Place};
use crate::proto::smb::file::OpenFile;
use crate::proto::smb::limits::{MAX_DIALECTS, MAX_NAME};
use crate::proto::smb::names;
use crate::proto::smb::reader::Bulk;
use crate::proto::smb::smb2;
use crate::proto::smb::state::{Asked, Create, Delete, LogIn, Offer, Pending, Rename, ShareType};

/// Functions of a transaction on a pipe ([MS-CIFS] 2.2.5).
const TRANSACT_NMPIPE: u16 = 0x0026;
const CALL_NMPIPE: u16 = 0x0054;
/// Subcommand of TRANSACTION2 that changes an open file, and the levels of information that matter here.
const SET_FILE_INFORMATION: u16 = 0x0008;
const DISPOSITION: [u16; 2] = [0x0102, 0x03f5];
const RENAME: u16 = 0x03f2;

/// The file that the command before in the same chain opened.
#[derive(Debug, Default)]
pub(super) struct Chain(Option<u32>);

/// Takes one command of a request. None where it is malformed; else the bulk that follows.
pub(super) fn take(
    smb: &mut Smb,
    block: &Block<'_>,
    chain: &mut Chain,
    cx: &mut Context<'_>,
) -> Option<Option<Bulk>> {
    let mut bulk = None;
    let asked = match block.command {
        Command::NEGOTIATE => Asked::Negotiate(Box::new(negotiate(block))),
        Command::SESSION_SETUP_ANDX => Asked::Session(session_setup(smb, block, cx)?),
        Command::TREE_CONNECT_ANDX => tree_connect(block)?,
        Command::NT_CREATE_ANDX => nt_create(smb, block, chain, cx)?,
        Command::OPEN_ANDX => open(smb, block, chain, cx)?,
        Command::READ_ANDX => {
            find_file(smb, block, block.word(4)?, chain, cx);
            Asked::Read(offset(block, 6, 20)?)
        }
        Command::WRITE_ANDX => {
            bulk = write(smb, block, chain, cx)?;
            let end = offset(block, 6, 24)?.saturating_add(length(block)? as u64);
            Asked::Write(end)
        }
        Command::CLOSE => {
            find_file(smb, block, block.word(0)?, chain, cx);
            Asked::Close
        }
        Command::DELETE => Asked::Delete(Box::new(Delete { name: Some(one_path(block)?) })),
        Command::RENAME | Command::NT_RENAME => Asked::Rename(Box::new(rename(block)?)),
        Command::TRANSACTION => match on_pipe(smb, block, chain, &mut bulk, cx)? {
            Some(asked) => asked,
            None => return Some(other_transaction(smb, block, cx)),
        },
        Command::TRANSACTION2 => match transaction2(smb, block, chain, cx)? {
            Some(asked) => asked,
            None => return Some(other_transaction(smb, block, cx)),
        },
        Command::NT_TRANSACT
        | Command::TRANSACTION_SECONDARY
        | Command::TRANSACTION2_SECONDARY
        | Command::NT_TRANSACT_SECONDARY => return Some(other_transaction(smb, block, cx)),
        Command::LOGOFF_ANDX => Asked::LogOff,
        Command::TREE_DISCONNECT => Asked::TreeDisconnect,
        _ => return Some(None),
    };
    keep(smb, block, asked, chain.0, cx);
    Some(bulk)
}

fn keep(smb: &mut Smb, block: &Block<'_>, asked: Asked, file: Option<u32>, cx: &mut Context<'_>) {
    let header = block.header;
    let pending = Pending {
        id: header.id,
        session: header.session,
        tree: header.tree,
        file,
        time: cx.time,
        packet: cx.packet,
        asked,
    };
    if let Some(oldest) = smb.state.keep(pending, cx) {
        smb2::unanswered(smb, oldest, cx);
    }
}

/// A transaction that is told by name. A further part has no answer of its own.
fn other_transaction(smb: &mut Smb, block: &Block<'_>, cx: &mut Context<'_>) -> Option<Bulk> {
    if let Some(told) = transaction::of(block, &mut smb.state.seconds) {
        match block.command {
            Command::TRANSACTION | Command::TRANSACTION2 | Command::NT_TRANSACT => {
                keep(smb, block, Asked::Transaction(Box::new(told)), None, cx);
            }
            _ => event::transaction(&smb.state, &Place { status: None, ..block.place() }, &told, cx),
        }
    }
    None
}

/// Each dialect stands behind a byte of 2 ([MS-CIFS] 2.2.4.52.1).
fn negotiate(block: &Block<'_>) -> Offer {
    let texts = block.bytes.split(|byte| *byte == 0).filter_map(|text| text.strip_prefix(&[2]));
    let dialects = MAX_DIALECTS.take(texts).map(<[u8]>::to_vec).collect();
    Offer { dialects, is_smb1: true, ..Offer::default() }
}

/// With extended security there is a token ([MS-SMB] 2.2.4.6.1), before it passwords and names ([MS-CIFS] 2.2.4.53.1).
fn session_setup(smb: &mut Smb, block: &Block<'_>, cx: &mut Context<'_>) -> Option<Box<LogIn>> {
    let session = block.header.session;
    let known = smb.state.sessions.iter_mut().find(|known| known.id == session && session != 0);
    let mut log_in = known.and_then(|known| known.log_in.take()).unwrap_or_default();
    let secrets = match block.words.len() {
        24 => {
            let token = bytes_at(block.bytes, 0, block.word(14)?.into())?;
            smb2::fill_log_in(&mut log_in, token, cx);
            return Some(log_in);
        }
        26 => usize::from(block.word(14)?) + usize::from(block.word(16)?),
        _ => block.word(14)?.into(),
    };
    let mut texts = block.texts(secrets);
    let user = texts.next().unwrap_or_default();
    log_in.plain = Some((user, texts.next().unwrap_or_default()));
    Some(log_in)
}

fn tree_connect(block: &Block<'_>) -> Option<Asked> {
    let password = usize::from(block.word(6)?);
    block.texts(password).next().map(Asked::Tree)
}

fn nt_create(smb: &mut Smb, block: &Block<'_>, chain: &mut Chain, cx: &mut Context<'_>) -> Option<Asked> {
    let create = Create {
        name: block.texts(0).path()?,
        access: block.double(15)?,
        disposition: block.double(35)?,
        options: block.double(39)?,
    };
    Some(begin_file(smb, block, create, chain, cx))
}

/// The older open: what it may do is told in other words ([MS-CIFS] 2.2.4.41.1).
fn open(smb: &mut Smb, block: &Block<'_>, chain: &mut Chain, cx: &mut Context<'_>) -> Option<Asked> {
    let access = match block.word(6)? & 7 {
        0 => 0x0001,
        1 => 0x0002,
        2 => 0x0003,
        _ => 0x0020,
    };
    let disposition = match block.word(16)? {
        0x01 => 1,
        0x02 => 4,
        0x10 => 2,
        0x11 => 3,
        _ => 5,
    };
    let create = Create { name: block.texts(0).path()?, access, disposition, options: 0 };
    Some(begin_file(smb, block, create, chain, cx))
}

fn begin_file(
    smb: &mut Smb,
    block: &Block<'_>,
    create: Create,
    chain: &mut Chain,
    cx: &mut Context<'_>,
) -> Asked {
    let file = OpenFile {
        delete_on_close: create.options & names::DELETE_ON_CLOSE != 0,
        create: Some(Box::new(create.clone())),
        ..place_file(smb, block)
    };
    add_file(smb, file, chain, cx);
    Asked::Create(Box::new(create))
}

fn place_file(smb: &Smb, block: &Block<'_>) -> OpenFile {
    let header = block.header;
    let tree = smb.state.tree(header.tree, header.session);
    let is_pipe = tree.is_some_and(|tree| tree.kind == Some(ShareType::Pipe));
    OpenFile { session: header.session, tree: header.tree, is_pipe, ..OpenFile::default() }
}

fn add_file(smb: &mut Smb, file: OpenFile, chain: &mut Chain, cx: &mut Context<'_>) {
    let (serial, oldest) = smb.state.add_file(file, cx);
    chain.0 = Some(serial);
    if let Some(oldest) = oldest {
        smb.finish_file(oldest, cx);
    }
}

/// Finds the open file of that FID; 0xffff is the one that the chain has just opened.
fn find_file(smb: &mut Smb, block: &Block<'_>, fid: u16, chain: &mut Chain, cx: &mut Context<'_>) {
    if fid == 0xffff && chain.0.is_some() {
        return;
    }
    match smb.state.file_by_id(file_id(fid)) {
        Some(serial) => chain.0 = Some(serial),
        None => {
            let file = OpenFile { id: Some(file_id(fid)), ..place_file(smb, block) };
            add_file(smb, file, chain, cx);
        }
    }
}

/// An offset whose upper half stands further back, if it is there at all.
fn offset(block: &Block<'_>, low: usize, high: usize) -> Option<u64> {
    let high = block.double(high).unwrap_or_default();
    Some(u64::from(high) << 32 | u64::from(block.double(low)?))
}

fn write(smb: &mut Smb, block: &Block<'_>, chain: &mut Chain, cx: &mut Context<'_>) -> Option<Option<Bulk>> {
    find_file(smb, block, block.word(4)?, chain, cx);
    let len = length(block)?;
    let at = usize::from(block.word(22)?);
    let begin = offset(block, 6, 24)?;
    let mode = block.word(14)?;
    // The first write of a message to a pipe may have the message's length before it ([MS-CIFS] 2.2.4.43.1).
    let prefix = if mode & 0x0008 != 0 && mode & 0x0004 != 0 { 2 } else { 0 };
    Some(chain.0.and_then(|file| block.bulk(at + prefix, len.checked_sub(prefix)?, file, begin)))
}

/// Bytes of a write.
fn length(block: &Block<'_>) -> Option<usize> {
    Some(usize::from(block.word(18)?) << 16 | usize::from(block.word(20)?))
}

fn one_path(block: &Block<'_>) -> Option<Vec<u8>> {
    let mut texts = block.texts(0);
    texts.skip_format();
    texts.path()
}

fn rename(block: &Block<'_>) -> Option<Rename> {
    let mut texts = block.texts(0);
    texts.skip_format();
    let from = texts.path()?;
    texts.skip_format();
    Some(Rename { from: Some(from), to: texts.path()?, is_link: false })
}

/// The inner None is a transaction that is not on a pipe.
fn on_pipe(
    smb: &mut Smb,
    block: &Block<'_>,
    chain: &mut Chain,
    bulk: &mut Option<Bulk>,
    cx: &mut Context<'_>,
) -> Option<Option<Asked>> {
    let setup = usize::from(u8_at(block.words, 26)?);
    if setup < 2 || !matches!(block.word(28)?, TRANSACT_NMPIPE | CALL_NMPIPE) {
        return Some(None);
    }
    find_file(smb, block, block.word(30)?, chain, cx);
    if let Some(serial) = chain.0 {
        if let Some(file) = smb.state.file_mut(serial) {
            file.is_pipe = true;
        }
        *bulk = block.bulk(block.word(24)?.into(), block.word(22)?.into(), serial, 0);
    }
    Some(Some(Asked::Transact))
}

/// A rename or a deletion of an open file; the inner None is anything else.
fn transaction2(
    smb: &mut Smb,
    block: &Block<'_>,
    chain: &mut Chain,
    cx: &mut Context<'_>,
) -> Option<Option<Asked>> {
    if block.word(28) != Some(SET_FILE_INFORMATION) {
        return Some(None);
    }
    let parameters = bytes_at(block.message, block.word(20)?.into(), block.word(18)?.into())?;
    let data = bytes_at(block.message, block.word(24)?.into(), block.word(22)?.into())?;
    let level = u16_at(parameters, 2)?;
    find_file(smb, block, u16_at(parameters, 0)?, chain, cx);
    Some(match level {
        level if DISPOSITION.contains(&level) && u8_at(data, 0)? & 1 != 0 => {
            Some(Asked::Delete(Box::<Delete>::default()))
        }
        RENAME => {
            let to = utf16_up_to(bytes_at(data, 12, size(u32_at(data, 8)?))?, &MAX_NAME);
            Some(Asked::Rename(Box::new(Rename { from: None, to: without_backslash(to), is_link: false })))
        }
        _ => None,
    })
}
