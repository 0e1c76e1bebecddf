//! One environment: passes with one configuration after the other, each with its own wait before the next.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::event::Event;
use super::keeper::Keeper;
use super::nudge::{Alarm, Cause, Woken};
use super::{Environments, Opened, Passes};
use crate::controller::triggers::{Advice, advice, next_tick, no_later_than};
use crate::controller::{EnvironmentReport, SyncResult};
use crate::plan::Hold;

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
        let mut cause = Cause::Start;
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
                Over::Reload => cause = Cause::Reload,
                Over::Asked(code) => return code,
            }
        }
    }

    /// Passes with one configuration. Once asked to end, the pass under way comes to its end.
    async fn passes(&self, passes: &E::Passes, first: Cause) -> Over {
        let mut cause = first;
        let mut n_failures = 0_u32;
        while self.keeper.shutdown.asked().is_none() {
            let (took, report) = self.pass(passes, cause).await;
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
                Ok(next) => cause = next,
                Err(over) => return over,
            }
        }
        Over::Asked(0)
    }

    /// One pass. A panic in it is a bug of ours: it is this pass's error, and ends nothing else.
    async fn pass(&self, passes: &E::Passes, cause: Cause) -> (Duration, EnvironmentReport) {
        let Keeper { events, clock, .. } = &self.keeper;
        let (environment, started) = (self.environment.clone(), Instant::now());
        events.tell(Event::PassStarted { environment, at: clock.now(), cause });
        let report = AssertUnwindSafe(passes.pass(cause)).catch_unwind().await;
        let report = report.unwrap_or_else(|panic| EnvironmentReport::of_panic(&self.environment, &*panic));
        (started.elapsed(), report)
    }

    /// Waits for whatever comes first: time, a window that `opens`, a nudge, another configuration, the end.
    async fn next(&self, interval: Duration, advice: Advice, opens: Option<Timestamp>) -> Result<Cause, Over> {
        let at_its_time = match advice {
            Advice::AtTheInterval => Cause::Interval,
            Advice::RetryAfter(_) => Cause::Retry,
        };
        let clock = &self.keeper.clock;
        let tick = no_later_than(next_tick(interval, advice, clock.random()), opens, clock.now());
        tokio::select! {
            biased;
            _ = self.keeper.shutdown.when_asked() => Err(Over::Asked(0)),
            woken = self.alarm.heard() => match woken {
                Woken::Pass(cause) => Ok(cause),
                Woken::Reload => Err(Over::Reload),
            },
            () = sleep(tick) => Ok(at_its_time),
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
