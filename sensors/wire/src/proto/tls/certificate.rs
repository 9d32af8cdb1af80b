//! X.509 certificates (RFC 5280) as far as an event tells of them.
//!
//! A walk forward through DER without recursion or allocation; what does not fit is absent, the rest stays.

mod names;

use crate::asn1::{Der, Tag, time};
pub(super) use names::{alternative_names, common_name, distinguished_name};

/// The parts of a certificate that events tell of, borrowed from its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Certificate<'a> {
    /// Serial number: big-endian content of the INTEGER without its sign byte.
    pub(super) serial: &'a [u8],
    /// Content of the issuer's RDNSequence.
    pub(super) issuer: &'a [u8],
    /// Content of the subject's RDNSequence.
    pub(super) subject: &'a [u8],
    /// Begin of the validity, nanoseconds since the epoch, clamped to what that can say.
    pub(super) not_before: Option<u64>,
    /// End of the validity.
    pub(super) not_after: Option<u64>,
    /// Content of the subjectAltName's GeneralNames.
    pub(super) alternative_names: &'a [u8],
}

/// id-ce-subjectAltName, 2.5.29.17.
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1d, 0x11];
/// No certificate has a use for more.
const MAX_EXTENSIONS: usize = 64;

impl<'a> Certificate<'a> {
    /// Reads a DER certificate; `None` where it ends before its subject does.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut certificate = Der(Der(bytes).expect(Tag::SEQUENCE)?);
        let mut body = Der(certificate.expect(Tag::SEQUENCE)?);
        body.optional(Tag::context(0));
        let serial = body.expect(Tag::INTEGER)?;
        body.expect(Tag::SEQUENCE)?;
        let issuer = body.expect(Tag::SEQUENCE)?;
        let mut validity = Der(body.expect(Tag::SEQUENCE)?);
        let subject = body.expect(Tag::SEQUENCE)?;
        Some(Self {
            serial: unsigned(serial),
            issuer,
            subject,
            not_before: validity.any().and_then(time::nanoseconds),
            not_after: validity.any().and_then(time::nanoseconds),
            alternative_names: find_alternative_names(body).unwrap_or_default(),
        })
    }

    pub(super) fn is_self_signed(&self) -> bool {
        self.issuer == self.subject
    }

    /// `None` where the validity cannot be read.
    pub(super) fn is_expired(&self, now: u64) -> Option<bool> {
        Some(now < self.not_before? || now > self.not_after?)
    }
}

fn unsigned(integer: &[u8]) -> &[u8] {
    match integer {
        [0, rest @ ..] if !rest.is_empty() => rest,
        _ => integer,
    }
}

/// Behind the subject: key, two optional identifiers, then `[3]` with the extensions.
fn find_alternative_names(mut body: Der<'_>) -> Option<&[u8]> {
    body.expect(Tag::SEQUENCE)?;
    body.optional(Tag::context_primitive(1));
    body.optional(Tag::context_primitive(2));
    let mut list = Der(Der(body.expect(Tag::context(3))?).expect(Tag::SEQUENCE)?);
    for _ in 0..MAX_EXTENSIONS {
        let mut extension = Der(list.expect(Tag::SEQUENCE)?);
        if extension.expect(Tag::OID)? == SUBJECT_ALT_NAME {
            extension.optional(Tag::BOOLEAN);
            return Der(extension.expect(Tag::OCTET_STRING)?).expect(Tag::SEQUENCE);
        }
    }
    None
}
