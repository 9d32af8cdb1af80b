//! What has been seen of one handshake, and whether more can be learnt from it.

use super::hello::{ClientHello, ServerHello, key_exchange_group};
use super::names::{Alert, CipherSuite, Group, Version};
use super::record::{HandshakeType, Item, Reader};
use crate::messages::Direction;

/// A message of a form that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// One handshake, as bytes of the messages that its event will tell of.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    /// Time of the first record.
    pub(super) started: u64,
    /// Where the client sends, known from the hellos.
    pub(super) client: Option<Direction>,
    /// Body of the first ClientHello.
    pub(super) client_hello: Option<Vec<u8>>,
    /// True where that was an SSL 2.0 hello.
    pub(super) client_is_ssl2: bool,
    /// Body of the ServerHello.
    pub(super) server_hello: Option<Vec<u8>>,
    /// Version in use, once there is a ServerHello.
    pub(super) version: Option<Version>,
    /// Body of the server's Certificate message.
    pub(super) certificates: Option<Vec<u8>>,
    /// The certificate of an SSL 2.0 server, without the list around it.
    pub(super) certificate_is_bare: bool,
    /// Group of the server's key exchange (1.2 and before).
    pub(super) group: Option<Group>,
    /// The first alert in clear, and who sent it.
    pub(super) alert: Option<(Direction, Alert)>,
    /// The server sent messages that an abbreviated handshake has not (RFC 5246 7.3).
    pub(super) is_full: bool,
    /// The server's first flight has been seen to its end.
    pub(super) flight_is_whole: bool,
    /// Which directions went on to encrypted records.
    pub(super) encrypted: [bool; 2],
    /// Which directions cannot be read any more.
    pub(super) lost: [bool; 2],
    is_retried: bool,
    is_over: bool,
}

impl Handshake {
    /// Bytes of heap.
    pub(super) fn held(&self) -> usize {
        let kept = [&self.client_hello, &self.server_hello, &self.certificates];
        kept.into_iter().flatten().map(Vec::capacity).sum()
    }

    /// True where there is a hello to tell of.
    pub(super) fn has_begun(&self) -> bool {
        self.client_hello.is_some() || self.version.is_some()
    }

    /// True when nothing more can be learnt; `one_way` where one direction shows no packets at all.
    pub(super) fn is_complete(&self, one_way: bool) -> bool {
        let enough = |way: usize| self.encrypted[way] || self.lost[way];
        self.is_over || (enough(0) && enough(1)) || (one_way && (self.encrypted[0] || self.encrypted[1]))
    }

    /// True when both sides were seen to encrypt.
    pub(super) fn is_established(&self) -> bool {
        self.encrypted == [true; 2]
    }

    /// True where the handshake failed in the open.
    pub(super) fn has_failed(&self) -> bool {
        self.is_over && self.alert.is_some() && !self.is_established()
    }

    /// True where the server itself refused before its hello: what it did not choose does not exist.
    pub(super) fn was_refused(&self) -> bool {
        let from_server = |(from, _): (Direction, Alert)| self.client.is_some_and(|client| from != client);
        self.has_failed() && self.alert.is_some_and(from_server)
    }

    /// Takes what a direction said. `readers` are told when a direction begins to encrypt.
    pub(super) fn take(
        &mut self,
        from: Direction,
        item: Item,
        readers: &mut [Reader; 2],
        one_way: bool,
    ) -> Result<(), Malformed> {
        match item {
            Item::Handshake(kind) => {
                let body = readers[from.index()].take_message();
                self.message(from, kind, body, readers)?;
            }
            Item::Ssl2(kind) => {
                let body = readers[from.index()].take_message();
                self.ssl2(from, kind, body)?;
            }
            Item::ChangeCipherSpec => self.change_cipher_spec(from, &mut readers[from.index()], one_way),
            Item::Alert(level, description) => self.alert(from, level, Alert(description)),
            Item::Encrypted => self.encrypted[from.index()] |= self.version.is_some() || one_way,
        }
        Ok(())
    }

    fn message(
        &mut self,
        from: Direction,
        kind: HandshakeType,
        body: Vec<u8>,
        readers: &mut [Reader; 2],
    ) -> Result<(), Malformed> {
        match kind {
            HandshakeType::CLIENT_HELLO => {
                ClientHello::parse(&body).ok_or(Malformed("client_hello"))?;
                self.client_hello(from, body);
            }
            HandshakeType::SERVER_HELLO => self.server_hello(from, body, readers)?,
            HandshakeType::HELLO_RETRY_REQUEST => self.retry(readers),
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

    fn server_hello(
        &mut self,
        from: Direction,
        body: Vec<u8>,
        readers: &mut [Reader; 2],
    ) -> Result<(), Malformed> {
        let hello = ServerHello::parse(&body).ok_or(Malformed("server_hello"))?;
        self.client = Some(from.flip());
        if hello.is_retry {
            self.retry(readers);
        } else if self.version.is_none() {
            self.version = Some(hello.version);
            self.server_hello = Some(body);
        }
        Ok(())
    }

    /// A ChangeCipherSpec around a retry is only there for middleboxes (RFC 8446 D.4).
    fn retry(&mut self, readers: &mut [Reader; 2]) {
        self.is_retried = true;
        for reader in readers {
            reader.sealed = false;
        }
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

    fn change_cipher_spec(&mut self, from: Direction, reader: &mut Reader, one_way: bool) {
        reader.sealed = !self.is_retried || self.version.is_some();
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
