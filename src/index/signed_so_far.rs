//! Commits whose signatures were found good already: they need not be checked again.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::state::SignedSoFar;
use super::{FlowIndex, file};

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
            Some((known, so_far)) if known == key => so_far.clone(),
            _ => SignedSoFar::default(),
        }
    }

    /// Remembers what was found good under this key, in place of any other.
    pub fn keep_signed(&self, key: String, so_far: SignedSoFar) {
        let SignedSoFar { tip, good } = so_far;
        let stored = (key, SignedSoFar { tip, good: good.into_iter().take(COMMITS_MAX).collect() });
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
