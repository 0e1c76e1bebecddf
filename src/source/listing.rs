//! What stands in a flows folder: the flow files, what must not stand there, and what is not read.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::revision::BlobId;

/// One flow file of a commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FlowEntry {
    /// Path from the root of the repository, with `/`.
    pub path: String,
    /// The blob that holds it.
    pub blob: BlobId,
    /// Its size.
    pub bytes: u64,
}

/// An entry under the flows folder that cannot be a flow file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BadEntry {
    /// Path from the root of the repository.
    pub path: String,
    /// Why it is refused.
    pub reason: BadEntryReason,
}

/// Why an entry is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BadEntryReason {
    /// A symbolic link.
    SymbolicLink,
    /// A submodule.
    Submodule,
    /// A file over [`FLOW_BYTES_MAX`].
    TooLarge,
    /// A path that is not UTF-8.
    NotUtf8,
    /// A file that git changes between a commit and a work tree.
    Filtered(GitFilter),
    /// A folder nested deeper than [`FOLDER_DEPTH_MAX`].
    TooDeep,
    /// The folder holds more than [`ENTRIES_MAX`] files and folders.
    TooMany,
    /// A file of which the folder holds more than [`COPIES_MAX`] copies.
    TooManyCopies,
    /// A file in a folder of its own among the overlays.
    Nested,
    /// More than [`BAD_ENTRIES_MAX`] entries are refused; the others are not named.
    MoreBad,
}

/// What makes git change a file on its way between a commit and a work tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GitFilter {
    /// `filter=lfs`: the commit holds a pointer.
    Lfs,
    /// Another `filter=…`.
    Filter,
    /// `working-tree-encoding=…`.
    Encoding,
    /// `ident`.
    Ident,
}

impl GitFilter {
    /// The attribute, as it is written.
    #[must_use]
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Lfs => "filter=lfs",
            Self::Filter => "filter",
            Self::Encoding => "working-tree-encoding",
            Self::Ident => "ident",
        }
    }
}

/// A file or folder that is not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeftOut {
    /// Path from the root of the repository.
    pub path: String,
    /// Why it is not read.
    pub reason: LeftOutReason,
}

/// Why a file or folder is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftOutReason {
    /// `repository.exclude` names it.
    Excluded,
    /// A folder that begins with a dot.
    DotFolder,
    /// By name or content it is a flow, and it does not end in `.json`: somebody may expect it to be deployed.
    LooksLikeFlow,
    /// Some other file.
    OtherFile,
}

/// A flow file may have this many bytes at most.
pub const FLOW_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// A record, or a previous definition among them, may have this many bytes at most: it is measured before it is read.
pub const RECORD_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// A flows folder may hold this many files and folders at most, at all depths.
pub const ENTRIES_MAX: usize = 250_000;
/// So deep may folders lie below the flows folder.
pub const FOLDER_DEPTH_MAX: usize = 64;
/// So often may one content stand in the flows folder. Twice is wrong already, and said file by file.
pub const COPIES_MAX: usize = 1_000;
/// So many refused entries are named.
pub const BAD_ENTRIES_MAX: usize = 1_000;

/// What stands in a flows folder; `T` is how a flow file is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing<T> {
    /// The flow files, by path.
    pub entries: Vec<T>,
    /// The overlays over them, by path.
    pub overlays: Vec<T>,
    /// What stands there and must not; of what is kept of a listing there is none.
    #[serde(skip)]
    pub bad: Vec<BadEntry>,
    /// What is not read.
    pub left_out: Vec<LeftOut>,
}

/// The flow files of a commit.
pub type FlowListing = Listing<FlowEntry>;

/// The bytes of blobs.
pub type BlobSizes = HashMap<BlobId, u64>;

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), overlays: Vec::new(), bad: Vec::new(), left_out: Vec::new() }
    }
}

impl<T> Listing<T> {
    /// Nothing but one refused entry.
    pub(super) fn of_bad(bad: BadEntry) -> Self {
        Self { bad: vec![bad], ..Self::default() }
    }

    /// What stands in a folder of overlays, where those that lie deeper are none.
    pub(super) fn flat(mut self, folder: &str, path: impl Fn(&T) -> &str) -> Self {
        let is_nested = |entry: &T| path(entry).strip_prefix(folder).is_some_and(|rest| rest.matches('/').count() > 1);
        let nested = self.entries.iter().filter(|entry| is_nested(entry)).take(BAD_ENTRIES_MAX);
        self.bad.extend(nested.map(|entry| BadEntry { path: path(entry).to_owned(), reason: BadEntryReason::Nested }));
        self.entries.retain(|entry| !is_nested(entry));
        self.bad.sort();
        self
    }

    /// An entry for each folder with a file of the name `head`, which stands for all of it. What is part of no such folder
    /// is not read.
    pub(super) fn headed(mut self, head: &str, path: impl Fn(&T) -> &str) -> Self {
        let folder = |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let is_head = |path: &str| path.rsplit('/').next() == Some(head);
        let folders: BTreeSet<String> = self.entries.iter().map(&path).filter(|it| is_head(it)).map(folder).collect();
        // A part lies in its flow's folder, or in a folder right below.
        let stray = |path: &str| !folders.contains(&folder(&folder(path)));
        let strays = self.entries.iter().map(&path).filter(|it| !is_head(it) && stray(it));
        let strays = strays.map(|path| LeftOut { path: path.to_owned(), reason: LeftOutReason::OtherFile });
        self.left_out.extend(strays.collect::<Vec<_>>());
        self.left_out.sort();
        self.entries.retain(|entry| is_head(path(entry)));
        self
    }

    /// The same with what stands in the folder of its overlays.
    #[must_use]
    pub fn with_overlays(mut self, overlays: Self) -> Self {
        let Self { entries, overlays: _, bad, left_out } = overlays;
        self.overlays = entries;
        self.bad.extend(bad);
        self.bad.sort();
        self.left_out.extend(left_out);
        self.left_out.sort();
        self
    }
}
