//! One pass, its stages in order.

use std::collections::BTreeSet;
use std::future::Future;

use tracing::{Instrument as _, info_span};

use super::approval::Warrant;
use super::carry::Work;
use super::report::{EnvironmentReport, FlowCounts, FlowReport, Outcome, ReleaseReport, SyncResult};
use super::{Engine, PassError, PassOptions, Prepared, Records, Seen, adoption_branch, read_desired};
use crate::config::Drift;
use crate::index::Comparing;
use crate::local::LocalState;
use crate::plan::{self, Cause, Change, Hold, Plan, ReleasePlan};
use crate::problem::{Problem, any_error};
use crate::record::{Kind, Suspended};
use crate::revision::CommitId;
use crate::shutdown::Stage;
use crate::source::{Proposed, Source};
use crate::tenant::Tenant;

/// How often a pass starts again because git moved under it.
pub(super) const STARTS_MAX: usize = 20;

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Makes git true in the tenant, or says why not. Never fails: the report tells.
    pub async fn pass(&self, options: &PassOptions) -> EnvironmentReport {
        let mut attempt = Attempt::default();
        let span = self.records.span("pass");
        let ended = attempt.pass(self, options).instrument(span.clone()).await;
        self.reader.index().wait_until_saved();
        let report = attempt.report(self, ended);
        report.end_span(&span);
        report
    }

    /// What an attempt that ended with an error says of itself.
    fn report_of_error(&self, error: PassError) -> EnvironmentReport {
        let mut report = EnvironmentReport::new(&self.records.environment, error.result());
        report.error = Some(crate::error_chain(&error));
        match error {
            PassError::Refused { problems, .. } => report.problems = problems,
            PassError::Unrecorded { deployment, flows, .. } | PassError::Unfinished { deployment, flows, .. } => {
                report.deployment_id = Some(deployment);
                report.flows = flows;
            }
            _ => {}
        }
        report
    }

    /// Looks at git or at the tenant, and lets go of it at once when this process is asked to end: nothing
    /// has begun yet.
    pub(super) async fn look<R, E: Into<PassError>>(
        &self,
        reading: impl Future<Output = Result<R, E>>,
    ) -> Result<R, PassError> {
        tokio::select! {
            biased;
            grace = self.shutdown.when_asked() => Err(PassError::Stopped(grace.by)),
            read = reading => read.map_err(Into::into),
        }
    }

    /// Nothing is begun once this process was asked to end.
    pub(super) fn may_begin(&self) -> Result<(), PassError> {
        self.shutdown.asked().map_or(Ok(()), |grace| Err(PassError::Stopped(grace.by)))
    }

    /// Remembers that records in a commit are proven: this machine has written them just now. It only spares time, and
    /// is let go of where this process is asked to end.
    pub(super) async fn vouch_for(&self, records: &CommitId) {
        match self.look(self.records.vouching_key(records)).await {
            Ok(Some(key)) => self.reader.index().vouch(key),
            Ok(None) => {}
            Err(error) => tracing::info!(error = %crate::error_chain(&error), "the next pass proves the records anew"),
        }
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Reads git, looks at the tenant, and does what differs. `None`: git moved, look again.
    async fn reconcile(&self, seen: &Seen, options: &PassOptions) -> Result<Option<EnvironmentReport>, PassError> {
        let suspension = self.records.hold_of(&seen.suspended)?;
        let (prepared, contested) = match Box::pin(self.find_out(seen)).await {
            Ok(found) => found,
            Err(refused) => return suspended_anyway(self.report_on(seen), suspension, refused),
        };
        let mut report = self.report_on(seen);
        report.problems.clone_from(&prepared.problems);
        report.alarms.extend(contested);
        report.flows = not_attempted(&prepared.plan);
        report.release = prepared.release.as_ref().map(ReleaseReport::planned);
        report.counts = Some(counts(&prepared));
        let weighing = self.weigh(seen, &prepared, options).instrument(info_span!("judge"));
        let approved = match self.look(weighing).await {
            Ok(approved) => approved,
            Err(refused) => return suspended_anyway(report, suspension, refused),
        };
        report.alarms.extend(approved.alarms);
        if let Some(hold) = suspension.or_else(|| plan::closed(&self.policy.windows, self.now())) {
            return Ok(Some(report.held_by(hold)));
        }
        let is_due = !prepared.plan.changes.is_empty() || releases(&prepared);
        if options.dry_run {
            if is_due {
                report.result = SyncResult::Planned;
            } else if prepared.is_drifted() {
                report.result = SyncResult::Drifted;
            }
            return Ok(Some(report));
        }
        if !is_due {
            return self.leave(seen, &prepared, report).await;
        }
        let n_reported = prepared.plan.reported.len();
        let bound_to = options.plan.as_ref().map(|file| file.id.clone());
        let warrant = Warrant { approvals: approved.uses, bound_to };
        let Some(deployment) = self.begin(seen, &prepared.plan, &prepared, Kind::Sync, warrant).await? else {
            return Ok(None);
        };
        let mut done =
            Box::pin(deployment.carry_out(Work::new(prepared.plan.changes, prepared.looked, prepared.beside))).await?;
        done.counts = report.counts.map(|found| match done.result {
            SyncResult::Deployed => FlowCounts { drifted: n_reported, ..found },
            _ => found,
        });
        done.problems = report.problems;
        done.alarms.splice(0..0, report.alarms);
        Ok(Some(done))
    }

    /// Checks signatures, reads and checks the flows, looks at the tenant, and plans; with an alarm for each flow that is contested.
    async fn find_out(&self, seen: &Seen) -> Result<(Prepared, Vec<String>), PassError> {
        let Records { source, target, .. } = &self.records;
        let counted = seen.manifest.as_ref().filter(|_| !seen.is_altered);
        self.look(self.records.check_signed(self.policy.verify.as_ref(), &seen.tips.flows, counted)).await?;
        let (mut prepared, problems) = loop {
            let reading = read_desired(&**source, &seen.tips.flows, self.reader.index(), target);
            let (desired, problems) = self.look(reading.instrument(info_span!("read"))).await?;
            check_flows(&problems, &seen.tips.flows)?;
            let preparing = self.prepare(desired, seen.manifest.as_ref());
            let prepared = self.look(preparing.instrument(info_span!("prepare"))).await?;
            // Ends: each time more is left out, and there is an end to what a platform adds.
            if self.leave_out_defaults(None) == Comparing::AsBefore {
                break (prepared, problems);
            }
        };
        prepared.problems.extend(problems.iter().cloned());
        prepared.problems.sort();
        let is_quiet = prepared.plan.changes.is_empty() && !prepared.is_drifted() && !releases(&prepared);
        let is_settled = seen.manifest.is_some() && !seen.interrupted && seen.suspended == Suspended::No;
        let is_told = is_settled && seen.alarms.is_empty() && self.is_written_down(seen, &prepared.plan);
        if is_quiet && is_told && !any_error(&prepared.problems) {
            self.look(self.remember_quiet(&seen.tips, &prepared)).await?;
        }
        self.reader.index().save_aside();
        let contested = self.look(self.leave_contested(seen, &mut prepared.plan)).await?;
        if !contested.is_empty() {
            self.plan_release(&mut prepared, seen.manifest.as_ref());
        }
        Ok((prepared, contested))
    }

    /// What there is to say of a pass that has seen git.
    fn report_on(&self, seen: &Seen) -> EnvironmentReport {
        let mut report = EnvironmentReport::new(&self.records.environment, SyncResult::InSync);
        report.commit = Some(seen.tips.flows.clone());
        report.alarms.clone_from(&seen.alarms);
        report.alarms.extend(seen.interrupted.then(|| self.who_holds(seen)));
        report
    }

    /// Nothing is to be written to the tenant: drift is told, or proposed, and where nobody has done so yet it is written
    /// down which flows are managed. Where drift is not corrected, it is also written down on what git and tenant have come to
    /// agree: else the next edit of such a flow would count as a change that git made as well, and be overwritten.
    async fn leave(
        &self,
        seen: &Seen,
        prepared: &Prepared,
        mut report: EnvironmentReport,
    ) -> Result<Option<EnvironmentReport>, PassError> {
        if prepared.is_drifted() {
            report.result = SyncResult::Drifted;
        }
        if !prepared.plan.reported.is_empty() {
            self.adopt_drift(seen, prepared).await?;
        }
        if seen.adopts || !self.is_written_down(seen, &prepared.plan) {
            return self.adopt(seen, prepared, report).await;
        }
        Ok(Some(report))
    }

    /// Whether the records say of a plan without changes all that later passes need to know.
    fn is_written_down(&self, seen: &Seen, plan: &Plan) -> bool {
        match seen.manifest {
            None => !plan.reported.is_empty(),
            Some(_) => self.policy.drift == Drift::Correct || plan.agreed_since.is_empty(),
        }
    }

    /// Proposes the drift that is found, where that is what is wanted done about it.
    async fn adopt_drift(&self, seen: &Seen, prepared: &Prepared) -> Result<(), PassError> {
        if self.policy.drift != Drift::Adopt {
            return Ok(());
        }
        let branch = adoption_branch(&self.records.environment);
        let offered = self.look(self.offer_live(&seen.tips.flows, prepared, &branch, &BTreeSet::new())).await?;
        if let Proposed::Made(commit) = &offered.proposed {
            let n_flows = offered.flows.len();
            tracing::warn!(branch, %commit, "{n_flows} drifted flow(s) are proposed");
        }
        Ok(())
    }

    /// Waits for a commit that begins something, as long as there is time once this process was asked to end.
    pub(super) async fn in_time<R>(&self, commit: impl Future<Output = R>) -> Result<R, PassError> {
        tokio::select! {
            biased;
            done = commit => Ok(done),
            grace = self.shutdown.end_of(Stage::Close) => Err(PassError::Stopped(grace.by)),
        }
    }
}

/// Refuses a commit of whose flows one has an error.
fn check_flows(problems: &[Problem], commit: &CommitId) -> Result<(), PassError> {
    if !any_error(problems) {
        return Ok(());
    }
    let n_errors = problems.iter().filter(|problem| problem.is_error()).count();
    let reason = format!("{n_errors} problem(s) in the flows of commit {commit}; nothing was written");
    Err(PassError::Refused { reason, problems: problems.to_vec(), quarantined: false })
}

/// How far a pass or a rollback has come, for whatever is said of it in the end.
#[derive(Default)]
pub(super) struct Attempt {
    /// The commit it looks at.
    pub(super) commit: Option<CommitId>,
    /// How a deployment ended that it found unfinished.
    pub(super) recovered: Option<EnvironmentReport>,
}

impl Attempt {
    async fn pass<T: Tenant, S: Source, L: LocalState>(
        &mut self,
        engine: &Engine<T, S, L>,
        options: &PassOptions,
    ) -> Result<EnvironmentReport, PassError> {
        let _guard = if options.dry_run { None } else { Some(engine.local.lock()?) };
        if !options.dry_run {
            engine.look(engine.outbox().send().instrument(info_span!("send"))).await?;
        }
        let mut options = options.clone();
        for start in 0..STARTS_MAX {
            let source = &engine.records.source;
            let tips = match options.fetched_since.filter(|_| start == 0) {
                Some(since) => engine.look(source.fetch_since(since).instrument(info_span!("fetch"))).await?,
                None => engine.look(source.fetch().instrument(info_span!("fetch"))).await?,
            };
            self.commit = Some(tips.flows.clone());
            engine.leave_out_defaults(None);
            if start == 0
                && !options.dry_run
                && options.plan.is_none()
                && let Some(report) = engine.look(engine.still_quiet(&tips)).await?
            {
                return Ok(report);
            }
            let seen = engine.look(engine.records.seen_at(tips, &options).instrument(info_span!("observe"))).await?;
            engine.leave_out_defaults(seen.manifest.as_ref());
            // Who is taken over is who was seen first: whoever came since is alive.
            options.take_over &= start == 0;
            // Whoever only looks is never held up: the plan then stands on what was deployed before.
            if seen.interrupted && !options.dry_run {
                if let Some(report) = engine.recover(&seen, &options).await? {
                    let has_carried_out = report.result == SyncResult::Deployed && is_bound(&seen, &options);
                    self.recovered = Some(report);
                    if has_carried_out {
                        return Ok(EnvironmentReport::new(&engine.records.environment, SyncResult::InSync));
                    }
                }
                continue;
            }
            engine.look(engine.records.check_not_rewound(&seen, options.allow_rewind)).await?;
            match engine.reconcile(&seen, &options).await {
                Ok(Some(report)) => return Ok(report),
                Ok(None) => {}
                Err(PassError::Refused { quarantined: true, .. }) if self.recovered.is_some() => {
                    return Ok(EnvironmentReport::new(&engine.records.environment, SyncResult::InSync));
                }
                Err(error) => return Err(error),
            }
        }
        Err(PassError::Unsettled(format!("branch `{}` moves faster than it can be read", engine.records.branch)))
    }

    /// The one place where an end, good or bad, becomes a report.
    pub(super) fn report<T: Tenant, S: Source, L: LocalState>(
        self,
        engine: &Engine<T, S, L>,
        ended: Result<EnvironmentReport, PassError>,
    ) -> EnvironmentReport {
        let Self { commit, recovered } = self;
        let error = |error| EnvironmentReport { commit, ..engine.report_of_error(error) };
        merge(recovered, ended.unwrap_or_else(error))
    }
}

/// Whether the deployment that was found unfinished carries out the very plan file that this pass is bound to.
fn is_bound(seen: &Seen, options: &PassOptions) -> bool {
    let unfinished = seen.unfinished.as_ref().and_then(|manifest| manifest.bound_to.as_ref());
    options.plan.as_ref().is_some_and(|file| unfinished == Some(&file.id))
}

/// The graver of a recovery and what the same pass did next; the other is told beside it. A deployment that was
/// completed after a recovery is what counts.
fn merge(recovered: Option<EnvironmentReport>, mut next: EnvironmentReport) -> EnvironmentReport {
    let Some(mut recovered) = recovered else { return next };
    match next.result {
        SyncResult::InSync => recovered,
        SyncResult::Deployed => next,
        _ if recovered.result.exit_code() > next.result.exit_code() => {
            let and_then = next.error.map(|error| format!("then `{}`: {error}", next.result.as_str()));
            recovered.error = [recovered.error, and_then].into_iter().flatten().reduce(|a, b| format!("{a}; {b}"));
            recovered.problems.extend(next.problems);
            recovered.alarms.extend(next.alarms);
            recovered
        }
        _ => {
            let deployment =
                recovered.deployment_id.map_or_else(|| "a deployment".to_owned(), |id| format!("deployment {id}"));
            let word = recovered.result.as_str();
            next.alarms.push(format!("this pass first ended {deployment}, which was under way: `{word}`"));
            next
        }
    }
}

/// A suspended environment is suspended, whatever else would be refused in it; that is told.
fn suspended_anyway(
    mut report: EnvironmentReport,
    suspension: Option<Hold>,
    error: PassError,
) -> Result<Option<EnvironmentReport>, PassError> {
    match (error, suspension) {
        (PassError::Refused { reason, problems, .. }, Some(hold)) => {
            report.error = Some(format!("it would be refused: {reason}"));
            report.problems = problems;
            Ok(Some(report.held_by(hold)))
        }
        (error, _) => Err(error),
    }
}

/// Whether callers are to meet something else.
fn releases(prepared: &Prepared) -> bool {
    prepared.release.as_ref().is_some_and(ReleasePlan::is_due)
}

impl Prepared {
    /// Whether something is left as somebody made it behind git's back.
    fn is_drifted(&self) -> bool {
        !self.plan.reported.is_empty() || self.release.as_ref().is_some_and(ReleasePlan::is_drifted)
    }
}

/// What a pass has found before it changes anything.
fn counts(prepared: &Prepared) -> FlowCounts {
    let Prepared { desired, plan, .. } = prepared;
    let drifted = plan.changes.iter().filter(|change| change.cause != Cause::Commit).chain(&plan.reported).count();
    FlowCounts { managed: desired.flows.len(), drifted }
}

fn not_attempted(plan: &Plan) -> Vec<FlowReport> {
    let report = |change: &Change| FlowReport {
        id: change.id.clone(),
        action: change.action(),
        outcome: Outcome::NotAttempted,
        error: None,
    };
    plan.changes.iter().chain(&plan.reported).map(report).collect()
}
