//! Builds the one event of an exchange.

use super::names;
use super::pdu::{Item, Job, Userdata};
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;
use crate::proto::row::{Row, named};

/// All fields that an `s7` event can carry, in the order of the field table.
pub const FIELDS: &[Field] = &[
    Field::S7Block,
    Field::S7BlockNumber,
    Field::S7BlockType,
    Field::S7ErrorClass,
    Field::S7ErrorClassCode,
    Field::S7ErrorCode,
    Field::S7Function,
    Field::S7FunctionCode,
    Field::S7IsControl,
    Field::S7IsWrite,
    Field::S7ItemAddress,
    Field::S7ItemArea,
    Field::S7ItemBit,
    Field::S7ItemDb,
    Field::S7ItemLength,
    Field::S7ItemResult,
    Field::S7ItemType,
    Field::S7Message,
    Field::S7PduLength,
    Field::S7Rack,
    Field::S7Reference,
    Field::S7Rtt,
    Field::S7Service,
    Field::S7Slot,
    Field::S7SubFunction,
    Field::S7SubFunctionCode,
    Field::S7SzlId,
    Field::S7SzlIndex,
    Field::S7Variant,
];

/// A job or userdata and its answer, as far as they were seen.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    place: Option<(u8, u8)>,
    pub(super) reference: u16,
    job: Option<Job>,
    pub(super) userdata: Option<Userdata>,
    /// Function of an answer whose job was not seen.
    alone: Option<u8>,
    pub(super) answered: bool,
    /// The controller spoke unasked.
    pub(super) is_push: bool,
    pub(super) error: Option<(u8, u8)>,
    pub(super) results: Vec<u8>,
    pub(super) pdu_length: Option<u16>,
    pub(super) rtt: Option<u64>,
}

impl Exchange {
    pub(super) fn job(place: Option<(u8, u8)>, reference: u16, job: Job) -> Self {
        Self { place, reference, job: Some(job), ..Self::default() }
    }

    pub(super) fn userdata(place: Option<(u8, u8)>, reference: u16, said: Userdata) -> Self {
        Self { place, reference, userdata: Some(said), ..Self::default() }
    }

    pub(super) fn answer_alone(place: Option<(u8, u8)>, reference: u16, function: Option<u8>) -> Self {
        Self { place, reference, alone: function, ..Self::default() }
    }

    /// Function of a job.
    pub(super) fn function(&self) -> Option<u8> {
        self.job.as_ref().map(|job| job.function)
    }

    pub(super) fn held(&self) -> usize {
        let job = self.job.as_ref().map_or(0, |job| {
            job.items.capacity() * size_of::<Item>() + job.service.capacity() + job.block.capacity()
        });
        job + self.results.capacity()
    }

    fn any_function(&self) -> Option<u8> {
        self.function().or(self.alone)
    }
}

/// S7comm-plus is seen; nothing of it is read.
pub(super) fn plus(place: Option<(u8, u8)>, cx: &mut Context<'_>) {
    if cx.sink.wants(EventKind::S7) {
        let mut row = Row::with_capacity(3);
        row.maybe(Field::S7Rack, place.map(|(rack, _)| Value::Number(rack.into())));
        row.maybe(Field::S7Slot, place.map(|(_, slot)| Value::Number(slot.into())));
        row.text(Field::S7Variant, b"s7comm-plus");
        cx.emit(EventKind::S7, row.fields());
    }
}

/// Gives out an exchange.
pub(super) fn emit(exchange: &Exchange, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::S7) {
        return;
    }
    let function = exchange.any_function();
    let group = exchange.userdata.map(|said| named(names::group(said.group), "group", said.group));
    let function_name = function.map(|code| named(names::function(code), "function", code));
    let sub = exchange
        .userdata
        .map(|said| named(names::sub_function(said.group, said.sub_function), "function", said.sub_function));
    let lists = Lists::of(exchange);
    let job = exchange.job.as_ref();
    let block = job.map(|job| job.block.as_slice()).filter(|block| !block.is_empty());
    let error = exchange.error.filter(|error| *error != (0, 0));
    let class = error.map(|(class, _)| named(names::error_class(class), "class", class));
    let code = error.map(|(_, code)| Value::Number(code.into()));
    let userdata_error = exchange.userdata.and_then(|said| said.error).filter(|code| *code != 0);
    let code = code.or_else(|| userdata_error.map(|code| Value::Number(code.into())));
    let job_unseen = exchange.alone.is_some() && job.is_none();
    let message: &[u8] = if exchange.userdata.is_some() { b"userdata" } else { b"job" };

    let mut row = Row::with_capacity(FIELDS.len());
    row.maybe(Field::S7Block, block.map(Value::Text));
    row.maybe(Field::S7BlockNumber, block.and_then(block_number).map(Value::Number));
    row.maybe(Field::S7BlockType, block.and_then(block_type).map(|name| Value::Text(name.as_bytes())));
    row.told(Field::S7ErrorClass, exchange.answered.then_some(class.as_deref().map(Value::Text)));
    let class_code = error.map(|(class, _)| Value::Number(class.into()));
    row.told(Field::S7ErrorClassCode, exchange.answered.then_some(class_code));
    row.told(Field::S7ErrorCode, exchange.answered.then_some(code));
    row.maybe(Field::S7Function, function_name.as_deref().or(group.as_deref()).map(Value::Text));
    let number = function.or(exchange.userdata.map(|said| said.group));
    row.maybe(Field::S7FunctionCode, number.map(|code| Value::Number(code.into())));
    row.truth(
        Field::S7IsControl,
        function.is_some_and(names::is_control) || exchange.userdata.is_some_and(sets),
    );
    row.truth(Field::S7IsWrite, function == Some(5));
    lists.put(&mut row, exchange, job_unseen);
    row.text(Field::S7Message, message);
    row.maybe(Field::S7PduLength, exchange.pdu_length.map(|length| Value::Number(length.into())));
    row.maybe(Field::S7Rack, exchange.place.map(|(rack, _)| Value::Number(rack.into())));
    row.number(Field::S7Reference, exchange.reference);
    if !exchange.is_push {
        row.put(Field::S7Rtt, exchange.rtt.map_or(Value::Unobserved, Value::Number));
    }
    let service = job.map(|job| job.service.as_slice()).filter(|service| !service.is_empty());
    row.maybe(Field::S7Service, service.map(Value::Text));
    row.maybe(Field::S7Slot, exchange.place.map(|(_, slot)| Value::Number(slot.into())));
    row.maybe(Field::S7SubFunction, sub.as_deref().map(Value::Text));
    row.maybe(
        Field::S7SubFunctionCode,
        exchange.userdata.map(|said| Value::Number(said.sub_function.into())),
    );
    let szl = exchange.userdata.and_then(|said| said.szl);
    row.maybe(Field::S7SzlId, szl.map(|(id, _)| Value::Number(id.into())));
    row.maybe(Field::S7SzlIndex, szl.map(|(_, index)| Value::Number(index.into())));
    row.text(Field::S7Variant, b"s7comm");
    cx.emit(EventKind::S7, row.fields());
}

/// True where userdata changes the controller: its clock, or what it forces.
const fn sets(said: Userdata) -> bool {
    matches!((said.group, said.sub_function), (7, 2 | 4) | (1, 0x0c | 0x10))
}

/// Items of the job, a list for each of their sides.
struct Lists {
    address: Vec<Value<'static>>,
    area: Vec<Value<'static>>,
    bit: Vec<Value<'static>>,
    db: Vec<Value<'static>>,
    length: Vec<Value<'static>>,
    result: Vec<Value<'static>>,
    element: Vec<Value<'static>>,
}

impl Lists {
    fn of(exchange: &Exchange) -> Self {
        let items: &[Item] = exchange.job.as_ref().map_or(&[], |job| &job.items);
        let unread = exchange.job.as_ref().is_some_and(|job| job.is_part).then_some(Value::Unobserved);
        let list = |get: fn(&Item) -> Value<'static>| items.iter().map(get).chain(unread).collect();
        let result = |code: &u8| Value::Text(names::item_result(*code).unwrap_or("other").as_bytes());
        Self {
            address: list(|item| Value::Number(place(item).0)),
            area: list(|item| Value::Text(names::area(item.area).unwrap_or("other").as_bytes())),
            bit: list(|item| Value::Number(place(item).1)),
            db: list(|item| Value::Number(item.db.into())),
            length: list(|item| Value::Number(item.length.into())),
            result: exchange.results.iter().map(result).collect(),
            element: list(|item| Value::Text(names::element(item.element).unwrap_or("other").as_bytes())),
        }
    }

    fn put<'a>(&'a self, row: &mut Row<'a>, exchange: &Exchange, job_unseen: bool) {
        let is_variable = matches!(exchange.any_function(), Some(4 | 5));
        let hidden = job_unseen && is_variable;
        let mut put = |field: Field, list: &'a [Value<'a>], hidden: bool| {
            if hidden { row.put(field, Value::Unobserved) } else { row.list(field, list) }
        };
        put(Field::S7ItemAddress, &self.address, hidden);
        put(Field::S7ItemArea, &self.area, hidden);
        put(Field::S7ItemBit, &self.bit, hidden);
        put(Field::S7ItemDb, &self.db, hidden);
        put(Field::S7ItemLength, &self.length, hidden);
        put(Field::S7ItemResult, &self.result, is_variable && !exchange.answered);
        put(Field::S7ItemType, &self.element, hidden);
    }
}

/// Byte and bit; counters and timers have a number alone.
fn place(item: &Item) -> (u64, u64) {
    match item.area {
        0x1c..=0x1f => (item.address.into(), 0),
        _ => ((item.address >> 3).into(), (item.address & 7).into()),
    }
}

/// The two characters of the type stand before five digits: `_0A00001P`, or `0A00001P` where blocks are inserted.
fn block_parts(block: &[u8]) -> Option<([u8; 2], &[u8])> {
    let name = block.strip_prefix(b"_").unwrap_or(block);
    let (kind, rest) = name.split_first_chunk::<2>()?;
    Some((*kind, rest.get(..5)?))
}

fn block_type(block: &[u8]) -> Option<&'static str> {
    block_parts(block).and_then(|(kind, _)| names::block(kind))
}

fn block_number(block: &[u8]) -> Option<u64> {
    std::str::from_utf8(block_parts(block)?.1).ok()?.parse().ok()
}
