//! The repository itself: blobs, commits with parents, branches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::format::Unit;
use crate::revision::{BlobId, CommitId};
use crate::source::{FileVersion, HistoryEntry, Touched, TreeId};

/// Path to new content; `None` removes the file.
pub type Edits = BTreeMap<String, Option<Vec<u8>>>;

pub(super) type Files = BTreeMap<String, BlobId>;

/// A bare repository that any number of processes and people push to.
#[derive(Debug, Clone, Default)]
pub struct MemoryRemote(Arc<Mutex<Store>>);

#[derive(Debug, Default)]
pub(super) struct Store {
    blobs: BTreeMap<BlobId, Arc<[u8]>>,
    commits: BTreeMap<CommitId, Commit>,
    branches: BTreeMap<String, CommitId>,
    /// The files of flows that stand in folders, by the ids of those.
    pub(super) units: BTreeMap<BlobId, Unit>,
}

#[derive(Debug, Clone)]
struct Commit {
    parents: Vec<CommitId>,
    files: Arc<Files>,
    message: String,
    time: Timestamp,
    generation: usize,
}

impl MemoryRemote {
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Store) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where a branch stands.
    #[must_use]
    pub fn tip(&self, branch: &str) -> Option<CommitId> {
        self.with(|store| store.branches.get(branch).cloned())
    }

    /// Somebody's commit on a branch, which begins with it where it does not exist.
    pub fn commit(&self, branch: &str, message: &str, time: Timestamp, edits: &Edits) -> CommitId {
        self.with(|store| {
            let parent = store.branches.get(branch).cloned();
            store.commit(branch, parent.into_iter().collect(), message, time, edits)
        })
    }

    /// A commit on top of `base`, if the branch still stands there.
    #[must_use]
    pub fn commit_onto(
        &self,
        branch: &str,
        base: Option<&CommitId>,
        message: &str,
        time: Timestamp,
        edits: &Edits,
    ) -> Option<CommitId> {
        self.with(|store| {
            let is_there = store.branches.get(branch) == base;
            is_there.then(|| store.commit(branch, base.cloned().into_iter().collect(), message, time, edits))
        })
    }

    /// A commit that takes an earlier one of the branch back.
    pub fn revert(&self, branch: &str, commit: &CommitId, time: Timestamp) -> CommitId {
        let edits = self.with(|store| {
            let Some(Commit { files, parents, .. }) = store.commits.get(commit) else {
                return Edits::new();
            };
            let before = parents.first().and_then(|parent| store.commits.get(parent)).map(|parent| &parent.files);
            let before = |path: &String| before.and_then(|files| files.get(path));
            let text = |blob: &BlobId| store.blobs.get(blob).map(|content| content.to_vec());
            let added = files.keys().filter(|path| before(path) != files.get(*path));
            let gone = parents.first().and_then(|parent| store.commits.get(parent)).map(|parent| parent.files.clone());
            let gone: Vec<String> =
                gone.iter().flat_map(|gone| gone.keys()).filter(|path| !files.contains_key(*path)).cloned().collect();
            added.cloned().chain(gone).map(|path| (path.clone(), before(&path).and_then(text))).collect()
        });
        self.commit(branch, &format!("Revert {commit}"), time, &edits)
    }

    /// A file of a commit.
    #[must_use]
    pub fn file(&self, commit: &CommitId, path: &str) -> Option<Arc<[u8]>> {
        self.with(|store| store.blobs.get(store.commits.get(commit)?.files.get(path)?).cloned())
    }

    /// The files below a folder of a commit.
    #[must_use]
    pub fn files_in(&self, commit: &CommitId, folder: &str) -> BTreeMap<String, BlobId> {
        self.with(|store| store.commits.get(commit).map(|commit| below(&commit.files, folder)).unwrap_or_default())
    }

    /// The first parent of a commit.
    #[must_use]
    pub fn parent(&self, commit: &CommitId) -> Option<CommitId> {
        self.with(|store| store.commits.get(commit)?.parents.first().cloned())
    }

    /// The paths at which a commit differs from its first parent.
    #[must_use]
    pub fn changes(&self, commit: &CommitId) -> BTreeSet<String> {
        self.with(|store| {
            let files = |id: &CommitId| store.commits.get(id).map(|commit| commit.files.clone()).unwrap_or_default();
            let parent = store.commits.get(commit).and_then(|commit| commit.parents.first());
            let (now, before) = (files(commit), parent.map(files).unwrap_or_default());
            let differs = |path: &&String| now.get(*path) != before.get(*path);
            now.keys().chain(before.keys()).filter(differs).cloned().collect()
        })
    }

    /// A blob.
    #[must_use]
    pub fn blob(&self, blob: &BlobId) -> Option<Arc<[u8]>> {
        self.with(|store| store.blobs.get(blob).cloned())
    }

    /// How many commits there are.
    #[must_use]
    pub fn n_commits(&self) -> usize {
        self.with(|store| store.commits.len())
    }

    /// A commit and everything before it, newest first.
    #[must_use]
    pub fn history(&self, tip: &CommitId) -> Vec<CommitId> {
        self.with(|store| store.history(tip))
    }

    pub(super) fn tree(&self, commit: &CommitId, folder: &str) -> Option<TreeId> {
        let files = self.files_in(commit, folder);
        let listing = || files.iter().map(|(path, blob)| format!("{path} {blob}\n")).collect::<String>();
        (!files.is_empty()).then(|| TreeId(digits("tree", listing().as_bytes())))
    }

    /// Every version of a file below a folder that is not as in any parent, oldest first.
    pub(super) fn versions(&self, tip: &CommitId, folder: &str) -> Vec<FileVersion> {
        self.with(|store| {
            let files_of =
                |id: &CommitId| store.commits.get(id).map(|commit| below(&commit.files, folder)).unwrap_or_default();
            let mut versions = Vec::new();
            for commit in store.history(tip).into_iter().rev() {
                let parents = store.commits.get(&commit).map(|commit| commit.parents.as_slice()).unwrap_or_default();
                let now = files_of(&commit);
                let mut before: Vec<Files> = parents.iter().map(files_of).collect();
                if before.is_empty() {
                    before.push(Files::new());
                }
                let paths: BTreeSet<&String> = before.iter().chain([&now]).flat_map(Files::keys).collect();
                for path in paths {
                    let blob = now.get(path);
                    if before.iter().all(|files| files.get(path) != blob) {
                        let path = path[folder.len() + 1..].to_owned();
                        versions.push(FileVersion { path, commit: commit.clone(), blob: blob.cloned() });
                    }
                }
            }
            versions
        })
    }

    /// What a commit touches, seen from the records folder.
    pub(super) fn touched(&self, commit: &CommitId, records: &str) -> Touched {
        self.with(|store| {
            let files = |id: &CommitId| store.commits.get(id).map(|commit| commit.files.clone()).unwrap_or_default();
            let parents = store.commits.get(commit).map(|commit| commit.parents.clone()).unwrap_or_default();
            if parents.len() > 1 {
                return Touched::Merge;
            }
            let (now, before) = (files(commit), parents.first().map(files).unwrap_or_default());
            let folder = format!("{records}/");
            let mut others = now.keys().chain(before.keys()).filter(|path| !path.starts_with(&folder));
            let more = others.find(|path| now.get(*path) != before.get(*path));
            more.map_or(Touched::RecordsOnly, |path| Touched::More(path.clone()))
        })
    }

    pub(super) fn file_history(&self, tip: &CommitId, path: &str) -> Vec<HistoryEntry> {
        self.history_by(tip, |store, commit| store.blob_at(commit, path))
    }

    /// Commits, newest first, in which what `blob_in` finds differs from every parent.
    pub(super) fn history_by(
        &self,
        tip: &CommitId,
        blob_in: impl Fn(&Store, &CommitId) -> Option<BlobId>,
    ) -> Vec<HistoryEntry> {
        self.with(|store| {
            let blob_in = |id: &CommitId| blob_in(store, id);
            let entry = |id: CommitId| {
                let Commit { parents, time, .. } = store.commits.get(&id)?;
                let blob = blob_in(&id);
                let is_old = parents.iter().any(|parent| blob_in(parent) == blob);
                let is_nothing = parents.is_empty() && blob.is_none();
                (!is_old && !is_nothing).then(|| HistoryEntry { commit: id.clone(), time: *time, blob })
            };
            store.history(tip).into_iter().filter_map(entry).collect()
        })
    }
}

impl Store {
    fn commit(
        &mut self,
        branch: &str,
        parents: Vec<CommitId>,
        message: &str,
        time: Timestamp,
        edits: &Edits,
    ) -> CommitId {
        let onto = parents.first().cloned();
        self.commit_tree(branch, parents, onto.as_ref(), message, time, edits)
    }

    /// A commit that holds the files of `onto` with some edits.
    pub(super) fn commit_tree(
        &mut self,
        branch: &str,
        parents: Vec<CommitId>,
        onto: Option<&CommitId>,
        message: &str,
        time: Timestamp,
        edits: &Edits,
    ) -> CommitId {
        let generations = parents.iter().filter_map(|parent| Some(self.commits.get(parent)?.generation + 1));
        let generation = generations.max().unwrap_or_default();
        let onto = onto.and_then(|onto| self.commits.get(onto));
        let mut files = onto.map(|onto| Files::clone(&onto.files)).unwrap_or_default();
        for (path, content) in edits {
            match content {
                Some(content) => {
                    let blob = blob_id(content);
                    self.blobs.entry(blob.clone()).or_insert_with(|| content.as_slice().into());
                    files.insert(path.clone(), blob);
                }
                None => _ = files.remove(path),
            }
        }
        self.keep_units(&files, edits);
        let id = CommitId(digits("commit", commit_text(&parents, &files, message, time).as_bytes()));
        self.commits.insert(
            id.clone(),
            Commit { parents, files: Arc::new(files), message: message.to_owned(), time, generation },
        );
        self.branches.insert(branch.to_owned(), id.clone());
        id
    }

    pub(super) fn tip(&self, branch: &str) -> Option<CommitId> {
        self.branches.get(branch).cloned()
    }

    pub(super) fn blob_at(&self, commit: &CommitId, path: &str) -> Option<BlobId> {
        self.commits.get(commit)?.files.get(path).cloned()
    }

    /// The files below a folder.
    pub(super) fn below(&self, commit: &CommitId, folder: &str) -> Files {
        self.commits.get(commit).map(|commit| below(&commit.files, folder)).unwrap_or_default()
    }

    pub(super) fn keep_blob(&mut self, blob: BlobId, content: &[u8]) {
        self.blobs.entry(blob).or_insert_with(|| content.into());
    }

    pub(super) fn content(&self, blob: &BlobId) -> Option<Vec<u8>> {
        self.blobs.get(blob).map(|content| content.to_vec())
    }

    pub(super) fn message(&self, commit: &CommitId) -> &str {
        self.commits.get(commit).map_or("", |commit| commit.message.as_str())
    }

    /// The paths at which two commits differ.
    pub(super) fn differing(&self, one: &CommitId, other: &CommitId) -> BTreeSet<String> {
        let paths = [one, other].into_iter().filter_map(|commit| self.commits.get(commit));
        let paths: BTreeSet<String> = paths.flat_map(|commit| commit.files.keys().cloned()).collect();
        paths.into_iter().filter(|path| self.blob_at(one, path) != self.blob_at(other, path)).collect()
    }

    /// The paths at which a commit differs from every parent.
    pub(super) fn changes_of(&self, commit: &CommitId) -> BTreeSet<String> {
        let parents = self.commits.get(commit).map(|commit| commit.parents.as_slice()).unwrap_or_default();
        let mut changes = parents.iter().map(|parent| self.differing(parent, commit));
        let first = changes.next().unwrap_or_default();
        changes.fold(first, |all, next| &all & &next)
    }

    pub(super) fn history(&self, tip: &CommitId) -> Vec<CommitId> {
        let generation = |id: &CommitId| self.commits.get(id).map_or(0, |commit| commit.generation);
        let mut open = BTreeSet::from([(generation(tip), tip.clone())]);
        let mut history = Vec::new();
        while let Some((_, id)) = open.pop_last() {
            let parents = self.commits.get(&id).map(|commit| commit.parents.as_slice()).unwrap_or_default();
            open.extend(parents.iter().map(|parent| (generation(parent), parent.clone())));
            history.push(id);
        }
        history
    }
}

pub(super) fn below(files: &Files, folder: &str) -> Files {
    let prefix = format!("{folder}/");
    let inside = files.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
    inside.map(|(path, blob)| (path.clone(), blob.clone())).collect()
}

fn commit_text(parents: &[CommitId], files: &Files, message: &str, time: Timestamp) -> String {
    let mut text = format!("{message}\n{time}\n");
    parents.iter().for_each(|parent| text.push_str(&parent.0));
    files.iter().for_each(|(path, blob)| [path, &blob.0].into_iter().for_each(|part| text.push_str(part)));
    text
}

pub(super) fn blob_id(content: &[u8]) -> BlobId {
    BlobId(digits("blob", content))
}

/// 40 hexadecimal digits, as git's ids have; the hash is another.
pub(super) fn digits(kind: &str, content: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{kind} {}\0", content.len()));
    hasher.update(content);
    hasher
        .finalize()
        .iter()
        .take(20)
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(path: &str, content: Option<&str>) -> Edits {
        Edits::from([(path.to_owned(), content.map(|text| text.as_bytes().to_vec()))])
    }

    #[test]
    fn a_push_on_an_old_base_is_lost() {
        let (remote, time) = (MemoryRemote::default(), Timestamp::UNIX_EPOCH);
        let first = remote.commit("main", "one", time, &edit("a", Some("1")));
        let second = remote.commit_onto("main", Some(&first), "two", time, &edit("b", Some("2"))).unwrap();
        assert_eq!(remote.commit_onto("main", Some(&first), "late", time, &edit("c", Some("3"))), None);
        assert_eq!(remote.commit_onto("main", None, "root", time, &edit("c", Some("3"))), None);
        assert_eq!(remote.history(&second), [second.clone(), first]);
    }

    #[test]
    fn a_revert_brings_the_content_before_back() {
        let (remote, time) = (MemoryRemote::default(), Timestamp::UNIX_EPOCH);
        remote.commit("main", "one", time, &edit("a", Some("1")));
        let second = remote.commit(
            "main",
            "two",
            time,
            &Edits::from([("a".to_owned(), None), ("b".to_owned(), Some(b"2".to_vec()))]),
        );
        let third = remote.revert("main", &second, time);
        assert_eq!(remote.file(&third, "a").as_deref(), Some(&b"1"[..]));
        assert_eq!(remote.file(&third, "b"), None);
        assert_eq!(remote.file_history(&third, "a").len(), 3);
        assert_eq!(remote.file_history(&third, "b").len(), 2);
    }

    #[test]
    fn equal_folders_have_equal_trees() {
        let (remote, time) = (MemoryRemote::default(), Timestamp::UNIX_EPOCH);
        let first = remote.commit("main", "one", time, &edit("flows/a", Some("1")));
        let second = remote.commit("main", "two", time, &edit("notes", Some("1")));
        assert_eq!(remote.tree(&first, "flows"), remote.tree(&second, "flows"));
        assert_eq!(remote.tree(&first, "notes"), None);
    }
}
