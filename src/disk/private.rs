//! Folders and files that are for us alone: what flowsync keeps are flows, records and names of secrets.
//!
//! Folders are made 0700, whatever the umask would allow. One that is found wider is narrowed where it is surely ours:
//! by its place below a folder of ours, or because it holds nothing else. On systems without such bits, nothing is
//! done about them.

use std::fs::OpenOptions;
use std::io::Result;
use std::path::Path;

/// Makes a folder of ours, and whatever is missing above it; narrows it where it is wider.
///
/// # Errors
/// Where it cannot be made. One that belongs to somebody else, such as a mounted volume, stays as wide as it is.
pub(crate) fn make_private(folder: &Path) -> Result<()> {
    create_private(folder)?;
    narrow(folder);
    Ok(())
}

/// Makes the root of what we keep, and whatever is missing above it. One that was there may be somebody's home as
/// well: it is narrowed where it holds no other names than `ours` and hidden ones.
///
/// # Errors
/// Where it cannot be made.
pub(crate) fn make_root_private(root: &Path, ours: &[&str]) -> Result<()> {
    create_private(root)?;
    if !is_wide(root) {
        return Ok(());
    }
    let is_ours = |name: &str| name.starts_with('.') || ours.contains(&name);
    let only_ours =
        std::fs::read_dir(root)?.all(|entry| entry.is_ok_and(|entry| entry.file_name().to_str().is_some_and(is_ours)));
    if only_ours {
        narrow(root);
    } else {
        let path = root.display();
        tracing::warn!(%path, "others may look into this folder, and it holds more than flowsync's files; give it one of its own");
    }
    Ok(())
}

/// Narrows a folder of ours and every folder in it.
pub(crate) fn narrow_all(folder: &Path) {
    narrow(folder);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            narrow_all(&entry.path());
        }
    }
}

/// For opening a file to be written, which is made where it is not there, for us alone. Nothing of it is cut off.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn create_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
}

#[cfg(unix)]
fn is_wide(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_wide(_: &Path) -> bool {
    false
}

#[cfg(unix)]
fn narrow(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    if is_wide(folder)
        && let Err(error) = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
    {
        tracing::debug!(path = %folder.display(), %error, "the folder stays open to others");
    }
}

#[cfg(not(unix))]
fn narrow(_: &Path) {}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(folder: &Path) -> u32 {
        std::fs::metadata(folder).unwrap().permissions().mode() & 0o7777
    }

    fn widen(folder: &Path) {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn folders_are_made_for_us_alone_and_narrowed() {
        let home = tempfile::tempdir().unwrap();
        let (outer, inner) = (home.path().join("a"), home.path().join("a/b/c"));
        make_private(&inner).unwrap();
        assert_eq!([mode(&outer), mode(&inner)], [0o700; 2]);
        [&outer, &inner].into_iter().for_each(|folder| widen(folder));
        make_private(&inner).unwrap();
        assert_eq!([mode(&outer), mode(&inner)], [0o755, 0o700]);
        widen(&inner);
        narrow_all(&outer);
        assert_eq!([mode(&outer), mode(&inner)], [0o700; 2]);
    }

    #[test]
    fn a_root_is_narrowed_where_it_holds_nothing_of_others() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("state");
        make_root_private(&root, &["holder"]).unwrap();
        assert_eq!(mode(&root), 0o700);
        widen(&root);
        ["holder", ".tmp1"].iter().for_each(|name| std::fs::write(root.join(name), "").unwrap());
        make_root_private(&root, &["holder"]).unwrap();
        assert_eq!(mode(&root), 0o700);
        widen(&root);
        std::fs::write(root.join("letters"), "").unwrap();
        make_root_private(&root, &["holder"]).unwrap();
        assert_eq!(mode(&root), 0o755);
    }
}
