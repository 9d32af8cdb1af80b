use super::rest::Rest;
use super::{Drop, Found, Packet, ether, ip4, ip6, tunnel};
use crate::messages::{Frame, LinkType};

/// Peels the link layer by the frame's link type (LINKTYPE registry of tcpdump.org).
#[inline]
pub(super) fn link<'a>(packet: &mut Packet<'a>, frame: &Frame<'a>) -> Result<Found, Drop> {
    let rest = Rest::new(frame.data, frame.wire_len.saturating_sub(frame.data.len() as u32));
    packet.vlan[0] = frame.vlan_tci.and_then(ether::vlan_id);
    if frame.link == LinkType::ETHERNET {
        return ether::ethernet(packet, rest);
    }
    other(packet, frame.link, rest)
}

fn other<'a>(packet: &mut Packet<'a>, link: LinkType, rest: Rest<'a>) -> Result<Found, Drop> {
    match link {
        // 12 and 14 are what BSDs write for raw IP.
        LinkType::RAW | LinkType(12 | 14) => raw(packet, rest),
        LinkType::IPV4 => ip4::ip4(packet, rest),
        LinkType::IPV6 => ip6::ip6(packet, rest),
        LinkType::NULL | LinkType::LOOP => loopback(packet, rest),
        LinkType::LINUX_SLL => sll(packet, rest),
        LinkType::LINUX_SLL2 => sll2(packet, rest),
        // PPP, PPP in HDLC-like framing.
        LinkType(9 | 50) => tunnel::ppp(packet, rest),
        _ => Err(Drop::LinkUnknown),
    }
}

/// IP of the version that the first four bits tell.
pub(super) fn raw<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let ([first], _) = rest.chunk::<1>()?;
    match first >> 4 {
        4 => ip4::ip4(packet, rest),
        6 => ip6::ip6(packet, rest),
        _ => Err(Drop::Malformed),
    }
}

/// True where what an IP header tells of length and protocol can be.
pub(super) fn is_plausible(rest: Rest<'_>) -> bool {
    let Some(&[version, _, l0, l1, p0, p1, next]) = rest.data.first_chunk::<7>() else { return false };
    match version >> 4 {
        4 => version & 0x0f >= 5 && (20..=rest.wire()).contains(&usize::from(u16::from_be_bytes([l0, l1]))),
        _ => {
            let known =
                matches!(next, 0 | 4 | 6 | 17 | 41 | 43 | 44 | 47 | 50 | 51 | 58..=60 | 89 | 103 | 132 | 135);
            known && usize::from(u16::from_be_bytes([p0, p1])) + 40 <= rest.wire()
        }
    }
}

/// Four bytes of address family in the capturing host's byte order, which nothing tells; families are small.
fn loopback<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let (family, rest) = rest.chunk::<4>()?;
    let little = u32::from_le_bytes(*family);
    match if little > 0xffff { little.swap_bytes() } else { little } {
        2 => ip4::ip4(packet, rest),
        // Linux; Windows; NetBSD and OpenBSD; FreeBSD; Darwin.
        10 | 23 | 24 | 28 | 30 => ip6::ip6(packet, rest),
        _ => Err(Drop::EthertypeUnknown),
    }
}

/// LINKTYPE_LINUX_SLL.
fn sll<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let (head, rest) = rest.chunk::<16>()?;
    let [_, _, _, _, len0, len1, a, b, c, d, e, f, _, _, type0, type1] = *head;
    if [len0, len1] == [0, 6] {
        packet.macs[0] = Some([a, b, c, d, e, f]);
    }
    cooked(packet, u16::from_be_bytes([type0, type1]), rest)
}

/// LINKTYPE_LINUX_SLL2.
fn sll2<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let (head, rest) = rest.chunk::<20>()?;
    let [type0, type1, _, _, _, _, _, _, _, _, _, len, a, b, c, d, e, f, _, _] = *head;
    if len == 6 {
        packet.macs[0] = Some([a, b, c, d, e, f]);
    }
    cooked(packet, u16::from_be_bytes([type0, type1]), rest)
}

fn cooked<'a>(packet: &mut Packet<'a>, ethertype: u16, rest: Rest<'a>) -> Result<Found, Drop> {
    match ethertype {
        // "802.2 LLC" in the kernel's own numbering.
        0x0004 => ether::llc(packet, rest),
        0..ether::FIRST_ETHERTYPE => Err(Drop::EthertypeUnknown),
        _ => ether::network(packet, ethertype, rest),
    }
}
