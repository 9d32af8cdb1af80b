use super::*;
use crate::proto::testing::Recorder;

const MASTER: u16 = 1;
const STATION: u16 = 10;

/// A link frame with user data; the master's side where `down`.
fn frame(down: bool, user: &[u8]) -> Vec<u8> {
    let (control, to, from) = if down { (0xc4, STATION, MASTER) } else { (0x44, MASTER, STATION) };
    addressed(control, to, from, user)
}

fn addressed(control: u8, to: u16, from: u16, user: &[u8]) -> Vec<u8> {
    let head =
        [&[0x05, 0x64, user.len() as u8 + 5, control][..], &to.to_le_bytes(), &from.to_le_bytes()].concat();
    let mut whole = crc::sealed(&head);
    for block in user.chunks(16) {
        whole.extend(crc::sealed(block));
    }
    whole
}

/// One segment that is a whole fragment.
fn single(down: bool, fragment: &[u8]) -> Vec<u8> {
    frame(down, &[&[0xc0][..], fragment].concat())
}

fn run(parts: &[(Direction, &[u8])]) -> Recorder {
    let mut log = Recorder::new(FIELDS);
    let mut parser = Dnp3Stream::default();
    for (direction, bytes) in parts {
        log.with(1000, |cx| parser.data(*direction, bytes, cx));
    }
    log.with(1000, |cx| parser.close(Close::End, cx));
    log
}

fn ask(request: &[u8], answer: &[u8]) -> Recorder {
    run(&[(Direction::ToServer, &single(true, request)), (Direction::ToClient, &single(false, answer))])
}

const READ_CLASSES: &[u8] = &[0xc3, 1, 60, 2, 6, 60, 3, 6, 60, 4, 6, 60, 1, 6];
/// Two binary inputs with flags, three analog inputs of 16 bits.
const VALUES: &[u8] =
    &[0xc3, 129, 0x80, 0, 1, 2, 0, 0, 1, 0x81, 1, 30, 2, 0, 0, 2, 1, 5, 0, 1, 6, 0, 1, 7, 0];
/// Direct operate of one relay: latch on at point 5.
const OPERATE: &[u8] = &[0xc4, 5, 12, 1, 0x28, 1, 0, 5, 0, 3, 1, 100, 0, 0, 0, 100, 0, 0, 0, 0];
const OPERATED: &[u8] = &[0xc4, 129, 0, 0, 12, 1, 0x28, 1, 0, 5, 0, 3, 1, 100, 0, 0, 0, 100, 0, 0, 0, 4];

fn show(log: &Recorder, names: &[&str]) -> Vec<String> {
    let [event] = log.events()[..] else { panic!("{} events", log.events().len()) };
    names.iter().map(|name| event.get(&format!("bavn.dnp3.{name}")).to_string()).collect()
}

#[test]
fn the_header_of_the_standard_s_own_example_is_read() {
    // RESET LINK STATES from 1 to 10 with its CRC, as every implementation sends it first.
    let bytes = addressed(0xc0, 1, 1024, &[]);
    assert_eq!(bytes, [0x05, 0x64, 0x05, 0xc0, 0x01, 0x00, 0x00, 0x04, 0xe9, 0x21]);
}

#[test]
fn a_read_and_its_answer_are_one_event() {
    let log = ask(READ_CLASSES, VALUES);
    let names = ["source", "destination", "function", "function_code", "sequence", "is_control", "rtt"];
    assert_eq!(show(&log, &names), ["1", "10", "read", "1", "3", "false", "1000"]);
    let names = ["request.groups", "request.variations", "request.counts"];
    assert_eq!(show(&log, &names), ["60|60|60|60", "2|3|4|1", "0|0|0|0"]);
    let names = ["answer.groups", "answer.variations", "answer.counts", "iin", "iin_flags", "response"];
    assert_eq!(show(&log, &names), ["1|30", "2|2", "2|3", "32768", "device_restart", "response"]);
    assert!(log.weird().is_empty());
}

#[test]
fn a_control_tells_point_operation_and_what_came_of_it() {
    let log = ask(OPERATE, OPERATED);
    let names = ["function", "is_control", "control.indexes", "control.operations", "control.status"];
    assert_eq!(show(&log, &names), ["direct_operate", "true", "5", "latch_on", "not_supported"]);
    let log = run(&[(Direction::ToServer, &single(true, OPERATE))]);
    assert_eq!(show(&log, &names), ["direct_operate", "true", "5", "latch_on", "?"]);
}

#[test]
fn what_is_never_answered_goes_out_at_once() {
    let mut unanswered = OPERATE.to_vec();
    unanswered[1] = 6;
    let log = run(&[(Direction::ToServer, &single(true, &unanswered))]);
    assert_eq!(show(&log, &["function", "response", "rtt", "iin"]), ["direct_operate_nr", "", "", ""]);
    let everyone = addressed(0xc4, 0xffff, MASTER, &[0xc0, 0xc0, 13]);
    let log = run(&[(Direction::ToServer, &everyone)]);
    assert_eq!(show(&log, &["function", "is_control", "response"]), ["cold_restart", "true", ""]);
}

#[test]
fn an_unsolicited_response_is_an_event_of_its_own() {
    let fragment = [0xf2, 130, 0, 0, 2, 1, 0x28, 1, 0, 7, 0, 0x81];
    let log = run(&[
        (Direction::ToClient, &single(false, &fragment)),
        (Direction::ToServer, &single(true, &[0xd2, 0])),
    ]);
    let names =
        ["source", "destination", "function", "response", "answer.groups", "answer.counts", "is_control"];
    assert_eq!(show(&log, &names), ["10", "1", "", "unsolicited_response", "2", "1", "false"]);
}

#[test]
fn an_answer_in_several_fragments_and_segments_is_one_event() {
    let first = [&[0x83, 129, 0, 0, 30, 1, 0, 0, 49][..], &[1, 0, 0, 0, 0].repeat(50)].concat();
    let second = [0x44, 129, 0, 1, 1, 1, 0, 0, 15, 0xff, 0xff];
    let (head, tail) = first.split_at(200);
    let parts = [
        (Direction::ToServer, single(true, READ_CLASSES)),
        (Direction::ToClient, frame(false, &[&[0x40 | 5][..], head].concat())),
        (Direction::ToClient, frame(false, &[&[0x80 | 6][..], tail].concat())),
        (Direction::ToServer, single(true, &[0xc3, 0])),
        (Direction::ToClient, single(false, &second)),
    ];
    let parts: Vec<(Direction, &[u8])> = parts.iter().map(|(way, bytes)| (*way, bytes.as_slice())).collect();
    let log = run(&parts);
    let names = ["answer.groups", "answer.variations", "answer.counts", "iin_flags", "rtt"];
    assert_eq!(show(&log, &names), ["30|1", "1|1", "50|16", "no_func_code_support", "2000"]);
    assert!(log.weird().is_empty());
    let cut = run(&parts[..4]);
    assert_eq!(show(&cut, &["answer.groups", "answer.counts"]), ["30|?", "50|?"]);
}

#[test]
fn each_split_gives_the_same_event() {
    let (asked, answered) = (single(true, READ_CLASSES), single(false, VALUES));
    let names = ["request.groups", "answer.counts", "iin", "source"];
    let whole = show(&ask(READ_CLASSES, VALUES), &names);
    for at in 0..answered.len() {
        let (head, tail) = answered.split_at(at);
        let log =
            run(&[(Direction::ToServer, &asked), (Direction::ToClient, head), (Direction::ToClient, tail)]);
        assert_eq!(show(&log, &names), whole, "{at}");
        let cut = run(&[(Direction::ToServer, &asked), (Direction::ToClient, head)]);
        assert_eq!(show(&cut, &["answer.counts", "iin", "response"]), ["?", "?", "?"]);
        assert!(log.weird().is_empty() && cut.weird().is_empty());
    }
}

#[test]
fn a_wrong_crc_costs_the_frame_and_stray_bytes_cost_nothing() {
    let mut damaged = single(true, READ_CLASSES);
    damaged[12] ^= 1;
    let bytes = [&damaged[..], b"noise\x05", &single(true, OPERATE)].concat();
    let log = run(&[(Direction::ToServer, &bytes)]);
    assert_eq!(show(&log, &["function"]), ["direct_operate"]);
    assert_eq!(log.weird(), ["dnp3_bad_crc"]);
}

#[test]
fn a_gap_costs_what_lies_in_it() {
    let mut log = Recorder::new(FIELDS);
    let mut parser = Dnp3Stream::default();
    let (first, second) = (single(true, READ_CLASSES), single(true, OPERATE));
    log.with(1, |cx| parser.data(Direction::ToServer, &first[..14], cx));
    log.with(1, |cx| parser.gap(Direction::ToServer, first.len() as u64 - 12, cx));
    log.with(1, |cx| parser.data(Direction::ToServer, &second[2..], cx));
    log.with(1, |cx| parser.data(Direction::ToServer, &second, cx));
    log.with(1, |cx| parser.close(Close::End, cx));
    assert_eq!(show(&log, &["function"]), ["direct_operate"]);
}

#[test]
fn segments_out_of_order_are_told_and_limits_bite() {
    let log = run(&[(Direction::ToServer, &frame(true, &[0x80, 1, 2]))]);
    assert_eq!(log.weird(), ["dnp3_segment_out_of_order"]);
    let mut endless = frame(true, &[&[0x40][..], &[0; 249]].concat());
    for at in 1..30 {
        endless.extend(frame(true, &[&[at & 0x3f][..], &[0; 249]].concat()));
    }
    let log = run(&[(Direction::ToServer, &endless)]);
    assert_eq!(log.weird(), ["dnp3_fragment_limit", "dnp3_segment_out_of_order"]);
    assert!(log.counters.parser_limit > 0);
    let many: Vec<u8> = (0..12).flat_map(|to| addressed(0xc4, to, MASTER, &[0x40, 0xc0, 1])).collect();
    assert_eq!(run(&[(Direction::ToServer, &many)]).weird(), ["dnp3_fragment_limit"]);
    let headers = [&[0xc0, 1][..], &[30, 0, 6].repeat(limits::MAX_OBJECTS.get() + 1)].concat();
    let parts: Vec<Vec<u8>> = headers.chunks(200).map(<[u8]>::to_vec).collect();
    let segments =
        [[&[0x40][..], &parts[0]].concat(), [&[0x81][..], parts.get(1).map_or(&[][..], |p| p)].concat()];
    let bytes: Vec<u8> = segments.iter().flat_map(|segment| frame(true, segment)).collect();
    let log = run(&[(Direction::ToServer, &bytes)]);
    assert!(show(&log, &["request.groups"])[0].ends_with("30|?"));
    assert_eq!(log.counters.parser_limit, 1);
    let asked: Vec<u8> =
        (0..=limits::MAX_PENDING.get() as u8).flat_map(|n| single(true, &[0xc0 | n & 15, 23])).collect();
    assert_eq!(run(&[(Direction::ToServer, &asked)]).counters.parser_limit, 1);
}

#[test]
fn objects_that_are_not_known_are_unread() {
    let log = ask(READ_CLASSES, &[0xc3, 129, 0, 0, 1, 2, 0, 0, 0, 0x81, 250, 9, 0, 0, 1, 1, 2, 3]);
    assert_eq!(show(&log, &["answer.groups", "answer.counts"]), ["1|250|?", "1|2|?"]);
    // A count that no fragment can hold is told, and costs nothing.
    let log = ask(READ_CLASSES, &[0xc3, 129, 0, 0, 30, 1, 9, 255, 255, 255, 255]);
    assert_eq!(show(&log, &["answer.groups", "answer.counts"]), ["30|?", "4294967295|?"]);
}

#[test]
fn datagrams_are_read_alike() {
    let mut log = Recorder::new(FIELDS);
    let mut parser = Dnp3Datagram::default();
    let (asked, answered) = (single(true, READ_CLASSES), single(false, VALUES));
    assert_eq!(Dnp3Datagram::probe(&asked, [0, 0]), Probe::Yes);
    log.with(1000, |cx| parser.datagram(Direction::ToServer, &asked, cx));
    log.with(1000, |cx| parser.datagram(Direction::ToClient, &answered, cx));
    assert_eq!(show(&log, &["function", "answer.groups"]), ["read", "1|30"]);
}

#[test]
fn the_probe_asks_for_a_header_with_its_crc() {
    let good = single(true, READ_CLASSES);
    let probe = |bytes: &[u8]| Dnp3Stream::probe(bytes, Direction::ToServer);
    assert_eq!(probe(&good), Probe::Yes);
    assert!((1..10).all(|len| probe(&good[..len]) == Probe::More));
    let mut bad = good.clone();
    bad[8] ^= 1;
    assert_eq!((probe(&bad), probe(b"\x05d is no DNP3")), (Probe::No, Probe::No));
}

#[test]
fn random_bytes_do_no_harm() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    for _ in 0..2000 {
        let mut log = Recorder::new(FIELDS);
        let mut parser = Dnp3Stream::default();
        for way in [Direction::ToServer, Direction::ToClient] {
            let body: Vec<u8> = (0..byte() % 200).map(|_| byte()).collect();
            let fragment = [&[byte(), [1, 2, 5, 129, 130][usize::from(byte()) % 5]][..], &body].concat();
            let bytes = single(way == Direction::ToServer, &fragment);
            log.with(1, |cx| parser.data(way, &bytes, cx));
        }
        log.with(1, |cx| parser.close(Close::End, cx));
    }
}
