//! The world: a repository, a tenant, and an eye on everything that is done to them. What must never
//! happen is noticed at the moment it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowsync::deploy::MARGIN;
use flowsync::flow::{Comparison, ContentHash, Definition, EnvironmentId, FlowId};
use flowsync::record::{FlowAction, FlowStatus, Kind, Manifest, ManifestFlow, Status, paths};
use flowsync::revision::CommitId;
use flowsync::source::memory::{Folders, MemoryRemote};
use flowsync::tenant::Call;
use flowsync::tenant::memory::MemoryTenant;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::script::Script;

pub const ENVIRONMENT: &str = "production";

/// An export is no older than this when it is answered.
pub const STALE_MAX: Duration = Duration::from_secs(3);

/// When every world begins.
pub fn origin() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

pub struct World {
    pub remote: MemoryRemote,
    pub tenant: MemoryTenant,
    pub folders: Folders,
    pub target: EnvironmentId,
    /// Somebody changed the records by hand.
    pub meddled: AtomicBool,
    /// Deployments that failed.
    pub n_failed: AtomicUsize,
    /// Deployments that could not be wholly restored.
    pub n_incomplete: AtomicUsize,
    comparison: Comparison,
    start: Instant,
    violations: Mutex<Vec<String>>,
    told: Option<Mutex<Vec<String>>>,
    notes: Mutex<Notes>,
    /// Manifests read so far: a commit never changes.
    manifests: Mutex<BTreeMap<CommitId, Option<Arc<Manifest>>>>,
}

#[derive(Default)]
struct Notes {
    /// Flows that git held at some time.
    held: BTreeSet<FlowId>,
    /// When somebody last edited a flow in the tenant by hand.
    drift: BTreeMap<FlowId, Instant>,
    /// When the pass that began a deployment started.
    begun: BTreeMap<String, Instant>,
    /// Contents imported, by flow.
    imported: BTreeSet<(FlowId, ContentHash)>,
    /// Flows imported by each deployment.
    written: BTreeSet<(String, FlowId)>,
    /// Flows that were somebody else's when a deployment came to create them.
    somebodys: BTreeSet<(String, FlowId)>,
    /// Flows that were refused because somebody deleted by hand what they need, or what that needs.
    dangling: BTreeSet<FlowId>,
    /// Since when the newest deployment is being taken back.
    restoring: Option<Instant>,
}

impl World {
    pub fn new(folders: Folders, ignore: &[String], talk: bool) -> Self {
        Self {
            remote: MemoryRemote::default(),
            tenant: MemoryTenant::default(),
            folders,
            target: EnvironmentId("env_prod".into()),
            meddled: AtomicBool::new(false),
            n_failed: AtomicUsize::new(0),
            n_incomplete: AtomicUsize::new(0),
            comparison: Comparison::new(ignore).unwrap(),
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

    pub fn violated(&self, invariant: &str, what: impl std::fmt::Display) {
        self.say(|| format!("VIOLATED ({invariant}) {what}"));
        self.violations.lock().unwrap().push(format!("({invariant}) {what}"));
    }

    pub fn violations(&self) -> Vec<String> {
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

    pub fn holds(&self, id: &FlowId) {
        self.notes.lock().unwrap().held.insert(id.clone());
    }

    /// Somebody writes a flow in the tenant by hand, or deletes it.
    pub fn drift(&self, id: &FlowId, body: Option<&[u8]>) {
        self.say(|| format!("by hand: {id} {}", if body.is_some() { "edited" } else { "deleted" }));
        self.notes.lock().unwrap().drift.insert(id.clone(), Instant::now());
        match body {
            Some(body) => self.tenant.edit(&self.target, body),
            None => self.tenant.remove(&self.target, id),
        }
    }

    pub fn drifted_since(&self, id: &FlowId, when: Option<Instant>) -> bool {
        let notes = self.notes.lock().unwrap();
        notes.drift.get(id).is_some_and(|at| when.is_none_or(|when| *at >= when))
    }

    pub fn begun(&self, deployment: &str) -> Option<Instant> {
        self.notes.lock().unwrap().begun.get(deployment).copied()
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

    pub fn live(&self, id: &FlowId) -> Option<Definition> {
        let raw = self.tenant.flow(&self.target, id)?;
        Definition::from_live(&raw, &self.comparison).ok()
    }

    /// What git wants, of the files that can be read.
    pub fn desired(&self) -> BTreeMap<FlowId, Definition> {
        let Some(tip) = self.remote.tip(&self.folders.branch) else { return BTreeMap::new() };
        let files = self.remote.files_in(&tip, &self.folders.flows);
        let read = |blob| Definition::from_file(self.remote.blob(blob)?, &self.comparison).ok();
        files.values().filter_map(read).map(|definition| (definition.id.clone(), definition)).collect()
    }

    /// A request that changes the tenant is about to be made: who holds the lock, and is it written down?
    pub fn asked(&self, script: &Script, call: Call, flow: &FlowId, body: Option<&[u8]>) {
        self.say(|| format!("{}: {call} {flow}", script.holder));
        let Some(manifest) = self.check_holder(script, &format!("{call} of {flow}")) else { return };
        let clock = self.now() + SignedDuration::from_millis(script.skew);
        let deadline = manifest.holder.as_ref().map_or(Timestamp::MIN, |holder| holder.deadline);
        if clock > deadline - MARGIN {
            self.violated("f", format!("{call} of {flow} started at {clock}, the deadline is {deadline}"));
        }
        let journal = script.disk.clone();
        let journal =
            flowsync::local::LocalState::read_journal(&journal, manifest.deployment_id.as_str()).ok().flatten();
        let journal = String::from_utf8(journal.unwrap_or_default()).unwrap_or_default();
        let about = format!("\"flow\":\"{flow}\"");
        let newest = journal.lines().rev().find(|line| line.contains(&about)).unwrap_or_default();
        let is_announced = newest.contains("\"event\":\"intent\"") && newest.contains(&format!("\"call\":\"{call}\""));
        let definition = body.and_then(|body| Definition::from_live(body, &self.comparison).ok());
        // Without a journal nothing is written but what was there before.
        let is_target = definition.as_ref().is_some_and(|definition| is_target(&manifest, definition));
        if !is_announced && (is_target || !script.journal_failed.load(Ordering::Relaxed)) {
            self.violated("c", format!("{call} of {flow} has no intent record before it, only: {newest}"));
        }
        self.check_ownership(&manifest, call, flow);
        if let Some(definition) = definition {
            self.check_order(&manifest, &definition);
        }
    }

    /// What somebody else created between plan and import is overwritten, but never deleted.
    fn check_ownership(&self, manifest: &Manifest, call: Call, flow: &FlowId) {
        let key = (manifest.deployment_id.to_string(), flow.clone());
        let is_create = manifest.flows.iter().any(|other| other.id == *flow && other.action == FlowAction::Create);
        let is_live = self.live(flow).is_some();
        let mut notes = self.notes.lock().unwrap();
        let is_first = call == Call::Import && notes.written.insert(key.clone());
        if is_first && is_create && is_live {
            notes.somebodys.insert(key);
        } else if call == Call::Delete && notes.somebodys.contains(&key) {
            drop(notes);
            self.violated("e", format!("delete of {flow}, which somebody else had created"));
        }
    }

    /// Everything a flow needs and that the deployment writes too was written before, except in a cycle.
    fn check_order(&self, manifest: &Manifest, definition: &Definition) {
        let flow = |id: &FlowId| manifest.flows.iter().find(|flow| flow.id == *id && flow.action != FlowAction::None);
        if manifest.status != Status::Deploying || !is_target(manifest, definition) {
            return;
        }
        for needed in manifest.dependency_graph.get(&definition.id).into_iter().flatten() {
            let Ok(needed) = needed.parse::<FlowId>() else { continue };
            let Some(hash) = flow(&needed).and_then(|flow| flow.content_hash) else { continue };
            let in_cycle = reaches(manifest, &needed, &definition.id);
            if !in_cycle && !self.notes.lock().unwrap().imported.contains(&(needed.clone(), hash)) {
                self.violated("b", format!("{} was written before {needed}, which it needs", definition.id));
            }
        }
    }

    fn check_holder(&self, script: &Script, what: &str) -> Option<Arc<Manifest>> {
        let Some(manifest) = self.manifest() else {
            self.violated("f", format!("{what} without a manifest in git"));
            return None;
        };
        let holds = manifest.holder.as_ref().is_some_and(|holder| holder.id == script.holder);
        if !manifest.status.is_under_way() || !holds {
            let Manifest { deployment_id, status, .. } = &*manifest;
            self.violated("f", format!("{what} by {} while git says {deployment_id} {status}", script.holder));
        }
        Some(manifest)
    }

    pub fn wrote(&self, script: &Script, call: Call, flow: &FlowId, body: Option<&[u8]>) {
        self.check_holder(script, &format!("effect of {call} of {flow}"));
        let mut notes = self.notes.lock().unwrap();
        if let Some(definition) = body.and_then(|body| Definition::from_live(body, &self.comparison).ok()) {
            notes.imported.insert((flow.clone(), definition.content_hash));
        }
        let is_ours = notes.held.contains(flow);
        drop(notes);
        if !is_ours {
            self.violated("e", format!("{call} of {flow}, which git never held"));
        }
    }

    /// An import was refused for what it needs: wrong order, unless somebody deletes flows by hand. A
    /// restoration goes on where something fails, and may come to this then.
    pub fn dangled(&self, script: &Script, flow: &FlowId, missing: &str) {
        let restoring = self.notes.lock().unwrap().restoring;
        if restoring.is_some_and(|since| script.suffered_since(since)) {
            return;
        }
        let Ok(missing) = missing.parse::<FlowId>() else { return };
        // What was live before may have referred to what was not, where an earlier restoration was incomplete.
        let is_new = |flow: &ManifestFlow| flow.id == missing && flow.action == FlowAction::Create;
        if restoring.is_some() && self.manifest().is_some_and(|manifest| manifest.flows.iter().any(is_new)) {
            return;
        }
        // Or what it needs could not come back for such a reason itself.
        let by_hand = self.drifted_since(&missing, None) || self.notes.lock().unwrap().dangling.contains(&missing);
        if by_hand {
            self.notes.lock().unwrap().dangling.insert(flow.clone());
        }
        self.say(|| format!("refused: {flow} needs {missing}"));
        if !by_hand {
            self.violated("b", format!("{flow} was imported while {missing}, which it needs, is not live"));
        }
    }

    /// Records were pushed: where they say that a deployment ended, live must be as they say.
    pub fn pushed(&self, script: &Script, commit: &CommitId) {
        let Some(manifest) = self.manifest_at(commit) else { return };
        self.say(|| format!("{}: pushed {} {}", script.holder, manifest.deployment_id, manifest.status));
        self.check_lock(script, commit);
        let mut notes = self.notes.lock().unwrap();
        notes.begun.entry(manifest.deployment_id.to_string()).or_insert(script.started);
        notes.restoring = (manifest.status == Status::Restoring).then(|| notes.restoring.unwrap_or_else(Instant::now));
        drop(notes);
        self.check_ended(&manifest);
        let is_incomplete = manifest.status == Status::RollbackIncomplete;
        self.n_incomplete.fetch_add(usize::from(is_incomplete), Ordering::Relaxed);
        let has_failed = matches!(manifest.status, Status::RolledBack | Status::RollbackIncomplete);
        self.n_failed.fetch_add(usize::from(has_failed), Ordering::Relaxed);
        // A rollback that failed leaves git as free as it was.
        let is_held = manifest.quarantine.is_some() || manifest.kind == Kind::Rollback;
        if has_failed && !(is_held && manifest.failure.is_some()) {
            self.violated("q", format!("{} is {} without a quarantine", manifest.deployment_id, manifest.status));
        }
    }

    /// Nobody pushes over a deployment that somebody else holds.
    fn check_lock(&self, script: &Script, commit: &CommitId) {
        let Some(before) = self.remote.history(commit).get(1).and_then(|parent| self.manifest_at(parent)) else {
            return;
        };
        // What somebody brought back by hand is held by nobody.
        let is_meddled = self.meddled.load(Ordering::Relaxed);
        let held = before
            .holder
            .as_ref()
            .filter(|holder| !is_meddled && before.status.is_under_way() && holder.id != script.holder);
        if let Some(holder) = held.filter(|holder| holder.deadline > self.now() && !script.takes_over()) {
            self.violated("f", format!("{} pushed over the deployment that {} holds", script.holder, holder.id));
        }
    }

    /// An ended deployment is live wholly or not at all, but for what it names.
    pub fn check_ended(&self, manifest: &Manifest) {
        let begun = self.begun(manifest.deployment_id.as_str());
        for flow in manifest.flows.iter().filter(|flow| flow.action != FlowAction::None) {
            let wanted = match manifest.status {
                Status::Deployed => flow.target_equality().filter(|_| flow.action != FlowAction::Delete),
                Status::RolledBack | Status::RollbackIncomplete if flow.status != FlowStatus::NotRestored => {
                    flow.previous_equality()
                }
                _ => continue,
            };
            let live = self.live(&flow.id).map(|definition| definition.equality_hash);
            // An export that was stale by then may have shown what was there before an edit.
            let seen = begun.map(|begun| begun.checked_sub(STALE_MAX).unwrap_or(self.start));
            if live != wanted && !self.drifted_since(&flow.id, seen) {
                self.violated("a", not_as_recorded(manifest, flow, live, wanted));
            }
        }
    }

    /// Time in the world.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Whether a deployment wants a definition live that was not before.
fn is_target(manifest: &Manifest, definition: &Definition) -> bool {
    let wants = |flow: &ManifestFlow| {
        flow.id == definition.id
            && flow.action != FlowAction::None
            && flow.content_hash == Some(definition.content_hash)
            && flow.previous_hash != flow.content_hash
    };
    manifest.flows.iter().any(wants)
}

fn not_as_recorded(
    manifest: &Manifest,
    flow: &ManifestFlow,
    live: Option<ContentHash>,
    wanted: Option<ContentHash>,
) -> String {
    let show =
        |hash: Option<ContentHash>| hash.map_or_else(|| "nothing".into(), |hash| hash.to_string()[..8].to_owned());
    let Manifest { deployment_id, status, .. } = manifest;
    let (live, wanted) = (show(live), show(wanted));
    format!("{deployment_id} is {status}, {} is {:?}, but live is {live} instead of {wanted}", flow.id, flow.status)
}

/// Whether `from` needs `to`, directly or through others.
fn reaches(manifest: &Manifest, from: &FlowId, to: &FlowId) -> bool {
    let mut open = vec![from.clone()];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if id == *to {
            return true;
        }
        if seen.insert(id.clone()) {
            let needs = manifest.dependency_graph.get(&id).into_iter().flatten();
            open.extend(needs.filter_map(|needed| needed.parse().ok()));
        }
    }
    false
}
