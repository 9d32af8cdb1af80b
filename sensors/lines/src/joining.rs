//! EVE tells of a question and of its answer on two lines; an event here is both.
//!
//! A question waits for its answer and then is told with it. One that gets none is told alone, with the answer's fields
//! unobserved: after 30 s of the log's own time, when too many wait, or at the end.

use std::collections::{HashMap, VecDeque};

/// Questions that wait at once.
pub(crate) const MAX_WAITING: usize = 4096;
/// A longer line does not wait.
pub(crate) const MAX_WAITING_LINE: usize = 4096;
/// How long one waits, nanoseconds.
const PATIENCE: u64 = 30_000_000_000;

/// A question's line.
#[derive(Debug)]
pub(crate) struct Waiting {
    key: (u64, u64),
    pub(crate) time: u64,
    pub(crate) number: u64,
    pub(crate) line: Box<[u8]>,
}

/// Questions in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    /// `None` where the answer came.
    queue: VecDeque<Option<Waiting>>,
    /// Place of each, counted from the beginning of time.
    places: HashMap<(u64, u64), u64>,
    /// Place of the queue's first.
    gone: u64,
}

impl Questions {
    /// Lets a question wait; gives those that have waited long enough, and one that is asked again.
    pub(crate) fn wait(&mut self, key: (u64, u64), time: u64, number: u64, line: &[u8]) -> Vec<Waiting> {
        let mut over = self.over(time);
        over.extend(self.answer(key));
        self.places.insert(key, self.gone + self.queue.len() as u64);
        self.queue.push_back(Some(Waiting { key, time, number, line: line.into() }));
        over
    }

    /// The question that an answer is to.
    pub(crate) fn answer(&mut self, key: (u64, u64)) -> Option<Waiting> {
        let place = self.places.remove(&key)?.checked_sub(self.gone)?;
        let found = self.queue.get_mut(usize::try_from(place).ok()?)?.take();
        self.drop_answered();
        found
    }

    /// Those whose time is over, or for which there is no room.
    fn over(&mut self, now: u64) -> Vec<Waiting> {
        let mut over = Vec::new();
        while let Some(first) = self.queue.front() {
            let is_due = first.as_ref().is_none_or(|first| first.time.saturating_add(PATIENCE) < now);
            if !is_due && self.queue.len() < MAX_WAITING {
                break;
            }
            over.extend(self.pop());
        }
        over
    }

    /// The first of all, at the end.
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        while let Some(first) = self.queue.pop_front() {
            self.gone += 1;
            if let Some(first) = first {
                self.places.remove(&first.key);
                return Some(first);
            }
        }
        None
    }

    fn drop_answered(&mut self) {
        while matches!(self.queue.front(), Some(None)) {
            self.queue.pop_front();
            self.gone += 1;
        }
    }
}
