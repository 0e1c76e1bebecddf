//! Going on with a deployment that somebody began and did not end: forward from `deploying`, backward
//! from `restoring`, flow by flow as [`crate::deploy::Found::recovery`] says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{Instrument as _, info_span};

use super::carry::{Course, Work};
use super::deployment::Deployment;
use super::ledger::{Ledger, LedgerError};
use super::named::Named;
use super::prove::Proven;
use super::report::EnvironmentReport;
use super::{Engine, PassError, PassOptions, Seen};
use crate::deploy::{
    self, Asked, Beside, EXPORT_LAG, FlowFailure, Found, JOURNAL_MEMBER, Journal, LastRun, Lease, Looked, Recovery,
    Standing, believed_until, look, overwritten, room_for,
};
use crate::flow::{Definition, FlowId, LiveFlow};
use crate::local::{LocalState, Sighting};
use crate::plan::{Cause, Change, Desired, DesiredFlow, Step, in_order};
use crate::record::audit::{Event, EventKind};
use crate::record::{
    DEFINITION_BYTES_MAX, FlowAction, FlowStatus, Holder, Manifest, ManifestFlow, Status, StatusEvent, paths,
};
use crate::revision::Origin;
use crate::shutdown::Stage;
use crate::source::{PushError, Source};
use crate::tenant::{Blame, CallLimits, Export, Tenant};

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Takes the lock over and finishes the deployment. `None`: git moved meanwhile, look again.
    pub(super) async fn recover(
        &self,
        seen: &Seen,
        options: &PassOptions,
    ) -> Result<Option<EnvironmentReport>, PassError> {
        let Some(manifest) = seen.unfinished.clone() else {
            return Ok(None);
        };
        let resumed = self.resume(seen, manifest, options).await?;
        let Resumed { deployment, changes, lost, existed, asked, lag } = resumed;
        let ledger = &*deployment.ledger;
        let status = ledger.manifest().status();
        self.may_begin()?;
        let subject = format!("{status} (continued)");
        let taking = deployment.take_lock(BTreeMap::new(), &subject).instrument(info_span!("begin"));
        match self.in_time(taking).await? {
            Ok(_) => {}
            Err(PushError::Lost(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        deployment.tell_continued();
        self.tenant.note_deployment(ledger.manifest().deployment_id.as_str());
        let settling = async {
            sleep(lag).await;
            let limits = CallLimits { lease: ledger.lease.limit(), ..CallLimits::before_deployment() };
            self.tenant.settle(&self.records.target, &limits).await?;
            self.settle_live(ledger, &asked, &changes, &existed).await
        };
        let Settled { standing, touched, foreign, looked, beside } = self.in_time(settling).await??;
        if !foreign.is_empty() && !deployment.disown_all(&foreign, &subject).await? {
            return Ok(None);
        }
        let existed = existed.union(&foreign).cloned().collect();
        let course = course(ledger, &lost);
        let trail_is_lost = !asked.is_all();
        let work = Work { changes, standing, looked, beside, course, touched, lost, existed, trail_is_lost };
        Box::pin(deployment.carry_out(work)).await.map(Some)
    }

    /// Takes up a deployment where its manifest and its trail leave it. Nothing is written but the journal.
    async fn resume(
        &self,
        seen: &Seen,
        mut manifest: Manifest,
        options: &PassOptions,
    ) -> Result<Resumed<'_, T, S, L>, PassError> {
        let Proven { existed, settled } = self.look(self.prove(seen, &manifest, options)).await?;
        let holder = self.local.holder(self.clock.random())?;
        self.check_free(seen, &manifest, &holder, options)?;
        settled.map_err(|reason| self.records.refuse(reason))?;
        manifest.flows.iter_mut().for_each(|flow| flow.existed |= existed.contains(&flow.id));
        let (changes, lost) = self.look(self.changes_of(&manifest)).await?;
        let (audit, journal) = self.look(self.journal_of(seen, &manifest, &holder)).await?;
        let damaged = |source| PassError::Audit { environment: self.records.environment.clone(), source };
        let told = journal.existed().map_err(damaged)?;
        manifest.flows.iter_mut().for_each(|flow| flow.existed |= told.contains(flow.id.as_str()));
        let existed: BTreeSet<FlowId> =
            manifest.flows.iter().filter(|flow| flow.existed).map(|flow| flow.id.clone()).collect();
        let event = Event::new(EventKind::Continued)
            .with("holder", holder.as_str())
            .with("from", manifest.holder.as_ref().map_or("", |holder| holder.id.as_str()))
            .with("status", manifest.status().as_str())
            .with(JOURNAL_MEMBER, journal.before().as_str());
        let room = room_for(&changes, manifest.flows.len(), self.policy.concurrency.get());
        if let Err(error) = journal.secure(room) {
            // Half of it may be live: what can be done without is to take it back.
            journal.fail(&error);
        }
        journal.record_if_possible(&event).await;
        // What this run found of the journal counts although it may not have been possible to write it down.
        let asked = journal.asked().map_err(damaged)?.after(manifest.status(), journal.before());
        tracing::warn!(deployment = %manifest.deployment_id, status = %manifest.status(), "going on with an interrupted deployment");
        // Whoever held it may have written a moment ago, which a look need not show yet.
        let was_held = manifest.holder.as_ref().is_some_and(|holder| holder.deadline > self.now());
        let lag = if was_held && !asked.is_all() { EXPORT_LAG.min(self.policy.verify_timeout) } else { Duration::ZERO };
        manifest.apply(StatusEvent::Continued)?;
        let (lease, seal) = (Lease::new(&holder, self.clock.clone()), self.records.seal_key()?);
        let ledger = Ledger::new(journal, lease, seal, manifest, seen.tips.records.clone());
        let deployment = Deployment::new(self, ledger.with_audit_at(audit));
        Ok(Resumed { deployment, changes, lost, existed, asked, lag })
    }

    fn check_free(
        &self,
        seen: &Seen,
        manifest: &Manifest,
        holder: &str,
        options: &PassOptions,
    ) -> Result<(), PassError> {
        let Some(other) = manifest.holder.as_ref().filter(|other| other.id != holder && !options.take_over) else {
            return Ok(());
        };
        let sighting = self.sighting(manifest.deployment_id.as_str(), other);
        if believed_until(other, sighting.first_seen) <= self.now() {
            return Ok(());
        }
        if let Err(error) = self.local.keep_sighting(&sighting) {
            tracing::warn!(error = %crate::error_chain(&error), "cannot remember when somebody else's lease was first seen");
        }
        Err(PassError::Busy(self.who_holds(seen)))
    }

    /// When this machine first saw a lease as it stands now. One that cannot be read is seen now.
    fn sighting(&self, deployment: &str, holder: &Holder) -> Sighting {
        let now = self.now();
        let known = self.local.sighting().ok().flatten();
        let known = known.filter(|known| known.deployment_id == deployment && known.holder == *holder);
        let first_seen = known.map_or(now, |known| known.first_seen.min(now));
        Sighting { deployment_id: deployment.to_owned(), holder: holder.clone(), first_seen }
    }

    /// Who holds the environment and until when, in words.
    pub(super) fn who_holds(&self, seen: &Seen) -> String {
        let Some(manifest) = &seen.manifest else {
            return String::new();
        };
        let (status, Manifest { deployment_id, holder, .. }) = (manifest.status(), manifest);
        let (id, until) = match holder {
            Some(holder) => {
                let first_seen = self.sighting(deployment_id.as_str(), holder).first_seen;
                (holder.id.as_str(), format!("{:.0}", believed_until(holder, first_seen)))
            }
            None => ("nobody", "now".to_owned()),
        };
        format!(
            "deployment {deployment_id} (`{status}`) of holder {id} holds `{}`; it may be gone on with from {until}, or with --take-over",
            self.records.environment
        )
    }

    /// Where the audit file of a deployment stands, and the journal that goes on with it.
    async fn journal_of(
        &self,
        seen: &Seen,
        manifest: &Manifest,
        holder: &str,
    ) -> Result<(String, Journal<L>), PassError> {
        let is_ours = manifest.holder.as_ref().is_some_and(|last| last.id == holder);
        let (environment, deployment) = (self.records.environment.as_str(), &manifest.deployment_id);
        let file = match &seen.tips.records {
            Some(tip) => self.records.audit_file(tip, deployment).await?,
            None => None,
        };
        let (path, committed) = match file {
            Some((path, content)) => (path, Some(content)),
            None => (paths::audit(environment, deployment), None),
        };
        let journal = Journal::resume(
            self.local.clone(),
            self.clock.clone(),
            environment,
            deployment.as_str(),
            committed.as_deref().unwrap_or_default(),
            if is_ours { LastRun::Ours } else { LastRun::Others },
        )
        .map_err(|source| PassError::Audit { environment: self.records.environment.clone(), source })?;
        Ok((path, journal))
    }

    /// The changes a manifest stands for, with every definition read from git; and the flows whose
    /// definitions git does not hold.
    async fn changes_of(&self, manifest: &Manifest) -> Result<(Vec<Change>, BTreeSet<FlowId>), PassError> {
        let changed: Vec<&ManifestFlow> =
            manifest.flows.iter().filter(|flow| flow.action != FlowAction::None).collect();
        let before = |flow: &ManifestFlow| flow.before.clone().map(Origin::plain);
        let origins: Vec<Origin> = changed.iter().flat_map(|flow| [flow.origin(), before(flow)]).flatten().collect();
        let texts = self.records.read_documents(origins.into_iter(), DEFINITION_BYTES_MAX).await?;
        let mut steps = BTreeMap::new();
        let mut desired = Desired::default();
        let mut lost = BTreeSet::new();
        for flow in changed {
            let text = |origin: Option<Origin>| texts.get(&origin?).and_then(Named::text).cloned();
            let after = text(flow.origin())
                .and_then(|text| Definition::from_file(text, &self.reader.comparison()).ok())
                .map(|definition| DesiredFlow {
                    definition: Arc::new(definition),
                    path: flow.path.clone().unwrap_or_default(),
                    origin: flow.origin(),
                    overlay: None,
                });
            let before = text(before(flow))
                .and_then(|text| Definition::from_live(&text, &self.reader.comparison()).ok())
                .map(Arc::new);
            let step = match (flow.action, after, before) {
                (FlowAction::Create, Some(after), _) => Step::Create { after },
                (FlowAction::Update, Some(after), Some(before)) => Step::Update { before, after },
                (FlowAction::Delete, _, Some(before)) => Step::Delete { before },
                _ => {
                    lost.insert(flow.id.clone());
                    continue;
                }
            };
            if let Step::Create { after } | Step::Update { after, .. } = &step {
                desired.flows.insert(flow.id.clone(), after.clone());
            }
            let cause = flow.cause.as_deref().and_then(Cause::of_word).unwrap_or(Cause::Commit);
            steps.insert(flow.id.clone(), (cause, step));
        }
        Ok((in_order(steps, &desired, &self.records.target), lost))
    }

    /// Looks at what is live and writes it down.
    async fn settle_live(
        &self,
        ledger: &Ledger<L>,
        asked: &Asked,
        changes: &[Change],
        existed: &BTreeSet<FlowId>,
    ) -> Result<Settled, PassError> {
        let began = Instant::now();
        let limits = CallLimits { lease: ledger.lease.limit(), ..CallLimits::before_deployment() };
        let Export { flows, .. } = self.tenant.export(&self.records.target, &self.reader, &limits).await?;
        let (looked, beside) = (Looked::since(began), Beside::of(flows.values(), changes));
        let (standing, manifest) = (Standing::default(), ledger.manifest());
        let status = manifest.status();
        let mut settled = Settled { standing, touched: BTreeSet::new(), foreign: BTreeSet::new(), looked, beside };
        for change in changes {
            let live = flows.get(&change.id);
            let found = look(
                change.after().map(|flow| flow.definition.equality_hash),
                change.before().map(|definition| definition.equality_hash),
                live.map(LiveFlow::equality_hash),
            );
            let event = Event::new(EventKind::Found).with("flow", change.id.as_str()).with("live", found.as_str());
            ledger.journal.record_if_possible(&event).await;
            let was_asked = asked.was(&change.id);
            if was_asked.unwrap_or_else(|| may_be_ours(found, &change.id, &manifest)) {
                settled.touched.insert(change.id.clone());
            }
            let is_somebodys = |live| !existed.contains(&change.id) && !self.is_first_form(live, change, changes);
            match (found.recovery(status), live) {
                (Recovery::Leave, _) => _ = settled.standing.done.insert(change.id.clone()),
                (Recovery::KeepAndWrite, Some(live)) if status == Status::Deploying => {
                    // A journal that fails sends the deployment back.
                    let kept = overwritten(live).map_err(PassError::Unsettled)?;
                    ledger.journal.record_if_possible(&kept).await;
                    if change.before().is_none() {
                        settled.standing.there.insert(change.id.clone());
                        if is_somebodys(live) {
                            settled.foreign.insert(change.id.clone());
                        }
                    }
                }
                // Nobody knows who created it: it is not deleted.
                (Recovery::KeepAndWrite, Some(live))
                    if change.before().is_none() && was_asked.is_none() && is_somebodys(live) =>
                {
                    settled.foreign.insert(change.id.clone());
                }
                (Recovery::Write | Recovery::KeepAndWrite, _) => {}
            }
        }
        Ok(settled)
    }

    /// Whether a live flow is what this deployment imports first of a new flow in a cycle.
    fn is_first_form(&self, live: &LiveFlow, change: &Change, changes: &[Change]) -> bool {
        let first = deploy::first_form(change, changes)
            .and_then(|text| Definition::from_live(&text, &self.reader.comparison()).ok());
        first.is_some_and(|first| first.equality_hash == live.equality_hash())
    }
}

impl<T: Tenant, S: Source, L: LocalState> Deployment<'_, T, S, L> {
    /// Commits that flows to be created were somebody else's, before they are overwritten: whoever goes on after a crash
    /// must not take them for ours. `false`: somebody else goes on with the deployment.
    async fn disown_all(&self, foreign: &BTreeSet<FlowId>, subject: &str) -> Result<bool, PassError> {
        let mark = |manifest: &mut Manifest| {
            manifest.flows.iter_mut().for_each(|flow| flow.existed |= foreign.contains(&flow.id));
            manifest.apply(StatusEvent::Continued)
        };
        match self.by_the_end_of(Stage::Close, self.advance(subject, mark)).await {
            Ok(_) => Ok(true),
            Err(LedgerError::Push(error)) => Err(error.into()),
            Err(LedgerError::Status(error)) => Err(error.into()),
            Err(LedgerError::Pass(error)) => Err(*error),
            Err(LedgerError::NoTime(by)) => Err(PassError::Stopped(by)),
            Err(LedgerError::TakenOver(_) | LedgerError::Closing) => Ok(false),
        }
    }
}

/// Where a deployment goes from here: backward where that was begun, or where forward is not to be had.
fn course<L: LocalState>(ledger: &Ledger<L>, lost: &BTreeSet<FlowId>) -> Course {
    let back = |message: String| Course::Back(FlowFailure { blame: Blame::Transport, message, existed: false });
    match ledger.journal.failure() {
        _ if ledger.manifest().status() == Status::Restoring => Course::StillBack,
        Some(failed) => back(failed.to_string()),
        None if !lost.is_empty() => back("definitions that the deployment needs are not in git any more".to_owned()),
        None => Course::Forward,
    }
}

/// An interrupted deployment, taken up.
struct Resumed<'a, T, S, L> {
    deployment: Deployment<'a, T, S, L>,
    changes: Vec<Change>,
    /// The flows whose definitions git does not hold.
    lost: BTreeSet<FlowId>,
    /// The flows to be created that were there before.
    existed: BTreeSet<FlowId>,
    /// What its trail says was asked for.
    asked: Asked,
    /// So long need a look not show what was written last.
    lag: Duration,
}

/// What an interrupted deployment has come to.
struct Settled {
    /// What needs nothing, and what is there in another form.
    standing: Standing,
    /// The flows that an earlier run has written or, where the trail does not tell, may have.
    touched: BTreeSet<FlowId>,
    /// When that was seen.
    looked: Looked,
    /// What was live then of the other flows.
    beside: Beside,
    /// The flows to be created that somebody else has created, or changed, meanwhile.
    foreign: BTreeSet<FlowId>,
}

/// Whether an earlier run may have written a flow, where its trail is lost: what is as before was not, unless git
/// says otherwise.
fn may_be_ours(found: Found, id: &FlowId, manifest: &Manifest) -> bool {
    let is_it = |flow: &ManifestFlow| flow.id == *id && flow.status == FlowStatus::Deployed;
    found != Found::Previous || manifest.flows.iter().any(is_it)
}

impl Work {
    /// A deployment this run has begun itself.
    pub(super) fn new(changes: Vec<Change>, looked: Looked, beside: Beside) -> Self {
        Self {
            changes,
            standing: Standing::default(),
            looked,
            beside,
            course: Course::Forward,
            touched: BTreeSet::new(),
            lost: BTreeSet::new(),
            existed: BTreeSet::new(),
            trail_is_lost: false,
        }
    }
}
