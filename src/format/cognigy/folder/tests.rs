//! The laws of the folder, and what is said of one that is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::flow::Unit;
use crate::format::cognigy::document::any::any_flow;
use crate::format::cognigy::document::{Flow, LocaleName, NodeRef};

const HEAD_TEXT: &str = r#"{
  "format": "cognigy-flow/1",
  "referenceId": "22222222-0000-0000-0000-000000000002",
  "name": "Booking",
  "locale": "en-US",
  "attachedFlows": [
    {"ref": "11111111-0000-0000-0000-000000000001", "name": "Main"}
  ],
  "chart": [
    {"type": "start", "ref": "a0000000-0000-0000-0000-000000000000"},
    {
      "type": "code",
      "ref": "a1000000-0000-0000-0000-000000000000",
      "label": "Check slot",
      "code": {"file": "code/mine.js", "eol": "crlf"}
    },
    {
      "type": "if",
      "ref": "b1000000-0000-0000-0000-000000000000",
      "config": {
        "condition": {
          "type": "rule"
        }
      },
      "branches": [
        {
          "type": "then",
          "ref": "b2000000-0000-0000-0000-000000000000",
          "body": [
            {
              "type": "goTo",
              "ref": "b4000000-0000-0000-0000-000000000000",
              "to": "Main / Start",
              "config": {
                "flowNode": {
                  "flow": "11111111-0000-0000-0000-000000000001",
                  "node": "c0000000-0000-0000-0000-000000000000"
                }
              }
            }
          ]
        },
        {"type": "else", "ref": "b3000000-0000-0000-0000-000000000000", "body": []}
      ]
    },
    {"type": "end", "ref": "a9000000-0000-0000-0000-000000000000"}
  ]
}
"#;
const GERMAN: &str = r#"{
  "a1000000-0000-0000-0000-000000000000": {
    "code": {"file": "code/mine.de-DE.js"}
  }
}
"#;

fn files() -> BTreeMap<String, String> {
    let all = [
        ("flow.json", HEAD_TEXT),
        ("locales/de-DE.json", GERMAN),
        ("code/mine.js", "const a = 1;\nconst b = 2;\n"),
        ("code/mine.de-DE.js", "const a = \"ä\";"),
    ];
    all.map(|(path, text)| (path.to_owned(), text.to_owned())).into()
}

fn unit(files: &BTreeMap<String, String>) -> Unit {
    let files = files.iter().map(|(path, text)| (path.clone(), Arc::from(text.as_bytes()))).collect();
    Unit { path: "flows/booking/flow.json".to_owned(), files }
}

#[track_caller]
fn composed(files: &BTreeMap<String, String>) -> (Flow, Layout) {
    let composition = compose(&unit(files), None);
    let problems = &composition.problems;
    composition.flow.unwrap_or_else(|| panic!("{problems:?}"))
}

/// File, line, rule and pointer of everything wrong, warnings in brackets.
#[track_caller]
fn check(edit: impl FnOnce(&mut BTreeMap<String, String>), expected: &[&str]) {
    let mut files = files();
    edit(&mut files);
    let shown = |it: &crate::problem::Problem| {
        let text = format!(
            "{}:{} {} {}",
            it.place.file.trim_start_matches("flows/booking/"),
            it.place.line,
            it.rule,
            it.place.pointer
        );
        if it.is_error() { text } else { format!("[{text}]") }
    };
    let found: Vec<String> = compose(&unit(&files), None).problems.iter().map(shown).collect();
    assert_eq!(found, expected);
}

fn replace(path: &str, from: &str, to: &str) -> impl FnOnce(&mut BTreeMap<String, String>) {
    let (path, from, to) = (path.to_owned(), from.to_owned(), to.to_owned());
    move |files| {
        let text = files.get_mut(&path).unwrap();
        assert!(text.contains(&from), "{from}");
        *text = text.replacen(&from, &to, 1);
    }
}

#[test]
fn a_folder_is_one_flow_and_comes_back_to_the_byte() {
    let (flow, layout) = composed(&files());
    let code = |locale: &str| {
        let node = flow.nodes().find(|node| node.kind == "code").unwrap();
        node.config[&locale.parse().unwrap()]["code"].clone()
    };
    assert_eq!((code("en-US"), code("de-DE")), ("const a = 1;\r\nconst b = 2;\r\n".into(), "const a = \"ä\";".into()));
    let Scattered { files: again, removed } = scatter(&flow, &layout, &Known::default());
    assert_eq!(again, files());
    assert_eq!(removed, BTreeSet::new());
}

#[test]
fn the_line_ends_of_a_work_tree_are_no_difference() {
    let crlf = files().into_iter().map(|(path, text)| (path, text.replace('\n', "\r\n"))).collect();
    assert_eq!(composed(&crlf).0, composed(&files()).0);
}

#[test]
fn what_is_wrong_is_said_of_its_file_and_line() {
    let (head, german) = ("flow.json", "locales/de-DE.json");
    check(|_| {}, &[]);
    check(
        replace(head, r#""ref": "b4000000-0000-0000-0000-000000000000","#, ""),
        &["flow.json:30 node-without-ref /chart/2/branches/0/body/0"],
    );
    check(
        replace(head, "code/mine.js", "code/other.js"),
        &["[code/mine.js:1 code-file-unused ]", "flow.json:15 code-file-missing /chart/1/code/file"],
    );
    check(
        replace(head, "code/mine.js", "../secret.js"),
        &["[code/mine.js:1 code-file-unused ]", "flow.json:15 code-file-missing /chart/1/code/file"],
    );
    check(
        replace(head, "\"crlf\"", "\"cr\""),
        &["[code/mine.js:1 code-file-unused ]", "flow.json:15 unknown-value /chart/1/code/eol"],
    );
    check(
        replace(german, "a1000000", "a7000000"),
        &[
            "[code/mine.de-DE.js:1 code-file-unused ]",
            "locales/de-DE.json:2 locale-unknown-node /a7000000-0000-0000-0000-000000000000",
        ],
    );
    check(
        replace(german, "{\"file\": \"code/mine.de-DE.js\"}", "\"x\", \"y\": 1,"),
        &[
            "[code/mine.de-DE.js:1 code-file-unused ]",
            "locales/de-DE.json:3 trailing-comma /a1000000-0000-0000-0000-000000000000",
        ],
    );
    check(
        |files| _ = files.insert(german.to_owned(), "{\"b2000000-0000-0000-0000-000000000000\": {}}".to_owned()),
        &["[code/mine.de-DE.js:1 code-file-unused ]", "flow.json:26 marker-with-settings /chart/2/branches/0"],
    );
    check(replace(head, "\"locale\": \"en-US\",", ""), &["flow.json:1 missing-member "]);
    check(
        replace(head, "\"en-US\"", "\"de-DE\""),
        &["[code/mine.de-DE.js:1 code-file-unused ]", "locales/de-DE.json:1 unknown-value "],
    );
    check(
        replace(head, "\"condition\": {", "\"condition\": {,"),
        &["flow.json:21 invalid-json /chart/2/config/condition"],
    );
    check(
        replace(head, "\"name\": \"Booking\",", "\"id\": \"flow_x\", \"name\": \"Booking\","),
        &["flow.json:4 unknown-member /id"],
    );
    check(
        replace(head, "\"config\": {\n        \"condition\"", "\"config\": 7, \"x\": {\n        \"condition\""),
        &["flow.json:20 wrong-type /chart/2/config", "flow.json:20 unknown-member /chart/2/x"],
    );
}

#[test]
fn a_new_node_gets_an_identity_and_nothing_else_changes() {
    let mut files = files();
    replace("flow.json", "\n              \"ref\": \"b4000000-0000-0000-0000-000000000000\",", "")(&mut files);
    let mut fresh = || NodeRef::from_chance([7; 16]);
    let (flow, layout) = compose(&unit(&files), Some(&mut fresh)).flow.unwrap();
    let text = scatter(&flow, &layout, &Known::default()).files["flow.json"].clone();
    let expected =
        HEAD_TEXT.replace("b4000000-0000-0000-0000-000000000000", &NodeRef::from_chance([7; 16]).to_string());
    assert_eq!(text, expected);
}

#[test]
fn code_that_no_editor_keeps_stays_in_the_settings() {
    let (mut flow, layout) = composed(&files());
    let locale: LocaleName = "en-US".parse().unwrap();
    flow.chart[1].config.get_mut(&locale).unwrap()["code"] = "a\r\nb\n".into();
    let Scattered { files, removed } = scatter(&flow, &layout, &Known::default());
    assert!(files["flow.json"].contains(r#""code": "a\r\nb\n""#));
    assert_eq!(removed.into_iter().collect::<Vec<_>>(), ["code/mine.js"]);
}

#[test]
fn hints_say_what_is_known_and_stay_where_nothing_is() {
    let (flow, layout) = composed(&files());
    let mut main = flow.clone();
    main.reference = "11111111-0000-0000-0000-000000000001".parse().unwrap();
    main.name = "Main menu".to_owned();
    main.chart[1].reference = "c0000000-0000-0000-0000-000000000000".parse().unwrap();
    let mut known = Known::default();
    known.add(&main);
    let text = scatter(&flow, &layout, &known).files["flow.json"].clone();
    assert!(text.contains(r#""to": "Main menu / Check slot""#) && text.contains(r#""name": "Main menu"}"#), "{text}");
}

#[test]
fn folders_are_called_by_slug() {
    let flow = composed(&files()).0.reference;
    let name = |name: &str, taken: &[&str]| folder_name(name, flow, &taken.iter().map(|it| (*it).to_owned()).collect());
    assert_eq!(name("Größe & Preis!", &[]), "groesse-preis");
    assert_eq!(name("Booking", &["booking"]), "booking-2222");
    assert_eq!(name("Booking", &["booking", "booking-2222"]), "booking-22222222000000000000000000000002");
    assert_eq!((name("予約", &[]), name("con", &[])), ("flow".to_owned(), "con-flow".to_owned()));
}

proptest! {
    #[test]
    fn a_flow_is_composed_of_the_files_it_was_scattered_over(flow in any_flow(), locale in prop::sample::select(vec!["en-US", "de-DE", "nl"])) {
        let new = Layout::new(locale.parse().unwrap());
        let Scattered { files, removed } = scatter(&flow, &new, &Known::default());
        prop_assert!(removed.is_empty());
        let (read, layout) = composed(&files);
        prop_assert_eq!(&read, &flow);
        // A second time, nothing moves.
        let again = scatter(&read, &layout, &Known::default());
        prop_assert_eq!(again.files, files);
        prop_assert!(again.removed.is_empty());
    }

    #[test]
    fn whatever_is_cut_or_changed_is_reported_and_never_a_panic(at in 0..HEAD_TEXT.len(), length in 0..30_usize, instead in "[ -~]{0,3}") {
        let mut text = HEAD_TEXT.as_bytes().to_vec();
        text.splice(at..(at + length).min(HEAD_TEXT.len()), instead.bytes());
        let mut files = files();
        files.insert("flow.json".to_owned(), String::from_utf8_lossy(&text).into_owned());
        let composition = compose(&unit(&files), None);
        prop_assert!(composition.problems.is_sorted());
        prop_assert!(composition.flow.is_some() != composition.problems.iter().any(crate::problem::Problem::is_error));
    }
}
