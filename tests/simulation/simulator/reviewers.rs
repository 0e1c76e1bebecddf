//! Those who review: they propose what a machine plans, merge it, and bring back what was merged once.

use std::sync::Arc;

use flowsync::controller::read_desired;
use flowsync::record::{FlowAction, FlowStatus, Kind, Manifest, paths};
use flowsync::source::memory::Edits;

use super::machine::Machine;
use super::script::{Latency, Schedule};
use super::world::{ENVIRONMENT, World};

/// People who approve.
pub struct Reviewers {
    world: Arc<World>,
    /// Every file they have merged, by its path.
    merged: Vec<(String, Vec<u8>)>,
}

impl Reviewers {
    pub fn new(world: &Arc<World>) -> Self {
        Self { world: world.clone(), merged: Vec::new() }
    }

    /// Proposes what would be deployed, of those flows that they look at, and merges it.
    pub async fn approve(&mut self, machine: &Machine, mut looks_at: impl FnMut() -> bool) {
        let Some(mut manifest) = plan(machine).await else { return };
        for flow in manifest.flows.iter_mut().filter(|flow| flow.action != FlowAction::None) {
            if !looks_at() {
                (flow.action, flow.status) = (FlowAction::None, FlowStatus::Deployed);
            }
        }
        let digits = manifest.plan_digest.trim_start_matches("sha256:").to_owned();
        let folder = paths::approved_folder(ENVIRONMENT);
        let path = format!("{}/{folder}/{digits}.json", self.world.folders.records);
        self.world.say(|| format!("approved: {}", &digits[..8]));
        self.merge(path, manifest.to_text());
    }

    /// Merges anew a file that was merged once.
    pub fn bring_back(&mut self, which: usize) {
        let Some((path, text)) = self.merged.get(which % self.merged.len().max(1)).cloned() else { return };
        self.world.say(|| format!("brought back: {path}"));
        self.commit(path, text);
    }

    fn merge(&mut self, path: String, text: Vec<u8>) {
        self.merged.push((path.clone(), text.clone()));
        self.commit(path, text);
    }

    fn commit(&self, path: String, text: Vec<u8>) {
        let edits: Edits = [(path, Some(text))].into();
        self.world.remote.commit(&self.world.folders.branch, "approve", self.world.now(), &edits);
    }
}

/// What a machine would deploy now.
async fn plan(machine: &Machine) -> Option<Manifest> {
    let engine = machine.engine(&machine.script(Schedule::Quiet, Latency::None));
    let seen = engine.records.observe().await.ok()?;
    let read =
        read_desired(&*engine.records.source, &seen.tips.flows, engine.reader.index(), &engine.records.target).await;
    let (desired, _) = read.ok()?;
    let prepared = engine.prepare(desired, seen.manifest.as_ref()).await.ok()?;
    if prepared.plan.changes.is_empty() {
        return None;
    }
    engine.new_manifest(&seen, &prepared.plan, &prepared, Kind::Sync).await.ok()
}
