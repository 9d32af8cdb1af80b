//! The `ntlm` event.

use super::message::{Authenticate, TargetInfo, Version};
use super::{Exchange, Outcome};
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;

/// Every field that an `ntlm` event can carry, beside those of its flow.
pub const FIELDS: &[Field] = &[
    Field::NtlmCarrier,
    Field::NtlmClientVersion,
    Field::NtlmFlags,
    Field::NtlmHasMic,
    Field::NtlmResponse,
    Field::NtlmServerDnsComputer,
    Field::NtlmServerDnsDomain,
    Field::NtlmServerDnsForest,
    Field::NtlmServerNetbiosComputer,
    Field::NtlmServerNetbiosDomain,
    Field::NtlmServerTarget,
    Field::NtlmServerTime,
    Field::NtlmServerVersion,
    Field::NtlmService,
    Field::NtlmStatus,
    Field::NtlmSuccess,
    Field::NtlmWorkstation,
    Field::UserDomain,
    Field::UserName,
];

/// Flags by their bit ([MS-NLMP] 2.2.2.5).
const FLAGS: &[(u32, &str)] = &[
    (0x0000_0001, "UNICODE"),
    (0x0000_0002, "OEM"),
    (0x0000_0004, "REQUEST_TARGET"),
    (0x0000_0010, "SIGN"),
    (0x0000_0020, "SEAL"),
    (0x0000_0040, "DATAGRAM"),
    (0x0000_0080, "LM_KEY"),
    (0x0000_0200, "NTLM"),
    (0x0000_0800, "ANONYMOUS"),
    (0x0000_1000, "OEM_DOMAIN_SUPPLIED"),
    (0x0000_2000, "OEM_WORKSTATION_SUPPLIED"),
    (0x0000_8000, "ALWAYS_SIGN"),
    (0x0001_0000, "TARGET_TYPE_DOMAIN"),
    (0x0002_0000, "TARGET_TYPE_SERVER"),
    (0x0008_0000, "EXTENDED_SESSIONSECURITY"),
    (0x0010_0000, "IDENTIFY"),
    (0x0040_0000, "NON_NT_SESSION_KEY"),
    (0x0080_0000, "TARGET_INFO"),
    (0x0200_0000, "VERSION"),
    (0x2000_0000, "128"),
    (0x4000_0000, "KEY_EXCH"),
    (0x8000_0000, "56"),
];

/// Gives out the event of one authentication. The flags are the client's last word: those of its authenticate
/// message, else of the challenge, else of its first message.
pub(super) fn emit(
    seen: &Exchange,
    carrier: &'static str,
    outcome: Outcome,
    status: Option<&[u8]>,
    cx: &mut Context<'_>,
) {
    if !cx.sink.wants(EventKind::Ntlm) {
        return;
    }
    let versions = Versions::of(seen);
    let flags = flag_names(seen);
    let mut fields = Vec::with_capacity(FIELDS.len());
    fields.push((Field::NtlmCarrier, Value::Text(carrier.as_bytes())));
    versions.push(&mut fields);
    fields.push((Field::NtlmFlags, Value::List(&flags)));
    push_server(&mut fields, seen);
    push_user(&mut fields, seen.authenticate.as_ref());
    push_outcome(&mut fields, outcome, status);
    fields.sort_unstable_by_key(|field| field.0);
    cx.emit(EventKind::Ntlm, &fields);
}

type Fields<'a> = Vec<(Field, Value<'a>)>;

fn flag_names(seen: &Exchange) -> Vec<Value<'static>> {
    let last = seen.authenticate.as_ref().map(|message| message.flags).filter(|flags| *flags != 0);
    let flags = last
        .or(seen.challenge.as_ref().map(|message| message.flags))
        .or(seen.negotiate.as_ref().map(|message| message.flags))
        .unwrap_or_default();
    let set = FLAGS.iter().filter(|(bit, _)| flags & bit != 0);
    set.map(|(_, name)| Value::Text(name.as_bytes())).collect()
}

/// Texts of the versions.
struct Versions([Option<String>; 2]);

impl Versions {
    fn of(seen: &Exchange) -> Self {
        let first = seen.negotiate.as_ref().and_then(|message| message.version);
        let client = seen.authenticate.as_ref().and_then(|message| message.version).or(first);
        let server = seen.challenge.as_ref().and_then(|message| message.version);
        let text = |version: Version| format!("{}.{}.{}", version.0, version.1, version.2);
        Self([client.map(text), server.map(text)])
    }

    fn push<'a>(&'a self, fields: &mut Fields<'a>) {
        let places = [Field::NtlmClientVersion, Field::NtlmServerVersion];
        for (field, text) in places.into_iter().zip(&self.0) {
            if let Some(text) = text {
                fields.push((field, Value::Text(text.as_bytes())));
            }
        }
    }
}

const SERVER_NAMES: [Field; 5] = [
    Field::NtlmServerNetbiosComputer,
    Field::NtlmServerNetbiosDomain,
    Field::NtlmServerDnsComputer,
    Field::NtlmServerDnsDomain,
    Field::NtlmServerDnsForest,
];

/// What the server tells of itself; where its message was not seen, what an NTLMv2 client repeats of it.
fn push_server<'a>(fields: &mut Fields<'a>, seen: &'a Exchange) {
    let own = seen.challenge.as_ref().map(|message| &message.info);
    let repeated = seen.authenticate.as_ref().map(|message| &message.info);
    let repeated = repeated.filter(|info| info.names().iter().take(5).any(|name| name.is_some()));
    match &seen.challenge {
        Some(message) => fields.push((Field::NtlmServerTarget, Value::Text(&message.target))),
        None => fields.push((Field::NtlmServerTarget, Value::Unobserved)),
    }
    match own.or(repeated) {
        Some(info) => push_names(fields, info),
        None => fields.extend(SERVER_NAMES.map(|field| (field, Value::Unobserved))),
    }
}

fn push_names<'a>(fields: &mut Fields<'a>, info: &'a TargetInfo) {
    for (field, name) in SERVER_NAMES.into_iter().zip(info.names()) {
        if let Some(name) = name {
            fields.push((field, Value::Text(name)));
        }
    }
    if let Some(time) = info.time {
        fields.push((Field::NtlmServerTime, Value::Time(time)));
    }
}

fn push_user<'a>(fields: &mut Fields<'a>, message: Option<&'a Authenticate>) {
    let Some(message) = message else {
        let unseen = [Field::NtlmResponse, Field::NtlmWorkstation, Field::UserDomain, Field::UserName];
        return fields.extend(unseen.map(|field| (field, Value::Unobserved)));
    };
    fields.push((Field::NtlmResponse, Value::Text(message.response.name().as_bytes())));
    fields.push((Field::NtlmHasMic, Value::Bool(message.has_mic)));
    let names = [
        (Field::NtlmWorkstation, &message.workstation),
        (Field::UserDomain, &message.domain),
        (Field::UserName, &message.user),
    ];
    fields.extend(names.into_iter().filter(|row| !row.1.is_empty()).map(|row| (row.0, Value::Text(row.1))));
    if let Some(service) = &message.info.service {
        fields.push((Field::NtlmService, Value::Text(service)));
    }
}

fn push_outcome<'a>(fields: &mut Fields<'a>, outcome: Outcome, status: Option<&'a [u8]>) {
    fields.push((
        Field::NtlmSuccess,
        match outcome {
            Outcome::Success => Value::Bool(true),
            Outcome::Failure => Value::Bool(false),
            Outcome::Unobserved => Value::Unobserved,
        },
    ));
    match status {
        Some(status) => fields.push((Field::NtlmStatus, Value::Text(status))),
        None if outcome == Outcome::Unobserved => fields.push((Field::NtlmStatus, Value::Unobserved)),
        None => {}
    }
}
