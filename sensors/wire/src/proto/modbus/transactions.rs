//! Requests of one flow that wait for their answers, matched by transaction identifier, unit and function.

use super::adu::{Adu, Request, Response};
use super::event::{self, Head};
use super::limits::{ANSWER_TIMEOUT, MAX_PENDING, MAX_VALUES};
use crate::limits::Limit;
use crate::messages::Direction;
use crate::proto::Context;
use crate::proto::waiting::{self, Waiting};

#[derive(Debug)]
struct Open {
    head: Head,
    request: Request,
}

impl waiting::Request for Open {
    const WAIT: u64 = ANSWER_TIMEOUT;

    fn most() -> &'static Limit {
        &MAX_PENDING
    }

    fn unanswered(&self, cx: &mut Context<'_>) {
        event::emit(self.head, Some(&self.request), None, cx);
    }
}

/// The open requests of a flow.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    waiting: Waiting<Open>,
    /// Who asks, as the first message told.
    client: Option<Direction>,
}

impl Transactions {
    /// Takes one whole message.
    pub(super) fn message(&mut self, direction: Direction, bytes: &[u8], cx: &mut Context<'_>) {
        self.expire(cx);
        let Some(adu) = Adu::read(bytes) else { return };
        let client = *self.client.get_or_insert_with(|| who_asks(direction, &adu));
        let done = if direction == client { self.request(&adu, cx) } else { self.answer(&adu, cx) };
        if done.is_none() && !cx.cut {
            cx.weird("modbus", "modbus_short_message", &[]);
        }
    }

    fn request(&mut self, adu: &Adu<'_>, cx: &mut Context<'_>) -> Option<()> {
        let read = Request::read(adu.function, adu.data);
        let is_whole = read.is_some();
        if self.waiting.is_full() {
            cx.weird("modbus", "modbus_too_many_requests", b"");
        }
        let request = read.unwrap_or_default();
        cx.hit(request.is_cut.then_some(&MAX_VALUES));
        self.waiting.push(Open { head: Head::of(adu), request }, cx);
        is_whole.then_some(())
    }

    fn answer(&mut self, adu: &Adu<'_>, cx: &mut Context<'_>) -> Option<()> {
        let head = Head::of(adu);
        let asked = self.find(head, cx).and_then(|at| self.waiting.remove(at));
        let quantity = asked.as_ref().and_then(|asked| asked.request.request.quantity);
        let response = Response::read(adu, quantity);
        let is_whole = response.is_some();
        let response = response.unwrap_or_default();
        cx.hit(response.is_cut.then_some(&MAX_VALUES));
        match asked {
            Some(asked) => {
                let (rtt, open) = (cx.time.saturating_sub(asked.time), asked.request);
                event::emit(open.head, Some(&open.request), Some((&response, Some(rtt))), cx);
            }
            None => {
                let echoed = Request::echoed(adu.function, adu.data);
                event::emit(head, echoed.as_ref(), Some((&response, None)), cx);
            }
        }
        is_whole.then_some(())
    }

    /// The oldest request with the same identifiers; an answer of another function is told of.
    fn find(&self, head: Head, cx: &mut Context<'_>) -> Option<usize> {
        let found = self.waiting.position(|open| open.head.is_answered_by(head));
        if found.is_none() && self.waiting.any(|open| open.head.transaction == head.transaction) {
            cx.weird("modbus", "modbus_answer_to_other_function", b"");
        }
        found
    }

    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        self.waiting.expire(cx);
    }

    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        self.waiting.flush(cx);
    }

    pub(super) fn held(&self) -> usize {
        let values: usize = self.waiting.iter().map(|open| open.request.values.capacity() * 2).sum();
        self.waiting.held() + values
    }
}

/// In mid-stream, and where a server speaks first, the form of a message tells more than the flow.
fn who_asks(direction: Direction, adu: &Adu<'_>) -> Direction {
    match (adu.fits_request(), adu.fits_response()) {
        (true, false) => direction,
        (false, true) => direction.flip(),
        _ => Direction::ToServer,
    }
}
