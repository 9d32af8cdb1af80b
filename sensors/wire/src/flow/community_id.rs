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

    #[test]
    fn the_baseline_of_the_specification() {
        let rows = include_str!("../../tests/data/community_id/baseline.txt");
        let mut count = 0;
        for row in rows.lines().filter(|row| !row.starts_with('#')) {
            let parts: Vec<&str> = row.split(' ').collect();
            let [seed, transport, one, other, from, to, want] = parts[..] else { panic!("{row}") };
            let number = |text: &str| text.parse::<u16>().unwrap();
            let ip = [one.parse().unwrap(), other.parse().unwrap()];
            let transport = Transport(number(transport) as u8);
            let id = community_id(number(seed), transport, ip, [number(from), number(to)]);
            assert_eq!(id, want.as_bytes(), "{row}");
            count += 1;
        }
        assert_eq!(count, 46);
    }
}
