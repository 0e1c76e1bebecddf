//! The git side of a running deployment: its manifest and audit file, committed and pushed step by step.
//!
//! Every commit is based on a tip whose manifest still names this deployment and this holder: that is
//! what makes the pushed manifest a lock.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{Instrument as _, info_span};

use super::PassError;
use super::deployment::Deployment;
use super::ledger::LedgerError;
use super::outbox::{RACES_MAX, leaves_nothing_open, race_pause};
use super::report::FlowReport;
use crate::config::SubjectValues;
use crate::local::LocalState;
use crate::record::audit::{Event, EventKind, MANIFEST_MEMBER};
use crate::record::{IllegalEvent, Manifest, StatusEvent, manifest_digest, paths};
use crate::revision::CommitId;
use crate::shutdown::Stage;
use crate::source::{PushError, RecordCommit, Source};
use crate::tenant::Tenant;

/// An unreachable remote is asked again this often.
const TRIES_MAX: usize = 3;

/// A renewal that failed is tried again after this long.
const RENEWAL_PAUSE: Duration = Duration::from_secs(15);

/// What becomes of the previous definitions in git with a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Previous {
    /// Somebody may need them yet.
    Stay,
    /// The deployment has ended and nobody has to look at it.
    Go,
}

enum Standing {
    Ours(CommitId),
    Done(CommitId),
}

impl<T: Tenant, S: Source, L: LocalState> Deployment<'_, T, S, L> {
    /// Commits the deployment's first, or taken-over, manifest with a fresh lease. One try: whoever
    /// loses must look at git again.
    pub(super) async fn take_lock(
        &self,
        more: BTreeMap<String, Option<Vec<u8>>>,
        subject: &str,
    ) -> Result<CommitId, PushError> {
        let mut state = self.ledger.state.lock().await;
        let term = self.ledger.lease.next_term();
        let mut manifest = Manifest::clone(&state.manifest);
        if manifest.status().is_under_way() {
            manifest.holder = Some(term.holder());
        }
        let change = self.record_commit(&mut manifest, more, subject);
        let commit = self.engine.records.source.commit_records(state.tip.as_ref(), &change).await?;
        self.ledger.lease.begin(&term);
        self.ledger.is_committed(&mut state, manifest, &commit);
        Ok(commit)
    }

    /// Commits the manifest as `edit` leaves it, on whatever tip still names this deployment. One that
    /// has ended stays as it is: a renewal may have waited behind the closing record.
    pub(super) async fn advance(
        &self,
        subject: &str,
        edit: impl FnOnce(&mut Manifest) -> Result<(), IllegalEvent>,
    ) -> Result<CommitId, LedgerError> {
        let edited = |manifest: &Manifest| {
            let mut manifest = manifest.clone();
            edit(&mut manifest).map(|()| manifest)
        };
        self.advance_to(subject, Previous::Stay, edited).await
    }

    /// Commits the manifest that `next` makes of the one before.
    async fn advance_to(
        &self,
        subject: &str,
        previous: Previous,
        next: impl FnOnce(&Manifest) -> Result<Manifest, IllegalEvent>,
    ) -> Result<CommitId, LedgerError> {
        let mut state = self.ledger.state.lock().await;
        if let (false, Some(tip)) = (state.manifest.status().is_under_way(), &state.tip) {
            return Ok(tip.clone());
        }
        let term = self.ledger.lease.next_term();
        let mut manifest = next(&state.manifest)?;
        if manifest.status().is_under_way() {
            manifest.holder = Some(term.holder());
        }
        let (mut tries, mut races) = (0, 0);
        loop {
            match self.commit_on(state.tip.as_ref(), &mut manifest, subject, previous).await {
                Ok(None) => return Err(LedgerError::Closing),
                Ok(Some(commit)) => {
                    if manifest.status().is_under_way() {
                        self.ledger.lease.begin(&term);
                    }
                    self.ledger.is_committed(&mut state, manifest, &commit);
                    return Ok(commit);
                }
                Err(PushError::Lost(reason)) if races == RACES_MAX => return Err(PushError::Lost(reason).into()),
                Err(PushError::Lost(_)) => {
                    races += 1;
                    race_pause(&*self.engine.clock, races).await;
                    match self.look_again(&state.manifest, &manifest).await? {
                        Standing::Ours(tip) => state.tip = Some(tip),
                        Standing::Done(commit) => {
                            if manifest.status().is_under_way() {
                                self.ledger.lease.begin(&term);
                            }
                            self.ledger.is_committed(&mut state, manifest, &commit);
                            return Ok(commit);
                        }
                    }
                }
                Err(PushError::Source(error)) if tries < TRIES_MAX => {
                    tries += 1;
                    tracing::warn!(error = %crate::error_chain(&error), "cannot push a record; trying again");
                    sleep(Duration::from_secs(1 << tries)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// One try to commit a manifest; nothing where the deployment is being closed meanwhile. Previous
    /// definitions go with it where they are spent.
    async fn commit_on(
        &self,
        tip: Option<&CommitId>,
        manifest: &mut Manifest,
        subject: &str,
        previous: Previous,
    ) -> Result<Option<CommitId>, PushError> {
        let more = match previous {
            Previous::Stay => BTreeMap::new(),
            Previous::Go => {
                let mut spent = self.engine.records.spent_definitions(tip).await?;
                spent.extend(self.engine.records.used_up(tip, manifest).await?);
                spent
            }
        };
        let is_end = !manifest.status().is_under_way();
        let change = self.record_commit(manifest, more, subject);
        // The journal may say by now how it ended: no manifest that is under way is committed with that.
        if !is_end && self.ledger.closing.load(Ordering::SeqCst) {
            return Ok(None);
        }
        self.engine.records.source.commit_records(tip, &change).await.map(Some)
    }

    /// Fetches after a lost race: the tip may still be ours to build on, or hold what was pushed
    /// already (the answer to an earlier try was lost).
    async fn look_again(&self, ours: &Manifest, wanted: &Manifest) -> Result<Standing, LedgerError> {
        let tips = self.engine.records.source.fetch().await.map_err(PushError::Source)?;
        let gone = || LedgerError::TakenOver("nothing".into());
        let tip = tips.records.ok_or_else(gone)?;
        let found = self.engine.records.manifest_at(&tip).await.map_err(Box::new)?.ok_or_else(gone)?;
        if found.deployment_id == wanted.deployment_id
            && found.status() == wanted.status()
            && found.audit_head == wanted.audit_head
            && found.holder == wanted.holder
        {
            return Ok(Standing::Done(tip));
        }
        let same_holder = match (&found.holder, &ours.holder) {
            (Some(found), Some(ours)) => found.id == ours.id,
            _ => false,
        };
        if found.deployment_id == ours.deployment_id && same_holder && found.status().is_under_way() {
            return Ok(Standing::Ours(tip));
        }
        Err(LedgerError::TakenOver(format!(
            "deployment {} (`{}`) of holder {}",
            found.deployment_id,
            found.status(),
            found.holder.map_or_else(|| "nobody".into(), |holder| holder.id)
        )))
    }

    fn record_commit(
        &self,
        manifest: &mut Manifest,
        more: BTreeMap<String, Option<Vec<u8>>>,
        subject: &str,
    ) -> RecordCommit {
        let (audit, head) = self.ledger.journal.snapshot();
        manifest.audit_head = Some(head);
        self.ledger.tell_disowned(manifest);
        if manifest.status().is_under_way() {
            // An ended one stays as its digest in the audit trail says.
            manifest.generated_at = self.engine.now();
        }
        let text = manifest.to_text();
        let text = match &self.ledger.seal {
            Some(key) => key.seal(&text),
            None => text,
        };
        let mut files = more;
        files.insert(paths::manifest(&self.engine.records.environment), Some(text));
        files.insert(self.ledger.audit.clone(), Some(audit));
        RecordCommit { message: self.message(manifest, subject), files, time: self.engine.now() }
    }

    /// Subject and trailers of a record commit.
    fn message(&self, manifest: &Manifest, status: &str) -> String {
        let source = manifest.source.commit.as_ref();
        let (environment, deployment) = (self.engine.records.environment.as_str(), manifest.deployment_id.as_str());
        let commit = source.map_or("none", |commit| commit.short());
        let subject = self.engine.subject.fill(&SubjectValues {
            environment,
            status,
            deployment,
            commit,
            branch: &self.engine.records.branch,
        });
        let source = source.map_or("none", |commit| commit.0.as_str());
        format!(
            "{subject}\n\nFlowsync-Environment: {environment}\nFlowsync-Deployment: {deployment}\nFlowsync-Source: {source}\n"
        )
    }

    /// Ends a deployment: its last records are committed, or kept on this machine for a later pass.
    pub(super) async fn close(
        &self,
        event: StatusEvent,
        edit: impl FnOnce(&mut Manifest) -> Result<(), IllegalEvent>,
    ) -> Result<CommitId, PassError> {
        self.ledger.closing.store(true, Ordering::SeqCst);
        let mut closed = Manifest::clone(&*self.ledger.manifest());
        edit(&mut closed)?;
        if let Some(defaults) = closed.defaults.with(&self.engine.tenant.defaults()) {
            closed.defaults = defaults;
        }
        self.ledger.tell_disowned(&mut closed);
        closed.apply(event)?;
        closed.generated_at = self.engine.now();
        let ended = Event::new(EventKind::Ended)
            .with("status", closed.status().as_str())
            .with(MANIFEST_MEMBER, manifest_digest(&closed.to_text()));
        self.ledger.journal.record_if_possible(&ended).await;
        let previous = if leaves_nothing_open(closed.status()) { Previous::Go } else { Previous::Stay };
        let subject = closed.status().as_str();
        let pushing = self.advance_to(subject, previous, |_| Ok(closed.clone()));
        match self.by_the_end_of(Stage::Close, pushing).instrument(info_span!("close")).await {
            Ok(commit) => {
                self.ledger.journal.forget();
                self.engine.vouch_for(&commit).await;
                Ok(commit)
            }
            Err(LedgerError::TakenOver(by)) => {
                Err(PassError::Busy(format!("the deployment was taken over before it could be closed, by {by}")))
            }
            Err(error) => {
                let reached = closed.status();
                let mut manifest = closed;
                let change = self.record_commit(&mut manifest, BTreeMap::new(), subject);
                let kept = self.engine.outbox().keep(&manifest, change, self.ledger.lease.holder());
                let flows = manifest.flows.iter().filter_map(FlowReport::of).collect();
                let (deployment, reason) = (manifest.deployment_id.to_string(), crate::error_chain(&error));
                Err(PassError::Unrecorded { reached, kept, deployment, reason, flows })
            }
        }
    }

    /// Waits for a commit, as long as there is time for it once this process was asked to end.
    pub(super) async fn by_the_end_of(
        &self,
        stage: Stage,
        commit: impl Future<Output = Result<CommitId, LedgerError>>,
    ) -> Result<CommitId, LedgerError> {
        tokio::select! {
            biased;
            done = commit => done,
            grace = self.engine.shutdown.end_of(stage) => Err(LedgerError::NoTime(grace.by)),
        }
    }

    /// Keeps the lease renewed, at its time and whenever a request finds it in doubt; never returns. `stop` turns true
    /// when a renewal fails.
    pub(super) async fn keep_renewed(&self, stop: &watch::Sender<bool>) -> Infallible {
        let limit = self.ledger.lease.limit();
        loop {
            tokio::select! {
                // One renewal serves both.
                biased;
                () = limit.renewal_wanted() => {}
                () = tokio::time::sleep_until(self.ledger.lease.renew_at()) => {}
            }
            if self.ledger.closing.load(Ordering::SeqCst) {
                limit.is_renewed_no_more();
                std::future::pending::<()>().await;
            }
            self.ledger.journal.record_if_possible(&Event::new(EventKind::Renewed)).await;
            let Err(error) = self.advance("lease renewed", |manifest| manifest.apply(StatusEvent::Continued)).await
            else {
                continue;
            };
            if matches!(error, LedgerError::Closing) {
                limit.is_renewed_no_more();
                std::future::pending::<()>().await;
            }
            tracing::error!(error = %crate::error_chain(&error), "the lease could not be renewed; what was written is taken back");
            stop.send_replace(true);
            if matches!(error, LedgerError::TakenOver(_)) {
                // Not even to take back: it is somebody else's now.
                limit.end();
                std::future::pending::<()>().await;
            }
            limit.renewal_failed();
            sleep(RENEWAL_PAUSE).await;
        }
    }
}
