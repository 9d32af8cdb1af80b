//! A DHCP message (RFC 2131 2) and its options (RFC 2132, RFC 3396).

use std::net::Ipv4Addr;

use super::limits::{MAX_LISTED, MAX_OPTION};

/// Bytes before the options, magic cookie included.
pub(super) const FIXED: usize = 240;
const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// A message's type (option 53); 0 and 255 are BOOTP's request and reply, which have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MessageType(pub(super) u8);

impl MessageType {
    pub(super) const DECLINE: Self = Self(4);
    pub(super) const ACK: Self = Self(5);
    pub(super) const NAK: Self = Self(6);
    pub(super) const RELEASE: Self = Self(7);
    pub(super) const BOOTREPLY: Self = Self(255);

    /// Its name; `TYPEn` has none in the registry.
    pub(super) const fn name(self) -> &'static str {
        match self.0 {
            0 => "BOOTREQUEST",
            1 => "DISCOVER",
            2 => "OFFER",
            3 => "REQUEST",
            4 => "DECLINE",
            5 => "ACK",
            6 => "NAK",
            7 => "RELEASE",
            8 => "INFORM",
            9 => "FORCERENEW",
            10 => "LEASEQUERY",
            11 => "LEASEUNASSIGNED",
            12 => "LEASEUNKNOWN",
            13 => "LEASEACTIVE",
            255 => "BOOTREPLY",
            _ => "UNKNOWN",
        }
    }

    /// True where nothing more is to come.
    pub(super) fn ends(self) -> bool {
        matches!(self, Self::ACK | Self::NAK | Self::DECLINE | Self::RELEASE | Self::BOOTREPLY)
    }
}

/// One message, borrowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    pub(super) kind: MessageType,
}

/// True where the payload begins as a message: operation, hardware type and length, cookie.
pub(super) fn is_message(bytes: &[u8]) -> bool {
    let head = matches!(bytes, [1 | 2, 1..=37, 0..=16, ..]);
    head && bytes.get(FIXED - 4..FIXED) == Some(&COOKIE[..])
}

impl<'a> Message<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        if !is_message(bytes) {
            return None;
        }
        let mut message = Self { bytes, kind: MessageType::default() };
        let told = message.option(53).and_then(|value| value.first().copied());
        message.kind = match told {
            Some(kind) => MessageType(kind),
            None if message.is_reply() => MessageType::BOOTREPLY,
            None => MessageType(0),
        };
        Some(message)
    }

    pub(super) fn is_reply(&self) -> bool {
        self.bytes.first() == Some(&2)
    }

    pub(super) fn id(&self) -> u32 {
        self.bytes.get(4..8).and_then(<[u8]>::first_chunk).map_or(0, |id| u32::from_be_bytes(*id))
    }

    /// The client's hardware address, as long as it says.
    pub(super) fn hardware(&self) -> &'a [u8] {
        let len = self.bytes.get(2).copied().map_or(0, usize::from).min(16);
        self.bytes.get(28..28 + len).unwrap_or_default()
    }

    /// An address of the fixed part: ciaddr 12, yiaddr 16, siaddr 20, giaddr 24; none where it is zero.
    pub(super) fn address(&self, at: usize) -> Option<Ipv4Addr> {
        address(self.bytes.get(at..at + 4)?).filter(|address| !address.is_unspecified())
    }

    /// The boot file's name, where its field holds no options.
    pub(super) fn file(&self) -> Option<&'a [u8]> {
        let field = self.bytes.get(108..236).filter(|_| self.overload() & 1 == 0)?;
        let end = memchr::memchr(0, field).unwrap_or(field.len());
        field.get(..end).filter(|name| !name.is_empty())
    }

    /// Which of the fixed fields hold options: 1 file, 2 sname (option 52).
    fn overload(&self) -> u8 {
        let value = options(self.bytes.get(FIXED..).unwrap_or_default()).find(|(code, _)| *code == 52);
        value.and_then(|(_, value)| value.first().copied()).unwrap_or(0)
    }

    /// An option, its pieces put together; none where it does not stand there.
    pub(super) fn option(&self, wanted: u8) -> Option<Vec<u8>> {
        let overload = self.overload();
        let of = |range: std::ops::Range<usize>, bit: u8| {
            self.bytes.get(range).filter(|_| overload & bit != 0).unwrap_or_default()
        };
        let fields = [self.bytes.get(FIXED..).unwrap_or_default(), of(108..236, 1), of(44..108, 2)];
        let mut whole: Option<Vec<u8>> = None;
        for (_, value) in fields.into_iter().flat_map(options).filter(|(code, _)| *code == wanted) {
            let whole = whole.get_or_insert_default();
            whole.extend_from_slice(MAX_OPTION.beside(whole.len(), value));
        }
        whole
    }

    pub(super) fn text(&self, code: u8) -> Option<Vec<u8>> {
        let value = self.option(code)?;
        // Some end their texts with a zero, which the RFC advises against.
        let end = value.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        value.get(..end).filter(|text| !text.is_empty()).map(<[u8]>::to_vec)
    }

    pub(super) fn number(&self, code: u8) -> Option<u64> {
        self.option(code)?.first_chunk().map(|value| u32::from_be_bytes(*value).into())
    }

    pub(super) fn addresses(&self, code: u8) -> Vec<Ipv4Addr> {
        let value = self.option(code).unwrap_or_default();
        MAX_LISTED.take(value.chunks_exact(4).filter_map(address)).collect()
    }
}

fn address(bytes: &[u8]) -> Option<Ipv4Addr> {
    bytes.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets))
}

/// Options one after the other (RFC 2132 2): code, length, value; 0 pads, 255 ends.
pub(super) fn options(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            let (&code, tail) = rest.split_first()?;
            match code {
                0 => rest = tail,
                255 => return None,
                _ => {
                    let (&len, tail) = tail.split_first()?;
                    let (value, tail) = tail.split_at_checked(usize::from(len))?;
                    rest = tail;
                    return Some((code, value));
                }
            }
        }
    })
}

/// Classless routes (RFC 3442): bits, the significant bytes of the network, router.
pub(super) fn routes(value: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = value;
    let next = || {
        let (&bits, tail) = rest.split_first()?;
        let (network, tail) = tail.split_at_checked(usize::from(bits.min(32)).div_ceil(8))?;
        let (router, tail) = tail.split_first_chunk::<4>()?;
        rest = tail;
        let mut octets = [0; 4];
        octets.iter_mut().zip(network).for_each(|(octet, byte)| *octet = *byte);
        let text = format!("{}/{bits} via {}", Ipv4Addr::from(octets), Ipv4Addr::from(*router));
        (bits <= 32).then(|| text.into_bytes())
    };
    MAX_LISTED.take(std::iter::from_fn(next)).collect()
}

/// A client's full name: flags, two codes, then text, or labels where flag E is set (RFC 4702 2).
pub(super) fn full_name(value: &[u8]) -> Option<Vec<u8>> {
    let (&[flags, _, _], name) = value.split_first_chunk::<3>()?;
    if flags & 4 == 0 {
        return (!name.is_empty()).then(|| name.to_vec());
    }
    let mut rest = name;
    let mut text = Vec::new();
    while let Some((&len, tail)) = rest.split_first().filter(|(len, _)| **len > 0) {
        let (label, tail) = tail.split_at_checked(usize::from(len))?;
        if !text.is_empty() {
            text.push(b'.');
        }
        text.extend_from_slice(label);
        rest = tail;
    }
    Some(text)
}
