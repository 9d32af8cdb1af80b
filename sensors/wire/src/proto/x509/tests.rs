//! Certificates of our own: those that the recordings of DTLS and TLS hold.

use proptest::prelude::*;

use super::limits::MAX_TOLD;
use super::*;
use crate::messages::EventKind;
use crate::proto::testing::Recorder;

/// The server's certificate of `tests/data/tls/tls12.hex`: self-signed, with every kind of alternative name.
fn certificate() -> Vec<u8> {
    let text = include_str!("../../../tests/data/tls/tls12.hex");
    let row = text.lines().find(|line| line.starts_with('<')).unwrap()[2..].trim();
    let bytes: Vec<u8> =
        (0..row.len()).step_by(2).map(|at| u8::from_str_radix(&row[at..at + 2], 16).unwrap()).collect();
    // The Certificate message: type 11, three lengths, then DER that begins with a long SEQUENCE.
    let at = bytes
        .windows(12)
        .position(|part| part[0] == 11 && part[1] == 0 && part[10..] == [0x30, 0x82])
        .unwrap();
    let len = usize::from(bytes[at + 8]) << 8 | usize::from(bytes[at + 9]);
    bytes[at + 10..at + 10 + len].to_vec()
}

fn told(chain: &[&[u8]]) -> Recorder {
    let mut recorder = Recorder::new(FIELDS);
    recorder.time = 1_795_358_400_000_000_000;
    recorder.with(0, |cx| tell(chain.iter().copied(), Side::Server, Some(None), cx));
    recorder
}

#[test]
fn a_certificate_is_told_whole() {
    let bytes = certificate();
    let recorder = told(&[&bytes, &bytes]);
    let events = recorder.events();
    let positions: Vec<&str> = events.iter().map(|event| event.get("bavn.x509.position")).collect();
    assert_eq!(positions, ["0", "1"]);
    let first = events[0];
    assert_eq!(first.get("bavn.x509.self_signed"), "true");
    assert_eq!(first.get("bavn.x509.expired"), "false");
    assert_eq!(first.get("x509.version_number"), "3");
    assert_eq!(first.get("x509.issuer.distinguished_name"), first.get("x509.subject.distinguished_name"));
    assert_eq!(first.get("x509.subject.common_name"), "www.example.org");
}

#[test]
fn serial_numbers_have_two_forms_where_zeros_lead() {
    let mut bytes = certificate();
    let serial = Certificate::parse(&bytes).unwrap().serial.to_vec();
    let at = bytes.windows(serial.len()).position(|part| part == serial).unwrap();
    bytes[at] = 0x08;
    let recorder = told(&[&bytes]);
    let event = recorder.events()[0];
    let long = event.get("x509.serial_number");
    assert!(long.starts_with("08"));
    assert_eq!(event.get("bavn.x509.serial_numbers"), format!("{long}|{}", &long[1..]));
}

#[test]
fn a_chain_without_end_is_counted() {
    let bytes = certificate();
    let recorder = told(&vec![&bytes[..]; MAX_TOLD.get() + 1]);
    assert_eq!(recorder.events().len(), MAX_TOLD.get());
    assert_eq!(recorder.counters.parser_limit, 1);
}

#[test]
fn nothing_is_done_where_nobody_listens() {
    let bytes = certificate();
    let mut recorder = Recorder::new(FIELDS);
    recorder.wanted = &[EventKind::Tls];
    recorder.with(0, |cx| tell([&bytes[..]].into_iter(), Side::Client, None, cx));
    assert!(recorder.seen.is_empty());
}

#[test]
fn every_cut_is_a_certificate_or_none() {
    let bytes = certificate();
    for len in 0..bytes.len() {
        assert!(told(&[&bytes[..len]]).events().is_empty(), "{len}");
    }
}

proptest! {
    #[test]
    fn altered_bytes_do_no_harm(changes in prop::collection::vec((0usize..2000, any::<u8>()), 1..20)) {
        let mut bytes = certificate();
        for (place, byte) in changes {
            let len = bytes.len();
            bytes[place % len] = byte;
        }
        prop_assert!(told(&[&bytes]).events().len() <= 1);
    }
}
