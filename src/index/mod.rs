//! What is known already of flows, by what they are: git's by blob id, the tenant's by their bytes.
//!
//! A pass should cost what changed, not what exists: a blob is parsed, hashed and linted once in its
//! life, and a live flow whose bytes were seen before is not parsed again: live flows are read here ([`LiveReader`],
//! [`QuietReader`]). Losing an index, or finding it damaged, costs one slow pass and nothing else.

mod ahead;
mod file;
mod in_git;
mod quiet;
mod read_live;
mod read_quiet;
mod signed_so_far;
mod state;
mod vouched;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::flow::{Comparison, Defaults, FileReport, FlowId};
use crate::plan::{Desired, Lookup};
use crate::problem::Problem;
use crate::revision::{BlobId, Origin};
use crate::source::{BlobSizes, FlowEntry, FlowListing, LeftOut, TreeId};
use crate::tenant::Recognised;

use ahead::id_ahead;
pub use quiet::{Quiet, SeenLive};
pub use read_live::LiveReader;
pub use read_quiet::QuietReader;
use state::IndexState;
pub use state::{Counts, SignedSoFar};

/// The index of one environment. Clones share it.
#[derive(Debug, Clone)]
pub struct FlowIndex(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: Option<PathBuf>,
    comparison: RwLock<Arc<Comparison>>,
    state: Mutex<IndexState>,
    quiet: Mutex<Option<Arc<Quiet>>>,
    vouched: Mutex<Option<String>>,
    /// By which keys, and what.
    signed: Mutex<Option<(String, SignedSoFar)>>,
    saving: Mutex<Option<JoinHandle<()>>>,
}

/// How flows are compared from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparing {
    /// As before.
    AsBefore,
    /// Otherwise: what was compared before may come out otherwise.
    Anew,
}

/// What of a flow's file says whether it is composed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traits {
    /// Whose file it is.
    pub id: FlowId,
    /// Whether its text is without fault: no other can be composed.
    pub is_whole: bool,
    /// Whether a reference says `${environment}`.
    pub names_environment: bool,
}

impl FlowIndex {
    /// An index kept in a file, read at the first question.
    #[must_use]
    pub fn in_file(path: PathBuf, comparison: Arc<Comparison>, seed: u64) -> Self {
        Self::with(Some(path), comparison, seed)
    }

    /// An index that lives as long as the process.
    #[must_use]
    pub fn in_memory(comparison: Arc<Comparison>) -> Self {
        Self::with(None, comparison, 0)
    }

    fn with(path: Option<PathBuf>, comparison: Arc<Comparison>, seed: u64) -> Self {
        let state = Mutex::new(IndexState { seed, ..IndexState::default() });
        let comparison = RwLock::new(comparison);
        Self(Arc::new(Inner {
            path,
            comparison,
            state,
            quiet: Mutex::default(),
            vouched: Mutex::default(),
            signed: Mutex::default(),
            saving: Mutex::default(),
        }))
    }

    /// How flows are compared; equality hashes in the index are by this.
    #[must_use]
    pub fn comparison(&self) -> Arc<Comparison> {
        Arc::clone(&self.0.comparison.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these defaults say nothing where flows are compared. Says whether that is new: what was hashed before
    /// is by another comparison then, and all of it is forgotten here.
    pub fn leave_out(&self, defaults: &Defaults) -> Comparing {
        let Some(comparison) = self.comparison().with_defaults(defaults) else { return Comparing::AsBefore };
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        *self.0.comparison.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(comparison);
        *state = IndexState { seed: state.seed, counts: state.counts, ..IndexState::default() };
        Comparing::Anew
    }

    fn state(&self) -> MutexGuard<'_, IndexState> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.is_loaded {
            state.is_loaded = true;
            if let Some(path) = &self.0.path {
                file::load(path, &self.comparison().rules(), &mut state);
            }
        }
        state
    }

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// Counts a live flow that had to be parsed.
    pub fn count_parsed(&self, bytes: usize, keeps_text: bool) {
        let counts = &mut self.state().counts;
        counts.live_parsed += 1;
        counts.live_bytes_parsed += bytes as u64;
        counts.texts_kept += u64::from(keeps_text);
    }

    /// Counts live flows that were recognised.
    pub fn count_recognised(&self, n_flows: usize) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.counts.live_recognised += n_flows as u64;
    }

    /// The flows of a tree put together before.
    #[must_use]
    pub fn desired(&self, tree: &TreeId) -> Option<(Arc<Desired>, Arc<[Problem]>)> {
        let state = self.state();
        let (known, desired, problems) = state.desired.as_ref()?;
        (known == tree).then(|| (desired.clone(), problems.clone()))
    }

    /// Remembers the flows of a tree for the next pass of this process.
    pub fn keep_desired(&self, tree: TreeId, desired: Arc<Desired>, problems: Arc<[Problem]>) {
        self.state().desired = Some((tree, desired, problems));
    }

    /// What stands in a flows folder listed before.
    #[must_use]
    pub fn listing(&self, tree: &TreeId) -> Option<FlowListing> {
        let state = self.state();
        let (known, listing) = state.tree.as_ref()?;
        (known == tree).then(|| listing.clone())
    }

    /// The sizes of the files of the flows folder listed last, whatever its tree.
    #[must_use]
    pub fn blob_sizes(&self) -> BlobSizes {
        let state = self.state();
        let Some((_, listing)) = &state.tree else { return BlobSizes::new() };
        listing.entries.iter().chain(&listing.overlays).map(|entry| (entry.blob.clone(), entry.bytes)).collect()
    }

    /// What was not read of the flows folder listed last, whatever its tree.
    #[must_use]
    pub fn left_out_last(&self) -> Vec<LeftOut> {
        self.state().tree.as_ref().map(|(_, listing)| listing.left_out.clone()).unwrap_or_default()
    }

    /// Remembers what stands in a flows folder, of which nothing is refused. Reports of blobs that are in none of
    /// its files are let go.
    pub fn keep_listing(&self, tree: TreeId, listing: &FlowListing) {
        let mut state = self.state();
        let all = listing.entries.iter().chain(&listing.overlays);
        let held: std::collections::HashSet<&BlobId> = all.map(|entry| &entry.blob).collect();
        state.reports.retain(|blob, _| held.contains(blob));
        state.composed.retain(|(Origin { blob, composed }, _), _| {
            let overlay = composed.as_ref().and_then(|composed| composed.overlay.as_ref());
            held.contains(blob) && overlay.is_none_or(|overlay| held.contains(overlay))
        });
        state.tree = Some((tree, listing.clone()));
        state.is_dirty = true;
    }

    /// The report of a blob under a path.
    #[must_use]
    pub fn report(&self, blob: &BlobId, path: &str) -> Option<FileReport> {
        self.state().reports.get(blob).map(|report| report.at(path))
    }

    /// The blobs among `entries` that have no report yet.
    #[must_use]
    pub fn unknown(&self, entries: &[FlowEntry]) -> Vec<FlowEntry> {
        let state = self.state();
        entries.iter().filter(|entry| !state.reports.contains_key(&entry.blob)).cloned().collect()
    }

    /// Whether the report of a blob is known.
    #[must_use]
    pub fn knows(&self, blob: &BlobId) -> bool {
        self.state().reports.contains_key(blob)
    }

    /// Remembers the report of a blob, without the flow's text.
    pub fn keep_report(&self, blob: BlobId, mut report: FileReport) {
        if let Some(definition) = &mut report.definition {
            self.keep_text(definition);
            definition.text = None;
        }
        // The path is the asker's: a blob may stand under another one tomorrow.
        for place in [&mut report.id_place, &mut report.version_place].into_iter().flatten() {
            place.file = String::new();
        }
        let mut state = self.state();
        state.reports.insert(blob, report);
        state.counts.files_checked += 1;
        state.is_dirty = true;
    }

    /// What of a flow's file says whether it is composed; nothing where its flow cannot be told.
    #[must_use]
    pub fn traits(&self, blob: &BlobId) -> Option<Traits> {
        let state = self.state();
        let FileReport { definition, stray_id, .. } = state.reports.get(blob)?;
        match (definition, stray_id) {
            (Some(definition), _) => Some(Traits {
                id: definition.id.clone(),
                is_whole: true,
                names_environment: definition.names_environment(),
            }),
            (None, Some(id)) => Some(Traits { id: id.clone(), is_whole: false, names_environment: false }),
            (None, None) => None,
        }
    }

    /// The report of a composed flow, whose file is at `path`.
    #[must_use]
    pub fn composed_report(&self, origin: &Origin, path: &str) -> Option<FileReport> {
        self.state().composed.get(&(origin.clone(), path.to_owned())).cloned()
    }

    /// Remembers the report of a composed flow, without its text.
    pub fn keep_composed_report(&self, origin: Origin, path: String, mut report: FileReport) {
        if let Some(definition) = &mut report.definition {
            self.keep_text(definition);
            definition.text = None;
        }
        let mut state = self.state();
        state.composed.insert((origin, path), report);
        state.counts.files_checked += 1;
        state.is_dirty = true;
    }

    /// A live flow by its bytes: its digest, and what is known of it.
    #[must_use]
    pub fn live(&self, raw: &[u8]) -> (u128, Option<Recognised>) {
        let seed = self.state().seed;
        let digest = xxh3_128_with_seed(raw, seed);
        (digest, self.state().meet(digest))
    }

    /// The live flow that a text begins with, where its bytes were seen before.
    #[must_use]
    pub fn live_at_beginning(&self, text: &[u8]) -> Option<Recognised> {
        let id = id_ahead(text)?;
        let (seed, digest, bytes) = {
            let state = self.state();
            let digest = *state.digests.get(&*id)?;
            (state.seed, digest, state.live.get(&digest)?.bytes)
        };
        (xxh3_128_with_seed(text.get(..bytes)?, seed) == digest).then(|| self.state().meet(digest))?
    }

    /// Remembers a live flow by the digest of its bytes.
    pub fn keep_live(&self, digest: u128, known: Recognised) {
        let mut state = self.state();
        state.met.insert(digest, known.clone());
        state.digests.insert(known.flow.id.clone(), digest);
        state.live.insert(digest, known);
        state.is_dirty = true;
    }

    /// What the last quiet pass had looked at, if its inputs had this key.
    #[must_use]
    pub fn quiet(&self, key: &str) -> Option<Arc<Quiet>> {
        let mut memo = self.0.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        if memo.is_none() {
            *memo = self.0.path.as_ref().and_then(|path| quiet::read(path)).map(Arc::new);
        }
        memo.clone().filter(|quiet| quiet.key == key)
    }

    /// Remembers a quiet pass over `n_flows` managed flows. Call it before [`FlowIndex::save`]: it
    /// takes the digests of the live flows met since the last save.
    pub fn keep_quiet(
        &self,
        key: String,
        n_flows: usize,
        others: BTreeSet<String>,
        needed: Vec<(Lookup, BTreeSet<String>)>,
        problems: Vec<Problem>,
    ) {
        let (seed, flows) = {
            let state = self.state();
            if state.met.len() != n_flows {
                return;
            }
            let flow = |(digest, known): (&u128, &Recognised)| {
                (known.flow.id.clone(), SeenLive { digest: *digest, bytes: known.bytes })
            };
            (state.seed, state.met.iter().map(flow).collect::<HashMap<_, _>>())
        };
        if flows.len() != n_flows {
            return;
        }
        let quiet = Quiet { key, flows, others, needed, problems, seed };
        if let Some(path) = &self.0.path
            && let Err(error) = quiet::write(path, &quiet)
        {
            tracing::warn!(path = %path.display(), %error, "cannot write the index; the next pass is slower");
        }
        *self.0.quiet.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(quiet));
    }

    /// The same as [`FlowIndex::save`], beside whatever is done next: [`FlowIndex::wait_until_saved`] waits for it.
    pub fn save_aside(&self) {
        if self.0.path.is_none() {
            return self.save();
        }
        self.wait_until_saved();
        let index = self.clone();
        *self.saving() = Some(std::thread::spawn(move || index.save()));
    }

    /// Waits for what is being written.
    pub fn wait_until_saved(&self) {
        let saving = self.saving().take();
        if saving.is_some_and(|saving| saving.join().is_err()) {
            tracing::warn!("the index was not written whole; the next pass is slower");
        }
    }

    fn saving(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.0.saving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is new to the file, whole or not at all; live flows not met since the last save are
    /// let go. A failure costs the next pass its speed and is only logged.
    pub fn save(&self) {
        let mut state = self.state();
        let Some(path) = self.0.path.as_ref().filter(|_| state.is_dirty) else {
            state.met.clear();
            return;
        };
        if !state.met.is_empty() {
            state.live = std::mem::take(&mut state.met);
            state.digests = state.live.iter().map(|(digest, known)| (known.flow.id.clone(), *digest)).collect();
        }
        match file::save(path, &self.comparison().rules(), &state) {
            Ok(()) => state.is_dirty = false,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot write the index; the next pass is slower")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{ContentHash, KnownFlow, check_file};
    use crate::revision::Composed;
    use crate::source::LeftOutReason;

    const FLOW: &str = r#"{"id":"flow_a","name":"A","version":"1.0.0","nodes":[{"id":"s","type":"start","configuration":{}},{"id":"x","type":"end","configuration":{}}],"edges":[{"from":"s","to":"x","condition":null}],"externalReferences":[{"type":"intent","id":"i","environmentId":"e"}]}"#;

    fn origin(overlay: Option<&str>) -> Origin {
        let overlay = overlay.map(|digit| BlobId(digit.repeat(40)));
        Origin { blob: BlobId("b".repeat(40)), composed: Some(Composed { overlay, environment: "env".into() }) }
    }

    fn origins() -> [Origin; 3] {
        [Origin::plain(BlobId("b".repeat(40))), origin(None), origin(Some("d"))]
    }

    fn filled(path: &std::path::Path, ignore: &[String]) -> FlowIndex {
        let comparison = Arc::new(Comparison::new(ignore).unwrap());
        let index = FlowIndex::in_file(path.to_owned(), comparison, 7);
        let blob = BlobId("b".repeat(40));
        index.keep_report(
            blob.clone(),
            check_file("x.json", FLOW.replace("intent", "flow").as_bytes().into(), &index.comparison()),
        );
        index.keep_report(BlobId("c".repeat(40)), check_file("y.json", b"{".as_slice().into(), &index.comparison()));
        let entry = |path: &str, blob: &str| FlowEntry { path: path.into(), blob: BlobId(blob.repeat(40)), bytes: 1 };
        use LeftOutReason::{DotFolder, Excluded, LooksLikeFlow, OtherFile};
        let left_out =
            [Excluded, DotFolder, LooksLikeFlow, OtherFile].map(|reason| LeftOut { path: "p".into(), reason });
        let entries = vec![entry("x.json", "b"), entry("y.json", "c")];
        let overlays = vec![entry("o.json", "d")];
        let listing = FlowListing { entries, overlays, bad: Vec::new(), left_out: left_out.into() };
        index.keep_listing(TreeId("t".into()), &listing);
        for origin in origins() {
            index.keep_composed_report(origin, "x.json".to_owned(), index.report(&blob, "x.json").unwrap());
        }
        let (digest, _) = index.live(b"raw");
        let hash = ContentHash([3; 32]);
        index.keep_live(
            digest,
            Recognised {
                flow: KnownFlow { id: "flow_a".parse().unwrap(), content_hash: hash, equality_hash: hash },
                bytes: 3,
            },
        );
        index.save();
        index
    }

    #[test]
    fn everything_comes_back_as_it_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let kept = filled(&path, &[]);
        let read = FlowIndex::in_file(path, Arc::new(Comparison::default()), 99);
        for (blob, file) in [("b", "p/x.json"), ("c", "q/y.json")] {
            let blob = BlobId(blob.repeat(40));
            assert_eq!(read.report(&blob, file), kept.report(&blob, file));
            assert!(read.report(&blob, file).is_some());
        }
        for origin in origins() {
            let composed = |index: &FlowIndex, path: &str| index.composed_report(&origin, path);
            assert_eq!(composed(&read, "x.json"), composed(&kept, "x.json"));
            assert!(composed(&read, "x.json").is_some() && composed(&read, "y.json").is_none());
        }
        assert_eq!(read.listing(&TreeId("t".into())), kept.listing(&TreeId("t".into())));
        assert!(read.listing(&TreeId("t".into())).is_some());
        assert_eq!(read.live(b"raw"), kept.live(b"raw"));
        assert!(read.live(b"raw").1.is_some() && read.live(b"other").1.is_none());
    }

    #[test]
    fn a_live_flow_is_known_by_its_beginning_where_its_id_comes_early() {
        let index = FlowIndex::in_memory(Arc::new(Comparison::default()));
        let keep = |item: &str| {
            let (digest, _) = index.live(item.as_bytes());
            let (id, hash) = ("flow_a".parse().unwrap(), ContentHash([3; 32]));
            let flow = KnownFlow { id, content_hash: hash, equality_hash: hash };
            index.keep_live(digest, Recognised { flow, bytes: item.len() });
        };
        let known = |text: &str| index.live_at_beginning(text.as_bytes()).map(|known| known.bytes);
        let item = r#"{"name":"A","id":"flow_a","nodes":[1]}"#;
        keep(item);
        assert_eq!(known(item), Some(item.len()));
        assert_eq!(known(&format!("{item},{{}}]")), Some(item.len()), "whatever follows");
        assert_eq!(known(&item.replace('1', "2")), None);
        assert_eq!(known(&item[..item.len() - 1]), None);
        let late = r#"{"nodes":[1],"id":"flow_a"}"#;
        keep(late);
        assert_eq!(known(late), None, "it is found when it was walked through");
        assert!(index.live(late.as_bytes()).1.is_some());
        keep(item);
        assert_eq!(known(item), Some(item.len()));
    }

    #[test]
    fn a_damaged_file_or_another_comparison_is_an_empty_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        filled(&path, &[]);
        let sound = std::fs::read(&path).unwrap();
        let tree = TreeId("t".into());
        for index in (0..sound.len()).step_by(7) {
            let mut damaged = sound.clone();
            damaged[index] ^= 0x40;
            std::fs::write(&path, &damaged).unwrap();
            let read = FlowIndex::in_file(path.clone(), Arc::new(Comparison::default()), 0);
            assert_eq!(read.listing(&tree), None, "byte {index}");
            std::fs::write(&path, &sound[..index]).unwrap();
            assert_eq!(FlowIndex::in_file(path.clone(), Arc::new(Comparison::default()), 0).listing(&tree), None);
        }
        std::fs::write(&path, &sound).unwrap();
        let other = Arc::new(Comparison::new(&["/name".to_owned()]).unwrap());
        assert_eq!(FlowIndex::in_file(path, other, 0).listing(&tree), None);
    }
}
