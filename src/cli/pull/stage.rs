//! Putting files in place: every one, or none.
//!
//! The folder itself stays where it is, because it may be a mount point, somebody's current directory, or watched.
//! So everything is written below it first, into a folder that begins with a dot and is no part of the flows, and
//! then each file is renamed to its place. What was there is kept until the last one has arrived.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// How the folders begin in which files wait for their places.
const PREFIX: &str = ".flowsync-pull-";
/// Held by the process that works in such a folder; what nobody holds was left by one that was killed.
const LOCK: &str = "lock";

/// A file by its path, and its content; without one it is removed.
pub(in crate::cli) type Edit = (PathBuf, Option<Vec<u8>>);

/// Writes files below a folder, each whole, and removes those without content; where one cannot be put in place, all are as they were.
pub(in crate::cli) fn put(into: &Path, files: &[Edit]) -> io::Result<()> {
    let made = make_folders(into)?;
    let done = Stage::open(into).and_then(|stage| stage.put(into, files));
    if done.is_err() {
        made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    }
    done
}

/// Makes a folder and those above it; the new ones, outermost first.
fn make_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_absent = |path: &&Path| !path.as_os_str().is_empty() && !path.is_dir();
    let mut missing: Vec<PathBuf> = folder.ancestors().take_while(is_absent).map(Path::to_owned).collect();
    missing.reverse();
    fs::create_dir_all(folder)?;
    Ok(missing)
}

/// Where files wait.
struct Stage {
    folder: TempDir,
    _lock: File,
}

/// A file that was put in place, and where what it replaced is kept.
struct Placed {
    target: PathBuf,
    before: Option<PathBuf>,
}

impl Stage {
    fn open(into: &Path) -> io::Result<Self> {
        sweep(into);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(into)?;
        let lock = File::create_new(folder.path().join(LOCK))?;
        lock.try_lock()?;
        fs::create_dir(folder.path().join("new"))?;
        fs::create_dir(folder.path().join("old"))?;
        Ok(Self { folder, _lock: lock })
    }

    fn put(self, into: &Path, files: &[Edit]) -> io::Result<()> {
        for (n, (path, content)) in files.iter().enumerate() {
            let (staged, target) = (self.staged(n), into.join(path));
            let Some(content) = content else { continue };
            fs::write(&staged, content)?;
            if let Ok(found) = fs::metadata(&target) {
                fs::set_permissions(&staged, found.permissions())?;
            }
        }
        let mut placed = Vec::with_capacity(files.len());
        let mut made = Vec::new();
        for (n, (path, content)) in files.iter().enumerate() {
            let target = into.join(path);
            let staged = content.as_ref().map(|_| self.staged(n));
            if let Err(error) = self.place(n, staged.as_deref(), &target, &mut placed, &mut made) {
                return Err(self.take_back(&placed, &made, at(&target, &error)));
            }
        }
        Ok(())
    }

    fn place(
        &self,
        n: usize,
        staged: Option<&Path>,
        target: &Path,
        placed: &mut Vec<Placed>,
        made: &mut Vec<PathBuf>,
    ) -> io::Result<()> {
        made.extend(make_folders(target.parent().unwrap_or(target))?);
        let before = self.folder.path().join("old").join(n.to_string());
        let before = match fs::symlink_metadata(target) {
            Ok(_) => {
                // A second name for the same file where the file system has such, else a copy.
                fs::hard_link(target, &before).or_else(|_| fs::copy(target, &before).map(drop))?;
                Some(before)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        // Before the act: a copy that breaks off half-way has changed the target.
        placed.push(Placed { target: target.to_owned(), before });
        match staged {
            Some(staged) => replace(staged, target),
            None => fs::remove_file(target),
        }
    }

    fn staged(&self, n: usize) -> PathBuf {
        self.folder.path().join("new").join(n.to_string())
    }

    /// Puts everything back. Where even that fails, what was there is kept and the error says where.
    fn take_back(self, placed: &[Placed], made: &[PathBuf], error: io::Error) -> io::Error {
        let mut lost = Vec::new();
        for Placed { target, before } in placed.iter().rev() {
            let back = match before {
                Some(before) => replace(before, target),
                None => match fs::remove_file(target) {
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                    done => done,
                },
            };
            lost.extend(back.err().map(|error| at(target, &error).to_string()));
        }
        made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
        if lost.is_empty() {
            return error;
        }
        let kept = self.folder.keep();
        let (kept, lost) = (kept.display(), lost.join("; "));
        io::Error::new(error.kind(), format!("{error}; and not everything could be put back ({lost}): see `{kept}`"))
    }
}

/// Puts a file in the place of another. A file that is a mount of its own, or lies on another one, cannot be renamed
/// over: its content is replaced.
fn replace(from: &Path, target: &Path) -> io::Result<()> {
    match fs::rename(from, target) {
        Err(error) if matches!(error.kind(), ErrorKind::CrossesDevices | ErrorKind::ResourceBusy) => {
            fs::copy(from, target).map(drop)
        }
        done => done,
    }
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

/// Removes what pulls left here that were killed.
fn sweep(into: &Path) {
    let Ok(entries) = fs::read_dir(into) else { return };
    let ours = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    for folder in ours.map(|entry| entry.path()) {
        let is_held = File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_err());
        if !is_held && let Err(error) = fs::remove_dir_all(&folder) {
            tracing::warn!(folder = %folder.display(), %error, "cannot remove what an interrupted pull left");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Every file below a folder with its content, folders by a slash.
    fn all(folder: &Path) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                found.insert(format!("{name}/"), String::new());
                found.extend(all(&entry.path()).into_iter().map(|(path, text)| (format!("{name}/{path}"), text)));
            } else {
                found.insert(name, fs::read_to_string(entry.path()).unwrap());
            }
        }
        found
    }

    /// Files with their content; `-` removes one.
    fn files(list: &[(&str, &str)]) -> Vec<Edit> {
        let content = |text: &str| (text != "-").then(|| text.as_bytes().to_vec());
        list.iter().map(|(path, text)| (PathBuf::from(path), content(text))).collect()
    }

    #[test]
    fn files_arrive_and_nothing_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("deep/flows");
        put(&into, &files(&[("a.json", "1"), ("sub/b.json", "2")])).unwrap();
        fs::write(into.join("notes.txt"), "mine").unwrap();
        put(&into, &files(&[("b.json", "4")])).unwrap();
        put(&into, &files(&[("a.json", "3"), ("b.json", "-")])).unwrap();
        let found: Vec<(String, String)> = all(folder.path()).into_iter().collect();
        let expected = [
            ("deep/", ""),
            ("deep/flows/", ""),
            ("deep/flows/a.json", "3"),
            ("deep/flows/notes.txt", "mine"),
            ("deep/flows/sub/", ""),
            ("deep/flows/sub/b.json", "2"),
        ];
        assert_eq!(found, expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
    }

    #[test]
    fn where_one_file_cannot_be_placed_all_are_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), "before").unwrap();
        fs::write(folder.path().join("gone.json"), "gone").unwrap();
        fs::create_dir_all(folder.path().join("taken.json/full")).unwrap();
        let before = all(folder.path());
        let wanted = files(&[("a.json", "after"), ("gone.json", "-"), ("new/b.json", "new"), ("taken.json", "x")]);
        let error = put(folder.path(), &wanted).unwrap_err();
        assert!(error.to_string().contains("taken.json"), "{error}");
        assert_eq!(all(folder.path()), before);
        let absent = folder.path().join("not/yet");
        fs::write(folder.path().join("file"), "").unwrap();
        put(&absent, &files(&[("x/y.json", "1"), ("x", "2")])).unwrap_err();
        assert!(!folder.path().join("not").exists());
    }

    #[test]
    fn what_a_killed_pull_left_goes_and_what_a_living_one_holds_stays() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["dead", "older"] {
            fs::create_dir_all(folder.path().join(format!("{PREFIX}{name}/new"))).unwrap();
        }
        fs::write(folder.path().join(format!("{PREFIX}dead")).join(LOCK), "").unwrap();
        let living = Stage::open(folder.path()).unwrap();
        put(folder.path(), &files(&[("a.json", "1")])).unwrap();
        let name = living.folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        let tops: Vec<String> =
            fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        assert!(tops.len() == 2 && tops.contains(&name) && tops.contains(&"a.json".to_owned()), "{tops:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        fs::write(&file, "1").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
        put(folder.path(), &files(&[("a.json", "2")])).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o664);
    }
}
