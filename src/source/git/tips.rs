//! Where the branches stand, and whether they still hold what they held.

use git2::{Oid, Repository};

use super::names::{branch_ref, shown};
use super::read::{Reader, commit_id};
use super::source::{Inner, Place};
use super::tidy::Effort;
use crate::source::{SourceError, Tips};

/// How many branches a hint names.
const BRANCHES_SHOWN_MAX: usize = 10;

/// What a fetch found.
struct Found {
    repo: Repository,
    flows: Option<Oid>,
    records: Option<Oid>,
    /// Full names of all references there.
    names: Vec<String>,
}

impl Inner {
    pub(super) fn fetch(&self) -> Result<Tips, SourceError> {
        let _lock = self.cache.lock()?;
        let Found { repo, flows, records, names } = self.find()?;
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

    fn find(&self) -> Result<Found, SourceError> {
        let branches = [self.branch.as_str(), self.records_branch.as_str()];
        match &self.place {
            Place::Local(local) => {
                let repo = local.open()?;
                let (flows, records) = (local.tip(&repo, branches[0])?, local.tip(&repo, branches[1])?);
                let names = local.references(&repo);
                Ok(Found { repo, flows, records, names })
            }
            Place::Remote(remote) => {
                let wanted = if branches[0] == branches[1] { &branches[..1] } else { &branches[..] };
                let (repo, advertised) = remote.fetch(wanted)?;
                let [flows, records] =
                    [branch_ref(branches[0])?, branch_ref(branches[1])?].map(|name| advertised.get(&name).copied());
                Ok(Found { repo, flows, records, names: advertised.into_keys().collect() })
            }
        }
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
