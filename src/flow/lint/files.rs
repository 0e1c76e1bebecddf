//! Rules across files.

use std::collections::BTreeMap;

use crate::flow::FlowId;
use crate::problem::{Place, Problem, Severity};

/// A flow id and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::flow) struct Sighting<'a> {
    pub(in crate::flow) id: &'a FlowId,
    pub(in crate::flow) place: &'a Place,
}

/// Reports every flow id that stands in more than one file, once for each of these files.
pub(in crate::flow) fn duplicate_ids<'a>(sightings: impl IntoIterator<Item = Sighting<'a>>) -> Vec<Problem> {
    let mut by_id: BTreeMap<&FlowId, Vec<&Place>> = BTreeMap::new();
    for Sighting { id, place } in sightings {
        by_id.entry(id).or_default().push(place);
    }
    let mut problems = Vec::new();
    for (id, mut places) in by_id {
        places.sort();
        for (index, place) in places.iter().enumerate() {
            let other = if index == 0 { places.get(1) } else { places.first() };
            problems.extend(other.map(|other| duplicate_id(id, place, other)));
        }
    }
    problems
}

fn duplicate_id(id: &FlowId, place: &Place, other: &Place) -> Problem {
    Problem {
        place: place.clone(),
        rule: "duplicate-flow-id",
        severity: Severity::Error,
        message: format!("expected each flow id in one file, found `{id}` in `{}` as well", other.file),
        help: format!("see {}:{}:{}; rename one of them, or remove a copy", other.file, other.line, other.column),
    }
}
