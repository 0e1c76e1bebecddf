//! What flowsync writes down: the manifest of a deployment and its audit trail. Pure: builds and
//! checks texts, reads and writes no file.
//!
//! The manifest is lock, journal and report in one; see [`Manifest`] for its life.

pub mod audit;
mod digest;
mod life;
mod manifest;
pub mod paths;
mod quarantine;

pub use digest::{digest_text, hex_sha256};
pub use life::{Event as StatusEvent, IllegalEvent, Status};
pub use manifest::{
    FlowAction, FlowStatus, Holder, Kind, LastDeployed, LastFlow, MANIFEST_SCHEMA, MANIFEST_VERSION, Manifest,
    ManifestError, ManifestFlow, ManifestSource,
};
pub use quarantine::{Cause as QuarantineCause, Quarantine, TRANSPORT_TRIES_MAX, Verdict};

/// An id that sorts by time and is unique: `20261122T101500Z-3f9a1c22`.
#[must_use]
pub fn deployment_id(now: jiff::Timestamp, random: u64) -> String {
    format!("{}-{:08x}", now.strftime("%Y%m%dT%H%M%SZ"), random as u32)
}
