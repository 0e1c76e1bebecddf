//! What this process asks of the system before it does anything else.

use std::io;

/// As many files and connections may be open as the system lets this process have: the usual soft limit is there
/// for programs of old.
#[cfg(unix)]
pub(super) fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where that is refused, what there is has to do; a deployment looks whether it does.
    _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// From now on a write beyond the largest file allowed is an error; by default it would end the process in the
/// middle of whatever it does.
///
/// # Errors
/// The system takes no more handlers.
#[cfg(unix)]
pub(super) fn survive_file_limit() -> io::Result<()> {
    let kind = tokio::signal::unix::SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // The handler stays when the listener goes.
    tokio::signal::unix::signal(kind).map(drop)
}

#[cfg(not(unix))]
pub(super) fn raise_descriptors() {}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "same shape as on unix")]
pub(super) fn survive_file_limit() -> io::Result<()> {
    Ok(())
}
