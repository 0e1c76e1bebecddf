//! The packs of a clone and its loose objects: what there is, what it takes on the disk, how it goes.
//!
//! Whoever changes something here holds the cache's lock. Readers do not: a pack is complete before its index
//! appears, and an index goes before its pack, so that whoever opens a clone meets whole packs only, and who
//! has one open looks again when it is gone.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use git2::Oid;

/// Objects kept together, with an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pack {
    /// Its path without extension.
    stem: PathBuf,
    pub(super) n_objects: usize,
    /// Allocated bytes of pack and index.
    pub(super) bytes: u64,
}

/// An object in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loose {
    pub(super) id: Oid,
    /// Allocated bytes.
    pub(super) bytes: u64,
    path: PathBuf,
}

/// Everything a clone's objects lie in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stock {
    pub(super) packs: Vec<Pack>,
    pub(super) loose: Vec<Loose>,
}

const ID_BYTES: usize = 20;
/// Magic number and version of the only index there is today.
const INDEX_HEAD: &[u8] = b"\xfftOc\0\0\0\x02";
/// After the head: how many ids begin with each byte or a lower one.
const FANOUT_BYTES: usize = 256 * 4;
/// File systems allocate in blocks.
const BLOCK_BYTES: u64 = 4096;

impl Stock {
    /// Looks at a clone.
    pub(super) fn of(clone: &Path) -> io::Result<Self> {
        Ok(Self { packs: packs_in(&folder_of(clone))?, loose: loose_in(&clone.join("objects"))? })
    }

    /// What it takes on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.packs.iter().map(|pack| pack.bytes).chain(self.loose.iter().map(|loose| loose.bytes)).sum()
    }
}

/// Where a clone's packs lie.
pub(super) fn folder_of(clone: &Path) -> PathBuf {
    clone.join("objects").join("pack")
}

fn packs_in(folder: &Path) -> io::Result<Vec<Pack>> {
    let mut packs = Vec::new();
    for entry in entries(folder)? {
        let index = entry.path();
        if index.extension().is_some_and(|extension| extension == "idx") && index.with_extension("pack").exists() {
            packs.push(Pack::of(&index)?);
        }
    }
    packs.sort_by(|a, b| a.stem.cmp(&b.stem));
    Ok(packs)
}

fn loose_in(objects: &Path) -> io::Result<Vec<Loose>> {
    let mut loose = Vec::new();
    for folder in entries(objects)? {
        let first = folder.file_name();
        let Some(first) = first.to_str().filter(|name| name.len() == 2) else { continue };
        for entry in entries(&folder.path())? {
            let name = entry.file_name();
            let id = name.to_str().filter(|name| name.len() == 38).map(|rest| Oid::from_str(&format!("{first}{rest}")));
            if let Some(Ok(id)) = id {
                loose.push(Loose { id, bytes: allocated(entry.metadata()?.len()), path: entry.path() });
            }
        }
    }
    Ok(loose)
}

/// The entries of a folder; none where it is not there.
fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn allocated(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES) * BLOCK_BYTES
}

impl Pack {
    fn of(index: &Path) -> io::Result<Self> {
        let mut head = [0; INDEX_HEAD.len() + FANOUT_BYTES];
        io::Read::read_exact(&mut File::open(index)?, &mut head)?;
        let pack = index.with_extension("pack");
        let bytes = allocated(fs::metadata(index)?.len()) + allocated(fs::metadata(&pack)?.len());
        Ok(Self { stem: index.with_extension(""), n_objects: count(&head)?, bytes })
    }

    /// The ids of its objects.
    pub(super) fn ids(&self) -> io::Result<Vec<Oid>> {
        let index = fs::read(self.stem.with_extension("idx"))?;
        let n_objects = count(&index)?;
        let start = INDEX_HEAD.len() + FANOUT_BYTES;
        let ids = index.get(start..start + n_objects * ID_BYTES).ok_or_else(no_index)?;
        ids.chunks_exact(ID_BYTES).map(|id| Oid::from_bytes(id).map_err(io::Error::other)).collect()
    }

    /// `pack-<digits>`.
    pub(super) fn name(&self) -> &std::ffi::OsStr {
        self.stem.file_name().unwrap_or_default()
    }

    /// Removes it with everything that lies beside it, the index first.
    pub(super) fn remove(&self) -> io::Result<()> {
        for extension in ["idx", "rev", "bitmap", "mtimes", "keep", "promisor", "pack"] {
            remove_if_there(&self.stem.with_extension(extension))?;
        }
        Ok(())
    }

    /// Brings it into another folder of the same file system; it can be read there when this returns.
    pub(super) fn move_to(&self, folder: &Path) -> io::Result<()> {
        for extension in ["pack", "idx"] {
            let file = self.stem.with_extension(extension);
            let name = file.file_name().ok_or_else(no_index)?;
            File::open(&file)?.sync_all()?;
            fs::rename(&file, folder.join(name))?;
        }
        sync_folder(folder)
    }

    /// Brings its bytes to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        for extension in ["pack", "idx"] {
            File::open(self.stem.with_extension(extension))?.sync_all()?;
        }
        self.stem.parent().map_or(Ok(()), sync_folder)
    }
}

impl Loose {
    pub(super) fn remove(&self) -> io::Result<()> {
        remove_if_there(&self.path)?;
        // The folder goes with its last object; before that this fails, as it should.
        let _ = self.path.parent().map(fs::remove_dir);
        Ok(())
    }
}

/// The pack of a name that was just written.
pub(super) fn written(clone: &Path, name: &str) -> io::Result<Pack> {
    Pack::of(&folder_of(clone).join(format!("pack-{name}.idx")))
}

/// Whether packs hold every one of these objects.
pub(super) fn hold(packs: &[Pack], wanted: impl IntoIterator<Item = Oid>) -> io::Result<bool> {
    let mut held = HashSet::new();
    for pack in packs {
        held.extend(pack.ids()?);
    }
    Ok(wanted.into_iter().all(|id| held.contains(&id)))
}

fn count(index: &[u8]) -> io::Result<usize> {
    let last = INDEX_HEAD.len() + FANOUT_BYTES - 4;
    let number = index.get(last..last + 4).filter(|_| index.starts_with(INDEX_HEAD)).ok_or_else(no_index)?;
    Ok(number.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

fn no_index() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is no index of a pack, version 2")
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
