//! Queries of one flow that wait for their answers.

use super::event::{self, Asked, Edns};
use super::flavour;
use super::limits::{ANSWER_TIMEOUT, MAX_PENDING};
use super::names;
use super::parse::{Flags, Header, Malformed, Question};
use crate::limits::Limit;
use crate::messages::{Direction, EventKind};
use crate::proto::Context;
use crate::proto::waiting::{Request, Waiting};

/// Bytes that most names fit in: what a query costs.
const SMALL: usize = 48;
/// A flow keeps no buffer larger than this when it waits.
const SPARE: usize = 512;

/// A query that has no answer yet.
#[derive(Debug)]
struct Query {
    id: u16,
    direction: Direction,
    flags: Flags,
    dnssec_ok: bool,
    qtype: u16,
    qclass: u16,
    name: Vec<u8>,
}

impl Query {
    fn asks(&self, id: u16, question: Option<(&[u8], Question)>) -> bool {
        self.id == id
            && question.is_none_or(|(name, question)| {
                self.qtype == question.qtype
                    && self.qclass == question.qclass
                    && self.name.eq_ignore_ascii_case(name)
            })
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            id: self.id,
            flags: self.flags,
            dnssec_ok: self.dnssec_ok,
            question: Some((&self.name, self.qtype, self.qclass)),
        }
    }
}

impl Request for Query {
    const WAIT: u64 = ANSWER_TIMEOUT;

    fn most() -> &'static Limit {
        &MAX_PENDING
    }

    fn unanswered(&self, cx: &mut Context<'_>) {
        event::query(&self.asked(), &[], cx);
    }
}

/// The open queries of a flow, and a buffer that goes from one name to the next.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    waiting: Waiting<Query>,
    spare: Vec<u8>,
    /// Identifier of a zone transfer whose further messages are not answers of their own (RFC 5936 2.2).
    transfer: Option<u16>,
    /// Where the message at hand goes.
    direction: Option<Direction>,
}

impl Transactions {
    /// Bytes of heap, roughly: names are mostly short.
    pub(super) fn held(&self) -> usize {
        self.waiting.held() + self.waiting.capacity() * SMALL + self.spare.capacity()
    }

    /// Takes one whole message. False where it is none.
    pub(super) fn message(&mut self, direction: Direction, bytes: &[u8], cx: &mut Context<'_>) -> bool {
        self.direction = Some(direction);
        if !cx.wants(EventKind::Dns) {
            return true;
        }
        let mut name = std::mem::take(&mut self.spare);
        name.clear();
        name.reserve(SMALL);
        let done = self.read(bytes, &mut name, cx);
        if self.spare.capacity() == 0 && name.capacity() <= SPARE {
            self.spare = name;
        }
        match done {
            Ok(()) => true,
            Err(Malformed::Truncated) if cx.cut => true,
            Err(malformed) => {
                cx.weird("dns", malformed.weird(), b"");
                false
            }
        }
    }

    fn read(&mut self, bytes: &[u8], name: &mut Vec<u8>, cx: &mut Context<'_>) -> Result<(), Malformed> {
        self.expire(cx);
        let header = Header::read(bytes)?;
        let question = match header.counts[0] {
            0 => None,
            _ => Some(Question::tail(bytes, names::read(bytes, Header::LEN, name)?)?),
        };
        if header.flags.is_response() {
            self.answer(bytes, &header, question, name, cx)
        } else {
            self.query(bytes, &header, question, name, cx);
            Ok(())
        }
    }

    fn query(
        &mut self,
        bytes: &[u8],
        header: &Header,
        question: Option<Question>,
        name: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) {
        let Some(question) = question else {
            return cx.weird("dns", "dns_query_without_question", b"");
        };
        if self.find(header.id, Some((name, question))).is_some() {
            return;
        }
        if flavour::is_to_group(cx.flow) {
            let asked = Asked {
                id: header.id,
                flags: header.flags,
                dnssec_ok: false,
                question: Some((name, question.qtype, question.qclass)),
            };
            return event::query(&asked, &event::questions(bytes, header), cx);
        }
        let query = Query {
            id: header.id,
            direction: self.direction.unwrap_or(Direction::ToServer),
            flags: header.flags,
            dnssec_ok: Edns::find(bytes, question.next, header.records()).dnssec_ok,
            qtype: question.qtype,
            qclass: question.qclass,
            name: std::mem::take(name),
        };
        self.waiting.push(query, cx);
    }

    fn answer(
        &mut self,
        bytes: &[u8],
        header: &Header,
        question: Option<Question>,
        name: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) -> Result<(), Malformed> {
        let at = skip_questions(bytes, header, question)?;
        let shown = question.map(|question| (name.as_slice(), question));
        // What goes the query's own way answers nothing (multicast DNS announces to the address it asks).
        let way = self.direction;
        let row = self.find(header.id, shown);
        let row = row
            .filter(|row| self.waiting.get_mut(*row).is_some_and(|one| Some(one.request.direction) != way));
        if let Some(pending) = row.and_then(|row| self.waiting.remove(row)) {
            let query = pending.request;
            self.transfer = matches!(query.qtype, 251 | 252).then_some(header.id);
            let rtt = Some(cx.time.saturating_sub(pending.time));
            event::answer(bytes, header, at, &query.asked(), rtt, name, cx);
            self.spare = query.name;
        } else if self.transfer != Some(header.id) {
            self.unasked(bytes, header, at, question, name, cx);
        }
        Ok(())
    }

    /// An answer whose query was not seen, or that answers something else.
    fn unasked(
        &mut self,
        bytes: &[u8],
        header: &Header,
        at: usize,
        question: Option<Question>,
        name: &[u8],
        cx: &mut Context<'_>,
    ) {
        let way = self.direction;
        if self.waiting.any(|query| query.id == header.id && Some(query.direction) != way) {
            cx.weird("dns", "dns_answer_to_other_question", name);
        }
        let asked = Asked {
            id: header.id,
            flags: header.flags,
            dnssec_ok: false,
            question: question.map(|question| (name, question.qtype, question.qclass)),
        };
        let mut text = std::mem::take(&mut self.spare);
        event::answer(bytes, header, at, &asked, None, &mut text, cx);
        self.spare = text;
    }

    fn find(&self, id: u16, question: Option<(&[u8], Question)>) -> Option<usize> {
        self.waiting.position(|query| query.asks(id, question))
    }

    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        self.waiting.expire(cx);
    }

    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        self.waiting.flush(cx);
    }
}

fn skip_questions(bytes: &[u8], header: &Header, first: Option<Question>) -> Result<usize, Malformed> {
    let mut at = first.map_or(Header::LEN, |question| question.next);
    for _ in 1..header.counts[0] {
        at = Question::skip(bytes, at)?.next;
    }
    Ok(at)
}
