//! Flows of the vendor's own API from end to end: pulled, planned, deployed, put back, by the binary over real HTTP.

use std::fs;

use serde_json::Value;

use crate::project::{BOOKING, BOOKING_ID, MAIN, MAIN_ID, Project, SEED};
use crate::support::{git, until, word};

#[test]
fn what_is_pulled_is_valid_formatted_in_sync_and_pulled_again_to_the_byte() {
    let project = Project::new();
    let place = &project.place;
    place.run_in_work(&["pull"]).exits(0).prints(&["2 flows written"]);
    let files = git(&place.work(), &["ls-files", "--others", "flows"]);
    let code = files.lines().find(|file| file.ends_with(".js")).unwrap().to_owned();
    assert!(code.starts_with("flows/main/code/count-"), "{files}");
    assert_eq!(files.lines().count(), 4, "{files}");
    assert!(files.contains(MAIN) && files.contains(BOOKING) && files.contains("flows/main/locales/de-DE.json"));
    place.run_in_work(&["validate"]).exits(0).prints(&["2 flows: 0 errors, 0 warnings"]);
    place.run_in_work(&["fmt", "--check"]).exits(0);
    place.push("pulled");
    place.run_in_work(&["pull"]).exits(0);
    assert_eq!(git(&place.work(), &["status", "--porcelain"]), "");
    let plan = project.json(&["plan"]);
    assert_eq!(plan["summary"]["unchanged"], 2, "{plan}");
    // A name of the file's own stays, and a folder stays where it is.
    git(&place.work(), &["mv", "flows/main", "flows/entry"]);
    project.somebody_says("Main", "Greet", "Good morning");
    place.run_in_work(&["pull"]).exits(0);
    assert_eq!(git(&place.work(), &["diff", "--numstat"]), "1\t1\tflows/entry/flow.json");
    place.run_in_work(&["graph"]).exits(0).prints(&["flow_1111", "-->"]);
    place.run(&["doctor"]).exits(0);
}

#[test]
fn one_changed_text_is_planned_written_by_one_request_and_told_everywhere() {
    let project = Project::adopted("");
    let place = &project.place;
    project.edit(BOOKING, "When would you like to come?", "When do you want to come?");
    let plan = project.json(&["plan"]);
    let change = &plan["changes"][0];
    assert_eq!((word(&change["action"]), word(&change["cause"]), word(&change["path"])), ("update", "commit", BOOKING));
    assert_eq!(change["version"], Value::Null);
    let values = &change["diff"]["nodes"][0]["values"];
    assert_eq!(values.as_array().unwrap().len(), 1, "{plan}");
    assert!(word(&values[0]["path"]).ends_with("/say/text/0"), "{values}");
    place.run_in_work(&["plan", "--detailed-exitcode"]).exits(2).prints(&["say \"Ask\"", "[-would-]"]);
    place.run_in_work(&["plan", "--output", "markdown"]).exits(0).prints(&["```mermaid", "Booking"]);
    place.push("a text");
    place.run_in_work(&["plan", "--ref", "HEAD~1", "--detailed-exitcode"]).exits(0);
    project.state.clear_requests();
    assert_eq!(place.sync(), format!("0 deployed update {BOOKING_ID} deployed"));
    assert_eq!(project.state.n_writes(), 1, "{:?}", project.state.requests().by_call);
    assert!(project.live().contains("When do you want to come?"));
    let manifest = place.manifest();
    assert_eq!(
        (word(&manifest["status"]), word(&manifest["targetEnvironment"])),
        ("deployed", "64c0ffee0000000000000001")
    );
    assert_eq!(place.sync(), "0 in-sync");
    place.run(&["status"]).exits(0).prints(&["production: deployed"]);
    place.run(&["history"]).exits(0).prints(&["deployed"]);
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn drift_is_put_right_or_reported() {
    let project = Project::adopted("");
    project.somebody_says("Booking", "Ask", "Come when you like");
    assert_eq!(project.place.sync(), format!("0 deployed update {BOOKING_ID} deployed"));
    assert!(project.live().contains("When would you like to come?"));
    let project = Project::adopted("drift: report");
    project.somebody_says("Booking", "Ask", "Come when you like");
    assert_eq!(project.place.sync(), format!("0 drifted update {BOOKING_ID} not-attempted"));
    assert_eq!(project.state.n_writes(), 0);
    let plan = project.json(&["plan"]);
    assert_eq!(word(&plan["drifted"][0]["cause"]), "drift");
}

#[test]
fn a_deployment_that_fails_puts_back_every_flow() {
    let project = Project::adopted("");
    let before = project.live();
    project.place.update_work();
    project.edit(BOOKING, "When would you like to come?", "When?");
    project.edit(MAIN, "Hello", "Hi");
    project.place.push("two texts");
    // The second node that is written is refused, again and again.
    project.fails("- { match: { call: updateNode, from: 2, to: 2 }, fault: { answer: { status: 400 } } }");
    let ended = project.sync_with(&[]).exits(4);
    let flows = ended.environment()["flows"].as_array().unwrap().len();
    assert_eq!((flows, word(&ended.environment()["result"])), (2, "rolled-back"), "{}", ended.stderr);
    project.heals();
    assert_eq!(project.live(), before);
    assert_eq!(word(&project.place.manifest()["status"]), "rolled-back");
    project.sync_with(&[]).exits(3).says(&["--retry"]);
    let retried = project.sync_with(&["--retry"]).exits(0);
    assert_eq!(word(&retried.environment()["result"]), "deployed");
    project.place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_rollback_brings_back_what_was_deployed_before() {
    let project = Project::adopted("");
    project.commit(BOOKING, "When would you like to come?", "When?");
    project.sync_with(&[]).exits(0);
    project.commit(BOOKING, "When?", "When then?");
    project.sync_with(&[]).exits(0);
    project.place.run(&["rollback"]).exits(0).prints(&["deployed"]);
    assert!(project.live().contains("\"When?\""), "{}", project.live());
    project.place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn whoever_comes_after_a_crash_ends_what_was_begun() {
    let project = Project::adopted("");
    let place = &project.place;
    place.update_work();
    project.edit(BOOKING, "When would you like to come?", "When?");
    project.edit(MAIN, "Hello", "Hi");
    place.push("two texts");
    project.fails("- { match: { call: updateNode, from: 2, to: 1000 }, fault: { drop: before, wait: 60s } }");
    project.state.clear_requests();
    let mut child = place.command(&["sync"]).spawn().unwrap();
    until("one node is written", || project.state.n_writes() >= 1);
    child.kill().unwrap();
    child.wait().unwrap();
    project.heals();
    assert_eq!(word(&place.manifest()["status"]), "deploying");
    place.sync_with(&["--take-over"]).exits(0);
    assert!(project.live().contains("\"When?\"") && project.live().contains("\"Hi\""));
    assert_eq!(word(&place.manifest()["status"]), "deployed");
    assert_eq!(place.sync(), "0 in-sync");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn what_nobody_approved_is_not_written() {
    let project = Project::adopted("approval: manifest");
    let place = &project.place;
    project.commit(BOOKING, "When would you like to come?", "When?");
    project.sync_with(&[]).exits(3).says(&["approv"]);
    assert_eq!(project.state.n_writes(), 0);
    place.update_work();
    place.run_in_work(&["plan", "--propose"]).exits(0);
    place.push("approved");
    assert_eq!(place.sync(), format!("0 deployed update {BOOKING_ID} deployed"));
}

#[test]
fn what_cannot_be_composed_refuses_by_file_and_line() {
    let project = Project::adopted("");
    let place = &project.place;
    place.update_work();
    project.edit(MAIN, "\"type\": \"goTo\",", "\"typ\": \"goTo\",");
    place.push("broken");
    place.sync_with(&[]).exits(3).says(&[MAIN]);
    place.run_in_work(&["plan"]).exits(3).says(&[MAIN]);
    place.write("overlays/production/flow_a.json", "{}");
    place.run_in_work(&["plan"]).exits(3).says(&["overlay"]);
    assert_eq!(project.state.n_writes(), 0);
}

#[test]
fn build_shows_the_composed_flows() {
    let project = Project::adopted("");
    let built = project.place.run_in_work(&["build"]).exits(0).json();
    let ids: Vec<&str> = built.as_array().unwrap().iter().map(|flow| word(&flow["id"])).collect();
    assert_eq!(ids, [format!("flow_{MAIN_ID}"), format!("flow_{BOOKING_ID}")]);
    project.place.run_in_work(&["build", "--into", "built"]).exits(1).says(&["copy the folder"]);
}

#[test]
fn a_text_in_a_flow_of_a_hundred_nodes_takes_one_write_and_at_most_110_requests() {
    let says: String = (0..98).map(|n| format!("          - {{ say: Text {n}., label: N{n} }}\n")).collect();
    let seed = format!(
        "projects:\n  - name: Hotel\n    id: 64c0ffee0000000000000001\n    flows:\n      - name: Main\n        referenceId: 11111111-1111-4111-8111-111111111111\n        chart:\n{says}"
    );
    let project = Project::with("", &seed, |_| {});
    // A stamp of the last two seconds may hide another edit, and its flow is read anew.
    project.state.advance(std::time::Duration::from_secs(10));
    project.adopt();
    project.commit(MAIN, "Text 50.", "Another text.");
    project.state.clear_requests();
    assert_eq!(project.place.sync(), format!("0 deployed update {MAIN_ID} deployed"));
    let log = project.state.requests();
    // What it is verified by is a package, which is made and removed; nothing else is written.
    let n_of = |call: &str| log.by_call.get(call).copied().unwrap_or_default();
    let n_packages = n_of("createPackage") + n_of("deletePackage");
    assert_eq!((n_of("updateNode"), project.state.n_writes() - n_packages), (1, 1), "{:?}", log.by_call);
    assert!(log.total <= 110, "{} {:?}", log.total, log.by_call);
}

#[test]
fn a_quiet_pass_over_fifty_flows_of_sixty_nodes_takes_four_requests() {
    let says: String = (0..58).map(|n| format!("          - {{ say: Text {n}., label: N{n} }}\n")).collect();
    let flows: String = (0..50).map(|n| format!("      - name: Flow {n}\n        chart:\n{says}")).collect();
    let seed = format!("projects:\n  - name: Hotel\n    id: 64c0ffee0000000000000001\n    flows:\n{flows}");
    // What was read must be older than two seconds to be believed, and the platform answers as fast as it is asked.
    let project = Project::with("", &seed, |behaviour| behaviour.limit = None);
    project.state.advance(std::time::Duration::from_secs(10));
    project.adopt();
    project.state.advance(std::time::Duration::from_secs(10));
    project.sync_with(&[]).exits(0);
    project.state.clear_requests();
    assert_eq!(project.place.sync(), "0 in-sync");
    let log = project.state.requests();
    assert!(log.total <= 4, "{} {:?}", log.total, log.by_call);
}

#[test]
fn secrets_and_ids_of_the_platform_stand_in_no_file() {
    let project = Project::adopted("");
    project.commit(BOOKING, "When would you like to come?", "When?");
    project.sync_with(&[]).exits(0);
    let everything = git(&project.place.origin(), &["log", "-p", "main", "--", "flows", "deployments"]);
    assert!(!everything.contains("sandbox-key"));
    let id = project.state.flow("Booking").unwrap();
    assert!(!everything.contains(&id), "internal ids are looked up, not kept");
    assert!(fs::read_to_string(project.place.path("flowsync.yaml")).unwrap().contains(&project.url()));
    assert!(SEED.contains("Booking"));
}
