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
