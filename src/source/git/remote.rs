//! A repository behind a network connection: a bare clone in the cache, and pushes from it.

use std::collections::BTreeMap;

use git2::{ConfigLevel, ErrorCode, ObjectType, Oid, Reference, Repository, TreeWalkMode, TreeWalkResult};

use super::address::{RemoteUrl, Scheme};
use super::build::{Built, NewCommit, build};
use super::cache::{Cache, heal};
use super::global;
use super::host_keys;
use super::local::{Target, unchanged};
use super::names::branch_ref;
use super::push::{Outcome, judge};
use super::read::{Reader, commit_id, io_error, local_error};
use super::repack::keep_objects;
use super::sign_in::{SignIn, known_hosts};
use super::talk::Talk;
use super::tidy::Effort;
use crate::config::Credentials;
use crate::disk::narrow_all;
use crate::source::{CommitId, PushError, RecordCommit, SourceError};

/// A remote and its clone.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) url: RemoteUrl,
    pub(super) cache: Cache,
    pub(super) credentials: Option<Credentials>,
}

/// What the server advertises, by full name.
pub(super) type Advertised = BTreeMap<String, Oid>;

impl Remote {
    /// The clone's path in messages.
    pub(super) fn shown(&self) -> String {
        self.cache.clone.display().to_string()
    }

    pub(super) fn open(&self) -> Result<Repository, SourceError> {
        Repository::open_bare(&self.cache.clone).map_err(|error| local_error(&self.shown(), "open the clone", &error))
    }

    /// Fetches branches, and makes the clone anew where it turns out to be damaged. The caller holds the lock.
    pub(super) fn fetch(&self, branches: &[&str]) -> Result<(Repository, Advertised), SourceError> {
        let repo = match self.open() {
            Ok(repo) if !self.cache.is_suspect() => repo,
            Ok(_) | Err(_) => self.make()?,
        };
        heal(&self.cache.clone);
        let fetched = self.fetch_into(&repo, branches);
        match fetched {
            Ok(advertised) if is_whole(&repo, branches) => Ok((repo, advertised)),
            Err(error) if is_whole(&repo, branches) => Err(error),
            Ok(_) | Err(_) => {
                tracing::warn!(clone = %self.cache.clone.display(), "the clone is damaged; making it anew");
                // libgit2 shares open packs by path: while one handle lives, the new clone would get the old ones.
                drop(repo);
                let repo = self.make()?;
                let advertised = self.fetch_into(&repo, branches)?;
                Ok((repo, advertised))
            }
        }
    }

    /// An empty clone in place of whatever is there. It moves into its place in one step.
    fn make(&self) -> Result<Repository, SourceError> {
        self.cache.remove_clone()?;
        let unfinished = self.cache.unfinished();
        Repository::init_bare(&unfinished).map_err(|error| local_error(&self.shown(), "create the clone", &error))?;
        std::fs::rename(&unfinished, &self.cache.clone)
            .map_err(|e| io_error(&self.cache.clone, "create the clone", &e))?;
        self.open()
    }

    pub(super) fn fetch_into(&self, repo: &Repository, branches: &[&str]) -> Result<Advertised, SourceError> {
        let talk = self.talk()?;
        let _network = global::network();
        let failed = |error: git2::Error| talk.failed("fetch from", &error);
        let mut remote = self.anonymous(repo)?;
        let mut refspecs = Vec::new();
        for branch in branches {
            refspecs.push(format!("+{}:{}", branch_ref(branch)?, kept_ref(branch)));
        }
        remote.fetch(&refspecs, Some(&mut talk.fetch_options()), Some("flowsync: fetch")).map_err(failed)?;
        // libgit2 makes folders as wide as it is allowed to.
        narrow_all(repo.path());
        let heads = remote.list().map_err(failed)?;
        Ok(heads.iter().map(|head| (head.name().to_owned(), head.oid())).collect())
    }

    /// The remote under the very URL that was configured.
    ///
    /// `url.<base>.insteadOf` in somebody's git configuration would send us, and our credentials, to
    /// another place. The longest match wins, so an entry for the whole URL overrules it.
    fn anonymous<'r>(&self, repo: &'r Repository) -> Result<git2::Remote<'r>, SourceError> {
        let url = self.url.connect.as_str();
        let failed = |error: git2::Error| local_error(&self.shown(), "address the remote", &error);
        let is_ours = |remote: &git2::Remote<'_>| {
            remote.url().ok() == Some(url) && remote.pushurl().is_ok_and(|push| push.is_none_or(|push| push == url))
        };
        let remote = repo.remote_anonymous(url).map_err(failed)?;
        if is_ours(&remote) {
            return Ok(remote);
        }
        let mut config = repo.config().and_then(|config| config.open_level(ConfigLevel::Local)).map_err(failed)?;
        for kind in ["insteadOf", "pushInsteadOf"] {
            config.set_str(&format!("url.{url}.{kind}"), url).map_err(failed)?;
        }
        let remote = repo.remote_anonymous(url).map_err(failed)?;
        if is_ours(&remote) {
            return Ok(remote);
        }
        let shown = &self.url.shown;
        Err(SourceError::Setting(format!("`url.*.insteadOf` in the git configuration rewrites `{shown}`; remove it")))
    }

    fn talk(&self) -> Result<Talk<'_>, SourceError> {
        let credentials = self.credentials.as_ref();
        let hosts = known_hosts(credentials)?;
        if self.url.scheme == Scheme::Ssh {
            host_keys::ask_for_known_kinds(&self.cache.ssh_home(), &hosts, &self.url);
        }
        Talk::new(&self.url, SignIn::read(credentials)?, hosts)
    }

    /// Commits in the clone and pushes. The caller holds the lock.
    pub(super) fn commit(
        &self,
        target: &Target<'_>,
        base: Option<&CommitId>,
        change: &RecordCommit,
    ) -> Result<CommitId, PushError> {
        let repo = self.open()?;
        heal(&self.cache.clone);
        let shown = self.shown();
        // What is not pushed leaves nothing behind.
        let failed = |error: git2::Error| local_error(&shown, "write a record", &error);
        let odb = repo.odb().map_err(failed)?;
        let _memory = odb.add_new_mempack_backend(BEFORE_ALL_OTHERS).map_err(failed)?;
        let reader = Reader { repo: &repo, shown: &shown };
        let base_commit = base.map(|base| reader.commit(base)).transpose()?;
        let new = match build(&reader, target.records, target.author, base_commit.as_ref(), change)? {
            Built::New(new) => new,
            Built::Unchanged => return unchanged(base, target.records),
        };
        let NewCommit { id: new, objects, files: _ } = new;
        let outcome = self.push(&repo, target.branch, base_commit.map(|base| base.id()), new)?;
        if matches!(outcome, Outcome::Elsewhere | Outcome::NotSent(_)) {
            return Err(outcome.error(None));
        }
        if matches!(outcome, Outcome::Taken)
            && let Err(error) = keep_objects(&repo, &self.cache.clone, &objects)
        {
            tracing::debug!(%error, "the pushed records are fetched instead of kept");
        }
        self.keep_small(Effort::Brief);
        match self.read_back(target.branch, new) {
            Ok((true, _)) => Ok(commit_id(new)),
            Ok((false, tip)) => Err(outcome.error(Some(tip == base.map(|base| base.0.clone())))),
            Err(unread) => Err(outcome.unread(unread)),
        }
    }

    fn push(&self, repo: &Repository, branch: &str, base: Option<Oid>, new: Oid) -> Result<Outcome, SourceError> {
        let talk = self.talk()?;
        let _network = global::network();
        let mut remote = self.anonymous(repo)?;
        let refspec = format!("{new}:{}", branch_ref(branch)?);
        let pushed = remote.push(&[refspec], Some(&mut talk.push_options(base)));
        Ok(judge(&talk, pushed))
    }

    /// Whether the branch holds the commit now, and where it stands.
    fn read_back(&self, branch: &str, new: Oid) -> Result<(bool, Option<String>), SourceError> {
        let (repo, advertised) = self.fetch(&[branch])?;
        let Some(tip) = advertised.get(&branch_ref(branch)?).copied() else { return Ok((false, None)) };
        let shown = self.shown();
        let holds = Reader { repo: &repo, shown: &shown }.descends(tip, new)?;
        Ok((holds, Some(tip.to_string())))
    }
}

/// Where the branches of the remote are kept.
pub(super) const KEPT: &str = "refs/flowsync/heads/";

/// Objects are written to memory first where there is one.
const BEFORE_ALL_OTHERS: i32 = 1000;

fn kept_ref(branch: &str) -> String {
    format!("{KEPT}{branch}")
}

/// Whether the kept branches can be read, folders included; contents show when they are read.
pub(super) fn is_whole(repo: &Repository, branches: &[&str]) -> bool {
    branches.iter().all(|branch| match repo.find_reference(&kept_ref(branch)) {
        Ok(reference) => tree_is_whole(repo, &reference).unwrap_or(false),
        Err(error) => error.code() == ErrorCode::NotFound,
    })
}

fn tree_is_whole(repo: &Repository, reference: &Reference<'_>) -> Result<bool, git2::Error> {
    let odb = repo.odb()?;
    let tree = reference.peel_to_commit()?.tree()?;
    let mut whole = true;
    let walked = tree.walk(TreeWalkMode::PreOrder, |_, entry| {
        whole &= entry.kind() == Some(ObjectType::Commit) || odb.exists(entry.id());
        if whole { TreeWalkResult::Ok } else { TreeWalkResult::Abort }
    });
    Ok(walked.is_ok() && whole)
}
