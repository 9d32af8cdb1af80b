//! ClientHello, ServerHello and their extensions (RFC 8446 4.1 and 4.2, RFC 5246 7.4.1), borrowed from the message.
//!
//! The views do not know their transport: QUIC carries the same messages, DTLS puts a cookie between.

use super::cursor::{Cursor, U16List};
use super::names::{Group, Version, is_grease};

/// Number of an extension (RFC 8446 4.2; IANA ExtensionType).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionType(pub u16);

impl ExtensionType {
    /// server_name (RFC 6066 3).
    pub const SERVER_NAME: Self = Self(0);
    /// supported_groups (RFC 8446 4.2.7), once elliptic_curves.
    pub const SUPPORTED_GROUPS: Self = Self(10);
    /// ec_point_formats (RFC 8422 5.1.2).
    pub const EC_POINT_FORMATS: Self = Self(11);
    /// signature_algorithms (RFC 8446 4.2.3).
    pub const SIGNATURE_ALGORITHMS: Self = Self(13);
    /// application_layer_protocol_negotiation (RFC 7301).
    pub const ALPN: Self = Self(16);
    /// pre_shared_key (RFC 8446 4.2.11).
    pub const PRE_SHARED_KEY: Self = Self(41);
    /// supported_versions (RFC 8446 4.2.1).
    pub const SUPPORTED_VERSIONS: Self = Self(43);
    /// key_share (RFC 8446 4.2.8).
    pub const KEY_SHARE: Self = Self(51);
}

/// Extensions in their order; stops at the first that does not fit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extensions<'a>(&'a [u8]);

impl<'a> Extensions<'a> {
    /// Type and body of each.
    pub fn iter(self) -> impl Iterator<Item = (ExtensionType, &'a [u8])> {
        let mut rest = Cursor(self.0);
        std::iter::from_fn(move || Some((ExtensionType(rest.u16()?), rest.vec16()?)))
    }

    /// Their types without GREASE.
    pub fn types(self) -> impl Iterator<Item = u16> {
        self.iter().map(|(kind, _)| kind.0).filter(|&number| !is_grease(number))
    }

    /// True where every byte belongs to an extension.
    fn are_whole(self) -> bool {
        self.iter().map(|(_, body)| body.len() + 4).sum::<usize>() == self.0.len()
    }
}

/// The names of an ALPN list (RFC 7301 3.1); stops at the first that does not fit.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProtocolNames<'a>(&'a [u8]);

impl<'a> ProtocolNames<'a> {
    /// Each name, bytes as on the wire.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = Cursor(self.0);
        std::iter::from_fn(move || rest.vec8())
    }
}

/// What a client offers.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientHello<'a> {
    /// The version in the hello itself; 1.2 where the client speaks 1.3.
    pub version: Version,
    /// Session that the client would take up again.
    pub session_id: &'a [u8],
    /// Cipher suites in their order, GREASE included.
    pub ciphers: U16List<'a>,
    /// All extensions.
    pub extensions: Extensions<'a>,
    /// False where the extensions end in the middle of one: fingerprints would mislead.
    pub whole: bool,
    /// First host name of server_name.
    pub server_name: Option<&'a [u8]>,
    /// Protocols offered.
    pub alpn: ProtocolNames<'a>,
    /// Versions of supported_versions, GREASE included.
    pub versions: U16List<'a>,
    /// Groups of supported_groups, GREASE included.
    pub groups: U16List<'a>,
    /// Point formats.
    pub point_formats: &'a [u8],
    /// Signature schemes in their order.
    pub signature_algorithms: U16List<'a>,
}

impl<'a> ClientHello<'a> {
    /// Reads the body of a ClientHello; `None` where it ends before its fixed part does.
    #[must_use]
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        Self::parse_with(body, false)
    }

    /// The same over DTLS, where a cookie stands behind the session (RFC 6347 4.2.1).
    #[must_use]
    pub fn parse_dtls(body: &'a [u8]) -> Option<Self> {
        Self::parse_with(body, true)
    }

    fn parse_with(body: &'a [u8], has_cookie: bool) -> Option<Self> {
        let mut rest = Cursor(body);
        let version = Version(rest.u16()?);
        rest.take(32)?;
        let session_id = rest.vec8()?;
        if has_cookie {
            rest.vec8()?;
        }
        let ciphers = U16List(rest.vec16()?);
        rest.vec8()?;
        let mut hello = Self { version, session_id, ciphers, whole: true, ..Self::default() };
        hello.read_extensions(rest);
        Some(hello)
    }

    /// Reads an SSL 2.0 hello (RFC 6101 E.1); suites of three bytes that TLS does not know are left out.
    pub(super) fn parse_ssl2(body: &[u8], ciphers: &'a mut Vec<u8>) -> Option<Self> {
        let mut rest = Cursor(body);
        let version = Version(rest.u16()?);
        let lengths = [rest.u16()?, rest.u16()?, rest.u16()?];
        let specs = rest.take(usize::from(lengths[0]))?;
        for spec in specs.chunks_exact(3).filter(|spec| spec[0] == 0) {
            ciphers.extend_from_slice(&spec[1..]);
        }
        Some(Self { version, ciphers: U16List(ciphers), ..Self::default() })
    }

    /// The highest version offered.
    #[must_use]
    pub fn highest_version(&self) -> Version {
        let offered = self.versions.iter().filter(|&number| !is_grease(number));
        offered.map(Version).max_by_key(|version| version.rank()).unwrap_or(self.version)
    }

    fn read_extensions(&mut self, mut rest: Cursor<'a>) {
        if rest.is_empty() {
            return;
        }
        let block = rest.vec16();
        self.extensions = Extensions(block.unwrap_or(rest.0));
        self.whole = block.is_some() && self.extensions.are_whole();
        for (kind, body) in self.extensions.iter() {
            self.read_extension(kind, body);
        }
    }

    fn read_extension(&mut self, kind: ExtensionType, body: &'a [u8]) {
        let mut rest = Cursor(body);
        let short = |vector: Option<&'a [u8]>| vector.unwrap_or_default();
        match kind {
            ExtensionType::SERVER_NAME => self.server_name = server_name(body),
            ExtensionType::ALPN => self.alpn = ProtocolNames(short(rest.vec16())),
            ExtensionType::SUPPORTED_VERSIONS => self.versions = U16List(short(rest.vec8())),
            ExtensionType::SUPPORTED_GROUPS => self.groups = U16List(short(rest.vec16())),
            ExtensionType::EC_POINT_FORMATS => self.point_formats = short(rest.vec8()),
            ExtensionType::SIGNATURE_ALGORITHMS => self.signature_algorithms = U16List(short(rest.vec16())),
            _ => {}
        }
    }
}

/// The first entry of type host_name (RFC 6066 3).
fn server_name(body: &[u8]) -> Option<&[u8]> {
    let mut list = Cursor(Cursor(body).vec16()?);
    loop {
        let kind = list.u8()?;
        let name = list.vec16()?;
        if kind == 0 {
            return Some(name);
        }
    }
}

/// What the server chose.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerHello<'a> {
    /// The version in the hello itself.
    pub legacy_version: Version,
    /// The version in use.
    pub version: Version,
    /// The session's name; equal to the client's where it is taken up again (TLS 1.2) and always in 1.3.
    pub session_id: &'a [u8],
    /// Cipher suite.
    pub cipher: u16,
    /// All extensions.
    pub extensions: Extensions<'a>,
    /// Protocol chosen (not in 1.3, where it is encrypted).
    pub alpn: Option<&'a [u8]>,
    /// Group of the key share (1.3).
    pub group: Option<Group>,
    /// True where one of the client's pre-shared keys was accepted (1.3).
    pub accepts_psk: bool,
    /// True for a HelloRetryRequest.
    pub is_retry: bool,
}

/// "Random" of a HelloRetryRequest: SHA-256 of that word (RFC 8446 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

impl<'a> ServerHello<'a> {
    /// Reads the body of a ServerHello; `None` where it ends before its fixed part does.
    #[must_use]
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let mut rest = Cursor(body);
        let version = Version(rest.u16()?);
        let is_retry = rest.take(32)? == RETRY_RANDOM;
        // The drafts of 1.3 before 22 had neither session nor compression here.
        let session_id = if version.is_early_draft() { &[] } else { rest.vec8()? };
        let cipher = rest.u16()?;
        if !version.is_early_draft() {
            rest.u8()?;
        }
        let mut hello =
            Self { legacy_version: version, version, session_id, cipher, is_retry, ..Self::default() };
        hello.extensions = Extensions(rest.vec16().unwrap_or(rest.0));
        for (kind, body) in hello.extensions.iter() {
            hello.read_extension(kind, body);
        }
        Some(hello)
    }

    fn read_extension(&mut self, kind: ExtensionType, body: &'a [u8]) {
        let mut rest = Cursor(body);
        match kind {
            ExtensionType::SUPPORTED_VERSIONS => self.version = rest.u16().map_or(self.version, Version),
            ExtensionType::KEY_SHARE => self.group = rest.u16().map(Group),
            ExtensionType::PRE_SHARED_KEY => self.accepts_psk = true,
            ExtensionType::ALPN => self.alpn = rest.vec16().and_then(|list| Cursor(list).vec8()),
            _ => {}
        }
    }
}

/// The named curve of a ServerKeyExchange (RFC 8422 5.4; behind a hint for ECDHE_PSK, RFC 5489 2).
pub(super) fn key_exchange_group(body: &[u8], has_hint: bool) -> Option<Group> {
    let mut rest = Cursor(body);
    if has_hint {
        rest.vec16()?;
    }
    const NAMED_CURVE: u8 = 3;
    (rest.u8()? == NAMED_CURVE).then_some(Group(rest.u16()?))
}
