use super::rest::Rest;
use super::{Drop, Found, Packet, arp, ip4, ip6, switch, tunnel};

/// Smaller numbers are lengths (IEEE 802.3).
pub(super) const FIRST_ETHERTYPE: u16 = 0x0600;

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;

/// Number of a VLAN; 0 is a priority tag alone and names none (IEEE 802.1Q 9.6).
pub(super) fn vlan_id(tci: u16) -> Option<u16> {
    Some(tci & 0x0fff).filter(|id| *id != 0)
}

/// Ethernet II or 802.3.
#[inline]
pub(super) fn ethernet<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let (head, rest) = rest.chunk::<14>()?;
    let [a, b, c, d, e, f, g, h, i, j, k, l, type0, type1] = *head;
    packet.macs = [Some([g, h, i, j, k, l]), Some([a, b, c, d, e, f])];
    match u16::from_be_bytes([type0, type1]) {
        IPV4 => ip4::ip4(packet, rest),
        ethertype => network(packet, ethertype, rest),
    }
}

/// Whatever the EtherType tells, through tags and labels.
pub(super) fn network<'a>(packet: &mut Packet<'a>, ethertype: u16, rest: Rest<'a>) -> Result<Found, Drop> {
    match ethertype {
        IPV4 => ip4::ip4(packet, rest),
        IPV6 => ip6::ip6(packet, rest),
        ARP => arp::arp(rest).map(Found::Arp),
        // 802.1Q, 802.1ad, and the number used before 802.1ad had one.
        0x8100 | 0x88a8 | 0x9100 => vlan(packet, rest),
        0x8847 | 0x8848 => tunnel::mpls(packet, rest),
        0x8864 => tunnel::pppoe(packet, rest),
        0x8926 => switch::vn_tag(packet, rest),
        0x893f => switch::e_tag(packet, rest),
        0x88e7 => switch::i_tag(packet, rest),
        0..FIRST_ETHERTYPE => length(packet, ethertype, rest),
        _ => Err(Drop::EthertypeUnknown),
    }
}

/// True where a frame of a kind that is decoded seems to begin.
pub(super) fn is_frame(rest: Rest<'_>) -> bool {
    let Some(&[.., type0, type1]) = rest.data.first_chunk::<14>() else { return false };
    let known = [IPV4, ARP, IPV6, 0x8100, 0x88a8, 0x8847, 0x8848, 0x8863, 0x8864];
    known.contains(&u16::from_be_bytes([type0, type1]))
}

fn vlan<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    packet.deeper()?;
    let ([tci0, tci1, type0, type1], rest) = rest.chunk::<4>()?;
    let id = vlan_id(u16::from_be_bytes([*tci0, *tci1]));
    if let Some(free) = packet.vlan.iter_mut().find(|tag| tag.is_none()) {
        *free = id;
    }
    network(packet, u16::from_be_bytes([*type0, *type1]), rest)
}

/// A length in the EtherType's place: LLC follows.
fn length<'a>(packet: &mut Packet<'a>, length: u16, rest: Rest<'a>) -> Result<Found, Drop> {
    // Some drivers write a wrong length: then the frame's own counts.
    let rest = rest.limit(usize::from(length)).unwrap_or(rest);
    llc(packet, rest)
}

/// LLC, and SNAP over it (RFC 1042).
pub(super) fn llc<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    packet.deeper()?;
    let ([dsap, ssap, control], rest) = rest.chunk::<3>()?;
    match (dsap, ssap, control) {
        (0xaa, 0xaa, 0x03) => snap(packet, rest),
        (0x06, 0x06, 0x03) => ip4::ip4(packet, rest),
        _ => Err(Drop::EthertypeUnknown),
    }
}

fn snap<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let ([oui0, oui1, oui2, type0, type1], rest) = rest.chunk::<5>()?;
    match [oui0, oui1, oui2] {
        [0, 0, 0] => match u16::from_be_bytes([*type0, *type1]) {
            0..FIRST_ETHERTYPE => Err(Drop::EthertypeUnknown),
            ethertype => network(packet, ethertype, rest),
        },
        _ => Err(Drop::EthertypeUnknown),
    }
}
