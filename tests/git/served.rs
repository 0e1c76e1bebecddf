//! Remotes served by `git daemon`.

use flowsync::config::Repository;
use flowsync::source::{GitOptions, GitSource, PushError, Source, SourceError};

use crate::support::{Place, daemon, free_port, git, record, settings};

#[tokio::test]
async fn a_remote_is_fetched_read_and_written() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let source = place.source(&url);
    let base = source.fetch().await.unwrap().flows;
    assert_eq!(source.list_flows(&base).await.unwrap().entries[0].path, "flows/a.json");
    let made = source.commit_records(Some(&base), &record("production/manifest.json", Some("1"))).await.unwrap();
    assert_eq!(place.origin_tip("main"), made);
    assert_eq!(place.origin_file("deployments/production/manifest.json"), "1");
    assert_eq!(source.fetch().await.unwrap().flows, made);
    assert_eq!(source.commit_records(Some(&made), &record("production/manifest.json", Some("1"))).await.unwrap(), made);
    assert_eq!(source.record_history(&made, "production/manifest.json").await.unwrap().len(), 1);
    let lost = source.commit_records(Some(&base), &record("x", Some("1"))).await;
    assert!(matches!(lost, Err(PushError::Lost(_))), "{lost:?}");
    let lost = source.commit_records(None, &record("x", Some("1"))).await;
    assert!(matches!(lost, Err(PushError::Lost(_))), "{lost:?}");
    assert_eq!(place.origin_tip("main"), made);
    git(&place.origin(), &["fsck", "--strict"]);
}

#[tokio::test]
async fn a_branch_that_was_rewound_to_an_older_commit_is_a_lost_race_too() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let first = place.origin_tip("main");
    let second = place.commit("second");
    place.push();
    let source = place.source(&url);
    source.fetch().await.unwrap();
    git(&place.origin(), &["update-ref", "refs/heads/main", &first.0]);
    let lost = source.commit_records(Some(&second), &record("x", Some("1"))).await;
    assert!(matches!(lost, Err(PushError::Lost(_))), "a fast-forward, but not from where we stood: {lost:?}");
    assert_eq!(place.origin_tip("main"), first);
    assert!(matches!(source.fetch().await, Err(SourceError::Rewound { .. })));
}

#[tokio::test]
async fn a_hook_that_declines_is_heard() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let source = place.source(&url);
    let base = source.fetch().await.unwrap().flows;
    for hook in ["pre-receive", "update"] {
        place.hook(hook, "echo 'records need two reviews' >&2; exit 1");
        match source.commit_records(Some(&base), &record("x", Some("1"))).await {
            Err(PushError::Declined(text)) => {
                assert!(text.contains("hook declined") && text.contains("records need two reviews"), "{text}");
            }
            other => panic!("{other:?}"),
        }
        std::fs::remove_file(place.origin().join("hooks").join(hook)).unwrap();
    }
    assert_eq!(place.origin_tip("main"), base);
    source.commit_records(Some(&base), &record("x", Some("1"))).await.unwrap();
}

#[tokio::test]
async fn somebody_faster_within_the_push_is_a_lost_race() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let source = place.source(&url);
    let base = source.fetch().await.unwrap().flows;
    place.commit("faster");
    git(&place.work(), &["push", "--quiet", "origin", "HEAD:refs/heads/other"]);
    place.hook("pre-receive", "unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main refs/heads/other");
    let lost = source.commit_records(Some(&base), &record("x", Some("1"))).await;
    assert!(matches!(lost, Err(PushError::Lost(_))), "{lost:?}");
    assert_eq!(place.origin_tip("main"), place.origin_tip("other"));
}

#[tokio::test]
async fn a_branch_and_a_tag_of_one_name_are_told_apart() {
    let place = Place::new();
    let tagged = place.origin_tip("main");
    git(&place.origin(), &["tag", "main", "main"]);
    let tip = place.commit("second");
    place.push();
    let (_server, url) = daemon(place.dir.path());
    for url in [url, place.origin().display().to_string()] {
        let source = place.source(&url);
        assert_eq!(source.fetch().await.unwrap().flows, place.origin_tip("main"));
        let made = source.commit_records(Some(&place.origin_tip("main")), &record("x", Some(&url))).await.unwrap();
        assert_eq!(place.origin_tip("main"), made);
        assert_eq!(git(&place.origin(), &["rev-parse", "refs/tags/main"]), tagged.0);
    }
    assert_ne!(tip, tagged);
}

#[tokio::test]
async fn a_records_branch_begins_on_a_remote() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let settings = Repository { records_branch: "flowsync/records".parse().ok(), ..settings(&url) };
    let source = GitSource::open(&settings, &place.cache(), GitOptions::default()).unwrap();
    assert_eq!(source.fetch().await.unwrap().records, None);
    let made = source.commit_records(None, &record("x", Some("1"))).await.unwrap();
    assert_eq!(source.fetch().await.unwrap().records, Some(made.clone()));
    let next = source.commit_records(Some(&made), &record("x", Some("2"))).await.unwrap();
    assert_eq!(git(&place.origin(), &["rev-list", "--count", &next.0]), "2");
}

#[tokio::test]
async fn only_what_is_needed_is_fetched() {
    let place = Place::new();
    git(&place.origin(), &["tag", "v1", "main"]);
    git(&place.origin(), &["branch", "other", "main"]);
    let (_server, url) = daemon(place.dir.path());
    place.source(&url).fetch().await.unwrap();
    let refs = git(&place.clone_dir(), &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(refs, "refs/flowsync/heads/main");
    assert_eq!(git(&place.clone_dir(), &["rev-parse", "--is-bare-repository"]), "true");
}

#[tokio::test]
async fn a_missing_branch_an_empty_remote_and_a_dead_one_say_so() {
    let place = Place::new();
    git(place.dir.path(), &["init", "--quiet", "--bare", "empty.git"]);
    let (_server, url) = daemon(place.dir.path());
    let error = place.source(&url.replace("origin", "empty")).fetch().await.unwrap_err().to_string();
    assert!(error.contains("has no branch `main`; it has no commits yet"), "{error}");
    let error = place.source(&url.replace("origin", "absent")).fetch().await.unwrap_err();
    assert!(matches!(error, SourceError::Remote { .. }), "{error}");
    let dead = format!("git://127.0.0.1:{}/x", free_port());
    let error = place.source(&dead).fetch().await.unwrap_err();
    assert!(matches!(error, SourceError::Remote { .. }), "{error}");
}
