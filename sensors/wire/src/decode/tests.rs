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

/// The IPv4 packet of [`TCP4`].
fn tcp4_ip() -> &'static [u8] {
    &TCP4[14..56]
}

fn ether(layers: &[u8], payload: &[u8]) -> Vec<u8> {
    [&TCP4[..12], layers, payload].concat()
}

/// IPv4 with this protocol and body.
fn ip4(protocol: u8, place: u16, body: &[u8]) -> Vec<u8> {
    let [len0, len1] = (body.len() as u16 + 20).to_be_bytes();
    let [place0, place1] = place.to_be_bytes();
    let head =
        [0x45, 0, len0, len1, 0x12, 0x34, place0, place1, 64, protocol, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2];
    [&head[..], body].concat()
}

/// IPv6 2001:db8::1 to 2001:db8::2 with this first header and body.
fn ip6(next: u8, body: &[u8]) -> Vec<u8> {
    let [len0, len1] = (body.len() as u16).to_be_bytes();
    let address = |last| [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
    [&[0x60, 0, 0, 0, len0, len1, next, 63][..], &address(1), &address(2), body].concat()
}

const UDP: &[u8] = &[0x30, 0x39, 0, 53, 0, 11, 0, 0, b'a', b'b', b'c'];

fn fault(link: LinkType, data: &[u8]) -> Drop {
    decode(&frame(link, data)).expect_err("decoded")
}

#[test]
fn each_link_type_leads_to_the_same_packet() {
    let sll = [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x08, 0x00][..], tcp4_ip()].concat();
    let sll2 = [&[0x08, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0][..], tcp4_ip()].concat();
    let ppp = [&[0xff, 0x03, 0x00, 0x21][..], tcp4_ip()].concat();
    let cases = [
        (LinkType::RAW, tcp4_ip().to_vec()),
        (LinkType(12), tcp4_ip().to_vec()),
        (LinkType(14), tcp4_ip().to_vec()),
        (LinkType::IPV4, tcp4_ip().to_vec()),
        (LinkType::NULL, [&[2, 0, 0, 0], tcp4_ip()].concat()),
        (LinkType::NULL, [&[0, 0, 0, 2], tcp4_ip()].concat()),
        (LinkType::LOOP, [&[0, 0, 0, 2], tcp4_ip()].concat()),
        (LinkType::LINUX_SLL, sll),
        (LinkType::LINUX_SLL2, sll2),
        (LinkType(9), ppp),
    ];
    for (link, data) in cases {
        let packet = ip(link, &data);
        assert_eq!((packet.ports, packet.payload), ([1234, 80], &b"hi"[..]), "{link:?}");
    }
    for family in [10, 24, 28, 30] {
        assert_eq!(ip(LinkType::NULL, &[&[family, 0, 0, 0], &ip6(17, UDP)[..]].concat()).ports, [12345, 53]);
    }
    assert_eq!(ip(LinkType::IPV6, &ip6(17, UDP)).version, IpVersion::V6);
    assert_eq!(fault(LinkType(147), tcp4_ip()), Drop::LinkUnknown);
    assert_eq!(fault(LinkType::RAW, &[0x50; 40]), Drop::Malformed);
}

#[test]
fn tags_and_labels() {
    let packet = ether(&[0x88, 0xa8, 0x20, 100, 0x81, 0, 0xf0, 7, 0x91, 0, 0, 9, 0x08, 0], tcp4_ip());
    assert_eq!(ip(LinkType::ETHERNET, &packet).vlan, [Some(100), Some(7)]);
    let tagged = ether(&[0x81, 0, 0, 7, 0x08, 0], tcp4_ip());
    let stripped = Frame { vlan_tci: Some(0xe064), ..frame(LinkType::ETHERNET, &tagged) };
    assert!(matches!(decode(&stripped), Ok(Decoded::Ip(packet)) if packet.vlan == [Some(100), Some(7)]));
    let priority = ether(&[0x81, 0, 0xe0, 0, 0x81, 0, 0, 7, 0x08, 0], tcp4_ip());
    assert_eq!(ip(LinkType::ETHERNET, &priority).vlan, [Some(7), None], "number 0 names no VLAN");
    let stripped = Frame { vlan_tci: Some(0xe000), ..frame(LinkType::ETHERNET, &priority) };
    assert!(matches!(decode(&stripped), Ok(Decoded::Ip(packet)) if packet.vlan == [Some(7), None]));
    let mpls = ether(&[0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64], tcp4_ip());
    assert_eq!(ip(LinkType::ETHERNET, &mpls).ports, [1234, 80]);
    let pseudowire = ether(&[0x88, 0x47, 0, 2, 1, 64, 0, 0, 0, 0], TCP4);
    assert_eq!(ip(LinkType::ETHERNET, &pseudowire).ports, [1234, 80]);
    let pppoe = ether(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 44, 0, 0x21], tcp4_ip());
    assert_eq!(ip(LinkType::ETHERNET, &pppoe).ports, [1234, 80]);
    let snap = ether(&[0, 50, 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0], tcp4_ip());
    assert_eq!(ip(LinkType::ETHERNET, &snap).ports, [1234, 80]);
    let spanning_tree = ether(&[0, 38, 0x42, 0x42, 3], &[0; 35]);
    assert_eq!(fault(LinkType::ETHERNET, &spanning_tree), Drop::EthertypeUnknown);
    assert_eq!(fault(LinkType::ETHERNET, &ether(&[0x88, 0xcc], &[0; 46])), Drop::EthertypeUnknown);
    let tags = [0x81, 0, 0, 1].repeat(17);
    assert_eq!(fault(LinkType::ETHERNET, &ether(&tags, &[0x08, 0])), Drop::Depth);
}

#[test]
fn arp_request() {
    let body = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 9];
    let data = ether(&[0x08, 0x06], &body);
    let sender = ([2, 0, 0, 0, 0, 1], [192, 0, 2, 1].into());
    let expected = Arp { operation: 1, sender, target: ([0; 6], [192, 0, 2, 9].into()) };
    assert!(matches!(decode(&frame(LinkType::ETHERNET, &data)), Ok(Decoded::Arp(arp)) if arp == expected));
    assert_eq!(fault(LinkType::ETHERNET, &data[..30]), Drop::Malformed);
}

#[test]
fn options_padding_and_cuts() {
    let mut options = ip4(17, 0, &[&[1; 8][..], UDP].concat());
    options[0] = 0x47;
    assert_eq!(ip(LinkType::RAW, &options).payload, b"abc");
    let data = &TCP4[..55];
    let cut = Frame { wire_len: 60, ..frame(LinkType::ETHERNET, data) };
    let Ok(Decoded::Ip(packet)) = decode(&cut) else { panic!("cut payload") };
    assert_eq!((packet.payload, packet.payload_missing, packet.ip_len), (&b"h"[..], 1, 42));
    for (end, wire, drop) in [
        (53, 60, Drop::Truncated),
        (30, 60, Drop::Truncated),
        (13, 60, Drop::Truncated),
        (53, 53, Drop::Malformed),
    ] {
        let cut = Frame { wire_len: wire, ..frame(LinkType::ETHERNET, &TCP4[..end]) };
        assert_eq!(decode(&cut).expect_err("decoded"), drop, "{end} of {wire}");
    }
    // Segmentation offload leaves a length of 0.
    let mut offload = ip4(17, 0, UDP);
    offload[2..4].fill(0);
    assert_eq!(ip(LinkType::RAW, &offload).ip_len, 31);
}

#[test]
fn headers_that_lie() {
    let change = |at: usize, byte: u8| {
        let mut data = tcp4_ip().to_vec();
        data[at] = byte;
        data
    };
    // Version, header length twice, total length twice, TCP's data offset twice.
    for (at, byte) in [(0, 0x55), (0, 0x44), (0, 0x4f), (3, 19), (2, 1), (32, 0x40), (32, 0xf0)] {
        assert_eq!(fault(LinkType::IPV4, &change(at, byte)), Drop::Malformed, "{at} {byte}");
    }
    for length in [1, 7, 12, 255] {
        let mut udp = UDP.to_vec();
        udp[5] = length;
        assert_eq!(fault(LinkType::RAW, &ip4(17, 0, &udp)), Drop::Malformed, "{length}");
    }
    // A fragment that reaches beyond the longest datagram.
    assert_eq!(fault(LinkType::RAW, &ip4(17, 0x1fff, &[0; 16])), Drop::Malformed);
}

#[test]
fn fragments_and_what_they_make() {
    let first = ip4(17, 0x2000, &UDP[..8]);
    let last = ip4(17, 0x0001, &UDP[8..]);
    let (first, last) = (ip(LinkType::RAW, &first), ip(LinkType::RAW, &last));
    assert_eq!(first.upper, Upper::Fragment(Fragment { id: 0x1234, offset: 0, more: true }));
    assert_eq!(last.upper, Upper::Fragment(Fragment { id: 0x1234, offset: 8, more: false }));
    assert_eq!((last.ports, last.payload, last.transport), ([0; 2], &b"abc"[..], Transport::UDP));
    let whole = decode_transport(&last, UDP).unwrap();
    assert_eq!((whole.ports, whole.payload, whole.ip_len), ([12345, 53], &b"abc"[..], 31));
}

#[test]
fn ipv6_extension_headers() {
    let chain =
        [&[43, 0, 1, 4, 0, 0, 0, 0][..], &[60, 0, 0, 0, 0, 0, 0, 0], &[51, 0, 1, 4, 0, 0, 0, 0]].concat();
    let auth = [17, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    assert_eq!(ip(LinkType::RAW, &ip6(0, &[&chain[..], &auth, UDP].concat())).ports, [12345, 53]);
    let fragment = [60, 0, 0, 9, 0, 0, 0, 77];
    let packet = ip6(44, &[&fragment[..], &[17, 0, 0, 0, 0, 0, 0, 0]].concat());
    let packet = ip(LinkType::RAW, &packet);
    assert_eq!(packet.upper, Upper::Fragment(Fragment { id: 77, offset: 8, more: true }));
    let payload = [&[17, 0, 0, 0, 0, 0, 0, 0][..], UDP].concat();
    assert_eq!(decode_transport(&packet, &payload).unwrap().ports, [12345, 53]);
    let nested = [&[44, 0, 0, 0, 0, 0, 0, 0][..], &fragment, UDP].concat();
    assert_eq!(decode_transport(&packet, &nested).expect_err("decoded"), Drop::Malformed);
    let atomic = ip6(44, &[&[17, 0, 0, 0, 0, 0, 0, 5][..], UDP].concat());
    assert_eq!(ip(LinkType::RAW, &atomic).payload, b"abc");
    let endless = ip6(60, &[60, 0, 0, 0, 0, 0, 0, 0].repeat(9));
    assert_eq!(fault(LinkType::RAW, &endless), Drop::Depth);
    assert_eq!(ip(LinkType::RAW, &ip6(59, b"")).upper, Upper::Other);
}

#[test]
fn icmp_pairs_sctp_and_others() {
    let echo = ip(LinkType::RAW, &ip4(1, 0, &[8, 0, 0, 0, 0, 1])).ports;
    let reply = ip(LinkType::RAW, &ip4(1, 0, &[0, 0, 0, 0, 0, 1])).ports;
    assert_eq!((echo, reply), ([8, 0], [0, 8]));
    let unreachable = ip4(1, 0, &[3, 13, 0, 0]);
    let packet = ip(LinkType::RAW, &unreachable);
    assert_eq!((packet.ports, packet.upper), ([3, 13], Upper::Icmp { kind: 3, code: 13 }));
    assert_eq!(ip(LinkType::RAW, &ip6(58, &[135, 0, 0, 0])).ports, [135, 136]);
    let sctp = ip4(132, 0, &[0, 7, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(ip(LinkType::RAW, &sctp).ports, [7, 8]);
    let ospf = ip4(89, 0, b"ospf");
    assert_eq!(ip(LinkType::RAW, &ospf).payload, b"ospf");
    // Hop-by-hop options are IPv6's alone.
    assert_eq!(ip(LinkType::RAW, &ip4(0, 0, b"x")).upper, Upper::Other);
}

#[test]
fn tunnels_open_and_tell_their_path() {
    let inner = tcp4_ip();
    let six_in_four = ip4(41, 0, &ip6(17, UDP));
    let gre = ip4(47, 0, &[&[0x30, 0, 0x08, 0, 0, 0, 0, 1, 0, 0, 0, 2][..], inner].concat());
    let bridged = ip4(47, 0, &[&[0, 0, 0x65, 0x58][..], TCP4].concat());
    let pptp = ip4(
        47,
        0,
        &[&[0x30, 0x81, 0x88, 0x0b, 0, 44, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0x21][..], inner].concat(),
    );
    let mut paths = Vec::new();
    for data in [ip4(4, 0, inner), gre, bridged, pptp, six_in_four] {
        let packet = ip(LinkType::RAW, &data);
        assert!(matches!(packet.ports, [1234, 80] | [12345, 53]) && packet.tunnels == 1, "{packet:?}");
        paths.push(packet.tunnel);
    }
    assert!(paths[0] != paths[1] && paths[1] == paths[2] && !paths.contains(&0));
    let mut back = ip4(4, 0, inner);
    back[12..20].rotate_left(4);
    assert_eq!(ip(LinkType::RAW, &back).tunnel, paths[0], "the same both ways");
    // What carries nothing known stays a packet of the outer protocol.
    let opaque = ip4(47, 0, &[0, 0, 0x12, 0x34, 9]);
    let packet = ip(LinkType::RAW, &opaque);
    assert_eq!(
        (packet.transport, packet.upper, packet.tunnels, packet.tunnel),
        (Transport(47), Upper::Other, 0, 0)
    );
    let deep = (0..5).fold(inner.to_vec(), |inner, _| ip4(4, 0, &inner));
    assert_eq!(fault(LinkType::RAW, &deep), Drop::Depth);
}

fn udp_to(port: u16, body: &[u8]) -> Vec<u8> {
    let length = (8 + body.len() as u16).to_be_bytes();
    ip4(17, 0, &[&[0xc0, 0][..], &port.to_be_bytes(), &length, &[0, 0], body].concat())
}

#[test]
fn tunnels_over_udp_open_by_port_and_header() {
    let inner = tcp4_ip();
    let tagged = [0x36, 0xff, 0, 0, 0, 0, 0, 9, 0, 1, 0, 0x85, 1, 0, 0, 0xc0, 1, 9, 9, 0];
    let cases: [(u16, &[u8], &[u8]); 5] = [
        (4789, &[8, 0, 0, 0, 0, 0, 7, 0], TCP4),
        (6081, &[1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 0], TCP4),
        (2152, &[0x30, 0xff, 0, 0, 0, 0, 0, 9], inner),
        (2152, &tagged, inner),
        (4754, &[0, 0, 8, 0], inner),
    ];
    for (port, head, inner) in cases {
        let data = udp_to(port, &[head, inner].concat());
        let packet = ip(LinkType::RAW, &data);
        assert_eq!((packet.ports, packet.tunnels), ([1234, 80], 1), "{port} {head:02x?}");
        // Cut short, with another first byte, or to another port it is a datagram like any other.
        for other in
            [udp_to(port, head), udp_to(port, &[&[0xff][..], &head[1..], inner].concat()), udp_to(9, head)]
        {
            let packet = ip(LinkType::RAW, &other);
            assert_eq!((packet.upper, packet.tunnels, packet.ports[0]), (Upper::Udp, 0, 0xc000));
        }
    }
}

#[test]
fn mirrored_frames_open() {
    let gre = |head: &[u8], body: &[u8]| ip4(47, 0, &[head, body, TCP4].concat());
    let first = gre(&[0, 0, 0x88, 0xbe], &[]);
    let second = gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], &[0x10, 7, 0, 42, 0, 0, 0, 0]);
    let third = gre(&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &[0x20, 7, 0, 42, 0, 0, 0, 0, 0, 0, 0, 0]);
    let longer = gre(
        &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1],
        &[&[0x20, 7, 0, 42, 0, 0, 0, 0, 0, 0, 0, 1][..], &[0; 8]].concat(),
    );
    for data in [&first, &second, &third, &longer] {
        let packet = ip(LinkType::RAW, data);
        assert_eq!((packet.ports, packet.tunnels, packet.payload), ([1234, 80], 1, &b"hi"[..]));
    }
    let other = gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], &[0x10, 7, 0, 43, 0, 0, 0, 0]);
    assert!(ip(LinkType::RAW, &second).tunnel != ip(LinkType::RAW, &other).tunnel, "another session");
    let unknown = gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], &[0x70, 7, 0, 43, 0, 0, 0, 0]);
    assert_eq!(ip(LinkType::RAW, &unknown).transport, Transport(47));
}

#[test]
fn teredo_and_ayiya_open_from_their_port_and_to_it() {
    let six = ip6(17, UDP);
    let signed = [&[0, 1, 2, 3][..], &[0; 5], &[0; 8], &[0]].concat();
    let origin = [0, 0, 1, 2, 3, 4, 5, 6];
    let identified = [&[0x40, 0x52, 0x11, 41, 0, 0, 0, 0][..], &[0; 16], &[0; 20]].concat();
    for (port, head) in [
        (3544, &[][..]),
        (3544, &origin),
        (3544, &signed),
        (3544, &[&signed[..], &origin].concat()),
        (5072, &identified),
    ] {
        let mut data = udp_to(port, &[head, &six].concat());
        let packet = ip(LinkType::RAW, &data);
        assert_eq!(
            (packet.ports, packet.tunnels, packet.version),
            ([12345, 53], 1, IpVersion::V6),
            "{port} {head:?}"
        );
        let there = packet.tunnel;
        data[12..20].rotate_left(4);
        data[20..24].rotate_left(2);
        assert_eq!(ip(LinkType::RAW, &data).tunnel, there, "the same both ways");
        let cut = udp_to(port, &[head, &six[..20]].concat());
        assert_eq!(ip(LinkType::RAW, &cut).upper, Upper::Udp);
    }
}

#[test]
fn fabric_and_backbone_tags() {
    let vn = ether(&[0x89, 0x26, 0, 1, 0, 2, 0x08, 0], tcp4_ip());
    let e_tag = ether(&[0x89, 0x3f, 0, 1, 0, 2, 0, 0, 0x81, 0, 0, 7, 0x08, 0], tcp4_ip());
    let backbone = |service: u8| {
        ether(&[&[0x88, 0xa8, 0, 9, 0x88, 0xe7, 0, 0, 0, service][..], &TCP4[..14]].concat(), tcp4_ip())
    };
    assert_eq!(ip(LinkType::ETHERNET, &vn).ports, [1234, 80]);
    assert_eq!(ip(LinkType::ETHERNET, &e_tag).vlan, [Some(7), None]);
    let (one, two) = (backbone(1), backbone(2));
    let (one, two) = (ip(LinkType::ETHERNET, &one), ip(LinkType::ETHERNET, &two));
    assert_eq!((one.ports, one.macs), ([1234, 80], ip(LinkType::ETHERNET, TCP4).macs));
    assert!(one.tunnel != two.tunnel, "another service");
    let nested = [0x88, 0xe7, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1].repeat(17);
    assert_eq!(fault(LinkType::ETHERNET, &ether(&nested, &[8, 0])), Drop::Depth);
}

#[test]
fn pseudowires_with_and_without_control_word() {
    let label = [0x88, 0x47, 0, 2, 1, 64];
    for first in [0x02, 0x42, 0x64, 0x00] {
        let mut inner = TCP4.to_vec();
        inner[0] = first;
        assert_eq!(ip(LinkType::ETHERNET, &ether(&label, &inner)).ports, [1234, 80], "{first:02x} without");
        let word = [&label[..], &[0; 4]].concat();
        assert_eq!(ip(LinkType::ETHERNET, &ether(&word, &inner)).ports, [1234, 80], "{first:02x} with");
    }
    assert_eq!(fault(LinkType::ETHERNET, &ether(&label, &[0x80; 40])), Drop::EthertypeUnknown);
}

#[test]
fn virtual_networks_keep_their_flows_apart() {
    let of = |port: u16, head: &[u8]| ip(LinkType::RAW, &udp_to(port, &[head, TCP4].concat())).tunnel;
    assert_ne!(of(4789, &[8, 0, 0, 0, 0, 0, 7, 0]), of(4789, &[8, 0, 0, 0, 0, 0, 8, 0]));
    assert_ne!(of(6081, &[0, 0, 0x65, 0x58, 0, 0, 7, 0]), of(6081, &[0, 0, 0x65, 0x58, 0, 0, 8, 0]));
}

/// The UDP packet of RFC 1071's kind of sums, made right: header checksum and UDP checksum filled in.
fn summed(mut data: Vec<u8>, header: usize, at: usize, pseudo: &[u8]) -> Vec<u8> {
    let sum = |bytes: &[u8]| -> u16 {
        let mut sum: u32 = bytes
            .chunks(2)
            .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)))
            .sum();
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    };
    if header == 20 {
        let found = sum(&data[..20]);
        data[10..12].copy_from_slice(&found.to_be_bytes());
    }
    let found = sum(&[pseudo, &data[header..]].concat());
    data[header + at..header + at + 2].copy_from_slice(&found.to_be_bytes());
    data
}

#[test]
fn checksums_are_told() {
    let told = |data: &[u8]| checksum(data, &ip(LinkType::RAW, data));
    let four = ip4(17, 0, UDP);
    let pseudo = [&four[12..20], &[0, 17, 0, 11]].concat();
    let mut right = summed(four, 20, 6, &pseudo);
    assert_eq!(told(&right), Checksum::Right);
    right[30] ^= 1;
    assert_eq!(told(&right), Checksum::Wrong);
    right[30] ^= 1;
    right[8] ^= 1;
    assert_eq!(told(&right), Checksum::Wrong, "the header's own");
    let six = ip6(60, &[&[17, 0, 1, 4, 0, 0, 0, 0][..], UDP].concat());
    let pseudo = [&six[8..40], &[0, 0, 0, 11, 0, 0, 0, 17]].concat();
    let right = summed(six, 48, 6, &pseudo);
    assert_eq!(told(&right), Checksum::Right);
    assert_eq!(told(&ip4(17, 0x2000, UDP)), Checksum::Wrong, "a fragment has a header");
    let mut none = summed(ip4(17, 0, UDP), 20, 6, &[]);
    none[26..28].fill(0);
    assert_eq!(told(&none), Checksum::Right, "UDP without one");
    let whole = frame(LinkType::ETHERNET, TCP4);
    assert!(matches!(decode(&whole), Ok(Decoded::Ip(packet)) if checksum(TCP4, &packet) == Checksum::Wrong));
}

#[test]
fn a_checksum_left_to_the_network_card_is_known() {
    let four = ip4(17, 0, UDP);
    let pseudo = [&four[12..20], &[0, 17, 0, 11]].concat();
    let mut data = summed(four, 20, 6, &pseudo);
    let partial: u32 = pseudo.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let partial = ((partial & 0xffff) + (partial >> 16)) as u16;
    data[26..28].copy_from_slice(&partial.to_be_bytes());
    assert_eq!(checksum(&data, &ip(LinkType::RAW, &data)), Checksum::Offloaded);
}

#[test]
fn wireless_frames_in_a_tunnel() {
    let llc = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    let of = |kind: [u8; 2], more: usize| {
        let head = [&[0, 0, 0x82, 0][..], &kind, &[0; 22], &vec![0; more], &llc, tcp4_ip()].concat();
        ip4(47, 0, &head)
    };
    for (kind, more) in [([0x08, 1], 0), ([0x88, 1], 2), ([0x88, 3], 8), ([0x88, 0x82], 6), ([0x08, 2], 0)] {
        assert_eq!(ip(LinkType::RAW, &of(kind, more)).ports, [1234, 80], "{kind:02x?}");
    }
    for kind in [[0x88, 0x41], [0x80, 0], [0x48, 1], [0xd4, 0]] {
        assert_eq!(ip(LinkType::RAW, &of(kind, 2)).transport, Transport(47), "{kind:02x?}");
    }
}

#[test]
fn each_reason_has_its_counter() {
    let mut counters = Counters::default();
    for drop in [Drop::LinkUnknown, Drop::EthertypeUnknown, Drop::Truncated, Drop::Malformed, Drop::Depth] {
        drop.count(&mut counters);
    }
    let ones = counters.list().into_iter().filter(|(name, count)| name.starts_with("drop_") && *count == 1);
    assert_eq!(ones.count(), 5);
}

const LINKS: [u16; 13] = [0, 1, 9, 12, 14, 50, 101, 108, 113, 147, 228, 229, 276];

/// Decodes, and puts a fragment together with itself; what comes out lies inside what went in.
fn harmless(link: u16, data: &[u8], wire_len: u32) {
    let frame = Frame { wire_len, ..frame(LinkType(link), data) };
    let Ok(Decoded::Ip(packet)) = decode(&frame) else { return };
    assert!(packet.payload.len() <= data.len() && usize::from(packet.tunnels) <= limits::MAX_TUNNELS.value);
    assert!(packet.payload_missing <= wire_len);
    if matches!(packet.upper, Upper::Fragment(_)) {
        let _ = decode_transport(&packet, packet.payload);
    }
}

proptest::proptest! {
    #[test]
    fn random_bytes_do_no_harm(link in 0..LINKS.len(), data in proptest::collection::vec(0..=255_u8, 0..200), wire in 0..400_u32) {
        harmless(LINKS[link], &data, wire);
    }

    #[test]
    fn mutated_frames_do_no_harm(
        base in 0..6_usize,
        changes in proptest::collection::vec((0..200_usize, 0..=255_u8), 1..6),
        cut in 0..200_usize,
        wire in 0..300_u32,
    ) {
        let inner = tcp4_ip();
        let mut data = match base {
            0 => TCP4.to_vec(),
            1 => ether(&[0x86, 0xdd], &ip6(0, &[&[44, 0, 0, 0, 0, 0, 0, 0][..], &[17, 0, 0, 0, 0, 0, 0, 1], UDP].concat())),
            2 => ether(&[0x08, 0], &ip4(47, 0, &[&[0x30, 0, 0x65, 0x58, 0, 0, 0, 1, 0, 0, 0, 2][..], TCP4].concat())),
            3 => ether(&[0x81, 0, 0, 7, 0x88, 0x47, 0, 2, 1, 64], &ip4(4, 0, inner)),
            4 => ether(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 44, 0, 0x21], inner),
            _ => ether(&[0x08, 0], &ip4(17, 0x2000, UDP)),
        };
        for (at, byte) in changes {
            let len = data.len();
            data[at % len] = byte;
        }
        data.truncate(cut);
        harmless(1, &data, wire);
    }
}
