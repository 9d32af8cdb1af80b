//! What makes two packets belong to one flow, and which side is the originator.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;

use crate::decode::{Address, IpVersion, Packet, icmp_counterpart};
use crate::messages::Transport;

const NO_VLAN: u16 = u16::MAX;

/// Identity of a flow: both endpoints in an order that does not depend on who sent the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    address: [[u64; 2]; 2],
    tunnel: u64,
    port: [u16; 2],
    vlan: [u16; 2],
    transport: u8,
    v6: bool,
}

impl Key {
    /// The key, and whether the packet's sender is its second endpoint.
    #[inline]
    pub(crate) fn new(packet: &Packet<'_>) -> (Self, bool) {
        let from = (packet.src, packet.ports[0]);
        let to = (packet.dst, packet.ports[1]);
        let swapped = from > to && is_two_way(packet.transport, packet.ports[0]);
        let (first, second) = if swapped { (to, from) } else { (from, to) };
        let key = Self {
            address: [words(first.0), words(second.0)],
            tunnel: packet.tunnel,
            port: [first.1, second.1],
            vlan: packet.vlan.map(|tag| tag.unwrap_or(NO_VLAN)),
            transport: packet.transport.0,
            v6: packet.version == IpVersion::V6,
        };
        (key, swapped)
    }

    pub(crate) const fn transport(&self) -> Transport {
        Transport(self.transport)
    }

    pub(crate) const fn version(&self) -> IpVersion {
        if self.v6 { IpVersion::V6 } else { IpVersion::V4 }
    }

    /// Address of an endpoint (0 or 1) of the key.
    pub(crate) fn ip(&self, end: usize) -> IpAddr {
        let [high, low] = self.address[end & 1];
        Address((u128::from(high) << 64) | u128::from(low)).ip(self.version())
    }

    pub(crate) const fn port(&self, end: usize) -> u16 {
        self.port[end & 1]
    }

    pub(crate) fn vlan(&self) -> [Option<u16>; 2] {
        self.vlan.map(|tag| (tag != NO_VLAN).then_some(tag))
    }

    pub(crate) const fn tunnel(&self) -> u64 {
        self.tunnel
    }

    fn words(&self) -> [u64; 6] {
        let [[a, b], [c, d]] = self.address;
        let ports = (u64::from(self.port[0]) << 48)
            | (u64::from(self.port[1]) << 32)
            | (u64::from(self.transport) << 8)
            | u64::from(self.v6);
        let vlans = (u64::from(self.vlan[0]) << 16) | u64::from(self.vlan[1]);
        [a, b, c, d, ports, self.tunnel ^ vlans.rotate_left(32)]
    }
}

const fn words(address: Address) -> [u64; 2] {
    [(address.0 >> 64) as u64, address.0 as u64]
}

/// False for ICMP types that nothing answers: type and code do not mirror, so each way is a flow of its own.
fn is_two_way(transport: Transport, first_port: u16) -> bool {
    match transport {
        Transport::ICMP | Transport::ICMP6 => icmp_counterpart(transport, first_port as u8).is_some(),
        _ => true,
    }
}

/// Hashes keys under a seed that the wire cannot know.
#[derive(Clone, Debug)]
pub(crate) struct KeyHasher(ahash::RandomState);

impl KeyHasher {
    /// With a fresh seed from the operating system (by way of the standard library's own random state).
    pub(crate) fn random() -> Self {
        let word = |n: u64| {
            let mut hasher = RandomState::new().build_hasher();
            hasher.write_u64(n);
            hasher.finish()
        };
        Self(ahash::RandomState::with_seeds(word(1), word(2), word(3), word(4)))
    }

    pub(crate) fn state(&self) -> ahash::RandomState {
        self.0.clone()
    }

    /// 32 bits, all that the table's index keeps.
    pub(crate) fn hash(&self, key: &Key) -> u32 {
        let [a, b, c, d, e, f] = key.words();
        let mut hasher = self.0.build_hasher();
        hasher.write_u128((u128::from(a ^ c.rotate_left(32)) << 64) | u128::from(b));
        hasher.write_u128((u128::from(c) << 64) | u128::from(d));
        hasher.write_u128((u128::from(e) << 64) | u128::from(f));
        (hasher.finish() >> 32) as u32
    }
}

/// Ports whose owner is the server where a first packet leaves that open (IANA registry and common practice).
/// Sorted.
const SERVICE_PORTS: &[u16] = &[
    20, 21, 22, 23, 25, 43, 53, 67, 69, 80, 88, 102, 110, 111, 123, 135, 137, 138, 139, 143, 161, 162, 179,
    389, 443, 445, 464, 465, 500, 502, 512, 513, 514, 515, 520, 546, 547, 548, 554, 587, 623, 631, 636, 853,
    873, 989, 990, 993, 995, 1080, 1194, 1433, 1434, 1521, 1723, 1812, 1813, 1883, 1900, 2049, 2123, 2152,
    2181, 2222, 2375, 2376, 2379, 3128, 3268, 3269, 3306, 3389, 3478, 3702, 4500, 4789, 5060, 5061, 5222,
    5269, 5353, 5355, 5432, 5671, 5672, 5900, 5985, 5986, 6081, 6379, 6443, 6667, 8000, 8008, 8080, 8081,
    8443, 8883, 8888, 9000, 9092, 9200, 9300, 9418, 10050, 10051, 11211, 20000, 27017, 47808,
];

/// True where a first packet is rather an answer: the sender holds a service's port and the receiver does not, or
/// its ICMP type answers another.
pub(crate) fn looks_like_answer(transport: Transport, port: [u16; 2]) -> bool {
    match transport {
        Transport::ICMP => matches!(port[0], 0 | 9 | 14 | 16 | 18),
        Transport::ICMP6 => matches!(port[0], 129 | 131 | 134 | 136 | 140 | 145),
        _ => is_service(port[0]) && !is_service(port[1]),
    }
}

fn is_service(port: u16) -> bool {
    SERVICE_PORTS.binary_search(&port).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(a: &str, ap: u16, b: &str, bp: u16) -> Vec<u8> {
        crate::flow::crafted::udp(a, ap, b, bp, b"x")
    }

    fn packet(bytes: &[u8]) -> Packet<'_> {
        crate::flow::crafted::decode_raw(bytes)
    }

    #[test]
    fn both_ways_share_a_key() {
        let hasher = KeyHasher::random();
        for (a, b) in [("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8:1::")] {
            let (one, swapped_one) = Key::new(&packet(&frame(a, 50000, b, 80)));
            let (two, swapped_two) = Key::new(&packet(&frame(b, 80, a, 50000)));
            assert_eq!(one, two);
            assert_eq!(hasher.hash(&one), hasher.hash(&two));
            assert_ne!(swapped_one, swapped_two);
            assert_eq!(one.ip(usize::from(swapped_one)), a.parse::<IpAddr>().unwrap());
            assert_eq!(one.port(usize::from(swapped_two)), 80);
        }
    }

    #[test]
    fn vlan_tunnel_and_transport_tell_flows_apart() {
        let bytes = frame("10.0.0.1", 1, "10.0.0.2", 2);
        let base = packet(&bytes);
        let mut others = [base; 5];
        others[0].vlan = [Some(0), None];
        others[1].vlan = [Some(7), None];
        others[2].vlan = [Some(7), Some(8)];
        others[3].tunnel = 1;
        others[4].transport = Transport::SCTP;
        let hasher = KeyHasher::random();
        let (base, _) = Key::new(&base);
        for other in others {
            let (key, _) = Key::new(&other);
            assert_ne!(key, base);
            assert_ne!(hasher.hash(&key), hasher.hash(&base));
            assert_eq!(key.vlan(), other.vlan);
        }
    }

    #[test]
    fn service_ports_are_sorted_and_answers_known() {
        assert!(SERVICE_PORTS.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(looks_like_answer(Transport::UDP, [53, 40000]));
        assert!(!looks_like_answer(Transport::UDP, [40000, 53]));
        assert!(!looks_like_answer(Transport::UDP, [123, 123]));
    }
}
