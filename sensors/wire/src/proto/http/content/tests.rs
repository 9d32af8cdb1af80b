use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::super::head::Head;
use super::super::transactions::{Method, Request};
use super::limits::{FREE_UNPACKED, MAX_FIRST, MAX_PART_HEAD};
use super::{Content, Told};
use crate::files;
use crate::messages::{Direction, EventKind};
use crate::proto::testing::{Recorder, Seen};

const TEXT: &[u8] = b"hello, hello, hello brotli world\n";
/// `TEXT` by Google's brotli 1.1.
const BROTLI: &[u8] = include_bytes!("../../../../tests/data/hello.br");
/// 16 MiB of zeros by the same.
const BROTLI_BOMB: &[u8] = include_bytes!("../../../../tests/data/zeros-16m.br");

struct Bench {
    log: Recorder,
    content: Option<Box<Content>>,
    told: Told,
}

impl Bench {
    /// A response's body under those header lines.
    fn response(headers: &str, path: &str) -> Self {
        let log = Recorder::new(files::FIELDS);
        let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
        Self::begin(log, |cx| {
            let head = Head::parse(head.as_bytes());
            Content::of_response(&head, Some(&asked(path)), Direction::ToClient, cx)
        })
    }

    fn request(headers: &str) -> Self {
        let log = Recorder::new(files::FIELDS);
        let head = format!("POST /x HTTP/1.1\r\n{headers}\r\n");
        Self::begin(log, |cx| {
            let head = Head::parse(head.as_bytes());
            Content::of_request(&head, false, Direction::ToServer, cx)
        })
    }

    fn begin(
        mut log: Recorder,
        make: impl FnOnce(&crate::proto::Context<'_>) -> Option<Box<Content>>,
    ) -> Self {
        let content = log.with(1, |cx| make(cx));
        Self { log, content, told: Told::default() }
    }

    fn data(mut self, bytes: &[u8]) -> Self {
        let Self { log, content, .. } = &mut self;
        log.with(1, |cx| content.as_mut().unwrap().data(bytes, cx));
        self
    }

    fn gap(mut self) -> Self {
        self.content.as_mut().unwrap().gap(9);
        self
    }

    fn end(mut self) -> Self {
        let content = self.content.take().unwrap();
        self.told = self.log.with(1, |cx| content.end(true, cx));
        self
    }

    fn only(&self) -> &Seen {
        let events = self.log.events();
        assert_eq!(events.len(), 1, "{:?}", self.log.seen);
        events[0]
    }
}

fn asked(path: &str) -> Request {
    Request {
        time: 0,
        packet: 0,
        head: format!("GET {path} HTTP/1.1\r\nHost: a.dk\r\n\r\n").into_bytes(),
        cut: false,
        method: Method::Other,
        length: None,
        counted: 0,
        depth: 1,
        told: false,
        secure: false,
        body: Told::default(),
    }
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn packed() -> Vec<(&'static str, Vec<u8>)> {
    let zstd = zstd::bulk::compress(TEXT, 3).unwrap();
    vec![
        ("gzip", gzip(TEXT)),
        ("X-GZIP", [gzip(b"hello, hello, hello "), gzip(b"brotli world\n")].concat()),
        ("deflate", zlib(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("br", BROTLI.to_vec()),
        ("zstd", zstd.clone()),
        ("identity", TEXT.to_vec()),
        ("zstd, gzip", gzip(&zstd)),
        ("br , deflate,gzip", gzip(&zlib(BROTLI))),
        (
            "zstd",
            [zstd::bulk::compress(&TEXT[..7], 3).unwrap(), zstd::bulk::compress(&TEXT[7..], 3).unwrap()]
                .concat(),
        ),
    ]
}

/// `printf 'hello, hello, hello brotli world\n' | md5sum`
const MD5: &str = "204e31fba1221b953010220ef32bf251";

#[test]
fn codings_are_undone_however_they_are_split() {
    for (name, bytes) in packed() {
        for step in [1, 7, bytes.len()] {
            let mut bench = Bench::response(&format!("Content-Encoding: {name}\r\n"), "/a/hello.txt?");
            for piece in bytes.chunks(step) {
                bench = bench.data(piece);
            }
            let bench = bench.end();
            let event = bench.only();
            assert_eq!(event.get("file.hash.md5"), MD5, "{name} by {step}: {:?}", bench.log.seen);
            assert_eq!((event.get("file.size"), event.get("bavn.file.whole")), ("33", "true"), "{name}");
            assert!(bench.log.weird().is_empty(), "{name}");
        }
    }
}

#[test]
fn a_body_that_is_cut_has_no_digest() {
    for (name, bytes) in packed().into_iter().filter(|(name, _)| *name != "identity" && *name != "X-GZIP") {
        let cut = bytes.len() - 1;
        let bench = Bench::response(&format!("Content-Encoding: {name}\r\n"), "/").data(&bytes[..cut]).end();
        for event in bench.log.events() {
            assert_eq!((event.get("file.hash.md5"), event.get("bavn.file.whole")), ("?", "false"), "{name}");
        }
    }
}

#[test]
fn what_is_not_packed_is_taken_as_it_is() {
    for name in ["gzip", "zstd", "compress", "none", "gzip, gzip, gzip, gzip"] {
        let bench = Bench::response(&format!("Content-Encoding: {name}\r\n"), "/").data(TEXT).end();
        assert_eq!(bench.only().get("file.hash.md5"), MD5, "{name}");
    }
}

#[test]
fn what_is_broken_is_told() {
    let noise: Vec<u8> = (0..9000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 20) as u8 & 63).collect();
    let mut bytes = gzip(&noise);
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xff);
    let bench = Bench::response("Content-Encoding: gzip\r\n", "/").data(&bytes).data(b"more").end();
    assert_eq!(bench.log.weird(), ["http_bad_content_encoding"]);
    assert_eq!(bench.only().get("file.hash.sha1"), "?");
    let bench = Bench::response("Content-Encoding: br\r\n", "/").data(&[0xff; 40]).end();
    assert_eq!(bench.log.weird(), ["http_bad_content_encoding"]);
    let bench =
        Bench::response("Content-Encoding: gzip\r\n", "/").data(&gzip(TEXT)[..20]).gap().data(b"x").end();
    assert_eq!(bench.only().get("file.hash.md5"), "?");
}

#[test]
fn bombs_do_not_go_off() {
    let zeros = vec![0; 16 << 20];
    let zstd = zstd::bulk::compress(&zeros, 19).unwrap();
    let bombs = [
        ("gzip", gzip(&zeros)),
        ("br", BROTLI_BOMB.to_vec()),
        ("zstd", zstd.clone()),
        ("gzip, gzip", gzip(&gzip(&zeros))),
        ("zstd, br, zstd", zstd),
    ];
    for (name, bytes) in bombs {
        let mut bench = Bench::response(&format!("Content-Encoding: {name}\r\n"), "/");
        bench = bench.data(&bytes);
        if name == "zstd, br, zstd" {
            // Two of the three layers are no more than noise.
            let bench = bench.end();
            assert_eq!(bench.log.weird().len(), 1);
            continue;
        }
        assert!(bench.content.as_ref().unwrap().held() < 64 << 10, "{name}");
        let bench = bench.end();
        assert_eq!(bench.log.weird(), ["http_body_unpacks_to_too_much"], "{name}");
        assert_eq!(bench.log.counters.parser_limit, 1);
        let event = bench.only();
        let size: u64 = event.get("file.size").parse().unwrap();
        assert!(size <= FREE_UNPACKED.max(100 * bytes.len() as u64), "{name}: {size}");
        assert_eq!((event.get("file.hash.md5"), event.get("bavn.file.whole")), ("?", "false"));
    }
}

#[test]
fn windows_too_large_are_refused() {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&vec![7; 1000]).unwrap();
    encoder.flush().unwrap();
    let bytes = encoder.finish().unwrap();
    let bench = Bench::response("Content-Encoding: zstd\r\n", "/").data(&bytes).end();
    assert_eq!(bench.log.weird(), ["http_bad_content_encoding"]);
}

#[test]
fn names_types_and_pieces() {
    let named = "Content-Disposition: attachment; filename=\"b.exe\"\r\nContent-Type: image/png\r\n";
    let bench = Bench::response(named, "/a.txt").data(b"MZ").end();
    let event = bench.only();
    assert_eq!((event.get("file.name"), event.get("file.extension")), ("b.exe", "exe"));
    assert_eq!(event.get("bavn.file.declared_mime_type"), "image/png");
    assert_eq!(
        (event.get("file.mime_type"), event.get("bavn.file.source")),
        ("application/x-dosexec", "http")
    );
    assert_eq!(event.get("url.full"), "http://a.dk/a.txt");
    assert_eq!(Bench::response("", "/d/a.txt?b").data(b"x").end().only().get("file.name"), "a.txt");
    assert_eq!(Bench::response("", "/d/").data(b"x").end().only().get("file.name"), "");
    assert_eq!(Bench::request("").data(b"x").end().only().get("file.name"), "");
    for (range, whole) in
        [("bytes 0-0/1", "true"), ("bytes 0-0/2", "false"), ("bytes 1-1/2", "false"), ("x", "false")]
    {
        let bench = Bench::response(&format!("Content-Range: {range}\r\n"), "/").data(b"x").end();
        assert_eq!(bench.only().get("bavn.file.whole"), whole, "{range}");
    }
    assert!(Bench::response("", "/").end().log.seen.is_empty(), "no body, no file");
}

const FORM: &str = "Content-Type: multipart/form-data; boundary=\"-x-\"\r\n";

fn form() -> Vec<u8> {
    [
        b"preamble\r\n---x-\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nada\r\n".as_slice(),
        b"---x- \r\nContent-Disposition: form-data; name=f; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n",
        TEXT,
        b"\r\n---x-\r\nContent-Disposition: form-data; name=g; filename*=UTF-8''b%20c\r\n\r\n",
        b"\r\r\n\r\n--\r\n---x\r\n---x-\r\nContent-Disposition: form-data; name=h; filename=empty\r\n\r\n",
        b"\r\n---x---\r\nepilogue\r\n---x-\r\n",
    ]
    .concat()
}

fn check_form(bench: &Bench) {
    let names: Vec<_> = bench.told.fields.iter().map(|name| String::from_utf8_lossy(name)).collect();
    assert_eq!(names, ["user", "f", "g", "h"]);
    let files: Vec<_> = bench.told.files.iter().map(|name| String::from_utf8_lossy(name)).collect();
    assert_eq!(files, ["a.txt", "b c", "empty"]);
    let events = bench.log.events();
    let told = |at: usize| {
        (events[at].get("file.name"), events[at].get("file.size"), events[at].get("bavn.file.whole"))
    };
    assert_eq!(told(0), ("a.txt", "33", "true"));
    assert_eq!(events[0].get("file.hash.md5"), MD5);
    assert_eq!(events[0].get("bavn.file.declared_mime_type"), "text/plain");
    assert_eq!(told(1), ("b c", "13", "true"));
    assert_eq!(told(2), ("empty", "0", "true"));
    assert_eq!(events.len(), 3);
}

#[test]
fn forms_are_taken_apart_however_they_are_split() {
    let form = form();
    for step in [1, 2, 3, 5, 8, 13, 40, form.len()] {
        let mut bench = Bench::request(FORM);
        for piece in form.chunks(step) {
            bench = bench.data(piece);
        }
        let bench = bench.end();
        check_form(&bench);
        assert_eq!(bench.told.first, form, "step {step}");
    }
    for cut in 0..form.len() {
        check_form(&Bench::request(FORM).data(&form[..cut]).data(&form[cut..]).end());
    }
    check_form(&Bench::request(&format!("{FORM}Content-Encoding: gzip\r\n")).data(&gzip(&form)).end());
}

#[test]
fn forms_that_end_early_or_have_gaps() {
    let form = form();
    let at = memchr::memmem::find(&form, TEXT).unwrap();
    let bench = Bench::request(FORM).data(&form[..at + 10]).end();
    let event = bench.only();
    assert_eq!((event.get("file.size"), event.get("file.hash.md5")), ("10", "?"));
    let bench = Bench::request(FORM).data(&form[..at + 10]).gap().data(&form[at + 19..]).end();
    let events = bench.log.events();
    assert_eq!(
        (events.len(), events[0].get("bavn.file.whole"), events[1].get("bavn.file.whole")),
        (3, "false", "true")
    );
}

#[test]
fn forms_have_limits() {
    let head = format!("---x-\r\nX: {}", "y".repeat(MAX_PART_HEAD.get()));
    let bench = Bench::request(FORM).data(head.as_bytes()).data(b"\r\n---x-\r\n").end();
    assert_eq!(bench.log.weird(), ["http_form_part_head_too_long"]);
    let many = "---x-\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n".repeat(1100);
    let bench = Bench::request(FORM).data(many.as_bytes()).end();
    assert_eq!((bench.log.weird(), bench.told.fields.len()), (vec!["http_form_too_many_parts"], 64));
    assert_eq!(bench.told.first.len(), MAX_FIRST);
}

#[test]
fn nothing_is_done_that_nobody_wants() {
    let mut log = Recorder::new(files::FIELDS);
    log.wanted = &[EventKind::Http];
    let head = Head::parse(b"HTTP/1.1 200 OK\r\n\r\n");
    assert!(log.with(1, |cx| Content::of_response(&head, None, Direction::ToClient, cx)).is_none());
    let content = log.with(1, |cx| Content::of_request(&head, false, Direction::ToServer, cx));
    assert!(content.unwrap().out.file.is_none());
    log.wanted = &[EventKind::Weird];
    assert!(log.with(1, |cx| Content::of_request(&head, false, Direction::ToServer, cx)).is_none());
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(
        coding in 0_usize..5,
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..8),
    ) {
        let coding = ["gzip", "deflate", "br", "zstd", "br, gzip"][coding];
        let mut bench = Bench::request(&format!("{FORM}Content-Encoding: {coding}\r\n"));
        for piece in &pieces {
            bench = bench.data(piece);
        }
        bench.end();
    }
}
