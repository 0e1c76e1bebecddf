//! A git repository in memory: for tests and simulations, where a process is a future and crashing
//! means dropping it.
//!
//! [`MemoryRemote`] is the shared repository; [`MemorySource`] is one process's way to it, with a hook
//! that may refuse, delay, lose or cut off each operation. Ids are content-addressed and look like git's.
//! Flows may stand in folders: see [`MemorySource::in_format`].

mod propose;
mod remote;
mod units;

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use crate::format::{Format, Unit};

use super::selection::{FlowSelection, Met, Walk, WalkStep};
use super::{
    BlobId, BlobSizes, CommitId, Expected, FileVersion, FlowEntry, FlowListing, HistoryEntry, Proposal, ProposeError,
    Proposed, PushError, RECORD_BYTES_MAX, RecordCommit, SignedCommit, SignedHistory, Source, SourceError, Tips,
    Touched, TreeId,
};

pub use remote::{Edits, MemoryRemote};

/// What a process does with the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Asks the remote where the branches stand.
    Fetch,
    /// Reads what was fetched.
    Read,
    /// Commits records, or a proposal, and pushes.
    Push,
}

/// What happens to one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceFault {
    /// Nothing.
    #[default]
    None,
    /// It takes this long, and then takes place.
    Slow(Duration),
    /// It fails, and does not take place.
    Unreachable,
    /// A push takes place, but its answer is lost.
    LostAnswer,
    /// A push is declined by a rule of the server.
    Declined,
    /// Somebody else's commit, to a file that is none of flowsync's, lands just before the push.
    Raced,
    /// Somebody else's commit lands just before a fetch or a push: whatever the hook makes up, records too.
    Forged,
    /// The process stops before it.
    CrashBefore,
    /// The process stops once it has taken place.
    CrashAfter,
}

/// Decides what happens to each operation, and is told of pushes.
pub trait SourceHook: Send + Sync {
    /// What happens to the operation that is about to be made.
    fn next(&self, operation: Operation) -> SourceFault;
    /// How long an operation takes when nothing happens to it.
    fn latency(&self) -> Duration;
    /// A push of records took place.
    fn pushed(&self, commit: &CommitId);
    /// Contents are handed over.
    fn read(&self, _n_blobs: usize) {}
    /// What somebody commits for [`SourceFault::Forged`], and when: paths from the root of the repository.
    fn forgery(&self, _remote: &MemoryRemote, _folders: &Folders) -> (Edits, Timestamp) {
        (Edits::new(), Timestamp::UNIX_EPOCH)
    }
}

/// No faults.
impl SourceHook for () {
    fn next(&self, _operation: Operation) -> SourceFault {
        SourceFault::None
    }

    fn latency(&self) -> Duration {
        Duration::ZERO
    }

    fn pushed(&self, _commit: &CommitId) {}
}

/// One environment's branches and folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// The branch that holds the flows.
    pub branch: String,
    /// The branch that holds the records; may be the same.
    pub records_branch: String,
    /// The folder of flow files.
    pub flows: String,
    /// The folder of records.
    pub records: String,
}

/// One process's clone of a [`MemoryRemote`].
pub struct MemorySource {
    remote: MemoryRemote,
    folders: Folders,
    hook: Arc<dyn SourceHook>,
    format: Format,
}

impl MemorySource {
    /// A clone.
    #[must_use]
    pub fn new(remote: MemoryRemote, folders: Folders, hook: Arc<dyn SourceHook>) -> Self {
        Self { remote, folders, hook, format: Format::default() }
    }

    /// The same, where flows stand in files in that way.
    #[must_use]
    pub fn in_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    async fn take_time(&self) {
        let latency = self.hook.latency();
        if !latency.is_zero() {
            sleep(latency).await;
        }
    }

    /// The fault of a reading operation, suffered.
    async fn suffer(&self, operation: Operation) -> Result<(), SourceError> {
        self.take_time().await;
        match self.hook.next(operation) {
            SourceFault::Slow(time) => sleep(time).await,
            SourceFault::Unreachable | SourceFault::LostAnswer | SourceFault::Declined => {
                return Err(unreachable("fetch from"));
            }
            SourceFault::CrashBefore | SourceFault::CrashAfter => pending::<()>().await,
            SourceFault::Forged if operation == Operation::Fetch => self.forge(),
            SourceFault::None | SourceFault::Raced | SourceFault::Forged => {}
        }
        Ok(())
    }

    /// Somebody commits what the hook makes up.
    fn forge(&self) {
        let branch = &self.folders.records_branch;
        let (edits, time) = self.hook.forgery(&self.remote, &self.folders);
        if !edits.is_empty() {
            self.remote.commit(branch, "chore: records", time, &edits);
        }
    }

    fn record_path(&self, path: &str) -> String {
        if path.is_empty() { self.folders.records.clone() } else { format!("{}/{path}", self.folders.records) }
    }

    fn push(&self, base: Option<&CommitId>, change: &RecordCommit) -> Result<CommitId, PushError> {
        let files: Edits =
            change.files.iter().map(|(path, content)| (self.record_path(path), content.clone())).collect();
        let branch = &self.folders.records_branch;
        let commit = self
            .remote
            .commit_onto(branch, base, &change.message, change.time, &files)
            .ok_or_else(|| PushError::Lost("fetch first".into()))?;
        self.hook.pushed(&commit);
        Ok(commit)
    }
}

fn unreachable(doing: &'static str) -> SourceError {
    SourceError::Remote { doing, url: "memory:".into(), reason: "it cannot be reached".into() }
}

impl Source for MemorySource {
    async fn fetch(&self) -> Result<Tips, SourceError> {
        self.suffer(Operation::Fetch).await?;
        let Folders { branch, records_branch, .. } = &self.folders;
        let flows = self.remote.tip(branch).ok_or_else(|| SourceError::NoBranch {
            url: "memory:".into(),
            branch: branch.clone(),
            hint: String::new(),
        })?;
        Ok(Tips { flows, records: self.remote.tip(records_branch) })
    }

    fn flows_folder(&self) -> &str {
        &self.folders.flows
    }

    fn overlays_folder(&self) -> Option<&str> {
        None
    }

    async fn list_flows_sized(&self, commit: &CommitId, _: BlobSizes) -> Result<FlowListing, SourceError> {
        self.suffer(Operation::Read).await?;
        let files = self.remote.files_in(commit, &self.folders.flows);
        if files.is_empty() {
            return Err(SourceError::NoFlowsFolder { commit: commit.clone(), folder: self.folders.flows.clone() });
        }
        let selection = FlowSelection::whole(&self.folders.flows).in_format(self.format);
        let mut walk = Walk::new(&selection);
        for (path, blob) in files {
            let content = self.remote.blob(&blob);
            if let Some(above) = selection.left_out_above(&path) {
                walk.leave_out(&above.path, above.reason);
                continue;
            }
            match walk.meet(&path, true, Met::File) {
                WalkStep::Take => {
                    let bytes = content.map_or(0, |content| content.len() as u64);
                    walk.take(FlowEntry { path, blob, bytes });
                }
                WalkStep::Peek => walk.peeked(&path, content.as_deref()),
                WalkStep::Enter | WalkStep::Pass => {}
            }
        }
        let mut flows = walk.finish();
        if let Some(head) = self.format.head() {
            flows = flows.headed(head, |entry| &entry.path);
            for entry in &mut flows.entries {
                entry.blob = self.remote.unit_at(commit, &entry.path).unwrap_or_else(|| entry.blob.clone());
            }
        }
        Ok(flows)
    }

    async fn flows_tree(&self, commit: &CommitId) -> Result<Option<TreeId>, SourceError> {
        self.suffer(Operation::Read).await?;
        Ok(self.remote.tree(commit, &self.folders.flows))
    }

    async fn records_tree(&self, commit: &CommitId, folder: &str) -> Result<Option<TreeId>, SourceError> {
        self.suffer(Operation::Read).await?;
        Ok(self.remote.tree(commit, &self.record_path(folder)))
    }

    async fn blob_sizes(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, SourceError> {
        self.suffer(Operation::Read).await?;
        Ok(blobs.iter().map(|blob| self.remote.blob(blob).map(|content| content.len() as u64)).collect())
    }

    async fn read_blobs(&self, blobs: &[BlobId]) -> Result<Vec<Option<Arc<[u8]>>>, SourceError> {
        self.suffer(Operation::Read).await?;
        self.hook.read(blobs.len());
        Ok(blobs.iter().map(|blob| self.remote.blob(blob)).collect())
    }

    fn format(&self) -> Format {
        self.format
    }

    async fn read_units(&self, entries: &[FlowEntry]) -> Result<Vec<Option<Unit>>, SourceError> {
        self.suffer(Operation::Read).await?;
        Ok(entries.iter().map(|entry| self.remote.unit(&entry.blob, &entry.path)).collect())
    }

    async fn fold_blobs<T: Send + 'static>(
        &self,
        blobs: Vec<BlobId>,
        mut state: T,
        mut step: impl FnMut(&mut T, usize, Option<&[u8]>) + Send + 'static,
    ) -> Result<T, SourceError> {
        for (index, content) in self.read_blobs(&blobs).await?.into_iter().enumerate() {
            let content = content.filter(|content| content.len() as u64 <= RECORD_BYTES_MAX);
            step(&mut state, index, content.as_deref());
        }
        Ok(state)
    }

    async fn read_record(&self, commit: &CommitId, path: &str) -> Result<Option<Arc<[u8]>>, SourceError> {
        self.suffer(Operation::Read).await?;
        self.hook.read(1);
        let path = self.record_path(path);
        let content = self.remote.file(commit, &path);
        match content.as_ref().map(|content| content.len() as u64) {
            Some(bytes) if bytes > RECORD_BYTES_MAX => {
                Err(SourceError::TooLarge { path, commit: commit.clone(), bytes })
            }
            _ => Ok(content),
        }
    }

    async fn list_records(&self, commit: &CommitId, folder: &str) -> Result<Vec<String>, SourceError> {
        self.suffer(Operation::Read).await?;
        let prefix = format!("{}/", self.folders.records);
        let below = self.remote.files_in(commit, &self.record_path(folder)).into_keys();
        let paths = below.filter_map(|path| path.strip_prefix(&prefix).map(str::to_owned));
        let depth = folder.split('/').count();
        Ok(paths.filter(|path| path.split('/').count() == depth + 1).collect())
    }

    async fn record_files(&self, commit: &CommitId, folder: &str) -> Result<BTreeMap<String, BlobId>, SourceError> {
        self.suffer(Operation::Read).await?;
        let folder = self.record_path(folder);
        let prefix = format!("{folder}/");
        let files = self.remote.files_in(commit, &folder).into_iter();
        Ok(files.filter_map(|(path, blob)| Some((path.strip_prefix(&prefix)?.to_owned(), blob))).collect())
    }

    async fn unexpected_versions(
        &self,
        tip: &CommitId,
        folder: &str,
        expected: HashMap<CommitId, Expected>,
    ) -> Result<Vec<FileVersion>, SourceError> {
        self.suffer(Operation::Read).await?;
        let mut versions = self.remote.versions(tip, &self.record_path(folder));
        versions.retain(|FileVersion { path, commit, blob }| {
            expected.get(commit).is_none_or(|known| (&known.path, Some(&known.blob)) != (path, blob.as_ref()))
        });
        Ok(versions)
    }

    fn blob_id(&self, content: &[u8]) -> BlobId {
        remote::blob_id(content)
    }

    async fn contains(&self, commit: &CommitId, ancestor: &CommitId) -> Result<bool, SourceError> {
        self.suffer(Operation::Read).await?;
        Ok(self.remote.history(commit).contains(ancestor))
    }

    async fn record_history(&self, tip: &CommitId, path: &str) -> Result<Vec<HistoryEntry>, SourceError> {
        self.suffer(Operation::Read).await?;
        Ok(self.remote.file_history(tip, &self.record_path(path)))
    }

    async fn flow_blob(&self, commit: &CommitId, path: &str) -> Result<Option<BlobId>, SourceError> {
        self.suffer(Operation::Read).await?;
        let file = self.remote.files_in(commit, &self.folders.flows).get(path).cloned();
        Ok(if self.format.is_head(path) { file.and_then(|_| self.remote.unit_at(commit, path)) } else { file })
    }

    async fn flow_history(&self, tip: &CommitId, path: &str) -> Result<Vec<HistoryEntry>, SourceError> {
        self.suffer(Operation::Read).await?;
        let is_flow = path.strip_prefix(&self.folders.flows).is_some_and(|rest| rest.starts_with('/'));
        Ok(match is_flow {
            // A flow changes with its folder.
            true if self.format.is_head(path) => self.remote.unit_history(tip, path),
            true => self.remote.file_history(tip, path),
            false => Vec::new(),
        })
    }

    async fn signed_history(
        &self,
        tip: &CommitId,
        since: Option<&CommitId>,
        _approved: &str,
    ) -> Result<SignedHistory, SourceError> {
        self.suffer(Operation::Read).await?;
        let known = since.map(|since| self.remote.history(since)).unwrap_or_default();
        let newer = self.remote.history(tip).into_iter().filter(|commit| !known.contains(commit));
        let folder = format!("{}/", self.folders.flows);
        let changes = |commit: CommitId| {
            let path = self.remote.changes(&commit).into_iter().find(|path| path.starts_with(&folder))?;
            let (author, time) = (String::new(), Timestamp::UNIX_EPOCH);
            Some(SignedCommit { commit, author, time, path, signature: None })
        };
        Ok(SignedHistory { commits: newer.filter_map(changes).collect(), is_cut: false })
    }

    async fn touched(&self, commit: &CommitId) -> Result<Touched, SourceError> {
        self.suffer(Operation::Read).await?;
        Ok(self.remote.touched(commit, &self.folders.records))
    }

    async fn commit_records(&self, base: Option<&CommitId>, change: &RecordCommit) -> Result<CommitId, PushError> {
        self.take_time().await;
        match self.hook.next(Operation::Push) {
            SourceFault::None => self.push(base, change),
            SourceFault::Slow(time) => {
                sleep(time).await;
                self.push(base, change)
            }
            SourceFault::Unreachable => Err(unreachable("push to").into()),
            SourceFault::Declined => Err(PushError::Declined("protected branch".into())),
            SourceFault::LostAnswer => {
                self.push(base, change)?;
                Err(unreachable("push to").into())
            }
            SourceFault::Raced => {
                let notes = BTreeMap::from([("NOTES.md".to_owned(), Some(change.time.to_string().into_bytes()))]);
                self.remote.commit(&self.folders.records_branch, "docs: a note", change.time, &notes);
                self.push(base, change)
            }
            SourceFault::Forged => {
                self.forge();
                self.push(base, change)
            }
            SourceFault::CrashBefore => pending().await,
            SourceFault::CrashAfter => {
                let _ = self.push(base, change);
                pending().await
            }
        }
    }

    async fn standing_proposal(&self, branch: &str, base: &CommitId) -> Result<Option<String>, SourceError> {
        Ok(self.remote.standing_proposal(branch, base))
    }

    async fn propose(&self, proposal: &Proposal) -> Result<Proposed, ProposeError> {
        if [&self.folders.branch, &self.folders.records_branch].contains(&&proposal.branch) {
            return Err(ProposeError::Tracked(proposal.branch.clone()));
        }
        self.take_time().await;
        match self.hook.next(Operation::Push) {
            SourceFault::Slow(time) => sleep(time).await,
            SourceFault::Unreachable => return Err(unreachable("push to").into()),
            SourceFault::Declined => return Err(PushError::Declined("protected branch".into()).into()),
            SourceFault::LostAnswer => {
                self.remote.propose(proposal)?;
                return Err(unreachable("push to").into());
            }
            SourceFault::CrashBefore => pending().await,
            SourceFault::CrashAfter => {
                self.remote.propose(proposal)?;
                pending().await
            }
            SourceFault::None | SourceFault::Raced | SourceFault::Forged => {}
        }
        self.remote.propose(proposal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody commits to the records just before each push.
    struct Forger;

    impl SourceHook for Forger {
        fn next(&self, operation: Operation) -> SourceFault {
            if operation == Operation::Push { SourceFault::Forged } else { SourceFault::None }
        }

        fn latency(&self) -> Duration {
            Duration::ZERO
        }

        fn pushed(&self, _commit: &CommitId) {}

        fn forgery(&self, remote: &MemoryRemote, folders: &Folders) -> (Edits, Timestamp) {
            let n_commits = remote.n_commits().to_string().into_bytes();
            (Edits::from([(format!("{}/forged", folders.records), Some(n_commits))]), Timestamp::UNIX_EPOCH)
        }
    }

    #[tokio::test]
    async fn a_forger_commits_to_the_records_and_wins_the_race() {
        let folders = Folders {
            branch: "main".into(),
            records_branch: "main".into(),
            flows: "flows".into(),
            records: "deployments".into(),
        };
        let remote = MemoryRemote::default();
        let base = remote.commit("main", "flows", Timestamp::UNIX_EPOCH, &Edits::new());
        let source = MemorySource::new(remote.clone(), folders, Arc::new(Forger));
        let files = BTreeMap::from([("production/manifest.json".to_owned(), Some(b"1".to_vec()))]);
        let change = RecordCommit { message: "ours".into(), files, time: Timestamp::UNIX_EPOCH };
        let lost = source.commit_records(Some(&base), &change).await;
        assert!(matches!(lost, Err(PushError::Lost(_))), "{lost:?}");
        let tip = source.fetch().await.unwrap().records.unwrap();
        assert_eq!(source.read_record(&tip, "forged").await.unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(source.touched(&tip).await.unwrap(), Touched::RecordsOnly);
    }
}
