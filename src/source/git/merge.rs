//! What a merge would come to, without making one: a pull request is planned as it will be there.

use std::collections::BTreeSet;

use git2::{ErrorCode, Index, Oid, Repository, Signature, Time};

use super::around::LocalRepository;
use super::names;
use super::read::{commit_id, local_error};
use super::remote::BEFORE_ALL_OTHERS;
use crate::source::{CommitId, SourceError};

/// What a merge would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// This commit, in the memory of the repository that was asked and nowhere else.
    Commit(CommitId),
    /// Nothing: these files are changed on both sides.
    Conflicts(Vec<String>),
}

impl LocalRepository {
    /// Merges a commit into another, in memory: no branch moves, and nothing is written to the disk.
    ///
    /// # Errors
    /// [`SourceError`] where there is no such commit, or the two have no history in common that is here.
    pub fn merged(&self, into: &CommitId, from: &CommitId) -> Result<Merged, SourceError> {
        let failed = |error: git2::Error| local_error(self.shown(), "merge", &error);
        let repo = self.repo();
        let commit = |id: &CommitId| Oid::from_str(&id.0).and_then(|id| repo.find_commit(id)).map_err(failed);
        let (ours, theirs) = (commit(into)?, commit(from)?);
        repo.merge_base(ours.id(), theirs.id()).map_err(|error| self.no_base(&error))?;
        // It lives as long as the repository is open.
        let odb = repo.odb().map_err(failed)?;
        odb.add_new_mempack_backend(BEFORE_ALL_OTHERS).map_err(failed)?;
        let mut index = repo.merge_commits(&ours, &theirs, None).map_err(failed)?;
        if index.has_conflicts() {
            return Ok(Merged::Conflicts(conflicts(&index).map_err(failed)?));
        }
        let made = commit_of(repo, &mut index, &[&ours, &theirs]).map_err(failed)?;
        Ok(Merged::Commit(commit_id(made)))
    }

    fn no_base(&self, error: &git2::Error) -> SourceError {
        let path = self.shown().to_owned();
        match error.code() {
            ErrorCode::NotFound if self.repo().is_shallow() => SourceError::Shallow {
                remedy: format!("`git -C {path} fetch --unshallow` makes it whole (in CI: fetch the whole history)"),
                path,
            },
            ErrorCode::NotFound => {
                let reason = "the two have no history in common".to_owned();
                SourceError::Local { doing: "merge", path, reason }
            }
            _ => local_error(&path, "merge", error),
        }
    }
}

/// The files that both sides have changed.
fn conflicts(index: &Index) -> Result<Vec<String>, git2::Error> {
    let mut files = BTreeSet::new();
    for conflict in index.conflicts()? {
        let conflict = conflict?;
        let sides = [conflict.our, conflict.their, conflict.ancestor];
        files.extend(sides.into_iter().flatten().map(|entry| names::shown(&String::from_utf8_lossy(&entry.path))));
    }
    Ok(files.into_iter().collect())
}

/// A commit that no branch will ever hold.
fn commit_of(repo: &Repository, index: &mut Index, parents: &[&git2::Commit<'_>]) -> Result<Oid, git2::Error> {
    let tree = repo.find_tree(index.write_tree_to(repo)?)?;
    let nobody = Signature::new("flowsync", "flowsync@localhost", &Time::new(0, 0))?;
    repo.commit(None, &nobody, &nobody, "merged in memory", &tree, parents)
}
