//! Flows that stand in folders: a folder's id is what holds the flow, and its content is the composed document.

use std::collections::BTreeMap;
use std::sync::Arc;

use git2::{ErrorCode, ObjectType, Oid, Tree};

use super::folder::{Folder, Kind};
use super::read::{MODE_KIND, MODE_LINK, Reader, blob_id, local_error};
use crate::format::{self, Unit};
use crate::source::{BlobId, FLOW_BYTES_MAX, FlowEntry, SourceError};

/// The id git gives a folder that holds the files of a flow and nothing else.
///
/// # Errors
/// [`SourceError::Local`] where it cannot be computed.
pub fn folder_id(unit: &Unit) -> Result<BlobId, SourceError> {
    let failed = |error: &git2::Error| local_error("content in memory", "name a folder", error);
    let unnamed = || failed(&git2::Error::from_str("it has no id"));
    let (mut root, mut below) = (Folder::default(), BTreeMap::<&str, Folder>::new());
    for (path, content) in &unit.files {
        let id = Oid::hash_object(ObjectType::Blob, content).map_err(|error| failed(&error))?;
        match path.split_once('/') {
            Some((folder, name)) => below.entry(folder).or_default().set(name.as_bytes(), Kind::File, id),
            None => root.set(path.as_bytes(), Kind::File, id),
        }
    }
    for (name, mut folder) in below {
        root.set(name.as_bytes(), Kind::Folder, folder.id().ok_or_else(unnamed)?);
    }
    root.id().map(blob_id).ok_or_else(unnamed)
}

impl Reader<'_> {
    /// The files of flows, in the order asked; `None` for one that is not here.
    pub(super) fn units(&self, entries: &[FlowEntry]) -> Result<Vec<Option<Unit>>, SourceError> {
        let unit = |entry: &FlowEntry| match Oid::from_str(&entry.blob.0) {
            Ok(id) => self.unit(id, &entry.path),
            Err(_) => Ok(None),
        };
        entries.iter().map(unit).collect()
    }

    /// The document of a flow whose folder this is; `None` where it is none.
    pub(super) fn document_of_folder(&self, id: Oid) -> Result<Option<Arc<[u8]>>, SourceError> {
        let unit = self.unit(id, "")?;
        Ok(unit.as_ref().and_then(format::document_of_folder))
    }

    /// Bytes of all files of a folder that say something of its flow.
    pub(super) fn folder_size(&self, id: Oid) -> Result<Option<u64>, SourceError> {
        let Some(parts) = self.parts(id)? else { return Ok(None) };
        let odb = self.repo.odb().map_err(|e| self.failed("open the objects", &e))?;
        let mut bytes = 0_u64;
        for (_, id) in parts {
            let (size, _) = odb.read_header(id).map_err(|e| self.failed("read the size of a file", &e))?;
            bytes = bytes.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
        }
        Ok(Some(bytes))
    }

    fn unit(&self, id: Oid, path: &str) -> Result<Option<Unit>, SourceError> {
        // What a record names may be any folder: it is measured before it is read.
        if self.folder_size(id)?.is_none_or(|bytes| bytes > FLOW_BYTES_MAX) {
            return Ok(None);
        }
        let mut files = BTreeMap::new();
        for (file, id) in self.parts(id)?.into_iter().flatten() {
            let blob = self.repo.find_blob(id).map_err(|e| self.failed("read a file", &e))?;
            files.insert(file, Arc::from(blob.content()));
        }
        Ok(Some(Unit { path: path.to_owned(), files }))
    }

    /// The files of a folder that say something of its flow, by their paths from there.
    fn parts(&self, id: Oid) -> Result<Option<Vec<(String, Oid)>>, SourceError> {
        let tree = match self.repo.find_tree(id) {
            Ok(tree) => tree,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("read a folder", &error)),
        };
        let mut found = Vec::new();
        let mut folders = Vec::new();
        files_of(&tree, "", &mut found, &mut folders);
        for (name, id) in folders {
            files_of(&self.tree(id)?, &format!("{name}/"), &mut found, &mut Vec::new());
        }
        Ok(Some(found))
    }
}

fn files_of(tree: &Tree<'_>, above: &str, files: &mut Vec<(String, Oid)>, folders: &mut Vec<(String, Oid)>) {
    for entry in tree {
        let Ok(name) = entry.name() else { continue };
        match entry.kind() {
            Some(ObjectType::Tree) => folders.push((name.to_owned(), entry.id())),
            Some(ObjectType::Blob) if entry.filemode_raw() & MODE_KIND != MODE_LINK => {
                let path = format!("{above}{name}");
                if format::is_part(&path) {
                    files.push((path, entry.id()));
                }
            }
            _ => {}
        }
    }
}
