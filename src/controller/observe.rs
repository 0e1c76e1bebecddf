//! Where git stands: tips, the manifest that counts, and a deployment somebody left unfinished.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::named::Named;
use super::trust::Whose;
use super::{PassError, PassOptions, Recorded, Records};
use crate::flow::Definition;
use crate::plan::Last;
use crate::record::audit;
use crate::record::{DEFINITION_BYTES_MAX, LastFlow, Manifest, Suspended, hex_sha256, paths};
use crate::revision::{BlobId, CommitId};
use crate::source::{RECORD_BYTES_MAX, Source, SourceError, Tips};

/// What a pass has seen of git.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Where the branches stand.
    pub tips: Tips,
    /// The newest manifest whose deployment is what it says; `None` before the first.
    pub manifest: Option<Manifest>,
    /// Whether that manifest is a deployment begun and not ended.
    pub interrupted: bool,
    /// That deployment as git has it: nothing of it is proven yet.
    pub unfinished: Option<Manifest>,
    /// Whether a person takes the records for this environment's, which they do not say of themselves: the next
    /// record says it.
    pub adopts: bool,
    /// Whether that manifest is not as it was closed.
    pub is_altered: bool,
    /// Whether a person has suspended the environment.
    pub suspended: Suspended,
    /// What a person should know.
    pub alarms: Vec<String>,
}

impl Seen {
    /// Tips whose records were not looked at.
    #[must_use]
    pub fn of(tips: Tips) -> Self {
        Self {
            tips,
            manifest: None,
            interrupted: false,
            unfinished: None,
            adopts: false,
            is_altered: false,
            suspended: Suspended::No,
            alarms: Vec::new(),
        }
    }
}

impl<S: Source> Records<S> {
    /// Fetches, and reads the newest manifest.
    pub async fn observe(&self) -> Result<Seen, PassError> {
        let tips = self.source.fetch().await?;
        self.seen_at(tips, &PassOptions::default()).await
    }

    /// Reads what the given tips hold.
    pub async fn seen_at(&self, tips: Tips, options: &PassOptions) -> Result<Seen, PassError> {
        let mut seen = Seen::of(tips);
        let Some(records) = seen.tips.records.clone() else {
            return Ok(seen);
        };
        seen.suspended = self.suspended_at(&records).await?;
        let Some(recorded) = self.recorded_at(&records).await? else {
            return Ok(seen);
        };
        let whose = self.whose(&recorded, options)?;
        seen.adopts = whose != Whose::Ours;
        self.index.leave_out(&recorded.manifest.defaults);
        let key = self.vouching_key(&records).await?;
        let is_vouched = !seen.adopts && key.as_ref().is_some_and(|key| self.index.is_vouched(key));
        let Recorded { manifest, .. } = &recorded;
        if whose == Whose::Adopted && manifest.status().is_under_way() {
            // What was begun elsewhere cannot be ended here.
            seen.alarms.push(format!(
                "deployment {} of environment `{}`, target `{}` was not ended (`{}`) and is left there as it is",
                manifest.deployment_id,
                manifest.environment,
                manifest.target_environment,
                manifest.status()
            ));
            self.count(&mut seen, recorded, options).await?;
            return Ok(seen);
        }
        if is_vouched {
            seen.manifest = Some(recorded.manifest);
            return Ok(seen);
        }
        if !manifest.status().is_under_way() {
            self.count(&mut seen, recorded, options).await?;
            if let Some(key) = key.filter(|_| seen.alarms.is_empty() && !seen.adopts) {
                self.index.vouch(key);
            }
            return Ok(seen);
        }
        self.count_under_way(&mut seen, &records, recorded, options).await?;
        Ok(seen)
    }

    /// Lets a deployment count as interrupted, or what it ended as if it did so earlier.
    async fn count_under_way(
        &self,
        seen: &mut Seen,
        records: &CommitId,
        recorded: Recorded,
        options: &PassOptions,
    ) -> Result<(), PassError> {
        let Recorded { manifest, .. } = &recorded;
        let Some(ended) = self.ended_earlier(records, manifest).await? else {
            (seen.interrupted, seen.unfinished) = (true, Some(manifest.clone()));
            return self.count(seen, recorded, options).await;
        };
        seen.alarms.push(format!(
            "the manifest of `{}` at {records} says that deployment {} is `{}`, but it ended earlier: a revert or merge \
             brought it back; it is ignored",
            self.environment,
            manifest.deployment_id,
            manifest.status()
        ));
        match ended {
            Some(ended) => self.count(seen, ended, options).await,
            None => Ok(()),
        }
    }

    /// Lets a manifest count, less what git does not prove.
    async fn count(&self, seen: &mut Seen, recorded: Recorded, options: &PassOptions) -> Result<(), PassError> {
        if !recorded.manifest.status().is_under_way() {
            let altered = self.altered(&recorded).await?;
            seen.is_altered = altered.is_some();
            seen.alarms.extend(altered);
        }
        let mut manifest = recorded.manifest;
        seen.alarms.extend(self.keep_what_is_proven(&seen.tips.flows, &mut manifest, options).await?);
        seen.manifest = Some(manifest);
        Ok(())
    }

    /// What this environment's records, as they stand in a commit, are remembered by once they are proven.
    pub(super) async fn vouching_key(&self, records: &CommitId) -> Result<Option<String>, PassError> {
        let Some(tree) = self.source.records_tree(records, &self.environment).await? else { return Ok(None) };
        let seal = self.seal_key()?.map(|key| key.fingerprint());
        let identity = (&self.environment, &self.target, &self.tenant_url, &self.branch, seal);
        Ok(Some(hex_sha256(format!("{}\n{identity:?}", tree.0).as_bytes())))
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

    /// Hands over every manifest that was committed at or after `since`, or ever, with its commit: newest first, one
    /// at a time in memory. Unreadable ones are left out.
    pub async fn fold_manifests<R: Send + 'static>(
        &self,
        tip: &CommitId,
        since: Option<Timestamp>,
        state: R,
        mut step: impl FnMut(&mut R, &CommitId, Manifest) + Send + 'static,
    ) -> Result<R, PassError> {
        let path = paths::manifest(&self.environment);
        let history = self.source.record_history(tip, &path).await?;
        let recent = history.into_iter().filter(|entry| since.is_none_or(|since| entry.time >= since));
        let (commits, blobs): (Vec<CommitId>, Vec<BlobId>) =
            recent.filter_map(|entry| Some((entry.commit, entry.blob?))).unzip();
        let read = move |state: &mut R, index: usize, content: Option<&[u8]>| {
            let (Some(content), Some(commit)) = (content, commits.get(index)) else { return };
            if let Ok(manifest) = Manifest::from_text(content, &path, commit) {
                step(state, commit, manifest);
            }
        };
        Ok(self.source.fold_blobs(blobs, state, read).await?)
    }

    /// If the deployment of an unfinished manifest has an end in history: the newest ended manifest, which is what
    /// counts instead. What the audit file of that deployment was once says so, and is little to read.
    async fn ended_earlier(
        &self,
        tip: &CommitId,
        unfinished: &Manifest,
    ) -> Result<Option<Option<Recorded>>, PassError> {
        let mut has_ended = false;
        for path in paths::audit_anywhere(&self.environment, &unfinished.deployment_id) {
            let audit = self.source.record_history(tip, &path).await?;
            for blob in audit.iter().filter_map(|entry| entry.blob.as_ref()) {
                let texts = self.read_named(std::iter::once(blob), RECORD_BYTES_MAX).await?;
                let text = texts.get(blob).and_then(Named::text);
                has_ended |= text.is_some_and(|text| audit::closing(text, &unfinished.deployment_id).is_some());
            }
        }
        if !has_ended {
            return Ok(None);
        }
        for entry in self.source.record_history(tip, &paths::manifest(&self.environment)).await? {
            let version = self.version(&entry).await?;
            if let Some(ended) = version.filter(|version| version.manifest.status().is_ended()) {
                return Ok(Some(Some(ended)));
            }
        }
        Ok(Some(None))
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
    /// have changed since, or defaults are left out, which are met one by one, the flows are read from git and compared
    /// anew.
    pub async fn last(&self, manifest: Option<&Manifest>) -> Result<Last, PassError> {
        let Some(manifest) = manifest else {
            return Ok(Last::default());
        };
        let flows = manifest.last_flows();
        let hashes = flows.iter().map(|(id, flow)| (id.clone(), flow.equality_hash)).collect();
        let mut last = Last { flows: hashes, ..Last::default() };
        let comparison = self.index.comparison();
        if manifest.ignore == comparison.ignored() && comparison.defaults().is_empty() {
            return Ok(last);
        }
        let known: BTreeMap<_, &LastFlow> =
            flows.iter().filter_map(|(id, flow)| Some(((id, flow.origin()?), flow))).collect();
        let texts = self.read_documents(known.keys().map(|(_, origin)| origin.clone()), DEFINITION_BYTES_MAX).await?;
        for (id, origin) in known.keys() {
            let text = texts.get(origin).and_then(Named::text).cloned();
            let definition = text.and_then(|text| Definition::from_file(text, &comparison).ok());
            if let Some(definition) = definition {
                last.flows.insert((*id).clone(), definition.equality_hash);
            }
        }
        Ok(last)
    }

    /// The previous definitions that stand at a tip, each as a file to be removed: an ended deployment needs none.
    pub(super) async fn spent_definitions(
        &self,
        tip: Option<&CommitId>,
    ) -> Result<BTreeMap<String, Option<Vec<u8>>>, SourceError> {
        let Some(tip) = tip else {
            return Ok(BTreeMap::new());
        };
        let spent = self.source.list_records(tip, &paths::before_folder(&self.environment)).await?;
        Ok(spent.into_iter().map(|path| (path, None)).collect())
    }
}
