//! Proposals in the repository in memory: the same rule over its own trees.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::remote::{Edits, MemoryRemote, Store, blob_id};
use crate::revision::{BlobId, CommitId};
use crate::source::proposal::{Clash, Side, Since, is_ours, settle};
use crate::source::{Proposal, ProposeError, Proposed, Rest};

impl MemoryRemote {
    /// Commits a proposal to its branch, wherever that stands.
    pub(super) fn propose(&self, proposal: &Proposal) -> Result<Proposed, ProposeError> {
        self.with(|store| store.propose(proposal))
    }
}

impl MemoryRemote {
    /// What the newest commit of ours on a branch says, if `base` does not have it.
    pub(super) fn standing_proposal(&self, branch: &str, base: &CommitId) -> Option<String> {
        self.with(|store| {
            let known = store.history(base);
            let history = store.history(&store.tip(branch)?);
            let mut messages = history.iter().filter(|commit| !known.contains(commit)).map(|it| store.message(it));
            messages.find(|message| is_ours(message)).map(str::to_owned)
        })
    }
}

impl Store {
    fn propose(&mut self, proposal: &Proposal) -> Result<Proposed, ProposeError> {
        let Proposal { branch, base, rest, message, files, time } = proposal;
        let Some(tip) = self.tip(branch) else {
            if self.holds(base, files) {
                return Ok(Proposed::Nothing);
            }
            let made = self.commit_tree(branch, vec![base.clone()], Some(base), message, *time, files);
            return Ok(Proposed::Made(made));
        };
        if *rest == Rest::Stays {
            if self.holds(&tip, files) {
                return Ok(Proposed::Held(tip));
            }
            let made = self.commit_tree(branch, vec![tip.clone()], Some(&tip), message, *time, files);
            return Ok(Proposed::Made(made));
        }
        if self.holds(base, files) {
            return Ok(Proposed::Nothing);
        }
        self.renew(proposal, &tip)
    }

    /// Makes the branch hold its base and the proposal, and what somebody else committed there.
    fn renew(&mut self, proposal: &Proposal, tip: &CommitId) -> Result<Proposed, ProposeError> {
        let Proposal { branch, base, message, files, time, .. } = proposal;
        let known = self.history(base);
        let fork = self.history(tip).into_iter().find(|commit| known.contains(commit));
        let fork = fork.ok_or_else(|| ProposeError::Unrelated { branch: branch.clone(), base: base.clone() })?;
        let since = self.since(&known, &fork, tip);
        let wanted: BTreeMap<String, Option<BlobId>> =
            files.iter().map(|(path, content)| (path.clone(), content.as_deref().map(blob_id))).collect();
        let look = |side, path: &str| {
            let commit = match side {
                Side::Base => base,
                Side::Branch => tip,
                Side::Fork => &fork,
            };
            Ok::<_, Infallible>(self.blob_at(commit, path))
        };
        let settled = match settle(&wanted, &since, look) {
            Ok(settled) => settled,
            Err(never) => match never {},
        };
        let settled = settled.map_err(|Clash { path, commit }| ProposeError::Occupied {
            branch: branch.clone(),
            commit,
            path,
        })?;
        if settled.is_held {
            return Ok(Proposed::Held(tip.clone()));
        }
        let content = |path: &String, blob: Option<BlobId>| match files.get(path) {
            Some(content) if content.as_deref().map(blob_id) == blob => content.clone(),
            _ => blob.and_then(|blob| self.content(&blob)),
        };
        let edits: Edits = settled.files.into_iter().map(|(path, blob)| (path.clone(), content(&path, blob))).collect();
        let parents = match &fork {
            fork if fork == tip => vec![base.clone()],
            fork if fork == base => vec![tip.clone()],
            _ => vec![tip.clone(), base.clone()],
        };
        Ok(Proposed::Made(self.commit_tree(branch, parents, Some(base), message, *time, &edits)))
    }

    fn since(&self, known: &[CommitId], fork: &CommitId, tip: &CommitId) -> Since {
        let mut since = Since { changed: self.differing(fork, tip), ..Since::default() };
        for commit in self.history(tip).into_iter().filter(|commit| !known.contains(commit)) {
            let paths = self.changes_of(&commit);
            if !is_ours(self.message(&commit)) {
                paths.into_iter().for_each(|path| _ = since.foreign.entry(path).or_insert_with(|| commit.clone()));
            }
        }
        since
    }

    fn holds(&self, commit: &CommitId, files: &Edits) -> bool {
        files.iter().all(|(path, content)| self.blob_at(commit, path) == content.as_deref().map(blob_id))
    }
}
