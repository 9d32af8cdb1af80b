//! Puts what all workers found into one order: that of turns, steps of a turn, and flows.

use std::collections::VecDeque;

use super::correlating::Correlating;
use super::member::{Counts, Report};
use crate::hub::{Finished, Item, Place};

/// Bytes of one worker's findings that wait for the others'; with more, none are taken from it.
const MAX_WAITING: usize = 4 << 20;

/// What one worker told and has not gone out.
struct Lane {
    chunks: VecDeque<Chunk>,
    items: VecDeque<(Place, Item)>,
    failures: VecDeque<(Place, Vec<u8>)>,
    until: Place,
    items_until: Place,
    counts: Counts,
    /// Parcels that it has not done.
    open: usize,
    /// Bytes of alerts and their captures.
    held: usize,
}

/// Printed events.
struct Chunk {
    bytes: Vec<u8>,
    ends: Vec<(Place, usize)>,
    next: usize,
    from: usize,
}

impl Chunk {
    fn place(&self) -> Option<Place> {
        self.ends.get(self.next).map(|(place, _)| *place)
    }

    /// Copies the events of places before `limit`.
    fn copy(&mut self, limit: Place, out: &mut Vec<u8>) {
        let rest = self.ends.get(self.next..).unwrap_or_default();
        let count = rest.iter().take_while(|(place, _)| *place < limit).count();
        let end = count.checked_sub(1).and_then(|last| rest.get(last)).map_or(self.from, |(_, end)| *end);
        out.extend_from_slice(self.bytes.get(self.from..end).unwrap_or_default());
        self.from = end;
        self.next += count;
    }
}

impl Lane {
    fn events_at(&self) -> (Place, bool) {
        let head = self.chunks.front().and_then(Chunk::place);
        (head.unwrap_or(self.until), head.is_some())
    }

    fn items_at(&self) -> (Place, bool) {
        let head = self.items.front().map(|(place, _)| *place);
        (head.unwrap_or(self.items_until), head.is_some())
    }

    fn failures_at(&self) -> (Place, bool) {
        let head = self.failures.front().map(|(place, _)| *place);
        (head.unwrap_or(self.until), head.is_some())
    }

    fn take(&mut self, report: Report) {
        let Report { found, until, items_until, done, .. } = report;
        if !found.ends.is_empty() {
            let chunk = Chunk { bytes: found.events, ends: found.ends, next: 0, from: 0 };
            self.chunks.push_back(chunk);
        }
        self.held += found.items.iter().map(|(_, item)| size(item)).sum::<usize>();
        self.items.extend(found.items);
        self.failures.extend(found.failures);
        (self.until, self.items_until) = (until, items_until);
        if let Some(counts) = done {
            self.counts = *counts;
            self.open -= 1;
        }
    }

    fn size(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.bytes.len()).sum::<usize>() + self.held
    }
}

fn size(item: &Item) -> usize {
    match item {
        Item::Alert(alert) => alert.size(),
        Item::Feed(_, capture) => size_of::<Item>() + capture.as_ref().map_or(0, |capture| capture.size()),
    }
}

/// What goes out.
#[derive(Default)]
pub(super) struct Merged {
    pub(super) alerts: Vec<Finished>,
    pub(super) events: Vec<u8>,
    pub(super) failures: Vec<Vec<u8>>,
    /// Bytes of alerts and their captures.
    pub(super) held: usize,
}

/// All workers' lanes.
pub(super) struct Merger {
    lanes: Vec<Lane>,
    pub(super) correlating: Option<Correlating>,
    pub(super) out: Merged,
}

impl Merger {
    pub(super) fn new(counts: Vec<Counts>, correlating: Option<Correlating>) -> Self {
        let lane = |counts| Lane {
            chunks: VecDeque::new(),
            items: VecDeque::new(),
            failures: VecDeque::new(),
            until: Place::default(),
            items_until: Place::default(),
            counts,
            open: 0,
            held: 0,
        };
        Self { lanes: counts.into_iter().map(lane).collect(), correlating, out: Merged::default() }
    }

    /// Each worker was given a parcel.
    pub(super) fn sent(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.open += 1);
    }

    /// Parcels that the slowest worker has before it.
    pub(super) fn open(&self) -> usize {
        self.lanes.iter().map(|lane| lane.open).max().unwrap_or(0)
    }

    /// True where a worker's report can be taken.
    pub(super) fn has_room(&self, worker: usize) -> bool {
        self.lanes.get(worker).is_some_and(|lane| lane.size() < MAX_WAITING)
    }

    /// True where a worker's alerts wait for what others hold back.
    pub(super) fn is_stuck(&self) -> bool {
        self.lanes.iter().any(|lane| lane.held >= MAX_WAITING)
    }

    /// Takes a report.
    pub(super) fn take(&mut self, worker: usize, report: Report) {
        if let Some(lane) = self.lanes.get_mut(worker) {
            lane.take(report);
        }
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = &Counts> {
        self.lanes.iter().map(|lane| &lane.counts)
    }

    /// Lets out what comes before everything that is still to come, until hands are full.
    pub(super) fn merge(&mut self, is_full: fn(&Merged) -> bool) {
        while !is_full(&self.out) && self.merge_events() {}
        while !is_full(&self.out) && self.merge_item() {}
        while let Some((lane, _)) = next(&self.lanes, Lane::failures_at) {
            let failure = self.lanes.get_mut(lane).and_then(|lane| lane.failures.pop_front());
            self.out.failures.extend(failure.map(|(_, pcap)| pcap));
        }
        if is_full(&self.out) {
            return;
        }
        let known = self.lanes.iter().map(|lane| lane.items_at().0.turn).min().unwrap_or(0);
        self.pass_time(known);
    }

    fn merge_events(&mut self) -> bool {
        let Some((lane, limit)) = next(&self.lanes, Lane::events_at) else { return false };
        let Some(lane) = self.lanes.get_mut(lane) else { return false };
        if let Some(chunk) = lane.chunks.front_mut() {
            chunk.copy(limit, &mut self.out.events);
            if chunk.place().is_none() {
                lane.chunks.pop_front();
            }
        }
        true
    }

    fn merge_item(&mut self) -> bool {
        let Some((lane, _)) = next(&self.lanes, Lane::items_at) else { return false };
        let Some(lane) = self.lanes.get_mut(lane) else { return false };
        let Some((place, item)) = lane.items.pop_front() else { return false };
        lane.held -= size(&item);
        self.pass_time(place.turn);
        match item {
            Item::Alert(alert) => self.out.add(alert),
            Item::Feed(feed, capture) => {
                let Some(correlating) = &mut self.correlating else { return true };
                correlating.feed(&feed, capture.as_deref(), &mut |alert| self.out.add(alert));
            }
        }
        true
    }

    /// Tells correlations of the frames before that turn.
    fn pass_time(&mut self, turn: u64) {
        if let Some(correlating) = &mut self.correlating {
            correlating.pass_time(turn, &mut |alert| self.out.add(alert));
        }
    }
}

impl Merged {
    fn add(&mut self, alert: Finished) {
        self.held += alert.size();
        self.alerts.push(alert);
    }
}

/// The lane whose next finding comes before all that the others have or will have, and where theirs begin.
fn next(lanes: &[Lane], at: fn(&Lane) -> (Place, bool)) -> Option<(usize, Place)> {
    let end = Place { turn: u64::MAX, ..Place::default() };
    let (mut first, mut limit) = (None, end);
    for (number, lane) in lanes.iter().enumerate() {
        let (place, has_head) = at(lane);
        match first {
            Some((_, least, _)) if place >= least => limit = limit.min(place),
            before => {
                limit = before.map_or(limit, |(_, least, _)| limit.min(least));
                first = Some((number, place, has_head));
            }
        }
    }
    first.filter(|(_, place, has_head)| *has_head && *place < limit).map(|(number, ..)| (number, limit))
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
