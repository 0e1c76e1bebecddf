//! The state directory on a real disk: an edge.

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::room::{allocate, try_descriptors, written};
use super::{Guard, LocalError, LocalState, Room, Sighting, Unsent};
use crate::disk::{make_private, make_root_private, private_file};
use crate::record::hex_sha256;

/// What stands in a state directory.
const IN_ROOT: [&str; 3] = ["environments", "holder", "holder.lock"];

/// A journal is named after its deployment.
const JOURNAL: &str = ".journal.jsonl";

/// `<state-dir>/holder`, and per repository and environment a folder with lock, journals, unsent record,
/// and the lease of somebody else that was seen last.
#[derive(Debug, Clone)]
pub struct FileState {
    root: PathBuf,
    folder: PathBuf,
    environment: String,
    open: Arc<Mutex<Open>>,
}

/// Files that stay open while a deployment runs: whatever happens to the folder or to the number of
/// descriptors meanwhile, they can be written.
#[derive(Debug, Default)]
struct Open {
    journal: Option<OpenJournal>,
    /// Room for a closing record that cannot be pushed.
    spare: Option<File>,
}

#[derive(Debug)]
struct OpenJournal {
    deployment: String,
    file: File,
    /// Where the next lines go. What a failed write left beyond it is written over.
    end: u64,
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
            open: Arc::default(),
        }
    }

    fn journal(&self, deployment: &str) -> PathBuf {
        self.folder.join(format!("{deployment}{JOURNAL}"))
    }

    fn spare_path(&self) -> PathBuf {
        self.folder.join("spare")
    }

    fn sighting_path(&self) -> PathBuf {
        self.folder.join("seen.json")
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets journals of other deployments: whoever begins one, or goes on with one, has ended those.
    fn remove_other_journals(&self, deployment: &str) -> io::Result<()> {
        let ours = format!("{deployment}{JOURNAL}");
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| name.ends_with(JOURNAL) && name != ours) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn secure_all(&self, deployment: &str, room: Room) -> Result<(), (String, io::Error)> {
        let Room { journal_bytes, closing_bytes, n_descriptors } = room;
        let named = |what: String| move |error| (what, error);
        let kib = |bytes: u64| bytes.div_ceil(1024);
        self.make_folders()
            .and_then(|()| self.remove_other_journals(deployment))
            .map_err(named("the folder".into()))?;
        let mut open = self.open();
        let journal = || -> io::Result<OpenJournal> {
            let journal = OpenJournal::open(&self.journal(deployment), deployment)?;
            allocate(&journal.file, journal.end.saturating_add(journal_bytes))?;
            Ok(journal)
        };
        let spare = || -> io::Result<File> {
            let file = private_file().truncate(true).open(self.spare_path())?;
            allocate(&file, closing_bytes)?;
            Ok(file)
        };
        let journal = journal().map_err(named(format!("{} KiB for the journal", kib(journal_bytes))))?;
        let spare = spare().map_err(named(format!("{} KiB for the closing record", kib(closing_bytes))))?;
        sync_folder(&self.folder).map_err(named("the folder".into()))?;
        try_descriptors(&spare, n_descriptors).map_err(named(format!("{n_descriptors} open files")))?;
        *open = Open { journal: Some(journal), spare: Some(spare) };
        Ok(())
    }

    /// Writes the unsent record into the room kept for it.
    fn keep_in_spare(&self, mut spare: File, content: &[u8]) -> io::Result<()> {
        spare.seek(SeekFrom::Start(0))?;
        spare.write_all(content)?;
        spare.set_len(content.len() as u64)?;
        spare.sync_all()?;
        fs::rename(self.spare_path(), self.unsent_path())?;
        sync_folder(&self.folder)
    }

    fn unsent_path(&self) -> PathBuf {
        self.folder.join("unsent.json")
    }

    fn make_root(&self) -> io::Result<()> {
        make_root_private(&self.root, &IN_ROOT)
    }

    fn make_folders(&self) -> io::Result<()> {
        self.make_root()?;
        let folders = self.folder.parent().into_iter().chain([self.folder.as_path()]);
        folders.into_iter().try_for_each(make_private)
    }

    fn make_folder(&self) -> Result<(), LocalError> {
        self.make_folders().map_err(failed("create the folder", &self.folder))
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LocalError + use<> {
    let path = path.to_owned();
    move |source| LocalError::Io { doing, path, source }
}

impl OpenJournal {
    /// The journal as it stands, to be written after its last byte of text.
    fn open(path: &Path, deployment: &str) -> io::Result<Self> {
        let there = read_file(path)?.map_or(0, |content| written(content).len());
        let file = private_file().open(path)?;
        if there == 0 {
            path.parent().map_or(Ok(()), sync_folder)?;
        }
        Ok(Self { deployment: deployment.to_owned(), file, end: there as u64 })
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(lines)?;
        self.file.sync_data()?;
        self.end = self.end.saturating_add(lines.len() as u64);
        Ok(())
    }
}

impl Open {
    /// The journal of a deployment, opened now where that was not done before.
    fn journal(&mut self, path: &Path, deployment: &str) -> io::Result<&mut OpenJournal> {
        let known = self.journal.take().filter(|journal| journal.deployment == deployment);
        let journal = known.map_or_else(|| OpenJournal::open(path, deployment), Ok)?;
        Ok(self.journal.insert(journal))
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes a file whole or not at all.
fn write_atomically(path: &Path, content: &[u8]) -> Result<(), LocalError> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    write().map_err(failed("write", path))
}

fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, LocalError> {
    read_file(path).map_err(failed("read", path))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, LocalError> {
    let Some(text) = read_if_there(path)? else {
        return Ok(None);
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| failed("read", path)(io::Error::other(error)))
}

fn to_json(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, LocalError> {
    serde_json::to_vec_pretty(value).map_err(|error| failed("write", path)(io::Error::other(error)))
}

fn remove_if_there(path: &Path) -> Result<(), LocalError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

impl LocalState for FileState {
    fn holder(&self, random: u64) -> Result<String, LocalError> {
        self.make_root().map_err(failed("create the folder", &self.root))?;
        let path = self.root.join("holder");
        let lock_path = self.root.join("holder.lock");
        let lock = private_file().open(&lock_path).map_err(failed("open", &lock_path))?;
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
        let file = private_file().open(&path).map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(LocalError::Held { environment: self.environment.clone(), path }),
            Err(TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
        }
    }

    fn secure(&self, deployment: &str, room: Room) -> Result<(), LocalError> {
        self.secure_all(deployment, room).map_err(|(what, source)| {
            // What could be had is given back. That may fail as well, and says nothing new.
            _ = self.remove_journal(deployment);
            LocalError::Room { what, path: self.folder.clone(), source }
        })
    }

    async fn append_journal(&self, deployment: &str, lines: Vec<u8>) -> Result<(), LocalError> {
        let path = self.journal(deployment);
        let append = {
            let (open, path, deployment) = (self.open.clone(), path.clone(), deployment.to_owned());
            move || {
                let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
                open.journal(&path, &deployment)?.append(&lines)
            }
        };
        match tokio::task::spawn_blocking(append).await {
            Ok(result) => result.map_err(failed("append to", &path)),
            Err(stopped) => Err(failed("append to", &path)(io::Error::other(stopped))),
        }
    }

    fn read_journal(&self, deployment: &str) -> Result<Option<Vec<u8>>, LocalError> {
        Ok(read_if_there(&self.journal(deployment))?.map(written))
    }

    fn remove_journal(&self, deployment: &str) -> Result<(), LocalError> {
        *self.open() = Open::default();
        remove_if_there(&self.journal(deployment)).and(remove_if_there(&self.spare_path()))
    }

    fn keep_unsent(&self, unsent: &Unsent) -> Result<(), LocalError> {
        let path = self.unsent_path();
        let content = to_json(&path, unsent)?;
        let spare = self.open().spare.take();
        match spare.map(|spare| self.keep_in_spare(spare, &content)) {
            Some(Ok(())) => Ok(()),
            // The folder may be gone: then there is another try in a new one.
            Some(Err(_)) | None => {
                self.make_folder()?;
                write_atomically(&path, &content)
            }
        }
    }

    fn unsent(&self) -> Result<Option<Unsent>, LocalError> {
        read_json(&self.unsent_path())
    }

    fn drop_unsent(&self) -> Result<(), LocalError> {
        remove_if_there(&self.unsent_path())
    }

    fn keep_sighting(&self, sighting: &Sighting) -> Result<(), LocalError> {
        let path = self.sighting_path();
        self.make_folder()?;
        write_atomically(&path, &to_json(&path, sighting)?)
    }

    fn sighting(&self) -> Result<Option<Sighting>, LocalError> {
        read_json(&self.sighting_path())
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

    const ROOM: Room = Room { journal_bytes: 10_000, closing_bytes: 50_000, n_descriptors: 4 };

    fn unsent() -> Unsent {
        let time = jiff::Timestamp::UNIX_EPOCH;
        let files = [("a".to_owned(), Some("b".repeat(1_000)))].into();
        Unsent { deployment_id: "d1".into(), holder: "h".into(), message: "m".into(), time, files }
    }

    #[tokio::test]
    async fn a_journal_with_room_reads_as_what_was_written_and_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let state = FileState::new(folder.path(), "repo", "a");
        state.append_journal("d0", b"zero\n".to_vec()).await.unwrap_err();
        state.secure("d0", ROOM).unwrap();
        state.secure("d1", ROOM).unwrap();
        assert_eq!(state.read_journal("d0").unwrap(), None, "journals of ended deployments are let go");
        state.append_journal("d1", b"one\n".to_vec()).await.unwrap();
        assert_eq!(fs::metadata(state.journal("d1")).unwrap().len(), 10_000);
        assert_eq!(state.read_journal("d1").unwrap().unwrap(), b"one\n");
        let next = FileState::new(folder.path(), "repo", "a");
        next.secure("d1", ROOM).unwrap();
        next.append_journal("d1", b"two\n".to_vec()).await.unwrap();
        assert_eq!(next.read_journal("d1").unwrap().unwrap(), b"one\ntwo\n");
        next.remove_journal("d1").unwrap();
        assert_eq!(fs::read_dir(&next.folder).unwrap().count(), 0, "nothing is left behind");
    }

    #[tokio::test]
    async fn what_was_secured_is_there_when_the_folder_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let state = FileState::new(folder.path(), "repo", "a");
        state.secure("d1", ROOM).unwrap();
        fs::remove_dir_all(&state.folder).unwrap();
        state.append_journal("d1", b"one\n".to_vec()).await.unwrap();
        state.keep_unsent(&unsent()).unwrap();
        assert_eq!(state.unsent().unwrap(), Some(unsent()));
        state.remove_journal("d1").unwrap();
    }

    #[test]
    fn a_record_takes_the_room_kept_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = FileState::new(folder.path(), "repo", "a");
        state.secure("d1", ROOM).unwrap();
        state.keep_unsent(&unsent()).unwrap();
        assert!(!state.spare_path().exists());
        assert_eq!(state.unsent().unwrap(), Some(unsent()));
    }

    #[test]
    fn a_lease_seen_is_remembered_until_another_is() {
        let folder = tempfile::tempdir().unwrap();
        let state = FileState::new(folder.path(), "repo", "a");
        assert_eq!(state.sighting().unwrap(), None);
        let time = jiff::Timestamp::UNIX_EPOCH;
        let holder = crate::record::Holder { id: "h".into(), deadline: time };
        let sighting = Sighting { deployment_id: "d1".into(), holder, first_seen: time };
        state.keep_sighting(&sighting).unwrap();
        assert_eq!(state.sighting().unwrap(), Some(sighting));
    }
}
