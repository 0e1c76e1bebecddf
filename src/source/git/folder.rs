//! One folder of git, held as git stores it, so that its id is a hash away: entries are found by
//! halving, changed in place, and never copied into strings.

use std::cmp::Ordering;

use git2::Oid;
use sha1::{Digest as _, Sha1};

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A folder.
    Folder,
    /// A file, executable or not.
    File,
    /// A link, a submodule: never followed.
    Other,
}

/// An entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'f> {
    pub(super) name: &'f [u8],
    pub(super) kind: Kind,
    pub(super) id: Oid,
}

/// A folder's entries: `<octal mode> <name>\0<20 bytes of id>` each, in git's order.
#[derive(Debug, Clone, Default)]
pub(super) struct Folder {
    raw: Vec<u8>,
    /// Where each entry begins.
    starts: Vec<usize>,
    /// Where the entry begins that was put in last, and the hash of everything before, once that was made: most records
    /// are written twice in a row, and their folder is long.
    last_put: usize,
    begun: Option<(usize, Sha1)>,
}

const ID_BYTES: usize = 20;

impl Folder {
    /// Reads the bytes of a tree; nothing where they are not one.
    pub(super) fn parse(raw: &[u8]) -> Option<Self> {
        let mut folder = Self { raw: raw.to_vec(), ..Self::default() };
        let mut at = 0;
        while at < raw.len() {
            folder.starts.push(at);
            let name = at + raw[at..].iter().position(|byte| *byte == b' ')? + 1;
            at = name + raw[name..].iter().position(|byte| *byte == 0)? + 1 + ID_BYTES;
        }
        (at == raw.len()).then_some(folder)
    }

    /// Its id.
    pub(super) fn id(&mut self) -> Option<Oid> {
        let whole = || (0, Sha1::new_with_prefix(format!("tree {}\0", self.raw.len())));
        let (at, mut hasher) = self.begun.take().unwrap_or_else(whole);
        hasher.update(&self.raw[at..self.last_put]);
        self.begun = Some((self.last_put, hasher.clone()));
        hasher.update(&self.raw[self.last_put..]);
        Oid::from_bytes(&hasher.finalize()).ok()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..self.starts.len()).filter_map(|index| self.entry(index))
    }

    /// The entry of a name, as a folder or as anything else: the two may not stand side by side, and git
    /// sorts them differently.
    pub(super) fn find(&self, name: &[u8], kind: Kind) -> Option<Entry<'_>> {
        self.entry(self.place(name, kind).ok()?)
    }

    /// Puts an entry in, in place of one of the same name.
    pub(super) fn set(&mut self, name: &[u8], kind: Kind, id: Oid) {
        match self.place(name, kind) {
            Ok(index) => {
                self.last_put = self.starts[index];
                self.begun.take_if(|(at, _)| *at > self.last_put);
                let end = self.end(index);
                self.raw[end - ID_BYTES..end].copy_from_slice(id.as_bytes());
            }
            Err(index) => {
                let mode: &[u8] = if kind == Kind::Folder { b"40000 " } else { b"100644 " };
                let entry = [mode, name, b"\0", id.as_bytes()].concat();
                let at = self.starts.get(index).copied().unwrap_or(self.raw.len());
                self.starts[index..].iter_mut().for_each(|start| *start += entry.len());
                self.starts.insert(index, at);
                self.raw.splice(at..at, entry);
                // The hash begins with the length.
                (self.last_put, self.begun) = (at, None);
            }
        }
    }

    fn end(&self, index: usize) -> usize {
        self.starts.get(index + 1).copied().unwrap_or(self.raw.len())
    }

    fn entry(&self, index: usize) -> Option<Entry<'_>> {
        let raw = &self.raw[*self.starts.get(index)?..self.end(index)];
        let (head, id) = raw.split_at_checked(raw.len().checked_sub(ID_BYTES)?)?;
        let space = head.iter().position(|byte| *byte == b' ')?;
        let kind = match &head[..space] {
            b"40000" | b"040000" => Kind::Folder,
            mode if mode.starts_with(b"100") => Kind::File,
            _ => Kind::Other,
        };
        Some(Entry { name: head.get(space + 1..head.len() - 1)?, kind, id: Oid::from_bytes(id).ok()? })
    }

    fn place(&self, name: &[u8], kind: Kind) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.starts.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let order = self.entry(middle).map(|entry| git_order((entry.name, entry.kind), (name, kind)));
            match order {
                Some(Ordering::Equal) => return Ok(middle),
                Some(Ordering::Greater) => high = middle,
                Some(Ordering::Less) | None => low = middle + 1,
            }
        }
        Err(low)
    }
}

/// git sorts a folder as if its name ended with `/`.
fn git_order((a, a_kind): (&[u8], Kind), (b, b_kind): (&[u8], Kind)) -> Ordering {
    let slash = |kind: Kind| (kind == Kind::Folder).then_some(b'/');
    a.iter().copied().chain(slash(a_kind)).cmp(b.iter().copied().chain(slash(b_kind)))
}

#[cfg(test)]
mod tests {
    use git2::{FileMode, ObjectType, Repository};

    use super::*;

    fn blob(text: &str) -> Oid {
        Oid::hash_object(ObjectType::Blob, text.as_bytes()).unwrap()
    }

    #[test]
    fn entries_put_in_one_by_one_give_the_tree_that_git_writes() {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repository::init_bare(dir.path()).unwrap();
        let names = ["b", "a.b", "a", "a-b", "c", "a0", "z", "Z", "ü"];
        let mut builder = repo.treebuilder(None).unwrap();
        let mut folder = Folder::default();
        let below = repo.treebuilder(None).unwrap().write().unwrap();
        for (index, name) in names.into_iter().enumerate() {
            let is_folder = index % 2 == 0;
            let id = if is_folder { below } else { repo.blob(name.as_bytes()).unwrap() };
            let (mode, kind) = if is_folder { (FileMode::Tree, Kind::Folder) } else { (FileMode::Blob, Kind::File) };
            builder.insert(name, id, mode.into()).unwrap();
            folder.set(name.as_bytes(), kind, id);
            let tree = builder.write().unwrap();
            assert_eq!(folder.id(), Some(tree), "{name}");
            if kind == Kind::File {
                folder.set(name.as_bytes(), kind, blob("other"));
                assert_ne!(folder.id(), Some(tree), "{name}");
                folder.set(name.as_bytes(), kind, id);
                assert_eq!(folder.id(), Some(tree), "{name}");
            }
            let odb = repo.odb().unwrap();
            let read = odb.read(tree).unwrap();
            let read = Folder::parse(read.data()).unwrap();
            assert_eq!(read.entries().collect::<Vec<_>>(), folder.entries().collect::<Vec<_>>());
            assert_eq!(read.find(name.as_bytes(), kind).map(|entry| entry.id), Some(id));
        }
        // Behind, before and behind what was hashed last.
        for (name, is_hashed) in [("a.b", true), ("a-b", false), ("a0", true)] {
            folder.set(name.as_bytes(), Kind::File, blob("new"));
            builder.insert(name, repo.blob(b"new").unwrap(), FileMode::Blob.into()).unwrap();
            if is_hashed {
                assert_eq!(folder.id(), Some(builder.write().unwrap()), "{name}");
            }
        }
        assert_eq!(folder.find(b"a-b", Kind::File).map(|entry| entry.id), Some(blob("new")));
        assert_eq!(folder.find(b"nothing", Kind::File), None);
        assert_eq!(folder.entries().count(), names.len());
    }

    #[test]
    fn bytes_that_are_no_tree_are_refused() {
        for raw in [&b"x"[..], b"100644 a\0short", b"100644 a", b"\0"] {
            assert!(Folder::parse(raw).is_none(), "{raw:?}");
        }
    }
}
