//! Commits whose signatures were found good already: they need not be checked again.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::state::{SignedSoFar, SignedStored};
use super::{FlowIndex, file};
use crate::revision::CommitId;

/// So many single commits are remembered.
const COMMITS_MAX: usize = 20_000;

impl FlowIndex {
    /// What was found good under this key; nothing where another one was used last.
    #[must_use]
    pub fn signed_so_far(&self, key: &str) -> SignedSoFar {
        let mut memo = self.0.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if memo.is_none() {
            *memo = self.0.path.as_ref().and_then(|path| file::read_sealed(&beside(path)));
        }
        match memo.as_ref() {
            Some(SignedStored(known, tip, good)) if known == key => {
                SignedSoFar { tip: tip.clone().map(CommitId), good: good.iter().cloned().map(CommitId).collect() }
            }
            _ => SignedSoFar::default(),
        }
    }

    /// Remembers what was found good under this key, in place of any other.
    pub fn keep_signed(&self, key: String, so_far: SignedSoFar) {
        let SignedSoFar { tip, good } = so_far;
        let good = good.into_iter().take(COMMITS_MAX).map(|commit| commit.0).collect();
        let stored = SignedStored(key, tip.map(|tip| tip.0), good);
        if let Some(path) = &self.0.path
            && let Err(error) = file::write_sealed(&beside(path), &stored)
        {
            tracing::warn!(path = %path.display(), %error, "cannot write the index; the next pass is slower");
        }
        *self.0.signed.lock().unwrap_or_else(PoisonError::into_inner) = Some(stored);
    }
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("signed")
}
