//! Requests of one call, where that takes many: each that may change what is in flows, and what each has changed.

use std::sync::Arc;

use flowsync::flow::{ContentHash, Definition, FlowId};
use flowsync::record::FlowAction;

use tokio::time::Instant;

use super::super::api::Change;
use super::super::invariant::Invariant;
use super::super::script::Script;
use super::super::world::World;

impl World {
    /// A request is about to be made that may change a flow, and is not the first of its call.
    pub fn requested(&self, script: &Script, call: &str, id: Option<&FlowId>) {
        // What was there for a moment goes when the deployment is over.
        if id.is_none() && call == "deleteFlow" {
            return;
        }
        let what = format!("{call} {}", id.map(ToString::to_string).unwrap_or_default());
        self.say(|| format!("{}: {what}", script.holder));
        let Some(manifest) = self.check_holder(script, &what) else { return };
        self.check_lease(&manifest, &what);
        let is_changed =
            |id: &FlowId| manifest.flows.iter().any(|flow| flow.id == *id && flow.action != FlowAction::None);
        if let Some(id) = id.filter(|id| !is_changed(id)) {
            let how = format!("{call} of {id}, which {} does not change", manifest.deployment_id);
            self.violated(Invariant::AsCommitted, how);
        }
    }

    /// A flow was to be written, and is live as it was to be.
    pub fn found_as_wanted(&self, id: &FlowId) {
        let Some(manifest) = self.pushed_manifest() else { return };
        let live = self.live(id).map(|live| live.content_hash);
        self.notes().written.insert((manifest.deployment_id.clone(), id.clone(), live));
    }

    /// Notes what requests and tasks have changed.
    pub fn see_changes(&self) {
        for change in self.api.changes() {
            if let Some(script) = change.by.clone() {
                self.has_changed(&script, &change);
            }
        }
    }

    fn has_changed(&self, script: &Arc<Script>, change: &Change) {
        let Change { id, before, after, .. } = change;
        let hash = |raw: &Option<Arc<[u8]>>| {
            let raw = raw.as_deref()?;
            Definition::from_live(raw, &self.comparison).ok().map(|definition| definition.content_hash)
        };
        let (before, after) = (hash(before), hash(after));
        self.say(|| format!("{}: {id} has changed", script.holder));
        script.knows().n_writes += 1;
        let manifest = self.pushed_manifest();
        let mut notes = self.notes();
        if after.is_none() {
            notes.somebodys.remove(id);
        }
        // What was begun for a deployment that is over, by whatever records say so, is somebody's doing to the next.
        let asked_for = notes.asked_for.get(id);
        let is_of_another = asked_for.zip(manifest.as_ref()).is_some_and(|(it, now)| *it != now.deployment_id);
        if is_of_another {
            notes.drift.insert(id.clone(), Instant::now());
        } else if let Some(manifest) = manifest {
            let deployment = &manifest.deployment_id;
            let flow = manifest.flows.iter().find(|flow| flow.id == *id);
            let planned = flow.map(|flow| [flow.content_hash, flow.previous_hash]).unwrap_or_default();
            let is_known = |hash: Option<ContentHash>| {
                hash.is_none()
                    || planned.contains(&hash)
                    || notes.written.contains(&(deployment.clone(), id.clone(), hash))
            };
            // What came of an edit of somebody's in between is not what this deployment has written.
            if is_known(before) || is_known(after) {
                notes.written.insert((deployment.clone(), id.clone(), after));
            }
        }
        let is_ours = notes.held.contains(id);
        drop(notes);
        if !is_ours {
            self.violated(Invariant::OnlyManaged, format!("{id} was changed, which git never held"));
        }
    }
}
