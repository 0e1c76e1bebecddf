//! Approvals: manifests of status `pending` that people propose, review and merge. Pure: texts in, judgements out.
//!
//! An approval is input like any record. It is what it says only where its name, its environment and its shape fit;
//! everything else approves nothing and is named.

mod judge;
mod plan_file;
#[cfg(test)]
mod tests;

use super::{FlowAction, Manifest, ManifestFault, ManifestFlow, Status};
use crate::flow::{ContentHash, EnvironmentId, FlowId};
use crate::revision::BlobId;

pub use judge::{ApprovalVerdict, Judgement, Missing, judge};
pub use plan_file::PlanFile;

/// So many approval files are read, the unused ones first.
pub const APPROVALS_MAX: usize = 1_000;

/// All of them together may have so many bytes.
pub const APPROVALS_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// One change, as a plan makes it and an approval allows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The flow.
    pub id: FlowId,
    /// What is done to it; never [`FlowAction::None`].
    pub action: FlowAction,
    /// Hash of the flow as pushed; absent for a delete.
    pub target: Option<ContentHash>,
    /// Hash of what is live before; absent for a create.
    pub previous: Option<ContentHash>,
}

/// A file that approves changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its path from the root of the repository.
    pub file: String,
    /// Its content's id: the same file brought back is the same approval.
    pub blob: BlobId,
    /// What it approves.
    pub entries: Vec<Entry>,
    /// The deployment that used it, in whose records that stands.
    pub used_by: Option<super::DeploymentId>,
}

/// Why a file in the folder of approvals approves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalFault {
    /// It is called otherwise than approvals are.
    #[error("expected a name of 64 lower-case hexadecimal digits and `.json`: those of its plan digest")]
    Name,
    /// git knows the file and does not hold what stands in it.
    #[error("its content is missing in the clone: fetch the whole history")]
    Gone,
    /// It is no manifest that can be read.
    #[error("it cannot be read as a manifest: {0}")]
    Text(#[from] ManifestFault),
    /// It is a manifest of something that has begun.
    #[error("expected status `pending`, found `{0}`")]
    Status(Status),
    /// It says another environment.
    #[error("it is for environment `{found}`, and stands in the folder of `{expected}`")]
    Environment {
        /// The environment whose folder it stands in.
        expected: String,
        /// What it says.
        found: String,
    },
    /// It says another environment of the tenant.
    #[error("it is for `{found}` of the tenant, and this environment is `{expected}` there")]
    Target {
        /// The tenant's name of this environment.
        expected: EnvironmentId,
        /// What it says.
        found: EnvironmentId,
    },
    /// It was renamed or its digest was altered.
    #[error("its name is not that of its plan digest")]
    Renamed,
    /// The hashes of an entry do not go with its action.
    #[error("`contentHash` and `previousHash` of `{0}` do not go with its action")]
    Shape(FlowId),
}

/// Whose approvals are read.
#[derive(Debug, Clone, Copy)]
pub struct ApprovalsOf<'a> {
    /// The configuration's name of the environment.
    pub environment: &'a str,
    /// The tenant's name of it.
    pub target: &'a EnvironmentId,
}

impl Approval {
    /// Reads a file of the folder of approvals; `file` is its path from the root of the repository.
    ///
    /// # Errors
    ///
    /// It approves nothing here.
    pub fn read(of: ApprovalsOf<'_>, file: String, blob: BlobId, text: &[u8]) -> Result<Self, ApprovalFault> {
        let name = file.rsplit('/').next().unwrap_or_default();
        let digits = digits_of(name).ok_or(ApprovalFault::Name)?;
        let (manifest, entries) = of_environment(of, text)?;
        if manifest.plan_digest.strip_prefix("sha256:") != Some(digits) {
            return Err(ApprovalFault::Renamed);
        }
        Ok(Self { entries, file, blob, used_by: None })
    }

    /// Whether it approves one of these changes.
    #[must_use]
    pub fn approves_any(&self, changes: &[Entry]) -> bool {
        changes.iter().any(|change| self.entries.contains(change))
    }
}

/// A pending manifest of an environment, and its changes.
fn of_environment(of: ApprovalsOf<'_>, text: &[u8]) -> Result<(Manifest, Vec<Entry>), ApprovalFault> {
    let manifest = Manifest::read(text)?;
    if manifest.status() != Status::Pending {
        return Err(ApprovalFault::Status(manifest.status()));
    }
    if manifest.environment != of.environment {
        return Err(ApprovalFault::Environment { expected: of.environment.to_owned(), found: manifest.environment });
    }
    if manifest.target_environment != *of.target {
        return Err(ApprovalFault::Target { expected: of.target.clone(), found: manifest.target_environment });
    }
    let entries = entries_of(&manifest)?;
    Ok((manifest, entries))
}

fn entries_of(manifest: &Manifest) -> Result<Vec<Entry>, ApprovalFault> {
    let changed = manifest.flows.iter().filter(|flow| flow.action != FlowAction::None);
    changed.map(|flow| Entry::of(flow).ok_or_else(|| ApprovalFault::Shape(flow.id.clone()))).collect()
}

impl Entry {
    /// The change that a manifest has of a flow; `None` where its hashes do not go with its action.
    #[must_use]
    pub fn of(flow: &ManifestFlow) -> Option<Self> {
        let (target, previous) = (flow.content_hash, flow.previous_hash);
        let is_fit = match flow.action {
            FlowAction::Create => target.is_some() && previous.is_none(),
            FlowAction::Update => target.is_some() && previous.is_some(),
            FlowAction::Delete => target.is_none() && previous.is_some(),
            FlowAction::None => false,
        };
        is_fit.then(|| Self { id: flow.id.clone(), action: flow.action, target, previous })
    }
}

/// The digits of a plan digest in the name of an approval.
#[must_use]
pub fn digits_of(name: &str) -> Option<&str> {
    let digits = name.strip_suffix(".json")?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (digits.len() == 64 && digits.bytes().all(is_digit)).then_some(digits)
}
