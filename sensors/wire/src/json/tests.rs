use proptest::prelude::*;

use super::*;
use crate::messages::{FlowInfo, Transport};

fn flow() -> FlowInfo {
    FlowInfo {
        ip: ["192.168.1.52".parse().unwrap(), "8.8.8.8".parse().unwrap()],
        port: [54585, 53],
        transport: Transport::UDP,
        vlan: [Some(7), None],
        tunnel: 0,
        start: 0,
        last: 0,
        packets: [1, 1],
        bytes: [60, 90],
        id: 3,
    }
}

fn line(kind: EventKind, flow: &FlowInfo, fields: &[(Field, Value<'_>)]) -> String {
    let mut out = Vec::new();
    write_event(&mut out, &Event { kind, time: 1_763_802_840_123_456_789, packet: 9, flow, fields });
    String::from_utf8(out).unwrap()
}

#[test]
fn a_dns_event_whole() {
    let text = |text: &'static str| Value::Text(text.as_bytes());
    let fields = [
        (Field::DnsRtt, Value::Unobserved),
        (Field::DnsAnswersClass, Value::List(&[text("IN"), text("IN")])),
        (Field::DnsAnswersTtl, Value::List(&[Value::Number(0), Value::Number(300), Value::Number(5)])),
        (Field::DnsQuestionName, text("a\"b\\.example")),
        (Field::DnsResolvedIp, Value::List(&[Value::Ip("2001:db8::1".parse().unwrap())])),
        (Field::DnsResponseCode, Value::Unobserved),
    ];
    let expected = concat!(
        r#"{"@timestamp":"2025-11-22T09:14:00.123456789Z","#,
        r#""bavn":{"flow":{"id":3},"packet":9,"unobserved":["bavn.dns.rtt","dns.response_code"]},"#,
        r#""destination":{"ip":"8.8.8.8","port":53},"#,
        r#""dns":{"answers":[{"class":"IN","ttl":0},{"class":"IN","ttl":300},{"ttl":5}],"#,
        r#""question":{"name":"a\"b\\.example"},"resolved_ip":["2001:db8::1"]},"#,
        r#""event":{"category":["network"],"dataset":"bavn.dns","kind":"event","type":["connection","protocol"]},"#,
        r#""network":{"community_id":"1:d/FP5EW3wiY1vCndhwleRRKHowQ=","protocol":"dns","transport":"udp","type":"ipv4","vlan":{"id":7}},"#,
        r#""source":{"ip":"192.168.1.52","port":54585}}"#,
        "\n"
    );
    assert_eq!(line(EventKind::Dns, &flow(), &fields), expected);
}

#[test]
fn an_events_own_field_wins_and_hidden_ones_are_not_printed() {
    let fields = [
        (Field::HttpRaw, Value::Text(b"GET")),
        (Field::HttpResponseHeaders, Value::Unobserved),
        (Field::NetworkProtocol, Value::Text(b"ssh")),
        (Field::UrlPassword, Value::Text(b"secret")),
    ];
    let text = line(EventKind::Http, &flow(), &fields);
    assert!(text.contains(r#""protocol":"ssh""#), "{text}");
    for absent in ["GET", "secret", "unobserved", "headers", "http\":{"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
}

#[test]
fn flows_without_ports_names_or_packets() {
    let mut other = FlowInfo { transport: Transport(99), vlan: [Some(1), Some(2)], ..flow() };
    let text = line(EventKind::Flow, &other, &[]);
    assert!(
        text.contains(r#""inner":{"vlan":{"id":2}},"transport":"99","type":"ipv4","vlan":{"id":1}}"#),
        "{text}"
    );
    assert!(!text.contains("\"port\""), "{text}");
    other.id = 0;
    let text = line(EventKind::Flow, &other, &[]);
    assert!(
        !text.contains("source") && !text.contains("community_id") && !text.contains("\"flow\":{"),
        "{text}"
    );
}

#[test]
fn a_document_with_entries_of_its_own() {
    static ID: Key = Key::new("event.id");
    static NAME: Key = Key::new("rule.name");
    static SOURCE: Key = Key::new("source.ip");
    static VERSION: Key = Key::new("user_agent.version");
    let own = [
        (&ID, Own::Value(Value::Text(b"X"))),
        (&NAME, Own::Raw(b"[1]")),
        (&SOURCE, Own::Value(Value::Bool(true))),
        (&VERSION, Own::Value(Value::Float(1.5))),
    ];
    let fields = [(Field::EventDuration, Value::Number(u64::MAX)), (Field::UserAgent, Value::Text(b"curl"))];
    let flow = FlowInfo { id: 0, ..flow() };
    let mut out = Vec::new();
    let event = Event { kind: EventKind::Flow, time: 0, packet: 1, flow: &flow, fields: &fields };
    write_document(&mut out, &event, &own);
    let expected = concat!(
        r#"{"event":{"duration":18446744073709551615,"id":"X"},"network":{"vlan":{"id":7}},"rule":{"name":[1]},"#,
        r#""source":{"ip":true},"user_agent":{"original":"curl","version":1.5}}"#
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

fn text_of(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    write_text(&mut out, bytes);
    String::from_utf8(out).unwrap()
}

#[test]
fn texts_are_escaped() {
    assert_eq!(text_of(b""), r#""""#);
    assert_eq!(text_of("blåbær \u{2028}".as_bytes()), "\"blåbær \u{2028}\"");
    assert_eq!(text_of(b"a\x00\n\x1b[31m\"\\"), r#""a\u0000\u000a\u001b[31m\"\\""#);
    assert_eq!(text_of(b"a\xff\xc3(\xe2\x82"), r#""a\\xff\\xc3(\\xe2\\x82""#);
}

#[test]
fn times_of_all_ages() {
    for (seconds, expected) in [
        (0, "1970-01-01T00:00:00"),
        (951_782_399, "2000-02-28T23:59:59"),
        (951_868_799, "2000-02-29T23:59:59"),
        (951_868_800, "2000-03-01T00:00:00"),
        (4_107_542_400, "2100-03-01T00:00:00"),
        (18_446_744_073, "2554-07-21T23:34:33"),
    ] {
        let mut out = Vec::new();
        write_time(&mut out, seconds * 1_000_000_000 + 7);
        assert_eq!(String::from_utf8(out).unwrap(), format!("\"{expected}.000000007Z\""));
    }
}

#[test]
fn numbers() {
    for number in [0, 9, 10, 65_535, u64::MAX] {
        let mut out = Vec::new();
        write_value(&mut out, &Value::Number(number));
        assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
    }
    let mut out = Vec::new();
    write_value(&mut out, &Value::Float(f64::NAN));
    assert_eq!(out, b"null");
}

#[test]
fn no_two_objects_share_a_hash() {
    let mut objects = std::collections::HashMap::new();
    let own = ["event.category", "event.kind", "rule.name", "threat.technique.id", "bavn.unobserved"];
    for name in FIELDS.iter().map(|field| field.name).chain(own) {
        let known = Name::new(name);
        for (depth, (dot, _)) in name.match_indices('.').enumerate() {
            let object = &name[..dot];
            assert_eq!(*objects.entry(known.objects[depth]).or_insert(object), object);
        }
    }
}

proptest! {
    #[test]
    fn addresses_are_written_as_the_standard_library_writes_them(groups in proptest::array::uniform8(
        prop_oneof![Just(0_u16), Just(1), Just(0xffff), any::<u16>()]
    )) {
        let ip = std::net::Ipv6Addr::from(groups);
        let mut out = Vec::new();
        write_value(&mut out, &Value::Ip(ip.into()));
        prop_assert_eq!(String::from_utf8(out).unwrap(), format!("\"{ip}\""));
    }

    #[test]
    fn any_bytes_give_one_text_without_controls(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = text_of(&bytes);
        let back: String = serde_json::from_str(&text).unwrap();
        prop_assert!(!text.bytes().any(|byte| byte < 0x20));
        if let Ok(valid) = std::str::from_utf8(&bytes) {
            prop_assert_eq!(back, valid);
        }
    }

    #[test]
    fn any_set_of_fields_gives_one_object(rows in proptest::collection::btree_set(0..FIELDS.len(), 0..40), kind in 0..5_usize) {
        let fields: Vec<_> = rows.iter().map(|row| {
            let field = Field::all()[*row];
            (field, if field.def().list { Value::List(&[Value::Number(1)]) } else { Value::Number(1) })
        }).collect();
        let text = line(EventKind::ALL[kind], &flow(), &fields);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (field, _) in fields.iter().filter(|(field, _)| !field.def().hidden && !is_answer(*field)) {
            let pointer = format!("/{}", field.name().replace('.', "/"));
            let value = json.pointer(&pointer).unwrap();
            prop_assert!(*value == 1 || *value == serde_json::json!([1]), "{}", field.name());
        }
    }
}
