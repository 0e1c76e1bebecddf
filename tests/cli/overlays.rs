//! Overlays and `${environment}`: what is validated, planned, deployed, put back and proven is the composed flow.

use serde_json::Value;

use crate::http_server::Rules;
use crate::support::{Place, git, until, word};

/// Flow `a`, which needs `b` in its own environment.
const FLOWS: [&str; 2] = ["a 1.0.0 > b@${environment}", "b 1.0.0"];

/// A patch that says which node it changes.
fn text_patch(version: &str) -> String {
    format!(
        r#"[ {{ "op": "test", "path": "/nodes/1/id", "value": "end" }},
  {{ "op": "replace", "path": "/nodes/1/configuration/version", "value": "{version}" }} ]"#
    )
}

/// Two environments of one folder, an overlay over `a` in each, and everything deployed.
fn two_environments() -> Place {
    let place = Place::new(&FLOWS);
    let environments = [("production", "env_prod"), ("staging", "env_staging")];
    let environments = environments.map(|(name, id)| place.environment_yaml(name, id, "prune: true\n maxDeletes: 9"));
    place.configure(&place.repository_yaml(""), &environments.concat());
    overlay(&place, "production", "a", r#"{ "name": "Production", "description": 1.50 }"#);
    overlay(&place, "staging", "a", &text_patch("staging"));
    place.push("overlays");
    place.sync_with(&[]).exits(0);
    place.tenant.writes();
    place
}

fn overlay(place: &Place, environment: &str, flow: &str, text: &str) {
    place.write(&format!("overlays/{environment}/flow_{flow}.json"), text);
}

/// Commits an overlay for production.
fn commit_overlay(place: &Place, flow: &str, text: &str) {
    place.update_work();
    overlay(place, "production", flow, text);
    place.push("overlay");
}

/// `sync` of production, in a line.
fn sync_production(place: &Place) -> String {
    place.sync_with(&["--env", "production"]).summary()
}

fn name(place: &Place) -> String {
    word(&place.tenant.flow("a")["name"]).to_owned()
}

fn staging(place: &Place) -> Value {
    serde_json::from_slice(&place.tenant.state.flows("env_staging")["flow_a"]).unwrap()
}

#[test]
fn each_environment_gets_its_own_flow_from_one_file() {
    let place = two_environments();
    let (prod, stage) = (place.tenant.flow("a"), staging(&place));
    assert_eq!((&prod["name"], &stage["name"]), (&"Production".into(), &"Flow a".into()));
    assert_eq!(prod["externalReferences"][0]["environmentId"], "env_prod");
    assert_eq!(stage["externalReferences"][0]["environmentId"], "env_staging");
    assert_eq!(stage["nodes"][1]["configuration"]["version"], "staging");
    assert!(place.tenant.text("a").contains("1.50"), "numbers keep their spelling");
    let manifest = place.manifest();
    crate::output::assert_manifest(&place, &manifest);
    assert_eq!(manifest["flows"][0]["composed"]["environment"], "env_prod");
    assert!(manifest["flows"][1]["composed"].is_null(), "{manifest}");
    let tip = place.tip();
    assert_eq!(place.sync(), "0 in-sync | in-sync");
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
    place.run(&["audit", "verify", "--env", "production"]).exits(0);
    let status = place.run(&["status", "--env", "production", "--output", "json"]).exits(0).json();
    assert_eq!(status["environments"][0]["flowsChangedSince"], false, "{status}");
    std::fs::remove_dir_all(place.path("cache")).unwrap();
    assert_eq!(place.sync(), "0 in-sync | in-sync", "proven anew by a machine that remembers nothing");
}

#[test]
fn a_push_that_changes_an_overlay_alone_is_deployed_where_it_belongs() {
    let place = two_environments();
    commit_overlay(&place, "a", r#"{ "name": "Changed" }"#);
    assert_eq!(place.sync(), "0 deployed update a deployed | in-sync");
    assert_eq!(name(&place), "Changed");
    place.update_work();
    git(&place.work(), &["rm", "-qr", "overlays/production"]);
    place.push("no overlay any more");
    assert_eq!(place.sync(), "0 deployed update a deployed | in-sync");
    assert_eq!(name(&place), "Flow a");
    assert_eq!(place.tenant.flow("a")["externalReferences"][0]["environmentId"], "env_prod");
}

#[test]
fn drift_of_a_composed_flow_is_put_right_and_a_flow_that_left_is_pruned() {
    let place = two_environments();
    place.tenant.put(&["a 7.0.0"]);
    assert_eq!(sync_production(&place), "0 deployed update a deployed");
    assert_eq!(name(&place), "Production");
    place.update_work();
    std::fs::remove_file(place.work().join("flows/a.json")).unwrap();
    place.push("a goes, its overlays stay");
    let ended = place.sync_with(&["--env", "production"]).exits(3);
    let problem = &ended.environment()["problems"][0];
    assert_eq!(
        (word(&problem["rule"]), word(&problem["file"])),
        ("overlay-without-flow", "overlays/production/flow_a.json")
    );
    place.update_work();
    git(&place.work(), &["rm", "-qr", "overlays"]);
    place.push("they go as well");
    assert_eq!(sync_production(&place), "0 deployed delete a deployed");
    assert_eq!(place.tenant.live(), "b 1.0.0");
    place.run(&["rollback", "--env", "production"]).exits(0);
    assert_eq!((place.tenant.live().as_str(), name(&place).as_str()), ("a 1.0.0, b 1.0.0", "Production"));
    place.run(&["audit", "verify", "--env", "production"]).exits(0);
}

#[test]
fn what_is_live_already_is_adopted_and_owned() {
    let place = Place::with("prune: true\n maxDeletes: 9", &FLOWS);
    commit_overlay(&place, "a", r#"{ "name": "Production" }"#);
    place.tenant.put(&["a 1.0.0 = Production > b", "b 1.0.0"]);
    assert_eq!(place.sync(), "0 in-sync");
    assert_eq!(place.manifest()["kind"], "adoption");
    std::fs::remove_dir_all(place.path("cache")).unwrap();
    place.tenant.put(&["a 2.0.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    assert_eq!(name(&place), "Production");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_failed_deployment_of_an_overlay_is_put_back_and_another_overlay_is_tried() {
    let place = two_environments();
    place.update_work();
    overlay(&place, "production", "a", r#"{ "name": "Bad" }"#);
    overlay(&place, "production", "b", r#"{ "name": "Bad" }"#);
    place.push("overlays");
    place.tenant.fails("- { match: { call: import, flow: flow_a }, fault: { refuse: { message: bad luck } } }");
    assert_eq!(sync_production(&place), "4 rolled-back update b rolled-back, update a failed");
    assert_eq!((name(&place).as_str(), &place.tenant.flow("b")["name"]), ("Production", &"Flow b".into()));
    place.tenant.heals();
    place.tenant.writes();
    place.sync_with(&["--env", "production"]).exits(3).says(&["quarantined"]);
    assert_eq!(place.tenant.writes(), "");
    commit_overlay(&place, "b", r#"{ "name": "Good" }"#);
    assert_eq!(sync_production(&place), "0 deployed update b deployed, update a deployed");
    assert_eq!((name(&place).as_str(), &place.tenant.flow("b")["name"]), ("Bad", &"Good".into()));
    place.run(&["audit", "verify", "--env", "production"]).exits(0);
}

/// A deployment of another overlay over `a`, and of `b`, that hangs once `b` is written, and was killed.
fn killed() -> Place {
    let place = Place::new(&FLOWS);
    commit_overlay(&place, "a", r#"{ "name": "Production" }"#);
    place.sync_with(&[]).exits(0);
    place.update_work();
    overlay(&place, "production", "a", r#"{ "name": "Next" }"#);
    overlay(&place, "production", "b", r#"{ "name": "Next" }"#);
    place.push("overlays");
    place.tenant.fails("- { match: { call: import, flow: flow_b, nth: 1 }, fault: { delay: { after: 10m } } }");
    let mut child = place.command(&["sync"]).spawn().unwrap();
    until("b is written", || place.tenant.flow("b")["name"] == "Next");
    child.kill().unwrap();
    child.wait().unwrap();
    place.tenant.heals();
    place.tenant.writes();
    place
}

#[test]
fn a_crash_is_gone_on_with_by_a_machine_that_knows_nothing() {
    let mut place = killed();
    let other = place.path("other").display().to_string();
    place.set("XDG_STATE_HOME", &other);
    place.set("XDG_CACHE_HOME", &other);
    place.sync_with(&["--take-over"]).exits(0);
    assert_eq!(place.tenant.writes(), "import a", "b was live already");
    assert_eq!(name(&place), "Next");
    assert_eq!(place.sync(), "0 in-sync");
    place.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_crash_on_the_way_back_ends_with_what_was_live() {
    let place = killed();
    place.tenant.fails("- { match: { call: import, flow: flow_a }, fault: refuse }");
    place.sync_with(&[]).exits(4);
    assert_eq!((name(&place).as_str(), &place.tenant.flow("b")["name"]), ("Production", &"Flow b".into()));
    assert_eq!(place.manifest()["status"], "rolled-back");
}

#[test]
fn a_rollback_brings_the_composed_flow_of_an_earlier_commit() {
    let place = Place::new(&FLOWS);
    let mut ids = Vec::new();
    for name in ["One", "Two", "Three"] {
        commit_overlay(&place, "a", &format!(r#"{{ "name": "{name}" }}"#));
        place.sync_with(&[]).exits(0);
        ids.push(word(&place.manifest()["deploymentId"]).to_owned());
    }
    place.run(&["rollback"]).exits(0);
    assert_eq!(name(&place), "Two");
    std::fs::remove_dir_all(place.path("cache")).unwrap();
    place.run(&["rollback", "--to", &ids[0]]).exits(0);
    assert_eq!(name(&place), "One");
    assert_eq!(place.tenant.flow("a")["externalReferences"][0]["environmentId"], "env_prod");
    place.sync_with(&[]).exits(3).says(&["quarantined"]);
    commit_overlay(&place, "a", r#"{ "name": "Four" }"#);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    place.run(&["rollback"]).exits(0);
    assert_eq!(name(&place), "One", "what a rollback left is what is gone back to");
    place.run(&["audit", "verify"]).exits(0);
    crate::output::assert_manifest(&place, &place.manifest());
}

#[test]
fn a_manifest_that_names_another_overlay_proves_nothing() {
    let place = killed();
    place.update_work();
    let path = "deployments/production/manifest.json";
    let manifest = place.show(path);
    let overlay = git(&place.origin(), &["rev-parse", "main:overlays/production/flow_a.json"]);
    assert!(manifest.contains(&overlay), "{manifest}");
    let other = git(&place.origin(), &["rev-parse", "main:flows/b.json"]);
    place.write(path, &manifest.replace(&overlay, &other));
    place.push("forged");
    place.sync_with(&[]).exits(3).says(&["`flow_a`: `composed` is not as in the flows of its commit"]);
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn a_repository_on_a_server_is_read_the_same_way() {
    let place = Place::new(&FLOWS);
    commit_overlay(&place, "a", r#"{ "name": "Production" }"#);
    let _server = place.serve(Rules::default());
    assert_eq!(place.sync(), "0 deployed create b deployed, create a deployed");
    assert_eq!(name(&place), "Production");
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn a_plan_sees_overlays_that_are_not_committed() {
    let place = Place::new(&FLOWS);
    place.sync_with(&[]).exits(0);
    place.update_work();
    overlay(&place, "production", "a", r#"{ "name": "Later" }"#);
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(plan["changes"][0]["diff"]["fields"][0]["after"], "Later", "{plan}");
    overlay(
        &place,
        "production",
        "a",
        "{ \"externalReferences\": [\n { \"type\": \"flow\", \"id\": \"flow_none\", \"environmentId\": \"${environment}\" } ] }",
    );
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(3).json();
    let problem = plan["problems"].as_array().unwrap().iter().find(|it| it["rule"] == "missing-reference").unwrap();
    assert_eq!((word(&problem["file"]), &problem["line"]), ("overlays/production/flow_a.json", &2.into()), "{problem}");
    let sha = place.push("a reference to nothing");
    let plan = place.run(&["plan", "--ref", &sha, "--output", "json"]).exits(3).json();
    let problem = plan["problems"].as_array().unwrap().iter().find(|it| it["rule"] == "missing-reference").unwrap();
    assert_eq!((word(&problem["file"]), &problem["line"]), ("overlays/production/flow_a.json", &2.into()), "{problem}");
}

#[test]
fn what_is_wrong_with_an_overlay_refuses_where_it_stands() {
    let place = Place::new(&FLOWS);
    let refused = |path: &str, text: &str| {
        place.update_work();
        _ = std::fs::remove_dir_all(place.work().join("overlays"));
        place.write(&format!("overlays/production/{path}"), text);
        place.push("overlay");
        let environment = place.sync_with(&[]).exits(3).environment();
        let problem = environment["problems"][0].clone();
        assert_eq!(word(&problem["file"]), format!("overlays/production/{path}"), "{problem}");
        format!("{} {} {}", word(&problem["rule"]), problem["line"], word(&problem["pointer"]))
    };
    assert_eq!(refused("a.json", "{}"), "overlay-name 1 ");
    assert_eq!(refused("deeper/flow_a.json", "{}"), "overlay-name 1 ");
    assert_eq!(refused("flow_none.json", "{}"), "overlay-without-flow 1 ");
    assert_eq!(refused("flow_a.json", "{\n\"a\": 1, \"a\": 2}"), "duplicate-key 2 /a");
    assert_eq!(refused("flow_a.json", "[{\"op\":\"remove\",\n\"path\":\"/none\"}]"), "patch-not-applied 2 /0/path");
    let test = format!("[{}]", r#"{"op":"remove","path":"/name"},{"op":"test","path":"/version","value":"9.9.9"}"#);
    assert_eq!(refused("flow_a.json", &test), "patch-not-applied 1 /1/path");
    place
        .sync_with(&[])
        .exits(3)
        .says(&["expected `\"9.9.9\"` at `/version` for operation 1 (`test`), found `\"1.0.0\"`"]);
    assert_eq!(refused("flow_a.json", "\"x\""), "patch-form 1 ");
    assert_eq!(refused("flow_a.json", "{\n\"id\": \"flow_b\"}"), "patch-changes-id 2 /id");
    assert_eq!(refused("flow_a.json", "{\n\"version\": \"x\"}"), "wrong-version 2 /version");
    place.update_work();
    std::fs::remove_dir_all(place.work().join("overlays")).unwrap();
    std::os::unix::fs::symlink("flows", place.work().join("overlays")).unwrap();
    place.push("a link");
    let problem = place.sync_with(&[]).exits(3).environment()["problems"][0].clone();
    assert_eq!((word(&problem["rule"]), word(&problem["file"])), ("symbolic-link", "overlays"));
    assert_eq!(place.tenant.state.requests().total, 0, "nobody was asked");
}

#[test]
fn folders_lie_apart() {
    let place = Place::new(&FLOWS);
    for (line, names) in [
        ("  overlays: flows/x\n", ["flows in `flows`", "overlays in `flows/x`"]),
        ("  flows: overlays\n", ["flows in `overlays`", "overlays in `overlays`"]),
        ("  overlays: deployments\n", ["overlays in `deployments`", "records in `deployments`"]),
    ] {
        place.configure(&place.repository_yaml(line), &place.environment_yaml("production", "env_prod", ""));
        place.sync_with(&[]).exits(1).says(&names);
    }
}

#[test]
fn build_shows_what_would_be_deployed() {
    let place = two_environments();
    let build = |more: &[&str]| place.run_in_work(&[&["build", "--env", "production"], more].concat());
    place.update_work();
    let flows = build(&[]).exits(0).json();
    let names: Vec<&str> = flows.as_array().unwrap().iter().map(|flow| word(&flow["name"])).collect();
    assert_eq!(names, ["Production", "Flow b"]);
    assert_eq!(flows[0]["externalReferences"][0]["environmentId"], "env_prod");
    assert_eq!(place.run(&["build", "--env", "production"]).exits(0).json(), flows, "the same from the branch");
    overlay(&place, "production", "a", r#"{ "name": "Later" }"#);
    assert_eq!(build(&[]).exits(0).json()[0]["name"], "Later");
    assert_eq!(build(&["--ref", "HEAD"]).exits(0).json(), flows);
    let into = place.path("built").display().to_string();
    build(&["--ref", "HEAD", "--into", &into]).exits(0).prints(&["2 flows written"]);
    let text = |name: &str| std::fs::read_to_string(place.path("built").join(name)).unwrap();
    assert!(text("a.json").contains("\n  \"description\": 1.50"), "{}", text("a.json"));
    assert_eq!(text("b.json").trim_end(), place.show("flows/b.json"), "what is deployed as it stands is the same file");
    build(&["--into", "flows"]).exits(1).says(&["apart from the sources"]);
    overlay(&place, "production", "a", "{\n\"version\": 7}");
    build(&[]).exits(3).says(&["overlays/production/flow_a.json:2"]);
    place.run_in_work(&["build", "--env", "staging"]).exits(0);
}

#[test]
fn validate_checks_what_each_environment_gets() {
    let place = two_environments();
    place.update_work();
    let document = |arguments: &[&str], code: i32| {
        place.run_in_work(&[&["validate", "--format", "json"], arguments].concat()).exits(code).json()
    };
    let told = |document: &Value| -> Vec<String> {
        let problems = document["problems"].as_array().unwrap().iter();
        // Versions have a test of their own.
        problems
            .filter(|it| it["rule"] != "version-not-raised")
            .map(|it| format!("{} {}:{}", word(&it["rule"]), word(&it["file"]), it["line"]))
            .collect()
    };
    let good = document(&[], 0);
    assert_eq!((&good["files"], &good["overlays"], &good["flows"]), (&2.into(), &2.into(), &2.into()), "{good}");
    place.run_in_work(&["validate"]).exits(0).prints(&["2 files, 2 overlays, 2 flows: 0 errors"]);
    overlay(&place, "staging", "a", "{\n\"version\": 7}");
    overlay(&place, "staging", "none", "{}");
    let all = ["overlay-without-flow overlays/staging/flow_none.json:1", "wrong-type overlays/staging/flow_a.json:2"];
    let mut found = told(&document(&[], 3));
    found.sort();
    assert_eq!(found, all);
    assert_eq!(told(&document(&["--env", "production"], 0)), [""; 0]);
    overlay(&place, "produktion", "a", "{}");
    assert_eq!(told(&document(&[], 3)).len(), 3, "a folder that no environment reads");
    std::fs::remove_dir_all(place.work().join("overlays/produktion")).unwrap();
    for path in ["overlays", "overlays/staging", "overlays/staging/flow_a.json"] {
        assert_eq!(told(&document(&[path], 3)).len(), 2, "{path}");
    }
    assert_eq!(told(&document(&["flows/a.json"], 3)), [all[1]], "of one file only its own overlays are told");
    place.run_in_work(&["validate"]).exits(3).says(&[]).prints(&["overlays/staging/flow_a.json", "\"version\": 7"]);
    overlay(&place, "staging", "a", r#"[{"op": "remove", "path": "/nodes/0/configuration"}]"#);
    std::fs::remove_file(place.work().join("overlays/staging/flow_none.json")).unwrap();
    let found = told(&document(&[], 3));
    assert_eq!(
        found,
        ["missing-member overlays/staging/flow_a.json:1", "patch-by-index overlays/staging/flow_a.json:1"]
    );
    place.write("flows/a.json", &place.show("flows/a.json").replace("\"1.0.0\"", "\"1\""));
    overlay(&place, "staging", "a", r#"{"version": "1.0.0"}"#);
    overlay(&place, "production", "a", r#"{"version": "1.0.0"}"#);
    assert_eq!(told(&document(&[], 0)), [""; 0], "what counts is what an environment gets");
    std::fs::remove_file(place.work().join("overlays/staging/flow_a.json")).unwrap();
    assert_eq!(told(&document(&[], 3)), ["wrong-version flows/a.json:32"]);
}

#[test]
fn a_graph_is_of_what_an_environment_gets() {
    let place = two_environments();
    place.update_work();
    overlay(&place, "staging", "b", r#"{ "name": "Renamed" }"#);
    let names = |arguments: &[&str]| -> Vec<String> {
        let graph = place.run_in_work(&[&["graph", "--format", "json"], arguments].concat()).exits(0).json();
        graph["flows"].as_array().unwrap().iter().map(|flow| word(&flow["name"]).to_owned()).collect()
    };
    assert_eq!(names(&[]), ["Flow a", "Flow b"], "as the files stand");
    assert_eq!(names(&["--env", "production"]), ["Production", "Flow b"]);
    assert_eq!(names(&["--env", "staging", "flows"]), ["Flow a", "Renamed"]);
    overlay(&place, "staging", "b", "[7]");
    place.run_in_work(&["graph", "--env", "staging"]).exits(3).says(&["overlays/staging/flow_b.json"]);
    place.run_in_work(&["graph", "--env", "production"]).exits(0);
}

#[test]
fn overlays_count_where_there_is_no_git_as_well() {
    let place = two_environments();
    place.update_work();
    overlay(&place, "staging", "b", "[7]");
    std::fs::remove_dir_all(place.work().join(".git")).unwrap();
    for arguments in [&["validate"] as &[&str], &["validate", "flows"], &["validate", "flows/b.json"]] {
        place.run_in_work(arguments).exits(3).prints(&["overlays/staging/flow_b.json"]);
    }
    // A folder that no environment has is what it is.
    std::fs::rename(place.work().join("flows"), place.work().join("others")).unwrap();
    place.run_in_work(&["validate", "others"]).exits(0);
}

#[test]
fn a_version_that_an_overlay_leaves_as_it_was_is_warned_about() {
    let place = two_environments();
    place.update_work();
    overlay(&place, "production", "a", r#"{ "name": "Changed" }"#);
    let document = place.run_in_work(&["validate", "--format", "json"]).exits(0).json();
    assert_eq!(document["problems"][0]["rule"], "version-not-raised", "{document}");
    place.push("overlay");
    place.sync_with(&[]).exits(0);
    place.update_work();
    let document = place.run_in_work(&["validate", "--format", "json"]).exits(0).json();
    assert_eq!(document["problems"].as_array().unwrap().len(), 0, "{document}");
}

#[test]
fn what_is_proposed_has_its_overlays_committed() {
    let place = Place::with("approval: manifest", &FLOWS);
    place.update_work();
    overlay(&place, "production", "a", r#"{ "name": "Later" }"#);
    place.run_in_work(&["plan", "--propose"]).exits(3).says(&["not committed"]);
}

#[test]
fn records_of_another_target_are_adopted_with_what_was_composed_for_it() {
    let place = Place::with("prune: true\n maxDeletes: 9", &FLOWS);
    commit_overlay(&place, "a", r#"{ "name": "Production" }"#);
    place.sync_with(&[]).exits(0);
    place.edit_configuration("environmentId: env_prod", "environmentId: env_staging");
    place.sync_with(&[]).exits(3).says(&["--adopt-records"]);
    let adopted = place.sync_with(&["--adopt-records"]).exits(0);
    assert!(!adopted.stderr.contains("not counted as"), "{}", adopted.stderr);
    assert_eq!(staging(&place)["externalReferences"][0]["environmentId"], "env_staging");
    place.update_work();
    git(&place.work(), &["rm", "-qr", "flows/a.json", "overlays"]);
    place.push("a goes");
    assert_eq!(place.sync(), "0 deployed delete a deployed");
    place.run(&["audit", "verify"]).exits(0);
}
