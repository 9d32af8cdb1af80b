//! The `dce_rpc` event.

use super::conversation::{Answer, Bound, Call, Security};
use super::interfaces::uuid_text;
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;

/// Every field that a `dce_rpc` event can carry, beside those of its flow.
pub const FIELDS: &[Field] = &[
    Field::DceRpcAuthLevel,
    Field::DceRpcAuthType,
    Field::DceRpcEncrypted,
    Field::DceRpcEndpoint,
    Field::DceRpcFault,
    Field::DceRpcInterface,
    Field::DceRpcInterfaceVersion,
    Field::DceRpcObject,
    Field::DceRpcOperation,
    Field::DceRpcOpnum,
    Field::DceRpcPipe,
    Field::DceRpcRequestBytes,
    Field::DceRpcResponseBytes,
    Field::DceRpcRtt,
    Field::DceRpcStatus,
    Field::UserDomain,
    Field::UserName,
];

/// What a conversation tells of a call beside the call itself.
pub(super) struct About<'a> {
    pub(super) contexts: &'a [Bound],
    pub(super) security: Option<Security>,
    pub(super) pipe: Option<Option<&'a [u8]>>,
    pub(super) user: Option<(&'a [u8], &'a [u8])>,
}

type Fields<'a> = Vec<(Field, Value<'a>)>;

/// Texts that are made for an event.
#[derive(Default)]
struct Made {
    interface: String,
    version: String,
    object: String,
    fault: String,
}

impl Made {
    fn interface(&mut self, bound: Option<&Bound>) {
        if let Some(bound) = bound {
            self.interface = uuid_text(bound.offered.interface);
            self.version = format!("{}.{}", bound.offered.version.0, bound.offered.version.1);
        }
    }
}

/// A call with its answer, or without.
pub(super) fn call(call: &Call, answer: Answer, about: &About<'_>, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::DceRpc) {
        return;
    }
    let bound = about.bound(call.context);
    let mut made = Made::default();
    made.interface(bound);
    made.object = call.object.map(uuid_text).unwrap_or_default();
    made.fault = fault_text(answer);
    let mut fields = about.fields();
    push_interface(&mut fields, bound, &made);
    fields.push((Field::DceRpcOpnum, Value::Number(call.number.into())));
    match bound.map(|bound| bound.interface.and_then(|interface| interface.operation(call.number))) {
        None => fields.push((Field::DceRpcOperation, Value::Unobserved)),
        Some(Some(name)) => fields.push((Field::DceRpcOperation, Value::Text(name.as_bytes()))),
        Some(None) => {}
    }
    if call.object.is_some() {
        fields.push((Field::DceRpcObject, Value::Text(made.object.as_bytes())));
    }
    fields.push((Field::DceRpcRequestBytes, Value::Number(call.request_bytes)));
    push_answer(&mut fields, answer, &made, Some((call.response_bytes, cx.time.saturating_sub(call.time))));
    send(fields, cx);
}

/// An answer whose call was not seen.
pub(super) fn unasked(context: u16, answer: Answer, about: &About<'_>, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::DceRpc) {
        return;
    }
    let bound = about.bound(context);
    let mut made = Made::default();
    made.interface(bound);
    made.fault = fault_text(answer);
    let mut fields = about.fields();
    push_interface(&mut fields, bound, &made);
    let unseen = [Field::DceRpcOpnum, Field::DceRpcOperation, Field::DceRpcRequestBytes];
    fields.extend(unseen.map(|field| (field, Value::Unobserved)));
    push_answer(&mut fields, answer, &made, None);
    send(fields, cx);
}

/// A bind that the server refused.
pub(super) fn refused(bound: &Bound, reason: &str, about: &About<'_>, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::DceRpc) {
        return;
    }
    let mut made = Made::default();
    made.interface(Some(bound));
    let mut fields = about.fields();
    push_interface(&mut fields, Some(bound), &made);
    fields.push((Field::DceRpcStatus, Value::Text(b"refused")));
    fields.push((Field::DceRpcFault, Value::Text(reason.as_bytes())));
    send(fields, cx);
}

fn send(mut fields: Fields<'_>, cx: &mut Context<'_>) {
    fields.sort_unstable_by_key(|field| field.0);
    cx.emit(EventKind::DceRpc, &fields);
}

impl<'a> About<'a> {
    fn bound(&self, context: u16) -> Option<&'a Bound> {
        self.contexts.iter().find(|bound| bound.offered.context == context)
    }

    fn fields(&self) -> Fields<'a> {
        let mut fields = Fields::with_capacity(FIELDS.len());
        match self.pipe {
            Some(Some(name)) => fields.push((Field::DceRpcPipe, Value::Text(name))),
            Some(None) => fields.push((Field::DceRpcPipe, Value::Unobserved)),
            None => {}
        }
        if let Some((user, domain)) = self.user {
            let names = [(Field::UserName, user), (Field::UserDomain, domain)];
            let names = names.into_iter().filter(|row| !row.1.is_empty());
            fields.extend(names.map(|row| (row.0, Value::Text(row.1))));
        }
        self.push_security(&mut fields);
        fields
    }

    fn push_security(&self, fields: &mut Fields<'a>) {
        let Some(security) = self.security else {
            let unseen = [Field::DceRpcAuthLevel, Field::DceRpcAuthType, Field::DceRpcEncrypted];
            return fields.extend(unseen.map(|field| (field, Value::Unobserved)));
        };
        fields.push((Field::DceRpcAuthLevel, Value::Text(level(security.level).as_bytes())));
        fields.push((Field::DceRpcAuthType, Value::Text(auth_type(security.kind).as_bytes())));
        fields.push((Field::DceRpcEncrypted, Value::Bool(security.level == 6)));
    }
}

fn push_interface<'a>(fields: &mut Fields<'a>, bound: Option<&Bound>, made: &'a Made) {
    let Some(bound) = bound else {
        let unseen = [Field::DceRpcEndpoint, Field::DceRpcInterface, Field::DceRpcInterfaceVersion];
        return fields.extend(unseen.map(|field| (field, Value::Unobserved)));
    };
    if let Some(interface) = bound.interface {
        fields.push((Field::DceRpcEndpoint, Value::Text(interface.name.as_bytes())));
    }
    fields.push((Field::DceRpcInterface, Value::Text(made.interface.as_bytes())));
    fields.push((Field::DceRpcInterfaceVersion, Value::Text(made.version.as_bytes())));
}

fn push_answer<'a>(fields: &mut Fields<'a>, answer: Answer, made: &'a Made, counts: Option<(u64, u64)>) {
    let status: &[u8] = match answer {
        Answer::Response => b"response",
        Answer::Fault(_) => b"fault",
        Answer::Unobserved => {
            let unseen = [Field::DceRpcStatus, Field::DceRpcResponseBytes, Field::DceRpcRtt];
            return fields.extend(unseen.map(|field| (field, Value::Unobserved)));
        }
    };
    fields.push((Field::DceRpcStatus, Value::Text(status)));
    if !made.fault.is_empty() {
        fields.push((Field::DceRpcFault, Value::Text(made.fault.as_bytes())));
    }
    let Some((bytes, rtt)) = counts else { return };
    fields.push((Field::DceRpcRtt, Value::Number(rtt)));
    if answer == Answer::Response {
        fields.push((Field::DceRpcResponseBytes, Value::Number(bytes)));
    }
}

fn fault_text(answer: Answer) -> String {
    let Answer::Fault(code) = answer else { return String::new() };
    let known = FAULTS.iter().find(|row| row.0 == code);
    known.map_or_else(|| format!("{code:#010x}"), |row| row.1.to_owned())
}

/// Kinds of security ([MS-RPCE] 2.2.1.1.7).
const fn auth_type(number: u8) -> &'static str {
    match number {
        0 => "none",
        9 => "SPNEGO",
        10 => "NTLM",
        14 => "Schannel",
        16 => "Kerberos",
        68 => "Netlogon",
        _ => "other",
    }
}

/// Levels of security (2.2.1.1.8).
const fn level(number: u8) -> &'static str {
    match number {
        0 => "default",
        1 => "none",
        2 => "connect",
        3 => "call",
        4 => "packet",
        5 => "integrity",
        6 => "privacy",
        _ => "other",
    }
}

/// Reasons of faults (C706 appendix E, [MS-RPCE] 2.2.2.9).
const FAULTS: &[(u32, &str)] = &[
    (0x0000_0001, "nca_s_fault_other"),
    (0x0000_0005, "nca_s_fault_access_denied"),
    (0x0000_06d8, "nca_s_fault_cant_perform"),
    (0x0000_06f7, "nca_s_fault_ndr"),
    (0x0000_0721, "nca_s_fault_sec_pkg_error"),
    (0x1c00_0001, "nca_s_fault_int_div_by_zero"),
    (0x1c00_0002, "nca_s_fault_addr_error"),
    (0x1c00_0006, "nca_s_fault_invalid_tag"),
    (0x1c00_0007, "nca_s_fault_invalid_bound"),
    (0x1c00_0008, "nca_rpc_version_mismatch"),
    (0x1c00_0009, "nca_unspec_reject"),
    (0x1c00_000d, "nca_s_fault_cancel"),
    (0x1c00_001a, "nca_s_fault_context_mismatch"),
    (0x1c00_001b, "nca_s_fault_remote_no_memory"),
    (0x1c00_001c, "nca_invalid_pres_context_id"),
    (0x1c00_001d, "nca_unsupported_authn_level"),
    (0x1c00_001f, "nca_invalid_checksum"),
    (0x1c00_0024, "nca_s_fault_object_not_found"),
    (0x1c01_0002, "nca_op_rng_error"),
    (0x1c01_0003, "nca_unk_if"),
    (0x1c01_000b, "nca_proto_error"),
    (0x1c01_0013, "nca_out_args_too_big"),
    (0x1c01_0014, "nca_server_too_busy"),
    (0x1c01_0017, "nca_unsupported_type"),
];
