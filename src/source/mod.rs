//! The seam to git: what can be read from a repository, how records are written to it, and how a change
//! is proposed on a branch of its own.
//!
//! Flows are read from git objects, never from a work tree. Records are committed by
//! compare-and-swap and nothing is ever forced. Deciding *whether* a lost race may be tried again is
//! the caller's business, because only it knows what its commit was based on.

mod error;
mod git;
mod listing;
pub mod memory;
mod observe;
mod proposal;
mod selection;

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use crate::revision::{BlobId, CommitId};
pub use error::{ProposeError, PushError, SourceError};
pub use git::{
    Fetches, GitOptions, GitSource, LocalRecord, LocalRepository, Merged, RefWatch, WorkTree, blob_id,
    discover_work_tree, folder_id, normal_url,
};
use jiff::Timestamp;

use crate::format::{Format, Unit};
pub use listing::{
    BAD_ENTRIES_MAX, BadEntry, BadEntryReason, BlobSizes, COPIES_MAX, ENTRIES_MAX, FLOW_BYTES_MAX, FOLDER_DEPTH_MAX,
    FlowEntry, FlowListing, GitFilter, LeftOut, LeftOutReason, Listing, RECORD_BYTES_MAX,
};
pub use observe::{GitObserver, GitOperation, GitOutcome};
pub use proposal::{OUR_TRAILER, Proposal, Proposed, Rest};
pub use selection::FlowSelection;
use tokio::time::Instant;

/// A tree's id; equal ids are equal content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TreeId(pub String);

/// Where the two branches stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tips {
    /// The branch that holds the flows.
    pub flows: CommitId,
    /// The branch that holds the records: the same commit unless `recordsBranch` is set; `None`
    /// where that branch does not exist yet.
    pub records: Option<CommitId>,
}

/// A change to the records folder, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordCommit {
    /// Commit message, trailers included.
    pub message: String,
    /// Path below the records folder to new content; `None` removes the file.
    pub files: BTreeMap<String, Option<Vec<u8>>>,
    /// Author and committer time.
    pub time: Timestamp,
}

/// One commit in which a records file has another content than in the commit before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The commit.
    pub commit: CommitId,
    /// Its committer time.
    pub time: Timestamp,
    /// The file's blob in it; `None` where the commit removed it.
    pub blob: Option<BlobId>,
}

/// What a commit is said to have written below a folder of the records, and nothing else there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Path below that folder.
    pub path: String,
    /// Its new content.
    pub blob: BlobId,
}

/// A file as a commit left it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileVersion {
    /// Path below the folder asked for.
    pub path: String,
    /// The commit.
    pub commit: CommitId,
    /// The content; `None` where the commit removed the file.
    pub blob: Option<BlobId>,
}

/// A commit that changes flows, overlays or approvals, and how it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCommit {
    /// The commit.
    pub commit: CommitId,
    /// Who is said to have written it.
    pub author: String,
    /// Its committer time.
    pub time: Timestamp,
    /// Something that it changes, from the root of the repository.
    pub path: String,
    /// Its signature; `None` where it has none.
    pub signature: Option<Signature>,
}

/// A signature of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Armored.
    pub text: Vec<u8>,
    /// What it was made over.
    pub content: Vec<u8>,
}

/// Commits that change what is deployed, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHistory {
    /// They.
    pub commits: Vec<SignedCommit>,
    /// Whether there are more than were looked at.
    pub is_cut: bool,
}

/// What a commit touches, seen from the records folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// Nothing outside of it.
    RecordsOnly,
    /// It is a merge: what it touches depends on from where one looks.
    Merge,
    /// This too, a path from the root of the repository.
    More(String),
}

/// How far it is proven that records can be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushProof {
    /// This reference was made and removed.
    OwnReference(String),
    /// It was made, and the server does not let it go.
    Left {
        /// The reference.
        reference: String,
        /// Why, in the server's words.
        why: String,
    },
    /// The server let us begin a push, and takes no reference of our own.
    Greeting {
        /// Why, in the server's words.
        declined: String,
    },
}

/// What is done with flow files while they are listed.
pub trait FlowReading: Send + Sync + 'static {
    /// Whether this one is to be read.
    fn wants(&self, entry: &FlowEntry) -> bool;

    /// Takes its content.
    fn take(&self, entry: &FlowEntry, content: Arc<[u8]>);
}

/// A repository, seen from one environment: one flows branch and folder, one records branch and folder.
pub trait Source: Send + Sync + 'static {
    /// Fetches, and says where the branches stand.
    fn fetch(&self) -> impl Future<Output = Result<Tips, SourceError>> + Send;

    /// The same, where what somebody else in this process fetched from there will do, if that began at `since` or later.
    fn fetch_since(&self, since: Instant) -> impl Future<Output = Result<Tips, SourceError>> + Send {
        _ = since;
        self.fetch()
    }

    /// The flows folder, from the root of the repository; `""` is the root.
    fn flows_folder(&self) -> &str;

    /// The folder of the overlays over its flows, likewise; `None` where there is none.
    fn overlays_folder(&self) -> Option<&str>;

    /// Lists what stands in the flows folder of a commit.
    fn list_flows(&self, commit: &CommitId) -> impl Future<Output = Result<FlowListing, SourceError>> + Send {
        self.list_flows_sized(commit, BlobSizes::new())
    }

    /// The same, where the sizes of some blobs are known already: they are not looked up.
    fn list_flows_sized(
        &self,
        commit: &CommitId,
        sizes: BlobSizes,
    ) -> impl Future<Output = Result<FlowListing, SourceError>> + Send;

    /// The same, and hands flow files over as they are found, in any order and from several threads at once: those that
    /// `reading` wants, or some of them, or none.
    fn list_flows_reading<R: FlowReading>(
        &self,
        commit: &CommitId,
        sizes: BlobSizes,
        reading: R,
    ) -> impl Future<Output = Result<FlowListing, SourceError>> + Send {
        _ = reading;
        self.list_flows_sized(commit, sizes)
    }

    /// An id of everything that says what the flow files of a commit are: where it is the same, the listing is.
    fn flows_tree(&self, commit: &CommitId) -> impl Future<Output = Result<Option<TreeId>, SourceError>> + Send;

    /// The id of a folder's tree below the records folder (`""` for the records folder itself).
    fn records_tree(
        &self,
        commit: &CommitId,
        folder: &str,
    ) -> impl Future<Output = Result<Option<TreeId>, SourceError>> + Send;

    /// Sizes of blobs in bytes, in the order asked; `None` for one the clone does not hold.
    fn blob_sizes(&self, blobs: &[BlobId]) -> impl Future<Output = Result<Vec<Option<u64>>, SourceError>> + Send;

    /// Contents of blobs, in the order asked; `None` for one the clone does not hold. Whoever has their ids from a
    /// record asks for their sizes first.
    fn read_blobs(&self, blobs: &[BlobId]) -> impl Future<Output = Result<Vec<Option<Arc<[u8]>>>, SourceError>> + Send;

    /// How flows stand in the files of the flows folder.
    fn format(&self) -> Format {
        Format::default()
    }

    /// The files of flows that stand in folders, in the order asked; `None` for one the clone does not hold.
    fn read_units(&self, entries: &[FlowEntry]) -> impl Future<Output = Result<Vec<Option<Unit>>, SourceError>> + Send {
        let none = entries.iter().map(|_| None).collect();
        async move { Ok(none) }
    }

    /// Reads blobs in the order asked and hands each to `step` with its number, so that one at a time is in memory;
    /// `None` for one the clone does not hold, and for one of more than [`RECORD_BYTES_MAX`] bytes.
    fn fold_blobs<T: Send + 'static>(
        &self,
        blobs: Vec<BlobId>,
        state: T,
        step: impl FnMut(&mut T, usize, Option<&[u8]>) + Send + 'static,
    ) -> impl Future<Output = Result<T, SourceError>> + Send;

    /// A file below the records folder; an error where it has more than [`RECORD_BYTES_MAX`] bytes.
    fn read_record(
        &self,
        commit: &CommitId,
        path: &str,
    ) -> impl Future<Output = Result<Option<Arc<[u8]>>, SourceError>> + Send;

    /// Paths below the records folder that stand in `folder`, without descending.
    fn list_records(
        &self,
        commit: &CommitId,
        folder: &str,
    ) -> impl Future<Output = Result<Vec<String>, SourceError>> + Send;

    /// Every file below a folder of the records, by its path from that folder.
    fn record_files(
        &self,
        commit: &CommitId,
        folder: &str,
    ) -> impl Future<Output = Result<BTreeMap<String, BlobId>, SourceError>> + Send;

    /// Every version of a file below a folder of the records that history holds and nobody expected, oldest first:
    /// one that differs from every parent of its commit and is not what `expected` says of that commit.
    fn unexpected_versions(
        &self,
        tip: &CommitId,
        folder: &str,
        expected: HashMap<CommitId, Expected>,
    ) -> impl Future<Output = Result<Vec<FileVersion>, SourceError>> + Send;

    /// The blob id that `content` has, without storing it.
    fn blob_id(&self, content: &[u8]) -> BlobId;

    /// Whether `ancestor` is `commit` or in its history.
    fn contains(
        &self,
        commit: &CommitId,
        ancestor: &CommitId,
    ) -> impl Future<Output = Result<bool, SourceError>> + Send;

    /// Commits, newest first, in which the records file at `path` differs from every parent.
    fn record_history(
        &self,
        tip: &CommitId,
        path: &str,
    ) -> impl Future<Output = Result<Vec<HistoryEntry>, SourceError>> + Send;

    /// The blob of a file in the flows folder of a commit; the path is from the root of the repository.
    fn flow_blob(
        &self,
        commit: &CommitId,
        path: &str,
    ) -> impl Future<Output = Result<Option<BlobId>, SourceError>> + Send;

    /// Commits, newest first, in which a file of the flows folder differs from every parent; none for a path that
    /// is not in that folder.
    fn flow_history(
        &self,
        tip: &CommitId,
        path: &str,
    ) -> impl Future<Output = Result<Vec<HistoryEntry>, SourceError>> + Send;

    /// What a commit touches.
    fn touched(&self, commit: &CommitId) -> impl Future<Output = Result<Touched, SourceError>> + Send;

    /// The commits behind `tip` and not behind `since` that differ from any of their parents in flows or overlays, or
    /// bring an approval of this environment (`approved`, below the records folder). Where something was looked at
    /// before, a bounded number of them.
    fn signed_history(
        &self,
        tip: &CommitId,
        since: Option<&CommitId>,
        approved: &str,
    ) -> impl Future<Output = Result<SignedHistory, SourceError>> + Send;

    /// Commits `change` on top of `base` and pushes it, if the records branch still stands at
    /// `base` (`None`: does not exist). On success the branch was read back and holds the commit.
    ///
    /// `base` is [`Tips::records`] of the last fetch.
    fn commit_records(
        &self,
        base: Option<&CommitId>,
        change: &RecordCommit,
    ) -> impl Future<Output = Result<CommitId, PushError>> + Send;

    /// What the newest commit of ours on a branch says, if `base` does not have it: what stands proposed there.
    fn standing_proposal(
        &self,
        branch: &str,
        base: &CommitId,
    ) -> impl Future<Output = Result<Option<String>, SourceError>> + Send {
        _ = (branch, base);
        async { Ok(None) }
    }

    /// Commits a proposal to its branch, wherever that stands, and pushes it. Races are run again; nothing is forced.
    /// On success the branch was read back and holds the commit.
    fn propose(&self, proposal: &Proposal) -> impl Future<Output = Result<Proposed, ProposeError>> + Send;
}
