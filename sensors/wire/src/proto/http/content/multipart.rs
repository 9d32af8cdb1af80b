//! Forms with files (RFC 7578): parts between delimiters, however the bytes are split.

use super::super::head::{Head, Scan};
use super::Told;
use super::disposition::parameter;
use super::limits::{MAX_BOUNDARY, MAX_NAME, MAX_NAMES, MAX_PART_HEAD, MAX_PARTS};
use crate::files::Carving;
use crate::messages::Direction;
use crate::proto::Context;

/// A form on its way.
#[derive(Debug)]
pub(super) struct Multipart {
    /// Line end, two hyphens, boundary.
    delimiter: Vec<u8>,
    state: State,
    /// Bytes of a content that may be the begin of a delimiter.
    tail: Vec<u8>,
    /// How many bytes at the tail's begin are no content, but end the line before it.
    before: usize,
    part: Option<Box<Carving>>,
    parts: usize,
    /// Where it is sent to, where files are wanted.
    url: Option<Vec<u8>>,
    tells: bool,
    direction: Direction,
}

#[derive(Debug)]
enum State {
    /// Before the first delimiter, or a part's content.
    Content,
    /// After a delimiter; how many hyphens followed it.
    Line(u8),
    Head(Vec<u8>, Scan),
    Over,
}

/// The boundary of a form, where the Content-Type is one.
pub(super) fn boundary(content_type: &[u8]) -> Option<Vec<u8>> {
    let mime = content_type.split(|byte| *byte == b';').next()?.trim_ascii();
    let boundary = parameter(content_type, b"boundary")?;
    let fits = mime.eq_ignore_ascii_case(b"multipart/form-data");
    (fits && !boundary.is_empty() && MAX_BOUNDARY.clip(&boundary).len() == boundary.len())
        .then(|| boundary.into_owned())
}

impl Multipart {
    pub(super) fn new(boundary: Vec<u8>, url: Option<Vec<u8>>, direction: Direction) -> Self {
        Self {
            delimiter: [b"\r\n--", boundary.as_slice()].concat(),
            state: State::Content,
            // The first delimiter may stand at the very begin.
            tail: b"\r\n".to_vec(),
            before: 2,
            part: None,
            parts: 0,
            url,
            tells: true,
            direction,
        }
    }

    pub(super) fn data(&mut self, mut bytes: &[u8], told: &mut Told, cx: &mut Context<'_>) {
        while !bytes.is_empty() {
            let used = match &mut self.state {
                State::Content => self.content(bytes, cx),
                State::Line(_) => self.line(bytes),
                State::Head(..) => self.head(bytes, told, cx),
                State::Over => return,
            };
            bytes = bytes.get(used..).unwrap_or_default();
        }
    }

    /// Passes content on up to the next delimiter. May use none of the bytes once, to let go of the tail.
    fn content(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> usize {
        if !self.tail.is_empty() {
            return self.content_after_tail(bytes, cx);
        }
        if let Some(at) = memchr::memmem::find(bytes, &self.delimiter) {
            self.give(bytes.get(..at).unwrap_or_default());
            self.delimited(cx);
            return at + self.delimiter.len();
        }
        let (sure, tail) = bytes.split_at(bytes.len() - self.doubtful(bytes));
        self.give(sure);
        self.tail.extend_from_slice(tail);
        bytes.len()
    }

    fn content_after_tail(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> usize {
        let mut joined = std::mem::take(&mut self.tail);
        let before = joined.len();
        let taken = bytes.get(..self.delimiter.len()).unwrap_or(bytes);
        joined.extend_from_slice(taken);
        if let Some(at) = memchr::memmem::find(&joined, &self.delimiter) {
            self.give_tail(joined.get(..at).unwrap_or_default());
            self.delimited(cx);
            return (at + self.delimiter.len()).saturating_sub(before);
        }
        if taken.len() == self.delimiter.len() {
            // No delimiter begins in the old tail.
            self.give_tail(joined.get(..before).unwrap_or_default());
            return 0;
        }
        let tail = joined.split_off(joined.len() - self.doubtful(&joined));
        self.give_tail(&joined);
        self.tail = tail;
        taken.len()
    }

    fn give_tail(&mut self, bytes: &[u8]) {
        let left_out = self.before.min(bytes.len());
        self.before -= left_out;
        self.give(bytes.get(left_out..).unwrap_or_default());
    }

    /// Length of the end that may be the begin of a delimiter; that has its line end only at its begin.
    fn doubtful(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(self.delimiter.len() - 1);
        let end = bytes.get(from..).unwrap_or_default();
        let tail = memchr::memrchr(b'\r', end).and_then(|at| end.get(at..)).unwrap_or_default();
        if self.delimiter.starts_with(tail) { tail.len() } else { 0 }
    }

    fn give(&mut self, bytes: &[u8]) {
        if let Some(part) = &mut self.part {
            part.data(bytes);
        }
    }

    fn delimited(&mut self, cx: &mut Context<'_>) {
        (self.tail, self.before) = (Vec::new(), 0);
        self.state = State::Line(0);
        if let Some(part) = self.part.take() {
            part.end(true, cx);
        }
    }

    /// The rest of a delimiter's line; two hyphens end the form.
    fn line(&mut self, bytes: &[u8]) -> usize {
        for (at, byte) in bytes.iter().enumerate() {
            match (&mut self.state, byte) {
                (State::Line(hyphens), b'-') => *hyphens = hyphens.saturating_add(1),
                (State::Line(2..), _) => {
                    self.state = State::Over;
                    return bytes.len();
                }
                (State::Line(_), b'\n') => {
                    // A head that begins after an empty first line.
                    self.state = State::Head(b"\r\n".to_vec(), Scan::default());
                    return at + 1;
                }
                _ => {}
            }
        }
        bytes.len()
    }

    fn head(&mut self, bytes: &[u8], told: &mut Told, cx: &mut Context<'_>) -> usize {
        let State::Head(head, scan) = &mut self.state else { return bytes.len() };
        let before = head.len();
        let room = MAX_PART_HEAD.get() - before.min(MAX_PART_HEAD.get());
        head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        let Some(end) = scan.find(head) else {
            return self.check_head(bytes, cx);
        };
        let mut head = std::mem::take(head);
        head.truncate(end);
        self.begin_part(&Head::parse(&head), told, cx);
        end.saturating_sub(before)
    }

    /// A head that is too long is content of no interest.
    fn check_head(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> usize {
        let State::Head(head, _) = &self.state else { return bytes.len() };
        if head.len() >= MAX_PART_HEAD.get() {
            self.state = State::Content;
            cx.limit(&MAX_PART_HEAD, "http_form_part_head_too_long", b"");
        }
        bytes.len()
    }

    fn begin_part(&mut self, head: &Head<'_>, told: &mut Told, cx: &mut Context<'_>) {
        // A content may be empty, with the delimiter at its very begin.
        self.state = State::Content;
        (self.tail, self.before) = (b"\r\n".to_vec(), 2);
        self.parts += 1;
        if self.parts > MAX_PARTS.get() {
            self.state = State::Over;
            cx.limit(&MAX_PARTS, "http_form_too_many_parts", b"");
            return;
        }
        let disposition = head.all("content-disposition").next().unwrap_or_default();
        let file = parameter(disposition, b"filename");
        if self.tells {
            let name = parameter(disposition, b"name");
            note(&mut told.fields, name.as_deref());
            note(&mut told.files, file.as_deref());
        }
        if let (Some(name), Some(url)) = (file, &self.url) {
            let mut carving =
                Carving::begin("http", Some(&name), self.direction, cx.sink.wants_old_digests());
            carving.located(url);
            head.all("content-type").take(1).for_each(|mime| carving.declared(mime));
            self.part = Some(carving);
        }
    }

    pub(super) fn gap(&mut self, len: u64) {
        (self.tail, self.before) = (Vec::new(), 0);
        match &self.state {
            // Where a head was lost, the next delimiter leads on.
            State::Head(..) | State::Line(_) => self.state = State::Content,
            State::Content | State::Over => {}
        }
        if let Some(part) = &mut self.part {
            part.gap(len);
        }
    }

    /// The body is over: a part without its delimiter is not whole.
    pub(super) fn end(mut self, cx: &mut Context<'_>) {
        let tail = std::mem::take(&mut self.tail);
        self.give_tail(&tail);
        if let Some(part) = self.part.take() {
            part.end(false, cx);
        }
    }

    pub(super) const fn tell_no_more(&mut self) {
        self.tells = false;
    }

    pub(super) fn held(&self) -> usize {
        let head = if let State::Head(head, _) = &self.state { head.capacity() } else { 0 };
        let part = self.part.as_ref().map_or(0, |part| part.held());
        size_of::<Self>()
            + self.url.as_ref().map_or(0, Vec::capacity)
            + self.delimiter.capacity()
            + self.tail.capacity()
            + head
            + part
    }
}

fn note(names: &mut Vec<Box<[u8]>>, name: Option<&[u8]>) {
    if let Some(name) = name.filter(|_| !MAX_NAMES.is_reached(names.len())) {
        names.push(MAX_NAME.clip(name).into());
    }
}
