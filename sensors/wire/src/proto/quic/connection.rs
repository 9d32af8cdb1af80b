//! What has been seen of one connection's handshake, and whether more can be learnt from it.

use super::crypto_stream::CryptoStream;
use super::frames::{self, Frame};
use super::keys::{self, Keys};
use super::limits::{MAX_FAILURES, MAX_REASON, MAX_VERSIONS};
use super::packet::{Initial, MAX_ID, Packet, Retry, versions};
use super::version::Version;
use crate::messages::Direction;
use crate::proto::tls::hello::{ClientHello, ServerHello};

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// A connection id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Id {
    bytes: [u8; MAX_ID],
    len: u8,
}

impl Id {
    /// Longer ones than the versions allow are cut.
    fn new(id: &[u8]) -> Self {
        let mut bytes = [0; MAX_ID];
        bytes.iter_mut().zip(id).for_each(|(place, byte)| *place = *byte);
        Self { bytes, len: id.len().min(MAX_ID) as u8 }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// An anomaly: its name, and a detail.
pub(super) type Anomaly = (&'static str, &'static str);

/// Keys, and what they were derived from.
#[derive(Debug)]
struct Secrets {
    version: Version,
    id: Id,
    /// The client's and the server's.
    keys: [Keys; 2],
}

impl Secrets {
    fn new(version: Version, id: Id) -> Box<Self> {
        Box::new(Self { version, id, keys: keys::initial(version, id.bytes()) })
    }
}

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    /// Time of the first datagram.
    pub(super) started: u64,
    /// Where the client sends; known once one of its packets was opened, or a server has answered in the open.
    pub(super) client: Option<Direction>,
    /// Version of the client's first packet, and of the server's latest.
    pub(super) versions: [Option<Version>; 2],
    /// Connection id to which the client sent its first packet.
    pub(super) original: Option<Id>,
    /// Connection ids that each direction chose for itself.
    pub(super) source: [Option<Id>; 2],
    secrets: Option<Box<Secrets>>,
    /// The client's handshake bytes and the server's.
    streams: [CryptoStream; 2],
    /// Body of the first ClientHello.
    pub(super) client_hello: Option<Vec<u8>>,
    /// Body of the ServerHello.
    pub(super) server_hello: Option<Vec<u8>>,
    pub(super) is_retried: bool,
    pub(super) has_early_data: bool,
    /// List of a Version Negotiation packet.
    pub(super) negotiation: Option<Vec<u8>>,
    /// Error code and reason phrase.
    pub(super) close: Option<(u64, Vec<u8>)>,
    /// Which directions sent packets of the handshake's later stages.
    pub(super) went_on: [bool; 2],
    /// Which directions sent packets of the data stage.
    one_rtt: [bool; 2],
    failures: u8,
}

impl Connection {
    /// True where there is something to tell of.
    pub(super) fn has_begun(&self) -> bool {
        self.versions != [None; 2] || self.negotiation.is_some()
    }

    /// True when nothing more can be learnt; `one_way` where one direction shows no packets at all.
    pub(super) fn is_complete(&self, one_way: bool) -> bool {
        let client = self.client.map_or(0, Direction::index);
        self.close.is_some()
            || self.one_rtt[client]
            || (one_way && (self.one_rtt[0] || self.one_rtt[1]))
            || usize::from(self.failures) >= MAX_FAILURES.get()
    }

    /// The client goes on to data only when the handshake is complete (RFC 9001 4.1.1).
    pub(super) fn is_established(&self) -> bool {
        self.client.is_some_and(|client| self.one_rtt[client.index()])
    }

    /// Bytes of heap.
    pub(super) fn held(&self) -> usize {
        let kept = [&self.client_hello, &self.server_hello, &self.negotiation];
        let secrets = self.secrets.as_ref().map_or(0, |_| size_of::<Secrets>());
        let streams: usize = self.streams.iter().map(CryptoStream::held).sum();
        secrets + streams + kept.into_iter().flatten().map(Vec::capacity).sum::<usize>()
    }

    /// Takes one packet of a direction; `datagram` is its datagram's length, as far as it is known.
    pub(super) fn take(
        &mut self,
        from: Direction,
        packet: Packet<'_>,
        datagram: usize,
    ) -> Result<(), Anomaly> {
        match packet {
            Packet::Initial(version, initial) => return self.initial(from, version, &initial, datagram),
            Packet::Retry(version, retry) => return self.retry(from, version, &retry),
            Packet::ZeroRtt => self.has_early_data = true,
            Packet::Handshake(source) => {
                self.went_on[from.index()] = true;
                self.source[from.index()] = Some(Id::new(source));
            }
            Packet::Negotiation(list) => self.negotiation(from, list),
            Packet::Foreign(version) => {
                let _ = self.versions[self.side(from)].get_or_insert(version);
            }
            Packet::OneRtt => self.one_rtt[from.index()] = true,
        }
        Ok(())
    }

    /// Takes the frames of an opened packet of version 1.
    #[cfg(feature = "fuzzing")]
    pub(super) fn take_opened(
        &mut self,
        from: Direction,
        frames: &[u8],
        is_cut: bool,
    ) -> Result<(), Anomaly> {
        let side = self.side(from);
        self.client.get_or_insert(Direction::ToServer);
        self.versions[side] = Some(Version::V1);
        self.frames(side, frames, is_cut)
    }

    /// 0 for the client, 1 for the server; before it is known who is who, by the flow's direction.
    fn side(&self, from: Direction) -> usize {
        usize::from(self.client.unwrap_or(Direction::ToServer) != from)
    }

    fn negotiation(&mut self, from: Direction, list: &[u8]) {
        let list = list.get(..MAX_VERSIONS.at_most(list.len() / 4) * 4).unwrap_or(list);
        self.negotiation.get_or_insert_with(|| list.to_vec());
        self.client.get_or_insert(from.flip());
    }

    /// From now on the client's packets go to the server's new connection id (RFC 9001 5.2).
    fn retry(&mut self, from: Direction, version: Version, retry: &Retry<'_>) -> Result<(), Anomaly> {
        if self.client == Some(from) || self.is_retried {
            return Ok(());
        }
        if self.original.is_some_and(|id| !keys::is_genuine(version, retry, id.bytes())) {
            return Err(("retry_forged", ""));
        }
        self.client = Some(from.flip());
        self.versions[1] = Some(version);
        self.is_retried = true;
        self.source[from.index()] = Some(Id::new(retry.source));
        self.streams = Default::default();
        self.secrets = Some(Secrets::new(version, Id::new(retry.source)));
        Ok(())
    }

    fn initial(
        &mut self,
        from: Direction,
        version: Version,
        packet: &Initial<'_>,
        datagram: usize,
    ) -> Result<(), Anomaly> {
        let Some(opened) = self.open(from, version, packet) else {
            self.failures += u8::from(!packet.is_cut);
            MAX_FAILURES.is_reached(self.failures.into());
            // Without the client's first packet the server's cannot be opened, but it has a header.
            if self.client.is_none() {
                self.note(from, version, packet);
            }
            return Ok(());
        };
        let is_first = self.client_hello.is_none() && self.side(from) == 0;
        self.note(from, version, packet);
        let mut result = self.frames(self.side(from), opened.frames(), packet.is_cut);
        if is_first && result.is_ok() && datagram < super::probe::MIN_FIRST {
            result = Err(("first_datagram_too_small", ""));
        }
        result
    }

    fn note(&mut self, from: Direction, version: Version, packet: &Initial<'_>) {
        let side = self.side(from);
        let place = &mut self.versions[side];
        *place = if side == 0 { place.or(Some(version)) } else { Some(version) };
        self.source[from.index()] = Some(Id::new(packet.source));
        if side == 0 {
            self.original.get_or_insert(Id::new(packet.destination));
        }
    }

    fn open(&mut self, from: Direction, version: Version, packet: &Initial<'_>) -> Option<keys::Opened> {
        if usize::from(self.failures) >= MAX_FAILURES.get() {
            return None;
        }
        self.open_with_known(from, version, packet).or_else(|| self.open_anew(from, version, packet))
    }

    fn open_with_known(
        &mut self,
        from: Direction,
        version: Version,
        packet: &Initial<'_>,
    ) -> Option<keys::Opened> {
        let side = self.side(from);
        let secrets = self.secrets.as_ref()?;
        if secrets.version == version {
            return secrets.keys[side].open(packet);
        }
        // A server may go on in another version than the client's first (RFC 9368 2.3).
        let other = Secrets::new(version, secrets.id);
        let opened = other.keys[side].open(packet)?;
        self.secrets = Some(other);
        Some(opened)
    }

    /// A client's first packet, or one of a new try, has the keys of the connection id to which it is sent.
    fn open_anew(&mut self, from: Direction, version: Version, packet: &Initial<'_>) -> Option<keys::Opened> {
        if self.client.is_some_and(|client| client != from) {
            return None;
        }
        let id = Id::new(packet.destination);
        if packet.is_cut && self.secrets.is_some() {
            // What cannot be proven must not replace what was.
            return None;
        }
        let secrets = Secrets::new(version, id);
        let opened = secrets.keys[0].open(packet)?;
        if self.client_hello.is_none() {
            self.streams = Default::default();
            self.original = Some(id);
            self.versions[0] = Some(version);
        }
        self.secrets = Some(secrets);
        self.client = Some(from);
        Some(opened)
    }

    fn frames(&mut self, side: usize, mut payload: &[u8], is_cut: bool) -> Result<(), Anomaly> {
        while let Some(frame) = frames::next(&mut payload) {
            match frame {
                Ok(Frame::Crypto(offset, data)) => {
                    self.streams[side].insert(offset, data).map_err(|_| ("crypto_limit", ""))?;
                }
                Ok(Frame::Close(code, reason)) => {
                    let reason = MAX_REASON.clip(reason);
                    self.close.get_or_insert_with(|| (code, reason.to_vec()));
                }
                Ok(Frame::Other) => {}
                Err(_) if is_cut => break,
                Err(_) => return Err(("frame_malformed", "")),
            }
        }
        self.messages(side)
    }

    /// The second hello after a retry repeats the first: fingerprints are those of the first.
    fn messages(&mut self, side: usize) -> Result<(), Anomaly> {
        while let Some((kind, body)) = self.streams[side].next_message() {
            match (side, kind) {
                (0, CLIENT_HELLO) if self.client_hello.is_none() => {
                    ClientHello::parse(body).ok_or(("malformed", "client_hello"))?;
                    self.client_hello = Some(body.to_vec());
                }
                (1, SERVER_HELLO) if self.server_hello.is_none() => {
                    let hello = ServerHello::parse(body).ok_or(("malformed", "server_hello"))?;
                    self.server_hello = (!hello.is_retry).then(|| body.to_vec());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The versions that the server listed.
    pub(super) fn server_versions(&self) -> impl Iterator<Item = Version> {
        versions(self.negotiation.as_deref().unwrap_or_default())
    }
}
