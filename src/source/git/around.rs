//! The repository around a folder, read where it is: for `plan` and `validate`, which look at what a person has before
//! there is a commit. Everything here blocks; nothing here writes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{Direction, ErrorCode, ObjectType, Oid, Repository, StatusOptions};

use super::names;
use super::normal::{file_url, normal_url, real_folder};
use super::read::{Reader, commit_id, local_error};
use super::work_tree::WorkTree;
use crate::address::{Branch, RepositoryUrl};
use crate::config;
use crate::format::Unit;
use crate::source::{BlobId, BlobSizes, CommitId, FlowEntry, FlowListing, FlowSelection, SourceError, TreeId};

/// The id git gives a file with this content.
///
/// # Errors
/// [`SourceError::Local`] where it cannot be computed.
pub fn blob_id(content: &[u8]) -> Result<BlobId, SourceError> {
    let id = Oid::hash_object(ObjectType::Blob, content);
    let id = id.map_err(|error| local_error("content in memory", "name a blob", &error))?;
    Ok(BlobId(id.to_string()))
}

/// A record, as it is known to the repository around a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRecord {
    /// Its text.
    pub content: Arc<[u8]>,
    /// The commit it was read from; `None` for the work tree.
    pub commit: Option<CommitId>,
}

/// The repository that holds a folder, read where it is.
pub struct LocalRepository {
    repo: Repository,
    shown: String,
}

/// The work tree that holds `dir`; `None` where there is none.
///
/// # Errors
/// [`SourceError::Local`] where something looks like a repository and cannot be opened.
pub fn discover_work_tree(dir: &Path) -> Result<Option<WorkTree>, SourceError> {
    Ok(LocalRepository::find(dir)?.and_then(|found| WorkTree::of(found.repo)))
}

impl std::fmt::Debug for LocalRepository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalRepository").field("path", &self.shown).finish_non_exhaustive()
    }
}

impl LocalRepository {
    /// Opens the repository that holds `dir`, searching upwards.
    ///
    /// # Errors
    /// [`SourceError::Local`] where there is none, or it cannot be opened.
    pub fn open(dir: &Path) -> Result<Self, SourceError> {
        Self::find(dir)?.ok_or_else(|| SourceError::Local {
            doing: "find a git repository",
            path: dir.display().to_string(),
            reason: "neither it nor a folder above is one".to_owned(),
        })
    }

    /// As [`LocalRepository::open`]; `None` where there is no repository.
    ///
    /// # Errors
    /// [`SourceError::Local`] where something looks like one and cannot be opened: it is another user's, it is damaged,
    /// or its `.git` leads nowhere. A repository further up is then not the one that is meant.
    pub fn find(dir: &Path) -> Result<Option<Self>, SourceError> {
        let marked = marked_folder(dir);
        let repo = match Repository::discover(dir) {
            Ok(repo) => repo,
            Err(error) if error.code() == ErrorCode::Owner => {
                return Err(local_error(&dir.display().to_string(), "open the repository", &error));
            }
            Err(error) => match marked {
                Some(folder) => return Err(unusable(&folder, &error)),
                None if error.code() == ErrorCode::NotFound => return Ok(None),
                None => return Err(local_error(&dir.display().to_string(), "open the repository", &error)),
            },
        };
        let root = real(repo.workdir().unwrap_or(repo.path()));
        if let Some(folder) = marked.filter(|folder| *folder != root && folder.starts_with(&root)) {
            return Err(unusable(&folder, &git2::Error::from_str("it holds no repository")));
        }
        let shown = repo.workdir().unwrap_or(repo.path()).display().to_string();
        Ok(Some(Self { repo, shown }))
    }

    /// Whom git would name as the author of a commit made in `dir`; `None` where its configuration names nobody.
    #[must_use]
    pub fn author_in(dir: &Path) -> Option<String> {
        let config = match Repository::discover(dir) {
            Ok(repo) => repo.config(),
            Err(_) => git2::Config::open_default(),
        };
        let name = config.ok()?.get_string("user.name").ok()?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    }

    /// Where it is, for messages.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The root of its work tree; a bare repository has none.
    #[must_use]
    pub fn work_dir(&self) -> Option<&Path> {
        self.repo.workdir()
    }

    /// Its work tree; a bare repository has none.
    ///
    /// # Errors
    /// [`SourceError::Local`] where the repository cannot be opened a second time.
    pub fn work_tree(&self) -> Result<Option<WorkTree>, SourceError> {
        let again = Repository::open(self.repo.path());
        again.map(WorkTree::of).map_err(|error| local_error(&self.shown, "open the repository", &error))
    }

    /// The commit that a revision names, as git's command line would read it.
    ///
    /// # Errors
    /// [`SourceError::Setting`] where it names none.
    pub fn resolve(&self, revision: &str) -> Result<CommitId, SourceError> {
        let found = self.repo.revparse_single(revision).and_then(|object| object.peel_to_commit());
        found.map(|commit| commit_id(commit.id())).map_err(|error| {
            let (revision, why) = (names::shown(revision), names::shown(error.message()));
            SourceError::Setting(format!("expected a commit in `{}`, found `{revision}`: {why}", self.shown))
        })
    }

    /// A record of the configured repository: from the configured branch as it stands here or was last fetched
    /// or, where the file is not in it, from the work tree.
    ///
    /// # Errors
    /// [`SourceError`] where it is there and cannot be read.
    pub fn read_record(&self, settings: &config::Repository, path: &str) -> Result<Option<LocalRecord>, SourceError> {
        let path = names::below(&settings.records, path);
        for commit in self.records_tips(settings)? {
            if let Some(content) = self.reader().file(&commit, &path)? {
                return Ok(Some(LocalRecord { content, commit: Some(commit) }));
            }
        }
        match self.work_tree()? {
            Some(tree) if tree.bad_on_the_way(&path)?.is_none() => {
                Ok(tree.read(&path)?.map(|content| LocalRecord { content, commit: None }))
            }
            _ => Ok(None),
        }
    }

    /// Where the configured branch of the records stands, as far as is known here, the likeliest first.
    ///
    /// # Errors
    /// [`SourceError::Setting`] where the branch is no name of one.
    pub fn records_tips(&self, settings: &config::Repository) -> Result<Vec<CommitId>, SourceError> {
        self.tips(&settings.url, settings.records_branch.as_ref().unwrap_or(&settings.branch))
    }

    /// Where a branch of the configured repository stands, as far as is known here. Where this is that repository,
    /// or has a remote that is, nothing else counts; else `origin` is taken for it, and then the local branch.
    fn tips(&self, url: &RepositoryUrl, branch: &Branch) -> Result<Vec<CommitId>, SourceError> {
        let local = branch.full();
        let tip = |name: &String| {
            let commit = self.repo.find_reference(name).and_then(|found| found.peel_to_commit()).ok()?;
            Some(commit_id(commit.id()))
        };
        let known = self.branch_of(&normal_url(url), &local);
        if let Some(commit) = known.iter().find_map(tip) {
            return Ok(vec![commit]);
        }
        Ok([format!("refs/remotes/origin/{branch}"), local].iter().filter_map(tip).collect())
    }

    /// The references that hold a branch of the repository with this normalised URL.
    fn branch_of(&self, url: &str, branch_ref: &str) -> Vec<String> {
        let base = self.repo.workdir().unwrap_or(self.repo.path());
        if url == file_url(&real_folder(self.repo.commondir())) {
            return vec![branch_ref.to_owned()];
        }
        let names = self.repo.remotes().ok();
        let names = names.iter().flat_map(|names| names.iter().flatten().flatten());
        let remotes = names.filter_map(|name| self.repo.find_remote(name).ok());
        let is_meant = |remote: &git2::Remote<'_>| {
            remote
                .url()
                .is_ok_and(|found| RepositoryUrl::of_remote(found, base).is_ok_and(|found| normal_url(&found) == url))
        };
        let tracking = |remote: git2::Remote<'_>| {
            let fetched = remote.refspecs().filter(|spec| spec.direction() == Direction::Fetch);
            let found = fetched.filter(|spec| spec.src_matches(branch_ref));
            let names = found.filter_map(|spec| spec.transform(branch_ref).ok()?.as_str().ok().map(str::to_owned));
            names.collect::<Vec<_>>()
        };
        remotes.filter(is_meant).flat_map(tracking).collect()
    }

    /// What stands in the flows folder of a commit.
    ///
    /// # Errors
    /// [`SourceError::NoFlowsFolder`] where the folder is not there; [`SourceError::Local`] where it cannot be read.
    pub fn list_flows(&self, commit: &CommitId, selection: &FlowSelection) -> Result<FlowListing, SourceError> {
        self.reader().list_flows(commit, selection, &BlobSizes::new(), &mut |_| {})
    }

    /// The id of a folder's tree in a commit.
    ///
    /// # Errors
    /// [`SourceError::Local`] where it cannot be read.
    pub fn tree(&self, commit: &CommitId, folder: &str) -> Result<Option<TreeId>, SourceError> {
        self.reader().tree_id(commit, folder)
    }

    /// Contents of blobs, in the order asked; `None` for one the repository does not hold.
    ///
    /// # Errors
    /// [`SourceError::Local`] where one cannot be read.
    pub fn read_blobs(&self, blobs: &[BlobId]) -> Result<Vec<Option<Arc<[u8]>>>, SourceError> {
        self.reader().blobs(blobs)
    }

    /// The files of flows that stand in folders, in the order asked; `None` for one the repository does not hold.
    ///
    /// # Errors
    /// [`SourceError::Local`] where one cannot be read.
    pub fn read_units(&self, entries: &[FlowEntry]) -> Result<Vec<Option<Unit>>, SourceError> {
        self.reader().units(entries)
    }

    /// Whether `ancestor` is `commit` or in its history.
    ///
    /// # Errors
    /// [`SourceError::Local`] where the history cannot be read.
    pub fn contains(&self, commit: &CommitId, ancestor: &CommitId) -> Result<bool, SourceError> {
        self.reader().contains(commit, ancestor)
    }

    /// Paths, from the root, of what differs from the commit that is checked out, in these folders: changed, staged or
    /// not yet known to git.
    ///
    /// # Errors
    /// [`SourceError::Local`] where it cannot be found out.
    pub fn uncommitted(&self, folders: &[&str]) -> Result<Vec<String>, SourceError> {
        let mut options = StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).disable_pathspec_match(true);
        folders.iter().filter(|folder| !folder.is_empty()).for_each(|folder| _ = options.pathspec(folder));
        let found = self.repo.statuses(Some(&mut options));
        let found = found.map_err(|error| local_error(&self.shown, "compare the work tree", &error))?;
        Ok(found.iter().map(|entry| String::from_utf8_lossy(entry.path_bytes()).into_owned()).collect())
    }

    pub(super) fn repo(&self) -> &Repository {
        &self.repo
    }

    fn reader(&self) -> Reader<'_> {
        Reader { repo: &self.repo, shown: &self.shown }
    }
}

/// The nearest folder, from `dir` upwards, that has a `.git` of any kind.
fn marked_folder(dir: &Path) -> Option<PathBuf> {
    let dir = real(dir);
    dir.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok()).map(Path::to_owned)
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Something that looks like a work tree and is none.
fn unusable(folder: &Path, error: &git2::Error) -> SourceError {
    let mark = folder.join(".git");
    let link = std::fs::read_to_string(&mark).ok();
    let link = link.as_deref().and_then(|text| text.strip_prefix("gitdir:")).map(str::trim);
    let reason = match link {
        Some(place) if !folder.join(place).exists() => format!(
            "it looks like a work tree, but its `.git` leads to `{}`, which is not there; `git worktree repair` mends \
             the link of a work tree that was moved",
            names::shown(place)
        ),
        _ => format!(
            "it looks like a work tree, but its `.git` is no repository that can be opened ({}); mend it, or remove it \
             if it is none",
            names::shown(error.message())
        ),
    };
    SourceError::Local { doing: "open the repository", path: folder.display().to_string(), reason }
}
