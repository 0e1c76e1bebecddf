//! What stands in the cache folder for one repository: a lock, the tips seen last, a clone.
//!
//! Several environments of one process and several processes may share it. Whoever writes there
//! holds the lock; the kernel takes it back from a process that dies.

use std::fmt::Write as _;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git2::Oid;
use sha2::{Digest, Sha256};

use super::chance;
use super::read::io_error;
use super::tidy::Rewound;
use crate::disk::{make_private, make_root_private, private_file};
use crate::source::SourceError;

/// What stands in a cache folder.
const IN_ROOT: [&str; 3] = ["clones", "index", "ssh"];
/// Whoever waits longer than this looks again at its next pass; a first fetch may last longer.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(300);

/// A wait that lasts longer is told of.
const LOCK_WAIT_SAID: Duration = Duration::from_secs(5);
/// Nobody reads what they fetched before for longer than this.
const READING_MAX: Duration = Duration::from_secs(60 * 60);

/// In the clone: what it took on the disk when it was as small as it gets.
const FRESH: &str = "flowsync-fresh";

/// Paths in the cache that belong to one repository.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    /// The bare clone, where the repository is remote.
    pub(super) clone: PathBuf,
    lock: PathBuf,
    seen: PathBuf,
    suspect: PathBuf,
    rewound: PathBuf,
}

/// Held while something is written; dropped, it is free again.
pub(super) struct Lock(#[expect(dead_code, reason = "closing the file frees the lock")] File);

impl Cache {
    /// For the repository with this normal URL.
    pub(super) fn new(cache_dir: &Path, normal: &str) -> Self {
        let name = short_hash(normal);
        let clones = cache_dir.join("clones");
        Self {
            lock: clones.join(format!("{name}.lock")),
            seen: clones.join(format!("{name}.seen")),
            suspect: clones.join(format!("{name}.suspect")),
            rewound: clones.join(format!("{name}.rewound")),
            clone: clones.join(name),
        }
    }

    /// Where what a host is asked for stands, for all repositories of the cache folder.
    pub(super) fn ssh_home(&self) -> PathBuf {
        self.clone.ancestors().nth(2).unwrap_or(&self.clone).join("ssh")
    }

    /// Waits for the lock.
    pub(super) fn lock(&self) -> Result<Lock, SourceError> {
        let failed = |error: &std::io::Error| io_error(&self.lock, "take the lock", error);
        if let Some((clones, root)) = self.lock.parent().and_then(|clones| Some((clones, clones.parent()?))) {
            make_root_private(root, &IN_ROOT).and_then(|()| make_private(clones)).map_err(|e| failed(&e))?;
        }
        let file = private_file().open(&self.lock);
        let file = file.map_err(|e| failed(&e))?;
        let started = Instant::now();
        let mut is_said = false;
        loop {
            if !is_said && started.elapsed() > LOCK_WAIT_SAID {
                is_said = true;
                tracing::warn!("waiting for another flowsync process that works on the same repository");
            }
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::Error(error)) => return Err(failed(&error)),
                Err(TryLockError::WouldBlock) if started.elapsed() > LOCK_WAIT_MAX => {
                    return Err(failed(&std::io::Error::other("another flowsync process holds it")));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(chance::pause(2..20)),
            }
        }
    }

    /// The tip of a branch seen last. Kept beside the clone, so that it outlives it.
    pub(super) fn seen(&self, branch: &str) -> Option<Oid> {
        let text = fs::read_to_string(self.seen.join(short_hash(branch))).ok()?;
        Oid::from_str(text.split_whitespace().next()?).ok()
    }

    /// Remembers the tip of a branch; `None` forgets it. The caller holds the lock.
    pub(super) fn set_seen(&self, branch: &str, tip: Option<Oid>) -> Result<(), SourceError> {
        let path = self.seen.join(short_hash(branch));
        let done = match tip {
            Some(tip) => make_private(&self.seen).and_then(|()| replace(&path, format!("{tip} {branch}\n").as_bytes())),
            None if path.exists() => fs::remove_file(&path),
            None => Ok(()),
        };
        done.map_err(|error| io_error(&path, "remember the tip of a branch", &error))
    }

    /// Notes that an object of the clone could not be read, so that the next fetch makes it anew.
    pub(super) fn suspect(&self) {
        if let Err(error) = fs::write(&self.suspect, b"") {
            tracing::debug!(%error, "cannot mark the clone as damaged");
        }
    }

    /// Whether a read failed since the clone was made.
    pub(super) fn is_suspect(&self) -> bool {
        self.suspect.exists()
    }

    /// Removes the clone. The caller holds the lock.
    pub(super) fn remove_clone(&self) -> Result<(), SourceError> {
        for path in [&self.clone, &self.unfinished()] {
            match fs::symlink_metadata(path) {
                Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
                Ok(_) => fs::remove_file(path),
                Err(_) => Ok(()),
            }
            .map_err(|error| io_error(path, "remove the damaged clone", &error))?;
        }
        let _ = fs::remove_file(&self.suspect);
        let _ = fs::remove_file(&self.rewound);
        Ok(())
    }

    /// Notes that a branch no longer holds what it held, so that the clone may hold what nobody needs any more.
    pub(super) fn note_rewound(&self) {
        if let Err(error) = fs::write(&self.rewound, b"") {
            tracing::debug!(%error, "cannot note that a branch was rewound");
        }
    }

    /// Whether that was noted, and when.
    pub(super) fn rewound(&self) -> Rewound {
        let noted = fs::metadata(&self.rewound).and_then(|meta| meta.modified()).ok();
        match noted.map(|time| time.elapsed().unwrap_or_default()) {
            None => Rewound::Never,
            Some(age) if age < READING_MAX => Rewound::Lately,
            Some(_) => Rewound::Before,
        }
    }

    /// The clone holds what branches hold, and nothing else.
    pub(super) fn forget_rewound(&self) -> std::io::Result<()> {
        match fs::remove_file(&self.rewound) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// What the clone took on the disk when it was as small as it gets; 0 where that is not known.
    pub(super) fn fresh_bytes(&self) -> u64 {
        let text = fs::read_to_string(self.clone.join(FRESH)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// Remembers that. The caller holds the lock.
    pub(super) fn set_fresh_bytes(&self, bytes: u64) -> std::io::Result<()> {
        replace(&self.clone.join(FRESH), format!("{bytes}\n").as_bytes())
    }

    /// Where a clone is made before it moves into its place.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.clone.with_extension("new")
    }
}

/// Removes what a killed process left in a clone. The caller holds the lock, so nobody writes there.
pub(super) fn heal(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            // Packs are files of their own folder; the 256 others are only worth a look for what is left.
            heal(&path);
        } else if is_left_over(&path, &name) {
            tracing::warn!(path = %path.display(), "removing what an interrupted git operation left");
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, "cannot remove it");
            }
        }
    }
}

/// Whether a file of a clone is half of something: a lock, what was being written, a pack without its index.
fn is_left_over(path: &Path, name: &str) -> bool {
    let lacks = |other: &str| name.starts_with("pack-") && !path.with_extension(other).exists();
    name.ends_with(".lock")
        || ["tmp_", "pack_git2_", ".flowsync-"].iter().any(|start| name.starts_with(start))
        || (name.ends_with(".pack") && lacks("idx"))
        || (name.ends_with(".idx") && lacks("pack"))
}

/// Writes a file in one step: readers see the old content or the new one.
pub(super) fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().ok_or_else(|| std::io::Error::other("a path without a folder"))?;
    let mut file = tempfile::Builder::new().prefix(".flowsync-").tempfile_in(folder)?;
    file.write_all(content)?;
    set_plain_mode(file.as_file())?;
    file.persist(path)?;
    Ok(())
}

/// Temporary files are born private; records are as readable as any file of the work tree.
#[cfg(unix)]
fn set_plain_mode(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_plain_mode(_: &File) -> std::io::Result<()> {
    Ok(())
}

fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
