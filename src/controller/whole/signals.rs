//! A first signal at every step, and steps that never come to their end after it.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// The default of `--grace` for one pass.
const GRACE: Duration = Duration::from_secs(30);

fn asks_at(at: usize, grace: Duration) -> impl Fn(&Machine, Op, usize) -> Option<Fault> + Send + Sync {
    move |machine, _, n| {
        if n == at {
            machine.shutdown.ask("SIGTERM", grace);
        }
        None
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_signal_at_any_step_leaves_the_tenant_whole_and_says_so() {
    let mut results = BTreeSet::new();
    let n_steps = steps().await.len();
    for (at, seconds) in (0..n_steps).flat_map(|at| [(at, 0), (at, 1)]) {
        let world = World::new().await;
        let latency = Duration::from_secs(seconds);
        let machine = Machine::new(&world, 2).taking(latency).when(asks_at(at, GRACE));
        let report = machine.pass().await;
        let why = format!("a signal at step {at}, calls of {seconds} s: {:?} {:?}", report.result, report.error);
        let expected = match report.result {
            SyncResult::Deployed => "2.0.0",
            SyncResult::RolledBack => "1.0.0",
            SyncResult::Error => {
                assert_eq!(world.status().await, Status::Deployed, "{why}: nothing was begun");
                assert!(report.error.as_ref().is_some_and(|error| error.contains("SIGTERM")), "{why}");
                "1.0.0"
            }
            _ => panic!("{why}"),
        };
        assert_eq!(world.whole(&why), expected, "{why}");
        assert!(world.status().await.is_ended(), "{why}: no next pass is needed");
        assert!(report.result != SyncResult::RolledBack || world.manifest().await.quarantine.is_none(), "{why}");
        results.insert(report.result);
        comes_right(&world, &machine, &why).await;
    }
    let all = [SyncResult::Deployed, SyncResult::RolledBack, SyncResult::Error];
    assert_eq!(results, all.into_iter().collect(), "a signal early, in the middle and late");
}

/// A signal at an operation that hangs for an hour; what came of it, and how long it took.
async fn hangs_at(world: &World, at: usize, fault: Fault) -> (Machine, EnvironmentReport, Duration) {
    let machine = Machine::new(world, 2).when(move |machine, _, n| {
        (n == at).then(|| {
            machine.shutdown.ask("SIGINT", GRACE);
            fault
        })
    });
    let asked = Instant::now();
    let report = machine.pass().await;
    (machine, report, asked.elapsed())
}

const HANGS: Duration = Duration::from_secs(3_600);

#[tokio::test(start_paused = true)]
async fn whatever_hangs_after_a_signal_the_grace_is_kept_and_the_next_pass_goes_on() {
    for (at, op) in steps().await.into_iter().enumerate() {
        let fault = match op {
            Op::Tenant(_) => Fault::Tenant(TenantFault::Slow(HANGS)),
            Op::Source(_) => Fault::Source(SourceFault::Slow(HANGS)),
            Op::State(_) => continue,
        };
        let world = World::new().await;
        let (machine, report, took) = hangs_at(&world, at, fault).await;
        let why = format!("{op:?} hangs at step {at}: {:?} {:?}", report.result, report.error);
        assert!(took <= GRACE, "{why}: took {took:?}");
        world.whole(&why);
        comes_right(&world, &machine, &why).await;
    }
}

#[tokio::test(start_paused = true)]
async fn going_on_with_a_crashed_deployment_heeds_signals_as_well() {
    let crashed = || async {
        let world = World::new().await;
        let machine = Machine::new(&world, 2)
            .when(|_, op, _| (op == Op::Tenant(Call::Status)).then_some(Fault::Tenant(TenantFault::CrashAfter)));
        assert!(tokio::time::timeout(Duration::from_secs(1), machine.pass()).await.is_err());
        (world, machine)
    };
    let ops = {
        let (_, machine) = crashed().await;
        let next = machine.again();
        assert_eq!(next.pass().await.result, SyncResult::Deployed);
        next.made()
    };
    for (at, op) in ops.into_iter().enumerate() {
        let (world, machine) = crashed().await;
        let machine = machine.again().when(move |machine, _, n| {
            if n == at {
                machine.shutdown.ask("SIGTERM", GRACE);
            }
            (n == at).then_some(match op {
                Op::Tenant(_) => Fault::Tenant(TenantFault::Slow(HANGS)),
                Op::Source(_) => Fault::Source(SourceFault::Slow(HANGS)),
                Op::State(_) => Fault::State(StateFault::None),
            })
        });
        let asked = Instant::now();
        let report = machine.pass().await;
        let why = format!("{op:?} hangs at step {at}: {:?} {:?}", report.result, report.error);
        assert!(asked.elapsed() <= GRACE, "{why}: took {:?}", asked.elapsed());
        comes_right(&world, &machine, &why).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_is_stuck_is_taken_back_within_the_grace() {
    let world = World::new().await;
    let imports = |op: &Op| *op == Op::Tenant(Call::Import);
    let at = steps().await.iter().rposition(imports).unwrap();
    let (_, report, took) = hangs_at(&world, at, Fault::Tenant(TenantFault::Slow(HANGS))).await;
    assert_eq!((report.result, world.whole("stuck").as_str()), (SyncResult::RolledBack, "1.0.0"));
    assert!(report.error.unwrap().contains("SIGINT") && took < GRACE, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_restoration_that_hangs_is_told_as_not_finished_and_gone_on_with() {
    let world = World::new().await;
    let machine = Machine::new(&world, 2).when(|machine, op, _| match op {
        Op::Tenant(Call::Status) => Some(Fault::Tenant(TenantFault::Refused)),
        Op::Tenant(Call::Rollback) => {
            machine.shutdown.ask("SIGTERM", GRACE);
            Some(Fault::Tenant(TenantFault::Slow(HANGS)))
        }
        _ => None,
    });
    let asked = Instant::now();
    let report = machine.pass().await;
    assert_eq!(report.result, SyncResult::RollbackIncomplete);
    assert!(report.error.unwrap().contains("the next pass goes on"));
    assert!(asked.elapsed() <= GRACE);
    assert_eq!(world.status().await, Status::Restoring);
    let report = machine.again().pass().await;
    assert_eq!((report.result, world.whole("gone on").as_str()), (SyncResult::RolledBack, "1.0.0"));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_holds_up_no_signal() {
    let world = World::new().await;
    let (is_begun, asked) = (AtomicBool::new(false), Arc::new(Mutex::new(None)));
    let first = Arc::clone(&asked);
    let machine = Machine::new(&world, 2).taking(Duration::from_secs(50)).when(move |machine, op, _| match op {
        Op::Tenant(Call::Import) => {
            is_begun.store(true, Ordering::Relaxed);
            None
        }
        Op::Source(Operation::Push) if is_begun.load(Ordering::Relaxed) => {
            machine.shutdown.ask("SIGTERM", GRACE);
            first.lock().unwrap().get_or_insert_with(Instant::now);
            Some(Fault::Source(SourceFault::Slow(HANGS)))
        }
        _ => None,
    });
    let report = machine.pass().await;
    let why = format!("{:?} {:?}", report.result, report.error);
    let took = asked.lock().unwrap().unwrap().elapsed();
    assert!(took <= GRACE, "{why}: took {took:?}");
    tokio::time::sleep(Duration::from_secs(600)).await;
    comes_right(&world, &machine, &why).await;
}

#[tokio::test(start_paused = true)]
async fn a_closing_record_that_hangs_is_kept_and_sent() {
    let world = World::new().await;
    let pushes = |op: &Op| *op == Op::Source(Operation::Push);
    let at = steps().await.iter().rposition(pushes).unwrap();
    let (machine, report, took) = hangs_at(&world, at, Fault::Source(SourceFault::Slow(HANGS))).await;
    assert_eq!((report.result, world.whole("not told").as_str()), (SyncResult::Error, "2.0.0"));
    assert!(report.flows.iter().all(|flow| flow.outcome == crate::controller::Outcome::Deployed));
    assert!(took <= GRACE);
    let n_writes = world.tenant.n_writes();
    assert_eq!(machine.again().pass().await.result, SyncResult::InSync);
    assert_eq!((world.status().await, world.tenant.n_writes()), (Status::Deployed, n_writes));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_heeds_signals_as_well() {
    let n_steps = {
        let world = World::new().await;
        Machine::new(&world, 2).pass().await;
        let machine = Machine::new(&world, 3);
        machine.engine().rollback(None, &PassOptions::default()).await;
        machine.made().len()
    };
    for at in 0..n_steps {
        let world = World::new().await;
        Machine::new(&world, 2).pass().await;
        let machine = Machine::new(&world, 3).when(asks_at(at, GRACE)).taking(Duration::from_secs(1));
        let report = machine.engine().rollback(None, &PassOptions::default()).await;
        let why = format!("a signal at step {at}: {:?} {:?}", report.result, report.error);
        let expected = if report.result == SyncResult::Deployed { "1.0.0" } else { "2.0.0" };
        assert_eq!(world.whole(&why), expected, "{why}");
        assert!(world.status().await.is_ended(), "{why}");
    }
}
