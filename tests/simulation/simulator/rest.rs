//! What must hold once everything has come to rest.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use flowsync::config::{Drift, Prune};
use flowsync::controller::{EnvironmentReport, PassOptions, SyncResult};
use flowsync::record::{FlowAction, FlowStatus, Status};
use tokio::time::{sleep, timeout};

use super::invariant::Invariant;
use super::machine::{Ended, Machine};
use super::script::{Latency, Schedule, Script};
use super::world::World;

/// No pass takes longer than this.
const PASS_MAX: Duration = Duration::from_secs(3 * 3600);
/// Quiet passes to rest.
const PASSES_MAX: usize = 12;

/// One pass with nobody disturbing it.
pub async fn quiet_pass(world: &World, machine: &Machine, options: &PassOptions) -> EnvironmentReport {
    match watched_pass(world, machine, &machine.script(Schedule::Quiet, Latency::None), options).await {
        Ended::Report(report) => *report,
        Ended::Crashed => EnvironmentReport::new("", SyncResult::Error),
    }
}

/// One pass that must end.
pub async fn watched_pass(world: &World, machine: &Machine, script: &Arc<Script>, options: &PassOptions) -> Ended {
    match timeout(PASS_MAX, machine.pass(script, options)).await {
        Ok(ended) => ended,
        Err(_) => {
            world.violated(Invariant::ComesToEnd, format!("a pass takes longer than {} h", PASS_MAX.as_secs() / 3600));
            Ended::Crashed
        }
    }
}

/// Passes until nothing moves any more, then everything that must hold.
pub async fn come_to_rest(world: &World, machine: &Machine, options: &PassOptions) -> SyncResult {
    let mut result = SyncResult::Error;
    let mut was_rest = false;
    let mut error = String::new();
    for n_pass in 0.. {
        let before = (world.api.n_writes(), world.remote.n_commits());
        let report = quiet_pass(world, machine, options).await;
        result = report.result;
        error = report.error.clone().unwrap_or_default();
        let is_still = (world.api.n_writes(), world.remote.n_commits()) == before;
        let is_waiting = report.error.as_deref().is_some_and(|error| error.contains("tried again after"));
        if was_rest && !is_still {
            world.violated(Invariant::QuietStays, format!("at rest, and then `{}`", result.as_str()));
        }
        let is_rest = is_still && !matches!(result, SyncResult::Busy | SyncResult::Error) && !is_waiting;
        if is_rest && was_rest {
            break;
        }
        was_rest = is_rest;
        if n_pass == PASSES_MAX {
            let why = report.error.unwrap_or_default();
            world.violated(
                Invariant::ComesToEnd,
                format!("no rest after {PASSES_MAX} quiet passes: {} {why}", result.as_str()),
            );
            return result;
        }
        sleep(Duration::from_secs(if is_waiting || result == SyncResult::Busy { 660 } else { 1 })).await;
    }
    // To delete a managed flow on the word of a record alone takes a person's.
    let is_unsettled = result == SyncResult::Refused && error.contains("was begun by somebody else");
    check_rest(world, machine, result, is_unsettled).await;
    result
}

async fn check_rest(world: &World, machine: &Machine, result: SyncResult, is_unsettled: bool) {
    let manifest = world.manifest();
    match (result, &manifest) {
        (SyncResult::InSync, _) => check_in_sync(world),
        (SyncResult::Refused, Some(_)) if world.meddled.load(Ordering::Relaxed) => {}
        (SyncResult::Refused, Some(manifest)) => {
            for flow in &manifest.flows {
                let wanted = match (manifest.status(), flow.action) {
                    _ if flow.orphaned || flow.status == FlowStatus::NotRestored => continue,
                    (_, FlowAction::Create | FlowAction::Update | FlowAction::Delete)
                        if world.is_as_others_left_it(manifest, flow) =>
                    {
                        continue;
                    }
                    (Status::RolledBack | Status::RollbackIncomplete, FlowAction::None) | (Status::Deployed, _) => {
                        flow.target_equality().filter(|_| flow.action != FlowAction::Delete)
                    }
                    (Status::RolledBack | Status::RollbackIncomplete, _) => flow.previous_equality(),
                    _ => continue,
                };
                let live = world.live(&flow.id).map(|definition| definition.equality_hash);
                if live != wanted && !world.drifted_since(&flow.id, None) {
                    world.violated(Invariant::Whole, format!("at rest {} is neither old nor new", flow.id));
                }
            }
        }
        (SyncResult::Drifted, _) if world.policy.drift == Drift::Report => {}
        (SyncResult::Refused, None) => {}
        (result, _) => world.violated(Invariant::ComesToEnd, format!("rest is `{}`", result.as_str())),
    }
    let is_under_way = manifest.is_some_and(|manifest| manifest.status().is_under_way());
    if is_under_way && !is_unsettled && !world.meddled.load(Ordering::Relaxed) {
        world.violated(Invariant::ComesToEnd, "a deployment is still under way at rest");
    }
    check_trail(world, machine).await;
}

fn check_in_sync(world: &World) {
    let desired = world.desired();
    for (id, definition) in &desired {
        if world.live(id).map(|live| live.equality_hash) != Some(definition.equality_hash) {
            world.violated(Invariant::InSync, format!("in sync, but {id} is not as git has it"));
        }
    }
    let managed = world.counting_manifest().map(|manifest| manifest.last_flows()).unwrap_or_default();
    for id in managed.keys().filter(|id| world.policy.prune == Prune::Remove && !desired.contains_key(*id)) {
        if world.live(id).is_some() {
            world.violated(Invariant::InSync, format!("in sync, but {id} is still live"));
        }
    }
}

/// The audit trail verifies.
pub async fn check_trail(world: &World, machine: &Machine) {
    if world.meddled.load(Ordering::Relaxed) {
        return;
    }
    let Some(tip) = world.remote.tip(&world.folders.records_branch) else { return };
    match machine.engine(&machine.script(Schedule::Quiet, Latency::None)).records.verify_trail(&tip).await {
        Ok(verified) if verified.faults.is_empty() => {}
        Ok(verified) => world.violated(Invariant::TrailWhole, format!("{:?}", verified.faults)),
        Err(error) => world.violated(Invariant::TrailWhole, error),
    }
}
