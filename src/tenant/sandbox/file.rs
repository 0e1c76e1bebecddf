//! A file that a sandbox keeps its state in: read whole, replaced in one step. What stands in it is each sandbox's own.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

/// The state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// It cannot be read or written.
    #[error("cannot use the state file `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no state file, or damaged.
    #[error("`{}` is no state file of the sandbox: {detail}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
}

/// A state file that follows what a sandbox holds.
#[derive(Debug)]
pub(super) struct StateFile {
    /// None where nothing is kept.
    path: Option<PathBuf>,
    /// The revision that the file holds; held while it is written.
    saved: Mutex<Option<u64>>,
}

impl StateFile {
    /// A file at `path`, which is written at the first save.
    pub(super) fn at(path: Option<PathBuf>) -> Self {
        Self { path, saved: Mutex::new(None) }
    }

    /// Brings the file up to date with what `now` tells: a revision, and the text for it where that is wanted. Changes
    /// that come together share one write.
    pub(super) async fn save(
        &self,
        now: impl FnOnce(Option<u64>) -> Option<(u64, Result<Vec<u8>, serde_json::Error>)>,
    ) -> Result<(), StateFileError> {
        let Some(path) = self.path.clone() else { return Ok(()) };
        let mut saved = self.saved.lock().await;
        let Some((revision, text)) = now(*saved) else { return Ok(()) };
        let text = text.map_err(|error| StateFileError::Content { path: path.clone(), detail: error.to_string() })?;
        let failed = path.clone();
        spawn_blocking(move || write(&path, &text))
            .await
            .map_err(|error| StateFileError::File { path: failed, source: io::Error::other(error) })??;
        *saved = Some(revision);
        Ok(())
    }
}

/// Replaces the file at `path` in one step.
fn write(path: &Path, text: &[u8]) -> Result<(), StateFileError> {
    let replace = || -> std::io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text)?;
        file.as_file().sync_data()?;
        file.persist(path)?;
        Ok(())
    };
    replace().map_err(|source| StateFileError::File { path: path.to_owned(), source })
}

/// The text of the file at `path`; none where there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, StateFileError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StateFileError::File { path: path.to_owned(), source }),
    }
}
