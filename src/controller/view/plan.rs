//! A plan as it is shown.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::basis::Basis;
use super::compared::{Compared, view};
use super::release::ReleaseView;
use crate::config::Protect;
use crate::flow::diff::{FlowDiff, View};
use crate::flow::{BodyAbsent, Comparison, ContentHash, Definition, FlowId};
use crate::parallel;
use crate::plan::{Action, Cause, Change, Hold, Plan, Step};
use crate::problem::Problem;
use crate::record::approval::ApprovalVerdict;
use crate::revision::CommitId;
use crate::tenant::Cost;

/// A plan of one environment: `plan --output json` is this struct, text and Markdown are made from it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanView<'a> {
    /// Its name in the configuration.
    pub environment: &'a str,
    /// The tenant's name of it.
    pub target_environment: &'a str,
    /// What was planned; absent for a work tree.
    pub commit: Option<&'a CommitId>,
    /// What was looked at; absent where nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<&'a Basis>,
    /// How many flows.
    pub summary: Summary,
    /// In the order of deployment.
    pub changes: Vec<ChangeView<'a>>,
    /// Drift that is only reported.
    pub drifted: Vec<ChangeView<'a>>,
    /// Live flows that git never held.
    pub unmanaged: &'a [String],
    /// Live flows that left git and are kept.
    pub orphaned: &'a [FlowId],
    /// Errors and warnings, sorted.
    pub problems: &'a [Problem],
    /// Why a deployment would be refused.
    pub refused: Option<&'a str>,
    /// What keeps it from being carried out for now, and until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<&'a Hold>,
    /// The file by which the plan was proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposed: Option<&'a str>,
    /// What binds the plan.
    pub plan_digest: &'a str,
    /// What callers are to meet; absent where that is what is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseView<'a>>,
    /// What all of it takes of the tenant; absent where its dialect does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<TotalCost>,
}

/// What a plan takes of a tenant, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TotalCost {
    /// Requests to write everything.
    pub writes: usize,
    /// Requests to read it back.
    pub reads: usize,
    /// Most requests in 5 minutes.
    #[serde(rename = "requestsPer5Minutes")]
    pub per_5_minutes: u32,
}

/// `about 65 requests (21 to write, 44 to verify), of 800 in 5 minutes`, and how long it waits for more
impl fmt::Display for TotalCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { writes, reads, per_5_minutes } = self;
        let all = writes + reads;
        write!(f, "about {all} requests ({writes} to write, {reads} to verify), of {per_5_minutes} in 5 minutes")?;
        match crate::plan::wait_for(all, *per_5_minutes).as_secs() / 60 {
            0 => Ok(()),
            n_minutes => write!(f, ": it waits {n_minutes} minutes or more for its turn"),
        }
    }
}

/// How many flows a plan is about.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Summary {
    /// Not live yet.
    pub create: usize,
    /// Live, and not as git has them.
    pub update: usize,
    /// Live, and no longer in git.
    pub delete: usize,
    /// Live as git has them.
    pub unchanged: usize,
}

/// `1 to create, 2 to update, 0 to delete, 7 unchanged`
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { create, update, delete, unchanged } = self;
        write!(f, "{create} to create, {update} to update, {delete} to delete, {unchanged} unchanged")
    }
}

/// One change as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeView<'a> {
    /// The flow.
    pub id: &'a FlowId,
    /// What people call it, shortened where it is very long.
    pub name: Cow<'a, str>,
    /// Its file; absent for a delete.
    pub path: Option<&'a str>,
    /// What is to be done.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// The version to be live; absent for a delete, and where flows have none.
    pub version: Option<Cow<'a, str>>,
    /// The version that is live; absent for a create, and where flows have none.
    pub previous_version: Option<Cow<'a, str>>,
    /// Of the flow as it is pushed.
    pub content_hash: Option<ContentHash>,
    /// Of the live flow.
    pub previous_hash: Option<ContentHash>,
    /// Depth in the dependency graph.
    pub wave: usize,
    /// Whether it may be deployed as far as approvals go; absent where nobody asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved: Option<bool>,
    /// Why it is not approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_approved: Option<String>,
    /// Whether it deletes a flow that is protected.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// What it takes of the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<&'a Cost>,
    /// What differs, for an update, as far as it may be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<FlowDiff>,
    /// The change itself.
    #[serde(skip)]
    pub change: &'a Change,
}

/// Most characters of a name or a version.
const NAME_CHARS_MAX: usize = 1_000;

/// So many flows are in memory as people draw them at once.
const FLOWS_AT_ONCE: usize = 64;

impl<'a> PlanView<'a> {
    /// What is shown of a plan; the diffs are left out.
    #[must_use]
    pub fn new(environment: &'a str, target: &'a str, plan: &'a Plan, problems: &'a [Problem]) -> Self {
        Self {
            environment,
            target_environment: target,
            commit: None,
            basis: None,
            summary: Summary {
                create: plan.count(Action::Create),
                update: plan.count(Action::Update),
                delete: plan.count(Action::Delete),
                unchanged: plan.unchanged.len(),
            },
            changes: plan.changes.iter().map(ChangeView::new).collect(),
            drifted: plan.reported.iter().map(ChangeView::new).collect(),
            unmanaged: &plan.unmanaged,
            orphaned: &plan.orphaned,
            problems,
            refused: None,
            held: None,
            proposed: None,
            plan_digest: &plan.digest,
            release: None,
            cost: None,
        }
    }

    /// Puts in what each change takes of the tenant, and all of them.
    pub fn price(&mut self, costs: &'a BTreeMap<FlowId, Cost>) {
        for change in &mut self.changes {
            change.cost = costs.get(change.id);
        }
        self.cost = costs.values().next().map(|first| TotalCost {
            writes: costs.values().map(|cost| cost.writes).sum(),
            reads: costs.values().map(|cost| cost.reads).sum(),
            per_5_minutes: first.per_5_minutes,
        });
    }

    /// Puts in which changes were approved: what is said of each, in their order.
    pub fn judge(&mut self, verdicts: &[ApprovalVerdict]) {
        for (change, verdict) in self.changes.iter_mut().zip(verdicts) {
            change.approved = Some(!matches!(verdict, ApprovalVerdict::Missing(_)));
            change.not_approved = match verdict {
                ApprovalVerdict::Missing(missing) => Some(missing.to_string()),
                ApprovalVerdict::NotAsked | ApprovalVerdict::Approved => None,
            };
        }
    }

    /// Marks the deletes of protected flows.
    pub fn mark_protected(&mut self, protect: &Protect) {
        for change in self.changes.iter_mut().filter(|change| change.action == Action::Delete) {
            change.protected = protect.holds(change.id);
        }
    }

    /// How many changes are not approved, where somebody asks for it.
    #[must_use]
    pub fn n_unapproved(&self) -> Option<usize> {
        let asked: Vec<bool> = self.changes.iter().filter_map(|change| change.approved).collect();
        (!asked.is_empty()).then(|| asked.iter().filter(|approved| !**approved).count())
    }

    /// Puts in what differs in each update, in about `n_bytes` of JSON altogether: what small ones leave
    /// is there for the others.
    ///
    /// # Errors
    ///
    /// The text of a flow was not loaded.
    pub fn look_into(&mut self, comparison: &Comparison, n_bytes: usize) -> Result<(), BodyAbsent> {
        let mut updates: Vec<&mut ChangeView<'a>> =
            self.changes.iter_mut().chain(&mut self.drifted).filter(|change| change.action == Action::Update).collect();
        let (mut room, mut n_left) = (n_bytes, updates.len());
        for some in updates.chunks_mut(FLOWS_AT_ONCE) {
            let changes: Vec<&Change> = some.iter().map(|shown| shown.change).collect();
            let found = parallel::try_map(&changes, |change| Compared::of(change, comparison))?;
            for (shown, compared) in some.iter_mut().zip(found) {
                let diff = compared.map(|compared| compared.diff.within(room / n_left.max(1)));
                let n_taken = diff.as_ref().map_or(0, FlowDiff::json_bytes);
                (room, n_left) = (room.saturating_sub(n_taken), n_left.saturating_sub(1));
                shown.diff = diff;
            }
        }
        Ok(())
    }
}

impl<'a> ChangeView<'a> {
    fn new(change: &'a Change) -> Self {
        let (before, after) = (change.before(), change.after());
        Self {
            id: &change.id,
            name: short(&change.definition().name),
            path: after.map(|flow| flow.path.as_str()),
            action: change.action(),
            cause: change.cause,
            version: after.and_then(|flow| version(&flow.definition)),
            previous_version: before.and_then(|definition| version(definition)),
            content_hash: after.map(|flow| flow.definition.content_hash),
            previous_hash: before.map(|definition| definition.content_hash),
            wave: change.wave,
            approved: None,
            not_approved: None,
            protected: false,
            cost: None,
            diff: None,
            change,
        }
    }

    /// The newest there is of the flow, as people draw it.
    ///
    /// # Errors
    ///
    /// Its text was not loaded.
    pub fn view(&self, comparison: &Comparison) -> Result<View, BodyAbsent> {
        match &self.change.step {
            Step::Create { after } | Step::Update { after, .. } => view(&after.definition, comparison),
            Step::Delete { before } => view(before, comparison),
        }
    }
}

/// The version of a flow of a dialect that has versions.
fn version(definition: &Definition) -> Option<Cow<'_, str>> {
    Some(short(&definition.version)).filter(|version| !version.is_empty())
}

/// A name that may be as long as a flow.
fn short(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(NAME_CHARS_MAX) {
        None => Cow::Borrowed(name),
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
    }
}
