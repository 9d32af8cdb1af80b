use super::*;
use crate::proto::testing::Recorder;

const CONNECT: &[u8] = &[3, 0, 0, 22, 17, 0xe0, 0, 0, 0, 1, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 0x22];

fn packet(ends: bool, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16 + 7).to_be_bytes();
    [&[3, 0, length[0], length[1], 2, 0xf0, if ends { 0x80 } else { 0 }][..], data].concat()
}

fn message(rosctr: u8, reference: u8, error: &[u8], parameters: &[u8], data: &[u8]) -> Vec<u8> {
    let head = [0x32, rosctr, 0, 0, 0, reference, 0, parameters.len() as u8, 0, data.len() as u8];
    [&head[..], error, parameters, data].concat()
}

fn job(reference: u8, parameters: &[u8]) -> Vec<u8> {
    packet(true, &message(1, reference, &[], parameters, &[]))
}

fn answer(reference: u8, error: [u8; 2], parameters: &[u8], data: &[u8]) -> Vec<u8> {
    packet(true, &message(3, reference, &error, parameters, data))
}

fn run(parts: &[(Direction, &[u8])]) -> Recorder {
    let mut log = Recorder::new(FIELDS);
    let mut parser = S7comm::default();
    for (direction, bytes) in parts {
        log.with(1000, |cx| parser.data(*direction, bytes, cx));
    }
    log.with(1000, |cx| parser.close(Close::End, cx));
    log
}

fn ask(request: &[u8], response: &[u8]) -> Recorder {
    run(&[(Direction::ToServer, request), (Direction::ToClient, response)])
}

fn show(log: &Recorder, names: &[&str]) -> Vec<String> {
    let [event] = log.events()[..] else { panic!("{} events", log.events().len()) };
    names.iter().map(|name| event.get(&format!("bavn.s7.{name}")).to_string()).collect()
}

/// DB 1, byte 4 bit 0, 8 bytes; outputs, byte 2 bit 3, one bit.
const READ: &[u8] =
    &[4, 2, 0x12, 10, 0x10, 2, 0, 8, 0, 1, 0x84, 0, 0, 0x20, 0x12, 10, 0x10, 1, 0, 1, 0, 0, 0x82, 0, 0, 0x13];
const READ_DATA: &[u8] = &[0xff, 4, 0, 64, 1, 2, 3, 4, 5, 6, 7, 8, 0x0a, 0, 0, 4];

#[test]
fn a_read_tells_its_items_and_what_came_of_each() {
    let log = ask(&[CONNECT, &job(5, READ)].concat(), &answer(5, [0, 0], &[4, 2], READ_DATA));
    let names =
        ["message", "function", "reference", "rack", "slot", "is_write", "is_control", "rtt", "variant"];
    assert_eq!(show(&log, &names), ["job", "read_var", "5", "1", "2", "false", "false", "1000", "s7comm"]);
    let names =
        ["item.area", "item.db", "item.address", "item.bit", "item.length", "item.type", "item.result"];
    let items = ["db|outputs", "1|0", "4|2", "0|3", "8|1", "byte|bit", "success|object_does_not_exist"];
    assert_eq!(show(&log, &names), items);
    assert!(log.weird().is_empty());
}

#[test]
fn writes_and_errors_are_told() {
    let write = [&[5, 1][..], &READ[2..14]].concat();
    let request = packet(true, &message(1, 6, &[], &write, &[0, 4, 0, 64, 1, 2, 3, 4, 5, 6, 7, 8]));
    let log = ask(&request, &answer(6, [0, 0], &[5, 1], &[3]));
    assert_eq!(show(&log, &["function", "is_write", "item.result"]), ["write_var", "true", "access_denied"]);
    let log = ask(&job(7, READ), &packet(true, &message(2, 7, &[0x85, 0], &[], &[])));
    assert_eq!(
        show(&log, &["error_class", "error_class_code", "error_code", "function"]),
        ["supplies", "133", "0", "read_var"]
    );
}

#[test]
fn stopping_starting_and_loading_are_control() {
    let stop = [&[0x29, 0, 0, 0, 0, 0, 9][..], b"P_PROGRAM"].concat();
    let log = ask(&job(1, &stop), &answer(1, [0, 0], &[0x29], &[]));
    assert_eq!(show(&log, &["function", "service", "is_control"]), ["plc_stop", "P_PROGRAM", "true"]);
    let start = [&[0x28, 0, 0, 0, 0, 0, 0, 0xfd, 0, 0, 9][..], b"P_PROGRAM"].concat();
    let log = ask(&job(1, &start), &answer(1, [0, 0], &[0x28], &[]));
    assert_eq!(show(&log, &["function", "service", "is_control"]), ["plc_control", "P_PROGRAM", "true"]);
    let load = [&[0x1a, 0, 1, 0, 0, 0, 0, 0, 9][..], b"_0A00042P", &[13], b"1000064000042"].concat();
    let log = ask(&job(1, &load), &answer(1, [0, 0], &[0x1a], &[]));
    let names = ["function", "block", "block_type", "block_number", "is_control"];
    assert_eq!(show(&log, &names), ["request_download", "_0A00042P", "db", "42", "true"]);
    let delete = [&[0x28, 0, 0, 0, 0, 0, 0, 0xfd, 0, 10, 1, 0][..], b"0800001B", &[5], b"_DELE"].concat();
    let log = ask(&job(1, &delete), &answer(1, [0, 0], &[0x28], &[]));
    assert_eq!(show(&log, &["service", "block_type", "block_number"]), ["_DELE", "ob", "1"]);
}

#[test]
fn setting_up_tells_the_length_that_was_agreed_on() {
    let setup = [0xf0, 0, 0, 1, 0, 1, 3, 0xc0];
    let log = ask(&job(0, &setup), &answer(0, [0, 0], &[0xf0, 0, 0, 1, 0, 1, 0, 240], &[]));
    assert_eq!(show(&log, &["function", "pdu_length"]), ["setup_communication", "240"]);
}

#[test]
fn userdata_tells_its_group_and_what_it_lists() {
    let request = packet(
        true,
        &message(7, 9, &[], &[0, 1, 0x12, 4, 0x11, 0x44, 1, 0], &[0xff, 9, 0, 4, 0, 0x1c, 0, 0]),
    );
    let response = packet(
        true,
        &message(7, 9, &[], &[0, 1, 0x12, 8, 0x12, 0x84, 1, 1, 0, 0, 0, 0], &[0xff, 9, 0, 4, 0, 0x1c, 0, 0]),
    );
    let log = ask(&request, &response);
    let names = ["message", "function", "sub_function", "szl_id", "szl_index", "rtt", "is_control"];
    assert_eq!(show(&log, &names), ["userdata", "cpu", "read_szl", "28", "0", "1000", "false"]);
}

#[test]
fn each_split_gives_the_same_event() {
    let (asked, answered) = ([CONNECT, &job(5, READ)].concat(), answer(5, [0, 0], &[4, 2], READ_DATA));
    let names = ["item.address", "item.result", "rack", "rtt"];
    let whole = show(&ask(&asked, &answered), &names[..3]);
    for at in 0..answered.len() {
        let (head, tail) = answered.split_at(at);
        let parts =
            [(Direction::ToServer, &asked[..]), (Direction::ToClient, head), (Direction::ToClient, tail)];
        assert_eq!(show(&run(&parts), &names[..3]), whole, "{at}");
        let cut = run(&parts[..2]);
        assert_eq!(show(&cut, &["item.result", "error_class", "rtt"]), ["?", "?", "?"]);
        assert!(cut.weird().is_empty());
    }
    for at in 0..asked.len() {
        let (head, tail) = asked.split_at(at);
        let parts =
            [(Direction::ToServer, head), (Direction::ToServer, tail), (Direction::ToClient, &answered[..])];
        assert_eq!(show(&run(&parts), &names[..3]), whole, "{at}");
    }
    let inner = message(3, 5, &[0, 0], &[4, 2], READ_DATA);
    let (head, tail) = inner.split_at(15);
    let several = [packet(false, head), packet(true, tail)].concat();
    assert_eq!(show(&ask(&asked, &several), &names[..3]), whole);
}

#[test]
fn the_answer_alone_leaves_the_items_unobserved() {
    let log = run(&[(Direction::ToClient, &answer(5, [0, 0], &[4, 2], READ_DATA))]);
    let names = ["function", "item.area", "item.result", "rtt"];
    assert_eq!(show(&log, &names), ["read_var", "?", "success|object_does_not_exist", "?"]);
}

#[test]
fn s7comm_plus_is_named_once() {
    let plus = packet(true, &[0x72, 1, 0, 5, 1, 2, 3, 4, 5, 0x72, 1, 0, 0]);
    let log = run(&[(Direction::ToServer, &plus), (Direction::ToServer, &plus)]);
    assert_eq!(show(&log, &["variant", "function"]), ["s7comm-plus", ""]);
}

#[test]
fn limits_and_faults_are_told() {
    let many = [&[4, 200][..], &READ[2..14].repeat(200)].concat();
    let head = [0x32, 1, 0, 0, 0, 1, (many.len() >> 8) as u8, many.len() as u8, 0, 0];
    let log = run(&[(Direction::ToServer, &packet(true, &[&head[..], &many].concat()))]);
    assert_eq!(show(&log, &["item.db"])[0].matches("1|").count(), limits::MAX_ITEMS.get());
    assert_eq!(log.counters.parser_limit, 1);
    let endless: Vec<u8> = (0..20).flat_map(|_| packet(false, &[0x32; 1000])).collect();
    let log = run(&[(Direction::ToServer, &endless)]);
    assert_eq!(log.weird(), ["s7_message_too_long"]);
    let jobs: Vec<u8> = (0..=limits::MAX_PENDING.get() as u8).flat_map(|n| job(n, READ)).collect();
    assert_eq!(run(&[(Direction::ToServer, &jobs)]).counters.parser_limit, 1);
    let log = run(&[(Direction::ToServer, &packet(true, &[0x32, 1, 0, 0]))]);
    assert_eq!(log.weird(), ["s7_bad_message"]);
    let log = run(&[(Direction::ToServer, &[&job(1, READ)[..], b"GET / HTTP/1.1"].concat())]);
    assert_eq!(log.weird(), ["s7_bad_packet"]);
}

#[test]
fn a_gap_costs_what_lies_in_it() {
    let mut log = Recorder::new(FIELDS);
    let mut parser = S7comm::default();
    let first = job(1, READ);
    log.with(1, |cx| parser.data(Direction::ToServer, &first[..20], cx));
    log.with(1, |cx| parser.gap(Direction::ToServer, first.len() as u64 - 20, cx));
    log.with(1, |cx| parser.data(Direction::ToServer, &job(2, READ), cx));
    log.with(1, |cx| parser.close(Close::End, cx));
    assert_eq!(show(&log, &["reference", "item.address"]), ["2", "4|2"]);
}

#[test]
fn the_probe_tells_it_from_remote_desktops_and_others() {
    let probe = |bytes: &[u8]| S7comm::probe(bytes, Direction::ToServer);
    let whole = [CONNECT, &job(5, READ)].concat();
    assert_eq!(probe(&whole), Probe::Yes);
    assert!((1..CONNECT.len() + 9).all(|len| probe(&whole[..len]) == Probe::More));
    assert_eq!(probe(&job(5, READ)), Probe::Yes);
    assert_eq!(probe(&packet(true, &[0x72, 1, 0, 5])), Probe::Yes);
    // RDP's connect-initial (BER, T.125), MMS's session layer, another version of TPKT.
    assert_eq!(probe(&[CONNECT, &packet(true, &[0x7f, 0x65, 0x82, 1])].concat()), Probe::No);
    assert_eq!(probe(&[CONNECT, &packet(true, &[0x0d, 0xb2, 5, 6])].concat()), Probe::No);
    assert_eq!((probe(&[3, 1, 0, 22]), probe(b"\x03\x00\x00\x04")), (Probe::No, Probe::No));
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
        let mut parser = S7comm::default();
        for way in [Direction::ToServer, Direction::ToClient] {
            let parameters: Vec<u8> = [4, 5, 0x1a, 0x28, 0x29, 0xf0]
                .into_iter()
                .skip(usize::from(byte()) % 6)
                .take(1)
                .chain((0..byte() % 40).map(|_| byte()))
                .collect();
            let data: Vec<u8> = (0..byte() % 40).map(|_| byte()).collect();
            let rosctr = [1, 2, 3, 7][usize::from(byte()) % 4];
            let error: &[u8] = if matches!(rosctr, 2 | 3) { &[0, 0] } else { &[] };
            let bytes = packet(byte() & 1 == 0, &message(rosctr, byte() & 1, error, &parameters, &data));
            log.with(1, |cx| parser.data(way, &bytes, cx));
        }
        log.with(1, |cx| parser.close(Close::End, cx));
    }
}
