//! The nudge after a commit.

use std::time::Duration;

use flowsync::source::{Fetches, GitOptions, GitSource, RefWatch, Source};
use tokio::time::Instant;

use crate::support::{Place, daemon, git, record, settings};

async fn nudged(watch: &mut RefWatch) -> bool {
    tokio::time::timeout(Duration::from_secs(10), watch.moved()).await.is_ok()
}

async fn nudged_soon(watch: &mut RefWatch) -> bool {
    tokio::time::timeout(Duration::from_millis(200), watch.moved()).await.is_ok()
}

#[tokio::test]
async fn a_commit_nudges_within_a_second() {
    let place = Place::new();
    let source = place.source(place.work().to_str().unwrap());
    let mut watch = source.watch().unwrap();
    let started = Instant::now();
    place.write("flows/a.json", "{}");
    place.commit("second");
    assert!(nudged(&mut watch).await);
    println!("nudged after {:?}", started.elapsed());
    while tokio::time::timeout(Duration::from_millis(100), watch.moved()).await.is_ok() {}
    git(&place.work(), &["pack-refs", "--all"]);
    assert!(nudged(&mut watch).await);
}

#[tokio::test]
async fn a_commit_in_a_linked_work_tree_nudges() {
    let place = Place::new();
    let linked = place.dir.path().join("linked");
    git(&place.work(), &["checkout", "--quiet", "--detach"]);
    git(&place.work(), &["worktree", "add", "--quiet", linked.to_str().unwrap(), "main"]);
    let source = place.source(linked.to_str().unwrap());
    let mut watch = source.watch().unwrap();
    git(&linked, &["commit", "--quiet", "--allow-empty", "-m", "second"]);
    assert!(nudged(&mut watch).await);
}

#[tokio::test]
async fn another_branch_does_not_nudge_and_our_own_commit_does() {
    let place = Place::new();
    let source = place.local();
    let mut watch = source.watch().unwrap();
    git(&place.origin(), &["branch", "other", "main"]);
    let base = source.fetch().await.unwrap().flows;
    assert!(tokio::time::timeout(Duration::from_millis(200), watch.moved()).await.is_err());
    source.commit_records(Some(&base), &record("x", Some("1"))).await.unwrap();
    assert!(nudged(&mut watch).await);
}

#[tokio::test]
async fn a_remote_nudges_the_environments_that_others_have_fetched_for() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let (others, cache) = (Fetches::default(), place.cache());
    let open = || GitSource::open_among(&others, &settings(&url), &cache, GitOptions::default()).unwrap();
    let (one, other) = (open(), open());
    let (mut one_watch, mut other_watch) = (one.watch().unwrap(), other.watch().unwrap());
    let start = Instant::now();
    let before = one.fetch().await.unwrap();
    assert_eq!(other.fetch_since(start).await.unwrap(), before);
    place.write("flows/a.json", "{}");
    place.commit("second");
    place.push();
    let after = one.fetch().await.unwrap();
    assert_ne!(after, before);
    assert!(nudged(&mut other_watch).await);
    assert!(!nudged_soon(&mut one_watch).await, "it has seen for itself");
    assert_eq!(other.fetch_since(start).await.unwrap(), after);
    // Our own commit is no news to whoever has made it.
    one.commit_records(Some(&after.flows), &record("x", Some("1"))).await.unwrap();
    other.fetch().await.unwrap();
    assert!(!nudged_soon(&mut one_watch).await);
}
