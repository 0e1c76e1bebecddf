//! `flowsync pull`: live flows as files.
//!
//! Nothing is put in place before every flow has arrived. Files that are there for a flow already are overwritten where
//! they stand; files that are no flow of the tenant stay.

pub(super) mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::PullArgs;
use super::context::{Context, not_of_folders, note, shown, the_one};
use super::output::{self, Failure};
use super::validate::{Target, default_folders, read_folder};
use crate::config::Environment;
use crate::flow::overlay::base_of;
use crate::flow::{Comparison, Definition, FlowId, Reading, in_the_files_hand};
use crate::problem::escape_terminal;
use crate::tenant::{CallLimits, Export, Tenant};
use stage::Edit;

pub(super) async fn run(context: &Context, arguments: &PullArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let environment = the_one(&config, arguments.env.as_deref())?;
    not_of_folders(environment, "pull")?;
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
    let target = match target {
        Some(target) if target.exists()? => Some(target),
        Some(_) | None => None,
    };
    let known = target.as_ref().map_or_else(|| Ok(BTreeMap::new()), |target| known_paths(target, environment))?;
    let engine = context.engine(environment, Arc::new(|_| {}), false)?;
    let limits = CallLimits::before_deployment();
    let export = engine
        .tenant
        .export(&engine.records.target, &engine.reader, &limits)
        .await
        .map_err(|error| Failure::of(&error))?;
    let (flows, mut left_out) = divide(export);
    let (mut files, unwritable) = files(&into, &known, &flows, environment)?;
    let n_flows = flows.len() - unwritable.len();
    left_out.extend(unwritable);
    let gone = gone(&known, &flows, &left_out);
    if arguments.prune {
        files.extend(gone.iter().map(|(_, known)| (known.path.clone(), None)));
    }
    let real = into.canonicalize().unwrap_or_else(|_| into.clone());
    stage::put(&real, &files).map_err(|error| {
        Failure::other(format!("cannot write to `{}`: {error}; what was there is as it was", into.display()))
    })?;
    output::print(&format!("{n_flows} flows written to {}\n", shown(&into)));
    for (id, known) in gone {
        let path = escape_terminal(&known.path.display().to_string()).into_owned();
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
    known: &'k BTreeMap<FlowId, Known>,
    flows: &BTreeMap<FlowId, Definition>,
    left_out: &BTreeMap<String, String>,
) -> Vec<(&'k FlowId, &'k Known)> {
    known.iter().filter(|(id, _)| !flows.contains_key(*id) && !left_out.contains_key(id.as_str())).collect()
}

/// What is to be written: each flow that is new or differs, under the file name and in the hand it has or gets.
fn files(
    into: &Path,
    known: &BTreeMap<FlowId, Known>,
    flows: &BTreeMap<FlowId, Definition>,
    environment: &Environment,
) -> Result<(Vec<Edit>, BTreeMap<String, String>), Failure> {
    let (mut files, mut unwritable) = (Vec::new(), BTreeMap::new());
    // Compared without case: on some file systems `a.json` and `A.json` are one file.
    let mut taken: BTreeSet<String> = known.values().map(|known| folded(&known.path)).collect();
    for (id, definition) in flows {
        let body = definition.body().map_err(|error| Failure::of(&error))?;
        let Some(Known { path, text: old, overlay }) = known.get(id) else {
            let path = free_name(into, id, &taken);
            taken.insert(folded(&path));
            files.push((path, Some(in_the_files_hand(None, body))));
            continue;
        };
        match base_of(old, overlay.as_deref(), environment.tenant.environment_id.as_str(), body) {
            Ok(base) if is_same(old, &base) => {}
            Ok(base) => files.push((path.clone(), Some(in_the_files_hand(Some(old), &base)))),
            Err(why) => _ = unwritable.insert(id.to_string(), format!("its file cannot say what is live: {why}")),
        }
    }
    Ok((files, unwritable))
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

fn is_same(old: &[u8], new: &[u8]) -> bool {
    let hash = |text: &[u8]| Definition::from_live(text, &Comparison::default()).ok().map(|flow| flow.content_hash);
    hash(old).is_some() && hash(old) == hash(new)
}

/// A flow that the folder has.
struct Known {
    /// Its file, from the folder.
    path: PathBuf,
    /// What stands in it: in a sparse checkout, what the index has.
    text: Arc<[u8]>,
    /// What the environment adds to it.
    overlay: Option<Arc<[u8]>>,
}

/// The flows that stand in the folder already, and their overlays where it is the flows folder.
fn known_paths(target: &Target, environment: &Environment) -> Result<BTreeMap<FlowId, Known>, Failure> {
    let read = read_folder(std::slice::from_ref(target))?;
    let mut known = BTreeMap::new();
    for (id, flow) in &read.checked.flows {
        let Some(path) = read.below(&flow.path).map(PathBuf::from) else { continue };
        let overlay = target.read_beside(&format!("{}/{id}.json", environment.repository.overlays))?;
        let text = read.read_again(&flow.path).ok_or_else(|| {
            let path = escape_terminal(&flow.path).into_owned();
            Failure::other(format!("cannot read `{path}` again; nothing was written, pull again"))
        })?;
        known.insert(id.clone(), Known { path, text, overlay });
    }
    Ok(known)
}
