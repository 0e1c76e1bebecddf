//! A machine that sleeps, and clocks that are set, at every step.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

/// A machine that falls asleep for ten minutes at an operation, which itself is answered after it woke.
fn sleeper(world: &World, at: usize, op: Op, has_boot_clock: bool) -> Machine {
    let machine = Machine::new(world, 2);
    if !has_boot_clock {
        machine.clock.lose_boot_clock();
    }
    let hook = Arc::downgrade(&machine.hook);
    machine.when(move |machine, _, n| {
        if n != at {
            return None;
        }
        machine.sleeps(&*hook.upgrade()?, 10 * MINUTE);
        let asleep = 10 * MINUTE + Duration::from_millis(1);
        match op {
            Op::Tenant(_) => Some(Fault::Tenant(TenantFault::Slow(asleep))),
            Op::Source(_) => Some(Fault::Source(SourceFault::Slow(asleep))),
            Op::State(_) => None,
        }
    })
}

#[tokio::test(start_paused = true)]
async fn whoever_wakes_finds_out_who_went_on_and_writes_nothing_over_it() {
    let ops = steps().await;
    for (at, op) in ops.into_iter().enumerate().filter(|(_, op)| is_read(*op)) {
        for has_boot_clock in [true, false] {
            let world = World::new().await;
            let sleeper = sleeper(&world, at, op, has_boot_clock);
            let other = Machine::new(&world, 3);
            let meanwhile = async {
                tokio::time::sleep(9 * MINUTE).await;
                let is_held = world.status().await.is_under_way();
                world.commit(3);
                let report = other.pass().await;
                (is_held, report.result, world.tenant.n_writes())
            };
            let (report, (is_held, result, n_writes)) = futures_util::future::join(sleeper.pass(), meanwhile).await;
            let why = format!("{op:?} #{at}: the sleeper ends with {:?} {:?}", report.result, report.error);
            assert_eq!(result, SyncResult::Deployed, "{why}");
            assert_eq!(world.whole(&why), "3.0.0", "{why}");
            if is_held {
                assert_eq!(world.tenant.n_writes(), n_writes, "{why}: it wrote over what was newer");
                assert_eq!(report.result, SyncResult::Busy, "{why}");
            }
        }
    }
}

/// A wait for the lease is no part of a look: what was seen just after it is as old as ever.
#[tokio::test(start_paused = true)]
async fn a_look_that_waited_for_the_lease_is_fresh_no_longer_than_any_other() {
    let world = World::new().await;
    let empty = World { remote: MemoryRemote::default(), tenant: MemoryTenant::default(), ..world };
    empty.commit(1);
    let (n_status, n_pushes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let machine = Machine::new(&empty, 2).taking(Duration::from_millis(10)).when(move |machine, op, _| match op {
        Op::Tenant(Call::Status) => match n_status.fetch_add(1, Ordering::Relaxed) {
            0 => {
                // From now on the lease is in doubt.
                machine.clock.step(SignedDuration::from_secs(5));
                Some(Fault::Tenant(TenantFault::Slow(Duration::from_secs(10))))
            }
            1 => Some(Fault::Tenant(TenantFault::Slow(Duration::from_secs(10)))),
            _ => None,
        },
        Op::Source(Operation::Push) if n_pushes.fetch_add(1, Ordering::Relaxed) == 1 => {
            Some(Fault::Source(SourceFault::Slow(MINUTE)))
        }
        _ => None,
    });
    assert_eq!(machine.pass().await.result, SyncResult::Deployed);
    let made = machine.made();
    let imports: Vec<usize> = (0..made.len()).filter(|at| made[*at] == Op::Tenant(Call::Import)).collect();
    for pair in imports[..3].windows(2) {
        let between = &made[pair[0]..pair[1]];
        assert!(between.contains(&Op::Tenant(Call::Export)), "no look between the flows: {between:?}");
    }
}

/// An operation that changes nothing in the tenant: a write under way cannot be called back.
fn is_read(op: Op) -> bool {
    matches!(op, Op::Tenant(Call::Export | Call::Status) | Op::Source(_))
}

#[tokio::test(start_paused = true)]
async fn whoever_wakes_and_still_holds_the_lease_goes_on() {
    for (at, op) in steps().await.into_iter().enumerate().filter(|(_, op)| is_read(*op)) {
        let world = World::new().await;
        let report = sleeper(&world, at, op, true).pass().await;
        let why = format!("{op:?} #{at}: {:?} {:?}", report.result, report.error);
        assert_eq!((report.result, world.whole(&why).as_str()), (SyncResult::Deployed, "2.0.0"), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_costs_a_renewal_and_no_deployment() {
    let steps = steps().await;
    let in_mid_deployment = steps.iter().position(|op| *op == Op::Tenant(Call::Import)).unwrap();
    for hours in [-1_000, -1, 1, 1_000] {
        for at in 0..steps.len() {
            let world = World::new().await;
            let n_commits = world.remote.n_commits();
            let machine = Machine::new(&world, 2).when(move |machine, _, n| {
                if n == at {
                    machine.clock.step(SignedDuration::from_hours(hours));
                }
                None
            });
            let report = machine.pass().await;
            let why = format!("{hours} h at step {at}: {:?} {:?}", report.result, report.error);
            assert_eq!((report.result, world.whole(&why).as_str()), (SyncResult::Deployed, "2.0.0"), "{why}");
            let n_commits = world.remote.n_commits() - n_commits;
            assert!(at != in_mid_deployment || n_commits == 3, "{why}: begun, renewed, ended; not {n_commits} commits");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_beyond_any_lease_is_believed_for_seven_minutes_from_when_it_was_seen() {
    for hours in [24, 69_885_000] {
        let world = World::new().await;
        let ahead = Machine::new(&world, 2)
            .when(|_, op, _| (op == Op::Tenant(Call::Status)).then_some(Fault::Tenant(TenantFault::CrashAfter)));
        ahead.clock.step(SignedDuration::from_hours(hours));
        assert!(tokio::time::timeout(Duration::from_secs(1), ahead.pass()).await.is_err());
        let other = Machine::new(&world, 3);
        for minutes in [0, 3, 3] {
            tokio::time::sleep(minutes * MINUTE).await;
            let report = other.again().pass().await;
            assert_eq!(report.result, SyncResult::Busy, "{hours} h ahead: {:?}", report.error);
        }
        tokio::time::sleep(MINUTE + Duration::from_secs(1)).await;
        assert_eq!(other.again().pass().await.result, SyncResult::Deployed);
        assert_eq!(world.whole("taken over"), "2.0.0");
    }
}

/// What a deployment has left beside the flows goes once it is closed. Then nobody renews the lease any more.
#[tokio::test(start_paused = true)]
async fn a_lease_that_is_in_doubt_once_a_deployment_is_closed_is_waited_for_by_nobody() {
    let world = World::new().await;
    let machine = Machine::new(&world, 2).when(|machine, op, _| {
        if op == Op::State(StateWrite::RemoveJournal) {
            machine.clock.step(SignedDuration::from_hours(1));
        }
        None
    });
    let report = tokio::time::timeout(60 * MINUTE, machine.pass()).await.expect("the pass comes to its end");
    assert_eq!(report.result, SyncResult::Deployed);
}
