//! Requests of one flow that wait for their answers, matched by transaction identifier, unit and function.

use super::adu::{Adu, Request, Response};
use super::event::{self, Head};
use super::limits::{ANSWER_TIMEOUT, MAX_PENDING};
use crate::messages::Direction;
use crate::proto::Context;

#[derive(Debug)]
struct Pending {
    time: u64,
    packet: u64,
    head: Head,
    request: Request,
}

/// The open requests of a flow, oldest first.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    pending: Vec<Pending>,
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
        self.make_room(cx);
        let request = read.unwrap_or_default();
        cx.counters.parser_limit += u64::from(request.is_cut);
        self.pending.push(Pending { time: cx.time, packet: cx.packet, head: Head::of(adu), request });
        is_whole.then_some(())
    }

    fn answer(&mut self, adu: &Adu<'_>, cx: &mut Context<'_>) -> Option<()> {
        let head = Head::of(adu);
        let asked = self.find(head, cx).map(|at| self.pending.remove(at));
        let quantity = asked.as_ref().and_then(|asked| asked.request.quantity);
        let response = Response::read(adu, quantity);
        let is_whole = response.is_some();
        let response = response.unwrap_or_default();
        cx.counters.parser_limit += u64::from(response.is_cut);
        match asked {
            Some(Pending { time, request, head, .. }) => {
                event::emit(head, Some(&request), Some((&response, Some(cx.time.saturating_sub(time)))), cx);
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
        let same = |pending: &Pending| pending.head.is_answered_by(head);
        let found = self.pending.iter().position(same);
        if found.is_none() && self.pending.iter().any(|pending| pending.head.transaction == head.transaction)
        {
            cx.weird("modbus", "modbus_answer_to_other_function", b"");
        }
        found
    }

    fn make_room(&mut self, cx: &mut Context<'_>) {
        if self.pending.len() >= MAX_PENDING {
            cx.counters.parser_limit += 1;
            cx.weird("modbus", "modbus_too_many_requests", b"");
            self.pending.remove(0).give_out(cx);
        }
    }

    /// Gives out what has waited too long.
    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        let now = cx.time;
        while self.pending.first().is_some_and(|pending| now.saturating_sub(pending.time) > ANSWER_TIMEOUT) {
            self.pending.remove(0).give_out(cx);
        }
    }

    /// Gives out all that waits.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        for pending in self.pending.drain(..) {
            pending.give_out(cx);
        }
    }

    pub(super) fn held(&self) -> usize {
        let values: usize = self.pending.iter().map(|pending| pending.request.values.capacity() * 2).sum();
        self.pending.capacity() * size_of::<Pending>() + values
    }
}

impl Pending {
    /// The request's own time and packet are the event's: when the wait ended is no fact of the wire.
    fn give_out(&self, cx: &mut Context<'_>) {
        let now = (cx.time, cx.packet);
        (cx.time, cx.packet) = (self.time, self.packet);
        event::emit(self.head, Some(&self.request), None, cx);
        (cx.time, cx.packet) = now;
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
