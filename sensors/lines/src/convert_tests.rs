use super::*;

#[test]
fn times() {
    let at = 1_795_338_840_123_456_000;
    let same: &[&[u8]] = &[
        b"2026-11-22T09:14:00.123456Z",
        b"2026-11-22T09:14:00.123456+0000",
        b"2026-11-22T10:14:00.123456+01:00",
        b"2026-11-22T03:44:00.123456-0530",
        b"2026-11-22 09:14:00.123456",
        b"1795338840.123456",
        b"1795338840.123456000",
    ];
    for text in same {
        assert_eq!(time(text), Some(at), "{}", String::from_utf8_lossy(text));
    }
    let none: &[&[u8]] = &[
        b"",
        b"x",
        b"2026-11-22",
        b"2026-02-30T00:00:00Z",
        b"2026-13-01T00:00:00Z",
        b"2026-11-22T24:00:00Z",
        b"-1.5",
        b"2026-11-22T09:14:00.12x",
        b"2026-11-22T09:14:00+1",
        b"1970-01-01T00:00:00+0100",
        b"99999999999999999999",
        b"1e999",
        b"2026-11-22T09:14:00\xff",
    ];
    for text in none {
        assert_eq!(time(text), None, "{}", String::from_utf8_lossy(text));
    }
    assert_eq!(seconds(b"1e-06"), Some(1000));
    assert_eq!(seconds(b"0.5"), Some(500_000_000));
    assert_eq!(time(b"2024-02-29T00:00:00Z"), Some(1_709_164_800_000_000_000));
}

#[test]
fn numbers_and_addresses() {
    assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
    assert_eq!(number(b"18446744073709551616"), None);
    assert_eq!((number(b"42.0"), number(b"42.5"), number(b""), number(b"-1")), (Some(42), None, None, None));
    for text in [
        "10.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "2001:db8::1",
        "2001:0db8:0000:0000:0000:0000:0000:0001",
        "::ffff:10.0.0.1",
    ] {
        assert_eq!(ip(text.as_bytes()), text.parse().ok());
    }
    for text in ["", "10.0.0", "10.0.0.0.1", "256.0.0.1", "01.0.0.1", "10.0.0.1 ", "10..0.1", "x"] {
        assert_eq!(ip(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn made_texts() {
    let made = |how, text: &[u8]| {
        let mut out = Vec::new();
        assert!(make(how, text, &mut out));
        String::from_utf8(out).unwrap()
    };
    assert_eq!(made(How::Turned, b"C=DK, O=a\\, b, CN=c"), "CN=c,O=a\\, b,C=DK");
    assert_eq!(made(How::Turned, b"CN=c"), "CN=c");
    assert_eq!(made(How::Mac, b"02:00:00:00:00:0a"), "02-00-00-00-00-0A");
    assert_eq!(made(How::Digits { is_upper: true }, b"0b:ee"), "0BEE");
}
