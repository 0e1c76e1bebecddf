//! The seam to the repository.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use flowsync::format::{Format, Unit};
use flowsync::revision::{BlobId, CommitId};
use flowsync::source::memory::MemorySource;
use flowsync::source::{
    BlobSizes, Expected, FileVersion, FlowEntry, FlowListing, HistoryEntry, Proposal, ProposeError, Proposed,
    PushError, RecordCommit, SignedHistory, Source, SourceError, Tips, Touched, TreeId,
};
use jiff::Timestamp;
use serde_json::Value;

use super::super::script::Script;
use super::super::world::ENVIRONMENT;
use super::{Breakage, Broken};

/// One process's way to the repository.
pub struct BrokenSource {
    pub clone: MemorySource,
    pub script: Arc<Script>,
    pub broken: Broken,
}

impl BrokenSource {
    /// What is really pushed of a change; nothing, if none of it.
    fn pushed(&self, change: &RecordCommit) -> Option<RecordCommit> {
        let mut change = change.clone();
        match self.broken.how {
            Some(Breakage::BelievesThePush) if says(&change, "deploying") => return None,
            Some(Breakage::LosesAnOutcome) if says(&change, "deployed") => {
                with_text(&mut change, "audit/", |audit| {
                    let outcome = audit.lines().find(|line| line.contains("\"event\":\"outcome\"")).unwrap_or_default();
                    audit.replace(&format!("{outcome}\n"), "")
                });
            }
            Some(Breakage::CommitsNoPrevious) => change.files.retain(|path, _| !path.contains("/before/")),
            Some(Breakage::WritesElsewhere) => {
                change.files.insert("staging/manifest.json".into(), Some(b"{}".to_vec()));
            }
            Some(Breakage::ForgetsApprovals) => {
                change.files.retain(|path, _| !path.contains("/approved/"));
                with_text(&mut change, "manifest.json", without_approvals);
            }
            Some(Breakage::MistakesHashes) => with_text(&mut change, "manifest.json", mistaken),
            _ => {}
        }
        Some(change)
    }

    async fn show_life(&self, tips: &Tips) -> Result<(), SourceError> {
        self.broken.memory().n_fetches += 1;
        let n_fetches = self.broken.memory().n_fetches;
        if n_fetches.is_multiple_of(2) {
            let files = BTreeMap::from([(format!("{ENVIRONMENT}/alive"), Some(n_fetches.to_string().into_bytes()))]);
            let alive = RecordCommit { message: "alive".into(), files, time: Timestamp::UNIX_EPOCH };
            // Whoever was faster is alive as well.
            _ = self.clone.commit_records(tips.records.as_ref(), &alive).await;
        }
        Ok(())
    }
}

/// Whether the manifest of a change has such a status.
fn says(change: &RecordCommit, status: &str) -> bool {
    let manifest = change.files.get(&format!("{ENVIRONMENT}/manifest.json"));
    let text = manifest.and_then(Option::as_deref).unwrap_or_default();
    serde_json::from_slice::<Value>(text).is_ok_and(|manifest| manifest["status"] == status)
}

/// Changes the text of the files of which the path has such a part.
fn with_text(change: &mut RecordCommit, part: &str, edit: impl Fn(&str) -> String) {
    for (_, content) in change.files.iter_mut().filter(|(path, _)| path.contains(part)) {
        if let Some(content) = content {
            *content = edit(&String::from_utf8_lossy(content)).into_bytes();
        }
    }
}

fn without_approvals(manifest: &str) -> String {
    let mut manifest: Value = serde_json::from_str(manifest).unwrap();
    manifest.as_object_mut().unwrap().remove("approvals");
    manifest.to_string()
}

/// The manifest with the hash of what a flow is to be for the hash of what it was.
fn mistaken(manifest: &str) -> String {
    let mut manifest: Value = serde_json::from_str(manifest).unwrap();
    for flow in manifest["flows"].as_array_mut().unwrap().iter_mut().filter(|flow| flow["action"] == "update") {
        flow["previousHash"] = flow["contentHash"].clone();
    }
    manifest.to_string()
}

impl Source for BrokenSource {
    async fn fetch(&self) -> Result<Tips, SourceError> {
        let tips = self.clone.fetch().await?;
        if self.broken.is(Breakage::ShowsLife) {
            self.show_life(&tips).await?;
            return self.clone.fetch().await;
        }
        Ok(tips)
    }

    async fn commit_records(&self, base: Option<&CommitId>, change: &RecordCommit) -> Result<CommitId, PushError> {
        self.script.proposes(change);
        match (self.pushed(change), base) {
            (None, Some(base)) => Ok(base.clone()),
            (change, _) => self.clone.commit_records(base, &change.unwrap()).await,
        }
    }

    fn flows_folder(&self) -> &str {
        self.clone.flows_folder()
    }

    fn overlays_folder(&self) -> Option<&str> {
        self.clone.overlays_folder()
    }

    async fn list_flows_sized(&self, commit: &CommitId, sizes: BlobSizes) -> Result<FlowListing, SourceError> {
        self.clone.list_flows_sized(commit, sizes).await
    }

    async fn flows_tree(&self, commit: &CommitId) -> Result<Option<TreeId>, SourceError> {
        self.clone.flows_tree(commit).await
    }

    async fn records_tree(&self, commit: &CommitId, folder: &str) -> Result<Option<TreeId>, SourceError> {
        self.clone.records_tree(commit, folder).await
    }

    async fn blob_sizes(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, SourceError> {
        self.clone.blob_sizes(blobs).await
    }

    async fn read_blobs(&self, blobs: &[BlobId]) -> Result<Vec<Option<Arc<[u8]>>>, SourceError> {
        self.clone.read_blobs(blobs).await
    }

    fn format(&self) -> Format {
        self.clone.format()
    }

    async fn read_units(&self, entries: &[FlowEntry]) -> Result<Vec<Option<Unit>>, SourceError> {
        self.clone.read_units(entries).await
    }

    async fn fold_blobs<T: Send + 'static>(
        &self,
        blobs: Vec<BlobId>,
        state: T,
        step: impl FnMut(&mut T, usize, Option<&[u8]>) + Send + 'static,
    ) -> Result<T, SourceError> {
        self.clone.fold_blobs(blobs, state, step).await
    }

    async fn read_record(&self, commit: &CommitId, path: &str) -> Result<Option<Arc<[u8]>>, SourceError> {
        if self.broken.is(Breakage::OverlooksSuspensions) && path.ends_with("/suspended.json") {
            return Ok(None);
        }
        self.clone.read_record(commit, path).await
    }

    async fn list_records(&self, commit: &CommitId, folder: &str) -> Result<Vec<String>, SourceError> {
        self.clone.list_records(commit, folder).await
    }

    async fn record_files(&self, commit: &CommitId, folder: &str) -> Result<BTreeMap<String, BlobId>, SourceError> {
        self.clone.record_files(commit, folder).await
    }

    async fn unexpected_versions(
        &self,
        tip: &CommitId,
        folder: &str,
        expected: HashMap<CommitId, Expected>,
    ) -> Result<Vec<FileVersion>, SourceError> {
        self.clone.unexpected_versions(tip, folder, expected).await
    }

    fn blob_id(&self, content: &[u8]) -> BlobId {
        self.clone.blob_id(content)
    }

    async fn contains(&self, commit: &CommitId, ancestor: &CommitId) -> Result<bool, SourceError> {
        self.clone.contains(commit, ancestor).await
    }

    async fn record_history(&self, tip: &CommitId, path: &str) -> Result<Vec<HistoryEntry>, SourceError> {
        self.clone.record_history(tip, path).await
    }

    async fn flow_blob(&self, commit: &CommitId, path: &str) -> Result<Option<BlobId>, SourceError> {
        self.clone.flow_blob(commit, path).await
    }

    async fn flow_history(&self, tip: &CommitId, path: &str) -> Result<Vec<HistoryEntry>, SourceError> {
        self.clone.flow_history(tip, path).await
    }

    async fn signed_history(
        &self,
        tip: &CommitId,
        since: Option<&CommitId>,
        approved: &str,
    ) -> Result<SignedHistory, SourceError> {
        self.clone.signed_history(tip, since, approved).await
    }

    async fn touched(&self, commit: &CommitId) -> Result<Touched, SourceError> {
        self.clone.touched(commit).await
    }

    async fn propose(&self, proposal: &Proposal) -> Result<Proposed, ProposeError> {
        self.clone.propose(proposal).await
    }
}
