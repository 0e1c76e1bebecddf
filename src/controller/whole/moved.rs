//! A file that a failed deployment would have moved: what was deployed stands where it stood.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::begin::check_size;
use super::*;
use crate::config::Prune;

const LAST: usize = FLOWS - 1;

fn file(n: usize, version: usize) -> (String, Option<Vec<u8>>) {
    (format!("flows/{n}.json"), Some(text(n, version).into_bytes()))
}

/// Version 1 is deployed; a deployment of version 2 fails, which holds the last flow under another name; then a commit
/// is without that flow.
async fn moved_and_gone(prune: Prune) -> (World, Machine) {
    let world = World::new().await;
    let commit = |edits: Edits| world.remote.commit("main", "flows", origin() + world.start.elapsed(), &edits);
    let moved = (format!("flows/moved/{LAST}.json"), Some(text(LAST, 2).into_bytes()));
    commit(Edits::from([(format!("flows/{LAST}.json"), None), moved.clone()]));
    let is_begun = AtomicBool::new(false);
    let mut machine = Machine::new(&world, 2).when(move |_, op, _| {
        let is_first = op == Op::Tenant(Call::Import) && !is_begun.swap(true, Ordering::Relaxed);
        is_first.then_some(Fault::Tenant(TenantFault::StatusFailed))
    });
    machine.policy.prune = prune;
    assert_eq!(machine.pass().await.result, SyncResult::RolledBack);
    commit((0..LAST).map(|n| file(n, 3)).chain([(moved.0, None)]).collect());
    (world, machine.again())
}

fn deletes(n: usize) -> PassOptions {
    PassOptions { allow_deletes: Some(n), ..PassOptions::default() }
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_stays_is_still_known_as_deployed() {
    let (world, machine) = moved_and_gone(Prune::Keep).await;
    assert_eq!(machine.pass().await.result, SyncResult::Deployed);
    world.remote.commit("main", "flows", origin() + world.start.elapsed(), &Edits::from([file(0, 4)]));
    let report = machine.again().pass().await;
    assert_eq!((report.result, report.alarms), (SyncResult::Deployed, Vec::new()));
    let last: FlowId = format!("flow_{LAST}").parse().unwrap();
    assert!(world.manifest().await.flows.iter().any(|flow| flow.id == last && flow.orphaned));
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_was_deleted_comes_back_with_a_rollback() {
    let (world, machine) = moved_and_gone(Prune::Remove).await;
    let report = machine.engine().pass(&deletes(1)).await;
    assert_eq!(report.result, SyncResult::Deployed, "{:?}", report.error);
    assert_eq!(world.tenant.flows(&world.target).len(), LAST);
    let report = machine.again().engine().rollback(None, &deletes(1)).await;
    assert_eq!(report.result, SyncResult::Deployed, "{:?}", report.error);
    assert_eq!(world.whole("after the rollback"), "1.0.0");
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_could_not_be_read_again_is_never_written() {
    let world = World::new().await;
    let mut manifest = world.manifest().await;
    assert!(check_size(&manifest).is_ok());
    let mut flow = manifest.flows[0].clone();
    flow.path = Some("f".repeat(1_000));
    manifest.flows = vec![flow; 50_000];
    let refused = check_size(&manifest).unwrap_err().to_string();
    assert!(refused.contains("the manifest of 50000 flows would have"), "{refused}");
}
