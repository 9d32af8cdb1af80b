//! Requests of one flow that wait for their responses.

use std::collections::VecDeque;

use super::content::Told;
use super::event;
use super::limits::{MAX_PENDING, MAX_PENDING_BYTES, RESPONSE_TIMEOUT};
use crate::proto::Context;

/// What a method means for the response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// The response has no body.
    Head,
    /// The response begins a tunnel.
    Connect,
    /// Nothing.
    Other,
}

/// A request that has no response yet.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) time: u64,
    pub(crate) packet: u64,
    /// The head, unfolded, as far as it was seen.
    pub(crate) head: Vec<u8>,
    /// The head was not seen to its end.
    pub(crate) cut: bool,
    pub(crate) method: Method,
    /// Bytes of the body as announced.
    pub(crate) length: Option<u64>,
    /// Bytes of the body as counted so far.
    pub(crate) counted: u64,
    /// Ordinal in the connection, from 1.
    pub(crate) depth: u64,
    /// It went out already; its place is kept so that later responses find their own requests.
    pub(crate) told: bool,
    /// Its scheme is https, whatever carries it now.
    pub(crate) secure: bool,
    /// What is to be told of the body.
    pub(crate) body: Told,
}

impl Request {
    pub(crate) fn held(&self) -> usize {
        self.head.len() + self.body.held()
    }
}

/// The open requests of a flow, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    open: VecDeque<Request>,
    bytes: usize,
}

impl Transactions {
    /// Bytes of heap.
    pub(crate) fn held(&self) -> usize {
        self.open.capacity() * size_of::<Request>() + self.bytes
    }

    pub(crate) fn push(&mut self, request: Request, cx: &mut Context<'_>) {
        if self.open.len() >= MAX_PENDING.get() {
            cx.hit(&MAX_PENDING);
            self.pop().inspect(|oldest| give_out(oldest, cx));
        }
        self.bytes += request.held();
        self.open.push_back(request);
        if self.bytes > MAX_PENDING_BYTES.get() {
            cx.hit(&MAX_PENDING_BYTES);
            self.tell_until(cx, |bytes, _| bytes <= MAX_PENDING_BYTES.get());
        }
    }

    /// True where the newest request is the one that the next response answers.
    pub(crate) fn is_single(&self) -> bool {
        self.open.len() == 1
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The request that the next response answers.
    pub(crate) fn pop(&mut self) -> Option<Request> {
        let request = self.open.pop_front()?;
        self.bytes -= request.held();
        Some(request)
    }

    /// Adds to the body of the newest request.
    pub(crate) fn count(&mut self, bytes: u64) {
        if let Some(request) = self.open.back_mut() {
            request.counted += bytes;
        }
    }

    /// What is to be told of the newest request's body, where it is not out already.
    pub(crate) fn note_body(&mut self, body: Told) {
        if let Some(request) = self.open.back_mut().filter(|request| !request.told) {
            self.bytes -= request.held();
            request.body = body;
            self.bytes += request.held();
        }
    }

    /// Gives out what has waited too long.
    pub(crate) fn expire(&mut self, cx: &mut Context<'_>) {
        let now = cx.time;
        self.tell_until(cx, |_, request| now.saturating_sub(request.time) <= RESPONSE_TIMEOUT);
    }

    /// Gives out requests from the oldest on until `enough(bytes held, next request)`.
    fn tell_until(&mut self, cx: &mut Context<'_>, enough: impl Fn(usize, &Request) -> bool) {
        for request in self.open.iter_mut().filter(|request| !request.told) {
            if enough(self.bytes, request) {
                break;
            }
            give_out(request, cx);
            request.told = true;
            self.bytes -= request.held();
            (request.head, request.body) = (Vec::new(), Told::default());
        }
    }

    /// Gives out all and forgets them.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) {
        while let Some(request) = self.pop() {
            give_out(&request, cx);
        }
    }
}

/// The request's own time and packet are the event's: when the wait ended is no fact of the wire.
pub(crate) fn give_out(request: &Request, cx: &mut Context<'_>) {
    if request.told {
        return;
    }
    cx.at((request.time, request.packet), |cx| event::give_out(Some(request), None, cx));
}
