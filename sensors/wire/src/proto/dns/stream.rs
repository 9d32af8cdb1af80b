//! Messages over TCP: each after its length in two bytes (RFC 1035 4.2.2, RFC 7766).

use super::parse::Header;
use super::probe;
use super::transactions::Transactions;
use crate::messages::{Direction, EventKind};
use crate::proto::framing::{Cut, Extent, Framing, Item};
use crate::proto::{Close, Context, FirstBytes, Next, Probe, StreamParser};

/// DNS over a stream.
#[derive(Debug, Default)]
pub struct DnsStream {
    open: Transactions,
    halves: [Framing<Messages>; 2],
}

/// How a stream is cut into messages.
#[derive(Debug, Default)]
struct Messages;

impl Cut for Messages {
    fn extent(bytes: &[u8]) -> Extent {
        match bytes.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length))) {
            None => Extent::More,
            Some(length @ Header::LEN..) => Extent::Message(PREFIX + length),
            Some(_) => Extent::Nothing,
        }
    }

    fn begins(bytes: &[u8]) -> bool {
        probe::stream(bytes) == Probe::Yes
    }
}

/// Length before a message.
const PREFIX: usize = 2;

impl StreamParser for DnsStream {
    const KINDS: &'static [EventKind] = &[EventKind::Dns];
    // Of a length; messages of 16 KiB and more do not come first.
    const FIRST: FirstBytes = FirstBytes::range(0, 0x3f);

    fn probe(data: &[u8], _: Direction) -> Probe {
        probe::stream(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        let Self { open, halves } = self;
        let half = &mut halves[direction.index()];
        let mut is_dns = true;
        half.read(data, |item| {
            is_dns = read(open, direction, item, cx);
            is_dns
        });
        if !is_dns {
            half.die();
        }
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
        if self.halves.iter().any(Framing::is_within) {
            cx.weird("dns", "dns_stream_ends_in_message", b"");
        }
        self.halves = Default::default();
        self.open.flush(cx);
    }

    fn held(&self) -> usize {
        self.halves.iter().map(Framing::held).sum::<usize>() + self.open.held()
    }
}

impl DnsStream {
    fn next(&self) -> Next {
        if self.halves.iter().all(Framing::is_dead) { Next::Done } else { Next::More }
    }
}

/// False where no more can be made of this direction.
fn read(open: &mut Transactions, direction: Direction, item: Item<'_>, cx: &mut Context<'_>) -> bool {
    match item {
        Item::Message(framed) => open.message(direction, framed.get(PREFIX..).unwrap_or_default(), cx),
        Item::Long(_) | Item::Broken(_) => {
            cx.weird("dns", "dns_bad_length_prefix", b"");
            false
        }
    }
}
