//! An interrupted deployment is taken back by another run: only where it made requests.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

/// What somebody creates by hand while the deployment is interrupted.
const BY_HAND: &str = r#"{"id":"flow_5","name":"by hand","version":"9.0.0","nodes":[],"edges":[]}"#;

/// Nothing is live; version 1 is in git.
async fn nothing_live() -> World {
    let world = World::new().await;
    let empty = World { remote: MemoryRemote::default(), tenant: MemoryTenant::default(), ..world };
    empty.commit(1);
    empty
}

/// The second import fails, and the process stops at its `n`-th operation of a kind after that.
fn fails_and_crashes(world: &World, kind: Op, n: usize) -> Machine {
    let (n_imports, n_kind) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Machine::new(world, 2).when(move |_, op, _| {
        if op == Op::Tenant(Call::Import) && n_imports.fetch_add(1, Ordering::Relaxed) == 1 {
            return Some(Fault::Tenant(TenantFault::StatusFailed));
        }
        let has_failed = n_imports.load(Ordering::Relaxed) > 1;
        let is_due = has_failed && op == kind && n_kind.fetch_add(1, Ordering::Relaxed) == n;
        is_due.then_some(match op {
            Op::Tenant(_) => Fault::Tenant(TenantFault::CrashBefore),
            Op::Source(_) => Fault::Source(SourceFault::CrashAfter),
            Op::State(_) => Fault::State(StateFault::None),
        })
    })
}

async fn crashes(machine: &Machine) {
    let crashed = tokio::time::timeout(Duration::from_secs(100), machine.pass()).await;
    assert!(crashed.is_err(), "it does not crash");
}

fn is_by_hand(world: &World) -> bool {
    let flows = world.tenant.flows(&world.target);
    let left: Vec<&[u8]> = flows.values().map(AsRef::as_ref).collect();
    left.len() == 1 && String::from_utf8_lossy(left[0]).contains("by hand")
}

#[tokio::test(start_paused = true)]
async fn what_an_interrupted_restoration_made_no_request_for_is_left_alone() {
    // The process stops as soon as git says `restoring`, or when it is about to look what is live then.
    for (kind, is_same) in [
        (Op::Source(Operation::Push), true),
        (Op::Source(Operation::Push), false),
        (Op::Tenant(Call::Export), true),
        (Op::Tenant(Call::Export), false),
    ] {
        let world = nothing_live().await;
        let machine = fails_and_crashes(&world, kind, 0);
        crashes(&machine).await;
        assert_eq!(world.status().await, Status::Restoring);
        world.tenant.edit(&world.target, BY_HAND.as_bytes());
        tokio::time::sleep(Duration::from_secs(600)).await;
        let next = if is_same { machine.again() } else { Machine::new(&world, 3) };
        let report = next.pass().await;
        let why = format!("{kind:?}, the same machine: {is_same}: {:?}", report.error);
        assert_eq!(report.result, SyncResult::RolledBack, "{why}");
        assert!(is_by_hand(&world), "{why}: {:?}", world.tenant.flows(&world.target).keys());
    }
}

#[tokio::test(start_paused = true)]
async fn what_appears_while_another_run_goes_forward_is_left_alone_where_that_fails() {
    for is_same in [true, false] {
        let world = nothing_live().await;
        let machine = Machine::new(&world, 2)
            .when(|_, op, _| (op == Op::Tenant(Call::Import)).then_some(Fault::Tenant(TenantFault::CrashAfter)));
        crashes(&machine).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
        let next = if is_same { machine.again() } else { Machine::new(&world, 3) };
        let is_first = AtomicBool::new(true);
        let next = next.when(move |machine, op, _| {
            let is_due = op == Op::Tenant(Call::Import) && is_first.swap(false, Ordering::Relaxed);
            is_due.then(|| {
                machine.tenant.edit(&machine.target, BY_HAND.as_bytes());
                Fault::Tenant(TenantFault::StatusFailed)
            })
        });
        let report = next.pass().await;
        let why = format!("the same machine: {is_same}: {:?}", report.error);
        assert_eq!(report.result, SyncResult::RolledBack, "{why}");
        assert!(is_by_hand(&world), "{why}: {:?}", world.tenant.flows(&world.target).keys());
    }
}

/// Another machine does not know whether the run before has created what is live and nobody's: it stays, and a person is
/// told.
#[tokio::test(start_paused = true)]
async fn what_nobody_can_tell_whose_it_is_is_not_deleted() {
    let world = nothing_live().await;
    let machine = Machine::new(&world, 2)
        .when(|_, op, _| (op == Op::Tenant(Call::Import)).then_some(Fault::Tenant(TenantFault::CrashAfter)));
    crashes(&machine).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let second = fails_and_crashes(&world, Op::Source(Operation::Push), 0);
    crashes(&second).await;
    assert_eq!(world.status().await, Status::Restoring);
    let edited = BY_HAND.replace("flow_5", "flow_0");
    world.tenant.edit(&world.target, edited.as_bytes());
    tokio::time::sleep(Duration::from_secs(600)).await;
    let report = Machine::new(&world, 4).pass().await;
    assert_eq!(report.result, SyncResult::RollbackIncomplete, "{:?}", report.error);
    assert!(is_by_hand(&world), "{:?}", world.tenant.flows(&world.target).keys());
    assert!(report.error.is_some_and(|error| error.contains("not restored: flow_0")));
}

/// Who takes over at once may look at what was live before the last request.
#[tokio::test(start_paused = true)]
async fn what_a_look_does_not_show_yet_is_taken_back_all_the_same() {
    let world = nothing_live().await;
    let machine = Machine::new(&world, 2)
        .when(|_, op, _| (op == Op::Tenant(Call::Import)).then_some(Fault::Tenant(TenantFault::CrashAfter)));
    let crashed = tokio::time::timeout(Duration::from_secs(1), machine.pass()).await;
    assert!(crashed.is_err(), "it does not crash");
    assert_eq!(world.tenant.flows(&world.target).len(), 1);
    let is_first = AtomicBool::new(true);
    let other = Machine::new(&world, 3).when(move |_, op, _| match op {
        // There is no room for its journal: it goes back at once.
        Op::State(StateWrite::Secure) => Some(Fault::State(StateFault::Fails(std::io::ErrorKind::StorageFull))),
        Op::Tenant(Call::Export) if is_first.swap(false, Ordering::Relaxed) => {
            Some(Fault::Tenant(TenantFault::Stale(Duration::from_secs(3))))
        }
        _ => None,
    });
    let options = PassOptions { take_over: true, ..PassOptions::default() };
    let report = other.engine().pass(&options).await;
    assert_eq!(report.result, SyncResult::RolledBack, "{:?}", report.error);
    assert_eq!(world.tenant.flows(&world.target).len(), 0);
}
