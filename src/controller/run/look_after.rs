//! One environment: passes with one configuration after the other, each with its own wait before the next.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};

use super::event::Event;
use super::keeper::Keeper;
use super::nudge::{Alarm, Trigger, Wish, Woken};
use super::{Environments, Opened, Passes};
use crate::clock::later;
use crate::config::format_duration;
use crate::controller::when::{Advice, advice, next_tick, no_later_than};
use crate::controller::{EnvironmentReport, SyncResult};
use crate::plan::Hold;
use crate::shutdown::Shutdown;

/// How long a pass that takes too long may take to end, or to be taken back.
const OVERDUE_GRACE: Duration = Duration::from_secs(4 * 60);
/// One that does not end then is cut off after this.
const CUT_OFF_AFTER: Duration = Duration::from_secs(10);
/// For this share of an interval, environments share what one of them fetched: the shortest time from one pass to the
/// next of the same environment.
const SHARED_FOR: f64 = 0.9;

/// The task of one environment.
pub(super) struct Task<E> {
    pub(super) keeper: Keeper<E>,
    pub(super) environment: Arc<str>,
    pub(super) alarm: Alarm,
}

/// Why passes with one configuration are over.
enum Over {
    /// There is another one.
    Reload,
    /// This process was asked to end; the exit code.
    Asked(u8),
}

impl<E: Environments> Task<E> {
    /// Looks after it until asked to end, or until it is gone. The exit code is what its last deployment means, where
    /// that was ended because this process was asked to end.
    pub(super) async fn look_after(self) -> u8 {
        let mut cause = Trigger::Start;
        loop {
            let over = match self.keeper.environments.open(&self.environment) {
                Opened::Ready(passes) => self.passes(&passes, cause).await,
                Opened::Broken { report, again } => {
                    self.tell_end(Duration::ZERO, *report);
                    self.wait_broken(again).await
                }
                Opened::Gone => {
                    self.keeper.events.tell(Event::Gone { environment: self.environment.clone() });
                    return 0;
                }
            };
            match over {
                Over::Reload => cause = Trigger::Reload,
                Over::Asked(code) => return code,
            }
        }
    }

    /// Passes with one configuration. Once asked to end, the pass under way comes to its end.
    async fn passes(&self, passes: &E::Passes, first: Trigger) -> Over {
        let mut wish = Wish { cause: first, since: fresh_enough(passes.interval()) };
        let mut n_failures = 0_u32;
        while self.keeper.shutdown.asked().is_none() {
            let (took, report) = self.pass(passes, wish).await;
            let (result, is_asked) = (report.result, self.keeper.shutdown.asked().is_some());
            let opens = report.held.as_ref().and_then(Hold::until);
            if is_asked && report.deployment_id.is_none() {
                // Nothing had begun: there is nothing to tell but that it ended.
                return Over::Asked(0);
            }
            self.tell_end(took, report);
            if is_asked {
                return Over::Asked(result.exit_code());
            }
            n_failures = if result == SyncResult::Error { n_failures.saturating_add(1) } else { 0 };
            match self.next(passes.interval(), advice(result, n_failures), opens).await {
                Ok(next) => wish = next,
                Err(over) => return over,
            }
        }
        Over::Asked(0)
    }

    /// One pass. A panic in it is a bug of ours: it is this pass's error, and ends nothing else.
    async fn pass(&self, passes: &E::Passes, wish: Wish) -> (Duration, EnvironmentReport) {
        let Keeper { events, clock, shutdown, .. } = &self.keeper;
        let (environment, started, deadline) = (self.environment.clone(), Instant::now(), passes.deadline());
        events.tell(Event::PassStarted { environment, at: clock.now(), cause: wish.cause, deadline });
        let stop = shutdown.part();
        let mut pass = pin!(AssertUnwindSafe(passes.pass(wish, stop.clone())).catch_unwind());
        let ended = tokio::select! {
            biased;
            ended = &mut pass => Some(ended),
            () = sleep(deadline) => self.end_overdue(&mut pass, &stop, deadline).await,
        };
        let environment = &self.environment;
        let report = match ended {
            Some(Ok(report)) => report,
            Some(Err(panic)) => EnvironmentReport::of_panic(environment, &*panic),
            None => {
                let deadline = format_duration(deadline);
                let error = format!(
                    "the pass took longer than `sync.passDeadline` ({deadline}), did not end when asked to, and was cut \
                     off; the next one goes on with what was begun"
                );
                EnvironmentReport { error: Some(error), ..EnvironmentReport::new(environment, SyncResult::Error) }
            }
        };
        (started.elapsed(), report)
    }

    /// Asks a pass to end that takes too long; `None` where it does not.
    async fn end_overdue<R>(
        &self,
        pass: &mut (impl Future<Output = R> + Unpin),
        stop: &Shutdown,
        deadline: Duration,
    ) -> Option<R> {
        self.keeper.events.tell(Event::PassOverdue { environment: self.environment.clone(), deadline });
        stop.ask("`sync.passDeadline`", OVERDUE_GRACE);
        timeout(OVERDUE_GRACE + CUT_OFF_AFTER, pass).await.ok()
    }

    /// Waits for whatever comes first: time, a window that `opens`, a nudge, another configuration, the end.
    async fn next(&self, interval: Duration, advice: Advice, opens: Option<Timestamp>) -> Result<Wish, Over> {
        let cause = match advice {
            Advice::AtTheInterval => Trigger::Interval,
            Advice::RetryAfter(_) => Trigger::Retry,
        };
        let clock = &self.keeper.clock;
        let tick = no_later_than(next_tick(interval, advice, clock.random()), opens, clock.now());
        let until = later(clock.now(), tick);
        self.keeper.events.tell(Event::Waits { environment: self.environment.clone(), until });
        tokio::select! {
            biased;
            _ = self.keeper.shutdown.when_asked() => Err(Over::Asked(0)),
            woken = self.alarm.heard() => match woken {
                Woken::Pass(wish) => Ok(wish),
                Woken::Reload => Err(Over::Reload),
            },
            () = sleep(tick) => Ok(Wish { cause, since: fresh_enough(interval) }),
        }
    }

    /// A configuration that cannot be used waits to be mended.
    async fn wait_broken(&self, again: Option<Duration>) -> Over {
        tokio::select! {
            biased;
            _ = self.keeper.shutdown.when_asked() => Over::Asked(0),
            _ = self.alarm.heard() => Over::Reload,
            () = sleep(again.unwrap_or_default()), if again.is_some() => Over::Reload,
        }
    }

    fn tell_end(&self, took: Duration, report: EnvironmentReport) {
        let (environment, at) = (self.environment.clone(), self.keeper.clock.now());
        self.keeper.events.tell(Event::PassEnded { environment, at, took, report: Arc::new(report) });
    }
}

/// Environments of one repository come to it once an interval together: what another one fetched lately will do, and
/// what this one fetched at its last pass will not.
fn fresh_enough(interval: Duration) -> Instant {
    let now = Instant::now();
    now.checked_sub(interval.mul_f64(SHARED_FOR)).unwrap_or(now)
}
