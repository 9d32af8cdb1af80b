//! Requests of one flow that wait for their answers.

use super::event;
use super::limits::{ANSWER_TIMEOUT, MAX_PENDING};
use super::message::{self, Message, Request};
use crate::messages::EventKind;
use crate::proto::Context;

/// A request that has no answer yet.
#[derive(Debug)]
struct Pending {
    time: u64,
    packet: u64,
    request: Box<Request>,
}

/// The open requests of a flow, oldest first.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    pending: Vec<Pending>,
}

impl Exchanges {
    /// Takes one whole message.
    pub(super) fn message(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        self.expire(cx);
        match message::parse(bytes) {
            Some(Message::Request(request)) => self.request(request, cx),
            Some(Message::Reply(reply)) => {
                let asked = self.take(|pending| pending.request.kind == reply.kind);
                self.answer(asked, event::Answer::Reply(&reply), cx);
            }
            Some(Message::ApReply) => {
                let asked = self.take(|pending| pending.request.kind == "AP");
                self.answer(asked, event::Answer::Accepted, cx);
            }
            Some(Message::Error(error)) => {
                let same = |pending: &Pending| pending.request.service == error.service;
                let row = self.pending.iter().position(same).unwrap_or(0);
                let asked = (row < self.pending.len()).then(|| self.pending.remove(row));
                self.answer(asked, event::Answer::Error(&error), cx);
            }
            None if cx.cut => {}
            None => cx.weird("kerberos", "kerberos_malformed", b""),
        }
    }

    /// Bytes held, about.
    pub(super) fn held(&self) -> usize {
        self.pending.capacity() * size_of::<Pending>() + self.pending.len() * 2 * size_of::<Request>()
    }

    fn request(&mut self, request: Box<Request>, cx: &mut Context<'_>) {
        let again = |one: &Pending| one.request.kind == request.kind && one.request.nonce == request.nonce;
        if request.nonce.is_some() && self.pending.iter().any(again) {
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            cx.counters.parser_limit += 1;
            give_out(&self.pending.remove(0), cx);
        }
        self.pending.push(Pending { time: cx.time, packet: cx.packet, request });
    }

    fn take(&mut self, fits: impl Fn(&Pending) -> bool) -> Option<Pending> {
        let row = self.pending.iter().position(fits)?;
        Some(self.pending.remove(row))
    }

    fn answer(&self, asked: Option<Pending>, answer: event::Answer<'_>, cx: &mut Context<'_>) {
        if cx.sink.wants(EventKind::Kerberos) {
            let rtt = asked.as_ref().map(|asked| cx.time.saturating_sub(asked.time));
            event::emit(asked.as_ref().map(|asked| &*asked.request), answer, rtt, cx);
        }
    }

    /// Gives out what has waited too long.
    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        let now = cx.time;
        let old = |pending: &Pending| now.saturating_sub(pending.time) > ANSWER_TIMEOUT;
        while self.pending.first().is_some_and(old) {
            give_out(&self.pending.remove(0), cx);
        }
    }

    /// Gives out all that waits.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        for pending in std::mem::take(&mut self.pending) {
            give_out(&pending, cx);
        }
    }
}

/// The request's own time and packet are the event's: when the wait ended is no fact of the wire.
fn give_out(pending: &Pending, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Kerberos) {
        return;
    }
    let now = (cx.time, cx.packet);
    (cx.time, cx.packet) = (pending.time, pending.packet);
    event::emit(Some(&pending.request), event::Answer::Unseen, None, cx);
    (cx.time, cx.packet) = now;
}
