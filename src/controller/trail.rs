//! The audit trail of an environment, read from git and held against git's own history.

use std::collections::BTreeMap;

use super::{Engine, PassError};
use crate::local::LocalState;
use crate::record::{audit, paths};
use crate::revision::CommitId;
use crate::source::Source;
use crate::tenant::Tenant;

/// The audit files of an environment at a commit.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    /// Content by file name, without folder.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The head the newest manifest names.
    pub head: Option<String>,
}

/// Something wrong with the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailFault(pub String);

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Reads the trail at the newest records.
    pub async fn trail(&self, tip: &CommitId) -> Result<Trail, PassError> {
        let folder = paths::audit_folder(&self.environment);
        let mut files = BTreeMap::new();
        for path in self.source.list_records(tip, &folder).await? {
            let content = self.source.read_record(tip, &path).await?.unwrap_or_default();
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            files.insert(name, content.to_vec());
        }
        let head = self.manifest_at(tip).await?.and_then(|manifest| manifest.audit_head);
        Ok(Trail { files, head })
    }

    /// Everything wrong with the trail: within itself, and against every manifest and every earlier
    /// version of its files that git's history holds.
    pub async fn verify_trail(&self, tip: &CommitId) -> Result<(Trail, Vec<TrailFault>), PassError> {
        let trail = self.trail(tip).await?;
        let mut faults: Vec<TrailFault> = audit::verify(&trail.files, trail.head.as_deref())
            .err()
            .unwrap_or_default()
            .iter()
            .map(|fault| TrailFault(fault.to_string()))
            .collect();
        let hashes = trail.hashes();
        for (commit, manifest) in self.manifests(tip).await? {
            let head = manifest.audit_head.unwrap_or_default();
            if !head.is_empty() && !hashes.contains(&head) {
                faults.push(TrailFault(format!(
                    "audit/{}.jsonl: the manifest of commit {commit} names the record {head}, which is in no file: it was removed or altered",
                    manifest.deployment_id
                )));
            }
            let name = format!("{}.jsonl", manifest.deployment_id);
            if !trail.files.contains_key(&name) {
                faults.push(TrailFault(format!("audit/{name}: the file is missing; commit {commit} had it")));
            }
        }
        for (name, content) in &trail.files {
            faults.extend(self.compare_with_history(tip, name, content).await?);
        }
        faults.sort_by(|a, b| a.0.cmp(&b.0));
        faults.dedup();
        Ok((trail, faults))
    }

    async fn compare_with_history(
        &self,
        tip: &CommitId,
        name: &str,
        content: &[u8],
    ) -> Result<Vec<TrailFault>, PassError> {
        let path = format!("{}/{name}", paths::audit_folder(&self.environment));
        let history = self.source.record_history(tip, &path).await?;
        let versions: Vec<_> = history.into_iter().filter_map(|entry| Some((entry.commit, entry.blob?))).collect();
        let blobs: Vec<_> = versions.iter().map(|(_, blob)| blob.clone()).collect();
        let texts = self.source.read_blobs(&blobs).await?;
        let altered = |((commit, _), text): ((CommitId, _), Option<std::sync::Arc<[u8]>>)| {
            let text = text?;
            let line = first_difference(&text, content)?;
            Some(TrailFault(format!("audit/{name}:{line}: not as commit {commit} had it: the file is append-only")))
        };
        Ok(versions.into_iter().zip(texts).filter_map(altered).collect())
    }
}

impl Trail {
    fn hashes(&self) -> std::collections::BTreeSet<String> {
        self.files
            .values()
            .filter_map(|content| audit::parse(content).ok())
            .flatten()
            .map(|record| record.hash)
            .collect()
    }

    /// Every record in the order of the chain; files that are no part of it come last.
    #[must_use]
    pub fn records(&self) -> Vec<audit::Record> {
        let mut files: Vec<Vec<audit::Record>> =
            self.files.values().filter_map(|content| audit::parse(content).ok()).collect();
        let mut end = audit::GENESIS.to_owned();
        let mut records = Vec::new();
        while let Some(index) = files.iter().position(|file| file.first().is_some_and(|record| record.prev == end)) {
            let file = files.swap_remove(index);
            end = file.last().map_or(end, |record| record.hash.clone());
            records.extend(file);
        }
        records.extend(files.into_iter().flatten());
        records
    }
}

/// The line of `now` at which `earlier` is no longer its beginning.
fn first_difference(earlier: &[u8], now: &[u8]) -> Option<usize> {
    if now.starts_with(earlier) {
        return None;
    }
    let common = earlier.iter().zip(now).take_while(|(a, b)| a == b).count();
    Some(earlier[..common].iter().filter(|byte| **byte == b'\n').count() + 1)
}
