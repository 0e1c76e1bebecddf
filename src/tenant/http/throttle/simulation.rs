//! The throttle against models of tenants, under paused time: how much of the tenant's rate is used,
//! and how often it has to say 429.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::super::jitter::Jitter;
use super::*;

const RATE: Rate = Rate { floor: 5.0, window: Duration::from_secs(1) };

/// A tenant: a bucket of `burst` requests that fills at `rate`.
struct Tenant {
    rate: f64,
    burst: f64,
    latency: Duration,
    /// What a caller does between two requests, at most.
    pause: Duration,
    retry_after: bool,
    announces: bool,
    /// Share of answers that are 429 for no reason.
    whims: f64,
    state: Mutex<(f64, Instant)>,
    jitter: Jitter,
    n_served: Mutex<u32>,
    n_refused: Mutex<u32>,
}

impl Tenant {
    fn of(rate: f64, burst: f64) -> Self {
        Self {
            rate,
            burst,
            latency: Duration::from_millis(20),
            pause: Duration::ZERO,
            retry_after: true,
            announces: false,
            whims: 0.0,
            state: Mutex::new((burst, Instant::now())),
            jitter: Jitter::new(Some(7)),
            n_served: Mutex::new(0),
            n_refused: Mutex::new(0),
        }
    }

    /// Whether a request is served, and what is left.
    fn serve(&self) -> (bool, Announced) {
        let mut state = self.state.lock().unwrap();
        let now = Instant::now();
        let tokens = (state.0 + self.rate * (now - state.1).as_secs_f64()).min(self.burst);
        let whim = self.jitter.full(Duration::from_secs(1)).as_secs_f64() < self.whims;
        let served = tokens >= 1.0 && !whim;
        let left = if served { tokens - 1.0 } else { tokens };
        *state = (left, now);
        *if served { &self.n_served } else { &self.n_refused }.lock().unwrap() += 1;
        let reset = Duration::from_secs_f64(((1.0 - left).max(0.0) / self.rate).ceil());
        #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "small and floored")]
        let n_remaining = left as u64;
        (served, Announced { n_remaining, reset })
    }

    async fn half_way(&self) {
        sleep(self.latency / 4 + self.jitter.full(self.latency / 2)).await;
    }

    async fn client(&self, gate: &Gate) {
        loop {
            sleep(self.jitter.full(self.pause)).await;
            let permit = gate.admit(Effect::Reads).await;
            self.half_way().await;
            let (served, announced) = self.serve();
            self.half_way().await;
            if served {
                permit.answered(self.announces.then_some(announced));
                continue;
            }
            let pause =
                if self.retry_after { Duration::from_secs(1) } else { self.jitter.full(Duration::from_millis(500)) };
            permit.refused(pause, self.retry_after);
            sleep(pause).await;
        }
    }

    /// Eight callers that always have something to ask, for `seconds` after the first one. Returns
    /// the share of the rate that was used, and the share of answers that were 429.
    async fn load(&self, seconds: u32) -> (f64, f64) {
        let gate = Gate::new(NonZeroUsize::new(8).unwrap(), RATE, None, Arc::new(Waits::new("t")));
        let all = async { join_all((0..8).map(|_| self.client(&gate))).await };
        let mut all = std::pin::pin!(all);
        assert!(timeout(Duration::from_secs(1), &mut all).await.is_err());
        let counts = || (f64::from(*self.n_served.lock().unwrap()), f64::from(*self.n_refused.lock().unwrap()));
        let before = counts();
        assert!(timeout(Duration::from_secs(u64::from(seconds)), &mut all).await.is_err());
        let (n_served, n_refused) = (counts().0 - before.0, counts().1 - before.1);
        (n_served / (self.rate * f64::from(seconds)), n_refused / (n_served + n_refused))
    }
}

/// Over five seeds: every one refuses less than 1 %, and all together use `least` of the rate.
async fn check(least: f64, name: &str, seconds: u32, tenant: impl Fn() -> Tenant) {
    let mut used_sum = 0.0;
    for seed in 0..5 {
        let (used, refused) = Tenant { jitter: Jitter::new(Some(seed)), ..tenant() }.load(seconds).await;
        assert!(refused < 0.01, "{name}, {seconds} s, seed {seed}: {refused:.4} refused");
        used_sum += used;
    }
    let used = used_sum / 5.0;
    assert!(used > least, "{name}, {seconds} s: {used:.3} of the rate used");
}

#[tokio::test(start_paused = true)]
async fn a_limited_tenant_is_used_to_nine_tenths_and_refuses_less_than_one_percent() {
    // A short run still pays for the search and for the pause of one second that ends it.
    for (seconds, least) in [(10, 0.83), (20, 0.89), (40, 0.91), (60, 0.92), (200, 0.95)] {
        check(least, "50/s burst 10", seconds, || Tenant::of(50.0, 10.0)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn other_limits_fare_the_same() {
    check(0.9, "20/s burst 20", 60, || Tenant::of(20.0, 20.0)).await;
    check(0.9, "10/s burst 5", 200, || Tenant::of(10.0, 5.0)).await;
    check(0.9, "100/s burst 10", 60, || Tenant::of(100.0, 10.0)).await;
    check(0.9, "200/s burst 50", 60, || Tenant::of(200.0, 50.0)).await;
    check(0.9, "50/s burst 50", 60, || Tenant::of(50.0, 50.0)).await;
    // Answers that overtake each other do not fit a bucket of one.
    check(0.5, "50/s burst 1", 60, || Tenant::of(50.0, 1.0)).await;
}

#[tokio::test(start_paused = true)]
async fn callers_that_begin_slowly_do_not_hide_the_burst() {
    for (millis, least) in [(60, 0.92), (200, 0.85)] {
        let pause = Duration::from_millis(millis);
        check(least, "pause", 60, || Tenant { pause, ..Tenant::of(50.0, 10.0) }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_names_no_wait_is_paced_as_well() {
    for seconds in [20, 60] {
        check(0.9, "no Retry-After", seconds, || Tenant { retry_after: false, ..Tenant::of(50.0, 10.0) }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_announces_its_budget_fares_the_same() {
    for (seconds, least) in [(20, 0.85), (60, 0.9)] {
        check(least, "announced", seconds, || Tenant { announces: true, ..Tenant::of(50.0, 10.0) }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn slow_and_quick_answers_do_not_confuse_the_measurement() {
    for (millis, least) in [(2, 0.9), (100, 0.8)] {
        let latency = Duration::from_millis(millis);
        check(least, "latency", 60, || Tenant { latency, ..Tenant::of(50.0, 10.0) }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_refuses_at_random_does_not_bring_everything_to_a_halt() {
    for whims in [0.02, 0.1] {
        let tenant = Tenant { whims, ..Tenant::of(1_000.0, 1_000.0) };
        let (used, _) = tenant.load(120).await;
        assert!(used * 1_000.0 > 3.0, "{:.1} requests a second", used * 1_000.0);
    }
}

#[tokio::test(start_paused = true)]
async fn no_request_starts_before_the_tenants_wait_is_over() {
    let gate = Gate::new(NonZeroUsize::new(4).unwrap(), RATE, None, Arc::new(Waits::new("t")));
    let start = Instant::now();
    let (first, second) = (gate.admit(Effect::Reads).await, gate.admit(Effect::Reads).await);
    first.refused(Duration::from_secs(7), true);
    second.refused(Duration::from_secs(9), true);
    assert_eq!(gate.closed_until(), Some(start + Duration::from_secs(9)));
    let permits = join_all([gate.admit(Effect::Reads), gate.admit(Effect::Reads)]).await;
    assert!(permits.iter().all(|permit| permit.started >= start + Duration::from_secs(9)));
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_closes_the_gate_until_it_resets() {
    let gate = Gate::new(NonZeroUsize::new(4).unwrap(), RATE, None, Arc::new(Waits::new("t")));
    let start = Instant::now();
    let budget = Announced { n_remaining: 1, reset: Duration::from_secs(30) };
    gate.admit(Effect::Reads).await.answered(Some(budget));
    drop(gate.admit(Effect::Reads).await);
    assert!(start.elapsed() < Duration::from_secs(1));
    drop(gate.admit(Effect::Reads).await);
    assert!(start.elapsed() >= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_dropped_or_a_waiter_that_gives_up_frees_its_place() {
    let gate = Gate::new(NonZeroUsize::new(1).unwrap(), RATE, None, Arc::new(Waits::new("t")));
    let permit = gate.admit(Effect::Reads).await;
    assert!(timeout(Duration::from_secs(1), gate.admit(Effect::Reads)).await.is_err());
    drop(permit);
    assert!(timeout(Duration::from_secs(1), gate.admit(Effect::Reads)).await.is_ok());
}
