//! The sample packets of RFC 9001 A and RFC 9369 A.

use super::*;
use crate::messages::Direction;
use crate::proto::quic::packet::{self, Packet};

/// The connection id that both appendices use.
const ID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

const SAMPLES: [(Version, &str); 2] = [
    (Version::V1, include_str!("../../../../tests/data/quic/rfc9001.txt")),
    (Version::V2, include_str!("../../../../tests/data/quic/rfc9369.txt")),
];

fn sample(text: &str, name: &str) -> Vec<u8> {
    let row = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
    (0..row.len()).step_by(2).map(|at| u8::from_str_radix(&row[at..at + 2], 16).unwrap()).collect()
}

fn open(version: Version, bytes: &[u8], from: Direction) -> Option<Opened> {
    match packet::next(&mut &bytes[..], false) {
        Some(Packet::Initial(found, packet)) => {
            assert_eq!(found, version);
            initial(version, &ID)[from.index()].open(&packet)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn initial_packets_of_both_sides_open() {
    for (version, text) in SAMPLES {
        for (side, from) in [("client", Direction::ToServer), ("server", Direction::ToClient)] {
            let packet = sample(text, &format!("{side}_packet"));
            let frames = sample(text, &format!("{side}_frames"));
            let opened = open(version, &packet, from).unwrap();
            let (said, padding) = opened.frames().split_at(frames.len());
            assert_eq!(said, frames);
            assert!(padding.iter().all(|&byte| byte == 0));
        }
    }
}

#[test]
fn an_altered_packet_does_not_open() {
    for (version, text) in SAMPLES {
        let packet = sample(text, "server_packet");
        for place in [0, 5, 10, 18, 19, 40, packet.len() - 1] {
            let mut altered = packet.clone();
            altered[place] ^= 1;
            let bytes = altered.as_slice();
            if let Some(Packet::Initial(found, packet)) = packet::next(&mut &bytes[..], false) {
                assert!(initial(found, &ID)[1].open(&packet).is_none(), "{version:?} {place}");
            }
        }
        assert!(open(version, &packet, Direction::ToServer).is_none());
    }
}

#[test]
fn the_beginning_of_a_cut_packet_opens() {
    let (version, text) = SAMPLES[0];
    let (bytes, frames) = (sample(text, "client_packet"), sample(text, "client_frames"));
    let Some(Packet::Initial(_, packet)) = packet::next(&mut &bytes[..200], true) else { panic!() };
    let opened = initial(version, &ID)[0].open(&packet).unwrap();
    assert_eq!(opened.frames(), &frames[..200 - 22]);
}

#[test]
fn a_retry_is_genuine_for_its_connection_only() {
    for (version, text) in SAMPLES {
        let bytes = sample(text, "retry_packet");
        let Some(Packet::Retry(found, retry)) = packet::next(&mut &bytes[..], false) else { panic!() };
        assert_eq!(found, version);
        assert!(is_genuine(version, &retry, &ID));
        assert!(!is_genuine(version, &retry, &ID[1..]));
    }
}
