//! The parser as its users see it: what it takes, what it refuses, and what comes out of it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::flow::{Comparison, ContentHash, FlowId};

fn parse(text: &str) -> Result<Document, ParseError> {
    Document::parse(text.as_bytes())
}

fn canonical(text: &str) -> String {
    String::from_utf8(parse(text).unwrap().canonical()).unwrap()
}

#[test]
fn canonical_bytes_and_hashes_are_pythons() {
    let table = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/canonical.jsonl")).unwrap();
    let rows: Vec<Value> = table.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() >= 300);
    for row in rows {
        let text = |key: &str| row[key].as_str().unwrap();
        let document = parse(text("input")).unwrap_or_else(|error| panic!("{error}: {}", text("input")));
        assert_eq!(String::from_utf8(document.canonical()).unwrap(), text("canonical"), "of {}", text("input"));
        assert_eq!(document.content_hash().to_string(), text("sha256"), "of {}", text("input"));
        assert_eq!(document.hashes(&Comparison::default()).0, document.content_hash());
    }
}

/// The rule, line, column and pointer of every fault.
fn faults(text: impl AsRef<[u8]>) -> Vec<(&'static str, u32, u32, String)> {
    let error = Document::parse(text.as_ref()).expect_err("refused");
    assert!(!error.faults.is_empty());
    let seen = |fault: Fault| {
        assert!(!fault.message.is_empty() && !fault.help.is_empty());
        (fault.rule.as_str(), fault.position.line, fault.position.column, fault.pointer)
    };
    error.faults.into_iter().map(seen).collect()
}

#[track_caller]
fn refuses(text: impl AsRef<[u8]>, rule: &str, line: u32, column: u32, pointer: &str) {
    let found = faults(text);
    let found: Vec<_> =
        found.iter().map(|(rule, line, column, pointer)| (*rule, *line, *column, pointer.as_str())).collect();
    assert_eq!(found, [(rule, line, column, pointer)]);
}

#[test]
fn what_breaks_off_is_refused_at_its_end() {
    for (text, column) in [
        ("", 1),
        ("  ", 3),
        ("[", 2),
        ("[1", 3),
        ("[1,", 4),
        ("{", 2),
        ("{\"a\"", 5),
        ("{\"a\":", 6),
        ("{\"a\":1", 7),
        ("{\"a\":1,", 8),
        ("-", 2),
        ("1.", 3),
        ("1e", 3),
        ("1e+", 4),
    ] {
        let found = faults(text);
        assert_eq!((found[0].0, found[0].2), ("unexpected-end", column), "{text}");
    }
    refuses("[\"abc", "unexpected-end", 1, 2, "/0");
}

#[test]
fn what_rfc_8259_forbids_is_refused() {
    for text in [
        "tru",
        "nul",
        "truE",
        "True",
        "nullx",
        "true1",
        "[1 2]",
        "[1;2]",
        "{1:2}",
        "{a:1}",
        "{'a':1}",
        "['a']",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\":1 \"b\":2}",
        "[,1]",
        "{,}",
        "[1,,2]",
        "+1",
        ".5",
        "1.e5",
        "-a",
        "1.a",
        "1ea",
        "[}",
        "{]",
        "[1}",
        "{\"a\":1]",
        "]",
        "}",
        ":",
        ",",
        "#",
        "\u{a0}1",
        "\u{feff}1x",
        "[1]\u{0}",
        "\u{c}1",
        "undefined",
        "`a`",
        "--1",
    ] {
        let rule = faults(text)[0].0;
        assert!(["invalid-json", "trailing-text", "byte-order-mark"].contains(&rule), "{text}: {rule}");
    }
    for text in ["NaN", "Infinity", "-Infinity", "-NaN", "[NaN]"] {
        assert_eq!(faults(text)[0].0, "not-a-number", "{text}");
    }
    for text in ["// a\n{}", "[1 /* a */]", "{} // end", "{/**/}"] {
        assert_eq!(faults(text)[0].0, "comment", "{text}");
    }
    for text in
        [r#""\a""#, r#""\u12""#, r#""\u12g4""#, r#""\ud83d\u12x4""#, r#""\x41""#, "\"\\\n\"", r#""\U0041""#, "\"\\ä\""]
    {
        assert!(faults(text).iter().any(|fault| fault.0 == "invalid-escape"), "{text}");
    }
    for control in 0..0x20_u8 {
        let text = [b"\"ab".as_slice(), &[control], b"\""].concat();
        assert_eq!(faults(text)[0].0, "control-character");
    }
}

#[test]
fn a_refusal_names_the_place() {
    refuses("[1, 2,\n ]", "trailing-comma", 1, 6, "");
    refuses("{\"ä\": 1,\n}", "trailing-comma", 1, 8, "");
    refuses("[{\"a\": [1,]}]", "trailing-comma", 1, 10, "/0/a");
    refuses("{\"o\": {\"a\": 1, \"\\ud83d\": 2}}", "lone-surrogate", 1, 17, "/o");
    refuses("{\n  \"a\": [1, 01]}", "leading-zero", 2, 12, "/a/1");
    refuses("-01", "leading-zero", 1, 2, "");
    refuses("{\"a/b\": {\"~\": [0, {\"x\": !}]}}", "invalid-json", 1, 25, "/a~1b/~0/1/x");
    refuses("{} {}", "trailing-text", 1, 4, "");
    refuses("\u{feff}{}", "byte-order-mark", 1, 1, "");
    refuses(b"{\"\xc3\xa4\": \"\xff\"}", "invalid-utf8", 1, 8, "");
    refuses("{\"ä\": \"a\tb\"}", "control-character", 1, 9, "/ä");
    refuses("[\"\\ud83d\"]", "lone-surrogate", 1, 3, "/0");
    refuses("[\"\\ude00\\ud83d\\ude00\"]", "lone-surrogate", 1, 3, "/0");
    refuses("[\"\\ud83d\\ud83d\\ude00\"]", "lone-surrogate", 1, 3, "/0");
    refuses("[1, -1e999]", "number-out-of-range", 1, 5, "/1");
    refuses(format!("[{}.0]", "9".repeat(400)), "number-out-of-range", 1, 2, "/0");
    refuses(format!("[1, -{}]", "1".repeat(4301)), "integer-too-long", 1, 5, "/1");
}

#[test]
fn duplicate_keys_are_compared_after_reading_escapes() {
    refuses(r#"{"a":1,"b":2,"a":3}"#, "duplicate-key", 1, 14, "/a");
    refuses(r#"{"a":1,"\u0061":3}"#, "duplicate-key", 1, 8, "/a");
    refuses(r#"{"x":{"\ud83d\ude00":1,"😀":3}}"#, "duplicate-key", 1, 24, "/x/😀");
    refuses(r#"{"":1,"":3}"#, "duplicate-key", 1, 7, "/");
    refuses(r#"[{"\/":1,"/":3}]"#, "duplicate-key", 1, 10, "/0/~1");
    assert!(parse(r#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
}

#[test]
fn what_hides_nothing_is_collected() {
    let found = faults(r#"{"a":"\ud800","b":1e400,"a":2,"c":{"d":1,"d":2},"c":[}"#);
    let rules: Vec<_> = found.iter().map(|fault| fault.0).collect();
    assert_eq!(rules, ["lone-surrogate", "number-out-of-range", "duplicate-key", "invalid-json"]);
    assert_eq!(faults(format!("[{}1]", "1e999,".repeat(500))).len(), ParseError::FAULTS_MAX);
    assert_eq!(faults(r#"{"a":1,"a":2,"a":3}"#).len(), 2);
}

#[test]
fn limits_are_where_the_contract_puts_them() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse(&nested(DEPTH_MAX)).is_ok());
    assert_eq!(faults(nested(DEPTH_MAX + 1))[0].0, "too-deep");
    assert_eq!(faults("[".repeat(1_000_000))[0].0, "too-deep");
    let objects = |depth: usize| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
    assert!(parse(&objects(DEPTH_MAX)).is_ok());
    assert_eq!(faults(objects(DEPTH_MAX + 1))[0].0, "too-deep");
    assert!(parse(&"1".repeat(INTEGER_DIGITS_MAX)).is_ok());
    let sized = |size: usize| format!("\"{}\"", "a".repeat(size - 2));
    assert!(parse(&sized(FLOW_BYTES_MAX)).is_ok());
    assert_eq!(faults(sized(FLOW_BYTES_MAX + 1))[0].0, "too-large");
}

#[test]
fn large_texts_take_no_more_than_their_share() {
    let keys: Vec<String> = (0..100_000).rev().map(|index| format!(r#""\u0061key{index}":{index}"#)).collect();
    let mut text = format!("{{{}", keys.join(","));
    assert!(parse(&(text.clone() + "}")).is_ok());
    text.push_str(r#","akey5":0}"#);
    assert_eq!(faults(text)[0].0, "duplicate-key");
    assert_eq!(faults("1".repeat(4_000_000))[0].0, "integer-too-long");
    assert!(parse(&format!("0.{}", "3".repeat(1_000_000))).is_ok());
}

#[test]
fn parts_are_found_by_pointer() {
    let document = parse(r#" {"a": [10, {"b/c": "x\ny"}], "~": null, "\u0074": true, "": {"": 1.5}} "#).unwrap();
    let raw = |pointer: &str| document.get(pointer).map(|node| String::from_utf8_lossy(node.raw()).into_owned());
    assert_eq!(raw("/a/0").as_deref(), Some("10"));
    assert_eq!(raw("/a/1/b~1c").as_deref(), Some(r#""x\ny""#));
    assert_eq!(raw("//").as_deref(), Some("1.5"));
    assert_eq!(document.get("/a/1/b~1c").unwrap().as_str().unwrap(), "x\ny");
    assert!(document.get("/~0").unwrap().is_null());
    assert_eq!(document.get("/t").unwrap().as_bool(), Some(true));
    assert_eq!(document.get("/a").unwrap().position(), Position { line: 1, column: 8 });
    assert_eq!(document.raw_member("~"), Some(b"null".as_slice()));
    assert_eq!(document.get("").unwrap().entries().map(|(key, _)| key).collect::<Vec<_>>(), ["a", "~", "t", ""]);
    for missing in ["a", "/b", "/a/2", "/a/00", "/a/-", "/a/0/x", "/~"] {
        assert!(document.get(missing).is_none(), "{missing}");
    }
}

#[test]
fn nothing_left_out_means_equal_hashes() {
    let hashes = |text: &str| parse(text).unwrap().hashes(&Comparison::default());
    let (content, equality) = hashes(r#"{"a":{"environmentId":1}}"#);
    assert_eq!(content, equality);
    let (content, equality) = hashes(r#"{"environmentId":"e","a":1}"#);
    assert_ne!(content, equality);
    assert_eq!(equality, parse(r#"{"a":1}"#).unwrap().content_hash());
    let sha_of_empty: ContentHash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a".parse().unwrap();
    assert_eq!(parse("{}").unwrap().content_hash(), sha_of_empty);
}

#[test]
fn a_hash_does_not_depend_on_how_bytes_fall_into_the_buffer() {
    for length in (4000..4200).chain([8191, 8192, 100_000]) {
        let text = format!(r#"["{}", "{}", 1]"#, "a".repeat(length), "b".repeat(length / 2));
        let document = parse(&text).unwrap();
        use sha2::Digest as _;
        assert_eq!(document.content_hash().0, <[u8; 32]>::from(sha2::Sha256::digest(document.canonical())));
    }
}

/// A document as it may be written: any white space, any spelling of a character.
fn any_text() -> impl Strategy<Value = String> {
    let space = prop::sample::select(vec!["", "", "", " ", "\n  ", "\t", "\r\n", "          "]);
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?",
    ];
    let string = prop::collection::vec(any_character(), 0..12).prop_map(|parts| format!("\"{}\"", parts.concat()));
    let word = prop::sample::select(vec!["true", "false", "null"]).prop_map(str::to_owned);
    let leaf = prop_oneof![number, string, word];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        let padded =
            (space.clone(), inner, space.clone()).prop_map(|(before, text, after)| before.to_owned() + &text + after);
        let key = prop::collection::vec(any_character(), 0..4).prop_map(|parts| parts.concat());
        let member = (0..1000_u32, key, padded.clone());
        let object = prop::collection::vec(member, 0..8).prop_map(|members| {
            let text = |(at, (number, key, value))| format!("\"{key}{number}#{at}\":{value}");
            format!("{{{}}}", members.into_iter().enumerate().map(text).collect::<Vec<_>>().join(","))
        });
        prop_oneof![prop::collection::vec(padded, 0..8).prop_map(|parts| format!("[{}]", parts.join(","))), object]
    })
}

fn any_character() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z /]{1,9}",
        prop::sample::select(vec![
            r"\n",
            r#"\""#,
            r"\\",
            r"\/",
            r"\u00e4",
            r"\uD83D\uDE00",
            r"\u0041",
            "\u{7f}",
            "\u{2028}"
        ])
        .prop_map(str::to_owned),
        any::<char>()
            .prop_filter("may stand in a string", |c| *c >= ' ' && !"\"\\".contains(*c))
            .prop_map(String::from),
    ]
}

/// Pieces of JSON in no order: mostly refused, and then for the same reasons as elsewhere.
fn near_json() -> impl Strategy<Value = String> {
    let pieces = vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "\"\\u00e4\"",
        "\"",
        "\\",
        "1",
        "0",
        "-",
        ".",
        "e",
        "E+",
        "true",
        "null",
        "fals",
        " ",
        "\n",
        "\u{1}",
        "ä",
        "{\"a\":",
        "\"c\":1",
        "[1,",
        "\"\\ud83d",
        "\\ude00\"",
        "1.5e3",
        "-0",
        "\u{feff}",
        "/",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..12).prop_map(|parts| parts.concat())
}

/// Equal but for the last bits of floats, in which serde_json is fast rather than exact.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((a_key, a), (b_key, b))| a_key == b_key && same(a, b))
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            a == b || ((a - b) / a).abs() < 1e-15
        }
        _ => a == b,
    }
}

fn agrees_with_serde_json(text: &str) {
    let ours = parse(text);
    let theirs = serde_json::from_str::<Value>(text);
    match (ours, theirs) {
        (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
        (Err(ours), Ok(_)) => {
            let stricter =
                |fault: &Fault| ["duplicate-key", "too-deep", "integer-too-long"].contains(&fault.rule.as_str());
            assert!(ours.faults.iter().all(stricter), "{ours} in {text:?}");
        }
        (Ok(_), Err(theirs)) => panic!("expected a refusal of {text:?}: {theirs}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn canonicalising_twice_changes_nothing(text in any_text()) {
        let once = canonical(&text);
        prop_assert!(once.is_ascii());
        prop_assert_eq!(&canonical(&once), &once);
    }

    #[test]
    fn a_document_says_what_serde_json_reads(text in any_text()) {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        prop_assert!(same(&read(&canonical(&text)), &read(&text)));
        agrees_with_serde_json(&text);
    }

    #[test]
    fn near_json_is_taken_or_refused_as_elsewhere(text in near_json()) {
        agrees_with_serde_json(&text);
    }

    #[test]
    fn a_changed_byte_is_taken_or_refused_as_elsewhere(text in any_text(), at in any::<prop::sample::Index>(), byte in 0..0x80_u8) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            agrees_with_serde_json(&text);
        }
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Err(error) = Document::parse(bytes.as_slice()) {
            prop_assert!(error.faults.iter().all(|fault| fault.offset <= bytes.len()));
        }
    }

    #[test]
    fn taking_the_environment_out_of_the_text_takes_it_out_of_the_document(text in any_text(), at in 0..4_usize, key in prop::sample::select(vec!["environmentId", "environment\\u0049d"])) {
        let mut members = vec![format!("\"a\" : {text}"), "\n\"b\":[1 , 2]".to_owned(), " \"c\":{}".to_owned()];
        members.insert(at, format!(" \"{key}\": {text} "));
        let document = parse(&format!(" {{{}}} ", members.join(","))).unwrap();
        members.remove(at);
        let expected = parse(&format!(" {{{}}} ", members.join(","))).unwrap();
        let cut = Document::parse(without_environment(&document)).unwrap();
        prop_assert_eq!(cut.canonical(), expected.canonical());
        prop_assert_eq!(document.equality_hash(&Comparison::default()), expected.content_hash());
    }

    #[test]
    fn taking_references_out_of_the_text_takes_them_out_of_the_document(kinds in prop::collection::vec((0..3_u8, 0..4_u8, "[ \n]{0,3}"), 0..9)) {
        let names: BTreeSet<FlowId> = ["flow_0", "flow_1"].map(|id| id.parse().unwrap()).into();
        let entry = |(kind, id, space): &(u8, u8, String)| {
            format!(r#"{space}{{"id":"flow_{id}", "type":"{}"}}{space}"#, ["flow", "fl\\u006fw", "intent"][usize::from(*kind)])
        };
        let text = |entries: Vec<String>| format!(r#"{{"z":1, "externalReferences" :[{}], "a": [0]}}"#, entries.join(","));
        let document = Document::parse(text(kinds.iter().map(entry).collect()).into_bytes()).unwrap();
        let kept = kinds.iter().filter(|(kind, id, _)| *kind == 2 || *id > 1).map(entry).collect();
        let expected = Document::parse(text(kept).into_bytes()).unwrap();
        let cut = Document::parse(without_references_to(&document, &names)).unwrap();
        prop_assert_eq!(cut.canonical(), expected.canonical());
    }
}
