//! Who may write, and until when.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use flowsync::deploy::{HANDOVER, LEASE, MARGIN, believed_until};
use flowsync::local::LocalState;
use flowsync::record::{Holder, Manifest, paths};
use flowsync::revision::CommitId;
use flowsync::source::RecordCommit;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::Instant;

use super::super::invariant::Invariant;
use super::super::script::Script;
use super::super::world::{ENVIRONMENT, World};

/// Who holds a deployment, of a manifest.
#[derive(Deserialize)]
struct Held {
    holder: Option<Holder>,
}

impl World {
    /// The pushed manifest, which must name a deployment under way that this process holds.
    pub(super) fn check_holder(&self, script: &Script, what: &str) -> Option<Arc<Manifest>> {
        let Some(manifest) = self.manifest_for(script) else {
            self.violated(Invariant::PushedLock, format!("{what} without a manifest in git"));
            return None;
        };
        let holds = manifest.holder.as_ref().is_some_and(|holder| holder.id == script.holder);
        if !manifest.status().is_under_way() || !holds {
            let (deployment_id, status) = (&manifest.deployment_id, manifest.status());
            let how = format!("{what} by {} while git says {deployment_id} {status}", script.holder);
            self.violated(Invariant::PushedLock, how);
        }
        Some(manifest)
    }

    /// The manifest that a process goes by. Where somebody has set its deployment aside by hand, and others have begun
    /// another, nobody tells it before its next look at git: the next renewal, at the latest.
    fn manifest_for(&self, script: &Script) -> Option<Arc<Manifest>> {
        let newest = self.pushed_manifest();
        let own = script.knows().pushed.clone().filter(|_| self.forged.load(Ordering::Relaxed));
        let own = own.and_then(|commit| self.manifest_at(&commit)).filter(|own| own.status().is_under_way());
        let is_other =
            |own: &Arc<Manifest>| newest.as_ref().is_none_or(|newest| newest.deployment_id != own.deployment_id);
        own.filter(is_other).or(newest)
    }

    /// A request starts: the lease must have more than the margin left, by true time.
    pub(super) fn check_lease(&self, manifest: &Manifest, what: &str) {
        let Some(end) = manifest.holder.as_ref().and_then(|holder| self.true_end(holder)) else { return };
        let now = self.now();
        if now > end - MARGIN {
            self.violated(Invariant::LeaseMargin, format!("{what} started at {now}, the lease ends at {end}"));
        }
    }

    /// When a lease ends by true time: the clock of the machine that wrote its deadline may have been wrong.
    fn true_end(&self, holder: &Holder) -> Option<Timestamp> {
        self.notes().terms.get(&(holder.id.clone(), holder.deadline)).copied()
    }

    /// A push of a manifest begins: its lease counts from now, however often and long that is tried.
    pub fn proposed(&self, change: &RecordCommit) {
        let content = change.files.get(&paths::manifest(ENVIRONMENT)).and_then(Option::as_ref);
        let held = content.and_then(|text| serde_json::from_slice::<Held>(text).ok()).and_then(|held| held.holder);
        if let Some(Holder { id, deadline }) = held {
            let end = self.now() + LEASE;
            self.notes().terms.entry((id, deadline)).or_insert(end);
        }
    }

    /// A manifest was pushed, and the lease in it with it.
    pub(super) fn note_renewal(&self, script: &Script, manifest: &Manifest) {
        let is_ours = manifest.holder.as_ref().is_some_and(|holder| holder.id == script.holder);
        if is_ours && manifest.status().is_under_way() {
            script.knows().renewed = Some(Instant::now());
        }
    }

    /// Nobody pushes over a deployment that somebody else may hold.
    pub(super) fn check_lock(&self, script: &Script, commit: &CommitId) {
        let Some(before) = self.remote.parent(commit).and_then(|parent| self.manifest_at(&parent)) else { return };
        // What somebody brought back by hand is held by nobody.
        let is_meddled = self.meddled.load(Ordering::Relaxed);
        let held = before
            .holder
            .as_ref()
            .filter(|holder| !is_meddled && before.status().is_under_way() && holder.id != script.holder);
        let Some(holder) = held.filter(|_| !script.options().take_over) else { return };
        let may_run = self.true_end(holder).is_some_and(|end| self.now() < end);
        // By what the clock shows after it was set nobody can judge.
        let is_early = script.clocks.is_as_at_first() && script.clock() < self.free_by_clock(script, &before, holder);
        if may_run || is_early {
            let how = format!("{} pushed over the deployment that {} holds", script.holder, holder.id);
            self.violated(Invariant::OneWriter, how);
        }
    }

    /// When a machine may take a deployment over, by its own clock: it does not believe a deadline that no lease reaches.
    fn free_by_clock(&self, script: &Script, manifest: &Manifest, holder: &Holder) -> Timestamp {
        let sighting = script.disk.sighting().ok().flatten();
        let of_this =
            sighting.filter(|seen| seen.deployment_id == manifest.deployment_id.as_str() && seen.holder == *holder);
        of_this.map_or(holder.deadline + HANDOVER, |seen| believed_until(holder, seen.first_seen))
    }
}
