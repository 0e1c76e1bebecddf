//! The record that closes a deployment, and what it says of the manifest.

use super::{EventKind, MANIFEST_MEMBER, last};
use crate::record::DeploymentId;

/// The last record of an audit file, where it says that its deployment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Its hash.
    pub hash: String,
    /// The digest of the manifest that it was committed with; older versions did not keep it.
    pub manifest: Option<String>,
}

/// How an ended deployment was closed; nothing where the file does not say that this deployment ended.
#[must_use]
pub fn closing(file: &[u8], deployment: &DeploymentId) -> Option<Closing> {
    let record = last(file)?;
    let ends = [EventKind::Ended, EventKind::Adopted].iter().any(|kind| kind.as_str() == record.text("event"));
    if !ends || record.text("deploymentId") != deployment.as_str() {
        return None;
    }
    let manifest = record.members.get(MANIFEST_MEMBER).and_then(serde_json::Value::as_str).map(str::to_owned);
    Some(Closing { hash: record.hash, manifest })
}
