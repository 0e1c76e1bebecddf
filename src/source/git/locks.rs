//! Lock files of git, and what is left of those whose process died.

use std::fs;
use std::path::Path;
use std::time::Duration;

use git2::Repository;

/// git holds a reference lock for milliseconds, or for as long as a `reference-transaction` hook
/// runs. One this old was left by a process that was killed.
const LOCK_AGE_MAX: Duration = Duration::from_secs(30);

/// Removes the locks of one reference that no living process can hold; says whether any went.
pub(super) fn remove_stale_locks(repo: &Repository, refname: &str) -> bool {
    let common = repo.commondir();
    let locks = [common.join(format!("{refname}.lock")), common.join("packed-refs.lock")];
    locks.iter().filter(|lock| remove_stale(lock)).count() > 0
}

/// Removes a lock file that is older than any living process would keep it.
pub(super) fn remove_stale(lock: &Path) -> bool {
    let age = fs::symlink_metadata(lock).and_then(|meta| meta.modified()).ok();
    let age = age.and_then(|modified| modified.elapsed().ok());
    if age.is_none_or(|age| age < LOCK_AGE_MAX) {
        return false;
    }
    tracing::warn!(lock = %lock.display(), "removing a lock that an interrupted git process left");
    fs::remove_file(lock).is_ok()
}
