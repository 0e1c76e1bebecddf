//! Records were pushed: they must be true, whole, and only records.

use std::sync::atomic::Ordering;

use flowsync::flow::{ContentHash, Definition};
use flowsync::format::Format;
use flowsync::record::{FlowAction, FlowStatus, Kind, Manifest, ManifestFlow, Quarantine, QuarantineCause, Status};
use flowsync::revision::CommitId;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::super::invariant::Invariant;
use super::super::script::Script;
use super::super::world::{ENVIRONMENT, STALE_MAX, World};

/// The wait before the first new try after a failure of the transport; it doubles.
const TRANSPORT_WAIT: SignedDuration = SignedDuration::from_mins(5);
/// So many tries in all.
const TRANSPORT_TRIES_MAX: u32 = 3;

impl World {
    /// A push of records took place.
    pub fn pushed(&self, script: &Script, commit: &CommitId) {
        *self.newest.lock().unwrap() = Some(commit.clone());
        script.knows().pushed = Some(commit.clone());
        self.check_paths(commit);
        let Some(manifest) = self.manifest_at(commit) else { return };
        self.say(|| format!("{}: pushed {} {}", script.holder, manifest.deployment_id, manifest.status()));
        if manifest.status().is_ended() {
            *self.newest_ended.lock().unwrap() = Some(commit.clone());
        }
        self.check_lock(script, commit);
        self.note_renewal(script, &manifest);
        self.check_told(script, &manifest);
        let mut notes = self.notes();
        let is_new = !notes.begun.contains_key(&manifest.deployment_id);
        notes.begun.entry(manifest.deployment_id.clone()).or_insert(script.started);
        notes.holders.insert(manifest.deployment_id.clone(), script.holder.clone());
        if script.shutdown.asked().is_some() && manifest.status() == Status::Restoring {
            notes.asked_to_end.insert(manifest.deployment_id.clone());
        }
        notes.restoring =
            (manifest.status() == Status::Restoring).then(|| notes.restoring.unwrap_or_else(Instant::now));
        drop(notes);
        if is_new && manifest.status() == Status::Deploying {
            self.check_begun(script, commit, &manifest);
            self.check_approved(&manifest);
        }
        self.note_approvals(&manifest);
        self.check_ended(&manifest);
        self.check_failed(script, commit, &manifest);
    }

    /// A closing record is kept for a later process, which nobody has asked to end.
    pub fn kept(&self, script: &Script, deployment: &str) {
        let of_this = self.pushed_manifest().filter(|manifest| manifest.deployment_id.as_str() == deployment);
        if let Some(manifest) = of_this.filter(|_| script.shutdown.asked().is_some()) {
            self.notes().asked_to_end.insert(manifest.deployment_id.clone());
        }
    }

    fn check_paths(&self, commit: &CommitId) {
        let folder = format!("{}/{ENVIRONMENT}/", self.folders.records);
        for path in self.remote.changes(commit).iter().filter(|path| !path.starts_with(&folder)) {
            self.violated(Invariant::RecordsOnly, format!("a commit changes {path}"));
        }
    }

    /// Whoever knows that a flow to be created was somebody else's says so in every record.
    fn check_told(&self, script: &Script, manifest: &Manifest) {
        for (deployment, id) in &script.knows().foreign {
            let is_told = manifest.flows.iter().any(|flow| flow.id == *id && flow.existed);
            if *deployment == manifest.deployment_id && !is_told {
                self.violated(Invariant::SomebodysStays, format!("{id} was there, and the record does not say so"));
            }
        }
    }

    /// A deployment begins: is it free to, is it what the commit holds, and can it be undone?
    fn check_begun(&self, script: &Script, commit: &CommitId, manifest: &Manifest) {
        if manifest.kind == Kind::Sync && self.remote.parent(commit).is_some_and(|parent| self.is_suspended_at(&parent))
        {
            let how = format!("{} is begun on top of a suspension", manifest.deployment_id);
            self.violated(Invariant::LeftAlone, how);
        }
        if manifest.kind == Kind::Sync && self.is_closed_since_start(script) {
            let how = format!("{} is begun while no window is open", manifest.deployment_id);
            self.violated(Invariant::InWindows, how);
        }
        for flow in manifest.flows.iter().filter(|flow| flow.action != FlowAction::None) {
            self.check_target(manifest, flow);
            self.check_undo(flow);
        }
        let before = self.remote.parent(commit).and_then(|parent| self.manifest_at(&parent));
        let held = before.as_ref().and_then(|before| before.quarantine.as_ref());
        let is_meddled = self.meddled.load(Ordering::Relaxed);
        let Some(held) = held.filter(|_| !script.options().retry && !is_meddled) else { return };
        let is_same = !held.drift_only && held.key == manifest.source.flows_digest && manifest.kind == Kind::Sync;
        // A time that no wait reaches was written by a clock that was wrong.
        let longest = TRANSPORT_WAIT * (1 << TRANSPORT_TRIES_MAX.min(held.attempts)) / 2 + SignedDuration::from_mins(2);
        // A clock that is set back once a deployment was judged does not hold that back.
        let shown = script.clocks.shown_since(script.started);
        let is_ahead = |until: Timestamp| shown.iter().all(|now| *now < until && until.duration_since(*now) <= longest);
        if is_same && held.until.is_none_or(is_ahead) {
            let how = format!("{} tries again what is held back: {}", manifest.deployment_id, held.reason);
            self.violated(Invariant::HeldBack, how);
        }
    }

    /// Whether somebody has edited a flow meanwhile, and a tenant tells that before it is overwritten: the next pass begins
    /// anew at once.
    fn is_left_to_others(&self, manifest: &Manifest) -> bool {
        let is_changed =
            |flow: &ManifestFlow| flow.action != FlowAction::None && self.drifted_since_begun(manifest, &flow.id);
        self.api.format() == Format::CognigyFlow && manifest.flows.iter().any(is_changed)
    }

    fn check_target(&self, manifest: &Manifest, flow: &ManifestFlow) {
        let Some(commit) = manifest.source.commit.as_ref().filter(|_| flow.action != FlowAction::Delete) else {
            return;
        };
        let at_path = flow.path.as_ref().and_then(|path| self.document(commit, path));
        let read = at_path.and_then(|text| Definition::from_file(text, &self.comparison).ok());
        if manifest.kind == Kind::Sync && read.as_ref().map(|read| read.content_hash) != flow.content_hash {
            let how = format!("{} is to be {:?}, the commit holds another", flow.id, flow.content_hash);
            self.violated(Invariant::HashesTrue, how);
        }
    }

    fn check_undo(&self, flow: &ManifestFlow) {
        if flow.action == FlowAction::Create {
            return;
        }
        let text = flow.before.as_ref().and_then(|blob| self.remote.blob(blob));
        match text.and_then(|text| Definition::from_live(&text, &self.comparison).ok()) {
            None => self.violated(Invariant::UndoInGit, format!("what {} was is not in git", flow.id)),
            Some(before) if Some(before.content_hash) != flow.previous_hash => {
                let how =
                    format!("{} was {}, the manifest says {:?}", flow.id, before.content_hash, flow.previous_hash);
                self.violated(Invariant::HashesTrue, how);
            }
            Some(_) => {}
        }
    }

    /// An ended deployment is live wholly or not at all, but for what it names.
    fn check_ended(&self, manifest: &Manifest) {
        let begun = self.notes().begun.get(&manifest.deployment_id).copied();
        for flow in manifest.flows.iter().filter(|flow| flow.action != FlowAction::None) {
            let wanted = match manifest.status() {
                Status::Deployed => flow.target_equality().filter(|_| flow.action != FlowAction::Delete),
                Status::RolledBack | Status::RollbackIncomplete if flow.status != FlowStatus::NotRestored => {
                    flow.previous_equality()
                }
                _ => continue,
            };
            if self.is_as_others_left_it(manifest, flow) {
                continue;
            }
            let live = self.live(&flow.id).map(|definition| definition.equality_hash);
            // An export that was stale by then may have shown what was there before an edit.
            let seen = begun.map(|begun| begun.checked_sub(STALE_MAX).unwrap_or(self.start()));
            if live != wanted && !self.drifted_since(&flow.id, seen) {
                self.violated(Invariant::Whole, not_as_recorded(manifest, flow, live, wanted));
            }
        }
    }

    /// Whether a deployment that failed made no request for a flow: whatever an export had shown, it is none of its.
    pub fn is_as_others_left_it(&self, manifest: &Manifest, flow: &ManifestFlow) -> bool {
        let is_reached = !matches!(flow.status, FlowStatus::NotAttempted | FlowStatus::Failed);
        manifest.status() != Status::Deployed && !is_reached && !self.may_have_written(manifest, &flow.id)
    }

    /// What failed is held back, and for as long as it should be.
    fn check_failed(&self, script: &Script, commit: &CommitId, manifest: &Manifest) {
        let (deployment_id, status) = (&manifest.deployment_id, manifest.status());
        self.n_incomplete.fetch_add(usize::from(status == Status::RollbackIncomplete), Ordering::Relaxed);
        if !matches!(status, Status::RolledBack | Status::RollbackIncomplete) {
            return;
        }
        self.n_failed.fetch_add(1, Ordering::Relaxed);
        // A rollback that failed leaves git as free as it was.
        if manifest.kind == Kind::Rollback {
            return;
        }
        // Nor does one that nothing went wrong with, but that there was no time for, hold back anything.
        let was_asked = script.shutdown.asked().is_some() || self.notes().asked_to_end.contains(deployment_id);
        if was_asked && status == Status::RolledBack {
            return;
        }
        // What is held back of another commit stays so.
        let held = manifest.quarantine.as_ref();
        let is_of_another = held.is_none_or(|held| held.key != manifest.source.flows_digest);
        if is_of_another && self.is_left_to_others(manifest) {
            return;
        }
        let Some(held) = held.filter(|_| manifest.failure.is_some()) else {
            return self.violated(Invariant::HeldBack, format!("{deployment_id} is {status} and not held back"));
        };
        let is_long_enough = match held.cause {
            QuarantineCause::Transport => is_wait_long_enough(held, script),
            QuarantineCause::Flow | QuarantineCause::Incomplete | QuarantineCause::Rollback => held.until.is_none(),
        };
        let is_incomplete = held.cause == QuarantineCause::Incomplete;
        if !is_long_enough || is_incomplete != (status == Status::RollbackIncomplete) {
            let how = format!("{deployment_id} is {status} at {commit} and held back as {held:?}");
            self.violated(Invariant::HeldBack, how);
        }
    }
}

fn is_wait_long_enough(held: &Quarantine, script: &Script) -> bool {
    match held.until {
        None => held.attempts >= TRANSPORT_TRIES_MAX,
        Some(until) => {
            let wait = TRANSPORT_WAIT * (1 << (held.attempts - 1));
            let since = script.knows().last_call;
            let is_right = !script.clocks.is_as_at_first() || since.is_none_or(|since| until >= since + wait);
            held.attempts < TRANSPORT_TRIES_MAX && is_right
        }
    }
}

fn not_as_recorded(
    manifest: &Manifest,
    flow: &ManifestFlow,
    live: Option<ContentHash>,
    wanted: Option<ContentHash>,
) -> String {
    let show =
        |hash: Option<ContentHash>| hash.map_or_else(|| "nothing".into(), |hash| hash.to_string()[..8].to_owned());
    let (deployment_id, status) = (&manifest.deployment_id, manifest.status());
    let (live, wanted) = (show(live), show(wanted));
    format!("{deployment_id} is {status}, {} is {:?}, but live is {live} instead of {wanted}", flow.id, flow.status)
}
