use std::net::Ipv4Addr;

use super::Drop;
use super::rest::Rest;

/// An ARP message for Ethernet and IPv4 (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Operation: 1 request, 2 reply.
    pub operation: u16,
    /// Link and IP address of the sender.
    pub sender: ([u8; 6], Ipv4Addr),
    /// Link and IP address of the target.
    pub target: ([u8; 6], Ipv4Addr),
}

/// Other hardware or protocols than Ethernet and IPv4 are not decoded.
pub(super) fn arp(rest: Rest<'_>) -> Result<Arp, Drop> {
    let (kind, rest) = rest.chunk::<6>()?;
    // Hardware 1 or 6 (IEEE 802), protocol 0x0800, lengths 6 and 4.
    if !matches!(kind, [0, 1 | 6, 0x08, 0x00, 6, 4]) {
        return Err(Drop::EthertypeUnknown);
    }
    let (operation, rest) = rest.chunk::<2>()?;
    let (sender, rest) = pair(rest)?;
    let (target, _) = pair(rest)?;
    Ok(Arp { operation: u16::from_be_bytes(*operation), sender, target })
}

fn pair(rest: Rest<'_>) -> Result<(([u8; 6], Ipv4Addr), Rest<'_>), Drop> {
    let (mac, rest) = rest.chunk::<6>()?;
    let (ip, rest) = rest.chunk::<4>()?;
    Ok(((*mac, Ipv4Addr::from(*ip)), rest))
}
