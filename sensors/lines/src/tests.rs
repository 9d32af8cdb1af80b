//! Whole lines, as other sensors write them.

use bavn_wire::fields::Field;
use bavn_wire::messages::{Event, EventKind, Transport, Value};
use proptest::prelude::*;

use crate::ledger::Reason;
use crate::{Lines, Look, MAX_LINE, Piece, Reader, look};

/// What came of a file: its events as `bavn events` prints them, and the reader.
fn read(name: &str, text: &[u8]) -> (Vec<String>, Reader) {
    let mut events = Vec::new();
    let reader = each(name, text, &mut |event| {
        let mut line = Vec::new();
        bavn_wire::json::write_event(&mut line, event);
        events.push(String::from_utf8(line).unwrap());
    });
    (events, reader)
}

fn each(name: &str, text: &[u8], then: &mut dyn FnMut(&Event<'_>)) -> Reader {
    let mut reader = Reader::default();
    let mut lines = Lines::new(Box::new(std::io::Cursor::new(text.to_vec())));
    reader.begin_file(name);
    loop {
        let number = lines.number() + 1;
        let Some(piece) = lines.next_line().unwrap() else { break };
        reader.line(piece, number, &|_| true, then);
    }
    reader.finish(&|_| true, then);
    let ledger = reader.ledger();
    let passed: u64 = Reason::ALL.iter().map(|reason| ledger.passed(*reason)).sum();
    assert_eq!(ledger.lines, ledger.events + passed);
    reader
}

/// The one event of a line.
fn one(line: &str, then: impl FnOnce(&Event<'_>)) {
    let mut then = Some(then);
    let mut count = 0;
    each("x.log", line.as_bytes(), &mut |event| {
        count += 1;
        then.take().unwrap()(event);
    });
    assert_eq!(count, 1, "{line}");
}

fn get<'e>(event: &Event<'e>, field: Field) -> Option<Value<'e>> {
    event.fields.iter().find(|(own, _)| *own == field).map(|(_, value)| *value)
}

const HTTP: &str = r#"{"ts":1795338840.5,"uid":"CHhAvVGS1DHFjwGM9","id.orig_h":"10.0.0.1","id.orig_p":4711,"id.resp_h":"10.0.0.2","id.resp_p":80,"trans_depth":1,"method":"GET","host":"a.example:8080","uri":"/x/y.php?q=\u00e6","version":"1.1","user_agent":"curl","request_body_len":0,"response_body_len":5,"status_code":404,"status_msg":"Not Found","tags":[],"resp_mime_types":["text/html"]}"#;

#[test]
fn zeek_without_a_name() {
    one(HTTP, |event| {
        assert_eq!((event.kind, event.time), (EventKind::Http, 1_795_338_840_500_000_000));
        assert_eq!((event.flow.port, event.flow.transport), ([4711, 80], Transport::TCP));
        assert_eq!(get(event, Field::UrlPath), Some(Value::Text(b"/x/y.php")));
        assert_eq!(get(event, Field::UrlQuery), Some(Value::Text("q=æ".as_bytes())));
        assert_eq!(get(event, Field::UrlExtension), Some(Value::Text(b"php")));
        assert_eq!(get(event, Field::UrlPort), Some(Value::Number(8080)));
        assert_eq!(
            get(event, Field::UrlFull),
            Some(Value::Text("http://a.example:8080/x/y.php?q=æ".as_bytes()))
        );
        assert_eq!(get(event, Field::HttpResponseStatusCode), Some(Value::Number(404)));
        assert_eq!(get(event, Field::HttpRequestReferrer), None);
        assert_eq!(get(event, Field::HttpRaw), Some(Value::Unobserved));
        assert_eq!(get(event, Field::HttpHeaderNames), Some(Value::Unobserved));
        assert!(event.fields.windows(2).all(|pair| pair[0].0 < pair[1].0));
    });
}

#[test]
fn a_response_that_was_not_seen_is_unobserved() {
    let line = HTTP.replace(r#""status_code":404,"status_msg":"Not Found","#, "");
    one(&line, |event| assert_eq!(get(event, Field::HttpResponseStatusCode), Some(Value::Unobserved)));
}

#[test]
fn zeek_with_its_name() {
    let line = r#"{"_path":"conn","ts":"2026-11-22T09:14:00.000000Z","uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":22,"proto":"tcp","duration":2.5,"conn_state":"SF","orig_pkts":3,"orig_ip_bytes":100,"resp_pkts":2,"resp_ip_bytes":50,"local_orig":true}"#;
    one(line, |event| {
        assert_eq!((event.kind, event.time), (EventKind::Flow, 1_795_338_842_500_000_000));
        assert_eq!(get(event, Field::EventDuration), Some(Value::Number(2_500_000_000)));
        assert_eq!(get(event, Field::EventStart), Some(Value::Time(1_795_338_840_000_000_000)));
        assert_eq!(get(event, Field::NetworkBytes), Some(Value::Number(150)));
    });
}

#[test]
fn a_file_may_name_its_log() {
    let line = r#"{"ts":1.5,"id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","username":"ann"}"#;
    let (events, _) = read("/logs/ntlm.10:00:00-11:00:00.log.gz", line.as_bytes());
    assert!(events[0].contains("bavn.ntlm"), "{events:?}");
    let (events, reader) = read("/logs/some.log", line.as_bytes());
    assert!(events.is_empty());
    assert_eq!(reader.ledger().passed(Reason::Unknown), 1);
}

const QUESTION: &str = r#"{"timestamp":"2026-11-22T14:51:18.019617+0000","flow_id":17,"event_type":"dns","src_ip":"10.20.0.14","src_port":54746,"dest_ip":"10.20.0.53","dest_port":53,"proto":"UDP","dns":{"version":2,"type":"query","id":44684,"rrname":"a.example","rrtype":"A","tx_id":0,"opcode":0}}"#;
const ANSWER: &str = r#"{"timestamp":"2026-11-22T14:51:18.029617+0000","flow_id":17,"event_type":"dns","src_ip":"10.20.0.14","src_port":54746,"dest_ip":"10.20.0.53","dest_port":53,"proto":"UDP","dns":{"version":2,"type":"answer","id":44684,"flags":"8180","qr":true,"rd":true,"ra":true,"rrname":"a.example","rrtype":"A","rcode":"NOERROR","answers":[{"rrname":"a.example","rrtype":"A","ttl":300,"rdata":"192.0.2.1"}],"grouped":{"A":["192.0.2.1"]}}}"#;

#[test]
fn a_question_and_its_answer_are_one_event() {
    let (events, reader) = read("eve.json", format!("{QUESTION}\n{ANSWER}\n").as_bytes());
    assert_eq!((events.len(), reader.ledger().passed(Reason::Joined)), (1, 1));
    let event = &events[0];
    for part in [r#""rtt":10000000"#, r#""resolved_ip":["192.0.2.1"]"#, r#""type":"answer""#, r#""ttl":300"#]
    {
        assert!(event.contains(part), "{part}: {event}");
    }
    assert!(reader.ledger().unmapped.iter().next().is_none());
}

#[test]
fn a_question_without_an_answer_is_told_at_last() {
    let later = QUESTION.replace("14:51:18", "14:59:18").replace("44684", "1");
    let (events, _) = read("eve.json", format!("{QUESTION}\n{later}").as_bytes());
    assert_eq!(events.len(), 2);
    assert!(
        events.iter().all(|event| event.contains(r#""unobserved":"#) && event.contains(r#""type":"query""#))
    );
}

#[test]
fn an_ftp_password_is_not_kept() {
    let line = QUESTION.replace(r#""event_type":"dns""#, r#""event_type":"ftp""#);
    let (head, _) = line.split_once(r#""dns""#).unwrap();
    let (events, _) =
        read("eve.json", format!(r#"{head}"ftp":{{"command":"PASS","command_data":"secret"}}}}"#).as_bytes());
    assert!(events[0].contains(r#""password":true"#) && !events[0].contains("secret"), "{}", events[0]);
}

#[test]
fn ecs_of_others() {
    let line = r#"{"@timestamp":"2026-11-22T09:14:00Z","event":{"dataset":"zeek.dns"},"source":{"ip":"10.0.0.1","port":5},"destination.ip":"10.0.0.2","destination.port":53,"network":{"transport":"udp"},"dns":{"question":{"name":"a.example"},"answers":[{"data":"b","ttl":1},{"data":"c","ttl":2}]},"agent":{"name":"x"}}"#;
    one(line, |event| {
        assert_eq!((event.kind, event.flow.port), (EventKind::Dns, [5, 53]));
        assert_eq!(
            get(event, Field::DnsAnswersData),
            Some(Value::List(&[Value::Text(b"b"), Value::Text(b"c")]))
        );
        assert_eq!(get(event, Field::DnsResponseCode), Some(Value::Unobserved));
    });
}

#[test]
fn every_line_is_accounted_for() {
    let long = format!(r#"{{"ts":1,"x":"{}"}}"#, "a".repeat(MAX_LINE));
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(40), "]".repeat(40));
    let many = format!(r#"{{"a":[{}1]}}"#, "1,".repeat(70_000));
    let twice = HTTP.replace(r#""tags":[]"#, r#""method":"POST""#);
    let timeless = HTTP.replace("1795338840.5", "\"never\"");
    let stats = r#"{"timestamp":"2026-11-22T14:51:18Z","event_type":"stats","stats":{}}"#;
    let lines = ["", "x", HTTP, &long, &deep, &many, &twice, &timeless, stats, "{}", "[1]", &HTTP[..100]];
    let (events, reader) = read("x.log", lines.join("\n").as_bytes());
    let ledger = reader.ledger();
    assert_eq!((events.len(), ledger.lines), (1, lines.len() as u64));
    let reasons = [
        (Reason::Blank, 1),
        (Reason::NotJson, 2),
        (Reason::TooLong, 1),
        (Reason::TooDeep, 1),
        (Reason::TooMany, 1),
        (Reason::Twice, 1),
        (Reason::NoTime, 1),
        (Reason::Other, 1),
        (Reason::Unknown, 1),
        (Reason::Cut, 1),
    ];
    for (reason, count) in reasons {
        assert_eq!(ledger.passed(reason), count, "{}", reason.name());
    }
    let loss = ledger.loss().unwrap();
    assert!(
        loss.starts_with("9 of 12 lines cannot be read (line 2: no JSON object, line 4: longer"),
        "{loss}"
    );
    assert_eq!(ledger.others.iter().collect::<Vec<_>>(), [("EVE stats".to_owned(), 1)]);
    assert_eq!(ledger.misfits.iter().collect::<Vec<_>>(), [("Zeek http ts".to_owned(), 1)]);
}

#[test]
fn names_are_bounded() {
    let lines: Vec<String> =
        (0..2000).map(|n| HTTP.replace("tags", &format!("{n}{}", "k".repeat(300)))).collect();
    let (_, reader) = read("x.log", lines.join("\n").as_bytes());
    let names: Vec<_> = reader.ledger().unmapped.iter().collect();
    assert!(
        names.len() <= crate::ledger::MAX_NAMES
            && names.iter().all(|(name, _)| name.len() <= crate::ledger::MAX_NAME)
    );
}

#[test]
fn a_line_of_any_length_is_one() {
    let text = format!("\u{feff}{}\n{}\r\n\n{}", "a".repeat(300_000), "b".repeat(3 << 20), "c");
    let mut lines = Lines::new(Box::new(std::io::Cursor::new(text.clone().into_bytes())));
    assert!(matches!(lines.next_line(), Ok(Some(Piece::Line(line, false))) if line.len() == 300_000));
    assert!(matches!(lines.next_line(), Ok(Some(Piece::TooLong))));
    assert!(matches!(lines.next_line(), Ok(Some(Piece::Line(b"", false)))));
    assert!(matches!(lines.next_line(), Ok(Some(Piece::Line(b"c", true)))));
    assert!(matches!(lines.next_line(), Ok(None)));
    assert_eq!((lines.taken(), lines.number()), (text.len() as u64, 4));
}

#[test]
fn first_bytes_tell() {
    for (first, want) in [
        (&b"{\"a\":1}"[..], Look::Lines),
        (b"\xef\xbb\xbf \n{", Look::Lines),
        (b" [", Look::List),
        (b"#separator \\x09", Look::Tabs),
        (b"", Look::More),
        (b"\n\n", Look::More),
        (b"\xd4\xc3\xb2\xa1", Look::Other),
        (b"<xml", Look::Other),
    ] {
        assert_eq!(look(first), want);
    }
}

proptest! {
    #[test]
    fn altered_lines_never_panic(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), which in 0..3_usize) {
        let mut line = [HTTP, QUESTION, ANSWER][which].as_bytes().to_vec();
        for (place, byte) in edits {
            let at = place.index(line.len());
            line[at] = byte;
        }
        let (events, _) = read("x.log", &line);
        for event in events {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&event).is_ok());
        }
    }
}
