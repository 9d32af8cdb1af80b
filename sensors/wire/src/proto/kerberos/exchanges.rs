//! Requests of one flow that wait for their answers.

use super::event;
use super::limits::{ANSWER_TIMEOUT, MAX_PENDING};
use super::message::{self, Message, Request};
use crate::limits::Limit;
use crate::messages::EventKind;
use crate::proto::Context;
use crate::proto::waiting::{self, Pending, Waiting};

impl waiting::Request for Box<Request> {
    const WAIT: u64 = ANSWER_TIMEOUT;

    fn most() -> &'static Limit {
        &MAX_PENDING
    }

    fn unanswered(&self, cx: &mut Context<'_>) {
        if cx.sink.wants(EventKind::Kerberos) {
            event::emit(Some(self), event::Answer::Unseen, None, cx);
        }
    }
}

/// The open requests of a flow.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    waiting: Waiting<Box<Request>>,
}

impl Exchanges {
    /// Takes one whole message.
    pub(super) fn message(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        self.expire(cx);
        match message::parse(bytes) {
            Some(Message::Request(request)) => self.request(request, cx),
            Some(Message::Reply(reply)) => {
                let asked = self.waiting.take(|open| open.kind == reply.kind);
                self.answer(asked, event::Answer::Reply(&reply), cx);
            }
            Some(Message::ApReply) => {
                let asked = self.waiting.take(|open| open.kind == "AP");
                self.answer(asked, event::Answer::Accepted, cx);
            }
            Some(Message::Error(error)) => {
                let same = self.waiting.position(|open| open.service == error.service);
                let asked = self.waiting.remove(same.unwrap_or(0));
                self.answer(asked, event::Answer::Error(&error), cx);
            }
            None if cx.cut => {}
            None => cx.weird("kerberos", "kerberos_malformed", b""),
        }
    }

    /// Bytes held, about.
    pub(super) fn held(&self) -> usize {
        self.waiting.held() + self.waiting.iter().count() * 2 * size_of::<Request>()
    }

    fn request(&mut self, request: Box<Request>, cx: &mut Context<'_>) {
        let kind = (request.kind, request.nonce);
        if request.nonce.is_none() || !self.waiting.any(|open| (open.kind, open.nonce) == kind) {
            self.waiting.push(request, cx);
        }
    }

    fn answer(&self, asked: Option<Pending<Box<Request>>>, answer: event::Answer<'_>, cx: &mut Context<'_>) {
        if cx.sink.wants(EventKind::Kerberos) {
            let rtt = asked.as_ref().map(|asked| cx.time.saturating_sub(asked.time));
            event::emit(asked.as_ref().map(|asked| &*asked.request), answer, rtt, cx);
        }
    }

    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        self.waiting.expire(cx);
    }

    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        self.waiting.flush(cx);
    }
}
