//! Flows that stand in folders: a folder's id is what holds the flow, and its content is the composed document.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::remote::{Edits, Files, MemoryRemote, Store, below, digits};
use crate::format::{self, Format, Unit};
use crate::revision::{BlobId, CommitId};
use crate::source::HistoryEntry;

impl MemoryRemote {
    /// The files of a flow whose folder has this id; `path` is that of the one that heads it.
    #[must_use]
    pub fn unit(&self, folder: &BlobId, path: &str) -> Option<Unit> {
        self.with(|store| store.units.get(folder).map(|unit| Unit { path: path.to_owned(), files: unit.files.clone() }))
    }

    /// The id of the folder that a file of a commit heads.
    #[must_use]
    pub fn unit_at(&self, commit: &CommitId, head: &str) -> Option<BlobId> {
        self.with(|store| store.unit_at(commit, head))
    }

    pub(super) fn unit_history(&self, tip: &CommitId, head: &str) -> Vec<HistoryEntry> {
        self.history_by(tip, |store, commit| store.unit_at(commit, head))
    }
}

impl Store {
    fn unit_at(&self, commit: &CommitId, head: &str) -> Option<BlobId> {
        let parts = parts(&self.below(commit, folder_of(head)), folder_of(head));
        parts.iter().any(|(path, _)| is_head(path)).then(|| unit_id(&parts))
    }

    /// Keeps the folders in which a commit changes something, and their documents.
    pub(super) fn keep_units(&mut self, files: &Files, edits: &Edits) {
        let changed = edits.keys().filter(|path| format::is_part(path));
        let folders: BTreeSet<&str> =
            changed.map(|path| if is_head(path) { folder_of(path) } else { folder_of(folder_of(path)) }).collect();
        for folder in folders {
            let parts = parts(&below(files, folder), folder);
            let content = |(path, blob): &(String, BlobId)| Some((path.clone(), Arc::from(self.content(blob)?)));
            let unit = Unit { path: String::new(), files: parts.iter().filter_map(content).collect() };
            let id = unit_id(&parts);
            if let Some(document) = format::document_of_folder(&unit) {
                self.keep_blob(id.clone(), &document);
            }
            self.units.insert(id, unit);
        }
    }
}

fn is_head(path: &str) -> bool {
    Format::CognigyFlow.is_head(path)
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The files that say something of the flow whose folder it is, by their paths from there.
fn parts(files: &Files, folder: &str) -> Vec<(String, BlobId)> {
    let below = |path: &str| path.strip_prefix(folder).map(|path| path.trim_start_matches('/').to_owned());
    let part = |(path, blob): (&String, &BlobId)| Some((below(path)?, blob.clone()));
    let is_own = |path: &str| path.matches('/').count() == usize::from(!is_head(path));
    files.iter().filter_map(part).filter(|(path, _)| format::is_part(path) && is_own(path)).collect()
}

fn unit_id(parts: &[(String, BlobId)]) -> BlobId {
    let listing: String = parts.iter().map(|(path, blob)| format!("{path} {blob}\n")).collect();
    BlobId(digits("folder", listing.as_bytes()))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const HEAD: &str = r#"{"format":"cognigy-flow/1","referenceId":"11111111-0000-4000-8000-000000000001","name":"A",
        "locale":"en-US","chart":[{"type":"start","ref":"a0000000-0000-4000-8000-000000000000"},
        {"type":"end","ref":"a0000000-0000-4000-8000-000000000009"}]}"#;

    fn edit(path: &str, content: &str) -> Edits {
        Edits::from([(path.to_owned(), Some(content.as_bytes().to_vec()))])
    }

    #[test]
    fn a_folder_has_its_own_id_wherever_it_lies_and_is_the_document() {
        let (remote, time) = (MemoryRemote::default(), Timestamp::UNIX_EPOCH);
        let first = remote.commit("main", "one", time, &edit("flows/a/flow.json", HEAD));
        let id = remote.unit_at(&first, "flows/a/flow.json").unwrap();
        let document = remote.blob(&id).unwrap();
        assert!(document.starts_with(br#"{"format":"cognigy-flow/1","id":"flow_11111111000040008000000000000001""#));
        let second = remote.commit("main", "two", time, &edit("flows/b/flow.json", HEAD));
        assert_eq!(remote.unit_at(&second, "flows/b/flow.json"), Some(id.clone()));
        let third = remote.commit("main", "three", time, &edit("flows/a/locales/de-DE.json", "{}"));
        assert_ne!(remote.unit_at(&third, "flows/a/flow.json"), Some(id.clone()));
        assert_eq!(remote.unit_history(&third, "flows/a/flow.json").len(), 2);
        assert_eq!(remote.unit(&id, "x/flow.json").unwrap().files.len(), 1);
        assert_eq!(remote.unit_at(&third, "flows/c/flow.json"), None);
    }
}
