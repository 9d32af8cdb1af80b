//! One direction of a TCP stream, put in order.
//!
//! Policy: **the first copy of a byte wins**. A segment in order passes through borrowed. One that comes early is kept,
//! cut to the holes that it fills, within a budget for the flow and one for all. A hole is given up as a gap when the
//! other side acknowledged it and a little time passed, when it is old, when a budget is spent, or when the flow ends.

use super::limits::MAX_SEGMENTS;

/// Takes a stream's bytes in order, each once.
pub(crate) trait Receiver {
    fn data(&mut self, data: &[u8]);
    fn gap(&mut self, len: u64);
}

/// Bytes of early segments kept, and what the limits are.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Bytes that all flows together may keep.
    pub(crate) total: usize,
    /// Bytes that one direction of one flow may keep.
    pub(crate) per_stream: usize,
    pub(crate) used: usize,
}

/// What keeping one piece costs beside its bytes.
const PIECE_OVERHEAD: usize = 64;
/// A hole that the other side acknowledged is given up after so long, for the two directions may be captured out of
/// step ...
const ACK_PATIENCE: u64 = 20_000_000;
/// ... or once so many pieces wait behind it.
const ACK_PIECES: usize = 8;
/// A hole is given up after so long in any case: on a one-way tap nobody acknowledges.
pub(crate) const HOLE_PATIENCE: u64 = 5_000_000_000;
/// Format: no window is larger (RFC 7323 2.3).
const MAX_WINDOW: u32 = 1 << 30;

/// What a segment was beside new bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Bytes that had come before.
    pub(crate) again: bool,
    /// ... and were others then.
    pub(crate) conflict: bool,
    /// Too far ahead to belong to the stream; ignored.
    pub(crate) out_of_window: bool,
    /// Holes were given up because a budget was spent.
    pub(crate) evicted: u32,
}

#[derive(Debug)]
struct Piece {
    seq: u32,
    data: Box<[u8]>,
}

impl Piece {
    /// Its first and its end offset after `next`.
    fn span(&self, next: u32) -> (u32, u32) {
        let from = self.seq.wrapping_sub(next);
        (from, from.saturating_add(self.data.len() as u32))
    }
}

/// Samples of the newest segments, to notice one that comes again with other bytes after the first was passed on.
#[derive(Clone, Copy, Debug, Default)]
struct Print {
    seq: u32,
    len: u32,
    sample: u64,
}

const PRINTS: usize = 4;

/// The state of one direction beside `next`, which the flow's hot part keeps.
#[derive(Debug, Default)]
pub(crate) struct Half {
    pieces: Vec<Piece>,
    held: usize,
    hole_since: u64,
    prints: [Print; PRINTS],
    newest_print: u8,
}

/// A segment's place and time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) seq: u32,
    pub(crate) time: u64,
    /// Highest acknowledgement of the other side, where there was one.
    pub(crate) acked: Option<u32>,
}

impl Half {
    pub(crate) fn is_holding(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// Takes one segment with payload.
    pub(crate) fn segment(
        &mut self,
        next: &mut u32,
        at: Arrival,
        payload: &[u8],
        budget: &mut Budget,
        to: &mut impl Receiver,
    ) -> Findings {
        let mut findings = Findings::default();
        let ahead = at.seq.wrapping_sub(*next);
        if ahead == 0 && self.pieces.is_empty() {
            self.remember(at.seq, payload);
            *next = next.wrapping_add(payload.len() as u32);
            to.data(payload);
            return findings;
        }
        let Some((ahead, fresh)) = self.cut_known(ahead, at.seq, payload, &mut findings) else {
            return findings;
        };
        self.remember(at.seq, payload);
        let before = *next;
        if ahead > 0 && !self.make_room(next, fresh.len(), budget, to, &mut findings) {
            pass_over(next, at.seq, fresh, to);
            return findings;
        }
        // Making room may have moved `next` over this very segment.
        let moved = next.wrapping_sub(before);
        let fresh = fresh.get(moved.saturating_sub(ahead) as usize..).unwrap_or_default();
        let first = self.pieces.is_empty();
        let (ahead, rest) = self.pass_on(next, ahead.saturating_sub(moved), fresh, to);
        self.keep(*next, ahead, rest, budget, &mut findings);
        self.drain(next, budget, to);
        if first || *next != before {
            self.hole_since = at.time;
        }
        self.acknowledged(next, at.time, at.acked, budget, to);
        findings
    }

    /// Passes on what is in order, up to the first kept piece; gives what is left and its place.
    fn pass_on<'a>(
        &self,
        next: &mut u32,
        ahead: u32,
        fresh: &'a [u8],
        to: &mut impl Receiver,
    ) -> (u32, &'a [u8]) {
        let hole = self.pieces.first().map_or(u32::MAX, |piece| piece.seq.wrapping_sub(*next)) as usize;
        if ahead > 0 || hole == 0 || fresh.is_empty() {
            return (ahead, fresh);
        }
        let (now, rest) = fresh.split_at(hole.min(fresh.len()));
        *next = next.wrapping_add(now.len() as u32);
        to.data(now);
        (0, rest)
    }

    /// Gives holes up that the other side's acknowledgement or their age calls lost.
    pub(crate) fn acknowledged(
        &mut self,
        next: &mut u32,
        time: u64,
        acked: Option<u32>,
        budget: &mut Budget,
        to: &mut impl Receiver,
    ) {
        while let Some(first) = self.pieces.first() {
            let hole = first.seq.wrapping_sub(*next);
            let age = time.saturating_sub(self.hole_since);
            let is_acked = acked.is_some_and(|ack| (hole..MAX_WINDOW).contains(&ack.wrapping_sub(*next)));
            let patient = age < ACK_PATIENCE && self.pieces.len() < ACK_PIECES;
            if age < HOLE_PATIENCE && (!is_acked || patient) {
                return;
            }
            self.skip_hole(next, budget, to);
            self.hole_since = time;
        }
    }

    /// Passes over what the capture cut off, up to `end`; what came early and is kept is no part of it.
    pub(crate) fn skip_cut(&mut self, next: &mut u32, end: u32, budget: &mut Budget, to: &mut impl Receiver) {
        loop {
            let left = end.wrapping_sub(*next);
            if left == 0 || left > MAX_WINDOW {
                return;
            }
            let hole = self.pieces.first().map_or(left, |first| first.seq.wrapping_sub(*next)).clamp(1, left);
            *next = next.wrapping_add(hole);
            to.gap(u64::from(hole));
            self.drain(next, budget, to);
        }
    }

    /// The stream ends: everything kept goes out, with gaps between.
    pub(crate) fn flush(&mut self, next: &mut u32, budget: &mut Budget, to: &mut impl Receiver) {
        while !self.pieces.is_empty() {
            self.skip_hole(next, budget, to);
        }
    }

    /// Gives the budget back without passing anything on.
    pub(crate) fn forget(&mut self, budget: &mut Budget) {
        budget.used = budget.used.saturating_sub(self.held);
        self.held = 0;
        self.pieces = Vec::new();
    }

    /// Cuts off what was passed on before. `None` where nothing is left or the segment cannot be of this stream.
    fn cut_known<'a>(
        &self,
        ahead: u32,
        seq: u32,
        payload: &'a [u8],
        findings: &mut Findings,
    ) -> Option<(u32, &'a [u8])> {
        if ahead < MAX_WINDOW {
            return Some((ahead, payload));
        }
        let known = ahead.wrapping_neg();
        if known > MAX_WINDOW {
            findings.out_of_window = true;
            return None;
        }
        findings.again = true;
        findings.conflict |= self.differs(seq, payload);
        payload.get(known as usize..).filter(|fresh| !fresh.is_empty()).map(|fresh| (0, fresh))
    }

    /// Spends holes until `len` more bytes can be kept; false where they cannot even then.
    fn make_room(
        &mut self,
        next: &mut u32,
        len: usize,
        budget: &mut Budget,
        to: &mut impl Receiver,
        findings: &mut Findings,
    ) -> bool {
        let cost = len + PIECE_OVERHEAD;
        loop {
            let fits = self.held + cost <= budget.per_stream && budget.used + cost <= budget.total;
            let is_full = self.pieces.len() >= MAX_SEGMENTS.get();
            if fits && !is_full {
                return true;
            }
            if is_full {
                MAX_SEGMENTS.note();
            }
            findings.evicted += 1;
            if self.pieces.is_empty() {
                return false;
            }
            self.skip_hole(next, budget, to);
        }
    }

    /// Keeps what fills holes; what lies over kept bytes is compared with them.
    fn keep(&mut self, next: u32, ahead: u32, payload: &[u8], budget: &mut Budget, findings: &mut Findings) {
        let (mut at, mut data) = (ahead, payload);
        let mut i = self.pieces.partition_point(|piece| piece.span(next).1 <= at);
        while !data.is_empty() {
            let end = at.saturating_add(data.len() as u32);
            let (from, to) = self.pieces.get(i).map_or((end, end), |piece| piece.span(next));
            let n = if from > at { from.min(end) - at } else { to.min(end) - at } as usize;
            let (part, rest) = data.split_at(n.min(data.len()));
            if from > at {
                self.insert(i, next.wrapping_add(at), part, budget);
            } else {
                findings.again = true;
                let kept = self.pieces.get(i).and_then(|piece| piece.data.get((at - from) as usize..));
                findings.conflict |= kept.is_some_and(|kept| !kept.starts_with(part));
            }
            at += n as u32;
            data = rest;
            i += 1;
        }
    }

    fn insert(&mut self, i: usize, seq: u32, data: &[u8], budget: &mut Budget) {
        self.held += data.len() + PIECE_OVERHEAD;
        budget.used += data.len() + PIECE_OVERHEAD;
        self.pieces.insert(i, Piece { seq, data: data.into() });
    }

    fn skip_hole(&mut self, next: &mut u32, budget: &mut Budget, to: &mut impl Receiver) {
        let hole = self.pieces.first().map_or(0, |first| first.seq.wrapping_sub(*next));
        if hole > 0 {
            *next = next.wrapping_add(hole);
            to.gap(u64::from(hole));
        }
        self.drain(next, budget, to);
    }

    /// Passes on the pieces that have become contiguous.
    fn drain(&mut self, next: &mut u32, budget: &mut Budget, to: &mut impl Receiver) {
        let mut ready = 0;
        let mut freed = 0;
        for piece in self.pieces.iter().take_while(|piece| {
            let is_next = piece.seq == *next;
            *next = if is_next { next.wrapping_add(piece.data.len() as u32) } else { *next };
            is_next
        }) {
            to.data(&piece.data);
            ready += 1;
            freed += piece.data.len() + PIECE_OVERHEAD;
        }
        self.pieces.drain(..ready);
        self.held -= freed.min(self.held);
        budget.used = budget.used.saturating_sub(freed);
    }

    fn remember(&mut self, seq: u32, payload: &[u8]) {
        let place = usize::from(self.newest_print) % PRINTS;
        self.prints[place] = Print { seq, len: payload.len() as u32, sample: sample(payload) };
        self.newest_print = self.newest_print.wrapping_add(1);
    }

    fn differs(&self, seq: u32, payload: &[u8]) -> bool {
        let len = payload.len() as u32;
        let same = self.prints.iter().rev().find(|print| print.len == len && print.seq == seq);
        len > 1 && same.is_some_and(|print| print.sample != sample(payload))
    }
}

/// Passes a segment on that cannot be kept, whatever is before it.
fn pass_over(next: &mut u32, seq: u32, fresh: &[u8], to: &mut impl Receiver) {
    let ahead = seq.wrapping_sub(*next);
    let (ahead, known) = if ahead < MAX_WINDOW { (ahead, 0) } else { (0, ahead.wrapping_neg()) };
    let fresh = fresh.get(known as usize..).unwrap_or_default();
    if ahead > 0 {
        to.gap(u64::from(ahead));
    }
    *next = next.wrapping_add(ahead).wrapping_add(fresh.len() as u32);
    if !fresh.is_empty() {
        to.data(fresh);
    }
}

/// The first and last 32 bytes in one number: enough to notice an attacker's second version, cheap enough for every
/// segment.
fn sample(data: &[u8]) -> u64 {
    let head = &data[..data.len().min(32)];
    let tail = &data[data.len().saturating_sub(32)..];
    let words = head.chunks(8).chain(tail.chunks(8));
    words.fold(0x9e37_79b9_7f4a_7c15, |hash: u64, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517c_c1b7_2722_0a95)
    })
}

#[cfg(test)]
#[path = "reassembly_tests.rs"]
mod tests;
