//! Where the branches stand, and whether they still hold what they held.

use std::sync::Arc;

use git2::{Oid, Repository};
use tokio::time::Instant;

use super::names::shown;
use super::read::{Reader, commit_id};
use super::remote::Advertised;
use super::source::{Inner, Place};
use super::tidy::Effort;
use crate::source::{GitOperation, GitOutcome, SourceError, Tips};

/// How many branches a hint names.
const BRANCHES_SHOWN_MAX: usize = 10;

/// What a fetch found.
struct FetchedTips {
    repo: Repository,
    flows: Option<Oid>,
    records: Option<Oid>,
    /// Full names of all references there.
    names: Vec<String>,
}

impl Inner {
    /// Looks where the branches stand; what somebody fetched at `since` or later will do.
    pub(super) fn fetch(&self, since: Option<Instant>) -> Result<Tips, SourceError> {
        let _lock = self.cache.lock()?;
        let FetchedTips { repo, flows, records, names } = match self.known_since(since) {
            Some(found) => found,
            None => self.find()?,
        };
        let reader = Reader { repo: &repo, shown: &self.url };
        let Some(flows) = flows else { return Err(self.no_branch(&self.branch, &names)) };
        let seen = [&self.branch, &self.records_branch].map(|branch| self.cache.seen(branch));
        self.check_rewind(&reader, &self.branch, Some(flows), &names)?;
        self.check_rewind(&reader, &self.records_branch, records, &names)?;
        if let (Place::Remote(remote), true) = (&self.place, seen != [Some(flows), records]) {
            // Only a pass that has something to do pays for it.
            remote.keep_small(Effort::Thorough);
        }
        Ok(Tips { flows: commit_id(flows), records: records.map(commit_id) })
    }

    fn find(&self) -> Result<FetchedTips, SourceError> {
        match &self.place {
            Place::Local(local) => {
                let repo = local.open()?;
                let (flows, records) = (local.tip(&repo, &self.branch)?, local.tip(&repo, &self.records_branch)?);
                let names = local.references(&repo);
                Ok(FetchedTips { repo, flows, records, names })
            }
            Place::Remote(remote) => {
                let (began, wanted) = (Instant::now(), self.part.wanted());
                let fetched = remote.fetch(&wanted);
                self.observer
                    .tell(GitOperation::Fetch, if fetched.is_ok() { GitOutcome::Done } else { GitOutcome::Failed });
                let (repo, advertised) = fetched.inspect_err(|error| self.part.together.note_failure(error))?;
                let advertised = Arc::new(advertised);
                let found = self.found(repo, &advertised);
                self.part.note(began, wanted, advertised);
                Ok(found)
            }
        }
    }

    /// What is known without asking the server. Where another process has seen something else meanwhile, that is
    /// nothing. The caller holds the lock.
    fn known_since(&self, since: Option<Instant>) -> Option<FetchedTips> {
        let fetched = self.part.fetched_since(since?)?;
        let Place::Remote(remote) = &self.place else { return None };
        let repo = remote.open().ok().filter(|_| !self.cache.is_suspect())?;
        let found = self.found(repo, &fetched.advertised);
        let seen = [&self.branch, &self.records_branch].map(|branch| self.cache.seen(branch));
        (seen == [found.flows, found.records]).then_some(found)
    }

    fn found(&self, repo: Repository, advertised: &Advertised) -> FetchedTips {
        let [flows, records] = self.part.see(advertised);
        FetchedTips { repo, flows, records, names: advertised.keys().cloned().collect() }
    }

    fn check_rewind(
        &self,
        reader: &Reader<'_>,
        branch: &str,
        tip: Option<Oid>,
        names: &[String],
    ) -> Result<(), SourceError> {
        let seen = self.cache.seen(branch);
        if seen == tip {
            return Ok(());
        }
        if let Some(seen) = seen {
            let holds = match tip {
                Some(tip) => reader.descends(tip, seen)?,
                None => false,
            };
            if !holds {
                self.cache.note_rewound();
            }
            if !holds && !self.options.allow_rewind {
                let Some(tip) = tip else { return Err(self.vanished(branch, seen, names)) };
                let (known, found) = (commit_id(seen), commit_id(tip));
                return Err(SourceError::Rewound { branch: branch.to_owned(), known, found });
            }
        }
        self.cache.set_seen(branch, tip)
    }

    fn vanished(&self, branch: &str, seen: Oid, names: &[String]) -> SourceError {
        let hint = format!(" any more: it stood at {seen}; pass --allow-rewind to accept that{}", hint(branch, names));
        SourceError::NoBranch { url: self.url.clone(), branch: branch.to_owned(), hint }
    }

    fn no_branch(&self, branch: &str, names: &[String]) -> SourceError {
        SourceError::NoBranch { url: self.url.clone(), branch: branch.to_owned(), hint: hint(branch, names) }
    }
}

/// What there is instead of a branch.
fn hint(branch: &str, names: &[String]) -> String {
    let branches: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix("refs/heads/")).collect();
    if branches.is_empty() {
        // Tags, or a `HEAD` that stands at a commit, are no branches, but commits they have.
        let what = if names.is_empty() { "it has no commits yet" } else { "it has commits, and no branch at all" };
        return format!("; {what}");
    }
    let some = branches.iter().take(BRANCHES_SHOWN_MAX).map(|name| format!("`{}`", shown(name)));
    let some = some.collect::<Vec<_>>().join(", ");
    let more = if branches.len() > BRANCHES_SHOWN_MAX { " and others" } else { "" };
    if names.iter().any(|name| *name == format!("refs/tags/{branch}")) {
        format!("; it has a tag of that name, and the branches {some}{more}")
    } else {
        format!("; it has {some}{more}")
    }
}
