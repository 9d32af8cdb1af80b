//! What has been seen of one handshake, and whether more can be learnt from it.

use super::fingerprint::Carrier;
use super::hello::{ClientHello, ServerHello, key_exchange_group};
use super::names::{Alert, CipherSuite, Group, Version};
use super::record::{HandshakeType, Item};
use crate::messages::Direction;

/// A message of a form that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// One handshake, as bytes of the messages that its event will tell of.
#[derive(Debug, Default)]
pub(crate) struct Handshake {
    /// Time of the first record.
    pub(crate) started: u64,
    /// Where the client sends, known from the hellos.
    pub(crate) client: Option<Direction>,
    /// Body of the first ClientHello.
    pub(crate) client_hello: Option<Vec<u8>>,
    /// True where that was an SSL 2.0 hello.
    pub(crate) client_is_ssl2: bool,
    /// Body of the ServerHello.
    pub(crate) server_hello: Option<Vec<u8>>,
    /// Version in use, once there is a ServerHello.
    pub(crate) version: Option<Version>,
    /// Body of the server's Certificate message.
    pub(crate) certificates: Option<Vec<u8>>,
    /// Body of the client's Certificate message.
    pub(crate) client_certificates: Option<Vec<u8>>,
    /// The certificate of an SSL 2.0 server, without the list around it.
    pub(crate) certificate_is_bare: bool,
    /// Group of the server's key exchange (1.2 and before).
    pub(crate) group: Option<Group>,
    /// The first alert in clear, and who sent it.
    pub(crate) alert: Option<(Direction, Alert)>,
    /// The server sent messages that an abbreviated handshake has not (RFC 5246 7.3).
    pub(crate) is_full: bool,
    /// The server's first flight has been seen to its end.
    pub(crate) flight_is_whole: bool,
    /// Which directions went on to encrypted records.
    pub(crate) encrypted: [bool; 2],
    /// Which directions cannot be read any more.
    pub(crate) lost: [bool; 2],
    /// Which directions encrypt their handshake messages.
    pub(crate) sealed: [bool; 2],
    /// What carries it.
    pub(crate) carrier: Carrier,
    is_retried: bool,
    is_over: bool,
}

impl Handshake {
    /// Bytes of heap.
    pub(crate) fn held(&self) -> usize {
        let kept = [&self.client_hello, &self.server_hello, &self.certificates, &self.client_certificates];
        kept.into_iter().flatten().map(Vec::capacity).sum()
    }

    /// True where there is a hello to tell of.
    pub(crate) fn has_begun(&self) -> bool {
        self.client_hello.is_some() || self.version.is_some()
    }

    /// True when nothing more can be learnt; `one_way` where one direction shows no packets at all.
    pub(crate) fn is_complete(&self, one_way: bool) -> bool {
        let enough = |way: usize| self.encrypted[way] || self.lost[way];
        self.is_over || (enough(0) && enough(1)) || (one_way && (self.encrypted[0] || self.encrypted[1]))
    }

    /// True when both sides were seen to encrypt.
    pub(crate) fn is_established(&self) -> bool {
        self.encrypted == [true; 2]
    }

    /// True where the handshake failed in the open.
    pub(crate) fn has_failed(&self) -> bool {
        self.is_over && self.alert.is_some() && !self.is_established()
    }

    /// True where the server itself refused before its hello: what it did not choose does not exist.
    pub(crate) fn was_refused(&self) -> bool {
        let from_server = |(from, _): (Direction, Alert)| self.client.is_some_and(|client| from != client);
        self.has_failed() && self.alert.is_some_and(from_server)
    }

    /// The client's hello, as far as it was seen; `spare` is for one of SSL 2.0.
    pub(crate) fn parse_client<'a>(&'a self, spare: &'a mut Vec<u8>) -> Option<ClientHello<'a>> {
        let body = self.client_hello.as_deref()?;
        if self.client_is_ssl2 { ClientHello::parse_ssl2(body, spare) } else { self.parse_hello(body) }
    }

    fn parse_hello<'a>(&self, body: &'a [u8]) -> Option<ClientHello<'a>> {
        if self.carrier == Carrier::Dtls { ClientHello::parse_dtls(body) } else { ClientHello::parse(body) }
    }

    /// Takes what a direction said; `body` is that of a message, empty for other items.
    pub(crate) fn take(
        &mut self,
        from: Direction,
        item: Item,
        body: Vec<u8>,
        one_way: bool,
    ) -> Result<(), Malformed> {
        match item {
            Item::Handshake(kind) => self.message(from, kind, body)?,
            Item::Ssl2(kind) => self.ssl2(from, kind, body)?,
            Item::ChangeCipherSpec => self.change_cipher_spec(from, one_way),
            Item::Alert(level, description) => self.alert(from, level, Alert(description)),
            Item::Encrypted => self.encrypted[from.index()] |= self.version.is_some() || one_way,
        }
        Ok(())
    }

    fn message(&mut self, from: Direction, kind: HandshakeType, body: Vec<u8>) -> Result<(), Malformed> {
        match kind {
            HandshakeType::CLIENT_HELLO => {
                self.parse_hello(&body).ok_or(Malformed("client_hello"))?;
                self.client_hello(from, body);
            }
            HandshakeType::SERVER_HELLO => self.server_hello(from, body)?,
            HandshakeType::HELLO_RETRY_REQUEST => self.retry(),
            HandshakeType::CERTIFICATE if self.client == Some(from) => {
                self.client_certificates.get_or_insert(body);
            }
            _ if self.client == Some(from) => {}
            HandshakeType::CERTIFICATE => self.certificates(body),
            HandshakeType::SERVER_KEY_EXCHANGE => self.key_exchange(&body),
            HandshakeType::SERVER_HELLO_DONE => {
                self.is_full = true;
                self.flight_is_whole = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// The second hello after a retry repeats the first: fingerprints are those of the first.
    fn client_hello(&mut self, from: Direction, body: Vec<u8>) {
        self.client = Some(from);
        self.client_hello.get_or_insert(body);
    }

    fn server_hello(&mut self, from: Direction, body: Vec<u8>) -> Result<(), Malformed> {
        let hello = ServerHello::parse(&body).ok_or(Malformed("server_hello"))?;
        self.client = Some(from.flip());
        if hello.is_retry {
            self.retry();
        } else if self.version.is_none() {
            self.version = Some(hello.version);
            self.server_hello = Some(body);
        }
        Ok(())
    }

    /// A ChangeCipherSpec around a retry is only there for middleboxes (RFC 8446 D.4).
    fn retry(&mut self) {
        self.is_retried = true;
        self.sealed = [false; 2];
    }

    fn certificates(&mut self, body: Vec<u8>) {
        self.is_full = true;
        self.certificates.get_or_insert(body);
    }

    fn key_exchange(&mut self, body: &[u8]) {
        self.is_full = true;
        let cipher =
            self.server_hello.as_deref().and_then(ServerHello::parse).map(|hello| CipherSuite(hello.cipher));
        if let Some(cipher) = cipher.filter(|cipher| cipher.has_curve()) {
            self.group = key_exchange_group(body, cipher.has_psk_hint());
        }
    }

    fn change_cipher_spec(&mut self, from: Direction, one_way: bool) {
        self.sealed[from.index()] = !self.is_retried || self.version.is_some();
        let is_final = self.version.map_or(one_way, |version| !version.is_1_3());
        self.encrypted[from.index()] |= is_final;
        if is_final && self.client == Some(from.flip()) {
            self.flight_is_whole = true;
        }
    }

    /// Level 1 is a warning and the handshake goes on, but for close_notify (RFC 5246 7.2).
    fn alert(&mut self, from: Direction, level: u8, alert: Alert) {
        self.alert.get_or_insert((from, alert));
        if level != 1 || alert == Alert::CLOSE_NOTIFY {
            self.alert = Some((from, alert));
            self.is_over = true;
        }
    }

    fn ssl2(&mut self, from: Direction, kind: u8, body: Vec<u8>) -> Result<(), Malformed> {
        if kind == 1 {
            self.client_is_ssl2 = true;
            self.client_hello(from, body);
            return Ok(());
        }
        self.client = Some(from.flip());
        self.version = Some(Version::SSL_2_0);
        self.certificates = Some(ssl2_certificate(&body).ok_or(Malformed("server_hello"))?.to_vec());
        self.certificate_is_bare = true;
        self.is_over = true;
        Ok(())
    }
}

/// The certificate in an SSL 2.0 ServerHello: after hit, type, version and three lengths.
fn ssl2_certificate(body: &[u8]) -> Option<&[u8]> {
    let (head, rest) = body.split_first_chunk::<10>()?;
    rest.get(..usize::from(u16::from_be_bytes([head[4], head[5]])))
}
