//! What the reading thread gives a worker: frames of its own, and what happened in between.

use std::sync::Arc;

use bavn_engine::Plan;
use bavn_engine::indicator::Set;
use bavn_wire::dispatch::{OwnedPart, Part, Telling};
use bavn_wire::messages::{Frame, LinkType, Transport};

/// One thing to do; small, since there is one a frame.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) time: u64,
    /// Turn and number of its frame, counted from the parcel's first.
    turn: u32,
    number: u32,
    pub(super) task: Task,
    end: u32,
    wire_len: u32,
    interface: u32,
    link: LinkType,
    vlan_tci: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// A frame as it was captured.
    Frame,
    /// A fragment whose datagram is not whole.
    Pending,
    /// A fragment that completed a datagram: its place in the parcel.
    Whole(u32),
    /// A frame that another worker may have shows this.
    Tell(Telling),
    /// A frame of another worker brought a new second.
    Pass,
    /// No frame came until then.
    Tick,
}

impl Task {
    /// True where the frame's bytes go with it.
    const fn has_frame(self) -> bool {
        !matches!(self, Self::Pass | Self::Tick)
    }
}

/// What is to be done behind the entries.
#[derive(Clone, Default)]
pub(super) enum Order {
    #[default]
    None,
    /// Captures that wait for later packets are complete as they are.
    Complete,
    /// What each rule did is told.
    Rules,
    /// Another plan judges.
    Swap(Arc<Plan>),
    /// Other indicators are looked for, or none.
    Watch(Option<Arc<Set>>),
    /// All flows end.
    Finish,
}

/// A worker's share of a round.
#[derive(Default)]
pub(super) struct Parcel {
    pub(super) entries: Vec<Entry>,
    pub(super) order: Order,
    /// Wall time, nanoseconds since the epoch.
    pub(super) now: u64,
    /// The last turn of the round.
    pub(super) last: u64,
    /// Turn and number of the first entry.
    first: (u64, u64),
    bytes: Vec<u8>,
    wholes: Vec<(Transport, Vec<u8>)>,
}

impl Parcel {
    /// Adds a frame, or what it means to a worker that does not have it.
    #[inline]
    pub(super) fn add(&mut self, turn: u64, number: u64, frame: &Frame<'_>, task: Task) {
        if self.entries.is_empty() {
            self.first = (turn, number);
        }
        if task.has_frame() {
            self.bytes.extend_from_slice(frame.data);
        }
        let Frame { time, link, interface, wire_len, vlan_tci, .. } = *frame;
        // A round is far smaller than what these numbers hold.
        let (turn, number) = ((turn - self.first.0) as u32, (number - self.first.1) as u32);
        let end = self.bytes.len() as u32;
        self.entries.push(Entry { turn, number, time, task, end, wire_len, interface, link, vlan_tci });
    }

    /// Adds a frame with what became of it.
    #[inline]
    pub(super) fn add_own(&mut self, turn: u64, number: u64, frame: &Frame<'_>, part: OwnedPart) {
        let task = match part {
            OwnedPart::Frame => Task::Frame,
            OwnedPart::Pending => Task::Pending,
            OwnedPart::Whole(transport, payload) => {
                self.wholes.push((transport, payload));
                Task::Whole(self.wholes.len() as u32 - 1)
            }
        };
        self.add(turn, number, frame, task);
    }

    /// Adds the time where no frame came.
    pub(super) fn tick(&mut self, turn: u64, number: u64, time: u64) {
        let frame = Frame { time, link: LinkType::RAW, interface: 0, wire_len: 0, vlan_tci: None, data: &[] };
        self.add(turn, number, &frame, Task::Tick);
    }

    /// Turn of an entry, and the number of its frame.
    #[inline]
    pub(super) fn place(&self, entry: &Entry) -> (u64, u64) {
        (self.first.0 + u64::from(entry.turn), self.first.1 + u64::from(entry.number))
    }

    /// Its frame of an entry whose bytes begin at `from`, and where the next one's begin.
    #[inline]
    pub(super) fn frame(&self, entry: &Entry, from: usize) -> (Frame<'_>, usize) {
        let Entry { time, link, interface, wire_len, vlan_tci, end, .. } = *entry;
        let end = end as usize;
        let data = self.bytes.get(from..end).unwrap_or_default();
        (Frame { time, link, interface, wire_len, vlan_tci, data }, end)
    }

    /// What became of an entry's frame.
    #[inline]
    pub(super) fn part(&self, task: Task) -> Part<'_> {
        match task {
            Task::Pending => Part::Pending,
            Task::Whole(at) => self
                .wholes
                .get(at as usize)
                .map_or(Part::Pending, |(transport, payload)| Part::Whole(*transport, payload)),
            _ => Part::Frame,
        }
    }

    /// Ready to go, with what is to be done behind its entries.
    pub(super) fn sealed(self, order: Order, now: u64, last: u64) -> Self {
        Self { order, now, last, ..self }
    }

    /// Empty, its buffers kept.
    pub(super) fn cleared(mut self) -> Self {
        self.entries.clear();
        self.bytes.clear();
        self.wholes.clear();
        Self { order: Order::None, ..self }
    }
}
