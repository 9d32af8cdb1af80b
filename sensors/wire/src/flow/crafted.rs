//! Packets made by hand for tests: raw IP, so that a frame is the packet.

use std::net::IpAddr;

use crate::decode::{Decoded, Packet, decode};
use crate::messages::{Frame, LinkType};

pub(crate) fn frame(time: u64, data: &[u8]) -> Frame<'_> {
    Frame { time, link: LinkType::RAW, interface: 0, wire_len: data.len() as u32, vlan_tci: None, data }
}

pub(crate) fn decode_raw(data: &[u8]) -> Packet<'_> {
    match decode(&frame(0, data)) {
        Ok(Decoded::Ip(packet)) => packet,
        other => panic!("no packet: {other:?}"),
    }
}

pub(crate) fn ip(from: &str, to: &str, protocol: u8, body: &[u8]) -> Vec<u8> {
    ip4_with(from, to, protocol, [0; 4], body)
}

fn ip4_with(from: &str, to: &str, protocol: u8, fragment: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match (from.parse().unwrap(), to.parse().unwrap()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            out.extend_from_slice(&[0x45, 0]);
            out.extend_from_slice(&(20 + body.len() as u16).to_be_bytes());
            out.extend_from_slice(&fragment);
            out.extend_from_slice(&[64, protocol, 0, 0]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            out.extend_from_slice(&[0x60, 0, 0, 0]);
            out.extend_from_slice(&(body.len() as u16).to_be_bytes());
            out.extend_from_slice(&[protocol, 64]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
        }
        _ => panic!("two versions"),
    }
    out.extend_from_slice(body);
    out
}

/// A fragment: identification, offset in bytes, whether more follow.
pub(crate) fn fragment(from: &str, to: &str, protocol: u8, place: (u16, u16, bool), body: &[u8]) -> Vec<u8> {
    let (id, offset, more) = place;
    let [a, b] = id.to_be_bytes();
    let [c, d] = ((offset / 8) | (u16::from(more) << 13)).to_be_bytes();
    ip4_with(from, to, protocol, [a, b, c, d], body)
}

pub(crate) fn udp_body(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [from, to, 8 + payload.len() as u16, 0] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(payload);
    out
}

pub(crate) fn udp(from: &str, from_port: u16, to: &str, to_port: u16, payload: &[u8]) -> Vec<u8> {
    ip(from, to, 17, &udp_body(from_port, to_port, payload))
}

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const ACK: u8 = 16;

pub(crate) const CLIENT: (&str, u16) = ("10.0.0.1", 40000);
pub(crate) const SERVER: (&str, u16) = ("10.0.0.2", 7);

pub(crate) fn tcp(
    from: (&str, u16),
    to: (&str, u16),
    (seq, ack): (u32, u32),
    flags: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&from.1.to_be_bytes());
    body.extend_from_slice(&to.1.to_be_bytes());
    body.extend_from_slice(&seq.to_be_bytes());
    body.extend_from_slice(&ack.to_be_bytes());
    body.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    body.extend_from_slice(payload);
    ip(from.0, to.0, 6, &body)
}
