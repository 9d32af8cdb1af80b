//! Packets made by hand after `src/openvpn/ssl_pkt.c`; conversations of the real program are in `pcaps/openvpn`.

use proptest::prelude::*;

use super::limits::{HANDSHAKE_WAIT, MAX_EARLY, MAX_EARLY_BYTES};
use super::*;
use crate::proto::testing::{Recorder, Seen};
use crate::proto::x509;

const CLIENT: [u8; 8] = [0xc1, 1, 2, 3, 4, 5, 6, 7];
const SERVER: [u8; 8] = [0x5e, 1, 2, 3, 4, 5, 6, 7];
const TIME: [u8; 4] = [0x6b, 0, 0, 0];
use Direction::{ToClient, ToServer};

type Turn = (Direction, Vec<u8>);

/// A control packet: opcode and key, sender, digest, acknowledged session, number, payload.
fn control(
    first: u8,
    id: [u8; 8],
    digest: usize,
    ack: Option<[u8; 8]>,
    number: u32,
    payload: &[u8],
) -> Vec<u8> {
    let guard = match digest {
        0 => Vec::new(),
        _ => [&vec![0xaa; digest][..], &(number + 1).to_be_bytes(), &TIME].concat(),
    };
    let acks = ack.map_or(vec![0], |remote| [&[1, 0, 0, 0, 0][..], &remote].concat());
    [&[first][..], &id, &guard, &acks, &number.to_be_bytes(), payload].concat()
}

/// A ClientHello with a server name in a record.
fn hello() -> Vec<u8> {
    let name = [&[0, 0, 0, 16, 0, 14, 0, 0, 11][..], b"vpn.example"].concat();
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0, 0, 20], &name].concat();
    let message = [&[1, 0, 0, body.len() as u8][..], &body].concat();
    [&[22, 3, 1, 0, message.len() as u8][..], &message].concat()
}

/// The same, cut in packets of `step` bytes.
fn conversation(digest: usize, step: usize) -> Vec<Turn> {
    let mut turns = vec![
        (ToServer, control(0x38, CLIENT, digest, None, 0, b"")),
        (ToClient, control(0x40, SERVER, digest, Some(CLIENT), 0, b"")),
    ];
    for (number, part) in hello().chunks(step).enumerate() {
        turns.push((ToServer, control(0x20, CLIENT, digest, Some(SERVER), number as u32 + 1, part)));
    }
    turns.push((ToServer, vec![0x48, 0, 0, 0, 1]));
    turns.push((ToClient, vec![0x30, 0, 0, 0, 1]));
    turns
}

fn recorder() -> Recorder {
    Recorder::new([FIELDS, tls::FIELDS, x509::FIELDS].concat().leak())
}

fn feed(parser: &mut OpenVpnDatagram, log: &mut Recorder, turns: &[Turn]) {
    for (direction, bytes) in turns {
        log.with(1000, |cx| parser.datagram(*direction, bytes, cx));
    }
}

fn replay(turns: &[Turn]) -> Recorder {
    let (mut parser, mut log) = (OpenVpnDatagram::default(), recorder());
    feed(&mut parser, &mut log, turns);
    log.with(1000, |cx| parser.close(Close::End, cx));
    assert_eq!(parser.held(), 0);
    log
}

/// The same over a stream, cut in pieces of `step` bytes.
fn stream(turns: &[Turn], step: usize) -> Recorder {
    let (mut parser, mut log) = (OpenVpnStream::default(), recorder());
    for (direction, bytes) in turns {
        let packet = [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
        for part in packet.chunks(step) {
            log.with(1000, |cx| parser.data(*direction, part, cx));
        }
    }
    log.with(1000, |cx| parser.close(Close::End, cx));
    assert_eq!(StreamParser::held(&parser), 0);
    log
}

fn of(log: &Recorder, kind: EventKind) -> Vec<&Seen> {
    log.seen.iter().filter(|seen| seen.kind == kind).collect()
}

fn show(seen: &Seen) -> [&str; 6] {
    ["client.session_id", "server.session_id", "established", "protection", "key_id", "opcode"]
        .map(|name| seen.get(&format!("bavn.openvpn.{name}")))
}

#[test]
fn an_exchange_gives_its_event_and_that_of_its_handshake() {
    for (digest, guard) in [(0, "none"), (20, "tls-auth"), (32, "tls-auth"), (64, "tls-auth")] {
        let log = replay(&conversation(digest, 40));
        let [event] = of(&log, EventKind::OpenVpn)[..] else { panic!("{digest}") };
        let want = ["c101020304050607", "5e01020304050607", "true", guard, "0", "hard_reset_client_v2"];
        assert_eq!(show(event), want);
        let [tls] = of(&log, EventKind::Tls)[..] else { panic!("{digest}") };
        assert_eq!(tls.get("tls.client.server_name"), "vpn.example");
        assert_eq!(&tls.get("tls.client.ja4")[..10], "t12d010100");
        assert_eq!(log.weird(), [""; 0]);
    }
}

#[test]
fn each_order_each_copy_and_each_cut_gives_the_same() {
    let turns = conversation(20, 10);
    let whole = replay(&turns);
    let name = |log: &Recorder| of(log, EventKind::Tls)[0].get("tls.client.ja3").to_string();
    let mut turned = turns.clone();
    let last = turned.len() - 2;
    turned[2..last].reverse();
    turned.insert(3, turned[4].clone());
    assert_eq!(name(&replay(&turned)), name(&whole));
    for step in 1..60 {
        let log = stream(&turns, step);
        assert_eq!(of(&log, EventKind::OpenVpn)[0].get("bavn.openvpn.established"), "true");
        assert_eq!(name(&log), name(&whole), "{step}");
        assert_eq!(log.weird(), [""; 0]);
    }
}

#[test]
fn a_lost_packet_of_the_hello_leaves_it_unobserved_and_nothing_odd() {
    for place in 2..6 {
        let mut turns = conversation(0, 20);
        turns.remove(place);
        let log = replay(&turns);
        assert!(of(&log, EventKind::Tls).is_empty(), "{place}");
        assert_eq!(of(&log, EventKind::OpenVpn).len(), 1);
        assert_eq!(log.weird(), [""; 0]);
    }
}

#[test]
fn what_nobody_answers_is_unobserved() {
    let reset = control(0x38, CLIENT, 0, None, 0, b"");
    let log = replay(&[(ToServer, reset.clone()), (ToServer, reset)]);
    let [event] = log.events()[..] else { panic!() };
    assert_eq!(show(event)[1..3], ["?", "?"]);
}

#[test]
fn an_exchange_that_stands_still_is_told_and_was_not_established() {
    let turns = conversation(0, 400);
    let (mut parser, mut log) = (OpenVpnDatagram::default(), recorder());
    feed(&mut parser, &mut log, &turns[..3]);
    log.with(HANDSHAKE_WAIT, |cx| parser.tick(cx));
    assert_eq!(show(of(&log, EventKind::OpenVpn)[0])[2], "false");
    assert_eq!(of(&log, EventKind::OpenVpn)[0].time, 3000);
}

#[test]
fn a_handshake_that_begins_late_is_read() {
    let turns = conversation(0, 400);
    let (mut parser, mut log) = (OpenVpnDatagram::default(), recorder());
    feed(&mut parser, &mut log, &turns[..2]);
    log.with(tls::HANDSHAKE_WAIT, |cx| parser.tick(cx));
    feed(&mut parser, &mut log, &turns[2..]);
    assert_eq!(of(&log, EventKind::Tls).len(), 1);
}

#[test]
fn a_renewed_key_is_an_exchange_of_its_own() {
    let mut turns = conversation(0, 400);
    turns.push((ToClient, control(0x19, SERVER, 0, None, 0, b"")));
    turns.push((ToServer, control(0x19, CLIENT, 0, Some(SERVER), 0, b"")));
    turns.push((ToServer, control(0x21, CLIENT, 0, Some(SERVER), 1, &hello())));
    turns.extend([
        (ToServer, vec![0x49]),
        (ToClient, vec![0x49]),
        (ToClient, control(0x19, SERVER, 0, None, 0, b"")),
    ]);
    let log = replay(&turns);
    let [_, renewed] = of(&log, EventKind::OpenVpn)[..] else { panic!() };
    assert_eq!(show(renewed)[..3], ["5e01020304050607", "c101020304050607", "true"]);
    assert_eq!(show(renewed)[4..], ["1", "soft_reset_v1"]);
    assert_eq!(of(&log, EventKind::Tls).len(), 2);
}

#[test]
fn what_tls_crypt_hides_gives_no_handshake() {
    let crypt = |first: u8, id: [u8; 8], len: usize| {
        [&[first][..], &id, &[0x0f, 0, 0, 1], &TIME, &vec![0x55; len]].concat()
    };
    let log = replay(&[
        (ToServer, crypt(0x38, CLIENT, 37)),
        (ToClient, crypt(0x40, SERVER, 49)),
        (ToServer, crypt(0x20, CLIENT, 300)),
    ]);
    let [event] = log.events()[..] else { panic!() };
    assert_eq!(show(event)[3], "tls-crypt");
    assert_eq!(event.get("bavn.openvpn.packet_id"), "251658241");
    let wrapped = [crypt(0x50, CLIENT, 37 + 290), 292u16.to_be_bytes().to_vec()].concat();
    let log = replay(&[(ToServer, wrapped)]);
    assert_eq!(show(log.events()[0])[3], "tls-crypt-v2");
    assert_eq!(log.weird(), [""; 0]);
}

#[test]
fn limits_are_counted_and_free_what_was_held() {
    let early = |number: usize, len: usize| {
        (ToServer, control(0x20, CLIENT, 0, None, number as u32 + 2, &vec![22; len]))
    };
    let many: Vec<Turn> = (0..=MAX_EARLY.get()).map(|number| early(number, 9)).collect();
    let large: Vec<Turn> = (0..2).map(|number| early(number, MAX_EARLY_BYTES.get() / 2 + 1)).collect();
    for packets in [many, large] {
        let (mut parser, mut log) = (OpenVpnDatagram::default(), recorder());
        feed(&mut parser, &mut log, &conversation(0, 400)[..2]);
        feed(&mut parser, &mut log, &packets);
        assert_eq!((log.counters.parser_limit, log.weird()), (1, vec!["openvpn_too_many_early"]));
        assert!(parser.held() < 2048, "{}", parser.held());
    }
}

#[test]
fn what_is_no_packet_is_told_and_what_the_capture_cut_is_not() {
    for (cut, want) in [(false, vec!["openvpn_bad_packet"]), (true, vec![])] {
        let (mut parser, mut log) = (OpenVpnDatagram::default(), recorder());
        feed(&mut parser, &mut log, &conversation(0, 400)[..2]);
        log.cut = cut;
        feed(&mut parser, &mut log, &[(ToServer, control(0x20, CLIENT, 0, None, 1, b"")[..12].to_vec())]);
        assert_eq!(log.weird(), want);
    }
}

#[test]
fn probes_know_resets_and_nothing_else() {
    for digest in [0, 16, 20, 28, 32, 48, 64] {
        for (_, reset) in &conversation(digest, 400)[..2] {
            assert_eq!(OpenVpnDatagram::probe(reset, [0, 0]), Probe::Yes);
            let framed = [&(reset.len() as u16).to_be_bytes()[..], reset].concat();
            assert_eq!(OpenVpnStream::probe(&framed, ToServer), Probe::Yes);
            for cut in 0..framed.len() {
                assert_eq!(OpenVpnStream::probe(&framed[..cut], ToServer), Probe::More, "{cut}");
            }
            for place in [0, reset.len() - 1] {
                let mut other = reset.clone();
                other[place] ^= 0x81;
                assert_eq!(OpenVpnDatagram::probe(&other, [0, 0]), Probe::No);
            }
        }
    }
    let others: [&[u8]; 4] = [b"", b"8", b"8.8.8.8 is up\n", &[0x38; 54]];
    for bytes in others {
        assert_eq!(OpenVpnDatagram::probe(bytes, [1194, 1194]), Probe::No);
    }
}

#[test]
fn nothing_is_done_where_nobody_listens() {
    let mut log = recorder();
    log.wanted = &[];
    let mut parser = OpenVpnDatagram::default();
    let reset = control(0x38, CLIENT, 0, None, 0, b"");
    assert_eq!(log.with(1, |cx| parser.datagram(ToServer, &reset, cx)), Next::Done);
}

proptest! {
    #[test]
    fn altered_bytes_do_no_harm(
        digest in prop::sample::select(vec![0usize, 20, 32]),
        changes in prop::collection::vec((0usize..20, 0usize..200, any::<u8>()), 1..20),
    ) {
        let mut turns = conversation(digest, 25);
        for (turn, place, byte) in changes {
            let count = turns.len();
            let bytes = &mut turns[turn % count].1;
            let len = bytes.len();
            bytes[place % len] = byte;
        }
        replay(&turns);
        stream(&turns, 7);
    }

    #[test]
    fn random_datagrams_are_not_taken(bytes in prop::collection::vec(any::<u8>(), 0..1400)) {
        prop_assert_eq!(OpenVpnDatagram::probe(&bytes, [1194, 1194]), Probe::No);
    }
}
