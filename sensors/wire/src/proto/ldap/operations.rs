//! Operations of one connection that wait for their results.

use super::event::{self, Operation};
use super::filter::Fault;
use super::limits::{ANSWER_TIMEOUT, MAX_MESSAGE, MAX_PENDING};
use super::message::{self, Envelope, Outcome, Request};
use crate::messages::EventKind;
use crate::proto::Context;

const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// What a message means for those that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Go on.
    More,
    /// TLS begins here.
    Tls,
}

/// An operation that has no result yet.
#[derive(Debug)]
struct Pending {
    time: u64,
    packet: u64,
    /// Time of its newest message.
    newest: u64,
    id: i64,
    name: &'static str,
    /// `None` where only answers were seen.
    request: Option<Box<Request>>,
    found: [u64; 2],
}

/// The open operations, oldest first.
#[derive(Debug, Default)]
pub(super) struct Operations {
    pending: Vec<Pending>,
    /// Mechanism of the newest bind with SASL that succeeded.
    pub(super) sasl: Option<Vec<u8>>,
}

impl Operations {
    /// Takes one whole message.
    pub(super) fn message(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> Then {
        self.expire(cx);
        let Some(envelope) = Envelope::read(bytes) else {
            self.malformed(cx);
            return Then::More;
        };
        if message::is_request(envelope.tag) {
            self.request(&envelope, cx);
            Then::More
        } else {
            self.response(&envelope, cx)
        }
    }

    /// Takes the first bytes of a message that is longer than the limit.
    pub(super) fn long(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        cx.hit(&MAX_MESSAGE);
        match Envelope::head(bytes) {
            Some((id, message::SEARCH_ENTRY)) => self.found(id, 0, cx),
            _ => cx.weird("ldap", "ldap_message_too_long", b""),
        }
    }

    /// The rest of the connection is protected by SASL.
    pub(super) fn wrapped(&mut self, cx: &mut Context<'_>) {
        let request = Request { mechanism: self.sasl.take(), ..Request::default() };
        self.flush(cx);
        give_out(&Pending::new(0, "sasl_wrapped", Some(request), cx), None, None, cx);
    }

    /// Bytes held, about.
    pub(super) fn held(&self) -> usize {
        let texts = self.pending.iter().filter_map(|pending| pending.request.as_deref()).map(Request::held);
        self.pending.capacity() * size_of::<Pending>() + texts.sum::<usize>()
    }

    fn malformed(&mut self, cx: &mut Context<'_>) {
        if !cx.cut {
            cx.weird("ldap", "ldap_malformed", b"");
        }
    }

    fn request(&mut self, envelope: &Envelope<'_>, cx: &mut Context<'_>) {
        let Some(request) = message::request(envelope) else { return self.malformed(cx) };
        tell_fault(&request, cx);
        let pending = Pending::new(envelope.id, request.operation, Some(request), cx);
        match envelope.tag {
            message::UNBIND_REQUEST => give_out(&pending, None, None, cx),
            message::ABANDON_REQUEST => {
                give_out(&pending, None, None, cx);
                if let Some(given_up) = crate::asn1::integer(envelope.content).and_then(|id| self.take(id)) {
                    give_out(&given_up, None, None, cx);
                }
            }
            _ => self.push(pending, cx),
        }
    }

    fn push(&mut self, pending: Pending, cx: &mut Context<'_>) {
        if self.pending.iter().any(|old| old.is_repeated_by(&pending)) {
            return;
        }
        if let Some(old) = self.take(pending.id) {
            give_out(&old, None, None, cx);
        }
        if self.pending.len() >= MAX_PENDING.get() {
            cx.hit(&MAX_PENDING);
            give_out(&self.pending.remove(0), None, None, cx);
        }
        self.pending.push(pending);
    }

    fn response(&mut self, envelope: &Envelope<'_>, cx: &mut Context<'_>) -> Then {
        match envelope.tag {
            message::SEARCH_ENTRY => self.found(envelope.id, 0, cx),
            message::SEARCH_REFERENCE => self.found(envelope.id, 1, cx),
            message::INTERMEDIATE_RESPONSE => self.touch(envelope.id, cx),
            tag => match (message::operation(tag), message::outcome(envelope)) {
                (Some(name), Some(outcome)) => return self.finish(envelope.id, name, &outcome, cx),
                _ => self.malformed(cx),
            },
        }
        Then::More
    }

    fn finish(&mut self, id: i64, name: &'static str, outcome: &Outcome, cx: &mut Context<'_>) -> Then {
        // Only the server's own notice of disconnection has the identifier 0 (RFC 4511 4.4).
        let name = if id == 0 && name == "extended" { "notice" } else { name };
        let asked = self.take(id).filter(|pending| pending.name == name);
        let rtt = asked.as_ref().filter(|asked| asked.request.is_some());
        let rtt = rtt.map(|asked| cx.time.saturating_sub(asked.time));
        let then = asked.unwrap_or_else(|| Pending::new(id, name, None, cx));
        give_out(&then, Some(outcome), rtt, cx);
        let Some(request) = then.request.filter(|_| outcome.code == 0) else { return Then::More };
        if name == "bind" {
            self.sasl = request.mechanism.filter(|mechanism| mechanism.starts_with(b"SASL/"));
        }
        if request.extension.as_deref() == Some(START_TLS) { Then::Tls } else { Then::More }
    }

    /// Counts an entry (0) or a reference (1) of a search.
    fn found(&mut self, id: i64, which: usize, cx: &mut Context<'_>) {
        if !self.pending.iter().any(|pending| pending.id == id) {
            let unseen = Pending::new(id, "search", None, cx);
            self.push(unseen, cx);
        }
        self.touch(id, cx);
        let of = self.pending.iter_mut().find(|pending| pending.id == id);
        if let Some(count) = of.and_then(|pending| pending.found.get_mut(which)) {
            *count += 1;
        }
    }

    fn touch(&mut self, id: i64, cx: &Context<'_>) {
        if let Some(pending) = self.pending.iter_mut().find(|pending| pending.id == id) {
            pending.newest = cx.time;
        }
    }

    fn take(&mut self, id: i64) -> Option<Pending> {
        let row = self.pending.iter().position(|pending| pending.id == id)?;
        Some(self.pending.remove(row))
    }

    /// Gives out what has waited too long.
    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        let now = cx.time;
        let old = |pending: &Pending| now.saturating_sub(pending.newest) > ANSWER_TIMEOUT;
        while let Some(row) = self.pending.iter().position(old) {
            give_out(&self.pending.remove(row), None, None, cx);
        }
    }

    /// Gives out all that waits.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        for pending in std::mem::take(&mut self.pending) {
            give_out(&pending, None, None, cx);
        }
    }
}

impl Pending {
    fn new(id: i64, name: &'static str, request: Option<Request>, cx: &Context<'_>) -> Self {
        let request = request.map(Box::new);
        Self { time: cx.time, packet: cx.packet, newest: cx.time, id, name, request, found: [0; 2] }
    }

    /// Over datagrams a request may come again.
    fn is_repeated_by(&self, other: &Self) -> bool {
        let key = |pending: &Self| {
            let request = pending.request.as_deref()?;
            Some((
                pending.id,
                pending.name,
                request.dn.clone(),
                request.search.as_ref().map(|s| s.filter.clone()),
            ))
        };
        self.id == other.id && key(self).is_some() && key(self) == key(other)
    }
}

impl Request {
    fn held(&self) -> usize {
        let lists = [&self.attributes, &self.changes, &self.controls];
        let listed: usize =
            lists.into_iter().flatten().map(|one| one.capacity() + size_of::<Vec<u8>>()).sum();
        let filter = self.search.as_ref().map_or(0, |search| search.filter.capacity());
        size_of::<Self>() + self.dn.capacity() + filter + listed
    }
}

fn tell_fault(request: &Request, cx: &mut Context<'_>) {
    match request.search.as_ref().and_then(|search| search.fault) {
        Some(Fault::Limit(limit)) => {
            cx.limit(limit, "ldap_filter_too_long", b"");
        }
        Some(Fault::Malformed) => cx.weird("ldap", "ldap_malformed", b"filter"),
        None => {}
    }
}

/// Without a result the request's own time and packet are the event's: when the wait ended is no fact of the wire.
fn give_out(pending: &Pending, outcome: Option<&Outcome>, rtt: Option<u64>, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Ldap) {
        return;
    }
    let operation = Operation {
        id: pending.id,
        name: pending.name,
        request: pending.request.as_deref(),
        found: pending.found,
        outcome,
        rtt,
    };
    let moment = if outcome.is_none() { (pending.time, pending.packet) } else { (cx.time, cx.packet) };
    cx.at(moment, |cx| event::emit(&operation, cx));
}
