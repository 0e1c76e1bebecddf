//! One pass over one environment, and the loop that makes passes.
//!
//! A pass takes no input: it looks at all of git and all of live. The same code serves a first start,
//! a restart, drift, and a new commit. [`Engine::pass`] reads as the contract's steps in order.

mod carry;
mod contest;
#[cfg(test)]
mod costs;
mod desired;
mod ledger;
mod manifest;
mod named;
mod observe;
mod pass;
mod prepare;
mod quiet;
mod recovery;
mod report;
mod rollback;
mod trail;
pub mod triggers;
mod trust;

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{SecretError, SecretSource, SyncPolicy};
use crate::deploy::{LiveReader, Progress};
use crate::flow::{BodyAbsent, EnvironmentId};
use crate::local::LocalError;
use crate::problem::Problem;
use crate::record::{ManifestError, audit};
use crate::source::{PushError, SourceError};
use crate::tenant::TenantError;

pub use desired::{bad_entry, read_desired};
pub use observe::Seen;
pub use prepare::Prepared;
pub use report::{EnvironmentReport, FlowReport, Outcome, SyncResult};
pub use trail::{TrailFault, TrailFile};
pub use trust::Recorded;

/// One environment, ready to be worked on.
pub struct Engine<T, S, L> {
    /// The environment's name in the configuration.
    pub environment: String,
    /// The tenant's name of it.
    pub target: EnvironmentId,
    /// The tenant's URL in the one form by which tenants are told apart.
    pub tenant_url: String,
    /// The branch that is the truth.
    pub branch: String,
    /// The records folder, for messages.
    pub records: String,
    /// Where the key that seals manifests is found, if they are sealed.
    pub seal_key: Option<SecretSource>,
    /// How it is kept in sync.
    pub policy: SyncPolicy,
    /// How live flows are read and compared.
    pub reader: LiveReader,
    /// The tenant.
    pub tenant: Arc<T>,
    /// The repository.
    pub source: Arc<S>,
    /// This machine's memory.
    pub local: Arc<L>,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
    /// Told of every step.
    pub progress: Progress,
}

/// What a person may say for one pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassOptions {
    /// Plan, and write nothing.
    pub dry_run: bool,
    /// Try again what is quarantined.
    pub retry: bool,
    /// Take another's deployment over although its lease has not ended.
    pub take_over: bool,
    /// So many deletes are meant.
    pub allow_deletes: Option<usize>,
    /// Accept that the branch no longer contains what was deployed from it.
    pub allow_rewind: bool,
    /// Take records of another environment, target, tenant or seal for this environment's.
    pub adopt_records: bool,
}

/// Why a pass could not do its work. Nothing was written to the tenant.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// Refused: the flows, the references, the deletes, the quarantine.
    #[error("{reason}")]
    Refused {
        /// In words.
        reason: String,
        /// The problems behind it.
        problems: Vec<Problem>,
        /// Whether a quarantine holds it back.
        quarantined: bool,
    },
    /// Another deployment holds the environment.
    #[error("{0}")]
    Busy(String),
    /// Git.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The tenant, before any write.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The state directory.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// A record in git cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The audit file of an interrupted deployment is damaged.
    #[error("the audit trail of `{environment}` is damaged, so that the interrupted deployment cannot be gone on with")]
    Audit {
        /// The environment.
        environment: String,
        /// Where.
        source: audit::Fault,
    },
    /// The records could not be pushed.
    #[error("cannot push the records")]
    Push(#[from] PushError),
    /// Live flows or the branch changed under every attempt to look at them.
    #[error("{0}; try again when it is quiet")]
    Unsettled(String),
    /// The closing record could not be pushed; it is kept and sent later.
    #[error("{result} was reached, but its record could not be pushed and is kept for a later pass: {reason}")]
    Unrecorded {
        /// The status reached.
        result: &'static str,
        /// The deployment.
        deployment: String,
        /// Why it could not be pushed.
        reason: String,
        /// How each flow ended.
        flows: Vec<FlowReport>,
    },
    /// The key that seals manifests cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A flow's text is needed and was not loaded.
    #[error(transparent)]
    Body(#[from] BodyAbsent),
    /// What was asked for does not exist.
    #[error("{0}")]
    NotFound(String),
}

impl PassError {
    /// The result word of a pass that ended with this error.
    #[must_use]
    pub fn result(&self) -> SyncResult {
        match self {
            Self::Refused { .. } => SyncResult::Refused,
            // A record that nobody can go by is refused, as flows that nobody can deploy are.
            Self::Manifest(_) | Self::Audit { .. } | Self::Source(SourceError::TooLarge { .. }) => SyncResult::Refused,
            Self::Busy(_) | Self::Local(LocalError::Held { .. }) => SyncResult::Busy,
            Self::Source(_)
            | Self::Tenant(_)
            | Self::Local(LocalError::Io { .. })
            | Self::Push(_)
            | Self::Unsettled(_)
            | Self::Unrecorded { .. }
            | Self::Secret(_)
            | Self::Body(_)
            | Self::NotFound(_) => SyncResult::Error,
        }
    }
}
