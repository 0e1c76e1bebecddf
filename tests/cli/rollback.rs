//! `rollback`: back on purpose, as a deployment of its own.

use crate::support::{Place, git, word};

/// Three deployments of `a`; their ids, oldest first.
fn three() -> (Place, Vec<String>) {
    let place = Place::new(&["a 1.0.0"]);
    let mut ids = Vec::new();
    for lines in [vec!["a 1.0.0"], vec!["a 1.1.0", "b 1.0.0"], vec!["a 1.2.0"]] {
        place.commit(&lines);
        place.sync_with(&[]).exits(0);
        ids.push(word(&place.manifest()["deploymentId"]).to_owned());
    }
    place.tenant.writes();
    (place, ids)
}

#[test]
fn it_goes_back_to_before_the_newest_and_is_not_undone_by_the_next_pass() {
    let (place, ids) = three();
    assert_eq!(place.tenant.live(), "a 1.2.0, b 1.0.0");
    let ended = place.run(&["rollback", "--env", "production", "--output", "json"]).exits(0);
    assert_eq!(ended.summary(), "0 deployed update a deployed");
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.0.0");
    assert!(!ids.contains(&word(&place.manifest()["deploymentId"]).to_owned()));
    place.tenant.writes();
    place.sync_with(&[]).exits(3).says(&["quarantined", &ids[2]]);
    assert_eq!(place.tenant.writes(), "");
    place.commit(&["a 1.3.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    assert_eq!(place.tenant.live(), "a 1.3.0, b 1.0.0");
    place.run(&["audit", "verify"]).exits(0);
    crate::output::assert_manifest(&place, &place.manifest());
}

#[test]
fn it_goes_to_the_state_after_a_named_deployment() {
    let (place, ids) = three();
    place.run(&["rollback", "--to", &ids[0]]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.0.0", "flow_b was not there after the first");
    place.run(&["rollback", "--to", &ids[1]]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.0.0");
    place.run(&["rollback", "--to", "nothing"]).exits(1).says(&["nothing", &ids[1]]);
    place.sync_with(&["--retry"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.2.0, b 1.0.0");
}

#[test]
fn drift_after_a_rollback_is_not_put_right_towards_git() {
    let (place, _) = three();
    place.run(&["rollback"]).exits(0);
    place.tenant.put(&["b 7.0.0"]);
    place.tenant.writes();
    place.sync_with(&[]).exits(3);
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn the_first_deployment_is_undone_too() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0 > a"]);
    place.tenant.put(&["a 0.1.0", "z 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.run(&["rollback"]).exits(0);
    assert_eq!(place.tenant.live(), "a 0.1.0, z 1.0.0");
    place.sync_with(&[]).exits(3);
}

#[test]
fn it_fails_where_there_is_nothing_to_go_back_to() {
    let place = Place::new(&["a 1.0.0"]);
    place.run(&["rollback"]).exits(1);
    place.tenant.put(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.run(&["rollback"]).exits(1).says(&["no state before"]);
}

#[test]
fn a_rollback_that_fails_is_put_back() {
    let (place, deployments) = three();
    place.tenant.fails("- { match: { call: import, nth: 1 }, fault: { status: failed } }");
    place.run(&["rollback"]).exits(4);
    assert_eq!(place.tenant.live(), "a 1.2.0, b 1.0.0");
    place.tenant.heals();
    // What git holds was not refused: drift from it is put right.
    place.tenant.put(&["a 7.0.0"]);
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.2.0, b 1.0.0");
    place.run(&["rollback", "--to", &deployments[1]]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.0.0");
}

#[test]
fn twice_is_there_and_back() {
    let (place, _) = three();
    place.run(&["rollback"]).exits(0);
    place.run(&["rollback"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.2.0, b 1.0.0");
    assert_eq!(git(&place.origin(), &["fsck", "--strict"]), "");
}

#[test]
fn a_state_that_refers_to_what_is_gone_is_refused() {
    use flowsync::flow::ReferenceKind;
    let place = Place::new(&["a 1.0.0 > intent:hello"]);
    place.tenant.add(ReferenceKind::Intent, "hello");
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0"]);
    place.sync_with(&[]).exits(0);
    place.tenant.state.remove("env_prod", ReferenceKind::Intent, "hello");
    let tip = place.tip();
    place.tenant.writes();
    place.run(&["rollback"]).exits(3).says(&["missing-reference", "hello"]);
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
}

#[test]
fn a_short_look_at_the_tenant_deletes_and_creates_nothing() {
    let (place, ids) = three();
    // `flow_b` looks gone in the first export and is there in the second.
    place.tenant.fails("- { match: { call: export, nth: 1 }, fault: stale }");
    place.tenant.put(&["c 1.0.0"]);
    place.run(&["rollback", "--to", &ids[1]]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.0.0, c 1.0.0");
}

#[test]
fn without_a_completed_deployment_there_is_nothing_to_go_back_from() {
    let place = Place::new(&["a 1.0.0"]);
    place.tenant.fails("- { match: { call: import }, fault: refuse }");
    place.sync_with(&[]).exits(4);
    place.run(&["rollback"]).exits(1).says(&["`production` has no completed deployment to go back from"]);
    place
        .run(&["rollback", "--to", "x"])
        .exits(1)
        .says(&["`production` has no completed deployment `x`, nor any other"]);
}
