//! The `smtp` event.

use super::message::{Headers, Message, bare, mime_type};
use super::session::{Mail, Reply, Session, is_clear_text};
use super::words;
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;

/// Fields that an `smtp` event can carry beside those of its flow.
pub const FIELDS: &[Field] = &[
    Field::SmtpAuthClearText,
    Field::SmtpAuthCode,
    Field::SmtpAuthMechanism,
    Field::SmtpBodyBytes,
    Field::SmtpChunking,
    Field::SmtpCommands,
    Field::SmtpComplete,
    Field::SmtpDate,
    Field::SmtpExtensions,
    Field::SmtpFirstHop,
    Field::SmtpGreeting,
    Field::SmtpHelo,
    Field::SmtpInReplyTo,
    Field::SmtpMailFrom,
    Field::SmtpPipelining,
    Field::SmtpRcptRefused,
    Field::SmtpRcptTo,
    Field::SmtpReceived,
    Field::SmtpReplyCode,
    Field::SmtpReplyText,
    Field::SmtpReplyCodes,
    Field::SmtpSizeDeclared,
    Field::SmtpTls,
    Field::SmtpDepth,
    Field::SmtpOriginatingIp,
    Field::EmailAttachmentExtension,
    Field::EmailAttachmentType,
    Field::EmailAttachmentName,
    Field::EmailAttachmentSize,
    Field::EmailBcc,
    Field::EmailCc,
    Field::EmailContentType,
    Field::EmailFrom,
    Field::EmailMessageId,
    Field::EmailOrigination,
    Field::EmailReplyTo,
    Field::EmailSender,
    Field::EmailSubject,
    Field::EmailTo,
    Field::EmailMailer,
    Field::UserAgent,
];

/// The client, and the server, as indices of what was seen.
const CLIENT: usize = 0;
const SERVER: usize = 1;

/// Values that are put together before they are lent to the event.
#[derive(Default)]
struct Made {
    addresses: [Vec<Vec<u8>>; 5],
    sender: Option<Vec<u8>>,
    subject: Option<Vec<u8>>,
    content_type: Option<Vec<u8>>,
    mailer: Option<Vec<u8>>,
    extensions: Vec<Vec<u8>>,
    date: Option<u64>,
}

const ADDRESSES: [Field; 5] =
    [Field::EmailFrom, Field::EmailTo, Field::EmailCc, Field::EmailBcc, Field::EmailReplyTo];

impl Made {
    fn new(headers: &Headers, message: &Message) -> Self {
        let of = |header: &Option<Vec<u8>>| header.as_deref().map(words::addresses).unwrap_or_default();
        let lists = [&headers.from, &headers.to, &headers.cc, &headers.bcc, &headers.reply_to];
        Self {
            addresses: lists.map(of),
            sender: of(&headers.sender).into_iter().next(),
            subject: headers.subject.as_deref().map(words::decode),
            content_type: headers.content_type.as_deref().map(mime_type),
            mailer: headers.mailer.as_deref().map(words::decode),
            extensions: message.attachments.iter().map(|one| extension(&one.name)).collect(),
            date: headers.date.as_deref().and_then(words::date),
        }
    }
}

fn extension(name: &[u8]) -> Vec<u8> {
    let dot = memchr::memrchr(b'.', name).filter(|at| name.len() - at <= 12);
    dot.and_then(|at| name.get(at + 1..)).unwrap_or_default().to_ascii_lowercase()
}

fn texts<'a>(all: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<Value<'a>> {
    all.into_iter().map(|text| Value::Text(text)).collect()
}

struct Fields<'a> {
    all: Vec<(Field, Value<'a>)>,
    unseen: [bool; 2],
}

impl<'a> Fields<'a> {
    /// A value of a side; *unobserved* where it has none and the side was not all seen.
    fn put(&mut self, way: usize, field: Field, value: Option<Value<'a>>) {
        let unseen = self.unseen.get(way).copied().unwrap_or(false);
        self.all.extend(value.or(unseen.then_some(Value::Unobserved)).map(|value| (field, value)));
    }

    fn text(&mut self, way: usize, field: Field, value: Option<&'a [u8]>) {
        self.put(way, field, value.map(Value::Text));
    }

    fn list(&mut self, way: usize, field: Field, values: &'a [Value<'a>]) {
        self.put(way, field, (!values.is_empty()).then_some(Value::List(values)));
    }

    fn flag(&mut self, field: Field, is_set: bool) {
        self.all.extend(is_set.then_some((field, Value::Bool(true))));
    }
}

/// Lists of values, lent to the event.
#[derive(Default)]
struct Lists<'a> {
    commands: Vec<Value<'a>>,
    codes: Vec<Value<'a>>,
    extensions: Vec<Value<'a>>,
    recipients: Vec<Value<'a>>,
    received: Vec<Value<'a>>,
    addresses: [Vec<Value<'a>>; 5],
    attachments: [Vec<Value<'a>>; 4],
}

impl<'a> Lists<'a> {
    fn new(session: &'a Session, mail: Option<&'a Mail>, made: &'a Made) -> Self {
        let message = mail.and_then(|mail| mail.message.as_deref());
        let attachments = message.map(|message| message.attachments.as_slice()).unwrap_or_default();
        Self {
            commands: session.commands.iter().map(|name| Value::Text(name.as_bytes())).collect(),
            codes: session.codes.iter().map(|code| Value::Number((*code).into())).collect(),
            extensions: texts(session.extensions.iter().skip(1)),
            recipients: texts(mail.map(|mail| mail.recipients.as_slice()).unwrap_or_default()),
            received: texts(message.map(|message| message.headers.received.as_slice()).unwrap_or_default()),
            addresses: made.addresses.each_ref().map(texts),
            attachments: [
                texts(&made.extensions),
                attachments.iter().map(|one| Value::Text(&one.mime)).collect(),
                attachments.iter().map(|one| Value::Text(&one.name)).collect(),
                attachments.iter().map(|one| Value::Number(one.size)).collect(),
            ],
        }
    }
}

/// Gives out the event of a mail, or of a session without one.
pub(super) fn emit(session: &Session, mail: Option<&Mail>, reply: Option<&Reply>, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Smtp) {
        return;
    }
    let message = mail.and_then(|mail| mail.message.as_deref());
    let made = message.map(|message| Made::new(&message.headers, message)).unwrap_or_default();
    let lists = Lists::new(session, mail, &made);
    let unseen = [session.is_unseen(CLIENT), session.is_unseen(SERVER)];
    let mut fields = Fields { all: Vec::with_capacity(FIELDS.len()), unseen };
    of_session(session, &lists, &mut fields);
    let shown = reply.or(session.last_reply.as_ref().filter(|_| mail.is_none()));
    fields.put(SERVER, Field::SmtpReplyCode, shown.map(|reply| Value::Number(reply.code.into())));
    fields.text(SERVER, Field::SmtpReplyText, shown.map(|reply| reply.text.as_slice()));
    if let Some(mail) = mail {
        envelope(mail, &lists, &mut fields);
    }
    if let Some(message) = message {
        // What a whole message does not say, it does not say.
        fields.unseen[CLIENT] = !mail.is_some_and(|mail| mail.is_complete);
        headers(message, &made, &lists, &mut fields);
    }
    fields.all.sort_unstable_by_key(|(field, _)| *field);
    cx.emit(EventKind::Smtp, &fields.all);
}

fn of_session<'a>(session: &'a Session, lists: &'a Lists<'a>, fields: &mut Fields<'a>) {
    let clear = session.mechanism.as_deref().map(|mechanism| Value::Bool(is_clear_text(mechanism)));
    fields.put(CLIENT, Field::SmtpAuthClearText, clear);
    fields.text(CLIENT, Field::SmtpAuthMechanism, session.mechanism.as_deref());
    let code = session.auth_code.map(|code| Value::Number(code.into()));
    fields.put(SERVER, Field::SmtpAuthCode, code);
    fields.list(CLIENT, Field::SmtpCommands, &lists.commands);
    fields.list(SERVER, Field::SmtpExtensions, &lists.extensions);
    fields.text(SERVER, Field::SmtpGreeting, session.greeting.as_deref());
    fields.text(CLIENT, Field::SmtpHelo, session.helo.as_deref());
    fields.list(SERVER, Field::SmtpReplyCodes, &lists.codes);
    fields.flag(Field::SmtpPipelining, session.pipelining);
    fields.flag(Field::SmtpTls, session.tls);
}

fn envelope<'a>(mail: &'a Mail, lists: &'a Lists<'a>, fields: &mut Fields<'a>) {
    fields.text(CLIENT, Field::SmtpMailFrom, mail.from.as_deref());
    fields.list(CLIENT, Field::SmtpRcptTo, &lists.recipients);
    let refused = (!fields.unseen[SERVER]).then_some(Value::Number(mail.refused));
    fields.put(SERVER, Field::SmtpRcptRefused, refused);
    fields.all.extend(mail.size.map(|size| (Field::SmtpSizeDeclared, Value::Number(size))));
    fields.flag(Field::SmtpChunking, mail.chunking);
    fields.all.push((Field::SmtpComplete, Value::Bool(mail.is_complete)));
    fields.all.push((Field::SmtpDepth, Value::Number(mail.depth)));
}

fn headers<'a>(message: &'a Message, made: &'a Made, lists: &'a Lists<'a>, fields: &mut Fields<'a>) {
    let told = &message.headers;
    for (field, values) in ADDRESSES.into_iter().zip(&lists.addresses) {
        fields.list(CLIENT, field, values);
    }
    let attachments = [
        Field::EmailAttachmentExtension,
        Field::EmailAttachmentType,
        Field::EmailAttachmentName,
        Field::EmailAttachmentSize,
    ];
    for (field, values) in attachments.into_iter().zip(&lists.attachments) {
        fields.list(CLIENT, field, values);
    }
    fields.all.push((Field::SmtpBodyBytes, Value::Number(message.bytes)));
    fields.text(CLIENT, Field::SmtpDate, told.date.as_deref());
    fields.put(CLIENT, Field::EmailOrigination, made.date.map(Value::Time));
    fields.text(
        CLIENT,
        Field::SmtpFirstHop,
        told.first_hop.as_ref().or(told.received.last()).map(Vec::as_slice),
    );
    fields.list(CLIENT, Field::SmtpReceived, &lists.received);
    fields.text(CLIENT, Field::SmtpInReplyTo, told.in_reply_to.as_deref());
    fields.text(CLIENT, Field::SmtpOriginatingIp, told.originating_ip.as_deref());
    fields.text(CLIENT, Field::EmailContentType, made.content_type.as_deref());
    fields.text(CLIENT, Field::EmailMessageId, told.message_id.as_deref().map(bare));
    fields.text(CLIENT, Field::EmailSender, made.sender.as_deref());
    fields.text(CLIENT, Field::EmailSubject, made.subject.as_deref());
    fields.text(CLIENT, Field::EmailMailer, made.mailer.as_deref());
    fields.text(CLIENT, Field::UserAgent, told.agent.as_deref());
}
