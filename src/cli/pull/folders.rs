//! Live flows that stand in folders: which files are written, each in the folder, under the name and in the hand that
//! it has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::stage::Edit;
use crate::cli::output::Failure;
use crate::cli::validate::Target;
use crate::flow::{Definition, Document, FlowId, in_the_files_hand};
use crate::format::Unit;
use crate::format::cognigy::document::{Flow, LocaleName};
use crate::format::cognigy::folder::{Composition, Known, Layout, Scattered, compose, folder_name, scatter};
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
pub(super) fn files(
    into: &Path,
    known: &BTreeMap<FlowId, Folder>,
    flows: &BTreeMap<FlowId, Definition>,
    locale: &LocaleName,
) -> Result<Outcome, Failure> {
    let (mut edits, mut unwritable, mut live) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for (id, definition) in flows {
        let body = definition.body().map_err(|error| Failure::of(&error))?;
        match Flow::parse(body) {
            Ok(flow) => _ = live.insert(id, flow),
            Err(error) => {
                let reason = why_unreadable(body).unwrap_or_else(|| error.to_string());
                unwritable.insert(id.to_string(), format!("it cannot be read: {reason}"));
            }
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
                edits.extend(written_anew(unit, (old, layout), flow, &before, &after));
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

/// What a live flow that is none says of itself.
fn why_unreadable(body: &Arc<[u8]>) -> Option<String> {
    let document = Document::parse(body.clone()).ok()?;
    Some(document.root().member("unreadable")?.as_str()?.into_owned())
}

/// Names in a folder, in lower case: on some file systems `a` and `A` are one.
fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().to_lowercase()).collect()
}

/// The files of a folder that change. Where they stand as `fmt` writes them, they do so afterwards, hints among them; else
/// what is equal is left alone, and what is not is written in the hand of what stands there.
fn written_anew(unit: &Unit, (old, layout): (&Flow, &Layout), flow: &Flow, before: &Known, after: &Known) -> Vec<Edit> {
    let is_there = |(file, text): (&String, &String)| unit.files.get(file).is_some_and(|old| is_same(old, text));
    let is_formatted = scatter(old, layout, before).files.iter().all(is_there);
    if old == flow && !is_formatted {
        return Vec::new();
    }
    let Scattered { files, removed } = scatter(flow, layout, after);
    let changed = files.into_iter().filter(|(file, text)| !is_there((file, text)));
    let mut edits: Vec<Edit> = Vec::new();
    for (file, text) in changed {
        let (path, old) = (PathBuf::from(unit.path_of(&file)), unit.files.get(&file));
        let is_by_hand = !is_formatted && file.ends_with(".json");
        let text = match old {
            Some(old) if is_by_hand => in_the_files_hand(Some(old), text.as_bytes()),
            Some(old) => in_its_line_ends(old, text),
            None => text.into_bytes(),
        };
        if old.is_none_or(|old| **old != *text) {
            edits.push((path, Some(text)));
        }
    }
    edits.extend(removed.iter().map(|file| (PathBuf::from(unit.path_of(file)), None)));
    edits
}

/// Whether a file says the same; line ends of a work tree are its own.
pub(in crate::cli) fn is_same(old: &[u8], new: &str) -> bool {
    std::str::from_utf8(old).is_ok_and(|old| old == new || old.replace("\r\n", "\n") == new)
}

/// A text with the line ends that the file has, where they are all of one kind.
fn in_its_line_ends(old: &[u8], text: String) -> Vec<u8> {
    let count = |byte: u8| old.iter().filter(|it| **it == byte).count();
    let pairs = old.windows(2).filter(|pair| pair == b"\r\n").count();
    let is_crlf = pairs > 0 && pairs == count(b'\n');
    if is_crlf { text.replace('\n', "\r\n").into_bytes() } else { text.into_bytes() }
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
