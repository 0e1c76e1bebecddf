//! The work tree a person stands in: flow files as they are on disk, and those that a sparse checkout left in the index.
//!
//! Everything here blocks; nothing here writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use git2::{ErrorCode, IndexEntryExtendedFlag, Oid, Repository};

use super::attributes::{ATTRIBUTES_BYTES_MAX, Attributes, FILE};
use super::flows::met;
use super::names;
use super::read::{io_error, local_error};
use crate::format::{self, Format, Unit};
use crate::source::selection::{FlowSelection, Met, Walk, WalkStep};
use crate::source::{BadEntry, BadEntryReason, FLOW_BYTES_MAX, Listing, SourceError};

/// A folder of files, usually the work tree of a repository.
#[derive(Clone)]
pub struct WorkTree {
    root: PathBuf,
    /// Where it is the work tree of a repository: for what is not on the disk, and for the meaning of attributes.
    repo: Option<Arc<Mutex<Repository>>>,
}

impl std::fmt::Debug for WorkTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkTree").field("root", &self.root).finish_non_exhaustive()
    }
}

/// A file that stands in the index and, by a sparse checkout, not on the disk.
struct Absent {
    path: String,
    is_utf8: bool,
    met: Met,
    blob: Oid,
}

impl WorkTree {
    /// A folder that need not be a work tree.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), repo: None }
    }

    pub(super) fn of(repo: Repository) -> Option<Self> {
        let root = repo.workdir()?.to_owned();
        Some(Self { root, repo: Some(Arc::new(Mutex::new(repo))) })
    }

    /// Its root.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The paths, from the root, of the flow files below `start`, which is the flows folder or lies in it; what stands
    /// there and must not; and what is not read. The rules are those of a commit: a link or submodule on the way to
    /// the folder is the one entry found.
    ///
    /// # Errors
    /// [`SourceError::Local`] where the folder is not there or cannot be read.
    pub fn list(&self, selection: &FlowSelection, start: &str) -> Result<Listing<String>, SourceError> {
        if let Some(bad) = self.bad_on_the_way(start)? {
            return Ok(Listing::of_bad(bad));
        }
        if let Some(left_out) = selection.left_out_above(&names::below(start, "x")) {
            return Ok(Listing { left_out: vec![left_out], ..Listing::default() });
        }
        let absent = self.not_checked_out(start)?;
        let folder = if start.is_empty() { self.root.clone() } else { self.root.join(start) };
        if !absent.is_empty() && fs::symlink_metadata(&folder).is_err_and(|error| is_absence(&error)) {
            tracing::info!(folder = start, "not checked out: its files are read from the index");
        }
        let mut attributes = Attributes::default();
        for above in std::iter::once("").chain(names::prefixes(start)).filter(|above| *above != start) {
            self.add_attributes(&mut attributes, above)?;
        }
        let mut walk = Walk::new(selection);
        match fs::symlink_metadata(&folder) {
            // The root itself is the person's own word, be it a link.
            Ok(found) if !found.is_dir() && !start.is_empty() => {
                let step = walk.meet(start, true, if found.is_file() { Met::File } else { Met::Special });
                go(step, &mut walk, &attributes, &folder, start.to_owned())?;
            }
            _ => self.walk_disk(&mut walk, &mut attributes, (folder, start.to_owned()), absent.is_empty())?,
        }
        self.walk_index(&mut walk, &mut attributes, absent)?;
        let listing = walk.finish();
        Ok(match selection.format().head() {
            Some(head) => listing.headed(head, String::as_str),
            None => listing,
        })
    }

    /// The files of a flow by the path of its file, or of the file that heads its folder; `None` where there is none.
    ///
    /// # Errors
    /// [`SourceError::Local`] where one is there and cannot be read.
    pub fn read_unit(&self, format: Format, path: &str) -> Result<Option<Unit>, SourceError> {
        let Some(content) = self.read(path)? else { return Ok(None) };
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut files = BTreeMap::from([(name.to_owned(), content)]);
        if format.is_head(path) {
            for part in self.parts(format, folder)? {
                if let Some(content) = self.read(&names::below(folder, &part))? {
                    files.insert(part, content);
                }
            }
        }
        Ok(Some(Unit { path: path.to_owned(), files }))
    }

    /// The other files of a flow's folder, by their paths from there; on the disk or in the index.
    fn parts(&self, format: Format, folder: &str) -> Result<BTreeSet<String>, SourceError> {
        let mut parts = BTreeSet::new();
        for below in format.folders() {
            let shown = names::below(folder, below);
            let place = self.root.join(&shown);
            let entries = match fs::read_dir(&place) {
                Ok(entries) => entries,
                Err(error) if is_absence(&error) => continue,
                Err(error) => return Err(io_error(&place, "read a folder", &error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| io_error(&place, "read a folder", &error))?;
                let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
                parts.extend(entry.file_name().to_str().filter(|_| is_file).map(|name| format!("{below}/{name}")));
            }
        }
        let absent = self.not_checked_out(folder)?.into_iter().filter(|it| it.met == Met::File);
        parts.extend(absent.filter_map(|it| Some(it.path.strip_prefix(folder)?.trim_start_matches('/').to_owned())));
        parts.retain(|part| format::is_part(part));
        Ok(parts)
    }

    /// The overlays over the flows of a folder, by the same rules; nothing where their folder is not there.
    ///
    /// # Errors
    /// [`SourceError::Local`] where it cannot be read.
    pub fn list_overlays(&self, selection: &FlowSelection) -> Result<Listing<String>, SourceError> {
        let Some(selection) = selection.of_overlays() else { return Ok(Listing::default()) };
        if self.bad_on_the_way(selection.folder())?.is_none() && self.is_folder(selection.folder())? != Some(true) {
            return Ok(Listing::default());
        }
        Ok(self.list(&selection, selection.folder())?.flat(selection.folder(), String::as_str))
    }

    /// The first symbolic link or submodule on the way from the root to `path`, that included: what lies behind one
    /// is never read.
    ///
    /// # Errors
    /// [`SourceError::Local`] where a folder on the way cannot be looked into.
    pub fn bad_on_the_way(&self, path: &str) -> Result<Option<BadEntry>, SourceError> {
        for shown in names::prefixes(path) {
            let entry = self.root.join(shown);
            let kind = match fs::symlink_metadata(&entry) {
                Ok(found) => found.file_type(),
                Err(error) if is_absence(&error) => return Ok(None),
                Err(error) => return Err(io_error(&entry, "look at a folder", &error)),
            };
            let reason = if kind.is_symlink() {
                BadEntryReason::SymbolicLink
            } else if is_submodule(&entry) {
                BadEntryReason::Submodule
            } else {
                continue;
            };
            return Ok(Some(BadEntry { path: shown.to_owned(), reason }));
        }
        Ok(None)
    }

    /// A file by its path from the root; one that is not checked out comes from the index. `None` where there is none.
    ///
    /// # Errors
    /// [`SourceError::Local`] where it is there and cannot be read.
    pub fn read(&self, path: &str) -> Result<Option<Arc<[u8]>>, SourceError> {
        let file = self.root.join(path);
        match fs::read(&file) {
            Ok(content) => Ok(Some(Arc::from(content))),
            Err(error) if is_absence(&error) => self.read_not_checked_out(path),
            Err(error) => Err(io_error(&file, "read a file", &error)),
        }
    }

    /// Whether a path from the root is a folder, on the disk or in the index; `None` where it is nothing.
    ///
    /// # Errors
    /// [`SourceError::Local`] where it cannot be looked at.
    pub fn is_folder(&self, path: &str) -> Result<Option<bool>, SourceError> {
        let entry = self.root.join(path);
        match fs::metadata(&entry) {
            Ok(found) => Ok(Some(found.is_dir())),
            Err(error) if is_absence(&error) => {
                let absent = self.not_checked_out(path)?;
                Ok((!absent.is_empty()).then(|| absent.iter().all(|absent| absent.path != path)))
            }
            Err(error) => Err(io_error(&entry, "look at", &error)),
        }
    }

    fn walk_disk(
        &self,
        walk: &mut Walk<'_, String>,
        attributes: &mut Attributes,
        start: (PathBuf, String),
        must_be_there: bool,
    ) -> Result<(), SourceError> {
        let mut waiting = vec![start];
        let mut may_be_absent = !must_be_there;
        while let Some((folder, shown)) = waiting.pop() {
            let failed = |error: &std::io::Error| io_error(&folder, "read a folder", error);
            let entries = match fs::read_dir(&folder) {
                Err(error) if may_be_absent && is_absence(&error) => continue,
                entries => entries.map_err(|e| failed(&e))?,
            };
            may_be_absent = false;
            self.add_attributes(attributes, &shown)?;
            for entry in entries {
                let entry = entry.map_err(|e| failed(&e))?;
                let name = entry.file_name();
                if name == ".git" {
                    continue;
                }
                let path = names::below(&shown, &name.to_string_lossy());
                let met = met_on_disk(&entry).map_err(|e| failed(&e))?;
                match walk.meet(&path, name.to_str().is_some(), met) {
                    WalkStep::Enter => waiting.push((entry.path(), path)),
                    step => go(step, walk, attributes, &entry.path(), path)?,
                }
                if walk.is_full() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn walk_index(
        &self,
        walk: &mut Walk<'_, String>,
        attributes: &mut Attributes,
        absent: Vec<Absent>,
    ) -> Result<(), SourceError> {
        for absent in absent.iter().filter(|absent| absent.path.rsplit('/').next() == Some(FILE)) {
            let folder = absent.path.strip_suffix(FILE).unwrap_or_default().trim_end_matches('/');
            self.add_attributes(attributes, folder)?;
        }
        let mut left_out = BTreeSet::new();
        for Absent { path, is_utf8, met, blob } in absent {
            if let Some(above) = walk.left_out_above(&path) {
                left_out.insert(above);
            } else if walk.meet(&path, is_utf8, met) == WalkStep::Take {
                let bytes = self.blob_bytes(&path, blob)?;
                take(walk, attributes, path, bytes);
            }
            if walk.is_full() {
                return Ok(());
            }
        }
        left_out.into_iter().for_each(|found| walk.leave_out(&found.path, found.reason));
        Ok(())
    }

    /// Attributes mean something in a work tree only.
    fn add_attributes(&self, attributes: &mut Attributes, folder: &str) -> Result<(), SourceError> {
        let path = names::below(folder, FILE);
        let bytes = fs::symlink_metadata(self.root.join(&path))
            .map(|found| if found.is_file() { found.len() } else { u64::MAX });
        if self.repo.is_some()
            && bytes.unwrap_or_default() <= ATTRIBUTES_BYTES_MAX
            && let Some(text) = self.read(&path)?
        {
            attributes.add(folder, &text);
        }
        Ok(())
    }

    fn repo(&self) -> Option<MutexGuard<'_, Repository>> {
        Some(self.repo.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a sparse checkout keeps off the disk, at a path or below it.
    fn not_checked_out(&self, at: &str) -> Result<Vec<Absent>, SourceError> {
        let Some(repo) = self.repo() else { return Ok(Vec::new()) };
        let index = match repo.index() {
            Ok(index) => index,
            // Without a sparse checkout the disk says it all.
            Err(_) if !is_sparse(&repo) => return Ok(Vec::new()),
            Err(error) => return Err(self.unreadable_index(&error)),
        };
        let inside = |path: &[u8]| {
            let rest = path.strip_prefix(at.as_bytes());
            at.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        let entries = index.iter().filter(|entry| is_skipped(entry.flags_extended) && inside(&entry.path));
        let absent = entries.map(|entry| Absent {
            path: String::from_utf8_lossy(&entry.path).into_owned(),
            is_utf8: std::str::from_utf8(&entry.path).is_ok(),
            met: met(i32::try_from(entry.mode).unwrap_or_default()),
            blob: entry.id,
        });
        let is_off_the_disk =
            |absent: &Absent| fs::symlink_metadata(self.root.join(&absent.path)).is_err_and(|error| is_absence(&error));
        Ok(absent.filter(is_off_the_disk).collect())
    }

    fn unreadable_index(&self, error: &git2::Error) -> SourceError {
        let reason = format!(
            "{}; the sparse checkout may use a sparse index, which `git sparse-checkout reapply --no-sparse-index` makes a \
             whole one",
            error.message()
        );
        SourceError::Local { doing: "read the index", path: self.root.display().to_string(), reason }
    }

    fn read_not_checked_out(&self, path: &str) -> Result<Option<Arc<[u8]>>, SourceError> {
        let Some(repo) = self.repo() else { return Ok(None) };
        let entry = repo.index().ok().and_then(|index| index.get_path(Path::new(path), 0));
        let Some(entry) = entry.filter(|entry| is_skipped(entry.flags_extended) && met(entry.mode as i32) == Met::File)
        else {
            return Ok(None);
        };
        let blob = repo.find_blob(entry.id).map_err(|error| self.missing(path, &error))?;
        Ok(Some(Arc::from(blob.content())))
    }

    fn blob_bytes(&self, path: &str, blob: Oid) -> Result<u64, SourceError> {
        let Some(repo) = self.repo() else { return Ok(0) };
        let header = repo.odb().and_then(|odb| odb.read_header(blob));
        let (size, _) = header.map_err(|error| self.missing(path, &error))?;
        Ok(u64::try_from(size).unwrap_or(u64::MAX))
    }

    /// A partial clone holds no contents of what is not checked out, and nothing is fetched here.
    fn missing(&self, path: &str, error: &git2::Error) -> SourceError {
        let shown = self.root.display().to_string();
        if error.code() != ErrorCode::NotFound {
            return local_error(&shown, "read a file that is not checked out", error);
        }
        let reason = format!(
            "`{}` is not checked out and, in a partial clone, not here; `git sparse-checkout add` its folder",
            names::shown(path)
        );
        SourceError::Local { doing: "read a file that is not checked out", path: shown, reason }
    }
}

fn is_sparse(repo: &Repository) -> bool {
    repo.config().and_then(|config| config.get_bool("core.sparseCheckout")).unwrap_or(false)
}

fn is_skipped(flags_extended: u16) -> bool {
    IndexEntryExtendedFlag::from_bits_truncate(flags_extended).is_skip_worktree()
}

fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Whether a folder below the root is a repository of its own.
fn is_submodule(folder: &Path) -> bool {
    folder.join(".git").symlink_metadata().is_ok()
}

fn met_on_disk(entry: &fs::DirEntry) -> std::io::Result<Met> {
    let kind = entry.file_type()?;
    Ok(match () {
        () if kind.is_symlink() => Met::SymbolicLink,
        () if kind.is_dir() && is_submodule(&entry.path()) => Met::Submodule,
        () if kind.is_dir() => Met::Folder,
        () if kind.is_file() => Met::File,
        () => Met::Special,
    })
}

fn file_bytes(file: &Path) -> Result<u64, SourceError> {
    let found = fs::symlink_metadata(file).map_err(|e| io_error(file, "read the size of a file", &e))?;
    Ok(found.len())
}

/// Does what is to be done with a file on the disk.
fn go(
    step: WalkStep,
    walk: &mut Walk<'_, String>,
    attributes: &Attributes,
    file: &Path,
    path: String,
) -> Result<(), SourceError> {
    match step {
        WalkStep::Take => take(walk, attributes, path, file_bytes(file)?),
        WalkStep::Peek => peek(walk, file, &path)?,
        WalkStep::Enter | WalkStep::Pass => {}
    }
    Ok(())
}

fn take(walk: &mut Walk<'_, String>, attributes: &Attributes, path: String, bytes: u64) {
    if let Some(filter) = attributes.filter_of(&path) {
        walk.refuse(&path, BadEntryReason::Filtered(filter));
    } else if bytes > FLOW_BYTES_MAX {
        walk.refuse(&path, BadEntryReason::TooLarge);
    } else {
        walk.take(path);
    }
}

fn peek(walk: &mut Walk<'_, String>, file: &Path, path: &str) -> Result<(), SourceError> {
    let content = if walk.may_peek(file_bytes(file)?) { fs::read(file).ok() } else { None };
    walk.peeked(path, content.as_deref());
    Ok(())
}
