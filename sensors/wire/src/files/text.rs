//! Kinds of text, guessed: what it begins with, else the words it uses.

/// Type of a text; none where the bytes are no text.
pub(super) fn mime_type(first: &[u8]) -> Option<&'static str> {
    if first.is_empty() {
        return None;
    }
    let narrow = narrow(first);
    let text = narrow.as_deref().unwrap_or_else(|| first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first));
    is_text(text).then(|| by_begin(text).or_else(|| by_words(text)).unwrap_or("text/plain"))
}

/// UTF-16 with its mark, as bytes; what is not ASCII becomes a question mark.
fn narrow(first: &[u8]) -> Option<Vec<u8>> {
    let (mark, units) = first.split_first_chunk::<2>()?;
    let read = match mark {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let byte = |pair: &[u8; 2]| u8::try_from(read(*pair)).ok().filter(u8::is_ascii).unwrap_or(b'?');
    Some(units.as_chunks::<2>().0.iter().map(byte).collect())
}

/// No control bytes but those of texts, and UTF-8 as far as it goes, or Latin letters.
fn is_text(text: &[u8]) -> bool {
    let control = |byte: &u8| matches!(byte, 0..=6 | 14..=26 | 28..=31 | 127);
    if text.iter().any(control) {
        return false;
    }
    match std::str::from_utf8(text) {
        Ok(_) => true,
        Err(error) if error.error_len().is_none() => true,
        // Latin-1: mostly ASCII, and no control characters of its upper half.
        Err(_) => {
            let high = text.iter().filter(|byte| !byte.is_ascii()).count();
            high * 4 < text.len() && !text.iter().any(|byte| matches!(byte, 0x80..=0x84 | 0x86..=0x90))
        }
    }
}

/// What texts of a kind begin with, case ignored, blanks before it left out.
const BEGINS: &[(&str, &str)] = &[
    ("<?php", "text/x-php"),
    ("<%@", "text/x-asp"),
    ("<!doctype html", "text/html"),
    ("<html", "text/html"),
    ("<head", "text/html"),
    ("<body", "text/html"),
    ("<script", "text/html"),
    ("<meta ", "text/html"),
    ("<title", "text/html"),
    ("<iframe", "text/html"),
    ("<table", "text/html"),
    ("<svg", "image/svg+xml"),
    ("-----begin certificate", "application/x-x509-ca-cert"),
    ("-----begin pgp", "application/pgp-encrypted"),
    ("-----begin ", "application/x-pem-file"),
    ("begin:vcard", "text/vcard"),
    ("begin:vcalendar", "text/calendar"),
    ("[internetshortcut]", "application/x-mswinurl"),
    ("[autorun]", "application/x-setupscript"),
    ("windows registry editor version", "text/x-ms-regedit"),
    ("regedit4", "text/x-ms-regedit"),
    ("#extm3u", "application/vnd.apple.mpegurl"),
    ("@echo off", "text/x-msdos-batch"),
    ("received: ", "message/rfc822"),
    ("return-path: ", "message/rfc822"),
    ("mime-version: ", "message/rfc822"),
    ("{\\rtf", "text/rtf"),
];

/// Interpreters in a first line `#!`.
const INTERPRETERS: &[(&str, &str)] = &[
    ("python", "text/x-script.python"),
    ("pwsh", "text/x-powershell"),
    ("powershell", "text/x-powershell"),
    ("perl", "text/x-perl"),
    ("ruby", "text/x-ruby"),
    ("php", "text/x-php"),
    ("node", "text/javascript"),
    ("lua", "text/x-lua"),
    ("awk", "text/x-awk"),
    ("tcl", "text/x-tcl"),
    ("expect", "text/x-tcl"),
    ("sh", "text/x-shellscript"),
];

fn by_begin(text: &[u8]) -> Option<&'static str> {
    if let Some(line) = text.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let known = INTERPRETERS.iter().find(|(name, _)| has(line, name));
        return Some(known.map_or("text/x-script", |(_, mime)| mime));
    }
    let text = text.trim_ascii_start();
    let begins = |begin: &str| starts(text, begin);
    match BEGINS.iter().find(|(begin, _)| begins(begin)) {
        Some((_, "text/html")) if has(text, "<hta:application") => Some("application/hta"),
        Some((_, mime)) => Some(mime),
        None if begins("<hta:application") => Some("application/hta"),
        None if begins("<?xml") => Some(xml(text)),
        None if begins("<!--") => comment(text),
        None => json(text),
    }
}

fn xml(text: &[u8]) -> &'static str {
    let kinds = [
        ("<svg", "image/svg+xml"),
        ("<html", "application/xhtml+xml"),
        (":envelope", "application/soap+xml"),
    ];
    kinds.iter().find(|(word, _)| has(text, word)).map_or("text/xml", |(_, mime)| mime)
}

/// Pages that begin with a comment.
fn comment(text: &[u8]) -> Option<&'static str> {
    let html = ["<html", "<head", "<body", "<script"].iter().any(|word| has(text, word));
    html.then_some("text/html")
}

/// An object whose first name, or a list whose first value, begins as RFC 8259 has it.
fn json(text: &[u8]) -> Option<&'static str> {
    let (first, rest) = text.split_first()?;
    let next = rest.trim_ascii_start().first();
    let fits = match first {
        b'{' => matches!(next, Some(b'"' | b'}')),
        b'[' => matches!(next, Some(b'"' | b'{' | b'[' | b']' | b'0'..=b'9' | b'-')),
        _ => false,
    };
    fits.then_some("application/json")
}

/// Words of languages that no first line tells of, and how many of them it takes.
const WORDS: &[(&[&str], usize, &str)] = &[
    (
        &[
            "param(",
            "$env:",
            "$psscriptroot",
            "invoke-",
            "new-object ",
            "write-host",
            "write-output",
            "get-item",
            "set-",
            "[system.",
            "-executionpolicy",
            "[convert]::",
            "downloadstring(",
            "$_.",
            "| foreach",
            "iex",
            "$erroractionpreference",
        ],
        2,
        "text/x-powershell",
    ),
    (&["createobject(", "wscript.", "on error resume next", "end sub", "dim ", "chr("], 2, "text/vbscript"),
    (
        &["activexobject(", "function(", "function (", "var ", "document.", "window.", "=>", "const "],
        2,
        "text/javascript",
    ),
];

fn by_words(text: &[u8]) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let count = |words: &[&str]| words.iter().filter(|word| find(&lower, word)).count();
    WORDS.iter().find(|(words, least, _)| count(words) >= *least).map(|(_, _, mime)| *mime)
}

fn find(text: &[u8], word: &str) -> bool {
    memchr::memmem::find(text, word.as_bytes()).is_some()
}

fn starts(text: &[u8], begin: &str) -> bool {
    text.get(..begin.len()).is_some_and(|text| text.eq_ignore_ascii_case(begin.as_bytes()))
}

/// Whether the word stands anywhere, case ignored.
fn has(text: &[u8], word: &str) -> bool {
    find(&text.to_ascii_lowercase(), word)
}
