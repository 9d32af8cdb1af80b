//! Lazy timer wheel over packet time: a packet moves nothing; a flow is looked at when its slot comes round and is
//! put back if it has been seen since.

use super::record::Flow;
use super::slab::Slab;

/// Nanoseconds of one slot.
pub(crate) const TICK: u64 = 1_000_000_000;
const SLOTS: u64 = 512;
const NIL: u32 = u32::MAX;
const UNLINKED: u16 = u16::MAX;

/// A flow's place in the wheel.
#[derive(Clone, Copy, Debug)]
struct Link {
    prev: u32,
    next: u32,
    bucket: u16,
}

impl Link {
    const NEW: Self = Self { prev: NIL, next: NIL, bucket: UNLINKED };
}

/// Lists of flows by the second in which they are due, oldest first.
#[derive(Debug)]
pub(crate) struct Wheel {
    heads: Vec<u32>,
    tails: Vec<u32>,
    /// By slot, apart from the flows: a list is walked and mended without a look at any of them.
    links: Vec<Link>,
    /// The newest time that packets have brought, in ticks.
    now: u64,
}

/// A step back in time of more than this is another clock, and the wheel follows it.
pub(crate) const STEP_BACK: u64 = 60;

impl Wheel {
    pub(crate) fn new() -> Self {
        Self { heads: vec![NIL; SLOTS as usize], tails: vec![NIL; SLOTS as usize], links: Vec::new(), now: 0 }
    }

    /// Bytes it holds.
    pub(crate) fn size(&self) -> usize {
        self.links.capacity() * size_of::<Link>()
    }

    /// Puts a flow where it is due at `at` (nanoseconds), at the earliest in the next tick, at the latest after
    /// one round.
    pub(crate) fn schedule(&mut self, slot: u32, at: u64) {
        if self.links.len() <= slot as usize {
            self.links.resize(slot as usize + 1, Link::NEW);
        }
        self.unlink(slot);
        let tick = (at / TICK + 1).clamp(self.now + 1, self.now + SLOTS - 1);
        let bucket = (tick % SLOTS) as usize;
        let tail = self.tails[bucket];
        self.links[slot as usize] = Link { prev: tail, next: NIL, bucket: bucket as u16 };
        match tail {
            NIL => self.heads[bucket] = slot,
            _ => self.links[tail as usize].next = slot,
        }
        self.tails[bucket] = slot;
    }

    /// As [`schedule`](Self::schedule), but only where that is sooner than what is planned.
    pub(crate) fn hasten(&mut self, slot: u32, at: u64) {
        let planned = self.links.get(slot as usize).map_or(UNLINKED, |link| link.bucket);
        let wait = (u64::from(planned) + SLOTS - self.now % SLOTS) % SLOTS;
        if planned == UNLINKED || at / TICK + 1 < self.now + wait {
            self.schedule(slot, at);
        }
    }

    pub(crate) fn unlink(&mut self, slot: u32) {
        let Link { prev, next, bucket } = self.links.get(slot as usize).copied().unwrap_or(Link::NEW);
        if bucket == UNLINKED {
            return;
        }
        match prev {
            NIL => self.heads[usize::from(bucket)] = next,
            _ => self.links[prev as usize].next = next,
        }
        match next {
            NIL => self.tails[usize::from(bucket)] = prev,
            _ => self.links[next as usize].prev = prev,
        }
        self.links[slot as usize] = Link::NEW;
    }

    /// True where `time` opens a new tick, so that [`advance`](Self::advance) has something to do.
    #[inline]
    pub(crate) const fn is_due(&self, time: u64) -> bool {
        let tick = time / TICK;
        tick > self.now || tick + STEP_BACK < self.now
    }

    /// Moves to `time` and takes out, into `due`, every flow whose slot has come.
    pub(crate) fn advance(&mut self, time: u64, due: &mut impl Extend<u32>) {
        let tick = time / TICK;
        let from = std::mem::replace(&mut self.now, tick);
        if tick <= from {
            return;
        }
        for passed in (tick.saturating_sub(SLOTS - 1)).max(from + 1)..=tick {
            self.empty((passed % SLOTS) as usize, due);
        }
    }

    /// Takes out every flow.
    pub(crate) fn take_all(&mut self, due: &mut impl Extend<u32>) {
        for bucket in 0..SLOTS as usize {
            self.empty(bucket, due);
        }
    }

    fn empty(&mut self, bucket: usize, due: &mut impl Extend<u32>) {
        let mut slot = std::mem::replace(&mut self.heads[bucket], NIL);
        self.tails[bucket] = NIL;
        while slot != NIL {
            let link = std::mem::replace(&mut self.links[slot as usize], Link::NEW);
            due.extend([slot]);
            slot = link.next;
        }
    }

    /// The least recently seen of the first few flows that are due soonest.
    pub(crate) fn stalest(&self, flows: &Slab<Flow>) -> Option<u32> {
        const LOOKED_AT: usize = 8;
        let mut best: Option<u32> = None;
        let mut left = LOOKED_AT;
        for tick in self.now + 1..self.now + SLOTS {
            let mut slot = self.heads[(tick % SLOTS) as usize];
            while slot != NIL && left > 0 {
                if best.is_none_or(|best| flows[slot].last < flows[best].last) {
                    best = Some(slot);
                }
                slot = self.links[slot as usize].next;
                left -= 1;
            }
            if best.is_some() {
                break;
            }
        }
        best
    }
}
