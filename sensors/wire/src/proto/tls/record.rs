//! The record layer (RFC 8446 5.1, RFC 5246 6.2, RFC 6101 5.2) and handshake messages put together from it.

use super::cursor::Cursor;
use super::limits::{MAX_CERTIFICATES, MAX_HELLO};
use crate::limits::Limit;

/// Window: so much of a ServerKeyExchange is kept: a PSK hint and the curve behind it.
const MAX_KEY_EXCHANGE: usize = 512;
/// Format: largest body of a record: 2^14 and what compression and a cipher may add (RFC 5246 6.2.3).
const MAX_RECORD: usize = (1 << 14) + 2048;
/// Format: largest SSL 2.0 record that is read; its length has 15 bits.
const MAX_SSL2: usize = 0x7fff;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;

/// Type of a handshake message (RFC 8446 4; RFC 5246 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HandshakeType(pub(crate) u8);

impl HandshakeType {
    pub(crate) const CLIENT_HELLO: Self = Self(1);
    pub(crate) const SERVER_HELLO: Self = Self(2);
    pub(crate) const HELLO_RETRY_REQUEST: Self = Self(6);
    pub(crate) const CERTIFICATE: Self = Self(11);
    pub(crate) const SERVER_KEY_EXCHANGE: Self = Self(12);
    pub(crate) const SERVER_HELLO_DONE: Self = Self(14);

    /// Types that IANA has given out and that can stand in clear text.
    pub(crate) fn is_known(self) -> bool {
        matches!(self.0, 0..=6 | 8 | 11..=16 | 20..=25 | 67 | 254)
    }

    /// How many bytes of the body are kept.
    pub(crate) fn keep(self) -> usize {
        match self {
            Self::SERVER_KEY_EXCHANGE => MAX_KEY_EXCHANGE,
            _ => self.limit().map_or(0, Limit::get),
        }
    }

    /// What a body may have where a part of it is worth nothing.
    pub(crate) const fn limit(self) -> Option<&'static Limit> {
        match self {
            Self::CLIENT_HELLO | Self::SERVER_HELLO => Some(&MAX_HELLO),
            Self::CERTIFICATE => Some(&MAX_CERTIFICATES),
            _ => None,
        }
    }
}

/// What a direction said next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A handshake message is complete; [`Reader::take_message`] gives its body.
    Handshake(HandshakeType),
    /// An SSL 2.0 message is complete (client's hello or server's); as above.
    Ssl2(u8),
    /// From here on this direction encrypts (TLS 1.2 and before).
    ChangeCipherSpec,
    /// An alert in clear text: level and description.
    Alert(u8, u8),
    /// An encrypted record begins.
    Encrypted,
}

/// Why a direction cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes are no TLS record.
    Record,
    /// A handshake message of a type that does not exist.
    Message,
    /// A message is longer than its limit.
    Limit(&'static Limit),
}

/// Reads one direction of a stream, however it is cut.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Header of a record, as far as it has come.
    header: [u8; 5],
    header_len: u8,
    content: u8,
    /// Bytes of the record's body still to come.
    left: usize,
    /// First byte of an alert.
    alert_level: Option<u8>,
    /// Header of a handshake message, as far as it has come.
    message_header: [u8; 4],
    message_header_len: u8,
    /// Bytes of the message's body still to come.
    message_left: usize,
    message: Vec<u8>,
    /// Set once this direction encrypts its handshake messages.
    pub(super) sealed: bool,
    started: bool,
    ssl2: bool,
}

impl Reader {
    /// Reads on in `data` up to the next item; `None` when all is used up.
    pub(super) fn next(&mut self, data: &mut &[u8]) -> Result<Option<Item>, Fault> {
        loop {
            if data.is_empty() || (self.left == 0 && !self.header(data)?) {
                return Ok(None);
            }
            let item = if self.left == 0 { self.begin()? } else { self.body(data)? };
            if item.is_some() {
                return Ok(item);
            }
        }
    }

    /// Bytes of heap.
    pub(super) const fn held(&self) -> usize {
        self.message.capacity()
    }

    /// The body of the message that was just completed.
    pub(super) fn take_message(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.message)
    }

    /// Collects a record's header; true when it is whole.
    fn header(&mut self, data: &mut &[u8]) -> Result<bool, Fault> {
        while self.header_len < 5 {
            let Some((&byte, rest)) = data.split_first() else { return Ok(false) };
            if let Some(place) = self.header.get_mut(usize::from(self.header_len)) {
                *place = byte;
            }
            *data = rest;
            self.header_len += 1;
            self.check_header()?;
        }
        Ok(true)
    }

    /// Judges a header as early as it can be judged, so that other protocols are not waited for.
    fn check_header(&mut self) -> Result<(), Fault> {
        let [content, major, ..] = self.header;
        let is_ssl2 = !self.started && content & 0x80 != 0;
        let fits = match self.header_len {
            1 => is_ssl2 || (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&content),
            2 => is_ssl2 || major == 3,
            _ => true,
        };
        if fits { Ok(()) } else { Err(Fault::Record) }
    }

    /// Takes a whole header as the begin of a record.
    fn begin(&mut self) -> Result<Option<Item>, Fault> {
        let [content, b, c, d, e] = self.header;
        self.header_len = 0;
        if !self.started && content & 0x80 != 0 {
            self.started = true;
            return self.begin_ssl2(usize::from(content & 0x7f) << 8 | usize::from(b), [c, d, e]);
        }
        self.started = true;
        self.content = content;
        self.left = usize::from(d) << 8 | usize::from(e);
        if self.left > MAX_RECORD {
            return Err(Fault::Record);
        }
        Ok(match content {
            CHANGE_CIPHER_SPEC => Some(Item::ChangeCipherSpec),
            APPLICATION_DATA => Some(Item::Encrypted),
            HANDSHAKE if self.sealed => Some(Item::Encrypted),
            _ => None,
        })
    }

    /// An SSL 2.0 record has a header of two bytes; three of its body were read with it.
    fn begin_ssl2(&mut self, len: usize, [kind, a, b]: [u8; 3]) -> Result<Option<Item>, Fault> {
        if !(9..=MAX_SSL2).contains(&len) || !matches!(kind, 1 | 4) {
            return Err(Fault::Record);
        }
        self.ssl2 = true;
        self.left = len - 3;
        self.message_header = [kind, 0, 0, 0];
        self.message.extend_from_slice(&[a, b]);
        Ok(None)
    }

    fn body(&mut self, data: &mut &[u8]) -> Result<Option<Item>, Fault> {
        match self.content {
            _ if self.ssl2 => Ok(self.ssl2(data)),
            HANDSHAKE if !self.sealed => self.handshake(data),
            ALERT if !self.sealed => Ok(self.alert(data)),
            _ => {
                self.take(data, usize::MAX);
                Ok(None)
            }
        }
    }

    /// Takes at most `most` bytes of the record's body.
    fn take<'a>(&mut self, data: &mut &'a [u8], most: usize) -> &'a [u8] {
        let len = data.len().min(self.left).min(most);
        let (head, rest) = data.split_at_checked(len).unwrap_or((data, &[]));
        *data = rest;
        self.left -= len;
        head
    }

    fn ssl2(&mut self, data: &mut &[u8]) -> Option<Item> {
        let bytes = self.take(data, usize::MAX);
        self.message.extend_from_slice(bytes);
        if self.left > 0 {
            return None;
        }
        self.ssl2 = false;
        Some(Item::Ssl2(self.message_header[0]))
    }

    /// An encrypted alert is longer than two bytes and says nothing.
    fn alert(&mut self, data: &mut &[u8]) -> Option<Item> {
        let &byte = self.take(data, 1).first()?;
        match self.alert_level.take() {
            None => {
                self.alert_level = Some(byte);
                None
            }
            Some(level) if self.left == 0 => Some(Item::Alert(level, byte)),
            Some(_) => {
                self.take(data, usize::MAX);
                None
            }
        }
    }

    fn handshake(&mut self, data: &mut &[u8]) -> Result<Option<Item>, Fault> {
        if self.message_header_len < 4 {
            return self.message_begin(data);
        }
        let part = self.take(data, self.message_left);
        self.message_left -= part.len();
        let room = self.kind().keep().saturating_sub(self.message.len());
        self.message.extend_from_slice(part.get(..room).unwrap_or(part));
        Ok(self.message_end())
    }

    fn message_begin(&mut self, data: &mut &[u8]) -> Result<Option<Item>, Fault> {
        let Some(&byte) = self.take(data, 1).first() else { return Ok(None) };
        if let Some(place) = self.message_header.get_mut(usize::from(self.message_header_len)) {
            *place = byte;
        }
        self.message_header_len += 1;
        if self.message_header_len < 4 {
            return Ok(None);
        }
        self.message.clear();
        self.message_left = Cursor(&self.message_header[1..]).u24().unwrap_or(0);
        let kind = self.kind();
        if !kind.is_known() {
            return Err(Fault::Message);
        }
        if let Some(limit) = kind.limit().filter(|limit| self.message_left > limit.get()) {
            return Err(Fault::Limit(limit));
        }
        Ok(self.message_end())
    }

    fn kind(&self) -> HandshakeType {
        HandshakeType(self.message_header[0])
    }

    fn message_end(&mut self) -> Option<Item> {
        if self.message_left > 0 {
            return None;
        }
        self.message_header_len = 0;
        Some(Item::Handshake(self.kind()))
    }
}
