use super::*;
use crate::fields::Field;
use crate::proto::testing::{Recorder, Seen};

const ALL: &[Field] = &{
    let mut all = [Field::SmtpHelo; FIELDS.len() + crate::files::FIELDS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < FIELDS.len() { FIELDS[at] } else { crate::files::FIELDS[at - FIELDS.len()] };
        at += 1;
    }
    all
};

use Direction::{ToClient as S, ToServer as C};

fn run(steps: &[(Direction, &[u8])]) -> Recorder {
    let mut recorder = Recorder::new(ALL);
    drive(&mut recorder, steps);
    recorder
}

fn drive(recorder: &mut Recorder, steps: &[(Direction, &[u8])]) -> Next {
    let mut smtp = Smtp::default();
    let mut next = Next::More;
    for (direction, data) in steps {
        next = recorder.with(1, |cx| smtp.data(*direction, data, cx));
        if next != Next::More {
            break;
        }
    }
    recorder.with(1, |cx| smtp.close(Close::End, cx));
    next
}

fn mails(recorder: &Recorder) -> Vec<&Seen> {
    recorder.seen.iter().filter(|seen| seen.kind == EventKind::Smtp).collect()
}

fn files(recorder: &Recorder) -> Vec<&Seen> {
    recorder.seen.iter().filter(|seen| seen.kind == EventKind::File).collect()
}

const GREETING: &[u8] = b"220 mx.agency.example ESMTP ready\r\n";
const EXTENSIONS: &[u8] = b"250-mx.agency.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 8BITMIME\r\n";
const MAIL: &str = "Received: from b by c; x\r\nReceived: from a\r\n by b; y\r\nFrom: \"Ann, A\" <ann@agency.example>\r\n\
To: Ben <ben@agency.example>, cy@agency.example\r\nCc: dan@agency.example\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?B?IQ==?=\r\n\
Message-ID: <1@agency.example>\r\nDate: Thu, 1 Jan 1970 00:00:01 +0000\r\nX-Mailer: pigeon 1\r\nUser-Agent: dove 2\r\n\
MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_x\"\r\n\r\npreamble\r\n--=_x\r\n\
Content-Type: text/plain\r\n\r\nHello\r\n..dot\r\n--=_x\r\n\
Content-Type: application/zip; name*=utf-8''b%C3%BCro.zip\r\nContent-Transfer-Encoding: base64\r\n\
Content-Disposition: attachment;\r\n filename*0=\"bu\"; filename*1=\"ero.zip\"\r\n\r\nSGVsbG8s\r\nIFdvcmxkIQ==\r\n\r\n--=_x\r\n\
Content-Type: text/csv; name=\"=?utf-8?Q?=C3=A4.csv?=\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
a=3Db=\r\n c  \r\nd\r\n--=_x\r\nContent-Type: application/octet-stream; name=raw\r\n\r\none\r\n\r\n--=_x--\r\nepilogue\r\n.\r\n";

fn session() -> Vec<(Direction, &'static [u8])> {
    vec![
        (S, GREETING),
        (C, b"EHLO ann.agency.example\r\n"),
        (S, EXTENSIONS),
        (C, b"MAIL FROM:<ann@agency.example> SIZE=500 BODY=8BITMIME\r\nRCPT TO:<ben@agency.example>\r\nRCPT TO:<no@agency.example>\r\nDATA\r\n"),
        (S, b"250 ok\r\n250 ok\r\n550 5.1.1 unknown\r\n354 go on\r\n"),
        (C, MAIL.as_bytes()),
        (S, b"250 2.0.0 queued as 1\r\n"),
        (C, b"QUIT\r\n"),
        (S, b"221 bye\r\n"),
    ]
}

#[test]
fn a_mail_is_one_event_and_its_attachments_are_files() {
    let run = run(&session());
    let mails = mails(&run);
    assert_eq!(mails.len(), 1);
    assert_eq!(run.weird(), [""; 0]);
    for (name, value) in [
        ("bavn.smtp.greeting", "mx.agency.example ESMTP ready"),
        ("bavn.smtp.helo", "ann.agency.example"),
        ("bavn.smtp.extensions", "PIPELINING|SIZE 1000|8BITMIME"),
        ("bavn.smtp.commands", "EHLO|MAIL|RCPT|RCPT|DATA"),
        ("bavn.smtp.mail_from", "ann@agency.example"),
        ("bavn.smtp.rcpt_to", "ben@agency.example|no@agency.example"),
        ("bavn.smtp.rcpt_refused", "1"),
        ("bavn.smtp.size_declared", "500"),
        ("bavn.smtp.pipelining", "true"),
        ("bavn.smtp.complete", "true"),
        ("bavn.smtp.transaction_depth", "1"),
        ("bavn.smtp.reply.code", "250"),
        ("bavn.smtp.reply.text", "2.0.0 queued as 1"),
        ("bavn.smtp.reply_codes", "220|250|250|250|550|354|250"),
        ("bavn.smtp.first_hop", "from a by b; y"),
        ("bavn.smtp.received", "from b by c; x|from a by b; y"),
        ("email.from.address", "ann@agency.example"),
        ("email.to.address", "ben@agency.example|cy@agency.example"),
        ("email.cc.address", "dan@agency.example"),
        ("email.subject", "Grüße!"),
        ("email.message_id", "1@agency.example"),
        ("email.origination_timestamp", "1000000000"),
        ("email.x_mailer", "pigeon 1"),
        ("user_agent.original", "dove 2"),
        ("email.content_type", "multipart/mixed"),
        ("email.attachments.file.name", "buero.zip|ä.csv|raw"),
        ("email.attachments.file.extension", "zip|csv|"),
        ("email.attachments.file.mime_type", "application/zip|text/csv|application/octet-stream"),
        ("email.attachments.file.size", "13|8|5"),
    ] {
        assert_eq!(mails[0].get(name), value, "{name}");
    }
    let files = files(&run);
    let names: Vec<_> = files.iter().map(|file| file.get("file.name")).collect();
    assert_eq!(names, ["buero.zip", "ä.csv", "raw"]);
    // MD5 of "Hello, World!", of "a=b c\r\nd" and of "one\r\n", by md5sum.
    assert_eq!(files[0].get("file.hash.md5"), "65a8e27d8879283831b664bd8b7f0ad4");
    assert_eq!(files[1].get("file.hash.md5"), "74568fccc271b478375f1675d5170453");
    assert_eq!(files[2].get("file.hash.md5"), "444bbb761e4019a61231b6f54ab82280");
    assert!(files.iter().all(|file| file.get("bavn.file.whole") == "true"));
}

#[test]
fn every_split_gives_the_same_events() {
    let whole = run(&session());
    let steps = session();
    for (at, (direction, data)) in steps.iter().enumerate() {
        for cut in 1..data.len() {
            let (head, tail) = data.split_at(cut);
            let mut split = steps.clone();
            split.splice(at..=at, [(*direction, head), (*direction, tail)]);
            let split = run(&split);
            assert_eq!((split.seen.len(), mails(&split).len()), (whole.seen.len(), 1));
            for (one, other) in whole.seen.iter().zip(&split.seen) {
                for field in ALL {
                    assert_eq!(one.get(field.name()), other.get(field.name()), "{at} {cut} {}", field.name());
                }
            }
        }
    }
}

#[test]
fn every_cut_is_told_and_says_nothing_else() {
    let (full, steps) = (run(&session()), session());
    let whole = mails(&full)[0];
    for at in 5..steps.len() {
        for cut in 0..steps[at].1.len() {
            let mut short = steps[..=at].to_vec();
            short[at].1 = &short[at].1[..cut];
            let short = run(&short);
            let mail = mails(&short)[0];
            assert_eq!(mails(&short).len(), 1);
            for name in ["email.message_id", "email.x_mailer", "bavn.smtp.mail_from", "bavn.smtp.helo"] {
                let value = mail.get(name);
                let stump = at == 5 && whole.get(name).starts_with(value);
                assert!(value == "?" || value == whole.get(name) || stump, "{at} {cut} {name} {value}");
            }
        }
    }
}

#[test]
fn a_session_without_a_mail_is_told_once() {
    let run =
        run(&[(S, GREETING), (C, b"HELO x\r\n"), (S, b"250 mx\r\n"), (C, b"QUIT\r\n"), (S, b"221 bye\r\n")]);
    let mails = mails(&run);
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].get("bavn.smtp.commands"), "HELO|QUIT");
    assert_eq!(mails[0].get("bavn.smtp.transaction_depth"), "");
    assert_eq!(mails[0].get("bavn.smtp.reply.code"), "221");
}

#[test]
fn several_mails_are_several_events() {
    let run = run(&[
        (S, GREETING),
        (C, b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
        (S, b"250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        (C, b"Subject: one\r\n\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<e@f>\r\nDATA\r\n"),
        (S, b"250 first\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        (C, b"Subject: two\r\n\r\n.\r\nMAIL FROM:<g@h>\r\nRSET\r\n"),
        (S, b"451 later\r\n250 ok\r\n250 ok\r\n"),
    ]);
    let told: Vec<_> = mails(&run)
        .iter()
        .map(|mail| {
            (mail.get("bavn.smtp.mail_from"), mail.get("email.subject"), mail.get("bavn.smtp.reply.code"))
        })
        .collect();
    assert_eq!(told, [("a@b", "one", "250"), ("", "two", "451"), ("g@h", "", "250")]);
}

#[test]
fn chunks_make_a_message() {
    let run = run(&[
        (S, GREETING),
        (C, b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"),
        (S, b"250 x\r\n250 ok\r\n250 ok\r\n"),
        (C, b"BDAT 14\r\nSubject: one\r\nBDAT 12 LAST\r\n\r\nno\r\n.\r\nend"),
        (S, b"250 14 octets\r\n250 done\r\n"),
        (C, b"QUIT\r\n"),
    ]);
    let mail = mails(&run)[0];
    assert_eq!((mail.get("email.subject"), mail.get("bavn.smtp.chunking")), ("one", "true"));
    assert_eq!((mail.get("bavn.smtp.body_bytes"), mail.get("bavn.smtp.reply.text")), ("26", "done"));
}

#[test]
fn tls_follows_starttls() {
    let mut recorder = Recorder::new(ALL);
    let steps: [(Direction, &[u8]); 5] = [
        (S, GREETING),
        (C, b"EHLO x\r\n"),
        (S, b"250-mx\r\n250 STARTTLS\r\n"),
        (C, b"STARTTLS\r\n"),
        (S, b"220 go ahead\r\n\x16\x03"),
    ];
    assert_eq!(drive(&mut recorder, &steps), Next::Switch(2));
    assert_eq!(mails(&recorder)[0].get("bavn.smtp.tls"), "true");
    let mut recorder = Recorder::new(ALL);
    assert_eq!(
        drive(&mut recorder, &[(C, b"EHLO x\r\nSTARTTLS\r\n"), (C, b"\x16\x03\x01")]),
        Next::Switch(3)
    );
    let refused = run(&[(S, GREETING), (C, b"STARTTLS\r\n"), (S, b"454 no\r\n"), (C, b"NOOP\r\n")]);
    assert_eq!(mails(&refused)[0].get("bavn.smtp.tls"), "");
}

#[test]
fn secrets_are_flagged_and_never_shown() {
    let run = run(&[
        (S, GREETING),
        (C, b"EHLO x\r\n"),
        (S, b"250-mx\r\n250 AUTH LOGIN\r\n"),
        (C, b"auth login\r\n"),
        (S, b"334 VXNlcm5hbWU6\r\n"),
        (C, b"YW5u\r\n"),
        (S, b"334 UGFzc3dvcmQ6\r\n"),
        (C, b"U0VDUkVU\r\n"),
        (S, b"235 ok\r\n"),
    ]);
    let mail = mails(&run)[0];
    assert_eq!(mail.get("bavn.smtp.auth.mechanism"), "LOGIN");
    assert_eq!(mail.get("bavn.smtp.auth.clear_text"), "true");
    assert_eq!(mail.get("bavn.smtp.auth.code"), "235");
    for field in ALL {
        assert!(!mail.get(field.name()).contains("U0VDUkVU"));
    }
    let hashed = self::run(&[(S, GREETING), (C, b"AUTH CRAM-MD5\r\n"), (S, b"535 no\r\n")]);
    assert_eq!(mails(&hashed)[0].get("bavn.smtp.auth.clear_text"), "false");
}

#[test]
fn one_side_alone_leaves_the_other_unobserved() {
    let steps = session();
    let said =
        |wanted| steps.iter().filter(move |(direction, _)| *direction == wanted).copied().collect::<Vec<_>>();
    let client = run(&said(C));
    let mail = mails(&client)[0];
    assert_eq!((mail.get("email.subject"), mail.get("bavn.smtp.reply.code")), ("Grüße!", "?"));
    assert_eq!((mail.get("bavn.smtp.greeting"), mail.get("bavn.smtp.rcpt_refused")), ("?", "?"));
    let server = run(&said(S));
    let mail = mails(&server)[0];
    assert_eq!(
        (mail.get("bavn.smtp.helo"), mail.get("bavn.smtp.greeting")),
        ("?", "mx.agency.example ESMTP ready")
    );
}

#[test]
fn a_gap_in_a_message_costs_its_digests_and_is_over_at_the_reply() {
    let (steps, mut recorder, mut smtp) = (session(), Recorder::new(ALL), Smtp::default());
    for (direction, data) in &steps[..5] {
        recorder.with(1, |cx| smtp.data(*direction, data, cx));
    }
    let cut = MAIL.find("IFdv").unwrap();
    recorder.with(1, |cx| smtp.data(C, &MAIL.as_bytes()[..cut], cx));
    recorder.with(1, |cx| smtp.gap(C, (MAIL.len() - cut) as u64, cx));
    recorder.with(1, |cx| smtp.data(S, steps[6].1, cx));
    recorder.with(1, |cx| smtp.data(C, b"MAIL FROM:<x@y>\r\n", cx));
    recorder.with(1, |cx| smtp.close(Close::End, cx));
    let told = mails(&recorder);
    assert_eq!((told[0].get("bavn.smtp.complete"), told[0].get("bavn.smtp.reply.code")), ("false", "250"));
    assert_eq!(told[0].get("email.subject"), "Grüße!");
    assert_eq!(files(&recorder)[0].get("file.hash.md5"), "?");
    assert_eq!(told[1].get("bavn.smtp.mail_from"), "x@y");
}

#[test]
fn an_ambiguous_end_is_told_and_the_server_decides() {
    let head: [(Direction, &[u8]); 4] = [
        (S, GREETING),
        (C, b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
        (S, b"250 ok\r\n250 ok\r\n354 go\r\n"),
        (C, b"Subject: x\r\n\r\nhi\n.\r\nMAIL FROM:<smuggled@b>\r\n"),
    ];
    let taken = run(&[&head[..], &[(S, b"250 queued\r\n"), (C, b"QUIT\r\n")]].concat());
    assert_eq!((taken.weird(), mails(&taken).len()), (vec!["smtp_ambiguous_end"], 1));
    let strict = run(&[&head[..], &[(C, b".\r\n"), (S, b"250 queued\r\n"), (C, b"QUIT\r\n")]].concat());
    assert_eq!(mails(&strict).len(), 1);
    assert_eq!(mails(&strict)[0].get("bavn.smtp.complete"), "true");
}

#[test]
fn messages_within_messages_are_read() {
    let text = "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\
Content-Disposition: attachment; filename=in.txt\r\n\r\nx\r\n--i--\r\n.\r\n";
    let run = run(&[(C, b"MAIL FROM:<a@b>\r\nDATA\r\n"), (C, text.as_bytes())]);
    let mail = mails(&run)[0];
    assert_eq!((mail.get("email.attachments.file.name"), mail.get("email.subject")), ("in.txt", ""));
}

#[test]
fn limits_hold() {
    let deep: String =
        (0..20).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")).collect();
    let many = "Content-Disposition: attachment\r\n\r\nx\r\n--b\r\n".repeat(200);
    let many = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{many}");
    let long = format!("Subject: {}\r\n\r\n", "x".repeat(1 << 20));
    for (text, weird) in [(deep, "smtp_parts_too_deep"), (many, "smtp_too_many_attachments"), (long, "")] {
        let run = run(&[(C, b"MAIL FROM:<a@b>\r\nDATA\r\n"), (C, text.as_bytes()), (C, b".\r\n")]);
        let named: Vec<_> = run.weird().into_iter().filter(|name| *name == weird).collect();
        assert_eq!(named.len(), usize::from(!weird.is_empty()));
        assert_eq!(mails(&run).len(), 1);
        assert!(mails(&run)[0].get("email.subject").len() <= limits::MAX_HEADER.get());
    }
    let crowd = format!("MAIL FROM:<a@b>\r\n{}", "RCPT TO:<c@d>\r\n".repeat(1100));
    let run = run(&[(S, GREETING), (C, crowd.as_bytes())]);
    assert!(
        run.weird().contains(&"smtp_too_many_recipients")
            && run.weird().contains(&"smtp_too_many_outstanding")
    );
    assert!(run.counters.parser_limit > 0);
}

#[test]
fn what_is_held_stays_small() {
    let (mut recorder, mut smtp) = (Recorder::new(ALL), Smtp::default());
    recorder.with(1, |cx| smtp.data(C, b"MAIL FROM:<a@b>\r\nDATA\r\n", cx));
    for text in [&b"Received: x\r\n"[..], b" folded\r\n", b"To: a@b\r\n"] {
        recorder.with(1, |cx| smtp.data(C, &text.repeat(50_000), cx));
        assert!(smtp.held() < 600_000, "{}", smtp.held());
    }
    let lines = vec![b'x'; 1 << 20];
    recorder.with(1, |cx| smtp.data(C, &lines, cx));
    assert!(smtp.held() < 600_000);
}

#[test]
fn what_is_no_smtp_is_left() {
    let mut recorder = Recorder::new(ALL);
    let noise = b"\x01\x02\x03\n".repeat(20);
    assert_eq!(drive(&mut recorder, &[(S, GREETING), (C, &noise)]), Next::Done);
    assert_eq!(recorder.weird(), ["smtp_not_spoken"]);
}

proptest::proptest! {
    #[test]
    fn random_bytes_never_panic(head in 0..9_usize, to_server: Vec<u8>, to_client: Vec<u8>) {
        let mut steps = session();
        steps.truncate(head);
        steps.extend([(C, &to_server[..]), (S, &to_client[..]), (C, &to_client[..])]);
        run(&steps);
    }
}
