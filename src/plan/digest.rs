//! What binds a plan: to the flows in git, and to what was live where it acts.

use sha2::{Digest as _, Sha256};

use super::{Change, Desired, Plan};
use crate::flow::{ContentHash, EnvironmentId};

/// Digest over every flow id and content hash of git: `sha256:` of lines `id hash`, by id.
#[must_use]
pub fn flows_digest(desired: &Desired) -> String {
    let mut hasher = Sha256::new();
    for (id, flow) in &desired.flows {
        hasher.update(format!("{id} {}\n", flow.definition.content_hash));
    }
    text(hasher)
}

/// Digest over target, git's flows, and each change with the hashes on both sides.
pub(super) fn plan_digest(target: &EnvironmentId, flows_digest: &str, changes: &[Change]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{}\n{flows_digest}\n", target.as_str().escape_default()));
    changes.iter().for_each(|change| hasher.update(line(change)));
    text(hasher)
}

impl Plan {
    /// Computes the digest anew after changes were taken out.
    pub fn bind(&mut self, target: &EnvironmentId) {
        self.digest = plan_digest(target, &self.flows_digest, &self.changes);
    }
}

/// What a quarantine of drift corrections goes by: the set of live changes and what would replace them.
#[must_use]
pub fn drift_key(changes: &[Change]) -> String {
    let mut hasher = Sha256::new();
    changes.iter().for_each(|change| hasher.update(line(change)));
    text(hasher)
}

fn line(change: &Change) -> String {
    let show = |hash: Option<ContentHash>| hash.map_or_else(|| "-".to_owned(), |hash| hash.to_string());
    let after = change.after().map(|flow| flow.definition.content_hash);
    let before = change.before().map(|definition| definition.content_hash);
    format!("{} {} {} {}\n", change.action(), change.id, show(after), show(before))
}

fn text(hasher: Sha256) -> String {
    let hex: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
