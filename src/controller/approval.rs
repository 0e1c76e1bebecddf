//! Gathering what git knows of approvals: which files approve what, and which of them a deployment has used.
//!
//! Approvals stand in the records folder of the flows' branch, wherever records are committed. What was used is what
//! manifests say: the newest one of files that are still there, and the history of all of them, so that a file that
//! somebody brings back is known again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::named::Named;
use super::{Engine, PassError, Records, Seen};
use crate::config::ApprovalPolicy;
use crate::flow::{ContentHash, FlowId};
use crate::local::LocalState;
use crate::plan::{Action, Change, Plan};
use crate::record::approval::{
    APPROVALS_BYTES_MAX, APPROVALS_MAX, Approval, ApprovalFault, ApprovalVerdict, ApprovalsOf, Entry, Judgement,
    Missing, digits_of, judge,
};
use crate::record::{
    DeploymentId, FlowAction, Kind, MANIFEST_BYTES_MAX, Manifest, ManifestFault, Status, UsedApproval, paths,
};
use crate::revision::{BlobId, CommitId};
use crate::source::{Source, SourceError, Tips};
use crate::tenant::Tenant;

/// Clocks of those who commit approvals and records may differ by so much.
const SKEW_MAX: Duration = Duration::from_secs(24 * 3600);

/// The approvals of a commit.
#[derive(Debug, Clone, Default)]
pub struct Approvals {
    /// Those that can be gone by.
    pub files: Vec<Approval>,
    /// What stands there and approves nothing, in words.
    pub alarms: Vec<String>,
}

/// A plan that may be deployed, as far as approvals go.
#[derive(Debug, Clone, Default)]
pub(super) struct Approved {
    /// The files that it uses, each with its blob.
    pub(super) uses: Vec<(String, BlobId)>,
    /// What a person should know.
    pub(super) alarms: Vec<String>,
}

/// What allows a deployment besides its plan.
#[derive(Debug, Clone, Default)]
pub(super) struct Warrant {
    /// The files of approvals that it uses, each with its blob.
    pub(super) approvals: Vec<(String, BlobId)>,
    /// The plan file that it carries out.
    pub(super) bound_to: Option<DeploymentId>,
}

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Whether every change of a plan was approved.
    ///
    /// # Errors
    ///
    /// [`PassError::Refused`] that says of each change that was not why.
    pub(super) async fn approve(&self, seen: &Seen, plan: &Plan) -> Result<Approved, PassError> {
        if self.policy.approval == ApprovalPolicy::None || plan.changes.is_empty() {
            return Ok(Approved::default());
        }
        let changes: Vec<Entry> = plan.changes.iter().map(entry).collect();
        // A manifest that is not as it was closed says nothing of what was left live.
        let left = seen.manifest.as_ref().filter(|_| !seen.is_altered).map(left_live).unwrap_or_default();
        let manifest = seen.manifest.as_ref();
        let Approvals { files, alarms } =
            self.records.approvals(&seen.tips.flows, &seen.tips, manifest, &changes).await?;
        let judged = judge(&changes, &left, &files);
        if !judged.is_whole() {
            return Err(self.records.refuse(unapproved(&plan.changes, &judged, &alarms)));
        }
        let uses = judged.uses.iter().map(|approval| (approval.file.clone(), approval.blob.clone())).collect();
        Ok(Approved { uses, alarms })
    }

    /// Of each change of a deployment that was begun and not ended: why it was not approved then. Nothing where it need
    /// not be.
    pub(super) async fn unapproved_in(
        &self,
        seen: &Seen,
        manifest: &Manifest,
        before: Option<&Manifest>,
    ) -> Result<BTreeMap<FlowId, Missing>, PassError> {
        let is_asked = self.policy.approval == ApprovalPolicy::Manifest
            && manifest.kind == Kind::Sync
            && manifest.status() == Status::Deploying;
        let Some(commit) = manifest.source.commit.as_ref().filter(|_| is_asked) else { return Ok(BTreeMap::new()) };
        let changes: Vec<Entry> = manifest.flows.iter().filter_map(Entry::of).collect();
        let left = before.map(left_live).unwrap_or_default();
        let Approvals { files, .. } = self.records.approvals(commit, &seen.tips, before, &changes).await?;
        let verdicts = judge(&changes, &left, &files).verdicts;
        let missing = |(change, verdict): (&Entry, ApprovalVerdict)| match verdict {
            ApprovalVerdict::Missing(missing) => Some((change.id.clone(), missing)),
            ApprovalVerdict::NotAsked | ApprovalVerdict::Approved => None,
        };
        Ok(changes.iter().zip(verdicts).filter_map(missing).collect())
    }
}

/// A change as approvals speak of it.
#[must_use]
pub fn entry(change: &Change) -> Entry {
    Entry {
        id: change.id.clone(),
        action: match change.action() {
            Action::Create => FlowAction::Create,
            Action::Update => FlowAction::Update,
            Action::Delete => FlowAction::Delete,
        },
        target: change.after().map(|flow| flow.definition.content_hash),
        previous: change.before().map(|definition| definition.content_hash),
    }
}

/// What the last completed deployment left live, by the hash it was pushed with.
#[must_use]
pub fn left_live(manifest: &Manifest) -> BTreeMap<FlowId, ContentHash> {
    manifest.last_flows().into_iter().map(|(id, last)| (id, last.content_hash)).collect()
}

/// Why a plan may not be deployed, change by change.
fn unapproved(changes: &[Change], judged: &Judgement<'_>, alarms: &[String]) -> String {
    let said = |(change, verdict): (&Change, &ApprovalVerdict)| match verdict {
        ApprovalVerdict::Missing(missing) => Some(format!("{} `{}`: {missing}", change.action(), change.id)),
        ApprovalVerdict::NotAsked | ApprovalVerdict::Approved => None,
    };
    let missing: Vec<String> = changes.iter().zip(&judged.verdicts).filter_map(said).collect();
    let alarms: String = alarms.iter().map(|alarm| format!("; {alarm}")).collect();
    format!(
        "{} of {} change(s) are not approved (`sync.approval: manifest`), and nothing was written: {}{alarms}; \
         `flowsync plan --propose` writes what is to be reviewed and merged",
        missing.len(),
        changes.len(),
        missing.join("; ")
    )
}

impl<S: Source> Records<S> {
    /// The approvals that stand in a commit of the flows' branch. Whether one was used is found out for those that
    /// approve any of `wanted`; `counted` is the manifest that counts.
    ///
    /// # Errors
    ///
    /// git cannot be read.
    pub async fn approvals(
        &self,
        commit: &CommitId,
        tips: &Tips,
        counted: Option<&Manifest>,
        wanted: &[Entry],
    ) -> Result<Approvals, PassError> {
        let used = used_in(counted);
        let mut approvals = self.read_approvals(commit, &used).await?;
        let open = |approval: &&mut Approval| approval.used_by.is_none() && approval.approves_any(wanted);
        let mut candidates: Vec<&mut Approval> = approvals.files.iter_mut().filter(open).collect();
        if let (Some(records), false) = (&tips.records, candidates.is_empty()) {
            let used = self.used_earlier(commit, records, &candidates).await?;
            for approval in &mut candidates {
                approval.used_by = used.get(&(approval.file.clone(), approval.blob.clone())).cloned();
            }
        }
        Ok(approvals)
    }

    async fn read_approvals(
        &self,
        commit: &CommitId,
        used: &BTreeMap<(String, BlobId), DeploymentId>,
    ) -> Result<Approvals, PassError> {
        let folder = paths::approved_folder(&self.environment);
        let found = self.source.record_files(commit, &folder).await?;
        let (mut approvals, mut files) = (Approvals::default(), Vec::new());
        for (name, blob) in found.into_iter().filter(|(name, _)| name.ends_with(".json")) {
            let file = self.approval_file(&name);
            match digits_of(&name) {
                Some(_) => files.push((file, blob)),
                None => approvals.alarms.push(no_approval(&file, &ApprovalFault::Name)),
            }
        }
        // Where there are too many, those that count come first.
        files.sort_by_key(|(file, blob)| (used.contains_key(&(file.clone(), blob.clone())), file.clone()));
        let blobs: Vec<BlobId> = files.iter().map(|(_, blob)| blob.clone()).collect();
        let sizes = self.source.blob_sizes(&blobs).await?;
        let mut read: Vec<(String, BlobId)> = Vec::new();
        let mut n_left_out = files.len().saturating_sub(APPROVALS_MAX);
        let mut room = APPROVALS_BYTES_MAX;
        for ((file, blob), bytes) in files.into_iter().zip(sizes).take(APPROVALS_MAX) {
            let Some(bytes) = bytes else {
                approvals.alarms.push(no_approval(&file, &ApprovalFault::Gone));
                continue;
            };
            if bytes > MANIFEST_BYTES_MAX {
                approvals.alarms.push(no_approval(&file, &ManifestFault::TooLarge { bytes }.into()));
            } else if let Some(left) = room.checked_sub(bytes) {
                room = left;
                read.push((file, blob));
            } else {
                n_left_out += 1;
            }
        }
        if n_left_out > 0 {
            approvals.alarms.push(format!(
                "{n_left_out} file(s) in `{}/{folder}` were not read: there are too many; remove those that were used",
                self.folder
            ));
        }
        let texts = self.read_named(read.iter().map(|(_, blob)| blob), MANIFEST_BYTES_MAX).await?;
        let of = ApprovalsOf { environment: &self.environment, target: &self.target };
        for (file, blob) in read {
            let Some(text) = texts.get(&blob).and_then(Named::text) else {
                approvals.alarms.push(no_approval(&file, &ApprovalFault::Gone));
                continue;
            };
            let used_by = used.get(&(file.clone(), blob.clone())).cloned();
            match Approval::read(of, file.clone(), blob, text) {
                Ok(approval) => approvals.files.push(Approval { used_by, ..approval }),
                Err(fault) => approvals.alarms.push(no_approval(&file, &fault)),
            }
        }
        Ok(approvals)
    }

    /// Which of these files a deployment has used that the newest manifest does not tell of: a file that went and came
    /// back, or records that somebody set back.
    async fn used_earlier(
        &self,
        commit: &CommitId,
        records: &CommitId,
        candidates: &[&mut Approval],
    ) -> Result<BTreeMap<(String, BlobId), DeploymentId>, PassError> {
        let mut since = None;
        for approval in candidates {
            let Some(path) = self.approval_path(&approval.file) else { continue };
            let history = self.source.record_history(commit, &path).await?;
            let appeared = history.iter().filter(|entry| entry.blob.as_ref() == Some(&approval.blob));
            let first = appeared.map(|entry| entry.time).min().unwrap_or(jiff::Timestamp::MIN);
            since = Some(since.map_or(first, |since: jiff::Timestamp| since.min(first)));
        }
        let since = since.and_then(|since| since.checked_sub(SKEW_MAX).ok());
        let asked: BTreeSet<(String, BlobId)> =
            candidates.iter().map(|approval| (approval.file.clone(), approval.blob.clone())).collect();
        let step = move |used: &mut BTreeMap<(String, BlobId), DeploymentId>, _: &CommitId, manifest: Manifest| {
            for UsedApproval { file, blob, deployment_id } in manifest.spent_approvals().cloned() {
                let key = (file, blob);
                if asked.contains(&key) {
                    used.insert(key, deployment_id);
                }
            }
        };
        self.fold_manifests(records, since, BTreeMap::new(), step).await
    }

    /// The approvals that a new manifest goes on naming: those of files that are still there.
    pub(super) async fn approvals_carried(
        &self,
        flows: &CommitId,
        earlier: Option<&Manifest>,
    ) -> Result<Vec<UsedApproval>, PassError> {
        let spent: Vec<UsedApproval> =
            earlier.map(|earlier| earlier.spent_approvals().cloned().collect()).unwrap_or_default();
        if spent.is_empty() {
            return Ok(spent);
        }
        let there = self.source.record_files(flows, &paths::approved_folder(&self.environment)).await?;
        let there: BTreeSet<String> = there.keys().map(|name| self.approval_file(name)).collect();
        Ok(spent.into_iter().filter(|approval| there.contains(&approval.file)).collect())
    }

    /// The files that a deployment has used, as far as they stand in a commit of the records' branch as they were used,
    /// each as a file to be removed.
    pub(super) async fn used_up(
        &self,
        tip: Option<&CommitId>,
        manifest: &Manifest,
    ) -> Result<BTreeMap<String, Option<Vec<u8>>>, SourceError> {
        let own: Vec<&UsedApproval> =
            manifest.spent_approvals().filter(|it| it.deployment_id == manifest.deployment_id).collect();
        let Some(tip) = tip.filter(|_| !own.is_empty()) else { return Ok(BTreeMap::new()) };
        let there = self.source.record_files(tip, &paths::approved_folder(&self.environment)).await?;
        let stands = |used: &UsedApproval| {
            let (name, blob) = there.iter().find(|(name, _)| self.approval_file(name) == used.file)?;
            digits_of(name).filter(|_| *blob == used.blob)?;
            Some((self.approval_path(&used.file)?, None))
        };
        Ok(own.into_iter().filter_map(stands).collect())
    }

    /// Path from the root of the repository.
    fn approval_file(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.folder, paths::approved_folder(&self.environment))
    }

    /// Path below the records folder.
    fn approval_path(&self, file: &str) -> Option<String> {
        Some(file.strip_prefix(&self.folder)?.strip_prefix('/')?.to_owned())
    }
}

/// The files that a manifest proves to be used.
fn used_in(manifest: Option<&Manifest>) -> BTreeMap<(String, BlobId), DeploymentId> {
    let spent = manifest.into_iter().flat_map(Manifest::spent_approvals).cloned();
    spent.map(|UsedApproval { file, blob, deployment_id }| ((file, blob), deployment_id)).collect()
}

/// That a file approves nothing, in words.
fn no_approval(file: &str, fault: &ApprovalFault) -> String {
    format!("`{file}` approves nothing: {fault}")
}
