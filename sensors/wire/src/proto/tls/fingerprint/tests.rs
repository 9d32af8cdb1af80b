//! Published vectors and odd hellos.

use super::*;

const GREASE: [u16; 16] = [
    0x0a0a, 0x1a1a, 0x2a2a, 0x3a3a, 0x4a4a, 0x5a5a, 0x6a6a, 0x7a7a, 0x8a8a, 0x9a9a, 0xaaaa, 0xbaba, 0xcaca,
    0xdada, 0xeaea, 0xfafa,
];

/// A hello to be written out.
#[derive(Clone, Default)]
struct Sketch {
    version: u16,
    ciphers: Vec<u16>,
    extensions: Vec<u16>,
    groups: Vec<u16>,
    point_formats: Vec<u8>,
    signature_algorithms: Vec<u16>,
    versions: Vec<u16>,
    alpn: Vec<&'static [u8]>,
}

fn numbers(list: &[u16]) -> Vec<u8> {
    list.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn vec8(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

fn vec16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

impl Sketch {
    fn extension(&self, kind: u16) -> Vec<u8> {
        let body = match ExtensionType(kind) {
            ExtensionType::SERVER_NAME => vec16(&[&[0][..], &vec16(b"example.org")].concat()),
            ExtensionType::SUPPORTED_GROUPS => vec16(&numbers(&self.groups)),
            ExtensionType::EC_POINT_FORMATS => vec8(&self.point_formats),
            ExtensionType::SIGNATURE_ALGORITHMS => vec16(&numbers(&self.signature_algorithms)),
            ExtensionType::SUPPORTED_VERSIONS => vec8(&numbers(&self.versions)),
            ExtensionType::ALPN => vec16(&self.alpn.iter().flat_map(|name| vec8(name)).collect::<Vec<_>>()),
            _ => Vec::new(),
        };
        [kind.to_be_bytes().to_vec(), vec16(&body)].concat()
    }

    fn body(&self) -> Vec<u8> {
        let mut out = self.version.to_be_bytes().to_vec();
        out.extend_from_slice(&[7; 32]);
        out.push(0);
        out.extend(vec16(&numbers(&self.ciphers)));
        out.extend_from_slice(&[1, 0]);
        if !self.extensions.is_empty() {
            let all: Vec<u8> = self.extensions.iter().flat_map(|&kind| self.extension(kind)).collect();
            out.extend(vec16(&all));
        }
        out
    }

    fn ja3(&self) -> String {
        let body = self.body();
        let hello = ClientHello::parse(&body).unwrap();
        assert!(hello.whole);
        String::from_utf8(ja3(&hello).to_vec()).unwrap()
    }

    fn ja4(&self, carrier: Carrier) -> String {
        let body = self.body();
        String::from_utf8(ja4(&ClientHello::parse(&body).unwrap(), carrier).to_vec()).unwrap()
    }

    fn with_grease_everywhere(&self) -> Self {
        let mix = |list: &[u16]| {
            let pairs = list.iter().zip(GREASE.iter().cycle());
            pairs.flat_map(|(&number, &grease)| [grease, number]).chain(GREASE).collect()
        };
        Self {
            ciphers: mix(&self.ciphers),
            extensions: mix(&self.extensions),
            groups: mix(&self.groups),
            signature_algorithms: mix(&self.signature_algorithms),
            versions: mix(&self.versions),
            ..self.clone()
        }
    }
}

/// First example of github.com/salesforce/ja3, README.
fn ja3_example() -> Sketch {
    Sketch {
        version: 769,
        ciphers: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
        extensions: vec![0, 10, 11],
        groups: vec![23, 24, 25],
        point_formats: vec![0],
        ..Sketch::default()
    }
}

/// The example of github.com/FoxIO-LLC/ja4, technical_details/JA4.md.
fn ja4_example() -> Sketch {
    Sketch {
        version: 0x0303,
        ciphers: vec![
            0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
            0x009d, 0x002f, 0x0035,
        ],
        extensions: vec![
            0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b,
            0xff01, 0x000b, 0x000a, 0x0015,
        ],
        signature_algorithms: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
        versions: vec![0x0304, 0x0303],
        alpn: vec![b"h2", b"http/1.1"],
        ..Sketch::default()
    }
}

#[test]
fn ja3_of_its_readme() {
    assert_eq!(ja3_example().ja3(), "ada70206e40642a3e4461f35503241d5");
    let bare =
        Sketch { version: 769, ciphers: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], ..Sketch::default() };
    assert_eq!(bare.ja3(), "de350869b8c85de67a350c8d186f11e6");
}

#[test]
fn ja3_text_has_its_five_parts_whatever_is_missing() {
    let body = Sketch { version: 771, ..Sketch::default() }.body();
    assert_eq!(ja3_text(&ClientHello::parse(&body).unwrap()), b"771,,,,");
}

#[test]
fn ja4_of_its_specification() {
    assert_eq!(ja4_example().ja4(Carrier::Tcp), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    assert_eq!(&ja4_example().ja4(Carrier::Quic)[..10], "q13d1516h2");
}

#[test]
fn ja4_without_signature_algorithms_of_its_specification() {
    let sketch = Sketch { signature_algorithms: vec![], ..ja4_example() };
    assert_eq!(sketch.ja4(Carrier::Tcp), "t13d1516h2_8daaf6152771_6d807ffa2a79");
}

/// Reads a published line: ciphers, extensions and signature algorithms in hex, and the head that tells the rest.
fn published(head: &str, lists: &str) -> Sketch {
    let mut lists = lists.split('_').map(|list| {
        list.split(',').map(|number| u16::from_str_radix(number, 16).unwrap()).collect::<Vec<_>>()
    });
    let mut next = || lists.next().unwrap_or_default();
    let (ciphers, extensions, signature_algorithms) = (next(), next(), next());
    let highest = match &head[1..3] {
        "13" => 0x0304,
        "12" => 0x0303,
        "10" => 0x0301,
        other => panic!("{other}"),
    };
    let alpn: &[u8] = match &head[8..] {
        "h1" => b"http/1.1",
        "h2" => b"h2",
        "h3" => b"h3",
        _ => b"",
    };
    Sketch {
        version: highest.min(0x0303),
        versions: vec![highest],
        alpn: vec![alpn],
        ciphers,
        extensions,
        signature_algorithms,
        ..Sketch::default()
    }
}

#[test]
fn ja4_of_the_published_captures() {
    let rows = include_str!("../../../../tests/data/ja4/published.txt");
    let mut count = 0;
    for row in rows.lines().filter(|row| !row.starts_with('#')) {
        let parts: Vec<&str> = row.split(' ').collect();
        let [want, _, lists] = parts[..] else { panic!("{row}") };
        let sketch = published(&want[..10], lists);
        let carrier = if want.starts_with('q') { Carrier::Quic } else { Carrier::Tcp };
        assert_eq!(sketch.ja4(carrier), want);
        assert_eq!(sketch.with_grease_everywhere().ja4(carrier), want);
        // DTLS has its own letter and versions; the lists are hashed alike.
        let dtls = Sketch { version: 0xfefd, versions: vec![0xfefc, 0xfefd], ..sketch };
        let (version, same) = (if lists.contains("002b") { "dd3" } else { "dd2" }, &want[3..]);
        assert_eq!(dtls.ja4(Carrier::Dtls), format!("{version}{same}"));
        count += 1;
    }
    assert_eq!(count, 15);
}

/// The hello of tls-non-ascii-alpn.pcapng of github.com/FoxIO-LLC/ja4. Its published outputs say `99`, from before the
/// specification took the first and last digit of the hex form; the hashes are those published.
#[test]
fn ja4_of_an_alpn_that_is_not_ascii() {
    let sketch = Sketch { alpn: vec![b"\xba\xad", b"http/1.1"], ..ja4_example() };
    assert_eq!(sketch.ja4(Carrier::Tcp), "t13d1516bd_8daaf6152771_e5627efa2ab1");
}

#[test]
fn grease_changes_nothing() {
    assert_eq!(ja3_example().with_grease_everywhere().ja3(), ja3_example().ja3());
    let plain = ja4_example();
    assert_eq!(plain.with_grease_everywhere().ja4(Carrier::Tcp), plain.ja4(Carrier::Tcp));
    let only = Sketch {
        version: 0x0303,
        ciphers: GREASE.to_vec(),
        extensions: GREASE.to_vec(),
        ..Sketch::default()
    };
    assert_eq!(only.ja4(Carrier::Tcp), "t12i000000_000000000000_000000000000");
}

#[test]
fn ja4_of_nothing_is_zeros() {
    let sketch = Sketch { version: 0x0301, ..Sketch::default() };
    assert_eq!(sketch.ja4(Carrier::Tcp), "t10i000000_000000000000_000000000000");
}

#[test]
fn ja4_leaves_name_and_alpn_out_of_its_last_part() {
    let sketch = Sketch { version: 0x0303, extensions: vec![0, 16], alpn: vec![b"h2"], ..Sketch::default() };
    assert_eq!(sketch.ja4(Carrier::Tcp), "t12d0002h2_000000000000_000000000000");
}

// The two-letter cases are those of the specification, "ALPN Extension Value".
#[test]
fn ja4_alpn_may_be_any_bytes() {
    let cases: [(&[u8], &str); 14] = [
        (b"h2", "h2"),
        (b"http/1.1", "h1"),
        (b"x", "xx"),
        (b"", "00"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"\x20", "20"),
        (b"\x20\x61", "21"),
        (b"\x61\x20", "60"),
        (b"\x30\xab", "3b"),
        (b"\x30\x31\xab\xcd", "3d"),
        (b"\x30\xab\xcd\x31", "01"),
        (b"-", "2d"),
        ("\u{e6}\u{f8}".as_bytes(), "c8"),
    ];
    for (name, expected) in cases {
        let sketch = Sketch { version: 0x0303, extensions: vec![16], alpn: vec![name], ..Sketch::default() };
        assert_eq!(&sketch.ja4(Carrier::Tcp)[8..10], expected, "{name:02x?}");
    }
}

#[test]
fn ja4_counts_stop_at_99() {
    let sketch = Sketch {
        version: 0x0303,
        ciphers: (0..300).collect(),
        extensions: (100..250).collect(),
        ..Sketch::default()
    };
    assert_eq!(&sketch.ja4(Carrier::Tcp)[..10], "t12i999900");
}

#[test]
fn ja4_versions() {
    let head = |version, versions: &[u16], carrier| {
        let extensions = if versions.is_empty() { vec![] } else { vec![43] };
        let sketch = Sketch { version, versions: versions.to_vec(), extensions, ..Sketch::default() };
        sketch.ja4(carrier)[..3].to_owned()
    };
    assert_eq!(head(0x0300, &[], Carrier::Tcp), "ts3");
    assert_eq!(head(0x0002, &[], Carrier::Tcp), "ts2");
    assert_eq!(head(0x0302, &[], Carrier::Tcp), "t11");
    assert_eq!(head(0x0303, &[0x7a7a, 0x0304, 0x0303], Carrier::Tcp), "t13");
    assert_eq!(head(0x1234, &[], Carrier::Tcp), "t00");
    assert_eq!(head(0xfeff, &[], Carrier::Dtls), "dd1");
    assert_eq!(head(0xfefd, &[], Carrier::Dtls), "dd2");
    assert_eq!(head(0xfefd, &[0xfefc, 0xfefd], Carrier::Dtls), "dd3");
}

#[test]
fn hello_cut_within_its_extensions_is_not_whole() {
    let body = ja4_example().body();
    let hello = ClientHello::parse(&body[..body.len() - 3]).unwrap();
    assert!(!hello.whole);
    assert!(ClientHello::parse(&body[..30]).is_none());
}
