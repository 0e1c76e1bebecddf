//! The eye on everything that is done to the world: what must never happen is noticed at the moment it happens.
//! Script, source and tenant tell of each thing; the rooms here judge it.

mod after;
mod approval;
mod before;
mod knowledge;
mod lock;
mod records;
mod reports;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flowsync::flow::{ContentHash, FlowId};
use flowsync::record::DeploymentId;
use flowsync::revision::{BlobId, CommitId};
use jiff::Timestamp;
use tokio::time::Instant;

pub use knowledge::Knowledge;

/// What is remembered of all that happened.
#[derive(Default)]
pub struct Notes {
    /// Flows that git held at some time.
    pub held: BTreeSet<FlowId>,
    /// When somebody last edited a flow in the tenant by hand.
    pub drift: BTreeMap<FlowId, Instant>,
    /// The deployment for which each flow was asked to be changed last.
    pub asked_for: BTreeMap<FlowId, DeploymentId>,
    /// Live flows that somebody created by hand.
    pub somebodys: BTreeSet<FlowId>,
    /// When the pass that began a deployment started.
    begun: BTreeMap<DeploymentId, Instant>,
    /// What each deployment has written.
    written: BTreeSet<(DeploymentId, FlowId, Option<ContentHash>)>,
    /// Flows that were refused because what they need was deleted by hand or never live, or what that needs.
    dangling: BTreeSet<FlowId>,
    /// When each lease ends by true time, by holder and the deadline it wrote.
    terms: BTreeMap<(String, Timestamp), Timestamp>,
    /// Who pushed a record of each deployment last.
    holders: BTreeMap<DeploymentId, String>,
    /// For which flows each deployment has asked for a change.
    asked: BTreeSet<(DeploymentId, FlowId)>,
    /// Deployments that are taken back because a process was asked to end.
    asked_to_end: BTreeSet<DeploymentId>,
    /// Since when the newest deployment is being taken back.
    restoring: Option<Instant>,
    /// Files of approvals that a deployment has used, with their blobs.
    used: BTreeSet<(String, BlobId)>,
    /// What completed deployments left live: the newest of them or, where somebody set records back, each.
    left: BTreeMap<FlowId, BTreeSet<ContentHash>>,
    /// The flows each commit holds that a deployment was made from.
    commits: BTreeMap<CommitId, Arc<BTreeSet<FlowId>>>,
}

impl Notes {
    /// Whether a deployment has changed a flow.
    fn has_written(&self, deployment: &DeploymentId, flow: &FlowId) -> bool {
        let first = (deployment.clone(), flow.clone(), None);
        self.written.range(first..).next().is_some_and(|(other, id, _)| other == deployment && id == flow)
    }
}
