//! The commits that changed one file, fast enough to ask on every pass.
//!
//! What a commit did to a file never changes, so an answer is kept and only commits that are new
//! since then are looked at.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use git2::{Commit, ObjectType, Oid, Sort};
use jiff::Timestamp;

use super::read::{Reader, blob_id, commit_id};
use crate::source::{CommitId, HistoryEntry, SourceError};

/// Answers by path: the tip they were given for, and the entries.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<String, (Oid, Vec<HistoryEntry>)>>);

impl Memory {
    fn recall(&self, path: &str) -> Option<(Oid, Vec<HistoryEntry>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn keep(&self, path: &str, tip: Oid, entries: &[HistoryEntry]) {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.insert(path.to_owned(), (tip, entries.to_vec()));
    }
}

/// Commits, newest first, in which the file at `path` differs from every parent.
pub(super) fn history(
    reader: &Reader<'_>,
    memory: &Memory,
    tip: &CommitId,
    path: &str,
) -> Result<Vec<HistoryEntry>, SourceError> {
    let tip = reader.commit(tip)?.id();
    let known = match memory.recall(path) {
        Some((known, entries)) if known == tip => return Ok(entries),
        Some((known, entries)) if reader.descends(tip, known)? => Some((known, entries)),
        Some(_) | None => None,
    };
    let mut entries = walk(reader, tip, known.as_ref().map(|(known, _)| *known), path)?;
    entries.extend(known.into_iter().flat_map(|(_, older)| older));
    memory.keep(path, tip, &entries);
    Ok(entries)
}

fn walk(reader: &Reader<'_>, tip: Oid, known: Option<Oid>, path: &str) -> Result<Vec<HistoryEntry>, SourceError> {
    let failed = |error: git2::Error| reader.failed("walk the history", &error);
    let mut walk = reader.repo.revwalk().map_err(failed)?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME).map_err(failed)?;
    walk.push(tip).map_err(failed)?;
    if let Some(known) = known {
        walk.hide(known).map_err(failed)?;
    }
    let mut files = Files { reader, path, by_tree: HashMap::new(), by_commit: HashMap::new() };
    let mut entries = Vec::new();
    let ends = reader.shallow_ends();
    for id in walk {
        let id = id.map_err(failed)?;
        if ends.contains(&id) {
            return Err(reader.shallow());
        }
        let commit = reader.repo.find_commit(id).map_err(failed)?;
        entries.extend(files.change(&commit)?);
    }
    Ok(entries)
}

/// Where the file stands in trees met before: most commits leave most folders as they were.
struct Files<'r> {
    reader: &'r Reader<'r>,
    path: &'r str,
    by_tree: HashMap<(Oid, usize), Option<Oid>>,
    by_commit: HashMap<Oid, Option<Oid>>,
}

impl Files<'_> {
    fn change(&mut self, commit: &Commit<'_>) -> Result<Option<HistoryEntry>, SourceError> {
        let blob = self.in_commit(commit)?;
        if commit.parent_count() == 0 && blob.is_none() {
            return Ok(None);
        }
        for parent in commit.parent_ids() {
            let parent = self.reader.repo.find_commit(parent);
            let parent = parent.map_err(|error| self.reader.failed("walk the history", &error))?;
            if self.in_commit(&parent)? == blob {
                return Ok(None);
            }
        }
        let time = Timestamp::from_second(commit.time().seconds()).unwrap_or_default();
        Ok(Some(HistoryEntry { commit: commit_id(commit.id()), time, blob: blob.map(blob_id) }))
    }

    fn in_commit(&mut self, commit: &Commit<'_>) -> Result<Option<Oid>, SourceError> {
        if let Some(found) = self.by_commit.get(&commit.id()) {
            return Ok(*found);
        }
        let found = self.in_tree(commit.tree_id(), 0)?;
        self.by_commit.insert(commit.id(), found);
        Ok(found)
    }

    /// `depth` is how many parts of the path lie above this tree.
    fn in_tree(&mut self, tree: Oid, depth: usize) -> Result<Option<Oid>, SourceError> {
        if let Some(found) = self.by_tree.get(&(tree, depth)) {
            return Ok(*found);
        }
        let mut parts = self.path.split('/').skip(depth);
        let (Some(part), more) = (parts.next(), parts.next().is_some()) else { return Ok(None) };
        let folder = self.reader.repo.find_tree(tree).map_err(|e| self.reader.failed("read a folder", &e))?;
        let entry = folder.get_name_bytes(part.as_bytes()).map(|entry| (entry.id(), entry.kind()));
        let found = match entry {
            Some((id, Some(ObjectType::Tree))) if more => self.in_tree(id, depth + 1)?,
            // A path that names a folder is that of a flow which stands there.
            Some((id, Some(ObjectType::Blob | ObjectType::Tree))) if !more => Some(id),
            Some(_) | None => None,
        };
        self.by_tree.insert((tree, depth), found);
        Ok(found)
    }
}
