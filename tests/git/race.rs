//! Many writers, one branch: every record is there once.

use std::sync::Arc;

use flowsync::config::Repository;
use flowsync::source::{GitOptions, GitSource};

use crate::http_server::{HttpServer, Rules};
use crate::support::{Place, commit_until_in, daemon, git, record, settings};

const N_WRITERS: usize = 8;

/// Each writer is a process of its own as far as git can tell: its own cache, its own lock.
async fn write_all(place: Arc<Place>, url: String, n_rounds: usize, records_branch: Option<&str>) {
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..N_WRITERS {
        let records_branch = records_branch.map(|branch| branch.parse().unwrap());
        let settings = Repository { records_branch, ..settings(&url) };
        let cache = place.dir.path().join(format!("cache-{}", writer % (N_WRITERS - 1)));
        let source = GitSource::open(&settings, &cache, GitOptions::default()).unwrap();
        writers.spawn(async move {
            let mut n_lost = 0;
            for round in 0..n_rounds {
                let name = format!("w{writer}/r{round}.json");
                n_lost += commit_until_in(&source, &record(&name, Some(&name))).await;
            }
            n_lost
        });
    }
    let n_lost: u32 = writers.join_all().await.into_iter().sum();
    let branch = records_branch.unwrap_or("main");
    let names = git(&place.origin(), &["ls-tree", "-r", "--name-only", branch, "deployments/"]);
    assert_eq!(names.lines().count(), N_WRITERS * n_rounds);
    let log = git(&place.origin(), &["log", "--format=%s", "--author=flowsync", branch]);
    let mut subjects: Vec<&str> = log.lines().collect();
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!((subjects.len(), log.lines().count()), (N_WRITERS * n_rounds, N_WRITERS * n_rounds));
    git(&place.origin(), &["fsck", "--strict"]);
    println!("{} commits, {n_lost} lost races", N_WRITERS * n_rounds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn eight_writers_in_one_folder() {
    let place = Arc::new(Place::new());
    let url = place.origin().display().to_string();
    write_all(place, url, 100, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn eight_writers_begin_one_records_branch() {
    let place = Arc::new(Place::new());
    let url = place.origin().display().to_string();
    write_all(place, url, 3, Some("flowsync/records")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn eight_writers_through_git_daemon() {
    let place = Arc::new(Place::new());
    let (_server, url) = daemon(place.dir.path());
    write_all(place, url, 6, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn eight_writers_through_http() {
    let place = Arc::new(Place::new());
    let server = HttpServer::start(place.dir.path(), Rules::default());
    write_all(place, server.url("origin.git"), 4, Some("flowsync/records")).await;
}
