//! Which commits change what is deployed, and how each is signed.

use std::collections::BTreeMap;

use git2::{Commit, ErrorCode, Sort};
use jiff::Timestamp;

use super::names;
use super::read::{Reader, commit_id};
use crate::source::{CommitId, Signature, SignedCommit, SignedHistory, SourceError};

/// So many commits are walked at most.
const COMMITS_MAX: usize = 200_000;

/// So many of those that change something are handed over at most: a signature takes a moment.
const CHANGES_MAX: usize = 10_000;

/// What counts as a change.
pub(super) struct Watched<'a> {
    /// Folders in which every difference does.
    pub(super) folders: Vec<&'a str>,
    /// Folder in which whatever is new or different does, and what goes does not: a used approval is removed.
    pub(super) additions: String,
}

impl Reader<'_> {
    /// The commits behind `tip` and not behind `since` that differ from any of their parents in what is watched, newest
    /// first.
    pub(super) fn signed_history(
        &self,
        tip: &CommitId,
        since: Option<&CommitId>,
        watched: &Watched<'_>,
    ) -> Result<SignedHistory, SourceError> {
        let failed = |error: git2::Error| self.failed("walk the history", &error);
        let mut walk = self.repo.revwalk().map_err(failed)?;
        walk.set_sorting(Sort::TIME).map_err(failed)?;
        walk.push(self.commit(tip)?.id()).map_err(failed)?;
        if let Some(since) = since {
            walk.hide(self.commit(since)?.id()).map_err(failed)?;
        }
        let mut history = SignedHistory { commits: Vec::new(), is_cut: false };
        for (index, id) in walk.enumerate() {
            if index == COMMITS_MAX || history.commits.len() == CHANGES_MAX {
                history.is_cut = true;
                break;
            }
            let commit = self.commit(&commit_id(id.map_err(failed)?))?;
            if let Some(path) = self.change(&commit, watched)? {
                history.commits.push(self.signed(&commit, path)?);
            }
        }
        Ok(history)
    }

    /// Something watched in which a commit differs from one of its parents.
    fn change(&self, commit: &Commit<'_>, watched: &Watched<'_>) -> Result<Option<String>, SourceError> {
        let mut parents = Vec::new();
        for id in commit.parent_ids() {
            match self.repo.find_commit(id) {
                Ok(parent) => parents.push(Some(commit_id(parent.id()))),
                Err(error) if error.code() == ErrorCode::NotFound && self.repo.is_shallow() => {
                    return Err(self.shallow());
                }
                Err(error) => return Err(self.failed("read a commit", &error)),
            }
        }
        if parents.is_empty() {
            parents.push(None);
        }
        let id = commit_id(commit.id());
        for folder in &watched.folders {
            let now = self.tree_id(&id, folder)?;
            for parent in &parents {
                let before = match parent {
                    Some(parent) => self.tree_id(parent, folder)?,
                    None => None,
                };
                if before != now {
                    return Ok(Some((*folder).to_owned()));
                }
            }
        }
        let tree = |commit: &CommitId| self.tree_id(commit, &watched.additions);
        let Some(now) = tree(&id)? else { return Ok(None) };
        for parent in &parents {
            let before = match parent {
                Some(parent) if tree(parent)?.as_ref() == Some(&now) => continue,
                Some(parent) => self.files(parent, &watched.additions)?,
                None => BTreeMap::new(),
            };
            let files = self.files(&id, &watched.additions)?;
            if let Some((name, _)) = files.iter().find(|(name, blob)| before.get(*name) != Some(blob)) {
                return Ok(Some(names::below(&watched.additions, name)));
            }
        }
        Ok(None)
    }

    fn signed(&self, commit: &Commit<'_>, path: String) -> Result<SignedCommit, SourceError> {
        let signature = match self.repo.extract_signature(&commit.id(), None) {
            Ok((text, content)) => Some(Signature { text: text.to_vec(), content: content.to_vec() }),
            Err(error) if error.code() == ErrorCode::NotFound => None,
            Err(error) => return Err(self.failed("read a commit's signature", &error)),
        };
        let author = String::from_utf8_lossy(commit.author().name_bytes()).into_owned();
        let time = Timestamp::from_second(commit.time().seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(SignedCommit { commit: commit_id(commit.id()), author, time, path, signature })
    }
}
