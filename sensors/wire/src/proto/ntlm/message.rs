//! The three messages ([MS-NLMP] 2.2.1) and the pairs that describe a target (2.2.2.1).

use super::limits::{MAX_NAME, MAX_PAIRS};
use crate::proto::little::{array_at, bytes_at, size, u16_at, u32_at, u64_at, utf16_up_to};

/// Pairs of one list that are read.
const UNICODE: u32 = 1;
const WITH_VERSION: u32 = 0x0200_0000;
const EXTENDED_SECURITY: u32 = 0x0008_0000;
const ANONYMOUS: u32 = 0x0000_0800;

/// Operating system by major, minor and build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version(pub(super) u8, pub(super) u8, pub(super) u16);

impl Version {
    fn read(message: &[u8], at: usize, flags: u32) -> Option<Self> {
        let [major, minor, low, high] = array_at(message, at)?;
        let build = u16::from_le_bytes([low, high]);
        (flags & WITH_VERSION != 0 && (major, build) != (0, 0)).then_some(Self(major, minor, build))
    }
}

/// A text behind length, space and offset (eight bytes).
fn field(message: &[u8], at: usize) -> Option<&[u8]> {
    let len = u16_at(message, at)?;
    let offset = u32_at(message, at + 4)?;
    if len == 0 { Some(&[]) } else { bytes_at(message, size(offset), usize::from(len)) }
}

fn text(message: &[u8], at: usize, flags: u32) -> Option<Vec<u8>> {
    let bytes = field(message, at)?;
    let plain = || MAX_NAME.clip(bytes).to_vec();
    Some(if flags & UNICODE != 0 { utf16_up_to(bytes, &MAX_NAME) } else { plain() })
}

/// NEGOTIATE_MESSAGE.
#[derive(Debug)]
pub(super) struct Negotiate {
    pub(super) flags: u32,
    pub(super) version: Option<Version>,
}

impl Negotiate {
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let flags = u32_at(message, 12)?;
        Some(Self { flags, version: Version::read(message, 32, flags) })
    }
}

/// CHALLENGE_MESSAGE.
#[derive(Debug)]
pub(super) struct Challenge {
    pub(super) flags: u32,
    pub(super) target: Vec<u8>,
    pub(super) info: TargetInfo,
    pub(super) version: Option<Version>,
}

impl Challenge {
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let flags = u32_at(message, 20)?;
        let info = field(message, 40).map(TargetInfo::read).unwrap_or_default();
        let version = Version::read(message, 48, flags);
        Some(Self { flags, target: text(message, 12, flags)?, info, version })
    }

    pub(super) fn held(&self) -> usize {
        self.target.capacity() + self.info.held()
    }
}

/// What a server tells of itself, and what a client repeats of it.
#[derive(Debug, Default)]
pub(super) struct TargetInfo {
    pub(super) netbios_computer: Option<Vec<u8>>,
    pub(super) netbios_domain: Option<Vec<u8>>,
    pub(super) dns_computer: Option<Vec<u8>>,
    pub(super) dns_domain: Option<Vec<u8>>,
    pub(super) dns_forest: Option<Vec<u8>>,
    /// Nanoseconds since the Unix epoch.
    pub(super) time: Option<u64>,
    /// Name of the service that the client means to reach.
    pub(super) service: Option<Vec<u8>>,
    pub(super) flags: u32,
}

impl TargetInfo {
    fn read(mut pairs: &[u8]) -> Self {
        let mut info = Self::default();
        let all = std::iter::from_fn(|| {
            let (kind, value, rest) = pair(pairs).filter(|(kind, ..)| *kind != 0)?;
            pairs = rest;
            Some((kind, value))
        });
        MAX_PAIRS.take(all).for_each(|(kind, value)| info.take(kind, value));
        info
    }

    fn take(&mut self, kind: u16, value: &[u8]) {
        let place = match kind {
            1 => &mut self.netbios_computer,
            2 => &mut self.netbios_domain,
            3 => &mut self.dns_computer,
            4 => &mut self.dns_domain,
            5 => &mut self.dns_forest,
            9 => &mut self.service,
            6 => return self.flags = u32_at(value, 0).unwrap_or_default(),
            7 => return self.time = u64_at(value, 0).and_then(crate::proto::little::filetime),
            _ => return,
        };
        let text = utf16_up_to(value, &MAX_NAME);
        *place = Some(text).filter(|text| !text.is_empty());
    }

    pub(super) fn names(&self) -> [&Option<Vec<u8>>; 6] {
        [
            &self.netbios_computer,
            &self.netbios_domain,
            &self.dns_computer,
            &self.dns_domain,
            &self.dns_forest,
            &self.service,
        ]
    }

    fn held(&self) -> usize {
        self.names().iter().filter_map(|name| name.as_ref()).map(Vec::capacity).sum()
    }
}

fn pair(pairs: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let kind = u16_at(pairs, 0)?;
    let len = usize::from(u16_at(pairs, 2)?);
    let value = bytes_at(pairs, 4, len)?;
    Some((kind, value, pairs.get(4 + len..)?))
}

/// Which response a client gave ([MS-NLMP] 2.2.2.3 to 2.2.2.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Response {
    Anonymous,
    /// A name without any response.
    None,
    Lm,
    Ntlm1,
    Ntlm1Extended,
    Ntlm2,
}

impl Response {
    fn of(lm: &[u8], nt: &[u8], flags: u32, is_nameless: bool) -> Self {
        match (lm.len(), nt.len()) {
            (_, 0) if is_nameless || flags & ANONYMOUS != 0 => Self::Anonymous,
            (_, 0) if lm.iter().all(|byte| *byte == 0) => Self::None,
            (_, 0) => Self::Lm,
            (_, 24) if flags & EXTENDED_SECURITY != 0 => Self::Ntlm1Extended,
            (_, ..=24) => Self::Ntlm1,
            _ => Self::Ntlm2,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::None => "none",
            Self::Lm => "LM",
            Self::Ntlm1 => "NTLMv1",
            Self::Ntlm1Extended => "NTLMv1 with session security",
            Self::Ntlm2 => "NTLMv2",
        }
    }
}

/// AUTHENTICATE_MESSAGE.
#[derive(Debug)]
pub(super) struct Authenticate {
    pub(super) flags: u32,
    pub(super) domain: Vec<u8>,
    pub(super) user: Vec<u8>,
    pub(super) workstation: Vec<u8>,
    pub(super) response: Response,
    pub(super) version: Option<Version>,
    /// The target as the client repeats it, in NTLMv2 only.
    pub(super) info: TargetInfo,
    /// A check value over all three messages is there.
    pub(super) has_mic: bool,
}

/// Where the pairs stand in an NTLMv2 response: 16 bytes of proof, 28 of the client's challenge before them.
const PAIRS: usize = 44;
/// Bytes of the message up to the check value.
const MIC: usize = 72;

impl Authenticate {
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let (lm, nt) = (field(message, 12)?, field(message, 20)?);
        // The oldest clients leave out key, flags and version: their texts begin where the flags would stand.
        let first = texts_begin(message)?;
        let flags = if first >= 64 { u32_at(message, 60).unwrap_or(0) } else { 0 };
        let user = text(message, 36, flags)?;
        let response = Response::of(lm, nt, flags, user.is_empty());
        let pairs = nt.get(PAIRS..).filter(|_| response == Response::Ntlm2).unwrap_or_default();
        let info = TargetInfo::read(pairs);
        Some(Self {
            flags,
            domain: text(message, 28, flags)?,
            user,
            workstation: text(message, 44, flags)?,
            response,
            version: (first >= MIC).then(|| Version::read(message, 64, flags)).flatten(),
            has_mic: info.flags & 2 != 0,
            info,
        })
    }

    pub(super) fn held(&self) -> usize {
        self.domain.capacity() + self.user.capacity() + self.workstation.capacity() + self.info.held()
    }
}

/// Offset of the first byte behind the head.
fn texts_begin(message: &[u8]) -> Option<usize> {
    let mut first = message.len();
    for at in [12, 20, 28, 36, 44] {
        let len = u16_at(message, at)?;
        if len > 0 {
            first = first.min(size(u32_at(message, at + 4)?));
        }
    }
    Some(first)
}
