//! The work tree a person stands in.

use std::path::Path;

use flowsync::config::Repository;
use flowsync::source::{
    BadEntryReason, FlowSelection, Listing, LocalRepository, SourceError, WorkTree, blob_id, discover_work_tree,
};

use crate::support::{Place, git, settings};

fn tree_at(dir: &Path) -> WorkTree {
    discover_work_tree(dir).unwrap().unwrap()
}

fn list(tree: &WorkTree, folder: &str) -> Result<Listing<String>, SourceError> {
    tree.list(&FlowSelection::whole(folder), folder)
}

fn whole(folder: &str) -> FlowSelection {
    FlowSelection::whole(folder)
}

#[test]
fn a_work_tree_lists_what_a_commit_of_it_would() {
    let place = Place::new();
    place.write("flows/sub/b.json", "{}");
    place.write("flows/notes.txt", "");
    std::os::unix::fs::symlink("a.json", place.work().join("flows/link.json")).unwrap();
    std::fs::write(place.work().join("flows/big.json"), vec![b' '; 16 * 1024 * 1024 + 1]).unwrap();
    let tree = tree_at(&place.work().join("flows/sub"));
    let Listing { entries: paths, overlays: _, bad, left_out } = list(&tree, "flows").unwrap();
    let commit = place.commit("all of it");
    let repo = LocalRepository::open(&place.work().join("flows")).unwrap();
    assert_eq!(repo.resolve("HEAD").unwrap(), commit);
    let committed = repo.list_flows(&commit, &whole("flows")).unwrap();
    assert_eq!(committed.left_out, left_out);
    assert_eq!((committed.entries.iter().map(|entry| entry.path.clone()).collect(), &committed.bad), (paths, &bad));
    for entry in committed.entries {
        assert_eq!(blob_id(&tree.read(&entry.path).unwrap().unwrap()).unwrap(), entry.blob);
    }
    let reasons: Vec<BadEntryReason> = bad.iter().map(|bad| bad.reason).collect();
    assert_eq!(reasons, [BadEntryReason::TooLarge, BadEntryReason::SymbolicLink]);
    assert_eq!(tree.read("flows/a.json").unwrap().as_deref(), Some(&b"{\"a\":1}"[..]));
    assert_eq!(tree.read("flows/a.json/b").unwrap(), None);
    assert!(list(&tree, "absent").is_err());
    assert_eq!(list(&WorkTree::at(&place.work().join("flows")), "").unwrap().entries.len(), 2);
}

#[test]
fn a_link_or_submodule_on_the_way_to_the_folder_is_never_followed() {
    let place = Place::new();
    let outside = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(outside.path().join("deep")).unwrap();
    std::fs::write(outside.path().join("deep/b.json"), "{}").unwrap();
    std::os::unix::fs::symlink(outside.path(), place.work().join("away")).unwrap();
    std::os::unix::fs::symlink("flows", place.work().join("here")).unwrap();
    let tree = tree_at(&place.work());
    let commit = place.commit("links");
    let repo = LocalRepository::open(&place.work()).unwrap();
    for (folder, at) in [("away", "away"), ("away/deep", "away"), ("here", "here")] {
        let Listing { entries: paths, bad, .. } = list(&tree, folder).unwrap();
        assert_eq!((paths.len(), bad.len()), (0, 1), "{folder}");
        assert_eq!((bad[0].path.as_str(), bad[0].reason), (at, BadEntryReason::SymbolicLink));
        let committed = repo.list_flows(&commit, &whole(folder)).unwrap();
        assert_eq!((committed.entries.len(), committed.bad), (0, bad), "{folder}");
    }
    git(&place.work(), &["init", "--quiet", "sub"]);
    git(&place.work(), &["update-index", "--add", "--cacheinfo", &format!("160000,{},sub", commit.0)]);
    git(&place.work(), &["commit", "--quiet", "-m", "submodule"]);
    let committed = repo.list_flows(&repo.resolve("HEAD").unwrap(), &whole("sub/flows")).unwrap();
    assert_eq!((committed.bad[0].path.as_str(), committed.bad[0].reason), ("sub", BadEntryReason::Submodule));
    assert_eq!(list(&tree, "sub/flows").unwrap().bad, committed.bad);
    assert!(matches!(repo.list_flows(&commit, &whole("README.md/x")), Err(SourceError::NoFlowsFolder { .. })));
}

#[test]
fn a_repository_inside_the_folder_is_a_submodule() {
    let place = Place::new();
    git(&place.work(), &["init", "--quiet", "flows/inner"]);
    let bad = list(&tree_at(&place.work()), "flows").unwrap().bad;
    assert_eq!((bad[0].path.as_str(), bad[0].reason), ("flows/inner", BadEntryReason::Submodule));
}

#[test]
fn a_missing_folder_is_not_blamed_on_a_clone() {
    let place = Place::new();
    let error = list(&tree_at(&place.work()), "nowhere").unwrap_err().to_string();
    assert!(error.starts_with("cannot read a folder in `") && !error.contains("clone"), "{error}");
}

#[test]
fn revisions_come_from_the_repository_around() {
    let place = Place::new();
    let first = place.commit("record");
    git(&place.work(), &["tag", "v1"]);
    let repo = LocalRepository::open(&place.work()).unwrap();
    assert_eq!(repo.resolve("v1").unwrap(), first);
    let nonsense = repo.resolve("no\nsuch");
    assert!(matches!(&nonsense, Err(SourceError::Setting(text)) if !text.contains('\n')), "{nonsense:?}");
    let outside = tempfile::tempdir().unwrap();
    assert!(discover_work_tree(outside.path()).unwrap().is_none());
    assert!(LocalRepository::open(outside.path()).is_err());
    assert!(discover_work_tree(&place.origin()).unwrap().is_none());
}

#[test]
fn records_come_from_the_configured_branch_and_from_the_work_tree_where_it_lacks_them() {
    let place = Place::new();
    let work = place.work();
    let path = "deployments/production/manifest.json";
    let tree_with = |text: &str| {
        place.write(path, text);
        place.commit(text).0
    };
    let [configured, fork, local] = ["configured", "fork", "local"].map(tree_with);
    place.write(path, "in the work tree");
    let repo = LocalRepository::open(&work).unwrap();
    let record = |url: &str, branch: &str| {
        let settings = Repository { branch: branch.parse().unwrap(), ..settings(url) };
        let found = repo.read_record(&settings, "production/manifest.json").unwrap();
        found.map(|found| (String::from_utf8(found.content.to_vec()).unwrap(), found.commit.map(|commit| commit.0)))
    };
    let from = |text: &str, commit: &str| Some((text.to_owned(), Some(commit.to_owned())));
    let from_tree = Some(("in the work tree".to_owned(), None));
    let elsewhere = "https://git.example.com/acme/flows.git";
    let main = "refs/remotes/origin/main";

    git(&work, &["update-ref", main, &fork]);
    assert_eq!(record(elsewhere, "main"), from("fork", &fork), "no remote is the configured one, so origin");
    git(&work, &["remote", "add", "upstream", "https://me@GIT.example.com:443/acme/flows/"]);
    assert_eq!(record(elsewhere, "main"), from("fork", &fork), "never fetched from it");
    git(&work, &["update-ref", "refs/remotes/upstream/main", &configured]);
    assert_eq!(record(elsewhere, "main"), from("configured", &configured));
    git(&work, &["config", "remote.upstream.fetch", "+refs/heads/*:refs/seen/*"]);
    git(&work, &["update-ref", "refs/seen/main", &configured]);
    git(&work, &["update-ref", "-d", "refs/remotes/upstream/main"]);
    assert_eq!(record(elsewhere, "main"), from("configured", &configured), "wherever it is fetched to");

    let origin = place.origin().display().to_string();
    assert_eq!(record(&origin, "main"), from("fork", &fork), "its URL is `../origin.git`");
    assert_eq!(record(&work.display().to_string(), "main"), from("local", &local), "this is the repository itself");
    git(&work, &["update-ref", main, &format!("{configured}~1")]);
    assert_eq!(record(&origin, "main"), from_tree, "not in the branch, so the work tree");
    git(&work, &["update-ref", "-d", main]);
    assert_eq!(record(&origin, "main"), from("local", &local), "nothing was fetched, so the local branch");
    assert_eq!(record(&origin, "absent"), from_tree);
    std::fs::rename(work.join("deployments"), place.dir.path().join("away")).unwrap();
    std::os::unix::fs::symlink("../away", work.join("deployments")).unwrap();
    assert_eq!(record(&origin, "absent"), None, "a link is not followed");
}

#[test]
fn what_looks_like_a_work_tree_and_is_none_is_an_error() {
    let place = Place::new();
    let inner = place.work().join("inner/deep");
    std::fs::create_dir_all(&inner).unwrap();
    let mark = place.work().join("inner/.git");
    let refused = |why: &str| {
        for error in [discover_work_tree(&inner).unwrap_err(), LocalRepository::find(&inner).unwrap_err()] {
            let text = error.to_string();
            assert!(text.contains("inner") && text.contains(why), "{text}");
        }
    };
    std::fs::write(&mark, "gitdir: /nowhere/at/all\n").unwrap();
    refused("`/nowhere/at/all`, which is not there");
    std::fs::write(&mark, "gitdir: ../elsewhere").unwrap();
    refused("`../elsewhere`, which is not there");
    std::fs::write(&mark, "nonsense").unwrap();
    refused("no repository that can be opened");
    std::fs::remove_file(&mark).unwrap();
    std::os::unix::fs::symlink("/nowhere", &mark).unwrap();
    refused("no repository that can be opened");
    std::fs::remove_file(&mark).unwrap();
    std::fs::create_dir(&mark).unwrap();
    refused("no repository that can be opened");
    std::fs::remove_dir(&mark).unwrap();
    assert_eq!(tree_at(&inner).root(), place.work().canonicalize().unwrap());
    // A work tree of a repository elsewhere, and a submodule, are what they say.
    git(&place.work(), &["worktree", "add", "--quiet", "../linked"]);
    git(&place.work(), &["init", "--quiet", "inner"]);
    assert!(tree_at(&place.dir.path().join("linked")).root().ends_with("linked"));
    assert!(tree_at(&inner).root().ends_with("inner"));
    std::fs::remove_file(place.work().join(".git/HEAD")).unwrap();
    let text = discover_work_tree(&place.work().join("flows")).unwrap_err().to_string();
    assert!(text.contains("no repository that can be opened"), "{text}");
}
