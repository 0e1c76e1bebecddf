//! The work tree a person stands in: flow files as they are on disk, and the repository around them.
//!
//! For `plan` and `validate`, which show what a commit would do before there is one. Everything here
//! blocks; nothing here writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{ErrorCode, ObjectType, Oid, Repository};

use super::names;
use super::read::{Reader, commit_id, io_error, local_error};
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

    /// The branch as last fetched from `origin`, or else the local branch.
    ///
    /// # Errors
    /// [`SourceError::Setting`] for a name git does not allow.
    pub fn last_fetched(&self, branch: &str) -> Result<Option<CommitId>, SourceError> {
        let local = names::branch_ref(branch)?;
        let found = [format!("refs/remotes/origin/{branch}"), local]
            .into_iter()
            .find_map(|name| self.repo.find_reference(&name).and_then(|found| found.peel_to_commit()).ok());
        Ok(found.map(|commit| commit_id(commit.id())))
    }

    /// A record from the branch as last fetched or, where there is no such branch, from the work tree.
    ///
    /// # Errors
    /// [`SourceError`] where it is there and cannot be read.
    pub fn read_record(&self, branch: &str, records: &str, path: &str) -> Result<Option<Arc<[u8]>>, SourceError> {
        let path = names::below(records, path);
        match (self.last_fetched(branch)?, self.work_tree()) {
            (Some(commit), _) => self.reader().file(&commit, &path),
            (None, Some(tree)) => tree.read(&path),
            (None, None) => Ok(None),
        }
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
