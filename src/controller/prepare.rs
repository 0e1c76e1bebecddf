//! From git and live to a plan that may be carried out, or the reason why it may not.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::{Engine, PassError, PassOptions, Seen};
use crate::flow::{FlowId, ReferenceKind};
use crate::local::LocalState;
use crate::plan::{self, Desired, Live, Plan, Policy, Present, Step};
use crate::problem::{Place, Problem, Severity, any_error};
use crate::record::{FlowAction, Manifest, QuarantineCause, Verdict};
use crate::source::Source;
use crate::tenant::{CallLimits, Export, Tenant};

/// How often a live state that moves is looked at before giving up.
const LOOKS_MAX: usize = 3;

/// A plan, and what a reviewer would want to hear about it.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// The flows of git.
    pub desired: Desired,
    /// The plan.
    pub plan: Plan,
    /// Errors and warnings, sorted.
    pub problems: Vec<Problem>,
}

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Looks at the tenant and plans. Problems are in the result, errors among them too.
    pub async fn prepare(&self, desired: Desired, manifest: Option<&Manifest>) -> Result<Prepared, PassError> {
        let limits = CallLimits::before_deployment();
        let (live, present) = try_join(self.live(&limits), self.present(&desired, &limits)).await?;
        let last = self.last(manifest).await?;
        let policy = Policy { target: &self.target, drift: self.policy.drift, prune: self.policy.prune };
        let mut plan = plan::plan(&desired, &live, &last, policy);
        let mut live = live;
        for look in 1.. {
            let appears = appearing(&plan);
            if appears.is_empty() {
                break;
            }
            // An export is no snapshot: what is to be created or deleted is looked at twice.
            live = self.live(&limits).await?;
            plan = plan::plan(&desired, &live, &last, policy);
            if appearing(&plan) == appears {
                break;
            }
            if look == LOOKS_MAX {
                return Err(PassError::Unsettled("live flows come and go while they are looked at".into()));
            }
        }
        let mut problems = plan::missing(&desired, &live, &plan, &present, &self.target);
        problems.extend(versions_not_raised(&plan, manifest));
        problems.sort();
        Ok(Prepared { desired, plan, problems })
    }

    async fn live(&self, limits: &CallLimits) -> Result<Live, PassError> {
        let Export { flows, unreadable } = self.tenant.export(&self.target, &self.reader, limits).await?;
        Ok(Live {
            flows: flows.into_iter().map(|(id, definition)| (id, Arc::new(definition))).collect(),
            foreign: unreadable.into_keys().collect(),
        })
    }

    async fn present(&self, desired: &Desired, limits: &CallLimits) -> Result<Present, PassError> {
        stream::iter(plan::lookups(desired, &self.target))
            .map(|(kind, environment)| async move {
                let ids = match kind {
                    ReferenceKind::Flow => {
                        let Export { flows, unreadable } =
                            self.tenant.export(&environment, &self.reader, limits).await?;
                        Some(flows.into_keys().map(|id| id.to_string()).chain(unreadable.into_keys()).collect())
                    }
                    ReferenceKind::Intent => Some(self.tenant.intents(&environment, limits).await?),
                    ReferenceKind::Entity => Some(self.tenant.entities(&environment, limits).await?),
                    ReferenceKind::Variable => self.tenant.variables(&environment, limits).await?,
                };
                Ok(((kind, environment), ids))
            })
            .buffer_unordered(self.policy.concurrency.get())
            .try_collect()
            .await
    }

    /// Whether the plan may be carried out now.
    pub fn judge(&self, prepared: &Prepared, seen: &Seen, options: &PassOptions) -> Result<(), PassError> {
        let refused =
            |reason: String| PassError::Refused { reason, problems: prepared.problems.clone(), quarantined: false };
        let plan = &prepared.plan;
        if any_error(&prepared.problems) {
            let n_errors = prepared.problems.iter().filter(|problem| problem.is_error()).count();
            return Err(refused(format!("{n_errors} problem(s) in what the flows refer to; nothing was written")));
        }
        let n_managed = seen
            .manifest
            .as_ref()
            .map_or(0, |manifest| manifest.flows.iter().filter(|flow| flow.action != FlowAction::Delete).count());
        let empty = prepared.desired.flows.is_empty();
        plan::check_deletes(plan.deletes().count(), n_managed, empty, self.policy.max_deletes, options.allow_deletes)
            .map_err(|error| refused(error.to_string()))?;
        match seen.manifest.as_ref() {
            Some(manifest) if !plan.changes.is_empty() && !options.retry => self.check_quarantine(manifest, plan),
            _ => Ok(()),
        }
    }

    fn check_quarantine(&self, manifest: &Manifest, plan: &Plan) -> Result<(), PassError> {
        let Some(quarantine) = &manifest.quarantine else {
            return Ok(());
        };
        let verdict = quarantine.verdict(&plan.flows_digest, &plan::drift_key(&plan.changes), self.now());
        let until = match verdict {
            Verdict::Free => return Ok(()),
            Verdict::Waiting(until) => format!("it is tried again after {until}, or with --retry"),
            Verdict::Held => "it is not tried again until the flows in git change, or with --retry".to_owned(),
        };
        let why = match quarantine.cause {
            QuarantineCause::Flow => "was refused by the tenant and rolled back",
            QuarantineCause::Transport => "failed on the way to the tenant and was rolled back",
            QuarantineCause::Incomplete => "failed and could not be wholly restored",
            QuarantineCause::Rollback => "was rolled back by a person",
        };
        let reason = format!(
            "quarantined: deployment {} {why} (try {}): {}; {until}",
            manifest.deployment_id, quarantine.attempts, quarantine.reason
        );
        Err(PassError::Refused { reason, problems: Vec::new(), quarantined: true })
    }
}

/// The flows a plan creates or deletes: those whose absence or presence matters.
fn appearing(plan: &Plan) -> BTreeSet<(FlowId, bool)> {
    plan.changes
        .iter()
        .chain(&plan.reported)
        .filter(|change| !matches!(change.step, Step::Update { .. }))
        .map(|change| (change.id.clone(), matches!(change.step, Step::Create { .. })))
        .collect()
}

/// Warnings for flows whose content git changed without a higher version.
fn versions_not_raised(plan: &Plan, manifest: Option<&Manifest>) -> Vec<Problem> {
    let Some(last) = manifest.map(Manifest::last_flows) else {
        return Vec::new();
    };
    let warn = |change: &plan::Change| {
        let after = change.after()?;
        let before = last.get(&change.id)?;
        let changed = after.definition.content_hash != before.content_hash;
        if !changed
            || crate::flow::compare_versions(&after.definition.version, &before.version)
                .is_none_or(std::cmp::Ordering::is_gt)
        {
            return None;
        }
        Some(Problem {
            place: Place { file: after.path.clone(), line: 1, column: 1, pointer: "/version".to_owned() },
            rule: "version-not-raised",
            severity: Severity::Warning,
            message: format!(
                "the content changed, the version did not rise: expected more than `{}`, found `{}`",
                before.version, after.definition.version
            ),
            help: "raise the version, so that people can tell the two apart".to_owned(),
        })
    };
    plan.changes.iter().filter_map(warn).collect()
}
