//! The state directory on a real disk: an edge.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Guard, LocalError, LocalState, Unsent};
use crate::record::hex_sha256;

/// `<state-dir>/holder`, and per repository and environment a folder with lock, journals and unsent record.
#[derive(Debug, Clone)]
pub struct FileState {
    root: PathBuf,
    folder: PathBuf,
    environment: String,
}

impl FileState {
    /// The state of `environment` of `repository` (a normalised URL) below `state_dir`. Makes no file yet.
    #[must_use]
    pub fn new(state_dir: &Path, repository: &str, environment: &str) -> Self {
        let key = hex_sha256(format!("{repository}\n{environment}").as_bytes());
        let name: String =
            environment.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(40).collect();
        Self {
            root: state_dir.to_owned(),
            folder: state_dir.join("environments").join(format!("{name}-{}", &key[..16])),
            environment: environment.to_owned(),
        }
    }

    fn journal(&self, deployment: &str) -> PathBuf {
        self.folder.join(format!("{deployment}.journal.jsonl"))
    }

    fn unsent_path(&self) -> PathBuf {
        self.folder.join("unsent.json")
    }

    fn make_folder(&self) -> Result<(), LocalError> {
        fs::create_dir_all(&self.folder).map_err(failed("create the folder", &self.folder))
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LocalError + use<> {
    let path = path.to_owned();
    move |source| LocalError::Io { doing, path, source }
}

/// Writes a file whole or not at all.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> Result<(), LocalError> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(failed("write", path))
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, LocalError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

fn remove_if_there(path: &Path) -> Result<(), LocalError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

impl LocalState for FileState {
    fn holder(&self, random: u64) -> Result<String, LocalError> {
        fs::create_dir_all(&self.root).map_err(failed("create the folder", &self.root))?;
        let path = self.root.join("holder");
        let lock_path = self.root.join("holder.lock");
        let lock = File::create(&lock_path).map_err(failed("open", &lock_path))?;
        lock.lock().map_err(failed("lock", &lock_path))?;
        let known = read_if_there(&path)?.and_then(|text| String::from_utf8(text).ok());
        match known.map(|text| text.trim().to_owned()).filter(|id| !id.is_empty()) {
            Some(id) => Ok(id),
            None => {
                let id = format!("{random:016x}");
                write_atomically(&path, format!("{id}\n").as_bytes())?;
                Ok(id)
            }
        }
    }

    fn lock(&self) -> Result<Guard, LocalError> {
        self.make_folder()?;
        let path = self.folder.join("lock");
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(LocalError::Held { environment: self.environment.clone(), path }),
            Err(TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
        }
    }

    async fn append_journal(&self, deployment: &str, lines: Vec<u8>) -> Result<(), LocalError> {
        let path = self.journal(deployment);
        let append = {
            let path = path.clone();
            move || -> io::Result<()> {
                let is_new = !path.exists();
                let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
                file.write_all(&lines)?;
                file.sync_data()?;
                match path.parent() {
                    Some(folder) if is_new => File::open(folder)?.sync_all(),
                    _ => Ok(()),
                }
            }
        };
        match tokio::task::spawn_blocking(append).await {
            Ok(result) => result.map_err(failed("append to", &path)),
            Err(stopped) => Err(failed("append to", &path)(io::Error::other(stopped))),
        }
    }

    fn read_journal(&self, deployment: &str) -> Result<Option<Vec<u8>>, LocalError> {
        read_if_there(&self.journal(deployment))
    }

    fn remove_journal(&self, deployment: &str) -> Result<(), LocalError> {
        remove_if_there(&self.journal(deployment))
    }

    fn keep_unsent(&self, unsent: &Unsent) -> Result<(), LocalError> {
        self.make_folder()?;
        write_atomically(&self.unsent_path(), &serde_json::to_vec_pretty(unsent).unwrap_or_default())
    }

    fn unsent(&self) -> Result<Option<Unsent>, LocalError> {
        let path = self.unsent_path();
        let Some(text) = read_if_there(&path)? else {
            return Ok(None);
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| failed("read", &path)(io::Error::other(error)))
    }

    fn drop_unsent(&self) -> Result<(), LocalError> {
        remove_if_there(&self.unsent_path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_made_once_and_shared_by_environments() {
        let folder = tempfile::tempdir().unwrap();
        let first = FileState::new(folder.path(), "repo", "a").holder(1).unwrap();
        assert_eq!(FileState::new(folder.path(), "repo", "b").holder(2).unwrap(), first);
    }

    #[test]
    fn one_process_at_a_time_holds_an_environment() {
        let folder = tempfile::tempdir().unwrap();
        let state = FileState::new(folder.path(), "repo", "a");
        let guard = state.lock().unwrap();
        assert!(matches!(state.lock(), Err(LocalError::Held { .. })));
        assert!(FileState::new(folder.path(), "repo", "b").lock().is_ok());
        drop(guard);
        assert!(state.lock().is_ok());
    }

    #[tokio::test]
    async fn journals_and_unsent_records_come_back_as_they_were_kept() {
        let folder = tempfile::tempdir().unwrap();
        let state = FileState::new(folder.path(), "repo", "a/../b");
        let _guard = state.lock().unwrap();
        state.append_journal("d1", b"one\n".to_vec()).await.unwrap();
        state.append_journal("d1", b"two\n".to_vec()).await.unwrap();
        assert_eq!(state.read_journal("d1").unwrap().unwrap(), b"one\ntwo\n");
        state.remove_journal("d1").unwrap();
        assert_eq!(state.read_journal("d1").unwrap(), None);
        let unsent = Unsent {
            deployment_id: "d1".into(),
            holder: "h".into(),
            message: "m".into(),
            time: jiff::Timestamp::UNIX_EPOCH,
            files: [("a".to_owned(), Some("b".to_owned())), ("c".to_owned(), None)].into(),
        };
        state.keep_unsent(&unsent).unwrap();
        assert_eq!(state.unsent().unwrap(), Some(unsent));
        state.drop_unsent().unwrap();
        assert_eq!(state.unsent().unwrap(), None);
    }
}
