//! A message: its header (RFC 5322), its parts (RFC 2045, RFC 2046), its attachments.

use super::limits::{MAX_ATTACHMENTS, MAX_BOUNDARY, MAX_DEPTH, MAX_HEADER, MAX_HEADERS, MAX_RECEIVED};
use super::part::{Leaf, Part};
use super::pieces::{Piece, Pieces};
use super::words;
use crate::limits::Limit;
use crate::proto::Context;

/// Headers of the message itself, unfolded.
#[derive(Debug, Default)]
pub(super) struct Headers {
    pub(super) from: Option<Vec<u8>>,
    pub(super) to: Option<Vec<u8>>,
    pub(super) cc: Option<Vec<u8>>,
    pub(super) bcc: Option<Vec<u8>>,
    pub(super) reply_to: Option<Vec<u8>>,
    pub(super) sender: Option<Vec<u8>>,
    pub(super) subject: Option<Vec<u8>>,
    pub(super) message_id: Option<Vec<u8>>,
    pub(super) in_reply_to: Option<Vec<u8>>,
    pub(super) date: Option<Vec<u8>>,
    pub(super) mailer: Option<Vec<u8>>,
    pub(super) agent: Option<Vec<u8>>,
    pub(super) originating_ip: Option<Vec<u8>>,
    pub(super) content_type: Option<Vec<u8>>,
    pub(super) received: Vec<Vec<u8>>,
    /// The oldest of them, where there were more than are kept.
    pub(super) first_hop: Option<Vec<u8>>,
    /// Bytes kept.
    kept: usize,
}

impl Headers {
    fn take(&mut self, name: &[u8], value: &[u8]) {
        let slot = match name {
            b"from" => &mut self.from,
            b"to" => &mut self.to,
            b"cc" => &mut self.cc,
            b"bcc" => &mut self.bcc,
            b"reply-to" => &mut self.reply_to,
            b"sender" => &mut self.sender,
            b"subject" => &mut self.subject,
            b"message-id" => &mut self.message_id,
            b"in-reply-to" => &mut self.in_reply_to,
            b"date" => &mut self.date,
            b"x-mailer" => &mut self.mailer,
            b"user-agent" => &mut self.agent,
            b"x-originating-ip" => &mut self.originating_ip,
            b"content-type" => &mut self.content_type,
            b"received" => return self.hop(value),
            _ => return,
        };
        let value = MAX_HEADERS.beside(self.kept, value);
        self.kept += value.len();
        match slot {
            // Several fields of one name count as one list, where lists are meant; else the first counts.
            Some(first) if matches!(name, b"to" | b"cc" | b"bcc") => first.extend([b", ", value].concat()),
            Some(_) => {}
            None => *slot = Some(value.to_vec()),
        }
    }

    fn hop(&mut self, value: &[u8]) {
        if MAX_RECEIVED.is_reached(self.received.len()) {
            self.first_hop = Some(value.to_vec());
        } else {
            self.received.push(value.to_vec());
        }
    }
}

/// An attachment as far as it has come.
#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) name: Vec<u8>,
    pub(super) mime: Vec<u8>,
    pub(super) size: u64,
}

/// Where in its structure the message is.
#[derive(Debug, Default)]
enum State {
    #[default]
    Headers,
    /// In a part's content; none where it is passed over.
    Body(Option<Box<Leaf>>),
}

/// Reads a message as it comes.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) headers: Headers,
    pub(super) attachments: Vec<Attachment>,
    /// Bytes of the message.
    pub(super) bytes: u64,
    /// Names of limits that were reached.
    pub(super) limits: Vec<(&'static Limit, &'static str)>,
    pieces: Pieces,
    state: State,
    /// The header field at hand, unfolded.
    field: Vec<u8>,
    /// Bytes of this block of fields.
    block: usize,
    part: Part,
    boundaries: Vec<Vec<u8>>,
    /// Messages within the message, and parts within parts.
    depth: usize,
    is_within: bool,
}

impl Message {
    /// Takes bytes that are no line's: of a chunk (RFC 3030).
    pub(super) fn data(&mut self, mut data: &[u8], cx: &mut Context<'_>) {
        let mut pieces = std::mem::take(&mut self.pieces);
        while let Some(piece) = pieces.next(&mut data) {
            self.piece(&piece, cx);
        }
        self.pieces = pieces;
    }

    /// Takes a line or a part of one.
    pub(super) fn piece(&mut self, piece: &Piece<'_>, cx: &mut Context<'_>) {
        self.bytes += piece.bytes.len() as u64;
        match &self.state {
            State::Headers => self.header_piece(piece, cx),
            State::Body(_) => self.body_piece(piece, cx),
        }
    }

    /// Bytes of it are missing.
    pub(super) fn gap(&mut self, len: u64) {
        self.pieces.gap();
        if let State::Body(Some(leaf)) = &mut self.state {
            leaf.gap(len);
        }
    }

    /// The message ends; `whole` where its end was seen.
    pub(super) fn end(&mut self, whole: bool, cx: &mut Context<'_>) {
        let mut pieces = std::mem::take(&mut self.pieces);
        if let Some(rest) = pieces.rest() {
            self.piece(&rest, cx);
        }
        if matches!(self.state, State::Headers) {
            self.field_ends();
            if !self.boundaries.is_empty() || self.block > 0 {
                self.headers_end(cx);
            }
        }
        // A part that no boundary ended is whole where the message is no multipart.
        self.leaf_ends(whole && self.boundaries.is_empty(), cx);
    }

    pub(super) fn held(&self) -> usize {
        let leaf = match &self.state {
            State::Body(Some(leaf)) => leaf.held(),
            _ => 0,
        };
        let names: usize = self.attachments.iter().map(|one| one.name.len() + one.mime.len() + 80).sum();
        self.pieces.held() + self.field.capacity() + self.headers.kept + leaf + names + size_of::<Self>()
    }

    fn header_piece(&mut self, piece: &Piece<'_>, cx: &mut Context<'_>) {
        let (text, _) = piece.split();
        self.block += piece.bytes.len();
        if piece.starts && self.crosses_boundary(text, cx) {
            return;
        }
        if (piece.starts && text.is_empty()) || MAX_HEADERS.at_most(self.block) < self.block {
            self.field_ends();
            return self.headers_end(cx);
        }
        if piece.starts && !matches!(text.first(), Some(b' ' | b'\t')) {
            self.field_ends();
        }
        self.field.extend_from_slice(MAX_HEADER.beside(self.field.len(), text));
    }

    /// A header field is complete.
    fn field_ends(&mut self) {
        let field = std::mem::take(&mut self.field);
        let Some(colon) = memchr::memchr(b':', &field) else { return };
        let (name, value) = field.split_at(colon);
        let name = name.trim_ascii().to_ascii_lowercase();
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        self.part.take(&name, value);
        if !self.is_within {
            self.headers.take(&name, value);
        }
    }

    /// A block of header fields is complete: what follows is told by its type.
    fn headers_end(&mut self, cx: &mut Context<'_>) {
        self.block = 0;
        let part = std::mem::take(&mut self.part);
        self.is_within = true;
        self.state = State::Body(None);
        if let Some(boundary) =
            part.boundary().filter(|boundary| MAX_BOUNDARY.clip(boundary).len() == boundary.len())
        {
            if self.may_deepen() {
                self.boundaries.push(boundary);
            }
            return;
        }
        if part.is_message() && self.may_deepen() {
            if let Some(name) = part.name() {
                self.list(name, part.mime(), 0);
            }
            self.state = State::Headers;
            return;
        }
        self.leaf_begins(&part, cx);
    }

    fn may_deepen(&mut self) -> bool {
        self.depth += 1;
        let fits = self.boundaries.len() < MAX_DEPTH.get() && self.depth <= 8 * MAX_DEPTH.get();
        if !fits {
            self.limits.push((&MAX_DEPTH, "smtp_parts_too_deep"));
        }
        fits
    }

    fn leaf_begins(&mut self, part: &Part, cx: &Context<'_>) {
        if !part.is_attachment() {
            return;
        }
        if self.attachments.len() >= MAX_ATTACHMENTS.get() {
            self.limits.push((&MAX_ATTACHMENTS, "smtp_too_many_attachments"));
            return;
        }
        let name = part.name();
        let leaf = Leaf::begin(part, name.as_deref(), self.attachments.len(), cx);
        self.list(name.unwrap_or_default(), part.mime(), 0);
        self.state = State::Body(Some(Box::new(leaf)));
    }

    fn list(&mut self, name: Vec<u8>, mime: Vec<u8>, size: u64) {
        if self.attachments.len() < MAX_ATTACHMENTS.get() {
            self.attachments.push(Attachment { name, mime, size });
        }
    }

    fn leaf_ends(&mut self, whole: bool, cx: &mut Context<'_>) {
        if let State::Body(Some(leaf)) = std::mem::replace(&mut self.state, State::Body(None)) {
            let (number, size) = leaf.end(whole, cx);
            if let Some(attachment) = self.attachments.get_mut(number) {
                attachment.size = size;
            }
        }
    }

    fn body_piece(&mut self, piece: &Piece<'_>, cx: &mut Context<'_>) {
        let (text, end) = piece.split();
        if piece.starts && self.crosses_boundary(text, cx) {
            return;
        }
        if let State::Body(Some(leaf)) = &mut self.state {
            leaf.line(text, end);
        }
    }

    /// Takes a line that is a boundary (RFC 2046 5.1.1), of the innermost multipart or of one around it.
    fn crosses_boundary(&mut self, text: &[u8], cx: &mut Context<'_>) -> bool {
        let Some(inner) = text.strip_prefix(b"--").map(<[u8]>::trim_ascii_end) else { return false };
        let fits = |boundary: &Vec<u8>| {
            inner.strip_prefix(boundary.as_slice()).is_some_and(|rest| matches!(rest, b"" | b"--"))
        };
        let Some(level) = self.boundaries.iter().rposition(fits) else { return false };
        let closes = self.boundaries.get(level).is_some_and(|boundary| inner.len() > boundary.len());
        self.field_ends();
        if matches!(self.state, State::Headers) && self.block > 0 {
            self.headers_end(cx);
        }
        self.leaf_ends(true, cx);
        self.boundaries.truncate(if closes { level } else { level + 1 });
        (self.block, self.part) = (0, Part::default());
        self.state = if closes { State::Body(None) } else { State::Headers };
        true
    }
}

/// A value of a header field without its angle brackets.
pub(super) fn bare(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    value.strip_prefix(b"<").and_then(|value| value.strip_suffix(b">")).unwrap_or(value)
}

/// Type of a Content-Type field, lower case.
pub(super) fn mime_type(header: &[u8]) -> Vec<u8> {
    words::value(header).to_ascii_lowercase()
}
