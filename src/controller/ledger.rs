//! What a deployment under way has written down so far: its manifest, journal and lease.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};

use tokio::sync::Mutex;

use super::PassError;
use crate::deploy::{Journal, Lease};
use crate::flow::FlowId;
use crate::local::LocalState;
use crate::record::{IllegalEvent, Manifest, SealKey, paths};
use crate::revision::CommitId;
use crate::source::PushError;

/// A running deployment's records.
pub(super) struct Ledger<L> {
    pub journal: Journal<L>,
    pub lease: Lease,
    /// Seals every manifest, where a key is configured.
    pub seal: Option<SealKey>,
    /// Where the audit file stands below the records folder.
    pub audit: String,
    /// Nothing more is written to the tenant: the lease need not be renewed, and the journal ends.
    pub closing: AtomicBool,
    pub state: Mutex<LedgerState>,
    /// Flows to be created that were found to be somebody else's: every manifest from then on says so.
    disowned: std::sync::Mutex<BTreeSet<FlowId>>,
    /// The manifest of `state`, for whoever must not wait for a push under way.
    committed: std::sync::Mutex<Arc<Manifest>>,
}

/// What the next commit is based on.
pub(super) struct LedgerState {
    /// Shared: it is as large as the environment, and most who look at it change nothing.
    pub manifest: Arc<Manifest>,
    /// The newest commit of the records' branch.
    pub tip: Option<CommitId>,
}

/// A record could not be committed.
#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
    /// The manifest in git names another deployment or holder.
    #[error("the deployment was taken over: the manifest in git now names {0}")]
    TakenOver(String),
    /// There was no time to wait for it once this process was asked to end.
    #[error("{0}: this deployment was asked to end, and the time for it is over")]
    NoTime(&'static str),
    /// How the deployment ended is being written down: nothing else is.
    #[error("the deployment is being closed")]
    Closing,
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
        let manifest = Arc::new(manifest);
        let committed = std::sync::Mutex::new(Arc::clone(&manifest));
        let state = Mutex::new(LedgerState { manifest, tip });
        let (closing, disowned) = (AtomicBool::new(false), std::sync::Mutex::default());
        Self { journal, lease, seal, audit, closing, state, disowned, committed }
    }

    /// The same, with an audit file that stands elsewhere: an older version began it there.
    pub(super) fn with_audit_at(self, audit: String) -> Self {
        Self { audit, ..self }
    }

    /// A flow to be created was somebody else's.
    pub(super) fn disown(&self, id: &FlowId) {
        self.disowned.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
    }

    /// Says in a manifest what is known of flows that were somebody else's.
    pub(super) fn tell_disowned(&self, manifest: &mut Manifest) {
        let disowned = self.disowned.lock().unwrap_or_else(PoisonError::into_inner);
        manifest.flows.iter_mut().for_each(|flow| flow.existed |= disowned.contains(&flow.id));
    }

    /// The commit to build on next.
    pub(super) async fn rebase(&self, tip: Option<CommitId>) {
        self.state.lock().await.tip = tip;
    }

    /// The manifest as last committed; a push under way is not waited for.
    pub(super) fn manifest(&self) -> Arc<Manifest> {
        Arc::clone(&self.committed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A commit with this manifest has won its push.
    pub(super) fn is_committed(&self, state: &mut LedgerState, manifest: Manifest, commit: &CommitId) {
        let manifest = Arc::new(manifest);
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&manifest);
        *state = LedgerState { manifest, tip: Some(commit.clone()) };
    }
}
