//! What git holds: the flow files of a commit, read from its objects and checked.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::overlays::Overlays;
use super::unread::{left_out_note, listing_problems, unread};
use crate::flow::{self, Definition, EnvironmentId, File};
use crate::index::{FlowIndex, Traits};
use crate::parallel;
use crate::plan::{Desired, DesiredFlow};
use crate::problem::{Place, Problem, Rule, Severity};
use crate::revision::{BlobId, CommitId, Composed, Origin};
use crate::source::{FlowEntry, FlowListing, FlowReading, LeftOut, LeftOutReason, Source, SourceError};

/// So many blobs are in memory at once while they are checked.
const BLOBS_AT_ONCE: usize = 256;

/// Reads and checks every flow file of a commit, composed with its overlay for the environment `target`; what the index
/// knows is not read again, and texts are left out (see `load_texts`). Problems come sorted; where one of them is an
/// error the flows must not be deployed.
pub async fn read_desired<S: Source>(
    source: &S,
    commit: &CommitId,
    index: &FlowIndex,
    target: &EnvironmentId,
) -> Result<(Arc<Desired>, Arc<[Problem]>), SourceError> {
    let tree = source.flows_tree(commit).await?;
    if let Some(known) = tree.as_ref().and_then(|tree| index.desired(tree)) {
        return Ok(known);
    }
    let listing = match tree.as_ref().and_then(|tree| index.listing(tree)) {
        Some(listing) => listing,
        None => list(source, commit, index).await?,
    };
    let in_folders = source.format().head().is_some();
    let (made, problems) = if in_folders {
        what_stands_in_folders(&listing)
    } else {
        for entries in index.unknown(&listing.entries).chunks(BLOBS_AT_ONCE) {
            check_blobs(source, entries, index).await?;
        }
        what_is_composed(&listing, index, target)
    };
    let unknown: Vec<&Made<'_>> =
        made.iter().filter(|made| index.composed_report(&made.origin, &made.flow.path).is_none()).collect();
    for made in unknown.chunks(BLOBS_AT_ONCE) {
        if in_folders {
            check_folders(source, made, index).await?;
        } else {
            check_composed(source, made, index).await?;
        }
    }
    let (desired, problems) = put_together(&listing, &made, problems, index);
    let (desired, problems) = (Arc::new(desired), Arc::from(problems));
    if let Some(tree) = tree {
        if listing.bad.is_empty() && index.listing(&tree).is_none() {
            index.keep_listing(tree.clone(), &listing);
        }
        index.keep_desired(tree, Arc::clone(&desired), Arc::clone(&problems));
    }
    Ok((desired, problems))
}

/// The same, with the texts of all flows.
pub async fn read_desired_whole<S: Source>(
    source: &S,
    commit: &CommitId,
    index: &FlowIndex,
    target: &EnvironmentId,
) -> Result<(Desired, Arc<[Problem]>), SourceError> {
    let (desired, problems) = read_desired(source, commit, index, target).await?;
    let mut desired = Desired::clone(&desired);
    load_texts(source, desired.flows.values_mut()).await?;
    Ok((desired, problems))
}

/// Lists, and says what is not read: aloud where that is news to this machine, not once a pass.
async fn list<S: Source>(source: &S, commit: &CommitId, index: &FlowIndex) -> Result<FlowListing, SourceError> {
    let sizes = index.blob_sizes();
    let listing = match source.format().head() {
        Some(_) => source.list_flows_sized(commit, sizes).await?,
        None => source.list_flows_reading(commit, sizes, Checking(index.clone())).await?,
    };
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

/// Checks flow files, and remembers what comes of it.
struct Checking(FlowIndex);

impl FlowReading for Checking {
    fn wants(&self, entry: &FlowEntry) -> bool {
        !self.0.knows(&entry.blob)
    }

    fn take(&self, FlowEntry { path, blob, .. }: &FlowEntry, content: Arc<[u8]>) {
        self.0.keep_report(blob.clone(), flow::check_file(path, content, &self.0.comparison()));
    }
}

async fn check_blobs<S: Source>(source: &S, entries: &[FlowEntry], index: &FlowIndex) -> Result<(), SourceError> {
    let blobs: Vec<BlobId> = entries.iter().map(|entry| entry.blob.clone()).collect();
    let mut files = Vec::with_capacity(entries.len());
    for (entry, content) in entries.iter().zip(source.read_blobs(&blobs).await?) {
        files.push((entry, content.ok_or_else(|| SourceError::missing_blob(&entry.path, &entry.blob))?));
    }
    let checking = Checking(index.clone());
    parallel::map(&files, |(entry, content)| checking.take(entry, content.clone()));
    Ok(())
}

/// A flow that is not its file alone.
struct Made<'l> {
    flow: &'l FlowEntry,
    overlay: Option<&'l FlowEntry>,
    origin: Origin,
}

/// The flows that an overlay goes over, or that name the environment; and what is wrong with overlays.
fn what_is_composed<'l>(
    listing: &'l FlowListing,
    index: &FlowIndex,
    target: &EnvironmentId,
) -> (Vec<Made<'l>>, Vec<Problem>) {
    let overlays = Overlays::of(&listing.overlays, |entry| &entry.path);
    let (mut made, mut flows, mut are_all_known) = (Vec::new(), BTreeSet::new(), true);
    for flow in &listing.entries {
        let traits = index.traits(&flow.blob);
        let Some(Traits { id, is_whole, names_environment }) = traits else {
            are_all_known = false;
            continue;
        };
        let overlay = overlays.over(&id);
        flows.insert(id);
        if is_whole && (overlay.is_some() || names_environment) {
            let overlay_blob = overlay.map(|overlay| overlay.blob.clone());
            let composed = Composed { overlay: overlay_blob, environment: target.0.clone() };
            made.push(Made { flow, overlay, origin: Origin { blob: flow.blob.clone(), composed: Some(composed) } });
        }
    }
    (made, overlays.problems(&flows, are_all_known))
}

/// Flows that stand in folders are all composed, of the files there; overlays go over files only.
fn what_stands_in_folders(listing: &FlowListing) -> (Vec<Made<'_>>, Vec<Problem>) {
    let made = |flow| Made { flow, overlay: None, origin: Origin::plain(flow.blob.clone()) };
    (listing.entries.iter().map(made).collect(), overlays_over_folders(listing.overlays.iter().map(|it| &*it.path)))
}

/// Says of overlays that no flow of this format is read with one.
#[must_use]
pub fn overlays_over_folders<'p>(paths: impl Iterator<Item = &'p str>) -> Vec<Problem> {
    let problem = |path: &str| Problem {
        place: Place { file: path.to_owned(), line: 1, column: 1, pointer: String::new() },
        rule: Rule::OverlayWithoutFlow,
        severity: Severity::Error,
        message: "expected no overlay over flows that stand in folders, found one".to_owned(),
        help: "remove it; `tenant.references` says which connection or model stands for which".to_owned(),
    };
    paths.map(problem).collect()
}

async fn check_folders<S: Source>(source: &S, made: &[&Made<'_>], index: &FlowIndex) -> Result<(), SourceError> {
    let entries: Vec<FlowEntry> = made.iter().map(|made| made.flow.clone()).collect();
    let mut units = Vec::with_capacity(entries.len());
    for (made, unit) in made.iter().zip(source.read_units(&entries).await?) {
        units.push((made, unit.ok_or_else(|| SourceError::missing_blob(&made.flow.path, &made.flow.blob))?));
    }
    let format = source.format();
    parallel::map(&units, |(made, unit)| {
        let report = format.check(unit, &index.comparison());
        index.keep_composed_report(made.origin.clone(), made.flow.path.clone(), report);
    });
    Ok(())
}

async fn check_composed<S: Source>(source: &S, made: &[&Made<'_>], index: &FlowIndex) -> Result<(), SourceError> {
    let parts = |made: &Made<'_>| [Some(made.flow.clone()), made.overlay.cloned()].into_iter().flatten();
    let entries: Vec<FlowEntry> = made.iter().flat_map(|made| parts(made)).collect();
    let blobs: Vec<BlobId> = entries.iter().map(|entry| entry.blob.clone()).collect();
    let mut contents: HashMap<BlobId, Arc<[u8]>> = HashMap::new();
    for (entry, content) in entries.into_iter().zip(source.read_blobs(&blobs).await?) {
        let content = content.ok_or_else(|| SourceError::missing_blob(&entry.path, &entry.blob))?;
        contents.insert(entry.blob, content);
    }
    let file = |entry: &'_ FlowEntry| contents.get(&entry.blob).cloned().unwrap_or_else(|| Arc::from(&b""[..]));
    let check = |made: &&Made<'_>| {
        let Made { flow, overlay, origin } = made;
        let environment = origin.composed.as_ref().map_or("", |composed| &composed.environment);
        let overlay = overlay.map(|overlay| File { path: &overlay.path, bytes: file(overlay) });
        let flow = File { path: &flow.path, bytes: file(flow) };
        let report = flow::overlay::check_composed(&flow, overlay.as_ref(), environment, &index.comparison());
        index.keep_composed_report(origin.clone(), flow.path.to_owned(), report);
    };
    parallel::map(made, check);
    Ok(())
}

fn put_together(
    listing: &FlowListing,
    made: &[Made<'_>],
    of_overlays: Vec<Problem>,
    index: &FlowIndex,
) -> (Desired, Vec<Problem>) {
    let made_of: HashMap<&str, &Made<'_>> = made.iter().map(|made| (&*made.flow.path, made)).collect();
    let report = |entry: &FlowEntry| match made_of.get(&*entry.path) {
        Some(made) => index.composed_report(&made.origin, &entry.path),
        None => index.report(&entry.blob, &entry.path),
    };
    let reports = listing.entries.iter().filter_map(|entry| Some((&*entry.path, report(entry)?)));
    let checked = flow::join_reports(reports);
    let blob_of: HashMap<&str, &BlobId> = listing.entries.iter().map(|entry| (&*entry.path, &entry.blob)).collect();
    let mut problems = listing_problems(listing);
    problems.extend(of_overlays);
    problems.extend(checked.problems);
    problems.sort();
    let flows = checked
        .flows
        .into_iter()
        .map(|(id, flow)| {
            let made = made_of.get(&*flow.path);
            let plain = || blob_of.get(&*flow.path).map(|blob| Origin::plain((*blob).clone()));
            let origin = made.map(|made| made.origin.clone()).or_else(plain);
            let overlay = made.and_then(|made| Some(made.overlay?.path.clone()));
            (id, DesiredFlow { definition: Arc::new(flow.definition), path: flow.path, origin, overlay })
        })
        .collect();
    (Desired { flows, unread: unread(&listing.left_out) }, problems)
}

/// Loads the texts of flows of git that have none yet.
pub(super) async fn load_texts<'a, S: Source>(
    source: &S,
    flows: impl Iterator<Item = &'a mut DesiredFlow>,
) -> Result<(), SourceError> {
    let mut wanted: Vec<(&mut DesiredFlow, Origin)> = flows
        .filter(|flow| flow.definition.text.is_none())
        .filter_map(|flow| flow.origin.clone().map(|origin| (flow, origin)))
        .collect();
    let origins: Vec<Origin> = wanted.iter().map(|(_, origin)| origin.clone()).collect();
    for ((flow, origin), text) in wanted.iter_mut().zip(documents(source, &origins).await?) {
        let text = text.ok_or_else(|| SourceError::missing_blob(&flow.path, &origin.blob))?;
        flow.definition = Arc::new(Definition { text: Some(text), ..(*flow.definition).clone() });
    }
    Ok(())
}

/// A document, its file, and its overlay where it has one; nothing in place of what git does not hold.
type Parts<'o> = (&'o Origin, Option<Arc<[u8]>>, Option<Option<Arc<[u8]>>>);

/// The texts of documents, in the order asked; `None` for one that git does not hold all parts of, or whose parts do not
/// go together.
pub(super) async fn documents<S: Source>(
    source: &S,
    origins: &[Origin],
) -> Result<Vec<Option<Arc<[u8]>>>, SourceError> {
    let overlay = |origin: &Origin| origin.composed.as_ref().and_then(|composed| composed.overlay.clone());
    let blobs: Vec<BlobId> =
        origins.iter().map(|origin| origin.blob.clone()).chain(origins.iter().filter_map(overlay)).collect();
    let mut texts = source.read_blobs(&blobs).await?;
    let mut overlays = texts.split_off(origins.len()).into_iter();
    let parts: Vec<Parts<'_>> = origins
        .iter()
        .zip(texts)
        .map(|(origin, text)| (origin, text, overlay(origin).map(|_| overlays.next().flatten())))
        .collect();
    let made = |(origin, text, overlay): &Parts<'_>| {
        let (text, Some(composed)) = (text.as_ref()?, &origin.composed) else { return text.clone() };
        let overlay = match overlay {
            Some(Some(overlay)) => Some(&**overlay),
            Some(None) => return None,
            None => None,
        };
        flow::overlay::composed_text(text, overlay, &composed.environment).ok().map(Arc::from)
    };
    Ok(parallel::map(&parts, made))
}

/// Says of problems in composed flows where their files, or overlays, have them; those of other files, and of flows that
/// came with their texts, stay as they are.
pub(super) async fn place_problems<S: Source>(
    source: &S,
    desired: &Desired,
    problems: &mut [Problem],
) -> Result<(), SourceError> {
    let in_folders = source.format().head().is_some();
    let composed: HashMap<&str, &DesiredFlow> = desired
        .flows
        .values()
        .filter(|flow| flow.definition.text.is_none())
        .filter(|flow| flow.origin.as_ref().is_some_and(|origin| in_folders || origin.composed.is_some()))
        .map(|flow| (&*flow.path, flow))
        .collect();
    for problem in problems {
        let Some(flow) = composed.get(&*problem.place.file) else { continue };
        if let (true, Some(origin)) = (in_folders, &flow.origin) {
            let entry = FlowEntry { path: flow.path.clone(), blob: origin.blob.clone(), bytes: 0 };
            let unit = source.read_units(&[entry]).await?.into_iter().next().flatten();
            if let Some(place) = unit.and_then(|unit| source.format().place(&unit, &problem.place.pointer)) {
                problem.place = place;
            }
            continue;
        }
        let Some(Origin { blob, composed: Some(composed) }) = &flow.origin else { continue };
        let blobs: Vec<BlobId> = [Some(blob), composed.overlay.as_ref()].into_iter().flatten().cloned().collect();
        let mut texts = source.read_blobs(&blobs).await?.into_iter();
        let Some(Some(bytes)) = texts.next() else { continue };
        let overlay = flow.overlay.as_deref().zip(texts.next().flatten());
        let overlay = overlay.map(|(path, bytes)| File { path, bytes });
        let file = File { path: &flow.path, bytes };
        let pointer = &problem.place.pointer;
        if let Some(place) = flow::overlay::composed_place(&file, overlay.as_ref(), &composed.environment, pointer) {
            problem.place = place;
        }
    }
    Ok(())
}
