//! The manifest: what a deployment was to do, has done, and needs to be taken back.
//!
//! Pushed with status `deploying` it is the lock and the journal; with an ended status, the report.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{self, DeploymentId};
use super::last::{Held, LastFlow, LastState};
use super::life::{IllegalEvent, StatusEvent};
use super::{FlowStatus, Quarantine, Release, Released, Status};
use crate::flow::{ContentHash, Defaults, EnvironmentId, FlowId, HASH_ALGORITHM};
use crate::revision::{BlobId, CommitId, Composed, Origin};

/// The version of the manifest's shape. What has another first number is not read.
pub(super) const MANIFEST_VERSION: &str = "1.0.0";

/// JSON Schema (draft 2020-12) of the manifest.
pub const MANIFEST_SCHEMA: &str = include_str!("manifest.schema.json");

/// What kind of deployment it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Git was carried to the tenant.
    #[default]
    Sync,
    /// Git and tenant were found equal, and ownership was written down.
    Adoption,
    /// A person went back to an earlier state.
    Rollback,
}

impl Kind {
    /// The word in outputs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Adoption => "adoption",
            Self::Rollback => "rollback",
        }
    }
}

/// A deployment's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of its shape.
    pub manifest_version: String,
    /// When this text was made.
    pub generated_at: Timestamp,
    /// The tenant's name of the environment.
    pub target_environment: EnvironmentId,
    /// Digest of the tenant's URL; older versions did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "ids::digest_if_any")]
    pub tenant_digest: Option<String>,
    /// The configuration's name of the environment.
    #[serde(deserialize_with = "ids::environment")]
    pub environment: String,
    /// The deployment.
    pub deployment_id: DeploymentId,
    /// Sync, adoption or rollback.
    #[serde(default)]
    pub kind: Kind,
    /// Where it stands: see [`Manifest::apply`].
    pub(super) status: Status,
    /// The flows it is made from.
    pub source: ManifestSource,
    /// Binds the manifest to the flows in git and to the live state it was planned from.
    #[serde(deserialize_with = "ids::digest")]
    pub plan_digest: String,
    /// Who may write to the tenant, and until when.
    pub holder: Option<Holder>,
    /// The last deployment that ended as `deployed`; a deployed manifest names itself.
    pub last_deployed: Option<LastDeployed>,
    /// The deployment whose state was live when this one began.
    #[serde(default)]
    pub previous_deployment: Option<LastDeployed>,
    /// For a rollback: the state it goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackTo>,
    /// Hash of the newest audit record committed with this manifest.
    #[serde(default, deserialize_with = "ids::audit_hash")]
    pub audit_head: Option<String>,
    /// How content hashes are made; [`crate::flow::HASH_ALGORITHM`].
    #[serde(default)]
    pub hash_algorithm: String,
    /// The pointers left out of comparison when this was planned.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Settings of nodes that the platform adds by itself, as far as they were met: left out of comparison too.
    #[serde(default, skip_serializing_if = "Defaults::is_empty")]
    pub defaults: Defaults,
    /// Why the deployment is being, or was, taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What must not be tried again for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Quarantine>,
    /// The approvals that deployments have used, as long as their files are there, and those that this one uses; its
    /// own are gone where it was taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<UsedApproval>,
    /// The plan file that the deployment was bound to: the id that stands in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<DeploymentId>,
    /// What callers meet, where that is a release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// Every managed flow, by id.
    pub flows: Vec<ManifestFlow>,
    /// What each flow needs: a flow id alone, other kinds as `kind:id`.
    pub dependency_graph: BTreeMap<FlowId, Vec<String>>,
}

/// Where the flows came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestSource {
    /// The branch.
    pub branch: String,
    /// The commit; absent for a working tree.
    pub commit: Option<CommitId>,
    /// Digest over every flow id and content hash of that commit.
    #[serde(deserialize_with = "ids::digest")]
    pub flows_digest: String,
}

/// Who may write to the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Random, kept in the state directory.
    #[serde(deserialize_with = "ids::holder")]
    pub id: String,
    /// The end of the lease.
    pub deadline: Timestamp,
}

/// A deployment that ended as `deployed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastDeployed {
    /// Its id.
    pub deployment_id: DeploymentId,
    /// The commit it deployed.
    pub commit: Option<CommitId>,
}

/// A file of approvals and the deployment that uses it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsedApproval {
    /// Its path from the root of the repository.
    #[serde(deserialize_with = "ids::inner_path")]
    pub file: String,
    /// The blob of that file.
    pub blob: BlobId,
    /// The deployment.
    pub deployment_id: DeploymentId,
}

/// The state a rollback goes back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackTo {
    /// A completed deployment.
    pub deployment_id: DeploymentId,
    /// Seen from it.
    pub state: RollbackState,
}

/// What was live, seen from a completed deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RollbackState {
    /// Before it.
    Before,
    /// After it.
    After,
}

/// What a deployment does to a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowAction {
    /// It is new.
    Create,
    /// It changes.
    Update,
    /// It goes.
    Delete,
    /// It stays as it is.
    None,
}

/// One managed flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestFlow {
    /// Who.
    pub id: FlowId,
    /// Its name.
    pub name: String,
    /// Its version in git; for a delete, the live one.
    pub version: String,
    /// Hash of the flow as pushed; absent for a delete.
    pub content_hash: Option<ContentHash>,
    /// How it fared.
    pub status: FlowStatus,
    /// What was to be done.
    pub action: FlowAction,
    /// Why: `commit`, `drift` or `both`; absent where nothing was to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The version that was live before.
    pub previous_version: Option<String>,
    /// Hash of what was live before, without `environmentId`.
    pub previous_hash: Option<ContentHash>,
    /// Git blob that holds what was live before.
    pub before: Option<BlobId>,
    /// Its file in git.
    #[serde(default, deserialize_with = "ids::path")]
    pub path: Option<String>,
    /// Git blob of that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobId>,
    /// What that file was composed with, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composed: Option<Composed>,
    /// Where git held it, if the deployment's commit does not: it left git, or a rollback brought it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// What comparison sees of the flow, where that is not `contentHash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equality_hash: Option<ContentHash>,
    /// What comparison sees of the previous definition, where that is not `previousHash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_equality_hash: Option<ContentHash>,
    /// What the last completed deployment left live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastState>,
    /// Git held it once and no longer does; it stays live because pruning is off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub orphaned: bool,
    /// A create that the tenant answered as an update: it was somebody else's, and is never deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub existed: bool,
    /// What went wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ManifestFlow {
    /// Where git holds the target.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        Some(Origin { blob: self.blob.clone()?, composed: self.composed.clone() })
    }

    /// What comparison sees of the target.
    #[must_use]
    pub fn target_equality(&self) -> Option<ContentHash> {
        self.equality_hash.or(self.content_hash)
    }

    /// What comparison sees of the previous definition.
    #[must_use]
    pub fn previous_equality(&self) -> Option<ContentHash> {
        self.previous_equality_hash.or(self.previous_hash)
    }

    /// What the last completed deployment left live of it.
    #[must_use]
    pub fn last_flow(&self) -> Option<LastFlow> {
        match self.last.as_ref()? {
            LastState::Same => self.as_deployed(),
            LastState::Was(last) => {
                let path = last.path.clone().or_else(|| self.path.clone());
                Some(LastFlow { path, ..LastFlow::clone(last) })
            }
        }
    }

    /// Says what the last completed deployment left live of it, in the fewest words.
    pub fn set_last(&mut self, last: Option<LastFlow>) {
        self.last = last.map(|last| match self.as_deployed() {
            Some(now) if now == last => LastState::Same,
            _ => {
                let path = last.path.filter(|path| self.path.as_ref() != Some(path));
                LastState::Was(Box::new(LastFlow { path, ..last }))
            }
        });
    }

    /// The flow as this manifest's deployment, if it completes, leaves it; none for a delete.
    #[must_use]
    fn as_deployed(&self) -> Option<LastFlow> {
        if self.action == FlowAction::Delete {
            return None;
        }
        Some(LastFlow {
            content_hash: self.content_hash?,
            equality_hash: self.target_equality()?,
            version: self.version.clone(),
            blob: self.blob.clone(),
            path: self.path.clone(),
            composed: self.composed.clone(),
            held: self.held.clone(),
        })
    }
}

/// What is known of a deployment before it begins.
#[derive(Debug, Clone)]
pub struct Planned {
    /// When it was planned.
    pub now: Timestamp,
    /// The configuration's name of the environment.
    pub environment: String,
    /// The tenant's name of the environment.
    pub target_environment: EnvironmentId,
    /// Digest of the tenant's URL.
    pub tenant_digest: String,
    /// The deployment.
    pub deployment_id: DeploymentId,
    /// Sync, adoption or rollback.
    pub kind: Kind,
    /// The flows it is made from.
    pub source: ManifestSource,
    /// Binds the manifest to the flows in git and to the live state it was planned from.
    pub plan_digest: String,
    /// For a rollback: the state it goes back to.
    pub rollback: Option<RollbackTo>,
    /// The pointers left out of comparison.
    pub ignore: Vec<String>,
    /// Defaults left out of comparison.
    pub defaults: Defaults,
    /// What callers are to meet.
    pub release: Option<Release>,
    /// Every managed flow, by id.
    pub flows: Vec<ManifestFlow>,
    /// What each flow needs.
    pub dependency_graph: BTreeMap<FlowId, Vec<String>>,
}

impl Manifest {
    /// The manifest of a deployment that has not begun, after the one that counts so far.
    #[must_use]
    pub fn planned(planned: Planned, earlier: Option<&Self>) -> Self {
        let Planned { now, environment, target_environment, tenant_digest, deployment_id, kind, .. } = planned;
        let Planned { source, plan_digest, rollback, ignore, defaults, release, flows, dependency_graph, .. } = planned;
        let last_deployed = earlier.and_then(|manifest| manifest.last_deployed.clone());
        Self {
            manifest_version: MANIFEST_VERSION.to_owned(),
            generated_at: now,
            target_environment,
            tenant_digest: Some(tenant_digest),
            environment,
            deployment_id,
            kind,
            status: Status::Pending,
            source,
            plan_digest,
            holder: None,
            last_deployed: last_deployed.clone(),
            previous_deployment: last_deployed,
            rollback,
            audit_head: None,
            hash_algorithm: HASH_ALGORITHM.to_owned(),
            ignore,
            defaults,
            failure: None,
            quarantine: earlier.and_then(|manifest| manifest.quarantine.clone()),
            approvals: Vec::new(),
            bound_to: None,
            release,
            flows,
            dependency_graph,
        }
    }

    /// Where the deployment stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Lets something happen to the deployment: the only way its status moves.
    ///
    /// # Errors
    ///
    /// The event cannot happen in this status; the manifest stays as it is.
    pub fn apply(&mut self, event: StatusEvent) -> Result<(), IllegalEvent> {
        self.status = self.status.after(event)?;
        if matches!(self.status, Status::RolledBack | Status::RollbackIncomplete) {
            // What it was to use is as good as before.
            self.approvals.retain(|approval| approval.deployment_id != self.deployment_id);
        }
        Ok(())
    }

    /// The approvals that this manifest proves to be used: its own ones count from its good end on.
    pub fn spent_approvals(&self) -> impl Iterator<Item = &UsedApproval> {
        let is_deployed = self.status == Status::Deployed;
        self.approvals.iter().filter(move |approval| is_deployed || approval.deployment_id != self.deployment_id)
    }

    /// The completed releases, newest first: what endpoints are to show is the first of them.
    #[must_use]
    pub fn releases(&self) -> Vec<Released> {
        self.release.as_ref().map(|release| release.after(self.status == Status::Deployed)).unwrap_or_default()
    }

    /// The text that is committed: two-space indented, with a final newline.
    #[must_use]
    #[allow(clippy::expect_used, reason = "every key is text and every value has a form in JSON")]
    pub fn to_text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("a manifest has a form in JSON");
        text.push(b'\n');
        text
    }

    /// What the last completed deployment left live, and in which file it stood, as far as this manifest tells.
    #[must_use]
    pub fn last_flows(&self) -> BTreeMap<FlowId, LastFlow> {
        let of = |flow: &ManifestFlow| match self.status {
            Status::Deployed => flow.as_deployed(),
            _ => flow.last_flow(),
        };
        self.flows.iter().filter_map(|flow| Some((flow.id.clone(), of(flow)?))).collect()
    }
}
