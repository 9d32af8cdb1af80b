//! DNP3 (IEEE 1815-2012) over streams and datagrams: one event per request and its answer, or per unsolicited response.

mod apdu;
mod crc;
mod event;
pub mod limits;
mod link;
mod names;
mod objects;
#[cfg(test)]
mod tests;
mod transactions;
mod transport;

pub use event::FIELDS;

use super::framing::{Cut as _, Extent, Framing, Item};
use crate::messages::{Direction, EventKind};
use crate::proto::{Close, Context, DatagramParser, FirstBytes, Next, Probe, StreamParser};
use link::Frames;
use transactions::Transactions;
use transport::{Assembly, Fault};

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    (
        "dnp3_bad_crc",
        "A frame whose data has a wrong CRC, which is not read: damage, or a frame made by hand",
    ),
    (
        "dnp3_fragment_limit",
        "An application fragment longer than the limit, or more of them under way than are kept",
    ),
    ("dnp3_short_fragment", "An application fragment too short for its header"),
    ("dnp3_segment_out_of_order", "A transport segment that does not follow what came before"),
    ("dnp3_wrong_way", "A frame of a master in the outstation's direction of the stream, or the reverse"),
];

/// Link frames to application fragments to exchanges: what streams and datagrams have in common.
#[derive(Debug, Default)]
struct Dnp3 {
    assembly: [Assembly; 2],
    open: Transactions,
    /// User data of the frame at hand.
    data: Vec<u8>,
    /// Whether the client's frames are a master's, as the first frame told.
    master: Option<Direction>,
}

impl Dnp3 {
    fn read(&mut self, half: &mut Framing<Frames>, direction: Direction, data: &[u8], cx: &mut Context<'_>) {
        half.read(data, |item| {
            if let Item::Message(frame) = item {
                self.frame(direction, frame, cx);
            }
            true
        });
    }

    fn frame(&mut self, direction: Direction, bytes: &[u8], cx: &mut Context<'_>) {
        self.data.clear();
        let Some(frame) = link::read(bytes, &mut self.data) else {
            return cx.weird("dnp3", "dnp3_bad_crc", b"");
        };
        let master = if frame.is_from_master() { direction } else { direction.flip() };
        if *self.master.get_or_insert(master) != master {
            cx.weird("dnp3", "dnp3_wrong_way", b"");
        }
        if !frame.has_user_data() {
            return;
        }
        let open = &mut self.open;
        let take = |fragment: &[u8]| open.fragment(frame, fragment, cx);
        match self.assembly[direction.index()].segment(frame, &self.data, take) {
            Ok(()) => {}
            Err(Fault::Order) => cx.weird("dnp3", "dnp3_segment_out_of_order", b""),
            Err(Fault::Limit(limit)) => {
                cx.limit(limit, "dnp3_fragment_limit", b"");
            }
        }
    }

    fn held(&self) -> usize {
        self.open.held() + self.data.capacity() + self.assembly.iter().map(Assembly::held).sum::<usize>()
    }
}

/// DNP3 over a stream.
#[derive(Debug, Default)]
pub struct Dnp3Stream {
    frames: Dnp3,
    halves: [Framing<Frames>; 2],
}

impl StreamParser for Dnp3Stream {
    const KINDS: &'static [EventKind] = &[EventKind::Dnp3];
    const FIRST: FirstBytes = FirstBytes::of(&[link::START[0]]);

    fn probe(data: &[u8], _: Direction) -> Probe {
        match (Frames::extent(data), data) {
            (Extent::Message(_), _) => Probe::Yes,
            (Extent::More, _) => Probe::More,
            _ => Probe::No,
        }
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        if !cx.wants(EventKind::Dnp3) {
            return Next::Done;
        }
        let Self { frames, halves } = self;
        frames.read(&mut halves[direction.index()], direction, data, cx);
        Next::More
    }

    fn gap(&mut self, direction: Direction, len: u64, _: &mut Context<'_>) -> Next {
        self.halves[direction.index()].gap(len);
        Next::More
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.frames.open.expire(cx);
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        self.frames.open.flush(cx);
        self.halves = Default::default();
    }

    fn held(&self) -> usize {
        self.frames.held() + self.halves.iter().map(Framing::held).sum::<usize>()
    }
}

/// DNP3 over datagrams, several frames in each.
#[derive(Debug, Default)]
pub struct Dnp3Datagram {
    frames: Dnp3,
}

impl DatagramParser for Dnp3Datagram {
    const KINDS: &'static [EventKind] = &[EventKind::Dnp3];
    const FIRST: FirstBytes = FirstBytes::of(&[link::START[0]]);

    fn probe(payload: &[u8], _: [u16; 2]) -> Probe {
        match Frames::extent(payload) {
            Extent::Message(_) => Probe::Yes,
            _ => Probe::No,
        }
    }

    fn datagram(&mut self, direction: Direction, payload: &[u8], cx: &mut Context<'_>) -> Next {
        if !cx.wants(EventKind::Dnp3) {
            return Next::Done;
        }
        self.frames.read(&mut Framing::default(), direction, payload, cx);
        Next::More
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.frames.open.expire(cx);
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        self.frames.open.flush(cx);
    }

    fn held(&self) -> usize {
        self.frames.held()
    }
}
