//! A flow to be created turns out to be somebody else's, and git cannot be told at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

#[tokio::test(start_paused = true)]
async fn whatever_is_committed_next_says_what_could_not_be_pushed() {
    let world = World::new().await;
    let world = World { remote: MemoryRemote::default(), tenant: MemoryTenant::default(), ..world };
    world.commit(1);
    let (is_begun, n_pushes) = (AtomicBool::new(false), AtomicUsize::new(0));
    let machine = Machine::new(&world, 2).when(move |machine, op, _| match op {
        Op::Tenant(Call::Import) if !is_begun.swap(true, Ordering::Relaxed) => {
            machine.tenant.edit(&machine.target, text(0, 9).as_bytes());
            Some(Fault::Tenant(TenantFault::Slow(Duration::from_secs(145))))
        }
        // The first began the deployment. Then what was found cannot be told, and a renewal, which is due by then, can.
        Op::Source(Operation::Push) => match n_pushes.fetch_add(1, Ordering::Relaxed) {
            0 => None,
            1..=4 => Some(Fault::Source(SourceFault::Unreachable)),
            _ => Some(Fault::Source(SourceFault::CrashAfter)),
        },
        _ => None,
    });
    let crashed = tokio::time::timeout(Duration::from_secs(600), machine.pass()).await;
    assert!(crashed.is_err(), "it does not crash");
    let manifest = world.manifest().await;
    assert_eq!(manifest.status(), Status::Deploying, "it was the renewal");
    assert!(manifest.flows.iter().any(|flow| flow.id.as_str() == "flow_0" && flow.existed));
}
