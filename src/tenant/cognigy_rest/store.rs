//! What was read of flows, kept by what proves it still good: in memory, and in the cache folder, where it outlives
//! the process. Losing it costs one slow reading.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::read::ReadFlow;
use crate::disk::{make_private, read_regular};

/// Another version of flowsync may read flows otherwise.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// No flow's file is larger.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A flow as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    version: String,
    /// What else it was read by: the locales of the project.
    key: String,
    /// The flow's `lastChanged`.
    stamp: i64,
    /// When it was read, in seconds since 1970.
    read_at: i64,
    /// The flows that it attaches and that were there, by `_id`. One that goes leaves no trace in the stamp.
    attached: BTreeSet<String>,
    /// The composed document.
    pub(super) text: String,
}

/// What is known of a flow whose stamp stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) text: String,
    /// Whether it is time to read it anew all the same.
    pub(super) is_due: bool,
}

/// Flows by `_id`.
#[derive(Debug)]
pub(super) struct Store {
    folder: Option<PathBuf>,
    /// After how long whatever is kept is read anew.
    full_scan: Duration,
    kept: Mutex<BTreeMap<String, Option<Kept>>>,
}

impl Store {
    pub(super) fn new(folder: Option<PathBuf>, full_scan: Duration) -> Self {
        Self { folder, full_scan, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Option<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, id: &str) -> Option<PathBuf> {
        let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.folder.as_deref().filter(|_| is_plain).map(|folder| folder.join(format!("{id}.json")))
    }

    /// The text of a flow, where what was kept of it has this key and stamp and is not due to be read anew at `now`.
    pub(super) fn get(
        &self,
        id: &str,
        key: &str,
        stamp: i64,
        now: i64,
        is_there: impl Fn(&str) -> bool,
    ) -> Option<String> {
        self.kept_of(id, key, stamp, now, is_there).filter(|known| !known.is_due).map(|known| known.text)
    }

    /// The text of a flow, where what was kept of it has this key and stamp, and whether it is time to read it anew. What
    /// it attaches must be there still: a flow that was deleted and made again has another `_id`.
    pub(super) fn kept_of(
        &self,
        id: &str,
        key: &str,
        stamp: i64,
        now: i64,
        is_there: impl Fn(&str) -> bool,
    ) -> Option<Known> {
        let mut kept = self.kept();
        let entry = kept.entry(id.to_owned()).or_insert_with(|| read(&self.file(id)?));
        let is_good = |it: &&mut Kept| {
            let is_same = it.version == VERSION && it.key == key && it.stamp == stamp;
            is_same && it.read_at <= now && it.attached.iter().all(|id| is_there(id))
        };
        entry
            .as_mut()
            .filter(is_good)
            .map(|it| Known { text: it.text.clone(), is_due: now - it.read_at >= self.lives(id) })
    }

    /// How long one flow is good, in seconds: not all of them are due at once.
    fn lives(&self, id: &str) -> i64 {
        let whole = i64::try_from(self.full_scan.as_secs()).unwrap_or(i64::MAX);
        let spread = id.bytes().fold(0_i64, |sum, byte| (sum * 31 + i64::from(byte)) % 1_000);
        whole / 2 + whole / 2 * spread / 1_000
    }

    /// What a flow was when it was read last, where its stamp is that still.
    pub(super) fn before(&self, id: &str, key: &str, stamp: i64) -> Option<String> {
        let kept = self.kept();
        let kept = kept.get(id)?.as_ref()?;
        (kept.version == VERSION && kept.key == key && kept.stamp == stamp).then(|| kept.text.clone())
    }

    /// Keeps a flow.
    pub(super) fn put(&self, id: &str, key: &str, now: i64, flow: &ReadFlow) {
        let ReadFlow { stamp, text, attached, .. } = flow;
        let kept = Kept {
            version: VERSION.to_owned(),
            key: key.to_owned(),
            stamp: *stamp,
            read_at: now,
            attached: attached.clone(),
            text: text.clone(),
        };
        if let Some(file) = self.file(id)
            && let Err(error) = write_private(&file, &kept)
        {
            tracing::debug!(path = %file.display(), %error, "what was read is not kept; the next reading is slower");
        }
        self.kept().insert(id.to_owned(), Some(kept));
    }

    /// A flow is another one from now on.
    pub(super) fn forget(&self, id: &str) {
        self.kept().insert(id.to_owned(), None);
        if let Some(file) = self.file(id) {
            _ = std::fs::remove_file(file);
        }
    }

    /// Only these flows are there.
    pub(super) fn only(&self, ids: &BTreeSet<&str>) {
        self.kept().retain(|id, _| ids.contains(id.as_str()));
        let files = self.folder.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        for file in files {
            let path = file.path();
            let is_known = path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| ids.contains(stem));
            if !is_known && path.extension().is_some_and(|extension| extension == "json") {
                _ = std::fs::remove_file(path);
            }
        }
    }
}

fn read(file: &Path) -> Option<Kept> {
    serde_json::from_slice(&read_regular(file, FILE_BYTES_MAX).ok()?).ok()
}

/// Writes a file for us alone, whole or not at all.
pub(super) fn write_private(file: &Path, content: &impl Serialize) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    make_private(folder)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut temporary, &serde_json::to_vec(content)?)?;
    temporary.persist(file).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn flow(attached: &[&str]) -> ReadFlow {
        ReadFlow {
            id: "flow_a".parse().unwrap(),
            text: "text".to_owned(),
            stamp: 7,
            is_settled: true,
            n_configs: 0,
            attached: attached.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    fn get(store: &Store, id: &str, key: &str, stamp: i64, now: i64) -> Option<String> {
        store.get(id, key, stamp, now, |_| true)
    }

    #[test]
    fn a_flow_is_another_one_when_what_it_attaches_goes() {
        let store = Store::new(None, HOUR);
        store.put("f1", "en", 1_000, &flow(&["f2"]));
        assert_eq!(store.get("f1", "en", 7, 1_001, |id| id == "f2").as_deref(), Some("text"));
        assert_eq!(store.get("f1", "en", 7, 1_001, |id| id == "f3"), None);
    }

    #[test]
    fn what_was_read_outlives_the_process_as_long_as_its_stamp_does() {
        let folder = tempfile::tempdir().unwrap();
        let store = || Store::new(Some(folder.path().join("p")), HOUR);
        store().put("f1", "en", 1_000, &flow(&[]));
        assert_eq!(get(&store(), "f1", "en", 7, 1_001).as_deref(), Some("text"));
        for (id, key, stamp, now) in [
            ("f2", "en", 7, 1_001),
            ("f1", "de", 7, 1_001),
            ("f1", "en", 8, 1_001),
            ("f1", "en", 6, 1_001),
            ("f1", "en", 7, 5_000),
            ("f1", "en", 7, 999),
            ("../f1", "en", 7, 1_001),
        ] {
            assert_eq!(get(&store(), id, key, stamp, now), None, "{id} {key} {stamp} {now}");
        }
        let one = store();
        one.forget("f1");
        assert_eq!((get(&one, "f1", "en", 7, 1_001), get(&store(), "f1", "en", 7, 1_001)), (None, None));
        store().put("f1", "en", 1_000, &flow(&[]));
        store().only(&BTreeSet::from(["f2"]));
        assert_eq!(get(&store(), "f1", "en", 7, 1_001), None);
    }

    #[test]
    fn a_damaged_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = || Store::new(Some(folder.path().to_owned()), HOUR);
        store().put("f1", "en", 1_000, &flow(&[]));
        std::fs::write(folder.path().join("f1.json"), "{").unwrap();
        assert_eq!(get(&store(), "f1", "en", 7, 1_001), None);
    }

    #[test]
    fn flows_are_read_anew_one_after_the_other_and_each_in_time() {
        let store = Store::new(None, HOUR);
        let lives: BTreeSet<i64> = (0..50).map(|n| store.lives(&format!("flow{n}"))).collect();
        assert!(lives.len() > 20 && lives.iter().all(|lives| (1_800..=3_600).contains(lives)), "{lives:?}");
    }
}
