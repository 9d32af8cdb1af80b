//! Files that protocols carry: name, size, type by content, and digests. The content itself is never kept.
//!
//! A protocol asks `cx.sink.wants(EventKind::File)` before it begins a [`Carving`]: nothing is hashed that nobody wants.

mod digests;
pub mod limits;
mod magic;
mod name;
#[cfg(test)]
mod tests;
mod text;
mod zip;

pub use magic::mime_type;

use crate::fields::Field;
use crate::limits::Limit;
use crate::messages::{Direction, EventKind, Value};
use crate::proto::Context;
use digests::{Digests, Hex};
use limits::{MAGIC_BYTES, MAX_DECLARED, MAX_HASHED, MAX_NAME, MAX_URL};

/// All fields that a `file` event can carry, in the order of the field table.
pub const FIELDS: &[Field] = &[
    Field::FileDeclaredMimeType,
    Field::FileDirection,
    Field::FileSource,
    Field::FileWhole,
    Field::FileExtension,
    Field::FileHashMd5,
    Field::FileHashSha1,
    Field::FileHashSha256,
    Field::FileMimeType,
    Field::FileName,
    Field::FilePath,
    Field::FileSize,
    Field::UrlFull,
];

/// Anomalies that carving can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] =
    &[("file_too_long", "A file of more than 1 GiB: its digests are not made, its size is counted on")];

/// One file on its way. It keeps digest states and, until the type is known, the first 4 KiB.
#[derive(Debug)]
pub struct Carving {
    source: &'static str,
    direction: Direction,
    name: Option<Box<[u8]>>,
    declared: Option<Box<[u8]>>,
    url: Option<Box<[u8]>>,
    /// Bytes seen.
    size: u64,
    first: Vec<u8>,
    kind: Kind,
    /// None once bytes are missing: a digest of the rest would mislead.
    digests: Option<Digests>,
    too_long: bool,
    gaps: bool,
}

/// What is known of the type by content.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The first bytes are still being gathered.
    Open,
    /// Found, or nothing that is known.
    Known(Option<&'static str>),
    /// The first bytes were lost.
    Unseen,
}

impl Carving {
    /// A file that begins now. `source` is the protocol's name; `name` as the protocol gives it, directories included;
    /// `direction` is the way of the file's bytes; `old`: somebody wants MD5 and SHA-1 too.
    #[must_use]
    pub fn begin(source: &'static str, name: Option<&[u8]>, direction: Direction, old: bool) -> Box<Self> {
        Box::new(Self {
            source,
            direction,
            name: name.filter(|name| !name.is_empty()).map(|name| bounded(name, &MAX_NAME)),
            declared: None,
            url: None,
            size: 0,
            first: Vec::new(),
            kind: Kind::Open,
            digests: Some(Digests::new(old)),
            too_long: false,
            gaps: false,
        })
    }

    /// The type that the protocol says the file has (a Content-Type; parameters are left out).
    pub fn declared(&mut self, mime: &[u8]) {
        let bare = mime.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        self.declared = (!bare.is_empty()).then(|| bounded(bare, &MAX_DECLARED));
    }

    /// Where the file lies, or where it is sent to.
    pub fn located(&mut self, url: &[u8]) {
        self.url = Some(MAX_URL.clip(url).into());
    }

    /// The file's next bytes.
    pub fn data(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        if matches!(self.kind, Kind::Open) {
            self.gather(bytes);
        }
        if self.size > MAX_HASHED.get() as u64 {
            self.too_long |= self.digests.take().is_some();
        }
        if let Some(digests) = &mut self.digests {
            digests.update(bytes);
        }
    }

    /// Decides on the type as soon as the first bytes are there; mostly they come in one piece.
    fn gather(&mut self, bytes: &[u8]) {
        if self.first.is_empty() && bytes.len() >= MAGIC_BYTES {
            self.kind = Kind::Known(mime_type(bytes));
            return;
        }
        let room = MAGIC_BYTES - self.first.len().min(MAGIC_BYTES);
        self.first.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        if self.first.len() >= MAGIC_BYTES {
            self.decide();
        }
    }

    fn decide(&mut self) {
        let first = std::mem::take(&mut self.first);
        self.kind = Kind::Known(mime_type(&first));
    }

    /// So many bytes of the file were lost. Its digests are *unobserved* then.
    pub fn gap(&mut self, len: u64) {
        if len == 0 {
            return;
        }
        self.gaps = true;
        self.digests = None;
        match (self.kind, self.first.is_empty()) {
            (Kind::Open, true) => self.kind = Kind::Unseen,
            (Kind::Open, false) => self.decide(),
            _ => {}
        }
    }

    /// Bytes of heap held now.
    #[must_use]
    pub fn held(&self) -> usize {
        let texts = [&self.name, &self.declared, &self.url];
        let texts: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
        size_of::<Self>() + self.first.capacity() + texts
    }

    /// Bytes of the file seen so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The file ends: gives its event. `whole` is false where the protocol knows that more should have come.
    pub fn end(mut self: Box<Self>, whole: bool, cx: &mut Context<'_>) {
        if self.too_long {
            cx.limit(&MAX_HASHED, "file_too_long", b"");
        }
        if !cx.sink.wants(EventKind::File) {
            return;
        }
        if matches!(self.kind, Kind::Open) {
            self.decide();
        }
        let whole = whole && !self.gaps;
        let digests = self.digests.take().filter(|_| whole).map(Digests::finish);
        self.emit(whole, digests.as_ref(), cx);
    }

    fn emit(&self, whole: bool, digests: Option<&[Option<Hex>; 3]>, cx: &mut Context<'_>) {
        let path = self.name.as_deref();
        let name = path.map(name::last_part);
        let text = |value: Option<_>| value.map(Value::Text);
        let hash = |at: usize| {
            let hex = digests.and_then(|all| all.get(at)?.as_ref());
            hex.map_or(Value::Unobserved, |hex| Value::Text(hex.as_bytes()))
        };
        let old = cx.sink.wants_old_digests();
        let all = [
            (Field::FileDeclaredMimeType, text(self.declared.as_deref())),
            (Field::FileDirection, text(Some(self.way()))),
            (Field::FileSource, text(Some(self.source.as_bytes()))),
            (Field::FileWhole, Some(Value::Bool(whole))),
            (Field::FileExtension, text(name.and_then(name::extension))),
            (Field::FileHashMd5, old.then(|| hash(0))),
            (Field::FileHashSha1, old.then(|| hash(1))),
            (Field::FileHashSha256, Some(hash(2))),
            (Field::FileMimeType, self.mime()),
            (Field::FileName, text(name)),
            (Field::FilePath, text(path.filter(|path| name.is_some_and(|name| name.len() < path.len())))),
            (Field::FileSize, Some(Value::Number(self.size))),
            (Field::UrlFull, text(self.url.as_deref())),
        ];
        let present: Vec<_> = all.into_iter().filter_map(|(field, value)| Some((field, value?))).collect();
        cx.emit(EventKind::File, &present);
    }

    const fn way(&self) -> &'static [u8] {
        match self.direction {
            Direction::ToServer => b"to_server",
            Direction::ToClient => b"to_client",
        }
    }

    fn mime(&self) -> Option<Value<'static>> {
        match self.kind {
            Kind::Known(mime) => mime.map(|mime| Value::Text(mime.as_bytes())),
            Kind::Open | Kind::Unseen => Some(Value::Unobserved),
        }
    }
}

/// At most so many bytes of a text, the last ones: of a path its end says more.
fn bounded(text: &[u8], limit: &Limit) -> Box<[u8]> {
    text.get(text.len() - limit.at_most(text.len())..).unwrap_or_default().into()
}
