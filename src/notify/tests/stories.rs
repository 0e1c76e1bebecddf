//! What is news, and what is not.

use super::super::what::Story;
use super::*;
use crate::source::TreeId;

const RESULTS: [SyncResult; 10] = [
    SyncResult::InSync,
    SyncResult::Deployed,
    SyncResult::Drifted,
    SyncResult::RolledBack,
    SyncResult::RollbackIncomplete,
    SyncResult::Refused,
    SyncResult::Error,
    SyncResult::Busy,
    SyncResult::Planned,
    SyncResult::Suspended,
];

fn named(word: &str) -> SyncResult {
    RESULTS.into_iter().find(|result| result.as_str() == word).unwrap_or_else(|| panic!("{word}"))
}

/// What is told of these passes, each `result`, `result@commit` or `result@commit/flows`; a deployment is a new one each
/// time, unless its number stands behind `#`.
fn told(passes: &str) -> String {
    let mut story = Story::default();
    let tell = |(at, pass): (usize, &str)| {
        let (pass, flows) = pass.split_once('/').map_or((pass, None), |(pass, flows)| (pass, Some(flows)));
        let (pass, commit) = pass.split_once('@').unwrap_or((pass, "c1"));
        let (word, number) = pass.split_once('#').map_or((pass, at.to_string()), |(word, n)| (word, n.to_owned()));
        let result = named(word);
        let is_deployment = ["deployed", "rolled-back", "rollback-incomplete"].contains(&word);
        let report = EnvironmentReport {
            deployment_id: is_deployment.then_some(number),
            commit: Some(CommitId(commit.to_owned())),
            flows_tree: flows.map(|id| TreeId(id.to_owned())),
            ..EnvironmentReport::new("production", result)
        };
        match story.hears(&report, Timestamp::UNIX_EPOCH) {
            None => "-".to_owned(),
            Some(ended) if ended.events.is_empty() => "commit".to_owned(),
            Some(ended) => {
                assert_eq!(ended.report, report);
                let events: Vec<&str> = ended.events.iter().map(|event| event.as_str()).collect();
                events.join("+")
            }
        }
    };
    passes.split_whitespace().enumerate().map(tell).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_pair_of_results_is_news_or_not_as_the_table_says() {
    let first = RESULTS.map(|result| told(result.as_str())).join(" ");
    assert_eq!(first, "- deployed drifted rolled-back rollback-incomplete refused error - - -");
    let table = [
        (SyncResult::InSync, "- deployed drifted rolled-back rollback-incomplete refused error - - -"),
        (SyncResult::Deployed, "- deployed drifted rolled-back rollback-incomplete refused error - - -"),
        (SyncResult::Drifted, "recovered deployed - rolled-back rollback-incomplete refused error - - -"),
        (
            SyncResult::RolledBack,
            "recovered deployed+recovered drifted rolled-back rollback-incomplete refused error - - -",
        ),
        (
            SyncResult::RollbackIncomplete,
            "recovered deployed+recovered drifted rolled-back rollback-incomplete refused error - - -",
        ),
        (SyncResult::Refused, "recovered deployed+recovered drifted rolled-back rollback-incomplete - error - - -"),
        (SyncResult::Error, "recovered deployed+recovered drifted rolled-back rollback-incomplete refused - - - -"),
        (SyncResult::Busy, "- deployed drifted rolled-back rollback-incomplete refused error - - -"),
        (SyncResult::Suspended, "- deployed drifted rolled-back rollback-incomplete refused error - - -"),
        (SyncResult::Planned, "- deployed drifted rolled-back rollback-incomplete refused error - - -"),
    ];
    for (last, expected) in table {
        let second = |now: SyncResult| {
            let both = told(&format!("{} {}", last.as_str(), now.as_str()));
            both.split_once(' ').unwrap().1.to_owned()
        };
        assert_eq!(RESULTS.map(second).join(" "), expected, "after {}", last.as_str());
    }
}

#[test]
fn a_pass_that_finds_what_the_last_one_found_is_no_news() {
    assert_eq!(told("deployed in-sync in-sync in-sync"), "deployed - - -");
    assert_eq!(told("error error error in-sync in-sync"), "error - - recovered -");
    assert_eq!(told("drifted drifted drifted"), "drifted - -");
    assert_eq!(told("refused refused refused@c1"), "refused - -");
    // A report of one deployment that comes again is no second deployment.
    assert_eq!(told("rolled-back#7 rolled-back#7 rolled-back#8"), "rolled-back - rolled-back");
}

#[test]
fn another_commit_that_is_refused_is_news_unless_it_holds_the_same_flows() {
    assert_eq!(told("refused@c1 refused@c2 refused@c2"), "refused refused -");
    assert_eq!(told("refused@c1/x refused@c2/y refused@c2/y"), "refused refused -");
    // Records of another environment on the same branch.
    assert_eq!(told("refused@c1/x refused@c2/x refused@c3/x"), "refused - -");
    assert_eq!(told("refused@c1/x refused@c1/y"), "refused -");
}

#[test]
fn a_commit_that_is_found_in_sync_is_told_beside_the_commit_only() {
    assert_eq!(told("in-sync@c1/x in-sync@c2/y in-sync@c2/y in-sync@c3/y"), "- commit - -");
    assert_eq!(told("deployed@c1/x in-sync@c2/x in-sync@c3/y"), "deployed - commit");
}

#[test]
fn somebody_elses_deployment_says_nothing_of_how_it_is() {
    assert_eq!(told("error busy busy error in-sync"), "error - - - recovered");
    assert_eq!(told("busy in-sync busy deployed"), "- - - deployed");
    assert_eq!(told("refused@c1 busy@c2 refused@c1"), "refused - -");
}
