use proptest::prelude::*;

use super::super::limits::MAX_TABLE;
use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn lines(decoder: &mut Decoder, block: &str) -> Vec<String> {
    let mut all = Vec::new();
    let show = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    let done =
        decoder.decode(&hex(block), |name, value| all.push(format!("{}: {}", show(name), show(value))));
    assert_eq!(done, Ok(()));
    all
}

/// RFC 7541 C.2: a literal with and without indexing, never indexed, and an indexed field.
#[test]
fn representations() {
    let mut decoder = Decoder::default();
    let block = "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572";
    assert_eq!(lines(&mut decoder, block), ["custom-key: custom-header"]);
    assert_eq!(decoder.table.size(), 55);
    assert_eq!(lines(&mut decoder, "040c 2f73 616d 706c 652f 7061 7468"), [":path: /sample/path"]);
    assert_eq!(lines(&mut decoder, "1008 7061 7373 776f 7264 0673 6563 7265 74"), ["password: secret"]);
    assert_eq!(lines(&mut decoder, "82"), [":method: GET"]);
    assert_eq!(decoder.table.size(), 55);
}

/// RFC 7541 C.3 and C.4: the same requests, plain and by Huffman.
#[test]
fn requests() {
    let plain = [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ];
    let packed = [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ];
    for blocks in [plain, packed] {
        let mut decoder = Decoder::default();
        let base = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
        assert_eq!(lines(&mut decoder, blocks[0]), base);
        assert_eq!(lines(&mut decoder, blocks[1])[4], "cache-control: no-cache");
        let third = lines(&mut decoder, blocks[2]);
        assert_eq!(third[1..3], [":scheme: https", ":path: /index.html"]);
        assert_eq!(third[3..], [":authority: www.example.com", "custom-key: custom-value"]);
        assert_eq!(decoder.table.size(), 164);
    }
}

/// RFC 7541 C.6: responses with a table of 256 bytes, so that entries are evicted.
#[test]
fn responses() {
    let mut decoder = Decoder::default();
    decoder.table.resize(256);
    let blocks = [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718
         63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7
         b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];
    let first = lines(&mut decoder, blocks[0]);
    assert_eq!(first[..2], [":status: 302", "cache-control: private"]);
    assert_eq!(first[2..], ["date: Mon, 21 Oct 2013 20:13:21 GMT", "location: https://www.example.com"]);
    assert_eq!(decoder.table.size(), 222);
    assert_eq!(lines(&mut decoder, blocks[1])[0], ":status: 307");
    let third = lines(&mut decoder, blocks[2]);
    assert_eq!((third[0].as_str(), third[4].as_str()), (":status: 200", "content-encoding: gzip"));
    assert_eq!(third[5], "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
    assert_eq!(decoder.table.size(), 215);
}

#[test]
fn integers_of_the_standard() {
    // RFC 7541 C.1.
    for (bytes, prefix, value) in [(&b"\x0a"[..], 5, 10), (b"\x1f\x9a\x0a", 5, 1337), (b"\x2a", 8, 42)] {
        assert_eq!(Reader(bytes).integer(prefix), Ok(value));
    }
    assert_eq!(Reader(b"\x1f\xff\xff\xff\xff\x01").integer(5), Err(Broken::Malformed));
}

#[test]
fn sizes_and_what_is_malformed() {
    let mut decoder = Decoder::default();
    let none = |_: &[u8], _: &[u8]| {};
    assert_eq!(decoder.decode(&hex("3fe2 1f"), none), Err(Broken::Malformed), "4097 of 4096");
    decoder.allow(1 << 20);
    assert_eq!(decoder.decode(&hex("3fe2 1f"), none), Ok(()));
    assert_eq!(decoder.decode(&hex("3fe1 ff3f"), none), Err(Broken::TableTooLarge));
    for block in ["80", "be", "40", "4001 61", "4001 6105", "00", "ff"] {
        assert_eq!(Decoder::default().decode(&hex(block), none), Err(Broken::Malformed), "{block}");
    }
    assert!(decoder.held() <= MAX_TABLE.get() * 2);
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..5)) {
        let mut decoder = Decoder::default();
        decoder.allow(MAX_TABLE.get());
        for block in blocks {
            let _ = decoder.decode(&block, |_, _| {});
            prop_assert!(decoder.table.size() <= MAX_TABLE.get());
        }
    }
}
