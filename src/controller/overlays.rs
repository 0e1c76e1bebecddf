//! Which overlay goes over which flow, and what is wrong with those that go over none.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::{self, Checked, Comparison, File, FileReport, FlowId};
use crate::parallel;
use crate::problem::{Place, Problem, Rule, Severity};

/// Overlays by the flow they go over; `T` is how one is known.
#[derive(Debug)]
pub struct Overlays<'a, T> {
    by_flow: BTreeMap<FlowId, (&'a T, &'a str)>,
    problems: Vec<Problem>,
}

impl<'a, T> Overlays<'a, T> {
    /// Reads the names of overlays, whose paths `path` gives.
    pub fn of(overlays: &'a [T], path: impl Fn(&'a T) -> &'a str) -> Self {
        let mut found = Self { by_flow: BTreeMap::new(), problems: Vec::new() };
        for overlay in overlays {
            let path = path(overlay);
            let name = path.rsplit('/').next().unwrap_or(path);
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            let Ok(id) = stem.parse::<FlowId>() else {
                let message = format!("expected the name `<flow id>.json`, found `{name}`");
                let help =
                    "call it as the flow that it goes over is called, for example `flow_welcome.json`".to_owned();
                found.problems.push(problem(path, Rule::OverlayName, message, help));
                continue;
            };
            if let Some((_, other)) = found.by_flow.get(&id) {
                let message = format!("expected one overlay over `{id}`, found `{other}` as well");
                found.problems.push(problem(path, Rule::OverlayName, message, "remove one of them".to_owned()));
                continue;
            }
            found.by_flow.insert(id, (overlay, path));
        }
        found
    }

    /// The overlay over a flow.
    #[must_use]
    pub fn over(&self, id: &FlowId) -> Option<&'a T> {
        self.by_flow.get(id).map(|(overlay, _)| *overlay)
    }

    /// What is wrong with them, given the flows that there are; `are_all_known` says whether there is no file among
    /// them whose flow could not be told.
    #[must_use]
    pub fn problems(self, flows: &BTreeSet<FlowId>, are_all_known: bool) -> Vec<Problem> {
        let Self { by_flow, mut problems } = self;
        let without = by_flow.into_iter().filter(|(id, _)| are_all_known && !flows.contains(id));
        problems.extend(without.map(|(id, (_, path))| {
            let message = format!("expected a flow `{id}` under this overlay, found none");
            let help = "remove the overlay, or call it as its flow is called".to_owned();
            problem(path, Rule::OverlayWithoutFlow, message, help)
        }));
        problems
    }
}

fn problem(path: &str, rule: Rule, message: String, help: String) -> Problem {
    let place = Place { file: path.to_owned(), line: 1, column: 1, pointer: String::new() };
    Problem { place, rule, severity: Severity::Error, message, help }
}

/// Flow files in memory, checked as an environment composes them.
#[derive(Debug)]
pub struct CheckedFiles<'a> {
    /// The flows, composed, and what is wrong with them and with overlays.
    pub checked: Checked,
    /// The files that are not deployed as they stand, by path, each with its overlay.
    pub composed: BTreeMap<&'a str, Option<&'a File<'a>>>,
}

/// Checks flow files in memory with the overlays of an environment, whose id in the tenant is given.
#[must_use]
pub fn check_files<'a>(
    flows: &'a [File<'a>],
    overlays: &'a [File<'a>],
    environment: &str,
    comparison: &Comparison,
) -> CheckedFiles<'a> {
    let reports = parallel::map(flows, |file| flow::check_file(file.path, file.bytes.clone(), comparison));
    let by_name = Overlays::of(overlays, |file| file.path);
    let ids: BTreeSet<FlowId> = reports.iter().filter_map(flow_of).cloned().collect();
    let are_all_known = reports.iter().all(|report| flow_of(report).is_some());
    let composed: BTreeMap<&str, Option<&File<'_>>> = flows
        .iter()
        .zip(&reports)
        .filter_map(|(file, report)| {
            let definition = report.definition.as_ref()?;
            let overlay = by_name.over(&definition.id);
            (overlay.is_some() || definition.names_environment()).then_some((file.path, overlay))
        })
        .collect();
    let files: Vec<(&File<'_>, FileReport)> = flows.iter().zip(reports).collect();
    let again = parallel::map(&files, |(file, report)| match composed.get(file.path) {
        Some(overlay) => flow::overlay::check_composed(file, *overlay, environment, comparison),
        None => report.clone(),
    });
    let mut checked = flow::join_reports(files.iter().map(|(file, _)| file.path).zip(again));
    checked.problems.extend(by_name.problems(&ids, are_all_known));
    checked.problems.sort();
    CheckedFiles { checked, composed }
}

/// The flow that a file holds, as far as it can be told.
fn flow_of(report: &FileReport) -> Option<&FlowId> {
    report.definition.as_ref().map(|definition| &definition.id).or(report.stray_id.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_is_known_by_its_name() {
        let paths = ["o/p/flow_a.json", "o/p/flow_a.JSON", "o/p/flow-b.json", "o/p/flow_c.json"];
        let overlays = Overlays::of(&paths, |path| path);
        assert_eq!(overlays.over(&"flow_a".parse().unwrap()), Some(&paths[0]));
        assert_eq!(overlays.over(&"flow_b".parse().unwrap()), None);
        let flows = BTreeSet::from(["flow_a".parse().unwrap()]);
        let told = |problems: Vec<Problem>| -> Vec<String> {
            problems.iter().map(|it| format!("{} {}", it.rule, it.place.file)).collect()
        };
        let names = ["overlay-name o/p/flow_a.JSON", "overlay-name o/p/flow-b.json"];
        assert_eq!(told(Overlays::of(&paths, |path| path).problems(&flows, false)), names);
        let all = [&names[..], &["overlay-without-flow o/p/flow_c.json"]].concat();
        assert_eq!(told(overlays.problems(&flows, true)), all);
    }
}
