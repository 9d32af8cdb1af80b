//! Which protocol a flow speaks, found by content, and its parser. Enum dispatch: no virtual call per packet.
//!
//! Adding a protocol is one row in [`streams!`] or [`datagrams!`].

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;

use super::reassembly::{Half, Receiver};
use crate::messages::{Direction, EventKind};
use crate::proto::{
    Close, Context, DatagramParser, FirstBytes, Next, PROBE_BYTES, Probe, StreamParser, Told,
};

/// What a flow has beside its counters while a protocol is sought or parsed.
#[derive(Debug)]
pub(crate) enum Analysis {
    Stream(Box<Stream>),
    Datagrams(Box<Datagrams>),
}

/// A TCP flow's streams and their parser.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) halves: [Half; 2],
    pub(crate) app: App,
    /// Second of packet time in which the parser was last told of the time.
    pub(crate) ticked: u64,
    /// Anomalies that were told.
    pub(crate) told: Told,
    /// Bytes that count as held by it.
    pub(crate) account: usize,
}

impl Stream {
    /// Of a flow whose application is at that point.
    pub(crate) fn new(app: App, time: u64) -> Self {
        Self {
            halves: Default::default(),
            app,
            ticked: time / super::timers::TICK,
            told: Told::new(),
            account: 0,
        }
    }
}

/// A UDP flow's parser.
#[derive(Debug)]
pub(crate) struct Datagrams {
    pub(crate) parser: DatagramService,
    pub(crate) ticked: u64,
    /// Anomalies that were told.
    pub(crate) told: Told,
    /// Bytes that count as held by it.
    pub(crate) account: usize,
}

/// A set of protocols, a bit each.
pub(crate) type Set = u64;

/// What the parsers of streams and of datagrams have alike; `$own` adds what they have not.
macro_rules! services {
    ($Service:ident $Id:ident $own:ident; $($(#[$cfg:meta])? $name:ident $parser:ty, $text:literal;)*) => {
        /// A parser of one flow.
        pub(crate) enum $Service { $($(#[$cfg])? $name($parser),)* }

        #[derive(Clone, Copy)]
        enum $Id { $($(#[$cfg])? $name,)* }

        impl $Service {
            fn new(set: Set) -> Option<Self> {
                const ROWS: &[$Id] = &[$($(#[$cfg])? $Id::$name,)*];
                match ROWS.get(set.trailing_zeros() as usize)? {
                    $($(#[$cfg])? $Id::$name => Some(Self::$name(Default::default())),)*
                }
            }

            pub(crate) const fn name(&self) -> &'static str {
                match self { $($(#[$cfg])? Self::$name(_) => $text,)* }
            }

            /// Bytes of heap that the parser holds.
            pub(crate) fn held(&self) -> usize {
                match self { $($(#[$cfg])? Self::$name(parser) => parser.held(),)* }
            }

            pub(crate) fn tick(&mut self, cx: &mut Context<'_>) {
                match self { $($(#[$cfg])? Self::$name(parser) => parser.tick(cx),)* }
            }

            pub(crate) fn close(&mut self, why: Close, cx: &mut Context<'_>) {
                match self { $($(#[$cfg])? Self::$name(parser) => parser.close(why, cx),)* }
            }
        }

        impl std::fmt::Debug for $Service {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        $own! { $($(#[$cfg])? $name $parser;)* }
    };
}

macro_rules! of_streams {
    ($($(#[$cfg:meta])? $name:ident $parser:ty;)*) => {
        impl StreamService {
            const ROWS: &[StreamRow] = &[$($(#[$cfg])? StreamRow {
                set: 1 << StreamId::$name as u32,
                kinds: <$parser as StreamParser>::KINDS,
                first: <$parser as StreamParser>::FIRST,
                later: <$parser as StreamParser>::LATER,
                probe: <$parser as StreamParser>::probe,
            },)*];

            fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
                match self { $($(#[$cfg])? Self::$name(parser) => parser.data(direction, data, cx),)* }
            }

            fn gap(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) -> Next {
                match self { $($(#[$cfg])? Self::$name(parser) => parser.gap(direction, len, cx),)* }
            }
        }
    };
}

macro_rules! of_datagrams {
    ($($name:ident $parser:ty;)*) => {
        impl DatagramService {
            const ROWS: &[DatagramRow] = &[$(DatagramRow {
                set: 1 << DatagramId::$name as u32,
                kinds: <$parser as DatagramParser>::KINDS,
                first: <$parser as DatagramParser>::FIRST,
                probe: <$parser as DatagramParser>::probe,
            },)*];

            pub(crate) fn datagram(&mut self, direction: Direction, payload: &[u8], cx: &mut Context<'_>) -> Next {
                match self { $(Self::$name(parser) => parser.datagram(direction, payload, cx),)* }
            }
        }
    };
}

macro_rules! streams {
    ($($rows:tt)*) => { services! { StreamService StreamId of_streams; $($rows)* } };
}

macro_rules! datagrams {
    ($($rows:tt)*) => { services! { DatagramService DatagramId of_datagrams; $($rows)* } };
}

// The order is that of the probes.
streams! {
    Tls crate::proto::tls::Tls, "tls";
    Dns crate::proto::dns::DnsStream, "dns";
    Ssh crate::proto::ssh::Ssh, "ssh";
    Smtp crate::proto::smtp::Smtp, "smtp";
    Ftp crate::proto::ftp::Ftp, "ftp";
    FtpData crate::proto::ftp::FtpData, "ftp-data";
    Http2 crate::proto::http2::Http2, "http2";
    Http crate::proto::http::Http, "http";
    Kerberos crate::proto::kerberos::KerberosStream, "kerberos";
    Modbus crate::proto::modbus::Modbus, "modbus";
    Dnp3 crate::proto::dnp3::Dnp3Stream, "dnp3";
    Ldap crate::proto::ldap::LdapStream, "ldap";
    S7 crate::proto::s7::S7comm, "s7";
    Smb Box<crate::proto::smb::Smb>, "smb";
    DceRpc Box<crate::proto::dce_rpc::DceRpc>, "dce_rpc";
    Rdp crate::proto::rdp::Rdp, "rdp";
    OpenVpn crate::proto::openvpn::OpenVpnStream, "openvpn";
    #[cfg(test)] Echo super::echo::Echo, "echo";
}

datagrams! {
    Quic crate::proto::quic::Quic, "quic";
    Dtls crate::proto::dtls::Dtls, "dtls";
    Dns crate::proto::dns::DnsDatagram, "dns";
    Kerberos crate::proto::kerberos::KerberosDatagram, "kerberos";
    Modbus crate::proto::modbus::ModbusDatagram, "modbus";
    Dnp3 crate::proto::dnp3::Dnp3Datagram, "dnp3";
    Ldap crate::proto::ldap::LdapDatagram, "ldap";
    Nbns crate::proto::nbns::Nbns, "nbns";
    Dhcp crate::proto::dhcp::Dhcp, "dhcp";
    OpenVpn crate::proto::openvpn::OpenVpnDatagram, "openvpn";
}

impl DatagramService {
    /// The protocol of a datagram's payload, if any of `enabled` knows it.
    pub(crate) fn find(enabled: Set, payload: &[u8], ports: [u16; 2]) -> Option<Self> {
        let first = *payload.first()?;
        let mut left = enabled & DATAGRAMS_BY_FIRST[usize::from(first)];
        while let Some(row) = Self::ROWS.get(left.trailing_zeros() as usize) {
            if (row.probe)(payload, ports) == Probe::Yes {
                return Self::new(row.set);
            }
            left &= !row.set;
        }
        None
    }
}

/// One stream protocol.
struct StreamRow {
    set: Set,
    kinds: &'static [EventKind],
    first: FirstBytes,
    later: bool,
    probe: fn(&[u8], Direction) -> Probe,
}

/// One datagram protocol.
struct DatagramRow {
    set: Set,
    kinds: &'static [EventKind],
    first: FirstBytes,
    probe: fn(&[u8], [u16; 2]) -> Probe,
}

/// Stream and datagram protocols that give events of a wanted kind.
pub(crate) fn enabled(wanted: impl Fn(EventKind) -> bool) -> [Set; 2] {
    let any = |kinds: &[EventKind]| kinds.iter().any(|kind| wanted(*kind));
    let streams = StreamService::ROWS.iter().filter(|row| any(row.kinds)).fold(0, |set, row| set | row.set);
    let datagrams =
        DatagramService::ROWS.iter().filter(|row| any(row.kinds)).fold(0, |set, row| set | row.set);
    [streams, datagrams]
}

macro_rules! by_first_byte {
    ($rows:expr) => {{
        let (mut table, mut row) = ([0; 256], 0);
        while row < $rows.len() {
            let mut byte = 0;
            while byte < 256 {
                if $rows[row].first.has(byte as u8) {
                    table[byte] |= $rows[row].set;
                }
                byte += 1;
            }
            row += 1;
        }
        table
    }};
}

/// Protocols that can begin with a byte: most streams of other protocols cost one look.
static STREAMS_BY_FIRST: [Set; 256] = by_first_byte!(StreamService::ROWS);
static DATAGRAMS_BY_FIRST: [Set; 256] = by_first_byte!(DatagramService::ROWS);

/// Every stream protocol that is enabled.
pub(crate) const ALL: Set = !0;

/// What a stream may turn into after it began as something unknown, at the beginning of a segment: mail, directories,
/// databases and remote desktops begin in clear text and go on in TLS. HTTP in the midst of such a stream is mostly
/// something that is carried, as in a mail, and not a conversation.
pub(crate) const LATER: Set = {
    let (mut set, mut row) = (0, 0);
    while row < StreamService::ROWS.len() {
        if StreamService::ROWS[row].later {
            set |= StreamService::ROWS[row].set;
        }
        row += 1;
    }
    set
};

/// True for the greeting of a SOCKS client (RFC 1928 3, SOCKS 4): after it any protocol may begin.
pub(crate) fn is_socks(data: &[u8]) -> bool {
    match data {
        [5, methods, rest @ ..] => *methods > 0 && usize::from(*methods) == rest.len(),
        [4, 1 | 2, rest @ ..] => rest.len() >= 7 && rest.last() == Some(&0),
        _ => false,
    }
}

/// Asks the protocols of `set` about a direction's first bytes: which one it is, and which are still possible.
pub(crate) fn probe(set: Set, data: &[u8], direction: Direction) -> (Option<Set>, Set) {
    let Some(first) = data.first() else {
        return (None, set);
    };
    let left = set & STREAMS_BY_FIRST[usize::from(*first)];
    let (mut asked, mut left) = (left, left);
    while let Some(row) = StreamService::ROWS.get(asked.trailing_zeros() as usize) {
        asked &= !row.set;
        match (row.probe)(data, direction) {
            Probe::Yes => return (Some(row.set), left),
            Probe::No => left &= !row.set,
            Probe::More => {}
        }
    }
    (None, left)
}

/// Fresh starts after a protocol said that another follows.
const SWITCH_TRIES: u8 = 8;

/// The application's side of a stream.
#[derive(Debug)]
pub(crate) enum App {
    Probing(Probing),
    Running(StreamService),
    /// Parsed as far as it will be, or nothing known.
    Done,
}

/// First bytes of each direction while they are too few to tell.
#[derive(Debug, Default)]
pub(crate) struct Probing {
    pub(crate) first: [Vec<u8>; 2],
    /// What each direction may still be.
    pub(crate) left: [Set; 2],
    /// What a fresh start may find.
    pub(crate) again: Set,
    /// Fresh starts that the stream may still make.
    pub(crate) tries: u8,
}

impl Probing {
    /// A stream that has come to another protocol's beginning.
    fn anew() -> Self {
        Self { left: [ALL; 2], again: ALL, tries: SWITCH_TRIES, ..Self::default() }
    }

    /// The protocol, as soon as it is known.
    fn look(&mut self, direction: Direction, data: &[u8]) -> Option<Set> {
        let way = direction.index();
        if self.left[way] == 0 {
            return None;
        }
        let first = &mut self.first[way];
        let fresh = first.is_empty();
        if !fresh {
            let room = PROBE_BYTES - first.len().min(PROBE_BYTES);
            first.extend_from_slice(&data[..data.len().min(room)]);
        }
        let seen: &[u8] = if fresh { &data[..data.len().min(PROBE_BYTES)] } else { first };
        let (found, left) = probe(self.left[way], seen, direction);
        let full = seen.len() >= PROBE_BYTES;
        if found.is_none() && fresh && left != 0 && !full {
            self.first[way] = data.to_vec();
        }
        if found.is_some() {
            return found;
        }
        self.narrow(way, if full { 0 } else { left });
        // In mid-stream, what did not fit may be the end of something, and this segment a beginning.
        let again = !fresh && self.first[way].is_empty() && self.left[way] != 0;
        if again { self.look(direction, data) } else { None }
    }

    fn narrow(&mut self, way: usize, left: Set) {
        if left == 0 {
            self.first[way] = Vec::new();
        }
        if left == 0 && self.tries > 0 {
            self.tries -= 1;
            self.left[way] = self.again;
        } else {
            self.left[way] = left;
        }
    }
}

/// Gives a direction's bytes to the application.
pub(crate) struct Feed<'a> {
    pub(crate) app: &'a mut App,
    pub(crate) direction: Direction,
    /// Bytes lost in gaps.
    pub(crate) missed: u64,
    /// Name of the protocol that was found now.
    pub(crate) found: Option<&'static str>,
    pub(crate) cx: Context<'a>,
    /// Changes of protocol within the bytes at hand.
    switches: u8,
}

/// Protocols that may follow each other within one segment.
const SEGMENT_SWITCHES: u8 = 4;

impl<'a> Feed<'a> {
    pub(crate) fn new(app: &'a mut App, direction: Direction, cx: Context<'a>) -> Self {
        Self { app, direction, missed: 0, found: None, cx, switches: 0 }
    }
}

impl Receiver for Feed<'_> {
    #[inline]
    fn data(&mut self, data: &[u8]) {
        match self.app {
            App::Running(service) => {
                let next = service.data(self.direction, data, &mut self.cx);
                self.go_on(next);
                if let Next::Switch(left) = next {
                    self.data_after_switch(data.get(data.len().saturating_sub(left)..).unwrap_or_default());
                }
            }
            App::Probing(probing) => {
                let way = self.direction.index();
                let held = probing.first[way].len();
                if let Some(bit) = probing.look(self.direction, data) {
                    self.begin(bit, held, data);
                } else if probing.left == [0; 2] {
                    *self.app = App::Done;
                }
            }
            App::Done => {}
        }
    }

    fn gap(&mut self, len: u64) {
        self.missed += len;
        self.cx.counters.stream_gaps += 1;
        self.cx.counters.stream_gap_bytes += len;
        match self.app {
            App::Running(service) => {
                let next = service.gap(self.direction, len, &mut self.cx);
                self.go_on(next);
            }
            App::Probing(probing) => probing.narrow(self.direction.index(), 0),
            App::Done => {}
        }
    }
}

impl Feed<'_> {
    /// The protocol is known: its parser gets what was kept, the other direction's first.
    fn begin(&mut self, bit: Set, held: usize, data: &[u8]) {
        let Some(service) = StreamService::new(bit) else {
            return;
        };
        self.found = Some(service.name());
        let App::Probing(probing) = std::mem::replace(self.app, App::Running(service)) else {
            return;
        };
        let [mine, other] = match probing.first {
            [to_server, to_client] if self.direction == Direction::ToServer => [to_server, to_client],
            [to_server, to_client] => [to_client, to_server],
        };
        // What the other side said before may be another protocol's, as the answer to STARTTLS is, or the end of
        // something whose beginning was not seen.
        let (fits, left) = probe(bit, &other, self.direction.flip());
        let may_begin = left != 0 && self.cx.from_start[self.direction.flip().index()];
        if !other.is_empty() && (fits.is_some() || may_begin) {
            let this = self.direction;
            self.direction = this.flip();
            self.data(&other);
            self.direction = this;
        }
        if let Some(kept) = mine.get(..held).filter(|kept| !kept.is_empty()) {
            self.data(kept);
        }
        self.data(data);
    }

    /// The next protocol's first bytes came with the last ones of this.
    fn data_after_switch(&mut self, data: &[u8]) {
        self.switches += 1;
        if !data.is_empty() && self.switches <= SEGMENT_SWITCHES {
            self.data(data);
        }
    }

    #[inline]
    fn go_on(&mut self, next: Next) {
        match next {
            Next::More => {}
            Next::Done => self.close(Close::End),
            Next::Switch(_) => {
                self.close(Close::End);
                *self.app = App::Probing(Probing::anew());
            }
        }
    }

    pub(crate) fn close(&mut self, why: Close) {
        if let App::Running(mut service) = std::mem::replace(self.app, App::Done) {
            service.close(why, &mut self.cx);
        }
    }
}
