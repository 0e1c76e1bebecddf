//! Rules across files.

use std::collections::BTreeMap;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::flow::FlowId;
use crate::problem::{Place, Problem, Rule, Severity};

/// A flow id and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::flow) struct Sighting<'a> {
    pub(in crate::flow) id: &'a FlowId,
    pub(in crate::flow) place: &'a Place,
}

/// Of one flow id, or one name, so many places are reported.
const PLACES_MAX: usize = 100;

/// Reports every flow id that stands in more than one file, once for each of these files.
pub(in crate::flow) fn duplicate_ids<'a>(sightings: impl IntoIterator<Item = Sighting<'a>>) -> Vec<Problem> {
    let mut by_id: BTreeMap<&FlowId, Vec<&Place>> = BTreeMap::new();
    for Sighting { id, place } in sightings {
        by_id.entry(id).or_default().push(place);
    }
    let mut problems = Vec::new();
    for (id, mut places) in by_id {
        places.sort();
        for (index, place) in places.iter().enumerate().take(PLACES_MAX) {
            let other = if index == 0 { places.get(1) } else { places.first() };
            problems.extend(other.map(|other| duplicate_id(id, place, other)));
        }
    }
    problems
}

fn duplicate_id(id: &FlowId, place: &Place, other: &Place) -> Problem {
    Problem {
        place: place.clone(),
        rule: Rule::DuplicateFlowId,
        severity: Severity::Error,
        message: format!("expected each flow id in one file, found `{id}` in `{}` as well", other.file),
        help: format!("see {}:{}:{}; rename one of them, or remove a copy", other.file, other.line, other.column),
    }
}

/// Warns of files whose names differ only in case, or in how a letter with its accent is written: on macOS and Windows
/// they are one file, and a checkout there keeps one of them.
pub(in crate::flow) fn name_twins<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<Problem> {
    let mut by_name: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for path in paths {
        by_name.entry(folded(path)).or_default().push(path);
    }
    let mut problems = Vec::new();
    for mut twins in by_name.into_values().filter(|twins| twins.len() > 1) {
        twins.sort_unstable();
        for (index, path) in twins.iter().enumerate().take(PLACES_MAX) {
            problems.push(name_twin(path, twins[usize::from(index == 0)]));
        }
    }
    problems
}

/// The name as a file system sees it that knows no case and one form of each letter.
fn folded(path: &str) -> String {
    if path.is_ascii() {
        return path.to_ascii_lowercase();
    }
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(path).to_uppercase();
    ComposingNormalizerBorrowed::new_nfc().normalize(&composed.to_lowercase()).into_owned()
}

fn name_twin(path: &str, other: &str) -> Problem {
    Problem {
        place: Place { file: path.to_owned(), line: 1, column: 1, pointer: String::new() },
        rule: Rule::NameTwin,
        severity: Severity::Warning,
        message: format!("expected a name of its own, found `{other}`, which is the same file on macOS and Windows"),
        help: "rename one of them".to_owned(),
    }
}
