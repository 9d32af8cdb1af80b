//! Protocols: each a folder with `probe` (is it this?) and `parse` (what does it say?).

pub(crate) mod base64;
pub mod dce_rpc;
pub mod dhcp;
pub mod dnp3;
pub mod dns;
pub mod dtls;
pub(crate) mod framing;
pub mod ftp;
pub mod http;
pub mod http2;
pub mod kerberos;
pub mod ldap;
mod lines;
pub(crate) mod little;
pub mod modbus;
pub mod nbns;
pub mod ntlm;
pub mod openvpn;
pub(crate) mod pieces;
pub mod quic;
pub mod rdp;
pub(crate) mod row;
pub mod s7;
pub mod smb;
pub mod smtp;
pub mod ssh;
#[cfg(test)]
pub(crate) mod testing;
pub mod tls;
pub(crate) mod tpkt;
pub(crate) mod waiting;
pub mod websocket;
pub mod x509;

mod first;

use crate::counters::Counters;
use crate::fields::Field;
use crate::flow::Shared;
use crate::limits::{self, Limit};
use crate::messages::{Direction, Event, EventKind, FlowInfo, Sink, Value};
use crate::{files, flow, packets, pipeline};
pub use first::FirstBytes;

/// Names of anomalies with their meaning.
pub type Weirds = &'static [(&'static str, &'static str)];

macro_rules! protocols {
    ($($kind:ident $($module:ident)::+;)*) => {
        /// Fields that an event of a kind can carry, those of its flow apart.
        #[must_use]
        pub const fn fields(kind: EventKind) -> &'static [Field] {
            match kind {
                EventKind::Flow => flow::FIELDS,
                EventKind::Weird => flow::WEIRD_FIELDS,
                EventKind::Packet => packets::FIELDS,
                EventKind::Score => flow::SCORE_FIELDS,
                EventKind::Indicator => flow::INDICATOR_FIELDS,
                $(EventKind::$kind => $($module)::+::FIELDS,)*
            }
        }

        /// Names and meanings of the anomalies, by the part that tells them.
        pub const WEIRDS: &[(&str, Weirds)] = &[
            ("frame", pipeline::WEIRDS),
            ("flow", flow::WEIRDS),
            ("http2", http2::WEIRDS),
            $((EventKind::$kind.name(), $($module)::+::WEIRDS),)*
        ];

        /// Limits, a table each.
        pub(crate) const LIMITS: &[&[&Limit]] = &[
            $($($module)::+::limits::ALL,)*
            crate::decode::limits::ALL,
            flow::limits::ALL,
            dtls::limits::ALL,
            http::content::limits::ALL,
            http2::limits::ALL,
        ];
    };
}

// One row a kind: the module that has its `FIELDS`, `WEIRDS` and `limits`.
protocols! {
    Dns dns;
    Http http;
    Quic quic;
    Tls tls;
    X509 x509;
    Kerberos kerberos;
    Ldap ldap;
    Rdp rdp;
    File files;
    Websocket websocket;
    Ssh ssh;
    Modbus modbus;
    Dnp3 dnp3;
    Smtp smtp;
    S7 s7;
    Nbns nbns;
    Dhcp dhcp;
    Smb smb;
    Ntlm ntlm;
    DceRpc dce_rpc;
    Ftp ftp;
    OpenVpn openvpn;
}

/// Answer of a probe on the first bytes of one direction of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It is this protocol.
    Yes,
    /// It is not, whatever comes.
    No,
    /// More bytes are needed.
    More,
}

/// Whether a parser wants to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Give it the bytes that follow.
    More,
    /// It has seen all it needs of this flow (TLS after the handshake, an upgrade): `close` follows at once, and then
    /// the flow has only counters.
    Done,
    /// What follows is another protocol's: a tunnel through a proxy, an upgrade. `close` follows at once, and both
    /// directions are probed anew, beginning with so many last bytes of what was given.
    Switch(usize),
}

/// Why a flow's parser is told to finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// Both sides closed, or a reset.
    End,
    /// No packet for the flow's time-out.
    Timeout,
    /// The flow's place was needed, or the run ends.
    Evicted,
}

/// What a parser is given beside the bytes: the flow, the time, where events go.
pub struct Context<'a> {
    /// Time of the packet at hand, nanoseconds since the epoch.
    pub time: u64,
    /// Number of the packet at hand, from 1.
    pub packet: u64,
    /// The flow.
    pub flow: &'a FlowInfo,
    /// True where the other direction has shown no packet at all.
    pub one_way: bool,
    /// True where the capture cut off the end of the datagram at hand.
    pub cut: bool,
    /// Whether each direction's stream was seen from its beginning.
    pub from_start: [bool; 2],
    /// Anomalies that the flow's parsers have told already; without it each is told every time.
    pub told: Option<&'a mut Told>,
    /// What the parsers of different flows tell each other.
    pub shared: &'a mut Shared,
    /// Named counters.
    pub counters: &'a mut Counters,
    /// Where events go.
    pub sink: &'a mut dyn Sink,
}

/// Names of the anomalies that were told of a flow.
pub type Told = Vec<&'static str>;

impl Context<'_> {
    /// Gives out an event; `fields` must stand in the order of the field table.
    pub fn emit(&mut self, kind: EventKind, fields: &[(Field, Value<'_>)]) {
        debug_assert!(fields.windows(2).all(|pair| pair[0].0 < pair[1].0), "fields out of order");
        self.counters.events += 1;
        self.counters.parser_limit += limits::take_loose();
        self.sink.event(&Event { kind, time: self.time, packet: self.packet, flow: self.flow, fields });
    }

    /// True where somebody wants events of that kind, or the anomalies that are found on the way to them.
    #[must_use]
    pub fn wants(&self, kind: EventKind) -> bool {
        self.sink.wants(kind) || self.sink.wants(EventKind::Weird)
    }

    /// Does something as of another time and packet: when a wait ended, for one, is no fact of the wire.
    pub fn at<R>(&mut self, moment: (u64, u64), act: impl FnOnce(&mut Self) -> R) -> R {
        let now = std::mem::replace(&mut self.time, moment.0);
        let here = std::mem::replace(&mut self.packet, moment.1);
        let done = act(self);
        (self.time, self.packet) = (now, here);
        done
    }

    /// Counts a limit that was hit, and its anomaly.
    pub fn limit(&mut self, limit: &'static Limit, name: &'static str, detail: &[u8]) {
        self.hit(limit);
        self.weird(limit.part, name, detail);
    }

    /// Counts a limit that was hit, where one was.
    pub fn hit(&mut self, limit: impl Into<Option<&'static Limit>>) {
        if let Some(limit) = limit.into() {
            limit.note();
            self.counters.parser_limit += 1;
        }
    }

    /// Counts an anomaly; gives out a `weird` event the first time that the flow shows it.
    pub fn weird(&mut self, protocol: &'static str, name: &'static str, detail: &[u8]) {
        self.counters.weird += 1;
        if !self.sink.wants(EventKind::Weird) {
            return;
        }
        if let Some(told) = self.told.as_mut() {
            if told.contains(&name) {
                return;
            }
            told.push(name);
        }
        let all = [
            (Field::WeirdDetail, Value::Text(detail)),
            (Field::WeirdName, Value::Text(name.as_bytes())),
            (Field::WeirdProtocol, Value::Text(protocol.as_bytes())),
        ];
        let from = usize::from(detail.is_empty());
        self.emit(EventKind::Weird, &all[from..]);
    }
}

/// A protocol over a reliable stream. Bytes come in order, each once.
pub trait StreamParser: Default {
    /// Kinds of events that it gives: one of them wanted, and flows are looked at for it.
    const KINDS: &'static [EventKind];
    /// What the first byte can be.
    const FIRST: FirstBytes;
    /// It may begin in a stream that began as something unknown, at a segment's beginning.
    const LATER: bool = false;

    /// Looks at the first bytes of a direction (at most [`PROBE_BYTES`]).
    fn probe(data: &[u8], direction: Direction) -> Probe;

    /// Takes the next bytes of a direction. A parser keeps what it needs of them itself, within named limits.
    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next;

    /// `len` bytes of this direction were lost. `Done` where it cannot find its way again.
    fn gap(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) -> Next;

    /// Called when packets pass and time with them, at most about once a second per flow: lets transactions
    /// whose answer does not come go out as *unobserved*.
    fn tick(&mut self, cx: &mut Context<'_>) {
        let _ = cx;
    }

    /// The flow ends: give out what is pending.
    fn close(&mut self, why: Close, cx: &mut Context<'_>);

    /// Bytes of heap that it holds now, roughly, at little cost: the budget over all flows counts them.
    fn held(&self) -> usize;
}

/// A large parser stands in the heap, so that the flows of other protocols do not pay for its size.
impl<T: StreamParser> StreamParser for Box<T> {
    const KINDS: &'static [EventKind] = T::KINDS;
    const FIRST: FirstBytes = T::FIRST;
    const LATER: bool = T::LATER;

    fn probe(data: &[u8], direction: Direction) -> Probe {
        T::probe(data, direction)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        T::data(self, direction, data, cx)
    }

    fn gap(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) -> Next {
        T::gap(self, direction, len, cx)
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        T::tick(self, cx);
    }

    fn close(&mut self, why: Close, cx: &mut Context<'_>) {
        T::close(self, why, cx);
    }

    fn held(&self) -> usize {
        size_of::<T>() + T::held(self)
    }
}

/// A protocol over datagrams.
pub trait DatagramParser: Default {
    /// Kinds of events that it gives: one of them wanted, and flows are looked at for it.
    const KINDS: &'static [EventKind];
    /// What the first byte can be.
    const FIRST: FirstBytes;

    /// Looks at one payload; never `More`.
    fn probe(payload: &[u8], ports: [u16; 2]) -> Probe;

    /// Takes one datagram's payload.
    fn datagram(&mut self, direction: Direction, payload: &[u8], cx: &mut Context<'_>) -> Next;

    /// As for streams.
    fn tick(&mut self, cx: &mut Context<'_>) {
        let _ = cx;
    }

    /// The flow ends: give out what is pending.
    fn close(&mut self, why: Close, cx: &mut Context<'_>);

    /// Bytes of heap that it holds now, roughly, at little cost: the budget over all flows counts them.
    fn held(&self) -> usize;
}

/// A stream of which so many bytes fitted no protocol is not looked at again.
pub const PROBE_BYTES: usize = 256;
