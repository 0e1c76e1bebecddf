//! What a pass does with real input, from the first deployment on.

use std::fs;

use flowsync::flow::ReferenceKind;
use serde_json::json;

use crate::support::{Place, git, word};

#[test]
fn the_first_deployment_creates_in_order_and_leaves_two_commits() {
    let place = Place::new(&["a 1.0.0 > b", "b 1.0.0 > c", "c 1.0.0"]);
    let source = place.tip();
    assert_eq!(place.sync(), "0 deployed create c deployed, create b deployed, create a deployed");
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0, c 1.0.0");
    assert_eq!(place.tenant.writes(), "import c, import b, import a");
    assert_eq!(place.subjects(), ["flows", "flowsync: production deploying", "flowsync: production deployed"]);
    let touched = git(&place.origin(), &["diff", "--name-only", &source, "main"]);
    assert!(touched.lines().all(|path| path.starts_with("deployments/production/")), "{touched}");
    let id = word(&place.manifest()["deploymentId"]).to_owned();
    for commit in ["main", "main~1"] {
        let format = "--format=%(trailers:only,unfold)";
        let trailers = git(&place.origin(), &["log", "-1", format, commit]);
        let expected =
            format!("Flowsync-Environment: production\nFlowsync-Deployment: {id}\nFlowsync-Source: {source}");
        assert_eq!(trailers, expected);
    }
    assert_eq!(git(&place.origin(), &["log", "-1", "--format=%an", "main"]), "flowsync");
}

#[test]
fn a_second_pass_writes_nothing_at_all() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    let tip = place.tip();
    place.tenant.writes();
    assert_eq!(place.sync(), "0 in-sync");
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
}

#[test]
fn equal_flows_without_a_manifest_are_adopted_once() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.tenant.put(&["a 1.0.0", "b 1.0.0", "z 3.0.0"]);
    let ended = place.sync_with(&[]).exits(0);
    assert_eq!(ended.summary(), "0 in-sync");
    assert_eq!(place.subjects(), ["flows", "flowsync: production adopted"]);
    assert_eq!(word(&ended.environment()["recordCommit"]), place.tip());
    assert_eq!(place.sync(), "0 in-sync");
    assert_eq!(place.subjects().len(), 2);
    assert_eq!(place.tenant.writes(), "");
    let manifest = place.manifest();
    assert_eq!(manifest["status"], "deployed");
    assert_eq!(manifest["flows"].as_array().unwrap().len(), 2, "flow_z is not managed: {manifest}");
}

#[test]
fn a_changed_flow_alone_is_updated_and_the_manifest_says_from_what() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    let before = place.manifest();
    place.tenant.writes();
    let source = place.commit(&["a 1.1.0", "b 1.0.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    assert_eq!(place.tenant.writes(), "import a");
    let manifest = place.manifest();
    assert_eq!(manifest["source"]["commit"], json!(source));
    assert_eq!(manifest["lastDeployed"]["deploymentId"], manifest["deploymentId"]);
    let a = &manifest["flows"][0];
    assert_eq!((word(&a["action"]), word(&a["previousVersion"]), word(&a["version"])), ("update", "1.0.0", "1.1.0"));
    assert_eq!(a["previousHash"], before["flows"][0]["contentHash"]);
    assert_eq!(word(&manifest["flows"][1]["action"]), "none");
    let blob = git(&place.origin(), &["cat-file", "-p", word(&a["before"])]);
    assert!(blob.contains("1.0.0"), "{blob}");
}

#[test]
fn unmanaged_flows_are_left_alone() {
    let place = Place::with("prune: true\nmaxDeletes: 100%", &["a 1.0.0", "b 1.0.0"]);
    place.tenant.put(&["z 9.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.0.0"]);
    assert_eq!(place.sync(), "0 deployed delete b deployed");
    assert_eq!(place.tenant.live(), "a 1.0.0, z 9.0.0");
}

#[test]
fn drift_is_put_right_or_only_told() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.tenant.put(&["a 7.0.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    assert_eq!(place.manifest()["flows"][0]["cause"], "drift");
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
    place.edit_configuration("verifyTimeout: 1s", "drift: report");
    place.tenant.put(&["a 7.0.0"]);
    place.tenant.writes();
    let tip = place.tip();
    assert_eq!(place.sync(), "0 drifted update a not-attempted");
    assert_eq!(place.sync(), "0 drifted update a not-attempted");
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
    place.commit(&["a 1.0.0", "b 1.1.0"]);
    assert_eq!(place.sync(), "0 deployed update b deployed");
    assert_eq!(place.tenant.live(), "a 7.0.0, b 1.1.0");
}

#[test]
fn the_cause_says_who_moved() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0", "c 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0", "b 1.0.0", "c 1.1.0"]);
    place.tenant.put(&["b 7.0.0", "c 7.0.0"]);
    let plan = place.run(&["plan", "--output", "json"]).exits(0).json();
    let cause = |index: usize| word(&plan["changes"][index]["cause"]).to_owned();
    assert_eq!([cause(0), cause(1), cause(2)], ["commit", "drift", "both"]);
}

#[test]
fn what_left_git_stays_unless_pruning_is_on() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.0.0"]);
    assert_eq!(place.sync(), "0 in-sync");
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
    place.edit_configuration("verifyTimeout: 1s", "prune: true\n      maxDeletes: 1");
    assert_eq!(place.sync(), "0 deployed delete b deployed");
    assert_eq!(place.tenant.live(), "a 1.0.0");
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn what_left_git_while_another_flow_was_deployed_is_still_known() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    place.commit(&["a 1.2.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    place.edit_configuration("verifyTimeout: 1s", "prune: true\n      maxDeletes: 1");
    assert_eq!(place.sync(), "0 deployed delete b deployed");
}

#[test]
fn a_file_that_moves_is_no_change() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    fs::create_dir(place.work().join("flows/deep")).unwrap();
    git(&place.work(), &["mv", "flows/a.json", "flows/deep/else.json"]);
    place.push("move");
    place.tenant.writes();
    assert_eq!(place.sync(), "0 in-sync");
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn two_flows_that_swap_names_stay_who_they_are() {
    let place = Place::new(&["a 1.0.0 = One", "b 1.0.0 = Two"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0 = Two", "b 1.1.0 = One"]);
    assert_eq!(place.sync(), "0 deployed update a deployed, update b deployed");
    assert_eq!(word(&place.tenant.flow("a")["name"]), "Two");
}

#[test]
fn new_members_of_a_cycle_come_without_their_references_first() {
    let place = Place::new(&["a 1.0.0 > b intent:hello", "b 1.0.0 > c", "c 1.0.0 > a", "d 1.0.0 > a"]);
    place.tenant.add(ReferenceKind::Intent, "hello");
    assert_eq!(place.sync(), "0 deployed create a deployed, create b deployed, create c deployed, create d deployed");
    let writes = place.tenant.writes();
    assert_eq!(writes, "import a, import b, import c, import a, import b, import c, import d");
    let references = place.tenant.flow("a")["externalReferences"].clone();
    assert_eq!(references.as_array().unwrap().len(), 2, "{references}");
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn many_flows_go_side_by_side_and_never_before_what_they_need() {
    let lines: Vec<String> = (0..30)
        .map(|n| if n < 10 { format!("f{n:02} 1.0.0") } else { format!("f{n:02} 1.0.0 > f{:02}", n - 10) })
        .collect();
    let place = Place::with("concurrency: 5", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    place.tenant.behaves(|behaviour| behaviour.latency = std::time::Duration::from_millis(5));
    place.sync_with(&[]).exits(0);
    let order: Vec<String> = place.tenant.write_requests().into_iter().map(|request| request.flow.unwrap()).collect();
    let position = |n: usize| order.iter().position(|id| *id == format!("flow_f{n:02}")).unwrap();
    (10..30).for_each(|n| assert!(position(n - 10) < position(n), "{order:?}"));
    let most = place.tenant.state.requests().most_in_flight;
    assert!(most > 1 && most <= 5, "{most}");
}

#[test]
fn previous_definitions_git_does_not_hold_are_kept_while_needed() {
    let place = Place::new(&["a 1.0.0"]);
    place.tenant.put(&["a 0.1.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    let files = |commit: &str| git(&place.origin(), &["ls-tree", "-r", "--name-only", commit, "deployments/"]);
    assert!(files("main~1").contains("deployments/production/before/"), "{}", files("main~1"));
    assert!(!files("main").contains("/before/"), "{}", files("main"));
    let manifest = place.manifest();
    let kept = git(&place.origin(), &["cat-file", "-p", word(&manifest["flows"][0]["before"])]);
    assert!(kept.contains("0.1.0") && !kept.contains("environmentId\":\"env_prod\",\"id"), "{kept}");
}

#[test]
fn ignored_members_are_no_difference() {
    let place = Place::with("ignore: [/name]", &["a 1.0.0 = Git"]);
    place.sync_with(&[]).exits(0);
    place.tenant.put(&["a 1.0.0 = Somebody"]);
    assert_eq!(place.sync(), "0 in-sync");
}
