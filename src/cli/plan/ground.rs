//! What a plan stands on: the work tree, a revision of it, or the configured branch.

use std::collections::HashMap;
use std::sync::Arc;

use crate::cli::context::RealEngine;
use crate::cli::output::{Failure, REFUSED, complain};
use crate::cli::records::{keep_what_is_proven, last_recorded};
use crate::config::{self, Environment};
use crate::controller::view::Basis;
use crate::controller::{Seen, listing_problems, read_desired, unread};
use crate::flow::{self, Comparison};
use crate::parallel;
use crate::plan::{Desired, DesiredFlow};
use crate::problem::{Problem, escape_terminal};
use crate::record::Manifest;
use crate::revision::{BlobId, CommitId};
use crate::source::{FlowSelection, LeftOut, Listing, LocalRepository, Merged, Source, SourceError, WorkTree, blob_id};

/// What a plan stands on.
pub(super) struct Ground {
    pub(super) desired: Arc<Desired>,
    pub(super) problems: Vec<Problem>,
    pub(super) manifest: Option<Manifest>,
    pub(super) commit: Option<CommitId>,
    pub(super) left_out: Vec<LeftOut>,
    /// The commit whose flows are planned, or on which the work tree stands.
    pub(super) planned: Option<CommitId>,
    /// The commits whose approvals count.
    pub(super) reviewed: Vec<CommitId>,
    /// The commit with the records.
    pub(super) records: Option<CommitId>,
}

/// What a person asked to be planned.
#[derive(Debug, Clone, Copy)]
pub(super) struct What<'a> {
    /// A revision, instead of the work tree.
    pub(super) reference: Option<&'a str>,
    /// What it is merged into.
    pub(super) merge_into: Option<&'a str>,
}

/// What a plan made here looks at.
pub(super) fn basis_of(here: Option<&LocalRepository>, environment: &Environment, what: What<'_>) -> Basis {
    let config::Repository { url, branch, .. } = &environment.repository;
    let What { reference, merge_into } = what;
    if let (Some(here), Some(into)) = (here, merge_into) {
        let revision = reference.unwrap_or("HEAD").to_owned();
        return Basis::Merge { repository: here.shown().to_owned(), revision, into: into.to_owned() };
    }
    match (here, here.and_then(LocalRepository::work_dir), reference) {
        (Some(_), Some(root), None) => Basis::WorkTree { repository: root.display().to_string() },
        (Some(here), _, reference) => {
            let revision = reference.map_or_else(|| format!("refs/heads/{branch}"), str::to_owned);
            Basis::Revision { repository: here.shown().to_owned(), revision }
        }
        (None, _, reference) => {
            Basis::ConfiguredBranch { repository: url.clone(), revision: reference.unwrap_or(branch).to_owned() }
        }
    }
}

/// The repository around the current directory: a revision of it, or its work tree.
pub(super) async fn local_ground(
    engine: &RealEngine,
    environment: &Environment,
    repository: &LocalRepository,
    what: What<'_>,
) -> Result<Ground, Failure> {
    let What { reference, merge_into } = what;
    let settings = &environment.repository;
    let (mut manifest, mut records) = (None, None);
    if let Some(mut recorded) = last_recorded(repository, environment)? {
        engine.records.check_own(&recorded)?;
        tell(keep_what_is_proven(repository, environment, &mut recorded.manifest).iter());
        manifest = Some(recorded.manifest);
        records = repository.resolve(&recorded.commit.0).ok();
    }
    let selection = FlowSelection::of(settings);
    let mut reviewed = Vec::new();
    let (files, commit) = match (reference, repository.work_tree()?) {
        (revision, _) if let Some(into) = merge_into => {
            let (from, into) = (repository.resolve(revision.unwrap_or("HEAD"))?, repository.resolve(into)?);
            let merged = merged(repository, &into, &from)?;
            reviewed.push(into);
            (files_of_commit(repository, &merged, &selection)?, Some(from))
        }
        (None, Some(tree)) => (files_of_tree(&tree, &selection)?, None),
        (revision, _) => {
            let branch = format!("refs/heads/{}", settings.branch);
            let commit = repository.resolve(revision.unwrap_or(&branch))?;
            (files_of_commit(repository, &commit, &selection)?, Some(commit))
        }
    };
    let (desired, problems) = checked(&files, engine.reader.comparison());
    let planned = commit.clone().or_else(|| repository.resolve("HEAD").ok());
    reviewed.extend(planned.iter().cloned());
    let (desired, left_out) = (Arc::new(desired), files.left_out);
    Ok(Ground { desired, problems, manifest, commit, left_out, planned, reviewed, records })
}

/// The commit that a merge would come to.
fn merged(repository: &LocalRepository, into: &CommitId, from: &CommitId) -> Result<CommitId, Failure> {
    match repository.merged(into, from)? {
        Merged::Commit(commit) => Ok(commit),
        Merged::Conflicts(files) => {
            let files: Vec<String> = files.iter().map(|file| format!("`{file}`")).collect();
            let message = format!(
                "commit {} cannot be merged into {}: both have changed {}; merge by hand, then plan again",
                from.short(),
                into.short(),
                files.join(", ")
            );
            Err(Failure { code: REFUSED, message, problems: Vec::new() })
        }
    }
}

fn tell<'a>(alarms: impl Iterator<Item = &'a String>) {
    alarms.for_each(|alarm| complain(&format!("alarm: {}", escape_terminal(alarm))));
}

/// A flow file in memory: its path, its id, its content.
type FlowFile = (String, BlobId, Arc<[u8]>);

fn files_of_tree(tree: &WorkTree, selection: &FlowSelection) -> Result<Listing<FlowFile>, Failure> {
    let Listing { entries, bad, left_out } = tree.list(selection, selection.folder())?;
    // The id is of the bytes that are checked, whatever the file says a moment later.
    let read = |path: &String| {
        let content = tree.read(path)?.ok_or_else(|| went_away(path))?;
        Ok::<_, SourceError>((path.clone(), blob_id(&content)?, content))
    };
    Ok(Listing { entries: parallel::try_map(&entries, read)?, bad, left_out })
}

fn files_of_commit(
    repository: &LocalRepository,
    commit: &CommitId,
    selection: &FlowSelection,
) -> Result<Listing<FlowFile>, Failure> {
    let Listing { entries, bad, left_out } = repository.list_flows(commit, selection)?;
    let blobs: Vec<BlobId> = entries.iter().map(|entry| entry.blob.clone()).collect();
    let mut files = Vec::with_capacity(entries.len());
    for (entry, content) in entries.into_iter().zip(repository.read_blobs(&blobs)?) {
        let content = content.ok_or_else(|| went_away(&entry.path))?;
        files.push((entry.path, entry.blob, content));
    }
    Ok(Listing { entries: files, bad, left_out })
}

fn went_away(path: &str) -> SourceError {
    SourceError::Setting(format!("the flow file `{path}` went away while it was read"))
}

fn checked(listing: &Listing<FlowFile>, comparison: &Comparison) -> (Desired, Vec<Problem>) {
    let files = &listing.entries;
    let reports = parallel::map(files, |(path, _, content)| flow::check_file(path, content.clone(), comparison));
    let checked = flow::join_reports(files.iter().map(|(path, ..)| path.as_str()).zip(reports));
    let mut problems = listing_problems(listing);
    problems.extend(checked.problems);
    problems.sort();
    let blob_of: HashMap<&str, &BlobId> = files.iter().map(|(path, blob, _)| (path.as_str(), blob)).collect();
    let flows = checked.flows.into_iter().map(|(id, flow)| {
        let blob = blob_of.get(flow.path.as_str()).map(|blob| (*blob).clone());
        (id, DesiredFlow { definition: Arc::new(flow.definition), path: flow.path, blob })
    });
    (Desired { flows: flows.collect(), unread: unread(&listing.left_out) }, problems)
}

/// The configured branch of the configured repository, or another commit of its history.
pub(super) async fn remote_ground(engine: &RealEngine, reference: Option<&str>) -> Result<Ground, Failure> {
    let seen = engine.records.observe().await?;
    tell(seen.alarms.iter());
    let commit = match reference {
        None => seen.tips.flows.clone(),
        Some(name) if name == engine.records.branch => seen.tips.flows.clone(),
        Some(text) => {
            let commit = CommitId(text.to_owned());
            let full = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !full || !engine.records.source.contains(&seen.tips.flows, &commit).await? {
                return Err(Failure::other(format!(
                    "expected branch `{}` or a full commit id of its history, found `{text}`; other names need a git work tree around the current directory",
                    engine.records.branch
                )));
            }
            commit
        }
    };
    let (desired, problems) = read_desired(&*engine.records.source, &commit, engine.reader.index()).await?;
    let (problems, left_out) = (problems.to_vec(), Vec::new());
    let (planned, reviewed, commit) = (Some(commit.clone()), vec![commit.clone()], Some(commit));
    let Seen { manifest, tips, .. } = seen;
    Ok(Ground { desired, problems, manifest, commit, left_out, planned, reviewed, records: tips.records })
}
