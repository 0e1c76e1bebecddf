//! `flowsync validate`: an offline check of a folder of flows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::annotations;
use super::arguments::{ValidateArgs, ValidateForm};
use super::context::{Context, shown};
use super::output::{self, Failure};
use super::records::{Deployed, last_deployed};
use crate::controller::bad_entry;
use crate::flow::{self, Checked, Comparison, FileReport};
use crate::parallel;
use crate::problem::{Colour, Problem, any_error, render};
use crate::source::{BadEntry, SourceError, WorkTree, discover_work_tree};

/// Flow files and what is wrong with them.
#[derive(Default)]
pub(super) struct Folder {
    /// The flows; their texts are not kept.
    pub checked: Checked,
    /// Every problem, sorted.
    pub problems: Vec<Problem>,
    /// Number of files.
    pub n_files: usize,
    /// The content of files with problems, for code frames.
    pub sources: BTreeMap<String, Arc<[u8]>>,
}

/// A file, read and checked.
struct ReadFile {
    /// As a person would type it.
    name: String,
    report: FileReport,
    /// The content, where there is a problem to show.
    source: Option<Arc<[u8]>>,
}

pub(super) fn run(context: &Context, arguments: &ValidateArgs) -> Result<u8, Failure> {
    let targets = match &arguments.path {
        Some(path) => vec![Target::typed(path)?],
        None => default_folders(context, None)?,
    };
    let mut folders = targets.iter().map(read_folder).collect::<Result<Vec<_>, Failure>>()?;
    for (target, folder) in targets.iter().zip(&mut folders) {
        folder.compare_versions(&last_deployed(context, &target.root, &target.below));
    }
    let problems: Vec<Problem> = folders.iter().flat_map(|folder| folder.problems.clone()).collect();
    let sources = folders.iter().flat_map(|folder| folder.sources.clone()).collect();
    let n_files: usize = folders.iter().map(|folder| folder.n_files).sum();
    let n_flows: usize = folders.iter().map(|folder| folder.checked.flows.len()).sum();
    let n_errors = problems.iter().filter(|problem| problem.is_error()).count();
    let n_warnings = problems.len() - n_errors;
    match arguments.format {
        ValidateForm::Json => output::json(&json!({
            "valid": n_errors == 0, "files": n_files, "flows": n_flows, "errors": n_errors,
            "warnings": n_warnings, "problems": problems,
        })),
        ValidateForm::Sarif => output::json(&annotations::sarif(&problems)),
        ValidateForm::Github => output::print(&annotations::github(&problems)),
        ValidateForm::Text => {
            output::print(&render(
                &problems,
                &sources,
                if context.color_stdout() { Colour::Always } else { Colour::Never },
            ));
            output::print(&format!("{n_files} files, {n_flows} flows: {n_errors} errors, {n_warnings} warnings\n"));
        }
    }
    Ok(if any_error(&problems) { 3 } else { 0 })
}

/// A folder or file to be checked, and from where on its path no link is followed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    /// As a person would type it.
    path: PathBuf,
    root: PathBuf,
    /// The path from the root; empty where it is the root itself.
    below: String,
}

impl Target {
    /// A path that a person typed. In the work tree around the current directory no link below its root is
    /// followed, as in a commit; elsewhere the path is the person's own word, and only what lies in it is checked.
    pub(super) fn typed(path: &Path) -> Result<Self, Failure> {
        let here = std::env::current_dir().map_err(|error| Failure::of(&error))?;
        let root = discover_work_tree(&here).map(|tree| tree.root().to_owned());
        let whole = without_parents(&here.join(path));
        let below = root.as_ref().and_then(|root| whole.strip_prefix(root).ok());
        let below = below.and_then(|below| below.components().collect::<PathBuf>().to_str().map(str::to_owned));
        Ok(match (root, below) {
            (Some(root), Some(below)) => Self { path: path.to_owned(), root, below },
            _ => Self::alone(path),
        })
    }

    /// A path whose folders are taken as they are.
    pub(super) fn alone(path: &Path) -> Self {
        let (root, below) = match (path.is_dir(), path.parent(), path.file_name()) {
            (false, Some(parent), Some(name)) => (parent, name.to_string_lossy().into_owned()),
            _ => (path, String::new()),
        };
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        Self { path: path.to_owned(), root: root.to_owned(), below }
    }

    /// The path, where no link or submodule stands on the way to it.
    pub(super) fn without_links(self) -> Result<PathBuf, Failure> {
        match self.bad_on_the_way()? {
            None => Ok(self.path),
            Some(problem) => Err(Failure::other(format!("`{}`: {}", problem.place.file, problem.message))),
        }
    }

    fn bad_on_the_way(&self) -> Result<Option<Problem>, Failure> {
        let bad = WorkTree::at(&self.root).bad_on_the_way(&self.below)?;
        Ok(bad.map(|BadEntry { path, reason }| bad_entry(&BadEntry { path: shown(&self.root.join(path)), reason })))
    }
}

/// Whatever stands before the last `..` is what the system says it is; then a path from the root can be compared.
fn without_parents(path: &Path) -> PathBuf {
    let parts: Vec<Component<'_>> = path.components().collect();
    let n_before = parts.iter().rposition(|part| *part == Component::ParentDir).map_or(0, |at| at + 1);
    let before: PathBuf = parts[..n_before].iter().collect();
    before.canonicalize().unwrap_or(before).join(parts[n_before..].iter().collect::<PathBuf>())
}

impl Folder {
    /// Warns of flows that differ from what was deployed and have no higher version.
    fn compare_versions(&mut self, deployed: &[Deployed]) {
        for flow in self.checked.flows.values() {
            let read = || std::fs::read(&flow.path).ok().map(Arc::from);
            let warning = deployed.iter().find_map(|deployed| deployed.version_not_raised(flow, read));
            let Some(warning) = warning else { continue };
            self.sources.extend(read().map(|source| (flow.path.clone(), source)));
            self.problems.push(warning);
        }
        self.problems.sort();
    }
}

/// The flows folders of the configuration (of one environment, or of all), else `./flows`.
pub(super) fn default_folders(context: &Context, environment: Option<&str>) -> Result<Vec<Target>, Failure> {
    let here = std::env::current_dir().map_err(|error| Failure::of(&error))?;
    let root = discover_work_tree(&here).map_or(here, |tree| tree.root().to_owned());
    let target = |below: &str| Target { path: root.join(below), root: root.clone(), below: below.to_owned() };
    let Some(config) = context.config_if_there()? else {
        return Ok(vec![target("flows")]);
    };
    let mut targets: Vec<Target> = config
        .environments
        .values()
        .filter(|candidate| environment.is_none_or(|name| candidate.name == name))
        .map(|environment| target(&environment.repository.flows))
        .collect();
    targets.sort();
    targets.dedup();
    Ok(targets)
}

/// Reads and checks a folder of flows, or one file. Paths are shown as a person would type them.
pub(super) fn read_folder(target: &Target) -> Result<Folder, Failure> {
    if let Some(problem) = target.bad_on_the_way()? {
        return Ok(Folder { problems: vec![problem], ..Folder::default() });
    }
    let Target { path, root, below } = target;
    let tree = WorkTree::at(root);
    let metadata = std::fs::metadata(path)
        .map_err(|error| Failure::other(format!("cannot read `{}`: {error}", path.display())))?;
    let only = (!metadata.is_dir()).then_some(below.as_str());
    let folder = if only.is_none() { below } else { below.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let (listed, bad_entries) = tree.list_paths(folder)?;
    let shown_root = shown(if only.is_none() { path } else { path.parent().unwrap_or(path) });
    let name = |from_root: &str| {
        let relative = from_root.strip_prefix(folder).unwrap_or(from_root).trim_start_matches('/');
        named(&shown_root, relative)
    };
    let is_meant = |path: &str| only.is_none_or(|only| only == path);
    let paths: Vec<&str> = listed.iter().map(String::as_str).filter(|path| is_meant(path)).collect();
    let files = parallel::try_map(&paths, |path| read_file(&tree, path, name(path)))?;
    let files: Vec<ReadFile> = files.into_iter().flatten().collect();
    let bad_entries: Vec<BadEntry> = bad_entries.into_iter().filter(|bad| is_meant(&bad.path)).collect();
    if only.is_some() && files.is_empty() && bad_entries.is_empty() {
        return Err(Failure::other(format!("expected a `.json` file or a folder, found `{}`", path.display())));
    }
    let n_files = files.len();
    let mut sources = BTreeMap::new();
    let mut reports = Vec::with_capacity(n_files);
    for ReadFile { name, report, source } in files {
        sources.extend(source.map(|source| (name.clone(), source)));
        reports.push((name, report));
    }
    let checked = flow::join_reports(reports.iter_mut().map(|(name, report)| (name.as_str(), std::mem::take(report))));
    // Problems between files show in files that have none of their own.
    let in_problems: BTreeSet<&str> = checked.problems.iter().map(|problem| problem.place.file.as_str()).collect();
    for path in paths {
        let name = name(path);
        if in_problems.contains(name.as_str()) && !sources.contains_key(&name) {
            sources.extend(tree.read(path)?.map(|source| (name, source)));
        }
    }
    let bad = |entry: &BadEntry| bad_entry(&BadEntry { path: name(&entry.path), reason: entry.reason });
    let mut problems: Vec<Problem> = bad_entries.iter().map(bad).chain(checked.problems.iter().cloned()).collect();
    problems.sort();
    Ok(Folder { checked, problems, n_files, sources })
}

/// A file of a folder, as a person would type it.
fn named(shown_root: &str, relative: &str) -> String {
    Path::new(shown_root).join(relative).display().to_string().trim_start_matches("./").to_owned()
}

/// `None` where the file went away.
fn read_file(tree: &WorkTree, path: &str, name: String) -> Result<Option<ReadFile>, SourceError> {
    let Some(bytes) = tree.read(path)? else { return Ok(None) };
    let mut report = flow::check_file(&name, bytes.clone(), &Comparison::default());
    if let Some(definition) = &mut report.definition {
        definition.text = None;
    }
    let source = (!report.problems.is_empty()).then_some(bytes);
    Ok(Some(ReadFile { name, report, source }))
}
