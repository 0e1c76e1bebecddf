//! Where records stand below the records folder.

use super::DeploymentId;
use crate::flow::ContentHash;

/// The newest manifest of an environment.
#[must_use]
pub fn manifest(environment: &str) -> String {
    format!("{environment}/manifest.json")
}

/// The folder of an environment's audit files.
#[must_use]
pub fn audit_folder(environment: &str) -> String {
    format!("{environment}/audit")
}

/// The audit file of one deployment.
#[must_use]
pub fn audit(environment: &str, deployment: &DeploymentId) -> String {
    format!("{environment}/audit/{deployment}.jsonl")
}

/// The folder of previous definitions that git did not hold yet.
#[must_use]
pub fn before_folder(environment: &str) -> String {
    format!("{environment}/before")
}

/// A previous definition that git did not hold yet.
#[must_use]
pub fn before(environment: &str, hash: &ContentHash) -> String {
    format!("{environment}/before/{hash}.json")
}
