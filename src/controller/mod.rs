//! One pass over one environment, and the loop that makes passes.
//!
//! A pass takes no input: it looks at all of git and all of live. The same code serves a first start,
//! a restart, drift, and a new commit. [`Engine::pass`] reads as the contract's steps in order.

mod adopt;
mod approval;
mod begin;
mod bound;
mod carry;
mod claims;
mod commit;
mod contest;
#[cfg(test)]
mod costs;
mod defaults;
mod deployment;
mod desired;
mod folders;
#[cfg(test)]
mod in_memory;
mod judge;
mod ledger;
mod manifest;
mod named;
mod observe;
mod offer;
mod outbox;
mod overlays;
mod panicked;
mod pass;
mod prepare;
mod promote;
mod prove;
mod quiet;
mod records;
mod recovery;
mod releases;
mod releasing;
mod report;
mod rollback;
pub mod run;
mod signed;
mod spans;
mod states;
mod suspend;
mod trail;
mod trust;
mod unread;
pub mod view;
pub mod when;
#[cfg(test)]
mod whole;

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;

use crate::clock::Clock;
use crate::config::{SecretError, SubjectTemplate, SyncPolicy};
use crate::deploy::{JournalFailed, Progress};
use crate::flow::{BodyAbsent, FlowId};
use crate::index::LiveReader;
use crate::local::LocalError;
use crate::problem::Problem;
use crate::record::approval::PlanFile;
use crate::record::{IllegalEvent, ManifestError, Status, audit};
use crate::shutdown::Shutdown;
use crate::signature::KeysError;
use crate::source::{ProposeError, PushError, SourceError};
use crate::tenant::TenantError;

pub use adopt::adoption_branch;
pub use approval::{Approvals, entry, left_live};
pub use desired::{overlays_over_folders, read_desired, read_desired_whole};
pub use observe::Seen;
pub use offer::{Offer, OfferedFlow};
pub use overlays::{CheckedFiles, Overlays, check_files};
pub use panicked::{internal_error, panic_words};
pub use prepare::Prepared;
pub use promote::promotion_branch;
pub use records::Records;
pub use report::{
    EndpointReport, EnvironmentReport, FlowCounts, FlowReport, FlowSummary, Outcome, ReleaseReport, SyncResult,
};
pub use states::BackTo;
pub use suspend::{Suspender, Switched};
pub use trail::{TrailFault, TrailFile, Verified};
pub use trust::Recorded;
pub use unread::{bad_entry, left_out_note, listing_problems, unread};

/// One environment, ready to be worked on: its records, its tenant, and this machine.
pub struct Engine<T, S, L> {
    /// Git's side of it.
    pub records: Records<S>,
    /// Subject of the commits with records.
    pub subject: SubjectTemplate,
    /// How it is kept in sync.
    pub policy: SyncPolicy,
    /// How live flows are read and compared.
    pub reader: LiveReader,
    /// The tenant.
    pub tenant: Arc<T>,
    /// This machine's memory.
    pub local: Arc<L>,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
    /// Told of every step.
    pub progress: Progress,
    /// Asks this process to end: nothing new is begun then, and what was begun is ended or taken back.
    pub shutdown: Shutdown,
}

impl<T, S: Clone, L> Engine<T, S, L> {
    /// The same, but that its passes end when this asks for it.
    #[must_use]
    pub fn until(&self, shutdown: Shutdown) -> Self {
        let Self { records, subject, policy, reader, tenant, local, clock, progress, shutdown: _ } = self;
        Self {
            records: records.clone(),
            subject: subject.clone(),
            policy: policy.clone(),
            reader: reader.clone(),
            tenant: tenant.clone(),
            local: local.clone(),
            clock: clock.clone(),
            progress: progress.clone(),
            shutdown,
        }
    }
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
    /// These flows are meant to be deleted although they are protected.
    pub allow_delete_protected: BTreeSet<FlowId>,
    /// Accept that the branch no longer contains what was deployed from it.
    pub allow_rewind: bool,
    /// Take records of another environment, target, tenant or seal for this environment's.
    pub adopt_records: bool,
    /// Deploy exactly these changes, or nothing.
    pub plan: Option<PlanFile>,
    /// What was fetched at this moment or later will do to look at first; absent, it is fetched anew.
    pub fetched_since: Option<Instant>,
}

/// Why a pass could not do its work. Nothing was written to the tenant but by [`PassError::Unrecorded`] and
/// [`PassError::Unfinished`].
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
    /// The journal, before anything was begun.
    #[error("nothing was begun")]
    Journal(#[from] JournalFailed),
    /// A record in git cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The audit file of an interrupted deployment is damaged.
    #[error(
        "the audit trail of `{environment}` is damaged, so that the interrupted deployment cannot be gone on with; restore its file from its git history"
    )]
    Audit {
        /// The environment.
        environment: String,
        /// Where.
        source: audit::AuditFault,
    },
    /// What is done with a deployment and where its manifest says that it stands do not go together.
    #[error("the deployment cannot go on; what is live is as the audit trail says")]
    Status(#[from] IllegalEvent),
    /// The records could not be pushed.
    #[error("cannot push the records")]
    Push(#[from] PushError),
    /// A proposal could not be pushed.
    #[error("cannot push the proposal")]
    Unproposed(#[source] PushError),
    /// This process, or this pass, was asked to end before it had begun anything.
    #[error("{0}: this pass was asked to end; nothing was begun, and it wrote nothing to the tenant")]
    Stopped(&'static str),
    /// Live flows or the branch changed under every attempt to look at them.
    #[error("{0}; try again when it is quiet")]
    Unsettled(String),
    /// The closing record could not be pushed.
    #[error("`{reached}` was reached, but its record could not be pushed and {kept}: {reason}")]
    Unrecorded {
        /// The status reached.
        reached: Status,
        /// What became of the record.
        kept: Kept,
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
    /// A deployment was being taken back when the time for it ended.
    #[error("the deployment was not wholly taken back: {reason}; the next pass goes on with it")]
    Unfinished {
        /// The deployment.
        deployment: String,
        /// What ended it.
        reason: String,
        /// The flows that may be as they were before or not.
        flows: Vec<FlowReport>,
    },
    /// Signatures cannot be checked.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A flow's text is needed and was not loaded.
    #[error(transparent)]
    Body(#[from] BodyAbsent),
    /// What was asked for does not exist.
    #[error("{0}")]
    NotFound(String),
}

impl From<ProposeError> for PassError {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::Push(PushError::Source(error)) => error.into(),
            ProposeError::Push(error) => Self::Unproposed(error),
            ProposeError::Tracked(_) | ProposeError::Occupied { .. } | ProposeError::Unrelated { .. } => {
                Self::Refused { reason: error.to_string(), problems: Vec::new(), quarantined: false }
            }
        }
    }
}

/// What became of a closing record that could not be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is kept on this machine.
    ForALaterPass,
    /// It could not be kept either, for this reason: the next pass finds the deployment as if it had crashed.
    Not(String),
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ForALaterPass => f.write_str("is kept for a later pass"),
            Self::Not(reason) => write!(f, "could not be kept on this machine ({reason})"),
        }
    }
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
            Self::Unfinished { .. } => SyncResult::RollbackIncomplete,
            // Nothing is left to tell but what is live.
            Self::Unrecorded { kept: Kept::Not(_), reached: Status::RolledBack, .. } => SyncResult::RolledBack,
            Self::Unrecorded { kept: Kept::Not(_), reached: Status::RollbackIncomplete, .. } => {
                SyncResult::RollbackIncomplete
            }
            Self::Source(_)
            | Self::Tenant(_)
            | Self::Local(LocalError::Io { .. } | LocalError::Room { .. })
            | Self::Journal(_)
            | Self::Stopped(_)
            | Self::Push(_)
            | Self::Unproposed(_)
            | Self::Unsettled(_)
            | Self::Status(_)
            | Self::Unrecorded { .. }
            | Self::Secret(_)
            | Self::Keys(_)
            | Self::Body(_)
            | Self::NotFound(_) => SyncResult::Error,
        }
    }
}
