//! The work tree a person stands in.

use flowsync::source::{BadEntryReason, LocalRepository, SourceError, WorkTree, discover_work_tree};

use crate::support::{Place, git};

#[test]
fn a_work_tree_lists_what_a_commit_of_it_would() {
    let place = Place::new();
    place.write("flows/sub/b.json", "{}");
    place.write("flows/notes.txt", "");
    std::os::unix::fs::symlink("a.json", place.work().join("flows/link.json")).unwrap();
    std::fs::write(place.work().join("flows/big.json"), vec![b' '; 16 * 1024 * 1024 + 1]).unwrap();
    let tree = discover_work_tree(&place.work().join("flows/sub")).unwrap();
    let seen = tree.list_flows("flows").unwrap();
    let commit = place.commit("all of it");
    let repo = LocalRepository::open(&place.work().join("flows")).unwrap();
    assert_eq!(repo.resolve("HEAD").unwrap(), commit);
    assert_eq!(repo.list_flows(&commit, "flows").unwrap(), seen);
    let bad: Vec<BadEntryReason> = seen.bad.iter().map(|bad| bad.reason).collect();
    assert_eq!(bad, [BadEntryReason::TooLarge, BadEntryReason::SymbolicLink]);
    assert_eq!(tree.read("flows/a.json").unwrap().as_deref(), Some(&b"{\"a\":1}"[..]));
    assert_eq!(tree.read("flows/a.json/b").unwrap(), None);
    assert!(tree.list_flows("absent").is_err());
    assert_eq!(WorkTree::at(&place.work().join("flows")).list_flows("").unwrap().entries.len(), 2);
}

#[test]
fn a_repository_inside_the_folder_is_a_submodule() {
    let place = Place::new();
    git(&place.work(), &["init", "--quiet", "flows/inner"]);
    let listing = discover_work_tree(&place.work()).unwrap().list_flows("flows").unwrap();
    assert_eq!((listing.bad[0].path.as_str(), listing.bad[0].reason), ("flows/inner", BadEntryReason::Submodule));
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
