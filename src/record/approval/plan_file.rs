//! A plan as `plan --out` wrote it, by which `sync --plan` is bound.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::judge::{ApprovalVerdict, Missing, judge};
use super::{Approval, ApprovalFault, ApprovalsOf, Entry, of_environment};
use crate::record::DeploymentId;
use crate::revision::BlobId;

/// What a deployment is bound to: these changes, all of them and no other, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFile {
    /// The id that stands in it, by which its use is known.
    pub id: DeploymentId,
    /// When it was made.
    pub made: Timestamp,
    entries: Vec<Entry>,
}

impl PlanFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// It is no plan of this environment.
    pub fn read(of: ApprovalsOf<'_>, text: &[u8]) -> Result<Self, ApprovalFault> {
        let (manifest, entries) = of_environment(of, text)?;
        Ok(Self { id: manifest.deployment_id, made: manifest.generated_at, entries })
    }

    /// What differs between the plan and the changes that are to be made now, in words; nothing where they are the same.
    #[must_use]
    pub fn stale(&self, changes: &[Entry]) -> Vec<String> {
        let (planned, found): (BTreeSet<&Entry>, BTreeSet<&Entry>) =
            (self.entries.iter().collect(), changes.iter().collect());
        let stand_in =
            Approval { file: String::new(), blob: BlobId(String::new()), entries: self.entries.clone(), used_by: None };
        let verdicts = judge(changes, &BTreeMap::new(), std::slice::from_ref(&stand_in)).verdicts;
        let told = |(change, verdict): (&Entry, ApprovalVerdict)| match verdict {
            ApprovalVerdict::Missing(Missing::Never { .. }) => Some(format!("`{}` is not in the plan", change.id)),
            ApprovalVerdict::Missing(missing) => Some(format!("`{}`: {missing}", change.id)),
            ApprovalVerdict::NotAsked | ApprovalVerdict::Approved => None,
        };
        let more = changes.iter().zip(verdicts).filter_map(told);
        let changed: BTreeSet<_> = found.iter().map(|change| &change.id).collect();
        let gone = planned.iter().filter(|entry| !changed.contains(&entry.id));
        more.chain(gone.map(|entry| format!("`{}` is not to be changed any more", entry.id))).collect()
    }
}
