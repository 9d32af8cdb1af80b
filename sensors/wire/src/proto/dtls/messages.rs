//! Handshake messages put together from fragments and into their order (RFC 6347 4.2.2 and 4.2.3).

use super::limits::{MAX_HELD, MAX_PENDING};
use super::record::Fragment;
use crate::limits::Limit;
use crate::proto::pieces::Pieces;
use crate::proto::tls::record::HandshakeType;

/// Why a direction cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A message of a type that does not exist.
    Kind,
    /// Too much is waiting.
    Limit(&'static Limit),
}

/// A message, as far as it has come.
#[derive(Debug)]
struct Pending {
    number: u16,
    kind: HandshakeType,
    len: usize,
    pieces: Pieces,
}

impl Pending {
    /// How many bytes of the body are wanted.
    fn need(&self) -> usize {
        self.len.min(self.kind.keep())
    }

    fn is_whole(&self) -> bool {
        self.pieces.ready().len() >= self.need()
    }
}

/// One direction's messages.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// Number of the next message to be given out, once one was seen that can begin.
    next: Option<u16>,
    /// By number.
    pending: Vec<Pending>,
}

impl Messages {
    pub(super) fn take(&mut self, part: &Fragment<'_>) -> Result<(), Fault> {
        if !part.kind.is_known() {
            return Err(Fault::Kind);
        }
        if let Some(limit) = part.kind.limit().filter(|limit| part.len > limit.get()) {
            return Err(Fault::Limit(limit));
        }
        let is_early = self.next.is_none_or(|next| part.number < next);
        if is_early && matches!(part.kind.0, 1..=3) {
            // The flight begins here, or anew: some servers count from 0 again after a cookie.
            self.next = Some(part.number);
        } else if is_early && self.next.is_some() {
            return Ok(());
        }
        self.insert(part)
    }

    fn insert(&mut self, part: &Fragment<'_>) -> Result<(), Fault> {
        let place = self.pending.partition_point(|message| message.number < part.number);
        let is_new = self.pending.get(place).is_none_or(|message| message.number != part.number);
        if is_new {
            if self.pending.len() >= MAX_PENDING.get() {
                return Err(Fault::Limit(&MAX_PENDING));
            }
            let fresh =
                Pending { number: part.number, kind: part.kind, len: part.len, pieces: Pieces::default() };
            self.pending.insert(place, fresh);
        }
        let held: usize = self.held();
        let Some(message) = self.pending.get_mut(place) else { return Ok(()) };
        // A fragment that tells another message than the first of its number is none of it.
        if message.kind != part.kind || message.len != part.len || part.offset > message.need() {
            return Ok(());
        }
        let need = message.need();
        let wanted = part.data.get(..need - part.offset).unwrap_or(part.data);
        if held + wanted.len() > MAX_HELD.get() {
            return Err(Fault::Limit(&MAX_HELD));
        }
        message.pieces.insert(part.offset as u64, wanted, need).map_err(|_| Fault::Limit(&MAX_HELD))
    }

    /// The next message that is whole: the next in order, or with `all` whatever is whole.
    pub(super) fn next(&mut self, all: bool) -> Option<(HandshakeType, Vec<u8>)> {
        let fits = |message: &Pending| message.is_whole() && (all || Some(message.number) == self.next);
        let place = self.pending.iter().position(fits)?;
        let message = self.pending.remove(place);
        self.next = self.next.max(Some(message.number.saturating_add(1)));
        Some((message.kind, message.pieces.into_ready()))
    }

    /// Bytes of heap.
    pub(super) fn held(&self) -> usize {
        let messages: usize = self.pending.iter().map(|message| message.pieces.held()).sum();
        messages + self.pending.capacity() * size_of::<Pending>()
    }
}
