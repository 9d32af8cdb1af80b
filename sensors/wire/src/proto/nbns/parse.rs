//! Messages of the NetBIOS name service (RFC 1002 4.2).

use std::net::Ipv4Addr;

use super::limits::{MAX_ADDRESSES, MAX_NAMES};
use super::names::{self, Name};
use crate::limits::Limit;

const HEADER: usize = 12;
pub(super) const NBSTAT: u16 = 0x21;

/// Flag word of a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(pub(super) u16);

impl Flags {
    pub(super) const fn is_response(self) -> bool {
        self.0 & 0x8000 != 0
    }

    pub(super) const fn opcode(self) -> u8 {
        (self.0 >> 11) as u8 & 0x0f
    }

    pub(super) const fn is_broadcast(self) -> bool {
        self.0 & 0x0010 != 0
    }

    pub(super) const fn rcode(self) -> u8 {
        self.0 as u8 & 0x0f
    }
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: u16,
    pub(super) flags: Flags,
    pub(super) name: Name,
    pub(super) rtype: u16,
    pub(super) ttl: Option<u32>,
    pub(super) addresses: Vec<Ipv4Addr>,
    /// Whether the first address is a group's.
    pub(super) group: Option<bool>,
    /// Names that a node has, and its hardware address.
    pub(super) status: Vec<Name>,
    pub(super) mac: Option<[u8; 6]>,
    /// More addresses or names than are kept.
    pub(super) limited: Option<&'static Limit>,
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|pair| u16::from_be_bytes(*pair))
}

impl Message {
    /// `None` where it is no message of this service, or is cut off.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let flags = Flags(word(bytes, 2)?);
        let [questions, answers, _, additional] =
            [word(bytes, 4)?, word(bytes, 6)?, word(bytes, 8)?, word(bytes, 10)?];
        if names::operation(flags.opcode()).is_none() || questions > 1 || answers > 1 || additional > 1 {
            return None;
        }
        let mut message = Self { id: word(bytes, 0)?, flags, ..Self::default() };
        let mut at = HEADER;
        if questions == 1 {
            (message.name, at) = Name::read(bytes, at)?;
            message.rtype = word(bytes, at)?;
            at += 4;
        }
        if answers + additional > 0 {
            message.record(bytes, at, questions == 1)?;
        } else if questions == 0 {
            return None;
        }
        let is_class_in = word(bytes, at.checked_sub(2)?) == Some(1) || questions == 0;
        (is_class_in && names::question(message.rtype).is_some()).then_some(message)
    }

    fn record(&mut self, bytes: &[u8], at: usize, is_named: bool) -> Option<()> {
        let (name, at) = Name::read(bytes, at)?;
        let rtype = word(bytes, at)?;
        if !is_named {
            (self.name, self.rtype) = (name, rtype);
        }
        let ttl = bytes.get(at + 4..)?.first_chunk()?;
        self.ttl = Some(u32::from_be_bytes(*ttl));
        let data = bytes.get(at + 10..)?.get(..usize::from(word(bytes, at + 8)?))?;
        if rtype == NBSTAT { self.status(data) } else { self.addresses(data) }
    }

    /// Six bytes each: flags and address (4.2.1.3). What waits (4.2.16) has two.
    fn addresses(&mut self, data: &[u8]) -> Option<()> {
        for entry in data.chunks_exact(6) {
            let &[f0, _, a, b, c, d] = entry else { return None };
            self.group.get_or_insert(f0 & 0x80 != 0);
            if self.addresses.len() >= MAX_ADDRESSES.get() {
                self.limited = Some(&MAX_ADDRESSES);
                break;
            }
            self.addresses.push(Ipv4Addr::new(a, b, c, d));
        }
        Some(())
    }

    /// A count, eighteen bytes a name, then statistics that begin with the hardware address (4.2.18).
    fn status(&mut self, data: &[u8]) -> Option<()> {
        let (count, rest) = data.split_first()?;
        let (list, after) = rest.split_at_checked(usize::from(*count) * 18)?;
        for entry in list.chunks_exact(18) {
            if self.status.len() >= MAX_NAMES.get() {
                self.limited = Some(&MAX_NAMES);
                break;
            }
            self.status.push(Name::plain(entry.first_chunk()?));
        }
        self.mac = after.first_chunk().copied();
        Some(())
    }
}
