//! What a ZIP file is, by the names of its first entries (APPNOTE 4.3.7).

use super::limits::MAX_ENTRIES;

const LOCAL_HEADER: &[u8] = b"PK\x03\x04";

/// Part of an entry's name and the type it tells of. The first row that any entry fits counts.
const NAMES: &[(&[u8], &str)] = &[
    (b"AndroidManifest.xml", "application/vnd.android.package-archive"),
    (b"classes.dex", "application/vnd.android.package-archive"),
    (b"AppxManifest.xml", "application/appx"),
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    (b"visio/", "application/vnd.ms-visio.drawing"),
    (b"[Content_Types].xml", "application/vnd.openxmlformats-officedocument"),
    (b"_rels/.rels", "application/vnd.openxmlformats-officedocument"),
    (b"META-INF/", "application/java-archive"),
];

/// Types that a first entry `mimetype` gives in so many words (OpenDocument 1.3 part 2, 3.3; EPUB OCF 3.3).
const SELF_TOLD: &[&str] = &[
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.graphics",
    "application/epub+zip",
];

pub(super) fn mime_type(first: &[u8]) -> &'static str {
    if let Some(told) = told(first) {
        return told;
    }
    let entries: Vec<&[u8]> = entries(first).collect();
    let fits = |part: &[u8]| entries.iter().any(|name| name.starts_with(part));
    NAMES.iter().find(|(part, _)| fits(part)).map_or("application/zip", |(_, mime)| mime)
}

/// The content of the entry `mimetype`, stored as it is.
fn told(first: &[u8]) -> Option<&'static str> {
    let content = first.get(30..)?.strip_prefix(b"mimetype")?;
    SELF_TOLD.iter().copied().find(|mime| content.starts_with(mime.as_bytes()))
}

/// Names of the entries whose headers are there.
fn entries(first: &[u8]) -> impl Iterator<Item = &[u8]> {
    let headers = MAX_ENTRIES.take(memchr::memmem::find_iter(first, LOCAL_HEADER));
    headers.filter_map(|at| {
        let header = first.get(at..)?;
        let (len, name) = (header.get(26..28)?, header.get(30..)?);
        let len = usize::from(u16::from_le_bytes([*len.first()?, *len.get(1)?]));
        Some(name.get(..len).unwrap_or(name))
    })
}
