//! Messages over TCP: each after its length in two bytes (RFC 1035 4.2.2, RFC 7766).

use super::parse::Header;
use super::probe;
use super::transactions::Transactions;
use crate::messages::{Direction, EventKind};
use crate::proto::{Close, Context, FirstBytes, Next, Probe, StreamParser};

/// DNS over a stream.
#[derive(Debug, Default)]
pub struct DnsStream {
    open: Transactions,
    halves: [Half; 2],
}

/// One direction: the begin of a message that is not whole yet, length bytes included. It never grows past
/// what the two length bytes can say.
#[derive(Debug, Default)]
struct Half {
    part: Vec<u8>,
    /// Bytes of the message at hand that are passed over, since others of it were lost.
    skip: usize,
    /// A gap went past the message at hand: the next bytes must look like a message.
    lost: bool,
    /// It could not be found again, or is no DNS.
    dead: bool,
}

impl StreamParser for DnsStream {
    const KINDS: &'static [EventKind] = &[EventKind::Dns];
    // Of a length; messages of 16 KiB and more do not come first.
    const FIRST: FirstBytes = FirstBytes::range(0, 0x3f);

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe::stream(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        let half = &mut self.halves[direction.index()];
        half.take((direction, data), &mut self.open, cx);
        self.next()
    }

    fn gap(&mut self, direction: Direction, len: u64, _: &mut Context<'_>) -> Next {
        self.halves[direction.index()].gap(len);
        self.next()
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.open.expire(cx);
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        if self.halves.iter().any(|half| !half.part.is_empty()) {
            cx.weird("dns", "dns_stream_ends_in_message", b"");
        }
        self.halves = Default::default();
        self.open.flush(cx);
    }

    fn held(&self) -> usize {
        self.halves.iter().map(|half| half.part.capacity()).sum::<usize>() + self.open.held()
    }
}

impl DnsStream {
    fn next(&self) -> Next {
        if self.halves.iter().all(|half| half.dead) { Next::Done } else { Next::More }
    }
}

/// Bytes of a message with its length, as far as the length is known.
fn framed_len(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().map(|length| 2 + usize::from(u16::from_be_bytes(*length)))
}

impl Half {
    fn take(&mut self, (way, mut data): (Direction, &[u8]), open: &mut Transactions, cx: &mut Context<'_>) {
        while !data.is_empty() && !self.dead {
            data = if self.skip > 0 {
                self.pass_over(data)
            } else if self.lost {
                self.find_again(data)
            } else if self.part.is_empty() {
                self.whole(way, data, open, cx)
            } else {
                self.complete(way, data, open, cx)
            };
        }
    }

    fn pass_over<'d>(&mut self, data: &'d [u8]) -> &'d [u8] {
        let passed = self.skip.min(data.len());
        self.skip -= passed;
        data.get(passed..).unwrap_or_default()
    }

    fn find_again<'d>(&mut self, data: &'d [u8]) -> &'d [u8] {
        self.lost = false;
        self.dead = probe::stream(data) != Probe::Yes;
        data
    }

    /// The next message straight from the segment, where it is whole.
    fn whole<'d>(
        &mut self,
        way: Direction,
        data: &'d [u8],
        open: &mut Transactions,
        cx: &mut Context<'_>,
    ) -> &'d [u8] {
        let Some((message, rest)) = framed_len(data).and_then(|len| data.split_at_checked(len)) else {
            self.part.extend_from_slice(data);
            return &[];
        };
        self.message(way, message, open, cx);
        rest
    }

    fn complete<'d>(
        &mut self,
        way: Direction,
        data: &'d [u8],
        open: &mut Transactions,
        cx: &mut Context<'_>,
    ) -> &'d [u8] {
        let wanted = framed_len(&self.part).unwrap_or(2) - self.part.len();
        let (taken, rest) = data.split_at(wanted.min(data.len()));
        self.part.extend_from_slice(taken);
        if framed_len(&self.part) == Some(self.part.len()) {
            let part = std::mem::take(&mut self.part);
            self.message(way, &part, open, cx);
        }
        rest
    }

    fn message(&mut self, way: Direction, framed: &[u8], open: &mut Transactions, cx: &mut Context<'_>) {
        let message = framed.get(2..).unwrap_or_default();
        if message.len() < Header::LEN {
            cx.weird("dns", "dns_bad_length_prefix", b"");
            self.dead = true;
        } else {
            self.dead = !open.message(way, message, cx);
        }
    }

    fn gap(&mut self, len: u64) {
        let left = if self.skip > 0 { self.skip } else { self.left() };
        self.part = Vec::new();
        match usize::try_from(len) {
            Ok(len) if len <= left => self.skip = left - len,
            _ => (self.skip, self.lost) = (0, true),
        }
    }

    /// Bytes that the message at hand still wants; 0 where its length is not known.
    fn left(&self) -> usize {
        framed_len(&self.part).map_or(0, |len| len - self.part.len())
    }
}
