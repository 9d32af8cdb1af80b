//! Messages of RFC 4120 as far as they are in clear text, borrowed from their bytes.

use super::limits::{MAX_COMPONENTS, MAX_LIST, MAX_NAME};
use super::registry;
use crate::asn1::{Der, Tag, time};

/// Tags of the messages, `[APPLICATION n]` (RFC 4120 5.10).
pub(super) const AS_REQ: Tag = Tag::application(10);
pub(super) const AS_REP: Tag = Tag::application(11);
pub(super) const TGS_REQ: Tag = Tag::application(12);
pub(super) const TGS_REP: Tag = Tag::application(13);
pub(super) const AP_REQ: Tag = Tag::application(14);
pub(super) const AP_REP: Tag = Tag::application(15);
pub(super) const KRB_ERROR: Tag = Tag::application(30);
const TICKET: Tag = Tag::application(1);

const PA_TGS_REQ: i64 = 1;
const PA_ENC_TIMESTAMP: i64 = 2;
const PA_ETYPE_INFO: i64 = 11;
const PA_ETYPE_INFO2: i64 = 19;
const PA_FOR_USER: i64 = 129;

/// What a message is, and what it says.
#[derive(Debug)]
pub(super) enum Message {
    /// AS-REQ, TGS-REQ, AP-REQ.
    Request(Box<Request>),
    /// AS-REP, TGS-REP.
    Reply(Box<Reply>),
    /// AP-REP: all of it is encrypted.
    ApReply,
    /// KRB-ERROR.
    Error(Box<Error>),
}

/// A request; owned, since it waits for its answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    /// `AS`, `TGS` or `AP`.
    pub(super) kind: &'static str,
    /// Number that makes a request unlike another; a repeated request has the same.
    pub(super) nonce: Option<i64>,
    pub(super) options: u32,
    pub(super) client: Option<Vec<u8>>,
    pub(super) realm: Vec<u8>,
    pub(super) service: Option<Vec<u8>>,
    pub(super) from: Option<u64>,
    pub(super) till: Option<u64>,
    pub(super) renew_till: Option<u64>,
    pub(super) etypes: Vec<i64>,
    pub(super) addresses: Vec<Vec<u8>>,
    pub(super) padata: Vec<i64>,
    /// True where the data proves who the client is.
    pub(super) proven: bool,
    /// Encryption type of the proof of an AS request.
    pub(super) proof_etype: Option<i64>,
    /// Ticket that a TGS or AP request shows.
    pub(super) ticket_etype: Option<i64>,
    /// User in whose name a service asks (MS-SFU 2.2.1), `name@realm`.
    pub(super) for_user: Option<Vec<u8>>,
}

/// A reply that brings a ticket.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply {
    /// `AS` or `TGS`.
    pub(super) kind: &'static str,
    pub(super) realm: Vec<u8>,
    pub(super) client: Option<Vec<u8>>,
    pub(super) ticket: Ticket,
    /// Encryption type of the part for the client: what AS-REP roasting attacks.
    pub(super) etype: Option<i64>,
    pub(super) accepted: Vec<i64>,
}

/// A ticket's outside.
#[derive(Clone, Debug, Default)]
pub(super) struct Ticket {
    pub(super) realm: Vec<u8>,
    pub(super) service: Option<Vec<u8>>,
    pub(super) etype: Option<i64>,
}

/// A KRB-ERROR.
#[derive(Clone, Debug, Default)]
pub(super) struct Error {
    pub(super) code: i64,
    pub(super) client_realm: Option<Vec<u8>>,
    pub(super) client: Option<Vec<u8>>,
    pub(super) realm: Vec<u8>,
    pub(super) service: Option<Vec<u8>>,
    pub(super) text: Option<Vec<u8>>,
    /// Encryption types of ETYPE-INFO2, or ETYPE-INFO, in the error's data.
    pub(super) accepted: Vec<i64>,
}

/// Reads one whole message; `None` where it is none, or breaks off.
pub(super) fn parse(bytes: &[u8]) -> Option<Message> {
    let (tag, content) = Der(bytes).any()?;
    let body = Der(Der(content).expect(Tag::SEQUENCE)?);
    Some(match tag {
        AS_REQ => Message::Request(Box::new(kdc_request("AS", body)?)),
        TGS_REQ => Message::Request(Box::new(kdc_request("TGS", body)?)),
        AP_REQ => Message::Request(Box::new(ap_request(body)?)),
        AS_REP => Message::Reply(Box::new(kdc_reply("AS", body)?)),
        TGS_REP => Message::Reply(Box::new(kdc_reply("TGS", body)?)),
        AP_REP => Message::ApReply,
        KRB_ERROR => Message::Error(Box::new(error(body)?)),
        _ => return None,
    })
}

/// KDC-REQ (RFC 4120 5.4.1).
fn kdc_request(kind: &'static str, mut message: Der<'_>) -> Option<Request> {
    let mut request = Request { kind, ..Request::default() };
    if let Some(list) = message.field(3) {
        each_padata(list, |number, value| request.take_padata(number, value));
    }
    let mut body = Der(message.field(4)?.expect(Tag::SEQUENCE)?);
    request.options = bits(body.field(0)?.expect(Tag::BIT_STRING)?);
    request.client = body.field(1).and_then(principal);
    request.realm = body.field(2).and_then(string).unwrap_or_default();
    request.service = body.field(3).and_then(principal);
    request.from = body.field(4).and_then(moment);
    request.till = body.field(5).and_then(moment);
    request.renew_till = body.field(6).and_then(moment);
    request.nonce = body.field(7).and_then(|mut nonce| nonce.integer());
    request.etypes = body.field(8).map(integers).unwrap_or_default();
    request.addresses = body.field(9).map(addresses).unwrap_or_default();
    Some(request)
}

impl Request {
    fn take_padata(&mut self, number: i64, value: &[u8]) {
        self.padata.push(number);
        self.proven |= registry::is_proof(number, value);
        match number {
            PA_TGS_REQ => {
                let shown = Der(value).expect(AP_REQ).and_then(|ap| Der(ap).expect(Tag::SEQUENCE));
                self.ticket_etype =
                    shown.and_then(|body| ap_request(Der(body))).and_then(|ap| ap.ticket_etype);
            }
            PA_ENC_TIMESTAMP => self.proof_etype = encrypted(Der(value)),
            PA_FOR_USER => self.for_user = for_user(value),
            _ => {}
        }
    }
}

/// AP-REQ (RFC 4120 5.5.1).
fn ap_request(mut body: Der<'_>) -> Option<Request> {
    let ticket = ticket(body.field(3)?)?;
    Some(Request {
        kind: "AP",
        realm: ticket.realm,
        service: ticket.service,
        ticket_etype: ticket.etype,
        ..Request::default()
    })
}

/// KDC-REP (RFC 4120 5.4.2).
fn kdc_reply(kind: &'static str, mut body: Der<'_>) -> Option<Reply> {
    let accepted = body.field(2).map(accepted).unwrap_or_default();
    Some(Reply {
        kind,
        accepted,
        realm: body.field(3).and_then(string)?,
        client: body.field(4).and_then(principal),
        ticket: ticket(body.field(5)?)?,
        etype: body.field(6).and_then(encrypted),
    })
}

/// KRB-ERROR (RFC 4120 5.9.1).
fn error(mut body: Der<'_>) -> Option<Error> {
    Some(Error {
        code: body.field(6)?.integer()?,
        client_realm: body.field(7).and_then(string),
        client: body.field(8).and_then(principal),
        realm: body.field(9).and_then(string).unwrap_or_default(),
        service: body.field(10).and_then(principal),
        text: body.field(11).and_then(string),
        accepted: body
            .field(12)
            .and_then(|mut data| data.expect(Tag::OCTET_STRING))
            .map(|data| accepted(Der(data)))
            .unwrap_or_default(),
    })
}

/// Ticket (RFC 4120 5.3).
fn ticket(mut field: Der<'_>) -> Option<Ticket> {
    let mut body = Der(Der(field.expect(TICKET)?).expect(Tag::SEQUENCE)?);
    Some(Ticket {
        realm: body.field(1).and_then(string)?,
        service: body.field(2).and_then(principal),
        etype: body.field(3).and_then(encrypted),
    })
}

/// EncryptedData (RFC 4120 5.2.9): its encryption type.
fn encrypted(mut field: Der<'_>) -> Option<i64> {
    Der(field.expect(Tag::SEQUENCE)?).field(0)?.integer()
}

/// Gives each PA-DATA (RFC 4120 5.2.7) of a SEQUENCE OF to `take`.
fn each_padata(mut list: Der<'_>, mut take: impl FnMut(i64, &[u8])) {
    let mut all = Der(list.expect(Tag::SEQUENCE).unwrap_or_default());
    for one in MAX_LIST.take(std::iter::from_fn(|| all.expect(Tag::SEQUENCE))) {
        let mut one = Der(one);
        let number = one.field(1).and_then(|mut number| number.integer());
        let value = one.field(2).and_then(|mut value| value.expect(Tag::OCTET_STRING));
        if let Some(number) = number {
            take(number, value.unwrap_or_default());
        }
    }
}

/// Encryption types in the account's ETYPE-INFO2 (RFC 4120 5.2.7.5), or ETYPE-INFO where there is no newer.
fn accepted(list: Der<'_>) -> Vec<i64> {
    let (mut newer, mut older) = (Vec::new(), Vec::new());
    each_padata(list, |number, value| match number {
        PA_ETYPE_INFO2 => newer = etype_info(value),
        PA_ETYPE_INFO => older = etype_info(value),
        _ => {}
    });
    if newer.is_empty() { older } else { newer }
}

fn etype_info(value: &[u8]) -> Vec<i64> {
    let mut all = Der(Der(value).expect(Tag::SEQUENCE).unwrap_or_default());
    let next = || Der(all.expect(Tag::SEQUENCE)?).field(0)?.integer();
    MAX_LIST.take(std::iter::from_fn(next)).collect()
}

fn integers(mut list: Der<'_>) -> Vec<i64> {
    let mut all = Der(list.expect(Tag::SEQUENCE).unwrap_or_default());
    MAX_LIST.take(std::iter::from_fn(|| all.integer())).collect()
}

/// PrincipalName (RFC 4120 5.2.2): its components with `/` between them.
fn principal(mut field: Der<'_>) -> Option<Vec<u8>> {
    let mut body = Der(field.expect(Tag::SEQUENCE)?);
    let mut parts = Der(body.field(1)?.expect(Tag::SEQUENCE)?);
    let mut text = Vec::new();
    let components = std::iter::from_fn(|| parts.expect(Tag::GENERAL_STRING));
    for (place, part) in MAX_COMPONENTS.take(components).enumerate() {
        if place > 0 {
            text.push(b'/');
        }
        text.extend_from_slice(MAX_NAME.beside(text.len(), part));
    }
    Some(text)
}

/// PA-FOR-USER (MS-SFU 2.2.1).
fn for_user(value: &[u8]) -> Option<Vec<u8>> {
    let mut body = Der(Der(value).expect(Tag::SEQUENCE)?);
    let mut name = body.field(0).and_then(principal)?;
    let realm = body.field(1).and_then(string)?;
    name.push(b'@');
    name.extend_from_slice(&realm);
    Some(name)
}

/// HostAddresses (RFC 4120 5.2.5): IP addresses and names as text, others left out.
fn addresses(mut list: Der<'_>) -> Vec<Vec<u8>> {
    let mut all = Der(list.expect(Tag::SEQUENCE).unwrap_or_default());
    let next = || all.expect(Tag::SEQUENCE);
    MAX_LIST.take(std::iter::from_fn(next)).filter_map(|one| address(Der(one))).collect()
}

fn address(mut one: Der<'_>) -> Option<Vec<u8>> {
    let kind = one.field(0)?.integer()?;
    let bytes = one.field(1)?.expect(Tag::OCTET_STRING)?;
    match kind {
        2 => Some(std::net::Ipv4Addr::from(*bytes.first_chunk::<4>()?).to_string().into_bytes()),
        24 => Some(std::net::Ipv6Addr::from(*bytes.first_chunk::<16>()?).to_string().into_bytes()),
        // NetBIOS: 15 characters filled with blanks and a byte of type.
        20 => Some(clip(bytes, 15).trim_ascii_end().to_vec()),
        _ => None,
    }
}

fn string(mut field: Der<'_>) -> Option<Vec<u8>> {
    field.expect(Tag::GENERAL_STRING).map(|text| MAX_NAME.clip(text).to_vec())
}

fn moment(mut field: Der<'_>) -> Option<u64> {
    field.any().and_then(time::nanoseconds)
}

/// The first 32 bits of a BIT STRING.
fn bits(content: &[u8]) -> u32 {
    let bytes = content.get(1..).unwrap_or_default();
    (0..4).fold(0, |sum, at| sum << 8 | u32::from(bytes.get(at).copied().unwrap_or_default()))
}

fn clip(text: &[u8], most: usize) -> &[u8] {
    text.get(..most).unwrap_or(text)
}
