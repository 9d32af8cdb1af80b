//! Messages of RFC 4511, borrowed from their bytes.

use super::limits::{MAX_LIST, MAX_TEXT};
use super::{filter, registry};
use crate::asn1::{Der, Tag};

/// Tags of the operations (RFC 4511 4.2 to 4.14).
pub(super) const BIND_REQUEST: Tag = Tag::application(0);
pub(super) const BIND_RESPONSE: Tag = Tag::application(1);
pub(super) const UNBIND_REQUEST: Tag = Tag(0x42);
pub(super) const SEARCH_REQUEST: Tag = Tag::application(3);
pub(super) const SEARCH_ENTRY: Tag = Tag::application(4);
pub(super) const SEARCH_DONE: Tag = Tag::application(5);
pub(super) const MODIFY_REQUEST: Tag = Tag::application(6);
pub(super) const MODIFY_RESPONSE: Tag = Tag::application(7);
pub(super) const ADD_REQUEST: Tag = Tag::application(8);
pub(super) const ADD_RESPONSE: Tag = Tag::application(9);
pub(super) const DELETE_REQUEST: Tag = Tag(0x4a);
pub(super) const DELETE_RESPONSE: Tag = Tag::application(11);
pub(super) const MODIFY_DN_REQUEST: Tag = Tag::application(12);
pub(super) const MODIFY_DN_RESPONSE: Tag = Tag::application(13);
pub(super) const COMPARE_REQUEST: Tag = Tag::application(14);
pub(super) const COMPARE_RESPONSE: Tag = Tag::application(15);
pub(super) const ABANDON_REQUEST: Tag = Tag(0x50);
pub(super) const SEARCH_REFERENCE: Tag = Tag::application(19);
pub(super) const EXTENDED_REQUEST: Tag = Tag::application(23);
pub(super) const EXTENDED_RESPONSE: Tag = Tag::application(24);
pub(super) const INTERMEDIATE_RESPONSE: Tag = Tag::application(25);

/// The envelope (RFC 4511 4.1.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope<'a> {
    pub(super) id: i64,
    pub(super) tag: Tag,
    pub(super) content: &'a [u8],
    controls: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Of one whole message.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut message = Der(Der(bytes).expect(Tag::SEQUENCE)?);
        let id = message.integer()?;
        let (tag, content) = message.any()?;
        let controls = message.expect(Tag::context(0)).unwrap_or_default();
        Some(Self { id, tag, content, controls })
    }

    /// Identifier and operation of a message whose end is not there.
    pub(super) fn head(bytes: &[u8]) -> Option<(i64, Tag)> {
        let crate::asn1::Head::Element(Tag::SEQUENCE, outer, _) = crate::asn1::head(bytes) else {
            return None;
        };
        let mut inner = Der(bytes.get(outer..)?);
        let id = inner.integer()?;
        inner.0.first().map(|tag| (id, Tag(*tag)))
    }

    /// OIDs of the controls that come with it (RFC 4511 4.1.11).
    pub(super) fn controls(&self) -> Vec<Vec<u8>> {
        let mut all = Der(self.controls);
        let next = || Der(all.expect(Tag::SEQUENCE)?).expect(Tag::OCTET_STRING);
        MAX_LIST.take(std::iter::from_fn(next)).map(clip).collect()
    }
}

/// A request; owned, since it waits for its result.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub(super) operation: &'static str,
    /// Name of the entry: who binds, base of a search, what is changed.
    pub(super) dn: Vec<u8>,
    pub(super) version: Option<i64>,
    /// `simple`, or `SASL/` and the mechanism.
    pub(super) mechanism: Option<Vec<u8>>,
    /// Length of the passwords in a simple bind or a change of password: they are not kept themselves.
    pub(super) password_len: Option<usize>,
    pub(super) search: Option<Search>,
    pub(super) attributes: Vec<Vec<u8>>,
    pub(super) changes: Vec<Vec<u8>>,
    pub(super) new_rdn: Option<Vec<u8>>,
    pub(super) new_superior: Option<Vec<u8>>,
    pub(super) delete_old_rdn: Option<bool>,
    /// OID of an extended operation.
    pub(super) extension: Option<Vec<u8>>,
    pub(super) controls: Vec<Vec<u8>>,
}

/// What only a search has.
#[derive(Clone, Debug, Default)]
pub(super) struct Search {
    pub(super) scope: i64,
    pub(super) aliases: i64,
    pub(super) size_limit: i64,
    pub(super) time_limit: i64,
    pub(super) types_only: bool,
    pub(super) filter: Vec<u8>,
    pub(super) fault: Option<filter::Fault>,
}

/// The result that ends an operation (RFC 4511 4.1.9).
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub(super) code: i64,
    pub(super) matched_dn: Vec<u8>,
    pub(super) message: Vec<u8>,
    pub(super) referrals: Vec<Vec<u8>>,
    /// OID that an extended response names.
    pub(super) extension: Option<Vec<u8>>,
}

/// Name of the operation that a request asks for or a response belongs to.
pub(super) fn operation(tag: Tag) -> Option<&'static str> {
    Some(match tag {
        BIND_REQUEST | BIND_RESPONSE => "bind",
        UNBIND_REQUEST => "unbind",
        SEARCH_REQUEST | SEARCH_ENTRY | SEARCH_DONE | SEARCH_REFERENCE => "search",
        MODIFY_REQUEST | MODIFY_RESPONSE => "modify",
        ADD_REQUEST | ADD_RESPONSE => "add",
        DELETE_REQUEST | DELETE_RESPONSE => "delete",
        MODIFY_DN_REQUEST | MODIFY_DN_RESPONSE => "modify_dn",
        COMPARE_REQUEST | COMPARE_RESPONSE => "compare",
        ABANDON_REQUEST => "abandon",
        EXTENDED_REQUEST | EXTENDED_RESPONSE => "extended",
        INTERMEDIATE_RESPONSE => "intermediate",
        _ => return None,
    })
}

/// True for what a client sends.
pub(super) fn is_request(tag: Tag) -> bool {
    matches!(
        tag,
        BIND_REQUEST
            | UNBIND_REQUEST
            | SEARCH_REQUEST
            | MODIFY_REQUEST
            | ADD_REQUEST
            | DELETE_REQUEST
            | MODIFY_DN_REQUEST
            | COMPARE_REQUEST
            | ABANDON_REQUEST
            | EXTENDED_REQUEST
    )
}

/// Reads a request; `None` where it lacks what it must have.
pub(super) fn request(envelope: &Envelope<'_>) -> Option<Request> {
    let mut request =
        Request { operation: operation(envelope.tag)?, controls: envelope.controls(), ..Request::default() };
    let mut body = Der(envelope.content);
    match envelope.tag {
        BIND_REQUEST => request.bind(body)?,
        SEARCH_REQUEST => request.search(body)?,
        MODIFY_REQUEST => request.modify(body)?,
        ADD_REQUEST => {
            request.dn = octets(&mut body)?;
            request.attributes = attribute_types(body.expect(Tag::SEQUENCE)?);
        }
        DELETE_REQUEST => request.dn = clip(envelope.content),
        MODIFY_DN_REQUEST => request.rename(body)?,
        COMPARE_REQUEST => {
            request.dn = octets(&mut body)?;
            request.attributes = attribute_types(body.0);
        }
        EXTENDED_REQUEST => {
            request.extension = Some(clip(body.expect(Tag::context_primitive(0))?));
            request.password_len = body.expect(Tag::context_primitive(1)).and_then(new_password);
        }
        _ => {}
    }
    Some(request)
}

impl Request {
    /// BindRequest (RFC 4511 4.2).
    fn bind(&mut self, mut body: Der<'_>) -> Option<()> {
        const SIMPLE: Tag = Tag::context_primitive(0);
        const SASL: Tag = Tag::context(3);
        self.version = Some(body.integer()?);
        self.dn = octets(&mut body)?;
        match body.any()? {
            (SIMPLE, password) => {
                self.mechanism = Some(b"simple".to_vec());
                self.password_len = Some(password.len());
            }
            (SASL, credentials) => {
                let mechanism = Der(credentials).expect(Tag::OCTET_STRING)?;
                self.mechanism = Some([b"SASL/", mechanism.get(..20).unwrap_or(mechanism)].concat());
            }
            // Sicily, of Microsoft's servers: package discovery, negotiate, response (MS-ADTS 5.1.1.1.3).
            (Tag(0x89..=0x8b), _) => self.mechanism = Some(b"Sicily".to_vec()),
            _ => self.mechanism = Some(b"unknown".to_vec()),
        }
        Some(())
    }

    /// SearchRequest (RFC 4511 4.5.1).
    fn search(&mut self, mut body: Der<'_>) -> Option<()> {
        self.dn = octets(&mut body)?;
        let [scope, aliases, size_limit, time_limit] =
            [body.integer()?, body.integer()?, body.integer()?, body.integer()?];
        let types_only = body.expect(Tag::BOOLEAN)? != [0];
        let (filter, fault) = filter::text(body.any()?);
        self.search = Some(Search { scope, aliases, size_limit, time_limit, types_only, filter, fault });
        let mut list = Der(body.expect(Tag::SEQUENCE).unwrap_or_default());
        let next = || list.expect(Tag::OCTET_STRING);
        self.attributes = MAX_LIST.take(std::iter::from_fn(next)).map(clip).collect();
        Some(())
    }

    /// ModifyRequest (RFC 4511 4.6).
    fn modify(&mut self, mut body: Der<'_>) -> Option<()> {
        self.dn = octets(&mut body)?;
        let mut list = Der(body.expect(Tag::SEQUENCE)?);
        for change in MAX_LIST.take(std::iter::from_fn(|| list.expect(Tag::SEQUENCE))) {
            let mut change = Der(change);
            let kind = change.integer().and_then(registry::change).unwrap_or("change");
            let Some(name) = change.expect(Tag::SEQUENCE).and_then(|pair| octets(&mut Der(pair))) else {
                continue;
            };
            self.changes.push([kind.as_bytes(), b" ", &name].concat());
            self.attributes.push(name);
        }
        Some(())
    }

    /// ModifyDNRequest (RFC 4511 4.9).
    fn rename(&mut self, mut body: Der<'_>) -> Option<()> {
        self.dn = octets(&mut body)?;
        self.new_rdn = Some(octets(&mut body)?);
        self.delete_old_rdn = Some(body.expect(Tag::BOOLEAN)? != [0]);
        self.new_superior = body.expect(Tag::context_primitive(0)).map(clip);
        Some(())
    }
}

/// Length of the passwords in the value of a Password Modify (RFC 3062 2); `None` where it is another's.
fn new_password(value: &[u8]) -> Option<usize> {
    let mut body = Der(Der(value).expect(Tag::SEQUENCE)?);
    body.optional(Tag::context_primitive(0));
    let old = body.expect(Tag::context_primitive(1)).unwrap_or_default();
    Some(old.len() + body.expect(Tag::context_primitive(2)).unwrap_or_default().len())
}

/// Reads the result of a response; `None` where it has none.
pub(super) fn outcome(envelope: &Envelope<'_>) -> Option<Outcome> {
    let mut body = Der(envelope.content);
    let code = body.integer()?;
    let matched_dn = octets(&mut body)?;
    let message = octets(&mut body)?;
    let mut list = Der(body.expect(Tag::context(3)).unwrap_or_default());
    let next = || list.expect(Tag::OCTET_STRING);
    let referrals = MAX_LIST.take(std::iter::from_fn(next)).map(clip).collect();
    let extension = match envelope.tag {
        EXTENDED_RESPONSE => body.expect(Tag::context_primitive(10)).map(clip),
        _ => None,
    };
    Some(Outcome { code, matched_dn, message, referrals, extension })
}

/// First elements of a SEQUENCE OF attributes.
fn attribute_types(list: &[u8]) -> Vec<Vec<u8>> {
    let mut list = Der(list);
    let next = || Der(list.expect(Tag::SEQUENCE)?).expect(Tag::OCTET_STRING);
    MAX_LIST.take(std::iter::from_fn(next)).map(clip).collect()
}

fn octets(body: &mut Der<'_>) -> Option<Vec<u8>> {
    body.expect(Tag::OCTET_STRING).map(clip)
}

fn clip(text: &[u8]) -> Vec<u8> {
    MAX_TEXT.clip(text).to_vec()
}
