//! The clone in the cache: damaged, half made, left by a killed process.

use std::fs;
use std::path::Path;

use flowsync::source::{GitOptions, GitSource, Source, SourceError};

use crate::support::{Place, Server, commit_until_in, daemon, git, record, settings};

fn damage(clone: &Path, what: &str) {
    match what {
        "no HEAD" => fs::remove_file(clone.join("HEAD")).unwrap(),
        "no objects" => fs::remove_dir_all(clone.join("objects")).unwrap(),
        "empty objects" => {
            fs::remove_dir_all(clone.join("objects")).unwrap();
            fs::create_dir_all(clone.join("objects/pack")).unwrap();
        }
        "garbage ref" => fs::write(clone.join("refs/flowsync/heads/main"), "garbage").unwrap(),
        "empty ref" => fs::write(clone.join("refs/flowsync/heads/main"), "").unwrap(),
        "garbage config" => fs::write(clone.join("config"), "[[[").unwrap(),
        "truncated packs" => {
            for file in fs::read_dir(clone.join("objects/pack")).unwrap() {
                fs::write(file.unwrap().path(), "x").unwrap();
            }
        }
        "a file" => {
            fs::remove_dir_all(clone).unwrap();
            fs::write(clone, "x").unwrap();
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_damaged_clone_is_made_anew() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let source = place.source(&url);
    let tip = source.fetch().await.unwrap().flows;
    let clone = place.clone_dir();
    for what in [
        "no HEAD",
        "no objects",
        "empty objects",
        "garbage ref",
        "empty ref",
        "garbage config",
        "truncated packs",
        "a file",
    ] {
        damage(&clone, what);
        let tips = source.fetch().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(tips.flows, tip, "{what}");
        assert_eq!(source.list_flows(&tip).await.unwrap().entries.len(), 1, "{what}");
    }
}

/// Overwrites the compressed bytes of one object in its pack.
fn spoil(clone: &Path, id: &str) {
    for index in fs::read_dir(clone.join("objects/pack")).unwrap().map(|entry| entry.unwrap().path()) {
        if index.extension().is_none_or(|extension| extension != "idx") {
            continue;
        }
        let listing = git(clone, &["verify-pack", "-v", index.to_str().unwrap()]);
        let Some(line) = listing.lines().find(|line| line.starts_with(id)) else { continue };
        let offset: usize = line.split_whitespace().nth(4).unwrap().parse().unwrap();
        let pack = index.with_extension("pack");
        let mut content = fs::read(&pack).unwrap();
        content[offset + 1..offset + 9].fill(0xff);
        fs::remove_file(&pack).unwrap();
        fs::write(&pack, content).unwrap();
    }
}

#[tokio::test]
async fn damage_that_only_a_read_finds_is_mended_by_the_next_fetch() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let source = place.source(&url);
    let base = source.fetch().await.unwrap().flows;
    let tip = source.commit_records(Some(&base), &record("x", Some("1"))).await.unwrap();
    spoil(&place.clone_dir(), &source.blob_id(b"1").0);
    assert!(matches!(source.read_record(&tip, "x").await, Err(SourceError::Local { .. })));
    source.fetch().await.unwrap();
    assert_eq!(source.read_record(&tip, "x").await.unwrap().as_deref(), Some(&b"1"[..]));
}

#[tokio::test]
async fn what_a_killed_process_left_is_cleared_away() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let source = place.source(&url);
    source.fetch().await.unwrap();
    let clone = place.clone_dir();
    let left = [
        "refs/flowsync/heads/main.lock",
        "packed-refs.lock",
        "config.lock",
        "HEAD.lock",
        "shallow.lock",
        "objects/pack/pack_git2_abc",
        "objects/tmp_object_git2_abc",
    ];
    for name in left {
        fs::write(clone.join(name), "").unwrap();
    }
    fs::create_dir(clone.with_extension("new")).unwrap();
    place.write("flows/b.json", "{}");
    let newer = place.commit("newer");
    place.push();
    assert_eq!(source.fetch().await.unwrap().flows, newer);
    source.commit_records(Some(&newer), &record("x", Some("1"))).await.unwrap();
    for name in left {
        assert!(!clone.join(name).exists(), "{name}");
    }
}

#[tokio::test]
async fn a_process_killed_at_any_moment_leaves_nothing_that_does_not_heal() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    for _ in 0..12 {
        let before = place.origin_tip("main");
        let writer = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "cache::write_until_killed"])
            .env("WRITE_URL", &url)
            .env("WRITE_CACHE", place.cache())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut writer = Server(writer);
        while place.origin_tip("main") == before && writer.0.try_wait().unwrap().is_none() {}
        writer.0.kill().unwrap();
        writer.0.wait().unwrap();
        let source = place.source(&url);
        commit_until_in(&source, &record("survivor", Some(&before.0))).await;
        assert_eq!(place.origin_file("deployments/survivor"), before.0);
    }
    git(&place.origin(), &["fsck", "--strict"]);
}

#[tokio::test]
#[ignore = "run, and killed, by another test"]
async fn write_until_killed() {
    let variable = |name| std::env::var(name).unwrap();
    let settings = settings(&variable("WRITE_URL"));
    let source = GitSource::open(&settings, variable("WRITE_CACHE").as_ref(), GitOptions::default()).unwrap();
    for n in 0.. {
        commit_until_in(&source, &record("victim", Some(&format!("{n} {}", std::process::id())))).await;
    }
}

#[tokio::test]
async fn a_rewind_is_noticed_though_the_clone_was_lost() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let source = place.source(&url);
    let first = source.fetch().await.unwrap().flows;
    place.commit("second");
    place.push();
    source.fetch().await.unwrap();
    fs::remove_dir_all(place.clone_dir()).unwrap();
    git(&place.origin(), &["update-ref", "refs/heads/main", &first.0]);
    git(&place.origin(), &["reflog", "expire", "--expire=now", "--all"]);
    assert!(matches!(source.fetch().await, Err(SourceError::Rewound { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_share_one_cache() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let source = place.source(&url);
        readers.spawn(async move {
            for _ in 0..5 {
                let tip = source.fetch().await.unwrap().flows;
                assert_eq!(source.list_flows(&tip).await.unwrap().entries.len(), 1);
            }
        });
    }
    readers.join_all().await;
}
