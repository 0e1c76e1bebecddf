//! A request has changed the tenant, or was refused, or answered: what does that tell?

use std::collections::BTreeMap;
use std::sync::Arc;

use flowsync::flow::{Definition, FlowId};
use flowsync::record::{FlowAction, Manifest};
use flowsync::tenant::{Call, Imported};
use tokio::time::Instant;

use super::super::invariant::Invariant;
use super::super::script::Script;
use super::super::world::World;

impl World {
    /// A write took effect.
    pub fn wrote(&self, script: &Script, call: Call, id: &FlowId, body: Option<&[u8]>) {
        script.knows().n_writes += 1;
        let manifest = self.check_holder(script, &format!("effect of {call} of {id}"));
        let body = body.and_then(|body| Definition::from_live(body, &self.comparison).ok());
        let mut notes = self.notes();
        if call == Call::Delete {
            notes.somebodys.remove(id);
        }
        if let Some(manifest) = manifest {
            let content = body.map(|body| body.content_hash);
            notes.written.insert((manifest.deployment_id.clone(), id.clone(), content));
        }
        let is_ours = notes.held.contains(id);
        drop(notes);
        if !is_ours {
            self.violated(Invariant::OnlyManaged, format!("{call} of {id}, which git never held"));
        }
    }

    /// An export was answered.
    pub fn shown(&self, script: &Script, flows: &BTreeMap<FlowId, Arc<[u8]>>) {
        script.knows().is_shown(flows);
    }

    /// The same, asked for at a moment.
    pub fn shown_since(&self, script: &Script, asked: Instant, flows: &BTreeMap<FlowId, Arc<[u8]>>) {
        script.knows().asks_since(asked);
        self.shown(script, flows);
    }

    /// An import was answered.
    pub fn answered(&self, script: &Script, id: &FlowId, imported: &Imported) {
        let Some(manifest) = self.pushed_manifest().filter(|_| *imported == Imported::Updated) else { return };
        let is_create = manifest.flows.iter().any(|flow| flow.id == *id && flow.action == FlowAction::Create);
        let key = (manifest.deployment_id.clone(), id.clone());
        let mut knows = script.knows();
        if is_create && self.notes().somebodys.contains(id) && knows.first.contains(&key) {
            knows.foreign.insert(key);
        }
    }

    /// An import was refused for what it needs: wrong order, unless somebody deletes flows by hand. A
    /// restoration goes on where something fails, and may come to this then.
    pub fn dangled(&self, script: &Script, flow: &FlowId, missing: &str) {
        // Where git is away it does not say so.
        let known = self.notes().restoring;
        let restoring = known.or_else(|| self.is_taking_back(script).then_some(script.started));
        if restoring.is_some_and(|since| script.suffered_since(since)) {
            return;
        }
        let Ok(missing) = missing.parse::<FlowId>() else { return };
        // What was live before may have referred to what was not, where an earlier restoration was incomplete: this
        // deployment has created that since, or has nothing to do with it. What it replaced or deleted was live.
        let was_absent = |manifest: Arc<Manifest>| {
            let found = manifest.flows.iter().find(|flow| flow.id == missing);
            found.is_none_or(|flow| flow.action == FlowAction::Create)
        };
        let never_was = restoring.is_some() && self.pushed_manifest().is_some_and(was_absent);
        // Or what it needs could not come back for such a reason itself.
        let is_excused = never_was || self.drifted_since(&missing, None) || self.notes().dangling.contains(&missing);
        if is_excused {
            self.notes().dangling.insert(flow.clone());
        }
        self.say(|| format!("refused: {flow} needs {missing}"));
        if !is_excused {
            let how = format!("{flow} was imported while {missing}, which it needs, is not live");
            self.violated(Invariant::NeededFirst, how);
        }
    }
}
