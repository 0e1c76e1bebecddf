//! Flows as each environment composes them: what is wrong is what is wrong with the result.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::read::Folder;
use super::target::{Target, default_folders};
use crate::cli::context::{Context, shown};
use crate::cli::output::Failure;
use crate::config::{Config, Environment};
use crate::controller::{Overlays, listing_problems, overlays_over_folders};
use crate::flow::{self, CheckedFlow, Comparison, File, FlowId};
use crate::problem::{Place, Problem, Rule, Severity};
use crate::source::{BadEntry, FlowSelection, LeftOut, Listing};

/// An overlay: its name for people, and its content.
type Overlay = (String, Arc<[u8]>);

/// The environments whose overlays count.
pub(super) fn environments<'c>(
    context: &Context,
    config: Option<&'c Config>,
    only: Option<&str>,
) -> Result<Vec<&'c Environment>, Failure> {
    match (config, only) {
        (Some(config), Some(name)) => Ok(vec![config.environment(name)?]),
        (Some(config), None) => Ok(config.environments.values().collect()),
        // Why there is none to be had.
        (None, Some(_)) => context.config().map(|_| Vec::new()),
        (None, None) => Ok(Vec::new()),
    }
}

/// Where an overlay was named, or a folder of them, its flows are what is checked.
pub(super) fn with_flows_of_overlays(
    context: &Context,
    targets: Vec<Target>,
    environments: &[&Environment],
) -> Result<Vec<Target>, Failure> {
    let mut all = Vec::new();
    for target in targets {
        let is_inside = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_meant = |it: &&&Environment| {
            let overlays = it.repository.overlays.as_str();
            let all_overlays = overlays.rsplit_once('/').map_or(overlays, |(folder, _)| folder);
            is_inside(&target.below, overlays) || target.below == all_overlays
        };
        let meant: Vec<&&Environment> =
            environments.iter().filter(|_| target.root_here().is_some()).filter(is_meant).collect();
        if meant.is_empty() {
            all.push(target);
        }
        for environment in meant {
            all.extend(default_folders(context, Some(&environment.name))?);
        }
    }
    Ok(all)
}

impl Folder {
    /// Composes the flows with the overlays of each environment that they belong to.
    pub(in crate::cli) fn add_overlays(
        &mut self,
        targets: &[Target],
        environments: &[&Environment],
    ) -> Result<(), Failure> {
        let Some(target) = targets.iter().find(|target| target.root_here().is_some()) else { return Ok(()) };
        let reach =
            if targets.iter().any(|target| target.below == target.kin_folder()) { Reach::Whole } else { Reach::Part };
        let environments: Vec<&&Environment> =
            environments.iter().filter(|it| it.repository.flows == *target.kin_folder()).collect();
        let (mut names, mut plain, mut problems) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for environment in &environments {
            let overlays = self.read_overlays(target, environment, &mut problems)?;
            if target.format().head().is_some() {
                problems.extend(overlays_over_folders(overlays.iter().map(|(name, _)| name.as_str())));
                plain.extend(self.checked.flows.values().map(|flow| flow.path.clone()));
                continue;
            }
            names.extend(overlays.iter().map(|(name, _)| name.clone()));
            self.compose(environment, &overlays, reach, &mut plain, &mut problems);
        }
        self.n_overlays = names.len();
        if !environments.is_empty() {
            // Of a file that nobody gets as it stands only its results count.
            let all = self.checked.flows.values().map(|flow| flow.path.as_str());
            let composed: BTreeSet<&str> = all.filter(|path| !plain.contains(*path)).collect();
            let is_between = |problem: &Problem| matches!(problem.rule, Rule::DuplicateFlowId | Rule::NameTwin);
            self.problems.retain(|it| is_between(it) || !composed.contains(it.place.file.as_str()));
        }
        self.problems.extend(problems);
        self.problems.sort();
        self.problems.dedup();
        Ok(())
    }

    fn read_overlays(
        &mut self,
        target: &Target,
        environment: &Environment,
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<Overlay>, Failure> {
        let name = |path: &str| shown(&target.tree.root().join(path));
        let Listing { entries, overlays: _, bad, left_out } =
            target.tree.list_overlays(&FlowSelection::of(&environment.repository))?;
        let others = Listing {
            entries: Vec::<String>::new(),
            overlays: Vec::new(),
            bad: bad.iter().map(|it| BadEntry { path: name(&it.path), ..it.clone() }).collect(),
            left_out: left_out.iter().map(|it| LeftOut { path: name(&it.path), ..it.clone() }).collect(),
        };
        problems.extend(listing_problems(&others));
        self.left_out.extend(others.left_out);
        let mut overlays = Vec::new();
        for path in entries {
            overlays.extend(target.tree.read(&path)?.map(|content| (name(&path), content)));
        }
        Ok(overlays)
    }

    /// Checks the flows that an environment does not get as they stand; `plain` takes the files of the others.
    fn compose(
        &mut self,
        environment: &Environment,
        overlays: &[Overlay],
        reach: Reach,
        plain: &mut BTreeSet<String>,
        problems: &mut Vec<Problem>,
    ) {
        let by_name = Overlays::of(overlays, |(name, _)| name.as_str());
        let flows: Vec<CheckedFlow> = self.checked.flows.values().cloned().collect();
        for flow in flows {
            let (id, path) = (flow.definition.id.clone(), flow.path);
            let overlay = by_name.over(&id);
            let bytes = self.read_again(&path).filter(|_| overlay.is_some() || flow.definition.names_environment());
            let Some(bytes) = bytes else {
                plain.insert(path);
                continue;
            };
            let file = File { path: &path, bytes: bytes.clone() };
            let over = overlay.map(|(path, bytes)| File { path, bytes: bytes.clone() });
            let target = environment.tenant.environment_id.as_str();
            let report = flow::overlay::check_composed(&file, over.as_ref(), target, &Comparison::default());
            if !report.problems.is_empty() {
                self.sources.insert(path.clone(), bytes);
            }
            problems.extend(report.problems);
            if let (Some(definition), Some(version_place)) = (report.definition, report.version_place) {
                let composed = CheckedFlow { definition, path, version_place };
                self.composed.insert((environment.name.clone(), id), composed);
            }
        }
        let ids: BTreeSet<FlowId> = self.checked.flows.keys().cloned().collect();
        let are_all_known = reach == Reach::Whole && ids.len() == self.n_files;
        problems.extend(by_name.problems(&ids, are_all_known));
        let told: BTreeSet<&str> = problems.iter().map(|problem| problem.place.file.as_str()).collect();
        let shown = overlays.iter().filter(|(name, _)| told.contains(name.as_str()));
        self.sources.extend(shown.cloned());
    }
}

/// Warnings of folders of overlays that no environment reads.
pub(super) fn unread_folders(config: &Config, targets: &[Target]) -> Result<Vec<Problem>, Failure> {
    let Some(target) = targets.iter().find(|target| target.root_here().is_some()) else { return Ok(Vec::new()) };
    let folder = |it: &Environment| it.repository.overlays.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let mut problems = Vec::new();
    for folder in config.environments.values().filter_map(folder).collect::<BTreeSet<_>>() {
        if target.tree.bad_on_the_way(&folder)?.is_some() || target.tree.is_folder(&folder)? != Some(true) {
            continue;
        }
        let all = target.tree.list(&FlowSelection::whole(&folder), &folder)?.entries;
        let below = all.iter().filter_map(|path| path.strip_prefix(&folder)?.strip_prefix('/'));
        let names: BTreeSet<&str> = below.map(|path| path.split('/').next().unwrap_or(path)).collect();
        let is_known = |name: &str| config.environments.contains_key(name) || config.broken.contains_key(name);
        problems.extend(names.into_iter().filter(|name| !is_known(name)).map(|name| {
            let file = shown(&target.tree.root().join(&folder).join(name));
            let message = format!("expected a folder of overlays for each environment, found `{name}`, which is none");
            let help = "no environment reads it: call it as the environment is called in the configuration".to_owned();
            let place = Place { file, line: 1, column: 1, pointer: String::new() };
            Problem { place, rule: Rule::OverlayName, severity: Severity::Warning, message, help }
        }));
    }
    Ok(problems)
}

/// How many of the flows that belong together were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Whole,
    Part,
}
