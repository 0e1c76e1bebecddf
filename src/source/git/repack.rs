//! Packs some of a clone's objects anew.
//!
//! A process that dies at any step leaves a whole clone: the new pack is complete, on the disk, and seen to hold
//! every object before anything goes; and whoever reads meanwhile finds each object in one or the other.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use git2::{ConfigLevel, ObjectType, Oid, Repository};

use super::folder::{Folder, Kind};
use super::packs::{self, Loose, Pack, Stock, folder_of};
use super::tidy::{MERGED_OBJECTS_MAX, Rewound, Standing, Weight};

/// What libgit2 may keep in memory while it looks for similar objects.
const WINDOW_BYTES: i64 = 32 * 1024 * 1024;
/// As git writes packs: nobody changes them.
const PACK_MODE: u32 = 0o444;

/// What a stock weighs on the disk; its content is not looked at.
pub(super) fn standing(stock: &Stock, fresh: u64, rewound: Rewound) -> Standing {
    let weight = |pack: &Pack| Weight { content: 0, bytes: pack.bytes };
    let loose = Weight { content: 0, bytes: stock.loose.iter().map(|loose| loose.bytes).sum() };
    let packs = stock.packs.iter().map(weight).collect();
    Standing { packs, n_loose: stock.loose.len(), loose, fresh, rewound }
}

/// Looks at how much content there is.
pub(super) fn weigh(clone: &Path, stock: &Stock, standing: &mut Standing) -> io::Result<()> {
    let repo = Repository::open_bare(clone).map_err(io::Error::other)?;
    for (pack, weight) in stock.packs.iter().zip(&mut standing.packs) {
        weight.content = match pack.n_objects {
            ..=MERGED_OBJECTS_MAX => content_of(&repo, &pack.ids()?)?,
            _ => u64::MAX,
        };
    }
    let loose: Vec<Oid> = stock.loose.iter().map(|loose| loose.id).collect();
    standing.loose.content = if loose.len() > MERGED_OBJECTS_MAX { u64::MAX } else { content_of(&repo, &loose)? };
    Ok(())
}

fn content_of(repo: &Repository, ids: &[Oid]) -> io::Result<u64> {
    let sum = || -> Result<u64, git2::Error> {
        let odb = repo.odb()?;
        let mut sum = 0_u64;
        for id in ids {
            sum += odb.read_header(*id)?.0 as u64;
        }
        Ok(sum)
    };
    sum().map_err(io::Error::other)
}

/// Writes the objects of some packs, and the loose ones, as one pack, and removes what it takes the place of.
pub(super) fn merge(clone: &Path, stock: &Stock, chosen: &[usize]) -> io::Result<()> {
    let old: Vec<&Pack> = chosen.iter().filter_map(|index| stock.packs.get(*index)).collect();
    let repo = Repository::open_bare(clone).map_err(io::Error::other)?;
    let mut ids: Vec<Oid> = stock.loose.iter().map(|loose| loose.id).collect();
    for pack in &old {
        ids.extend(pack.ids()?);
    }
    ids.sort();
    ids.dedup();
    let new = write_pack(&repo, clone, &ids, &names_of(&repo, &ids).map_err(io::Error::other)?)?;
    new.sync()?;
    if !packs::hold(std::slice::from_ref(&new), ids)? {
        return Err(io::Error::other("the new pack lacks objects of the old ones"));
    }
    remove(old.into_iter().filter(|pack| pack.name() != new.name()), &stock.loose)
}

/// Removes packs and loose objects that others have taken the place of.
pub(super) fn remove<'a>(packs: impl Iterator<Item = &'a Pack>, loose: &[Loose]) -> io::Result<()> {
    for pack in packs {
        pack.remove()?;
    }
    loose.iter().try_for_each(Loose::remove)
}

/// The names that objects have in the folders among them: what has one name is similar.
fn names_of(repo: &Repository, ids: &[Oid]) -> Result<HashMap<Oid, String>, git2::Error> {
    let odb = repo.odb()?;
    let mut names = HashMap::new();
    for id in ids {
        if odb.read_header(*id)?.1 != ObjectType::Tree {
            continue;
        }
        let folder = odb.read(*id)?;
        for entry in Folder::parse(folder.data()).iter().flat_map(Folder::entries) {
            if entry.kind != Kind::Other {
                names.entry(entry.id).or_insert_with(|| String::from_utf8_lossy(entry.name).into_owned());
            }
        }
    }
    Ok(names)
}

fn write_pack(repo: &Repository, clone: &Path, ids: &[Oid], names: &HashMap<Oid, String>) -> io::Result<Pack> {
    let write = || -> Result<String, git2::Error> {
        bound_memory(repo)?;
        let mut builder = repo.packbuilder()?;
        for id in ids {
            builder.insert_object(*id, names.get(id).map(String::as_str))?;
        }
        builder.write(&folder_of(clone), PACK_MODE)?;
        Ok(builder.name()?.unwrap_or_default().to_owned())
    };
    packs::written(clone, &write().map_err(io::Error::other)?)
}

/// Ten objects are compared with each other; of large ones fewer.
fn bound_memory(repo: &Repository) -> Result<(), git2::Error> {
    const KEY: &str = "pack.windowMemory";
    let mut config = repo.config()?.open_level(ConfigLevel::Local)?;
    if config.get_i64(KEY).is_ok_and(|bytes| bytes == WINDOW_BYTES) {
        return Ok(());
    }
    config.set_i64(KEY, WINDOW_BYTES)
}

/// Writes objects that are only in memory, as one pack.
pub(super) fn keep_objects(repo: &Repository, clone: &Path, ids: &[Oid]) -> io::Result<()> {
    write_pack(repo, clone, ids, &HashMap::new())?.sync()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::source::git::cache::heal;

    /// A clone with so many packs of two objects each, and their ids.
    fn clone_of(n_packs: usize) -> (tempfile::TempDir, Vec<Oid>) {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repository::init_bare(dir.path()).unwrap();
        let odb = repo.odb().unwrap();
        let memory = odb.add_new_mempack_backend(1000).unwrap();
        let mut all = Vec::new();
        for number in 0..n_packs {
            let ids = ["a", "b"].map(|name| repo.blob(format!("{name} {number}").as_bytes()).unwrap());
            keep_objects(&repo, dir.path(), &ids).unwrap();
            memory.reset().unwrap();
            all.extend(ids);
        }
        (dir, all)
    }

    #[test]
    fn an_open_repository_finds_what_was_packed_anew() {
        let (dir, ids) = clone_of(4);
        // One that has looked at nothing yet, one that has looked at one object, one that knows the indexes.
        let readers: Vec<Repository> = (0..3).map(|_| Repository::open_bare(dir.path()).unwrap()).collect();
        assert!(readers[1].find_blob(ids[0]).is_ok());
        assert!(ids.iter().all(|id| readers[2].odb().unwrap().read_header(*id).is_ok()));
        let stock = Stock::of(dir.path()).unwrap();
        assert_eq!(stock.packs.len(), 4);
        merge(dir.path(), &stock, &[0, 1, 2, 3]).unwrap();
        assert_eq!(Stock::of(dir.path()).unwrap().packs.iter().map(|pack| pack.n_objects).collect::<Vec<_>>(), [8]);
        for (number, reader) in readers.iter().enumerate() {
            assert!(ids.iter().all(|id| reader.find_blob(*id).is_ok()), "reader {number}");
        }
    }

    #[test]
    fn a_clone_is_whole_wherever_a_process_dies() {
        let (dir, ids) = clone_of(3);
        merge(dir.path(), &Stock::of(dir.path()).unwrap(), &[0, 1]).unwrap();
        let is_whole = || {
            let repo = Repository::open_bare(dir.path()).unwrap();
            ids.iter().all(|id| repo.find_blob(*id).is_ok())
        };
        // The new pack is there and nothing went yet.
        let (copy, again) = clone_of(3);
        assert_eq!(again, ids);
        let old = Stock::of(copy.path()).unwrap().packs;
        let new: Vec<_> = Stock::of(dir.path()).unwrap().packs.iter().map(|pack| pack.name().to_owned()).collect();
        let replaced: Vec<&Pack> = old.iter().filter(|pack| !new.contains(&pack.name().to_owned())).collect();
        assert_eq!(replaced.len(), 2);
        replaced.iter().for_each(|pack| pack.move_to(&folder_of(dir.path())).unwrap());
        assert!(is_whole());
        // One index went, and its pack did not.
        let half = folder_of(dir.path()).join(replaced[0].name()).with_extension("pack");
        fs::remove_file(half.with_extension("idx")).unwrap();
        heal(dir.path());
        assert!(is_whole() && !half.exists());
        // The next one removes what is there twice.
        let stock = Stock::of(dir.path()).unwrap();
        merge(dir.path(), &stock, &[0, 1, 2]).unwrap();
        assert!(is_whole());
        assert_eq!(Stock::of(dir.path()).unwrap().packs.iter().map(|pack| pack.n_objects).collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn names_bring_versions_of_one_file_together() {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repository::init_bare(dir.path()).unwrap();
        let blob = repo.blob(b"content").unwrap();
        let mut folder = repo.treebuilder(None).unwrap();
        folder.insert("manifest.json", blob, git2::FileMode::Blob.into()).unwrap();
        let tree = folder.write().unwrap();
        let names = names_of(&repo, &[blob, tree]).unwrap();
        assert_eq!(names, HashMap::from([(blob, "manifest.json".to_owned())]));
    }
}
