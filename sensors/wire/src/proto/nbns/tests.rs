use super::*;
use crate::proto::testing::Recorder;

fn encoded(name: &[u8; 15], suffix: u8) -> Vec<u8> {
    let bytes = name.iter().chain([&suffix]);
    let letters = bytes.flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 15)]);
    [32].into_iter().chain(letters).chain([0]).collect()
}

const FRED: &[u8; 15] = b"FRED           ";

fn header(id: u8, flags: u16, counts: [u8; 4]) -> Vec<u8> {
    let [q, a, n, d] = counts;
    [&[0, id][..], &flags.to_be_bytes(), &[0, q, 0, a, 0, n, 0, d]].concat()
}

fn question(id: u8, flags: u16, rtype: u8) -> Vec<u8> {
    [header(id, flags, [1, 0, 0, 0]), encoded(FRED, 0x20), vec![0, rtype, 0, 1]].concat()
}

fn record(rtype: u8, ttl: u32, data: &[u8]) -> Vec<u8> {
    let tail = [&[0, rtype, 0, 1][..], &ttl.to_be_bytes(), &(data.len() as u16).to_be_bytes(), data].concat();
    [encoded(FRED, 0x20), tail].concat()
}

fn answer(id: u8, flags: u16, rtype: u8, data: &[u8]) -> Vec<u8> {
    [header(id, flags, [0, 1, 0, 0]), record(rtype, 300, data)].concat()
}

fn run(parts: &[&[u8]]) -> Recorder {
    let mut log = Recorder::new(FIELDS);
    let mut parser = Nbns::default();
    for bytes in parts {
        log.with(1000, |cx| parser.datagram(Direction::ToServer, bytes, cx));
    }
    log.with(1000, |cx| parser.close(Close::End, cx));
    log
}

fn show(log: &Recorder, names: &[&str]) -> Vec<String> {
    let [event] = log.events()[..] else { panic!("{} events", log.events().len()) };
    names.iter().map(|name| event.get(&format!("bavn.nbns.{name}")).to_string()).collect()
}

#[test]
fn the_rfc_s_own_name_is_encoded_alike() {
    // RFC 1001 14.1: "FRED" followed by spaces; there with a space as the sixteenth byte.
    assert_eq!(&encoded(FRED, b' ')[1..33], b"EGFCEFEECACACACACACACACACACACACA");
}

#[test]
fn a_query_and_its_answer_are_one_event() {
    let log = run(&[
        &question(7, 0x0100, 0x20),
        &answer(7, 0x8580, 0x20, &[0x60, 0, 10, 0, 0, 5, 0x60, 0, 10, 0, 0, 6]),
    ]);
    let names =
        ["name", "suffix", "suffix_name", "operation", "question_type", "addresses", "group", "ttl", "rtt"];
    let want = ["FRED", "32", "file_server", "query", "NB", "10.0.0.5|10.0.0.6", "false", "300", "1000"];
    assert_eq!(show(&log, &names), want);
    let names = ["type", "response_code", "broadcast", "transaction_id", "scope"];
    assert_eq!(show(&log, &names), ["answer", "success", "false", "7", ""]);
}

#[test]
fn what_nobody_answers_is_unobserved_and_what_needs_no_answer_is_not() {
    let log = run(&[&question(7, 0x0110, 0x20)]);
    assert_eq!(
        show(&log, &["type", "addresses", "response_code", "rtt", "broadcast"]),
        ["query", "?", "?", "?", "true"]
    );
    let log = run(&[&question(7, 0x0100, 0x20)]);
    assert_eq!(show(&log, &["addresses", "response_code", "broadcast"]), ["?", "?", "false"]);
    let register = |flags| {
        let pointed = [&[0xc0, 12, 0, 0x20, 0, 1, 0, 0, 1, 44, 0, 6, 0x80, 0, 10, 0, 0, 9][..]].concat();
        let body = [encoded(FRED, 0x1d), vec![0, 0x20, 0, 1], pointed].concat();
        [header(9, flags, [1, 0, 0, 1]), body].concat()
    };
    let names = ["operation", "suffix_name", "addresses", "group", "ttl", "response_code", "rtt"];
    let want = ["registration", "local_master_browser", "10.0.0.9", "true", "300", "", ""];
    assert_eq!(show(&run(&[&register(0x2910)]), &names), want);
    let log = run(&[&register(0x2900)]);
    assert_eq!(show(&log, &["addresses", "response_code", "rtt"]), ["10.0.0.9", "?", "?"]);
    let refused = answer(9, 0xad86, 0x20, &[0, 0, 10, 0, 0, 1]);
    let log = run(&[&register(0x2900), &refused]);
    assert_eq!(
        show(&log, &["response_code", "response_code_number", "addresses"]),
        ["active", "6", "10.0.0.1"]
    );
}

#[test]
fn a_node_tells_its_names_and_hardware_address() {
    let entry = |name: &[u8; 15], suffix: u8| [&name[..], &[suffix, 4, 0]].concat();
    let list = [entry(b"HOST           ", 0), entry(b"WORKGROUP      ", 0x1e)].concat();
    let data = [&[2][..], &list, &[2, 0, 0, 0, 0, 0x1f], &[0; 40]].concat();
    let log = run(&[&question(3, 0, 0x21), &answer(3, 0x8400, 0x21, &data)]);
    let names = ["question_type", "names", "mac"];
    assert_eq!(show(&log, &names), ["NBSTAT", "HOST<00>|WORKGROUP<1e>", "02-00-00-00-00-1F"]);
}

#[test]
fn a_wait_is_not_the_answer() {
    let wait = answer(7, 0xbc00, 0x20, &[0x28, 0]);
    let log = run(&[&question(7, 0x0100, 0x20), &wait, &answer(7, 0x8580, 0x20, &[0, 0, 10, 0, 0, 5])]);
    assert_eq!(show(&log, &["addresses", "rtt"]), ["10.0.0.5", "2000"]);
}

#[test]
fn the_answer_alone_is_told_as_such() {
    let log = run(&[&answer(7, 0x8583, 0x0a, &[])]);
    assert_eq!(
        show(&log, &["type", "response_code", "rtt", "question_type"]),
        ["answer", "name_error", "?", "NULL"]
    );
}

#[test]
fn limits_are_counted_and_cuts_are_told() {
    let asked: Vec<Vec<u8>> =
        (0..=limits::MAX_PENDING.get() as u8).map(|id| question(id, 0x0100, 0x20)).collect();
    let log = run(&asked.iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert_eq!((log.events().len(), log.counters.parser_limit), (limits::MAX_PENDING.get() + 1, 1));
    let many = [0, 0, 10, 0, 0, 5].repeat(limits::MAX_ADDRESSES.get() + 1);
    let log = run(&[&answer(7, 0x8580, 0x20, &many)]);
    assert_eq!(show(&log, &["addresses"])[0].split('|').count(), limits::MAX_ADDRESSES.get());
    assert_eq!(log.counters.parser_limit, 1);
    let whole = question(7, 0x0100, 0x20);
    for at in 0..whole.len() {
        let log = run(&[&whole[..at]]);
        assert_eq!((log.events().len(), log.weird()), (0, vec!["nbns_bad_message"]), "{at}");
        assert_eq!(Nbns::probe(&whole[..at], [137, 137]), Probe::No);
    }
}

#[test]
fn the_probe_knows_its_own_and_no_other() {
    assert_eq!(Nbns::probe(&question(7, 0x0110, 0x20), [4, 5]), Probe::Yes);
    assert_eq!(Nbns::probe(&answer(7, 0x8580, 0x20, &[0, 0, 10, 0, 0, 5]), [4, 5]), Probe::Yes);
    let mut dns = question(7, 0x0100, 0x01);
    assert_eq!(Nbns::probe(&dns, [137, 137]), Probe::No);
    dns[13] = b'z';
    assert_eq!(Nbns::probe(&dns, [137, 137]), Probe::No);
    // A name that points at itself.
    let circle = [header(1, 0, [1, 0, 0, 0]), vec![0xc0, 12, 0, 0x20, 0, 1]].concat();
    assert_eq!(Nbns::probe(&circle, [137, 137]), Probe::No);
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
    for _ in 0..5000 {
        let mut bytes = answer(7, 0x8580, [0x20, 0x21][usize::from(byte() & 1)], &[byte(); 60]);
        for _ in 0..3 {
            let at = usize::from(byte()) % bytes.len();
            bytes[at] = byte();
        }
        run(&[&bytes]);
    }
}
