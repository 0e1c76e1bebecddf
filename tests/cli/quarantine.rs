//! What a failed deployment means for the passes after it.

use crate::support::{Place, git, word};

/// A commit whose deployment the way to the tenant has made fail.
fn lost_on_the_way() -> Place {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0"]);
    fail_on_the_way(&place);
    place.sync_with(&[]).exits(4);
    place
}

fn fail_on_the_way(place: &Place) {
    place.tenant.fails("- { match: { call: import, to: 6 }, fault: { answer: { status: 503, retryAfter: '0.01' } } }");
}

#[test]
fn a_transport_failure_waits_and_says_until_when() {
    let place = lost_on_the_way();
    let quarantine = place.manifest()["quarantine"].clone();
    assert_eq!((&quarantine["cause"], &quarantine["attempts"]), (&"transport".into(), &1.into()));
    let until = word(&quarantine["until"]).to_owned();
    place.tenant.heals();
    let seconds = until.split('.').next().unwrap().trim_end_matches('Z');
    place.sync_with(&[]).exits(3).says(&["quarantined", &format!("it is tried again after {seconds}Z")]);
    place.sync_with(&["--retry"]).exits(0);
    assert!(place.manifest()["quarantine"].is_null());
}

#[test]
fn three_transport_failures_wait_for_git() {
    let place = lost_on_the_way();
    for attempts in [2, 3] {
        fail_on_the_way(&place);
        place.sync_with(&["--retry"]).exits(4);
        assert_eq!(place.manifest()["quarantine"]["attempts"], attempts);
    }
    let quarantine = place.manifest()["quarantine"].clone();
    assert!(quarantine["until"].is_null(), "{quarantine}");
    place.tenant.heals();
    place.sync_with(&[]).exits(3).says(&["until the flows in git change"]);
    place.commit(&["a 1.2.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
}

#[test]
fn a_quarantine_that_is_over_is_tried_again_without_a_word() {
    let place = lost_on_the_way();
    place.tenant.heals();
    place.update_work();
    let path = "deployments/production/manifest.json";
    let mut manifest = place.manifest();
    manifest["quarantine"]["until"] = "2020-01-01T00:00:00Z".into();
    place.write(path, &format!("{manifest:#}\n"));
    place.push("time passes");
    assert_eq!(place.sync(), "0 deployed update a deployed");
}

#[test]
fn every_replica_knows_of_the_quarantine() {
    let mut place = lost_on_the_way();
    place.tenant.heals();
    let other = place.path("other").display().to_string();
    place.set("XDG_STATE_HOME", &other);
    place.set("XDG_CACHE_HOME", &other);
    place.sync_with(&[]).exits(3).says(&["quarantined"]);
}

#[test]
fn going_back_to_the_deployed_flows_in_git_is_in_sync() {
    let place = lost_on_the_way();
    place.tenant.heals();
    place.commit(&["a 1.0.0"]);
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn corrections_of_drift_are_held_back_for_that_set_of_changes_only() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.tenant.put(&["a 7.0.0"]);
    place.tenant.fails("- { match: { call: import, flow: flow_a }, fault: refuse }");
    place.sync_with(&[]).exits(4);
    place.sync_with(&[]).exits(3).says(&["quarantined"]);
    place.tenant.heals();
    place.tenant.put(&["b 7.0.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed, update b deployed");
}

#[test]
fn a_plan_tells_of_the_quarantine_and_still_shows_the_changes() {
    let place = lost_on_the_way();
    place.tenant.heals();
    let plan = place.run(&["plan", "--output", "json"]).json();
    assert_eq!(plan["summary"]["update"], 1);
    assert!(word(&plan["refused"]).contains("quarantined"), "{plan}");
    let status = place.run(&["status"]).exits(0);
    assert!(status.stdout.contains("quarantined"), "{}", status.stdout);
}

#[test]
fn a_revert_that_brings_an_ended_deployment_back_is_ignored_with_an_alarm() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    git(&place.work(), &["revert", "--no-edit", "HEAD"]);
    git(&place.work(), &["push", "-q", "origin", "HEAD:refs/heads/main"]);
    assert_eq!(place.manifest()["status"], "deploying");
    place.tenant.writes();
    let ended = place.sync_with(&[]).exits(0).says(&["alarm"]);
    assert_eq!(ended.summary(), "0 in-sync");
    assert_eq!(place.tenant.writes(), "");
}
