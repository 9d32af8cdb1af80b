use crate::fields::Field;
use crate::flow::crafted::{self, ACK, CLIENT, FIN, SERVER, SYN};
use crate::messages::{Event, EventKind, Sink, Value};
use crate::pipeline::{Wire, WireConfig};

/// What packet events say, as text.
#[derive(Default)]
struct Said(Vec<String>);

impl Sink for Said {
    fn event(&mut self, event: &Event<'_>) {
        if event.kind != EventKind::Packet {
            return;
        }
        assert!(event.fields.windows(2).all(|pair| pair[0].0 < pair[1].0), "fields out of order");
        assert!(event.fields.iter().all(|(field, _)| super::FIELDS.contains(field)));
        let of = |field| event.fields.iter().find(|(own, _)| *own == field).map(|(_, value)| text(value));
        let fields = [
            Field::SourcePort,
            Field::DestinationPort,
            Field::HeaderSender,
            Field::HeaderTcpFlags,
            Field::HeaderTcpBits,
            Field::PayloadBytes,
            Field::PayloadText,
        ];
        self.0.push(fields.map(|field| of(field).unwrap_or_else(|| "-".into())).join(" "));
    }
}

fn text(value: &Value<'_>) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::List(items) => items.iter().map(text).collect::<Vec<_>>().join("+"),
        other => format!("{other:?}"),
    }
}

fn said(packets: bool) -> Vec<String> {
    let mut wire = Wire::new(WireConfig { packets, ..WireConfig::default() });
    let frames = [
        crafted::tcp(CLIENT, SERVER, (99, 0), SYN, b""),
        crafted::tcp(SERVER, CLIENT, (499, 100), SYN | ACK, b""),
        crafted::tcp(CLIENT, SERVER, (100, 500), ACK, b"hello"),
        crafted::tcp(CLIENT, SERVER, (105, 500), FIN | SYN, b""),
        crafted::udp("10.0.0.9", 5, "10.0.0.8", 6, b"x"),
    ];
    let mut said = Said::default();
    for (n, data) in frames.iter().enumerate() {
        wire.frame(&crafted::frame(n as u64, data), &mut said);
    }
    wire.finish(&mut said);
    said.0
}

#[test]
fn each_packet_tells_of_its_own_ends_flags_and_payload() {
    let (client, server) = (CLIENT.1, SERVER.1);
    assert_eq!(
        said(true),
        [
            format!("{client} {server} client SYN 2 0 "),
            format!("{server} {client} server SYN+ACK 18 0 "),
            format!("{client} {server} client ACK 16 5 hello"),
            format!("{client} {server} client FIN+SYN 3 0 "),
            "5 6 client - - 1 x".to_owned(),
        ]
    );
}

#[test]
fn without_a_wish_there_are_none() {
    assert!(said(false).is_empty());
}
