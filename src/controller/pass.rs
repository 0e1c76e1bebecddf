//! One pass, its stages in order.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use super::carry::Work;
use super::ledger::Ledger;
use super::report::{EnvironmentReport, FlowReport, Outcome, SyncResult};
use super::{Engine, PassError, PassOptions, Prepared, Seen, read_desired};
use crate::deploy::{Journal, Lease, room_for};
use crate::local::LocalState;
use crate::plan::{Change, Plan};
use crate::problem::any_error;
use crate::record::audit::{Event, EventKind, MANIFEST_MEMBER};
use crate::record::{Kind, LastDeployed, Manifest, StatusEvent, manifest_digest};
use crate::revision::CommitId;
use crate::shutdown::Stage;
use crate::source::{PushError, Source};
use crate::tenant::Tenant;

/// How often a pass starts again because git moved under it.
pub(super) const STARTS_MAX: usize = 20;

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Makes git true in the tenant, or says why not. Never fails: the report tells.
    pub async fn pass(&self, options: &PassOptions) -> EnvironmentReport {
        let mut course = Course::default();
        match self.try_pass(options, &mut course).await {
            Ok(report) => merge(course.recovered, report),
            Err(error) => {
                let report = EnvironmentReport { commit: course.commit, ..self.report_of_error(error) };
                merge(course.recovered, report)
            }
        }
    }

    /// What a pass that ended with an error says of itself.
    pub(super) fn report_of_error(&self, error: PassError) -> EnvironmentReport {
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

    async fn try_pass(&self, options: &PassOptions, course: &mut Course) -> Result<EnvironmentReport, PassError> {
        let _guard = if options.dry_run { None } else { Some(self.local.lock()?) };
        if !options.dry_run {
            self.look(self.send_unsent()).await?;
        }
        let mut options = options.clone();
        for start in 0..STARTS_MAX {
            let tips = self.look(self.records.source.fetch()).await?;
            course.commit = Some(tips.flows.clone());
            if start == 0
                && !options.dry_run
                && let Some(report) = self.look(self.still_quiet(&tips)).await?
            {
                return Ok(report);
            }
            let seen = self.look(self.records.seen_at(tips, &options)).await?;
            // Who is taken over is who was seen first: whoever came since is alive.
            options.take_over &= start == 0;
            // Whoever only looks is never held up: the plan then stands on what was deployed before.
            if seen.interrupted && !options.dry_run {
                if let Some(report) = self.recover(&seen, &options).await? {
                    course.recovered = Some(report);
                }
                continue;
            }
            self.look(self.records.check_not_rewound(&seen, options.allow_rewind)).await?;
            match self.reconcile(&seen, &options).await {
                Ok(Some(report)) => return Ok(report),
                Ok(None) => {}
                Err(PassError::Refused { quarantined: true, .. }) if course.recovered.is_some() => {
                    return Ok(EnvironmentReport::new(&self.records.environment, SyncResult::InSync));
                }
                Err(error) => return Err(error),
            }
        }
        Err(PassError::Unsettled(format!("branch `{}` moves faster than it can be read", self.records.branch)))
    }

    /// Reads git, looks at the tenant, and does what differs. `None`: git moved, look again.
    async fn reconcile(&self, seen: &Seen, options: &PassOptions) -> Result<Option<EnvironmentReport>, PassError> {
        let reading = read_desired(&*self.records.source, &seen.tips.flows, self.reader.index());
        let (desired, problems) = self.look(reading).await?;
        if any_error(&problems) {
            let n_errors = problems.iter().filter(|problem| problem.is_error()).count();
            let reason =
                format!("{n_errors} problem(s) in the flows of commit {}; nothing was written", seen.tips.flows);
            return Err(PassError::Refused { reason, problems: problems.to_vec(), quarantined: false });
        }
        let mut prepared = self.look(self.prepare(desired, seen.manifest.as_ref())).await?;
        prepared.problems.extend(problems.iter().cloned());
        prepared.problems.sort();
        let is_quiet = prepared.plan.changes.is_empty() && prepared.plan.reported.is_empty();
        let is_settled = seen.manifest.is_some() && !seen.interrupted;
        if is_quiet && is_settled && seen.alarms.is_empty() && !any_error(&prepared.problems) {
            self.look(self.remember_quiet(&seen.tips, &prepared)).await?;
        }
        self.reader.index().save();
        let contested = self.look(self.leave_contested(seen, &mut prepared.plan)).await?;
        self.judge(&prepared, seen, options)?;
        let mut report = EnvironmentReport::new(&self.records.environment, SyncResult::InSync);
        report.commit = Some(seen.tips.flows.clone());
        report.problems.clone_from(&prepared.problems);
        report.alarms.clone_from(&seen.alarms);
        report.alarms.extend(contested);
        report.alarms.extend(seen.interrupted.then(|| self.who_holds(seen)));
        report.flows = not_attempted(&prepared.plan);
        if options.dry_run {
            if !prepared.plan.changes.is_empty() {
                report.result = SyncResult::Planned;
            } else if !prepared.plan.reported.is_empty() {
                report.result = SyncResult::Drifted;
            }
            return Ok(Some(report));
        }
        if prepared.plan.changes.is_empty() {
            if !prepared.plan.reported.is_empty() {
                report.result = SyncResult::Drifted;
            }
            if seen.adopts || (seen.manifest.is_none() && prepared.plan.reported.is_empty()) {
                return self.adopt(seen, &prepared, report).await;
            }
            return Ok(Some(report));
        }
        let Some(ledger) = self.begin(seen, &prepared.plan, &prepared, Kind::Sync).await? else {
            return Ok(None);
        };
        let mut done =
            self.carry_out(ledger, Work::new(prepared.plan.changes, prepared.looked, prepared.beside)).await?;
        done.problems = report.problems;
        done.alarms.splice(0..0, report.alarms);
        Ok(Some(done))
    }

    /// Writes down that git and tenant were found equal, so that ownership is known.
    async fn adopt(
        &self,
        seen: &Seen,
        prepared: &Prepared,
        mut report: EnvironmentReport,
    ) -> Result<Option<EnvironmentReport>, PassError> {
        self.may_begin()?;
        let mut manifest = self.look(self.new_manifest(seen, &prepared.plan, prepared, Kind::Adoption)).await?;
        manifest.apply(StatusEvent::Adopted)?;
        manifest.last_deployed = Some(LastDeployed {
            deployment_id: manifest.deployment_id.clone(),
            commit: manifest.source.commit.clone(),
        });
        let digest = manifest_digest(&manifest.to_text());
        let ledger = self.new_ledger(seen, manifest).await?;
        let event =
            Event::new(EventKind::Adopted).with("flows", prepared.desired.flows.len()).with(MANIFEST_MEMBER, digest);
        ledger.journal.record(&event).await?;
        let pushed = self.in_time(self.take_lock(&ledger, BTreeMap::new(), "adopted")).await;
        ledger.journal.forget();
        match pushed? {
            Ok(commit) => {
                self.vouch_for(&commit).await;
                report.record_commit = Some(commit);
                report.deployment_id = Some(ledger.manifest().await.deployment_id.to_string());
                Ok(Some(report))
            }
            Err(PushError::Lost(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Commits the manifest that is lock and journal. `None`: somebody else moved the branch in a way
    /// that matters, look again.
    pub(super) async fn begin(
        &self,
        seen: &Seen,
        plan: &Plan,
        prepared: &Prepared,
        kind: Kind,
    ) -> Result<Option<Arc<Ledger<L>>>, PassError> {
        let mut manifest = self.look(self.new_manifest(seen, plan, prepared, kind)).await?;
        manifest.apply(StatusEvent::Begun)?;
        let stored = self.look(self.store_previous(&mut manifest, &plan.changes)).await?;
        let ledger = self.new_ledger(seen, manifest).await?;
        let n_managed = ledger.manifest().await.flows.len();
        ledger.journal.secure(room_for(&plan.changes, n_managed, self.policy.concurrency.get()))?;
        let begun = match self.record_begun(&ledger, plan, kind).await {
            Ok(()) => self.win_lock(&ledger, seen, stored).await,
            Err(error) => Err(error),
        };
        if !matches!(begun, Ok(Won::Lock)) {
            ledger.journal.forget();
        }
        Ok(match begun? {
            Won::Lock => Some(Arc::new(ledger)),
            Won::Nothing => None,
        })
    }

    /// Pushes the manifest that is lock and journal, again where others moved the branch and nothing that
    /// matters.
    async fn win_lock(
        &self,
        ledger: &Ledger<L>,
        seen: &Seen,
        stored: BTreeMap<String, Option<Vec<u8>>>,
    ) -> Result<Won, PassError> {
        let mut tips = seen.tips.clone();
        for _ in 0..STARTS_MAX {
            self.may_begin()?;
            match self.in_time(self.take_lock(ledger, stored.clone(), "deploying")).await? {
                Ok(_) => return Ok(Won::Lock),
                Err(PushError::Lost(_)) => {}
                Err(error) => return Err(error.into()),
            }
            let now = self.look(self.records.source.fetch()).await?;
            if !self.look(self.is_same_ground(&tips, &now)).await? {
                break;
            }
            tips = now;
            ledger.rebase(tips.records.clone()).await;
        }
        Ok(Won::Nothing)
    }

    /// Waits for a commit that begins something, as long as there is time once this process was asked to end.
    pub(super) async fn in_time<R>(&self, commit: impl Future<Output = R>) -> Result<R, PassError> {
        tokio::select! {
            biased;
            done = commit => Ok(done),
            grace = self.shutdown.end_of(Stage::Close) => Err(PassError::Stopped(grace.by)),
        }
    }

    /// Whether neither the flows nor this environment's records differ between two looks at git.
    async fn is_same_ground(&self, before: &crate::source::Tips, now: &crate::source::Tips) -> Result<bool, PassError> {
        if self.records.source.flows_tree(&before.flows).await? != self.records.source.flows_tree(&now.flows).await? {
            return Ok(false);
        }
        let folder = |tip: Option<CommitId>| async move {
            match tip {
                Some(tip) => self.records.source.records_tree(&tip, &self.records.environment).await,
                None => Ok(None),
            }
        };
        Ok(folder(before.records.clone()).await? == folder(now.records.clone()).await?)
    }

    async fn record_begun(&self, ledger: &Ledger<L>, plan: &Plan, kind: Kind) -> Result<(), PassError> {
        let event = Event::new(EventKind::Begun)
            .with("planDigest", plan.digest.as_str())
            .with("kind", if kind == Kind::Rollback { "rollback" } else { "sync" })
            .with("create", plan.count("create"))
            .with("update", plan.count("update"))
            .with("delete", plan.count("delete"));
        Ok(ledger.journal.record(&event).await?)
    }

    async fn new_ledger(&self, seen: &Seen, manifest: Manifest) -> Result<Ledger<L>, PassError> {
        let holder = self.local.holder(self.clock.random())?;
        let head = seen.manifest.as_ref().and_then(|manifest| manifest.audit_head.clone());
        let journal = Journal::new(
            self.local.clone(),
            self.clock.clone(),
            &self.records.environment,
            manifest.deployment_id.as_str(),
            head.as_deref(),
        );
        let lease = Lease::new(&holder, self.clock.clone());
        Ok(Ledger::new(journal, lease, self.records.seal_key()?, manifest, seen.tips.records.clone()))
    }
}

/// What came of the race for the lock.
enum Won {
    Lock,
    /// Git moved in a way that matters: look again.
    Nothing,
}

/// How far a pass has come.
#[derive(Default)]
struct Course {
    /// The commit it looks at.
    commit: Option<CommitId>,
    /// How a deployment ended that it found unfinished.
    recovered: Option<EnvironmentReport>,
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

fn not_attempted(plan: &Plan) -> Vec<FlowReport> {
    let report = |change: &Change| FlowReport {
        id: change.id.clone(),
        action: change.action().to_owned(),
        outcome: Outcome::NotAttempted,
        error: None,
    };
    plan.changes.iter().chain(&plan.reported).map(report).collect()
}
