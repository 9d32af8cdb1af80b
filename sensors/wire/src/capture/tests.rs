use std::io::{Cursor, Write};

use proptest::prelude::*;

use super::*;

/// Everything of a frame that a reader gives, owned.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    time: u64,
    link: u16,
    interface: u32,
    wire_len: u32,
    data: Vec<u8>,
}

fn seen(time: u64, link: u16, interface: u32, wire_len: u32, data: &[u8]) -> Seen {
    Seen { time, link, interface, wire_len, data: data.to_vec() }
}

fn read(bytes: &[u8]) -> (Vec<Seen>, Option<CaptureError>) {
    let mut frames = Vec::new();
    let mut capture = match Capture::read(Cursor::new(bytes.to_vec())) {
        Ok(capture) => capture,
        Err(error) => return (frames, Some(error)),
    };
    loop {
        match capture.next_frame() {
            Ok(Some(frame)) => {
                frames.push(seen(frame.time, frame.link.0, frame.interface, frame.wire_len, frame.data));
            }
            Ok(None) => return (frames, None),
            Err(error) => {
                assert!(matches!(capture.next_frame(), Ok(None)), "an error is told once");
                return (frames, Some(error));
            }
        }
    }
}

/// Writes numbers in one byte order.
#[derive(Clone, Copy)]
struct Order(bool);

impl Order {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn words(self, values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| self.u32(*value)).collect()
    }

    fn pcap_header(self, magic: u32, minor: u16, link: u32) -> Vec<u8> {
        [&self.u32(magic)[..], &self.u16(2), &self.u16(minor), &self.words(&[0, 0, 65535, link])].concat()
    }

    fn pcap(self, magic: u32, frames: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
        let mut file = self.pcap_header(magic, 4, 1);
        for (seconds, fraction, wire, data) in frames {
            file.extend(self.words(&[*seconds, *fraction, data.len() as u32, *wire]));
            if magic == 0xa1b2_cd34 {
                file.extend([9; 8]);
            }
            file.extend(*data);
        }
        file
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padded = body.len().next_multiple_of(4);
        let len = self.u32(padded as u32 + 12);
        [&self.u32(kind)[..], &len, body, &vec![0; padded - body.len()], &len].concat()
    }

    fn section(self) -> Vec<u8> {
        let body = [&self.u32(0x1a2b_3c4d)[..], &self.u16(1), &self.u16(0), &[0xff; 8]].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    fn interface(self, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = [&self.u16(link)[..], &[0, 0], &self.u32(snaplen)].concat();
        for (code, value) in options {
            body.extend([self.u16(*code), self.u16(value.len() as u16)].concat());
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        self.block(1, &body)
    }

    fn enhanced(self, interface: u32, units: u64, wire: u32, data: &[u8]) -> Vec<u8> {
        let head = self.words(&[interface, (units >> 32) as u32, units as u32, data.len() as u32, wire]);
        self.block(6, &[&head[..], data].concat())
    }
}

const BOTH: [Order; 2] = [Order(true), Order(false)];
const SECOND: u64 = 1_000_000_000;

#[test]
fn pcap_in_both_orders_and_all_magic_numbers() {
    for order in BOTH {
        for (magic, unit) in [(0xa1b2_c3d4, 1000), (0xa1b2_3c4d, 1), (0xa1b2_cd34, 1000)] {
            let file = order.pcap(magic, &[(7, 8, 3, b"abc"), (9, 1, 1500, b"")]);
            let expected =
                vec![seen(7 * SECOND + 8 * unit, 1, 0, 3, b"abc"), seen(9 * SECOND + unit, 1, 0, 1500, b"")];
            assert_eq!(read(&file), (expected, None), "{magic:x}");
        }
    }
}

#[test]
fn old_pcap_with_swapped_lengths() {
    let order = Order(false);
    let mut file = order.pcap_header(0xa1b2_c3d4, 2, 1);
    file.extend(order.words(&[1, 0, 60, 3]));
    file.extend(b"abc");
    assert_eq!(read(&file), (vec![seen(SECOND, 1, 0, 60, b"abc")], None));
}

/// Two sections of unlike byte order, three interfaces, each block that carries a frame, and a block to pass over.
/// Also where frames end, and where blocks do.
fn pcapng_file() -> (Vec<u8>, Vec<Seen>, Vec<usize>, Vec<usize>) {
    let (big, little) = (Order(true), Order(false));
    let blocks = [
        (little.section(), None),
        (little.interface(1, 4, &[(2, b"eth0"), (9, &[9]), (0, b"")]), None),
        (little.interface(101, 0, &[(14, &2_i64.to_le_bytes()), (9, &[0x8a])]), None),
        (little.block(5, &[0; 20]), None),
        (little.enhanced(0, 5 * SECOND + 1, 3, b"abc"), Some(seen(5 * SECOND + 1, 1, 0, 3, b"abc"))),
        (little.enhanced(1, 1536, 90, b"defgh"), Some(seen(3 * SECOND + SECOND / 2, 101, 1, 90, b"defgh"))),
        (little.block(3, b"\x06\0\0\0abcd"), Some(seen(3 * SECOND + SECOND / 2, 1, 0, 6, b"abcd"))),
        (big.section(), None),
        (big.interface(113, 0, &[]), None),
        (big.enhanced(0, 1, 2, b"xy"), Some(seen(1000, 113, 2, 2, b"xy"))),
        (
            big.block(2, &[&[0, 0, 0, 7][..], &big.words(&[0, 2, 1, 1]), b"z"].concat()),
            Some(seen(2000, 113, 2, 1, b"z")),
        ),
    ];
    let (mut file, mut frames, mut ends, mut bounds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (bytes, frame) in blocks {
        file.extend(bytes);
        bounds.push(file.len());
        if let Some(frame) = frame {
            frames.push(frame);
            ends.push(file.len());
        }
    }
    (file, frames, ends, bounds)
}

#[test]
fn pcapng_sections_interfaces_and_blocks() {
    let (file, frames, ..) = pcapng_file();
    assert_eq!(read(&file), (frames, None));
    let mut capture = Capture::read(Cursor::new(file.clone())).unwrap();
    while capture.next_frame().unwrap().is_some() {}
    let facts = capture.facts();
    assert_eq!(facts.links, [LinkType(1), LinkType(101), LinkType(113)]);
    assert_eq!((facts.format, facts.frames, facts.bytes), (Format::Pcapng, 5, file.len() as u64));
}

/// Cuts at every byte: all frames that are whole come, and the cut is told unless it lies at a record's bound.
fn check_cuts(file: &[u8], frames: &[Seen], ends: &[usize], bounds: &[usize]) {
    for cut in bounds[0]..file.len() {
        let (got, error) = read(&file[..cut]);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(got, frames[..whole], "cut at {cut}");
        assert!(matches!(error, None | Some(CaptureError::Truncated { .. })), "cut at {cut}: {error:?}");
        assert_eq!(error.is_none(), bounds.contains(&cut), "cut at {cut}: {error:?}");
    }
}

#[test]
fn every_cut_of_a_pcap_yields_the_whole_frames_before_it() {
    let file = Order(true).pcap(0xa1b2_c3d4, &[(1, 0, 3, b"abc"), (2, 0, 0, b""), (3, 0, 9, b"defghijkl")]);
    let frames = read(&file).0;
    let ends = [24 + 19, 24 + 19 + 16, file.len()];
    check_cuts(&file, &frames, &ends, &[24, ends[0], ends[1]]);
    assert_eq!(read(&file[..50]).1, Some(CaptureError::Truncated { at: 50 }));
}

#[test]
fn every_cut_of_a_pcapng_yields_the_whole_frames_before_it() {
    let (file, frames, ends, bounds) = pcapng_file();
    check_cuts(&file, &frames, &ends, &bounds);
}

#[test]
fn headers_that_are_cut_or_foreign() {
    assert_eq!(read(b"").1, Some(CaptureError::Empty));
    assert_eq!(read(&[0xa1, 0xb2]).1, Some(CaptureError::NotACapture));
    assert_eq!(read(b"#!/bin/sh\n").1, Some(CaptureError::NotACapture));
    assert_eq!(read(&Order(true).pcap(0xa1b2_c3d4, &[])[..20]).1, Some(CaptureError::Truncated { at: 20 }));
    let mut version = Order(true).pcap(0xa1b2_c3d4, &[]);
    version[5] = 9;
    assert_eq!(read(&version).1.unwrap().code(), "BAVN-E406");
    assert_eq!(Capture::open(Path::new("/nonexistent")).err().unwrap().code(), "BAVN-E405");
}

#[test]
fn a_corrupt_record_ends_the_capture_after_the_frames_before_it() {
    let order = Order(false);
    let mut file = order.pcap(0xa1b2_c3d4, &[(1, 0, 3, b"abc")]);
    let at = file.len() as u64;
    file.extend(order.words(&[2, 0, 0x7fff_ffff, 60]));
    file.extend([0; 64]);
    let (frames, error) = read(&file);
    assert_eq!(frames.len(), 1);
    assert!(matches!(error, Some(CaptureError::Corrupt { at: found, .. }) if found == at), "{error:?}");
}

#[test]
fn pcapng_blocks_that_lie() {
    let order = Order(false);
    let start = [order.section(), order.interface(1, 0, &[]), order.enhanced(0, 0, 1, b"a")].concat();
    let mut ends_differ = order.block(6, &[0; 24]);
    *ends_differ.last_mut().unwrap() = 1;
    let lies = [
        ends_differ,
        order.enhanced(7, 0, 1, b"a"),
        order.words(&[6, 13, 0, 0]),
        order.words(&[6, 8, 0, 0]),
        order.words(&[6, 0xffff_fff0, 0, 0]),
        order.block(6, &order.words(&[0, 0, 0, 40, 40])),
        order.block(6, &[0; 4]),
        order.interface(1, 0, &[(9, &[0x7f])]),
        order.block(0x0a0d_0d0a, &[0; 16]),
    ];
    for lie in lies {
        let (frames, error) = read(&[&start[..], &lie].concat());
        assert_eq!(frames.len(), 1);
        assert!(matches!(error, Some(CaptureError::Corrupt { .. })), "{lie:?}: {error:?}");
    }
}

#[test]
fn a_block_longer_than_the_buffer_is_read_or_passed_over() {
    let order = Order(false);
    let big = vec![7; 3 << 20];
    let mut options = order.words(&[0, 0, 0, 1, 1]);
    options.extend([b'a', 0, 0, 0]);
    options.extend(&big);
    let file = [
        order.section(),
        order.block(0xbad, &big),
        order.interface(1, 0, &[]),
        order.block(6, &options),
        order.enhanced(0, 0, 1, b"b"),
    ];
    let (frames, error) = read(&file.concat());
    assert_eq!((frames.len(), error), (2, None));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn compressed_captures_in_several_pieces() {
    let (file, frames, ..) = pcapng_file();
    let (one, two) = file.split_at(70);
    assert_eq!(read(&[gzip(one), gzip(two)].concat()), (frames.clone(), None));
    let skippable = [&[0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    assert_eq!(read(&[skippable, zst(one), zst(two)].concat()), (frames, None));
}

#[test]
fn compressed_captures_that_are_cut_or_damaged() {
    let frames: Vec<_> =
        (0..2000_u32).map(|n| (n, n.wrapping_mul(0x9e37_79b9) % 1_000_000, 60, &b"0123456789"[..])).collect();
    let file = Order(false).pcap(0xa1b2_c3d4, &frames);
    let whole = read(&file).0;
    for packed in [gzip(&file), zst(&file)] {
        for cut in (5..packed.len()).step_by(97) {
            let (got, error) = read(&packed[..cut]);
            assert_eq!(got, whole[..got.len()]);
            assert!(matches!(error, Some(CaptureError::Truncated { .. })), "cut at {cut}: {error:?}");
        }
        let mut damaged = packed.clone();
        damaged[packed.len() / 2..].fill(0xff);
        let error = read(&damaged).1;
        assert!(matches!(error, Some(CaptureError::Corrupt { .. })), "{error:?}");
    }
}

#[test]
fn a_zstd_window_above_the_limit_is_refused() {
    // Magic, no single segment, window descriptor 0x98: 2 to the 29th.
    let bomb = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x98, 0x01, 0x00, 0x00];
    assert_eq!(read(&bomb).1.unwrap().code(), "BAVN-E406");
}

/// Gives what it has in the smallest pieces.
struct Drip(Cursor<Vec<u8>>);

impl Read for Drip {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let len = out.len().min(1);
        self.0.read(&mut out[..len])
    }
}

#[test]
fn a_source_that_gives_single_bytes() {
    let (file, frames, ..) = pcapng_file();
    let mut capture = Capture::read(Drip(Cursor::new(zst(&file)))).unwrap();
    let mut count = 0;
    while capture.next_frame().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, frames.len());
}

fn bounded(bytes: &[u8]) {
    let (frames, _) = read(bytes);
    assert!(frames.iter().map(|frame| frame.data.len() + 12).sum::<usize>() <= bytes.len().max(12) * 200);
}

proptest! {
    #[test]
    fn random_files_do_no_harm(magic in 0..6_usize, body in proptest::collection::vec(any::<u8>(), 0..600)) {
        let order = Order(magic % 2 == 0);
        let head = match magic {
            0 | 1 => order.pcap(0xa1b2_c3d4, &[]),
            2 | 3 => [order.section(), order.interface(1, 0, &[])].concat(),
            4 => vec![0x28, 0xb5, 0x2f, 0xfd],
            _ => vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3],
        };
        bounded(&[head, body].concat());
    }

    #[test]
    fn mutated_files_do_no_harm(changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..8), packed in 0..3) {
        let mut file = pcapng_file().0;
        if packed > 0 {
            file = if packed == 1 { gzip(&file) } else { zst(&file) };
        }
        let len = file.len();
        for (place, byte) in changes {
            file[place % len] = byte;
        }
        bounded(&file);
    }
}
