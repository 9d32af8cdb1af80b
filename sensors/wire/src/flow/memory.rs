//! What the parsers of all flows hold together, and what becomes of one that asks for more than there is.
//!
//! The account of a flow is renewed whenever its parser ran, and with it that of what parsers share ([`Shared`]). Where the
//! whole is spent, the flow that grew either loses its parser: what was pending goes out unobserved, and from then on the
//! flow has only counters.

use std::mem::size_of;

use super::record::{Flow, Stage};
use super::report::{self, FlowWeird};
use super::service::{Analysis, App, Datagrams, Stream};
use super::shared::Shared;
use super::table::{Env, FlowTable};
use crate::proto::Close;

/// Bytes that parsers hold, and how many they may.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) total: usize,
    /// Without what is shared.
    pub(crate) used: usize,
    /// What was shared when a parser ran last.
    pub(crate) shared: usize,
}

impl Memory {
    /// Brings one flow's account to `now`; true where that, or what its parser shares, is more than before, and all is
    /// more than there is.
    #[inline]
    pub(super) fn renew(&mut self, account: &mut usize, now: usize, shared: &Shared) -> bool {
        let shared_before = std::mem::replace(&mut self.shared, shared.held());
        let before = self.bring(account, now);
        (now > before || self.shared > shared_before) && self.used + self.shared > self.total
    }

    /// Gives back what the account was.
    #[inline]
    fn bring(&mut self, account: &mut usize, now: usize) -> usize {
        let before = std::mem::replace(account, now);
        self.used = self.used.saturating_sub(before) + now;
        before
    }
}

impl App {
    #[inline]
    fn held(&self) -> usize {
        match self {
            Self::Probing(probing) => probing.first.iter().map(Vec::capacity).sum(),
            Self::Running(service) => service.held(),
            Self::Done => 0,
        }
    }
}

impl Stream {
    /// Bytes that it holds, early segments apart.
    #[inline]
    pub(super) fn held(app: &App, told: usize) -> usize {
        size_of::<Self>() + app.held() + told * size_of::<&str>()
    }
}

impl Datagrams {
    #[inline]
    pub(super) fn held(&self) -> usize {
        size_of::<Self>() + self.parser.held() + self.told.capacity() * size_of::<&str>()
    }
}

impl Analysis {
    const fn account(&mut self) -> &mut usize {
        match self {
            Self::Stream(stream) => &mut stream.account,
            Self::Datagrams(state) => &mut state.account,
        }
    }

    fn held(&self) -> usize {
        match self {
            Self::Stream(stream) => Stream::held(&stream.app, stream.told.capacity()),
            Self::Datagrams(state) => state.held(),
        }
    }
}

impl FlowTable {
    /// Bytes that the parsers of all flows hold, what they share apart.
    pub(crate) const fn parser_bytes(&self) -> usize {
        self.memory.used
    }

    /// Takes a flow's analysis off it and off the account.
    pub(super) fn take_analysis(&mut self, slot: u32) -> Option<Analysis> {
        let mut analysis = self.flows[slot].analysis.take()?;
        self.memory.bring(analysis.account(), 0);
        Some(analysis)
    }

    /// Renews the account of a flow whose parser was told of the time.
    pub(super) fn renew_memory(&mut self, flow: u32, shared: &Shared) {
        if let Flow { analysis: Some(analysis), .. } = &mut self.flows[flow] {
            let held = analysis.held();
            self.memory.renew(analysis.account(), held, shared);
        }
    }

    /// The flow asked for more than there is.
    #[cold]
    pub(super) fn out_of_memory(&mut self, slot: u32, env: &mut Env<'_>) {
        if self.flows[slot].analysis.is_none() {
            return;
        }
        env.counters.parser_memory += 1;
        if !self.close_analysis(slot, Close::Evicted, env) {
            self.quarantine(slot, env);
        }
        env.shared.relieve(env.time);
        self.memory.shared = env.shared.held();
        let flow = &mut self.flows[slot];
        flow.stage = Stage::Idle;
        report::weird(flow, FlowWeird::ParserMemory, env);
    }
}
