//! Whether everything the flows of git refer to is there, or will be.

use std::collections::{BTreeMap, BTreeSet};

use super::{Desired, DesiredFlow, Live, Plan};
use crate::flow::{BodyAbsent, Document, EnvironmentId, FlowId, Node, Reference, ReferenceKind};
use crate::plan::graph::needed_flows;
use crate::problem::{Place, Problem, Rule, Severity};

/// A list that must be asked of the tenant: things of one kind in one environment.
pub type Lookup = (ReferenceKind, EnvironmentId);

/// What the tenant holds, by lookup; `None` where it cannot tell.
pub type Present = BTreeMap<Lookup, Option<BTreeSet<String>>>;

/// The lists needed to judge the references of git, besides the flows of the target itself.
#[must_use]
pub fn lookups(desired: &Desired, target: &EnvironmentId) -> BTreeSet<Lookup> {
    desired
        .flows
        .values()
        .flat_map(|flow| &flow.definition.references)
        .map(|reference| lookup(reference, target))
        .filter(|(kind, environment)| *kind != ReferenceKind::Flow || environment != target)
        .collect()
}

/// What is missing, as problems: errors for what is not there, warnings for what nobody can tell,
/// errors for flows about to be deleted that a live flow still needs.
///
/// # Errors
///
/// A flow is to be deleted, and what a live flow that stays needs was not read.
pub fn missing(
    desired: &Desired,
    live: &Live,
    plan: &Plan,
    present: &Present,
    target: &EnvironmentId,
) -> Result<Vec<Problem>, BodyAbsent> {
    let deleted: BTreeSet<&FlowId> = plan.deletes().map(|change| &change.id).collect();
    let written: BTreeSet<&FlowId> = plan.changes.iter().map(|change| &change.id).collect();
    let mut problems = Vec::new();
    for flow in desired.flows.values() {
        for reference in &flow.definition.references {
            let place = || place_of(flow, reference);
            match judge(reference, desired, live, &deleted, present, target) {
                Presence::Yes if is_left_missing(reference, &flow.definition.id, live, &written, target) => {
                    problems.push(left_missing(place(), reference));
                }
                Presence::Yes => {}
                Presence::No => problems.push(absent(place(), reference, target)),
                Presence::Unknown => problems.push(unverifiable(place(), reference)),
            }
        }
    }
    problems.extend(still_needed(desired, live, &deleted, target)?);
    Ok(problems)
}

/// Where a value of a flow stands in its file; the file's beginning where it has none.
#[must_use]
pub fn place_in(flow: &DesiredFlow, pointer: &str) -> Place {
    let document = flow.definition.body().ok().and_then(|body| Document::parse(body.clone()).ok());
    let position = document.as_ref().and_then(|document| document.get(pointer)).map(|node| node.position());
    let (line, column) = position.map_or((1, 1), |position| (position.line, position.column));
    Place { file: flow.path.clone(), line, column, pointer: pointer.to_owned() }
}

/// Where a flow's file writes a reference first.
fn place_of(flow: &DesiredFlow, reference: &Reference) -> Place {
    let says = |entry: Node<'_>, key: &str, value: &str| {
        entry.member(key).and_then(Node::as_str).is_some_and(|text| text == value)
    };
    let document = flow.definition.body().ok().and_then(|body| Document::parse(body.clone()).ok());
    let index = document.and_then(|document| {
        document.get("/externalReferences")?.elements().position(|entry| {
            says(entry, "type", reference.kind.as_str())
                && says(entry, "id", &reference.id)
                && says(entry, "environmentId", reference.environment.as_str())
        })
    });
    place_in(flow, &format!("/externalReferences/{}", index.unwrap_or(0)))
}

/// The list in which a reference is looked for.
#[must_use]
pub fn lookup(reference: &Reference, target: &EnvironmentId) -> Lookup {
    let environment = if reference.is_in(target) { target } else { &reference.environment };
    (reference.kind, environment.clone())
}

enum Presence {
    Yes,
    No,
    Unknown,
}

fn judge(
    reference: &Reference,
    desired: &Desired,
    live: &Live,
    deleted: &BTreeSet<&FlowId>,
    present: &Present,
    target: &EnvironmentId,
) -> Presence {
    let yes = |found: bool| if found { Presence::Yes } else { Presence::No };
    if reference.kind == ReferenceKind::Flow && reference.is_in(target) {
        return yes(reference.id.parse::<FlowId>().is_ok_and(|id| {
            desired.flows.contains_key(&id) || (live.flows.contains_key(&id) && !deleted.contains(&id))
        }));
    }
    match present.get(&lookup(reference, target)) {
        Some(Some(ids)) => yes(ids.contains(&reference.id)),
        Some(None) => Presence::Unknown,
        None => Presence::No,
    }
}

/// Whether a flow about to be written needs one of git that is not live, and whose absence is only reported.
fn is_left_missing(
    reference: &Reference,
    by: &FlowId,
    live: &Live,
    written: &BTreeSet<&FlowId>,
    target: &EnvironmentId,
) -> bool {
    let is_written = |id: &FlowId| written.contains(id);
    let is_ours = reference.kind == ReferenceKind::Flow && reference.is_in(target);
    let left = |id: FlowId| !live.flows.contains_key(&id) && !is_written(&id);
    is_ours && is_written(by) && reference.id.parse().is_ok_and(left)
}

fn left_missing(place: Place, reference: &Reference) -> Problem {
    Problem {
        place,
        rule: Rule::MissingReference,
        severity: Severity::Error,
        message: format!(
            "expected flow `{}` to be live, found it deleted in the tenant; `drift: report` leaves it so",
            reference.id
        ),
        help: "put the flow back in the tenant, or set `drift: correct`".to_owned(),
    }
}

fn absent(place: Place, reference: &Reference, target: &EnvironmentId) -> Problem {
    let Reference { kind, id, environment } = reference;
    let kind = kind.as_str();
    let help = if kind == "flow" && environment == target {
        "add the flow to git, or remove the reference".to_owned()
    } else {
        format!("create the {kind} in `{environment}` first, or correct its id or environmentId")
    };
    Problem {
        place,
        rule: Rule::MissingReference,
        severity: Severity::Error,
        message: format!("expected {kind} `{id}` in environment `{environment}`, found none"),
        help,
    }
}

fn unverifiable(place: Place, reference: &Reference) -> Problem {
    let Reference { kind, id, environment } = reference;
    Problem {
        place,
        rule: Rule::UnverifiedReference,
        severity: Severity::Warning,
        message: format!("{} `{id}` in environment `{environment}` cannot be verified", kind.as_str()),
        help: "the tenant has no list of them; check by hand that it exists".to_owned(),
    }
}

fn still_needed(
    desired: &Desired,
    live: &Live,
    deleted: &BTreeSet<&FlowId>,
    target: &EnvironmentId,
) -> Result<Vec<Problem>, BodyAbsent> {
    let mut problems = Vec::new();
    if deleted.is_empty() {
        return Ok(problems);
    }
    let stays = |id: &FlowId| !desired.flows.contains_key(id) && !deleted.contains(id);
    for (id, flow) in live.flows.iter().filter(|(id, _)| stays(id)) {
        let needed = needed_flows(flow.definition()?, target).filter(|needed| deleted.contains(needed));
        problems.extend(needed.map(|needed| needed_by(&needed, id)));
    }
    Ok(problems)
}

fn needed_by(needed: &FlowId, id: &FlowId) -> Problem {
    Problem {
        place: Place { file: needed.to_string(), line: 1, column: 1, pointer: String::new() },
        rule: Rule::DeleteStillNeeded,
        severity: Severity::Error,
        message: format!(
            "flow `{needed}` is to be deleted, but the live flow `{id}`, which git does not hold, refers to it"
        ),
        help: format!("remove the reference from `{id}` in the tenant, or keep `{needed}` in git"),
    }
}
