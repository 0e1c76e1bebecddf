//! `flowsync fmt`: flows that stand in folders, in the one form that `pull` writes, and with an identity for new nodes.

use std::path::PathBuf;

use super::arguments::FmtArgs;
use super::context::Context;
use super::output::{self, Failure, REFUSED};
use super::pull::stage;
use super::validate::{Target, default_folders};
use crate::clock::{Clock as _, SystemClock};
use crate::format::cognigy::document::NodeRef;
use crate::format::cognigy::folder::{Composition, Known, Scattered, compose, is_same, scatter};
use crate::format::{Format, Unit};
use crate::problem::Problem;

pub(super) fn run(context: &Context, arguments: &FmtArgs) -> Result<u8, Failure> {
    let config = context.config_if_there().ok().flatten();
    let targets = if arguments.paths.is_empty() {
        default_folders(context, None)?
    } else {
        let typed = arguments.paths.iter().map(|path| Target::typed(path, config.as_ref()));
        typed.collect::<Result<_, _>>()?
    };
    let targets: Vec<Target> = targets.into_iter().filter(|it| it.format() == Format::CognigyFlow).collect();
    if targets.is_empty() {
        let message = "expected a folder of flows with `flow.json` in theirs, found none: files of `flows-v2` are kept as \
                       they are written";
        return Err(Failure::other(message));
    }
    let (mut n_flows, mut changed) = (0, Vec::new());
    for target in &targets {
        let units = target.units(&target.below)?;
        n_flows += units.len();
        let edits = format(target, units)?;
        changed.extend(edits.iter().map(|(path, _)| target.name(&path.to_string_lossy())));
        if !arguments.check {
            let root = target.root().to_owned();
            stage::put(&root, &edits).map_err(|error| {
                Failure::other(format!("cannot write below `{}`: {error}; what was there is as it was", root.display()))
            })?;
        }
    }
    changed.sort();
    changed.iter().for_each(|path| output::print(&format!("{path}\n")));
    let done = if arguments.check { "would be written anew" } else { "written" };
    output::say(&format!("{n_flows} flows, {} files {done}", changed.len()));
    Ok(u8::from(arguments.check && !changed.is_empty()))
}

/// What is to be written, by paths from the root of the tree.
fn format(target: &Target, units: Vec<Unit>) -> Result<Vec<stage::Edit>, Failure> {
    let mut fresh = || NodeRef::from_chance(chance());
    let composed: Vec<(Unit, Composition)> = units
        .into_iter()
        .map(|unit| {
            let composition = compose(&unit, Some(&mut fresh));
            (unit, composition)
        })
        .collect();
    refuse(target, &composed)?;
    // What nodes lead to may stand anywhere among the flows.
    let mut known = Known::default();
    for unit in target.units(target.kin_folder())? {
        if let Some((flow, _)) = compose(&unit, None).flow {
            known.add(&flow);
        }
    }
    composed.iter().filter_map(|(_, it)| it.flow.as_ref()).for_each(|(flow, _)| known.add(flow));
    let mut edits = Vec::new();
    for (unit, composition) in &composed {
        let Some((flow, layout)) = &composition.flow else { continue };
        let Scattered { files, removed } = scatter(flow, layout, &known);
        for (file, text) in files {
            let is_same = unit.files.get(&file).is_some_and(|old| is_same(old, &text));
            if !is_same {
                edits.push((PathBuf::from(unit.path_of(&file)), Some(text.into_bytes())));
            }
        }
        edits.extend(removed.iter().map(|file| (PathBuf::from(unit.path_of(file)), None)));
    }
    Ok(edits)
}

/// Nothing is formatted of which not all could be read.
fn refuse(target: &Target, composed: &[(Unit, Composition)]) -> Result<(), Failure> {
    let problems = composed.iter().flat_map(|(_, it)| &it.problems).filter(|it| it.is_error());
    let named = |problem: &Problem| {
        let mut problem = problem.clone();
        problem.place.file = target.name(&problem.place.file);
        problem
    };
    let problems: Vec<Problem> = problems.map(named).collect();
    if problems.is_empty() {
        return Ok(());
    }
    let message = format!("{} problem(s) in the flows; nothing was written", problems.len());
    Err(Failure { code: REFUSED, message, problems })
}

fn chance() -> [u8; 16] {
    let mut bytes = [0; 16];
    for half in bytes.chunks_exact_mut(8) {
        half.copy_from_slice(&SystemClock.random().to_be_bytes());
    }
    bytes
}
