//! `doctor --probe`: what is open about a tenant is found out, told right, and leaves nothing behind.

use std::time::Duration;

use flowsync::tenant::sandbox::cognigy_rest::rules::{Behaviour, ComeAgain, MoveRoute, WindowLimit};

use reqwest::Method;
use serde_json::json;

use crate::cognigy_clone::{PROJECT, ask, names};
use crate::hotel::EMPTY;
use crate::project::{Project, SEED};
use crate::support::{Ended, git};

/// A project that git holds a flow folder of, with nothing in it.
fn project(seed: &str, change: impl FnOnce(&mut Behaviour)) -> Project {
    let project = Project::with("", seed, |rules| {
        // Long enough to be cut half-way, and over when it is looked at first.
        rules.task_time = Duration::from_millis(900);
        change(rules);
    });
    project.place.write("flows/.gitkeep", "");
    project.place.push("nothing yet");
    project
}

/// The line of an answer.
#[track_caller]
fn line<'e>(ended: &'e Ended, asked: &str) -> &'e str {
    let found = ended.stdout.lines().find(|line| line.contains(&format!("probe, {asked}: ")));
    found.unwrap_or_else(|| panic!("no `{asked}` in {}\n{}", ended.stdout, ended.stderr))
}

#[track_caller]
fn answers(ended: &Ended, expected: &[(&str, &str)]) {
    for (asked, seen) in expected {
        let line = line(ended, asked);
        assert!(line.contains(seen), "expected `{seen}`: {line}");
    }
}

/// Flows, packages and snapshots that are there.
fn there(project: &Project) -> Vec<String> {
    ["flows", "packages", "snapshots"].iter().flat_map(|kind| names(&project.url(), kind)).collect()
}

#[test]
fn each_answer_is_the_tenants_and_nothing_is_left() {
    let project = project(EMPTY, |_| {});
    let ended = project.place.run(&["doctor", "--probe"]).exits(0);
    assert!(!ended.stdout.contains("DIFF") && !ended.stdout.contains("FAIL"), "{}", ended.stdout);
    answers(
        &ended,
        &[
            ("where charts are read", "under /new/v2.0"),
            ("new nodes", "`then`, `else`"),
            ("settings in a list of nodes", "in 0 of"),
            ("the answer to a PATCH", "204, nothing"),
            ("a read right after a write", "a node is as written, the chart lags, 1 read(s) long"),
            ("a PATCH of nothing", "400"),
            ("a setting that is left out", "it is gone"),
            ("a PATCH of one locale", "it is written, and the other locale is as it was"),
            ("a PATCH of a `start`", "400"),
            ("descriptors of node types", "0 types"),
            ("a move of a node", "by PATCH \u{2026}/move"),
            ("the size of a body", "58 kB: 204, 70 kB: 413"),
            ("a GET with a body", "403"),
            ("an error in code", "known at look 2"),
            ("`lastChanged` after an edit", "s later"),
            ("a flow in a package", "the same"),
            ("intents and their training", "`isTrainingOutOfDate` is false, 1 intent(s)"),
            ("a flow that is replaced", "its id stays, its intents stay, it is trained"),
            ("a merge of what is there", "Identity conflict"),
            ("a merge that is cut half-way", "a half of it is there; merged again it is whole"),
            ("names of tasks", "createPackage, importIntents, mergePackage, trainIntents, uploadPackage"),
            ("snapshots", "0 there, 1 taken; no limit was met"),
            ("what is left behind", "nothing"),
            ("headers about the rate", "none"),
        ],
    );
    assert_eq!(there(&project), [""; 0]);
    assert_eq!(git(&project.place.origin(), &["rev-list", "--count", "main"]), "2", "no record was written");
}

#[test]
fn whatever_the_tenant_does_otherwise_is_told() {
    let project = project(EMPTY, |rules| {
        rules.configs_in_lists = true;
        rules.answer_writes = true;
        rules.stale_charts = false;
        rules.empty_patches = true;
        rules.locale_in_patches = false;
        rules.marker_patches = true;
        rules.descriptors = true;
        rules.move_route = MoveRoute::Post;
        rules.body_bytes_max = 30 * 1024;
        rules.get_bodies = true;
        rules.old_charts = true;
        rules.half_merges = false;
    });
    let ended = project.place.run(&["doctor", "--probe"]).exits(0);
    answers(
        &ended,
        &[
            ("where charts are read", "under /v2.0 alone"),
            ("settings in a list of nodes", "in 8 of 8 nodes"),
            ("the answer to a PATCH", "200, the node"),
            ("a read right after a write", "a node is as written, so is the chart"),
            ("a PATCH of nothing", "200"),
            ("a PATCH of one locale", "400 (unknown field `localeId`)"),
            ("a PATCH of a `start`", "200"),
            ("descriptors of node types", " types"),
            ("a move of a node", "by POST \u{2026}/move"),
            ("the size of a body", "58 kB: 413"),
            ("a GET with a body", "200"),
            ("a merge that is cut half-way", "the flow is as it was; merged again it is whole"),
        ],
    );
    assert!(!line(&ended, "descriptors of node types").contains(": 0 types"), "{}", ended.stdout);
    project.state.change(|rules| {
        (rules.move_route, rules.stale_nodes, rules.stale_charts) = (MoveRoute::Node, true, true);
    });
    let ended = project.place.run(&["doctor", "--probe"]).exits(1);
    answers(
        &ended,
        &[("a move of a node", "by PATCH of the node"), ("a read right after a write", "a node is as it was")],
    );
    assert!(line(&ended, "a read right after a write").starts_with("DIFF"));
    assert_eq!(there(&project), [""; 0]);
}

#[test]
fn limits_are_found_out_where_that_is_asked_for() {
    let limit = WindowLimit { requests: 600, window: Duration::from_secs(300) };
    let project = project(EMPTY, |rules| rules.limit = Some(limit));
    for n in 0..9 {
        let body = json!({"projectId": PROJECT, "name": format!("theirs-{n}"), "description": "theirs"});
        ask(&project.url(), Method::POST, "/snapshots", Some(&body));
    }
    for (come_again, said) in [
        (ComeAgain::Silent, "; none"),
        (ComeAgain::Seconds, "; retry-after: 2"),
        (ComeAgain::Date, " GMT"),
        (ComeAgain::Reset, "; ratelimit-reset: 2"),
    ] {
        project.state.change(|rules| rules.come_again = come_again);
        let ended = project.place.run(&["doctor", "--probe", "--probe-limits"]).exits(0);
        answers(&ended, &[("the rate of requests", "429 after"), ("the rate of requests", said)]);
        answers(&ended, &[("snapshots", "9 there, 1 taken; no more than 10: Limit of allowed Snapshots")]);
        project.state.advance(Duration::from_secs(301));
        assert_eq!(there(&project).len(), 9);
    }
}

#[test]
fn other_peoples_flows_are_left_alone_and_need_a_word() {
    let project = Project::adopted("");
    let before = project.live();
    let refused = project.place.run(&["doctor", "--probe"]).exits(1);
    refused.prints(&["FAIL production: probe: the project `Hotel` has 2 flow(s) that are not of a probe", "--yes"]);
    assert_eq!(project.state.n_writes(), 0);
    project.place.run(&["doctor", "--probe", "--yes"]).exits(0);
    assert_eq!(project.live(), before);
    assert_eq!(there(&project), ["Booking", "Main"]);
    assert_eq!(project.place.sync(), "0 in-sync");
}

#[test]
fn what_cannot_be_found_out_is_told_and_leaves_nothing_either() {
    let project = project(SEED, |_| {});
    project.fails("- { match: { call: createPackage }, fault: { answer: { status: 403 } } }");
    let ended = project.place.run(&["doctor", "--probe", "--yes"]).exits(1);
    assert!(line(&ended, "a flow in a package").contains("may not create packages"), "{}", ended.stdout);
    assert!(line(&ended, "a flow in a package").starts_with("FAIL"));
    answers(&ended, &[("a move of a node", "by PATCH"), ("what is left behind", "nothing")]);
    assert_eq!(there(&project), ["Booking", "Main"]);
}
