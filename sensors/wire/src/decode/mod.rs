//! Decoding: a [`Frame`] becomes a [`Packet`], each layer peeled once, nothing copied, nothing allocated.
//!
//! Checksums are checked on request alone: offload leaves them wrong on one packet in five of real captures.

mod arp;
mod checksum;
mod ether;
mod glance;
mod icmp;
mod ip4;
mod ip6;
pub mod limits;
mod link;
mod rest;
mod sctp;
mod switch;
mod transport;
mod tunnel;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use arp::Arp;
pub use checksum::{Checksum, checksum};
pub(crate) use glance::{Ends, ends};
pub use icmp::counterpart as icmp_counterpart;
pub use sctp::chunks as sctp_chunks;

use crate::counters::Counters;
use crate::limits::Limit;
use crate::messages::{Frame, Transport};
use limits::MAX_LAYERS;
use rest::Rest;

#[cold]
fn too_deep(limit: &'static Limit) -> Drop {
    limit.note();
    Drop::Depth
}

/// Why a frame is not a packet. Each has its own counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Drop {
    /// The link type is not known.
    LinkUnknown,
    /// The protocol above the link is not decoded.
    EthertypeUnknown,
    /// The capture cut the frame before the end of a header.
    Truncated,
    /// The headers contradict themselves or what the wire had.
    Malformed,
    /// More layers than the limit.
    Depth,
}

impl Drop {
    /// Counts it under its name.
    pub fn count(self, counters: &mut Counters) {
        *match self {
            Self::LinkUnknown => &mut counters.drop_link_unknown,
            Self::EthertypeUnknown => &mut counters.drop_ethertype_unknown,
            Self::Truncated => &mut counters.drop_truncated,
            Self::Malformed => &mut counters.drop_malformed,
            Self::Depth => &mut counters.drop_depth,
        } += 1;
    }
}

/// Version of the Internet protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IpVersion {
    /// IPv4 (RFC 791).
    V4,
    /// IPv6 (RFC 8200).
    V6,
}

/// An address as a number, most significant byte first on the wire; an IPv4 address is its low 32 bits.
/// Which of the two it is stands in [`Packet::version`]. Sorts as the bytes do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(pub u128);

impl Address {
    /// As the standard library has it.
    #[must_use]
    pub fn ip(self, version: IpVersion) -> IpAddr {
        match version {
            IpVersion::V4 => IpAddr::V4(Ipv4Addr::from_bits((self.0 & 0xffff_ffff) as u32)),
            IpVersion::V6 => IpAddr::V6(Ipv6Addr::from_bits(self.0)),
        }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self(u128::from(v4.to_bits())),
            IpAddr::V6(v6) => Self(v6.to_bits()),
        }
    }
}

/// Control bits of a TCP header (RFC 9293 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer counts.
    pub const URG: u8 = 0x20;
    /// ECN echo (RFC 3168).
    pub const ECE: u8 = 0x40;
    /// Congestion window reduced (RFC 3168).
    pub const CWR: u8 = 0x80;

    /// True where any bit of `mask` is set.
    #[must_use]
    pub const fn any(self, mask: u8) -> bool {
        self.0 & mask != 0
    }

    /// True where all bits of `mask` are set.
    #[must_use]
    pub const fn all(self, mask: u8) -> bool {
        self.0 & mask == mask
    }
}

/// The fields of a TCP header that the flow table needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Control bits.
    pub flags: TcpFlags,
    /// Window, unscaled.
    pub window: u16,
}

/// Where a fragment belongs in its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification (16 bits in IPv4, 32 in IPv6).
    pub id: u32,
    /// Offset in bytes, a multiple of 8; offset and payload together fit in 65,535.
    pub offset: u32,
    /// True where more fragments follow.
    pub more: bool,
}

/// What stands above IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upper {
    /// TCP (RFC 9293).
    Tcp(Tcp),
    /// UDP (RFC 768).
    Udp,
    /// ICMP or ICMPv6; the payload begins after the first four bytes.
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
    },
    /// SCTP (RFC 9260); the payload begins after the common header.
    Sctp,
    /// A piece of a datagram: no transport was looked at, the ports are 0.
    Fragment(Fragment),
    /// Any other protocol; the ports are 0.
    Other,
}

/// One IP packet; the innermost one where there are tunnels.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Source address.
    pub src: Address,
    /// Destination address.
    pub dst: Address,
    /// Ports of source and destination. ICMP: the pair that Community ID gives a type and code, so that a request
    /// and its answer mirror each other.
    pub ports: [u16; 2],
    /// Version of IP.
    pub version: IpVersion,
    /// Protocol above IP and its extension headers.
    pub transport: Transport,
    /// What the transport's header said.
    pub upper: Upper,
    /// Bytes of the IP packet as its header tells, header included.
    pub ip_len: u32,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Tunnels that were opened to get here.
    pub tunnels: u8,
    /// What the transport carries, as captured, padding left out.
    pub payload: &'a [u8],
    /// Bytes of the payload that were on the wire and not captured.
    pub payload_missing: u32,
    /// VLAN identifiers, outermost first; tags beyond two are not kept.
    pub vlan: [Option<u16>; 2],
    /// Link addresses of source and destination, of the innermost link.
    pub macs: [Option<[u8; 6]>; 2],
    /// Hash of the tunnel path, the same for both directions and in every run; 0 for none.
    pub tunnel: u64,
    layers: u8,
}

impl Packet<'_> {
    pub(crate) const EMPTY: Self = Self {
        src: Address(0),
        dst: Address(0),
        ports: [0; 2],
        version: IpVersion::V4,
        transport: Transport(0),
        upper: Upper::Other,
        ip_len: 0,
        ttl: 0,
        tunnels: 0,
        payload: &[],
        payload_missing: 0,
        vlan: [None; 2],
        macs: [None; 2],
        tunnel: 0,
        layers: 0,
    };

    /// Source and destination as the standard library has them.
    #[must_use]
    pub fn ips(&self) -> [IpAddr; 2] {
        [self.src.ip(self.version), self.dst.ip(self.version)]
    }

    /// Where it comes from and goes to.
    pub(crate) const fn ends(&self) -> Ends {
        let Self { version, transport, src, dst, ports, .. } = *self;
        Ends { version, transport, src, dst, ports }
    }

    /// Counts one more layer.
    fn deeper(&mut self) -> Result<(), Drop> {
        self.layers += 1;
        if usize::from(self.layers) > MAX_LAYERS.get() { Err(too_deep(&MAX_LAYERS)) } else { Ok(()) }
    }
}

/// What a frame was.
#[derive(Clone, Copy, Debug)]
pub enum Decoded<'a> {
    /// An IP packet, or a fragment of one.
    Ip(Packet<'a>),
    /// An ARP message.
    Arp(Arp),
}

/// What the layers below told; the packet itself is written in place.
pub(crate) enum Found {
    Ip,
    Arp(Arp),
}

/// Decodes one frame.
///
/// # Errors
/// The reason why there is no packet in it.
#[inline]
pub fn decode<'a>(frame: &Frame<'a>) -> Result<Decoded<'a>, Drop> {
    let mut packet = Packet::EMPTY;
    Ok(match decode_into(&mut packet, frame)? {
        Found::Ip => Decoded::Ip(packet),
        Found::Arp(arp) => Decoded::Arp(arp),
    })
}

/// As [`decode`], into an empty packet: what is some 200 bytes long is written once and not moved.
#[inline]
pub(crate) fn decode_into<'a>(packet: &mut Packet<'a>, frame: &Frame<'a>) -> Result<Found, Drop> {
    link::link(packet, frame)
}

/// Decodes the put-together payload of a fragmented datagram. `fragment` is any of its fragments and gives addresses,
/// protocol, VLANs and tunnel; `ip_len` of the answer is that fragment's header and the whole payload.
///
/// # Errors
/// As [`decode`]; a fragment inside the datagram is malformed.
pub fn decode_transport<'a>(fragment: &Packet<'_>, payload: &'a [u8]) -> Result<Packet<'a>, Drop> {
    let header = fragment.ip_len.saturating_sub(fragment.payload.len() as u32 + fragment.payload_missing);
    let mut packet = Packet { payload: &[], payload_missing: 0, upper: Upper::Other, ..*fragment };
    packet.ip_len = header.saturating_add(u32::try_from(payload.len()).unwrap_or(u32::MAX));
    let found = transport::upper(&mut packet, fragment.transport.0, Rest::new(payload, 0))?;
    match (found, packet.upper) {
        (Found::Arp(_), _) | (_, Upper::Fragment(_)) => Err(Drop::Malformed),
        (Found::Ip, _) => Ok(packet),
    }
}

#[cfg(test)]
mod tests;
