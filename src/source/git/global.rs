//! What libgit2 knows once a process: time-outs, trusted roots and a home.
//!
//! The only unsafe code of the crate: libgit2 keeps these in C globals, which git2 marks unsafe to
//! set while another thread uses them. [`network`] is taken by every network operation, so that a
//! root is only ever added while none is under way, and the time-outs are set before the first.
#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::ffi::{CString, c_int};
use std::path::{Path, PathBuf};
use std::sync::{Once, OnceLock, PoisonError, RwLock, RwLockReadGuard};

/// How long a server may take to accept a connection.
const CONNECT_MILLIS_MAX: i32 = 10_000;
/// How long a server may stay silent.
const SILENCE_MILLIS_MAX: i32 = 60_000;

static ROOTS: RwLock<BTreeSet<PathBuf>> = RwLock::new(BTreeSet::new());
static TIMEOUTS: Once = Once::new();

/// Held while libgit2 talks to a server.
pub(super) type NetworkGuard = RwLockReadGuard<'static, BTreeSet<PathBuf>>;

/// Waits until nobody changes the globals, and keeps them as they are while the guard lives.
pub(super) fn network() -> NetworkGuard {
    set_timeouts();
    ROOTS.read().unwrap_or_else(PoisonError::into_inner)
}

/// Trusts the roots in a PEM file too, for every later https connection of this process.
///
/// The system's own roots stay trusted: OpenSSL adds to its store.
pub(super) fn trust(ca_file: &Path) -> Result<(), git2::Error> {
    set_timeouts();
    let mut roots = ROOTS.write().unwrap_or_else(PoisonError::into_inner);
    if roots.contains(ca_file) {
        return Ok(());
    }
    // SAFETY: the write guard keeps every network operation of this crate out.
    unsafe { git2::opts::set_ssl_cert_file(ca_file) }?;
    roots.insert(ca_file.to_owned());
    Ok(())
}

/// Has libgit2 look for `.ssh/known_hosts`, and whatever begins with `~` in a git configuration, in this folder from
/// now on. Only the first folder counts; the one that counts is returned.
pub(super) fn set_home(home: &Path) -> Result<&'static Path, git2::Error> {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    if let Some(home) = HOME.get() {
        return Ok(home);
    }
    set_timeouts();
    let _alone = ROOTS.write().unwrap_or_else(PoisonError::into_inner);
    // Somebody may have come first.
    if let Some(home) = HOME.get() {
        return Ok(home);
    }
    let path = CString::new(home.as_os_str().as_encoded_bytes())?;
    // SAFETY: the write guard keeps every network operation of this crate out, libgit2 was started by what `set_timeouts`
    // does, and the option takes a string that it copies.
    let code = unsafe { libgit2_sys::git_libgit2_opts(libgit2_sys::GIT_OPT_SET_HOMEDIR as c_int, path.as_ptr()) };
    if code < 0 {
        return Err(git2::Error::last_error(code));
    }
    Ok(HOME.get_or_init(|| home.to_owned()))
}

fn set_timeouts() {
    TIMEOUTS.call_once(|| {
        // SAFETY: every network operation of this crate passes through here first, and `Once` lets
        // one thread in.
        let set = unsafe {
            git2::opts::set_server_connect_timeout_in_milliseconds(CONNECT_MILLIS_MAX)
                .and_then(|()| git2::opts::set_server_timeout_in_milliseconds(SILENCE_MILLIS_MAX))
        };
        if let Err(error) = set {
            tracing::warn!(%error, "cannot set the time-outs of git connections");
        }
    });
}
