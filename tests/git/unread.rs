//! What is not read is said to be not read; what is there is read, however it is checked out.

use std::collections::BTreeMap;
use std::path::Path;

use flowsync::config::{Exclude, Repository};
use flowsync::source::{
    BadEntryReason, FlowSelection, GitFilter, GitOptions, GitSource, LeftOut, LeftOutReason, Listing, LocalRepository,
    Source, SourceError, discover_work_tree,
};

use crate::http_server::{HttpServer, Rules};
use crate::support::{Place, daemon, git, record, settings};

/// What a commit and the work tree it came from say alike: flow files, refused entries, entries not read.
struct Read {
    flows: Vec<String>,
    bad: Vec<(String, BadEntryReason)>,
    left_out: Vec<(String, LeftOutReason)>,
}

fn read_of<T>(listing: Listing<T>, path: impl Fn(T) -> String) -> Read {
    Read {
        flows: listing.entries.into_iter().map(path).collect(),
        bad: listing.bad.into_iter().map(|bad| (bad.path, bad.reason)).collect(),
        left_out: listing.left_out.into_iter().map(|LeftOut { path, reason }| (path, reason)).collect(),
    }
}

#[track_caller]
fn read_both(place: &Place, selection: &FlowSelection) -> Read {
    let repo = LocalRepository::open(&place.work()).unwrap();
    let commit = repo.resolve("HEAD").unwrap();
    let committed = read_of(repo.list_flows(&commit, selection).unwrap(), |entry| entry.path);
    let tree = discover_work_tree(&place.work()).unwrap().unwrap();
    let on_disk = read_of(tree.list(selection, selection.folder()).unwrap(), |path| path);
    assert_eq!(on_disk.flows, committed.flows);
    assert_eq!(on_disk.bad, committed.bad);
    assert_eq!(on_disk.left_out, committed.left_out);
    committed
}

fn selection(exclude: &[&str]) -> FlowSelection {
    FlowSelection::of(&Repository { exclude: Exclude::new(exclude).unwrap(), ..settings("https://x.example/r.git") })
}

#[test]
fn every_file_is_a_flow_or_said_to_be_none() {
    let place = Place::new();
    let flow = r#"{ "name": "B", "id": "flow_b" }"#;
    for (path, content) in [
        ("flows/b.JSON", flow),
        ("flows/sub/c.Json", flow),
        ("flows/d.json5", flow),
        ("flows/e.json.bak", flow),
        ("flows/f.txt", flow),
        ("flows/g", flow),
        ("flows/README.md", "# Flows"),
        ("flows/.gitkeep", ""),
        ("flows/.vscode/settings.json", "{}"),
        ("flows/package.json", "{}"),
        ("flows/sub/package.json", "{}"),
        ("flows/drafts/deep/h.json", flow),
    ] {
        place.write(path, content);
    }
    place.commit("all of it");
    let Read { flows, bad, left_out } = read_both(&place, &selection(&["**/package.json", "drafts"]));
    assert_eq!(flows, ["flows/a.json", "flows/b.JSON", "flows/sub/c.Json"]);
    assert_eq!(bad, []);
    use LeftOutReason::{DotFolder, Excluded, LooksLikeFlow, OtherFile};
    let expected = [
        ("flows/.gitkeep", OtherFile),
        ("flows/.vscode", DotFolder),
        ("flows/README.md", OtherFile),
        ("flows/d.json5", LooksLikeFlow),
        ("flows/drafts", Excluded),
        ("flows/e.json.bak", LooksLikeFlow),
        ("flows/f.txt", LooksLikeFlow),
        ("flows/g", LooksLikeFlow),
        ("flows/package.json", Excluded),
        ("flows/sub/package.json", Excluded),
    ];
    assert_eq!(left_out, expected.map(|(path, reason)| (path.to_owned(), reason)));
}

/// What git itself says of a file, as far as it matters here.
fn by_git(place: &Place, path: &str) -> Option<GitFilter> {
    let out = git(&place.work(), &["check-attr", "-z", "filter", "working-tree-encoding", "ident", "--", path]);
    let fields: Vec<&str> = out.split('\0').collect();
    let values: BTreeMap<&str, &str> = fields.chunks_exact(3).map(|field| (field[1], field[2])).collect();
    let is_value = |value: &str| !matches!(value, "unspecified" | "unset" | "set" | "");
    match (values["filter"], values["working-tree-encoding"], values["ident"]) {
        ("lfs", ..) => Some(GitFilter::Lfs),
        (filter, ..) if is_value(filter) => Some(GitFilter::Filter),
        (_, encoding, _) if is_value(encoding) && !encoding.eq_ignore_ascii_case("utf-8") => Some(GitFilter::Encoding),
        (.., "set") => Some(GitFilter::Ident),
        _ => None,
    }
}

#[test]
fn a_flow_under_a_git_filter_is_refused_exactly_where_git_would_change_it() {
    let files = ["a.json", "b c.json", "x.lfs.json", "sub/a.json", "sub/deep/a.json", "sub/deep/{x}.json", "ünï.json"];
    let attributes: [&[(&str, &str)]; 22] = [
        &[("", "* text=auto")],
        &[("", "*.json filter=lfs diff=lfs merge=lfs -text")],
        &[("", "flows/** filter=lfs")],
        &[("", "/flows/*.json filter=crypt")],
        &[("", "flows/sub/ filter=lfs")],
        &[("", "*.json working-tree-encoding=UTF-16LE eol=crlf")],
        &[("", "*.json working-tree-encoding=utf-8")],
        &[("", "*.json ident")],
        &[("", "[attr]big filter=lfs -text\n*.lfs.json big")],
        &[("", "*.json filter=lfs\n*.lfs.json -filter")],
        &[("", "*.json filter=lfs\n*.lfs.json !filter")],
        &[("", "*.json filter=lfs"), ("flows", "a.json -filter")],
        &[("flows/sub", "*.json filter=lfs"), ("flows/sub/deep", "* filter")],
        &[("flows", "deep/*.json filter=x"), ("flows/sub", "deep/*.json filter=y")],
        &[("flows", "**/a.json filter=x")],
        &[("", "\"b c.json\" filter=x\n\"\\303\\274n\\303\\257.json\" ident")],
        &[("", "{x}.json filter=x\n*.{json} ident\n\\{x}.json -ident")],
        &[("", "!*.json filter=x\n#*.json filter=x\n  a.json\tfilter=x  ident ")],
        &[("", "flows/*/a.json filter=x\nflows/**/a.json ident")],
        &[("flows/sub", "[attr]big filter=lfs\n*.json big")],
        &[("", "[abx].json filter=x\n?.json ident\n*.json filter=")],
        &[("", "[attr]one filter=lfs\n[attr]two one\n*.json two -filter\nsub/*.json two")],
    ];
    let place = Place::new();
    files.iter().for_each(|file| place.write(&format!("flows/{file}"), "{}"));
    let mut n_filtered = 0;
    for case in attributes {
        for (folder, text) in case {
            place.write(format!("{folder}/.gitattributes").trim_start_matches('/'), &format!("{text}\n"));
        }
        git(&place.work(), &["-c", "filter.lfs.clean=cat", "-c", "filter.lfs.required=false", "add", "-f", "--all"]);
        git(&place.work(), &["commit", "--quiet", "-m", "attributes"]);
        let Read { flows, bad, .. } = read_both(&place, &selection(&[]));
        for file in files {
            let path = format!("flows/{file}");
            let expected = by_git(&place, &path);
            let found = bad.iter().find(|(bad, _)| *bad == path).map(|(_, reason)| *reason);
            assert_eq!(found, expected.map(BadEntryReason::Filtered), "{path} {case:?}");
            assert_eq!(flows.contains(&path), expected.is_none(), "{path} {case:?}");
            n_filtered += usize::from(expected.is_some());
        }
        for (folder, _) in case {
            std::fs::remove_file(place.work().join(folder).join(".gitattributes")).unwrap();
        }
    }
    assert!(n_filtered > 30, "{n_filtered}");
}

#[tokio::test]
async fn attributes_from_above_count_as_a_change_of_the_flows() {
    let place = Place::new();
    place.push();
    let source = place.local();
    let before = source.flows_tree(&source.fetch().await.unwrap().flows).await.unwrap();
    place.write(".gitattributes", "*.json filter=lfs\n");
    git(&place.work(), &["add", ".gitattributes"]);
    git(&place.work(), &["commit", "--quiet", "-m", "attributes"]);
    place.push();
    let tip = source.fetch().await.unwrap().flows;
    assert_ne!(source.flows_tree(&tip).await.unwrap(), before);
    assert_eq!(source.list_flows(&tip).await.unwrap().bad[0].reason, BadEntryReason::Filtered(GitFilter::Lfs));
}

#[test]
fn a_sparse_checkout_hides_nothing() {
    let place = Place::new();
    for path in ["flows/sub/b.json", "flows/sub/deep/c.json", "flows/.dot/d.json", "flows/sub/e.json5", "docs/x"] {
        place.write(path, "{\"id\":1}");
    }
    place.commit("more");
    let whole = read_both(&place, &selection(&[])).flows;
    assert_eq!(whole, ["flows/a.json", "flows/sub/b.json", "flows/sub/deep/c.json"]);
    let work = place.work();
    for keep in ["docs", "flows/sub/deep"] {
        git(&work, &["sparse-checkout", "set", "--no-sparse-index", keep]);
        let Read { flows, bad, left_out } = read_both(&place, &selection(&[]));
        assert_eq!((flows, bad), (whole.clone(), vec![]), "{keep}");
        let expected = [("flows/.dot", LeftOutReason::DotFolder), ("flows/sub/e.json5", LeftOutReason::LooksLikeFlow)];
        assert_eq!(left_out, expected.map(|(path, reason)| (path.to_owned(), reason)), "{keep}");
        let tree = discover_work_tree(&work).unwrap().unwrap();
        assert_eq!(tree.read("flows/a.json").unwrap().as_deref(), Some(&b"{\"a\":1}"[..]), "{keep}");
        assert_eq!(tree.is_folder("flows").unwrap(), Some(true));
        assert_eq!((tree.is_folder("flows/a.json").unwrap(), tree.is_folder("nowhere").unwrap()), (Some(false), None));
        assert_eq!(tree.list(&selection(&[]), "flows/a.json").unwrap().entries, ["flows/a.json"]);
    }
    // What a person deleted is deleted, and what they brought back is read from the disk.
    std::fs::remove_file(work.join("flows/sub/deep/c.json")).unwrap();
    place.write("flows/a.json", "{\"mine\":1}");
    let tree = discover_work_tree(&work).unwrap().unwrap();
    let listing = tree.list(&selection(&[]), "flows").unwrap();
    assert_eq!(listing.entries, ["flows/a.json", "flows/sub/b.json"]);
    assert_eq!(tree.read("flows/a.json").unwrap().as_deref(), Some(&b"{\"mine\":1}"[..]));
    git(&work, &["checkout", "--quiet", "--", "flows/sub/deep/c.json"]);
    std::fs::remove_file(work.join("flows/a.json")).unwrap();
    git(&work, &["sparse-checkout", "set", "--sparse-index", "docs"]);
    if let Err(error) = discover_work_tree(&work).unwrap().unwrap().list(&selection(&[]), "flows") {
        assert!(error.to_string().contains("git sparse-checkout reapply --no-sparse-index"), "{error}");
        git(&work, &["sparse-checkout", "reapply", "--no-sparse-index"]);
        assert_eq!(read_both(&place, &selection(&[])).flows, whole);
    }
}

/// Writes trees around one: each holds `n` times the one before.
fn nest(repo: &Path, innermost: &str, n_levels: usize, n: usize) -> String {
    let repo = git2::Repository::open(repo).unwrap();
    let mut tree = git2::Oid::from_str(innermost).unwrap();
    for _ in 0..n_levels {
        let mut builder = repo.treebuilder(None).unwrap();
        for name in 0..n {
            builder.insert(format!("d{name:05}"), tree, 0o040_000).unwrap();
        }
        tree = builder.write().unwrap();
    }
    tree.to_string()
}

fn git_in(repo: &Path, arguments: &[&str], input: &str) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new("git")
        .current_dir(repo)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A commit of `main` with these folders at its root.
fn commit_trees(repo: &Path, folders: &[(&str, &str)]) -> String {
    let lines: String = folders.iter().map(|(name, tree)| format!("040000 tree {tree}\t{name}\n")).collect();
    let tree = git_in(repo, &["mktree"], &lines);
    let commit = git_in(repo, &["-c", "user.name=A", "-c", "user.email=a@b", "commit-tree", "-m", "bomb", &tree], "");
    git(repo, &["update-ref", "refs/heads/main", &commit]);
    commit
}

#[tokio::test]
async fn trees_have_bounds() {
    let place = Place::new();
    let origin = place.origin();
    let blob = git_in(&origin, &["hash-object", "-w", "--stdin"], "{}");
    let files = git_in(&origin, &["mktree"], &format!("100644 blob {blob}\ta.json\n100644 blob {blob}\tb.txt\n"));
    let empty = git_in(&origin, &["mktree"], &format!("100644 blob {blob}\tb.txt\n"));
    let options = GitOptions { allow_rewind: true };
    let source = GitSource::open(&settings(origin.to_str().unwrap()), &place.cache(), options).unwrap();
    for (what, tree, reason) in [
        ("deep", nest(&origin, &files, 5_000, 1), BadEntryReason::TooDeep),
        ("a bomb of flows", nest(&origin, &files, 6, 10), BadEntryReason::TooManyCopies),
        ("a bomb of nothing", nest(&origin, &empty, 10, 10), BadEntryReason::TooMany),
    ] {
        commit_trees(&origin, &[("flows", &tree)]);
        let tip = source.fetch().await.unwrap().flows;
        let listing = source.list_flows(&tip).await.unwrap();
        let found: Vec<BadEntryReason> = listing.bad.iter().map(|bad| bad.reason).collect();
        assert_eq!(found, [reason], "{what}");
        assert!(listing.entries.len() <= 1, "{what}");
    }
}

#[tokio::test]
async fn a_bomb_beside_the_flows_is_never_looked_at() {
    let place = Place::new();
    let origin = place.origin();
    let blob = git_in(&origin, &["hash-object", "-w", "--stdin"], "{}");
    let flows = git_in(&origin, &["mktree"], &format!("100644 blob {blob}\ta.json\n"));
    let bomb = nest(&origin, &flows, 12, 10);
    commit_trees(&origin, &[("docs", &bomb), ("flows", &flows)]);
    let (_server, url) = daemon(place.dir.path());
    let http = HttpServer::start(place.dir.path(), Rules::default());
    let over_http =
        GitSource::open(&settings(&http.url("origin.git")), &place.dir.path().join("http"), GitOptions::default())
            .unwrap();
    for source in [place.local(), place.source(&url), over_http] {
        let base = source.fetch().await.unwrap().flows;
        assert_eq!(source.list_flows(&base).await.unwrap().entries.len(), 1);
        let tip = source.commit_records(Some(&base), &record("production/manifest.json", Some(&base.0))).await.unwrap();
        assert_eq!(source.record_history(&tip, "production/manifest.json").await.unwrap()[0].commit, tip);
    }
}

#[tokio::test]
async fn a_shallow_clone_says_so_instead_of_rewound() {
    let place = Place::new();
    let first = place.commit("first");
    for n in 0..5 {
        place.write("README.md", &n.to_string());
        place.commit("more");
    }
    place.push();
    let origin = format!("file://{}", place.origin().display());
    git(place.dir.path(), &["clone", "--quiet", "--depth", "2", &origin, "shallow"]);
    let shallow = place.dir.path().join("shallow");
    let source = GitSource::open(&settings(shallow.to_str().unwrap()), &place.cache(), GitOptions::default()).unwrap();
    let tip = source.fetch().await.unwrap().flows;
    assert_eq!(source.list_flows(&tip).await.unwrap().entries.len(), 1);
    let words = |error: SourceError| {
        let text = error.to_string();
        assert!(text.contains("this clone is shallow") && text.contains("fetch --unshallow"), "{text}");
    };
    words(source.contains(&tip, &first).await.unwrap_err());
    words(source.record_history(&tip, "production/manifest.json").await.unwrap_err());
    // A second fetch cuts the history before the tip that was seen.
    place.write("README.md", "newer");
    place.commit("newer");
    place.push();
    git(&shallow, &["fetch", "--quiet", "--depth", "1", "origin", "main:main", "--force", "--update-head-ok"]);
    words(source.fetch().await.unwrap_err());
    git(&shallow, &["fetch", "--quiet", "--unshallow", "origin"]);
    let tip = source.fetch().await.unwrap().flows;
    assert!(source.contains(&tip, &first).await.unwrap());
    assert_eq!(source.record_history(&tip, "production/manifest.json").await.unwrap(), []);
}
