//! `plan`: of a work tree, of a revision, of the configured branch.

use serde_json::{Value, json};

use crate::support::{Place, flow, git, word};

/// A place in sync, whose work tree has a change that is in no commit.
fn changed_work_tree() -> Place {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    git(&place.work(), &["fetch", "-q", "origin"]);
    place.write("flows/a.json", &flow("a 1.1.0").to_string());
    place
}

#[test]
fn the_json_is_as_promised() {
    let place = Place::with("prune: true\nmaxDeletes: 100%", &["a 1.0.0", "b 1.0.0", "c 1.0.0"]);
    place.tenant.put(&["z 1.0.0"]);
    place.sync_with(&[]).exits(0);
    let old = place.manifest()["flows"][0]["contentHash"].clone();
    let commit = place.commit(&["a 1.1.0 > d", "b 1.0.0", "d 1.0.0"]);
    let plan = place.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!((&plan["environment"], &plan["targetEnvironment"]), (&json!("production"), &json!("env_prod")));
    assert_eq!(plan["commit"], json!(commit));
    assert_eq!(plan["summary"], json!({ "create": 1, "update": 1, "delete": 1, "unchanged": 1 }));
    assert_eq!((&plan["unmanaged"], &plan["problems"]), (&json!(["flow_z"]), &json!([])));
    assert!(word(&plan["planDigest"]).starts_with("sha256:"));
    let changes = plan["changes"].as_array().unwrap();
    let ids: Vec<&str> = changes.iter().map(|change| word(&change["id"])).collect();
    assert_eq!(ids, ["flow_d", "flow_a", "flow_c"]);
    let a = &changes[1];
    let expected = json!({
        "id": "flow_a", "name": "Flow a", "path": "flows/a.json", "action": "update", "cause": "commit",
        "version": "1.1.0", "previousVersion": "1.0.0", "contentHash": a["contentHash"], "previousHash": old, "wave": 1,
    });
    let mut told = a.clone();
    let diff = told.as_object_mut().unwrap().remove("diff").unwrap();
    assert_eq!(told, expected);
    let version = json!([{ "path": "/version", "before": "1.0.0", "after": "1.1.0" }]);
    let node = json!([{ "path": "/configuration/version", "before": "1.0.0", "after": "1.1.0" }]);
    assert_eq!((&diff["fields"], &diff["edges"]), (&version, &json!([])));
    let end = &diff["nodes"][0];
    assert_eq!((&end["id"], &end["type"], &end["change"]), (&json!("end"), &json!("end"), &json!("changed")));
    assert_eq!(end["values"], node);
    let reference = &diff["references"][0];
    assert_eq!((&reference["change"], &reference["id"]), (&json!("added"), &json!("flow_d")));
    assert_eq!(diff["truncated"]["nodes"], 0);
    assert!(changes[0].get("diff").is_none() && changes[2].get("diff").is_none(), "of updates only");
    assert_eq!(word(&a["contentHash"]).len(), 64);
    assert_eq!(changes[2]["action"], "delete");
    assert_eq!(place.run(&["plan", "--output", "json"]).json(), plan, "a plan of the same is the same");
}

#[test]
fn content_hashes_are_those_of_the_python_script() {
    let place = Place::new(&[]);
    let text = r#"{"version":"1.0.0","id":"flow_a","name":"Größe 😀","nodes":[{"id":"s","type":"start","configuration":{"x":1e16,"y":1.50,"z":12345678901234567890}}],"edges":[]}"#;
    place.write("flows/a.json", text);
    place.push("unicode");
    let plan = place.run(&["plan", "--output", "json"]).exits(0).json();
    let script = "import json,sys,hashlib;print(hashlib.sha256(json.dumps(json.load(sys.stdin),sort_keys=True).encode()).hexdigest())";
    let file = std::fs::File::open(place.work().join("flows/a.json")).unwrap();
    let python = std::process::Command::new("python3").args(["-c", script]).stdin(file).output().unwrap();
    assert_eq!(word(&plan["changes"][0]["contentHash"]), String::from_utf8_lossy(&python.stdout).trim());
}

#[test]
fn a_work_tree_is_planned_as_it_stands() {
    let place = changed_work_tree();
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
    assert!(plan["commit"].is_null());
    assert_eq!((&plan["summary"]["update"], &plan["changes"][0]["cause"]), (&json!(1), &json!("commit")));
    let deep = place.work().join("flows");
    let deep = crate::support::ended(place.command(&["plan", "--output", "json"]).current_dir(deep).spawn().unwrap());
    assert_eq!(deep.exits(0).json(), plan);
}

#[test]
fn a_revision_is_planned_without_the_work_tree() {
    let place = changed_work_tree();
    for revision in ["HEAD", "origin/main", "main"] {
        let plan = place.run_in_work(&["plan", "--ref", revision, "--output", "json"]).exits(0).json();
        assert_eq!((&plan["summary"]["update"], &plan["commit"]), (&json!(0), &json!(place.tip())), "{revision}");
    }
    place.run_in_work(&["plan", "--ref", "nowhere"]).exits(1).says(&["nowhere"]);
    place.run_in_work(&["plan", "--ref=-x"]).exits(1);
}

#[test]
fn outside_of_a_work_tree_the_configured_branch_is_planned() {
    let place = changed_work_tree();
    let plan = place.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!((&plan["summary"]["update"], &plan["commit"]), (&json!(0), &json!(place.tip())));
    let older = git(&place.origin(), &["rev-parse", "main~1"]);
    let plan = place.run(&["plan", "--ref", &older, "--output", "json"]).exits(0).json();
    assert_eq!(plan["commit"], json!(older));
    place.run(&["plan", "--ref", "main"]).exits(0);
}

#[test]
fn a_pull_request_that_never_saw_the_records_reads_them_as_last_fetched() {
    let place = Place::new(&["a 1.0.0"]);
    let base = place.tip();
    place.sync_with(&[]).exits(0);
    git(&place.work(), &["fetch", "-q", "origin"]);
    git(&place.work(), &["checkout", "-q", "-B", "topic", &base]);
    place.tenant.put(&["a 7.0.0"]);
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(plan["changes"][0]["cause"], "drift", "the manifest is known: {plan}");
}

#[test]
fn exit_codes_are_detailed_when_asked_for() {
    let place = changed_work_tree();
    place.run_in_work(&["plan", "--detailed-exitcode"]).exits(2);
    place.run_in_work(&["plan"]).exits(0);
    place.run(&["plan", "--detailed-exitcode"]).exits(0);
    place.write("flows/b.json", "{}");
    place.run_in_work(&["plan", "--detailed-exitcode"]).exits(3).says(&["flows/b.json:1:"]);
    let document = place.run_in_work(&["plan", "--output", "json"]).exits(3).json();
    assert_eq!(document["problems"][0]["file"], "flows/b.json");
    place.write("flows/b.json", &flow("b 1.0.0 > gone").to_string());
    place.run_in_work(&["plan", "--detailed-exitcode"]).exits(3).says(&["flow_gone"]);
}

#[test]
fn the_text_tells_what_changes_and_escapes_what_a_name_says_to_the_terminal() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    let mut evil = flow("a 1.1.0");
    evil["name"] = json!("x\u{1b}]0;owned\u{7}\u{202e}y");
    place.write("flows/a.json", &evil.to_string());
    for form in ["text", "markdown"] {
        let ended = place.run_in_work(&["plan", "--output", form]).exits(0).prints(&["flow_a", "1.1.0", "1 to update"]);
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!all.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{form}: {all:?}");
    }
    place.run_in_work(&["plan"]).exits(0).prints(&["1.0.0 -> 1.1.0", "~ name: \"Flow a\" -> \"x\\u{1b}]0;owned"]);
    let raw = ["-  \"version\": \"1.0.0\"", "+  \"version\": \"1.1.0\""];
    place.run_in_work(&["plan", "--raw"]).exits(0).prints(&raw);
    place.run_in_work(&["plan", "--raw", "--output", "json"]).exits(64).json();
}

#[test]
fn spelling_never_shows_and_no_update_is_empty() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    let mut live = flow("a 1.0.0");
    live["nodes"][1]["configuration"]["x"] = json!(1);
    place.tenant.state.put_flow("env_prod", &live.to_string()).unwrap();
    let text = flow("a 1.0.0").to_string().replace("Flow a", "\\u0046low a");
    for (x, expected) in
        [("1.0", json!([{ "path": "/configuration/x", "before": 1, "after": 1.0 }])), ("1", json!(null))]
    {
        let text = text.replacen("\"version\":\"1.0.0\"}", &format!("\"version\":\"1.0.0\",\"x\":{x}}}"), 1);
        assert!(text.contains(&format!("\"x\":{x}")), "{text}");
        place.write("flows/a.json", &text);
        let plan = place.run_in_work(&["plan", "--output", "json"]).exits(0);
        assert_eq!(plan.json()["changes"][0]["diff"]["nodes"][0]["values"], expected);
        assert!(x == "1" || plan.stdout.contains("\"after\": 1.0"), "{}", plan.stdout);
    }
}

#[test]
fn drift_that_is_only_reported_is_shown_as_well() {
    let place = Place::with("drift: report", &["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.tenant.put(&["a 1.0.0 = Edited"]);
    let plan = place.run(&["plan", "--output", "json"]).exits(0).json();
    let drifted = &plan["drifted"][0];
    let name = json!([{ "path": "/name", "before": "Edited", "after": "Flow a" }]);
    assert_eq!((&drifted["id"], &drifted["diff"]["fields"]), (&json!("flow_a"), &name), "{plan}");
    place.run(&["plan"]).exits(0).prints(&["flow_a drifted", "name: \"Edited\" -> \"Flow a\""]);
    place.run(&["plan", "--output", "markdown"]).exits(0).prints(&["**drifted**, only reported: `flow_a`"]);
}

#[test]
fn a_comment_names_itself_and_tells_of_environments_that_cannot_be_planned() {
    let place = Place::new(&["a 1.0.0 > b", "b 1.0.0"]);
    let sound = place.environment_yaml("production", "env_prod", "");
    let broken = place.environment_yaml("staging", "env_staging", "intervall: 1s");
    place.configure(&place.repository_yaml(""), &format!("{sound}{broken}"));
    let comment = place.run(&["plan", "--output", "markdown"]).exits(1).stdout;
    assert!(comment.starts_with("<!-- flowsync plan: all environments -->\n"), "{comment}");
    for said in
        ["2 to create", "Plan digest: `sha256:", "flow_a --> flow_b", "### flowsync plan: `staging`", "intervall"]
    {
        assert!(comment.contains(said), "{said}: {comment}");
    }
    let (b, a) = (comment.find("**create** `flow_b`").unwrap(), comment.find("**create** `flow_a`").unwrap());
    assert!(b < a, "in the order of deployment");
    let one = place.run(&["plan", "--output", "markdown", "--env", "production"]).exits(0).stdout;
    assert!(one.starts_with("<!-- flowsync plan: production -->\n"), "{one}");
}

#[test]
fn out_writes_a_pending_manifest_that_its_schema_accepts() {
    let place = changed_work_tree();
    let file = place.path("plan.json").display().to_string();
    place.run_in_work(&["plan", "--out", &file]).exits(0);
    let manifest: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!((&manifest["status"], &manifest["source"]["commit"]), (&json!("pending"), &Value::Null));
    crate::output::assert_manifest(&place, &manifest);
}

#[test]
fn a_plan_writes_nothing() {
    let place = changed_work_tree();
    let (tip, status) = (place.tip(), git(&place.work(), &["status", "--porcelain"]));
    place.tenant.writes();
    place.run_in_work(&["plan"]).exits(0);
    place.run(&["plan"]).exits(0);
    place.run(&["sync", "--dry-run"]).exits(0);
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
    assert_eq!(git(&place.work(), &["status", "--porcelain"]), status);
    assert!(!place.path("state/flowsync/environments").read_dir().is_ok_and(|folder| folder.count() > 1));
}

#[test]
fn a_content_change_without_a_higher_version_is_warned_about() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.0.0 = Another name"]);
    let plan = place.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(plan["problems"][0]["severity"], "warning", "{plan}");
    assert_eq!(place.sync(), "0 deployed update a deployed");
}

#[test]
fn validate_warns_of_a_content_change_without_a_higher_version_as_plan_does() {
    let place = Place::with("ignore: [/noted]", &["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    git(&place.work(), &["fetch", "-q", "origin"]);
    place.write("flows/a.json", &format!("{:#}\n", flow("a 1.0.0 = Another name")));
    let mut noted = flow("b 1.0.0");
    noted["noted"] = json!("is not compared");
    place.write("flows/b.json", &noted.to_string());
    let problems = |arguments: &[&str]| place.run_in_work(arguments).exits(0).json()["problems"].clone();
    let planned = problems(&["plan", "--output", "json"]);
    assert_eq!(planned[0]["rule"], "version-not-raised");
    assert_eq!(planned.as_array().unwrap().len(), 1, "{planned}");
    for path in [None, Some("flows"), Some("flows/a.json"), Some("./flows/../flows")] {
        let arguments: Vec<&str> = ["validate", "--format", "json"].into_iter().chain(path).collect();
        let mut found = problems(&arguments);
        if path == Some("./flows/../flows") {
            found[0]["file"] = json!("flows/a.json");
        }
        assert_eq!(found, planned, "{path:?}");
    }
    place.run_in_work(&["validate"]).exits(0).prints(&["version-not-raised", "\"version\": \"1.0.0\"", "1 warnings"]);
    let flows = place.work().join("flows").display().to_string();
    let elsewhere = place.run(&["validate", &flows, "--format", "json"]).exits(0).json();
    assert_eq!(elsewhere["problems"], json!([]), "not in the work tree of the current directory");
    place.write("flows/a.json", &flow("a 1.0.1 = Another name").to_string());
    assert_eq!(problems(&["validate", "--format", "json"]), json!([]));
    place.write("flows/a.json", &flow("a 1.0.0 = Another name").to_string());
    for broken in ["broken: [", "version: 1\nrepository: {}\n"] {
        std::fs::write(place.path("flowsync.yaml"), broken).unwrap();
        assert_eq!(problems(&["validate", "flows", "--format", "json"]), json!([]), "as without records");
    }
}
