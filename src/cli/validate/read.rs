//! Reading and checking the flows of one deployment, from folders, files and stdin.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::Arc;

use super::target::Target;
use crate::cli::output::Failure;
use crate::cli::records::Deployed;
use crate::controller::listing_problems;
use crate::flow::{self, Checked, CheckedFlow, Comparison, Definition, FileReport, FlowId};
use crate::format::{Format, Unit};
use crate::parallel;
use crate::problem::Problem;
use crate::source::{BadEntry, FLOW_BYTES_MAX, LeftOut, LeftOutReason, Listing, SourceError, WorkTree};

/// How stdin is called.
const STDIN: &str = "<stdin>";

/// Flow files and what is wrong with them.
#[derive(Default)]
pub(in crate::cli) struct Folder {
    /// The flows; their texts are not kept.
    pub checked: Checked,
    /// Every problem, sorted.
    pub problems: Vec<Problem>,
    /// Number of files.
    pub n_files: usize,
    /// Number of overlays over them.
    pub n_overlays: usize,
    /// The flows that an overlay goes over, or that name the environment, by the environment and their id.
    pub(super) composed: BTreeMap<(String, FlowId), CheckedFlow>,
    /// What is not read.
    pub left_out: Vec<LeftOut>,
    /// The content of files with problems, for code frames.
    pub sources: BTreeMap<String, Arc<[u8]>>,
    /// Where each file is read again, by its name.
    files: BTreeMap<String, Place>,
}

/// Where a file is read.
#[derive(Clone)]
enum Place {
    /// In a tree, by its path from the root; `folder` is what was named.
    Tree { tree: WorkTree, path: String, folder: String, format: Format },
    /// From memory: stdin is read once.
    Memory(Arc<[u8]>),
}

/// A file, read and checked.
struct ReadFile {
    /// As a person would type it.
    name: String,
    report: FileReport,
    /// The content of its files, by their names, where there is a problem to show.
    sources: Vec<(String, Arc<[u8]>)>,
}

impl Place {
    fn read(&self) -> Result<Option<Arc<[u8]>>, SourceError> {
        match self {
            Self::Tree { tree, path, .. } => tree.read(path),
            Self::Memory(content) => Ok(Some(content.clone())),
        }
    }

    /// All files of the flow, under the name that a person would type.
    fn read_unit(&self, name: &str) -> Result<Option<(Format, Unit)>, SourceError> {
        let (format, unit) = match self {
            Self::Tree { tree, path, format, .. } => (*format, tree.read_unit(*format, path)?),
            Self::Memory(content) => {
                let files = BTreeMap::from([(name.to_owned(), content.clone())]);
                (Format::default(), Some(Unit { path: String::new(), files }))
            }
        };
        Ok(unit.map(|unit| (format, Unit { path: name.to_owned(), ..unit })))
    }
}

/// Reads and checks what belongs together. Paths are shown as a person would type them.
pub(in crate::cli) fn read_folder(targets: &[Target]) -> Result<Folder, Failure> {
    let mut folder = Folder::default();
    let mut places = BTreeSet::new();
    for target in targets {
        if let Some(problem) = target.bad_on_the_way()? {
            folder.problems.push(problem);
            continue;
        }
        let Listing { entries, bad, left_out, overlays: _ } = target.tree.list(&target.selection, &target.below)?;
        let is_file = entries.len() <= 1 && entries.first().is_none_or(|only| *only == target.below);
        let is_other = |left_out: &LeftOut| left_out.reason > LeftOutReason::DotFolder && left_out.path == target.below;
        if is_file && left_out.iter().any(is_other) {
            let path = target.path.display();
            return Err(Failure::other(format!("expected a `.json` file or a folder, found `{path}`")));
        }
        let shown = |listing: Listing<String>| Listing {
            entries: Vec::<String>::new(),
            overlays: Vec::new(),
            bad: listing.bad.iter().map(|it| BadEntry { path: target.name(&it.path), ..it.clone() }).collect(),
            left_out: listing.left_out.iter().map(|it| LeftOut { path: target.name(&it.path), ..it.clone() }).collect(),
        };
        let others = shown(Listing { bad, left_out, ..Listing::default() });
        folder.problems.extend(listing_problems(&others));
        folder.left_out.extend(others.left_out);
        for path in entries {
            // One file may be named twice, alone and in its folder.
            if places.insert(target.tree.root().join(&path)) {
                let (tree, below, format) = (target.tree.clone(), target.below.clone(), target.format());
                folder.files.insert(target.name(&path), Place::Tree { tree, path, folder: below, format });
            }
        }
    }
    folder.check()?;
    Ok(folder)
}

/// Reads and checks one flow from stdin.
pub(super) fn read_stdin() -> Result<Folder, Failure> {
    let mut content = Vec::new();
    let read = std::io::stdin().lock().take(FLOW_BYTES_MAX + 1).read_to_end(&mut content);
    read.map_err(|error| Failure::other(format!("cannot read stdin: {error}")))?;
    let mut folder = Folder::default();
    folder.files.insert(STDIN.to_owned(), Place::Memory(Arc::from(content)));
    folder.check()?;
    Ok(folder)
}

impl Folder {
    /// The flows as an environment gets them, whose overlays were added, or as they stand.
    pub(in crate::cli) fn into_flows(self, environment: Option<&str>) -> BTreeMap<FlowId, Definition> {
        let mut flows: BTreeMap<FlowId, Definition> =
            self.checked.flows.into_iter().map(|(id, flow)| (id, flow.definition)).collect();
        let of_environment = self.composed.into_iter().filter(|((name, _), _)| environment == Some(name.as_str()));
        flows.extend(of_environment.map(|((_, id), flow)| (id, flow.definition)));
        flows
    }

    /// The path of a file, given by its name, from the folder that was named.
    pub(in crate::cli) fn below(&self, name: &str) -> Option<&str> {
        match self.files.get(name)? {
            Place::Tree { path, folder, .. } => {
                Some(path.strip_prefix(folder.as_str()).unwrap_or(path).trim_start_matches('/'))
            }
            Place::Memory(_) => None,
        }
    }

    fn check(&mut self) -> Result<(), Failure> {
        let places: Vec<(&String, &Place)> = self.files.iter().collect();
        let files = parallel::try_map(&places, |(name, place)| read_file(name, place))?;
        let mut reports = Vec::with_capacity(files.len());
        for ReadFile { name, report, sources } in files.into_iter().flatten() {
            self.sources.extend(sources);
            reports.push((name, report));
        }
        self.n_files = reports.len();
        let reports = reports.iter_mut().map(|(name, report)| (name.as_str(), std::mem::take(report)));
        self.checked = flow::join_reports(reports);
        self.problems.extend(self.checked.problems.iter().cloned());
        self.problems.sort();
        self.problems.dedup();
        // Problems between files show in files that have none of their own.
        let in_problems: BTreeSet<&str> = self.checked.problems.iter().map(|it| it.place.file.as_str()).collect();
        let unread = in_problems.into_iter().filter(|name| !self.sources.contains_key(*name));
        let heads = |name: &str, head: &str| head.rsplit_once('/').is_some_and(|(folder, _)| name.starts_with(folder));
        let unit_of = |name: &str| self.files.iter().find(|(head, _)| heads(name, head));
        let unread = unread.filter_map(|name| self.files.get_key_value(name).or_else(|| unit_of(name)));
        let read = unread.map(|(name, place)| place.read_unit(name)).collect::<Result<Vec<_>, SourceError>>()?;
        self.sources.extend(read.into_iter().flatten().flat_map(|(_, unit)| contents(&unit)));
        Ok(())
    }

    /// Reads a file, given by its name, again; an overlay is in memory.
    pub(in crate::cli) fn read_again(&self, name: &str) -> Option<Arc<[u8]>> {
        match self.files.get(name) {
            Some(place) => place.read().ok().flatten(),
            None => self.sources.get(name).cloned(),
        }
    }

    /// Warns of flows that differ from what was deployed and have no higher version.
    pub(super) fn compare_versions(&mut self, deployed: &[Deployed]) {
        let mut warnings = Vec::new();
        for (id, flow) in &self.checked.flows {
            let warning = deployed.iter().find_map(|deployed| {
                match self.composed.get(&(deployed.environment().to_owned(), id.clone())) {
                    Some(composed) => deployed.version_not_raised(composed, || composed.definition.text.clone()),
                    None => deployed.version_not_raised(flow, || self.read_again(&flow.path)),
                }
            });
            warnings.extend(warning);
        }
        for warning in &warnings {
            let source = self.read_again(&warning.place.file);
            self.sources.extend(source.map(|source| (warning.place.file.clone(), source)));
        }
        self.problems.extend(warnings);
        self.problems.sort();
    }
}

/// The files of a flow by the names that a person would type.
fn contents(unit: &Unit) -> Vec<(String, Arc<[u8]>)> {
    if unit.files.len() == 1 {
        return unit.files.values().map(|content| (unit.path.clone(), content.clone())).collect();
    }
    unit.files.iter().map(|(file, content)| (unit.path_of(file), content.clone())).collect()
}

/// `None` where the file went away.
fn read_file(name: &str, place: &Place) -> Result<Option<ReadFile>, SourceError> {
    let Some((format, unit)) = place.read_unit(name)? else { return Ok(None) };
    let mut report = format.check(&unit, &Comparison::default());
    if let Some(definition) = &mut report.definition {
        definition.text = None;
    }
    let sources = if report.problems.is_empty() { Vec::new() } else { contents(&unit) };
    Ok(Some(ReadFile { name: name.to_owned(), report, sources }))
}
