//! A repository in this file system, used where it is.
//!
//! libgit2's own local push overwrites a reference without comparing it and refuses repositories
//! with a work tree, so nothing is pushed here: objects go into the object store, and the branch
//! moves by compare-and-swap under git's own reference lock.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git2::{ErrorCode, Oid, Repository};

use super::build::{Built, NewCommit, build};
use super::chance;
use super::locks::remove_stale_locks;
use super::names;
use super::read::{Reader, commit_id, local_error};
use super::sharing::Shared;
use super::work_files::{self, Overwrite};
use crate::config::Author;
use crate::source::{CommitId, PushError, RecordCommit, SourceError};

/// How a lock that stays taken is told.
const LOCK_HELD: &str = "another git process holds";
/// How long a reference lock of another process is waited for.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(3);

/// What the log of a branch says of a move.
const LOG_LINE: &str = "flowsync: commit";

/// A repository in this file system.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) path: PathBuf,
    pub(super) shown: String,
}

/// Where records go.
pub(super) struct Target<'a> {
    /// Short name of the branch.
    pub(super) branch: &'a str,
    /// Folder of the records.
    pub(super) records: &'a str,
    pub(super) author: &'a Author,
}

impl Local {
    pub(super) fn open(&self) -> Result<Repository, SourceError> {
        Repository::open(&self.path).map_err(|error| local_error(&self.shown, "open the repository", &error))
    }

    /// The commit a branch stands at.
    pub(super) fn tip(&self, repo: &Repository, branch: &str) -> Result<Option<Oid>, SourceError> {
        match repo.find_reference(&names::branch_ref(branch)?).and_then(|found| found.peel_to_commit()) {
            Ok(commit) => Ok(Some(commit.id())),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(local_error(&self.shown, "read the branch", &error)),
        }
    }

    /// Full names of all references, `HEAD` among them where it stands at a commit, for hints.
    pub(super) fn references(&self, repo: &Repository) -> Vec<String> {
        let Ok(mut references) = repo.references() else { return Vec::new() };
        let head = repo.head().ok().map(|_| "HEAD".to_owned());
        references.names().flatten().map(str::to_owned).chain(head).collect()
    }

    /// Commits, and moves the branch if it still stands at `base`.
    pub(super) fn commit(
        &self,
        target: &Target<'_>,
        base: Option<&CommitId>,
        change: &RecordCommit,
    ) -> Result<CommitId, PushError> {
        let repo = self.open()?;
        let reader = Reader { repo: &repo, shown: &self.shown };
        let base_commit = base.map(|base| reader.commit(base)).transpose()?;
        let refname = names::branch_ref(target.branch)?;
        let shared = Shared::before(&repo, &refname);
        let new = match build(&reader, target.records, target.author, base_commit.as_ref(), change)? {
            Built::New(new) => new,
            Built::Unchanged => return unchanged(base, target.records),
        };
        let base_id = base_commit.as_ref().map(git2::Commit::id);
        self.move_branch(&reader, target.branch, base_id, &new, &shared)?;
        work_files::follow(&repo, &refname, &new, &shared, &Overwrite::Always);
        Ok(commit_id(new.id))
    }

    /// Moves a branch to a commit, if it still stands at `base`, and sees that it holds it.
    pub(super) fn move_branch(
        &self,
        reader: &Reader<'_>,
        branch: &str,
        base: Option<Oid>,
        new: &NewCommit,
        shared: &Shared,
    ) -> Result<(), PushError> {
        let repo = reader.repo;
        let refname = names::branch_ref(branch)?;
        if self.tip(repo, branch)? != base {
            return Err(PushError::Lost("the branch stands at another commit".to_owned()));
        }
        self.sync_objects(repo, new, shared)?;
        let swapped = self.swap(repo, &refname, base, new.id);
        if let Err(PushError::Lost(why)) = &swapped
            && self.tip(repo, branch)? == base
            && !why.contains(LOCK_HELD)
        {
            // Nobody was faster: the name itself cannot be, for example below a branch of that name.
            return Err(PushError::Declined(why.clone()));
        }
        swapped?;
        let (common, logs) = (repo.commondir(), repo.commondir().join("logs"));
        for file in [common.join(&refname), logs.join(&refname), logs.join("HEAD")] {
            shared.widen(&file);
        }
        self.read_back(reader, branch, new.id)
    }

    fn swap(&self, repo: &Repository, refname: &str, base: Option<Oid>, new: Oid) -> Result<(), PushError> {
        let started = Instant::now();
        loop {
            let moved = match base {
                Some(base) => repo.reference_matching(refname, new, true, base, LOG_LINE),
                None => repo.reference(refname, new, false, LOG_LINE),
            };
            let error = match moved {
                Ok(_) => return sync_reference(repo, refname).map_err(|e| self.io(e).into()),
                Err(error) => error,
            };
            match error.code() {
                ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound => {
                    return Err(PushError::Lost(error.message().to_owned()));
                }
                ErrorCode::Locked if remove_stale_locks(repo, refname) => {}
                ErrorCode::Locked if started.elapsed() < LOCK_WAIT_MAX => {
                    std::thread::sleep(chance::pause(5..50));
                }
                ErrorCode::Locked => {
                    return Err(PushError::Lost(format!("{LOCK_HELD} `{refname}.lock`")));
                }
                _ => return Err(local_error(&self.shown, "move the branch", &error).into()),
            }
        }
    }

    fn read_back(&self, reader: &Reader<'_>, branch: &str, new: Oid) -> Result<(), PushError> {
        let tip = self.tip(reader.repo, branch)?;
        match tip {
            Some(tip) if reader.descends(tip, new)? => Ok(()),
            _ => Err(PushError::Lost("the branch does not hold the commit after it was moved".to_owned())),
        }
    }

    /// A journal is one only once it is on the disk: git itself does not sync loose objects by default.
    /// Many objects are written once more as one pack, because syncing each costs milliseconds.
    fn sync_objects(&self, repo: &Repository, new: &NewCommit, shared: &Shared) -> Result<(), SourceError> {
        let objects = repo.commondir().join("objects");
        let loose = |id: &Oid| {
            let hex = id.to_string();
            objects.join(&hex[..2]).join(&hex[2..])
        };
        new.objects.iter().for_each(|id| shared.widen(&loose(id)));
        if new.objects.len() > LOOSE_SYNCED_MAX {
            return self.sync_as_pack(repo, new, &objects.join("pack"), shared);
        }
        let files = new.objects.iter().map(loose).filter(|file| file.exists());
        let with_folders = files.flat_map(|file| [file.parent().map(Path::to_owned), Some(file)]).flatten();
        sync_each(&with_folders.chain([objects.clone()]).collect()).map_err(|error| self.io(error))
    }

    fn sync_as_pack(
        &self,
        repo: &Repository,
        new: &NewCommit,
        folder: &Path,
        shared: &Shared,
    ) -> Result<(), SourceError> {
        let failed = |error: git2::Error| local_error(&self.shown, "write a pack of records", &error);
        fs::create_dir_all(folder).map_err(|error| self.io(error))?;
        let mut pack = repo.packbuilder().map_err(failed)?;
        for id in &new.objects {
            pack.insert_object(*id, None).map_err(failed)?;
        }
        pack.write(folder, PACK_MODE).map_err(failed)?;
        let name = pack.name().map_err(failed)?.unwrap_or_default();
        for extension in ["pack", "idx"] {
            shared.widen(&folder.join(format!("pack-{name}.{extension}")));
        }
        let files = ["pack", "idx"].map(|extension| folder.join(format!("pack-{name}.{extension}"))).into();
        sync_each(&files).and_then(|()| sync(folder)).map_err(|error| self.io(error))
    }

    fn io(&self, error: std::io::Error) -> SourceError {
        SourceError::Local {
            doing: "sync the records to the disk",
            path: self.shown.clone(),
            reason: error.to_string(),
        }
    }
}

/// What an unchanged tree comes to: no commit, no push.
pub(super) fn unchanged(base: Option<&CommitId>, records: &str) -> Result<CommitId, PushError> {
    base.cloned().ok_or_else(|| SourceError::Setting(format!("nothing to commit below `{records}`")).into())
}

fn sync_reference(repo: &Repository, refname: &str) -> std::io::Result<()> {
    let file = repo.commondir().join(refname);
    match sync(&file).and_then(|()| file.parent().map_or(Ok(()), sync)) {
        // Another process packed it at once; git syncs packed references itself.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// More new objects than this are synced as one pack.
const LOOSE_SYNCED_MAX: usize = 12;
/// As git writes packs: nobody changes them.
const PACK_MODE: u32 = 0o444;

/// Syncs side by side: a file system writes its own journal once for all that wait for it. Where there is no thread to
/// be had, one after the other.
fn sync_each(paths: &BTreeSet<PathBuf>) -> std::io::Result<()> {
    std::thread::scope(|scope| {
        let begin = |path| std::thread::Builder::new().spawn_scoped(scope, move || sync(path));
        let begun: Vec<_> = paths.iter().map(|path| begin(path).map_err(|_| path)).collect();
        begun.into_iter().try_for_each(|syncing| match syncing {
            Ok(syncing) => syncing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(path) => sync(path),
        })
    })
}

#[cfg(unix)]
fn sync(path: &Path) -> std::io::Result<()> {
    fs::File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_: &Path) -> std::io::Result<()> {
    Ok(())
}
