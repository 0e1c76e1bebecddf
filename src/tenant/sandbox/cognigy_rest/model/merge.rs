//! Merging a package into a project (real exports, but where it says otherwise).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::super::mint::{Id, Mint, RefId};
use super::content::Content;
use super::flow::Flow;
use super::remint::reminted;

/// What is to be merged, checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Merge {
    pub(crate) package: Id,
    /// Of the package's resources.
    pub(crate) resources: Vec<Id>,
    /// The project's locale for each of the package's.
    pub(crate) locales: BTreeMap<Id, Id>,
    /// For resources that are there already, by reference id; without one, nothing is imported then.
    pub(crate) strategies: BTreeMap<Id, Strategy>,
}

/// What becomes of a resource that is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Strategy {
    /// Nothing at all is imported.
    #[default]
    Abort,
    /// A copy, under another reference id.
    ReIdentify,
    /// It takes the place of the one that is there.
    Replace,
}

/// How much of a merge is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    /// The first flow, without the second half of its nodes (unconfirmed: whether a failing merge leaves a half).
    Half,
}

/// Merges `packed` into `project` in second `seconds`; the error is why nothing was.
pub(crate) fn merge(
    merge: &Merge,
    packed: &Content,
    project: &mut Content,
    extent: Extent,
    seconds: u64,
    mint: &mut Mint,
) -> Result<(), String> {
    let chosen = chosen(merge, packed);
    check_conflicts(merge, &chosen, project)?;
    let chosen = reminted_flows(&chosen, packed, mint)?;
    let mut merger = Merger { merge, packed, seconds, mint, moved: BTreeMap::new() };
    merger.things(packed, project);
    let n_flows = if extent == Extent::Half { 1 } else { chosen.len() };
    for (old, mut flow) in chosen.into_iter().take(n_flows) {
        if extent == Extent::Half {
            let kept = flow.chart.nodes.len().div_ceil(2);
            let kept: BTreeSet<Id> = flow.chart.nodes.keys().take(kept).cloned().collect();
            flow.chart.nodes.retain(|id, _| kept.contains(id));
        }
        merger.flow(old, flow, project);
    }
    merger.attach(project);
    Ok(())
}

/// The flows that are asked for.
fn chosen(merge: &Merge, packed: &Content) -> Vec<Flow> {
    packed.flows.iter().filter(|flow| merge.resources.contains(&flow.id)).cloned().collect()
}

fn check_conflicts(merge: &Merge, chosen: &[Flow], project: &Content) -> Result<(), String> {
    let strategy = |flow: &Flow| merge.strategies.get(&flow.id).copied().unwrap_or_default();
    let is_conflict = |flow: &&Flow| project.flow_by_reference(flow.reference.as_str()).is_some();
    let aborting = chosen.iter().filter(is_conflict).find(|flow| strategy(flow) == Strategy::Abort);
    match aborting {
        Some(flow) => Err(format!("Identity conflict: a flow `{}` exists already", flow.reference)),
        None => Ok(()),
    }
}

/// The flows under new ids, each with the id it had in the package. Locales keep the package's.
fn reminted_flows(chosen: &[Flow], packed: &Content, mint: &mut Mint) -> Result<Vec<(Id, Flow)>, String> {
    let only = Content { flows: chosen.to_vec(), ..Content::default() };
    let fresh = reminted(&only, mint)?.flows;
    // Attachments are resolved by the package's own ids, which are new as well where the flow is among the chosen.
    let mut pairs: Vec<(Id, Flow)> = chosen.iter().map(|flow| flow.id.clone()).zip(fresh).collect();
    for (old, flow) in &mut pairs {
        if let Some(original) = packed.flow(old) {
            flow.attached_flows.clone_from(&original.attached_flows);
        }
    }
    Ok(pairs)
}

struct Merger<'a> {
    merge: &'a Merge,
    packed: &'a Content,
    seconds: u64,
    mint: &'a mut Mint,
    /// Where each of the package's resources is now.
    moved: BTreeMap<Id, Id>,
}

impl Merger<'_> {
    /// Lexicons that are asked for and not there; those that are there are pointed at.
    fn things(&mut self, packed: &Content, project: &mut Content) {
        for thing in &packed.things {
            let there = project.things.iter().find(|other| other.reference == thing.reference);
            if let Some(there) = there {
                self.moved.insert(thing.id.clone(), there.id.clone());
            } else if self.merge.resources.contains(&thing.id) {
                let mut new = thing.clone();
                new.id = self.mint.id();
                self.moved.insert(thing.id.clone(), new.id.clone());
                project.things.push(new);
            }
        }
    }

    fn flow(&mut self, old: Id, mut flow: Flow, project: &mut Content) {
        self.localize(&mut flow);
        let strategy = self.merge.strategies.get(&old).copied().unwrap_or_default();
        let there = project.flows.iter_mut().find(|other| other.reference == flow.reference);
        match there {
            Some(there) if strategy == Strategy::Replace => {
                // Id, reference id and creation stay; the chart, settings and train group are new, and so is every
                // node's id, but not its reference id. Who wrote it last is whoever merges, now.
                flow.id = there.id.clone();
                flow.meta = there.meta.clone();
                flow.touch(self.seconds);
                flow.is_training_out_of_date = Some(true);
                self.moved.insert(old, flow.id.clone());
                *there = flow;
            }
            Some(_) => {
                // A copy: its nodes keep their reference ids, so these are there twice.
                let reference: RefId = self.mint.reference();
                flow.reference = reference;
                self.add(old, flow, project);
            }
            None => self.add(old, flow, project),
        }
    }

    fn add(&mut self, old: Id, mut flow: Flow, project: &mut Content) {
        flow.meta.created_at = self.seconds;
        flow.touch(self.seconds);
        flow.is_training_out_of_date = Some(true);
        self.moved.insert(old, flow.id.clone());
        project.flows.push(flow);
    }

    /// Entries come into the locales that they are mapped to; others are left behind.
    fn localize(&self, flow: &mut Flow) {
        fn mapped<T>(entries: BTreeMap<Id, T>, locales: &BTreeMap<Id, Id>) -> BTreeMap<Id, T> {
            entries.into_iter().filter_map(|(locale, entry)| Some((locales.get(&locale)?.clone(), entry))).collect()
        }
        let locales = &self.merge.locales;
        for node in flow.chart.nodes.values_mut() {
            node.entries = mapped(std::mem::take(&mut node.entries), locales);
        }
        for intent in &mut flow.intents {
            intent.sentences = mapped(std::mem::take(&mut intent.sentences), locales);
        }
        flow.lexicons = mapped(std::mem::take(&mut flow.lexicons), locales);
    }

    /// Points attachments at what came along, or was there under the same reference id; others are lost (reported by
    /// users).
    fn attach(&self, project: &mut Content) {
        let references: BTreeMap<RefId, Id> =
            project.flows.iter().map(|flow| (flow.reference.clone(), flow.id.clone())).collect();
        let target = |id: &Id| {
            let by_reference = || references.get(&self.packed.flow(id)?.reference).cloned();
            self.moved.get(id).cloned().or_else(by_reference)
        };
        let merged: BTreeSet<Id> = self.moved.values().cloned().collect();
        for flow in project.flows.iter_mut().filter(|flow| merged.contains(&flow.id)) {
            flow.attached_flows = flow.attached_flows.iter().filter_map(target).collect();
            for lexicons in flow.lexicons.values_mut() {
                *lexicons = lexicons.iter().filter_map(|id| self.moved.get(id).cloned()).collect();
            }
        }
    }
}
