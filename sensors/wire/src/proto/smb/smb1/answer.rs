//! Answers.

use super::{BUFFER_OVERFLOW, Block, Command, MORE_PROCESSING, file_id};
use crate::proto::Context;
use crate::proto::little::{array_at, bytes_at, u8_at, u64_at};
use crate::proto::ntlm::mechanism::{self, Mechanism};
use crate::proto::smb::Smb;
use crate::proto::smb::dialect::Dialect;
use crate::proto::smb::event::{self, Agreed, Opened};
use crate::proto::smb::file::READ;
use crate::proto::smb::names;
use crate::proto::smb::reader::Bulk;
use crate::proto::smb::smb2;
use crate::proto::smb::state::{Asked, LogIn, Offer, Pending, ShareType, Tree};

/// Takes one command of an answer. None where it is malformed; else the bulk that follows.
pub(super) fn take(smb: &mut Smb, block: &Block<'_>, cx: &mut Context<'_>) -> Option<Option<Bulk>> {
    let pending = smb.state.take(block.header.id, |asked| fits(block.command, asked));
    match block.command {
        Command::NEGOTIATE => negotiated(smb, block, pending, cx)?,
        Command::SESSION_SETUP_ANDX => session_setup(smb, block, pending, cx)?,
        Command::LOGOFF_ANDX => smb.state.sessions.retain(|session| session.id != block.header.session),
        Command::TREE_CONNECT_ANDX => tree_connect(smb, block, pending, cx),
        Command::TREE_DISCONNECT => {
            let header = block.header;
            smb.state.trees.retain(|tree| (tree.id, tree.session) != (header.tree, header.session));
        }
        Command::NT_CREATE_ANDX | Command::OPEN_ANDX => open(smb, block, pending, cx)?,
        Command::READ_ANDX => return read(smb, block, pending),
        Command::WRITE_ANDX => write(smb, block, pending)?,
        Command::TRANSACTION | Command::TRANSACTION2 | Command::NT_TRANSACT if is_told(pending.as_ref()) => {
            if let Some(Asked::Transaction(told)) = pending.map(|pending| pending.asked) {
                event::transaction(&smb.state, &block.place(), &told, cx);
            }
        }
        Command::TRANSACTION => return transaction(block, pending),
        Command::DELETE | Command::RENAME | Command::NT_RENAME | Command::TRANSACTION2 => {
            if let Some(pending) = pending {
                smb2::changed(smb, &pending, &block.place(), cx);
            }
        }
        Command::CLOSE => close(smb, block, pending, cx),
        _ => {}
    }
    Some(None)
}

fn is_told(pending: Option<&Pending>) -> bool {
    pending.is_some_and(|pending| matches!(pending.asked, Asked::Transaction(_)))
}

fn fits(command: Command, asked: &Asked) -> bool {
    match asked {
        Asked::Negotiate(_) => command == Command::NEGOTIATE,
        Asked::Session(_) => command == Command::SESSION_SETUP_ANDX,
        Asked::Tree(_) => command == Command::TREE_CONNECT_ANDX,
        Asked::Create(_) => matches!(command, Command::NT_CREATE_ANDX | Command::OPEN_ANDX),
        Asked::Read(_) => command == Command::READ_ANDX,
        Asked::Write(_) => command == Command::WRITE_ANDX,
        Asked::Rename(_) => matches!(command, Command::RENAME | Command::NT_RENAME | Command::TRANSACTION2),
        Asked::Delete(_) => matches!(command, Command::DELETE | Command::TRANSACTION2),
        Asked::Transact => command == Command::TRANSACTION,
        Asked::Transaction(_) => {
            matches!(command, Command::TRANSACTION | Command::TRANSACTION2 | Command::NT_TRANSACT)
        }
        Asked::Close => command == Command::CLOSE,
        Asked::LogOff => command == Command::LOGOFF_ANDX,
        Asked::TreeDisconnect => command == Command::TREE_DISCONNECT,
        Asked::Ioctl(_) => false,
    }
}

fn negotiated(
    smb: &mut Smb,
    block: &Block<'_>,
    pending: Option<Pending>,
    cx: &mut Context<'_>,
) -> Option<()> {
    let offer = match pending.map(|pending| pending.asked) {
        Some(Asked::Negotiate(offer)) => Some(offer),
        _ => None,
    };
    let place = block.place();
    let agreed = if names::is_failure(block.header.status) { None } else { agreed(block, offer.as_deref())? };
    if agreed.is_some() {
        smb.state.dialect = Some(Dialect::Smb1);
    }
    event::negotiate(&smb.state, &place, offer.as_deref(), agreed.as_ref(), cx);
    Some(())
}

/// The inner None is a server that takes none of the dialects.
fn agreed(block: &Block<'_>, offer: Option<&Offer>) -> Option<Option<Agreed>> {
    let index = block.word(0)?;
    if index == u16::MAX {
        return Some(None);
    }
    let name = offer.and_then(|offer| offer.dialects.get(usize::from(index)));
    let dialect = name.cloned().unwrap_or_default();
    let Some(capabilities) = block.double(19) else {
        return Some(Some(Agreed { dialect, ..Agreed::default() }));
    };
    let security = u8_at(block.words, 2)?;
    let is_extended = capabilities & 0x8000_0000 != 0;
    let token = block.bytes.get(16..).filter(|_| is_extended).unwrap_or_default();
    Some(Some(Agreed {
        dialect: if dialect.is_empty() { b"NT LM 0.12".to_vec() } else { dialect },
        capabilities: names::capabilities_smb1(capabilities),
        signing: [security & 4 != 0, security & 8 != 0],
        guid: array_at(block.bytes, 0).filter(|_| is_extended),
        cipher: None,
        mechanisms: mechanism::offered(token).into_iter().map(Mechanism::name).collect(),
    }))
}

fn session_setup(
    smb: &mut Smb,
    block: &Block<'_>,
    pending: Option<Pending>,
    cx: &mut Context<'_>,
) -> Option<()> {
    let (place, status) = (block.place(), block.header.status);
    let mut log_in = match pending.map(|pending| pending.asked) {
        Some(Asked::Session(log_in)) => Some(log_in),
        _ => None,
    };
    if let Some(len) = block.word(6).filter(|_| block.words.len() == 8) {
        let token = bytes_at(block.bytes, 0, len.into())?;
        log_in.get_or_insert_with(Box::<LogIn>::default).ntlm.token(token, cx);
    }
    if status == MORE_PROCESSING {
        smb.state.session_mut(place.session, cx).log_in = log_in;
        return Some(());
    }
    let guest = block.word(4).map(|action| action & 1 != 0).filter(|_| !names::is_failure(status));
    smb.logged_in(&place, log_in.as_deref(), guest, cx);
    Some(())
}

fn tree_connect(smb: &mut Smb, block: &Block<'_>, pending: Option<Pending>, cx: &mut Context<'_>) {
    let place = block.place();
    let path = match pending.map(|pending| pending.asked) {
        Some(Asked::Tree(path)) => Some(path),
        _ => None,
    };
    let service = block.texts(0).plain().next().unwrap_or_default();
    let kind = match &service[..] {
        b"A:" => Some(ShareType::Disk),
        b"IPC" => Some(ShareType::Pipe),
        b"LPT1:" => Some(ShareType::Print),
        _ => None,
    };
    let tree = Tree { id: place.tree, session: place.session, path, kind };
    event::tree(&smb.state, &place, Some(&tree), cx);
    if !names::is_failure(block.header.status) {
        smb.state.add_tree(tree, cx);
    }
}

fn open(smb: &mut Smb, block: &Block<'_>, pending: Option<Pending>, cx: &mut Context<'_>) -> Option<()> {
    let place = block.place();
    let serial = pending.as_ref().and_then(|pending| pending.file);
    let asked = match pending.as_ref().map(|pending| &pending.asked) {
        Some(Asked::Create(create)) => Some(&**create),
        _ => None,
    };
    let tree = smb.state.tree(place.tree, place.session);
    let mut is_pipe = tree.is_some_and(|tree| tree.kind == Some(ShareType::Pipe));
    if block.header.status >> 30 != 0 {
        if let Some(serial) = serial {
            smb.state.remove_file(serial);
        }
        event::open(&smb.state, &place, (asked, is_pipe), None, cx);
        return Some(());
    }
    let (fid, opened) = if block.command == Command::OPEN_ANDX { old_opened(block)? } else { opened(block)? };
    is_pipe |= block.command == Command::NT_CREATE_ANDX && matches!(block.word(63), Some(1 | 2));
    event::open(&smb.state, &place, (asked, is_pipe), Some(&opened), cx);
    let mut file = serial.and_then(|serial| smb.state.remove_file(serial)).unwrap_or_default();
    file.id = Some(file_id(fid));
    (file.session, file.tree) = (place.session, place.tree);
    (file.size, file.is_directory, file.is_pipe) = (Some(opened.size), opened.is_directory, is_pipe);
    match serial {
        Some(serial) => smb.state.put_back(serial, file),
        None => {
            if let (_, Some(oldest)) = smb.state.add_file(file, cx) {
                smb.finish_file(oldest, cx);
            }
        }
    }
    Some(())
}

/// FID and what stands in a new answer ([MS-CIFS] 2.2.4.64.2).
fn opened(block: &Block<'_>) -> Option<(u16, Opened)> {
    let time = |at| u64_at(block.words, at);
    let attributes = block.double(43)?;
    let opened = Opened {
        action: block.double(7)?,
        times: [time(11)?, time(19)?, time(27)?, time(35)?],
        size: time(55)?,
        attributes,
        is_directory: u8_at(block.words, 67).is_some_and(|flag| flag != 0),
    };
    Some((block.word(5)?, opened))
}

/// The same in an old one ([MS-CIFS] 2.2.4.41.2).
fn old_opened(block: &Block<'_>) -> Option<(u16, Opened)> {
    let size = u64::from(block.double(12)?);
    let attributes = u32::from(block.word(6)?);
    Some((block.word(4)?, Opened { action: u32::MAX, size, attributes, ..Opened::default() }))
}

fn read(smb: &mut Smb, block: &Block<'_>, pending: Option<Pending>) -> Option<Option<Bulk>> {
    let status = block.header.status;
    let pending = pending.filter(|_| status == 0 || status == BUFFER_OVERFLOW);
    let Some((Some(serial), Asked::Read(offset))) = pending.map(|pending| (pending.file, pending.asked))
    else {
        return Some(None);
    };
    let len = usize::from(block.word(10)?) | usize::from(block.word(14)?) << 16;
    if let Some(file) = smb.state.file_mut(serial) {
        file.bytes[READ] += len as u64;
    }
    Some(block.bulk(block.word(12)?.into(), len, serial, offset))
}

fn write(smb: &mut Smb, block: &Block<'_>, pending: Option<Pending>) -> Option<()> {
    let Some(pending) = pending.filter(|_| block.header.status == 0) else { return Some(()) };
    let count = u64::from(block.word(4)?) | u64::from(block.word(8).unwrap_or_default()) << 16;
    if let Some(file) = pending.file.and_then(|serial| smb.state.file_mut(serial)) {
        file.written(count, &pending.asked);
    }
    Some(())
}

fn transaction(block: &Block<'_>, pending: Option<Pending>) -> Option<Option<Bulk>> {
    let Some(serial) = pending.and_then(|pending| pending.file) else { return Some(None) };
    if names::is_failure(block.header.status) {
        return Some(None);
    }
    Some(block.bulk(block.word(14)?.into(), block.word(12)?.into(), serial, 0))
}

fn close(smb: &mut Smb, block: &Block<'_>, pending: Option<Pending>, cx: &mut Context<'_>) {
    let serial = pending.and_then(|pending| pending.file).filter(|_| !names::is_failure(block.header.status));
    if let Some(mut file) = serial.and_then(|serial| smb.state.remove_file(serial)) {
        file.is_closed = true;
        smb.finish_file(file, cx);
    }
}
