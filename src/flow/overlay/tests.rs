//! The published examples of both patches, and the laws of composition.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::compose::{apply, text_of};
use super::merge;
use super::value::{Side, Value};
use super::work::Work;
use super::{NotComposed, Unwritable, base_of, check_composed, composed_text};
use crate::flow::Comparison;
use crate::flow::check::File;
use crate::flow::document::Document;
use crate::problem::{Place, Problem};

const FLOW: &str = r#"{"id":"flow_a","name":"A","version":"1.0.0",
 "nodes":[{"id":"s","type":"start","configuration":{}},
          {"id":"m","type":"action","configuration":{"text":"hi", "n": 1.0, "big": 123456789012345678901234567890}},
          {"id":"e","type":"end","configuration":{}}],
 "edges":[{"from":"s","to":"m","condition":null},{"from":"m","to":"e","condition":null}],
 "externalReferences":[{"type":"flow","id":"flow_b","environmentId":"${environment}"}]}"#;

/// Any document patched by any overlay, without the rules of flows.
fn patched(target: &str, overlay: &str) -> Result<String, String> {
    let (target, overlay) = (Document::parse(target.as_bytes()).unwrap(), Document::parse(overlay.as_bytes()).unwrap());
    let mut root = Value::whole(Side::Flow, target.root());
    match apply(&mut root, &overlay, &mut Work::default()) {
        Ok(_) => Ok(String::from_utf8(Document::parse(text_of(&root)).unwrap().canonical()).unwrap()),
        Err(faults) => Err(format!("{} {}", faults[0].rule, faults[0].pointer)),
    }
}

fn canonical(text: &str) -> String {
    String::from_utf8(Document::parse(text.as_bytes()).unwrap().canonical()).unwrap()
}

fn merged(target: &str, patch: &str) -> String {
    let (target, patch) = (Document::parse(target.as_bytes()).unwrap(), Document::parse(patch.as_bytes()).unwrap());
    let mut root = Value::whole(Side::Flow, target.root());
    merge::merge(&mut root, patch.root(), &mut Work::default()).unwrap();
    String::from_utf8(Document::parse(text_of(&root)).unwrap().canonical()).unwrap()
}

#[test]
fn the_examples_of_rfc_7386_hold() {
    for (target, patch, expected) in [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
        (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
        (r#"{"a":"foo"}"#, "null", "null"),
        (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
        ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
    ] {
        assert_eq!(merged(target, patch), canonical(expected), "{target} {patch}");
    }
}

#[test]
fn the_examples_of_rfc_6902_hold() {
    for (target, patch, expected) in [
        (r#"{"foo":"bar"}"#, r#"[{"op":"add","path":"/baz","value":"qux"}]"#, r#"{"baz":"qux","foo":"bar"}"#),
        (
            r#"{"foo":["bar","baz"]}"#,
            r#"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
            r#"{"foo":["bar","qux","baz"]}"#,
        ),
        (r#"{"baz":"qux","foo":"bar"}"#, r#"[{"op":"remove","path":"/baz"}]"#, r#"{"foo":"bar"}"#),
        (r#"{"foo":["bar","qux","baz"]}"#, r#"[{"op":"remove","path":"/foo/1"}]"#, r#"{"foo":["bar","baz"]}"#),
        (
            r#"{"baz":"qux","foo":"bar"}"#,
            r#"[{"op":"replace","path":"/baz","value":"boo"}]"#,
            r#"{"baz":"boo","foo":"bar"}"#,
        ),
        (
            r#"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
            r#"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
            r#"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#,
        ),
        (
            r#"{"foo":["all","grass","cows","eat"]}"#,
            r#"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
            r#"{"foo":["all","cows","eat","grass"]}"#,
        ),
        (
            r#"{"baz":"qux","foo":["a",2,"c"]}"#,
            r#"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]"#,
            r#"{"baz":"qux","foo":["a",2,"c"]}"#,
        ),
        (
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#,
            r#"{"foo":"bar","child":{"grandchild":{}}}"#,
        ),
        (r#"{"foo":"bar"}"#, r#"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#, r#"{"foo":"bar","baz":"qux"}"#),
        (r#"{"/":9,"~1":10}"#, r#"[{"op":"test","path":"/~01","value":10}]"#, r#"{"/":9,"~1":10}"#),
        (
            r#"{"foo":["bar"]}"#,
            r#"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#,
            r#"{"foo":["bar",["abc","def"]]}"#,
        ),
        (r#"{"a":{"b":1}}"#, r#"[{"op":"copy","from":"/a","path":"/a/c"}]"#, r#"{"a":{"b":1,"c":{"b":1}}}"#),
        (
            r#"{"a":[1,{"b":"\u0061"}]}"#,
            r#"[{"op":"test","path":"/a","value":[1.0,{"b":"a"}]}]"#,
            r#"{"a":[1,{"b":"a"}]}"#,
        ),
        (r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/a"}]"#, r#"{"a":1}"#),
    ] {
        assert_eq!(patched(target, patch), Ok(canonical(expected)), "{target} {patch}");
    }
    for (target, patch, expected) in [
        (r#"{"baz":"qux"}"#, r#"[{"op":"test","path":"/baz","value":"bar"}]"#, "patch-not-applied /0/path"),
        (r#"{"foo":"bar"}"#, r#"[{"op":"add","path":"/baz/bat","value":"qux"}]"#, "patch-not-applied /0/path"),
        (r#"{"/":9,"~1":10}"#, r#"[{"op":"test","path":"/~01","value":"10"}]"#, "patch-not-applied /0/path"),
        (
            r#"{"a":[1]}"#,
            r#"[{"op":"add","path":"/b","value":1},{"op":"add","path":"/a/2","value":1}]"#,
            "patch-not-applied /1/path",
        ),
        (r#"{"a":[1]}"#, r#"[{"op":"remove","path":"/a/01"}]"#, "patch-not-applied /0/path"),
        (r#"{"a":[1]}"#, r#"[{"op":"replace","path":"/a/-","value":1}]"#, "patch-not-applied /0/path"),
        (r#"{"a":{"b":1}}"#, r#"[{"op":"move","from":"/a","path":"/a/b"}]"#, "patch-not-applied /0/path"),
        (r#"{"a":1}"#, r#"[{"op":"copy","from":"/b","path":"/c"}]"#, "patch-not-applied /0/from"),
        (r#"{"a":1}"#, r#"[{"op":"remove","path":""}]"#, "patch-not-applied /0/path"),
        (r#"{"a":1}"#, r#"[{"op":"remove","path":"a"}]"#, "patch-form /0/path"),
        (r#"{"a":1}"#, r#"[{"op":"remove","path":"/~2"}]"#, "patch-form /0/path"),
        (r#"{"a":1}"#, r#"[{"op":"replcae","path":"/a","value":1}]"#, "patch-form /0/op"),
        (r#"{"a":1}"#, r#"[{"op":"replace","path":"/a"}]"#, "patch-form /0"),
        (r#"{"a":1}"#, r#"[{"op":"remove","path":"/a"},7]"#, "patch-form /1"),
        (r#"{"a":1}"#, r#""x""#, "patch-form "),
    ] {
        assert_eq!(patched(target, patch), Err(expected.to_owned()), "{target} {patch}");
    }
}

#[test]
fn a_patch_costs_no_more_than_it_is_worth() {
    let doubling = |n: usize| {
        let copies = (0..n).map(|n| format!(r#"{{"op":"copy","from":"/a","path":"/a/{n}"}}"#)).collect::<Vec<_>>();
        format!("[{}]", copies.join(","))
    };
    for n in [60, 400] {
        assert!(patched(r#"{"a":{"x":[1]}}"#, &doubling(n)).unwrap_err().starts_with("patch-not-applied"));
    }
}

/// Rule, file, line and pointer of every problem, warnings in brackets.
fn problems(flow: &str, overlay: &str) -> Vec<String> {
    let file = |path, text: &str| File { path, bytes: Arc::from(text.as_bytes()) };
    let report = check_composed(&file("f.json", flow), Some(&file("o.json", overlay)), "env", &Comparison::default());
    let shown = |problem: &Problem| {
        let Place { file, line, pointer, .. } = &problem.place;
        let shown = format!("{} {file}:{line} {pointer}", problem.rule);
        if problem.is_error() { shown } else { format!("[{shown}]") }
    };
    report.problems.iter().map(shown).collect()
}

#[test]
fn a_problem_stands_in_the_line_that_caused_it() {
    assert_eq!(problems(FLOW, r#"{"name": "B"}"#), [""; 0]);
    assert_eq!(problems(FLOW, "{\n\"name\": 7}"), ["wrong-type o.json:2 /name"]);
    assert_eq!(problems(FLOW, "{\n\"name\": null}"), ["missing-member o.json:2 /name"]);
    assert_eq!(problems(&FLOW.replace("\"A\"", "7"), "{\n\"version\": \"2.0.0\"}"), ["wrong-type f.json:1 /name"]);
    assert_eq!(problems(&FLOW.replace("\"A\"", "7"), r#"{"name": "A"}"#), [""; 0], "what counts is the result");
    let insert = "[{\"op\":\"add\",\"path\":\"/edges/-\",\n\"value\":{\"from\":\"s\",\"to\":\"x\"}}]";
    assert_eq!(problems(FLOW, insert), ["edge-unknown-node o.json:2 /0/value/to"]);
    let remove =
        "[{\"op\":\"test\",\"path\":\"/nodes/0/id\",\"value\":\"s\"},\n{\"op\":\"remove\",\"path\":\"/nodes/0\"}]";
    assert_eq!(problems(FLOW, remove), ["edge-unknown-node f.json:5 /edges/0/from", "start-node-count o.json:2 /1"]);
    assert_eq!(problems(FLOW, "{\"a\":1,\n\"a\":2}"), ["duplicate-key o.json:2 /a"]);
    assert_eq!(problems("{", r#"{"a":1}"#), ["unexpected-end f.json:1 "]);
    assert_eq!(problems(FLOW, "{\n\"id\":\"flow_b\"}"), ["patch-changes-id o.json:2 /id"]);
    assert_eq!(problems(FLOW, r#"{"id":null}"#), ["patch-changes-id o.json:1 "]);
    assert_eq!(
        problems(FLOW, r#"[{"op":"replace","path":"/id","value":"flow_b"}]"#),
        ["patch-changes-id o.json:1 /0/value"]
    );
    assert_eq!(problems(FLOW, r#"{"id":"flow_a"}"#), [""; 0]);
    let deep = format!("[{{\"op\":\"add\",\"path\":\"/x\",\"value\":{}1{}}}]", "[".repeat(126), "]".repeat(126));
    assert_eq!(problems(FLOW, &deep), [""; 0]);
    let deeper = format!("{{\"x\":{{\"y\":{}1{}}}}}", "[".repeat(126), "]".repeat(126));
    assert_eq!(problems(FLOW, &deeper), [""; 0]);
}

#[test]
fn a_node_named_by_its_place_alone_is_a_warning() {
    let replace = |at: &str| format!(r#"{{"op":"replace","path":"{at}","value":"x"}}"#);
    let test = r#"{"op":"test","path":"/nodes/1/id","value":"m"}"#;
    let text = replace("/nodes/1/configuration/text");
    assert_eq!(problems(FLOW, &format!("[{text}]")), ["[patch-by-index o.json:1 /0/path]"]);
    assert_eq!(problems(FLOW, &format!("[{test},{text},{text}]")), [""; 0]);
    let other = r#"{"op":"test","path":"/nodes/2/id","value":"e"}"#;
    assert_eq!(problems(FLOW, &format!("[{other},{text}]")), ["[patch-by-index o.json:1 /1/path]"]);
    let add = r#"{"op":"add","path":"/nodes/-","value":{"id":"x","type":"end","configuration":{}}},{"op":"add","path":"/edges/0","value":{"from":"m","to":"x","condition":"c"}}"#;
    assert_eq!(problems(FLOW, &format!("[{add}]")), [""; 0], "an edge has no id");
    let moved = r#"{"op":"move","from":"/nodes/1","path":"/nodes/2"}"#;
    let found = problems(FLOW, &format!(r#"[{test},{other},{moved},{{"op":"add","path":"/nodes/1/note","value":1}}]"#));
    assert_eq!(found, ["[patch-by-index o.json:1 /3/path]"], "what was tested moved");
    let reference = r#"{"op":"replace","path":"/externalReferences/0/environmentId","value":"env_x"}"#;
    assert_eq!(problems(FLOW, &format!("[{reference}]")), ["[patch-by-index o.json:1 /0/path]"]);
}

#[test]
fn what_nobody_touches_keeps_its_spelling_and_the_environment_is_filled_in() {
    let overlay = br#"{"description": 1.50, "nodes": null, "x": "\u00e4"}"#;
    let text = String::from_utf8(composed_text(FLOW.as_bytes(), Some(overlay), "env \"1\"").unwrap()).unwrap();
    let canonical_now = canonical(&text);
    assert!(text.contains("\"x\": \"\\u00e4\"") && text.contains("1.50") && !text.contains("nodes"), "{text}");
    assert!(canonical_now.contains(r#""environmentId": "env \"1\"""#), "{canonical_now}");
    let plain = String::from_utf8(composed_text(FLOW.as_bytes(), None, "env").unwrap()).unwrap();
    assert!(plain.contains(r#""n": 1.0, "big": 123456789012345678901234567890"#), "{plain}");
    assert_eq!(canonical(&plain), canonical(&FLOW.replace("${environment}", "env")));
    let untouched = FLOW.replace("${environment}", "env");
    assert_eq!(
        composed_text(untouched.as_bytes(), None, "env").unwrap(),
        untouched.as_bytes(),
        "nothing to do, nothing done"
    );
    for overlay in [&b"{"[..], b"7", br#"[{"op":"remove","path":"/none"}]"#, br#"{"id":"flow_b"}"#] {
        assert_eq!(composed_text(FLOW.as_bytes(), Some(overlay), "env"), Err(NotComposed));
    }
}

#[test]
fn the_file_is_found_again_from_what_is_live() {
    let compose = |flow: &str, overlay: &str| {
        String::from_utf8(composed_text(flow.as_bytes(), Some(overlay.as_bytes()), "env").unwrap()).unwrap()
    };
    let back = |overlay: &str, live: &str| {
        let text = base_of(FLOW.as_bytes(), Some(overlay.as_bytes()), "env", live.as_bytes());
        text.map(|text| canonical(&String::from_utf8(text).unwrap()))
    };
    let merge = r#"{"name":"P","extra":{"y":1},"nodes":null,"version":null}"#;
    let patch = r#"[{"op":"test","path":"/nodes/1/id","value":"m"},
        {"op":"replace","path":"/nodes/1/configuration/text","value":"prod"},{"op":"add","path":"/tags","value":["p"]},
        {"op":"add","path":"/nodes/-","value":{"id":"z","type":"end","configuration":{}}},
        {"op":"move","from":"/name","path":"/title"},{"op":"remove","path":"/edges/0"},{"op":"copy","from":"/version","path":"/v"}]"#;
    for overlay in [merge, patch] {
        assert_eq!(back(overlay, &compose(FLOW, overlay)).unwrap(), canonical(FLOW), "{overlay}");
    }
    let edited = FLOW.replace(r#""condition":null},{"from":"m""#, r#""condition":"new"},{"from":"m""#);
    assert_eq!(back(merge, &compose(&edited, merge)).unwrap(), canonical(&edited));
    let edited = FLOW.replace(r#""big""#, r#""more": {"a": [1]}, "big""#);
    assert_eq!(back(patch, &compose(&edited, patch)).unwrap(), canonical(&edited));
    let decided =
        |pointers: &[&str]| Err(Unwritable::Decided { pointers: pointers.iter().map(|it| (*it).to_owned()).collect() });
    let live = compose(FLOW, merge).replace("\"P\"", "\"Q\"").replace(r#""y": 1"#, r#""y": 2"#);
    assert_eq!(back(merge, &live), decided(&["/extra/y", "/name"]));
    let live = compose(FLOW, patch).replace("\"prod\"", "\"else\"");
    assert_eq!(back(patch, &live), decided(&["/nodes/1/configuration/text"]));
    assert_eq!(base_of(b"{", None, "env", FLOW.as_bytes()), Err(Unwritable::NotComposed));
    let other = FLOW.replace("${environment}", "env_other");
    let text = base_of(FLOW.as_bytes(), None, "env", other.as_bytes()).unwrap();
    assert_eq!(canonical(&String::from_utf8(text).unwrap()), canonical(&other), "another environment is another");
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (0..9_i32).prop_map(Json::from),
        Just(Json::from(0.5)),
        "[a-c\"\\\\ä]{0,2}".prop_map(Json::from)
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::btree_map("[a-e/~]{1,2}", inner, 0..20)
                .prop_map(|members| Json::from(members.into_iter().collect::<serde_json::Map<_, _>>())),
        ]
    })
}

/// RFC 7386, section 2, word for word.
fn merge_of_the_rfc(target: Json, patch: &Json) -> Json {
    let Json::Object(patch) = patch else { return patch.clone() };
    let Json::Object(mut target) = (if target.is_object() { target } else { Json::from(serde_json::Map::new()) })
    else {
        unreachable!()
    };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            let before = target.get(name).cloned().unwrap_or(Json::Null);
            target.insert(name.clone(), merge_of_the_rfc(before, value));
        }
    }
    Json::from(target)
}

proptest! {
    #[test]
    fn a_merge_patch_does_what_the_rfc_says(target in any_json(), patch in any_json()) {
        let expected = merge_of_the_rfc(target.clone(), &patch).to_string();
        prop_assert_eq!(merged(&target.to_string(), &patch.to_string()), canonical(&expected));
    }

    #[test]
    fn the_way_back_leads_to_the_same_live_flow(base in any_json(), patch in any_json(), live in any_json()) {
        let (base, patch) = (serde_json::json!({"id": "flow_a", "x": base}), serde_json::json!({"x": patch}));
        let text = |json: &Json| json.to_string().into_bytes();
        let composed = composed_text(&text(&base), Some(&text(&patch)), "env").unwrap();
        let again = base_of(&text(&base), Some(&text(&patch)), "env", &composed).unwrap();
        prop_assert_eq!(canonical(&String::from_utf8(again).unwrap()), canonical(&base.to_string()));
        let live = serde_json::json!({"id": "flow_a", "x": live, "y": 1});
        if let Ok(base) = base_of(&text(&base), Some(&text(&patch)), "env", &text(&live)) {
            let composed = composed_text(&base, Some(&text(&patch)), "env").unwrap();
            prop_assert_eq!(canonical(&String::from_utf8(composed).unwrap()), canonical(&live.to_string()));
        }
    }

    #[test]
    fn no_overlay_makes_a_panic_and_every_problem_has_a_line(from in 0..FLOW.len(), overlay in "[ -~]{0,30}") {
        let flow = format!("{}{}", &FLOW[..from], &FLOW[(from + 1).min(FLOW.len())..]);
        let n_lines = 1 + FLOW.matches('\n').count().max(overlay.matches('\n').count());
        let file = |path, text: &str| File { path, bytes: Arc::from(text.as_bytes()) };
        for (flow, overlay) in [(&*flow, r#"{"name":1,"nodes":[{}]}"#), (FLOW, &*overlay)] {
            let report = check_composed(&file("f", flow), Some(&file("o", overlay)), "env", &Comparison::default());
            prop_assert!(report.problems.iter().all(|it| (1..=n_lines as u32).contains(&it.place.line)));
        }
    }
}
