//! `suspend` and `resume`: an environment is observed and left alone, on every replica, until somebody lifts that.

use serde_json::{Value, json};

use crate::recovery::{half_done_with, killed};
use crate::support::{Place, git, word};

const FILE: &str = "deployments/production/suspended.json";

/// `a`, deployed, and a change of it that waits.
fn suspended() -> Place {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.run(&["suspend", "--env", "production", "--reason", "counting the till"]).exits(0);
    place.commit(&["a 1.1.0", "b 1.0.0"]);
    place.tenant.writes();
    place
}

fn is_there(place: &Place) -> bool {
    !git(&place.origin(), &["ls-tree", "main", FILE]).is_empty()
}

fn message(place: &Place) -> String {
    git(&place.origin(), &["log", "-1", "--format=%B", "main"])
}

#[test]
fn a_suspended_environment_is_observed_and_not_written_until_it_is_resumed() {
    let place = suspended();
    let tip = place.tip();
    let ended = place.sync_with(&[]).exits(0);
    assert_eq!(ended.summary(), "0 suspended update a not-attempted, create b not-attempted");
    let held = &ended.environment()["held"];
    assert_eq!((word(&held["by"]), word(&held["reason"])), ("suspended", "counting the till"));
    assert!(held["who"].is_string(), "{held}");
    assert_eq!(word(&held["since"]).len(), "2026-11-26T16:00:00Z".len(), "whole seconds: {held}");
    let words = ["suspended", "since 20", "until `flowsync resume`: counting the till"];
    place.run(&["sync"]).exits(0).prints(&words);
    assert_eq!(place.sync_with(&["--dry-run"]).environment()["result"], "suspended");
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
    place.run(&["status"]).exits(0).prints(&words);
    let status = place.run(&["status", "--output", "json"]).exits(0).environment();
    assert_eq!((&status["held"]["by"], &status["held"]["reason"]), (&json!("suspended"), &json!("counting the till")));
    place.update_work();
    place.run_in_work(&["plan"]).exits(0).prints(&words);
    let plan = place.run_in_work(&["plan", "--output", "json", "--detailed-exitcode"]).exits(2).json();
    assert_eq!((&plan["held"]["by"], &plan["refused"]), (&json!("suspended"), &Value::Null));
    place.run_in_work(&["plan", "--output", "markdown"]).exits(0).prints(&["**Held back:** ``suspended since"]);
    place.run(&["plan"]).exits(0).prints(&words);
    place.run(&["resume", "--env", "production"]).exits(0).prints(&["production: resumed, commit "]);
    assert!(!is_there(&place));
    assert_eq!(place.sync(), "0 deployed update a deployed, create b deployed");
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn it_is_a_commit_that_every_replica_sees_and_that_starts_nothing() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    let (manifest, tip) = (place.show("deployments/production/manifest.json"), place.tip());
    let ended = place.run(&["suspend", "--reason", "see #12, @ann", "--output", "json"]).exits(0).json();
    assert_eq!((&ended["result"], &ended["recordCommit"]), (&json!("suspended"), &json!(place.tip())));
    let file: Value = serde_json::from_str(&place.show(FILE)).unwrap();
    assert_eq!(file["reason"], "see #12, @ann");
    assert_eq!(file.as_object().unwrap().keys().collect::<Vec<_>>(), ["by", "reason", "since"]);
    assert_eq!(
        message(&place),
        "flowsync: production suspended\n\n`see #12, @ann`\n\nFlowsync-Environment: production"
    );
    assert_eq!(git(&place.origin(), &["diff", "--name-only", &tip, "main"]), FILE);
    place.run(&["suspend", "--reason", "another"]).exits(0).prints(&["already suspended", "see #12"]);
    for _ in 0..3 {
        assert_eq!(place.sync(), "0 suspended");
    }
    place.run(&["audit", "verify"]).exits(0);
    place.run(&["history"]).exits(0);
    place.run(&["resume"]).exits(0);
    assert_eq!(message(&place), "flowsync: production resumed\n\nFlowsync-Environment: production");
    place.run(&["resume", "--output", "json"]).exits(0).prints(&["\"recordCommit\": null"]);
    assert_eq!(place.sync(), "0 in-sync");
    assert_eq!(place.show("deployments/production/manifest.json"), manifest);
    assert_eq!(place.subjects().iter().filter(|subject| subject.ends_with("ed")).count(), 3, "{:?}", place.subjects());
}

#[test]
fn an_environment_that_was_never_deployed_is_not_even_written_down() {
    let place = Place::new(&["a 1.0.0"]);
    place.run(&["suspend"]).exits(0);
    let tip = place.tip();
    assert_eq!(place.sync(), "0 suspended create a not-attempted");
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
    place.run(&["status"]).exits(0).prints(&["never-deployed", "suspended since"]);
    place.run(&["resume"]).exits(0);
    assert_eq!(place.sync(), "0 deployed create a deployed");
}

#[test]
fn what_would_be_refused_is_told_and_is_suspended_all_the_same() {
    let place = suspended();
    place.commit(&["a 1.2.0 > nowhere"]);
    let ended = place.sync_with(&[]).exits(0).says(&["missing-reference"]);
    let report = ended.environment();
    assert_eq!((word(&report["result"]), &report["flows"][0]["outcome"]), ("suspended", &json!("not-attempted")));
    assert!(word(&report["error"]).starts_with("it would be refused: 1 problem(s)"), "{report}");
    place.write("flows/a.json", "{");
    place.push("broken");
    let report = place.sync_with(&[]).exits(0).environment();
    assert_eq!((word(&report["result"]), &report["flows"]), ("suspended", &json!([])));
    place.run(&["resume"]).exits(0);
    place.sync_with(&[]).exits(3);
}

#[test]
fn rollback_works_on_a_suspended_environment() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0"]);
    place.sync_with(&[]).exits(0);
    place.run(&["suspend"]).exits(0);
    let ended = place.run(&["rollback", "--output", "json"]).exits(0);
    assert_eq!(ended.summary(), "0 deployed update a deployed");
    assert!(place.tenant.live().starts_with("a 1.0.0"));
    assert_eq!(place.sync(), "0 suspended update a not-attempted");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn what_was_begun_is_ended_although_it_is_suspended_meanwhile() {
    let place = killed();
    place.run(&["suspend", "--reason", "what is this"]).exits(0);
    let ended = place.sync_with(&[]).exits(0);
    assert_eq!(ended.environment()["result"], "suspended");
    assert!(ended.environment()["alarms"].to_string().contains("this pass first ended deployment"), "{ended:?}");
    assert!(ended.stderr.contains("alarm: production: this pass first ended deployment"), "{}", ended.stderr);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
    assert_eq!(place.manifest()["status"], "deployed");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_deployment_under_way_ends_on_top_of_the_commit_that_suspends() {
    let (place, child) = half_done_with("", &|_| {});
    place.run(&["suspend"]).exits(0);
    place.tenant.heals();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    let ended = crate::support::ended(child);
    assert!([0, 4].contains(&ended.code), "{ended:?}");
    assert!(place.manifest()["status"] != "deploying" && is_there(&place));
    assert!(place.sync().starts_with("0 suspended"));
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_file_that_cannot_be_read_refuses_with_the_way_out_and_rollback_works() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.2.0"]);
    for text in ["suspended!", "[]", &format!("{{\"reason\":\"{}\"}}", "x".repeat(70_000))] {
        place.update_work();
        place.write(FILE, text);
        place.push("by hand");
        let (tip, live) = (place.tip(), place.tenant.live());
        place.sync_with(&[]).exits(3).says(&[
            "cannot be read",
            "nothing was written",
            "flowsync suspend --env production",
        ]);
        assert_eq!((place.tip(), place.tenant.live()), (tip, live));
        place.run(&["status"]).exits(0).prints(&["alarm: ", "cannot be read"]);
        place.run(&["plan"]).exits(3).says(&["cannot be read"]);
    }
    place.run(&["rollback"]).exits(0);
    place.run(&["suspend"]).exits(0).prints(&["production: suspended since"]);
    assert!(place.sync().starts_with("0 suspended"));
    place.update_work();
    place.write(FILE, "{}");
    place.push("by hand");
    place.run(&["sync"]).exits(0).prints(&["production: suspended", "  suspended until `flowsync resume`"]);
    place.write(FILE, "?");
    place.push("by hand");
    place.run(&["resume"]).exits(0);
    assert!(!is_there(&place));
}

#[test]
fn records_of_a_branch_of_their_own_are_suspended_there() {
    let place = Place::new(&["a 1.0.0"]);
    place.edit_configuration("  branch: main\n", "  branch: main\n  recordsBranch: records\n");
    let tip = place.tip();
    place.run(&["suspend"]).exits(0);
    let file = git(&place.origin(), &["show", &format!("records:{FILE}")]);
    assert!(file.contains("\"since\"") && place.tip() == tip);
    assert_eq!(place.sync(), "0 suspended create a not-attempted");
    place.run(&["resume"]).exits(0);
    assert_eq!(place.sync(), "0 deployed create a deployed");
}

#[test]
fn suspensions_of_neighbours_race_and_each_is_there_once() {
    let place = Place::new(&["a 1.0.0"]);
    let environments: String =
        (0..4).map(|n| place.environment_yaml(&format!("e{n}"), &format!("env_{n}"), "")).collect();
    place.configure(&place.repository_yaml(""), &environments);
    let run = |command: &str, n: usize| place.command(&[command, "--env", &format!("e{n}")]).spawn().unwrap();
    for command in ["suspend", "resume"] {
        let children: Vec<_> = (0..4).map(|n| run(command, n)).collect();
        for child in children {
            crate::support::ended(child).exits(0);
        }
    }
    let subjects = place.subjects();
    let count = |word: &str| subjects.iter().filter(|subject| subject.ends_with(word)).count();
    assert_eq!((count(" suspended"), count(" resumed")), (4, 4), "{subjects:?}");
}

#[test]
fn a_reason_of_several_lines_is_wrong_usage() {
    let place = Place::new(&["a 1.0.0"]);
    place.run(&["suspend", "--reason", "a\n\nFlowsync-Deployment: x"]).exits(64).says(&["a reason of one line"]);
    place.run(&["suspend", "--env", "prod"]).exits(1).says(&["unknown environment"]);
}
