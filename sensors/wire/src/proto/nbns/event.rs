//! Builds the one event of a transaction.

use std::net::IpAddr;

use super::names::{self, Name};
use super::parse::Message;
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;
use crate::proto::row::{Row, named};

/// All fields that an `nbns` event can carry, in the order of the field table.
pub const FIELDS: &[Field] = &[
    Field::NbnsAddresses,
    Field::NbnsBroadcast,
    Field::NbnsGroup,
    Field::NbnsMac,
    Field::NbnsName,
    Field::NbnsNames,
    Field::NbnsOperation,
    Field::NbnsQuestionType,
    Field::NbnsResponseCode,
    Field::NbnsResponseCodeNumber,
    Field::NbnsRtt,
    Field::NbnsScope,
    Field::NbnsSuffix,
    Field::NbnsSuffixName,
    Field::NbnsTransactionId,
    Field::NbnsTtl,
    Field::NbnsType,
];

/// Gives out a transaction; at least one of request and answer is there.
pub(super) fn emit(
    request: Option<&Message>,
    answer: Option<&Message>,
    rtt: Option<u64>,
    cx: &mut Context<'_>,
) {
    let Some(first) = request.or(answer).filter(|_| cx.sink.wants(EventKind::Nbns)) else { return };
    // To a broadcast that registers, releases or refreshes, silence is the answer.
    let silent = answer.is_none() && first.flags.is_broadcast() && first.flags.opcode() != 0;
    let told = answer.unwrap_or(first);
    let addresses: Vec<Value<'_>> = told.addresses.iter().map(|ip| Value::Ip(IpAddr::V4(*ip))).collect();
    let listed: Vec<Vec<u8>> = told.status.iter().map(shown).collect();
    let listed: Vec<Value<'_>> = listed.iter().map(|name| Value::Text(name)).collect();
    let mac = told.mac.map(|[a, b, c, d, e, f]| format!("{a:02X}-{b:02X}-{c:02X}-{d:02X}-{e:02X}-{f:02X}"));
    let operation = named(names::operation(first.flags.opcode()), "operation", first.flags.opcode());
    let question = named(names::question(first.rtype), "type", first.rtype);
    let code = answer.map(|answer| answer.flags.rcode());
    let code_name = code.map(|code| named(names::response(code), "code", code));
    let unseen = answer.is_none() && !silent;
    let hidden = unseen && first.flags.opcode() == 0;

    let mut row = Row::with_capacity(FIELDS.len());
    list(&mut row, Field::NbnsAddresses, hidden, &addresses);
    row.truth(Field::NbnsBroadcast, first.flags.is_broadcast());
    row.told(Field::NbnsGroup, (!hidden).then_some(told.group.map(Value::Bool)));
    row.told(Field::NbnsMac, (!hidden).then_some(mac.as_ref().map(|mac| Value::Text(mac.as_bytes()))));
    row.text(Field::NbnsName, &first.name.text);
    list(&mut row, Field::NbnsNames, hidden, &listed);
    row.text(Field::NbnsOperation, &operation);
    row.text(Field::NbnsQuestionType, &question);
    row.told(Field::NbnsResponseCode, (!unseen).then_some(code_name.as_deref().map(Value::Text)));
    row.told(Field::NbnsResponseCodeNumber, (!unseen).then_some(code.map(|code| Value::Number(code.into()))));
    if !silent {
        row.put(Field::NbnsRtt, rtt.map_or(Value::Unobserved, Value::Number));
    }
    row.maybe(
        Field::NbnsScope,
        Some(Value::Text(&first.name.scope)).filter(|_| !first.name.scope.is_empty()),
    );
    row.number(Field::NbnsSuffix, first.name.suffix);
    row.maybe(Field::NbnsSuffixName, names::suffix(&first.name).map(|name| Value::Text(name.as_bytes())));
    row.number(Field::NbnsTransactionId, first.id);
    row.told(Field::NbnsTtl, (!hidden).then_some(told.ttl.map(|ttl| Value::Number(ttl.into()))));
    row.text(Field::NbnsType, if answer.is_some() { b"answer" } else { b"query" });
    cx.emit(EventKind::Nbns, row.fields());
}

/// `NAME<20>`, as the tools of this service show it.
fn shown(name: &Name) -> Vec<u8> {
    [&name.text[..], format!("<{:02x}>", name.suffix).as_bytes()].concat()
}

fn list<'a>(row: &mut Row<'a>, field: Field, hidden: bool, values: &'a [Value<'a>]) {
    if hidden { row.put(field, Value::Unobserved) } else { row.list(field, values) }
}
