//! The clocks of a machine, and its sleep.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use flowsync::clock::SimulatedClock;
use jiff::SignedDuration;
use tokio::time::sleep;

use super::script::Script;
use super::world::origin;

/// The clocks of a machine: how far the wall clock is ahead of true time is set now and then.
pub struct Clocks {
    pub simulated: Arc<SimulatedClock>,
    at_first: SignedDuration,
    ahead: Mutex<SignedDuration>,
}

impl Clocks {
    pub fn new(ahead: SignedDuration, seed: u64) -> Self {
        let simulated = Arc::new(SimulatedClock::starting_at(origin() + ahead, seed));
        Self { simulated, at_first: ahead, ahead: Mutex::new(ahead) }
    }

    /// Sets the wall clock: so far it is ahead from now on.
    pub fn set(&self, ahead: SignedDuration) {
        let mut before = self.ahead.lock().unwrap();
        self.simulated.step(ahead - *before);
        *before = ahead;
    }

    /// Sets the wall clock as it was at first.
    pub fn set_right(&self) {
        self.set(self.at_first);
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
