//! The lease and the patience of a call; the throttle that all calls share.

use std::sync::Arc;
use std::time::Duration;

use flowsync::tenant::{Call, CallLimits, Failure, StartLimit};
use futures_util::future::{join, join_all};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::server::{Act, Seen, Server, ample, good, make, reply, reply_with};

#[tokio::test]
async fn no_request_starts_after_the_lease() {
    for call in [Call::Export, Call::Import, Call::Status, Call::Rollback, Call::Delete] {
        let server = Server::start(good).await;
        let lease = StartLimit::at(Instant::now() - Duration::from_millis(1));
        let limits = CallLimits { lease, ..ample() };
        let error = make(&server.client(), call, &limits).await.unwrap_err();
        assert_eq!((error.failure, error.attempts), (Failure::LeaseEnded, 0));
        assert!(server.seen(Call::Token).is_empty() && server.seen(call).is_empty());
    }
}

#[tokio::test]
async fn a_lease_that_ends_between_two_tries_ends_the_call() {
    for call in [Call::Export, Call::Import, Call::Status, Call::Rollback, Call::Delete] {
        let lease = StartLimit::at(Instant::now() + Duration::from_secs(3_600));
        let ended = lease.clone();
        let server = Server::start(move |seen: &Seen| {
            if seen.call == call {
                ended.move_to(Instant::now() - Duration::from_millis(1));
                return reply(503, "");
            }
            good(seen)
        })
        .await;
        let limits = CallLimits { lease, ..ample() };
        let error = make(&server.client(), call, &limits).await.unwrap_err();
        assert_eq!(*error.failure.last(), Failure::LeaseEnded);
        let writes = matches!(call, Call::Import | Call::Rollback | Call::Delete);
        assert_eq!(error.maybe_took_effect(), writes, "a 503 to a write proves nothing");
        assert_eq!(server.seen(call).len(), 1);
    }
}

#[tokio::test]
async fn a_refusal_after_a_lost_try_remembers_the_lost_try() {
    let server = Server::start(|seen: &Seen| match (seen.call, seen.nth) {
        (Call::Import, 0) => Act::Drop,
        (Call::Import, _) => reply(400, r#"{"error":"such a version exists"}"#),
        _ => good(seen),
    })
    .await;
    let error = make(&server.client(), Call::Import, &ample()).await.unwrap_err();
    assert!(error.maybe_took_effect());
    assert!(matches!(error.failure.last(), Failure::Refused { status: 400, .. }));
    assert_eq!(
        error.to_string(),
        "import of `flow_a` in `env`: the tenant refused it (400): such a version exists; \
         an earlier try may have taken effect unseen"
    );
}

#[tokio::test]
async fn a_wait_of_the_tenants_holds_for_every_request() {
    // The first request is told to wait for 10 of the tenant's seconds; all others come after it.
    let (server, begun) =
        (Server::faulty(Call::Status, reply_with(429, "Retry-After", 10, ""), |nth| nth == 0).await, Instant::now());
    let (client, limits) = (server.client(), ample());
    make(&client, Call::Status, &limits).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(100));
    let made = join_all((0..8).map(|_| make(&client, Call::Status, &limits))).await;
    assert!(made.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_wait_beyond_the_patience_is_not_waited_for() {
    let server = Server::faulty(Call::Import, reply_with(429, "Retry-After", 86_400, ""), |_| true).await;
    let client = server.client_with(server.oauth2(), flowsync::tenant::flows_v2::Tuning::default());
    let limits = CallLimits { give_up_at: Instant::now() + Duration::from_secs(299), ..ample() };
    for n_seen in [1, 1] {
        let error = make(&client, Call::Import, &limits).await.unwrap_err();
        assert!(matches!(error.failure, Failure::Throttled { .. }), "{error:?}");
        assert_eq!(server.seen(Call::Import).len(), n_seen, "the second call knows already");
    }
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_the_concurrency() {
    const N_CALLS: usize = 12;
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let server = Server::start(move |seen: &Seen| match seen.call {
        Call::Status => Act::Held(Arc::clone(&held), Box::new(good(seen))),
        _ => good(seen),
    })
    .await;
    let (client, passer_by, limits) = (server.client(), server.client(), ample());
    let calls = join_all((0..N_CALLS).map(|_| make(&client, Call::Status, &limits)));
    let watch = async {
        for n_answered in 0..N_CALLS {
            let expected = (n_answered + 4).min(N_CALLS);
            while server.seen(Call::Status).len() < expected {
                tokio::task::yield_now().await;
            }
            // While others come and are answered, one too many would come as well.
            for _ in 0..3 {
                make(&passer_by, Call::Intents, &limits).await.unwrap();
            }
            assert_eq!(server.seen(Call::Status).len(), expected, "four are in flight, {n_answered} are answered");
            gate.add_permits(1);
        }
    };
    let (made, ()) = join(calls, watch).await;
    assert!(made.iter().all(Result::is_ok));
}
