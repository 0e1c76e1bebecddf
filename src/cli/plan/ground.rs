//! What a plan stands on: the work tree, a revision of it, or the configured branch.

use std::collections::HashMap;
use std::sync::Arc;

use super::folders;
use super::found::{FoundFlows, Texts, went_away};
use crate::cli::context::RealEngine;
use crate::cli::output::{Failure, REFUSED, complain};
use crate::cli::records::{keep_what_is_proven, last_recorded};
use crate::config::{self, Environment};
use crate::controller::view::Basis;
use crate::controller::{CheckedFiles, PassError, Seen, check_files, listing_problems, read_desired, unread};
use crate::flow::{Comparison, EnvironmentId, File};
use crate::parallel;
use crate::plan::{Desired, DesiredFlow};
use crate::problem::{Problem, any_error, escape_terminal};
use crate::record::Manifest;
use crate::revision::{BlobId, CommitId, Composed, Origin};
use crate::source::{
    FlowEntry, FlowSelection, LeftOut, Listing, LocalRepository, Merged, Source, SourceError, WorkTree, blob_id,
};

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
    pub(super) texts: Texts,
}

impl Ground {
    /// Refuses flows of which one has an error.
    pub(super) fn check(&self, environment: &str) -> Result<(), PassError> {
        if !any_error(&self.problems) {
            return Ok(());
        }
        let n_errors = self.problems.iter().filter(|problem| problem.is_error()).count();
        let reason = format!("{n_errors} problem(s) in the flows of `{environment}`");
        Err(PassError::Refused { reason, problems: self.problems.clone(), quarantined: false })
    }
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
            Basis::ConfiguredBranch { repository: url.written(), revision: reference.unwrap_or(branch).to_owned() }
        }
    }
}

/// What a plan of an environment stands on: what is here, or what the remote has.
pub(super) async fn ground(
    engine: &RealEngine,
    environment: &Environment,
    repository: Option<&LocalRepository>,
    what: What<'_>,
) -> Result<Ground, Failure> {
    match repository {
        Some(repository) => local_ground(engine, environment, repository, what).await,
        None => remote_ground(engine, what.reference).await,
    }
}

/// The repository around the current directory: a revision of it, or its work tree.
async fn local_ground(
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
    engine.leave_out_defaults(manifest.as_ref());
    let comparison = engine.reader.comparison();
    let read = Reading { selection: &selection, comparison: &comparison, target: &engine.records.target };
    let mut reviewed = Vec::new();
    let (found, commit) = match (reference, repository.work_tree()?) {
        (revision, _) if let Some(into) = merge_into => {
            let (from, into) = (repository.resolve(revision.unwrap_or("HEAD"))?, repository.resolve(into)?);
            let merged = merged(repository, &into, &from)?;
            reviewed.push(into);
            (read.commit(repository, &merged)?, Some(from))
        }
        (None, Some(tree)) => (read.tree(&tree)?, None),
        (revision, _) => {
            let branch = format!("refs/heads/{}", settings.branch);
            let commit = repository.resolve(revision.unwrap_or(&branch))?;
            (read.commit(repository, &commit)?, Some(commit))
        }
    };
    let FoundFlows { desired, problems, texts, left_out } = found;
    let planned = commit.clone().or_else(|| repository.resolve("HEAD").ok());
    reviewed.extend(planned.iter().cloned());
    let desired = Arc::new(desired);
    Ok(Ground { desired, problems, manifest, commit, left_out, planned, reviewed, records, texts })
}

/// The flows of the repository around the current directory as an environment composes them, with their texts: of its
/// work tree, or of a revision.
pub(in crate::cli) fn flows_here(
    repository: &LocalRepository,
    environment: &Environment,
    reference: Option<&str>,
) -> Result<(Desired, Vec<Problem>), Failure> {
    let selection = FlowSelection::of(&environment.repository);
    let comparison = Comparison::new(&environment.sync.ignore).map_err(|error| Failure::of(&error))?;
    let target = &environment.tenant.environment_id;
    let read = Reading { selection: &selection, comparison: &comparison, target };
    let found = match (reference, repository.work_tree()?) {
        (None, Some(tree)) => read.tree(&tree)?,
        (revision, _) => {
            let branch = format!("refs/heads/{}", environment.repository.branch);
            read.commit(repository, &repository.resolve(revision.unwrap_or(&branch))?)?
        }
    };
    Ok((found.desired, found.problems))
}

/// How flows are read here.
struct Reading<'a> {
    selection: &'a FlowSelection,
    comparison: &'a Comparison,
    target: &'a EnvironmentId,
}

impl Reading<'_> {
    fn tree(&self, tree: &WorkTree) -> Result<FoundFlows, Failure> {
        let format = self.selection.format();
        Ok(match format.head() {
            Some(_) => folders::checked(folders::of_tree(tree, self.selection)?, format, self.comparison),
            None => checked(files_of_tree(tree, self.selection)?, self.comparison, self.target),
        })
    }

    fn commit(&self, repository: &LocalRepository, commit: &CommitId) -> Result<FoundFlows, Failure> {
        let format = self.selection.format();
        Ok(match format.head() {
            Some(_) => {
                folders::checked(folders::of_commit(repository, commit, self.selection)?, format, self.comparison)
            }
            None => checked(files_of_commit(repository, commit, self.selection)?, self.comparison, self.target),
        })
    }
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
    let flows = tree.list(selection, selection.folder())?;
    let Listing { entries, overlays, bad, left_out } = flows.with_overlays(tree.list_overlays(selection)?);
    // The id is of the bytes that are checked, whatever the file says a moment later.
    let read = |path: &String| {
        let content = tree.read(path)?.ok_or_else(|| went_away(path))?;
        Ok::<_, SourceError>((path.clone(), blob_id(&content)?, content))
    };
    let (entries, overlays) = (parallel::try_map(&entries, read)?, parallel::try_map(&overlays, read)?);
    Ok(Listing { entries, overlays, bad, left_out })
}

fn files_of_commit(
    repository: &LocalRepository,
    commit: &CommitId,
    selection: &FlowSelection,
) -> Result<Listing<FlowFile>, Failure> {
    let Listing { entries, overlays, bad, left_out } = repository.list_flows(commit, selection)?;
    let read = |entries: Vec<FlowEntry>| -> Result<Vec<FlowFile>, Failure> {
        let blobs: Vec<BlobId> = entries.iter().map(|entry| entry.blob.clone()).collect();
        let mut files = Vec::with_capacity(entries.len());
        for (entry, content) in entries.into_iter().zip(repository.read_blobs(&blobs)?) {
            let content = content.ok_or_else(|| went_away(&entry.path))?;
            files.push((entry.path, entry.blob, content));
        }
        Ok(files)
    };
    Ok(Listing { entries: read(entries)?, overlays: read(overlays)?, bad, left_out })
}

fn checked(listing: Listing<FlowFile>, comparison: &Comparison, target: &EnvironmentId) -> FoundFlows {
    let file = |(path, _, bytes): &'_ FlowFile| (path.clone(), bytes.clone());
    let [flows, overlays] =
        [&listing.entries, &listing.overlays].map(|files| files.iter().map(file).collect::<Vec<_>>());
    let [flows, overlays] = [&flows, &overlays]
        .map(|files| files.iter().map(|(path, bytes)| File { path, bytes: bytes.clone() }).collect::<Vec<_>>());
    let CheckedFiles { checked, composed } = check_files(&flows, &overlays, target.as_str(), comparison);
    let mut problems = listing_problems(&listing);
    problems.extend(checked.problems);
    problems.sort();
    let files = listing.entries.iter().chain(&listing.overlays);
    let by_path: HashMap<&str, &FlowFile> = files.map(|file| (file.0.as_str(), file)).collect();
    let blob = |path: &str| by_path.get(path).map(|(_, blob, _)| blob.clone());
    let flows = checked.flows.into_iter().map(|(id, flow)| {
        let overlay = composed.get(flow.path.as_str());
        let overlay_path = overlay.and_then(|overlay| Some(overlay.as_ref()?.path));
        let composed =
            overlay.map(|_| Composed { overlay: overlay_path.and_then(blob), environment: target.0.clone() });
        let origin = blob(&flow.path).map(|blob| Origin { blob, composed });
        let (definition, overlay) = (Arc::new(flow.definition), overlay_path.map(str::to_owned));
        (id, DesiredFlow { definition, path: flow.path, origin, overlay })
    });
    let desired = Desired { flows: flows.collect(), unread: unread(&listing.left_out) };
    let text = |path: &str| by_path.get(path).map(|(_, _, bytes)| bytes.clone());
    let texts = composed.iter().filter_map(|(path, overlay)| {
        let overlay = overlay.map(|overlay| (overlay.path.to_owned(), overlay.bytes.clone()));
        Some(((*path).to_owned(), (text(path)?, overlay)))
    });
    let texts = Texts::of_files(target.0.clone(), texts.collect());
    FoundFlows { desired, problems, texts, left_out: listing.left_out }
}

/// The configured branch of the configured repository, or another commit of its history.
async fn remote_ground(engine: &RealEngine, reference: Option<&str>) -> Result<Ground, Failure> {
    let seen = engine.records.observe().await?;
    tell(seen.alarms.iter());
    engine.leave_out_defaults(seen.manifest.as_ref());
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
    let (desired, problems) =
        read_desired(&*engine.records.source, &commit, engine.reader.index(), &engine.records.target).await?;
    let (problems, left_out, texts) = (problems.to_vec(), Vec::new(), Texts::default());
    let (planned, reviewed, commit) = (Some(commit.clone()), vec![commit.clone()], Some(commit));
    let Seen { manifest, tips, .. } = seen;
    Ok(Ground { desired, problems, manifest, commit, left_out, planned, reviewed, records: tips.records, texts })
}
