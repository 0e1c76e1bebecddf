//! `flowsync import`: what the vendor's command line cloned, as folders of flows.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::cognigy_clone::Project;
use crate::support::{Ended, Place, ended};
use crate::unwritten::run_full;

const MAIN: &str = "11111111-0000-4000-8000-000000000001";
const BOOKING: &str = "22222222-0000-4000-8000-000000000002";

/// The reference id of a node.
fn reference(node: &str) -> String {
    format!("{node}000000-0000-4000-8000-000000000000")
}

fn node(id: &str, kind: &str, more: Value) -> Value {
    let mut node = json!({
        "_id": format!("64c0ffee00000000000000{id}"), "referenceId": reference(id), "type": kind, "extension": "@cognigy/basic-nodes",
        "label": "", "comment": "", "commentColor": "", "analyticsLabel": null, "isEntryPoint": false, "isDisabled": false,
        "localeReference": "64c0ffee0000000000000aa1",
    });
    node.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    node
}

fn relation(of: &str, children: &[&str], next: Option<&str>) -> Value {
    let id = |node: &str| format!("64c0ffee00000000000000{node}");
    json!({
        "_id": format!("{}99", id(of)), "node": id(of), "next": next.map(id),
        "children": children.iter().map(|child| id(child)).collect::<Vec<_>>(),
    })
}

/// The chart of the flow with everything, in a locale: `de-DE` has one node's settings of its own.
fn booking(locale: &str) -> Value {
    let german = locale == "de-DE";
    let say = |text: &str| json!({ "say": { "type": "text", "text": [text], "linear": false } });
    let hello = if german {
        json!({ "label": "Hello", "config": say("Hallo"), "localeReference": "64c0ffee0000000000000aa2" })
    } else {
        json!({ "label": "Hello", "config": say("Hello") })
    };
    let code = json!({ "label": "Check slot", "config": { "code": "const a = 1;\r\nb(a);\r\n", "transpiled": "…", "hasError": false } });
    let condition = json!({ "label": "Free?", "config": { "condition": { "type": "rule", "condition": "" } }, "comment": "ask Ann" });
    let target = json!({ "flow": MAIN, "node": reference("1b") });
    let goto = json!({ "label": "Back", "config": { "flowNode": target, "timeout": 1.0 }, "isDisabled": true });
    json!({
        "_id": "64c0ffee0000000000000cc2",
        "nodes": [
            node("2e", "end", json!({})), node("2a", "start", json!({ "config": {} })), node("2b", "say", hello), node("2c", "code", code),
            node("2d", "if", condition), node("3a", "then", json!({ "config": {} })), node("3b", "else", json!({ "config": {} })), node("3c", "goTo", goto),
        ],
        "relations": [
            relation("2d", &["3a", "3b"], Some("2e")), relation("2a", &[], Some("2b")), relation("2b", &[], Some("2c")),
            relation("2c", &[], Some("2d")), relation("3a", &[], Some("3c")), relation("3b", &[], None),
            relation("3c", &[], None), relation("2e", &[], None),
        ],
    })
}

fn main_chart() -> Value {
    let say =
        json!({ "label": "Welcome", "isEntryPoint": true, "config": { "say": { "type": "text", "text": ["Hi"] } } });
    json!({
        "_id": "64c0ffee0000000000000cc1",
        "nodes": [node("1a", "start", json!({})), node("1b", "say", say), node("1e", "end", json!({}))],
        "relations": [relation("1a", &[], Some("1b")), relation("1b", &[], Some("1e")), relation("1e", &[], None)],
    })
}

/// What a clone leaves on the disk.
fn clone_of_two() -> BTreeMap<String, Value> {
    let head = |id: &str, reference: &str, name: &str, description: Value| {
        json!({ "_id": format!("64c0ffee0000000000000bb{id}"), "referenceId": reference, "name": name, "description": description,
            "lastChanged": 1_760_000_100, "isTrainingOutOfDate": null })
    };
    let locale = |id: &str, name: &str, primary: bool| json!({ "_id": format!("64c0ffee0000000000000aa{id}"), "referenceId": format!("aaaaaaaa-0000-4000-8000-00000000000{id}"), "name": name, "primary": primary });
    let files = [
        ("flows/locales.json", json!([locale("2", "de-DE", false), locale("1", "en-US", true)])),
        ("flows/Main/config.json", head("1", MAIN, "Main", "".into())),
        ("flows/Main/en-US/chart.json", main_chart()),
        ("flows/Main/en-US/intents.json", json!([])),
        ("flows/Main/de-DE/chart.json", main_chart()),
        ("flows/Book/a slot/config.json", head("2", BOOKING, "Book/a slot", "Books".into())),
        ("flows/Book/a slot/en-US/chart.json", booking("en-US")),
        ("flows/Book/a slot/en-US/intents.json", json!([{ "name": "book" }])),
        ("flows/Book/a slot/de-DE/chart.json", booking("de-DE")),
        ("lexicons/Cities/config.json", json!({ "name": "Cities" })),
    ];
    files.map(|(path, value)| (path.to_owned(), value)).into()
}

fn write(folder: &Path, files: &BTreeMap<String, Value>) {
    for (path, value) in files {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, format!("{value:#}")).unwrap();
    }
}

/// A place whose work tree is configured for folders, and a clone beside it.
fn place() -> (Place, PathBuf) {
    let place = Place::new(&[]);
    let text = format!(
        "version: 1\n{}environments:\n  scratch:\n    tenant:\n      api: cognigy-rest\n      url: http://127.0.0.1:1\n      projectId: 64c0ffee0000000000000001\n      auth: {{ apiKey: {{ env: CLIENT_ID }} }}\n",
        place.repository_yaml("")
    );
    fs::write(place.path("flowsync.yaml"), text).unwrap();
    let cloned = place.path("cloned");
    write(&cloned, &clone_of_two());
    (place, cloned)
}

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|(path, text)| (format!("{name}/{path}"), text)));
        } else {
            found.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
    found
}

#[track_caller]
fn import(place: &Place) -> Ended {
    place.run_in_work(&["import", "../cloned"])
}

#[test]
fn a_clone_becomes_folders_without_a_loss() {
    let (place, _) = place();
    let said = import(&place).exits(0).prints(&["2 flows written to flows"]);
    said.says(&[
        "neither context nor attachments",
        "those of 2 flow(s) are empty",
        "intents are not read",
        "1 file(s)",
    ]);
    let found = files(&place.work().join("flows"));
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "book-a-slot/code/check-slot-2c000000.js",
            "book-a-slot/flow.json",
            "book-a-slot/locales/de-DE.json",
            "main/flow.json"
        ]
    );
    insta::assert_snapshot!(found["book-a-slot/flow.json"], @r#"
    {
      "format": "cognigy-flow/1",
      "referenceId": "22222222-0000-4000-8000-000000000002",
      "name": "Book/a slot",
      "description": "Books",
      "locale": "en-US",
      "chart": [
        {"type": "start", "ref": "2a000000-0000-4000-8000-000000000000"},
        {
          "type": "say",
          "ref": "2b000000-0000-4000-8000-000000000000",
          "label": "Hello",
          "config": {
            "say": {
              "linear": false,
              "text": [
                "Hello"
              ],
              "type": "text"
            }
          }
        },
        {
          "type": "code",
          "ref": "2c000000-0000-4000-8000-000000000000",
          "label": "Check slot",
          "code": {"file": "code/check-slot-2c000000.js", "eol": "crlf"}
        },
        {
          "type": "if",
          "ref": "2d000000-0000-4000-8000-000000000000",
          "label": "Free?",
          "comment": "ask Ann",
          "config": {
            "condition": {
              "condition": "",
              "type": "rule"
            }
          },
          "branches": [
            {
              "type": "then",
              "ref": "3a000000-0000-4000-8000-000000000000",
              "body": [
                {
                  "type": "goTo",
                  "ref": "3c000000-0000-4000-8000-000000000000",
                  "label": "Back",
                  "isDisabled": true,
                  "to": "Main / Welcome",
                  "config": {
                    "flowNode": {
                      "flow": "11111111-0000-4000-8000-000000000001",
                      "node": "1b000000-0000-4000-8000-000000000000"
                    },
                    "timeout": 1
                  }
                }
              ]
            },
            {"type": "else", "ref": "3b000000-0000-4000-8000-000000000000", "body": []}
          ]
        },
        {"type": "end", "ref": "2e000000-0000-4000-8000-000000000000"}
      ]
    }
    "#);
    insta::assert_snapshot!(found["book-a-slot/locales/de-DE.json"], @r#"
    {
      "2b000000-0000-4000-8000-000000000000": {
        "say": {
          "linear": false,
          "text": [
            "Hallo"
          ],
          "type": "text"
        }
      }
    }
    "#);
    assert_eq!(found["book-a-slot/code/check-slot-2c000000.js"], "const a = 1;\nb(a);\n");
    place.run_in_work(&["validate"]).exits(0).prints(&["2 flows: 0 errors, 0 warnings"]);
    place.run_in_work(&["fmt", "--check"]).exits(0);
}

#[test]
fn what_is_there_keeps_its_names_and_what_a_clone_does_not_hold() {
    let (place, cloned) = place();
    import(&place).exits(0);
    let flows = place.work().join("flows");
    fs::rename(flows.join("book-a-slot"), flows.join("mine")).unwrap();
    fs::rename(flows.join("mine/code/check-slot-2c000000.js"), flows.join("mine/code/slot.js")).unwrap();
    let file = flows.join("mine/flow.json");
    let text = fs::read_to_string(&file).unwrap().replace("code/check-slot-2c000000.js", "code/slot.js");
    let text = text.replace("  \"chart\": [", &format!("  \"context\": {{\n    \"hours\": 9\n  }},\n  \"attachedFlows\": [\n    {{\"ref\": \"{MAIN}\", \"name\": \"Main\"}}\n  ],\n  \"chart\": ["));
    fs::write(&file, text).unwrap();
    place.run_in_work(&["fmt", "--check"]).exits(0);
    let before = files(&flows);
    let again = import(&place).exits(0);
    assert!(!again.stderr.contains("neither context"), "{}", again.stderr);
    assert_eq!(files(&flows), before);
    let mut clone = clone_of_two();
    for locale in ["en-US", "de-DE"] {
        let chart = clone.get_mut(&format!("flows/Book/a slot/{locale}/chart.json")).unwrap();
        chart["nodes"][4]["label"] = "Is it free?".into();
        chart["nodes"][3]["config"]["code"] = "const a = 2;\r\nb(a);\r\n".into();
    }
    write(&cloned, &clone);
    import(&place).exits(0);
    let mut expected = before;
    let edit = |text: &mut String, from: &str, to: &str| {
        assert!(text.contains(from));
        *text = text.replacen(from, to, 1);
    };
    edit(expected.get_mut("mine/flow.json").unwrap(), "\"label\": \"Free?\"", "\"label\": \"Is it free?\"");
    edit(expected.get_mut("mine/code/slot.js").unwrap(), "a = 1", "a = 2");
    assert_eq!(files(&flows), expected);
}

/// Edits the clone; what `import` says of it, and that nothing was written.
#[track_caller]
fn check(edit: impl FnOnce(&mut BTreeMap<String, Value>), texts: &[&str]) {
    let (place, cloned) = place();
    let mut clone = clone_of_two();
    edit(&mut clone);
    fs::remove_dir_all(&cloned).unwrap();
    write(&cloned, &clone);
    import(&place).exits(3).says(texts).says(&["nothing was written"]);
    assert_eq!(files(&place.work().join("flows")), BTreeMap::new());
    assert!(!place.work().join("flows").exists());
}

#[test]
fn a_clone_that_is_none_is_told_by_place_reason_and_remedy() {
    let chart = |edit: fn(&mut Value)| {
        move |clone: &mut BTreeMap<String, Value>| edit(clone.get_mut("flows/Book/a slot/en-US/chart.json").unwrap())
    };
    check(
        chart(|it| it["relations"][0]["children"] = json!([])),
        &["en-US/chart.json:", "error[chart-no-tree]", "hangs nowhere", "clone again"],
    );
    check(
        chart(|it| it["nodes"][4]["referenceId"] = reference("2b").into()),
        &["chart-no-tree", "reference id of its own"],
    );
    check(
        chart(|it| drop(it.as_object_mut().unwrap().remove("relations"))),
        &["clone-incomplete", "missing field `relations`"],
    );
    check(chart(|it| it["nodes"][4]["label"] = 7.into()), &["en-US/chart.json:", "invalid type: integer `7`"]);
    check(chart(|it| it["nodes"][2]["config"] = 7.into()), &["en-US/chart.json:", "as an object, found `7`"]);
    check(chart(|it| it["nodes"][2]["referenceId"] = "x".into()), &["expected a reference id like"]);
    let shorter = |clone: &mut BTreeMap<String, Value>| {
        let chart = clone.get_mut("flows/Book/a slot/de-DE/chart.json").unwrap();
        chart["relations"][0]["children"].as_array_mut().unwrap().reverse();
    };
    check(shorter, &["de-DE/chart.json:", "expected the nodes of `en-US` in their order"]);
    check(|clone| drop(clone.remove("flows/locales.json")), &["flows/locales.json:1", "expected a file, found none"]);
    check(
        |clone| *clone.get_mut("flows/locales.json").unwrap() = json!({}),
        &["flows/locales.json:1", "clone-incomplete"],
    );
    check(
        |clone| drop(clone.remove("flows/Book/a slot/config.json")),
        &["a slot/config.json:1", "expected `config.json`"],
    );
    let twice = |clone: &mut BTreeMap<String, Value>| {
        clone.get_mut("flows/Main/config.json").unwrap()["referenceId"] = BOOKING.into();
    };
    check(twice, &["duplicate-flow-id", "expected each reference id once"]);
    check(
        |clone| clone.get_mut("flows/Main/config.json").unwrap()["referenceId"] = "7".into(),
        &["Main/config.json:", "found `7`"],
    );
    check(
        |clone| clone.get_mut("flows/Main/config.json").unwrap()["name"] = "".into(),
        &["Main/config.json:1", "expected a name"],
    );
    let stranger =
        |clone: &mut BTreeMap<String, Value>| drop(clone.insert("flows/Main/fr-FR/chart.json".into(), main_chart()));
    check(stranger, &["fr-FR/chart.json:1", "expected a locale of `locales.json`, found `fr-FR`"]);
    let without = |clone: &mut BTreeMap<String, Value>| clone.retain(|path, _| !path.ends_with("chart.json"));
    check(without, &["expected `<locale>/chart.json` of at least one locale"]);
    check(|clone| clone.retain(|path, _| path == "flows/locales.json"), &["expected flows, found none"]);
}

#[test]
fn broken_json_is_told_by_its_line() {
    let (place, cloned) = place();
    let file = cloned.join("flows/Main/en-US/chart.json");
    let text = fs::read_to_string(&file).unwrap().replacen("\"nodes\": [", "\"nodes\": [,", 1);
    fs::write(&file, text).unwrap();
    import(&place).exits(3).says(&["Main/en-US/chart.json:3:", "error[invalid-json]"]);
    assert!(!place.work().join("flows").exists());
}

#[test]
fn what_is_only_odd_is_a_warning() {
    let (place, cloned) = place();
    let mut clone = clone_of_two();
    clone.remove("flows/Main/de-DE/chart.json");
    clone.get_mut("flows/Book/a slot/de-DE/chart.json").unwrap()["nodes"][2]["label"] = "Hallo".into();
    fs::remove_dir_all(&cloned).unwrap();
    write(&cloned, &clone);
    // The folder `flows` alone will do.
    let ended = place.run_in_work(&["import", "../cloned/flows", "--into", "new/flows"]).exits(0);
    ended.says(&[
        "Main/de-DE/chart.json:1",
        "no settings of its own there",
        "1 node(s) have another label or comment in `de-DE`",
    ]);
    let found = files(&place.work().join("new/flows"));
    assert!(found["book-a-slot/flow.json"].contains("\"label\": \"Hello\""));
    place.run_in_work(&["validate", "new/flows"]).exits(0);
}

#[test]
fn a_clone_is_imported_as_the_project_is_pulled() {
    const SEED: &str = r#"
projects:
  - name: Hotel
    id: 64c0ffee0000000000000001
    locales: [en-US, de-DE]
    flows:
      - name: Main
        description: The first
        chart:
          - { say: Hello, label: Greet, locales: { de-DE: { say: { type: text, text: [Hallo] } } } }
          - type: switch
            label: Which
            branches:
              - { type: case, label: One, config: { case: { value: one } }, chart: [{ goTo: Other, label: In one }] }
              - { type: case, label: Two, config: { case: { value: two } } }
          - { code: "const a = 1;\r\n", label: Count }
      - name: Other
"#;
    let (mut place, _) = place();
    let project = Project::start(SEED);
    place.set("CLIENT_ID", "sandbox-key");
    place.edit_configuration("http://127.0.0.1:1", &project.url());
    project.clone_to(&place.path("agent"));
    place.run_in_work(&["import", "../agent", "--into", "imported"]).exits(0);
    place.run_in_work(&["pull", "--into", "pulled"]).exits(0);
    let (imported, pulled) = (files(&place.work().join("imported")), files(&place.work().join("pulled")));
    assert_eq!(imported, pulled);
    assert_eq!(imported.len(), 4, "{:?}", imported.keys());
}

#[test]
fn a_folder_that_is_no_place_for_them_is_refused() {
    let (place, _) = place();
    place.run_in_work(&["import", "../nowhere"]).exits(1).says(&["nowhere/flows", "agentDir"]);
    place.write("flows/broken/flow.json", "{\"format\": \"cognigy-flow/1\"");
    import(&place).exits(3).says(&["flows/broken/flow.json:1", "nothing was written"]);
    assert_eq!(files(&place.work().join("flows")).len(), 1);
    place.edit_configuration("api: cognigy-rest", "api: flows-v2");
    place.edit_configuration("projectId: 64c0ffee0000000000000001", "environmentId: env_prod");
    import(&place).exits(1).says(&["`api: flows-v2`", "--into"]);
}

#[test]
fn a_full_disk_under_stdout_is_exit_1() {
    let (place, _) = place();
    run_full(&place, &["import", "../cloned"]).exits(1).says(&["cannot write the result to stdout"]);
    assert!(place.work().join("flows/main/flow.json").exists());
}

#[test]
fn a_work_tree_needs_no_configuration() {
    let (place, cloned) = place();
    let other = place.path("other");
    fs::create_dir_all(&other).unwrap();
    let mut command = place.command(&["import", &cloned.display().to_string()]);
    command.env_remove("FLOWSYNC_CONFIG").current_dir(&other);
    ended(command.stdin(Stdio::null()).spawn().unwrap()).exits(0).prints(&["2 flows written to flows"]);
    assert!(other.join("flows/book-a-slot/flow.json").exists());
}
