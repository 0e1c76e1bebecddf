//! Where git stands: tips, the manifest that counts, and a deployment somebody left unfinished.

use std::collections::BTreeMap;

use super::named::Named;
use super::trust::Whose;
use super::{Engine, PassError, PassOptions, Recorded};
use crate::flow::Definition;
use crate::local::LocalState;
use crate::plan::Last;
use crate::record::{DEFINITION_BYTES_MAX, LastFlow, MANIFEST_BYTES_MAX, Manifest, paths};
use crate::revision::{BlobId, CommitId};
use crate::source::{Source, SourceError, Tips};
use crate::tenant::Tenant;

/// What a pass has seen of git.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Where the branches stand.
    pub tips: Tips,
    /// The newest manifest whose deployment is what it says; `None` before the first.
    pub manifest: Option<Manifest>,
    /// Whether that manifest is a deployment begun and not ended.
    pub interrupted: bool,
    /// Whether a person takes the records for this environment's, which they do not say of themselves: the next
    /// record says it.
    pub adopts: bool,
    /// What a person should know.
    pub alarms: Vec<String>,
}

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Fetches, and reads the newest manifest.
    pub async fn observe(&self) -> Result<Seen, PassError> {
        let tips = self.source.fetch().await?;
        self.seen_at(tips, &PassOptions::default()).await
    }

    /// Reads what the given tips hold.
    pub async fn seen_at(&self, tips: Tips, options: &PassOptions) -> Result<Seen, PassError> {
        let mut seen = Seen { tips, manifest: None, interrupted: false, adopts: false, alarms: Vec::new() };
        let Some(records) = seen.tips.records.clone() else {
            return Ok(seen);
        };
        let Some(recorded) = self.recorded_at(&records).await? else {
            return Ok(seen);
        };
        let whose = self.whose(&recorded, options)?;
        let Recorded { manifest, .. } = recorded;
        seen.adopts = whose != Whose::Ours;
        if whose == Whose::Adopted && manifest.status.is_under_way() {
            // What was begun elsewhere cannot be ended here.
            seen.alarms.push(format!(
                "deployment {} of environment `{}`, target `{}` was not ended (`{}`) and is left there as it is",
                manifest.deployment_id, manifest.environment, manifest.target_environment, manifest.status
            ));
            seen.manifest = Some(manifest);
            return Ok(seen);
        }
        if !manifest.status.is_under_way() {
            seen.manifest = Some(manifest);
            return Ok(seen);
        }
        match self.ended_earlier(&records, &manifest).await? {
            None => (seen.manifest, seen.interrupted) = (Some(manifest), true),
            Some(ended) => {
                seen.alarms.push(format!(
                    "the manifest of `{}` at {records} says that deployment {} is `{}`, but it ended earlier: \
                     a revert or merge brought it back; it is ignored",
                    self.environment, manifest.deployment_id, manifest.status
                ));
                seen.manifest = Some(ended);
            }
        }
        Ok(seen)
    }

    /// The manifest in a commit, whatever it says.
    pub async fn manifest_at(&self, commit: &CommitId) -> Result<Option<Manifest>, PassError> {
        Ok(self.recorded_at(commit).await?.map(|recorded| recorded.manifest))
    }

    /// The same, with its text.
    pub async fn recorded_at(&self, commit: &CommitId) -> Result<Option<Recorded>, PassError> {
        let Some(text) = self.source.read_record(commit, &paths::manifest(&self.environment)).await? else {
            return Ok(None);
        };
        let manifest = Manifest::from_text(&text, &self.manifest_path(), commit)?;
        Ok(Some(Recorded { commit: commit.clone(), text, manifest }))
    }

    /// Every manifest there ever was, newest first, with its commit; unreadable ones are left out.
    pub async fn manifests(&self, tip: &CommitId) -> Result<Vec<(CommitId, Manifest)>, PassError> {
        let path = paths::manifest(&self.environment);
        let history = self.source.record_history(tip, &path).await?;
        let versions: Vec<_> = history.into_iter().filter_map(|entry| Some((entry.commit, entry.blob?))).collect();
        let texts = self.read_named(versions.iter().map(|(_, blob)| blob), MANIFEST_BYTES_MAX).await?;
        let read = |(commit, blob): (CommitId, BlobId)| {
            let manifest = Manifest::from_text(texts.get(&blob)?.text()?, &path, &commit).ok()?;
            Some((commit, manifest))
        };
        Ok(versions.into_iter().filter_map(read).collect())
    }

    /// If the deployment of an unfinished manifest has an ended one in history: the newest ended
    /// manifest, which is what counts instead.
    async fn ended_earlier(&self, tip: &CommitId, unfinished: &Manifest) -> Result<Option<Manifest>, PassError> {
        let manifests = self.manifests(tip).await?;
        let ended = |manifest: &Manifest| manifest.status.is_ended();
        let same = |manifest: &Manifest| manifest.deployment_id == unfinished.deployment_id;
        if !manifests.iter().any(|(_, manifest)| ended(manifest) && same(manifest)) {
            return Ok(None);
        }
        Ok(manifests.into_iter().map(|(_, manifest)| manifest).find(ended))
    }

    /// The branch must contain what was deployed from it before.
    pub async fn check_not_rewound(&self, seen: &Seen, allow: bool) -> Result<(), PassError> {
        let Some(manifest) = seen.manifest.as_ref().filter(|manifest| manifest.source.branch == self.branch) else {
            return Ok(());
        };
        let Some(known) = manifest.source.commit.as_ref().filter(|_| !allow) else {
            return Ok(());
        };
        if self.source.contains(&seen.tips.flows, known).await? {
            return Ok(());
        }
        Err(SourceError::Rewound { branch: self.branch.clone(), known: known.clone(), found: seen.tips.flows.clone() }
            .into())
    }

    /// What comparison sees of what the last completed deployment left. Where the ignored pointers
    /// have changed since, the flows are read from git and compared anew.
    pub async fn last(&self, manifest: Option<&Manifest>) -> Result<Last, PassError> {
        let Some(manifest) = manifest else {
            return Ok(Last::default());
        };
        let flows = manifest.last_flows();
        let mut last = Last { flows: flows.iter().map(|(id, flow)| (id.clone(), flow.equality_hash)).collect() };
        if manifest.ignore == self.reader.comparison().ignored() {
            return Ok(last);
        }
        let known: BTreeMap<_, &LastFlow> =
            flows.iter().filter_map(|(id, flow)| Some(((id, flow.blob.clone()?), flow))).collect();
        let texts = self.read_named(known.keys().map(|(_, blob)| blob), DEFINITION_BYTES_MAX).await?;
        for (id, blob) in known.keys() {
            let text = texts.get(blob).and_then(Named::text).cloned();
            let definition = text.and_then(|text| Definition::from_file(text, self.reader.comparison()).ok());
            if let Some(definition) = definition {
                last.flows.insert((*id).clone(), definition.equality_hash);
            }
        }
        Ok(last)
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}
