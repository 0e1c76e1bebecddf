//! What is told of the work with repositories, for whoever counts it.

use std::sync::Arc;

/// Told of each operation when it is over. Must not wait.
#[derive(Clone, Default)]
pub struct GitObserver(Option<Arc<dyn Fn(GitOperation, GitOutcome) + Send + Sync>>);

/// Something done with a repository; whatever it takes to do it counts as this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitOperation {
    /// Looking where the branches stand.
    Fetch,
    /// Pushing records.
    Push,
    /// Pushing a proposal.
    Propose,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitOutcome {
    /// Well.
    Done,
    /// Somebody else was faster.
    Lost,
    /// The server, or a rule of ours, refuses it.
    Declined,
    /// It failed.
    Failed,
}

impl GitObserver {
    /// Tells this function.
    #[must_use]
    pub fn new(told: impl Fn(GitOperation, GitOutcome) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    pub(super) fn tell(&self, operation: GitOperation, outcome: GitOutcome) {
        if let Some(told) = &self.0 {
            told(operation, outcome);
        }
    }
}

impl std::fmt::Debug for GitObserver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitObserver").finish_non_exhaustive()
    }
}

impl GitOperation {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Push => "push",
            Self::Propose => "propose",
        }
    }
}

impl GitOutcome {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Lost => "lost",
            Self::Declined => "declined",
            Self::Failed => "failed",
        }
    }
}
