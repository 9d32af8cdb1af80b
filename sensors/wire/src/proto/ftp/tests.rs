use super::*;
use crate::fields::Field;
use crate::proto::testing::{Recorder, Seen};
use Direction::{ToClient as S, ToServer as C};

const ALL: &[Field] = &{
    let mut all = [Field::FtpCommand; FIELDS.len() + crate::files::FIELDS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < FIELDS.len() { FIELDS[at] } else { crate::files::FIELDS[at - FIELDS.len()] };
        at += 1;
    }
    all
};

type Steps = Vec<(Direction, &'static [u8])>;

fn run(steps: &[(Direction, &[u8])]) -> (Recorder, Next) {
    let mut recorder = Recorder::new(ALL);
    let mut ftp = Ftp::default();
    let mut next = Next::More;
    for (direction, data) in steps {
        next = recorder.with(1, |cx| ftp.data(*direction, data, cx));
        if next != Next::More {
            break;
        }
    }
    recorder.with(1, |cx| ftp.close(Close::End, cx));
    assert!(ftp.held() <= size_of::<Session>());
    assert!(recorder.shared.ftp.is_empty(), "an announcement outlives its session");
    (recorder, next)
}

fn told(recorder: &Recorder) -> Vec<&Seen> {
    recorder.seen.iter().filter(|seen| seen.kind == EventKind::Ftp).collect()
}

fn login() -> Steps {
    vec![
        (S, b"220-welcome\r\n220 to FTP\r\n"),
        (C, b"USER ann\r\n"),
        (S, b"331 password?\r\n"),
        (C, b"PASS Invented-Secret-9\r\n"),
        (S, b"230-hello\r\n 530 not this\r\n230 in\r\n"),
        (C, b"PWD\r\n"),
        (S, b"257 \"/home/\"\"ann\"\"\" is it\r\n"),
    ]
}

#[test]
fn commands_of_interest_are_events() {
    let more: Steps = vec![
        (C, b"MKD new\r\n"),
        (S, b"257 \"/home/new\" made\r\n"),
        (C, b"RNFR old\r\n"),
        (S, b"350 go on\r\n"),
        (C, b"RNTO young\r\n"),
        (S, b"250 done\r\n"),
        (C, b"DELE /etc/passwd\r\n"),
        (S, b"550 no\r\n"),
        (C, b"SITE CHMOD 777 x\r\n"),
        (S, b"200 ok\r\n"),
        (C, b"QUIT\r\n"),
        (S, b"221 bye\r\n"),
    ];
    let (run, _) = run(&[login(), more].concat());
    let told: Vec<_> = told(&run);
    let seen: Vec<_> = told
        .iter()
        .map(|one| (one.get("event.action"), one.get("file.path"), one.get("bavn.ftp.reply.code")))
        .collect();
    assert_eq!(
        seen,
        [
            ("login", "", "230"),
            ("make_directory", "/home/\"ann\"/new", "257"),
            ("rename", "/home/\"ann\"/old", "250"),
            ("delete", "/etc/passwd", "550"),
            ("site", "", "200"),
        ]
    );
    assert_eq!(told[0].get("user.name"), "ann");
    assert_eq!(told[0].get("bavn.ftp.greeting"), "welcome");
    assert_eq!(told[0].get("bavn.ftp.password"), "true");
    assert_eq!((told[2].get("bavn.ftp.rename_to"), told[2].get("file.name")), ("young", "old"));
    for one in &told {
        for field in ALL {
            assert!(!one.get(field.name()).contains("Secret"), "{}", field.name());
        }
    }
}

/// A control connection and the data connection that it announces.
fn transfer(announce: &[(Direction, &[u8])], ends: links::Ends, verb: &str, early: bool) -> Recorder {
    let mut recorder = Recorder::new(ALL);
    let mut ftp = Ftp::default();
    for (direction, data) in login().iter().copied().chain(announce.iter().copied()) {
        recorder.with(1, |cx| ftp.data(direction, data, cx));
    }
    assert!(recorder.with(1, |cx| cx.shared.ftp.claim(&ends, cx.time)));
    let ask = format!("{verb} a/b.txt\r\n");
    recorder.with(1, |cx| ftp.data(C, ask.as_bytes(), cx));
    let mut data = FtpData::new(ends);
    recorder.with(1, |cx| data.data(S, b"Hello, ", cx));
    if early {
        recorder.with(1, |cx| ftp.data(S, b"150 opening\r\n226 done\r\n", cx));
    }
    recorder.with(1, |cx| data.data(S, b"World!", cx));
    recorder.with(1, |cx| data.close(Close::End, cx));
    if !early {
        recorder.with(1, |cx| ftp.data(S, b"150 opening\r\n226 done\r\n", cx));
    }
    recorder.with(1, |cx| ftp.data(C, b"NOOP\r\n", cx));
    recorder.with(1, |cx| ftp.close(Close::End, cx));
    recorder
}

#[test]
fn a_transfer_is_tied_to_its_data_connection() {
    let [client, server]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.53"].map(|ip| ip.parse().unwrap());
    let passive: [(Direction, &[u8]); 2] =
        [(C, b"PASV\r\n"), (S, b"227 Entering Passive Mode (192,0,2,53,4,1).\r\n")];
    let extended: [(Direction, &[u8]); 2] = [(C, b"EPSV\r\n"), (S, b"229 Extended (|||1025|)\r\n")];
    let active: [(Direction, &[u8]); 2] = [(C, b"PORT 192,0,2,1,4,1\r\n"), (S, b"200 ok\r\n")];
    let newer: [(Direction, &[u8]); 2] = [(C, b"EPRT |1|192.0.2.1|1025|\r\n"), (S, b"200 ok\r\n")];
    for (announce, ends, mode) in [
        (&passive, ([client, server], 1025), "passive"),
        (&extended, ([client, server], 1025), "passive"),
        (&active, ([server, client], 1025), "active"),
        (&newer, ([server, client], 1025), "active"),
    ] {
        for early in [false, true] {
            let run = transfer(announce, ends, "RETR", early);
            let told = told(&run);
            let last = told[1];
            for (name, value) in [
                ("event.action", "download"),
                ("bavn.ftp.data.bytes", "13"),
                ("bavn.ftp.data.mode", mode),
                ("bavn.ftp.data.port", "1025"),
                ("bavn.ftp.reply.code", "226"),
                ("file.path", "/home/\"ann\"/a/b.txt"),
                ("file.name", "b.txt"),
                ("file.size", "13"),
            ] {
                assert_eq!(last.get(name), value, "{mode} {early} {name}");
            }
            let file = run.seen.iter().find(|seen| seen.kind == EventKind::File).unwrap();
            assert_eq!((file.get("file.name"), file.get("bavn.file.source")), ("b.txt", "ftp"));
            assert_eq!(file.get("file.hash.md5"), "65a8e27d8879283831b664bd8b7f0ad4");
            assert_eq!(run.weird(), [""; 0]);
        }
    }
    let run = transfer(&passive, ([client, server], 1025), "LIST", false);
    assert_eq!((told(&run)[1].get("bavn.ftp.data.bytes"), told(&run)[1].get("file.size")), ("13", ""));
    assert!(run.seen.iter().all(|seen| seen.kind != EventKind::File), "a listing is no file");
}

#[test]
fn a_data_connection_that_was_not_seen_is_unobserved() {
    let more: Steps = vec![
        (C, b"PASV\r\n"),
        (S, b"227 (192,0,2,53,4,1)\r\n"),
        (C, b"RETR x\r\n"),
        (S, b"150 opening\r\n226 done\r\n"),
    ];
    let (run, _) = run(&[login(), more].concat());
    assert_eq!(told(&run)[1].get("bavn.ftp.data.bytes"), "?");
}

#[test]
fn announcements_for_others_are_told_and_not_followed() {
    let (bounce, _) = run(&[login(), vec![(C, b"PORT 203,0,113,9,31,144\r\n"), (S, b"200 ok\r\n")]].concat());
    assert_eq!(bounce.weird(), ["ftp_foreign_address"]);
    let (low, _) = run(&[login(), vec![(C, b"PORT 192,0,2,1,0,80\r\n"), (S, b"200 ok\r\n")]].concat());
    assert_eq!(low.weird(), ["ftp_low_port"]);
}

#[test]
fn every_split_gives_the_same_events() {
    let more: Steps = vec![(C, b"DELE x\r\nMKD y\r\n"), (S, b"250-a\r\n250 b\r\n550 no\r\n")];
    let steps = [login(), more].concat();
    let (whole, _) = run(&steps);
    for (at, (direction, data)) in steps.iter().enumerate() {
        for cut in 1..data.len() {
            let (head, tail) = data.split_at(cut);
            let mut split = steps.clone();
            split.splice(at..=at, [(*direction, head), (*direction, tail)]);
            let (split, _) = run(&split);
            assert_eq!(split.seen.len(), whole.seen.len());
            for (one, other) in whole.seen.iter().zip(&split.seen) {
                for field in ALL {
                    assert_eq!(one.get(field.name()), other.get(field.name()), "{at} {cut} {}", field.name());
                }
            }
        }
    }
}

#[test]
fn tls_follows_auth() {
    let steps: Steps = vec![(S, b"220 FTP\r\n"), (C, b"AUTH TLS\r\n"), (S, b"234 go\r\n\x16\x03\x03")];
    let (run, next) = run(&steps);
    assert_eq!(next, Next::Switch(3));
    assert_eq!((told(&run)[0].get("event.action"), told(&run)[0].get("bavn.ftp.tls")), ("auth_tls", "true"));
}

#[test]
fn one_side_alone_leaves_the_other_unobserved() {
    let (client, _) = run(&[(C, b"USER ann\r\nPASS x\r\nPASV\r\nRETR y\r\n")]);
    let told_client = told(&client);
    assert_eq!(told_client.len(), 3);
    assert_eq!((told_client[2].get("file.name"), told_client[2].get("bavn.ftp.reply.code")), ("y", "?"));
    let (server, _) = run(&[(S, b"220 FTP\r\n331 password\r\n230 in\r\n")]);
    assert_eq!(told(&server)[0].get("event.action"), "session");
    assert_eq!(told(&server)[0].get("bavn.ftp.command"), "?");
}

#[test]
fn a_gap_in_replies_leaves_commands_unobserved() {
    let mut recorder = Recorder::new(ALL);
    let mut ftp = Ftp::default();
    recorder.with(1, |cx| ftp.data(S, b"220 FTP\r\n", cx));
    recorder.with(1, |cx| ftp.data(C, b"DELE x\r\n", cx));
    recorder.with(1, |cx| ftp.gap(S, 40, cx));
    recorder.with(1, |cx| ftp.data(C, b"DELE y\r\n", cx));
    recorder.with(1, |cx| ftp.data(S, b"rest\r\n250 ok\r\n", cx));
    let codes: Vec<_> = told(&recorder).iter().map(|one| one.get("bavn.ftp.reply.code")).collect();
    assert_eq!(codes, ["?", "250"]);
}

#[test]
fn limits_are_told() {
    let many = b"DELE x\r\n".repeat(100);
    let (run, _) = run(&[(S, b"220 FTP\r\n"), (C, &many)]);
    assert_eq!((run.weird(), told(&run).len()), (vec!["ftp_too_many_outstanding"], 100));
    let noise = b"\x01\x02 noise\r\n".repeat(20);
    let (run, next) = self::run(&[(S, b"220 FTP\r\n"), (C, &noise)]);
    assert_eq!((run.weird(), next), (vec!["ftp_not_spoken"], Next::Done));
}

proptest::proptest! {
    #[test]
    fn random_bytes_never_panic(to_server: Vec<u8>, to_client: Vec<u8>) {
        let steps: [(Direction, &[u8]); 4] =
            [(C, b"PASV\r\nRETR x\r\n"), (S, &to_client), (C, &to_server), (S, b"226 done\r\n")];
        run(&steps);
    }
}
