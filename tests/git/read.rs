//! Reading commits.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex};

use flowsync::source::{
    BadEntryReason, BlobId, BlobSizes, CommitId, FlowEntry, FlowReading, GitOptions, GitSource, Source, SourceError,
};

use crate::support::{Place, git, record, settings};

#[tokio::test]
async fn flows_are_listed_recursively_and_read() {
    let place = Place::new();
    place.write("flows/sub/deep/b.json", "{}");
    place.write("flows/notes.txt", "no flow");
    place.write("other/c.json", "no flow either");
    let commit = place.commit("more");
    place.push();
    let source = place.local();
    let tips = source.fetch().await.unwrap();
    assert_eq!((&tips.flows, tips.records.as_ref()), (&commit, Some(&commit)));

    let listing = source.list_flows(&commit).await.unwrap();
    let paths: Vec<&str> = listing.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["flows/a.json", "flows/sub/deep/b.json"]);
    assert_eq!(listing.bad, []);
    assert_eq!(listing.entries[0].bytes, 7);
    assert_eq!(listing.entries[0].blob, source.blob_id(b"{\"a\":1}"));

    let missing = BlobId("0123456789012345678901234567890123456789".to_owned());
    let nonsense = BlobId("flows/a.json".to_owned());
    let blobs = [listing.entries[1].blob.clone(), missing, nonsense, listing.entries[0].blob.clone()];
    let contents = source.read_blobs(&blobs).await.unwrap();
    let contents: Vec<Option<&[u8]>> = contents.iter().map(Option::as_deref).collect();
    assert_eq!(contents, [Some(&b"{}"[..]), None, None, Some(b"{\"a\":1}")]);
}

/// What was read while it was listed, by path.
#[derive(Clone, Default)]
struct Read(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

impl FlowReading for Read {
    fn wants(&self, entry: &FlowEntry) -> bool {
        !entry.path.ends_with("0.json")
    }

    fn take(&self, entry: &FlowEntry, content: Arc<[u8]>) {
        let text = String::from_utf8(content.to_vec()).unwrap();
        self.0.lock().unwrap().entry(entry.path.clone()).or_default().push(text);
    }
}

#[tokio::test]
async fn what_is_wanted_of_the_flows_is_read_once_while_they_are_listed() {
    for n_files in [3, 200] {
        let place = Place::new();
        std::fs::remove_file(place.work().join("flows/a.json")).unwrap();
        for index in 0..n_files {
            place.write(&format!("flows/{}/{index}.json", index % 7), &format!("{{\"n\":{index}}}"));
        }
        place.write("flows/big.json", &" ".repeat(16 * 1024 * 1024 + 1));
        let commit = place.commit("many");
        place.push();
        let (source, read) = (place.local(), Read::default());
        let listing = source.list_flows_reading(&commit, BlobSizes::new(), read.clone()).await.unwrap();
        assert_eq!(listing, source.list_flows(&commit).await.unwrap());
        assert_eq!((listing.entries.len(), listing.bad.len()), (n_files, 1));
        let of = |index: usize| (format!("flows/{}/{index}.json", index % 7), vec![format!("{{\"n\":{index}}}")]);
        let wanted: BTreeMap<_, _> = (0..n_files).filter(|index| index % 10 != 0).map(of).collect();
        assert_eq!(*read.0.lock().unwrap(), wanted);
    }
}

#[tokio::test]
async fn what_cannot_be_a_flow_file_is_named() {
    let place = Place::new();
    let flows = place.work().join("flows");
    std::os::unix::fs::symlink("/etc/passwd", flows.join("link.json")).unwrap();
    std::os::unix::fs::symlink("..", flows.join("folder")).unwrap();
    std::fs::write(flows.join(std::ffi::OsStr::from_bytes(b"\xff.json")), "{}").unwrap();
    std::fs::write(flows.join("big.json"), vec![b' '; 16 * 1024 * 1024 + 1]).unwrap();
    std::fs::write(flows.join("just.json"), vec![b' '; 16 * 1024 * 1024]).unwrap();
    let head = git(&place.work(), &["rev-parse", "HEAD"]);
    git(&place.work(), &["update-index", "--add", "--cacheinfo", &format!("160000,{head},flows/module")]);
    git(&place.work(), &["add", "flows/link.json", "flows/folder", "flows/big.json", "flows/just.json"]);
    git(&place.work(), &["add", "flows"]);
    git(&place.work(), &["update-index", "--add", "--cacheinfo", &format!("160000,{head},flows/module")]);
    git(&place.work(), &["commit", "--quiet", "-m", "bad"]);
    place.push();

    let source = place.local();
    let listing = source.list_flows(&source.fetch().await.unwrap().flows).await.unwrap();
    let bad: Vec<(&str, BadEntryReason)> = listing.bad.iter().map(|bad| (bad.path.as_str(), bad.reason)).collect();
    assert_eq!(
        bad,
        [
            ("flows/big.json", BadEntryReason::TooLarge),
            ("flows/folder", BadEntryReason::SymbolicLink),
            ("flows/link.json", BadEntryReason::SymbolicLink),
            ("flows/module", BadEntryReason::Submodule),
            ("flows/\u{fffd}.json", BadEntryReason::NotUtf8),
        ]
    );
    let paths: Vec<&str> = listing.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["flows/a.json", "flows/just.json"]);
}

#[tokio::test]
async fn a_missing_flows_folder_is_an_error() {
    let place = Place::new();
    for folder in ["elsewhere", "README.md", "flows/a.json"] {
        let settings = flowsync::config::Repository {
            flows: folder.parse().unwrap(),
            ..settings(place.origin().to_str().unwrap())
        };
        let source = GitSource::open(&settings, &place.cache(), GitOptions::default()).unwrap();
        let tip = source.fetch().await.unwrap().flows;
        assert!(matches!(source.list_flows(&tip).await, Err(SourceError::NoFlowsFolder { .. })), "{folder}");
        assert_eq!(source.flows_tree(&tip).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_missing_branch_says_what_there_is() {
    let place = Place::new();
    git(&place.origin(), &["tag", "v1", "main"]);
    let settings = |branch: &str| flowsync::config::Repository {
        branch: branch.parse().unwrap(),
        ..settings(place.origin().to_str().unwrap())
    };
    let error = async |branch: &str| {
        let source = GitSource::open(&settings(branch), &place.cache(), GitOptions::default()).unwrap();
        source.fetch().await.unwrap_err().to_string()
    };
    let text = error("mian").await;
    assert!(text.ends_with("has no branch `mian`; it has `main`"), "{text}");
    let text = error("v1").await;
    assert!(text.contains("a tag of that name"), "{text}");
}

#[tokio::test]
async fn records_are_listed_read_and_traced_through_history() {
    let place = Place::new();
    let source = place.local();
    let mut base = source.fetch().await.unwrap().records.unwrap();
    let first = base.clone();
    let mut made = Vec::new();
    let path = "production/manifest.json";
    for content in [Some("1"), Some("2"), None, Some("2")] {
        base = source.commit_records(Some(&base), &record(path, content)).await.unwrap();
        made.push((base.clone(), content.map(|content| source.blob_id(content.as_bytes()))));
        base = source.commit_records(Some(&base), &record("production/audit/x.jsonl", Some(&base.0))).await.unwrap();
    }
    let history = source.record_history(&base, path).await.unwrap();
    let found: Vec<_> = history.into_iter().map(|entry| (entry.commit, entry.blob)).rev().collect();
    assert_eq!(found, made);
    // Again from memory, and with a new commit on top.
    let tip = source.commit_records(Some(&base), &record(path, Some("3"))).await.unwrap();
    let history = source.record_history(&tip, path).await.unwrap();
    assert_eq!((history.len(), &history[0].commit), (5, &tip));
    assert_eq!(source.record_history(&tip, path).await.unwrap(), history);
    assert_eq!(source.record_history(&base, path).await.unwrap(), history[1..]);

    assert_eq!(source.list_records(&tip, "production").await.unwrap(), ["production/manifest.json"]);
    assert_eq!(source.list_records(&tip, "production/audit").await.unwrap(), ["production/audit/x.jsonl"]);
    assert_eq!(source.list_records(&tip, "nothing").await.unwrap(), Vec::<String>::new());
    assert_eq!(source.read_record(&tip, path).await.unwrap().as_deref(), Some(&b"3"[..]));
    assert_eq!(source.read_record(&first, path).await.unwrap(), None);
    assert_eq!(source.records_tree(&first, "").await.unwrap(), None);
    assert_ne!(source.records_tree(&tip, "").await.unwrap(), source.records_tree(&base, "").await.unwrap());
    assert_eq!(
        source.records_tree(&tip, "production/audit").await.unwrap(),
        source.records_tree(&base, "production/audit").await.unwrap()
    );
    assert_eq!(source.flows_tree(&tip).await.unwrap(), source.flows_tree(&first).await.unwrap());
    assert!(source.contains(&tip, &first).await.unwrap() && source.contains(&tip, &tip).await.unwrap());
    assert!(!source.contains(&first, &tip).await.unwrap());
    assert!(!source.contains(&tip, &CommitId("1".repeat(40))).await.unwrap());
}

#[tokio::test]
async fn a_merge_that_takes_one_side_is_no_change() {
    let place = Place::new();
    place.write("deployments/production/manifest.json", "1");
    let one = place.commit("one");
    git(&place.work(), &["checkout", "--quiet", "-b", "side", "HEAD~1"]);
    place.write("README.md", "side");
    place.commit("side");
    git(&place.work(), &["checkout", "--quiet", "main"]);
    git(&place.work(), &["merge", "--quiet", "--no-ff", "-m", "merge", "side"]);
    place.push();
    let source = place.local();
    let tip = source.fetch().await.unwrap().flows;
    let history = source.record_history(&tip, "production/manifest.json").await.unwrap();
    assert_eq!(history.into_iter().map(|entry| entry.commit).collect::<Vec<_>>(), [one]);
}

#[tokio::test]
async fn ten_thousand_commits_are_walked_once() {
    let place = Place::new();
    let mut stream = String::from("reset refs/heads/main\nfrom refs/heads/main^0\n\n");
    for n in 0..10_000 {
        let path = if n % 100 == 0 { "deployments/production/manifest.json" } else { "flows/a.json" };
        let content = format!("{n}");
        stream.push_str(&format!(
            "commit refs/heads/main\ncommitter A <a@b> {} +0000\ndata 1\nx\nM 100644 inline {path}\ndata {}\n{content}\n",
            1_700_000_000 + n,
            content.len()
        ));
    }
    let file = place.dir.path().join("stream");
    std::fs::write(&file, stream).unwrap();
    let script = format!("git fast-import --quiet < {}", file.display());
    let done = std::process::Command::new("sh").arg("-c").arg(script).current_dir(place.origin()).status().unwrap();
    assert!(done.success());
    let source = place.local();
    let tip = source.fetch().await.unwrap().flows;
    let started = std::time::Instant::now();
    let history = source.record_history(&tip, "production/manifest.json").await.unwrap();
    let first = started.elapsed();
    assert_eq!(history.len(), 100);
    let started = std::time::Instant::now();
    source.record_history(&tip, "production/manifest.json").await.unwrap();
    println!("10k commits: {first:?}, again {:?}", started.elapsed());
}
