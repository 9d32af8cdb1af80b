//! Addresses and networks.

use std::net::{IpAddr, Ipv6Addr};

/// A network in CIDR notation. A v4-mapped IPv6 network is the IPv4 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// True for IPv6.
    pub v6: bool,
    /// The bits, left-aligned in 128.
    pub bits: u128,
    /// Length of the prefix in bits.
    pub len: u8,
}

/// An address as family and left-aligned bits; v4-mapped ones count as IPv4.
#[must_use]
pub fn address_bits(ip: IpAddr) -> (bool, u128) {
    match ip.to_canonical() {
        IpAddr::V4(ip) => (false, u128::from(ip.to_bits()) << 96),
        IpAddr::V6(ip) => (true, ip.to_bits()),
    }
}

/// The first `len` bits of `bits`.
#[must_use]
pub fn masked(bits: u128, len: u8) -> u128 {
    match 128 - u32::from(len.min(128)) {
        128 => 0,
        rest => bits >> rest << rest,
    }
}

impl Network {
    /// Reads `address/length`, or an address alone; `None` where it is neither or host bits are set.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, len) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let ip: IpAddr = address.parse().ok()?;
        let width = if ip.is_ipv4() { 32 } else { 128 };
        let len = match len {
            None => width,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse::<u8>().ok()?,
            Some(_) => return None,
        };
        if len > width {
            return None;
        }
        Self::build(ip, len)
    }

    fn build(ip: IpAddr, len: u8) -> Option<Self> {
        let (v6, bits, len) = match ip {
            IpAddr::V4(ip) => (false, u128::from(ip.to_bits()) << 96, len),
            IpAddr::V6(ip) => unmap(ip, len),
        };
        (masked(bits, len) == bits).then_some(Self { v6, bits, len })
    }

    /// True where the address lies in the network.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let (v6, bits) = address_bits(ip);
        v6 == self.v6 && masked(bits, self.len) == self.bits
    }
}

fn unmap(ip: Ipv6Addr, len: u8) -> (bool, u128, u8) {
    match ip.to_ipv4_mapped() {
        Some(v4) if len >= 96 => (false, u128::from(v4.to_bits()) << 96, len - 96),
        _ => (true, ip.to_bits(), len),
    }
}

/// The address that the whole text is.
#[must_use]
pub fn address_of(text: &[u8]) -> Option<IpAddr> {
    // No address is longer: saves the UTF-8 check of long texts.
    let short = text.get(..text.len().min(46))?;
    (short.len() == text.len()).then_some(())?;
    std::str::from_utf8(short).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, ip: &str) -> bool {
        Network::parse(network).unwrap().contains(ip.parse().unwrap())
    }

    #[test]
    fn families_do_not_mix() {
        assert!(holds("10.0.0.0/8", "10.255.0.1"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.1.1"));
        assert!(holds("::ffff:10.0.0.0/104", "10.1.1.1"));
        assert!(!holds("::/0", "10.1.1.1"));
        assert!(holds("::/0", "2001:db8::1"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("2001:db8::/33", "2001:db8:7fff::1"));
        assert!(!holds("2001:db8::/33", "2001:db8:8000::1"));
    }

    #[test]
    fn what_is_no_network() {
        for text in
            ["", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0/8", "2001:db8::1/32", "10.0.0.0/"]
        {
            assert_eq!(Network::parse(text), None, "{text}");
        }
        assert_eq!(Network::parse("10.0.0.1").unwrap().len, 32);
    }
}
