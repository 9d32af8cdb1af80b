//! The messages of a connection's beginning: X.224 in TPKT (RFC 1006, MS-RDPBCGR 2.2.1.1 to 2.2.1.4) and the Client Info
//! PDU (2.2.1.11).

use super::limits::{MAX_CHANNELS, MAX_TEXT};
use crate::asn1::{Der, Head, Tag, head};
use crate::proto::tpkt::Cotp;

/// What a message is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// X.224 Connection Request.
    Request(Request),
    /// X.224 Connection Confirm.
    Confirm(Confirm),
    /// MCS Connect-Initial.
    Client(Box<Client>),
    /// MCS Connect-Response.
    Server(Server),
    /// Client Info PDU in clear text.
    Info(Info),
    /// Another one.
    Other,
}

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) cookie: Option<Vec<u8>>,
    pub(super) routing_token: Option<Vec<u8>>,
    /// Flags and protocols; `None` for a client that negotiates nothing.
    pub(super) negotiation: Option<(u8, u32)>,
}

/// What a server says to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Confirm {
    /// Nothing: it does not negotiate.
    #[default]
    Plain,
    /// This protocol.
    Selected(u32),
    /// Why not.
    Failure(u32),
}

/// What a client tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) color_depth: Option<u16>,
    pub(super) layout: u32,
    pub(super) build: u32,
    pub(super) name: Vec<u8>,
    pub(super) product_id: Vec<u8>,
    pub(super) channels: Vec<Vec<u8>>,
}

/// What a server tells of RDP's own security.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) result: u64,
    /// Method and level.
    pub(super) encryption: Option<(u32, u32)>,
    /// Version of the certificate: 1 proprietary, 2 X.509.
    pub(super) certificate: Option<u32>,
}

/// Who logs in, where nothing is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) domain: Vec<u8>,
    pub(super) user: Vec<u8>,
    pub(super) has_password: bool,
}

/// Reads one packet; `None` where it contradicts itself.
pub(super) fn parse(packet: &[u8]) -> Option<Message> {
    match Cotp::read(packet)? {
        Cotp::Request(variable) => Some(Message::Request(request(variable))),
        Cotp::Confirm(variable) => Some(Message::Confirm(confirm(variable))),
        Cotp::Data(_, mcs) => data(mcs),
        Cotp::Other => Some(Message::Other),
    }
}

fn request(mut rest: &[u8]) -> Request {
    const HASH: &[u8] = b"Cookie: mstshash=";
    let mut request = Request::default();
    if let Some(end) = memchr::memmem::find(rest, b"\r\n").filter(|_| rest.first() != Some(&1)) {
        let (line, behind) = rest.split_at(end);
        match line.strip_prefix(HASH) {
            Some(cookie) => request.cookie = Some(clip(cookie)),
            None => request.routing_token = Some(clip(line)).filter(|token| !token.is_empty()),
        }
        rest = behind.get(2..).unwrap_or_default();
    }
    if let [1, flags, 8, 0, a, b, c, d, ..] = *rest {
        request.negotiation = Some((flags, u32::from_le_bytes([a, b, c, d])));
    }
    request
}

fn confirm(rest: &[u8]) -> Confirm {
    match *rest {
        [2, _, 8, 0, a, b, c, d, ..] => Confirm::Selected(u32::from_le_bytes([a, b, c, d])),
        [3, _, 8, 0, a, b, c, d, ..] => Confirm::Failure(u32::from_le_bytes([a, b, c, d])),
        _ => Confirm::Plain,
    }
}

/// X.224 data: MCS behind it. Connect-Initial and Connect-Response have tags of two bytes (T.125 11.1, 11.2).
fn data(mcs: &[u8]) -> Option<Message> {
    match *mcs {
        [0x7f, tag @ (0x65 | 0x66), ref rest @ ..] => {
            // The second byte of the tag and the length are read as an element of their own.
            let Head::Element(_, start, _) = head(&[&[0x30], rest.get(..rest.len().min(5))?].concat()) else {
                return None;
            };
            let body = Der(rest.get(start - 1..)?);
            if tag == 0x65 {
                client(body).map(|client| Message::Client(Box::new(client)))
            } else {
                server(body).map(Message::Server)
            }
        }
        [0x64, _, _, _, _, _, ref rest @ ..] => Some(info(rest).map_or(Message::Other, Message::Info)),
        _ => Some(Message::Other),
    }
}

/// Connect-Initial (T.125 11.1): two selectors, a flag, three sets of parameters, then the conference's data.
fn client(mut body: Der<'_>) -> Option<Client> {
    for _ in 0..6 {
        body.any()?;
    }
    let mut client = Client::default();
    each_block(body.expect(Tag::OCTET_STRING)?, b"Duca", |kind, block| match kind {
        0xc001 => client.take_core(block),
        0xc003 => client.channels = channels(block),
        _ => {}
    })?;
    Some(client)
}

impl Client {
    /// Client Core Data (2.2.1.3.2), without the header.
    fn take_core(&mut self, block: &[u8]) {
        let u16_at = |at: usize| block.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes));
        let u32_at = |at: usize| block.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        self.width = u16_at(4).unwrap_or_default();
        self.height = u16_at(6).unwrap_or_default();
        self.layout = u32_at(12).unwrap_or_default();
        self.build = u32_at(16).unwrap_or_default();
        self.name = utf16(block.get(20..52).unwrap_or_default());
        self.product_id = utf16(block.get(142..206).unwrap_or_default());
        let wants_32 = u16_at(140).is_some_and(|flags| flags & 2 != 0);
        let old = || u16_at(128).or(u16_at(8)).and_then(palette);
        self.color_depth =
            if wants_32 { Some(32) } else { u16_at(136).filter(|depth| *depth != 0).or_else(old) };
    }
}

/// Bits of a colour depth that has a number of its own (2.2.1.3.2).
fn palette(number: u16) -> Option<u16> {
    Some(match number {
        0xca00 => 4,
        0xca01 => 8,
        0xca02 => 15,
        0xca03 => 16,
        0xca04 => 24,
        _ => return None,
    })
}

/// Client Network Data (2.2.1.3.4): names of eight bytes.
fn channels(block: &[u8]) -> Vec<Vec<u8>> {
    let all = block.get(4..).unwrap_or_default().chunks_exact(12).take(MAX_CHANNELS);
    let name = |one: &[u8]| one.iter().take(8).copied().take_while(|byte| *byte != 0).collect();
    all.map(name).collect()
}

/// Connect-Response (T.125 11.2).
fn server(mut body: Der<'_>) -> Option<Server> {
    let mut server = Server { result: u64::try_from(body.integer()?).ok()?, ..Server::default() };
    body.integer()?;
    body.expect(Tag::SEQUENCE)?;
    each_block(body.expect(Tag::OCTET_STRING)?, b"McDn", |kind, block| {
        if kind == 0x0c02 {
            let u32_at = |at: usize| block.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
            server.encryption = u32_at(0).zip(u32_at(4));
            let random = u32_at(8).and_then(|len| usize::try_from(len).ok()).unwrap_or_default();
            server.certificate = random.checked_add(16).and_then(u32_at).map(|version| version & 0x7fff_ffff);
        }
    });
    Some(server)
}

/// Gives each block of the conference's user data (T.124 8.7, MS-RDPBCGR 2.2.1.3.1) behind its key to `take`.
fn each_block(data: &[u8], key: &[u8], mut take: impl FnMut(u16, &[u8])) -> Option<()> {
    let at = memchr::memmem::find(data.get(..data.len().min(64))?, key)? + key.len();
    let mut rest = match data.get(at..)? {
        [first, _, rest @ ..] if first & 0x80 != 0 => rest,
        [_, rest @ ..] => rest,
        [] => return None,
    };
    while let [a, b, c, d, ..] = *rest {
        let len = usize::from(u16::from_le_bytes([c, d])).max(4);
        let (block, behind) = rest.split_at_checked(len)?;
        take(u16::from_le_bytes([a, b]), block.get(4..)?);
        rest = behind;
    }
    Some(())
}

/// Client Info PDU (2.2.1.11.1.1) behind MCS's header, where it is not encrypted.
fn info(bytes: &[u8]) -> Option<Info> {
    const INFO_PACKET: u16 = 0x40;
    const ENCRYPT: u16 = 0x08;
    const UNICODE: u32 = 0x10;
    let rest = match bytes {
        [first, _, rest @ ..] if first & 0x80 != 0 => rest,
        [_, rest @ ..] => rest,
        [] => return None,
    };
    let (&[a, b, _, _], packet) = rest.split_first_chunk::<4>()?;
    if u16::from_le_bytes([a, b]) & (INFO_PACKET | ENCRYPT) != INFO_PACKET {
        return None;
    }
    let (fixed, texts) = packet.split_first_chunk::<18>()?;
    let flags = u32::from_le_bytes(*fixed.get(4..)?.first_chunk()?);
    let len = |at: usize| fixed.get(at..)?.first_chunk().map(|two| usize::from(u16::from_le_bytes(*two)));
    let end = if flags & UNICODE != 0 { 2 } else { 1 };
    let (domain, texts) = texts.split_at_checked(len(8)?)?;
    let (user, _) = texts.get(end..)?.split_at_checked(len(10)?)?;
    let read = |text| if flags & UNICODE != 0 { utf16(text) } else { clip(text) };
    Some(Info { domain: read(domain), user: read(user), has_password: len(12)? > 0 })
}

/// UTF-16 in little endian as UTF-8, up to its zero.
fn utf16(bytes: &[u8]) -> Vec<u8> {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text = char::decode_utf16(MAX_TEXT.take(units.take_while(|unit| *unit != 0)));
    text.map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().into_bytes()
}

fn clip(text: &[u8]) -> Vec<u8> {
    MAX_TEXT.clip(text).to_vec()
}
