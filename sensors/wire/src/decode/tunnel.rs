//! Layers that carry other layers: MPLS, PPPoE and PPP, and the tunnels over IP and UDP.
//!
//! A tunnel over IP or UDP that carries nothing we know stays a packet of the outer protocol.

use super::limits::MAX_TUNNELS;
use super::rest::Rest;
use super::{Drop, Found, Packet, ether, ip4, ip6, link, switch, transport};

pub(super) const IP_IN_IP: u8 = 4;
pub(super) const IPV6_IN_IP: u8 = 41;
pub(super) const GRE: u8 = 47;

const GTP_U: u16 = 2152;
const TEREDO: u16 = 3544;
const GRE_IN_UDP: u16 = 4754;
const VXLAN: u16 = 4789;
const AYIYA: u16 = 5072;
const GENEVE: u16 = 6081;

/// Opens a tunnel over IP; what cannot be opened is an ordinary packet of its protocol.
pub(super) fn tunnel<'a>(packet: &mut Packet<'a>, protocol: u8, rest: Rest<'a>) -> Result<Found, Drop> {
    if is_open(packet, |packet| open(packet, protocol, rest))? {
        return Ok(Found::Ip);
    }
    Ok(transport::other(packet, protocol, rest))
}

/// Tries a way to open a tunnel; where it cannot be, the packet is as before.
fn is_open<'a>(
    packet: &mut Packet<'a>,
    open: impl FnOnce(&mut Packet<'a>) -> Result<Found, Drop>,
) -> Result<bool, Drop> {
    let outer = *packet;
    match open(packet) {
        Ok(Found::Ip) => Ok(true),
        Err(Drop::Depth) => Err(Drop::Depth),
        // ARP over a tunnel is no flow of its own either.
        Ok(Found::Arp(_)) | Err(_) => {
            *packet = outer;
            Ok(false)
        }
    }
}

/// The tunnel that ports of source and destination speak of; headers tell too little to be found by content. Most
/// kinds are sent to their port both ways, those of two peers come from it as well.
#[inline]
pub(super) const fn over_udp_port([source, destination]: [u16; 2]) -> Option<u16> {
    match (source, destination) {
        (_, port @ (VXLAN | GENEVE | GTP_U | GRE_IN_UDP | TEREDO | AYIYA)) | (port @ (TEREDO | AYIYA), _) => {
            Some(port)
        }
        _ => None,
    }
}

/// Opens a tunnel over UDP; false where it is an ordinary datagram.
#[cold]
pub(super) fn over_udp<'a>(packet: &mut Packet<'a>, port: u16, body: Rest<'a>) -> Result<bool, Drop> {
    is_open(packet, |packet| {
        enter(packet, port)?;
        match port {
            VXLAN => vxlan(packet, body),
            GENEVE => geneve(packet, body),
            GTP_U => gtp(packet, body),
            TEREDO => teredo(packet, body),
            AYIYA => ayiya(packet, body),
            _ => gre(packet, body),
        }
    })
}

/// VXLAN (RFC 7348 5): only the flag of a valid network identifier is set.
fn vxlan<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    match rest.chunk::<8>()? {
        ([0x08, 0, 0, 0, n0, n1, n2, _], rest) => {
            tag(packet, VXLAN, [*n0, *n1, *n2]);
            ether::ethernet(packet, rest)
        }
        _ => Err(Drop::EthertypeUnknown),
    }
}

/// Teredo (RFC 4380 5.1.1): an authentication and an origin may stand before the IPv6 packet.
fn teredo<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let mut rest = rest;
    if let [0, 1, client, authentication, ..] = *rest.data {
        rest = rest.skip(13 + usize::from(client) + usize::from(authentication))?;
    }
    if rest.data.starts_with(&[0, 0]) {
        rest = rest.skip(8)?;
    }
    ip6::ip6(packet, rest)
}

/// AYIYA (draft-massar-v6ops-ayiya-02, 3): identity and signature in words of four bytes, then what the header names.
fn ayiya<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let ([identity, signature, _, next, ..], rest) = rest.chunk::<8>()?;
    let rest = rest.skip((1 << (identity >> 4)) + usize::from(signature >> 4) * 4)?;
    match *next {
        IP_IN_IP => ip4::ip4(packet, rest),
        IPV6_IN_IP => ip6::ip6(packet, rest),
        _ => Err(Drop::EthertypeUnknown),
    }
}

/// Geneve (RFC 8926 3.4), version 0; options are passed over.
fn geneve<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let ([version, _, type0, type1, n0, n1, n2, _], rest) = rest.chunk::<8>()?;
    if version >> 6 != 0 {
        return Err(Drop::EthertypeUnknown);
    }
    tag(packet, GENEVE, [*n0, *n1, *n2]);
    carried(packet, u16::from_be_bytes([*type0, *type1]), rest.skip(usize::from(version & 0x3f) * 4)?)
}

/// GTP-U, user data of mobile networks (3GPP TS 29.281 5.1, 5.2): version 1, message 255.
fn gtp<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let ([flags, message, ..], mut rest) = rest.chunk::<8>()?;
    if (flags & 0xf0, *message) != (0x30, 0xff) {
        return Err(Drop::EthertypeUnknown);
    }
    if flags & 0x07 != 0 {
        let ([.., first], after) = rest.chunk::<4>()?;
        let mut next = *first;
        rest = after;
        while next != 0 {
            packet.deeper()?;
            let ([words], _) = rest.chunk::<1>()?;
            let whole = usize::from(*words).max(1) * 4;
            next = rest.data.get(whole - 1).copied().ok_or(Drop::Truncated)?;
            rest = rest.skip(whole)?;
        }
    }
    link::raw(packet, rest)
}

fn open<'a>(packet: &mut Packet<'a>, protocol: u8, rest: Rest<'a>) -> Result<Found, Drop> {
    enter(packet, u16::from(protocol))?;
    match protocol {
        IP_IN_IP => ip4::ip4(packet, rest),
        IPV6_IN_IP => ip6::ip6(packet, rest),
        _ => gre(packet, rest),
    }
}

/// Goes one tunnel deeper: the outer pair of addresses and the kind become part of the path, whatever the direction.
fn enter(packet: &mut Packet<'_>, kind: u16) -> Result<(), Drop> {
    packet.tunnels += 1;
    if usize::from(packet.tunnels) > MAX_TUNNELS.get() {
        return Err(super::too_deep(&MAX_TUNNELS));
    }
    packet.deeper()?;
    let (low, high) = (packet.src.min(packet.dst).0, packet.src.max(packet.dst).0);
    let words = [u64::from(kind), low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64];
    packet.tunnel = words.into_iter().fold(packet.tunnel, mix);
    Ok(())
}

/// The number of a virtual network, the same both ways, becomes part of the path.
pub(super) fn tag(packet: &mut Packet<'_>, kind: u16, number: [u8; 3]) {
    let [a, b, c] = number;
    let word = u64::from(kind) << 32 | u64::from(u32::from_be_bytes([0, a, b, c]));
    packet.tunnel = mix(packet.tunnel, word);
}

/// The finaliser of SplitMix64 over the sum: spreads well, is the same in every run, keys no table by itself.
fn mix(hash: u64, word: u64) -> u64 {
    let z = hash.wrapping_add(word).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// GRE's protocol types of mirrored frames (draft-foschiano-erspan-03, 4.1, 4.2).
const ERSPAN_II: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;

/// GRE (RFC 2784, 2890) and its version 1 that PPTP uses (RFC 2637).
fn gre<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let ([flags, version, type0, type1], rest) = rest.chunk::<4>()?;
    let ethertype = u16::from_be_bytes([*type0, *type1]);
    let (checksum, routing, key, sequence) = (flags & 0x80, flags & 0x40, flags & 0x20, flags & 0x10);
    if routing != 0 {
        return Err(Drop::EthertypeUnknown);
    }
    let word = |flag: u8| if flag == 0 { 0 } else { 4 };
    match (version & 0x07, ethertype) {
        (0, ERSPAN_II | ERSPAN_III) => {
            let body = rest.skip(word(checksum) + word(key) + word(sequence))?;
            switch::erspan(packet, ethertype == ERSPAN_III, sequence != 0, body)
        }
        (0, _) => carried(packet, ethertype, rest.skip(word(checksum) + word(key) + word(sequence))?),
        (1, 0x880b) => ppp(packet, rest.skip(4 + word(sequence) + word(version & 0x80))?),
        _ => Err(Drop::EthertypeUnknown),
    }
}

fn carried<'a>(packet: &mut Packet<'a>, ethertype: u16, rest: Rest<'a>) -> Result<Found, Drop> {
    match ethertype {
        // Transparent Ethernet bridging.
        0x6558 => ether::ethernet(packet, rest),
        // Frames from Aruba's access points to their controller, a number for each of their networks.
        0x8200..=0x83ff => wireless(packet, rest),
        0..ether::FIRST_ETHERTYPE => Err(Drop::EthertypeUnknown),
        _ => ether::network(packet, ethertype, rest),
    }
}

/// A data frame of IEEE 802.11 (9.3.2) that is not encrypted; LLC follows.
fn wireless<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    const DATA: u8 = 0x08;
    const NO_DATA: u8 = 0x40;
    const QOS: u8 = 0x80;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    let ([kind, flags], _) = rest.chunk::<2>()?;
    if kind & (0x0f | NO_DATA) != DATA || flags & PROTECTED != 0 {
        return Err(Drop::EthertypeUnknown);
    }
    let fourth_address = if flags & 0x03 == 0x03 { 6 } else { 0 };
    let quality = match (kind & QOS, flags & ORDER) {
        (0, _) => 0,
        (_, 0) => 2,
        _ => 6,
    };
    ether::llc(packet, rest.skip(24 + fourth_address + quality)?)
}

/// MPLS (RFC 3032): labels to the bottom of the stack, then IP, or Ethernet in a pseudowire (RFC 4448).
/// Labels differ by direction, so they are no part of the path.
pub(super) fn mpls<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let mut rest = rest;
    loop {
        packet.deeper()?;
        let ([_, _, bottom, _], after) = rest.chunk::<4>()?;
        rest = after;
        if bottom & 1 == 1 {
            break;
        }
    }
    let ([first], _) = rest.chunk::<1>()?;
    // A pseudowire may have a control word (RFC 4385 3) or none: nothing tells, so what stands where decides, once.
    let is_frame = ether::is_frame(rest);
    match first >> 4 {
        4 | 6 if is_frame && !link::is_plausible(rest) => ether::ethernet(packet, rest),
        4 | 6 => link::raw(packet, rest),
        0 if is_frame && !rest.skip(4).is_ok_and(ether::is_frame) => ether::ethernet(packet, rest),
        0 => ether::ethernet(packet, rest.skip(4)?),
        _ if is_frame => ether::ethernet(packet, rest),
        _ => Err(Drop::EthertypeUnknown),
    }
}

/// Session stage of PPPoE (RFC 2516).
pub(super) fn pppoe<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let ([version, code, ..], body) = rest.chunk::<6>()?;
    if (*version, *code) != (0x11, 0) {
        return Err(Drop::EthertypeUnknown);
    }
    // Its length is wrong in the field; that of IP inside counts.
    ppp(packet, body)
}

/// PPP (RFC 1661), with or without address and control bytes (RFC 1662), protocol field of one byte or two.
pub(super) fn ppp<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    packet.deeper()?;
    let rest = if rest.data.starts_with(&[0xff, 0x03]) { rest.skip(2)? } else { rest };
    let ([first], short) = rest.chunk::<1>()?;
    let (protocol, body) = match first & 1 {
        1 => (u16::from(*first), short),
        _ => rest.chunk::<2>().map(|(number, body)| (u16::from_be_bytes(*number), body))?,
    };
    match protocol {
        0x0021 => ip4::ip4(packet, body),
        0x0057 => ip6::ip6(packet, body),
        0x0281 | 0x0283 => mpls(packet, body),
        _ => Err(Drop::EthertypeUnknown),
    }
}
