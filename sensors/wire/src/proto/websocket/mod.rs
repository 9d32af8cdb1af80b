//! WebSocket (RFC 6455): what follows an upgrade from HTTP/1. One event a connection, at its end.
//!
//! Messages are counted and measured; their content is not looked at.

mod frames;
pub mod limits;
#[cfg(test)]
mod tests;

use crate::fields::Field;
use crate::messages::{Direction, EventKind, Value};
use crate::proto::{Context, Next};
use frames::{BINARY, CLOSE, Frame, PING, Place, TEXT, Told};

/// All fields that a `websocket` event can carry, in the order of the field table.
pub const FIELDS: &[Field] = &[
    Field::WebsocketClientBinary,
    Field::WebsocketClientBytes,
    Field::WebsocketClientLongest,
    Field::WebsocketClientPings,
    Field::WebsocketClientText,
    Field::WebsocketCloseCode,
    Field::WebsocketCloseSide,
    Field::WebsocketCompressed,
    Field::WebsocketExtensions,
    Field::WebsocketServerBinary,
    Field::WebsocketServerBytes,
    Field::WebsocketServerLongest,
    Field::WebsocketServerPings,
    Field::WebsocketServerText,
    Field::WebsocketSubprotocol,
    Field::EventStart,
    Field::UrlDomain,
    Field::UrlOriginal,
    Field::UserAgent,
];

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("websocket_bad_frame", "A frame that RFC 6455 does not know: the rest of the direction is not read"),
    ("websocket_gap", "Bytes were lost within frame headers: the rest of the direction is not read"),
    ("websocket_masking", "A client that does not mask its frames, or a server that does"),
];

/// What the upgrade told. Texts are as on the wire, within [`limits::MAX_TEXT`] bytes.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    pub(crate) domain: Option<Vec<u8>>,
    pub(crate) target: Option<Vec<u8>>,
    pub(crate) agent: Option<Vec<u8>>,
    pub(crate) subprotocol: Option<Vec<u8>>,
    pub(crate) extensions: Option<Vec<u8>>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct WebSocket {
    opening: Opening,
    client: Direction,
    start: u64,
    halves: [Half; 2],
    /// Code and sender of the first closing frame.
    close: Option<(Option<u16>, Direction)>,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    place: Place,
    text: u64,
    binary: u64,
    pings: u64,
    bytes: u64,
    longest: u64,
    /// Something was not seen: counts are too small.
    lost: bool,
}

impl WebSocket {
    pub(crate) fn new(opening: Opening, client: Direction, cx: &Context<'_>) -> Self {
        Self { opening, client, start: cx.time, halves: Default::default(), close: None }
    }

    pub(crate) fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        let mut rest = data;
        while !rest.is_empty() {
            let (used, told) = self.halves[direction.index()].place.take(rest);
            if let Some(told) = told {
                self.frame(direction, told, cx);
            }
            rest = rest.get(used..).unwrap_or_default();
        }
        Next::More
    }

    fn frame(&mut self, direction: Direction, told: Told, cx: &mut Context<'_>) {
        let half = &mut self.halves[direction.index()];
        match told {
            Told::Bad => {
                half.lost = true;
                cx.weird("websocket", "websocket_bad_frame", b"");
            }
            Told::Frame(frame) => {
                half.count(frame);
                if frame.masked != (direction == self.client) {
                    cx.weird("websocket", "websocket_masking", b"");
                }
            }
            Told::Close(code) => self.close = self.close.or(Some((code, direction))),
        }
    }

    pub(crate) fn gap(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) -> Next {
        let half = &mut self.halves[direction.index()];
        if !half.place.gap(len) && !half.lost {
            half.lost = true;
            cx.weird("websocket", "websocket_gap", b"");
        }
        Next::More
    }

    pub(crate) fn held(&self) -> usize {
        let Opening { domain, target, agent, subprotocol, extensions } = &self.opening;
        let texts = [domain, target, agent, subprotocol, extensions];
        size_of::<Self>() + texts.into_iter().flatten().map(Vec::capacity).sum::<usize>()
    }

    /// The connection is over: its event.
    pub(crate) fn close(&mut self, cx: &mut Context<'_>) {
        if !cx.sink.wants(EventKind::Websocket) {
            return;
        }
        let Opening { domain, target, agent, subprotocol, extensions } = &self.opening;
        let [client, server] = [self.client, self.client.flip()].map(|way| &self.halves[way.index()]);
        let compressed = extensions
            .as_deref()
            .is_some_and(|all| memchr::memmem::find(all, b"permessage-deflate").is_some());
        let texts = |text: &'static str| Value::Text(text.as_bytes());
        let side = self.close.map(|(_, way)| texts(if way == self.client { "client" } else { "server" }));
        let code = self.close.and_then(|(code, _)| code).map(|code| Value::Number(code.into()));
        let all = [
            (Field::WebsocketClientBinary, client.number(client.binary)),
            (Field::WebsocketClientBytes, client.number(client.bytes)),
            (Field::WebsocketClientLongest, client.number(client.longest)),
            (Field::WebsocketClientPings, client.number(client.pings)),
            (Field::WebsocketClientText, client.number(client.text)),
            (Field::WebsocketCloseCode, code),
            (Field::WebsocketCloseSide, side),
            (Field::WebsocketCompressed, Some(Value::Bool(compressed))),
            (Field::WebsocketExtensions, extensions.as_deref().map(Value::Text)),
            (Field::WebsocketServerBinary, server.number(server.binary)),
            (Field::WebsocketServerBytes, server.number(server.bytes)),
            (Field::WebsocketServerLongest, server.number(server.longest)),
            (Field::WebsocketServerPings, server.number(server.pings)),
            (Field::WebsocketServerText, server.number(server.text)),
            (Field::WebsocketSubprotocol, subprotocol.as_deref().map(Value::Text)),
            (Field::EventStart, Some(Value::Time(self.start))),
            (Field::UrlDomain, domain.as_deref().map(Value::Text)),
            (Field::UrlOriginal, target.as_deref().map(Value::Text)),
            (Field::UserAgent, agent.as_deref().map(Value::Text)),
        ];
        let present: Vec<_> = all.into_iter().filter_map(|(field, value)| Some((field, value?))).collect();
        cx.emit(EventKind::Websocket, &present);
    }
}

impl Half {
    fn count(&mut self, frame: Frame) {
        match frame.opcode {
            TEXT => self.text += 1,
            BINARY => self.binary += 1,
            PING => self.pings += 1,
            _ => {}
        }
        if frame.opcode < CLOSE {
            self.bytes = self.bytes.saturating_add(frame.len);
            self.longest = self.longest.max(frame.len);
        }
    }

    /// A count, unobserved where not all was seen.
    fn number(&self, value: u64) -> Option<Value<'static>> {
        Some(if self.lost { Value::Unobserved } else { Value::Number(value) })
    }
}
