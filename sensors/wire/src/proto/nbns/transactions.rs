//! Requests of one flow that wait for their answers, matched by transaction identifier.

use super::event;
use super::limits::{ANSWER_TIMEOUT, MAX_PENDING};
use super::parse::Message;
use crate::limits::Limit;
use crate::proto::Context;
use crate::proto::waiting::{Request, Waiting};

/// Operation code of "wait": the answer comes later.
const WAIT: u8 = 7;

impl Request for Message {
    const WAIT: u64 = ANSWER_TIMEOUT;

    fn most() -> &'static Limit {
        &MAX_PENDING
    }

    fn unanswered(&self, cx: &mut Context<'_>) {
        event::emit(Some(self), None, None, cx);
    }
}

/// The open requests of a flow.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    waiting: Waiting<Message>,
}

impl Transactions {
    /// Takes one message.
    pub(super) fn message(&mut self, message: Message, cx: &mut Context<'_>) {
        self.expire(cx);
        cx.hit(message.limited);
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
        if !self.waiting.any(|open| *open == request) {
            self.waiting.push(request, cx);
        }
    }

    fn answer(&mut self, answer: &Message, cx: &mut Context<'_>) {
        let asked = self.waiting.take(|open| open.id == answer.id);
        let rtt = asked.as_ref().map(|pending| cx.time.saturating_sub(pending.time));
        event::emit(asked.as_ref().map(|pending| &pending.request), Some(answer), rtt, cx);
    }

    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        self.waiting.expire(cx);
    }

    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        self.waiting.flush(cx);
    }

    pub(super) fn held(&self) -> usize {
        self.waiting.held() + self.waiting.capacity() * 64
    }
}
