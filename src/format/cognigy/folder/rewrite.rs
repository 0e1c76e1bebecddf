//! What of a folder changes where its flow is to say something else; and the folder of a flow that has none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compose::{Composition, compose};
use super::layout::{Known, Layout};
use super::names::folder_name;
use super::scatter::{Scattered, scatter};
use crate::flow::{Document, FlowId, Unit, in_the_files_hand};
use crate::format::cognigy::document::{Flow, LocaleName};
use crate::problem::Problem;

/// The locale that most flows of git are written in, where there are none.
const USUAL_LOCALE: &str = "en-US";

/// Files by their paths from the folder of their flow, with what is to stand in them; `None` removes one.
pub type Files = BTreeMap<String, Option<Vec<u8>>>;

/// A folder for a flow that has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFolder {
    /// What it is called.
    pub name: String,
    /// Its files.
    pub files: Files,
}

/// The files that change, in the names and in the hand that they have.
pub(in crate::format) fn rewritten(unit: &Unit, text: &Arc<[u8]>, others: &[Arc<[u8]>]) -> Result<Files, String> {
    let flow = parsed(text)?;
    let Composition { flow: old, problems, .. } = compose(unit, None);
    let wrong = || problems.iter().find(|it| it.is_error()).map_or_else(String::new, said);
    let (old, layout) = old.ok_or_else(|| format!("its folder cannot be read: {}", wrong()))?;
    let mut before = known(others);
    before.add(&old);
    let mut after = before.clone();
    after.add(&flow);
    Ok(changes(unit, (&old, &layout), &flow, &before, &after))
}

/// The files that change where a flow of which the folder says `old` is to be `flow`; `before` and `after` are the flows that hints
/// show. Where files stand as `fmt` writes them, they do so afterwards, hints among them; else what is equal is left alone.
#[must_use]
pub fn changes(unit: &Unit, (old, layout): (&Flow, &Layout), flow: &Flow, before: &Known, after: &Known) -> Files {
    let is_there = |file: &String, text: &String| unit.files.get(file).is_some_and(|old| is_same(old, text));
    let is_formatted = scatter(old, layout, before).files.iter().all(|(file, text)| is_there(file, text));
    if old == flow && !is_formatted {
        return Files::new();
    }
    let Scattered { files, removed } = scatter(flow, layout, after);
    let written = |(file, text): (String, String)| {
        let is_by_hand = !is_formatted && file.ends_with(".json");
        let text = match unit.files.get(&file) {
            Some(old) if is_by_hand => in_the_files_hand(Some(old), text.as_bytes()),
            Some(old) => in_its_line_ends(old, text),
            None => text.into_bytes(),
        };
        (file, text)
    };
    let written = files.into_iter().filter(|(file, text)| !is_there(file, text)).map(written);
    let changed = written.filter(|(file, text)| unit.files.get(file).is_none_or(|old| **old != **text));
    let removed = removed.into_iter().map(|file| (file, None));
    changed.map(|(file, text)| (file, Some(text))).chain(removed).collect()
}

/// A folder for a flow: called by its name, and written in the locale that most of those beside it are.
pub(in crate::format) fn written(
    text: &Arc<[u8]>,
    others: &[Arc<[u8]>],
    beside: &[Unit],
    taken: &BTreeSet<String>,
) -> Result<NewFolder, String> {
    let flow = parsed(text)?;
    let mut known = known(others);
    known.add(&flow);
    let layout = Layout::new(locale_among(&flow, beside)?);
    let Scattered { files, .. } = scatter(&flow, &layout, &known);
    let name = folder_name(&flow.name, flow.reference, taken);
    Ok(NewFolder { name, files: files.into_iter().map(|(file, text)| (file, Some(text.into_bytes()))).collect() })
}

/// The flows that a flow names, as hints show them.
pub(in crate::format) fn named_in(text: &Arc<[u8]>) -> BTreeSet<FlowId> {
    let Ok(flow) = parsed(text) else { return BTreeSet::new() };
    let targets = flow.targets().into_iter().map(|target| target.flow);
    targets.chain(flow.attached_flows).map(|reference| reference.flow_id()).collect()
}

/// Whether a file says this; line ends of a work tree are its own.
#[must_use]
pub fn is_same(old: &[u8], new: &str) -> bool {
    std::str::from_utf8(old).is_ok_and(|old| old == new || old.replace("\r\n", "\n") == new)
}

/// A text with the line ends that the file has, where they are all of one kind.
fn in_its_line_ends(old: &[u8], text: String) -> Vec<u8> {
    let n_feeds = old.iter().filter(|byte| **byte == b'\n').count();
    let n_pairs = old.windows(2).filter(|pair| pair == b"\r\n").count();
    let is_crlf = n_pairs > 0 && n_pairs == n_feeds;
    if is_crlf { text.replace('\n', "\r\n").into_bytes() } else { text.into_bytes() }
}

/// The flow that a document is.
///
/// # Errors
/// In words: it is none; of what is live, as the tenant's reading has it.
pub fn parsed(text: &Arc<[u8]>) -> Result<Flow, String> {
    Flow::parse(text).map_err(|error| {
        // What is live and is no flow says why.
        let document = Document::parse(text.clone()).ok();
        let reason = document.as_ref().and_then(|document| Some(document.text_member("unreadable")?.into_owned()));
        reason.unwrap_or_else(|| error.to_string())
    })
}

fn known(others: &[Arc<[u8]>]) -> Known {
    let mut known = Known::default();
    others.iter().filter_map(|text| parsed(text).ok()).for_each(|flow| known.add(&flow));
    known
}

fn locale_among(flow: &Flow, beside: &[Unit]) -> Result<LocaleName, String> {
    let mut n_flows: BTreeMap<LocaleName, usize> = BTreeMap::new();
    for unit in beside {
        if let Some((_, layout)) = compose(unit, None).flow {
            *n_flows.entry(layout.locale).or_default() += 1;
        }
    }
    let most = n_flows.into_iter().max_by_key(|(_, n_flows)| *n_flows).map(|(locale, _)| locale);
    let usual = || USUAL_LOCALE.parse::<LocaleName>();
    let own: BTreeSet<&LocaleName> = flow.nodes().flat_map(|node| node.config.keys()).collect();
    match most {
        Some(locale) => Ok(locale),
        None if own.iter().any(|locale| locale.as_str() == USUAL_LOCALE) => usual(),
        None => own.first().map_or_else(usual, |locale| Ok((*locale).clone())),
    }
}

fn said(problem: &Problem) -> String {
    format!("{} ({}:{})", problem.message, problem.place.file, problem.place.line)
}
