//! What fuzzers call, and the replay of their corpus in the ordinary tests (feature `fuzzing`).
//!
//! Inputs are flat bytes, so that a fuzzer's cuts and splices stay meaningful. Numbers are little-endian.
//!
//! - [`packets`]: a byte that chooses the link type, a byte of settings, then frames: length (2 bytes), step of time
//!   (1 byte, squared, in milliseconds), bytes that the capture cut off (1 byte), the frame.
//! - [`stream`], [`datagrams`]: the protocol's name (8 bytes, padded with zeros), a byte of settings, then steps:
//!   what (1 byte: bit 0 the direction; bits 1 and 2: 0 and 1 data, 2 a gap, 3 time in milliseconds), a length
//!   (2 bytes), and as many bytes where it is data. Beside the protocols stand their parts: `x509`, `ntlm`, `quic-in`.
//! - [`capture`], [`scan`]: a capture file.

pub(crate) mod parts;

use std::io::Cursor;
use std::net::{IpAddr, Ipv4Addr};

use crate::capture::{Capture, CaptureError};
use crate::counters::Counters;
use crate::flow::INFO_FIELDS;
use crate::flow::driven::Parser;
use crate::json;
use crate::messages::{Direction, Event, FlowInfo, Frame, LinkType, Sink, Transport};
use crate::pipeline::{Wire, WireConfig};
use crate::proto::{self, Close, Context, Next, Told};

/// Link types by the first byte of an input.
pub const LINKS: [LinkType; 9] = [
    LinkType::ETHERNET,
    LinkType::RAW,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType(147),
];

/// Addresses of the flow that a parser is told of, and the server's port.
pub(crate) const ENDS: ([IpAddr; 2], u16) =
    ([IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2))], 53);

/// Bytes of printed events that a byte of input may make, beside [`FREE_OUTPUT`].
const MAX_AMPLIFICATION: usize = 512;
/// Bytes of printed events that any input may make.
const FREE_OUTPUT: usize = 1 << 20;
/// Bytes that one parser may hold.
const MAX_HELD: usize = 4 << 20;
/// Bytes that a parser may hold beyond twice what it counts.
const MAX_UNCOUNTED: usize = 8 << 10;
/// Frames and bytes that are read of one capture: a packed one may hold any number.
const MAX_FRAMES: u64 = 4096;
const MAX_BYTES: u64 = 8 << 20;

/// A sink that holds every event to what is promised of events, and prints it.
#[derive(Debug, Default)]
pub struct Strict {
    /// The events, as JSON Lines.
    pub lines: Vec<u8>,
    /// How many there were.
    pub events: usize,
}

impl Sink for Strict {
    fn event(&mut self, event: &Event<'_>) {
        assert!(event.fields.windows(2).all(|pair| pair[0].0 < pair[1].0), "fields out of order");
        let known = proto::fields(event.kind);
        for (field, _) in event.fields {
            assert!(
                known.contains(field) || INFO_FIELDS.contains(field),
                "{} is not announced",
                field.name()
            );
        }
        self.events += 1;
        json::write_event(&mut self.lines, event);
    }
}

impl Strict {
    /// Holds the amount of output to that of the input.
    fn check(&self, input: &[u8]) {
        assert!(self.events <= 2 * input.len() + 64, "{} events of {} bytes", self.events, input.len());
        let most = MAX_AMPLIFICATION * input.len() + FREE_OUTPUT;
        assert!(self.lines.len() <= most, "{} bytes of output from {} bytes", self.lines.len(), input.len());
    }
}

/// Runs frames through a worker and gives its counters; its events go to `sink`.
pub fn packets(input: &[u8], sink: &mut dyn Sink) -> Counters {
    let [link, settings, rest @ ..] = input else {
        return Counters::default();
    };
    let link = LINKS[usize::from(*link) % LINKS.len()];
    let config = config(*settings);
    let (most, parser_bytes) = (config.limits.flows, config.limits.parser_bytes + MAX_HELD);
    let mut wire = Wire::new(config);
    let (mut time, mut rest) = (1_700_000_000_000_000_000, rest);
    while let Some((frame, after)) = next_frame(rest, link, &mut time) {
        wire.frame(&frame, sink);
        assert!(wire.flows() <= most, "more flows than the limit");
        assert!(wire.parser_bytes() <= parser_bytes, "parsers hold more than the limit");
        wire.take_evidence();
        rest = after;
    }
    wire.finish(sink);
    wire.take_evidence();
    assert_eq!(wire.parser_bytes(), 0, "memory of parsers that are gone is still counted");
    let counters = wire.counters().clone();
    check_sum(&counters);
    assert_eq!(counters.panics, 0, "a panic was caught");
    counters
}

/// [`packets`] into a [`Strict`] sink.
pub fn packets_strictly(input: &[u8]) -> Strict {
    let mut sink = Strict::default();
    packets(input, &mut sink);
    sink.check(input);
    sink
}

/// Reads a capture file as far as it goes, and runs its frames through a worker; gives its counters.
pub fn scan(input: &[u8], sink: &mut dyn Sink) -> Counters {
    // Not even a packed file may take forever; a plain one has at most a frame every 16 bytes.
    let most = MAX_FRAMES.max(input.len() as u64 / 16);
    let mut wire = Wire::new(config(2 | 4 | 8));
    let Ok(mut capture) = Capture::read(Cursor::new(input.to_vec())) else {
        return Counters::default();
    };
    for _ in 0..most {
        let Ok(Some(frame)) = capture.next_frame() else { break };
        wire.frame(&frame, sink);
        wire.take_evidence();
    }
    wire.finish(sink);
    assert_eq!(wire.parser_bytes(), 0, "memory of parsers that are gone is still counted");
    check_sum(wire.counters());
    assert_eq!(wire.counters().panics, 0, "a panic was caught");
    wire.counters().clone()
}

/// Settings under which limits bite early, or not.
fn config(settings: u8) -> WireConfig {
    let mut config = WireConfig::default();
    if settings & 1 != 0 {
        config.limits.flows = 8;
        config.limits.fragment_datagrams = 4;
        config.limits.fragment_bytes = 8 << 10;
        config.limits.parser_bytes = 16 << 10;
        config.limits.stream_bytes = 16 << 10;
        config.limits.stream_bytes_per_flow = 4 << 10;
        config.limits.update_after = 1;
    }
    config.evidence_bytes = if settings & 2 != 0 { 64 << 10 } else { 0 };
    config.features = settings & 4 != 0;
    config.checksums = settings & 8 != 0;
    config
}

fn next_frame<'a>(input: &'a [u8], link: LinkType, time: &mut u64) -> Option<(Frame<'a>, &'a [u8])> {
    let ([low, high, step, cut], rest) = input.split_first_chunk()?;
    let len = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
    let (data, rest) = rest.split_at(len);
    *time += u64::from(*step) * u64::from(*step) * 1_000_000;
    let wire_len = data.len() as u32 + u32::from(*cut);
    Some((Frame { time: *time, link, interface: 0, wire_len, vlan_tci: None, data }, rest))
}

/// `frames = analysed + sum of the drops`.
fn check_sum(counters: &Counters) {
    let list = counters.list();
    let drops = list.iter().filter(|(name, _)| name.starts_with("drop_")).map(|(_, n)| n);
    assert_eq!(counters.frames, counters.analysed + drops.sum::<u64>(), "frames do not add up");
}

/// Names of the protocols over streams, and of their parts.
#[must_use]
pub fn streams() -> Vec<&'static str> {
    names(Parser::stream)
}

/// Names of the protocols over datagrams, and of their parts.
#[must_use]
pub fn datagram_protocols() -> Vec<&'static str> {
    names(Parser::datagrams)
}

fn names(parser: fn(u32) -> Option<Parser>) -> Vec<&'static str> {
    (0..).map_while(parser).map(|parser| parser.name()).collect()
}

/// Feeds one parser of streams.
pub fn stream(input: &[u8]) -> Strict {
    drive(input, Parser::stream, Transport::TCP, None)
}

/// Feeds one parser of datagrams.
pub fn datagrams(input: &[u8]) -> Strict {
    drive(input, Parser::datagrams, Transport::UDP, None)
}

/// [`stream`] or, without `streams`, [`datagrams`], held to what the heap says: `live` gives the bytes in use.
pub fn measured(input: &[u8], streams: bool, live: &dyn Fn() -> usize) -> Strict {
    let (parsers, transport): (fn(u32) -> Option<Parser>, _) =
        if streams { (Parser::stream, Transport::TCP) } else { (Parser::datagrams, Transport::UDP) };
    drive(input, parsers, transport, Some(live))
}

/// The parser of that name; of none, one that the name's bytes choose.
fn choose(name: &[u8; 8], parser: fn(u32) -> Option<Parser>) -> Option<Parser> {
    let names = names(parser);
    let text = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let named = names.iter().position(|known| known.as_bytes().get(..8).unwrap_or(known.as_bytes()) == text);
    let any = name.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    parser(named.unwrap_or(any.checked_rem(names.len())?) as u32)
}

fn drive(
    input: &[u8],
    parsers: fn(u32) -> Option<Parser>,
    transport: Transport,
    live: Option<&dyn Fn() -> usize>,
) -> Strict {
    let mut sink = Strict::default();
    let Some((name, [settings, steps @ ..])) = input.split_first_chunk::<8>() else {
        return sink;
    };
    if let Some(mut parser) = choose(name, parsers) {
        let mut world = World::new(*settings, transport);
        world.live = live.map(|live| (live, live()));
        world.run(&mut parser, steps, &mut sink);
    }
    sink.check(input);
    sink
}

/// What a parser is told of its surroundings.
struct World<'l> {
    info: FlowInfo,
    counters: Counters,
    told: Told,
    shared: crate::flow::Shared,
    time: u64,
    packet: u64,
    settings: u8,
    /// Bytes of heap in use, now and at the beginning.
    live: Option<(&'l dyn Fn() -> usize, usize)>,
}

impl World<'_> {
    fn new(settings: u8, transport: Transport) -> Self {
        let info = FlowInfo {
            ip: ENDS.0,
            port: [40_000, ENDS.1],
            transport,
            vlan: [None; 2],
            tunnel: 0,
            start: 0,
            last: 0,
            packets: [1; 2],
            bytes: [40; 2],
            id: 1,
        };
        let time = 1_700_000_000_000_000_000;
        let (counters, told) = Default::default();
        let mut shared = crate::flow::Shared::default();
        shared.ftp.expect(ENDS, time);
        shared.ftp.name(&ENDS, b"file".to_vec());
        Self { info, counters, told, shared, time, packet: 0, settings, live: None }
    }

    fn context<'a>(&'a mut self, sink: &'a mut Strict) -> Context<'a> {
        let bit = |n: u8| self.settings & (1 << n) != 0;
        Context {
            time: self.time,
            packet: self.packet,
            flow: &self.info,
            one_way: bit(0),
            cut: bit(4),
            from_start: [!bit(1), !bit(2)],
            told: Some(&mut self.told),
            shared: &mut self.shared,
            counters: &mut self.counters,
            sink,
        }
    }

    /// What the heap has grown by must be what the parser says that it holds, more or less.
    fn weigh(&self, held: usize, sink: &Strict) {
        let Some((live, before)) = self.live else { return };
        let printed = sink.lines.capacity() + self.told.capacity() * size_of::<&str>();
        let grown = live().saturating_sub(before + printed + self.shared.held());
        assert!(grown <= MAX_UNCOUNTED + 2 * held, "{grown} bytes in use, {held} counted");
    }

    fn run(&mut self, parser: &mut Parser, steps: &[u8], sink: &mut Strict) {
        let mut rest = steps;
        while let Some(([what, low, high], after)) = rest.split_first_chunk() {
            let len = u16::from_le_bytes([*low, *high]);
            let direction = if what & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
            let is_data = what & 4 == 0;
            let (data, after) = after.split_at(if is_data { usize::from(len).min(after.len()) } else { 0 });
            rest = after;
            self.packet += 1;
            let next = match what >> 1 & 3 {
                2 => parser.gap(direction, u64::from(len).max(1), &mut self.context(sink)),
                3 => {
                    self.time += u64::from(len) * 1_000_000;
                    parser.tick(&mut self.context(sink));
                    Next::More
                }
                _ if data.is_empty() => continue,
                _ => parser.data(direction, data, &mut self.context(sink)),
            };
            assert!(parser.held() <= MAX_HELD, "{} bytes held", parser.held());
            self.weigh(parser.held(), sink);
            match next {
                Next::More => {}
                Next::Done => return parser.close(Close::End, &mut self.context(sink)),
                Next::Switch(left) => {
                    assert!(left <= data.len(), "more is left over than was given");
                    return parser.close(Close::End, &mut self.context(sink));
                }
            }
        }
        let why = if self.settings & 8 != 0 { Close::Timeout } else { Close::Evicted };
        parser.close(why, &mut self.context(sink));
    }
}

/// Reads a capture file to its end.
pub fn capture(input: &[u8]) -> Option<CaptureError> {
    let mut capture = match Capture::read(Cursor::new(input.to_vec())) {
        Ok(capture) => capture,
        Err(error) => return Some(error),
    };
    let error = loop {
        let facts = (capture.facts().frames, capture.facts().bytes);
        if facts.0 >= MAX_FRAMES || facts.1 >= MAX_BYTES {
            break None;
        }
        match capture.next_frame() {
            Ok(Some(frame)) => {
                assert!(frame.data.len() <= crate::capture::MAX_FRAME, "a frame beyond the limit")
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    if let Some(error) = &error {
        assert!(
            error.code().starts_with("BAVN-E4") && !error.to_string().is_empty(),
            "an error without its code"
        );
        assert!(matches!(capture.next_frame(), Ok(None)), "more after the error");
    }
    error
}
