//! The moment at which a call begins to change a flow, written down.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;

use super::FlowFailure;
use super::journal::Journal;
use super::look::Before;
use crate::flow::FlowId;
use crate::local::LocalState;
use crate::record::audit::{Event, EventKind};
use crate::tenant::{Call, NotRecorded, Recorder, Recording};

/// What is done where the record cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing is sent.
    Forward,
    /// It goes on: what was written is taken back whatever the disk says.
    Back,
}

/// When a tenant's calls change what they are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changes {
    /// By their first request: the intent stands for it on the disk.
    AtOnce,
    /// After others, which may take minutes: it is a record of its own.
    Later,
}

/// Looks at what was seen of the flow since the call was made, and says what was there before.
pub(super) type LookAgain<'a> = dyn Fn() -> BoxFuture<'a, Result<Before, FlowFailure>> + Send + Sync + 'a;

/// One call that is under way.
pub(super) struct Sending<'a, L> {
    journal: &'a Journal<L>,
    changes: Changes,
    way: Way,
    call: Call,
    flow: &'a FlowId,
    has_begun: AtomicBool,
    look_again: Option<&'a LookAgain<'a>>,
    /// Whether a flow to be created was seen there by then.
    is_foreign: AtomicBool,
}

impl<'a, L: LocalState> Sending<'a, L> {
    pub(super) fn new(journal: &'a Journal<L>, changes: Changes, way: Way, call: Call, flow: &'a FlowId) -> Self {
        let (has_begun, is_foreign) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { journal, changes, way, call, flow, has_begun, look_again: None, is_foreign }
    }

    /// The same where it is looked again before the flow is changed, if that is not at once.
    pub(super) fn looking(self, look_again: &'a LookAgain<'a>) -> Self {
        Self { look_again: Some(look_again), ..self }
    }

    /// Whether a flow to be created was found to be somebody else's, in the time between call and change.
    pub(super) fn is_foreign(&self) -> bool {
        self.is_foreign.load(Ordering::Acquire)
    }

    /// The same of a call whose first request changes the flow in any dialect.
    pub(super) fn begun(self) -> Self {
        Self { has_begun: AtomicBool::new(true), ..self }
    }

    /// Whether a request may have been sent that changes the flow.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Acquire)
    }

    /// The beginning of the record of what came of it.
    pub(super) fn outcome(&self) -> Event {
        Event::new(EventKind::Outcome).with("call", self.call.as_str()).with("flow", self.flow.as_str())
    }

    /// Others may have looked since the call was made.
    async fn see(&self) -> Result<(), NotRecorded> {
        let Some(look_again) = self.look_again else { return Ok(()) };
        let seen = look_again().await;
        let is_foreign = seen.as_ref().map_or_else(|failure| failure.existed, |before| *before == Before::Foreign);
        self.is_foreign.store(is_foreign, Ordering::Release);
        seen.map(drop).map_err(|failure| NotRecorded(failure.message))
    }

    async fn begin(&self) -> Result<(), NotRecorded> {
        if self.has_begun() {
            return Ok(());
        }
        if self.changes == Changes::Later {
            self.see().await?;
            let event = Event::new(EventKind::Sending);
            let event = event.with("call", self.call.as_str()).with("flow", self.flow.as_str());
            let recorded = self.journal.record(&event).await;
            if self.way == Way::Forward {
                recorded.map_err(|failed| NotRecorded(failed.to_string()))?;
            }
        }
        self.has_begun.store(true, Ordering::Release);
        Ok(())
    }
}

impl<L: LocalState> Recorder for Sending<'_, L> {
    fn before_change(&self) -> Recording<'_> {
        Box::pin(self.begin())
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;
    use crate::local::{MemoryState, StateFault, StateHook, StateWrite};
    use crate::record::audit::parse;

    /// A disk to which nothing can be appended.
    struct Full;

    impl StateHook for Full {
        fn next(&self, write: StateWrite) -> StateFault {
            if write == StateWrite::Append { StateFault::Fails(ErrorKind::StorageFull) } else { StateFault::None }
        }
    }

    /// Whether a call may go on that is told twice of a change, whether it has begun, and what stands in the trail.
    async fn told_twice(disk: MemoryState, changes: Changes, way: Way) -> (bool, bool, Vec<String>) {
        let journal = Journal::new(Arc::new(disk), Arc::new(SystemClock), "production", "d1", None);
        let flow = "flow_a".parse().unwrap();
        let sending = Sending::new(&journal, changes, way, Call::Import, &flow);
        assert!(!sending.has_begun(), "nothing was sent so far");
        let told = (sending.before_change().await, sending.before_change().await);
        let events = parse(&journal.snapshot().0).unwrap();
        let events = events.iter().map(|record| record.text("event").to_owned()).collect();
        (told.0.is_ok() && told.1.is_ok(), sending.has_begun(), events)
    }

    #[tokio::test]
    async fn the_change_is_written_down_once_where_it_comes_after_other_requests() {
        let whole = MemoryState::default;
        let sending = vec!["sending".to_owned()];
        for way in [Way::Forward, Way::Back] {
            assert_eq!(told_twice(whole(), Changes::AtOnce, way).await, (true, true, Vec::new()));
            assert_eq!(told_twice(whole(), Changes::Later, way).await, (true, true, sending.clone()));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_written_down_is_not_sent_but_on_the_way_back() {
        let full = || MemoryState::default().through(Arc::new(Full));
        let (may_go_on, has_begun, _) = told_twice(full(), Changes::Later, Way::Forward).await;
        assert_eq!((may_go_on, has_begun), (false, false));
        let (may_go_on, has_begun, _) = told_twice(full(), Changes::Later, Way::Back).await;
        assert_eq!((may_go_on, has_begun), (true, true));
        assert!(told_twice(full(), Changes::AtOnce, Way::Forward).await.0, "the intent stood for it");
    }
}
