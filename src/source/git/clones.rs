//! Open clones, kept from one read to the next: opening one means reading its configuration and its list of packs anew,
//! which costs more than most reads do.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use git2::Repository;

/// No more than these are kept of one repository: environments read at most so many at once for long.
const KEPT_MAX: usize = 2;
/// So often is one read from: what libgit2 remembers of objects goes with it.
const READS_MAX: u32 = 200;

/// The open clones of one repository.
#[derive(Default)]
pub(super) struct Clones(Mutex<Vec<Kept>>);

/// One that nobody reads from at the moment.
struct Kept {
    repo: Repository,
    state: CloneState,
    n_reads: u32,
}

/// What of a clone's files says that whoever opened it need not open it again: it is the same folder, with the same
/// configuration and the same packs.
#[derive(Debug, PartialEq, Eq)]
struct CloneState(Vec<(u64, u64, i64, i64)>);

impl Clones {
    /// Reads from a clone, opened by `open` where none is kept that is as the clone is now.
    pub(super) fn read<T, E>(
        &self,
        path: &Path,
        open: impl FnOnce() -> Result<Repository, E>,
        read: impl FnOnce(&Repository) -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(state) = CloneState::of(path) else { return read(&open()?) };
        let kept = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.retain(|kept| kept.state == state);
            kept.pop()
        };
        let mut kept = match kept {
            Some(kept) => kept,
            None => Kept { repo: open()?, state, n_reads: 0 },
        };
        let done = read(&kept.repo)?;
        kept.n_reads += 1;
        if kept.n_reads < READS_MAX {
            let mut others = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if others.len() < KEPT_MAX {
                others.push(kept);
            }
        }
        Ok(done)
    }

    /// Closes what nobody reads from at the moment.
    pub(super) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl std::fmt::Debug for Clones {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clones").finish_non_exhaustive()
    }
}

impl CloneState {
    /// Nothing where that cannot be told.
    #[cfg(unix)]
    fn of(clone: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let of = |name| {
            let meta = fs::metadata(clone.join(name)).ok()?;
            Some((meta.dev(), meta.ino(), meta.ctime(), meta.ctime_nsec()))
        };
        ["config", "objects/pack"].into_iter().map(of).collect::<Option<_>>().map(Self)
    }

    #[cfg(not(unix))]
    fn of(clone: &Path) -> Option<Self> {
        _ = fs::metadata(clone);
        None
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_clone_is_opened_again_when_it_is_another_one_or_has_other_packs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clone");
        Repository::init_bare(&path).unwrap();
        let (clones, n_opened) = (Clones::default(), Cell::new(0));
        let open = || {
            n_opened.set(n_opened.get() + 1);
            Repository::open_bare(&path)
        };
        let read = |n_expected: u32, why: &str| {
            let at = clones.read(&path, open, |repo| Ok(repo.path().to_owned())).unwrap();
            assert!(at.ends_with("clone"));
            assert_eq!(n_opened.get(), n_expected, "{why}");
        };
        read(1, "the first time");
        read(1, "kept");
        std::fs::write(path.join("objects/pack/other.idx"), b"").unwrap();
        read(2, "there are other packs");
        read(2, "kept");
        std::fs::remove_dir_all(&path).unwrap();
        Repository::init_bare(&path).unwrap();
        read(3, "made anew");
        let failed = clones.read(&path, open, |_| Err::<(), _>(git2::Error::from_str("damaged")));
        assert!(failed.is_err());
        read(4, "one that could not be read from is not kept");
        clones.close();
        read(5, "closed");
        for n_reads in 1..READS_MAX {
            read(5, &format!("after {n_reads} reads"));
        }
        read(6, "what it remembers does not grow for ever");
    }

    #[test]
    fn two_at_once_have_one_each() {
        let folder = tempfile::tempdir().unwrap();
        Repository::init_bare(folder.path()).unwrap();
        let (clones, n_opened) = (Clones::default(), Cell::new(0));
        let open = || {
            n_opened.set(n_opened.get() + 1);
            Repository::open_bare(folder.path())
        };
        for _ in 0..3 {
            let inner = |_: &Repository| clones.read(folder.path(), open, |_| Ok::<_, git2::Error>(()));
            clones.read(folder.path(), open, inner).unwrap();
        }
        assert_eq!(n_opened.get(), 2);
    }
}
