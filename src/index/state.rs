//! What an index holds while the process lives.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::flow::{FileReport, FlowId};
use crate::plan::Desired;
use crate::problem::Problem;
use crate::revision::{BlobId, CommitId, Origin};
use crate::source::{FlowListing, TreeId};
use crate::tenant::Recognised;

/// What an index knows in memory, and what of it is written.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct IndexState {
    /// Whether the file was looked at.
    #[serde(skip)]
    pub(super) is_loaded: bool,
    /// Whether the file is behind.
    #[serde(skip)]
    pub(super) is_dirty: bool,
    /// Reports of blobs, texts and their own paths left out.
    pub(super) reports: HashMap<BlobId, FileReport>,
    /// Reports of composed flows, by what they are made of and the flow's file, texts left out.
    pub(super) composed: HashMap<(Origin, String), FileReport>,
    /// What stands in one flows folder; nothing of it is refused.
    pub(super) tree: Option<(TreeId, FlowListing)>,
    /// The flows of that tree, put together.
    #[serde(skip)]
    pub(super) desired: Option<(TreeId, Arc<Desired>, Arc<[Problem]>)>,
    /// Mixed into digests of live bytes, so that nobody outside can aim at a collision.
    pub(super) seed: u64,
    /// Live flows by a digest of their bytes.
    pub(super) live: HashMap<u128, Recognised>,
    /// The same digests by the flow, the last one of each: they tell how long its item is before anybody looks.
    #[serde(skip)]
    pub(super) digests: HashMap<FlowId, u128>,
    /// What git has, by the digest of its text; of this process alone.
    #[serde(skip)]
    pub(super) texts: HashMap<FlowId, InGit>,
    /// How the tenant says in front of a flow which environment it is of, once one was read.
    #[serde(skip)]
    pub(super) environment: Option<Box<[u8]>>,
    /// Those met since the last save.
    #[serde(skip)]
    pub(super) met: HashMap<u128, Recognised>,
    #[serde(skip)]
    pub(super) counts: Counts,
}

/// What this process has done so far: a pass should cost what changed, and these say so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files of git that were parsed and checked.
    pub files_checked: u64,
    /// Live flows that were parsed.
    pub live_parsed: u64,
    /// Their bytes.
    pub live_bytes_parsed: u64,
    /// Live flows recognised by their bytes.
    pub live_recognised: u64,
    /// Live flows whose text was kept.
    pub texts_kept: u64,
}

/// A flow as git has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InGit {
    /// Of its text.
    pub(super) digest: u128,
    /// What would be known of it if it were live as it stands there.
    pub(super) known: Recognised,
}

/// What was found good with some keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedSoFar {
    /// Everything that leads to this commit.
    pub tip: Option<CommitId>,
    /// Single commits besides.
    pub good: BTreeSet<CommitId>,
}

impl IndexState {
    /// Takes what was written, in place of all that is known but what this process has done.
    pub(super) fn fill(&mut self, written: Self) {
        let digests = written.live.iter().map(|(digest, known)| (known.flow.id.clone(), *digest)).collect();
        *self = Self { is_loaded: true, counts: self.counts, digests, ..written };
    }

    /// What is known of the live flow with this digest, which was met.
    pub(super) fn meet(&mut self, digest: u128) -> Option<Recognised> {
        let known = self.live.get(&digest)?;
        self.met.insert(digest, known.clone());
        Some(known.clone())
    }
}
