//! A file that a sandbox keeps its state in: read whole, replaced in one step. What stands in it is each sandbox's own.

use std::io::Write;
use std::path::{Path, PathBuf};

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

/// Replaces the file at `path` in one step.
pub(super) fn write(path: &Path, text: &[u8]) -> Result<(), StateFileError> {
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
