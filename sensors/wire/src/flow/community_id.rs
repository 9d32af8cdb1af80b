//! Community id version 1 (github.com/corelight/community-id-spec): one text for one flow in every tool.

use std::net::IpAddr;

use sha1::{Digest, Sha1};

use crate::decode::icmp_counterpart;
use crate::messages::{FlowInfo, Transport};

/// Length of the text form, `1:` and 28 characters of base64.
pub const LENGTH: usize = 30;

/// Community id of a flow with seed 0.
#[must_use]
pub fn of_flow(flow: &FlowInfo) -> [u8; LENGTH] {
    community_id(0, flow.transport, flow.ip, flow.port)
}

/// Community id of a conversation; an ICMP flow's ports are its type and the type that answers it, or type and code.
#[must_use]
pub fn community_id(seed: u16, transport: Transport, ip: [IpAddr; 2], port: [u16; 2]) -> [u8; LENGTH] {
    let two_way = match transport {
        Transport::ICMP | Transport::ICMP6 => icmp_counterpart(transport, port[0] as u8).is_some(),
        _ => true,
    };
    let swap = two_way && (ip[0], port[0]) > (ip[1], port[1]);
    let (first, second) = if swap { (1, 0) } else { (0, 1) };
    let mut sha = Sha1::new();
    sha.update(seed.to_be_bytes());
    for end in [first, second] {
        match ip[end] {
            IpAddr::V4(ip) => sha.update(ip.octets()),
            IpAddr::V6(ip) => sha.update(ip.octets()),
        }
    }
    sha.update([transport.0, 0]);
    if has_ports(transport) {
        sha.update(port[first].to_be_bytes());
        sha.update(port[second].to_be_bytes());
    }
    text(&sha.finalize().into())
}

const fn has_ports(transport: Transport) -> bool {
    matches!(
        transport,
        Transport::ICMP | Transport::TCP | Transport::UDP | Transport::ICMP6 | Transport::SCTP
    )
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn text(digest: &[u8; 20]) -> [u8; LENGTH] {
    let mut out = [b'='; LENGTH];
    out[0] = b'1';
    out[1] = b':';
    for (group, chunk) in digest.chunks(3).enumerate() {
        let mut three = [0; 4];
        three[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(three);
        for n in 0..=chunk.len() {
            out[2 + group * 4 + n] = BASE64[(bits >> (18 - 6 * n)) as usize & 63];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(transport: u8, a: &str, b: &str, port: [u16; 2]) -> String {
        let id = community_id(0, Transport(transport), [a.parse().unwrap(), b.parse().unwrap()], port);
        String::from_utf8(id.to_vec()).unwrap()
    }

    // Vectors of the specification's baseline.
    #[test]
    fn published_vectors() {
        let v6 = ("fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea");
        for (transport, a, b, port, want) in [
            (6, "128.232.110.120", "66.35.250.204", [34855, 80], "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            (6, "66.35.250.204", "128.232.110.120", [80, 34855], "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            (17, "192.168.1.52", "8.8.8.8", [54585, 53], "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
            (17, "8.8.8.8", "192.168.1.52", [53, 54585], "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
            (132, "192.168.170.8", "192.168.170.56", [7, 7], "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="),
            (1, "192.168.0.89", "192.168.0.1", [8, 0], "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
            (1, "192.168.0.1", "192.168.0.89", [0, 8], "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
            (58, v6.0, v6.1, [135, 136], "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
        ] {
            assert_eq!(id(transport, a, b, port), want, "{a} {b} {port:?}");
        }
    }
}
