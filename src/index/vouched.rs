//! Records that were proven already, or that this machine wrote itself: they need not be proven again.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::{FlowIndex, file};

impl FlowIndex {
    /// Whether records with this key were proven before.
    #[must_use]
    pub fn is_vouched(&self, key: &str) -> bool {
        let mut memo = self.0.vouched.lock().unwrap_or_else(PoisonError::into_inner);
        if memo.is_none() {
            *memo = self.0.path.as_ref().and_then(|path| file::read_sealed(&beside(path)));
        }
        memo.as_deref() == Some(key)
    }

    /// Remembers that records with this key are proven, in place of any others.
    pub fn vouch(&self, key: String) {
        if let Some(path) = &self.0.path
            && let Err(error) = file::write_sealed(&beside(path), &key)
        {
            tracing::warn!(path = %path.display(), %error, "cannot write the index; the next pass is slower");
        }
        *self.0.vouched.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("vouched")
}
