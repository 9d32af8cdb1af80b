//! One association: fragments, contexts, calls that wait.

use std::collections::VecDeque;

use super::event;
use super::interfaces::{self, Interface};
use super::limits::{ANSWER_TIMEOUT, MAX_CALLS, MAX_CONTEXTS};
use super::pdu::{self, HEADER, Header, Offered, Type};
use crate::messages::Direction;
use crate::proto::Context;
use crate::proto::ntlm::{Exchange, Outcome};

/// What carries the fragments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carrier<'a> {
    /// Name of the pipe; none over TCP, an inner none where the open was not seen.
    pub pipe: Option<Option<&'a [u8]>>,
    /// User and domain of the session that carries the pipe.
    pub user: Option<(&'a [u8], &'a [u8])>,
}

/// A presentation context: an interface that calls refer to by a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    pub(super) offered: Offered,
    pub(super) interface: Option<Interface>,
}

/// A call that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) id: u32,
    pub(super) context: u16,
    pub(super) number: u16,
    pub(super) object: Option<u128>,
    pub(super) time: u64,
    pub(super) packet: u64,
    /// Bytes of parameters, all fragments.
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
}

/// Kind and level of security that the association agreed on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Security {
    pub(super) kind: u8,
    pub(super) level: u8,
}

/// How a call came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Response,
    Fault(u32),
    Unobserved,
}

/// One direction's bytes.
#[derive(Debug, Default)]
struct Half {
    /// The begin of a fragment that is not whole yet.
    part: Vec<u8>,
    /// Bytes of the fragment at hand that are passed over.
    skip: usize,
    /// The next bytes must look like a fragment.
    is_lost: bool,
    /// It was told that something else stands there.
    is_foreign: bool,
}

/// Reads the fragments of one association.
#[derive(Debug, Default)]
pub struct Conversation {
    halves: [Half; 2],
    contexts: Vec<Bound>,
    /// The binds that wait for their answer: call and contexts.
    binds: Vec<(u32, Vec<u16>)>,
    calls: VecDeque<Call>,
    /// None where no bind was seen.
    security: Option<Security>,
    ntlm: Exchange,
    /// User and domain by the association's own log-in.
    user: Option<(Vec<u8>, Vec<u8>)>,
}

impl Conversation {
    /// Takes the next bytes of a direction: `ToServer` is the caller's.
    pub fn data(&mut self, direction: Direction, data: &[u8], carrier: &Carrier<'_>, cx: &mut Context<'_>) {
        let mut data = data;
        while !data.is_empty() {
            let half = &mut self.halves[direction.index()];
            if half.is_lost && !half.find_again(data) {
                return;
            }
            if half.skip > 0 {
                data = half.pass_over(data);
            } else if let Some((header, gathered)) = half.gather(&mut data, cx) {
                half.skip = header.len - gathered.len();
                if self.fragment(&header, &gathered, carrier, cx).is_none() {
                    cx.weird("dce_rpc", "dce_rpc_malformed", format!("{}", header.kind.0).as_bytes());
                }
            }
        }
    }

    /// `len` bytes of a direction were lost.
    pub fn gap(&mut self, direction: Direction, len: u64) {
        let half = &mut self.halves[direction.index()];
        match usize::try_from(len) {
            Ok(len) if len <= half.skip => half.skip -= len,
            _ => self.lose(direction),
        }
    }

    /// The place in a direction is lost.
    pub fn lose(&mut self, direction: Direction) {
        self.halves[direction.index()] = Half { is_lost: true, ..Half::default() };
    }

    /// Gives out the calls that have waited too long.
    pub fn expire(&mut self, carrier: &Carrier<'_>, cx: &mut Context<'_>) {
        while let Some(call) = self.calls.front() {
            if cx.time.saturating_sub(call.time) <= ANSWER_TIMEOUT {
                return;
            }
            self.oldest(carrier, cx);
        }
    }

    /// The association ends: gives out what waits.
    pub fn close(&mut self, carrier: &Carrier<'_>, cx: &mut Context<'_>) {
        while !self.calls.is_empty() {
            self.oldest(carrier, cx);
        }
        self.ntlm.finish("dce_rpc", Outcome::Unobserved, None, cx);
        self.ntlm = Exchange::default();
    }

    /// Bytes of heap that it holds.
    #[must_use]
    pub fn held(&self) -> usize {
        size_of::<Self>()
            + self.halves.iter().map(|half| half.part.capacity()).sum::<usize>()
            + self.contexts.capacity() * size_of::<Bound>()
            + self.calls.capacity() * size_of::<Call>()
            + self.binds.iter().map(|(_, contexts)| contexts.capacity() * 2).sum::<usize>()
            + self.ntlm.held()
            + self.user.as_ref().map_or(0, |(user, domain)| user.capacity() + domain.capacity())
    }

    /// Takes one fragment, of which so much is there as its type needs.
    fn fragment(
        &mut self,
        header: &Header,
        bytes: &[u8],
        carrier: &Carrier<'_>,
        cx: &mut Context<'_>,
    ) -> Option<()> {
        match header.kind {
            Type::REQUEST => self.request(header, bytes, carrier, cx),
            Type::RESPONSE => self.response(header, bytes, carrier, cx),
            Type::FAULT => {
                let status = header.order().u32(bytes, 24)?;
                self.answer(header, bytes, Answer::Fault(status), carrier, cx)
            }
            Type::BIND | Type::ALTER => self.bind(header, bytes, cx),
            Type::BIND_ACK | Type::ALTER_ACK => self.bound(header, bytes, carrier, cx),
            Type::BIND_NAK => self.refused(header, bytes, carrier, cx),
            Type::AUTH3 => {
                self.token(header, bytes, cx);
                Some(())
            }
            _ => Some(()),
        }
    }

    fn bind(&mut self, header: &Header, bytes: &[u8], cx: &mut Context<'_>) -> Option<()> {
        let offered = pdu::offered(header, bytes)?;
        self.binds.retain(|bind| bind.0 != header.call);
        if self.binds.len() >= 4 {
            self.binds.remove(0);
        }
        self.binds.push((header.call, offered.iter().map(|row| row.context).collect()));
        for row in offered {
            self.offer(row, cx);
        }
        if header.kind == Type::BIND || header.auth_len > 0 {
            let auth = pdu::auth(header, bytes);
            self.security = Some(auth.map_or(Security { kind: 0, level: 1 }, |auth| Security {
                kind: auth.kind,
                level: auth.level,
            }));
        }
        self.token(header, bytes, cx);
        Some(())
    }

    fn offer(&mut self, offered: Offered, cx: &mut Context<'_>) {
        self.contexts.retain(|bound| bound.offered.context != offered.context);
        if self.contexts.len() >= MAX_CONTEXTS.get() {
            cx.limit(&MAX_CONTEXTS, "dce_rpc_limit", b"contexts");
            self.contexts.remove(0);
        }
        let interface = interfaces::find(offered.interface);
        self.contexts.push(Bound { offered, interface });
    }

    fn bound(
        &mut self,
        header: &Header,
        bytes: &[u8],
        carrier: &Carrier<'_>,
        cx: &mut Context<'_>,
    ) -> Option<()> {
        // A server that has no such interface; that it lacks a form of transfer only is usual.
        const NO_INTERFACE: (u16, u16) = (2, 1);
        let results = pdu::results(header, bytes)?;
        self.token(header, bytes, cx);
        for (context, result) in self.asked(header.call).into_iter().zip(results) {
            if let Some(bound) = self.context(context).filter(|_| result == NO_INTERFACE) {
                event::refused(bound, "abstract_syntax_not_supported", &self.about(carrier), cx);
            }
        }
        Some(())
    }

    /// Contexts of the bind that is answered now.
    fn asked(&mut self, call: u32) -> Vec<u16> {
        let at = self.binds.iter().position(|bind| bind.0 == call);
        at.map(|at| self.binds.remove(at).1).unwrap_or_default()
    }

    /// The server takes no bind at all.
    fn refused(
        &mut self,
        header: &Header,
        bytes: &[u8],
        carrier: &Carrier<'_>,
        cx: &mut Context<'_>,
    ) -> Option<()> {
        let reason = header.order().u16(bytes, 16)?;
        let contexts = self.asked(header.call);
        let first = contexts.first().and_then(|first| self.context(*first)).copied();
        if let Some(bound) = first {
            event::refused(&bound, &format!("bind_nak {reason}"), &self.about(carrier), cx);
        }
        self.ntlm.finish("dce_rpc", Outcome::Failure, None, cx);
        self.ntlm = Exchange::default();
        Some(())
    }

    fn token(&mut self, header: &Header, bytes: &[u8], cx: &mut Context<'_>) {
        if let Some(auth) = pdu::auth(header, bytes) {
            self.ntlm.token(auth.token, cx);
        }
    }

    fn request(
        &mut self,
        header: &Header,
        bytes: &[u8],
        carrier: &Carrier<'_>,
        cx: &mut Context<'_>,
    ) -> Option<()> {
        let order = header.order();
        let (context, number) = (order.u16(bytes, 20)?, order.u16(bytes, 22)?);
        let object = if header.has(Header::OBJECT) { Some(order.uuid(bytes, 24)?) } else { None };
        let size = parameters(header, if object.is_some() { 40 } else { 24 });
        let begun = self.calls.iter_mut().rev().find(|call| call.id == header.call);
        if let Some(call) = begun.filter(|_| !header.has(Header::FIRST)) {
            call.request_bytes += size;
            return Some(());
        }
        let call = Call {
            id: header.call,
            context,
            number,
            object,
            time: cx.time,
            packet: cx.packet,
            request_bytes: size,
            response_bytes: 0,
        };
        if self.calls.len() >= MAX_CALLS.get() {
            cx.limit(&MAX_CALLS, "dce_rpc_limit", b"calls");
            self.oldest(carrier, cx);
        }
        self.calls.push_back(call);
        if header.has(Header::MAYBE) {
            self.calls.pop_back();
            event::call(&call, Answer::Unobserved, &self.about(carrier), cx);
        }
        Some(())
    }

    fn response(
        &mut self,
        header: &Header,
        bytes: &[u8],
        carrier: &Carrier<'_>,
        cx: &mut Context<'_>,
    ) -> Option<()> {
        if header.has(Header::LAST) {
            return self.answer(header, bytes, Answer::Response, carrier, cx);
        }
        if let Some(call) = self.calls.iter_mut().find(|call| call.id == header.call) {
            call.response_bytes += parameters(header, 24);
        }
        Some(())
    }

    /// The last fragment of an answer.
    fn answer(
        &mut self,
        header: &Header,
        bytes: &[u8],
        answer: Answer,
        carrier: &Carrier<'_>,
        cx: &mut Context<'_>,
    ) -> Option<()> {
        let context = header.order().u16(bytes, 20)?;
        self.log_in(answer, cx);
        let at = self.calls.iter().position(|call| call.id == header.call);
        match at.and_then(|at| self.calls.remove(at)) {
            Some(mut call) => {
                call.response_bytes += parameters(header, 24);
                event::call(&call, answer, &self.about(carrier), cx);
            }
            None => event::unasked(context, answer, &self.about(carrier), cx),
        }
        Some(())
    }

    /// The first answer after a log-in shows how it came out.
    fn log_in(&mut self, answer: Answer, cx: &mut Context<'_>) {
        const ACCESS_DENIED: u32 = 5;
        if !self.ntlm.has_user() {
            return;
        }
        let outcome = match answer {
            Answer::Fault(ACCESS_DENIED) => Outcome::Failure,
            _ => Outcome::Success,
        };
        let status = if outcome == Outcome::Failure { Some(&b"nca_s_fault_access_denied"[..]) } else { None };
        self.ntlm.finish("dce_rpc", outcome, status, cx);
        let seen = std::mem::take(&mut self.ntlm);
        self.user = seen.user().map(|(user, domain)| (user.to_vec(), domain.to_vec()));
    }

    fn oldest(&mut self, carrier: &Carrier<'_>, cx: &mut Context<'_>) {
        let Some(call) = self.calls.pop_front() else { return };
        cx.at((call.time, call.packet), |cx| {
            event::call(&call, Answer::Unobserved, &self.about(carrier), cx)
        });
    }

    fn about<'a>(&'a self, carrier: &Carrier<'a>) -> event::About<'a> {
        let own = self.user.as_ref().map(|(user, domain)| (&user[..], &domain[..]));
        event::About {
            contexts: &self.contexts,
            security: self.security,
            pipe: carrier.pipe,
            user: own.or(carrier.user),
        }
    }

    fn context(&self, number: u16) -> Option<&Bound> {
        self.contexts.iter().find(|bound| bound.offered.context == number)
    }
}

impl Half {
    fn find_again(&mut self, data: &[u8]) -> bool {
        self.is_lost = pdu::probe(data) != crate::proto::Probe::Yes;
        !self.is_lost
    }

    fn pass_over<'d>(&mut self, data: &'d [u8]) -> &'d [u8] {
        let passed = self.skip.min(data.len());
        self.skip -= passed;
        data.get(passed..).unwrap_or_default()
    }

    /// Gathers as much of the next fragment as its type needs.
    fn gather<'d>(
        &mut self,
        data: &mut &'d [u8],
        cx: &mut Context<'_>,
    ) -> Option<(Header, std::borrow::Cow<'d, [u8]>)> {
        if self.part.is_empty() {
            let whole =
                Header::read(data).and_then(|header| Some((header, data.split_at_checked(header.wanted())?)));
            if let Some((header, (gathered, rest))) = whole {
                *data = rest;
                return Some((header, gathered.into()));
            }
        }
        self.fill(HEADER, data);
        if self.part.len() < HEADER {
            return None;
        }
        let Some(header) = Header::read(&self.part) else {
            self.foreign(cx);
            *data = &[];
            return None;
        };
        self.fill(header.wanted(), data);
        (self.part.len() >= header.wanted()).then(|| (header, std::mem::take(&mut self.part).into()))
    }

    fn fill(&mut self, len: usize, data: &mut &[u8]) {
        let missing = len.saturating_sub(self.part.len()).min(data.len());
        let (head, rest) = data.split_at(missing);
        self.part.extend_from_slice(head);
        *data = rest;
    }

    /// Something else stands where a fragment must begin.
    fn foreign(&mut self, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.is_foreign, true) {
            cx.weird("dce_rpc", "dce_rpc_no_fragment", b"");
        }
        self.part = Vec::new();
        self.is_lost = true;
    }
}

/// Bytes of parameters in a fragment whose head has `head` bytes; padding is counted with them.
fn parameters(header: &Header, head: usize) -> u64 {
    let trailer = if header.auth_len > 0 { header.auth_len + 8 } else { 0 };
    header.len.saturating_sub(head + trailer) as u64
}
