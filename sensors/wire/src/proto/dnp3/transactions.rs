//! Requests of one flow that wait for their answers, matched by link addresses and sequence number.

use super::apdu::Fragment;
use super::event::{self, Exchange};
use super::limits::{ANSWER_TIMEOUT, MAX_PENDING};
use super::link::Frame;
use super::names;
use super::objects::Objects;
use crate::limits::Limit;
use crate::proto::Context;
use crate::proto::waiting::{Request, Waiting};

/// Link addresses to which everyone listens (9.2.5.2): nobody answers.
const BROADCAST: std::ops::RangeInclusive<u16> = 0xfffd..=0xffff;

#[derive(Debug)]
struct Open {
    exchange: Exchange,
    /// Sequence number of the next fragment of the answer.
    next: u8,
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

/// The open requests of a flow.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    waiting: Waiting<Open>,
}

impl Transactions {
    /// Takes one application fragment.
    pub(super) fn fragment(&mut self, frame: Frame, bytes: &[u8], cx: &mut Context<'_>) {
        self.expire(cx);
        let Some(fragment) = Fragment::read(bytes) else {
            return cx.weird("dnp3", "dnp3_short_fragment", b"");
        };
        cx.hit(fragment.objects.limited);
        match fragment.function {
            // A confirmation belongs to the answer that it confirms.
            0 => {}
            _ if fragment.is_response() => self.answer(frame, fragment, cx),
            _ => self.request(frame, fragment, cx),
        }
    }

    fn request(&mut self, frame: Frame, fragment: Fragment, cx: &mut Context<'_>) {
        let next = fragment.sequence();
        let mut exchange = Exchange::asked([frame.source, frame.destination], fragment);
        if names::is_unanswered(exchange.function()) || BROADCAST.contains(&frame.destination) {
            exchange.is_unanswered = true;
            return event::emit(&exchange, cx);
        }
        self.waiting.push(Open { exchange, next }, cx);
    }

    fn answer(&mut self, frame: Frame, fragment: Fragment, cx: &mut Context<'_>) {
        let ends = [frame.destination, frame.source];
        if fragment.function == 130 || fragment.is_unsolicited() {
            let mut exchange = Exchange::unasked([frame.source, frame.destination], &fragment);
            exchange.add(fragment);
            exchange.is_unsolicited = true;
            exchange.is_whole = true;
            return event::emit(&exchange, cx);
        }
        let fits = |open: &Open| open.exchange.ends == ends && open.next == fragment.sequence();
        let is_final = fragment.is_final();
        match self.waiting.position(fits) {
            Some(at) if is_final => self.complete(at, fragment, cx),
            Some(at) => self.go_on(at, fragment, cx),
            None => self.unasked(ends, fragment, cx),
        }
    }

    fn complete(&mut self, at: usize, fragment: Fragment, cx: &mut Context<'_>) {
        let Some(pending) = self.waiting.remove(at) else { return };
        let (time, mut exchange) = (pending.time, pending.request.exchange);
        exchange.add(fragment);
        exchange.is_whole = true;
        exchange.answered_after(cx.time.saturating_sub(time));
        event::emit(&exchange, cx);
    }

    /// More fragments of the answer follow.
    fn go_on(&mut self, at: usize, fragment: Fragment, cx: &mut Context<'_>) {
        let Some(pending) = self.waiting.get_mut(at) else { return };
        let open = &mut pending.request;
        open.next = (fragment.sequence() + 1) & 0x0f;
        open.exchange.answered_after(cx.time.saturating_sub(pending.time));
        cx.hit(open.exchange.add(fragment));
    }

    /// An answer whose request was not seen; where more follows, it waits for it.
    fn unasked(&mut self, ends: [u16; 2], fragment: Fragment, cx: &mut Context<'_>) {
        let (next, is_final) = ((fragment.sequence() + 1) & 0x0f, fragment.is_final());
        let mut exchange = Exchange::unasked(ends, &fragment);
        // What came before is not known either.
        exchange.answer_objects.is_part = !fragment.is_first();
        exchange.add(fragment);
        exchange.is_whole = is_final;
        if is_final {
            return event::emit(&exchange, cx);
        }
        self.waiting.push(Open { exchange, next }, cx);
    }

    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        self.waiting.expire(cx);
    }

    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        self.waiting.flush(cx);
    }

    pub(super) fn held(&self) -> usize {
        let objects = |objects: &Objects| objects.list.capacity() * 8 + objects.controls.capacity() * 8;
        let each = |open: &Open| objects(&open.exchange.objects) + objects(&open.exchange.answer_objects);
        self.waiting.held() + self.waiting.iter().map(each).sum::<usize>()
    }
}
