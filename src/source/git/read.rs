//! Reading commits: pure functions over an open repository. Nothing here touches a work tree.

use std::collections::BTreeSet;
use std::sync::Arc;

use git2::{ErrorCode, ObjectType, Oid, Repository, Tree};

use super::names;
use crate::source::{BlobId, CommitId, FlowEntry, RECORD_BYTES_MAX, SourceError, TreeId};

/// What a read needs: the repository, and its name in messages.
pub(super) struct Reader<'r> {
    pub(super) repo: &'r Repository,
    pub(super) shown: &'r str,
}

/// What is being done where a commit is asked for that is not there; the one failure that is no sign of damage.
pub(super) const NO_COMMIT: &str = "find the commit";

pub(super) const MODE_KIND: i32 = 0o170_000;
pub(super) const MODE_TREE: i32 = 0o040_000;
pub(super) const MODE_LINK: i32 = 0o120_000;
pub(super) const MODE_SUBMODULE: i32 = 0o160_000;

impl Reader<'_> {
    /// The id of a folder's tree.
    pub(super) fn tree_id(&self, commit: &CommitId, folder: &str) -> Result<Option<TreeId>, SourceError> {
        Ok(self.tree_at(commit, folder)?.map(|tree| TreeId(tree.id().to_string())))
    }

    /// Contents of blobs, in the order asked.
    pub(super) fn blobs(&self, blobs: &[BlobId]) -> Result<Vec<Option<Arc<[u8]>>>, SourceError> {
        blobs.iter().map(|blob| Oid::from_str(&blob.0).map_or(Ok(None), |id| self.blob(id))).collect()
    }

    /// Sizes of blobs, in the order asked.
    pub(super) fn sizes(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, SourceError> {
        blobs.iter().map(|blob| Oid::from_str(&blob.0).map_or(Ok(None), |id| self.size(id))).collect()
    }

    fn size(&self, id: Oid) -> Result<Option<u64>, SourceError> {
        let odb = self.repo.odb().map_err(|e| self.failed("open the objects", &e))?;
        match odb.read_header(id) {
            Ok((bytes, ObjectType::Blob)) => Ok(Some(u64::try_from(bytes).unwrap_or(u64::MAX))),
            Ok((_, ObjectType::Tree)) => self.folder_size(id),
            Ok(_) => Ok(None),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.failed("read the size of a file", &error)),
        }
    }

    /// Hands blobs over one after the other, in the order asked.
    pub(super) fn fold_blobs<T>(
        &self,
        blobs: &[BlobId],
        mut state: T,
        mut step: impl FnMut(&mut T, usize, Option<&[u8]>),
    ) -> Result<T, SourceError> {
        for (index, blob) in blobs.iter().enumerate() {
            let id = Oid::from_str(&blob.0).ok();
            let size = id.map_or(Ok(None), |id| self.size(id))?;
            let fits = size.is_some_and(|bytes| bytes <= RECORD_BYTES_MAX);
            let content = id.filter(|_| fits).map_or(Ok(None), |id| self.blob(id))?;
            step(&mut state, index, content.as_deref());
        }
        Ok(state)
    }

    /// A file of a commit, if it is no larger than a record may be.
    pub(super) fn file(&self, commit: &CommitId, path: &str) -> Result<Option<Arc<[u8]>>, SourceError> {
        let Some(id) = self.file_id(self.commit(commit)?.tree_id(), path)? else { return Ok(None) };
        match self.size(id)? {
            Some(bytes) if bytes > RECORD_BYTES_MAX => {
                Err(SourceError::TooLarge { path: path.to_owned(), commit: commit.clone(), bytes })
            }
            _ => self.blob(id),
        }
    }

    pub(super) fn blob(&self, id: Oid) -> Result<Option<Arc<[u8]>>, SourceError> {
        match self.repo.find_blob(id) {
            Ok(blob) => Ok(Some(Arc::from(blob.content()))),
            // What is no file may be a folder that holds a flow.
            Err(error) if error.code() == ErrorCode::NotFound => self.document_of_folder(id),
            Err(error) => Err(self.failed("read a file", &error)),
        }
    }

    /// The content of a file that was listed.
    pub(super) fn flow(&self, entry: &FlowEntry) -> Result<Arc<[u8]>, SourceError> {
        let FlowEntry { path, blob, bytes: _ } = entry;
        let id = Oid::from_str(&blob.0).map_err(|e| self.failed("read a file", &e))?;
        self.blob(id)?.ok_or_else(|| SourceError::missing_blob(path, blob))
    }

    /// The blob at a path below a tree, whose id is given; `None` where no plain file stands there.
    pub(super) fn file_id(&self, tree: Oid, path: &str) -> Result<Option<Oid>, SourceError> {
        let mut id = tree;
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            let tree = self.tree(id)?;
            let Some(entry) = tree.get_name_bytes(part.as_bytes()) else { return Ok(None) };
            let wanted = if parts.peek().is_some() { ObjectType::Tree } else { ObjectType::Blob };
            if entry.kind() != Some(wanted) || entry.filemode_raw() & MODE_KIND == MODE_LINK {
                return Ok(None);
            }
            id = entry.id();
        }
        Ok(Some(id))
    }

    /// Paths of the plain files in a folder, relative to `root`.
    pub(super) fn list(&self, commit: &CommitId, root: &str, folder: &str) -> Result<Vec<String>, SourceError> {
        let Some(tree) = self.tree_at(commit, &names::below(root, folder))? else { return Ok(Vec::new()) };
        let files = tree.iter().filter(|entry| entry.kind() == Some(ObjectType::Blob));
        let files = files.filter(|entry| entry.filemode_raw() & MODE_KIND != MODE_LINK);
        let names = files.filter_map(|entry| entry.name().ok().map(str::to_owned));
        Ok(names.map(|name| if folder.is_empty() { name } else { format!("{folder}/{name}") }).collect())
    }

    /// Whether `ancestor` is `commit` or in its history; one the repository does not hold is not.
    pub(super) fn contains(&self, commit: &CommitId, ancestor: &CommitId) -> Result<bool, SourceError> {
        let tip = self.commit(commit)?.id();
        match Oid::from_str(&ancestor.0) {
            Ok(ancestor) => self.descends(tip, ancestor),
            Err(_) => Ok(false),
        }
    }

    pub(super) fn descends(&self, tip: Oid, ancestor: Oid) -> Result<bool, SourceError> {
        if tip == ancestor {
            return Ok(true);
        }
        let is_there = self.repo.find_commit(ancestor).is_ok();
        if is_there && self.repo.graph_descendant_of(tip, ancestor).map_err(|e| self.failed("walk the history", &e))? {
            return Ok(true);
        }
        // What lies beyond the end of a shallow history cannot be told from what was never there.
        if self.repo.is_shallow() { Err(self.shallow()) } else { Ok(false) }
    }

    pub(super) fn shallow(&self) -> SourceError {
        let path = self.shown.to_owned();
        SourceError::Shallow { remedy: format!("`git -C {path} fetch --unshallow` makes it whole"), path }
    }

    /// The commits at which a shallow history ends; none where the history is whole.
    pub(super) fn shallow_ends(&self) -> BTreeSet<Oid> {
        let text = std::fs::read_to_string(self.repo.commondir().join("shallow")).unwrap_or_default();
        text.lines().filter_map(|line| Oid::from_str(line.trim()).ok()).collect()
    }

    pub(super) fn commit(&self, commit: &CommitId) -> Result<git2::Commit<'_>, SourceError> {
        let id = Oid::from_str(&commit.0).map_err(|e| self.failed("read a commit", &e))?;
        self.repo.find_commit(id).map_err(|error| match error.code() {
            ErrorCode::NotFound => self.failed(NO_COMMIT, &error),
            _ => self.failed("read a commit", &error),
        })
    }

    /// The root of a commit.
    pub(super) fn root(&self, commit: &CommitId) -> Result<Tree<'_>, SourceError> {
        self.commit(commit)?.tree().map_err(|e| self.failed("read a commit's folder", &e))
    }

    pub(super) fn tree(&self, id: Oid) -> Result<Tree<'_>, SourceError> {
        self.repo.find_tree(id).map_err(|e| self.failed("read a folder", &e))
    }

    pub(super) fn tree_at(&self, commit: &CommitId, folder: &str) -> Result<Option<Tree<'_>>, SourceError> {
        let mut tree = self.root(commit)?;
        for part in folder.split('/').filter(|part| !part.is_empty()) {
            let id =
                tree.get_name_bytes(part.as_bytes()).filter(|e| e.kind() == Some(ObjectType::Tree)).map(|e| e.id());
            let Some(id) = id else { return Ok(None) };
            tree = self.tree(id)?;
        }
        Ok(Some(tree))
    }

    pub(super) fn failed(&self, doing: &'static str, error: &git2::Error) -> SourceError {
        local_error(self.shown, doing, error)
    }
}

/// An error of the repository on disk.
pub(super) fn local_error(shown: &str, doing: &'static str, error: &git2::Error) -> SourceError {
    let mut reason = error.message().to_owned();
    if error.code() == ErrorCode::Owner {
        reason = format!(
            "it belongs to another user; run flowsync as its owner, or allow it with \
             `git config --global --add safe.directory {shown}`"
        );
    }
    SourceError::Local { doing, path: shown.to_owned(), reason }
}

/// An error of the file system around the repository.
pub(super) fn io_error(path: &std::path::Path, doing: &'static str, error: &std::io::Error) -> SourceError {
    SourceError::Local { doing, path: path.display().to_string(), reason: error.to_string() }
}

pub(super) fn commit_id(id: Oid) -> CommitId {
    CommitId(id.to_string())
}

pub(super) fn blob_id(id: Oid) -> BlobId {
    BlobId(id.to_string())
}
