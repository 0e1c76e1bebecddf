//! Beginning a deployment: its manifest is written down, and whoever wins the push of that may write to the tenant.

use std::collections::BTreeMap;

use tracing::{Instrument as _, info_span};

use super::approval::Warrant;
use super::deployment::Deployment;
use super::ledger::Ledger;
use super::pass::STARTS_MAX;
use super::report::EnvironmentReport;
use super::{Engine, PassError, Prepared, Seen};
use crate::config::ApprovalPolicy;
use crate::deploy::{Journal, Lease, ProgressStep, room_for};
use crate::local::LocalState;
use crate::plan::{Action, Plan};
use crate::record::audit::{Event, EventKind, MANIFEST_MEMBER};
use crate::record::{
    Kind, LastDeployed, MANIFEST_BYTES_MAX, Manifest, ManifestFlow, StatusEvent, UsedApproval, manifest_digest, paths,
};
use crate::revision::CommitId;
use crate::source::{PushError, Source};
use crate::tenant::Tenant;

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Writes down that git and tenant were found equal, so that ownership is known.
    pub(super) async fn adopt(
        &self,
        seen: &Seen,
        prepared: &Prepared,
        mut report: EnvironmentReport,
    ) -> Result<Option<EnvironmentReport>, PassError> {
        self.may_begin()?;
        let mut manifest = self.look(self.new_manifest(seen, &prepared.plan, prepared, Kind::Adoption)).await?;
        manifest.approvals =
            self.look(self.records.approvals_carried(&seen.tips.flows, seen.manifest.as_ref())).await?;
        manifest.apply(StatusEvent::Adopted)?;
        manifest.last_deployed = Some(LastDeployed {
            deployment_id: manifest.deployment_id.clone(),
            commit: manifest.source.commit.clone(),
        });
        let digest = manifest_digest(&manifest.to_text());
        let deployment = self.new_deployment(seen, manifest)?;
        let event =
            Event::new(EventKind::Adopted).with("flows", prepared.desired.flows.len()).with(MANIFEST_MEMBER, digest);
        deployment.ledger.journal.record(&event).await?;
        let closing = deployment.take_lock(BTreeMap::new(), "adopted").instrument(info_span!("close"));
        let pushed = self.in_time(closing).await;
        deployment.ledger.journal.forget();
        match pushed? {
            Ok(commit) => {
                self.vouch_for(&commit).await;
                report.record_commit = Some(commit);
                report.deployment_id = Some(deployment.ledger.manifest().deployment_id.to_string());
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
        warrant: Warrant,
    ) -> Result<Option<Deployment<'_, T, S, L>>, PassError> {
        let mut manifest = self.look(self.new_manifest(seen, plan, prepared, kind)).await?;
        manifest.approvals =
            self.look(self.records.approvals_carried(&seen.tips.flows, seen.manifest.as_ref())).await?;
        let deployment_id = &manifest.deployment_id;
        let own = |(file, blob)| UsedApproval { file, blob, deployment_id: deployment_id.clone() };
        manifest.approvals.extend(warrant.approvals.into_iter().map(own));
        manifest.bound_to = warrant.bound_to;
        manifest.apply(StatusEvent::Begun)?;
        let stored = self.look(self.store_previous(&mut manifest, &plan.changes)).await?;
        let deployment = self.new_deployment(seen, manifest)?;
        let ledger = &deployment.ledger;
        let n_managed = ledger.manifest().flows.len();
        ledger.journal.secure(room_for(&plan.changes, n_managed, self.policy.concurrency.get()))?;
        let begun = match deployment.record_begun(plan, kind).await {
            Ok(()) => deployment.win_lock(seen, stored).instrument(info_span!("begin")).await,
            Err(error) => Err(error),
        };
        if !matches!(begun, Ok(Won::Lock)) {
            ledger.journal.forget();
        }
        Ok(match begun? {
            Won::Lock => {
                deployment.tell_begun();
                Some(deployment)
            }
            Won::Nothing => None,
        })
    }

    fn new_deployment(&self, seen: &Seen, manifest: Manifest) -> Result<Deployment<'_, T, S, L>, PassError> {
        check_size(&manifest)?;
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
        let ledger = Ledger::new(journal, lease, self.records.seal_key()?, manifest, seen.tips.records.clone());
        Ok(Deployment::new(self, ledger))
    }

    /// Whether neither the flows, nor their approvals, nor this environment's records differ between two looks at git.
    async fn is_same_ground(&self, before: &crate::source::Tips, now: &crate::source::Tips) -> Result<bool, PassError> {
        if self.records.source.flows_tree(&before.flows).await? != self.records.source.flows_tree(&now.flows).await? {
            return Ok(false);
        }
        let source = &self.records.source;
        let approved = paths::approved_folder(&self.records.environment);
        if source.records_tree(&before.flows, &approved).await? != source.records_tree(&now.flows, &approved).await? {
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
}

impl<T: Tenant, S: Source, L: LocalState> Deployment<'_, T, S, L> {
    /// Pushes the manifest that is lock and journal, again where others moved the branch and nothing that
    /// matters.
    async fn win_lock(&self, seen: &Seen, stored: BTreeMap<String, Option<Vec<u8>>>) -> Result<Won, PassError> {
        let mut tips = seen.tips.clone();
        for _ in 0..STARTS_MAX {
            self.engine.may_begin()?;
            match self.engine.in_time(self.take_lock(stored.clone(), "deploying")).await? {
                Ok(_) => return Ok(Won::Lock),
                Err(PushError::Lost(_)) => {}
                Err(error) => return Err(error.into()),
            }
            let now = self.engine.look(self.engine.records.source.fetch()).await?;
            if !self.engine.look(self.engine.is_same_ground(&tips, &now)).await? {
                break;
            }
            tips = now;
            self.ledger.rebase(tips.records.clone()).await;
        }
        Ok(Won::Nothing)
    }

    fn tell_begun(&self) {
        let manifest = self.ledger.manifest();
        let (deployment, commit) = (manifest.deployment_id.as_str(), manifest.source.commit.as_ref());
        (self.engine.progress)(ProgressStep::Began { deployment, commit });
    }

    /// Tells of a deployment that was interrupted and goes on.
    pub(super) fn tell_continued(&self) {
        (self.engine.progress)(ProgressStep::Continued { deployment: self.ledger.manifest().deployment_id.as_str() });
    }

    async fn record_begun(&self, plan: &Plan, kind: Kind) -> Result<(), PassError> {
        let event = Event::new(EventKind::Begun)
            .with("planDigest", plan.digest.as_str())
            .with("kind", if kind == Kind::Rollback { "rollback" } else { "sync" })
            .with("create", plan.count(Action::Create))
            .with("update", plan.count(Action::Update))
            .with("delete", plan.count(Action::Delete));
        let event = match (self.engine.policy.approval, kind) {
            (ApprovalPolicy::None, _) => event,
            (ApprovalPolicy::Manifest, Kind::Rollback) => event.with("approval", "none asked"),
            (ApprovalPolicy::Manifest, Kind::Sync | Kind::Adoption) => {
                let manifest = self.ledger.manifest();
                let own = manifest.approvals.iter().filter(|it| it.deployment_id == manifest.deployment_id);
                event.with("approval", own.map(|approval| approval.file.clone()).collect::<Vec<_>>())
            }
        };
        Ok(self.ledger.journal.record(&event).await?)
    }
}

/// What came of the race for the lock.
enum Won {
    Lock,
    /// Git moved in a way that matters: look again.
    Nothing,
}

/// Refuses a manifest that could be written and never be read again.
pub(super) fn check_size(manifest: &Manifest) -> Result<(), PassError> {
    // What one flow takes besides its names is less than that; only a text that may come near is made.
    let of_flow = |flow: &ManifestFlow| 1_024 + 2 * flow.id.as_str().len() + flow.path.as_ref().map_or(0, String::len);
    let guess: u64 = manifest.flows.iter().map(|flow| of_flow(flow) as u64).sum();
    let bytes = if guess > MANIFEST_BYTES_MAX { manifest.to_text().len() as u64 } else { 0 };
    if bytes <= MANIFEST_BYTES_MAX / 100 * 95 {
        return Ok(());
    }
    let n_flows = manifest.flows.len();
    let reason = format!(
        "the manifest of {n_flows} flows would have {bytes} bytes, and one of more than {MANIFEST_BYTES_MAX} is not read \
        again; nothing was written: divide the flows among several environments (`repository.flows`)"
    );
    Err(PassError::Refused { reason, problems: Vec::new(), quarantined: false })
}
