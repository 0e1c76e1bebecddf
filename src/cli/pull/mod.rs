//! `flowsync pull`: live flows as files.
//!
//! Nothing is put in place before every flow has arrived. Files that are there for a flow already are overwritten where
//! they stand; files that are no flow of the tenant stay.

mod folders;
pub(super) mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::PullArgs;
use super::context::{Context, note, shown, the_one};
use super::output::{self, Failure};
use super::validate::{Target, default_folders, read_folder};
use crate::config::{Config, Environment};
use crate::flow::overlay::base_of;
use crate::flow::{Comparison, Definition, FlowId, LiveFlow, Reading, in_the_files_hand};
use crate::format::Format;
use crate::problem::escape_terminal;
use crate::tenant::{CallLimits, Export, Tenant, TenantError};
use stage::Edit;

pub(super) async fn run(context: &Context, arguments: &PullArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let environment = the_one(&config, arguments.env.as_deref())?;
    let (into, target) = destination(context, arguments, &config, environment)?;
    let known = Known::read(target.as_ref(), environment)?;
    let engine = context.engine(environment, Arc::new(|_| {}), false)?;
    let limits = CallLimits::before_deployment();
    let failed = |error: TenantError| Failure::of(&error);
    let (tenant, project) = (&engine.tenant, &engine.records.target);
    let export = tenant.export(project, &engine.reader, &limits).await.map_err(failed)?;
    let (flows, mut left_out) = divide(export);
    let (mut files, unwritable) = match &known {
        Known::Files(known) => files(&into, known, &flows, environment)?,
        Known::Folders(known) => {
            let locale = tenant.primary_locale(project, &limits).await.map_err(failed)?;
            let locale = locale.ok_or_else(|| Failure::other("expected a locale in the project, found none"))?;
            folders::files(&into, known, &flows, (&locale, &tenant.defaults()))?
        }
    };
    let n_flows = flows.len() - unwritable.len();
    left_out.extend(unwritable);
    let gone = known.gone(&flows, &left_out);
    if arguments.prune {
        files.extend(gone.iter().flat_map(|it| it.removal.clone()));
    }
    let real = into.canonicalize().unwrap_or_else(|_| into.clone());
    stage::put(&real, &files).map_err(|error| {
        Failure::other(format!("cannot write to `{}`: {error}; what was there is as it was", into.display()))
    })?;
    if matches!(known, Known::Folders(_)) {
        folders::remove_emptied(&real, &files);
    }
    output::print(&format!("{n_flows} flows written to {}\n", shown(&into)));
    tell_gone(context, &gone, arguments.prune);
    tell_left_out(n_flows, &left_out)
}

/// The folder to write to, and what is to be read of it where it is there.
fn destination(
    context: &Context,
    arguments: &PullArgs,
    config: &Config,
    environment: &Environment,
) -> Result<(PathBuf, Option<Target>), Failure> {
    let format = environment.repository.format;
    let target = match &arguments.into {
        Some(folder) if folder.exists() => Some(Target::alone(folder, Some(config))?.in_format(format)),
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
    Ok((into, target))
}

fn tell_gone(context: &Context, gone: &[Gone<'_>], is_pruned: bool) {
    for Gone { id, path, .. } in gone {
        let path = escape_terminal(path);
        if is_pruned {
            output::print(&format!("removed {path}: {id} is not live any more\n"));
        } else {
            note(context, &format!("{path} stays: {id} is not live any more; --prune removes its file"));
        }
    }
}

fn tell_left_out(n_flows: usize, left_out: &BTreeMap<String, String>) -> Result<u8, Failure> {
    for (name, reason) in left_out {
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

/// The flows that stand in the folder already.
enum Known {
    Files(BTreeMap<FlowId, InFile>),
    Folders(BTreeMap<FlowId, folders::Folder>),
}

/// A flow that has a file and is not live any more.
struct Gone<'k> {
    id: &'k FlowId,
    path: String,
    removal: Vec<Edit>,
}

impl Known {
    fn read(target: Option<&Target>, environment: &Environment) -> Result<Self, Failure> {
        Ok(match (environment.repository.format, target) {
            (Format::FlowsV2, Some(target)) => Self::Files(known_paths(target, environment)?),
            (Format::FlowsV2, None) => Self::Files(BTreeMap::new()),
            (Format::CognigyFlow, Some(target)) => Self::Folders(folders::known(target)?),
            (Format::CognigyFlow, None) => Self::Folders(BTreeMap::new()),
        })
    }

    /// Flows that have a file and are not live any more. What is live and could not be read is not gone.
    fn gone(&self, flows: &BTreeMap<FlowId, LiveFlow>, left_out: &BTreeMap<String, String>) -> Vec<Gone<'_>> {
        let is_gone = |id: &FlowId| !flows.contains_key(id) && !left_out.contains_key(id.as_str());
        match self {
            Self::Files(known) => {
                let gone = known.iter().filter(|(id, _)| is_gone(id));
                let shown = |path: &Path| path.display().to_string();
                gone.map(|(id, it)| Gone { id, path: shown(&it.path), removal: vec![(it.path.clone(), None)] })
                    .collect()
            }
            Self::Folders(known) => {
                let gone = known.iter().filter(|(id, _)| is_gone(id));
                gone.map(|(id, it)| Gone { id, path: it.head().to_owned(), removal: it.removal() }).collect()
            }
        }
    }
}

/// The flows that can stand in files, and by name what else is live, with the reason why it cannot.
fn divide(export: Export) -> (BTreeMap<FlowId, LiveFlow>, BTreeMap<String, String>) {
    let Export { flows, foreign: mut left_out } = export;
    let (whole, unreadable): (BTreeMap<_, _>, BTreeMap<_, _>) =
        flows.into_iter().partition(|(_, flow)| *flow.reading() == Reading::Whole);
    for (id, flow) in unreadable {
        let why = flow.reading().unreadable().map(|why| why.to_string()).unwrap_or_default();
        left_out.insert(id.to_string(), format!("it cannot be read: {why}"));
    }
    (whole, left_out)
}

/// What is to be written: each flow that is new or differs, under the file name and in the hand it has or gets.
fn files(
    into: &Path,
    known: &BTreeMap<FlowId, InFile>,
    flows: &BTreeMap<FlowId, LiveFlow>,
    environment: &Environment,
) -> Result<(Vec<Edit>, BTreeMap<String, String>), Failure> {
    let (mut files, mut unwritable) = (Vec::new(), BTreeMap::new());
    // Compared without case: on some file systems `a.json` and `A.json` are one file.
    let mut taken: BTreeSet<String> = known.values().map(|known| folded(&known.path)).collect();
    for (id, definition) in flows {
        let body = definition.body().map_err(|error| Failure::of(&error))?;
        let Some(InFile { path, text: old, overlay }) = known.get(id) else {
            let path = free_name(into, id, &taken);
            taken.insert(folded(&path));
            files.push((path, Some(in_the_files_hand(None, body))));
            continue;
        };
        match base_of(old, overlay.as_deref(), environment.tenant.environment_id.as_str(), body) {
            Ok(base) if is_same_flow(old, &base) => {}
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

fn is_same_flow(old: &[u8], new: &[u8]) -> bool {
    let hash = |text: &[u8]| Definition::from_live(text, &Comparison::default()).ok().map(|flow| flow.content_hash);
    hash(old).is_some() && hash(old) == hash(new)
}

/// A flow that has a file in the folder.
struct InFile {
    /// Its file, from the folder.
    path: PathBuf,
    /// What stands in it: in a sparse checkout, what the index has.
    text: Arc<[u8]>,
    /// What the environment adds to it.
    overlay: Option<Arc<[u8]>>,
}

/// The flows that stand in the folder already, and their overlays where it is the flows folder.
fn known_paths(target: &Target, environment: &Environment) -> Result<BTreeMap<FlowId, InFile>, Failure> {
    let read = read_folder(std::slice::from_ref(target))?;
    let mut known = BTreeMap::new();
    for (id, flow) in &read.checked.flows {
        let Some(path) = read.below(&flow.path).map(PathBuf::from) else { continue };
        let overlay = target.read_beside(&format!("{}/{id}.json", environment.repository.overlays))?;
        let text = read.read_again(&flow.path).ok_or_else(|| {
            let path = escape_terminal(&flow.path).into_owned();
            Failure::other(format!("cannot read `{path}` again; nothing was written, pull again"))
        })?;
        known.insert(id.clone(), InFile { path, text, overlay });
    }
    Ok(known)
}
