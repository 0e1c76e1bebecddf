//! More than one environment, a branch for records, a repository with a work tree.

use std::fs;

use crate::support::{Place, ended, flow, git, word};

/// Two environments of one tenant in one repository, each with its folder of flows.
fn two_environments() -> Place {
    let place = Place::new(&["a 1.0.0"]);
    let production = place.environment_yaml("production", "env_prod", "");
    let staging = place.environment_yaml("staging", "env_staging", "") + "    flows: staging\n";
    place.configure(&place.repository_yaml(""), &format!("{production}{staging}"));
    place.write("staging/a.json", &flow("a 2.0.0").to_string());
    place.push("staging");
    place
}

#[test]
fn two_environments_race_on_one_branch_and_both_succeed() {
    let place = two_environments();
    assert_eq!(place.sync(), "0 deployed create a deployed | deployed create a deployed");
    assert_eq!((place.tenant.live(), place.tenant.live_in("env_staging")), ("a 1.0.0".into(), "a 2.0.0".into()));
    assert_eq!(place.sync(), "0 in-sync | in-sync");
    for environment in ["production", "staging"] {
        place.run(&["audit", "verify", "--env", environment]).exits(0);
    }
    assert_eq!(place.subjects().len(), 2 + 4);
}

#[test]
fn two_environments_race_over_the_wire_as_well() {
    let place = two_environments();
    let _server = place.serve(crate::http_server::Rules::default());
    assert_eq!(place.sync(), "0 deployed create a deployed | deployed create a deployed");
    assert_eq!(place.sync(), "0 in-sync | in-sync");
}

#[test]
fn the_highest_exit_code_counts_and_one_failure_is_the_others_no_concern() {
    let place = two_environments();
    place.tenant.fails("- { match: { call: import, environment: env_prod }, fault: refuse }");
    assert_eq!(place.sync(), "4 rolled-back create a failed | deployed create a deployed");
    place.tenant.heals();
    place.write("flows/a.json", "{");
    place.update_work();
    place.write("flows/a.json", "{");
    place.write("staging/a.json", &flow("a 2.1.0").to_string());
    place.push("half broken");
    assert_eq!(place.sync(), "3 refused | deployed update a deployed");
    let plans = place.run(&["plan", "--output", "json"]).exits(3).json();
    assert_eq!(plans["environments"].as_array().unwrap().len(), 2, "{plans}");
}

#[test]
fn commands_for_one_environment_ask_which() {
    let place = two_environments();
    for command in [&["rollback"][..], &["pull"], &["audit", "show"]] {
        place.run(command).exits(64).says(&["--env", "production", "staging"]);
    }
    place.run(&["sync", "--env", "staging"]).exits(0);
    assert_eq!((place.tenant.live().as_str(), place.tenant.live_in("env_staging").as_str()), ("", "a 2.0.0"));
    place.run(&["status"]).exits(0).prints(&["production: never-deployed", "staging: deployed"]);
}

#[test]
fn an_environment_has_its_own_branch() {
    let place = Place::new(&["a 1.0.0"]);
    let production = place.environment_yaml("production", "env_prod", "");
    let staging = place.environment_yaml("staging", "env_staging", "") + "    branch: next\n";
    place.configure(&place.repository_yaml(""), &format!("{production}{staging}"));
    place.write("flows/a.json", &flow("a 2.0.0").to_string());
    git(&place.work(), &["commit", "-q", "-am", "next"]);
    git(&place.work(), &["push", "-q", "origin", "HEAD:refs/heads/next"]);
    assert_eq!(place.sync(), "0 deployed create a deployed | deployed create a deployed");
    assert_eq!((place.tenant.live(), place.tenant.live_in("env_staging")), ("a 1.0.0".into(), "a 2.0.0".into()));
    let on = |branch: &str| git(&place.origin(), &["ls-tree", "--name-only", &format!("{branch}:deployments")]);
    assert_eq!((on("main").as_str(), on("next").as_str()), ("production", "staging"));
}

#[test]
fn records_go_to_their_own_branch() {
    let place = Place::new(&["a 1.0.0"]);
    let repository = place.repository_yaml("  recordsBranch: flowsync/records\n");
    place.configure(&repository, &place.environment_yaml("production", "env_prod", ""));
    let source = place.tip();
    assert_eq!(place.sync(), "0 deployed create a deployed");
    assert_eq!(place.tip(), source, "the branch of the flows is as it was");
    let files = git(&place.origin(), &["ls-tree", "-r", "--name-only", "flowsync/records"]);
    assert!(files.contains("deployments/production/manifest.json"), "{files}");
    assert_eq!(place.sync(), "0 in-sync");
    place.commit(&["a 1.1.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    place.run(&["rollback"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.0.0");
    place.run(&["audit", "verify"]).exits(0);
    git(&place.work(), &["fetch", "-q", "origin"]);
    let plan = place.run_in_work(&["plan", "--output", "json"]).exits(3).json();
    assert!(word(&plan["refused"]).contains("quarantined"), "the records are read from their branch: {plan}");
}

#[test]
fn a_rewound_flows_branch_is_seen_from_the_records_even_by_a_fresh_machine() {
    let mut place = Place::new(&["a 1.0.0"]);
    let repository = place.repository_yaml("  recordsBranch: flowsync/records\n");
    place.configure(&repository, &place.environment_yaml("production", "env_prod", ""));
    let first = place.tip();
    let second = place.commit(&["a 1.1.0"]);
    place.sync_with(&[]).exits(0);
    git(&place.origin(), &["update-ref", "refs/heads/main", &first]);
    let fresh = place.path("fresh").display().to_string();
    place.set("XDG_CACHE_HOME", &fresh);
    place.tenant.writes();
    place.sync_with(&[]).exits(1).says(&[&first, &second]);
    assert_eq!(place.tenant.writes(), "");
    place.sync_with(&["--allow-rewind"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.0.0");
}

#[test]
fn a_repository_with_a_work_tree_is_followed_there() {
    let place = Place::new(&["a 1.0.0"]);
    place.edit_configuration(&place.origin().display().to_string(), &place.work().display().to_string());
    place.write("scratch.txt", "not committed");
    assert_eq!(place.sync(), "0 deployed create a deployed");
    assert_eq!(git(&place.work(), &["status", "--porcelain"]), "?? scratch.txt");
    assert!(place.work().join("deployments/production/manifest.json").exists());
    place.write("flows/a.json", &flow("a 1.1.0").to_string());
    assert_eq!(place.sync(), "0 in-sync", "what is not committed is not deployed");
    git(&place.work(), &["commit", "-q", "-am", "change"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
    assert_eq!(git(&place.work(), &["status", "--porcelain"]), "?? scratch.txt");
}

#[test]
fn a_file_url_and_a_relative_path_are_the_same_repository() {
    let place = Place::new(&["a 1.0.0"]);
    let path = place.origin().display().to_string();
    place.edit_configuration(&path, &format!("file://{path}"));
    assert_eq!(place.sync(), "0 deployed create a deployed");
    place.edit_configuration(&format!("file://{path}"), "./origin.git");
    let child = place.command(&["sync", "--output", "json"]).current_dir(place.dir.path()).spawn().unwrap();
    assert_eq!(ended(child).summary(), "0 in-sync");
    assert_eq!(fs::read_dir(place.path("state/flowsync/environments")).unwrap().count(), 1);
}

#[test]
fn flows_live_elsewhere_may_be_referred_to_and_are_never_touched() {
    let place = Place::new(&["a 1.0.0 > flow:x@env_staging"]);
    place.tenant.state.put_flow("env_staging", &flow("x 1.0.0").to_string()).unwrap();
    assert_eq!(place.sync(), "0 deployed create a deployed");
    assert_eq!(place.tenant.live_in("env_staging"), "x 1.0.0");
    place.tenant.behaves(|behaviour| behaviour.ignore_environment = true);
    assert_eq!(place.sync(), "0 in-sync", "a tenant that lists all environments at once");
}
