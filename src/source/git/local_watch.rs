//! The watch over the branches of a local repository, one for all environments of this process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use git2::Repository;
use notify::{Event, EventKind, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::read::local_error;
use crate::source::SourceError;

/// Tells while it lives.
pub(super) struct LocalWatch {
    /// The folder that all work trees of the repository share.
    common: PathBuf,
    told: Arc<Mutex<Vec<Told>>>,
    _watcher: Mutex<Box<dyn Watcher + Send>>,
}

/// Who is to be told of what.
struct Told {
    wanted: Vec<PathBuf>,
    nudge: mpsc::Sender<()>,
}

impl std::fmt::Debug for LocalWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalWatch").field("common", &self.common).finish_non_exhaustive()
    }
}

impl LocalWatch {
    pub(super) fn new(repo: &Repository, shown: &str) -> Result<Self, SourceError> {
        let common = repo.commondir().canonicalize().unwrap_or_else(|_| repo.commondir().to_owned());
        let failed = |error: notify::Error| SourceError::Local {
            doing: "watch the branches",
            path: shown.to_owned(),
            reason: error.to_string(),
        };
        let told = Arc::new(Mutex::new(Vec::<Told>::new()));
        let tells = told.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let mut told = tells.lock().unwrap_or_else(PoisonError::into_inner);
            told.retain(|it| !it.nudge.is_closed());
            // A full channel holds a nudge already; an error may have swallowed an event.
            for it in told.iter().filter(|it| event.as_ref().map_or(true, |event| concerns(event, &it.wanted))) {
                _ = it.nudge.try_send(());
            }
        })
        .map_err(failed)?;
        let heads = common.join("refs").join("heads");
        std::fs::create_dir_all(&heads)
            .map_err(|error| local_error(shown, "watch the branches", &git2::Error::from_str(&error.to_string())))?;
        watcher.watch(&heads, RecursiveMode::Recursive).map_err(failed)?;
        watcher.watch(&common, RecursiveMode::NonRecursive).map_err(failed)?;
        Ok(Self { common, told, _watcher: Mutex::new(Box::new(watcher)) })
    }

    /// Tells when one of these references moves, or all may have moved with the file of packed ones. Any number of
    /// moves is told once until it is heard.
    pub(super) fn tell_of(&self, references: &[String]) -> mpsc::Receiver<()> {
        let references = references.iter().map(String::as_str).chain(["packed-refs"]);
        let wanted = references.map(|reference| self.common.join(reference)).collect();
        let (nudge, nudges) = mpsc::channel(1);
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(Told { wanted, nudge });
        nudges
    }
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
