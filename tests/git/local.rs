//! Records committed to a repository in this file system.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use flowsync::source::{GitOptions, GitSource, PushError, Source, SourceError, Tips};

use crate::support::{Place, git, record, settings};

#[tokio::test]
async fn a_record_lands_on_the_branch_and_touches_nothing_else() {
    let place = Place::new();
    let source = place.local();
    let Tips { flows: base, .. } = source.fetch().await.unwrap();
    let made = source.commit_records(Some(&base), &record("production/manifest.json", Some("1"))).await.unwrap();
    assert_eq!(place.origin_tip("main"), made);
    let changed = git(&place.origin(), &["diff", "--name-status", &base.0, &made.0]);
    assert_eq!(changed, "A\tdeployments/production/manifest.json");
    let shown = git(
        &place.origin(),
        &["log", "-1", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%an <%ae> %cd%n%B", "main"],
    );
    assert!(shown.starts_with("flowsync <flowsync@example.com> 2027-01-15T08:00:00Z\nrecord production"), "{shown}");
    assert!(shown.contains("Flowsync-Environment: production"));
    git(&place.origin(), &["fsck", "--strict"]);
}

#[tokio::test]
async fn the_same_tree_makes_no_commit() {
    let place = Place::new();
    let source = place.local();
    let base = source.fetch().await.unwrap().flows;
    let change = record("production/manifest.json", Some("1"));
    let made = source.commit_records(Some(&base), &change).await.unwrap();
    assert_eq!(source.commit_records(Some(&made), &change).await.unwrap(), made);
    assert_eq!(source.commit_records(Some(&made), &record("no/such", None)).await.unwrap(), made);
    assert_eq!(place.origin_tip("main"), made);
}

#[tokio::test]
async fn a_branch_that_moved_is_a_lost_race() {
    let place = Place::new();
    let source = place.local();
    let base = source.fetch().await.unwrap().flows;
    place.write("flows/a.json", "{}");
    let newer = place.commit("newer");
    place.push();
    let lost = source.commit_records(Some(&base), &record("x", Some("1"))).await;
    assert!(matches!(lost, Err(PushError::Lost(_))), "{lost:?}");
    let lost = source.commit_records(None, &record("x", Some("1"))).await;
    assert!(matches!(lost, Err(PushError::Lost(_))), "{lost:?}");
    assert_eq!(place.origin_tip("main"), newer);
}

#[tokio::test]
async fn a_records_branch_of_its_own_begins_without_the_flows() {
    let place = Place::new();
    let mut settings = settings(place.origin().to_str().unwrap());
    settings.records_branch = "flowsync/records".parse().ok();
    let source = GitSource::open(&settings, &place.cache(), GitOptions::default()).unwrap();
    assert_eq!(source.fetch().await.unwrap().records, None);
    let made = source.commit_records(None, &record("production/manifest.json", Some("1"))).await.unwrap();
    assert_eq!(source.fetch().await.unwrap().records, Some(made.clone()));
    assert_eq!(
        git(&place.origin(), &["ls-tree", "-r", "--name-only", &made.0]),
        "deployments/production/manifest.json"
    );
    assert_eq!(git(&place.origin(), &["rev-list", "--count", &made.0]), "1");
}

#[tokio::test]
async fn paths_outside_the_records_folder_are_refused() {
    let place = Place::new();
    let source = place.local();
    let base = source.fetch().await.unwrap().flows;
    for evil in ["../flows/a.json", "/etc/x", "a/../../b", ".git/config", "a//b", "a\nb", ""] {
        let refused = source.commit_records(Some(&base), &record(evil, Some("1"))).await;
        assert!(matches!(refused, Err(PushError::Source(SourceError::Setting(_)))), "{evil:?}: {refused:?}");
    }
    assert_eq!(place.origin_tip("main"), base);
}

#[tokio::test]
async fn a_rewound_branch_is_refused_until_somebody_allows_it() {
    let place = Place::new();
    let source = place.local();
    let first = source.fetch().await.unwrap().flows;
    let second = place.commit("second");
    place.push();
    source.fetch().await.unwrap();
    git(&place.origin(), &["update-ref", "refs/heads/main", &first.0]);
    for _ in 0..2 {
        match source.fetch().await {
            Err(SourceError::Rewound { known, found, .. }) => {
                assert_eq!((known, found), (second.clone(), first.clone()))
            }
            other => panic!("{other:?}"),
        }
    }
    let allowed = GitOptions { allow_rewind: true };
    let allowing = GitSource::open(&settings(place.origin().to_str().unwrap()), &place.cache(), allowed).unwrap();
    assert_eq!(allowing.fetch().await.unwrap().flows, first);
    source.fetch().await.unwrap();
}

#[tokio::test]
async fn a_records_branch_that_vanished_is_not_begun_anew() {
    let place = Place::new();
    let mut settings = settings(place.origin().to_str().unwrap());
    settings.records_branch = "records".parse().ok();
    let source = GitSource::open(&settings, &place.cache(), GitOptions::default()).unwrap();
    source.fetch().await.unwrap();
    source.commit_records(None, &record("x", Some("1"))).await.unwrap();
    git(&place.origin(), &["update-ref", "-d", "refs/heads/records"]);
    let error = source.fetch().await.unwrap_err().to_string();
    assert!(error.contains("no branch `records` any more") && error.contains("--allow-rewind"), "{error}");
}

#[tokio::test]
async fn locks_left_by_a_killed_git_heal_once_they_are_old() {
    let place = Place::new();
    let source = place.local();
    let base = source.fetch().await.unwrap().flows;
    let lock = place.origin().join("refs/heads/main.lock");
    File::create(&lock).unwrap();
    let fresh = source.commit_records(Some(&base), &record("x", Some("1"))).await;
    assert!(matches!(fresh, Err(PushError::Lost(_))), "{fresh:?}");
    assert!(lock.exists(), "a lock that may be held is left alone");

    #[allow(clippy::disallowed_methods, reason = "the age of a file is one of the wall clock")]
    let old = SystemTime::now() - Duration::from_secs(120);
    File::options().write(true).open(&lock).unwrap().set_modified(old).unwrap();
    source.commit_records(Some(&base), &record("x", Some("1"))).await.unwrap();
    assert!(!lock.exists());
}

#[tokio::test]
async fn records_follow_into_the_work_tree_and_leave_the_rest_alone() {
    let place = Place::new();
    place.write("staged.txt", "before");
    place.write("unstaged.txt", "before");
    place.commit("two files");
    place.write("staged.txt", "after");
    git(&place.work(), &["add", "staged.txt"]);
    place.write("unstaged.txt", "after");
    place.write("untracked.txt", "new");
    place.write("deployments/production/approved.json", "proposed");
    git(&place.work(), &["add", "deployments"]);
    place.write("deployments/production/manifest.json", "somebody's idea");

    let source = place.source(place.work().to_str().unwrap());
    let base = source.fetch().await.unwrap().flows;
    let made = source.commit_records(Some(&base), &record("production/manifest.json", Some("1"))).await.unwrap();
    let status = git(&place.work(), &["status", "--porcelain"]);
    assert_eq!(
        status, "A  deployments/production/approved.json\nM  staged.txt\n M unstaged.txt\n?? untracked.txt",
        "the record is neither changed nor untracked, and the rest stands as it stood"
    );
    let manifest = place.work().join("deployments/production/manifest.json");
    assert_eq!(fs::read_to_string(&manifest).unwrap(), "1");

    source.commit_records(Some(&made), &record("production/manifest.json", None)).await.unwrap();
    assert!(!manifest.exists());
    assert_eq!(git(&place.work(), &["status", "--porcelain"]), status);
    assert_eq!(git(&place.work(), &["symbolic-ref", "HEAD"]), "refs/heads/main");
}

#[tokio::test]
async fn a_linked_work_tree_and_a_git_folder_are_the_same_repository() {
    let place = Place::new();
    let linked = place.dir.path().join("linked");
    git(&place.work(), &["checkout", "--quiet", "--detach"]);
    git(&place.work(), &["worktree", "add", "--quiet", linked.to_str().unwrap(), "main"]);
    for (n, path) in [linked.clone(), place.work().join(".git"), place.work()].into_iter().enumerate() {
        let source = place.source(&format!("file://{}", path.display()));
        let base = source.fetch().await.unwrap().flows;
        source.commit_records(Some(&base), &record("x", Some(&n.to_string()))).await.unwrap();
        assert_eq!(fs::read_to_string(linked.join("deployments/x")).unwrap(), n.to_string());
        assert_eq!(git(&linked, &["status", "--porcelain"]), "");
        assert_eq!(git(&place.work(), &["status", "--porcelain"]), "");
        assert!(!place.work().join("deployments").exists(), "another commit is checked out there");
    }
}

#[tokio::test]
async fn a_link_in_the_work_tree_is_never_followed() {
    let place = Place::new();
    let outside = place.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, place.work().join("deployments")).unwrap();
    let source = place.source(place.work().to_str().unwrap());
    let base = source.fetch().await.unwrap().flows;
    source.commit_records(Some(&base), &record("x", Some("1"))).await.unwrap();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[tokio::test]
async fn a_folder_that_is_no_repository_says_so() {
    let place = Place::new();
    let source = place.source(place.work().join("flows").to_str().unwrap());
    let error = source.fetch().await.unwrap_err();
    assert!(matches!(error, SourceError::Local { doing: "open the repository", .. }), "{error}");
}
