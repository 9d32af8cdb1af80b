//! A message's body on its way: unpacked, taken apart where it is a form, given on to files. Used by HTTP/1 and HTTP/2.
//!
//! Nothing is kept of it but what a request's event tells; nothing is unpacked that nobody wants.

mod disposition;
pub mod limits;
mod multipart;
#[cfg(test)]
mod tests;
mod unpack;

use super::event;
use super::head::Head;
use super::transactions::Request;
use crate::files::Carving;
use crate::messages::{Direction, EventKind};
use crate::proto::Context;
pub(super) use disposition::parameter;
use limits::{MAX_FIRST, MAX_UNPACKED};
use multipart::Multipart;
use unpack::{Trouble, Unpacker};

/// A body that somebody wants to know more of than its length.
#[derive(Debug)]
pub(crate) struct Content {
    unpacker: Unpacker,
    /// The packed form was lost or broken: what follows cannot be read.
    broken: bool,
    /// A piece of the file only (206, Content-Range).
    partial: bool,
    out: Receiver,
}

/// What the content goes to.
#[derive(Debug, Default)]
struct Receiver {
    file: Option<Box<Carving>>,
    form: Option<Box<Multipart>>,
    told: Told,
    /// The first bytes are wanted.
    keep: bool,
}

/// What a request's event tells of its body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// The first bytes, unpacked.
    pub(crate) first: Vec<u8>,
    /// Names of a form's fields.
    pub(crate) fields: Vec<Box<[u8]>>,
    /// Names of a form's files.
    pub(crate) files: Vec<Box<[u8]>>,
}

impl Told {
    pub(crate) fn held(&self) -> usize {
        let names = self.fields.iter().chain(&self.files);
        self.first.capacity() + names.map(|name| name.len() + size_of::<Box<[u8]>>()).sum::<usize>()
    }
}

impl Content {
    /// The body of a request with that head.
    pub(crate) fn of_request(
        head: &Head<'_>,
        secure: bool,
        direction: Direction,
        cx: &Context<'_>,
    ) -> Option<Box<Self>> {
        let (keep, files) = (cx.sink.wants(EventKind::Http), cx.sink.wants(EventKind::File));
        if !keep && !files {
            return None;
        }
        let (url, path) = event::address(head, secure);
        let form = head.all("content-type").next().and_then(multipart::boundary);
        let form =
            form.map(|boundary| Box::new(Multipart::new(boundary, files.then(|| url.clone()), direction)));
        // What a form is sent to is a program; what is put has the name it gets.
        let path = path.filter(|_| head.first.starts_with(b"PUT "));
        let old = cx.sink.wants_old_digests();
        let file = (files && form.is_none()).then(|| carving(head, path, &url, direction, old));
        Some(Self::new(head, Receiver { file, form, told: Told::default(), keep }))
    }

    /// The body of a response with that head.
    pub(crate) fn of_response(
        head: &Head<'_>,
        request: Option<&Request>,
        direction: Direction,
        cx: &Context<'_>,
    ) -> Option<Box<Self>> {
        if !cx.sink.wants(EventKind::File) {
            return None;
        }
        // What has been told has no head any more.
        let request = request.filter(|request| !request.head.is_empty());
        let asked = request.map(|request| (Head::parse(&request.head), request.secure));
        let (url, path) = asked.map_or_else(Default::default, |(head, secure)| event::address(&head, secure));
        let file = carving(head, path, &url, direction, cx.sink.wants_old_digests());
        Some(Self::new(head, Receiver { file: Some(file), ..Receiver::default() }))
    }

    fn new(head: &Head<'_>, out: Receiver) -> Box<Self> {
        let range = head.all("content-range").next();
        let unpacker = Unpacker::new(head.all("content-encoding").chain(head.all("transfer-encoding")));
        Box::new(Self { unpacker, broken: false, partial: range.is_some_and(is_piece), out })
    }

    /// The body's next bytes, as they came.
    pub(crate) fn data(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        if self.broken || bytes.is_empty() {
            return;
        }
        let out = &mut self.out;
        let done = self.unpacker.data(bytes, &mut |piece| out.data(piece, cx));
        if let Err(trouble) = done {
            self.fail(trouble, cx);
        }
    }

    /// What could be read stands; digests are *unobserved*.
    fn fail(&mut self, trouble: Trouble, cx: &mut Context<'_>) {
        self.broken = true;
        self.out.lost(1);
        self.unpacker.forget();
        match trouble {
            Trouble::TooMuch => {
                cx.limit(&MAX_UNPACKED, "http_body_unpacks_to_too_much", b"");
            }
            Trouble::Malformed => cx.weird("http", "http_bad_content_encoding", b""),
        }
    }

    /// So many bytes of the body were lost; what is packed cannot be read from there on.
    pub(crate) fn gap(&mut self, len: u64) {
        self.out.lost(len);
        if self.unpacker.is_packed() {
            self.broken = true;
            self.unpacker.forget();
        }
    }

    /// The body ends. `whole` is false where its sender meant more.
    pub(crate) fn end(mut self, whole: bool, cx: &mut Context<'_>) -> Told {
        let whole = whole && !self.broken && !self.partial && self.unpacker.is_complete();
        if let Some(form) = self.out.form.take() {
            form.end(cx);
        }
        if let Some(file) = self.out.file.take().filter(|file| file.size() > 0 || self.broken) {
            file.end(whole, cx);
        }
        self.out.told
    }

    pub(crate) fn held(&self) -> usize {
        let file = self.out.file.as_ref().map_or(0, |file| file.held());
        let form = self.out.form.as_ref().map_or(0, |form| form.held());
        size_of::<Self>() + self.unpacker.held() + file + form + self.out.told.held()
    }

    /// What is told of the body as far as it came.
    pub(crate) fn take_told(&mut self) -> Told {
        self.out.keep = false;
        if let Some(form) = &mut self.out.form {
            form.tell_no_more();
        }
        std::mem::take(&mut self.out.told)
    }
}

impl Receiver {
    fn data(&mut self, piece: &[u8], cx: &mut Context<'_>) {
        if self.keep {
            let room = MAX_FIRST - self.told.first.len().min(MAX_FIRST);
            self.told.first.extend_from_slice(piece.get(..room).unwrap_or(piece));
        }
        if let Some(form) = &mut self.form {
            form.data(piece, &mut self.told, cx);
        }
        if let Some(file) = &mut self.file {
            file.data(piece);
        }
    }

    fn lost(&mut self, len: u64) {
        if let Some(form) = &mut self.form {
            form.gap(len);
        }
        if let Some(file) = &mut self.file {
            file.gap(len);
        }
    }
}

/// A file with the name that Content-Disposition gives it (RFC 6266), else the last part of its path.
fn carving(
    head: &Head<'_>,
    path: Option<&[u8]>,
    url: &[u8],
    direction: Direction,
    old: bool,
) -> Box<Carving> {
    let told = head.all("content-disposition").next().and_then(|value| parameter(value, b"filename"));
    let last = path.and_then(|path| path.rsplit(|byte| *byte == b'/').next());
    let mut file = Carving::begin("http", told.as_deref().or(last), direction, old);
    if let Some(mime) = head.all("content-type").next() {
        file.declared(mime);
    }
    if !url.is_empty() {
        file.located(url);
    }
    file
}

/// `bytes 0-99/200`, but for a range that is all there is (RFC 9110 14.4).
fn is_piece(range: &[u8]) -> bool {
    let all = || {
        let (first, rest) = std::str::from_utf8(range).ok()?.strip_prefix("bytes ")?.split_once('-')?;
        let (last, size) = rest.split_once('/')?;
        Some(
            first.parse::<u64>().ok()? == 0
                && last.parse::<u64>().ok()?.checked_add(1)? == size.parse::<u64>().ok()?,
        )
    };
    !all().unwrap_or(false)
}
