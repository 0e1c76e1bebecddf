//! What `plan` looks at, and says that it does; what `pull` leaves alone; what `doctor` proves.

use std::fs;

use serde_json::json;

use crate::http_server::Rules;
use crate::support::{Ended, Place, git};

#[test]
fn a_plan_says_first_what_it_looks_at() {
    let place = Place::new(&["a 1.0.0"]);
    let first = |ended: &Ended| ended.stderr.lines().next().unwrap_or_default().to_owned();
    let outside = place.run(&["plan", "--output", "json"]).exits(0);
    assert!(first(&outside).contains("`main` of the configured repository"), "{outside:?}");
    assert!(first(&outside).contains("no git work tree"), "{outside:?}");
    let basis = &outside.json()["basis"];
    assert_eq!((&basis["kind"], &basis["revision"]), (&json!("configured-branch"), &json!("main")));
    place.run(&["plan", "--output", "markdown"]).exits(0).prints(&["this was no git work tree"]);
    let inside = place.run_in_work(&["plan", "--output", "json"]).exits(0);
    assert!(first(&inside).contains("the work tree `"), "{inside:?}");
    assert_eq!(inside.json()["basis"]["kind"], "work-tree");
    let revision = place.run_in_work(&["plan", "--output", "json", "--ref", "HEAD"]).exits(0).json();
    assert_eq!((&revision["basis"]["kind"], &revision["basis"]["revision"]), (&json!("revision"), &json!("HEAD")));
}

#[test]
fn a_work_tree_that_cannot_be_opened_is_no_reason_to_look_elsewhere() {
    let place = Place::new(&["a 1.0.0"]);
    fs::rename(place.work().join(".git"), place.path("away")).unwrap();
    fs::write(place.work().join(".git"), "gitdir: /nowhere\n").unwrap();
    for arguments in [&["plan", "--detailed-exitcode"] as &[&str], &["validate"], &["validate", "flows"], &["graph"]] {
        place.run_in_work(arguments).exits(1).says(&["looks like a work tree", "`/nowhere`, which is not there"]);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_pulled_into_stays_the_same_folder() {
    use std::os::unix::fs::MetadataExt as _;
    let place = Place::new(&["a 1.0.0"]);
    place.tenant.put(&["a 2.0.0", "b 1.0.0", "c 1.0.0"]);
    let into = place.path("elsewhere/into");
    fs::create_dir_all(into.join("sub")).unwrap();
    fs::write(into.join("flow_b.json"), "{\"id\":\"somebody elses\"}").unwrap();
    std::os::unix::fs::symlink("nowhere", into.join("link")).unwrap();
    let identity = fs::metadata(&into).unwrap().ino();
    place.run(&["pull", "--into", "into"]).exits(0);
    assert_eq!(fs::metadata(&into).unwrap().ino(), identity);
    let mut names: Vec<String> =
        fs::read_dir(&into).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["flow_a.json", "flow_b-2.json", "flow_b.json", "flow_c.json", "link", "sub"]);
    assert_eq!(fs::read_to_string(into.join("flow_b.json")).unwrap(), "{\"id\":\"somebody elses\"}");
    let elsewhere: Vec<_> = fs::read_dir(place.path("elsewhere")).unwrap().collect();
    assert_eq!(elsewhere.len(), 1, "nothing is left beside it");
}

#[test]
fn doctor_proves_that_records_can_be_pushed() {
    let place = Place::new(&["a 1.0.0"]);
    let references = || git(&place.origin(), &["for-each-ref"]);
    let before = references();
    place.run(&["doctor"]).exits(0).prints(&["ok   production: git, push", "`refs/flowsync/doctor/", "has room"]);
    assert_eq!(references(), before);
    assert!(!place.origin().join("refs/flowsync").join("doctor").exists());
    let server = place.serve(Rules::default());
    place.run(&["doctor"]).exits(0).prints(&["ok   production: git, push", "made and removed again"]);
    assert_eq!(references(), before);
    place.hook("pre-receive", "echo 'only on Fridays' >&2; exit 1");
    place.run(&["doctor"]).exits(1).prints(&["FAIL production: git, push", "only on Fridays"]);
    fs::remove_file(place.origin().join("hooks/pre-receive")).unwrap();
    git(&place.origin(), &["config", "receive.hideRefs", "refs/flowsync"]);
    place.run(&["doctor"]).exits(0).prints(&["begins to listen", "hidden ref"]);
    git(&place.origin(), &["config", "--unset", "receive.hideRefs"]);
    server.set(Rules { read_only: true, ..Rules::default() });
    place.run(&["doctor"]).exits(1).prints(&["FAIL production: git, push", "403"]);
    assert_eq!(references(), before);
}

#[test]
fn doctor_names_a_branch_in_the_way_and_a_folder_without_room() {
    let place = Place::new(&["a 1.0.0"]);
    git(&place.origin(), &["branch", "flowsync", "main"]);
    place.edit_configuration("  branch: main\n", "  branch: main\n  recordsBranch: flowsync/records\n");
    let said = place.run(&["doctor"]).exits(1);
    said.prints(&["FAIL production: git, push", "refs/heads/flowsync`", "repository.recordsBranch"]);
    let file = place.path("flowsync.yaml").display().to_string();
    place.run(&["doctor", "--state-dir", &file]).exits(1).prints(&["FAIL state directory", "flowsync.yaml"]);
}
