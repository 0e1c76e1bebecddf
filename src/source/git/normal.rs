//! Which URLs are the same repository.

use std::path::{Path, PathBuf};

use crate::address::RepositoryUrl;

/// One text for all spellings of a repository's URL; of a local one the `file://` URL of its real folder.
#[must_use]
pub fn normal_url(url: &RepositoryUrl) -> String {
    match url {
        RepositoryUrl::Local(path) => file_url(&real_folder(path)),
        RepositoryUrl::Remote(remote) => remote.normal.clone(),
    }
}

pub(super) fn file_url(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

/// Where a local repository really is, so that its folder, its `.git` and its linked work trees are one.
pub(super) fn real_folder(path: &Path) -> PathBuf {
    let found = git2::Repository::open(path).ok().map(|repo| repo.commondir().to_owned());
    let found = found.unwrap_or_else(|| path.to_owned());
    found.canonicalize().unwrap_or(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Insecure;

    #[test]
    fn a_local_repository_is_its_real_folder() {
        let dir = tempfile::tempdir().unwrap();
        git2::Repository::init(dir.path()).unwrap();
        let path = dir.path().to_str().unwrap();
        let normal = |text: &str| normal_url(&RepositoryUrl::parse(text, Path::new("/"), Insecure::Refuse).unwrap());
        for other in
            [format!("{path}/"), format!("{path}/.git"), format!("file://{path}"), format!("file://localhost{path}/")]
        {
            assert_eq!(normal(&other), normal(path), "{other}");
        }
    }
}
