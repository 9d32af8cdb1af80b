//! Events from JSON, for rule tests and explanations: `{"kind","fields":{"url.path":"/a",..},"unobserved":["..",..]}`.
//!
//! A list is a list, `null` a field that is present without a value, and in a list a member that was not seen. A value is read as its field's type; a text
//! will do for a number, an address, a truth value or a time; bytes that are no UTF-8 stand as `{"hex":".."}`. `time`
//! (nanoseconds), `packet` and `flow` may be given. [`write`] makes the same of an event on its way, so that what is
//! read back is the event that was.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use bavn_wire::fields::{Field, FieldType};
use bavn_wire::messages::{Event, EventKind, FlowInfo, Transport, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::predicate::network::address_of;
use crate::predicate::time::parse_rfc3339;
use crate::view::{FLOW_FIELDS, with_flow_field};

/// Why an event was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventError(String);

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BAVN-E050: the event cannot be read: {}", self.0)
    }
}

impl std::error::Error for EventError {}

/// A value whose bytes and members lie in [`Stores`].
#[derive(Clone, Copy, Debug)]
enum Owned {
    Unobserved,
    Bool(bool),
    Number(u64),
    Float(f64),
    Time(u64),
    Ip(IpAddr),
    Text(Span),
    List(Span),
}

/// A part of a store.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: usize,
    to: usize,
}

impl Span {
    fn of<T>(self, store: &[T]) -> &[T] {
        store.get(self.from..self.to).unwrap_or_default()
    }
}

/// The texts of all values, and the members of all lists: two allocations an event, however many values it has.
#[derive(Clone, Debug, Default)]
struct Stores {
    bytes: Vec<u8>,
    members: Vec<Owned>,
}

impl Stores {
    fn read(&mut self, field: Field, json: &Json) -> Result<Owned, EventError> {
        match json {
            Json::Null => Ok(self.list(&[])),
            Json::Array(items) => {
                let items: Vec<_> =
                    items.iter().map(|item| self.member(field, item)).collect::<Result<_, _>>()?;
                Ok(self.list(&items))
            }
            single => self.single(field, single),
        }
    }

    /// One of a list; `null` is one that was not seen.
    fn member(&mut self, field: Field, json: &Json) -> Result<Owned, EventError> {
        if json.is_null() { Ok(Owned::Unobserved) } else { self.single(field, json) }
    }

    fn single(&mut self, field: Field, json: &Json) -> Result<Owned, EventError> {
        let text = match json {
            Json::Object(given) if field.def().ty == FieldType::Text => {
                return unhex(given).map(|bytes| self.text(&bytes)).ok_or_else(|| wrong(field, json));
            }
            Json::String(text) => text.clone(),
            Json::Number(_) | Json::Bool(_) => json.to_string(),
            _ => return Err(wrong(field, json)),
        };
        let typed = match field.def().ty {
            FieldType::Text => Some(self.text(text.as_bytes())),
            FieldType::Number => text.parse().ok().map(Owned::Number),
            FieldType::Float => text.parse().ok().map(Owned::Float),
            FieldType::Bool => text.parse().ok().map(Owned::Bool),
            FieldType::Ip => address_of(text.as_bytes()).map(Owned::Ip),
            FieldType::Time => text.parse().ok().or_else(|| parse_rfc3339(&text)).map(Owned::Time),
        };
        typed.ok_or_else(|| EventError(format!("{} cannot be {text:?}", field.name())))
    }

    /// A copy of a value; lists have no lists in them.
    fn copy(&mut self, value: &Value<'_>) -> Owned {
        match *value {
            Value::Unobserved => Owned::Unobserved,
            Value::Bool(flag) => Owned::Bool(flag),
            Value::Number(number) => Owned::Number(number),
            Value::Float(number) => Owned::Float(number),
            Value::Time(ns) => Owned::Time(ns),
            Value::Ip(ip) => Owned::Ip(ip),
            Value::Text(bytes) => self.text(bytes),
            Value::List(items) => {
                let from = self.members.len();
                for item in items {
                    let item = if matches!(item, Value::List(_)) { self.list(&[]) } else { self.copy(item) };
                    self.members.push(item);
                }
                Owned::List(Span { from, to: self.members.len() })
            }
        }
    }

    fn text(&mut self, bytes: &[u8]) -> Owned {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        Owned::Text(Span { from, to: self.bytes.len() })
    }

    fn list(&mut self, items: &[Owned]) -> Owned {
        let from = self.members.len();
        self.members.extend_from_slice(items);
        Owned::List(Span { from, to: self.members.len() })
    }

    /// As a value; `members` are all of them as values.
    fn borrow<'a>(&'a self, value: &Owned, members: &'a [Value<'a>]) -> Value<'a> {
        match *value {
            Owned::Unobserved => Value::Unobserved,
            Owned::Bool(flag) => Value::Bool(flag),
            Owned::Number(number) => Value::Number(number),
            Owned::Float(number) => Value::Float(number),
            Owned::Time(ns) => Value::Time(ns),
            Owned::Ip(ip) => Value::Ip(ip),
            Owned::Text(span) => Value::Text(span.of(&self.bytes)),
            Owned::List(span) => Value::List(span.of(members)),
        }
    }
}

fn wrong(field: Field, json: &Json) -> EventError {
    EventError(format!("{} has {json} as a value", field.name()))
}

/// The bytes of `{"hex": ".."}`.
fn unhex(given: &Map<String, Json>) -> Option<Vec<u8>> {
    let text = given.get("hex")?.as_str().filter(|text| given.len() == 1 && text.len() % 2 == 0)?;
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// A flow as JSON; [`FlowInfo`] says what each means.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawFlow {
    ip: [IpAddr; 2],
    port: [u16; 2],
    transport: u8,
    vlan: [Option<u16>; 2],
    tunnel: u64,
    start: u64,
    last: u64,
    packets: [u64; 2],
    bytes: [u64; 2],
    id: u64,
}

impl RawFlow {
    fn of(flow: &FlowInfo) -> Self {
        let FlowInfo { ip, port, transport, vlan, tunnel, start, last, packets, bytes, id } = *flow;
        Self { ip, port, transport: transport.0, vlan, tunnel, start, last, packets, bytes, id }
    }

    fn info(self) -> FlowInfo {
        let Self { ip, port, transport, vlan, tunnel, start, last, packets, bytes, id } = self;
        FlowInfo { ip, port, transport: Transport(transport), vlan, tunnel, start, last, packets, bytes, id }
    }
}

/// Appends an event as one line of JSON that [`OwnedEvent::from_json`] reads. `given` has what its flow gives, for
/// readers that look at fields alone; it is not read back.
pub fn write(out: &mut Vec<u8>, event: &Event<'_>) {
    let (mut fields, mut given) = (Map::new(), Map::new());
    for (field, value) in event.fields {
        if !matches!(value, Value::Unobserved) {
            fields.insert(field.name().to_owned(), json_of(value));
        }
    }
    for field in FLOW_FIELDS.iter().filter(|field| !event.fields.iter().any(|(own, _)| own == *field)) {
        with_flow_field(event, *field, |value| {
            value.into_iter().for_each(|value| drop(given.insert(field.name().to_owned(), json_of(value))));
        });
    }
    let unobserved = event.fields.iter().filter(|(_, value)| matches!(value, Value::Unobserved));
    let unobserved: Vec<&str> = unobserved.map(|(field, _)| field.name()).collect();
    let mut line = json!({
        "kind": event.kind.name(), "time": event.time, "packet": event.packet,
        "fields": fields, "given": given, "unobserved": unobserved,
    });
    if event.flow.id != 0 {
        line["flow"] = json!(RawFlow::of(event.flow));
    }
    out.extend_from_slice(line.to_string().as_bytes());
    out.push(b'\n');
}

fn json_of(value: &Value<'_>) -> Json {
    match value {
        Value::Unobserved => Json::Null,
        Value::Bool(flag) => json!(flag),
        Value::Number(number) | Value::Time(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Ip(ip) => json!(ip),
        Value::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json!(text),
            Err(_) => json!({ "hex": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() }),
        },
        Value::List(items) => items.iter().map(json_of).collect(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    kind: String,
    #[serde(default)]
    fields: BTreeMap<String, Json>,
    #[serde(default)]
    unobserved: Vec<String>,
    #[serde(default)]
    time: u64,
    #[serde(default)]
    packet: u64,
    flow: Option<RawFlow>,
    #[serde(default, rename = "given")]
    _given: serde::de::IgnoredAny,
}

/// An event that owns its values. Without a flow, addresses and ports are fields as any other.
#[derive(Clone, Debug)]
pub struct OwnedEvent {
    kind: EventKind,
    time: u64,
    packet: u64,
    flow: FlowInfo,
    fields: Vec<(Field, Owned)>,
    stores: Stores,
}

/// Stands for no flow: its `id` is 0.
const NO_FLOW: FlowInfo = FlowInfo {
    ip: [IpAddr::V4(Ipv4Addr::UNSPECIFIED); 2],
    port: [0; 2],
    transport: Transport(0),
    vlan: [None; 2],
    tunnel: 0,
    start: 0,
    last: 0,
    packets: [0; 2],
    bytes: [0; 2],
    id: 0,
};

impl OwnedEvent {
    /// Reads one from JSON.
    ///
    /// # Errors
    /// [`EventError`] on what is not such JSON, an unknown kind or field, or a value that does not fit its field.
    pub fn from_json(json: &[u8]) -> Result<Self, EventError> {
        let raw: Raw = serde_json::from_slice(json).map_err(|e| EventError(e.to_string()))?;
        let kind =
            EventKind::by_name(&raw.kind).ok_or_else(|| EventError(format!("no kind {:?}", raw.kind)))?;
        let (mut fields, mut stores) = (Vec::new(), Stores::default());
        for (name, json) in &raw.fields {
            let field = field(name)?;
            fields.push((field, stores.read(field, json)?));
        }
        for name in &raw.unobserved {
            fields.push((field(name)?, Owned::Unobserved));
        }
        fields.sort_by_key(|(field, _)| *field);
        match fields.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(EventError(format!("{} is given twice", pair[0].0.name()))),
            None => {
                let flow = raw.flow.map_or(NO_FLOW, RawFlow::info);
                Ok(Self { kind, time: raw.time, packet: raw.packet, flow, fields, stores })
            }
        }
    }

    /// A copy of an event.
    #[must_use]
    pub fn of(event: &Event<'_>) -> Self {
        let Event { kind, time, packet, flow, fields } = *event;
        let mut stores = Stores::default();
        let fields = fields.iter().map(|(field, value)| (*field, stores.copy(value))).collect();
        Self { kind, time, packet, flow: flow.clone(), fields, stores }
    }

    /// Number of its flow, 0 for none.
    #[must_use]
    pub const fn flow(&self) -> u64 {
        self.flow.id
    }

    /// Calls `then` with the event as the engine takes it.
    pub fn with<R>(&self, then: impl FnOnce(&Event<'_>) -> R) -> R {
        let Self { fields, stores, .. } = self;
        let members: Vec<_> = stores.members.iter().map(|value| stores.borrow(value, &[])).collect();
        let fields: Vec<_> =
            fields.iter().map(|(field, value)| (*field, stores.borrow(value, &members))).collect();
        let Self { kind, time, packet, .. } = *self;
        then(&Event { kind, time, packet, flow: &self.flow, fields: &fields })
    }
}

fn field(name: &str) -> Result<Field, EventError> {
    Field::by_name(name).ok_or_else(|| EventError(format!("no event carries a field named {name:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values_by_their_field() {
        let json = br#"{"kind":"http","fields":{"url.path":"/a","http.response.status_code":"404","source.ip":"10.0.0.1",
            "bavn.http.request.header_names":["HOST"],"user.name":null},"unobserved":["http.version"]}"#;
        let event = OwnedEvent::from_json(json).unwrap();
        event.with(|event| {
            let get = |field| event.fields.iter().find(|(own, _)| *own == field).map(|(_, value)| *value);
            assert_eq!(get(Field::HttpResponseStatusCode), Some(Value::Number(404)));
            assert_eq!(get(Field::HttpHeaderNames), Some(Value::List(&[Value::Text(b"HOST")])));
            assert_eq!(get(Field::UserName), Some(Value::List(&[])));
            assert_eq!(get(Field::HttpVersion), Some(Value::Unobserved));
            assert!(event.fields.windows(2).all(|pair| pair[0].0 < pair[1].0));
        });
    }

    #[test]
    fn what_is_written_is_read_back() {
        let json = br#"{"kind":"http","time":7,"packet":3,"fields":{"url.path":{"hex":"ff00"},"url.query":"a",
            "bavn.http.request.header_names":["HOST",null],"user.name":null},"unobserved":["http.version"],"flow":{
            "ip":["10.0.0.1","10.0.0.2"],"port":[1,80],"transport":6,"vlan":[null,4],"tunnel":0,"start":1,"last":7,
            "packets":[1,2],"bytes":[3,4],"id":9}}"#;
        let event = OwnedEvent::from_json(json).unwrap();
        let mut line = Vec::new();
        event.with(|event| write(&mut line, event));
        let text = String::from_utf8(line.clone()).unwrap();
        assert!(
            text.contains(r#""url.path":{"hex":"ff00"}"#) && text.contains(r#""source.port":1"#),
            "{text}"
        );
        let mut again = Vec::new();
        OwnedEvent::from_json(&line).unwrap().with(|event| {
            assert_eq!((event.flow.id, event.flow.vlan[1], event.time, event.packet), (9, Some(4), 7, 3));
            write(&mut again, event);
        });
        assert_eq!(line, again);
    }

    #[test]
    fn a_copy_says_the_same() {
        let list = [Value::Text(b"\xff\0"), Value::Ip("10.0.0.1".parse().unwrap())];
        let fields = [
            (Field::HttpHeaderNames, Value::List(&list)),
            (Field::HttpResponseStatusCode, Value::Number(404)),
            (Field::HttpVersion, Value::Unobserved),
        ];
        let flow = FlowInfo { id: 7, port: [1, 2], ..NO_FLOW };
        let event = Event { kind: EventKind::Http, time: 5, packet: 6, flow: &flow, fields: &fields };
        let copy = OwnedEvent::of(&event);
        assert_eq!(copy.flow(), 7);
        copy.with(|copy| assert_eq!(format!("{copy:?}"), format!("{event:?}")));
    }

    #[test]
    fn refuses_with_a_reason() {
        let cases = [
            (r#"{"kind":"nothing"}"#, "no kind"),
            (r#"{"kind":"http","fields":{"no.such":1}}"#, "no.such"),
            (r#"{"kind":"http","fields":{"source.ip":"x"}}"#, "cannot be"),
            (r#"{"kind":"http","fields":{"http.version":"1"},"unobserved":["http.version"]}"#, "twice"),
            (r#"{"kind":"http","more":1}"#, "unknown field"),
            (r#"{"kind":"http","fields":{"url.path":{"a":1}}}"#, "as a value"),
        ];
        for (json, want) in cases {
            let error = OwnedEvent::from_json(json.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("BAVN-E050") && error.contains(want), "{error}");
        }
    }
}
