//! The `smb` events, one an operation.

use super::file::{OpenFile, READ, WRITTEN};
use super::names;
use super::state::{Create, LogIn, Offer, Rename, Session, State, Transaction, Tree};
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;

/// Every field that an `smb` event can carry, beside those of its flow.
pub const FIELDS: &[Field] = &[
    Field::SmbAccess,
    Field::SmbAccessMask,
    Field::SmbBytesRead,
    Field::SmbBytesWritten,
    Field::SmbCapabilities,
    Field::SmbCipher,
    Field::SmbClientCapabilities,
    Field::SmbClientGuid,
    Field::SmbClientSigning,
    Field::SmbCreateAction,
    Field::SmbDeleteOnClose,
    Field::SmbDialect,
    Field::SmbDialectsOffered,
    Field::SmbDisposition,
    Field::SmbFsctl,
    Field::SmbGuest,
    Field::SmbIsEncrypted,
    Field::SmbMechanism,
    Field::SmbMechanismsOffered,
    Field::SmbOptions,
    Field::SmbPreviousPath,
    Field::SmbServerGuid,
    Field::SmbServerName,
    Field::SmbServerSigning,
    Field::SmbSession,
    Field::SmbShare,
    Field::SmbShareType,
    Field::SmbStatus,
    Field::SmbTotalData,
    Field::SmbTransaction,
    Field::SmbTree,
    Field::SmbVersion,
    Field::EventAction,
    Field::FileAccessed,
    Field::FileAttributes,
    Field::FileCreated,
    Field::FileCtime,
    Field::FileMtime,
    Field::FileName,
    Field::FilePath,
    Field::FileSize,
    Field::FileType,
    Field::UserDomain,
    Field::UserName,
];

type Fields<'a> = Vec<(Field, Value<'a>)>;

/// Where an operation takes place, and how it came out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) session: u64,
    pub(super) tree: u32,
    /// None where the answer was not seen.
    pub(super) status: Option<u32>,
}

/// Texts that are made for an event.
struct Made {
    status: Vec<u8>,
    session: String,
}

impl Place {
    fn made(&self) -> Made {
        let status = self.status.map(names::status).unwrap_or_default();
        Made { status, session: format!("{:#x}", self.session) }
    }

    /// What every event tells.
    fn fields<'a>(&self, action: &'static str, state: &'a State, made: &'a Made) -> Fields<'a> {
        let mut fields = Fields::with_capacity(FIELDS.len());
        fields.push((Field::EventAction, Value::Text(action.as_bytes())));
        fields.push((
            Field::SmbStatus,
            if self.status.is_some() { Value::Text(&made.status) } else { Value::Unobserved },
        ));
        if self.session != 0 {
            fields.push((Field::SmbSession, Value::Text(made.session.as_bytes())));
        }
        if let Some(dialect) = state.dialect {
            fields.push((Field::SmbVersion, Value::Number(dialect.version())));
        }
        fields
    }
}

/// Who, where the log-in was seen.
fn push_user<'a>(fields: &mut Fields<'a>, session: Option<&'a Session>) {
    let Some(session) = session else { return };
    push_names(fields, &session.user, &session.domain);
}

fn push_names<'a>(fields: &mut Fields<'a>, user: &'a [u8], domain: &'a [u8]) {
    let names = [(Field::UserName, user), (Field::UserDomain, domain)];
    fields.extend(names.into_iter().filter(|row| !row.1.is_empty()).map(|row| (row.0, Value::Text(row.1))));
}

fn push_tree<'a>(fields: &mut Fields<'a>, id: u32, tree: Option<&'a Tree>) {
    fields.push((Field::SmbTree, Value::Number(id.into())));
    let path = tree.and_then(|tree| tree.path.as_deref());
    fields.push((Field::SmbShare, path.map_or(Value::Unobserved, Value::Text)));
    match tree.and_then(|tree| tree.kind) {
        Some(kind) => fields.push((Field::SmbShareType, Value::Text(kind.name().as_bytes()))),
        None => fields.push((Field::SmbShareType, Value::Unobserved)),
    }
}

fn push_path<'a>(fields: &mut Fields<'a>, path: Option<&'a [u8]>) {
    let Some(path) = path else {
        return fields.extend([(Field::FileName, Value::Unobserved), (Field::FilePath, Value::Unobserved)]);
    };
    let name = path.rsplit(|byte| *byte == b'\\').next().unwrap_or(path);
    if !path.is_empty() {
        fields.push((Field::FileName, Value::Text(name)));
    }
    fields.push((Field::FilePath, Value::Text(path)));
}

fn push_list<'a>(fields: &mut Fields<'a>, field: Field, list: &'a [Value<'a>]) {
    if !list.is_empty() {
        fields.push((field, Value::List(list)));
    }
}

fn send(mut fields: Fields<'_>, cx: &mut Context<'_>) {
    fields.sort_unstable_by_key(|field| field.0);
    cx.emit(EventKind::Smb, &fields);
}

fn texts(list: &[Vec<u8>]) -> Vec<Value<'_>> {
    list.iter().map(|text| Value::Text(text)).collect()
}

fn name_list(list: &[&'static str]) -> Vec<Value<'static>> {
    list.iter().map(|name| Value::Text(name.as_bytes())).collect()
}

/// What a server answers to an offer.
#[derive(Debug, Default)]
pub(super) struct Agreed {
    pub(super) dialect: Vec<u8>,
    pub(super) capabilities: Vec<&'static str>,
    /// Signing: is it enabled, is it required.
    pub(super) signing: [bool; 2],
    pub(super) guid: Option<[u8; 16]>,
    pub(super) cipher: Option<&'static str>,
    pub(super) mechanisms: Vec<&'static str>,
}

const fn signing([enabled, required]: [bool; 2]) -> &'static str {
    match (enabled, required) {
        (_, true) => "required",
        (true, false) => "enabled",
        (false, false) => "disabled",
    }
}

/// Texts made of a negotiation.
struct Negotiated<'a> {
    dialects: Vec<Value<'a>>,
    client_capabilities: Vec<Value<'static>>,
    capabilities: Vec<Value<'static>>,
    mechanisms: Vec<Value<'static>>,
    guids: [Option<String>; 2],
}

impl<'a> Negotiated<'a> {
    fn of(offer: Option<&'a Offer>, agreed: Option<&'a Agreed>) -> Self {
        let client = offer.map(|offer| names::capabilities(offer.capabilities)).unwrap_or_default();
        let guid = |guid: &[u8; 16]| names::guid(guid);
        Self {
            dialects: offer.map(|offer| texts(&offer.dialects)).unwrap_or_default(),
            client_capabilities: name_list(&client),
            capabilities: agreed.map(|agreed| name_list(&agreed.capabilities)).unwrap_or_default(),
            mechanisms: agreed.map(|agreed| name_list(&agreed.mechanisms)).unwrap_or_default(),
            guids: [
                offer.and_then(|offer| offer.guid.as_ref()).map(guid),
                agreed.and_then(|agreed| agreed.guid.as_ref()).map(guid),
            ],
        }
    }
}

/// A negotiation.
pub(super) fn negotiate(
    state: &State,
    place: &Place,
    offer: Option<&Offer>,
    agreed: Option<&Agreed>,
    cx: &mut Context<'_>,
) {
    if !cx.sink.wants(EventKind::Smb) {
        return;
    }
    let made = place.made();
    let lists = Negotiated::of(offer, agreed);
    let mut fields = place.fields("negotiate", state, &made);
    push_offer(&mut fields, offer, &lists);
    push_agreed(&mut fields, agreed, &lists, place.status.is_some());
    send(fields, cx);
}

fn push_offer<'a>(fields: &mut Fields<'a>, offer: Option<&'a Offer>, lists: &'a Negotiated<'a>) {
    let Some(offer) = offer else {
        let unseen = [Field::SmbDialectsOffered, Field::SmbClientSigning];
        return fields.extend(unseen.map(|field| (field, Value::Unobserved)));
    };
    push_list(fields, Field::SmbDialectsOffered, &lists.dialects);
    push_list(fields, Field::SmbClientCapabilities, &lists.client_capabilities);
    if !offer.is_smb1 {
        let says = signing([offer.security & 1 != 0, offer.security & 2 != 0]);
        fields.push((Field::SmbClientSigning, Value::Text(says.as_bytes())));
    }
    if let Some(guid) = &lists.guids[0] {
        fields.push((Field::SmbClientGuid, Value::Text(guid.as_bytes())));
    }
    if let Some(name) = &offer.server {
        fields.push((Field::SmbServerName, Value::Text(name)));
    }
}

fn push_agreed<'a>(
    fields: &mut Fields<'a>,
    agreed: Option<&'a Agreed>,
    lists: &'a Negotiated<'a>,
    is_answered: bool,
) {
    let Some(agreed) = agreed else {
        let unseen = [Field::SmbDialect, Field::SmbServerSigning, Field::SmbCapabilities];
        let unseen = unseen.into_iter().filter(|_| !is_answered);
        return fields.extend(unseen.map(|field| (field, Value::Unobserved)));
    };
    fields.push((Field::SmbDialect, Value::Text(&agreed.dialect)));
    fields.push((Field::SmbServerSigning, Value::Text(signing(agreed.signing).as_bytes())));
    push_list(fields, Field::SmbCapabilities, &lists.capabilities);
    push_list(fields, Field::SmbMechanismsOffered, &lists.mechanisms);
    if let Some(guid) = &lists.guids[1] {
        fields.push((Field::SmbServerGuid, Value::Text(guid.as_bytes())));
    }
    if let Some(cipher) = agreed.cipher {
        fields.push((Field::SmbCipher, Value::Text(cipher.as_bytes())));
    }
}

/// A log-in that came to its end. `is_guest` is none where the server's answer does not tell.
pub(super) fn session(
    state: &State,
    place: &Place,
    log_in: Option<&LogIn>,
    is_guest: Option<bool>,
    cx: &mut Context<'_>,
) {
    if !cx.sink.wants(EventKind::Smb) {
        return;
    }
    let made = place.made();
    let mut fields = place.fields("session_setup", state, &made);
    match log_in {
        Some(log_in) => push_log_in(&mut fields, log_in),
        None => fields.extend(
            [Field::SmbMechanism, Field::UserName, Field::UserDomain].map(|field| (field, Value::Unobserved)),
        ),
    }
    match is_guest {
        Some(guest) => fields.push((Field::SmbGuest, Value::Bool(guest))),
        None if place.status.is_none() => fields.push((Field::SmbGuest, Value::Unobserved)),
        None => {}
    }
    send(fields, cx);
}

fn push_log_in<'a>(fields: &mut Fields<'a>, log_in: &'a LogIn) {
    let plain = log_in.plain.as_ref().map(|(user, domain)| (&user[..], &domain[..]));
    match log_in.mechanism {
        Some(mechanism) => fields.push((Field::SmbMechanism, Value::Text(mechanism.name().as_bytes()))),
        None if plain.is_some() => fields.push((Field::SmbMechanism, Value::Text(b"legacy"))),
        None => {}
    }
    if let Some((user, domain)) = log_in.ntlm.user().or(plain) {
        push_names(fields, user, domain);
    }
}

/// A share was connected.
pub(super) fn tree(state: &State, place: &Place, tree: Option<&Tree>, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Smb) {
        return;
    }
    let made = place.made();
    let mut fields = place.fields("tree_connect", state, &made);
    push_tree(&mut fields, place.tree, tree);
    if place.status.is_some_and(names::is_failure) {
        fields.retain(|field| !matches!(field.0, Field::SmbShareType | Field::SmbTree));
    }
    push_user(&mut fields, state.session(place.session));
    send(fields, cx);
}

/// What a server answers to an open.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Opened {
    pub(super) action: u32,
    /// Creation, last access, last write, change: Windows' time.
    pub(super) times: [u64; 4],
    pub(super) size: u64,
    pub(super) attributes: u32,
    pub(super) is_directory: bool,
}

/// Lists made of an open.
struct CreateLists([Vec<Value<'static>>; 3]);

/// A file, directory, printer or pipe was opened.
pub(super) fn open(
    state: &State,
    place: &Place,
    (create, is_pipe): (Option<&Create>, bool),
    opened: Option<&Opened>,
    cx: &mut Context<'_>,
) {
    if !cx.sink.wants(EventKind::Smb) {
        return;
    }
    let made = place.made();
    let lists = CreateLists([
        create.map(|create| name_list(&names::access(create.access))).unwrap_or_default(),
        create.map(|create| name_list(&names::options(create.options))).unwrap_or_default(),
        opened.map(|opened| name_list(&names::attributes(opened.attributes))).unwrap_or_default(),
    ]);
    let action = if is_pipe { "pipe_open" } else { "file_open" };
    let mut fields = place.fields(action, state, &made);
    push_tree(&mut fields, place.tree, state.tree(place.tree, place.session));
    push_user(&mut fields, state.session(place.session));
    push_path(&mut fields, create.map(|create| &create.name[..]));
    push_create(&mut fields, create, &lists);
    push_opened(&mut fields, opened, place.status.is_some(), &lists);
    send(fields, cx);
}

fn push_create<'a>(fields: &mut Fields<'a>, create: Option<&Create>, lists: &'a CreateLists) {
    let Some(create) = create else {
        let unseen = [Field::SmbAccess, Field::SmbAccessMask, Field::SmbDisposition];
        return fields.extend(unseen.map(|field| (field, Value::Unobserved)));
    };
    push_list(fields, Field::SmbAccess, &lists.0[0]);
    push_list(fields, Field::SmbOptions, &lists.0[1]);
    fields.push((Field::SmbAccessMask, Value::Number(create.access.into())));
    fields.push((Field::SmbDisposition, Value::Text(names::disposition(create.disposition).as_bytes())));
    if create.options & names::DELETE_ON_CLOSE != 0 {
        fields.push((Field::SmbDeleteOnClose, Value::Bool(true)));
    }
}

const TIMES: [Field; 4] = [Field::FileCreated, Field::FileAccessed, Field::FileMtime, Field::FileCtime];

fn push_opened<'a>(
    fields: &mut Fields<'a>,
    opened: Option<&Opened>,
    is_answered: bool,
    lists: &'a CreateLists,
) {
    let Some(opened) = opened else {
        if !is_answered {
            let unseen = [Field::SmbCreateAction, Field::FileSize, Field::FileAttributes, Field::FileType];
            fields.extend(unseen.iter().chain(&TIMES).map(|field| (*field, Value::Unobserved)));
        }
        return;
    };
    if let Some(action) = names::create_action(opened.action) {
        fields.push((Field::SmbCreateAction, Value::Text(action.as_bytes())));
    }
    let kind: &[u8] = if opened.is_directory { b"dir" } else { b"file" };
    fields.push((Field::FileType, Value::Text(kind)));
    fields.push((Field::FileSize, Value::Number(opened.size)));
    push_list(fields, Field::FileAttributes, &lists.0[2]);
    let times = TIMES.into_iter().zip(opened.times.map(crate::proto::little::filetime));
    fields.extend(times.filter_map(|(field, time)| Some((field, Value::Time(time?)))));
}

/// Something happened to a file that is open: `action` is `file_read`, `file_write`, `file_delete`, ....
pub(super) fn file(
    state: &State,
    place: &Place,
    action: &'static str,
    file: &OpenFile,
    cx: &mut Context<'_>,
) {
    if !cx.sink.wants(EventKind::Smb) {
        return;
    }
    let made = place.made();
    let mut fields = place.fields(action, state, &made);
    push_tree(&mut fields, place.tree, state.tree(place.tree, place.session));
    push_user(&mut fields, state.session(place.session));
    push_path(&mut fields, file.name());
    if let Some(size) = file.size {
        fields.push((Field::FileSize, Value::Number(size)));
    }
    let counts = [(Field::SmbBytesRead, READ), (Field::SmbBytesWritten, WRITTEN)];
    for (field, way) in counts {
        match file.bytes[way] {
            _ if file.in_part => fields.push((field, Value::Unobserved)),
            0 => {}
            bytes => fields.push((field, Value::Number(bytes))),
        }
    }
    send(fields, cx);
}

/// A transaction of SMB 1 that is neither a call nor everyday work with files.
pub(super) fn transaction(state: &State, place: &Place, told: &Transaction, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Smb) {
        return;
    }
    let made = place.made();
    let mut fields = place.fields("transaction", state, &made);
    push_tree(&mut fields, place.tree, state.tree(place.tree, place.session));
    push_user(&mut fields, state.session(place.session));
    fields.push((Field::SmbTransaction, Value::Text(&told.name)));
    fields.push((Field::SmbTotalData, Value::Number(told.data.into())));
    send(fields, cx);
}

/// A file got a new name, or another one.
pub(super) fn rename(
    state: &State,
    place: &Place,
    rename: &Rename,
    from: Option<&[u8]>,
    cx: &mut Context<'_>,
) {
    if !cx.sink.wants(EventKind::Smb) {
        return;
    }
    let made = place.made();
    let action = if rename.is_link { "file_link" } else { "file_rename" };
    let mut fields = place.fields(action, state, &made);
    push_tree(&mut fields, place.tree, state.tree(place.tree, place.session));
    push_user(&mut fields, state.session(place.session));
    push_path(&mut fields, Some(&rename.to));
    fields.push((Field::SmbPreviousPath, from.map_or(Value::Unobserved, Value::Text)));
    send(fields, cx);
}

/// A file is deleted by its name (SMB1).
pub(super) fn delete(state: &State, place: &Place, name: Option<&[u8]>, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Smb) {
        return;
    }
    let made = place.made();
    let mut fields = place.fields("file_delete", state, &made);
    push_tree(&mut fields, place.tree, state.tree(place.tree, place.session));
    push_user(&mut fields, state.session(place.session));
    push_path(&mut fields, name);
    send(fields, cx);
}

/// A control code was sent. `name` is the open file's, none where the code is not about one.
pub(super) fn ioctl(state: &State, place: &Place, code: u32, name: Option<&[u8]>, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Smb) {
        return;
    }
    let made = place.made();
    let code = names::fsctl(code);
    let mut fields = place.fields("ioctl", state, &made);
    push_tree(&mut fields, place.tree, state.tree(place.tree, place.session));
    push_user(&mut fields, state.session(place.session));
    if let Some(name) = name {
        push_path(&mut fields, Some(name));
    }
    fields.push((Field::SmbFsctl, Value::Text(&code)));
    send(fields, cx);
}

/// Messages are compressed: what they do is unobserved.
pub(super) fn compressed(state: &State, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Smb) {
        return;
    }
    let place = Place::default();
    let made = place.made();
    let mut fields = place.fields("compressed", state, &made);
    let unseen = [Field::FileName, Field::FilePath, Field::SmbShare, Field::SmbShareType];
    fields.extend(unseen.map(|field| (field, Value::Unobserved)));
    send(fields, cx);
}

/// From here on a session's messages are encrypted: what they do is unobserved.
pub(super) fn encrypted(state: &State, session: u64, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Smb) {
        return;
    }
    let place = Place { session, ..Place::default() };
    let made = place.made();
    let mut fields = place.fields("encrypted", state, &made);
    fields.push((Field::SmbIsEncrypted, Value::Bool(true)));
    push_user(&mut fields, state.session(session));
    let unseen = [Field::FileName, Field::FilePath, Field::SmbShare, Field::SmbShareType];
    fields.extend(unseen.map(|field| (field, Value::Unobserved)));
    send(fields, cx);
}
