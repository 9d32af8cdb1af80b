//! The scanner against serde_json: the same values, or both refuse.

use proptest::prelude::*;
use serde_json::{Map, Number, Value};

use super::*;
use crate::text::unescape;

/// The tape as a tree.
fn tree(line: &[u8], tape: &Tape) -> Value {
    value(line, tape, 0).0
}

fn text(line: &[u8], span: Span, is_escaped: bool) -> String {
    let mut out = Vec::new();
    if is_escaped {
        unescape(span.of(line), &mut out)
    } else {
        out.extend_from_slice(span.of(line))
    }
    String::from_utf8(out).unwrap()
}

/// The value of a token, and the number of the one after it.
fn value(line: &[u8], tape: &Tape, at: usize) -> (Value, usize) {
    let token = tape.tokens[at];
    let plain = |value| (value, at + 1);
    match token.what {
        What::Text => plain(Value::String(text(line, token.span, false))),
        What::Escaped => plain(Value::String(text(line, token.span, true))),
        What::Number => plain(Value::Number(number(token.span.of(line)))),
        What::True => plain(Value::Bool(true)),
        What::False => plain(Value::Bool(false)),
        What::Null => plain(Value::Null),
        What::List => {
            let (mut list, mut next) = (Vec::new(), token.span.start as usize);
            while next < token.span.end as usize {
                let (item, after) = value(line, tape, next);
                list.push(item);
                next = after;
            }
            (Value::Array(list), next)
        }
        What::Object => {
            let (mut map, mut next) = (Map::new(), token.span.start as usize);
            while next < token.span.end as usize {
                let member = tape.tokens[next];
                let (item, after) = value(line, tape, next);
                map.insert(text(line, member.key, member.is_key_escaped), item);
                next = after;
            }
            (Value::Object(map), next)
        }
    }
}

fn number(text: &[u8]) -> Number {
    serde_json::from_slice(text).unwrap()
}

fn agree(line: &[u8]) {
    let mut tape = Tape::default();
    let ours = tape.read(line);
    match (serde_json::from_slice::<Value>(line), ours) {
        (Ok(theirs @ Value::Object(_)), Ok(())) => assert_eq!(tree(line, &tape), theirs),
        // Where the line is JSON and no object, we may stop at its first byte.
        (Ok(theirs), Err(Fault::NotAnObject)) => assert!(!theirs.is_object()),
        (Ok(_), Err(Fault::TooDeep)) => {
            assert!(line.iter().filter(|byte| b"[{".contains(byte)).count() > MAX_DEPTH)
        }
        (Err(_), Err(_)) => {}
        // A number beyond a float's range is a number of ours until someone wants its value.
        (Err(error), Ok(())) if error.to_string().contains("number out of range") => {}
        (Err(error), Ok(())) => assert!(std::str::from_utf8(line).is_err(), "{error}"),
        (theirs, ours) => panic!("{:?}: serde_json {theirs:?}, we {ours:?}", String::from_utf8_lossy(line)),
    }
}

#[test]
fn grammar() {
    let lines: &[&[u8]] = &[
        br#"{}"#,
        br#" { } "#,
        br#"{"a":1}"#,
        br#"{"a":[]}"#,
        br#"{"a":[1,2,{"b":null}],"c":{"d":{}}}"#,
        br#"{"a":-0,"b":0.5e-3,"c":1E+2,"d":18446744073709551615,"e":18446744073709551616}"#,
        br#"{"a":"\u00e6\ud83d\ude00\"\\\/\b\f\n\r\t"}"#,
        "{\"a\":\"æ\"}".as_bytes(),
        br#"{"a\u0062":true,"":false}"#,
        br#"{"a":1,"a":2}"#,
        br#""#,
        br#"["#,
        br#"[]"#,
        br#"1"#,
        br#"{"#,
        br#"{"a"#,
        br#"{"a""#,
        br#"{"a":"#,
        br#"{"a":1"#,
        br#"{"a":1,"#,
        br#"{"a":1,}"#,
        br#"{,}"#,
        br#"{"a":[1,]}"#,
        br#"{"a":[,1]}"#,
        br#"{"a":[1}"#,
        br#"{"a":1]"#,
        br#"{"a" 1}"#,
        br#"{"a":01}"#,
        br#"{"a":-}"#,
        br#"{"a":1.}"#,
        br#"{"a":.5}"#,
        br#"{"a":1e}"#,
        br#"{"a":+1}"#,
        br#"{"a":NaN}"#,
        br#"{"a":tru}"#,
        br#"{"a":nul}"#,
        br#"{"a":"\x"}"#,
        br#"{"a":"\u12"}"#,
        br#"{"a":"\ud800"}"#,
        br#"{"a":"\udc00"}"#,
        br#"{"a":"\ud800\u0041"}"#,
        br#"{"a":"\ud800\ud800"}"#,
        b"{\"a\":\"\x01\"}",
        b"{\"a\":\"\n\"}",
        br#"{"a":1}{"b":2}"#,
        br#"{"a":1} x"#,
        br#"{'a':1}"#,
        br#"{a:1}"#,
        b"{\"a\":\"\xff\"}",
        br#"{"a":1e999}"#,
    ];
    lines.iter().for_each(|line| agree(line));
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| [b"{\"a\":".repeat(depth), b"1".to_vec(), b"}".repeat(depth)].concat();
    let mut tape = Tape::default();
    assert_eq!(tape.read(&nested(MAX_DEPTH)), Ok(()));
    assert_eq!(tape.read(&nested(MAX_DEPTH + 1)), Err(Fault::TooDeep));
    let many = [b"{\"a\":[".to_vec(), b"1,".repeat(MAX_TOKENS), b"1]}".to_vec()].concat();
    assert_eq!(tape.read(&many), Err(Fault::TooMany));
}

#[test]
fn bytes_that_are_no_utf8_are_told() {
    let mut tape = Tape::default();
    for line in [&b"{\"a\":\"12345\xff\"}"[..], b"{\"a\":\"123456789\xff12345678\"}", b"{\"\xc3\xa6\":1}"] {
        assert_eq!((tape.read(line), tape.has_high), (Ok(()), true));
    }
    assert_eq!((tape.read(br#"{"a":"12345678901234567890"}"#), tape.has_high), (Ok(()), false));
}

fn json() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[ -~]{0,20}", any::<String>()];
    let number = prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        any::<f64>().prop_filter_map("finite", Number::from_f64)
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(Value::Number),
        text.prop_map(Value::String)
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::hash_map(any::<String>(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect()))
        ]
    })
}

proptest! {
    #[test]
    fn reads_what_others_write(value in json()) {
        let line = serde_json::to_vec(&serde_json::json!({ "a": value })).unwrap();
        agree(&line);
    }

    #[test]
    fn agrees_on_what_was_altered(value in json(), edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4)) {
        let mut line = serde_json::to_vec(&serde_json::json!({ "a": value })).unwrap();
        for (place, byte, edit) in edits {
            let at = place.index(line.len());
            match edit {
                0 => line[at] = byte,
                1 => line.insert(at, b"{}[],:\"\\0-.eu "[usize::from(byte) % 14]),
                _ => line.truncate(at.max(1)),
            }
        }
        agree(&line);
    }

    #[test]
    fn never_panics(line in prop::collection::vec(any::<u8>(), 0..200)) {
        agree(&line);
    }
}
