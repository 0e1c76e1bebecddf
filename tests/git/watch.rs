//! The nudge after a commit.

use std::time::{Duration, Instant};

use flowsync::source::{RefWatch, Source};

use crate::support::{Place, daemon, git, record};

async fn nudged(watch: &mut RefWatch) -> bool {
    tokio::time::timeout(Duration::from_secs(10), watch.moved()).await.is_ok()
}

#[tokio::test]
async fn a_commit_nudges_within_a_second() {
    let place = Place::new();
    let source = place.source(place.work().to_str().unwrap());
    let mut watch = source.watch().unwrap().unwrap();
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
    let mut watch = source.watch().unwrap().unwrap();
    git(&linked, &["commit", "--quiet", "--allow-empty", "-m", "second"]);
    assert!(nudged(&mut watch).await);
}

#[tokio::test]
async fn another_branch_does_not_nudge_and_our_own_commit_does() {
    let place = Place::new();
    let source = place.local();
    let mut watch = source.watch().unwrap().unwrap();
    git(&place.origin(), &["branch", "other", "main"]);
    let base = source.fetch().await.unwrap().flows;
    assert!(tokio::time::timeout(Duration::from_millis(200), watch.moved()).await.is_err());
    source.commit_records(Some(&base), &record("x", Some("1"))).await.unwrap();
    assert!(nudged(&mut watch).await);
}

#[tokio::test]
async fn a_remote_has_nothing_to_watch() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    assert!(place.source(&url).watch().unwrap().is_none());
}
