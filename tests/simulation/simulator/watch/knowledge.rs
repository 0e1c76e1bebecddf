//! What one process has been shown and told: it is held to that, and to nothing that nobody could know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use flowsync::flow::FlowId;
use flowsync::record::DeploymentId;
use flowsync::revision::CommitId;
use jiff::Timestamp;
use tokio::time::Instant;

/// One process's share.
#[derive(Default)]
pub struct Knowledge {
    /// When the export that is under way was asked for.
    asked: Option<Instant>,
    /// The newest export that was answered.
    pub shown: Option<Shown>,
    /// What it pushed last, unless it has looked at git since.
    pub pushed: Option<CommitId>,
    /// When it last pushed a lease.
    pub renewed: Option<Instant>,
    /// Deployments whose journal it could not write: nothing is written for them but what was there before.
    pub unwritten: BTreeSet<String>,
    /// Its closing record could not be kept on the disk.
    pub is_unkept: bool,
    /// Requests of its that have changed the tenant.
    pub n_writes: usize,
    /// When it last asked the tenant for anything, by its own clock.
    pub last_call: Option<Timestamp>,
    /// Flows that it has asked to be written for the first time in their deployment.
    pub first: BTreeSet<(DeploymentId, FlowId)>,
    /// Flows to be created of which it learned that they were somebody else's.
    pub foreign: BTreeSet<(DeploymentId, FlowId)>,
}

/// An export.
pub struct Shown {
    pub asked: Instant,
    pub took: Duration,
    pub flows: BTreeMap<FlowId, Arc<[u8]>>,
}

impl Knowledge {
    pub fn asks(&mut self) {
        self.asked = Some(Instant::now());
    }

    pub fn asks_since(&mut self, when: Instant) {
        self.asked = Some(when);
    }

    pub fn is_shown(&mut self, flows: &BTreeMap<FlowId, Arc<[u8]>>) {
        let asked = self.asked.unwrap_or_else(Instant::now);
        self.shown = Some(Shown { asked, took: asked.elapsed(), flows: flows.clone() });
    }

    /// What the newest export shows of a flow.
    pub fn shown_of(&self, flow: &FlowId) -> Option<&Arc<[u8]>> {
        self.shown.as_ref()?.flows.get(flow)
    }
}
