//! Whole handshakes through the parser. The recordings in `tests/data/dtls` are our own, out of `pcaps/dtls`.

use proptest::prelude::*;

use super::limits::MAX_PENDING;
use super::*;
use crate::proto::testing::{self, Conversation, Recorder, Seen, conversation, feed, recordings};
use crate::proto::x509;

recordings! { "dtls": client_cert dtls10 dtls12 fragments psk refused resumed }

fn recorder() -> Recorder {
    Recorder::new([tls::FIELDS, x509::FIELDS].concat().leak())
}

fn replay(turns: &[(Direction, Vec<u8>)]) -> Recorder {
    testing::replay::<Dtls>(recorder(), turns)
}

fn the_event(recorder: &Recorder) -> &Seen {
    let all: Vec<&Seen> = recorder.seen.iter().filter(|seen| seen.kind == EventKind::Tls).collect();
    assert_eq!(all.len(), 1);
    all[0]
}

fn certificates(recorder: &Recorder) -> Vec<&str> {
    let all = recorder.seen.iter().filter(|seen| seen.kind == EventKind::X509);
    all.map(|seen| seen.get("bavn.x509.side")).collect()
}

#[test]
fn recordings_give_their_events() {
    // Name, JA3 and JA3S as tshark 4.0 reads them; it has no JA4.
    let expected = [
        ("dtls12", "1.2", "dd2d8408cp_bd790527ddab_3c5a66c06c35", "true", "false", 1),
        ("resumed", "1.2", "dd2d840700_bd790527ddab_3c5a66c06c35", "true", "true", 0),
        ("fragments", "1.2", "dd2d840700_bd790527ddab_3c5a66c06c35", "true", "false", 1),
        ("dtls10", "1.0", "dd1d020400_a5878986a7c9_23f7d3b00788", "true", "false", 1),
        ("client_cert", "1.2", "dd2i840600_bd790527ddab_3c5a66c06c35", "true", "false", 3),
        ("refused", "", "dd1d230600_44099cda8a52_195413a0cc0f", "false", "", 0),
    ];
    for (name, version, ja4, established, resumed, chain) in expected {
        let recorder = replay(&recording(name));
        let event = the_event(&recorder);
        assert_eq!(event.get("tls.version"), version, "{name}");
        assert_eq!(event.get("tls.version_protocol"), if version.is_empty() { "" } else { "dtls" }, "{name}");
        assert_eq!(event.get("tls.client.ja4"), ja4, "{name}");
        assert_eq!(event.get("tls.established"), established, "{name}");
        assert_eq!(event.get("tls.resumed"), resumed, "{name}");
        assert_eq!(certificates(&recorder).len(), chain, "{name}");
        assert_eq!(recorder.weird(), [""; 0], "{name}");
    }
}

#[test]
fn a_client_s_certificates_are_told_apart() {
    assert_eq!(certificates(&replay(&recording("client_cert"))), ["server", "server", "client"]);
}

#[test]
fn a_chosen_protocol_and_an_alert_are_told() {
    assert_eq!(the_event(&replay(&recording("dtls12"))).get("tls.next_protocol"), "coap");
    assert_eq!(the_event(&replay(&recording("refused"))).get("bavn.tls.alert"), "protocol_version");
}

#[test]
fn datagrams_of_a_flight_in_any_order_give_the_same() {
    let turns = recording("fragments");
    let whole = replay(&turns);
    let flight: Vec<usize> = (0..turns.len()).filter(|&at| turns[at].0 == Direction::ToClient).collect();
    // The server's flight behind its cookie: hello, certificate, key exchange, done.
    let (first, last) = (flight[1], flight[8]);
    assert!(flight[1..=8].windows(2).all(|pair| pair[1] == pair[0] + 1));
    for shift in 1..=last - first {
        let mut turned = turns.clone();
        turned[first..=last].rotate_left(shift);
        let recorder = replay(&turned);
        for field in ["tls.server.hash.sha256", "tls.curve", "tls.cipher", "tls.established"] {
            assert_eq!(the_event(&recorder).get(field), the_event(&whole).get(field), "{shift} {field}");
        }
    }
}

#[test]
fn each_datagram_lost_or_twice_gives_one_event_and_nothing_odd() {
    for (name, _) in RECORDINGS {
        let turns = recording(name);
        for place in 0..turns.len() {
            let mut lost = turns.clone();
            lost.remove(place);
            let mut twice = turns.clone();
            twice.insert(place, turns[place].clone());
            for changed in [lost, twice] {
                let recorder = replay(&changed);
                the_event(&recorder);
                assert_eq!(recorder.weird(), [""; 0], "{name} {place}");
            }
        }
    }
}

#[test]
fn a_lost_fragment_leaves_the_certificate_unobserved() {
    let mut turns = recording("fragments");
    let flight: Vec<usize> = (0..turns.len()).filter(|&at| turns[at].0 == Direction::ToClient).collect();
    turns.remove(flight[3]);
    let recorder = replay(&turns);
    let event = the_event(&recorder);
    assert_eq!(event.get("tls.cipher"), "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
    assert_eq!(event.get("tls.curve"), "x25519");
    assert!(certificates(&recorder).is_empty());
}

#[test]
fn one_side_alone() {
    let turns = recording("dtls12");
    for (way, name, cipher) in [
        (Direction::ToServer, "www.agency.example", "?"),
        (Direction::ToClient, "?", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ] {
        let (mut parser, mut recorder) = (Dtls::default(), recorder());
        recorder.one_way = true;
        let one: Conversation = turns.iter().filter(|turn| turn.0 == way).cloned().collect();
        feed(&mut parser, &mut recorder, &one);
        recorder.with(ONE_WAY_WAIT, |cx| parser.tick(cx));
        let event = the_event(&recorder);
        assert_eq!(event.get("tls.client.server_name"), name);
        assert_eq!(event.get("tls.cipher"), cipher);
        assert_eq!(event.get("tls.established"), "?");
    }
}

#[test]
fn media_on_the_same_flow_are_passed_over() {
    let mut turns = recording("dtls12");
    turns.insert(2, (Direction::ToClient, vec![0x80, 0x60, 0, 1, 0, 0, 0, 1]));
    turns.insert(1, (Direction::ToServer, vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]));
    let recorder = replay(&turns);
    assert_eq!(the_event(&recorder).get("tls.established"), "true");
    assert_eq!(recorder.weird(), [""; 0]);
}

/// A record with one fragment.
fn fragment(kind: u8, len: u32, number: u16, offset: u32, data: &[u8]) -> Vec<u8> {
    let three = |value: u32| value.to_be_bytes()[1..].to_vec();
    let size = u32::try_from(data.len()).unwrap();
    let body =
        [vec![kind], three(len), number.to_be_bytes().to_vec(), three(offset), three(size), data.to_vec()]
            .concat();
    let header =
        [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0][..], &u16::try_from(body.len()).unwrap().to_be_bytes()]
            .concat();
    [header, body].concat()
}

#[test]
fn limits_are_counted_and_free_what_was_held() {
    let too_long = vec![fragment(1, 0x20_0000, 0, 0, b"x")];
    let too_many: Vec<_> =
        (0..=MAX_PENDING.get() as u16).map(|number| fragment(11, 1000, number + 1, 0, &[7; 50])).collect();
    for datagrams in [too_long, too_many] {
        let (mut parser, mut recorder) = (Dtls::default(), recorder());
        let turns: Conversation = datagrams.into_iter().map(|bytes| (Direction::ToServer, bytes)).collect();
        feed(&mut parser, &mut recorder, &turns);
        assert_eq!(recorder.weird(), ["message_too_long"]);
        assert_eq!(recorder.counters.parser_limit, 1);
        assert_eq!(parser.held(), 0);
    }
}

#[test]
fn an_offset_reserves_nothing() {
    let (mut parser, mut recorder) = (Dtls::default(), recorder());
    feed(&mut parser, &mut recorder, &[(Direction::ToServer, fragment(11, 120_000, 1, 110_000, b"x"))]);
    assert!(parser.held() < 4096, "{}", parser.held());
}

#[test]
fn nothing_is_done_where_nobody_listens() {
    let (mut parser, mut recorder) = (Dtls::default(), recorder());
    recorder.wanted = &[];
    assert_eq!(feed(&mut parser, &mut recorder, &recording("dtls12")), Next::Done);
    assert!(recorder.seen.is_empty() && recorder.packet == 1);
}

#[test]
fn probes_know_the_first_datagram_of_either_side() {
    for (name, _) in RECORDINGS {
        for way in [Direction::ToServer, Direction::ToClient] {
            let turns = recording(name);
            let (_, first) = turns.iter().find(|turn| turn.0 == way).unwrap();
            assert_eq!(Dtls::probe(first, [0, 0]), Probe::Yes, "{name} {way:?}");
        }
    }
}

proptest! {
    #[test]
    fn altered_bytes_do_no_harm(
        which in 0..RECORDINGS.len(),
        changes in prop::collection::vec((0usize..16, 0usize..1500, any::<u8>()), 1..20),
    ) {
        let mut turns = recording(RECORDINGS[which].0);
        for (turn, place, byte) in changes {
            let count = turns.len();
            let bytes = &mut turns[turn % count].1;
            let len = bytes.len();
            bytes[place % len] = byte;
        }
        prop_assert!(replay(&turns).seen.iter().filter(|seen| seen.kind == EventKind::Tls).count() <= 1);
    }

    #[test]
    fn every_cut_gives_an_event_and_nothing_odd(which in 0..RECORDINGS.len(), turn in 0usize..16, keep in 0usize..1400) {
        let mut turns = recording(RECORDINGS[which].0);
        let count = turns.len();
        turns[turn % count].1.truncate(keep);
        let (mut parser, mut recorder) = (Dtls::default(), recorder());
        recorder.cut = true;
        feed(&mut parser, &mut recorder, &turns);
        recorder.with(0, |cx| parser.close(Close::End, cx));
        prop_assert!(recorder.weird().is_empty());
    }

    #[test]
    fn random_datagrams_do_no_harm(turns in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)), 0..8)) {
        let way = |to_server| if to_server { Direction::ToServer } else { Direction::ToClient };
        let turns: Conversation = turns
            .into_iter()
            .map(|(to_server, bytes)| (way(to_server), [vec![22, 0xfe, 0xfd, 0, 0], bytes].concat()))
            .collect();
        replay(&turns);
    }
}
