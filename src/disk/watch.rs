//! Whether what a path leads to is another thing than before: a file that is written anew, or a link that is replaced,
//! as ConfigMaps and git-sync do. Nobody may rely on hearing at once: it only saves waiting.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use notify::{Event, EventKind, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// Where the system tells nothing (a network disk, no watches left), the path is looked at so often.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(30);
/// A change may come to rest before it is looked at.
const REST: Duration = Duration::from_millis(50);
/// Links that lead to links end here.
const LINKS_MAX: usize = 16;

/// Watches what a path leads to.
pub(crate) struct PathWatch {
    path: PathBuf,
    seen: Seen,
    told: Option<Told>,
}

/// What the system tells, and of which folders.
struct Told {
    folders: BTreeSet<PathBuf>,
    events: mpsc::Receiver<()>,
    _watcher: Box<dyn Watcher + Send>,
}

/// What a path leads to, as far as it takes to tell one thing from another.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Nothing,
    /// A folder is the same as long as the way to it is: what happens in it is its own.
    Folder(PathBuf),
    File(PathBuf, Option<SystemTime>, u64),
}

impl std::fmt::Debug for PathWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PathWatch").field("path", &self.path).finish_non_exhaustive()
    }
}

impl PathWatch {
    /// Watches from now on. There need not be anything at the path yet.
    #[must_use]
    pub(crate) fn new(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let told = listen(folders_on_the_way(&path));
        Self { seen: look(&path), told, path }
    }

    /// Waits until it leads to something else. Cancelling loses nothing.
    pub(crate) async fn changed(&mut self) {
        loop {
            let now = look(&self.path);
            if now != self.seen {
                // The way there may be another one, too.
                let folders = folders_on_the_way(&self.path);
                if self.told.as_ref().is_none_or(|told| told.folders != folders) {
                    self.told = listen(folders);
                }
                self.seen = now;
                return;
            }
            match &mut self.told {
                Some(told) => {
                    if let Ok(Some(())) = timeout(LOOKED_AT_EVERY, told.events.recv()).await {
                        sleep(REST).await;
                    }
                }
                None => sleep(LOOKED_AT_EVERY).await,
            }
        }
    }
}

fn look(path: &Path) -> Seen {
    let Ok(real) = path.canonicalize() else { return Seen::Nothing };
    match fs::metadata(&real) {
        Ok(meta) if meta.is_dir() => Seen::Folder(real),
        Ok(meta) => Seen::File(real, meta.modified().ok(), meta.len()),
        Err(_) => Seen::Nothing,
    }
}

/// The folders in which something is replaced when the path leads elsewhere: that of the file, and that of each link.
fn folders_on_the_way(path: &Path) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    let mut next = Some(path.to_owned());
    for _ in 0..LINKS_MAX {
        let Some(path) = next.take() else { break };
        folders.extend(path.parent().and_then(|folder| folder.canonicalize().ok()));
        // The first link on the way, and where one comes by it.
        let mut prefix = PathBuf::new();
        let mut parts = path.components();
        while let Some(part) = parts.next() {
            prefix.push(part);
            let Ok(target) = fs::read_link(&prefix) else { continue };
            let folder = prefix.parent().unwrap_or(Path::new("/"));
            folders.extend(folder.canonicalize());
            next = Some(folder.join(target).join(parts.as_path()));
            break;
        }
    }
    folders
}

fn listen(folders: BTreeSet<PathBuf>) -> Option<Told> {
    let (tell, events) = mpsc::channel(1);
    let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
            // A full channel tells already.
            _ = tell.try_send(());
        }
    });
    let watched = watcher.and_then(|mut watcher| {
        for folder in &folders {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
        Ok(watcher)
    });
    match watched {
        Ok(watcher) => Some(Told { folders, events, _watcher: Box::new(watcher) }),
        Err(error) => {
            let seconds = LOOKED_AT_EVERY.as_secs();
            tracing::warn!(%error, "the system tells of no changes in {folders:?}; they are looked at every {seconds} s");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Replaces a link as git-sync and the kubelet do: by renaming another one over it.
    fn flip(link: &Path, target: &str) {
        let next = link.parent().unwrap().join("next link");
        symlink(target, &next).unwrap();
        fs::rename(next, link).unwrap();
    }

    async fn hears(watch: &mut PathWatch, change: impl FnOnce()) {
        change();
        timeout(Duration::from_secs(20), watch.changed()).await.expect("it is heard of");
    }

    #[tokio::test]
    async fn a_link_that_is_replaced_is_heard_of_and_what_happens_in_its_folder_is_not() {
        let root = tempfile::tempdir().unwrap();
        let link = root.path().join("current");
        let folder = |name: &str| fs::create_dir(root.path().join(name)).unwrap();
        let mut watch = PathWatch::new(&link);
        folder("one");
        folder("two");
        hears(&mut watch, || symlink("one", &link).unwrap()).await;
        hears(&mut watch, || flip(&link, "two")).await;
        hears(&mut watch, || flip(&link, "one")).await;
        fs::write(root.path().join("two/file"), "").unwrap();
        fs::write(root.path().join("one/file"), "").unwrap();
        fs::write(root.path().join("beside"), "").unwrap();
        assert_eq!(look(&link), watch.seen);
    }

    #[tokio::test]
    async fn a_file_is_heard_of_however_it_is_written() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("flowsync.yaml");
        fs::write(&file, "1").unwrap();
        let mut watch = PathWatch::new(&file);
        hears(&mut watch, || fs::write(&file, "22").unwrap()).await;
        hears(&mut watch, || {
            fs::write(root.path().join(".swap"), "333").unwrap();
            fs::rename(root.path().join(".swap"), &file).unwrap();
        })
        .await;
        hears(&mut watch, || fs::remove_file(&file).unwrap()).await;
        hears(&mut watch, || fs::write(&file, "4444").unwrap()).await;
    }

    #[tokio::test]
    async fn a_config_map_that_is_flipped_is_heard_of_again_and_again() {
        let root = tempfile::tempdir().unwrap();
        let version = |name: &str, text: &str| {
            fs::create_dir(root.path().join(name)).unwrap();
            fs::write(root.path().join(name).join("flowsync.yaml"), text).unwrap();
        };
        version("..1", "a");
        symlink("..1", root.path().join("..data")).unwrap();
        let file = root.path().join("flowsync.yaml");
        symlink("..data/flowsync.yaml", &file).unwrap();
        let mut watch = PathWatch::new(&file);
        for n in 2..5 {
            let name = format!("..{n}");
            hears(&mut watch, || {
                version(&name, "a");
                flip(&root.path().join("..data"), &name);
            })
            .await;
        }
    }
}
