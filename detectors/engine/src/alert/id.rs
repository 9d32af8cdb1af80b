//! `event.id`: the same after a crash and a replay, and no address can be tried against it without the key.

use bavn_wire::flow::community_id;
use bavn_wire::messages::FlowInfo;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What the identifier is made of.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// Id of the rule.
    pub rule: &'a str,
    /// Version of the rule.
    pub version: &'a str,
    /// See [`flow_key`].
    pub flow: &'a str,
    /// Time of the flow's first packet, nanoseconds since the epoch.
    pub start: u64,
    /// Time of the packet, nanoseconds since the epoch.
    pub time: u64,
    /// Ordinal of this rule's match in the flow, from 1.
    pub ordinal: u32,
}

/// A flow as text: community id, VLANs, tunnel; `1:…=;12.-;0`. Without a flow `-;-.-;0`.
#[must_use]
pub fn flow_key(flow: &FlowInfo) -> String {
    let vlan = |id: Option<u16>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let community = community_id::of_flow(flow);
    let id = if flow.id == 0 { "-".into() } else { String::from_utf8_lossy(&community) };
    format!("{id};{}.{};{:x}", vlan(flow.vlan[0]), vlan(flow.vlan[1]), flow.tunnel)
}

/// Base32 (RFC 4648) of the first 20 bytes of HMAC-SHA256 over the parts, each behind its length as u32, big-endian.
#[must_use]
pub fn event_id(key: &[u8; 32], parts: &Parts<'_>) -> String {
    // A key of any length will do for HMAC (RFC 2104).
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    let (start, time, ordinal) = (parts.start.to_string(), parts.time.to_string(), parts.ordinal.to_string());
    for part in ["bavn-alert-1", parts.rule, parts.version, parts.flow, &start, &time, &ordinal] {
        mac.update(&(part.len() as u32).to_be_bytes());
        mac.update(part.as_bytes());
    }
    base32(mac.finalize().into_bytes().get(..20).unwrap_or_default())
}

/// Of a multiple of five bytes, so that there is no padding.
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let group = |five: &[u8]| five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let letters = |bits: u64| (0..8).rev().map(move |place| LETTERS[(bits >> (5 * place) & 31) as usize]);
    bytes.chunks(5).map(group).flat_map(letters).map(char::from).collect()
}
