//! `flowsync validate`: an offline check of a folder of flows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::annotations;
use super::arguments::{ValidateArgs, ValidateForm};
use super::context::{Context, shown};
use super::output::{self, Failure};
use crate::controller::bad_entry;
use crate::flow::{self, Checked, Comparison};
use crate::problem::{Colour, Problem, any_error, render};
use crate::source::BadEntry;
use crate::source::{WorkTree, discover_work_tree};

/// Flow files and what is wrong with them.
pub(super) struct Folder {
    /// The flows.
    pub checked: Checked,
    /// Every problem, sorted.
    pub problems: Vec<Problem>,
    /// The files' content, for code frames.
    pub sources: BTreeMap<String, Arc<[u8]>>,
}

pub(super) fn run(context: &Context, arguments: &ValidateArgs) -> Result<u8, Failure> {
    let paths = match &arguments.path {
        Some(path) => vec![path.clone()],
        None => default_folders(context, None)?,
    };
    let folders = paths.iter().map(|path| read_folder(path)).collect::<Result<Vec<_>, Failure>>()?;
    let problems: Vec<Problem> = folders.iter().flat_map(|folder| folder.problems.clone()).collect();
    let sources = folders.iter().flat_map(|folder| folder.sources.clone()).collect();
    let n_files: usize = folders.iter().map(|folder| folder.sources.len()).sum();
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

/// The flows folders of the configuration (of one environment, or of all), else `./flows`.
pub(super) fn default_folders(context: &Context, environment: Option<&str>) -> Result<Vec<PathBuf>, Failure> {
    let here = std::env::current_dir().map_err(|error| Failure::of(&error))?;
    let root = discover_work_tree(&here).map_or(here, |tree| tree.root().to_owned());
    let Some(config) = context.config_if_there()? else {
        return Ok(vec![root.join("flows")]);
    };
    let mut folders: Vec<PathBuf> = config
        .environments
        .values()
        .filter(|candidate| environment.is_none_or(|name| candidate.name == name))
        .map(|environment| root.join(&environment.repository.flows))
        .collect();
    folders.sort();
    folders.dedup();
    Ok(folders)
}

/// Reads and checks a folder of flows, or one file. Paths are shown as a person would type them.
pub(super) fn read_folder(path: &Path) -> Result<Folder, Failure> {
    let metadata = std::fs::metadata(path)
        .map_err(|error| Failure::other(format!("cannot read `{}`: {error}", path.display())))?;
    let (root, only) = match (metadata.is_dir(), path.parent(), path.file_name()) {
        (false, Some(parent), Some(name)) => (parent, Some(name.to_string_lossy().into_owned())),
        _ => (path, None),
    };
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let tree = WorkTree::at(root);
    let listing = tree.list_flows("")?;
    let name = |relative: &str| shown(&root.join(relative)).trim_start_matches("./").to_owned();
    let mut sources: BTreeMap<String, Arc<[u8]>> = BTreeMap::new();
    for entry in listing.entries.iter().filter(|entry| only.as_ref().is_none_or(|only| *only == entry.path)) {
        if let Some(bytes) = tree.read(&entry.path)? {
            sources.insert(name(&entry.path), bytes);
        }
    }
    if let Some(only) = only.filter(|_| sources.is_empty()) {
        return Err(Failure::other(format!("expected a `.json` file or a folder, found `{only}`")));
    }
    let checked = flow::check_all(
        sources.iter().map(|(path, bytes)| flow::File { path, bytes: bytes.clone() }),
        &Comparison::default(),
    );
    let bad = |entry: &BadEntry| bad_entry(&BadEntry { path: name(&entry.path), reason: entry.reason });
    let mut problems: Vec<Problem> = listing.bad.iter().map(bad).chain(checked.problems.clone()).collect();
    problems.sort();
    Ok(Folder { checked, problems, sources })
}
