//! A state directory that cannot be written, at every write, once or from then on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

const FULL: std::io::ErrorKind = std::io::ErrorKind::StorageFull;

/// Whether the journal of the newest deployment says that it failed.
async fn says_so(world: &World) -> bool {
    let manifest = world.manifest().await;
    let path = crate::record::paths::audit("production", &manifest.deployment_id);
    let tip = world.remote.tip("main").unwrap();
    let file = world.remote.file(&tip, &format!("deployments/{path}"));
    file.is_some_and(|file| String::from_utf8_lossy(&file).contains("journal-failed"))
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_leaves_the_tenant_whole_and_is_told() {
    let n_steps = steps().await.len();
    let mut results = BTreeSet::new();
    for at in 0..n_steps {
        for (fault, for_ever) in
            [(StateFault::Fails(FULL), false), (StateFault::Torn(FULL), false), (StateFault::Fails(FULL), true)]
        {
            let world = World::new().await;
            let n_before = world.tenant.n_writes();
            let machine = Machine::new(&world, 2).when(move |_, op, n| {
                let is_due = n == at || for_ever && n > at;
                (is_due && matches!(op, Op::State(_))).then_some(Fault::State(fault))
            });
            let report = machine.pass().await;
            let why = format!("{fault:?} at step {at}, for ever: {for_ever}: {:?} {:?}", report.result, report.error);
            let live = world.whole(&why);
            match report.result {
                SyncResult::Deployed => assert_eq!(live, "2.0.0", "{why}"),
                SyncResult::RolledBack => {
                    assert_eq!(live, "1.0.0", "{why}");
                    let failure = world.manifest().await.failure.unwrap_or_default();
                    assert!(failure.contains("the journal could not be written"), "{why}: {failure}");
                    assert!(says_so(&world).await, "{why}: the record does not say so");
                }
                SyncResult::Error => assert_eq!(world.tenant.n_writes(), n_before, "{why}: nothing was begun"),
                _ => panic!("{why}"),
            }
            assert!(world.status().await.is_ended(), "{why}");
            results.insert(report.result);
            tokio::time::sleep(Duration::from_secs(600)).await;
            comes_right(&world, &machine, &why).await;
        }
    }
    let all = [SyncResult::Deployed, SyncResult::RolledBack, SyncResult::Error];
    assert_eq!(results, all.into_iter().collect(), "it fails before, in the middle, and when all is said");
}

#[tokio::test(start_paused = true)]
async fn a_crashed_deployment_is_taken_back_where_the_journal_cannot_be_written() {
    for (at, op) in steps().await.into_iter().enumerate() {
        let (Op::Tenant(Call::Import), crash) = (op, Fault::Tenant(TenantFault::CrashAfter)) else { continue };
        let world = World::new().await;
        let machine = Machine::new(&world, 2).when(move |_, _, n| (n == at).then_some(crash));
        let crashed = tokio::time::timeout(Duration::from_secs(1), machine.pass()).await;
        assert!(crashed.is_err());
        let next = machine.again().when(|_, op, _| {
            matches!(op, Op::State(StateWrite::Secure | StateWrite::Append))
                .then_some(Fault::State(StateFault::Fails(FULL)))
        });
        let report = next.pass().await;
        let why = format!("crashed at step {at}: {:?} {:?}", report.result, report.error);
        assert_eq!((report.result, world.whole(&why).as_str()), (SyncResult::RolledBack, "1.0.0"), "{why}");
        assert!(says_so(&world).await, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_can_be_neither_pushed_nor_kept_is_told_by_what_is_live() {
    let world = World::new().await;
    let is_begun = AtomicBool::new(false);
    let machine = Machine::new(&world, 2).when(move |_, op, _| match op {
        Op::Tenant(Call::Import) if !is_begun.swap(true, Ordering::Relaxed) => {
            Some(Fault::Tenant(TenantFault::StatusFailed))
        }
        Op::Source(Operation::Push) if is_begun.load(Ordering::Relaxed) => {
            Some(Fault::Source(SourceFault::Unreachable))
        }
        Op::State(StateWrite::KeepUnsent) => Some(Fault::State(StateFault::Fails(FULL))),
        _ => None,
    });
    let report = machine.pass().await;
    let why = format!("{:?} {:?}", report.result, report.error);
    assert_eq!((report.result, world.whole(&why).as_str()), (SyncResult::RolledBack, "1.0.0"), "{why}");
    assert!(report.error.unwrap().contains("could not be kept"), "{why}");
    assert_eq!(report.record_commit, None);
}

/// Two exports that show the tenant as it was before anything was there make every flow one to be created. Where no
/// request was made for a flow, taking back must not take it for one that this deployment created.
#[tokio::test(start_paused = true)]
async fn a_flow_for_which_no_request_was_made_is_never_deleted() {
    let world = World::new().await;
    let n_before = world.tenant.n_writes();
    let (n_exports, n_appends) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let machine = Machine::new(&world, 2).when(move |_, op, _| match op {
        Op::Tenant(Call::Export) if n_exports.fetch_add(1, Ordering::Relaxed) < 2 => {
            Some(Fault::Tenant(TenantFault::Stale(Duration::from_secs(3_600))))
        }
        // The first record says that the deployment began, the second is the first intent.
        Op::State(StateWrite::Append) if n_appends.fetch_add(1, Ordering::Relaxed) == 1 => {
            Some(Fault::State(StateFault::Fails(FULL)))
        }
        _ => None,
    });
    let report = machine.pass().await;
    assert_eq!(report.result, SyncResult::RolledBack, "{:?}", report.error);
    assert!(
        report.flows.iter().all(|flow| flow.action == crate::plan::Action::Create),
        "it was deceived: {:?}",
        report.flows
    );
    assert_eq!((world.tenant.n_writes(), world.whole("untouched").as_str()), (n_before, "1.0.0"));
}
