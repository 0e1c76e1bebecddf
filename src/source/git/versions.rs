//! Every version of the files below one folder that history holds and nobody expected.
//!
//! Record commits say what they wrote. So a commit's folder is not read: it is put together from its
//! parent's and from what is expected, and only its id is compared. Only a commit that did something else
//! is looked into. That keeps the walk linear, although every commit writes the trees of its folder anew
//! and they grow with each deployment.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;

use git2::{Commit, ObjectType, Oid, Sort};

use super::folder::{Folder, Kind};
use super::read::{Reader, blob_id, commit_id};
use crate::source::{BlobId, CommitId, Expected, FileVersion, SourceError};

/// Folders kept from one commit to the next: the two levels of the audit trail, and what a merge needs.
const FOLDERS_KEPT: usize = 8;
/// Records lie in the folder itself or in one of its folders; whatever is nested deeper is none of ours.
const DEPTH_MAX: usize = 2;
/// A few trees can stand for any number of files; a deployment a minute takes two years to make this many.
const FILES_MAX: usize = 1_000_000;

/// A walk over history, and what it has found.
pub(super) struct Walk<'r> {
    reader: &'r Reader<'r>,
    /// From the root of the repository.
    folder: &'r str,
    expected: HashMap<Oid, (String, Oid)>,
    /// The folder's tree in the trees on the way to it, by how many parts of the path lie above.
    on_the_way: HashMap<(Oid, usize), Option<Oid>>,
    kept: VecDeque<(Oid, Rc<Folder>)>,
    found: Vec<FileVersion>,
    /// How many folders were read from the object store.
    pub(super) n_read: usize,
}

impl<'r> Walk<'r> {
    pub(super) fn new(reader: &'r Reader<'r>, folder: &'r str, expected: HashMap<CommitId, Expected>) -> Self {
        let named = |(commit, Expected { path, blob }): (CommitId, Expected)| {
            Some((Oid::from_str(&commit.0).ok()?, (path, Oid::from_str(&blob.0).ok()?)))
        };
        Self {
            reader,
            folder,
            expected: expected.into_iter().filter_map(named).collect(),
            on_the_way: HashMap::new(),
            kept: VecDeque::new(),
            found: Vec::new(),
            n_read: 0,
        }
    }

    /// Walks all of history, oldest first.
    pub(super) fn run(&mut self, tip: &CommitId) -> Result<Vec<FileVersion>, SourceError> {
        let failed = |error: git2::Error| self.reader.failed("walk the history", &error);
        let mut walk = self.reader.repo.revwalk().map_err(failed)?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE).map_err(failed)?;
        walk.push(self.reader.commit(tip)?.id()).map_err(failed)?;
        for id in walk {
            let commit = id.and_then(|id| self.reader.repo.find_commit(id));
            self.visit(&commit.map_err(|error| self.reader.failed("walk the history", &error))?)?;
        }
        Ok(std::mem::take(&mut self.found))
    }

    fn visit(&mut self, commit: &Commit<'_>) -> Result<(), SourceError> {
        let now = self.below(commit.tree_id(), 0)?;
        let mut before = Vec::new();
        for parent in commit.parent_ids() {
            // The history of a shallow clone ends at a parent that is not there.
            let Ok(parent) = self.reader.repo.find_commit(parent) else { continue };
            before.push(self.below(parent.tree_id(), 0)?);
        }
        if before.is_empty() {
            before.push(None);
        }
        if before.contains(&now) || (before.len() == 1 && self.is_as_expected(commit.id(), before[0], now)?) {
            return Ok(());
        }
        let known = self.expected.get(&commit.id()).map(|(path, blob)| (path.clone(), *blob));
        let first = self.found.len();
        self.compare(commit.id(), now, before)?;
        if let Some((path, blob)) = known {
            let blob = Some(blob_id(blob));
            let others = self.found.split_off(first).into_iter();
            self.found.extend(others.filter(|version| (&version.path, &version.blob) != (&path, &blob)));
        }
        Ok(())
    }

    /// The folder's tree below a tree that stands `depth` parts deep on the way to it.
    fn below(&mut self, tree: Oid, depth: usize) -> Result<Option<Oid>, SourceError> {
        let Some(part) = self.folder.split('/').nth(depth) else { return Ok(Some(tree)) };
        if let Some(known) = self.on_the_way.get(&(tree, depth)) {
            return Ok(*known);
        }
        let folder = self.reader.repo.find_tree(tree).map_err(|error| self.reader.failed("read a folder", &error))?;
        let entry = folder.get_name_bytes(part.as_bytes()).filter(|entry| entry.kind() == Some(ObjectType::Tree));
        let found = match entry.map(|entry| entry.id()) {
            Some(id) => self.below(id, depth + 1)?,
            None => None,
        };
        self.on_the_way.insert((tree, depth), found);
        Ok(found)
    }

    fn is_as_expected(&mut self, commit: Oid, before: Option<Oid>, now: Option<Oid>) -> Result<bool, SourceError> {
        let Some((path, blob)) = self.expected.get(&commit) else { return Ok(false) };
        let (path, blob) = (path.clone(), *blob);
        let parts: Vec<&str> = path.split('/').collect();
        Ok(self.put(before, &parts, blob)? == now)
    }

    /// The id of a folder with a file put in.
    fn put(&mut self, folder: Option<Oid>, path: &[&str], blob: Oid) -> Result<Option<Oid>, SourceError> {
        let mut folder = match folder {
            Some(id) => Folder::clone(&*self.read(id)?),
            None => Folder::default(),
        };
        match path {
            [] => return Ok(None),
            [name] => folder.set(name.as_bytes(), Kind::File, blob),
            [name, below @ ..] => {
                let known = folder.find(name.as_bytes(), Kind::Folder).map(|entry| entry.id);
                let Some(id) = self.put(known, below, blob)? else { return Ok(None) };
                folder.set(name.as_bytes(), Kind::Folder, id);
            }
        }
        let id = folder.id();
        if let Some(id) = id {
            self.keep(id, Rc::new(folder));
        }
        Ok(id)
    }

    fn read(&mut self, id: Oid) -> Result<Rc<Folder>, SourceError> {
        if let Some((_, folder)) = self.kept.iter().find(|(known, _)| *known == id) {
            return Ok(Rc::clone(folder));
        }
        self.n_read += 1;
        let folder = Rc::new(self.reader.folder(id)?);
        self.keep(id, Rc::clone(&folder));
        Ok(folder)
    }

    fn keep(&mut self, id: Oid, folder: Rc<Folder>) {
        if self.kept.len() == FOLDERS_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((id, folder));
    }

    /// Finds the files in which a commit's folder differs from every parent's.
    fn compare(&mut self, commit: Oid, now: Option<Oid>, before: Vec<Option<Oid>>) -> Result<(), SourceError> {
        let mut open = vec![(String::new(), now, before)];
        while let Some((prefix, now, before)) = open.pop() {
            let now = self.read_if_there(now)?;
            let before = before.into_iter().map(|id| self.read_if_there(id)).collect::<Result<Vec<_>, _>>()?;
            let mut names: Vec<(&[u8], Kind)> =
                before.iter().chain([&now]).flat_map(|folder| folder.entries()).map(|e| (e.name, e.kind)).collect();
            let mut known = HashSet::new();
            names.retain(|name| known.insert(*name));
            for (name, kind) in names {
                let id_in = |folder: &Rc<Folder>| folder.find(name, kind).filter(|e| e.kind == kind).map(|e| e.id);
                let (id, ids) = (id_in(&now), before.iter().map(id_in).collect::<Vec<_>>());
                if ids.contains(&id) {
                    continue;
                }
                let path = format!("{prefix}{}", String::from_utf8_lossy(name));
                if kind != Kind::Folder {
                    let blob = id.map(blob_id);
                    self.reader.check_number(self.found.len())?;
                    self.found.push(FileVersion { path, commit: commit_id(commit), blob });
                } else if path.split('/').count() < DEPTH_MAX {
                    open.push((format!("{path}/"), id, ids));
                }
            }
        }
        Ok(())
    }

    fn read_if_there(&mut self, id: Option<Oid>) -> Result<Rc<Folder>, SourceError> {
        id.map_or_else(|| Ok(Rc::default()), |id| self.read(id))
    }
}

impl Reader<'_> {
    /// A folder by its tree's id.
    fn folder(&self, id: Oid) -> Result<Folder, SourceError> {
        let failed = |error: git2::Error| self.failed("read a folder", &error);
        let odb = self.repo.odb().map_err(failed)?;
        let object = odb.read(id).map_err(failed)?;
        Folder::parse(object.data()).ok_or_else(|| failed(git2::Error::from_str("it is no folder")))
    }

    fn check_number(&self, n_files: usize) -> Result<(), SourceError> {
        if n_files < FILES_MAX {
            return Ok(());
        }
        Err(self
            .failed("list the records", &git2::Error::from_str(&format!("there are more than {FILES_MAX} of them"))))
    }

    /// Every file below a folder of a commit, by its path from there; links and submodules are none.
    pub(super) fn files(&self, commit: &CommitId, folder: &str) -> Result<BTreeMap<String, BlobId>, SourceError> {
        let mut files = BTreeMap::new();
        let Some(tree) = self.tree_id(commit, folder)? else { return Ok(files) };
        let tree = Oid::from_str(&tree.0).map_err(|error| self.failed("read a folder", &error))?;
        let mut open = vec![(String::new(), tree)];
        while let Some((prefix, id)) = open.pop() {
            for entry in self.folder(id)?.entries() {
                self.check_number(files.len())?;
                let path = format!("{prefix}{}", String::from_utf8_lossy(entry.name));
                match entry.kind {
                    Kind::File => _ = files.insert(path, blob_id(entry.id)),
                    Kind::Folder if path.split('/').count() < DEPTH_MAX => open.push((format!("{path}/"), entry.id)),
                    Kind::Folder | Kind::Other => {}
                }
            }
        }
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use git2::build::TreeUpdateBuilder;
    use git2::{FileMode, Repository, Signature};

    use super::*;

    /// A history of record commits, as `Expected` says they are.
    struct World {
        repo: Repository,
        _dir: tempfile::TempDir,
        expected: HashMap<CommitId, Expected>,
        tip: Option<Oid>,
    }

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let repo = Repository::init_bare(dir.path()).unwrap();
            Self { repo, _dir: dir, expected: HashMap::new(), tip: None }
        }

        /// Somebody's commit on some parents.
        fn commit(&mut self, parents: &[Oid], files: &[(&str, Option<&str>)]) -> Oid {
            let parents: Vec<Commit<'_>> = parents.iter().map(|id| self.repo.find_commit(*id).unwrap()).collect();
            let mut update = TreeUpdateBuilder::new();
            for (path, content) in files {
                match content {
                    Some(content) => update.upsert(*path, self.repo.blob(content.as_bytes()).unwrap(), FileMode::Blob),
                    None => update.remove(*path),
                };
            }
            let empty = self.repo.find_tree(self.repo.treebuilder(None).unwrap().write().unwrap()).unwrap();
            let base = parents.first().map_or(empty, |parent| parent.tree().unwrap());
            let tree = self.repo.find_tree(update.create_updated(&self.repo, &base).unwrap()).unwrap();
            let who = Signature::new("a", "a@b", &git2::Time::new(self.expected.len() as i64, 0)).unwrap();
            let parents: Vec<&Commit<'_>> = parents.iter().collect();
            let id = self.repo.commit(None, &who, &who, &format!("{:?}", self.tip), &tree, &parents).unwrap();
            self.tip = Some(id);
            id
        }

        /// A record commit, which says what it wrote.
        fn record(&mut self, name: &str, content: &str) -> Oid {
            let path = format!("r/audit/{name}");
            let parents: Vec<Oid> = self.tip.into_iter().collect();
            let id = self.commit(&parents, &[(path.as_str(), Some(content)), ("r/manifest.json", Some(content))]);
            let blob = blob_id(Oid::hash_object(ObjectType::Blob, content.as_bytes()).unwrap());
            self.expected.insert(commit_id(id), Expected { path: name.to_owned(), blob });
            id
        }

        /// What nobody expected, and how many folders were read for it.
        fn unexpected(&self) -> (Vec<(String, Option<String>)>, usize) {
            let reader = Reader { repo: &self.repo, shown: "here" };
            let mut walk = Walk::new(&reader, "r/audit", self.expected.clone());
            let found = walk.run(&commit_id(self.tip.unwrap())).unwrap();
            let text = |blob: BlobId| {
                let blob = self.repo.find_blob(Oid::from_str(&blob.0).unwrap()).unwrap();
                String::from_utf8(blob.content().to_vec()).unwrap()
            };
            (found.into_iter().map(|version| (version.path, version.blob.map(text))).collect(), walk.n_read)
        }
    }

    #[test]
    fn a_history_that_is_as_expected_is_walked_without_reading_its_folders() {
        for n_deployments in [10, 40, 160] {
            let mut world = World::new();
            for index in 0..n_deployments {
                let name = if index < 5 {
                    format!("{index:03}.l")
                } else {
                    format!("2026-{:02}/{index:03}.l", 1 + index / 80)
                };
                world.record(&name, &format!("{index} begun"));
                world.commit(&[world.tip.unwrap()], &[("flows/a.json", Some(&index.to_string()))]);
                world.record(&name, &format!("{index} begun and ended"));
            }
            assert_eq!(world.unexpected(), (vec![], 0), "{n_deployments} deployments");
        }
    }

    #[test]
    fn whatever_else_a_commit_did_is_found() {
        let mut world = World::new();
        world.record("m/a", "1");
        world.record("b", "1");
        let by_hand: [&[(&str, Option<&str>)]; 4] = [
            &[("r/audit/m/a", Some("altered"))],
            &[("r/audit/m/a", Some("1"))],
            &[("r/audit/b", None), ("r/audit/n/b", Some("1"))],
            &[("r/manifest.json", Some("x")), ("README", Some("x"))],
        ];
        for files in by_hand {
            world.commit(&[world.tip.unwrap()], files);
        }
        world.record("m/c", "1");
        let name = |path: &str, content: Option<&str>| (path.to_owned(), content.map(str::to_owned));
        let mut found = world.unexpected().0;
        found[2..].sort();
        let wanted = [name("m/a", Some("altered")), name("m/a", Some("1")), name("b", None), name("n/b", Some("1"))];
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_record_commit_that_did_more_than_it_says_is_found() {
        let mut world = World::new();
        world.record("m/a", "1");
        let lie = world.commit(&[world.tip.unwrap()], &[("r/audit/m/b", Some("1")), ("r/audit/m/a", Some("altered"))]);
        let one = blob_id(Oid::hash_object(ObjectType::Blob, b"1").unwrap());
        world.expected.insert(commit_id(lie), Expected { path: "m/b".to_owned(), blob: one });
        world.record("m/b", "2");
        assert_eq!(world.unexpected().0, [("m/a".to_owned(), Some("altered".to_owned()))]);
    }

    #[test]
    fn branches_and_merges_of_them_hold_nothing_unexpected() {
        let mut world = World::new();
        let base = world.record("m/a", "1");
        let ours = world.record("m/b", "1");
        world.tip = Some(base);
        let theirs = world.commit(&[base], &[("flows/a.json", Some("1"))]);
        world.commit(&[ours, theirs], &[("flows/a.json", Some("1"))]);
        world.record("m/b", "2");
        assert_eq!(world.unexpected().0, []);
    }
}
