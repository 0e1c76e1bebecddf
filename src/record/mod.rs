//! What flowsync writes down: the manifest of a deployment and its audit trail. Pure: builds and
//! checks texts, reads and writes no file.
//!
//! The manifest is lock, journal and report in one; see [`Manifest`] for its life.

pub mod approval;
pub mod audit;
mod digest;
mod fared;
mod identity;
mod ids;
mod last;
mod life;
mod manifest;
mod ownership;
pub mod paths;
pub mod proof;
mod quarantine;
mod reading;
mod release;
mod seal;
mod suspension;

/// A previous definition may have this many bytes at most: twice what a flow file may have.
pub const DEFINITION_BYTES_MAX: u64 = 32 * 1024 * 1024;

pub use digest::{digest_text, hex_sha256};
pub use fared::FlowStatus;
pub use identity::{Difference, Identity};
pub use ids::{DeploymentId, DeploymentIdError, is_inner_path};
pub use last::{Held, LastFlow, LastState};
pub use life::{IllegalEvent, Status, StatusEvent};
pub use manifest::{
    FlowAction, Holder, Kind, LastDeployed, MANIFEST_SCHEMA, Manifest, ManifestFlow, ManifestSource, Planned,
    RollbackState, RollbackTo, UsedApproval,
};
pub use ownership::{Claim, ClaimFacts, Unproven};
pub use proof::HeldFlow;
pub use quarantine::{Quarantine, QuarantineCause, QuarantineVerdict, TRANSPORT_TRIES_MAX};
pub use reading::{MANIFEST_BYTES_MAX, ManifestError, ManifestFault};
pub use release::{Release, Released, SwitchedEndpoint, made_by, release_name};
pub use seal::{SealFault, SealKey, manifest_digest};
pub use suspension::{Reason, Suspended, Suspension};
