//! The work tree a person stands in: flow files as they are on disk, and the repository around them.
//!
//! For `plan` and `validate`, which show what a commit would do before there is one. Everything here
//! blocks; nothing here writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{Direction, ErrorCode, ObjectType, Oid, Repository};

use super::address::{normalise_from, normalise_url, real_folder};
use super::names;
use super::read::{Reader, commit_id, io_error, local_error};
use crate::config;
use crate::source::{BadEntry, BadEntryReason, BlobId, CommitId, FLOW_BYTES_MAX, FlowListing, SourceError, TreeId};

/// A folder of files, usually the work tree of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTree {
    root: PathBuf,
}

#[derive(Default)]
struct Listing {
    paths: Vec<String>,
    bad: Vec<BadEntry>,
}

/// The work tree that holds `dir`; `None` where there is none.
#[must_use]
pub fn discover_work_tree(dir: &Path) -> Option<WorkTree> {
    let repo = Repository::discover(dir).ok()?;
    repo.workdir().map(WorkTree::at)
}

impl WorkTree {
    /// A folder that need not be a work tree.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Its root.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The paths, from the root, of the `*.json` files below `folder`, and what stands there and must not, under
    /// the rules that hold for a commit: a link or submodule on the way to the folder is the one entry found. No
    /// file is read.
    ///
    /// # Errors
    /// [`SourceError::Local`] where the folder is not there or cannot be read.
    pub fn list_paths(&self, folder: &str) -> Result<(Vec<String>, Vec<BadEntry>), SourceError> {
        if let Some(bad) = self.bad_on_the_way(folder)? {
            return Ok((Vec::new(), vec![bad]));
        }
        let start = if folder.is_empty() { self.root.clone() } else { self.root.join(folder) };
        let mut listing = Listing::default();
        self.collect(&start, folder, &mut listing)?;
        listing.paths.sort();
        listing.bad.sort();
        Ok((listing.paths, listing.bad))
    }

    /// The first symbolic link or submodule on the way from the root to `path`, that included: what lies behind one
    /// is never read.
    ///
    /// # Errors
    /// [`SourceError::Local`] where a folder on the way cannot be looked into.
    pub fn bad_on_the_way(&self, path: &str) -> Result<Option<BadEntry>, SourceError> {
        for shown in names::prefixes(path) {
            let entry = self.root.join(shown);
            let kind = match fs::symlink_metadata(&entry) {
                Ok(found) => found.file_type(),
                Err(error) if is_absence(&error) => return Ok(None),
                Err(error) => return Err(io_error(&entry, "look at a folder", &error)),
            };
            let reason = if kind.is_symlink() {
                BadEntryReason::SymbolicLink
            } else if is_submodule(&entry) {
                BadEntryReason::Submodule
            } else {
                continue;
            };
            return Ok(Some(BadEntry { path: shown.to_owned(), reason }));
        }
        Ok(None)
    }

    /// A file by its path from the root; `None` where there is none.
    ///
    /// # Errors
    /// [`SourceError::Local`] where it is there and cannot be read.
    pub fn read(&self, path: &str) -> Result<Option<Arc<[u8]>>, SourceError> {
        let file = self.root.join(path);
        match fs::read(&file) {
            Ok(content) => Ok(Some(Arc::from(content))),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(io_error(&file, "read a file", &error)),
        }
    }

    fn collect(&self, folder: &Path, shown: &str, listing: &mut Listing) -> Result<(), SourceError> {
        let failed = |error: &std::io::Error| io_error(folder, "read a folder", error);
        for entry in fs::read_dir(folder).map_err(|e| failed(&e))? {
            let entry = entry.map_err(|e| failed(&e))?;
            let kind = entry.file_type().map_err(|e| failed(&e))?;
            let name = entry.file_name();
            let text = name.to_string_lossy();
            let path = if shown.is_empty() { text.to_string() } else { format!("{shown}/{text}") };
            let is_flow = text.ends_with(".json");
            if text == ".git" {
                continue;
            } else if kind.is_symlink() {
                listing.bad.push(BadEntry { path, reason: BadEntryReason::SymbolicLink });
            } else if (kind.is_dir() || is_flow) && name.to_str().is_none() {
                listing.bad.push(BadEntry { path, reason: BadEntryReason::NotUtf8 });
            } else if kind.is_dir() && is_submodule(&entry.path()) {
                listing.bad.push(BadEntry { path, reason: BadEntryReason::Submodule });
            } else if kind.is_dir() {
                self.collect(&entry.path(), &path, listing)?;
            } else if is_flow && kind.is_file() {
                collect_file(&entry.path(), path, listing)?;
            }
        }
        Ok(())
    }
}

fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Whether a folder below the root is a repository of its own.
fn is_submodule(folder: &Path) -> bool {
    folder.join(".git").symlink_metadata().is_ok()
}

fn collect_file(file: &Path, path: String, listing: &mut Listing) -> Result<(), SourceError> {
    let bytes = fs::symlink_metadata(file).map_err(|e| io_error(file, "read the size of a file", &e))?.len();
    if bytes > FLOW_BYTES_MAX {
        listing.bad.push(BadEntry { path, reason: BadEntryReason::TooLarge });
    } else {
        listing.paths.push(path);
    }
    Ok(())
}

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
    /// [`SourceError::Local`] where there is one that cannot be opened, for example because it is another user's.
    pub fn find(dir: &Path) -> Result<Option<Self>, SourceError> {
        let repo = match Repository::discover(dir) {
            Ok(repo) => repo,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(local_error(&dir.display().to_string(), "open the repository", &error)),
        };
        let shown = repo.workdir().unwrap_or(repo.path()).display().to_string();
        Ok(Some(Self { repo, shown }))
    }

    /// Its work tree; a bare repository has none.
    #[must_use]
    pub fn work_tree(&self) -> Option<WorkTree> {
        self.repo.workdir().map(WorkTree::at)
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
        let branch = settings.records_branch.as_ref().unwrap_or(&settings.branch);
        let path = names::below(&settings.records, path);
        for commit in self.tips(&settings.url, branch)? {
            if let Some(content) = self.reader().file(&commit, &path)? {
                return Ok(Some(LocalRecord { content, commit: Some(commit) }));
            }
        }
        match self.work_tree() {
            Some(tree) if tree.bad_on_the_way(&path)?.is_none() => {
                Ok(tree.read(&path)?.map(|content| LocalRecord { content, commit: None }))
            }
            _ => Ok(None),
        }
    }

    /// Where a branch of the configured repository stands, as far as is known here. Where this is that repository,
    /// or has a remote that is, nothing else counts; else `origin` is taken for it, and then the local branch.
    fn tips(&self, url: &str, branch: &str) -> Result<Vec<CommitId>, SourceError> {
        let local = names::branch_ref(branch)?;
        let tip = |name: &String| {
            let commit = self.repo.find_reference(name).and_then(|found| found.peel_to_commit()).ok()?;
            Some(commit_id(commit.id()))
        };
        let known = normalise_url(url).map(|url| self.branch_of(&url, &local)).unwrap_or_default();
        if let Some(commit) = known.iter().find_map(tip) {
            return Ok(vec![commit]);
        }
        Ok([format!("refs/remotes/origin/{branch}"), local].iter().filter_map(tip).collect())
    }

    /// The references that hold a branch of the repository with this normalised URL.
    fn branch_of(&self, url: &str, branch_ref: &str) -> Vec<String> {
        let base = self.repo.workdir().unwrap_or(self.repo.path());
        if url == format!("file://{}", real_folder(self.repo.commondir()).display()) {
            return vec![branch_ref.to_owned()];
        }
        let names = self.repo.remotes().ok();
        let names = names.iter().flat_map(|names| names.iter().flatten().flatten());
        let remotes = names.filter_map(|name| self.repo.find_remote(name).ok());
        let is_meant = |remote: &git2::Remote<'_>| {
            remote.url().is_ok_and(|found| normalise_from(base, found).is_ok_and(|found| found == url))
        };
        let tracking = |remote: git2::Remote<'_>| {
            let fetched = remote.refspecs().filter(|spec| spec.direction() == Direction::Fetch);
            let found = fetched.filter(|spec| spec.src_matches(branch_ref));
            let names = found.filter_map(|spec| spec.transform(branch_ref).ok()?.as_str().ok().map(str::to_owned));
            names.collect::<Vec<_>>()
        };
        remotes.filter(is_meant).flat_map(tracking).collect()
    }

    /// The flow files of a commit.
    ///
    /// # Errors
    /// [`SourceError::NoFlowsFolder`] where the folder is not there; [`SourceError::Local`] where it cannot be read.
    pub fn list_flows(&self, commit: &CommitId, folder: &str) -> Result<FlowListing, SourceError> {
        self.reader().list_flows(commit, folder)
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

    /// Whether `ancestor` is `commit` or in its history.
    ///
    /// # Errors
    /// [`SourceError::Local`] where the history cannot be read.
    pub fn contains(&self, commit: &CommitId, ancestor: &CommitId) -> Result<bool, SourceError> {
        self.reader().contains(commit, ancestor)
    }

    fn reader(&self) -> Reader<'_> {
        Reader { repo: &self.repo, shown: &self.shown }
    }
}
