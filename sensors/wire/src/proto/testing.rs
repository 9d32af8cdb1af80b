//! A sink that writes down what it is given, for the tests of protocols.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::{Close, Context, DatagramParser, Next, Told};
use crate::counters::Counters;
use crate::fields::Field;
use crate::flow::Shared;
use crate::messages::{Direction, Event, EventKind, FlowInfo, Sink, Transport, Value};

/// One event, its values as text: `?` for unobserved, lists joined by `|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: EventKind,
    pub(crate) time: u64,
    pub(crate) packet: u64,
    fields: BTreeMap<&'static str, String>,
}

impl Seen {
    /// The value of a field, empty where it is absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        assert!(Field::by_name(name).is_some(), "{name}");
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// Writes down events, and makes contexts for the parser under test.
pub(crate) struct Recorder {
    pub(crate) seen: Vec<Seen>,
    pub(crate) counters: Counters,
    pub(crate) time: u64,
    pub(crate) packet: u64,
    pub(crate) one_way: bool,
    pub(crate) cut: bool,
    pub(crate) from_start: [bool; 2],
    pub(crate) told: Told,
    pub(crate) shared: Shared,
    pub(crate) wanted: &'static [EventKind],
    allowed: &'static [Field],
    flow: FlowInfo,
}

struct Log<'a>(&'a mut Vec<Seen>, &'static [Field], &'static [EventKind]);

impl Recorder {
    /// For a protocol whose events may carry `allowed`.
    pub(crate) fn new(allowed: &'static [Field]) -> Self {
        let flow = FlowInfo {
            ip: [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 53))],
            port: [40_000, 53],
            transport: Transport::UDP,
            vlan: [None, None],
            tunnel: 0,
            start: 0,
            last: 0,
            packets: [0, 0],
            bytes: [0, 0],
            id: 1,
        };
        Self {
            seen: Vec::new(),
            counters: Counters::default(),
            time: 0,
            packet: 0,
            one_way: false,
            cut: false,
            from_start: [true; 2],
            told: Told::new(),
            shared: Shared::default(),
            wanted: EventKind::ALL,
            allowed,
            flow,
        }
    }

    /// The same for a flow between these ends.
    pub(crate) fn between(mut self, ip: [IpAddr; 2], port: [u16; 2]) -> Self {
        (self.flow.ip, self.flow.port) = (ip, port);
        self
    }

    /// The next packet, `step` nanoseconds later.
    pub(crate) fn with<T>(&mut self, step: u64, run: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.time += step;
        self.packet += 1;
        let mut log = Log(&mut self.seen, self.allowed, self.wanted);
        run(&mut Context {
            time: self.time,
            packet: self.packet,
            flow: &self.flow,
            one_way: self.one_way,
            cut: self.cut,
            from_start: self.from_start,
            told: Some(&mut self.told),
            shared: &mut self.shared,
            counters: &mut self.counters,
            sink: &mut log,
        })
    }

    /// Events of the protocol.
    pub(crate) fn events(&self) -> Vec<&Seen> {
        self.seen.iter().filter(|seen| seen.kind != EventKind::Weird).collect()
    }

    /// Names of the anomalies.
    pub(crate) fn weird(&self) -> Vec<&str> {
        let weird = self.seen.iter().filter(|seen| seen.kind == EventKind::Weird);
        weird.map(|seen| seen.get("bavn.weird.name")).collect()
    }
}

impl Sink for Log<'_> {
    fn event(&mut self, event: &Event<'_>) {
        assert!(event.fields.windows(2).all(|pair| pair[0].0 < pair[1].0), "fields out of order");
        let known = |field| event.kind == EventKind::Weird || self.1.contains(field);
        assert!(event.fields.iter().all(|(field, _)| known(field)), "a field that is not announced");
        let fields = event.fields.iter().map(|(field, value)| (field.name(), show(value))).collect();
        self.0.push(Seen { kind: event.kind, time: event.time, packet: event.packet, fields });
    }

    fn wants(&self, kind: EventKind) -> bool {
        self.2.contains(&kind)
    }
}

fn show(value: &Value<'_>) -> String {
    match value {
        Value::Unobserved => "?".into(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) | Value::Time(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Ip(address) => address.to_string(),
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::List(list) => list.iter().map(show).collect::<Vec<_>>().join("|"),
    }
}

/// Datagrams that two sides sent each other.
pub(crate) type Conversation = Vec<(Direction, Vec<u8>)>;

/// Recordings of our own in `tests/data/<folder>`, by name.
macro_rules! recordings {
    ($folder:literal: $($name:ident)*) => {
        const RECORDINGS: &[(&str, &str)] = &[$((
            stringify!($name),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/", $folder, "/", stringify!($name), ".hex")),
        )),*];

        fn recording(name: &str) -> Conversation {
            conversation(RECORDINGS.iter().find(|row| row.0 == name).unwrap().1)
        }
    };
}
pub(crate) use recordings;

/// One line a datagram: `>` what the client sent, `<` what the server sent, in hexadecimal digits.
pub(crate) fn conversation(text: &str) -> Conversation {
    let unhex = |row: &str| {
        (0..row.len()).step_by(2).map(|at| u8::from_str_radix(&row[at..at + 2], 16).unwrap()).collect()
    };
    let turn = |line: &str| {
        let direction = if line.starts_with('>') { Direction::ToServer } else { Direction::ToClient };
        (direction, unhex(&line[2..]))
    };
    text.lines().map(turn).collect()
}

/// Gives a parser the turns, a millisecond apart, until it is done.
pub(crate) fn feed(
    parser: &mut impl DatagramParser,
    recorder: &mut Recorder,
    turns: &[(Direction, Vec<u8>)],
) -> Next {
    for (direction, bytes) in turns {
        if recorder.with(1_000_000, |cx| parser.datagram(*direction, bytes, cx)) == Next::Done {
            return Next::Done;
        }
    }
    Next::More
}

/// The same with a parser of its own, which must free all at the end.
pub(crate) fn replay<P: DatagramParser>(mut recorder: Recorder, turns: &[(Direction, Vec<u8>)]) -> Recorder {
    let mut parser = P::default();
    feed(&mut parser, &mut recorder, turns);
    recorder.with(0, |cx| parser.close(Close::End, cx));
    assert_eq!(parser.held(), 0);
    recorder
}
