//! What comes of a file, byte for byte.

use super::rewrite;
use crate::flow::document::Document;

/// A file, its new content in whatever spelling, and the file that comes of it.
#[track_caller]
fn check(old: &str, new: &str, expected: &str) {
    let parse = |text: &str| Document::parse(text.as_bytes()).unwrap();
    let made = String::from_utf8(rewrite(&parse(old), &parse(new))).unwrap();
    assert_eq!(made, expected);
    assert_eq!(parse(&made).canonical(), parse(new).canonical());
}

#[test]
fn the_same_content_is_the_same_file() {
    let old = "\n{ \"b\" :1e2,\r\n\t\"a\": [ 1.0,\"\\u00e4\\/\" ]  }\n\n";
    check(old, r#"{"a":[1.0,"ä/"],"b":100.0}"#, old);
    check("[]", "[ ]", "[]");
}

#[test]
fn a_changed_value_changes_its_line_and_no_other() {
    check("{\n  \"b\": 1,\n  \"a\": [1, 2]\n}\n", r#"{"a":[1,3],"b":1}"#, "{\n  \"b\": 1,\n  \"a\": [1, 3]\n}\n");
    check(
        "{\r\n\t\"b\": 1.50,\r\n\t\"a\": null\r\n}",
        r#"{"a":true,"b":1.5}"#,
        "{\r\n\t\"b\": 1.50,\r\n\t\"a\": true\r\n}",
    );
    check("{\"a\":1,\"b\":2}", r#"{"a":2,"b":2}"#, "{\"a\":2,\"b\":2}");
}

#[test]
fn members_keep_the_files_order_and_new_ones_stand_after_their_neighbour() {
    check("{\n  \"z\": 1,\n  \"a\": 2\n}", r#"{"a":2,"m":3,"z":1}"#, "{\n  \"z\": 1,\n  \"a\": 2,\n  \"m\": 3\n}");
    check("{\n  \"z\": 1,\n  \"a\": 2\n}", r#"{"z":1,"m":3,"a":2}"#, "{\n  \"z\": 1,\n  \"m\": 3,\n  \"a\": 2\n}");
    check("{ \"a\": 1, \"b\": 2 }", r#"{"_":0,"a":1,"b":2}"#, "{ \"_\": 0, \"a\": 1, \"b\": 2 }");
}

#[test]
fn what_goes_leaves_no_comma_and_no_empty_line() {
    let old = "{\n  \"a\": 1,\n\n  \"b\": 2,\n  \"c\": [\n    1,\n    2\n  ]\n}\n";
    check(old, r#"{"a":1,"c":[1,2]}"#, "{\n  \"a\": 1,\n  \"c\": [\n    1,\n    2\n  ]\n}\n");
    check(old, r#"{"a":1,"b":2}"#, "{\n  \"a\": 1,\n\n  \"b\": 2\n}\n");
    check(old, r#"{"b":2,"c":[]}"#, "{\n  \"b\": 2,\n  \"c\": []\n}\n");
    check(old, r#"{"a":1,"b":2,"c":[2]}"#, "{\n  \"a\": 1,\n\n  \"b\": 2,\n  \"c\": [\n    2\n  ]\n}\n");
    check(old, "{}", "{}\n");
}

#[test]
fn items_with_ids_are_known_again() {
    let old = "{\n  \"nodes\": [\n    {\"id\": \"a\", \"x\": 1},\n    {\n      \"id\": \"b\",\n      \"x\": 2\n    }\n  ]\n}\n";
    check(
        old,
        r#"{"nodes":[{"id":"n","x":[1,2],"y":{"z":1}},{"id":"a","x":1},{"id":"b","x":3}]}"#,
        "{\n  \"nodes\": [\n    {\"id\": \"n\", \"x\": [1, 2], \"y\": {\"z\": 1}},\n    {\"id\": \"a\", \"x\": 1},\n    {\n      \"id\": \"b\",\n      \"x\": 3\n    }\n  ]\n}\n",
    );
    check(
        old,
        r#"{"nodes":[{"id":"b","x":2},{"id":"a","x":1}]}"#,
        "{\n  \"nodes\": [\n    {\n      \"id\": \"b\",\n      \"x\": 2\n    },\n    {\"id\": \"a\", \"x\": 1}\n  ]\n}\n",
    );
}

#[test]
fn nodes_of_a_chart_are_known_by_their_ref() {
    let old = "{\n  \"chart\": [\n    {\"ref\": \"a\", \"x\": 1},\n    {\n      \"ref\": \"b\",\n      \"x\": 2\n    }\n  ]\n}\n";
    check(
        old,
        r#"{"chart":[{"ref":"n","x":3},{"ref":"b","x":2},{"ref":"a","x":1}]}"#,
        "{\n  \"chart\": [\n    {\"ref\": \"n\", \"x\": 3},\n    {\n      \"ref\": \"b\",\n      \"x\": 2\n    },\n    {\"ref\": \"a\", \"x\": 1}\n  ]\n}\n",
    );
}

#[test]
fn edges_are_known_by_their_ends() {
    let old = "[\n  {\"from\": \"a\", \"to\": \"b\", \"condition\": null},\n  {\"from\": \"b\", \"to\": \"c\", \"condition\": null}\n]";
    check(
        old,
        r#"[{"from":"x","to":"y","condition":null},{"from":"b","to":"c","condition":"d"}]"#,
        "[\n  {\"from\": \"x\", \"to\": \"y\", \"condition\": null},\n  {\"from\": \"b\", \"to\": \"c\", \"condition\": \"d\"}\n]",
    );
}

#[test]
fn new_values_are_laid_out_as_what_stands_beside_them() {
    check(
        "[\n\t{\n\t\t\"a\": []\n\t}\n]\n",
        r#"[{"a":[]},{"a":[{"b":1}]}]"#,
        "[\n\t{\n\t\t\"a\": []\n\t},\n\t{\n\t\t\"a\": [\n\t\t\t{\n\t\t\t\t\"b\": 1\n\t\t\t}\n\t\t]\n\t}\n]\n",
    );
    check("{\"a\":[1,2]}", r#"{"a":[1,2,3],"b":{"c":[]}}"#, "{\"a\":[1,2,3],\"b\":{\"c\":[]}}");
    check(
        "{\n  \"a\": [1, 2]\n}",
        r#"{"a":[1,2],"b":[3,4],"c":{}}"#,
        "{\n  \"a\": [1, 2],\n  \"b\": [3, 4],\n  \"c\": {}\n}",
    );
    check("{\n  \"a\": 1\n}", r#"{"a":{"b":[true]}}"#, "{\n  \"a\": {\n    \"b\": [\n      true\n    ]\n  }\n}");
}

#[test]
fn strings_are_spelt_as_the_file_spells_them() {
    check(r#"{"a":"\u00e4","b":1}"#, r#"{"a":"ö€😀","b":1}"#, r#"{"a":"\u00f6\u20ac\ud83d\ude00","b":1}"#);
    check(r#"{"a":"\u00E4"}"#, r#"{"a":"ö"}"#, r#"{"a":"\u00F6"}"#);
    check(r#"{"a":"ä"}"#, r#"{"a":"\u00f6"}"#, r#"{"a":"ö"}"#);
    check(r#"{"a":"x\/y","b":"z"}"#, r#"{"a":"x/z","b":"/"}"#, r#"{"a":"x\/z","b":"\/"}"#);
    check(r#"{"a":"x/y"}"#, r#"{"a":"\/"}"#, r#"{"a":"/"}"#);
    check(r#"{"a":"\u003cb>"}"#, r#"{"a":"<c>"}"#, r#"{"a":"\u003cc>"}"#);
    check(r#"{"a":"ä\u00a0b"}"#, r#"{"a":"ä\u00a0ö"}"#, r#"{"a":"ä\u00a0ö"}"#);
    check(r#"{"a":"1"}"#, r#"{"a":"\"\\\n\u0001"}"#, r#"{"a":"\"\\\n\u0001"}"#);
}

#[test]
fn another_kind_of_value_takes_its_place() {
    check("{\n  \"a\": [\n    1\n  ]\n}", r#"{"a":"x"}"#, "{\n  \"a\": \"x\"\n}");
    check("1\n", r#"{"a":1}"#, "{\"a\": 1}\n");
}
