//! The schema, by example.

use super::*;
use crate::flow::document::Document;

const GOOD: &str = r#"{"id":"flow_a","name":"A","version":"1.0.0","nodes":[{"id":"s","type":"start","configuration":{}}],"edges":[],"more":1e300}"#;

fn problems(text: &str) -> Vec<String> {
    let document = Document::parse(text.as_bytes()).unwrap();
    let mut findings = Findings::new("a.json", &document);
    validate(&mut findings);
    findings.finish().iter().map(|problem| format!("{problem} at {:?}", problem.place.pointer)).collect()
}

#[track_caller]
fn check(from: &str, to: &str, expected: &[&str]) {
    assert!(GOOD.contains(from));
    assert_eq!(problems(&GOOD.replacen(from, to, 1)), expected);
}

/// How deep the schema looks.
fn levels(schema: &Value) -> usize {
    let inner = schema.as_object().into_iter().flatten().map(|(key, inner)| match key.as_str() {
        "items" => 1 + levels(inner),
        "properties" => 1 + inner.as_object().into_iter().flatten().map(|(_, inner)| levels(inner)).max().unwrap_or(0),
        _ => 0,
    });
    inner.max().unwrap_or(0)
}

#[test]
fn the_schema_is_one_and_looks_no_deeper_than_it_is_shown() {
    let schema: Value = serde_json::from_str(FLOW_SCHEMA).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    assert!(VALIDATORS.is_some());
    assert_eq!(levels(&schema), LEVELS - 1);
    assert!(ARRAYS.iter().all(|(_, pointer)| VALIDATORS.as_ref().unwrap().contains_key(pointer)));
}

#[test]
fn a_good_flow_passes() {
    assert_eq!(problems(GOOD), [""; 0]);
}

#[test]
fn violations_say_what_was_expected_where() {
    check(
        r#""name":"A","#,
        "",
        &[
            "a.json:1:1: error[missing-member] expected a member `name`, found an object without it (add `name`) at \"\"",
        ],
    );
    check(
        r#""version""#,
        r#""versoin""#,
        &[
            "a.json:1:1: error[missing-member] expected a member `version`, found an object without it (add `version`; is `versoin` meant to be it?) at \"\"",
        ],
    );
    check(
        r#""A""#,
        r#""""#,
        &[
            "a.json:1:23: error[empty-name] expected a name, found an empty string (write what people call this flow) at \"/name\"",
        ],
    );
    check(
        r#""A""#,
        "12",
        &["a.json:1:23: error[wrong-type] expected a string, found a number, `12` (write a string) at \"/name\""],
    );
    check(
        r#""start""#,
        r#""strat""#,
        &[
            "a.json:1:71: error[unknown-value] expected one of `start`, `intent`, `action`, `end`, `external`, found the string `strat` (is `start` meant?) at \"/nodes/0/type\"",
        ],
    );
    check(
        "{}",
        "[]",
        &[
            "a.json:1:95: error[wrong-type] expected an object, found an array (write an object) at \"/nodes/0/configuration\"",
        ],
    );
    check(
        "[]",
        r#"[{"from":"s","to":"s","condition":1}]"#,
        &[
            "a.json:1:142: error[wrong-type] expected null or a string, found a number, `1` (write null or a string) at \"/edges/0/condition\"",
        ],
    );
    check(
        "[]",
        "{}",
        &["a.json:1:108: error[wrong-type] expected an array, found an object (write an array) at \"/edges\""],
    );
    assert_eq!(problems("[1]").len(), 1);
}

#[test]
fn patterns_take_the_whole_text_and_ascii_only() {
    for id in ["flow_a\\n", "flow_", "flow_ä", "flow_a-b", " flow_a"] {
        assert!(problems(&GOOD.replace("flow_a", id))[0].contains("wrong-flow-id"), "{id}");
    }
    for version in ["1.0.0\\n", "1.0", "1.0.0.0", "v1.0.0", "1.0.٣", "1.0.0-rc1", ""] {
        assert!(problems(&GOOD.replace("1.0.0", version))[0].contains("wrong-version"), "{version}");
    }
    assert_eq!(problems(&GOOD.replace("1.0.0", "01.000.99999999999999999999999999")), [""; 0]);
}

#[test]
fn every_entry_of_a_long_array_is_looked_at_and_the_report_stays_short() {
    let good = r#"{"id":"s","type":"start","configuration":{}}"#;
    let nodes = vec![good; 1000].join(",") + r#",{"id":"s","type":"start"}"#;
    let text = GOOD.replace(good, &nodes);
    assert!(problems(&text)[0].ends_with("at \"/nodes/1000\""), "{:?}", problems(&text));
    let text = GOOD.replace(good, &vec!["{}"; 10_000].join(","));
    assert_eq!(problems(&text).len(), crate::flow::finding::SHOWN_MAX + 1);
}
