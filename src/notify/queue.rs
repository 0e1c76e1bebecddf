//! What waits for one target: so many messages, the newest of which count most.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::what::News;
use crate::config::NotificationEvent;

/// One message to be made and delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) news: Arc<News>,
    /// Those of the news that the target wants to hear of.
    pub(super) events: Vec<NotificationEvent>,
    /// After this it is not delivered any more.
    pub(super) until: Instant,
}

/// What became of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageOutcome {
    /// The target took it.
    Sent,
    /// The target refused it, or could not be reached in time.
    Failed,
    /// It was never tried: too many waited, or the process ended.
    Dropped,
}

impl MessageOutcome {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// Told of each message of a kind, what became of it.
pub type Tally = Arc<dyn Fn(&'static str, MessageOutcome) + Send + Sync>;

/// Messages of one target, oldest first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<QueueState>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct QueueState {
    items: VecDeque<Item>,
    is_closed: bool,
}

impl Queue {
    /// Adds one. Where `items_max` wait already, the oldest goes and is given back.
    pub(super) fn put(&self, item: Item, items_max: usize) -> Option<Item> {
        let oldest = {
            let mut state = self.state();
            let oldest = if state.items.len() >= items_max { state.items.pop_front() } else { None };
            state.items.push_back(item);
            oldest
        };
        self.changed.notify_waiters();
        oldest
    }

    /// The oldest, when there is one; `None` when there will be none any more.
    pub(super) async fn take(&self) -> Option<Item> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                match state.items.pop_front() {
                    Some(item) => return Some(item),
                    None if state.is_closed => return None,
                    None => {}
                }
            }
            changed.await;
        }
    }

    /// No more comes.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_waiters();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Comes back when no more comes.
    pub(super) async fn when_closed(&self) {
        loop {
            let changed = self.changed.notified();
            if self.is_closed() {
                return;
            }
            changed.await;
        }
    }

    /// Takes out all that still wait, and says how many.
    pub(super) fn clear(&self) -> usize {
        std::mem::take(&mut self.state().items).len()
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
