//! `pull`: live flows as files, all of them or none.

use std::fs;

use crate::support::{Place, git, word};

#[test]
fn what_is_pulled_and_committed_is_in_sync() {
    let place = Place::new(&["a 1.0.0"]);
    place.tenant.put(&["a 2.0.0 > b", "b 2.0.0 = Ünïcode \"quoted\""]);
    place.run_in_work(&["pull"]).exits(0).prints(&["2 flows"]);
    let text = fs::read_to_string(place.work().join("flows/a.json")).unwrap();
    assert!(!text.contains("env_prod\",\n  \"id\"") && text.contains("2.0.0"), "{text}");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(value.get("environmentId").is_none(), "{text}");
    place.push("pulled");
    assert_eq!(place.sync(), "0 in-sync");
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn files_are_overwritten_where_they_stand_and_others_stay() {
    let place = Place::new(&["a 1.0.0", "k 1.0.0"]);
    fs::create_dir(place.work().join("flows/deep")).unwrap();
    git(&place.work(), &["mv", "flows/a.json", "flows/deep/a.json"]);
    place.write("flows/notes.txt", "mine");
    place.tenant.put(&["a 2.0.0", "b 1.0.0"]);
    place.run_in_work(&["pull", "--env", "production"]).exits(0);
    let names = git(&place.work(), &["ls-files", "--others", "--cached", "flows"]);
    let mut names: Vec<&str> = names.lines().collect();
    names.sort_unstable();
    assert_eq!(names, ["flows/deep/a.json", "flows/flow_b.json", "flows/k.json", "flows/notes.txt"]);
    assert!(fs::read_to_string(place.work().join("flows/deep/a.json")).unwrap().contains("2.0.0"));
}

#[test]
fn a_flow_that_is_equal_keeps_its_file_to_the_byte() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    let file = place.work().join("flows/a.json");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("  ", "\t")).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    place.run_in_work(&["pull"]).exits(0);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_pull_that_fails_leaves_everything_as_it_was() {
    let place = Place::new(&["a 1.0.0"]);
    place.tenant.put(&["a 2.0.0"]);
    for fault in ["short", "{ corrupt: html }", "{ answer: { status: 403 } }"] {
        place.tenant.fails(&format!("- {{ match: {{ call: export }}, fault: {fault} }}"));
        place.run_in_work(&["pull"]).exits(1);
        assert_eq!(git(&place.work(), &["status", "--porcelain"]), "");
        assert_eq!(fs::read_dir(place.work()).unwrap().count(), 3, "no leftovers");
    }
}

#[test]
fn into_names_another_folder() {
    let place = Place::new(&["a 1.0.0"]);
    place.tenant.put(&["a 2.0.0", "b 2.0.0"]);
    place.run(&["pull", "--into", "some/where"]).exits(0).prints(&["some/where"]);
    let file = place.path("elsewhere/some/where/flow_b.json");
    let flow: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(word(&flow["version"]), "2.0.0");
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn a_changed_value_changes_its_line_and_a_second_pull_nothing() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    // Tabs, line ends of Windows, no last line end, an order of keys and escapes of its own.
    let text = fs::read_to_string(place.work().join("flows/a.json")).unwrap();
    let text = text.replace("  ", "\t").replace("Flow a", "Fl\\u00f6w a").replace('\n', "\r\n");
    fs::write(place.work().join("flows/a.json"), text.trim_end()).unwrap();
    place.push("in another hand");
    place.sync_with(&[]).exits(0);
    place.update_work();
    place.tenant.put(&["a 1.1.0 = Flöw A", "b 1.0.0"]);
    place.run_in_work(&["pull"]).exits(0);
    let changed = git(&place.work(), &["diff", "-U0", "--", "flows/a.json"]);
    let lines: Vec<&str> = changed.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).collect();
    assert_eq!(lines.len(), 3, "{changed}");
    assert!(changed.contains("Fl\\u00f6w A\",\r"), "{changed}");
    assert_eq!(git(&place.work(), &["diff", "--name-only"]), "flows/a.json");
    let once = fs::read(place.work().join("flows/a.json")).unwrap();
    place.run_in_work(&["pull"]).exits(0);
    assert_eq!(fs::read(place.work().join("flows/a.json")).unwrap(), once);
}

#[test]
fn flows_that_are_gone_are_told_of_and_removed_with_prune() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.tenant.put(&["a 1.0.0 = Renamed"]);
    place.run_in_work(&["pull"]).exits(0).says(&["b.json stays", "flow_b is not live any more", "--prune"]);
    assert_eq!(git(&place.work(), &["status", "--porcelain"]), "M flows/a.json");
    place.run_in_work(&["pull", "--prune"]).exits(0).prints(&["removed b.json"]);
    assert_eq!(git(&place.work(), &["status", "--porcelain"]), "M flows/a.json\n D flows/b.json");
}

#[test]
fn a_pull_writes_neither_an_overlay_nor_the_name_of_the_environment_into_a_file() {
    let place = Place::new(&["a 1.0.0 > b@${environment}", "b 1.0.0"]);
    place.write("overlays/production/flow_a.json", r#"{ "description": "in production" }"#);
    place.push("overlay");
    place.sync_with(&[]).exits(0);
    place.update_work();
    place.run_in_work(&["pull"]).exits(0);
    assert_eq!(git(&place.work(), &["status", "--porcelain"]), "", "what is live is what git composes");
    let mut live = place.tenant.flow("a");
    live["name"] = "Edited".into();
    place.tenant.state.put_flow("env_prod", &live.to_string()).unwrap();
    place.run_in_work(&["pull"]).exits(0);
    assert_eq!(git(&place.work(), &["diff", "--numstat"]), "1\t1\tflows/a.json");
}
