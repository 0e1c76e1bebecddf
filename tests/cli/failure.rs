//! Deployments that fail half-way: everything is put back, or a person is told what is not.

use crate::support::{Place, flow, word};

/// A tenant that holds version 1.0.0 of these flows, and a commit with version 1.1.0 of them.
fn upgrade(names: &[&str]) -> Place {
    let lines = |version: &str| names.iter().map(|name| format!("{name} {version}")).collect::<Vec<_>>();
    let place = Place::new(&lines("1.0.0").iter().map(String::as_str).collect::<Vec<_>>());
    place.sync_with(&[]).exits(0);
    place.commit(&lines("1.1.0").iter().map(String::as_str).collect::<Vec<_>>());
    place.tenant.writes();
    place
}

#[test]
fn what_was_written_is_rolled_back_and_the_failing_flow_is_named() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0 > a", "c 1.0.0 > b"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.1.0", "b 1.1.0 > a", "c 1.1.0 > b"]);
    place.tenant.writes();
    place.tenant.fails("- { match: { call: import, flow: flow_b }, fault: { refuse: { message: bad luck } } }");
    let ended = place.sync_with(&[]).exits(4).says(&["flow_b", "bad luck"]);
    let expected = "4 rolled-back update a rolled-back, update b failed, update c not-attempted";
    assert_eq!(ended.summary(), expected);
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0, c 1.0.0");
    assert_eq!(place.tenant.writes(), "import a, import b, rollback a");
    let manifest = place.manifest();
    assert_eq!(manifest["status"], "rolled-back");
    let status = |index: usize| word(&manifest["flows"][index]["status"]).to_owned();
    assert_eq!([status(0), status(1), status(2)], ["rolled-back", "failed", "not-attempted"]);
    assert!(word(&manifest["flows"][1]["error"]).contains("bad luck"), "{manifest}");
    assert_eq!(word(&ended.environment()["recordCommit"]), place.tip());
    let subjects = place.subjects();
    let last: Vec<&str> = subjects.iter().rev().take(3).map(|subject| subject.rsplit(' ').next().unwrap()).collect();
    assert_eq!(last, ["rolled-back", "restoring", "deploying"]);
}

#[test]
fn a_flow_that_failed_after_it_was_written_is_put_back_as_well() {
    let place = upgrade(&["a"]);
    place.tenant.fails("- { match: { call: import, nth: 1 }, fault: { status: failed, message: no model } }");
    let ended = place.sync_with(&[]).exits(4).says(&["flow_a", "no model"]);
    assert_eq!(ended.summary(), "4 rolled-back update a rolled-back");
    assert!(word(&ended.environment()["flows"][0]["error"]).contains("no model"));
    assert_eq!(place.tenant.live(), "a 1.0.0");
}

#[test]
fn a_created_flow_is_deleted_again() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0 > a"]);
    place.tenant.put(&["z 1.0.0"]);
    place.tenant.fails("- { match: { call: import, flow: flow_b }, fault: refuse }");
    assert_eq!(place.sync(), "4 rolled-back create a rolled-back, create b failed");
    assert_eq!(
        (place.tenant.live().as_str(), place.tenant.writes().as_str()),
        ("z 1.0.0", "import a, import b, delete a")
    );
}

#[test]
fn a_deleted_flow_is_imported_again() {
    let place = Place::with("prune: true\nmaxDeletes: 100%\nconcurrency: 1", &["a 1.0.0", "b 1.0.0"]);
    place.tenant.put(&["k 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    std::fs::remove_file(place.work().join("flows/a.json")).unwrap();
    std::fs::remove_file(place.work().join("flows/b.json")).unwrap();
    place.write("flows/k.json", &crate::support::flow("k 1.1.0").to_string());
    place.push("only k");
    place.tenant.fails("- { match: { call: delete, flow: flow_a }, fault: { answer: { status: 405 } } }");
    let ended = place.sync_with(&["--allow-deletes", "2"]).exits(4).says(&["flow_a"]);
    assert!(ended.summary().contains("update k rolled-back"), "{}", ended.summary());
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0, k 1.0.0");
}

#[test]
fn where_a_rollback_leaves_something_else_the_definition_is_imported() {
    let place = upgrade(&["a", "b"]);
    place.tenant.fails(
        "- { match: { call: import, flow: flow_b, nth: 1 }, fault: { status: failed } }
- { match: { call: rollback }, fault: ignore }",
    );
    place.sync_with(&[]).exits(4);
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
    let writes = place.tenant.writes();
    assert!(writes.contains("rollback a") && writes.ends_with("import a") | writes.ends_with("import b"), "{writes}");
}

#[test]
fn a_tenant_without_rollback_gets_the_definition_imported() {
    let place = upgrade(&["a"]);
    place.tenant.fails(
        "- { match: { call: import, nth: 1 }, fault: { status: failed } }
- { match: { call: rollback }, fault: { answer: { status: 404 } } }",
    );
    place.sync_with(&[]).exits(4);
    assert_eq!(place.tenant.live(), "a 1.0.0");
}

#[test]
fn a_flow_read_back_different_is_a_failure() {
    let place = upgrade(&["a"]);
    place.tenant.fails("- { match: { call: import, nth: 1 }, fault: mutate }");
    let ended = place.sync_with(&[]).exits(4);
    let ended = ended.says(&["flow_a", "read back different", "`/name`: sent \"Flow a\", found \"Flow a (changed"]);
    assert!(!ended.stderr.contains("sync.ignore"), "another name is no spelling");
    assert_eq!(word(&place.tenant.flow("a")["name"]), "Flow a");
    assert_eq!(place.tenant.live(), "a 1.0.0");
    assert!(word(&place.manifest()["flows"][0]["error"]).contains("`/name`: sent"), "{}", place.manifest());
    let different = events(&place, "different");
    let places = &different[0]["places"];
    assert_eq!((word(&places[0]["path"]), word(&places[0]["sent"])), ("/name", "\"Flow a\""), "{different:?}");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_tenant_that_writes_values_its_own_way_leads_to_ignore() {
    let place = Place::new(&["a 1.0.0"]);
    let mut odd = flow("a 1.1.0");
    place.sync_with(&[]).exits(0);
    place.update_work();
    odd["nodes"][0]["configuration"] = serde_json::json!({ "delay": 1.0, "text": null });
    place.write("flows/a.json", &odd.to_string());
    place.push("odd");
    place.tenant.fails("- { match: { call: import }, fault: normalise }");
    let pointers = r#"ignore: ["/edges/*/condition", "/nodes/*/configuration/delay", "/nodes/*/configuration/text"]"#;
    let said =
        ["`/nodes/0/configuration/delay`: sent 1.0, found 1", "sent null, found nothing", &format!("sync.{pointers}")];
    place.sync_with(&[]).exits(4).says(&said);
    place.edit_configuration("verifyTimeout: 1s", &format!("verifyTimeout: 1s\n      {pointers}"));
    place.sync_with(&["--retry"]).exits(0);
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn a_flow_outside_of_the_plan_that_an_import_changes_is_an_alarm() {
    for (fault, exit) in [("neighbour", 0), ("{ status: failed }", 4)] {
        let place = upgrade(&["b"]);
        place.tenant.put(&["a 1.0.0", "c 1.0.0"]);
        let rules = format!(
            "- {{ match: {{ call: rollback }}, fault: neighbour }}\n- {{ match: {{ call: import }}, fault: {fault} }}"
        );
        place.tenant.fails(&rules);
        let ended = place.sync_with(&[]).exits(exit).says(&["alarm", "`flow_a` was not written and changed"]);
        assert_eq!(ended.environment()["alarms"].as_array().unwrap().len(), 1, "{}", ended.environment());
        assert_eq!(events(&place, "side-effect")[0]["flow"], "flow_a");
        place.run(&["audit", "verify"]).exits(0);
        place.tenant.heals();
    }
}

/// The events of one kind in the newest audit file.
fn events(place: &Place, kind: &str) -> Vec<serde_json::Value> {
    let manifest = place.manifest();
    let deployment = word(&manifest["deploymentId"]);
    let path = format!("deployments/production/audit/{}-{}/{deployment}.jsonl", &deployment[..4], &deployment[4..6]);
    let lines: Vec<serde_json::Value> =
        place.show(&path).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.into_iter().filter(|line| line["event"] == kind).collect()
}

#[test]
fn an_import_that_was_answered_well_and_ignored_is_a_failure() {
    let place = upgrade(&["a"]);
    place.tenant.fails("- { match: { call: import, nth: 1 }, fault: ignore }");
    place.sync_with(&[]).exits(4).says(&["flow_a"]);
    assert_eq!(place.tenant.live(), "a 1.0.0");
}

#[test]
fn a_flow_that_never_gets_deployed_fails_after_verify_timeout() {
    let place = upgrade(&["a"]);
    place.tenant.fails("- { match: { call: import, nth: 1 }, fault: { status: queued } }");
    place.sync_with(&[]).exits(4).says(&["flow_a", "verifyTimeout"]);
    assert_eq!(place.tenant.live(), "a 1.0.0");
}

#[test]
fn what_cannot_be_restored_is_named_and_ends_with_5() {
    let place = upgrade(&["a", "b"]);
    place.edit_configuration("verifyTimeout: 1s", "verifyTimeout: 1s\n      concurrency: 1");
    place.tenant.fails(
        "- { match: { call: import, flow: flow_b }, fault: refuse }
- { match: { call: rollback }, fault: { answer: { status: 403 } } }
- { match: { call: import, flow: flow_a, from: 2 }, fault: refuse }",
    );
    let ended = place.sync_with(&[]).exits(5).says(&["flow_a", "not restored"]);
    assert_eq!(ended.summary(), "5 rollback-incomplete update a not-restored, update b failed");
    assert_eq!(place.manifest()["status"], "rollback-incomplete");
    place.tenant.heals();
    place.tenant.writes();
    place.sync_with(&[]).exits(3).says(&["flow_a"]);
    assert_eq!(place.tenant.writes(), "");
    let status = place.run(&["status"]).exits(0);
    assert!(status.stdout.contains("flow_a") && status.stdout.contains("rollback-incomplete"), "{}", status.stdout);
    assert_eq!(place.sync_with(&["--retry"]).summary(), "0 deployed update b deployed");
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
}

#[test]
fn a_create_answered_as_an_update_is_never_deleted() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0 > a"]);
    place.tenant.put(&["a 0.5.0"]);
    // Both looks at the tenant miss it: it is somebody else's, made while the plan was.
    place.tenant.fails(
        r#"- { match: { call: export, times: 2 }, fault: { answer: { status: 200, body: '{"items":[],"total":0,"limit":100,"offset":0}' } } }
- { match: { call: import, flow: flow_b }, fault: refuse }"#,
    );
    let ended = place.sync_with(&[]).exits(5).says(&["flow_a"]);
    assert_eq!(ended.summary(), "5 rollback-incomplete create a not-restored, create b failed");
    assert!(!place.tenant.writes().contains("delete"));
    assert!(place.tenant.live().contains('a'));
}

#[test]
fn an_import_that_took_effect_unheard_is_repeated() {
    let place = upgrade(&["a"]);
    place.tenant.fails("- { match: { call: import, nth: 1 }, fault: { drop: after } }");
    assert_eq!(place.sync(), "0 deployed update a deployed");
    assert_eq!(place.tenant.live(), "a 1.1.0");
}

#[test]
fn a_busy_tenant_is_waited_for_and_no_flow_is_skipped() {
    let place = upgrade(&["a", "b", "c"]);
    place.tenant.fails("- { match: { call: import, to: 4 }, fault: { answer: { status: 429, retryAfter: '0.01' } } }");
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0, c 1.1.0");
}

#[test]
fn a_rate_limited_tenant_gets_everything_in_time() {
    let lines: Vec<String> = (0..12).map(|n| format!("f{n:02}")).collect();
    let place = Place::new(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    place.tenant.behaves(|behaviour| {
        behaviour.rate = Some(flowsync::tenant::sandbox::Rate { per_second: 20.0, burst: 5 });
    });
    place.sync_with(&[]).exits(0);
    assert_eq!(place.tenant.state.flows("env_prod").len(), 12);
}

#[test]
fn a_short_or_failing_export_never_looks_like_an_absence() {
    let place = Place::with("prune: true\nmaxDeletes: 100%", &["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    for fault in ["short", "{ corrupt: html }", "{ answer: { status: 403 } }"] {
        place.tenant.writes();
        place.tenant.fails(&format!("- {{ match: {{ call: export }}, fault: {fault} }}"));
        let ended = place.sync_with(&[]).exits(1);
        assert_eq!(ended.environment()["result"], "error");
        assert_eq!(place.tenant.writes(), "", "{fault}");
    }
    place.tenant.heals();
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn a_stale_export_after_the_deployment_is_read_again() {
    let place = upgrade(&["a"]);
    // The first export plans; the next two, after the import, lag behind.
    place.tenant.fails("- { match: { call: export, from: 2, to: 3 }, fault: stale }");
    assert_eq!(place.sync(), "0 deployed update a deployed");
}

#[test]
fn every_call_can_fail_and_none_goes_unnoticed() {
    let faults = [
        ("token", "{ answer: { status: 401 } }"),
        ("token", "{ corrupt: garbage }"),
        ("export", "{ corrupt: wrongShape }"),
        ("export", "{ answer: { status: 401 } }"),
        ("intents", "{ corrupt: html }"),
        ("import", "{ corrupt: html }"),
        ("import", "{ answer: { status: 401 } }"),
        ("import", "{ answer: { status: 403 } }"),
        ("import", "{ answer: { status: 413 } }"),
        ("status", "{ answer: { status: 403 } }"),
        ("status", "{ corrupt: wrongShape }"),
        ("status", "{ answer: { status: 400 } }"),
    ];
    std::thread::scope(|scope| {
        for (call, fault) in faults {
            scope.spawn(move || goes_noticed(call, fault));
        }
    });
}

fn goes_noticed(call: &str, fault: &str) {
    let place = Place::new(&["a 1.0.0 > intent:hello"]);
    place.tenant.add(flowsync::flow::ReferenceKind::Intent, "hello");
    place.tenant.fails(&format!("- {{ match: {{ call: {call} }}, fault: {fault} }}"));
    let ended = place.sync_with(&[]);
    let before_any_write = !matches!(call, "import" | "status");
    assert_eq!(ended.code, if before_any_write { 1 } else { 4 }, "{call} {fault}: {ended:?}");
    assert!(!word(&ended.environment()["error"]).is_empty(), "{call} {fault}");
    assert_eq!(place.tenant.live(), "", "{call} {fault}");
}

#[test]
fn a_cycle_that_was_created_is_taken_back_whole() {
    let place = Place::new(&["a 1.0.0 > b", "b 1.0.0 > a", "c 1.0.0 > a"]);
    place.tenant.fails("- { match: { call: import, flow: flow_c }, fault: refuse }");
    assert_eq!(place.sync(), "4 rolled-back create a rolled-back, create b rolled-back, create c failed");
    assert_eq!(place.tenant.live(), "");
}

#[test]
fn a_cycle_that_left_git_is_deleted_and_comes_back_when_that_fails() {
    let place = Place::with("prune: true\nmaxDeletes: 100%", &["a 1.0.0 > b", "b 1.0.0 > a", "c 1.0.0", "d 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["c 1.0.0"]);
    place.tenant.fails("- { match: { call: delete, flow: flow_b, nth: 1 }, fault: { answer: { status: 405 } } }");
    let ended = place.sync_with(&[]).exits(4);
    assert!(ended.summary().starts_with("4 rolled-back"), "{}", ended.summary());
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0, c 1.0.0, d 1.0.0");
    assert_eq!(place.tenant.flow("a")["externalReferences"].as_array().unwrap().len(), 1);
    let ended = place.sync_with(&["--retry"]).exits(0);
    assert_eq!(ended.summary(), "0 deployed delete a deployed, delete b deployed, delete d deployed");
    assert_eq!(place.tenant.live(), "c 1.0.0");
    place.run(&["rollback"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0, c 1.0.0, d 1.0.0");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_deleted_cycle_that_is_gone_already_is_imported_again() {
    let place = Place::with("prune: true\nmaxDeletes: 100%", &["a 1.0.0 > b", "b 1.0.0 > a", "c 1.0.0", "z 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["c 1.0.0"]);
    // The delete is answered well and does nothing: what is read back at the end is not what was wanted.
    place.tenant.fails("- { match: { call: delete, flow: flow_z, nth: 1 }, fault: ignore }");
    place.sync_with(&[]).exits(4).says(&["flow_z"]);
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0, c 1.0.0, z 1.0.0");
}

#[test]
fn a_cycle_that_was_only_loosened_is_made_whole_again() {
    let place = Place::with("prune: true\nmaxDeletes: 100%", &["a 1.0.0 > b", "b 1.0.0 > a", "c 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["c 1.0.0"]);
    place.tenant.fails("- { match: { call: import, flow: flow_b, nth: 1 }, fault: refuse }");
    place.sync_with(&["--allow-deletes", "2"]).exits(4).says(&["flow_b"]);
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0, c 1.0.0");
    for id in ["a", "b"] {
        assert_eq!(place.tenant.flow(id)["externalReferences"].as_array().unwrap().len(), 1, "{id}");
    }
}
