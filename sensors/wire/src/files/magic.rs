//! Type of a file by its first bytes. The names are those that file(1) and Zeek give, so that rules know them.
//!
//! Sources: the formats' specifications, and Wikipedia's list of file signatures for those without one.

use super::limits::MAGIC_BYTES;
use super::{text, zip};

/// Bytes that must stand at an offset, and what the file is then. The first row that fits counts.
type Row = (usize, &'static [u8], &'static str);

const PROGRAMS: &[Row] = &[
    (0, b"MZ", "application/x-dosexec"),
    (0, b"\xfe\xed\xfa\xce", "application/x-mach-binary"),
    (0, b"\xfe\xed\xfa\xcf", "application/x-mach-binary"),
    (0, b"\xce\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"dex\n0", "application/vnd.android.dex"),
    (0, b"\0asm", "application/wasm"),
    (0, b"\x1bLua", "application/x-lua-bytecode"),
    (0, b"\xac\xed\0\x05", "application/x-java-serialized-object"),
    (0, b"Cr24", "application/x-chrome-extension"),
    (0, b"#!<arch>\n", "application/x-archive"),
];

const WINDOWS: &[Row] = &[
    (0, b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F", "application/x-ms-shortcut"),
    (0, b"ITSF", "application/vnd.ms-htmlhelp"),
    (0, b"regf", "application/x-ms-registry-hive"),
    (0, b"ElfFile\0", "application/x-ms-evtx"),
    (0, b"MDMP\x93\xa7", "application/x-ms-minidump"),
    (4, b"SCCA", "application/x-ms-prefetch"),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "application/onenote"),
    (0, b"\0\x01\0\0Standard Jet DB", "application/x-msaccess"),
    (0, b"\0\x01\0\0Standard ACE DB", "application/x-msaccess"),
    (0, b"!BDN", "application/vnd.ms-outlook"),
    (0, b"\x78\x9f\x3e\x22", "application/vnd.ms-tnef"),
    (4, b"\xef\xcd\xab\x89", "application/x-ms-ese"),
];

const ARCHIVES: &[Row] = &[
    (0, b"Rar!\x1a\x07", "application/x-rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"\x1f\x9d", "application/x-compress"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"\x04\x22\x4d\x18", "application/x-lz4"),
    (0, b"LZIP", "application/x-lzip"),
    (0, b"\x5d\0\0\x80\0\xff", "application/x-lzma"),
    (0, b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    (0, b"MSWIM\0\0\0", "application/x-ms-wim"),
    (257, b"ustar", "application/x-tar"),
    (0, b"070701", "application/x-cpio"),
    (0, b"070707", "application/x-cpio"),
    (0, b"!<arch>\ndebian-binary", "application/vnd.debian.binary-package"),
    (0, b"!<arch>\n", "application/x-archive"),
    (0, b"\xed\xab\xee\xdb", "application/x-rpm"),
    (0, b"\x60\xea", "application/x-arj"),
    (7, b"**ACE**", "application/x-ace-compressed"),
    (2, b"-lh", "application/x-lzh-compressed"),
    (0, b"xar!", "application/x-xar"),
    (0, b"hsqs", "application/x-squashfs"),
    (0, b"conectix", "application/x-vhd"),
    (0, b"vhdxfile", "application/x-vhdx"),
    (0, b"KDMV", "application/x-vmdk"),
    (0, b"QFI\xfb", "application/x-qemu-disk"),
];

const IMAGES: &[Row] = &[
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"\0\0\x01\0", "image/vnd.microsoft.icon"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"AT&TFORM", "image/vnd.djvu"),
    (40, b" EMF", "image/emf"),
    (0, b"\xd7\xcd\xc6\x9a", "image/wmf"),
    (0, b"gimp xcf", "image/x-xcf"),
    (0, b"qoif", "image/qoi"),
    (128, b"DICM", "application/dicom"),
];

const SOUND_AND_FILM: &[Row] = &[
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"OggS", "application/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"MThd\0\0\0\x06", "audio/midi"),
    (0, b"#!AMR", "audio/amr"),
    (0, b".snd", "audio/basic"),
    (0, b"\x1a\x45\xdf\xa3", "video/x-matroska"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\0\0\x01\xba", "video/mpeg"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (0, b"FWS", "application/x-shockwave-flash"),
    (0, b"CWS", "application/x-shockwave-flash"),
    (0, b"ZWS", "application/x-shockwave-flash"),
];

/// What follows the size in a RIFF file.
const RIFF: &[Row] = &[
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/x-wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (8, b"ACON", "application/x-navi-animation"),
];

/// Brands of ISO base media files (ISO/IEC 14496-12 4.3).
const BRANDS: &[Row] = &[
    (8, b"avif", "image/avif"),
    (8, b"heic", "image/heic"),
    (8, b"mif1", "image/heif"),
    (8, b"qt  ", "video/quicktime"),
    (8, b"M4A ", "audio/mp4"),
    (8, b"3gp", "video/3gpp"),
    (8, b"", "video/mp4"),
];

const REST: &[Row] = &[
    (0, b"%PDF-", "application/pdf"),
    (0, b"%!PS", "application/postscript"),
    (0, b"{\\rt", "text/rtf"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (0, b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (0, b"\xa1\xb2\xc3\xd4", "application/vnd.tcpdump.pcap"),
    (0, b"\x4d\x3c\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (0, b"\xa1\xb2\x3c\x4d", "application/vnd.tcpdump.pcap"),
    (0, b"\x0a\x0d\x0d\x0a", "application/x-pcapng"),
    (0, b"d8:announce", "application/x-bittorrent"),
    (0, b"PACK\0\0\0", "application/x-git-pack"),
    (0, b"bplist00", "application/x-bplist"),
    (0, b"\xfe\xed\xfe\xed", "application/x-java-keystore"),
    (0, b"\x03\xd9\xa2\x9a", "application/x-keepass"),
    (0, b"LUKS\xba\xbe", "application/x-luks"),
    (0, b"age-encryption.org/", "application/x-age"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"OTTO", "font/otf"),
    (0, b"ttcf", "font/collection"),
    (0, b"\0\x01\0\0\0", "font/ttf"),
    (0, b"\x89HDF\r\n\x1a\n", "application/x-hdf5"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"\x93NUMPY", "application/x-numpy"),
    (0, b"\x80\x04\x95", "application/x-pickle"),
];

const TABLES: &[&[Row]] = &[PROGRAMS, WINDOWS, ARCHIVES, IMAGES, SOUND_AND_FILM, REST];

/// Streams by which old Office files are told apart ([MS-CFB] 2.6.1), the names as they stand in directories.
const OLE_STREAMS: &[(&str, &str)] = &[
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("__nameid_version1.0", "application/vnd.ms-outlook"),
    ("VisioDocument", "application/vnd.visio"),
    ("EncryptedPackage", "application/encrypted"),
];

/// Class of a Windows Installer package, as the root entry has it.
pub(super) const MSI_CLASS: &[u8] = b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0F";

/// Type of a file that begins with those bytes (4 KiB are looked at); none where nothing is known.
#[must_use]
pub fn mime_type(bytes: &[u8]) -> Option<&'static str> {
    let first = bytes.get(..MAGIC_BYTES).unwrap_or(bytes);
    structured(first).or_else(|| TABLES.iter().find_map(|table| fits(table, first))).or_else(|| {
        let late = text::mime_type(first);
        // Readers take a PDF whose header stands within the first 1024 bytes.
        let pdf = first.get(..1024).unwrap_or(first);
        let pdf = memchr::memmem::find(pdf, b"%PDF-").map(|_| "application/pdf");
        pdf.filter(|_| late.is_none_or(|late| late == "text/plain")).or(late)
    })
}

fn fits(rows: &[Row], first: &[u8]) -> Option<&'static str> {
    let fit = |row: &&Row| first.get(row.0..).is_some_and(|rest| rest.starts_with(row.1));
    rows.iter().find(fit).map(|row| row.2)
}

/// Formats that more than fixed bytes tell of.
fn structured(first: &[u8]) -> Option<&'static str> {
    match first {
        [b'P', b'K', 3, 4, ..] => Some(zip::mime_type(first)),
        [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => Some("application/zip"),
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => Some(ole(first)),
        [0x7f, b'E', b'L', b'F', _, order, ..] => Some(elf(first, *order)),
        // A count of architectures for one, a class file's version (45 and more) for the other.
        [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, count, ..] if *count < 45 => Some("application/x-mach-binary"),
        [0xca, 0xfe, 0xba, 0xbe, ..] => Some("application/x-java-applet"),
        [b'R', b'I', b'F', b'F', ..] => fits(RIFF, first),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => fits(BRANDS, first),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some("image/bmp"),
        [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', ..] => Some("audio/x-aiff"),
        // The magic number of CPython's compiled files ends in a line end.
        [_, 0x0c..=0x0e, b'\r', b'\n', 0..=3, 0, 0, 0, ..] => Some("application/x-bytecode.python"),
        [0x47, ..] if first.get(188) == Some(&0x47) && first.get(376) == Some(&0x47) => Some("video/mp2t"),
        [0x30, ..] => der(first),
        _ => None,
    }
}

/// Object file type (System V ABI, e_type).
fn elf(first: &[u8], order: u8) -> &'static str {
    let kind = match first.get(16..18) {
        Some(&[low, high]) if order == 1 => u16::from_le_bytes([low, high]),
        Some(&[high, low]) => u16::from_le_bytes([low, high]),
        _ => 0,
    };
    match kind {
        1 => "application/x-object",
        3 => "application/x-sharedlib",
        4 => "application/x-coredump",
        _ => "application/x-executable",
    }
}

fn ole(first: &[u8]) -> &'static str {
    let stream = OLE_STREAMS.iter().find(|(name, _)| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        memchr::memmem::find(first, &wide).is_some()
    });
    let msi = memchr::memmem::find(first, MSI_CLASS).map(|_| "application/x-msi");
    stream.map(|(_, mime)| *mime).or(msi).unwrap_or("application/x-ole-storage")
}

/// Content of a DER element and what follows its header, where it is a sequence.
fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x30, short @ 0..=0x7f, rest @ ..] if usize::from(*short) <= rest.len() => Some(rest),
        [0x30, 0x81, _, rest @ ..] | [0x30, 0x82, _, _, rest @ ..] | [0x30, 0x83, _, _, _, rest @ ..] => {
            Some(rest)
        }
        _ => None,
    }
}

/// Certificates and their kin (RFC 5280, 5652, 6960, 7292).
fn der(first: &[u8]) -> Option<&'static str> {
    let inner = sequence(first)?;
    match inner {
        [2, 1, 3, 0x30, ..] => return Some("application/x-pkcs12"),
        [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, ..] => return Some("application/pkcs7-mime"),
        [0x0a, 1, 0..=6, ..] => return Some("application/ocsp-response"),
        [2, 1, 0, 0x30, ..] => return Some("application/pkcs8"),
        _ => {}
    }
    match sequence(inner)? {
        [0xa0, 3, 2, 1, 0..=2, 2, ..] => Some("application/x-x509-ca-cert"),
        [2, 1, 1, 0x30, ..] => Some("application/pkix-crl"),
        [0x30, rest @ ..] if ocsp_request(rest) => Some("application/ocsp-request"),
        _ => None,
    }
}

/// A list of requests, the first of which begins with a digest's algorithm.
fn ocsp_request(list: &[u8]) -> bool {
    let sha1 = b"\x06\x05\x2b\x0e\x03\x02\x1a";
    list.get(..24).is_some_and(|begin| memchr::memmem::find(begin, sha1).is_some())
}
