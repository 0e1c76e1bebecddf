//! `flowsync import`: what the vendor's own command line cloned, as folders of flows.
//!
//! Everything is read before anything is written. A flow that is there already keeps its folder, the names of its files, and
//! whatever a clone does not hold.

mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::arguments::ImportArgs;
use super::context::{Context, shown};
use super::output::{self, Failure, REFUSED, USAGE};
use super::pull::stage;
use super::validate::{Target, default_folders};
use crate::config::Config;
use crate::format::cognigy::document::{Flow, FlowRef, LocaleName};
use crate::format::cognigy::folder::{Composition, Known, Layout, Scattered, compose, folder_name, is_same, scatter};
use crate::format::{Format, Unit};
use crate::problem::{Problem, any_error};
use tree::FoundTree;

pub(super) fn run(context: &Context, arguments: &ImportArgs) -> Result<u8, Failure> {
    let config = context.config_if_there()?;
    let target = target(context, arguments, config.as_ref())?;
    let FoundTree { flows, locales, problems, n_with_intents } = tree::read(&arguments.from)?;
    if any_error(&problems) {
        let n_errors = problems.iter().filter(|problem| problem.is_error()).count();
        let message = format!("{n_errors} problem(s) in what was cloned; nothing was written");
        return Err(Failure { code: REFUSED, message, problems });
    }
    let mut place = place(&target)?;
    let Some(primary) = locales.first() else {
        return Err(Failure::other("expected the locales of a project, found none"));
    };
    let (edits, n_new) = edits(&mut place, &flows, primary, &locales);
    stage::put(&place.root, &edits).map_err(|error| {
        let into = shown(&target.path());
        Failure::other(format!("cannot write to `{into}`: {error}; what was there is as it was"))
    })?;
    output::print(&format!("{} flows written to {}\n", flows.len(), shown(&target.path())));
    output::show_problems(&problems);
    if n_new > 0 {
        output::say(&format!(
            "a clone holds neither context nor attachments: those of {n_new} flow(s) are empty; where the project has some, \
             write them into `flow.json` before anything is deployed"
        ));
    }
    if n_with_intents > 0 {
        output::say(&format!("intents are not read: those of {n_with_intents} file(s) stay where they are"));
    }
    Ok(0)
}

/// Where flows go.
enum Into {
    /// A folder that is there.
    There(Box<Target>),
    /// One that is made.
    New(PathBuf),
}

impl Into {
    fn path(&self) -> PathBuf {
        match self {
            Self::There(target) => target.root().join(&target.below),
            Self::New(folder) => folder.clone(),
        }
    }
}

fn target(context: &Context, arguments: &ImportArgs, config: Option<&Config>) -> Result<Into, Failure> {
    let target = match &arguments.into {
        Some(folder) if folder.exists() => Target::alone(folder, config)?,
        Some(folder) => return Ok(Into::New(folder.clone())),
        None => match default_folders(context, None)?.as_slice() {
            [folder] => folder.clone(),
            _ => {
                let message = "environments have different flows folders: name one with --into";
                return Err(Failure { code: USAGE, ..Failure::other(message) });
            }
        },
    };
    let path = target.root().join(&target.below);
    let Some(target) = target.for_flows_in(Format::CognigyFlow, config) else {
        return Err(Failure::other(format!(
            "the flows in `{}` are files of `api: flows-v2` by the configuration: name another folder with --into",
            shown(&path)
        )));
    };
    target.clone().without_links()?;
    Ok(if target.exists()? { Into::There(Box::new(target)) } else { Into::New(path) })
}

/// What is in the folder already.
struct Place {
    /// Paths of edits start here.
    root: PathBuf,
    /// The folder, from there.
    below: String,
    /// Names of whatever stands in it, in lower case.
    taken: BTreeSet<String>,
    /// Its flows.
    flows: BTreeMap<FlowRef, (Unit, Flow, Layout)>,
}

fn place(into: &Into) -> Result<Place, Failure> {
    let (target, below) = match into {
        Into::New(folder) => {
            let (below, taken, flows) = (String::new(), BTreeSet::new(), BTreeMap::new());
            return Ok(Place { root: folder.clone(), below, taken, flows });
        }
        Into::There(target) => (&**target, target.below.clone()),
    };
    let (mut flows, mut problems) = (BTreeMap::new(), Vec::new());
    for unit in target.units(&below)? {
        let Composition { flow, problems: found, .. } = compose(&unit, None);
        match flow {
            Some((flow, layout)) => _ = flows.insert(flow.reference, (unit, flow, layout)),
            None => problems.extend(found.into_iter().filter(Problem::is_error).map(|mut problem| {
                problem.place.file = target.name(&problem.place.file);
                problem
            })),
        }
    }
    if !problems.is_empty() {
        let message = format!("{} problem(s) in the flows that are there; nothing was written", problems.len());
        return Err(Failure { code: REFUSED, message, problems });
    }
    Ok(Place { root: target.root().to_owned(), taken: names(&into.path()), below, flows })
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().to_lowercase()).collect()
}

/// What is to be written, and how many flows are new.
fn edits(place: &mut Place, flows: &[Flow], primary: &LocaleName, locales: &[LocaleName]) -> (Vec<stage::Edit>, usize) {
    let mut known = Known::default();
    place.flows.values().for_each(|(_, flow, _)| known.add(flow));
    flows.iter().for_each(|flow| known.add(flow));
    let (mut edits, mut n_new) = (Vec::new(), 0);
    for flow in flows {
        let (unit, flow, layout) = match place.flows.remove(&flow.reference) {
            Some((unit, old, layout)) => (unit, completed(flow, old), in_one_of(layout, primary, locales)),
            None => {
                n_new += 1;
                let folder = folder_name(&flow.name, flow.reference, &place.taken);
                place.taken.insert(folder.clone());
                let head = format!("{folder}/{}", crate::format::cognigy::folder::HEAD);
                let path = if place.below.is_empty() { head } else { format!("{}/{head}", place.below) };
                (Unit { path, files: BTreeMap::new() }, flow.clone(), Layout::new(primary.clone()))
            }
        };
        let Scattered { files, removed } = scatter(&flow, &layout, &known);
        for (file, text) in files {
            if !unit.files.get(&file).is_some_and(|old| is_same(old, &text)) {
                edits.push((PathBuf::from(unit.path_of(&file)), Some(text.into_bytes())));
            }
        }
        edits.extend(removed.iter().map(|file| (PathBuf::from(unit.path_of(file)), None)));
    }
    (edits, n_new)
}

/// A cloned flow with what only git knows of it.
fn completed(flow: &Flow, old: Flow) -> Flow {
    let Flow { context, attached_flows, attached_lexicons, .. } = old;
    Flow { context, attached_flows, attached_lexicons, ..flow.clone() }
}

/// A layout whose locale the project has.
fn in_one_of(mut layout: Layout, primary: &LocaleName, locales: &[LocaleName]) -> Layout {
    if !locales.contains(&layout.locale) {
        layout.locale = primary.clone();
    }
    layout
}
