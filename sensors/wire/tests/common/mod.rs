//! Packets made by hand, and a sink that keeps the lines.

#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

use bavn_wire::json;
use bavn_wire::messages::{Event, Frame, LinkType, Sink};

/// Events as JSON Lines.
#[derive(Default)]
pub struct Lines(pub Vec<u8>);

impl Sink for Lines {
    fn event(&mut self, event: &Event<'_>) {
        json::write_event(&mut self.0, event);
    }
}

impl Lines {
    /// How many lines hold `text`.
    pub fn count(&self, text: &str) -> usize {
        String::from_utf8_lossy(&self.0).lines().filter(|line| line.contains(text)).count()
    }
}

/// A raw IPv4 packet as a frame.
pub fn frame(time: u64, data: &[u8]) -> Frame<'_> {
    Frame { time, link: LinkType::RAW, interface: 0, wire_len: data.len() as u32, vlan_tci: None, data }
}

fn ip(source: u32, destination: u32, protocol: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x45, 0];
    out.extend_from_slice(&(20 + body.len() as u16).to_be_bytes());
    out.extend_from_slice(&[0, 0, 0, 0, 64, protocol, 0, 0]);
    out.extend_from_slice(&source.to_be_bytes());
    out.extend_from_slice(&destination.to_be_bytes());
    out.extend_from_slice(body);
    out
}

/// Where a segment goes and comes from.
#[derive(Clone, Copy)]
pub struct Ends {
    /// Address and port.
    pub source: (u32, u16),
    /// Address and port.
    pub destination: (u32, u16),
}

impl Ends {
    /// The other way.
    pub const fn flip(self) -> Self {
        Self { source: self.destination, destination: self.source }
    }
}

/// A TCP segment: sequence number, acknowledgement, flags, urgent pointer.
pub fn segment(ends: Ends, (seq, ack, flags, urgent): (u32, u32, u8, u16), payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(20 + payload.len());
    body.extend_from_slice(&ends.source.1.to_be_bytes());
    body.extend_from_slice(&ends.destination.1.to_be_bytes());
    body.extend_from_slice(&seq.to_be_bytes());
    body.extend_from_slice(&ack.to_be_bytes());
    body.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0]);
    body.extend_from_slice(&urgent.to_be_bytes());
    body.extend_from_slice(payload);
    ip(ends.source.0, ends.destination.0, 6, &body)
}

/// A UDP datagram.
pub fn datagram(ends: Ends, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(8 + payload.len());
    body.extend_from_slice(&ends.source.1.to_be_bytes());
    body.extend_from_slice(&ends.destination.1.to_be_bytes());
    body.extend_from_slice(&(8 + payload.len() as u16).to_be_bytes());
    body.extend_from_slice(&[0, 0]);
    body.extend_from_slice(payload);
    ip(ends.source.0, ends.destination.0, 17, &body)
}

/// Flags of a segment.
pub const FIN: u8 = 1;
/// Flags of a segment.
pub const SYN: u8 = 2;
/// Flags of a segment.
pub const RST: u8 = 4;
/// Flags of a segment.
pub const ACK: u8 = 16;
/// Flags of a segment.
pub const URG: u8 = 32;
