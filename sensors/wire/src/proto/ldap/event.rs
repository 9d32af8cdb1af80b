//! Builds the one event of an operation.

use std::borrow::Cow;

use super::message::{Outcome, Request};
use super::registry;
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;

/// All fields that an `ldap` event can carry.
pub const FIELDS: &[Field] = &[
    Field::LdapAliases,
    Field::LdapAnonymous,
    Field::LdapAttributes,
    Field::LdapChanges,
    Field::LdapClearTextPassword,
    Field::LdapControls,
    Field::LdapDeleteOldRdn,
    Field::LdapDiagnostic,
    Field::LdapDn,
    Field::LdapEntries,
    Field::LdapExtension,
    Field::LdapFilter,
    Field::LdapMatchedDn,
    Field::LdapMechanism,
    Field::LdapMessageId,
    Field::LdapNewRdn,
    Field::LdapNewSuperior,
    Field::LdapOperation,
    Field::LdapReferences,
    Field::LdapReferrals,
    Field::LdapResult,
    Field::LdapResultCode,
    Field::LdapRtt,
    Field::LdapScope,
    Field::LdapSizeLimit,
    Field::LdapSuccess,
    Field::LdapTimeLimit,
    Field::LdapTypesOnly,
    Field::LdapVersion,
    Field::UserName,
];

/// One operation as far as it was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation<'a> {
    pub(super) id: i64,
    pub(super) name: &'static str,
    pub(super) request: Option<&'a Request>,
    /// Entries and references of a search.
    pub(super) found: [u64; 2],
    pub(super) outcome: Option<&'a Outcome>,
    pub(super) rtt: Option<u64>,
}

type Fields<'a> = Vec<(Field, Value<'a>)>;

/// Gives out the event of an operation.
pub(super) fn emit(operation: &Operation<'_>, cx: &mut Context<'_>) {
    let request = operation.request;
    let list = |of: fn(&Request) -> &[Vec<u8>]| values(request.map(of).unwrap_or_default());
    let attributes = list(|request| &request.attributes);
    let changes = list(|request| &request.changes);
    let controls = list(|request| &request.controls);
    let referrals = values(operation.outcome.map(|outcome| &outcome.referrals[..]).unwrap_or_default());
    let result = operation.outcome.map(|outcome| {
        registry::result(outcome.code).map_or_else(|| outcome.code.to_string().into(), Cow::Borrowed)
    });
    let mut fields = Fields::with_capacity(FIELDS.len());
    fields.extend(number(Field::LdapMessageId, Some(operation.id)));
    fields.push((Field::LdapOperation, Value::Text(operation.name.as_bytes())));
    push_request(&mut fields, operation);
    push_outcome(&mut fields, operation, result.as_ref());
    let lists = [
        (Field::LdapAttributes, &attributes),
        (Field::LdapChanges, &changes),
        (Field::LdapControls, &controls),
        (Field::LdapReferrals, &referrals),
    ];
    let filled = lists.into_iter().filter(|(_, list)| !list.is_empty());
    fields.extend(filled.map(|(field, list)| (field, Value::List(list))));
    fields.sort_unstable_by_key(|field| field.0);
    cx.emit(EventKind::Ldap, &fields);
}

/// What a request of that operation tells, and a response does not.
fn of_request(operation: &str) -> &'static [Field] {
    match operation {
        "bind" => &[
            Field::LdapAnonymous,
            Field::LdapClearTextPassword,
            Field::LdapControls,
            Field::LdapDn,
            Field::LdapMechanism,
            Field::LdapVersion,
            Field::UserName,
        ],
        "search" => &[
            Field::LdapAliases,
            Field::LdapAttributes,
            Field::LdapControls,
            Field::LdapDn,
            Field::LdapFilter,
            Field::LdapScope,
            Field::LdapSizeLimit,
            Field::LdapTimeLimit,
            Field::LdapTypesOnly,
        ],
        "modify" => &[Field::LdapAttributes, Field::LdapChanges, Field::LdapControls, Field::LdapDn],
        "modify_dn" => &[
            Field::LdapControls,
            Field::LdapDeleteOldRdn,
            Field::LdapDn,
            Field::LdapNewRdn,
            Field::LdapNewSuperior,
        ],
        "add" | "compare" => &[Field::LdapAttributes, Field::LdapControls, Field::LdapDn],
        "delete" => &[Field::LdapControls, Field::LdapDn],
        "extended" => &[Field::LdapClearTextPassword, Field::LdapControls, Field::LdapExtension],
        _ => &[],
    }
}

fn push_request<'a>(fields: &mut Fields<'a>, operation: &Operation<'a>) {
    let Some(request) = operation.request else {
        let named = operation.outcome.and_then(|outcome| outcome.extension.as_deref());
        let hidden =
            of_request(operation.name).iter().filter(|f| **f != Field::LdapExtension || named.is_none());
        fields.extend(hidden.map(|field| (*field, Value::Unobserved)));
        return fields.extend(named.map(|oid| (Field::LdapExtension, Value::Text(extension(oid)))));
    };
    if of_request(request.operation).contains(&Field::LdapDn) {
        fields.push((Field::LdapDn, Value::Text(&request.dn)));
    }
    let texts = [
        (Field::LdapMechanism, request.mechanism.as_deref()),
        (Field::LdapNewRdn, request.new_rdn.as_deref()),
        (Field::LdapNewSuperior, request.new_superior.as_deref()),
        (Field::LdapExtension, request.extension.as_deref().map(extension)),
    ];
    fields.extend(texts.into_iter().filter_map(|(field, text)| Some((field, Value::Text(text?)))));
    fields.extend(request.delete_old_rdn.map(|delete| (Field::LdapDeleteOldRdn, Value::Bool(delete))));
    fields.extend(number(Field::LdapVersion, request.version));
    push_bind(fields, request);
    push_search(fields, request);
}

fn push_bind<'a>(fields: &mut Fields<'a>, request: &'a Request) {
    if !matches!(request.operation, "bind" | "extended") {
        return;
    }
    let password = request.password_len.is_some_and(|len| len > 0);
    fields.push((Field::LdapClearTextPassword, Value::Bool(password)));
    if let Some(len) = request.password_len.filter(|_| request.operation == "bind") {
        fields.push((Field::LdapAnonymous, Value::Bool(len == 0 && request.dn.is_empty())));
    }
    if !request.dn.is_empty() {
        fields.push((Field::UserName, Value::Text(&request.dn)));
    }
}

fn push_search<'a>(fields: &mut Fields<'a>, request: &'a Request) {
    let Some(search) = &request.search else { return };
    let names = [
        (Field::LdapScope, registry::scope(search.scope)),
        (Field::LdapAliases, registry::aliases(search.aliases)),
    ];
    fields.extend(names.into_iter().filter_map(|(field, name)| Some((field, Value::Text(name?.as_bytes())))));
    fields.extend(number(Field::LdapSizeLimit, Some(search.size_limit)));
    fields.extend(number(Field::LdapTimeLimit, Some(search.time_limit)));
    fields.push((Field::LdapTypesOnly, Value::Bool(search.types_only)));
    fields.push((Field::LdapFilter, Value::Text(&search.filter)));
}

/// What only a result tells.
const OF_RESULT: [Field; 6] = [
    Field::LdapDiagnostic,
    Field::LdapMatchedDn,
    Field::LdapReferrals,
    Field::LdapResult,
    Field::LdapResultCode,
    Field::LdapSuccess,
];

fn push_outcome<'a>(
    fields: &mut Fields<'a>,
    operation: &Operation<'a>,
    result: Option<&'a Cow<'static, str>>,
) {
    if matches!(operation.name, "unbind" | "abandon" | "sasl_wrapped") {
        return;
    }
    let seen = operation.outcome.is_some();
    fields.push((Field::LdapRtt, operation.rtt.map_or(Value::Unobserved, Value::Number)));
    if operation.name == "search" {
        let [entries, references] =
            operation.found.map(|count| if seen { Value::Number(count) } else { Value::Unobserved });
        fields.extend([(Field::LdapEntries, entries), (Field::LdapReferences, references)]);
    }
    let Some(outcome) = operation.outcome else {
        return fields.extend(OF_RESULT.map(|field| (field, Value::Unobserved)));
    };
    fields.extend(result.map(|name| (Field::LdapResult, Value::Text(name.as_bytes()))));
    fields.extend(number(Field::LdapResultCode, Some(outcome.code)));
    fields.push((Field::LdapSuccess, Value::Bool(registry::is_success(outcome.code))));
    let texts = [(Field::LdapDiagnostic, &outcome.message), (Field::LdapMatchedDn, &outcome.matched_dn)];
    let filled = texts.into_iter().filter(|(_, text)| !text.is_empty());
    fields.extend(filled.map(|(field, text)| (field, Value::Text(text))));
}

fn extension(oid: &[u8]) -> &[u8] {
    registry::extension(oid).map_or(oid, str::as_bytes)
}

fn number<'a>(field: Field, number: Option<i64>) -> Option<(Field, Value<'a>)> {
    u64::try_from(number?).ok().map(|number| (field, Value::Number(number)))
}

fn values(list: &[Vec<u8>]) -> Vec<Value<'_>> {
    list.iter().map(|one| Value::Text(one)).collect()
}
