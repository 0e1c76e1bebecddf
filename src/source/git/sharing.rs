//! `core.sharedRepository`: who else may read and write what is new in a local repository.
//!
//! libgit2 creates files by the process's umask alone. git widens what it creates as this setting says, and so do we:
//! under a strict umask the others of a group could neither read the new objects nor write beside them. Folders that
//! were there keep their bits.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use git2::Repository;

/// Bits that are added for a group, or for everybody, as in git's own `PERM_GROUP` and `PERM_EVERYBODY`.
const GROUP: u32 = 0o660;
const EVERYBODY: u32 = 0o664;
#[cfg(unix)]
const SET_GROUP_ID: u32 = 0o2000;

/// What the setting asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// By the umask alone.
    Umask,
    /// These bits besides.
    Add(u32),
    /// These bits and no others.
    Exactly(u32),
}

/// Widens what is new in a repository.
pub(super) struct Shared {
    sharing: Sharing,
    /// Where everything lies that is shared.
    root: PathBuf,
    /// Folders that were there before.
    known: HashSet<PathBuf>,
}

impl Shared {
    /// Looks at the setting and, where there is one, at the folders that a commit may add to.
    pub(super) fn before(repo: &Repository, refname: &str) -> Self {
        let (sharing, root) = (Sharing::of(repo), repo.commondir().to_owned());
        let mut known = HashSet::new();
        if sharing != Sharing::Umask {
            let objects = root.join("objects");
            let below = std::fs::read_dir(&objects).into_iter().flatten().flatten().map(|entry| entry.path());
            known.extend(below.chain([objects.clone(), root.clone()]));
            for top in [root.clone(), root.join("logs")] {
                let ways = super::names::prefixes(refname).map(|way| top.join(way));
                known.extend(ways.chain([top.clone()]).filter(|folder| folder.is_dir()));
            }
        }
        Self { sharing, root, known }
    }

    /// A file that was written, and the folders on its way that were not there before.
    pub(super) fn widen(&self, file: &Path) {
        if self.sharing == Sharing::Umask || !file.exists() {
            return;
        }
        self.set(file);
        let is_new = |folder: &&Path| folder.starts_with(&self.root) && !self.known.contains(*folder);
        file.ancestors().skip(1).take_while(is_new).for_each(|folder| self.set(folder));
    }

    /// A file that was written where others of its kind lie.
    pub(super) fn widen_alone(&self, file: &Path) {
        if self.sharing != Sharing::Umask {
            self.set(file);
        }
    }

    #[cfg(unix)]
    fn set(&self, path: &Path) {
        use std::os::unix::fs::PermissionsExt as _;
        let Ok(found) = std::fs::symlink_metadata(path) else { return };
        let before = found.permissions().mode() & 0o7777;
        let after = self.sharing.mode(before, found.is_dir());
        // What somebody else owns was theirs to share.
        if after != before
            && let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(after))
        {
            tracing::debug!(path = %path.display(), %error, "cannot share it as `core.sharedRepository` says");
        }
    }

    #[cfg(not(unix))]
    fn set(&self, _: &Path) {}
}

impl Sharing {
    fn of(repo: &Repository) -> Self {
        let text = repo.config().and_then(|config| config.get_string("core.sharedRepository"));
        text.map_or(Self::Umask, |text| Self::parse(text.trim()))
    }

    /// As git reads it.
    fn parse(text: &str) -> Self {
        match text {
            "" | "umask" => Self::Umask,
            "group" => Self::Add(GROUP),
            "all" | "world" | "everybody" => Self::Add(EVERYBODY),
            _ => match u32::from_str_radix(text, 8) {
                Ok(0) => Self::Umask,
                Ok(1) => Self::Add(GROUP),
                Ok(2) => Self::Add(EVERYBODY),
                // The owner must be able to work with it.
                Ok(mode) if mode & 0o600 == 0o600 => Self::Exactly(mode & 0o666),
                Ok(_) => Self::Umask,
                Err(_) if matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on") => Self::Add(GROUP),
                Err(_) => Self::Umask,
            },
        }
    }

    /// The mode that git would give: nobody may write what the owner may not, and who may read a folder may enter it.
    #[cfg(unix)]
    fn mode(self, before: u32, is_folder: bool) -> u32 {
        let (bits, kept) = match self {
            Self::Umask => return before,
            Self::Add(bits) => (bits, before),
            Self::Exactly(bits) => (bits, before & !0o777),
        };
        let mut bits = if before & 0o200 == 0 { bits & !0o222 } else { bits };
        if before & 0o100 != 0 {
            bits |= (bits & 0o444) >> 2;
        }
        let mode = kept | bits;
        if !is_folder {
            return mode;
        }
        let mode = mode | (mode & 0o444) >> 2;
        if mode & 0o060 == 0 { mode } else { mode | SET_GROUP_ID }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_read_as_git_reads_it() {
        for (text, expected) in [
            ("group", Sharing::Add(GROUP)),
            ("true", Sharing::Add(GROUP)),
            ("1", Sharing::Add(GROUP)),
            ("all", Sharing::Add(EVERYBODY)),
            ("world", Sharing::Add(EVERYBODY)),
            ("everybody", Sharing::Add(EVERYBODY)),
            ("2", Sharing::Add(EVERYBODY)),
            ("0640", Sharing::Exactly(0o640)),
            ("0777", Sharing::Exactly(0o666)),
            ("umask", Sharing::Umask),
            ("false", Sharing::Umask),
            ("0", Sharing::Umask),
            ("0060", Sharing::Umask),
            ("", Sharing::Umask),
        ] {
            assert_eq!(Sharing::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn modes_are_those_of_git() {
        for (sharing, before, is_folder, expected) in [
            (Sharing::Add(GROUP), 0o400, false, 0o440),
            (Sharing::Add(GROUP), 0o600, false, 0o660),
            (Sharing::Add(GROUP), 0o700, true, 0o2770),
            (Sharing::Add(EVERYBODY), 0o400, false, 0o444),
            (Sharing::Add(EVERYBODY), 0o700, true, 0o2775),
            (Sharing::Exactly(0o640), 0o444, false, 0o440),
            (Sharing::Exactly(0o640), 0o755, true, 0o2750),
            (Sharing::Exactly(0o600), 0o755, true, 0o700),
            (Sharing::Umask, 0o400, false, 0o400),
        ] {
            let found = sharing.mode(before, is_folder);
            assert_eq!(found, expected, "{sharing:?} {before:o}: {found:o}");
        }
    }
}
