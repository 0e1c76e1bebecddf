//! Proposals on branches of their own, in this file system and over the network.

use std::collections::BTreeMap;
use std::fs;

use flowsync::source::{CommitId, GitSource, Proposal, ProposeError, Proposed, PushError, Rest, Source};
use jiff::Timestamp;

use crate::http_server::{HttpServer, Rules};
use crate::support::{Place, git};

const BRANCH: &str = "flowsync/adopt/production";

/// What a proposal on top of `base` would be.
fn proposal(base: &CommitId, files: &[(&str, Option<&str>)]) -> Proposal {
    let content = |text: &Option<&str>| text.map(|text| text.as_bytes().to_vec());
    Proposal {
        branch: BRANCH.to_owned(),
        base: base.clone(),
        rest: Rest::Goes,
        message: "adopt\n\nFlowsync-Environment: production\n".to_owned(),
        files: files.iter().map(|(path, text)| ((*path).to_owned(), content(text))).collect::<BTreeMap<_, _>>(),
        time: Timestamp::from_second(1_800_000_000).unwrap(),
    }
}

async fn propose(source: &GitSource, files: &[(&str, Option<&str>)]) -> Result<Proposed, ProposeError> {
    let base = source.fetch().await.unwrap().flows;
    source.propose(&proposal(&base, files)).await
}

async fn made(source: &GitSource, files: &[(&str, Option<&str>)]) -> CommitId {
    match propose(source, files).await.unwrap() {
        Proposed::Made(commit) => commit,
        other => panic!("{other:?}"),
    }
}

/// Somebody's commit on a branch.
fn somebody(place: &Place, branch: &str, path: &str, content: &str) -> CommitId {
    git(&place.work(), &["fetch", "--quiet", "origin"]);
    git(&place.work(), &["checkout", "--quiet", "--detach", &format!("origin/{branch}")]);
    place.write(path, content);
    let made = place.commit("somebody's");
    git(&place.work(), &["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")]);
    made
}

/// What merging the branch would change on `main`.
fn proposed(place: &Place) -> String {
    git(&place.origin(), &["diff", "--name-status", &format!("main...{BRANCH}")])
}

/// Every test runs over a repository in the file system and over HTTP.
fn everywhere() -> [(Place, Option<HttpServer>, GitSource); 2] {
    let local = Place::new();
    let source = local.local();
    let served = Place::new();
    let server = HttpServer::start(served.dir.path(), Rules::default());
    let over_http = served.source(&server.url("origin.git"));
    [(local, None, source), (served, Some(server), over_http)]
}

#[tokio::test]
async fn a_proposal_begins_a_branch_on_its_base_and_the_same_one_is_held() {
    for (place, _server, source) in everywhere() {
        let base = place.origin_tip("main");
        let change: [(&str, Option<&str>); 2] = [("flows/a.json", None), ("flows/new/b.json", Some("{}"))];
        let commit = made(&source, &change).await;
        assert_eq!(place.origin_tip(BRANCH), commit);
        assert_eq!(place.origin_tip("main"), base);
        assert_eq!(git(&place.origin(), &["rev-parse", &format!("{commit}^")]), base.0);
        assert_eq!(proposed(&place), "D\tflows/a.json\nA\tflows/new/b.json");
        assert_eq!(propose(&source, &change).await.unwrap(), Proposed::Held(commit.clone()));
        assert_eq!(place.origin_tip(BRANCH), commit);
        git(&place.origin(), &["fsck", "--strict"]);
    }
}

#[tokio::test]
async fn what_the_base_holds_is_nothing_to_propose() {
    for (place, _server, source) in everywhere() {
        let held = [("flows/a.json", Some("{\"a\":1}")), ("flows/none.json", None)];
        assert_eq!(propose(&source, &held).await.unwrap(), Proposed::Nothing);
        assert_eq!(git(&place.origin(), &["branch", "--list", BRANCH]), "");
    }
}

#[tokio::test]
async fn a_later_proposal_takes_the_place_of_ours_and_not_of_the_rest_where_that_stays() {
    for (place, _server, source) in everywhere() {
        let first = made(&source, &[("flows/a.json", Some("1")), ("flows/b.json", Some("2"))]).await;
        let second = made(&source, &[("flows/a.json", Some("3"))]).await;
        assert_eq!(git(&place.origin(), &["rev-parse", &format!("{second}^")]), first.0, "nothing is forced");
        assert_eq!(proposed(&place), "M\tflows/a.json");
        let base = source.fetch().await.unwrap().flows;
        let more = Proposal { rest: Rest::Stays, ..proposal(&base, &[("deployments/x", Some("y"))]) };
        source.propose(&more).await.unwrap();
        assert_eq!(proposed(&place), "A\tdeployments/x\nM\tflows/a.json");
        assert!(matches!(source.propose(&more).await.unwrap(), Proposed::Held(_)));
    }
}

#[tokio::test]
async fn a_branch_that_was_merged_begins_again_at_the_tracked_one() {
    for (place, _server, source) in everywhere() {
        let first = made(&source, &[("flows/a.json", Some("1"))]).await;
        git(&place.work(), &["fetch", "--quiet", "origin"]);
        git(&place.work(), &["merge", "--quiet", "--no-ff", "-m", "merged", &first.0]);
        place.push();
        let merged = place.origin_tip("main");
        assert_eq!(propose(&source, &[("flows/a.json", Some("1"))]).await.unwrap(), Proposed::Nothing);
        let second = made(&source, &[("flows/a.json", Some("2"))]).await;
        assert_eq!(git(&place.origin(), &["rev-parse", &format!("{second}^")]), merged.0);
        assert_eq!(git(&place.origin(), &["rev-list", "--count", &format!("{merged}..{second}")]), "1");
    }
}

#[tokio::test]
async fn a_squashed_merge_and_a_branch_that_fell_behind_are_merged_into_it() {
    for (place, _server, source) in everywhere() {
        let first = made(&source, &[("flows/a.json", Some("1"))]).await;
        // Squashed: the same content by another commit; and the tracked branch goes on.
        place.write("flows/a.json", "1");
        place.write("flows/c.json", "c");
        place.commit("squashed");
        place.push();
        let base = place.origin_tip("main");
        let second = made(&source, &[("flows/a.json", Some("2"))]).await;
        let parents = git(&place.origin(), &["log", "-1", "--format=%P", &second.0]);
        assert_eq!(parents, format!("{first} {base}"));
        assert_eq!(git(&place.origin(), &["diff", "--name-status", "main", BRANCH]), "M\tflows/a.json");
        // Records move the tracked branch, and what is proposed is held all the same.
        place.write("deployments/x", "1");
        place.commit("records");
        place.push();
        let held = propose(&source, &[("flows/a.json", Some("2"))]).await.unwrap();
        assert_eq!(held, Proposed::Held(second));
    }
}

#[tokio::test]
async fn somebody_elses_commit_is_built_upon_or_refuses() {
    for (place, _server, source) in everywhere() {
        made(&source, &[("flows/a.json", Some("1")), ("flows/b.json", Some("1"))]).await;
        let theirs = somebody(&place, BRANCH, "flows/b.json", "theirs");
        let commit = made(&source, &[("flows/a.json", Some("2")), ("flows/b.json", Some("theirs"))]).await;
        assert_eq!(git(&place.origin(), &["rev-parse", &format!("{commit}^")]), theirs.0);
        for content in [Some("2"), None] {
            let refused = propose(&source, &[("flows/a.json", Some("2")), ("flows/b.json", content)]).await;
            let Err(ProposeError::Occupied { path, commit, .. }) = refused else { panic!("{refused:?}") };
            assert_eq!((path.as_str(), commit), ("flows/b.json", theirs.clone()));
        }
        assert_eq!(place.origin_tip(BRANCH), commit);
        // What is proposed no longer goes, what they did stays.
        made(&source, &[("flows/c.json", Some("c"))]).await;
        assert_eq!(proposed(&place), "A\tflows/b.json\nA\tflows/c.json");
    }
}

#[tokio::test]
async fn a_branch_of_another_history_is_left_alone() {
    for (place, _server, source) in everywhere() {
        let tree = git(&place.origin(), &["rev-parse", "main^{tree}"]);
        let root = git(&place.work(), &["commit-tree", "-m", "another", &tree]);
        git(&place.work(), &["push", "--quiet", "origin", &format!("{root}:refs/heads/{BRANCH}")]);
        let refused = propose(&source, &[("flows/a.json", Some("1"))]).await;
        assert!(matches!(refused, Err(ProposeError::Unrelated { .. })), "{refused:?}");
        assert_eq!(place.origin_tip(BRANCH).0, root);
    }
}

#[tokio::test]
async fn tracked_branches_and_paths_outside_are_refused() {
    for (place, _server, source) in everywhere() {
        let base = source.fetch().await.unwrap().flows;
        let onto = Proposal { branch: "main".to_owned(), ..proposal(&base, &[("flows/a.json", Some("1"))]) };
        let refused = source.propose(&onto).await;
        assert!(matches!(refused, Err(ProposeError::Tracked(_))), "{refused:?}");
        for path in ["../x", ".git/config", "/etc/x", "a//b"] {
            source.propose(&proposal(&base, &[(path, Some("1"))])).await.unwrap_err();
        }
        assert_eq!(git(&place.origin(), &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
    }
}

#[tokio::test]
async fn a_push_that_is_refused_says_why_and_one_that_is_lost_is_made_again() {
    let place = Place::new();
    let server = HttpServer::start(place.dir.path(), Rules::default());
    let source = place.source(&server.url("origin.git"));
    place.hook("update", "echo 'no proposals here' >&2; exit 1");
    match propose(&source, &[("flows/a.json", Some("1"))]).await {
        Err(ProposeError::Push(PushError::Declined(why))) => assert!(why.contains("no proposals here"), "{why}"),
        other => panic!("{other:?}"),
    }
    // Somebody is faster within the first push, and only there.
    place.hook(
        "pre-receive",
        &format!("unset GIT_QUARANTINE_PATH; test -e raced || git update-ref refs/heads/{BRANCH} main; touch raced"),
    );
    fs::remove_file(place.origin().join("hooks/update")).unwrap();
    let commit = made(&source, &[("flows/a.json", Some("1"))]).await;
    assert!(place.origin().join("raced").exists());
    assert_eq!(place.origin_tip(BRANCH), commit);
}

#[tokio::test]
async fn a_checked_out_branch_follows_and_keeps_what_is_changed_there() {
    let place = Place::new();
    let source = place.source(place.work().to_str().unwrap());
    made(&source, &[("flows/a.json", Some("1")), ("flows/b.json", Some("1"))]).await;
    git(&place.work(), &["checkout", "--quiet", BRANCH]);
    place.write("flows/b.json", "edited");
    made(&source, &[("flows/a.json", Some("2")), ("flows/b.json", Some("2"))]).await;
    let read = |path: &str| fs::read_to_string(place.work().join(path)).unwrap();
    assert_eq!((read("flows/a.json"), read("flows/b.json")), ("2".to_owned(), "edited".to_owned()));
    assert_eq!(git(&place.work(), &["status", "--porcelain"]), "M flows/b.json");
    assert_eq!(git(&place.work(), &["symbolic-ref", "HEAD"]), format!("refs/heads/{BRANCH}"));
}
