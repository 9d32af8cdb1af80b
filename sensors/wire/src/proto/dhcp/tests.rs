use super::*;
use crate::proto::testing::{Recorder, Seen};
use Direction::{ToClient as S, ToServer as C};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];

/// Operation, ciaddr and yiaddr, and options one after the other.
fn message(op: u8, id: u8, own: u8, given: u8, options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![op, 1, 6, 0, 0, 0, 0, id, 0, 0, 0, 0];
    for last in [own, given, 0, 0] {
        bytes.extend(if last == 0 { [0; 4] } else { [10, 0, 0, last] });
    }
    bytes.extend(MAC);
    bytes.resize(236, 0);
    bytes.extend([99, 130, 83, 99]);
    for (code, value) in options {
        bytes.extend([*code, value.len() as u8]);
        bytes.extend(*value);
    }
    bytes.push(255);
    bytes
}

fn asks(kind: u8) -> Vec<u8> {
    let own: [(u8, &[u8]); 6] = [
        (53, &[kind]),
        (12, b"laptop\0"),
        (50, &[10, 0, 0, 9]),
        (55, &[1, 3, 6, 121]),
        (60, b"udhcp 1.35"),
        (61, &[1, 2, 0, 0, 0, 0, 7]),
    ];
    message(1, 5, 0, 0, &own)
}

fn says(kind: u8) -> Vec<u8> {
    let given: [(u8, &[u8]); 9] = [
        (53, &[kind]),
        (54, &[10, 0, 0, 1]),
        (51, &[0, 0, 14, 16]),
        (1, &[255, 255, 255, 0]),
        (3, &[10, 0, 0, 1]),
        (6, &[10, 0, 0, 2, 10, 0, 0, 3]),
        (15, b"agency.example"),
        (121, &[24, 192, 0, 2, 10, 0, 0, 1, 0, 10, 0, 0, 254]),
        (252, b"http://10.0.0.6/wpad.dat"),
    ];
    message(2, 5, 0, 9, &given)
}

/// Each step in a flow of its own sort: requests and answers are different flows.
fn run(steps: &[(Direction, Vec<u8>)]) -> Recorder {
    let mut recorder = Recorder::new(FIELDS);
    let mut flows = [Dhcp::default(), Dhcp::default()];
    for (direction, bytes) in steps {
        recorder.with(1000, |cx| flows[direction.index()].datagram(*direction, bytes, cx));
    }
    for mut flow in flows {
        recorder.with(1000, |cx| flow.close(Close::Timeout, cx));
        assert_eq!(flow.held(), 0);
    }
    recorder
}

fn told(recorder: &Recorder) -> Vec<&Seen> {
    recorder.seen.iter().filter(|seen| seen.kind == EventKind::Dhcp).collect()
}

#[test]
fn four_messages_are_one_event() {
    let run = run(&[(C, asks(1)), (S, says(2)), (C, asks(3)), (S, says(5)), (S, says(5))]);
    let told = told(&run);
    assert_eq!((told.len(), told[0].packet), (1, 4));
    for (name, value) in [
        ("bavn.dhcp.message_types", "DISCOVER|OFFER|REQUEST|ACK"),
        ("bavn.dhcp.transaction_id", "0x00000005"),
        ("client.mac", "02-00-00-00-00-07"),
        ("bavn.dhcp.host_name", "laptop"),
        ("bavn.dhcp.requested_ip", "10.0.0.9"),
        ("bavn.dhcp.assigned_ip", "10.0.0.9"),
        ("bavn.dhcp.parameter_request_list", "1|3|6|121"),
        ("bavn.dhcp.vendor_class", "udhcp 1.35"),
        ("bavn.dhcp.client_id", "01020000000007"),
        ("server.ip", "10.0.0.1"),
        ("bavn.dhcp.servers", "10.0.0.1"),
        ("bavn.dhcp.lease_time", "3600"),
        ("bavn.dhcp.subnet_mask", "255.255.255.0"),
        ("bavn.dhcp.routers", "10.0.0.1"),
        ("bavn.dhcp.dns", "10.0.0.2|10.0.0.3"),
        ("bavn.dhcp.domain", "agency.example"),
        ("bavn.dhcp.static_routes", "192.0.2.0/24 via 10.0.0.1|0.0.0.0/0 via 10.0.0.254"),
        ("bavn.dhcp.wpad", "http://10.0.0.6/wpad.dat"),
    ] {
        assert_eq!(told[0].get(name), value, "{name}");
    }
}

#[test]
fn a_client_that_asked_for_long_still_shows_how_it_ended() {
    let mut steps = vec![(C, asks(1)); 30];
    steps.extend([(S, says(2)), (S, says(2)), (C, asks(3)), (S, says(5))]);
    let run = run(&steps);
    let kinds = told(&run)[0].get("bavn.dhcp.message_types");
    assert!(kinds.starts_with("DISCOVER|DISCOVER") && kinds.ends_with("OFFER|OFFER|REQUEST|ACK"), "{kinds}");
    assert_eq!(kinds.split('|').count(), limits::MAX_MESSAGES.get());
    assert_eq!(run.counters.parser_limit, 1);
}

#[test]
fn each_server_that_confirms_is_told() {
    let mut other = says(5);
    let at = other.windows(6).position(|part| part == [54, 4, 10, 0, 0, 1]).unwrap();
    other[at + 5] = 66;
    let run = run(&[(C, asks(8)), (S, says(5)), (S, other.clone()), (S, says(5)), (S, other)]);
    let told = told(&run);
    let servers: Vec<_> = told.iter().map(|seen| seen.get("bavn.dhcp.servers")).collect();
    assert_eq!(servers, ["10.0.0.1", "10.0.0.1|10.0.0.66"]);
    assert_eq!(told[1].get("server.ip"), "10.0.0.66");
    assert_eq!(told[1].get("bavn.dhcp.message_types"), "INFORM|ACK|ACK");
    assert_eq!(told[1].get("bavn.dhcp.host_name"), "laptop");
}

#[test]
fn of_many_different_messages_the_oldest_go() {
    let mut steps: Vec<_> = (0..20).flat_map(|_| [(C, asks(1)), (S, says(2))]).collect();
    steps.extend([(C, asks(3)), (S, says(6))]);
    let run = run(&steps);
    let kinds = told(&run)[0].get("bavn.dhcp.message_types");
    assert!(kinds.starts_with("DISCOVER|OFFER|DISCOVER") && kinds.ends_with("OFFER|REQUEST|NAK"), "{kinds}");
}

#[test]
fn what_one_side_said_leaves_the_other_unobserved() {
    let client = run(&[(C, asks(1))]);
    assert_eq!(told(&client)[0].get("bavn.dhcp.lease_time"), "?");
    assert_eq!((told(&client)[0].time, told(&client)[0].packet), (1000, 1));
    let server = run(&[(S, says(5))]);
    assert_eq!(told(&server)[0].get("bavn.dhcp.host_name"), "?");
    assert_eq!(told(&server)[0].get("bavn.dhcp.assigned_ip"), "10.0.0.9");
}

#[test]
fn a_release_a_refusal_and_a_new_start_end_exchanges() {
    let release = message(1, 9, 9, 0, &[(53, &[7]), (54, &[10, 0, 0, 1])]);
    let refusal = message(2, 5, 0, 0, &[(53, &[6]), (54, &[10, 0, 0, 1]), (56, b"wrong network")]);
    let run = run(&[
        (C, release),
        (C, asks(3)),
        (S, refusal),
        (C, asks(1)),
        (S, says(2)),
        (C, asks(3)),
        (S, says(5)),
    ]);
    let kinds: Vec<_> = told(&run).iter().map(|seen| seen.get("bavn.dhcp.message_types")).collect();
    assert_eq!(kinds, ["RELEASE", "REQUEST|NAK", "DISCOVER|OFFER|REQUEST|ACK"]);
    assert_eq!(told(&run)[0].get("bavn.dhcp.client_ip"), "10.0.0.9");
    assert_eq!(told(&run)[0].get("bavn.dhcp.lease_time"), "", "a release wants no answer");
    assert_eq!(told(&run)[1].get("bavn.dhcp.message"), "wrong network");
}

#[test]
fn options_may_stand_in_other_fields_and_in_pieces() {
    let mut bytes = message(2, 5, 0, 9, &[(53, &[5]), (52, &[3]), (15, b"agency")]);
    bytes[108..118].copy_from_slice(&[15, 8, b'.', b'e', b'x', b'a', b'm', b'p', b'l', b'e']);
    bytes[118] = 255;
    bytes[44..50].copy_from_slice(&[54, 4, 10, 0, 0, 77]);
    bytes[50] = 255;
    let run = run(&[(S, bytes)]);
    assert_eq!(told(&run)[0].get("bavn.dhcp.domain"), "agency.example");
    assert_eq!(told(&run)[0].get("server.ip"), "10.0.0.77");
    assert_eq!(told(&run)[0].get("bavn.dhcp.boot_file"), "");
}

#[test]
fn full_names_come_in_two_forms() {
    for (value, name) in
        [(&b"\0\0\0ann.example"[..], "ann.example"), (b"\x05\0\0\x03ann\x07example\0", "ann.example")]
    {
        assert_eq!(message::full_name(value).as_deref(), Some(name.as_bytes()));
    }
    assert_eq!(message::full_name(b"\x04\0\0\x09ann"), None);
}

#[test]
fn every_cut_is_told_or_is_none() {
    for whole in [asks(1), says(5)] {
        for cut in 0..whole.len() {
            let run = run(&[(C, whole[..cut].to_vec())]);
            assert_eq!(told(&run).len(), usize::from(cut >= message::FIXED), "{cut}");
            let is_message = Dhcp::probe(&whole[..cut], [68, 67]);
            assert_eq!(is_message == Probe::Yes, cut >= message::FIXED);
        }
    }
}

#[test]
fn a_flood_of_exchanges_is_bounded_and_each_is_told() {
    let (mut recorder, mut flow) = (Recorder::new(FIELDS), Dhcp::default());
    for number in 0..2000_u32 {
        let mut bytes = asks(1);
        bytes[4..8].copy_from_slice(&number.to_be_bytes());
        recorder.with(1, |cx| flow.datagram(C, &bytes, cx));
        assert!(flow.begun.len() <= MAX_PER_FLOW.get());
        assert_eq!(recorder.shared.dhcp.held(), recorder.shared.dhcp.count());
    }
    let mut others: Vec<Dhcp> = (0..1000).map(|_| Dhcp::default()).collect();
    for (number, other) in others.iter_mut().enumerate() {
        let mut bytes = asks(1);
        bytes[4..8].copy_from_slice(&(number as u32 + 5000).to_be_bytes());
        recorder.with(1, |cx| other.datagram(C, &bytes, cx));
        assert!(
            recorder.shared.dhcp.len() <= limits::MAX_EXCHANGES.get()
                && recorder.shared.dhcp.held() < 1 << 20
        );
    }
    for other in others.iter_mut().chain([&mut flow]) {
        recorder.with(1, |cx| other.close(Close::Evicted, cx));
    }
    assert_eq!(told(&recorder).len(), 3000);
    assert!(recorder.counters.parser_limit > 0 && recorder.weird().contains(&"dhcp_too_many_exchanges"));
    assert_eq!((recorder.shared.dhcp.len(), recorder.shared.dhcp.held()), (0, 0));
}

#[test]
fn what_exchanges_hold_is_counted_whatever_comes() {
    let (mut recorder, mut flow) = (Recorder::new(FIELDS), Dhcp::default());
    for (number, kind) in [1, 3, 3, 8, 1, 1, 7, 4, 1].into_iter().cycle().take(300).enumerate() {
        let mut bytes = if number % 4 == 3 { says(5) } else { asks(kind) };
        bytes[7] = (number / 5) as u8;
        recorder.with(50_000_000, |cx| flow.datagram(C, &bytes, cx));
        recorder.with(1, |cx| flow.tick(cx));
        assert_eq!(recorder.shared.dhcp.held(), recorder.shared.dhcp.count(), "{number}");
    }
    recorder.shared.relieve(0);
    assert_eq!(recorder.shared.dhcp.held(), recorder.shared.dhcp.count());
}

proptest::proptest! {
    #[test]
    fn random_options_never_panic(tail: Vec<u8>, op in 0..4_u8) {
        let mut bytes = message(op, 1, 0, 0, &[]);
        bytes.pop();
        bytes.extend(tail);
        run(&[(C, bytes.clone()), (S, bytes)]);
    }
}
