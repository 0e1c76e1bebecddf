//! Building a record commit: objects are written, no reference moves.

use std::collections::BTreeMap;
use std::path::Path;

use git2::build::TreeUpdateBuilder;
use git2::{Commit, FileMode, Oid, Repository, Signature, Time, Tree};
use jiff::Timestamp;

use super::names;
use super::read::Reader;
use crate::config::Author;
use crate::source::{RecordCommit, SourceError};

/// What a change comes to.
pub(super) enum Built {
    /// The tree would be as it is.
    Unchanged,
    /// A commit that no branch holds yet.
    New(NewCommit),
}

/// A commit that no branch holds yet.
pub(super) struct NewCommit {
    pub(super) id: Oid,
    /// Full path to new blob, `None` where the file goes.
    pub(super) files: BTreeMap<String, Option<Oid>>,
    /// Every object that was written for it, the empty tree that it began with among them; the commit last.
    pub(super) objects: Vec<Oid>,
}

/// Writes the objects of a commit that changes files below `records` and nothing else.
pub(super) fn build(
    reader: &Reader<'_>,
    records: &str,
    author: &Author,
    base: Option<&Commit<'_>>,
    change: &RecordCommit,
) -> Result<Built, SourceError> {
    let repo = reader.repo;
    let failed = |error: git2::Error| reader.failed("write a record", &error);
    let before = base.map_or_else(|| empty_tree(repo), Commit::tree).map_err(failed)?;
    let mut files = BTreeMap::new();
    let mut update = TreeUpdateBuilder::new();
    for (path, content) in &change.files {
        let path = record_path(records, path)?;
        let stands = reader.file_id(before.id(), &path)?;
        let wanted = content.as_ref().map(|content| repo.blob(content)).transpose().map_err(failed)?;
        match wanted {
            wanted if wanted == stands => continue,
            Some(blob) => update.upsert(path.as_str(), blob, FileMode::Blob),
            None => update.remove(path.as_str()),
        };
        files.insert(path, wanted);
    }
    if files.is_empty() {
        return Ok(Built::Unchanged);
    }
    let tree = update.create_updated(repo, &before).map_err(failed)?;
    let tree = repo.find_tree(tree).map_err(failed)?;
    let signature = signature(author, change.time)?;
    let parents: Vec<&Commit<'_>> = base.into_iter().collect();
    let id = repo.commit(None, &signature, &signature, &change.message, &tree, &parents).map_err(failed)?;
    let mut objects = written(&tree, &files, id);
    if base.is_none() {
        objects.insert(0, before.id());
    }
    Ok(Built::New(NewCommit { id, files, objects }))
}

fn record_path(records: &str, path: &str) -> Result<String, SourceError> {
    match names::path_problem(path) {
        None => Ok(names::below(records, path)),
        Some(why) => Err(SourceError::Setting(format!(
            "expected a path below `{records}`, found `{}`: {why}",
            names::shown(path)
        ))),
    }
}

fn empty_tree(repo: &Repository) -> Result<Tree<'_>, git2::Error> {
    repo.find_tree(repo.treebuilder(None)?.write()?)
}

pub(super) fn signature(author: &Author, time: Timestamp) -> Result<Signature<'static>, SourceError> {
    let time = Time::new(time.as_second(), 0);
    Signature::new(&author.name, &author.email, &time)
        .map_err(|error| SourceError::Setting(format!("`repository.author` cannot sign a commit: {}", error.message())))
}

/// The new blobs, the trees on the way to them, and the commit.
pub(super) fn written(tree: &Tree<'_>, files: &BTreeMap<String, Option<Oid>>, commit: Oid) -> Vec<Oid> {
    let folders = files.keys().flat_map(|path| path.match_indices('/').map(|(slash, _)| &path[..slash]));
    let folders = folders.filter_map(|folder| Some(tree.get_path(Path::new(folder)).ok()?.id()));
    let mut objects: Vec<Oid> = files.values().copied().flatten().chain(folders).chain([tree.id()]).collect();
    objects.sort();
    objects.dedup();
    objects.push(commit);
    objects
}
