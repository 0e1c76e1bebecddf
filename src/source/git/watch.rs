//! A nudge when a branch of a local repository moves. Nobody may rely on it: it only saves waiting.

use std::path::{Path, PathBuf};

use git2::Repository;
use notify::{Event, EventKind, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::names::branch_ref;
use super::read::local_error;
use crate::source::SourceError;

/// Nudges while it lives. Any number of moves between two calls make one nudge.
pub struct RefWatch {
    nudges: mpsc::Receiver<()>,
    _watcher: Box<dyn Watcher + Send>,
}

impl std::fmt::Debug for RefWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefWatch").finish_non_exhaustive()
    }
}

impl RefWatch {
    /// Waits for the next nudge. Cancelling loses none.
    pub async fn moved(&mut self) {
        if self.nudges.recv().await.is_none() {
            // The watcher is gone, and with it any hope: wait for the interval instead of spinning.
            std::future::pending::<()>().await;
        }
    }
}

/// Watches the branches of a repository.
pub(super) fn watch(repo: &Repository, shown: &str, branches: [&str; 2]) -> Result<RefWatch, SourceError> {
    let common = repo.commondir().canonicalize().unwrap_or_else(|_| repo.commondir().to_owned());
    let mut wanted = vec![common.join("packed-refs")];
    for branch in branches {
        wanted.push(common.join(branch_ref(branch)?));
    }
    let (nudge, nudges) = mpsc::channel(1);
    let failed = |error: notify::Error| SourceError::Local {
        doing: "watch the branches",
        path: shown.to_owned(),
        reason: error.to_string(),
    };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // A full channel holds a nudge already; an error may have swallowed an event.
        if event.as_ref().map_or(true, |event| concerns(event, &wanted)) {
            let _ = nudge.try_send(());
        }
    })
    .map_err(failed)?;
    let heads = common.join("refs").join("heads");
    std::fs::create_dir_all(&heads)
        .map_err(|error| local_error(shown, "watch the branches", &git2::Error::from_str(&error.to_string())))?;
    watcher.watch(&heads, RecursiveMode::Recursive).map_err(failed)?;
    watcher.watch(&common, RecursiveMode::NonRecursive).map_err(failed)?;
    Ok(RefWatch { nudges, _watcher: Box::new(watcher) })
}

fn concerns(event: &Event, wanted: &[PathBuf]) -> bool {
    let is_change = !matches!(event.kind, EventKind::Access(_));
    let is_ours = |path: &PathBuf| wanted.iter().any(|wanted| path == wanted || holds(path, wanted));
    is_change && (event.need_rescan() || event.paths.iter().any(is_ours))
}

/// Whether a folder on the way to the reference came or went; its content may have come with it.
fn holds(path: &Path, wanted: &Path) -> bool {
    wanted.starts_with(path) && path.ancestors().any(|folder| folder.ends_with("refs/heads"))
}
