//! The flow files of a commit: its flows folder walked without recursion, within bounds, and nothing else opened.

use git2::{ObjectType, Oid, Tree};

use super::attributes::{ATTRIBUTES_BYTES_MAX, Attributes, FILE};
use super::names;
use super::read::{MODE_KIND, MODE_LINK, MODE_SUBMODULE, MODE_TREE, Reader, blob_id};
use crate::source::selection::{FlowSelection, Met, Walk, WalkStep};
use crate::source::{
    BadEntry, BadEntryReason, BlobId, BlobSizes, CommitId, FLOW_BYTES_MAX, FlowEntry, FlowListing, Listing,
    SourceError, TreeId,
};

impl Reader<'_> {
    /// What stands in the flows folder of a commit, and in the folder of its overlays, which need not be there. Each file of
    /// the flows folder is shown to `found` at once.
    pub(super) fn list_flows(
        &self,
        commit: &CommitId,
        selection: &FlowSelection,
        sizes: &BlobSizes,
        found: &mut dyn FnMut(&FlowEntry),
    ) -> Result<FlowListing, SourceError> {
        let folder = selection.folder();
        let absent = || SourceError::NoFlowsFolder { commit: commit.clone(), folder: folder.to_owned() };
        let mut flows = self.list_folder(commit, selection, sizes, found)?.ok_or_else(absent)?;
        if let Some(head) = selection.format().head() {
            flows = flows.headed(head, |entry| &entry.path);
            for entry in &mut flows.entries {
                entry.blob = self.folder_of(commit, &entry.path)?.unwrap_or_else(|| entry.blob.clone());
            }
        }
        let overlays = match selection.of_overlays() {
            Some(selection) => self.list_folder(commit, &selection, sizes, &mut |_| {})?,
            None => None,
        };
        Ok(match overlays {
            Some(overlays) => {
                let folder = selection.overlays().unwrap_or_default();
                flows.with_overlays(overlays.flat(folder, |entry| &entry.path))
            }
            None => flows,
        })
    }

    /// The folder that a file heads, as what holds the flow.
    pub(super) fn folder_of(&self, commit: &CommitId, path: &str) -> Result<Option<BlobId>, SourceError> {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        Ok(self.tree_at(commit, folder)?.map(|tree| blob_id(tree.id())))
    }

    /// What stands in one folder; nothing where it is not there.
    fn list_folder(
        &self,
        commit: &CommitId,
        selection: &FlowSelection,
        sizes: &BlobSizes,
        found: &mut dyn FnMut(&FlowEntry),
    ) -> Result<Option<FlowListing>, SourceError> {
        let folder = selection.folder();
        let Some(tree) = self.tree_at(commit, folder)? else {
            return Ok(self.bad_on_the_way(commit, folder)?.map(Listing::of_bad));
        };
        let mut attributes = Attributes::default();
        for (folder, blob) in self.attributes_above(commit, folder)? {
            self.add_attributes(&mut attributes, &folder, blob)?;
        }
        let mut walk = Walk::new(selection);
        let mut waiting = vec![(tree.id(), folder.to_owned())];
        while let Some((id, folder)) = waiting.pop() {
            let tree = self.tree(id)?;
            if let Some(blob) = attributes_in(&tree) {
                self.add_attributes(&mut attributes, &folder, blob)?;
            }
            for entry in &tree {
                let name = String::from_utf8_lossy(entry.name_bytes());
                let path = names::below(&folder, &name);
                let is_utf8 = std::str::from_utf8(entry.name_bytes()).is_ok();
                match walk.meet(&path, is_utf8, met(entry.filemode_raw())) {
                    WalkStep::Enter => waiting.push((entry.id(), path)),
                    WalkStep::Take => {
                        let blob = blob_id(entry.id());
                        let bytes = sizes.get(&blob).map_or_else(|| self.blob_bytes(entry.id()), |bytes| Ok(*bytes))?;
                        take(&mut walk, &attributes, FlowEntry { path, blob, bytes }, found);
                    }
                    WalkStep::Peek => self.peek(&mut walk, &path, entry.id())?,
                    WalkStep::Pass => {}
                }
                if walk.is_full() {
                    return Ok(Some(walk.finish()));
                }
            }
        }
        Ok(Some(walk.finish()))
    }

    fn peek(&self, walk: &mut Walk<'_, FlowEntry>, path: &str, id: Oid) -> Result<(), SourceError> {
        let content = if walk.may_peek(self.blob_bytes(id)?) { self.blob(id)? } else { None };
        walk.peeked(path, content.as_deref());
        Ok(())
    }

    fn blob_bytes(&self, id: Oid) -> Result<u64, SourceError> {
        let odb = self.repo.odb().map_err(|e| self.failed("open the objects", &e))?;
        let (size, _) = odb.read_header(id).map_err(|e| self.failed("read the size of a file", &e))?;
        Ok(u64::try_from(size).unwrap_or(u64::MAX))
    }

    /// The files of attributes on the way to a folder, outermost first, each with its own folder.
    fn attributes_above(&self, commit: &CommitId, folder: &str) -> Result<Vec<(String, Oid)>, SourceError> {
        let mut found = Vec::new();
        let mut tree = self.root(commit)?;
        let mut at = "";
        for next in names::prefixes(folder) {
            found.extend(attributes_in(&tree).map(|blob| (at.to_owned(), blob)));
            let name = next.rsplit('/').next().unwrap_or(next);
            let folder = tree.get_name_bytes(name.as_bytes()).filter(|e| e.kind() == Some(ObjectType::Tree));
            let Some(id) = folder.map(|folder| folder.id()) else { break };
            tree = self.tree(id)?;
            at = next;
        }
        Ok(found)
    }

    fn add_attributes(&self, attributes: &mut Attributes, folder: &str, blob: Oid) -> Result<(), SourceError> {
        if self.blob_bytes(blob)? <= ATTRIBUTES_BYTES_MAX
            && let Some(text) = self.blob(blob)?
        {
            attributes.add(folder, &text);
        }
        Ok(())
    }

    /// An id of everything that says what the flow files of a commit are: their folder's tree, and the attributes
    /// that reach into it from above; and the same of their overlays, where there are any.
    pub(super) fn flows_id(&self, commit: &CommitId, selection: &FlowSelection) -> Result<Option<TreeId>, SourceError> {
        let Some(mut id) = self.folder_id(commit, selection.folder())? else { return Ok(None) };
        if let Some(folder) = selection.overlays() {
            if let Some(overlays) = self.folder_id(commit, folder)? {
                id.push_str(&format!("/{overlays}"));
            } else if let Some(BadEntry { path, reason }) = self.bad_on_the_way(commit, folder)? {
                id.push_str(&format!("/{reason:?} {path}"));
            }
        }
        Ok(Some(TreeId(id)))
    }

    fn folder_id(&self, commit: &CommitId, folder: &str) -> Result<Option<String>, SourceError> {
        let Some(TreeId(mut id)) = self.tree_id(commit, folder)? else { return Ok(None) };
        for (_, blob) in self.attributes_above(commit, folder)? {
            id.push_str(&format!("+{blob}"));
        }
        Ok(Some(id))
    }

    /// The link or submodule that stands where the folder, or one above it, is expected.
    fn bad_on_the_way(&self, commit: &CommitId, folder: &str) -> Result<Option<BadEntry>, SourceError> {
        let mut tree = self.root(commit)?;
        for path in names::prefixes(folder) {
            let name = path.rsplit('/').next().unwrap_or(path);
            let Some((mode, id)) = tree.get_name_bytes(name.as_bytes()).map(|e| (e.filemode_raw(), e.id())) else {
                return Ok(None);
            };
            let reason = match met(mode) {
                Met::SymbolicLink => BadEntryReason::SymbolicLink,
                Met::Submodule => BadEntryReason::Submodule,
                Met::Folder => {
                    tree = self.tree(id)?;
                    continue;
                }
                Met::File | Met::Special => return Ok(None),
            };
            return Ok(Some(BadEntry { path: path.to_owned(), reason }));
        }
        Ok(None)
    }
}

/// What an entry of a tree is by its mode.
pub(super) fn met(mode: i32) -> Met {
    match mode & MODE_KIND {
        MODE_LINK => Met::SymbolicLink,
        MODE_SUBMODULE => Met::Submodule,
        MODE_TREE => Met::Folder,
        _ => Met::File,
    }
}

fn take(walk: &mut Walk<'_, FlowEntry>, attributes: &Attributes, entry: FlowEntry, found: &mut dyn FnMut(&FlowEntry)) {
    if let Some(filter) = attributes.filter_of(&entry.path) {
        walk.refuse(&entry.path, BadEntryReason::Filtered(filter));
    } else if entry.bytes > FLOW_BYTES_MAX {
        walk.refuse(&entry.path, BadEntryReason::TooLarge);
    } else {
        walk.count_copy(&entry.blob);
        found(&entry);
        walk.take(entry);
    }
}

/// The file of attributes that stands in a folder. A link is none to git either.
fn attributes_in(tree: &Tree<'_>) -> Option<Oid> {
    let entry = tree.get_name_bytes(FILE.as_bytes())?;
    (met(entry.filemode_raw()) == Met::File).then(|| entry.id())
}
