//! Refusals: exit 3, and nothing written anywhere.

use crate::support::{Ended, Place, git};

/// Nothing was written: no record, no request that changes something.
#[track_caller]
fn refused(place: &Place, texts: &[&str]) -> Ended {
    let tip = place.tip();
    place.tenant.writes();
    let ended = place.sync_with(&[]).exits(3).says(texts);
    assert_eq!(ended.environment()["result"], "refused");
    assert_eq!((place.tip(), place.tenant.writes().as_str()), (tip, ""));
    ended
}

#[test]
fn one_invalid_flow_stops_everything_before_any_request() {
    let place = Place::new(&["a 1.0.0"]);
    place.write("flows/b.json", "{\"id\": \"flow_b\", \"name\": \"\", \"version\": \"1\"}");
    place.write("flows/c.json", "{\"id\": \"flow_a\",");
    place.push("broken");
    let ended = refused(&place, &["flows/b.json:1:", "flows/c.json:1:"]);
    assert_eq!(place.tenant.state.requests().total, 0);
    let problems = ended.environment()["problems"].clone();
    let problems = problems.as_array().unwrap();
    assert!(problems.len() >= 4, "{problems:?}");
    for key in ["file", "line", "column", "pointer", "rule", "message", "help", "severity"] {
        assert!(problems.iter().all(|problem| !problem[key].is_null()), "{key}: {problems:?}");
    }
}

#[test]
fn a_missing_reference_of_each_kind_refuses() {
    for need in
        ["gone", "flow:gone@env_staging", "intent:gone", "entity:gone", "variable:gone", "intent:gone@env_staging"]
    {
        let place = Place::new(&["b 1.0.0", &format!("a 1.0.0 > {need}")]);
        refused(&place, &["flows/a.json", "gone", "missing-reference"]);
    }
}

#[test]
fn a_tenant_that_has_no_list_of_variables_is_a_warning() {
    let place = Place::new(&["a 1.0.0 > variable:gone"]);
    place.tenant.behaves(|behaviour| behaviour.has_variables = false);
    let plan = place.run(&["plan", "--output", "json"]).exits(0).json();
    assert_eq!(plan["problems"][0]["rule"], "unverified-reference", "{plan}");
}

#[test]
fn a_reference_to_a_flow_about_to_be_deleted_refuses() {
    let place = Place::with("prune: true\nmaxDeletes: 100%", &["a 1.0.0 > b", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.0.0 > b"]);
    refused(&place, &["flows/a.json", "flow_b"]);
}

#[test]
fn more_deletes_than_allowed_are_refused_until_the_number_is_said() {
    let lines: Vec<String> = (0..30).map(|n| format!("f{n:02}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let place = Place::with("prune: true", &lines);
    place.sync_with(&[]).exits(0);
    place.commit(&lines[4..]);
    refused(&place, &["deletes 4 of 30", "--allow-deletes 4"]);
    place.sync_with(&["--allow-deletes", "3"]).exits(3);
    assert_eq!(place.tenant.writes(), "");
    place.sync_with(&["--allow-deletes", "4"]).exits(0);
    assert_eq!(place.tenant.state.flows("env_prod").len(), 26);
}

#[test]
fn a_share_of_a_few_flows_allows_no_delete() {
    let place = Place::with("prune: true", &["a 1.0.0", "b 1.0.0", "c 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&["a 1.0.0", "b 1.0.0"]);
    refused(&place, &["deletes 1 of 3", "--allow-deletes 1"]);
    place.sync_with(&["--allow-deletes", "1"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.0.0, b 1.0.0");
}

#[test]
fn an_empty_flows_folder_deletes_only_with_a_word() {
    let place = Place::with("prune: true\nmaxDeletes: 100%", &["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.update_work();
    git(&place.work(), &["rm", "-q", "flows/a.json"]);
    place.write("flows/.gitkeep", "");
    place.push("empty");
    refused(&place, &["--allow-deletes 1"]);
    place.sync_with(&["--allow-deletes", "1"]).exits(0);
    assert_eq!(place.tenant.live(), "");
}

#[test]
fn a_missing_flows_folder_is_an_error_and_deletes_nothing() {
    let place = Place::with("prune: true\nmaxDeletes: 100%", &["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.commit(&[]);
    let ended = place.sync_with(&["--allow-deletes", "9"]).exits(1).says(&["`flows`"]);
    assert_eq!(ended.environment()["result"], "error");
    assert_eq!(place.tenant.live(), "a 1.0.0");
}

#[test]
fn links_submodules_and_giants_are_errors() {
    let place = Place::new(&["a 1.0.0"]);
    std::os::unix::fs::symlink("a.json", place.work().join("flows/b.json")).unwrap();
    let id = place.tip();
    git(&place.work(), &["update-index", "--add", "--cacheinfo", &format!("160000,{id},flows/sub")]);
    place.write("flows/c.json", &format!("{}1", " ".repeat(16 * 1024 * 1024)));
    git(&place.work(), &["add", "flows/b.json", "flows/c.json"]);
    git(&place.work(), &["commit", "-q", "-m", "odd"]);
    git(&place.work(), &["push", "-q", "origin", "HEAD:refs/heads/main"]);
    refused(&place, &["flows/b.json", "symbolic link", "flows/sub", "submodule", "flows/c.json", "16 MiB"]);
}

#[test]
fn a_flows_folder_that_is_a_link_or_behind_one_is_refused_by_every_command() {
    let place = Place::new(&["a 1.0.0"]);
    std::fs::rename(place.work().join("flows"), place.path("outside")).unwrap();
    std::os::unix::fs::symlink("../outside", place.work().join("flows")).unwrap();
    place.push("a link");
    for command in [&["plan"][..], &["plan", "--ref", "HEAD"], &["validate"], &["validate", "flows"], &["graph"]] {
        let ended = place.run_in_work(command).exits(3);
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(all.contains("flows:1:1") && all.contains("symbolic-link"), "{command:?}: {all}");
        assert!(!all.contains("flow_a"), "{command:?}: {all}");
    }
    place.run_in_work(&["validate", "flows/a.json"]).exits(3).prints(&["symbolic-link"]);
    place.run_in_work(&["pull"]).exits(1).says(&["symbolic link"]);
    refused(&place, &["flows:1:1", "symbolic-link"]);
    place.edit_configuration("branch: main", "branch: main\n  flows: flows/deep");
    refused(&place, &["flows:1:1", "symbolic-link"]);
    place.run_in_work(&["plan"]).exits(3).says(&["flows:1:1", "symbolic-link"]);
    let flows = place.work().join("flows").display().to_string();
    place.run(&["validate", &flows]).exits(0).prints(&["1 flows"]);
}

#[test]
fn a_rewound_branch_is_refused_until_accepted() {
    let place = Place::new(&["a 1.0.0"]);
    let first = place.tip();
    place.commit(&["a 1.1.0"]);
    place.sync_with(&[]).exits(0);
    let second = place.tip();
    git(&place.origin(), &["update-ref", "refs/heads/main", &first]);
    place.tenant.writes();
    place.sync_with(&[]).exits(1).says(&[&second[..10], &first[..10], "--allow-rewind"]);
    assert_eq!(place.tenant.writes(), "");
    place.sync_with(&["--allow-rewind"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.0.0");
}

#[test]
fn a_commit_that_the_tenant_refused_is_not_tried_again_until_git_changes() {
    let place = Place::new(&["a 1.0.0", "b 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place
        .tenant
        .fails("- { match: { call: import, flow: flow_b, nth: 1 }, fault: { refuse: { message: no such luck } } }");
    place.commit(&["a 1.1.0", "b 1.1.0"]);
    place.sync_with(&[]).exits(4);
    refused(&place, &["quarantined", "no such luck", "--retry"]);
    place.write("README.md", "the flows are the same");
    place.update_work();
    place.write("NEWS.md", "the flows are the same");
    place.push("no flow changed");
    refused(&place, &["quarantined"]);
    place.sync_with(&["--retry"]).exits(0);
    assert_eq!(place.tenant.live(), "a 1.1.0, b 1.1.0");
    assert_eq!(place.sync(), "0 in-sync");
}

#[test]
fn a_new_commit_ends_the_quarantine() {
    let place = Place::new(&["a 1.0.0"]);
    place.sync_with(&[]).exits(0);
    place.tenant.fails("- { match: { call: import, flow: flow_a, nth: 1 }, fault: refuse }");
    place.commit(&["a 1.1.0"]);
    place.sync_with(&[]).exits(4);
    place.commit(&["a 1.2.0"]);
    assert_eq!(place.sync(), "0 deployed update a deployed");
}
