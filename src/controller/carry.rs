//! Carrying a begun deployment to its end: push, and where that fails, restore; then close the record.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::watch;
use tracing::{Instrument as _, info_span};

use super::deployment::Deployment;
use super::releasing::{enter_shown, enter_taken_back};
use super::report::{EnvironmentReport, FlowReport, Outcome, ReleaseReport, SyncResult};
use super::{Engine, PassError};
use crate::clock::in_future;
use crate::deploy::{
    Beside, Deployer, Disown, FlowFailure, Looked, Looks, ProgressStep, PushReport, Pushed, Restoration, Restored,
    ShownRelease, SideEffect, Standing, Undo,
};
use crate::flow::FlowId;
use crate::local::LocalState;
use crate::plan::{Change, drift_key};
use crate::record::audit::{Event, EventKind};
use crate::record::{
    FlowAction, FlowStatus, IllegalEvent, Kind, LastDeployed, Manifest, Quarantine, QuarantineCause, StatusEvent,
};
use crate::revision::CommitId;
use crate::shutdown::Stage;
use crate::source::Source;
use crate::tenant::{Blame, CallLimits, Tenant};

/// A restoration gets at least this long.
const RESTORE_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// Cleaning up after a deployment gets so long: what is left then, the next one takes away.
const TIDY_PATIENCE: Duration = Duration::from_secs(60);

/// A deployment that has begun: its changes, and what is known of them.
pub(super) struct Work {
    /// In plan order.
    pub changes: Vec<Change>,
    /// What earlier runs of it have left.
    pub standing: Standing,
    /// When the tenant was last looked at.
    pub looked: Looked,
    /// What was live then of the flows that are not written.
    pub beside: Beside,
    /// Which way it goes.
    pub course: Course,
    /// Flows that an earlier run has written, or may have.
    pub touched: BTreeSet<FlowId>,
    /// Flows whose previous definition is in no commit.
    pub lost: BTreeSet<FlowId>,
    /// Creates that an earlier run saw answered as updates.
    pub existed: BTreeSet<FlowId>,
    /// Whether an earlier run may have done more than its trail tells.
    pub trail_is_lost: bool,
}

/// Which way a deployment goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Course {
    /// Forward, until something fails.
    Forward,
    /// Back, for this reason; git does not say so yet.
    Back(FlowFailure),
    /// Back, as git says already.
    StillBack,
}

impl<T: Tenant, S: Source, L: LocalState> Deployment<'_, T, S, L> {
    /// Runs `work` under its lease to an end that is on record.
    pub(super) async fn carry_out(&self, work: Work) -> Result<EnvironmentReport, PassError> {
        let (stop, stopped) = watch::channel(false);
        self.engine.tenant.note_deployment(self.ledger.manifest().deployment_id.as_str());
        self.ledger.lease.limit().is_renewed();
        let renewal = self.keep_renewed(&stop);
        let ending = Box::pin(self.to_the_end(work, stopped));
        let ended = tokio::select! {
            biased;
            report = ending => report,
            never = renewal => match never {},
        };
        // Nobody renews it any more: whoever needs more time than is left of it goes without.
        self.ledger.lease.limit().is_renewed_no_more();
        if ended.is_ok() {
            let tidied = async {
                Box::pin(self.tidy_releases()).await;
                self.tidy().await;
            };
            // Nobody waits for it who was asked to end: what stays goes when the next deployment closes.
            tokio::select! {
                biased;
                _ = self.engine.shutdown.end_of(Stage::Close) => {}
                () = tidied => {}
            }
        }
        (self.engine.progress)(ProgressStep::Over);
        ended
    }

    /// What the tenant kept for taking this deployment back is needed no more.
    async fn tidy(&self) {
        let limits = CallLimits { lease: self.ledger.lease.limit(), give_up_at: in_future(TIDY_PATIENCE) };
        if let Err(error) = self.engine.tenant.tidy(&self.engine.records.target, &limits).await {
            tracing::debug!(error = %crate::error_chain(&error), "what this deployment has left in the tenant stays for now");
        }
    }

    async fn to_the_end(&self, work: Work, stopped: watch::Receiver<bool>) -> Result<EnvironmentReport, PassError> {
        let untouched = |failure| PushReport {
            flows: work.changes.iter().map(|change| (change.id.clone(), Pushed::NotAttempted)).collect(),
            failure,
            ..PushReport::default()
        };
        let pushed = match &work.course {
            Course::StillBack => untouched(None),
            Course::Back(failure) => untouched(Some(failure.clone())),
            Course::Forward => {
                let patience = self.engine.policy.deploy_timeout;
                let deployer = self.deployer(&work, patience, stopped.clone());
                let mut report = Box::pin(deployer.push(&work.changes, &work.standing)).await;
                if report.is_complete() {
                    match Box::pin(self.release(&deployer, &work.changes, &report)).await {
                        Ok(shown) => return self.close_deployed(&work, &report.side_effects, shown.as_ref()).await,
                        Err(failure) => report.failure = Some(failure),
                    }
                }
                report
            }
        };
        Box::pin(self.take_back(&work, &pushed, stopped)).await
    }

    fn deployer<'a>(&'a self, work: &'a Work, patience: Duration, stop: watch::Receiver<bool>) -> Deployer<'a, T, L> {
        let Work { changes, looked, beside, .. } = work;
        Deployer {
            tenant: &self.engine.tenant,
            target: &self.engine.records.target,
            reader: self.engine.reader.only(changes.iter().map(|change| &change.id)),
            journal: &self.ledger.journal,
            limits: CallLimits { lease: self.ledger.lease.limit(), give_up_at: in_future(patience) },
            concurrency: self.engine.policy.concurrency.get(),
            verify_timeout: self.engine.policy.verify_timeout,
            stop,
            looks: Looks::planned(*looked),
            beside,
            disown: self.disowning(),
            shutdown: &self.engine.shutdown,
            progress: &self.engine.progress,
        }
    }

    /// Commits that a flow to be created was somebody else's: whoever goes on with the deployment must know, or a
    /// restoration deletes it.
    fn disowning(&self) -> Disown<'_> {
        Box::new(move |id| {
            let id = id.clone();
            Box::pin(async move {
                // Where this commit fails, the next one says it, whatever it is about.
                self.ledger.disown(&id);
                let committed = self.advance("deploying", |manifest| manifest.apply(StatusEvent::Continued)).await;
                let reason = |error| {
                    format!(
                        "`{id}` was there before it was created, and git could not be told so: {}",
                        crate::error_chain(&error)
                    )
                };
                committed.map(drop).map_err(reason)
            })
        })
    }

    async fn close_deployed(
        &self,
        work: &Work,
        side_effects: &[SideEffect],
        shown: Option<&ShownRelease>,
    ) -> Result<EnvironmentReport, PassError> {
        let commit = self
            .close(StatusEvent::Verified, |manifest| {
                manifest.flows.iter_mut().for_each(|flow| flow.status = FlowStatus::Deployed);
                manifest.last_deployed = Some(LastDeployed {
                    deployment_id: manifest.deployment_id.clone(),
                    commit: manifest.source.commit.clone(),
                });
                enter_shown(manifest, shown);
                if manifest.kind != Kind::Rollback {
                    manifest.quarantine = None;
                }
                Ok(())
            })
            .await?;
        Ok(self.closed(SyncResult::Deployed, commit, work, side_effects))
    }

    /// What there is to say of a deployment that has been closed by a commit.
    fn closed(
        &self,
        result: SyncResult,
        commit: CommitId,
        work: &Work,
        side_effects: &[SideEffect],
    ) -> EnvironmentReport {
        let manifest = self.ledger.manifest();
        let mut report = self.engine.report_of(&manifest, result);
        report.record_commit = Some(commit);
        report.flows = flow_reports(&manifest, &work.changes);
        report.alarms = alarms(side_effects);
        report
    }

    async fn take_back(
        &self,
        work: &Work,
        pushed: &PushReport,
        stopped: watch::Receiver<bool>,
    ) -> Result<EnvironmentReport, PassError> {
        let hold_back = self.hold_back(work, pushed);
        let is_announced = work.course == Course::StillBack || self.announce_restoring(&hold_back).await?;
        let undos: Vec<Undo> = touched(work, pushed);
        let patience = self.engine.policy.deploy_timeout.max(RESTORE_PATIENCE);
        let deployer = self.deployer(work, patience, stopped);
        let taking_back = async {
            // Callers first.
            let endpoints = Box::pin(self.switch_back(&deployer, work.trail_is_lost)).await;
            let restored = Box::pin(deployer.restore(&undos)).await;
            (Box::pin(self.still_back(&deployer, endpoints)).await, restored)
        };
        let (endpoints, Restoration { flows: mut restored, side_effects }) = tokio::select! {
            biased;
            restored = taking_back.instrument(info_span!("restore")) => restored,
            grace = self.engine.shutdown.end_of(Stage::Restore) => return Err(self.unfinished(&undos, grace.by).await),
        };
        for id in &work.lost {
            restored.insert(id.clone(), Restored::Not("its previous definition is not in git any more".into()));
        }
        let incomplete =
            restored.values().chain(endpoints.values()).any(|restored| matches!(restored, Restored::Not(_)));
        if incomplete && !self.ledger.lease.limit().holds().await {
            return Err(PassError::Busy(
                "the lease ended while the deployment was being taken back; the next pass goes on with it".into(),
            ));
        }
        let event = if incomplete { StatusEvent::UndoneInPart } else { StatusEvent::Undone };
        let commit = self
            .close(event, |manifest| {
                if !is_announced {
                    hold_back.enter(manifest)?;
                }
                settle(manifest, pushed, &restored);
                enter_taken_back(manifest, &endpoints);
                if let Some(quarantine) = &mut manifest.quarantine {
                    quarantine.count_from(self.engine.now());
                }
                if incomplete {
                    hold_incomplete(manifest);
                }
                if let Some(failed) = self.ledger.journal.failure() {
                    add_failure(manifest, &failed.to_string());
                }
                Ok(())
            })
            .await?;
        let result = if incomplete { SyncResult::RollbackIncomplete } else { SyncResult::RolledBack };
        let report = self.closed(result, commit, work, &side_effects);
        Ok(EnvironmentReport { error: self.ledger.manifest().failure.clone(), ..report })
    }

    /// What is said when the time for a restoration ended: git says `restoring`, and the next pass goes on.
    async fn unfinished(&self, undos: &[Undo], by: &str) -> PassError {
        let manifest = self.ledger.manifest();
        let touched: BTreeSet<&FlowId> = undos.iter().map(|undo| &undo.id).collect();
        let outcome = |report: FlowReport| FlowReport {
            outcome: if touched.contains(&report.id) { Outcome::NotRestored } else { Outcome::NotAttempted },
            ..report
        };
        PassError::Unfinished {
            flows: manifest.flows.iter().filter_map(FlowReport::of).map(outcome).collect(),
            deployment: manifest.deployment_id.to_string(),
            reason: format!("{by}: this deployment was asked to end, and the time for it is over"),
        }
    }

    fn hold_back(&self, work: &Work, pushed: &PushReport) -> HoldBack {
        let (blame, reason, flows) =
            pushed.summary().unwrap_or((Blame::Transport, "the deployment was not complete".into(), Vec::new()));
        let is_drift = |change: &Change| change.cause == crate::plan::Cause::Drift;
        let drift_only = !work.changes.is_empty() && work.changes.iter().all(is_drift);
        let existed = pushed.flows.iter().filter(|(_, pushed)| pushed.existed()).map(|(id, _)| id.clone()).collect();
        HoldBack {
            cause: match blame {
                Blame::Flow => Some(QuarantineCause::Flow),
                Blame::Transport => Some(QuarantineCause::Transport),
                Blame::Nobody => None,
            },
            drift_key: drift_only.then(|| drift_key(&work.changes)),
            now: self.engine.now(),
            flows,
            existed,
            reason,
            pushed: pushed.flows.clone(),
        }
    }

    /// Commits status `restoring` with the reason and the quarantine it leads to. Where even that
    /// cannot be pushed the restoration goes on: a `deploying` manifest would be finished forward, which
    /// is as whole. False: it was not pushed, and the closing record has to say it.
    async fn announce_restoring(&self, hold_back: &HoldBack) -> Result<bool, PassError> {
        let reason = hold_back.reason.as_str();
        tracing::warn!(reason, "the deployment failed; what was written is taken back");
        self.ledger.journal.record_if_possible(&Event::new(EventKind::Restoring).with("reason", reason)).await;
        let pushing = self.advance("restoring", |manifest| hold_back.enter(manifest));
        match self.by_the_end_of(Stage::Announce, pushing).await {
            Ok(_) => Ok(true),
            Err(super::ledger::LedgerError::TakenOver(by)) => {
                Err(PassError::Busy(format!("the deployment was taken over while it failed, by {by}")))
            }
            Err(error) => {
                tracing::error!(error = %crate::error_chain(&error), "cannot push the status `restoring`; restoring all the same");
                Ok(false)
            }
        }
    }
}

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    fn report_of(&self, manifest: &Manifest, result: SyncResult) -> EnvironmentReport {
        EnvironmentReport {
            deployment_id: Some(manifest.deployment_id.to_string()),
            commit: manifest.source.commit.clone(),
            release: ReleaseReport::of(manifest),
            ..EnvironmentReport::new(&self.records.environment, result)
        }
    }
}

/// What a failure means for the manifest: why, and what is not tried again for now.
struct HoldBack {
    /// None where nothing failed: it may be tried again at once.
    cause: Option<QuarantineCause>,
    /// Where every change corrects drift: what these corrections are known by.
    drift_key: Option<String>,
    now: jiff::Timestamp,
    flows: Vec<FlowId>,
    existed: BTreeSet<FlowId>,
    reason: String,
    /// How far each flow came: whoever goes on with the restoration cannot know otherwise.
    pushed: BTreeMap<FlowId, Pushed>,
}

impl HoldBack {
    fn enter(&self, manifest: &mut Manifest) -> Result<(), IllegalEvent> {
        let Self { cause, drift_key, now, flows, existed, reason, pushed } = self;
        let key = drift_key.clone().unwrap_or_else(|| manifest.source.flows_digest.clone());
        let earlier = manifest.quarantine.take();
        let drift_only = drift_key.is_some();
        manifest.quarantine = match (manifest.kind, *cause) {
            // What git holds was not refused: it is as free, or as held, as before the rollback.
            (Kind::Rollback, _) => earlier.filter(|earlier| earlier.attempts > 0),
            (Kind::Sync | Kind::Adoption, None) => earlier,
            (Kind::Sync | Kind::Adoption, Some(cause)) => Some(Quarantine::after_failure(
                earlier.as_ref(),
                cause,
                &key,
                drift_only,
                *now,
                flows.clone(),
                reason.clone(),
            )),
        };
        manifest.failure = Some(reason.clone());
        for flow in &mut manifest.flows {
            flow.existed |= existed.contains(&flow.id);
            match pushed.get(&flow.id) {
                Some(Pushed::Done { .. }) => flow.status = FlowStatus::Deployed,
                Some(Pushed::Failed(failure) | Pushed::Unsent(failure)) => {
                    flow.status = FlowStatus::Failed;
                    flow.error = Some(failure.message.clone());
                }
                Some(Pushed::NotAttempted) | None => {}
            }
        }
        manifest.apply(StatusEvent::UndoStarted)
    }
}

/// What has to be looked at: what this run has written, or an earlier one. What was done already is none of this
/// run's, whatever became of it since.
fn touched(work: &Work, pushed: &PushReport) -> Vec<Undo> {
    let by_this_run = |id: &FlowId, pushed: Option<&Pushed>| {
        matches!(pushed, Some(Pushed::Done { .. } | Pushed::Failed(_))) && !work.standing.done.contains(id)
    };
    let undo = |change: &Change| {
        let pushed = pushed.flows.get(&change.id);
        let is_touched = by_this_run(&change.id, pushed) || work.touched.contains(&change.id);
        let existed = work.existed.contains(&change.id) || pushed.is_some_and(Pushed::existed);
        (is_touched && !work.lost.contains(&change.id)).then(|| Undo::of(change, existed))
    };
    work.changes.iter().filter_map(undo).collect()
}

/// Writes the end of each flow into the manifest.
fn settle(manifest: &mut Manifest, pushed: &PushReport, restored: &BTreeMap<FlowId, Restored>) {
    for flow in manifest.flows.iter_mut().filter(|flow| flow.action != FlowAction::None) {
        let push = pushed.flows.get(&flow.id);
        if let Some(failure) = push.and_then(Pushed::failure) {
            flow.error = Some(failure.message.clone());
        }
        flow.existed |= push.is_some_and(Pushed::existed);
        flow.status = match (restored.get(&flow.id), push) {
            (Some(Restored::Not(reason)), _) => {
                flow.error =
                    Some(flow.error.take().map_or_else(|| reason.clone(), |error| format!("{error}; {reason}")));
                FlowStatus::NotRestored
            }
            (Some(Restored::Done), _) => FlowStatus::RolledBack,
            (Some(Restored::Untouched) | None, Some(Pushed::Failed(_) | Pushed::Unsent(_))) => FlowStatus::Failed,
            (Some(Restored::Untouched), Some(Pushed::Done { .. })) => FlowStatus::RolledBack,
            // Written and put back by a run that did not come to its end.
            (Some(Restored::Untouched), _) if matches!(flow.status, FlowStatus::Deployed | FlowStatus::Failed) => {
                FlowStatus::RolledBack
            }
            // A run that did not come to its end says why it made no request.
            (None, _) if flow.status == FlowStatus::Failed => FlowStatus::Failed,
            (Some(Restored::Untouched) | None, _) => FlowStatus::NotAttempted,
        };
    }
}

/// After `rollback-incomplete` nothing is written until git changes or somebody says so.
fn hold_incomplete(manifest: &mut Manifest) {
    let open: Vec<FlowId> = manifest
        .flows
        .iter()
        .filter(|flow| flow.status == FlowStatus::NotRestored)
        .map(|flow| flow.id.clone())
        .collect();
    let endpoints = manifest.release.iter().flat_map(|release| &release.endpoints);
    let endpoints = endpoints.filter(|endpoint| endpoint.status == FlowStatus::NotRestored);
    let endpoints = endpoints.map(|endpoint| format!("the endpoint `{}`", endpoint.name));
    let names: Vec<String> = open.iter().map(ToString::to_string).chain(endpoints).collect();
    let reason = format!(
        "not restored: {}; see the manifest for what each needs, put it right in the tenant, then commit or pass --retry",
        names.join(", ")
    );
    let attempts = manifest.quarantine.as_ref().map_or(1, |quarantine| quarantine.attempts);
    add_failure(manifest, &reason);
    manifest.quarantine = Some(Quarantine {
        cause: QuarantineCause::Incomplete,
        key: manifest.source.flows_digest.clone(),
        drift_only: false,
        attempts,
        until: None,
        flows: open,
        reason,
    });
}

/// Flows that nobody wrote and that changed all the same: a person should know.
fn alarms(side_effects: &[SideEffect]) -> Vec<String> {
    side_effects.iter().map(ToString::to_string).collect()
}

/// One more reason why a deployment failed, where it does not stand there yet.
fn add_failure(manifest: &mut Manifest, reason: &str) {
    manifest.failure = Some(match manifest.failure.take() {
        None => reason.to_owned(),
        Some(known) if known.contains(reason) => known,
        Some(known) => format!("{known}; {reason}"),
    });
}

/// The flows of a closed manifest, in plan order.
fn flow_reports(manifest: &Manifest, changes: &[Change]) -> Vec<FlowReport> {
    let by_id: BTreeMap<&FlowId, _> = manifest.flows.iter().map(|flow| (&flow.id, flow)).collect();
    changes.iter().filter_map(|change| FlowReport::of(by_id.get(&change.id)?)).collect()
}
