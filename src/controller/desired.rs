//! What git holds: the flow files of a commit, read from its objects and checked.

use std::collections::HashMap;
use std::sync::Arc;

use super::unread::{left_out_note, listing_problems, unread};
use crate::flow::{self, Definition};
use crate::index::FlowIndex;
use crate::parallel;
use crate::plan::{Desired, DesiredFlow};
use crate::problem::Problem;
use crate::revision::{BlobId, CommitId};
use crate::source::{FlowEntry, FlowListing, LeftOut, LeftOutReason, Source, SourceError};

/// So many blobs are in memory at once while they are checked.
const BLOBS_AT_ONCE: usize = 256;

/// Reads and checks every flow file of a commit; what the index knows is not read again, and texts are
/// left out (see `load_texts`). Problems come sorted; where one of them is an error the flows must
/// not be deployed.
pub async fn read_desired<S: Source>(
    source: &S,
    commit: &CommitId,
    index: &FlowIndex,
) -> Result<(Arc<Desired>, Arc<[Problem]>), SourceError> {
    let tree = source.flows_tree(commit).await?;
    if let Some(known) = tree.as_ref().and_then(|tree| index.desired(tree)) {
        return Ok(known);
    }
    let listing = match tree.as_ref().and_then(|tree| index.listing(tree)) {
        Some(listing) => listing,
        None => list(source, commit, index).await?,
    };
    for entries in index.unknown(&listing.entries).chunks(BLOBS_AT_ONCE) {
        check_blobs(source, entries, index).await?;
    }
    let (desired, problems) = put_together(&listing, index);
    let (desired, problems) = (Arc::new(desired), Arc::from(problems));
    if let Some(tree) = tree {
        if listing.bad.is_empty() && index.listing(&tree).is_none() {
            index.keep_listing(tree.clone(), &listing);
        }
        index.keep_desired(tree, Arc::clone(&desired), Arc::clone(&problems));
    }
    Ok((desired, problems))
}

/// Lists, and says what is not read: aloud where that is news to this machine, not once a pass.
async fn list<S: Source>(source: &S, commit: &CommitId, index: &FlowIndex) -> Result<FlowListing, SourceError> {
    let listing = source.list_flows(commit).await?;
    let Some(note) = left_out_note(&listing.left_out) else { return Ok(listing) };
    let known = index.left_out_last();
    let by_rule = |it: &&LeftOut| matches!(it.reason, LeftOutReason::DotFolder | LeftOutReason::Excluded);
    if listing.left_out.iter().filter(by_rule).any(|it| !known.contains(it)) {
        tracing::warn!("{note}");
    } else {
        tracing::info!("{note}");
    }
    Ok(listing)
}

async fn check_blobs<S: Source>(source: &S, entries: &[FlowEntry], index: &FlowIndex) -> Result<(), SourceError> {
    let blobs: Vec<BlobId> = entries.iter().map(|entry| entry.blob.clone()).collect();
    let mut files = Vec::with_capacity(entries.len());
    for (entry, content) in entries.iter().zip(source.read_blobs(&blobs).await?) {
        files.push((entry, content.ok_or_else(|| missing_blob(&entry.path, &entry.blob))?));
    }
    let check = |(entry, content): &(&FlowEntry, Arc<[u8]>)| {
        index.keep_report(entry.blob.clone(), flow::check_file(&entry.path, content.clone(), index.comparison()));
    };
    parallel::map(&files, check);
    Ok(())
}

fn missing_blob(path: &str, blob: &BlobId) -> SourceError {
    SourceError::Local { doing: "read a blob", path: path.to_owned(), reason: format!("the blob {blob} is missing") }
}

fn put_together(listing: &FlowListing, index: &FlowIndex) -> (Desired, Vec<Problem>) {
    let reports =
        listing.entries.iter().filter_map(|entry| Some((&*entry.path, index.report(&entry.blob, &entry.path)?)));
    let checked = flow::join_reports(reports);
    let blob_of: HashMap<&str, &BlobId> = listing.entries.iter().map(|entry| (&*entry.path, &entry.blob)).collect();
    let mut problems = listing_problems(listing);
    problems.extend(checked.problems);
    problems.sort();
    let flows = checked
        .flows
        .into_iter()
        .map(|(id, flow)| {
            let blob = blob_of.get(&*flow.path).map(|blob| (*blob).clone());
            (id, DesiredFlow { definition: Arc::new(flow.definition), path: flow.path, blob })
        })
        .collect();
    (Desired { flows, unread: unread(&listing.left_out) }, problems)
}

/// Loads the texts of flows of git that have none yet.
pub(super) async fn load_texts<'a, S: Source>(
    source: &S,
    flows: impl Iterator<Item = &'a mut DesiredFlow>,
) -> Result<(), SourceError> {
    let mut wanted: Vec<(&mut DesiredFlow, BlobId)> = flows
        .filter(|flow| flow.definition.text.is_none())
        .filter_map(|flow| flow.blob.clone().map(|blob| (flow, blob)))
        .collect();
    let blobs: Vec<BlobId> = wanted.iter().map(|(_, blob)| blob.clone()).collect();
    for ((flow, blob), text) in wanted.iter_mut().zip(source.read_blobs(&blobs).await?) {
        let text = text.ok_or_else(|| missing_blob(&flow.path, blob))?;
        flow.definition = Arc::new(Definition { text: Some(text), ..(*flow.definition).clone() });
    }
    Ok(())
}
