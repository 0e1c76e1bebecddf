//! What records are held against: which blob stood where, and what a commit touched.

use git2::{ErrorCode, ObjectType, Oid, Tree};

use super::names;
use super::read::{Reader, blob_id};
use crate::source::selection::FlowSelection;
use crate::source::{BlobId, CommitId, SourceError, Touched};

impl Reader<'_> {
    /// The blob of a plain file below `folder` in a commit.
    fn blob_below(&self, commit: &CommitId, folder: &str, path: &str) -> Result<Option<BlobId>, SourceError> {
        if !names::holds(folder, path) {
            return Ok(None);
        }
        Ok(self.file_id(self.commit(commit)?.tree_id(), path)?.map(blob_id))
    }

    /// What holds a flow of a commit, by the path of its file: that file's blob, or the folder that it heads.
    pub(super) fn flow_at(
        &self,
        commit: &CommitId,
        selection: &FlowSelection,
        path: &str,
    ) -> Result<Option<BlobId>, SourceError> {
        let file = self.blob_below(commit, selection.folder(), path)?;
        match file {
            Some(_) if selection.format().is_head(path) => self.folder_of(commit, path),
            file => Ok(file),
        }
    }

    /// What a commit touches, seen from the records folder.
    pub(super) fn touched(&self, commit: &CommitId, records: &str) -> Result<Touched, SourceError> {
        let commit = self.commit(commit)?;
        if commit.parent_count() > 1 {
            return Ok(Touched::Merge);
        }
        let failed = |error: git2::Error| self.failed("read a commit's folder", &error);
        let parent = match commit.parent_ids().next() {
            None => None,
            Some(parent) => match self.repo.find_commit(parent) {
                Ok(parent) => Some(parent.tree().map_err(failed)?),
                // The history of a shallow clone ends here, and what changed cannot be seen.
                Err(error) if error.code() == ErrorCode::NotFound => return Ok(Touched::RecordsOnly),
                Err(error) => return Err(failed(error)),
            },
        };
        let tree = commit.tree().map_err(failed)?;
        let parts: Vec<&str> = records.split('/').collect();
        let more = self.outside(Some(&tree), parent.as_ref(), &parts)?;
        Ok(more.map_or(Touched::RecordsOnly, Touched::More))
    }

    /// Something in which two folders differ, but for what lies at `inside`, a path below them.
    fn outside(
        &self,
        one: Option<&Tree<'_>>,
        other: Option<&Tree<'_>>,
        inside: &[&str],
    ) -> Result<Option<String>, SourceError> {
        let Some((first, rest)) = inside.split_first() else { return Ok(None) };
        let ids = |tree: Option<&Tree<'_>>| -> std::collections::BTreeMap<Vec<u8>, (Oid, i32)> {
            let entries = tree.into_iter().flat_map(Tree::iter);
            entries.map(|entry| (entry.name_bytes().to_vec(), (entry.id(), entry.filemode_raw()))).collect()
        };
        let (ours, theirs) = (ids(one), ids(other));
        for name in ours.keys().chain(theirs.keys()) {
            let (mine, yours) = (ours.get(name), theirs.get(name));
            if mine == yours {
                continue;
            }
            if name.as_slice() != first.as_bytes() {
                return Ok(Some(String::from_utf8_lossy(name).into_owned()));
            }
            let found = self.outside(self.tree_of(mine)?.as_ref(), self.tree_of(yours)?.as_ref(), rest)?;
            if let Some(found) = found {
                return Ok(Some(format!("{first}/{found}")));
            }
        }
        Ok(None)
    }

    fn tree_of(&self, entry: Option<&(Oid, i32)>) -> Result<Option<Tree<'_>>, SourceError> {
        let Some((id, _)) = entry else { return Ok(None) };
        match self.repo.find_object(*id, Some(ObjectType::Tree)) {
            Ok(object) => Ok(object.into_tree().ok()),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.failed("read a folder", &error)),
        }
    }
}
