//! `adopt` and `sync.drift: adopt`: what is live, proposed for git.

use std::fs;

use crate::forge_server::{ForgeServer, KINDS, TOKEN};
use crate::http_server::Rules;
use crate::support::{Place, git, word};

const BRANCH: &str = "flowsync/adopt/production";

/// What merging the branch would change.
fn proposed(place: &Place) -> String {
    git(&place.origin(), &["diff", "--name-status", &format!("main...{BRANCH}")])
}

fn branches(place: &Place) -> String {
    git(&place.origin(), &["for-each-ref", "--format=%(refname:short)", "refs/heads"])
}

fn count(place: &Place) -> String {
    git(&place.origin(), &["rev-list", "--count", "--all"])
}

/// Somebody's commit on the branch.
fn somebody_writes(place: &Place, path: &str, text: &str) {
    git(&place.work(), &["fetch", "-q", "origin"]);
    git(&place.work(), &["checkout", "-q", "--detach", &format!("origin/{BRANCH}")]);
    place.write(path, text);
    git(&place.work(), &["add", "--all"]);
    git(&place.work(), &["commit", "-q", "-m", "by hand"]);
    git(&place.work(), &["push", "-q", "origin", &format!("HEAD:{BRANCH}")]);
}

#[test]
fn drift_is_proposed_in_the_files_hand_and_once() {
    let place = Place::with("drift: report", &["a 1.0.0", "b 1.0.0", "c 1.0.0"]);
    let file = place.work().join("flows/a.json");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("  ", "\t")).unwrap();
    place.push("tabs");
    place.sync_with(&[]).exits(0);
    let tip = place.tip();
    place.tenant.put(&["a 1.1.0", "c 1.0.0", "other 1.0.0"]);
    place.tenant.lose("b");
    place.tenant.writes();
    for served in [false, true] {
        let _server = served.then(|| place.serve(Rules::default()));
        place.run(&["adopt", "--env", "production"]).exits(0).prints(&[BRANCH, "flow_a", "flow_b", "flows/a.json"]);
        assert_eq!(proposed(&place), "M\tflows/a.json\nD\tflows/b.json");
        let lines = git(&place.origin(), &["diff", "--numstat", "main", BRANCH, "--", "flows/a.json"]);
        assert_eq!(lines, "2\t2\tflows/a.json");
        assert_eq!(place.tip(), tip);
        let before = count(&place);
        let again = place.run(&["adopt", "--env", "production", "--output", "json"]).exits(0).json();
        assert_eq!((word(&again["result"]), again["flows"].as_array().unwrap().len()), ("held", 2));
        assert_eq!(count(&place), before);
        git(&place.origin(), &["branch", "-q", "-D", BRANCH]);
    }
    let message = "Flowsync-Environment: production\nFlowsync-Source: ";
    place.run(&["adopt"]).exits(0);
    let said = git(&place.origin(), &["log", "-1", "--format=%B", BRANCH]);
    assert!(said.contains(message) && said.contains("update flow_a") && said.contains("delete flow_b"), "{said}");
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn nothing_new_is_no_commit() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.tenant.put(&["a 1.0.0", "other 1.0.0"]);
    place.run(&["adopt"]).exits(0).prints(&["nothing to propose"]);
    assert_eq!(branches(&place), "main");
}

#[test]
fn others_are_taken_by_name_and_named_drift_alone() {
    let place = Place::with("drift: report", &["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.tenant.put(&["a 2.0.0", "b 2.0.0", "new 1.0.0"]);
    place.run(&["adopt", "--flow", "flow_new"]).exits(0);
    assert_eq!(proposed(&place), "M\tflows/a.json\nM\tflows/b.json\nA\tflows/flow_new.json");
    place.run(&["adopt", "--flow", "flow_b"]).exits(0);
    assert_eq!(proposed(&place), "M\tflows/b.json");
    place.run(&["adopt", "--flow", "flow_nobody"]).exits(1).says(&["flow_nobody"]);
    place.run(&["adopt", "--flow", "nobody"]).exits(64);
}

#[test]
fn tracked_branches_are_refused_and_a_pull_request_needs_a_forge() {
    let place = Place::with("drift: report", &["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.tenant.put(&["a 2.0.0"]);
    place.run(&["adopt", "--branch", "main"]).exits(3).says(&["main", "--branch"]);
    place.run(&["adopt", "--pull-request"]).exits(1).says(&["forge"]);
    assert_eq!(branches(&place), "main");
    place.run(&["adopt", "--branch", "ours"]).exits(0);
    assert_eq!(branches(&place), "main\nours");
}

#[test]
fn somebody_elses_commit_is_built_upon_or_refuses() {
    let place = Place::with("drift: report", &["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.tenant.put(&["a 2.0.0"]);
    place.run(&["adopt"]).exits(0);
    somebody_writes(&place, "NOTES.md", "look");
    place.tenant.put(&["a 3.0.0"]);
    place.run(&["adopt"]).exits(0);
    assert_eq!(proposed(&place), "A\tNOTES.md\nM\tflows/a.json");
    somebody_writes(&place, "flows/a.json", "{}");
    let tip = git(&place.origin(), &["rev-parse", BRANCH]);
    place.run(&["adopt"]).exits(3).says(&["flows/a.json", "somebody else"]);
    assert_eq!(git(&place.origin(), &["rev-parse", BRANCH]), tip);
}

#[test]
fn a_pass_adopts_drift_once_and_what_is_merged_is_in_sync() {
    let place = Place::with("drift: adopt", &["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.tenant.writes();
    place.tenant.put(&["a 2.0.0", "b 1.0.0"]);
    assert_eq!(place.sync(), "0 drifted update a not-attempted");
    assert_eq!(proposed(&place), "M\tflows/a.json");
    let before = count(&place);
    assert_eq!(place.sync(), "0 drifted update a not-attempted");
    assert_eq!(count(&place), before, "not one commit per pass");
    place.update_work();
    git(&place.work(), &["fetch", "-q", "origin"]);
    git(&place.work(), &["merge", "-q", "--no-ff", "-m", "adopted", &format!("origin/{BRANCH}")]);
    place.push("merged");
    assert_eq!(place.sync(), "0 in-sync");
    assert_eq!(place.tenant.writes(), "");
    // What git changes is deployed as ever, and the branch begins again at what was merged.
    place.commit(&["a 2.0.0", "b 2.0.0"]);
    assert_eq!(place.sync(), "0 deployed update b deployed");
    place.tenant.put(&["a 3.0.0"]);
    place.run(&["sync", "--dry-run"]).exits(0);
    assert_eq!(git(&place.origin(), &["rev-list", "--count", &format!("main..{BRANCH}")]), "0");
    assert_eq!(place.sync(), "0 drifted update a not-attempted");
    assert_eq!(git(&place.origin(), &["rev-list", "--count", &format!("main..{BRANCH}")]), "1");
}

/// Merges what is proposed.
fn merge(place: &Place) {
    place.update_work();
    git(&place.work(), &["fetch", "-q", "origin"]);
    git(&place.work(), &["merge", "-q", "--no-ff", "-m", "adopted", &format!("origin/{BRANCH}")]);
    place.push("merged");
}

#[test]
fn what_is_edited_after_its_adoption_was_merged_is_drift_again() {
    for drift in ["drift: adopt", "drift: report"] {
        let place = Place::with(drift, &["a 1.0.0", "b 1.0.0", "gone 1.0.0"]);
        place.sync_with(&[]).exits(0);
        place.tenant.put(&["a 2.0.0", "b 1.0.0", "new 1.0.0"]);
        place.tenant.lose("gone");
        place.tenant.writes();
        place.run(&["adopt", "--flow", "flow_a", "--flow", "flow_gone", "--flow", "flow_new"]).exits(0);
        merge(&place);
        // Neither a look without writing nor a second pass makes a difference.
        place.run(&["sync", "--dry-run"]).exits(0);
        let tip = place.tip();
        assert_eq!(place.sync(), "0 in-sync");
        let recorded = place.tip();
        assert_ne!(recorded, tip, "what came to agree is written down");
        assert_eq!(place.sync(), "0 in-sync");
        assert_eq!(place.tip(), recorded, "once");
        place.tenant.put(&["a 3.0.0", "new 3.0.0"]);
        assert_eq!(place.sync(), "0 drifted update a not-attempted, update new not-attempted");
        let plan = place.run(&["plan", "--ref", "main", "--output", "json"]).exits(0).json();
        let causes: Vec<&str> = plan["drifted"].as_array().unwrap().iter().map(|it| word(&it["cause"])).collect();
        assert_eq!(causes, ["drift", "drift"]);
        assert_eq!(place.tenant.writes(), "", "nobody's edit was overwritten");
        place.tenant.put(&["gone 9.0.0"]);
        place.run(&["sync"]).exits(0);
        assert_eq!(place.tenant.writes(), "", "what was adopted as gone is nobody's");
        place.run(&["audit", "verify"]).exits(0);
    }
}

#[test]
fn a_local_work_tree_is_proposed_in_as_well() {
    let place = Place::with("drift: report", &["a 1.0.0"]);
    place.edit_configuration(&place.origin().display().to_string(), &place.work().display().to_string());
    place.sync_with(&[]).exits(0);
    place.tenant.put(&["a 2.0.0"]);
    place.run(&["adopt"]).exits(0);
    assert_eq!(git(&place.work(), &["diff", "--name-only", "main", BRANCH]), "flows/a.json");
    assert_eq!(git(&place.work(), &["status", "--porcelain"]), "");
    assert_eq!(git(&place.work(), &["symbolic-ref", "HEAD"]), "refs/heads/main");
}

#[test]
fn a_pull_request_is_opened_for_the_branch_once_also_after_the_forge_failed() {
    for kind in KINDS {
        let mut place = Place::with("drift: report", &["a 1.0.0"]);
        let forge = ForgeServer::start(kind);
        place.set("FORGE_TOKEN", TOKEN);
        place.configure(
            &place.repository_yaml(&format!("  forge: {}\n", forge.yaml("{ env: FORGE_TOKEN }"))),
            &place.environment_yaml("production", "env_prod", "drift: report"),
        );
        place.sync_with(&[]).exits(0);
        place.run(&["adopt", "--pull-request"]).exits(0).prints(&["nothing to propose"]);
        assert_eq!(forge.pulls().len(), 0);
        place.tenant.put(&["a 2.0.0"]);
        forge.fail_with("POST", false, 403, "{}");
        let failed = place.run(&["adopt", "--pull-request"]).exits(1).says(&[BRANCH]);
        assert!(!failed.stderr.contains(TOKEN), "{failed:?}");
        assert_eq!((proposed(&place).as_str(), forge.pulls().len()), ("M\tflows/a.json", 0));
        for _ in 0..2 {
            place.run(&["adopt", "--pull-request"]).exits(0).prints(&["pull request: http", "nothing new"]);
            let pulls = forge.pulls();
            assert_eq!((pulls.len(), pulls[0].head.as_str(), pulls[0].base.as_str()), (1, BRANCH, "main"));
            assert!(pulls[0].title.contains("production") && pulls[0].body.contains("flow_a"), "{pulls:?}");
        }
    }
}

#[test]
fn what_was_named_before_stays_proposed_as_long_as_it_is_live() {
    for serve in [false, true] {
        let place = Place::with("drift: adopt", &["a 1.0.0", "b 1.0.0"]);
        let _server = serve.then(|| place.serve(Rules::default()));
        place.sync_with(&[]).exits(0);
        place.update_work();
        place.tenant.put(&["new 1.0.0", "newer 1.0.0"]);
        place.run(&["adopt", "--flow", "flow_new", "--flow", "flow_newer"]).exits(0);
        place.tenant.put(&["a 2.0.0"]);
        place.run(&["adopt"]).exits(0).prints(&["flow_a", "flow_new", "flow_newer"]);
        let all = "M\tflows/a.json\nA\tflows/flow_new.json\nA\tflows/flow_newer.json";
        assert_eq!(proposed(&place), all);
        // A pass keeps it too, as it is live by now; what is gone is not kept.
        place.tenant.put(&["b 2.0.0", "new 2.0.0"]);
        place.tenant.lose("newer");
        place.run(&["sync"]).exits(0);
        assert_eq!(proposed(&place), "M\tflows/a.json\nM\tflows/b.json\nA\tflows/flow_new.json");
        let file = git(&place.origin(), &["show", &format!("{BRANCH}:flows/flow_new.json")]);
        assert!(file.contains("2.0.0"), "{file}");
        // A name is a choice anew.
        place.run(&["adopt", "--flow", "flow_b"]).exits(0);
        assert_eq!(proposed(&place), "M\tflows/b.json");
        merge(&place);
        place.run(&["adopt"]).exits(0);
        assert_eq!(proposed(&place), "M\tflows/a.json");
    }
}

#[test]
fn what_an_overlay_adds_stays_out_of_what_is_proposed() {
    let place = Place::with("drift: report", &["a 1.0.0 > b@${environment}", "b 1.0.0"]);
    place.update_work();
    place.write("overlays/production/flow_a.json", r#"{ "description": "in production" }"#);
    place.push("overlay");
    place.sync_with(&[]).exits(0);
    place.update_work();
    let mut live = place.tenant.flow("a");
    live["name"] = "Edited".into();
    place.tenant.state.put_flow("env_prod", &live.to_string()).unwrap();
    place.run(&["adopt"]).exits(0);
    assert_eq!(proposed(&place), "M\tflows/a.json");
    let lines = git(&place.origin(), &["diff", "--numstat", "main", BRANCH]);
    assert_eq!(lines, "1\t1\tflows/a.json", "neither the description nor `${{environment}}` is written out");
    merge(&place);
    assert_eq!(place.sync(), "0 in-sync");
    // What the overlay itself decides cannot be said by the file.
    live["description"] = "by hand".into();
    place.tenant.state.put_flow("env_prod", &live.to_string()).unwrap();
    place.run(&["adopt"]).exits(0).prints(&["nothing to propose"]).says(&["left out: flow_a"]);
}
