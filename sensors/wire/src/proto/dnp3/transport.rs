//! Application fragments put together from transport segments, for each pair of link addresses (IEEE 1815-2012, 8).

use super::limits::{MAX_FRAGMENT, MAX_PAIRS};
use super::link::{Frame, Segment};
use crate::limits::Limit;

/// Why a segment could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not follow what came before; a lost segment, or one from elsewhere.
    Order,
    /// The fragment is too long, or too many are under way.
    Limit(&'static Limit),
}

#[derive(Debug)]
struct Pair {
    source: u16,
    destination: u16,
    next: u8,
    bytes: Vec<u8>,
}

/// Fragments of one direction that are not whole.
#[derive(Debug, Default)]
pub(super) struct Assembly(Vec<Pair>);

impl Assembly {
    /// Takes a frame's user data, and gives the fragment that it completes to `take`.
    pub(super) fn segment(
        &mut self,
        frame: Frame,
        data: &[u8],
        take: impl FnOnce(&[u8]),
    ) -> Result<(), Fault> {
        let Some((&header, body)) = data.split_first() else { return Ok(()) };
        let segment = Segment(header);
        let place = self
            .0
            .iter()
            .position(|pair| (pair.source, pair.destination) == (frame.source, frame.destination));
        if segment.is_first() {
            place.map(|at| self.0.swap_remove(at));
            if segment.is_final() {
                take(body);
                return Ok(());
            }
            return self.begin(frame, segment, body);
        }
        let at = place.ok_or(Fault::Order)?;
        self.add(at, segment, body, take)
    }

    fn begin(&mut self, frame: Frame, segment: Segment, body: &[u8]) -> Result<(), Fault> {
        let is_full = self.0.len() >= MAX_PAIRS.get();
        if is_full {
            self.0.remove(0);
        }
        let next = Segment(segment.sequence() + 1).sequence();
        self.0.push(Pair {
            source: frame.source,
            destination: frame.destination,
            next,
            bytes: body.to_vec(),
        });
        if is_full { Err(Fault::Limit(&MAX_PAIRS)) } else { Ok(()) }
    }

    fn add(
        &mut self,
        at: usize,
        segment: Segment,
        body: &[u8],
        take: impl FnOnce(&[u8]),
    ) -> Result<(), Fault> {
        let Some(pair) = self.0.get_mut(at) else { return Err(Fault::Order) };
        let fault = if segment.sequence() != pair.next {
            Some(Fault::Order)
        } else if pair.bytes.len() + body.len() > MAX_FRAGMENT.get() {
            Some(Fault::Limit(&MAX_FRAGMENT))
        } else {
            None
        };
        if let Some(fault) = fault {
            self.0.swap_remove(at);
            return Err(fault);
        }
        pair.bytes.extend_from_slice(body);
        pair.next = Segment(pair.next + 1).sequence();
        if segment.is_final() {
            take(&self.0.swap_remove(at).bytes);
        }
        Ok(())
    }

    /// Bytes of heap.
    pub(super) fn held(&self) -> usize {
        self.0.capacity() * size_of::<Pair>() + self.0.iter().map(|pair| pair.bytes.capacity()).sum::<usize>()
    }
}
