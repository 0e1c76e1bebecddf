//! `flowsync pull`: live flows as files.
//!
//! Everything is written into a temporary folder first, and put in place only when every flow has
//! arrived. Files that are there for a flow already are overwritten where they stand; files that are
//! no flow of the tenant stay.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::PullArgs;
use super::context::{Context, shown, the_one};
use super::output::{self, Failure};
use super::validate::{Target, default_folders, read_folder};
use crate::flow::{Definition, FlowId, Keys, Reading, indented};
use crate::problem::escape_terminal;
use crate::tenant::{CallLimits, Export, Tenant};

pub(super) async fn run(context: &Context, arguments: &PullArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let environment = the_one(&config, arguments.env.as_deref())?;
    let into = match &arguments.into {
        Some(folder) => folder.clone(),
        None => default_folders(context, Some(&environment.name))?.remove(0).without_links()?,
    };
    let engine = context.engine(environment, Arc::new(|_| {}), false)?;
    let limits = CallLimits::before_deployment();
    let export =
        engine.tenant.export(&engine.target, &engine.reader, &limits).await.map_err(|error| Failure::of(&error))?;
    let (flows, left_out) = divide(export);
    let n_flows = flows.len();
    write_all(&into, &flows).map_err(|error| {
        Failure::other(format!("cannot write to `{}`: {error}; what was there is as it was", into.display()))
    })?;
    output::print(&format!("{n_flows} flows written to {}\n", shown(&into)));
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

fn write_all(into: &Path, flows: &BTreeMap<FlowId, Definition>) -> std::io::Result<()> {
    let real = into.canonicalize();
    let into = real.as_deref().unwrap_or(into);
    let known = known_paths(into);
    let parent = into.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(parent)?;
    let fresh = tempfile::Builder::new().prefix(".flowsync-pull-").tempdir_in(parent)?;
    if into.is_dir() {
        copy_tree(into, fresh.path())?;
    }
    for (id, definition) in flows {
        let relative = known.get(id).cloned().unwrap_or_else(|| PathBuf::from(format!("{id}.json")));
        let path = fresh.path().join(relative);
        let is_same = fs::read(&path).is_ok_and(|old| same_flow(&old, definition));
        if !is_same {
            let body = definition.body().map_err(std::io::Error::other)?;
            fs::write(path, pretty(body))?;
        }
    }
    // Two renames put the whole in place; what was there is kept until the second has succeeded.
    let fresh = fresh.keep();
    if let Ok(metadata) = fs::metadata(if into.is_dir() { into } else { parent }) {
        fs::set_permissions(&fresh, metadata.permissions())?;
    }
    if into.is_dir() {
        let old = fresh.with_extension("old");
        fs::rename(into, &old)?;
        if let Err(error) = fs::rename(&fresh, into) {
            fs::rename(&old, into)?;
            fs::remove_dir_all(&fresh)?;
            return Err(error);
        }
        fs::remove_dir_all(old)
    } else {
        fs::rename(&fresh, into)
    }
}

fn same_flow(old: &[u8], definition: &Definition) -> bool {
    Definition::from_live(old, &crate::flow::Comparison::default())
        .is_ok_and(|old| old.content_hash == definition.content_hash)
}

/// Where flows of the folder stand already, relative to it.
fn known_paths(folder: &Path) -> BTreeMap<FlowId, PathBuf> {
    let Ok(read) = read_folder(&Target::alone(folder)) else {
        return BTreeMap::new();
    };
    let shown_root = PathBuf::from(shown(folder));
    let relative = |path: &str| {
        Path::new(path)
            .strip_prefix(&shown_root)
            .or_else(|_| Path::new(path).strip_prefix(folder))
            .map(Path::to_owned)
            .ok()
    };
    read.checked.flows.into_iter().filter_map(|(id, flow)| Some((id, relative(&flow.path)?))).collect()
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::create_dir_all(&target)?;
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        } else {
            return Err(std::io::Error::other(format!("`{}` is neither file nor folder", entry.path().display())));
        }
    }
    Ok(())
}

/// Two-space indented JSON with numbers and key order as the tenant has them.
fn pretty(text: &[u8]) -> Vec<u8> {
    indented(text, Keys::AsWritten).map_or_else(|| text.to_vec(), String::into_bytes)
}
