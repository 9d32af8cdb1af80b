//! Jobs of one flow that wait for their answers, matched by reference; userdata by reference or sequence.

use super::event::{self, Exchange};
use super::limits::{ANSWER_TIMEOUT, MAX_PENDING};
use super::pdu::{Job, Pdu, S7_PLUS, Userdata, results};
use crate::limits::Limit;
use crate::messages::Direction;
use crate::proto::Context;
use crate::proto::tpkt;
use crate::proto::waiting::{Request, Waiting};

#[derive(Debug)]
struct Open {
    way: Direction,
    exchange: Exchange,
}

impl Request for Open {
    const WAIT: u64 = ANSWER_TIMEOUT;

    fn most() -> &'static Limit {
        &MAX_PENDING
    }

    fn unanswered(&self, cx: &mut Context<'_>) {
        event::emit(&self.exchange, cx);
    }
}

/// The open jobs of a flow.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    waiting: Waiting<Open>,
    /// Rack and slot that the connection was asked for.
    place: Option<(u8, u8)>,
    over: bool,
}

impl Transactions {
    /// A connection is made: the called side's selector ends with rack and slot.
    pub(super) fn connect(&mut self, parameters: &[u8]) {
        if let Some(&[_, place]) = tpkt::parameter(parameters, tpkt::CALLED) {
            self.place.get_or_insert((place >> 5, place & 0x1f));
        }
    }

    /// Takes one whole message.
    pub(super) fn message(&mut self, way: Direction, bytes: &[u8], cx: &mut Context<'_>) {
        self.expire(cx);
        if bytes.first() == Some(&S7_PLUS) {
            return self.plus(cx);
        }
        if bytes.is_empty() {
            return;
        }
        let done = Pdu::read(bytes).and_then(|pdu| match pdu {
            _ if pdu.is_job() => self.job(way, &pdu, cx),
            _ if pdu.is_answer() => self.answer(way, &pdu, cx),
            _ if pdu.is_userdata() => self.userdata(way, &pdu, cx),
            _ => None,
        });
        if done.is_none() && !cx.cut {
            cx.weird("s7", "s7_bad_message", b"");
        }
    }

    /// S7comm-plus is told of by its name, once.
    fn plus(&mut self, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.over, true) {
            event::plus(self.place, cx);
        }
    }

    /// True where nothing more can be learnt.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    fn job(&mut self, way: Direction, pdu: &Pdu<'_>, cx: &mut Context<'_>) -> Option<()> {
        let job = Job::read(pdu.parameters)?;
        if job.is_short && !cx.cut {
            cx.weird("s7", "s7_short_job", b"");
        }
        let exchange = Exchange::job(self.place, pdu.reference, job);
        self.waiting.push(Open { way, exchange }, cx);
        Some(())
    }

    fn answer(&mut self, way: Direction, pdu: &Pdu<'_>, cx: &mut Context<'_>) -> Option<()> {
        let function = pdu.parameters.first().copied();
        let fits = |open: &Open| {
            let asked = open.exchange.function();
            open.way != way
                && open.exchange.reference == pdu.reference
                && asked.is_some()
                && (function.is_none() || asked == function)
        };
        let found = self.waiting.take(fits);
        let rtt = found.as_ref().map(|pending| cx.time.saturating_sub(pending.time));
        let mut exchange = found.map_or_else(
            || Exchange::answer_alone(self.place, pdu.reference, function),
            |pending| pending.request.exchange,
        );
        exchange.rtt = rtt;
        exchange.answered = true;
        exchange.error = pdu.error;
        exchange.results = function.map_or_else(Vec::new, |function| results(function, pdu));
        if function == Some(0xf0) {
            exchange.pdu_length =
                pdu.parameters.get(6..).and_then(<[u8]>::first_chunk).map(|pair| u16::from_be_bytes(*pair));
        }
        event::emit(&exchange, cx);
        Some(())
    }

    fn userdata(&mut self, way: Direction, pdu: &Pdu<'_>, cx: &mut Context<'_>) -> Option<()> {
        let said = Userdata::read(pdu)?;
        if said.is_request {
            let exchange = Exchange::userdata(self.place, pdu.reference, said);
            self.waiting.push(Open { way, exchange }, cx);
            return Some(());
        }
        let fits = |open: &Open| {
            open.way != way && open.exchange.userdata.is_some_and(|asked| same(pdu, &said, open, &asked))
        };
        let found = if said.is_push { None } else { self.waiting.take(fits) };
        let rtt = found.as_ref().map(|pending| cx.time.saturating_sub(pending.time));
        let asked = found.as_ref().and_then(|pending| pending.request.exchange.userdata);
        let szl = asked.and_then(|asked| asked.szl).or(said.szl);
        let mut exchange = Exchange::userdata(self.place, pdu.reference, Userdata { szl, ..said });
        exchange.rtt = rtt;
        exchange.answered = true;
        exchange.is_push = said.is_push;
        event::emit(&exchange, cx);
        Some(())
    }

    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        self.waiting.expire(cx);
    }

    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        self.waiting.flush(cx);
    }

    pub(super) fn held(&self) -> usize {
        self.waiting.held() + self.waiting.iter().map(|open| open.exchange.held()).sum::<usize>()
    }
}

/// An answer of userdata has its request's reference, or where the server made its own, the same function.
fn same(pdu: &Pdu<'_>, said: &Userdata, open: &Open, asked: &Userdata) -> bool {
    let function = (said.group, said.sub_function) == (asked.group, asked.sub_function);
    function
        && (open.exchange.reference == pdu.reference
            || asked.sequence == 0
            || asked.sequence == said.sequence)
}
