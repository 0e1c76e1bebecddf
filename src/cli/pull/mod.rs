//! `flowsync pull`: live flows as files.
//!
//! Nothing is put in place before every flow has arrived. Files that are there for a flow already are overwritten where
//! they stand; files that are no flow of the tenant stay.

mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::PullArgs;
use super::context::{Context, note, shown, the_one};
use super::output::{self, Failure};
use super::validate::{Target, default_folders, read_folder};
use crate::flow::{CheckedFlow, Definition, FlowId, Reading, in_the_files_hand};
use crate::problem::escape_terminal;
use crate::tenant::{CallLimits, Export, Tenant};

pub(super) async fn run(context: &Context, arguments: &PullArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let environment = the_one(&config, arguments.env.as_deref())?;
    let target = match &arguments.into {
        Some(folder) if folder.exists() => Some(Target::alone(folder, Some(&config))?),
        Some(_) => None,
        None => Some(default_folders(context, Some(&environment.name))?.remove(0)),
    };
    let into = match (&arguments.into, &target) {
        (Some(folder), _) => folder.clone(),
        (None, Some(target)) => target.clone().without_links()?,
        (None, None) => return Err(Failure::other("there is no folder to write to: name one with --into")),
    };
    let known = match target {
        Some(target) if target.exists()? => known_paths(target)?,
        Some(_) | None => BTreeMap::new(),
    };
    let engine = context.engine(environment, Arc::new(|_| {}), false)?;
    let limits = CallLimits::before_deployment();
    let export = engine
        .tenant
        .export(&engine.records.target, &engine.reader, &limits)
        .await
        .map_err(|error| Failure::of(&error))?;
    let (flows, left_out) = divide(export);
    let n_flows = flows.len();
    let mut files = files(&into, &known, &flows)?;
    let gone = gone(&known, &flows, &left_out);
    if arguments.prune {
        files.extend(gone.iter().map(|(_, path)| ((*path).clone(), None)));
    }
    let real = into.canonicalize().unwrap_or_else(|_| into.clone());
    stage::put(&real, &files).map_err(|error| {
        Failure::other(format!("cannot write to `{}`: {error}; what was there is as it was", into.display()))
    })?;
    output::print(&format!("{n_flows} flows written to {}\n", shown(&into)));
    for (id, path) in gone {
        let path = escape_terminal(&path.display().to_string()).into_owned();
        if arguments.prune {
            output::print(&format!("removed {path}: {id} is not live any more\n"));
        } else {
            note(context, &format!("{path} stays: {id} is not live any more; --prune removes its file"));
        }
    }
    for (name, reason) in &left_out {
        output::complain(&format!("left out: {}: {}", escape_terminal(name), escape_terminal(reason)));
    }
    if left_out.is_empty() {
        return Ok(0);
    }
    let (n_live, n_left_out) = (n_flows + left_out.len(), left_out.len());
    Err(Failure::other(format!(
        "{n_left_out} of {n_live} live flows could not be written and are named above; mend or delete them in the tenant, \
         then pull again"
    )))
}

/// The flows that can stand in files, and by name what else is live, with the reason why it cannot.
fn divide(export: Export) -> (BTreeMap<FlowId, Definition>, BTreeMap<String, String>) {
    let Export { flows, foreign: mut left_out } = export;
    let (whole, unreadable): (BTreeMap<_, _>, BTreeMap<_, _>) =
        flows.into_iter().partition(|(_, flow)| flow.reading == Reading::Whole);
    for (id, flow) in unreadable {
        let why = flow.reading.unreadable().map(|why| why.to_string()).unwrap_or_default();
        left_out.insert(id.to_string(), format!("it cannot be read: {why}"));
    }
    (whole, left_out)
}

/// Flows that have a file and are not live any more. What is live and could not be read is not gone.
fn gone<'k>(
    known: &'k BTreeMap<FlowId, PathBuf>,
    flows: &BTreeMap<FlowId, Definition>,
    left_out: &BTreeMap<String, String>,
) -> Vec<(&'k FlowId, &'k PathBuf)> {
    known.iter().filter(|(id, _)| !flows.contains_key(*id) && !left_out.contains_key(id.as_str())).collect()
}

/// What is to be written: each flow that is new or differs, under the file name and in the hand it has or gets.
fn files(
    into: &Path,
    known: &BTreeMap<FlowId, PathBuf>,
    flows: &BTreeMap<FlowId, Definition>,
) -> Result<Vec<(PathBuf, Option<Vec<u8>>)>, Failure> {
    let mut files = Vec::new();
    // Compared without case: on some file systems `a.json` and `A.json` are one file.
    let mut taken: BTreeSet<String> = known.values().map(|path| folded(path)).collect();
    for (id, definition) in flows {
        let path = known.get(id).cloned().unwrap_or_else(|| free_name(into, id, &taken));
        taken.insert(folded(&path));
        let old = fs::read(into.join(&path)).ok();
        if !old.as_ref().is_some_and(|old| same_flow(old, definition)) {
            let body = definition.body().map_err(|error| Failure::of(&error))?;
            files.push((path, Some(in_the_files_hand(old.as_deref(), body))));
        }
    }
    Ok(files)
}

fn folded(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

/// `<id>.json`, or the next one of its kind that nothing stands in.
fn free_name(into: &Path, id: &FlowId, taken: &BTreeSet<String>) -> PathBuf {
    let names = std::iter::once(format!("{id}.json")).chain((2_u32..).map(|n| format!("{id}-{n}.json")));
    let is_free = |name: &PathBuf| !taken.contains(&folded(name)) && into.join(name).symlink_metadata().is_err();
    names.map(PathBuf::from).find(is_free).unwrap_or_else(|| PathBuf::from(format!("{id}.json")))
}

fn same_flow(old: &[u8], definition: &Definition) -> bool {
    Definition::from_live(old, &crate::flow::Comparison::default())
        .is_ok_and(|old| old.content_hash == definition.content_hash)
}

/// Where flows of the folder stand already, relative to it.
fn known_paths(target: Target) -> Result<BTreeMap<FlowId, PathBuf>, Failure> {
    let read = read_folder(&[target])?;
    let path = |flow: &CheckedFlow| read.below(&flow.path).map(PathBuf::from);
    Ok(read.checked.flows.iter().filter_map(|(id, flow)| Some((id.clone(), path(flow)?))).collect())
}
