//! Has libgit2 ask an ssh host for a key of a kind that is known.
//!
//! A host shows one of its keys: the first of a kind that both sides would take. libgit2 prefers the kinds that it
//! finds in `.ssh/known_hosts` of the home folder, as `ssh` does, but knows of no other file, no pattern, no mark and no
//! `/etc/ssh`; a line with a mark makes it give up. So it gets a home of our own, in the cache folder, whose file
//! holds nothing but plain lines of the hosts that were talked to. It only says what to ask for: whether a key is the
//! right one is judged by [`KnownHosts::check`].

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Result;
use std::path::Path;

use super::cache::replace;
use super::global;
use super::home;
use super::known_hosts::{KnownHosts, name_of};
use crate::address::RemoteUrl;
use crate::disk::make_private;

/// The kinds of keys that libssh2 can ask for.
const KINDS: [&str; 5] =
    ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"];

/// The kinds of keys that are known of a host, and that it is asked for. Where there are none, it shows what it likes.
pub(super) fn known_kinds<'h>(hosts: &'h KnownHosts, url: &RemoteUrl) -> Vec<&'h str> {
    let mut kinds: Vec<&str> = hosts.keys_of(&url.host, url.port).into_iter().map(|(kind, _)| kind).collect();
    kinds.retain(|kind| KINDS.contains(kind));
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Writes down what is known of the host for libgit2. Where that fails, the host is asked for what it likes.
pub(super) fn ask_for_known_kinds(home: &Path, hosts: &KnownHosts, url: &RemoteUrl) {
    let made = global::set_home(home).map_err(std::io::Error::other).and_then(|home| write(home, hosts, url));
    if let Err(error) = made {
        tracing::debug!(%error, "a host is asked for any kind of key");
    }
}

fn write(home: &Path, hosts: &KnownHosts, url: &RemoteUrl) -> Result<()> {
    let folder = home.join(".ssh");
    [home, &folder].into_iter().try_for_each(make_private)?;
    // Several processes, and threads of one, may write at once.
    let lock = File::create(home.join("lock"))?;
    lock.lock()?;
    link_configuration(home);
    let name = name_of(&url.host, url.port);
    let file = folder.join("known_hosts");
    let before = fs::read_to_string(&file).unwrap_or_default();
    let others = before.lines().filter(|line| line.split(' ').next() != Some(&name));
    let mut after: String = others.map(|line| format!("{line}\n")).collect();
    for (kind, key) in hosts.keys_of(&url.host, url.port).iter().filter(|(kind, _)| KINDS.contains(kind)) {
        // Writing to a string cannot fail.
        let _ = writeln!(after, "{name} {kind} {key}");
    }
    if after == before { Ok(()) } else { replace(&file, after.as_bytes()) }
}

/// What a git configuration may include by a name that begins with `~` stays where it is.
fn link_configuration(home: &Path) {
    let Some(real) = home::folder().filter(|real| real != home) else { return };
    for entry in fs::read_dir(real).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let link = home.join(&name);
        let is_configuration = name.to_str().is_some_and(|name| name.starts_with(".git") || name == ".config");
        if is_configuration && link.symlink_metadata().is_err() {
            // Without the link, an include is not found, as if it were not there.
            let _ = link_to(&entry.path(), &link);
        }
    }
}

#[cfg(unix)]
fn link_to(target: &Path, link: &Path) -> Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn link_to(_: &Path, _: &Path) -> Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
