//! One throttle for a tenant: what one request learns, every request obeys.
//!
//! Three things must agree before a request starts: the moment before which nothing starts
//! (`Retry-After`, a spent budget), room among the requests in flight ([`window`]), and the pace
//! ([`pace`]). Requests are let in one by one, in the order in which they asked.

mod headers;
mod pace;
mod quota;
#[cfg(test)]
mod simulation;
mod stretch;
mod window;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::dialect::{Effect, Quota, Rate};
use super::waits::{RATE_LIMITED, Waits};
pub(super) use headers::{Announced, announced, retry_after};
use pace::Pace;
use quota::Counted;
use window::Window;

/// A reset at least this far off closes the gate; a nearer one is within a header's whole seconds.
const RESET_BELIEVED: Duration = Duration::from_secs(2);

/// Why requests are held back before a 429.
const COUNTED: &str = "as many requests were made as it answers in this time";
const SPENT: &str = "the tenant says that no requests are left until then";

/// The throttle.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<ThrottleState>,
    /// Where requests are counted, those that write need not wait behind those that read.
    turn: tokio::sync::Mutex<()>,
    turn_to_write: tokio::sync::Mutex<()>,
    changed: Notify,
    waits: Arc<Waits>,
}

#[derive(Debug)]
struct ThrottleState {
    window: Window,
    pace: Pace,
    counted: Option<Counted>,
    opens: Option<Instant>,
    budget: Option<Budget>,
    n_remaining_last: Option<u64>,
    epoch: u64,
}

/// What the tenant says may still be asked before a moment.
#[derive(Debug, Clone, Copy)]
struct Budget {
    n_left: u64,
    until: Instant,
}

enum Ask {
    Go { epoch: u64 },
    At(Instant, &'static str),
    WhenFreed,
}

/// Leave for one request. Dropped without a word, it counts for nothing.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    gate: &'a Gate,
    started: Instant,
    epoch: u64,
}

impl Gate {
    pub(super) fn new(concurrency: NonZeroUsize, rate: Rate, quota: Option<Quota>, waits: Arc<Waits>) -> Self {
        let state = ThrottleState {
            window: Window::new(concurrency),
            pace: Pace::new(rate, Instant::now()),
            counted: quota.map(Counted::new),
            opens: None,
            budget: None,
            n_remaining_last: None,
            epoch: 0,
        };
        let (turn, turn_to_write) = (tokio::sync::Mutex::new(()), tokio::sync::Mutex::new(()));
        Self { state: Mutex::new(state), turn, turn_to_write, changed: Notify::new(), waits }
    }

    /// Lets so many requests be in flight, where that is more than before: another environment shares the throttle.
    pub(super) fn raise(&self, concurrency: NonZeroUsize, quota: Option<Quota>) {
        let mut state = self.lock();
        state.window.raise(concurrency.get());
        if let (Some(counted), Some(quota)) = (&mut state.counted, quota) {
            counted.lower(quota);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Waits until a request may start.
    pub(super) async fn admit(&self, effect: Effect) -> Permit<'_> {
        let goes_first = effect != Effect::Reads && self.lock().counted.is_some();
        let _turn = if goes_first { self.turn_to_write.lock().await } else { self.turn.lock().await };
        loop {
            // Hears of every change from now on, awaited or not.
            let changed = self.changed.notified();
            let now = Instant::now();
            let ask = self.lock().ask(now, effect);
            match ask {
                Ask::Go { epoch } => return Permit { gate: self, started: now, epoch },
                Ask::At(instant, reason) => {
                    self.waits.tell(instant.saturating_duration_since(now), reason);
                    tokio::select! {
                        () = sleep_until(instant) => {}
                        () = changed => {}
                    }
                }
                Ask::WhenFreed => changed.await,
            }
        }
    }

    /// The moment before which nothing starts, where that lies ahead.
    pub(super) fn closed_until(&self) -> Option<Instant> {
        self.lock().opens.filter(|opens| *opens > Instant::now())
    }

    /// How many requests may be in flight.
    pub(super) fn allowed(&self) -> usize {
        self.lock().window.allowed()
    }

    fn lock(&self) -> MutexGuard<'_, ThrottleState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ThrottleState {
    fn ask(&mut self, now: Instant, effect: Effect) -> Ask {
        if let Some(opens) = self.opens.filter(|opens| *opens > now) {
            return Ask::At(opens, RATE_LIMITED);
        }
        if !self.window.has_room() {
            return Ask::WhenFreed;
        }
        if let Some(budget) = self.budget.filter(|budget| budget.n_left == 0 && budget.until > now) {
            return if self.window.in_flight() > 0 { Ask::WhenFreed } else { Ask::At(budget.until, SPENT) };
        }
        match &mut self.counted {
            Some(counted) => {
                let ready = counted.ready_at(now, effect);
                if ready > now {
                    return Ask::At(ready, COUNTED);
                }
                counted.take(now);
            }
            None => {
                let ready = self.pace.ready_at(now);
                if ready > now {
                    return Ask::At(ready, RATE_LIMITED);
                }
                self.pace.take(now);
            }
        }
        self.window.enter();
        if let Some(budget) = &mut self.budget {
            budget.n_left = budget.n_left.saturating_sub(1);
        }
        Ask::Go { epoch: self.epoch }
    }

    /// Slows everything down, once for all requests that were on their way together.
    fn slow_down(&mut self, permit: &Permit<'_>, now: Instant) -> bool {
        let first = permit.epoch == self.epoch;
        if first {
            self.epoch += 1;
        }
        match &mut self.counted {
            Some(counted) if first => counted.refused(now),
            Some(_) => {}
            None => self.pace.refused(permit.started, now),
        }
        first
    }

    fn close_until(&mut self, instant: Instant) {
        self.opens = Some(self.opens.map_or(instant, |opens| opens.max(instant)));
    }
}

impl Permit<'_> {
    /// The tenant answered, whatever it was other than 429.
    pub(super) fn answered(self, announced: Option<Announced>) {
        let now = Instant::now();
        let mut state = self.gate.lock();
        if self.epoch == state.epoch {
            state.window.widen();
        }
        if state.counted.is_none() {
            state.pace.went_well(self.started, now);
        }
        let Some(Announced { n_remaining, reset }) = announced else { return };
        let n_others = u64::try_from(state.window.in_flight().saturating_sub(1)).unwrap_or(u64::MAX);
        let budget = Budget { n_left: n_remaining.saturating_sub(n_others), until: now + reset };
        state.budget = (reset >= RESET_BELIEVED).then_some(budget);
        let spent_now = n_remaining == 0 && state.n_remaining_last.is_some_and(|n_last| n_last > 0);
        state.n_remaining_last = Some(n_remaining);
        if spent_now && reset < RESET_BELIEVED {
            state.slow_down(&self, now);
        }
    }

    /// The tenant answered 429. Nothing starts for `pause`: where the tenant `asked` for it, every
    /// such answer counts, else the first of those that were on their way together.
    pub(super) fn refused(self, pause: Duration, asked: bool) {
        let now = Instant::now();
        let mut state = self.gate.lock();
        let first = state.slow_down(&self, now);
        if first {
            state.window.halve();
        }
        if first || asked {
            state.close_until(now + pause);
        }
        if first {
            let n_in_flight = state.window.allowed();
            tracing::warn!(pause_ms = pause.as_millis(), n_in_flight, "the tenant limits the rate: slowing down");
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.gate.lock().window.leave();
        self.gate.changed.notify_waiters();
    }
}
