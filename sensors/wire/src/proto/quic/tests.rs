//! Whole connections through the parser. The recordings in `tests/data/quic` are our own, out of `pcaps/quic`.

use proptest::prelude::*;

use super::limits::MAX_FAILURES;
use super::*;
use crate::proto::testing::{self, Conversation, Recorder, Seen, conversation, feed, recordings};

recordings! { "quic": chromium negotiation refused retry two_packets upgrade v1 v1_resumed }

fn recorder() -> Recorder {
    Recorder::new(FIELDS)
}

fn replay(turns: &[(Direction, Vec<u8>)]) -> Recorder {
    testing::replay::<Quic>(recorder(), turns)
}

fn the_event(recorder: &Recorder) -> &Seen {
    let events = recorder.events();
    assert_eq!(events.len(), 1);
    events[0]
}

const NAME: &str = "tls.client.server_name";

#[test]
fn recordings_give_their_events() {
    // Names, version and ids as tshark 4.0 reads them; it has no JA4.
    let expected = [
        ("v1", "1", "1", "q13d0308h3_55b375c5d22e_a06176d7f541", "true", "false"),
        ("v1_resumed", "1", "1", "q13d0310hp_55b375c5d22e_43a52939c45c", "true", "true"),
        ("retry", "1", "1", "q13d0308hp_55b375c5d22e_a06176d7f541", "true", "false"),
        ("upgrade", "1", "2", "q13d0308h3_55b375c5d22e_a06176d7f541", "true", "false"),
        ("negotiation", "1", "2", "q13d0308h3_55b375c5d22e_a06176d7f541", "true", "false"),
        ("two_packets", "1", "1", "q13d0308h3_55b375c5d22e_a06176d7f541", "true", "false"),
        ("refused", "1", "1", "q13d0308dq_55b375c5d22e_a06176d7f541", "false", "false"),
    ];
    for (name, first, version, ja4, established, early) in expected {
        let recorder = replay(&recording(name));
        let event = the_event(&recorder);
        assert_eq!(event.get(NAME), "www.agency.example", "{name}");
        assert_eq!(event.get("bavn.quic.client.version"), first, "{name}");
        assert_eq!(event.get("bavn.quic.version"), version, "{name}");
        assert_eq!(event.get("tls.client.ja4"), ja4, "{name}");
        assert_eq!(event.get("tls.established"), established, "{name}");
        assert_eq!(event.get("bavn.quic.early_data"), early, "{name}");
        assert_eq!(event.get("bavn.quic.retry"), if name == "retry" { "true" } else { "false" });
        assert_eq!(recorder.weird(), [""; 0], "{name}");
    }
}

#[test]
fn a_refusal_tells_its_reason() {
    let recorder = replay(&recording("refused"));
    let event = the_event(&recorder);
    assert_eq!(event.get("bavn.quic.close.code"), "376");
    assert_eq!(event.get("bavn.quic.close.reason"), "No common ALPN protocols");
    assert_eq!(event.get("tls.cipher"), "?");
}

#[test]
fn versions_of_a_negotiation_are_told() {
    let recorder = replay(&recording("negotiation"));
    let event = the_event(&recorder);
    assert_eq!(event.get("bavn.quic.server.versions"), "2");
    assert_eq!(event.get("bavn.quic.client.versions"), "1|2");
}

#[test]
fn a_browser_that_scrambles_its_hello_is_read() {
    let turns = recording("chromium");
    let (first, rest): (Vec<_>, Vec<_>) =
        turns.iter().cloned().partition(|turn| turn.0 == Direction::ToServer);
    assert!(first.len() >= 2 && !rest.is_empty());
    let recorder = replay(&turns);
    let event = the_event(&recorder);
    assert_eq!(event.get(NAME), "www.agency.example");
    assert_eq!(event.get("bavn.tls.client.alpn"), "h3");
    assert_eq!(event.get("bavn.quic.client.connection_id"), "");
    assert!(event.get("tls.client.ja4").starts_with("q13d0312h3_55b375c5d22e_"));
    // Its second datagram first.
    let mut turned = turns.clone();
    turned.swap(0, 1);
    let other = replay(&turned);
    assert_eq!(the_event(&other).get("tls.client.ja4"), event.get("tls.client.ja4"));
}

#[test]
fn a_lost_part_of_the_hello_leaves_the_client_unobserved() {
    let mut turns = recording("two_packets");
    turns.remove(0);
    let recorder = replay(&turns);
    let event = the_event(&recorder);
    for field in
        [NAME, "tls.client.ja3", "tls.client.ja4", "bavn.quic.client.parameters", "user_agent.original"]
    {
        assert_eq!(event.get(field), "?", "{field}");
    }
    assert_eq!(event.get("bavn.quic.client.version"), "1");
    assert_eq!(recorder.weird(), [""; 0]);
}

#[test]
fn each_datagram_lost_or_twice_gives_one_event_and_no_other_name() {
    for (name, _) in RECORDINGS {
        let turns = recording(name);
        for place in 0..turns.len() {
            let mut lost = turns.clone();
            lost.remove(place);
            let mut twice = turns.clone();
            twice.insert(place, turns[place].clone());
            for changed in [lost, twice] {
                let recorder = replay(&changed);
                assert!(
                    ["www.agency.example", "?"].contains(&the_event(&recorder).get(NAME)),
                    "{name} {place}"
                );
                assert_eq!(recorder.weird(), [""; 0], "{name} {place}");
            }
        }
    }
}

#[test]
fn one_side_alone() {
    let turns = recording("v1");
    for (way, name) in [(Direction::ToServer, "www.agency.example"), (Direction::ToClient, "?")] {
        let (mut parser, mut recorder) = (Quic::default(), recorder());
        recorder.one_way = true;
        let one: Conversation = turns.iter().filter(|turn| turn.0 == way).cloned().collect();
        feed(&mut parser, &mut recorder, &one);
        recorder.with(ONE_WAY_WAIT, |cx| parser.tick(cx));
        let event = the_event(&recorder);
        assert_eq!(event.get(NAME), name);
        assert_eq!(event.get("tls.cipher"), "?");
        assert_eq!(event.get("bavn.quic.version"), "1");
    }
}

#[test]
fn standing_still_is_told_after_a_while_with_the_time_of_the_last_datagram() {
    let turns = recording("v1");
    let (mut parser, mut recorder) = (Quic::default(), recorder());
    feed(&mut parser, &mut recorder, &turns[..1]);
    recorder.with(HANDSHAKE_WAIT - 1, |cx| parser.tick(cx));
    assert!(recorder.events().is_empty());
    recorder.with(1, |cx| parser.tick(cx));
    let event = the_event(&recorder);
    assert_eq!((event.time, event.packet), (1_000_000, 1));
    assert_eq!(event.get("tls.established"), "false");
}

#[test]
fn nothing_is_done_where_nobody_listens() {
    let (mut parser, mut recorder) = (Quic::default(), recorder());
    recorder.wanted = &[];
    assert_eq!(feed(&mut parser, &mut recorder, &recording("v1")), Next::Done);
    assert!(recorder.seen.is_empty() && recorder.packet == 1);
}

#[test]
fn a_forged_retry_changes_nothing() {
    let mut turns = recording("v1");
    let retry = recording("retry").into_iter().find(|turn| turn.0 == Direction::ToClient).unwrap();
    turns.insert(1, retry);
    let recorder = replay(&turns);
    assert_eq!(recorder.weird(), ["retry_forged"]);
    let event = the_event(&recorder);
    assert_eq!((event.get("bavn.quic.retry"), event.get("tls.established")), ("false", "true"));
}

#[test]
fn packets_that_nothing_opens_are_given_up() {
    let mut turns = recording("v1");
    turns.truncate(1);
    turns[0].1[100] ^= 1;
    let many = vec![turns[0].clone(); MAX_FAILURES.get() + 5];
    let (mut parser, mut recorder) = (Quic::default(), recorder());
    assert_eq!(feed(&mut parser, &mut recorder, &many), Next::Done);
    assert_eq!(recorder.packet, MAX_FAILURES.get() as u64);
    assert_eq!(the_event(&recorder).get(NAME), "?");
}

#[test]
fn a_cut_datagram_shows_what_is_left_of_it() {
    let mut turns = recording("v1");
    turns[0].1.truncate(600);
    let (mut parser, mut recorder) = (Quic::default(), recorder());
    recorder.cut = true;
    feed(&mut parser, &mut recorder, &turns[..1]);
    recorder.with(0, |cx| parser.close(Close::Timeout, cx));
    assert_eq!(the_event(&recorder).get(NAME), "www.agency.example");
    assert_eq!(recorder.weird(), [""; 0]);
}

#[test]
fn probes_know_the_first_datagram_of_either_side() {
    for (name, _) in RECORDINGS {
        for way in [Direction::ToServer, Direction::ToClient] {
            let turns = recording(name);
            let (_, first) = turns.iter().find(|turn| turn.0 == way).unwrap();
            let is_retry = *name == "retry" && way == Direction::ToClient;
            assert_eq!(
                Quic::probe(first, [0, 0]),
                if is_retry { Probe::No } else { Probe::Yes },
                "{name} {way:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn altered_bytes_do_no_harm(
        which in 0..RECORDINGS.len(),
        changes in prop::collection::vec((0usize..8, 0usize..1500, any::<u8>()), 1..20),
    ) {
        let mut turns = recording(RECORDINGS[which].0);
        for (turn, place, byte) in changes {
            let count = turns.len();
            let bytes = &mut turns[turn % count].1;
            let len = bytes.len();
            bytes[place % len] = byte;
        }
        prop_assert!(replay(&turns).events().len() <= 1);
    }

    #[test]
    fn random_datagrams_do_no_harm(turns in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)), 0..8)) {
        let way = |to_server| if to_server { Direction::ToServer } else { Direction::ToClient };
        let turns: Conversation = turns.into_iter().map(|(to_server, bytes)| (way(to_server), bytes)).collect();
        prop_assert!(replay(&turns).events().len() <= 1);
    }

    #[test]
    fn every_cut_gives_the_same_name_or_none(which in 0..RECORDINGS.len(), turn in 0usize..3, keep in 0usize..1400) {
        let mut turns = recording(RECORDINGS[which].0);
        let count = turns.len();
        turns[turn % count].1.truncate(keep);
        let (mut parser, mut recorder) = (Quic::default(), recorder());
        recorder.cut = true;
        feed(&mut parser, &mut recorder, &turns);
        recorder.with(0, |cx| parser.close(Close::End, cx));
        for event in recorder.events() {
            prop_assert!(["www.agency.example", "?"].contains(&event.get(NAME)));
        }
    }
}
