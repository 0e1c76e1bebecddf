//! Where records stand below the records folder.

use super::DeploymentId;
use crate::flow::ContentHash;

/// The newest manifest of an environment.
#[must_use]
pub fn manifest(environment: &str) -> String {
    format!("{environment}/manifest.json")
}

/// The file that says that an environment is suspended.
#[must_use]
pub fn suspended(environment: &str) -> String {
    format!("{environment}/suspended.json")
}

/// The folder of an environment's audit files.
#[must_use]
pub fn audit_folder(environment: &str) -> String {
    format!("{environment}/audit")
}

/// The audit file of one deployment, in the folder of the month its id begins with: a tree is written anew at each
/// commit, so that one folder for all of them would grow with the square of their number.
#[must_use]
pub fn audit(environment: &str, deployment: &DeploymentId) -> String {
    format!("{environment}/audit/{}/{deployment}.jsonl", deployment.month())
}

/// Where versions before the folders of months put the audit file of one deployment.
#[must_use]
fn audit_without_month(environment: &str, deployment: &DeploymentId) -> String {
    format!("{environment}/audit/{deployment}.jsonl")
}

/// Wherever the audit file of one deployment may stand.
#[must_use]
pub fn audit_anywhere(environment: &str, deployment: &DeploymentId) -> [String; 2] {
    [audit(environment, deployment), audit_without_month(environment, deployment)]
}

/// The folder of approvals: manifests that people propose and review.
#[must_use]
pub fn approved_folder(environment: &str) -> String {
    format!("{environment}/approved")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_stands_in_the_folder_of_its_month() {
        let id = DeploymentId::new("2026-11-30T23:59:59.999Z".parse().unwrap(), 7);
        assert_eq!(audit("production", &id), format!("production/audit/2026-11/{id}.jsonl"));
    }
}
