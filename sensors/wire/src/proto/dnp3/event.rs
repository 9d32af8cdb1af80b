//! Builds the one event of an exchange.

use super::apdu::Fragment;
use super::limits::{MAX_CONTROLS, MAX_OBJECTS};
use super::names;
use super::objects::{Control, Object, Objects};
use crate::fields::Field;
use crate::limits::Limit;
use crate::messages::{EventKind, Value};
use crate::proto::Context;
use crate::proto::row::{Row, named};

/// All fields that a `dnp3` event can carry, in the order of the field table.
pub const FIELDS: &[Field] = &[
    Field::Dnp3AnswerCounts,
    Field::Dnp3AnswerGroups,
    Field::Dnp3AnswerVariations,
    Field::Dnp3ControlIndexes,
    Field::Dnp3ControlOperations,
    Field::Dnp3ControlStatus,
    Field::Dnp3Destination,
    Field::Dnp3Function,
    Field::Dnp3FunctionCode,
    Field::Dnp3Iin,
    Field::Dnp3IinFlags,
    Field::Dnp3IsControl,
    Field::Dnp3RequestCounts,
    Field::Dnp3RequestGroups,
    Field::Dnp3RequestVariations,
    Field::Dnp3Response,
    Field::Dnp3ResponseCode,
    Field::Dnp3Rtt,
    Field::Dnp3Sequence,
    Field::Dnp3Source,
];

/// A request and its answer, as far as they were seen.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// Link addresses of who began it and of the other.
    pub(super) ends: [u16; 2],
    sequence: u8,
    function: Option<u8>,
    pub(super) objects: Objects,
    answer: Option<(u8, u16)>,
    pub(super) answer_objects: Objects,
    rtt: Option<u64>,
    /// The last fragment of the answer was seen.
    pub(super) is_whole: bool,
    /// The outstation spoke unasked: there is no request.
    pub(super) is_unsolicited: bool,
    /// There is no answer.
    pub(super) is_unanswered: bool,
}

impl Exchange {
    pub(super) fn asked(ends: [u16; 2], request: Fragment) -> Self {
        let sequence = request.sequence();
        Self { ends, sequence, function: Some(request.function), objects: request.objects, ..Self::default() }
    }

    pub(super) fn unasked(ends: [u16; 2], answer: &Fragment) -> Self {
        Self { ends, sequence: answer.sequence(), ..Self::default() }
    }

    pub(super) fn function(&self) -> u8 {
        self.function.unwrap_or(0)
    }

    /// The first fragment of the answer came so many nanoseconds after the request, where that was seen.
    pub(super) fn answered_after(&mut self, nanoseconds: u64) {
        if self.function.is_some() {
            self.rtt.get_or_insert(nanoseconds);
        }
    }

    /// Adds a fragment of the answer; gives the limit that was hit.
    pub(super) fn add(&mut self, answer: Fragment) -> Option<&'static Limit> {
        let before = self.answer.map_or(0, |(_, iin)| iin);
        self.answer = Some((answer.function, before | answer.iin.unwrap_or(0)));
        let mine = &mut self.answer_objects;
        let room = MAX_OBJECTS.get().saturating_sub(mine.list.len());
        let is_limited = answer.objects.list.len() > room;
        mine.list.extend(answer.objects.list.into_iter().take(room));
        mine.controls.extend(answer.objects.controls);
        mine.controls.truncate(MAX_CONTROLS.at_most(mine.controls.len()));
        mine.is_part |= answer.objects.is_part || is_limited;
        is_limited.then_some(&MAX_OBJECTS)
    }

    /// Requests and what repeats them; of an answer alone, its own.
    fn controls(&self) -> &[Control] {
        if self.objects.controls.is_empty() { &self.answer_objects.controls } else { &self.objects.controls }
    }
}

/// Three lists of the same length: groups, variations, counts.
struct Lists([Vec<Value<'static>>; 3]);

impl Lists {
    fn of(objects: &Objects, is_whole: bool) -> Self {
        let unread = (objects.is_part || !is_whole).then_some(Value::Unobserved);
        let list = |get: fn(&Object) -> u64| {
            objects.list.iter().map(|object| Value::Number(get(object))).chain(unread).collect()
        };
        Self([
            list(|object| object.group.into()),
            list(|object| object.variation.into()),
            list(|object| object.count.into()),
        ])
    }
}

/// Gives out an exchange.
pub(super) fn emit(exchange: &Exchange, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Dnp3) {
        return;
    }
    let function = exchange.function.map(|code| named(names::function(code), "function", code));
    let response = exchange.answer.map(|(code, _)| named(names::function(code), "function", code));
    let flags: Vec<Value<'_>> = exchange
        .answer
        .iter()
        .flat_map(|(_, iin)| names::indications(*iin).map(|name| Value::Text(name.as_bytes())))
        .collect();
    let Lists([groups, variations, counts]) = Lists::of(&exchange.objects, true);
    let Lists([answer_groups, answer_variations, answer_counts]) =
        Lists::of(&exchange.answer_objects, exchange.is_whole);
    let controls = exchange.controls();
    let indexes: Vec<Value<'_>> = controls.iter().map(|one| Value::Number(one.index.into())).collect();
    let operations: Vec<Value<'_>> =
        controls.iter().map(|one| Value::Text(operation(one).as_bytes())).collect();
    let status: Vec<Value<'_>> = exchange.answer_objects.controls.iter().map(state).collect();

    let answered = exchange.answer.is_some() || exchange.is_unanswered;
    let asked = exchange.function.is_some() || exchange.is_unsolicited;
    let mut row = Row::with_capacity(FIELDS.len());
    seen_list(&mut row, Field::Dnp3AnswerCounts, answered, &answer_counts, exchange);
    seen_list(&mut row, Field::Dnp3AnswerGroups, answered, &answer_groups, exchange);
    seen_list(&mut row, Field::Dnp3AnswerVariations, answered, &answer_variations, exchange);
    row.list(Field::Dnp3ControlIndexes, &indexes);
    row.list(Field::Dnp3ControlOperations, &operations);
    if controls.is_empty() || answered {
        row.list(Field::Dnp3ControlStatus, &status);
    } else {
        row.put(Field::Dnp3ControlStatus, Value::Unobserved);
    }
    row.number(Field::Dnp3Destination, exchange.ends[1]);
    row.told(Field::Dnp3Function, asked.then_some(function.as_deref().map(Value::Text)));
    row.told(
        Field::Dnp3FunctionCode,
        asked.then_some(exchange.function.map(|code| Value::Number(code.into()))),
    );
    let iin = exchange.answer.map(|(_, iin)| Value::Number(iin.into()));
    row.told(Field::Dnp3Iin, answered.then_some(iin));
    list_if(&mut row, Field::Dnp3IinFlags, answered, &flags);
    let is_control = exchange.function.map_or(Value::Unobserved, |code| Value::Bool(names::is_control(code)));
    row.put(Field::Dnp3IsControl, if exchange.is_unsolicited { Value::Bool(false) } else { is_control });
    list_if(&mut row, Field::Dnp3RequestCounts, asked, &counts);
    list_if(&mut row, Field::Dnp3RequestGroups, asked, &groups);
    list_if(&mut row, Field::Dnp3RequestVariations, asked, &variations);
    row.told(Field::Dnp3Response, answered.then_some(response.as_deref().map(Value::Text)));
    let code = exchange.answer.map(|(code, _)| Value::Number(code.into()));
    row.told(Field::Dnp3ResponseCode, answered.then_some(code));
    if !exchange.is_unsolicited && !exchange.is_unanswered {
        row.put(Field::Dnp3Rtt, exchange.rtt.map_or(Value::Unobserved, Value::Number));
    }
    row.number(Field::Dnp3Sequence, exchange.sequence);
    row.number(Field::Dnp3Source, exchange.ends[0]);
    cx.emit(EventKind::Dnp3, row.fields());
}

const fn operation(control: &Control) -> &'static str {
    match control.code {
        Some(code) => names::operation(code),
        None => "analog",
    }
}

fn state(control: &Control) -> Value<'static> {
    Value::Text(names::status(control.status).unwrap_or("other").as_bytes())
}

fn list_if<'a>(row: &mut Row<'a>, field: Field, is_known: bool, list: &'a [Value<'a>]) {
    if is_known { row.list(field, list) } else { row.put(field, Value::Unobserved) }
}

/// Objects of the answer; there are none where none is ever sent.
fn seen_list<'a>(
    row: &mut Row<'a>,
    field: Field,
    answered: bool,
    list: &'a [Value<'a>],
    exchange: &Exchange,
) {
    if !exchange.is_unanswered {
        list_if(row, field, answered, list);
    }
}
