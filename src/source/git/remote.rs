//! A repository behind a network connection: a bare clone in the cache, and pushes from it.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use git2::{ConfigLevel, ErrorCode, ObjectType, Oid, Reference, Repository};

use super::build::{Built, NewCommit, build};
use super::cache::{Cache, heal};
use super::chance;
use super::clones::Clones;
use super::global;
use super::host_keys;
use super::local::{Target, unchanged};
use super::names::branch_ref;
use super::push::{Outcome, Stands, judge};
use super::read::{Reader, commit_id, io_error, local_error};
use super::repack::keep_objects;
use super::sign_in::{SignIn, known_hosts};
use super::talk::Talk;
use super::tidy::Effort;
use crate::address::{RemoteUrl, Scheme};
use crate::config::Credentials;
use crate::disk::narrow_all;
use crate::source::{CommitId, ENTRIES_MAX, PushError, RecordCommit, SourceError};

/// A remote and its clone.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) url: RemoteUrl,
    pub(super) cache: Cache,
    /// The clone as other environments have it open, too.
    pub(super) clones: Arc<Clones>,
    pub(super) credentials: Option<Credentials>,
    /// The folders that are read: nothing else in a commit is looked at.
    pub(super) folders: [String; 3],
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
    pub(super) fn fetch(&self, branches: &[impl AsRef<str>]) -> Result<(Repository, Advertised), SourceError> {
        // What is open shares its packs with whatever is opened now, damage that nobody has noticed included.
        self.clones.close();
        let repo = match self.open() {
            Ok(repo) if !self.cache.is_suspect() => repo,
            Ok(_) | Err(_) => self.make()?,
        };
        heal(&self.cache.clone);
        let fetched = self.fetch_into(&repo, branches);
        match fetched {
            Ok(advertised) if is_whole(&repo, branches, &self.folders) => Ok((repo, advertised)),
            Err(error) if is_whole(&repo, branches, &self.folders) => Err(error),
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

    pub(super) fn fetch_into(
        &self,
        repo: &Repository,
        branches: &[impl AsRef<str>],
    ) -> Result<Advertised, SourceError> {
        let talk = self.talk()?;
        let _network = global::network();
        let failed = |error: git2::Error| talk.failed("fetch from", &error);
        let mut remote = self.anonymous(repo)?;
        let mut refspecs = Vec::new();
        for branch in branches.iter().map(AsRef::as_ref) {
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
    pub(super) fn anonymous<'r>(&self, repo: &'r Repository) -> Result<git2::Remote<'r>, SourceError> {
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

    pub(super) fn talk(&self) -> Result<Talk<'_>, SourceError> {
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
        self.push_commit(&repo, target.branch, base_commit.map(|base| base.id()), &new)
    }

    /// Pushes a commit, if the branch still stands at `base`, and sees that it holds it. The caller holds the lock.
    pub(super) fn push_commit(
        &self,
        repo: &Repository,
        branch: &str,
        base: Option<Oid>,
        new: &NewCommit,
    ) -> Result<CommitId, PushError> {
        let NewCommit { id: new, objects, files: _ } = new;
        let new = *new;
        let mut n_tries = 0;
        loop {
            n_tries += 1;
            let outcome = self.push(repo, branch, base, new)?;
            match &outcome {
                Outcome::Elsewhere | Outcome::NotSent(_) => return Err(outcome.error(Stands::Moved)),
                Outcome::Taken => self.keep_pushed(repo, objects),
                Outcome::Raced(_) | Outcome::Declined(_) | Outcome::Broken(_) => {}
            }
            self.keep_small(Effort::Brief);
            let stands = match self.read_back(branch, new) {
                Ok(ReadBack::Holds) => return Ok(commit_id(new)),
                Ok(ReadBack::StandsAt(tip)) if tip == base => Stands::AtBase,
                Ok(ReadBack::StandsAt(_)) => Stands::Moved,
                Err(unread) => return Err(outcome.unread(unread)),
            };
            if stands == Stands::Moved || !outcome.may_pass() || n_tries >= PUSH_TRIES_MAX {
                return Err(outcome.error(stands));
            }
            std::thread::sleep(chance::pause(20..60) * (1 << n_tries));
        }
    }

    /// What was pushed need not be fetched.
    fn keep_pushed(&self, repo: &Repository, objects: &[Oid]) {
        if let Err(error) = keep_objects(repo, &self.cache.clone, objects) {
            tracing::debug!(%error, "the pushed records are fetched instead of kept");
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

    /// Where the branch stands after a push.
    fn read_back(&self, branch: &str, new: Oid) -> Result<ReadBack, SourceError> {
        let (repo, advertised) = self.fetch(&[branch])?;
        let Some(tip) = advertised.get(&branch_ref(branch)?).copied() else { return Ok(ReadBack::StandsAt(None)) };
        let shown = self.shown();
        let holds = Reader { repo: &repo, shown: &shown }.descends(tip, new)?;
        Ok(if holds { ReadBack::Holds } else { ReadBack::StandsAt(Some(tip)) })
    }
}

/// Where the branches of the remote are kept.
pub(super) const KEPT: &str = "refs/flowsync/heads/";

/// Objects are written to memory first where there is one.
pub(super) const BEFORE_ALL_OTHERS: i32 = 1000;

/// What a look at the branch after a push shows.
enum ReadBack {
    /// It holds the new commit.
    Holds,
    /// It stands at another one, or is not there.
    StandsAt(Option<Oid>),
}

/// A refusal that a lock of the server may have caused is tried again this often before it is believed.
const PUSH_TRIES_MAX: u32 = 5;

fn kept_ref(branch: &str) -> String {
    format!("{KEPT}{branch}")
}

/// Whether what is read of the kept branches is there, folders included; contents show when they are read. `""` is
/// the root.
pub(super) fn is_whole(repo: &Repository, branches: &[impl AsRef<str>], folders: &[impl AsRef<str>]) -> bool {
    branches.iter().all(|branch| match repo.find_reference(&kept_ref(branch.as_ref())) {
        Ok(reference) => is_tree_whole(repo, &reference, folders).unwrap_or(false),
        Err(error) => error.code() == ErrorCode::NotFound,
    })
}

fn is_tree_whole(
    repo: &Repository,
    reference: &Reference<'_>,
    folders: &[impl AsRef<str>],
) -> Result<bool, git2::Error> {
    let root = reference.peel_to_commit()?.tree()?;
    let odb = repo.odb()?;
    let id = |folder: &str| match folder {
        "" => Some(root.id()),
        _ => root.get_path(Path::new(folder)).ok().filter(|it| it.kind() == Some(ObjectType::Tree)).map(|it| it.id()),
    };
    let mut waiting: Vec<Oid> = folders.iter().filter_map(|folder| id(folder.as_ref())).collect();
    // A tree that stands in many places is one tree.
    let mut seen = HashSet::new();
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        for entry in &repo.find_tree(id)? {
            match entry.kind() {
                Some(ObjectType::Tree) => waiting.push(entry.id()),
                Some(ObjectType::Commit) => {}
                _ if !odb.exists(entry.id()) => return Ok(false),
                _ => {}
            }
        }
        if seen.len() > ENTRIES_MAX {
            break;
        }
    }
    Ok(true)
}
