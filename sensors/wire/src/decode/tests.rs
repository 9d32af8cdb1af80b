use super::*;
use crate::messages::LinkType;

/// Ethernet, IPv4 192.0.2.1 to 198.51.100.2, TCP 1234 to 80, SYN and ACK, payload `hi`, four bytes of padding.
const TCP4: &[u8] = &[
    2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00, 0x45, 0, 0, 42, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 192, 0,
    2, 1, 198, 51, 100, 2, 0x04, 0xd2, 0, 80, 0, 0, 0, 7, 0, 0, 0, 9, 0x50, 0x12, 0x20, 0, 0, 0, 0, 0, b'h',
    b'i', 0, 0, 0, 0,
];

fn frame(link: LinkType, data: &[u8]) -> Frame<'_> {
    Frame { time: 0, link, interface: 0, wire_len: data.len() as u32, vlan_tci: None, data }
}

fn ip(link: LinkType, data: &[u8]) -> Packet<'_> {
    match decode(&frame(link, data)) {
        Ok(Decoded::Ip(packet)) => packet,
        other => panic!("not IP: {other:?}"),
    }
}

#[test]
fn plain_tcp_frame() {
    let packet = ip(LinkType::ETHERNET, TCP4);
    assert_eq!(packet.ips(), ["192.0.2.1".parse::<IpAddr>().unwrap(), "198.51.100.2".parse().unwrap()]);
    assert_eq!(packet.ports, [1234, 80]);
    assert_eq!(packet.transport, Transport::TCP);
    let flags = TcpFlags(TcpFlags::SYN | TcpFlags::ACK);
    assert_eq!(packet.upper, Upper::Tcp(Tcp { seq: 7, ack: 9, flags, window: 0x2000 }));
    assert_eq!((packet.ip_len, packet.payload, packet.payload_missing), (42, &b"hi"[..], 0));
    assert_eq!(packet.macs, [Some([2, 0, 0, 0, 0, 1]), Some([2, 0, 0, 0, 0, 2])]);
}
