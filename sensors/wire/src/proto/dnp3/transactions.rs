//! Requests of one flow that wait for their answers, matched by link addresses and sequence number.

use super::apdu::Fragment;
use super::event::{self, Exchange};
use super::limits::{ANSWER_TIMEOUT, MAX_PENDING};
use super::link::Frame;
use super::names;
use super::objects::Objects;
use crate::proto::Context;

/// Link addresses to which everyone listens (9.2.5.2): nobody answers.
const BROADCAST: std::ops::RangeInclusive<u16> = 0xfffd..=0xffff;

#[derive(Debug)]
struct Pending {
    time: u64,
    packet: u64,
    exchange: Exchange,
    /// Sequence number of the next fragment of the answer.
    next: u8,
}

/// The open requests of a flow, oldest first.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    pending: Vec<Pending>,
}

impl Transactions {
    /// Takes one application fragment.
    pub(super) fn fragment(&mut self, frame: Frame, bytes: &[u8], cx: &mut Context<'_>) {
        self.expire(cx);
        let Some(fragment) = Fragment::read(bytes) else {
            return cx.weird("dnp3", "dnp3_short_fragment", b"");
        };
        if fragment.objects.is_limited {
            cx.counters.parser_limit += 1;
        }
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
        if self.pending.len() >= MAX_PENDING {
            cx.counters.parser_limit += 1;
            self.pending.remove(0).give_out(cx);
        }
        self.pending.push(Pending { time: cx.time, packet: cx.packet, exchange, next });
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
        let fits = |pending: &Pending| pending.exchange.ends == ends && pending.next == fragment.sequence();
        let is_final = fragment.is_final();
        match self.pending.iter().position(fits) {
            Some(at) if is_final => self.complete(at, fragment, cx),
            Some(at) => self.go_on(at, fragment, cx),
            None => self.unasked(ends, fragment, cx),
        }
    }

    fn complete(&mut self, at: usize, fragment: Fragment, cx: &mut Context<'_>) {
        let Pending { time, mut exchange, .. } = self.pending.remove(at);
        exchange.add(fragment);
        exchange.is_whole = true;
        exchange.answered_after(cx.time.saturating_sub(time));
        event::emit(&exchange, cx);
    }

    /// More fragments of the answer follow.
    fn go_on(&mut self, at: usize, fragment: Fragment, cx: &mut Context<'_>) {
        let Some(pending) = self.pending.get_mut(at) else { return };
        pending.next = (fragment.sequence() + 1) & 0x0f;
        pending.exchange.answered_after(cx.time.saturating_sub(pending.time));
        if pending.exchange.add(fragment) {
            cx.counters.parser_limit += 1;
        }
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
        if self.pending.len() >= MAX_PENDING {
            cx.counters.parser_limit += 1;
            self.pending.remove(0).give_out(cx);
        }
        self.pending.push(Pending { time: cx.time, packet: cx.packet, exchange, next });
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
        let objects = |objects: &Objects| objects.list.capacity() * 8 + objects.controls.capacity() * 8;
        let each = |pending: &Pending| {
            objects(&pending.exchange.objects) + objects(&pending.exchange.answer_objects)
        };
        self.pending.capacity() * size_of::<Pending>() + self.pending.iter().map(each).sum::<usize>()
    }
}

impl Pending {
    /// The request's own time and packet are the event's: when the wait ended is no fact of the wire.
    fn give_out(&self, cx: &mut Context<'_>) {
        let now = (cx.time, cx.packet);
        (cx.time, cx.packet) = (self.time, self.packet);
        event::emit(&self.exchange, cx);
        (cx.time, cx.packet) = now;
    }
}
