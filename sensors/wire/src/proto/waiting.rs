//! Requests of one flow that wait for their answers, oldest first.

use std::mem::size_of;

use super::Context;
use crate::limits::Limit;

/// A request that is told of without its answer where none comes.
pub(crate) trait Request {
    /// Requests of one flow that wait; beyond it the oldest goes out as unobserved.
    fn most() -> &'static Limit;
    /// Nanoseconds of packet time that one waits.
    const WAIT: u64;

    /// Gives out the event; `cx` has the request's own time and packet.
    fn unanswered(&self, cx: &mut Context<'_>);
}

/// One that waits.
#[derive(Debug)]
pub(crate) struct Pending<T> {
    pub(crate) time: u64,
    packet: u64,
    pub(crate) request: T,
}

impl<T: Request> Pending<T> {
    /// When the wait ended is no fact of the wire.
    fn give_out(&self, cx: &mut Context<'_>) {
        cx.at((self.time, self.packet), |cx| self.request.unanswered(cx));
    }
}

/// The requests that wait.
#[derive(Debug)]
pub(crate) struct Waiting<T>(Vec<Pending<T>>);

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Request> Waiting<T> {
    /// Adds one; where too many wait, that is counted, and the oldest goes out.
    pub(crate) fn push(&mut self, request: T, cx: &mut Context<'_>) {
        if self.is_full() {
            cx.hit(T::most());
            self.0.remove(0).give_out(cx);
        }
        self.0.push(Pending { time: cx.time, packet: cx.packet, request });
    }

    /// True where the next one costs the oldest its place.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= T::most().get()
    }

    /// Place of the oldest that fits.
    pub(crate) fn position(&self, fits: impl Fn(&T) -> bool) -> Option<usize> {
        self.0.iter().position(|pending| fits(&pending.request))
    }

    /// True where one fits.
    pub(crate) fn any(&self, fits: impl Fn(&T) -> bool) -> bool {
        self.position(fits).is_some()
    }

    /// Takes the one at a place of [`Self::position`].
    pub(crate) fn remove(&mut self, at: usize) -> Option<Pending<T>> {
        (at < self.0.len()).then(|| self.0.remove(at))
    }

    /// Takes the oldest that fits.
    pub(crate) fn take(&mut self, fits: impl Fn(&T) -> bool) -> Option<Pending<T>> {
        self.position(fits).map(|at| self.0.remove(at))
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut Pending<T>> {
        self.0.get_mut(at)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|pending| &pending.request)
    }

    /// Gives out what has waited too long.
    pub(crate) fn expire(&mut self, cx: &mut Context<'_>) {
        let now = cx.time;
        while self.0.first().is_some_and(|pending| now.saturating_sub(pending.time) > T::WAIT) {
            self.0.remove(0).give_out(cx);
        }
    }

    /// Gives out all that waits.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) {
        for pending in std::mem::take(&mut self.0) {
            pending.give_out(cx);
        }
    }

    /// Bytes of its list, what the requests hold themselves apart.
    pub(crate) const fn held(&self) -> usize {
        self.0.capacity() * size_of::<Pending<T>>()
    }

    pub(crate) const fn capacity(&self) -> usize {
        self.0.capacity()
    }
}
