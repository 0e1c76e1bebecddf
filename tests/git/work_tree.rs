//! The work tree a person stands in.

use flowsync::source::{BadEntryReason, LocalRepository, SourceError, WorkTree, blob_id, discover_work_tree};

use crate::support::{Place, git};

#[test]
fn a_work_tree_lists_what_a_commit_of_it_would() {
    let place = Place::new();
    place.write("flows/sub/b.json", "{}");
    place.write("flows/notes.txt", "");
    std::os::unix::fs::symlink("a.json", place.work().join("flows/link.json")).unwrap();
    std::fs::write(place.work().join("flows/big.json"), vec![b' '; 16 * 1024 * 1024 + 1]).unwrap();
    let tree = discover_work_tree(&place.work().join("flows/sub")).unwrap();
    let (paths, bad) = tree.list_paths("flows").unwrap();
    let commit = place.commit("all of it");
    let repo = LocalRepository::open(&place.work().join("flows")).unwrap();
    assert_eq!(repo.resolve("HEAD").unwrap(), commit);
    let committed = repo.list_flows(&commit, "flows").unwrap();
    assert_eq!((committed.entries.iter().map(|entry| entry.path.clone()).collect(), &committed.bad), (paths, &bad));
    for entry in committed.entries {
        assert_eq!(blob_id(&tree.read(&entry.path).unwrap().unwrap()).unwrap(), entry.blob);
    }
    let reasons: Vec<BadEntryReason> = bad.iter().map(|bad| bad.reason).collect();
    assert_eq!(reasons, [BadEntryReason::TooLarge, BadEntryReason::SymbolicLink]);
    assert_eq!(tree.read("flows/a.json").unwrap().as_deref(), Some(&b"{\"a\":1}"[..]));
    assert_eq!(tree.read("flows/a.json/b").unwrap(), None);
    assert!(tree.list_paths("absent").is_err());
    assert_eq!(WorkTree::at(&place.work().join("flows")).list_paths("").unwrap().0.len(), 2);
}

#[test]
fn a_repository_inside_the_folder_is_a_submodule() {
    let place = Place::new();
    git(&place.work(), &["init", "--quiet", "flows/inner"]);
    let (_, bad) = discover_work_tree(&place.work()).unwrap().list_paths("flows").unwrap();
    assert_eq!((bad[0].path.as_str(), bad[0].reason), ("flows/inner", BadEntryReason::Submodule));
}

#[test]
fn a_missing_folder_is_not_blamed_on_a_clone() {
    let place = Place::new();
    let error = discover_work_tree(&place.work()).unwrap().list_paths("nowhere").unwrap_err().to_string();
    assert!(error.starts_with("cannot read a folder in `") && !error.contains("clone"), "{error}");
}

#[test]
fn revisions_and_records_come_from_the_repository_around() {
    let place = Place::new();
    place.write("deployments/production/manifest.json", "committed");
    let first = place.commit("record");
    git(&place.work(), &["tag", "v1"]);
    place.write("deployments/production/manifest.json", "in the work tree");
    let repo = LocalRepository::open(&place.work()).unwrap();
    assert_eq!(repo.resolve("v1").unwrap(), first);
    let nonsense = repo.resolve("no\nsuch");
    assert!(matches!(&nonsense, Err(SourceError::Setting(text)) if !text.contains('\n')), "{nonsense:?}");
    git(&place.work(), &["update-ref", "-d", "refs/remotes/origin/main"]);
    let record = |branch: &str| repo.read_record(branch, "deployments", "production/manifest.json").unwrap();
    assert_eq!(record("main").as_deref(), Some(&b"committed"[..]), "nothing was fetched, so the local branch");
    assert_eq!(record("absent").as_deref(), Some(&b"in the work tree"[..]));
    git(&place.work(), &["update-ref", "refs/remotes/origin/main", "HEAD~1"]);
    assert_eq!(record("main"), None, "as last fetched");
    let outside = tempfile::tempdir().unwrap();
    assert!(discover_work_tree(outside.path()).is_none());
    assert!(LocalRepository::open(outside.path()).is_err());
    assert!(discover_work_tree(&place.origin()).is_none());
}
