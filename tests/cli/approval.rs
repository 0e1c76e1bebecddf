//! `sync.approval: manifest`: what was not reviewed is not deployed, and what was reviewed is deployed once.

use std::fs;

use serde_json::Value;

use crate::records::forge;
use crate::recovery::half_done_with;
use crate::support::{Ended, Place, flow, git, word};

const MANIFEST: &str = "approval: manifest";

/// Proposes what the work tree would deploy; the file.
#[track_caller]
fn propose(place: &Place) -> String {
    let ended = place.run_in_work(&["plan", "--propose", "--output", "json"]).exits(0);
    let file = word(&ended.json()["proposed"]).to_owned();
    assert!(place.work().join(&file).is_file(), "{ended:?}");
    file
}

/// The same, reviewed and merged.
#[track_caller]
fn approve(place: &Place) -> String {
    place.update_work();
    let file = propose(place);
    place.push("approved");
    file
}

/// `sync` ends with 3 and these words, and nothing is written anywhere.
#[track_caller]
fn refused(place: &Place, texts: &[&str]) -> Ended {
    let (tip, live) = (place.tip(), place.tenant.live());
    place.tenant.writes();
    let ended = place.sync_with(&[]).exits(3).says(texts);
    assert_eq!(ended.environment()["result"], "refused");
    assert_eq!((place.tip(), place.tenant.live(), place.tenant.writes().as_str()), (tip, live, ""));
    ended
}

fn blob(place: &Place, revision: &str) -> String {
    git(&place.origin(), &["rev-parse", revision])
}

fn is_there(place: &Place, file: &str) -> bool {
    !git(&place.origin(), &["ls-tree", "main", file]).is_empty()
}

/// `a` and `b`, deployed.
fn deployed() -> Place {
    let place = Place::with(MANIFEST, &["a 1.0.0", "b 1.0.0"]);
    approve(&place);
    assert_eq!(place.sync(), "0 deployed create a deployed, create b deployed");
    place.tenant.writes();
    place
}

fn hash(place: &Place, id: &str) -> String {
    let manifest = place.manifest();
    let flows = manifest["flows"].as_array().unwrap();
    word(&flows.iter().find(|flow| flow["id"] == id).unwrap()["contentHash"]).to_owned()
}

#[test]
fn a_change_is_deployed_once_it_was_approved_and_its_approval_is_used_up() {
    let place = Place::with(MANIFEST, &["a 1.0.0", "b 1.0.0"]);
    refused(
        &place,
        &["2 of 2 change(s) are not approved", "create `flow_a`: never approved", "create `flow_b`: never"],
    );
    place.sync_with(&["--dry-run"]).exits(3);
    place.update_work();
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!((&plan["changes"][0]["approved"], &plan["refused"]), (&Value::Bool(false), &Value::Null));
    assert_eq!(plan["changes"][0]["notApproved"], "never approved");
    let file = approve(&place);
    let digits = word(&plan["planDigest"]).trim_start_matches("sha256:").to_owned();
    assert_eq!(file, format!("deployments/production/approved/{digits}.json"));
    place.run_in_work(&["plan"]).exits(0).prints(&["every change is approved"]);
    let approved = blob(&place, &format!("main:{file}"));
    place.sync_with(&[]).exits(0);
    let manifest = place.manifest();
    assert_eq!(manifest["approvals"][0]["file"].as_str(), Some(file.as_str()));
    assert_eq!(manifest["approvals"][0]["blob"].as_str(), Some(approved.as_str()));
    assert!(!is_there(&place, &file), "the closing commit removes it");
    assert_eq!(blob(&place, &format!("main~1:{file}")), approved, "no other does");
    let trail = place.run(&["audit", "show", "--output", "json"]).exits(0).stdout;
    assert!(trail.contains(&file), "{trail}");
    place.run(&["audit", "verify"]).exits(0);
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn a_refusal_says_of_each_flow_what_moved() {
    let place = deployed();
    let before = hash(&place, "flow_a");
    place.commit(&["a 1.1.0", "b 1.0.0"]);
    approve(&place);
    let approved = {
        let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
        assert_eq!(plan["changes"][0]["approved"], true);
        word(&plan["changes"][0]["contentHash"]).to_owned()
    };
    place.commit(&["a 1.2.0", "b 1.0.0"]);
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
    let found = word(&plan["changes"][0]["contentHash"]).to_owned();
    refused(&place, &["update `flow_a`: git moved", &approved, &found]);
    place.commit(&["a 1.1.0", "b 1.0.0"]);
    place.tenant.put(&["a 9.0.0"]);
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
    let live = word(&plan["changes"][0]["previousHash"]).to_owned();
    refused(&place, &["update `flow_a`: live moved", &before, &live]);
    place.run_in_work(&["plan"]).exits(0).prints(&["not approved: live moved", "1 change(s) are not approved"]);
    place
        .run_in_work(&["plan", "--output", "markdown"])
        .exits(0)
        .prints(&["Approval: **1 change(s) are not approved**"]);
    place.tenant.put(&["a 1.0.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed", "it is as it was approved");
}

#[test]
fn two_merged_requests_are_deployed_together() {
    let place = deployed();
    let mut files = Vec::new();
    for flows in [["a 1.1.0", "b 1.0.0"], ["a 1.0.0", "b 1.1.0"]] {
        place.commit(&flows);
        files.push(approve(&place));
    }
    place.commit(&["a 1.1.0", "b 1.1.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed, update b deployed");
    assert_eq!(place.manifest()["approvals"].as_array().unwrap().len(), 2);
    assert!(files.iter().all(|file| !is_there(&place, file)));
}

#[test]
fn drift_is_put_back_without_being_asked() {
    let place = deployed();
    place.tenant.put(&["a 7.0.0"]);
    let plan = place.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!((&plan["changes"][0]["cause"], &plan["changes"][0]["approved"]), (&"drift".into(), &true.into()));
    assert_eq!(place.sync(), "0 deployed update a deployed");
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
}

#[test]
fn an_approval_that_comes_back_counts_no_more_and_a_new_one_of_its_name_does() {
    for records_branch in ["", "  recordsBranch: flowsync/records\n"] {
        let place = Place::with(MANIFEST, &["a 1.0.0"]);
        place.configure(
            &place.repository_yaml(records_branch),
            &place.environment_yaml("production", "env_prod", MANIFEST),
        );
        approve(&place);
        assert_eq!(place.sync(), "0 deployed create a deployed");
        place.commit(&["a 1.1.0"]);
        let file = approve(&place);
        let text = place.show(&file);
        assert_eq!(place.sync(), "0 deployed update a deployed");
        place.commit(&["a 1.0.0"]);
        approve(&place);
        assert_eq!(place.sync(), "0 deployed update a deployed");
        place.commit(&["a 1.1.0"]);
        let stays = !records_branch.is_empty();
        assert_eq!(is_there(&place, &file), stays);
        if stays {
            refused_only(&place, "used by deployment");
            git(&place.work(), &["rm", "-q", &file]);
            place.push("tidy up");
            place.tenant.put(&["a 1.0.1"]);
            refused_only(&place, "never approved");
            place.tenant.put(&["a 1.0.0"]);
        }
        place.write(&file, &format!("{text}\n"));
        place.push("brought back");
        refused_only(&place, "never approved since");
        git(&place.work(), &["fetch", "-q", "origin"]);
        let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
        assert_eq!(plan["changes"][0]["approved"], false);
        assert_eq!(propose(&place), file, "the same plan has the same name");
        place.push("proposed anew");
        assert_eq!(place.sync(), "0 deployed update a deployed", "{records_branch}");
    }
}

#[track_caller]
fn refused_only(place: &Place, text: &str) {
    place.tenant.writes();
    place.sync_with(&[]).exits(3).says(&[text]);
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn with_a_branch_of_their_own_for_records_approvals_stay() {
    let place = Place::with(MANIFEST, &["a 1.0.0"]);
    place.configure(
        &place.repository_yaml("  recordsBranch: flowsync/records\n"),
        &place.environment_yaml("production", "env_prod", MANIFEST),
    );
    let file = approve(&place);
    let tip = place.tip();
    assert_eq!(place.sync(), "0 deployed create a deployed");
    assert_eq!(place.tip(), tip, "the flows' branch is only read");
    place.commit(&["a 1.1.0"]);
    let newer = approve(&place);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    let manifest = git(&place.origin(), &["show", "flowsync/records:deployments/production/manifest.json"]);
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let named: Vec<&str> = manifest["approvals"].as_array().unwrap().iter().map(|it| word(&it["file"])).collect();
    assert_eq!(named, [file.as_str(), newer.as_str()], "carried on while the file is there");
    place.tenant.put(&["a 1.0.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed", "drift");
}

#[test]
fn after_a_restoration_the_approval_is_good_for_another_try() {
    let place = deployed();
    place.commit(&["a 1.1.0", "b 1.0.0"]);
    let file = approve(&place);
    place.tenant.fails("- { match: { call: import, flow: flow_a, nth: 1 }, fault: refuse }");
    place.sync_with(&[]).exits(4);
    assert!(is_there(&place, &file));
    assert!(place.manifest()["approvals"].is_null(), "{}", place.manifest());
    place.tenant.heals();
    place.sync_with(&[]).exits(3).says(&["quarantined"]);
    place.sync_with(&["--retry"]).exits(0);
    assert!(!is_there(&place, &file));
}

#[test]
fn rollback_asks_for_none_and_says_so() {
    let place = deployed();
    place.commit(&["a 1.1.0", "b 1.0.0"]);
    approve(&place);
    place.sync_with(&[]).exits(0);
    place.run(&["rollback"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
    place.run(&["audit", "show", "--output", "json"]).exits(0).prints(&["none asked"]);
    place.sync_with(&["--retry"]).exits(3).says(&["update `flow_a`: never approved"]);
    approve_quarantined(&place);
    place.sync_with(&["--retry"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.0.0");
}

/// A plan that would be refused for now is proposed all the same: somebody may say `--retry`.
fn approve_quarantined(place: &Place) {
    place.update_work();
    place.run_in_work(&["plan", "--propose"]).exits(3).says(&["proposed by"]);
    place.push("approved");
}

#[test]
fn recovery_asks_for_none_again_and_uses_what_was_approved() {
    for more in [&[] as &[&str], &["--take-over"]] {
        let (place, mut child) = half_done_with(MANIFEST, &|place| _ = approve(place));
        child.kill().unwrap();
        child.wait().unwrap();
        place.tenant.heals();
        let manifest = place.manifest();
        assert_eq!(manifest["status"], "deploying");
        let file = word(&manifest["approvals"][0]["file"]).to_owned();
        if !more.is_empty() {
            // Another machine.
            fs::remove_dir_all(place.path("state")).unwrap();
        }
        place.sync_with(more).exits(0);
        assert_eq!(place.manifest()["status"], "deployed");
        assert_eq!(word(&place.manifest()["approvals"][0]["file"]), file);
        assert!(!is_there(&place, &file));
    }
}

#[test]
fn what_was_begun_without_an_approval_is_not_gone_on_with() {
    let (place, mut child) = half_done_with("", &|_| {});
    child.kill().unwrap();
    child.wait().unwrap();
    place.tenant.heals();
    place.edit_configuration("verifyTimeout: 1s", "verifyTimeout: 1s\n      approval: manifest");
    // Whoever began it goes on; for others it was never approved.
    fs::remove_dir_all(place.path("state")).unwrap();
    place.tenant.writes();
    place.sync_with(&["--take-over"]).exits(3).says(&["`flow_a`: it was not approved: never approved"]);
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn forged_and_damaged_files_approve_nothing_and_are_named() {
    let place = deployed();
    place.commit(&["a 1.1.0", "b 1.0.0"]);
    place.update_work();
    let file = propose(&place);
    let sound = fs::read_to_string(place.work().join(&file)).unwrap();
    let edited = |change: &dyn Fn(&mut Value)| {
        let mut manifest: Value = serde_json::from_str(&sound).unwrap();
        change(&mut manifest);
        format!("{manifest:#}\n")
    };
    let forgeries: [(&str, String); 6] = [
        ("cannot be read as a manifest", "{".to_owned()),
        ("expected status `pending`", edited(&|it| it["status"] = "deployed".into())),
        ("it is for environment `staging`", edited(&|it| it["environment"] = "staging".into())),
        ("it is for `env_x` of the tenant", edited(&|it| it["targetEnvironment"] = "env_x".into())),
        ("not that of its plan digest", edited(&|it| it["planDigest"] = format!("sha256:{}", "0".repeat(64)).into())),
        ("do not go with its action", edited(&|it| it["flows"][0]["previousHash"] = Value::Null)),
    ];
    for (said, text) in forgeries {
        place.write(&file, &text);
        place.push("forged");
        refused(&place, &[&format!("`{file}` approves nothing"), said, "update `flow_a`: never approved"]);
    }
    place.write(&file, &edited(&|it| it["flows"][0]["action"] = "none".into()));
    place.push("forged");
    refused(&place, &["update `flow_a`: never approved"]);
    git(&place.work(), &["rm", "-q", &file]);
    place.write("deployments/production/approved/mine.json", &sound);
    place.push("renamed");
    refused(&place, &["`deployments/production/approved/mine.json` approves nothing", "64 lower-case"]);
    place.write(&file, &sound);
    place.push("as it was");
    let ended = place.sync_with(&[]).exits(0);
    assert!(word(&ended.environment()["alarms"][0]).contains("mine.json"), "{ended:?}");
}

#[test]
fn a_manifest_that_lies_about_what_was_left_live_makes_nothing_drift() {
    let place = deployed();
    let tip = place.commit(&["a 1.1.0", "b 1.0.0"]);
    let plan = place.run(&["plan", "--output", "json"]).exits(0).json();
    let (target, path) = (plan["changes"][0]["contentHash"].clone(), "flows/a.json");
    let held = git(&place.origin(), &["rev-parse", &format!("main:{path}")]);
    forge(&place, |manifest| {
        manifest["lastDeployed"]["commit"] = tip.clone().into();
        manifest["source"]["commit"] = tip.clone().into();
        manifest["flows"][0]["contentHash"] = target.clone();
        manifest["flows"][0]["blob"] = held.clone().into();
    });
    refused(&place, &["update `flow_a`: never approved"]);
}

#[test]
fn only_what_is_committed_is_proposed_and_nothing_where_nothing_changes() {
    let place = deployed();
    place.update_work();
    let ended = place.run_in_work(&["plan", "--propose", "--output", "json"]).exits(0);
    assert!(ended.json()["proposed"].is_null());
    ended.says(&["production: nothing changes, so nothing is proposed"]);
    place.run_in_work(&["plan", "--propose", "--push", "main"]).exits(3).says(&["branch `main` is deployed from"]);
    place.write("flows/a.json", &flow("a 1.1.0").to_string());
    place.run_in_work(&["plan", "--propose"]).exits(3).says(&["not committed", "flows/a.json"]);
    assert_eq!(git(&place.work(), &["status", "--porcelain"]), "M flows/a.json");
    place.update_work();
    place.write("overlays/production/flow_a.json", r#"{"name":"Other"}"#);
    place.run_in_work(&["plan", "--propose"]).exits(3).says(&["not committed", "overlays/production/flow_a.json"]);
    place.run(&["plan", "--propose"]).exits(1).says(&["git work tree"]);
    let of_commit = place.run_in_work(&["plan", "--propose", "--ref", "HEAD", "--output", "json"]).exits(0);
    assert!(of_commit.json()["proposed"].is_null(), "the commit changes nothing");
}

#[test]
fn the_plan_of_a_request_is_made_on_the_result_of_the_merge() {
    let place = deployed();
    place.update_work();
    git(&place.work(), &["checkout", "-q", "-b", "feature"]);
    place.write("flows/a.json", &format!("{:#}\n", flow("a 1.1.0")));
    git(&place.work(), &["commit", "-q", "--all", "-m", "a"]);
    git(&place.work(), &["push", "-q", "origin", "feature"]);
    let feature = git(&place.work(), &["rev-parse", "feature"]);
    git(&place.work(), &["checkout", "-q", "main"]);
    place.write("flows/b.json", &format!("{:#}\n", flow("b 1.1.0")));
    place.push("b goes on meanwhile");
    git(&place.work(), &["fetch", "-q", "origin"]);
    git(&place.work(), &["checkout", "-q", "feature"]);
    let n_objects = git(&place.work(), &["count-objects"]);
    let alone = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(alone["changes"].as_array().unwrap().len(), 1);
    let merged = ["plan", "--merge-into", "origin/main", "--output", "json"];
    let plan = place.run_in_work(&merged).exits(0).json();
    let ids: Vec<&str> = plan["changes"].as_array().unwrap().iter().map(|change| word(&change["id"])).collect();
    assert_eq!(ids, ["flow_a", "flow_b"]);
    assert_eq!((word(&plan["basis"]["kind"]), word(&plan["basis"]["into"])), ("merge", "origin/main"));
    assert_eq!(word(&plan["commit"]), feature);
    assert_eq!(git(&place.work(), &["count-objects"]), n_objects, "the merge is made in memory");
    let proposed = place.run_in_work(&[&merged[..], &["--propose", "--push", "feature"]].concat()).exits(0).json();
    let file = word(&proposed["proposed"]).to_owned();
    assert_eq!(git(&place.origin(), &["diff", "--name-only", &feature, "feature"]), file, "only that file");
    assert_eq!(git(&place.origin(), &["rev-parse", "feature~1"]), feature, "on top of the branch");
    assert!(!place.work().join(&file).exists());
    // CI runs again on that very commit, and proposes nothing more.
    git(&place.work(), &["pull", "-q", "origin", "feature"]);
    place.run_in_work(&[&merged[..], &["--propose", "--push", "feature"]].concat()).exits(0);
    assert_eq!(
        git(&place.origin(), &["rev-parse", "feature~2"]),
        git(&place.origin(), &["rev-parse", &format!("{feature}~1")])
    );
    git(&place.work(), &["checkout", "-q", "main"]);
    git(&place.work(), &["merge", "-q", "-m", "merge", "feature"]);
    place.push("merged");
    assert_eq!(place.sync(), "0 deployed update a deployed, update b deployed");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_merge_with_conflicts_is_refused_with_the_files() {
    let place = deployed();
    place.update_work();
    git(&place.work(), &["checkout", "-q", "-b", "feature"]);
    place.write("flows/a.json", &format!("{:#}\n", flow("a 1.1.0")));
    git(&place.work(), &["commit", "-q", "--all", "-m", "a"]);
    git(&place.work(), &["checkout", "-q", "main"]);
    place.write("flows/a.json", &format!("{:#}\n", flow("a 1.2.0")));
    git(&place.work(), &["commit", "-q", "--all", "-m", "a otherwise"]);
    let args = ["plan", "--ref", "feature", "--merge-into", "main"];
    place.run_in_work(&args).exits(3).says(&["cannot be merged", "`flows/a.json`"]);
    place.write("flows/a.json", &format!("{:#}\n", flow("a 1.3.0")));
    place.run_in_work(&["plan", "--merge-into", "main", "--propose"]).exits(3).says(&["not committed"]);
    place.run_in_work(&["plan", "--merge-into", "nowhere"]).exits(1).says(&["nowhere"]);
    place.run(&["plan", "--merge-into", "main"]).exits(1).says(&["git repository"]);
}

#[test]
fn a_proposal_is_pushed_to_a_new_branch_on_the_planned_commit() {
    for is_served in [false, true] {
        let place = deployed();
        place.update_work();
        let _server = is_served.then(|| place.serve(crate::http_server::Rules::default()));
        git(&place.work(), &["checkout", "-q", "-b", "feature"]);
        place.write("flows/a.json", &format!("{:#}\n", flow("a 1.1.0")));
        git(&place.work(), &["commit", "-q", "--all", "-m", "a"]);
        git(&place.work(), &["push", "-q", "origin", "feature"]);
        git(&place.work(), &["fetch", "-q", "origin"]);
        let feature = git(&place.work(), &["rev-parse", "feature"]);
        let push = ["plan", "--propose", "--push", "approve/a", "--output", "json"];
        let file = word(&place.run_in_work(&push).exits(0).json()["proposed"]).to_owned();
        assert_eq!(git(&place.origin(), &["rev-parse", "approve/a~1"]), feature);
        assert_eq!(git(&place.origin(), &["diff", "--name-only", &feature, "approve/a"]), file);
        let message = git(&place.origin(), &["log", "-1", "--format=%B", "approve/a"]);
        assert!(message.contains("Flowsync-Environment: production"), "{message}");
        place.run_in_work(&["plan", "--propose", "--push", "main"]).exits(3).says(&["branch `main` is deployed from"]);
        place.run_in_work(&["plan", "--push", "x"]).exits(64);
        git(&place.work(), &["pull", "-q", "origin", "approve/a"]);
        place.push("merged");
        assert_eq!(place.sync(), "0 deployed update a deployed");
    }
}

/// A plan that stands in a file beside the repository.
fn plan_out(place: &Place) -> String {
    let file = place.path("plan.json").display().to_string();
    place.run(&["plan", "--out", &file]).exits(0);
    file
}

#[test]
fn a_plan_file_is_carried_out_once_wherever_that_was() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0"]);
    let file = plan_out(&place);
    place.sync_with(&["--plan", &file]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0");
    let manifest = place.manifest();
    let plan: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(manifest["boundTo"], plan["deploymentId"]);
    for machine in ["the same", "another"] {
        if machine == "another" {
            fs::remove_dir_all(place.path("state")).unwrap();
            fs::remove_dir_all(place.path("cache")).unwrap();
        }
        refused_by(&place, &file, "was carried out by deployment");
        place.tenant.put(&["a 1.0.0"]);
        refused_by(&place, &file, word(&manifest["deploymentId"]));
        place.tenant.put(&["a 1.1.0"]);
    }
    place.tenant.put(&["a 1.0.0"]);
    let anew = plan_out(&place);
    place.sync_with(&["--plan", &anew]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0");
}

#[track_caller]
fn refused_by(place: &Place, file: &str, text: &str) {
    let tip = place.tip();
    place.tenant.writes();
    place.sync_with(&["--plan", file]).exits(3).says(&[text]);
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
}

#[test]
fn a_plan_that_is_stale_or_none_is_not_carried_out() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0", "b 1.0.0"]);
    let file = plan_out(&place);
    place.commit(&["a 1.2.0", "b 1.0.0"]);
    refused_by(&place, &file, "`flow_a`: git moved");
    place.commit(&["a 1.1.0", "b 1.1.0"]);
    refused_by(&place, &file, "`flow_b` is not in the plan");
    place.commit(&["a 1.0.0", "b 1.0.0"]);
    refused_by(&place, &file, "`flow_a` is not to be changed any more");
    place.commit(&["a 1.1.0", "b 1.0.0"]);
    place.tenant.put(&["a 0.9.0"]);
    refused_by(&place, &file, "`flow_a`: live moved");
    place.tenant.put(&["a 1.0.0"]);
    place.tenant.writes();
    let text = fs::read_to_string(&file).unwrap();
    let wrong = place.path("wrong.json").display().to_string();
    for other in [
        "{".to_owned(),
        text.replace("\"production\"", "\"staging\""),
        text.replace("\"env_prod\"", "\"env_x\""),
        text.replacen("\"status\": \"pending\"", "\"status\": \"deployed\"", 1),
    ] {
        fs::write(&wrong, other).unwrap();
        let ended = place.sync_with(&["--plan", &wrong]).exits(1).says(&["is no plan to carry out here"]);
        assert_eq!(ended.environment()["result"], "error");
    }
    place.sync_with(&["--plan", "/nowhere"]).exits(1).says(&["cannot read the plan"]);
    place.sync_with(&["--plan", "/dev"]).exits(1);
    assert_eq!(place.tenant.writes(), "");
    place.edit_configuration("verifyTimeout: 1s", "verifyTimeout: 1s\n      approval: manifest");
    refused_by(&place, &file, "update `flow_a`: never approved");
    place.edit_configuration("approval: manifest", "approval: none");
    place.sync_with(&["--plan", &file, "--dry-run"]).exits(0);
    place.tenant.fails("- { match: { call: import, flow: flow_a, nth: 1 }, fault: refuse }");
    place.sync_with(&["--plan", &file]).exits(4);
    place.tenant.heals();
    place.sync_with(&["--plan", &file, "--retry"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.0.0");
}
