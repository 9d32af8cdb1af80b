//! What follows `101 Switching Protocols` (RFC 9110 7.8) where this parser's own kin goes on: it knows the request.

use super::head::{Head, RequestLine};
use super::transactions::Request;
use super::url::Authority;
use crate::messages::{Direction, EventKind};
use crate::proto::http2::Http2;
use crate::proto::websocket::limits::MAX_TEXT;
use crate::proto::websocket::{Opening, WebSocket};
use crate::proto::{Close, Context, Next, StreamParser};

/// The protocol that both sides changed to.
#[derive(Debug)]
pub(super) enum Upgraded {
    Http2(Box<Http2>),
    WebSocket(Box<WebSocket>),
}

impl Upgraded {
    /// None for what is another parser's, or nobody's.
    pub(super) fn new(
        request: Option<&Request>,
        response: &Head<'_>,
        client: Direction,
        cx: &mut Context<'_>,
    ) -> Option<Self> {
        let to = response.all("upgrade").next()?;
        if to.eq_ignore_ascii_case(b"h2c") {
            return Some(Self::Http2(Box::new(Http2::upgraded(client, request?.clone(), cx))));
        }
        if to.eq_ignore_ascii_case(b"websocket") && cx.wants(EventKind::Websocket) {
            let opening = opening(request, response);
            return Some(Self::WebSocket(Box::new(WebSocket::new(opening, client, cx))));
        }
        None
    }

    pub(super) fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        match self {
            _ if data.is_empty() => Next::More,
            Self::Http2(parser) => parser.data(direction, data, cx),
            Self::WebSocket(parser) => parser.data(direction, data, cx),
        }
    }

    pub(super) fn gap(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) -> Next {
        match self {
            Self::Http2(parser) => parser.gap(direction, len, cx),
            Self::WebSocket(parser) => parser.gap(direction, len, cx),
        }
    }

    pub(super) fn tick(&mut self, cx: &mut Context<'_>) {
        match self {
            Self::Http2(parser) => parser.tick(cx),
            Self::WebSocket(_) => {}
        }
    }

    pub(super) fn close(&mut self, why: Close, cx: &mut Context<'_>) {
        match self {
            Self::Http2(parser) => parser.close(why, cx),
            Self::WebSocket(parser) => parser.close(cx),
        }
    }

    pub(super) fn held(&self) -> usize {
        match self {
            Self::Http2(parser) => parser.held(),
            Self::WebSocket(parser) => parser.held(),
        }
    }
}

fn opening(request: Option<&Request>, response: &Head<'_>) -> Opening {
    let asked = request.map(|request| Head::parse(&request.head));
    let header = |name| asked.as_ref().and_then(|head| head.all(name).next());
    let target = asked.as_ref().map(|head| RequestLine::parse(head.first).target);
    Opening {
        domain: kept(header("host").map(|host| Authority::parse(host).host)),
        target: kept(target),
        agent: kept(header("user-agent")),
        subprotocol: kept(response.all("sec-websocket-protocol").next()),
        extensions: kept(response.all("sec-websocket-extensions").next()),
    }
}

fn kept(text: Option<&[u8]>) -> Option<Vec<u8>> {
    let text = text.filter(|text| !text.is_empty())?;
    Some(MAX_TEXT.clip(text).to_vec())
}
