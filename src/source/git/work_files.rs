//! Records in the work trees of a local repository.
//!
//! Where the records branch is checked out, moving it alone would make every record look deleted.
//! So the record files, and only these, follow into the work tree and the index; whatever else the
//! user has staged or changed stays. A failure here is a warning: the commit stands.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git2::{ErrorCode, Index, IndexEntry, IndexTime, ObjectType, Oid, Repository};

use super::build::NewCommit;
use super::chance;
use super::locks::remove_stale;
use super::sharing::Shared;

/// How long the index lock of another process is waited for.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(3);

/// Which files of a work tree a commit may take the place of.
pub(super) enum Overwrite<'f> {
    /// All of its own: nobody else writes them.
    Always,
    /// Those that stand as they did in the commit before, which is said here.
    Unchanged(&'f BTreeMap<String, Option<Oid>>),
}

/// Brings the files of a commit into every work tree that has the branch checked out.
pub(super) fn follow(repo: &Repository, refname: &str, new: &NewCommit, shared: &Shared, overwrite: &Overwrite<'_>) {
    for repo in work_trees(repo) {
        let on_branch =
            repo.find_reference("HEAD").ok().and_then(|head| head.symbolic_target().ok()?.map(str::to_owned));
        let Some(work_dir) = repo.workdir().filter(|_| on_branch.as_deref() == Some(refname)) else { continue };
        for (path, blob) in &new.files {
            if let Overwrite::Unchanged(before) = overwrite
                && !stands(work_dir, path, before.get(path).copied().flatten())
            {
                tracing::warn!(path, "it was changed in the work tree, and is left as it is");
            } else if let Err(error) = write(&repo, work_dir, path, *blob) {
                tracing::warn!(path, %error, "cannot bring a file into the work tree");
            }
        }
        let updated = update_index(&repo, new, overwrite);
        shared.widen_alone(&repo.path().join("index"));
        if let Err(error) = updated {
            tracing::warn!(%error, "cannot bring the files into the index; `git status` will show them as changed");
        }
    }
}

/// Whether a file of the work tree has this content; `None`: is not there.
fn stands(work_dir: &Path, path: &str, blob: Option<Oid>) -> bool {
    let Ok(file) = inside(work_dir, path) else { return false };
    match (fs::symlink_metadata(&file), blob) {
        (Err(error), None) => error.kind() == std::io::ErrorKind::NotFound,
        (Ok(meta), Some(blob)) => {
            meta.is_file() && Oid::hash_file(ObjectType::Blob, &file).is_ok_and(|found| found == blob)
        }
        (Ok(_), None) | (Err(_), Some(_)) => false,
    }
}

/// The main work tree, and the linked ones.
fn work_trees(repo: &Repository) -> Vec<Repository> {
    let main = Repository::open(repo.commondir()).ok().filter(|main| !main.is_bare());
    let names = repo.worktrees().ok();
    let names: Vec<String> = names.iter().flatten().filter_map(|name| name.ok()?.map(str::to_owned)).collect();
    let linked = names.iter().filter_map(|name| {
        let tree = repo.find_worktree(name).ok()?;
        Repository::open_from_worktree(&tree).ok()
    });
    main.into_iter().chain(linked).collect()
}

fn write(repo: &Repository, work_dir: &Path, path: &str, blob: Option<Oid>) -> std::io::Result<()> {
    let file = inside(work_dir, path)?;
    let Some(blob) = blob else {
        return match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let blob = repo.find_blob(blob).map_err(std::io::Error::other)?;
    put(&file, blob.content())
}

/// Writes a file in one step, with the bits that any new file of this process has, as `git checkout` does: a file made
/// to be private for a moment would stay so.
fn put(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().ok_or_else(|| std::io::Error::other("a path without a folder"))?;
    let fresh = folder.join(format!(".flowsync-{}", chance::name()));
    let mut out = OpenOptions::new().write(true).create_new(true).open(&fresh)?;
    let put = out.write_all(content).and_then(|()| fs::rename(&fresh, file));
    if put.is_err() {
        _ = fs::remove_file(&fresh);
    }
    put
}

/// The file's place, refused where a folder on the way is a symbolic link that could lead outside.
fn inside(work_dir: &Path, path: &str) -> std::io::Result<PathBuf> {
    let mut place = work_dir.to_owned();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        place.push(part);
        let is_link = fs::symlink_metadata(&place).is_ok_and(|meta| meta.is_symlink());
        if is_link && parts.peek().is_some() {
            return Err(std::io::Error::other(format!("`{}` is a symbolic link", place.display())));
        }
    }
    Ok(place)
}

fn update_index(repo: &Repository, new: &NewCommit, overwrite: &Overwrite<'_>) -> Result<(), git2::Error> {
    let started = Instant::now();
    loop {
        let mut index = repo.index()?;
        index.read(true)?;
        for (path, blob) in &new.files {
            // What somebody has staged stays.
            if let Overwrite::Unchanged(before) = overwrite
                && index.get_path(Path::new(path), 0).map(|entry| entry.id) != before.get(path).copied().flatten()
            {
                continue;
            }
            set_entry(repo, &mut index, path, *blob)?;
        }
        match index.write() {
            Err(error) if error.code() == ErrorCode::Locked => {
                if !remove_stale(&repo.path().join("index.lock")) {
                    if started.elapsed() > LOCK_WAIT_MAX {
                        return Err(error);
                    }
                    std::thread::sleep(chance::pause(5..50));
                }
            }
            done => return done,
        }
    }
}

fn set_entry(repo: &Repository, index: &mut Index, path: &str, blob: Option<Oid>) -> Result<(), git2::Error> {
    let Some(id) = blob else {
        return index.remove_path(Path::new(path));
    };
    let size = repo.find_blob(id)?.size();
    let never = IndexTime::new(0, 0);
    index.add(&IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode: 0o100_644,
        uid: 0,
        gid: 0,
        file_size: u32::try_from(size).unwrap_or(u32::MAX),
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    })
}
