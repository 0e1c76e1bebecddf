//! The world: a repository, a tenant, people's doings, and what has been seen to go wrong. What watches it is in
//! `watch`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use flowsync::config::{SyncPolicy, Window};
use flowsync::flow::{Comparison, Definition, EnvironmentId, FlowId};
use flowsync::format::Format;
use flowsync::record::{Manifest, paths};
use flowsync::revision::CommitId;
use flowsync::source::memory::{Folders, MemoryRemote};
use flowsync::tenant::memory::Garble;
use jiff::Timestamp;
use tokio::time::Instant;

use super::api::Api;
use super::invariant::{Invariant, Violation};
use super::watch::Notes;

pub const ENVIRONMENT: &str = "production";

/// An export is no older than this when it is answered.
pub const STALE_MAX: Duration = Duration::from_secs(3);

/// When every world begins.
pub fn origin() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

pub struct World {
    pub remote: MemoryRemote,
    pub api: Arc<dyn Api>,
    pub folders: Folders,
    pub target: EnvironmentId,
    pub policy: SyncPolicy,
    /// When it may be written to.
    pub windows: Mutex<Vec<Window>>,
    /// Somebody changed the records by hand.
    pub meddled: AtomicBool,
    /// Somebody wrote what flowsync never would.
    pub forged: AtomicBool,
    /// The newest commit that a process pushed.
    pub newest: Mutex<Option<CommitId>>,
    /// The newest of them that ended a deployment.
    pub newest_ended: Mutex<Option<CommitId>>,
    /// Deployments that failed.
    pub n_failed: AtomicUsize,
    /// Deployments that could not be wholly restored.
    pub n_incomplete: AtomicUsize,
    pub comparison: Comparison,
    start: Instant,
    violations: Mutex<Vec<Violation>>,
    told: Option<Mutex<Vec<String>>>,
    notes: Mutex<Notes>,
    /// What was read of each commit: it never changes.
    manifests: Mutex<BTreeMap<CommitId, Option<Arc<Manifest>>>>,
}

impl World {
    pub fn new(api: Arc<dyn Api>, folders: Folders, policy: &SyncPolicy, talk: bool) -> Self {
        Self {
            remote: MemoryRemote::default(),
            folders,
            target: api.target(),
            api,
            policy: policy.clone(),
            windows: Mutex::default(),
            meddled: AtomicBool::new(false),
            forged: AtomicBool::new(false),
            newest: Mutex::default(),
            newest_ended: Mutex::default(),
            n_failed: AtomicUsize::new(0),
            n_incomplete: AtomicUsize::new(0),
            comparison: Comparison::new(&policy.ignore).unwrap(),
            start: Instant::now(),
            violations: Mutex::default(),
            told: talk.then(Mutex::default),
            notes: Mutex::default(),
            manifests: Mutex::default(),
        }
    }

    /// True time.
    pub fn now(&self) -> Timestamp {
        origin() + self.start.elapsed()
    }

    /// When it began.
    pub fn start(&self) -> Instant {
        self.start
    }

    pub fn violated(&self, invariant: Invariant, what: impl std::fmt::Display) {
        self.say(|| format!("VIOLATED ({invariant:?}) {what}"));
        self.violations.lock().unwrap().push(Violation { invariant, what: what.to_string() });
    }

    pub fn violations(&self) -> Vec<Violation> {
        self.violations.lock().unwrap().clone()
    }

    pub fn say(&self, what: impl FnOnce() -> String) {
        if let Some(told) = &self.told {
            told.lock().unwrap().push(format!("{:>9.3} {}", self.start.elapsed().as_secs_f64(), what()));
        }
    }

    /// Everything said, as one text.
    pub fn story(&self) -> String {
        self.told.as_ref().map(|told| told.lock().unwrap().join("\n")).unwrap_or_default()
    }

    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    /// Git holds a flow from now on.
    pub fn holds(&self, id: &FlowId) {
        self.notes().held.insert(id.clone());
    }

    /// Somebody writes a flow in the tenant by hand, or deletes it.
    pub fn drift(&self, id: &FlowId, body: Option<&[u8]>) {
        self.say(|| format!("by hand: {id} {}", if body.is_some() { "edited" } else { "deleted" }));
        self.notes().drift.insert(id.clone(), Instant::now());
        self.by_hand(id, body);
    }

    /// The flow that people call so.
    pub fn id(&self, name: &str) -> FlowId {
        self.api.id(name)
    }

    /// A live flow is written anew in a form that nobody can parse.
    pub fn garble(&self, id: &FlowId, how: Garble) {
        if self.api.garble(id, how) {
            self.say(|| format!("by hand: {id} garbled: {how:?}"));
            self.notes().drift.insert(id.clone(), Instant::now());
        }
    }

    /// The tenant gives a live flow another name, by itself.
    pub fn rename(&self, id: &FlowId) {
        if let Some(raw) = self.api.flow(id) {
            self.say(|| format!("the tenant renames {id}"));
            self.notes().drift.insert(id.clone(), Instant::now());
            let renamed = String::from_utf8_lossy(&raw).replacen(r#""name":""#, r#""name":"The "#, 1);
            self.see_changes();
            _ = self.api.edit(renamed.as_bytes());
        }
    }

    /// The same as if it had been so for ever.
    pub fn by_hand(&self, id: &FlowId, body: Option<&[u8]>) {
        self.see_changes();
        let mut notes = self.notes();
        match body {
            Some(body) => {
                notes.somebodys.extend(self.live(id).is_none().then(|| id.clone()));
                drop(notes);
                self.note_drift(id, self.api.edit(body));
            }
            None => {
                notes.somebodys.remove(id);
                drop(notes);
                self.note_drift(id, self.api.remove(id));
            }
        }
    }

    /// By what somebody did to one flow, others may be other ones as well.
    fn note_drift(&self, id: &FlowId, changed: Vec<FlowId>) {
        let others = changed.into_iter().filter(|other| other != id);
        self.notes().drift.extend(others.map(|other| (other, Instant::now())));
    }

    pub fn drifted_since(&self, id: &FlowId, when: Option<Instant>) -> bool {
        self.notes().drift.get(id).is_some_and(|at| when.is_none_or(|when| *at >= when))
    }

    pub fn manifest_at(&self, commit: &CommitId) -> Option<Arc<Manifest>> {
        if let Some(read) = self.manifests.lock().unwrap().get(commit) {
            return read.clone();
        }
        let path = paths::manifest(ENVIRONMENT);
        let text = self.remote.file(commit, &format!("{}/{path}", self.folders.records));
        let read = text.and_then(|text| Manifest::from_text(&text, &path, commit).ok()).map(Arc::new);
        self.manifests.lock().unwrap().insert(commit.clone(), read.clone());
        read
    }

    pub fn manifest(&self) -> Option<Arc<Manifest>> {
        self.manifest_at(&self.remote.tip(&self.folders.records_branch)?)
    }

    /// The newest manifest that a process pushed: of what somebody forges since nobody knows before the next look.
    pub fn pushed_manifest(&self) -> Option<Arc<Manifest>> {
        let newest = self.newest.lock().unwrap().clone();
        if self.forged.load(Ordering::Relaxed) { self.manifest_at(&newest?) } else { self.manifest() }
    }

    /// The newest manifest that counts: a deployment that somebody brought back has ended all the same.
    pub fn counting_manifest(&self) -> Option<Arc<Manifest>> {
        let tip = self.remote.tip(&self.folders.records_branch)?;
        let newest = self.manifest_at(&tip)?;
        let history = self.remote.history(&tip);
        let mut ended =
            history.iter().filter_map(|commit| self.manifest_at(commit)).filter(|one| one.status().is_ended());
        let has_ended = newest.status().is_ended()
            || !history
                .iter()
                .filter_map(|commit| self.manifest_at(commit))
                .any(|one| one.deployment_id == newest.deployment_id && one.status().is_ended());
        if has_ended { Some(newest) } else { ended.next() }
    }

    pub fn live(&self, id: &FlowId) -> Option<Definition> {
        let raw = self.api.flow(id)?;
        Definition::from_live(&raw, &self.comparison).ok()
    }

    /// What git wants, of the files that can be read.
    pub fn desired(&self) -> BTreeMap<FlowId, Definition> {
        self.remote.tip(&self.folders.branch).map(|tip| self.flows_at(&tip)).unwrap_or_default()
    }

    /// The flows a commit holds, of the files that can be read.
    pub fn flows_at(&self, commit: &CommitId) -> BTreeMap<FlowId, Definition> {
        let files = self.remote.files_in(commit, &self.folders.flows);
        let read = |path: &String| Definition::from_file(self.document(commit, path)?, &self.comparison).ok();
        files.keys().filter_map(read).map(|definition| (definition.id.clone(), definition)).collect()
    }

    /// What a file of a commit says of a flow, or the folder that it heads.
    pub fn document(&self, commit: &CommitId, path: &str) -> Option<Arc<[u8]>> {
        match self.api.format() {
            Format::FlowsV2 => self.remote.file(commit, path),
            format if format.is_head(path) => self.remote.blob(&self.remote.unit_at(commit, path)?),
            Format::CognigyFlow => None,
        }
    }

    /// Time in the world.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Whether `from` needs `to`, directly or through others.
pub fn reaches(needs: &BTreeMap<FlowId, Vec<String>>, from: &FlowId, to: &FlowId) -> bool {
    let mut open = vec![from.clone()];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if id == *to {
            return true;
        }
        if seen.insert(id.clone()) {
            let needed = needs.get(&id).into_iter().flatten();
            open.extend(needed.filter_map(|needed| needed.parse().ok()));
        }
    }
    false
}
