//! An upgrade of the platform shows nodes with keys that nobody wrote, and no stamp moves: no difference, once it was met.

use std::fs;

use serde_json::json;

use crate::project::{BOOKING, Project, SEED};
use crate::support::git;

/// Two flows, adopted; after that an upgrade gives a key to every node that says something.
fn upgraded(sync: &str) -> Project {
    let project = Project::adopted(sync);
    project.state.upgrade("say", "mediaPath", json!(""));
    project.state.upgrade("say", "delay", json!({ "seconds": 3 }));
    project
}

/// As on another machine, which has read nothing so far.
fn forget(project: &Project) {
    fs::remove_dir_all(project.place.path("cache")).unwrap();
}

fn actions(project: &Project) -> Vec<String> {
    let plan = project.json(&["plan"]);
    let action = |change: &serde_json::Value| format!("{} {}", change["action"], change["name"]).replace('"', "");
    plan["changes"].as_array().unwrap().iter().map(action).collect()
}

#[test]
fn what_an_upgrade_adds_is_written_down_by_the_first_deployment_and_is_no_drift_from_then_on() {
    let project = upgraded("");
    project.commit(BOOKING, "When would you like to come?", "When?");
    let synced = project.place.sync();
    assert!(synced.starts_with("0 deployed"), "{synced}");
    let n_writes = project.state.n_writes();
    assert!((1..=2).contains(&n_writes), "a text, and a try at most by which a default is met: {n_writes}");
    let defaults = &project.place.manifest()["defaults"];
    assert_eq!(
        *defaults,
        json!([
            { "type": "say", "key": "delay", "value": { "seconds": 3 } },
            { "type": "say", "key": "mediaPath", "value": "" },
        ])
    );
    // Whoever has read nothing so far learns it from git.
    forget(&project);
    project.place.update_work();
    assert!(actions(&project).is_empty());
    assert_eq!(project.place.sync(), "0 in-sync");
    // What is not the default is a difference all the same.
    project.state.edit("Booking", "Ask", &json!({ "config": { "say": { "type": "text", "text": ["When?"], "data": "", "linear": false, "loop": false }, "mediaPath": "x.png" } })).unwrap();
    assert_eq!(actions(&project), ["update Booking"]);
}

#[test]
fn a_server_that_takes_a_change_of_nothing_tells_by_what_comes_back() {
    let project = Project::with("", SEED, |rules| rules.empty_patches = true);
    project.adopt();
    project.state.upgrade("say", "mediaPath", json!(""));
    forget(&project);
    let plan = project.json(&["plan"]);
    let n_changes = plan["changes"].as_array().unwrap().len();
    assert_eq!(n_changes, 2, "nobody has met it so far, and there is nothing here to tell it from an edit");
    let synced = project.place.sync();
    assert!(synced.starts_with("0 deployed"), "{synced}");
    project.state.clear_requests();
    forget(&project);
    assert_eq!(project.place.sync(), "0 in-sync");
    assert_eq!(project.state.n_writes(), 0);
    // Files that are equal stay as they are, and structure is written past it.
    project.place.update_work();
    project.place.run_in_work(&["pull"]).exits(0);
    assert_eq!(git(&project.place.work(), &["status", "--porcelain"]), "");
    let end = r#"{"type": "say", "ref": "c0000000-0000-4000-8000-000000000001", "config": { "say": { "type": "text", "text": ["Bye"], "data": "", "linear": false, "loop": false } } },
    {"type": "end""#;
    project.edit(BOOKING, r#"{"type": "end""#, end);
    project.place.push("one more node");
    let synced = project.place.sync();
    assert!(synced.starts_with("0 deployed"), "{synced}");
    forget(&project);
    assert_eq!(project.place.sync(), "0 in-sync");
}
