//! What switches put around frames: mirrored traffic, backbone and fabric tags.

use super::rest::Rest;
use super::{Drop, Found, Packet, ether, tunnel};

/// ERSPAN (draft-foschiano-erspan-03): type I has no header of its own, type II eight bytes, type III twelve and perhaps
/// eight more. The session is the same for all that one mirror sends.
pub(super) fn erspan<'a>(
    packet: &mut Packet<'a>,
    is_third: bool,
    has_sequence: bool,
    rest: Rest<'a>,
) -> Result<Found, Drop> {
    if !is_third && !has_sequence {
        return ether::ethernet(packet, rest);
    }
    let ([version, _, session0, session1], _) = rest.chunk::<4>()?;
    tunnel::tag(packet, 0x88be, [0, session0 & 0x03, *session1]);
    match (version >> 4, is_third) {
        (1, false) => ether::ethernet(packet, rest.skip(8)?),
        (2, true) => {
            let ([.., flags], after) = rest.chunk::<12>()?;
            ether::ethernet(packet, if flags & 1 == 1 { after.skip(8)? } else { after })
        }
        _ => Err(Drop::EthertypeUnknown),
    }
}

/// VN-Tag (Cisco's network interface virtualization): four bytes, then an EtherType.
pub(super) fn vn_tag<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    packet.deeper()?;
    let ([_, _, _, _, type0, type1], rest) = rest.chunk::<6>()?;
    ether::network(packet, u16::from_be_bytes([*type0, *type1]), rest)
}

/// E-Tag (IEEE 802.1BR 7.5): six bytes, then an EtherType.
pub(super) fn e_tag<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    packet.deeper()?;
    let ([.., type0, type1], rest) = rest.chunk::<8>()?;
    ether::network(packet, u16::from_be_bytes([*type0, *type1]), rest)
}

/// I-Tag of provider backbone bridges (IEEE 802.1ah, 802.1Q 9.7): flags, service identifier, then the customer's frame.
pub(super) fn i_tag<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    packet.deeper()?;
    let ([_, s0, s1, s2], rest) = rest.chunk::<4>()?;
    tunnel::tag(packet, 0x88e7, [*s0, *s1, *s2]);
    ether::ethernet(packet, rest)
}
