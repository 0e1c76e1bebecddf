//! The demo's bare repository, and the commits of the people in it.

use std::collections::BTreeMap;
use std::path::Path;

use git2::{Commit, FileMode, Index, IndexEntry, IndexTime, Repository, Signature};

/// A bare repository with one branch, `main`.
pub(super) struct People {
    repository: Repository,
}

impl People {
    /// Makes it.
    pub(super) fn new(path: &Path) -> Result<Self, git2::Error> {
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).initial_head("main");
        Ok(Self { repository: Repository::init_opts(path, &options)? })
    }

    /// Commits files on top of `main`, and returns the short id.
    pub(super) fn commit(&self, message: &str, files: &BTreeMap<String, String>) -> Result<String, git2::Error> {
        let parent = self.repository.find_reference("refs/heads/main").and_then(|main| main.peel_to_commit()).ok();
        let mut index = Index::new()?;
        if let Some(parent) = &parent {
            index.read_tree(&parent.tree()?)?;
        }
        for (path, content) in files {
            let id = self.repository.blob(content.as_bytes())?;
            index.add(&entry(path, id))?;
        }
        let tree = self.repository.find_tree(index.write_tree_to(&self.repository)?)?;
        let author = Signature::now("Demo Team", "team@nordhaven.example")?;
        let parents: Vec<&Commit<'_>> = parent.iter().collect();
        let id = self.repository.commit(Some("refs/heads/main"), &author, &author, message, &tree, &parents)?;
        Ok(id.to_string().chars().take(10).collect())
    }

    /// Moves `main` on to a branch that was made on top of it, and returns the short id.
    pub(super) fn merge(&self, branch: &str) -> Result<String, git2::Error> {
        let id = self.repository.find_reference(&format!("refs/heads/{branch}"))?.peel_to_commit()?.id();
        let mut main = self.repository.find_reference("refs/heads/main")?;
        let is_on_top = match main.target() {
            Some(old) => self.repository.graph_descendant_of(id, old)?,
            None => false,
        };
        if !is_on_top {
            return Err(git2::Error::from_str(&format!("`{branch}` is not on top of `main`")));
        }
        main.set_target(id, "merged")?;
        Ok(id.to_string().chars().take(10).collect())
    }

    /// A file of the newest commit.
    pub(super) fn read(&self, path: &str) -> Result<String, git2::Error> {
        let tree = self.repository.find_reference("refs/heads/main")?.peel_to_tree()?;
        let blob = self.repository.find_blob(tree.get_path(Path::new(path))?.id())?;
        Ok(String::from_utf8_lossy(blob.content()).into_owned())
    }
}

fn entry(path: &str, id: git2::Oid) -> IndexEntry {
    let never = IndexTime::new(0, 0);
    IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode: u32::from(FileMode::Blob),
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}
