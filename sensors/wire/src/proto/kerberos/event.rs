//! Builds the one event of an exchange.

use std::borrow::Cow;

use super::limits::MAX_TEXT;
use super::message::{Error, Reply, Request};
use super::registry;
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;

/// All fields that a `kerberos` event can carry.
pub const FIELDS: &[Field] = &[
    Field::KerberosAddresses,
    Field::KerberosCipher,
    Field::KerberosClient,
    Field::KerberosError,
    Field::KerberosErrorCode,
    Field::KerberosErrorText,
    Field::KerberosEtypesAccepted,
    Field::KerberosEtypesOffered,
    Field::KerberosForUser,
    Field::KerberosForwardable,
    Field::KerberosFrom,
    Field::KerberosOptions,
    Field::KerberosPreauthEtype,
    Field::KerberosPreauthTypes,
    Field::KerberosPreauthenticated,
    Field::KerberosRenewTill,
    Field::KerberosRenewable,
    Field::KerberosReplyCipher,
    Field::KerberosRequestType,
    Field::KerberosRtt,
    Field::KerberosService,
    Field::KerberosServiceRealm,
    Field::KerberosSuccess,
    Field::KerberosTgtCipher,
    Field::KerberosTill,
    Field::UserDomain,
    Field::UserName,
];

/// What came back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer<'a> {
    /// A ticket.
    Reply(&'a Reply),
    /// An AP-REP.
    Accepted,
    /// An error.
    Error(&'a Error),
    /// Nothing that was seen.
    Unseen,
}

type Fields<'a> = Vec<(Field, Value<'a>)>;
type Names = Vec<Cow<'static, str>>;

/// Texts that an event's values borrow from.
#[derive(Default)]
struct Texts {
    client: Option<Vec<u8>>,
    lists: [Names; 3],
    cipher: Option<Cow<'static, str>>,
    reply_cipher: Option<Cow<'static, str>>,
    tgt_cipher: Option<Cow<'static, str>>,
    proof: Option<Cow<'static, str>>,
    error: Option<Cow<'static, str>>,
}

/// Gives out the event of an exchange of which the request, the answer, or both were seen.
pub(super) fn emit(request: Option<&Request>, answer: Answer<'_>, rtt: Option<u64>, cx: &mut Context<'_>) {
    let texts = Texts::new(request, answer);
    let options: Vec<Value<'_>> =
        request.into_iter().flat_map(|request| registry::options(request.options)).map(text).collect();
    let addresses: Vec<Value<'_>> =
        request.into_iter().flat_map(|request| &request.addresses).map(|one| Value::Text(one)).collect();
    let [offered, padata, accepted] = texts.lists.each_ref().map(values);
    let mut fields = Fields::with_capacity(FIELDS.len());
    push_request(&mut fields, request, &texts);
    if let Some(request) = request.filter(|request| request.kind != "AP") {
        push_list(&mut fields, Field::KerberosOptions, &options);
        push_list(&mut fields, Field::KerberosAddresses, &addresses);
        push_list(&mut fields, Field::KerberosEtypesOffered, &offered);
        push_list(&mut fields, Field::KerberosPreauthTypes, &padata);
        push_times(&mut fields, request);
    }
    push_answer(&mut fields, answer, &texts, rtt);
    push_list(&mut fields, Field::KerberosEtypesAccepted, &accepted);
    push_names(&mut fields, request, answer, &texts);
    fields.sort_unstable_by_key(|field| field.0);
    cx.emit(EventKind::Kerberos, &fields);
}

impl Texts {
    fn new(request: Option<&Request>, answer: Answer<'_>) -> Self {
        let mut texts = Self::default();
        if let Some(request) = request {
            texts.take_request(request);
        }
        match answer {
            Answer::Reply(reply) => {
                texts.cipher = reply.ticket.etype.map(registry::etype);
                texts.reply_cipher = reply.etype.map(registry::etype);
                texts.lists[2] = reply.accepted.iter().copied().map(registry::etype).collect();
            }
            Answer::Error(error) => {
                texts.error = Some(registry::error(error.code));
                texts.lists[2] = error.accepted.iter().copied().map(registry::etype).collect();
            }
            Answer::Accepted | Answer::Unseen => {}
        }
        let (name, realm) = client(request, answer);
        texts.client = name.map(|name| [name, realm.unwrap_or_default()].join(&b'/'));
        texts
    }

    fn take_request(&mut self, request: &Request) {
        self.lists[0] = request.etypes.iter().copied().map(registry::etype).collect();
        self.lists[1] = request.padata.iter().copied().map(registry::padata).collect();
        self.proof = request.proof_etype.map(registry::etype);
        let shown = request.ticket_etype.map(registry::etype);
        if request.kind == "AP" {
            self.cipher = shown;
        } else {
            self.tgt_cipher = shown;
        }
    }
}

/// The client's name and realm, of the answer where it tells them: it has the KDC's spelling.
fn client<'a>(request: Option<&'a Request>, answer: Answer<'a>) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
    let asked = request.and_then(|request| request.client.as_deref());
    let asked_realm = request.filter(|request| request.client.is_some()).map(|request| &request.realm[..]);
    match answer {
        Answer::Reply(reply) => (reply.client.as_deref(), Some(&reply.realm)),
        Answer::Error(error) => {
            (asked.or(error.client.as_deref()), asked_realm.or(error.client_realm.as_deref()))
        }
        Answer::Accepted | Answer::Unseen => (asked, asked_realm),
    }
}

fn push_names<'a>(
    fields: &mut Fields<'a>,
    request: Option<&'a Request>,
    answer: Answer<'a>,
    texts: &'a Texts,
) {
    let (name, realm) = client(request, answer);
    // A TGS request does not name its client in clear text: only a reply does.
    let hidden = name.is_none() && !matches!(answer, Answer::Reply(_));
    let shown = |value: Option<&'a [u8]>| match value {
        Some(text) => Some(Value::Text(text)),
        None => hidden.then_some(Value::Unobserved),
    };
    let all = [
        (Field::KerberosClient, shown(texts.client.as_deref())),
        (Field::UserDomain, shown(realm)),
        (Field::UserName, shown(name)),
    ];
    fields.extend(all.into_iter().filter_map(|(field, value)| Some((field, value?))));
    let (service, realm) = service(request, answer);
    fields.extend(service.map(|service| (Field::KerberosService, Value::Text(service))));
    fields.extend(realm.map(|realm| (Field::KerberosServiceRealm, Value::Text(realm))));
}

/// The service's name and realm, as it was asked for; of the answer where the request does not tell.
fn service<'a>(request: Option<&'a Request>, answer: Answer<'a>) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
    let named = request.filter(|request| request.service.is_some());
    match (named, answer) {
        (Some(request), _) => (request.service.as_deref(), Some(&request.realm)),
        (None, Answer::Reply(reply)) => (reply.ticket.service.as_deref(), Some(&reply.ticket.realm)),
        (None, Answer::Error(error)) => (error.service.as_deref(), Some(&error.realm)),
        (None, Answer::Accepted | Answer::Unseen) => (None, request.map(|request| &request.realm[..])),
    }
}

/// What only the request tells, and its kind.
const OF_REQUEST: [Field; 11] = [
    Field::KerberosAddresses,
    Field::KerberosEtypesOffered,
    Field::KerberosForwardable,
    Field::KerberosFrom,
    Field::KerberosOptions,
    Field::KerberosPreauthTypes,
    Field::KerberosPreauthenticated,
    Field::KerberosRenewTill,
    Field::KerberosRenewable,
    Field::KerberosTgtCipher,
    Field::KerberosTill,
];

fn push_request<'a>(fields: &mut Fields<'a>, request: Option<&'a Request>, texts: &'a Texts) {
    let Some(request) = request else {
        return fields.extend(OF_REQUEST.map(|field| (field, Value::Unobserved)));
    };
    fields.push((Field::KerberosRequestType, text(request.kind)));
    if request.kind == "AS" {
        let hidden = !request.proven && request.padata.iter().any(|number| registry::is_armour(*number));
        let proven = if hidden { Value::Unobserved } else { Value::Bool(request.proven) };
        fields.push((Field::KerberosPreauthenticated, proven));
    }
    if request.kind != "AP" {
        let has = |name| Value::Bool(registry::has_option(request.options, name));
        fields.push((Field::KerberosForwardable, has("forwardable")));
        fields.push((Field::KerberosRenewable, has("renewable")));
    }
    push_text(fields, Field::KerberosTgtCipher, texts.tgt_cipher.as_ref());
    push_text(fields, Field::KerberosPreauthEtype, texts.proof.as_ref());
    fields.extend(request.for_user.as_ref().map(|user| (Field::KerberosForUser, Value::Text(user))));
}

fn push_times(fields: &mut Fields<'_>, request: &Request) {
    let times = [
        (Field::KerberosFrom, request.from),
        (Field::KerberosTill, request.till),
        (Field::KerberosRenewTill, request.renew_till),
    ];
    fields.extend(times.into_iter().filter_map(|(field, time)| Some((field, Value::Time(time?)))));
}

/// What only the answer tells.
const OF_ANSWER: [Field; 7] = [
    Field::KerberosError,
    Field::KerberosErrorCode,
    Field::KerberosErrorText,
    Field::KerberosEtypesAccepted,
    Field::KerberosReplyCipher,
    Field::KerberosRtt,
    Field::KerberosSuccess,
];

fn push_answer<'a>(fields: &mut Fields<'a>, answer: Answer<'a>, texts: &'a Texts, rtt: Option<u64>) {
    push_text(fields, Field::KerberosCipher, texts.cipher.as_ref());
    if matches!(answer, Answer::Unseen) {
        fields.extend(OF_ANSWER.map(|field| (field, Value::Unobserved)));
        if texts.cipher.is_none() {
            fields.push((Field::KerberosCipher, Value::Unobserved));
        }
        return;
    }
    fields.push((Field::KerberosRtt, rtt.map_or(Value::Unobserved, Value::Number)));
    fields.push((Field::KerberosSuccess, Value::Bool(!matches!(answer, Answer::Error(_)))));
    push_text(fields, Field::KerberosReplyCipher, texts.reply_cipher.as_ref());
    match answer {
        Answer::Error(error) => push_error(fields, error, texts),
        Answer::Reply(reply) if rtt.is_none() => fields.push((Field::KerberosRequestType, text(reply.kind))),
        Answer::Accepted if rtt.is_none() => fields.push((Field::KerberosRequestType, text("AP"))),
        _ => {}
    }
    if rtt.is_none() && matches!(answer, Answer::Error(_)) {
        fields.push((Field::KerberosRequestType, Value::Unobserved));
    }
}

fn push_error<'a>(fields: &mut Fields<'a>, error: &'a Error, texts: &'a Texts) {
    push_text(fields, Field::KerberosError, texts.error.as_ref());
    fields.extend(u64::try_from(error.code).ok().map(|code| (Field::KerberosErrorCode, Value::Number(code))));
    let said = error.text.as_deref().map(|text| MAX_TEXT.clip(text));
    fields.extend(said.map(|said| (Field::KerberosErrorText, Value::Text(said))));
}

fn push_list<'a>(fields: &mut Fields<'a>, field: Field, list: &'a [Value<'a>]) {
    if !list.is_empty() {
        fields.push((field, Value::List(list)));
    }
}

fn push_text<'a>(fields: &mut Fields<'a>, field: Field, name: Option<&'a Cow<'static, str>>) {
    fields.extend(name.map(|name| (field, text(name))));
}

fn values(names: &Names) -> Vec<Value<'_>> {
    names.iter().map(|name| text(name)).collect()
}

fn text(name: &str) -> Value<'_> {
    Value::Text(name.as_bytes())
}
