//! A part of a message: what its header says of it, and the decoding of its content (RFC 2045 6).

use super::message::mime_type;
use super::words;
use crate::files::Carving;
use crate::messages::{Direction, EventKind};
use crate::proto::{Context, base64};

/// What a part's header says.
#[derive(Debug, Default)]
pub(super) struct Part {
    kind: Option<Vec<u8>>,
    disposition: Option<Vec<u8>>,
    encoding: Option<Vec<u8>>,
}

impl Part {
    /// Takes a header field; the first of a name counts.
    pub(super) fn take(&mut self, name: &[u8], value: &[u8]) {
        let slot = match name {
            b"content-type" => &mut self.kind,
            b"content-disposition" => &mut self.disposition,
            b"content-transfer-encoding" => &mut self.encoding,
            _ => return,
        };
        slot.get_or_insert_with(|| value.to_vec());
    }

    /// Its declared type, lower case; text where it says none (RFC 2045 5.2).
    pub(super) fn mime(&self) -> Vec<u8> {
        self.kind.as_deref().map_or_else(|| b"text/plain".to_vec(), mime_type)
    }

    /// The boundary of a multipart.
    pub(super) fn boundary(&self) -> Option<Vec<u8>> {
        let kind = self.kind.as_deref().filter(|_| self.mime().starts_with(b"multipart/"))?;
        words::parameter(kind, b"boundary").filter(|boundary| !boundary.is_empty())
    }

    /// True for a message in its plain form.
    pub(super) fn is_message(&self) -> bool {
        self.mime() == b"message/rfc822" && self.encoding() == Encoding::Identity
    }

    /// Name of the file that it is to become.
    pub(super) fn name(&self) -> Option<Vec<u8>> {
        let disposed = self.disposition.as_deref().and_then(|value| words::parameter(value, b"filename"));
        disposed.or_else(|| words::parameter(self.kind.as_deref()?, b"name"))
    }

    /// Text to read is none, unless it has a name or says so.
    pub(super) fn is_attachment(&self) -> bool {
        let disposed = self.disposition.as_deref().map(words::value);
        disposed.is_some_and(|value| value.eq_ignore_ascii_case(b"attachment"))
            || self.name().is_some()
            || !self.mime().starts_with(b"text/")
    }

    fn encoding(&self) -> Encoding {
        let value = self.encoding.as_deref().map(words::value).unwrap_or_default();
        if value.eq_ignore_ascii_case(b"base64") {
            Encoding::Base64
        } else if value.eq_ignore_ascii_case(b"quoted-printable") {
            Encoding::QuotedPrintable
        } else {
            Encoding::Identity
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
}

/// Content of an attachment on its way.
#[derive(Debug)]
pub(super) struct Leaf {
    encoding: Encoding,
    decoder: base64::Decoder,
    /// The line's end before a boundary belongs to the boundary, so each waits for the next line.
    end: &'static [u8],
    out: Vec<u8>,
    size: u64,
    carving: Option<Box<Carving>>,
    /// Its place among the attachments.
    number: usize,
}

impl Leaf {
    pub(super) fn begin(part: &Part, name: Option<&[u8]>, number: usize, cx: &Context<'_>) -> Self {
        let carving = cx.sink.wants(EventKind::File).then(|| {
            let mut carving = Carving::begin("smtp", name, Direction::ToServer, cx.sink.wants_old_digests());
            carving.declared(&part.mime());
            carving
        });
        let encoding = part.encoding();
        Self {
            encoding,
            decoder: base64::Decoder::default(),
            end: b"",
            out: Vec::new(),
            size: 0,
            carving,
            number,
        }
    }

    /// Takes a line without its end, and the end.
    pub(super) fn line(&mut self, text: &[u8], end: &[u8]) {
        let end: &'static [u8] = match end {
            b"\r\n" => b"\r\n",
            b"\n" => b"\n",
            _ => b"",
        };
        self.out.clear();
        match self.encoding {
            Encoding::Base64 => self.decoder.push(text, &mut self.out),
            Encoding::Identity => {
                self.out.extend_from_slice(std::mem::replace(&mut self.end, end));
                self.out.extend_from_slice(text);
            }
            Encoding::QuotedPrintable => self.quoted_printable(text, end),
        }
        self.size += self.out.len() as u64;
        if let Some(carving) = &mut self.carving {
            carving.data(&self.out);
        }
    }

    /// RFC 2045 6.7: white space at a line's end is not content; an equals sign there joins it with the next.
    fn quoted_printable(&mut self, text: &[u8], end: &'static [u8]) {
        let text = if end.is_empty() { text } else { text.trim_ascii_end() };
        let (text, end) = match text.strip_suffix(b"=") {
            Some(text) => (text, &b""[..]),
            None => (text, end),
        };
        self.out.extend_from_slice(std::mem::replace(&mut self.end, end));
        self.out.extend(words::escapes(text, b'='));
    }

    pub(super) fn gap(&mut self, len: u64) {
        self.decoder = base64::Decoder::default();
        if let Some(carving) = &mut self.carving {
            carving.gap(len);
        }
    }

    /// Gives its place among the attachments and its size.
    pub(super) fn end(self, whole: bool, cx: &mut Context<'_>) -> (usize, u64) {
        if let Some(carving) = self.carving {
            carving.end(whole, cx);
        }
        (self.number, self.size)
    }

    pub(super) fn held(&self) -> usize {
        size_of::<Self>() + self.out.capacity() + self.carving.as_ref().map_or(0, |carving| carving.held())
    }
}
