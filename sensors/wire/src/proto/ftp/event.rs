//! The `ftp` event.

use super::session::{Action, Data, Pending, Reply, Session};
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;

/// Fields that an `ftp` event can carry beside those of its flow.
pub const FIELDS: &[Field] = &[
    Field::FtpArgument,
    Field::FtpCommand,
    Field::FtpDataBytes,
    Field::FtpDataIp,
    Field::FtpDataMode,
    Field::FtpDataPort,
    Field::FtpDirectory,
    Field::FtpGreeting,
    Field::FtpPassword,
    Field::FtpRenameTo,
    Field::FtpReplyCode,
    Field::FtpReplyText,
    Field::FtpTls,
    Field::EventAction,
    Field::FileName,
    Field::FilePath,
    Field::FileSize,
    Field::UserName,
];

struct Fields<'a>(Vec<(Field, Value<'a>)>);

impl<'a> Fields<'a> {
    fn put(&mut self, field: Field, value: Option<Value<'a>>, unseen: bool) {
        self.0.extend(value.or(unseen.then_some(Value::Unobserved)).map(|value| (field, value)));
    }

    fn text(&mut self, field: Field, value: Option<&'a [u8]>, unseen: bool) {
        self.put(field, value.map(Value::Text), unseen);
    }

    fn of_session(&mut self, session: &'a Session) {
        let [client, server] = [0, 1].map(|way| session.is_unseen(way));
        self.text(Field::FtpGreeting, session.greeting.as_deref(), server);
        self.text(Field::UserName, session.user.as_deref(), client);
        self.put(Field::FtpPassword, session.password.then_some(Value::Bool(true)), client);
        self.put(Field::FtpTls, session.tls.then_some(Value::Bool(true)), false);
        self.text(Field::FtpDirectory, session.directory.as_deref(), server);
    }

    fn of_data(&mut self, data: &Data) {
        self.put(Field::FtpDataBytes, data.bytes.map(Value::Number), true);
        self.put(Field::FtpDataIp, data.ip.map(Value::Ip), false);
        self.put(Field::FtpDataMode, Some(Value::Text(data.mode.as_bytes())), false);
        self.put(Field::FtpDataPort, Some(Value::Number(data.ends.1.into())), false);
    }

    fn emit(mut self, cx: &mut Context<'_>) {
        self.0.sort_unstable_by_key(|(field, _)| *field);
        cx.emit(EventKind::Ftp, &self.0);
    }
}

/// The last part of a path.
fn last_part(path: &[u8]) -> &[u8] {
    let from = memchr::memrchr2(b'/', b'\\', path).map_or(0, |at| at + 1);
    path.get(from..).unwrap_or_default()
}

/// Gives out the event of a command.
pub(super) fn emit(
    session: &Session,
    pending: &Pending,
    reply: Option<&Reply>,
    data: Option<&Data>,
    cx: &mut Context<'_>,
) {
    let Some(action) = Action::of(pending.name).filter(|_| cx.sink.wants(EventKind::Ftp)) else { return };
    let named = match action {
        Action::Rename => session.rename_from.as_deref(),
        _ => Some(pending.argument.as_slice()),
    };
    let path = named.filter(|named| action.has_path() && !named.is_empty()).map(|named| session.path(named));
    let mut fields = Fields(Vec::with_capacity(FIELDS.len()));
    fields.of_session(session);
    fields.text(Field::EventAction, Some(action.name().as_bytes()), false);
    fields.text(Field::FtpCommand, Some(pending.name.as_bytes()), false);
    let argument = Some(pending.argument.as_slice()).filter(|argument| !argument.is_empty());
    fields.text(Field::FtpArgument, argument, false);
    let renamed = Some(pending.argument.as_slice()).filter(|_| action == Action::Rename);
    fields.text(Field::FtpRenameTo, renamed, false);
    fields.put(Field::FtpReplyCode, reply.map(|reply| Value::Number(reply.code.into())), true);
    fields.text(Field::FtpReplyText, reply.map(|reply| reply.text.as_slice()), true);
    fields.text(Field::FileName, path.as_deref().map(last_part).filter(|name| !name.is_empty()), false);
    fields.text(Field::FilePath, path.as_deref(), false);
    if let Some(data) = data {
        fields.of_data(data);
        let is_file = matches!(action, Action::Download | Action::Upload);
        fields.put(Field::FileSize, data.bytes.filter(|_| is_file).map(Value::Number), is_file);
    }
    fields.emit(cx);
}

/// Gives out the event of a session in which nothing of interest was asked for.
pub(super) fn session(session: &Session, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Ftp) {
        return;
    }
    let mut fields = Fields(Vec::with_capacity(8));
    fields.of_session(session);
    fields.text(Field::EventAction, Some(b"session"), false);
    fields.text(Field::FtpCommand, None, session.is_unseen(0));
    fields.emit(cx);
}
