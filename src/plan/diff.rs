//! The comparison itself: all combinations in one place.

use std::collections::{BTreeMap, BTreeSet};

use super::digest::plan_digest;
use super::graph::{Needs, Order, needed_flows};
use super::{Cause, Change, Desired, DesiredFlow, Last, Live, Plan, Step, flows_digest};
use crate::config::{Drift, Prune};
use crate::flow::{BodyAbsent, ContentHash, EnvironmentId, FlowId, LiveFlow};

/// What an environment wants done about differences.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// The tenant's name of the environment: references that name it are between the flows of git.
    pub target: &'a EnvironmentId,
    /// Correct drift, or report it.
    pub drift: Drift,
    /// Delete what left git, or keep it.
    pub prune: Prune,
}

#[cfg(test)]
impl<'a> Policy<'a> {
    /// Drift is corrected, and what left git is deleted.
    pub(crate) fn strict(target: &'a EnvironmentId) -> Self {
        Self { target, drift: Drift::Correct, prune: Prune::Remove }
    }
}

/// Compares what git holds, what is live, and what the last completed deployment left.
///
/// # Errors
///
/// A live flow that differs was only recognised, so that nothing could take its change back.
pub fn plan(desired: &Desired, live: &Live, last: &Last, policy: Policy<'_>) -> Result<Plan, BodyAbsent> {
    let mut plan = Plan { flows_digest: flows_digest(desired), graph: graph(desired), ..Plan::default() };
    plan.unmanaged.clone_from(&live.foreign);
    let mut steps: BTreeMap<FlowId, (Cause, Step)> = BTreeMap::new();
    let ids: BTreeSet<&FlowId> = desired.flows.keys().chain(live.flows.keys()).chain(last.flows.keys()).collect();
    for id in ids {
        if has_agreed_since(desired.flows.get(id), live.flows.get(id), last.flows.get(id).copied()) {
            plan.agreed_since.push(id.clone());
        }
        let found = live.flows.get(id);
        let prune = if last.unread.contains(id) { Prune::Keep } else { policy.prune };
        match compare(desired.flows.get(id), found, last.flows.get(id).copied(), prune)? {
            Verdict::Unmanaged => plan.unmanaged.push(id.to_string()),
            Verdict::Unchanged => plan.unchanged.push(id.clone()),
            Verdict::Gone => {}
            Verdict::Orphaned => plan.orphaned.push(id.clone()),
            Verdict::Differs(cause, step) => _ = steps.insert(id.clone(), (cause, step)),
        }
    }
    plan.unmanaged.sort();
    let changes = in_order(steps, desired, policy.target);
    let only_reported = |change: &Change| policy.drift != Drift::Correct && change.cause == Cause::Drift;
    (plan.reported, plan.changes) = changes.into_iter().partition(only_reported);
    plan.digest = plan_digest(policy.target, &plan.flows_digest, &plan.changes);
    Ok(plan)
}

enum Verdict {
    Unmanaged,
    Unchanged,
    /// Neither in git nor live.
    Gone,
    Orphaned,
    Differs(Cause, Step),
}

fn compare(
    desired: Option<&DesiredFlow>,
    live: Option<&LiveFlow>,
    last: Option<ContentHash>,
    prune: Prune,
) -> Result<Verdict, BodyAbsent> {
    let want = desired.map(|flow| flow.definition.equality_hash);
    let have = live.map(LiveFlow::equality_hash);
    let cause = cause(want, have, last);
    Ok(match (desired, live) {
        (Some(after), None) => Verdict::Differs(cause, Step::Create { after: after.clone() }),
        (Some(_), Some(_)) if want == have => Verdict::Unchanged,
        (Some(after), Some(before)) => {
            Verdict::Differs(cause, Step::Update { before: before.definition()?.clone(), after: after.clone() })
        }
        (None, Some(_)) if last.is_none() => Verdict::Unmanaged,
        (None, Some(_)) if prune == Prune::Keep => Verdict::Orphaned,
        (None, Some(before)) => Verdict::Differs(cause, Step::Delete { before: before.definition()?.clone() }),
        (None, None) => Verdict::Gone,
    })
}

/// Whether git and tenant have a flow alike, and the last completed deployment left something else.
fn has_agreed_since(desired: Option<&DesiredFlow>, live: Option<&LiveFlow>, last: Option<ContentHash>) -> bool {
    let want = desired.map(|flow| flow.definition.equality_hash);
    want == live.map(LiveFlow::equality_hash) && want != last
}

/// Who moved since the last completed deployment: git, the tenant, or both. What was never deployed
/// is git's doing, whatever is live in its place.
fn cause(want: Option<ContentHash>, have: Option<ContentHash>, last: Option<ContentHash>) -> Cause {
    match (want != last, have != last) {
        _ if last.is_none() => Cause::Commit,
        (true, true) => Cause::Both,
        (false, true) => Cause::Drift,
        (true | false, false) => Cause::Commit,
    }
}

fn graph(desired: &Desired) -> BTreeMap<FlowId, Vec<String>> {
    desired
        .flows
        .iter()
        .map(|(id, flow)| {
            let needs: BTreeSet<String> = flow.definition.references.iter().map(ToString::to_string).collect();
            (id.clone(), needs.into_iter().collect())
        })
        .collect()
}

/// Orders steps by what the flows of `desired` need (deletes: by what is live needs), and says how deep each is.
#[must_use]
pub fn in_order(steps: BTreeMap<FlowId, (Cause, Step)>, desired: &Desired, target: &EnvironmentId) -> Vec<Change> {
    let needs: Needs =
        desired.flows.iter().map(|(id, flow)| (id.clone(), needed_flows(&flow.definition, target).collect())).collect();
    let deleted: Needs = steps
        .iter()
        .filter_map(|(id, (_, step))| match step {
            Step::Delete { before } => Some((id.clone(), needed_flows(before, target).collect())),
            Step::Create { .. } | Step::Update { .. } => None,
        })
        .collect();
    let (writes, deletes) = (Order::of(&needs), Order::of(&deleted));
    let n_units = writes.members.len();
    let mut changes: Vec<Change> = steps
        .into_iter()
        .map(|(id, (cause, step))| {
            let (wave, unit) = match step {
                Step::Delete { .. } => (deletes.wave(&id), n_units + deletes.unit.get(&id).copied().unwrap_or(0)),
                Step::Create { .. } | Step::Update { .. } => {
                    (writes.wave(&id), writes.unit.get(&id).copied().unwrap_or(0))
                }
            };
            Change { id, cause, wave, unit, step }
        })
        .collect();
    changes.sort_by_key(|change| match change.step {
        Step::Delete { .. } => (true, usize::MAX - change.wave, change.id.clone()),
        Step::Create { .. } | Step::Update { .. } => (false, change.wave, change.id.clone()),
    });
    changes
}
