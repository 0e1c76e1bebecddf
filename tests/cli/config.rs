//! Configuration errors: the key, its line and column, and the nearest name that is known.

use crate::support::Place;

/// Changes the configuration, and expects `status` and `sync` to fail with these words.
#[track_caller]
fn wrong(from: &str, to: &str, texts: &[&str]) {
    let place = Place::new(&["a 1.0.0"]);
    place.edit_configuration(from, to);
    place.run(&["sync"]).exits(1).says(texts);
    assert_eq!(place.tenant.state.requests().total, 0);
}

#[test]
fn unknown_keys_name_line_column_and_the_nearest_known() {
    wrong("  branch: main", "  brnch: main", &["brnch", "flowsync.yaml:4:3", "`branch`"]);
    wrong("verifyTimeout: 1s", "verifyTimeuot: 1s", &["verifyTimeuot", ":17:7", "`verifyTimeout`"]);
    wrong("version: 1\n", "version: 1\nenvironment: {}\n", &["environment", ":2:1", "`environments`"]);
}

#[test]
fn bad_values_say_what_is_expected() {
    wrong("verifyTimeout: 1s", "interval: 0s", &["interval", "1s", ":17:"]);
    wrong("verifyTimeout: 1s", "concurrency: 0", &["concurrency", ":17:"]);
    wrong("verifyTimeout: 1s", "drift: corect", &["corect", "correct"]);
    wrong("verifyTimeout: 1s", "maxDeletes: 101%", &["maxDeletes", "100%"]);
    wrong("verifyTimeout: 1s", "ignore: [name]", &["ignore", "name"]);
    wrong("api: flows-v2", "api: flows-v3", &["flows-v3", "flows-v2"]);
    wrong("version: 1\n", "version: 2\n", &["version", "2"]);
    wrong("version: 1\n", "version: 1\nversion: 1\n", &["version", ":2:1"]);
}

#[test]
fn a_literal_secret_is_refused_and_not_repeated() {
    for literal in ["hunter2hunter2", "{ value: hunter2hunter2 }", "[hunter2hunter2]"] {
        let place = Place::new(&["a 1.0.0"]);
        place.edit_configuration("{ env: CLIENT_SECRET }", literal);
        let ended = place.sync_with(&[]).exits(1).says(&["clientSecret", ":15:"]);
        assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");
    }
}

#[test]
fn a_secret_that_is_not_there_is_named() {
    let place = Place::new(&["a 1.0.0"]);
    place.edit_configuration("{ env: CLIENT_SECRET }", "{ env: NOT_SET_ANYWHERE }");
    place.sync_with(&[]).exits(1).says(&["NOT_SET_ANYWHERE"]);
    place.edit_configuration("{ env: NOT_SET_ANYWHERE }", "{ file: /nowhere/secret }");
    place.sync_with(&[]).exits(1).says(&["/nowhere/secret"]);
}

#[test]
fn a_secret_comes_from_a_file_as_well() {
    let place = Place::new(&["a 1.0.0"]);
    let file = place.path("secret");
    std::fs::write(&file, "sandbox-secret\n").unwrap();
    place.edit_configuration("{ env: CLIENT_SECRET }", &format!("{{ file: {} }}", file.display()));
    place.sync_with(&[]).exits(0);
}

#[test]
fn plain_http_is_for_this_machine_only() {
    let place = Place::new(&["a 1.0.0"]);
    place.edit_configuration(&place.tenant.url(), "http://tenant.example.com/api/v2");
    place.sync_with(&[]).exits(1).says(&["`url`", "allowInsecure"]);
}

#[test]
fn two_environments_of_one_target_are_an_error() {
    let place = Place::new(&["a 1.0.0"]);
    let twice = ["one", "two"].map(|name| place.environment_yaml(name, "env_prod", "")).concat();
    place.configure(&place.repository_yaml(""), &twice);
    place.sync_with(&[]).exits(1).says(&["environmentId", "`one`", "`two`"]);
    assert_eq!(place.tenant.state.requests().total, 0);
}

#[test]
fn an_unknown_environment_is_told_with_the_nearest() {
    let place = Place::new(&["a 1.0.0"]);
    for command in ["sync", "plan", "status", "history", "run", "rollback", "pull", "doctor"] {
        place.run(&[command, "--env", "prodution"]).exits(1).says(&["prodution", "`production`"]);
    }
}

#[test]
fn one_broken_environment_does_not_stop_the_other() {
    let place = Place::new(&["a 1.0.0"]);
    let good = place.environment_yaml("production", "env_prod", "");
    let bad = place.environment_yaml("staging", "env_staging", "interval: 5 parsecs");
    place.configure(&place.repository_yaml(""), &format!("{good}{bad}"));
    let ended = place.sync_with(&[]).exits(1).says(&["5 parsecs", "interval"]);
    assert_eq!(ended.summary(), "1 deployed create a deployed | error");
    place.run(&["plan", "--output", "json"]).exits(1).json();
    place.run(&["sync", "--env", "production"]).exits(0);
    place.run(&["sync", "--env", "staging"]).exits(1).says(&["5 parsecs"]);
    for command in ["status", "history"] {
        let ended = place.run(&[command, "--output", "json"]).exits(1);
        let document = ended.json();
        assert_eq!(document["environments"][0]["environment"], "production", "{command}: {document}");
    }
}

#[test]
fn folders_that_overlap_and_odd_names_are_refused() {
    let place = Place::new(&["a 1.0.0"]);
    for line in ["  records: flows/x\n", "  flows: ../x\n", "  flows: /x\n"] {
        place.configure(&place.repository_yaml(line), &place.environment_yaml("production", "env_prod", ""));
        place.sync_with(&[]).exits(1);
    }
    for url in ["ext::sh -c true", "-u", "--upload-pack=x"] {
        let repository = format!("repository:\n  url: '{url}'\n  branch: main\n");
        place.configure(&repository, &place.environment_yaml("production", "env_prod", ""));
        place.sync_with(&[]).exits(1);
    }
    let branch = place.repository_yaml("").replace("branch: main", "branch: --all");
    place.configure(&branch, &place.environment_yaml("production", "env_prod", ""));
    place.sync_with(&[]).exits(1);
    assert_eq!(place.tenant.state.requests().total, 0);
}
