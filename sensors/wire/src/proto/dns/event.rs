//! Builds the one event of a transaction.

use std::io::Write as _;

use super::flavour::Flavour;
use super::limits::{MAX_ANSWERS, MAX_QUESTIONS, MAX_RECORDS};
use super::parse::{Flags, Header, Malformed, Question, Record};
use super::{names, rdata, registry};
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;

/// All fields that a `dns` event can carry, in the order of the field table.
pub const FIELDS: &[Field] = &[
    Field::DnsFlagAa,
    Field::DnsAdditionalCount,
    Field::DnsAnswerCount,
    Field::DnsAuthorityCount,
    Field::DnsCacheFlush,
    Field::DnsConflict,
    Field::DnsQuestionClassCode,
    Field::DnsQuestionLength,
    Field::DnsQuestionTypeCode,
    Field::DnsQuestions,
    Field::DnsFlagRa,
    Field::DnsFlagRd,
    Field::DnsRejected,
    Field::DnsRcodeNumber,
    Field::DnsRtt,
    Field::DnsFlagTc,
    Field::DnsTentative,
    Field::DnsUnicastResponse,
    Field::DnsFlagZ,
    Field::DnsAnswersClass,
    Field::DnsAnswersData,
    Field::DnsAnswersName,
    Field::DnsAnswersTtl,
    Field::DnsAnswersType,
    Field::DnsHeaderFlags,
    Field::DnsId,
    Field::DnsOpCode,
    Field::DnsQuestionClass,
    Field::DnsQuestionName,
    Field::DnsQuestionType,
    Field::DnsResolvedIp,
    Field::DnsResponseCode,
    Field::DnsType,
    Field::NetworkProtocol,
];

/// What was asked: of the query where it was seen, else as the answer repeats it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) id: u16,
    pub(super) flags: Flags,
    pub(super) dnssec_ok: bool,
    /// Name, type, class; `None` where the message had no question.
    pub(super) question: Option<(&'a [u8], u16, u16)>,
}

/// What EDNS says in a message (RFC 6891 6.1.3).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Edns {
    /// Upper bits of the response code, shifted into place.
    pub(super) rcode: u16,
    /// The DO bit.
    pub(super) dnssec_ok: bool,
}

impl Edns {
    fn read(record: &Record) -> Self {
        Self { rcode: (record.ttl >> 24) as u16 * 16, dnssec_ok: record.ttl & 0x8000 != 0 }
    }

    /// Of the OPT record among the records from `at` on, where they can be read.
    pub(super) fn find(message: &[u8], mut at: usize, records: usize) -> Self {
        for _ in 0..MAX_RECORDS.at_most(records) {
            let Ok(record) = Record::read(message, at) else { break };
            if record.rtype == 41 {
                return Self::read(&record);
            }
            at = record.next;
        }
        Self::default()
    }
}

/// `name TYPE` of each question, where a message has several.
pub(super) fn questions(message: &[u8], header: &Header) -> Vec<Vec<u8>> {
    let (mut all, mut at) = (Vec::new(), Header::LEN);
    let several = if header.counts[0] > 1 { MAX_QUESTIONS.at_most(header.counts[0].into()) } else { 0 };
    for _ in 0..several {
        let mut text = Vec::new();
        let Ok(question) = names::read(message, at, &mut text).and_then(|end| Question::tail(message, end))
        else {
            break;
        };
        text.push(b' ');
        put_name(&mut text, registry::rtype(question.qtype), "TYPE", question.qtype);
        all.push(text);
        at = question.next;
    }
    all
}

/// Gives out a query whose answer was not seen. `questions`: all of them, where there are several.
pub(super) fn query(asked: &Asked<'_>, questions: &[Vec<u8>], cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Dns) {
        return;
    }
    let flavour = Flavour::of(cx.flow);
    let mut small = Small::default();
    let flags = flag_names(asked.flags, asked.dnssec_ok, flavour);
    let questions: Vec<Value<'_>> = questions.iter().map(|question| Value::Text(question)).collect();
    let mut fields = Fields::new();
    fields.unless(flavour.is_llmnr(), Field::DnsFlagAa, Value::Unobserved);
    for field in [Field::DnsAdditionalCount, Field::DnsAnswerCount, Field::DnsAuthorityCount] {
        fields.push(field, Value::Unobserved);
    }
    fields.unless(!flavour.is_llmnr(), Field::DnsConflict, Value::Bool(asked.flags.has(Flags::AA)));
    fields.question_numbers(asked, flavour);
    fields.unless(questions.is_empty(), Field::DnsQuestions, Value::List(&questions));
    fields.unless(flavour.name().is_some(), Field::DnsFlagRa, Value::Unobserved);
    fields.unless(flavour.is_llmnr(), Field::DnsFlagRd, Value::Bool(asked.flags.has(Flags::RD)));
    for field in [Field::DnsRejected, Field::DnsRcodeNumber, Field::DnsRtt] {
        fields.push(field, Value::Unobserved);
    }
    fields.push(Field::DnsFlagTc, Value::Bool(asked.flags.has(Flags::TC)));
    fields.unless(!flavour.is_llmnr(), Field::DnsTentative, Value::Bool(asked.flags.has(Flags::RD)));
    fields.unicast(asked, flavour);
    fields.push(Field::DnsFlagZ, Value::Number(asked.flags.z().into()));
    for field in ANSWERS {
        fields.push(field, Value::Unobserved);
    }
    small.fill(asked);
    fields.header(&flags, &small);
    fields.question(asked, &small);
    fields.push(Field::DnsResolvedIp, Value::Unobserved);
    fields.push(Field::DnsResponseCode, Value::Unobserved);
    fields.push(Field::DnsType, Value::Text(b"query"));
    fields.flavour(flavour);
    cx.emit(EventKind::Dns, &fields.0);
}

const ANSWERS: [Field; 5] = [
    Field::DnsAnswersClass,
    Field::DnsAnswersData,
    Field::DnsAnswersName,
    Field::DnsAnswersTtl,
    Field::DnsAnswersType,
];

/// Gives out an answer. `at`: where its records begin; `rtt`: nanoseconds since the query, where one was seen;
/// `text`: a buffer for the answers' text.
pub(super) fn answer(
    message: &[u8],
    header: &Header,
    at: usize,
    asked: &Asked<'_>,
    rtt: Option<u64>,
    text: &mut Vec<u8>,
    cx: &mut Context<'_>,
) {
    text.clear();
    let answers = Answers::read(message, header, at, text, cx);
    if !cx.sink.wants(EventKind::Dns) {
        return;
    }
    let edns = Edns::find(message, answers.next, header.records().saturating_sub(answers.seen));
    let rcode = header.flags.rcode() | edns.rcode;
    let mut small = Small::default();
    small.fill(asked);
    small.rcode(rcode);
    let flavour = Flavour::of(cx.flow);
    let flags = flag_names(header.flags, edns.dnssec_ok || asked.dnssec_ok, flavour);
    let lists = answers.values(text);
    let flush = if flavour.is_mdns() { answers.flush() } else { Vec::new() };
    let several = questions(message, header);
    let several: Vec<Value<'_>> = several.iter().map(|question| Value::Text(question)).collect();
    let mut fields = Fields::new();
    fields.unless(flavour.is_llmnr(), Field::DnsFlagAa, Value::Bool(header.flags.has(Flags::AA)));
    let [_, answer_count, authority, additional] = header.counts.map(|count| Value::Number(count.into()));
    fields.push(Field::DnsAdditionalCount, additional);
    fields.push(Field::DnsAnswerCount, answer_count);
    fields.push(Field::DnsAuthorityCount, authority);
    fields.unless(flush.is_empty(), Field::DnsCacheFlush, Value::List(&flush));
    fields.unless(!flavour.is_llmnr(), Field::DnsConflict, Value::Bool(header.flags.has(Flags::AA)));
    fields.question_numbers(asked, flavour);
    fields.unless(several.is_empty(), Field::DnsQuestions, Value::List(&several));
    fields.unless(flavour.name().is_some(), Field::DnsFlagRa, Value::Bool(header.flags.has(Flags::RA)));
    fields.unless(flavour.is_llmnr(), Field::DnsFlagRd, Value::Bool(header.flags.has(Flags::RD)));
    let rejected = !matches!(rcode, 0 | 3) && header.counts[1] == 0;
    fields.push(Field::DnsRejected, Value::Bool(rejected));
    fields.push(Field::DnsRcodeNumber, Value::Number(rcode.into()));
    // What multicast DNS announces needs no question, and its answers to one name none.
    fields.unless(
        flavour.is_mdns() && rtt.is_none(),
        Field::DnsRtt,
        rtt.map_or(Value::Unobserved, Value::Number),
    );
    fields.push(Field::DnsFlagTc, Value::Bool(header.flags.has(Flags::TC)));
    fields.unless(!flavour.is_llmnr(), Field::DnsTentative, Value::Bool(header.flags.has(Flags::RD)));
    fields.unicast(asked, flavour);
    fields.push(Field::DnsFlagZ, Value::Number(asked.flags.z().into()));
    let (lists, addresses) = lists.split_at(ANSWERS.len() * answers.column());
    if !lists.is_empty() {
        for (field, list) in ANSWERS.into_iter().zip(lists.chunks(answers.column())) {
            fields.push(field, Value::List(list));
        }
    }
    fields.header(&flags, &small);
    fields.question(asked, &small);
    if !addresses.is_empty() {
        fields.push(Field::DnsResolvedIp, Value::List(addresses));
    }
    fields.push(Field::DnsResponseCode, Value::Text(small.rcode.get(registry::rcode(rcode))));
    fields.push(Field::DnsType, Value::Text(b"answer"));
    fields.flavour(flavour);
    cx.emit(EventKind::Dns, &fields.0);
}

#[derive(Clone, Copy, Default)]
struct Span(usize, usize);

impl Span {
    fn of(self, text: &[u8]) -> Value<'_> {
        Value::Text(text.get(self.0..self.1).unwrap_or_default())
    }
}

struct Row {
    class: Span,
    data: Span,
    name: Span,
    rtype: Span,
    ttl: u32,
    /// Multicast DNS: it replaces what was known before.
    flush: bool,
    address: Option<std::net::IpAddr>,
}

struct Answers {
    rows: Vec<Row>,
    seen: usize,
    next: usize,
    /// Records that the header announces were not read: what they say is unobserved.
    part: bool,
}

impl Answers {
    fn read(message: &[u8], header: &Header, at: usize, text: &mut Vec<u8>, cx: &mut Context<'_>) -> Self {
        let mut answers = Self { rows: Vec::new(), seen: 0, next: at, part: false };
        for _ in 0..MAX_RECORDS.at_most(header.counts[1].into()) {
            if let Err(malformed) = answers.take(message, text, cx) {
                if malformed != Malformed::Truncated || !cx.cut {
                    cx.weird("dns", malformed.weird(), b"answer");
                }
                break;
            }
        }
        answers.part = answers.rows.len() < usize::from(header.counts[1]);
        answers
    }

    /// Values of one kind: a row each, and one that stands for those that were not read.
    fn column(&self) -> usize {
        self.rows.len() + usize::from(self.part)
    }

    fn take(&mut self, message: &[u8], text: &mut Vec<u8>, cx: &mut Context<'_>) -> Result<(), Malformed> {
        let record = Record::read(message, self.next)?;
        if self.rows.len() < MAX_ANSWERS.get() {
            self.rows.push(row(message, &record, text)?);
        } else if self.rows.len() == self.seen {
            cx.hit(&MAX_ANSWERS);
        }
        self.seen += 1;
        self.next = record.next;
        Ok(())
    }

    /// Of each answer whether it replaces what was known before.
    fn flush(&self) -> Vec<Value<'static>> {
        let unread = self.part.then_some(Value::Unobserved);
        self.rows.iter().map(|row| Value::Bool(row.flush)).chain(unread).collect()
    }

    /// Classes, data, names, times to live, types, each `column()` long, then the addresses.
    fn values<'t>(&self, text: &'t [u8]) -> Vec<Value<'t>> {
        let unread = self.part.then_some(Value::Unobserved);
        let rows = || self.rows.iter();
        let mut values = Vec::with_capacity(self.column() * 6);
        values.extend(rows().map(|row| row.class.of(text)).chain(unread));
        values.extend(rows().map(|row| row.data.of(text)).chain(unread));
        values.extend(rows().map(|row| row.name.of(text)).chain(unread));
        values.extend(rows().map(|row| Value::Number(row.ttl.into())).chain(unread));
        values.extend(rows().map(|row| row.rtype.of(text)).chain(unread));
        values.extend(rows().filter_map(|row| row.address.map(Value::Ip)).chain(unread));
        values
    }
}

fn row(message: &[u8], record: &Record, text: &mut Vec<u8>) -> Result<Row, Malformed> {
    let begin = text.len();
    names::read(message, record.name, text)?;
    let name = Span(begin, text.len());
    rdata::text(message, record, text);
    let data = Span(name.1, text.len());
    // The top bit of the class is multicast DNS's "flush" (RFC 6762 10.2).
    put_name(text, registry::class(record.class & 0x7fff), "CLASS", record.class);
    let class = Span(data.1, text.len());
    put_name(text, registry::rtype(record.rtype), "TYPE", record.rtype);
    let rtype = Span(class.1, text.len());
    let flush = record.class & 0x8000 != 0;
    Ok(Row { class, data, name, rtype, ttl: record.ttl, flush, address: rdata::address(message, record) })
}

fn put_name(out: &mut Vec<u8>, known: Option<&str>, prefix: &str, number: u16) {
    match known {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        // Writing to a vector cannot fail.
        None => drop(write!(out, "{prefix}{number}")),
    }
}

/// A short text made of a prefix and a number, for numbers that have no name.
#[derive(Default)]
struct Made([u8; 16], usize);

impl Made {
    fn fill(&mut self, prefix: &str, number: u16) {
        let mut rest = &mut self.0[..];
        // The longest is CLASS65535.
        drop(write!(rest, "{prefix}{number}"));
        self.1 = 16 - rest.len();
    }

    fn get<'a>(&'a self, known: Option<&'static str>) -> &'a [u8] {
        known.map_or_else(|| self.0.get(..self.1).unwrap_or_default(), str::as_bytes)
    }
}

#[derive(Default)]
struct Small {
    id: Made,
    opcode: Made,
    qtype: Made,
    qclass: Made,
    rcode: Made,
}

impl Small {
    fn fill(&mut self, asked: &Asked<'_>) {
        self.id.fill("", asked.id);
        let opcode = asked.flags.opcode();
        if registry::opcode(opcode).is_none() {
            self.opcode.fill("OPCODE", opcode.into());
        }
        let Some((_, qtype, qclass)) = asked.question else { return };
        if registry::rtype(qtype).is_none() {
            self.qtype.fill("TYPE", qtype);
        }
        if registry::class(qclass & 0x7fff).is_none() {
            self.qclass.fill("CLASS", qclass);
        }
    }

    fn rcode(&mut self, rcode: u16) {
        if registry::rcode(rcode).is_none() {
            self.rcode.fill("RCODE", rcode);
        }
    }
}

/// Names of the flags that are set.
fn flag_names(flags: Flags, dnssec_ok: bool, flavour: Flavour) -> ([Value<'static>; 7], usize) {
    // LLMNR has bits of its own in two places (RFC 4795 2.1.1).
    let (aa, rd): (&[u8], &[u8]) = if flavour.is_llmnr() { (b"C", b"T") } else { (b"AA", b"RD") };
    let all: [(bool, &'static [u8]); 7] = [
        (flags.has(Flags::AA), aa),
        (flags.has(Flags::TC), b"TC"),
        (flags.has(Flags::RD), rd),
        (flags.has(Flags::RA), b"RA"),
        (flags.has(Flags::AD), b"AD"),
        (flags.has(Flags::CD), b"CD"),
        (dnssec_ok, b"DO"),
    ];
    let mut names = [Value::Unobserved; 7];
    let set = all.iter().filter(|(set, _)| *set);
    let count = names.iter_mut().zip(set).map(|(slot, (_, name))| *slot = Value::Text(name)).count();
    (names, count)
}

struct Fields<'a>(Vec<(Field, Value<'a>)>);

impl<'a> Fields<'a> {
    fn new() -> Self {
        Self(Vec::with_capacity(FIELDS.len()))
    }

    fn push(&mut self, field: Field, value: Value<'a>) {
        self.0.push((field, value));
    }

    fn unless(&mut self, absent: bool, field: Field, value: Value<'a>) {
        if !absent {
            self.push(field, value);
        }
    }

    fn flavour(&mut self, flavour: Flavour) {
        if let Some(name) = flavour.name() {
            self.push(Field::NetworkProtocol, Value::Text(name.as_bytes()));
        }
    }

    /// The top bit of the class is multicast DNS's "answer me alone".
    fn unicast(&mut self, asked: &Asked<'_>, flavour: Flavour) {
        if let (Some((_, _, qclass)), true) = (asked.question, flavour.is_mdns()) {
            self.push(Field::DnsUnicastResponse, Value::Bool(qclass & 0x8000 != 0));
        }
    }

    fn question_numbers(&mut self, asked: &Asked<'_>, flavour: Flavour) {
        let Some((name, qtype, qclass)) = asked.question else { return };
        let qclass = if flavour.is_mdns() { qclass & 0x7fff } else { qclass };
        self.push(Field::DnsQuestionClassCode, Value::Number(qclass.into()));
        self.push(Field::DnsQuestionLength, Value::Number(name.len() as u64));
        self.push(Field::DnsQuestionTypeCode, Value::Number(qtype.into()));
    }

    fn header(&mut self, flags: &'a ([Value<'static>; 7], usize), small: &'a Small) {
        let set = flags.0.get(..flags.1).unwrap_or_default();
        if !set.is_empty() {
            self.push(Field::DnsHeaderFlags, Value::List(set));
        }
        self.push(Field::DnsId, Value::Text(small.id.get(None)));
    }

    fn question(&mut self, asked: &Asked<'a>, small: &'a Small) {
        let opcode = small.opcode.get(registry::opcode(asked.flags.opcode()));
        self.push(Field::DnsOpCode, Value::Text(opcode));
        let Some((name, qtype, qclass)) = asked.question else { return };
        let class = small.qclass.get(registry::class(qclass & 0x7fff));
        self.push(Field::DnsQuestionClass, Value::Text(class));
        self.push(Field::DnsQuestionName, Value::Text(name));
        self.push(Field::DnsQuestionType, Value::Text(small.qtype.get(registry::rtype(qtype))));
    }
}
