//! Under `approval: manifest`: was every change approved when its deployment began, and by what nobody had used?

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use flowsync::config::ApprovalPolicy;
use flowsync::flow::ContentHash;
use flowsync::record::approval::Entry;
use flowsync::record::{FlowAction, Kind, Manifest, ManifestFlow, Status, paths};
use flowsync::revision::{BlobId, CommitId};

use super::super::invariant::Invariant;
use super::super::world::{ENVIRONMENT, World};

/// A file of approvals, as it stood when a deployment began.
struct File {
    key: (String, BlobId),
    entries: Vec<Entry>,
}

impl World {
    /// A deployment begins.
    pub(super) fn check_approved(&self, manifest: &Manifest) {
        if self.policy.approval == ApprovalPolicy::None || manifest.kind != Kind::Sync {
            return;
        }
        let files = self.approvals_of(manifest);
        for flow in manifest.flows.iter().filter(|flow| flow.action != FlowAction::None) {
            let entry = Entry::of(flow);
            let allows = |file: &&File| entry.as_ref().is_some_and(|entry| file.entries.contains(entry));
            let (used, unused): (Vec<&File>, Vec<&File>) =
                files.iter().filter(allows).partition(|file| self.notes().used.contains(&file.key));
            if !unused.is_empty() || self.was_left(flow) {
                continue;
            }
            let how = format!("{} writes {} ({:?})", manifest.deployment_id, flow.id, flow.action);
            if let Some(file) = used.first() {
                self.violated(Invariant::ApprovedOnce, format!("{how} by {}, which was used", file.key.0));
            }
            self.violated(Invariant::Approved, how);
        }
    }

    /// A deployment ended: what it was allowed by is used, and what it left may be put back.
    pub(super) fn note_approvals(&self, manifest: &Manifest) {
        if self.policy.approval == ApprovalPolicy::None || manifest.status() != Status::Deployed {
            return;
        }
        let changes: BTreeSet<Entry> = manifest.flows.iter().filter_map(Entry::of).collect();
        let files = if manifest.kind == Kind::Sync { self.approvals_of(manifest) } else { Vec::new() };
        let is_meddled = self.meddled.load(Ordering::Relaxed);
        let mut notes = self.notes();
        let used = files.into_iter().filter(|file| file.entries.iter().any(|entry| changes.contains(entry)));
        notes.used.extend(used.map(|file| file.key));
        for (id, last) in manifest.last_flows() {
            let left: &mut BTreeSet<ContentHash> = notes.left.entry(id).or_default();
            if !is_meddled {
                left.clear();
            }
            left.insert(last.content_hash);
        }
    }

    fn was_left(&self, flow: &ManifestFlow) -> bool {
        let notes = self.notes();
        let left = notes.left.get(&flow.id);
        flow.content_hash.is_some_and(|target| left.is_some_and(|left| left.contains(&target)))
    }

    fn approvals_of(&self, manifest: &Manifest) -> Vec<File> {
        let Some(commit) = &manifest.source.commit else { return Vec::new() };
        let folder = format!("{}/{}", self.folders.records, paths::approved_folder(ENVIRONMENT));
        let read = |(path, blob): (String, BlobId)| {
            let text = self.remote.blob(&blob)?;
            let pending = Manifest::from_text(&text, &path, &CommitId(String::new())).ok()?;
            let is_pending = pending.status() == Status::Pending;
            let entries = pending.flows.iter().filter_map(Entry::of).collect();
            is_pending.then_some(File { key: (path, blob), entries })
        };
        self.remote.files_in(commit, &folder).into_iter().filter_map(read).collect()
    }
}
