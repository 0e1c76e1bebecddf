//! The clone in the cache stays small, whatever was fetched and pushed, and whole, whatever happens to whoever makes it so.

use std::fs;
use std::path::Path;
use std::time::Duration;

use flowsync::source::{CommitId, GitOptions, GitSource, Source};

use crate::support::{Place, daemon, git, record, settings};

/// Packs, loose objects, and what they take on the disk.
fn stock(clone: &Path) -> (usize, usize, u64) {
    let (mut n_packs, mut n_loose, mut bytes) = (0, 0, 0);
    let mut open = vec![clone.join("objects")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
                continue;
            }
            bytes += entry.metadata().unwrap().len().div_ceil(4096) * 4096;
            n_packs += usize::from(entry.path().extension().is_some_and(|extension| extension == "pack"));
            n_loose += usize::from(entry.path().extension().is_none());
        }
    }
    (n_packs, n_loose, bytes)
}

/// What a clone made now takes.
fn fresh_bytes(place: &Place) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", place.origin().display());
    git(folder.path(), &["clone", "--quiet", "--bare", &url, "fresh.git"]);
    stock(&folder.path().join("fresh.git")).2
}

/// Text that compresses to about half, and is the same for the same seed.
fn text(seed: u64, bytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..bytes / 16).map(|_| format!("{:016x}", next())).collect()
}

/// One deployment: somebody's commit, and two commits of records.
async fn deploy(place: &Place, source: &GitSource, number: u64) -> CommitId {
    git(&place.work(), &["fetch", "--quiet", "origin", "main"]);
    git(&place.work(), &["reset", "--quiet", "--hard", "FETCH_HEAD"]);
    for flow in 0..6 {
        place.write(&format!("flows/{flow}.json"), &format!("{}\n{number}\n", text(flow, 800)));
    }
    git(&place.work(), &["add", "flows"]);
    git(&place.work(), &["commit", "--quiet", "-m", "flows"]);
    place.push();
    let mut tip = source.fetch().await.unwrap().flows;
    for half in 1..=2 {
        let mut change = record("production/manifest.json", Some(&format!("{}\n{number} {half}\n", text(99, 3000))));
        let audit = (text(number, 1200).repeat(half)).into_bytes();
        change.files.insert(format!("production/audit/2026-11/{number:04}.jsonl"), Some(audit));
        tip = source.commit_records(Some(&tip), &change).await.unwrap();
    }
    tip
}

#[tokio::test]
async fn a_clone_stays_within_twenty_packs_and_twice_a_fresh_one() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let source = place.source(&url);
    for number in 0..36 {
        let tip = deploy(&place, &source, number).await;
        let (n_packs, n_loose, bytes) = stock(&place.clone_dir());
        assert!(n_packs <= 20 && n_loose == 0, "{n_packs} packs, {n_loose} loose objects after {number}");
        if number % 12 == 11 {
            let fresh = fresh_bytes(&place);
            assert!(bytes <= 2 * fresh, "{bytes} bytes, a fresh clone takes {fresh}, after {number}");
            let first = source.read_record(&tip, "production/audit/2026-11/0000.jsonl").await.unwrap();
            assert_eq!(first.unwrap().len(), 2 * text(0, 1200).len());
        }
    }
    git(&place.clone_dir(), &["fsck", "--strict", "--full"]);
}

#[tokio::test]
async fn a_pass_with_nothing_new_leaves_the_clone_as_it_is() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let source = place.source(&url);
    deploy(&place, &source, 0).await;
    source.fetch().await.unwrap();
    explode(&place.clone_dir());
    let before = stock(&place.clone_dir());
    source.fetch().await.unwrap();
    assert_eq!(stock(&place.clone_dir()), before);
}

/// Makes every object loose, as older versions left them.
fn explode(clone: &Path) {
    let beside = clone.with_extension("packs");
    fs::rename(clone.join("objects/pack"), &beside).unwrap();
    fs::create_dir(clone.join("objects/pack")).unwrap();
    for entry in fs::read_dir(&beside).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|extension| extension == "pack") {
            let status = std::process::Command::new("git")
                .args(["unpack-objects", "-q"])
                .current_dir(clone)
                .stdin(fs::File::open(entry.path()).unwrap())
                .status();
            assert!(status.unwrap().success());
        }
    }
    fs::remove_dir_all(beside).unwrap();
}

#[tokio::test]
async fn loose_objects_of_an_older_version_are_packed() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let source = place.source(&url);
    for number in 0..4 {
        deploy(&place, &source, number).await;
    }
    explode(&place.clone_dir());
    assert!(stock(&place.clone_dir()).1 > 50);
    deploy(&place, &source, 4).await;
    let (n_packs, n_loose, _) = stock(&place.clone_dir());
    assert!(n_packs <= 4 && n_loose == 0, "{n_packs} packs, {n_loose} loose objects");
    git(&place.clone_dir(), &["fsck", "--strict", "--full"]);
}

#[tokio::test]
async fn what_rewound_branches_left_goes_after_a_while_and_not_before() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let allowed = GitOptions { allow_rewind: true };
    let source = GitSource::open(&settings(&url), &place.cache(), allowed).unwrap();
    let base = source.fetch().await.unwrap().flows;
    let rewrite = async |number: u64| {
        git(&place.work(), &["reset", "--quiet", "--hard", &base.0]);
        place.write("flows/large.json", &text(number, 400_000));
        place.commit("rewritten");
        git(&place.work(), &["push", "--quiet", "--force", "origin", "HEAD:refs/heads/main"]);
        source.fetch().await.unwrap()
    };
    for number in 0..6 {
        rewrite(number).await;
    }
    let kept = stock(&place.clone_dir()).2;
    assert!(kept > 6 * 200_000, "somebody may still read what was rewound: {kept} bytes");
    let note = place.clone_dir().with_extension("rewound");
    let long_ago = fs::metadata(&note).unwrap().modified().unwrap() - Duration::from_secs(2 * 60 * 60);
    // One more commit, and no rewind since.
    fs::File::options().write(true).open(&note).unwrap().set_modified(long_ago).unwrap();
    place.write("flows/b.json", "{}");
    let tip = place.commit("on top");
    place.push();
    assert_eq!(source.fetch().await.unwrap().flows, tip);
    let (n_packs, n_loose, bytes) = stock(&place.clone_dir());
    let fresh = fresh_bytes(&place);
    assert!(n_packs == 1 && n_loose == 0 && bytes <= 2 * fresh, "{n_packs} packs, {bytes} bytes, fresh {fresh}");
    assert_eq!(source.list_flows(&tip).await.unwrap().entries.len(), 3);
    assert!(!note.exists() && !place.clone_dir().with_extension("new").exists());
    git(&place.clone_dir(), &["fsck", "--strict", "--full"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_find_everything_while_the_clone_is_made_smaller() {
    let place = Place::new();
    let (_server, url) = daemon(place.dir.path());
    let source = place.source(&url);
    let first = deploy(&place, &source, 0).await;
    let (done, until) = tokio::sync::watch::channel(false);
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (source, first, until) = (place.source(&url), first.clone(), until.clone());
        readers.spawn(async move {
            while !*until.borrow() {
                let entries = source.list_flows(&first).await.unwrap().entries;
                let blobs: Vec<_> = entries.into_iter().map(|entry| entry.blob).collect();
                assert!(source.read_blobs(&blobs).await.unwrap().iter().all(Option::is_some));
                assert!(source.read_record(&first, "production/manifest.json").await.unwrap().is_some());
            }
        });
    }
    for number in 1..12 {
        deploy(&place, &source, number).await;
    }
    done.send_replace(true);
    readers.join_all().await;
}
