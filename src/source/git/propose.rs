//! Proposals: a commit of files on a branch that nobody deploys from. Objects are written and weighed here; the branch
//! moves as that of the records does.

use std::collections::BTreeMap;

use git2::build::TreeUpdateBuilder;
use git2::{Commit, FileMode, Oid, Sort, Tree};

use super::build::{NewCommit, signature, written};
use super::chance;
use super::local::Local;
use super::names;
use super::read::{MODE_KIND, MODE_LINK, MODE_SUBMODULE, MODE_TREE, Reader, commit_id};
use super::remote::{BEFORE_ALL_OTHERS, Remote};
use super::sharing::Shared;
use super::source::{Inner, Place};
use super::work_files::{self, Overwrite};
use crate::config::Author;
use crate::source::proposal::{Clash, Settled, Side, Since, is_ours, settle};
use crate::source::{CommitId, Proposal, ProposeError, Proposed, PushError, Rest, SourceError};

/// A race that is lost is run again this often.
const TRIES_MAX: u32 = 5;
/// Before the name of every branch.
const HEADS: &str = "refs/heads/";
/// The bits of a plain file, and of one that may be run.
const PLAIN: i32 = 0o100_644;
const RUNNABLE: i32 = 0o100_755;

/// A file as a tree has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    id: Oid,
    mode: i32,
}

/// What a proposal comes to, on the branch as it stands.
enum Weighed {
    Nothing,
    Held(Oid),
    New(Fresh),
}

/// A commit, and what its files were on the branch before.
struct Fresh {
    new: NewCommit,
    before: BTreeMap<String, Option<Oid>>,
}

impl Inner {
    pub(super) fn propose(&self, proposal: &Proposal) -> Result<Proposed, ProposeError> {
        if self.branch == *proposal.branch || self.records_branch == *proposal.branch {
            return Err(ProposeError::Tracked(proposal.branch.clone()));
        }
        names::branch_ref(&proposal.branch)?;
        let mut n_tries = 0;
        loop {
            n_tries += 1;
            let lock = self.cache.lock()?;
            let done = match &self.place {
                Place::Local(local) => local.propose(&self.author, proposal),
                Place::Remote(remote) => remote.propose(&self.author, &self.branch, proposal),
            };
            drop(lock);
            match done {
                Err(ProposeError::Push(PushError::Lost(_))) if n_tries < TRIES_MAX => {
                    std::thread::sleep(chance::pause(20..60) * (1 << n_tries));
                }
                done => return done,
            }
        }
    }
}

impl Inner {
    /// What the newest commit of ours on a branch says, if `base` does not have it.
    pub(super) fn standing_proposal(&self, branch: &str, base: &CommitId) -> Result<Option<String>, SourceError> {
        let name = names::branch_ref(branch)?;
        let _lock = self.cache.lock()?;
        let (repo, tip, shown) = match &self.place {
            Place::Local(local) => {
                let repo = local.open()?;
                let tip = local.tip(&repo, branch)?;
                (repo, tip, local.shown.clone())
            }
            Place::Remote(remote) => {
                let (repo, advertised) = remote.fetch(&[self.branch.as_str(), branch])?;
                (repo, advertised.get(&name).copied(), remote.shown())
            }
        };
        let Some(tip) = tip else { return Ok(None) };
        newest_of_ours(&Reader { repo: &repo, shown: &shown }, tip, base)
    }
}

fn newest_of_ours(reader: &Reader<'_>, tip: Oid, base: &CommitId) -> Result<Option<String>, SourceError> {
    let failed = |error: git2::Error| reader.failed("walk the history", &error);
    let mut walk = reader.repo.revwalk().map_err(failed)?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME).map_err(failed)?;
    let base = reader.commit(base)?.id();
    walk.push(tip).and_then(|()| walk.hide(base)).map_err(failed)?;
    for id in walk {
        let commit = id.and_then(|id| reader.repo.find_commit(id)).map_err(failed)?;
        let message = String::from_utf8_lossy(commit.message_raw_bytes());
        if is_ours(&message) {
            return Ok(Some(message.into_owned()));
        }
    }
    Ok(None)
}

impl Local {
    fn propose(&self, author: &Author, proposal: &Proposal) -> Result<Proposed, ProposeError> {
        let repo = self.open()?;
        let reader = Reader { repo: &repo, shown: &self.shown };
        let refname = names::branch_ref(&proposal.branch)?;
        let shared = Shared::before(&repo, &refname);
        let tip = self.tip(&repo, &proposal.branch)?;
        let Fresh { new, before } = match weigh(&reader, author, proposal, tip)? {
            Weighed::New(fresh) => fresh,
            Weighed::Held(tip) => return Ok(Proposed::Held(commit_id(tip))),
            Weighed::Nothing => return Ok(Proposed::Nothing),
        };
        self.move_branch(&reader, &proposal.branch, tip, &new, &shared)?;
        work_files::follow(&repo, &refname, &new, &shared, &Overwrite::Unchanged(&before));
        Ok(Proposed::Made(commit_id(new.id)))
    }
}

impl Remote {
    fn propose(&self, author: &Author, tracked: &str, proposal: &Proposal) -> Result<Proposed, ProposeError> {
        let (mut repo, mut advertised) = self.fetch(&[tracked, &proposal.branch])?;
        let is_base = |tip: &Oid| tip.to_string() == proposal.base.0;
        let at_base = advertised.iter().find(|(name, tip)| name.starts_with(HEADS) && is_base(tip));
        if let Some((name, _)) = at_base.filter(|(_, tip)| repo.find_commit(**tip).is_err()) {
            // What is proposed stands on somebody's branch that nobody has fetched yet.
            let name = name.trim_start_matches(HEADS).to_owned();
            (repo, advertised) = self.fetch(&[tracked, &proposal.branch, &name])?;
        }
        let shown = self.shown();
        let reader = Reader { repo: &repo, shown: &shown };
        let failed = |error: git2::Error| reader.failed("write a proposal", &error);
        // What is not pushed leaves nothing behind.
        let odb = repo.odb().map_err(failed)?;
        let _memory = odb.add_new_mempack_backend(BEFORE_ALL_OTHERS).map_err(failed)?;
        let tip = advertised.get(&names::branch_ref(&proposal.branch)?).copied();
        match weigh(&reader, author, proposal, tip)? {
            Weighed::New(Fresh { new, .. }) => {
                let made = self.push_commit(&repo, &proposal.branch, tip, &new)?;
                Ok(Proposed::Made(made))
            }
            Weighed::Held(tip) => Ok(Proposed::Held(commit_id(tip))),
            Weighed::Nothing => Ok(Proposed::Nothing),
        }
    }
}

/// Decides what the branch is to hold, and writes it where it does not hold it.
fn weigh(reader: &Reader<'_>, author: &Author, proposal: &Proposal, tip: Option<Oid>) -> Result<Weighed, ProposeError> {
    let failed = |error: git2::Error| reader.failed("write a proposal", &error);
    let branch = tip.map(|tip| reader.repo.find_commit(tip)).transpose().map_err(failed)?;
    let branch_tree = branch.as_ref().map(Commit::tree).transpose().map_err(failed)?;
    if let (Some(branch), Some(tree), Rest::Stays) = (&branch, &branch_tree, proposal.rest) {
        let wanted = wanted(reader, proposal, tree)?;
        let fresh = commit(reader, author, proposal, tree, &[branch], tree, &wanted)?;
        return Ok(fresh.map_or(Weighed::Held(branch.id()), Weighed::New));
    }
    let base = reader.commit(&proposal.base)?;
    let base_tree = base.tree().map_err(failed)?;
    let stands_in = branch_tree.as_ref().unwrap_or(&base_tree);
    let wanted = wanted(reader, proposal, stands_in)?;
    let (Some(branch), Some(branch_tree)) = (branch, branch_tree) else {
        let fresh = commit(reader, author, proposal, &base_tree, &[&base], &base_tree, &wanted)?;
        return Ok(fresh.map_or(Weighed::Nothing, Weighed::New));
    };
    if differing(reader, &base_tree, &wanted)?.is_empty() {
        return Ok(Weighed::Nothing);
    }
    let fork = fork_of(reader, proposal, base.id(), branch.id())?;
    let fork_tree = reader.repo.find_commit(fork).and_then(|fork| fork.tree()).map_err(failed)?;
    let since = since(reader, base.id(), branch.id(), &fork_tree, &branch_tree)?;
    let look = |side, path: &str| {
        let tree = match side {
            Side::Base => &base_tree,
            Side::Branch => &branch_tree,
            Side::Fork => &fork_tree,
        };
        entry(reader, tree, path)
    };
    let Settled { files, is_held } = settle(&wanted, &since, look)?.map_err(|Clash { path, commit }| {
        ProposeError::Occupied { branch: proposal.branch.clone(), commit, path: names::shown(&path) }
    })?;
    if is_held {
        return Ok(Weighed::Held(branch.id()));
    }
    let parents = match fork {
        fork if fork == branch.id() => vec![&base],
        fork if fork == base.id() => vec![&branch],
        _ => vec![&branch, &base],
    };
    let fresh = commit(reader, author, proposal, &base_tree, &parents, &branch_tree, &files)?;
    Ok(fresh.map_or(Weighed::Held(branch.id()), Weighed::New))
}

/// The files of the proposal, with the bits that they have where they stand.
fn wanted(
    reader: &Reader<'_>,
    proposal: &Proposal,
    stands_in: &Tree<'_>,
) -> Result<BTreeMap<String, Option<Entry>>, SourceError> {
    let mut wanted = BTreeMap::new();
    for (path, content) in &proposal.files {
        if let Some(why) = names::path_problem(path) {
            let path = names::shown(path);
            return Err(SourceError::Setting(format!("expected a path of the repository, found `{path}`: {why}")));
        }
        let entry = match content {
            None => None,
            Some(content) => {
                let id = reader.repo.blob(content).map_err(|error| reader.failed("write a proposal", &error))?;
                let stands = entry(reader, stands_in, path)?;
                let mode = stands.map(|entry| entry.mode).filter(|mode| *mode == RUNNABLE).unwrap_or(PLAIN);
                Some(Entry { id, mode })
            }
        };
        wanted.insert(path.clone(), entry);
    }
    Ok(wanted)
}

/// What stands at a path of a tree and is no folder.
fn entry(reader: &Reader<'_>, tree: &Tree<'_>, path: &str) -> Result<Option<Entry>, SourceError> {
    let mut id = tree.id();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let tree = reader.tree(id)?;
        let Some(found) = tree.get_name_bytes(part.as_bytes()) else { return Ok(None) };
        let is_folder = found.filemode_raw() & MODE_KIND == MODE_TREE;
        match (is_folder, parts.peek()) {
            (true, Some(_)) => id = found.id(),
            (false, None) => return Ok(Some(Entry { id: found.id(), mode: found.filemode_raw() })),
            (true, None) | (false, Some(_)) => return Ok(None),
        }
    }
    Ok(None)
}

/// Those of the files that a tree has otherwise.
fn differing(
    reader: &Reader<'_>,
    tree: &Tree<'_>,
    files: &BTreeMap<String, Option<Entry>>,
) -> Result<BTreeMap<String, Option<Entry>>, SourceError> {
    let mut differing = BTreeMap::new();
    for (path, wanted) in files {
        if entry(reader, tree, path)? != *wanted {
            differing.insert(path.clone(), *wanted);
        }
    }
    Ok(differing)
}

fn fork_of(reader: &Reader<'_>, proposal: &Proposal, base: Oid, branch: Oid) -> Result<Oid, ProposeError> {
    reader.repo.merge_base(base, branch).map_err(|error| match error.code() {
        git2::ErrorCode::NotFound if reader.repo.is_shallow() => reader.shallow().into(),
        git2::ErrorCode::NotFound => {
            ProposeError::Unrelated { branch: proposal.branch.clone(), base: proposal.base.clone() }
        }
        _ => reader.failed("walk the history", &error).into(),
    })
}

/// What happened on the branch since it left its base.
fn since(
    reader: &Reader<'_>,
    base: Oid,
    branch: Oid,
    fork_tree: &Tree<'_>,
    branch_tree: &Tree<'_>,
) -> Result<Since, SourceError> {
    let failed = |error: git2::Error| reader.failed("walk the history", &error);
    let mut since = Since { changed: paths(reader, fork_tree, branch_tree)?.into_iter().collect(), ..Since::default() };
    let mut walk = reader.repo.revwalk().map_err(failed)?;
    walk.push(branch).and_then(|()| walk.hide(base)).map_err(failed)?;
    for id in walk {
        let commit = id.and_then(|id| reader.repo.find_commit(id)).map_err(failed)?;
        if is_ours(&String::from_utf8_lossy(commit.message_raw_bytes())) {
            continue;
        }
        for path in changes(reader, &commit)? {
            since.foreign.entry(path).or_insert_with(|| commit_id(commit.id()));
        }
    }
    Ok(since)
}

/// The paths at which a commit differs from every parent: what a merge alone brings is its parents'.
fn changes(reader: &Reader<'_>, commit: &Commit<'_>) -> Result<Vec<String>, SourceError> {
    let failed = |error: git2::Error| reader.failed("walk the history", &error);
    let tree = commit.tree().map_err(failed)?;
    let mut found: Option<Vec<String>> = None;
    for parent in commit.parents() {
        let paths = paths(reader, &parent.tree().map_err(failed)?, &tree)?;
        found = Some(match found {
            None => paths,
            Some(found) => found.into_iter().filter(|path| paths.contains(path)).collect(),
        });
    }
    Ok(found.unwrap_or_default())
}

/// Paths at which two trees differ.
fn paths(reader: &Reader<'_>, before: &Tree<'_>, after: &Tree<'_>) -> Result<Vec<String>, SourceError> {
    let failed = |error: git2::Error| reader.failed("compare two commits", &error);
    let diff = reader.repo.diff_tree_to_tree(Some(before), Some(after), None).map_err(failed)?;
    let mut paths = Vec::new();
    for delta in diff.deltas() {
        for file in [delta.old_file(), delta.new_file()] {
            let path = file.path_bytes().unwrap_or_default();
            let path = std::str::from_utf8(path).map_err(|_| {
                SourceError::Setting(format!(
                    "expected paths in UTF-8 on the branch of the proposal, found `{}`",
                    names::shown(&String::from_utf8_lossy(path))
                ))
            })?;
            paths.push(path.to_owned());
        }
    }
    paths.sort_unstable();
    paths.dedup();
    Ok(paths)
}

/// Writes the commit that makes these files of `onto`; `None` where that is what its only parent has. `stood` is what
/// the branch held before.
fn commit(
    reader: &Reader<'_>,
    author: &Author,
    proposal: &Proposal,
    onto: &Tree<'_>,
    parents: &[&Commit<'_>],
    stood: &Tree<'_>,
    files: &BTreeMap<String, Option<Entry>>,
) -> Result<Option<Fresh>, ProposeError> {
    let failed = |error: git2::Error| reader.failed("write a proposal", &error);
    let edits = differing(reader, onto, files)?;
    let mut update = TreeUpdateBuilder::new();
    for (path, entry) in &edits {
        match entry {
            Some(Entry { id, mode }) => update.upsert(path.as_str(), *id, file_mode(*mode)),
            None => update.remove(path.as_str()),
        };
    }
    let tree = update.create_updated(reader.repo, onto).map_err(failed)?;
    if let [parent] = parents
        && parent.tree_id() == tree
    {
        return Ok(None);
    }
    let tree = reader.repo.find_tree(tree).map_err(failed)?;
    let signature = signature(author, proposal.time)?;
    let id = reader.repo.commit(None, &signature, &signature, &proposal.message, &tree, parents).map_err(failed)?;
    let blobs = edits.into_iter().map(|(path, entry)| (path, entry.map(|entry| entry.id))).collect();
    let objects = written(&tree, &blobs, id);
    let (mut files, mut before) = (BTreeMap::new(), BTreeMap::new());
    for path in paths(reader, stood, &tree)? {
        files.insert(path.clone(), entry(reader, &tree, &path)?.map(|entry| entry.id));
        before.insert(path.clone(), entry(reader, stood, &path)?.map(|entry| entry.id));
    }
    Ok(Some(Fresh { new: NewCommit { id, files, objects }, before }))
}

fn file_mode(mode: i32) -> FileMode {
    match mode {
        RUNNABLE => FileMode::BlobExecutable,
        mode if mode & MODE_KIND == MODE_LINK => FileMode::Link,
        mode if mode & MODE_KIND == MODE_SUBMODULE => FileMode::Commit,
        _ => FileMode::Blob,
    }
}
