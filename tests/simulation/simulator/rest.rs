//! What must hold once everything has come to rest.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use flowsync::config::{Drift, Prune, SyncPolicy};
use flowsync::controller::{EnvironmentReport, PassOptions, SyncResult};
use flowsync::record::{FlowAction, FlowStatus, Status};
use tokio::time::{sleep, timeout};

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
            world.violated("h", format!("a pass takes longer than {} h", PASS_MAX.as_secs() / 3600));
            Ended::Crashed
        }
    }
}

/// Passes until nothing moves any more, then everything that must hold.
pub async fn come_to_rest(world: &World, machine: &Machine, policy: &SyncPolicy, options: &PassOptions) -> SyncResult {
    let mut result = SyncResult::Error;
    for n_pass in 0.. {
        let before = (world.tenant.n_writes(), world.remote.n_commits());
        let report = quiet_pass(world, machine, options).await;
        check_report(world, &report);
        result = report.result;
        let is_still = (world.tenant.n_writes(), world.remote.n_commits()) == before;
        let is_waiting = report.error.as_deref().is_some_and(|error| error.contains("tried again after"));
        let is_rest = !matches!(result, SyncResult::Busy | SyncResult::Error) && !is_waiting;
        if is_still && is_rest {
            break;
        }
        if n_pass == PASSES_MAX {
            let why = report.error.unwrap_or_default();
            world.violated("h", format!("no rest after {PASSES_MAX} quiet passes: {} {why}", result.as_str()));
            return result;
        }
        sleep(Duration::from_secs(if is_waiting || result == SyncResult::Busy { 660 } else { 1 })).await;
    }
    check_rest(world, machine, policy, result).await;
    result
}

/// A report says what git says.
pub fn check_report(world: &World, report: &EnvironmentReport) {
    let manifest = world.manifest();
    let ended = match report.result {
        SyncResult::Deployed => Status::Deployed,
        SyncResult::RolledBack => Status::RolledBack,
        SyncResult::RollbackIncomplete => Status::RollbackIncomplete,
        _ => return,
    };
    let recorded = report.record_commit.as_ref().and_then(|commit| world.manifest_at(commit));
    let is_so = recorded.is_some_and(|manifest| {
        manifest.status == ended && Some(manifest.deployment_id.as_str()) == report.deployment_id.as_deref()
    });
    if !is_so {
        world.violated("report", format!("{:?} is reported, git has {:?}", report, manifest.map(|m| m.status)));
    }
    let sum_is_right = report.flows.iter().all(|flow| match flow.outcome {
        flowsync::controller::Outcome::Deployed => ended == Status::Deployed,
        flowsync::controller::Outcome::NotRestored => ended == Status::RollbackIncomplete,
        _ => ended != Status::Deployed,
    });
    if !sum_is_right {
        world.violated("report", format!("the flows of a {} pass end as {:?}", report.result.as_str(), report.flows));
    }
}

async fn check_rest(world: &World, machine: &Machine, policy: &SyncPolicy, result: SyncResult) {
    let manifest = world.manifest();
    match (result, &manifest) {
        (SyncResult::InSync, _) => check_in_sync(world, policy),
        (SyncResult::Refused, Some(_)) if world.meddled.load(Ordering::Relaxed) => {}
        (SyncResult::Refused, Some(manifest)) => {
            for flow in &manifest.flows {
                let wanted = match (manifest.status, flow.action) {
                    _ if flow.orphaned || flow.status == FlowStatus::NotRestored => continue,
                    (Status::RolledBack | Status::RollbackIncomplete, FlowAction::None) | (Status::Deployed, _) => {
                        flow.target_equality().filter(|_| flow.action != FlowAction::Delete)
                    }
                    (Status::RolledBack | Status::RollbackIncomplete, _) => flow.previous_equality(),
                    _ => continue,
                };
                let live = world.live(&flow.id).map(|definition| definition.equality_hash);
                if live != wanted && !world.drifted_since(&flow.id, None) {
                    world.violated("a", format!("at rest {} is neither old nor new", flow.id));
                }
            }
        }
        (SyncResult::Drifted, _) if policy.drift == Drift::Report => {}
        (SyncResult::Refused, None) => {}
        (result, _) => world.violated("h", format!("rest is `{}`", result.as_str())),
    }
    if manifest.is_some_and(|manifest| manifest.status.is_under_way()) && !world.meddled.load(Ordering::Relaxed) {
        world.violated("a", "a deployment is still under way at rest");
    }
    check_trail(world, machine).await;
}

fn check_in_sync(world: &World, policy: &SyncPolicy) {
    let desired = world.desired();
    for (id, definition) in &desired {
        if world.live(id).map(|live| live.equality_hash) != Some(definition.equality_hash) {
            world.violated("a", format!("in sync, but {id} is not as git has it"));
        }
    }
    let managed = world.manifest().map(|manifest| manifest.last_flows()).unwrap_or_default();
    for id in managed.keys().filter(|id| policy.prune == Prune::Remove && !desired.contains_key(*id)) {
        if world.live(id).is_some() {
            world.violated("a", format!("in sync, but {id} is still live"));
        }
    }
}

/// The audit trail verifies.
pub async fn check_trail(world: &World, machine: &Machine) {
    if world.meddled.load(Ordering::Relaxed) {
        return;
    }
    let Some(tip) = world.remote.tip(&world.folders.records_branch) else { return };
    match machine.engine(&machine.script(Schedule::Quiet, Latency::None)).verify_trail(&tip).await {
        Ok((_, faults)) if faults.is_empty() => {}
        Ok((_, faults)) => world.violated("d", format!("{faults:?}")),
        Err(error) => world.violated("d", error),
    }
}
