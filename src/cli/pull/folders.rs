//! Live flows that stand in folders: which files are written, each in the folder, under the name and in the hand that
//! it has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::stage::Edit;
use crate::cli::output::Failure;
use crate::cli::validate::Target;
use crate::flow::{Defaults, FlowId, LiveFlow};
use crate::format::Unit;
use crate::format::cognigy::document::{Flow, LocaleName};
use crate::format::cognigy::folder::{
    Composition, Known, Layout, Scattered, changes, compose, folder_name, parsed, scatter,
};
use crate::problem::Problem;

/// A flow that stands in a folder already.
pub(super) struct Folder {
    /// Its files; the path is from the folder that is pulled into.
    unit: Unit,
    /// What they say, or why that cannot be told.
    read: Result<(Flow, Layout), String>,
}

/// What comes of a pull: files to be written or removed, and by name what is live and cannot be written, with the reason.
pub(super) type Outcome = (Vec<Edit>, BTreeMap<String, String>);

impl Folder {
    /// The file that heads it.
    pub(super) fn head(&self) -> &str {
        &self.unit.path
    }

    /// What removes it.
    pub(super) fn removal(&self) -> Vec<Edit> {
        self.unit.files.keys().map(|file| (PathBuf::from(self.unit.path_of(file)), None)).collect()
    }
}

/// The flows that stand in a folder. One that has no reference id is none of them.
pub(super) fn known(target: &Target) -> Result<BTreeMap<FlowId, Folder>, Failure> {
    let mut known: BTreeMap<FlowId, Folder> = BTreeMap::new();
    for unit in target.units(&target.below)? {
        let Composition { flow, id: Some((id, _)), problems, .. } = compose(&unit, None) else { continue };
        let below = unit.path.strip_prefix(&target.below).unwrap_or(&unit.path).trim_start_matches('/').to_owned();
        let wrong = || problems.iter().find(|it| it.is_error()).map_or_else(String::new, said);
        let read = flow.ok_or_else(|| format!("its folder cannot be read: {}", wrong()));
        match known.get_mut(&id) {
            Some(other) => {
                other.read =
                    Err(format!("it stands twice, in `{}` and in `{below}`; remove one of them", other.head()));
            }
            None => _ = known.insert(id, Folder { unit: Unit { path: below, ..unit }, read }),
        }
    }
    Ok(known)
}

fn said(problem: &Problem) -> String {
    format!("{} ({}:{})", problem.message, problem.place.file, problem.place.line)
}

/// What is to be written of the live flows below `into`; the settings of `locale` go into the head file of a new folder.
/// A default that a file does not say stays unsaid.
pub(super) fn files(
    into: &Path,
    known: &BTreeMap<FlowId, Folder>,
    flows: &BTreeMap<FlowId, LiveFlow>,
    (locale, defaults): (&LocaleName, &Defaults),
) -> Result<Outcome, Failure> {
    let (mut edits, mut unwritable, mut live) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for (id, definition) in flows {
        let body = definition.body().map_err(|error| Failure::of(&error))?;
        match parsed(body) {
            Ok(flow) => _ = live.insert(id, flow),
            Err(reason) => _ = unwritable.insert(id.to_string(), format!("it cannot be read: {reason}")),
        }
    }
    let (mut before, mut taken) = (Known::default(), names_in(into));
    for folder in known.values() {
        folder.read.iter().for_each(|(flow, _)| before.add(flow));
        taken.extend(folder.head().split('/').next().map(str::to_lowercase));
    }
    let mut after = before.clone();
    live.values().for_each(|flow| after.add(flow));
    for (id, flow) in &live {
        match known.get(*id) {
            Some(Folder { read: Err(reason), .. }) => _ = unwritable.insert(id.to_string(), reason.clone()),
            Some(Folder { unit, read: Ok((old, layout)) }) => {
                let flow = flow.without_defaults(defaults, old);
                let changed = changes(unit, (old, layout), &flow, &before, &after);
                edits.extend(changed.into_iter().map(|(file, text)| (PathBuf::from(unit.path_of(&file)), text)));
            }
            None => {
                let name = folder_name(&flow.name, flow.reference, &taken);
                taken.insert(name.clone());
                let Scattered { files, .. } = scatter(flow, &Layout::new(locale.clone()), &after);
                let edit = |(file, text): (String, String)| (Path::new(&name).join(file), Some(text.into_bytes()));
                edits.extend(files.into_iter().map(edit));
            }
        }
    }
    Ok((edits, unwritable))
}

/// Names in a folder, in lower case: on some file systems `a` and `A` are one.
fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().to_lowercase()).collect()
}

/// Removes the folders that a pull has emptied.
pub(super) fn remove_emptied(into: &Path, edits: &[Edit]) {
    let removed = edits.iter().filter(|(_, text)| text.is_none());
    for (path, _) in removed {
        let above = path.ancestors().skip(1).take_while(|folder| !folder.as_os_str().is_empty());
        // One that holds something stays, and so do those above.
        above.map(|folder| std::fs::remove_dir(into.join(folder))).take_while(Result::is_ok).for_each(drop);
    }
}
