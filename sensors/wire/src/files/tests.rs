use proptest::prelude::*;

use super::limits::{MAGIC_BYTES, MAX_HASHED};
use super::{Carving, FIELDS, mime_type};
use crate::messages::{Direction, EventKind};
use crate::proto::testing::{Recorder, Seen};

const DOWN: Direction = Direction::ToClient;

/// The event of a file that comes in those pieces; `None` is a gap of seven bytes.
fn carve(name: Option<&[u8]>, pieces: &[Option<&[u8]>]) -> Seen {
    let mut log = Recorder::new(FIELDS);
    let mut carving = Carving::begin("http", name, DOWN, true);
    carving.declared(b"text/plain; charset=utf-8");
    for piece in pieces {
        match piece {
            Some(bytes) => carving.data(bytes),
            None => carving.gap(7),
        }
    }
    log.with(1, |cx| carving.end(true, cx));
    assert_eq!(log.seen.len(), 1);
    log.seen.remove(0)
}

#[test]
fn digests_of_the_standards() {
    // RFC 1321 A.5, FIPS 180-4 examples: "abc".
    let event = carve(Some(b"dir\\sub/a.txt"), &[Some(b"a"), Some(b""), Some(b"bc")]);
    assert_eq!(event.kind, EventKind::File);
    assert_eq!(event.get("file.hash.md5"), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(event.get("file.hash.sha1"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(event.get("file.hash.sha256"), sha256);
    assert_eq!((event.get("file.name"), event.get("file.extension")), ("a.txt", "txt"));
    assert_eq!((event.get("file.path"), event.get("file.size")), ("dir\\sub/a.txt", "3"));
    assert_eq!((event.get("file.mime_type"), event.get("bavn.file.source")), ("text/plain", "http"));
    assert_eq!(event.get("bavn.file.declared_mime_type"), "text/plain");
    assert_eq!((event.get("bavn.file.whole"), event.get("bavn.file.direction")), ("true", "to_client"));
}

#[test]
fn what_is_missing_is_unobserved() {
    let event = carve(None, &[Some(b"%PDF-1.7"), None, Some(b"rest")]);
    assert_eq!((event.get("file.hash.md5"), event.get("file.mime_type")), ("?", "application/pdf"));
    assert_eq!((event.get("bavn.file.whole"), event.get("file.size")), ("false", "12"));
    assert_eq!((event.get("file.name"), event.get("file.path")), ("", ""));
    let event = carve(Some(b"x"), &[None, Some(b"%PDF-1.7")]);
    assert_eq!((event.get("file.mime_type"), event.get("file.hash.sha256")), ("?", "?"));
    assert_eq!((event.get("file.extension"), event.get("file.path")), ("", ""));
}

#[test]
fn an_end_that_the_protocol_misses_gives_no_digest() {
    let mut log = Recorder::new(FIELDS);
    let mut carving = Carving::begin("ftp", Some(b""), DOWN.flip(), true);
    carving.data(b"GIF89a");
    log.with(1, |cx| carving.end(false, cx));
    let event = &log.seen[0];
    assert_eq!((event.get("file.hash.sha1"), event.get("file.mime_type")), ("?", "image/gif"));
    assert_eq!((event.get("bavn.file.direction"), event.get("bavn.file.whole")), ("to_server", "false"));
}

#[test]
fn little_is_held_and_only_until_the_type_is_known() {
    let mut carving = Carving::begin("smb", Some(&[b'a'; 5000]), DOWN, true);
    let base = carving.held();
    assert!(base < 2048, "{base}");
    for _ in 0..3 {
        carving.data(&[0; 1000]);
    }
    assert!(carving.held() > base && carving.held() <= base + 2 * MAGIC_BYTES);
    carving.data(&[0; 5000]);
    assert_eq!(carving.held(), base);
}

#[test]
fn digests_stop_at_the_limit() {
    let mut log = Recorder::new(FIELDS);
    let mut carving = Carving::begin("http", None, DOWN, true);
    carving.size = MAX_HASHED.get() as u64;
    carving.data(b"x");
    carving.data(b"x");
    log.with(1, |cx| carving.end(true, cx));
    assert_eq!((log.weird(), log.counters.parser_limit), (vec!["file_too_long"], 1));
    let event = log.events()[0];
    assert_eq!((event.get("file.hash.md5"), event.get("bavn.file.whole")), ("?", "true"));
}

#[test]
fn nobody_wants_it() {
    let mut log = Recorder::new(FIELDS);
    log.wanted = &[EventKind::Http];
    let carving = Carving::begin("http", None, DOWN, true);
    log.with(1, |cx| carving.end(true, cx));
    assert!(log.seen.is_empty());
}

fn at(offset: usize, bytes: &[u8]) -> Vec<u8> {
    [&vec![b' '; offset][..], bytes].concat()
}

/// A local file header of ZIP with a stored content.
fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend((name.len() as u16).to_le_bytes());
    bytes.extend([0, 0]);
    [&bytes, name.as_bytes(), content].concat()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn types_by_their_first_bytes() {
    let cases: &[(&[u8], &str)] = &[
        (b"MZ\x90\0\x03", "application/x-dosexec"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0", "application/x-sharedlib"),
        (b"\x7fELF\x02\x02\x01\0\0\0\0\0\0\0\0\0\0\x02\0\x14", "application/x-executable"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "application/x-mach-binary"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02", "application/x-mach-binary"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", "application/x-java-applet"),
        (b"PK\x05\x06\0\0", "application/zip"),
        (b"Rar!\x1a\x07\x01\0", "application/x-rar"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "application/x-7z-compressed"),
        (b"\x1f\x8b\x08\0", "application/gzip"),
        (b"BZh91AY&SY", "application/x-bzip2"),
        (b"\xfd7zXZ\0\0", "application/x-xz"),
        (b"\x28\xb5\x2f\xfd\x04", "application/zstd"),
        (b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
        (b"!<arch>\ndebian-binary   ", "application/vnd.debian.binary-package"),
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "audio/x-wav"),
        (b"\0\0\0\x1cftypavif", "image/avif"),
        (b"\0\0\0\x18ftypisom", "video/mp4"),
        (b"BM\x36\0\x0c\0\0\0\0\0\x36\0", "image/bmp"),
        (b"%PDF-1.4\n%\xe2\xe3", "application/pdf"),
        (b"junk first\n%PDF-1.4", "application/pdf"),
        (b"{\\rtf1\\ansi", "text/rtf"),
        (b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F\x9b", "application/x-ms-shortcut"),
        (b"ITSF\x03\0", "application/vnd.ms-htmlhelp"),
        (b"SQLite format 3\0\x10", "application/vnd.sqlite3"),
        (b"\xd4\xc3\xb2\xa1\x02\0", "application/vnd.tcpdump.pcap"),
        (b"\x0a\x0d\x0d\x0a\x1c\0", "application/x-pcapng"),
        (b"\xa7\x0d\r\n\0\0\0\0", "application/x-bytecode.python"),
        (b"\xff\xff\0\x01", ""),
        (b"", ""),
    ];
    for (bytes, mime) in cases {
        assert_eq!(mime_type(bytes).unwrap_or_default(), *mime, "{bytes:?}");
    }
    assert_eq!(mime_type(&at(257, b"ustar\x0000")), Some("application/x-tar"));
    assert_eq!(mime_type(&at(128, b"DICM")), Some("application/dicom"));
    let ts: Vec<u8> = [b"G".to_vec(), vec![0; 187]].concat().repeat(3);
    assert_eq!(mime_type(&ts), Some("video/mp2t"));
}

#[test]
fn texts_by_their_words() {
    let cases: &[(&[u8], &str)] = &[
        (b"#!/bin/sh\nexec x", "text/x-shellscript"),
        (b"#!/usr/bin/env python3\n", "text/x-script.python"),
        (b"#!/usr/bin/perl -w\n", "text/x-perl"),
        (b"#!/opt/odd\n", "text/x-script"),
        (b"<?php system($_GET['c']);", "text/x-php"),
        (b" \n<!DOCTYPE HTML><p>", "text/html"),
        (b"<!-- saved -->\n<HTML>", "text/html"),
        (b"<html><head><HTA:APPLICATION id=x>", "application/hta"),
        (b"<?xml version='1.0'?><a/>", "text/xml"),
        (b"<?xml version='1.0'?><svg/>", "image/svg+xml"),
        (b"<?xml version='1.0'?><s:Envelope/>", "application/soap+xml"),
        (b"{\"a\": 1}", "application/json"),
        (b"[ -1, 2]", "application/json"),
        (b"[section]\na=b", "text/plain"),
        (b"-----BEGIN CERTIFICATE-----\n", "application/x-x509-ca-cert"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "application/x-pem-file"),
        (b"param([string]$x)\nWrite-Host $x\n", "text/x-powershell"),
        (b"$c = New-Object Net.WebClient\nIEX $c.DownloadString('x')", "text/x-powershell"),
        (b"@echo off\r\ndir", "text/x-msdos-batch"),
        (b"Set s = CreateObject(\"WScript.Shell\")\nWScript.Quit", "text/vbscript"),
        (b"var x = new ActiveXObject('a');", "text/javascript"),
        (b"[InternetShortcut]\r\nURL=http://a/", "application/x-mswinurl"),
        (b"Windows Registry Editor Version 5.00", "text/x-ms-regedit"),
        (b"bl\xc3\xa5b\xc3\xa6r og mere", "text/plain"),
        (b"cut in the middle \xc3", "text/plain"),
        (b"bl\xe5b\xe6r og mere tekst", "text/plain"),
        (b"with a \x01 byte", ""),
        (b"\xef\xbb\xbf<html>", "text/html"),
        (b"\xfe\xff\0@\0e\0c\0h\0o\0 \0o\0f\0f", "text/x-msdos-batch"),
    ];
    for (bytes, mime) in cases {
        assert_eq!(mime_type(bytes).unwrap_or_default(), *mime, "{}", bytes.escape_ascii());
    }
    let registry = [b"\xff\xfe".to_vec(), wide("Windows Registry Editor Version 5.00\r\n")].concat();
    assert_eq!(mime_type(&registry), Some("text/x-ms-regedit"));
}

#[test]
fn zip_files_by_their_entries() {
    let office = "application/vnd.openxmlformats-officedocument";
    let cases = [
        (vec!["a.txt"], "application/zip".to_owned()),
        (vec!["META-INF/MANIFEST.MF", "a.class"], "application/java-archive".to_owned()),
        (vec!["META-INF/x", "classes.dex"], "application/vnd.android.package-archive".to_owned()),
        (vec!["[Content_Types].xml"], office.to_owned()),
        (
            vec!["[Content_Types].xml", "_rels/.rels", "word/document.xml"],
            format!("{office}.wordprocessingml.document"),
        ),
        (vec!["[Content_Types].xml", "xl/workbook.xml"], format!("{office}.spreadsheetml.sheet")),
        (vec!["_rels/.rels", "ppt/a"], format!("{office}.presentationml.presentation")),
    ];
    for (names, mime) in cases {
        let file: Vec<u8> = names.iter().flat_map(|name| entry(name, b"<x/>")).collect();
        assert_eq!(mime_type(&file), Some(mime.as_str()), "{names:?}");
    }
    let text = "application/vnd.oasis.opendocument.text";
    assert_eq!(mime_type(&entry("mimetype", text.as_bytes())), Some(text));
    assert_eq!(mime_type(&entry("mimetype", b"text/evil")), Some("application/zip"));
}

#[test]
fn compound_files_by_their_streams() {
    let head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    let with = |stream: &str| [head.clone(), vec![0; 1016], wide(stream)].concat();
    assert_eq!(mime_type(&with("WordDocument")), Some("application/msword"));
    assert_eq!(mime_type(&with("Workbook")), Some("application/vnd.ms-excel"));
    assert_eq!(mime_type(&with("x")), Some("application/x-ole-storage"));
    let msi = [head, super::magic::MSI_CLASS.to_vec()].concat();
    assert_eq!(mime_type(&msi), Some("application/x-msi"));
}

#[test]
fn certificates_and_their_kin() {
    let cases: [(&[u8], &str); 7] = [
        (b"\x30\x82\x03\x10\x30\x82\x01\xf8\xa0\x03\x02\x01\x02\x02\x14", "application/x-x509-ca-cert"),
        (b"\x30\x82\x09\xd0\x02\x01\x03\x30\x82", "application/x-pkcs12"),
        (b"\x30\x82\x01\xd3\x0a\x01\x00\xa0\x82", "application/ocsp-response"),
        (b"\x30\x03\x0a\x01\x06", "application/ocsp-response"),
        (b"\x30\x80\x01", ""),
        (b"\x30\x82\x01\x30\x30\x81\xaa\x02\x01\x01\x30\x0d", "application/pkix-crl"),
        (b"0123456789", "text/plain"),
    ];
    for (bytes, mime) in cases {
        assert_eq!(mime_type(bytes).unwrap_or_default(), mime, "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(begin in 0_usize..300, bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let begins: [&[u8]; 6] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x30\x82", b"RIFF", b"\x7fELF", b"<?xml"];
        let begin = begins.get(begin).copied().unwrap_or_default();
        let _ = mime_type(&[begin, &bytes].concat());
    }

    #[test]
    fn pieces_make_no_difference(
        bytes in proptest::collection::vec(any::<u8>(), 0..6000),
        cuts in proptest::collection::vec(0_usize..6000, 0..5),
    ) {
        let whole = carve(Some(b"a.b"), &[Some(&bytes)]);
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([bytes.len()]).collect();
        cuts.sort_unstable();
        let mut from = 0;
        let pieces: Vec<_> = cuts.iter().map(|&to| Some(&bytes[std::mem::replace(&mut from, to)..to])).collect();
        prop_assert_eq!(carve(Some(b"a.b"), &pieces), whole);
    }
}
