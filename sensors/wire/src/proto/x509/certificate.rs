//! X.509 certificates (RFC 5280) as far as an event tells of them.
//!
//! A walk forward through DER without recursion or allocation; what does not fit is absent, the rest stays.

use super::key::{Algorithm, PublicKey};
use super::limits::MAX_EXTENSIONS;
use crate::asn1::{Der, Tag, time};

/// The parts of a certificate that events tell of, borrowed from its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Certificate<'a> {
    /// 1 to 3; the number on the wire is one less.
    pub(crate) version: u8,
    /// Serial number: big-endian content of the INTEGER without its sign byte.
    pub(crate) serial: &'a [u8],
    /// What the issuer signed with.
    pub(crate) signature: Option<Algorithm<'a>>,
    /// Content of the issuer's RDNSequence.
    pub(crate) issuer: &'a [u8],
    /// Content of the subject's RDNSequence.
    pub(crate) subject: &'a [u8],
    /// Begin of the validity, nanoseconds since the epoch, clamped to what that can say.
    pub(crate) not_before: Option<u64>,
    /// End of the validity.
    pub(crate) not_after: Option<u64>,
    /// The subject's key.
    pub(crate) key: Option<PublicKey<'a>>,
    /// Extensions that are read.
    pub(crate) extensions: Extensions<'a>,
}

/// Contents of the extensions that events tell of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions<'a> {
    /// GeneralNames of subjectAltName.
    pub(crate) alternative_names: &'a [u8],
    /// Bits of keyUsage, the first one highest.
    pub(crate) key_usage: Option<u16>,
    /// OIDs of extKeyUsage.
    pub(crate) extended_key_usage: &'a [u8],
    /// basicConstraints: whether it may sign others, and how many may stand between.
    pub(crate) constraints: Option<(bool, Option<u64>)>,
}

impl<'a> Certificate<'a> {
    /// Reads a DER certificate; `None` where it ends before its subject does.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut certificate = Der(Der(bytes).expect(Tag::SEQUENCE)?);
        let mut body = Der(certificate.expect(Tag::SEQUENCE)?);
        let version = body.expect(Tag::context(0)).and_then(|number| Der(number).integer());
        let serial = body.expect(Tag::INTEGER)?;
        let signature = Algorithm::parse(body.expect(Tag::SEQUENCE)?);
        let issuer = body.expect(Tag::SEQUENCE)?;
        let mut validity = Der(body.expect(Tag::SEQUENCE)?);
        let subject = body.expect(Tag::SEQUENCE)?;
        Some(Self {
            version: version.and_then(|number| u8::try_from(number).ok()).unwrap_or(0).saturating_add(1),
            serial: unsigned(serial),
            signature,
            issuer,
            subject,
            not_before: validity.any().and_then(time::nanoseconds),
            not_after: validity.any().and_then(time::nanoseconds),
            key: body.expect(Tag::SEQUENCE).and_then(PublicKey::parse),
            extensions: Extensions::parse(body),
        })
    }

    pub(crate) fn is_self_signed(&self) -> bool {
        self.issuer == self.subject
    }

    /// Outside the validity on either side; `None` where it cannot be read.
    pub(crate) fn is_expired(&self, now: u64) -> Option<bool> {
        Some(now < self.not_before? || now > self.not_after?)
    }

    /// Whole days of the validity.
    pub(crate) fn days(&self) -> Option<u64> {
        const DAY: u64 = 86_400_000_000_000;
        Some(self.not_after?.saturating_sub(self.not_before?) / DAY)
    }
}

pub(super) fn unsigned(integer: &[u8]) -> &[u8] {
    match integer {
        [0, rest @ ..] if !rest.is_empty() => rest,
        _ => integer,
    }
}

impl<'a> Extensions<'a> {
    /// Behind the key: two optional identifiers, then `[3]` with the extensions.
    fn parse(mut body: Der<'a>) -> Self {
        let mut read = Self::default();
        body.optional(Tag::context_primitive(1));
        body.optional(Tag::context_primitive(2));
        let outer = body.expect(Tag::context(3)).and_then(|all| Der(all).expect(Tag::SEQUENCE));
        let mut list = Der(outer.unwrap_or_default());
        for extension in MAX_EXTENSIONS.take(std::iter::from_fn(|| list.expect(Tag::SEQUENCE))) {
            read.extension(Der(extension));
        }
        read
    }

    /// The last part of an OID of id-ce, 2.5.29, tells which one it is.
    fn extension(&mut self, mut extension: Der<'a>) -> Option<()> {
        let oid = extension.expect(Tag::OID)?;
        extension.optional(Tag::BOOLEAN);
        let mut value = Der(extension.expect(Tag::OCTET_STRING)?);
        match oid {
            [0x55, 0x1d, 0x0f] => self.key_usage = value.expect(Tag::BIT_STRING).and_then(usage_bits),
            [0x55, 0x1d, 0x11] => self.alternative_names = value.expect(Tag::SEQUENCE)?,
            [0x55, 0x1d, 0x13] => self.constraints = value.expect(Tag::SEQUENCE).map(constraints),
            [0x55, 0x1d, 0x25] => self.extended_key_usage = value.expect(Tag::SEQUENCE)?,
            _ => {}
        }
        Some(())
    }
}

/// Up to nine bits behind the count of unused ones.
fn usage_bits(bits: &[u8]) -> Option<u16> {
    let (&high, rest) = bits.get(1..)?.split_first()?;
    Some(u16::from_be_bytes([high, rest.first().copied().unwrap_or(0)]))
}

fn constraints(content: &[u8]) -> (bool, Option<u64>) {
    let mut rest = Der(content);
    let is_ca = rest.expect(Tag::BOOLEAN).is_some_and(|value| value.iter().any(|&byte| byte != 0));
    (is_ca, rest.integer().and_then(|length| u64::try_from(length).ok()))
}
