//! Manifests that somebody made up, or that a merge garbled: nothing is gone on with, owned or restored on their word.

use std::fs;

use serde_json::{Value, json};

use crate::records::{forge, no_escape};
use crate::recovery::killed;
use crate::support::{Ended, Place, flow, git, word};

/// What is forged, in words, and how.
type Forgery<'a> = (&'a str, &'a dyn Fn(&mut Value));

const MANIFEST: &str = "deployments/production/manifest.json";
const DEPLOYMENT: &str = "20261122T172257Z-b13a843e";

/// Two flows deployed, `a` changed once since; `z` is live and nobody's business.
fn place_with(sync: &str) -> Place {
    let place = Place::with(sync, &["a 1.0.0", "b 1.0.0"]);
    place.tenant.put(&["z 9.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.tenant.writes();
    place
}

fn place() -> Place {
    place_with("")
}

/// `sync`, with these arguments, ends with 3 and these words; neither the tenant nor git is written to.
#[track_caller]
fn refused_with(place: &Place, more: &[&str], texts: &[&str]) -> Ended {
    let (tip, live) = (place.tip(), place.tenant.live());
    place.tenant.writes();
    let ended = place.sync_with(more).exits(3).says(texts);
    assert_eq!(ended.environment()["result"], "refused");
    assert_eq!((place.tip(), place.tenant.live(), place.tenant.writes().as_str()), (tip, live, ""));
    no_escape(&ended);
    ended
}

#[track_caller]
fn refused(place: &Place, texts: &[&str]) -> Ended {
    refused_with(place, &[], &[&["A person must look", "nothing was written"], texts].concat())
}

/// The blob of a file that is committed somewhere outside of the flows folder.
fn blob_of(place: &Place, content: &str) -> String {
    place.update_work();
    place.write("docs/example.json", content);
    place.push("docs");
    git(&place.origin(), &["rev-parse", "main:docs/example.json"])
}

/// A manifest that says that a deployment of the newest commit is under way.
fn begin(manifest: &mut Value, status: &str) {
    manifest["deploymentId"] = DEPLOYMENT.into();
    manifest["status"] = status.into();
    manifest["holder"] = Value::Null;
    manifest["previousDeployment"] = manifest["lastDeployed"].clone();
    for flow in manifest["flows"].as_array_mut().unwrap() {
        flow["action"] = "none".into();
        ["before", "previousHash", "previousVersion"].iter().for_each(|key| flow[*key] = Value::Null);
    }
}

/// One more flow in it.
fn list(manifest: &mut Value, id: &str, action: &str, blob: &str) {
    let hash = manifest["flows"][0]["contentHash"].clone();
    let mut flow = manifest["flows"][0].clone();
    let is_new = action == "create";
    flow["id"] = format!("flow_{id}").into();
    flow["path"] = "docs/example.json".into();
    flow["action"] = action.into();
    flow["before"] = if is_new { Value::Null } else { blob.into() };
    flow["previousHash"] = if is_new { Value::Null } else { hash };
    flow["blob"] = if action == "delete" { Value::Null } else { blob.into() };
    manifest["flows"].as_array_mut().unwrap().push(flow);
}

#[test]
fn an_unmanaged_flow_is_neither_deleted_written_nor_restored() {
    for sync in ["", "prune: true\nmaxDeletes: 100%"] {
        let place = place_with(sync);
        let blob = blob_of(&place, &flow("z 6.6.6").to_string());
        let sound = place.manifest();
        for status in ["deploying", "restoring"] {
            for action in ["create", "update", "delete"] {
                forge(&place, |manifest| {
                    manifest.clone_from(&sound);
                    begin(manifest, status);
                    list(manifest, "z", action, &blob);
                });
                refused(&place, &["`flow_z`", DEPLOYMENT, "git checkout"]);
                refused_with(
                    &place,
                    &["--take-over", "--allow-deletes", "9", "--retry", "--adopt-records"],
                    &["flow_z"],
                );
                place.run(&["rollback"]).exits(3).says(&["flow_z"]);
            }
        }
    }
}

#[test]
fn a_managed_flow_gets_no_content_that_its_commit_does_not_hold() {
    let place = place();
    let blob = blob_of(&place, r#"{"id":"flow_a","name":"","version":"never checked"}"#);
    let sound = place.manifest();
    let before = sound["flows"][0]["blob"].clone();
    let forgeries: [Forgery<'_>; 4] = [
        ("`blob` is not as in the flows of its commit", &|flow| flow["blob"] = blob.clone().into()),
        ("`path` is not as in", &|flow| flow["path"] = "docs/example.json".into()),
        ("`contentHash` is not as in", &|flow| flow["contentHash"] = "0".repeat(64).into()),
        ("does not hash to `previousHash`", &|flow| flow["previousHash"] = "0".repeat(64).into()),
    ];
    for (doubt, change) in forgeries {
        forge(&place, |manifest| {
            manifest.clone_from(&sound);
            begin(manifest, "deploying");
            let hash = manifest["flows"][0]["contentHash"].clone();
            let flow = &mut manifest["flows"][0];
            (flow["action"], flow["before"], flow["previousHash"]) = ("update".into(), before.clone(), hash);
            change(flow);
        });
        refused(&place, &["`flow_a`", doubt]);
    }
}

#[test]
fn a_managed_flow_that_git_holds_is_not_deleted() {
    let place = place_with("prune: true\nmaxDeletes: 100%");
    let blob = word(&place.manifest()["flows"][1]["blob"]).to_owned();
    forge(&place, |manifest| {
        begin(manifest, "deploying");
        manifest["flows"].as_array_mut().unwrap().pop();
        list(manifest, "b", "delete", &blob);
    });
    refused(&place, &["`flow_b`: it is to be deleted, and the flows of its commit hold it"]);
}

#[test]
fn what_is_deleted_keeps_to_prune_and_to_max_deletes() {
    let orphaned = |sync: &str| {
        let place = Place::with(sync, &["a 1.0.0", "b 1.0.0", "c 1.0.0"]);
        place.sync_with(&[]).exits(0);
        place.commit(&["a 1.0.0"]);
        let source = place.tip();
        // As a deployment would look that prunes what left git.
        forge(&place, |manifest| {
            begin(manifest, "deploying");
            manifest["source"]["commit"] = source.into();
            for flow in manifest["flows"].as_array_mut().unwrap().iter_mut().skip(1) {
                flow["action"] = "delete".into();
                (flow["before"], flow["previousHash"]) = (flow["blob"].take(), flow["contentHash"].take());
            }
        });
        place
    };
    let place = orphaned("");
    refused(&place, &["`flow_b`: it is to be deleted, and `prune` is off", "turn `prune` on"]);
    let place = orphaned("prune: true");
    refused_with(&place, &[], &["begun by somebody else", "deletes 2 of 3 managed flows", "--allow-deletes 2"]);
    refused_with(&place, &["--allow-deletes", "1"], &["--allow-deletes 2"]);
    place.sync_with(&["--allow-deletes", "2"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.0.0");
}

#[test]
fn a_deployment_that_was_allowed_to_delete_is_finished_by_the_machine_that_began_it() {
    let place = Place::with("prune: true", &["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.0.0"]);
    place.tenant.fails("- { match: { call: delete, nth: 1 }, fault: { delay: { before: 10m } } }");
    let mut child = place.command(&["sync", "--allow-deletes", "1"]).spawn().unwrap();
    crate::support::until("it has begun", || {
        place.tenant.state.requests().requests.iter().any(|request| request.call == Some("delete"))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    place.tenant.heals();
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.0.0");
}

#[test]
fn what_was_live_before_is_not_deleted_as_if_it_had_been_created() {
    let place = place();
    forge(&place, |manifest| {
        begin(manifest, "restoring");
        manifest["flows"][0]["action"] = "create".into();
    });
    // It never was `deploying`.
    refused(&place, &["began it as `restoring`"]);
    let place = self::place();
    for status in ["deploying", "restoring"] {
        forge(&place, |manifest| {
            begin(manifest, status);
            manifest["flows"][0]["action"] = "create".into();
            manifest["flows"][1]["action"] = "create".into();
        });
    }
    refused_with(&place, &[], &["begun by somebody else", "--allow-deletes 2"]);
}

#[test]
fn the_commit_it_carries_is_on_the_branch_passes_the_checks_and_is_no_older_one() {
    let place = place();
    let older = git(&place.origin(), &["rev-list", "--max-parents=0", "main"]);
    let sound = place.manifest();
    let carry = |commit: &str, version: &str| {
        forge(&place, |manifest| {
            manifest.clone_from(&sound);
            begin(manifest, "deploying");
            manifest["source"]["commit"] = commit.into();
            manifest["flows"][0]["version"] = version.into();
        });
    };
    carry(&older, "1.0.0");
    refused(&place, &[&older, "does not follow", "--allow-rewind"]);
    git(&place.work(), &["checkout", "-q", "-b", "side"]);
    place.write("flows/a.json", &format!("{:#}\n", flow("a 6.6.6")));
    git(&place.work(), &["commit", "-qam", "never reviewed"]);
    git(&place.work(), &["push", "-q", "origin", "side"]);
    let side = git(&place.work(), &["rev-parse", "HEAD"]);
    git(&place.work(), &["checkout", "-q", "-"]);
    carry(&side, "6.6.6");
    refused(&place, &[&side, "is not in the history of branch `main`"]);
    carry(&"0".repeat(40), "6.6.6");
    refused(&place, &["is not in the history of branch `main`"]);
    place.update_work();
    place.write("flows/a.json", "{\"id\": \"flow_a\", \"version\": \"6.6.6\"}\n");
    let invalid = place.push("broken");
    place.commit(&["a 1.1.0", "b 1.0.0"]);
    carry(&invalid, "6.6.6");
    refused(&place, &[&invalid, "do not pass the checks"]);
}

#[test]
fn the_commit_that_began_it_touches_records_alone() {
    let place = place();
    place.update_work();
    let mut manifest = place.manifest();
    begin(&mut manifest, "deploying");
    place.write(MANIFEST, &format!("{manifest:#}\n"));
    place.write("docs/more.md", "more");
    let commit = place.push("all in one");
    refused(&place, &[&commit, "touches more than records: `docs`"]);
}

#[test]
fn two_manifests_that_were_merged_into_one_are_refused() {
    let place = killed();
    let begun = place.manifest();
    let ended: Value = serde_json::from_str(&git(&place.origin(), &["show", &format!("main~2:{MANIFEST}")])).unwrap();
    assert_eq!(ended["status"], "deployed");
    // The hunks of one side and of the other.
    forge(&place, |manifest| manifest["flows"][0] = ended["flows"][0].clone());
    refused(&place, &["it is not as commit", "the flow `flow_a` differs"]);
    forge(&place, |manifest| {
        manifest.clone_from(&begun);
        manifest["source"] = ended["source"].clone();
    });
    refused(&place, &["`source` differs"]);
    forge(&place, |manifest| {
        manifest.clone_from(&begun);
        manifest["flows"].as_array_mut().unwrap().pop();
    });
    refused(&place, &["the flow `flow_b` differs"]);
}

#[test]
fn an_unfinished_deployment_is_gone_on_with_once_its_manifest_is_restored() {
    let place = killed();
    let begun = git(&place.origin(), &["rev-parse", "main"]);
    forge(&place, |manifest| {
        let blob = word(&manifest["flows"][0]["before"]).to_owned();
        list(manifest, "z", "delete", &blob);
    });
    refused(&place, &["flow_z"]);
    git(&place.work(), &["checkout", &begun, "--", MANIFEST]);
    place.push("restored");
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
    assert_eq!(place.manifest()["status"], "deployed");
}

#[test]
fn the_way_that_a_refusal_names_leads_on() {
    let place = place();
    forge(&place, |manifest| {
        begin(manifest, "deploying");
        list(manifest, "z", "delete", &"0".repeat(40));
    });
    let ended = refused(&place, &["git checkout"]);
    let advice = ended.stderr.split('`').find(|words| words.starts_with("git checkout")).unwrap().to_owned();
    let words: Vec<&str> = advice.split(' ').skip(1).collect();
    git(&place.work(), &words);
    place.push("as the deployment before left it");
    assert_eq!(place.sync(), "0 in-sync");
    let place = Place::new(&["a 1.0.0"]);
    place.write(
        MANIFEST,
        &format!("{:#}\n", {
            let mut manifest = self::place().manifest();
            begin(&mut manifest, "deploying");
            manifest.as_object_mut().unwrap().remove("tenantDigest");
            manifest
        }),
    );
    place.push("out of nowhere");
    let ended = refused(&place, &["git rm"]);
    let advice = ended.stderr.split('`').find(|words| words.starts_with("git rm")).unwrap().to_owned();
    git(&place.work(), &advice.split(' ').skip(1).collect::<Vec<_>>());
    place.push("gone");
    assert_eq!(place.sync(), "0 deployed create a deployed");
}

#[test]
fn foreign_flows_in_a_deployed_manifest_are_not_owned() {
    let place = place_with("prune: true\nmaxDeletes: 50%");
    let blob = blob_of(&place, &flow("z 9.0.0").to_string());
    let sound = place.manifest();
    forge(&place, |manifest| {
        (0..40).for_each(|n| list(manifest, &format!("x{n}"), "none", &blob));
        list(manifest, "z", "none", &blob);
    });
    let ended = place.sync_with(&[]).exits(0).says(&["alarm", "`flow_x0`", "and 36 more", "not counted as managed"]);
    assert_eq!(ended.summary(), "0 in-sync");
    assert_eq!((place.tenant.live().as_str(), place.tenant.writes().as_str()), ("a 1.1.0, b 1.0.0, z 9.0.0", ""));
    let plan = place.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!((&plan["summary"]["delete"], &plan["unmanaged"]), (&0.into(), &json!(["flow_z"])));
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!((&plan["summary"]["delete"], &plan["unmanaged"]), (&0.into(), &json!(["flow_z"])), "in the work tree");
    assert_eq!(place.run(&["status", "--output", "json"]).json()["environments"][0]["managedFlows"], 2);
    place.run(&["audit", "verify"]).exits(1).prints(&["tampered", "was altered", &place.tip()]);
    place.commit(&["a 1.1.0"]);
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, z 9.0.0", "1 of 2 may be deleted");
    // And by a commit that never was deployed, or by one that is not on the branch.
    for commit in ["0".repeat(40), word(&sound["lastDeployed"]["commit"]).to_owned()] {
        forge(&place, |manifest| {
            manifest["lastDeployed"]["commit"] = commit.into();
            manifest["flows"].as_array_mut().unwrap().retain(|flow| flow["id"] != "flow_z");
            list(manifest, "z", "none", &blob);
        });
        place.sync_with(&[]).exits(0).says(&["alarm", "flow_z"]);
        assert!(place.tenant.live().contains("z 9.0.0"));
    }
}

#[test]
fn a_manifest_that_was_edited_after_it_ended_is_told_of() {
    let place = place();
    forge(&place, |manifest| manifest["flows"][0]["name"] = "Mallory".into());
    let words = "is not flowsync's own record of deployment";
    place.sync_with(&[]).exits(0).says(&["alarm", words, "it is not as it was closed"]);
    forge(&place, |manifest| manifest["deploymentId"] = DEPLOYMENT.into());
    place.sync_with(&[]).exits(0).says(&["alarm", words, "no audit record says that it ended"]);
    let document = place.run(&["audit", "verify", "--output", "json"]).exits(1).json();
    let faults = document["environments"][0]["faults"].to_string();
    assert!(faults.contains("was altered") && faults.contains("no record closes deployment"), "{faults}");
    let sound = git(&place.origin(), &["show", &format!("main~2:{MANIFEST}")]) + "\n";
    place.update_work();
    place.write(MANIFEST, &sound);
    place.push("restored");
    let ended = place.sync_with(&[]).exits(0);
    assert!(!ended.stderr.contains("alarm"), "{}", ended.stderr);
}

#[test]
fn what_left_git_stays_owned_on_every_machine() {
    let mut place = Place::new(&["a 1.0.0", "b 1.0.0", "c 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.0.0"]);
    place.commit(&["a 1.1.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.2.0"]);
    place.sync_with(&[]).exits(0);
    let other = |place: &mut Place, name: &str| {
        let folder = place.path(name).display().to_string();
        place.set("XDG_CACHE_HOME", &folder);
    };
    other(&mut place, "fresh");
    let quiet = place.sync_with(&[]).exits(0);
    assert!(!quiet.stderr.contains("alarm"), "{}", quiet.stderr);
    // Records of an older version do not say where git held what it holds no more.
    forge(&place, |manifest| {
        for flow in manifest["flows"].as_array_mut().unwrap() {
            flow.as_object_mut().unwrap().remove("held");
        }
    });
    place.edit_configuration("verifyTimeout: 1s", "verifyTimeout: 1s\n      prune: true\n      maxDeletes: 100%");
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.2.0");
}

#[test]
fn where_git_held_a_flow_is_not_taken_on_trust() {
    let place = place_with("prune: true\nmaxDeletes: 100%");
    let blob = blob_of(&place, &flow("z 9.0.0").to_string());
    let commit = place.tip();
    let hash = place.run(&["plan", "--output", "json"]).json();
    assert_eq!(hash["unmanaged"], json!(["flow_z"]));
    for (path, commit) in [("docs/example.json", commit.as_str()), ("flows/a.json", &commit), ("flows/z.json", &commit)]
    {
        forge(&place, |manifest| {
            let index = manifest["flows"].as_array().unwrap().iter().position(|flow| flow["id"] == "flow_z");
            index.map(|index| manifest["flows"].as_array_mut().unwrap().remove(index));
            list(manifest, "z", "none", &blob);
            let last = manifest["flows"].as_array().unwrap().len() - 1;
            let flow = &mut manifest["flows"][last];
            flow["orphaned"] = true.into();
            flow["path"] = path.into();
            flow["held"] = json!({ "commit": commit, "path": path, "blob": blob });
        });
        place.sync_with(&[]).exits(0).says(&["alarm", "`flow_z` (no commit that was deployed holds it)"]);
        assert!(place.tenant.live().contains("z 9.0.0"));
    }
}

#[test]
fn what_a_rollback_brought_back_is_owned() {
    let place = Place::with("prune: true\nmaxDeletes: 100%", &["a 1.0.0", "b 1.0.0"]);
    place.tenant.put(&["a 0.1.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0"]);
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0");
    place.run(&["rollback"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
    _ = fs::remove_dir_all(place.path("cache"));
    place.commit(&["a 1.2.0"]);
    let ended = place.sync_with(&[]).exits(0);
    assert!(!ended.stderr.contains("alarm"), "{}", ended.stderr);
    assert_eq!(place.tenant.live(), "a 1.2.0", "what came back and is not in git is pruned");
}

#[test]
fn a_rollback_goes_to_no_state_that_git_does_not_prove() {
    let place = place();
    let blob = blob_of(&place, r#"{"id":"flow_a","name":"","version":"never checked"}"#);
    let sound = place.show(MANIFEST) + "\n";
    // Somebody slips a completed deployment into history.
    forge(&place, |manifest| {
        manifest["deploymentId"] = DEPLOYMENT.into();
        manifest["flows"][0]["blob"] = blob.clone().into();
    });
    place.write(MANIFEST, &sound);
    place.push("nothing happened");
    place.run(&["rollback", "--to", DEPLOYMENT]).exits(3).says(&["is not proven by git", "nothing was written"]);
    assert_eq!((place.tenant.live().as_str(), place.tenant.writes().as_str()), ("a 1.1.0, b 1.0.0, z 9.0.0", ""));
    // Or changes the one that a rollback is about to undo.
    let id = word(&place.manifest()["deploymentId"]).to_owned();
    forge(&place, |manifest| manifest["flows"][0]["before"] = blob.into());
    place.run(&["rollback"]).exits(3).says(&["is not proven by git", &id]);
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn an_unfinished_rollback_is_proven_by_the_state_it_goes_back_to() {
    let unfinished = || {
        let place = place();
        place.tenant.fails("- { match: { call: import, nth: 1 }, fault: { delay: { after: 10m } } }");
        let mut child = place.command(&["rollback"]).spawn().unwrap();
        crate::support::until("it has begun", || place.tenant.live().starts_with("a 1.0.0"));
        child.kill().unwrap();
        child.wait().unwrap();
        place.tenant.heals();
        place
    };
    let place = unfinished();
    assert_eq!(place.manifest()["rollback"]["state"], "before");
    assert_eq!(place.sync(), "0 deployed update a deployed");
    assert_eq!(
        (place.tenant.live().as_str(), word(&place.manifest()["status"])),
        ("a 1.0.0, b 1.0.0, z 9.0.0", "deployed")
    );
    place.sync_with(&[]).exits(3).says(&["quarantined"]);
    let place = unfinished();
    let first =
        git(&place.origin(), &["log", "--format=%(trailers:key=Flowsync-Deployment,valueonly)", "--reverse", "main"]);
    let first = first.lines().find(|line| !line.is_empty()).unwrap().to_owned();
    for to in [first.as_str(), DEPLOYMENT] {
        forge(&place, |manifest| manifest["rollback"]["deploymentId"] = to.into());
        refused(&place, &["`rollback` differs"]);
    }
    forge(&place, |manifest| drop(manifest.as_object_mut().unwrap().remove("rollback")));
    refused(&place, &["the state it goes back to is not proven: it does not say which"]);
}

#[test]
fn a_previous_definition_is_measured_before_it_is_read() {
    let place = place();
    let huge = format!("{}{}", flow("a 6.6.6"), " ".repeat(33 * 1024 * 1024));
    let blob = blob_of(&place, &huge);
    forge(&place, |manifest| {
        begin(manifest, "restoring");
        let hash = manifest["flows"][0]["contentHash"].clone();
        let flow = &mut manifest["flows"][0];
        (flow["action"], flow["before"], flow["previousHash"]) = ("update".into(), blob.into(), hash);
    });
    refused(&place, &["`flow_a`: its previous definition", "bytes and was not read"]);
}

#[test]
fn with_a_branch_for_records_the_same_holds() {
    let place = Place::new(&["a 1.0.0"]);
    let repository = place.repository_yaml("  recordsBranch: flowsync/records\n");
    place.configure(&repository, &place.environment_yaml("production", "env_prod", ""));
    place.tenant.put(&["z 9.0.0"]);
    place.sync_with(&[]).exits(0);
    let blob = blob_of(&place, &flow("z 6.6.6").to_string());
    git(&place.work(), &["fetch", "-q", "origin"]);
    git(&place.work(), &["checkout", "-q", "-b", "records", "origin/flowsync/records"]);
    let text = fs::read_to_string(place.work().join(MANIFEST)).unwrap();
    let mut manifest: Value = serde_json::from_str(&text).unwrap();
    begin(&mut manifest, "deploying");
    list(&mut manifest, "z", "update", &blob);
    place.write(MANIFEST, &format!("{manifest:#}\n"));
    git(&place.work(), &["commit", "-qam", "nothing to see here"]);
    git(&place.work(), &["push", "-q", "origin", "HEAD:refs/heads/flowsync/records"]);
    place.tenant.writes();
    place.sync_with(&[]).exits(3).says(&["flow_z", "nothing was written"]);
    assert_eq!((place.tenant.live().as_str(), place.tenant.writes().as_str()), ("a 1.0.0, z 9.0.0", ""));
}
