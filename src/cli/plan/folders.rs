//! Flows that stand in folders, of the work tree or of a commit: composed, checked, and known by their folders' ids.

use std::collections::HashMap;
use std::sync::Arc;

use super::found::{FoundFlows, Texts, went_away};
use crate::cli::output::Failure;
use crate::controller::{listing_problems, overlays_over_folders, unread};
use crate::flow::{self, Comparison};
use crate::format::{Format, Unit};
use crate::parallel;
use crate::plan::{Desired, DesiredFlow};
use crate::revision::{BlobId, CommitId, Origin};
use crate::source::{FlowSelection, Listing, LocalRepository, SourceError, WorkTree, folder_id};

/// A flow's folder: the path of the file that heads it, its id, its files.
pub(super) type FlowFolder = (String, BlobId, Unit);

pub(super) fn of_tree(tree: &WorkTree, selection: &FlowSelection) -> Result<Listing<FlowFolder>, Failure> {
    let flows = tree.list(selection, selection.folder())?;
    let Listing { entries, overlays, bad, left_out } = flows.with_overlays(tree.list_overlays(selection)?);
    let read = |path: &String| {
        let unit = tree.read_unit(selection.format(), path)?.ok_or_else(|| went_away(path))?;
        Ok::<_, SourceError>((path.clone(), folder_id(&unit)?, unit))
    };
    Ok(Listing { entries: parallel::try_map(&entries, read)?, overlays: named(overlays), bad, left_out })
}

pub(super) fn of_commit(
    repository: &LocalRepository,
    commit: &CommitId,
    selection: &FlowSelection,
) -> Result<Listing<FlowFolder>, Failure> {
    let Listing { entries, overlays, bad, left_out } = repository.list_flows(commit, selection)?;
    let mut folders = Vec::with_capacity(entries.len());
    let units = repository.read_units(&entries)?;
    for (entry, unit) in entries.into_iter().zip(units) {
        let unit = unit.ok_or_else(|| went_away(&entry.path))?;
        folders.push((entry.path, entry.blob, unit));
    }
    let overlays = named(overlays.into_iter().map(|entry| entry.path).collect());
    Ok(Listing { entries: folders, overlays, bad, left_out })
}

/// Overlays, of which nothing counts here but that they are there.
fn named(overlays: Vec<String>) -> Vec<FlowFolder> {
    let none = |path: &String| Unit { path: path.clone(), files: std::collections::BTreeMap::new() };
    overlays.into_iter().map(|path| (path.clone(), BlobId(String::new()), none(&path))).collect()
}

/// Checks flows that stand in folders.
pub(super) fn checked(listing: Listing<FlowFolder>, format: Format, comparison: &Comparison) -> FoundFlows {
    let mut problems = listing_problems(&listing);
    problems.extend(overlays_over_folders(listing.overlays.iter().map(|(path, ..)| path.as_str())));
    let reports = parallel::map(&listing.entries, |(_, _, unit)| format.check(unit, comparison));
    let paths = listing.entries.iter().map(|(path, ..)| path.as_str());
    let checked = flow::join_reports(paths.zip(reports));
    problems.extend(checked.problems);
    problems.sort();
    let ids: HashMap<&str, &BlobId> = listing.entries.iter().map(|(path, id, _)| (path.as_str(), id)).collect();
    let flows = checked.flows.into_iter().map(|(id, flow)| {
        let origin = ids.get(flow.path.as_str()).map(|blob| Origin::plain((*blob).clone()));
        (id, DesiredFlow { definition: Arc::new(flow.definition), path: flow.path, origin, overlay: None })
    });
    let desired = Desired { flows: flows.collect(), unread: unread(&listing.left_out) };
    let texts = Texts::of_folders(format, listing.entries.into_iter().map(|(path, _, unit)| (path, unit)).collect());
    FoundFlows { desired, problems, texts, left_out: listing.left_out }
}
