//! Requests of one flow that wait for their answers, matched by transaction identifier.

use super::event;
use super::limits::{ANSWER_TIMEOUT, MAX_PENDING};
use super::parse::Message;
use crate::proto::Context;

/// Operation code of "wait": the answer comes later.
const WAIT: u8 = 7;

#[derive(Debug)]
struct Pending {
    time: u64,
    packet: u64,
    request: Message,
}

/// The open requests of a flow, oldest first.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    pending: Vec<Pending>,
}

impl Transactions {
    /// Takes one message.
    pub(super) fn message(&mut self, message: Message, cx: &mut Context<'_>) {
        self.expire(cx);
        cx.counters.parser_limit += u64::from(message.is_limited);
        if message.flags.is_response() {
            if message.flags.opcode() != WAIT {
                self.answer(&message, cx);
            }
        } else if message.flags.is_broadcast() {
            // Who answers does so to the asker alone: another flow.
            event::emit(Some(&message), None, None, cx);
        } else {
            self.request(message, cx);
        }
    }

    fn request(&mut self, request: Message, cx: &mut Context<'_>) {
        if self.pending.iter().any(|pending| pending.request == request) {
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            cx.counters.parser_limit += 1;
            self.pending.remove(0).give_out(cx);
        }
        self.pending.push(Pending { time: cx.time, packet: cx.packet, request });
    }

    fn answer(&mut self, answer: &Message, cx: &mut Context<'_>) {
        let found = self.pending.iter().position(|pending| pending.request.id == answer.id);
        let asked = found.map(|at| self.pending.remove(at));
        let rtt = asked.as_ref().map(|pending| cx.time.saturating_sub(pending.time));
        event::emit(asked.as_ref().map(|pending| &pending.request), Some(answer), rtt, cx);
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
        self.pending.capacity() * (size_of::<Pending>() + 64)
    }
}

impl Pending {
    /// The request's own time and packet are the event's: when the wait ended is no fact of the wire.
    fn give_out(&self, cx: &mut Context<'_>) {
        let now = (cx.time, cx.packet);
        (cx.time, cx.packet) = (self.time, self.packet);
        event::emit(Some(&self.request), None, None, cx);
        (cx.time, cx.packet) = now;
    }
}
