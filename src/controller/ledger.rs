//! The git side of a running deployment: its manifest and audit file, committed and pushed step by step.
//!
//! Every commit is based on a tip whose manifest still names this deployment and this holder: that is
//! what makes the pushed manifest a lock.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::sleep;

use super::report::FlowReport;
use super::{Engine, Kept, PassError};
use crate::config::SubjectValues;
use crate::deploy::{Journal, Lease};
use crate::local::{LocalState, Unsent};
use crate::record::audit::{Event, EventKind, MANIFEST_MEMBER, Named};
use crate::record::{
    FlowAction, IllegalEvent, Manifest, ManifestFlow, SealKey, Status, StatusEvent, manifest_digest, paths,
};
use crate::revision::CommitId;
use crate::shutdown::Stage;
use crate::source::{PushError, RecordCommit, Source, SourceError};
use crate::tenant::Tenant;

/// A lost race is run again this often: other environments may be writing to the same branch.
const RACES_MAX: usize = 100;
/// An unreachable remote is asked again this often.
const TRIES_MAX: usize = 3;

/// A renewal that failed is tried again after this long.
const RENEWAL_PAUSE: Duration = Duration::from_secs(15);

/// A running deployment's records.
pub(super) struct Ledger<L> {
    pub journal: Journal<L>,
    pub lease: Lease,
    /// Seals every manifest, where a key is configured.
    pub seal: Option<SealKey>,
    /// Where the audit file stands below the records folder.
    audit: String,
    /// Nothing more is written to the tenant: the lease need not be renewed, and the journal ends.
    closing: AtomicBool,
    state: Mutex<State>,
}

struct State {
    /// Shared: it is as large as the environment, and most who look at it change nothing.
    manifest: Arc<Manifest>,
    tip: Option<CommitId>,
}

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

/// A record could not be committed.
#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
    /// The manifest in git names another deployment or holder.
    #[error("the deployment was taken over: the manifest in git now names {0}")]
    TakenOver(String),
    /// There was no time to wait for it once this process was asked to end.
    #[error("{0}: this process was asked to end, and the time for it is over")]
    NoTime(&'static str),
    /// The push failed.
    #[error(transparent)]
    Push(#[from] PushError),
    /// What was to be committed cannot happen to the deployment.
    #[error(transparent)]
    Status(#[from] IllegalEvent),
    /// Something else failed.
    #[error(transparent)]
    Pass(#[from] Box<PassError>),
}

impl<L: LocalState> Ledger<L> {
    pub(super) fn new(
        journal: Journal<L>,
        lease: Lease,
        seal: Option<SealKey>,
        manifest: Manifest,
        tip: Option<CommitId>,
    ) -> Self {
        let audit = paths::audit(&manifest.environment, &manifest.deployment_id);
        let state = Mutex::new(State { manifest: Arc::new(manifest), tip });
        Self { journal, lease, seal, audit, closing: AtomicBool::new(false), state }
    }

    /// The same, with an audit file that stands elsewhere: an older version began it there.
    pub(super) fn with_audit_at(self, audit: String) -> Self {
        Self { audit, ..self }
    }

    /// The commit to build on next.
    pub(super) async fn rebase(&self, tip: Option<CommitId>) {
        self.state.lock().await.tip = tip;
    }

    /// The manifest as last committed.
    pub(super) async fn manifest(&self) -> Arc<Manifest> {
        Arc::clone(&self.state.lock().await.manifest)
    }
}

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Commits the deployment's first, or taken-over, manifest with a fresh lease. One try: whoever
    /// loses must look at git again.
    pub(super) async fn take_lock(
        &self,
        ledger: &Ledger<L>,
        more: BTreeMap<String, Option<Vec<u8>>>,
        subject: &str,
    ) -> Result<CommitId, PushError> {
        let mut state = ledger.state.lock().await;
        let term = ledger.lease.next_term();
        let mut manifest = Manifest::clone(&state.manifest);
        if manifest.status().is_under_way() {
            manifest.holder = Some(term.holder());
        }
        let change = self.record_commit(ledger, &mut manifest, more, subject);
        let commit = self.records.source.commit_records(state.tip.as_ref(), &change).await?;
        ledger.lease.begin(&term);
        *state = State { manifest: Arc::new(manifest), tip: Some(commit.clone()) };
        Ok(commit)
    }

    /// Commits the manifest as `edit` leaves it, on whatever tip still names this deployment. One that
    /// has ended stays as it is: a renewal may have waited behind the closing record.
    pub(super) async fn advance(
        &self,
        ledger: &Ledger<L>,
        subject: &str,
        edit: impl FnOnce(&mut Manifest) -> Result<(), IllegalEvent>,
    ) -> Result<CommitId, LedgerError> {
        let edited = |manifest: &Manifest| {
            let mut manifest = manifest.clone();
            edit(&mut manifest).map(|()| manifest)
        };
        self.advance_to(ledger, subject, Previous::Stay, edited).await
    }

    /// Commits the manifest that `next` makes of the one before.
    async fn advance_to(
        &self,
        ledger: &Ledger<L>,
        subject: &str,
        previous: Previous,
        next: impl FnOnce(&Manifest) -> Result<Manifest, IllegalEvent>,
    ) -> Result<CommitId, LedgerError> {
        let mut state = ledger.state.lock().await;
        if let (false, Some(tip)) = (state.manifest.status().is_under_way(), &state.tip) {
            return Ok(tip.clone());
        }
        let term = ledger.lease.next_term();
        let mut manifest = next(&state.manifest)?;
        if manifest.status().is_under_way() {
            manifest.holder = Some(term.holder());
        }
        let (mut tries, mut races) = (0, 0);
        loop {
            match self.commit_on(state.tip.as_ref(), ledger, &mut manifest, subject, previous).await {
                Ok(commit) => {
                    if manifest.status().is_under_way() {
                        ledger.lease.begin(&term);
                    }
                    *state = State { manifest: Arc::new(manifest), tip: Some(commit.clone()) };
                    return Ok(commit);
                }
                Err(PushError::Lost(reason)) if races == RACES_MAX => return Err(PushError::Lost(reason).into()),
                Err(PushError::Lost(_)) => {
                    races += 1;
                    self.short_pause(races).await;
                    match self.look_again(&state.manifest, &manifest).await? {
                        Standing::Ours(tip) => state.tip = Some(tip),
                        Standing::Done(commit) => {
                            if manifest.status().is_under_way() {
                                ledger.lease.begin(&term);
                            }
                            *state = State { manifest: Arc::new(manifest), tip: Some(commit.clone()) };
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

    /// One try to commit a manifest, without the previous definitions where they are spent.
    async fn commit_on(
        &self,
        tip: Option<&CommitId>,
        ledger: &Ledger<L>,
        manifest: &mut Manifest,
        subject: &str,
        previous: Previous,
    ) -> Result<CommitId, PushError> {
        let more = match previous {
            Previous::Stay => BTreeMap::new(),
            Previous::Go => self.spent_definitions(tip).await?,
        };
        let change = self.record_commit(ledger, manifest, more, subject);
        self.records.source.commit_records(tip, &change).await
    }

    async fn short_pause(&self, races: usize) {
        let most = 20 * races.min(25) as u64;
        sleep(Duration::from_millis(self.clock.random() % most.max(1))).await;
    }

    /// Fetches after a lost race: the tip may still be ours to build on, or hold what was pushed
    /// already (the answer to an earlier try was lost).
    async fn look_again(&self, ours: &Manifest, wanted: &Manifest) -> Result<Standing, LedgerError> {
        let tips = self.records.source.fetch().await.map_err(PushError::Source)?;
        let gone = || LedgerError::TakenOver("nothing".into());
        let tip = tips.records.ok_or_else(gone)?;
        let found = self.records.manifest_at(&tip).await.map_err(Box::new)?.ok_or_else(gone)?;
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
        ledger: &Ledger<L>,
        manifest: &mut Manifest,
        more: BTreeMap<String, Option<Vec<u8>>>,
        subject: &str,
    ) -> RecordCommit {
        let (audit, head) = ledger.journal.snapshot();
        manifest.audit_head = Some(head);
        if manifest.status().is_under_way() {
            // An ended one stays as its digest in the audit trail says.
            manifest.generated_at = self.now();
        }
        let text = manifest.to_text();
        let text = match &ledger.seal {
            Some(key) => key.seal(&text),
            None => text,
        };
        let mut files = more;
        files.insert(paths::manifest(&self.records.environment), Some(text));
        files.insert(ledger.audit.clone(), Some(audit));
        RecordCommit { message: self.message(manifest, subject), files, time: self.now() }
    }

    /// Subject and trailers of a record commit.
    fn message(&self, manifest: &Manifest, status: &str) -> String {
        let source = manifest.source.commit.as_ref();
        let (environment, deployment) = (self.records.environment.as_str(), manifest.deployment_id.as_str());
        let commit = source.map_or("none", |commit| commit.short());
        let subject =
            self.subject.fill(&SubjectValues { environment, status, deployment, commit, branch: &self.records.branch });
        let source = source.map_or("none", |commit| commit.0.as_str());
        format!(
            "{subject}\n\nFlowsync-Environment: {environment}\nFlowsync-Deployment: {deployment}\nFlowsync-Source: {source}\n"
        )
    }

    /// Removes the previous definitions that an ended deployment no longer needs.
    async fn spent_definitions(
        &self,
        tip: Option<&CommitId>,
    ) -> Result<BTreeMap<String, Option<Vec<u8>>>, SourceError> {
        let Some(tip) = tip else {
            return Ok(BTreeMap::new());
        };
        let spent = self.records.source.list_records(tip, &paths::before_folder(&self.records.environment)).await?;
        Ok(spent.into_iter().map(|path| (path, None)).collect())
    }

    /// Ends a deployment: its last records are committed, or kept on this machine for a later pass.
    pub(super) async fn close(
        &self,
        ledger: &Ledger<L>,
        event: StatusEvent,
        edit: impl FnOnce(&mut Manifest) -> Result<(), IllegalEvent>,
    ) -> Result<CommitId, PassError> {
        ledger.closing.store(true, Ordering::Relaxed);
        let mut closed = Manifest::clone(&*ledger.manifest().await);
        edit(&mut closed)?;
        closed.apply(event)?;
        closed.generated_at = self.now();
        let ended = Event::new(EventKind::Ended)
            .with("status", closed.status().as_str())
            .with(MANIFEST_MEMBER, manifest_digest(&closed.to_text()));
        ledger.journal.record_if_possible(&ended).await;
        let previous = if leaves_nothing_open(closed.status()) { Previous::Go } else { Previous::Stay };
        let subject = closed.status().as_str();
        let pushing = self.advance_to(ledger, subject, previous, |_| Ok(closed.clone()));
        match self.by_the_end_of(Stage::Close, pushing).await {
            Ok(commit) => {
                ledger.journal.forget();
                self.vouch_for(&commit).await;
                Ok(commit)
            }
            Err(LedgerError::TakenOver(by)) => {
                Err(PassError::Busy(format!("the deployment was taken over before it could be closed, by {by}")))
            }
            Err(error) => {
                let reached = closed.status();
                let mut manifest = closed;
                let change = self.record_commit(ledger, &mut manifest, BTreeMap::new(), subject);
                let kept = self.keep_unsent(&manifest, change, ledger.lease.holder());
                let is_change = |flow: &&ManifestFlow| flow.action != FlowAction::None;
                let flows = manifest.flows.iter().filter(is_change).map(FlowReport::of).collect();
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
            grace = self.shutdown.end_of(stage) => Err(LedgerError::NoTime(grace.by)),
        }
    }

    fn keep_unsent(&self, manifest: &Manifest, change: RecordCommit, holder: &str) -> Kept {
        let text = |(path, content): (String, Option<Vec<u8>>)| match content.map(String::from_utf8).transpose() {
            Ok(text) => Ok((path, text)),
            Err(_) => Err(Kept::Not(format!("`{path}` is no text"))),
        };
        let files = match change.files.into_iter().map(text).collect() {
            Ok(files) => files,
            Err(not_kept) => return not_kept,
        };
        let unsent = Unsent {
            deployment_id: manifest.deployment_id.to_string(),
            holder: holder.to_owned(),
            message: change.message,
            time: change.time,
            files,
        };
        match self.local.keep_unsent(&unsent) {
            Ok(()) => {
                tracing::error!(deployment = %unsent.deployment_id, "the closing record could not be pushed; it is kept and sent later");
                Kept::ForALaterPass
            }
            Err(error) => Kept::Not(crate::error_chain(&error)),
        }
    }

    /// Sends a closing record that an earlier pass could not push, as long as the manifest in git
    /// still names its deployment and holder; otherwise somebody has recovered it, and it is dropped.
    pub(super) async fn send_unsent(&self) -> Result<(), PassError> {
        let Some(unsent) = self.local.unsent()? else {
            return Ok(());
        };
        let mut races = 0;
        loop {
            let tips = self.records.source.fetch().await?;
            let at_tip = match &tips.records {
                Some(tip) => self.records.manifest_at(tip).await?,
                None => None,
            };
            let ours = at_tip.is_some_and(|manifest| {
                manifest.deployment_id.as_str() == unsent.deployment_id
                    && manifest.status().is_under_way()
                    && manifest.holder.is_some_and(|holder| holder.id == unsent.holder)
            });
            if !ours {
                tracing::warn!(deployment = %unsent.deployment_id, "a kept record is out of date: the deployment was ended by somebody else");
                break;
            }
            let mut files = BTreeMap::new();
            if is_settled(&unsent) {
                files = self.spent_definitions(tips.records.as_ref()).await?;
            }
            let bytes = |content: Option<String>| content.map(String::into_bytes);
            files.extend(unsent.files.clone().into_iter().map(|(path, content)| (path, bytes(content))));
            let change = RecordCommit { message: unsent.message.clone(), files, time: unsent.time };
            match self.records.source.commit_records(tips.records.as_ref(), &change).await {
                Ok(_) => {
                    tracing::info!(deployment = %unsent.deployment_id, "sent a record kept by an earlier pass");
                    break;
                }
                Err(PushError::Lost(_)) if races < RACES_MAX => {
                    races += 1;
                    self.short_pause(races).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.local.remove_journal(&unsent.deployment_id)?;
        Ok(self.local.drop_unsent()?)
    }
}

/// Whether a kept record ends a deployment that nobody has to look at. Of any other, and of a record that cannot be
/// read, the previous definitions stay.
fn is_settled(unsent: &Unsent) -> bool {
    let manifest = unsent.files.iter().find(|(path, _)| path.ends_with("/manifest.json"));
    let named = manifest.and_then(|(_, text)| Named::read(text.as_deref()?.as_bytes()));
    named.is_some_and(|named| leaves_nothing_open(named.status))
}

/// Whether a status is an end after which nobody has to look at the deployment.
fn leaves_nothing_open(status: Status) -> bool {
    matches!(status, Status::Deployed | Status::RolledBack)
}

/// Keeps a lease renewed while a deployment runs, at its time and whenever a request finds it in doubt; never
/// returns. `stop` turns true when a renewal fails.
pub(super) async fn keep_renewed<T: Tenant, S: Source, L: LocalState>(
    engine: &Engine<T, S, L>,
    ledger: &Arc<Ledger<L>>,
    stop: &tokio::sync::watch::Sender<bool>,
) -> std::convert::Infallible {
    let limit = ledger.lease.limit();
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(ledger.lease.renew_at()) => {}
            () = limit.renewal_wanted() => {}
        }
        if ledger.closing.load(Ordering::Relaxed) {
            limit.is_renewed_no_more();
            std::future::pending::<()>().await;
        }
        ledger.journal.record_if_possible(&Event::new(EventKind::Renewed)).await;
        let Err(error) =
            engine.advance(ledger, "lease renewed", |manifest| manifest.apply(StatusEvent::Continued)).await
        else {
            continue;
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_readable_and_whole_end_gives_previous_definitions_up() {
        let kept = |manifest: Option<&str>| {
            let text = manifest.map(str::to_owned);
            is_settled(&Unsent {
                deployment_id: "20261122T172257Z-b13a843e".to_owned(),
                holder: "holder".to_owned(),
                message: String::new(),
                time: jiff::Timestamp::UNIX_EPOCH,
                files: [("deployments/production/manifest.json".to_owned(), text)].into(),
            })
        };
        let manifest = |status: &str| format!(r#"{{"deploymentId":"20261122T172257Z-b13a843e","status":"{status}"}}"#);
        for (status, is_settled) in
            [("deployed", true), ("rolled-back", true), ("rollback-incomplete", false), ("restoring", false)]
        {
            assert_eq!(kept(Some(&manifest(status))), is_settled, "{status}");
        }
        for unreadable in [None, Some(""), Some("{"), Some(r#"{"status":"deployed"}"#), Some(&manifest("odd"))] {
            assert!(!kept(unreadable), "{unreadable:?}");
        }
    }
}
