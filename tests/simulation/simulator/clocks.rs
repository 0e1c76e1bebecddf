//! The clocks of a machine, and its sleep.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use flowsync::clock::{Clock, SimulatedClock};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::script::Script;
use super::world::origin;

/// The clocks of a machine: how far the wall clock is ahead of true time is set now and then.
pub struct Clocks {
    pub simulated: Arc<SimulatedClock>,
    at_first: SignedDuration,
    ahead: Mutex<SignedDuration>,
    /// What it showed each time just before it was set.
    before: Mutex<Vec<(Instant, Timestamp)>>,
}

impl Clocks {
    pub fn new(ahead: SignedDuration, seed: u64) -> Self {
        let simulated = Arc::new(SimulatedClock::starting_at(origin() + ahead, seed));
        Self { simulated, at_first: ahead, ahead: Mutex::new(ahead), before: Mutex::default() }
    }

    /// Sets the wall clock: so far it is ahead from now on.
    pub fn set(&self, ahead: SignedDuration) {
        let mut before = self.ahead.lock().unwrap();
        self.before.lock().unwrap().push((Instant::now(), self.simulated.now()));
        self.simulated.step(ahead - *before);
        *before = ahead;
    }

    /// Sets the wall clock as it was at first.
    pub fn set_right(&self) {
        self.set(self.at_first);
    }

    /// The times that a process which started then can have been shown last: now, or before the clock was set.
    pub fn shown_since(&self, started: Instant) -> Vec<Timestamp> {
        let before = self.before.lock().unwrap();
        let shown = before.iter().filter(|(at, _)| *at >= started).map(|(_, shown)| *shown);
        shown.chain([self.simulated.now()]).collect()
    }

    pub fn is_as_at_first(&self) -> bool {
        *self.ahead.lock().unwrap() == self.at_first
    }
}

/// Runs a process, but while its machine sleeps. A write under way cannot be called back: the machine falls asleep
/// once there is none.
pub async fn while_awake<F: Future>(script: &Script, process: F) -> F::Output {
    let mut process = pin!(process);
    let mut nap: Option<(Duration, std::pin::Pin<Box<tokio::time::Sleep>>)> = None;
    poll_fn(|context| {
        loop {
            if let Some((time, asleep)) = &mut nap {
                if asleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                script.wakes(*time);
                nap = None;
            }
            if let Poll::Ready(output) = process.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            match script.falls_asleep() {
                Some(time) => nap = Some((time, Box::pin(sleep(time)))),
                None => return Poll::Pending,
            }
        }
    })
    .await
}
