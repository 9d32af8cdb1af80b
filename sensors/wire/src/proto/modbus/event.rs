//! Builds the one event of a transaction.

use super::adu::{Adu, Request, Response};
use super::names;
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;
use crate::proto::row::{Row, named, numbers};

/// All fields that a `modbus` event can carry, in the order of the field table.
pub const FIELDS: &[Field] = &[
    Field::ModbusAddress,
    Field::ModbusDevice,
    Field::ModbusException,
    Field::ModbusExceptionCode,
    Field::ModbusFileNumber,
    Field::ModbusFunction,
    Field::ModbusFunctionCode,
    Field::ModbusIsWrite,
    Field::ModbusQuantity,
    Field::ModbusRtt,
    Field::ModbusSubFunction,
    Field::ModbusTransactionId,
    Field::ModbusUnit,
    Field::ModbusValues,
    Field::ModbusValuesRead,
    Field::ModbusWriteAddress,
    Field::ModbusWriteQuantity,
];

/// What a request and its answer have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) transaction: u16,
    unit: u8,
    /// Without the exception's bit.
    function: u8,
}

impl Head {
    pub(super) const fn of(adu: &Adu<'_>) -> Self {
        Self { transaction: adu.transaction, unit: adu.unit, function: adu.function & 0x7f }
    }

    /// Some servers give a function that they do not know as 0 in their exception.
    pub(super) const fn is_answered_by(self, answer: Self) -> bool {
        let same = self.transaction == answer.transaction && self.unit == answer.unit;
        same && (self.function == answer.function || answer.function == 0)
    }
}

/// Gives out a transaction. `response`: what was answered and, where the request was seen, how many nanoseconds later.
pub(super) fn emit(
    head: Head,
    request: Option<&Request>,
    response: Option<(&Response<'_>, Option<u64>)>,
    cx: &mut Context<'_>,
) {
    if !cx.sink.wants(EventKind::Modbus) {
        return;
    }
    let function = named(names::function(head.function), "function", head.function);
    let answer = response.map(|(response, _)| response);
    let exception = answer.and_then(|answer| answer.exception);
    let exception_name = exception.map(|code| named(names::exception(code), "exception", code));
    let device: Vec<Value<'_>> =
        answer.map_or_else(Vec::new, |answer| answer.device.iter().map(|text| Value::Text(text)).collect());
    let written = request.map_or_else(Vec::new, |request| kept(&request.values, request.is_cut));
    let read = answer.map_or_else(Vec::new, |answer| kept(&answer.values, answer.is_cut));

    let mut row = Row::with_capacity(FIELDS.len());
    row.told(Field::ModbusAddress, asked(request, |request| request.address));
    list_told(&mut row, Field::ModbusDevice, answer.is_some() || !tells_device(head.function), &device);
    row.told(Field::ModbusException, answer.map(|_| exception_name.as_deref().map(Value::Text)));
    row.told(Field::ModbusExceptionCode, answer.map(|_| exception.map(|code| Value::Number(code.into()))));
    row.told(Field::ModbusFileNumber, asked(request, |request| request.file));
    row.text(Field::ModbusFunction, &function);
    row.number(Field::ModbusFunctionCode, head.function);
    row.truth(Field::ModbusIsWrite, names::is_write(head.function));
    row.told(Field::ModbusQuantity, asked(request, |request| request.quantity));
    row.put(Field::ModbusRtt, response.and_then(|(_, rtt)| rtt).map_or(Value::Unobserved, Value::Number));
    row.told(Field::ModbusSubFunction, asked(request, |request| request.sub_function));
    row.number(Field::ModbusTransactionId, head.transaction);
    row.number(Field::ModbusUnit, head.unit);
    let written_is_known = request.is_some_and(|request| !request.values.is_empty());
    list_told(&mut row, Field::ModbusValues, written_is_known || !names::is_write(head.function), &written);
    list_told(&mut row, Field::ModbusValuesRead, answer.is_some() || !tells_values(head.function), &read);
    row.told(Field::ModbusWriteAddress, asked(request, |request| request.write.map(|(address, _)| address)));
    row.told(
        Field::ModbusWriteQuantity,
        asked(request, |request| request.write.map(|(_, quantity)| quantity)),
    );
    cx.emit(EventKind::Modbus, row.fields());
}

/// What the request says: unobserved where it was not seen.
fn asked(request: Option<&Request>, get: impl Fn(&Request) -> Option<u16>) -> Option<Option<Value<'static>>> {
    request.map(|request| get(request).map(|number| Value::Number(number.into())))
}

/// The values, and one that stands for those beyond the limit.
fn kept(values: &[u16], is_cut: bool) -> Vec<Value<'static>> {
    let mut list = numbers(values);
    list.extend(is_cut.then_some(Value::Unobserved));
    list
}

fn list_told<'a>(row: &mut Row<'a>, field: Field, is_known: bool, list: &'a [Value<'a>]) {
    if is_known { row.list(field, list) } else { row.put(field, Value::Unobserved) }
}

const fn tells_values(function: u8) -> bool {
    matches!(function, 1..=4 | 7 | 23 | 24)
}

const fn tells_device(function: u8) -> bool {
    matches!(function, 17 | 43)
}
