//! Conversations made by hand, after [MS-SMB2] 2.2 and [MS-CIFS] 2.2.4.

use super::*;
use crate::messages::Direction::{ToClient, ToServer};
use crate::proto::testing::Recorder;

const ALL_FIELDS: &[crate::fields::Field] = &{
    let lists =
        [event::FIELDS, crate::proto::ntlm::FIELDS, crate::proto::dce_rpc::FIELDS, crate::files::FIELDS];
    let mut all = [crate::fields::Field::EventAction;
        event::FIELDS.len()
            + crate::proto::ntlm::FIELDS.len()
            + crate::proto::dce_rpc::FIELDS.len()
            + crate::files::FIELDS.len()];
    let (mut at, mut list) = (0, 0);
    while list < lists.len() {
        let mut row = 0;
        while row < lists[list].len() {
            all[at] = lists[list][row];
            (at, row) = (at + 1, row + 1);
        }
        list += 1;
    }
    all
};

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut out = (message.len() as u32).to_be_bytes().to_vec();
    out.extend_from_slice(message);
    out
}

/// An SMB2 command: `answer` has its status.
fn smb2(command: u16, id: u64, answer: Option<u32>, body: &[u8]) -> Vec<u8> {
    let mut out = b"\xfeSMB\x40\0\0\0".to_vec();
    out.extend(answer.unwrap_or_default().to_le_bytes());
    out.extend(command.to_le_bytes());
    out.extend([1, 0]);
    out.extend(u32::from(answer.is_some()).to_le_bytes());
    out.extend([0; 4]);
    out.extend(id.to_le_bytes());
    out.extend([0; 4]);
    out.extend(7u32.to_le_bytes());
    out.extend(0x99u64.to_le_bytes());
    out.extend([0; 16]);
    out.extend_from_slice(body);
    out
}

/// A body: parts with their offsets, the rest zero.
fn body(len: usize, parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut out = vec![0; len];
    for (at, part) in parts {
        out.resize(out.len().max(at + part.len()), 0);
        out[*at..at + part.len()].copy_from_slice(part);
    }
    out
}

const FILE: [u8; 16] = [5; 16];

fn offset(at: u16, len: usize) -> [u8; 4] {
    let ([a, b], [c, d]) = (at.to_le_bytes(), (len as u16).to_le_bytes());
    [a, b, c, d]
}

fn create_request(id: u64, name: &str) -> Vec<u8> {
    let name = wide(name);
    let parts: [(usize, &[u8]); 4] =
        [(24, &[3, 0, 1, 0]), (36, &[2]), (44, &offset(120, name.len())), (56, &name)];
    smb2(5, id, None, &body(56, &parts))
}

fn create_answer(id: u64) -> Vec<u8> {
    smb2(5, id, Some(0), &body(88, &[(4, &[2]), (48, &[9]), (56, &[0x20]), (64, &FILE)]))
}

fn write_request(id: u64, data: &[u8]) -> Vec<u8> {
    let len = (data.len() as u32).to_le_bytes();
    smb2(9, id, None, &body(48, &[(2, &[112, 0]), (4, &len), (16, &FILE), (48, data)]))
}

fn tree(id: u64, kind: u8) -> [(Direction, Vec<u8>); 2] {
    let path = wide("\\\\files\\papers");
    let asked = smb2(3, id, None, &body(8, &[(4, &offset(72, path.len())), (8, &path)]));
    [(ToServer, asked), (ToClient, smb2(3, id, Some(0), &body(16, &[(2, &[kind])])))]
}

/// A share, a file that is made, written, renamed, marked for deletion and closed.
fn session() -> Vec<(Direction, Vec<u8>)> {
    let new = wide("new.txt");
    let rename = body(20, &[(16, &(new.len() as u32).to_le_bytes()), (20, &new)]);
    let set = |class: u8, info: &[u8]| {
        let len = (info.len() as u32).to_le_bytes();
        body(32, &[(2, &[1, class]), (4, &len), (8, &[96]), (16, &FILE), (32, info)])
    };
    let mut all = tree(1, 1).to_vec();
    all.extend([
        (ToServer, create_request(2, "dir\\old.txt")),
        (ToClient, create_answer(2)),
        (ToServer, write_request(3, b"hello")),
        (ToClient, smb2(9, 3, Some(0x103), &body(8, &[]))),
        (ToClient, smb2(9, 3, Some(0), &body(16, &[(4, &[5])]))),
        (ToServer, smb2(17, 4, None, &set(10, &rename))),
        (ToClient, smb2(17, 4, Some(0), &[2, 0])),
        (ToServer, smb2(17, 5, None, &set(13, &[1]))),
        (ToClient, smb2(17, 5, Some(0xc000_0022), &[2, 0])),
        (ToServer, smb2(6, 6, None, &body(24, &[(8, &FILE)]))),
        (ToClient, smb2(6, 6, Some(0), &body(60, &[]))),
    ]);
    all
}

fn feed(smb: &mut Smb, recorder: &mut Recorder, way: Direction, bytes: &[u8]) {
    recorder.with(1, |cx| smb.data(way, bytes, cx));
}

fn run(messages: &[(Direction, Vec<u8>)], step: usize) -> Recorder {
    let mut recorder = Recorder::new(ALL_FIELDS);
    let mut smb = Smb::default();
    for (way, message) in messages {
        for piece in frame(message).chunks(step) {
            feed(&mut smb, &mut recorder, *way, piece);
        }
    }
    recorder.with(1, |cx| smb.close(Close::End, cx));
    recorder
}

fn told(recorder: &Recorder) -> Vec<String> {
    let fields =
        ["event.action", "bavn.smb.share.path", "file.path", "bavn.smb.previous_path", "bavn.smb.status"];
    let row = |seen: &&crate::proto::testing::Seen| fields.map(|field| seen.get(field).to_owned()).join(" ");
    let of_smb = recorder.events().into_iter().filter(|seen| seen.kind == EventKind::Smb);
    of_smb.collect::<Vec<_>>().iter().map(row).collect()
}

#[test]
fn operations_are_told_with_share_and_path() {
    let recorder = run(&session(), usize::MAX);
    assert_eq!(
        told(&recorder),
        [
            "tree_connect \\\\files\\papers   STATUS_SUCCESS",
            "file_open \\\\files\\papers dir\\old.txt  STATUS_SUCCESS",
            "file_rename \\\\files\\papers new.txt dir\\old.txt STATUS_SUCCESS",
            "file_delete \\\\files\\papers new.txt  STATUS_ACCESS_DENIED",
            "file_write \\\\files\\papers new.txt  STATUS_SUCCESS",
        ]
    );
    let open = recorder.events()[1];
    assert_eq!(open.get("bavn.smb.access"), "READ_DATA|WRITE_DATA|DELETE");
    assert_eq!(open.get("bavn.smb.disposition"), "create");
    assert_eq!(open.get("bavn.smb.create_action"), "created");
    assert_eq!(open.get("file.size"), "9");
    assert_eq!(open.get("file.name"), "old.txt");
    let file = recorder.events()[4];
    assert_eq!((file.get("file.name"), file.get("file.size")), ("old.txt", "5"));
    assert_eq!(file.get("bavn.file.whole"), "true");
    assert_eq!(file.get("file.hash.md5"), "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(recorder.events()[5].get("bavn.smb.bytes_written"), "5");
    assert!(recorder.weird().is_empty());
}

#[test]
fn every_split_gives_the_same_events() {
    let whole = told(&run(&session(), usize::MAX));
    for step in 1..200 {
        assert_eq!(told(&run(&session(), step)), whole, "{step}");
    }
}

#[test]
fn every_cut_gives_a_part_and_never_fails() {
    let messages = session();
    let whole = told(&run(&messages, usize::MAX));
    for cut in 0..messages.len() {
        let part = told(&run(&messages[..cut], usize::MAX));
        let known = part.iter().filter(|row| whole.contains(row)).count();
        let waiting = part.iter().filter(|row| row.ends_with(" ?")).count();
        let early = part.iter().filter(|row| row.starts_with("file_write")).count();
        assert!(known + waiting + early >= part.len(), "{cut}: {part:?}");
    }
}

#[test]
fn requests_of_a_chain_share_share_and_file() {
    let close = smb2(6, 3, None, &body(24, &[(8, &[0xff; 16])]));
    let mut chained = create_request(2, "a.txt");
    chained.resize(chained.len().next_multiple_of(8), 0);
    let next = (chained.len() as u32).to_le_bytes();
    chained[20..24].copy_from_slice(&next);
    chained.extend(close);
    let at = u32::from_le_bytes(next) as usize;
    chained[at + 16] = 4;
    let mut messages = tree(1, 1).to_vec();
    messages.push((ToServer, chained));
    let mut smb = Smb::default();
    let mut recorder = Recorder::new(ALL_FIELDS);
    for (way, message) in &messages {
        feed(&mut smb, &mut recorder, *way, &frame(message));
    }
    assert_eq!(smb.state.pending.len(), 2);
    feed(&mut smb, &mut recorder, ToClient, &frame(&create_answer(2)));
    assert_eq!(smb.state.files.len(), 1);
    feed(&mut smb, &mut recorder, ToClient, &frame(&smb2(6, 3, Some(0), &body(60, &[]))));
    assert_eq!(smb.state.files.len(), 0);
}

#[test]
fn an_answer_without_its_request_leaves_the_request_unobserved() {
    let recorder = run(&[(ToClient, create_answer(2))], usize::MAX);
    let event = recorder.events()[0];
    assert_eq!(event.get("file.path"), "?");
    assert_eq!(event.get("bavn.smb.share.path"), "?");
    assert_eq!(event.get("file.size"), "9");
}

#[test]
fn a_gap_in_written_data_is_passed_over() {
    let mut recorder = Recorder::new(ALL_FIELDS);
    let mut smb = Smb::default();
    let write = frame(&write_request(3, &[7; 1000]));
    feed(&mut smb, &mut recorder, ToServer, &write[..500]);
    recorder.with(1, |cx| smb.gap(ToServer, 300, cx));
    feed(&mut smb, &mut recorder, ToServer, &write[800..]);
    feed(&mut smb, &mut recorder, ToServer, &frame(&create_request(9, "x")));
    recorder.with(1, |cx| smb.close(Close::End, cx));
    assert_eq!(told(&recorder), ["file_open ? x  ?"]);
    assert!(recorder.weird().is_empty());
}

#[test]
fn the_way_is_found_again_after_a_gap_between_messages() {
    let mut recorder = Recorder::new(ALL_FIELDS);
    let mut smb = Smb::default();
    feed(&mut smb, &mut recorder, ToServer, &frame(&create_request(9, "x"))[..30]);
    recorder.with(1, |cx| smb.gap(ToServer, 3000, cx));
    feed(&mut smb, &mut recorder, ToServer, b"the rest of something");
    feed(&mut smb, &mut recorder, ToServer, &frame(&create_request(10, "y")));
    recorder.with(1, |cx| smb.close(Close::End, cx));
    assert_eq!(told(&recorder), ["file_open ? y  ?"]);
}

#[test]
fn encrypted_messages_are_told_once_as_unobserved() {
    let mut sealed = b"\xfdSMB".to_vec();
    sealed.resize(200, 0xaa);
    let recorder = run(&[(ToServer, sealed.clone()), (ToClient, sealed)], usize::MAX);
    let events = recorder.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].get("event.action"), "encrypted");
    assert_eq!(events[0].get("file.path"), "?");
}

#[test]
fn limits_are_counted_and_told() {
    let mut recorder = Recorder::new(ALL_FIELDS);
    let mut smb = Smb::default();
    for id in 0..limits::MAX_PENDING.get() as u64 + 5 {
        feed(&mut smb, &mut recorder, ToServer, &frame(&create_request(id, "x")));
    }
    assert_eq!(smb.state.pending.len(), limits::MAX_PENDING.get());
    assert_eq!(smb.state.files.len(), limits::MAX_FILES.get());
    assert!(recorder.counters.parser_limit >= 5);
    assert!(recorder.weird().contains(&"smb_limit"));
    assert!(smb.held() < 1 << 20);
}

#[test]
fn a_request_that_waits_too_long_goes_out_unobserved() {
    let mut recorder = Recorder::new(ALL_FIELDS);
    let mut smb = Smb::default();
    feed(&mut smb, &mut recorder, ToServer, &frame(&create_request(1, "x")));
    recorder.with(limits::ANSWER_TIMEOUT + 1, |cx| smb.tick(cx));
    assert_eq!(told(&recorder), ["file_open ? x  ?"]);
    assert_eq!(recorder.events()[0].packet, 1);
}

/// An SMB1 message.
fn smb1(command: u8, is_answer: bool, words: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\xffSMB".to_vec();
    out.push(command);
    out.extend([0; 4]);
    out.push(if is_answer { 0x80 } else { 0 });
    out.extend(0x4000u16.to_le_bytes());
    out.extend([0; 12]);
    out.extend([9, 0, 1, 0, 8, 0, 2, 0]);
    out.push((words.len() / 2) as u8);
    out.extend_from_slice(words);
    out.extend((bytes.len() as u16).to_le_bytes());
    out.extend_from_slice(bytes);
    out
}

fn old_session() -> Vec<(Direction, Vec<u8>)> {
    let nothing = [0xff, 0, 0, 0];
    let open = body(48, &[(0, &nothing), (15, &[1]), (35, &[1])]);
    let opened = body(68, &[(0, &nothing), (5, &[0x40]), (7, &[1]), (55, &[77])]);
    vec![
        (ToServer, smb1(0x72, false, &[], b"\x02LANMAN1.0\0\x02NT LM 0.12\0")),
        (ToClient, smb1(0x72, true, &body(34, &[(0, &[1]), (2, &[7]), (19, &[0x50])]), b"")),
        (ToServer, smb1(0x75, false, &body(8, &[(0, &nothing), (6, &[1])]), b"\0\\\\FILES\\OLD\0?????\0")),
        (ToClient, smb1(0x75, true, &body(6, &[(0, &nothing)]), b"A:\0NTFS\0")),
        (ToServer, smb1(0xa2, false, &open, b"\\a\\b.txt\0")),
        (ToClient, smb1(0xa2, true, &opened, b"")),
        (ToServer, smb1(0x06, false, &[6, 0], b"\x04\\gone.txt\0")),
        (ToClient, smb1(0x06, true, &[], b"")),
        (ToServer, smb1(0x07, false, &[6, 0], b"\x04\\one.txt\0\x04\\two.txt\0")),
        (ToClient, smb1(0x07, true, &[], b"")),
    ]
}

#[test]
fn smb1_is_told_as_smb2_is() {
    for step in [usize::MAX, 1, 7, 50] {
        let recorder = run(&old_session(), step);
        assert_eq!(
            told(&recorder),
            [
                "negotiate    STATUS_SUCCESS",
                "tree_connect \\\\FILES\\OLD   STATUS_SUCCESS",
                "file_open \\\\FILES\\OLD a\\b.txt  STATUS_SUCCESS",
                "file_delete \\\\FILES\\OLD gone.txt  STATUS_SUCCESS",
                "file_rename \\\\FILES\\OLD two.txt one.txt STATUS_SUCCESS",
            ]
        );
        assert_eq!(recorder.events()[0].get("bavn.smb.dialect"), "NT LM 0.12");
        assert_eq!(recorder.events()[0].get("bavn.smb.server.signing"), "enabled");
        assert_eq!(recorder.events()[2].get("file.size"), "77");
        assert_eq!(recorder.events()[2].get("bavn.smb.version"), "1");
    }
}

/// A transaction of SMB 1 with the words of its head, then its subcommand.
fn transaction(command: u8, subcommand: u16, data: u16) -> Vec<u8> {
    let mut words = vec![0; 30];
    words[2..4].copy_from_slice(&data.to_le_bytes());
    words[26] = 2;
    words[28..30].copy_from_slice(&subcommand.to_le_bytes());
    smb1(command, false, &words, b"")
}

#[test]
fn transactions_that_no_client_uses_are_told_by_name() {
    let mut nt = vec![0; 38];
    nt[7..11].copy_from_slice(&66_512u32.to_le_bytes());
    let messages = [
        (ToServer, transaction(0x32, 0x0e, 12)),
        (ToClient, smb1(0x32, true, &[], b"")),
        (ToServer, transaction(0x25, 0x23, 0)),
        (ToServer, smb1(0xa0, false, &nt, b"")),
        (ToServer, smb1(0x33, false, &[0; 16], b"")),
        (ToServer, smb1(0x33, false, &[0; 16], b"")),
        (ToServer, transaction(0x32, 0x05, 0)),
    ];
    let recorder = run(&messages, 4096);
    let fields = ["bavn.smb.transaction", "bavn.smb.total_data", "bavn.smb.status"];
    let rows: Vec<_> = recorder
        .events()
        .iter()
        .map(|seen| fields.map(|field| seen.get(field).to_owned()).join(" "))
        .collect();
    assert_eq!(
        rows,
        [
            "trans2_session_setup 12 STATUS_SUCCESS",
            "trans2_secondary 0 ?",
            "peek_named_pipe 0 ?",
            "nt_transact_0 66512 ?",
        ]
    );
}

#[test]
fn changed_bytes_and_noise_are_borne() {
    let all = session().into_iter().chain(old_session());
    for (way, message) in all {
        let whole = frame(&message);
        for at in 0..whole.len() {
            for value in [0, 1, 0x80, 0xff] {
                let mut bad = whole.clone();
                bad[at] = value;
                let mut recorder = Recorder::new(ALL_FIELDS);
                let mut smb = Smb::default();
                feed(&mut smb, &mut recorder, way, &bad);
                feed(&mut smb, &mut recorder, way.flip(), &whole);
                recorder.with(1, |cx| smb.close(Close::End, cx));
            }
        }
    }
    let mut seed = 1u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as u8
    };
    for _ in 0..500 {
        let magic: &[u8] = [&b"\xffSMB"[..], b"\xfeSMB", b"\xfdSMB", b""][usize::from(next() % 4)];
        let noise: Vec<u8> = (0..usize::from(next()) * 2).map(|_| next()).collect();
        run(&[(ToServer, [magic, &noise].concat()), (ToClient, [magic, &noise].concat())], 13);
    }
}

#[test]
fn probe_knows_frames_and_session_requests() {
    let whole = frame(&create_request(1, "x"));
    assert_eq!(probe(&whole), Probe::Yes);
    for cut in 0..8 {
        assert_eq!(probe(&whole[..cut]), Probe::More, "{cut}");
    }
    assert_eq!(probe(b"\0\0\0\x20\xffSMC"), Probe::No);
    assert_eq!(probe(b"\0\x1d\0\0\x01"), Probe::No);
    let mut called = b"\x81\0\0\x44\x20".to_vec();
    called.extend([b'C'; 32]);
    assert_eq!(probe(&called), Probe::Yes);
    assert_eq!(probe(&called[..20]), Probe::More);
    assert_eq!(probe(b"\x81\0\0\x44\x20cc"), Probe::No);
    assert_eq!(probe(b"\x82\0\0\0"), Probe::More);
    assert_eq!(probe(&[&b"\x82\0\0\0"[..], &whole].concat()), Probe::Yes);
    assert_eq!(probe(b"\x82\0\0\0GET "), Probe::No);
}
