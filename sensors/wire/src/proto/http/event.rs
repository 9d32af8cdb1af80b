//! Builds the one event of a transaction.

use std::borrow::Cow;

use super::auth;
use super::head::{Head, Header, RequestLine, StatusLine};
use super::transactions::Request;
use super::url::{Authority, Target};
use crate::fields::Field;
use crate::messages::{EventKind, Value};
use crate::proto::Context;

/// All fields that an `http` event can carry, in the order of the field table.
pub const FIELDS: &[Field] = &[
    Field::HttpRaw,
    Field::HttpRequestAuthorization,
    Field::HttpRequestCookie,
    Field::HttpRequestFileNames,
    Field::HttpRequestFormFields,
    Field::HttpHeaderNames,
    Field::HttpRequestHeaders,
    Field::HttpRequestOrigin,
    Field::HttpXForwardedFor,
    Field::HttpResponseHeaders,
    Field::HttpResponseLocation,
    Field::HttpResponseReason,
    Field::HttpResponseServer,
    Field::HttpTransactionDepth,
    Field::HttpRequestBodyBytes,
    Field::HttpRequestBodyContent,
    Field::HttpRequestMethod,
    Field::HttpRequestMimeType,
    Field::HttpRequestReferrer,
    Field::HttpResponseBodyBytes,
    Field::HttpResponseMimeType,
    Field::HttpResponseStatusCode,
    Field::HttpVersion,
    Field::UrlDomain,
    Field::UrlExtension,
    Field::UrlFull,
    Field::UrlOriginal,
    Field::UrlPassword,
    Field::UrlPath,
    Field::UrlPort,
    Field::UrlQuery,
    Field::UrlScheme,
    Field::UserName,
    Field::UserAgent,
];

/// A response's head in parts.
pub(crate) struct Response<'a> {
    pub(crate) line: StatusLine<'a>,
    pub(crate) head: &'a Head<'a>,
    /// The head was not seen to its end.
    pub(crate) cut: bool,
    /// Bytes of the body, unobserved where only its end would tell.
    pub(crate) body: Option<Value<'static>>,
}

/// Gives out one transaction; a side that is `None` was not seen.
pub(crate) fn give_out(request: Option<&Request>, response: Option<&Response<'_>>, cx: &mut Context<'_>) {
    if !cx.sink.wants(EventKind::Http) {
        return;
    }
    let head = request.map(|request| Head::parse(&request.head));
    let parts = request.zip(head.as_ref()).map(|(request, head)| Parts::new(request, head));
    let headers = head.as_ref().map_or(&[][..], |head| &head.headers);
    let upper = Upper::new(headers);
    let lists = Lists {
        names: upper.values(),
        request: lines(headers),
        response: lines(response.map_or(&[][..], |response| &response.head.headers)),
        form_fields: texts(request.map_or(&[][..], |request| &request.body.fields)),
        file_names: texts(request.map_or(&[][..], |request| &request.body.files)),
    };
    let mut fields = Fields {
        all: Vec::with_capacity(FIELDS.len()),
        no_request: missing(parts.as_ref().map(|parts| parts.cut)),
        no_response: missing(response.map(|response| response.cut || response.head.more)),
    };
    fields.fill(parts.as_ref(), response, &lists);
    cx.emit(EventKind::Http, &fields.all);
}

/// What stands for a field that a side does not have: nothing where the side was seen whole.
const fn missing(cut: Option<bool>) -> Option<Value<'static>> {
    match cut {
        Some(false) => None,
        Some(true) | None => Some(Value::Unobserved),
    }
}

/// Values of all headers of that name, put together as RFC 9110 5.3 allows.
fn joined<'a>(head: &Head<'a>, name: &str, separator: &[u8]) -> Option<Cow<'a, [u8]>> {
    let mut values = head.all(name);
    let mut joined = Cow::Borrowed(values.next()?);
    for value in values {
        let all = joined.to_mut();
        all.extend_from_slice(separator);
        all.extend_from_slice(value);
    }
    Some(joined)
}

/// Type and subtype without parameters.
fn mime_type(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// Everything of a request that is not simply a slice of its head.
struct Parts<'a> {
    request: &'a Request,
    line: RequestLine<'a>,
    target: Target<'a>,
    authority: Option<Authority<'a>>,
    full: Vec<u8>,
    known: Known<'a>,
    login: Option<(Vec<u8>, Vec<u8>)>,
    cut: bool,
}

/// Headers with a field of their own.
#[derive(Default)]
struct Known<'a> {
    authorization: Option<Cow<'a, [u8]>>,
    cookie: Option<Cow<'a, [u8]>>,
    origin: Option<Cow<'a, [u8]>>,
    forwarded: Option<Cow<'a, [u8]>>,
    content_type: Option<Cow<'a, [u8]>>,
    referrer: Option<Cow<'a, [u8]>>,
    agent: Option<Cow<'a, [u8]>>,
}

impl<'a> Known<'a> {
    fn new(head: &Head<'a>) -> Self {
        Self {
            authorization: joined(head, "authorization", b", "),
            cookie: joined(head, "cookie", b"; "),
            origin: joined(head, "origin", b", "),
            forwarded: joined(head, "x-forwarded-for", b", "),
            content_type: joined(head, "content-type", b", "),
            referrer: joined(head, "referer", b", "),
            agent: joined(head, "user-agent", b", "),
        }
    }
}

impl<'a> Parts<'a> {
    fn new(request: &'a Request, head: &'a Head<'a>) -> Self {
        let line = RequestLine::parse(head.first);
        let target = Target::parse(line.method, line.target);
        let host = head.all("host").next().filter(|host| !host.is_empty());
        // An address in the target overrides the header (RFC 9112 3.2.2).
        let authority = target.authority.or_else(|| host.map(Authority::parse));
        let known = Known::new(head);
        let login = known.authorization.as_deref().and_then(auth::basic);
        let login = login.or_else(|| target.authority.and_then(|authority| user_info(authority.user?)));
        let full = full(&line, &target, host, scheme(request));
        Self { request, line, target, authority, full, known, login, cut: request.cut || head.more }
    }

    fn body_bytes(&self) -> u64 {
        self.request.length.unwrap_or(self.request.counted)
    }
}

const fn scheme(request: &Request) -> &'static [u8] {
    if request.secure { b"https" } else { b"http" }
}

/// The whole address that a request is for, and its path.
pub(crate) fn address<'a>(head: &Head<'a>, secure: bool) -> (Vec<u8>, Option<&'a [u8]>) {
    let line = RequestLine::parse(head.first);
    let target = Target::parse(line.method, line.target);
    let host = head.all("host").next().filter(|host| !host.is_empty());
    (full(&line, &target, host, if secure { b"https" } else { b"http" }), target.path)
}

/// `user:password` before a host.
fn user_info(user: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let colon = memchr::memchr(b':', user).unwrap_or(user.len());
    let password = user.get(colon + 1..).unwrap_or_default();
    Some((user.get(..colon)?.to_vec(), password.to_vec()))
}

/// The whole address; the target alone where no host is known.
fn full(line: &RequestLine<'_>, target: &Target<'_>, host: Option<&[u8]>, scheme: &[u8]) -> Vec<u8> {
    match host {
        Some(host) if target.authority.is_none() => {
            let slash: &[u8] = if line.target.starts_with(b"/") { b"" } else { b"/" };
            [scheme, b"://", host, slash, line.target].concat()
        }
        _ => line.target.to_vec(),
    }
}

/// Names of headers in upper case, one after the other.
#[derive(Default)]
struct Upper {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Upper {
    fn new(headers: &[Header<'_>]) -> Self {
        let mut upper = Self::default();
        upper.bytes.reserve(headers.len() * 16);
        for header in headers {
            upper.bytes.extend(header.name.iter().map(u8::to_ascii_uppercase));
            upper.ends.push(upper.bytes.len());
        }
        upper
    }

    fn values(&self) -> Vec<Value<'_>> {
        let mut from = 0;
        let name = |&end: &usize| {
            let name = self.bytes.get(std::mem::replace(&mut from, end)..end);
            Value::Text(name.unwrap_or_default())
        };
        self.ends.iter().map(name).collect()
    }
}

/// Lists of header names and lines.
struct Lists<'a> {
    names: Vec<Value<'a>>,
    request: Vec<Value<'a>>,
    response: Vec<Value<'a>>,
    form_fields: Vec<Value<'a>>,
    file_names: Vec<Value<'a>>,
}

fn texts(names: &[Box<[u8]>]) -> Vec<Value<'_>> {
    names.iter().map(|name| Value::Text(name)).collect()
}

fn lines<'a>(headers: &[Header<'a>]) -> Vec<Value<'a>> {
    headers.iter().map(|header| Value::Text(header.line)).collect()
}

fn list<'a>(values: &'a [Value<'a>]) -> Option<Value<'a>> {
    (!values.is_empty()).then_some(Value::List(values))
}

struct Fields<'a> {
    all: Vec<(Field, Value<'a>)>,
    no_request: Option<Value<'static>>,
    no_response: Option<Value<'static>>,
}

impl<'a> Fields<'a> {
    fn put(&mut self, field: Field, value: Option<Value<'a>>, otherwise: Option<Value<'static>>) {
        self.all.extend(value.or(otherwise).map(|value| (field, value)));
    }

    fn asked(&mut self, field: Field, value: Option<Value<'a>>) {
        self.put(field, value, self.no_request);
    }

    fn asked_text(&mut self, field: Field, value: Option<&'a [u8]>) {
        self.asked(field, value.map(Value::Text));
    }

    fn told(&mut self, field: Field, value: Option<Value<'a>>) {
        self.put(field, value, self.no_response);
    }

    fn told_header(&mut self, field: Field, response: Option<&Response<'a>>, name: &str) {
        self.told(field, response.and_then(|response| response.head.all(name).next()).map(Value::Text));
    }

    fn fill(&mut self, parts: Option<&'a Parts<'a>>, response: Option<&Response<'a>>, lists: &'a Lists<'a>) {
        self.request_headers(parts, lists);
        self.response_headers(response, lists);
        self.asked(Field::HttpTransactionDepth, parts.map(|parts| Value::Number(parts.request.depth)));
        self.request_line(parts);
        self.response_line(response);
        let version = parts.map(|parts| parts.line.version);
        let version = version.or(response.map(|response| response.line.version));
        self.asked_text(Field::HttpVersion, version);
        self.url(parts);
        let agent = parts.and_then(|parts| parts.known.agent.as_deref());
        self.asked_text(Field::UserAgent, agent);
    }

    fn request_headers(&mut self, parts: Option<&'a Parts<'a>>, lists: &'a Lists<'a>) {
        let known = parts.map(|parts| &parts.known);
        self.asked_text(Field::HttpRaw, parts.map(|parts| parts.request.head.as_slice()));
        let authorization = known.and_then(|known| known.authorization.as_deref());
        self.asked_text(Field::HttpRequestAuthorization, authorization);
        self.asked_text(Field::HttpRequestCookie, known.and_then(|known| known.cookie.as_deref()));
        self.asked(Field::HttpRequestFileNames, list(&lists.file_names));
        self.asked(Field::HttpRequestFormFields, list(&lists.form_fields));
        self.asked(Field::HttpHeaderNames, list(&lists.names));
        self.asked(Field::HttpRequestHeaders, list(&lists.request));
        self.asked_text(Field::HttpRequestOrigin, known.and_then(|known| known.origin.as_deref()));
        self.asked_text(Field::HttpXForwardedFor, known.and_then(|known| known.forwarded.as_deref()));
    }

    fn response_headers(&mut self, response: Option<&Response<'a>>, lists: &'a Lists<'a>) {
        self.told(Field::HttpResponseHeaders, list(&lists.response));
        self.told_header(Field::HttpResponseLocation, response, "location");
        // HTTP/2 has none (RFC 9113 8.3.2).
        let with_reason = response.filter(|response| response.line.version != b"2");
        self.told(Field::HttpResponseReason, with_reason.map(|response| Value::Text(response.line.reason)));
        self.told_header(Field::HttpResponseServer, response, "server");
    }

    fn request_line(&mut self, parts: Option<&'a Parts<'a>>) {
        let known = parts.map(|parts| &parts.known);
        self.asked(Field::HttpRequestBodyBytes, parts.map(|parts| Value::Number(parts.body_bytes())));
        let first = parts.map(|parts| parts.request.body.first.as_slice());
        self.asked_text(Field::HttpRequestBodyContent, first.filter(|first| !first.is_empty()));
        self.asked_text(Field::HttpRequestMethod, parts.map(|parts| parts.line.method));
        let content_type = known.and_then(|known| known.content_type.as_deref());
        self.asked_text(Field::HttpRequestMimeType, content_type.map(mime_type));
        self.asked_text(Field::HttpRequestReferrer, known.and_then(|known| known.referrer.as_deref()));
    }

    fn response_line(&mut self, response: Option<&Response<'a>>) {
        self.told(Field::HttpResponseBodyBytes, response.and_then(|response| response.body));
        let content_type = response.and_then(|response| response.head.all("content-type").next());
        self.told(Field::HttpResponseMimeType, content_type.map(|value| Value::Text(mime_type(value))));
        let code = response.map(|response| Value::Number(response.line.code.into()));
        self.told(Field::HttpResponseStatusCode, code);
    }

    fn url(&mut self, parts: Option<&'a Parts<'a>>) {
        let authority = parts.and_then(|parts| parts.authority);
        let target = parts.map(|parts| parts.target);
        let login = parts.and_then(|parts| parts.login.as_ref());
        self.asked_text(Field::UrlDomain, authority.map(|authority| authority.host));
        self.asked_text(Field::UrlExtension, target.and_then(|target| target.extension()));
        self.asked_text(Field::UrlFull, parts.map(|parts| parts.full.as_slice()));
        self.asked_text(Field::UrlOriginal, parts.map(|parts| parts.line.target));
        self.asked_text(Field::UrlPassword, login.map(|(_, password)| password.as_slice()));
        self.asked_text(Field::UrlPath, target.and_then(|target| target.path));
        self.asked(Field::UrlPort, authority.and_then(|authority| authority.port).map(Value::Number));
        self.asked_text(Field::UrlQuery, target.and_then(|target| target.query));
        self.asked_text(Field::UrlScheme, Some(parts.map_or(b"http", |parts| scheme(parts.request))));
        self.asked_text(Field::UserName, login.map(|(user, _)| user.as_slice()));
    }
}
