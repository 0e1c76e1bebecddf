//! The way to one target: its messages one after the other, each tried until it is taken, refused or old.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::patience::Patience;
use super::queue::{Item, MessageOutcome, Queue, Tally};
use crate::clock::Clock;

/// How one try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Carried {
    Delivered,
    /// Not now, for this reason; the target may ask for a wait.
    Again {
        asked: Option<Duration>,
        reason: String,
    },
    /// Not ever, for this reason.
    Refused(String),
}

/// Makes one try.
pub(super) type Carrier = Arc<dyn Fn(Item) -> BoxFuture<'static, Carried> + Send + Sync>;

/// A target's queue and the task that serves it.
pub(super) struct Lane {
    queue: Arc<Queue>,
    task: JoinHandle<()>,
    worker: Worker,
}

/// What the task works with.
#[derive(Clone)]
pub(super) struct Worker {
    /// Its place in the configuration, for messages.
    pub(super) place: String,
    pub(super) kind: &'static str,
    pub(super) carrier: Carrier,
    pub(super) patience: Patience,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tally: Tally,
}

impl Lane {
    pub(super) fn start(worker: Worker) -> Self {
        let queue = Arc::<Queue>::default();
        let (its_queue, its_worker) = (Arc::clone(&queue), worker.clone());
        let task = tokio::spawn(async move {
            while let Some(item) = its_queue.take().await {
                let outcome = its_worker.carry(item, &its_queue).await;
                (its_worker.tally)(its_worker.kind, outcome);
            }
        });
        Self { queue, task, worker }
    }

    /// Never waits.
    pub(super) fn put(&self, item: Item) {
        let Worker { place, kind, patience, tally, .. } = &self.worker;
        if self.queue.put(item, patience.items_max).is_some() {
            tracing::warn!(notification = place, kind, "too many messages wait for it: the oldest is dropped");
            tally(kind, MessageOutcome::Dropped);
        }
    }

    /// Delivers what still waits, for so long.
    pub(super) async fn close(mut self, within: Duration) {
        self.queue.close();
        if timeout(within, &mut self.task).await.is_ok() {
            return;
        }
        self.task.abort();
        // It lets go at once, and says nothing.
        let _ = (&mut self.task).await;
        let Worker { place, kind, tally, .. } = &self.worker;
        let n_left = self.queue.clear();
        tracing::warn!(notification = place, kind, n_left, "no time is left for it: its messages are dropped");
        // The one under way, too, is nobody's any more.
        (0..=n_left).for_each(|_| tally(kind, MessageOutcome::Dropped));
    }
}

impl Worker {
    async fn carry(&self, item: Item, queue: &Queue) -> MessageOutcome {
        let Self { place, kind, patience, .. } = self;
        let mut n_tries = 0_u32;
        loop {
            n_tries += 1;
            let (asked, reason) = match (self.carrier)(item.clone()).await {
                Carried::Delivered => {
                    tracing::debug!(notification = place, kind, n_tries, "delivered");
                    return MessageOutcome::Sent;
                }
                Carried::Refused(reason) => {
                    tracing::warn!(notification = place, kind, "not delivered: {reason}");
                    return MessageOutcome::Failed;
                }
                Carried::Again { asked, reason } => (asked, reason),
            };
            let wait = asked.map_or_else(|| self.backoff(n_tries), |asked| asked.min(patience.asked_wait_max));
            let is_late = item.until.checked_duration_since(Instant::now()).is_none_or(|left| left < wait);
            let is_ending = queue.is_closed();
            if is_late || (is_ending && wait > patience.wait_at_the_end) {
                tracing::warn!(notification = place, kind, n_tries, "not delivered: {reason}");
                return MessageOutcome::Failed;
            }
            tracing::info!(notification = place, kind, n_tries, "tried again in {} ms: {reason}", wait.as_millis());
            tokio::select! {
                () = sleep(wait) => {}
                // One last try.
                () = queue.when_closed(), if !is_ending => {}
            }
        }
    }

    /// The wait after so many tries, a fifth shorter or longer by chance.
    fn backoff(&self, n_tries: u32) -> Duration {
        let Patience { first_wait, longest_wait, .. } = &self.patience;
        let doubled = first_wait.saturating_mul(2_u32.saturating_pow(n_tries.saturating_sub(1))).min(*longest_wait);
        let share = 800 + self.clock.random() % 401;
        doubled.mul_f64(share as f64 / 1_000.0)
    }
}
