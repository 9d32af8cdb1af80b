use super::*;
use crate::proto::testing::Recorder;

const READ: &[u8] = &[0, 1, 0, 0, 0, 6, 17, 3, 0, 0x6b, 0, 3];
const READ_ANSWER: &[u8] = &[0, 1, 0, 0, 0, 9, 17, 3, 6, 0x02, 0x2b, 0, 0, 0, 0x64];

/// The protocol's own examples (MODBUS Application Protocol Specification V1.1b3, 6.1 to 6.17) behind a header.
fn adu(transaction: u8, pdu: &[u8]) -> Vec<u8> {
    [&[0, transaction, 0, 0, 0, pdu.len() as u8 + 1, 1][..], pdu].concat()
}

fn run(parts: &[(Direction, &[u8])]) -> Recorder {
    let mut log = Recorder::new(FIELDS);
    let mut parser = Modbus::default();
    for (direction, bytes) in parts {
        log.with(1000, |cx| parser.data(*direction, bytes, cx));
    }
    log.with(1000, |cx| parser.close(Close::End, cx));
    log
}

fn ask(pdu: &[u8], answer: &[u8]) -> Recorder {
    run(&[(Direction::ToServer, &adu(7, pdu)), (Direction::ToClient, &adu(7, answer))])
}

#[test]
fn a_read_and_its_answer_are_one_event() {
    let log = run(&[(Direction::ToServer, READ), (Direction::ToClient, READ_ANSWER)]);
    let events = log.events();
    assert_eq!(events.len(), 1);
    let shown = |name: &str| events[0].get(&format!("bavn.modbus.{name}")).to_string();
    assert_eq!((shown("unit"), shown("transaction_id")), ("17".into(), "1".into()));
    assert_eq!((shown("function"), shown("function_code")), ("read_holding_registers".into(), "3".into()));
    assert_eq!((shown("address"), shown("quantity")), ("107".into(), "3".into()));
    assert_eq!((shown("values"), shown("values_read")), (String::new(), "555|0|100".into()));
    assert_eq!(
        (shown("exception"), shown("is_write"), shown("rtt")),
        (String::new(), "false".into(), "1000".into())
    );
    assert!(log.weird().is_empty());
}

#[test]
fn what_is_written_is_told() {
    type Case = (&'static [u8], &'static [u8], &'static str, &'static str, &'static str);
    let cases: &[Case] = &[
        (&[5, 0, 0xac, 0xff, 0], &[5, 0, 0xac, 0xff, 0], "write_single_coil", "172", "1"),
        (&[6, 0, 1, 0, 3], &[6, 0, 1, 0, 3], "write_single_register", "1", "3"),
        (
            &[15, 0, 0x13, 0, 10, 2, 0xcd, 1],
            &[15, 0, 0x13, 0, 10],
            "write_multiple_coils",
            "19",
            "1|0|1|1|0|0|1|1|1|0",
        ),
        (&[16, 0, 1, 0, 2, 4, 0, 10, 1, 2], &[16, 0, 1, 0, 2], "write_multiple_registers", "1", "10|258"),
        (&[22, 0, 4, 0, 0xf2, 0, 0x25], &[22, 0, 4, 0, 0xf2, 0, 0x25], "mask_write_register", "4", "242|37"),
    ];
    for (request, answer, function, address, values) in cases {
        let log = ask(request, answer);
        let [event] = log.events()[..] else { panic!("{function}") };
        assert_eq!(event.get("bavn.modbus.function"), *function);
        assert_eq!(event.get("bavn.modbus.address"), *address);
        assert_eq!(event.get("bavn.modbus.values"), *values);
        assert_eq!(event.get("bavn.modbus.is_write"), "true");
    }
}

#[test]
fn reading_and_writing_at_once_tells_both_places() {
    let request = [23, 0, 3, 0, 6, 0, 14, 0, 3, 6, 0, 0xff, 0, 0xff, 0, 0xff];
    let answer = [23, 12, 0, 0xfe, 10, 0xcd, 0, 1, 0, 3, 0, 13, 0, 0xff];
    let log = ask(&request, &answer);
    let event = log.events()[0];
    assert_eq!((event.get("bavn.modbus.address"), event.get("bavn.modbus.quantity")), ("3", "6"));
    assert_eq!(
        (event.get("bavn.modbus.write_address"), event.get("bavn.modbus.write_quantity")),
        ("14", "3")
    );
    assert_eq!(event.get("bavn.modbus.values"), "255|255|255");
    assert_eq!(event.get("bavn.modbus.values_read"), "254|2765|1|3|13|255");
}

#[test]
fn an_exception_has_its_name() {
    let log = ask(&[1, 4, 0xa1, 0, 1], &[0x81, 2]);
    let event = log.events()[0];
    assert_eq!(event.get("bavn.modbus.exception"), "illegal_data_address");
    assert_eq!((event.get("bavn.modbus.exception_code"), event.get("bavn.modbus.function_code")), ("2", "1"));
}

#[test]
fn a_device_tells_its_name_and_files_their_number() {
    let answer = [&[43, 14, 1, 1, 0, 0, 2, 0, 4][..], b"bavn", &[1, 2], b"42"].concat();
    let log = ask(&[43, 14, 1, 0], &answer);
    assert_eq!(log.events()[0].get("bavn.modbus.device"), "bavn|42");
    assert_eq!(log.events()[0].get("bavn.modbus.sub_function"), "14");
    let request = [21, 13, 6, 0, 4, 0, 7, 0, 3, 6, 0xaf, 4, 0xbe, 0x10, 13];
    let log = ask(&request, &request);
    let event = log.events()[0];
    assert_eq!((event.get("bavn.modbus.file_number"), event.get("bavn.modbus.address")), ("4", "7"));
    assert_eq!(event.get("bavn.modbus.values"), "1711|1214|4109");
}

#[test]
fn each_split_gives_the_same_event() {
    let both = [READ, &adu(2, &[6, 0, 1, 0, 3])].concat();
    let whole = run(&[(Direction::ToServer, &both), (Direction::ToClient, READ_ANSWER)]);
    for at in 0..=both.len() {
        let (head, tail) = both.split_at(at);
        let log = run(&[
            (Direction::ToServer, head),
            (Direction::ToServer, tail),
            (Direction::ToClient, READ_ANSWER),
        ]);
        let told = |log: &Recorder| -> Vec<String> {
            ["address", "function", "values_read", "values"]
                .iter()
                .flat_map(|name| {
                    log.events().into_iter().map(move |e| e.get(&format!("bavn.modbus.{name}")).into())
                })
                .collect()
        };
        assert_eq!(told(&log), told(&whole), "{at}");
        assert!(log.weird().is_empty());
    }
    for at in 0..READ_ANSWER.len() {
        let (head, tail) = READ_ANSWER.split_at(at);
        let log =
            run(&[(Direction::ToServer, READ), (Direction::ToClient, head), (Direction::ToClient, tail)]);
        assert_eq!(log.events()[0].get("bavn.modbus.values_read"), "555|0|100");
    }
}

#[test]
fn a_cut_stream_leaves_the_answer_unobserved() {
    for at in 0..READ_ANSWER.len() {
        let log = run(&[(Direction::ToServer, READ), (Direction::ToClient, &READ_ANSWER[..at])]);
        let [event] = log.events()[..] else { panic!("{at}") };
        assert_eq!((event.get("bavn.modbus.values_read"), event.get("bavn.modbus.exception")), ("?", "?"));
        assert_eq!((event.get("bavn.modbus.address"), event.packet), ("107", 1));
    }
}

#[test]
fn the_answer_alone_says_what_it_repeats() {
    let log = run(&[(Direction::ToClient, READ_ANSWER)]);
    let event = log.events()[0];
    assert_eq!((event.get("bavn.modbus.address"), event.get("bavn.modbus.quantity")), ("?", "?"));
    assert_eq!((event.get("bavn.modbus.values_read"), event.get("bavn.modbus.rtt")), ("555|0|100", "?"));
    let log = run(&[(Direction::ToClient, &adu(1, &[16, 0, 1, 0, 2]))]);
    let event = log.events()[0];
    assert_eq!((event.get("bavn.modbus.address"), event.get("bavn.modbus.values")), ("1", "?"));
}

#[test]
fn several_wait_and_are_answered_in_any_order() {
    let ask = |n: u8| adu(n, &[3, 0, n, 0, 1]);
    let answer = |n: u8| adu(n, &[3, 2, 0, n + 100]);
    let asked: Vec<u8> = (1..=5).flat_map(ask).collect();
    let answered: Vec<u8> = (1..=5).rev().flat_map(answer).collect();
    let log = run(&[(Direction::ToServer, &asked), (Direction::ToClient, &answered)]);
    let told: Vec<_> = log
        .events()
        .iter()
        .map(|e| (e.get("bavn.modbus.address"), e.get("bavn.modbus.values_read")))
        .collect();
    assert_eq!(told, [("5", "105"), ("4", "104"), ("3", "103"), ("2", "102"), ("1", "101")]);
}

#[test]
fn limits_are_counted_and_told() {
    let asked: Vec<u8> =
        (0..=limits::MAX_PENDING.get() as u8).flat_map(|n| adu(n, &[3, 0, n, 0, 1])).collect();
    let log = run(&[(Direction::ToServer, &asked)]);
    assert_eq!(log.events().len(), limits::MAX_PENDING.get() + 1);
    assert_eq!((log.counters.parser_limit, log.weird()), (1, vec!["modbus_too_many_requests"]));
    let log = ask(&[&[15, 0, 0, 0, 200, 25][..], &[0xff; 25]].concat(), &[15, 0, 0, 0, 200]);
    let values = log.events()[0].get("bavn.modbus.values").to_string();
    assert_eq!((values.matches('1').count(), values.ends_with("|?")), (limits::MAX_VALUES.get(), true));
    assert_eq!(log.counters.parser_limit, 1);
}

#[test]
fn a_request_waits_for_a_while() {
    let mut log = Recorder::new(FIELDS);
    let mut parser = Modbus::default();
    log.with(0, |cx| parser.data(Direction::ToServer, READ, cx));
    log.with(limits::ANSWER_TIMEOUT, |cx| parser.tick(cx));
    assert!(log.events().is_empty());
    log.with(1, |cx| parser.tick(cx));
    assert_eq!((log.events().len(), log.events()[0].packet), (1, 1));
}

#[test]
fn other_functions_and_other_protocols_are_told() {
    let log = ask(&[3, 0, 0, 0, 1], &[6, 0, 0, 0, 1]);
    assert_eq!((log.events().len(), log.weird()), (2, vec!["modbus_answer_to_other_function"]));
    let log = run(&[(Direction::ToServer, READ), (Direction::ToServer, b"GET / HTTP/1.1\r\n")]);
    assert_eq!(log.weird(), ["modbus_bad_header"]);
    let log = run(&[(Direction::ToServer, READ), (Direction::ToServer, &adu(1, &[3, 0]))]);
    assert_eq!((log.events().len(), log.weird()), (2, vec!["modbus_short_message"]));
}

#[test]
fn a_gap_costs_what_lies_in_it() {
    let mut log = Recorder::new(FIELDS);
    let mut parser = Modbus::default();
    log.with(1, |cx| parser.data(Direction::ToServer, &READ[..8], cx));
    log.with(1, |cx| parser.gap(Direction::ToServer, 4, cx));
    log.with(1, |cx| parser.data(Direction::ToServer, &adu(9, &[6, 0, 1, 0, 3]), cx));
    log.with(1, |cx| parser.close(Close::End, cx));
    assert_eq!(log.events().len(), 1);
    assert_eq!(log.events()[0].get("bavn.modbus.transaction_id"), "9");
}

#[test]
fn the_probe_knows_its_own_and_no_other() {
    let answer = |bytes: &[u8]| Modbus::probe(bytes, Direction::ToServer);
    assert_eq!(answer(READ), Probe::Yes);
    assert_eq!(answer(READ_ANSWER), Probe::Yes);
    assert_eq!(answer(&adu(1, &[0x83, 2])), Probe::Yes);
    assert!((0..READ.len()).all(|len| answer(&READ[..len]) == Probe::More));
    assert_eq!(answer(b"GET / HTTP/1.1\r\n"), Probe::No);
    assert_eq!(answer(&[0x16, 3, 1, 2, 0, 1, 0, 1]), Probe::No);
    // DNS over a stream, a length that does not fit the function, zeros.
    assert_eq!(answer(&[0, 29, 0, 1, 1, 0, 0, 1, 0, 0]), Probe::No);
    assert_eq!(answer(&[0, 1, 0, 0, 0, 7, 17, 3, 0, 0x6b, 0, 3, 0]), Probe::No);
    assert_eq!(answer(&[0; 64]), Probe::No);
}

#[test]
fn random_bytes_do_no_harm() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    for _ in 0..2000 {
        let mut log = Recorder::new(FIELDS);
        let mut parser = Modbus::default();
        for way in [Direction::ToServer, Direction::ToClient] {
            let pdu: Vec<u8> = (0..byte() % 60 + 1).map(|_| byte()).collect();
            log.with(1, |cx| parser.data(way, &adu(byte() & 1, &pdu), cx));
        }
        log.with(1, |cx| parser.close(Close::End, cx));
    }
}
