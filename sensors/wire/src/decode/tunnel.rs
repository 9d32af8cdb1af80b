//! Layers that carry other layers: MPLS, PPPoE and PPP, and the tunnels over IP.
//!
//! A tunnel over IP that carries nothing we know stays a packet of the outer protocol.

use super::rest::Rest;
use super::{Drop, Found, MAX_TUNNELS, Packet, ether, ip4, ip6, link, transport};

pub(super) const IP_IN_IP: u8 = 4;
pub(super) const IPV6_IN_IP: u8 = 41;
pub(super) const GRE: u8 = 47;

/// Opens a tunnel over IP; what cannot be opened is an ordinary packet of its protocol.
pub(super) fn tunnel<'a>(packet: &mut Packet<'a>, protocol: u8, rest: Rest<'a>) -> Result<Found, Drop> {
    let outer = *packet;
    match open(packet, protocol, rest) {
        Ok(Found::Ip) => Ok(Found::Ip),
        Err(Drop::Depth) => Err(Drop::Depth),
        // ARP over a tunnel is no flow of its own either.
        Ok(Found::Arp(_)) | Err(_) => {
            *packet = outer;
            Ok(transport::other(packet, protocol, rest))
        }
    }
}

fn open<'a>(packet: &mut Packet<'a>, protocol: u8, rest: Rest<'a>) -> Result<Found, Drop> {
    enter(packet, protocol)?;
    match protocol {
        IP_IN_IP => ip4::ip4(packet, rest),
        IPV6_IN_IP => ip6::ip6(packet, rest),
        _ => gre(packet, rest),
    }
}

/// Goes one tunnel deeper: the outer pair of addresses and the kind become part of the path, whatever the direction.
fn enter(packet: &mut Packet<'_>, kind: u8) -> Result<(), Drop> {
    packet.tunnels += 1;
    if packet.tunnels > MAX_TUNNELS {
        return Err(Drop::Depth);
    }
    packet.deeper()?;
    let (low, high) = (packet.src.min(packet.dst).0, packet.src.max(packet.dst).0);
    let words = [u64::from(kind), low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64];
    packet.tunnel = words.into_iter().fold(packet.tunnel, mix);
    Ok(())
}

/// The finaliser of SplitMix64 over the sum: spreads well, is the same in every run, keys no table by itself.
fn mix(hash: u64, word: u64) -> u64 {
    let z = hash.wrapping_add(word).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

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
        (0, _) => carried(packet, ethertype, rest.skip(word(checksum) + word(key) + word(sequence))?),
        (1, 0x880b) => ppp(packet, rest.skip(4 + word(sequence) + word(version & 0x80))?),
        _ => Err(Drop::EthertypeUnknown),
    }
}

fn carried<'a>(packet: &mut Packet<'a>, ethertype: u16, rest: Rest<'a>) -> Result<Found, Drop> {
    match ethertype {
        // Transparent Ethernet bridging.
        0x6558 => ether::ethernet(packet, rest),
        0..ether::FIRST_ETHERTYPE => Err(Drop::EthertypeUnknown),
        _ => ether::network(packet, ethertype, rest),
    }
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
    match first >> 4 {
        4 | 6 => link::raw(packet, rest),
        0 => ether::ethernet(packet, rest.skip(4)?),
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
